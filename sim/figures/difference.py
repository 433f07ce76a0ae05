"""What arms changed, site by site: each against the baseline, with which it shares its luck, on the stored days."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure

from sim.analysis.counterfactual import Counterfactual, counterfactual_map
from sim.analysis.paired import baseline_words, baselines, chosen_tissue, one_of
from sim.analysis.stored_maps import days_shown, shared_replicates
from sim.errors import ResultsError
from sim.figures.layers import Entry, Scale
from sim.figures.layout import (
    EDGE,
    bare,
    fitted,
    page,
    place,
    scale_bar,
    several,
    text_height,
    text_width,
    write,
)
from sim.figures.maps import left_out, tile
from sim.figures.sites import View, view
from sim.figures.style import SMALL, Picture, arm_colour, diverging, our_look, readable
from sim.results import Results

# Okabe-Ito; vermilion is senescent in all figures
KINDS = {"saved": "#0072B2", "induced": "#D55E00", "lost": "#3A3A3A", "gained": "#009E73"}
NEITHER, BOTH = "#FFFFFF", "#D2D2D2"
GAP, HEAD, FOOT = 0.1, 0.24, 0.26  # inch between maps, for days, for the scale bar
NARROWEST = 1.0  # inch of a column, for its counts


@our_look()
def difference(
    results: Results,
    arm: str | None = None,
    baseline: str | None = None,
    tissue: str | None = None,
    replicate: int | None = None,
) -> Figure:
    """Cells that are senescent in one arm and not in the baseline: arms as rows, days as columns.

    Arms share their luck cell by cell, so every difference is an effect of what distinguishes them. Of one replicate,
    each site is saved (senescent in the baseline only), induced (in the arm only), lost or gained (healthy in one,
    vacant in the other); of several, its colour is the mean change of P(senescent). Above each map are the cells saved
    and induced in the whole tissue. Days on which no arm differs are left out; where a movie was recorded, six of the
    others are shown, or those of ``record.days``.

    Parameters
    ----------
    results : Results
        Tables of an experiment, with maps.
    arm : str, optional
        This one only; all that have maps if not given.
    baseline : str, optional
        As in `sim.compare`.
    tissue : str, optional
        The first one if not given.
    replicate : int, optional
        This one only; if not given, all that have maps in both arms.

    Raises
    ------
    ResultsError
        If there are no such arms, or no replicate has maps of the state in both.
    """
    against = baselines(results, baseline, "difference")
    tissue = chosen_tissue(results, tissue, "difference")
    others = [each for each, base in against.items() if shared_replicates(results, each, base, tissue)]
    if arm is None and not others:
        base = baseline_words(results, baseline)
        raise ResultsError(f"difference: none kept: maps of the state of {base} and another arm in {tissue}")
    wanted = others if arm is None else [one_of(arm, results.arms, "difference: arm")]
    found = [counterfactual_map(results, each, baseline, tissue, replicate) for each in wanted]
    return _Page(results, found).drawn()


class _Page:
    """Maps of the changes: sizes in inches, then the drawing from top to bottom."""

    def __init__(self, results: Results, found: Sequence[Counterfactual]) -> None:
        self.results, self.found = results, found
        first = found[0]
        self.view: View = view(
            results, first.tissue, first.replicates[0], results.maps(first.arm, first.replicates[0], first.tissue)
        )
        self.single = max(len(each.replicates) for each in found) == 1
        stored = sorted({float(day) for each in found for day in each.days})
        self.changed = sorted({day for each in found for day in _changed(each)}) or stored[-1:]
        self.days = days_shown(results, stored, self.changed)
        self.counts = {each.arm: each.counts().groupby("day")[list(KINDS)].mean() for each in found}
        self.kinds = [kind for kind in KINDS if kind in ("saved", "induced") or any(
            counts[kind].any() for counts in self.counts.values())]  # fmt: skip
        self.against = " or ".join(dict.fromkeys(each.baseline for each in found))
        self.scale = self._scale()
        self.width, self.height = tile(self.view, len(found), len(self.days))
        self.column = max(self.width, NARROWEST)
        self.labels = {each.arm: fitted(each.arm, 1.1) for each in found}
        self.left = EDGE + max(text_width(label) for label in self.labels.values()) + 0.12
        self.above = 2 * text_height("0", SMALL) + 0.05  # for the counts
        self.row = max(self.height + self.above, *(text_height(label) for label in self.labels.values()))

    def drawn(self) -> Picture:
        rows = len(self.found) * (self.row + GAP) - GAP
        room = max(rows, self.scale.height())
        right = self.left + len(self.days) * (self.column + GAP) - GAP + 0.12
        width = max(4.0, right + self.scale.width(room) + EDGE)
        figure, foot = page(self.results, width, HEAD + room + FOOT, self._caption())
        top = foot + FOOT + room
        for column, day in enumerate(self.days):
            x = self.left + column * (self.column + GAP) + self.width / 2.0
            write(figure, x, top + 0.07, f"day {day:g}", ha="center")
        for i, each in enumerate(self.found):
            bottom = top - (i + 1) * self.row - i * GAP
            ink = readable(arm_colour(self.results, each.arm))
            middle = bottom + self.height / 2.0
            write(figure, self.left - 0.08, middle, self.labels[each.arm], ha="right", va="center", color=ink)
            for column, day in enumerate(self.days):
                if day in each.days:
                    self._map(figure, each, day, self.left + column * (self.column + GAP), bottom)
        self.scale.explain(figure, right, top, room)
        scale_bar(figure, self.left, bottom, self.view.width, self.width)
        return figure

    def _map(self, figure: Picture, each: Counterfactual, day: float, left: float, bottom: float) -> None:
        axes = place(figure, left, bottom, self.width, self.height)
        bare(axes)
        if each.absent.any():
            axes.patch.set(hatch="/" * 6, edgecolor="#BBBBBB", linewidth=0)
        values = self._values(each, int(np.searchsorted(each.days, day)))
        shown = np.ma.masked_array(self.view.flat(values), self.view.flat(each.absent))
        self.view.draw(axes, shown, self.scale.colours, self.scale.norm)
        counts, y = self.counts[each.arm].loc[day], bottom + self.height + 0.04
        for kind in ("induced", "saved"):
            write(figure, left, y, f"{_number(counts[kind])} {kind}", size=SMALL, color=readable(KINDS[kind]))
            y += text_height("0", SMALL)

    def _values(self, each: Counterfactual, k: int) -> npt.NDArray:
        """Of one replicate 0 neither, 1 in both, then `kinds`; of several the mean change of P(senescent)."""
        if not self.single:
            return each.share("induced")[k] - each.share("saved")[k]
        values = each.senescent[0, k].astype(np.uint8)
        for i, kind in enumerate(self.kinds):
            values[each.share(kind)[k] > 0.0] = 2 + i
        return values

    def _scale(self) -> Scale:
        if self.single:
            words = {"saved": "saved: not senescent here", "induced": "induced: senescent here",
                     "lost": "lost: vacant here", "gained": "gained: not vacant here"}  # fmt: skip
            entries: list[Entry] = [(words[kind], KINDS[kind], False) for kind in self.kinds]
            entries += [("senescent in both", BOTH, False), ("other", NEITHER, False)]
            colours: Colormap = ListedColormap([NEITHER, BOTH, *(KINDS[kind] for kind in self.kinds)])
            return Scale("senescent", colours, Normalize(-0.5, 1.5 + len(self.kinds)), tuple(entries))
        most = max(float(np.abs(each.share("induced") - each.share("saved")).max()) for each in self.found) or 1.0
        label = f"change of P(senescent)\nfrom {self.against}"
        return Scale(label, diverging(KINDS["saved"], KINDS["induced"]), Normalize(-most, most))

    def _caption(self) -> str:
        first = self.found[0]
        where = f", {first.tissue}" if len(self.results.tissues) > 1 else ""
        n = several([len(each.replicates) for each in self.found], "replicate")
        which = f"replicate {first.replicates[0]}" if self.single else f"mean of {n}"
        words = f" The maps: {self.view.words}." if self.view.words else ""
        return (
            f"{self.results.manifest['scenario']}{where}: arms against {self.against}, {which}. Saved: senescent in "
            f"{self.against} only; induced: senescent in the arm only; cells in the whole tissue.{words}"
            f"{left_out(self.days, self.changed, 'days on which an arm differs')}"
        )


def _changed(each: Counterfactual) -> list[float]:
    """Days on which some site differs."""
    axes = (0, *range(2, each.changes.ndim))
    return [float(day) for day in each.days[each.changes.any(axis=axes)]]


def _number(cells: float) -> str:
    """Cells, or their mean over replicates."""
    return f"{cells:.0f}" if cells >= 100.0 or float(cells).is_integer() else f"{cells:.1f}"
