"""When did it happen: the first recorded day on which a count is reached."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sim.results import Results


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


def quantiles_by_arm(times: pd.DataFrame, levels: tuple[float, ...] = (0.1, 0.5, 0.9)) -> pd.DataFrame:
    """Quantiles of the times of each arm [d], arms in the order of the table; a run that never got there is late."""
    rows = {
        arm: np.quantile(rows["day"].to_numpy(float), levels, method="inverted_cdf")
        for arm, rows in times.groupby("arm", sort=False)
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(levels))
