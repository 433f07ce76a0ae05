"""Senescent -> cleared: immune removal that saturates and is jammed, and the cells' own death (MODEL.md 2.2)."""

from __future__ import annotations

from sim.compiling import rule


@rule
def jamming(level: float, half_max: float) -> float:
    """Share of a process that is left at the `level` of a factor: a half at `half_max` (same unit)."""
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
def attraction(level: float, half_max: float, basal: float) -> float:
    """Share of clearance that comes at the `level` of a chemoattractant: `basal` without any, all at saturation."""
    return basal + (1.0 - basal) * (level / (half_max + level))


@rule
def evading_share(share: float, per_year: float, age: float, scale: float) -> float:
    """Share of the cells that evade killing if they turn at an `age` [yr] of the host; `scale` is of their cause."""
    return (share + per_year * age) * scale
