"""A mouse from the side, of plain shapes: where each organ lies, and which tissue of a scenario is which organ."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Ellipse, FancyBboxPatch, Patch, PathPatch, Polygon
from matplotlib.path import Path
from scipy.interpolate import CubicSpline

from sim.figures.style import FAINT, INK

Floats = npt.NDArray[np.float64]

BODY = "#F3F1EC"  # what no tissue of the scenario is
LINE = 0.7  # points, outlines
WIDTH, HEIGHT = 3.3, 1.5  # of the drawing, in lengths of its own; the nose is at the left
BOX = 0.3  # side of the box of a tissue that has no place in the drawing
IN_A_ROW = 6  # boxes
WORDS = {  # organ: words in the names of tissues, sought in this order
    "hippocampus": ("hippocamp",),
    "brain": ("brain", "cortex", "hypothalam"),
    "spine": ("spin", "vertebra", "lumbar"),
    "femur": ("femur", "femor", "bone", "tibia"),
    "muscle": ("muscle", "quadriceps", "gastrocnem", "soleus", "tibialis"),
    "skin": ("skin", "derm"),
    "blood": ("blood", "plasma"),
    "liver": ("liver", "hepat"),
    "lung": ("lung", "pulmon"),
    "kidney": ("kidney", "renal"),
    "fat": ("fat", "adipos"),
}
NAMED_AT = {  # organ: where a thin line to its name begins
    "hippocampus": (0.5, 0.83), "brain": (0.42, 0.73), "spine": (2.3, 0.99), "femur": (2.05, 0.33),
    "muscle": (2.42, 0.6), "skin": (0.45, 0.475), "blood": (1.08, 0.5), "liver": (1.55, 0.52), "lung": (1.15, 0.76),
    "kidney": (1.83, 0.86), "fat": (1.72, 0.36),
}  # fmt: skip
OUTLINE = np.array([
    (0.04, 0.58), (0.2, 0.78), (0.45, 0.97), (0.75, 1.03), (1.05, 1.08), (1.45, 1.25), (1.85, 1.3), (2.25, 1.18),
    (2.52, 0.92), (2.62, 0.6), (2.48, 0.33), (2.15, 0.2), (1.7, 0.17), (1.3, 0.2), (0.98, 0.27), (0.7, 0.38),
    (0.4, 0.44), (0.14, 0.48),
])  # fmt: skip


def organs_of(tissues: Sequence[str]) -> dict[str, str]:
    """The organ as which each tissue is drawn, by its name; of two that are one organ the first has the place."""
    found: dict[str, str] = {}
    for tissue in tissues:
        organ = next((each for each, words in WORDS.items() if any(word in tissue.lower() for word in words)), None)
        if organ is not None and organ not in found.values():
            found[tissue] = organ
    return found


def height_of(tissues: Sequence[str]) -> float:
    """Of the drawing with its boxes, in its own lengths."""
    return HEIGHT + (BOX + 0.1) * math.ceil((len(tissues) - len(organs_of(tissues))) / IN_A_ROW)


def named_at(tissues: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Where to point at each tissue: at its organ, or at its box below."""
    places = organs_of(tissues)
    points = {tissue: NAMED_AT[organ] for tissue, organ in places.items()}
    for i, tissue in enumerate(each for each in tissues if each not in places):
        row, column = divmod(i, IN_A_ROW)
        points[tissue] = (0.3 + BOX / 2.0 + column * (BOX + 0.15), -0.05 - BOX / 2.0 - row * (BOX + 0.1))
    return points


