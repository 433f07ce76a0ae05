"""Which parameters matter: a tornado, the most important one on top."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from sim.analysis.sensitivity import Sensitivity
from sim.analysis.sensitivity_words import human_name
from sim.figures.interactions import has_interactions, interactions, outcome_label, words_below
from sim.figures.layout import EDGE, fitted, page, place, plain, text_height, text_width, write
from sim.figures.style import FAINT, INK, SMALL, arm_colour, our_look, readable, save_each
from sim.sweeps import SweepResults

NAME = 2.3  # inch, at most, for the names of parameters
ROW = 0.34  # inch, at least: a name and below it its range
BAR = 0.56  # of a row
WIDTH = 3.2  # inch, of the panel


@our_look()
def tornado(results: SweepResults, found: Sensitivity) -> Figure:
    """Every parameter with its range, sorted by ST (bars) with S1 (points), or by mu* (bars) with sigma (points).

    Parameters
    ----------
    results : SweepResults
        Where `found` is from.
    found : Sensitivity
        Of one outcome, arm and tissue.
    """
    names = {key: fitted(human_name(key), NAME) for key in found.ranked}
    heights = [max(ROW, text_height(name) + text_height("x", SMALL) + 0.05) for name in names.values()]
    edges = np.concatenate([[0.0], np.cumsum(heights)])
    room = max(max(text_width(name), text_width(found.ranges[key], SMALL)) for key, name in names.items())
    left, below = EDGE + room + 0.1, 0.45
    figure, foot = page(results, left + WIDTH + 0.2, edges[-1] + below + 0.05, _caption(results, found))
    bottom = foot + below
    axes = place(figure, left, bottom, WIDTH, edges[-1])
    axes.set_ylim(edges[-1], 0.0)
    middles = (edges[1:] + edges[:-1]) / 2.0
    for (key, name), y, height in zip(names.items(), middles, heights, strict=True):
        high, ink = bottom + edges[-1] - y, text_height(name)
        top = high + (ink + text_height("x", SMALL)) / 2.0
        write(figure, left - 0.1, top - ink, name, ha="right", va="bottom")
        write(figure, left - 0.1, top - ink, found.ranges[key], ha="right", va="top", size=SMALL, color=readable(FAINT))
        _row(axes, results, found, key, y, BAR * min(height, ROW))
    _finish(axes, found)
    return figure


def _row(axes: Axes, results: SweepResults, found: Sensitivity, key: str, y: float, height: float) -> None:
    """The bar of one parameter with its interval, and the point of the other index with its own."""
    colour = arm_colour(results, found.arm)
    size, other = found.index(found.main).loc[key], found.index(_other(found)).loc[key]
    if not np.isfinite(size["estimate"]):
        return
    pale = tuple(0.45 + 0.55 * channel for channel in to_rgb(colour))
    axes.barh(y - 0.12 * height, size["estimate"], 0.76 * height, color=pale, zorder=2)
    axes.plot((size["low"], size["high"]), [y - 0.12 * height] * 2, color=INK, lw=0.9, solid_capstyle="butt", zorder=4)
    axes.plot((other["low"], other["high"]), [y + 0.44 * height] * 2, color=colour, lw=0.9, solid_capstyle="butt",
              zorder=4)  # fmt: skip
    axes.plot(
        [other["estimate"]], [y + 0.44 * height], ls="", marker="o", ms=4, mfc=colour, mec="white", mew=0.6, zorder=5
    )


def _other(found: Sensitivity) -> str:
    return "S1" if found.method == "saltelli" else "sigma"


def _finish(axes: Axes, found: Sensitivity) -> None:
    plain(axes)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.axvline(0.0, color=INK, lw=0.6, zorder=3)
    if found.method == "saltelli":
        axes.set_xlabel("share of the variance of the mean: with all interactions (bar), alone (point)")
    else:
        axes.set_xlabel(f"effect of the whole range on {outcome_label(found)}: size (bar), spread (point)")
    axes.set_xlabel(fitted(axes.get_xlabel(), WIDTH))
    if found.method == "saltelli" and not found.index("ST")["estimate"].notna().any():
        axes.set_xlim(0.0, 1.0)
        axes.text(0.5, 0.5, "cannot be told from luck", transform=axes.transAxes, ha="center", va="center")


def _caption(results: SweepResults, found: Sensitivity) -> str:
    if found.method == "saltelli":
        what = "ST (bars) and S1 (points), shares of the variance that the parameters give to the mean over luck"
    else:
        what = "mu* (bars) and sigma (points) of the elementary effects on the mean over luck"
    return words_below(results, found, f"{what}; lines: {100 * found.level:g} % intervals")


def save_sensitivity(results: SweepResults, found: Sequence[Sensitivity], folder: str | Path) -> list[Path]:
    """Write tornado and interactions of every analysis into `folder`, as PNG and as SVG.

    Raises
    ------
    ResourceError
        If the folder cannot be written.
    """
    drawings = {"sensitivity": tornado, "interactions": interactions}
    wanted = ((each, name) for each in found for name in drawings if name == "sensitivity" or has_interactions(each))
    return save_each(
        ((f"{name}-{_file_name(results, each)}", partial(drawings[name], results, each)) for each, name in wanted),
        folder,
    )


def _file_name(results: SweepResults, found: Sensitivity) -> str:
    parts = [found.outcome, found.arm]
    parts += [f"minus-{found.baseline}"] if found.baseline else []
    return "-".join(parts + ([found.tissue] if len(results.tissues) > 1 else []))
