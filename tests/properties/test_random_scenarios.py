"""Whatever a scenario allows: no step crashes, no site is lost, nothing is negative or infinite, engines agree."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings
from random_scenarios import scenarios
from reached import ALL, reached

from sim.errors import ScenarioError
from sim.experiment.replicate import Recorder
from sim.results import RunRecord
from sim.scenario.load import from_dict
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree
from sim.simulation import Simulation
from sim.tissue.keeping import State
from sim.tissue.patch import Patch
from sim.tissue.state import ABSENT, CLEARED, HEALTHY, SCARRED, SENESCENT

MANY, FEW = 28, 2  # rounds of ten
Seen = Counter[str]


def check_patch(patch: Patch, day: float, n_absent: int) -> None:
    """No site is lost; what cells and fields hold is finite, belongs to their state, and is what events have made."""
    cells = patch.cells
    numbers = np.bincount(cells.state, minlength=5)
    assert numbers[[HEALTHY, SENESCENT, CLEARED, SCARRED]].sum() == cells.state.size - n_absent
    assert numbers[ABSENT] == n_absent
    assert numbers.size == 5
    for array in (patch.levels, cells.cargo, cells.divisions):
        assert np.isfinite(array).all()
        assert (array >= 0).all()
    assert not cells.cargo[:, cells.state != HEALTHY].any()
    senescent = cells.state == SENESCENT
    assert (cells.cause[senescent] > 0).all()
    for array in (cells.cause, cells.generation, cells.refractory):
        assert not array[~senescent].any()
    assert (cells.since <= day).all()
    assert 0.0 <= patch.capacity <= 1.0


def check_record(simulation: Simulation, record: RunRecord) -> None:
    """Rows count every cell once, what is new adds up to what is cumulative, and no number is missing."""
    for name, patch in simulation.patches.items():
        rows = record.timeseries[record.timeseries["tissue"] == name]
        states = [f"n_{state}" for state in ("healthy", "senescent", "cleared", "scarred")]
        assert (rows[states].sum(axis=1) == patch.n_cells).all()
        for state in states:
            by_type = [f"n_{kind}_{state.removeprefix('n_')}" for kind in patch.tissue.cell_types]
            assert (rows[by_type].sum(axis=1) == rows[state]).all()
        for part in ("due_to_", "gen_"):
            counted = [column for column in rows if column.startswith(part)]
            assert (rows[counted].sum(axis=1) == rows["n_senescent"]).all(), part
        for column in (column for column in rows if column.startswith("new_")):
            cumulative = rows[f"cum_{column.removeprefix('new_')}"]
            assert (rows[column].cumsum() == cumulative).all(), column
            assert (rows[column] >= 0).all()
        whole = rows["n_healthy"] + rows["n_senescent"]
        np.testing.assert_allclose(rows["burden"] * whole, 100.0 * rows["n_senescent"], rtol=1e-14)
        mine = rows.dropna(axis=1, how="all")  # other columns are of other tissues
        levels = mine.filter(regex="^(mean|max|conc|effect|function)_").to_numpy(float)
        assert np.isfinite(levels).all()
        assert (levels >= 0.0).all()


def bits(state: State) -> dict[str, Any]:
    """A state to compare bit by bit."""
    return {name: bits(each) if isinstance(each, dict) else each.tobytes() for name, each in state.items()}


def lived(arm: str, about: Settings, tree: Tree) -> set[str]:
    """Run one arm with both engines side by side; what it has reached."""
    simulation, twin = Simulation(about), Simulation(about, engine="agents")
    absent = {name: np.count_nonzero(patch.cells.state == ABSENT) for name, patch in simulation.patches.items()}
    recorder = Recorder(simulation)
    while True:
        recorder.look()
        for name, patch in simulation.patches.items():
            check_patch(patch, simulation.day, absent[name])
            assert twin.patches[name].levels.tobytes() == patch.levels.tobytes()
        assert bits(twin.state()) == bits(simulation.state())
        if simulation.finished:
            break
        simulation.step()
        twin.step()
    record = RunRecord(arm, 0)
    recorder.close(record)
    check_record(simulation, record)
    return reached(simulation, recorder, tree)


def all_hold(rounds: int) -> tuple[Seen, int, list[str]]:
    """Let random scenarios live; how often each thing was reached, how many lived, and why others were refused.

    Rounds of ten: from the eleventh example on Hypothesis tries copies of those before, for which coverage is too dear.
    """
    seen, refused, trees = Seen(), dict[str, str](), set[str]()

    def hold(tree: Tree) -> None:
        if (text := json.dumps(tree)) in trees:  # every round begins with the simplest one
            return
        try:
            arms = from_dict(tree).arms
        except ScenarioError as error:
            refused[text] = str(error)
            return
        here = set().union(*(lived(arm, about, tree) for arm, about in arms.items()))
        trees.add(text)
        seen.update(here | ({"arms"} if len(arms) > 1 else set()))

    ten = settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
    for number in range(rounds):
        seed(number)(ten(given(scenarios())(hold)))()
    return seen, len(trees), list(refused.values())


def test_a_few_random_scenarios() -> None:
    seen, n, refused = all_hold(FEW)
    assert n >= 15
    assert len(refused) <= 0.1 * n, refused
    assert {"dimension 1", "dimension 2", "dimension 3", "reflecting", "periodic", "absorbing"} <= set(seen)


@pytest.mark.tour
def test_many_random_scenarios_reach_everything(capsys: pytest.CaptureFixture[str]) -> None:
    """At least 200; printed is how many have reached what."""
    seen, n, refused = all_hold(MANY)
    with capsys.disabled():
        print(f"\n{n} random scenarios lived, {len(refused)} more refused; reached (or present) by how many:")
        for group, names in ALL.items():
            print(f"  {group:<11}" + ", ".join(f"{name} {seen[name]}" for name in names))
    assert n >= 200
    assert len(refused) <= 0.1 * n, refused
    assert [name for names in ALL.values() for name in names if not seen[name]] == []
