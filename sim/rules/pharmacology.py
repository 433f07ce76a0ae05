"""What a dose becomes in the body, and what a concentration does (MODEL.md 2.5)."""

from __future__ import annotations

import math

from sim.compiling import rule


@rule
def remaining(amount: float, rate: float, time: float) -> float:
    """What first-order loss at `rate` [1/d] leaves of `amount` after `time` [d]."""
    return amount * math.exp(-rate * time)


@rule
def rising_and_falling(absorption: float, elimination: float, time: float) -> float:
    r"""Share of an absorbed dose that is in the body after `time` [d] (Bateman function).

    .. math:: \frac{k_a}{k_a - k} (e^{-k t} - e^{-k_a t})

    ``absorption`` k_a and ``elimination`` k are rates [1/d].

    Written so that nothing cancels where both rates are alike; the limit there is k t exp(-k t).
    """
    slow = elimination if elimination < absorption else absorption
    apart = math.fabs(absorption - elimination) * time
    spread = -math.expm1(-apart) / apart if apart > 0.0 else 1.0
    return absorption * time * math.exp(-slow * time) * spread


@rule
def in_body(body: float, gut: float, infusion: float, absorption: float, elimination: float, time: float) -> float:
    r"""Concentration after `time` [d] without a new dose: one compartment, exact.

    .. math:: dG/dt = -k_a G, \qquad dC/dt = k_a G + R - k C

    ``body`` C and ``gut`` G at the start and the ``infusion`` R [1/d] in the unit of the drug;
    ``absorption`` k_a and ``elimination`` k are rates [1/d].
    """
    eliminated = -math.expm1(-elimination * time)
    absorbed = gut * rising_and_falling(absorption, elimination, time)
    return body * (1.0 - eliminated) + absorbed + infusion / elimination * eliminated


@rule
def at_depth(surface: float, depth: float, penetration_depth: float) -> float:
    """What is left of a topical drug, or of radiation, at a depth [um]: surface exp(-`depth` / `penetration_depth`)."""
    return surface * math.exp(-depth / penetration_depth)


@rule
def emax_effect(concentration: float, emax: float, ec50: float, power: float) -> float:
    r"""Effect of a concentration, in the unit of `emax`; half of it at `ec50` (unit of the concentration).

    .. math:: E = E_\mathrm{max}\, C^n / (C_{50}^n + C^n)

    Written so that no power overflows. Source: Emax model of clinical pharmacology.
    """
    if concentration <= 0.0:
        return 0.0
    if concentration < ec50:
        bound = (concentration / ec50) ** power
        return emax * bound / (1.0 + bound)
    return emax / (1.0 + (ec50 / concentration) ** power)


@rule
def left_by(effect: float, scale: float) -> float:
    """Share of a process that an inhibition leaves: 1 - effect, times the `scale` of the cell; never below nothing."""
    left = 1.0 - effect * scale
    return left if left > 0.0 else 0.0


@rule
def following(lagged: float, effect: float, keep: float) -> float:
    """Effect after a step, of a `lagged` one on its way to `effect`, its target; `keep` is exp(-dt / time constant)."""
    return effect + (lagged - effect) * keep
