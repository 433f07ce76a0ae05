"""How long arms share their luck: how many times fewer replicates a paired difference needs, over time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.analysis.luck import shared_luck
from sim.analysis.paired import baseline_words, one_of
from sim.errors import ResultsError
from sim.figures.doses import Calendar
from sim.figures.layout import EDGE, LABEL_GAP, end_labels, fitted, page, place, plain, several, text_height, text_width
from sim.figures.style import FAINT, SMALL, arm_colour, arm_dash, our_look, readable
from sim.results import Results

LEFT, BELOW, ABOVE = 0.85, 0.45, 0.1  # inch around the panel
WIDTH, HEIGHT = 2.9, 2.4  # inch, of the panel


@our_look()
def luck(results: Results, tissue: str | None = None, outcome: str = "burden", baseline: str | None = None) -> Figure:
    """Variance of an unpaired over that of the paired difference from the baseline, over time, one line per arm.

    Parameters
    ----------
    results : Results
        Tables of an experiment.
    tissue : str, optional
        The first one if not given.
    outcome : str
        Column of ``results.timeseries``.
    baseline : str, optional
        As in `sim.compare`.

    Raises
    ------
    ResultsError
        If there is no such tissue, column or arm, or no two pairs of replicates.
    """
    tissue = results.tissues[0] if tissue is None else one_of(tissue, results.tissues, "luck: tissue")
    table = shared_luck(results, outcome, baseline)
    table = table[(table["tissue"] == tissue) & table["ratio"].notna()]
    if table.empty:
        raise ResultsError(f"luck: none kept: two pairs of replicates that vary in {outcome}")
    arms = [arm for arm in results.arms if (table["arm"] == arm).any()]
    names = {arm: fitted(arm, 1.5) for arm in arms}
    label = LABEL_GAP + max(text_width(name) for name in names.values())
    size = (WIDTH, max(HEIGHT, sum(text_height(name) + 0.01 for name in names.values())))
    calendar = Calendar(results, arms, label)
    caption = _caption(results, table, tissue, outcome, baseline_words(results, baseline)) + calendar.in_words()
    figure, foot = page(results, LEFT + WIDTH + label + EDGE, BELOW + size[1] + calendar.height + ABOVE, caption)
    axes = place(figure, LEFT, foot + BELOW, *size)
    ends = _draw(axes, results, table, arms)
    inks, lines = [readable(arm_colour(results, arm)) for arm in arms], [arm_colour(results, arm) for arm in arms]
    end_labels(axes, size, ends, list(names.values()), inks, lines)
    calendar.draw(figure, axes, LEFT, foot + BELOW + size[1], WIDTH)
    return figure


def _draw(axes: Axes, results: Results, table: pd.DataFrame, arms: list[str]) -> list[tuple[float, float]]:
    """Lines in powers of ten; what is infinite lies on a line of its own above them. Returns where they end."""
    finite = table["ratio"][np.isfinite(table["ratio"])]
    high = np.ceil(np.log10(max(10.0, finite.max() if len(finite) else 10.0)))
    low = min(0.0, np.floor(np.log10(finite.min()))) if len(finite) and finite.min() > 0.0 else 0.0
    top, ends = high + 0.35, []
    for arm in arms:
        rows = table[table["arm"] == arm]
        with np.errstate(divide="ignore"):
            heights = np.log10(rows["ratio"].to_numpy(np.float64))
        heights = np.where(np.isposinf(heights), top, np.maximum(heights, low))
        days = rows["day"].to_numpy(np.float64)
        axes.plot(days, heights, color=arm_colour(results, arm), ls=arm_dash(results, arm), lw=1.4, label=arm,
                  marker="o" if len(days) == 1 else "")  # fmt: skip
        ends.append((float(days[-1]), float(heights[-1])))
    first, last = float(table["day"].min()), float(table["day"].max())
    axes.set(xlim=(first, last if last > first else first + 1.0), ylim=(low - 0.15, top + 0.15))
    plain(axes)
    powers = np.arange(low, high + 1.0)
    axes.set_yticks([*powers, top], [*(f"{10.0**power:g}" for power in powers), "infinite"])
    axes.axhline(0.0, color=FAINT, lw=0.6, zorder=1)
    axes.set(xlabel="day", ylabel="times fewer replicates than unpaired")
    axes.tick_params(axis="y", labelsize=SMALL)
    return ends


def _caption(results: Results, table: pd.DataFrame, tissue: str, outcome: str, baseline: str) -> str:
    where = f", {tissue}" if len(results.tissues) > 1 else ""
    return (
        f"{results.manifest['scenario']}{where}: variance of the difference in {outcome} from {baseline} between "
        f"independent runs, over that between runs that share their luck; {several(list(table['n']), 'pair')} of "
        "replicates. Infinite: the difference is the same in every pair. Grey line: pairing gains nothing."
    )
