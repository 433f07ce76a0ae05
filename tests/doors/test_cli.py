"""The command as a user meets it: help without weight, a run that speaks, tables that agree with Python."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim
from sim.analysis.headline import burden_table, extra_by_cause
from sim.cli import main
from sim.errors import InterruptedRunError
from sim.explain import PLAN, duration, explain
from sim.results import Results
from sim.scenario.load import from_dict, load

ROOT = Path(__file__).parents[2]
SCENARIO = """\
question: Is it there?
days: 3
dt: 12 h
replicates: 3
tissues: {skin: {preset: mouse_dermis, shape: [16, 16], initial: {burden: 5}}}
factors: {SASP: {reach: 100 um, induction: {hill: {max_rate: 0.5}}, jams_immunity: {}}}
events: {graft: {radius: 45 um, day: 1}}
record: {maps: [state], days: [0, 3]}
arms: {control: {events: {graft: null}}, graft: {}}
"""
COMMANDS = ("run", "branch", "explain", "validate", "ledger", "list", "schema", "new", "sweep", "compare",
            "sensitivity", "study", "attribute", "patterns", "channels", "turnover", "early-warning", "search",
            "survival", "twin", "app", "movie", "report", "export")  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with x.yaml in it, to work in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.yaml").write_text(SCENARIO, encoding="utf-8")
    return tmp_path


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    return int(stop.value.code or 0)


# ------------------------------------------------------------------------------------------------------------- help


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"], ["list"]])
def test_help_carries_no_weight(arguments: list[str]) -> None:
    heavy = ("numba", "mesa", "matplotlib", "pandas", "numpy", "scipy")
    code = (
        "import sys\nfrom sim.cli import main\n"
        f"try:\n    main({arguments!r})\n"
        f"finally:\n    assert not set({heavy!r}) & set(sys.modules), sorted(set({heavy!r}) & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sim", "--version"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout == f"senodrift {sim.__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_manual_with_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(command, "--help") == 0
    text = capsys.readouterr().out
    assert f"Usage: senodrift {command}" in text
    assert f"\n    senodrift {command}" in text.split("Examples:")[1]


def test_no_arguments_show_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert call() == 0
    text = capsys.readouterr().out
    assert re.findall(r"^  ([a-z-]+)  +[A-Z]", text.split("Commands:")[1], re.M) == list(COMMANDS)


# -------------------------------------------------------------------------------------------------------------- run


def test_a_run_speaks_and_its_folder_agrees(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change = "tissues.skin.damage.baseline=1 %/d"
    assert call("run", "x.yaml", "--seed", "4", "--set", change, "--set", "events.graft.radius=0.06 mm") == 0
    seen = capsys.readouterr()
    assert seen.err == "note: events.graft.radius: the override is hidden in arm control, which removes it\n"
    scenario = load("x.yaml", {"seed": 4, "tissues.skin.damage.baseline": "1 %/d", "events.graft.radius": "0.06 mm"})
    folder = Path("results") / f"x-{scenario.hash[:6]}"
    lines = seen.out.splitlines()
    assert lines[0] == "x: 2 arms x 3 replicates, 16 x 16 sites (0.24 x 0.24 mm), 3 days in steps of 12 h, seed 4"
    assert lines[1] == "running  6 runs"
    assert lines[2].startswith("finished 6 runs in ")
    results = sim.read_results(folder)
    python = sim.run(scenario)
    pd.testing.assert_frame_equal(results.timeseries, python.timeseries)
    means = burden_table(python).set_index("arm")["mean"]
    for arm in ("control", "graft"):
        row = next(line for line in lines if line.startswith(f"  {arm} "))
        assert row.split()[1] == f"{means[arm]:.2f}"
    assert any(line.startswith("cells that turned, graft more than control, by cause: ") for line in lines)
    assert f"tables   {folder}/timeseries.parquet" in seen.out
    assert (folder / "figures" / "burden.png").is_file()
    assert lines[-1].endswith('senodrift run x.yaml --set events.graft.radius="120 um"')  # twice what it was


def test_quiet_is_quiet_and_options_reach_the_run(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = "--arms graft --replicates 2 --days 1 --engine agents --set events.graft.day=0 --out mine --quiet"
    assert call("run", "x.yaml", *options.split()) == 0
    assert capsys.readouterr() == ("mine\n", "")
    manifest = json.loads((home / "mine" / "manifest.json").read_text(encoding="utf-8"))
    runs = [(run["arm"], run["replicate"], run["status"]) for run in manifest["runs"]]
    assert runs == [("graft", 0, "finished"), ("graft", 1, "finished")]
    assert (manifest["days"], manifest["engine"], manifest["seed"]) == (1.0, "agents", 0)


def test_the_second_run_gets_a_folder_of_its_own(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert call("run", "x.yaml", "--days", "1", "--replicates", "1", "--quiet") == 0
    first, second = capsys.readouterr().out.splitlines()
    assert second == f"{first}-2"


def test_a_failed_replicate_is_shown_and_counts(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from sim.simulation import Simulation

    step = Simulation.step

    def broken(self: Simulation) -> None:
        if self.settings.events:
            raise ArithmeticError("the sky fell")
        step(self)

    monkeypatch.setattr(Simulation, "step", broken)
    assert call("run", "x.yaml", "--replicates", "1", "--out", "mine") == 1
    seen = capsys.readouterr()
    assert seen.err.startswith("failed: graft, replicate 0: ")
    assert "the sky fell" in seen.err
    assert "  control " in seen.out


def test_ctrl_c_keeps_what_is_finished(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sim.experiment.run as module

    def stopped(*arguments: Any, **options: Any) -> Results:
        raise InterruptedRunError("interrupted: 1 of 6 runs finished, kept in mine")

    monkeypatch.setattr(module, "run", stopped)
    assert call("run", "x.yaml", "--out", "mine", "--quiet") == 130
    assert capsys.readouterr() == ("", "interrupted: 1 of 6 runs finished, kept in mine\n")


def test_ctrl_c_before_the_run_is_exit_130(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sim.scenario.load.load", stopped)
    assert call("explain", "x.yaml") == 130


# ------------------------------------------------------------------------------------------------ what a run says first


def made_up() -> Results:
    """Two arms, three replicates; the graft adds 2, 3 and 4 points of burden and 10 cells of its own."""
    rows = [
        {"arm": arm, "replicate": r, "tissue": "skin", "day": day, "burden": base + extra * day,
         "cum_SASP": 5 * r, "cum_graft": 10 * (arm == "graft"), "cum_immune": 7 * day}
        for r, base, extra in ((0, 1.0, 2.0), (1, 4.0, 3.0), (2, 7.0, 4.0))
        for arm, day in (("control", 0.0), ("graft", 0.0), ("control", 1.0), ("graft", 1.0))
    ]  # fmt: skip
    for row in rows:
        if row["arm"] == "control" and row["day"] == 1.0:
            row["burden"] = (1.0, 4.0, 7.0)[int(row["replicate"])]
    manifest = {"arms": ["control", "graft"], "tissues": ["skin"], "runs": [], "scenario": "x"}
    return Results(manifest, {}, pd.DataFrame(rows), pd.DataFrame(), pd.DataFrame())


def test_the_first_table_has_known_answers() -> None:
    table = burden_table(made_up()).set_index("arm")
    t = 4.302652729911275  # 97.5 % of the t distribution with 2 degrees of freedom
    assert table["mean"].to_dict() == {"control": 4.0, "graft": 7.0}
    np.testing.assert_allclose(
        table.loc["control", ["low", "high"]].astype(float), 4 + np.array([-1, 1]) * t * np.sqrt(3)
    )
    np.testing.assert_allclose(table.loc["graft", "difference"], 3.0)
    np.testing.assert_allclose(table.loc["graft", "difference_high"], 3 + t / np.sqrt(3))
    np.testing.assert_allclose(table.loc["graft", "variance_ratio"], (9 + 16) / 1)
    assert np.isnan(table.loc["control", "difference"])


def test_extra_cells_are_told_by_cause_without_removals() -> None:
    assert extra_by_cause(made_up(), "graft", "skin") == {"graft": 10.0}


def test_compare_prints_the_paired_difference(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", "x.yaml", "--out", "mine", "--quiet") == 0
    assert call("compare", "mine", "--baseline", "graft", "--outcomes", "burden, n_senescent") == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    effects = sim.compare(sim.read_results("mine"), "graft", ["burden", "n_senescent"])
    assert lines[0].split() == ["arm", "outcome", "n", "mean", "graft", "difference", "95", "%", "interval", "p",
                                "(Holm)", "shared", "luck"]  # fmt: skip
    for line, row in zip(lines[1:3], effects.itertuples(), strict=True):
        assert line.split()[:6] == [
            "control", row.outcome, "3",
            f"{row.mean:.4g}", f"{row.baseline_mean:.4g}", f"{row.difference:+.4g}",
        ]  # fmt: skip
    assert lines[3:] == ["tissue skin, p corrected for 2 different tests"]
    assert call("compare", "mine", "--outcomes", "burdn") == 2
    assert "did you mean burden?" in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------------- words and lists


def test_explain_tells_what_is_true(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("explain", "x.yaml") == 0
    text = capsys.readouterr().out
    assert text == explain(load("x.yaml"))
    assert max(map(len, text.splitlines())) <= 100
    words = " ".join(text.split())
    hazard = 0.305 / (0.432 + 5) / (1 + 5 / 20)  # of removal, at a burden of 5 %, jammed
    for sentence in (
        "Question. Is it there?",
        "16 x 16 sites (0.24 x 0.24 mm)",
        "3 mo old on day 0",
        "0.138 % of the healthy cells senescent per day at age 0, rising by 0.092 % per day and year of age; 0.161 %",
        f"Half of a senescent cohort is gone after {np.log(2) / hazard:.3g} d at a burden of 5 %",
        "reaches 100 um (sqrt(D/k), D = 20 um^2/s) and settles in 8.33 min (1/k), far less than the step of 12 h",
        "control without events.graft",
        "day 1, graft: senescent cells of the types that stand there, turned 20 d before, within 45 um of the centre "
        "of skin; arm graft.",
        "6 steps of 12 h to day 3",
        "SASP in skin: sqrt(D/k) 100 um = 6.7 cells, 1/k 8.33 min",
        "factor SASP: reach 100 um, secretion.secondary 0.5, induction.hill.max_rate 0.5 1/d, jams_immunity.half_max",
    ):
        assert sentence in words
    places = [words.index(f" {i} {name} {text}") for i, (name, text, _) in enumerate(PLAN, 1)]
    assert places == sorted(places)


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_explain_reads_every_scenario(path: Path) -> None:
    assert explain(load(path)).count("\n") > 20


def test_explain_knows_every_part() -> None:
    tissue = {
        "shape": [4, 4, 4],
        "contact": {"hazard": 0.1, "mature_after": 2, "at_once": 0.5},
        "clearance": {"own_death": 0.01, "territory": "whole tissue", "capacity": 0.5},
        "repair": {"decline": 0.5, "scar": 0.1, "division_limit": 50},
        "maintenance": 0.1,
        "holes": [{"at": [5, 5, 5], "radius": 10}],
    }
    factors = {
        "gas": {"transport": "well_mixed", "decay_rate": 2, "induction": {"linear": {"rate": 0.1}}},
        "drift": {
            "reach": 100,
            "diffusivity": 0.001,
            "affinity": {"cell": 2},
            "cargo": {"response": {"hill": {}}},
            "secretion": {"delay": 1, "duration": 9, "strength": 2, "by_type": {"cell": 3}},
            "inhibits_repair": {},
        },
        "mark": {"reach": 100},
    }
    scenario = from_dict({"days": 1, "tissues": {"t": tissue}, "factors": factors})
    words = " ".join(explain(scenario).split())
    for sentence in (
        "4 layers (z) of 4 x 4 cells (0.06 x 0.06 x 0.06 mm)",
        "1 round places without cells",
        "Upkeep averts 10 % of all induction",
        "each senescent neighbour that turned 2 d ago or earlier adds 0.1 per day",
        "with chance 0.5",
        "in the whole tissue",
        "Immune capacity is 0.5.",
        "die by themselves at 0.01 per day",
        "falling by exp(-0.5 per year of age)",
        "10 % of vacancies scar instead",
        "senescent at 50 divisions",
        "Factor gas is the same everywhere",
        "against a step of 12 h; each step is taken exactly",
        "at 0.1 per day and unit",
        "Full secretion 6 d after turning, the first after 1 d",
        "it ends 9 d later; strength 2",
        "cell cells give 3",
        "affinity cell 2",
        "A level of 20 halves repair",
        "It acts on nothing, and is only recorded.",
    ):
        assert sentence in words, sentence


@pytest.mark.parametrize(
    ("days", "words"),
    [(0, "0 d"), (1 / 86400, "1 s"), (8.333 / 1440, "8.33 min"), (0.5, "12 h"), (1, "1 d"), (91.3125, "3 mo"),
     (365.25 * 2, "2 yr"), (float("inf"), "no limit")],
)  # fmt: skip
def test_durations_are_told_in_the_unit_people_use(days: float, words: str) -> None:
    assert duration(days) == words


def test_lists_and_texts_are_printed_as_they_are(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, file in (
        (("ledger", "--markdown"), "docs/parameters.md"),
        (("schema",), "configs/scenario.schema.json"),
    ):
        assert call(*arguments) == 0
        assert capsys.readouterr().out == (ROOT / file).read_text(encoding="utf-8")
    assert call("ledger") == 0
    assert "tissues.*.clearance.max_rate" in capsys.readouterr().out
    assert call("ledger", "x.yaml") == 0
    assert re.search(r"factors\.SASP\.reach +100 um +ASSUMED", capsys.readouterr().out)
    assert call("list") == 0
    overview = capsys.readouterr().out
    assert overview.startswith("Tissues\nmouse_dermis            A mouse dermis")
    assert re.search(r"\n\nDrugs\n.*\nfisetin +oral +kill_senescent\n", overview, re.DOTALL)
    assert re.search(r"\nrapamycin +oral +inhibit_secretion of SASP\n", overview)
    assert call("list", "tissues") == 0
    assert capsys.readouterr().out == overview.partition("\n\n")[0] + "\n"
    assert call("list", "drugs", "fisetin") == 0
    assert capsys.readouterr().out.startswith("fisetin: oral, in mg/kg\n")


def test_the_parser_knows_the_engines() -> None:
    from sim.engines import ENGINES

    done = subprocess.run(
        [sys.executable, "-m", "sim", "run", "--help"], capture_output=True, text=True, cwd=ROOT, check=True,
        env={**os.environ, "COLUMNS": "100"},
    )  # fmt: skip
    assert f"--engine {'|'.join(ENGINES)}" in done.stdout


class Terminal(io.StringIO):
    """Standard output that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_bar_is_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    from sim.cli.app import progress_bar
    from sim.results import RunRecord

    monkeypatch.setattr(sys, "stdout", Terminal())
    with progress_bar(2, quiet=False) as advance:
        assert advance is not None
        advance(RunRecord("a", 0), 1, 2)
        advance(RunRecord("a", 1), 2, 2)
    shown = sys.stdout.getvalue()  # type: ignore[attr-defined]
    monkeypatch.undo()
    assert "2/2" in shown
    assert "runs/s" in shown


def test_validate_checks_every_point_of_a_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("validate", str(ROOT / "configs" / "sweeps" / "dose_and_interval.yaml")) == 0
    assert capsys.readouterr().out.split("  ")[2] == "16 points x 2 arms\n"
    wrong = tmp_path / "wrong.yaml"
    base = ROOT / "configs" / "skin_graft.yaml"
    wrong.write_text(f"scenario: {base}\ndesign: {{grid: {{days: [5, -1]}}}}\n", encoding="utf-8")
    assert call("validate", str(wrong)) == 2
    assert "design.grid.days: point 1: must be more than 0 d" in capsys.readouterr().err
