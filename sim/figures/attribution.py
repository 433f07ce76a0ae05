"""The reproduction number of senescence over time: cells that a senescent cell turns before it goes, by cause."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.analysis.paired import one_of
from sim.analysis.reproduction import ALL, attributed_causes
from sim.analysis.reproduction import reproduction as numbers
from sim.figures.layout import EDGE, LABEL_GAP, end_labels, fitted, page, place, plain, several, text_height, text_width
from sim.figures.style import FAINT, INK, TEXT, arm_colour, cause_colours, our_look, readable
from sim.results import Results

LEFT, BELOW = 0.6, 0.45  # inch for axis labels
MOST = 1.5  # times the largest value: no interval stretches the axis further
WORDS = "all causes"
NUMBER = "R\N{LATIN SUBSCRIPT SMALL LETTER S}"


@our_look()
def reproduction(results: Results, tissue: str | None = None, window: float | None = None) -> Figure:
    """R_s(t) by cause, with a panel for each arm: below the line at 1 senescent cells do not replace themselves.

    A point per window of time, in its middle; the band is the 95 % interval of all causes together. All panels have the
    same axes.

    Parameters
    ----------
    results : Results
        Tables of a scenario with ``record.attribution: true``.
    tissue : str, optional
        The first one if not given.
    window : float, optional
        Length of a window [d]; a tenth of the run if not given.

    Raises
    ------
    ResultsError
        If nothing was attributed, or there is no such tissue.
    """
    tissue = results.tissues[0] if tissue is None else one_of(tissue, results.tissues, "reproduction: tissue")
    causes = attributed_causes(results)
    table = numbers(results, window).query("tissue == @tissue")
    table = table[np.isfinite(table["r"].to_numpy(np.float64))]
    curves = {arm: table[table["arm"] == arm] for arm in results.arms if (table["arm"] == arm).any()}
    seen = [name for name in causes if (table.loc[table["cause"] == name, "r"] > 0.0).any()]
    colours = {name: readable(colour) for name, colour in cause_colours(seen, results.manifest["factors"]).items()}
    labels = {name: fitted(name, 1.4) for name in seen} | {ALL: WORDS}
    label = LABEL_GAP + max(text_width(text) for text in labels.values())
    width = max(4.0, LEFT + 2.4 + label + EDGE)
    titles = {arm: fitted(arm, width - LEFT - 2 * EDGE, TEXT, "bold") for arm in curves}
    above = 0.15 + max((text_height(title) for title in titles.values()), default=0.0)
    columns = min(3 if len(curves) != 4 else 2, max(1, len(curves)))
    rows, height = max(1, math.ceil(len(curves) / columns)), 2.75 + above
    figure, foot = page(results, columns * width, rows * height, _caption(results, tissue, table))
    size = (width - LEFT - label - EDGE, height - BELOW - above)
    for i, (arm, curve) in enumerate(curves.items()):
        row, column = divmod(i, columns)
        axes = place(figure, column * width + LEFT, foot + (rows - 1 - row) * height + BELOW, *size)
        axes.set(xlim=(table["start"].min(), table["day"].max()), ylim=(0.0, _top(table)), xlabel="day",
                 ylabel=f"{NUMBER} (cells turned per senescent cell)")  # fmt: skip
        _draw(axes, curve, {ALL: INK, **colours} if len(seen) > 1 else {ALL: INK}, labels, size)
        axes.set_title(titles[arm], loc="left", weight="bold", size=TEXT, color=readable(arm_colour(results, arm)))
    return figure


def _top(table: pd.DataFrame) -> float:
    """Upper end of the axis: all values, the line at 1, and intervals that are not far beyond."""
    most = float(table["r"].max()) if len(table) else 0.0
    highest = float(table["high"].max()) if table["high"].notna().any() else 0.0
    return 1.06 * max(1.0, most, min(highest, MOST * most))


def _draw(
    axes: Axes, curve: pd.DataFrame, colours: dict[str, str], labels: dict[str, str], size: tuple[float, float]
) -> None:
    axes.axhline(1.0, color=FAINT, lw=0.8, ls=(0, (4, 2)), zorder=1)
    ends, names = [], []
    for name, colour in colours.items():
        rows = curve[curve["cause"] == name]
        middle = (rows["start"] + rows["day"]).to_numpy(np.float64) / 2.0
        r = rows["r"].to_numpy(np.float64)
        if not r.size:
            continue
        if name == ALL:
            axes.fill_between(middle, rows["low"], rows["high"], color=colour, alpha=0.15, lw=0, zorder=2)
        axes.plot(middle, r, color=colour, lw=1.6 if name == ALL else 1.2, marker="o", ms=2.5, zorder=3, label=name)
        ends.append((float(middle[-1]), float(r[-1])))
        names.append(name)
    inks = [colours[name] for name in names]
    end_labels(axes, size, ends, [labels[name] for name in names], inks, inks)
    plain(axes)


def _caption(results: Results, tissue: str, table: pd.DataFrame) -> str:
    counts = [int(n) for n in table.groupby("arm", sort=False)["n"].max()] or [0]
    where = f", {tissue}" if len(results.tissues) > 1 else ""
    band = " Band: 95 % interval (jackknife)." if max(counts) > 1 else ""
    length = float((table["day"] - table["start"]).max()) if len(table) else 0.0
    every = table[table["cause"] == ALL]
    cells = float((every["past"].fillna(0.0) * every["secondaries"]).sum())
    past = 100.0 * cells / float(every["secondaries"].sum()) if every["secondaries"].sum() > 0.0 else 0.0
    return (
        f"{results.manifest['scenario']}{where}: cells turned per senescent cell that goes, in windows of {length:.3g} "
        f"d; {several(counts, 'replicate')} per arm.{band} Senders of {past:.2g} % of these cells were gone already."
    )
