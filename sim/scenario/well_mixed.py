"""What the mode `well_mixed` cannot do, and what it leaves out: one burden per individual, no cells, no places."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from sim.errors import ScenarioError
from sim.scenario.checks import available_bytes, size_in_words
from sim.scenario.drug_checks import route_of
from sim.scenario.factor import Factor
from sim.scenario.schema import Settings
from sim.scenario.tissue import Tissue

COARSE = 0.5  # share of the senescent cells that a step may remove; above it the burden of the step is far off
LAYERS_OUT = ("maps", "days", "maps_every", "attribution", "patterns", "checkpoints")  # of `record`
NOT_HERE = "is not possible with mode: well_mixed"


def check_well_mixed(settings: Settings) -> None:
    """Raise ScenarioError (``key: rule, got value``) at the first thing that would act, and that the mode cannot do."""
    if settings.mode != "well_mixed":
        return
    for name, tissue in settings.tissues.items():
        for key, value in _spatial(tissue):
            if value:
                raise ScenarioError(f"tissues.{name}.{key}: {NOT_HERE}, got {value}")
    _check_sizes(settings)
    for key, factor in settings.factors.items():
        if factor.transport == "kernel" or factor.own_decay == 0.0:
            got = "transport kernel" if factor.transport == "kernel" else "no decay"
            raise ScenarioError(f"factors.{key}: must have a steady level with mode: well_mixed, got {got}")
        for place, tissue in settings.tissues.items():
            gives = {factor.secretion.by_type.get(kind, 1.0) for kind in tissue.cell_types}
            if factor.acts and len(gives) > 1 and not turn_alike(settings.factors.values(), tissue):
                rule = "must be the same for all cell types with mode: well_mixed, unless all turn equally easily"
                raise ScenarioError(f"factors.{key}.secretion.by_type: {rule}, got {gives} in {place}")
    for key in (
        *(f"events.{name}" for name in settings.events),
        *(f"own_causes.{name}" for name in settings.own_causes),
    ):
        raise ScenarioError(f"{key}: {NOT_HERE}, got one")
    if settings.stop is not None:
        raise ScenarioError(f"stop: {NOT_HERE}, got {settings.stop.count} cells turned by {settings.stop.cause}")
    if settings.generations == "tracked":
        raise ScenarioError(f"generations: {NOT_HERE}, got 'tracked'")
    _check_treatments(settings)
    _check_tables(settings)


def turn_alike(factors: Iterable[Factor], tissue: Tissue) -> bool:
    """Whether cells of all types turn equally easily, so that senescent ones are of the types of the tissue."""
    ways = {kind: [each.susceptibility] for kind, each in tissue.cell_types.items()}
    for factor in factors:
        for kind, way in ways.items():
            way.append(factor.induction.by_type.get(kind, 1.0) if factor.induction else 1.0)
            if factor.cargo:
                way += [factor.uptake.get(kind, 0.0), factor.cargo.response.by_type.get(kind, 1.0)]
    return len({tuple(way) for way in ways.values()}) == 1


def has_a_size(tissue: Tissue) -> bool:
    """Whether it is known how many cells a tissue has."""
    return tissue.represents is not None or tissue.shape is not None or tissue.cloud is not None


def _check_sizes(settings: Settings) -> None:
    """Shares in the body need all sizes, or none where all tissues are alike; blood needs volumes."""
    unknown = [name for name, tissue in settings.tissues.items() if not has_a_size(tissue)]
    if 0 < len(unknown) < len(settings.tissues):
        others = ", ".join(name for name in settings.tissues if name not in unknown)
        raise ScenarioError(
            f"tissues.{unknown[0]}.represents: must be told where that of others is known ({others}), got nothing"
        )
    for name, factor in settings.factors.items():
        for where in unknown:
            if factor.blood and factor.blood.exchange(where) > 0.0 and settings.tissues[where].volume is None:
                raise ScenarioError(f"tissues.{where}.volume: must be told where {name} is in the blood, got nothing")


def _check_tables(settings: Settings) -> None:
    """Rows of thousands of individuals are what fills the memory; they exist twice while tables are made."""
    rows = settings.replicates * (settings.days / settings.record.every + 2.0)
    rows *= len(settings.tissues)
    needed, there = 2.0 * rows * 8.0 * (6 + len(settings.factors)), available_bytes()
    if needed > there:
        raise ScenarioError(
            f"record.every: must leave rows that fit into the memory of this machine ({size_in_words(there)} free), "
            f"got {settings.record.every:g} d, which needs about {size_in_words(needed)}"
        )


def _spatial(tissue: Tissue) -> Iterator[tuple[str, Any]]:
    """What single cells do, by key; nothing where it is off."""
    contact = tissue.contact
    yield "contact.hazard", contact.hazard
    yield "contact.at_once", contact.at_once
    yield "repair.division_limit", tissue.repair.division_limit
    yield "patrols", ", ".join(tissue.patrols)
    for kind, about in tissue.cell_types.items():
        yield f"cell_types.{kind}.turnover", about.turnover


def _check_treatments(settings: Settings) -> None:
    """All individuals have one calendar, and their cells no ages."""
    for name, treatment in settings.treatments.items():
        drug = settings.drugs[treatment.drug]
        if treatment.adaptive is not None:
            raise ScenarioError(f"treatments.{name}.adaptive: {NOT_HERE}, got one")
        if route_of(treatment, drug) == "topical":
            raise ScenarioError(f"treatments.{name}.route: {NOT_HERE}, got 'topical'")
        for effect_name, effect in drug.effects.items():
            if effect.senescent_from > 0.0 or effect.senescent_until < math.inf:
                key = f"drugs.{treatment.drug}.effects.{effect_name}"
                raise ScenarioError(f"{key}: must act on cells of all ages with mode: well_mixed, got a window")


def odd_well_mixed(settings: Settings) -> Iterator[str]:
    """What is legal but odd, one line each."""
    if settings.mode != "well_mixed":
        return
    kept = [key for key in LAYERS_OUT if getattr(settings.record, key)]
    if kept:
        yield f"record.{kept[0]}: is not kept with mode: well_mixed, which has no cells"
    followed = [name for name, tissue in settings.tissues.items() if tissue.functions]
    if followed:
        yield f"tissues.{followed[0]}.functions: are not followed with mode: well_mixed, nor are outcomes made of them"
    for name in dict.fromkeys(treatment.drug for treatment in settings.treatments.values()):
        if any(effect.kind == "kill_healthy" for effect in settings.drugs[name].effects.values()):
            yield f"drugs.{name}: what it kills off target is replaced at once with mode: well_mixed, and not counted"
    for name, tissue in settings.tissues.items():
        fastest = tissue.clearance.max_rate / tissue.clearance.half_saturation
        if fastest * settings.dt > COARSE:
            yield (f"dt: is long for the clearance of tissues.{name}, which removes {fastest:.2g} of few senescent "
                   f"cells per day; at most {COARSE / fastest:.2g} d, got {settings.dt:g} d")  # fmt: skip
