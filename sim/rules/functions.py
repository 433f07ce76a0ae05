"""What a tissue can do: it recovers, and senescent cells and their factors erode it (MODEL.md 2.6)."""

from __future__ import annotations

import math

from sim.compiling import rule


@rule
def function_at_rest(rest: float, recovery: float, gain: float, loss: float) -> float:
    """Where a function settles: (r F_0 + g) / (r + g + l), F_0 where nothing ever comes back.

    ``rest`` F_0, ``recovery`` r, ``gain`` g and ``loss`` l [1/d], as of `function_after`.

    Without recovery what is lost, or laid down, never comes back: it is then counted from the start on.
    """
    return (recovery * rest + gain) / (recovery + gain + loss) if recovery > 0.0 else rest


@rule
def function_after(level: float, rest: float, recovery: float, gain: float, loss: float, dt: float) -> float:
    r"""Share of a function after `dt` [d], exact for gain and loss that do not change meanwhile.

    .. math:: \frac{dF}{dt} = r\,(F_0 - F) + g\,(1 - F) - l\,F, \qquad
              F(t + dt) = F_\infty + (F(t) - F_\infty)\, e^{-(r + g + l)\,dt}, \qquad
              F_\infty = \frac{r F_0 + g}{r + g + l}

    Parameters
    ----------
    level : float
        F, between 0 and 1.
    rest : float
        F_0, where it goes by itself: 1 for what a tissue can do, 0 for what it should not have (scar matrix).
    recovery : float
        r, the rate at which it goes there [1/d].
    gain, loss : float
        g and l [1/d]: the sums of ``max_rate hill(driver)`` over all that builds it up, and all that erodes it.
    dt : float
        Time [d].

    Notes
    -----
    Source: MODEL.md 2.6, our choice of the simplest law that recovers and saturates; no measured one is known to us.
    """
    total = recovery + gain + loss
    if total <= 0.0:
        return level
    lasting = (recovery * rest + gain) / total
    return lasting + (level - lasting) * math.exp(-total * dt)
