"""The life of well-mixed individuals, one after the other, as compiled loops that call the rules.

They hold no biology: they load float64 numbers and call the rules, as the engines do for single cells.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from sim.brownian import increment_at
from sim.compiling import inlined, kernel
from sim.rng import philox, unit_interval
from sim.rules.clearance import (
    attraction,
    full_capacity,
    immune_capacity,
    jamming,
    mean_immune_capacity,
    removal_hazard,
)
from sim.rules.induction import (
    accumulated_cargo,
    chance,
    damage_hazard,
    hill,
    induction_hazard,
    response,
)
from sim.rules.mortality import crossing_chance, crossing_time, death_hazard, lowest_between
from sim.rules.secretion import mean_phase
from sim.tissue.acting import FACTORS, IMMUNE, INDUCTION, PER_FACTOR, RESPONSE, UNJAM, UPTAKE
from sim.tissue.parameters import (
    AFFINITY,
    ATTRACT_BASAL,
    ATTRACT_HALF,
    CARGO,
    CARGO_BY_TYPE,
    JAM_HALF,
    KEEP,
    LEVEL,
    LEVEL_BY_TYPE,
    MEMORY,
)

WHOLE = 100.0  # percent
SURELY = 40.0  # a chance of exp(-40) is below every uniform number of 53 bits that is not 0

# Parts of the burden, by what turned the cells; then two per factor (its level, its cargo), then the drugs
INITIAL, DAMAGE, FLUCTUATION = 0, 1, 2
FIRST_FACTOR = 3


@kernel
def live(first, place, individual, tissue, tables, course, due, rows, ends, died):
    """Let individuals `first`, `first` + 1 ... live; see `sim.cohort` for the tables.

    ``rows`` (n, R, 2 + F): burden, immune capacity and levels of the factors at the steps ``due``, NaN from death on;
    ``ends`` (n,): day of death or of the end; ``died`` (n,).
    """
    factors, by_type, susceptibility, shares, strength, phase, decay, ages_immunity, drug_parts = tables
    modifiers, killing, secretion_left, more_decay, immune_killing = course  # arrays fetched once: see parameters.py
    n_factors, dt = factors.shape[0], individual.dt
    parts, gains = np.zeros(strength.shape[1]), np.zeros(strength.shape[1])
    levels, cargo = np.zeros(n_factors), np.zeros((n_factors, shares.size))
    for i in range(ends.size):
        burden = individual.initial
        parts[:], cargo[:] = 0.0, 0.0
        parts[INITIAL] = burden
        for f in range(n_factors):
            levels[f] = strength[f, INITIAL] * burden  # of cells that have been there for long
        loss = tissue.own_death + removal_hazard(burden, tissue.max_rate, tissue.half_saturation, tissue.capacity, 1.0)
        full = _full(individual.age_at_start / individual.year, tissue)
        capacity = full / (1.0 + _immune_loss(levels, ages_immunity) * tissue.recovery)
        row, step = 0, 0
        while True:
            if row < due.size and due[row] == step:
                rows[i, row, 0], rows[i, row, 1] = burden, capacity
                for f in range(n_factors):
                    rows[i, row, 2 + f] = levels[f]
                row += 1
            if step == individual.n_steps:
                ends[i] = step * dt
                break
            now = step if killing.shape[0] > 1 else 0
            _secrete(now, loss, strength, phase, decay, factors, by_type, modifiers, secretion_left, more_decay, dt,
                     parts, levels, cargo)  # fmt: skip
            age = (individual.age_at_start + step * dt) / individual.year
            full = _full(age, tissue)
            lost = _immune_loss(levels, ages_immunity) + immune_killing[now]
            immunity = capacity
            if lost > 0.0 or capacity != full:
                immunity = mean_immune_capacity(capacity, full, tissue.recovery, lost, dt)
                capacity = immune_capacity(capacity, full, tissue.recovery, lost, dt)
            _gain(now, age, burden, tissue, factors, by_type, susceptibility, shares, drug_parts, modifiers, levels,
                  cargo, gains)  # fmt: skip
            removal = _removal(now, burden, immunity, tissue, factors, shares, modifiers, levels)
            loss, drifted = tissue.own_death + removal, 0.0
            for k in range(parts.size):
                alone = tissue.own_death + killing[now, k]
                left = parts[k] * math.exp(-alone * dt) if alone > 0.0 else parts[k]
                parts[k] = max(0.0, left + dt * (gains[k] - removal * parts[k]))
                drifted += parts[k]
            reached, u = _fluctuated(burden, drifted, step, first + i, place, individual)
            _settle(parts, drifted, reached)
            when = _death(burden, reached, u, individual)
            if when >= 0.0:
                ends[i], died[i] = (step + when) * dt, True
                break
            burden = reached
            step += 1


@inlined
def _full(age, tissue):
    """Working share of the immune cells at an age [yr] if none are lost."""
    if tissue.decline == 0.0:
        return tissue.capacity
    return full_capacity(tissue.capacity, tissue.decline, tissue.immune_age if tissue.immune_age >= 0.0 else age)


@inlined
def _immune_loss(levels, ages_immunity):
    """Hazard at which factors make immune cells senescent [1/d]."""
    lost = 0.0
    for f in range(levels.size):
        if ages_immunity[f, 0] > 0.0:
            lost += hill(levels[f], ages_immunity[f, 0], ages_immunity[f, 1], ages_immunity[f, 2])
    return lost


@inlined
def _secrete(now, loss, strength, phase, decay, factors, by_type, modifiers, secretion_left, more_decay, dt, parts,
             levels, cargo):  # fmt: skip
    """Levels follow what the parts give off, exactly; cargo follows the levels."""
    for f in range(levels.size):
        given_off = 0.0
        for k in range(parts.size):
            given_off += strength[f, k] * secretion_left[now, f, k] * parts[k]
        steady = given_off * mean_phase(loss, phase[f, 0], phase[f, 1], phase[f, 2]) / more_decay[now, f]
        levels[f] = steady + (levels[f] - steady) * math.exp(-decay[f] * more_decay[now, f] * dt)
        if factors[f, CARGO] != 0.0:
            for kind in range(cargo.shape[1]):
                uptake = by_type[f, AFFINITY, kind] * modifiers[now, kind, FACTORS + PER_FACTOR * f + UPTAKE]
                cargo[f, kind] = accumulated_cargo(
                    cargo[f, kind], uptake * levels[f], factors[f, KEEP], factors[f, MEMORY]
                )


@inlined
def _gain(now, age, burden, tissue, factors, by_type, susceptibility, shares, drug_parts, modifiers, levels, cargo,
          gains):  # fmt: skip
    """What turns senescent by each cause, mean over the cell types [% per day]."""
    damage, healthy = damage_hazard(age, tissue.baseline, tissue.per_year), WHOLE - burden
    gains[:] = 0.0
    for kind in range(shares.size):
        share, weight = shares[kind], susceptibility[kind] * modifiers[now, kind, INDUCTION]
        whole = WHOLE if tissue.absolute == 1.0 else healthy
        gains[DAMAGE] += share * whole * induction_hazard(damage, weight, tissue.maintenance)
        for f in range(levels.size):
            left = modifiers[now, kind, FACTORS + PER_FACTOR * f + RESPONSE]
            if factors[f, LEVEL] != 0.0:
                first, second, third = factors[f, LEVEL + 1], factors[f, LEVEL + 2], factors[f, LEVEL + 3]
                rate = response(factors[f, LEVEL], levels[f], first, second, third) * by_type[f, LEVEL_BY_TYPE, kind]
                hazard = induction_hazard(rate * left, weight, tissue.maintenance)
                gains[FIRST_FACTOR + 2 * f] += share * healthy * hazard
            if factors[f, CARGO] != 0.0:
                first, second, third = factors[f, CARGO + 1], factors[f, CARGO + 2], factors[f, CARGO + 3]
                dose = cargo[f, kind]
                rate = response(factors[f, CARGO], dose, first, second, third) * by_type[f, CARGO_BY_TYPE, kind]
                hazard = induction_hazard(rate * left, weight, tissue.maintenance)
                gains[FIRST_FACTOR + 2 * f + 1] += share * healthy * hazard
        for d in range(drug_parts.size):
            if drug_parts[d] < 0:  # healthy cells that are killed are replaced at once
                continue
            hazard = modifiers[now, kind, FACTORS + PER_FACTOR * levels.size + d]
            gains[drug_parts[d]] += share * healthy * hazard


@inlined
def _removal(now, burden, immunity, tissue, factors, shares, modifiers, levels):
    """Hazard of immune removal [1/d]: saturated, jammed, attracted, boosted; mean over the cell types."""
    removal = 0.0
    for kind in range(shares.size):
        share = 1.0
        for f in range(levels.size):
            if factors[f, JAM_HALF] > 0.0:
                share *= jamming(levels[f] * modifiers[now, kind, UNJAM], factors[f, JAM_HALF])
            if factors[f, ATTRACT_HALF] > 0.0:
                share *= attraction(levels[f], factors[f, ATTRACT_HALF], factors[f, ATTRACT_BASAL])
        boosted = immunity * modifiers[now, kind, IMMUNE]
        removal += shares[kind] * removal_hazard(burden, tissue.max_rate, tissue.half_saturation, boosted, share)
    return removal


@inlined
def _fluctuated(start, drifted, step, replicate, place, individual):
    """Where noise, reflected at nothing, takes a burden; and the uniform number that decides on death."""
    variance = 2.0 * individual.fluctuation * individual.dt
    end, u = drifted, 0.5
    if variance > 0.0:
        c2, k0, k1 = place.fluctuation, place.k0, place.k1
        end += math.sqrt(2.0 * individual.fluctuation) * increment_at(step, individual.dt, c2, replicate, k0, k1)
    line, soft = individual.threshold, individual.steepness > 0.0
    near_nothing = end <= 0.0 or 2.0 * start * end < SURELY * variance
    near_death = end >= line or 2.0 * (line - start) * (line - end) < SURELY * variance
    if soft or near_nothing or near_death:  # elsewhere neither draw can change anything
        w0, w1, w2, w3 = philox(0, step, place.death, replicate, place.k0, place.k1)
        u = unit_interval(w0, w1)
        lowest = lowest_between(start, end, variance, 1.0 - unit_interval(w2, w3))
        if lowest < 0.0:
            end -= lowest
    return min(end, WHOLE), u


@inlined
def _settle(parts, drifted, reached):
    """The parts of a burden that noise moved: it adds cells of its own, and takes of all alike."""
    if reached >= drifted:
        parts[FLUCTUATION] += reached - drifted
    else:
        for k in range(parts.size):
            parts[k] *= reached / drifted


@inlined
def _death(start, end, u, individual):
    """Share of the step after which the individual dies, -1 if it lives on."""
    if individual.steepness > 0.0:
        threshold, steepness = individual.threshold, individual.steepness
        before, after = death_hazard(start, threshold, steepness), death_hazard(end, threshold, steepness)
        hazard = 0.5 * (before + after)
        p = chance(hazard, individual.dt)
        return -math.log1p(-u) / (hazard * individual.dt) if u < p else -1.0
    variance = 2.0 * individual.fluctuation * individual.dt
    if end >= individual.threshold or u < crossing_chance(start, end, individual.threshold, variance):
        return crossing_time(start, end, individual.threshold)
    return -1.0
