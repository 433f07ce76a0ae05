"""Positions, boxes and periods: what all statistics of patterns check and measure alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
Lengths = Sequence[float] | Floats | None
Flags = bool | Sequence[bool] | Bools


def checked_points(positions: npt.ArrayLike) -> Floats:
    """Positions as float64; ValueError unless (n, 2) or (n, 3) and finite."""
    points = np.asarray(positions, np.float64)
    if points.ndim != 2 or points.shape[1] not in (2, 3):
        raise ValueError(f"positions must have 2 or 3 columns (x, y, z) [um]; their shape is {points.shape}")
    if not np.all(np.isfinite(points)):
        raise ValueError("every coordinate of the positions must be a finite number [um]")
    return points


def checked_marks(marked: npt.ArrayLike, n: int) -> Bools:
    """Marks as an array; ValueError unless (n,) and bool."""
    marks = np.asarray(marked)
    if marks.dtype != np.bool_ or marks.shape != (n,):  # whole numbers would pick rows in place of masking them
        raise ValueError(f"marks must be {n} of type bool, one per position; got {marks.dtype} of shape {marks.shape}")
    return marks


def checked_edges(edges: npt.ArrayLike) -> Floats:
    """Edges of bins of distances [um]; ValueError unless increasing from 0 or more."""
    bounds = np.asarray(edges, np.float64)
    proper = bounds.ndim == 1 and len(bounds) >= 2 and bool(np.all(np.isfinite(bounds)))
    if not proper or bounds[0] < 0 or np.any(np.diff(bounds) <= 0):
        raise ValueError("edges of distance bins must be 2 or more increasing distances from 0 up [um]")
    return bounds


def periods_of(points: Floats, box: Lengths, periodic: Flags) -> Floats:
    """Period of each axis [um], 0 where it is open: the convention of the k-d tree."""
    dimension = points.shape[1]
    flags = np.asarray(periodic, np.bool_)
    if flags.shape not in ((), (dimension,)):
        raise ValueError(f"periodic must be one flag or {dimension}, one per axis")
    if box is None:
        if flags.any():
            raise ValueError("periodic axes need the lengths of the box [um]")
        return np.zeros(dimension)
    lengths = np.asarray(box, np.float64)
    if lengths.shape != (dimension,) or not np.all(np.isfinite(lengths) & (lengths > 0)):
        raise ValueError(f"box must be {dimension} positive lengths [um], one per axis")
    return np.where(flags, lengths, 0.0)


def wrapped(points: Floats, periods: Floats) -> Floats:
    """Points moved into [0, period) along each periodic axis."""
    inside = points.copy()
    for axis in np.flatnonzero(periods):
        inside[:, axis] %= periods[axis]
        inside[inside[:, axis] >= periods[axis], axis] = 0.0  # a tiny negative number rounds up to the period itself
    return inside


def displacements(here: Floats, there: Floats, periods: Floats) -> Floats:
    """There minus here, the shortest way round along periodic axes [um]."""
    apart = there - here
    for axis in np.flatnonzero(periods):
        apart[:, axis] -= periods[axis] * np.rint(apart[:, axis] / periods[axis])
    return apart
