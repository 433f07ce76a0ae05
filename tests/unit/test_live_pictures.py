"""Pictures of the live tissue: colours that mean what they say."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ElementTree
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from test_live import TREE, go
from worlds import cloud, world

from sim.app.curves import Line, chart
from sim.app.lens import Lens, at_site, layers_of, palette, picture, scale_bar
from sim.app.live import Live
from sim.figures.style import STATE_COLOURS
from sim.scenario.load import Scenario, from_dict
from sim.simulation import Simulation
from sim.tissue.state import SENESCENT


@pytest.fixture
def scenario() -> Scenario:
    return from_dict(TREE)


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
