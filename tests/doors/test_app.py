"""The live tissue as a reader meets it: a real server, a real browser, and what is saved runs and is what was seen."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.app import serve
from sim.cli import main
from sim.errors import ResourceError
from sim.simulation import Simulation
from tests.browser import CHROMIUM, in_a_browser

ROOT = Path(__file__).parents[2]
PATIENCE = 60_000  # ms, for one thing that must happen
SCENARIO = """\
question: Does it spread?
qualitative: true
days: 60
dt: 12 h
tissues: {skin: {preset: mouse_dermis, shape: [48, 48]}}
factors: {SASP: {reach: 100 um, induction: {hill: {max_rate: 0.002}}}}
events: {graft: {tissue: skin, radius: 100 um}}
arms: {control: {events: {graft: null}}, graft: {}}
"""


# --------------------------------------------------------------------------------------------------------- the command


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stop:
        main(["app", *arguments])
    assert stop.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    file = tmp_path / "x.yaml"
    file.write_text(SCENARIO, encoding="utf-8")
    return file


def test_a_missing_library_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "solara_assets", None)
    wanted = "error: app: needs solara_assets, which is not there: pip install 'senodrift[app]' brings it\n"
    monkeypatch.setitem(sys.modules, "solara", sys)
    assert refused(capsys) == wanted


def test_what_cannot_be_is_said_before_there_is_a_server(
    scenario: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "check_extras", lambda: None)
    monkeypatch.setattr(serve, "_server", lambda: pytest.fail("a server was made"))
    assert "x.yaml: arms.graf: unknown arm (did you mean graft?)" in refused(capsys, str(scenario), "--arms", "graf")
    assert "factors.SASP.reach: must be more than 0 um" in refused(
        capsys, str(scenario), "--set", "factors.SASP.reach=-1"
    )
    well_mixed = ROOT / "configs" / "saturated_removal.yaml"
    assert "saturated_removal.yaml: mode: must be tissue where there are cells" in refused(capsys, str(well_mixed))
    assert "must exist" in refused(capsys, "nowhere.yaml")


def test_a_port_in_use_is_one_line() -> None:
    with serve._listen(0) as taken, pytest.raises(ResourceError, match="app: --port: must be free, got"):
        serve._listen(taken.getsockname()[1])


# ---------------------------------------------------------------------------------------------------------- Mesa's own


def test_mesa_s_viewer_shows_a_model_of_ours() -> None:
    """`SolaraViz` on Mesa's terms: one arm, and a plot of what the data collector has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Mesa's and Solara's own imports
        import ipywidgets
        import reacton
        from mesa.visualization import SolaraViz, make_plot_component

        model = sim.SenescenceModel(tissues__skin__shape=[12, 12], days=3)
        model.step()
        element = SolaraViz(model, components=[make_plot_component("burden")], name="skin")
        _, rendered = reacton.render(element, handle_error=False)
        try:
            picture = bytes(rendered.find(ipywidgets.Image).widget.value)
        finally:
            rendered.close()
    assert picture.startswith(b"\x89PNG")


# ---------------------------------------------------------------------------------------------------------- in Chromium


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of its own, ended by Ctrl-C, cleanly."""
    file = tmp_path_factory.mktemp("app") / "x.yaml"
    file.write_text(SCENARIO, encoding="utf-8")
    command = [sys.executable, "-m", "sim", "app", str(file), "--no-browser"]
    server = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    )
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        found = re.search(r"http://localhost:\d+", line)
        assert found, line
        yield found.group()
        server.send_signal(signal.SIGINT)
        rest, complaints = server.communicate(timeout=60)
        assert (server.returncode, rest, complaints) == (0, "", "")
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(address: str, browser: Any) -> Iterator[Any]:
    """A page that is ready; at its end the console must hold no error."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(PATIENCE)
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.wait_for_selector(".sd-map img")
    yield page
    page.close()
    assert errors == []


def until(page: Any, condition: str, argument: Any = None) -> None:
    page.wait_for_function(condition, arg=argument)


def to_day(page: Any, day: float) -> None:
    """Play up to a day at least, then pause."""
    page.click(".sd-play")
    until(page, "day => parseFloat(document.querySelector('.sd-day').textContent) >= day", day)
    page.click(".sd-play >> text=Pause")
    page.wait_for_selector(".sd-play >> text=Play")


def caption(page: Any, arm: str = "graft") -> str:
    return str(page.inner_text(f"[data-arm={arm}] figcaption"))


def burden(page: Any, arm: str = "graft") -> float:
    return float(caption(page, arm).split("burden ")[1].split(" ")[0])


def choose(page: Any, which: str, option: str) -> None:
    page.click(f".{which} .v-select__slot")
    page.click(f".menuable__content__active .v-list-item >> text='{option}'")


