"""Doors of pigment: figures of skin, outcomes of a comparison, and the scenarios of dark spots with what they claim."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

import sim
from sim.analysis.headline import burden_lines
from sim.errors import ResultsError
from sim.figures import save_all
from sim.figures.skin import REDNESS, YELLOWNESS, shades, srgb
from sim.results import Results
from sim.scenario.drug import ON_PIGMENT
from sim.scenario.ledger import scenario_rows
from sim.scenario.library import library

CONFIGS = Path(__file__).parents[2] / "configs"
SPOTS = sorted(CONFIGS.glob("dark_spot*.yaml"))
SMALL = {"days": 40, "replicates": 2, "record.days": [0, 40], "events.sun.radius": "90 um"}
ARMS = ("vehicle", "sucrose_dilaurate", "glabridin_synthesis", "niacinamide_transfer")
ACTIVES = ("glabridin", "niacinamide", "sucrose_dilaurate")


def small(name: str, shape: list[int], **more: Any) -> Results:
    """A dark spot of few cells for forty days, its arms treated from day 10 on."""
    scenario = sim.load(CONFIGS / name, {**SMALL, "tissues.epidermis.shape": shape, **more})
    arms = {arm: scenario.tree["arms"][arm] for arm in ARMS}
    arms = {arm: {**patch, **early(patch)} for arm, patch in arms.items()}
    return sim.run(scenario.override({"arms": arms}))


def early(patch: dict[str, Any]) -> dict[str, Any]:
    given = {name: {**each, "start": 10} for name, each in patch.get("treatments", {}).items()}
    return {"treatments": given} if given else {}


@pytest.fixture(scope="module")
def spot() -> Results:
    return small("dark_spot.yaml", [24, 24])


@pytest.fixture(scope="module")
def section() -> Results:
    return small("dark_spot_section.yaml", [11, 9, 24], **{"events.sun.at": [180, 60, 50]})


def words(figure: Figure) -> str:
    return " ".join(" ".join(text.get_text().split()) for text in figure.findobj(Text))


# ------------------------------------------------------------------------------------------------------- figures


def test_figures_of_pigment_are_made_where_there_is_any(spot: Results, tmp_path: Path) -> None:
    names = [path.name for path in save_all(spot, tmp_path) if path.suffix == ".png"]
    assert {"skin.png", "pigment.png"} <= set(names)
    table = spot.timeseries.drop(columns="melanin_mean")
    bare = Results(spot.manifest, spot.scenario, table, spot.events, spot.sites, maps={})
    with pytest.raises(ResultsError, match="pigment: results: must have a tissue with pigment, got none"):
        bare.plot.pigment()
    with pytest.raises(ResultsError, match=r"maps: none kept"):
        bare.plot.skin()


def test_figures_say_that_they_are_qualitative_and_how_many_runs_they_show(spot: Results, section: Results) -> None:
    for results in (spot, section):
        for figure in (results.plot.skin(), results.plot.pigment()):
            assert "qualitative: directions only" in words(figure)
    assert "2 replicates per arm" in words(spot.plot.pigment())
    assert "degrees, like ITA" in words(spot.plot.pigment())
    assert "replicate 0, seen from above" in words(spot.plot.skin())
    assert "replicate 0, a section, surface on top" in words(section.plot.skin())


def test_skin_from_above_is_the_melanin_of_the_maps(spot: Results) -> None:
    figure = spot.plot.skin()
    last = spot.maps("vehicle", 0)["melanin"][-1]
    drawn = [image.get_array() for axes in figure.axes for image in axes.get_images()]
    assert any(np.array_equal(array, last) for array in drawn if array is not None)


def test_a_section_has_its_surface_on_top(section: Results) -> None:
    figure, maps = section.plot.skin(), section.maps("vehicle", 0)
    last = maps["melanin"][-1].mean(axis=1)[::-1]
    drawn = [image.get_array() for axes in figure.axes for image in axes.get_images()]
    arrays = [array for array in drawn if isinstance(array, np.ma.MaskedArray) and array.shape == last.shape]
    assert any(np.array_equal(np.ma.getdata(array), last) for array in arrays)
    assert all(array.mask[:3].all() for array in arrays)  # dermis, below
    assert not arrays[0].mask[-1].any()


def test_more_melanin_is_darker_and_colours_are_those_of_the_formula() -> None:
    white, black = srgb(np.array([100.0]), 0.0, 0.0), srgb(np.array([0.0]), 0.0, 0.0)
    assert white == pytest.approx(np.ones((1, 3)), abs=2e-3)
    assert black == pytest.approx(np.zeros((1, 3)), abs=1e-9)
    assert srgb(np.array([53.24]), 80.09, 67.20) == pytest.approx(np.array([[1.0, 0.0, 0.0]]), abs=0.01)  # pure red
    sums = shades(np.linspace(60.0, -50.0, 30))(np.arange(30))[:, :3].sum(axis=1)
    assert (np.diff(sums) < 0.0).all()
    assert srgb(np.array([60.0]), REDNESS, YELLOWNESS)[0, 0] > srgb(np.array([60.0]), REDNESS, YELLOWNESS)[0, 2]


# -------------------------------------------------------------------------------------------------------- outcomes


def test_pigment_is_an_outcome_of_comparisons(spot: Results) -> None:
    outcomes = ["lightness", "spot_area", "activation_mean", "melanin_in_melanocytes"]
    effects = sim.compare(spot, baseline="vehicle", outcomes=outcomes).set_index(["outcome", "arm"])["difference"]
    assert effects["lightness", "sucrose_dilaurate"] > 0.0
    assert effects["activation_mean", "sucrose_dilaurate"] < 0.0
    assert (
        effects["activation_mean", "glabridin_synthesis"] == effects["activation_mean", "niacinamide_transfer"] == 0.0
    )
    assert effects["melanin_in_melanocytes", "glabridin_synthesis"] < 0.0
    assert effects["melanin_in_melanocytes", "niacinamide_transfer"] > 0.0
    assert spot.plot.forest(baseline="vehicle", outcomes=["lightness", "spot_area"]) is not None


# ---------------------------------------------------------------------------------------------- what is claimed


def test_a_run_tells_what_the_skin_looks_like(spot: Results) -> None:
    """The numbers of the table, and their difference in pairs."""
    said = "\n".join(burden_lines(spot))
    day = spot.timeseries["day"].max()
    last = spot.timeseries[spot.timeseries["day"] == day].groupby("arm")["lightness"].mean()
    line = next(each for each in said.splitlines() if each.startswith(f"  {spot.arms[-1]} ") and "*" in each)
    assert f"skin on day {day:g}" in said
    assert f"{last[spot.arms[-1]]:.1f}" in line


@pytest.mark.parametrize("path", SPOTS, ids=lambda path: path.stem)
def test_no_size_is_told_as_measured(path: Path) -> None:
    """All numbers of pigment and of its actives are assumed, or have a source in SCIENCE.md; no fold change."""
    scenario = sim.load(path)
    assert all(arm.qualitative for arm in scenario.arms.values())
    rows = [
        row for row in scenario_rows(scenario) if ".pigment." in row.path or re.search(r"drugs\.\w+\.effects", row.path)
    ]
    assert len(rows) > 30
    for row in rows:
        assert row.confidence in ("assumed", "computed", "design") or "SCIENCE.md" in row.source, row
        assert row.confidence != "measured", row
        if row.path.endswith((".emax", ".ec50", ".half_max")):
            assert row.confidence == "assumed", row
            assert row.source, row
        assert not re.search(r"\bx ?\d|-fold", row.source), row
    assert not scenario.notes


def test_actives_of_the_library_claim_no_measured_size() -> None:
    """The two effects on pigment, and the release of the two factors."""
    for name in ACTIVES:
        effects = library("drugs")[name]["effects"]
        assert "inhibit_secretion" in effects
        assert {kind for kind in effects if kind in ON_PIGMENT} == {
            "glabridin": {"inhibit_melanin_synthesis"}, "niacinamide": {"inhibit_melanin_transfer"},
        }.get(name, set())  # fmt: skip
        assert all(number["confidence"] == "assumed" for each in effects.values() for key, number in each.items()
                   if key != "factors")  # fmt: skip


def test_each_active_is_tried_in_its_forms() -> None:
    arms = sim.load(CONFIGS / "dark_spot.yaml").arms
    kinds = {
        arm: {kind for each in settings.treatments.values() for kind in settings.drugs[each.drug].effects}
        for arm, settings in arms.items()
    }
    release = {"inhibit_secretion"}
    assert kinds["vehicle"] == set()
    assert kinds["sucrose_dilaurate"] == kinds["glabridin_release"] == kinds["niacinamide_release"] == release
    assert kinds["glabridin_synthesis"] == {"inhibit_melanin_synthesis"}
    assert kinds["niacinamide_transfer"] == {"inhibit_melanin_transfer"}
    assert kinds["glabridin"] == release | kinds["glabridin_synthesis"]
    assert kinds["niacinamide"] == release | kinds["niacinamide_transfer"]
    assert "kill_senescent" in kinds["senolytic"] & kinds["combination"]
