"""Upper bounds of chances, so that most sites are passed over before anything is computed for them.

A site is skipped when the first 32 bits of its uniform already exceed an upper bound of its chance; the bound is taken
over a block of sites from the monotone rules themselves, so that no state can change by skipping.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from sim.compiling import inlined, kernel, trailing_zeros
from sim.rules.clearance import removal_hazard
from sim.rules.induction import chance, contact_hazard, induction_hazard, response
from sim.rules.repair import refill_hazard
from sim.tissue.parameters import BOOST_MAX, CARGO, CARGO_BY_TYPE, CARGO_ROW, LEVEL, LEVEL_BY_TYPE
from sim.tissue.state import CLEARED, HEALTHY, SENESCENT

BLOCK = 1024  # sites whose words and bounds stay in the first cache
SLACK = 1.0 + 1e-9  # a bound stays a bound through rounding


@inlined
def highest(values):
    """Largest of some integers: an order-free reduction, which vectorises."""
    top = values[0]
    for i in range(values.size):
        top = max(top, values[i])
    return top


@kernel
def healthy_bound(first, last, damage, cargo_bits, level_bits, cargo_top, level_top, slots, numbers, factors,
                  largest, by_drugs):  # fmt: skip
    """Upper bound of the chance that any healthy site of a block turns senescent in the step.

    ``cargo_top`` and ``level_top`` are a float and its bits in one place, to turn the bits of a maximum into it;
    ``largest`` (F + 1, 3) holds the largest multipliers of any cell type, its last row the largest susceptibility;
    ``by_drugs`` is the largest hazard that drugs add. What drugs inhibit only lowers a chance.
    """
    hazard = damage
    for f in range(factors.shape[0]):
        if factors[f, LEVEL] != 0.0:
            level_top[1][0] = highest(level_bits[f, first:last])
            top = np.float64(level_top[0][0])
            rate = response(factors[f, LEVEL], top, factors[f, LEVEL + 1], factors[f, LEVEL + 2], factors[f, LEVEL + 3])
            hazard += rate * largest[f, LEVEL_BY_TYPE]
        if factors[f, CARGO] != 0.0:
            cargo_top[1][0] = highest(cargo_bits[int(factors[f, CARGO_ROW]), first:last])
            top = cargo_top[0][0]
            rate = response(factors[f, CARGO], top, factors[f, CARGO + 1], factors[f, CARGO + 2], factors[f, CARGO + 3])
            hazard += rate * largest[f, CARGO_BY_TYPE]
    hazard += contact_hazard(float(slots), numbers.contact_rate)
    hazard = induction_hazard(hazard * SLACK, largest[-1, 0], numbers.maintenance) + by_drugs * SLACK
    return chance(hazard, numbers.dt) * SLACK


@inlined
def removal_bound(burden, immunity, alone, numbers):
    """Upper bound of the chance that a senescent site goes, given at least this `burden`: hazard times dt, unjammed.

    ``immunity`` is the largest capacity and boost, ``alone`` the largest hazard of all else: its own
    death, fluctuation, drugs that kill or heal it.
    """
    hazard = alone
    if numbers.max_rate > 0.0:
        hazard += removal_hazard(burden, numbers.max_rate, numbers.half_saturation, immunity, 1.0)
    return hazard * numbers.dt * SLACK


@kernel
def repair_bound(capacity, boost, numbers, factors):
    """Upper bound of the chance that a vacant site is refilled, all its neighbours healthy and all boosts at most."""
    largest = 1.0
    for f in range(factors.shape[0]):
        largest += factors[f, BOOST_MAX]
    largest *= boost * SLACK
    return chance(refill_hazard(1.0, 1.0, numbers.refill_rate, capacity, largest, 1.0) * SLACK, numbers.dt) * SLACK


@inlined
def candidates(first, words, limits, states, divisions, division_limit, marks, found):
    """Sites of a block whose first random word leaves the event of their state possible; in site order.

    ``limits`` are the largest such words of healthy, senescent and vacant sites, -1 where nothing can happen; ``marks``
    (two views of the same bytes, one by eight) is room for a mark per site.
    """
    none = np.uint8(255)  # no state
    healthy = np.uint8(HEALTHY) if limits[0] >= 0 else none
    senescent = np.uint8(SENESCENT) if limits[1] >= 0 else none
    vacant = np.uint8(CLEARED) if limits[2] >= 0 else none
    low, middle, high = np.uint32(limits[0]), np.uint32(limits[1]), np.uint32(limits[2])
    mark, eight = marks
    mark[states.size :] = 0
    for i in range(states.size):  # vector code: no branch, no table
        state, word = states[i], words[i]
        mark[i] = (
            ((state == healthy) & (word <= low))
            | ((state == senescent) & (word <= middle))
            | ((state == vacant) & (word <= high))
        )
    if division_limit > 0 and highest(divisions) >= division_limit:
        for i in range(states.size):
            mark[i] |= (states[i] == HEALTHY) & (divisions[i] >= division_limit)
    count = 0
    for j in range(eight.size):
        left = eight[j]
        while left != 0:
            found[count] = first + 8 * j + np.int64(trailing_zeros(left) >> np.uint64(3))
            left &= left - np.uint64(1)
            count += 1
    return count
