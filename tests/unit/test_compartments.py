"""A drug in the body against closed forms: accumulation, absorption, infusion, superposition, mean effects."""

from __future__ import annotations

import itertools
import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp

from sim.organism.compartments import Compartments, Dose, Source
from sim.rules.clearance import immune_capacity, mean_immune_capacity
from sim.rules.pharmacology import (
    at_depth,
    emax_effect,
    following,
    in_body,
    left_by,
    rising_and_falling,
)

HALF_LIFE = 4 / 24
K = math.log(2) / HALF_LIFE
AT_ONCE = Source(0.0, 0.0)


def compartments(sources: list[Source], elimination: float = K, ec50: float = 10.0, power: float = 1.0) -> Compartments:
    scale = np.ones((len(sources), 1))
    return Compartments(elimination, sources, scale, np.array([1.0]), np.array([ec50]), np.array([power]))


def follow(body: Compartments, doses: list[tuple[float, int, float]], days: float, dt: float) -> tuple[float, float]:
    """Areas under concentration and effect over `days`; doses are (day, source, amount)."""
    area, effect = 0.0, 0.0
    for step in range(round(days / dt)):
        now = step * dt
        due = [Dose(day - now, source, amount) for day, source, amount in doses if now <= day < now + dt]
        mean, means = body.advance(now, dt, due)
        area, effect = area + dt * mean[0], effect + dt * means[0, 0]
    return area, effect


def test_repeated_bolus_accumulates_by_its_geometric_series() -> None:
    tau = 0.25
    body = compartments([AT_ONCE])
    for _ in range(200):
        body.advance(0.0, tau, [Dose(0.0, 0, 7.0)])
    after_a_dose = body.body[0] + 7.0
    assert after_a_dose == pytest.approx(7.0 / (1 - math.exp(-K * tau)), rel=1e-12)


@pytest.mark.parametrize("ratio", [0.1, 0.999999, 1.0, 1.000001, 12.0])
@pytest.mark.parametrize("dt", [0.05, 0.3, 1.0])
def test_oral_dose_is_the_bateman_function(ratio: float, dt: float) -> None:
    ka = K * ratio
    body = compartments([Source(ka, 0.0)])
    for step in range(1, 8):
        body.advance(dt * (step - 1), dt, [Dose(0.0, 0, 5.0)] if step == 1 else [])
        t = dt * step
        assert body.body[0] == pytest.approx(5.0 * bateman(ka, K, t), rel=1e-10)


def bateman(absorption: float, elimination: float, time: float) -> float:
    """Share of a dose in the body, by the textbook formula with 60 digits: it cancels where both rates are alike."""
    if absorption == elimination:
        return elimination * time * math.exp(-elimination * time)
    with localcontext() as context:
        context.prec = 60
        ka, k, t = Decimal(absorption), Decimal(elimination), Decimal(time)
        return float(ka / (ka - k) * ((-k * t).exp() - (-ka * t).exp()))


@pytest.mark.parametrize("dt", [0.1, 0.25, 1.0])
def test_infusion_rises_to_its_plateau_and_falls(dt: float) -> None:
    """R / k (1 - exp(-k t)) while it runs (0.6 d from day 0.2), an exponential after it."""
    body = compartments([Source(0.0, 0.6)])
    for step in range(round(2 / dt)):
        now = dt * step
        body.advance(now, dt, [Dose(0.2 - now, 0, 12.0)] if now <= 0.2 < now + dt else [])
        t = now + dt
        run = min(max(t - 0.2, 0.0), 0.6)
        exact = 12.0 / 0.6 / K * -math.expm1(-K * run) * math.exp(-K * max(t - 0.8, 0.0))
        assert body.body[0] == pytest.approx(exact, rel=1e-10, abs=1e-14)


def test_several_sources_follow_the_differential_equations() -> None:
    """Bolus, oral and infusion at once, against a numerical solution of the same equations."""
    ka = 9.0
    body = compartments([AT_ONCE, Source(ka, 0.0), Source(0.0, 0.5)])
    body.advance(0.0, 0.7, [Dose(0.0, 0, 3.0), Dose(0.0, 1, 4.0), Dose(0.0, 2, 2.0)])

    def slope(t: float, y: np.ndarray) -> list[float]:
        return [ka * y[1] + (4.0 if t < 0.5 else 0.0) - K * y[0], -ka * y[1]]

    first = solve_ivp(slope, (0, 0.5), [3.0, 4.0], rtol=1e-11, atol=1e-12).y[:, -1]
    exact = first[0] * math.exp(-K * 0.2) + first[1] * ka / (ka - K) * (math.exp(-K * 0.2) - math.exp(-ka * 0.2))
    assert body.body.sum() == pytest.approx(exact, rel=1e-9)


@given(
    amount=st.floats(0.1, 100), ka=st.floats(0.5, 50), dt=st.sampled_from([0.125, 0.25, 0.5, 1.0]), day=st.floats(0, 3)
)
def test_exposure_does_not_depend_on_the_step(amount: float, ka: float, dt: float, day: float) -> None:
    """The area under the concentration of any dose is amount / k."""
    for source in (AT_ONCE, Source(ka, 0.0), Source(0.0, 0.4)):
        area, _ = follow(compartments([source]), [(day, 0, amount)], 80, dt)
        assert area == pytest.approx(amount / K, rel=1e-9)


