"""How senescent cells stand to one another: their pair correlation against that of random labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from sim.analysis.patterns import Patterns
from sim.errors import ResultsError
from sim.figures.layout import EDGE, LABEL_GAP, end_labels, fitted, page, place, plain, several, text_height, text_width
from sim.figures.style import FAINT, INK, TEXT, Source, arm_colour, our_look, readable, sequential

LEFT, BELOW = 0.75, 0.45  # inch around a panel
WIDTH, HEIGHT = 2.6, 2.0  # inch, of a panel
LABEL = "pair correlation over that of random labels"


@our_look()
def pair_correlation(found: Patterns, name: str, results: Source | None = None, tissue: str | None = None) -> Figure:
    """Pair correlation of senescent cells over that of random labels: 1 is no pattern, above 1 are clusters.

    One panel for a table of cells; of stored maps (`results`) a panel per arm and a line per day, mean of the
    replicates. The band holds 95 % of random labels, of the last day.

    Parameters
    ----------
    found : Patterns
        See `sim.analysis.patterns`.
    name : str
        What it is of, for the caption.
    results : Results, optional
        Where the maps are from.
    tissue : str, optional
        Of those with maps; the first one if not given.

    Raises
    ------
    ResultsError
        If nowhere two senescent cells are left.
    """
    table = _relative(found.pair_correlation)
    if tissue is not None:
        table = table[table["tissue"] == tissue]
    if table.empty:
        raise ResultsError(f"{name}: pair_correlation: must have two senescent cells or more, got fewer")
    if results is None:
        panels = {"": table.assign(day=0.0, replicate=0)}
    else:
        table = table[table["tissue"] == table["tissue"].iloc[0]]
        panels = {arm: rows for arm in results.arms if len(rows := table[table["arm"] == arm])}
    days = sorted({float(day) for rows in panels.values() for day in rows["day"]})
    names = [f"day {day:g}" if results is not None else "" for day in days]
    label = LABEL_GAP + max(text_width(each) for each in names) if results is not None else EDGE
    titles = {arm: fitted(arm, WIDTH, TEXT, "bold") for arm in panels}
    above = 0.15 + max(text_height(each) for each in titles.values())
    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    width, height = LEFT + WIDTH + label + EDGE, BELOW + HEIGHT + above
    figure, foot = page(results, max(3.6, columns * width), lines * height, _caption(name, panels, results is not None))
    shades = sequential(0)(np.linspace(0.8, 0.1, len(days)))
    curves = {
        arm: {day: _mean(rows[rows["day"] == day]) for day in days if (rows["day"] == day).any()}
        for arm, rows in panels.items()
    }
    limits = _limits([curve for each in curves.values() for curve in each.values()])
    for i, (arm, by_day) in enumerate(curves.items()):
        line, column = divmod(i, columns)
        axes = place(figure, column * width + LEFT, foot + (lines - 1 - line) * height + BELOW, WIDTH, HEIGHT)
        axes.set(xlim=limits[0], ylim=limits[1], xlabel="distance (µm)", ylabel=fitted(LABEL, HEIGHT))
        inks = [to_hex(shades[days.index(day)]) for day in by_day]
        _draw(axes, list(by_day.values()), inks)
        if results is not None:
            ends = [(float(each.index[-1]), float(each["ratio"].iloc[-1])) for each in by_day.values()]
            shown = [names[days.index(day)] for day in by_day]
            end_labels(axes, (WIDTH, HEIGHT), ends, shown, [readable(ink) for ink in inks], inks)
            ink = readable(arm_colour(results, arm))
            axes.set_title(titles[arm], loc="left", weight="bold", size=TEXT, color=ink)
    return figure


def _relative(table: pd.DataFrame) -> pd.DataFrame:
    """Ratio to random labels and half the width of their band, where any two cells are that far apart."""
    table = table[(table["expected"] > 0.0) & table["senescent"].notna()]
    return table.assign(
        r=(table["r_low"] + table["r_high"]) / 2.0,
        ratio=table["senescent"] / table["expected"],
        half=(table["high"] - table["expected"]) / table["expected"],
    )


def _mean(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean of the replicates by distance; the band of a mean of n independent ones is narrower by sqrt(n)."""
    by_r = rows.groupby("r")
    n = by_r["half"].count()
    half = np.sqrt(by_r["half"].agg(lambda each: float((each**2).mean())) / n)
    return pd.DataFrame({"ratio": by_r["ratio"].mean(), "half": half})


def _draw(axes: Axes, curves: list[pd.DataFrame], inks: list[str]) -> None:
    axes.axhline(1.0, color=FAINT, lw=0.6, zorder=1)
    band = curves[-1]
    r = band.index.to_numpy(np.float64)
    axes.fill_between(r, np.maximum(1.0 - band["half"], 0.0), 1.0 + band["half"], color="#D9D9D9", lw=0, zorder=0)
    for curve, ink in zip(curves, inks, strict=True):
        x, y = curve.index.to_numpy(np.float64), curve["ratio"].to_numpy(np.float64)
        axes.plot(x, y, color=ink if len(curves) > 1 else INK, lw=1.3, marker="o", ms=2.5, zorder=3)
    plain(axes)


def _limits(curves: list[pd.DataFrame]) -> tuple[tuple[float, float], tuple[float, float]]:
    rows = pd.concat(curves)
    most = max(float(rows["ratio"].max()), 1.0 + min(1.0, float(rows["half"].max())))
    return (0.0, 1.03 * float(rows.index.max())), (0.0, 1.06 * most)


def _caption(name: str, panels: dict[str, pd.DataFrame], of_maps: bool) -> str:
    n = [int(rows["replicate"].nunique()) for rows in panels.values()]
    which = f", mean of {several(n, 'replicate')}" if max(n) > 1 else ""
    return (
        f"{name}: pair correlation of senescent cells{which}, over that of as many labels dealt out at random among "
        f"the cells: 1 is no pattern, above 1 are clusters. Grey: 95 % of random labels at each distance by "
        f"itself{', last day' * of_maps}."
    )
