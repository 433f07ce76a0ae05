"""Early warnings in plain arrays: scatter in rolling windows, its trend, and flows against burden."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from sim.analysis.paired import covariance

Floats = npt.NDArray[np.float64]

LEAST = 10  # rows in a window from which it tells something
ENDS = 100  # windows along a run, at most
TENTHS = 10  # of a run: windows for flows
SURE = 3.0  # standard deviations of the counts by which production must exceed removal
ROUNDING = 1e-9  # of the values: scatter about a trend that is none


class Rolling(NamedTuple):
    """Scatter about the trend in windows that end on `days`, (m,) each; none where windows tell nothing."""

    days: Floats
    variance: Floats
    autocorrelation: Floats


def regular(days: Floats) -> tuple[int, float]:
    """How many rows, from the first, are equally far apart, and how far [d]; a run may end between two rows."""
    steps = np.diff(days)
    if not steps.size:
        return int(days.size), math.nan
    step = float(steps[0])
    odd = np.flatnonzero(np.abs(steps - step) > 1e-6 * step)
    return int(odd[0]) + 1 if odd.size else int(days.size), step


def rolling(days: Floats, x: Floats, back: int, width: int) -> Rolling:
    """Variance and autocorrelation about a straight line within windows of `width` rows, see `early_warning.of_runs`.

    Parameters
    ----------
    days, x : (n,) float array
        Equally spaced rows.
    back, width : int
        Rows of the lag and of a window.
    """
    if width < LEAST or not 0 < back < width or width > x.size:
        return Rolling(*np.zeros((3, 0)))
    ends = np.unique(np.linspace(width, x.size, min(ENDS, x.size - width + 1)).round().astype(int))
    windows = np.lib.stride_tricks.sliding_window_view(x, width)[ends - width]
    t = np.arange(width) - (width - 1) / 2.0
    about = windows - windows.mean(axis=1, keepdims=True)
    residuals = about - np.outer(about @ t / (t @ t), t)
    squares = (residuals**2).sum(axis=1)
    flat = squares <= width * (ROUNDING * np.abs(windows).max(axis=1)) ** 2
    products = (residuals[:, back:] * residuals[:, :-back]).sum(axis=1) * width / (width - back)
    alike = np.divide(products, squares, out=np.full(squares.size, np.nan), where=~flat)
    return Rolling(days[ends - 1], np.where(flat, 0.0, squares / (width - 2)), alike)


def kendall_tau(x: Floats, y: Floats) -> float:
    """Kendall's tau-b, from -1 (one falls as the other rises) to 1; NaN for fewer than three pairs or without order."""
    known = np.isfinite(x) & np.isfinite(y)
    if np.count_nonzero(known) < 3:
        return math.nan
    above = [np.sign(np.subtract.outer(each[known], each[known])) for each in (x, y)]
    orders = math.prod(float(np.abs(each).sum()) for each in above)
    return float((above[0] * above[1]).sum()) / math.sqrt(orders) if orders > 0.0 else math.nan


def tipping(burden: Floats, standing: Floats, removed: Floats) -> tuple[float, bool]:
    """Burden from which removal stays below production, and whether it was so from the first row.

    Parameters
    ----------
    burden, standing, removed : (n,) float array
        Burden [%], senescent cells, and those removed since the row before.

    Returns
    -------
    tuple
        See `early_warning.of_runs`; NaN and False if clearance keeps up, or where there is but one row.
    """
    if standing.size < 2:
        return math.nan, False
    width = max(1, (standing.size - 1) // TENTHS)
    kept_up = np.flatnonzero(standing[width:] <= standing[:-width])
    last = int(kept_up[-1]) + width if kept_up.size else 0
    rise, gone = float(standing[-1] - standing[last]), float(removed[last + 1 :].sum())
    if not rise > 0.0 or rise <= SURE * math.sqrt(rise + 2.0 * gone):  # P - R against P + R
        return math.nan, False
    return float(burden[last]), not kept_up.size


def elasticities(days: Floats, burden: Floats, standing: Floats, removed: Floats) -> tuple[float, float]:
    """Slopes of log production and log removal [cells/d] against log burden, over tenths of a run.

    Production is what the balance of senescent cells asks for. NaN where fewer than four windows have both flows.
    """
    edges = np.unique(np.linspace(0, days.size - 1, TENTHS + 1).round().astype(int))
    if edges.size < 5:
        return math.nan, math.nan
    length = np.diff(days[edges])
    gone = np.add.reduceat(removed[1:], edges[:-1])
    level = np.add.reduceat((burden[1:] + burden[:-1]) / 2.0, edges[:-1]) / np.diff(edges)
    made = gone + np.diff(standing[edges])
    both = (made > 0.0) & (gone > 0.0) & (level > 0.0)
    if np.count_nonzero(both) < 4 or np.ptp(level[both]) == 0.0:
        return math.nan, math.nan
    x = np.log(level[both])
    return _slope(x, np.log((made / length)[both])), _slope(x, np.log((gone / length)[both]))


def _slope(x: Floats, y: Floats) -> float:
    about = x - x.mean()
    return float(about @ y / (about @ about))


# ------------------------------------------------------------------------------------------------- of normal values


class Estimate(NamedTuple):
    """A value with its standard error and interval; NaN where the sample does not tell it."""

    value: float = math.nan
    error: float = math.nan
    low: float = math.nan
    high: float = math.nan


def variance(x: Floats, level: float = 0.95) -> Estimate:
    """Variance of a normal sample: error of s^2 is s^2 sqrt(2 / (n - 1)), interval by chi squared."""
    freedom = x.size - 1
    if freedom < 1:
        return Estimate()
    square = covariance(x, x)
    low, high = (freedom * square / stats.chi2.ppf(0.5 + side * level / 2.0, freedom) for side in (1.0, -1.0))
    return Estimate(square, square * math.sqrt(2.0 / freedom), float(low), float(high))


def correlation(x: Floats, y: Floats, level: float = 0.95) -> Estimate:
    """Correlation of normal pairs: error (1 - r^2) / sqrt(n - 1), interval by Fisher's z from four pairs on."""
    spread = math.sqrt(covariance(x, x) * covariance(y, y)) if x.size > 2 else 0.0
    if not spread > 0.0:
        return Estimate()
    r = max(-1.0, min(1.0, covariance(x, y) / spread))
    error = (1.0 - r * r) / math.sqrt(x.size - 1)
    if x.size < 4 or abs(r) > 1.0 - ROUNDING:
        return Estimate(r, error)
    half = float(stats.norm.ppf(0.5 + level / 2.0)) / math.sqrt(x.size - 3)
    return Estimate(r, error, math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half))
