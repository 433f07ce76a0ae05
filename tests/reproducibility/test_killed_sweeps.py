"""Kill -9 of the runner or of a worker, twenty times at random: the tables are those of an undisturbed sweep."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pandas.testing import assert_frame_equal

import sim
from sim.scenario.yaml_text import dump_yaml
from sim.sweeps import SweepResults, is_sweep, read_sweep

KILLS = 20
PATIENCE = 120.0  # s that a process may take to do something
HOME = Path(sim.__file__).parents[1]
WORLD: dict[str, Any] = {
    "days": 40,
    "dt": 0.25,
    "tissues": {"skin": {"preset": "mouse_dermis", "shape": [24, 24], "initial": {"burden": 20}}},
    "factors": {"SASP": {"reach": "60 um", "induction": {"hill": {"max_rate": 0.2}}}},
    "record": {"every": 4},
    "arms": {"control": {}, "mute": {"factors": {"SASP": {"induction": {"hill": {"max_rate": 0.05}}}}}},
}
DESIGN = {"grid": {"age_at_start": list(range(100, 1000, 50))}}
RUNNER = "import sys, sim; sim.sweep(sys.argv[1], out=sys.argv[2], workers=2, resume=True)"
UNLIKE = ["wall_s", "host"]


def start(plan: Path, out: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(HOME)}
    return subprocess.Popen([sys.executable, "-c", RUNNER, str(plan), str(out)], env=environment,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)  # fmt: skip


def workers_of(runner: subprocess.Popen[bytes]) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == runner.pid:
                found.append(int(stat.parent.name))
    return found


def wait_until_it_works(runner: subprocess.Popen[bytes], out: Path, before: int) -> None:
    """Until it has written one more file than were there before, or has ended."""
    end = time.monotonic() + PATIENCE
    while runner.poll() is None and len(list(out.glob("p*/*"))) <= before:
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.tour
def test_killed_twenty_times_a_sweep_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "world.yaml").write_text(dump_yaml(WORLD))
    plan = tmp_path / "plan.yaml"
    plan.write_text(dump_yaml({"scenario": "world.yaml", "replicates": 6, "design": DESIGN}))
    expected = sim.sweep(plan, out=tmp_path / "undisturbed")
    luck, kills, out, rounds = random.Random(5), 0, tmp_path / "round-0", 0
    while True:
        if is_sweep(out) and read_sweep(out).manifest["complete"]:  # all is done before the last kill: once more
            compare(out, expected)
            if kills >= KILLS:
                break
            rounds += 1
            out = tmp_path / f"round-{rounds}"
        before = len(list(out.glob("p*/*")))
        runner = start(plan, out)
        try:
            while kills < KILLS and runner.poll() is None:
                wait_until_it_works(runner, out, before)
                time.sleep(luck.uniform(0.0, 0.3))
                victim = luck.choice([runner.pid, *workers_of(runner)])
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
                    kills += 1
                if victim == runner.pid:
                    break
                before = len(list(out.glob("p*/*")))
            runner.wait(PATIENCE)
        finally:
            runner.kill()
            runner.wait()
    assert kills == KILLS


def compare(out: Path, expected: SweepResults) -> None:
    found = read_sweep(out)
    assert_frame_equal(found.outcomes, expected.outcomes, check_exact=True)
    assert_frame_equal(found.runs.drop(columns=UNLIKE), expected.runs.drop(columns=UNLIKE), check_exact=True)
    for name in ("timeseries", "events", "doses"):
        assert_frame_equal(found.table(name), expected.table(name), check_exact=True)
