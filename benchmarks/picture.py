"""The picture of RESULTS.md: cost of a step against sites."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.contenders import KINDS, SCIPY, TRANSFORMS
from sim.figures.style import ARM_COLOURS, FAINT, SMALL, Picture, our_look, save

COLOURS = dict(zip(KINDS, ARM_COLOURS[1:], strict=False)) | {SCIPY: FAINT}
WORDS = {
    "compiled": "compiled engine",
    "agents": "agents engine",
    "our transport": "our transforms alone, with the step of modes",
    SCIPY: "SciPy's transforms alone (pocketfft)",
}


class Curve(NamedTuple):
    """Steps of one model."""

    kind: str
    points: list[tuple[int, float]]  # sites, median of a step [s]


def draw(curves: list[Curve], repeats: int, path: Path) -> Path:
    """Save the curves to `path`; medians of `repeats` steps or more."""
    with our_look():
        figure = Picture(figsize=(4.8, 3.8), layout="constrained")
        axes = figure.add_subplot()
        for curve in curves:
            sites, steps = np.array(curve.points).T
            dash = (0, (4, 1.5)) if curve.kind in TRANSFORMS else "-"
            look = {"color": COLOURS[curve.kind], "linestyle": dash, "marker": "o", "markersize": 3}
            axes.plot(sites, 1e3 * steps, label=WORDS.get(curve.kind, curve.kind), **look)
        axes.set(xscale="log", yscale="log", xlabel="sites", ylabel="one step [ms]")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: f"{value:,.10g}")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(which="major", color="#E6E6E6", linewidth=0.5)
        figure.legend(frameon=False, fontsize=SMALL, loc="outside upper center", ncols=2)
        figure.supxlabel(f"two factors, burden 10 %, one thread; median of {repeats} steps or more", fontsize=SMALL)
    path.parent.mkdir(exist_ok=True)
    return save(figure, path)
