"""`senodrift export`: stored maps in the formats of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.app import app, tell_notes
from sim.errors import ResultsError


@app.command()
def export(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="A results folder with maps.", show_default=False)],
    to: Annotated[str, typer.Option(metavar="csv|anndata|zarr|tiff", help="The format.", show_default=False)],
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="A new folder; if not given, RESULTS-FORMAT beside "
                                             "the results.", show_default=False)] = None,
    arm: Annotated[str | None, typer.Option(metavar="NAME", help="Only this arm.")] = None,
    replicate: Annotated[int | None, typer.Option(metavar="N", help="Only this replicate.")] = None,
    tissue: Annotated[str | None, typer.Option(metavar="NAME", help="Only this tissue.")] = None,
    days: Annotated[str | None, typer.Option(metavar="D,D", help='Only these days: 0,30 or "4 wk".')] = None,
) -> None:  # fmt: skip
    """Write stored maps for other programs: tables of cells, AnnData, Zarr or OME-TIFF.

    csv and anndata have a row per site and a file per run and day; a scenario can begin with one of them. zarr is one
    store for xarray, with the time series. tiff has a stack over time per run and layer, with the size of a pixel.

    \b
    Examples:
      senodrift export results/skin_graft-4a42c6 --to csv --arm graft --days 150
      senodrift export results/skin_graft-4a42c6 --to zarr --out graft.zarr
      senodrift export results/skin_graft-4a42c6 --to tiff --replicate 0 --tissue skin
      senodrift export results/skin_graft-4a42c6 --to anndata --days 0,90
    """  # noqa: D301
    from sim.exchange.export import export as write
    from sim.exchange.export import left_out
    from sim.results import read_results

    wanted = None if days is None else [_day(each) for each in days.split(",")]
    tables = read_results(results)
    folder = write(tables, to, out, arm, replicate, tissue, wanted)
    tell_notes(left_out(tables, to, tissue))
    n_files = sum(path.is_file() for path in folder.rglob("*"))
    typer.echo(f"{to:<8} {folder}  ({n_files} file{'s' if n_files > 1 else ''})")


def _day(text: str) -> float:
    from sim.scenario.quantity import to_unit

    try:
        return to_unit(text.strip(), "d")
    except ValueError as error:
        raise ResultsError(f"export: --days: {error}") from None
