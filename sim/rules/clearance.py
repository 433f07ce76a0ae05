"""Senescent -> cleared: immune removal that saturates and is jammed, and the cells' own death (MODEL.md 2.2)."""

from __future__ import annotations

import math

from sim.compiling import rule


@rule
def jamming(level: float, half_max: float) -> float:
    """Share of a process that is left at the `level` of a factor: 1 / (1 + level / `half_max`), in the same unit."""
    return 1.0 / (1.0 + level / half_max)


@rule
def removal_hazard(burden: float, max_rate: float, half_saturation: float, capacity: float, jam: float) -> float:
    r"""Hazard of immune removal of one senescent cell [1/d].

    .. math:: h = \frac{\beta\, C}{\kappa + X}\, j

    ``burden`` X and ``half_saturation`` kappa in percent, ``max_rate`` beta in percent per day, ``capacity`` C and
    the left share ``jam`` without unit. Slow at high burden because removal is saturated.
    Source: saturated removal, Karin et al. (2019), Nat Commun 10:5495; X is the burden of the territory of the cell.
    """
    return max_rate * capacity / (half_saturation + burden) * jam


@rule
def left_by_knock_out(rate: float, share: float, working: float) -> float:
    """What is left of a `rate` of removal where a route does a `share` of it and only `working` of that route works."""
    return rate * (1.0 - share * (1.0 - working))


@rule
def full_capacity(capacity: float, decline: float, age: float) -> float:
    """Working share of the immune cells at an immune `age` [yr], when none were lost: capacity exp(-decline age)."""
    return capacity * math.exp(-decline * age)


@rule
def attraction(level: float, half_max: float, basal: float) -> float:
    r"""Share of clearance that comes at the `level` of a chemoattractant: `basal` without any, all at saturation.

    .. math:: b + (1 - b)\, c / (c_{1/2} + c)

    ``half_max`` is the level, in its unit, at which half of what is not basal comes.
    """
    return basal + (1.0 - basal) * (level / (half_max + level))


@rule
def evading_share(share: float, per_year: float, age: float, scale: float) -> float:
    """Share of the cells that evade killing if they turn at an `age` [yr] of the host: (share + per_year age) scale.

    ``share`` is that of a newborn host, ``per_year`` its rise [1/yr], ``scale`` belongs to the cause of their
    senescence.
    """
    return (share + per_year * age) * scale


@rule
def immune_capacity(capacity: float, full: float, recovery: float, loss: float, dt: float) -> float:
    r"""Working share of the immune cells after `dt` [d] under a constant hazard of `loss` [1/d]; exact.

    .. math:: dC/dt = (C_0 - C)/\tau - h C

    ``capacity`` C is the share now, ``full`` C0 is the share at this age when none are lost (`full_capacity`),
    ``recovery`` tau in d. Immune cells are lost to factors that turn them senescent and to drugs that kill them; what
    is missing of C0 is senescent or dead. Source: the vicious circle of Zubova, Alameen and Hussain (2026), in words;
    the form is ours.
    """
    rate = 1.0 / recovery + loss
    rest = full / (1.0 + loss * recovery)
    return rest + (capacity - rest) * math.exp(-rate * dt)


@rule
def mean_immune_capacity(capacity: float, full: float, recovery: float, loss: float, dt: float) -> float:
    """Mean over the next `dt` [d] of what `immune_capacity` follows; same `capacity`, `full`, `recovery` and `loss`."""
    rate = 1.0 / recovery + loss
    rest = full / (1.0 + loss * recovery)
    lost = rate * dt
    return rest + (capacity - rest) * (-math.expm1(-lost) / lost if lost > 0.0 else 1.0)


@rule
def jamming_elasticity(level: float, half_max: float) -> float:
    """Percent of what `jamming` leaves that is lost when the `level` rises by 1 %: level / (`half_max` + level)."""
    return level / (half_max + level)


@rule
def exhaustion_elasticity(loss: float, rising: float, recovery: float) -> float:
    """Percent of the immune capacity at rest, C0 / (1 + loss recovery), that is lost when a level rises by one percent.

    ``loss`` [1/d] is what all factors do together, ``rising`` [1/d] its rise per relative rise of the levels.
    """
    return rising * recovery / (1.0 + loss * recovery)


@rule
def loop_gain(burden: float, half_saturation: float, weakening: float) -> float:
    r"""Gain of the vicious circle: more senescent cells, weaker immunity, more senescent cells.

    .. math:: G = e\,\frac{\kappa + X}{\kappa}; \quad \beta C(X) j(X) \frac{X}{\kappa + X} \text{ is largest at } G = 1

    If immunity weakens by 1 %, the burden X [%] must rise by (kappa + X) / kappa percent to be removed as fast (kappa:
    ``half_saturation`` [%]); that weakens immunity by e = ``weakening`` percent per percent again. Above 1 a larger
    burden is removed more slowly in all, not only per cell. Zero where nothing that senescent cells secrete weakens
    immunity.
    """
    return weakening * (half_saturation + burden) / half_saturation
