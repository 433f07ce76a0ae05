"""`senodrift patterns`: spatial statistics of a table of cells or of stored maps."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.app import app
from sim.errors import ResourceError, ResultsError

if TYPE_CHECKING:
    from sim.analysis.patterns import Patterns
    from sim.results import Results


@app.command()
def patterns(
    source: Annotated[Path, typer.Argument(metavar="CELLS.csv|RESULTS", help="A table of cells, or a results folder "
                                           "with maps of the state.", show_default=False)],
    link_radius: Annotated[str | None, typer.Option("--link-radius", metavar="LENGTH", help="Cells no further apart "
                           'are neighbours: "20 um". Maps have the neighbours of their tissue.')] = None,
    box: Annotated[str | None, typer.Option(metavar="X,Y[,Z]", help="Size of the section, which begins at 0 [um]; the "
                                            "box around all cells, if not given.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="A new folder for both tables and a figure of the "
                                             "pair correlation.", show_default=False)] = None,
) -> None:  # fmt: skip
    """Measure the pattern of senescent cells.

    Clusters, Moran's I, connectivity of the healthy tissue, distances to the nearest senescent cell and the front: the
    same numbers for cells of a real section and for a simulation. A table has a row per cell with the columns x, y (and
    z) in um, and state (healthy, senescent) or senescent (true, false).

    \b
    Examples:
      senodrift patterns section_12.csv --link-radius "20 um" --out section_12
      senodrift patterns results/skin_graft-4a42c6
    """  # noqa: D301
    from sim.analysis import patterns as measures

    reach = None if link_radius is None else _length(link_radius, source, "--link-radius")
    if out is not None and out.exists():
        raise ResultsError(f"{out}: out: must be a new folder, got one that exists")
    if source.is_dir():
        from sim.results import read_results

        if box is not None:
            raise ResultsError(f"{source}: --box: is for tables of cells only, got {box}")
        results = read_results(source)
        found, lines = (each := measures.patterns_of_maps(results, reach)), _of_maps(each)
    else:
        if reach is None:
            raise ResultsError(f"{source}: --link-radius: must be given for a table of cells, got none")
        results = None
        sides = None if box is None else [_length(each, source, "--box") for each in box.split(",")]
        found, lines = (each := measures.patterns(source, reach, sides)), _of_cells(each)
    typer.echo("\n".join(lines))
    if out is not None:
        typer.echo("\n" + "\n".join(_written(found, out, source, results)))


def _written(found: Patterns, out: Path, source: Path, results: Results | None) -> list[str]:
    """Tables and figures into a new folder; says where they are."""
    from sim.figures.pair_correlation import pair_correlation
    from sim.figures.style import save

    name = source.name if results is None else str(results.manifest["scenario"])
    pairs = found.pair_correlation.dropna(subset="senescent")
    tissues = [None] if results is None else pairs["tissue"].unique().tolist()
    figures = []
    try:
        out.mkdir(parents=True)
        found.rows.to_csv(out / "patterns.csv", index=False)
        found.pair_correlation.to_csv(out / "pair_correlation.csv", index=False)
        for tissue in tissues if len(pairs) else []:
            figure = pair_correlation(found, name, results, tissue)
            end = f"-{tissue}" if len(tissues) > 1 else ""
            figures += [save(figure, out / f"pair_correlation{end}{suffix}") for suffix in (".png", ".svg")]
    except OSError as error:
        raise ResourceError(f"{out}: out: must be a folder that can be written, got {error.strerror}") from error
    return [f"tables   {out / 'patterns.csv'}  pair_correlation.csv",
            *(f"figure   {path}" for path in figures if path.suffix == ".png")]  # fmt: skip


def _length(text: str, source: Path, option: str) -> float:
    from sim.scenario.quantity import to_unit

    try:
        return to_unit(text.strip(), "um")
    except ValueError as error:
        raise ResultsError(f"{source}: {option}: {error}") from None


def _of_cells(found: Patterns) -> list[str]:
    """One pattern: a line per measure."""
    from sim.analysis.headline import aligned
    from sim.analysis.patterns import MEASURES

    row = found.rows.iloc[0]
    table = [["healthy cells", f"{row['n_healthy']:.0f}", ""], ["senescent cells", f"{row['n_senescent']:.0f}", ""]]
    table += [[words, _shown(row[name]), unit] for name, (words, unit) in MEASURES.items()]
    return [*aligned(table), "", *_nearest(found)]


def _of_maps(found: Patterns) -> list[str]:
    """Patterns over time: a line per tissue, arm and day, means of the replicates."""
    from sim.analysis.headline import aligned
    from sim.analysis.patterns import MEASURES

    keys = ["tissue", "arm", "day"]
    means = found.rows.groupby(keys, sort=False)[list(MEASURES)].mean().reset_index()
    heads = ["clusters", "largest", "mean", "Moran's I", "connectivity", "to sender (um)", "front (um)"]
    table = [["tissue", "arm", "day", *heads]]
    for _, row in means.iterrows():
        table.append([row["tissue"], row["arm"], f"{row['day']:g}", *(_shown(row[name]) for name in MEASURES)])
    n = found.rows["replicate"].nunique()
    words = "; ".join(f"{head}: {words}" for head, (words, _) in list(zip(heads, MEASURES.values(), strict=True))[4:])
    return [*aligned(table), "", f"means of {n} replicates; {words}"]


def _nearest(found: Patterns) -> list[str]:
    """Where the pair correlation leaves the band of random labels, if anywhere."""
    curve = found.pair_correlation[found.pair_correlation["expected"] > 0]
    above = curve[curve["senescent"] > curve["high"]]
    if above.empty:
        return ["senescent cells stand no closer to one another than random labels would (95 % at each distance)"]
    first = above.iloc[0]
    ratio = first["senescent"] / first["expected"]
    return [f"senescent pairs {first['r_low']:.0f} to {first['r_high']:.0f} um apart: {ratio:.2f} times as many as "
            f"with random labels (95 %: up to {first['high'] / first['expected']:.2f})"]  # fmt: skip


def _shown(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4g}"
