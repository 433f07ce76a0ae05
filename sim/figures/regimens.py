"""The calendar of doses as a figure of its own: a row for every treatment of every arm."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from sim.analysis.treatment import dose_table
from sim.errors import ResultsError
from sim.figures.curves import first_and_last
from sim.figures.doses import PALEST, bars
from sim.figures.layout import EDGE, fitted, page, place, plain, text_height, text_width, write
from sim.figures.style import FAINT, SMALL, arm_colour, our_look, readable
from sim.results import Results

WIDTH, BELOW, ROW = 4.0, 0.45, 0.24  # inch
TALL = 0.32  # half the height of a tick, in rows


@our_look()
def regimens(results: Results) -> Figure:
    """Which doses were given on which days: a row per arm and treatment, drug and amount beside it.

    Paler ticks were given to some of the replicates only; grey crosses are planned doses that nobody was given.

    Parameters
    ----------
    results : Results
        Tables of an experiment.

    Raises
    ------
    ResultsError
        If no arm has a regimen.
    """
    table = dose_table(results)
    if table.empty:
        raise ResultsError("regimens: results: must hold a dose, got none")
    arms = [arm for arm in results.arms if (table["arm"] == arm).any()]
    table = table.sort_values("arm", key=lambda names: names.map(arms.index), kind="stable", ignore_index=True)
    names = [fitted(arm, 1.4) for arm in table["arm"]]
    given = [fitted(f"{row.drug} {row.amount:g} {row.unit}, {row.route}", 2.2, SMALL) for row in table.itertuples()]
    row = max(ROW, *(text_height(name) + 0.03 for name in names), *(text_height(each, SMALL) + 0.03 for each in given))
    left = EDGE + max(map(text_width, names)) + 0.1
    right = 0.1 + max(text_width(each, SMALL) for each in given) + EDGE
    height = row * len(table)
    figure, foot = page(results, left + WIDTH + right, BELOW + height + 0.05, _caption(results, table))
    axes = place(figure, left, foot + BELOW, WIDTH, height)
    axes.set(xlim=_days(results), ylim=(len(table) - 0.5, -0.5), xlabel="day")
    plain(axes)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    for i, name in enumerate(names):
        arm, y = str(table["arm"][i]), foot + BELOW + height - (i + 0.5) * row
        write(figure, left - 0.1, y, name, ha="right", va="center_baseline", color=readable(arm_colour(results, arm)))
        write(figure, left + WIDTH + 0.1, y, given[i], va="center_baseline", size=SMALL)
        _row(axes, results, table.loc[i], i)
    return figure


def _days(results: Results) -> tuple[float, float]:
    rows = results.timeseries if len(results.timeseries) else results.doses
    return first_and_last([rows.set_index("day")])


def _row(axes: Axes, results: Results, what: pd.Series, i: int) -> None:
    """The doses of one treatment of an arm."""
    doses, arm = results.doses, str(what["arm"])
    mine = doses[(doses["arm"] == arm) & (doses["treatment"] == what["treatment"]) & (doses["drug"] == what["drug"])]
    n = max(1, results.timeseries.loc[results.timeseries["arm"] == arm, "replicate"].nunique())
    shares = mine[mine["status"] == "given"].groupby("day")["replicate"].nunique() / n
    first, last = axes.get_xlim()
    colour = arm_colour(results, arm)
    for start, length, share in bars(shares, (last - first) / (72.0 * WIDTH)):
        paint = to_rgba(colour, PALEST + (1.0 - PALEST) * share)
        axes.broken_barh([(start, length)], (i - TALL, 2.0 * TALL), facecolors=[paint], lw=0, clip_on=False)
    never = np.setdiff1d(mine["day"].to_numpy(np.float64), shares.index.to_numpy(np.float64))
    axes.plot(never, np.full(never.size, i), ls="", marker="x", ms=3.0, mew=0.7, color=FAINT, clip_on=False)


def _caption(results: Results, table: pd.DataFrame) -> str:
    skipped = " Crosses: planned, and given to nobody." if table["skipped"].any() else ""
    some = " Paler: to some of the replicates." if (table["fewest"] < table["most"]).any() else ""
    return f"{results.manifest['scenario']}: doses given.{some}{skipped}"
