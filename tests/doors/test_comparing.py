"""`senodrift compare` and `run --until-halfwidth`: what they say, what they write, and what the figures show."""

from __future__ import annotations

import json
import math
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from test_cli import SCENARIO, call
from test_figures import assert_tidy, labelled, make, words

import sim
from sim.analysis.compare import COLUMNS
from sim.analysis.effect_lines import effect_lines, rank_lines
from sim.analysis.luck import shared_luck
from sim.errors import InterruptedRunError, ResultsError
from sim.figures import save_all
from sim.figures.style import MINUS
from sim.results import Folder, Results, RunRecord
from sim.scenario.load import from_dict


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with x.yaml in it, to work in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.yaml").write_text(SCENARIO, encoding="utf-8")
    return tmp_path


def three_arms(**more: Any) -> Results:
    """Burdens that are random, with a failed replicate in the last arm."""
    results = make(replicates=6, layers=(), **more)
    rows = results.timeseries
    results.timeseries = rows[(rows["arm"] != "graft") | (rows["replicate"] != 2)]
    results.manifest["replicates"] = 6
    return results


# ------------------------------------------------------------------------------------------------------------ compare


def test_compare_says_what_people_ask_and_writes_the_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, results = Folder(tmp_path / "run"), three_arms()
    results.timeseries = results.timeseries.reset_index(drop=True)
    folder.write(results, "days: 10\n")
    folder.finish()
    csv, forest = tmp_path / "effects.csv", tmp_path / "effects.svg"
    options = ["--outcomes", "burden,mean_burden", "--halfwidth", "0.5", "--csv", str(csv), "--forest", str(forest)]
    assert call("compare", str(tmp_path / "run"), *options) == 0
    lines = capsys.readouterr().out.splitlines()
    effects = sim.compare(results, outcomes=["burden", "mean_burden"], halfwidth=0.5)
    pd.testing.assert_frame_equal(pd.read_csv(csv), effects, check_dtype=False)
    assert list(effects) == COLUMNS
    more = {(row.arm, row.outcome): f"{row.needed:.0f}" for row in effects.itertuples()}
    for line in lines[1:5]:
        cells = line.split()
        assert more[cells[0], cells[1]] == cells[-1]  # no shared luck of 6 pairs
    assert "5 of 6" in lines[2]
    assert lines[5] == "tissue skin, p corrected for 4 different tests"
    assert lines[6].startswith("n: pairs of those there should be")
    assert lines[7].startswith("more needed: pairs for a half-width of 0.5")
    ranks = sim.rank(results)
    assert lines[9].split("   ")[0] == "burden: lowest first"
    assert [line.split()[0] for line in lines[10:13]] == ranks["arm"].tolist()
    assert "burden</text>" in forest.read_text(encoding="utf-8")
    assert max(map(len, lines)) <= 130


def test_lines_name_what_varies_only() -> None:
    results = three_arms(tissues=("skin", "gut"))
    lines = list(effect_lines(sim.compare(results)))
    assert lines[0].split()[:3] == ["arm", "tissue", "n"]
    assert lines[-2] == "outcome burden, p corrected for 4 different tests"
    assert [line for line in rank_lines([sim.rank(results)], "lowest") if "first" in line][1].startswith(
        "burden, tissue gut: lowest first"
    )
    assert list(rank_lines([sim.rank(make(arms=["a", "b"], layers=()))], "lowest")) == []
    alone = list(effect_lines(sim.compare(make(replicates=1, layers=()))))
    assert alone[-1] == "tissue skin, outcome burden, no test: too few pairs, or no variation between them"


def test_a_ratio_of_variances_is_told_from_eight_pairs_on() -> None:
    enough = make(layers=(), replicates=8)
    ratio = sim.compare(enough)["variance_ratio"].iloc[0]
    assert list(effect_lines(sim.compare(enough)))[1].endswith(f" {ratio:.2g}")


def test_intervals_are_told_with_their_own_level() -> None:
    results = three_arms()
    assert "90 % interval" in next(iter(effect_lines(sim.compare(results, level=0.9))))
    assert "90 % interval" in list(rank_lines([sim.rank(results, level=0.9)], "lowest"))[1]


