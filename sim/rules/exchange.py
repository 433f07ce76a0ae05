"""Exchange of factors between a tissue and the blood (MODEL.md 2.6)."""

from __future__ import annotations

from sim.compiling import rule


@rule
def exchange_rates(leak: float, tropism: float, volume: float, blood_volume: float) -> tuple[float, float, float]:
    r"""Rates [1/d] at which exchange changes the plasma level B and the mean level c of a tissue.

    .. math::

        V_B \frac{dB}{dt} = p\,(c - \tau B), \qquad V \frac{dc}{dt} = -p\,(c - \tau B), \qquad p = \mathrm{leak}\; V

    Parameters
    ----------
    leak : float
        Share of the tissue's factor that leaks out per day [1/d].
    tropism : float
        Level in the tissue that a level of 1 in the blood balances.
    volume, blood_volume : float
        Of the organ and of the blood, in the same unit.

    Returns
    -------
    float, float, float
        What B gains per c, what B loses per B, and what c gains per B; c loses `leak` per c. An amount that leaves one
        side enters the other.
    """
    exchange = leak * volume
    return exchange / blood_volume, exchange * tropism / blood_volume, leak * tropism
