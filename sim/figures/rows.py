"""Arms as rows: replicates as points, mean and interval beside them, one quantity per panel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from sim.analysis.paired import t_interval
from sim.figures.layout import EDGE, fitted, place, plain, text_height, text_width, write
from sim.figures.style import FAINT, INK, Picture, Source, arm_colour, readable

Floats = npt.NDArray[np.float64]

LEAST = 0.27  # inch, height of a row
SPREAD = 0.2  # replicates stand this far from the middle of a row, in rows


class Rows:
    """A page with a row for each of some arms, and panels side by side.

    Attributes
    ----------
    left : float
        Where panels may begin [inch], right of the names.
    height : float
        Of all rows [inch].
    """

    def __init__(self, results: Source, arms: Sequence[str]) -> None:
        self.results, self.arms = results, list(arms)
        self.names = {arm: fitted(arm, 1.5) for arm in arms}
        self.row = max(LEAST, *(text_height(name) + 0.04 for name in self.names.values()))
        self.left = EDGE + max(text_width(name) for name in self.names.values()) + 0.1
        self.height = self.row * len(self.arms)
        self.below = 0.3  # for the ticks, and the labels that `label` is asked for

    def label(self, text: str, width: float) -> str:
        """`text` as it fits below a panel; makes room for it."""
        text = fitted(text, width)
        self.below = max(self.below, 0.32 + text_height(text))
        return text

    def name(self, figure: Picture, bottom: float) -> None:
        """The names of the arms, left of the panels that stand on `bottom`."""
        for arm, name in self.names.items():
            ink = readable(arm_colour(self.results, arm))
            y = bottom + self.height - (self.place(arm) + 0.5) * self.row
            write(figure, self.left - 0.1, y, name, ha="right", va="center_baseline", color=ink)

    def place(self, arm: str) -> int:
        """The row of an arm, from the top."""
        return self.arms.index(arm)

    def panel(self, figure: Picture, left: float, bottom: float, width: float, label: str) -> Axes:
        """Axes over all rows; the unit of y is a row."""
        axes = place(figure, left, bottom, width, self.height)
        axes.set_ylim(len(self.arms) - 0.5, -0.5)
        axes.set_xlabel(label)
        axes.hlines(np.arange(len(self.arms)), 0.0, 1.0, color="#EDEDED", lw=0.6, zorder=0,
                    transform=axes.get_yaxis_transform())  # fmt: skip
        return axes

    def points(self, axes: Axes, arm: str, values: Floats) -> None:
        """Replicates, each a little below the one before, so that equal ones are seen."""
        offsets = np.linspace(-SPREAD, SPREAD, len(values)) if len(values) > 1 else np.zeros(len(values))
        colour = arm_colour(self.results, arm)
        axes.plot(
            values, self.place(arm) + offsets, ls="", marker="o", ms=2.6, mew=0, color=colour, alpha=0.5, zorder=3
        )

    def mean(self, axes: Axes, arm: str, mean: float, interval: tuple[float, float]) -> None:
        """A mean with its interval, which may be not a number."""
        y, colour = self.place(arm), arm_colour(self.results, arm)
        axes.plot(interval, (y, y), color=colour, lw=1.6, solid_capstyle="butt", zorder=4)
        axes.plot([mean], [y], ls="", marker="o", ms=5.5, mfc=colour, mec="white", mew=0.8, zorder=5, label=arm)

    def values(self, axes: Axes, values: dict[str, Floats]) -> None:
        """Points, means and 95 % t intervals of quantities that are not negative."""
        for arm, each in values.items():
            self.points(axes, arm, each)
            self.mean(axes, arm, float(each.mean()), t_interval(each))
        most = max((float(np.nanmax([*each, t_interval(each)[1]])) for each in values.values()), default=0.0)
        axes.set_xlim(0.0, 1.06 * most if most > 0.0 else 1.0)
        finish(axes)


def finish(axes: Axes, at: float | None = None) -> None:
    """No frame but the axis of x; a line down all rows `at` a value."""
    plain(axes)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.locator_params(axis="x", nbins=4, steps=[1, 2, 2.5, 5, 10])
    if at is not None:
        axes.axvline(at, color=FAINT if at else INK, lw=0.6, zorder=1)
