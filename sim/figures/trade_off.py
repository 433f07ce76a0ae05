"""What an arm gained against what it cost: reduction of burden against the healthy cells that drugs harmed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.analysis.paired import baseline_words, chosen_tissue, t_interval
from sim.analysis.treatment import RUN, benefit, harm
from sim.figures.layout import EDGE, LABEL_GAP, end_labels, fitted, page, place, plain, several, text_height, text_width
from sim.figures.style import FAINT, SMALL, arm_colour, arm_marker, our_look, readable
from sim.results import Results

LEFT, BELOW, ABOVE = 0.7, 0.45, 0.25  # inch around the panel
WIDTH, HEIGHT = 3.4, 3.0  # inch, of the panel


@our_look()
def trade_off(results: Results, tissue: str | None = None) -> Figure:
    """Benefit of each arm over its baseline against its harm: healthy cells that drugs killed or made senescent.

    Points are replicates; the larger mark is their mean, with 95 % t intervals of both. Up is better, left is kinder.

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
    tissue = chosen_tissue(results, tissue, "trade_off")
    table = benefit(results).merge(harm(results), on=RUN)
    table = table[table["tissue"] == tissue]
    clouds = {arm: rows for arm in results.arms if len(rows := table[table["arm"] == arm])}
    names = {arm: fitted(arm, 1.5) for arm in clouds}
    label = LABEL_GAP + max((text_width(name) for name in names.values()), default=0.0)
    size = (WIDTH, max(HEIGHT, sum(text_height(name) + 0.01 for name in names.values())))
    caption = _caption(results, tissue, clouds)
    figure, foot = page(results, LEFT + WIDTH + label + EDGE, BELOW + size[1] + ABOVE, caption)
    axes = place(figure, LEFT, foot + BELOW, *size)
    for arm, rows in clouds.items():
        _cloud(axes, results, arm, rows)
    _limits(axes, table)
    axes.set_title("\N{NORTH WEST ARROW} better", loc="left", size=SMALL, color=readable(FAINT), pad=4.0)
    axes.set(
        xlabel=f"healthy cells {_harmed(table)} drugs (% of sites)",
        ylabel=f"burden below {baseline_words(results)} (points)",
    )
    ends = [(float(rows["harm"].mean()), float(rows["benefit"].mean())) for rows in clouds.values()]
    inks = [readable(arm_colour(results, arm)) for arm in clouds]
    end_labels(axes, size, ends, list(names.values()), inks, ["#CFCFCF"] * len(ends))
    return figure


def _cloud(axes: Axes, results: Results, arm: str, rows: pd.DataFrame) -> None:
    colour, marker = arm_colour(results, arm), arm_marker(results, arm)
    loss, gain = (rows[column].to_numpy(np.float64) for column in ("harm", "benefit"))
    axes.plot(loss, gain, ls="", marker=marker, ms=3, mew=0, color=colour, alpha=0.5, zorder=3)
    x, y = float(loss.mean()), float(gain.mean())
    axes.plot(t_interval(loss), (y, y), color=colour, lw=1.2, zorder=4)
    axes.plot((x, x), t_interval(gain), color=colour, lw=1.2, zorder=4)
    axes.plot([x], [y], ls="", marker=marker, ms=7, mfc=colour, mec="white", mew=0.8, zorder=5, label=arm)


def _limits(axes: Axes, table: pd.DataFrame) -> None:
    """All points and intervals, and zero."""
    (left, right), (low, high) = (_reach(table, column) for column in ("harm", "benefit"))
    wide, room = 0.05 * (right - left) or 0.5, 0.06 * (high - low) or 0.5
    axes.set(xlim=(left - wide, right + wide), ylim=(low - room, high + room))
    axes.axhline(0.0, color=FAINT, lw=0.6, zorder=1)
    plain(axes)


def _reach(table: pd.DataFrame, column: str) -> tuple[float, float]:
    ends = [t_interval(rows[column].to_numpy(np.float64)) for _, rows in table.groupby("arm")]
    values = [0.0, *table[column], *np.ravel(ends)]
    return float(np.nanmin(values)), float(np.nanmax(values))


def _harmed(table: pd.DataFrame) -> str:
    return "lost to, or made senescent by," if table["induced"].any() else "lost to"


def _caption(results: Results, tissue: str, clouds: dict[str, pd.DataFrame]) -> str:
    where = f", {tissue}" if len(results.tissues) > 1 else ""
    counts = [len(rows) for rows in clouds.values()] or [0]
    harmed = _harmed(pd.concat(clouds.values())) if clouds else "lost to"
    means = "; large: their mean with 95 % intervals" if max(counts) > 1 else ""
    return (
        f"{results.manifest['scenario']}{where}: benefit (burden below the same replicate of "
        f"{baseline_words(results)}, mean over time) against healthy cells {harmed} drugs by the last day: up and left "
        f"is better. {several(counts, 'replicate')} per arm (points){means}."
    )
