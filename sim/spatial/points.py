"""Distances between cells: pair correlation, what random labels would give, and distances to the nearest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from sim.spatial.neighbours import pairs_within
from sim.spatial.space import (
    Bools,
    Flags,
    Floats,
    Integers,
    Lengths,
    checked_edges,
    checked_marks,
    checked_points,
    displacements,
    periods_of,
    wrapped,
)


def pair_correlation(
    positions: npt.ArrayLike, edges: npt.ArrayLike, *, box: Sequence[float] | Floats, periodic: Flags = False
) -> Floats:
    """Pair correlation g of a pattern in a rectangular box W, per bin of distance; 1 if cells ignore one another.

    g(bin) = |W|^2 / (n (n - 1)) * sum over ordered pairs with |d_ij| in the bin of 1 / |W and W + d_ij| / |shell|

    The common part of the box and of the box shifted by d_ij is prod(L_a - |d_a|) over open axes times prod(L_a) over
    periodic ones, where no edge needs correcting. This translation correction is exact: for independent uniform cells
    the expectation of g is 1 in every bin, in two and in three dimensions. Source: Ohser (1983); Illian, Penttinen,
    Stoyan and Stoyan, Statistical Analysis and Modelling of Spatial Point Patterns (2008), section 4.3.
    Cells on lattice sites keep the peaks of the lattice: `random_labels` tells what marks add.

    Parameters
    ----------
    positions : (n, 2 or 3) [um]
        Of the marked cells only; all pairs up to the last edge are held in memory.
    edges : (bins + 1,) [um]
        Increasing from 0 or more; bins are half-open, the last one is closed.
    box, periodic : (2 or 3,) [um] and bool
        As in the package; the origin of the box may lie anywhere.

    Returns
    -------
    (bins,) float64, dimensionless; all NaN for fewer than two cells.

    Raises
    ------
    ValueError
        Malformed positions or edges, cells that do not fit the box along an open axis, or a last edge beyond half of a
        periodic length or not below an open one: the shell would not fit.
    """
    found = _Pairs.up_to(positions, edges, box, periodic)
    if found.n < 2:
        return np.full(len(found.shells), math.nan)
    return found.scale(found.n) * np.bincount(found.bin, found.weight, len(found.shells))


class RandomLabels(NamedTuple):
    """Pair correlation of the marked cells, and what it would be if marks were dealt out at random, per bin."""

    marked: Floats
    expectation: Floats
    sd: Floats


def random_labels(
    positions: npt.ArrayLike,
    marked: npt.ArrayLike,
    edges: npt.ArrayLike,
    *,
    box: Sequence[float] | Floats,
    periodic: Flags = False,
) -> RandomLabels:
    """Pair correlation of marked cells against that of as many marks dealt out among the same cells at random.

    Cells have a size and a lattice has shells, so that 1 is the wrong yardstick at short distances: the expectation is
    the g of all cells. With w the weights of the pairs in a bin (see `pair_correlation`), m of n cells marked,
    p_k = m (m - 1) .. (m - k + 1) / (n (n - 1) .. (n - k + 1)), T = sum w, A = sum w^2 and B = sum_i (sum_j w_ij)^2,

    variance of the sum over marked pairs = p_2 A + p_3 (B - 2 A) + p_4 (T^2 - B + A) - (p_2 T)^2

    Exact: two pairs are the same, share a cell, or share none. Source: the moments of join counts under sampling
    without replacement, Cliff and Ord, Spatial Processes (1981), section 1.4.

    Parameters
    ----------
    positions, marked : (n, 2 or 3) [um] and (n,) bool
        All cells, and which of them are marked; all pairs up to the last edge are held in memory.
    edges, box, periodic
        As in `pair_correlation`.

    Returns
    -------
    RandomLabels
        Three (bins,) float64; all NaN for fewer than two marked cells.

    Raises
    ------
    ValueError
        As in `pair_correlation`, or `marked` is not bool or does not match.
    """
    found = _Pairs.up_to(positions, edges, box, periodic)
    marks, bins, n = checked_marks(marked, found.n), len(found.shells), found.n
    m = int(np.count_nonzero(marks))
    if m < 2:
        return RandomLabels(*np.full((3, bins), math.nan))
    both = marks[found.pairs].all(axis=1)
    seen = np.bincount(found.bin[both], found.weight[both], bins)
    total = np.bincount(found.bin, found.weight, bins)
    squares = np.bincount(found.bin, found.weight**2, bins)
    ends = (found.bin[:, None] * n + found.pairs).ravel()
    of_cells = (np.bincount(ends, np.repeat(found.weight, 2), bins * n).reshape(bins, n) ** 2).sum(axis=1)
    share = np.cumprod([max(m - k, 0) / max(n - k, 1) for k in range(4)])  # p_1 to p_4
    distinct = share[2] * (of_cells - 2 * squares) + share[3] * (total**2 - of_cells + squares)
    variance = share[1] * squares + distinct - (share[1] * total) ** 2
    sd = found.scale(m) * np.sqrt(np.maximum(variance, 0.0))
    return RandomLabels(found.scale(m) * seen, found.scale(n) * total, sd)


class _Pairs(NamedTuple):
    """Pairs of `n` cells with their bin of distance, and twice the inverse of the common part of the boxes."""

    n: int
    pairs: Integers
    bin: Integers
    weight: Floats
    shells: Floats  # area or volume of each
    space: float  # of the box

    @classmethod
    def up_to(
        cls, positions: npt.ArrayLike, edges: npt.ArrayLike, box: Sequence[float] | Floats, periodic: Flags
    ) -> _Pairs:
        points, bounds = checked_points(positions), checked_edges(edges)
        periods = periods_of(points, box, periodic)
        lengths = np.asarray(box, np.float64)
        is_open = periods == 0
        if len(points) and np.any(np.ptp(points, axis=0)[is_open] > lengths[is_open]):
            raise ValueError(f"positions do not fit a box of {lengths.tolist()} um")
        last = float(bounds[-1])
        if np.any(last > periods / 2, where=~is_open) or np.any(last >= lengths, where=is_open):
            raise ValueError(f"the last edge of the bins, {last:g} um, is too far for a box of {lengths.tolist()} um")
        n, dimension = points.shape
        unit_ball = math.pi if dimension == 2 else 4 / 3 * math.pi
        shells = unit_ball * np.diff(bounds**dimension)
        pairs = pairs_within(points, last, box=box, periodic=periodic)
        apart = np.abs(displacements(points[pairs[:, 0]], points[pairs[:, 1]], periods))
        common = np.prod(np.where(is_open, lengths - apart, lengths), axis=1)
        distance = np.linalg.norm(apart, axis=1)
        place = np.minimum(np.searchsorted(bounds, distance, side="right") - 1, len(shells) - 1)  # the last is closed
        inside = place >= 0
        return cls(n, pairs[inside], place[inside], 2 / common[inside], shells, float(np.prod(lengths)))

    def scale(self, n: int) -> Floats:
        """What makes the summed weights of `n` cells a pair correlation, per bin."""
        return self.space**2 / (n * (n - 1)) / self.shells


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
        As in the package.

    Returns
    -------
    (n,) float64 [um]

    Raises
    ------
    ValueError
        A position is not finite, or dimensions or box do not match.
    """
    start, goal = checked_points(from_positions), checked_points(to_positions)
    if start.shape[1] != goal.shape[1]:
        raise ValueError(f"positions have {start.shape[1]} and {goal.shape[1]} columns; both need the same")
    periods = periods_of(start, box, periodic)
    if not len(goal):
        return np.full(len(start), math.inf)
    distances, _ = cKDTree(wrapped(goal, periods), boxsize=periods).query(wrapped(start, periods))
    return np.asarray(distances, np.float64)


def on_lattice(marked: Bools, spacing: float, periodic: Sequence[bool]) -> Floats:
    """The `nearest_distances` [um] of all sites of a lattice to the marked ones, several times faster.

    The exact Euclidean distance transform (SciPy); along periodic axes of a lattice that is repeated by half of its
    length on either side, for no nearest site is further away.

    Parameters
    ----------
    marked : (ny, nx) or (nz, ny, nx) bool
        The sites that are looked for.
    spacing : float [um]
        Distance of neighbouring sites.
    periodic : sequence of bool
        One flag per axis of the array.

    Returns
    -------
    Float array of the shape of `marked`; infinite without a marked site.
    """
    if not marked.any():
        return np.full(marked.shape, math.inf)
    more = [n // 2 if wraps else 0 for n, wraps in zip(marked.shape, periodic, strict=True)]
    around = np.pad(marked, [(n, n) for n in more], mode="wrap")
    inner = tuple(slice(n, n + length) for n, length in zip(more, marked.shape, strict=True))
    apart: Floats = distance_transform_edt(~around)[inner] * spacing
    return apart
