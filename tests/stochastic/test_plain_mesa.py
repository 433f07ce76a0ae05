"""Plain Mesa in the benchmarks has our rules, written either way: what is raced is the same model."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.contenders import MESA
from benchmarks.plain_mesa import AgentByAgent, HazardsOnLayers, PlainMesa, Signal
from benchmarks.worlds import common_rules
from sim.fields import Spectral
from sim.simulation import Simulation
from sim.tissue.state import CLEARED, SENESCENT

SHAPE, STEPS, RUNS = (24, 30), 24, 16
SKIN = {  # every process turns, removes or refills several cells of each tissue
    "initial.burden": 20,
    "damage.baseline": 1,
    "damage.per_year": 2,
    "contact.hazard": 0.01,
    "clearance.max_rate": 8,
    "clearance.half_saturation": 20,
    "clearance.territory": 60,
    "clearance.own_death": 0.02,
    "repair.rate": 0.3,
}
STRONG = {f"factors.{name}.induction.hill.max_rate": 0.06 for name in ("SASP", "second")}
STRONG |= {"factors.SASP.jams_immunity.half_max": 20}
BUSY = {f"tissues.skin.{key}": value for key, value in SKIN.items()} | STRONG


def ours(replicate: int) -> list[float]:
    """Burden [%], vacant sites [%] and mean level of the last factor at the end."""
    simulation = Simulation(common_rules(SHAPE, changes=BUSY), replicate)
    for _ in range(STEPS):
        simulation.step()
    patch = simulation.patches["skin"]
    return [patch.burden, 100.0 * float(np.mean(patch.cells.state == CLEARED)), float(patch.levels[-1].mean())]


def theirs(kind: str, replicate: int) -> list[float]:
    model = MESA[kind](common_rules(SHAPE, changes=BUSY), seed=replicate)
    for _ in range(STEPS):
        model.step()
    vacant = 100.0 * (1.0 - float(model.grid.resident.data.mean()))
    return [model.burden(), vacant, float(model.signals[-1].level.mean())]


@pytest.fixture(scope="module")
def our_runs() -> np.ndarray:
    """The compiled engine, a line per replicate."""
    return np.array([ours(i) for i in range(RUNS)])


@pytest.mark.parametrize("kind", MESA)
def test_means_agree_within_their_standard_errors(kind: str, our_runs: np.ndarray) -> None:
    one, other = our_runs, np.array([theirs(kind, i) for i in range(RUNS)])
    error = np.sqrt((one.var(axis=0, ddof=1) + other.var(axis=0, ddof=1)) / RUNS)
    assert (np.abs(one.mean(axis=0) - other.mean(axis=0)) < 3.5 * error).all()
    assert (error < 0.04 * one.mean(axis=0)).all()  # or they could not but agree


def test_hazards_on_layers_are_those_of_the_agents() -> None:
    """After some steps agent by agent, on the same states; with the share of each cause in what turns a cell."""
    settings = common_rules(SHAPE, changes=BUSY)
    model, other = AgentByAgent(settings), HazardsOnLayers(settings)
    for _ in range(5):
        model.step()
    model.spread()
    states = np.array([site.state for site in model.sites]).reshape(SHAPE)
    assert all((states == state).sum() > 20 for state in (0, 1, 2))
    np.testing.assert_array_equal(model.grid.senescent.data, states == 1)
    np.testing.assert_array_equal(model.grid.resident.data, states != 2)
    for layer in model.LAYERS:
        getattr(other.grid, layer).data = getattr(model.grid, layer).data
    other.damage = model.damage
    turning, total = other.hazards()
    np.testing.assert_allclose(total.ravel(), [sum(site.hazards()) for site in model.sites], rtol=1e-12)
    healthy = [site.hazards() for site in model.sites if site.state == 0]
    np.testing.assert_allclose(np.transpose([layer[states == 0] for layer in turning]), healthy, rtol=1e-12)


def test_levels_and_removal_are_ours_to_rounding() -> None:
    """On the same cells: the field at rest, a step of it, and the hazard of removal by territory and jamming."""
    settings = common_rules(SHAPE, 1, changes={"tissues.skin.clearance.territory": 60})
    model, patch = PlainMesa(settings), Simulation(settings).patches["skin"]
    old = (patch.cells.state == SENESCENT).reshape(SHAPE)
    (factor,), (signal,) = settings.factors.values(), model.signals
    signal.rest(old.astype(float))
    np.testing.assert_allclose(signal.level.ravel(), patch.levels[0], rtol=1e-5)
    exact = Spectral(SHAPE, 15.0, ["reflecting"] * 2, factor.diffusivity * 86400, factor.own_decay, 1e-4, np.float64)
    mine, source = Signal(factor, SHAPE, 15.0, 1e-4), np.random.default_rng(0).random(SHAPE)
    for _ in range(3):
        mine.advance(source)
        exact.advance(signal.unit * source)
    np.testing.assert_allclose(mine.level, exact.field, rtol=1e-12)
    model.grid.senescent.data, model.grid.resident.data = old, 1.0
    y, x = 3, 4
    box = old[max(y - 4, 0) : y + 5, max(x - 4, 0) : x + 5]
    clearance, jam = settings.tissues["skin"].clearance, 0.7
    wanted = clearance.max_rate * jam / (clearance.half_saturation + 100 * box.mean()) + clearance.own_death
    assert math.isclose(model.removal(np.full(SHAPE, jam))[y, x], wanted, rel_tol=1e-12)
