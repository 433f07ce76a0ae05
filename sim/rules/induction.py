"""Healthy -> senescent: damage, factors, accumulated cargo, contact, and how hazards become a chance (MODEL.md 2.1)."""

from __future__ import annotations

import math

from sim.compiling import rule


@rule
def damage_hazard(age: float, baseline: float, per_year: float) -> float:
    r"""Hazard of turning senescent by damage [1/d] at an `age` [yr].

    .. math:: h = \eta_0 + \eta_1 a

    ``baseline`` [1/d] and ``per_year`` [1/d/yr] are shares of healthy cells (not percent).
    Source: production term of Karin et al. (2019), Nat Commun 10:5495, with an intercept.
    """
    return baseline + per_year * age


@rule
def hill(level: float, max_rate: float, half_max: float, power: float) -> float:
    r"""Saturating response [1/d] to the `level` of a factor or of cargo (both in units of the factor).

    .. math:: h = h_\mathrm{max}\, c^n / (c_{1/2}^n + c^n)

    ``max_rate`` [1/d], ``half_max`` in the unit of the level, ``power`` n without unit.
    """
    bound = level**power
    return max_rate * bound / (half_max**power + bound)


@rule
def linear(level: float, rate: float) -> float:
    """Proportional response [1/d]: `rate` [1/d per unit] times `level`."""
    return rate * level


@rule
def poisson_tail(level: float, threshold: float, rate: float) -> float:
    r"""Response [1/d] to single ligands: `rate` times the chance that more than `threshold` of them bind.

    .. math:: h = r\, P(\mathrm{Poisson}(c) > N)

    ``level`` is the expected number of ligands bound in an hour. Sums relative to the term at N, so that nothing
    underflows; beyond 2 N + 200 the chance is 1 to double precision.
    Source: Martin, Schumacher and Chandra (2023), Aging Cell 22:e13892; the chance per hour is used as a rate.
    """
    if level <= 0.0:
        return 0.0
    if level > 2.0 * threshold + 200.0:
        return rate
    below, term, count = 1.0, 1.0, threshold
    while count > 0.0 and term > 1e-20 * below:
        term = term * count / level
        below = below + term
        count = count - 1.0
    above, term, count = 0.0, 1.0, threshold
    while count < level or term > 1e-20 * above:
        count = count + 1.0
        term = term * level / count
        above = above + term
    return rate * (above / (above + below))


@rule
def response(kind: float, level: float, first: float, second: float, third: float) -> float:
    """Rate of turning senescent [1/d] by the response that a scenario chose.

    ``kind`` 1: `hill` (max_rate, half_max, power); 2: `linear` (rate); 3: `poisson_tail` (threshold, rate); 0: none.
    Those numbers are ``first``, ``second`` and ``third``; ``level`` is in units of the factor.
    """
    if kind == 1.0:
        return hill(level, first, second, third)
    if kind == 2.0:
        return linear(level, first)
    if kind == 3.0:
        return poisson_tail(level, first, second)
    return 0.0


@rule
def contact_hazard(neighbours: float, rate: float) -> float:
    """Juxtacrine hazard [1/d]: `rate` [1/d] times the number of mature senescent `neighbours`."""
    return rate * neighbours


@rule
def induction_hazard(hazard: float, susceptibility: float, maintenance: float) -> float:
    """What is left of a summed `hazard` [1/d]: times `susceptibility` of the cell type, times 1 - `maintenance`."""
    return susceptibility * (1.0 - maintenance) * hazard


@rule
def accumulated_cargo(cargo: float, uptake: float, keep: float, memory: float) -> float:
    r"""Accumulated drift dose after a step: exact for a constant uptake.

    .. math:: dq/dt = u - q/\tau, \qquad q' = q\,e^{-\Delta t/\tau} + u \tau (1 - e^{-\Delta t/\tau})

    ``cargo`` q is the dose before, ``uptake`` u is affinity times level [unit/d], ``keep`` is exp(-dt / memory),
    ``memory`` is tau [d]. Source: senescent drift as a remembered dose; hypothesis of Klabukov et al. (2025), no
    measured kernel.
    """
    return cargo * keep + uptake * memory * (1.0 - keep)


@rule
def quality_left(dose: float, half_max: float, power: float) -> float:
    """Quality of a healthy cell under a `dose`: 1 - dose^n / (half_max^n + dose^n), from 1 towards 0; n is the `power`.

    It declines before the cell turns, whatever the rate of turning: drift as a gradual decline, like the stored apple.
    Doses of several factors multiply. Source: hypothesis of Klabukov et al. (2025), MODEL.md 2.1; nothing is measured.
    """
    return 1.0 - hill(dose, 1.0, half_max, power)


@rule
def chance(hazard: float, dt: float) -> float:
    """Probability that something of this summed `hazard` [1/d] happens within `dt` [d]: 1 - exp(-hazard dt)."""
    return -math.expm1(-hazard * dt)


@rule
def chance_among(each: float, senders: float) -> float:
    """Probability that at least one of n `senders`, with chance `each` = p, turns a cell at once: 1 - (1 - p)^n."""
    return 1.0 - (1.0 - each) ** senders
