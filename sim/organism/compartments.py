"""One drug in the body: doses in, concentrations and mean effects out. Exact between doses, whatever the step.

The mean of an effect over a step is integrated by Gauss-Legendre nodes on panels of a quarter of a half-life, split at
doses and at the ends of infusions. Right after those the panels shrink towards the start: a rising concentration may
pass its half-maximum in an instant, and an effect with a power below 1 starts with an infinite slope.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sim.compiling import kernel
from sim.rules.pharmacology import emax_effect, in_body, remaining
from sim.transforms.modes import NEGLIGIBLE

NODES, WEIGHTS = (part / 2 for part in np.polynomial.legendre.leggauss(10))  # on an interval of length 1
NODES = NODES + 0.5
PANEL = 0.25  # of the shortest half-life: the error of a mean is then below 1e-7 of it
STEEP = 3.0  # Hill power above which panels are shorter, in proportion
GRADED = 16  # halvings of the first panel, towards its start


class Dose(NamedTuple):
    """What is given within a step."""

    after: float  # time from the start of the step [d]
    source: int  # which source (treatment) of the drug
    amount: float  # that reaches the body, in the unit of the drug


class Source(NamedTuple):
    """One way by which the drug comes in: a treatment."""

    absorption: float  # [1/d]; 0: at once
    infusion_duration: float  # [d]; 0: at once


class Compartments:
    """Amounts of one drug by source, which add up; linear, so that sources do not disturb each other.

    Parameters
    ----------
    elimination : float
        Rate [1/d].
    sources : list of Source
    scale : (R, P) array
        Concentration in each of P places (tissues and layers) per unit of each source in the body.
    emax, ec50, power : (K,) arrays
        The effects of the drug.
    """

    def __init__(
        self, elimination: float, sources: list[Source], scale: np.ndarray, emax: np.ndarray, ec50: np.ndarray,
        power: np.ndarray,
    ) -> None:  # fmt: skip
        self.elimination, self.sources, self.scale = elimination, sources, scale
        self.effects = (emax, ec50, power)
        n = len(sources)
        self.body, self.gut = np.zeros(n), np.zeros(n)
        self.running: list[tuple[float, int, float]] = []  # infusions: day of the end, source, rate [unit/d]
        self._absorption = np.array([source.absorption for source in sources])

    def advance(self, day: float, dt: float, doses: list[Dose]) -> tuple[np.ndarray, np.ndarray]:
        """Mean concentration (P,) and mean effects (K, P) over [day, day + dt)."""
        concentration = np.zeros(self.scale.shape[1])
        effects = np.zeros((len(self.effects[0]), self.scale.shape[1]))
        if not doses and not self.running and not self.body.any() and not self.gut.any():
            return concentration, effects
        ends = {end - day for end, _, _ in self.running} | {self._end(dose, day) - day for dose in doses}
        starts = {dose.after for dose in doses}
        edges = sorted({0.0, dt} | {edge for edge in starts | ends if 0.0 < edge < dt})
        for start, end in pairwise(edges):
            for dose in doses:
                if max(dose.after, 0.0) == start:
                    self._give(dose, day)
            self.running = [each for each in self.running if each[0] - day > start]
            self._integrate(end - start, concentration, effects)
        self.running = [each for each in self.running if each[0] - day > dt]
        return concentration / dt, effects / dt

    def state(self) -> dict[str, np.ndarray]:
        """Copies of the amounts by source, and of the infusions that are running."""
        running = np.array(self.running).reshape(-1, 3)
        return {"body": self.body.copy(), "gut": self.gut.copy(), "running": running}

    def restore(self, state: dict[str, np.ndarray], sources: dict[int, int]) -> None:
        """Continue from `state`; `sources` tells the place here of each of its sources that is still there."""
        for there, here in sources.items():
            self.body[here], self.gut[here] = state["body"][there], state["gut"][there]
        self.running = [
            (end, sources[int(source)], rate) for end, source, rate in state["running"].tolist() if source in sources
        ]

    def _end(self, dose: Dose, day: float) -> float:
        """Day on which a dose has run in; always the same number, so that no rounding lets an infusion run on."""
        return day + dose.after + self.sources[dose.source].infusion_duration

    def _give(self, dose: Dose, day: float) -> None:
        source = self.sources[dose.source]
        if source.infusion_duration > 0.0:
            self.running.append((self._end(dose, day), dose.source, dose.amount / source.infusion_duration))
        elif source.absorption > 0.0:
            self.gut[dose.source] += dose.amount
        else:
            self.body[dose.source] += dose.amount

    def _integrate(self, length: float, concentration: np.ndarray, effects: np.ndarray) -> None:
        """Add the integrals over a time without doses, and move on to its end."""
        rates = np.zeros(len(self.sources))
        for _, source, rate in self.running:
            rates[source] += rate
        fastest = max(self.elimination, *np.where(self.gut > 0.0, self._absorption, 0.0).tolist(), 0.0)
        steep = max(1, math.ceil(self.effects[2].max(initial=0.0) / STEEP))
        panels = max(1, math.ceil(length * fastest * steep / (math.log(2) * PANEL)))
        first = length / panels * 2.0 ** (-np.arange(GRADED * steep, -1.0, -1.0) / steep)
        edges = np.concatenate([[0.0], first, length / panels * np.arange(2.0, panels + 1)])
        amounts = (self.body, self.gut, rates, self._absorption, self.elimination)
        add_integrals(*amounts, edges, NODES, WEIGHTS, self.scale, *self.effects, concentration, effects)
        step_on(*amounts, length)


@kernel
def add_integrals(body, gut, infusion, absorption, elimination, edges, nodes, weights, scale, emax, ec50, power,
                  concentration, effects):  # fmt: skip
    """Add the integrals of concentration and effects over the panels between `edges` [d] to the last two arrays."""
    amounts = np.empty(body.size)
    for panel in range(edges.size - 1):
        width = edges[panel + 1] - edges[panel]
        for node in range(nodes.size):
            time, weight = edges[panel] + nodes[node] * width, weights[node] * width
            for r in range(body.size):
                amounts[r] = in_body(body[r], gut[r], infusion[r], absorption[r], elimination, time)
            for place in range(scale.shape[1]):
                c = 0.0
                for r in range(body.size):
                    c += amounts[r] * scale[r, place]
                concentration[place] += weight * c
                for k in range(emax.size):
                    effects[k, place] += weight * emax_effect(c, emax[k], ec50[k], power[k])


@kernel
def step_on(body, gut, infusion, absorption, elimination, length):
    """Amounts after `length` [d], in place."""
    for r in range(body.size):
        body[r] = in_body(body[r], gut[r], infusion[r], absorption[r], elimination, length)
        gut[r] = remaining(gut[r], absorption[r], length)
        body[r] = 0.0 if body[r] < NEGLIGIBLE else body[r]
        gut[r] = 0.0 if gut[r] < NEGLIGIBLE else gut[r]
