"""One line per arm over time: median and central 80 % of the replicates, and single replicates where they are few."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sim.figures.layout import plain
from sim.figures.style import arm_colour, arm_dash
from sim.results import Results

DASH = 3.0  # line widths
SAME = 0.25  # of the time: lines that are the same for so long hide each other
FEW = 12  # replicates that can still be told apart as single lines
CROWD = 12  # arms whose bands can still be told apart


def by_replicate(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """A column by day (rows) and replicate (columns)."""
    return table.pivot(index="day", columns="replicate", values=column).sort_index()


def draw_arms(
    axes: Axes, results: Results, lines: dict[str, pd.DataFrame], means: bool = False, dashed: bool = False
) -> None:
    """Draw ``lines`` (arm to a table of `by_replicate`); `means` over the time since the row before are steps.

    If `dashed`, lines that would hide each other are dashed over one another.
    """
    dashes = {arm: arm_dash(results, arm) for arm in lines} | (_over_one_another(lines) if dashed else {})
    style: Literal["default", "steps-pre"] = "steps-pre" if means else "default"
    for arm, wide in lines.items():
        colour, days = arm_colour(results, arm), wide.index.to_numpy(np.float64)
        if wide.shape[1] > 1 and len(lines) <= CROWD:
            low, high = wide.quantile(0.1, axis=1), wide.quantile(0.9, axis=1)
            step: Literal["pre"] | None = "pre" if means else None
            axes.fill_between(days, low, high, color=colour, alpha=0.18, lw=0, zorder=2, step=step)
        if 1 < wide.shape[1] <= FEW and len(lines) <= CROWD:
            axes.plot(days, wide.to_numpy(), color=colour, lw=0.4, alpha=0.45, zorder=3, drawstyle=style)
        axes.plot(
            days, wide.median(axis=1), color=colour, ls=dashes[arm], lw=1.6, zorder=4, label=arm,
            marker="o" if len(days) == 1 else "", solid_capstyle="butt", drawstyle=style,
        )  # fmt: skip
    first, last = first_and_last(lines.values())
    drawn = (wide if len(lines) <= CROWD else wide.median(axis=1) for wide in lines.values())
    most = max((float(np.nanmax(each.to_numpy(np.float64))) for each in drawn), default=0.0)
    axes.set_xlim(first, last)
    axes.set_ylim(0.0, 1.06 * most if most > 0.0 else 1.0)
    plain(axes)


def alike(lines: dict[str, pd.DataFrame]) -> dict[str, list[str]]:
    """Arms whose medians are the same for a good part of the time in which they are not 0, by the first of them."""
    groups: dict[str, list[str]] = {}
    medians = {arm: wide.median(axis=1) for arm, wide in lines.items()}
    for arm, median in medians.items():
        groups.setdefault(next((each for each in groups if _same(median, medians[each])), arm), []).append(arm)
    return {first: arms for first, arms in groups.items() if len(arms) > 1}


def _same(a: pd.Series, b: pd.Series) -> bool:
    a, b = a.align(b, join="inner")
    there = (a != 0.0) | (b != 0.0)
    return bool(there.any() and np.isclose(a[there], b[there], rtol=1e-6, atol=0.0).mean() >= SAME)


def _over_one_another(lines: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """A line below, and dashes of the second, third, ... of lines that hide each other: each leaves the others seen."""
    return {
        arm: (-DASH * i, (DASH, DASH * (len(arms) - 1))) if i else "-"
        for arms in alike(lines).values()
        for i, arm in enumerate(arms)
    }


def first_and_last(tables: Iterable[pd.DataFrame]) -> tuple[float, float]:
    """Ends of the axis of time of tables with days as rows."""
    days = np.concatenate([table.index.to_numpy(np.float64) for table in tables] or [np.zeros(1)])
    first, last = float(days.min()), float(days.max())
    return first, last if last > first else first + 1.0


def medians_at_end(lines: dict[str, pd.DataFrame]) -> list[tuple[float, float]]:
    """Where the lines of `draw_arms` end: day and median."""
    return [(float(wide.index[-1]), float(wide.iloc[-1].median())) for wide in lines.values()]


def bands_in_words(most: int, arms: int = 1) -> str:
    """What a caption says of the replicates of `draw_arms`, `most` in each of some arms."""
    band = " and central 80 % (band)" if arms <= CROWD else ""
    return f"median (line){band} of " if most > 1 else ""


def thin_lines_in_words(most: int, arms: int = 1) -> str:
    """What a caption says of the thin lines, if there are any."""
    return "; thin lines: single replicates" if 1 < most <= FEW and arms <= CROWD else ""


def dashes_in_words(panels: Iterable[dict[str, pd.DataFrame]]) -> str:
    """What a caption says of lines that are `dashed` over one another, if there are any."""
    return " Dashes of several colours: arms with the same curve there." if any(map(alike, panels)) else ""
