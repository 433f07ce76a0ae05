"""What a tissue can do: it recovers, and senescent cells and their factors erode it (MODEL.md 2.6)."""

from __future__ import annotations

import math

from sim.compiling import rule


@rule
def function_at_rest(recovery: float, loss: float) -> float:
    """Share of a function that lasts: r / (r + l), both in 1/d; all of it where nothing ever comes back.

    Without recovery there is no rest but 0, where no animal starts: what is lost is then counted from the start on.
    """
    return recovery / (recovery + loss) if recovery > 0.0 else 1.0


@rule
def function_after(level: float, recovery: float, loss: float, dt: float) -> float:
    r"""Share of a function after `dt` [d], exact for a loss that does not change meanwhile.

    .. math:: \frac{dF}{dt} = r\,(1 - F) - l\,F, \qquad
              F(t + dt) = \frac{r}{r + l} + \left(F(t) - \frac{r}{r + l}\right) e^{-(r + l)\,dt}

    Parameters
    ----------
    level : float
        F, as a share of the best.
    recovery : float
        r, the rate at which what is lost comes back [1/d].
    loss : float
        l [1/d]: the sum of ``max_rate hill(driver)`` over all that erodes it.
    dt : float
        Time [d].

    Notes
    -----
    Source: MODEL.md 2.6, our choice of the simplest law that recovers and saturates; no measured one is known to us.
    """
    total = recovery + loss
    if total <= 0.0:
        return level
    lasting = recovery / total
    return lasting + (level - lasting) * math.exp(-total * dt)
