"""What two parameters do together: S2 of every pair, or how evenly each one acts."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sim.analysis.sensitivity import Sensitivity
from sim.analysis.sensitivity_words import design_in_words, human_name, luck_in_words
from sim.errors import ResultsError
from sim.figures.layout import EDGE, LABEL_GAP, end_labels, fitted, page, place, plain, text_height, text_width
from sim.figures.style import FAINT, INK, SMALL, arm_colour, diverging, our_look, readable
from sim.sweeps import SweepResults

NAME = 2.3  # inch, at most, for the names of parameters
CELL = (0.42, 0.27)  # inch, of a pair; rows are higher where a name has two lines
FULL = 0.2  # S2 of which the colour is full, if none is larger
LEFT, BELOW, WIDTH, HEIGHT = 0.65, 0.45, 3.2, 3.0  # inch, of the plane


@our_look()
def interactions(results: SweepResults, found: Sensitivity) -> Figure:
    """S2 of every pair of parameters, in the order of the tornado; or the plane of mu* and sigma.

    Parameters
    ----------
    results : SweepResults
        Where `found` is from.
    found : Sensitivity
        Of one outcome, arm and tissue.

    Raises
    ------
    ResultsError
        If there are no pairs: the design says ``second_order: false``, or luck hides what the parameters change.
    """
    if not has_interactions(found):
        raise ResultsError(f"interactions: S2: must be known for {found.subject}, got none")
    return _plane(results, found) if found.method == "morris" else _pairs(results, found)


def has_interactions(found: Sensitivity) -> bool:
    """Whether `interactions` has something to show."""
    return found.method == "morris" or bool(found.index("S2")["estimate"].notna().any())


# ------------------------------------------------------------------------------------------------------------- pairs


def _pairs(results: SweepResults, found: Sensitivity) -> Figure:
    """Half a matrix; a name on the diagonal stands for the row to its left and the column below it."""
    order = found.ranked
    names = [fitted(human_name(key), NAME) for key in order]
    row = max(CELL[1], *(text_height(name) + 0.02 for name in names))
    size = (CELL[0] * len(order), row * len(order))
    label = max((i + 1) * CELL[0] + text_width(name) for i, name in enumerate(names)) - size[0] + 0.05
    sure = f"bold: not 0, at {100 * found.level:g} % for all pairs together"
    what = f"S2: share of the variance that two parameters make only together; {sure}"
    figure, foot = page(
        results, EDGE + size[0] + max(label, 0.0) + EDGE, size[1] + EDGE, words_below(results, found, what)
    )
    axes = place(figure, EDGE, foot, *size)
    axes.set(xlim=(0, len(order)), ylim=(len(order), 0))
    axes.axis("off")
    for i, name in enumerate(names):
        axes.text(i + 0.1, i + 0.5, name, va="center_baseline", linespacing=1.35, clip_on=False)
    _draw_pairs(axes, found, order)
    return figure


def _draw_pairs(axes: Axes, found: Sensitivity, order: list[str]) -> None:
    rank = {key: i for i, key in enumerate(order)}
    table, sure = found.index("S2"), set(found.clear_pairs().index)
    most = max(FULL, float(table["estimate"].abs().max()))
    colours, norm = diverging("#0072B2", "#D55E00"), Normalize(-most, most)
    for (one, other), pair in table.iterrows():
        left, top = sorted((rank[one], rank[other]))
        clear = (one, other) in sure
        shade = colours(norm(pair["estimate"]))
        axes.add_patch(Rectangle((left, top), 1, 1, facecolor=shade, edgecolor="white", lw=0.8))
        dark = 0.2126 * shade[0] + 0.7152 * shade[1] + 0.0722 * shade[2] < 0.45
        ink = "white" if dark else INK if clear else readable(FAINT)
        number = f"{pair['estimate']:z.2f}"  # no minus before 0.00
        axes.text(left + 0.5, top + 0.5, number, ha="center", va="center_baseline", size=SMALL, color=ink,
                  weight="bold" if clear else "normal")  # fmt: skip


# ------------------------------------------------------------------------------------------------------------- plane


def _plane(results: SweepResults, found: Sensitivity) -> Figure:
    """The more to the right the stronger; above the line the effect depends on where the other parameters are."""
    size, spread = found.index("mu_star"), found.index("sigma")
    names = [fitted(human_name(key), NAME) for key in found.ranked]
    height = max(HEIGHT, sum(text_height(name) + 0.01 for name in names))
    label = LABEL_GAP + max(map(text_width, names))
    what = (
        "size (mu*) and spread (sigma) of the elementary effects on the mean over luck; on the line they are equal: "
        "above it, what a parameter does depends on the others or on where it is; lines: "
        f"{100 * found.level:g} % intervals"
    )
    figure, foot = page(results, LEFT + WIDTH + label + EDGE, BELOW + height + EDGE, words_below(results, found, what))
    axes = place(figure, LEFT, foot + BELOW, WIDTH, height)
    colour = arm_colour(results, found.arm)
    for key in found.ranked:
        (x, left, right), (y, low, high) = (rows.loc[key].tolist() for rows in (size, spread))
        axes.plot((left, right), (y, y), color="#CFCFCF", lw=0.8, zorder=2)
        axes.plot((x, x), (low, high), color="#CFCFCF", lw=0.8, zorder=2)
        axes.plot([x], [y], ls="", marker="o", ms=5, mfc=colour, mec="white", mew=0.6, zorder=3)
    axes.set(
        xlim=(min(0.0, *size["low"]), 1.04 * max(size["high"]) or 1.0), ylim=(0.0, 1.04 * max(spread["high"]) or 1.0)
    )
    axes.axline((0.0, 0.0), slope=1.0, color=FAINT, lw=0.6, ls=(0, (4, 2)), zorder=1)
    plain(axes)
    axes.set(xlabel=f"mu*: size of the effect on {outcome_label(found)}", ylabel="sigma: spread of the effect")
    ends = [(float(size.loc[key, "estimate"]), float(spread.loc[key, "estimate"])) for key in found.ranked]
    end_labels(axes, (WIDTH, height), ends, names, [INK] * len(ends), ["#E0E0E0"] * len(ends))
    return figure


# ------------------------------------------------------------------------------------------------------------- words


def outcome_label(found: Sensitivity) -> str:
    """The outcome and its unit, where the name tells it."""
    units = {"burden": "% senescent", "mean_burden": "% senescent", "off_target_loss": "% of sites"}
    by_start = {"n_": "cells", "new_": "cells", "cum_": "cells", "closure_": "d", "exposure_": "level x d"}
    starts = (unit for start, unit in by_start.items() if found.outcome.startswith(start))
    unit = units.get(found.outcome) or next(starts, "")
    return f"{found.outcome} ({unit})" if unit else found.outcome


def words_below(results: SweepResults, found: Sensitivity, what: str) -> str:
    """The caption: what was looked at and when, what is drawn, how many runs, how much luck, and the notes."""
    when = f"day {found.day:g}" if np.isfinite(found.day) else "the last day of each run"
    luck = luck_in_words(found)
    notes = "".join(f" Note: {note}." for note in found.notes)
    return (
        f"{results.manifest['scenario']}, {found.subject}, {when}: {what}. "
        f"n = {design_in_words(found)}{f'; {luck}' if luck else ''}.{notes}"
    )
