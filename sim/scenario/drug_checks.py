"""What single fields of drugs and treatments cannot know: names that must exist, routes that fit, effects that act."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sim.errors import ScenarioError
from sim.scenario.checks import Names, check_name, known_word
from sim.scenario.doses import IN_PERCENT
from sim.scenario.drug import GENERATIONS, ON_FACTORS, ON_PIGMENT, OTHERS, READ_BY_ROUTE, Drug, Effect, Route, scale
from sim.scenario.factor import Factor
from sim.scenario.library import spoken_of
from sim.scenario.schema import Settings
from sim.scenario.tissue import Tissue
from sim.scenario.treatment import Adaptive, Treatment
from sim.schedule import Regimen

READ_OUTS = (*IN_PERCENT, "immune_capacity")  # and mean_FACTOR
MAX_DOSES = 10**6  # of one treatment


def check_drugs(settings: Settings, names: Names) -> None:
    """Raise ScenarioError (``key: rule, got value``) at the first drug or treatment that cannot be."""
    columns: dict[str, str] = {}
    for name, drug in settings.drugs.items():
        _check_words(f"drugs.{name}.penetration", drug.penetration, settings.tissues)
        for effect_name, effect in drug.effects.items():
            key = f"drugs.{name}.effects.{effect_name}"
            check_name(key, effect_name)
            other = columns.setdefault(f"effect_{name}_{effect_name}", key)
            if other != key:
                raise ScenarioError(f"{key}: must not share a column with {other}, got {effect_name!r}")
            _check_effect(key, effect, settings, names)
    for name, treatment in settings.treatments.items():
        _check_treatment(f"treatments.{name}", treatment, settings)


def _check_effect(key: str, effect: Effect, settings: Settings, names: Names) -> None:
    """A drug of the library may speak of what is not here; a note tells."""
    for factor in effect.factors:
        if factor not in spoken_of("factors"):
            known_word(f"{key}.factors", factor, names.factors)
    _check_words(f"{key}.by_tissue", effect.by_tissue, settings.tissues)
    _check_words(f"{key}.by_type", effect.by_type, names.types)
    _check_words(f"{key}.by_cause", effect.by_cause, names.causes)
    _check_words(f"{key}.by_generation", effect.by_generation, GENERATIONS)


def _check_words(key: str, words: Iterable[str], known: Iterable[str]) -> None:
    allowed = (*known, OTHERS)
    for word in words:
        if word not in spoken_of(key.rpartition(".")[2]):
            known_word(key, word, allowed)


def route_of(treatment: Treatment, drug: Drug) -> Route:
    """How a dose is given: as the treatment says, else as the drug says."""
    return treatment.route or drug.route


def _check_treatment(key: str, treatment: Treatment, settings: Settings) -> None:
    drug = settings.drugs[treatment.drug]
    route, duration = route_of(treatment, drug), treatment.infusion_duration
    for tissue in treatment.tissues:
        known_word(f"{key}.tissues", tissue, settings.tissues)
    if route == "topical" and drug.penetration_depth is None:
        needs = f"drugs.{treatment.drug}.penetration_depth"
        raise ScenarioError(f"{key}.route: topical needs {needs}, got nothing")
    if route == "topical" and not treatment.tissues and len(settings.tissues) > 1:
        raise ScenarioError(f"{key}.tissues: is required for route topical and several tissues, got nothing")
    if route == "infusion" and duration is None:
        raise ScenarioError(f"{key}.infusion_duration: is required for route infusion, got nothing")
    if route != "infusion" and duration is not None:
        raise ScenarioError(f"{key}.infusion_duration: is read by route infusion only, got route {route}")
    if _courses_before(settings.days, treatment) * treatment.days_on > MAX_DOSES:
        raise ScenarioError(f"{key}.interval: must leave at most {MAX_DOSES} doses in {settings.days:g} d, "
                            f"got {treatment.interval:g} d")  # fmt: skip
    if treatment.adaptive is not None:
        _check_adaptive(f"{key}.adaptive", treatment.adaptive, settings)


def _check_adaptive(key: str, adaptive: Adaptive, settings: Settings) -> None:
    known = (*READ_OUTS, *(f"mean_{factor}" for factor in settings.factors))
    known_word(f"{key}.outcome", adaptive.outcome, known)
    if adaptive.toxicity is not None:
        known_word(f"{key}.toxicity", adaptive.toxicity, known)
    if adaptive.tissue is not None:
        known_word(f"{key}.tissue", adaptive.tissue, settings.tissues)
    elif len(settings.tissues) > 1:
        raise ScenarioError(f"{key}.tissue: is required where there are several tissues, got nothing")
    if adaptive.check_every is not None and adaptive.check_every < settings.dt:
        raise ScenarioError(f"{key}.check_every: must be at least a step ({settings.dt:g} d), "
                            f"got {adaptive.check_every:g} d")  # fmt: skip


def _courses_before(end: float, treatment: Treatment) -> float:
    """Upper bound of the courses that start before `end` [d]."""
    if treatment.interval is None:
        return 1.0
    courses = max(end - treatment.start, 0.0) / treatment.interval + 1.0
    return courses if treatment.additional_doses is None else min(courses, treatment.additional_doses + 1.0)


# ------------------------------------------------------------------------------------------------- legal, but odd


def odd_drugs(settings: Settings) -> Iterator[str]:
    """What is legal but odd, one line each: doses that nobody gets, effects that change nothing, fields unread."""
    for name, treatment in settings.treatments.items():
        yield from _odd_doses(f"treatments.{name}", treatment, settings)
    for name in given(settings):
        drug = settings.drugs[name]
        idle = idle_effects(settings, name)
        if len(idle) == len(drug.effects):
            reasons = dict.fromkeys(f"{effect} ({why})" for effect, why in idle.items())
            yield f"drugs.{name}: does nothing here: {', '.join(reasons) or 'it has no effects'}"
        elif idle or _missing_factors(settings, drug):
            parts = [f"{effect} ({why})" for effect, why in idle.items()]
            parts += [f"{effect} of {factor} (no such factor)" for effect, factor in _missing_factors(settings, drug)
                      if effect not in idle]  # fmt: skip
            yield f"drugs.{name}: acts only in part: not {', '.join(parts)}"
        yield from _unread(name, drug, settings)
        yield from _lowers_clearance(name, drug, idle, settings)


def _odd_doses(key: str, treatment: Treatment, settings: Settings) -> Iterator[str]:
    days = settings.days
    if treatment.adaptive is not None and treatment.interval is None:
        yield f"{key}.adaptive: decides on one dose at most, because no interval is given"
    if treatment.amount == 0:
        yield f"{key}.amount: is 0, so that nothing is given"
    if treatment.additional_doses == 0 and treatment.interval is not None:
        yield f"{key}.interval: is not read, because additional_doses is 0"
    if treatment.start >= days:
        yield f"{key}.start: lies at or beyond the last day ({days:g} d), got {treatment.start:g} d"
        return
    regimen = Regimen(start=treatment.start, interval=treatment.interval, additional_doses=treatment.additional_doses,
                      until=treatment.until, days_on=treatment.days_on)  # fmt: skip
    if treatment.until is None and (treatment.interval is None or treatment.additional_doses is not None):
        planned = ((treatment.additional_doses or 0) + 1) * treatment.days_on
        late = planned - len(regimen.times(days))
        if late:
            yield f"{key}: {late} of {planned} doses lie at or beyond the last day ({days:g} d)"


def given(settings: Settings) -> tuple[str, ...]:
    """Drugs of which somebody gets more than nothing."""
    return tuple(dict.fromkeys(each.drug for each in settings.treatments.values() if each.amount > 0))


def _unread(name: str, drug: Drug, settings: Settings) -> Iterator[str]:
    """Fields of a drug that no route of its treatments reads, or that make no difference where it is given."""
    courses = [each for each in settings.treatments.values() if each.drug == name]
    routes = {route_of(each, drug) for each in courses}
    for field, route in READ_BY_ROUTE.items():
        if field in drug.model_fields_set and getattr(drug, field) is not None and route not in routes:
            yield f"drugs.{name}.{field}: is not read, because no treatment is {route}"
    for each in courses:
        if route_of(each, drug) == "topical":
            for tissue in each.tissues or settings.tissues:
                place = settings.tissues[tissue]
                if place.depth_axis is None and place.depth == 0:
                    where = f"drugs.{name}.penetration_depth"
                    yield f"{where}: makes no difference, because all cells of {tissue} lie at depth 0"


def _lowers_clearance(name: str, drug: Drug, idle: dict[str, str], settings: Settings) -> Iterator[str]:
    """A senomorphic that lowers a chemoattractant also lowers clearance (MODEL.md 2.5)."""
    for effect_name, effect in drug.effects.items():
        if effect.kind in ("inhibit_secretion", "neutralise") and effect_name not in idle:
            for factor in effect.factors or settings.factors:
                if factor in settings.factors and settings.factors[factor].attracts_immunity is not None:
                    yield f"drugs.{name}: also lowers immune clearance, because {factor} attracts immune cells"


def _missing_factors(settings: Settings, drug: Drug) -> list[tuple[str, str]]:
    return [(name, factor) for name, effect in drug.effects.items() for factor in effect.factors
            if factor not in settings.factors]  # fmt: skip


def idle_effects(settings: Settings, name: str) -> dict[str, str]:
    """Effects of a drug that change nothing in these settings, each with the reason."""
    drug = settings.drugs[name]
    reached = [each.tissues or list(settings.tissues) for each in settings.treatments.values() if each.drug == name]
    tissues = dict.fromkeys(tissue for each in reached for tissue in each if scale(drug.penetration, tissue) > 0)
    why = {effect_name: _why_idle(effect, tissues, settings) for effect_name, effect in drug.effects.items()}
    return {effect_name: reason for effect_name, reason in why.items() if reason}


def _why_idle(effect: Effect, reached: Iterable[str], settings: Settings) -> str:
    """Why an effect changes nothing in the tissues that its drug reaches, or nothing where it does."""
    if effect.emax == 0:
        return "emax is 0"
    tissues = [settings.tissues[name] for name in reached if scale(effect.by_tissue, name) > 0]
    if not any(scale(effect.by_type, kind) > 0 for tissue in tissues for kind in tissue.cell_types):
        return "no cells on which it acts"
    factors = [settings.factors[name] for name in effect.factors or settings.factors if name in settings.factors]
    if effect.kind in ON_FACTORS and not factors:
        return f"no factor {' or '.join(effect.factors)}".rstrip()
    return _nothing_to_act_on(effect.kind, tissues, factors)


def _nothing_to_act_on(kind: str, tissues: list[Tissue], factors: list[Factor]) -> str:
    """Why there is nothing that an effect of this kind could change; nothing where there is something."""
    if kind in ON_PIGMENT and not any(tissue.pigment for tissue in tissues):
        return "no pigment"
    immunity = any(tissue.guarded for tissue in tissues)
    if kind in ("kill_immune", "boost_immune") and not immunity:
        return "no immune clearance"
    if kind == "unjam_immune" and not (immunity and any(factor.jams_immunity for factor in factors)):
        return "no factor jams immune clearance"
    if kind == "boost_repair" and not any(tissue.repair.rate > 0 for tissue in tissues):
        return "no repair"
    if kind == "neutralise" and not any(each.transport != "kernel" and each.own_decay > 0 for each in factors):
        return "no decay that it could raise"
    if kind == "block_uptake" and not any(each.affinity and (each.cargo or each.capture > 0) for each in factors):
        return "no uptake"
    if kind == "inhibit_response" and not any(each.induction or each.cargo for each in factors):
        return "no factor induces senescence"
    return ""
