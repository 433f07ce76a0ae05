"""Attribution at the doors: the command, its figure, the paragraph in `explain`."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from test_cli import call
from test_figures import assert_tidy, texts, words

import sim
from sim.analysis.reproduction import reproduction
from sim.analysis.shares import share_and_effect
from sim.errors import ResultsError
from sim.experiment.attribute import attribute
from sim.explain.reproduction import threshold_words
from sim.figures import save_all
from sim.scenario.load import load

SCENARIO = """\
days: 12
dt: 12 h
replicates: 3
tissues: {skin: {preset: mouse_dermis, shape: [20, 20], initial: {burden: 8}}}
factors: {SASP: {reach: 60 um, induction: {linear: {rate: 0.004}}, jams_immunity: {}}}
record: {maps: [state, secondaries], days: [0, 6, 12], attribution: true}
arms: {young: {}, old: {tissues: {skin: {clearance: {capacity: 0.4}, contact: {hazard: 0.01}}}}}
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> sim.Results:
    """A small run with two arms, of which one has contact."""
    file = tmp_path_factory.mktemp("attribution") / "x.yaml"
    file.write_text(SCENARIO, encoding="utf-8")
    return sim.run(load(file))


def test_the_command_prints_the_table_of_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.yaml").write_text(SCENARIO, encoding="utf-8")
    assert call("attribute", "x.yaml", "--arm", "old", "--replicates", "2", "--quiet") == 0
    told = capsys.readouterr().out.splitlines()
    table, found = attribute(load("x.yaml"), "old", 2)
    assert share_and_effect(found, "old", {"SASP": "old_without_SASP", "contact": "old_without_contact"}).equals(table)
    assert told[0].startswith("old, day 12 ")
    for line, row in zip(told[1:-2], table.itertuples(), strict=True):
        cells = re.split(r"  +", line.strip())
        assert cells[:2] == [row.cause, f"{row.share:.2f}"]
        assert cells[7] == (f"{row.fall:+.2f}" if row.cause != "damage" else "-")
    assert told[-2].startswith("share is not effect: effect / share is ")
    assert told[-1] == "2 replicates"
    assert [path.name for path in tmp_path.iterdir()] == ["x.yaml"]


def test_mistakes_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.yaml").write_text(SCENARIO, encoding="utf-8")
    for arguments, said in (
        (["--arm", "odl"], "error: x.yaml: arms.odl: unknown arm (did you mean old?), known: young, old\n"),
        (["--arm", "young", "--set", "factors.SASP.induction=null"],
         "error: x.yaml: arms.young: must have a factor or contact that turns cells, got none\n"),
    ):  # fmt: skip
        assert call("attribute", "x.yaml", *arguments) == 2
        assert capsys.readouterr().err.endswith(said)


def test_explain_tells_the_threshold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.yaml").write_text(SCENARIO, encoding="utf-8")
    assert call("explain", "x.yaml") == 0
    told = capsys.readouterr().out
    assert threshold_words(load("x.yaml").common) in told
    assert "R_s: cells that a senescent cell turns before it goes" in told


def test_the_figure_draws_the_table(results: sim.Results, tmp_path: Path) -> None:
    figure = results.plot.reproduction(window=4)
    assert_tidy(figure)
    table = reproduction(results, window=4).set_index(["arm", "cause"])
    for axes, arm in zip(figure.axes, ("young", "old"), strict=True):
        lines = {line.get_label(): line for line in axes.get_lines()}
        assert arm == axes.get_title(loc="left")
        for cause in ("SASP", "contact", "all") if arm == "old" else ("SASP", "all"):
            rows = table.loc[(arm, cause)]
            np.testing.assert_allclose(lines[cause].get_ydata(), rows["r"])
            np.testing.assert_allclose(lines[cause].get_xdata(), (rows["start"] + rows["day"]) / 2)
        assert any(np.array_equal(line.get_ydata(), [1.0, 1.0]) for line in lines.values())
    assert "3 replicates per arm" in words(figure)
    assert "windows of 4 d" in words(figure)
    names = {path.name for path in save_all(results, tmp_path)}
    assert {"reproduction.png", "reproduction.svg"} <= names
    with pytest.raises(ResultsError, match="tissue: must be one of skin"):
        results.plot.reproduction("bone")


def test_the_map_of_secondaries_says_what_it_shows(results: sim.Results) -> None:
    figure = results.plot.maps()
    assert_tidy(figure)
    said = [text.get_text().replace("\n", " ") for text in texts(figure)]
    assert "secondaries" in said
    assert any("cells turned from here since day 0" in text for text in said)
