"""The burden of every tissue where it is in the body: a drawn mouse for each arm and day."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sim.analysis.survival import somebody_died
from sim.errors import ResultsError
from sim.figures.layers import bar_width, colour_bar
from sim.figures.layout import EDGE, fitted, keep_apart, page, place, several, text_height, text_width, write
from sim.figures.mouse import HEIGHT, WIDTH, draw_mouse, height_of, named_at, organs_of
from sim.figures.style import FAINT, INK, Picture, arm_colour, our_look, readable, sequential
from sim.results import Results

Floats = npt.NDArray[np.float64]

MOUSE, KEY = 1.45, 2.6  # inch, width of a mouse of the table and of the one with names
GAP, HEAD = 0.12, 0.1  # inch between mice, and above the names of arms
LABEL = "burden (% of resident cells senescent)"
NAMES = "#DDD9D0"  # organs of the mouse with names


@our_look()
def body_map(results: Results, days: Sequence[float] | None = None) -> Figure:
    """Mean burden of the tissues on a drawn mouse: arms as columns, days as rows, one colour bar.

    Parameters
    ----------
    results : Results
        Tables of an experiment.
    days : sequence of float, optional
        The recorded day nearest to each [d]; if not given, the first, the middle and the last one.

    Raises
    ------
    ResultsError
        If there are no rows, or no days are asked for.
    """
    known = np.sort(results.timeseries["day"].unique().astype(np.float64))
    wanted = (
        known[[0, known.size // 2, -1]] if days is None and known.size else np.atleast_1d([] if days is None else days)
    )
    if not (known.size and wanted.size):
        raise ResultsError("body_map: days: must be some that were recorded, got none")
    shown = np.unique([known[np.abs(known - day).argmin()] for day in wanted.astype(np.float64)])
    means = results.timeseries.groupby(["arm", "tissue", "day"])["burden"].mean()
    arms = [arm for arm in results.arms if arm in means.index.get_level_values("arm")]
    seen = means[means.index.isin(shown, level="day")]
    norm, colours = Normalize(0.0, max(float(seen.max()), 1e-9)), pale_to_dark()
    return _Page(results, arms, shown, means, norm, colours).drawn(_caption(results, shown))


def pale_to_dark() -> Colormap:
    """Dark where the burden is high, but not so dark that outlines are lost."""
    return ListedColormap(sequential(2).reversed()(np.linspace(0.0, 0.85, 256)), name="pale_to_dark")


class _Page:
    """The mouse with the names above, the table of mice below, the colour bar beside it."""

    def __init__(
        self, results: Results, arms: list[str], days: Floats, means: pd.Series, norm: Normalize, colours: Colormap
    ) -> None:
        self.results, self.arms, self.days, self.means = results, arms, days, means
        self.norm, self.colours = norm, colours
        tall = height_of(results.tissues) / WIDTH
        self.mouse, self.key = MOUSE * tall, KEY * tall
        self.row = text_height("x") + 0.02
        beside = [x < WIDTH / 2.4 for x, _ in named_at(results.tissues).values()]
        self.named = max(self.key, self.row * max(sum(beside), len(beside) - sum(beside)))
        self.labels = {arm: fitted(arm, MOUSE - 0.05) for arm in arms}
        self.head = HEAD + max(text_height(label) for label in self.labels.values())
        self.left = EDGE + max(text_width(f"day {day:g}") for day in days) + 0.12
        self.side = max(text_width(name) for name in results.tissues) + 0.35  # beside the mouse with names

    def drawn(self, caption: str) -> Picture:
        table = self.head + len(self.days) * (self.mouse + GAP)
        bar = min(max(1.2, table - self.head), 2.2)
        right = self.left + len(self.arms) * (MOUSE + GAP)
        above = self.named + 2 * 0.2
        width = max(right + bar_width(self.norm, LABEL, bar) + EDGE, self.left + KEY + 2 * self.side)
        figure, foot = page(self.results, width, table + above, caption)
        self._names(figure, foot + table + 0.2)
        for column, arm in enumerate(self.arms):
            left = self.left + column * (MOUSE + GAP)
            ink = readable(arm_colour(self.results, arm))
            top = foot + table - self.head + 0.06
            write(figure, left + MOUSE / 2.0, top, self.labels[arm], ha="center", va="bottom", color=ink)
            for row, day in enumerate(self.days.tolist()):
                bottom = foot + table - self.head - (row + 1) * (self.mouse + GAP) + GAP
                self._one(figure, arm, day, left, bottom)
                if column == 0:
                    write(figure, self.left - 0.1, bottom + self.mouse / 2.0, f"day {day:g}", ha="right", va="center")
        colour_bar(figure, right + 0.05, foot + table - self.head, bar, self.colours, self.norm, LABEL)
        return figure

    def _one(self, figure: Picture, arm: str, day: float, left: float, bottom: float) -> None:
        """One arm on one day; empty where nobody is alive."""
        burdens = {tissue: self.means.get((arm, tissue, day), np.nan) for tissue in self.results.tissues}
        axes = place(figure, left, bottom, MOUSE, self.mouse)
        if all(np.isnan(burden) for burden in burdens.values()):
            axes.set_axis_off()
            write(figure, left + MOUSE / 2.0, bottom + self.mouse / 2.0, "nobody alive", ha="center", color=FAINT)
            return
        fills = {tissue: self.colours(self.norm(burden)) for tissue, burden in burdens.items()}
        draw_mouse(axes, self.results.tissues, fills)

    def _names(self, figure: Picture, bottom: float) -> None:
        """The mouse that says which organ is which, names at its right and at its left."""
        left = self.left + self.side - 0.1
        axes = place(figure, left, bottom, KEY, self.key)
        points = draw_mouse(axes, self.results.tissues, dict.fromkeys(self.results.tissues, NAMES))
        per_inch, low = KEY / WIDTH, HEIGHT - height_of(self.results.tissues)
        ends = {name: (left + x * per_inch, bottom + (y - low) * per_inch) for name, (x, y) in points.items()}
        organs = organs_of(self.results.tissues)
        for at_left in (True, False):
            names = [name for name, (x, _) in points.items() if (x < WIDTH / 2.4) == at_left]
            targets = np.array([ends[name][1] for name in names])
            heights = keep_apart(targets, np.full(len(names), self.row), bottom, bottom + self.named)
            for name, y in zip(names, heights, strict=True):
                self._line(figure, ends[name], (left - 0.06 if at_left else left + KEY + 0.06, float(y)))
                words = name if name in organs else f"{name} (box)"
                x = left - 0.1 if at_left else left + KEY + 0.1
                write(figure, x, float(y), words, ha="right" if at_left else "left", va="center_baseline")

    @staticmethod
    def _line(figure: Picture, start: tuple[float, float], end: tuple[float, float]) -> None:
        width, height = figure.get_size_inches()
        x, y = zip(start, end, strict=True)
        ends = [each / width for each in x], [each / height for each in y]
        figure.add_artist(Line2D(*ends, color=INK, lw=0.6, marker="o", markevery=[0], ms=2.5, mew=0, zorder=6))


def _caption(results: Results, days: Floats) -> str:
    counts = [int(n) for n in results.timeseries.groupby("arm", sort=False)["replicate"].nunique()] or [0]
    alive = " Of those who are alive." if somebody_died(results) else ""
    when = ", ".join(f"{day:g}" for day in days)
    return (
        f"{results.manifest['scenario']}: mean burden of {several(counts, 'replicate')} per arm in each tissue on day "
        f"{when}. A drawing, not to scale.{alive}"
    )
