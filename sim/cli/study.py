"""`senodrift study`: what a lab would have seen."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.app import app, check_picture
from sim.errors import ResultsError

if TYPE_CHECKING:
    import pandas as pd


@app.command()
def study(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="A results folder.", show_default=False)],
    marker: Annotated[str, typer.Option(metavar="NAME", help="SA_beta_gal, p16, p21, or one of the scenario.")] = "p16",
    outcome: Annotated[str, typer.Option(metavar="NAME", help="burden; or burden_TYPE, among the cells of a "
                                         "type.")] = "burden",
    animals: Annotated[int, typer.Option(metavar="N", help="Animals per arm.")] = 6,
    sections: Annotated[int, typer.Option(metavar="N", help="Sections per animal.")] = 3,
    fields: Annotated[int, typer.Option(metavar="N", help="Fields of view per section.")] = 5,
    cells: Annotated[str, typer.Option(metavar="N|all", help="Cells per field, or all cells of the tissue.")] = "100",
    baseline: Annotated[str | None, typer.Option(metavar="ARM", help="The arm to compare with; the first, if not "
                                                 "given.")] = None,
    studies: Annotated[int, typer.Option(metavar="N", help="How many studies are drawn.")] = 1000,
    seed: Annotated[int, typer.Option(metavar="S", help="Key of the draws.", min=0)] = 0,
    figure: Annotated[Path | None, typer.Option(metavar="FILE", help="Also draw it: a file that ends in .png or "
                                                ".svg.", show_default=False)] = None,
) -> None:  # fmt: skip
    """Tell what a study of some size would have seen through a marker.

    Animals are drawn from the replicates of each arm, marked cells are counted in fields of view on the last day, and
    arms are compared as a lab would, unpaired. Told are the measured difference, its range over many such studies, how
    often p < 0.05 (Welch's t test), and how often it has the wrong sign, beside the true difference. Where maps of the
    state are kept on the last day, fields are cut out of the simulated tissue, so that clusters count.

    \b
    Examples:
      senodrift study results/skin_graft-4a42c6
      senodrift study results/skin_graft-4a42c6 --marker SA_beta_gal --animals 12 --figure study.png
      senodrift study results/skin_graft-4a42c6 --marker p21 --cells all
    """  # noqa: D301
    from sim.analysis.study import study as draw_studies
    from sim.results import read_results

    check_picture(figure, "figure")
    tables = read_results(results)
    seen = draw_studies(
        tables, outcome, marker, animals=animals, sections=sections, fields=fields, cells_per_field=_cells(cells),
        baseline=baseline, studies=studies, seed=seed,
    )  # fmt: skip
    typer.echo(f"{outcome} on the last day as {marker}: {seen.design.words}; {studies} such studies")
    typer.echo("\n".join(_lines(seen.table)))
    typer.echo(f"differences from {seen.table['baseline'].iloc[0]}, in points")
    for note in seen.notes:
        typer.echo(f"note: {note}")
    if figure is not None:
        from sim.figures.study import study as draw
        from sim.figures.style import save

        typer.echo(f"figure {save(draw(tables, seen), figure)}")


def _lines(table: pd.DataFrame) -> Iterator[str]:
    """A line per arm and tissue."""
    from sim.analysis.headline import aligned
    from sim.analysis.study import range_in_words, share_in_words

    rows = [["arm", "tissue", "true difference", "measured", "95 % of studies", "p < 0.05", "wrong sign",
             "true difference, 95 % interval", "p < 0.05, 10 to 90 %"]]  # fmt: skip
    for row in table.itertuples():
        wrong = share_in_words(row.wrong_sign) if math.isfinite(row.wrong_sign) else "-"
        spread = f"({row.measured_low:+.2f}, {row.measured_high:+.2f})"
        numbers = [f"{row.difference:+.2f}", f"{row.measured:+.2f}", spread, share_in_words(row.power), wrong]
        truly = f"({row.difference_low:+.2f}, {row.difference_high:+.2f})" if math.isfinite(row.difference_low) else "-"
        power = range_in_words(row.power_low, row.power_high).strip(" ()") or "-"
        rows.append([row.arm, row.tissue, *numbers, truly, power])
    yield from aligned(rows)


def _cells(text: str) -> int | None:
    """``100``; None for ``all``."""
    if text == "all":
        return None
    if not text.isdecimal():
        raise ResultsError(f"study: --cells: must be a whole number or all, got {text!r}")
    return int(text)
