"""What treatments achieved: burden on the last day and exposure to a factor, arm by arm, and against the baseline."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.analysis import treatment
from sim.analysis.paired import baseline_words, chosen_tissue, effects, last_day
from sim.figures.layout import EDGE, page, several
from sim.figures.rows import Floats, Rows, finish
from sim.figures.style import TIMES, our_look
from sim.results import Results

VALUES, DIFFERENCES, BETWEEN = 2.0, 1.6, 0.3  # inch: widths of the panels, and white between them


@our_look()
def exposure(results: Results, tissue: str | None = None, factor: str | None = None) -> Figure:
    """Burden on the last day and exposure to a factor over the run, with paired differences.

    Points are replicates, marks their mean with its 95 % t interval. Exposure is the area under the mean level.

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
    tissue = chosen_tissue(results, tissue, "exposure")
    factor = treatment.main_factor(results) if factor is None else factor
    table, labels = last_day(results)[[*treatment.RUN, "burden"]], {"burden": ("burden on the last day", "%")}
    if factor is not None:
        table = table.merge(treatment.exposure(results, factor), on=treatment.RUN)
        labels["exposure"] = (
            f"exposure to {factor}",
            f"% burden {TIMES} d".replace(" ", "\N{NO-BREAK SPACE}"),
        )  # in one line
    here = table[table["tissue"] == tissue]
    arms = [arm for arm in results.arms if (here["arm"] == arm).any()]
    rows, several_arms = Rows(results, arms), len(arms) > 1
    block = VALUES + BETWEEN + several_arms * (DIFFERENCES + BETWEEN)
    width = rows.left + len(labels) * block - BETWEEN + 2 * EDGE
    below = {name: rows.label(f"{words} ({unit})", VALUES) for name, (words, unit) in labels.items()}
    units = {name: "points" if unit == "%" else unit for name, (_, unit) in labels.items()}
    base = baseline_words(results)
    beside = {name: rows.label(f"difference from {base} ({unit})", DIFFERENCES) for name, unit in units.items()}
    figure, foot = page(results, width, rows.below + rows.height, _caption(results, here, tissue))
    rows.name(figure, foot + rows.below)
    for i, column in enumerate(labels):
        left = rows.left + i * block
        axes = rows.panel(figure, left, foot + rows.below, VALUES, below[column])
        values = {arm: _values(here, arm, column) for arm in arms}
        rows.values(axes, {arm: each for arm, each in values.items() if each.size})
        if several_arms:
            against = effects(results, table, [column])
            axes = rows.panel(figure, left + VALUES + BETWEEN, foot + rows.below, DIFFERENCES, beside[column])
            _differences(axes, rows, against[against["tissue"] == tissue])
    return figure


def _values(table: pd.DataFrame, arm: str, column: str) -> Floats:
    """One value per replicate; none where the arm does not have the factor."""
    return table.loc[table["arm"] == arm, column].dropna().to_numpy(np.float64)


def _differences(axes: Axes, rows: Rows, against: pd.DataFrame) -> None:
    against = against[against["n"] > 0]
    for row in against.itertuples():
        rows.mean(axes, row.arm, row.difference, (row.difference_low, row.difference_high))
    ends = against[["difference", "difference_low", "difference_high"]].to_numpy(np.float64)
    low, high = (min(0.0, float(np.nanmin(ends))), max(0.0, float(np.nanmax(ends)))) if ends.size else (0.0, 0.0)
    room = 0.06 * (high - low) or 1.0
    axes.set_xlim(low - room, high + room)
    finish(axes, at=0.0)


def _caption(results: Results, here: pd.DataFrame, tissue: str) -> str:
    where = f", {tissue}" if len(results.tissues) > 1 else ""
    counts = [int(n) for n in here.groupby("arm", sort=False)["replicate"].nunique()]
    pairs = f" Differences are paired: an arm less the same replicate of {baseline_words(results)}."
    return (
        f"{results.manifest['scenario']}{where}: {several(counts, 'replicate')} per arm (points), mean and 95 % "
        f"interval.{pairs if len(counts) > 1 else ''} Exposure: area under the mean level; 1 % burden {TIMES} d is "
        "what a uniform burden of 1 % gives in a day."
    )
