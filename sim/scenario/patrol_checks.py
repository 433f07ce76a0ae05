"""What single fields of patrols cannot know: factors that must exist and have a gradient, walks that fit the tissue."""

from __future__ import annotations

from collections.abc import Iterator

from sim.errors import ScenarioError, did_you_mean
from sim.scenario.checks import Names, check_name, known_word
from sim.scenario.patrol import Patrol
from sim.scenario.places import extent_of, n_cells, organ_cells
from sim.scenario.schema import Settings
from sim.scenario.tissue import Tissue

MANY = 100.0  # patrols per 100 resident cells


def check_patrols(settings: Settings, names: Names) -> None:
    """Raise ScenarioError (``key: rule, got value``) at the first patrol that cannot be."""
    for where, tissue in settings.tissues.items():
        for name, patrol in tissue.patrols.items():
            key = f"tissues.{where}.patrols.{name}"
            check_name(key, name)
            if patrol.circulates and name not in settings.body.circulation:
                raise ScenarioError(f"{key}.circulates: must have body.circulation.{name}, got none")
            if patrol.follows is not None:
                _check_lead(f"{key}.follows", patrol.follows, tissue, settings, names)
    circulating = list(dict.fromkeys(_circulating(settings)))
    for name in settings.body.circulation:
        if name not in circulating:
            raise ScenarioError(
                f"body.circulation.{name}: must be the name of patrols that circulate in some tissue, got "
                f"{', '.join(circulating) or 'none'}{did_you_mean(name, circulating)}"
            )


def _circulating(settings: Settings) -> Iterator[str]:
    """Kinds with `circulates`, once for each tissue that has them."""
    for tissue in settings.tissues.values():
        yield from (name for name, patrol in tissue.patrols.items() if patrol.circulates)


def _check_lead(key: str, factor: str, tissue: Tissue, settings: Settings, names: Names) -> None:
    known_word(key, factor, names.factors)
    there = settings.factors.get(factor)
    if there is not None and there.transport == "kernel" and tissue.cloud is not None:
        raise ScenarioError(f"{key}: must be a factor with a field between the cells (not transport: kernel) in a "
                            f"cloud, got {factor!r}")  # fmt: skip


def odd_patrols(settings: Settings) -> Iterator[str]:
    """What is legal but odd, one line each."""
    for where, tissue in settings.tissues.items():
        if tissue.patrols and tissue.clearance.max_rate > 0:
            yield (f"tissues.{where}.patrols: act beside the mean field of immunity; clearance.max_rate: 0 leaves them "
                   f"alone, got {tissue.clearance.max_rate:g} %/d")  # fmt: skip
        for name, patrol in tissue.patrols.items():
            key = f"tissues.{where}.patrols.{name}"
            yield from _odd_patrol(key, patrol, tissue)
            pool, sites = settings.body.circulation.get(name), n_cells(tissue)
            if patrol.circulates and pool is not None and sites and organ_cells(tissue) > pool.number * sites:
                yield (f"body.circulation.{name}.number: is less than the {organ_cells(tissue) / sites:.3g} cells for "
                       f"which one patrol of tissue {where} stands, so none enters, got {pool.number:g}")  # fmt: skip
            lead = settings.factors.get(patrol.follows or "")
            if patrol.follows is not None and lead is None:
                yield f"{key}.follows: {patrol.follows} is not there, so it walks at random and is not called"
            if lead is not None and lead.transport == "well_mixed" and patrol.migration_bias > 0:
                yield f"{key}.migration_bias: has no gradient to follow, because {patrol.follows} is well mixed"


def _odd_patrol(key: str, patrol: Patrol, tissue: Tissue) -> Iterator[str]:
    smallest = min(extent_of(tissue))
    if patrol.density > MANY:
        yield f"{key}.density: is more patrols than cells, got {patrol.density:g} %"
    if 0 < patrol.density * n_cells(tissue) < 50:
        yield f"{key}.density: makes less than half a patrol in this tissue, so none, got {patrol.density:g} %"
    if 2 * patrol.reach > smallest:
        yield f"{key}.reach: goes beyond the tissue of {smallest:g} um, got {patrol.reach:g} um"
    if patrol.speed == 0:
        yield f"{key}.speed: they stand still and find nobody, got 0 um/d"
