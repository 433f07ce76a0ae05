"""`senodrift turnover`, `early-warning`, and shares beside effects at the end of a run, as a user meets them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sim
from sim.cli import main
from sim.results import Folder, Results, read_results
from sim.sweeps import read_sweep

SCENARIO = """\
question: Share or effect?
days: 12
dt: 12 h
replicates: 2
tissues: {skin: {preset: mouse_dermis, shape: [16, 16], initial: {burden: 8}}}
factors: {SASP: {reach: 100 um, induction: {hill: {max_rate: 0.5}}}}
arms: {all: {}, no_SASP: {factors: {SASP: {induction: null}}}}
"""
DAYS = np.arange(0.0, 41.0)


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    return int(stop.value.code or 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results folder of the scenario."""
    home = tmp_path_factory.mktemp("warnings")
    (home / "x.yaml").write_text(SCENARIO, encoding="utf-8")
    assert call("run", str(home / "x.yaml"), "--out", str(home / "out"), "--quiet") == 0
    return home / "out"


@pytest.fixture
def tagged(tmp_path: Path) -> Path:
    """A folder with a cohort of 1000 cells that halves every 5 days, and its control."""
    rows = [
        pd.DataFrame({"arm": arm, "replicate": r, "tissue": "skin", "day": DAYS, "n_healthy": 9000, "n_cleared": 0,
                      "n_scarred": 0, "n_senescent": 1000, "burden": 2.0 + share * 0.5 ** (DAYS / 10),
                      "new_pulse": np.where(DAYS == 0, 1000 * share, 0), "cum_pulse": 1000 * share,
                      "due_to_pulse": 1000 * share * 0.5 ** (DAYS / 5),
                      "cleared_pulse": 1000 * share * (1.0 - 0.5 ** (DAYS / 5))})
        for arm, share in (("calm", 0.0), ("pulsed", 1.0)) for r in range(3)
    ]  # fmt: skip
    manifest = {"scenario": "half_life", "arms": ["calm", "pulsed"], "tissues": ["skin"], "factors": [], "runs": []}
    tables = [pd.DataFrame(columns=["arm", "replicate"]) for _ in range(2)]
    given = {"events": {"pulse": {"kind": "irradiation"}}}
    results = Results(manifest, given, pd.concat(rows, ignore_index=True), tables[0], tables[1], {})
    place = Folder(tmp_path / "tagged")
    place.write(results, "events: {pulse: {kind: irradiation}}\n")
    return place.finish()


def test_a_run_with_such_arms_ends_with_share_and_effect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.yaml").write_text(SCENARIO, encoding="utf-8")
    assert call("run", str(tmp_path / "x.yaml"), "--days", "6", "--out", str(tmp_path / "out")) == 0
    out = capsys.readouterr().out
    assert "all, day 6   share of cells turned (%)" in out
    assert "share is not effect" in out
    row = next(line for line in out.split("\n") if line.startswith("  SASP "))
    table = sim.share_and_effect(read_results(tmp_path / "out")).set_index("cause")
    assert row.split()[1] == f"{table.loc['SASP', 'share']:.2f}"
    assert f"{table.loc['SASP', 'fall']:+.2f}" in row


def test_early_warning_of_a_run(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(tmp_path / name) for name in ("all.csv", "seen.png")]
    assert call("early-warning", str(folder), "--window", "10 d", "--csv", files[0], "--figure", files[1]) == 0
    out = capsys.readouterr().out
    assert out.startswith("arm ")
    assert "lag 1 d, windows of 10 d" in out
    table = sim.early_warning(read_results(folder), window=10.0)
    pd.testing.assert_frame_equal(pd.read_csv(files[0]), table)
    assert Path(files[1]).stat().st_size > 0
    assert call("early-warning", str(folder), "--lag", "3 cm") == 2
    assert capsys.readouterr().err.startswith("error: early-warning: --lag: must")
    assert call("early-warning", str(folder), "--figure", "seen.pdf") == 2
    assert "figure: must end in .png or .svg, got .pdf" in capsys.readouterr().err


def test_early_warning_of_a_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.yaml").write_text(SCENARIO, encoding="utf-8")
    text = "scenario: x.yaml\nreplicates: 2\narms: [all]\ndesign: {grid: {tissues.skin.initial.burden: [2, 8]}}\n"
    (tmp_path / "s.yaml").write_text(text, encoding="utf-8")
    assert call("sweep", str(tmp_path / "s.yaml"), "--out", str(tmp_path / "out"), "--quiet") == 0
    capsys.readouterr()
    assert call("early-warning", str(tmp_path / "out")) == 0
    lines = capsys.readouterr().out.split("\n")
    assert lines[0].startswith("point   arm")
    assert [line.split()[0] for line in lines[1:3]] == ["0", "1"]
    sweep = read_sweep(tmp_path / "out")
    table = sim.early_warning(sweep).set_index(["point", "signal"])
    burden = sweep.outcomes.query("point == 1")["burden"]
    assert table.loc[(1, "variance_across"), "value"] == pytest.approx(burden.var())
    assert call("early-warning", str(tmp_path / "out"), "--figure", "seen.png") == 2
    assert "figure: must be asked of a run, got a sweep" in capsys.readouterr().err


def test_turnover(tagged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(tmp_path / name) for name in ("all.csv", "seen.svg")]
    assert call("turnover", str(tagged), "--control", "calm", "--csv", files[0], "--figure", files[1]) == 0
    head, row, last, _ = capsys.readouterr().out.split("\n")
    assert head.startswith("tagged by pulse")
    assert row.split()[:3] == ["pulsed", "3000", "5.01"]  # the trapezium: 0.16 %
    assert last == "3 replicates; excess: pulsed against calm"
    table = pd.read_csv(files[0])
    assert table["excess_half_life"][0] == pytest.approx(10.0, abs=0.01)
    assert Path(files[1]).stat().st_size > 0
    assert call("turnover", str(tagged), "--window", "2 d, 12 d") == 0
    assert capsys.readouterr().out.split("\n")[1].endswith("2 to 12")
    for arguments, words in (
        (("--window", "2"), "--window: must be two days, FROM,TO, got 2"),
        (("--cause", "puls"), "cause: must be one of pulse, got puls (did you mean pulse?)"),
        (("--control", "clam"), "control: must be one of calm, pulsed, got clam (did you mean calm?)"),
    ):
        assert call("turnover", str(tagged), *arguments) == 2
        assert words in capsys.readouterr().err
