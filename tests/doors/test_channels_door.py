"""`senodrift channels`: the tables of Python in words, a figure of them, one line for a mistake."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from channels import LESION, lesion
from numpy.testing import assert_allclose
from test_cli import call
from test_figures import assert_tidy, words

import sim
from sim.analysis.channels import channel_values
from sim.results import Results
from sim.scenario.load import from_dict


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return sim.run(from_dict(LESION), replicates=6, out=tmp_path_factory.mktemp("channels") / "run")


@pytest.fixture
def section(results: Results, tmp_path: Path) -> Path:
    """A map of drift as a table of cells."""
    maps, sites = results.maps("drift", 1, "skin"), results.sites[results.sites["tissue"] == "skin"]
    state = np.array(["healthy", "senescent"])[maps["state"][-1].ravel()[sites["site"]]]
    pd.DataFrame({"x": sites["x"], "y": sites["y"], "state": state}).to_csv(tmp_path / "section.csv", index=False)
    return tmp_path / "section.csv"


def test_the_tables_are_shown(results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, csv, png = results.folder, tmp_path / "channels.csv", tmp_path / "channels.png"
    assert call("channels", str(folder), "--csv", str(csv), "--figure", str(png)) == 0
    said, found = capsys.readouterr().out, sim.channels(results)
    pd.testing.assert_frame_equal(
        pd.read_csv(csv, keep_default_na=False, na_values={"mean": [""], "low": [""], "high": [""]}),
        found,
        check_dtype=False,
    )
    mean = found.set_index(["channel", "observable"]).loc[("sasp", "range"), "mean"]
    line = next(line for line in said.splitlines() if line.startswith("half of them within"))
    assert f"{mean:.3g} (" in line
    needed = sim.channel_power(results).query("measurement == ''")["needed"].iloc[0]
    assert np.isnan(needed)  # six replicates
    assert "stated sample size: not known from so few replicates" in said
    assert "what to measure next, best first: " in said
    assert png.is_file()


def test_observed_maps_are_explained(results: Results, section: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("channels", str(results.folder), "--observed", str(section), "--centre", "0.14 mm,140") == 0
    said, best = capsys.readouterr().out, sim.which_channel(results, [section], centre=(140, 140)).table.iloc[0]
    assert re.search(rf"^{best['channel']} +{best['log_likelihood']:.1f} ", said, re.MULTILINE)
    assert "observed: 1 map " in said
    assert call("channels", str(results.folder), "--observed", str(results.folder), "--arm", "drift") == 0
    assert "drift explains them best; known of each: a map of senescent cells, stain of cell types" in (
        capsys.readouterr().out
    )


def test_the_figure_shows_replicates_and_their_mean(results: Results) -> None:
    figure = results.plot.channels()
    axes = next(axes for axes in figure.axes if axes.get_title("left") == "half within (µm)")
    values, means = channel_values(results), sim.channels(results).query("observable == 'range'")
    points = [line.get_ydata() for line in axes.lines if len(line.get_ydata()) > 2]
    by_channel = dict(iter(values.groupby("channel")["range"]))
    for shown, name in zip(points, ("sasp", "drift", "both"), strict=True):
        assert_allclose(shown, by_channel[name])
    drawn = [line.get_ydata()[0] for line in axes.lines if len(line.get_ydata()) == 1]
    assert_allclose(drawn, means["mean"].dropna())
    assert "6 replicates per channel" in words(figure)
    assert_tidy(figure)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--observed", "SELF"], "error: channels: arm: must be named, one of neither, sasp, drift, both, drift"),
        (["--observed", "SELF", "--arm", "drit"], "error: channels: arm: must be one of neither, sasp, drift, both, "),
        (["--observed", "none.csv"], "error: none.csv: file: must be a file that can be read, got none of this name"),
        (["--observed", "none.csv", "--centre", "3,x"], "error: none.csv: --centre: must be a number in um, got 'x'"),
        (["--figure", "x.pdf"], "error: x.pdf: figure: must end in .png or .svg, got .pdf"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(
    results: Results, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(results.folder) if each == "SELF" else each for each in arguments]
    assert call("channels", str(results.folder), *given) == 2
    seen = capsys.readouterr()
    assert seen.err.startswith(message)
    assert seen.err.count("\n") == 1


def test_a_run_without_channels_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sim.run(from_dict(lesion({"both": {}}, {"days": 1, "record": {"days": [1]}})), replicates=1, out=tmp_path / "one")
    assert call("channels", str(tmp_path / "one")) == 2
    assert "channels: arms: must have two channels or more" in capsys.readouterr().err
