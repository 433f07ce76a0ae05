"""Spatial statistics on patterns whose answer is known: lattices, Poisson patterns, and counting by hand."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import cdist, pdist

from sim.spatial.front import front_radius, front_speed
from sim.spatial.neighbours import MoransI, cluster_sizes, connectivity, morans_i, pairs_within
from sim.spatial.points import nearest_distances, pair_correlation

approx = pytest.approx
Floats = NDArray[np.float64]


def lattice(*shape: int, spacing: float = 10.0) -> Floats:
    return np.argwhere(np.ones(shape, bool)) * spacing


def all_of(positions: Floats) -> NDArray[np.bool_]:
    return np.ones(len(positions), bool)


def within_error(sample: Floats, truth: float, errors: float = 4.0) -> bool:
    """Every column's mean lies within `errors` standard errors of the truth."""
    error = sample.std(axis=0, ddof=1) / math.sqrt(len(sample))
    return bool(np.all(np.abs(sample.mean(axis=0) - truth) < errors * error))


# -------------------------------------------------------------------------------------------------- clusters


def components_by_hand(positions: Floats, reach: float, box: Floats | None) -> list[int]:
    """Merge sets of cells pair by pair."""
    groups = [{i} for i in range(len(positions))]
    for i, j in combinations(range(len(positions)), 2):
        apart = np.abs(positions[i] - positions[j])
        if box is not None:
            apart = np.minimum(apart, box - apart)
        if math.dist(apart, np.zeros_like(apart)) <= reach:
            joined = [group for group in groups if i in group or j in group]
            groups = [group for group in groups if group not in joined] + [set().union(*joined)]
    return sorted(map(len, groups), reverse=True)


def test_clusters_of_a_hand_made_pattern() -> None:
    positions = lattice(5, 5)
    marked = np.array(
        [[1, 1, 0, 0, 1], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0], [1, 0, 0, 0, 1]], bool
    ).ravel()
    assert cluster_sizes(pairs_within(positions, 11), marked).tolist() == [3, 1, 1, 1, 1]  # sides
    assert cluster_sizes(pairs_within(positions, 15), marked).tolist() == [4, 1, 1, 1]  # and corners
    around = {"box": (50, 50), "periodic": True}
    assert cluster_sizes(pairs_within(positions, 11, **around), marked).tolist() == [6, 1]
    assert cluster_sizes(pairs_within(positions, 11, box=(50, 50), periodic=(True, False)), marked).tolist() == [
        4,
        2,
        1,
    ]
    assert connectivity(pairs_within(positions, 11), marked) == 3 / 7
    assert connectivity(pairs_within(positions, 15, **around), marked) == 1.0


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("reach", [4.0, 13.0, 60.0])
def test_components_equal_those_merged_pair_by_pair(dimension: int, periodic: bool, reach: float) -> None:
    rng = np.random.default_rng(dimension)
    box = np.array([100.0, 70.0, 40.0][:dimension])
    positions, marked = rng.random((120, dimension)) * box, rng.random(120) < 0.6
    expected = components_by_hand(positions[marked], reach, box if periodic else None)
    sizes = cluster_sizes(pairs_within(positions, reach, box=box, periodic=periodic), marked)
    assert sizes.tolist() == expected
    assert sizes.dtype == np.int64


def test_a_strip_of_senescent_cells_cuts_the_healthy_tissue() -> None:
    positions = lattice(10, 10)
    healthy = positions[:, 0] != 40
    assert connectivity(pairs_within(positions, 11), healthy) == 50 / 90  # rows 0-3 and 5-9
    assert connectivity(pairs_within(positions, 11, box=(100, 100), periodic=True), healthy) == 1.0
    assert connectivity(pairs_within(positions, 11), all_of(positions)) == 1.0


def test_nothing_marked_has_no_clusters_and_no_connectivity() -> None:
    positions = lattice(3, 3)
    nothing = ~all_of(positions)
    assert cluster_sizes(pairs_within(positions, 11), nothing).tolist() == []
    assert math.isnan(connectivity(pairs_within(positions, 11), nothing))
    assert math.isnan(front_radius(positions, nothing, (0, 0)))


# -------------------------------------------------------------------------------------------------- pair correlation

BOXES = [(100.0, 60.0), (60.0, 50.0, 44.0)]
EDGES = np.array([0, 8, 16, 24, 32, 40.0])


