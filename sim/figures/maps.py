"""Maps of a tissue: arms as rows, days as columns, a block for each layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from sim.analysis.paired import chosen_tissue, one_of
from sim.analysis.stored_maps import ABSENT, days_shown
from sim.errors import ResultsError
from sim.figures.layers import Scale, scale
from sim.figures.layout import EDGE, bare, fitted, page, place, scale_bar, text_height, text_width, write
from sim.figures.sites import View, view
from sim.figures.style import DPI, TEXT, Picture, arm_colour, our_look, readable
from sim.results import Results

Layers = dict[str, npt.NDArray]
GAP, BLOCK_GAP, HEAD, FOOT = 0.06, 0.16, 0.24, 0.26  # inch between maps, between layers, for days, for the scale bar


@our_look()
def maps(
    results: Results, replicate: int = 0, tissue: str | None = None, layers: Sequence[str] | None = None
) -> Figure:
    """Maps of one replicate: arms as rows, days as columns, a block of rows for each layer.

    Sites are squares (in a cloud: discs to scale) without interpolation, and colours mean the same in all arms. Of a
    block of tissue the middle layer along z is shown; where z is the depth, a cut across it through the middle of y.
    Where a movie was recorded, six of its days are shown, or those of ``record.days``.

    Parameters
    ----------
    results : Results
        Tables of an experiment, with maps.
    replicate : int
        Whose maps.
    tissue : str, optional
        The first one if not given.
    layers : sequence of str, optional
        ``state``, ``cause``, ``generation``, ``type``, ``cargo``, ``quality``, ``secondaries`` or names of
        factors; if not given, the state, the factors and the secondaries, as far as they were kept.

    Raises
    ------
    ResultsError
        If no maps were kept for this replicate, or not these layers.
    """
    tissue = chosen_tissue(results, tissue, "maps")
    kept = kept_maps(results, replicate, tissue)
    names = shown_layers(results, replicate, tissue, layers)
    picture = view(results, tissue, replicate, next(iter(kept.values())))
    scales = [
        scale(results, tissue, name, i - ("state" in names), {arm: maps[name] for arm, maps in kept.items()})
        for i, name in enumerate(names)
    ]
    return Atlas(results, kept, names, scales, picture).drawn(_caption(results, tissue, replicate, picture))


def kept_maps(results: Results, replicate: int, tissue: str) -> dict[str, Layers]:
    """Maps of a replicate by arm, for the arms that have them.

    Raises
    ------
    ResultsError
        If none has.
    """
    arms = [arm for arm in results.arms if (arm, replicate, tissue) in results.map_keys]
    return {arm: results.maps(arm, replicate, tissue) for arm in arms or results.arms[:1]}


def shown_layers(results: Results, replicate: int, tissue: str, layers: Sequence[str] | None = None) -> list[str]:
    """The `layers` of a replicate that `maps` draws, which all arms have.

    Raises
    ------
    ResultsError
        If no maps were kept for this replicate, or not these layers.
    """
    stored = stored_layers(results, replicate, tissue)
    if layers is not None:
        return [one_of(name, stored, "maps: layers") for name in ([layers] if isinstance(layers, str) else layers)]
    usual = [name for name in ("state", *results.manifest["factors"], "secondaries") if name in stored] or stored
    if not usual:
        raise ResultsError("maps: layers: none were kept")
    return usual


def stored_layers(results: Results, replicate: int, tissue: str) -> list[str]:
    """All layers of a replicate that all arms have, in the order of ``record.maps``."""
    kept = kept_maps(results, replicate, tissue)
    common = set.intersection(*(set(maps) for maps in kept.values())) - {"days", "spacing"}
    return [name for name in next(iter(kept.values())) if name in common]


def _caption(results: Results, tissue: str, replicate: int, picture: View) -> str:
    where = f", {tissue}" if len(results.tissues) > 1 else ""
    words = f"; {picture.words}" if picture.words else ""
    return f"{results.manifest['scenario']}{where}: maps of replicate {replicate}{words}."


def left_out(days: Sequence[float], every: Sequence[float], what: str = "days with maps") -> str:
    """How many of these days are shown, for a caption; empty where all are."""
    return f" {len(days)} of {len(every)} {what}." if len(days) < len(every) else ""


def tile(picture: View, rows: int, columns: int) -> tuple[float, float]:
    """Width and height of one map [inch]: whole pixels per site, as long as that is neither too small nor too large."""
    wanted = float(np.clip(min(1600 / rows, 1800 / columns), 200, 400))
    pixels = max(1, int(wanted / picture.cells)) * picture.cells if 0 < picture.cells <= 500 else wanted
    longer = max(picture.width, picture.height)
    return pixels * picture.width / longer / DPI, pixels * picture.height / longer / DPI


class Atlas:
    """The page of maps: its sizes in inches, then its drawing from top to bottom."""

    def __init__(
        self, results: Results, kept: dict[str, Layers], names: list[str], scales: list[Scale], picture: View
    ) -> None:
        self.results, self.kept, self.names, self.scales, self.view = results, kept, names, scales, picture
        self.stored = sorted({float(day) for maps in kept.values() for day in maps["days"]})
        self.days = days_shown(results, self.stored)
        self.width, self.height = tile(picture, len(kept) * len(names), len(self.days))
        self.labels = {arm: fitted(arm, 1.1) for arm in kept}
        heads = [text_width(name, TEXT, "bold") for name in names]
        self.left = EDGE + max(*heads, *(text_width(label) for label in self.labels.values())) + 0.12
        self.row = max(self.height, *(text_height(label) for label in self.labels.values()))  # of a flat tissue
        self.rows = len(kept) * (self.row + GAP) - GAP
        self.blocks = [max(self.rows, each.height()) for each in scales]
        self.right = self.left + len(self.days) * (self.width + GAP) - GAP + 0.12

    def drawn(self, caption: str) -> Picture:
        """The page."""
        sides = [each.width(room) for each, room in zip(self.scales, self.blocks, strict=True)]
        width = self.right + max(sides) + EDGE
        height = sum(self.blocks) + len(self.blocks) * (HEAD + BLOCK_GAP) - BLOCK_GAP + FOOT
        figure, foot = page(self.results, width, height, caption + left_out(self.days, self.stored))
        top = foot + height
        for i, block in enumerate(self.blocks):
            bottom_of_maps = self._block(figure, i, top - HEAD)
            top -= HEAD + block + BLOCK_GAP
        scale_bar(figure, self.left, bottom_of_maps, self.view.width, self.width)
        return figure

    def _block(self, figure: Picture, i: int, top: float) -> float:
        """One layer below `top`; returns where its maps end."""
        write(figure, EDGE, top + 0.07, self.names[i], weight="bold")
        for column, day in enumerate(self.days):
            x = self.left + column * (self.width + GAP) + self.width / 2.0
            write(figure, x, top + 0.07, f"day {day:g}", ha="center")
        for row, (arm, maps) in enumerate(self.kept.items()):
            bottom = top - (self.height + self.row) / 2.0 - row * (self.row + GAP)
            ink = readable(arm_colour(self.results, arm))
            x = self.left - 0.08
            write(figure, x, bottom + self.height / 2.0, self.labels[arm], ha="right", va="center", color=ink)
            for column, day in enumerate(self.days):
                index = np.flatnonzero(maps["days"] == day)
                if index.size:
                    left = self.left + column * (self.width + GAP)
                    self._map(figure, i, arm, int(index[0]), left, bottom)
        self.scales[i].explain(figure, self.right, top, self.blocks[i])
        return bottom

    def _map(self, figure: Picture, i: int, arm: str, index: int, left: float, bottom: float) -> None:
        axes = place(figure, left, bottom, self.width, self.height)
        bare(axes)
        maps = self.kept[arm]
        state = self.view.flat(maps["state"][index]) if "state" in maps else None
        if state is not None and (state == ABSENT).any():
            axes.patch.set(hatch="/" * 6, edgecolor="#BBBBBB", linewidth=0)
        values = self.scales[i].values(arm, self.view.flat(maps[self.names[i]][index]), state)
        self.view.draw(axes, values, self.scales[i].colours, self.scales[i].norm)
