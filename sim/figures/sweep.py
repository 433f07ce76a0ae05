"""Figures of sweeps: lines along one key, heat maps of two, a scatter for each of many, or point by point."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy import stats

from sim.analysis.outcomes import unit
from sim.analysis.paired import seen_in
from sim.analysis.sweep_table import Axis, point_in_words, sweep_table, varied_axes
from sim.figures.layout import (
    EDGE,
    LABEL_GAP,
    end_labels,
    fitted,
    page,
    place,
    plain,
    text_height,
    text_width,
    write,
)
from sim.figures.rows import finish
from sim.figures.style import MARKERS, SMALL, arm_colour, arm_dash, arm_marker, our_look, readable, save_each
from sim.figures.sweep_maps import caption_of, sweep_map, tipping_map
from sim.sweeps import SweepResults

Floats = npt.NDArray[np.float64]

SAMPLED = ("latin_hypercube", "sobol", "morris", "saltelli")
MOST_ROWS = 40  # points that are shown one by one
LEFT, BELOW, ABOVE = 0.65, 0.5, 0.15  # inch around a panel
WIDTH, HEIGHT, SMALLER = 3.0, 2.4, (1.9, 1.6)  # inch, of one panel and of many
MOST_TICKS = 8


def save_sweep_figures(results: SweepResults, folder: str | Path, outcomes: Sequence[str] = ("burden",)) -> list[Path]:
    """Write the figures of a sweep into `folder`, as PNG (150 dpi) and as SVG (text as text).

    By what the design varies: one key, lines; a grid of two, heat maps and, with replicates, a tipping map; samples or
    more keys, a scatter for each; otherwise point by point. Where there are several tissues, each has its files.

    Returns
    -------
    list of Path
        ``OUTCOME.png``, ``OUTCOME.svg``, ``tipping-OUTCOME.png`` ...

    Raises
    ------
    ResultsError
        If there is no such outcome.
    ResourceError
        If the folder cannot be written.
    """
    return save_each(_possible(results, outcomes), folder)


def _possible(results: SweepResults, outcomes: Sequence[str]) -> Iterator[tuple[str, Callable[[], Figure]]]:
    axes = varied_axes(results)
    method = results.manifest["method"]
    for outcome in outcomes:
        for tissue, table in sweep_table(results, outcome).groupby("tissue", sort=False):
            end = f"-{tissue}" if len(results.tissues) > 1 else ""
            if method == "grid" and len(axes) == 2:
                yield f"{outcome}{end}", lambda t=tissue, o=outcome: sweep_map(results, o, t)  # type: ignore[misc]
                if table["n"].max() > 1:
                    yield (f"tipping-{outcome}{end}",
                           lambda t=tissue, o=outcome: tipping_map(results, o, t))  # type: ignore[misc]  # fmt: skip
            else:
                draw = _kind(results, axes, method)
                yield f"{outcome}{end}", lambda t=tissue, o=outcome, d=draw: d(results, o, t)  # type: ignore[misc]


def _kind(results: SweepResults, axes: list[Axis], method: str) -> Callable[[SweepResults, str, str], Figure]:
    if method in SAMPLED or (method == "grid" and len(axes) > 2) or len(results.points) > MOST_ROWS:
        return sweep_scatter if axes else sweep_points
    return sweep_lines_figure if len(axes) == 1 else sweep_points


@our_look()
def sweep_lines_figure(results: SweepResults, outcome: str = "burden", tissue: str | None = None) -> Figure:
    """The outcome along the one key that varies: mean and 95 % t interval of the replicates, a line per arm."""
    tissue = seen_in(results, outcome, results.outcomes)[0][0] if tissue is None else tissue
    table, axis = sweep_table(results, outcome, tissue), varied_axes(results)[0]
    at = _at(results, axis)
    arms = [arm for arm in results.arms if (table["arm"] == arm).any()]
    names = {arm: fitted(arm, 1.5) for arm in arms}
    label = LABEL_GAP + max(text_width(name) for name in names.values())
    size = (WIDTH, max(HEIGHT, sum(text_height(name) + 0.01 for name in names.values())))
    caption = caption_of(results, table, tissue, outcome, "mean (line) and 95 % interval (band) of ")
    figure, foot = page(results, LEFT + WIDTH + label + EDGE, BELOW + size[1] + ABOVE, caption)
    axes = place(figure, LEFT, foot + BELOW, *size)
    ends = []
    for arm in arms:
        rows = table[table["arm"] == arm]
        rows = rows.assign(x=at[rows["point"].to_numpy()]).sort_values("x", kind="stable")
        colour, x, y = arm_colour(results, arm), rows["x"].to_numpy(), rows["mean"].to_numpy(np.float64)
        low, high = (rows[end].fillna(rows["mean"]).to_numpy(np.float64) for end in ("low", "high"))
        axes.fill_between(x, low, high, color=colour, alpha=0.18, lw=0, zorder=2)
        axes.plot(x, y, color=colour, ls=arm_dash(results, arm), lw=1.6, marker="o", ms=3.5, zorder=4, label=arm)
        ends.append((float(x[-1]), float(y[-1])))
    _outcome_limits(axes, table)
    plain(axes)
    _ticks(axes, results, axis, size[0])
    axes.set(xlabel=axis.label, ylabel=_label(results, outcome))
    inks = [readable(arm_colour(results, arm)) for arm in arms]
    end_labels(axes, size, ends, list(names.values()), inks, [arm_colour(results, arm) for arm in arms])
    return figure


@our_look()
def sweep_scatter(results: SweepResults, outcome: str = "burden", tissue: str | None = None) -> Figure:
    """The outcome against each key that varies: a point per design point and arm, and Spearman's rank correlation."""
    tissue = seen_in(results, outcome, results.outcomes)[0][0] if tissue is None else tissue
    table, keys = sweep_table(results, outcome, tissue), varied_axes(results)
    arms = [arm for arm in results.arms if (table["arm"] == arm).any()]
    columns = min(4, len(keys))
    lines = math.ceil(len(keys) / columns)
    labels = [fitted(axis.label, SMALLER[0] + 0.3) for axis in keys]
    below = 0.32 + max(text_height(label) for label in labels)
    above = ABOVE + len(arms) * text_height("0", SMALL)
    width, height = LEFT + SMALLER[0] + EDGE, below + SMALLER[1] + above
    caption = (caption_of(results, table, tissue, outcome, "a point for each design point and arm, mean of ")
               + " Above: Spearman's rank correlation across the design points.")  # fmt: skip
    figure, foot = page(results, max(4.0, columns * width), lines * height, caption)
    for i, axis in enumerate(keys):
        line, column = divmod(i, columns)
        left, bottom = column * width + LEFT, foot + (lines - 1 - line) * height + below
        axes, at = place(figure, left, bottom, *SMALLER), _at(results, axis)
        y = bottom + SMALLER[1] + 0.06
        for arm in reversed(arms):
            rows, colour, marker = table[table["arm"] == arm], arm_colour(results, arm), arm_marker(results, arm)
            x = at[rows["point"].to_numpy()]
            axes.plot(x, rows["mean"], ls="", marker=marker, ms=2.6, mew=0, color=colour, alpha=0.6, label=arm)
            words = f"{MARKERS[marker]}{_shortened(arm, 1.3)} {_rank_correlation(axis, rows)}"
            write(figure, left, y, words, size=SMALL, color=readable(colour))
            y += text_height("0", SMALL)
        _outcome_limits(axes, table)
        plain(axes)
        _ticks(axes, results, axis, SMALLER[0])
        axes.set(xlabel=labels[i], ylabel=fitted(_label(results, outcome), SMALLER[1]) if column == 0 else "")
    return figure


