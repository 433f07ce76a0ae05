"""Lifespans at the doors: the published mouse by command, what it says, its figure, and survival in a sweep."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import sim
from sim.cli import app
from sim.errors import ResultsError

CONFIGS = Path(__file__).parents[2] / "configs"
SCENARIO = CONFIGS / "saturated_removal.yaml"
FEW = 300


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("mice") / "out"
    result = CliRunner().invoke(app, ["run", str(SCENARIO), "--replicates", str(FEW), "--out", str(folder)])
    assert result.exit_code == 0, result.output
    return folder, result.output


def test_a_run_says_how_long_they_live(said: tuple[Path, str]) -> None:
    _, output = said
    assert "2 arms x 300 replicates, well mixed, 2000 days" in output
    assert "finished 600 runs" in output
    head, fig4b, likelihood = output[output.index("age at death (d)") :].splitlines()[:3]
    assert "hazard / mouse_fig4b" in head
    assert "300 of 300" in fig4b
    assert 820 < float(fig4b.split()[1]) < 900
    assert 760 < float(likelihood.split()[1]) < 815


def test_the_folder_has_lives_and_no_cells(said: tuple[Path, str]) -> None:
    folder, _ = said
    results = sim.read_results(folder)
    assert list(results.individuals) == ["arm", "replicate", "day", "age", "died", "age_at_start"]
    assert len(results.individuals) == 2 * FEW
    assert not len(results.sites)
    runs = json.loads((folder / "manifest.json").read_text())["runs"]
    assert [(run["arm"], run["replicates"], run["status"]) for run in runs] == [
        ("mouse_fig4b", FEW, "finished"), ("mouse_likelihood", FEW, "finished"),
    ]  # fmt: skip
    assert {path.name for path in (folder / "figures").glob("*.png")} == {"survival.png", "burden.png", "luck.png"}
    assert "600 finished" in repr(results)


def test_the_figure_shows_the_curve_and_who_is_at_risk(said: tuple[Path, str]) -> None:
    results = sim.read_results(said[0])
    axes = results.plot.survival().axes[0]
    assert [line.get_label() for line in axes.lines[:2]] == results.arms
    assert axes.lines[0].get_ydata()[-1] == 0.0
    texts = [text.get_text() for text in axes.texts]
    assert texts.count(str(FEW)) >= 2
    with pytest.raises(ResultsError, match="must hold a death"):
        sim.run(sim.load(SCENARIO, {"days": 5, "replicates": 2})).plot.survival()


def test_lifespans_are_compared_in_pairs(said: tuple[Path, str]) -> None:
    result = CliRunner().invoke(app, ["compare", str(said[0]), "--outcomes", "lifespan"])
    assert result.exit_code == 0, result.output
    assert "lifespan" in result.output


def test_the_command_tells_lifespans_and_sizes(said: tuple[Path, str], tmp_path: Path) -> None:
    file = tmp_path / "mice.csv"
    result = CliRunner().invoke(app, ["survival", str(said[0]), "--power", "0.8", "--csv", str(file)])
    assert result.exit_code == 0, result.output
    assert "hazard of death over that of mouse_fig4b" in result.output
    assert "individuals per arm, against mouse_fig4b" in result.output
    assert "real mice share no luck" in result.output
    assert "90 %: deaths" not in result.output
    sizes = pd.read_csv(tmp_path / "mice-power.csv")
    assert sizes["power"].unique().tolist() == [0.8]
    assert pd.read_csv(file)["arm"].tolist() == ["mouse_fig4b", "mouse_likelihood"]
    wrong = CliRunner().invoke(app, ["survival", str(said[0]), "--power", "2"])
    assert "power: must be between 0 and 1, got 2" in str(wrong.exception)


def test_the_presets_are_the_arms() -> None:
    overrides = {"replicates": 20, "tissues.body.preset": "karin_mouse_likelihood", "body.fluctuation": 0.14}
    by_preset = sim.run(sim.load(SCENARIO, {**overrides, "arms.mouse_likelihood": None}))
    by_arm = sim.run(sim.load(SCENARIO, {"replicates": 20}))
    ages = by_arm.individuals.query("arm == 'mouse_likelihood'")["age"]
    np.testing.assert_array_equal(by_preset.individuals["age"], ages)


def test_a_sweep_keeps_lifespans_and_goes_on(tmp_path: Path) -> None:
    design = tmp_path / "noise.yaml"
    text = f"scenario: {SCENARIO}\narms: [mouse_fig4b]\nreplicates: 3\noutput: timeseries\n"
    design.write_text(text + "design: {grid: {body.fluctuation: [0.1, 0.2]}}\n")
    swept = sim.sweep(design, out=tmp_path / "out")
    assert len(swept.outcomes) == 6
    assert swept.outcomes["lifespan"].between(400, 1400).all()
    design.write_text(design.read_text().replace("replicates: 3", "replicates: 5"))
    more = sim.sweep(design, out=tmp_path / "out", resume=True)
    assert len(more.outcomes) == len(more.table("individuals")) == 10
