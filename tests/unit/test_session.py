"""The session behind the live tissue: who waits for whom, and what is shown meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from test_live import CONFIGS, TREE, assert_is_the_run_of_its_file

import sim
from sim.app.session import Frame, Session
from sim.scenario.load import Scenario, from_dict


@pytest.fixture
def scenario() -> Scenario:
    return from_dict(TREE)


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
