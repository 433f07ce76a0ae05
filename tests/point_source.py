"""A point source at rest, in a periodic box or between walls: `Spectral`, and the sum over images that is exact."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.special import k0

from sim.fields import Spectral

Array = NDArray[Any]

BOX = 8  # decay lengths
CORNER = (0.17, 0.39)  # of the box: where the source between walls is
IN_OPEN_SPACE = {  # steady c of one unit of secretion per day, with D = k = 1, hence L = 1
    1: lambda r: np.exp(-r) / 2,
    2: lambda r: k0(r) / (2 * np.pi),
    3: lambda r: np.exp(-r) / (4 * np.pi * r),
}


def point_source(dimension: int, spacing: float, every: int = 1) -> tuple[Array, Array, Array]:
    """Distance to the source [L], level and exact level at each `every`-th voxel along each axis."""
    op = Spectral((round(BOX / spacing),) * dimension, spacing, ("periodic",) * dimension, 1.0, 1.0, 1e3, np.float64)
    source = np.zeros(op.shape)
    source.flat[0] = spacing**-dimension
    op.advance(source)
    level = op.field[(slice(None, None, every),) * dimension]
    images = [_distances(level.shape, every * spacing, image) for image in product((-1, 0, 1, 2), repeat=dimension)]
    return np.min(images, axis=0), level, sum(IN_OPEN_SPACE[dimension](r) for r in images)


def source_between_walls(spacing: float, every: int = 1, dtype: DTypeLike = np.float64) -> tuple[Array, Array, Array]:
    """The same in a plane between reflecting walls, whose images are mirror sources; off the middle of the plane.

    At every `every`-th voxel, `every` being odd: the middle of a large voxel is the middle of a small one.
    """
    n = round(BOX / spacing)
    op = Spectral((n, n), spacing, ("reflecting",) * 2, 1.0, 1.0, 1e3, dtype)
    places = (np.arange(n)[every // 2 :: every] + 0.5) * spacing
    own = [int(share * places.size) for share in CORNER]
    source = np.zeros(op.shape, dtype)
    source[tuple(every // 2 + every * i for i in own)] = spacing**-2
    op.advance(source)
    mirrored = [[sign * places[i] + 2 * BOX * turn for sign in (1, -1) for turn in (-1, 0, 1)] for i in own]
    images = [np.maximum(1e-9, np.hypot((places - y)[:, None], places - x)) for y, x in product(*mirrored)]
    return (
        np.min(images, axis=0),
        op.field[every // 2 :: every, every // 2 :: every],
        sum(map(IN_OPEN_SPACE[2], images)),
    )


def slope(x: Sequence[float], errors: Sequence[float]) -> float:
    """Order of convergence."""
    return float(np.polyfit(np.log(x), np.log(errors), 1)[0])


def _distances(shape: tuple[int, ...], spacing: float, image: tuple[int, ...]) -> Array:
    """Distance of each voxel of a periodic box from that image of voxel 0; no voxel is nearer than 1e-9."""
    axes = [spacing * (np.arange(n) - n * i) for n, i in zip(shape, image, strict=True)]
    r: Array = np.sqrt(sum(x**2 for x in np.meshgrid(*axes, indexing="ij", sparse=True)))
    return np.maximum(1e-9, r)
