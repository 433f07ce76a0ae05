"""Lattices against a plain twin, clouds against lattices."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sim.compiling import kernel
from sim.errors import ScenarioError
from sim.tissue.geometry import (
    Geometry,
    Nearest,
    Radius,
    Sites,
    Window,
    cloud,
    lattice,
    n_slots,
    neighbour,
    voxel_of,
)

BOUNDARIES = ("reflecting", "periodic", "absorbing")
SHAPES = [(6, 7), (1, 5), (2, 3), (1, 1), (2, 2), (4, 3, 5), (2, 1, 4), (1, 3, 3)]
REACH = {("moore", 2): 1.5, ("moore", 3): 1.8, ("von_neumann", 2): 1.1, ("von_neumann", 3): 1.1}


def walls_of(dimension: int) -> list[tuple[str, ...]]:
    return [*product(BOUNDARIES[:2], repeat=dimension), ("absorbing",) * dimension]


def plain_neighbours(site: int, shape: tuple[int, ...], walls: tuple[str, ...], kind: str) -> list[int]:
    """The slow obvious twin: all offsets, wrapped one axis at a time."""
    here, found = np.unravel_index(site, shape), set()
    for offset in product((-1, 0, 1), repeat=len(shape)):
        if kind == "von_neumann" and sum(map(abs, offset)) != 1:
            continue
        there = [i + d for i, d in zip(here, offset, strict=True)]
        for axis, n in enumerate(shape):
            if walls[axis] == "periodic":
                there[axis] %= n
        if all(0 <= i < n for i, n in zip(there, shape, strict=True)):
            found.add(int(np.ravel_multi_index(there, shape)))
    return sorted(found - {site})


def twin_cloud(tissue: Geometry, kind: str = "moore") -> Geometry:
    reach = REACH[kind, tissue.dimension] * tissue.spacing
    return cloud(tissue.positions(), tissue.extent, tissue.boundary, Radius(reach), tissue.voxel_spacing)


@kernel
def all_voxels(n_sites: int, sites: Sites) -> np.ndarray:
    return np.array([voxel_of(i, sites) for i in range(n_sites)])


@kernel
def slots(site: int, sites: Sites) -> list[int]:
    return [neighbour(site, j, sites) for j in range(n_slots(site, sites))]


@pytest.mark.parametrize("kind", ["moore", "von_neumann"])
@pytest.mark.parametrize("shape", SHAPES)
def test_lattice_neighbours_are_those_of_the_plain_twin(shape, kind):
    for walls in walls_of(len(shape)):
        tissue = lattice(shape, 10.0, kind, walls)
        for site in range(tissue.n_sites):
            assert tissue.neighbours(site) == plain_neighbours(site, shape, walls, kind)


@pytest.mark.parametrize("kind", ["moore", "von_neumann"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spacing", [10.0, 0.3])
def test_a_cloud_of_the_points_of_a_lattice_is_the_lattice(shape, kind, spacing):
    for walls in walls_of(len(shape)):
        tissue = lattice(shape, spacing, kind, walls)
        twin = twin_cloud(tissue, kind)
        assert_array_equal(twin.positions(), tissue.positions())
        assert (twin.n_sites, twin.dimension, twin.extent) == (tissue.n_sites, tissue.dimension, tissue.extent)
        assert twin.boundary == tissue.boundary
        for site in range(tissue.n_sites):
            assert twin.neighbours(site) == tissue.neighbours(site)


def test_slots_beyond_a_wall_are_minus_one_and_the_others_ascend():
    tissue = lattice((3, 4), 10.0)
    assert [j for j in slots(0, tissue.sites) if j >= 0] == [1, 4, 5]
    assert slots(0, tissue.sites).count(-1) == 5
    assert slots(5, tissue.sites) == [0, 1, 2, 4, 6, 8, 9, 10]
    around = lattice((3, 4), 10.0, boundary="periodic")
    assert slots(0, around.sites) == [1, 3, 4, 5, 7, 8, 9, 11]


@pytest.mark.parametrize(("shape", "coarse"), [((4, 6), 2), ((6, 9), 3), ((4, 2, 6), 2), ((5, 5), 1), ((3, 2, 2), 1)])
def test_voxels_of_lattice_and_cloud(shape, coarse):
    tissue = lattice(shape, 0.7, voxel_cells=coarse)
    expected = np.ravel_multi_index(np.indices(shape) // coarse, tissue.voxel_shape).ravel()
    assert tissue.voxel_shape == tuple(n // coarse for n in shape)
    assert tissue.cells_per_voxel == coarse ** len(shape)
    assert_array_equal(all_voxels(tissue.n_sites, tissue.sites), expected)
    twin = twin_cloud(tissue)
    assert (twin.voxel_shape, twin.voxel_spacing) == (tissue.voxel_shape, tissue.voxel_spacing)
    assert_array_equal(all_voxels(twin.n_sites, twin.sites), expected)
    assert math.isclose(twin.cells_per_voxel, tissue.cells_per_voxel)
    assert math.isclose(twin.spacing, tissue.spacing)


def test_division_of_large_site_numbers_is_exact():
    """Rows of awkward length, where a rounded quotient would put a cell into the next row."""
    ny, nx = 39_979, 49_999
    sites = lattice((7, 7), 10.0, voxel_cells=7).sites._replace(ny=ny, nx=nx, vy=1, vx=nx // 7 + 1)
    y = np.array([1, 2, 1000, 33_333, 39_978])
    for site in np.concatenate([y * nx - 1, y * nx, y * nx + 1]).tolist():
        row, x = divmod(site, nx)
        assert voxel_of(site, sites) == (row // 7) * sites.vx + x // 7


def test_positions_are_cell_centres_in_the_order_x_y_z():
    tissue = lattice((2, 3, 4), 10.0)
    z, y, x = np.unravel_index(17, (2, 3, 4))
    assert_array_equal(tissue.positions()[17], [(x + 0.5) * 10.0, (y + 0.5) * 10.0, (z + 0.5) * 10.0])
    assert tissue.extent == (20.0, 30.0, 40.0)
    assert_array_equal(tissue.centre(), [20.0, 15.0, 10.0])


def test_holes_are_nobodys_neighbour():
    mask = np.ones((3, 3), bool)
    mask[1, 1] = False
    tissue = lattice((3, 3), 10.0, mask=mask)
    assert tissue.exists is not None
    assert_array_equal(tissue.exists, mask.ravel())
    assert tissue.neighbours(0) == [1, 3]
    assert 4 not in tissue.within(tissue.centre(), 100.0)


def test_within_counts_the_cells_of_a_disc():
    tissue = lattice((5, 5), 0.1)  # 0.1 is not exact in binary: the cross must be whole all the same
    assert_array_equal(tissue.within(tissue.centre(), 0.1), [7, 11, 12, 13, 17])
    corner = lattice((5, 5), 10.0, boundary=("reflecting", "periodic")).within((5.0, 5.0), 10.0)
    assert_array_equal(corner, [0, 1, 4, 5])
    assert_array_equal(
        corner, twin_cloud(lattice((5, 5), 10.0, boundary=("reflecting", "periodic"))).within((5, 5), 10)
    )
    assert tissue.within(tissue.centre(), math.inf).size == 25


def test_radius_links_match_all_distances():
    rng = np.random.default_rng(5)
    points, extent = rng.uniform(0, [80.0, 50.0], (60, 2)), np.array([80.0, 50.0])
    for walls in walls_of(2):
        tissue = cloud(points, (50.0, 80.0), walls, Radius(12.0), 10.0)
        apart = np.abs(points[:, None] - points[None])
        wraps = np.array(walls[::-1]) == "periodic"
        apart = np.where(wraps, np.minimum(apart, extent - apart), apart)
        close = (np.hypot(apart[..., 0], apart[..., 1]) <= 12.0) & ~np.eye(60, dtype=bool)
        assert [tissue.neighbours(i) for i in range(60)] == [np.flatnonzero(row).tolist() for row in close]


def test_nearest_links_are_the_mutual_closure_of_the_k_nearest():
    points = np.random.default_rng(6).uniform(0, 100.0, (40, 2))
    tissue = cloud(points, (100.0, 100.0), "reflecting", Nearest(3), 10.0)
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    chosen = np.zeros((40, 40), bool)
    chosen[np.arange(40)[:, None], np.argsort(distance, axis=1)[:, :3]] = True
    assert [tissue.neighbours(i) for i in range(40)] == [np.flatnonzero(row).tolist() for row in chosen | chosen.T]


def test_nearest_copes_with_cells_in_one_place():
    tissue = cloud(np.full((6, 2), 5.0), (10.0, 10.0), "reflecting", Nearest(2), 10.0)
    for site in range(6):
        assert site not in tissue.neighbours(site)
        assert len(tissue.neighbours(site)) >= 2


def test_window_links_are_those_of_bins_truncated_towards_zero():
    points = np.random.default_rng(7).uniform(0, 200.0, (150, 2))
    tissue = cloud(points, (200.0, 200.0), "reflecting", Window(10.0, 2, 3), 10.0)
    bins = np.array([[int((x - 100.0) / 10.0), int((y - 100.0) / 10.0)] for x, y in points])
    apart = np.abs(bins[:, None] - bins[None])
    close = (apart[..., 0] <= 2) & (apart[..., 1] <= 3) & ~np.eye(150, dtype=bool)
    assert [tissue.neighbours(i) for i in range(150)] == [np.flatnonzero(row).tolist() for row in close]


def test_voxels_of_a_cloud_are_cubes_that_fill_the_tissue():
    points = np.array([[0.0, 0.0], [100.0, 50.0], [49.9, 25.0]])
    tissue = cloud(points, (50.0, 100.0), "reflecting", Radius(1.0), 26.0)  # 26 um does not divide: 25 um does
    assert tissue.voxel_shape == (2, 4)
    assert tissue.voxel_spacing == 25.0
    assert_array_equal(all_voxels(3, tissue.sites), [0, 7, 5])
    assert_allclose(tissue.cells_per_voxel, 3 / 8)
    with pytest.raises(ScenarioError, match="voxel_spacing"):
        cloud(points, (55.0, 100.0), "reflecting", Radius(1.0), 25.0)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"shape": (5,)}, "shape"),
        ({"shape": (0, 5)}, "shape"),
        ({"spacing": 0.0}, "cell_spacing"),
        ({"neighbourhood": "more"}, "did you mean moore"),
        ({"boundary": ("periodic",)}, "one per axis"),
        ({"boundary": "periodical"}, "did you mean periodic"),
        ({"voxel_cells": 4}, "voxel_cells"),
        ({"mask": np.ones((5, 6), bool)}, "mask"),
    ],
)
def test_bad_lattices_are_refused(change, word):
    with pytest.raises(ScenarioError, match=word):
        lattice(**({"shape": (6, 6), "spacing": 10.0} | change))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"positions": np.zeros((0, 2))}, "positions"),
        ({"positions": np.zeros((3, 3))}, "positions"),
        ({"positions": [[1.0, 11.0]]}, "between"),
        ({"positions": [[1.0, np.nan]]}, "between"),
        ({"links": Nearest(2)}, "nearest"),
        ({"links": Window(1.0, 1, 1), "boundary": "periodic"}, "window"),
        ({"voxel_spacing": 0.0}, "voxel_spacing"),
    ],
)
def test_bad_clouds_are_refused(change, word):
    good = {"positions": [[1.0, 2.0], [3.0, 4.0]], "extent": (10.0, 10.0), "boundary": "reflecting"}
    with pytest.raises(ScenarioError, match=word):
        cloud(**(good | {"links": Radius(5.0), "voxel_spacing": 5.0} | change))
