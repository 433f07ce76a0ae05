"""Panels over time, side by side: one line per arm in each, with its name at the end and the doses above."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sim.figures.curves import draw_arms, medians_at_end
from sim.figures.doses import Calendar
from sim.figures.layout import EDGE, LABEL_GAP, end_labels, fitted, page, place, text_width
from sim.figures.style import TEXT, Picture, arm_colour, our_look, readable
from sim.results import Results

LEFT, BELOW = 0.6, 0.45  # inch for axis labels
ACROSS = 3  # panels side by side


class Panel(NamedTuple):
    """What one panel shows."""

    title: str
    label: str  # of y
    lines: dict[str, pd.DataFrame]  # by arm, tables of `sim.figures.curves.by_replicate`
    axis: str = ""  # panels with the same one and the same label share it
    from_zero: bool = True


@our_look()
def over_time(results: Results, groups: Sequence[Sequence[Panel]], caption: str, dashed: bool = False) -> Picture:
    """A page of panels, each group in rows of its own; if `dashed`, lines that would hide each other are dashed."""
    rows = [group[i : i + ACROSS] for group in groups for i in range(0, len(group), ACROSS)]
    named = any(panel.title for group in groups for panel in group)
    above = 0.3 if named else 0.1  # inch for the title
    names = {arm: fitted(arm, 1.5) for arm in results.arms}
    label = LABEL_GAP + max(text_width(name) for name in names.values())
    width = max(4.0, LEFT + 2.5 + label + EDGE)
    height = max(3.0, BELOW + above + 0.155 * sum(name.count("\n") + 1 for name in names.values()))
    calendar = Calendar(results, results.arms, label)
    height += calendar.height
    size = (width - LEFT - label - EDGE, height - BELOW - above - calendar.height)
    across = max(len(row) for row in rows)
    figure, foot = page(results, across * width, len(rows) * height, caption + calendar.in_words())
    drawn: list[tuple[Panel, Axes, float, float]] = []
    for i, row in enumerate(rows):
        for column, panel in enumerate(row):
            left, bottom = column * width + LEFT, foot + (len(rows) - 1 - i) * height + BELOW
            axes = place(figure, left, bottom, *size)
            draw_arms(axes, results, panel.lines, dashed=dashed)
            axes.set(xlabel="day", ylabel=fitted(panel.label, size[1]))
            drawn.append((panel, axes, left, bottom))
    for axis in dict.fromkeys((panel.label, panel.axis) for panel, *_ in drawn):
        _share([(panel, axes) for panel, axes, *_ in drawn if (panel.label, panel.axis) == axis])
    for panel, axes, left, bottom in drawn:
        colours = [arm_colour(results, arm) for arm in panel.lines]
        inks = [readable(colour) for colour in colours]
        end_labels(axes, size, medians_at_end(panel.lines), [names[arm] for arm in panel.lines], inks, colours)
        calendar.draw(figure, axes, left, bottom + size[1], size[0])
        axes.set_title(panel.title, loc="left", weight="bold", size=TEXT, pad=6.0 + 72.0 * calendar.height)
    return figure


def _share(panels: Sequence[tuple[Panel, Axes]]) -> None:
    """One axis of y for all panels: from 0, or as far down as their lines go."""
    low, high = 0.0, max(axes.get_ylim()[1] for _, axes in panels)
    if not any(panel.from_zero for panel, _ in panels):
        ends = [each.to_numpy(np.float64) for panel, _ in panels for each in panel.lines.values()]
        bottom, top = min(map(np.nanmin, ends), default=0.0), max(map(np.nanmax, ends), default=1.0)
        room = 0.06 * (top - bottom) or 0.5
        low, high = max(0.0, bottom - room), top + room
    for _, axes in panels:
        axes.set_ylim(low, high if math.isfinite(high) and high > low else low + 1.0)