def test_chances_are_never_certain_nor_made_of_three_replicates() -> None:
    def told(n: int) -> list[str]:
        results = make(layers=(), replicates=n)
        rows = results.timeseries
        rows["burden"] = rows["replicate"] + 100.0 * rows["arm"].map(results.arms.index)
        return list(rank_lines([sim.rank(results)], "lowest"))

    lines = told(4)
    assert ["> 99 %" in line for line in lines[2:]] == [True, False, False]
    assert all("< 1 %" in line for line in lines[3:])
    assert told(3)[-1] == "no chances: they take 4 replicates that all arms have"


def test_only_outcomes_of_which_less_is_better_are_ranked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, results = Folder(tmp_path / "run"), three_arms()
    results.timeseries = results.timeseries.reset_index(drop=True)
    folder.write(results, "days: 10\n")
    folder.finish()
    assert call("compare", str(tmp_path / "run"), "--outcomes", "burden,cum_SASP") == 0
    said = capsys.readouterr().out
    assert "burden: lowest first" in said
    assert "cum_SASP: lowest" not in said
    assert said.splitlines()[-1] == "not ranked, as more may be better or worse (see --best): cum_SASP"
    assert call("compare", str(tmp_path / "run"), "--outcomes", "cum_SASP", "--best", "highest") == 0
    assert "cum_SASP: highest first" in capsys.readouterr().out


# ------------------------------------------------------------------------------------------------------------ figures


CASES: dict[str, dict[str, Any]] = {
    "three arms": {},
    "two tissues": {"tissues": ("skin", "muscle of the leg"), "qualitative": True},
    "one replicate": {"replicates": 1},
    "no variation": {"arms": ["a", "b"], "flat": True},
    "a long name": {"arms": ["a", "a_very_long_arm_name_that_nobody_should_use_but_somebody_will"]},
}


@pytest.mark.parametrize("case", CASES)
def test_the_forest_is_tidy(case: str) -> None:
    plot = make(layers=(), **CASES[case]).plot
    assert_tidy(plot.forest())
    assert_tidy(plot.forest(outcomes=["burden", "cum_SASP", "mean_burden"]))


def test_the_forest_shows_differences_with_their_intervals() -> None:
    results = three_arms()
    figure = results.plot.forest("sham", ["burden", "cum_SASP"])
    effects = sim.compare(results, "sham", ["burden", "cum_SASP"])
    assert [axes.get_title("left") for axes in figure.axes] == ["burden", "cum_SASP"]
    assert [axes.get_xlabel() for axes in figure.axes] == [
        "difference from sham (points)",
        "difference from sham (cells)",
    ]
    for panel, outcome in enumerate(["burden", "cum_SASP"]):
        marks, rows = labelled(figure, panel), effects[effects["outcome"] == outcome]
        largest = rows[["difference", "difference_low", "difference_high"]].abs().max(axis=None)
        digits = max(0, 2 - math.floor(math.log10(largest))) if largest else 0
        for row in rows.itertuples():
            assert marks[row.arm].get_xdata()[0] == row.difference
            assert f"{row.difference:+.{digits}f}".replace("-", MINUS) in words(figure)
            ends = [line.get_xdata() for line in figure.axes[panel].lines if len(line.get_xdata()) == 2]
            assert any(np.array_equal(each, [row.difference_low, row.difference_high]) for each in ends)
    assert "5 to 6 pairs of replicates (n). Pairs are missing" in words(figure)
    with pytest.raises(ResultsError, match="forest: arms: must be at least two to compare, got one"):
        make(arms=["a"], layers=()).plot.forest()


@pytest.mark.parametrize("case", ["three arms", "two tissues", "a long name"])
def test_luck_is_tidy_and_shows_the_ratios(case: str) -> None:
    results = make(layers=(), replicates=6, **{**CASES[case]})
    figure = results.plot.luck()
    assert_tidy(figure)
    table = shared_luck(results).query("tissue == 'skin'")
    for arm in results.arms[1:]:
        ratios = table.loc[table["arm"] == arm, "ratio"]
        assert np.allclose(labelled(figure)[arm].get_ydata(), np.log10(ratios))


