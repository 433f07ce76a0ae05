"""Exchange with the blood is exact at any step, keeps every amount, and touches nothing but means."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from bodies import SENDING, body, disturb, means, organ, sources, steps
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from worlds import SPACING, scattered, start, together

from sim.organism.blood import exact_tables
from sim.rules.exchange import exchange_rates
from sim.scenario.places import organ_volume
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree

SLOW = {"reach": None, "decay_rate": 0.3}  # a factor whose way to rest takes days
BLOOD = {"leak": 0.8, "half_life": 2.5, "tropism": {"skin": 1.7}, "leak_by_tissue": {"bone": 0.4}}
THREE = {
    "skin": organ(SENDING, {"volume": 300}),
    "bone": organ({"volume": 2000, "well_mixed": True}),
    "brain": organ({"initial": {"burden": 7}, "volume": 420}),
}
FIRST = (3.0, 40.0, 0.2, 7.0)


def linear_system(about: Settings) -> tuple[np.ndarray, np.ndarray]:
    """Matrix and volumes of MODEL.md 2.6, written down once more; no drugs, no uptake."""
    factor, n = about.factors["SASP"], len(about.tissues)
    blood, volumes = factor.blood, np.array([organ_volume(each) for each in about.tissues.values()])
    assert blood is not None
    matrix, plasma = np.zeros((n + 1, n + 1)), about.body.blood_volume
    matrix[n, n] = -math.log(2) / blood.half_life
    for i, name in enumerate(about.tissues):
        p, tropism = blood.exchange(name) * volumes[i], blood.tropism.get(name, 1.0)
        matrix[i, i] = -factor.own_decay - p / volumes[i]
        matrix[i, n] = p * tropism / volumes[i]
        matrix[n, i] = p / plasma
        matrix[n, n] -= p * tropism / plasma
    return matrix, np.append(volumes, plasma)


# ------------------------------------------------------------------------------------------------------- exactness


def test_one_tissue_by_the_closed_form() -> None:
    """Two rates: exp(A t) = exp(m t) (cosh(q t) + (A - m) sinh(q t) / q), m the half trace."""
    about = body({"skin": THREE["skin"]}, blood={**BLOOD, "leak_by_tissue": {"skin": 2}}, **SLOW)
    simulation, given_off = disturb(start(about), 3.0, 7.0), sources(start(about))
    matrix, _ = linear_system(about)
    half = np.trace(matrix) / 2
    q = math.sqrt(half**2 - np.linalg.det(matrix))
    rest = -np.linalg.solve(matrix, given_off)
    for n in range(1, 30):
        simulation.step()
        t = n * about.dt
        kept = math.exp(half * t) * (np.eye(2) * math.cosh(q * t) + (matrix - half * np.eye(2)) * math.sinh(q * t) / q)
        assert means(simulation) == pytest.approx(rest + kept @ (np.array([3.0, 7.0]) - rest), rel=1e-11)


def test_three_tissues_against_a_solver_of_differential_equations() -> None:
    about = body(THREE, blood=BLOOD, **SLOW)
    simulation, given_off = disturb(start(about), *FIRST), sources(start(about))
    matrix, _ = linear_system(about)
    solved = solve_ivp(lambda t, y: matrix @ y + given_off, (0, 10), FIRST, "DOP853", [1, 2.5, 10],
                       rtol=1e-13, atol=1e-13)  # fmt: skip
    for n, expected in zip((2, 3, 15), solved.y.T, strict=True):
        assert means(steps(simulation, n)) == pytest.approx(expected, rel=1e-10)


def test_the_length_of_the_step_does_not_matter() -> None:
    found = {}
    for dt in (0.1, 0.5, 1.0, 7.0):
        simulation = disturb(start(body(THREE, {"dt": dt}, blood=BLOOD, **SLOW)), *FIRST)
        found[dt] = [means(steps(simulation, round(7 / dt))) for _ in range(3)]
    for dt in (0.1, 0.5, 1.0):
        np.testing.assert_allclose(found[dt], found[7.0], rtol=1e-11)


@given(st.integers(1, 6), st.floats(-3, 3), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_tables_equal_those_of_a_matrix_exponential(n: int, log_dt: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rates = rng.random((n, n)) * (rng.random((n, n)) < 0.7)
    np.fill_diagonal(rates, 0.0)
    losses = rng.random(n) * (rng.random(n) < 0.5)
    dt, matrix = 10.0**log_dt, rates - np.diag(rates.sum(axis=0) + losses)
    whole = np.block([[matrix * dt, np.eye(n) * dt], [np.zeros((n, 2 * n))]])
    kept, gained = exact_tables(rates, losses, dt)
    np.testing.assert_allclose(kept, expm(whole)[:n, :n], atol=1e-10)
    np.testing.assert_allclose(gained / dt, expm(whole)[:n, n:] / dt, atol=1e-10)


@given(st.integers(2, 6), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_tables_lose_nothing_however_far_apart_the_rates_are(n: int, seed: int) -> None:
    """Where a matrix exponential would: rates from 1e-12 to 1e12 a day."""
    rng = np.random.default_rng(seed)
    rates = 10.0 ** rng.uniform(-12, 12, (n, n))
    np.fill_diagonal(rates, 0.0)
    kept, gained = exact_tables(rates, np.zeros(n), 7.0)
    assert (kept >= 0).all()
    assert (gained >= 0).all()
    np.testing.assert_allclose(kept.sum(axis=0), 1.0, rtol=1e-14)
    np.testing.assert_allclose(gained.sum(axis=0), 7.0, rtol=1e-13)


def test_what_is_lost_slowly_beside_fast_exchange_has_all_its_digits() -> None:
    """Two compartments that are one, of which a share of 1e-9 a day is lost from either half."""
    kept, _ = exact_tables(np.array([[0.0, 1e9], [1e9, 0.0]]), np.array([2e-9, 0.0]), 1.0)
    assert 1.0 - kept.sum(axis=0) == pytest.approx(1e-9, rel=1e-6)  # of 1 - 1e-9 ten digits are left


@pytest.mark.parametrize(("volume", "plasma"), [(1e9, 1e-3), (1e-9, 1e8), (1.0, 1.0)])
def test_fast_exchange_between_huge_and_tiny_volumes_levels_everything(volume: float, plasma: float) -> None:
    tissues = {"skin": organ({"volume": volume}), "bone": organ({"volume": 1.0})}
    about = body(tissues, {"dt": 7, "body": {"blood_volume": plasma}}, blood={"leak": 1e6, "half_life": "forever"},
                 reach=None, decay_rate=0)  # fmt: skip
    simulation = disturb(start(about), 5.0, 3.0, 2.0)
    volumes = np.array([volume, 1.0, plasma])
    level = float(volumes @ [5.0, 3.0, 2.0]) / volumes.sum()
    for _ in range(3):
        simulation.step()
        assert means(simulation) == pytest.approx([level] * 3, rel=1e-12)


def test_rates_leave_one_side_and_enter_the_other() -> None:
    into_blood, out_of_blood, into_tissue = exchange_rates(0.7, 3.0, 50.0, 20.0)
    assert into_blood * 20 == pytest.approx(0.7 * 50)
    assert out_of_blood * 20 == pytest.approx(into_tissue * 50)
    assert into_tissue / 0.7 == pytest.approx(3.0)


# ---------------------------------------------------------------------------------------------------- conservation

EXACT = {"precision": "float64"}
SPACES: dict[str, tuple[Tree, Tree]] = {
    "plane": (organ(), {}),
    "space": (organ(shape=(5, 6, 4)), {}),
    "periodic": (organ({"boundary": "periodic"}), {}),
    "coarse": (organ({"voxel_cells": 2}), EXACT),
    "cloud": (organ({"shape": None, **scattered(90, 2, 10 * SPACING)["tissues"]["patch"]}), EXACT),
    "stirred": (organ({"well_mixed": True}), {}),
    "stirred factor": (organ(), {"transport": "well_mixed"}),
    "with holes": (organ({"holes": [{"at": [50, 50], "radius": 20}]}), {}),
}


@pytest.mark.parametrize("space", SPACES)
def test_all_that_cells_give_off_is_somewhere(space: str) -> None:
    """In tissues where cells turn all the time; also after a checkpoint."""
    tissue, more = SPACES[space]
    busy = {"initial": {"burden": 5}, "damage": {"baseline": 3, "per_year": 0}}
    tissues = {"skin": together(tissue, busy, {"represents": 3e5}), "bone": organ(busy), "cut_off": organ(busy)}
    blood = {"leak": 3, "half_life": "forever", "leak_by_tissue": {"cut_off": 0}, "tropism": {"bone": 4}}
    about = body(tissues, {"body": {"blood_volume": 0.002}}, blood=blood, **{"reach": None, "decay_rate": 0, **more})
    simulation = start(about)
    patches = [simulation.patches["skin"], simulation.patches["bone"]]
    volumes = [organ_volume(patch.tissue) for patch in patches]

    def amount() -> float:
        held = [volume * patch.mean_level(0) for volume, patch in zip(volumes, patches, strict=True)]
        return math.fsum([*held, 0.002 * simulation.body.blood["SASP"].level])

    begun, given_off = amount(), []
    for step in range(120):
        if step == 50:
            again = start(about)
            again.restore(simulation.state())
            simulation, patches = again, [again.patches["skin"], again.patches["bone"]]
        for phase in simulation.plan():
            phase.run()
            if phase.name == "secrete":
                for volume, patch in zip(volumes, patches, strict=True):
                    n_voxels = math.prod(patch.geometry.voxel_shape)
                    cells = math.fsum(patch.secretion.now[0].astype(float)) / n_voxels
                    assert patch.mean_source(0) == pytest.approx(cells, rel=1e-13)
                    given_off.append(volume * cells * about.dt)
        simulation.step_index += 1
        simulation.day = simulation.step_index * about.dt
        assert amount() == pytest.approx(begun + math.fsum(given_off), rel=1e-12)
    assert amount() > 2 * begun
    assert all(patch.cum.sum() > 50 for patch in patches)


# ------------------------------------------------------------------------------------------------------------ rest


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("half_life", ["1 min", 0.0417, "forever"])
@pytest.mark.parametrize("leak", [1e-3, 1.0, 1e6])
def test_it_starts_at_rest(leak: float, half_life: Any, precision: str) -> None:
    tissues = {"skin": organ(SENDING), "bone": organ({"represents": 1e8}), "brain": organ(SENDING, {"volume": 1e-3})}
    about = body(tissues, blood={"leak": leak, "half_life": half_life}, precision=precision)
    simulation = start(about)
    begun = means(simulation)
    fields = {name: patch.levels.copy() for name, patch in simulation.patches.items()}
    matrix, _ = linear_system(about)
    assert matrix @ begun + sources(start(about)) == pytest.approx(0.0, abs=1e-9 * abs(matrix).max() * begun.max())
    for _ in range(6):
        simulation.step()
        np.testing.assert_allclose(means(simulation), begun, rtol=1e-12)
        for name, patch in simulation.patches.items():
            close = 1e-5 if precision == "float32" else 1e-11
            np.testing.assert_allclose(patch.levels, fields[name], rtol=close, atol=close * begun.max())
    assert (begun > 0).all()


def test_without_any_loss_there_is_no_rest_and_nothing_is_made_up() -> None:
    about = body({"skin": organ(SENDING)}, blood={"half_life": "forever"}, reach=None, decay_rate=0)
    assert means(start(about))[-1] == 0.0


# ------------------------------------------------------------------------------------------------- means and fields


def test_blood_changes_the_mean_of_a_field_and_no_other_mode() -> None:
    """With what comes back and without it (tropism 0): decay and leak are the same."""
    both = []
    for tropism in (0.0, 5.0):
        tissues = {"skin": organ(SENDING), "bone": organ(SENDING)}
        blood = {"leak": 300, "half_life": "forever", "tropism": {"skin": tropism}}
        simulation = start(body(tissues, blood=blood, precision="float64"))
        both.append(steps(simulation, 5).patches["skin"])
    alone, fed = both
    raised = fed.levels - alone.levels
    assert raised.min() > 0.1 * alone.levels.mean()
    assert np.ptp(raised) < 1e-12 * raised.max()
    assert raised.mean() == pytest.approx(fed.mean_level(0) - alone.mean_level(0), rel=1e-12)


def test_a_large_leak_of_a_float32_field() -> None:
    """Cells read the mean that is kept in float64, to the rounding of float32."""
    tissues = {"skin": organ(SENDING), "bone": organ()}
    simulation = start(body(tissues, {"body": {"blood_volume": 1e-4}}, blood={"leak": 1e6, "half_life": 1}))
    for _ in range(10):
        simulation.step()
        for patch in simulation.patches.values():
            assert patch.levels.dtype == np.float32
            assert patch.levels.mean(dtype=np.float64) == pytest.approx(patch.mean_level(0), rel=1e-5)
    assert means(simulation)[1] > 1e-4


def test_levels_of_a_plasma_without_tissues_only_decay() -> None:
    """Every leak is 0, which is legal."""
    simulation = start(body({"skin": organ(SENDING)}, blood={"leak": 0, "half_life": 2}))
    simulation.body.blood["SASP"].level = 8.0
    levels = [steps(simulation, 4).body.blood["SASP"].level for _ in range(3)]
    assert levels == pytest.approx([4.0, 2.0, 1.0], rel=1e-13)


@pytest.mark.parametrize(("order", "dt"), list(product([0, 1], [0.5, 3.0])))
def test_the_order_of_the_tissues_does_not_change_a_bit(order: int, dt: float) -> None:
    names = list(THREE)[:: 1 if order else -1]
    simulation = start(body({name: THREE[name] for name in names}, {"dt": dt}, blood=BLOOD, **SLOW))
    other = start(body({name: THREE[name] for name in sorted(THREE)}, {"dt": dt}, blood=BLOOD, **SLOW))
    steps(simulation, 9), steps(other, 9)
    for name, patch in simulation.patches.items():
        np.testing.assert_array_equal(patch.levels, other.patches[name].levels, strict=True)
    assert simulation.body.blood["SASP"].level == other.body.blood["SASP"].level
    assert simulation.body.burden == other.body.burden
