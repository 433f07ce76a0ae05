"""What a run leaves behind, whatever happens to it: a complete folder or none, a row for every run, and no process.

Workers are fresh interpreters on the path of this one, so a test reaches into them by a `sitecustomize`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import sim
from sim.errors import InterruptedRunError, ResourceError, ResultsError, ScenarioError
from sim.experiment import execute
from sim.experiment.execute import Job, run_in_processes
from sim.results import COLUMNS, Folder, Results, RunRecord
from sim.scenario.load import Scenario, from_dict
from sim.scenario.trees import Tree
from sim.scenario.yaml_text import dump_yaml
from sim.simulation import Simulation

HOME = Path(sim.__file__).parents[1]
PATIENCE = 240.0  # s; a first run compiles
WORLD: Tree = {
    "days": 3,
    "dt": 0.4,
    "replicates": 3,
    "tissues": {"skin": {"preset": "mouse_dermis", "shape": [8, 6], "initial": {"burden": 20}}},
    "factors": {"SASP": {"reach": "40 um", "induction": {"hill": {"max_rate": 0.5}}}},
    "events": {"graft": {"radius": "20 um", "day": 1}},
    "record": {"maps": ["state", "SASP"], "days": [0, 3]},
    "arms": {"control": {"events": {"graft": None}}, "graft": {}},
}
LONG: Tree = {"days": 1e5, "dt": 0.01, "replicates": 2, "record": {"every": 1e3}}
ENDLESS: Tree = {
    **(WORLD | LONG),
    "arms": {"quick": {"stop": {"cause": "initial", "count": 1}}, "endless": {}},
}
BEFORE_EACH_RUN = """\
import os
from pathlib import Path
import sim.experiment.replicate as home
def run_replicate(settings, arm, replicate, *more, run=home.run_replicate):
    {}
    return run(settings, arm, replicate, *more)
