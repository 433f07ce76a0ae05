"""Spatial statistics of cells: of a simulated tissue and of a table of real cells alike.

Pure functions on arrays. Positions are (n, 2) or (n, 3) [um], columns x, y(, z). Space is open unless a `box` (lengths
per axis [um]) and `periodic` (one flag, or one per axis) say otherwise. What the data leave undefined (no marked cell,
values all alike) is NaN; what cannot be meant raises ValueError. A `reach` counts distances up to and including itself:
on a lattice take one between two shells of neighbours, such as 1.2 spacings, so that rounding decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
Lengths = Sequence[float] | Floats | None
Flags = bool | Sequence[bool] | Bools


class MoransI(NamedTuple):
    """Moran's I with its expectation and variance where neighbours do not matter and values are normal."""

    value: float
    expectation: float
    variance: float

    @property
    def z(self) -> float:
        """Standard score, (value - expectation) / sqrt(variance)."""
        return (self.value - self.expectation) / math.sqrt(self.variance)


class Speed(NamedTuple):
    """Slope of a straight line [um/day] and its standard error [um/day]."""

    value: float
    standard_error: float


# ------------------------------------------------------------------------------------------------ clusters


def cluster_sizes(
    positions: npt.ArrayLike, marked: npt.ArrayLike, reach: float, *, box: Lengths = None, periodic: Flags = False
) -> Integers:
    """Sizes of the clusters of marked cells [cells], largest first.

    A cluster is a connected component of the graph that joins marked cells no further apart than `reach` [um]
    (friends of friends; continuum percolation: Stauffer and Aharony, Introduction to Percolation Theory, 1994).

    Parameters
    ----------
    positions, marked : (n, 2 or 3) [um] and (n,) bool
        All cells, and which of them count.
    reach : float [um]
        Largest distance of two joined cells.
    box, periodic : optional
        As in the module.

    Returns
    -------
    (clusters,) int64, which sum to the number of marked cells; empty without a marked cell.

    Raises
    ------
    ValueError
        Shapes do not match, `marked` is not bool, a position is not finite, or `reach` is not positive.
    """
    points = _points(positions)
    chosen = points[_marks(marked, len(points))]
    pairs = _pairs(chosen, reach, _periods(chosen, box, periodic))
    if not len(chosen):
        return np.zeros(0, np.int64)
    _, label = csgraph.connected_components(_adjacency(pairs, len(chosen)), directed=False)
    return np.sort(np.bincount(label).astype(np.int64))[::-1]


def connectivity(
    positions: npt.ArrayLike, healthy: npt.ArrayLike, reach: float, *, box: Lengths = None, periodic: Flags = False
) -> float:
    """Share of the healthy cells that belong to their largest cluster, max(s) / sum(s); NaN without a healthy cell.

    1 is a tissue in one piece. `s`, parameters and errors are those of `cluster_sizes`; percolation theory calls this
    the strength of the largest cluster (Stauffer and Aharony 1994).
    """
    sizes = cluster_sizes(positions, healthy, reach, box=box, periodic=periodic)
    return float(sizes[0] / sizes.sum()) if len(sizes) else math.nan


# ------------------------------------------------------------------------------------------------ point patterns


def pair_correlation(
    positions: npt.ArrayLike, edges: npt.ArrayLike, *, box: Sequence[float] | Floats, periodic: Flags = False
) -> Floats:
    """Pair correlation g of a pattern in a rectangular box W, per bin of distance; 1 if cells ignore one another.

    g(bin) = |W|^2 / (n (n - 1)) * sum over ordered pairs with |d_ij| in the bin of 1 / |W and W + d_ij| / |shell|

    The common part of the box and of the box shifted by d_ij is prod(L_a - |d_a|) over open axes times prod(L_a) over
    periodic ones, where no edge needs correcting. This translation correction is exact: for independent uniform cells
    the expectation of g is 1 in every bin, in two and in three dimensions. Source: Ohser (1983); Illian, Penttinen,
    Stoyan and Stoyan, Statistical Analysis and Modelling of Spatial Point Patterns (2008), section 4.3.
    Cells on lattice sites keep the peaks of the lattice: divide by the g of all sites to see what marks add.

    Parameters
    ----------
    positions : (n, 2 or 3) [um]
        Of the marked cells only; all pairs up to the last edge are held in memory.
    edges : (bins + 1,) [um]
        Increasing from 0 or more; bins are half-open, the last one is closed.
    box, periodic : (2 or 3,) [um] and bool
        As in the module; the origin of the box may lie anywhere.

    Returns
    -------
    (bins,) float64, dimensionless; all NaN for fewer than two cells.

    Raises
    ------
    ValueError
        Malformed positions or edges, cells that do not fit the box along an open axis, or a last edge beyond half of a
        periodic length or not below an open one: the shell would not fit.
    """
    points, bounds = _points(positions), _edges(edges)
    periods = _periods(points, box, periodic)
    lengths = np.asarray(box, np.float64)
    is_open = periods == 0
    if len(points) and np.any(np.ptp(points, axis=0)[is_open] > lengths[is_open]):
        raise ValueError(f"positions do not fit a box of {lengths.tolist()} um")
    last = bounds[-1]
    if np.any(last > periods / 2, where=~is_open) or np.any(last >= lengths, where=is_open):
        raise ValueError(f"the last edge of the bins, {last:g} um, is too far for a box of {lengths.tolist()} um")
    n, dimension = points.shape
    if n < 2:
        return np.full(len(bounds) - 1, math.nan)

    pairs = _pairs(points, float(last), periods)
    apart = np.abs(_displacements(points[pairs[:, 0]], points[pairs[:, 1]], periods))
    common = np.prod(np.where(is_open, lengths - apart, lengths), axis=1)
    seen, _ = np.histogram(np.linalg.norm(apart, axis=1), bounds, weights=2 / common)
    unit_ball = math.pi if dimension == 2 else 4 / 3 * math.pi
    return np.prod(lengths) ** 2 / (n * (n - 1)) * seen / (unit_ball * np.diff(bounds**dimension))


