"""Patrols: what ten thousand of them add to a step, and what a move of one cell spacing costs at any speed."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import sim
from benchmarks.worlds import tissue
from sim.scenario.schema import Settings
from sim.simulation import Simulation

SIDE = 1000
SPEEDS = (1.0, 10.0, 100.0)  # um/min


def patrolled(density: float, burden: float, **patrol: Any) -> Settings:
    """The tissue of the other benchmarks, with patrols."""
    plain = tissue(SIDE, burden).model_dump(exclude_unset=True)
    plain["tissues"]["skin"]["patrols"] = {"nk": {"density": density, **patrol}}
    return sim.from_dict(plain).arms["control"]


def step_with_patrols(burden: float = 1.0, pairs: int = 15) -> np.ndarray:
    """Time of a step with 10,000 patrols at 1 um/min over that of one without, in turns."""
    with_them, without = (Simulation(patrolled(density, burden, speed="1 um/min")) for density in (1.0, 0.0))
    assert with_them.patches["skin"].patrols.troops[0].rows.size == SIDE**2 // 100
    ratios = []
    for turn in range(pairs + 1):
        took = []
        for simulation in (with_them, without):
            start = time.perf_counter()
            simulation.step()
            took.append(time.perf_counter() - start)
        if turn:  # the first one compiles
            ratios.append(took[0] / took[1])
    return np.array(ratios)


def nanoseconds_per_move(speed: float, burden: float = 1.0, moves: int = 200, turns: int = 5) -> float:
    """Least time of a move on one thread, of patrols that turn as they do and find what there is, but kill nothing."""
    simulation = Simulation(patrolled(1.0, burden, speed=f"{speed} um/min", kill_probability=0))
    engine, troop = simulation.engines["skin"], simulation.patches["skin"].patrols.troops[0]
    span, times = moves * troop.law.lasting, []
    engine.patrol(span / moves)
    for turn in range(turns):
        before, start = troop.rows["moves"].sum(), time.thread_time()
        engine.patrol(span * (turn + 1))
        times.append((time.thread_time() - start) / float(troop.rows["moves"].sum() - before))
    return 1e9 * min(times)
