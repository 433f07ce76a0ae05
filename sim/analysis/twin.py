"""Space beside its mean field: where the two agree, arm by arm and tissue by tissue."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from sim.analysis.headline import aligned
from sim.analysis.paired import t_interval
from sim.errors import ResultsError
from sim.results import Results

SHARES_OF_RUN = (0.25, 0.5, 0.75, 1.0)  # days of the table where none are asked for


@dataclass(frozen=True)
class Pair:
    """The same scenario in space and well mixed; replicate i of both is the same mouse, with the same noise.

    Attributes
    ----------
    space, mean_field : Results
        Tables of both.
    """

    space: Results
    mean_field: Results

    def table(self, days: Sequence[float] | None = None, level: float = 0.95) -> pd.DataFrame:
        """Burden in space and in the mean field.

        Parameters
        ----------
        days : sequence of float, optional
            Recorded days; the nearest are taken. If not given: after each quarter of the run.
        level : float
            Confidence of the t intervals.

        Returns
        -------
        DataFrame
            One row per arm, tissue and day: ``arm tissue day``; ``n space space_low space_high`` and ``n_mean_field
            mean_field mean_field_low mean_field_high``: mean burden [%] of those alive; ``pairs difference
            difference_low difference_high``: space above the mean field [%], of mice alive in both; and ``agree``:
            whether the interval of the difference holds 0 (of a single pair, nothing is known: False).
        """
        wanted = self._days(days)
        sides = [_by_mouse(each, wanted) for each in (self.space, self.mean_field)]
        rows = []
        for key in sides[0]:
            cells, mice = sides[0][key], sides[1].get(key, pd.Series(dtype=float))
            apart = (cells - mice).dropna().to_numpy(np.float64)
            rows.append(
                dict(zip(("arm", "tissue", "day"), key, strict=True))
                | _mean("space", "n", cells, level)
                | _mean("mean_field", "n_mean_field", mice, level)
                | _mean("difference", "pairs", pd.Series(apart), level)
            )
        table = pd.DataFrame(rows)
        same = (table["difference_low"] <= 0.0) & (table["difference_high"] >= 0.0)
        return table.assign(agree=same | (table["difference"] == 0.0))

    def lines(self) -> Iterator[str]:
        """The table in words, and a verdict."""
        table = self.table()
        last = table["day"].max()
        for tissue, here in table.groupby("tissue", sort=False):
            where = f" in {tissue}" if len(self.space.tissues) > 1 else ""
            out = [[f"burden{where} (%)", "day", "space", "", "mean field", "", "difference, paired", "", ""]]
            for row in here.itertuples():
                out.append([f"  {row.arm}", f"{row.day:g}"] + [
                    cell for name in ("space", "mean_field", "difference") for cell in _cells(row, name)
                ] + ["agree" if row.agree else "differ"])  # fmt: skip
            yield from aligned(out)
        ends = table[table["day"] == last]
        apart = ends[~ends["agree"]]
        pairs = int(ends["pairs"].max()) if len(ends) else 0
        yield ""
        if apart.empty:
            yield f"On day {last:g} space and mean field agree within the 95 % intervals of {pairs} pairs of mice."
        for row in apart.itertuples():
            way = "above" if row.difference > 0 else "below"
            where = f" in {row.tissue}" if len(self.space.tissues) > 1 else ""
            yield (
                f"On day {last:g} {row.arm}{where} is {abs(row.difference):.2g} % of its cells {way} the mean field "
                f"{_interval(row.difference_low, row.difference_high)}: space matters there."
            )

    def plot(self) -> Any:
        """Both over time, as a Matplotlib figure."""
        return import_module("sim.figures.twin").twin(self)  # by name: figures stand above tables

    def _days(self, days: Sequence[float] | None) -> list[float]:
        """Recorded days nearest to those asked for."""
        known = np.unique(self.space.timeseries["day"].to_numpy(np.float64))
        if days is not None and not len(days):
            raise ResultsError("twin: days: must be at least one, got none")
        wanted = known[-1] * np.array(SHARES_OF_RUN) if days is None else np.asarray(days, np.float64)
        return sorted({float(known[np.abs(known - day).argmin()]) for day in wanted.tolist()})


def _by_mouse(results: Results, days: list[float]) -> dict[tuple[str, str, float], pd.Series]:
    """Burdens by mouse, of each arm, tissue and day."""
    rows = results.timeseries[results.timeseries["day"].isin(days)].set_index("replicate")
    groups = rows.groupby(["arm", "tissue", "day"], sort=False)["burden"]
    found = {(str(arm), str(tissue), float(day)): group for (arm, tissue, day), group in groups}
    order = [(arm, tissue, day) for tissue in results.tissues for arm in results.arms for day in days]
    return {key: found[key] for key in order if key in found}


def _mean(name: str, count: str, burdens: pd.Series, level: float) -> dict[str, float]:
    x = burdens.to_numpy(np.float64)
    low, high = t_interval(x, level)
    return {count: x.size, name: float(x.mean()) if x.size else math.nan, f"{name}_low": low, f"{name}_high": high}


def _cells(row: Any, name: str) -> list[str]:
    """A mean and its interval."""
    mean = getattr(row, name)
    words = f"{mean:+.2f}" if name == "difference" else f"{mean:.2f}"
    return [words, _interval(getattr(row, f"{name}_low"), getattr(row, f"{name}_high"))]


def _interval(low: float, high: float) -> str:
    return f"({low:.2f}, {high:.2f})" if math.isfinite(low) else ""
