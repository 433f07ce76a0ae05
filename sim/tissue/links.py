"""Who is a neighbour of whom in a cloud: by radius, by number, or by window. All give pairs, which are mutual."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from sim.errors import ScenarioError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Radius:
    """Neighbours are the cells within `r` [um]."""

    r: float

    def pairs(self, points: Floats, box: Floats) -> Ints:
        """Linked sites, (n, 2), given the lengths of the periodic axes in `box` (0 where not periodic)."""
        linked: Ints = _tree(points, box).query_pairs(self.r, output_type="ndarray")
        return linked


@dataclass(frozen=True)
class Nearest:
    """Neighbours are the `k` nearest cells, made mutual: those that a cell chose and those that chose it."""

    k: int

    def pairs(self, points: Floats, box: Floats) -> Ints:
        """As in `Radius`."""
        if not 1 <= self.k < len(points):
            raise ScenarioError(f"nearest must be from 1 to the {len(points) - 1} other cells, got {self.k}")
        tree = _tree(points, box)
        _, found = tree.query(tree.data, self.k + 1)
        other = found != np.arange(len(points))[:, None]
        other[other.all(axis=1), -1] = False  # of many cells in one place, some do not find themselves
        return np.column_stack([np.repeat(np.arange(len(points)), self.k), found[other]])


@dataclass(frozen=True)
class Window:
    """Neighbours are the cells whose bin lies within +-`half_x`, +-`half_y` bins (Martin 2023; in a plane).

    Coordinates count from the middle of the tissue, in bins of side `bin` [um], truncated towards zero as in
    the published code: the bins at the middle are twice as wide.
    """

    bin: float
    half_x: int
    half_y: int

    def pairs(self, points: Floats, box: Floats) -> Ints:
        """As in `Radius`."""
        if len(box) != 2 or (box > 0.0).any():
            raise ScenarioError("neighbours by window need a plane tissue without periodic walls")
        # bins are whole numbers: in units of the half window + 1/2, those in the window are less than 1 away
        scaled = np.trunc(points / self.bin) / (self.half_x + 0.5, self.half_y + 0.5)
        linked: Ints = cKDTree(scaled).query_pairs(1.0, math.inf, output_type="ndarray")
        return linked


def _tree(points: Floats, box: Floats) -> cKDTree:
    """Search tree that wraps on the axes with a length in `box` (0 = not periodic)."""
    return cKDTree(points % np.where(box > 0.0, box, np.inf), boxsize=box)
