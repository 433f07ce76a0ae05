"""Fronts: how far marked cells have come from where they started, and how fast."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.spatial.space import Flags, Lengths, checked_marks, checked_points, displacements, periods_of


class Speed(NamedTuple):
    """Slope of a straight line [um/day] and its standard error [um/day]."""

    value: float
    standard_error: float


def front_radius(
    positions: npt.ArrayLike,
    marked: npt.ArrayLike,
    centre: npt.ArrayLike,
    quantile: float = 0.9,
    *,
    box: Lengths = None,
    periodic: Flags = False,
) -> float:
    """Distance from `centre` [um] within which the share `quantile` of the marked cells lies; NaN without one.

    The empirical quantile of |x_i - centre| with linear interpolation (Hyndman and Fan, Am. Stat. 50:361 (1996),
    type 7). A disc of radius R filled evenly has the front radius sqrt(quantile) R, a ball cbrt(quantile) R; far
    outliers do not move it as they move the furthest cell.

    Parameters
    ----------
    positions, marked, centre : (n, 2 or 3) [um], (n,) bool, and (2 or 3,) [um]
        All cells, which of them count, and where the front started.
    quantile, box, periodic : optional
        Share of the marked cells inside the front, 0 to 1; space as in the module.

    Raises
    ------
    ValueError
        Shapes do not match, `marked` is not bool, a number is not finite, or `quantile` lies outside 0 to 1.
    """
    points, origin = checked_points(positions), np.asarray(centre, np.float64)
    if origin.shape != points.shape[1:] or not np.all(np.isfinite(origin)):
        raise ValueError(f"centre must be {points.shape[1]} finite coordinates, as the positions have columns")
    if not 0 <= quantile <= 1:
        raise ValueError(f"quantile must lie between 0 and 1; it is {quantile:g}")
    chosen = points[checked_marks(marked, len(points))]
    apart = displacements(chosen, origin, periods_of(chosen, box, periodic))
    return float(np.quantile(np.linalg.norm(apart, axis=1), quantile)) if len(chosen) else math.nan


def front_speed(days: npt.ArrayLike, radii: npt.ArrayLike) -> Speed:
    """Speed of a front [um/day]: the slope of its radius over time by ordinary least squares, with standard error.

    slope = sum (t - mean t) r / S, standard error = sqrt(sum residual^2 / (n - 2) / S), S = sum (t - mean t)^2

    Source: Draper and Smith, Applied Regression Analysis (1998), chapter 1. Days whose radius is NaN (no front yet) are
    left out. Radii of one run follow one another, so their residuals are not independent and the standard error is too
    small: across replicates, use the spread of their slopes instead.

    Parameters
    ----------
    days, radii : (n,) [day] and (n,) [um]
        Row by row, in any order.

    Raises
    ------
    ValueError
        Shapes do not match, fewer than 3 days have a radius, or these are all the same day.
    """
    t, r = np.asarray(days, np.float64), np.asarray(radii, np.float64)
    if t.ndim != 1 or t.shape != r.shape:
        raise ValueError(f"days and radii must be two rows of one length; their shapes are {t.shape} and {r.shape}")
    known = np.isfinite(t) & np.isfinite(r)
    t, r = t[known], r[known]
    if len(t) < 3 or np.ptp(t) == 0:
        raise ValueError(f"a speed needs 3 radii or more on different days; there are {len(t)}")
    since, moved = t - t.mean(), r - r.mean()
    spread = float(since @ since)
    slope = float(since @ moved) / spread
    residual = moved - slope * since
    return Speed(slope, math.sqrt(float(residual @ residual) / (len(t) - 2) / spread))
