"""How noise moves the burdens of a well-mixed individual, and when it dies: loops of `sim.cohort_kernel`."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from sim.brownian import increment_at
from sim.compiling import inlined
from sim.rng import philox, unit_interval
from sim.rules.clearance import evading_share
from sim.rules.induction import chance
from sim.rules.mortality import crossing_chance, crossing_time, death_hazard, lowest_between, other_hazard
from sim.tissue.state import EVADES_DRUGS, EVADES_IMMUNITY

WHOLE = 100.0  # percent
SURELY = 40.0  # a chance of exp(-40) is below every uniform number of 53 bits that is not 0
NOBODY = 1e-9  # %: so few that they have no kinds
FLUCTUATION = 2  # the part of the burden that noise has turned; the others: see `sim.cohort_kernel`


@inlined
def whole_burden(burdens, tissues):
    """Burden of the whole body [%]."""
    whole = 0.0
    for t in range(burdens.size):
        whole += tissues[t].share * burdens[t]
    return whole


@inlined
def share_of(what, age, tissue, scale):
    """Share of the cells that turn at an `age` [yr] and evade just `what` (bits); `scale` is of their cause."""
    immune = min(1.0, evading_share(tissue.immune, tissue.immune_per_year, age, scale))
    drugs = min(1.0, evading_share(tissue.drug, tissue.drug_per_year, age, scale))
    return (immune if what & EVADES_IMMUNITY else 1.0 - immune) * (drugs if what & EVADES_DRUGS else 1.0 - drugs)


@inlined
def fluctuate(step, replicate, age, whole, place, individual, tissues, classes, evasion_of, burdens, drifted, parts):
    """Noise moves the burden of the body, of tissues, or both, as in `Patch.fluctuate`; returns that of the body."""
    dt, k0, k1 = individual.dt, place.k0, place.k1
    systemic, own = individual.systemic * dt, individual.own * dt  # variances
    shared, so_far, after = 0.0, 0.0, 0.0
    if systemic > 0.0:
        shared = math.sqrt(individual.systemic) * increment_at(step, dt, place.fluctuation, replicate, k0, k1)
    if individual.joined:  # tissues that are one population of cells
        so_far = whole_burden(drifted, tissues)
        after = _reflected(whole, so_far + shared, systemic, step, place.death, replicate, k0, k1)
    for t in range(tissues.size):
        start, variance, reached = burdens[t], own + systemic, drifted[t] + shared
        if tissues[t].of_body == 1.0:
            variance, reached = own, _moved_along(drifted[t], so_far, after)
        if own > 0.0:
            alone = increment_at(step, dt, tissues[t].path, replicate, k0, k1)
            reached += math.sqrt(individual.own) * alone
        burdens[t] = _reflected(start, reached, variance, step, tissues[t].luck, replicate, k0, k1)
        _settle(t, age, drifted[t], burdens[t], tissues[t], classes, evasion_of, parts)
    return whole_burden(burdens, tissues)


@inlined
def _moved_along(drifted, so_far, after):
    """Where a change of the burden of the body takes that of a tissue: all senescent cells become more or fewer alike.

    What share of them a drug reaches must not depend on noise: if it brought cells of one kind and took of another, it
    would mix them the faster, the shorter the step.
    """
    return drifted * (after / so_far) if so_far > NOBODY else drifted + (after - so_far)


@inlined
def _reflected(start, end, variance, step, luck, replicate, k0, k1):
    """Where noise from `start` to `end` leads if it is reflected at nothing, and at most to all cells."""
    if variance > 0.0 and (end <= 0.0 or 2.0 * start * end < SURELY * variance):  # elsewhere it stays clear of 0
        _, _, w2, w3 = philox(0, step, luck, replicate, k0, k1)
        lowest = lowest_between(start, end, variance, 1.0 - unit_interval(w2, w3))
        if lowest < 0.0:
            end -= lowest
    return min(end, WHOLE)


@inlined
def _settle(t, age, drifted, reached, tissue, classes, evasion_of, parts):
    """The parts of a burden that noise moved: it adds cells of its own, as evasive as the others, and takes of all."""
    n_causes = evasion_of.shape[1]
    if reached < drifted:
        for k in range(parts.shape[1]):
            parts[t, k] *= reached / drifted
    elif classes.size == 1:
        parts[t, FLUCTUATION] += reached - drifted
    else:
        for c in range(classes.size):
            share = share_of(classes[c], age, tissue, evasion_of[t, FLUCTUATION])
            if drifted > NOBODY:
                share = 0.0
                for k in range(c * n_causes, (c + 1) * n_causes):
                    share += parts[t, k] / drifted
            parts[t, c * n_causes + FLUCTUATION] += share * (reached - drifted)


@inlined
def death(start, end, age, step, replicate, place, individual):
    """Share of the step after which an individual of this `age` [d] dies, -1 if it lives on."""
    when = _by_burden(start, end, step, replicate, place, individual)
    if individual.other_rate == 0.0:
        return when
    hazard = other_hazard(age + 0.5 * individual.dt, individual.other_rate, individual.other_doubling)
    other = _by_hazard(hazard, step, place.other_death, replicate, place, individual.dt)
    return other if other >= 0.0 and (when < 0.0 or other < when) else when


@inlined
def _by_burden(start, end, step, replicate, place, individual):
    """The same for deaths by a burden that goes from `start` to `end`."""
    threshold, steepness = individual.threshold, individual.steepness
    if steepness > 0.0:
        before, after = death_hazard(start, threshold, steepness), death_hazard(end, threshold, steepness)
        return _by_hazard(0.5 * (before + after), step, place.death, replicate, place, individual.dt)
    if end >= threshold:
        return crossing_time(start, end, threshold)
    variance = (individual.systemic + individual.own * individual.own_in_body) * individual.dt
    if 2.0 * (threshold - start) * (threshold - end) >= SURELY * variance:
        return -1.0  # it stays clear of the threshold
    w0, w1, _, _ = philox(0, step, place.death, replicate, place.k0, place.k1)
    crossed = unit_interval(w0, w1) < crossing_chance(start, end, threshold, variance)
    return crossing_time(start, end, threshold) if crossed else -1.0


@inlined
def _by_hazard(hazard, step, luck, replicate, place, dt):
    """The same for deaths at a hazard [1/d]."""
    w0, w1, _, _ = philox(0, step, luck, replicate, place.k0, place.k1)
    u = unit_interval(w0, w1)
    return -math.log1p(-u) / (hazard * dt) if u < chance(hazard, dt) else -1.0
