"""Something known beside ours: what is compared, how closely, of which class, and what has to run for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from measures import Measured

Curve = pd.DataFrame  # columns x, y, error, n

Class = Literal["verified", "echo", "fitted", "predicted"]
CLASSES: dict[Class, str] = {
    "verified": "known mathematics, another program, or the same thing computed in two ways agrees; it says nothing "
    "about biology",
    "echo": "a number that was put in comes back",
    "fitted": "parameters were chosen to meet it",
    "predicted": "neither put in nor fitted: the only class that counts as evidence",
}


class Study(NamedTuple):
    """A scenario file and those of its arms that are needed (none named: all)."""

    file: str
    arms: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What stands for it in a list."""
        return self.file

    @property
    def command(self) -> str:
        """What a reader types to run it."""
        arms = f" --arms {','.join(self.arms)}" if self.arms else ""
        return f"senodrift run configs/{self.file}{arms} --workers 2"


class Findings(NamedTuple):
    """Numbers by name, and curves that a picture shows."""

    numbers: Mapping[str, Measured]
    curves: Mapping[str, Curve]

    def number(self, name: str) -> Measured:
        """One of the numbers."""
        return self.numbers[name]


class Computation(NamedTuple):
    """A function that finds numbers by itself; the rows that it is for are made again by their number."""

    name: str
    rows: str
    compute: Callable[[], Findings]

    @property
    def command(self) -> str:
        """What a reader types to run it."""
        return f"python tests/validation/table.py {self.rows}"


def curve(x: Sequence[float] | npt.NDArray, y: Sequence[float] | npt.NDArray, error: Any = 0.0, n: int = 1) -> Curve:
    """A curve with its standard errors, and of how many replicates it is."""
    return pd.DataFrame({"x": np.asarray(x, float), "y": np.asarray(y, float), "error": error, "n": n})


@dataclass(frozen=True)
class Target:
    """Something known, published or computed.

    Attributes
    ----------
    number : str
        Row of SCIENCE.md section 9, with a letter where it is split; ``N`` a null named below its table, ``V``
        verification.
    measure : function
        From the tables of a study, or the findings of a computation, to ours.
    low, high : float
        Tolerance on ours, in `unit`; infinite where there is none on that side.
    margin : float
        Standard errors by which ours must be inside; for directions, which noise could give.
    note : str
        What the words of the table leave open; why it fails.
    own : bool
        Whether the tolerance is ours, not one of SCIENCE.md.
    """

    number: str
    what: str
    study: Study | Computation
    measure: Callable[[Any], Measured]
    unit: str
    theirs: str
    low: float
    high: float
    kind: Class
    note: str = ""
    margin: float = 0.0
    own: bool = False

    @property
    def tolerance(self) -> str:
        """The tolerance in words."""
        if math.isfinite(self.low) and math.isfinite(self.high):
            words = f"{self.low:.4g} to {self.high:.4g} {self.unit}"
        else:
            above = math.isfinite(self.low)
            words = f"{'at least' if above else 'at most'} {self.low if above else self.high:g} {self.unit}"
        by = f", by {self.margin:g} standard errors" if self.margin else ""
        return words.rstrip() + by + (" (ours)" if self.own else "")


@dataclass(frozen=True)
class Row:
    """What is known, and ours."""

    target: Target
    ours: Measured

    @property
    def passed(self) -> bool:
        """Whether ours is within the tolerance."""
        return self._room >= 0.0

    @property
    def at_the_edge(self) -> bool:
        """Whether ours passes by less than its standard error."""
        return self.passed and self._room < self.ours.error

    @property
    def _room(self) -> float:
        """How far ours is inside the tolerance, less the margin."""
        value, error, _ = self.ours
        return min(value - self.target.low, self.target.high - value) - self.target.margin * error
