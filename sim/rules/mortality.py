"""When the individual dies of its burden, and how a burden that fluctuates meets its two ends within a step.

Between two known values a burden with noise is a Brownian bridge of variance 2 eps dt. Its smallest value and the
chance that it has crossed a line are known exactly, so that the first passage has no error of order sqrt(dt).
"""

from __future__ import annotations

import math

from sim.compiling import rule


@rule
def death_hazard(burden: float, threshold: float, steepness: float) -> float:
    r"""Hazard of death [1/d] at a `burden` X [%]: a soft threshold, 1 per day well above it.

    .. math:: h = \frac{1}{1 + e^{-\theta (X - X_c)}}

    ``threshold`` Xc in percent, ``steepness`` theta in 1/%. Source: Karin et al. (2019), Nat Commun 10:5495, Fig. 4c.
    """
    distance = steepness * (burden - threshold)
    if distance >= 0.0:
        return 1.0 / (1.0 + math.exp(-distance))
    odds = math.exp(distance)
    return odds / (1.0 + odds)


@rule
def other_hazard(age: float, rate: float, doubling_time: float) -> float:
    r"""Hazard of death by other causes [1/d] at an `age` [d]: `rate` at birth, twice that every `doubling_time` [d].

    .. math:: h = r\, 2^{a / T}

    Source: Gompertz (1825), Phil Trans R Soc 115:513. Constant for an infinite doubling time.
    """
    doublings = age / doubling_time
    return rate * 2.0 ** (doublings if doublings < 1000.0 else 1000.0)  # nobody gets that old; the number stays finite


@rule
def lowest_between(start: float, end: float, variance: float, u: float) -> float:
    r"""Smallest value of a Brownian bridge, by a uniform number `u` in (0, 1].

    .. math:: m = \tfrac12 \left(a + b - \sqrt{(a - b)^2 - 2 \sigma^2 \ln u}\right)

    ``start`` a and ``end`` b are its two ends, ``variance`` that of the free motion over the step. A process that is
    reflected at 0 is pushed up by -m where m is negative (Skorokhod). Source: Asmussen, Glynn and Pitman (1995), Ann
    Appl Probab 5:875.
    """
    apart = start - end
    return 0.5 * (start + end - math.sqrt(apart * apart - 2.0 * variance * math.log(u)))


@rule
def crossing_chance(start: float, end: float, line: float, variance: float) -> float:
    r"""Chance that a bridge from `start` a to `end` b crosses a `line` L above: exp(-2 (L - a)(L - b) / variance)."""
    if start >= line or end >= line:
        return 1.0
    return math.exp(-2.0 * (line - start) * (line - end) / variance) if variance > 0.0 else 0.0


@rule
def crossing_time(start: float, end: float, line: float) -> float:
    """Share of the step after which a path that crosses a `line` above its start meets it.

    Where the straight way to the end, or to its mirror image behind the line, meets it: both are equally likely.
    """
    before = line - start
    if before <= 0.0:
        return 0.0
    return before / (before + math.fabs(line - end))
