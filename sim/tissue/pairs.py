"""All pairs of neighbours of a tissue at once: for statistics of patterns, which ask for no single site."""

from __future__ import annotations

import numpy as np

from sim.tissue.geometry import Geometry, Ints


def pairs_of(geometry: Geometry) -> Ints:
    """Neighbours in ascending order, (m, 2), the lower site first and each pair once; none across walls or in holes."""
    sites = geometry.sites
    if sites.is_lattice:
        cells = (sites.nz, sites.ny, sites.nx)
        walls = np.zeros(cells, np.int64)  # as in `sim.tissue.geometry.neighbour`: 0, 1, 2 per axis
        for i, n in zip(np.indices(cells, sparse=True), cells, strict=True):
            walls = 3 * walls + (i > 0) + (i == n - 1)
        steps = sites.steps[walls.ravel()]
        first, slot = np.nonzero(steps > 0)
        second = first + steps[first, slot]
    else:
        first = np.repeat(np.arange(geometry.n_sites), np.diff(sites.indptr))
        second = sites.indices.astype(np.int64)
        first, second = first[second > first], second[second > first]
    if geometry.exists is not None:
        both = geometry.exists[first] & geometry.exists[second]
        first, second = first[both], second[both]
    return np.column_stack([first, second])
