"""A tissue's settings as flat numbers and tables, for loops and agents alike: rates per day, shares not percent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sim.rules.clearance import left_by_knock_out
from sim.scenario import causes
from sim.scenario.clearance import Clearance
from sim.scenario.factor import Factor
from sim.scenario.layers import shares_by_layer, type_shares
from sim.scenario.response import Response
from sim.scenario.schema import Settings
from sim.scenario.tissue import Tissue
from sim.tissue.state import CLEARED, HEALTHY, SCARRED, SENESCENT, STATE_NAMES

NO_RESPONSE, HILL, LINEAR, POISSON_TAIL = 0.0, 1.0, 2.0, 3.0  # the kinds of sim.rules.induction.response


# Columns of `Parameters.factors`
LEVEL = 0  # kind of the response to the level, then its three numbers
CARGO = 4  # kind of the response to the accumulated cargo, then its three numbers
CARGO_ROW = 8  # row of the cargo array, -1 without cargo
MEMORY, KEEP = 9, 10  # memory [d] and exp(-dt / memory)
JAM_HALF, INHIBIT_HALF = 11, 12  # 0: the factor does not act there
BOOST_MAX, BOOST_HALF, BOOST_POWER = 13, 14, 15  # repair; max 0: the factor does not boost
ATTRACT_HALF, ATTRACT_BASAL = 16, 17  # half 0: the factor does not attract
COLUMNS = 18
# Middle index of `Parameters.by_type`
LEVEL_BY_TYPE, CARGO_BY_TYPE, AFFINITY = 0, 1, 2


class Numbers(NamedTuple):
    """The single numbers of a tissue. Rates are per day, ages in years, burdens in percent."""

    dt: float
    baseline: float
    per_year: float
    maintenance: float
    contact_rate: float
    at_once: float
    mature_after: float
    max_rate: float
    half_saturation: float
    refill_rate: float
    decline: float
    reach: int  # cells within which mothers are sought
    scar: float
    division_limit: int  # 0: none


class Parameters(NamedTuple):
    """What rules need to know of one tissue; F factors, T cell types, E event codes.

    Single numbers stand apart from few arrays: a loop that fetches an array from a tuple counts references (10 ns).
    """

    numbers: Numbers
    factors: np.ndarray  # (F, COLUMNS)
    by_type: np.ndarray  # (F, 3, T) multipliers of the responses, and affinity
    susceptibility: np.ndarray  # (T,)
    own_death: np.ndarray  # (T,) hazard of senescent cells to go by themselves [1/d]
    at_home: np.ndarray  # (layers, T) bool: types that belong to each layer
    outcome: np.ndarray  # (E,) uint8 state that a site enters by each event code
    secretion: np.ndarray  # (F, E, 3, T) strength by cause, generation (0, 1, later) and type
    phase: np.ndarray  # (F, 3) delay, ramp, duration [d]
    healthy: np.ndarray  # (F, T) strength of healthy cells, by type


def compile_parameters(settings: Settings, tissue: Tissue) -> Parameters:
    """The numbers of `tissue` under `settings`."""
    factors, types = list(settings.factors.values()), list(tissue.cell_types)
    table = np.zeros((len(factors), COLUMNS))
    by_type = np.ones((len(factors), 3, len(types)))
    rows = np.cumsum([factor.cargo is not None for factor in factors]) - 1
    for f, factor in enumerate(factors):
        cargo, memory = factor.cargo, factor.cargo.memory if factor.cargo else 1.0
        table[f, LEVEL : LEVEL + 4] = response_numbers(factor.induction)
        table[f, CARGO : CARGO + 4] = response_numbers(cargo.response if cargo else None)
        table[f, CARGO_ROW] = rows[f] if cargo else -1
        table[f, MEMORY], table[f, KEEP] = memory, math.exp(-settings.dt / memory)
        table[f, JAM_HALF] = factor.jams_immunity.half_max if factor.jams_immunity else 0.0
        table[f, INHIBIT_HALF] = factor.inhibits_repair.half_max if factor.inhibits_repair else 0.0
        if factor.boosts_repair is not None:
            boost = factor.boosts_repair
            table[f, BOOST_MAX : BOOST_POWER + 1] = boost.max, boost.half_max, boost.power
        if factor.attracts_immunity is not None:
            table[f, ATTRACT_HALF : ATTRACT_BASAL + 1] = (
                factor.attracts_immunity.half_max,
                factor.attracts_immunity.basal,
            )
        for index, name in enumerate(types):
            by_type[f, LEVEL_BY_TYPE, index] = factor.induction.by_type.get(name, 1.0) if factor.induction else 1.0
            by_type[f, CARGO_BY_TYPE, index] = cargo.response.by_type.get(name, 1.0) if cargo else 1.0
            by_type[f, AFFINITY, index] = factor.uptake.get(name, 0.0)
    return Parameters(
        numbers=_numbers(settings, tissue),
        factors=table,
        by_type=by_type,
        susceptibility=np.array([kind.susceptibility for kind in tissue.cell_types.values()]),
        own_death=np.array(own_deaths(tissue)),
        at_home=_at_home(tissue),
        outcome=_outcome(settings),
        secretion=_secretion(settings, types),
        phase=np.array([[f.secretion.delay, f.secretion.ramp, f.secretion.duration] for f in factors]).reshape(-1, 3),
        healthy=np.array([_of_healthy(factor, types) for factor in factors]).reshape(-1, len(types)),
    )


def _outcome(settings: Settings) -> np.ndarray:
    """State that a site enters by each event code: senescent, but for what removes, refills or heals."""
    outcome = np.full(len(causes.event_names(settings)), SENESCENT, np.uint8)
    outcome[[causes.IMMUNE, causes.OWN_DEATH, causes.PATROLS, causes.FLUCTUATION_LOSS]] = CLEARED
    outcome[causes.REPAIRED], outcome[causes.SCARRED_BY] = HEALTHY, SCARRED
    for index, event in enumerate(settings.events.values()):
        if not event.induces:
            outcome[causes.first_event(settings) + index] = HEALTHY if event.kind == "graft" else CLEARED
    own = causes.first_own(settings)
    by_drugs = outcome[causes.first_drug(settings) : own].reshape(-1, causes.PER_DRUG)
    by_drugs[:, [causes.KILLED, causes.OFF_TARGET]] = CLEARED
    by_drugs[:, causes.REVERSED] = HEALTHY
    outcome[own:] = [STATE_NAMES.index(each.becomes) for each in settings.own_causes.values()]
    return outcome


def _at_home(tissue: Tissue) -> np.ndarray:
    """Whether a daughter of each type may settle in each layer, (layers, T) bool; else the site keeps its type."""
    belongs = np.array(shares_by_layer(tissue)) > 0.0 if tissue.layers else np.ones((1, len(tissue.cell_types)), bool)
    return belongs & (not tissue.repair.keeps_types)


def _numbers(settings: Settings, tissue: Tissue) -> Numbers:
    repair, clearance, contact = tissue.repair, tissue.clearance, tissue.contact
    return Numbers(
        dt=settings.dt,
        baseline=tissue.damage.baseline / 100,
        per_year=tissue.damage.per_year / 100,
        maintenance=tissue.maintenance,
        contact_rate=contact.hazard,
        at_once=contact.at_once,
        mature_after=contact.mature_after,
        max_rate=removal_rate(clearance),
        half_saturation=clearance.half_saturation,
        refill_rate=repair.rate,
        decline=repair.decline,
        reach=repair.reach,
        scar=repair.scar,
        division_limit=repair.division_limit or 0,
    )


def removal_rate(clearance: Clearance) -> float:
    """Percent of the tissue that immune cells remove per day at saturation, knock-outs included."""
    return left_by_knock_out(clearance.max_rate, clearance.granule_share, clearance.perforin)


def own_deaths(tissue: Tissue) -> list[float]:
    """Hazard at which senescent cells of each type go by themselves, or are shed [1/d]."""
    return [tissue.clearance.own_death + kind.turnover for kind in tissue.cell_types.values()]


def mean_own_death(tissue: Tissue) -> float:
    """That of the mean resident cell [1/d], by the shares of the cell types."""
    return sum(hazard * share for hazard, share in zip(own_deaths(tissue), type_shares(tissue), strict=True))


def mean_affinity(factor: Factor, tissue: Tissue, left: Sequence[float] = ()) -> float:
    """Affinity of the mean resident cell, by the shares of the cell types; `left` by a drug, per type (none: all)."""
    kinds = tissue.cell_types
    shares = zip(kinds, type_shares(tissue), left or [1.0] * len(kinds), strict=True)
    return sum(factor.uptake.get(name, 0.0) * share * remains for name, share, remains in shares)


def total_decay(factor: Factor, tissue: Tissue, neutralised: float = 0.0, uptake_left: Sequence[float] = ()) -> float:
    """Decay with the uptake by cells and the ventilation [1/d]; uptake is uniform: the step stays exact (MODEL.md 2.1).

    A neutralising drug adds `neutralised` times the own decay; a drug that blocks uptake leaves `uptake_left` per type.
    """
    uptake = mean_affinity(factor, tissue, uptake_left) * factor.capture
    return factor.own_decay * (1.0 + neutralised) + uptake + factor.ventilation


def unit_decay(factor: Factor, tissue: Tissue) -> float:
    """The decay that the unit of a factor belongs to [1/d], without drugs and ventilation; 1 where there is none."""
    return factor.own_decay + mean_affinity(factor, tissue) * factor.capture or 1.0


def level_per_burden(factor: Factor, tissue: Tissue) -> float:
    """Steady level at a uniform burden of 1 % mature primary cells of strength 1: what ventilation leaves of one unit.

    Where nothing is ever lost there is no steady level, and nothing that ventilation takes.
    """
    decay = total_decay(factor, tissue)
    return unit_decay(factor, tissue) / decay if decay > 0.0 else 1.0


def unit_secretion(factor: Factor, tissue: Tissue) -> float:
    """Secretion of one mature primary cell into its own share of space [unit/d]: a burden of 1 % keeps the level 1.

    Ventilation takes from that level. A kernel states its own emission. Without any decay there is no steady level;
    there one unit is what a burden of 1 % adds in a day.
    """
    return 1.0 if factor.transport == "kernel" else 100.0 * unit_decay(factor, tissue)


def response_numbers(response: Response | None) -> tuple[float, float, float, float]:
    """Kind and three numbers of `sim.rules.induction.response`."""
    if response is None:
        return NO_RESPONSE, 0.0, 1.0, 1.0
    if response.hill is not None:
        return HILL, response.hill.max_rate, response.hill.half_max, response.hill.power
    if response.linear is not None:
        return LINEAR, response.linear.rate, 0.0, 0.0
    assert response.poisson_tail is not None
    return POISSON_TAIL, float(response.poisson_tail.threshold), response.poisson_tail.rate, 0.0


def _of_healthy(factor: Factor, types: list[str]) -> list[float]:
    """What a healthy cell of each type gives off."""
    given = factor.secretion
    return [given.strength * given.healthy * given.by_type.get(name, 1.0) for name in types]


def _secretion(settings: Settings, types: list[str]) -> np.ndarray:
    """Strength by cause, generation and type; 0 for the cause `nothing` of all cells that are not senescent."""
    names = causes.event_names(settings)
    table = np.ones((len(settings.factors), len(names), 3, len(types)))
    for index, factor in enumerate(settings.factors.values()):
        secretion = factor.secretion
        table[index] *= secretion.strength
        table[index, :, 1] *= secretion.secondary
        table[index, :, 2] *= secretion.tertiary
        for code, name in enumerate(names):
            table[index, code] *= secretion.by_cause.get(name, 1.0)
        for code, name in enumerate(types):
            table[index, :, :, code] *= secretion.by_type.get(name, 1.0)
    table[:, causes.NOTHING] = 0.0
    return table
