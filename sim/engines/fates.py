"""The fate of one site in a step: its hazards by the rules, and one draw among them.

They hold no biology: they load float64 numbers and call the rules. They take plain arrays: an array that is fetched
from a tuple in an inner loop counts references (10 ns each time).
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from sim.compiling import inlined
from sim.rules.clearance import jamming, removal_hazard
from sim.rules.induction import chance, contact_hazard, induction_hazard, response
from sim.rules.repair import refill_hazard
from sim.scenario.causes import CONTACT, DAMAGE, FIRST_FACTOR, IMMUNE, OWN_DEATH, REPAIRED
from sim.tissue.geometry import n_slots, neighbour
from sim.tissue.parameters import (
    BY_SITE,
    CARGO,
    CARGO_BY_TYPE,
    CARGO_ROW,
    INHIBIT_HALF,
    JAM_HALF,
    LEVEL,
    LEVEL_BY_TYPE,
)
from sim.tissue.state import ABSENT, HEALTHY, SENESCENT


@inlined
def neighbours_into(near, site, sites):
    """Existing neighbours of a site, holes included, into `near`; returns their number."""
    count = 0
    for j in range(n_slots(site, sites)):
        other = neighbour(site, j, sites)
        near[count] = other
        count += other >= 0
    return count


@inlined
def chosen(u, total, hazards, codes, n, dt):
    """Competing risks: does anything happen, and which, in proportion to its hazard (never one with hazard 0)."""
    p_any = chance(total, dt)
    if u >= p_any:
        return 0
    target = u / p_any * total
    reached, last = 0.0, 0
    for i in range(n):
        if hazards[i] > 0.0:
            reached += hazards[i]
            last = codes[i]
            if target < reached:
                break
    return last


@inlined
def reduced(site, voxel, levels, factors, column):
    """Share of a process that all factors together leave, each by its half-max in `column`."""
    left = 1.0
    for f in range(factors.shape[0]):
        if factors[f, column] > 0.0:
            level = np.float64(levels[f, site if factors[f, BY_SITE] == 1.0 else voxel])
            left *= jamming(level, factors[f, column])
    return left


@inlined
def induction_event(site, voxel, t, u, damage, state, cell_type, since, cargo, levels, near, n_near, numbers, factors,
                    by_type, susceptibility, hazards, codes):  # fmt: skip
    """Event code of a healthy site, 0 if nothing happens: one uniform, competing risks."""
    kind = cell_type[site]
    weight = susceptibility[kind]
    hazards[0], codes[0] = induction_hazard(damage, weight, numbers.maintenance), DAMAGE
    total, n = hazards[0], 1
    for f in range(factors.shape[0]):
        if factors[f, LEVEL] != 0.0:
            level = np.float64(levels[f, site if factors[f, BY_SITE] == 1.0 else voxel])
            rate = response(
                factors[f, LEVEL], level, factors[f, LEVEL + 1], factors[f, LEVEL + 2], factors[f, LEVEL + 3]
            )
            hazards[n] = induction_hazard(rate * by_type[f, LEVEL_BY_TYPE, kind], weight, numbers.maintenance)
            codes[n] = FIRST_FACTOR + 2 * f
            total += hazards[n]
            n += 1
        if factors[f, CARGO] != 0.0:
            dose = cargo[int(factors[f, CARGO_ROW]), site]
            rate = response(
                factors[f, CARGO], dose, factors[f, CARGO + 1], factors[f, CARGO + 2], factors[f, CARGO + 3]
            )
            hazards[n] = induction_hazard(rate * by_type[f, CARGO_BY_TYPE, kind], weight, numbers.maintenance)
            codes[n] = FIRST_FACTOR + 2 * f + 1
            total += hazards[n]
            n += 1
    if numbers.contact_rate > 0.0:
        count = 0
        for j in range(n_near):
            other = near[j]
            count += state[other] == SENESCENT and t - since[other] >= numbers.mature_after
        rate = contact_hazard(float(count), numbers.contact_rate)
        hazards[n], codes[n] = induction_hazard(rate, weight, numbers.maintenance), CONTACT
        total += hazards[n]
        n += 1
    return chosen(u, total, hazards, codes, n, numbers.dt)


@inlined
def removal_event(site, voxel, u, burden, levels, numbers, factors, hazards, codes):
    """Event code of a senescent site: immune removal or its own death."""
    hazards[0], codes[0] = 0.0, IMMUNE
    hazards[1], codes[1] = numbers.own_death, OWN_DEATH
    if numbers.max_rate > 0.0:
        jam = reduced(site, voxel, levels, factors, JAM_HALF)
        hazards[0] = removal_hazard(burden, numbers.max_rate, numbers.half_saturation, numbers.capacity, jam)
    return chosen(u, hazards[0] + hazards[1], hazards, codes, 2, numbers.dt)


@inlined
def repair_event(site, voxel, u, capacity, state, levels, near, n_near, numbers, factors, hazards, codes):
    """Event code of a vacant site: refilled, or nothing."""
    healthy, present = 0, 0
    for j in range(n_near):
        present += state[near[j]] != ABSENT
        healthy += state[near[j]] == HEALTHY
    inhibition = reduced(site, voxel, levels, factors, INHIBIT_HALF)
    hazards[0] = refill_hazard(float(healthy), float(present), numbers.refill_rate, capacity, inhibition)
    codes[0] = REPAIRED
    return chosen(u, hazards[0], hazards, codes, 1, numbers.dt)
