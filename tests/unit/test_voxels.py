"""From sites to voxels and back, on lattices and clouds, against sums written out."""

from __future__ import annotations

import numpy as np
import pytest

from sim.tissue.geometry import Geometry, Radius, cloud, lattice, voxel_of
from sim.tissue.voxels import to_sites, to_voxels

SCATTER = np.random.default_rng(1).random((50, 2)) * [40.0, 20.0]
TISSUES = {
    "plane": lattice((6, 12), 10.0, voxel_cells=3),
    "block": lattice((4, 2, 6), 10.0, voxel_cells=2),
    "cell by cell": lattice((5, 4), 10.0),
    "cloud": cloud(SCATTER, (20.0, 40.0), "reflecting", Radius(5.0), 10.0),
}


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("tissue", TISSUES.values(), ids=TISSUES)
def test_sums_and_readings(tissue: Geometry, dtype: type, threads: int) -> None:
    rng = np.random.default_rng(3)
    given_off = rng.integers(0, 100, tissue.n_sites).astype(dtype)  # whole: sums are exact in any order
    source = np.full(int(np.prod(tissue.voxel_shape)), 9.0, np.float32)
    to_voxels(given_off, source, tissue, threads)
    voxel = np.array([voxel_of(site, tissue.sites) for site in range(tissue.n_sites)])
    assert np.array_equal(source, np.bincount(voxel, given_off, minlength=source.size))
    level, seen = rng.random(source.size).astype(dtype), np.full(tissue.n_sites, 9.0, dtype)
    to_sites(level, seen, tissue, threads)
    assert np.array_equal(seen, level[voxel])
