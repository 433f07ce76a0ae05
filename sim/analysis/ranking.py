"""Which arm is best, and how sure that is: ranks of the arms in replicates drawn again, luck shared."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from sim.analysis.bootstrap import picks
from sim.analysis.outcomes import with_outcomes
from sim.analysis.paired import Experiment, by_replicate, one_of
from sim.errors import ResultsError

Floats = npt.NDArray[np.float64]

BEST = ("lowest", "highest")
COLUMNS = ["tissue", "outcome", "arm", "n", "missing", "mean", "p_best", "mean_rank", "rank_low", "rank_high"]


def rank(results: Experiment, outcome: str = "burden", best: str = "lowest", level: float = 0.95) -> pd.DataFrame:
    """Arms from the best to the worst, with the chance that each is the best one.

    Replicates are drawn again with replacement, the same ones in all arms, so that what luck they share stays shared;
    each time the arms are ranked by their means.

    Parameters
    ----------
    results : Results or SweepResults
        Tables of an experiment, or of a sweep, in which arms are ranked at each design point.
    outcome : str
        As in `sim.compare`.
    best : str
        ``lowest`` or ``highest``.
    level : float
        Confidence of the interval of ranks.

    Returns
    -------
    DataFrame
        ``tissue outcome arm``; ``n``: replicates that all arms have, ``missing``: that they should; ``mean``;
        ``p_best``: share of the resamples in which the arm is the best, equal ones in equal parts; ``mean_rank rank_low
        rank_high``: mean and interval of its rank, 1 for the best. Rows by mean rank; with ``point`` in front where
        there are design points. An arm that never has the outcome is not ranked, and of a single replicate there is no
        chance: NaN.

    Raises
    ------
    ResultsError
        If there is no such outcome, or `best` is another word.

    Notes
    -----
    A chance given these replicates, not one that the arm is best for every other scenario. Means of resamples vary too
    little, by (n - 1) / n; they are spread to the unbiased covariance.
    """
    one_of(best, BEST, "rank: best")
    if not 0.0 < level < 1.0:
        raise ResultsError(f"rank: level: must be between 0 and 1, got {level}")
    table = with_outcomes(results, [outcome])
    planned = int(results.manifest.get("replicates", 0))
    rows: list[dict[str, Any]] = []
    for place, values in by_replicate(results, table, [outcome]):
        ranked = values.dropna(axis="columns", how="all").dropna()
        about = place | {"n": len(ranked), "missing": max(planned, len(values)) - len(ranked)}
        found = _ranks(ranked.to_numpy(), 1.0 if best == "lowest" else -1.0, level)
        by_arm = dict(zip(ranked, found, strict=True))
        arms = [about | {"arm": arm} | by_arm.get(arm, {}) for arm in values]
        rows += sorted(arms, key=lambda row: row.get("mean_rank", math.inf))
    return pd.DataFrame(rows, columns=["point", *COLUMNS] if "point" in table else COLUMNS)


def _ranks(values: Floats, sign: float, level: float) -> list[dict[str, float]]:
    """What is told of each column of `values`, replicates down; nothing where there are none."""
    n, arms = values.shape
    if not n:
        return [{}] * arms
    mean = values.mean(axis=0)
    if n == 1:
        return [{"mean": m, "mean_rank": r} for m, r in zip(mean, stats.rankdata(sign * mean), strict=True)]
    again = np.stack([column[picks(n)].mean(axis=1) for column in values.T], axis=1)
    ranks = stats.rankdata(sign * (mean + math.sqrt(n / (n - 1)) * (again - mean)), axis=1)
    first = ranks == ranks.min(axis=1, keepdims=True)
    p_best = (first / first.sum(axis=1, keepdims=True)).mean(axis=0)
    low, high = np.quantile(ranks, [0.5 - level / 2.0, 0.5 + level / 2.0], axis=0)
    columns = {"mean": mean, "p_best": p_best, "mean_rank": ranks.mean(axis=0), "rank_low": low, "rank_high": high}
    return [{name: float(column[i]) for name, column in columns.items()} for i in range(arms)]
