"""Where things stand on a page, in inches: measured letters, captions, labels that keep apart, scale bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import wrap as break_lines

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import text_to_path
from scipy.optimize import isotonic_regression

from sim.figures.style import DPI, FAINT, FONT, INK, SMALL, TEXT, Picture, Source

Floats = npt.NDArray[np.float64]

LINE = 1.35  # height of a line of text over its size
EDGE = 0.1  # inch of white around everything
HINTING = 1.05  # letters on a pixel grid are a little wider than their outlines


def text_width(text: str, size: float = TEXT, weight: str = "normal") -> float:
    """Width of the longest line of `text` [inch]."""
    font = FontProperties(family=FONT, size=size, weight=weight)
    widths = [text_to_path.get_text_width_height_descent(line, font, False)[0] for line in text.split("\n")]
    return HINTING * float(max(widths)) / 72.0


def text_height(text: str, size: float = TEXT) -> float:
    """Height of all lines of `text` [inch]."""
    return (text.count("\n") + 1) * size * LINE / 72.0


def fitted(text: str, width: float, size: float = TEXT, weight: str = "normal") -> str:
    """`text` with line breaks, at spaces or else behind underscores and hyphens, so that it is `width` inches wide."""
    lines: list[str] = []
    for word in text.replace("_", "_\u200b").replace("-", "-\u200b").split(" "):
        for i, part in enumerate(word.split("\u200b")):
            for piece in _pieces(part, width, size, weight):
                glue = " " if i == 0 else ""
                if lines and piece is not None and text_width(lines[-1] + glue + piece, size, weight) <= width:
                    lines[-1] += glue + piece
                else:
                    lines.append(piece)
    return "\n".join(lines)


def _pieces(word: str, width: float, size: float, weight: str) -> list[str]:
    """`word` in one piece, or cut where it is wider than `width`."""
    wide = text_width(word, size, weight) if word else 0.0
    return [word] if wide <= width else break_lines(word, max(1, int(len(word) * width / wide)))


def page(results: Source | None, width: float, height: float, caption: str) -> tuple[Picture, float]:
    """An empty page with room for `width` x `height` inches of panels, and where their bottom is [inch].

    The caption stands below; a scenario that claims directions only says so on top. Real cells have no results.
    """
    spoken, caption = caption, fitted(caption, width - 2 * EDGE, SMALL)
    foot = text_height(caption, SMALL) + 2 * EDGE
    note = "qualitative: directions only" if results is not None and results.manifest.get("qualitative") else ""
    head = text_height(note, TEXT) + 1.5 * EDGE if note else EDGE
    total = _whole_pixels(foot + height + head)
    figure = Picture(figsize=(_whole_pixels(width), total), dpi=DPI, facecolor="white")
    figure.caption = spoken
    figure.text(EDGE / width, EDGE / total, caption, size=SMALL, va="bottom", linespacing=LINE)
    if note:
        figure.text(EDGE / width, 1.0 - EDGE / total, note, size=TEXT, weight="bold", style="italic", va="top")
    return figure, foot


def _whole_pixels(length: float) -> float:
    return math.ceil(length * DPI - 1e-6) / DPI


def place(figure: Picture, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes at a place in inches, moved to whole pixels."""
    page_width, page_height = figure.get_size_inches()
    left, bottom = round(left * DPI) / DPI, round(bottom * DPI) / DPI
    return figure.add_axes((left / page_width, bottom / page_height, width / page_width, height / page_height))


def write(figure: Picture, x: float, y: float, text: str, **look: object) -> None:
    """Text at a place in inches."""
    width, height = figure.get_size_inches()
    figure.text(x / width, y / height, text, **{"size": TEXT, "color": INK, "linespacing": LINE, **look})  # type: ignore[arg-type]


def keep_apart(targets: Floats, heights: Floats, low: float, high: float) -> Floats:
    """Centres of labels, nearest to their `targets` (least squares), that neither overlap nor leave [low, high].

    Parameters
    ----------
    targets, heights : (n,) float array
        Wanted centres and room taken, in one unit.
    low, high : float
        Ends of the room for all labels; where it is too small, `high` gives way.
    """
    order = np.argsort(targets, kind="stable")
    sizes = heights[order]
    below = np.cumsum(sizes) - sizes / 2.0  # centre of each label in a stack without gaps
    base = isotonic_regression(targets[order] - below).x if order.size else below
    base = np.clip(base, low, max(low, high - sizes.sum()))
    centres = np.empty(order.size)
    centres[order] = base + below
    return centres


def end_labels(
    axes: Axes, size: tuple[float, float], ends: Sequence[tuple[float, float]], names: Sequence[str],
    inks: Sequence[str], lines: Sequence[str],
) -> None:  # fmt: skip
    """Names at the right of `axes` (`size` in inches), each led to its end (x, y) by a thin line."""
    if not ends:
        return
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    per_inch = ((right - left) / size[0], (top - bottom) / size[1])
    targets = np.array([(y - bottom) / per_inch[1] for _, y in ends])
    room = np.array([text_height(name) for name in names])
    for (x, y), name, ink, line, height in zip(
        ends, names, inks, lines, keep_apart(targets, room, 0.0, size[1] + 0.1), strict=True
    ):
        beside = [x, right + 0.03 * per_inch[0], right + 0.13 * per_inch[0], right + 0.18 * per_inch[0]]
        label_y = bottom + height * per_inch[1]
        leader = Line2D(beside, [y, y, label_y, label_y], color=line, lw=0.6, clip_on=False, zorder=1)
        axes.add_line(leader)
        axes.text(beside[-1] + 0.04 * per_inch[0], label_y, name, color=ink, va="center_baseline", linespacing=LINE)


LABEL_GAP = 0.22  # inch between the axes and a label at a line's end


def scale_bar(figure: Picture, left: float, top: float, um: float, inches: float) -> None:
    """A bar of a round length, at most a third of `um` micrometres drawn on `inches`, its label beside it."""
    step = 10.0 ** math.floor(math.log10(um / 3.0))
    length = max(m * step for m in (1, 2, 5) if m * step <= um / 3.0)
    width, height = figure.get_size_inches()
    drawn = length / um * inches
    bar = Line2D([left / width, (left + drawn) / width], [(top - 0.09) / height] * 2, color=INK, lw=2.0)
    bar.set_solid_capstyle("butt")
    figure.add_artist(bar)
    name = f"{length / 1000:g} mm" if length >= 1000 else f"{length:g} µm"
    write(figure, left + drawn + 0.07, top - 0.09, name, va="center_baseline", size=SMALL)


def bare(axes: Axes) -> None:
    """A frame without ticks."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(color=FAINT, linewidth=0.5)


def plain(axes: Axes) -> None:
    """No frame on top and right, few ticks."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelfontfamily=FONT, length=2.5)
    axes.locator_params(axis="x", nbins=6, steps=[1, 2, 3, 5, 10])
    axes.locator_params(axis="y", nbins=6, steps=[1, 2, 2.5, 5, 10])


def counted(n: int, thing: str) -> str:
    """``1 replicate``, ``8 replicates``."""
    return f"{n} {thing}" + ("" if n == 1 else "s")


def several(counts: Sequence[int], thing: str) -> str:
    """``8 replicates``, or ``6 to 8 replicates`` where arms differ."""
    low, high = min(counts), max(counts)
    return counted(high, thing) if low == high else f"{low} to {high} {thing}s"