def without_correction(positions: Floats, edges: Floats, box: tuple[float, ...]) -> Floats:
    n, dimension = positions.shape
    ball = {2: math.pi, 3: 4 / 3 * math.pi}[dimension]
    ordered = 2 * np.histogram(pdist(positions), edges)[0]
    return math.prod(box) / (n * (n - 1)) * ordered / (ball * np.diff(edges**dimension))


@pytest.mark.parametrize("box", BOXES)
def test_a_poisson_pattern_has_g_of_one_only_with_correction_of_edges(box: tuple[float, ...]) -> None:
    rng = np.random.default_rng(11)
    patterns = [rng.random((150, len(box))) * box for _ in range(120)]
    corrected = np.array([pair_correlation(p, EDGES, box=box) for p in patterns])
    naive = np.array([without_correction(p, EDGES, box) for p in patterns])
    assert within_error(corrected, 1.0)
    assert np.all(naive.mean(axis=0) < 0.95)
    assert naive.mean(axis=0)[-1] < 0.65


@pytest.mark.parametrize("box", BOXES)
def test_a_poisson_pattern_has_g_of_one_in_a_periodic_and_a_half_periodic_box(box: tuple[float, ...]) -> None:
    rng = np.random.default_rng(12)
    patterns = [rng.random((150, len(box))) * box for _ in range(120)]
    for periodic in (True, [True] + [False] * (len(box) - 1)):
        g = [pair_correlation(p, EDGES[:3], box=box, periodic=periodic) for p in patterns]
        assert within_error(np.array(g), 1.0)


@pytest.mark.parametrize("box", BOXES)
def test_two_cells_at_the_edge_give_the_formula(box: tuple[float, ...]) -> None:
    apart = np.array([10.0, 20.0, 15.0][: len(box)])
    far = float(np.linalg.norm(apart))
    edges = np.array([far - 1, far + 1])
    shell = math.pi * 4 * far if len(box) == 2 else 4 / 3 * math.pi * ((far + 1) ** 3 - (far - 1) ** 3)
    expected = math.prod(box) ** 2 / math.prod(np.array(box) - apart) / shell
    corners = np.array([np.zeros(len(box)), apart])
    assert pair_correlation(corners, edges, box=box) == approx(expected)
    assert pair_correlation(corners - 1e4, edges, box=box) == approx(expected)


def test_a_periodic_lattice_counts_its_shells_exactly() -> None:
    positions = lattice(12, 12)
    edges = np.array([0, 9, 11, 13, 15, 19, 21])
    neighbours = np.array([0, 4, 0, 4, 0, 4])  # at 1, sqrt(2), and 2 spacings
    expected = neighbours * 120**2 / 143 / (math.pi * np.diff(edges**2))
    assert pair_correlation(positions, edges, box=(120, 120), periodic=True) == approx(expected)


def test_clustered_cells_exceed_one_and_repelled_cells_stay_below() -> None:
    rng = np.random.default_rng(13)
    parents = rng.random((20, 2)) * 200
    clustered = (parents[:, None, :] + rng.normal(0, 3, (20, 10, 2))).reshape(-1, 2)
    edges, around = [0, 5, 10], {"box": (200, 200), "periodic": True}
    assert pair_correlation(clustered, edges, **around)[0] > 5
    assert pair_correlation(lattice(20, 20), edges[:2], **around)[0] == 0


def test_fewer_than_two_cells_have_no_pair_correlation() -> None:
    for n in (0, 1):
        assert np.isnan(pair_correlation(np.ones((n, 2)), [0, 1, 2], box=(10, 10))).tolist() == [True, True]


# -------------------------------------------------------------------------------------------------- nearest


def test_nearest_distances_on_a_periodic_lattice_are_exact() -> None:
    positions = lattice(6, 8)
    steps = [np.minimum(np.arange(m), m - np.arange(m)) for m in (6, 8)]
    expected = 10 * np.hypot(steps[0][:, None], steps[1][None, :]).ravel()
    around = {"box": (60, 80), "periodic": True}
    assert nearest_distances(positions, [[0, 0]], **around) == approx(expected)
    assert nearest_distances(positions, [[-600, 160]], **around) == approx(expected)
    assert nearest_distances(positions, [[0, 0]]) == approx(np.hypot(*positions.T))
    assert nearest_distances(positions, positions).tolist() == [0] * 48