home.run_replicate = run_replicate
"""


def statuses(results: Results) -> list[tuple[str, int, str]]:
    return [(run["arm"], run["replicate"], run["status"]) for run in results.manifest["runs"]]


def everything_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def scenario() -> Scenario:
    return from_dict(WORLD)


# ------------------------------------------------------------------------------------------------------- the folder


def test_a_folder_holds_what_the_contract_says(scenario: Scenario, tmp_path: Path) -> None:
    results = sim.run(scenario, out=tmp_path / "out")
    assert results.folder == tmp_path / "out"
    runs = [(arm, replicate) for arm in ("control", "graft") for replicate in range(3)]
    tables = {f"{name}.parquet" for name in ("timeseries", "organism", "events", "doses", "individuals", "sites")}
    tables |= {"manifest.json", "scenario.yaml", "summary.csv"}
    assert set(everything_below(tmp_path / "out")) == tables | {f"maps/{arm}-{r}-skin.npz" for arm, r in runs}
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert [(run["arm"], run["replicate"]) for run in manifest["runs"]] == runs
    assert {run["status"] for run in manifest["runs"]} == {"finished"}
    assert {"seed", "versions", "commit", "wall_s", "hash"} <= set(manifest)
    columns = list(pd.read_parquet(tmp_path / "out" / "timeseries.parquet").columns)
    assert columns[: len(COLUMNS)] == COLUMNS == [
        "arm", "replicate", "tissue", "day", "n_healthy", "n_senescent", "n_cleared", "n_scarred", "burden",
    ]  # fmt: skip
    assert columns[-4:] == ["vacant", "off_target", "immune_capacity", "immune_lost"]
    kinds = [name.split("_")[0] for name in columns[len(COLUMNS) : -4]]
    assert list(dict.fromkeys(kinds)) == ["n", "new", "cum", "gen", "due", "cleared", "mean", "max"]
    sites = pd.read_parquet(tmp_path / "out" / "sites.parquet")
    assert list(sites.columns) == ["tissue", "site", "x", "y", "z", "type"]
    assert len(sites) == 48
    events = pd.read_parquet(tmp_path / "out" / "events.parquet")
    happened = events[["arm", "replicate", "day", "event"]].to_numpy().tolist()
    assert happened == [["graft", replicate, 0.8, "graft"] for replicate in range(3)]
    summary = pd.read_csv(tmp_path / "out" / "summary.csv")
    assert list(summary.columns) == ["arm", "tissue", "n", "burden_mean", "burden_sd"]


def test_the_scenario_in_a_folder_gives_the_same_tables_again(tmp_path: Path) -> None:
    scenario = from_dict(WORLD, {"seed": 9, "tissues.skin.clearance.territory": "whole tissue"})
    first = sim.run(scenario, replicates=2, out=tmp_path / "one")
    again = sim.run(sim.load(tmp_path / "one" / "scenario.yaml"), out=tmp_path / "two")
    for name in ("timeseries", "events", "sites"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(again, name), check_exact=True)
    one, two = everything_below(tmp_path / "one"), everything_below(tmp_path / "two")
    assert one["scenario.yaml"] == two["scenario.yaml"]
    assert first.manifest["hash"] == again.manifest["hash"]


def test_a_folder_is_complete_or_not_there(scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    sim.run(scenario, out=tmp_path / "a/out", progress=lambda *_: seen.append(sorted(os.listdir(tmp_path / "a"))))
    assert seen == [["out.partial"]] * 6
    assert os.listdir(tmp_path / "a") == ["out"]

    def full(self: Results) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Results, "summary", full)
    with pytest.raises(ResourceError, match="out: must have room for the tables, got No space left on device"):
        sim.run(scenario, out=tmp_path / "a" / "other")
    with pytest.raises(ZeroDivisionError):
        sim.run(scenario, out=tmp_path / "a" / "other", progress=lambda *_: 1 / 0)
    assert os.listdir(tmp_path / "a") == ["out"]


def test_a_finished_folder_is_never_overwritten(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sim.run(scenario, replicates=1, out="out")
    before = everything_below(tmp_path)
    for out in ("out", ".", tmp_path):
        with pytest.raises(ResultsError, match="must be a new folder, got one that exists"):
            sim.run(scenario, out=out)
    assert everything_below(tmp_path) == before
    (tmp_path / "mine.partial").mkdir()
    with pytest.raises(ResultsError, match=r"mine.partial is there already: another run, or one that was killed"):
        sim.run(scenario, out="mine")
    assert (tmp_path / "mine.partial").is_dir()


def test_a_mistake_is_told_before_anything_runs(scenario: Scenario, tmp_path: Path) -> None:
    with pytest.raises(
        ScenarioError, match=r"engine: must be one of compiled, agents, or MODULE:CLASS, got 'agent' \(did you mean"
    ):
        sim.run(scenario, engine="agent", out=tmp_path / "out")
    with pytest.raises(ScenarioError, match="workers: must be at least 1, got 0"):
        sim.run(scenario, workers=0, out=tmp_path / "out")
    assert os.listdir(tmp_path) == []


# ------------------------------------------------------------------------------------------------- the clock of a run


def test_rows_and_maps_when_dt_does_not_fit(scenario: Scenario) -> None:
    results = sim.run(scenario, replicates=1)
    table = results.timeseries.query("arm == 'graft'")
    assert table["day"].round(12).tolist() == [0.0, 1.2, 2.0, 3.2]  # the first steps that reach 0, 1, 2 and 3 d
    assert results.maps("graft")["days"].round(12).tolist() == [0.0, 3.2]
    for name in (name for name in table if name.startswith("cum_")):
        assert table[name].tolist() == table[name.replace("cum_", "new_")].cumsum().tolist()
    often = sim.run(scenario.override({"record.every": 0.01}), replicates=1).timeseries.query("arm == 'graft'")
    assert often["day"].round(12).tolist() == [round(0.4 * step, 12) for step in range(9)]


def test_a_stop_condition_ends_one_arm_early() -> None:
    arms = {"free": {}, "stopped": {"stop": {"cause": "SASP", "count": 4}}}
    results = sim.run(from_dict({**WORLD, "days": 20, "record": {"every": 0.1}, "arms": arms}))
    days = results.timeseries.groupby(["arm", "replicate"])["day"].max()
    assert (days["free"].round(9) == 20).all()
    assert (days["stopped"] < 20).all()
    last = results.timeseries.query("arm == 'stopped'").groupby("replicate").last()
    assert (last["cum_SASP"] >= 4).all()
    free, stopped = (results.timeseries.query(f"arm == '{arm}'").set_index(["replicate", "day"]) for arm in arms)
    pd.testing.assert_frame_equal(stopped.drop(columns="arm"), free.drop(columns="arm").loc[stopped.index])
    assert set(statuses(results)) == {(arm, replicate, "finished") for arm in arms for replicate in range(3)}


# ---------------------------------------------------------------------------------------------------------- failures


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> Callable[[set[int]], None]:
    """Makes chosen replicates fail in their third step."""
    step = Simulation.step

    def break_replicates(which: set[int]) -> None:
        def broken(self: Simulation) -> None:
            if self.step_index == 2 and self.patches["skin"].stream.replicate in which:
                raise ArithmeticError("the sky\nfell")
            step(self)

        monkeypatch.setattr(Simulation, "step", broken)

    return break_replicates


def test_a_failed_replicate_is_a_row(scenario: Scenario, tmp_path: Path, breaking: Callable[[set[int]], None]) -> None:
    whole = sim.run(scenario)
    breaking({1})
    results = sim.run(scenario, out=tmp_path / "out")
    failed = [run for run in sim.read_results(tmp_path / "out").manifest["runs"] if run["status"] == "failed"]
    where = [(run["arm"], run["replicate"], run["stage"]) for run in failed]
    assert where == [(arm, 1, "step 2") for arm in scenario.arms]
    assert all(run["message"].startswith("ArithmeticError: the sky\nfell (broken, line ") for run in failed)
    rest = whole.timeseries.query("replicate != 1").reset_index(drop=True)
    pd.testing.assert_frame_equal(results.timeseries, rest, check_exact=True)


def test_all_replicates_may_fail(scenario: Scenario, tmp_path: Path, breaking: Callable[[set[int]], None]) -> None:
    breaking({0, 1, 2})
    sim.run(scenario, out=tmp_path / "out")
    results = sim.read_results(tmp_path / "out")
    assert {status for *_, status in statuses(results)} == {"failed"}
    assert (list(results.timeseries), len(results.timeseries), len(results.summary())) == (COLUMNS, 0, 0)
    assert "6 failed" in repr(results)


@pytest.fixture
def in_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Runs Python in every new interpreter before anything else."""
    folder = tmp_path / "inject"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)

    def inject(text: str) -> None:
        (folder / "sitecustomize.py").write_text(text, encoding="utf-8")

    return inject


