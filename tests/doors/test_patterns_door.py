"""`senodrift patterns`: tables that agree with Python, a figure of its numbers, one line for a mistake."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from test_cli import call
from test_figures import assert_tidy, words

import sim
from sim.analysis.patterns import patterns, patterns_of_maps
from sim.errors import ResultsError
from sim.figures.pair_correlation import pair_correlation

SCENARIO = {
    "days": 4,
    "tissues": {"skin": {"preset": "mouse_dermis", "shape": [16, 16], "initial": {"burden": 8}}},
    "events": {"graft": {"radius": "45 um"}},
    "record": {"maps": ["state"], "days": [0, 4]},
    "arms": {"control": {"events": {"graft": None}}, "graft": {}},
}


@pytest.fixture
def cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """A section of 400 cells in cells.csv, with a cluster."""
    monkeypatch.chdir(tmp_path)
    points = np.random.default_rng(6).random((400, 2)) * 300
    table = pd.DataFrame(points, columns=["x", "y"]).assign(senescent=np.hypot(*(points - 100).T) < 50)
    table.to_csv("cells.csv", index=False)
    return table


def test_a_section_is_measured_and_drawn(cells: pd.DataFrame, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("patterns", "cells.csv", "--link-radius", "0.025 mm", "--box", "300,300", "--out", "mine") == 0
    said, found = capsys.readouterr().out, patterns(cells, 25, (300, 300))
    row = found.rows.iloc[0]
    lines = {line.split("  ")[0]: line.split()[-1] for line in said.splitlines() if "  " in line}
    assert lines["senescent cells"] == str(cells["senescent"].sum())
    assert lines["Moran's I of senescence"] == f"{row['morans_i']:.4g}"
    assert "times as many as with random labels" in said
    pd.testing.assert_frame_equal(pd.read_csv("mine/patterns.csv"), found.rows, check_dtype=False)
    pd.testing.assert_frame_equal(pd.read_csv("mine/pair_correlation.csv"), found.pair_correlation)
    assert {path.name for path in Path("mine").iterdir()} == {
        "patterns.csv", "pair_correlation.csv", "pair_correlation.png", "pair_correlation.svg"}  # fmt: skip


def test_maps_are_measured_by_arm_and_day(cells: pd.DataFrame, capsys: pytest.CaptureFixture[str]) -> None:
    results = sim.run(sim.from_dict(SCENARIO), replicates=2, out="run")
    assert call("patterns", "run", "--out", "mine") == 0
    said, found = capsys.readouterr().out, patterns_of_maps(results)
    line = next(line for line in said.splitlines() if line.split()[:3] == ["skin", "graft", "4"])
    mean = found.rows.query("arm == 'graft' and day == 4")["clusters"].mean()
    assert float(line.split()[3]) == pytest.approx(mean)
    assert Path("mine/pair_correlation.png").is_file()


def test_the_figure_shows_the_ratio_to_random_labels(cells: pd.DataFrame) -> None:
    found = patterns(cells, 25, (300, 300))
    figure = pair_correlation(found, "cells.csv")
    curve = found.pair_correlation[found.pair_correlation["expected"] > 0]
    line = figure.axes[0].lines[-1]
    assert_allclose(line.get_ydata(), curve["senescent"] / curve["expected"])
    assert_allclose(line.get_xdata(), (curve["r_low"] + curve["r_high"]) / 2)
    assert "cells.csv: pair correlation of senescent cells, over that" in words(figure)
    assert_tidy(figure)


def test_the_figure_of_maps_has_a_panel_per_arm_and_a_line_per_day(cells: pd.DataFrame) -> None:
    results = sim.run(sim.from_dict(SCENARIO), replicates=2)
    found = patterns_of_maps(results)
    figure = pair_correlation(found, "x", results)
    assert [axes.get_title("left") for axes in figure.axes] == ["control", "graft"]
    curve = found.pair_correlation.query("arm == 'graft' and day == 4 and expected > 0")
    mean = (curve["senescent"] / curve["expected"]).groupby(curve["r_low"]).mean()
    assert any(
        np.allclose(line.get_ydata(), mean) for line in figure.axes[1].lines if len(line.get_ydata()) == len(mean)
    )
    assert "day 4" in words(figure)
    assert "mean of 2 replicates" in words(figure)
    assert_tidy(figure)


def test_without_senescent_cells_there_is_no_figure(cells: pd.DataFrame, capsys: pytest.CaptureFixture[str]) -> None:
    cells.assign(senescent=False).to_csv("young.csv", index=False)
    assert call("patterns", "young.csv", "--link-radius", "25", "--out", "mine") == 0
    assert {path.name for path in Path("mine").iterdir()} == {"patterns.csv", "pair_correlation.csv"}
    assert re.search(r"mean cluster +- +cells", capsys.readouterr().out)
    with pytest.raises(ResultsError, match="young: pair_correlation: must have two senescent cells or more, got fewer"):
        pair_correlation(patterns("young.csv", 25), "young")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cells.csv"], "error: cells.csv: --link-radius: must be given for a table of cells, got none"),
        (["cells.csv", "--link-radius", "2 d"], "error: cells.csv: --link-radius: must be in um, got '2 d'"),
        (["cels.csv", "--link-radius", "20"], "error: cels.csv: file: must be a file that can be read, got none"),
        (["cells.csv", "--link-radius", "20", "--box", "3,x"], "error: cells.csv: --box: must be a number in um, got"),
        ([".", "--box", "3,3"], "error: .: --box: is for tables of cells only, got 3,3"),
        (["cells.csv", "--link-radius", "20", "--out", "cells.csv"], "error: cells.csv: out: must be a new folder"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(
    cells: pd.DataFrame, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("patterns", *arguments) == 2
    seen = capsys.readouterr()
    assert seen.err.startswith(message)
    assert seen.err.count("\n") == 1
    assert not seen.out
