"""How the pigment of a tissue looks from above: melanin per area, in squares as an eye sees them, and their spots."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from sim.rules.pigment import typology_angle
from sim.scenario.pigment import Pigment as Law
from sim.tissue.patch import Patch

Floats = npt.NDArray[np.float64]


class Complexion:
    """Read-outs of the melanin of one patch, seen along its depth.

    Melanin per area is told per column: all sites above one another, or a single one where depth has no axis. Columns
    are averaged in squares of `spot.grain`, as near to it as fits the tissue (in a section: in pieces of its length).

    Attributes
    ----------
    reference : float
        Melanin per column of resting skin, without any stimulus; tables tell multiples of it.
    """

    def __init__(self, patch: Patch, law: Law) -> None:
        self._law, self.reference = law, 0.0
        geometry, axis = patch.geometry, patch.tissue.depth_axis
        across = [i for i in range(geometry.dimension) if i != ("xyz".index(axis) if axis else 2)]
        places = geometry.positions()[:, across]
        sides = np.array(geometry.extent[::-1])[across]
        counts = np.maximum(1, np.floor(sides / law.spot.grain + 0.5)).astype(np.int64)
        index = np.minimum((places / sides * counts).astype(np.int64), counts - 1)
        self._square = np.ravel_multi_index(tuple(index.T), tuple(counts.tolist()))
        self._n = math.prod(counts.tolist())
        columns = math.prod(round(side / geometry.spacing) for side in sides.tolist())
        if geometry.shape is None:
            self._columns = np.full(self._n, columns / self._n)
        else:
            self._columns = np.bincount(self._square, minlength=self._n) / (geometry.n_sites / columns)

    def density(self, melanin: Floats) -> float:
        """Mean melanin per column."""
        return float(melanin.sum() / self._columns.sum())

    def relative(self, density: float) -> float:
        """A density as a multiple of that of resting skin; 0 where nobody makes melanin."""
        return density / self.reference if self.reference > 0.0 else 0.0

    def squares(self, melanin: Floats) -> Floats:
        """Melanin of every square as a multiple of resting skin, (m,)."""
        found = np.bincount(self._square, melanin, self._n) / self._columns
        return found / self.reference if self.reference > 0.0 else np.zeros(self._n)

    def columns(self, melanin: Floats) -> dict[str, float]:
        """Spot area [% of the area], contrast [degrees] and mean lightness [degrees]."""
        seen, spot, light = self.squares(melanin), self._law.spot, self._law.lightness
        numbers = (light.lightest, light.darkest, light.scale)
        angles = np.sort([typology_angle(m, *numbers) for m in seen.tolist()])
        tail = max(1, round(spot.tail * self._n))
        return {
            "spot_area": 100.0 * float(np.mean(seen > spot.threshold)),
            "spot_contrast": float(angles[-tail:].mean() - angles[:tail].mean()),
            "lightness": float(angles.mean()),
        }
