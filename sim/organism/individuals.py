"""How individuals differ: traits drawn by the number of the individual, so that mouse 17 is the same in every arm."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from sim.rng import BODY, Purpose, Stream
from sim.scenario.individuals import Individuals, Shape, Trait
from sim.scenario.patrol import Patrol
from sim.scenario.schema import Settings
from sim.scenario.tissue import Tissue

Floats = npt.NDArray[np.float64]

SEX, AGE, DAMAGE, REMOVAL, SUSCEPTIBILITY = range(5)  # draws: part of every address, add only at the end


class Traits(NamedTuple):
    """What n individuals bring along, (n,) each."""

    sex: npt.NDArray[np.int64]  # row of `individuals.sexes`; 0 where these are not told
    age_at_start: Floats  # [d]
    damage: Floats  # multipliers
    removal: Floats
    susceptibility: Floats


def traits(settings: Settings, first: int, count: int, seed: int | None = None) -> Traits:
    """Traits of individuals `first`, `first` + 1 ...: each has its own, whoever else is there, whatever its arm."""
    stream = Stream(settings.seed if seed is None else seed, BODY, 0)
    numbers = np.arange(first, first + count, dtype=np.int64)
    individuals = settings.individuals

    def luck(draw: int) -> Floats:
        return stream.uniforms(Purpose.TRAIT, 0, numbers, draw)

    shares = np.array(list(individuals.sexes.values()) or [1.0])
    sex = np.searchsorted(np.cumsum(shares / shares.sum())[:-1], luck(SEX), side="right").astype(np.int64)
    age = np.full(count, settings.age_at_start)
    if individuals.age_spread > 0.0:
        age = np.maximum(0.0, age + individuals.age_spread * _normal(luck(AGE)))
    multipliers = [
        spread_out(trait, luck(draw)) * _by_sex(trait, individuals)[sex]
        for draw, trait in zip((DAMAGE, REMOVAL, SUSCEPTIBILITY), individuals.traits.values(), strict=True)
    ]
    return Traits(sex, age, *multipliers)


def trait_columns(settings: Settings, who: Traits) -> dict[str, npt.NDArray[Any]]:
    """What the table of individuals tells of them, (n,) each: all that may differ, and the age at the start."""
    individuals = settings.individuals
    told: dict[str, npt.NDArray[Any]] = {"age_at_start": who.age_at_start}
    if individuals.sexes:
        told["sex"] = np.array(list(individuals.sexes), object)[who.sex]
    return told | {f"trait_{name}": getattr(who, name) for name, trait in individuals.traits.items() if trait.differs}


def _by_sex(trait: Trait, individuals: Individuals) -> Floats:
    """Multiplier of each sex; 1 where sexes are not told."""
    return np.array([trait.by_sex.get(sex, 1.0) for sex in individuals.sexes] or [1.0])


def spread_out(trait: Trait, luck: Floats) -> Floats:
    """Multipliers at quantiles `luck` of the distribution of a trait."""
    shape: Shape = trait.distribution
    if shape == "uniform":
        return np.maximum(0.0, 1.0 + math.sqrt(12.0) * trait.spread * (luck - 0.5))
    deviation = trait.spread * _normal(luck)
    return np.exp(deviation) if shape == "lognormal" else np.maximum(0.0, 1.0 + deviation)


def _normal(luck: Floats) -> Floats:
    """Standard normal deviates at quantiles `luck`, of which 0 counts as half of the smallest other one."""
    return np.asarray(ndtri(np.maximum(luck, 2.0**-54)), np.float64)


def embodied(settings: Settings, replicate: int, seed: int | None = None) -> Settings:
    """The settings of one individual: its own age, damage, immune removal and susceptibility."""
    if not settings.individuals.differ:
        return settings
    one = traits(settings, replicate, 1, seed)
    age, damage, removal, susceptibility = (float(each[0]) for each in one[1:])
    tissues = {name: _own(tissue, damage, removal, susceptibility) for name, tissue in settings.tissues.items()}
    return settings.model_copy(update={"age_at_start": age, "tissues": tissues})


def _own(tissue: Tissue, damage: float, removal: float, susceptibility: float) -> Tissue:
    """A tissue of an individual."""
    hurt, guard = tissue.damage, tissue.clearance
    own_damage = {"baseline": hurt.baseline * damage, "per_year": hurt.per_year * damage}
    types = {
        name: kind.model_copy(update={"susceptibility": kind.susceptibility * susceptibility})
        for name, kind in tissue.cell_types.items()
    }
    patrols = {name: _own_patrol(patrol, removal) for name, patrol in tissue.patrols.items()}
    return tissue.model_copy(
        update={
            "damage": hurt.model_copy(update=own_damage),
            "clearance": guard.model_copy(update={"max_rate": guard.max_rate * removal}),
            "cell_types": types,
            "patrols": patrols,
        }
    )


def _own_patrol(patrol: Patrol, removal: float) -> Patrol:
    """Patrols of an individual: as many times more at the start as enter later, so that their number stays so."""
    entry = patrol.recruitment
    if entry is not None:
        entry = entry.model_copy(update={"basal": entry.basal * removal, "max_rate": entry.max_rate * removal})
    return patrol.model_copy(update={"density": patrol.density * removal, "recruitment": entry})