def nearest_distances(
    from_positions: npt.ArrayLike, to_positions: npt.ArrayLike, *, box: Lengths = None, periodic: Flags = False
) -> Floats:
    """Distance [um] of each cell of one set to the nearest of another, min_j |x_i - y_j|; infinite if that is empty.

    A cell that stands in both sets is at distance 0 from itself. Source: Diggle, Statistical Analysis of Spatial and
    Spatio-Temporal Point Patterns (2013), chapter 2; the search is the k-d tree of SciPy.

    Parameters
    ----------
    from_positions, to_positions : (n, 2 or 3) and (m, same) [um]
        The cells that ask, and those that they look for.
    box, periodic : optional
        As in the module.

    Returns
    -------
    (n,) float64 [um]

    Raises
    ------
    ValueError
        A position is not finite, or dimensions or box do not match.
    """
    start, goal = _points(from_positions), _points(to_positions)
    if start.shape[1] != goal.shape[1]:
        raise ValueError(f"positions have {start.shape[1]} and {goal.shape[1]} columns; both need the same")
    periods = _periods(start, box, periodic)
    if not len(goal):
        return np.full(len(start), math.inf)
    distances, _ = cKDTree(_wrapped(goal, periods), boxsize=periods).query(_wrapped(start, periods))
    return np.asarray(distances, np.float64)


# ------------------------------------------------------------------------------------------------ autocorrelation


def morans_i(
    values: npt.ArrayLike,
    positions: npt.ArrayLike,
    reach: float,
    *,
    row_standardised: bool = False,
    box: Lengths = None,
    periodic: Flags = False,
) -> MoransI:
    """Moran's I of a value per cell: whether neighbours are alike (> 0) or unlike (< 0).

    With z = values - mean, w_ij = 1 for two cells within `reach` (else 0; divided by the cell's number of neighbours if
    `row_standardised`), W = sum w_ij, S1 = sum (w_ij + w_ji)^2 / 2, S2 = sum_i (sum_j w_ij + sum_j w_ji)^2:

    I = n / W * sum w_ij z_i z_j / sum z_i^2,    E = -1 / (n - 1),
    variance = (n^2 S1 - n S2 + 3 W^2) / ((n^2 - 1) W^2) - E^2

    Source: Moran, Biometrika 37:17 (1950); Cliff and Ord, Spatial Processes (1981), section 2.3. E also holds for any
    values dealt out at random; the variance is that of normal values, and only close for marks (0 or 1).

    Parameters
    ----------
    values, positions : (n,) float (or bool, for marks) and (n, 2 or 3) [um]
        One value per cell.
    reach : float [um]
        Largest distance of two neighbours.
    row_standardised, box, periodic : optional
        Whether each cell's neighbours share a weight of 1; space as in the module.

    Returns
    -------
    MoransI
        Dimensionless; its value is NaN if all values are alike.

    Raises
    ------
    ValueError
        Shapes do not match, a number is not finite, there are fewer than 3 cells, or no two lie within `reach`.
    """
    points, level = _points(positions), np.asarray(values, np.float64)
    n = len(points)
    if level.shape != (n,) or not np.all(np.isfinite(level)):
        raise ValueError(f"values must be {n} finite numbers, one per position; their shape is {level.shape}")
    if n < 3:
        raise ValueError(f"Moran's I needs 3 cells or more; there are {n}")
    pairs = _pairs(points, reach, _periods(points, box, periodic))
    if not len(pairs):
        raise ValueError(f"no two cells lie within a reach of {reach:g} um: Moran's I has no neighbours to compare")
    weights = _adjacency(pairs, n)
    if row_standardised:
        neighbours = np.asarray(weights.sum(axis=1), np.float64)
        weights = sparse.diags_array(1 / np.maximum(neighbours, 1)) @ weights  # a cell without neighbours has no row

    expectation = -1 / (n - 1)
    total = float(weights.sum())
    s1 = float(((weights + weights.T) ** 2).sum()) / 2
    s2 = float(np.sum((weights.sum(axis=1) + weights.sum(axis=0)) ** 2))
    variance = (n**2 * s1 - n * s2 + 3 * total**2) / ((n**2 - 1) * total**2) - expectation**2
    if np.ptp(level) == 0:
        return MoransI(math.nan, expectation, variance)
    z = level - level.mean()
    return MoransI(float(n / total * (z @ (weights @ z)) / (z @ z)), expectation, variance)


