"""Arms against a baseline, replicate by replicate, in outcomes by name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.analysis import paired
from sim.analysis.by_sex import effects_by_sex
from sim.analysis.halfwidth import checked_wish, needed
from sim.analysis.outcomes import with_outcomes
from sim.analysis.paired import Experiment, baselines, effects
from sim.errors import ResultsError, did_you_mean
from sim.sweeps import SweepResults

COLUMNS = [*paired.COLUMNS, "p_holm", "needed"]


def compare(
    results: Experiment,
    baseline: str | None = None,
    outcomes: Sequence[str] = ("burden",),
    level: float = 0.95,
    halfwidth: float | None = None,
    by: str | None = None,
) -> pd.DataFrame:
    r"""Paired differences of every other arm from the baseline arm: on the last day, or over the run.

    .. math:: \bar d \pm t_{n-1}\, s_d / \sqrt n, \qquad d_i = a_i - b_i

    Replicates are pairs because arms share their luck, cell by cell, until a treatment acts. Only replicates that
    finished in both arms, with the outcome, are pairs; all columns are about these, and `missing` counts the others.

    Parameters
    ----------
    results : Results or SweepResults
        Tables of an experiment, or of a sweep.
    baseline : str, optional
        The arm to compare with. If not given, the first one; where several hosts are treated (arms that differ in
        more than treatments), the untreated arm of the same host (`sim.analysis.paired.baselines`).
    outcomes : sequence of str
        Columns of ``results.timeseries``, of its last row; or derived ones, of the whole run (see
        `sim.analysis.outcomes`): ``mean_burden``, ``exposure_<factor>``, ``off_target_loss``, ``closure_<wound>``,
        ``lifespan``, ``burden_variance`` and other early warnings.
    level : float
        Confidence of the intervals.
    halfwidth : float, optional
        A wish, in the unit of the outcomes: how far the interval of a difference may reach to either side.
    by : "sex", optional
        Rows for each sex, and for how much more an arm does in one than in another, see `sim.analysis.by_sex`; of a
        run with ``individuals.sexes``.

    Returns
    -------
    DataFrame
        One row per tissue, outcome and arm (and design point of a sweep, with ``point`` in front):

        * ``arm baseline tissue outcome n``; ``mean low high`` of the arm (t interval) and ``baseline_mean``;
        * ``difference difference_low difference_high`` (paired t interval), in the unit of the outcome;
        * ``pairing_correlation``; and ``variance_ratio``: the variance of an unpaired over that of the paired
          difference, i.e. how many times fewer replicates are needed thanks to shared luck. A rough number: where it is
          large, its 95 % interval reaches a factor of 6 either way of 8 pairs, and of 2 of 30;
        * ``missing``: replicates that should be pairs and are not;
        * ``boot_low boot_high``: bootstrap interval of the difference (`sim.analysis.bootstrap.bootstrap_interval`);
        * ``effect_size``: the difference in standard deviations between replicates, d_av with Hedges' correction
          (`sim.analysis.paired.effect_size`); ``superiority``: chance that a replicate of the arm is above one of the
          baseline, over all pairs of different replicates, ties half;
        * ``p`` of the paired t test, two-sided; ``p_holm``: corrected for all different tests of this call (rows of a
          sweep that stand for the same runs are one test);
        * ``needed``: pairs still needed for `halfwidth`.

        What one pair, or no variation, cannot tell is NaN. ``attrs`` hold `level` and the number of different `tests`.

    Raises
    ------
    ResultsError
        If `baseline` is no arm, an outcome neither a column nor a derived one, `level` not between 0 and 1,
        `halfwidth` not above 0, or sexes are asked for that are not told.

    Notes
    -----
    The t interval is the one to quote: at 8 and at 30 replicates it holds a normal truth in 95 % of cases. The
    bootstrap interval follows skewed differences and is a little narrow at few replicates. Near-zero correlation means
    that pairing gained nothing. Correction: Holm (1979), Scandinavian Journal of Statistics 6:65. How uncertain a ratio
    of variances is: that of Fisher's z of the correlation r, of arms that vary alike, where the ratio is 1 / (1 - r).
    """
    outcomes = _listed(outcomes)
    table = with_outcomes(results, outcomes)
    baselines(results, baseline)  # says so where there is no such arm, before anything else
    if not 0.0 < level < 1.0:
        raise ResultsError(f"compare: level: must be between 0 and 1, got {level}")
    if by not in (None, "sex"):
        raise ResultsError(f"compare: by: must be sex, got {by}{did_you_mean(str(by), ['sex'])}")
    split = effects if by is None else effects_by_sex
    found = split(results, table, outcomes, baseline, level)
    wish = None if halfwidth is None else checked_wish(halfwidth, "compare: halfwidth")
    p, tests = found["p"].to_numpy(np.float64), _tests(results, found)
    first = ~pd.Series(tests).duplicated().to_numpy()
    corrected = dict(zip(tests[first], holm(p[first]), strict=True))
    found = found.assign(
        p_holm=[corrected[test] for test in tests], needed=np.nan if wish is None else needed(found, wish, level)
    )
    found.attrs |= {"level": level, "tests": int(np.count_nonzero(~np.isnan(p[first])))}
    return found


def _tests(results: Experiment, table: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Which test each row is: rows of a sweep with the same runs in both arms are the same one."""
    if not isinstance(results, SweepResults):
        return np.arange(len(table))
    names = results.run_names
    keys = [
        (row.tissue, row.outcome, *(names.get((row.point, arm), (row.point, arm)) for arm in (row.arm, row.baseline)))
        for row in table.itertuples()
    ]
    numbers = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    return np.array([numbers[key] for key in keys], np.int64)


def holm(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """P-values corrected for their number, step by step from the smallest; NaN is no test, and stays."""
    corrected = np.full(p.size, np.nan)
    order = np.argsort(p, kind="stable")[: np.count_nonzero(~np.isnan(p))]
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(order.size, 0, -1)))
    return corrected


def _listed(names: Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(dict.fromkeys(names))