@pytest.mark.parametrize(("end", "code"), [("os.kill(os.getpid(), 9)", -9), ("os._exit(3)", 3)])
def test_a_worker_that_dies_takes_one_run_with_it(
    scenario: Scenario, tmp_path: Path, in_workers: Callable[[str], None], end: str, code: int
) -> None:
    whole = sim.run(scenario)
    in_workers(BEFORE_EACH_RUN.format(f"replicate == 1 and {end}"))
    results = sim.run(scenario, workers=2, out=tmp_path / "out")
    failed = [run for run in results.manifest["runs"] if run["replicate"] == 1]
    assert [(run["status"], run["stage"], run["message"]) for run in failed] == [
        ("failed", "worker", f"worker ended with code {code}")
    ] * 2
    rest = whole.timeseries.query("replicate != 1").reset_index(drop=True)
    pd.testing.assert_frame_equal(results.timeseries, rest, check_exact=True)


def test_workers_that_cannot_start_are_no_deadlock(
    scenario: Scenario, in_workers: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_workers("import os\nos._exit(4)\n")
    records: list[RunRecord] = []
    results = sim.run(scenario, workers=2, progress=lambda record, done, total: records.append(record))
    assert {status for *_, status in statuses(results)} == {"failed"}
    assert {record.message for record in records} == {"worker ended with code 4"}
    in_workers(BEFORE_EACH_RUN.format("os._exit(4)"))
    start, started = execute._start, iter([True, True])

    def start_two() -> subprocess.Popen[bytes]:
        if next(started, False):
            return start()
        raise ResourceError("workers: no more processes")

    monkeypatch.setattr(execute, "_start", start_two)
    messages = sorted(run["message"] for run in sim.run(scenario, workers=2).manifest["runs"])
    assert messages == ["worker ended with code 4"] * 2 + ["workers: no more processes"] * 4
    with pytest.raises(ResourceError, match="no more processes"):
        sim.run(scenario, workers=2)


# -------------------------------------------------------------------------------------------------------- interruptions


def wait_until(there: Callable[[], Any], process: subprocess.Popen[str] | None = None) -> None:
    give_up = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < give_up
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Command:
    """`senodrift run` of a scenario whose second arm never ends; every run that starts leaves its process number."""

    def __init__(self, home: Path, *options: str) -> None:
        self.home, self.notes = home, home / "notes"
        self.notes.mkdir()
        inject = home / "inject"
        inject.mkdir()
        note = f"Path({str(self.notes)!r}, f'{{arm}}-{{replicate}}').write_text(str(os.getpid()))"
        (inject / "sitecustomize.py").write_text(BEFORE_EACH_RUN.format(note), encoding="utf-8")
        (home / "x.yaml").write_text(dump_yaml(ENDLESS), encoding="utf-8")
        command = [sys.executable, "-m", "sim", "run", "x.yaml", "--out", "out", "--quiet", *options]
        environment = {**os.environ, "PYTHONPATH": f"{inject}{os.pathsep}{HOME}"}
        before = signal.signal(signal.SIGINT, signal.default_int_handler)  # an ignored signal would be inherited
        self.process = subprocess.Popen(
            command, cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        signal.signal(signal.SIGINT, before)

    def started(self, *runs: str) -> set[int]:
        """Processes of these runs, once all have started."""
        notes = [self.notes / run for run in runs]
        wait_until(lambda: all(note.exists() and note.stat().st_size for note in notes), self.process)
        return {int(note.read_text(encoding="utf-8")) for note in notes}


@pytest.fixture
def command(tmp_path: Path) -> Any:
    made: list[Command] = []

    def make(*options: str) -> Command:
        made.append(Command(tmp_path, *options))
        return made[-1]

    yield make
    for each in made:
        each.process.kill()
        each.process.communicate()


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_keeps_what_is_finished(command: Callable[..., Command], tmp_path: Path, workers: int) -> None:
    running = command("--workers", str(workers))
    finished = ["quick-0", "quick-1"][:workers]
    workers_left = running.started(*["endless-0", "endless-1"][:workers])
    time.sleep(0.2)  # a record is in the parent's hands a moment after the next run has started
    running.process.send_signal(signal.SIGINT)
    out, err = running.process.communicate(timeout=PATIENCE)
    assert (running.process.returncode, out) == (130, "")
    assert err == f"interrupted: {workers} of 4 runs finished, kept in out\n"
    assert not any(alive(pid) for pid in workers_left)
    assert not (tmp_path / "out.partial").exists()
    results = sim.read_results(tmp_path / "out")
    for arm, replicate, status in statuses(results):
        assert status == ("finished" if f"{arm}-{replicate}" in finished else "interrupted")
    assert results.timeseries["arm"].tolist() == ["quick"] * workers


def test_workers_end_with_a_parent_that_is_killed(command: Callable[..., Command]) -> None:
    running = command("--workers", "2")
    workers = running.started("endless-0", "endless-1")
    assert all(alive(pid) for pid in workers)
    running.process.kill()
    wait_until(lambda: not any(alive(pid) for pid in workers))


def test_no_worker_outlives_the_iterator(scenario: Scenario, tmp_path: Path, in_workers: Callable[[str], None]) -> None:
    in_workers(BEFORE_EACH_RUN.format(f"Path({str(tmp_path)!r}, f'pid{{os.getpid()}}').touch()"))
    jobs = [Job(scenario.arms["graft"], "graft", replicate, "compiled") for replicate in range(3)]
    endless = [Job(from_dict(ENDLESS).arms["endless"], "endless", replicate, "compiled") for replicate in range(3)]
    records = run_in_processes(jobs + endless, 2)
    assert {next(records).arm for _ in jobs} == {"graft"}
    records.close()  # type: ignore[attr-defined]
    pids = [int(path.name.removeprefix("pid")) for path in tmp_path.glob("pid*")]
    assert pids
    assert not any(alive(pid) for pid in pids)


def test_ctrl_c_before_the_first_run_is_finished(scenario: Scenario, tmp_path: Path) -> None:
    scenario = scenario.override({"arms": {"only": None}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Simulation, "step", lambda self: signal.raise_signal(signal.SIGINT))
        with pytest.raises(InterruptedRunError, match="interrupted: 0 of 3 runs finished, kept in "):
            sim.run(scenario, out=tmp_path / "out")
    results = sim.read_results(tmp_path / "out")
    assert statuses(results) == [("only", replicate, "interrupted") for replicate in range(3)]
    assert len(results.summary()) == 0


def test_ctrl_c_while_tables_are_written_waits(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Folder.write

    def pressed(self: Folder, *arguments: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        write(self, *arguments)

    monkeypatch.setattr(Folder, "write", pressed)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(InterruptedRunError, match="interrupted: 6 of 6 runs finished, kept in "):
            sim.run(scenario, out=tmp_path / "out")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, handler)
    results = sim.read_results(tmp_path / "out")
    assert {status for *_, status in statuses(results)} == {"finished"}