def draw_mouse(axes: Axes, tissues: Sequence[str], fills: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Draw the tissues in their `fills`, those without a place as boxes below; returns where to point at each."""
    places = organs_of(tissues)
    colours = {organ: fills[tissue] for tissue, organ in places.items()}
    for patch in _body(colours.get("skin", BODY)):
        axes.add_patch(patch)
    for organ in ("fat", "lung", "liver", "kidney", "blood", "muscle", "femur", "spine", "brain", "hippocampus"):
        for patch in _organ(organ, colours.get(organ)):
            axes.add_patch(patch)
    points = named_at(tissues)
    for tissue in (each for each in tissues if each not in places):
        x, y = points[tissue]
        look: Any = {"boxstyle": "round,pad=0,rounding_size=0.05", "facecolor": fills[tissue], **_edge()}
        axes.add_patch(FancyBboxPatch((x - BOX / 2.0, y - BOX / 2.0), BOX, BOX, **look))
    axes.set(xlim=(0.0, WIDTH), ylim=(HEIGHT - height_of(tissues), HEIGHT), aspect="equal")
    axes.set_axis_off()
    return points


def _edge(ink: str = INK) -> dict[str, Any]:
    return {"edgecolor": ink, "linewidth": LINE, "joinstyle": "round"}


def _body(skin: Any) -> Iterator[Patch]:
    """Tail, paws, ear, the ring of skin, and what it holds."""
    tail = Path([(2.55, 0.42), (2.9, 0.1), (3.0, 0.55), (3.26, 0.32)], [Path.MOVETO] + [Path.CURVE4] * 3)
    yield PathPatch(tail, facecolor="none", edgecolor=INK, linewidth=2.6, capstyle="round")
    yield PathPatch(tail, facecolor="none", edgecolor=BODY, linewidth=1.4, capstyle="round")
    for x, wide in ((0.92, 0.3), (2.05, 0.46)):
        yield Ellipse((x, 0.15), wide, 0.13, facecolor=BODY, **_edge())
    yield Polygon(_smooth(OUTLINE), facecolor=skin, **_edge())
    yield Polygon(_inside(_smooth(OUTLINE), 0.085), facecolor=BODY, **_edge())
    yield Ellipse((0.72, 1.1), 0.27, 0.32, angle=-20, facecolor=BODY, **_edge())
    yield Circle((0.26, 0.67), 0.028, facecolor=INK, edgecolor="none")
    yield Circle((0.05, 0.575), 0.03, facecolor=INK, edgecolor="none")


def _organ(organ: str, fill: Any) -> Iterator[Patch]:
    """Shapes of one organ; nothing where no tissue is it, but for the brain that holds a hippocampus."""
    if organ == "brain":
        yield Ellipse(
            (0.62, 0.78),
            0.5,
            0.28,
            angle=14,
            facecolor=BODY if fill is None else fill,
            **_edge(FAINT if fill is None else INK),
        )
        return
    if fill is None:
        return
    look = {"facecolor": fill, **_edge()}
    if organ == "hippocampus":
        yield Polygon(_crescent((0.64, 0.79), 0.14), **look)
    elif organ == "spine":
        for x, y, angle in _along_the_back(11):
            yield Ellipse((x, y), 0.13, 0.105, angle=angle, **look)
    elif organ == "muscle":
        yield Ellipse((2.2, 0.56), 0.62, 0.56, angle=-35, **look)
    elif organ == "femur":
        yield from _bone((2.02, 0.37), (2.36, 0.74), fill)
    else:
        where, size, angle = {
            "blood": ((1.08, 0.5), (0.22, 0.19), 20), "liver": ((1.47, 0.52), (0.36, 0.26), -10),
            "lung": ((1.1, 0.74), (0.38, 0.2), 15), "kidney": ((1.93, 0.9), (0.24, 0.15), -10),
            "fat": ((1.7, 0.34), (0.42, 0.13), 0),
        }[organ]  # fmt: skip
        yield Ellipse(where, *size, angle=angle, **look)


# ------------------------------------------------------------------------------------------------------------ shapes


def _smooth(corners: Floats, n: int = 240) -> Floats:
    """A closed curve through `corners` (k, 2)."""
    closed = np.vstack([corners, corners[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    return np.asarray(CubicSpline(along, closed, bc_type="periodic")(np.linspace(0.0, along[-1], n)), np.float64)


def _inside(curve: Floats, depth: float) -> Floats:
    """A closed clockwise curve, moved inwards."""
    ahead = np.roll(curve[:-1], -1, axis=0) - np.roll(curve[:-1], 1, axis=0)
    normal = np.column_stack([ahead[:, 1], -ahead[:, 0]]) / np.hypot(ahead[:, 0], ahead[:, 1])[:, None]
    return np.asarray(curve[:-1] + depth * normal, np.float64)


def _along_the_back(n: int) -> Iterator[tuple[float, float, float]]:
    """Places and angles [degrees] of vertebrae below the back."""
    back = CubicSpline(OUTLINE[3:9, 0], OUTLINE[3:9, 1])
    for x in np.linspace(0.95, 2.3, n):
        slope = float(back(x, 1))
        yield float(x + 0.15 * np.sin(np.arctan(slope))), float(back(x) - 0.19), float(np.degrees(np.arctan(slope)))


def _bone(start: tuple[float, float], end: tuple[float, float], fill: Any) -> Iterator[Patch]:
    """A shaft with two knobs at each end: first all of it in ink, then a little smaller in its colour."""
    ends = np.array([start, end])
    along = (ends[1] - ends[0]) / np.hypot(*(ends[1] - ends[0]))
    across = np.array([-along[1], along[0]])
    for colour, more in ((INK, 0.012), (fill, 0.0)):
        look: Any = {"facecolor": colour, "edgecolor": "none"}
        for knob in (end + side * 0.04 * across for end in ends for side in (-1.0, 1.0)):
            yield Circle((float(knob[0]), float(knob[1])), 0.055 + more, **look)
        sides = (0.038 + more) * across
        yield Polygon(np.vstack([ends + sides, ends[::-1] - sides]), **look)


def _crescent(centre: tuple[float, float], radius: float) -> Floats:
    """The bent shape of a hippocampus."""
    turns = np.linspace(-0.15 * np.pi, 1.15 * np.pi, 24)
    outer = np.column_stack([1.35 * np.cos(turns), 0.75 * np.sin(turns)])
    inner = np.column_stack([0.75 * np.cos(turns[::-1]), 0.1 + 0.2 * np.sin(turns[::-1])])
    return np.array(centre) + radius * np.vstack([outer, inner]) - np.array([0.0, 0.03])
