"""The compiled loops over sites. They hold no biology: they load float64 numbers, call the rules, and draw.

A site is skipped when the first 32 bits of its uniform already exceed an upper bound of its chance; the bound is taken
over a block of sites from the monotone rules themselves, so that no state can change by skipping.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from sim.compiling import kernel
from sim.rng import fill_words, screen_threshold, uniform
from sim.rules.clearance import jamming, removal_hazard
from sim.rules.induction import accumulated_cargo, chance, contact_hazard, induction_hazard, response
from sim.rules.repair import refill_hazard
from sim.scenario.causes import CONTACT, DAMAGE, FIRST_FACTOR, IMMUNE, OWN_DEATH, REPAIRED, REPLICATIVE, SCARRED_BY
from sim.tissue.geometry import n_slots, neighbour, voxel_of
from sim.tissue.state import ABSENT, CLEARED, HEALTHY, SCARRED, SENESCENT
from sim.tissue.territory import territory_burden

BLOCK = 1024  # sites whose words and bounds stay in the first cache
SLACK = 1.0 + 1e-9  # a bound stays a bound through rounding
FAINT = 1e-30  # smaller doses are 0: arithmetic on denormals is 35 times slower


@kernel
def cargo_kernel(low, high, state, cell_type, cargo, level, by_site, sites, affinity, keep, memory):
    """Accumulated dose of one factor after a step, on the sites low to high."""
    direct = by_site or (sites.is_lattice == 1 and sites.coarse == 1)
    for site in range(low, high):
        voxel = site if direct else voxel_of(site, sites)
        uptake = affinity[cell_type[site]] * np.float64(level[voxel])
        dose = accumulated_cargo(cargo[site], uptake, keep, memory)
        cargo[site] = dose if state[site] == HEALTHY and dose >= FAINT else 0.0


@kernel
def block_maximum(bits, f, first, last):
    """Largest non-negative float of a row, by its bits as an integer (an order-free reduction that vectorises)."""
    highest = bits[f, first]
    for i in range(first, last):
        highest = max(highest, bits[f, i])
    return highest


@kernel
def respond(kind, level, numbers):
    """The response rule with its three numbers in an array."""
    return response(kind, level, numbers[0], numbers[1], numbers[2])


@kernel
def healthy_bound(first, last, damage, cargo, levels, bits, by_site, sites, p):
    """Upper bound of the chance that any healthy site of a block turns senescent in the step."""
    direct = sites.is_lattice == 1 and sites.coarse == 1
    hazard = damage
    for f in range(p.level_kind.size):
        if p.level_kind[f] != 0.0:
            start, end = (first, last) if direct or by_site[f] else (0, levels.shape[1])
            top = np.float64(levels[f, start])
            highest = block_maximum(bits, f, start, end)
            for i in range(start, end):
                if bits[f, i] == highest:
                    top = np.float64(levels[f, i])
                    break
            hazard += respond(p.level_kind[f], top, p.level_numbers[f]) * p.level_by_type[f].max()
        if p.cargo_row[f] >= 0 and p.cargo_kind[f] != 0.0:
            top = cargo[p.cargo_row[f], first:last].max()
            hazard += respond(p.cargo_kind[f], top, p.cargo_numbers[f]) * p.cargo_by_type[f].max()
    if p.contact_rate > 0.0:
        most = 0
        if sites.is_lattice:
            most = n_slots(first, sites)
        else:
            for site in range(first, last):
                most = max(most, n_slots(site, sites))
        hazard += contact_hazard(float(most), p.contact_rate)
    hazard = induction_hazard(hazard * SLACK, p.susceptibility.max(), p.maintenance)
    return chance(hazard, p.dt) * SLACK


@kernel
def mature_neighbours(site, t, state, since, mature_after, sites):
    """Senescent neighbours that turned at least `mature_after` days ago."""
    count = 0
    for j in range(n_slots(site, sites)):
        other = neighbour(site, j, sites)
        if other >= 0 and state[other] == SENESCENT and t - since[other] >= mature_after:
            count += 1
    return count


@kernel
def induction_event(site, t, u, damage, state, cell_type, since, cargo, levels, by_site, sites, p, hazards, codes):
    """Event code of a healthy site, 0 if nothing happens: one uniform, competing risks."""
    kind = cell_type[site]
    susceptibility = p.susceptibility[kind]
    hazards[0], codes[0] = induction_hazard(damage, susceptibility, p.maintenance), DAMAGE
    total, n = hazards[0], 1
    voxel = voxel_of(site, sites)
    for f in range(p.level_kind.size):
        if p.level_kind[f] != 0.0:
            level = np.float64(levels[f, site if by_site[f] else voxel])
            rate = respond(p.level_kind[f], level, p.level_numbers[f]) * p.level_by_type[f, kind]
            hazards[n], codes[n] = induction_hazard(rate, susceptibility, p.maintenance), FIRST_FACTOR + 2 * f
            total += hazards[n]
            n += 1
        if p.cargo_row[f] >= 0:
            rate = respond(p.cargo_kind[f], cargo[p.cargo_row[f], site], p.cargo_numbers[f]) * p.cargo_by_type[f, kind]
            hazards[n], codes[n] = induction_hazard(rate, susceptibility, p.maintenance), FIRST_FACTOR + 2 * f + 1
            total += hazards[n]
            n += 1
    if p.contact_rate > 0.0:
        count = mature_neighbours(site, t, state, since, p.mature_after, sites)
        rate = contact_hazard(float(count), p.contact_rate)
        hazards[n], codes[n] = induction_hazard(rate, susceptibility, p.maintenance), CONTACT
        total += hazards[n]
        n += 1
    return chosen(u, total, hazards, codes, n, p.dt)


@kernel
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


@kernel
def removal_event(site, u, levels, by_site, sites, view, p, hazards, codes):
    """Event code of a senescent site: immune removal or its own death."""
    hazards[0], codes[0] = 0.0, IMMUNE
    if p.max_rate > 0.0:
        jam, voxel = 1.0, voxel_of(site, sites)
        for f in range(p.jam_half.size):
            if p.jam_half[f] > 0.0:
                jam *= jamming(np.float64(levels[f, site if by_site[f] else voxel]), p.jam_half[f])
        burden = territory_burden(site, view)
        hazards[0] = removal_hazard(burden, p.max_rate, p.half_saturation, p.capacity, jam)
    hazards[1], codes[1] = p.own_death, OWN_DEATH
    return chosen(u, hazards[0] + hazards[1], hazards, codes, 2, p.dt)


@kernel
def repair_event(site, u, capacity, state, levels, by_site, sites, p, hazards, codes):
    """Event code of a vacant site: refilled, or nothing."""
    healthy, present = 0, 0
    for j in range(n_slots(site, sites)):
        other = neighbour(site, j, sites)
        if other >= 0 and state[other] != ABSENT:
            present += 1
            healthy += state[other] == HEALTHY
    inhibition, voxel = 1.0, voxel_of(site, sites)
    for f in range(p.inhibit_half.size):
        if p.inhibit_half[f] > 0.0:
            inhibition *= jamming(np.float64(levels[f, site if by_site[f] else voxel]), p.inhibit_half[f])
    hazards[0] = refill_hazard(float(healthy), float(present), p.refill_rate, capacity, inhibition)
    codes[0] = REPAIRED
    return chosen(u, hazards[0], hazards, codes, 1, p.dt)


@kernel
def decide_kernel(low, high, t, damage, capacity, state, cell_type, since, divisions, cargo, levels, bits, by_site,
                  sites, view, p, address, out_sites, out_codes):  # fmt: skip
    """Events of the sites low to high; written from ``out_sites[low]`` on; returns their number."""
    words = np.empty(BLOCK, np.uint32)
    hazards, codes = np.empty(2 * p.level_kind.size + 2), np.empty(2 * p.level_kind.size + 2, np.int64)
    removal = removal_hazard(0.0, p.max_rate, p.half_saturation, p.capacity, 1.0) if p.max_rate > 0.0 else 0.0
    may_clear = screen_threshold(chance((removal + p.own_death) * SLACK, p.dt) * SLACK)
    may_repair = screen_threshold(chance(p.refill_rate * capacity * SLACK, p.dt) * SLACK)
    count = low
    for first in range(low, high, BLOCK):
        last = min(first + BLOCK, high)
        fill_words(
            first, address.step, address.decide, address.replicate, address.k0, address.k1, words[: last - first]
        )
        bound = healthy_bound(first, last, damage, cargo, levels, bits, by_site, sites, p)
        may_turn = screen_threshold(bound)
        for site in range(first, last):
            word, now = words[site - first], state[site]
            code = 0
            if now == HEALTHY:
                if p.division_limit > 0 and divisions[site] >= p.division_limit:
                    code = REPLICATIVE
                elif word <= may_turn:
                    u = uniform(site, address.step, address.decide, address.replicate, address.k0, address.k1)
                    code = induction_event(site, t, u, damage, state, cell_type, since, cargo, levels, by_site, sites,
                                           p, hazards, codes)  # fmt: skip
            elif now == SENESCENT:
                if word <= may_clear:
                    u = uniform(site, address.step, address.decide, address.replicate, address.k0, address.k1)
                    code = removal_event(site, u, levels, by_site, sites, view, p, hazards, codes)
            elif now == CLEARED and word <= may_repair:
                u = uniform(site, address.step, address.decide, address.replicate, address.k0, address.k1)
                code = repair_event(site, u, capacity, state, levels, by_site, sites, p, hazards, codes)
            if code != 0:
                out_sites[count], out_codes[count] = site, code
                count += 1
    return count - low


@kernel
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
        cargo[:, site] = 0.0
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
