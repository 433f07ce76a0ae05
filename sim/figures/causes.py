"""What turned cells senescent: cumulative counts by cause, one panel per arm."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.analysis.causes import turning_causes
from sim.analysis.paired import chosen_tissue
from sim.figures.curves import first_and_last
from sim.figures.doses import Calendar
from sim.figures.layout import EDGE, LABEL_GAP, end_labels, fitted, page, place, plain, several, text_height, text_width
from sim.figures.style import FAINT, INK, TEXT, arm_colour, cause_colours, our_look, readable
from sim.results import Results

LEFT, BELOW = 0.75, 0.45  # inch for axis labels
NEW = "new senescent cells since day 0"


@our_look()
def causes(results: Results, tissue: str | None = None) -> Figure:
    """New senescent cells since day 0 by cause, with a panel for each arm.

    Areas are stacked means over the replicates: the upper edge is the number of all cells that have turned. All
    panels have the same axes. Ticks above are doses.

    Parameters
    ----------
    results : Results
        Tables of an experiment.
    tissue : str, optional
        The first one if not given.

    Raises
    ------
    ResultsError
        If there is no such tissue.
    """
    tissue = chosen_tissue(results, tissue, "causes")
    table = results.timeseries[results.timeseries["tissue"] == tissue]
    names = _in_order(table, results)
    means = {arm: _mean(table[table["arm"] == arm], names) for arm in results.arms}
    means = {arm: mean for arm, mean in means.items() if len(mean)}
    labels = {name: fitted(name, 1.4) for name in names}
    label = LABEL_GAP + max((text_width(text) for text in labels.values()), default=0.0)
    width = max(4.0, LEFT + 2.4 + label + EDGE)
    titles = {arm: fitted(arm, width - LEFT - 2 * EDGE, TEXT, "bold") for arm in means}
    above = 0.15 + max((text_height(title) for title in titles.values()), default=0.0)
    calendars = {arm: Calendar(results, [arm]) for arm in means}
    over = max((calendar.height for calendar in calendars.values()), default=0.0)
    height = 2.75 + above + over
    columns = min(3 if len(means) != 4 else 2, max(1, len(means)))
    rows = max(1, math.ceil(len(means) / columns))
    caption = _caption(results, tissue, table) + Calendar(results, list(means)).in_words()
    figure, foot = page(results, columns * width, rows * height, caption)
    size = (width - LEFT - label - EDGE, height - BELOW - above - over)
    limits = _limits(means)
    words = "senescent cells that turned, and those there at the start" if "initial" in names else NEW
    label_y = fitted(words, size[1])
    for i, (arm, mean) in enumerate(means.items()):
        row, column = divmod(i, columns)
        left, bottom = column * width + LEFT, foot + (rows - 1 - row) * height + BELOW
        axes = place(figure, left, bottom, *size)
        axes.set(xlim=limits[0], ylim=limits[1], xlabel="day", ylabel=label_y)
        _stack(axes, mean, cause_colours(names, results.manifest["factors"]), labels, size)
        calendars[arm].draw(figure, axes, left, bottom + size[1], size[0])
        ink = readable(arm_colour(results, arm))
        axes.set_title(titles[arm], loc="left", weight="bold", size=TEXT, color=ink, pad=6.0 + 72.0 * over)
    return figure


def _in_order(table: pd.DataFrame, results: Results) -> list[str]:
    """Causes that happened in some arm, from the bottom of the stack: put there, by themselves, induced."""
    found = [name for name in turning_causes(results) if table[f"cum_{name}"].any()]
    induced = ["contact", *(f"{f}{end}" for f in results.manifest["factors"] for end in ("", "_level", "_cargo"))]
    by_itself = ["damage", "replicative"]
    rank = {name: 2 + i for i, name in enumerate([*by_itself, *induced])} | {"initial": 0}
    return sorted(found, key=lambda name: rank.get(name, 1))


def _mean(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Mean count by day (rows) and cause (columns)."""
    means = table.groupby("day")[[f"cum_{name}" for name in names]].mean()
    return means.set_axis(names, axis=1)


def _limits(means: dict[str, pd.DataFrame]) -> tuple[tuple[float, float], tuple[float, float]]:
    most = max((float(mean.sum(axis=1).max()) for mean in means.values()), default=0.0)
    return first_and_last(means.values()), (0.0, 1.06 * most if most > 0.0 else 1.0)


def _stack(
    axes: Axes, mean: pd.DataFrame, colours: dict[str, str], labels: dict[str, str], size: tuple[float, float]
) -> None:
    days = mean.index.to_numpy(np.float64)
    if len(days) == 1:  # a column, not an area without width
        days, mean = np.array([days[0], axes.get_xlim()[1]]), pd.concat([mean, mean])
    edges = np.concatenate([np.zeros((1, len(mean))), np.cumsum(mean.to_numpy(np.float64).T, axis=0)])
    for name, below, above in zip(mean.columns, edges, edges[1:], strict=False):
        axes.fill_between(days, below, above, color=colours[name], ec="white", lw=0.4, label=name)
    axes.plot(days, edges[-1], color=INK, lw=0.8)
    middle = (edges[:-1, -1] + edges[1:, -1]) / 2.0
    shown = [i for i, name in enumerate(mean.columns) if mean[name].iloc[-1] > 0]
    ends = [(float(days[-1]), float(middle[i])) for i in shown]
    texts = [labels[str(mean.columns[i])] for i in shown]
    end_labels(axes, size, ends, texts, [INK] * len(shown), [FAINT] * len(shown))
    plain(axes)


def _caption(results: Results, tissue: str, table: pd.DataFrame) -> str:
    counts = [int(n) for n in table.groupby("arm", sort=False)["replicate"].nunique()] or [0]
    where = f", {tissue}" if len(results.tissues) > 1 else ""
    mean = "mean of " if max(counts) > 1 else ""
    return (
        f"{results.manifest['scenario']}{where}: cells that have turned senescent, by cause, stacked; {mean}"
        f"{several(counts, 'replicate')} per arm. Cells removed since are still counted."
    )
