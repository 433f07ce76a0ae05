"""The dated calendar of doses, and what one of them does."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sim.explain.calendar import calendar_words, days_of, what_is_given
from sim.explain.drugs import size
from sim.explain.kinetics import Dose, dose_of
from sim.explain.tissues import depths
from sim.explain.words import listed, wrap
from sim.rules.pharmacology import at_depth, emax_effect
from sim.scenario.drug import HAZARDS, Drug, scale
from sim.scenario.load import Scenario
from sim.scenario.quantity import duration
from sim.scenario.schema import Settings
from sim.scenario.treatment import Treatment

_ONE_DOSE = {
    "kill_senescent": "kills {} of the senescent cells",
    "kill_healthy": "kills {} of the healthy cells",
    "rejuvenate": "makes {} of the senescent cells healthy",
    "induce_senescence": "turns {} of the healthy cells senescent",
}


def doses_words(scenario: Scenario) -> str:
    """Every treatment: what one dose is and does, and below it the calendar of the arms that have it."""
    found: dict[str, dict[str, list[str]]] = {}
    for arm, settings in scenario.arms.items():
        for name, treatment in settings.treatments.items():
            what = " ".join([f"{name}: {what_is_given(treatment, settings)}.", *_one_dose(treatment, settings)])
            found.setdefault(what, {}).setdefault(_calendar(treatment, settings), []).append(arm)
    lines = ["Doses."] if found else []
    for what, calendars in found.items():
        lines.append(wrap(what, "  ", "    "))
        for calendar, arms in calendars.items():
            which = "all arms" if len(arms) == len(scenario.arms) else f"arm {', '.join(arms)}"
            lines.append(wrap(f"{which}: {calendar}", "    ", "      "))
    return "\n".join(lines)


# ----------------------------------------------------------------------------------------------------- the calendar


def _calendar(treatment: Treatment, settings: Settings) -> str:
    """The calendar with what the drug does on average, and whether it accumulates."""
    words, (days, _) = calendar_words(treatment, settings), days_of(treatment, settings)
    if not days:
        return words
    if len(days) > 1:
        most = dose_of(settings.drugs[treatment.drug], treatment).accumulation(days)
        at_most = "at most " if treatment.adaptive else ""
        words += f" {f'Accumulation {at_most}{most:.3g}' if most > 1.005 else 'Each is gone before the next'}."
    return " ".join([words, *_on_average(treatment, settings)])


def _on_average(treatment: Treatment, settings: Settings) -> Iterator[str]:
    """Mean over an interval of what follows the drug at once, where doses go on; kills are told per dose."""
    drug, every = settings.drugs[treatment.drug], treatment.interval
    if every is None or treatment.days_on > 1 or treatment.additional_doses == 0 or treatment.amount == 0:
        return
    dose, found = dose_of(drug, treatment), dict[str, list[str]]()
    for tissue in treatment.tissues or settings.tissues:
        arrives, _ = _arrives(drug, dose, tissue, settings)
        means = {
            each: scale(effect.by_tissue, tissue) * dose.steady_mean(effect, arrives, every)
            for each, effect in drug.effects.items()
            if effect.kind not in HAZARDS
        }
        told = [f"{each} is {size(drug.effects[each].kind, mean)}" for each, mean in means.items() if mean > 0]
        if told:
            found.setdefault(listed(told), []).append(tissue)
    for words, tissues in found.items():
        yield f"On average over {duration(every)}, after many doses, in {listed(tissues)}: {words}."


# ------------------------------------------------------------------------------------------------ what one dose does


def _one_dose(treatment: Treatment, settings: Settings) -> Iterator[str]:
    """Its peak, the effects at the peak, and what it does to the cells it reaches; tissues that are alike once."""
    drug = settings.drugs[treatment.drug]
    dose = dose_of(drug, treatment)
    if dose.amount == 0:
        yield "Nothing of it reaches the body: it does nothing."
        return
    after = f"after {duration(dose.peak_time)}" if dose.peak_time > 0 else "at once"
    yield f"One dose peaks at {dose.concentration(dose.peak_time):.3g} {drug.unit} {after}."
    found: dict[str, list[str]] = {}
    for tissue in treatment.tissues or settings.tissues:
        found.setdefault("; ".join(_in_tissue(drug, dose, tissue, settings)), []).append(tissue)
    yield from (f"In {listed(tissues)}: {words}." for words, tissues in found.items() if words)


def _arrives(drug: Drug, dose: Dose, name: str, settings: Settings) -> tuple[float, tuple[float, float]]:
    """What reaches the uppermost cells, relative to the body; and what depth leaves to the uppermost and lowest."""
    left = 1.0, 1.0
    if dose.route == "topical" and drug.penetration_depth is not None:
        top, bottom = depths(settings.tissues[name])
        left = at_depth(1.0, top, drug.penetration_depth), at_depth(1.0, bottom, drug.penetration_depth)
    return scale(drug.penetration, name) * left[0], left


def _in_tissue(drug: Drug, dose: Dose, name: str, settings: Settings) -> Iterator[str]:
    """What one dose does to cells for which all limits are 1; those that lie uppermost where depth matters."""
    arrives, (high, low) = _arrives(drug, dose, name, settings)
    cells = "uppermost cells" if low < high else "cells"
    if high < 1:
        lowest = f", and {100 * low:.3g} % the lowest" if low < high else ""
        yield f"{100 * high:.3g} % of the surface concentration reach the {cells}{lowest}"
    peak, reached, done = arrives * dose.concentration(dose.peak_time), [], []
    for each, effect in drug.effects.items():
        strength = scale(effect.by_tissue, name)
        now = strength * emax_effect(peak, effect.emax, effect.ec50, effect.power)
        if now == 0:
            continue
        lags = " but for its lag" if effect.time_constant > 0 else ""
        reached.append(f"{each} is {size(effect.kind, now)}{lags}")
        if effect.kind in _ONE_DOSE:
            percent = -100 * math.expm1(-strength * dose.cumulative(effect, arrives))
            done.append(_ONE_DOSE[effect.kind].format(f"{percent:.3g} %"))
    if reached:
        yield f"at the peak {', '.join(reached)}"
    if done:
        yield f"over all time it {listed(done)} (of {cells} that it acts on in full)"
