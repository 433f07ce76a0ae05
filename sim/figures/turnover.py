"""Turnover: how much of a tagged cohort is left, and of its excess over the control, arm by arm."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.analysis.paired import chosen_tissue
from sim.analysis.turnover import Cohort, cohorts, cohorts_by_arm, survival
from sim.analysis.turnover import turnover as turnover_table
from sim.errors import ResultsError
from sim.figures.curves import FEW, thin_lines_in_words
from sim.figures.layout import (
    EDGE,
    LABEL_GAP,
    end_labels,
    fitted,
    page,
    place,
    plain,
    several,
    text_height,
    text_width,
)
from sim.figures.style import FAINT, INK, TEXT, arm_colour, arm_dash, our_look, readable
from sim.results import Results

LEFT, BELOW, ABOVE = 0.6, 0.45, 0.3  # inch around a panel
WIDTH, HEIGHT = 2.5, 2.6  # inch, of a panel
LOWEST = 1.0  # % of a cohort: the lower end of the axis
TICKS = (1, 2, 5, 10, 20, 50, 100)  # %
DOTS = (0, (1.0, 1.4))


@our_look()
def turnover(
    results: Results,
    cause: str | None = None,
    tissue: str | None = None,
    control: str | Mapping[str, str] | None = None,
    window: tuple[float, float] | None = None,
) -> Figure:
    """What is left of the cells that an event made senescent, and how fast they go; see `sim.turnover`.

    On the left the pooled cohort of each arm on a logarithmic axis, with the exponential of its rate where it was read;
    on the right, if arms have a control, the excess of burden over it.

    Parameters
    ----------
    results : Results
        Tables of an experiment.
    cause : str, optional
        The event; the first one with a tagged cohort if not given.
    tissue : str, optional
        The first one if not given.
    control, window
        As of `sim.turnover`.

    Raises
    ------
    ResultsError
        If there is no such cohort or tissue.
    """
    tissue = chosen_tissue(results, tissue, "turnover")
    table = turnover_table(results, cause, control, window, tissue).set_index("arm")
    cause = cohorts(results)[0] if cause is None else cause
    found = cohorts_by_arm(results, cause, control, tissue)
    if not found:
        raise ResultsError(f"turnover: tissue: must have a cohort of {cause} on days of all replicates, got {tissue}")
    excess = {
        arm: c for arm, c in found.items() if c.excess is not None and len(c.excess) and table["excess"][arm] > 0.0
    }
    names = {arm: fitted(arm, 1.4) + "\n" + _half(table["half_life"][arm]) for arm in found}
    beside = {arm: fitted(arm, 1.4) + "\n" + _half(table["excess_half_life"][arm]) for arm in excess}
    labels = [LABEL_GAP + max((text_width(name) for name in each.values()), default=0.0) for each in (names, beside)]
    high = max([HEIGHT, *(sum(text_height(name) + 0.02 for name in each.values()) for each in (names, beside))])
    width = LEFT + WIDTH + labels[0] + EDGE + (LEFT + WIDTH + labels[1] + EDGE if excess else 0.0)
    figure, foot = page(results, width, BELOW + high + ABOVE, _caption(results, cause, tissue, table, bool(excess)))
    axes = place(figure, LEFT, foot + BELOW, WIDTH, high)
    last = max(float(c.days[-1] - c.days[0]) for c in found.values())
    axes.set(xlim=(0.0, last), ylim=(_log(LOWEST), _log(110.0)), xlabel=f"days since the last cell of {cause} turned",
             ylabel="cohort not removed (%)")  # fmt: skip
    ends = [_cohort(axes, results, arm, cohort, table.loc[arm]) for arm, cohort in found.items()]
    _finish(axes, (WIDTH, high), ends, names, results, "tagged cohort")
    axes.set_yticks([_log(share) for share in TICKS], [str(share) for share in TICKS])
    if excess:
        axes = place(figure, 2 * LEFT + WIDTH + labels[0] + EDGE, foot + BELOW, WIDTH, high)
        axes.set(xlim=(0.0, last), xlabel=f"days since the last cell of {cause} turned",
                 ylabel="excess of burden (% of the first)")  # fmt: skip
        ends = [_excess(axes, results, arm, cohort) for arm, cohort in excess.items()]
        axes.axhline(50.0, color=FAINT, lw=0.6, ls=(0, (4, 2)), zorder=1)
        axes.axhline(0.0, color=FAINT, lw=0.6, zorder=1)
        low, top = axes.get_ylim()
        axes.set_ylim(min(0.0, max(low, -50.0)), max(110.0, min(top, 200.0)))
        _finish(axes, (WIDTH, high), ends, beside, results, "net excess")
    return figure


def _log(share: Any) -> Any:
    """Where a share [%] stands on the axis; one of nothing stands far below it."""
    return np.log10(np.maximum(share, 0.01 * LOWEST))


def _half(days: float) -> str:
    """A half-life behind a name."""
    if math.isnan(days):
        return ""
    return f"half in {days:.3g} d" if math.isfinite(days) else "half: not seen"


def _watched(shares: Any, standing: Any) -> Any:
    """Shares (..., k) until nobody of the cohort is left to be removed; NaN behind."""
    behind = np.zeros(shares.shape, bool)
    behind[..., 1:] = standing[..., :-1] <= 0.0
    return np.where(behind, np.nan, shares)


def _cohort(axes: Axes, results: Results, arm: str, cohort: Cohort, row: pd.Series) -> tuple[float, float]:
    """The pooled share, single replicates where they are few, and the exponential."""
    since, colour = cohort.days - cohort.days[0], arm_colour(results, arm)
    if 1 < len(cohort.standing) <= FEW:
        single = _watched(100.0 * survival(cohort.standing, cohort.lost), cohort.standing)
        axes.plot(since, _log(single.T), color=colour, lw=0.4, alpha=0.45, zorder=2)
    share = _watched(100.0 * cohort.share, cohort.standing.sum(axis=0))
    axes.plot(since, _log(share), color=colour, ls=arm_dash(results, arm), lw=1.6, zorder=4, label=arm)
    inside = np.linspace(row["start"], row["end"], 50)
    at_start = float(np.interp(row["start"], cohort.days, share))
    fit = at_start * np.exp(-row["rate"] * (inside - row["start"]))
    axes.plot(inside - cohort.days[0], _log(fit), color=INK, ls=DOTS, lw=1.1, zorder=5)
    shown = np.flatnonzero(share >= LOWEST)
    return float(since[shown[-1]]), float(_log(share[shown[-1]]))


def _excess(axes: Axes, results: Results, arm: str, cohort: Cohort) -> tuple[float, float]:
    """The mean excess over the pairs."""
    assert cohort.excess is not None
    mean = cohort.excess.mean(axis=0)
    share, since = 100.0 * mean / mean[0], cohort.days - cohort.days[0]
    axes.plot(since, share, color=arm_colour(results, arm), ls=arm_dash(results, arm), lw=1.6, zorder=4, label=arm)
    return float(since[-1]), float(share[-1])


def _finish(
    axes: Axes, size: tuple[float, float], ends: list[tuple[float, float]], names: dict[str, str], results: Results,
    title: str,
) -> None:  # fmt: skip
    axes.set_title(title, loc="left", weight="bold", size=TEXT)
    inks = [readable(arm_colour(results, arm)) for arm in names]
    plain(axes)
    end_labels(axes, size, ends, list(names.values()), inks, [FAINT] * len(names))


def _caption(results: Results, cause: str, tissue: str, table: pd.DataFrame, beside: bool) -> str:
    counts = [int(n) for n in table["n"]] or [0]
    where = f", {tissue}" if len(results.tissues) > 1 else ""
    n = int(table["n_cells"].sum())
    right = " Right: mean burden beyond that of the same replicate of the control; dashed: half." if beside else ""
    return (
        f"{results.manifest['scenario']}{where}: cells made senescent by {cause}, {n} in "
        f"{several(counts, 'replicate')} per arm, pooled{thin_lines_in_words(max(counts))}. "
        "Left: not removed by immune cells, censored where they went otherwise; dotted: exponential of cells lost / "
        "cell-days, "
        f"where it was read.{right}"
    )
