"""How soon a treatment is undone: time to 50 % rebound of burden and of a factor after the last dose, arm by arm."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.analysis import treatment
from sim.analysis.paired import baseline_words, baselines, chosen_tissue
from sim.analysis.rebound import rebound as rebounds
from sim.analysis.rebound import rebound_by_arm, rebound_in_words
from sim.figures.layout import EDGE, page, text_width
from sim.figures.rows import Rows, finish
from sim.figures.style import SMALL, TEXT, arm_colour, our_look, readable
from sim.results import Results

WIDTH, ABOVE = 2.2, 0.25  # inch: a panel, and its title


@our_look()
def rebound(results: Results, tissue: str | None = None, factor: str | None = None) -> Figure:
    """Time after the last dose until the treated arm has come back half of the way, in burden and a factor.

    The effect is the reduction against the same replicate of the baseline; see `sim.analysis.rebound.rebound`.

    Parameters
    ----------
    results : Results
        Tables of an experiment.
    tissue : str, optional
        The first one if not given.
    factor : str, optional
        SASP if not given, or else the first factor.

    Raises
    ------
    ResultsError
        If there is no such tissue or factor.
    """
    tissue = chosen_tissue(results, tissue, "rebound")
    factor = treatment.main_factor(results) if factor is None else factor
    outcomes = {"burden": "burden"} | ({f"mean_{factor}": f"mean {factor}"} if factor is not None else {})
    found = {outcome: rebound_by_arm(results, tissue, outcome) for outcome in outcomes}
    arms = [arm for arm in results.arms if arm in found["burden"].index] or list(baselines(results))
    rows = Rows(results, arms)
    words = {outcome: {arm: rebound_in_words(row) for arm, row in table.iterrows()} for outcome, table in found.items()}
    beside = 0.1 + max((text_width(text, SMALL) for each in words.values() for text in each.values()), default=0.0)
    block = WIDTH + beside + 0.15
    width = rows.left + len(outcomes) * block + EDGE
    label = rows.label("time after the last dose (d)", WIDTH)
    figure, foot = page(results, width, rows.below + rows.height + ABOVE, _caption(results, tissue))
    rows.name(figure, foot + rows.below)
    runs = {outcome: rebounds(results, outcome) for outcome in outcomes}
    last = max((float(table["observed"].max()) for table in found.values() if len(table)), default=1.0)
    for i, (outcome, title) in enumerate(outcomes.items()):
        axes = rows.panel(figure, rows.left + i * block, foot + rows.below, WIDTH, label)
        axes.set_title(title, loc="left", weight="bold", size=TEXT)
        axes.set_xlim(0.0, 1.04 * last if last > 0.0 else 1.0)
        here = runs[outcome][runs[outcome]["tissue"] == tissue]
        for arm, row in found[outcome].iterrows():
            _row(axes, rows, str(arm), row, here[here["arm"] == arm])
            ink = readable(arm_colour(results, str(arm)))
            x = 1.0 + 0.1 / WIDTH
            axes.text(x, rows.place(str(arm)), words[outcome][arm], size=SMALL, color=ink, va="center_baseline",
                      transform=axes.get_yaxis_transform())  # fmt: skip
        finish(axes)
    return figure


def _row(axes: Axes, rows: Rows, arm: str, row: pd.Series, runs: pd.DataFrame) -> None:
    """Replicates, with open triangles where the run ended before; the median as a larger mark."""
    if not row["clear"] or row["to_the_end"]:
        return
    y, colour = rows.place(arm), arm_colour(rows.results, arm)
    times = runs["rebound"].to_numpy(np.float64)
    rows.points(axes, arm, np.where(np.isinf(times), np.nan, times))
    if math.isfinite(row["median"]):
        axes.plot([row["low"], min(row["high"], row["observed"])], [y, y], color=colour, lw=1.6, zorder=4)
        axes.plot([row["median"]], [y], ls="", marker="o", ms=5.5, mfc=colour, mec="white", mew=0.8, zorder=5)
        return
    open_end: dict[str, Any] = {"marker": ">", "ms": 5.5, "mfc": "white", "mec": colour, "clip_on": False}
    axes.plot([0.0, row["observed"]], [y, y], color=colour, lw=0.8, ls=(0, (1.5, 1.5)), zorder=2)
    axes.plot([row["observed"]], [y], ls="", zorder=5, **open_end)


def _caption(results: Results, tissue: str) -> str:
    where, base = f", {tissue}" if len(results.tissues) > 1 else "", baseline_words(results)
    return (
        f"{results.manifest['scenario']}{where}: time after the last dose until half of the reduction against the "
        f"same replicate of {base} is lost and the arm itself has risen by as much. Large: median; line: "
        "central 80 %; points: replicates. Open triangle: most had not when the run ended. Faded: the reduction halved "
        f"because {base} fell. No clear reduction: the 95 % interval of the reduction over time holds 0."
    )
