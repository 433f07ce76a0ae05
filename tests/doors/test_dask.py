"""Replicates on a real Dask scheduler: the same bits, whoever dies, and nothing left behind."""

from __future__ import annotations

import json
import logging
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim
from sim.errors import ResourceError
from sim.experiment import cluster
from sim.experiment.cluster import AHEAD, run_on_dask
from sim.experiment.execute import Job, run_inline
from sim.results import RunRecord
from sim.scenario.load import from_dict
from sim.scenario.trees import Tree

pytest.importorskip("distributed")
psutil = pytest.importorskip("psutil")
HOME = Path(sim.__file__).parents[1]
PATIENCE = 240.0  # s; a first run compiles
WORLD: Tree = {
    "days": 3,
    "dt": 0.4,
    "tissues": {"skin": {"preset": "mouse_dermis", "shape": [8, 6], "initial": {"burden": 20}}},
    "factors": {"SASP": {"reach": "40 um", "induction": {"hill": {"max_rate": 0.5}}}},
    "events": {"graft": {"radius": "20 um", "day": 1}},
    "record": {"maps": ["state", "SASP"], "days": [0, 3]},
    "arms": {"control": {"events": {"graft": None}}, "graft": {}},
}
ENDLESS: Tree = {**WORLD, "days": 1e5, "dt": 0.01, "record": {"every": 1e3}, "arms": {"endless": {}}}
PLAIN_SCRIPT = """\
import os, pickle, sys
from sim.experiment.cluster import run_on_dask
class Deadly(str):
    def __reduce__(self):
        return os._exit, (1,)
with open(sys.argv[1], "rb") as file:
    jobs = pickle.load(file)
jobs[1] = jobs[1]._replace(engine=Deadly("compiled"))
for record in run_on_dask(jobs, "local", 2):
    with open(f"{sys.argv[1]}-{record.arm}-{record.replicate}", "wb") as file:
        pickle.dump(record, file)
"""


class Unreadable(str):
    """An engine that no worker can read."""

    def __reduce__(self) -> Any:
        return int, ("seven",)


def some_jobs(replicates: int, world: Tree = WORLD) -> list[Job]:
    arms = from_dict(world).arms
    return [Job(settings, arm, n, "compiled") for n in range(replicates) for arm, settings in arms.items()]


def by_run(records: Any) -> dict[tuple[str, int], RunRecord]:
    found = list(records)
    assert len({(record.arm, record.replicate) for record in found}) == len(found)
    return {(record.arm, record.replicate): record for record in found}


def assert_same(one: RunRecord, other: RunRecord) -> None:
    """All but wall time."""
    assert (one.status, one.stage, one.message) == (other.status, other.stage, other.message)
    for name in ("timeseries", "events", "doses"):
        table, twin = getattr(one, name), getattr(other, name)
        assert list(table.columns) == list(twin.columns)
        assert table.equals(twin), name  # values and types
    assert one.maps.keys() == other.maps.keys()
    for tissue, layers in one.maps.items():
        for name, layer in layers.items():
            np.testing.assert_array_equal(layer, other.maps[tissue][name], strict=True)
            assert layer.flags.writeable


@pytest.fixture(scope="module")
def inline() -> dict[tuple[str, int], RunRecord]:
    """What must come out; it also compiles, so that no worker has to."""
    return by_run(run_inline(some_jobs(8)))


