"""Effects of all arms in one look: paired differences from the baseline with their intervals, a panel per outcome."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

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
ACROSS = 3  # outcomes side by side


@our_look()
def forest(
    results: Results,
    baseline: str | None = None,
    outcomes: Sequence[str] = ("burden",),
    tissue: str | None = None,
) -> Figure:
    """Paired differences from the baseline, arms as rows; a panel for each tissue and outcome.

    At most three panels stand side by side. Outcomes of the individual stand behind those of tissues, as ``body``.

    Parameters
    ----------
    results : Results
        Tables of an experiment.
    baseline : str, optional
        As in `sim.compare`.
    outcomes : sequence of str
        As in `sim.compare`.
    tissue : str, optional
        This tissue only; or ``body``.

    Raises
    ------
    ResultsError
        If there is no such arm, outcome or tissue, or only one arm.
    """
    effects = compare(results, baseline, outcomes)
    if effects.empty:
        raise ResultsError("forest: arms: must be at least two to compare, got one")
    having = list(effects["tissue"].unique())
    tissues = having if tissue is None else [one_of(tissue, having, "forest: tissue")]
    effects = effects[effects["tissue"].isin(tissues)]
    blocks: list[list[tuple[str, str]]] = []
    for each, rows in effects.groupby("tissue", sort=False):
        panels = [(str(each), name) for name in rows["outcome"].unique()]
        if blocks and len(blocks[-1]) + len(panels) <= ACROSS:
            blocks[-1] += panels
        else:
            across = math.ceil(len(panels) / math.ceil(len(panels) / ACROSS))  # rows of about the same length
            blocks += [panels[i : i + across] for i in range(0, len(panels), across)]
    return _drawn(results, effects, blocks, baseline_words(results, baseline), _where(results, having, tissues))


def _drawn(
    results: Results, effects: pd.DataFrame, blocks: Sequence[Sequence[tuple[str, str]]], base: str, where: str
) -> Figure:
    """A page of panels (tissue, outcome), some of them side by side."""
    outcomes, rows = list(effects["outcome"].unique()), Rows(results, list(effects["arm"].unique()))
    labels = {name: rows.label(_label(results, name, base), WIDTH) for name in outcomes}
    titles = {name: fitted(name, WIDTH, TEXT, "bold") for name in outcomes}
    words = _in_words(effects)
    beside = 0.1 + words.map(lambda text: text_width(text, SMALL)).groupby(effects["outcome"]).max()
    named = effects["tissue"].nunique() > 1
    above = max(text_height(title) for title in titles.values()) + 0.08 + (text_height("x") + 0.05 if named else 0.0)
    block = above + rows.height + rows.below
    widths = [sum(WIDTH + beside[name] + BETWEEN for _, name in panels) for panels in blocks]
    width = rows.left + max(widths) - BETWEEN + EDGE
    figure, foot = page(results, max(width, 4.0), len(blocks) * block, _caption(results, effects, base, where))
    for i, panels in enumerate(blocks):
        bottom, left = foot + (len(blocks) - 1 - i) * block + rows.below, rows.left
        rows.name(figure, bottom)
        for j, (tissue, name) in enumerate(panels):
            axes = rows.panel(figure, left, bottom, WIDTH, labels[name])
            first = named and (j == 0 or panels[j - 1][0] != tissue)
            axes.set_title(f"{tissue}\n" * first + titles[name], loc="left", weight="bold", size=TEXT)
            _draw(axes, rows, effects[(effects["tissue"] == tissue) & (effects["outcome"] == name)], words)
            left += WIDTH + beside[name] + BETWEEN
    return figure


def _where(results: Results, having: Sequence[str], tissues: Sequence[str]) -> str:
    """What a caption says of where the outcomes are."""
    return f", {tissues[0]}" if len(tissues) == 1 and (len(tissues) < len(having) or len(results.tissues) > 1) else ""


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


def _in_words(effects: pd.DataFrame) -> pd.Series:
    """Difference, interval and number of pairs; three digits of the largest number of an outcome tell how many."""
    ends = effects[["difference", "difference_low", "difference_high"]].abs().max(axis=1)
    largest = ends.groupby(effects["outcome"]).transform("max")
    forms = [f"z.{max(0, 2 - math.floor(math.log10(each))) if each > 0.0 else 0}f" for each in largest]
    rows = zip(effects.to_dict("records"), forms, strict=True)
    return pd.Series([_row_in_words(row, form) for row, form in rows], effects.index)


def _row_in_words(row: dict[Any, Any], form: str) -> str:
    if not row["n"]:
        return "no pairs"
    ends = [row["difference_low"], row["difference_high"]]
    interval = f" ({', '.join(f'{end:{form}}' for end in ends)})" if math.isfinite(ends[0]) else ""
    return f"{row['difference']:+{form}}{interval}  n {row['n']}".replace("-", MINUS)


def _label(results: Results, outcome: str, baseline: str) -> str:
    words = unit(outcome, results)
    words = "points" if words == "%" else words
    return f"difference from {baseline}{f' ({words})' if words else ''}"


def _caption(results: Results, effects: pd.DataFrame, base: str, where: str) -> str:
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
