"""Targets of speed and memory: a step over SciPy's transforms, voxels, threads, agents."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from benchmarks.contenders import SCIPY, Contender, OurTransport, SciPyTransforms, race
from benchmarks.protocol import TWO_CORES, Report, Row, Table, in_turns, milliseconds, seconds, two_threads_over_one
from benchmarks.worlds import tissue
from sim.simulation import Simulation
from sim.tissue.state import HEALTHY

SIDE, LARGE = 1000, 4096


def speed() -> Report:
    """A step of 1000 x 1000 and of 4096 x 4096 sites, every rule, two factors, 32-bit fields."""
    yield from steps_over_transforms()
    yield from voxels()
    yield from threads()
    yield from large()
    yield from memory()
    yield small_tissue()
    yield from agents()


def steps_over_transforms() -> Report:
    """A step over SciPy's ``dctn`` + ``idctn`` (pocketfft; float32, in place), one pair per factor."""
    shape = (SIDE, SIDE)
    for burden in (0.1, 10.0, 40.0):
        turns = in_turns(
            20, Simulation(tissue(SIDE, burden)).step, SciPyTransforms(shape).step, OurTransport(shape).step
        )
        alone, transport = (milliseconds(turns.median(i)) for i in (1, 2))
        text = f"{turns.spread(0, 1)}; SciPy's transforms {alone}, our transport alone {transport}"
        what = f"step of {SIDE} x {SIDE}, two factors, burden {burden:g} %, voxel = cell, over SciPy's transforms"
        yield Row(what, text, "at most 1.4", turns.ratio(0, 1) <= 1.4)


def voxels() -> Report:
    """The same tissue with voxels of one, two and four cells along their side."""
    wide = (1, 2, 4)
    simulations = {n: Simulation(tissue(SIDE, 10.0, voxel_cells=n)) for n in wide}
    errors = {n: level_errors(simulations[1], simulations[n]) for n in wide[1:]}
    turns = in_turns(15, *(simulations[n].step for n in wide))
    told = "; error of the level at healthy cells at rest, by factor: " + errors[2].words
    yield Row(f"step of {SIDE} x {SIDE} with voxels of 2 cells over voxel = cell, burden 10 %",
              turns.spread(1, 0) + told, "at most 0.75", turns.ratio(1, 0) <= 0.75)  # fmt: skip
    lines = [("1", milliseconds(turns.median(0)), "1.00", "none"),
             *((str(n), milliseconds(turns.median(i)), f"{turns.ratio(i, 0):.2f}", errors[n].words)
               for i, n in enumerate(wide) if i > 0)]  # fmt: skip
    columns = ("cells along a voxel", "step", "over voxel = cell", "error of the level at healthy cells")
    yield Table(f"Cost against voxels, {SIDE} x {SIDE}, two factors, burden 10 %", columns, lines)


class LevelErrors(NamedTuple):
    """By how much levels differ, by factor: half of the cells less than the first, 95 % less than the second."""

    by_factor: dict[str, tuple[float, float]]  # %

    @property
    def words(self) -> str:
        """All factors in one line."""
        each = (f"{name} median {half:.1f} %, 95 % of cells below {most:.1f} %"
                for name, (half, most) in self.by_factor.items())  # fmt: skip
        return ", ".join(each)


def level_errors(fine: Simulation, coarse: Simulation) -> LevelErrors:
    """What healthy cells read on day 0 (fields at rest, the same cells) relative to what they read in `fine`."""
    healthy = fine.patches["skin"].cells.state == HEALTHY
    found = {}
    for name in fine.patches["skin"].factor_names:
        one, other = (each.engines["skin"].level(name)[healthy] for each in (fine, coarse))  # type: ignore[attr-defined]
        half, most = np.quantile(100.0 * np.abs(other / one - 1.0), [0.5, 0.95])
        found[name] = float(half), float(most)
    return LevelErrors(found)


def threads() -> Report:
    """Two threads against one, where two cores are free."""
    before = two_threads_over_one()
    turns = in_turns(15, *(Simulation(tissue(SIDE, 10.0), threads=n).step for n in (1, 2)))
    free = min(before, two_threads_over_one())
    text = f"{turns.spread(0, 1)}; two spinning threads do {free:.2f} times the work of one here"
    judged = turns.ratio(0, 1) >= 1.6 if free >= TWO_CORES else None
    if judged is None:
        text += f": less than {TWO_CORES:g}, so two cores are not free"
    yield Row(f"step of {SIDE} x {SIDE} on one thread over two, burden 10 %", text, "at least 1.6", judged)


def large() -> Report:
    """17 million cells: against SciPy's transforms on two threads, and the memory of the process."""
    shape = (LARGE, LARGE)
    two, alone, one = (Contender("compiled", shape, threads=2, rules="every"), Contender(SCIPY, shape, threads=2),
                       Contender("compiled", shape, rules="every"))  # fmt: skip
    _, turns, memory = race(5, two, alone, one)
    text = f"{turns.spread(0, 1)}; SciPy's transforms {turns.median(1):.2f} s"
    what = f"step of {LARGE} x {LARGE}, two factors, burden 10 %, two threads"
    yield Row(f"{what}, over SciPy's transforms on two threads", text, "at most 1.8", turns.ratio(0, 1) <= 1.8)
    peak = memory[0][0] / 1e9
    yield Row(f"peak memory of a process with {LARGE} x {LARGE}", f"{peak:.2f} GB", "under 1.5 GB", peak < 1.5)
    yield Row(f"step of {LARGE} x {LARGE} on one thread over two", turns.spread(2, 0))


def memory() -> Report:
    """Largest resident size of a fresh process that runs 20 steps of 1000 x 1000 sites."""
    _, _, ((largest, _),) = race(19, Contender("compiled", (SIDE, SIDE), rules="every"))
    megabytes = largest / 2**20
    yield Row(f"peak memory at {SIDE} x {SIDE}", f"{megabytes:.0f} MB", "under 700 MB", megabytes < 700)


def small_tissue() -> Row:
    """600 steps of 100 x 100 sites with two factors; the loops were loaded before."""
    simulation = Simulation(tissue(100, 1.0))
    wall = seconds(lambda: [simulation.step() for _ in range(600)])
    return Row("600 steps of 100 x 100, two factors", f"{wall:.2f} s", "under 2 s", wall < 2)


def agents() -> Report:
    """The same 300 x 300 scenario in both engines, and an agents step in passes of an empty ``agents.do``."""
    settings = tissue(300, 10.0)
    compiled, slow_one = Simulation(settings), Simulation(settings, engine="agents")
    twin = slow_one.engines["skin"].tissue  # type: ignore[attr-defined]
    spread_out = next(phase.run for phase in slow_one.plan() if phase.name == "transport")
    turns = in_turns(7, slow_one.step, compiled.step, lambda: twin.agents.do("idle"), spread_out)
    slow, fast, empty, transport = (turns.median(i) for i in range(4))
    ratio, passes = slow / fast, 3  # take up, decide, apply
    cost = (slow - transport) / (passes * empty)
    text = f"{ratio:.0f} ({milliseconds(slow)} over {milliseconds(fast)})"
    yield Row("agents step over compiled step, 300 x 300", text, "at least 50", ratio >= 50)
    text = f"{cost:.1f} (step {slow:.2f} s, empty pass {milliseconds(empty)})"
    what = "agents step less one transport, in empty agents.do passes, per pass (3 passes)"
    yield Row(what, text, "at most 8", cost <= 8)
