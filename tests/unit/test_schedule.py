"""Doses fall on the right days, once each, whatever the step; triggers remember what they did."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.schedule import Regimen, Trigger, step_of

STEPS = (0.1, 0.25, 1 / 3, 0.5, 1.0, 7.0)


def test_one_dose_without_an_interval() -> None:
    assert Regimen(start=14).times(180) == [14.0]
    assert Regimen(start=14, days_on=5).times(180) == [14.0, 15.0, 16.0, 17.0, 18.0]


def test_courses_are_counted_or_end_before_a_day_or_go_on() -> None:
    assert Regimen(start=14, interval=14, additional_doses=3).times(180) == [14.0, 28.0, 42.0, 56.0]
    assert Regimen(start=14, interval=14, additional_doses=0).times(180) == [14.0]
    assert Regimen(start=0, interval=7, until=28).times(180) == [0.0, 7.0, 14.0, 21.0]
    assert Regimen(start=0, interval=7).times(28.5) == [0.0, 7.0, 14.0, 21.0, 28.0]


def test_five_days_on_every_two_weeks_as_in_a_trial() -> None:
    days = np.array(Regimen(start=2, interval=14, additional_doses=1, days_on=5).times(90))
    assert days.tolist() == [2.0, 3.0, 4.0, 5.0, 6.0, 16.0, 17.0, 18.0, 19.0, 20.0]


def test_a_course_is_cut_where_the_run_or_the_treatment_ends() -> None:
    assert Regimen(start=0, interval=14, days_on=5).times(17) == [0, 1, 2, 3, 4, 14, 15, 16]
    assert Regimen(start=0, interval=14, days_on=5, until=16).times(90) == [0, 1, 2, 3, 4, 14, 15]


def test_windows_are_half_open() -> None:
    assert len(Regimen(start=10).times(10)) == 0
    assert Regimen(start=10).times(10.5) == [10.0]
    assert Regimen(start=0, interval=0.1, until=0.3).times(5) == [0.0, 0.1, 0.2]
    assert len(Regimen(start=0, interval=0.1).times(0.7)) == 7  # 7 x 0.1 is a little more than 0.7 in binary
    assert len(Regimen(start=20, interval=7).times(10)) == 0


def test_no_rounding_adds_up_over_many_doses() -> None:
    days = np.array(Regimen(start=0, interval=0.1).times(1e4))
    assert days.size == 100_000
    assert days[-1] == 99_999 * 0.1


@pytest.mark.parametrize("dt", STEPS)
@pytest.mark.parametrize("interval", [0.1, 0.25, 1 / 3, 0.5, 1.0, 7.0, 14.0])
def test_no_dose_is_lost_or_doubled(dt: float, interval: float) -> None:
    end = dt * round(210 / dt)
    days = np.array(Regimen(start=0, interval=interval).times(end))
    steps = np.array([step_of(day, dt) for day in days])
    assert days.size == round(end / interval)
    assert steps.min() == 0
    assert steps.max() < round(end / dt)
    assert (np.diff(steps) >= 0).all()
    whole = round(interval / dt)
    if math.isclose(whole * dt, interval):  # a dose every few steps falls on exactly every few steps
        assert steps.tolist() == list(range(0, steps.size * whole, whole))


@pytest.mark.parametrize("dt", STEPS)
def test_a_day_on_a_border_belongs_to_the_later_step(dt: float) -> None:
    assert [step_of(k * dt, dt) for k in range(3000)] == list(range(3000))
    assert step_of(0.999 * dt, dt) == 0


@settings(max_examples=200, deadline=None)
@given(
    start=st.floats(0, 400),
    interval=st.none() | st.floats(0.05, 60),
    additional=st.none() | st.integers(0, 30),
    until=st.none() | st.floats(1, 500),
    days_on=st.integers(1, 9),
    end=st.floats(0.5, 400),
    dt=st.sampled_from(STEPS),
)
def test_any_regimen(
    start: float, interval: float | None, additional: int | None, until: float | None, days_on: int, end: float,
    dt: float,
) -> None:  # fmt: skip
    if interval is None or additional is not None:
        until = None
    days_on = 1 if interval is not None and days_on > interval else days_on
    regimen = Regimen(start=start, interval=interval, additional_doses=additional, until=until, days_on=days_on)
    days = np.array(regimen.times(end))
    assert (np.diff(days) > 0).all()
    assert ((days >= start) & (days < min(end, until or math.inf))).all()
    expected = [
        day
        for i in range(1 if interval is None else (additional + 1 if additional is not None else 20_000))
        for day in (start + i * (interval or 0.0) + j for j in range(days_on))
        if day < min(end, until or math.inf) - 1e-9
    ]
    assert days.tolist() == expected
    for day in days:
        k = step_of(day, dt)
        assert (k - 1e-6) * dt <= day < (k + 1) * dt
    assert regimen.times(end + 30)[: days.size] == days.tolist()  # a longer run gives the same doses first


def test_a_trigger_keeps_its_state_between_its_levels() -> None:
    trigger, on, states = Trigger(treat_above=5, stop_below=3), False, []
    for burden in (2, 4, 5, 5.1, 4, 3, 2.9, 4, 5, 6):
        on = trigger.next_state(on, burden)
        states.append(on)
    assert states == [False, False, False, True, True, True, False, False, False, True]


def test_a_trigger_with_one_level_and_without_a_reading() -> None:
    trigger = Trigger(treat_above=5, stop_below=5)
    assert [trigger.next_state(on, 5.0) for on in (False, True)] == [False, True]
    assert not trigger.next_state(True, math.nan)  # nothing was found, so nothing asks for a dose
