"""What an arm changed, site by site: two arms that share their luck, on the last stored day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure

from sim.analysis.paired import one_of
from sim.errors import ResultsError
from sim.figures.layers import Scale
from sim.figures.layout import EDGE, bare, counted, page, place, scale_bar
from sim.figures.maps import tile
from sim.figures.sites import View, places_known, view
from sim.figures.style import ABSENT, MINUS, SENESCENT, arm_colour, diverging, our_look
from sim.results import Results

NEITHER, BOTH = "#FFFFFF", "#D2D2D2"
FOOT = 0.26  # inch for the scale bar


@our_look()
def difference(
    results: Results,
    arm: str | None = None,
    baseline: str | None = None,
    tissue: str | None = None,
    replicate: int | None = None,
) -> Figure:
    """Cells that are senescent in one arm and not in the other, on the last day of the maps.

    Arms share their luck cell by cell, so every difference is an effect of what distinguishes them. Of one replicate,
    each site is in both, only in the arm, or only in the baseline; of several, its colour is the mean difference of
    P(senescent).

    Parameters
    ----------
    results : Results
        Tables of an experiment, with maps.
    arm, baseline : str, optional
        The last and the first arm if not given.
    tissue : str, optional
        The first one if not given.
    replicate : int, optional
        This one only; if not given, all that have maps in both arms.

    Raises
    ------
    ResultsError
        If there are no such arms, or no replicate has maps of the state in both.
    """
    arm = results.arms[-1] if arm is None else one_of(arm, results.arms, "difference: arm")
    baseline = results.arms[0] if baseline is None else one_of(baseline, results.arms, "difference: baseline")
    tissue = results.tissues[0] if tissue is None else one_of(tissue, results.tissues, "difference: tissue")
    if arm == baseline:
        raise ResultsError(f"difference: arm: must differ from the baseline, got {arm}")
    replicates = shared_replicates(results, arm, baseline, tissue)
    if replicate is not None:
        replicates = [each for each in replicates if each == replicate]
    if not replicates:
        what = "" if replicate is None else f", replicate {replicate}"
        raise ResultsError(f"difference: none kept: maps of the state of {arm} and {baseline} in {tissue}{what}")
    pair = _Pair.read(results, arm, baseline, tissue, replicates)
    colours = _scale(results, pair)
    return _drawn(results, pair, colours, tissue)


def shared_replicates(results: Results, arm: str, baseline: str, tissue: str) -> list[int]:
    """Replicates with maps of the state in both arms; of cells packed anew in each replicate, the first only."""
    kept = set(results.map_keys)
    both = [r for a, r, t in results.map_keys if a == arm and t == tissue and (baseline, r, tissue) in kept]
    both = [r for r in sorted(both) if places_known(results, tissue, r)]
    has_state = all("state" in results.maps(each, both[0], tissue) for each in (arm, baseline)) if both else False
    return both if has_state else []


@dataclass(frozen=True)
class _Pair:
    """Share of the replicates in which a site is senescent, in both arms on one day."""

    arm: str
    baseline: str
    replicates: list[int]
    day: float
    view: View
    both: npt.NDArray  # mean over replicates of: senescent in both,
    only_arm: npt.NDArray  # in the arm alone,
    only_baseline: npt.NDArray  # in the baseline alone
    absent: npt.NDArray

    @classmethod
    def read(cls, results: Results, arm: str, baseline: str, tissue: str, replicates: list[int]) -> _Pair:
        """The last day that all these maps have."""
        maps = [[results.maps(each, r, tissue) for each in (arm, baseline)] for r in replicates]
        days = set.intersection(*({float(day) for day in each["days"]} for pair in maps for each in pair))
        if not days:
            raise ResultsError(f"difference: maps of {arm} and {baseline} have no day in common")
        day = max(days)
        states = [[each["state"][np.flatnonzero(each["days"] == day)[0]] for each in pair] for pair in maps]
        a, b = (np.stack([pair[side] == SENESCENT for pair in states]) for side in (0, 1))
        picture = view(results, tissue, replicates[0], maps[0][0])
        both, only_a, only_b = (each.mean(axis=0) for each in (a & b, a & ~b, ~a & b))
        return cls(arm, baseline, replicates, day, picture, both, only_a, only_b, states[0][0] == ABSENT)


def _scale(results: Results, pair: _Pair) -> Scale:
    above, below = arm_colour(results, pair.arm), arm_colour(results, pair.baseline)
    if above == below:  # the twelfth arm has the colour of the first
        below = "#3A3A3A" if above != "#3A3A3A" else "#0072B2"
    if len(pair.replicates) == 1:
        named = [("senescent in both arms", BOTH), (f"only in {pair.arm}", above), (f"only in {pair.baseline}", below)]
        entries = tuple((name, colour, False) for name, colour in [*named, ("in neither", NEITHER)])
        colours: Colormap = ListedColormap([NEITHER, *(colour for _, colour in named)])
        return Scale("senescent", colours, Normalize(-0.5, 3.5), entries)
    most = float(np.abs(pair.only_arm - pair.only_baseline).max()) or 1.0
    label = f"difference of P(senescent)\n{pair.arm} {MINUS} {pair.baseline}"
    return Scale(label, diverging(below, above), Normalize(-most, most))


def _drawn(results: Results, pair: _Pair, colours: Scale, tissue: str) -> Figure:
    width, height = tile(pair.view, 4, 4)
    left, right = EDGE, EDGE + width + 0.12
    room = max(height, colours.height())
    figure, foot = page(
        results, max(4.0, right + colours.width(room) + EDGE), room + FOOT, _caption(results, pair, tissue)
    )
    bottom = foot + FOOT + room - height
    axes = place(figure, left, bottom, width, height)
    bare(axes)
    if len(pair.replicates) == 1:
        values = pair.both + 2 * pair.only_arm + 3 * pair.only_baseline
    else:
        values = pair.only_arm - pair.only_baseline
    if pair.absent.any():
        axes.patch.set(hatch="/" * 6, edgecolor="#BBBBBB", linewidth=0)
    shown = np.ma.masked_array(pair.view.flat(values), pair.view.flat(pair.absent))
    pair.view.draw(axes, shown, colours.colours, colours.norm)
    colours.explain(figure, right, bottom + height, room)
    scale_bar(figure, left, bottom, pair.view.width, width)
    return figure


def _caption(results: Results, pair: _Pair, tissue: str) -> str:
    n = len(pair.replicates)
    where = f", {tissue}" if len(results.tissues) > 1 else ""
    which = f"replicate {pair.replicates[0]}" if n == 1 else f"mean of {counted(n, 'replicate')}"
    both, more, less = (float(each.sum()) for each in (pair.both, pair.only_arm, pair.only_baseline))
    words = f" The map: {pair.view.words}." if pair.view.words else ""
    return (
        f"{results.manifest['scenario']}{where}: day {pair.day:g}, {which}. Senescent cells: {both:.0f} in both arms, "
        f"{more:.0f} only in {pair.arm}, {less:.0f} only in {pair.baseline}.{words}"
    )
