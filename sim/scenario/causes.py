"""What can happen to a cell, as small fixed codes: what made it senescent, what removed it, what replaced it."""

from __future__ import annotations

from collections.abc import Iterator

from sim.scenario.response import Response
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
PATROLS = 9  # killed by patrols that found it
FLUCTUATION = 10  # of the body, from day to day: cells turned
FLUCTUATION_LOSS = 11  # and cells removed
FIRST_FACTOR = 12  # factor f: 12 + 2 f by its level, 13 + 2 f by its cargo; then events, four per drug, own causes
KILLED, OFF_TARGET, INDUCED, REVERSED = range(4)  # a drug: senescent killed, healthy killed, made senescent, made young
PER_DRUG = 4
BY_DRUGS = ("killed_by", "off_target", "induced_by", "reversed_by")  # before the name of the drug
KIND_OF_DEED = ("kill_senescent", "kill_healthy", "induce_senescence", "rejuvenate")

REMOVALS = (IMMUNE, OWN_DEATH, REPAIRED, SCARRED_BY)
FIXED = (
    "nothing", "immune", "own_death", "repaired", "scarred", "initial", "damage", "contact", "replicative",
    "patrols", "fluctuation", "fluctuation_loss",
)  # fmt: skip


def event_names(settings: Settings) -> tuple[str, ...]:
    """Names by code. The cause of a factor is its name; ``_level`` and ``_cargo`` are added where both act."""
    names = list(FIXED)
    for name, factor in settings.factors.items():
        drift = name if factor.cargo is not None and factor.induction is None else f"{name}_cargo"
        names += [name if drift != name else f"{name}_level", drift]
    names += settings.events
    return (*names, *(f"{deed}_{drug}" for drug in settings.drugs for deed in BY_DRUGS), *settings.own_causes)


def code_keys(settings: Settings) -> tuple[str, ...]:
    """Names by code that mean the same in every scenario, whatever else it has; a checkpoint is read by them."""
    factors = (f"{kind} of {name}" for name in settings.factors for kind in ("level", "cargo"))
    deeds = (f"{deed} {name}" for name in settings.drugs for deed in BY_DRUGS)
    own = (f"own {name}" for name in settings.own_causes)
    return (*FIXED, *factors, *(f"event {name}" for name in settings.events), *deeds, *own)


def first_event(settings: Settings) -> int:
    """Code of the first outside event (graft, lesion ...)."""
    return FIRST_FACTOR + 2 * len(settings.factors)


def first_drug(settings: Settings) -> int:
    """Code of the first deed of the first drug; drug d, deed k: ``first_drug + PER_DRUG * d + k``."""
    return first_event(settings) + len(settings.events)


def first_own(settings: Settings) -> int:
    """Code of the first cause of a rule of one's own: at the end, so that nothing else moves."""
    return first_drug(settings) + PER_DRUG * len(settings.drugs)


def inducing(settings: Settings) -> tuple[int, ...]:
    """Codes that turn cells senescent in this scenario, for tables: fixed ones, factors, events, drugs, own."""
    codes = [INITIAL, DAMAGE, CONTACT, REPLICATIVE] + [FLUCTUATION] * (settings.body.fluctuation > 0.0)
    for index, factor in enumerate(settings.factors.values()):
        codes += [FIRST_FACTOR + 2 * index] * (factor.induction is not None)
        codes += [FIRST_FACTOR + 2 * index + 1] * (factor.cargo is not None)
    codes += [first_event(settings) + i for i, event in enumerate(settings.events.values()) if event.induces]
    return (*codes, *_deeds(settings, (INDUCED,)), *_own(settings, becomes=("senescent",)))


def by_factors(settings: Settings) -> tuple[int, ...]:
    """Codes by which the levels and the cargo of factors turn cells in this scenario."""
    return tuple(code for code in inducing(settings) if FIRST_FACTOR <= code < first_event(settings))


def factor_channels(settings: Settings) -> Iterator[tuple[str, str, str, Response]]:
    """How factors turn cells in this scenario: cause, factor, ``induction`` or ``cargo``, and the response."""
    names, factors = event_names(settings), list(settings.factors.items())
    for code in by_factors(settings):
        (name, factor), is_cargo = factors[(code - FIRST_FACTOR) // 2], (code - FIRST_FACTOR) % 2 == 1
        response = factor.cargo.response if is_cargo and factor.cargo else factor.induction
        assert response is not None
        yield names[code], name, "cargo" if is_cargo else "induction", response


def removing(settings: Settings) -> tuple[int, ...]:
    """Codes that remove, replace or heal cells in this scenario, for tables."""
    events = (first_event(settings) + i for i, e in enumerate(settings.events.values()) if e.kind == "removal")
    walked = [PATROLS] * any(tissue.patrols for tissue in settings.tissues.values())
    loss = [FLUCTUATION_LOSS] * (settings.body.fluctuation > 0.0)
    deeds, own = _deeds(settings, (KILLED, OFF_TARGET, REVERSED)), _own(settings, becomes=("cleared", "healthy"))
    return (*REMOVALS, *walked, *loss, *events, *deeds, *own)


def _own(settings: Settings, becomes: tuple[str, ...]) -> Iterator[int]:
    """Codes of own causes, by what becomes of a cell."""
    first = first_own(settings)
    return (first + i for i, own in enumerate(settings.own_causes.values()) if own.becomes in becomes)


def _deeds(settings: Settings, deeds: tuple[int, ...]) -> tuple[int, ...]:
    """Codes of what the drugs that are given can do."""
    given = {treatment.drug for treatment in settings.treatments.values()}
    return tuple(
        first_drug(settings) + PER_DRUG * d + deed
        for d, (name, drug) in enumerate(settings.drugs.items())
        for deed in deeds
        if name in given and any(effect.kind == KIND_OF_DEED[deed] for effect in drug.effects.values())
    )
