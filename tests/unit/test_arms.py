"""What arms must share, what must not share a name, and units that survive holes."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim
from sim.scenario import causes
from sim.scenario.arms import counterparts, untreated_twins
from sim.simulation import Simulation

TREE: dict[str, Any] = {
    "days": 2,
    "dt": 0.5,
    "replicates": 1,
    "tissues": {"skin": {"shape": [20, 20], "cell_types": {"fibroblast": {}}}},
    "factors": {"SASP": {"reach": 60, "induction": {"hill": {}}}},
    "events": {"graft": {"radius": 30}},
    "arms": {"control": {"events": {"graft": None}}, "graft": {}},
}


def scenario(changes: dict[str, Any] | None = None, **more: Any) -> sim.Scenario:
    return sim.from_dict(copy.deepcopy({**TREE, **more}), changes)


@pytest.mark.parametrize("name", ["damage", "immune", "SASP", "SASP_cargo", "SASP_level"])
def test_an_event_must_not_take_the_column_of_a_cause(name: str) -> None:
    with pytest.raises(sim.ScenarioError, match=f"events.{name}: must not share the cause"):
        scenario(events={name: {"radius": 30}}, arms={"control": {}})


@pytest.mark.parametrize("name", ["contact", "SASP_cargo"])
def test_a_factor_must_not_take_the_column_of_a_cause(name: str) -> None:
    with pytest.raises(sim.ScenarioError, match=f"factors.{name}: must not share the cause"):
        scenario(factors={**TREE["factors"], name: {"reach": 50}})


@pytest.mark.parametrize("cause", ["nothing", "drift", "SASP_level"])
def test_a_run_stops_only_by_what_is_counted(cause: str) -> None:
    with pytest.raises(sim.ScenarioError, match=r"stop.cause: must be one of .*SASP.*graft.*, got"):
        scenario({"stop.cause": cause, "stop.count": 3})


def test_a_run_may_stop_by_an_event_that_one_arm_has() -> None:
    results = sim.run(scenario({"stop.cause": "graft", "stop.count": 3}))
    assert results.timeseries.groupby("arm")["day"].max().to_dict() == {"control": 2.0, "graft": 0.0}


@pytest.mark.parametrize(
    ("patch", "key"),
    [
        ({"tissues": {"skin": {"shape": [30, 20]}}}, "tissues.skin.shape"),
        ({"tissues": {"skin": {"cell_spacing": 20}}}, "tissues.skin.cell_spacing"),
        ({"tissues": {"skin": {"holes": [{"at": [50, 50], "radius": 20}]}}}, "tissues.skin.holes"),
        ({"tissues": {"fat": {"shape": [20, 20]}}, "events": {"graft": {"tissue": "skin"}}}, "tissues"),
    ],
)
def test_arms_share_their_places(patch: dict[str, Any], key: str) -> None:
    with pytest.raises(sim.ScenarioError, match=f"arms.other.{key}: must be"):
        scenario(arms={"control": {}, "other": patch})


def test_arms_that_differ_in_decay_are_told_of_the_unit() -> None:
    slow = scenario(arms={"control": {}, "slow": {"factors": {"SASP": {"reach": 90}}}})
    assert slow.notes == (
        "factors.SASP: arms differ in decay or uptake; 1 % burden keeps the level at 1 in each of them",
    )


def test_cells_turned_by_contact_stay_silent_whatever_else_is_said() -> None:
    settings = scenario({"factors.SASP.secretion.by_cause": {"damage": 0.9}}).arms["graft"]
    assert settings.factors["SASP"].secretion.by_cause == {"contact": 0.0, "damage": 0.9}


def test_holes_do_not_change_the_unit_nor_part_lattice_and_cloud() -> None:
    """All cells around a hole senescent: the level far from it is 100 on both, and both agree to rounding."""
    holes = [{"at": [150, 150], "radius": 70}]
    whole = {"initial": {"burden": 100}, "damage": {"baseline": 0}, "repair": {"rate": 0}, "cell_types": {"cell": {}}}
    points = [[15 * (x + 0.5), 15 * (y + 0.5)] for y in range(40) for x in range(40)]
    cloud = {"positions": points, "extent": [600, 600], "links": {"radius": 20}, "voxel_spacing": 15}
    levels = []
    for place in ({"shape": [40, 40]}, {"cloud": cloud}):
        tree = {"days": 1, "tissues": {"skin": {**whole, **place, "holes": holes}}, "factors": {"SASP": {"reach": 30}}}
        levels.append(Simulation(sim.from_dict(tree).arms["control"]).patches["skin"].level("SASP"))
    np.testing.assert_allclose(levels[0], levels[1], rtol=1e-6)
    assert abs(levels[0].reshape(40, 40)[-1, -1] - 100) < 0.01
    assert levels[0].reshape(40, 40)[10, 10] < 50  # in the middle of the hole


def test_contact_does_not_pass_on_contact() -> None:
    """One senescent cell, contact alone: after one step only its own neighbours may have turned."""
    tree = {
        "days": 1,
        "dt": 1,
        "tissues": {
            "skin": {"shape": [21, 21], "damage": {"baseline": 0, "per_year": 0}, "clearance": {"max_rate": 0}}
        },
        "events": {"seed": {"radius": 5}},
    }
    tree["tissues"]["skin"]["contact"] = {"hazard": 500, "at_once": 0}  # type: ignore[index]
    settings = sim.from_dict(tree).arms["control"]
    both = settings.tissues["skin"].model_copy(
        update={"contact": settings.tissues["skin"].contact.model_copy(update={"at_once": 1.0})}
    )
    for engine in ("compiled", "agents"):
        silent = Simulation(settings, engine=engine)
        silent.step()
        eager = Simulation(settings.model_copy(update={"tissues": {"skin": both}, "events": {}}), engine=engine)
        cells = eager.patches["skin"].cells
        cells.state[220], cells.cause[220], cells.since[220] = 1, causes.INITIAL, -9.0
        eager.engines["skin"].refresh(np.array([220]))
        eager.step()
        found = np.flatnonzero(cells.state == 1)
        assert found.tolist() == np.flatnonzero(silent.patches["skin"].cells.state == 1).tolist()
        assert len(found) == 9


def test_a_cloud_that_cannot_be_is_refused_before_the_first_step(tmp_path: Path) -> None:
    cloud = {"positions": [[5, 5], [5, 5], [30, 30]], "extent": [40, 40], "links": {"nearest": 5}, "voxel_spacing": 10}
    with pytest.raises(sim.ScenarioError, match=r"<scenario>: tissues.skin: nearest must be"):
        sim.run(scenario(tissues={"skin": {"cloud": cloud}}), out=tmp_path / "out")
    cloud["links"] = {"radius": 50}
    factors = {"SASP": {"transport": "kernel", "kernel": {}}}
    with pytest.raises(sim.ScenarioError, match="cells must not share a place where kernel SASP acts"):
        sim.run(scenario(tissues={"skin": {"cloud": cloud}}, factors=factors), out=tmp_path / "out")
    holes = {"shape": [20, 20], "holes": [{"at": [150, 150], "radius": 900}]}
    with pytest.raises(sim.ScenarioError, match=r"tissues.skin: holes: must leave cells"):
        sim.run(scenario(tissues={"skin": holes}), out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------------------ hosts

KILL = {"treatments": {"d": {"drug": "dasatinib_quercetin", "amount": 5, "start": 1}}}
MUTE = {"treatments": {"m": {"drug": "ruxolitinib", "amount": 5, "start": 1}}}
YOUNG = {"age_at_start": 90}


def test_a_treated_arm_belongs_to_the_untreated_one_of_its_host() -> None:
    arms = {"none": {}, "kill": KILL, "mute": MUTE, "young_none": YOUNG, "young_kill": YOUNG | KILL, "older": {
        "age_at_start": 900}}  # fmt: skip
    known = scenario({"arms": arms}).arms
    assert untreated_twins(known) == {"kill": "none", "mute": "none", "young_kill": "young_none"}
    assert counterparts(known) == {"young_none": "none", "young_kill": "kill"}


def test_one_treated_host_is_compared_as_ever() -> None:
    known = scenario(
        {"arms": {"none": {}, "kill": KILL, "young_none": YOUNG, "no_twin": {"age_at_start": 9} | MUTE}}
    ).arms
    assert untreated_twins(known) == counterparts(known) == {}
