"""What treatments were worth and what they cost: exposure, benefit, healthy cells lost, and how soon it was undone."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.analysis.compare import effects, last_day, one_of, t_interval
from sim.analysis.times import quantiles_by_arm
from sim.results import KEYS, Results

Floats = npt.NDArray[np.float64]
Run = dict[str, str | int]

RUN = ["arm", "replicate", "tissue"]
STATES = ["n_healthy", "n_senescent", "n_cleared", "n_scarred"]  # together all sites of a tissue
UNDONE = 0.5  # a rebound is half of the effect: what "time to 50 % rebound" means


def given_doses(results: Results) -> pd.DataFrame:
    """The doses that were given; an adaptive regimen may have stopped, or skipped, others."""
    return results.doses[results.doses["status"] == "given"]


def last_dose(results: Results) -> pd.DataFrame:
    """``arm replicate day`` of the last dose given; NaN where none was."""
    runs = results.timeseries[["arm", "replicate"]].drop_duplicates(ignore_index=True)
    last = given_doses(results).groupby(["arm", "replicate"])["day"].max().astype(np.float64)
    return runs.join(last, on=["arm", "replicate"])


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
    rows = results.timeseries.sort_values("day", kind="stable").groupby(RUN, sort=False)
    areas = [np.trapezoid(table[column].to_numpy(np.float64), table["day"].to_numpy(np.float64)) for _, table in rows]
    return pd.DataFrame([key for key, _ in rows], columns=RUN).assign(exposure=areas)


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


def benefit(results: Results, outcome: str = "burden", baseline: str | None = None) -> pd.DataFrame:
    """By how much an arm lowered an outcome against the same replicate of the baseline, on average over time.

    Parameters
    ----------
    results : Results
        Tables of an experiment.
    outcome : str
        Column of ``results.timeseries``.
    baseline : str, optional
        The first arm if not given.

    Returns
    -------
    DataFrame
        ``arm replicate tissue benefit`` of all other arms, in the unit of the outcome (points of burden).
    """
    rows = [
        run | {"benefit": float(np.trapezoid(reduction, days) / np.ptp(days)) if len(days) > 1 else float(reduction[0])}
        for run, days, reduction in _reductions(results, outcome, baseline)
    ]
    return pd.DataFrame(rows, columns=[*RUN, "benefit"])


def rebound(results: Results, outcome: str = "burden", baseline: str | None = None) -> pd.DataFrame:
    r"""How long after the last dose half of the effect was lost.

    The effect is the reduction of the outcome against the same replicate of the baseline,
    :math:`e(t) = b(t) - a(t)`, linear between rows. It is undone at the first time :math:`t` after the last dose
    :math:`t_0` with

    .. math:: e(t) \le \tfrac12 \max_{t_0 \le s \le t} e(s),

    its size being the largest since the last dose: killing goes on for hours after a dose, so that a single dose has no
    effect yet when it is given. The answer does not depend on how long the run goes on.

    Parameters
    ----------
    results : Results
        Tables of an experiment.
    outcome : str
        Column of ``results.timeseries``: ``burden`` for drugs that kill, ``mean_SASP`` for drugs that mute.
    baseline : str, optional
        The first arm if not given.

    Returns
    -------
    DataFrame
        ``arm replicate tissue last_dose observed rebound`` of all other arms: day of the last dose given [d], time from
        it to the last row [d], and the time to the rebound [d]: infinite where it does not come within the run, NaN
        where there was no dose or never a reduction since.
    """
    last = last_dose(results).set_index(["arm", "replicate"])["day"]
    rows = []
    for run, days, reduction in _reductions(results, outcome, baseline):
        dose = float(last[run["arm"], run["replicate"]])
        undone = _undone(days, reduction, dose)
        rows.append(run | {"last_dose": dose, "observed": float(days[-1]) - dose, "rebound": undone})
    return pd.DataFrame(rows, columns=[*RUN, "last_dose", "observed", "rebound"])


def rebound_by_arm(results: Results, tissue: str, outcome: str = "burden", baseline: str | None = None) -> pd.DataFrame:
    """Rebound in a tissue, arm by arm, for the arms that were given doses.

    Returns
    -------
    DataFrame
        Index `arm`; ``low median high`` (10, 50, 90 % of the replicates, infinite where these did not rebound),
        ``observed`` (shortest time after the last dose [d]) and ``clear``: whether the 95 % interval of the benefit,
        a mean over time, is above zero. Without a clear benefit there is nothing to lose, and the times mean nothing.
    """
    table = rebound(results, outcome, baseline)
    table = table[(table["tissue"] == tissue) & table["last_dose"].notna()]
    times = quantiles_by_arm(table.dropna(subset="rebound"), column="rebound").set_axis(
        ["low", "median", "high"], axis=1
    )
    gains = benefit(results, outcome, baseline)
    gains = gains[gains["tissue"] == tissue].groupby("arm", sort=False)["benefit"]
    clear = pd.Series({arm: _above_zero(gain.to_numpy(np.float64)) for arm, gain in gains}, dtype=bool)
    observed = table.groupby("arm", sort=False)["observed"].min()
    summary = times.reindex(observed.index).assign(observed=observed)
    return summary.assign(clear=clear.reindex(summary.index) & summary["median"].notna())


def rebound_in_words(row: pd.Series) -> str:
    """A row of `rebound_by_arm`: the median, or why there is none."""
    if not row["clear"]:
        return "no clear reduction"
    return f"{row['median']:.3g} d" if math.isfinite(row["median"]) else f"not within {row['observed']:.3g} d"


def drug_table(results: Results, tissue: str) -> pd.DataFrame:
    """What drugs did in a tissue, for every arm with a regimen.

    Returns
    -------
    DataFrame
        ``arm``; ``fewest most``: doses given in a replicate; ``loss``: healthy cells killed [% of sites], mean;
        ``exposure`` to the main factor [% of that in the first arm], ratio of means over pairs, NaN without a factor;
        ``rebound`` of burden and ``factor_rebound`` of the main factor, in words.
    """
    runs = results.timeseries[["arm", "replicate"]].drop_duplicates().set_index(["arm", "replicate"]).index
    doses = given_doses(results).groupby(["arm", "replicate"]).size().reindex(runs, fill_value=0)
    loss = off_target_loss(results).query("tissue == @tissue").groupby("arm")["loss"].mean()
    relative, undone, factor = (
        _relative_exposure(results, tissue),
        rebound_by_arm(results, tissue),
        main_factor(results),
    )
    louder = undone if factor is None else rebound_by_arm(results, tissue, f"mean_{factor}")
    planned = set(results.doses["arm"]) & set(runs.get_level_values("arm"))
    rows = [
        {"arm": arm, "fewest": doses[arm].min(), "most": doses[arm].max(), "loss": loss[arm]}
        | {"exposure": relative.get(arm, math.nan)}
        | {"rebound": rebound_in_words(undone.loc[arm]) if arm in undone.index else "-"}
        | {"factor_rebound": rebound_in_words(louder.loc[arm]) if arm in louder.index else "-"}
        for arm in results.arms
        if arm in planned
    ]
    return pd.DataFrame(rows)


def _relative_exposure(results: Results, tissue: str) -> dict[str, float]:
    """Exposure of each other arm to the main factor, in percent of that of the first arm."""
    factor = main_factor(results)
    if factor is None:
        return {}
    table = effects(results, exposure(results, factor), ["exposure"], results.arms[0])
    table = table[(table["tissue"] == tissue) & (table["baseline_mean"] > 0.0)]
    return dict(zip(table["arm"], 100.0 * table["mean"] / table["baseline_mean"], strict=True))


def _above_zero(values: Floats) -> bool:
    """Whether the mean is, beyond doubt; of a single replicate there is no telling."""
    return bool((t_interval(values)[0] if values.size > 1 else values.sum()) > 0.0)


def _reductions(results: Results, outcome: str, baseline: str | None) -> Iterator[tuple[Run, Floats, Floats]]:
    """Each run of another arm whose pair has finished: which it is, days, and baseline minus arm on these."""
    known = [name for name in results.timeseries if name not in KEYS]
    one_of(outcome, known, "treatment: outcome")
    baseline = results.arms[0] if baseline is None else one_of(baseline, results.arms, "treatment: baseline")
    wide = results.timeseries.pivot(index=["tissue", "replicate", "day"], columns="arm", values=outcome)
    pairs = {key: table for key, table in wide.groupby(level=["tissue", "replicate"])}
    for arm in (each for each in results.arms if each != baseline and each in wide and baseline in wide):
        for tissue in results.tissues:
            for replicate in sorted(r for t, r in pairs if t == tissue):
                table = pairs[tissue, replicate]
                reduction = (table[baseline] - table[arm]).dropna()
                if len(reduction):
                    days = reduction.index.get_level_values("day").to_numpy(np.float64)
                    run: Run = {"arm": arm, "replicate": replicate, "tissue": tissue}
                    yield run, days, reduction.to_numpy(np.float64)


def _undone(days: Floats, reduction: Floats, dose: float) -> float:
    """Time from the `dose` until half of the largest reduction since is lost [d]."""
    if not dose <= days[-1]:
        return math.nan
    after = days > dose
    t = np.append(dose, days[after])
    effect = np.append(np.interp(dose, days, reduction), reduction[after])
    largest = np.maximum.accumulate(effect)
    if largest[-1] <= 0.0:
        return math.nan
    undone = np.flatnonzero((largest > 0.0) & (effect <= UNDONE * largest))
    if not undone.size:
        return math.inf
    i = int(undone[0])
    over = (effect[i - 1] - UNDONE * largest[i]) / (effect[i - 1] - effect[i])
    return float(t[i - 1] + over * (t[i] - t[i - 1]) - dose)
