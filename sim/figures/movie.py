"""A tissue in motion: the stored maps day by day, arms side by side, and below them a clock with the doses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import EllipseCollection
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.text import Text

from sim.analysis.paired import chosen_tissue, one_of
from sim.analysis.stored_maps import ABSENT
from sim.figures.doses import Calendar
from sim.figures.film import Movie
from sim.figures.layers import scale
from sim.figures.layout import EDGE, LABEL_GAP, bare, fitted, page, place, scale_bar, text_height, text_width, write
from sim.figures.maps import Layers, kept_maps, shown_layers, tile
from sim.figures.sites import view
from sim.figures.style import INK, SMALL, TEXT, arm_colour, our_look, readable
from sim.results import Results

Frame = npt.NDArray[np.uint8]

HEAD, FOOT, CLOCK = 0.28, 0.3, 0.34  # inch: for the day, for the scale bar, for the labels of the clock
GAP = 0.1  # inch between maps
EVENT_ROW = 0.17  # inch, for the names of events
MOST_ACROSS = 4  # arms in a row
SHADES = 128  # colours of a palette for a quantity: every second one of its map, the others are for letters
BELOW_IT = "\N{BLACK DOWN-POINTING SMALL TRIANGLE}"  # in front of the name of an event
ON_CLOCK = "#B00020"  # where we are


def movie(
    results: Results,
    layer: str = "state",
    replicate: int = 0,
    tissue: str | None = None,
    arms: Sequence[str] | None = None,
) -> Movie:
    """A layer of one replicate over the days of the stored maps, arms side by side.

    Colours and places are those of `sim.figures.maps.maps`, and mean the same in all arms and on all days. Below, a
    clock shows where we are, what was done from outside, and which doses this replicate was given.

    Parameters
    ----------
    results : Results
        Tables of an experiment, with maps. ``record.maps_every`` of a scenario keeps more days.
    layer : str
        As in `sim.figures.maps.maps`.
    replicate : int
        Whose maps.
    tissue : str, optional
        The first one if not given.
    arms : sequence of str, optional
        All that have maps if not given.

    Raises
    ------
    ResultsError
        If no maps were kept for this replicate, or not this layer; or there is no such arm or tissue.
    """
    tissue = chosen_tissue(results, tissue, "movie")
    kept = kept_maps(results, replicate, tissue)
    for arm in arms or ():
        one_of(arm, list(kept), "movie: arms")
    shown_layers(results, replicate, tissue, [layer])
    kept = {arm: maps for arm, maps in kept.items() if arms is None or arm in arms}
    return Movie(Scene(results, kept, layer, replicate, tissue))


class Scene:
    """The page of a movie: drawn once, then changed from day to day.

    Attributes
    ----------
    days : list of float
        On which any of the arms has a map.
    """

    def __init__(self, results: Results, kept: dict[str, Layers], layer: str, replicate: int, tissue: str) -> None:
        self.results, self.kept, self.layer, self.replicate, self.tissue = results, kept, layer, replicate, tissue
        self.days = sorted({float(day) for maps in kept.values() for day in maps["days"]})
        self.view = view(results, tissue, replicate, next(iter(kept.values())))
        self.scale = scale(results, tissue, layer, 0, {arm: maps[layer] for arm, maps in kept.items()})
        self.across = min(MOST_ACROSS, math.ceil(len(kept) / math.ceil(len(kept) / MOST_ACROSS)))

    @property
    def name(self) -> str:
        """What is shown, for a caption."""
        where = f", {self.tissue}" if len(self.results.tissues) > 1 else ""
        words = f"; {self.view.words}" if self.view.words else ""
        return f"{self.results.manifest['scenario']}{where}: {self.layer}, replicate {self.replicate}{words}."

    @property
    def colours(self) -> Frame:
        """(n, 4) colours of the layer, which a palette must have."""
        n = min(self.scale.colours.N, SHADES)
        shown: Frame = np.array(self.scale.colours(np.linspace(0.0, 1.0, n), bytes=True), np.uint8)
        return shown

    @cached_property
    def _stage(self) -> Stage:
        with our_look():
            return Stage(self)

    def paint(self, day: float) -> Frame:
        """(height, width, 4) colours of the page on a day; height and width are even, as video wants it."""
        with our_look():
            return self._stage.on(day)

    def mark(self, day: float) -> float:
        """Where the clock stands on a day [pixels from the left]."""
        first, last = self.clock
        left, width = self._stage.clock
        return (left + width * (day - first) / (last - first)) * self._stage.figure.dpi

    @cached_property
    def clock(self) -> tuple[float, float]:
        """First and last day of the run."""
        days = self.results.timeseries["day"] if len(self.results.timeseries) else np.array(self.days)
        first, last = min(float(days.min()), self.days[0]), max(float(days.max()), self.days[-1])
        return first, last if last > first else first + 1.0

    def values(self, arm: str, day: float) -> npt.NDArray | None:
        """What is drawn of an arm on a day, as the colours want it; None where it has no map of that day."""
        maps = self.kept[arm]
        found = np.flatnonzero(maps["days"] == day)
        if not found.size:
            return None
        index = int(found[0])
        state = self.view.flat(maps["state"][index]) if "state" in maps else None
        return self.scale.values(arm, self.view.flat(maps[self.layer][index]), state)

    def holes(self, arm: str) -> bool:
        """Whether an arm has places without a site."""
        maps = self.kept[arm]
        return "state" in maps and bool((self.view.flat(maps["state"][0]) == ABSENT).any())


class Stage:
    """The drawn page of a scene, in inches, and what moves on it."""

    def __init__(self, scene: Scene) -> None:
        self.scene, kept = scene, scene.kept
        rows = math.ceil(len(kept) / scene.across)
        tile_width, tile_height = tile(scene.view, max(rows, 2), max(scene.across, 3))
        self.labels = {arm: fitted(arm, tile_width) for arm in kept}
        above = max(text_height(label) for label in self.labels.values()) + 0.08
        calendar = Calendar(of_replicate(scene.results, scene.replicate), list(kept), names=1.5)
        events = happened(scene)
        below = CLOCK + calendar.height + (EVENT_ROW if events else 0.0)
        field = scene.across * (tile_width + GAP) - GAP
        block = rows * (tile_height + above + GAP) - GAP
        self.right = EDGE + field + 0.14
        room = max(block - above, scene.scale.height())
        names = LABEL_GAP + max([text_width(name, SMALL) for name in calendar.names.values()], default=0.0)
        width = max(self.right + scene.scale.width(room) + EDGE, 4.0, EDGE + 2.5 + names)
        height = HEAD + above + room + FOOT + below
        self.figure, foot = page(scene.results, width, height, scene.name + calendar.in_words())
        self._even()
        self.clock = (EDGE + 0.1, width - EDGE - 0.2 - (names if calendar.doses else 0.0))
        top = foot + height - HEAD
        self.title = self._title(top)
        self.tiles = {}
        for i, arm in enumerate(kept):
            row, column = divmod(i, scene.across)
            left, upper = EDGE + column * (tile_width + GAP), top - row * (tile_height + above + GAP)
            ink = readable(arm_colour(scene.results, arm))
            write(self.figure, left, upper - above + 0.07, self.labels[arm], color=ink, va="baseline")
            self.tiles[arm] = self._tile(arm, left, upper - above - tile_height, tile_width, tile_height)
        scene.scale.explain(self.figure, self.right, top - above, room)
        scale_bar(self.figure, EDGE, foot + below + FOOT - 0.02, scene.view.width, tile_width)
        self.pointer = self._clock(calendar, events, foot)
        self.canvas = FigureCanvasAgg(self.figure)
        self.moving: list[Any] = [*(drawn.axes for drawn in self.tiles.values()), self.title, self.pointer]
        for each in self.moving:
            each.set_animated(True)
        self.canvas.draw()
        self.still = self.canvas.copy_from_bbox(self.figure.bbox)

    def _even(self) -> None:
        """A whole, even number of pixels either way."""
        dpi = self.figure.dpi
        width, height = (2 * math.ceil(round(side * dpi, 6) / 2) / dpi for side in self.figure.get_size_inches())
        self.figure.set_size_inches(width, height)

    def _title(self, top: float) -> Text:
        width, height = self.figure.get_size_inches()
        return self.figure.text(EDGE / width, (top + 0.08) / height, "", size=TEXT + 2, weight="bold", color=INK)

    def _tile(self, arm: str, left: float, bottom: float, width: float, height: float) -> AxesImage | EllipseCollection:
        axes = place(self.figure, left, bottom, width, height)
        bare(axes)
        if self.scene.holes(arm):
            axes.patch.set(hatch="/" * 6, edgecolor="#BBBBBB", linewidth=0)
        first = next(values for day in self.scene.days if (values := self.scene.values(arm, day)) is not None)
        return self.scene.view.draw(axes, first, self.scene.scale.colours, self.scene.scale.norm)

    def _clock(self, calendar: Calendar, events: dict[float, str], foot: float) -> Line2D:
        """The axis of time with its calendar and its events; returns what points at the day."""
        left, width = self.clock
        axes = place(self.figure, left, foot + CLOCK - 0.02, width, 0.02)
        axes.set(xlim=self.scene.clock, yticks=[])
        axes.spines[["left", "right", "top"]].set_visible(False)
        axes.locator_params(axis="x", nbins=10, steps=[1, 2, 3, 5, 10])
        axes.set_xlabel("day", labelpad=1.0, size=SMALL)
        calendar.draw(self.figure, axes, left, foot + CLOCK - 0.1, width)
        size = self.figure.get_size_inches()
        upper = foot + CLOCK + calendar.height
        for day, name in events.items():
            x, room = self._at(day) - text_width(BELOW_IT, SMALL) / 2.0, text_width(f"{BELOW_IT} {name}", SMALL)
            ends = x + room > left + width
            words = f"{name} {BELOW_IT}" if ends else f"{BELOW_IT} {name}"
            x += text_width(BELOW_IT, SMALL) if ends else 0.0
            write(self.figure, x, upper + 0.03, words, size=SMALL, ha="right" if ends else "left")
        pointer = Line2D([0, 0], [(foot + CLOCK - 0.04) / size[1], upper / size[1]], color=ON_CLOCK, lw=1.2)
        pointer.set_solid_capstyle("butt")
        self.figure.add_artist(pointer)
        return pointer

    def _at(self, day: float) -> float:
        """Where a day stands on the clock [inch]."""
        first, last = self.scene.clock
        return self.clock[0] + self.clock[1] * (day - first) / (last - first)

    def on(self, day: float) -> Frame:
        """The page on a day."""
        self.title.set_text(f"day {day:g}")
        self.pointer.set_xdata([self._at(day) / self.figure.get_size_inches()[0]] * 2)
        for arm, drawn in self.tiles.items():
            values = self.scene.values(arm, day)
            drawn.set_visible(values is not None)
            if values is not None:
                drawn.set_array(values)
        self.canvas.restore_region(self.still)
        for each in self.moving:
            each.draw(self.canvas.get_renderer())
        return np.asarray(self.canvas.buffer_rgba()).copy()


def of_replicate(results: Results, replicate: int) -> Results:
    """The tables of which a calendar is made, of one replicate: what it was given, not what most were."""
    rows, doses = (table[table["replicate"] == replicate] for table in (results.timeseries, results.doses))
    return Results(results.manifest, results.scenario, rows, results.events, results.sites, doses=doses)


def happened(scene: Scene) -> dict[float, str]:
    """What was done from outside to this tissue, by day; the arms say which, where not all have it."""
    events = scene.results.events
    if events.empty:
        return {}
    here = events[(events["tissue"] == scene.tissue) & (events["replicate"] == scene.replicate)]
    here = here[here["arm"].isin(list(scene.kept)) & here["sender"].isna()] if "sender" in here else here
    names = here.groupby("day")["event"].unique()
    return {float(day): ", ".join(dict.fromkeys(each)) for day, each in names.items()}