@our_look()
def sweep_points(results: SweepResults, outcome: str = "burden", tissue: str | None = None) -> Figure:
    """The outcome point by point: mean and 95 % t interval of the replicates, a mark per arm."""
    tissue = seen_in(results, outcome, results.outcomes)[0][0] if tissue is None else tissue
    table = sweep_table(results, outcome, tissue)
    shown = list(dict.fromkeys(table["point"]))[:MOST_ROWS]
    arms = [arm for arm in results.arms if (table["arm"] == arm).any()]
    names = [fitted(point_in_words(results, point), 3.0, SMALL) for point in shown]
    row = max(0.11 * (len(arms) + 1), *(text_height(name, SMALL) + 0.05 for name in names))
    left = EDGE + max(text_width(name, SMALL) for name in names) + 0.1
    top = len(arms) * text_height("0", SMALL) + 0.1
    more = f" The first {MOST_ROWS} points." if len(shown) < table["point"].nunique() else ""
    caption = caption_of(results, table, tissue, outcome, "mean and 95 % interval of ") + more
    figure, foot = page(results, left + WIDTH + 2 * EDGE, BELOW + row * len(shown) + top, caption)
    size = (WIDTH, row * len(shown))
    axes = place(figure, left, foot + BELOW, *size)
    for i, name in enumerate(names):
        write(figure, left - 0.08, foot + BELOW + size[1] - (i + 0.5) * row, name, ha="right", va="center", size=SMALL)
    for k, arm in enumerate(arms):
        rows, colour = table[(table["arm"] == arm) & table["point"].isin(shown)], arm_colour(results, arm)
        y = np.array([shown.index(point) for point in rows["point"]]) + (k + 1) / (len(arms) + 1) - 0.5
        axes.hlines(y, rows["low"], rows["high"], color=colour, lw=1.4, zorder=3)
        marker = arm_marker(results, arm)
        axes.plot(rows["mean"], y, ls="", marker=marker, ms=4, mfc=colour, mec="white", mew=0.6, zorder=4, label=arm)
        place_y = foot + BELOW + size[1] + 0.06 + (len(arms) - 1 - k) * text_height("0", SMALL)
        write(figure, left, place_y, MARKERS[marker] + arm, size=SMALL, color=readable(colour))
    finish(axes)
    axes.set(ylim=(len(shown) - 0.5, -0.5), xlabel=_label(results, outcome))
    axes.hlines(np.arange(len(shown) - 1) + 0.5, 0.0, 1.0, color="#EDEDED", lw=0.6, zorder=0,
                transform=axes.get_yaxis_transform())  # fmt: skip
    return figure


