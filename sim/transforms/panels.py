"""A grid of the plane between reflecting walls, as modes in panels of columns: a step of a factor and the way back."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import DTypeLike

from sim.threads import in_shares
from sim.transforms import cosine
from sim.transforms.cosine import Array

_ROOM = threading.local()  # what a step works in: one array for all factors that are alike, in each thread


def in_panels(grid: Array, both: int) -> Array:
    """(ny, nx) as (panels, ny, `both`): columns that are transformed together stand together; 0 beyond the last."""
    ny, nx = grid.shape
    found = cosine.aligned((-(-nx // both), ny, both), grid.dtype)
    for panel in range(len(found)):
        part = grid[:, panel * both : (panel + 1) * both]
        found[panel, :, : part.shape[1]] = part
    return found


class Panels:
    """Amplitudes of the modes of a factor.

    Parameters
    ----------
    shape : (ny, nx)
        Voxels; lengths that `sim.transforms.fourier.suits`.
    dtype : float32 or float64
        Of amplitudes and field.
    rows, columns : (3, ny) and (3, nx) float64 arrays
        Rate [1/d], share kept and share lost in a step of `dt` [d] by the modes of each axis.

    Attributes
    ----------
    amplitudes : (panels, ny, columns) array
        In the order of `in_panels`; the zero mode, the first of all, is the mean.
    """

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike, rows: Array, columns: Array, dt: float) -> None:
        self._shape, self._dt, self._rows = shape, dt, rows
        self._plans = [cosine.plan(n, dtype) for n in shape]
        both = cosine.columns_at_once(dtype)
        self._pairs = -(-shape[0] // both)
        self.amplitudes = in_panels(np.zeros(shape, dtype), both)
        beyond = np.broadcast_to([[1.0], [0.0], [0.0]], (3, -shape[1] % both))  # no rate of 0: 0 / 0 would spread
        columns = np.hstack([columns, beyond]).reshape(3, -1, both)
        self._columns = columns.transpose(1, 0, 2).copy()

    def start(self, amplitudes: Array) -> None:
        """Begin with amplitudes of shape (ny, nx)."""
        self.amplitudes[...] = in_panels(amplitudes, self.amplitudes.shape[-1])

    def advance(self, source: Array, field: Array, decay: float, mean: float, threads: int) -> tuple[float, float]:
        """Advance by a step with a constant `source`, and write max(c, 0) to the `field`, whose mean is `mean`.

        Returns the least and the largest c.
        """
        work = self._room()
        step = self._rows, self._columns, decay, self._dt, field.dtype.type(mean)

        def forward(first: int, last: int) -> None:
            cosine.rows_to_modes(first, last, source, work, self._plans[1])

        def advance(first: int, last: int) -> None:
            cosine.advance_columns(first, last, work, self.amplitudes, self._shape[1], self._plans[0], *step)

        in_shares(forward, self._pairs, threads)
        in_shares(advance, len(work), threads)
        return self._give(work, field, threads)

    def read(self, field: Array, mean: float) -> tuple[float, float]:
        """Write the `field` with the bits that the last step left there, but for its `mean`."""
        work = self._room()
        self.amplitudes[0, 0, 0] = mean
        cosine.modes_to_columns(0, len(work), self.amplitudes, work, self._plans[0])
        return self._give(work, field, 1)

    def _give(self, work: Array, field: Array, threads: int) -> tuple[float, float]:
        extremes = np.empty((self._pairs, 2), field.dtype)

        def back(first: int, last: int) -> None:
            cosine.modes_to_rows(first, last, work, field, self._plans[1], extremes)

        in_shares(back, self._pairs, threads)
        return float(extremes[:, 0].min()), float(extremes[:, 1].max())

    def _room(self) -> Array:
        """The array to work in; what it holds is rubbish."""
        room = getattr(_ROOM, "array", None)
        if room is None or room.shape != self.amplitudes.shape or room.dtype != self.amplitudes.dtype:
            _ROOM.array = room = cosine.aligned(self.amplitudes.shape, self.amplitudes.dtype)
        return room
