"""Cleared -> healthy: a vacant site is refilled by a healthy neighbour (MODEL.md 2.3)."""

from __future__ import annotations

import math

from sim.compiling import rule


@rule
def regenerative_capacity(age: float, decline: float) -> float:
    """Share of the young capacity to divide at an `age` [yr]: exp(-decline age), `decline` in 1/yr."""
    return math.exp(-decline * age)


@rule
def refill_hazard(
    healthy: float, present: float, rate: float, capacity: float, boost: float, inhibition: float
) -> float:
    """Hazard that a vacant site is refilled [1/d]: `rate` times the share of its present neighbours that is healthy.

    All are multiplied: ``capacity`` is the regenerative one, ``boost`` (1: none) is by factors and drugs,
    ``inhibition`` the share left by factors that inhibit repair. Without a healthy neighbour nothing happens.
    """
    if present <= 0.0:
        return 0.0
    return rate * (healthy / present) * capacity * boost * inhibition


@rule
def daughter_type(mother: float, former: float, belongs: float) -> float:
    """Type of a daughter: that of her `mother` where it `belongs` to the layer (1 or 0), else the `former` of the site.

    The niche decides: a keratinocyte that closes a gap in the dermis would otherwise carry the epidermis downwards.
    Source: our choice; layers keep their cell types.
    """
    return mother if belongs > 0.0 else former
