"""Day-to-day fluctuation of the burden of a body: a random walk that turns or takes cells (MODEL.md 2.6)."""

from __future__ import annotations

import math

from sim.compiling import rule


@rule
def rise_hazard(change: float, healthy: float, dt: float) -> float:
    r"""Hazard of turning senescent [1/d] by which the burden is expected to rise by `change` z [%] in a step `dt` [d].

    .. math:: h = -\ln(1 - z / (100 H)) / \Delta t

    ``healthy`` H is the healthy share of the cells; 0 where the burden does not rise, or nobody is healthy. A billionth
    of the cells is left at least, so that the hazard stays finite.
    Source: the noise of the saturated-removal model, Karin et al. (2019), Nat Commun 10:5495, cell by cell.
    """
    if change <= 0.0 or healthy <= 0.0:
        return 0.0
    left = 1.0 - change / (100.0 * healthy)
    return -math.log(left if left > 1e-9 else 1e-9) / dt


@rule
def fall_hazard(change: float, burden: float, dt: float) -> float:
    r"""Hazard of removal [1/d] by which the burden X [%] is expected to fall by -z [%] in a step of `dt` [d].

    .. math:: h = -\ln(1 + z / X) / \Delta t

    ``change`` z is negative where the burden falls; a fall below nothing takes (nearly) all senescent cells.
    """
    if change >= 0.0 or burden <= 0.0:
        return 0.0
    left = 1.0 + change / burden
    return -math.log(left if left > 1e-9 else 1e-9) / dt
