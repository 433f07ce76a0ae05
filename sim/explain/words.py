"""How things are said: lines of one width, times in the unit people use, numbers with where they come from."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from sim.scenario.drug import OTHERS
from sim.scenario.ledger import origin, shown
from sim.scenario.load import Scenario
from sim.scenario.places import extent_of, n_cells
from sim.scenario.schema import Settings
from sim.scenario.section import DESIGN, declared, numbers_of
from sim.scenario.tissue import Tissue

WIDTH = 100


def wrap(text: str, first: str = "", rest: str = "") -> str:
    """`text` in lines of at most 100 columns."""
    return textwrap.fill(" ".join(text.split()), WIDTH, initial_indent=first, subsequent_indent=rest)


def paragraph(parts: Iterable[str]) -> str:
    """Parts that are there, each on a line of its own; all but the first indented."""
    lines = enumerate(filter(None, parts))
    return "\n".join(wrap(part, "" if i == 0 else "  ", "  ") for i, part in lines)


def scaled(scales: dict[str, float], here: str, elsewhere: str) -> str:
    """``times 0.5 in skin and 0 in all other tissues``: multipliers by name, with the words for a name and the rest."""
    named = [f"{value:.3g} {here.format(name)}" for name, value in scales.items() if name != OTHERS]
    if scales.get(OTHERS, 1.0) != 1.0:
        named.append(f"{scales[OTHERS]:.3g} {elsewhere}")
    return f"times {listed(named)}" if named else "times 1 everywhere"


def listed(words: Iterable[str]) -> str:
    """``a, b and c``."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def size_words(tissue: Tissue) -> str:
    """``200 x 200 sites (3.0 x 3.0 mm)``; ``24 layers (z) of 24 x 20 cells (0.36 x 0.3 x 0.36 mm)``; or no size."""
    if tissue.shape is None and tissue.cloud is None:
        return "well mixed"
    sides = " x ".join(f"{side / 1000:.3g}" if side < 1000 else f"{side / 1000:.1f}" for side in extent_of(tissue))
    if tissue.shape is not None:
        *layers, rows, columns = tissue.shape
        what = f"{layers[0]} layers (z) of {columns} x {rows} cells" if layers else f"{columns} x {rows} sites"
        return f"{what} ({sides} mm)"
    count = n_cells(tissue)
    about = "about " if tissue.cloud is not None and tissue.cloud.packing is not None else ""
    return f"{about}{count:.0f} cells in {sides} mm"


class Teller:
    """Says the numbers of one arm (or of the common part, arm ``""``) with the source of each that has one."""

    def __init__(self, scenario: Scenario, settings: Settings, arm: str = "") -> None:
        self.scenario, self.settings, self.arm = scenario, settings, arm
        self.numbers = {path: (value, field) for path, value, field in numbers_of(settings)}

    def say(self, path: str) -> str:
        """The number at `path` with its unit."""
        value, field = self.numbers[path]
        return shown(value, declared(field)["unit"])

    def cite(self, *paths: str) -> str:
        """`` (source, confidence)`` of the numbers at `paths`; nothing for choices of the experimenter."""
        known = [path for path in paths if path in self.numbers]
        origins = (origin(self.scenario, path, *self.numbers[path], self.arm) for path in known)
        words = dict.fromkeys(
            confidence if source.startswith("no source") else f"{source}, {confidence}"
            for source, confidence in origins
            if source != DESIGN
        )
        return f" ({'; '.join(words)})" if words else ""

    def cite_named(self, path: str, names: Iterable[str]) -> str:
        """The same for the numbers of a mapping by name."""
        return self.cite(*(f"{path}.{name}" for name in names))
