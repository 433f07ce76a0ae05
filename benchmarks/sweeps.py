"""Sweeps: a thousand runs, the memory that they take, and what a run costs beside its simulation."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import sim
from benchmarks.protocol import Report, Row, spread
from sim.experiment.replicate import Recorder
from sim.scenario.design import Sweep, load_sweep, points
from sim.scenario.yaml_text import dump_yaml
from sim.simulation import Simulation

SKIN = Path(__file__).parents[1] / "configs" / "skin_graft.yaml"
FEW, PAIRS = 64, 4


def plan(folder: Path, n: int, replicates: int) -> Sweep:
    """Points of a Latin hypercube over the graft in a small skin; every run is another one."""
    others = dict.fromkeys(("muscle", "spine", "femur", "hippocampus", "rest_of_body"))
    world: dict[str, Any] = {
        "extends": str(SKIN),
        "days": 100,
        "dt": 0.5,
        "tissues": {"skin": {"shape": [64, 64]}, **others},
        "factors": {"SASP": {"blood": None}, "drift": {"blood": None}},
        "outcomes": dict.fromkeys(("grip_strength", "memory", "bone_density", "frailty_index")),
        "record": {"days": [0, 100]},
    }
    (folder / "small_skin.yaml").write_text(dump_yaml(world))
    ranges = {
        "factors.SASP.reach": {"low": 50, "high": 200},
        "tissues.skin.clearance.capacity": {"low": 0.5, "high": 1},
    }
    design: dict[str, Any] = {"latin_hypercube": {"n": n, "ranges": ranges}}
    file = folder / f"skin_{n}.yaml"
    sweep = {"scenario": "small_skin.yaml", "arms": ["graft"], "replicates": replicates, "design": design}
    file.write_text(dump_yaml(sweep))
    return load_sweep(file)


def a_thousand_runs() -> tuple[float, float, float]:
    """Seconds for 250 points x 4 replicates on two workers; resident MB of all processes after 300 runs, at the end."""
    seen: list[float] = []
    with tempfile.TemporaryDirectory() as home:
        design = plan(Path(home), 250, 4)
        start = time.perf_counter()

        def look(record: object, done: int, total: int) -> None:
            if done in (300, total):
                seen.append(resident())

        sim.sweep(design, workers=2, out=Path(home) / "out", progress=look)
        return time.perf_counter() - start, *seen


def beside_the_simulation() -> np.ndarray:
    """Milliseconds per run that a sweep in this process takes more than the same simulations, observed as often.

    What is beside them: making jobs, tables, files and parts, and reading the sweep at the end. In turns.
    """
    differences = []
    with tempfile.TemporaryDirectory() as home:
        design = plan(Path(home), FEW, 1)
        settings = [design.at(point).arms["graft"] for point in points(design)]
        for turn in range(PAIRS + 1):
            start = time.perf_counter()
            sim.sweep(design, out=Path(home) / "out")
            middle = time.perf_counter()
            for each in settings:
                recorder = Recorder(Simulation(each, 0))
                recorder.look()
                while not recorder.simulation.finished:
                    recorder.simulation.step()
                    recorder.look()
            end = time.perf_counter()
            shutil.rmtree(Path(home) / "out")
            if turn:  # the first one compiles
                differences.append(1e3 * (2 * middle - start - end) / FEW)
    return np.array(differences)


def resident() -> float:
    """Memory of this process and its workers [MB]."""
    mine, total = os.getpid(), 0.0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        except OSError:
            continue
        if mine in (int(lines["Pid"]), int(lines["PPid"])):
            total += float(lines.get("VmRSS", "0 kB").split()[0]) / 1024
    return total


def sweeps() -> Report:
    """A thousand runs as a sweep, the memory that they take, and what a run costs beside its simulation."""
    took, early, late = a_thousand_runs()
    what = "1,000 runs of 64 x 64 over 100 days as a sweep, two workers"
    yield Row(what, f"{took:.0f} s", "under 240 s", took < 240)
    what, growth = "... memory of runner and workers at the end over that after 300 runs", late / early
    yield Row(what, f"{growth:.2f} ({early:.0f} to {late:.0f} MB)", "at most 1.1", growth <= 1.1)
    beside = beside_the_simulation()
    cost = float(np.median(beside))
    yield Row("cost of a run in a sweep beside its simulation", f"{spread(beside)} ms", "under 20 ms", cost < 20)
