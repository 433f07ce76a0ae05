"""The compiled loops over sites. They hold no biology: they load float64 numbers, call the rules, and draw.

A site is skipped when the first 32 bits of its uniform already exceed an upper bound of its chance; the bound is taken
over a block of sites from the monotone rules themselves, so that no state can change by skipping. Pieces of a loop get
plain arrays: an array fetched from a tuple in an inner loop counts references (10 ns each time).
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from sim.compiling import inlined, kernel
from sim.rng import fill_words, screen_threshold, uniform
from sim.rules.clearance import jamming, removal_hazard
from sim.rules.induction import accumulated_cargo, chance, contact_hazard, induction_hazard, response
from sim.rules.repair import refill_hazard
from sim.scenario.causes import CONTACT, DAMAGE, FIRST_FACTOR, IMMUNE, OWN_DEATH, REPAIRED, REPLICATIVE, SCARRED_BY
from sim.tissue.geometry import n_slots, neighbour, voxel_of
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
from sim.tissue.state import ABSENT, CLEARED, HEALTHY, SCARRED, SENESCENT
from sim.tissue.territory import territory_burden

BLOCK = 1024  # sites whose words and bounds stay in the first cache
SLACK = 1.0 + 1e-9  # a bound stays a bound through rounding
FAINT = 1e-30  # smaller doses are 0: arithmetic on denormals is 35 times slower


@kernel
def cargo_kernel(low, high, state, cell_type, cargo, level, by_site, sites, affinity, keep, memory):
    """Accumulated dose of one factor after a step, on the sites low to high."""
    direct = by_site or (sites.is_lattice == 1 and sites.coarse == 1)
    states, types, doses = state[low:high], cell_type[low:high], cargo[low:high]  # indices from 0: vectors
    if direct:
        seen = level[low:high]
        for i in range(doses.size):
            dose = accumulated_cargo(doses[i], affinity[types[i]] * np.float64(seen[i]), keep, memory)
            doses[i] = dose if (states[i] == HEALTHY) & (dose >= FAINT) else 0.0
    else:
        for i in range(doses.size):
            seen_here = np.float64(level[voxel_of(low + i, sites)])
            dose = accumulated_cargo(doses[i], affinity[types[i]] * seen_here, keep, memory)
            doses[i] = dose if (states[i] == HEALTHY) & (dose >= FAINT) else 0.0


# ------------------------------------------------------------------------------------------------ upper bounds


@inlined
def highest(values):
    """Largest of some integers: an order-free reduction, which vectorises."""
    top = values[0]
    for i in range(values.size):
        top = max(top, values[i])
    return top


@kernel
def healthy_bound(first, last, damage, cargo_bits, level_bits, cargo_top, level_top, direct, slots, numbers, factors,
                  largest):  # fmt: skip
    """Upper bound of the chance that any healthy site of a block turns senescent in the step.

    ``cargo_top`` and ``level_top`` are a float and its bits in one place, to turn the bits of a maximum into the maximum;
    ``largest`` (F + 1, 3) holds the largest multipliers of any cell type, its last row the largest susceptibility.
    """
    hazard = damage
    for f in range(factors.shape[0]):
        if factors[f, LEVEL] != 0.0:
            start, end = (first, last) if direct or factors[f, BY_SITE] == 1.0 else (0, level_bits.shape[1])
            level_top[1][0] = highest(level_bits[f, start:end])
            top = np.float64(level_top[0][0])
            rate = response(factors[f, LEVEL], top, factors[f, LEVEL + 1], factors[f, LEVEL + 2], factors[f, LEVEL + 3])
            hazard += rate * largest[f, LEVEL_BY_TYPE]
        if factors[f, CARGO] != 0.0:
            cargo_top[1][0] = highest(cargo_bits[int(factors[f, CARGO_ROW]), first:last])
            top = cargo_top[0][0]
            rate = response(factors[f, CARGO], top, factors[f, CARGO + 1], factors[f, CARGO + 2], factors[f, CARGO + 3])
            hazard += rate * largest[f, CARGO_BY_TYPE]
    hazard += contact_hazard(float(slots), numbers.contact_rate)
    return chance(induction_hazard(hazard * SLACK, largest[-1, 0], numbers.maintenance), numbers.dt) * SLACK


@inlined
def candidates(first, words, limits, states, divisions, division_limit, found):
    """Sites of a block whose first random word leaves the event of their state possible; without a branch."""
    limited = division_limit > 0 and highest(divisions) >= division_limit
    count = 0
    for i in range(states.size):
        possible = words[i] <= limits[states[i]]
        if limited:
            possible |= (states[i] == HEALTHY) & (divisions[i] >= division_limit)
        found[count] = first + i
        count += possible
    return count


# ---------------------------------------------------------------------------------------------- fates of a site


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
            rate = response(factors[f, LEVEL], level, factors[f, LEVEL + 1], factors[f, LEVEL + 2], factors[f, LEVEL + 3])
            hazards[n] = induction_hazard(rate * by_type[f, LEVEL_BY_TYPE, kind], weight, numbers.maintenance)
            codes[n] = FIRST_FACTOR + 2 * f
            total += hazards[n]
            n += 1
        if factors[f, CARGO] != 0.0:
            dose = cargo[int(factors[f, CARGO_ROW]), site]
            rate = response(factors[f, CARGO], dose, factors[f, CARGO + 1], factors[f, CARGO + 2], factors[f, CARGO + 3])
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
def reduced(site, voxel, levels, factors, column):
    """Share of a process that all factors together leave, each by its half-max in `column`."""
    left = 1.0
    for f in range(factors.shape[0]):
        if factors[f, column] > 0.0:
            level = np.float64(levels[f, site if factors[f, BY_SITE] == 1.0 else voxel])
            left *= jamming(level, factors[f, column])
    return left


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


@kernel
def decide_kernel(low, high, t, damage, capacity, slots, state, cell_type, since, divisions, cargo, levels, sites, box,
                  table, counts, floors, numbers, factors, by_type, susceptibility, largest, address, floats, bits, out_sites,
                  out_codes):  # fmt: skip
    """Events of the sites low to high; written from ``out_sites[low]`` on; returns their number.

    ``bits`` are cargo, levels and the two single numbers ``floats`` (of either dtype) as the integers of their bits.
    """
    words, found = np.empty(BLOCK, np.uint32), np.empty(BLOCK + 1, np.int64)
    hazards, codes = np.empty(2 * factors.shape[0] + 2), np.empty(2 * factors.shape[0] + 2, np.int64)
    near = np.empty(max(slots, 1), np.int64)
    cargo_bits, level_bits = bits[0], bits[1]
    cargo_top, level_top = (floats[0], bits[2]), (floats[1], bits[3])
    direct = sites.is_lattice == 1 and sites.coarse == 1
    dt, rate, kappa, own_death = numbers.dt, numbers.max_rate, numbers.half_saturation, numbers.own_death
    limits = np.full(5, -1, np.int64)  # by state: the largest first word with which anything can happen
    limits[CLEARED] = screen_threshold(chance(numbers.refill_rate * capacity * SLACK, dt) * SLACK)
    row_length = -(-state.size // floors.size)
    count = low
    for first in range(low, high, BLOCK):
        last = min(first + BLOCK, high)
        removal = 0.0
        if rate > 0.0:
            floor = floors[first // row_length : (last - 1) // row_length + 1].min()
            removal = removal_hazard(floor, rate, kappa, numbers.capacity, 1.0)
        limits[SENESCENT] = screen_threshold(chance((removal + own_death) * SLACK, dt) * SLACK)
        fill_words(first, address.step, address.decide, address.replicate, address.k0, address.k1, words[: last - first])
        limits[HEALTHY] = screen_threshold(
            healthy_bound(first, last, damage, cargo_bits, level_bits, cargo_top, level_top, direct, slots, numbers,
                          factors, largest)
        )  # fmt: skip
        states, counters = state[first:last], divisions[first:last]
        for i in range(candidates(first, words, limits, states, counters, numbers.division_limit, found)):
            site = found[i]
            now, burden = state[site], 0.0
            if now == SENESCENT and rate > 0.0:
                burden = territory_burden(site, box, table, counts)
                removal = removal_hazard(burden, rate, kappa, numbers.capacity, 1.0)
                if words[site - first] > screen_threshold((removal + own_death) * dt * SLACK):
                    continue  # a chance is at most hazard times dt: most end here, before the draw and the jamming
            voxel = site if direct else voxel_of(site, sites)
            u = uniform(site, address.step, address.decide, address.replicate, address.k0, address.k1)
            if now == SENESCENT:
                hazards[0], codes[0], hazards[1], codes[1] = 0.0, IMMUNE, own_death, OWN_DEATH
                if rate > 0.0:
                    jam = reduced(site, voxel, levels, factors, JAM_HALF)
                    hazards[0] = removal_hazard(burden, rate, kappa, numbers.capacity, jam)
                code = chosen(u, hazards[0] + own_death, hazards, codes, 2, dt)
            elif now == HEALTHY and numbers.division_limit > 0 and divisions[site] >= numbers.division_limit:
                code = REPLICATIVE
            else:
                n_near = 0
                if now == CLEARED or numbers.contact_rate > 0.0:
                    for j in range(n_slots(site, sites)):
                        other = neighbour(site, j, sites)
                        near[n_near] = other
                        n_near += other >= 0
                if now == HEALTHY:
                    code = induction_event(site, voxel, t, u, damage, state, cell_type, since, cargo, levels, near, n_near,
                                           numbers, factors, by_type, susceptibility, hazards, codes)  # fmt: skip
                else:
                    code = repair_event(site, voxel, u, capacity, state, levels, near, n_near, numbers, factors, hazards,
                                        codes)  # fmt: skip
            if code != 0:
                out_sites[count], out_codes[count] = site, code
                count += 1
    return count - low


# ------------------------------------------------------------------------------------------------ coming true


@inlined
def drawn_mother(site, state, sites, address):
    """A healthy neighbour of a vacant site, each with the same chance; neighbours ascend in every geometry."""
    healthy = 0
    for j in range(n_slots(site, sites)):
        other = neighbour(site, j, sites)
        healthy += other >= 0 and state[other] == HEALTHY
    u = uniform(site, address.step, address.mother, address.replicate, address.k0, address.k1)
    rank = int(u * healthy)
    for j in range(n_slots(site, sites)):
        other = neighbour(site, j, sites)
        if other >= 0 and state[other] == HEALTHY:
            if rank == 0:
                return other
            rank -= 1
    return -1


@kernel
def apply_kernel(where, codes, generations, t_next, state, cell_type, cause, generation, since, divisions, cargo, sites,
                 scar, address):  # fmt: skip
    """Write decided events; a refill that scars changes its code in `codes`. Mothers are read before anything is written."""
    mothers = np.full(where.size, -1)
    born = np.zeros(where.size, np.int64)
    for i in range(where.size):
        if codes[i] == REPAIRED:
            site = where[i]
            u = uniform(site, address.step, address.scar, address.replicate, address.k0, address.k1)
            if u < scar:
                codes[i] = SCARRED_BY
            else:
                mothers[i] = drawn_mother(site, state, sites, address)
                born[i] = divisions[mothers[i]] + 1
    for i in range(where.size):
        site, code = where[i], codes[i]
        since[site] = t_next
        cause[site] = 0
        generation[site] = 0
        for row in range(cargo.shape[0]):
            cargo[row, site] = 0.0
        if code == IMMUNE or code == OWN_DEATH:
            state[site] = CLEARED
        elif code == SCARRED_BY:
            state[site] = SCARRED
        elif code == REPAIRED:
            state[site] = HEALTHY
            cell_type[site] = cell_type[mothers[i]]
            divisions[site] = born[i]
        else:
            state[site] = SENESCENT
            cause[site] = code
            generation[site] = generations[i]
    for i in range(where.size):
        if mothers[i] >= 0:
            divisions[mothers[i]] += 1
