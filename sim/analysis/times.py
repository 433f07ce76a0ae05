"""When did it happen: the first recorded day on which a count is reached, or the day on which a wound has closed."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.analysis.compare import one_of
from sim.results import Results

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
    """Day on which 90 % of a wound are closed, linear between rows, per arm and replicate.

    Returns
    -------
    DataFrame
        ``arm replicate day``, in the order of the tables; `day` is infinite where the wound is open at the end, NaN
        where nothing was wounded.

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
    return runs.assign(
        day=[_closed(each["day"].to_numpy(np.float64), each[column].to_numpy(np.float64)) for each in rows]
    )


def _closed(days: npt.NDArray[np.float64], still_open: npt.NDArray[np.float64]) -> float:
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
