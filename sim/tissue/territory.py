"""The immune territory: how burdened is the neighbourhood that an immune cell looks after (MODEL.md 2.2).

The territory of a cell is the square or cube of a given half-side around it, on clouds too: a lattice and the
cloud of its points agree. Counts are whole numbers, so they depend on no order. Senescent and resident cells
(healthy and senescent) share one word: senescent in its low half, resident in the high. On a lattice the word has 32
bits where a territory has fewer than 2^16 sites: sums from the corner of the tissue overflow, differences are right.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.compiling import inlined, kernel
from sim.tissue.geometry import ROUNDING, Floats, Geometry, Ints, cell_of
from sim.tissue.state import ABSENT, HEALTHY, SENESCENT

States = npt.NDArray[np.uint8]
Counts = npt.NDArray[Any]  # whole numbers of 32 or 64 bits
Ranges = tuple[int, int, int, int]  # one or two half-open ranges of cells on an axis: [0], [1] and [2], [3]

_WHOLE, _LATTICE, _CLOUD = 0, 1, 2
_HALF = 32  # bits of a count, 16 in short words
_ALL = -1  # every bit of a long word
_SHORT = 2**32 - 1  # of a short one
MANY = 2**30  # residents of a territory beyond this tissue: its burden is exact to 1e-7 %
TILE = 8  # sites along the side of the tiles that bound burdens from below


class Bins(NamedTuple):
    """The cells of a cloud, sorted into boxes; axes in the order x, y, z (a plane has one layer of boxes)."""

    points: Floats  # (n_sites, 3) [um]
    length: Floats  # of the tissue [um]
    periodic: Ints
    n: Ints  # boxes per axis
    start: Ints  # the sites of box i are members[start[i] : start[i + 1]]
    members: Ints


class Box(NamedTuple):
    """The numbers of a lattice's territories; compiled loops get the two arrays of counts beside it."""

    kind: int
    reach: int  # cells from the middle to the edge of a territory
    nz: int  # cells per axis
    ny: int
    nx: int
    pz: int  # 1 where the axis is periodic
    py: int
    px: int
    half: int = _HALF  # bits of a count
    mask: int = _ALL  # the bits of a word


@inlined
def territory_burden(site: int, box: Box, table: Counts, counts: Ints) -> float:
    """Senescent share of the residents in the territory of `site`, in percent; 0 where nobody is resident."""
    if box.kind == _LATTICE:
        count = _count_around(site, box, table) & box.mask
    else:
        count = counts[site if box.kind == _CLOUD else 0]
    resident = count >> box.half
    if resident == 0:
        return 0.0
    return 100.0 * float(count - (resident << box.half)) / float(resident)


