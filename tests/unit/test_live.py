"""The live tissue without a browser: what is seen is the run of the file that is saved, bit for bit."""

from __future__ import annotations

import base64
import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import sim
from sim.app.actions import as_file, do_here, drugs_of, in_words, treat_now
from sim.app.curves import Line, chart
from sim.app.knobs import knobs
from sim.app.lens import Lens, at_site, layers_of, palette, picture, scale_bar
from sim.app.live import Live
from sim.app.serve import EXAMPLE
from sim.app.session import Frame, Session
from sim.figures.style import STATE_COLOURS
from sim.scenario.ledger import scenario_rows
from sim.scenario.load import Scenario, from_dict
from sim.simulation import Simulation
from sim.tissue.state import CLEARED, SENESCENT
from tests.worlds import assert_same, cloud, world

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


# ----------------------------------------------------------------------------------------------------------- pictures


def pixels(address: str) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(base64.b64decode(address.split(",")[1]))).convert("RGB"))


def rgb(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def test_a_map_shows_every_site_where_it_is() -> None:
    """A graft near the upper right corner: y points up, x to the right."""
    settings = world({"events": {"graft": {"at": [105, 75], "radius": 4}}}, shape=(8, 12))
    simulation = Simulation(settings)
    lens = Lens.on(simulation.patches["patch"])
    assert (lens.sites.shape, lens.width, lens.height) == ((8, 12), 120, 80)
    key = palette("state", {"a": simulation}, "patch", {}, 0)
    shown = pixels(picture(simulation, "a", "patch", "state", lens, key))
    assert shown[0, 10].tolist() == rgb(STATE_COLOURS[SENESCENT])
    assert (shown.reshape(-1, 3) == rgb(STATE_COLOURS[SENESCENT])).all(axis=1).sum() == 1
    said = dict(at_site(simulation, "patch", int(lens.sites[0, 10]), int(lens.voxels[0, 10])))
    assert said == {"at": "105, 75 µm", "state": "senescent", "cause": "graft", "time since onset": "20 d"}


def test_a_level_has_the_colour_of_its_value() -> None:
    settings = world(
        {"events": {"graft": {"radius": 20}}, "factors": {"SASP": {"reach": 30}}, "days": 5},
        {"tissues": {"patch": {"voxel_cells": 2}}},
        shape=(12, 12),
    )
    simulation = Simulation(settings)
    for _ in range(4):
        simulation.step()
    patch, lens = simulation.patches["patch"], Lens.on(simulation.patches["patch"])
    assert layers_of(patch, False) == ["state", "SASP", "cause", "age"]
    key = palette("SASP", {"a": simulation}, "patch", {}, 0)
    level = patch.level("SASP").reshape(6, 6)
    assert level.max() <= key.top <= 2.5 * level.max()
    shown = pixels(picture(simulation, "a", "patch", "SASP", lens, key))
    for row, column in ((0, 0), (5, 7), (11, 3)):
        value = level[(11 - row) // 2, column // 2]
        assert shown[row, column].tolist() == key.colours[int(1 + 253 * value / key.top)].tolist()
    age = palette("age", {"a": simulation}, "patch", {}, 1)
    assert age.top == 50.0  # 22 days


def test_causes_have_one_colour_in_all_arms(scenario: Scenario) -> None:
    live = Live(scenario)
    go(live, 6)
    simulations = {arm: run.simulation for arm, run in live.runs.items()}
    key = palette("cause", simulations, "skin", {}, 0)
    names = [name for name, _ in key.entries]
    assert names[0] == "not senescent"
    assert {"initial", "graft"} <= set(names)
    assert key.codes is not None
    for arm, simulation in simulations.items():
        events = simulation.patches["skin"].event_names
        assert names[key.codes[arm][events.index("initial")]] == "initial"


def test_a_cloud_and_a_block_are_seen_too() -> None:
    patch = Simulation(world(cloud(np.array([[25.0, 25], [75, 25], [25, 75]]), (100, 100), radius=60))).patches["patch"]
    lens = Lens.on(patch)
    rows, columns = lens.sites.shape
    at = {(x, y): int(lens.sites[int((1 - y) * rows), int(x * columns)]) for x in (0.25, 0.75) for y in (0.25, 0.75)}
    assert at == {(0.25, 0.25): 0, (0.75, 0.25): 1, (0.25, 0.75): 2, (0.75, 0.75): -1}
    block = Lens.on(Simulation(world(shape=(3, 4, 5))).patches["patch"])
    assert block.sites.tolist() == np.arange(60).reshape(3, 4, 5)[1, ::-1].tolist()
    assert block.words == "middle of the layers along z"
    cut = Lens.on(Simulation(world({"tissues": {"patch": {"depth_axis": "z"}}}, shape=(3, 4, 5))).patches["patch"])
    assert cut.sites.tolist() == np.arange(60).reshape(3, 4, 5)[:, 2].tolist()
    assert (cut.width, cut.height) == (50, 30)


def test_a_scale_bar_is_round() -> None:
    assert scale_bar(3000.0)[1] in ("800 µm", "1 mm")
    share, words = scale_bar(480.0)
    assert share * 480.0 == pytest.approx(float(words.removesuffix(" µm")))


def test_a_chart_is_drawn_to_scale() -> None:
    lines = {
        "a<b": Line("#3A3A3A", [(0.0, 0.0), (5.0, 2.0)], [2.5]),
        "other": Line("#0072B2", [(0.0, 4.0), (10.0, 4.0)]),
        "third": Line("#E69F00", [(0.0, 4.0), (10.0, 4.01)]),
    }
    root = ElementTree.fromstring(chart("burden (%)", 10.0, lines))
    name = "{http://www.w3.org/2000/svg}"
    texts = {each.text: each for each in root.iter(f"{name}text")}
    assert {"burden (%)", "day", "a<b", "0", "10"} <= set(texts)
    paths = [each.get("d", "") for each in root.iter(f"{name}path") if each.get("stroke-width") == "2"]
    (x0, y0), (x1, y1) = (map(float, point.split()) for point in paths[0][1:].split("L"))
    (_, top), (x2, _) = (map(float, point.split()) for point in paths[1][1:].split("L"))
    assert x1 - x0 == pytest.approx((x2 - x0) / 2, abs=0.1)
    assert y0 - y1 == pytest.approx((y0 - top) / 2, abs=0.02)
    heights = sorted(float(texts[each].get("y", 0)) for each in ("other", "third"))
    assert heights[1] - heights[0] >= 12  # no two names touch
    assert float(texts["other"].get("x", 0)) > 350  # short names leave the room to the curves
    whole = {"a": Line("#3A3A3A", [(0.0, 95.0), (10.0, 92.0)])}
    assert (
        "0" in [each.text for each in ElementTree.fromstring(chart("memory (%)", 20.0, whole)).iter(f"{name}text")][1:7]
    )
    ticks = [each.text for each in ElementTree.fromstring(chart("memory (%)", 20.0, whole, from_zero=False)).iter()]
    assert "93" in ticks
    assert "60" not in ticks


def test_names_of_arms_stay_in_the_drawing() -> None:
    def texts(names: list[str], height: float) -> dict[str, tuple[float, float]]:
        lines = {name: Line("#0072B2", [(0.0, 0.0), (10.0, height + 0.001 * i)]) for i, name in enumerate(names)}
        found = ElementTree.fromstring(chart("burden (%)", 10.0, lines)).iter("{http://www.w3.org/2000/svg}text")
        return {str(each.text): (float(each.get("x", 0)), float(each.get("y", 0))) for each in found}

    long = "continuous_senolytic_2026"
    assert texts([long, "a"], 1.0)[long][0] + 6.5 * len(long) < 440
    longer = texts(["a_very_" + long, "a"], 1.0)
    assert longer["a_very_continuous_senolyt…"][0] + 6.5 * 26 < 440
    for many in (10, 30):
        for height in (0.0, 1.0, 5.0):
            names = [f"arm_{i}" for i in range(many)]
            found = texts(names, height)
            rows = sorted(found[name][1] for name in names)
            assert 30 < rows[0] < rows[-1] < 220
            assert min(np.diff(rows)) > (12 if many == 10 else 6)


# ------------------------------------------------------------------------------------------------------------ session


def test_curves_have_units() -> None:
    session = Session(
        sim.load(CONFIGS / "skin_graft.yaml", {"tissues.skin.shape": [8, 8]}), ["sham"], lambda frame: None
    )
    session.player.close()
    assert [session.label(key) for key in session.curves] == [
        "grip strength (% of best)", "memory (% of best)", "bone density of spine and femur (% of best)",
        "share of functions that is lost", "skin barrier (share of its best)", "mean SASP (% burden)",
        "mean drift (% burden)", "immune capacity", "vacant (% of sites)",
    ]  # fmt: skip
    assert session.label(("skin", "burden")) == "burden (% of resident cells senescent)"


class Watch:
    """The frames of a session, and a way to wait for one."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self._news = threading.Condition()

    def __call__(self, frame: Frame) -> None:
        with self._news:
            self.frames.append(frame)
            self._news.notify_all()

    def until(self, true: Callable[[Frame], bool]) -> Frame:
        with self._news:
            assert self._news.wait_for(lambda: bool(self.frames) and true(self.frames[-1]), timeout=60)
            return self.frames[-1]


@pytest.fixture
def watched(scenario: Scenario) -> Iterator[tuple[Session, Watch]]:
    watch = Watch()
    session = Session(scenario, ["control", "graft"], watch)
    session.player.do(lambda: None)
    yield session, watch
    session.player.close()


def resting(frame: Frame) -> bool:
    return not frame.clock["busy"]


def test_a_session_plays_acts_and_saves(watched: tuple[Session, Watch], tmp_path: Path) -> None:
    session, watch = watched
    session.player.do(lambda: setattr(session.player, "steps", 2))
    session.player.play()
    watch.until(lambda frame: frame.clock["day"] >= 2)
    session.player.pause()
    watch.until(resting)
    day = session.live.day
    session.choose(click="graft", radius="0.04 mm")
    session.click("graft", 3, 4)
    frame = watch.until(lambda frame: resting(frame) and bool(frame.changes))
    assert frame.clock["day"] == day + 0.5  # one step shows what a click does
    assert "graft of 40" in frame.changes[0][1]
    session.change("factors.SASP.reach", "80")
    frame = watch.until(lambda frame: resting(frame) and len(frame.changes) == 2)
    assert (frame.clock["day"], frame.clock["behind"]) == (day + 0.5, False)
    assert session.read_out("graft", 3, 4)[2] == ("state", "senescent")
    assert session.read_out("graft", 99, 4) == []
    assert_is_the_run_of_its_file(session.live, tmp_path)
    session.player.play()
    frame = watch.until(lambda frame: frame.clock["finished"] and resting(frame))
    assert (frame.clock["day"], frame.clock["playing"]) == (12.0, False)
    session.restart()
    assert watch.until(lambda frame: frame.clock["day"] == 0 and resting(frame)).changes == frame.changes
    session.forget()
    assert watch.until(lambda frame: not frame.changes).clock["day"] == 0


def test_a_session_shows_what_is_chosen(watched: tuple[Session, Watch]) -> None:
    session, watch = watched
    first = watch.until(lambda frame: resting(frame))
    session.choose(layer="SASP")
    assert watch.until(lambda frame: frame.key.label.startswith("SASP")).maps[0]["src"] != first.maps[0]["src"]
    session.choose(tissue="ear")
    frame = watch.until(lambda frame: frame.place["rows"] == 8)
    assert not any("skin" in knob["path"] for group in frame.knobs.values() for knob in group)
    session.show_arms(["treated"])
    assert [shown["arm"] for shown in watch.until(lambda frame: len(frame.maps) == 1).maps] == ["treated"]
    session.choose(drug="fisetin")
    session.player.do(lambda: None)
    watch.until(lambda frame: resting(frame) and session.choice.drug == "fisetin")
    assert session.choice.amount == ""


def test_nothing_is_done_in_an_arm_that_is_not_meant(watched: tuple[Session, Watch]) -> None:
    session, watch = watched
    session.choose(click="wound", arm="control")
    session.click("graft", 3, 4)  # on the map of another arm
    session.choose(arm="graft")
    session.show_arms(["control"])  # the arm that is chosen goes
    session.treat()
    frame = watch.until(lambda frame: resting(frame) and bool(frame.changes))
    assert frame.choice.arm == ""
    session.click("control", 3, 4)
    frame = watch.until(lambda frame: resting(frame) and len(frame.changes) == 2)
    assert [path for path, _ in frame.changes] == ["treatments.click_1", "events.click_2"]


def test_a_field_that_cannot_be_read_does_nothing(watched: tuple[Session, Watch]) -> None:
    session, watch = watched
    for radius, ring in (("", 0.0), ("a mile", 0.0), ("5 d", 0.0), ("whole tissue", 0.0), ("0.04 mm", 40.0)):
        assert replace(session.choice, radius=radius).ring == ring
    session.choose(click="graft", amount="")
    for radius in ("", "a mile"):
        session.choose(radius=radius)
        session.click("graft", 3, 4)
        complaint = f"radius: must be a number in um, got {radius!r}"
        frame = watch.until(lambda frame, said=complaint: resting(frame) and frame.complaint.endswith(said))
        assert (frame.changes, frame.choice.radius) == ([], radius)
    session.treat()
    frame = watch.until(lambda frame: resting(frame) and "amount: must be a number in mg/kg, got ''" in frame.complaint)
    assert frame.changes == []


def test_an_empty_parameter_takes_the_change_back(watched: tuple[Session, Watch]) -> None:
    session, watch = watched
    path = "factors.SASP.induction.hill.max_rate"
    first = watch.until(resting)
    session.change(path, "0.3")
    assert watch.until(lambda frame: resting(frame) and bool(frame.changes)).changes == [(path, f"{path} = 0.3")]
    session.change(path, " ")
    frame = watch.until(lambda frame: resting(frame) and not frame.changes)
    assert (session.live.scenario.hash, frame.complaint) == (session.live.original.hash, "")
    session.change(path, "")  # once more: nothing to take back, but the field shows its value again
    frame = watch.until(lambda frame: resting(frame) and frame.stamp == first.stamp + 3)
    assert (frame.changes, session.live.scenario.hash) == ([], session.live.original.hash)


def test_a_session_complains_in_one_line_and_goes_on(watched: tuple[Session, Watch]) -> None:
    session, watch = watched
    session.change("factors.SASP.reach", "a mile")
    assert "factors.SASP.reach" in watch.until(lambda frame: bool(frame.complaint)).complaint
    session.player.do(lambda: 1 / 0)
    assert "ZeroDivisionError" in watch.until(lambda frame: "Zero" in frame.complaint).complaint
    session.player.step()
    assert watch.until(lambda frame: frame.clock["day"] == 0.5).complaint == ""
