"""How many cells does a senescent cell turn before it goes: the reproduction number of senescence, R_s(t)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from sim.analysis.causes import turning_causes
from sim.errors import ResultsError
from sim.results import SHARES, Results

Floats = npt.NDArray[np.float64]

ALL = "all"  # the row of all causes together
WINDOWS = 10  # of a run, where nobody says how long one is
COLUMNS = [
    "arm", "tissue", "cause", "start", "day", "n", "r", "low", "high", "past", "secondaries", "removals", "residence",
]  # fmt: skip


def attributed_causes(results: Results) -> list[str]:
    """Causes whose cells were shared out (columns ``by_CAUSE``), in the order of the tables.

    Raises
    ------
    ResultsError
        If none were: the scenario did not ask for it.
    """
    found = [name.removeprefix("by_") for name in results.timeseries if name.startswith("by_")]
    if not found:
        raise ResultsError("reproduction: results: must be of a scenario with record.attribution: true, got none")
    return found


def reproduction(results: Results, window: float | None = None, level: float = 0.95) -> pd.DataFrame:
    r"""The reproduction number of senescence over time, by cause.

    .. math:: R_s = \frac{\text{secondary inductions per day}}{\text{senescent cells}} \times \text{mean residence},
              \qquad \text{residence} = \frac{\text{senescent cells}}{\text{removals per day}}

    over windows of time: in each, secondary cells over removals, sums over the replicates (a ratio of means). Removals
    are what the balance of senescent cells says, so those that a wound, a graft or a drug took are counted too.

    Parameters
    ----------
    results : Results
        Tables of a scenario with ``record.attribution: true``.
    window : float, optional
        Length of a window [d], rounded to rows of the tables; a tenth of the run if not given.
    level : float
        Confidence of the intervals.

    Returns
    -------
    DataFrame
        One row per arm, tissue, cause (and ``all``) and window: ``arm tissue cause``; ``start day``, its ends [d];
        ``n`` replicates; ``r low high``, with the delete-one jackknife (t interval; NaN for one replicate); ``past``,
        the share of `r` whose senders no longer stand (the field of day 0 included); ``secondaries removals``, cells in
        a replicate and window, means; ``residence`` [d]. Where nothing is removed `r` is infinite, or NaN without
        secondary cells.

    Raises
    ------
    ResultsError
        If nothing was attributed, or `window` is not positive.
    """
    causes = attributed_causes(results)
    if window is not None and not window > 0.0:
        raise ResultsError(f"reproduction: window: must be more than 0 d, got {window:g} d")
    rows = []
    for arm in results.arms:
        for tissue in results.tissues:
            table = results.timeseries.query("arm == @arm and tissue == @tissue")
            if len(table):
                found = _windows(_flows(results, table, causes), window)
                rows += [{"arm": arm, "tissue": tissue, **row} for row in _rates(found, causes, level)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _flows(results: Results, table: pd.DataFrame, causes: list[str]) -> pd.DataFrame:
    """What came and went between the rows of each replicate: cells by cause, of them past ones, removals, cell-days."""
    turned = [f"new_{name}" for name in turning_causes(results)]
    parts = []
    for replicate, rows in table.sort_values("day", kind="stable").groupby("replicate"):
        days, standing = rows["day"].to_numpy(np.float64), rows["n_senescent"].to_numpy(np.float64)
        flows = {"replicate": replicate, "start": days[:-1], "day": days[1:]}
        flows["removals"] = standing[:-1] + rows[turned].sum(axis=1).to_numpy()[1:] - standing[1:]
        flows["cell_days"] = np.diff(days) * (standing[1:] + standing[:-1]) / 2.0
        for cause in causes:
            whole = sum(rows[f"{share}{cause}"].to_numpy(np.float64)[1:] for share in SHARES)
            gone = sum(rows[f"{share}{cause}"].to_numpy(np.float64)[1:] for share in ("past_", "initial_"))
            flows[cause], flows[f"past_{cause}"] = whole, gone
        flows[ALL] = sum(flows[cause] for cause in causes)
        flows[f"past_{ALL}"] = sum(flows[f"past_{cause}"] for cause in causes)
        parts.append(pd.DataFrame(flows))
    return pd.concat(parts, ignore_index=True)


def _windows(flows: pd.DataFrame, window: float | None) -> pd.DataFrame:
    """Sums over windows (rows: window and replicate); a row belongs to the window in which its end lies."""
    first, last = float(flows["start"].min()), float(flows["day"].max())
    length = (last - first) / WINDOWS if window is None else window
    number = np.ceil((flows["day"] - first) / length - 1e-9).astype(int)
    ends = flows.groupby(number)[["start", "day"]].agg({"start": "min", "day": "max"})
    sums = flows.drop(columns=["start", "day"]).groupby([number.rename("window"), "replicate"]).sum().reset_index()
    return sums.join(ends, on="window")


def _rates(table: pd.DataFrame, causes: list[str], level: float) -> list[dict[str, object]]:
    """The rows of `reproduction` of one arm and tissue."""
    rows: list[dict[str, object]] = []
    for _, runs in table.groupby("window"):
        removals = runs["removals"].to_numpy(np.float64)
        mean = float(removals.mean())
        shared = {"start": runs["start"].iloc[0], "day": runs["day"].iloc[0], "n": len(runs), "removals": mean}
        shared["residence"] = over(float(runs["cell_days"].mean()), mean)
        for cause in (*causes, ALL):
            cells = runs[cause].to_numpy(np.float64)
            low, high = jackknife_interval(cells, removals, level)
            past = over(float(runs[f"past_{cause}"].sum()), float(cells.sum()))
            rows.append(
                {"cause": cause, "r": over(float(cells.sum()), float(removals.sum())), "low": low, "high": high}
                | {"past": past, "secondaries": float(cells.mean())} | shared
            )  # fmt: skip
    return rows


def over(x: float, y: float) -> float:
    """`x` / `y`; infinite over nothing, and NaN where both are 0."""
    if y > 0.0:
        return x / y
    return math.inf if x > 0.0 else math.nan


def jackknife_interval(above: Floats, below: Floats, level: float = 0.95) -> tuple[float, float]:
    r"""Interval of a ratio of sums over n replicates, by leaving out one after the other.

    .. math:: R = \frac{\sum a_i}{\sum b_i}, \quad
              s^2 = \frac{n - 1}{n} \sum_i (R_{(i)} - \bar R_{(\cdot)})^2, \quad R \pm t_{n-1}\, s

    NaN for fewer than two replicates, or where all that is below lies in one of them; never below 0.
    """
    n = above.size
    rest = below.sum() - below
    if n < 2 or not (rest > 0.0).all():
        return math.nan, math.nan
    without = (above.sum() - above) / rest
    half = float(stats.t.ppf(0.5 + level / 2.0, n - 1)) * math.sqrt(
        (n - 1) / n * ((without - without.mean()) ** 2).sum()
    )
    middle = float(above.sum() / below.sum())
    return max(0.0, middle - half), middle + half


def secondaries_by_site(results: Results, arm: str, tissue: str | None = None) -> tuple[Floats, Floats]:
    """Where cells were turned from: R_s as a map.

    Parameters
    ----------
    results : Results
        Tables with ``secondaries`` among the kept maps.
    arm : str
        Whose maps.
    tissue : str, optional
        The first one if not given.

    Returns
    -------
    days : (k,) array
        Days that the maps of all replicates have [d]: a run that stopped early has fewer.
    cells : (k, *shape) array
        Expected cells that the senescent cells on each site turned from the day before in `days` (the first: from the
        start) to this one; mean over the replicates with maps.

    Raises
    ------
    ResultsError
        If no such maps were kept, or they have no day in common.
    """
    tissue = results.tissues[0] if tissue is None else tissue
    kept = [results.maps(*key) for key in results.map_keys if (key[0], key[2]) == (arm, tissue)]
    if not kept or "secondaries" not in kept[0]:
        raise ResultsError(f"reproduction: maps: must hold secondaries of arm {arm}, tissue {tissue}, got none")
    days = np.array(sorted(set.intersection(*(set(maps["days"].tolist()) for maps in kept))), np.float64)
    if not days.size:
        raise ResultsError(f"reproduction: maps: of arm {arm} must have a day in common, got none")
    alike = [maps["secondaries"][np.isin(maps["days"], days)].astype(np.float64) for maps in kept]
    mean = np.mean(alike, axis=0)
    return days, np.diff(mean, axis=0, prepend=np.zeros_like(mean[:1]))
