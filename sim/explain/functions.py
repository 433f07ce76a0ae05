"""Paragraphs about what tissues can do, and what is measured on the individual."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sim.explain.words import Teller, listed, paragraph
from sim.scenario.function import Function, Influence, Outcome
from sim.scenario.quantity import duration
from sim.scenario.tissue import Tissue

MEANT = {  # drivers that are no factors: words, unit
    "burden": ("the burden", " %"),
    "vacant": ("vacant sites", " % of the sites"),
    "scarred": ("scars", " % of the sites"),
    "quality_lost": ("the lost quality of healthy cells", " %"),
}


def function_words(teller: Teller, at: str, tissue: Tissue) -> Iterator[str]:
    """A paragraph per function of a tissue."""
    for name, function in tissue.functions.items():
        about = f" ({function.description.rstrip('.')})" if function.description else ""
        key = f"{at}.functions.{name}"
        yield f"Function {name}{about}, {_scale_of(function)}: {_kept(teller, key, function)}."


def _scale_of(function: Function) -> str:
    return "as a share of its best" if function.rest == 1.0 else "as a share of the most there can be"


def _kept(teller: Teller, key: str, function: Function) -> str:
    gained, lost = (
        [_by(teller, f"{key}.{part}.{driver}", driver, by) for driver, by in getattr(function, part).items()]
        for part in ("gains", "losses")
    )
    driven = [f"built up at {listed(gained)}"] if gained else []
    driven += [f"lost at {listed(lost)}" if lost else "nothing erodes it"]
    said = "; ".join(driven)
    if function.recovery == 0.0:
        start = "whole" if function.rest == 1.0 else f"at {function.rest:.3g}"
        return f"{said}; it starts {start}, and nothing comes back{teller.cite(f'{key}.recovery')}"
    half = duration(math.log(2.0) / function.recovery)
    if function.rest == 1.0:
        return f"{said}; half of what is lost comes back in {half}{teller.cite(f'{key}.recovery')}"
    return f"{said}; half of the way back to {function.rest:.3g} takes {half}{teller.cite(f'{key}.recovery')}"


def _by(teller: Teller, key: str, driver: str, by: Influence) -> str:
    what, unit = MEANT.get(driver, (f"the mean level of {driver}", ""))
    power = f", Hill power {by.power:g}" if by.power != 1.0 else ""
    cited = teller.cite(f"{key}.max_rate", f"{key}.half_max")
    return f"up to {by.max_rate:.3g} per day by {what}, half of that at {by.half_max:.3g}{unit}{power}{cited}"


def outcome_words(teller: Teller) -> str:
    """Where functions start, and what is measured on the individual, a line per outcome."""
    settings = teller.settings
    if not any(tissue.functions for tissue in settings.tissues.values()):
        return ""
    start = "Functions start at rest with the burden and the factors that are there before the first event."
    measured = " Measured on the individual:" if settings.outcomes else ""
    lines = [_outcome(teller, name, outcome) for name, outcome in settings.outcomes.items()]
    return paragraph([start + measured, *lines])


def _outcome(teller: Teller, name: str, outcome: Outcome) -> str:
    about = f" ({outcome.description.rstrip('.')})" if outcome.description else ""
    what = "what is lacking of " if outcome.deficit else ""
    parts = list(outcome.weights)
    if len(parts) > 1:
        weights = ", ".join(f"{part} {weight:.3g}" for part, weight in outcome.weights.items())
        what = (
            f"the mean of {what}{len(parts)} functions, weighted{teller.cite_named(f'outcomes.{name}.weights', parts)}"
        )
        return f"{name}{about}: {_scale(outcome)} times {what}: {weights}."
    return f"{name}{about}: {_scale(outcome)} times {what}{parts[0]}."


def _scale(outcome: Outcome) -> str:
    return f"{outcome.scale:.3g} {outcome.unit}".rstrip()
