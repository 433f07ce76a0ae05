"""The same rules side by side: both engines, plain Mesa in two ways, transforms alone; time and memory by size."""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

from benchmarks.contenders import KINDS, TRANSFORMS, Contender, Race, race
from benchmarks.picture import Curve, draw
from benchmarks.protocol import Report, Row, Table, milliseconds, spread

SHAPES = ((100, 100), (250, 400), (1000, 1000), (2500, 4000))  # 10^4 to 10^7 sites, lengths without large primes
SLOW = 10**5  # sites up to which agents are made
TURNS = (15, 5, 10, 5)  # by shape
COLUMNS = ("model", "sites", "factors", "step", "over SciPy's transforms", "ns per site", "memory per site", "process",
           "building", "first step")  # fmt: skip


class Entry(NamedTuple):
    """What one contender took."""

    contender: Contender
    sites: int
    race: Race
    place: int  # in its race; SciPy's transforms are the last

    @property
    def step(self) -> float:
        """Median of a step [s]."""
        return self.race.turns.median(self.place)

    @property
    def line(self) -> tuple[str, ...]:
        """Its line of the table."""
        turns, (largest, own) = self.race.turns, self.race.memory[self.place]
        last = turns.times.shape[1] - 1
        times = f"{spread(1e3 * turns.times[:, self.place], 2 if self.step < 0.1 else 0)} ms"
        memory = f"{own / self.sites:.0f} B" if own > 2**20 else "below 1 MB in all"
        return (self.contender.kind, f"10^{math.log10(self.sites):.0f}", str(self.contender.factors), times,
                f"{turns.ratio(self.place, last):.3g}", f"{1e9 * self.step / self.sites:.3g}", memory,
                f"{largest / 2**20:.0f} MB", f"{self.race.building[self.place]:.2f} s",
                milliseconds(turns.first[self.place]))  # fmt: skip


def models() -> Report:
    """One and two factors at 10^4 and 10^5 sites, two factors at 10^6 and 10^7; a process each, steps in turns."""
    found = []
    for factors in (1, 2):
        for shape, repeats in zip(SHAPES, TURNS, strict=True):
            sites = math.prod(shape)
            if sites > SLOW and factors == 1:
                continue
            kinds = KINDS if sites <= SLOW else ("compiled", *TRANSFORMS)
            contenders = [Contender(kind, shape, factors) for kind in kinds]
            raced = race(repeats, *contenders)
            new = [Entry(each, sites, raced, place) for place, each in enumerate(contenders)]
            found += new
            if len(kinds) == len(KINDS):
                words = "; ".join(f"{entry.contender.kind} {entry.step / new[0].step:.3g}" for entry in new[1:])
                yield Row(f"step over a compiled step, {shape[0]} x {shape[1]}, factors {factors}", words)
    by_kind = {
        kind: [one for one in found if one.contender.kind == kind and one.contender.factors == 2] for kind in KINDS
    }
    curves = [Curve(kind, [(one.sites, one.step) for one in entries]) for kind, entries in by_kind.items()]
    what = "Models of the same rules, and cost against sites"
    yield Table(what, COLUMNS, [entry.line for entry in found], partial(draw, curves, min(TURNS)))
