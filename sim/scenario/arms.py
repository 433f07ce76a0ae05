"""What arms must have in common, and what is odd among them: they share their luck, so they share their places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from reprlib import repr as show

from sim.errors import ScenarioError
from sim.scenario.causes import event_names, inducing, removing
from sim.scenario.checks import LAYERS, known_word
from sim.scenario.factor import ACTIONS, Factor
from sim.scenario.schema import Settings
from sim.scenario.section import Section

DONE_TO_HOSTS = {"drugs", "treatments", "events"}
PLACES = ("shape", "cell_spacing", "boundary", "cloud", "holes", "voxel_cells")


def check_arms(arms: Mapping[str, Settings]) -> None:
    """Raise ScenarioError where arms could not be compared cell by cell, or name what no arm has."""
    first = next(iter(arms.values()))
    factors = dict.fromkeys(name for settings in arms.values() for name in settings.factors)
    causes = dict.fromkeys(name for settings in arms.values() for name in recorded_causes(settings))
    units: dict[str, str] = {}
    for arm, settings in arms.items():
        for layer in settings.record.maps:
            known_word("record.maps", layer, (*LAYERS, *factors))
        if settings.stop is not None:
            known_word("stop.cause", settings.stop.cause, causes)
        if list(settings.tissues) != list(first.tissues):
            names = ", ".join(settings.tissues)
            raise ScenarioError(f"arms.{arm}.tissues: must be {', '.join(first.tissues)} in all arms, got {names}")
        for name, outcome in settings.outcomes.items():
            if outcome.unit != units.setdefault(name, outcome.unit):
                raise ScenarioError(
                    f"arms.{arm}.outcomes.{name}.unit: must be {units[name]!r} in all arms, got {outcome.unit!r}"
                )
        for name, tissue in settings.tissues.items():
            for key in PLACES:
                _check_same(f"arms.{arm}.tissues.{name}.{key}", getattr(first.tissues[name], key), getattr(tissue, key))


def _check_same(key: str, one: object, other: object) -> None:
    """Raise ScenarioError at the first leaf in which two arms differ."""
    if one == other:
        return
    if isinstance(one, Section) and type(one) is type(other):
        for field in type(one).model_fields:
            _check_same(f"{key}.{field}", getattr(one, field), getattr(other, field))
    raise ScenarioError(f"{key}: must be the same in all arms, got {show(one)} and {show(other)} (sweep it instead)")


def recorded_causes(settings: Settings) -> list[str]:
    """Names of the events that the tables count."""
    names = event_names(settings)
    return [names[code] for code in (*inducing(settings), *removing(settings))]


def untreated_twins(arms: Mapping[str, Settings]) -> dict[str, str]:
    """The arm that each treated arm is to be compared with, where two hosts or more are treated; else nothing.

    Hosts differ in anything but drugs, treatments and events (young and old ones, say); of each, the first arm without
    treatments is the one to compare with, before others one without events.
    """
    hosts: dict[str, list[str]] = {}
    for arm, settings in arms.items():
        hosts.setdefault(repr(settings.model_dump(exclude=DONE_TO_HOSTS)), []).append(arm)
    twins: dict[str, str] = {}
    for names in hosts.values():
        untreated = [arm for arm in names if not arms[arm].treatments]
        head = next((arm for arm in untreated if not arms[arm].events), next(iter(untreated), None))
        if head is not None:
            twins |= {arm: head for arm in names if _done(arms[arm]) != _done(arms[head])}
    return twins if len(set(twins.values())) > 1 else {}


def _done(settings: Settings) -> str:
    """What is done to the host of an arm."""
    return repr(settings.model_dump(include=DONE_TO_HOSTS))


def counterparts(arms: Mapping[str, Settings]) -> dict[str, str]:
    """Arms of other hosts to the arm of the first host that is treated alike, where several hosts are treated."""
    twins = untreated_twins(arms)
    given = {arm: _done(settings) for arm, settings in arms.items()}
    members = {arm: twins.get(arm, arm) for arm in arms if arm in twins or arm in twins.values()}
    first = {given[arm]: arm for arm, head in members.items() if head == next(iter(members.values()))}
    return {arm: first[given[arm]] for arm in members if first.get(given[arm], arm) != arm}


def outcome_units(arms: Mapping[str, Settings]) -> dict[str, str]:
    """The outcomes of the individual that any arm has, and their units."""
    return {name: outcome.unit for settings in arms.values() for name, outcome in settings.outcomes.items()}


def odd_arms(arms: Mapping[str, Settings]) -> Iterator[str]:
    """What is legal but odd, one line each."""
    for name, factor in next(iter(arms.values())).factors.items():
        others = [settings.factors[name] for settings in arms.values() if name in settings.factors]
        if any(_loss(other) != _loss(factor) for other in others):
            yield f"factors.{name}: arms differ in decay or uptake; 1 % burden keeps the level at 1 in each of them"
    given = {treatment.drug for settings in arms.values() for treatment in settings.treatments.values()}
    for name in dict.fromkeys(name for settings in arms.values() for name in settings.drugs):
        if name not in given:
            yield f"drugs.{name}: is not given in any arm"
    yield from _idle_factors(arms)
    yield from _alike(arms)


def _idle_factors(arms: Mapping[str, Settings]) -> Iterator[str]:
    """Factors that are secreted, and that nothing reads in any arm: no cell, no clearance, no repair, no regimen."""
    having: dict[str, list[Settings]] = {}
    for settings in arms.values():
        for name in settings.factors:
            having.setdefault(name, []).append(settings)
    for name, found in having.items():
        secreted = any(settings.factors[name].secretion.strength > 0 for settings in found)
        if secreted and not any(settings.factors[name].acts or _steers(name, settings) for settings in found):
            yield f"factors.{name}: acts on nothing, and is only recorded; what it may do: {', '.join(ACTIONS)}"


def _steers(name: str, settings: Settings) -> bool:
    """Whether patrols follow a factor, a function or an adaptive treatment reads it, or it wakes melanocytes."""
    functions = (each for tissue in settings.tissues.values() for each in tissue.functions.values())
    if any(name in each.losses or name in each.gains for each in functions):
        return True
    if any(name in tissue.pigment.activated_by for tissue in settings.tissues.values() if tissue.pigment):
        return True
    if any(patrol.follows == name for tissue in settings.tissues.values() for patrol in tissue.patrols.values()):
        return True
    adaptive = (each.adaptive for each in settings.treatments.values() if each.adaptive is not None)
    return any(f"mean_{name}" in (each.outcome, each.toxicity) for each in adaptive)


def _alike(arms: Mapping[str, Settings]) -> Iterator[str]:
    """Arms that share their luck and do the same will give the same numbers."""
    alike: dict[str, list[str]] = {}
    for arm, settings in arms.items():
        alike.setdefault(_deeds(settings), []).append(arm)
    for names in alike.values():
        if len(names) > 1:
            yield f"arms: {', '.join(names[:-1])} and {names[-1]} do the same, so that their numbers will be the same"


def _deeds(settings: Settings) -> str:
    """All that an arm does, whatever its treatments and drugs are called; equal texts, equal runs."""
    rest = settings.model_dump(exclude={"drugs", "treatments"})
    given = []
    for treatment in settings.treatments.values():
        drug = settings.drugs[treatment.drug]
        turns = any(effect.kind == "induce_senescence" for effect in drug.effects.values())
        name = treatment.drug if turns else ""  # then it is a cause, which others may name
        values = drug.model_dump(exclude={"preset", "description"})
        given.append(repr((name, values, treatment.model_dump(exclude={"drug"}))))
    return repr((rest, sorted(given)))


def _loss(factor: Factor) -> tuple[object, ...]:
    """What takes a factor away."""
    return factor.transport, factor.own_decay, factor.capture, factor.affinity if factor.capture > 0 else None
