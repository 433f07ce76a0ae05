"""A pattern in one row: the same numbers for every recorded day of a simulated tissue and for a table of real cells."""

from __future__ import annotations

import math

import numpy.typing as npt

from sim.spatial.front import front_radius
from sim.spatial.neighbours import cluster_sizes, connectivity, morans_i, pairs_among
from sim.spatial.space import Bools, Flags, Floats, Integers, Lengths

LEAST_FOR_MORAN = 3  # cells


def pattern(
    positions: Floats,
    healthy: Bools,
    senescent: Bools,
    pairs: Integers,
    to_sender: Floats,
    centre: npt.ArrayLike,
    *,
    box: Lengths = None,
    periodic: Flags = False,
) -> dict[str, float]:
    """What the pattern of senescent among healthy cells looks like.

    Only cells that are there count: a vacant or scarred site is nobody's neighbour.

    Parameters
    ----------
    positions, healthy, senescent : (n, 2 or 3) [um], and (n,) bool each
        Sites, and which of them hold a cell of which state.
    pairs : (m, 2) int
        Neighbours among all sites, each pair once.
    to_sender : (n,) [um]
        Distance of every site to the nearest senescent one (`sim.spatial.points.nearest_distances` or `on_lattice`).
    centre : (2 or 3,) [um]
        Where the front started.
    box, periodic : optional
        As in the package.

    Returns
    -------
    dict
        ``clusters`` of senescent cells, ``cluster_largest`` and ``cluster_mean`` [cells]; ``morans_i`` of senescence;
        ``connectivity``, the share of the healthy cells in their largest cluster; ``sender_distance``, the mean
        distance from a healthy cell to the nearest senescent one [um]; ``front_radius``, within which 90 % of the
        senescent cells lie [um]. What no cell defines is NaN.
    """
    there = healthy | senescent
    linked, marked = pairs_among(pairs, there), senescent[there]
    sizes = cluster_sizes(linked, marked)
    defined = len(marked) >= LEAST_FOR_MORAN and len(linked) > 0
    return {
        "clusters": len(sizes),
        "cluster_largest": int(sizes[0]) if len(sizes) else 0,
        "cluster_mean": float(sizes.mean()) if len(sizes) else math.nan,
        "morans_i": morans_i(marked, linked).value if defined else math.nan,
        "connectivity": connectivity(linked, ~marked),
        "sender_distance": float(to_sender[healthy].mean()) if len(sizes) and healthy.any() else math.nan,
        "front_radius": front_radius(positions, senescent, centre, box=box, periodic=periodic),
    }
