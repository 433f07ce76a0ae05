"""Early warnings over time: burden, its variance, and how much it is like what it was a while ago."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.analysis.early_warning import curves_across, curves_along
from sim.analysis.early_warning import early_warning as warnings_of
from sim.analysis.paired import chosen_tissue
from sim.figures.curves import bands_in_words, by_replicate, draw_arms, medians_at_end
from sim.figures.layout import EDGE, LABEL_GAP, end_labels, fitted, page, place, plain, several, text_height, text_width
from sim.figures.style import FAINT, arm_colour, arm_dash, our_look, readable
from sim.results import Results

LEFT, BELOW, ABOVE, GAP = 0.65, 0.45, 0.1, 0.18  # inch around and between the panels
WIDTH, HEIGHT = 3.4, 1.45  # inch, of a panel
PANELS = {"variance": "variance (%\N{SUPERSCRIPT TWO})", "autocorrelation": "autocorrelation"}
DOTS = (0, (1.0, 1.2))


@our_look()
def early_warning(
    results: Results, tissue: str | None = None, lag: float | None = None, window: float | None = None
) -> Figure:
    """Burden, its variance and autocorrelation over time; see `sim.early_warning`.

    Parameters
    ----------
    results : Results
        Tables of an experiment.
    tissue : str, optional
        The first one if not given.
    lag, window : float, optional
        As of `sim.early_warning` [d].

    Raises
    ------
    ResultsError
        If there is no such tissue, or lag or window do not fit the rows.
    """
    tissue = chosen_tissue(results, tissue, "early_warning")
    rows = results.timeseries[results.timeseries["tissue"] == tissue]
    lines = {
        arm: by_replicate(rows[rows["arm"] == arm], "burden") for arm in results.arms if (rows["arm"] == arm).any()
    }
    here = Results(results.manifest, results.scenario, rows, results.events, results.sites, {})
    curves = pd.concat([curves_along(here, lag, window), curves_across(here, lag)], ignore_index=True)
    tipped = warnings_of(here, lag, window).query("signal == 'tipping_burden'").set_index("arm")
    names = {arm: fitted(arm, 1.5) for arm in lines}
    label = LABEL_GAP + max(text_width(name) for name in names.values())
    first = max(HEIGHT, sum(text_height(name) for name in names.values()))
    width, height = LEFT + WIDTH + label + EDGE, BELOW + first + len(PANELS) * (HEIGHT + GAP) + ABOVE
    figure, foot = page(results, width, height, _caption(results, tissue, tipped))
    top = place(figure, LEFT, foot + BELOW + len(PANELS) * (HEIGHT + GAP), WIDTH, first)
    draw_arms(top, results, lines)
    top.set_ylabel("burden (% of resident\ncells senescent)")
    inks = [readable(arm_colour(results, arm)) for arm in lines]
    end_labels(top, (WIDTH, first), medians_at_end(lines), list(names.values()), inks,
               [arm_colour(results, arm) for arm in lines])  # fmt: skip
    top.tick_params(labelbottom=False)
    for i, (name, words) in enumerate(PANELS.items()):
        axes = place(figure, LEFT, foot + BELOW + (len(PANELS) - 1 - i) * (HEIGHT + GAP), WIDTH, HEIGHT)
        _signal(axes, results, curves, name)
        axes.set(xlim=top.get_xlim(), ylabel=words)
        axes.tick_params(labelbottom=i == len(PANELS) - 1)
    axes.set_xlabel("day")
    figure.align_ylabels()
    return figure


def _signal(axes: Axes, results: Results, curves: pd.DataFrame, name: str) -> None:
    """Along the runs as lines with bands, across replicates as dots."""
    for (arm, kind), rows in curves.groupby(["arm", "kind"], sort=False):
        colour, days = arm_colour(results, str(arm)), rows["day"].to_numpy(np.float64)
        if kind == "along":
            axes.fill_between(days, rows[f"{name}_low"], rows[f"{name}_high"], color=colour, alpha=0.18, lw=0, zorder=2)
        across: dict[str, Any] = {"ls": DOTS, "lw": 0.9, "alpha": 0.8}
        look = {"ls": arm_dash(results, str(arm)), "lw": 1.6} if kind == "along" else across
        axes.plot(days, rows[name], color=colour, zorder=4, label=f"{arm}, {kind}", **look)
    if name == "variance":
        axes.set_ylim(bottom=0.0)
    else:
        lowest = curves.loc[curves["kind"] == "along", name].min()  # a dip of the dots on one day may be cut
        axes.set_ylim(min(0.0, 1.1 * lowest) if lowest < 0.0 else 0.0, 1.04)
        axes.axhline(0.0, color=FAINT, lw=0.6, zorder=1)
    plain(axes)


def _caption(results: Results, tissue: str, tipped: pd.DataFrame) -> str:
    counts = [int(n) for n in tipped["n"]] or [0]
    where = f", {tissue}" if len(results.tissues) > 1 else ""
    lag, window = float(tipped["lag"].iloc[0]), float(tipped["window"].iloc[0])
    told = [f"{arm} {row.value:.3g} % in {row.runs} of {row.n}" for arm, row in tipped.iterrows() if row["runs"]]
    behind = f" Removal stays behind production from a burden of: {', '.join(told)}." if told else ""
    band = bands_in_words(max(counts), len(counts))
    return (
        f"{results.manifest['scenario']}{where}: burden, {band}{several(counts, 'replicate')} "
        f"per arm. Lines: about the straight trend in windows of {window:.3g} d that end on the day, mean of the "
        "replicates with 95 % interval; dotted: across replicates on the day. Autocorrelation: with "
        f"{lag:.3g} d before.{behind}"
    )
