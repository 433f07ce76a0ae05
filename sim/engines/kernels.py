"""The compiled loops over sites: take up, decide, apply."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from sim.compiling import inlined, kernel
from sim.engines.bounds import BLOCK, candidates, healthy_bound, removal_bound, repair_bound
from sim.engines.fates import induction_event, removal_event, repair_event
from sim.rng import fill_words, screen_threshold, uniform
from sim.rules.induction import accumulated_cargo
from sim.rules.repair import daughter_type
from sim.scenario.causes import REPAIRED, REPLICATIVE, SCARRED_BY
from sim.tissue.geometry import near_into
from sim.tissue.state import HEALTHY, SENESCENT
from sim.tissue.territory import territory_burden
from sim.transforms.modes import NEGLIGIBLE


@kernel
def cargo_kernel(low, high, state, cell_type, cargo, seen, layer, affinity, keep, memory):
    """Accumulated dose of one factor after a step, on the sites low to high; ``affinity`` (L, T) by depth and type."""
    states, types, doses = state[low:high], cell_type[low:high], cargo[low:high]  # indices from 0: vectors
    read, shallow = seen[low:high], affinity[0]
    if layer.size == 1:
        for i in range(doses.size):
            dose = accumulated_cargo(doses[i], shallow[types[i]] * np.float64(read[i]), keep, memory)
            doses[i] = dose if (states[i] == HEALTHY) & (dose >= NEGLIGIBLE) else 0.0
    else:
        for i in range(doses.size):
            deep = affinity[layer[low + i]]
            dose = accumulated_cargo(doses[i], deep[types[i]] * np.float64(read[i]), keep, memory)
            doses[i] = dose if (states[i] == HEALTHY) & (dose >= NEGLIGIBLE) else 0.0


@kernel
def decide_kernel(low, high, t, damage, capacity, fluctuation, slots, state, cell_type, cause, generation, since,
                  divisions, cargo, refractory, seen, sites, box, table, counts, floors, numbers, factors, by_type,
                  susceptibility, own_death, largest, immunity, most, layer, modifiers, healthy_codes, strength,
                  deed_weight, window, deed_codes, evadable, address, floats, bits, out_sites, out_codes):  # fmt: skip
    """Events of the sites low to high; written from ``out_sites[low]`` on; returns their number.

    ``bits`` are cargo, seen and the two single numbers ``floats`` (of either dtype) as the integers of their bits;
    ``fluctuation`` are the hazards by which the body turns healthy and takes senescent cells in this step;
    ``most`` are the largest modifiers of any depth and type: immune boost, repair, hazard on healthy, on senescent.
    """
    words, found = np.empty(BLOCK, np.uint32), np.empty(BLOCK + 1, np.int64)
    room = max(2 * factors.shape[0] + 3 + healthy_codes.size, strength.shape[0] + 3)
    rise, fall = fluctuation
    hazards, codes = np.empty(room), np.empty(room, np.int64)
    near = np.empty(slots[0] + 1, np.int64)
    cargo_bits, level_bits = bits[0], bits[1]
    cargo_top, level_top = (floats[0], bits[2]), (floats[1], bits[3])
    most_immune, most_repair = most[0] * immunity, most[1]
    most_healthy, most_senescent = most[2] + rise, most[3] + fall + own_death.max()
    limits = np.full(3, -1, np.int64)  # the largest first word with which anything can happen
    mark = np.zeros(BLOCK, np.uint8)
    marks = (mark, mark.view(np.uint64))
    limits[2] = screen_threshold(repair_bound(capacity, most_repair, numbers, factors))
    row_length = -(-state.size // floors.size)
    count = low
    for first in range(low, high, BLOCK):
        last = min(first + BLOCK, high)
        drawn = words[: last - first]
        fill_words(first, address.step, address.decide, address.replicate, address.k0, address.k1, drawn)
        floor = floors[first // row_length : (last - 1) // row_length + 1].min()
        limits[1] = screen_threshold(removal_bound(floor, most_immune, most_senescent, numbers))
        limits[0] = screen_threshold(
            healthy_bound(first, last, damage, cargo_bits, level_bits, cargo_top, level_top, slots[1], numbers,
                          factors, largest, most_healthy)
        )  # fmt: skip
        states, counters = state[first:last], divisions[first:last]
        for i in range(candidates(first, words, limits, states, counters, numbers.division_limit, marks, found)):
            site = found[i]
            now, burden = state[site], 0.0
            if now == SENESCENT and numbers.max_rate > 0.0:
                burden = territory_burden(site, box, table, counts)
                if words[site - first] > screen_threshold(removal_bound(burden, most_immune, most_senescent, numbers)):
                    continue  # most end here, before the draw and the jamming
            u = uniform(site, address.step, address.decide, address.replicate, address.k0, address.k1)
            depth = np.int64(layer[site]) if layer.size > 1 else 0
            acts = modifiers[depth, cell_type[site]]
            if now == SENESCENT:
                code = removal_event(site, t, u, burden, immunity, fall, cell_type, cause, generation,
                                     since, refractory, seen, numbers, factors, own_death, acts, depth, strength,
                                     deed_weight, window, deed_codes, evadable, hazards, codes)  # fmt: skip
            elif now == HEALTHY and numbers.division_limit > 0 and divisions[site] >= numbers.division_limit:
                code = REPLICATIVE
            elif now == HEALTHY:
                n_near = near_into(near, site, 1, sites) if numbers.contact_rate > 0.0 else 0
                code = induction_event(site, t, u, damage, rise, state, cell_type, since, cargo, seen, near,
                                       n_near, numbers, factors, by_type, susceptibility, acts, healthy_codes,
                                       hazards, codes)  # fmt: skip
            else:
                n_near = near_into(near, site, numbers.reach, sites)
                code = repair_event(
                    site, u, capacity, state, seen, near, n_near, numbers, factors, acts, hazards, codes
                )
            if code != 0:
                out_sites[count], out_codes[count] = site, code
                count += 1
    return count - low


@inlined
def drawn_mother(site, state, near, reach, sites, address):
    """A healthy cell near a vacant site, each with the same chance."""
    n_near, healthy = near_into(near, site, reach, sites), 0
    for j in range(n_near):
        healthy += state[near[j]] == HEALTHY
    u = uniform(site, address.step, address.mother, address.replicate, address.k0, address.k1)
    rank = int(u * healthy)
    for j in range(n_near):
        if state[near[j]] == HEALTHY:
            if rank == 0:
                return near[j]
            rank -= 1
    return -1


@kernel
def apply_kernel(where, codes, generations, t_next, state, cell_type, cause, generation, since, divisions, cargo,
                 outcome, niche, at_home, sites, slots, reach, scar, address):  # fmt: skip
    """Write decided events; a refill that scars changes its code in `codes`. Mothers are read before any writing."""
    near = np.empty(slots + 1, np.int64)
    mothers = np.full(where.size, -1)
    born = np.zeros(where.size, np.int64)
    for i in range(where.size):
        if codes[i] == REPAIRED:
            site = where[i]
            u = uniform(site, address.step, address.scar, address.replicate, address.k0, address.k1)
            if u < scar:
                codes[i] = SCARRED_BY
            else:
                mothers[i] = drawn_mother(site, state, near, reach, sites, address)
                born[i] = divisions[mothers[i]] + 1
    for i in range(where.size):
        site, code = where[i], codes[i]
        since[site] = t_next
        cause[site] = 0
        generation[site] = 0
        for row in range(cargo.shape[0]):
            cargo[row, site] = 0.0
        state[site] = outcome[code]
        if state[site] == SENESCENT:
            cause[site] = code
            generation[site] = generations[i]
        elif code == REPAIRED:
            layer = niche[site] if niche.size > 1 else 0
            kind = cell_type[mothers[i]]
            belongs = np.float64(at_home[layer, kind])
            cell_type[site] = np.uint8(daughter_type(np.float64(kind), np.float64(cell_type[site]), belongs))
            divisions[site] = born[i]
    for i in range(where.size):
        if mothers[i] >= 0:
            divisions[mothers[i]] += 1
