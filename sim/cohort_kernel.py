"""The life of well-mixed individuals, one after the other, as compiled loops that call the rules.

They hold no biology: they load float64 numbers and call the rules, as the engines do for single cells. Indices: tissue
t, factor f, part of the burden k, cause j, cell type `kind`. See `sim.cohort_tables` for the tables.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from sim.cohort_noise import WHOLE, death, fluctuate, share_of, whole_burden
from sim.compiling import inlined, kernel
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
    damage_hazard,
    hill,
    induction_hazard,
    response,
)
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
from sim.tissue.state import EVADES_IMMUNITY

# Parts of the burden, by what turned the cells; then two per factor (its level, its cargo), then the drugs
INITIAL, DAMAGE = 0, 1  # 2: fluctuation
FIRST_FACTOR = 3


@kernel
def live(first, place, individual, people, tables, course, exchange, due, rows, ends, died):
    """Let individuals `first`, `first` + 1 ... live.

    ``rows`` (n, R, N, 2 + F): burden, immune capacity and levels of the factors at the steps ``due``, NaN from death
    on; ``ends`` (n,): day of death or of the end; ``died`` (n,).
    """
    tissues, factors, by_type, susceptibility, shares, strength, healthy, phase, decay = tables[:9]
    ages_immunity, drug_parts, classes, evasion_of = tables[9:]  # arrays fetched once: see sim.tissue.parameters
    modifiers, killing, secretion_left, more_decay, immune_killing, _ = course
    connected, table_of, kept, gained, first_levels, first_plasma = exchange
    age_at_start, damages, removals, susceptibilities = people
    n_tissues, n_parts, dt = tissues.size, strength.shape[2], individual.dt
    n_factors = factors.shape[0]
    own, weights = tissues.copy(), susceptibility.copy()
    burdens, drifted, losses, capacity = np.zeros((4, n_tissues))
    parts, gains = np.zeros((n_tissues, n_parts)), np.zeros(n_parts)
    levels, plasma = np.zeros((n_tissues, n_factors)), np.zeros(n_factors)
    cargo = np.zeros((n_tissues, n_factors, shares.shape[1]))
    steady, before = np.zeros(n_tissues), np.zeros(n_tissues + 1)
    for i in range(ends.size):
        age = age_at_start[i] / individual.year
        _embody(damages[i], removals[i], susceptibilities[i], tissues, susceptibility, own, weights)
        _begin(age, own, classes, evasion_of, ages_immunity, table_of, first_levels, first_plasma, burdens, parts,
               losses, capacity, levels, plasma, cargo)  # fmt: skip
        row, ends[i], whole = 0, individual.n_steps * dt, whole_burden(burdens, own)
        for step in range(individual.n_steps + 1):
            if row < due.size and due[row] == step:
                for t in range(n_tissues):
                    rows[i, row, t, 0], rows[i, row, t, 1] = burdens[t], capacity[t]
                    for f in range(n_factors):
                        rows[i, row, t, 2 + f] = levels[t, f]
                row += 1
            if step == individual.n_steps:
                break
            now = step if killing.shape[0] > 1 else 0
            _secrete(now, losses, own, strength, healthy, phase, decay, classes, secretion_left, more_decay, connected,
                     table_of, kept, gained, dt, burdens, parts, levels, plasma, steady, before)  # fmt: skip
            _take_up(now, factors, by_type, modifiers, levels, cargo)
            age = (age_at_start[i] + step * dt) / individual.year
            for t in range(n_tissues):
                immunity = _immunity(t, now, age, own[t], ages_immunity, table_of, immune_killing, levels, plasma, dt,
                                     capacity)  # fmt: skip
                _gain(t, now, age, burdens[t], own[t], factors, by_type, weights, shares, drug_parts, modifiers, levels,
                      cargo, gains)  # fmt: skip
                _divide(t, age + dt / individual.year, own[t], classes, evasion_of, gains)
                crowd = whole if own[t].of_body == 1.0 else burdens[t]
                removal = _removal(t, now, crowd, immunity, own[t], factors, shares, modifiers, levels)
                losses[t] = own[t].own_death + removal
                drifted[t] = _drift(t, now, removal, own[t], classes, killing, gains, dt, parts)
            after = fluctuate(step, first + i, age + dt / individual.year, whole, place, individual, own, classes,
                               evasion_of, burdens, drifted, parts)  # fmt: skip
            when = death(whole, after, age_at_start[i] + step * dt, step, first + i, place, individual)
            if when >= 0.0:
                ends[i], died[i] = (step + when) * dt, True
                break
            whole = after


# ---------------------------------------------------------------------------------------------------------- the start


@inlined
def _embody(damage, removal, susceptible, tissues, susceptibility, own, weights):
    """The numbers of one individual."""
    for t in range(tissues.size):
        own[t].baseline, own[t].per_year = tissues[t].baseline * damage, tissues[t].per_year * damage
        own[t].max_rate = tissues[t].max_rate * removal
        for kind in range(susceptibility.shape[1]):
            weights[t, kind] = susceptibility[t, kind] * susceptible


@inlined
def _begin(age, tissues, classes, evasion_of, ages_immunity, table_of, first_levels, first_plasma, burdens, parts,
           losses, capacity, levels, plasma, cargo):  # fmt: skip
    """The state of day 0: factors and immune cells are at rest with cells that have been senescent for long."""
    parts[:], cargo[:] = 0.0, 0.0
    levels[:], plasma[:] = first_levels, first_plasma
    n_causes = evasion_of.shape[1]
    for t in range(tissues.size):
        burdens[t] = tissues[t].initial
        for c in range(classes.size):
            share = share_of(classes[c], age, tissues[t], evasion_of[t, INITIAL]) if classes.size > 1 else 1.0
            parts[t, c * n_causes + INITIAL] = share * burdens[t]
    whole = whole_burden(burdens, tissues)
    for t in range(tissues.size):
        crowd = whole if tissues[t].of_body == 1.0 else burdens[t]
        removal = removal_hazard(crowd, tissues[t].max_rate, tissues[t].half_saturation, tissues[t].capacity, 1.0)
        losses[t] = tissues[t].own_death + removal
        lost = _immune_loss(t, 0, ages_immunity, table_of, levels, plasma)
        capacity[t] = _full(age, tissues[t]) / (1.0 + lost * tissues[t].recovery)


# -------------------------------------------------------------------------------------------------- factors and cargo


@inlined
def _secrete(now, losses, tissues, strength, healthy, phase, decay, classes, secretion_left, more_decay, connected,
             table_of, kept, gained, dt, burdens, parts, levels, plasma, steady, before):  # fmt: skip
    """Levels follow what the parts and the healthy cells give off, exactly, and what blood takes and brings."""
    n_causes = parts.shape[1] // classes.size
    for f in range(plasma.size):
        for t in range(losses.size):
            short, long = 0.0, 0.0  # lived: cells that immune cells find, and cells that evade them
            for c in range(classes.size):
                given_off = 0.0
                for k in range(c * n_causes, (c + 1) * n_causes):
                    given_off += strength[t, f, k] * secretion_left[now, t, f, k] * parts[t, k]
                if classes[c] & EVADES_IMMUNITY:
                    long += given_off
                else:
                    short += given_off
            steady[t] = short * mean_phase(losses[t], phase[f, 0], phase[f, 1], phase[f, 2])
            if long > 0.0:
                steady[t] += long * mean_phase(tissues[t].own_death, phase[f, 0], phase[f, 1], phase[f, 2])
            if healthy[t, f] > 0.0:
                steady[t] += healthy[t, f] * (WHOLE - burdens[t])
        if table_of[now, f] >= 0:
            _circulate(table_of[now, f], f, decay, connected, kept, gained, steady, levels, plasma, before)
        for t in range(losses.size):
            if not connected[t, f]:
                rest, more = steady[t] / more_decay[now, t, f], more_decay[now, t, f]
                levels[t, f] = rest + (levels[t, f] - rest) * math.exp(-decay[t, f] * more * dt)


@inlined
def _circulate(table, f, decay, connected, kept, gained, steady, levels, plasma, before):
    """One exact step of a factor in the connected tissues and in the plasma."""
    n = steady.size
    before[n] = plasma[f]
    for t in range(n):
        before[t] = levels[t, f]
    for to in range(n + 1):
        after = kept[table, to, n] * before[n]
        for t in range(n):
            after += kept[table, to, t] * before[t] + gained[table, to, t] * (steady[t] * decay[t, f])
        if to == n:
            plasma[f] = after
        elif connected[to, f]:
            levels[to, f] = after


@inlined
def _take_up(now, factors, by_type, modifiers, levels, cargo):
    """Cargo follows the levels."""
    for f in range(levels.shape[1]):
        if factors[f, CARGO] != 0.0:
            for t in range(levels.shape[0]):
                for kind in range(cargo.shape[2]):
                    left = modifiers[now, t, kind, FACTORS + PER_FACTOR * f + UPTAKE]
                    uptake = by_type[t, f, AFFINITY, kind] * left
                    cargo[t, f, kind] = accumulated_cargo(
                        cargo[t, f, kind], uptake * levels[t, f], factors[f, KEEP], factors[f, MEMORY]
                    )


# ----------------------------------------------------------------------------------------------------------- immunity


@inlined
def _immunity(t, now, age, tissue, ages_immunity, table_of, immune_killing, levels, plasma, dt, capacity):
    """Mean over the step of the working share of the immune cells, which moves on."""
    full = _full(age, tissue)
    lost = _immune_loss(t, now, ages_immunity, table_of, levels, plasma) + immune_killing[now, t]
    immunity = capacity[t]
    if lost > 0.0 or capacity[t] != full:
        immunity = mean_immune_capacity(capacity[t], full, tissue.recovery, lost, dt)
        capacity[t] = immune_capacity(capacity[t], full, tissue.recovery, lost, dt)
    return immunity


@inlined
def _full(age, tissue):
    """Working share of the immune cells at an age [yr] if none are lost."""
    if tissue.decline == 0.0:
        return tissue.capacity
    return full_capacity(tissue.capacity, tissue.decline, tissue.immune_age if tissue.immune_age >= 0.0 else age)


@inlined
def _immune_loss(t, now, ages_immunity, table_of, levels, plasma):
    """Hazard at which factors make immune cells senescent [1/d]: by their level in blood, else in the tissue."""
    lost = 0.0
    for f in range(plasma.size):
        if ages_immunity[f, 0] > 0.0:
            level = plasma[f] if table_of[now, f] >= 0 else levels[t, f]
            lost += hill(level, ages_immunity[f, 0], ages_immunity[f, 1], ages_immunity[f, 2])
    return lost


@inlined
def _removal(t, now, crowd, immunity, tissue, factors, shares, modifiers, levels):
    """Hazard of immune removal [1/d]: saturated, jammed, attracted, boosted; mean over the cell types."""
    removal = 0.0
    for kind in range(shares.shape[1]):
        share = 1.0
        for f in range(levels.shape[1]):
            if factors[f, JAM_HALF] > 0.0:
                share *= jamming(levels[t, f] * modifiers[now, t, kind, UNJAM], factors[f, JAM_HALF])
            if factors[f, ATTRACT_HALF] > 0.0:
                share *= attraction(levels[t, f], factors[f, ATTRACT_HALF], factors[f, ATTRACT_BASAL])
        boosted = immunity * modifiers[now, t, kind, IMMUNE]
        removal += shares[t, kind] * removal_hazard(crowd, tissue.max_rate, tissue.half_saturation, boosted, share)
    return removal


# ------------------------------------------------------------------------------------------------- parts of the burden


@inlined
def _gain(t, now, age, burden, tissue, factors, by_type, susceptibility, shares, drug_parts, modifiers, levels, cargo,
          gains):  # fmt: skip
    """What turns senescent by each cause, mean over the cell types [% per day]."""
    damage, healthy = damage_hazard(age, tissue.baseline, tissue.per_year), WHOLE - burden
    gains[:] = 0.0
    for kind in range(shares.shape[1]):
        share, weight = shares[t, kind], susceptibility[t, kind] * modifiers[now, t, kind, INDUCTION]
        whole = WHOLE if tissue.absolute == 1.0 else healthy
        gains[DAMAGE] += share * whole * induction_hazard(damage, weight, tissue.maintenance)
        for f in range(levels.shape[1]):
            left = modifiers[now, t, kind, FACTORS + PER_FACTOR * f + RESPONSE]
            if factors[f, LEVEL] != 0.0:
                first, second, third = factors[f, LEVEL + 1], factors[f, LEVEL + 2], factors[f, LEVEL + 3]
                rate = response(factors[f, LEVEL], levels[t, f], first, second, third)
                rate *= by_type[t, f, LEVEL_BY_TYPE, kind]
                hazard = induction_hazard(rate * left, weight, tissue.maintenance)
                gains[FIRST_FACTOR + 2 * f] += share * healthy * hazard
            if factors[f, CARGO] != 0.0:
                first, second, third = factors[f, CARGO + 1], factors[f, CARGO + 2], factors[f, CARGO + 3]
                rate = response(factors[f, CARGO], cargo[t, f, kind], first, second, third)
                rate *= by_type[t, f, CARGO_BY_TYPE, kind]
                hazard = induction_hazard(rate * left, weight, tissue.maintenance)
                gains[FIRST_FACTOR + 2 * f + 1] += share * healthy * hazard
        for d in range(drug_parts.size):
            if drug_parts[d] < 0:  # healthy cells that are killed are replaced at once
                continue
            hazard = modifiers[now, t, kind, FACTORS + PER_FACTOR * levels.shape[1] + d]
            gains[drug_parts[d]] += share * healthy * hazard


@inlined
def _divide(t, age, tissue, classes, evasion_of, gains):
    """Cells that turn join the class of what they evade, by cause."""
    if classes.size == 1:
        return
    n_causes = evasion_of.shape[1]
    for j in range(n_causes):
        turned = gains[j]
        for c in range(classes.size):
            gains[c * n_causes + j] = turned * share_of(classes[c], age, tissue, evasion_of[t, j])


@inlined
def _drift(t, now, removal, tissue, classes, killing, gains, dt, parts):
    """Parts after what turned and what was removed or died; their sum."""
    drifted, n_causes = 0.0, parts.shape[1] // classes.size
    for c in range(classes.size):
        found = 0.0 if classes[c] & EVADES_IMMUNITY else removal
        for k in range(c * n_causes, (c + 1) * n_causes):
            alone = tissue.own_death + killing[now, t, k]
            left = parts[t, k] * math.exp(-alone * dt) if alone > 0.0 else parts[t, k]
            parts[t, k] = max(0.0, left + dt * (gains[k] - found * parts[t, k]))
            drifted += parts[t, k]
    return drifted
