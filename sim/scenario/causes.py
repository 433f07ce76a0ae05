"""What can happen to a cell, as small fixed codes: what made it senescent, what removed it, what replaced it."""

from __future__ import annotations

from sim.scenario.schema import Settings

NOTHING = 0
IMMUNE = 1
OWN_DEATH = 2
REPAIRED = 3
SCARRED_BY = 4
INITIAL = 5
DAMAGE = 6
CONTACT = 7
REPLICATIVE = 8
FIRST_FACTOR = 9  # factor f: 9 + 2 f by its level, 10 + 2 f by its cargo; after the factors come the events

REMOVALS = (IMMUNE, OWN_DEATH, REPAIRED, SCARRED_BY)
FIXED = ("nothing", "immune", "own_death", "repaired", "scarred", "initial", "damage", "contact", "replicative")


def event_names(settings: Settings) -> tuple[str, ...]:
    """Names by code. The cause of a factor is its name; ``_level`` and ``_cargo`` are added where both act."""
    names = list(FIXED)
    for name, factor in settings.factors.items():
        drift = name if factor.cargo is not None and factor.induction is None else f"{name}_cargo"
        names += [name if drift != name else f"{name}_level", drift]
    return (*names, *settings.events)


def first_event(settings: Settings) -> int:
    """Code of the first outside event (graft, lesion ...)."""
    return FIRST_FACTOR + 2 * len(settings.factors)


def inducing(settings: Settings) -> tuple[int, ...]:
    """Codes that turn cells senescent in this scenario, for tables: fixed ones, acting factors, senescent events."""
    codes = [INITIAL, DAMAGE, CONTACT, REPLICATIVE]
    for index, factor in enumerate(settings.factors.values()):
        codes += [FIRST_FACTOR + 2 * index] * (factor.induction is not None)
        codes += [FIRST_FACTOR + 2 * index + 1] * (factor.cargo is not None)
    codes += [first_event(settings) + i for i, event in enumerate(settings.events.values()) if event.senescent]
    return tuple(codes)
