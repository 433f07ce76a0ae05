"""What arms change, and what they are given on which days, in words. Needs no simulation, so that a report has it."""

from __future__ import annotations

from collections.abc import Iterator

from sim.explain.words import listed
from sim.scenario.doses import IN_PERCENT, ONLY_RISING
from sim.scenario.ledger import shown
from sim.scenario.load import Scenario
from sim.scenario.quantity import DAYS_PER_YEAR, duration
from sim.scenario.schema import Settings
from sim.scenario.treatment import Adaptive, Treatment
from sim.schedule import Regimen

MOST_LISTED = 12  # days; of more, the first three and the last are told
_IN_MONTHS = 5 * DAYS_PER_YEAR  # a younger host, as a mouse, has its age in months


def what_is_given(treatment: Treatment, settings: Settings) -> str:
    """``dasatinib_quercetin 55 mg/kg, oral``: drug, amount, route, duration and tissues."""
    drug = settings.drugs[treatment.drug]
    where = f", to {listed(treatment.tissues)}" if treatment.tissues else ""
    over = f" over {duration(treatment.infusion_duration)}" if treatment.infusion_duration else ""
    return f"{treatment.drug} {treatment.amount:g} {drug.unit}, {treatment.route or drug.route}{over}{where}"


def calendar_words(treatment: Treatment, settings: Settings) -> str:
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
    return f"{words}."


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


def changes_of(scenario: Scenario, arm: str) -> list[str]:
    """What an arm changes against the common part, in its order; nothing where it takes that as it stands."""
    return list(_changes(scenario.tree["arms"][arm], scenario.arms[arm]))


def _changes(patch: dict[str, object], settings: Settings, at: str = "") -> Iterator[str]:
    """What an arm changes, by dotted path; a treatment of its own by its drug and days: its doses are told below."""
    for key, value in patch.items():
        if at == "treatments." and isinstance(value, dict) and "drug" in value:
            yield f"treatment {key}: {value['drug']}, {_span(settings.treatments[key], settings)}"
        elif isinstance(value, dict):
            yield from _changes(value, settings, f"{at}{key}.")
        else:
            yield f"without {at}{key}" if value is None else f"{at}{key} = {shown(value, '')}"


def _span(treatment: Treatment, settings: Settings) -> str:
    """``days 14 to 98``: the first and the last dose."""
    days, _ = days_of(treatment, settings)
    ends = dict.fromkeys(f"{day:.6g}" for day in (days[0], days[-1])) if days else ()
    return f"day{'s' if len(ends) > 1 else ''} {' to '.join(ends)}" if ends else "never in this run"
