"""`senodrift report` and `senodrift movie`: results to hand over."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.app import app, tell_notes

FEW_FRAMES = 10  # of a movie; below it is said how to keep more
RunFolder = Annotated[
    Path, typer.Argument(metavar="RESULTS", help="The results folder of a run.", show_default=False)
]  # fmt: skip


@app.command()
def movie(
    results: RunFolder,
    layer: Annotated[str, typer.Option(metavar="NAME", help="What is shown: state, cause, generation, type, cargo, "
                                       "melanin, or a factor, as far as record.maps kept it.")] = "state",
    arms: Annotated[str | None, typer.Option(metavar="A,B", help="Only these arms.", show_default=False)] = None,
    tissue: Annotated[str | None, typer.Option(metavar="NAME", help="If not given, the first one.",
                                               show_default=False)] = None,
    replicate: Annotated[int, typer.Option(metavar="N", help="Whose maps.")] = 0,
    fps: Annotated[float, typer.Option(metavar="F", help="Frames (days with maps) per second.")] = 5.0,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="A .gif or .mp4 file; if not given, "
                                             "RESULTS/figures/movie-LAYER.gif.", show_default=False)] = None,
) -> None:  # fmt: skip
    """Make a movie of a tissue: arms side by side, a frame for every day with a map, doses on a clock below.

    A GIF needs nothing more; an MP4 (H.264, plays in browsers) needs pip install 'senodrift[movies]'. Frames are the
    days whose maps a run keeps: record.maps_every in its scenario keeps more.

    \b
    Examples:
      senodrift run configs/skin_graft.yaml --set record.maps_every="5 d" --out results/graft
      senodrift movie results/graft
      senodrift movie results/graft --layer drift --arms sham,graft --fps 10 --out drift.mp4
    """  # noqa: D301
    from sim.figures.film import check_movie
    from sim.results import read_results

    file = results / "figures" / f"movie-{layer}.gif" if out is None else out
    check_movie(file, fps)
    tables = read_results(results)
    chosen = None if arms is None else [name.strip() for name in arms.split(",")]
    made = tables.plot.movie(layer, replicate, tissue, chosen)
    if len(made.days) < FEW_FRAMES:
        frames = f"{len(made.days)} frame{'s' if len(made.days) > 1 else ''}, the days with maps"
        tell_notes([f'{frames}; run with --set record.maps_every="{_every(tables.manifest)} d" for more'])
    file.parent.mkdir(parents=True, exist_ok=True)
    typer.echo(str(made.save(file, fps)))


def _every(manifest: dict[str, float]) -> str:
    """About fifty frames, a whole number of steps apart."""
    return f"{max(1, round(manifest['days'] / 50.0 / manifest['dt'])) * manifest['dt']:.6g}"


@app.command()
def report(
    results: RunFolder,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="An .html file; if not given, "
                                             "RESULTS/report.html.", show_default=False)] = None,
) -> None:  # fmt: skip
    """Write a report to hand over: one HTML file that opens without Python or network, and prints.

    It holds the question, the answer with intervals, arms and doses, all figures, the tissue from day to day, the
    parameters with their sources, a paragraph of methods, versions, and how to make it again. All of it comes from the
    tables in the folder.

    \b
    Examples:
      senodrift report results/skin_graft-4a42c6
      senodrift report results/skin_graft-4a42c6 --out skin_graft.html
    """  # noqa: D301
    from sim.report import check_page, write_report
    from sim.results import read_results

    if out is not None:
        check_page(out)
    typer.echo(str(write_report(read_results(results), out)))
