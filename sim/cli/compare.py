"""`senodrift compare`: arms of a results folder in pairs of replicates."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.app import app
from sim.errors import ResultsError


@app.command()
def compare(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="A results folder.", show_default=False)],
    baseline: Annotated[str | None, typer.Option(metavar="ARM", help="The arm to compare with; the first, if not "
                                                 "given.")] = None,
    outcomes: Annotated[str, typer.Option(metavar="A,B", help="Columns of timeseries.parquet.")] = "burden",
) -> None:  # fmt: skip
    """Compare arms in pairs of replicates.

    On the last day; the difference is paired, because replicates of the same number share their luck, and has a 95 % t
    interval. "shared luck" says how many times fewer replicates that takes than independent runs would.

    \b
    Examples:
      senodrift compare results/skin_graft-4a42c6
      senodrift compare results/skin_graft-4a42c6 --baseline sham --outcomes burden,cum_SASP
    """  # noqa: D301
    from sim.analysis.compare import compare as compare_arms
    from sim.analysis.headline import aligned
    from sim.results import read_results

    effects = compare_arms(read_results(results), baseline, [name.strip() for name in outcomes.split(",")])
    if effects.empty:
        raise ResultsError(f"{results}: arms: must be at least two to compare, got one")
    table = [["arm", "tissue", "outcome", "n", "mean", effects["baseline"].iloc[0], "difference", "95 % interval",
              "shared luck"]]  # fmt: skip
    for row in effects.itertuples():
        interval = f"({row.difference_low:.4g}, {row.difference_high:.4g})" if row.n > 1 else ""
        luck = f"{row.variance_ratio:.3g}" if math.isfinite(row.variance_ratio) else ""
        numbers = [f"{row.mean:.4g}", f"{row.baseline_mean:.4g}", f"{row.difference:+.4g}", interval, luck]
        table.append([row.arm, row.tissue, row.outcome, str(row.n), *numbers])
    typer.echo("\n".join(aligned(table)))
