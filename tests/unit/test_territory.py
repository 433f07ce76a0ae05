"""Territories against a plain sum over all pairs of sites."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sim.compiling import kernel
from sim.tissue.geometry import Geometry, cloud, lattice
from sim.tissue.links import Radius
from sim.tissue.state import ABSENT, CLEARED, HEALTHY, SCARRED, SENESCENT
from sim.tissue.territory import Territory, territory_burden

SHAPES = [(7, 9), (1, 6), (2, 5), (1, 1), (4, 3, 5), (1, 3, 6), (6, 5, 4)]
HALF_SIDES = [0.0, 9.9, 10.0, 25.0, 31.0, 300.0]


@kernel
def burdens(n_sites: int, view: tuple) -> np.ndarray:
    return np.array([territory_burden(site, *view) for site in range(n_sites)])


def measured(tissue: Geometry, half_side: float, state: np.ndarray) -> np.ndarray:
    territory = Territory(tissue, half_side)
    territory.update(state)
    return burdens(tissue.n_sites, territory.view)


def plain_burdens(tissue: Geometry, half_side: float, state: np.ndarray) -> np.ndarray:
    """The slow obvious twin: all pairs of sites, distances along each axis."""
    near = np.ones((tissue.n_sites, tissue.n_sites), bool)
    for column, length, wall in zip(tissue.positions().T, tissue.extent[::-1], tissue.boundary[::-1], strict=True):
        apart = np.abs(column[:, None] - column[None])
        near &= (np.minimum(apart, length - apart) if wall == "periodic" else apart) <= half_side + 1e-6
    senescent = near @ (state == SENESCENT).astype(np.int64)
    resident = senescent + near @ (state == HEALTHY).astype(np.int64)
    return np.where(resident > 0, 100.0 * senescent / np.maximum(resident, 1), 0.0)


def some_states(tissue: Geometry, seed: int) -> np.ndarray:
    """All states of a site, with holes that fall together with a mask."""
    rng = np.random.default_rng(seed)
    states = np.array([HEALTHY, SENESCENT, CLEARED, SCARRED, ABSENT], np.uint8)
    return rng.choice(states, tissue.n_sites, p=[0.4, 0.2, 0.2, 0.1, 0.1])


def twin_cloud(tissue: Geometry) -> Geometry:
    return cloud(tissue.positions(), tissue.extent, tissue.boundary, Radius(1.5 * tissue.spacing), tissue.spacing)


@pytest.mark.parametrize("half_side", HALF_SIDES)
@pytest.mark.parametrize("shape", SHAPES)
def test_lattice_and_cloud_count_what_the_plain_twin_counts(shape, half_side):
    for seed, walls in enumerate(product(("reflecting", "periodic"), repeat=len(shape))):
        tissue = lattice(shape, 10.0, boundary=walls)
        state = some_states(tissue, seed)
        expected = plain_burdens(tissue, half_side, state)
        assert_array_equal(measured(tissue, half_side, state), expected)
        assert_array_equal(measured(twin_cloud(tissue), half_side, state), expected)


@pytest.mark.parametrize("walls", list(product(("absorbing", "periodic"), repeat=2)))
@pytest.mark.parametrize("half_side", [3.0, 20.0, 49.0, 51.0])
def test_scattered_cells_count_what_the_plain_twin_counts(half_side, walls):
    points = np.random.default_rng(3).uniform(0, [100.0, 60.0], (300, 2))
    points[0] = [100.0, 60.0]  # the far corner: on periodic walls the same place as the near one
    tissue = cloud(points, (60.0, 100.0), walls, Radius(5.0), 10.0)
    state = some_states(tissue, 4)
    assert_array_equal(measured(tissue, half_side, state), plain_burdens(tissue, half_side, state))


def test_a_border_that_is_not_exact_in_binary_belongs_to_the_territory():
    tissue = lattice((1, 7), 0.1)  # 0.3 / 0.1 is less than 3
    state = np.array([SENESCENT, HEALTHY, HEALTHY, HEALTHY, HEALTHY, HEALTHY, HEALTHY], np.uint8)
    for kind in (tissue, twin_cloud(tissue)):
        assert_array_equal(measured(kind, 0.3, state) > 0, [True, True, True, True, False, False, False])


@pytest.mark.parametrize("shape", [(5, 6), (3, 4, 5)])
def test_an_infinite_territory_is_the_whole_tissue(shape):
    tissue = lattice(shape, 10.0, boundary="reflecting")
    state = some_states(tissue, 8)
    n_senescent, n_healthy = np.count_nonzero(state == SENESCENT), np.count_nonzero(state == HEALTHY)
    whole = np.full(tissue.n_sites, 100.0 * n_senescent / (n_senescent + n_healthy))
    for kind in (tissue, twin_cloud(tissue)):
        assert_array_equal(measured(kind, math.inf, state), whole)
        assert_array_equal(measured(kind, 1e4, state), whole)


def test_nobody_resident_is_no_burden():
    for tissue in (lattice((4, 4), 10.0), twin_cloud(lattice((4, 4), 10.0))):
        for half_side in (15.0, math.inf):
            assert_array_equal(measured(tissue, half_side, np.full(16, CLEARED, np.uint8)), np.zeros(16))


@pytest.mark.parametrize("kind", [lattice, "cloud"])
def test_one_view_serves_all_updates_and_changes_add_up_to_a_fresh_count(kind):
    tissue = lattice((12, 15), 10.0, boundary=("periodic", "reflecting"))
    tissue = tissue if kind is lattice else twin_cloud(tissue)
    territory, rng = Territory(tissue, 30.0), np.random.default_rng(9)
    view, state = territory.view, some_states(tissue, 10)
    for _ in range(5):
        state[rng.choice(tissue.n_sites, 25, replace=False)] = rng.integers(0, 4, 25, dtype=np.uint8)
        territory.update(state)
        assert_array_equal(burdens(tissue.n_sites, view), measured(tissue, 30.0, state))
        assert_array_equal(burdens(tissue.n_sites, view), plain_burdens(tissue, 30.0, state))
    assert territory_burden(7, *view) == burdens(tissue.n_sites, view)[7]
