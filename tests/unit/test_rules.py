"""The biology, number by number: analytic values, limits, and independent sums."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from sim.rules import clearance, induction, repair, secretion

approx = pytest.approx
positive = st.floats(1e-3, 1e3)


# -------------------------------------------------------------------------------------------------- induction


def test_damage_rises_evenly_with_age() -> None:
    assert induction.damage_hazard(0.0, 6e-4, 1e-3) == 6e-4
    assert induction.damage_hazard(2.0, 6e-4, 1e-3) == approx(2.6e-3)


@given(max_rate=positive, half_max=positive, power=st.floats(0.5, 8))
def test_hill_is_half_at_half_max_and_saturates(max_rate: float, half_max: float, power: float) -> None:
    at = [induction.hill(level, max_rate, half_max, power) for level in (0.0, half_max, 1e20 * half_max)]
    assert at == approx([0.0, max_rate / 2, max_rate], rel=1e-9)


def test_hill_at_low_levels_is_a_power() -> None:
    assert induction.hill(1e-4, 0.3, 5.0, 2.0) == approx(0.3 * (1e-4 / 5) ** 2, rel=1e-8)


def test_linear_and_contact_are_proportional() -> None:
    assert induction.linear(3.0, 0.2) == approx(0.6)
    assert [induction.contact_hazard(n, 0.2) for n in (0.0, 1.0, 8.0)] == approx([0, 0.2, 1.6])


def exact_tail(threshold: int, level: float) -> Decimal:
    """P(Poisson(level) > threshold), summed term by term with 50 digits."""
    with localcontext(prec=50):
        term = total = Decimal(level) ** (threshold + 1) / math.factorial(threshold + 1)
        k = threshold + 1
        while k < level or term > total * Decimal("1e-40"):
            k += 1
            term = term * Decimal(level) / k
            total += term
        return total * (-Decimal(level)).exp()


@pytest.mark.parametrize("threshold", [0, 1, 2, 5, 10, 30, 62, 150, 400, 1000])
def test_poisson_tail_is_that_of_the_distribution(threshold: int) -> None:
    """Against exact sums, and against scipy, which is itself off by up to 1.3e-12."""
    near = threshold + np.arange(-5.0, 5.5)
    levels = np.concatenate([np.logspace(-3, np.log10(3.0 * threshold + 300), 300), near[near > 0]])
    there = stats.poisson.sf(threshold, levels) > 1e-290
    ours = np.array([induction.poisson_tail(level, float(threshold), 1.0) for level in levels.tolist()])
    np.testing.assert_allclose(ours[there], stats.poisson.sf(threshold, levels[there]), rtol=2e-12)
    for level, tail in list(zip(levels[there].tolist(), ours[there].tolist(), strict=True))[::10]:
        assert abs(Decimal(tail) / exact_tail(threshold, level) - 1) < Decimal("1e-13")


@pytest.mark.parametrize("threshold", [0, 1, 7, 62, 400])
@pytest.mark.parametrize("kind", [1.0, 2.0, 3.0])
def test_responses_never_fall_with_the_level(kind: float, threshold: int) -> None:
    """What the bound of a block needs: its slack is 1e-9, rounding may cost a few last bits."""
    start, seam, near = float(threshold), 2.0 * threshold + 200.0, np.linspace(-1, 1, 400)
    levels = np.sort(np.concatenate([[0.0], np.logspace(-6, 4, 4000), start + near, seam + near]))
    rates = [induction.response(kind, level, start, 24.0, 2.0) for level in levels[levels >= 0].tolist()]
    before, after = np.array(rates[:-1]), np.array(rates[1:])
    assert (after >= before * (1 - 1e-13)).all()
    assert rates[0] == 0.0 <= min(rates)


def test_response_chooses_by_kind() -> None:
    numbers = (4.0, 3.0, 2.0)
    assert induction.response(0.0, 5.0, *numbers) == 0.0
    assert induction.response(1.0, 5.0, *numbers) == induction.hill(5.0, *numbers)
    assert induction.response(2.0, 5.0, *numbers) == induction.linear(5.0, 4.0)
    assert induction.response(3.0, 5.0, *numbers) == induction.poisson_tail(5.0, 4.0, 3.0)


def test_upkeep_and_cell_type_scale_all_induction() -> None:
    assert induction.induction_hazard(0.3, 2.0, 0.25) == approx(0.45)
    assert induction.induction_hazard(0.3, 2.0, 1.0) == 0.0


@given(dose=positive, uptake=positive, memory=st.floats(0.05, 50), dt=st.floats(0.01, 5))
def test_cargo_takes_the_same_way_in_one_step_as_in_many(dose: float, uptake: float, memory: float, dt: float) -> None:
    once = induction.accumulated_cargo(dose, uptake, math.exp(-dt / memory), memory)
    for _ in range(5):
        dose = induction.accumulated_cargo(dose, uptake, math.exp(-dt / 5 / memory), memory)
    assert dose == approx(once, rel=1e-12)


def test_cargo_solves_its_equation_and_rests_at_uptake_times_memory() -> None:
    solved = integrate.solve_ivp(lambda t, q: 0.7 - q / 3.0, (0, 2), [5.0], rtol=1e-11, atol=1e-13)
    assert induction.accumulated_cargo(5.0, 0.7, math.exp(-2 / 3), 3.0) == approx(solved.y[0, -1], rel=1e-9)
    assert induction.accumulated_cargo(5.0, 0.7, math.exp(-200), 3.0) == approx(2.1, rel=1e-15)


def test_chance_is_the_hazard_where_small_and_one_where_large() -> None:
    assert induction.chance(1e-20, 0.5) == 5e-21  # not rounded away against 1
    assert induction.chance(math.log(2), 1.0) == approx(0.5, rel=1e-15)
    assert induction.chance(1e4, 1.0) == 1.0
    assert induction.chance(0.0, 1.0) == 0.0


def test_chance_among_neighbours() -> None:
    assert [induction.chance_among(0.3, n) for n in (0.0, 1.0, 2.0)] == approx([0, 0.3, 0.51])
    assert induction.chance_among(1.0, 1.0) == 1.0
    assert induction.chance_among(1.0, 0.0) == 0.0


# ----------------------------------------------------------------------------------------- clearance and repair


@given(half_max=positive)
def test_jamming_halves_at_half_max(half_max: float) -> None:
    assert clearance.jamming(0.0, half_max) == 1.0
    assert clearance.jamming(half_max, half_max) == 0.5
    assert clearance.jamming(3 * half_max, half_max) == approx(0.25)


def test_removal_is_first_order_at_low_burden_and_saturates() -> None:
    def removed(burden: float) -> float:  # percent of the tissue per day
        return burden * clearance.removal_hazard(burden, 27.4, 1.1, 1.0, 1.0)

    assert removed(1.1) == approx(27.4 / 2)
    assert removed(1e-6) == approx(27.4 / 1.1 * 1e-6, rel=1e-5)
    assert removed(1e9) == approx(27.4)
    assert clearance.removal_hazard(5.0, 27.4, 1.1, 0.5, 0.25) == approx(27.4 / 6.1 / 8)


def test_attraction_rises_from_its_base_to_all() -> None:
    shares = [clearance.attraction(level, 2.0, 0.4) for level in (0.0, 2.0, 1e12)]
    assert shares == approx([0.4, 0.7, 1.0])


def test_evading_share_grows_with_age() -> None:
    assert clearance.evading_share(0.1, 0.05, 2.0, 0.5) == approx(0.1)


def test_refilling_needs_healthy_neighbours() -> None:
    assert repair.refill_hazard(8.0, 8.0, 0.7, 1.0, 1.0, 1.0) == 0.7
    assert repair.refill_hazard(2.0, 8.0, 0.7, 0.5, 3.0, 0.5) == approx(3 * 0.7 / 16)
    for present in (0.0, 8.0):
        assert repair.refill_hazard(0.0, present, 0.7, 1.0, 1.0, 1.0) == 0.0


def test_regenerative_capacity_falls_by_e_folds() -> None:
    assert [repair.regenerative_capacity(age, 0.5) for age in (0.0, 2.0)] == approx([1, math.exp(-1)])


# -------------------------------------------------------------------------------------------------- secretion


def test_secretion_over_time() -> None:
    ages = (0.0, 1.9, 2.0, 3.0, 6.0, 11.9, 12.0, 1e3)
    phases = [secretion.secretion_phase(age, 2.0, 4.0, 10.0) for age in ages]
    assert phases == approx([0, 0, 0, 0.25, 1, 1, 0, 0])
    assert secretion.secretion_phase(0.0, 0.0, 0.0, math.inf) == 1.0
    assert secretion.secretion_phase(-1.0, 0.0, 0.0, math.inf) == 0.0


def test_captured_adds_up_over_rings_of_cells() -> None:
    """Rings one diameter wide fill the plane; together they bind what the law says for their outer edge."""
    radius, emission, autocrine, length = 10.0, 2887.0, 0.033, 763.0
    distances = 2.0 * radius * np.arange(1.0, 40.0)
    cells = ((distances + radius) ** 2 - (distances - radius) ** 2) / radius**2
    bound = [secretion.captured(d, radius, emission, autocrine, length) for d in distances.tolist()]
    edge = distances + radius
    share = (1 - autocrine) * (edge - radius) / (edge - radius + length)
    np.testing.assert_allclose(np.cumsum(cells * bound), emission * share, rtol=1e-12)


def test_captured_within_touch_loses_nothing_to_the_source() -> None:
    near = secretion.captured(15.0, 10.0, 100.0, 0.0, 20.0)  # the inner edge lies inside the source
    assert near == approx(100 * 15 / 35 * 100 / (25**2 - 5**2))
    assert secretion.captured(15.0, 10.0, 100.0, 1.0, 20.0) == 0.0
