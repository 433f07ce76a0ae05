"""Paired differences of arms for any table with a value per run: the difference, its interval, what pairing gained."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from sim.errors import ResultsError, did_you_mean
from sim.results import Results

Floats = npt.NDArray[np.float64]

COLUMNS = [
    "arm", "baseline", "tissue", "outcome", "n", "mean", "low", "high", "baseline_mean",
    "difference", "difference_low", "difference_high", "pairing_correlation", "variance_ratio",
]  # fmt: skip


def effects(
    results: Results, table: pd.DataFrame, outcomes: Sequence[str], baseline: str, level: float = 0.95
) -> pd.DataFrame:
    """The rows of `sim.compare` for any `table` with a row per arm, replicate and tissue, and `outcomes` as columns."""
    table = table.set_index(["arm", "tissue", "replicate"]).sort_index()
    rows = [
        {"arm": arm, "baseline": baseline, "tissue": tissue, "outcome": outcome}
        | _effect(*_pairs(table, arm, baseline, tissue, outcome), level)
        for tissue in results.tissues
        for outcome in outcomes
        for arm in results.arms
        if arm != baseline
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def last_day(results: Results) -> pd.DataFrame:
    """The last row of every run and tissue; a run may stop early."""
    return results.timeseries.sort_values("day", kind="stable").drop_duplicates(
        ["arm", "replicate", "tissue"], keep="last", ignore_index=True
    )


def one_of(word: str, known: Iterable[str], what: str) -> str:
    """`word` itself; ResultsError, naming the nearest, where it is not among the `known` ones."""
    known = list(known)
    if word not in known:
        names = ", ".join(known) if len(known) <= 12 else f"the {len(known)} there are"
        raise ResultsError(f"{what}: must be one of {names}, got {word}{did_you_mean(str(word), known)}")
    return word


def chosen_tissue(results: Results, tissue: str | None, what: str) -> str:
    """`tissue`, or the first one of `results` if not given; ResultsError, which begins with `what`, if unknown."""
    return results.tissues[0] if tissue is None else one_of(tissue, results.tissues, f"{what}: tissue")


def _pairs(table: pd.DataFrame, arm: str, baseline: str, tissue: str, outcome: str) -> tuple[Floats, Floats]:
    """The outcome in the arm and in the baseline, one entry per replicate that has both."""
    by_arm = table[outcome].xs(tissue, level="tissue").unstack("arm").reindex(columns=[arm, baseline]).dropna()
    return by_arm[arm].to_numpy(np.float64), by_arm[baseline].to_numpy(np.float64)


def _effect(a: Floats, b: Floats, level: float) -> dict[str, float]:
    low, high = t_interval(a, level)
    difference_low, difference_high = t_interval(a - b, level)
    return {
        "n": a.size,
        "mean": _mean(a),
        "low": low,
        "high": high,
        "baseline_mean": _mean(b),
        "difference": _mean(a - b),
        "difference_low": difference_low,
        "difference_high": difference_high,
        "pairing_correlation": _over(_covariance(a, b), math.sqrt(_covariance(a, a) * _covariance(b, b))),
        "variance_ratio": _over(_covariance(a, a) + _covariance(b, b), _covariance(a - b, a - b)),
    }


def _mean(x: Floats) -> float:
    return float(x.mean()) if x.size else math.nan


def _covariance(x: Floats, y: Floats) -> float:
    """Unbiased; NaN for fewer than two values, and exactly 0 for equal ones, whose mean may be rounded."""
    if x.size < 2:
        return math.nan
    if np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        return 0.0
    return float(((x - x.mean()) * (y - y.mean())).sum() / (x.size - 1))


def _over(x: float, y: float) -> float:
    return x / y if y > 0.0 else math.nan


def t_interval(x: Floats, level: float = 0.95) -> tuple[float, float]:
    """The t interval of the mean of `x`; NaN for fewer than two values."""
    if x.size < 2:
        return math.nan, math.nan
    half = float(stats.t.ppf(0.5 + level / 2.0, x.size - 1)) * math.sqrt(_covariance(x, x) / x.size)
    return _mean(x) - half, _mean(x) + half