class Territory:
    """The burden of every cell's territory, to be recounted whenever states have changed.

    Parameters
    ----------
    geometry : Geometry
        The tissue.
    half_side : float
        From a cell to the edge of its territory [um]; infinite for the whole tissue.

    Attributes
    ----------
    view : (Box, table, counts)
        For ``territory_burden(site, *view)``. On a lattice `table` (nz, ny + 1, nx + 1) holds counts from the first
        corner of the tissue up to each cell; `counts` has one entry for the whole tissue, or one per site of a cloud.
        The arrays stay the same objects: `update` changes what they hold.
    """

    def __init__(self, geometry: Geometry, half_side: float) -> None:
        sites, reach = geometry.sites, 0
        table: Counts = np.zeros((0, 0, 0), np.uint32)
        counts = np.zeros(0, np.int64)
        words = (_HALF, _ALL)
        self._half_side = half_side * (1.0 + ROUNDING)
        if math.isinf(half_side):
            kind, counts = _WHOLE, np.zeros(1, np.int64)
        elif sites.is_lattice:
            kind, reach = _LATTICE, int(self._half_side / geometry.spacing)
            largest = (2 * reach + 1 + TILE) ** 2 * min(2 * reach + 1, sites.nz)  # sites; tiles see a union of them
            short = largest < 2 ** (_HALF // 2)
            words = (_HALF // 2, _SHORT) if short else words
            table = np.zeros((sites.nz, sites.ny + 1, sites.nx + 1), np.uint32 if short else np.int64)
        else:
            kind, counts = _CLOUD, np.zeros(geometry.n_sites, np.int64)
            self._before = np.full(geometry.n_sites, ABSENT, np.uint8)
            self._bins = sort_into_bins(geometry, half_side)
        self.view = (Box(kind, reach, *sites[1:7], *words), table, counts)

    def update(self, state: States) -> None:
        """Recount, given the states of all sites; on a cloud the cost follows the number of changed sites."""
        box, table, counts = self.view
        if box.kind == _WHOLE:
            counts[0] = _count_all(state)
        elif box.kind == _LATTICE:
            nz, rows, columns = table.shape
            _sum_areas(state.reshape(nz, rows - 1, columns - 1), table, box.half)
        else:
            _count_changes(state, self._before, self._half_side, self._bins, counts)

    def fill(self, burden: float) -> None:
        """Let `burden` [%] be that of the one territory, which is larger than this tissue."""
        _, _, counts = self.view
        counts[0] = (MANY << _HALF) + round(burden / 100.0 * MANY)

    def floors(self) -> Floats:
        """A lower bound of the burden in each row of a lattice, in one row elsewhere [%]."""
        box, table, _ = self.view
        if box.kind == _LATTICE:
            return _row_floors(box, table)
        return np.array([territory_burden(0, *self.view) if box.kind == _WHOLE else 0.0])


@inlined
def _word(state: int, half: int) -> int:
    """One site as a count: senescent in the low half, resident in the high."""
    return (int(state in (HEALTHY, SENESCENT)) << half) + int(state == SENESCENT)


@kernel
def _count_all(state: States) -> int:
    total = 0
    for site in range(state.size):
        total += _word(state[site], _HALF)
    return total


# -- lattice: a summed-area table, four entries per territory (eight in space) ------------------------------


@kernel
def _sum_areas(state: States, table: Counts, half: int) -> None:
    """Let table[z, y, x] be the count of all cells before row y and column x, up to plane z and with it."""
    nz, ny, nx = state.shape
    column = np.empty(nx, np.int64)
    for z in range(nz):
        column[:] = 0
        for y in range(ny):
            for x in range(nx):
                column[x] += _word(state[z, y, x], half)
            total = 0
            for x in range(nx):
                total += column[x]
                table[z, y + 1, x + 1] = total
            if z > 0:
                for x in range(1, nx + 1):
                    table[z, y + 1, x] += table[z - 1, y + 1, x]


@kernel
def _row_floors(box: Box, table: Counts) -> Floats:
    """A lower bound of `territory_burden` for each row (z, y) of a lattice, from tiles of 8 x 8 sites.

    All territories of a tile hold their common middle and lie in their union: X is at least what the senescent cells of
    the middle make among the healthy ones of the union. 0 where a union would wrap.
    """
    floors = np.zeros(box.nz * box.ny)
    for z in range(box.nz):
        z0, z1 = max(z - box.reach, 0), min(z + box.reach + 1, box.nz)
        for y in range(0, box.ny, TILE):
            low = 100.0
            for x in range(0, box.nx, TILE):
                low = min(low, _tile_floor(z, z0, z1, y, x, box, table))
            for row in range(y, min(y + TILE, box.ny)):
                floors[z * box.ny + row] = low
    return floors


@inlined
def _tile_floor(z: int, z0: int, z1: int, y: int, x: int, box: Box, table: Counts) -> float:
    r, y_end, x_end = box.reach, min(y + TILE, box.ny) - 1, min(x + TILE, box.nx) - 1
    wraps = (box.pz and _meets_wall(z, r, box.nz)) or (box.py and (y < r or y_end + r >= box.ny))
    if wraps or (box.px and (x < r or x_end + r >= box.nx)) or r < TILE:
        return 0.0
    y_in, x_in = max(y_end - r, 0), max(x_end - r, 0)
    inner = _count_planes(z0, z1, y_in, min(y + r + 1, box.ny), x_in, min(x + r + 1, box.nx), table) & box.mask
    y_out, x_out = min(y_end + r + 1, box.ny), min(x_end + r + 1, box.nx)
    outer = _count_planes(z0, z1, max(y - r, 0), y_out, max(x - r, 0), x_out, table) & box.mask
    senescent = inner - ((inner >> box.half) << box.half)
    healthy = (outer >> box.half) - (outer - ((outer >> box.half) << box.half))
    return 100.0 * float(senescent) / float(senescent + healthy) if senescent > 0 else 0.0


@inlined
def _count_planes(z0: int, z1: int, y0: int, y1: int, x0: int, x1: int, table: Counts) -> int:
    """Count of a box that does not wrap."""
    count = _count_box(z1 - 1, y0, y1, x0, x1, table)
    return count - _count_box(z0 - 1, y0, y1, x0, x1, table) if z0 > 0 else count


@inlined
def _count_around(site: int, box: Box, table: Counts) -> int:
    """Count of a lattice site's territory, from the corners of its box in the table."""
    z, y, x = cell_of(site, box.ny, box.nx)
    r = box.reach
    wraps = (box.pz and _meets_wall(z, r, box.nz)) or (box.py and _meets_wall(y, r, box.ny))
    if wraps or (box.px and _meets_wall(x, r, box.nx)):
        return _count_wrapped(z, y, x, box, table)
    y0, y1, x0, x1 = max(y - r, 0), min(y + r + 1, box.ny), max(x - r, 0), min(x + r + 1, box.nx)
    return _count_planes(max(z - r, 0), min(z + r + 1, box.nz), y0, y1, x0, x1, table)


@inlined
def _meets_wall(i: int, reach: int, n: int) -> bool:
    return i < reach or i + reach >= n


@inlined
def _count_box(z: int, y0: int, y1: int, x0: int, x1: int, table: Counts) -> int:
    """Count of the planes 0 to `z` of a box that does not wrap."""
    return np.int64(table[z, y1, x1]) - table[z, y0, x1] - table[z, y1, x0] + table[z, y0, x0]


@kernel
def _count_wrapped(z: int, y: int, x: int, box: Box, table: Counts) -> int:
    """Count of a box that may go on at the other wall: up to two ranges per axis, their corners alternating in sign."""
    zs = _ranges(z, box.reach, box.nz, box.pz)
    ys = _ranges(y, box.reach, box.ny, box.py)
    xs = _ranges(x, box.reach, box.nx, box.px)
    count = 0
    for a in range(4):  # even: where a range begins, odd: where it ends; before 0 there is nothing to count
        if zs[a] == 0:
            continue
        for b in range(4):
            if ys[b] == 0:
                continue
            for c in range(4):
                if xs[c] != 0:
                    corner = int(np.int64(table[zs[a] - 1, ys[b], xs[c]]))
                    count += corner if (a + b + c) % 2 == 1 else -corner
    return count


@inlined
def _ranges(i: int, reach: int, n: int, periodic: int) -> Ranges:
    """Cells within `reach` of cell `i` on an axis of `n` cells, each once."""
    low, high = i - reach, i + reach + 1
    if periodic and high - low < n:
        if low < 0:
            return 0, high, low + n, n
        if high > n:
            return 0, high - n, low, n
    elif periodic:
        return 0, n, 0, 0
    return max(low, 0), min(high, n), 0, 0


# -- cloud: a count per site, kept up to date by the sites that change ---------------------------------------


def sort_into_bins(geometry: Geometry, half_side: float) -> Bins:
    """The cells in boxes of about a quarter of the half-side, but not smaller than what a cell has."""
    missing = 3 - geometry.dimension
    points = np.pad(geometry.positions(), ((0, 0), (0, missing)))
    length = np.array([*geometry.extent[::-1], *[1.0] * missing])
    n = np.maximum(1, length / max(half_side / 4.0, geometry.spacing)).astype(np.int64)
    place = np.minimum((points / (length / n)).astype(np.int64), n - 1)
    box = np.ravel_multi_index(tuple(place.T), tuple(n))
    start = np.concatenate([[0], np.cumsum(np.bincount(box, minlength=int(n.prod())))]).astype(np.int64)
    sites = geometry.sites
    periodic = np.array([sites.px, sites.py, sites.pz], np.int64)
    return Bins(points, length, periodic, n, start, np.argsort(box, kind="stable"))


@kernel
def _count_changes(state: States, before: States, half_side: float, bins: Bins, counts: Ints) -> None:
    """Bring `counts` and `before` up to date with `state`."""
    for site in range(state.size):
        change = _word(state[site], _HALF) - _word(before[site], _HALF)
        before[site] = state[site]
        if change != 0:
            _add_around(site, change, half_side, bins, counts)


@kernel
def _add_around(site: int, change: int, half_side: float, bins: Bins, counts: Ints) -> None:
    """Add `change` to the count of every site in whose territory `site` is."""
    x0, x1 = _boxes(site, 0, half_side, bins)
    y0, y1 = _boxes(site, 1, half_side, bins)
    z0, z1 = _boxes(site, 2, half_side, bins)
    nx, ny, nz = bins.n
    for x in range(x0, x1):
        for y in range(y0, y1):
            for z in range(z0, z1):
                box = ((x % nx) * ny + y % ny) * nz + z % nz
                for k in range(bins.start[box], bins.start[box + 1]):
                    other = bins.members[k]
                    if _is_near(site, other, half_side, bins):
                        counts[other] += change


@kernel
def _boxes(site: int, axis: int, half_side: float, bins: Bins) -> tuple[int, int]:
    """Range of boxes that the territory may touch, each once; beyond a periodic wall the numbers run on."""
    n, here = bins.n[axis], bins.points[site, axis]
    per_box = n / bins.length[axis]
    margin = half_side * (1.0 + ROUNDING)
    low, high = math.floor((here - margin) * per_box), math.floor((here + margin) * per_box) + 1
    if not bins.periodic[axis]:
        return max(low, 0), min(high, n)
    return (low, high) if high - low < n else (0, n)


@kernel
def _is_near(site: int, other: int, half_side: float, bins: Bins) -> bool:
    """Whether two sites are in each other's territory."""
    for axis in range(3):
        apart = abs(bins.points[site, axis] - bins.points[other, axis])
        if bins.periodic[axis]:
            apart = min(apart, bins.length[axis] - apart)
        if apart > half_side:
            return False
    return True
