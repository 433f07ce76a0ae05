"""What one dose does, computed from the scenario before anything runs: peak, accumulation, share of cells killed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.integrate import quad

from sim.rules.pharmacology import emax_effect, in_body, remaining
from sim.scenario.drug import Drug, Effect
from sim.scenario.treatment import Treatment

_DOUBLINGS = 12  # of a half-life, after the peak: after 2^12 half-lives nothing is left


@dataclass(frozen=True)
class Dose:
    """One dose in the body: `amount` in the unit of the drug, rates in 1/d, `duration` of an infusion in d."""

    route: str
    amount: float
    absorption: float
    elimination: float
    duration: float

    def concentration(self, time: float) -> float:
        """Concentration `time` [d] after the dose begins, in the unit of the drug."""
        if self.route == "oral":
            return in_body(0.0, self.amount, 0.0, self.absorption, self.elimination, time)
        if self.duration == 0:
            return remaining(self.amount, self.elimination, time)
        running = min(time, self.duration)
        at_end = in_body(0.0, 0.0, self.amount / self.duration, self.absorption, self.elimination, running)
        return remaining(at_end, self.elimination, time - running)

    @property
    def peak_time(self) -> float:
        """Time of the highest concentration [d]."""
        if self.route != "oral":
            return self.duration
        apart = self.absorption - self.elimination
        if abs(apart) < 1e-9 * self.elimination:
            return 1.0 / self.elimination
        return math.log(self.absorption / self.elimination) / apart

    @property
    def half_life(self) -> float:
        """Half-life [d] of the slowest process: what decides how doses add up."""
        rate = min(self.absorption, self.elimination) if self.route == "oral" else self.elimination
        return math.log(2) / rate

    def accumulation(self, days: Sequence[float]) -> float:
        """Most that doses on these `days` add up to, in doses; 1 / (1 - exp(-k tau)) after many intervals tau."""
        rate, most, here = math.log(2) / self.half_life, 1.0, 1.0
        for wait in np.diff(days):
            here = 1.0 + here * math.exp(-rate * wait)
            most = max(most, here)
        return most

    def steady_mean(self, effect: Effect, scale: float, every: float) -> float:
        """Mean of an effect over an interval of `every` [d] after many doses, `scale` times the concentration."""
        if self.amount * scale == 0 or effect.emax == 0:
            return 0.0
        kept = -math.expm1(-self.elimination * every)  # 1 - exp(-k tau): what one interval takes of the body
        if self.route == "oral":
            gut = self.amount / -math.expm1(-self.absorption * every)
            body = in_body(0.0, gut, 0.0, self.absorption, self.elimination, every) / kept
        running = math.ceil(self.duration / every)  # infusions that overlap in one interval

        def now(time: float) -> float:
            if self.route == "oral":
                level = in_body(body, gut, 0.0, self.absorption, self.elimination, time)
            else:  # those that still run, and the geometric series of those that do not
                level = sum(self.concentration(time + i * every) for i in range(running))
                level += self.concentration(time + running * every) / kept
            return emax_effect(scale * level, effect.emax, effect.ec50, effect.power)

        within = {self.peak_time % every, *(step for step in self._steps() if step < every)}
        return sum(quad(now, start, end)[0] for start, end in pairwise(sorted({0.0, *within, every}))) / every

    def _steps(self) -> list[float]:
        """Times between which the concentration is smooth and of one size [d]."""
        return [float(self.peak_time + step) for step in self.half_life * (2.0 ** np.arange(_DOUBLINGS + 1) - 1.0)]

    def cumulative(self, effect: Effect, scale: float) -> float:
        """Integral of an effect over all time, where `scale` times the concentration arrives; no unit for hazards.

        Where the concentration only falls, ln(1 + (C / ec50)^n) emax / (n k), C at the start.
        """
        if self.amount * scale == 0 or effect.emax == 0:
            return 0.0
        if self.peak_time == 0:
            ratio = effect.power * math.log(self.amount * scale / effect.ec50)
            return effect.emax * float(np.logaddexp(0.0, ratio)) / (effect.power * self.elimination)
        borders = [0.0, *self._steps()]

        def now(time: float) -> float:
            return emax_effect(scale * self.concentration(time), effect.emax, effect.ec50, effect.power)

        return sum(quad(now, start, end)[0] for start, end in pairwise(borders))


def dose_of(drug: Drug, treatment: Treatment) -> Dose:
    """One dose of a treatment; of an oral dose the share that reaches the body."""
    route = treatment.route or drug.route
    return Dose(
        route=route,
        amount=treatment.amount * (drug.bioavailability if route == "oral" else 1.0),
        absorption=math.log(2) / drug.absorption_half_life,
        elimination=math.log(2) / drug.half_life,
        duration=(treatment.infusion_duration or 0.0) if route == "infusion" else 0.0,
    )
