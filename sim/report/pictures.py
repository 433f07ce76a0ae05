"""Figures and movies as text inside a page: PNG of few colours, in base64."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO

from matplotlib.figure import Figure
from PIL import Image

from sim.analysis.stored_maps import places_known
from sim.figures import Plots, main_tissue, possible
from sim.figures.film import Movie, png_bytes
from sim.figures.maps import shown_layers, stored_layers
from sim.figures.style import DPI, our_look
from sim.results import Results

MOST_FRAMES = 24  # of a movie in the page
MOST_BYTES = 2_000_000  # of all movies in the page


@dataclass(frozen=True)
class Drawn:
    """A figure in the page: its address, its size in pixels, its caption, and its name for who cannot see it."""

    source: str
    width: int
    height: int
    words: str
    alt: str


@dataclass(frozen=True)
class Player:
    """A movie in the page: the layer, the day and the address of each frame, and of how many days these are."""

    layer: str
    alt: str
    width: int
    height: int
    frames: list[tuple[str, str]]
    days: int

    @property
    def stills(self) -> set[int]:
        """Frames that stand in print: the first, the middle and the last one."""
        return {0, len(self.frames) // 2, len(self.frames) - 1}


@dataclass(frozen=True)
class Cinema:
    """The movies in the page: where they were filmed, and which layers there was no room for."""

    players: list[Player]
    tissue: str
    replicate: int
    missing: list[str]
    command: str


def pictures(results: Results) -> list[Drawn]:
    """Every figure that these results allow, in the order of `sim.figures.save_all`."""
    return [_drawn(draw(), name) for name, draw in possible(results)]


def dose_calendar(results: Results) -> Drawn | None:
    """The calendar of doses, where there are any."""
    return _drawn(Plots(results).regimens(), "regimens") if len(results.doses) else None


def cinema(results: Results) -> Cinema | None:
    """A movie for each layer that maps show, as far as the page has room for them."""
    place = _mapped(results)
    if place is None:
        return None
    tissue, replicate = place
    found, room = list[Player](), MOST_BYTES
    for layer in shown_layers(results, replicate, tissue):
        whole = Plots(results).movie(layer, replicate, tissue)
        movie = whole.thinned(MOST_FRAMES)
        stills = movie.stills()
        room -= sum(map(len, stills))
        if found and room < 0:
            break
        found.append(_player(layer, movie, stills, len(whole.days)))
    shown = [player.layer for player in found]
    missing = [layer for layer in stored_layers(results, replicate, tissue) if layer not in shown]
    more = f" --tissue {tissue}" if tissue != results.tissues[0] else ""
    more += f" --replicate {replicate}" if replicate else ""
    return Cinema(found, tissue, replicate, missing, f"senodrift movie RESULTS --layer {(missing or shown)[0]}{more}")


def _player(layer: str, movie: Movie, stills: list[bytes], days: int) -> Player:
    frames = [(f"{day:g}", _address(still)) for day, still in zip(movie.days, stills, strict=True)]
    return Player(layer, movie.name, *movie.frames[0].size, frames, days)


def _mapped(results: Results) -> tuple[str, int] | None:
    """The tissue and the replicate whose maps are shown: the main ones, if they have any."""
    kept = [
        (tissue, replicate) for _, replicate, tissue in results.map_keys if places_known(results, tissue, replicate)
    ]
    main = main_tissue(results) if kept else ""
    return min(kept, key=lambda each: (each[0] != main, each[1]), default=None)


def _drawn(figure: Figure, name: str) -> Drawn:
    """A figure with the caption that stands in it; `name` is that of its file: ``maps-skin-state``."""
    buffer = BytesIO()
    with our_look():
        figure.savefig(buffer, format="png", dpi=DPI)
    with Image.open(buffer) as whole:
        few = whole.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    kind, *rest = name.split("-")
    alt = ", ".join([kind.replace("_", " ").capitalize(), *rest])
    return Drawn(_address(png_bytes(few)), *few.size, str(getattr(figure, "caption", "")) or alt, alt)


def _address(png: bytes) -> str:
    return f"data:image/png;base64,{b64encode(png).decode()}"
