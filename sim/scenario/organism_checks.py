"""What single fields of an organism cannot know: tissues and functions that must exist, blood that must mix."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sim.errors import ScenarioError
from sim.scenario.checks import Names, check_name, known_word
from sim.scenario.event import Event
from sim.scenario.factor import Factor
from sim.scenario.function import DRIVERS, QUALITY_LOST
from sim.scenario.places import n_cells, organ_cells, tissue_of, walls_of
from sim.scenario.schema import Settings
from sim.scenario.tissue import Tissue

TAKEN = (  # by columns and outcomes of other tables
    "arm", "replicate", "tissue", "day", "point", "alive", "whole_body_burden", "lifespan",
    "burden", "mean_burden", "vacant", "immune_capacity", "immune_lost", "off_target", "off_target_loss", "quality",
    "tipping_burden", "production_elasticity", "removal_elasticity",
    "clusters", "cluster_largest", "cluster_mean", "morans_i", "connectivity", "sender_distance", "front_radius",
    "melanin_mean", "melanin_in_melanocytes", "melanin_in_keratinocytes", "activation_mean", "dendrites_mean",
    "spot_area", "spot_contrast", "lightness",
)  # fmt: skip
TAKEN_PREFIXES = (
    "n_", "new_", "cum_", "gen_", "due_to_", "cleared_", "mean_", "max_", "burden_", "plasma_", "function_", "conc_",
    "effect_", "open_", "exposure_", "closure_", "working_", "busy_", "kills_", "pool_",
)  # fmt: skip


def check_organism(settings: Settings, names: Names) -> None:
    """Raise ScenarioError (``key: rule, got value``) at the first thing that cannot be."""
    for name, factor in settings.factors.items():
        _check_blood(f"factors.{name}.blood", factor, settings)
    for name, tissue in settings.tissues.items():
        _check_stirred(f"tissues.{name}", tissue, settings)
        for function, each in tissue.functions.items():
            key = f"tissues.{name}.functions.{function}"
            check_name(key, function)
            for part in ("losses", "gains"):
                for driver in getattr(each, part):
                    known_word(f"{key}.{part}", driver, (*DRIVERS, *names.factors))
    known = [f"{name}.{each}" for name, tissue in settings.tissues.items() for each in tissue.functions]
    for name, outcome in settings.outcomes.items():
        if name in TAKEN or name.startswith(TAKEN_PREFIXES):
            raise ScenarioError(f"outcomes.{name}: must not be the name of another column of the tables, got {name!r}")
        for part in outcome.weights:
            known_word(f"outcomes.{name}.weights", part, known)
    for name, event in settings.events.items():
        if event.n_cells is not None:
            _check_size(f"events.{name}.n_cells", event, settings.tissues[tissue_of(event, settings)])


def _check_blood(key: str, factor: Factor, settings: Settings) -> None:
    """Blood knows the mean of a tissue, which walls or kernels that take would change in their own way."""
    if factor.blood is None:
        return
    for group in ("leak_by_tissue", "tropism"):
        for tissue in getattr(factor.blood, group):
            known_word(f"{key}.{group}", tissue, settings.tissues)
    if factor.transport == "kernel":
        raise ScenarioError(f"{key}: must not be with transport: kernel, which has no level to exchange, got one")
    if settings.generations == "tracked":
        raise ScenarioError(
            f"{key}: must not be with generations: tracked (a sender may be in another tissue), got one"
        )
    for name, tissue in settings.tissues.items():
        if settings.mode != "tissue" or factor.blood.exchange(name) == 0.0:
            continue
        if "absorbing" in walls_of(tissue) and not tissue.well_mixed:
            raise ScenarioError(
                f"{key}: must not reach tissue {name} with absorbing walls (leak_by_tissue: {{{name}: 0}} "
                f"cuts it off), got a leak of {factor.blood.exchange(name):g} 1/d"
            )


def _check_stirred(key: str, tissue: Tissue, settings: Settings) -> None:
    """In a well-mixed tissue cells have no places."""
    if not tissue.well_mixed:
        return
    kernels = [name for name, factor in settings.factors.items() if factor.transport == "kernel"]
    spatial = {"factors with a kernel": kernels, "contact": tissue.contact.hazard or tissue.contact.at_once,
               "patrols": list(tissue.patrols)}  # fmt: skip
    for what, there in spatial.items():
        if there:
            raise ScenarioError(f"{key}.well_mixed: must not be with {what}, which need places, got {there}")


def _check_size(key: str, event: Event, tissue: Tissue) -> None:
    """A graft by its number of cells."""
    if "radius" in event.model_fields_set:
        raise ScenarioError(f"{key}: must not be beside radius, got {event.n_cells:g} cells and {event.radius:g} um")
    assert event.n_cells is not None
    sites = n_cells(tissue)
    seen = sites_of_graft(event, tissue)
    if not 0.5 < seen <= sites:
        raise ScenarioError(
            f"{key}: must be 1 to {sites:g} of the cells of the patch, which stands for {organ_cells(tissue):g}, "
            f"got {event.n_cells:g}, which are {seen:.2g} of them"
        )


def sites_of_graft(event: Event, tissue: Tissue) -> float:
    """Number of sites that a graft of so many cells takes in the patch."""
    assert event.n_cells is not None
    return event.n_cells * n_cells(tissue) / organ_cells(tissue)


def odd_organism(settings: Settings) -> Iterator[str]:
    """What is legal but odd, one line each."""
    tissues = settings.tissues
    told = [name for name, tissue in tissues.items() if tissue.represents is not None]
    if told and len(told) < len(tissues):
        others = ", ".join(name for name in tissues if name not in told)
        yield f"tissues: represents is told for {', '.join(told)} but not for {others}, which count by their sites"
    for name, factor in settings.factors.items():
        if factor.blood is not None and not any(factor.blood.exchange(tissue) > 0.0 for tissue in tissues):
            yield f"factors.{name}.blood: has no tissue to exchange with, because every leak is 0"
    if settings.body.systemic_share < 1.0 and settings.body.fluctuation == 0.0:
        yield "body.systemic_share: shares out nothing, because body.fluctuation is 0"
    yield from _odd_drivers(settings)
    for name, tissue in tissues.items():
        if len(tissues) == 1 and tissue.clearance.saturation == "body" and math.isfinite(tissue.clearance.territory):
            yield f"tissues.{name}.clearance.saturation: the body has one tissue, so this is a territory of all of it"


def _odd_drivers(settings: Settings) -> Iterator[str]:
    """Functions that follow a quality which no dose can lower."""
    cargoes = [factor.cargo for factor in settings.factors.values() if factor.cargo is not None]
    if any(cargo.response.hill is not None for cargo in cargoes):
        return
    for name, tissue in settings.tissues.items():
        for function, each in tissue.functions.items():
            if QUALITY_LOST in each.losses or QUALITY_LOST in each.gains:
                key = f"tissues.{name}.functions.{function}"
                yield f"{key}: follows {QUALITY_LOST}, which is 0 without a factor with cargo and a Hill response"
