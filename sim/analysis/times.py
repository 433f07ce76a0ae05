"""When did it happen: the first recorded day on which a count is reached, or the day on which a wound has closed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.analysis.paired import one_of
from sim.results import Results

Floats = npt.NDArray[np.float64]

ROUNDING = 1e-9  # of shares of runs
CLOSED = 10.0  # % of the wounded sites still vacant where a wound counts as closed


def time_to_count(results: Results, column: str, count: int) -> pd.DataFrame:
    """First recorded day on which `column` (summed over tissues) reaches `count`, per arm and replicate.

    Returns
    -------
    DataFrame
        ``arm replicate day``, in the order of the tables; `day` is infinite where the run ended before.
    """
    totals = results.timeseries.groupby(["arm", "replicate", "day"], sort=False)[column].sum().reset_index()
    runs = totals[["arm", "replicate"]].drop_duplicates()
    reached = totals[totals[column] >= count].groupby(["arm", "replicate"])["day"].min().reset_index()
    table = runs.merge(reached, on=["arm", "replicate"], how="left")
    table["day"] = table["day"].fillna(np.inf)
    return table


def wounds(results: Results) -> list[str]:
    """Events that left a wound, in the order of the tables."""
    return [name.removeprefix("open_") for name in results.timeseries if name.startswith("open_")]


def closure(results: Results, event: str) -> pd.DataFrame:
    """When 90 % of a wound are closed, linear between rows, per arm and replicate.

    Returns
    -------
    DataFrame
        ``arm replicate day wounded healing``, in the order of the tables: the day of closure, that of the wound (of the
        table of events, or else of the first row in which it is open), and the days between them. `day` and `healing`
        are infinite where the wound is open at the end; all three are NaN where nothing was wounded.

    Raises
    ------
    ResultsError
        If there was no such wound.
    """
    column = f"open_{one_of(event, wounds(results), 'closure: event')}"
    # a wound is in one tissue; in all others it is 0
    sizes = results.timeseries.groupby(["arm", "replicate", "day"])[column].max().reset_index(["day"])
    runs = results.timeseries[["arm", "replicate"]].drop_duplicates(ignore_index=True)
    rows = (sizes.loc[[key]] for key in runs.itertuples(index=False, name=None))
    table = runs.assign(
        day=[_closed(each["day"].to_numpy(np.float64), each[column].to_numpy(np.float64)) for each in rows]
    )
    first = sizes[sizes[column] > 0.0].groupby(level=["arm", "replicate"])["day"].min()
    if "event" in results.events:
        made = results.events[results.events["event"] == event]
        first = made.groupby(["arm", "replicate"])["day"].min().astype(np.float64).combine_first(first)
    table = table.join(first.rename("wounded"), on=["arm", "replicate"])
    return table.assign(wounded=table["wounded"].where(table["day"].notna()), healing=table["day"] - table["wounded"])


def _closed(days: Floats, still_open: Floats) -> float:
    """Day on which the wound, once there, is down to a tenth."""
    wounded = np.flatnonzero(still_open > CLOSED)
    if not wounded.size:
        return math.nan
    closed = np.flatnonzero(still_open[wounded[0] :] <= CLOSED)
    if not closed.size:
        return math.inf
    i = int(wounded[0] + closed[0])
    over = (still_open[i - 1] - CLOSED) / (still_open[i - 1] - still_open[i])
    return float(days[i - 1] + over * (days[i] - days[i - 1]))


def quantiles_by_arm(
    times: pd.DataFrame, levels: tuple[float, ...] = (0.1, 0.5, 0.9), column: str = "day"
) -> pd.DataFrame:
    """Quantiles of the times of each arm [d], arms in the order of the table; a run that never got there is late."""
    rows = {
        arm: np.quantile(rows[column].to_numpy(float), levels, method="inverted_cdf")
        for arm, rows in times.groupby("arm", sort=False)
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(levels))


def quantiles_of_censored(times: Floats, observed: Floats, levels: Sequence[float] = (0.1, 0.5, 0.9)) -> list[float]:
    r"""Times by which shares `levels` of the runs got there, where some were not watched to the end (Kaplan-Meier).

    .. math:: 1 - F(t) = \prod_{t_i \le t} \left(1 - d_i / n_i\right)

    with :math:`d_i` events at :math:`t_i` among the :math:`n_i` runs that are still watched.

    Parameters
    ----------
    times : (n,) float array
        Time of the event [d]; infinite where it did not come while the run was watched.
    observed : (n,) float array
        How long each run was watched [d].
    levels : sequence of float
        Shares in (0, 1).

    Returns
    -------
    list of float
        Infinite where too few got there. A level that is met exactly by a step is met until the next one: the middle
        between both, so that of two values the median is their mean.
    """
    events, had = np.unique(times[np.isfinite(times)], return_counts=True)
    until = np.where(np.isfinite(times), times, observed)
    watched = np.array([np.count_nonzero(until >= event) for event in events])
    share = 1.0 - np.cumprod(1.0 - had / watched) if events.size else events
    found = []
    for level in levels:
        i = int(np.searchsorted(share, level - ROUNDING))
        exact = i < share.size and abs(share[i] - level) <= ROUNDING
        ends = np.append(events, [np.inf, np.inf])[i : i + 2 if exact else i + 1]
        found.append(float(ends.mean()))
    return found
