"""The dated calendar of doses, and what one of them does."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sim.explain.drugs import size
from sim.explain.kinetics import Dose, dose_of
from sim.explain.tissues import depths
from sim.explain.words import listed, wrap
from sim.rules.pharmacology import at_depth, emax_effect
from sim.scenario.doses import IN_PERCENT, ONLY_RISING
from sim.scenario.drug import HAZARDS, Drug, scale
from sim.scenario.load import Scenario
from sim.scenario.quantity import DAYS_PER_YEAR, duration
from sim.scenario.schema import Settings
from sim.scenario.treatment import Adaptive, Treatment
from sim.schedule import Regimen

MOST_LISTED = 12  # days; of more, the first three and the last are told
_IN_MONTHS = 5 * DAYS_PER_YEAR  # a younger host, as a mouse, has its age in months
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
            what = " ".join([f"{name}: {_what(treatment, settings)}.", *_one_dose(treatment, settings)])
            found.setdefault(what, {}).setdefault(_calendar(treatment, settings), []).append(arm)
    lines = ["Doses."] if found else []
    for what, calendars in found.items():
        lines.append(wrap(what, "  ", "    "))
        for calendar, arms in calendars.items():
            which = "all arms" if len(arms) == len(scenario.arms) else f"arm {', '.join(arms)}"
            lines.append(wrap(f"{which}: {calendar}", "    ", "      "))
    return "\n".join(lines)


def _what(treatment: Treatment, settings: Settings) -> str:
    drug = settings.drugs[treatment.drug]
    where = f", to {listed(treatment.tissues)}" if treatment.tissues else ""
    over = f" over {duration(treatment.infusion_duration)}" if treatment.infusion_duration else ""
    return f"{treatment.drug} {treatment.amount:g} {drug.unit}, {treatment.route or drug.route}{over}{where}"


# ----------------------------------------------------------------------------------------------------- the calendar


def _calendar(treatment: Treatment, settings: Settings) -> str:
    """``10 doses, every 14 d: days 14, 28, 42 ... 140.`` with what limits them and what is never given."""
    days, planned = days_of(treatment, settings)
    if not days:
        return f"no dose, because the first would be on day {treatment.start:g} and the run ends before."
    words = f"{'up to ' if treatment.adaptive else ''}{len(days)} dose{'s' if len(days) > 1 else ''}"
    if treatment.interval is not None:
        words += f", {f'{treatment.days_on} days in a row, ' if treatment.days_on > 1 else ''}"
        words += f"every {duration(treatment.interval)}"
    ages = dict.fromkeys(_age(settings.age_at_start + day) for day in (days[0], days[-1]))
    words += f": {listed_days(days)}, at an age of {' to '.join(ages)}"
    if treatment.adaptive is not None:
        words += f", {_adaptive(treatment.adaptive, settings)}"
    beyond = planned - len(days)
    if beyond:
        words += f". {beyond} more would fall on or after the last day and {'are' if beyond > 1 else 'is'} not given"
    if len(days) > 1:
        most = dose_of(settings.drugs[treatment.drug], treatment).accumulation(days)
        at_most = "at most " if treatment.adaptive else ""
        words += f". {f'Accumulation {at_most}{most:.3g}' if most > 1.005 else 'Each is gone before the next'}"
    return " ".join([f"{words}.", *_on_average(treatment, settings)])


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


def days_of(treatment: Treatment, settings: Settings) -> tuple[list[float], int]:
    """Days of the doses in the run, and the number that the regimen names."""
    interval, more, until = treatment.interval, treatment.additional_doses, treatment.until
    regimen = Regimen(
        start=treatment.start, interval=interval, additional_doses=more, until=until, days_on=treatment.days_on
    )
    days = regimen.times(settings.days)
    if interval is None or more is not None:
        return days, ((more or 0) + 1) * treatment.days_on
    return days, len(days if until is None else regimen.times(until))


def listed_days(days: list[float]) -> str:
    """``days 7, 14, 21 ... 196``."""
    if len(days) <= MOST_LISTED:
        return f"day{'s' if len(days) > 1 else ''} {', '.join(f'{day:.6g}' for day in days)}"
    return f"days {', '.join(f'{day:.6g}' for day in days[:3])} ... {days[-1]:.6g}"


def _age(days: float) -> str:
    return f"{days / DAYS_PER_YEAR * 12:.3g} mo" if days < _IN_MONTHS else duration(days)


def _adaptive(adaptive: Adaptive, settings: Settings) -> str:
    tissue = adaptive.tissue or next(iter(settings.tissues))
    looks = duration(adaptive.check_every or settings.dt)
    above, below = (_read_out(adaptive.outcome, value) for value in (adaptive.treat_above, adaptive.stop_below))
    words = (
        f"only from a look that finds {adaptive.outcome} of {tissue} above {above} to one that finds it below "
        f"{below}, with a look every {looks}"
    )
    if adaptive.toxicity is not None and adaptive.skip_above is not None:
        limit = _read_out(adaptive.toxicity, adaptive.skip_above)
        when = "for good none once" if adaptive.toxicity in ONLY_RISING else "none while"
        words += f", and {when} {adaptive.toxicity} is above {limit}"
    return words


def _read_out(outcome: str, value: float) -> str:
    return f"{value:g} %" if outcome in IN_PERCENT else f"{value:g}"


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
