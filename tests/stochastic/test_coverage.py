"""How often intervals hold the truth: t and bootstrap, after optional stopping, and for the simulator's own outcomes.

What was measured is printed (``pytest -s``) with its standard error.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

import sim
from sim.analysis.bootstrap import bootstrap_interval
from sim.analysis.halfwidth import FIRST, pairs_for
from sim.analysis.outcomes import with_outcomes
from sim.analysis.paired import by_replicate, t_interval
from sim.results import Results
from sim.scenario.load import from_dict

Floats = npt.NDArray[np.float64]
Interval = Callable[[Floats], tuple[float, float]]

NOMINAL = 0.95
WORLD = {
    "days": 8,
    "dt": 1,
    "tissues": {"skin": {"preset": "mouse_dermis", "shape": [12, 12], "initial": {"burden": 10}}},
    "factors": {"SASP": {"reach": "40 um", "induction": {"hill": {"max_rate": 0.1}}}},
    "events": {"graft": {"radius": "30 um"}},
    "arms": {"control": {"events": {"graft": None}}, "graft": {}},
}


def coverage(interval: Interval, samples: Floats, truth: float = 0.0) -> float:
    """Share of the intervals of `samples` (rows) that hold the truth."""
    ends = np.array([interval(row) for row in samples])
    return float(np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1])))


def told(what: str, found: float, n: int, expected: float = NOMINAL) -> float:
    """Print a coverage; its standard error, if it is what one expects."""
    error = math.sqrt(expected * (1.0 - expected) / n)
    print(f"{what}: {100 * found:.1f} % (nominal {100 * NOMINAL:.0f} %, standard error {100 * error:.1f} %)")
    return error


@pytest.mark.parametrize("n", [8, 30])
def test_the_default_interval_of_a_normal_truth(n: int) -> None:
    samples = np.random.default_rng(n).normal(size=(6000, n))
    found = coverage(t_interval, samples)
    assert told(f"t interval, {n} normal replicates", found, len(samples)) < 0.003
    assert 0.93 <= found <= 0.97


@pytest.mark.parametrize(("n", "expected"), [(8, 0.94), (30, 0.945)])
def test_the_bootstrap_interval_of_a_normal_truth(n: int, expected: float) -> None:
    samples = np.random.default_rng(n).normal(size=(1000, n))
    found = coverage(bootstrap_interval, samples)
    error = told(f"bootstrap interval, {n} normal replicates", found, len(samples))
    assert abs(found - expected) < 3.0 * error


def test_few_skewed_replicates_are_covered_less_by_both() -> None:
    """Exponential differences, 8 of them: a known weakness, as documented, and not worse."""
    samples = np.random.default_rng(1).exponential(size=(1000, 8)) - 1.0
    for name, interval in (("t", t_interval), ("bootstrap", bootstrap_interval)):
        found = coverage(interval, samples)
        error = told(f"{name} interval, 8 exponential replicates", found, len(samples), 0.895)
        assert abs(found - 0.895) < 3.0 * error


@pytest.mark.parametrize("pairs", [10, 25, 80])
def test_optional_stopping_costs_less_than_two_points(pairs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """`HalfWidth` itself on normal differences, with wishes that would take so many pairs of known variance."""
    most, n = 400, 300
    wish = float(np.diff(t_interval(np.tile([-1.0, 1.0], pairs)[:pairs]))[0] / 2.0)
    monkeypatch.setattr(sim.HalfWidth, "_differences", lambda _, results: results.timeseries)
    rule = sim.HalfWidth(wish, most=most)
    assert abs(pairs_for(1.0, wish) - pairs) <= 2
    held, taken = 0, 0
    for x in np.random.default_rng(pairs).normal(size=(n, most)):
        size, more = 0, FIRST
        while more > size:
            size = more
            low, high = t_interval(x[:size])
            looked = pd.DataFrame({"n": [size], "difference_low": [low], "difference_high": [high]})
            more = rule.next(Results({"replicates": size}, {}, looked, pd.DataFrame(), pd.DataFrame()))
        held, taken = held + (low <= 0.0 <= high), taken + size
    error = told(f"t interval where the rule stopped, after {taken / n:.0f} pairs", held / n, n)
    assert 0.93 - 2.0 * error <= held / n <= NOMINAL + 3.0 * error


def test_the_simulators_own_outcomes() -> None:
    """Sets of 8 drawn with replacement from 160 replicates of a small graft, whose mean is then the truth itself."""
    results = sim.run(from_dict({**WORLD, "record": {"every": 8}}), replicates=160)
    outcomes = ["burden", "mean_burden", "cum_SASP", "n_healthy"]
    rng = np.random.default_rng(4)
    for place, values in by_replicate(results, with_outcomes(results, outcomes), outcomes):
        differences = (values["graft"] - values["control"]).to_numpy()
        samples = np.array([rng.choice(differences, 8) for _ in range(500)])
        for name, interval in (("t", t_interval), ("bootstrap", bootstrap_interval)):
            found = coverage(interval, samples, float(differences.mean()))
            told(f"{name} interval of {place['outcome']}, 8 replicates", found, len(samples))
            assert found > 0.88
