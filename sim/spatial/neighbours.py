"""What neighbours tell: clusters of marked cells, connectivity, and whether neighbours are alike."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

from sim.spatial.space import Bools, Flags, Integers, Lengths, checked_marks, checked_points, periods_of, wrapped


def pairs_within(positions: npt.ArrayLike, reach: float, *, box: Lengths = None, periodic: Flags = False) -> Integers:
    """Pairs of cells no further apart than `reach` [um]; see the package for `positions`, `box` and `periodic`.

    `reach` counts distances up to and including itself: on a lattice take one between two shells of neighbours, such as
    1.2 spacings, so that rounding decides nothing.

    Returns
    -------
    (m, 2) int64, each pair once

    Raises
    ------
    ValueError
        A position is not finite, the box does not match, or `reach` is not positive.
    """
    points = checked_points(positions)
    if not (math.isfinite(reach) and reach > 0):
        raise ValueError(f"reach must be a positive distance [um]; it is {reach:g}")
    periods = periods_of(points, box, periodic)
    tree = cKDTree(wrapped(points, periods), boxsize=periods)
    return np.asarray(tree.query_pairs(reach, output_type="ndarray"), np.int64)


def cluster_sizes(pairs: Integers, marked: npt.ArrayLike) -> Integers:
    """Sizes of the clusters of marked cells [cells], largest first.

    A cluster is a connected component of the graph of marked cells and the `pairs` of neighbours among them (continuum
    percolation, where neighbours are those within a reach: Stauffer and Aharony, Introduction to Percolation Theory,
    1994).

    Parameters
    ----------
    pairs : (m, 2) int
        Neighbours among all cells.
    marked : (n,) bool
        Which of the cells count.

    Returns
    -------
    (clusters,) int64, which sum to the number of marked cells; empty without a marked cell.

    Raises
    ------
    ValueError
        `marked` is not bool, or a pair names a cell beyond its end.
    """
    marks = checked_marks(marked, np.size(marked))
    _check_pairs(pairs, len(marks))
    among, n = pairs_among(pairs, marks), int(np.count_nonzero(marks))
    if n == 0:
        return np.zeros(0, np.int64)
    graph = sparse.coo_array((np.ones(len(among), np.int8), among.T), shape=(n, n))
    _, label = csgraph.connected_components(graph, directed=False)
    return np.sort(np.bincount(label).astype(np.int64))[::-1]


def connectivity(pairs: Integers, healthy: npt.ArrayLike) -> float:
    """Share of the healthy cells that belong to their largest cluster, max(s) / sum(s); NaN without a healthy cell.

    1 is a tissue in one piece. `s`, parameters and errors are those of `cluster_sizes`; percolation theory calls this
    the strength of the largest cluster (Stauffer and Aharony 1994).
    """
    sizes = cluster_sizes(pairs, healthy)
    return float(sizes[0] / sizes.sum()) if len(sizes) else math.nan


def pairs_among(pairs: Integers, marks: Bools) -> Integers:
    """The pairs of two marked cells, which are numbered anew: 0 is the first marked one."""
    if marks.all():
        return pairs
    number = np.cumsum(marks) - 1
    first, second = pairs.T
    return np.asarray(number[pairs[marks[first] & marks[second]]], np.int64)


def _check_pairs(pairs: Integers, n: int) -> None:
    if len(pairs) and int(pairs.max()) >= n:
        raise ValueError(f"pairs of neighbours name cells beyond the {n} there are")


# ------------------------------------------------------------------------------------------------ autocorrelation


class MoransI(NamedTuple):
    """Moran's I with its expectation and variance where neighbours do not matter and values are normal."""

    value: float
    expectation: float
    variance: float

    @property
    def z(self) -> float:
        """Standard score, (value - expectation) / sqrt(variance)."""
        return (self.value - self.expectation) / math.sqrt(self.variance)


def morans_i(values: npt.ArrayLike, pairs: Integers, *, row_standardised: bool = False) -> MoransI:
    """Moran's I of a value per cell: whether neighbours are alike (> 0) or unlike (< 0).

    With z = values - mean, w_ij = 1 for two neighbours (else 0; divided by the cell's number of neighbours if
    `row_standardised`), W = sum w_ij, S1 = sum (w_ij + w_ji)^2 / 2, S2 = sum_i (sum_j w_ij + sum_j w_ji)^2:

    I = n / W * sum w_ij z_i z_j / sum z_i^2,    E = -1 / (n - 1),
    variance = (n^2 S1 - n S2 + 3 W^2) / ((n^2 - 1) W^2) - E^2

    Source: Moran, Biometrika 37:17 (1950); Cliff and Ord, Spatial Processes (1981), section 2.3. E also holds for any
    values dealt out at random; the variance is that of normal values, and only close for marks (0 or 1).

    Parameters
    ----------
    values : (n,) float, or bool for marks
        One value per cell.
    pairs : (m, 2) int
        Neighbours, each pair once.
    row_standardised : optional
        Whether each cell's neighbours share a weight of 1.

    Returns
    -------
    MoransI
        Dimensionless; its value is NaN if all values are alike.

    Raises
    ------
    ValueError
        A number is not finite, there are fewer than 3 cells, no two are neighbours, or a pair names a cell that has no
        value.
    """
    level = np.asarray(values, np.float64)
    n = len(level)
    if level.ndim != 1 or not np.all(np.isfinite(level)):
        raise ValueError(f"values must be a row of finite numbers, one per cell; their shape is {level.shape}")
    if n < 3:
        raise ValueError(f"Moran's I needs 3 cells or more; there are {n}")
    _check_pairs(pairs, n)
    if not len(pairs):
        raise ValueError("no two cells are neighbours: Moran's I has nothing to compare")
    first, second = pairs.T
    weight = np.ones(n)  # w_ij of the neighbours j of cell i
    if row_standardised:
        weight /= np.maximum(np.bincount(pairs.ravel(), minlength=n), 1)
    both = weight[first] + weight[second]  # w_ij + w_ji of each pair

    expectation, total = -1 / (n - 1), float(both.sum())
    s1, s2 = float(np.sum(both**2)), float(np.sum(np.bincount(pairs.ravel(), np.repeat(both, 2), n) ** 2))
    variance = (n**2 * s1 - n * s2 + 3 * total**2) / ((n**2 - 1) * total**2) - expectation**2
    if np.ptp(level) == 0:
        return MoransI(math.nan, expectation, variance)
    z = level - level.mean()
    alike = np.sum(both * z[first] * z[second])  # not a dot product, whose last bits depend on the threads of BLAS
    return MoransI(float(n / total * alike / np.sum(z**2)), expectation, variance)
