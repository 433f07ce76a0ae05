"""Burden over time: one line per arm, one panel per tissue."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.analysis.compare import one_of
from sim.figures.layout import EDGE, LABEL_GAP, end_labels, fitted, page, place, plain, several, text_width
from sim.figures.style import TEXT, arm_colour, arm_dash, our_look, readable
from sim.results import Results

FEW = 12  # replicates that can still be told apart as single lines
LEFT, BELOW = 0.6, 0.45  # inch for axis labels


@our_look()
def burden(results: Results, tissue: str | None = None) -> Figure:
    """Burden over time, with a panel for each tissue.

    The line is the median of the replicates, the band holds their central 80 %; up to 12 replicates are also shown one
    by one, as thin lines.

    Parameters
    ----------
    results : Results
        Tables of an experiment.
    tissue : str, optional
        This tissue only.

    Raises
    ------
    ResultsError
        If there is no such tissue.
    """
    tissues = results.tissues if tissue is None else [one_of(tissue, results.tissues, "burden: tissue")]
    above = 0.3 if len(results.tissues) > 1 else 0.1  # inch for the title
    names = {arm: fitted(arm, 1.5) for arm in results.arms}
    label = LABEL_GAP + max(text_width(name) for name in names.values())
    width = max(4.0, LEFT + 2.5 + label + EDGE)
    height = max(3.0, BELOW + above + 0.155 * sum(name.count("\n") + 1 for name in names.values()))
    columns = min(3, len(tissues))
    rows = math.ceil(len(tissues) / columns)
    runs = {key: table for key, table in results.timeseries.groupby(["arm", "tissue"], sort=False)}
    figure, foot = page(results, columns * width, rows * height, _caption(results, tissues))
    for i, each in enumerate(tissues):
        row, column = divmod(i, columns)
        size = (width - LEFT - label - EDGE, height - BELOW - above)
        axes = place(figure, column * width + LEFT, foot + (rows - 1 - row) * height + BELOW, *size)
        lines = {arm: _wide(runs[arm, each]) for arm in results.arms if (arm, each) in runs}
        _draw(axes, results, lines)
        ends = [(float(line.index[-1]), float(line.iloc[-1].median())) for line in lines.values()]
        colours = [arm_colour(results, arm) for arm in lines]
        end_labels(axes, size, ends, [names[arm] for arm in lines], [readable(c) for c in colours], colours)
        axes.set_title(each if len(results.tissues) > 1 else "", loc="left", weight="bold", size=TEXT)
    return figure


def _wide(table: pd.DataFrame) -> pd.DataFrame:
    """Burden by day (rows) and replicate (columns)."""
    return table.pivot(index="day", columns="replicate", values="burden").sort_index()


def _draw(axes: Axes, results: Results, lines: dict[str, pd.DataFrame]) -> None:
    for arm, wide in lines.items():
        colour, days = arm_colour(results, arm), wide.index.to_numpy(np.float64)
        if wide.shape[1] > 1:
            low, high = wide.quantile(0.1, axis=1), wide.quantile(0.9, axis=1)
            axes.fill_between(days, low, high, color=colour, alpha=0.18, lw=0, zorder=2)
        if 1 < wide.shape[1] <= FEW:
            axes.plot(days, wide.to_numpy(), color=colour, lw=0.4, alpha=0.45, zorder=3)
        axes.plot(
            days, wide.median(axis=1), color=colour, ls=arm_dash(results, arm), lw=1.6, zorder=4, label=arm,
            marker="o" if len(days) == 1 else "", solid_capstyle="butt",
        )  # fmt: skip
    first = min((float(wide.index[0]) for wide in lines.values()), default=0.0)
    last = max((float(wide.index[-1]) for wide in lines.values()), default=0.0)
    most = max((float(np.nanmax(wide.to_numpy(np.float64))) for wide in lines.values()), default=0.0)
    axes.set_xlim(first, last if last > first else first + 1.0)
    axes.set_ylim(0.0, 1.06 * most if most > 0.0 else 1.0)
    axes.set(xlabel="day", ylabel="burden (% of resident cells senescent)")
    plain(axes)


def _caption(results: Results, tissues: list[str]) -> str:
    shown = results.timeseries[results.timeseries["tissue"].isin(tissues)]
    counts = [int(n) for n in shown.groupby("arm", sort=False)["replicate"].nunique()] or [0]
    where = f", {tissues[0]}" if len(tissues) < len(results.tissues) else ""
    if max(counts) <= 1:
        return f"{results.manifest['scenario']}{where}: burden, {several(counts, 'replicate')}."
    thin = "; thin lines: single replicates" if max(counts) <= FEW else ""
    return (
        f"{results.manifest['scenario']}{where}: burden, median (line) and central 80 % (band) of "
        f"{several(counts, 'replicate')} per arm{thin}."
    )