def wait_until(there: Callable[[], Any]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < give_up
        time.sleep(0.02)


class Site:
    """A scheduler and workers, as somebody else would have started them on this machine."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._made: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start("dask_scheduler", "--port", "0", "--scheduler-file", str(home / "scheduler.json"))
        wait_until(lambda: (home / "scheduler.json").exists() and (home / "scheduler.json").stat().st_size)
        self.address = str(json.loads((home / "scheduler.json").read_text(encoding="utf-8"))["address"])

    def worker(self, **environment: str) -> subprocess.Popen[bytes]:
        """One more, with a single thread; a change of environment makes it another machine."""
        where = str(self._home)
        return self._start(
            "dask_worker", self.address, "--no-nanny", "--nthreads", "1", "--local-directory", where, **environment
        )

    def _start(self, what: str, *options: str, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", f"distributed.cli.{what}", "--host", "127.0.0.1", *options]
        command += ["--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
        threads = dict.fromkeys(cluster.ONE_THREAD, "1")
        with (self._home / "log").open("ab") as log:
            self._made.append(
                subprocess.Popen(
                    command,
                    env={**os.environ, "PYTHONPATH": str(HOME), **threads, **environment},
                    stderr=log,
                    stdout=log,
                )
            )
        return self._made[-1]

    def close(self) -> None:
        for process in self._made:
            process.kill()
            process.wait()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


def test_same_bits_though_a_worker_is_killed(
    site: Site, inline: dict[tuple[str, int], RunRecord], caplog: pytest.LogCaptureFixture
) -> None:
    workers, taken = [], []

    def jobs() -> Iterator[Job]:
        for job in some_jobs(8):
            taken.append(job)
            if len(taken) == 2:  # only now somebody is there to work
                workers.extend([site.worker(), site.worker()])
            yield job

    stream = run_on_dask(jobs(), site.address, 2)
    first = next(stream)
    assert len(taken) <= 2 * AHEAD + 1  # no more than can be worked on soon
    workers[0].kill()
    records = by_run([first, *stream])
    assert records.keys() == inline.keys()
    for key, record in records.items():
        assert_same(record, inline[key])
    assert workers[1].poll() is None
    assert [entry.message for entry in caplog.records] == [f"dask: no workers at {site.address}: waiting for some"]


def test_a_scheduler_that_goes_away(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, and the records until then; another one, once, for workers that round otherwise."""
    caplog.set_level(logging.WARNING, logger="sim")
    monkeypatch.setattr(cluster, "rounding", lambda: "of another processor")
    site.worker()
    bad = some_jobs(1)[0]._replace(engine=Unreadable("compiled"))
    with pytest.raises(ResourceError, match=r"^dask: workers must have senodrift \S+, got invalid literal .+$"):
        list(run_on_dask([bad], site.address, 1))
    stream = run_on_dask(some_jobs(50), site.address, 1)
    assert next(stream).status == next(stream).status == "finished"
    site.scheduler.kill()
    with pytest.raises(ResourceError, match=r"^dask: must reach a scheduler at tcp://\S+, got no answer \(.+\)$"):
        list(stream)
    assert [entry.message for entry in caplog.records if "round" in entry.message] == [
        "dask: a worker rounds otherwise (another kind of processor): last bits may differ from here"
    ]


def test_a_worker_with_other_sources_is_refused(site: Site, tmp_path: Path) -> None:
    shutil.copytree(HOME / "sim", tmp_path / "sim", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "sim" / "errors.py").open("a") as file:
        file.write("# edited\n")
    site.worker(PYTHONPATH=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / "cache"))
    rule = r"^dask: senodrift: must be the same on every worker: \S+ \(\w+\), got \S+ \(\w+\) on .+$"
    with pytest.raises(ResourceError, match=rule):
        list(run_on_dask(some_jobs(1), site.address, 1))


def test_a_scheduler_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    with pytest.raises(
        ResourceError, match=r"^dask: must reach a scheduler at tcp://127.0.0.1:9, got no answer \(.+\)$"
    ):
        list(run_on_dask(some_jobs(1), "tcp://127.0.0.1:9", 2))
    with pytest.raises(ResourceError, match=r"^dask: must be local or the address .+, got locla$"):
        list(run_on_dask(some_jobs(1), "locla", 2))


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(
        ResourceError, match=r"^dask: needs distributed, .+: pip install 'senodrift\[dask\]' brings it$"
    ):
        list(run_on_dask(some_jobs(1), "local", 2))


def test_nothing_to_do() -> None:
    assert list(run_on_dask([], "tcp://127.0.0.1:9", 2)) == []


# ------------------------------------------------------------------------------------------------ a cluster of its own


def test_local_works_from_a_plain_script(inline: dict[tuple[str, int], RunRecord], tmp_path: Path) -> None:
    """No main guard; and one job kills every worker that takes it, which costs the others nothing."""
    (tmp_path / "script.py").write_text(PLAIN_SCRIPT, encoding="utf-8")
    (tmp_path / "jobs").write_bytes(pickle.dumps(some_jobs(3)))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = subprocess.run(
        [sys.executable, "-W", "error", tmp_path / "script.py", tmp_path / "jobs"],
        env={**os.environ, "PYTHONPATH": str(HOME), "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    records = by_run(pickle.loads(file.read_bytes()) for file in tmp_path.glob("jobs-*"))
    assert len(records) == 6
    broken = records.pop(("graft", 0))
    assert (broken.status, broken.stage, broken.message) == ("failed", "worker", "every worker that ran it died")
    for key, record in records.items():
        assert_same(record, inline[key])
    assert list(temporary.iterdir()) == []


def test_closing_ends_all_processes_in_the_middle_of_their_jobs(
    inline: dict[tuple[str, int], RunRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    me = psutil.Process()
    before = set(me.children(recursive=True))
    stream = run_on_dask(some_jobs(1) + some_jobs(3, ENDLESS), "local", 2)
    assert {next(stream).arm, next(stream).arm} == {"control", "graft"}
    assert len(set(me.children(recursive=True)) - before) >= 3
    assert list(tmp_path.iterdir()) != []
    stream.close()  # type: ignore[attr-defined]
    assert set(me.children(recursive=True)) == before
    assert list(tmp_path.iterdir()) == []
