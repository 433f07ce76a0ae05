"""How soon a treatment is undone: the time after the last dose until the treated arm has come back half of the way."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.analysis.paired import t_interval
from sim.analysis.times import quantiles_of_censored
from sim.analysis.treatment import RUN, benefit, dosed_to_the_end, last_dose, pairs_over_time
from sim.results import Results

Floats = npt.NDArray[np.float64]

UNDONE = 0.5  # a rebound is half of the effect: what "time to 50 % rebound" means
TELLING = 4  # replicates from which a verdict on a reduction is given


def rebound(results: Results, outcome: str = "burden", baseline: str | None = None) -> pd.DataFrame:
    r"""How long after the last dose the treated arm has come back by half of the effect.

    The effect is the reduction of the outcome against the same replicate of the baseline,
    :math:`e(t) = b(t) - a(t)`, linear between rows; its size is the largest since the last dose :math:`t_0`, for
    killing goes on for hours after a dose. The rebound is the first time :math:`t` at which both the effect has
    halved and the treated arm itself has risen by as much from its lowest since:

    .. math:: e(t) \le \tfrac12 E(t), \quad a(t) \ge \min_{t_0 \le s \le t} a(s) + \tfrac12 E(t), \quad
              E(t) = \max_{t_0 \le s \le t} e(s).

    Where the effect halves because the baseline falls, as in a wound that heals without a drug too, there is nothing
    to rebound: the effect has faded. The time does not depend on how long the run goes on.

    Parameters
    ----------
    results : Results
        Tables of an experiment.
    outcome : str
        Column of ``results.timeseries``: ``burden`` for drugs that kill, ``mean_SASP`` for drugs that mute.
    baseline : str, optional
        As in `sim.compare`.

    Returns
    -------
    DataFrame
        ``arm replicate tissue last_dose observed rebound faded`` of all other arms: day of the last dose given [d],
        time from it to the last row [d]; the time to the rebound [d], infinite where it does not come within the run,
        NaN where there was no dose or never a reduction since; and whether the run ended with half of the effect gone
        or more, but no rebound.
    """
    last = last_dose(results).set_index(["arm", "replicate"])["day"]
    rows = []
    for run, days, treated, base in pairs_over_time(results, outcome, baseline):
        dose = float(last[run["arm"], run["replicate"]])
        undone, faded = _undone(days, treated, base, dose)
        rows.append(run | {"last_dose": dose, "observed": float(days[-1]) - dose, "rebound": undone, "faded": faded})
    return pd.DataFrame(rows, columns=[*RUN, "last_dose", "observed", "rebound", "faded"])


def rebound_by_arm(results: Results, tissue: str, outcome: str = "burden", baseline: str | None = None) -> pd.DataFrame:
    """Rebound in a tissue, arm by arm, for the arms that were given doses.

    Returns
    -------
    DataFrame
        Index `arm`; ``n``: replicates that were given doses; ``low median high``: times by which 10, 50, 90 % had
        rebounded (Kaplan-Meier, as replicates are watched for different times; infinite where so many never did);
        ``observed``: median time after the last dose [d]; ``to_the_end``: most were dosed to the end of the run;
        ``faded``: most faded instead (see `rebound`); ``clear``: whether the 95 % interval of the benefit, a mean over
        time, is above zero. Without a clear benefit there is nothing to lose, and the times mean nothing; of fewer than
        4 replicates there is no such verdict, and any reduction counts.
    """
    table = rebound(results, outcome, baseline)
    table = table[(table["tissue"] == tissue) & table["last_dose"].notna()]
    gains = benefit(results, outcome, baseline).query("tissue == @tissue").groupby("arm", sort=False)["benefit"]
    clear = {arm: _above_zero(gain.to_numpy(np.float64)) for arm, gain in gains}
    ends, rows = dosed_to_the_end(results), {}
    for arm, runs in table.groupby("arm", sort=False):
        reduced = runs.dropna(subset="rebound")
        low, median, high = quantiles_of_censored(
            reduced["rebound"].to_numpy(np.float64), reduced["observed"].to_numpy(np.float64)
        )
        rows[arm] = {
            "n": len(runs), "low": low, "median": median, "high": high, "observed": float(runs["observed"].median()),
            "to_the_end": bool(ends[arm].reindex(runs["replicate"]).mean() >= 0.5),
            "faded": bool(len(reduced) and reduced["faded"].mean() >= 0.5),
            "clear": bool(len(reduced) and (len(runs) < TELLING or clear[arm])),
        }  # fmt: skip
    columns = ["n", "low", "median", "high", "observed", "to_the_end", "faded", "clear"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("arm")


def rebound_in_words(row: pd.Series) -> str:
    """A row of `rebound_by_arm`: the median, or why there is none."""
    if not row["clear"]:
        return "no clear reduction" if row["n"] >= TELLING else "no reduction"
    if row["to_the_end"]:
        return "dosed to the end"
    if math.isfinite(row["median"]):
        return f"{row['median']:.3g} d"
    return "faded: baseline fell" if row["faded"] else f"not within {row['observed']:.3g} d"


def _above_zero(values: Floats) -> bool:
    """Whether the mean is, beyond doubt; of a single replicate there is no telling."""
    if values.size > 1 and np.ptp(values) > 0.0:
        return t_interval(values)[0] > 0.0
    return bool(values.sum() > 0.0)  # one pair, or the same in all of them


def _undone(days: Floats, treated: Floats, base: Floats, dose: float) -> tuple[float, bool]:
    """Time from the `dose` until half of the largest reduction is lost by a rise [d]; whether it faded instead."""
    if not dose <= days[-1]:
        return math.nan, False
    after = days > dose
    t = np.append(dose, days[after])
    level, untreated = (np.append(np.interp(dose, days, each), each[after]) for each in (treated, base))
    effect = untreated - level
    largest, lowest = np.maximum.accumulate(effect), np.minimum.accumulate(level)
    if largest[-1] <= 0.0:
        return math.nan, False
    half = UNDONE * largest
    undone = np.flatnonzero((largest > 0.0) & (effect <= half) & (level >= lowest + half))
    if not undone.size:
        return math.inf, bool(effect[-1] <= half[-1])
    i = int(undone[0])  # since the row before, the largest and the lowest are what they were
    over = max(_crossing(effect[i - 1] - half[i], effect[i] - half[i]),
               _crossing(level[i - 1] - lowest[i] - half[i], level[i] - lowest[i] - half[i]))  # fmt: skip
    return float(t[i - 1] + over * (t[i] - t[i - 1]) - dose), False


def _crossing(before: float, after: float) -> float:
    """Where a line from `before` to `after` is 0, as a share of the way; 0 where it has long been on that side."""
    return before / (before - after) if before * after <= 0.0 and before != after else 0.0
