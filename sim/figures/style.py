"""One look for all figures: colours that mean one thing each, letters, and files that are the same bytes each time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import _GeneratorContextManager
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from matplotlib import colormaps, style
from matplotlib.colors import Colormap, LinearSegmentedColormap, ListedColormap, to_rgb
from matplotlib.figure import Figure

from sim.errors import ResourceError

DPI = 150
INK = "#222222"
FAINT = "#8C8C8C"
MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
FONT = "DejaVu Sans"  # comes with Matplotlib: the same widths on every machine
TEXT = 8.0  # points
SMALL = 7.0

LOOK: Any = {
    "font.family": [FONT, "sans-serif"],
    "font.sans-serif": [FONT],
    "font.size": TEXT,
    "text.color": INK,
    "text.parse_math": False,  # a name with a dollar sign is a name
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.labelsize": TEXT,
    "axes.titlesize": TEXT,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "hatch.linewidth": 0.4,
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "senodrift",  # and the file the same bytes
}

# Okabe-Ito; the baseline is near black, yellow is too pale for a line. From the eighth on: Tol's muted, and brown
ARM_COLOURS = (
    "#3A3A3A", "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00",
    "#332288", "#999933", "#882255", "#8C564B",
)  # fmt: skip
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (5, 1.2, 1.2, 1.2)), (0, (7, 1.2, 1.2, 1.2, 1.2, 1.2)))
DOTTED: Any = (0, (1.5, 1.2))  # arms of all hosts but the first
DASHED_FROM = 7  # arms from the eighth on are dashed, for they have darker shades of the same hues
MARKERS = {"o": "", "s": "\N{BLACK SQUARE} ", "^": "\N{BLACK UP-POINTING TRIANGLE} ", "D": "\N{BLACK DIAMOND} "}

STATE_NAMES = ("healthy", "senescent", "cleared", "scarred", "no site")
STATE_COLOURS = ("#DADADA", "#D55E00", "#FFFFFF", "#4D4D4D")

CAUSE_COLOURS = {
    "initial": "#9E9E9E", "damage": "#E6D872", "replicative": "#B4DDF3", "contact": "#74C3AC",
}  # fmt: skip
FACTOR_COLOURS = ("#E08A4F", "#5E9FCC", "#C98BB0", "#4FA38C")
EVENT_COLOURS = ("#6B6B6B", "#B8B8B8", "#878787")

SEQUENTIAL = ("viridis", "cividis", "magma")  # perceptually uniform


class Source(Protocol):
    """Tables that figures are made of: `sim.results.Results`, `sim.sweeps.SweepResults`."""

    manifest: dict[str, Any]

    @property
    def arms(self) -> list[str]:
        """Arms in the order of the scenario."""


def our_look() -> _GeneratorContextManager[None]:
    """Matplotlib's defaults and our look while we draw, whatever the user has set; then as it was before."""
    return style.context(["default", LOOK])


class Picture(Figure):
    """A Matplotlib figure that a notebook shows without pyplot; its caption is also known as text."""

    caption: str = ""

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        with our_look():
            self.savefig(buffer, format="png", dpi=DPI)
        return buffer.getvalue()


def save(figure: Figure, path: Path) -> Path:
    """Write PNG or SVG, by the suffix; the same figure gives the same bytes."""
    metadata = {"Date": None, "Creator": "senodrift"} if path.suffix == ".svg" else {"Software": "senodrift"}
    with our_look():
        figure.savefig(path, dpi=DPI, metadata=metadata)
    return path


def save_each(figures: Iterable[tuple[str, Callable[[], Figure]]], folder: str | Path) -> list[Path]:
    """Draw figures one after the other and write each into `folder`, as PNG (150 dpi) and as SVG (text as text).

    Parameters
    ----------
    figures
        Name of the files and what draws the figure.
    folder
        Made if it is not there.

    Raises
    ------
    ResourceError
        If the folder cannot be written.
    """
    folder, paths = Path(folder), []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, draw in figures:
            figure = draw()
            paths += [save(figure, folder / f"{name}{suffix}") for suffix in (".png", ".svg")]
    except OSError as error:
        raise ResourceError(f"{folder}: figures: must be a folder that can be written, got {error.strerror}") from error
    return paths


def arm_colour(results: Source, arm: str) -> str:
    """The colour of an arm in every figure of a run; that of the arm with the same treatments in the first host."""
    twin = results.manifest.get("counterparts", {}).get(arm, arm)
    return ARM_COLOURS[results.arms.index(twin if twin in results.arms else arm) % len(ARM_COLOURS)]


def arm_dash(results: Source, arm: str) -> Any:
    """The line style of an arm: solid for the first seven, then another whenever the colours begin again."""
    if arm in results.manifest.get("counterparts", {}):
        return DOTTED
    rounds = (results.arms.index(arm) + len(ARM_COLOURS) - DASHED_FROM) // len(ARM_COLOURS)
    return DASHES[rounds % len(DASHES)]


def arm_marker(results: Source, arm: str) -> str:
    """The mark of an arm among points: a circle, then another whenever the colours begin again."""
    return list(MARKERS)[results.arms.index(arm) // len(ARM_COLOURS) % len(MARKERS)]


def readable(colour: str) -> str:
    """`colour`, darkened until its letters stand out from white (contrast 3.5)."""
    rgb = np.array(to_rgb(colour))
    while 1.05 / (_luminance(rgb) + 0.05) < 3.5:
        rgb = rgb * 0.95
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in rgb)


def _luminance(rgb: np.ndarray) -> float:
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def cause_colours(causes: Sequence[str], factors: Sequence[str]) -> dict[str, str]:
    """A fill for every cause; paler than arms, so that nobody takes one for the other."""
    colours, events = dict(CAUSE_COLOURS), 0
    channels = [name for factor in factors for name in (factor, f"{factor}_level", f"{factor}_cargo")]
    for cause in causes:
        if cause in channels:
            colours[cause] = FACTOR_COLOURS[channels.index(cause) // 3 % len(FACTOR_COLOURS)]
        elif cause not in colours:
            colours[cause] = EVENT_COLOURS[events % len(EVENT_COLOURS)]
            events += 1
    return colours


def state_colours() -> ListedColormap:
    """Colour by state code; absent sites are clear, and the hatched ground shows."""
    return ListedColormap([*STATE_COLOURS, "#FFFFFF00"], name="states")


def sequential(index: int) -> Colormap:
    """A perceptually uniform map; neighbours in a figure differ."""
    return colormaps[SEQUENTIAL[index % len(SEQUENTIAL)]]


def diverging(below: str, above: str) -> Colormap:
    """From one colour through white to another; both sides are equally dark, in grey print too."""
    ends = [_shade(below, 0.03), _shade(below, 0.3), (1.0, 1.0, 1.0), _shade(above, 0.3), _shade(above, 0.03)]
    return LinearSegmentedColormap.from_list("difference", ends, N=257)  # odd: 0 is white


def _shade(colour: str, luminance: float) -> tuple[float, ...]:
    """`colour`, mixed with white or black until it has about this luminance."""
    rgb = np.array(to_rgb(colour))
    while _luminance(rgb) > luminance:
        rgb = rgb * 0.97
    while _luminance(rgb) < 0.97 * luminance:
        rgb = 1.0 - 0.97 * (1.0 - rgb)
    return tuple(rgb.tolist())
