"""Which arm is best, and how sure that is: ranks of the arms among means that could be the true ones, luck shared."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats

from sim.analysis.bootstrap import RESAMPLES
from sim.analysis.outcomes import with_outcomes
from sim.analysis.paired import Experiment, by_replicate, hosts, one_of
from sim.errors import ResultsError
from sim.rng import BODY, Purpose, Stream, name_code

Floats = npt.NDArray[np.float64]

BEST = ("lowest", "highest")
LEAST = 4  # replicates from which a chance is told
LOWER_IS_BETTER = ("burden", "mean_burden", "whole_body_burden", "off_target_loss")
LOWER_IS_BETTER_BY_PREFIX = ("burden_", "mean_burden_", "closure_", "exposure_")
COLUMNS = [
    "tissue", "outcome", "baseline", "arm", "n", "missing", "mean", "p_best", "mean_rank", "rank_low", "rank_high",
]  # fmt: skip


def rank(
    results: Experiment, outcome: str = "burden", best: str = "lowest", level: float = 0.95, baseline: str | None = None
) -> pd.DataFrame:
    r"""Arms from the best to the worst, with the chance that each is the best one.

    Arms are ranked by means that are drawn as the true ones may lie, from a multivariate t distribution:

    .. math:: \bar y + \sqrt{\frac{n - 1}{\chi^2_{n - 1}}}\; z, \qquad z \sim N(0,\ S / n)

    with the covariance :math:`S` of the n replicates between arms, so that what luck they share stays shared.

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
    baseline : str, optional
        As in `sim.compare`: arms are ranked among those that are compared with one another, each host by itself.

    Returns
    -------
    DataFrame
        ``tissue outcome baseline arm``; ``n``: replicates that all arms have, ``missing``: that they should; ``mean``;
        ``p_best``: share of the draws in which the arm is the best, equal ones in equal parts; ``mean_rank rank_low
        rank_high``: mean and interval of its rank, 1 for the best. Rows by mean rank; with ``point`` in front where
        there are design points. An arm that never has the outcome is not ranked (NaN); of fewer than 4 replicates
        there is no chance and no interval (NaN), and the rank is that of the mean.

    Raises
    ------
    ResultsError
        If there is no such outcome, or `best` is another word.

    Notes
    -----
    A chance given these replicates, not one that the arm is best for every other scenario. Of two arms it is the
    one-sided p of the paired t test.
    """
    one_of(best, BEST, "rank: best")
    if not 0.0 < level < 1.0:
        raise ResultsError(f"rank: level: must be between 0 and 1, got {level}")
    table = with_outcomes(results, [outcome])
    planned = int(results.manifest.get("replicates", 0))
    rows: list[dict[str, Any]] = []
    for place, head, values in (
        (place, head, wide[arms])
        for place, wide in by_replicate(results, table, [outcome])
        for head, arms in hosts(results, baseline).items()
    ):
        ranked = values.dropna(axis="columns", how="all").dropna()
        about = place | {"baseline": head, "n": len(ranked), "missing": max(planned, len(values)) - len(ranked)}
        found = _ranks(ranked.to_numpy(), 1.0 if best == "lowest" else -1.0, level)
        by_arm = dict(zip(ranked, found, strict=True))
        arms = [about | {"arm": arm} | by_arm.get(arm, {}) for arm in values]
        rows += sorted(arms, key=lambda row: row.get("mean_rank", math.inf))
    ranking = pd.DataFrame(rows, columns=["point", *COLUMNS] if "point" in table else COLUMNS)
    ranking.attrs["level"] = level
    return ranking


def lower_is_better(outcome: str) -> bool:
    """Whether less of an outcome is better by its nature; of the others (counts, vacant sites) nobody knows."""
    return outcome in LOWER_IS_BETTER or outcome.startswith(LOWER_IS_BETTER_BY_PREFIX)


def _ranks(values: Floats, sign: float, level: float) -> list[dict[str, float]]:
    """What is told of each column of `values`, replicates down; nothing where there are none."""
    n, arms = values.shape
    if not n:
        return [{}] * arms
    mean = values.mean(axis=0)
    if n < LEAST:
        return [{"mean": m, "mean_rank": r} for m, r in zip(mean, stats.rankdata(sign * mean), strict=True)]
    apart = np.stack([(_draws(n) * column).sum(axis=1) for column in (values - mean).T], axis=1)  # equal stay equal
    ranks = stats.rankdata(sign * (mean + apart / math.sqrt(n * (n - 1))), axis=1)
    first = ranks == ranks.min(axis=1, keepdims=True)
    p_best = (first / first.sum(axis=1, keepdims=True)).mean(axis=0)
    low, high = np.quantile(ranks, [0.5 - level / 2.0, 0.5 + level / 2.0], axis=0)
    columns = {"mean": mean, "p_best": p_best, "mean_rank": ranks.mean(axis=0), "rank_low": low, "rank_high": high}
    return [{name: float(column[i]) for name, column in columns.items()} for i in range(arms)]


@lru_cache(maxsize=8)
def _draws(n: int) -> Floats:
    """Weights of `n` replicates, (RESAMPLES, n): normal ones, over the root of chi-squared by its n - 1 degrees."""
    stream = Stream(name_code("means"), BODY, 0)
    u = stream.uniforms(Purpose.RESAMPLE, n, np.arange(RESAMPLES * (n + 1))).reshape(RESAMPLES, n + 1)
    spread = special.chdtri(n - 1, u[:, n:]) / (n - 1)  # upper tail
    weights: Floats = special.ndtri(u[:, :n]) / np.sqrt(spread)
    return weights
