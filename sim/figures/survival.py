"""Who is still alive: Kaplan-Meier curves, one per arm, and below them how many are at risk."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sim.analysis.survival import Curve, kaplan_meier, lives, somebody_died
from sim.errors import ResultsError
from sim.figures.layout import EDGE, page, place, plain, several, text_width
from sim.figures.style import FAINT, SMALL, arm_colour, arm_dash, our_look, readable
from sim.results import Results

LEFT, BELOW, ABOVE = 0.6, 0.45, 0.1  # inch around the panel
WIDTH, HEIGHT = 3.4, 2.5  # inch, of the panel
LINE, KEY = 0.155, 0.16  # inch: height of a row of the table below, length of the line in front of a name


@our_look()
def survival(results: Results) -> Figure:
    """Share of the individuals alive by age, with 95 % bands; below it the numbers at risk, at the ticks of the axis.

    Parameters
    ----------
    results : Results
        Tables of an experiment.

    Raises
    ------
    ResultsError
        If nobody has died.
    """
    if not somebody_died(results):
        raise ResultsError("survival: results: must hold a death (body.death), got none")
    there = set(results.individuals["arm"])
    curves = {arm: kaplan_meier(*lives(results, arm)) for arm in results.arms if arm in there}
    ages = {arm: lives(results, arm)[0] for arm in curves}
    widest = text_width(f"{max(each.size for each in ages.values())}", SMALL)
    left = max(LEFT, EDGE + KEY + 0.15 + max(text_width(arm, SMALL) for arm in curves) + widest / 2.0)
    below = BELOW + LINE * (len(curves) + 1) + 0.05
    caption = _caption(results, [each.size for each in ages.values()])
    figure, foot = page(results, left + WIDTH + 2.0 * EDGE, below + HEIGHT + ABOVE, caption)
    axes = place(figure, left, foot + below, WIDTH, HEIGHT)
    first = float((results.individuals["age"] - results.individuals["day"]).min())
    last = max(float(each.max()) for each in ages.values())
    for arm, curve in curves.items():
        _draw(axes, results, arm, curve, first, float(ages[arm].max()))
    axes.set(xlim=(first, last + 0.02 * (last - first)), ylim=(0.0, 104.0), xlabel="age (d)", ylabel="alive (%)")
    plain(axes)
    _numbers_at_risk(axes, results, ages, left)
    return figure


def _draw(axes: Axes, results: Results, arm: str, curve: Curve, first: float, last: float) -> None:
    """One curve with its band, from the first age to the last one that was seen."""
    x = np.r_[first, curve.ages, last]
    y, low, high = (
        100.0 * np.r_[1.0, each, each[-1:] if each.size else 1.0] for each in (curve.alive, curve.low, curve.high)
    )
    colour = arm_colour(results, arm)
    axes.fill_between(x, low, high, step="post", color=colour, alpha=0.18, lw=0, zorder=2)
    axes.plot(x, y, drawstyle="steps-post", color=colour, ls=arm_dash(results, arm), lw=1.6, zorder=4, label=arm)


def _numbers_at_risk(axes: Axes, results: Results, ages: dict[str, np.ndarray], left: float) -> None:
    """How many are alive at the ticks; the names at the left are the legend."""
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks().tolist() if low <= tick <= high]
    edge, top = (EDGE - left) / WIDTH, -BELOW / HEIGHT
    axes.text(edge, top, "at risk", color=FAINT, size=SMALL, transform=axes.transAxes, va="top")
    for i, (arm, age) in enumerate(ages.items(), 1):
        colour, y = arm_colour(results, arm), top - (i + 0.35) * LINE / HEIGHT
        key = Line2D([edge, edge + KEY / WIDTH], [y, y], color=colour, ls=arm_dash(results, arm), lw=1.6)
        key.set(transform=axes.transAxes, clip_on=False)
        axes.add_line(key)
        look: dict[str, Any] = {"color": readable(colour), "size": SMALL, "va": "center_baseline"}
        axes.text(edge + (KEY + 0.05) / WIDTH, y, arm, transform=axes.transAxes, **look)
        for tick in ticks:
            count = int(np.count_nonzero(age >= tick))
            axes.text((tick - low) / (high - low), y, f"{count}", transform=axes.transAxes, ha="center", **look)


def _caption(results: Results, counts: list[int]) -> str:
    return (
        f"{results.manifest['scenario']}: share of the individuals alive by age (Kaplan-Meier) with 95 % intervals; "
        f"{several(counts, 'individual')} per arm."
    )
