"""The calendar of doses above an axis of time: a row of ticks for every arm that was given some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb, to_rgba

from sim.analysis.treatment import given_doses
from sim.figures.layout import LABEL_GAP, LINE, fitted, place, text_height
from sim.figures.style import Picture, arm_colour, readable
from sim.results import Results

TINY = 6.0  # points, the names beside the rows
TICK = 1.0  # points, width of a tick
CLOSE = 3.0  # points; doses that are closer run together into a bar
GAP = 0.13  # inch between the axes, with the labels of its lines, and the calendar
ROW = 0.09  # inch, a row without a name
DARKER = 0.45  # of the light of an arm: doses of a drug that it gets more rarely than another
PALEST = 0.25  # what one of many replicates still shows of the colour


class Calendar:
    """Doses given, as ticks in the colour of their arm; paler where only some of the replicates got one.

    Attributes
    ----------
    doses : dict of arm to Series
        Share of the replicates that got a dose, by day; only arms with doses.
    height : float
        Room above the axes [inch]; 0 where nobody was given anything.
    """

    def __init__(
        self,
        results: Results,
        arms: Sequence[str],
        names: float = 0.0,
        drug: str | None = None,
        since: Mapping[str, float] | None = None,
    ) -> None:
        """Rows for `arms`, of one `drug` or all; `names` is the width of the labels on the right [inch], or 0.

        `since` is a day in each arm from which its time is counted.
        """
        given = given_doses(results)
        given = given if drug is None else given[given["drug"] == drug]
        given = given if since is None else given.assign(day=given["day"] - given["arm"].map(since))
        self._results = results
        self.doses = {arm: _shares(results, given, arm) for arm in arms if (given["arm"] == arm).any()}
        self._rarer = {arm: _of_rarer_drugs(results, given[given["arm"] == arm], arm) for arm in self.doses}
        room = names - LABEL_GAP
        self.names = {arm: fitted(arm, room, TINY) if names else "" for arm in self.doses}
        self._rows = [text_height(name, TINY) if name else ROW for name in self.names.values()]
        self.height = GAP + sum(self._rows) if self._rows else 0.0

    def draw(self, figure: Picture, axes: Axes, left: float, top: float, width: float) -> None:
        """Above `axes`, whose upper left corner is at (left, top) and that is `width` inches wide."""
        if not self.doses:
            return
        room = self.height - GAP
        strip = place(figure, left, top + GAP, width, room)
        strip.sharex(axes)
        strip.set_ylim(0.0, room)
        strip.tick_params(labelbottom=False, labelleft=False)
        strip.set_axis_off()
        first, last = axes.get_xlim()
        per_point = (last - first) / (72.0 * width)
        above = room
        for (arm, shares), height in zip(self.doses.items(), self._rows, strict=True):
            above -= height
            colour, middle = arm_colour(self._results, arm), above + height / 2.0
            self._ticks(strip, shares, per_point, colour, middle)
            self._ticks(strip, self._rarer[arm], per_point, _darker(colour), middle, taller=0.02)
            beside = last + (LABEL_GAP - 0.18) * (last - first) / width
            ink = readable(colour)
            strip.text(beside, middle, self.names[arm], size=TINY, color=ink, va="center_baseline", linespacing=LINE)

    @staticmethod
    def _ticks(
        strip: Axes, shares: pd.Series, per_point: float, colour: str, middle: float, taller: float = 0.0
    ) -> None:
        first, last = strip.get_xlim()
        drawn = bars(shares[(shares.index >= first) & (shares.index <= last)], per_point)
        paints = [to_rgba(colour, PALEST + (1.0 - PALEST) * share) for _, _, share in drawn]
        rows = (middle - 0.03 - taller, 0.06 + 2.0 * taller)
        if drawn:
            ranges = [(start, length) for start, length, _ in drawn]
            strip.broken_barh(ranges, rows, facecolors=paints, lw=0, clip_on=False)

    def in_words(self) -> str:
        """What a caption adds."""
        if not self.doses:
            return ""
        some = any((shares < 1.0).any() for shares in self.doses.values())
        rarer = any(len(shares) for shares in self._rarer.values())
        more = "; paler: to some of the replicates" if some else ""
        return f" Above: doses given{more}{'; darker: of the drug that the arm gets more rarely' if rarer else ''}."


def bars(shares: pd.Series, per_point: float) -> list[tuple[float, float, float]]:
    """Ticks at the days of `shares`, centred; bars where they are less than `CLOSE` points apart.

    Returns
    -------
    list of (start, length, share)
        In days; a bar goes from the first of its doses to the last, and has one share throughout.
    """
    days, values = shares.index.to_numpy(np.float64), shares.to_numpy(np.float64)
    if not days.size:
        return []
    half = TICK * per_point / 2.0
    ends = np.flatnonzero(np.append((np.diff(days) >= CLOSE * per_point) | (np.diff(values) != 0.0), True))
    starts = np.append(0, ends[:-1] + 1)
    drawn = []
    for start, end in zip(starts, ends, strict=True):
        follows = end + 1 < len(days) and days[end + 1] - days[end] < CLOSE * per_point
        until = days[end + 1] - half if follows else days[end] + half  # another share goes on without a gap
        drawn.append((float(days[start] - half), float(until - days[start] + half), float(values[start])))
    return drawn


def _of_rarer_drugs(results: Results, given: pd.DataFrame, arm: str) -> pd.Series:
    """The shares of all drugs of an arm but the one that it gets on most days."""
    days = given.groupby("drug", sort=False)["day"].nunique()
    return _shares(results, given[given["drug"] != days.idxmax()], arm)


def _darker(colour: str) -> str:
    """Seen on a bar in `colour`, and still its hue."""
    red, green, blue = (DARKER * channel for channel in to_rgb(colour))
    return to_hex((red, green, blue))


def _shares(results: Results, given: pd.DataFrame, arm: str) -> pd.Series:
    """Share of the finished replicates of an arm that got a dose, by day."""
    table = results.timeseries
    n = table.loc[table["arm"] == arm, "replicate"].nunique()
    return given[given["arm"] == arm].groupby("day")["replicate"].nunique() / n
