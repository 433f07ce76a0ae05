"""Share is not effect: what a cause turned, beside what its absence does to the burden."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sim.analysis.causes import turning_causes
from sim.analysis.paired import effects, last_day
from sim.analysis.reproduction import attributed_causes, over
from sim.errors import ResultsError
from sim.results import Results

COLUMNS = [
    "tissue", "cause", "n", "pairs", "share", "standing", "past", "burden", "burden_without",
    "fall", "fall_low", "fall_high",
]  # fmt: skip


def share_and_effect(results: Results, arm: str, without: Mapping[str, str], level: float = 0.95) -> pd.DataFrame:
    """What each cause turned, and what happens to the burden when it alone is switched off.

    Parameters
    ----------
    results : Results
        Tables of an experiment with attribution that holds `arm`, and arms that lack one cause each.
    arm : str
        The arm whose cells are shared out.
    without : mapping
        Cause to the arm in which it is switched off.
    level : float
        Confidence of the intervals.

    Returns
    -------
    DataFrame
        One row per tissue and cause that turned cells or was switched off: ``tissue cause n`` (replicates of the arm);
        ``pairs`` (of them with a finished run without the cause, which the burdens and the fall are of; 0 where it
        was not
        switched off); ``share``
        of the cells that turned in the run [%], without those that were there at the start or grafted; of it
        ``standing`` and ``past`` [points], by senders that stood and by senders that were gone (NaN for causes without
        senders); ``burden burden_without``, means on the last day [%]; ``fall fall_low fall_high``, their paired
        difference [points] with its t interval (NaN where the cause was not switched off). Sums over replicates.

    Raises
    ------
    ResultsError
        If no run has finished, or nothing was attributed.
    """
    if results.timeseries.empty:
        raise ResultsError("attribute: results: must hold a finished run, got none")
    shared = attributed_causes(results)
    pairs = effects(results, last_day(results), ["burden"], arm, level).set_index(["tissue", "arm"])
    rows = []
    for tissue in results.tissues:
        mine = results.timeseries.query("arm == @arm and tissue == @tissue")
        cells = {name: float(mine[f"new_{name}"].sum()) for name in _turned_here(results)}
        whole = sum(cells.values())
        for cause in (name for name, count in cells.items() if count or name in without):
            row = {"tissue": tissue, "cause": cause, "n": mine["replicate"].nunique(), "pairs": 0}
            row["share"] = 100.0 * over(cells[cause], whole)
            if cause in shared:
                gone = mine[[f"past_{cause}", f"initial_{cause}"]].sum().sum()
                row["standing"] = 100.0 * over(float(mine[f"by_{cause}"].sum()), whole)
                row["past"] = 100.0 * over(float(gone), whole)
            if cause in without:
                pair = pairs.loc[(tissue, without[cause])]
                row["pairs"] = int(pair["n"])
                row |= {"burden": pair["baseline_mean"], "burden_without": pair["mean"], "fall": -pair["difference"]}
                row |= {"fall_low": -pair["difference_high"], "fall_high": -pair["difference_low"]}
            rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS)


def _turned_here(results: Results) -> list[str]:
    """Causes that turn cells of the tissue: those that put senescent ones there left out."""
    trees = (results.scenario, *(results.scenario.get("arms") or {}).values())
    events = [each for tree in trees for each in ((tree or {}).get("events") or {}).items()]
    grafts = {name for name, event in events if event and event.get("kind", "graft") == "graft"}
    return [name for name in turning_causes(results) if name not in ("initial", *grafts)]