# ------------------------------------------------------------------------------------------------ fronts


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
    points, origin = _points(positions), np.asarray(centre, np.float64)
    if origin.shape != points.shape[1:] or not np.all(np.isfinite(origin)):
        raise ValueError(f"centre must be {points.shape[1]} finite coordinates, as the positions have columns")
    if not 0 <= quantile <= 1:
        raise ValueError(f"quantile must lie between 0 and 1; it is {quantile:g}")
    chosen = points[_marks(marked, len(points))]
    apart = _displacements(chosen, origin, _periods(chosen, box, periodic))
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


# ------------------------------------------------------------------------------------------------ space


def _points(positions: npt.ArrayLike) -> Floats:
    points = np.asarray(positions, np.float64)
    if points.ndim != 2 or points.shape[1] not in (2, 3):
        raise ValueError(f"positions must have 2 or 3 columns (x, y, z) [um]; their shape is {points.shape}")
    if not np.all(np.isfinite(points)):
        raise ValueError("every coordinate of the positions must be a finite number [um]")
    return points


def _marks(marked: npt.ArrayLike, n: int) -> Bools:
    marks = np.asarray(marked)
    if marks.dtype != np.bool_ or marks.shape != (n,):  # whole numbers would pick rows in place of masking them
        raise ValueError(f"marks must be {n} of type bool, one per position; got {marks.dtype} of shape {marks.shape}")
    return marks


def _edges(edges: npt.ArrayLike) -> Floats:
    bounds = np.asarray(edges, np.float64)
    proper = bounds.ndim == 1 and len(bounds) >= 2 and bool(np.all(np.isfinite(bounds)))
    if not proper or bounds[0] < 0 or np.any(np.diff(bounds) <= 0):
        raise ValueError("edges of distance bins must be 2 or more increasing distances from 0 up [um]")
    return bounds


def _periods(points: Floats, box: Lengths, periodic: Flags) -> Floats:
    """Period of each axis [um], 0 where it is open: the convention of the k-d tree."""
    dimension = points.shape[1]
    flags = np.asarray(periodic, np.bool_)
    if flags.shape not in ((), (dimension,)):
        raise ValueError(f"periodic must be one flag or {dimension}, one per axis")
    if box is None:
        if flags.any():
            raise ValueError("periodic axes need the lengths of the box [um]")
        return np.zeros(dimension)
    lengths = np.asarray(box, np.float64)
    if lengths.shape != (dimension,) or not np.all(np.isfinite(lengths) & (lengths > 0)):
        raise ValueError(f"box must be {dimension} positive lengths [um], one per axis")
    return np.where(flags, lengths, 0.0)


def _wrapped(points: Floats, periods: Floats) -> Floats:
    """Points moved into [0, period) along each periodic axis."""
    inside = points.copy()
    for axis in np.flatnonzero(periods):
        inside[:, axis] %= periods[axis]
        inside[inside[:, axis] >= periods[axis], axis] = 0.0  # a tiny negative number rounds up to the period itself
    return inside


def _displacements(here: Floats, there: Floats, periods: Floats) -> Floats:
    """There minus here, the shortest way round along periodic axes [um]."""
    apart = there - here
    for axis in np.flatnonzero(periods):
        apart[:, axis] -= periods[axis] * np.rint(apart[:, axis] / periods[axis])
    return apart


def _pairs(points: Floats, reach: float, periods: Floats) -> Integers:
    """Unordered pairs of points within `reach`, (pairs, 2)."""
    if not (math.isfinite(reach) and reach > 0):
        raise ValueError(f"reach must be a positive distance [um]; it is {reach:g}")
    tree = cKDTree(_wrapped(points, periods), boxsize=periods)
    return np.asarray(tree.query_pairs(reach, output_type="ndarray"), np.int64)


def _adjacency(pairs: Integers, n: int) -> sparse.csr_array:
    """Symmetric matrix (n, n) with 1 for each pair."""
    rows, columns = np.concatenate([pairs, pairs[:, ::-1]]).T
    return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(n, n))