# ------------------------------------------------------------------------------------------------ axes and words


def _at(results: SweepResults, axis: Axis) -> Floats:
    """Where each point stands along an axis, by its number: the value, its logarithm, or the rank of a word."""
    places = axis.codes.astype(np.float64) if axis.numbers is None else axis.numbers
    places = np.log10(places) if axis.is_log else places
    found = np.full(int(results.points["point"].max()) + 1, math.nan)
    found[results.points["point"].to_numpy()] = places
    return found


def _ticks(axes: Axes, results: SweepResults, axis: Axis, width: float) -> None:
    """The levels where there are few; round values otherwise."""
    at = _at(results, axis)
    at = at[~np.isnan(at)]
    room = 0.05 * float(np.ptp(at))
    axes.set_xlim(float(at.min()) - room, float(at.max()) + room)
    levels = np.unique(at)
    if levels.size <= MOST_TICKS:
        texts = axis.levels
    elif axis.is_log:
        decades = range(math.floor(levels[0]), math.ceil(levels[-1]) + 1)
        steps = (1, 2, 5) if levels[-1] - levels[0] < 1.5 else (1,)
        values = np.array([m * 10.0**k for k in decades for m in steps])
        values = values[(np.log10(values) >= levels[0] - room) & (np.log10(values) <= levels[-1] + room)]
        levels, texts = np.log10(values), [f"{value:g}" for value in values]
    else:
        round_ones = MaxNLocator(max(2, int(width / 0.5)), steps=[1, 2, 2.5, 5, 10]).tick_values(levels[0], levels[-1])
        values = np.asarray(round_ones, np.float64)
        levels = values[(values >= levels[0] - room) & (values <= levels[-1] + room)]
        texts = [f"{value:g}" for value in levels]
    apart = _apart(levels, texts, width / (np.ptp(axes.get_xlim()) or 1.0))
    axes.set_xticks(levels[apart], [texts[i] for i in apart])


def _apart(places: Floats, texts: list[str], per_unit: float) -> list[int]:
    """Which labels to write so that none touches the one before."""
    kept, end = [], -math.inf
    for i, (at, text) in enumerate(zip(places * per_unit, texts, strict=True)):
        half = text_width(text, SMALL) / 2.0
        if at - half > end + 0.06:
            kept.append(i)
            end = at + half
    return kept


def _outcome_limits(axes: Axes, table: pd.DataFrame) -> None:
    """From 0, or the lowest end of an interval below it, to a little above the highest."""
    ends = table[["mean", "low", "high"]].to_numpy(np.float64)
    low, high = min(0.0, float(np.nanmin(ends))), float(np.nanmax(ends))
    axes.set_ylim(low, high + 0.06 * (high - low) if high > low else low + 1.0)


def _rank_correlation(axis: Axis, rows: pd.DataFrame) -> str:
    """Spearman's rank correlation of the key and the means of one arm; a dash where one of them is constant."""
    x = (axis.codes if axis.numbers is None else axis.numbers)[rows["point"].to_numpy()]
    y = rows["mean"].to_numpy(np.float64)
    if axis.numbers is None or len(x) < 3 or np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        return "\N{EN DASH}"
    return f"{stats.spearmanr(x, y).statistic:+.2f}".replace("-", "\N{MINUS SIGN}")


def _shortened(text: str, width: float) -> str:
    """`text` in one line of `width` inches."""
    while text_width(text, SMALL) > width:
        text = text.rstrip("\N{HORIZONTAL ELLIPSIS}")[:-1] + "\N{HORIZONTAL ELLIPSIS}"
    return text


def _label(results: SweepResults, outcome: str) -> str:
    if outcome == "burden":
        return "burden (% of resident cells senescent)"
    own = unit(outcome, results)
    return f"{outcome} ({own})" if own else outcome
