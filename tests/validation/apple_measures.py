"""What is measured on fruit in a store: how long they stay unripe, and how much ethylene there is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from measures import Measure, Measured, bootstrapped, by_day, mean

from sim.results import Results

Floats = npt.NDArray[np.float64]


def days_unripe(results: Results, arm: str) -> Floats:
    """Mean time that a fruit stays unripe within the run [d], by replicate; the rest of the run counts as unripe."""
    table = by_day(results, "n_healthy", arm)
    days, unripe = table.index.to_numpy(np.float64), table.to_numpy(np.float64)
    everybody = sum(by_day(results, f"n_{state}", arm).iloc[0].to_numpy() for state in ("healthy", "senescent"))
    return np.asarray(np.trapezoid(unripe / everybody, days, axis=0), np.float64)


def threshold(doses: Mapping[str, float], without: str) -> Measure:
    """The dose, interpolated in its logarithm, that takes half of the time that the largest of the `doses` takes.

    Doses ascend; the smallest or the largest of them where even that takes more, or no other does.
    """

    def measure(results: Results) -> Measured:
        logs = np.log([*doses.values()])
        times = [days_unripe(results, arm) for arm in (without, *doses)]

        def half(*sample: Floats) -> float:
            none, *given = (float(each.mean()) for each in sample)
            taken = np.maximum.accumulate([none - each for each in given])
            return float(np.exp(np.interp(0.5 * (none - given[-1]), taken, logs)))

        return bootstrapped(half, *times)

    return measure


def jump(arm: str, deaf: str) -> Measure:
    """Level of ethylene over that of the same fruit when deaf to it, on the day when the two are farthest apart."""

    def measure(results: Results) -> Measured:
        levels, without = (by_day(results, "mean_ethylene", each).to_numpy() for each in (arm, deaf))
        return mean((levels / without).max(axis=0))

    return measure


def mean_level(arm: str, baseline: str) -> Measure:
    """Mean level of ethylene over time, times that of the baseline."""

    def measure(results: Results) -> Measured:
        treated, untreated = (by_day(results, "mean_ethylene", each).mean().to_numpy() for each in (arm, baseline))
        return bootstrapped(lambda x, y: float(x.mean() / y.mean()), treated, untreated)

    return measure


def unripe_longer(arm: str, baseline: str) -> Measure:
    """By how many days a fruit stays unripe longer."""
    return lambda results: mean(days_unripe(results, arm) - days_unripe(results, baseline))
