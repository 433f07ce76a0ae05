"""Share is not effect: what a cause turned, beside what its absence does to the burden."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.analysis.bootstrap import jackknife_error, t_of
from sim.analysis.causes import turning_causes
from sim.analysis.paired import effects, last_day, one_of
from sim.analysis.reproduction import over
from sim.analysis.switches import JOINED, arms_without, complete_arm
from sim.errors import ResultsError
from sim.results import SHARES, Results

Floats = npt.NDArray[np.float64]

COLUMNS = [
    "tissue", "cause", "without", "day", "n", "pairs", "share", "share_low", "share_high", "standing", "past",
    "present", "burden", "burden_without", "fall", "fall_low", "fall_high", "effect", "effect_low", "effect_high",
    "amplification", "amplification_low", "amplification_high",
]  # fmt: skip


def share_and_effect(
    results: Results,
    baseline: str | None = None,
    without: Mapping[str, str] | None = None,
    day: float | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    r"""What each cause turned, and what happens to the burden when it is switched off.

    .. math:: \text{effect} = 100\, \frac{\sum (X - X_{\text{without}})}{\sum X}, \qquad
              \text{amplification} = \frac{\text{effect}}{\text{share}}

    sums over the pairs of replicates. Share and effect would be the same if cells turned and went one by one. They
    differ because removal saturates: a cell that is spared leaves its cleaners to the others; because it would have
    secreted, which turns others and jams immunity; and, the other way, because another cause may turn the spared cell.

    Parameters
    ----------
    results : Results
        Tables of an experiment with `baseline`, and arms that lack one or more of its causes.
    baseline : str, optional
        The arm whose cells are shared out; if not given, the one from which most others differ by inductions that are
        off in them.
    without : mapping, optional
        Cause to the arm in which it is switched off (several causes at once: joined by " + "); if not given, read from
        the scenario (`sim.analysis.switches.arms_without`).
    day : float, optional
        The day of the burden [d], the last row up to it; cells that turned until then are shared out. If not given,
        the last row of each run.
    level : float
        Confidence of the intervals.

    Returns
    -------
    DataFrame
        One row per tissue and cause that turned cells or was switched off:

        * ``tissue cause``; ``without``, the arm that lacks it; ``day`` of the last row [d]; ``n``, replicates of the
          baseline; ``pairs``, of them with a finished run without the cause, which the burdens and the fall are of (0
          where it was not switched off);
        * ``share share_low share_high`` of the cells that turned [%], without those that were there at the start or
          grafted, sums over replicates, with the jackknife; of it ``standing`` and ``past`` [points], by senders that
          stood and by senders that were gone (NaN without attribution); ``present``: of the senescent cells on that
          day, those that the cause turned [%] (NaN in tables without columns ``due_to_CAUSE``);
        * ``burden burden_without``, means [%]; ``fall fall_low fall_high``, their paired difference [points] with its
          t interval; ``effect effect_low effect_high``, the fall in percent of the burden, and ``amplification`` with
          its ends, both with the jackknife. NaN where the cause was not switched off.

    Raises
    ------
    ResultsError
        If no run has finished, there is no such arm, no row up to that day, or nothing is known to be switched off.
    """
    if results.timeseries.empty:
        raise ResultsError("attribute: results: must hold a finished run, got none")
    if baseline is None:
        baseline = complete_arm(results)
        if baseline is None:
            rule = "must have arms that are the same but for an induction that is off"
            raise ResultsError(f"share_and_effect: arms: {rule}, got {', '.join(results.arms)}")
    one_of(baseline, results.arms, "share_and_effect: baseline")
    without = arms_without(results, baseline) if without is None else without
    rows = results.timeseries if day is None else results.timeseries[results.timeseries["day"] <= day + 1e-9]
    if rows.empty:
        first = results.timeseries["day"].min()
        raise ResultsError(f"share_and_effect: day: must be a day from {first:g} d on, got {day:g} d")
    until = Results(results.manifest, results.scenario, rows, results.events, results.sites, {})
    pairs = effects(until, last_day(until), ["burden"], baseline, level).set_index(["tissue", "arm"])
    table = []
    for tissue in results.tissues:
        mine = _Tissue(until, baseline, tissue, level)
        whole = [name for name in mine.causes if mine.turned[name].any() or name in without]
        for cause in (*whole, *(each for each in without if JOINED in each)):
            row = mine.share(cause)
            if cause in without:
                row |= {"without": without[cause], **_fall(pairs.loc[(tissue, without[cause])])}
                row |= mine.effect(cause, without[cause])
            table.append(row)
    found = pd.DataFrame(table, columns=COLUMNS)
    found.attrs |= {"baseline": baseline, "level": level}
    return found


def _fall(pair: pd.Series) -> dict[str, Any]:
    row = {"pairs": int(pair["n"]), "burden": pair["baseline_mean"], "burden_without": pair["mean"]}
    return row | {
        "fall": -pair["difference"], "fall_low": -pair["difference_high"], "fall_high": -pair["difference_low"],
    }  # fmt: skip


class _Tissue:
    """The cells of one arm and tissue by cause, a row per replicate."""

    def __init__(self, results: Results, arm: str, tissue: str, level: float) -> None:
        self.arm, self.tissue, self.level, self.causes = arm, tissue, level, _turned_here(results)
        self._rows = results.timeseries.query("arm == @arm and tissue == @tissue")
        self._last = last_day(results).query("tissue == @tissue")
        self.turned = self._rows.groupby("replicate")[[f"new_{name}" for name in self.causes]].sum()
        self.turned.columns = pd.Index(self.causes)

    def share(self, cause: str) -> dict[str, Any]:
        """Of the cells that turned, and of those that stand."""
        causes, last = cause.split(JOINED), self._last[self._last["arm"] == self.arm]
        cells, whole = self._cells(causes), self.turned.sum(axis=1).to_numpy(np.float64)
        row = {"tissue": self.tissue, "cause": cause, "day": last["day"].max(), "n": len(cells), "pairs": 0}
        row |= self._ratio(
            "share", lambda kept: 100.0 * over(float(cells[kept].sum()), float(whole[kept].sum())), len(cells)
        )
        shared = [name for name in causes if f"by_{name}" in self._rows]
        if shared == causes:
            for bin_, shares in {"standing": SHARES[:1], "past": SHARES[1:3]}.items():
                some = self._rows[[f"{share}{name}" for name in causes for share in shares]].to_numpy(np.float64)
                row[bin_] = 100.0 * over(float(some.sum()), float(whole.sum()))
        due = [f"due_to_{name}" for name in causes if f"due_to_{name}" in last]
        if len(due) == len(causes):
            row["present"] = 100.0 * over(float(last[due].sum().sum()), float(last["n_senescent"].sum()))
        return row

    def effect(self, cause: str, other: str) -> dict[str, Any]:
        """The fall in percent of the burden, and over the share."""
        wide = self._last.pivot(index="replicate", columns="arm", values="burden").reindex(columns=[self.arm, other])
        pairs = wide.dropna()
        with_it, without = pairs.to_numpy(np.float64).T
        turned = self.turned.loc[pairs.index]
        cells, whole = (
            self._cells(cause.split(JOINED))[self.turned.index.isin(pairs.index)],
            turned.sum(axis=1).to_numpy(),
        )

        def effect(kept: npt.NDArray[np.bool_]) -> float:
            burden = float(with_it[kept].sum())
            return 100.0 * float((with_it - without)[kept].sum()) / burden if burden > 0.0 else math.nan

        def amplification(kept: npt.NDArray[np.bool_]) -> float:
            return effect(kept) * float(whole[kept].sum()) / some if (some := 100.0 * cells[kept].sum()) else math.nan

        n = len(pairs)
        return self._ratio("effect", effect, n) | self._ratio("amplification", amplification, n)

    def _cells(self, causes: list[str]) -> Floats:
        return self.turned[[name for name in causes if name in self.turned]].sum(axis=1).to_numpy(np.float64)

    def _ratio(self, name: str, statistic: Any, n: int) -> dict[str, float]:
        value = statistic(np.ones(n, bool))
        half = t_of(self.level, n) * jackknife_error(statistic, n)
        return {name: value, f"{name}_low": value - half, f"{name}_high": value + half}


def _turned_here(results: Results) -> list[str]:
    """Causes that turn cells of the tissue: those that put senescent ones there left out."""
    trees = (results.scenario, *(results.scenario.get("arms") or {}).values())
    events = [each for tree in trees for each in ((tree or {}).get("events") or {}).items()]
    grafts = {name for name, event in events if event and event.get("kind", "graft") == "graft"}
    return [name for name in turning_causes(results) if name not in ("initial", *grafts)]
