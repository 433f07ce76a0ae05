"""Quality of healthy cells: it declines with the accumulated dose, before they turn and also where they never do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from worlds import assert_same, event, factor, start, tissue, together, world

from sim.explain import explain
from sim.observe import Census, layer, read_out
from sim.rules.functions import function_after
from sim.rules.induction import hill, quality_left
from sim.scenario.load import from_dict
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree
from sim.simulation import Simulation
from sim.tissue.quality import mean_quality, quality
from sim.tissue.state import HEALTHY, SENESCENT

HALF = {"max_rate": 0, "half_max": 6, "power": 2}
GRAFT = event(kind="graft", radius=30, cells="senescent", since_onset=100)


def box(response: Tree, name: str = "ethylene", memory: float = 3.0, **more: Any) -> Tree:
    """A gas that is the same everywhere and at once at its steady level; nobody turns unless `response` says so."""
    cargo = {"memory": memory, "response": response}
    about = {"transport": "well_mixed", "decay_rate": 1e4, "affinity": {"cell": 1}, "cargo": cargo, **more}
    return factor(name, **about)


def after(settings: Settings, steps: int, **how: Any) -> Simulation:
    simulation = start(settings, **how)
    for _ in range(steps):
        simulation.step()
    return simulation


@pytest.mark.parametrize("power", [1.0, 2.0, 3.5])
def test_the_rule(power: float) -> None:
    assert quality_left(0.0, 6.0, power) == 1.0
    assert quality_left(6.0, 6.0, power) == 0.5
    assert quality_left(9.0, 6.0, power) == pytest.approx(1.0 / (1.0 + 1.5**power), rel=1e-14)


@pytest.mark.parametrize("engine", ["compiled", "agents"])
def test_at_a_steady_level_it_follows_the_dose(engine: str) -> None:
    """q = A c tau (1 - exp(-t / tau)), quality = 1 / (1 + (q / half)^2); nobody turns at a max_rate of 0."""
    simulation = after(world(box({"hill": HALF}), GRAFT), 12, engine=engine)
    patch = simulation.patches["patch"]
    level = float(patch.level("ethylene")[0])
    assert level == pytest.approx(patch.burden, rel=1e-4)
    dose = level * 3.0 * (1.0 - math.exp(-6.0 / 3.0))
    expected = 1.0 / (1.0 + (dose / 6.0) ** 2)
    assert mean_quality(patch) == pytest.approx(expected, rel=1e-4)
    assert read_out(patch, "quality_lost") == pytest.approx(100.0 * (1.0 - expected), rel=1e-3)
    assert np.count_nonzero(patch.cells.state == SENESCENT) == patch.cum[patch.event_names.index("graft")]
    seen = layer(patch, "quality")
    assert seen.shape == (12, 12)
    assert set(np.unique(seen[(patch.cells.state == SENESCENT).reshape(12, 12)])) == {0.0}


def test_doses_of_several_factors_multiply() -> None:
    """A part of an affinity matrix is a factor like any other."""
    one, two = box({"hill": HALF}), box({"hill": HALF}, "other", memory=1.0)
    alone = [quality(after(world(each, GRAFT), 8).patches["patch"]) for each in (one, two)]
    np.testing.assert_allclose(
        quality(after(world(one, two, GRAFT), 8).patches["patch"]), alone[0] * alone[1], rtol=1e-12
    )


def test_a_response_without_a_half_maximum_leaves_it() -> None:
    settings = world(box({"linear": {"rate": 0.0}}), GRAFT)
    patch = after(settings, 8).patches["patch"]
    assert patch.cells.cargo.max() > 1.0
    assert set(quality(patch)[patch.cells.state == HEALTHY].tolist()) == {1.0}
    assert read_out(patch, "quality_lost") == 0.0
    assert "quality" not in Census(settings, patch).row(4.0)


def test_both_engines_and_the_table_agree() -> None:
    turning = box({"hill": {"max_rate": 0.2, "half_max": 20, "power": 2}})
    settings = world(together(turning, GRAFT))
    one, other = (after(settings, 20, engine=engine).patches["patch"] for engine in ("compiled", "agents"))
    assert_same(one, other)
    assert 0.0 < mean_quality(one) == mean_quality(other) == Census(settings, other).row(10.0)["quality"] < 1.0


def test_where_no_healthy_cell_is_left_nothing_is_lost_of_nobody() -> None:
    settings = world(box({"hill": HALF}), event(kind="graft", radius=1e3, cells="senescent"))
    patch = after(settings, 2).patches["patch"]
    assert math.isnan(mean_quality(patch))
    assert read_out(patch, "quality_lost") == 0.0


@pytest.mark.parametrize("engine", ["compiled", "agents"])
def test_a_function_is_lost_to_it(engine: str) -> None:
    loss = {"max_rate": 0.4, "half_max": 30}
    ripe = tissue(functions={"firmness": {"recovery": 0, "losses": {"quality_lost": loss}}})
    simulation, level = start(world(box({"hill": HALF}), GRAFT, ripe), engine=engine), 1.0
    for _ in range(20):
        simulation.step()
        lost = 100.0 * (1.0 - mean_quality(simulation.patches["patch"]))
        level = function_after(level, 1.0, 0.0, 0.0, hill(lost, 0.4, 30.0, 1.0), 0.5)
    assert simulation.functions.levels["patch.firmness"] == pytest.approx(level, rel=1e-12)
    assert level < 0.6


def test_explain_names_it() -> None:
    tree = {"days": 5, "tissues": {"store": {"shape": [4, 4], "functions": {"firm": {"losses": {"quality_lost": {}}}}}}}
    text = explain(from_dict(together(tree, box({"hill": HALF}))))
    assert "the lost quality of healthy cells" in " ".join(text.split())
    assert "Their quality is 1 less the share of that rate which their dose has reached." in " ".join(text.split())


def test_a_function_that_follows_nothing_is_told() -> None:
    follows = {"functions": {"firm": {"losses": {"quality_lost": {}}}}}
    tree = {"days": 5, "tissues": {"store": {"shape": [4, 4], **follows}}}
    note = (
        "tissues.store.functions.firm: follows quality_lost, which is 0 without a factor with cargo and a Hill response"
    )
    assert note in from_dict(together(tree, box({"linear": {"rate": 0.1}}))).notes
    assert note not in from_dict(together(tree, box({"hill": HALF}))).notes
