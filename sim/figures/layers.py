"""How each stored layer is shown: its values, its colours, and the key or the colour bar that explains them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from sim.analysis.stored_maps import ABSENT, SENESCENT
from sim.figures.layout import fitted, place, text_height, text_width, write
from sim.figures.style import (
    FAINT,
    FONT,
    MINUS,
    SMALL,
    STATE_COLOURS,
    STATE_NAMES,
    Picture,
    cause_colours,
    sequential,
    state_colours,
)
from sim.results import Results

CLEAR = (1.0, 1.0, 1.0, 0.0)
NOBODY = "#F3F3F3"  # a site that the layer does not speak of
TYPE_COLOURS = ("#C7DDED", "#F3D9A6", "#BFE0D2", "#E6CADB", "#D9D9D9", "#FBF3B0")
BAR, TALLEST_BAR = 0.12, 2.2  # inch: width and height of a colour bar
KEY_LINE, KEY_WIDTH = 0.17, 1.4  # inch: height and width of an entry of a key
UNITS = {
    "cargo": "accumulated dose (level x d)",
    "quality": "share left (0: no healthy cell)",
    "secondaries": "cells turned from here since day 0",
    "melanin": "1 = resting skin",
    "activation": "of melanocytes, 0 to 1",
    "dendrites": "number per melanocyte",
}

Entry = tuple[str, str, bool]  # name, colour, hatched


@dataclass(frozen=True)
class Scale:
    """Colours of a layer, the same for all arms and days.

    Attributes
    ----------
    label : str
        What is shown, with its unit.
    entries : tuple
        Name and colour of each category; empty for a quantity, which gets a colour bar.
    codes : arm to array, optional
        Category of each stored code, where arms number them differently.
    of_senescent : bool
        Whether the values belong to senescent cells only.
    """

    label: str
    colours: Colormap
    norm: Normalize
    entries: tuple[Entry, ...] = ()
    codes: dict[str, npt.NDArray] = field(default_factory=dict)
    of_senescent: bool = False

    def values(self, arm: str, stored: npt.NDArray, state: npt.NDArray | None) -> npt.NDArray:
        """Stored values as the colours want them: categories as numbers, masked where there is nothing to say."""
        shown = self.codes[arm][stored] if arm in self.codes else stored
        if state is None or state.shape != stored.shape or self.label == "state":
            return shown
        return np.ma.masked_array(shown, state != SENESCENT if self.of_senescent else state == ABSENT)

    def height(self) -> float:
        """Room that the key needs at least [inch]."""
        return KEY_LINE * sum(_lines(name) for name, _, _ in self.entries) if self.entries else 1.2

    def width(self, room: float) -> float:
        """Room that the key takes beside the maps, `room` inches high [inch]."""
        if self.entries:
            return 0.18 + max(text_width(fitted(name, KEY_WIDTH, SMALL), SMALL) for name, _, _ in self.entries)
        return bar_width(self.norm, self.label, min(room, TALLEST_BAR))

    def explain(self, figure: Picture, left: float, top: float, room: float) -> None:
        """Draw the key or the colour bar below `top`, at most `room` inches high."""
        if self.entries:
            _key(figure, left, top, self.entries)
        else:
            colour_bar(figure, left, top, min(room, TALLEST_BAR), self.colours, self.norm, self.label)


def scale(results: Results, tissue: str, name: str, index: int, stored: dict[str, npt.NDArray]) -> Scale:
    """The scale of layer `name`, given what is `stored` per arm; `index` tells neighbouring quantities apart."""
    if name == "state":
        present = set(np.unique(np.concatenate([np.unique(codes) for codes in stored.values()])).tolist()) | {0, 1}
        colours = [*STATE_COLOURS, "#FFFFFF"]
        entries = tuple((STATE_NAMES[code], colours[code], code == ABSENT) for code in sorted(present))
        return Scale("state", state_colours(), Normalize(-0.5, 4.5), entries)
    if name == "cause":
        return _causes(results, stored)
    if name == "type":
        cells = ((results.scenario.get("tissues") or {}).get(tissue) or {}).get("cell_types") or {}
        kinds = max(int(codes.max()) for codes in stored.values()) + 1
        names = [*cells, *(f"type {i}" for i in range(len(cells), kinds))][: max(kinds, 1)]
        return _categories("type", names, [TYPE_COLOURS[i % len(TYPE_COLOURS)] for i in range(len(names))])
    most = max(float(values.max()) for values in stored.values())
    norm = Normalize(0.0, most if most > 0.0 else 1.0)
    if name == "generation":
        names = ["primary", "secondary", *(f"generation {i}" for i in range(2, int(most) + 1))][: int(most) + 1]
        shades = sequential(0)(np.linspace(0.05, 0.75, len(names)))
        hexes = ["#" + "".join(f"{round(255 * c):02x}" for c in shade[:3]) for shade in shades]
        return _categories("generation", names, hexes, of_senescent=True)
    unit = UNITS.get(name, "level (1 = burden of 1 %)")
    return Scale(f"{name}\n{unit}", sequential(index).copy(), norm)


def _categories(label: str, names: Sequence[str], colours: Sequence[str], of_senescent: bool = False) -> Scale:
    rest: tuple[Entry, ...] = (("not senescent", NOBODY, False),) if of_senescent else ()
    shown = ListedColormap(list(colours)).with_extremes(bad=NOBODY if of_senescent else CLEAR)
    entries = (*((name, colour, False) for name, colour in zip(names, colours, strict=True)), *rest)
    return Scale(label, shown, Normalize(-0.5, len(names) - 0.5), entries, of_senescent=of_senescent)


def _causes(results: Results, stored: dict[str, npt.NDArray]) -> Scale:
    """Causes by name: arms that lack an event number the later ones differently."""
    by_code = results.manifest["event_names"]
    found = {by_code[arm][code] for arm, codes in stored.items() for code in np.unique(codes) if code > 0}
    names = list(dict.fromkeys(name for arm in stored for name in by_code[arm] if name in found))
    chosen = cause_colours(names, results.manifest["factors"])
    codes = {arm: np.array([names.index(name) + 1 if name in found else 0 for name in by_code[arm]]) for arm in stored}
    shown = ListedColormap([NOBODY, *(chosen[name] for name in names)]).with_extremes(bad=NOBODY)
    entries = (*((name, chosen[name], False) for name in names), ("not senescent", NOBODY, False))
    return Scale("cause", shown, Normalize(-0.5, len(names) + 0.5), entries, codes)


def _key(figure: Picture, left: float, top: float, entries: Sequence[Entry]) -> None:
    width, height = figure.get_size_inches()
    for name, colour, hatched in entries:
        y = top - 0.5 * KEY_LINE * _lines(name)
        top -= KEY_LINE * _lines(name)
        patch = Rectangle(
            (left / width, (y - 0.055) / height), 0.11 / width, 0.11 / height, facecolor=colour, lw=0.5,
            edgecolor=FAINT, hatch="/" * 6 if hatched else None, transform=figure.transFigure,
        )  # fmt: skip
        figure.add_artist(patch)
        write(figure, left + 0.18, y, fitted(name, KEY_WIDTH, SMALL), size=SMALL, va="center_baseline")


def _lines(name: str) -> int:
    return fitted(name, KEY_WIDTH, SMALL).count("\n") + 1


def colour_bar(
    figure: Picture, left: float, top: float, height: float, colours: Colormap, norm: Normalize, label: str
) -> None:
    """A colour bar below `top`, with its label beside it."""
    axes = place(figure, left, top - height, BAR, height)
    ticks, texts = _ticks(norm, height)
    bar = figure.colorbar(ScalarMappable(norm, colours), cax=axes)
    bar.set_ticks(ticks, labels=texts)
    bar.outline.set(linewidth=0.5, edgecolor=FAINT)  # type: ignore[operator]
    axes.tick_params(labelfontfamily=FONT, length=2.0, pad=2.0)
    write(
        figure, left + _beside(norm, height), top - height / 2.0, _label(label, height), size=SMALL, rotation=90,
        va="center", ha="left", multialignment="center",
    )  # fmt: skip


def bar_width(norm: Normalize, label: str, height: float) -> float:
    """Room that a colour bar takes, from its left side [inch]."""
    return _beside(norm, height) + text_height(_label(label, height), SMALL)


def _beside(norm: Normalize, height: float) -> float:
    """Where the label of a colour bar stands: beside its numbers."""
    return BAR + 0.12 + max(text_width(text, SMALL) for text in _ticks(norm, height)[1])


def _label(label: str, height: float) -> str:
    return "\n".join(fitted(line, height, SMALL) for line in label.split("\n"))


def _ticks(norm: Normalize, height: float) -> tuple[list[float], list[str]]:
    """Round values, at most one every 0.3 inch, and how they are written."""
    low, high = float(norm.vmin or 0.0), float(norm.vmax or 0.0)
    values = MaxNLocator(max(2, int(height / 0.3)), steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    inside = [float(value) for value in values if low <= value <= high]
    return inside, [f"{value:g}".replace("-", MINUS) for value in inside]
