"""What a step costs against factors and patrols, and a run against replicates and workers: facts without targets."""

from __future__ import annotations

from functools import partial

import numpy as np

import sim
from benchmarks.patrols import SIDE, SPEEDS, nanoseconds_per_move, patrolled
from benchmarks.protocol import Report, Row, Table, in_turns, milliseconds, seconds
from benchmarks.worlds import every_rule, tissue
from sim.simulation import Simulation

FACTORS = range(5)
DENSITIES = (0.0, 0.1, 1.0, 10.0)  # patrols per 100 cells
REPLICATES = (1, 4, 16, 64)


def costs() -> Report:
    """A step against factors and patrols, runs against replicates and workers; every rule."""
    yield factors()
    yield from patrols()
    yield replicates()


def factors() -> Table:
    """No factor to four: SASP and drift in turn, every rule, 500 x 500."""
    turns = in_turns(15, *(Simulation(tissue(500, 10.0, factors=n)).step for n in FACTORS))
    lines = [(str(n), milliseconds(turns.median(n)), f"{4.0 * 1e3 * turns.median(n):.0f}", f"{turns.ratio(n, 0):.2f}")
             for n in FACTORS]  # fmt: skip
    columns = ("factors", "step", "ns per site", "over none")
    return Table("Cost against factors, 500 x 500, every rule, burden 10 %", columns, lines)


def patrols() -> Report:
    """A step with patrols at 1 um/min, and what a move costs at speeds of 1, 10 and 100 um/min."""
    simulations = [Simulation(patrolled(density, 1.0, speed="1 um/min")) for density in DENSITIES]
    n = [sum(troop.rows.size for troop in each.patches["skin"].patrols.troops) for each in simulations]
    turns = in_turns(12, *(each.step for each in simulations))
    many = n.index(10_000)
    yield Row("step of 1000 x 1000 with 10,000 patrols at 1 um/min over one without, burden 1 %",
              turns.spread(many, 0), "at most 2", turns.ratio(many, 0) <= 2)  # fmt: skip
    lines = [(f"{n[i]:,}", milliseconds(turns.median(i)), f"{turns.ratio(i, 0):.2f}") for i in range(len(n))]
    what = f"Cost against patrols at 1 um/min, {SIDE} x {SIDE}, two factors, burden 1 %"
    yield Table(what, ("patrols", "step", "over none"), lines)
    moves = [nanoseconds_per_move(speed) for speed in SPEEDS]
    at = ", ".join(f"{speed:g}" for speed in SPEEDS)
    figure = ", ".join(f"{move:.0f}" for move in moves) + " ns"
    yield Row(f"a move of one cell spacing at {at} um/min", figure, "at most 60 ns", max(moves) <= 60)


def replicates() -> Table:
    """Runs of 64 x 64 over 100 days, in this process and in two others, whose start counts."""
    scenario = every_rule((64, 64), 1.0, days=100)
    sim.run(scenario, replicates=1)
    times = np.array([[seconds(partial(sim.run, scenario, n, workers=w)) for w in (1, 2)] for n in REPLICATES])
    lines = []
    for n, row in zip(REPLICATES, times, strict=True):
        took, rate = (f"{each:.2f} s" for each in row), (f"{n / each:.1f}" for each in row)
        lines.append((str(n), *took, *rate, f"{row[0] / row[1]:.2f}"))
    columns = ("replicates", "one worker", "two workers", "runs per second, one", "two", "one over two")
    return Table("Cost against replicates, 64 x 64 over 100 days, every rule, timed once", columns, lines)
