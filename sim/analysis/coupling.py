"""How alike the tissues of an individual age: correlations of burden between tissues, across individuals."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from sim.analysis.bootstrap import RESAMPLES, picks, t_of, tells_spread
from sim.errors import ResultsError
from sim.results import Results

Floats = npt.NDArray[np.float64]

EDGE = 1e-9  # from the ends of what a mean correlation can be
CELLS = 4_000_000  # numbers held at once
FEWEST = 4  # individuals from which Fisher's interval is finite
COLUMNS = ["arm", "tissue", "other", "day", "n", "correlation", "low", "high"]
MEANS = ["arm", "day", "n", "pairs", "correlation", "low", "high", "burden"]


def coupling(results: Results, day: float | None = None, level: float = 0.95) -> pd.DataFrame:
    r"""Correlations of burden between tissues across the individuals of each arm, pair by pair.

    .. math:: r = \frac{\mathrm{cov}(X_i, X_j)}{s_i s_j}, \qquad
              \tanh\left(\mathrm{artanh}\, r \pm \frac{z}{\sqrt{n - 3}}\right)

    Parameters
    ----------
    results : Results
        Tables of an experiment with two tissues or more.
    day : float, optional
        A day of the tables [d]; if not given, the last one on which every individual has a row.
    level : float
        Confidence of the intervals.

    Returns
    -------
    DataFrame
        One row per arm and pair of tissues: ``arm tissue other day n correlation low high``; n individuals have a row
        on that day. NaN where a burden does not vary; no interval with fewer than four individuals. `mean_coupling` has
        the mean over the pairs.

    Raises
    ------
    ResultsError
        If there is one tissue only, no such day, or `level` is not between 0 and 1.

    Notes
    -----
    With few individuals intervals are wide: 16 of them just tell a correlation of 0.5 from 0. A patch of N cells is a
    sample of its tissue, and its noise of X (100 - X) / N [%^2] at a burden X makes correlations smaller by the factor
    v / (v + X (100 - X) / N), v being what else varies between individuals. Who has died by that day is left out.
    Source: Fisher (1921), Metron 1:3.
    """
    day = _checked(results, day, level)
    rows = []
    for arm, burdens in _by_arm(results, day).items():
        for i, j in combinations(range(len(results.tissues)), 2):
            one, other = results.tissues[i], results.tissues[j]
            r = _correlation(burdens[:, i], burdens[:, j])
            rows.append([arm, one, other, day, len(burdens), r, *_fisher(r, len(burdens), level)])
    return pd.DataFrame(rows, columns=COLUMNS)


def mean_coupling(results: Results, day: float | None = None, level: float = 0.95) -> pd.DataFrame:
    r"""The mean of the correlations over all pairs of tissues, for each arm, beside the mean burden.

    .. math:: z(\bar r) \pm t_{n-1}\, s_z, \qquad z(r) = \tfrac12 \ln\frac{1 + (T - 1) r}{1 - r}

    Parameters and errors are those of `coupling`.

    Returns
    -------
    DataFrame
        One row per arm: ``arm day n pairs correlation low high burden``. Of the interval, T is the number of
        tissues, and s_z the standard deviation of z over individuals drawn again with replacement, all tissues of one
        together (`sim.analysis.bootstrap`); ``burden`` [%] is the mean over
        individuals and tissues. Pairs of which a burden does not vary are left out.

    Notes
    -----
    Quantiles of the resampled means themselves are too narrow where the mean is below 0 by chance: z makes the spread
    even, as for the intraclass correlation. Source: Fisher (1925), Statistical Methods for Research Workers.
    """
    day = _checked(results, day, level)
    rows = []
    for arm, burdens in _by_arm(results, day).items():
        pairs = _pairs(burdens, np.full((1, len(burdens)), 1.0 / max(1, len(burdens))))[0]
        known = pairs[~np.isnan(pairs)]
        mean = float(known.mean()) if known.size else math.nan
        low, high = _resampled(burdens, mean, level) if known.size else (math.nan, math.nan)
        burden = float(burdens.mean()) if burdens.size else math.nan
        rows.append([arm, day, len(burdens), known.size, mean, low, high, burden])
    return pd.DataFrame(rows, columns=MEANS)


def common_day(results: Results) -> float:
    """The last day on which every individual has a row [d]; NaN where there is none."""
    runs = results.timeseries[["arm", "replicate", "day"]].drop_duplicates()
    counts = runs.groupby("day").size()
    whole = counts.index[counts == len(runs[["arm", "replicate"]].drop_duplicates())]
    return float(whole.max()) if len(whole) else math.nan


def _checked(results: Results, day: float | None, level: float) -> float:
    """The day that is asked for."""
    if len(results.tissues) < 2:
        raise ResultsError(f"coupling: tissues: must be at least two, got {len(results.tissues)}")
    if not 0.0 < level < 1.0:
        raise ResultsError(f"coupling: level: must be between 0 and 1, got {level}")
    days = results.timeseries["day"].unique()
    found = common_day(results) if day is None else float(day)
    if not np.isclose(days, found, rtol=1e-9, atol=1e-9).any():
        told = f"{days.min():g} to {days.max():g} d" if days.size else "none"
        raise ResultsError(f"coupling: day: must be one of the tables ({told}), got {found:g}")
    return found


def _by_arm(results: Results, day: float) -> dict[str, Floats]:
    """Burdens of the individuals of each arm, (n, tissues)."""
    rows = results.timeseries[np.isclose(results.timeseries["day"], day, rtol=1e-9, atol=1e-9)]
    wide = rows.pivot(index=["arm", "replicate"], columns="tissue", values="burden")[results.tissues].dropna()
    arms = wide.index.get_level_values("arm")
    return {arm: wide[arms == arm].to_numpy(np.float64) for arm in results.arms}


def _correlation(x: Floats, y: Floats) -> float:
    if x.size < 2 or not (tells_spread(x) and tells_spread(y) and x.any() and y.any()):
        return math.nan
    return float(np.corrcoef(x, y)[0, 1])


def _fisher(r: float, n: int, level: float) -> tuple[float, float]:
    if n < FEWEST or math.isnan(r):
        return math.nan, math.nan
    if abs(r) >= 1.0:
        return r, r
    half = float(stats.norm.ppf(0.5 + level / 2.0)) / math.sqrt(n - 3)
    return math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)


def _resampled(burdens: Floats, mean: float, level: float) -> tuple[float, float]:
    """Interval of the mean correlation, see `mean_coupling`."""
    n, varying = len(burdens), int(np.count_nonzero(np.ptp(burdens, axis=0) > 0.0))
    if n < FEWEST:
        return math.nan, math.nan
    blocks = np.array_split(picks(n), max(1, RESAMPLES * n // CELLS))
    pairs = np.concatenate([_pairs(burdens, _weights(block, n)) for block in blocks])
    known = ~np.isnan(pairs)
    pairs, known = pairs[known.any(axis=1)], known[known.any(axis=1)]
    drawn = _stretched(np.where(known, pairs, 0.0).sum(axis=1) / known.sum(axis=1), varying)
    middle, half = float(_stretched(np.array([mean]), varying)[0]), t_of(level, n) * float(drawn.std())
    half *= math.sqrt(n / (n - 1))  # resamples vary by (n - 1) / n only
    ends = np.exp(2.0 * np.array([middle - half, middle + half]))
    low, high = (ends - 1.0) / (ends + varying - 1.0)
    return float(low), float(high)


def _stretched(r: Floats, tissues: int) -> Floats:
    """Fisher's z of mean correlations, which lie between -1 / (T - 1) and 1."""
    inside = np.clip(r, -1.0 / (tissues - 1) + EDGE, 1.0 - EDGE)
    return 0.5 * np.log((1.0 + (tissues - 1) * inside) / (1.0 - inside))


def _weights(drawn: npt.NDArray[np.int32], n: int) -> Floats:
    """How much each of `n` individuals counts in each of some resamples of `picks`; rows sum to 1."""
    places = np.arange(len(drawn))[:, None] * n + drawn
    return np.bincount(places.ravel(), minlength=len(drawn) * n).reshape(len(drawn), n) / n


def _pairs(burdens: Floats, weight: Floats) -> Floats:
    """Correlations of all pairs of tissues, (samples, pairs), of individuals that count `weight`, (samples, n)."""
    x = burdens - burdens.mean(axis=0)
    first, second = np.triu_indices(x.shape[1], 1)
    means, squares, products = weight @ x, weight @ x**2, weight @ (x[:, first] * x[:, second])
    variances = squares - means**2
    varies = variances > 1e-12 * np.maximum(1e-300, np.square(burdens).max(axis=0))
    both = varies[:, first] & varies[:, second]
    scale = np.sqrt(np.where(both, variances[:, first] * variances[:, second], 1.0))
    found = np.where(both, (products - means[:, first] * means[:, second]) / scale, np.nan)
    return np.clip(found, -1.0, 1.0)
