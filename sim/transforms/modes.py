"""What a step does to the modes of a factor, and to its field: loops over grids of three axes of reals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compiling import inlined, kernel

Array = NDArray[Any]

NEGLIGIBLE = 1e-30  # smaller accumulators become 0: arithmetic on denormals is 35 times slower
MAX_EXPONENT = 100.0  # per axis: exp(-100) keeps nothing, and a product of four of them is not yet a denormal


@inlined
def advanced(c, s, row_rate, row_kept, row_lost, rate, kept, lost):  # type: ignore[no-untyped-def]
    """Amplitude a step after `c`, with that of the source `s`; rate, share kept and share lost of a row and a column.

    Numbers or lanes, float64. E = exp(-mu dt) is a product over the axes; 1 - E is built from the shares lost,
    a + b - a b, so nothing cancels. The zero mode, where mu may be 0, is for the caller.
    """
    return c * (row_kept * kept) + s * ((row_lost + lost - row_lost * lost) / (row_rate + rate))


@inlined
def row_shares(rate: float, kept: float, lost: float, decay: float, dt: float) -> tuple[float, float, float]:
    """Rate [1/d], share kept and share lost in `dt` of a row of modes, decay included."""
    left = math.exp(-min(decay * dt, MAX_EXPONENT)) * kept
    return decay + rate, left, lost - math.expm1(-decay * dt) * (1.0 - lost)


@kernel
def advance_modes(amplitudes: Array, work: Array, tables: tuple[Array, Array, Array], decay: float, dt: float) -> None:
    """Advance all modes by `dt`; `work` holds those of the source and receives a copy of the new amplitudes.

    All is float64, also for a float32 grid: with one rounding a step, many small steps equal a large one.
    """
    planes, rows, columns = tables
    rate, kept, lost = columns[0], columns[1], columns[2]  # by index: rows that are unpacked count as strided
    for i in range(amplitudes.shape[0]):
        for j in range(amplitudes.shape[1]):
            both = planes[2, i] + rows[2, j] - planes[2, i] * rows[2, j]
            row = row_shares(planes[0, i] + rows[0, j], planes[1, i] * rows[1, j], both, decay, dt)
            c, s = amplitudes[i, j], work[i, j]
            for m in range(c.size):
                new = advanced(c[m], s[m], row[0], row[1], row[2], rate[m], kept[m], lost[m])
                new = new if row[0] + rate[m] > 0.0 else c[m] + s[m] * dt  # nothing spreads or decays
                new = 0.0 if abs(new) < NEGLIGIBLE else new
                c[m] = new
                s[m] = new


@kernel
def clip(values: Array) -> tuple[float, float]:
    """Replace `values` by max(values, 0), in place (NaN stays NaN); return the least and the largest before.

    One running extreme per column, because compilers do not turn a single one into vector code.
    """
    low, high = values[0, 0].copy(), values[0, 0].copy()
    zero = values.dtype.type(0)  # 0.0 would widen a float32 grid to float64
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            c = values[i, j]
            for m in range(c.size):
                value = c[m]
                low[m] = value if value < low[m] else low[m]
                high[m] = value if value > high[m] else high[m]
                c[m] = zero if value < zero else value
    return low.min(), high.max()


@kernel
def column_sum(values: Array) -> float:
    """Sum in float64, in a fixed order: down each column, then along the row of sums."""
    sums = np.zeros(values.shape[2])
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            for m in range(sums.size):
                sums[m] += values[i, j, m]
    return float(sums.sum())
