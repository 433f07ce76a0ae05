"""What is read out of a run at every step, and the curves of it as SVG.

Matplotlib takes 50 to 100 ms for a picture of curves, which is too long for one that moves; the text of an SVG takes 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from matplotlib.ticker import MaxNLocator

from sim.analysis.outcomes import unit
from sim.figures.burden import LABEL as BURDEN
from sim.figures.functions import PREFIX, SHARE
from sim.figures.style import INK, readable
from sim.observe import read_out
from sim.scenario.schema import Settings
from sim.simulation import Simulation

Key = tuple[str, str]  # tissue (empty: the individual), column
POINTS = 400  # of one line; more cannot be seen
WIDTH, HEIGHT = 440.0, 220.0  # of the drawing, in its own units
LEFT, TOP, BOTTOM = 44.0, 32.0, 38.0
LINE = 13.0  # least distance of two labels, and height of a line
LETTER = 6.6  # width of a letter, on average
LONGEST = 26  # letters of a name beside its line


class Curves:
    """Read-outs of one run by step.

    Attributes
    ----------
    days : list of float
        Days of the states [d].
    values : dict of (tissue, column) to list of float
    """

    def __init__(self, simulation: Simulation) -> None:
        self.days: list[float] = []
        self.values: dict[Key, list[float]] = {}
        self.look(simulation)

    def look(self, simulation: Simulation) -> None:
        """Add the state as it is."""
        self.days.append(simulation.day)
        for key, value in _columns(simulation).items():
            self.values.setdefault(key, []).append(value)

    def line(self, key: Key) -> list[tuple[float, float]]:
        """Day and value; of a long run not every step."""
        values = self.values.get(key, [])
        every = max(1, len(values) // POINTS)
        points = list(zip(self.days, values, strict=False))
        return [*points[:-1:every], *points[-1:]]


def _columns(simulation: Simulation) -> dict[Key, float]:
    """In the order in which they are offered: what matters to the individual first."""
    found: dict[Key, float] = {("", name): value for name, value in simulation.functions.outcomes().items()}
    for tissue, patch in simulation.patches.items():
        found[tissue, "burden"] = patch.burden
        found |= {(tissue, name): value for name, value in simulation.functions.columns(tissue).items()}
        if tissue in simulation.pigments:
            found |= {(tissue, name): value for name, value in simulation.pigments[tissue].columns().items()}
        names = (*(f"mean_{factor}" for factor in patch.factor_names), "immune_capacity", "vacant")
        found |= {(tissue, name): read_out(patch, name) for name in names}
    return found


def label_of(key: Key, settings: Settings) -> str:
    """What a column is, with its unit."""
    tissue, column = key
    if column == "burden":
        return BURDEN
    words, own = column.replace("_", " "), unit(column)
    if not tissue:
        words, own = settings.outcomes[column].description or words, settings.outcomes[column].unit
    elif column.startswith(PREFIX):
        name = column.removeprefix(PREFIX)
        words, own = settings.tissues[tissue].functions[name].description or name, SHARE
    return f"{words} ({own})" if own else words


@dataclass(frozen=True)
class Line:
    """One arm in a chart: its colour, its points (day, value), and the days of its doses."""

    colour: str
    points: Sequence[tuple[float, float]]
    doses: Sequence[float] = ()


def chart(label: str, days: float, lines: Mapping[str, Line], from_zero: bool = True) -> str:
    """Curves over the days of a run as SVG: a line for each arm with its name at the end, and ticks above for doses.

    The axis begins at 0, or, where that is not asked for, where the lines do.
    """
    values = [value for line in lines.values() for _, value in line.points if np.isfinite(value)] or [0.0]
    lowest, highest = 0.0 if from_zero else min(values), max(values)
    ticks = MaxNLocator(5, min_n_ticks=3).tick_values(lowest, highest if highest > lowest else lowest + 1.0)
    bottom, top = float(ticks[0]), float(ticks[-1])
    end = WIDTH - 12.0 - LETTER * min(LONGEST, max(map(len, lines), default=0))  # of the axis; then come the names

    def x(day: float) -> float:
        return LEFT + (end - LEFT) * day / days

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value - bottom) / (top - bottom)

    parts = [_text(LEFT, 11.0, label)]
    for tick in ticks:
        parts.append(f'<path d="M{LEFT:.1f} {y(tick):.1f}H{end:.1f}" stroke="#E4E4E4"/>')
        parts.append(_text(LEFT - 6.0, y(tick) + 4.0, f"{tick:g}", anchor="end"))
    for tick in (each for each in MaxNLocator(6, integer=days > 6).tick_values(0.0, days) if 0.0 <= each <= days):
        parts.append(_text(x(tick), HEIGHT - BOTTOM + 16.0, f"{tick:g}", anchor="middle"))
    parts.append(_text((LEFT + end) / 2.0, HEIGHT - 6.0, "day", anchor="middle"))
    for row, line in enumerate(lines.values()):
        height = TOP - 8.0 + 3.0 * row
        ticks_of_doses = "".join(f"M{x(day):.1f} {height:.1f}v4" for day in line.doses if day <= days)
        path = "L".join(f"{x(day):.1f} {y(value):.2f}" for day, value in line.points if np.isfinite(value))
        parts.append(f'<path d="{ticks_of_doses}" stroke="{line.colour}" stroke-width="1.5"/>')
        parts.append(f'<path d="M{path}" stroke="{line.colour}" stroke-width="2" fill="none"/>' if path else "")
    for height, name, line in _labels(lines, y):
        parts.append(_name(x(line.points[-1][0]) + 5.0, height, name, readable(line.colour)))
    view = f'viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{escape(label)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" {view} font-size="12">{"".join(parts)}</svg>'


def _labels(lines: Mapping[str, Line], y: Callable[[float], float]) -> Iterator[tuple[float, str, Line]]:
    """Height, name and line, from the top down, so that no two names touch and none is outside."""
    ends = [(y(line.points[-1][1]) + 4.0, name, line) for name, line in lines.items() if line.points]
    ends = sorted((each for each in ends if np.isfinite(each[0])), key=lambda each: -each[0])
    apart = min(LINE, (HEIGHT - TOP) / max(1, len(ends)))
    heights, below = [], HEIGHT
    for height, _, _ in ends:  # up from the lowest
        below = min(height, below - apart)
        heights.append(below)
    for above, (height, (_, name, line)) in enumerate(zip(heights[::-1], ends[::-1], strict=True)):
        yield max(height, TOP + apart * above), name, line


def _text(x: float, y: float, words: str, colour: str = INK, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{escape(words)}</text>'


def _name(x: float, y: float, name: str, colour: str) -> str:
    """A name beside its line; the end of a long one is seen when the pointer is on it."""
    if len(name) <= LONGEST:
        return _text(x, y, name, colour)
    return f"<g><title>{escape(name)}</title>{_text(x, y, f'{name[: LONGEST - 1]}…', colour)}</g>"
