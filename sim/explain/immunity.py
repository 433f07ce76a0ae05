"""Immunity in the mean field of a uniform burden: what is left of clearance, and the gain of the vicious circle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
from scipy.optimize import brentq

from sim.explain.words import listed, wrap
from sim.rules.clearance import (
    attraction,
    exhaustion_elasticity,
    full_capacity,
    jamming,
    jamming_elasticity,
    loop_gain,
    removal_hazard,
)
from sim.rules.induction import hill
from sim.scenario.load import Scenario
from sim.scenario.quantity import DAYS_PER_YEAR
from sim.scenario.schema import Settings
from sim.scenario.surroundings import in_environment
from sim.scenario.tissue import Tissue
from sim.tissue.parameters import level_per_burden, removal_rate

Levels = Mapping[str, float]
FIRST = 1e-3  # %, "the first cells"
BURDENS = np.concatenate([np.geomspace(FIRST, 1.0, 61), np.linspace(1.25, 99.75, 395)])  # where is looked [%]


def immune_hazard(settings: Settings, tissue: Tissue, burden: float, levels: Levels) -> float:
    """Hazard of immune removal [1/d] at a `burden` [%] and `levels` of the factors, the capacity settled with them.

    At the age on day 0; a factor without a level does nothing.
    """
    clearance, left = tissue.clearance, 1.0
    for name, level in levels.items():
        factor = settings.factors[name]
        if factor.jams_immunity is not None:
            left *= jamming(level, factor.jams_immunity.half_max)
        if factor.attracts_immunity is not None:
            left *= attraction(level, factor.attracts_immunity.half_max, factor.attracts_immunity.basal)
    age = settings.age_at_start if clearance.immune_age is None else clearance.immune_age
    full = full_capacity(clearance.capacity, clearance.decline, age / DAYS_PER_YEAR)
    capacity = full / (1.0 + _loss(settings, levels)[0] * clearance.recovery)
    return removal_hazard(burden, removal_rate(clearance), clearance.half_saturation, capacity, left)


def _loss(settings: Settings, levels: Levels) -> tuple[float, float]:
    """Hazard at which immune cells are lost [1/d], and its rise per relative rise of all levels."""
    loss = rising = 0.0
    for name, level in levels.items():
        ages = settings.factors[name].ages_immunity
        if ages is not None:
            share = hill(level, 1.0, ages.half_max, ages.power)
            loss += ages.max_rate * share
            rising += ages.max_rate * share * (1.0 - share) * ages.power
    return loss, rising


def gain_at(settings: Settings, tissue: Tissue, burden: float) -> float:
    """Loop gain of the vicious circle at a uniform `burden` [%] of mature primary cells (`sim.rules.loop_gain`).

    What a factor that attracts immune cells does is no part of it: that circle is not a vicious one.
    """
    clearance = tissue.clearance
    levels = {name: burden * each.secretion.strength * level_per_burden(each, tissue)
              for name, each in settings.factors.items() if each.transport != "kernel"}  # fmt: skip
    weakening = exhaustion_elasticity(*_loss(settings, levels), clearance.recovery)
    for name, level in levels.items():
        jams = settings.factors[name].jams_immunity
        weakening += jamming_elasticity(level, jams.half_max) if jams is not None else 0.0
    return loop_gain(burden, clearance.half_saturation, weakening)


def crossings(number: Callable[[float], float]) -> list[float]:
    """Burdens [%] at which `number` of the burden passes 1, ascending."""
    above = [(float(burden), number(float(burden)) >= 1.0) for burden in BURDENS]
    return [float(brentq(lambda x: number(x) - 1.0, x, y)) for (x, low), (y, high) in pairwise(above) if low != high]


def turning_burdens(settings: Settings, tissue: Tissue) -> list[float]:
    """Burdens [%] at which the loop gain passes 1: from the first on, removal falls as burden rises."""
    return crossings(lambda burden: gain_at(settings, tissue, burden))


def circle_words(scenario: Scenario) -> str:
    """The gain of the vicious circle in every tissue with immunity, by arm where arms differ."""
    found: dict[str, list[str]] = {}
    for arm, settings in ((arm, in_environment(each)) for arm, each in scenario.arms.items()):
        for name, tissue in settings.tissues.items():
            if tissue.clearance.max_rate > 0:
                found.setdefault(f"{name}: {_of_tissue(settings, tissue)}", []).append(arm)
    lines = []
    for words, arms in found.items():
        which = "" if len(arms) == len(scenario.arms) else f"arm {', '.join(arms)}: "
        lines.append(wrap(f"{which}{words}", "  ", "    "))
    head = (
        "Vicious circle. Senescent cells weaken the immune cells that remove them (jamming, and immune cells that turn "
        "senescent). Loop gain: percent by which immunity weakens for a percent more burden, over the percent that it "
        "may. At 1 and above, a larger burden is removed more slowly as a whole."
    )
    return "\n".join([wrap(head), *lines]) if lines else ""


def _of_tissue(settings: Settings, tissue: Tissue) -> str:
    weakening = {name: each for name, each in settings.factors.items() if each.jams_immunity or each.ages_immunity}
    both = [name for name, each in weakening.items() if each.secretion.healthy > 0.0]
    if both:
        return f"no gain is told, because healthy cells give off {listed(both)} too."
    gains = {burden: gain_at(settings, tissue, burden) for burden in (1.0, 5.0, 10.0)}
    if not any(gains.values()):
        return "gain 0 at any burden: nothing that senescent cells give off weakens immunity."
    told = ", ".join(f"{gain:.2g} at a burden of {burden:g} %" for burden, gain in gains.items())
    turns = [f"{burden:.3g} %" for burden in turning_burdens(settings, tissue)]
    return f"gain {told}; " + (f"1 at {listed(turns)}." if turns else "below 1 at any burden.")
