"""The Brownian path of the body: normal, independent, and the same path at any step that halves the day."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from sim.brownian import increment, increments
from sim.rng import BODY, Stream

STEP_LENGTHS = (1.0, 0.5, 0.125, 3.0, 0.3)  # halves of a day, whole days, neither


def stream(replicate: int = 0, seed: int = 1) -> Stream:
    return Stream(seed, BODY, replicate)


@pytest.mark.parametrize("dt", STEP_LENGTHS)
def test_increments_are_normal_with_variance_dt(dt: float) -> None:
    z = increments(stream(), 0, 20_000, dt) / math.sqrt(dt)
    assert stats.kstest(z, "norm").pvalue > 0.01
    assert z.mean() == pytest.approx(0.0, abs=3 / math.sqrt(z.size))
    assert z.var() == pytest.approx(1.0, abs=3 * math.sqrt(2 / z.size))


@pytest.mark.parametrize("dt", STEP_LENGTHS)
def test_steps_are_independent_of_one_another(dt: float) -> None:
    z = increments(stream(), 0, 20_000, dt)
    for lag in (1, 2, 3, 4, 7, 8):
        assert abs(np.corrcoef(z[:-lag], z[lag:])[0, 1]) < 3 / math.sqrt(z.size)


def test_replicates_and_seeds_have_paths_of_their_own() -> None:
    paths = [increments(stream(r, seed), 0, 5_000, 0.5) for r, seed in ((0, 1), (1, 1), (0, 2))]
    for a, b in itertools.combinations(paths, 2):
        assert abs(np.corrcoef(a, b)[0, 1]) < 3 / math.sqrt(a.size)


@pytest.mark.parametrize("dt", [4.0, 2.0, 1.0, 0.5, 0.25, 2.0**-6])
def test_halving_the_step_adds_points_to_the_same_path(dt: float) -> None:
    coarse = increments(stream(), 0, 64, dt)
    fine = increments(stream(), 0, 128, dt / 2)
    np.testing.assert_allclose(fine.reshape(-1, 2).sum(axis=1), coarse, rtol=0, atol=1e-13)


@pytest.mark.parametrize("dt", STEP_LENGTHS)
def test_a_step_does_not_depend_on_where_the_reading_starts(dt: float) -> None:
    whole = increments(stream(), 0, 40, dt)
    np.testing.assert_array_equal(increments(stream(), 17, 23, dt), whole[17:])
    assert increment(stream(), 5, dt) == whole[5]