@pytest.mark.parametrize("dt", [0.1, 1 / 3, 0.7, 1.0])
@pytest.mark.parametrize("duration", [1 / 24, 0.4, 1.3])
def test_an_infusion_ends_in_time_on_any_day(dt: float, duration: float) -> None:
    """Ends of infusions are sums of rounded numbers; 300 of them, also long after day 0, each run in once."""
    body, area, given = compartments([Source(0.0, duration)]), 0.0, 0
    days = (0.1 + np.arange(300) * 1.37).tolist()
    for step in range(int(430 / dt)):
        due = [Dose(max(0.0, day - step * dt), 0, 1.0) for day in days if int(day / dt + 1e-9) == step]
        given += len(due)
        area += dt * body.advance(step * dt, dt, due)[0][0]
    assert given == 300
    assert area == pytest.approx(300 / K, rel=1e-9)


def test_mean_effect_of_a_bolus_is_its_closed_form() -> None:
    """Emax model without power: the area under C / (ec50 + C) is ln(1 + C0 / ec50) / k."""
    _, effect = follow(compartments([AT_ONCE]), [(0.3, 0, 55.0)], 40, 0.5)
    assert effect == pytest.approx(math.log1p(5.5) / K, rel=1e-9)


@pytest.mark.parametrize("ec50", [0.05, 10.0])
@pytest.mark.parametrize("power", [0.7, 1.0, 2.0, 4.0, 8.0])
@pytest.mark.parametrize("source", [AT_ONCE, Source(24.0, 0.0), Source(0.0, 0.25)], ids=["bolus", "oral", "infusion"])
def test_halving_dt_leaves_the_cumulative_hazard(source: Source, power: float, ec50: float) -> None:
    """From steps of 1 d to half of it, with a half-life of 4 h: less than 1e-6 of the cumulative hazard."""
    doses = [(0.35 + 2 * i, 0, 55.0) for i in range(10)]
    hazards = [
        follow(compartments([source], ec50=ec50, power=power), doses, 30, dt)[1] for dt in (1.0, 0.5, 0.25, 0.125)
    ]
    for coarse, fine in itertools.pairwise(hazards):
        assert abs(coarse / fine - 1) < 1e-6


def test_mean_effect_of_an_oral_dose_by_quadrature() -> None:
    ka = 24.0
    _, effect = follow(compartments([Source(ka, 0.0)], power=2.0), [(0.0, 0, 55.0)], 20, 1.0)
    exact = quad(lambda t: emax_effect(in_body(0.0, 55.0, 0.0, ka, K, t), 1.0, 10.0, 2.0), 0, 20,
                 limit=400, epsabs=1e-12, points=[0.01, 0.1, 0.3, 1, 2])[0]  # fmt: skip
    assert effect == pytest.approx(exact, rel=1e-6)


def test_zero_dose_does_exactly_nothing() -> None:
    body = compartments([AT_ONCE, Source(5.0, 0.0)])
    mean, effects = body.advance(0.0, 0.5, [Dose(0.0, 0, 0.0), Dose(0.1, 1, 0.0)])
    assert mean[0] == 0.0
    assert effects[0, 0] == 0.0


def test_places_read_their_share() -> None:
    """Concentrations scale with the place; two sources of one drug act together, not one beside the other."""
    scale = np.array([[1.0, 0.5], [1.0, 0.0]])
    body = Compartments(K, [AT_ONCE, AT_ONCE], scale, np.array([1.0]), np.array([10.0]), np.array([1.0]))
    mean, effects = body.advance(0.0, 20.0, [Dose(0.0, 0, 6.0), Dose(0.0, 1, 4.0)])
    np.testing.assert_allclose(20 * mean, [10 / K, 3 / K], rtol=1e-9)
    np.testing.assert_allclose(20 * effects[0], [math.log(2) / K, math.log1p(0.3) / K], rtol=1e-9)


def test_rules_of_effects() -> None:
    assert emax_effect(10.0, 0.6, 10.0, 3.0) == 0.3
    assert emax_effect(0.0, 0.6, 10.0, 0.5) == 0.0
    assert emax_effect(1e-200, 0.6, 1e12, 20.0) == 0.0
    assert at_depth(3.0, 20.0, 20.0) == pytest.approx(3 / math.e)
    assert left_by(0.25, 2.0) == 0.5
    assert left_by(0.6, 2.0) == 0.0
    assert following(1.0, 0.0, math.exp(-1)) == pytest.approx(math.exp(-1))
    assert rising_and_falling(3.0, 3.0, 0.5) == pytest.approx(1.5 * math.exp(-1.5))


def test_immune_capacity_falls_to_its_balance_and_recovers() -> None:
    """At rest C0 / (1 + h tau); back with exp(-t / tau); untouched it does not change by a bit."""
    assert immune_capacity(0.8, 0.8, 14.0, 0.0, 0.37) == mean_immune_capacity(0.8, 0.8, 14.0, 0.0, 0.37) == 0.8
    mean = quad(lambda t: immune_capacity(1.0, 0.8, 14.0, 0.5, t), 0, 2)[0] / 2
    assert mean_immune_capacity(1.0, 0.8, 14.0, 0.5, 2.0) == pytest.approx(mean, rel=1e-9)
    assert immune_capacity(0.8, 0.8, 14.0, 0.5, 1e4) == pytest.approx(0.8 / 8)
    assert immune_capacity(0.1, 0.8, 14.0, 0.0, 14.0) == pytest.approx(0.8 - 0.7 / math.e)
