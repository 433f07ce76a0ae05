"""What is measured on mice of several tissues: grafts, what they do near and far, and what helps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from measures import Measure, Measured, bootstrapped, mean
from scipy import ndimage, stats

from sim.results import Results

Floats = npt.NDArray[np.float64]

RING = 150.0  # um beside a graft


def host_burden(results: Results, arm: str, tissue: str, day: float | None = None) -> Floats:
    """Senescent share of the cells that were not grafted [%], by replicate, on a day (none: the last one)."""
    rows = results.timeseries
    day = float(rows["day"].max()) if day is None else day
    rows = rows[(rows["arm"] == arm) & (rows["tissue"] == tissue) & (rows["day"] == day)].sort_values("replicate")
    grafted = rows.get("due_to_graft", pd.Series(0, index=rows.index)).fillna(0)
    hosts = rows["n_healthy"] + rows["n_senescent"] - grafted
    return (100.0 * (rows["n_senescent"] - grafted) / hosts).to_numpy(np.float64)


def excess(arm: str, baseline: str, tissue: str, day: float | None = None) -> Measure:
    """By how many points the burden of host cells is above that of the baseline."""
    return lambda r: mean(host_burden(r, arm, tissue, day) - host_burden(r, baseline, tissue, day))


def nearer(arm: str, baseline: str, near: str, far: Sequence[str]) -> Measure:
    """By how many points the excess near the graft is above the mean of that in the organs `far` from it."""

    def measure(results: Results) -> Measured:
        here, *there = (host_burden(results, arm, name) - host_burden(results, baseline, name) for name in (near, *far))
        return mean(here - np.mean(there, axis=0))

    return measure


def above(arm: str, other: str, tissues: Sequence[str]) -> Measure:
    """By how many points the mean burden of host cells in `tissues` is above that of another arm."""

    def measure(results: Results) -> Measured:
        apart = [host_burden(results, arm, name) - host_burden(results, other, name) for name in tissues]
        return mean(np.mean(apart, axis=0))

    return measure


def graft_left(arm: str, day: float) -> Measure:
    """Share of the grafted cells that is still there [%]."""

    def measure(results: Results) -> Measured:
        rows = results.timeseries[results.timeseries["arm"] == arm]
        rows = rows.groupby(["day", "replicate"])["due_to_graft"].sum().unstack()
        return mean((100.0 * rows.loc[day] / rows.loc[0.0]).to_numpy(np.float64))

    return measure


def trend(arms: Sequence[str], tissue: str) -> Measure:
    """P-value of Page's rank test: the burden of host cells rises from arm to arm, with mice as blocks."""

    def measure(results: Results) -> Measured:
        table = np.column_stack([host_burden(results, arm, tissue) for arm in arms])
        return Measured(float(stats.page_trend_test(table).pvalue), 0.0, len(table))

    return measure


def older_needs_fewer(old: tuple[str, str], young: tuple[str, str], tissue: str) -> Measure:
    """Excess of a dose in old hosts less that of a larger one in young hosts, each against its own baseline."""

    def measure(results: Results) -> Measured:
        there, here = (
            host_burden(results, arm, tissue) - host_burden(results, none, tissue) for arm, none in (old, young)
        )
        return mean(there - here)

    return measure


def beside_the_graft(arm: str, without: str, old: str) -> Measure:
    """What a graft adds to the burden of the host cells within `RING` of it, over the burden of old wild types."""

    def measure(results: Results) -> Measured:
        rows = []
        for arm_, replicate, tissue in results.map_keys:
            if arm_ == arm:
                here, there = (results.maps(each, replicate, tissue) for each in (arm, without))
                grafted = here["cause"][0] != there["cause"][0]  # on day 0 the arms differ by the graft alone
                ring = (ndimage.distance_transform_edt(~grafted) * here["spacing"] <= RING) & ~grafted
                near, control = (_burden(each["state"][-1][ring]) for each in (here, there))
                rows.append((near - control, _burden(results.maps(old, replicate, tissue)["state"][-1])))
        return bootstrapped(lambda added, aged: float(added.mean() / aged.mean()), *np.array(rows).T)

    return measure


def _burden(state: npt.NDArray[np.uint8]) -> float:
    """Senescent share of the residents [%]."""
    return 100.0 * float(np.mean(state[state <= 1] == 1))
