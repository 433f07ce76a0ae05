"""What treatments were worth and what they cost: doses, exposure, benefit, and healthy cells lost."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.analysis.paired import baselines, last_day, one_of
from sim.results import KEYS, Results

Floats = npt.NDArray[np.float64]
Run = dict[str, str | int]

RUN = ["arm", "replicate", "tissue"]
DOSE_KEYS = ["arm", "treatment", "drug", "amount", "unit", "route"]
STATES = ["n_healthy", "n_senescent", "n_cleared", "n_scarred"]  # together all sites of a tissue


def given_doses(results: Results) -> pd.DataFrame:
    """The doses that were given; an adaptive regimen may have stopped, or skipped, others."""
    return results.doses[results.doses["status"] == "given"]


def dose_table(results: Results) -> pd.DataFrame:
    """What was planned and given, a row per arm and treatment.

    Returns
    -------
    DataFrame
        ``arm treatment drug amount unit route``; ``planned``: doses of the regimen within a run, the most of any
        replicate; ``fewest most``: given in a replicate; ``first last``: days of the first and the last dose that was
        given to anyone, NaN where none was; ``skipped``: why others were not given, and their mean number.
    """
    doses, rows = results.doses, []
    runs = results.timeseries[["arm", "replicate"]].drop_duplicates().groupby("arm").size()
    for keys, plan in doses.groupby(["arm", "treatment", "drug", "amount", "unit", "route"], sort=False):
        given = plan[plan["status"] == "given"]
        n = max(int(runs.get(keys[0], 1)), 1)
        counts = given.groupby("replicate").size()
        why = plan.loc[plan["status"] != "given", "status"].value_counts(sort=False) / n
        rows.append(
            dict(zip(DOSE_KEYS, keys, strict=True))
            | {"planned": int(plan.groupby("replicate").size().max())}
            | {"fewest": int(counts.min()) if len(counts) == n else 0, "most": int(counts.max()) if len(counts) else 0}
            | {"first": given["day"].min(), "last": given["day"].max()}
            | {"skipped": ", ".join(f"{status} {number:.3g}" for status, number in why.items())}
        )
    return pd.DataFrame(rows, columns=[*DOSE_KEYS, "planned", "fewest", "most", "first", "last", "skipped"])


def last_dose(results: Results) -> pd.DataFrame:
    """``arm replicate day`` of the last dose given; NaN where none was."""
    runs = results.timeseries[["arm", "replicate"]].drop_duplicates(ignore_index=True)
    last = given_doses(results).groupby(["arm", "replicate"])["day"].max().astype(np.float64)
    return runs.join(last, on=["arm", "replicate"])


def dosed_to_the_end(results: Results) -> pd.Series:
    """Whether a run ended before another dose was due, by arm and replicate; of runs with doses given.

    That is, within one interval of a treatment (the median between its planned days) after the last dose of it.
    """
    ends = results.timeseries.groupby(["arm", "replicate"])["day"].max()
    found: dict[tuple[str, int], bool] = {}
    for (arm, replicate, _), plan in results.doses.groupby(["arm", "replicate", "treatment"], sort=False):
        days, given = np.unique(plan["day"].to_numpy(np.float64)), plan.loc[plan["status"] == "given", "day"]
        if not given.empty:
            interval = float(np.median(np.diff(days))) if days.size > 1 else 0.0
            lasts = (arm, replicate) in ends and ends[arm, replicate] - given.max() <= interval
            found[arm, replicate] = found.get((arm, replicate), False) or bool(lasts)
    return pd.Series(found, dtype=bool)


def effects_of(results: Results, drug: str) -> dict[str, tuple[str, str]]:
    """What a drug does: the columns of its mean effects, and the name and kind of each effect."""
    arms = (results.scenario.get("arms") or {}).values()
    trees = (((tree or {}).get("drugs") or {}).get(drug) or {} for tree in (results.scenario, *arms))
    kinds: dict[str, str] = {}  # an arm may add an effect, or change numbers without saying the kind again
    for name, effect in (pair for tree in trees for pair in (tree.get("effects") or {}).items()):
        kinds[name] = str((effect or {}).get("kind", kinds.get(name, name)))
    columns = {f"effect_{drug}_{name}": (name, kind) for name, kind in kinds.items()}
    return {column: effect for column, effect in columns.items() if column in results.timeseries}


def main_factor(results: Results) -> str | None:
    """The factor that is asked about where nobody says: SASP, else the first one."""
    factors = [name for name in results.manifest.get("factors", []) if f"mean_{name}" in results.timeseries]
    return "SASP" if "SASP" in factors else next(iter(factors), None)


def exposure(results: Results, factor: str = "SASP") -> pd.DataFrame:
    """Area under the mean level of a factor, from the first to the last row (trapezoids).

    Returns
    -------
    DataFrame
        ``arm replicate tissue exposure``, in units of the factor times days; NaN in an arm without the factor.

    Raises
    ------
    ResultsError
        If the tables have no such factor.
    """
    known = [name.removeprefix("mean_") for name in results.timeseries if name.startswith("mean_")]
    column = f"mean_{one_of(factor, known, 'exposure: factor')}"
    return area_under(results, column)[[*RUN, "area"]].rename(columns={"area": "exposure"})


def area_under(results: Results, column: str) -> pd.DataFrame:
    """Area under a column of the time series in every run (trapezoids), all runs at once.

    Returns
    -------
    DataFrame
        ``arm replicate tissue area length mean``: the area, in units times days, the days from the first to the last
        row, and their ratio; the mean of a single row is its value.
    """
    rows = results.timeseries[[*RUN, "day", column]]
    run = rows.groupby(RUN, sort=False).ngroup().to_numpy()
    order = np.lexsort((rows["day"].to_numpy(), run))
    run, days, values = run[order], rows["day"].to_numpy(np.float64)[order], rows[column].to_numpy(np.float64)[order]
    first = np.flatnonzero(np.diff(run, prepend=-1))
    within = np.diff(run, prepend=-1) == 0
    steps = np.where(within, np.diff(days, prepend=0.0), 0.0)
    sums = np.where(within, values + np.concatenate([[0.0], values[:-1]]), 0.0)
    area, length = np.add.reduceat(0.5 * sums * steps, first), np.add.reduceat(steps, first)
    mean = np.where(length > 0.0, area / np.where(length > 0.0, length, 1.0), values[first])
    return rows.iloc[order[first]][RUN].reset_index(drop=True).assign(area=area, length=length, mean=mean)


def off_target_loss(results: Results) -> pd.DataFrame:
    """Healthy cells that drugs have killed by the last day, all drugs together.

    Returns
    -------
    DataFrame
        ``arm replicate tissue loss``, in percent of the sites of the tissue; a site that was refilled and lost again
        counts twice.
    """
    last = last_day(results)
    lost = last[[name for name in last if name.startswith("cum_off_target_")]]
    loss = 100.0 * lost.sum(axis=1) / last[STATES].sum(axis=1) if lost.shape[1] else 0.0
    return last[RUN].assign(loss=loss)


def harm(results: Results) -> pd.DataFrame:
    """Healthy cells that drugs have killed or made senescent by the last day, all drugs together.

    Returns
    -------
    DataFrame
        ``arm replicate tissue killed induced harm``, in percent of the sites of the tissue; `harm` is the sum.
    """
    last, table = last_day(results), off_target_loss(results).rename(columns={"loss": "killed"})
    turned = last[[name for name in last if name.startswith("cum_induced_by_")]]
    induced = 100.0 * turned.sum(axis=1) / last[STATES].sum(axis=1) if turned.shape[1] else 0.0
    return table.assign(induced=induced, harm=table["killed"] + induced)


def mean_over_time(days: npt.ArrayLike, values: npt.ArrayLike) -> float:
    """The mean of `values`, linear between `days`."""
    t, x = np.asarray(days, np.float64), np.asarray(values, np.float64)
    return float(np.trapezoid(x, t) / np.ptp(t)) if t.size > 1 else float(x[0])


def benefit(results: Results, outcome: str = "burden", baseline: str | None = None) -> pd.DataFrame:
    """By how much an arm lowered an outcome against the same replicate of the baseline, on average over time.

    Parameters
    ----------
    results : Results
        Tables of an experiment.
    outcome : str
        Column of ``results.timeseries``.
    baseline : str, optional
        As in `sim.compare`.

    Returns
    -------
    DataFrame
        ``arm replicate tissue benefit`` of all other arms, in the unit of the outcome (points of burden).
    """
    rows = [
        run | {"benefit": mean_over_time(days, base - treated)}
        for run, days, treated, base in pairs_over_time(results, outcome, baseline)
    ]
    return pd.DataFrame(rows, columns=[*RUN, "benefit"])


def pairs_over_time(
    results: Results, outcome: str, baseline: str | None
) -> Iterator[tuple[Run, Floats, Floats, Floats]]:
    """Each run of another arm whose pair has finished: which it is, days, and on these the arm and the baseline."""
    known = [name for name in results.timeseries if name not in KEYS]
    one_of(outcome, known, "treatment: outcome")
    against = baselines(results, baseline, "treatment")
    wide = results.timeseries.pivot(index=["tissue", "replicate", "day"], columns="arm", values=outcome)
    days, values = wide.index.get_level_values("day").to_numpy(np.float64), wide.to_numpy(np.float64)
    column = {name: place for place, name in enumerate(wide)}
    rows = wide.groupby(level=["tissue", "replicate"]).indices
    for arm, base in ((a, b) for a, b in against.items() if a in column and b in column):
        for tissue in results.tissues:
            for replicate in sorted(r for t, r in rows if t == tissue):
                here = rows[tissue, replicate]
                treated, untreated = values[here, column[arm]], values[here, column[base]]
                both = ~(np.isnan(treated) | np.isnan(untreated))
                if both.any():
                    run: Run = {"arm": arm, "replicate": replicate, "tissue": tissue}
                    yield run, days[here][both], treated[both], untreated[both]
