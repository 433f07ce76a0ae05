"""The command that tells what a study would have seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_markers import TWO, results

from sim.analysis.markers import marker_in_words, marker_names
from sim.analysis.study import share_in_words, study
from sim.cli import main
from sim.figures.study import study as drawn
from sim.results import Folder, read_results
from sim.scenario.formulary import markers_in_words
from sim.scenario.load import from_dict


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder."""
    out = Folder(tmp_path_factory.mktemp("study") / "res")
    found = results(TWO)
    out.write(found, from_dict(found.scenario).as_yaml())
    return out.finish()


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    return int(stop.value.code or 0)


def test_words_say_what_is_assumed(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list", "markers") == 0
    assert capsys.readouterr().out == f"{markers_in_words()}\n"
    assert "9 of 12 numbers are assumed" in markers_in_words()
    found = results(TWO, {"p16": {"sensitivity": 0.9}})
    assert marker_in_words(found, "p16") == (
        "p16: sensitivity 0.9 (set in the scenario), specificity 0.998 (computed), senescent from 14 d (ASSUMED)"
    )
    assert marker_names(found) == ["SA_beta_gal", "p16", "p21", "ideal", "half"]


def test_the_command_says_what_python_says(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "x.png"
    assert call("study", str(folder), "--marker", "half", "--studies", "200", "--figure", str(picture)) == 0
    lines = capsys.readouterr().out.splitlines()
    row = study(read_results(folder), marker="half", studies=200).table.iloc[0]
    assert lines[0] == (
        "burden on the last day as half: 6 animals per arm, each 3 sections x 5 fields x 100 cells; 200 such studies"
    )
    assert lines[2].split()[:4] == ["graft", "t", f"{row['difference']:+.2f}", f"{row['measured']:+.2f}"]
    assert f" {share_in_words(row['power'])} " in lines[2]
    assert any("sensitivity 0.6 (set in the scenario)" in line for line in lines)
    assert picture.stat().st_size > 5000


def test_the_figure_shows_the_true_and_the_measured_difference() -> None:
    found = results(TWO)
    seen = study(found, marker="half", studies=100)
    figure = drawn(found, seen)
    shown = [float(line.get_xdata()[0]) for line in figure.axes[2].lines if len(line.get_xdata()) == 1]
    assert shown == pytest.approx([seen.table["measured"].iloc[0], seen.table["difference"].iloc[0]])
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()
    assert found.plot.study(marker="half", studies=5).axes


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--cells", "many"), "error: study: --cells: must be a whole number or all, got 'many'"),
        (("--figure", "x.pdf"), "error: x.pdf: figure: must end in .png or .svg, got .pdf"),
        (("--animals", "1"), "error: study: animals: must be between 2 and 10000, got 1"),
        (("--figure", "no_such_folder/x.png"), "no_such_folder/x.png: file: must be readable or writable"),
    ],
)
def test_mistakes_at_the_door(folder: Path, arguments: tuple[str, ...], words: str,
                              capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    assert call("study", str(folder), "--studies", "5", *arguments) == 2
    seen = capsys.readouterr().err
    assert words in seen
    assert seen.count("\n") == 1
