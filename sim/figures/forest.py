"""Effects of all arms in one look: paired differences from the baseline with their intervals, a panel per outcome."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.analysis.compare import compare
from sim.analysis.outcomes import unit
from sim.analysis.paired import baseline_words, one_of
from sim.errors import ResultsError
from sim.figures.layout import EDGE, fitted, page, several, text_height, text_width
from sim.figures.rows import Rows, finish
from sim.figures.style import MINUS, SMALL, TEXT, arm_colour, our_look, readable
from sim.results import Results

WIDTH, BETWEEN = 2.2, 0.25  # inch: a panel, and white behind its numbers


@our_look()
def forest(
    results: Results,
    baseline: str | None = None,
    outcomes: Sequence[str] = ("burden",),
    tissue: str | None = None,
) -> Figure:
    """Paired differences from the baseline, arms as rows and outcomes as panels; tissues below one another.

    Parameters
    ----------
    results : Results
        Tables of an experiment.
    baseline : str, optional
        As in `sim.compare`.
    outcomes : sequence of str
        As in `sim.compare`.
    tissue : str, optional
        This tissue only.

    Raises
    ------
    ResultsError
        If there is no such arm, outcome or tissue, or only one arm.
    """
    tissues = results.tissues if tissue is None else [one_of(tissue, results.tissues, "forest: tissue")]
    effects = compare(results, baseline, outcomes)
    if effects.empty:
        raise ResultsError("forest: arms: must be at least two to compare, got one")
    effects = effects[effects["tissue"].isin(tissues)]
    outcomes = list(effects["outcome"].unique())
    rows, base = Rows(results, list(effects["arm"].unique())), baseline_words(results, baseline)
    labels = {name: rows.label(_label(name, base), WIDTH) for name in outcomes}
    titles = {name: fitted(name, WIDTH, TEXT, "bold") for name in outcomes}
    above = max(text_height(title) for title in titles.values()) + 0.08
    words = effects.apply(_in_words, axis="columns")
    beside = 0.1 + words.map(lambda text: text_width(text, SMALL)).groupby(effects["outcome"]).max()
    heading = text_height("x") + 0.05 if len(tissues) > 1 else 0.0
    block = heading + above + rows.height + rows.below
    width = rows.left + sum(WIDTH + beside[name] + BETWEEN for name in outcomes) - BETWEEN + EDGE
    figure, foot = page(results, max(width, 4.0), len(tissues) * block, _caption(results, effects, base, tissues))
    for i, each in enumerate(tissues):
        bottom, left = foot + (len(tissues) - 1 - i) * block + rows.below, rows.left
        rows.name(figure, bottom)
        for name in outcomes:
            here = effects[(effects["tissue"] == each) & (effects["outcome"] == name)]
            axes = rows.panel(figure, left, bottom, WIDTH, labels[name])
            place = f"{each}\n" if len(tissues) > 1 and name == outcomes[0] else ""
            axes.set_title(place + titles[name], loc="left", weight="bold", size=TEXT)
            _draw(axes, rows, here, words)
            left += WIDTH + beside[name] + BETWEEN
    return figure


def _draw(axes: Axes, rows: Rows, effects: pd.DataFrame, words: pd.Series) -> None:
    """Marks with their intervals, and the numbers right of them."""
    for index, row in effects.iterrows():
        arm, ink = str(row["arm"]), readable(arm_colour(rows.results, str(row["arm"])))
        if row["n"]:
            rows.mean(axes, arm, row["difference"], (row["difference_low"], row["difference_high"]))
        axes.text(1.0 + 0.1 / WIDTH, rows.place(arm), words[index], size=SMALL, color=ink, va="center_baseline",
                  transform=axes.get_yaxis_transform())  # fmt: skip
    ends = effects[["difference", "difference_low", "difference_high"]].to_numpy(np.float64)
    ends = np.append(ends[np.isfinite(ends)], 0.0)
    room = 0.06 * float(np.ptp(ends)) or 1.0
    axes.set_xlim(ends.min() - room, ends.max() + room)
    finish(axes, at=0.0)


def _in_words(row: pd.Series) -> str:
    """Difference, interval and number of pairs."""
    if not row["n"]:
        return "no pairs"
    ends = [row["difference_low"], row["difference_high"]]
    interval = f" ({', '.join(_number(end) for end in ends)})" if math.isfinite(ends[0]) else ""
    return f"{_number(row['difference'], '+')}{interval}  n {row['n']}".replace("-", MINUS)


def _number(value: float, sign: str = "") -> str:
    """Three digits, or all in front of the point."""
    return f"{value:{sign}.0f}" if abs(value) >= 1000.0 else f"{value:{sign}.3g}"


def _label(outcome: str, baseline: str) -> str:
    words = unit(outcome)
    words = "points" if words == "%" else words
    return f"difference from {baseline}{f' ({words})' if words else ''}"


def _caption(results: Results, effects: pd.DataFrame, base: str, tissues: Sequence[str]) -> str:
    where = f", {tissues[0]}" if len(tissues) < len(results.tissues) else ""
    counts = [int(n) for n in effects["n"] if n] or [0]
    lost = (
        " Pairs are missing where a replicate did not finish or has no such outcome."
        if effects["missing"].any()
        else ""
    )
    return (
        f"{results.manifest['scenario']}{where}: paired differences from {base}, mean and 95 % "
        f"t interval of {several(counts, 'pair')} of replicates (n).{lost}"
    )
