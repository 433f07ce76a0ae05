"""Paragraphs about the patrols of a tissue: how they walk, kill, tire and come, and the mean field that they make."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sim.analysis.search import equivalent
from sim.explain.words import Teller
from sim.scenario.patrol import Patrol
from sim.scenario.quantity import duration
from sim.scenario.tissue import Tissue


def patrol_words(teller: Teller, at: str, tissue: Tissue) -> Iterator[str]:
    """A paragraph per kind of patrol."""
    for name, patrol in tissue.patrols.items():
        key = f"{at}.patrols.{name}"
        words = (_walk(teller, key, patrol), _kill(teller, key, patrol), _lives(teller, key, patrol),
                 _recruits(teller, key, patrol), _mean_field(patrol, tissue))  # fmt: skip
        yield f"Patrols {name}: {' '.join(filter(None, words))}"


def _walk(teller: Teller, key: str, patrol: Patrol) -> str:
    words = (
        f"{patrol.density:.3g} per 100 cells at the start{teller.cite(f'{key}.density')}, walking at "
        f"{patrol.speed / 1440:.3g} um/min{teller.cite(f'{key}.speed')}"
    )
    if math.isinf(patrol.persistence_time):
        return f"{words}, straight ahead."
    turns = f"turning every {duration(patrol.persistence_time)} in the mean{teller.cite(f'{key}.persistence_time')}"
    if patrol.migration_bias > 0:
        turns += (
            f", with a weight of {patrol.migration_bias:.3g} up the gradient of {patrol.follows}"
            f"{teller.cite(f'{key}.migration_bias')}"
        )
    return f"{words}, {turns}."


def _kill(teller: Teller, key: str, patrol: Patrol) -> str:
    return (
        f"They find senescent cells that come within {teller.say(f'{key}.reach')}{teller.cite(f'{key}.reach')}, stay "
        f"for {duration(patrol.attachment_time)}{teller.cite(f'{key}.attachment_time')}, kill with a chance of "
        f"{patrol.kill_probability:.3g}{teller.cite(f'{key}.kill_probability')} times the immune capacity, less what "
        f"jams it, and rest for {duration(patrol.rest_time)} after a kill{teller.cite(f'{key}.rest_time')}."
    )


def _lives(teller: Teller, key: str, patrol: Patrol) -> str:
    parts = []
    if patrol.exhausts_after is not None:
        parts.append(f"do nothing more after {patrol.exhausts_after} kills{teller.cite(f'{key}.exhausts_after')}")
    if patrol.senescence_rate > 0:
        cited = teller.cite(f"{key}.senescence_rate")
        parts.append(f"turn senescent themselves at {patrol.senescence_rate:.3g} per day{cited}")
    if not math.isinf(patrol.lifespan):
        parts.append(f"leave after {duration(patrol.lifespan)} in the mean{teller.cite(f'{key}.lifespan')}")
    return f"They {'; they '.join(parts)}." if parts else ""


def _recruits(teller: Teller, key: str, patrol: Patrol) -> str:
    call = patrol.recruitment
    if call is None:
        return ""
    parts = []
    if call.basal > 0:
        parts.append(f"{call.basal:.3g} enter per 100 cells and day{teller.cite(f'{key}.recruitment.basal')}")
    if call.max_rate > 0:
        cited = teller.cite(*(f"{key}.recruitment.{each}" for each in ("max_rate", "half_max")))
        parts.append(
            f"up to {call.max_rate:.3g} are called by {patrol.follows}, half of them at a mean level of "
            f"{call.half_max:.3g}{cited}"
        )
    if patrol.circulates and parts:
        parts[-1] += ", in proportion to how many of them are in the blood"
    return f"From the blood {' and '.join(parts)}." if parts else ""


def _mean_field(patrol: Patrol, tissue: Tissue) -> str:
    same = equivalent(patrol, tissue)
    if same is None or patrol.density == 0:
        return ""
    return (
        f"Walking straight among cells at random places, those of the start would remove at most {same[0]:.3g} % of "
        f"the tissue per day (beta), half of that at a burden of {same[1]:.3g} % (kappa); turns, bias and clusters "
        "change both."
    )
