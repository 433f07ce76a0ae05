"""The live tissue without a browser: what is seen is the run of the file that is saved, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from worlds import assert_same

import sim
from sim.app.actions import as_file, do_here, drugs_of, in_words, treat_now
from sim.app.knobs import knobs
from sim.app.live import Live
from sim.app.serve import EXAMPLE
from sim.scenario.ledger import scenario_rows
from sim.scenario.load import Scenario, from_dict
from sim.simulation import Simulation
from sim.tissue.state import CLEARED, SENESCENT

CONFIGS = Path(__file__).parents[2] / "configs"
TREE: dict[str, Any] = {
    "days": 12,
    "dt": "12 h",
    "seed": 4,
    "tissues": {
        "skin": {"preset": "mouse_dermis", "shape": [24, 30], "initial": {"burden": {"value": 3, "source": "a guess"}}},
        "ear": {"preset": "mouse_dermis", "shape": [8, 8]},
    },
    "factors": {
        "SASP": {"reach": "60 um", "induction": {"hill": {"max_rate": 0.2}}, "jams_immunity": {}},
        "drift": {
            "reach": "50 um",
            "affinity": {"fibroblast": 1},
            "cargo": {"memory": "3 d", "response": {"hill": {"max_rate": 0.2}}},
        },
    },
    "events": {"graft": {"tissue": "skin", "radius": "40 um", "day": 1}},
    "arms": {
        "control": {"events": {"graft": None}},
        "graft": {},
        "treated": {"treatments": {"d_q": {"drug": "dasatinib_quercetin", "amount": 55, "start": 4, "interval": 2}}},
        "spare": {"tissues": {"skin": {"contact": {"hazard": 0.1}}}},
    },
}


@pytest.fixture
def scenario() -> Scenario:
    return from_dict(TREE)


def go(live: Live, steps: int) -> None:
    """Catch up, then some steps more."""
    while live.behind:
        live.step()
    for _ in range(steps):
        live.step()


def assert_is_the_run_of_its_file(live: Live, folder: Path) -> None:
    file = folder / "saved.yaml"
    file.write_text(as_file(live.scenario), encoding="utf-8")
    again = sim.load(file)
    for arm, run in live.runs.items():
        fresh = Simulation(again.arms[arm])
        while fresh.step_index < run.step_index:
            fresh.step()
        for name, patch in fresh.patches.items():
            assert_same(run.simulation.patches[name], patch)


# ------------------------------------------------------------------------------------------- what is seen is the file


def test_what_is_seen_is_the_run_of_the_saved_file(scenario: Scenario, tmp_path: Path) -> None:
    live = Live(scenario)
    go(live, 5)
    do_here(live, "graft", "skin", 100, 30.0)
    go(live, 4)
    do_here(live, "wound", "skin", 500, 40.0, arm="graft")
    go(live, 3)
    assert_is_the_run_of_its_file(live, tmp_path)
    live.change("tissues.skin.clearance.max_rate", "0.5 %/d")
    assert (live.goal, live.step_index) == (12, 0)
    go(live, 1)
    treat_now(live, "fisetin", 50, "skin")
    treat_now(live, "navitoclax_topical", "5 uM", "skin", arm="treated")
    go(live, 3)
    do_here(live, "removal", "skin", 100, 60.0)
    go(live, 2)
    assert live.step_index == 18
    assert len(live.changes) == 6
    assert_is_the_run_of_its_file(live, tmp_path)


def test_clicks_on_day_0_belong_to_the_first_state(scenario: Scenario, tmp_path: Path) -> None:
    live = Live(scenario, ["control"])
    before = live.runs["control"].simulation.patches["skin"].residents()[1]
    do_here(live, "graft", "skin", 0, 30.0)
    patch = live.runs["control"].simulation.patches["skin"]
    assert patch.residents()[1] > before
    assert patch.cells.state[0] == SENESCENT
    go(live, 2)
    assert_is_the_run_of_its_file(live, tmp_path)


def test_a_click_in_one_arm_is_in_no_other(scenario: Scenario) -> None:
    one, other = Live(scenario, ["control", "graft"]), Live(scenario, ["control", "graft"])
    for live in (one, other):
        go(live, 3)
    path = do_here(one, "wound", "skin", 400, 40.0, arm="graft")
    for live in (one, other):
        go(live, 3)
    assert path == "arms.graft.events.click_1"
    runs = one.runs["control"], other.runs["control"]
    assert_same(*(run.simulation.patches["skin"] for run in runs))
    assert (one.runs["graft"].simulation.patches["skin"].cells.state == CLEARED)[400]


def test_a_wound_turns_its_margin_days_after_the_click(scenario: Scenario) -> None:
    live = Live(scenario, ["control"])
    go(live, 2)
    do_here(live, "wound", "ear", 27, 20.0)
    go(live, 9)
    patch = live.runs["control"].simulation.patches["ear"]
    assert patch.cum[patch.event_names.index("click_1")] > 5


def test_undo_and_forget(scenario: Scenario) -> None:
    live, plain = Live(scenario, ["graft"]), Live(scenario, ["graft"])
    go(live, 3)
    path = do_here(live, "graft", "skin", 3, 30.0)
    live.change("factors.SASP.reach", 90)
    assert live.scenario.arms["graft"].factors["SASP"].reach == 90
    live.undo("factors.SASP.reach")
    live.undo(path)
    go(live, 0)
    go(plain, 3)
    assert live.scenario.hash == scenario.hash
    assert_same(live.runs["graft"].simulation.patches["skin"], plain.runs["graft"].simulation.patches["skin"])
    live.change("seed", 9)
    live.forget()
    assert (live.changes, live.step_index, live.goal, live.scenario.common.seed) == ({}, 0, 0, 4)


def test_what_cannot_be_changes_nothing(scenario: Scenario) -> None:
    live = Live(scenario, ["graft"])
    go(live, 3)
    before, runs = live.scenario, live.runs
    with pytest.raises(sim.ScenarioError, match=r"factors\.SASP\.reach: must be more than 0 um"):
        live.change("factors.SASP.reach", -1)
    with pytest.raises(sim.ScenarioError, match="radius"):
        do_here(live, "graft", "skin", 3, -1.0)
    assert (live.scenario, live.runs, live.changes) == (before, runs, {})
    go(live, 30)
    assert (live.finished, live.day) == (True, 12.0)
    with pytest.raises(sim.ScenarioError, match="must begin before the end on day 12"):
        treat_now(live, "fisetin", 50, "skin")


def test_an_arm_that_comes_later_catches_up(scenario: Scenario) -> None:
    live, together = Live(scenario, ["control"]), Live(scenario, ["control", "spare"])
    go(live, 4)
    kept = live.runs["control"]
    live.show(["spare", "control"])
    assert list(live.runs) == ["control", "spare"]
    assert (live.behind, live.step_index) == (True, 0)
    go(live, 2)
    go(together, 6)
    assert live.runs["control"] is kept
    assert [run.step_index for run in live.runs.values()] == [6, 6]
    for arm in live.runs:
        pair = live.runs[arm], together.runs[arm]
        assert_same(*(run.simulation.patches["skin"] for run in pair))
    live.show(["spare"])
    assert list(live.runs) == ["spare"]


def test_one_can_stay_on_the_way(scenario: Scenario, tmp_path: Path) -> None:
    live = Live(scenario, ["graft"])
    go(live, 6)
    live.change("factors.SASP.reach", 90)
    live.step()
    live.stay()
    assert (live.behind, live.step_index) == (False, 1)
    do_here(live, "graft", "skin", 3, 30.0)
    go(live, 2)
    assert_is_the_run_of_its_file(live, tmp_path)


def test_without_cells_there_is_nothing_to_see() -> None:
    tree = {"mode": "well_mixed", "days": 1, "tissues": {"body": {"preset": "mouse_dermis", "well_mixed": True}}}
    with pytest.raises(sim.ScenarioError, match="mode: must be tissue"):
        Live(from_dict(tree))


# ------------------------------------------------------------------------------------------------------ what is saved


def test_a_saved_file_keeps_its_sources(scenario: Scenario, tmp_path: Path) -> None:
    live = Live(scenario, ["graft"])
    live.change("tissues.skin.damage.baseline", 0.2)
    file = tmp_path / "saved.yaml"
    file.write_text(as_file(live.scenario), encoding="utf-8")
    again = sim.load(file)
    assert again.hash == live.scenario.hash
    rows = {row.path: row for row in scenario_rows(again)}
    assert rows["tissues.skin.initial.burden"].source == "a guess"
    assert rows["tissues.ear.damage.baseline"].confidence == "computed"
    assert rows["tissues.skin.damage.baseline"].source == "no source given in the file"


def test_changes_are_told_in_words(scenario: Scenario) -> None:
    live = Live(scenario, ["graft"])
    go(live, 3)
    do_here(live, "graft", "skin", 3, 30.0, arm="graft")
    treat_now(live, "fisetin", 50, "skin")
    do_here(live, "removal", "ear", 0, "whole tissue")
    treat_now(live, "navitoclax_topical", "5 uM", "ear", arm="graft")
    live.change("factors.SASP.reach", 90)
    assert [words for _, words in in_words(live.changes, live.scenario)] == [
        "day 1.5: graft of 30 µm at 52.5, 7.5 µm of skin in graft", "day 1.5: 50 mg/kg of fisetin",
        "day 1.5: removal of the whole tissue at 7.5, 7.5 µm of ear",
        "day 1.5: 5 uM of navitoclax_topical on ear in graft", "factors.SASP.reach = 90",
    ]  # fmt: skip
    assert drugs_of(scenario)["dasatinib_quercetin"] == {"unit": "mg/kg", "route": "oral", "amount": "55"}


# --------------------------------------------------------------------------------------------------------- parameters


def test_every_knob_addresses_its_number(scenario: Scenario) -> None:
    """All knobs written at their own values, in one go, give the same settings in all arms."""
    arms = list(scenario.arms)
    found = [knob for group in knobs(scenario, scenario, arms, "skin", {}).values() for knob in group]
    paths = {knob["path"]: knob for knob in found}
    assert len(paths) == len(found) > 60
    for path in (
        "factors.SASP.reach",
        "arms.treated.treatments.d_q.interval",
        "arms.spare.tissues.skin.contact.hazard",
    ):
        assert path in paths
    assert not any(".ear." in path for path in paths)
    limitless = ("forever", "whole tissue")
    own = {path: knob["value"] if knob["value"] in limitless else knob["number"] for path, knob in paths.items()}
    again = scenario.override(own)
    assert again.arms == scenario.arms
    reach = paths["factors.SASP.reach"]
    assert (reach["label"], reach["unit"], reach["value"]) == ("SASP: reach", "um", "60")
    assert reach["low"] < reach["number"] < reach["high"] <= 4 * 60
    assert paths["arms.treated.treatments.d_q.amount"]["unit"] == "mg/kg"
    assert paths["tissues.skin.damage.baseline"]["confidence"] == "computed"


def test_a_rate_of_0_can_be_pulled_where_something_says_how_far(scenario: Scenario) -> None:
    zero = dict.fromkeys(("factors.SASP.induction.hill.max_rate", "tissues.skin.initial.burden"), 0)
    changed = scenario.override({**zero, "factors.SASP.secretion.ramp": 0})
    found = knobs(changed, scenario, ["control"], "skin", zero)
    paths = {knob["path"]: knob for group in found.values() for knob in group}
    burden, rate = (paths[path] for path in reversed(zero))
    assert (rate["value"], rate["low"], rate["high"]) == ("0", 0.0, 4 * 0.2)  # as far as from the value before
    assert (burden["value"], burden["low"], burden["high"]) == ("0", 0.0, 4 * 3)
    assert paths["factors.SASP.secretion.ramp"]["high"] == 4 * 5  # as far as from the default
    assert paths["tissues.skin.contact.hazard"]["high"] is None  # 0 by default, and no end in sight


def test_the_example_says_where_its_numbers_come_from() -> None:
    example = sim.load(EXAMPLE)
    assert "no source given in the file" not in {row.source for row in scenario_rows(example)}
