"""What tells the channels of spread apart: a panel per observable, a column of replicates per channel."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from sim.analysis.channel_maps import CHANNELS
from sim.analysis.channels import RATIOS, channel_values, channels
from sim.figures.layout import EDGE, fitted, page, place, plain, several, text_height
from sim.figures.style import ARM_COLOURS, FAINT, TEXT, our_look
from sim.results import Results

LEFT, BELOW = 0.6, 0.3  # inch around a panel
WIDTH, HEIGHT = 1.7, 1.35  # inch, of a panel
ACROSS = 5
COLOURS = dict(zip(CHANNELS.values(), ARM_COLOURS, strict=False))  # arms that are alike but for a channel share theirs
TITLES = {  # short ones; in the order of the panels
    "induced": "cells turned",
    "range": "half within (µm)",
    "front": "90 % within (µm)",
    "selectivity": "targeted over spared (odds)",
    "clustering": "neighbours over chance",
    "lag_10": "10 % turned (day)",
    "lag_50": "half turned (day)",
    "fall_release_blocked": "fewer, release blocked (%)",
    "fall_uptake_blocked": "fewer, uptake blocked (%)",
    "transfer": "distant per 100 near",
}


@our_look()
def channel_differences(results: Results) -> Figure:
    """Observables of every channel: replicates as points, their mean and its 95 % interval beside them.

    Raises
    ------
    ResultsError
        As `sim.analysis.channels.channels`.
    """
    means, values = channels(results), channel_values(results)
    shown = [name for name in TITLES if means.loc[means["observable"] == name, "n"].any()]
    names = list(dict.fromkeys(means["channel"]))
    above = 0.1 + text_height("x")
    width, height = LEFT + WIDTH + EDGE, BELOW + HEIGHT + above
    rows = -(-len(shown) // ACROSS)
    n = [int(values.loc[values["channel"] == name, "replicate"].nunique()) for name in names]
    figure, foot = page(results, min(ACROSS, len(shown)) * width, rows * height, _caption(results, n))
    for i, name in enumerate(shown):
        row, column = divmod(i, ACROSS)
        bottom = foot + (rows - 1 - row) * height + BELOW
        axes = place(figure, column * width + LEFT, bottom, WIDTH, HEIGHT)
        axes.set_title(fitted(TITLES[name], WIDTH + 0.5), loc="left", size=TEXT)
        for x, channel in enumerate(names):
            mine = values.loc[values["channel"] == channel, name].dropna() if name in values else pd.Series(dtype=float)
            mean = means[(means["channel"] == channel) & (means["observable"] == name)].iloc[0]
            points = mine.to_numpy(np.float64)
            _column(axes, x, np.exp(points) if name in RATIOS else points, mean, COLOURS[channel])
        _axis(axes, name, names)
    return figure


def _column(axes: Axes, x: int, points: npt.NDArray[np.float64], mean: pd.Series, colour: str) -> None:
    """Replicates to the left, mean and interval to the right."""
    axes.plot(np.full(points.size, x - 0.12), points, ls="", marker="o", ms=2.2, mew=0, color=colour, alpha=0.35)
    if not mean["n"]:
        axes.text(x, 0.5, "none", color=FAINT, ha="center", rotation=90, transform=axes.get_xaxis_transform())
        return
    if math.isfinite(mean["low"]):
        axes.plot((x + 0.15, x + 0.15), (mean["low"], mean["high"]), color=colour, lw=1.2)
    axes.plot([x + 0.15], [mean["mean"]], ls="", marker="o", ms=4.5, mfc=colour, mec="white", mew=0.6)


def _axis(axes: Axes, name: str, channels: list[str]) -> None:
    if name in RATIOS:
        axes.axhline(1.0, color=FAINT, lw=0.6, zorder=0)
    if name == "selectivity":
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.spines[["top", "right"]].set_visible(False)
    else:
        plain(axes)
        if name != "clustering":
            axes.set_ylim(min(0.0, axes.get_ylim()[0]) if axes.get_ylim()[0] < 0 else 0.0)
    axes.set(xlim=(-0.6, len(channels) - 0.4), xticks=range(len(channels)), xticklabels=channels)


def _caption(results: Results, n: list[int]) -> str:
    return (
        f"{results.manifest['scenario']}: what can be observed of cells that a channel turned around the lesion. "
        f"Small: {several(n, 'replicate')} per channel; large: their mean with a 95 % interval (ratios: geometric). "
        f"Distances are from the edge of the lesion; odds and neighbours are corrected for distance. Blocked: release "
        f"or uptake of vesicles, against the same replicate without the drug."
    )
