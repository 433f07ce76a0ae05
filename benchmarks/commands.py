"""Whole commands and whole runs as a user starts them, with two workers; compiled loops are cached before."""

from __future__ import annotations

import shutil
import subprocess
import sys

import sim
from benchmarks.protocol import HERE, Report, Row, fresh, seconds
from benchmarks.worlds import strategies
from sim.experiment.replicate import run_replicate
from sim.scenario.load import select_arms

FIRST_STEP = (  # compiles, or loads what is compiled
    "import sim; from sim.simulation import Simulation\n"
    "Simulation(next(iter(sim.load('configs/{name}.yaml').arms.values()))).step()"
)


def commands() -> Report:
    """Two of the configs, ten thousand individuals, and 36 arms; each once."""
    for name in ("skin_graft", "lesion_spread"):
        fresh(FIRST_STEP.format(name=name))
        wall = seconds(lambda: run_and_forget(name))  # noqa: B023
        yield Row(f"senodrift run configs/{name}.yaml --workers 2", f"{wall:.0f} s", "under 60 s", wall < 60)
    yield survival_curve()
    yield many_arms()


def run_and_forget(name: str) -> None:
    """The command, tables and figures included."""
    out = HERE / f"{name}.out"
    command = [sys.executable, "-m", "sim", "run", f"configs/{name}.yaml", "--workers", "2", "--quiet", "--out", out]
    subprocess.run(command, check=True, cwd=HERE.parent)
    shutil.rmtree(out)


def survival_curve() -> Row:
    """Lifespans of 10,000 well-mixed individuals (the saturated-removal mouse), tables included."""
    scenario = select_arms(sim.load(HERE.parent / "configs" / "saturated_removal.yaml"), ["mouse_fig4b"])
    sim.run(scenario, replicates=10)
    took = seconds(lambda: sim.run(scenario, replicates=10_000, workers=2))
    return Row("10,000 well-mixed individuals to their death, --workers 2", f"{took:.1f} s", "under 5 s", took < 5)


def many_arms() -> Row:
    """36 arms x 8 replicates of 100 x 100 sites over 200 days, drugs in all of them."""
    run_replicate(strategies().common, "first", 0)
    took = seconds(lambda: sim.run(strategies(), workers=2))
    what = "36 arms x 8 replicates of 100 x 100 over 200 days, drugs, two workers"
    return Row(what, f"{took:.0f} s", "under 180 s", took < 180)