def test_nearest_distances_equal_brute_force_and_are_infinite_without_senders() -> None:
    rng = np.random.default_rng(14)
    start, goal = rng.normal(0, 50, (80, 3)), rng.normal(0, 50, (9, 3))
    assert nearest_distances(start, goal) == approx(cdist(start, goal).min(axis=1))
    assert nearest_distances(start, goal[:0]).tolist() == [math.inf] * 80
    assert nearest_distances(start[:0], goal).shape == (0,)


def test_a_cell_a_hair_below_zero_is_wrapped() -> None:
    around = {"box": (10, 10), "periodic": True}
    assert nearest_distances([[-1e-20, 0]], [[9, 0]], **around) == approx([1.0])
    assert nearest_distances([[9, 0]], [[-1e-20, 0]], **around) == approx([1.0])


# -------------------------------------------------------------------------------------------------- Moran's I


@pytest.mark.parametrize("row_standardised", [False, True])
def test_a_checkerboard_is_minus_one(row_standardised: bool) -> None:
    positions = lattice(8, 8)
    board = positions.sum(axis=1) // 10 % 2
    around = {"box": (80, 80), "periodic": True}
    for space in ({}, around):
        found = morans_i(board, pairs_within(positions, 11, **space), row_standardised=row_standardised)
        assert found.value == approx(-1)
        assert found.expectation == -1 / 63
        assert found.z < -5


def test_two_halves_are_alike_but_for_their_border() -> None:
    m = 12
    positions = lattice(m, m)
    halves = positions[:, 0] < 10 * m / 2
    around = {"box": (10 * m, 10 * m), "periodic": True}
    assert morans_i(halves, pairs_within(positions, 11)).value == approx(
        1 - 1 / (m - 1)
    )  # m of 2 m (m - 1) pairs differ
    assert morans_i(halves, pairs_within(positions, 11, **around)).value == approx(1 - 2 / m)  # 2 m of 2 m m


@pytest.mark.parametrize("row_standardised", [False, True])
def test_chance_gives_the_expectation_and_normal_values_the_variance(row_standardised: bool) -> None:
    rng = np.random.default_rng(15)
    positions = lattice(9, 9)

    def sample(draw: list[Floats]) -> list[MoransI]:
        return [morans_i(v, pairs_within(positions, 11), row_standardised=row_standardised) for v in draw]

    marks = sample([rng.permutation(np.arange(81) < 20) for _ in range(400)])
    normal = sample(list(rng.normal(5, 2, (400, 81))))
    assert within_error(np.array([i.value for i in marks]), -1 / 80)
    assert within_error(np.array([i.value for i in normal]), -1 / 80)
    observed = np.var([i.value for i in normal], ddof=1)
    assert observed == approx(normal[0].variance, rel=4 * math.sqrt(2 / 399))


@pytest.mark.parametrize("row_standardised", [False, True])
def test_morans_i_equals_its_double_sum(row_standardised: bool) -> None:
    rng = np.random.default_rng(16)
    positions, values = rng.random((60, 3)) * 50, rng.normal(size=60)
    positions[0] = 1e3  # a cell without neighbours
    w = (cdist(positions, positions) <= 15) * 1.0
    np.fill_diagonal(w, 0)
    if row_standardised:
        w /= np.maximum(w.sum(axis=1, keepdims=True), 1)
    z, n = values - values.mean(), 60
    s1, s2 = ((w + w.T) ** 2).sum() / 2, ((w.sum(0) + w.sum(1)) ** 2).sum()
    second_moment = (n * n * s1 - n * s2 + 3 * w.sum() ** 2) / ((n * n - 1) * w.sum() ** 2)
    found = morans_i(values, pairs_within(positions, 15), row_standardised=row_standardised)
    assert found.value == approx(n / w.sum() * (z @ w @ z) / (z @ z))
    assert found.variance == approx(second_moment - 1 / 59**2)


def test_values_all_alike_have_no_morans_i() -> None:
    found = morans_i(np.full(9, 0.1), pairs_within(lattice(3, 3), 11))
    assert math.isnan(found.value)
    assert found.expectation == -1 / 8


# -------------------------------------------------------------------------------------------------- fronts


def test_the_front_of_a_filled_disc_is_the_root_of_the_quantile() -> None:
    positions = lattice(201, 201, spacing=1.0)
    centre = (100, 100)
    disc = np.linalg.norm(positions - centre, axis=1) <= 80
    for quantile in (0.25, 0.5, 0.9):
        assert front_radius(positions, disc, centre, quantile) == approx(80 * math.sqrt(quantile), rel=0.01)
    assert front_radius(positions, disc, centre, 1.0) == 80


