"""Cells scattered at random without overlap: random sequential packing of discs (as in Martin 2023)."""

from __future__ import annotations

import math

import numpy as np

from sim.compiling import kernel
from sim.errors import ScenarioError
from sim.rng import Purpose, Stream
from sim.tissue.geometry import Floats, Ints

_BLOCK = 4096  # attempts drawn at a time; a number is its own address, so this changes no packing
_PATIENCE = 2000  # attempts per disc: enough for 0.53, while no number of them gets past jamming at 0.547


def pack_discs(side: float, radius: float, density: float, stream: Stream) -> Floats:
    """Centres of discs that do not overlap, each placed at random where there is room.

    Parameters
    ----------
    side : float
        Of the square that holds the centres [um]; discs may stick out of it.
    radius : float
        Of a disc [um].
    density : float
        Area of all discs over the area of the square; it gives their number, rounded down.
    stream : Stream
        Attempt number i has the address (``PACKING``, step 0, site i), draw 0 for x and draw 1 for y.

    Returns
    -------
    (n, 2) float array
        Coordinates x, y [um], in the order of placing.

    Raises
    ------
    ScenarioError
        If a length or the density is not positive, the density leaves no disc, or the discs find no room.
    """
    if not (side > 0.0 and radius > 0.0 and density > 0.0 and math.isfinite(side)):
        raise ScenarioError(f"side, radius and density must be positive, got {side}, {radius}, {density}")
    n_discs = int(density * side**2 / (math.pi * radius**2))
    if n_discs < 1:
        raise ScenarioError(f"density must allow one disc of radius {radius} um, got {density}")
    centres = np.empty((n_discs, 2))
    per_axis = int(side / (math.sqrt(2.0) * radius)) + 1
    grid = np.full((per_axis, per_axis), -1, np.int64)
    n_placed = 0
    for first in range(0, _PATIENCE * n_discs, _BLOCK):
        attempts = np.arange(first, first + _BLOCK)
        x = side * stream.uniforms(Purpose.PACKING, 0, attempts, 0)
        y = side * stream.uniforms(Purpose.PACKING, 0, attempts, 1)
        n_placed = _place(x, y, side, radius, grid, centres, n_placed)
        if n_placed == n_discs:
            return centres
    raise ScenarioError(
        f"density must be one that random packing reaches (discs jam at about 0.547), got {density}: "
        f"{n_placed} of {n_discs} discs found room"
    )


@kernel
def _place(x: Floats, y: Floats, side: float, radius: float, grid: Ints, centres: Floats, n_placed: int) -> int:
    """Try places one after the other, until all discs have one; returns how many have.

    The diagonal of a grid box is shorter than the diameter of a disc, so that no box holds two centres, and a
    centre that is too close is at most two boxes away (or the grid has three boxes a side or fewer).
    """
    per_axis = grid.shape[0]
    for attempt in range(x.size):
        if n_placed == centres.shape[0]:
            break
        column = min(int(x[attempt] / side * per_axis), per_axis - 1)
        row = min(int(y[attempt] / side * per_axis), per_axis - 1)
        if _has_room(x[attempt], y[attempt], row, column, radius, grid, centres):
            centres[n_placed] = x[attempt], y[attempt]
            grid[row, column] = n_placed
            n_placed += 1
    return n_placed


@kernel
def _has_room(x: float, y: float, row: int, column: int, radius: float, grid: Ints, centres: Floats) -> bool:
    """Whether no disc that has been placed is closer than a diameter."""
    per_axis = grid.shape[0]
    for i in range(max(row - 2, 0), min(row + 3, per_axis)):
        for j in range(max(column - 2, 0), min(column + 3, per_axis)):
            disc = grid[i, j]
            if disc >= 0:
                dx, dy = centres[disc, 0] - x, centres[disc, 1] - y
                if dx * dx + dy * dy < 4.0 * radius * radius:
                    return False
    return True
