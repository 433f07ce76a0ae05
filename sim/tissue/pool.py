"""Immune cells of one kind in the blood, whom the patrols of all tissues come from and return to."""

from __future__ import annotations

import math

import numpy as np

from sim.scenario.body import Circulation
from sim.tissue.keeping import State


class Pool:
    r"""A number of cells, exact between entries and returns.

    .. math:: \frac{dQ}{dt} = \frac{N - Q}{\tau} - \mathrm{entering} + \mathrm{returning}

    Attributes
    ----------
    number, renewal : float
        N and tau [d].
    cells : float
        Q: at the end of the step, as far as entries and returns are known.
    share : float
        Q / N at the start of the step: by so much recruitment is less, whatever happens in the step.
    """

    def __init__(self, circulation: Circulation) -> None:
        self.number, self.renewal = circulation.number, circulation.renewal
        self.cells, self.share = self.number, 1.0
        self._end = self._there = 0.0

    @property
    def percent(self) -> float:
        """Cells in the blood, of those that there are at rest [%]."""
        return 100.0 * self.cells / self.number

    def open(self, t: float, dt: float) -> None:
        """Begin a step [d]: cells are renewed; so many may enter that none of its moments falls below 0."""
        before, self._end, self.share = self.cells, t + dt, self.cells / self.number
        self.cells = self.number + (before - self.number) * math.exp(-dt / self.renewal)
        self._there = min(before, self.cells)

    def take(self, cells: float, t: float) -> bool:
        """Whether so many may enter a tissue at `t` [d]; if so they are gone from here."""
        if cells > self._there:
            return False
        self._there -= cells
        self.cells -= self._left_of(cells, t)
        return True

    def give_back(self, cells: float, t: float) -> None:
        """So many return at `t` [d]."""
        self.cells += self._left_of(cells, t)

    def _left_of(self, cells: float, t: float) -> float:
        """What a change at `t` still is at the end of the step: renewal levels it."""
        return cells * math.exp(-(self._end - t) / self.renewal)

    def state(self) -> State:
        """How many there are."""
        return {"cells": np.array(self.cells)}

    def restore(self, state: State) -> None:
        """Continue from `state`; a pool that was not there is full."""
        self.cells = float(state["cells"]) if state else self.number
