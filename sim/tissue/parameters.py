"""A tissue's settings as flat numbers and tables, for loops and agents alike: rates per day, shares not percent."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.scenario import causes
from sim.scenario.factor import Factor, Response
from sim.scenario.schema import Settings
from sim.scenario.tissue import Tissue

NO_RESPONSE, HILL, LINEAR, POISSON_TAIL = 0.0, 1.0, 2.0, 3.0  # the kinds of sim.rules.induction.response


# Columns of `Parameters.factors`
LEVEL = 0  # kind of the response to the level, then its three numbers
CARGO = 4  # kind of the response to the accumulated cargo, then its three numbers
CARGO_ROW = 8  # row of the cargo array, -1 without cargo
MEMORY, KEEP = 9, 10  # memory [d] and exp(-dt / memory)
JAM_HALF, INHIBIT_HALF = 11, 12  # 0: the factor does not act there
BY_SITE = 13  # 1 where the level is given per site, 0 per voxel
COLUMNS = 14
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
    capacity: float
    own_death: float
    refill_rate: float
    decline: float
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
    secretion: np.ndarray  # (F, E, 3, T) strength by cause, generation (0, 1, later) and type
    phase: np.ndarray  # (F, 3) delay, ramp, duration [d]


def compile_parameters(settings: Settings, tissue: Tissue) -> Parameters:
    """The numbers of `tissue` under `settings`."""
    factors, types = list(settings.factors.values()), list(tissue.cell_types)
    table = np.zeros((len(factors), COLUMNS))
    by_type = np.ones((len(factors), 3, len(types)))
    rows = np.cumsum([factor.cargo is not None for factor in factors]) - 1
    for f, factor in enumerate(factors):
        cargo, memory = factor.cargo, factor.cargo.memory if factor.cargo else 1.0
        table[f, LEVEL : LEVEL + 4] = _response(factor.induction)
        table[f, CARGO : CARGO + 4] = _response(cargo.response if cargo else None)
        table[f, CARGO_ROW] = rows[f] if cargo else -1
        table[f, MEMORY], table[f, KEEP] = memory, math.exp(-settings.dt / memory)
        table[f, JAM_HALF] = factor.jams_immunity.half_max if factor.jams_immunity else 0.0
        table[f, INHIBIT_HALF] = factor.inhibits_repair.half_max if factor.inhibits_repair else 0.0
        table[f, BY_SITE] = factor.transport == "kernel"
        for index, name in enumerate(types):
            by_type[f, LEVEL_BY_TYPE, index] = factor.induction.by_type.get(name, 1.0) if factor.induction else 1.0
            by_type[f, CARGO_BY_TYPE, index] = cargo.response.by_type.get(name, 1.0) if cargo else 1.0
            by_type[f, AFFINITY, index] = factor.affinity.get(name, 0.0)
    return Parameters(
        numbers=_numbers(settings, tissue),
        factors=table,
        by_type=by_type,
        susceptibility=np.array([kind.susceptibility for kind in tissue.cell_types.values()]),
        secretion=_secretion(settings, types),
        phase=np.array([[f.secretion.delay, f.secretion.ramp, f.secretion.duration] for f in factors]).reshape(-1, 3),
    )


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
        max_rate=clearance.max_rate,
        half_saturation=clearance.half_saturation,
        capacity=clearance.capacity,
        own_death=clearance.own_death,
        refill_rate=repair.rate,
        decline=repair.decline,
        scar=repair.scar,
        division_limit=repair.division_limit or 0,
    )


def mean_affinity(factor: Factor, tissue: Tissue) -> float:
    """Affinity of the mean resident cell, by the shares of the cell types."""
    total = sum(kind.fraction for kind in tissue.cell_types.values())
    return sum(factor.affinity.get(name, 0.0) * kind.fraction for name, kind in tissue.cell_types.items()) / total


def total_decay(factor: Factor, tissue: Tissue) -> float:
    """Decay with the uptake by cells [1/d]; uptake is uniform so that the step stays exact (MODEL.md 2.1)."""
    return factor.own_decay + mean_affinity(factor, tissue) * factor.capture


def unit_secretion(factor: Factor, tissue: Tissue) -> float:
    """Secretion of one mature primary cell into its own share of space [unit/d]: a burden of 1 % keeps the level 1.

    A kernel states its own emission. Without any decay there is no steady level; there one unit is what a burden of
    1 % adds in a day.
    """
    if factor.transport == "kernel":
        return 1.0
    return 100.0 * (total_decay(factor, tissue) or 1.0)


def _response(response: Response | None) -> tuple[float, float, float, float]:
    """Kind and three numbers of `sim.rules.induction.response`."""
    if response is None:
        return NO_RESPONSE, 0.0, 1.0, 1.0
    if response.hill is not None:
        return HILL, response.hill.max_rate, response.hill.half_max, response.hill.power
    if response.linear is not None:
        return LINEAR, response.linear.rate, 0.0, 0.0
    assert response.poisson_tail is not None
    return POISSON_TAIL, float(response.poisson_tail.threshold), response.poisson_tail.rate, 0.0


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