@in_a_browser
def test_it_loads_and_plays(page: Any) -> None:
    assert "Does it spread?" in page.inner_text("h1")
    assert "qualitative: directions only" in page.inner_text(".sd-top")
    assert page.locator(".sd-map").count() == 2
    assert caption(page).split(" ", 1)[1].startswith("day 0, burden")
    page.click(".sd-step")
    until(page, "() => document.querySelector('.sd-day').textContent === '0.5'")
    to_day(page, 3)
    assert caption(page).startswith("graft day")
    page.click(".sd-reset")
    until(page, "() => document.querySelector('.sd-day').textContent === '0'")


@in_a_browser
def test_a_slider_changes_the_run(page: Any) -> None:
    to_day(page, 4)
    day, before, curve = page.inner_text(".sd-day"), burden(page), page.inner_html(".sd-charts div")
    knob = '.sd-knob[data-path="factors.SASP.induction.hill.max_rate"]'
    page.locator(f"{knob} input[type=range]").fill("0.008")
    page.wait_for_selector(f"{knob} .sd-changed")
    until(page, "day => document.querySelector('.sd-day').textContent === day", day)
    page.wait_for_selector(".sd-play >> text=Play")
    assert burden(page) > before
    assert page.inner_html(".sd-charts div") != curve
    assert "factors.SASP.induction.hill.max_rate = 0.008" in page.inner_text(".sd-change")
    page.locator(f"{knob} input[type=text]").fill("a lot")
    page.locator(f"{knob} input[type=text]").press("Enter")
    page.wait_for_selector(".sd-wrong >> text=max_rate: must be")


@in_a_browser
def test_a_click_grafts_and_what_is_saved_is_what_is_seen(page: Any, tmp_path: Path) -> None:
    to_day(page, 2)
    before = burden(page, "control")
    choose(page, "sd-clicks", "graft senescent cells")
    page.wait_for_selector(".sd-acts")
    page.click("[data-arm=control] .sd-tissue", position={"x": 60, "y": 60})
    page.wait_for_selector(".sd-change >> text=graft of 75 µm")
    assert burden(page, "control") > before + 1.0
    page.hover("[data-arm=control] .sd-tissue", position={"x": 60, "y": 60})
    page.wait_for_selector(".sd-pointer >> text=click_1")
    page.fill(".sd-dose input", "5")
    page.click(".sd-treat")
    page.wait_for_selector(".sd-change >> nth=1")
    with page.expect_download() as download:
        page.click("text=Save scenario")
    file = tmp_path / "saved.yaml"
    download.value.save_as(file)
    saved = sim.load(file)
    for arm in ("control", "graft"):
        again = Simulation(saved.arms[arm])
        while again.day < float(page.inner_text(".sd-day")):
            again.step()
        assert f"burden {again.patches['skin'].burden:.3g} %" in caption(page, arm)


@in_a_browser
def test_nothing_is_done_where_it_is_not_meant_or_not_readable(page: Any) -> None:
    place = {"x": 60, "y": 60}
    page.click(".sd-step")
    until(page, "() => document.querySelector('.sd-day').textContent === '0.5'")
    choose(page, "sd-clicks", "wound")
    choose(page, "sd-in", "graft")
    page.wait_for_selector("[data-arm=control] .sd-idle[title='a click acts in graft only']")
    page.click("[data-arm=control] .sd-tissue", position=place)
    page.fill(".sd-radius input", "a mile")
    page.click("[data-arm=graft] .sd-tissue", position=place)
    page.wait_for_selector(".sd-wrong >> text=radius: must be a number in um, got 'a mile'")
    assert page.input_value(".sd-radius input") == "a mile"
    assert page.locator(".sd-ring").count() == 0
    assert page.locator(".sd-change").count() == 0
    page.fill(".sd-radius input", "0.05 mm")
    page.click("[data-arm=graft] .sd-tissue", position=place)
    page.wait_for_selector(".sd-change >> text=wound of 50 µm at")
    page.fill(".sd-dose input", "")
    page.click(".sd-treat")
    page.wait_for_selector(".sd-wrong >> text=amount: must be a number")
    knob = '.sd-knob[data-path="factors.SASP.reach"] input[type=text]'
    page.fill(knob, "")
    page.press(knob, "Enter")
    until(page, "knob => document.querySelector(knob).value === '100'", knob)
    assert page.locator(".sd-change").count() == 1


@in_a_browser
def test_another_layer_is_another_picture(page: Any) -> None:
    source = "[data-arm=graft] img"
    page.click(".sd-step")
    until(page, "() => document.querySelector('.sd-day').textContent === '0.5'")
    seen = {page.get_attribute(source, "src")}
    for layer, words in (
        ("SASP", "level (1 = burden of 1 %)"),
        ("cause", "not senescent"),
        ("age", "time since onset"),
    ):
        choose(page, "sd-layers", layer)
        page.wait_for_selector(f".sd-key >> text={words}")
        seen.add(page.get_attribute(source, "src"))
    assert len(seen) == 4
    choose(page, "sd-in", "graft")
    page.set_viewport_size({"width": 800, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") <= 800
