"""`senodrift compare`: arms of a results folder in pairs of replicates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.app import app, check_picture
from sim.errors import ResultsError

if TYPE_CHECKING:
    from sim.results import Results
    from sim.sweeps import SweepResults


@app.command()
def compare(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="A results folder, of a run or a sweep.",
                                            show_default=False)],
    baseline: Annotated[str | None, typer.Option(metavar="ARM", help="The arm to compare with; if not given, the "
                                                 "first, or where several hosts are treated, the untreated arm of "
                                                 "each.")] = None,
    outcomes: Annotated[str, typer.Option(metavar="A,B", help="Columns of timeseries.parquet, or derived from them: "
                                          "whole_body_burden, outcomes of the scenario (grip_strength), "
                                          "mean_burden, exposure_SASP, off_target_loss, closure_WOUND, "
                                          "lifespan, burden_as_p16, tipping_burden.")] = "burden",
    halfwidth: Annotated[float | None, typer.Option(metavar="W", help="Say how many more replicates a 95 % interval "
                                                    "takes that reaches W to either side, in the unit of the "
                                                    "outcome (burden: points).")] = None,
    best: Annotated[str | None, typer.Option(metavar="lowest|highest", help="What the ranking of three or more arms "
                                             "takes for good, for all outcomes; if not given, the lowest, and only "
                                             "outcomes are ranked of which less is better (burden, exposure, closure, "
                                             "off_target_loss).", show_default=False)] = None,
    by: Annotated[str | None, typer.Option(metavar="sex", help="Compare within each sex, and the effects between "
                                           "them.")] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the whole table: bootstrap intervals, effect "
                                             "sizes, superiority, correlations, p-values.")] = None,
    forest: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw differences and intervals (.png or "
                                                ".svg).")] = None,
) -> None:  # fmt: skip
    """Compare arms in pairs of replicates.

    On the last day; the difference is paired, because replicates of the same number share their luck, and has a 95 % t
    interval. "shared luck" says how many times fewer replicates that takes than independent runs would (roughly; from 8
    pairs on). p is of the paired t test, corrected for all different tests of the table (Holm). Three arms or more are
    ranked, with the chance that each is the best; where several hosts are treated, each by itself. An outcome through
    a marker (burden_as_p16) also tells what a study of that size would have seen.

    \b
    Examples:
      senodrift compare results/skin_graft-4a42c6
      senodrift compare results/skin_graft-4a42c6 --baseline sham --outcomes burden,cum_SASP
      senodrift compare results/skin_graft-4a42c6 --outcomes grip_strength,frailty_index --forest outcomes.png
      senodrift compare results/lifespan --outcomes lifespan --by sex
      senodrift compare results/skin_graft-4a42c6 --halfwidth 0.1 --csv effects.csv --forest effects.png
    """  # noqa: D301
    from sim.analysis.compare import compare as compare_arms
    from sim.analysis.effect_lines import effect_lines, open_lines
    from sim.analysis.outcomes import open_wounds
    from sim.analysis.study import studies_of
    from sim.sweeps import SweepResults, read_run_or_sweep

    check_picture(forest, "forest")
    tables = read_run_or_sweep(results)
    if forest is not None and isinstance(tables, SweepResults):
        raise ResultsError(f"{results}: forest: must be asked of a run, got a sweep (which has figures of its own)")
    names = [name.strip() for name in outcomes.split(",")]
    effects = compare_arms(tables, baseline, names, halfwidth=halfwidth, by=by)
    if effects.empty:
        raise ResultsError(f"{results}: arms: must be at least two to compare, got one")
    different = list(dict.fromkeys(names))
    late = open_lines(open_wounds(tables, different))
    typer.echo("\n".join([*effect_lines(effects, halfwidth), *late, *_ranked(tables, different, best, baseline)]))
    if not isinstance(tables, SweepResults):
        for seen in studies_of(tables, names, baseline):
            typer.echo("\n" + "\n".join(seen.sentences()))
    if csv is not None:
        effects.to_csv(csv, index=False)
    if forest is not None and not isinstance(tables, SweepResults):
        from sim.figures.style import save

        save(tables.plot.forest(baseline, names), forest)


def _ranked(tables: Results | SweepResults, names: list[str], best: str | None, baseline: str | None) -> Iterator[str]:
    """Which arm is the best by each outcome, and by which none is."""
    from sim.analysis.effect_lines import rank_lines
    from sim.analysis.ranking import lower_is_better, rank

    sided = [name for name in names if best is not None or lower_is_better(name)]
    ranks = [rank(tables, name, best or "lowest", baseline=baseline) for name in sided]
    yield from rank_lines(ranks, best or "lowest")
    unsided = [name for name in names if name not in sided]
    if unsided and len(tables.arms) > 2:
        yield f"not ranked, as more may be better or worse (see --best): {', '.join(unsided)}"
