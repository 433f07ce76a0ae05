"""Arms against a baseline, replicate by replicate, in outcomes by name."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sim.analysis.outcomes import with_outcomes
from sim.analysis.paired import effects, one_of
from sim.errors import ResultsError
from sim.results import Results


def compare(
    results: Results,
    baseline: str | None = None,
    outcomes: Sequence[str] = ("burden",),
    level: float = 0.95,
) -> pd.DataFrame:
    r"""Paired differences of every other arm from the baseline arm: on the last day, or over the run.

    .. math:: \bar d \pm t_{n-1}\, s_d / \sqrt n, \qquad d_i = a_i - b_i

    Replicates are pairs because arms share their luck, cell by cell, until a treatment acts. Only replicates that
    finished in both arms are pairs; all columns are about these.

    Parameters
    ----------
    results : Results
        Tables of an experiment.
    baseline : str, optional
        The arm to compare with; the first one if not given.
    outcomes : sequence of str
        Columns of ``results.timeseries``, of its last row; or derived ones, of the whole run (see
        `sim.analysis.outcomes`): ``mean_burden``, ``exposure_<factor>``, ``off_target_loss``, ``closure_<wound>``.
    level : float
        Confidence of the intervals.

    Returns
    -------
    DataFrame
        One row per tissue, outcome and arm: ``arm baseline tissue outcome n``; ``mean low high`` of the arm (t
        interval) and ``baseline_mean``; ``difference difference_low difference_high`` (paired t interval), in the
        unit of the outcome; ``pairing_correlation``; and ``variance_ratio``: the variance of an unpaired
        over that of the paired difference, i.e. how many times fewer replicates are needed thanks to shared luck.
        What one pair, or no variation, cannot tell is NaN.

    Raises
    ------
    ResultsError
        If `baseline` is no arm, an outcome neither a column nor a derived one, or `level` not between 0 and 1.

    Notes
    -----
    Assumes differences that are about normal. Near-zero correlation means that pairing gained nothing.
    """
    if results.timeseries.empty:
        raise ResultsError("compare: results: must hold a finished run, got none")
    arms = results.arms
    baseline = arms[0] if baseline is None else one_of(baseline, arms, "compare: baseline")
    outcomes = _listed(outcomes)
    table = with_outcomes(results, outcomes)
    if not 0.0 < level < 1.0:
        raise ResultsError(f"compare: level: must be between 0 and 1, got {level}")
    return effects(results, table, outcomes, baseline, level)


def _listed(names: Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)
