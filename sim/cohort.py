"""Thousands of well-mixed individuals at once: the limit in which every cell meets every other (mode `well_mixed`).

The burden X [%] of an individual follows the rules of single cells in their mean::

    dX = (damage + induction by factors - removal X) dt + sqrt(2 eps) dB,    0 <= X <= 100, death at Xc

with the hazards of the old state, as in a tissue. Factors are at the level of their well-mixed source, whose cells have
the mean secretion of an even stream (`sim.rules.secretion.mean_phase`); the burden is kept in parts by what turned the
cells, so that secretion by cause and generation holds. The noise is the Brownian path of the body, which does not
depend on dt. Within a step it is a bridge: reflected at 0 by its minimum (Skorokhod), dead if it has crossed Xc.

Neglected: space (reach, territories, holes, contact), vacancies and their repair, cells that evade, ages of single
cells (windows of drugs), depletion of the more susceptible cell types.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt

from sim import cohort_kernel as parts
from sim.organism.dosing import DoseRow, Dosing
from sim.rng import BODY, Purpose, Stream
from sim.scenario import causes
from sim.scenario.quantity import DAYS_PER_YEAR
from sim.scenario.schema import Settings
from sim.scenario.tissue import Tissue
from sim.tissue.acting import Acting, nothing_acts
from sim.tissue.parameters import Parameters, compile_parameters, removal_rate, total_decay
from sim.tissue.patch import Patch

Floats = npt.NDArray[np.float64]

PLAN = (  # name, words: one step of each individual, top to bottom
    ("dose", "doses that are due are given; the mean effects of drugs over the step", ""),
    ("secrete", "factors follow what senescent cells give off; cargo follows the factors", ""),
    ("immunity", "immune capacity follows age, and what ages or kills immune cells", ""),
    ("turn", "damage and induction raise the burden, removal lowers it: hazards of the old state", ""),
    ("fluctuate", "noise, reflected where nothing is senescent", ""),
    ("survive", "the individual dies if its burden has been too high within the step", ""),
)


class Individual(NamedTuple):
    """What all individuals of an arm have in common: times in d, burdens in percent."""

    n_steps: int
    dt: float
    age_at_start: float
    year: float
    initial: float
    fluctuation: float
    threshold: float  # infinite: nobody dies
    steepness: float  # 0: at the threshold


class Rates(NamedTuple):
    """The single numbers of the tissue; rates per day, ages in years."""

    baseline: float
    per_year: float
    absolute: float  # 1: production does not fall with the healthy share
    maintenance: float
    max_rate: float
    half_saturation: float
    capacity: float
    decline: float
    immune_age: float  # -1: that of the host
    recovery: float
    own_death: float


class Tables(NamedTuple):
    """What rules need of F factors, T cell types, K parts of the burden and D drugs that turn cells."""

    factors: Floats  # (F, COLUMNS), see sim.tissue.parameters
    by_type: Floats  # (F, 3, T)
    susceptibility: Floats  # (T,)
    shares: Floats  # (T,) of the resident cells
    strength: Floats  # (F, K) secretion of the mean cell of each part
    phase: Floats  # (F, 3)
    decay: Floats  # (F,) without drugs [1/d]
    ages_immunity: Floats  # (F, 3) k_imm, half-maximum, power; 0: not
    drug_parts: npt.NDArray[np.int64]  # (D,) part of the cells that each hazard on healthy ones turns, -1: it kills


class Course(NamedTuple):
    """What drugs do, step by step (S), or once for all steps (S = 1) where there are none."""

    modifiers: Floats  # (S, T, M), see sim.tissue.acting
    killing: Floats  # (S, K) hazard of each part [1/d]
    secretion_left: Floats  # (S, F, K)
    decay: Floats  # (S, F) multiple of the decay without drugs
    immune_killing: Floats  # (S,) [1/d]


class Place(NamedTuple):
    """Words of the addresses of random numbers."""

    fluctuation: int
    death: int
    k0: int
    k1: int


class Lives(NamedTuple):
    """What n individuals leave behind; R rows at `days`, NaN where one is dead."""

    ends: Floats  # (n,) day of death, or of the end of the run
    died: npt.NDArray[np.bool_]  # (n,)
    days: Floats  # (R,)
    rows: Floats  # (n, R, 2 + F) burden [%], immune capacity, level of each factor
    doses: list[DoseRow]


def live(settings: Settings, first: int, count: int) -> Lives:
    """Individuals `first`, `first` + 1 ... of one arm; each is the same, whoever else is there."""
    kinds = _parts(settings)
    name, tissue = next(iter(settings.tissues.items()))
    parameters = compile_parameters(settings, tissue)
    shares = _shares(tissue)
    course, drug_parts, doses = _course(settings, name, tissue, parameters, kinds, shares)
    due = recorded_steps(settings)
    rows = np.full((count, due.size, 2 + len(settings.factors)), np.nan)
    ends, died = np.empty(count), np.zeros(count, np.bool_)
    stream = Stream(settings.seed, BODY, first)
    place = Place(stream.c2(Purpose.FLUCTUATION), stream.c2(Purpose.DEATH), stream.k0, stream.k1)
    tables = _tables(settings, tissue, parameters, kinds, shares, drug_parts)
    parts.live(first, place, _individual(settings, tissue), _rates(tissue), tables, course, due, rows, ends, died)
    days = due.astype(np.float64) * settings.dt
    return Lives(ends, died, days, rows, doses)


def recorded_steps(settings: Settings) -> npt.NDArray[np.int64]:
    """Steps after which a row is written: the first on or after every multiple of `record.every`, and the last."""
    every, dt, n = settings.record.every, settings.dt, settings.n_steps
    wanted = np.arange(math.floor(n * dt / every * (1.0 + 1e-9)) + 1) * every
    return np.unique(np.r_[np.ceil(wanted / dt * (1.0 - 1e-9)), n].astype(np.int64))


def _individual(settings: Settings, tissue: Tissue) -> Individual:
    death = settings.body.death
    return Individual(
        n_steps=settings.n_steps,
        dt=settings.dt,
        age_at_start=settings.age_at_start,
        year=DAYS_PER_YEAR,
        initial=tissue.initial.burden,
        fluctuation=settings.body.fluctuation,
        threshold=death.burden if death else math.inf,
        steepness=(death.steepness or 0.0) if death else 0.0,
    )


def _rates(tissue: Tissue) -> Rates:
    clearance, damage = tissue.clearance, tissue.damage
    return Rates(
        baseline=damage.baseline / 100,
        per_year=damage.per_year / 100,
        absolute=float(damage.production == "absolute"),
        maintenance=tissue.maintenance,
        max_rate=removal_rate(clearance),
        half_saturation=clearance.half_saturation,
        capacity=clearance.capacity,
        decline=clearance.decline,
        immune_age=-1.0 if clearance.immune_age is None else clearance.immune_age / DAYS_PER_YEAR,
        recovery=clearance.recovery,
        own_death=clearance.own_death,
    )


def _shares(tissue: Tissue) -> Floats:
    """Share of each cell type among the resident cells."""
    fractions = np.array([kind.fraction for kind in tissue.cell_types.values()])
    return fractions / fractions.sum()


# ------------------------------------------------------------------------------------------------ parts of the burden


@dataclass(frozen=True)
class Parts:
    """The parts of the burden in their order: event code and generation of their cells."""

    codes: npt.NDArray[np.int64]
    generations: npt.NDArray[np.int64]


def _parts(settings: Settings) -> Parts:
    by_themselves = [causes.INITIAL, causes.DAMAGE, causes.FLUCTUATION]
    by_factors = [causes.FIRST_FACTOR + i for i in range(2 * len(settings.factors))]
    induced = [causes.first_drug(settings) + causes.PER_DRUG * i + causes.INDUCED for i in range(len(settings.drugs))]
    codes = [*by_themselves, *by_factors, *induced]
    generations = [0] * len(by_themselves) + [1] * len(by_factors) + [0] * len(induced)
    return Parts(np.array(codes), np.array(generations))


def _tables(
    settings: Settings,
    tissue: Tissue,
    parameters: Parameters,
    kinds: Parts,
    shares: Floats,
    drug_parts: npt.NDArray[np.int64],
) -> Tables:
    factors = list(settings.factors.values())
    ages = [factor.ages_immunity for factor in factors]
    return Tables(
        factors=parameters.factors,
        by_type=parameters.by_type,
        susceptibility=parameters.susceptibility,
        shares=shares,
        strength=parameters.secretion[:, kinds.codes, kinds.generations] @ shares,
        phase=parameters.phase,
        decay=np.array([total_decay(factor, tissue) for factor in factors]),
        ages_immunity=np.array([(a.max_rate, a.half_max, a.power) if a else (0.0, 1.0, 1.0) for a in ages]).reshape(
            -1, 3
        ),
        drug_parts=drug_parts,
    )


# ------------------------------------------------------------------------------------------------------------- drugs


@dataclass
class _OnePlace:
    """What `sim.organism.dosing` asks of a patch and gives to it, where all cells are in one place."""

    name: str
    tissue: Tissue
    geometry: _OneSite
    acting: Acting | None = None
    capacity: float = 1.0
    immunity: float = 1.0
    immune_killing: float = 0.0


@dataclass(frozen=True)
class _OneSite:
    n_sites: int = 1
    exists: None = None


def _course(
    settings: Settings, name: str, tissue: Tissue, parameters: Parameters, kinds: Parts, shares: Floats
) -> tuple[Course, npt.NDArray[np.int64], list[DoseRow]]:
    """What the calendar of an arm does to all its individuals, the parts of the cells that drugs turn, the calendar."""
    n_factors, n_parts = len(settings.factors), kinds.codes.size
    if not settings.treatments:
        modifiers = nothing_acts(n_factors, shares.size, parameters.outcome.size).modifiers
        left, decay = np.ones((1, n_factors, n_parts)), np.ones((1, n_factors))
        return Course(modifiers, np.zeros((1, n_parts)), left, decay, np.zeros(1)), np.zeros(0, np.int64), []
    here = _OnePlace(name, tissue, _OneSite())
    dosing = Dosing(settings, {name: cast(Patch, here)})
    steps = []
    for step in range(settings.n_steps):
        dosing.dose(step, lambda where, what: 0.0)  # nothing adaptive asks for it
        dosing.act(step)
        steps.append(_acts(settings, here, kinds, shares))
    turned = dosing.assemblies[name].nothing.healthy_codes
    places = {code: place for place, code in enumerate(kinds.codes.tolist())}
    drug_parts = np.array([places.get(code, -1) for code in turned.tolist()], np.int64)
    return Course(*(np.array(column) for column in zip(*steps, strict=True))), drug_parts, dosing.calendar


def _acts(settings: Settings, here: _OnePlace, kinds: Parts, shares: Floats) -> tuple[Floats, ...]:
    """One step of the course, in its order."""
    acting, tissue = here.acting, here.tissue
    assert acting is not None
    deeds, muting = acting.on_senescent, acting.on_secretion
    killing = np.einsum("k,kpt,t->p", deeds.strength[:, 0], deeds.weight[:, kinds.codes, kinds.generations], shares)
    inhibited = muting.strength[:, 0, None, None] * (muting.weight[:, kinds.codes, kinds.generations] @ shares)[:, None]
    left = np.maximum(0.0, 1.0 - inhibited * acting.inhibited[:, :, None]).prod(axis=0)
    decay = [
        total_decay(factor, tissue, float(acting.neutralised[f]), acting.uptake_left[f].tolist())
        / total_decay(factor, tissue)
        for f, factor in enumerate(settings.factors.values())
    ]
    return acting.modifiers[0], killing, left, np.array(decay), np.array(here.immune_killing)