def test_a_front_at_the_seam_of_a_periodic_box_is_round() -> None:
    positions = lattice(100, 100, spacing=1.0)
    apart = np.minimum(positions, 100 - positions)
    disc = np.hypot(*apart.T) <= 30
    found = front_radius(positions, disc, (0, 0), 1.0, box=(100, 100), periodic=True)
    assert found == 30
    assert front_radius(positions, disc, (0, 0), 1.0) > 100


def test_speed_of_a_straight_and_of_a_scattered_front() -> None:
    days = np.arange(0, 50, 5.0)
    assert front_speed(days, 12 + 3.5 * days) == approx((3.5, 0), abs=1e-12)
    radii = 12 + 3.5 * days + np.random.default_rng(17).normal(0, 4, 10)
    line = stats.linregress(days, radii)
    assert front_speed(days, radii) == approx((line.slope, line.stderr))
    before = np.concatenate([[math.nan, math.nan], radii])
    assert front_speed(np.concatenate([[-10, -5], days]), before) == front_speed(days, radii)


# -------------------------------------------------------------------------------------------------- invariance


@pytest.mark.parametrize("box", BOXES)
def test_order_of_cells_and_shifts_of_a_periodic_pattern_change_nothing(box: tuple[float, ...]) -> None:
    rng = np.random.default_rng(18)
    n, space = 200, {"box": box, "periodic": True}
    positions, marked, level = rng.random((n, len(box))) * box, rng.random(n) < 0.4, rng.normal(size=n)
    centre = np.array(box) / 3

    def measured(p: Floats, m: NDArray[np.bool_], v: Floats, c: Floats) -> list[float]:
        return [
            *cluster_sizes(pairs_within(p, 9, **space), m),
            connectivity(pairs_within(p, 6, **space), ~m),
            *pair_correlation(p[m], [0, 5, 10, 20], **space),
            *morans_i(v, pairs_within(p, 10, **space)),
            *np.sort(nearest_distances(p[~m], p[m], **space)),
            front_radius(p, m, c, **space),
        ]

    before = measured(positions, marked, level, centre)
    order = rng.permutation(n)
    assert measured(positions[order], marked[order], level[order], centre) == approx(before)
    shift = rng.normal(0, 300, len(box))
    assert measured(positions + shift, marked, level, centre + shift) == approx(before)


# -------------------------------------------------------------------------------------------------- mistakes

GRID = lattice(4, 4)
ALL = all_of(GRID)
NEXT = pairs_within(GRID, 11)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: pairs_within(GRID[:, :1], 11), "2 or 3 columns"),
        (lambda: pairs_within(GRID * math.nan, 11), "finite"),
        (lambda: cluster_sizes(NEXT, ALL.astype(int)), "type bool"),
        (lambda: connectivity(NEXT, ALL[1:]), "cells beyond the 15"),
        (lambda: pairs_within(GRID, 0), "reach must be a positive"),
        (lambda: pairs_within(GRID, 11, periodic=True), "need the lengths"),
        (lambda: pairs_within(GRID, 11, box=(40, 0)), "positive lengths"),
        (lambda: pairs_within(GRID, 11, box=(40, 40), periodic=[True] * 3), "one per axis"),
        (lambda: pair_correlation(GRID, [0, 5, 5], box=(40, 40)), "increasing"),
        (lambda: pair_correlation(GRID, [0, 5], box=(40, 20)), "do not fit"),
        (lambda: pair_correlation(GRID, [0, 21], box=(40, 40), periodic=True), "too far"),
        (lambda: pair_correlation(GRID, [0, 40], box=(40, 40)), "too far"),
        (lambda: nearest_distances(GRID, np.zeros((1, 3))), "need the same"),
        (lambda: morans_i(np.arange(3), NEXT), "cells beyond the 3"),
        (lambda: morans_i(np.arange(2), NEXT[:1]), "3 cells or more"),
        (lambda: morans_i(np.arange(16), NEXT[:0]), "no two cells"),
        (lambda: front_radius(GRID, ALL, (0, 0, 0)), "centre"),
        (lambda: front_radius(GRID, ALL, (0, 0), 1.1), "quantile"),
        (lambda: front_speed([0, 1], [1, 2]), "3 radii"),
        (lambda: front_speed([1, 1, 1], [1, 2, 3]), "different days"),
        (lambda: front_speed([0, 1, 2], [1, 2]), "one length"),
    ],
)
def test_mistakes_are_told(call, text: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=text):
        call()
