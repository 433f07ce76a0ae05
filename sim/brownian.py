"""A Brownian path with an address: the same luck at every step length that halves the day.

Levy's construction. The increment over a whole day is one normal number, addressed by the day. Each half of an
interval takes half of its increment, plus or minus a Brownian bridge whose normal is addressed by the day and by the
place of the interval in the tree of halvings (the day is node 1, its halves are 2 and 3, and so on). So a path does not
change when a step of 2^-k d is halved, or is made of several whole days; it gains points. At any other step length the
increment of each step is a number of its own, and so is the path.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sim.compiling import inlined, kernel
from sim.rng import Integer, Purpose, Stream, philox, unit_interval

DEEPEST = 16  # halvings of a day: steps of 1.3 s
_DAY = 0  # the place of the whole day's increment; the bridges have 1, 2, 3 ...
_STEP = 1  # draw of a step that does not divide the day by halves


@inlined
def normal(place: Integer, time: Integer, c2: Integer, replicate: Integer, k0: Integer, k1: Integer) -> float:
    """The standard normal number of an address, by Box and Muller (1958) from both uniforms of one draw."""
    w0, w1, w2, w3 = philox(place, time, c2, replicate, k0, k1)
    radius = math.sqrt(-2.0 * math.log(1.0 - unit_interval(w0, w1)))  # 1 - u is never 0
    return radius * math.cos(2.0 * math.pi * unit_interval(w2, w3))


@inlined
def halvings(dt: float) -> int:
    """How many times the day is halved to steps of `dt`; -1 where halving never gives `dt`."""
    fraction, exponent = math.frexp(dt)
    depth = 1 - exponent
    return depth if fraction == 0.5 and 0 <= depth <= DEEPEST else -1


@inlined
def increment_at(step: Integer, dt: float, c2: Integer, replicate: Integer, k0: Integer, k1: Integer) -> float:
    """Increment N(0, dt) of the path over step number `step` of `dt` days; words as `Stream` gives them."""
    depth = halvings(dt)
    if depth >= 0:
        day, leaf = np.int64(step) >> depth, np.int64(step) & ((1 << depth) - 1)
        increment, spread, node = normal(_DAY, day, c2, replicate, k0, k1), 0.5, np.int64(1)
        for level in range(depth - 1, -1, -1):
            bridge = spread * normal(node, day, c2, replicate, k0, k1)
            late = (leaf >> level) & 1
            increment = 0.5 * increment - bridge if late else 0.5 * increment + bridge
            spread, node = spread * math.sqrt(0.5), 2 * node + late
        return increment
    if dt == math.floor(dt):
        increment, days = 0.0, np.int64(dt)
        for later in range(days):
            increment += normal(_DAY, np.int64(step) * days + later, c2, replicate, k0, k1)
        return increment
    return math.sqrt(dt) * normal(_DAY, step, np.int64(c2) | _STEP, replicate, k0, k1)


@kernel
def fill_increments(
    first: Integer,
    dt: float,
    c2: Integer,
    replicate: Integer,
    k0: Integer,
    k1: Integer,
    out: NDArray[np.float64],
) -> None:
    """Fill `out` with the increments of the steps from `first` on."""
    for i in range(out.size):
        out[i] = increment_at(first + i, dt, c2, replicate, k0, k1)


def increments(stream: Stream, first: int, count: int, dt: float) -> NDArray[np.float64]:
    """Increments of the path of `stream` over `count` steps from step `first` on.

    Parameters
    ----------
    stream : Stream
        Of the body, or of a tissue with a path of its own.
    first, count : int
        The first step and how many.
    dt : float
        Length of a step, in days. Lengths 2^-k d down to 2^-16 d and whole days are points of one path.

    Returns
    -------
    ndarray, shape (count,)
        Independent numbers N(0, dt), in sqrt(d).
    """
    out = np.empty(count, dtype=np.float64)
    c2 = stream.c2(Purpose.FLUCTUATION)
    fill_increments(first, float(dt), c2, int(stream.replicate), stream.k0, stream.k1, out)
    return out


def increment(stream: Stream, step: int, dt: float) -> float:
    """Increment N(0, dt) of the path of `stream` over one step, as `increments` gives it."""
    return float(increments(stream, step, 1, dt)[0])
