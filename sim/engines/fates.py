"""The fate of one site in a step: its hazards by the rules, and one draw among them.

They hold no biology: they load float64 numbers and call the rules. They take plain arrays: an array that is fetched
from a tuple in an inner loop counts references (10 ns each time).
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from sim.compiling import inlined
from sim.rules.clearance import attraction, jamming, removal_hazard
from sim.rules.induction import chance, contact_hazard, hill, induction_hazard, response
from sim.rules.repair import refill_hazard
from sim.scenario.causes import CONTACT, DAMAGE, FIRST_FACTOR, FLUCTUATION, FLUCTUATION_LOSS, OWN_DEATH, REPAIRED
from sim.scenario.causes import IMMUNE as BY_IMMUNITY
from sim.tissue.acting import FACTORS, IMMUNE, INDUCTION, PER_FACTOR, REPAIR, RESPONSE, UNJAM
from sim.tissue.parameters import (
    ATTRACT_BASAL,
    ATTRACT_HALF,
    BOOST_HALF,
    BOOST_MAX,
    BOOST_POWER,
    CARGO,
    CARGO_BY_TYPE,
    CARGO_ROW,
    INHIBIT_HALF,
    JAM_HALF,
    LEVEL,
    LEVEL_BY_TYPE,
)
from sim.tissue.state import ABSENT, EVADES_DRUGS, EVADES_IMMUNITY, HEALTHY, SENESCENT


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
def induction_event(site, t, u, damage, rise, state, cell_type, since, cargo, seen, near, n_near, numbers,
                    factors, by_type, susceptibility, acts, healthy_codes, hazards, codes):  # fmt: skip
    """Event code of a healthy site, 0 if nothing happens: one uniform, competing risks.

    ``acts`` is the row of modifiers by drugs at the depth and of the type of the site (`sim.tissue.acting`);
    ``rise`` is the hazard by which the body fluctuates.
    """
    kind = cell_type[site]
    weight = susceptibility[kind] * acts[INDUCTION]
    hazards[0], codes[0] = induction_hazard(damage, weight, numbers.maintenance), DAMAGE
    total, n = hazards[0], 1
    for f in range(factors.shape[0]):
        left = acts[FACTORS + PER_FACTOR * f + RESPONSE]
        if factors[f, LEVEL] != 0.0:
            rate = response(
                factors[f, LEVEL], np.float64(seen[f, site]),
                factors[f, LEVEL + 1], factors[f, LEVEL + 2], factors[f, LEVEL + 3],
            )  # fmt: skip
            hazards[n] = induction_hazard(rate * by_type[f, LEVEL_BY_TYPE, kind] * left, weight, numbers.maintenance)
            codes[n] = FIRST_FACTOR + 2 * f
            total += hazards[n]
            n += 1
        if factors[f, CARGO] != 0.0:
            dose = cargo[int(factors[f, CARGO_ROW]), site]
            rate = response(
                factors[f, CARGO], dose, factors[f, CARGO + 1], factors[f, CARGO + 2], factors[f, CARGO + 3]
            )
            hazards[n] = induction_hazard(rate * by_type[f, CARGO_BY_TYPE, kind] * left, weight, numbers.maintenance)
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
    for i in range(healthy_codes.size):
        hazards[n], codes[n] = acts[FACTORS + PER_FACTOR * factors.shape[0] + i], healthy_codes[i]
        total += hazards[n]
        n += 1
    if rise > 0.0:
        hazards[n], codes[n] = rise, FLUCTUATION
        total += rise
        n += 1
    return chosen(u, total, hazards, codes, n, numbers.dt)


@inlined
def clearance_of(site, burden, immunity, seen, numbers, factors, acts):
    """Hazard of immune removal of a senescent site that does not evade it."""
    share = 1.0
    for f in range(factors.shape[0]):
        if factors[f, JAM_HALF] > 0.0:
            share *= jamming(np.float64(seen[f, site]) * acts[UNJAM], factors[f, JAM_HALF])
        if factors[f, ATTRACT_HALF] > 0.0:
            level = np.float64(seen[f, site])
            share *= attraction(level, factors[f, ATTRACT_HALF], factors[f, ATTRACT_BASAL])
    return removal_hazard(burden, numbers.max_rate, numbers.half_saturation, immunity * acts[IMMUNE], share)


@inlined
def removal_event(site, t, u, burden, immunity, fall, cell_type, cause, generation, since, refractory, seen,
                  numbers, factors, own_death, acts, layer, strength, deed_weight, window, deed_codes, evadable,
                  hazards, codes):  # fmt: skip
    """Event code of a senescent site: immune removal, its own death, a drug that kills or heals it, or fluctuation."""
    hazards[0], codes[0] = 0.0, BY_IMMUNITY
    hazards[1], codes[1] = own_death[cell_type[site]], OWN_DEATH
    if numbers.max_rate > 0.0 and refractory[site] & EVADES_IMMUNITY == 0:
        hazards[0] = clearance_of(site, burden, immunity, seen, numbers, factors, acts)
    total, n, age = hazards[0] + hazards[1], 2, t - since[site]
    for k in range(strength.shape[0]):
        spared = evadable[k] == 1 and refractory[site] & EVADES_DRUGS != 0
        if not spared and age >= window[k, 0] and age < window[k, 1]:
            scale = deed_weight[k, cause[site], min(np.int64(generation[site]), 2), cell_type[site]]
            hazards[n], codes[n] = strength[k, layer] * scale, deed_codes[k]
            total += hazards[n]
            n += 1
    if fall > 0.0:
        hazards[n], codes[n] = fall, FLUCTUATION_LOSS
        total += fall
        n += 1
    return chosen(u, total, hazards, codes, n, numbers.dt)


@inlined
def repair_event(site, u, capacity, state, seen, near, n_near, numbers, factors, acts, hazards, codes):
    """Event code of a vacant site: refilled, or nothing."""
    healthy, present = 0, 0
    for j in range(n_near):
        present += state[near[j]] != ABSENT
        healthy += state[near[j]] == HEALTHY
    inhibition, boost = 1.0, 1.0
    for f in range(factors.shape[0]):
        if factors[f, INHIBIT_HALF] > 0.0:
            inhibition *= jamming(np.float64(seen[f, site]), factors[f, INHIBIT_HALF])
        if factors[f, BOOST_MAX] > 0.0:
            level = np.float64(seen[f, site])
            boost += hill(level, factors[f, BOOST_MAX], factors[f, BOOST_HALF], factors[f, BOOST_POWER])
    boost *= acts[REPAIR]
    hazards[0] = refill_hazard(float(healthy), float(present), numbers.refill_rate, capacity, boost, inhibition)
    codes[0] = REPAIRED
    return chosen(u, hazards[0], hazards, codes, 1, numbers.dt)