def test_an_infinite_ratio_has_a_place_of_its_own() -> None:
    results = make(arms=["a", "b"], layers=(), replicates=5)
    rows = results.timeseries
    early = rows["day"] <= 4.0
    rows.loc[early & (rows["arm"] == "b"), "burden"] = rows.loc[early & (rows["arm"] == "a"), "burden"].to_numpy()
    figure = results.plot.luck()
    heights = labelled(figure)["b"].get_ydata()
    assert (heights[:5] == heights[0]).all()
    assert heights[0] > heights[5:].max()
    assert "infinite" in [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    with pytest.raises(ResultsError, match="luck: none kept: two pairs of replicates that vary in burden"):
        make(arms=["a", "b"], flat=True, layers=()).plot.luck()


def test_luck_is_drawn_from_eight_pairs_on(tmp_path: Path) -> None:
    few, enough = make(layers=(), replicates=7), make(layers=(), replicates=8)
    assert "luck" not in [path.stem for path in save_all(few, tmp_path / "few")]
    assert "luck" in [path.stem for path in save_all(enough, tmp_path / "enough")]


# ------------------------------------------------------------------------------------------------- until a half-width


def assert_same_results(one: Path, other: Path) -> None:
    """Every file, but for times and the command in the manifest."""
    names = {path.relative_to(one) for path in one.rglob("*") if path.is_file()}
    assert names == {path.relative_to(other) for path in other.rglob("*") if path.is_file()}
    for name in names - {Path("manifest.json")}:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    manifests = [json.loads((folder / "manifest.json").read_text(encoding="utf-8")) for folder in (one, other)]
    for manifest in manifests:
        for key in ("wall_s", "finished_at", "command", "workers"):
            del manifest[key]
        for each in manifest["runs"]:
            del each["wall_s"]
    assert manifests[0] == manifests[1]


def test_a_run_until_a_half_width_is_a_run_with_that_many_replicates(tmp_path: Path) -> None:
    scenario, seen = from_dict(yaml.safe_load(SCENARIO)), []
    rule = sim.HalfWidth(1.0, most=14)
    until = sim.run(
        scenario, out=tmp_path / "until", until=rule,
        progress=lambda record, done, total: seen.append((done, total)),
    )  # fmt: skip
    n = until.manifest["replicates"]
    assert n in (10, 11, 12, 13, 14)  # the first look at 8 is not enough, and says how many are
    assert seen[:2] == [(1, 2), (2, 2)]
    assert seen[2:16] == [(done, 16) for done in range(3, 17)]
    assert seen[-1] == (2 * n, 2 * n)
    sim.run(scenario, replicates=n, out=tmp_path / "plain")
    assert_same_results(tmp_path / "until", tmp_path / "plain")


def test_the_command_says_how_many_it_took(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = "--until-halfwidth 100 --outcome n_senescent --out mine"
    assert call("run", "x.yaml", *options.split()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("seed 0, until the half-width of n_senescent is 100")
    assert lines[1:3] == ["running  2 runs", "running  16 runs"]
    assert lines[3].startswith("finished 16 runs in ")
    assert any(line.startswith("half-width of n_senescent: ") and "after 8 replicates (wished: 100)" in line
               for line in lines)  # fmt: skip
    assert call("run", "x.yaml", "--until-halfwidth", "0.001", "--most", "3", "--out", "limit") == 0
    assert "not 0.001, at the limit of 3 replicates; about " in capsys.readouterr().out
    assert sim.read_results("limit").manifest["replicates"] == 3


def test_ctrl_c_between_looks_keeps_what_is_finished(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look = sim.HalfWidth.next

    def pressed(self: sim.HalfWidth, results: Results) -> int:
        if results.manifest["replicates"] == 8:
            signal.raise_signal(signal.SIGINT)
        return look(self, results)

    monkeypatch.setattr(sim.HalfWidth, "next", pressed)
    with pytest.raises(InterruptedRunError, match="interrupted: 16 of 16 runs finished, kept in mine"):
        sim.run(sim.load("x.yaml"), out="mine", until=sim.HalfWidth(1e-6))
    assert len(sim.read_results("mine").manifest["runs"]) == 16


def test_ctrl_c_in_a_later_round_keeps_the_rounds_before(home: Path) -> None:
    def stop(record: RunRecord, done: int, total: int) -> None:
        if done == 17:
            raise KeyboardInterrupt

    with pytest.raises(InterruptedRunError, match=r"interrupted: 17 of \d+ runs finished"):
        sim.run(sim.load("x.yaml"), out="mine", until=sim.HalfWidth(1e-6), progress=stop)
    kept = sim.read_results("mine").manifest
    assert [run["status"] for run in kept["runs"]].count("finished") == 17
    assert len(kept["runs"]) == 2 * kept["replicates"]
