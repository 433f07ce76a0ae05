"""Functions and outcomes against their closed forms, in both engines, and after any stop."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import as_tree, event, factor, start, tissue, together, world

from sim.errors import ScenarioError
from sim.explain import explain
from sim.organism.functions import outcome_of
from sim.rules.functions import function_after, function_at_rest
from sim.rules.induction import hill
from sim.scenario.function import Outcome
from sim.scenario.load import from_dict
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree
from sim.simulation import Simulation
from sim.tissue.state import CLEARED, SCARRED

RATES = st.floats(1e-6, 10.0)
BURDEN: Tree = {"burden": {"max_rate": 0.3, "half_max": 8, "power": 2}}
TURN = 4.0  # day on which a half turns senescent, for good


def with_function(recovery: float, losses: Tree, *changes: Tree, **top: Any) -> Settings:
    """A world in which nothing happens but an event, and one function."""
    functions = tissue(functions={"strength": {"recovery": recovery, "losses": losses}})
    return world(functions, *changes, **top)


def turning(**how: Any) -> Tree:
    """Cells turn senescent on a day, all around the centre, and stay so."""
    return event("dose", kind="graft", radius=40, cells="senescent", day=TURN, **how)


def levels(settings: Settings, days: float, key: str = "patch.strength", **how: Any) -> float:
    simulation = start(settings, **how)
    while simulation.day < days:
        simulation.step()
    return simulation.functions.levels[key]


# ---------------------------------------------------------------------------------------------------------- the rule


SHARES = st.floats(0.0, 1.0)


@given(SHARES, SHARES, RATES, RATES, RATES, st.floats(1e-3, 30.0))
@settings(deadline=None)
def test_two_half_steps_are_one_step(
    level: float, rest: float, recovery: float, gain: float, loss: float, dt: float
) -> None:
    half = function_after(level, rest, recovery, gain, loss, dt / 2.0)
    whole = function_after(level, rest, recovery, gain, loss, dt)
    assert function_after(half, rest, recovery, gain, loss, dt / 2.0) == pytest.approx(whole, abs=1e-14)
    assert -1e-15 <= whole <= 1.0 + 1e-15


@given(SHARES, RATES, RATES, RATES, st.floats(1e-3, 30.0))
@settings(deadline=None)
def test_at_rest_nothing_changes(rest: float, recovery: float, gain: float, loss: float, dt: float) -> None:
    settled = function_at_rest(rest, recovery, gain, loss)
    assert settled == pytest.approx((recovery * rest + gain) / (recovery + gain + loss), rel=1e-15)
    assert function_after(settled, rest, recovery, gain, loss, dt) == settled


def test_limits() -> None:
    assert function_after(0.4, 1.0, 0.0, 0.0, 0.0, 5.0) == 0.4
    assert function_after(0.4, 1.0, 0.0, 0.0, 0.1, 5.0) == pytest.approx(0.4 * math.exp(-0.5), rel=1e-15)
    assert function_after(0.4, 1.0, 0.1, 0.0, 0.0, 5.0) == pytest.approx(1.0 - 0.6 * math.exp(-0.5), rel=1e-15)
    assert function_after(0.4, 0.0, 0.1, 0.0, 0.0, 5.0) == pytest.approx(0.4 * math.exp(-0.5), rel=1e-15)
    assert function_after(0.4, 0.0, 0.0, 0.1, 0.0, 5.0) == pytest.approx(1.0 - 0.6 * math.exp(-0.5), rel=1e-15)
    assert function_at_rest(1.0, 0.0, 0.0, 0.1) == 1.0  # nothing comes back: it starts whole
    assert function_at_rest(0.0, 0.0, 0.1, 0.0) == 0.0  # or without


@pytest.mark.parametrize("engine", ["compiled", "agents"])
def test_what_is_laid_down_grows_with_its_driver(engine: str) -> None:
    """Half senescent for good on a day: scar matrix rises from nothing to g / (r + g), as the closed form says."""
    gains = {"fibrosis": {"rest": 0, "recovery": 0.05, "gains": {"burden": {"max_rate": 0.2, "half_max": 10}}}}
    settings = world(tissue(functions=gains), turning())
    simulation = start(settings, engine=engine)
    while simulation.day < TURN + 10.0:
        assert simulation.day > TURN or simulation.functions.levels["patch.fibrosis"] == 0.0
        simulation.step()
    gain = hill(simulation.patches["patch"].burden, 0.2, 10.0, 1.0)
    expected = gain / (0.05 + gain) * -math.expm1(-(0.05 + gain) * 10.0)
    assert simulation.functions.levels["patch.fibrosis"] == pytest.approx(expected, rel=1e-12)


# ------------------------------------------------------------------------------------------------------------ drivers


@pytest.mark.parametrize("dt", [2.0, 1.0, 0.25])
@pytest.mark.parametrize("engine", ["compiled", "agents"])
def test_relaxation_under_a_steady_burden(dt: float, engine: str) -> None:
    simulation = start(with_function(0.05, BURDEN, turning(), dt=dt), engine=engine)
    while simulation.day < 30.0:
        simulation.step()
    burden = simulation.patches["patch"].burden
    assert burden > 20.0
    loss = hill(burden, 0.3, 8.0, 2.0)
    rest = 0.05 / (0.05 + loss)
    expected = rest + (1.0 - rest) * math.exp(-(0.05 + loss) * (30.0 - TURN))
    assert simulation.functions.levels["patch.strength"] == pytest.approx(expected, abs=1e-13)


def test_it_starts_at_rest_with_the_burden_of_before_the_first_event() -> None:
    old = tissue(initial={"burden": 25})
    simulation = start(with_function(0.05, BURDEN, old))
    rest = 0.05 / (0.05 + hill(simulation.patches["patch"].burden, 0.3, 8.0, 2.0))
    assert levels(with_function(0.05, BURDEN, old), 20.0) == rest == simulation.functions.levels["patch.strength"]
    grafted = event("dose", kind="graft", radius=40, cells="senescent", day=0)
    assert start(with_function(0.05, BURDEN, grafted)).functions.levels["patch.strength"] == 1.0


@pytest.mark.parametrize(("driver", "scar"), [("vacant", 0.0), ("scarred", 1.0)])
def test_lost_sites_erode(driver: str, scar: float) -> None:
    """Without repair a wound stays open; where every refill is a scar, it scars."""
    wound = event("cut", kind="wound", radius=30, day=0, share=0)
    repair = tissue(repair={"rate": 3 if scar else 0, "scar": scar})
    simulation = start(with_function(0.1, {driver: {"max_rate": 0.2, "half_max": 5}}, wound, repair))
    patch, level = simulation.patches["patch"], 1.0
    for _ in range(30):
        simulation.step()
        lost = np.count_nonzero(patch.cells.state == {"vacant": CLEARED, "scarred": SCARRED}[driver])
        level = function_after(level, 1.0, 0.1, 0.0, hill(100.0 * float(lost) / patch.n_cells, 0.2, 5.0, 1.0), 0.5)
    assert lost > 5
    assert simulation.functions.levels["patch.strength"] == level < 0.7


def test_a_factor_erodes_by_its_mean_level_and_its_absence_does_not() -> None:
    losses = {"SASP": {"max_rate": 0.2, "half_max": 3}}
    tree = as_tree(with_function(0.02, losses, factor(reach="30 um"), turning()))
    scenario = from_dict({**tree, "arms": {"with_it": {}, "without": {"factors": {"SASP": None}}}})
    simulation = start(scenario.arms["with_it"])
    level = 1.0
    for _ in range(30):
        simulation.step()
        mean = float(simulation.patches["patch"].level("SASP").mean(dtype=np.float64))
        level = function_after(level, 1.0, 0.02, 0.0, hill(mean, 0.2, 3.0, 1.0), 0.5)
    assert simulation.functions.levels["patch.strength"] == level < 0.7
    assert levels(scenario.arms["without"], 15.0) == 1.0


# ----------------------------------------------------------------------------------------------------------- outcomes


def test_outcomes_by_hand() -> None:
    now = {"muscle.force": 0.5, "skin.barrier": 0.8}
    grip = Outcome(weights={"muscle.force": 3.0}, scale=2.4, unit="N")
    frailty = Outcome(weights={"muscle.force": 3.0, "skin.barrier": 1.0}, deficit=True)
    assert outcome_of(grip, now) == pytest.approx(1.2, rel=1e-15)
    assert outcome_of(frailty, now) == pytest.approx(1.0 - (3 * 0.5 + 0.8) / 4, rel=1e-15)


@pytest.mark.parametrize(
    "name",
    [
        "burden",
        "alive",
        "lifespan",
        "mean_SASP",
        "function_strength",
        "exposure_SASP",
        "conc_drug",
        "morans_i",
    ],
)
def test_an_outcome_must_not_be_called_like_another_column(name: str) -> None:
    tree = as_tree(with_function(0.1, BURDEN)) | {"outcomes": {name: {"weights": {"patch.strength": 1}}}}
    with pytest.raises(ScenarioError, match=rf"outcomes\.{name}: must not be the name of another column"):
        from_dict(tree)


def test_arms_measure_an_outcome_in_one_unit() -> None:
    tree = as_tree(with_function(0.1, BURDEN)) | {"outcomes": {"grip": {"weights": {"patch.strength": 1}, "unit": "N"}}}
    with pytest.raises(ScenarioError, match=r"arms\.b\.outcomes\.grip\.unit: must be 'N' in all arms, got 'g'"):
        from_dict(tree | {"arms": {"a": {}, "b": {"outcomes": {"grip": {"unit": "g"}}}}})


def test_the_arm_that_lacks_a_function_is_named() -> None:
    """Not where all arms lack it: then the outcome is wrong."""
    tree = as_tree(with_function(0.1, BURDEN)) | {"outcomes": {"grip": {"weights": {"patch.strength": 1}}}}
    weak = {"tissues": {"patch": {"functions": {"strength": None}}}}
    rule = "outcomes.grip.weights: must be left out, for there is none to name"
    with pytest.raises(ScenarioError, match=f"{rule} in arm weak, got 'patch.strength'"):
        from_dict({**tree, "arms": {"control": {}, "weak": weak}})
    with pytest.raises(ScenarioError, match=f"{rule}, got 'patch.strength'"):
        from_dict({**tree, "arms": {"weak": weak}})


def test_an_outcome_of_functions_that_nobody_has() -> None:
    tree = as_tree(world()) | {"outcomes": {"grip": {"weights": {"patch.strength": 1}}}}
    with pytest.raises(ScenarioError, match=r"must be left out, for there is none to name, got 'patch\.strength'"):
        from_dict(tree)


# ------------------------------------------------------------------------------------- engines, stops, what it costs


def busy() -> Settings:
    """A world in which cells turn, go, scar and come back, with functions that follow it."""
    losses = {"burden": {}, "vacant": {}, "scarred": {"half_max": 1}, "SASP": {"half_max": 2, "power": 2}}
    functions = {"strength": {"recovery": 0.1, "losses": losses}, "memory": {"losses": {"drift": {"max_rate": 0.5}}}}
    life = tissue(damage={"baseline": 3}, clearance={"max_rate": 20}, repair={"rate": 0.5, "scar": 0.2})
    factors = {name: {"reach": reach, "induction": {"hill": {}}} for name, reach in (("SASP", 40), ("drift", 20))}
    outcomes = {"grip": {"weights": {"patch.strength": 1}, "scale": 2}}
    return world(life, tissue(functions=functions), factors=factors, outcomes=outcomes)


def test_both_engines_and_any_stop_give_the_same_bits() -> None:
    known = busy()
    whole, agents = start(known), start(known, engine="agents")
    for _ in range(8):
        whole.step()
        agents.step()
    kept = whole.state()
    for _ in range(8):
        whole.step()
        agents.step()
    again = start(known)
    again.restore(kept)
    for _ in range(8):
        again.step()
    assert whole.functions.levels == agents.functions.levels == again.functions.levels
    assert len(set(whole.functions.levels.values())) == 2


def test_a_checkpoint_of_before_there_were_functions() -> None:
    """They begin at rest with what is there; all else goes on as it would have."""
    known = busy()
    simulation = start(known)
    for _ in range(8):
        simulation.step()
    kept = simulation.state()
    del kept["functions"]
    other = start(known)
    other.restore(kept)
    rested = Simulation(known, 0, 1)
    rested.restore(kept)
    assert other.functions.levels == rested.functions.levels != simulation.functions.levels
    loss = hill(float(other.patches["patch"].level("drift").mean(dtype=np.float64)), 0.5, 10.0, 1.0)
    assert other.functions.levels["patch.memory"] == 0.02 / (0.02 + loss)


def test_functions_change_nothing_else() -> None:
    known, simulation = busy(), start(busy())
    tree = together(as_tree(known), tissue(functions=None), {"outcomes": None})
    bare = start(from_dict(tree).common)
    for _ in range(8):
        simulation.step()
        bare.step()
    np.testing.assert_array_equal(simulation.patches["patch"].cum, bare.patches["patch"].cum)
    assert not bare.functions
    assert "functions" not in bare.state()


# -------------------------------------------------------------------------------------------------------------- words


def test_functions_in_words() -> None:
    losses = {**BURDEN, "SASP": {"max_rate": {"value": 0.1, "source": "Doe 2020", "confidence": "measured"}}}
    functions = {"strength": {"description": "force of a grip", "recovery": 0.1, "losses": losses}, "density": {
        "recovery": 0, "losses": {"vacant": {}}}}  # fmt: skip
    outcomes = {"grip": {"weights": {"patch.strength": 1}, "scale": 2.5, "unit": "N"},
                "frailty": {"weights": {"patch.strength": 2, "patch.density": 1}, "deficit": True}}  # fmt: skip
    tree = together(as_tree(world(factor(reach=30))), tissue(functions=functions), {"outcomes": outcomes})
    words = " ".join(explain(from_dict(tree)).split())
    assert (
        "Function strength (force of a grip), as a share of its best: lost at up to 0.3 per day by the burden" in words
    )
    assert "half of that at 8 %, Hill power 2 (assumed) and up to 0.1 per day by the mean level of SASP" in words
    assert "(Doe 2020, measured; assumed); half of what is lost comes back in 6.93 d" in words
    assert "up to 0.01 per day by vacant sites, half of that at 10 % of the sites" in words
    assert "it starts whole, and nothing comes back" in words
    assert "grip: 2.5 N times patch.strength." in words
    assert "frailty: 1 times the mean of what is lacking of 2 functions, weighted (assumed): patch.strength 2" in words
    assert "read out functions of tissues follow burden and factors" in words
