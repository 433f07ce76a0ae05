"""What senescent cells give off, over the time since they turned (MODEL.md 2.1, 2.4)."""

from __future__ import annotations

import math

from sim.compiling import rule


@rule
def secretion_phase(since: float, delay: float, ramp: float, duration: float) -> float:
    """Share of the full secretion, a time `since` [d] after turning: 0 before the delay, rising evenly over `ramp`.

    After ``delay + duration`` the cell is silent again. All times in days.
    Source: 4-7 d from stress to full SASP (Coppe et al. 2008, secondary).
    """
    age = since - delay
    late = age if age > 0.0 else 0.0  # no early return: a loop over sites then runs in vectors
    share = late / ramp if late < ramp else 1.0
    return share if age >= 0.0 and age < duration else 0.0


@rule
def mean_phase(loss: float, delay: float, ramp: float, duration: float) -> float:
    r"""Mean of `secretion_phase` over senescent cells that turn evenly and are lost at a hazard `loss` [1/d].

    .. math:: \int_0^\infty h e^{-h a} \phi(a)\,da =
              e^{-h d} \left(\frac{1 - e^{-h r}}{h r} - e^{-h T}\right)

    phi is the phase, d the delay, r the ramp and T the duration [d]: cells that are cleared soon never secrete fully.
    """
    until = ramp if ramp < duration else duration
    mean = -math.expm1(-loss * until) / (loss * until) if loss * until > 0.0 else 1.0
    silent = 0.0 if math.isinf(duration) else math.exp(-loss * duration)
    fullest = until / ramp if ramp > 0.0 else 1.0
    return math.exp(-loss * delay) * fullest * (mean - silent)


@rule
def captured(distance: float, radius: float, emission: float, autocrine: float, length: float) -> float:
    r"""Ligands of one source that a cell at `distance` [um] binds per hour.

    .. math:: P(r) = (1 - P_a) \frac{r - R}{r - R + L}, \qquad
              \lambda = N_E\,[P(d + R) - P(d - R)] \frac{R^2}{(d + R)^2 - (d - R)^2}

    P(r) is the share of the ligands bound within r; a cell takes its part of the annulus that it lies in. ``radius`` R
    of a cell and ``length`` L [um], ``emission`` N_E per hour, ``autocrine`` P_a the share that the source binds
    itself. Source: Martin, Schumacher and Chandra (2023), published code (MIT), told in SCIENCE.md 2a.
    """
    outer = distance + radius
    inner = distance - radius
    far = (outer - radius) / (outer - radius + length)
    near = (inner - radius) / (inner - radius + length) if inner > radius else 0.0
    area = radius * radius / (outer * outer - inner * inner)
    return emission * (1.0 - autocrine) * (far - near) * area
