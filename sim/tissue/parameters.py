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


class Parameters(NamedTuple):
    """What rules need to know of one tissue; F factors, T cell types, E event codes.

    Rates are per day, ages in years, burdens in percent; a half-max of 0 means that the factor does not act there.
    """

    dt: float
    baseline: float
    per_year: float
    maintenance: float
    susceptibility: np.ndarray  # (T,)
    level_kind: np.ndarray  # (F,) response to the level: NO_RESPONSE, HILL, LINEAR, POISSON_TAIL
    level_numbers: np.ndarray  # (F, 3)
    level_by_type: np.ndarray  # (F, T)
    cargo_row: np.ndarray  # (F,) row of the cargo array, -1 without cargo
    cargo_kind: np.ndarray  # (F,)
    cargo_numbers: np.ndarray  # (F, 3)
    cargo_by_type: np.ndarray  # (F, T)
    affinity: np.ndarray  # (F, T)
    memory: np.ndarray  # (F,) d
    keep: np.ndarray  # (F,) exp(-dt / memory)
    jam_half: np.ndarray  # (F,)
    inhibit_half: np.ndarray  # (F,)
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
    secretion: np.ndarray  # (F, E, 3, T) strength by cause, generation (0, 1, later) and type
    phase: np.ndarray  # (F, 3) delay, ramp, duration [d]


def compile_parameters(settings: Settings, tissue: Tissue) -> Parameters:
    """The numbers of `tissue` under `settings`."""
    factors = list(settings.factors.values())
    types = list(tissue.cell_types)
    rows = np.cumsum([factor.cargo is not None for factor in factors]) - 1
    level = [_response(factor.induction, types) for factor in factors]
    cargo = [_response(factor.cargo.response if factor.cargo else None, types) for factor in factors]
    memory = np.array([factor.cargo.memory if factor.cargo else 1.0 for factor in factors])
    repair, clearance = tissue.repair, tissue.clearance
    return Parameters(
        dt=settings.dt,
        baseline=tissue.damage.baseline / 100,
        per_year=tissue.damage.per_year / 100,
        maintenance=tissue.maintenance,
        susceptibility=np.array([kind.susceptibility for kind in tissue.cell_types.values()]),
        level_kind=_table([kind for kind, _, _ in level], (len(factors),)),
        level_numbers=_table([numbers for _, numbers, _ in level], (len(factors), 3)),
        level_by_type=_table([by_type for _, _, by_type in level], (len(factors), len(types))),
        cargo_row=np.array([row if f.cargo else -1 for f, row in zip(factors, rows, strict=True)], np.int64),
        cargo_kind=_table([kind for kind, _, _ in cargo], (len(factors),)),
        cargo_numbers=_table([numbers for _, numbers, _ in cargo], (len(factors), 3)),
        cargo_by_type=_table([by_type for _, _, by_type in cargo], (len(factors), len(types))),
        affinity=_table([[f.affinity.get(t, 0.0) for t in types] for f in factors], (len(factors), len(types))),
        memory=memory,
        keep=np.array([math.exp(-settings.dt / tau) for tau in memory]),
        jam_half=np.array([f.jams_immunity.half_max if f.jams_immunity else 0.0 for f in factors]),
        inhibit_half=np.array([f.inhibits_repair.half_max if f.inhibits_repair else 0.0 for f in factors]),
        contact_rate=tissue.contact.hazard,
        at_once=tissue.contact.at_once,
        mature_after=tissue.contact.mature_after,
        max_rate=clearance.max_rate,
        half_saturation=clearance.half_saturation,
        capacity=clearance.capacity,
        own_death=clearance.own_death,
        refill_rate=repair.rate,
        decline=repair.decline,
        scar=repair.scar,
        division_limit=repair.division_limit or 0,
        secretion=_secretion(settings, types),
        phase=_table([[f.secretion.delay, f.secretion.ramp, f.secretion.duration] for f in factors], (len(factors), 3)),
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


def _table(rows: list, shape: tuple[int, ...], dtype: type = np.float64) -> np.ndarray:
    return np.array(rows, dtype).reshape(shape)


def _response(response: Response | None, types: list[str]) -> tuple[float, list[float], list[float]]:
    """Kind, three numbers, and the multiplier per type."""
    by_type = [response.by_type.get(name, 1.0) if response else 1.0 for name in types]
    if response is None:
        return NO_RESPONSE, [0.0, 1.0, 1.0], by_type
    if response.hill is not None:
        return HILL, [response.hill.max_rate, response.hill.half_max, response.hill.power], by_type
    if response.linear is not None:
        return LINEAR, [response.linear.rate, 0.0, 0.0], by_type
    assert response.poisson_tail is not None
    return POISSON_TAIL, [float(response.poisson_tail.threshold), response.poisson_tail.rate, 0.0], by_type


def _secretion(settings: Settings, types: list[str]) -> np.ndarray:
    """Strength by cause, generation and type; 0 for the cause `nothing`, which all cells have that are not senescent."""
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
