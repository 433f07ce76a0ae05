"""Melanocytes wake, make melanin and pass it on; the epidermis sheds it; and how dark that looks (MODEL.md 2.7)."""

from __future__ import annotations

import math

from sim.compiling import rule


@rule
def activation_at_rest(stimulus: float, k_on: float, k_off: float) -> float:
    """Activation that lasts under a constant stimulus: k_on s / (k_on s + k_off); 0 where nothing moves it."""
    total = k_on * stimulus + k_off
    return k_on * stimulus / total if total > 0.0 else 0.0


@rule
def activation_after(activation: float, stimulus: float, k_on: float, k_off: float, dt: float) -> float:
    r"""Activation of a melanocyte after `dt` [d], exact for a stimulus that does not change meanwhile.

    .. math:: \frac{dA}{dt} = k_\mathrm{on}\, s\,(1 - A) - k_\mathrm{off}\, A

    Parameters
    ----------
    activation : float
        A, from 0 (resting) to 1.
    stimulus : float
        s: the sum of ``hill`` (without unit) over the factors that activate, and what is always there.
    k_on, k_off : float
        Rates of waking and of coming to rest [1/d].
    dt : float
        Time [d].

    Notes
    -----
    Source: MODEL.md 2.7, our choice of the simplest law that saturates; that IGFBP3 and NGF of senescent keratinocytes
    activate melanocytes is told in SCIENCE.md 7, without any rate.
    """
    rest = activation_at_rest(stimulus, k_on, k_off)
    return rest + (activation - rest) * math.exp(-(k_on * stimulus + k_off) * dt)


@rule
def mean_activation(activation: float, stimulus: float, k_on: float, k_off: float, dt: float) -> float:
    """Mean of the `activation` over the next `dt` [d]; `stimulus`, `k_on` and `k_off` as of `activation_after`."""
    rate = k_on * stimulus + k_off
    rest = activation_at_rest(stimulus, k_on, k_off)
    share = -math.expm1(-rate * dt) / (rate * dt) if rate * dt > 0.0 else 1.0
    return rest + (activation - rest) * share


@rule
def grown(activation: float, resting: float, activated: float) -> float:
    """Dendrites of a melanocyte, or their reach [um]: evenly from `resting` to `activated` with its `activation`."""
    return resting + (activated - resting) * activation


@rule
def synthesis(activation: float, fastest: float, basal_share: float, tyrosinase: float) -> float:
    r"""Melanin that a melanocyte makes [1/d].

    .. math:: m = m_\mathrm{max}\,(b + (1 - b)\,A)\,T

    ``fastest`` is that of a fully active one, ``basal_share`` (b) what a resting one makes of it, ``tyrosinase`` (T)
    the share of the enzyme's activity that inhibitors leave.
    Source: MODEL.md 2.7 (in proportion to activation and to tyrosinase).
    """
    return fastest * (basal_share + (1.0 - basal_share) * activation) * tyrosinase


@rule
def melanin_at_rest(gain: float, loss: float) -> float:
    """Melanin that lasts where `gain` comes in per day and a share `loss` goes per day; none where nothing goes."""
    return gain / loss if loss > 0.0 else 0.0


@rule
def melanin_after(melanin: float, gain: float, loss: float, dt: float) -> float:
    r"""Melanin of a cell after `dt` [d], exact for what does not change meanwhile.

    .. math:: \frac{dm}{dt} = g - l\,m, \qquad m' = m\,e^{-l\,dt} + g\,\frac{1 - e^{-l\,dt}}{l}

    ``melanin`` m is what it holds now; ``gain`` g [1/d] is made or handed over, ``loss`` l [1/d] is passed on, broken
    down or shed: with l = 1 / turnover and nothing coming in, pigment fades as exp(-t / turnover).
    """
    gone = -math.expm1(-loss * dt)
    return melanin * (1.0 - gone) + (gain * gone / loss if loss > 0.0 else gain * dt)


@rule
def transfer_rate(rate: float, left: float, senescent: float) -> float:
    """Rate at which a melanocyte hands melanin over [1/d]: `rate` times what inhibitors and senescence leave of it.

    ``left`` by inhibitors, ``senescent`` the share of a senescent melanocyte (else 1).

    Source: senescent melanocytes keep their melanosomes around the nucleus (Park 2023, SCIENCE.md 7); no size.
    """
    return rate * left * senescent


@rule
def typology_angle(melanin: float, lightest: float, darkest: float, scale: float) -> float:
    r"""Lightness like the individual typology angle (ITA) [degrees] of skin with so much `melanin` seen from above.

    .. math:: \mathrm{ITA} = d + (l - d)\,e^{-m / s}

    ``lightest`` (l) without melanin, ``darkest`` (d) with any amount of it; ``scale`` (s) is the melanin, in multiples
    of that of resting skin, that takes 1 - 1/e of the way: melanin absorbs what passes it (Beer and Lambert).
    Source: our mapping, assumed; no measured one is known to us.
    """
    return darkest + (lightest - darkest) * math.exp(-melanin / scale)
