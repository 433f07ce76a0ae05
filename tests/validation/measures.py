"""From the tables of a run to one number with its standard error. Arms are compared replicate by replicate."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim import Results
from sim.analysis.survival import gompertz, hazard_ratio, lives, percentile_of_life
from sim.analysis.times import closure, time_to_count
from sim.analysis.turnover import turnover
from sim.scenario.quantity import DAYS_PER_YEAR, to_unit

Floats = npt.NDArray[np.float64]
RESAMPLES, SEED = 2000, 1  # of the bootstrap that gives quantiles and ratios their standard error
ONE_ERROR = 0.6827  # the interval of this confidence is one standard error to either side
CONVERGED = 1.0  # % of the wound: 3 of its 316 sites; of a closed wound, immunity and repair leave about 1 site open


class Measured(NamedTuple):
    """A number, its standard error, and how many replicates it is from."""

    value: float
    error: float
    n: int


Measure = Callable[[Results], Measured]


def mean(values: Floats) -> Measured:
    """The mean of one value per replicate."""
    return Measured(float(values.mean()), float(values.std(ddof=1)) / math.sqrt(values.size), values.size)


def exact(value: float) -> Measured:
    """A number without luck."""
    return Measured(float(value), 0.0, 1)


def bootstrapped(statistic: Callable[..., float], *columns: Floats) -> Measured:
    """A statistic of paired columns, one value per replicate; error from drawing replicates with replacement."""
    n = columns[0].size
    drawn = np.random.default_rng(SEED).integers(n, size=(RESAMPLES, n))
    values = np.array([statistic(*(column[picks] for column in columns)) for picks in drawn])
    return Measured(float(statistic(*columns)), float(values.std(ddof=1)), n)


def by_day(results: Results, column: str, arm: str) -> pd.DataFrame:
    """A column of one arm: days down, replicates across."""
    rows = results.timeseries[results.timeseries["arm"] == arm]
    return rows.pivot(index="day", columns="replicate", values=column).astype(np.float64)


# ------------------------------------------------------------------------------------------------------------ lifespan


def age_at_death(arm: str, share: float) -> Measure:
    """Age by which a share of the individuals has died [d]; error from the Kaplan-Meier interval."""

    def measure(results: Results) -> Measured:
        ages, died = lives(results, arm)
        value, low, high = percentile_of_life(ages, died, share, ONE_ERROR)
        return Measured(value, (high - low) / 2.0, ages.size)

    return measure


def gompertz_doubling(arm: str) -> Measure:
    """Time in which the hazard of death doubles [yr], between the 2nd and the 90th percentile of life."""

    def measure(results: Results) -> Measured:
        ages, died = lives(results, arm)
        fit = gompertz(ages, died)
        return Measured(fit.doubling_time / DAYS_PER_YEAR, fit.doubling_error / DAYS_PER_YEAR, ages.size)

    return measure


def longer_left(treated: str, vehicle: str, start: float) -> Measure:
    """How much longer the median individual alive at an age `start` [d] lives on than in another arm [%]; paired."""

    def measure(results: Results) -> Measured:
        ends = [lives(results, arm)[0] - start for arm in (treated, vehicle)]
        alive = (ends[0] > 0.0) & (ends[1] > 0.0)  # until the first dose they are the same individuals
        return bootstrapped(lambda a, b: float(100.0 * (np.median(a) / np.median(b) - 1.0)), *(e[alive] for e in ends))

    return measure


def longer_life(treated: str, vehicle: str) -> Measure:
    """How much later the median individual dies in one arm than in another [%]; paired."""
    return longer_left(treated, vehicle, 0.0)


def hazard_from(treated: str, vehicle: str, start: float) -> Measure:
    """Hazard ratio (Cox) of those alive at an age `start` [d], from then on; error of a logarithm, as a share."""

    def measure(results: Results) -> Measured:
        groups = []
        for arm in (treated, vehicle):
            ages, died = lives(results, arm)
            alive = ages > start
            groups.append((ages[alive], died[alive]))
        value, low, high = hazard_ratio(groups[0], groups[1], ONE_ERROR)
        return Measured(value, (high - low) / 2.0, groups[0][0].size)

    return measure


def overshoot(treated: str, vehicle: str, start: float, published: float) -> Measure:
    """How many times more time left a treatment gives than was published [%]."""

    def measure(results: Results) -> Measured:
        value, error, n = longer_left(treated, vehicle, start)(results)
        return Measured(value / published, error / published, n)

    return measure


def later_death(one: str, other: str) -> Measure:
    """By how many days individuals die later in one arm than in another, mean of the absolute differences."""
    return lambda results: mean(np.abs(lives(results, one)[0] - lives(results, other)[0]).round(6))


# ---------------------------------------------------------------------------------------------------- an ageing tissue


def half_gone(arm: str) -> Measure:
    """Days until half of the cells of the pulse are gone, if only immune cells took them; error from resampled mice."""

    def measure(results: Results) -> Measured:
        row = _turnover(results, arm)
        return Measured(row["half_gone"], (row["half_gone_high"] - row["half_gone_low"]) / 2.0, int(row["n"]))

    return measure


def slower(old: str, young: str) -> Measure:
    """Half-life of the cells of the pulse in one arm over that in another; the two have other luck: errors add."""

    def measure(results: Results) -> Measured:
        above, below = (half_gone(arm)(results) for arm in (old, young))
        ratio = above.value / below.value
        return Measured(ratio, ratio * math.hypot(above.error / above.value, below.error / below.value), above.n)

    return measure


def removal(arm: str, window: tuple[float, float]) -> Measure:
    """Rate at which immune cells remove the cells of the pulse between two days [1/d]; error by the jackknife."""

    def measure(results: Results) -> Measured:
        row = _turnover(results, arm, window)
        return Measured(row["rate"], row["rate_error"], int(row["n"]))

    return measure


def _turnover(results: Results, arm: str, window: tuple[float, float] | None = None) -> pd.Series:
    """The row of one arm: the others have another day and would not have rows in its window."""
    rows = results.timeseries[results.timeseries["arm"] == arm]
    alone = Results(results.manifest, results.scenario, rows, results.events, results.sites)
    return turnover(alone, control={}, window=window, level=ONE_ERROR).set_index("arm").loc[arm]


def burden(arm: str, day: float) -> Measure:
    """Mean burden on a day [%]."""
    return lambda results: mean(by_day(results, "burden", arm).loc[day].to_numpy())


def burdens(over: tuple[str, float], under: tuple[str, float]) -> Measure:
    """Mean burden of an arm on a day over that of an arm on a day, drawn mouse by mouse."""

    def measure(results: Results) -> Measured:
        columns = [by_day(results, "burden", arm).loc[day].to_numpy() for arm, day in (over, under)]
        return bootstrapped(lambda above, below: float(above.mean() / below.mean()), *columns)

    return measure


# -------------------------------------------------------------------------------------------------- a spreading lesion


def time_to(count: int, level: float, arm: str) -> Measure:
    """Quantile over replicates of the time to `count` cells turned by SASP [h]."""

    def measure(results: Results) -> Measured:
        return bootstrapped(lambda hours: _quantile(hours, level), _hours(results, count, arm))

    return measure


def slowdown(results: Results) -> Measured:
    """Median time to 50 cells with the firebreak over that without."""
    arms = (_hours(results, 50, arm) for arm in ("firebreak", "paracrine"))
    return bootstrapped(lambda slow, fast: _quantile(slow, 0.5) / _quantile(fast, 0.5), *arms)


def seed_cells(results: Results) -> Measured:
    """Cells of the lesion on day 0."""
    return mean(by_day(results, "cum_lesion", "paracrine").iloc[0].to_numpy())


def turned_by_each(generation: int, arm: str) -> Measure:
    """Cells that a cell of a generation has turned when the run ends, sums over replicates."""

    def measure(results: Results) -> Measured:
        of, by = (by_day(results, f"gen_{n}", arm).iloc[-1].to_numpy() for n in (generation + 1, generation))
        return bootstrapped(lambda turned, senders: float(turned.sum() / senders.sum()), of, by)

    return measure


def farthest(generation: int, arm: str) -> Measure:
    """How far beyond the edge of the lesion cells of a generation turn: the outermost one of each replicate [um]."""

    def measure(results: Results) -> Measured:
        places = results.sites.set_index("site")[["x", "y"]]
        radius = to_unit(results.scenario["events"]["lesion"]["radius"], "um")
        events = results.events
        turned = events[(events["arm"] == arm) & (events["generation"] == generation)]
        away = (places - places.mean()).loc[turned["site"].to_numpy(np.int64)].pow(2).sum(axis=1).pow(0.5) - radius
        return mean(away.groupby(turned["replicate"].to_numpy()).max().to_numpy())

    return measure


def _hours(results: Results, count: int, arm: str) -> Floats:
    times = time_to_count(results, "cum_SASP", count)
    days: Floats = times.loc[times["arm"] == arm, "day"].to_numpy(np.float64)
    return 24.0 * days


def _quantile(values: Floats, level: float) -> float:
    return float(np.quantile(values, level, method="inverted_cdf"))  # a value that occurs: a run may never get there


# ------------------------------------------------------------------------------------------- a drug against no drug [%]


def change(column: str, arm: str, baseline: str, day: float) -> Measure:
    """By how much the arm differs from the baseline on a day [% of the baseline]."""

    def measure(results: Results) -> Measured:
        with_drug, without = (by_day(results, column, name).loc[day].to_numpy() for name in (arm, baseline))
        return mean(100.0 * (with_drug / without - 1.0))

    return measure


def mean_change(column: str, arm: str, baseline: str, until: float) -> Measure:
    """The same for the mean of the rows after day 0, up to a day."""

    def measure(results: Results) -> Measured:
        tables = (by_day(results, column, name) for name in (arm, baseline))
        with_drug, without = (each[(each.index > 0.0) & (each.index <= until)].mean().to_numpy() for each in tables)
        return mean(100.0 * (with_drug / without - 1.0))

    return measure


def change_per_cell(column: str, arm: str, baseline: str, day: float) -> Measure:
    """The same for a level per senescent cell."""

    def measure(results: Results) -> Measured:
        with_drug, without = (
            (by_day(results, column, name) / by_day(results, "n_senescent", name)).loc[day].to_numpy()
            for name in (arm, baseline)
        )
        return mean(100.0 * (with_drug / without - 1.0))

    return measure


# --------------------------------------------------------------------------------------------------------- a wound [d]


def delay(arm: str, baseline: str) -> Measure:
    """How much later than in the baseline 90 % of the wound are closed [d]."""

    def measure(results: Results) -> Measured:
        days = closure(results, "wound").pivot(index="replicate", columns="arm", values="day")
        return mean((days[arm] - days[baseline]).to_numpy(np.float64))

    return measure


def difference_peaks(arm: str, baseline: str) -> Measure:
    """Day on which the arm has most more of its wound open than the baseline, first one of equals."""
    return lambda results: mean(_more_open(results, arm, baseline).idxmax().to_numpy(np.float64))


def converged(arm: str, baseline: str) -> Measure:
    """First recorded day from which the open shares of the two wounds differ by less than `CONVERGED`."""

    def measure(results: Results) -> Measured:
        apart = _more_open(results, arm, baseline).abs() >= CONVERGED
        days = apart.index.to_numpy(np.float64)
        return mean(np.array([days[np.flatnonzero(apart[replicate])[-1] + 1] for replicate in apart]))

    return measure


def reopens(arm: str, baseline: str, start: float) -> Measure:
    """Largest share of the wound that is open in the arm and not in the baseline, from a day on [% of the wound]."""
    return lambda results: mean(_more_open(results, arm, baseline).loc[start:].max().to_numpy(np.float64))


def cells_peak(arm: str) -> Measure:
    """Day with most senescent cells, first one of equals."""
    return lambda results: mean(by_day(results, "n_senescent", arm).idxmax().to_numpy(np.float64))


def _more_open(results: Results, arm: str, baseline: str) -> pd.DataFrame:
    return by_day(results, "open_wound", arm) - by_day(results, "open_wound", baseline)
