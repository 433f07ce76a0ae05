"""A published result beside ours: what is compared, how closely, and of which class."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

from measures import Measure, Measured

Class = Literal["verified", "echo", "fitted", "predicted"]
CLASSES: dict[Class, str] = {
    "verified": "an independent computation of the same equations agrees; it says nothing about biology",
    "echo": "a number that was put in comes back",
    "fitted": "parameters were chosen to meet it",
    "predicted": "neither; the only class that counts as evidence",
}


class Study(NamedTuple):
    """A scenario file and those of its arms that are needed (none named: all)."""

    file: str
    arms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Target:
    """A published result.

    Attributes
    ----------
    number : str
        Row of SCIENCE.md section 9, with a letter where it is split.
    low, high : float
        Tolerance on ours, in `unit`; infinite where there is none on that side.
    margin : float
        Standard errors by which ours must be inside; for directions, which noise could give.
    note : str
        What the words of the table leave open; why it fails.
    """

    number: str
    what: str
    study: Study
    measure: Measure
    unit: str
    theirs: str
    low: float
    high: float
    kind: Class
    note: str = ""
    margin: float = 0.0

    @property
    def tolerance(self) -> str:
        """The tolerance in words."""
        if math.isfinite(self.low) and math.isfinite(self.high):
            words = f"{self.low:.4g} to {self.high:.4g} {self.unit}"
        else:
            above = math.isfinite(self.low)
            words = f"{'at least' if above else 'at most'} {self.low if above else self.high:g} {self.unit}"
        return words.rstrip() + (f", by {self.margin:g} standard errors" if self.margin else "")


@dataclass(frozen=True)
class Row:
    """A published result and ours."""

    target: Target
    ours: Measured

    @property
    def passed(self) -> bool:
        """Whether ours is within the tolerance."""
        slack = self.target.margin * self.ours.error
        return bool(self.target.low + slack <= self.ours.value <= self.target.high - slack)
