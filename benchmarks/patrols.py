"""Patrols: a tissue that they walk through, and what a move of one cell spacing costs at any speed."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.worlds import tissue
from sim.scenario.schema import Settings
from sim.simulation import Simulation

SIDE = 1000
SPEEDS = (1.0, 10.0, 100.0)  # um/min


def patrolled(density: float, burden: float, **patrol: Any) -> Settings:
    """The tissue of the other benchmarks, with `density` patrols per 100 cells."""
    return tissue(SIDE, burden, patrols={"nk": {"density": density, **patrol}})


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
