"""Sliders without a browser: a slider is an override, a drag is one run, and what cannot be is told at once."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest
from worlds import QUIET, together

import sim
from sim import widgets
from sim.errors import ResourceError, ScenarioError
from sim.scenario.load import Scenario, from_dict
from sim.widgets import Explorer

DOSE = "arms.treated.treatments.course.amount"
DAMAGE = "tissues.patch.damage.baseline"


def small() -> Scenario:
    kill = {"kill_senescent": {"emax": 0.5, "ec50": 5}}
    return from_dict(
        {
            "days": 6, "dt": 1, "age_at_start": 0, "seed": 3,
            "tissues": {"patch": together(QUIET, {
                "shape": [12, 12],
                "initial": {"burden": 30},
                "damage": {"baseline": {"value": "2 %/d", "source": "a test", "confidence": "assumed"}},
            })},
            "drugs": {"drug": {"half_life": "2 d", "route": "bolus", "effects": kill}},
            "arms": {"none": {}, "treated": {"treatments": {"course": {"drug": "drug", "amount": 10, "interval": 2}}},
                     "late": {"treatments": {"course": {"drug": "drug", "amount": 10, "start": 4}}}},
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def _shared() -> Explorer:
    ends: dict[str, tuple[float | str, float | str]] = {DOSE: (0, 40), DAMAGE: ("0 %/d", "10 %/d")}
    return sim.explore(small(), ends, arms=["none", "treated"])


@pytest.fixture
def explorer(_shared: Explorer) -> Explorer:
    """As the file has it."""
    for path, value in ((DOSE, 10.0), (DAMAGE, 2.0)):
        _shared.sliders[path].value = value
    return _shared


def test_it_starts_as_the_scenario_is(explorer: Explorer) -> None:
    assert explorer.overrides == {DOSE: 10.0, DAMAGE: 2.0}
    plain = sim.run(small().override({"arms.late": None}), replicates=1)
    assert explorer.results.timeseries.equals(plain.timeseries)
    assert explorer.results.arms == ["none", "treated"]


def test_a_slider_is_an_override(explorer: Explorer) -> None:
    before = explorer.results.timeseries
    explorer.sliders[DOSE].value = 33.0
    moved = explorer.results.timeseries
    asked = sim.run(small().override({"arms.late": None, DOSE: 33.0}), replicates=1)
    assert moved.equals(asked.timeseries)
    assert not moved.equals(before)
    assert moved.query("arm == 'none'").equals(before.query("arm == 'none'"))  # the arms share their luck


def test_without_a_dose_the_arms_are_one_tissue(explorer: Explorer) -> None:
    explorer.sliders[DOSE].value = 0.0
    counts = explorer.results.timeseries.pivot(index="day", columns="arm", values="n_senescent")
    assert counts["none"].equals(counts["treated"])


def test_pictures_and_words_follow(explorer: Explorer) -> None:
    before = [bytes(image.value) for image in (explorer._maps, explorer._curves)]
    explorer.sliders[DAMAGE].value = 10.0
    after = [bytes(image.value) for image in (explorer._maps, explorer._curves)]
    assert all(new.startswith(b"\x89PNG") and new != old for new, old in zip(after, before, strict=True))
    assert f"{1000 * explorer.seconds:.0f} ms" in explorer._said.value
    shown = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in (shown[0] if isinstance(shown, tuple) else shown)


def test_a_slider_tells_unit_default_and_source(explorer: Explorer) -> None:
    slider = explorer.sliders[DAMAGE]
    assert (slider.description, slider.min, slider.max) == ("patch damage baseline [%/d]", 0.0, 10.0)
    words = explorer.widget.children[1].children[1].value
    assert "file: 2 %/d, assumed: a test" in words
    assert explorer.sliders[DOSE].description == "treated: course amount [mg/kg]"


def test_a_drag_is_one_run(explorer: Explorer) -> None:
    async def drag() -> None:
        for dose in range(11, 31):
            explorer.sliders[DOSE].value = float(dose)
        assert explorer.runs == before  # none while it moves
        await asyncio.sleep(2.0 * widgets.WAIT)

    before = explorer.runs
    asyncio.run(drag())
    assert explorer.runs == before + 1
    assert explorer._results.timeseries.equals(sim.run(explorer.scenario.override({DOSE: 30.0}), 1).timeseries)


def test_who_asks_at_once_does_not_get_the_run_before(explorer: Explorer) -> None:
    async def ask() -> list[float]:
        explorer.sliders[DOSE].value = 0.0
        return explorer.results.timeseries.query("arm == 'treated'")["n_senescent"].tolist()

    plain = explorer.results.timeseries.query("arm == 'none'")["n_senescent"].tolist()
    assert asyncio.run(ask()) == plain


def test_what_cannot_be_together_is_told_and_the_last_picture_stays(explorer: Explorer) -> None:
    before, picture = explorer.results, explorer._maps.value
    damage = explorer.sliders[DAMAGE]
    damage.max = 1e9
    try:
        damage.value = 1e9
        assert "damage.baseline: must be" in explorer._said.value
        assert explorer.results is before
        assert explorer._maps.value == picture
    finally:
        damage.value, damage.max = 2.0, 10.0


@pytest.mark.parametrize(
    ("ends", "rule"),
    [
        ({"tissues.patch.damage.base": (0, 1)}, r"must be a number of the scenario, got none \(did you mean"),
        ({DAMAGE: (3, 5)}, "must be a range around 2 %/d, got 3 %/d to 5 %/d"),
        ({DAMAGE: (4, 1)}, "must be a range around"),
        ({DAMAGE: ("0 um", "5 um")}, "must be in %/d, got '0 um'"),
        ({DAMAGE: (-1, 5)}, "must be"),
        ({"treatments.course.amount": (0, 20)}, "stands in arms only"),
        ({DAMAGE: (3,)}, r"must have a lower and an upper end, got \(3,\)"),
        ({DAMAGE: "30"}, "must have a lower and an upper end, got '30'"),
        ({"tissues.patch.shape": (8, 30)}, "must be a"),
    ],
)
def test_a_slider_that_cannot_be_is_an_error(ends: dict[str, Any], rule: str) -> None:
    with pytest.raises(ScenarioError, match=rule):
        sim.explore(small(), ends)


def test_other_mistakes_have_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ScenarioError, match="unknown arm"):
        sim.explore(small(), {DAMAGE: (0, 5)}, arms=["treatd"])
    with pytest.raises(ScenarioError, match=r"unknown tissue.*did you mean patch"):
        sim.explore(small(), {DAMAGE: (0, 5)}, tissue="pach")
    with pytest.raises(ScenarioError, match=r"scenario: must be what sim.load gives, got 'x.yaml'"):
        sim.explore("x.yaml", {DAMAGE: (0, 5)})
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(ResourceError, match=r"explore: sliders: needs ipywidgets.*senodrift\[notebooks\]"):
        sim.explore(small(), {DAMAGE: (0, 5)})
