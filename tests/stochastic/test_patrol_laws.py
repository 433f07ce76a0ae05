"""Patrols against laws with an exact answer: whom they find, how far they get, who comes, what mean field they are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from worlds import SPACING, factor, start, tissue, world

from sim.rules.patrol import encounters_in_plane, mean_field
from sim.scenario.trees import Tree
from sim.simulation import Simulation
from sim.tissue.state import HEALTHY, SENESCENT

STRAIGHT: Tree = {"persistence_time": "forever", "attachment_time": 1e-7, "rest_time": 0, "kill_probability": 0}


def walkers(*changes: Tree, shape: tuple[int, ...], **patrol: Any) -> Simulation:
    """A simulation whose cells only patrols change."""
    return start(world(tissue(boundary="periodic", patrols={"nk": patrol}), *changes, shape=shape))


def walk(simulation: Simulation, until: float) -> None:
    """Patrols alone, without the rest of a step."""
    simulation.engines["patch"].patrol(until)


def rows(simulation: Simulation) -> np.ndarray:
    return simulation.patches["patch"].patrols.troops[0].rows


# ----------------------------------------------------------------------------------------------------- whom they find


@pytest.mark.parametrize(("burden", "reach"), [(0.5, 4.0), (0.5, 23.0), (20, 4.0), (20, 23.0)])
def test_straight_walkers_find_2_r_v_n(burden: float, reach: float) -> None:
    """In the plane, among targets at random places: exactly, whatever the reach; few walkers, for they share."""
    simulation = walkers(
        tissue(initial={"burden": burden}), shape=(250, 250), **STRAIGHT, speed=5000, density=0.1, reach=reach
    )
    walk(simulation, 40.0)
    n = np.mean(simulation.patches["patch"].cells.state == SENESCENT) / SPACING**2
    compare_found(rows(simulation)["attachments"] / 40.0, 2 * reach * 5000 * n)


def test_straight_walkers_in_space_find_pi_r2_v_n() -> None:
    simulation = walkers(
        tissue(initial={"burden": 3}), shape=(40, 40, 40), **STRAIGHT, speed=5000, density=0.1, reach=14
    )
    walk(simulation, 20.0)
    n = np.mean(simulation.patches["patch"].cells.state == SENESCENT) / SPACING**3
    compare_found(rows(simulation)["attachments"] / 20.0, math.pi * 14**2 * 5000 * n)


def compare_found(found: np.ndarray, expected: float) -> None:
    """Within four standard errors, that of the walkers, of which one holds a cell in a hundred at the most."""
    error = found.std() / math.sqrt(found.size)
    assert found.mean() == pytest.approx(expected, abs=4 * error + 0.005 * expected)
    assert error < 0.02 * expected


def test_mean_field_is_the_law_of_patrols() -> None:
    """Straight walkers, no bias, no recruitment, targets replaced at random: kills a day on the curve within 5 %."""
    patrol = {"speed": 4000, "reach": 20, "attachment_time": 0.04, "rest_time": 0.1, "kill_probability": 0.8}
    side, density, every = 500, 0.02, 0.05
    for burden, days in ((0.05, 150.0), (0.5, 40.0), (2.0, 25.0), (5.0, 25.0), (20.0, 25.0)):
        simulation = walkers(shape=(side, side), **patrol, persistence_time="forever", density=density)
        patch = simulation.patches["patch"]
        state, dice = patch.cells.state, np.random.default_rng(3)
        state[dice.choice(side**2, int(burden / 100 * side**2), replace=False)] = SENESCENT
        before = 0
        for step in range(int((days + 2) / every)):
            walk(simulation, (step + 1) * every)
            killed = patch.patrols.merge(np.zeros(0, np.int64), np.zeros(0, np.uint8))[0]
            state[killed] = HEALTHY
            free = np.unique(dice.integers(side**2, size=20 * killed.size))
            state[dice.permutation(free[state[free] == HEALTHY])[: killed.size]] = SENESCENT
            before = patch.patrols.troops[0].kills if step < 2 / every else before  # the first two days settle
        assert np.count_nonzero(state == SENESCENT) == int(burden / 100 * side**2)
        a = encounters_in_plane(20.0, 4000.0, SPACING**-2)
        beta, kappa = mean_field(density, a, 0.8, 0.04, 0.1)
        expected = beta * burden / (kappa + burden)
        per_day = (patch.patrols.troops[0].kills - before) / days / side**2 * 100
        assert per_day == pytest.approx(expected, rel=0.05), burden
    assert 0.1 < kappa < 10  # the burdens lie on both sides of it


# ------------------------------------------------------------------------------------------------- how far they get


@pytest.mark.parametrize("shape", [(200, 200), (60, 60, 60)])
def test_persistent_walks_spread_as_they_should(shape: tuple[int, ...]) -> None:
    r"""Mean square displacement of a walk that forgets: 2 v^2 tau (t - tau (1 - exp(-t / tau))), by whole pieces."""
    speed, tau, days = 300.0, 0.11, 4.0
    density = 400 / math.prod(shape) * 1000
    simulation = walkers(shape=shape, speed=speed, persistence_time=tau, density=density / 10)
    troop, extent = simulation.patches["patch"].patrols.troops[0], shape[0] * SPACING
    path = np.zeros((troop.rows.size, 3))
    place = np.array([troop.rows[axis] for axis in "xyz"]).T
    n = round(days * speed / SPACING)
    for piece in range(n):
        walk(simulation, (piece + 0.5) * SPACING / speed)
        now = np.array([troop.rows[axis] for axis in "xyz"]).T
        apart = now - place
        path += apart - extent * np.round(apart / extent)
        place = now
    assert (troop.rows["moves"] == n).all()
    square = (path**2).sum(axis=1)
    keeps = math.exp(-SPACING / speed / tau)  # chance to keep the direction from one piece to the next
    expected = SPACING**2 * (n + 2 * sum((n - k) * keeps**k for k in range(1, n)))
    assert expected == pytest.approx(2 * speed**2 * tau * (days - tau * (1 - math.exp(-days / tau))), rel=0.02)
    assert square.mean() == pytest.approx(expected, abs=4 * square.std() / math.sqrt(square.size))


def test_directions_are_even_and_bias_leads_up() -> None:
    """Projections of random directions in space are uniform; with a bias of 1 all go straight up the gradient."""
    simulation = walkers(shape=(30, 30, 30), speed=300, persistence_time=1e-6, density=10)
    walk(simulation, 0.1)
    for axis in ("dx", "dy", "dz"):
        assert stats.kstest(rows(simulation)[axis], stats.uniform(-1, 2).cdf).pvalue > 1e-4
    for bias, least in ((0.5, 0.3), (1.0, 0.999)):
        law = {"follows": "SASP", "migration_bias": bias, "kill_probability": 0}
        settings = world(
            tissue(patrols={"nk": {"speed": 300, "persistence_time": 1e-6, "density": 100, **law}}), factor(reach=100)
        )
        simulation = start(settings)
        patch = simulation.patches["patch"]
        patch.levels[:] = np.tile(np.arange(12.0), 12)  # rising along x
        walk(simulation, 0.01)  # the first piece goes in the first direction
        inside = rows(simulation)["x"] < 100
        walk(simulation, 0.04)
        assert np.count_nonzero(inside) > 80
        assert rows(simulation)["dx"][inside].mean() > least


# -------------------------------------------------------------------------------------------------------- who comes


def test_recruits_are_a_poisson_process() -> None:
    """Basal rate and Hill response to a steady level; exact times, whatever the step."""
    call = {"basal": 0.5, "max_rate": 2, "half_max": 10, "power": 2}
    law = {"follows": "SASP", "density": 0, "speed": 0, "recruitment": call}
    level, days = 20.0, 150
    rate = (0.5 + 2 * 20**2 / (10**2 + 20**2)) / 100 * 144
    counts, times = [], []
    for replicate in range(40):
        settings = world(tissue(patrols={"nk": law}), factor(transport="well_mixed", decay_rate=1))
        troop = start(settings, replicate).patches["patch"].patrols.troops[0]
        for step in range(2 * days):
            troop.recruit(step / 2, 0.5, level)
        counts.append(troop.born)
        times += troop.rows["clock"].tolist()
        fine = start(settings, replicate).patches["patch"].patrols.troops[0]
        fine.recruit(0.0, float(days), level)
        assert fine.born == troop.born
        np.testing.assert_allclose(fine.rows["clock"], troop.rows["clock"], rtol=1e-9)
    total = sum(counts)
    assert total == pytest.approx(rate * days * 40, abs=4 * math.sqrt(total))
    spread = np.var(counts) / np.mean(counts) * len(counts)  # of a Poisson process: chi square
    assert stats.chi2.ppf(1e-4, len(counts) - 1) < spread < stats.chi2.ppf(1 - 1e-4, len(counts) - 1)
    assert stats.kstest(times, stats.uniform(0, days).cdf).pvalue > 1e-4


def test_lives_are_exponential_and_serials_are_never_used_again() -> None:
    law = {"density": 30, "speed": 0, "lifespan": 5, "senescence_rate": 0.1, "recruitment": {"basal": 3, "max_rate": 0}}
    simulation = start(world(tissue(patrols={"nk": law}), shape=(100, 100), dt=1))
    troop = simulation.patches["patch"].patrols.troops[0]
    lives = troop.rows["leaves"].copy()
    assert stats.kstest(lives, stats.expon(scale=5).cdf).pvalue > 1e-4
    assert stats.kstest(troop.rows["ages"], stats.expon(scale=10).cdf).pvalue > 1e-4
    seen: set[int] = set(troop.rows["serial"].tolist())
    for day in range(1, 11):
        simulation.step()
        now = set(troop.rows["serial"].tolist())
        assert troop.rows.size == len(now)
        first = troop.rows["clock"] == 0.0
        assert np.count_nonzero(first) == np.count_nonzero(lives >= day)
        seen |= now
    assert troop.rows.size < len(seen) <= troop.born  # those who come and go within a step are never seen
    idle = np.mean(troop.rows["idle"][troop.rows["clock"] == 0.0] != 0)
    assert idle == pytest.approx(1 - math.exp(-1), abs=4 * math.sqrt(0.25 / np.count_nonzero(first)))
