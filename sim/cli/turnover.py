"""`senodrift turnover`: how fast the cells go that an event made senescent."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.app import app, check_picture

if TYPE_CHECKING:
    import pandas as pd


@app.command()
def turnover(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="A results folder of a run.", show_default=False)],
    cause: Annotated[str | None, typer.Option(metavar="EVENT", help="The event that tags its cells; the first one, if "
                                              "not given.")] = None,
    control: Annotated[str | None, typer.Option(metavar="ARM", help="The arm without it; if not given, for each arm "
                                                "the one that is the same but for it.")] = None,
    window: Annotated[str | None, typer.Option(metavar="FROM,TO", help="Days between which the rate is read; if not "
                                               "given, until a tenth of the cells is left.")] = None,
    by: Annotated[str, typer.Option(metavar="immunity|all", help="Count cells that immune cells removed, or every cell "
                                    "that went.")] = "immunity",
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the whole table.")] = None,
    figure: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the cohorts (.png or .svg).")] = None,
) -> None:  # fmt: skip
    """Tell the half-life of senescent cells from a tagged cohort.

    The cells that an event (an irradiation) made senescent carry its name. Their rate of removal is cells lost to
    immune cells over cell-days, pooled over the replicates, with a 95 % interval (jackknife); "half gone" is when half
    of them had gone, whatever the law. Beside it the net excess, the burden beyond that of the control: it lasts longer
    than the cells, for removal saturates, and they may have turned others.

    \b
    Examples:
      senodrift turnover results/half_life-4a42c6
      senodrift turnover results/half_life-4a42c6 --cause pulse --window 5,60 --figure turnover.png
    """  # noqa: D301
    from sim.analysis.turnover import turnover as turnover_of
    from sim.errors import ResultsError
    from sim.results import read_results

    check_picture(figure, "figure")
    tables = read_results(results)
    days = None if window is None else _days(window)
    parts = [turnover_of(tables, cause, control, days, tissue, by=by) for tissue in tables.tissues]
    if not any(map(len, parts)):
        rule = "must have a tagged cohort on days that all replicates have"
        raise ResultsError(f"turnover: {results}: {rule}, got none")
    for table in parts:
        if len(table):
            typer.echo("\n".join(_lines(table, len(parts) > 1)))
    if csv is not None:
        import pandas as pd

        pd.concat(parts, ignore_index=True).to_csv(csv, index=False)
    if figure is not None:
        from sim.figures.style import save

        save(tables.plot.turnover(cause, control=control, window=days), figure)


def _days(window: str) -> tuple[float, float]:
    """Both ends of a window, as days or with units."""
    from sim.errors import ResultsError
    from sim.scenario.quantity import to_unit

    try:
        first, last = (to_unit(each.strip(), "d") for each in window.split(","))
    except ValueError:
        raise ResultsError(f"turnover: --window: must be two days, FROM,TO, got {window}") from None
    return first, last


def _lines(table: pd.DataFrame, several: bool) -> Iterator[str]:
    """A line per arm."""
    from sim.analysis.headline import aligned

    where = f" in {table['tissue'].iloc[0]}" if several else ""
    heads = ["cells", "half-life (d)", "95 % interval", "half gone (d)", "95 % interval", "excess (points)",
             "half of it (d)", "95 % interval", "window (d)"]  # fmt: skip
    lines = [[f"tagged by {table['cause'].iloc[0]}{where}", *heads]]
    for row in table.itertuples():
        lines.append([f"  {row.arm}", f"{row.n_cells:.0f}", _days_of(row.half_life), _both(row.low, row.high),
                      _days_of(row.half_gone), _both(row.half_gone_low, row.half_gone_high), _days_of(row.excess),
                      _days_of(row.excess_half_life), _both(row.excess_low, row.excess_high),
                      f"{row.start:g} to {row.end:g}"])  # fmt: skip
    yield from aligned(lines)
    counts = table["n"]
    n = f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"
    pairs = ", ".join(f"{row.arm} against {row.control}" for row in table.itertuples() if row.control)
    yield f"{n} replicates; excess: {pairs or 'no control'}"


def _days_of(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.3g}" if math.isfinite(value) else "not seen"


def _both(low: float, high: float) -> str:
    return "" if math.isnan(low) or math.isnan(high) else f"({_days_of(low)}, {_days_of(high)})"
