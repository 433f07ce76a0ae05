"""A sweep of two keys as heat maps: the outcome of each arm, what the arm changes, and where replicates part."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure

from sim.analysis.outcomes import unit
from sim.analysis.paired import baseline_words, baselines, seen_in
from sim.analysis.sweep_table import Axis, sweep_table, varied_axes
from sim.figures.layers import bar_width, colour_bar
from sim.figures.layout import EDGE, fitted, page, place, several, text_height, text_width
from sim.figures.style import (
    FAINT,
    INK,
    SMALL,
    TEXT,
    Picture,
    arm_colour,
    diverging,
    our_look,
    readable,
    sequential,
)
from sim.sweeps import SweepResults

Floats = npt.NDArray[np.float64]

LOWER, HIGHER = "#0072B2", "#D55E00"
SIDE, LEAST = 1.7, 1.0  # inch: the longer and the least side of a map
GAP = 0.2


class _Block(NamedTuple):
    """One row of maps: a quantity of every arm."""

    label: str
    maps: dict[str, Floats]  # arm to (rows, columns); NaN where no run has finished
    dots: dict[str, npt.NDArray[np.bool_]]
    colours: Colormap
    norm: Normalize


@our_look()
def sweep_map(results: SweepResults, outcome: str = "burden", tissue: str | None = None) -> Figure:
    """The mean of the outcome over a grid of two keys, per arm, and its paired difference from the first arm.

    A dot marks a difference whose 95 % t interval excludes 0. Cells without a finished run are hatched.
    """
    tissue = seen_in(results, outcome, results.outcomes)[0][0] if tissue is None else tissue
    table, keys = sweep_table(results, outcome, tissue), varied_axes(results)
    arms = [arm for arm in results.arms if (table["arm"] == arm).any()]
    means = {arm: _on_grid(table, arm, "mean", keys) for arm in arms}
    words = f"{outcome}{f' ({unit(outcome, results)})' if unit(outcome, results) else ''}"
    blocks = [_Block(words, means, {}, sequential(0), _range(means))]
    base = baseline_words(results)
    others = [arm for arm in arms if arm in baselines(results) and table.loc[table["arm"] == arm, "pairs"].any()]
    if others:
        apart = {arm: _on_grid(table, arm, "difference", keys) for arm in others}
        most = max((float(np.nanmax(np.abs(each))) for each in apart.values()), default=0.0) or 1.0
        ends = {arm: [_on_grid(table, arm, f"difference_{end}", keys) for end in ("low", "high")] for arm in others}
        dots = {arm: (low > 0.0) | (high < 0.0) for arm, (low, high) in ends.items()}
        points = "points" if unit(outcome, results) == "%" else unit(outcome, results)
        label = f"difference from {base}{f' ({points})' if points else ''}"
        blocks.append(_Block(label, apart, dots, diverging(LOWER, HIGHER), Normalize(-most, most)))
    more = (f" Dots: the 95 % interval of the paired difference from {base} excludes 0, each point by itself; "
            "neighbouring points share their luck." if others else "")  # fmt: skip
    return _drawn(results, keys, arms, blocks, caption_of(results, table, tissue, outcome, "mean of ") + more)


@our_look()
def tipping_map(
    results: SweepResults, outcome: str = "burden", tissue: str | None = None, threshold: float | None = None
) -> Figure:
    """Where replicates of one point part: the share of them above a threshold, and their standard deviation.

    Where an outcome has two stable levels, the share goes from 0 to 1 across the boundary, and the spread peaks on it;
    a single level that crosses the threshold does the same, so that the map alone does not show two.

    Parameters
    ----------
    results : SweepResults
        A grid of two keys.
    outcome, tissue : str, optional
        The burden and the first tissue if not given.
    threshold : float, optional
        In the unit of the outcome; halfway between the lowest and the highest run of the sweep if not given.
    """
    tissue = seen_in(results, outcome, results.outcomes)[0][0] if tissue is None else tissue
    table, keys = sweep_table(results, outcome, tissue), varied_axes(results)
    runs = results.outcomes[results.outcomes["tissue"] == tissue]
    where = "given" if threshold is not None else "halfway between the lowest and the highest run"
    if threshold is None:
        threshold = float(runs[outcome].min() + runs[outcome].max()) / 2.0
    above = (runs[outcome] > threshold).where(runs[outcome].notna())
    share = above.astype(np.float64).groupby([runs["point"], runs["arm"]]).mean().rename("above").reset_index()
    table = table.merge(share, on=["point", "arm"])
    arms = [arm for arm in results.arms if (table["arm"] == arm).any()]
    shares = {arm: _on_grid(table, arm, "above", keys) for arm in arms}
    spread = {arm: _on_grid(table, arm, "sd", keys) for arm in arms}
    own = unit(outcome, results)
    words = f"{outcome} above {threshold:.3g}{f' {own}' if own else ''}"
    points = "points" if own == "%" else own
    blocks = [
        _Block(f"share of replicates,\n{words}", shares, {}, sequential(1), Normalize(0.0, 1.0)),
        _Block(f"standard deviation{f' ({points})' if points else ''}", spread, {}, sequential(2), _range(spread)),
    ]
    caption = (
        f"{caption_of(results, table, tissue, outcome, 'spread of ')} Threshold {threshold:.3g}: {where}. That "
        "replicates part does not show by itself that two outcomes are stable."
    )
    return _drawn(results, keys, arms, blocks, caption)


def _on_grid(table: pd.DataFrame, arm: str, column: str, keys: list[Axis]) -> Floats:
    """A column as (levels of the first key, levels of the second); NaN where there is no such point."""
    grid = np.full((len(keys[0].levels), len(keys[1].levels)), np.nan)
    rows = table[table["arm"] == arm]
    points = rows["point"].to_numpy()
    grid[keys[0].codes[points], keys[1].codes[points]] = rows[column].to_numpy(np.float64)
    return grid


def _range(maps: dict[str, Floats]) -> Normalize:
    """From 0 to the largest value of all arms."""
    values = np.concatenate([each[~np.isnan(each)] for each in maps.values()])
    most = float(values.max(initial=0.0))
    return Normalize(min(0.0, float(values.min(initial=0.0))), most if most > 0.0 else 1.0)


def _drawn(results: SweepResults, keys: list[Axis], arms: list[str], blocks: list[_Block], caption: str) -> Picture:
    """Blocks as rows, arms as columns; the first key upwards, the second to the right."""
    rows, columns = len(keys[0].levels), len(keys[1].levels)
    width, height = (max(LEAST, SIDE * n / max(rows, columns)) for n in (columns, rows))
    label_y = fitted(keys[0].label, height)
    left = EDGE + text_height(label_y) + 0.15 + max(text_width(level, SMALL) for level in keys[0].levels)
    titles = {arm: fitted(arm, width, TEXT, "bold") for arm in arms}
    label_x = fitted(keys[1].label, width + GAP)
    above, below = 0.12 + max(map(text_height, titles.values())), 0.32 + text_height(label_x)
    bars = [bar_width(block.norm, block.label, height) for block in blocks]
    right = left + len(arms) * (width + GAP)
    page_width = max(4.0, right + max(bars) + EDGE)
    each = height + GAP
    figure, foot = page(results, page_width, above + len(blocks) * each - GAP + below, caption)
    for i, block in enumerate(blocks):
        bottom = foot + below + (len(blocks) - 1 - i) * each
        shown = [arm for arm in arms if arm in block.maps]
        for arm in shown:
            axes = place(figure, left + arms.index(arm) * (width + GAP), bottom, width, height)
            grid = np.ma.masked_invalid(block.maps[arm])
            if grid.mask.any():
                axes.patch.set(hatch="/" * 6, edgecolor="#BBBBBB", linewidth=0)
            axes.imshow(grid, block.colours, block.norm, origin="lower", aspect="auto", interpolation="none")
            if arm in block.dots:
                y, x = np.nonzero(block.dots[arm])
                axes.plot(x, y, ls="", marker="o", ms=3.0, mfc=INK, mec="white", mew=0.5)
            lowest = i == len(blocks) - 1 or arm not in blocks[i + 1].maps
            _ticks(axes, keys, (width, height), arm == shown[0], lowest, (label_y, label_x))
            if i == 0:
                axes.set_title(titles[arm], weight="bold", size=TEXT, color=readable(arm_colour(results, arm)))
        colour_bar(figure, right, bottom + height, height, block.colours, block.norm, block.label)
    return figure


def _ticks(
    axes: Axes, keys: list[Axis], size: tuple[float, float], first: bool, lowest: bool, labels: tuple[str, str]
) -> None:
    """The values of both keys, every one or every other ..., at the left of the first map and below the lowest."""
    wide = max(text_width(level, SMALL) for level in keys[1].levels) + 0.06
    tall = text_height("0", SMALL) + 0.02
    for axis, key, room, is_shown, set_ticks in (
        (axes.yaxis, keys[0], tall / size[1], first, axes.set_yticks),
        (axes.xaxis, keys[1], wide / size[0], lowest, axes.set_xticks),
    ):
        every = max(1, int(np.ceil(room * len(key.levels))))
        places = np.arange(0, len(key.levels), every)
        set_ticks(places, [key.levels[i] for i in places] if is_shown else [""] * len(places))
        axis.set_tick_params(length=2.5)
    axes.spines[:].set(color=FAINT, linewidth=0.5)
    axes.set_ylabel(labels[0] if first else "")
    axes.set_xlabel(labels[1] if lowest else "")


def caption_of(results: SweepResults, table: pd.DataFrame, tissue: str, outcome: str, what: str) -> str:
    """Which outcome of which sweep, `what` of it is shown, and of how many replicates."""
    where = f", {tissue}" if len(results.tissues) > 1 else ""
    n = several(table["n"].astype(int).tolist(), "replicate")
    last = " on the last day" if outcome == "burden" else ""
    return f"{results.manifest['sweep']}{where}: {outcome}{last}, {what}{n} per point and arm."
