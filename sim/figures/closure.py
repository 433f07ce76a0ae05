"""How a wound closes: the share of its sites that is still vacant, one line per arm."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure

from sim.analysis import times
from sim.analysis.paired import one_of
from sim.errors import ResultsError
from sim.figures.curves import (
    bands_in_words,
    by_replicate,
    dashes_in_words,
    draw_arms,
    medians_at_end,
    thin_lines_in_words,
)
from sim.figures.doses import Calendar
from sim.figures.layout import EDGE, LABEL_GAP, end_labels, fitted, page, place, several, text_height, text_width
from sim.figures.style import FAINT, arm_colour, our_look, readable
from sim.results import Results

LEFT, BELOW, ABOVE = 0.6, 0.45, 0.1  # inch around the panel
Floats = npt.NDArray[np.float64]

ZOOM = 1.3  # times the longest healing: where the axis of time ends
WIDTH, HEIGHT = 2.9, 2.6  # inch, of the panel


@our_look()
def closure(results: Results, event: str | None = None) -> Figure:
    """Share of a wound that is still open from the wound on until all arms have closed it, and when 90 % are closed.

    Parameters
    ----------
    results : Results
        Tables of an experiment.
    event : str, optional
        The wound; the first one if not given.

    Raises
    ------
    ResultsError
        If there is no such wound.
    """
    known = times.wounds(results)
    if not known:
        raise ResultsError("closure: none kept: a wound, the scenario has none")
    event = known[0] if event is None else one_of(event, known, "closure: event")
    ends = times.closure(results, event)
    since = _wounded(results, event, ends)
    lines = _lines(results, f"open_{event}", since, ends["healing"].to_numpy(np.float64))
    healing = ends.dropna(subset="healing").groupby("arm")["healing"]
    median = {str(arm): float(np.median(days)) for arm, days in healing}
    names = {arm: fitted(arm, 1.5) + _in_words(median.get(arm, math.nan)) for arm in lines}
    label = LABEL_GAP + max((text_width(name) for name in names.values()), default=0.0)
    calendar = Calendar(results, list(lines), label, since=since)
    size = (WIDTH, max(HEIGHT, sum(text_height(name) + 0.01 for name in names.values())))
    width, height = LEFT + WIDTH + label + EDGE, BELOW + size[1] + calendar.height + ABOVE
    figure, foot = page(results, width, height, _caption(results, event, lines) + calendar.in_words())
    axes = place(figure, LEFT, foot + BELOW, *size)
    draw_arms(axes, results, lines, dashed=True)
    axes.axhline(times.CLOSED, color=FAINT, lw=0.6, ls=(0, (4, 2)), zorder=1)
    axes.set(ylim=(0.0, 106.0), xlabel="days since the wound", ylabel=f"{event}: sites still open (%)")
    inks = [readable(arm_colour(results, arm)) for arm in lines]
    end_labels(axes, size, medians_at_end(lines), list(names.values()), inks, [arm_colour(results, a) for a in lines])
    calendar.draw(figure, axes, LEFT, foot + BELOW + size[1], WIDTH)
    return figure


def _in_words(day: float) -> str:
    """The days until closure behind a name; nothing where rows are so far apart that none shows the open wound."""
    if math.isnan(day):
        return ""
    return f"\N{NO-BREAK SPACE} {day:.1f} d" if math.isfinite(day) else "\N{NO-BREAK SPACE} open"


def _wounded(results: Results, event: str, ends: pd.DataFrame) -> dict[str, float]:
    """The day of the wound in the arms that have it, the first of the replicates."""
    rows = results.timeseries
    seen = rows[rows[f"open_{event}"] > 0.0].groupby("arm")["day"].min()
    first = ends.groupby("arm")["wounded"].min().dropna()  # none where rows never show it wide open
    return {arm: float(first.get(arm, seen[arm])) for arm in results.arms if arm in seen}


def _lines(results: Results, column: str, since: dict[str, float], healing: Floats) -> dict[str, pd.DataFrame]:
    """The open share by arm and day since the wound, from the tissue that was wounded, until all have closed."""
    table = results.timeseries.groupby(["arm", "replicate", "day"], sort=False)[column].max().reset_index()
    table["day"] -= table["arm"].map(since)
    healing = healing[~np.isnan(healing)]
    until = ZOOM * float(healing.max()) if healing.size else math.inf
    table = table[(table["day"] >= 0.0) & (table["day"] <= until)]
    return {arm: by_replicate(table[table["arm"] == arm], column) for arm in since}


def _caption(results: Results, event: str, lines: dict[str, pd.DataFrame]) -> str:
    counts = [wide.shape[1] for wide in lines.values()] or [0]
    most, arms = max(counts), len(counts)
    return (
        f"{results.manifest['scenario']}: sites of {event} that are still vacant, {bands_in_words(most, arms)}"
        f"{several(counts, 'replicate')} per arm{thin_lines_in_words(most, arms)}. Dashed: 90 % closed; "
        "beside the names: median time to it."
        f"{dashes_in_words([lines])}"
    )
