"""What tells the channels of spread apart: broad SASP against affinity-targeted drift, by what can be observed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.analysis.bootstrap import bootstrap_interval
from sim.analysis.channel_maps import (
    BLOCKS,
    Channels,
    Map,
    channels_of,
    induced_causes,
    kept_days,
    maps_of,
    tissue_ground,
)
from sim.analysis.sections import Ground, measured
from sim.errors import ResultsError
from sim.results import Results

Floats = npt.NDArray[np.float64]

FALL = "fall_{}_blocked"
OBSERVABLES = {  # name: words, unit
    "induced": ("cells turned by a channel", "cells"),
    "range": ("half of them within, from the edge of the lesion", "um"),
    "front": ("90 % of them within", "um"),
    "selectivity": ("odds, targeted over spared types", ""),
    "lag_10": ("10 % of them turned by", "d"),
    "lag_50": ("50 % of them turned by", "d"),
    "clustering": ("neighbours both turned, over chance", ""),
    **{FALL.format(block): (f"fewer with {block} of vesicles blocked", "%") for block in BLOCKS.values()},
    "transfer": ("turned in distant tissue, per 100 near", "cells"),
}
RATIOS = ("selectivity", "clustering")  # averaged as logarithms
LAGS = {"lag_10": 0.1, "lag_50": 0.5}  # shares of what has turned by the last day


def channels(results: Results, level: float = 0.95) -> pd.DataFrame:
    r"""Observable differences between channels of spread around a lesion.

    Cells count as turned by a channel where their cause is a factor, by its level (SASP) or by its cargo (drift);
    distances are from the edge of the lesion, whose own cells are left out.

    Parameters
    ----------
    results : Results
        Arms of two channels or more (neither, sasp, drift, both: by what can turn a cell in them), a graft of senescent
        cells on a lattice, and maps of ``state`` and ``cause``, and of ``type`` for the selectivity. Arms that are like
        one of these but for a drug that blocks release or uptake of vesicles tell the response to it.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        ``channel arm observable unit n mean low high``; a row per channel and entry of `OBSERVABLES`. ``n`` replicates
        have a value (no cell, no distance); intervals by bootstrap over these; ratios are geometric means. ``lag``:
        first recorded day on which that share of what has turned by the last day is reached. Response to blocking:
        100 (1 - blocked / not blocked), in pairs of replicates that share their luck. Transfer: cells turned in all
        other tissues, over those near the lesion.

    Raises
    ------
    ResultsError
        If arms, lesion or maps are missing.

    Notes
    -----
    Selectivity and clustering are corrected for distance, see `sim.analysis.sections.measured`.
    """
    found = channels_of(results)
    values = _values(results, found)
    rows = []
    for name, arm in found.arms.items():
        mine = values[values["channel"] == name]
        for observable, (_, unit) in OBSERVABLES.items():
            x = mine[observable].dropna().to_numpy(np.float64) if observable in mine else np.empty(0)
            mean, low, high = _summary(x, level, observable in RATIOS)
            rows.append({"channel": name, "arm": arm, "observable": observable, "unit": unit, "n": x.size,
                         "mean": mean, "low": low, "high": high})  # fmt: skip
    return pd.DataFrame(rows)


def channel_values(results: Results) -> pd.DataFrame:
    """The observables of every replicate, ``channel arm replicate`` and a column each; ratios as logarithms.

    What `channels` takes the means of; raises as it does.
    """
    return _values(results, channels_of(results))


def _values(results: Results, found: Channels) -> pd.DataFrame:
    counts = _turned(results, found)
    maps = pd.DataFrame(_of_maps(results, found))
    table = []
    for name, arm in found.arms.items():
        near = counts.loc[(arm, found.tissue)]
        rows = pd.DataFrame({"channel": name, "arm": arm, "induced": near.groupby("replicate")["turned"].last()})
        for lag, share in LAGS.items():
            rows[lag] = near.groupby("replicate").apply(_first_day, share)
        for block in BLOCKS.values():
            treated = found.blocked.get((name, block))
            if treated is not None:
                left = counts.loc[(treated, found.tissue)].groupby("replicate")["turned"].last()
                rows[FALL.format(block)] = _percent_below(left, rows["induced"])
        if found.distant:
            far = sum(counts.loc[(arm, each)].groupby("replicate")["turned"].last() for each in found.distant)
            rows["transfer"] = 100.0 * far / rows["induced"].where(rows["induced"] > 0)
        mine = maps[maps["arm"] == arm].set_index("replicate").drop(columns="arm")
        table.append(rows.join(mine).reset_index())
    return pd.concat(table, ignore_index=True)


def _turned(results: Results, found: Channels) -> pd.DataFrame:
    """Cells turned by factors so far: ``replicate day turned`` by arm and tissue, in the order of days."""
    names = [f"cum_{each}" for each in induced_causes(found.scenario.common)]
    columns = [each for each in names if each in results.timeseries]
    rows = results.timeseries.sort_values("day", kind="stable")
    table = rows[["arm", "tissue", "replicate", "day"]].assign(turned=rows[columns].sum(axis=1))
    return table.set_index(["arm", "tissue"]).sort_index(kind="stable")


def _first_day(course: pd.DataFrame, share: float) -> float:
    """First recorded day on which this share of the last count is reached; NaN where nothing has turned."""
    last = course["turned"].iloc[-1]
    reached = course["turned"] >= share * last
    return float(course.loc[reached, "day"].iloc[0]) if last > 0 else math.nan


def _percent_below(left: pd.Series, without: pd.Series) -> pd.Series:
    return 100.0 * (1.0 - left / without.where(without > 0))


def _of_maps(results: Results, found: Channels) -> Iterator[dict[str, float | str]]:
    """Range, front, selectivity and clustering of the cells that a channel turned, on the last day with maps."""
    last = max(kept_days(results, found.tissue))
    ground, sites = tissue_ground(results, found.scenario, found.tissue, found.ruler)
    arms = list(found.arms.values())
    for each in maps_of(results, found.scenario, found.tissue, found.ruler, sites, arms, [last]):
        if each.induced is None:
            raise ResultsError("channels: maps: must be kept of cause, got none")
        yield {"arm": each.arm, "replicate": each.replicate, **_of_map(each, ground)}


def _of_map(each: Map, ground: Ground) -> dict[str, float]:
    assert each.induced is not None
    distance = ground.distance[each.induced & (ground.ring >= 0)]
    if not len(distance):
        return dict.fromkeys(("range", "front", "selectivity", "clustering"), math.nan)
    there = each.there & (~each.senescent | each.induced)  # cells that a channel could turn, or has
    found = measured(ground, there, each.induced, each.role)
    return {
        "range": float(np.median(distance)),
        "front": float(np.quantile(distance, 0.9)),
        "selectivity": found.get("selectivity", math.nan),
        "clustering": found["joins"],
    }


def _summary(x: Floats, level: float, ratio: bool) -> tuple[float, float, float]:
    if not x.size:
        return math.nan, math.nan, math.nan
    numbers: Sequence[float] = (float(x.mean()), *bootstrap_interval(x, level))
    mean, low, high = (math.exp(each) for each in numbers) if ratio else numbers
    return mean, low, high
