"""``make bench``: every target of speed and memory, as ratios taken in one run, written to benchmarks/RESULTS.md.

Exit status 1 if a target is missed. Sizes and seeds are fixed; the first step of every simulation is warm-up and not
timed. The machine may be noisy: what is compared is timed in turns, and the median is quoted with its spread.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import fft

import sim
from benchmarks.lifetimes import four_arms
from benchmarks.patrols import SPEEDS, nanoseconds_per_move, step_with_patrols
from benchmarks.sweeps import a_thousand_runs, beside_the_simulation
from benchmarks.worlds import strategies, tissue
from sim.experiment.replicate import run_replicate
from sim.scenario.load import select_arms
from sim.simulation import Simulation

HERE = Path(__file__).parent
IMPORTS = "import numba, scipy, scipy.fft, scipy.spatial, scipy.special, pandas, matplotlib.figure, mesa"


class Row(NamedTuple):
    """One line of the results."""

    what: str
    figure: str
    target: str
    holds: bool


def seconds(task: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


def spread(values: np.ndarray) -> str:
    """Median with its quartiles."""
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return f"{middle:.2f} ({low:.2f}-{high:.2f})"


def step_over_floor(burden: float) -> Row:
    """A step of 1000 x 1000 sites over ``dctn`` + ``idctn`` (float32, contiguous, overwrite_x), one pair per factor."""
    simulation = Simulation(tissue(1000, burden))
    arrays = [np.random.default_rng(0).random((1000, 1000), np.float32) for _ in range(2)]

    def floor() -> None:
        for i in range(2):
            arrays[i] = fft.idctn(fft.dctn(arrays[i], overwrite_x=True), overwrite_x=True)

    simulation.step()
    floor()
    pairs = np.array([(seconds(simulation.step), seconds(floor)) for _ in range(20)])
    ratio = float(np.median(pairs[:, 0]) / np.median(pairs[:, 1]))
    text = f"{ratio:.2f} (pairs {spread(pairs[:, 0] / pairs[:, 1])}; floor {1e3 * np.median(pairs[:, 1]):.0f} ms)"
    return Row(f"step of 1000 x 1000, two factors, burden {burden:g} %, over the floor", text, "at most 2", ratio <= 2)


def compiled_over_agents() -> list[Row]:
    """The same 300 x 300 scenario in both engines, and an agents step in passes of an empty ``agents.do``."""
    settings = tissue(300, 10.0)
    compiled, agents = Simulation(settings), Simulation(settings, engine="agents")
    twin = agents.engines["skin"].tissue  # type: ignore[attr-defined]
    compiled.step()
    agents.step()
    fast = np.array([seconds(compiled.step) for _ in range(20)])
    times = []
    for _ in range(5):
        transport = seconds(next(phase.run for phase in agents.plan() if phase.name == "transport"))
        times.append((seconds(agents.step), seconds(lambda: twin.agents.do("idle")), transport))
    slow, empty, transport = np.median(np.array(times), axis=0)
    ratio = float(slow / np.median(fast))
    passes = 3  # take up, decide, apply
    cost = float((slow - transport) / (passes * empty))
    return [
        Row("agents step over compiled step, 300 x 300", f"{ratio:.0f}", "at least 50", ratio >= 50),
        Row(
            "agents step less one transport, in empty agents.do passes, per pass (3 passes)",
            f"{cost:.1f} (step {slow:.2f} s, empty pass {1e3 * empty:.0f} ms)",
            "at most 8",
            cost <= 8,
        ),
    ]


def small_tissue() -> Row:
    """600 steps of 100 x 100 sites with two factors, after warm-up."""
    settings = tissue(100, 1.0)
    Simulation(settings).step()
    simulation = Simulation(settings)
    wall = seconds(lambda: [simulation.step() for _ in range(600)])
    return Row("600 steps of 100 x 100, two factors", f"{wall:.2f} s", "under 2 s", wall < 2)


def peak_memory() -> Row:
    """Largest resident size of a fresh process that runs 20 steps of 1000 x 1000 sites."""
    code = (
        "import resource; from benchmarks.worlds import tissue; from sim.simulation import Simulation\n"
        "s = Simulation(tissue(1000, 10.0)); [s.step() for _ in range(20)]\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    megabytes = float(fresh(code))
    return Row("peak memory at 1000 x 1000", f"{megabytes:.0f} MB", "under 700 MB", megabytes < 700)


def second_start() -> Row:
    """A fresh process to the end of its first step, over a fresh process that only imports the libraries."""
    first_step = (
        "import sim; from sim.simulation import Simulation\n"
        "Simulation(sim.load('configs/skin_graft.yaml').arms['graft']).step()"
    )
    fresh(first_step)
    pairs = np.array([(seconds(lambda: fresh(first_step)), seconds(lambda: fresh(IMPORTS))) for _ in range(5)])
    ratio = float(np.median(pairs[:, 0]) / np.median(pairs[:, 1]))
    text = f"{ratio:.2f} ({np.median(pairs[:, 0]):.1f} s over {np.median(pairs[:, 1]):.1f} s)"
    return Row("second start to the end of the first step, over bare imports", text, "at most 3", ratio <= 3)


def bare_import() -> Row:
    """A fresh process that imports the package, the interpreter included."""
    fresh("import sim")
    wall = float(np.median([seconds(lambda: fresh("import sim")) for _ in range(5)]))
    return Row("`import sim` in a fresh process", f"{wall:.2f} s", "under 1.5 s", wall < 1.5)


def whole_commands() -> list[Row]:
    """Whole commands as a user types them, with two workers, compiled loops cached."""
    rows = []
    for name, limit in (("skin_graft", 60.0), ("lesion_spread", 60.0)):
        command = [sys.executable, "-m", "sim", "run", f"configs/{name}.yaml", "--workers", "2", "--quiet", "--out"]
        wall = seconds(lambda: _run_and_forget([*command, str(HERE / f"{name}.out")]))  # noqa: B023
        rows.append(
            Row(f"senodrift run configs/{name}.yaml --workers 2", f"{wall:.0f} s", f"under {limit:.0f} s", wall < limit)
        )
    return rows


def patrols() -> list[Row]:
    """What 10,000 patrols add to a step, and what a move costs at speeds of 1, 10 and 100 um/min."""
    ratios = step_with_patrols()
    costs = [nanoseconds_per_move(speed) for speed in SPEEDS]
    figure = ", ".join(f"{cost:.0f}" for cost in costs)
    at = ", ".join(f"{speed:g}" for speed in SPEEDS)
    return [
        Row("step of 1000 x 1000 with 10,000 patrols at 1 um/min over one without, burden 1 %", spread(ratios),
            "at most 2", float(np.median(ratios)) <= 2),
        Row(f"... a move of one cell spacing at {at} um/min", f"{figure} ns", "at most 60 ns", max(costs) <= 60),
    ]  # fmt: skip


def survival_curve() -> Row:
    """Lifespans of 10,000 well-mixed individuals (the saturated-removal mouse), tables included; compiled before."""
    scenario = select_arms(sim.load(HERE.parent / "configs" / "saturated_removal.yaml"), ["mouse_fig4b"])
    sim.run(scenario, replicates=10)
    took = seconds(lambda: sim.run(scenario, replicates=10_000, workers=2))
    return Row(
        "10,000 well-mixed individuals to their death, --workers 2",
        f"{took:.1f} s",
        "under 5 s",
        took < 5,
    )


def lifetimes() -> list[Row]:
    """4 arms x 50 mice x 5 tissues of 48 x 48 that share blood, over 900 days of steps of a day, two workers."""
    took, memory = four_arms()
    what = "4 arms x 50 mice x 5 tissues of 48 x 48 over 900 days, dt 1 d, two workers"
    return [
        Row(what, f"{took:.0f} s", "under 300 s", took < 300),
        Row("... memory of runner and workers", f"{memory:.0f} MB", "under 2000 MB", memory < 2000),
    ]


def many_arms() -> Row:
    """36 arms x 8 replicates of 100 x 100 sites over 200 days, drugs in all of them, two workers; compiled before."""
    run_replicate(strategies().common, "first", 0)
    took = seconds(lambda: sim.run(strategies(), workers=2))
    what = "36 arms x 8 replicates of 100 x 100 over 200 days, drugs, two workers"
    return Row(what, f"{took:.0f} s", "under 180 s", took < 180)


def sweeps() -> list[Row]:
    """A thousand runs as a sweep, the memory that they take, and what a run costs beside its simulation."""
    took, early, late = a_thousand_runs()
    beside = beside_the_simulation()
    cost, growth = float(np.median(beside)), late / early
    what = "1,000 runs of 64 x 64 over 100 days as a sweep, two workers"
    return [
        Row(what, f"{took:.0f} s", "under 240 s", took < 240),
        Row("... memory of runner and workers at the end over that after 300 runs",
            f"{growth:.2f} ({early:.0f} to {late:.0f} MB)", "at most 1.1", growth <= 1.1),
        Row("cost of a run in a sweep beside its simulation", f"{spread(beside)} ms", "under 20 ms", cost < 20),
    ]  # fmt: skip


def _run_and_forget(command: list[str]) -> None:
    subprocess.run(command, check=True, cwd=HERE.parent)
    shutil.rmtree(command[-1])


def fresh(code: str) -> str:
    """Standard output of `code` in a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=HERE.parent)
    return done.stdout


def jobs() -> list[Callable[[], Row | list[Row]]]:
    """All jobs, in the order in which they run."""
    floors = [lambda burden=burden: step_over_floor(burden) for burden in (0.1, 10.0, 40.0)]
    return [
        *floors,
        compiled_over_agents,
        patrols,
        survival_curve,
        small_tissue,
        peak_memory,
        second_start,
        bare_import,
        whole_commands,
        many_arms,
        lifetimes,
        sweeps,
    ]


def main() -> int:
    """Run all jobs, print and write the table."""
    rows: list[Row] = []
    for job in jobs():
        new = job()
        for row in new if isinstance(new, list) else [new]:
            rows.append(row)
            print(f"{'ok    ' if row.holds else 'MISSED'} {row.what}: {row.figure}, target {row.target}", flush=True)
    lines = [
        "# What was measured",
        "",
        f"`make bench` on {platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}; one thread unless a line says two workers. Ratios are of medians, timed in "
        "turns within one run.",
        "",
        "| what | measured | target | |",
        "|---|---|---|---|",
        *(f"| {row.what} | {row.figure} | {row.target} | {'holds' if row.holds else 'missed'} |" for row in rows),
    ]
    (HERE / "RESULTS.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
