"""Death of an individual that is made of cells: the run ends with it, in both engines, and the table says so."""

from __future__ import annotations

import math

import numpy as np
import pytest
from worlds import QUIET, as_tree, start, tissue, together, world

import sim
from sim.experiment.checkpoint import read_checkpoint, save_checkpoint
from sim.rng import BODY, Purpose, Stream
from sim.rules.mortality import death_hazard, other_hazard
from sim.scenario.load import from_dict

AGEING = tissue(damage={"baseline": 5, "per_year": 0})
FRAIL = {"body": {"death": {"burden": 20}}}


@pytest.mark.parametrize("engine", ["compiled", "agents"])
def test_it_dies_at_the_end_of_the_step_that_reaches_the_threshold(engine: str) -> None:
    simulation = start(world(AGEING, FRAIL), engine=engine)
    while not simulation.finished:
        assert simulation.body.burden < 20
        simulation.step()
    assert simulation.died
    assert simulation.body.burden >= 20
    assert simulation.step_index == 10  # as in the other engine


def test_tissues_count_by_their_cells() -> None:
    two = {"tissues": {"other": together(QUIET, {"shape": [6, 6], "initial": {"burden": 100}})}}
    simulation = start(world(two, shape=(12, 12)))
    assert simulation.body.burden == pytest.approx(100 * 36 / (36 + 144))


def test_a_soft_threshold_kills_by_its_own_draw() -> None:
    settings = world(tissue(initial={"burden": 17}), {"body": {"death": {"burden": 17, "steepness": 0.5}}})
    for replicate in range(20):
        simulation = start(settings, replicate)
        hazard = death_hazard(simulation.body.burden, 17.0, 0.5)
        p = 1.0 - np.exp(-hazard * settings.dt)
        u = [Stream(1, BODY, replicate).uniform(Purpose.DEATH, step, 0) for step in range(100)]
        while not simulation.finished:
            simulation.step()
        assert simulation.step_index == 1 + int(np.flatnonzero(np.array(u) < p)[0])


def test_other_causes_have_a_draw_of_their_own() -> None:
    """An older host dies sooner of the same luck; the hazard is that of the middle of the step."""
    other = {"burden": 100, "other": {"rate": 0.01, "doubling_time": 50}}
    for replicate in range(20):
        settings = world({"body": {"death": other}}, age_at_start=100)
        simulation = start(settings, replicate)
        p = [-np.expm1(-other_hazard(100 + (step + 0.5) * 0.5, 0.01, 50.0) * 0.5) for step in range(400)]
        u = [Stream(1, BODY, replicate).uniform(Purpose.DEATH, step, 0, 1) for step in range(400)]
        while not simulation.finished:
            simulation.step()
        assert simulation.died
        assert simulation.step_index == 1 + int(np.flatnonzero(np.array(u) < p)[0])
    assert other_hazard(1e4, 0.5, math.inf) == 0.5


def test_the_table_of_individuals_tells_how_a_run_ended() -> None:
    tree = together(as_tree(world(AGEING, days=30)), {"replicates": 3, "arms": {"frail": FRAIL, "immortal": {}}})
    results = sim.run(from_dict(tree))
    table = results.individuals.set_index(["arm", "replicate"])
    assert table.loc["frail", "died"].all()
    assert not table.loc["immortal", "died"].any()
    assert (table.loc["immortal", "day"] == 30).all()
    last = results.timeseries.groupby(["arm", "replicate"])["day"].max()
    assert (table["day"] == last).all()
    assert (results.timeseries.query("arm == 'frail'").groupby("replicate")["burden"].last() >= 20).all()


def test_the_dead_stay_dead_in_a_checkpoint(tmp_path) -> None:  # type: ignore[no-untyped-def]
    simulation = start(world(tissue(initial={"burden": 17}), {"body": {"death": {"burden": 17, "steepness": 0.5}}}))
    while not simulation.finished:
        simulation.step()
    again = read_checkpoint(save_checkpoint(simulation, tmp_path / "dead.npz")).simulation()
    assert again.died
    assert again.finished
