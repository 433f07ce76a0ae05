"""Where patrols walk: the axes of a tissue with their walls, whom a straight piece meets, and which way a field rises.

Axes are in the order x, y, z here; in a plane all z are alike, and no direction has a z.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from sim.compiling import inlined, kernel, trailing_zeros
from sim.rules.patrol import path_to_entry
from sim.tissue.geometry import ROUNDING, Geometry
from sim.tissue.state import SENESCENT
from sim.tissue.territory import Bins, sort_into_bins

FREE, HELD, CLAIMED = 0, 1, 2  # what patrols do to a site: nothing, one is attached, it was killed in this step


class Space(NamedTuple):
    """Plain numbers of a tissue for walkers; cells are those of a lattice, or the boxes of a cloud."""

    is_lattice: int
    dimension: float
    spacing: float  # of cells [um]
    lx: float  # length of each axis [um]
    ly: float
    lz: float
    px: int  # 1 where the axis wraps
    py: int
    pz: int
    nx: int  # cells per axis
    ny: int
    nz: int
    per_x: float  # cells per um
    per_y: float
    per_z: float
    voxel: float  # side of a voxel [um]
    vx: int  # voxels per axis
    vy: int
    vz: int

    @property
    def lengths(self) -> tuple[float, float, float]:
        """Length of each axis [um]."""
        return self.lx, self.ly, self.lz

    @property
    def wraps(self) -> tuple[int, int, int]:
        """1 for each axis that wraps."""
        return self.px, self.py, self.pz


def walking_space(geometry: Geometry) -> tuple[Space, Bins]:
    """The space of a tissue, and the boxes with the cells of a cloud (of a lattice: none)."""
    sites, flat = geometry.sites, 3 - geometry.dimension
    voxels = [*geometry.voxel_shape[::-1], *[1] * flat]
    walls = sites.px, sites.py, sites.pz
    if sites.is_lattice:
        cells = sites.nx, sites.ny, sites.nz
        lengths = [n * geometry.spacing for n in cells]
        none = np.zeros(0, np.int64)
        bins = Bins(np.zeros((0, 3)), np.zeros(3), none, none, none, none)
    else:
        bins = sort_into_bins(geometry, 4.0 * geometry.spacing)  # boxes of the share that a cell has
        x, y, z = bins.n.tolist()
        cells, lengths = (x, y, z), bins.length.tolist()
    kind = (int(sites.is_lattice), float(geometry.dimension), geometry.spacing)
    per_um = [n / length for n, length in zip(cells, lengths, strict=True)]
    numbers: Any = (*kind, *lengths, *walls, *cells, *per_um, geometry.voxel_spacing, *voxels)
    return Space(*numbers), bins


@inlined
def path_to_wall(x, y, z, dx, dy, dz, space):
    """Path along a direction to the next wall that does not wrap, and its axis (0, 1, 2; 3: none)."""
    path, axis = np.inf, 3
    if not space.px and dx != 0.0:
        path, axis = ((space.lx if dx > 0.0 else 0.0) - x) / dx, 0
    if not space.py and dy != 0.0:
        there = ((space.ly if dy > 0.0 else 0.0) - y) / dy
        if there < path:
            path, axis = there, 1
    if not space.pz and dz != 0.0:
        there = ((space.lz if dz > 0.0 else 0.0) - z) / dz
        if there < path:
            path, axis = there, 2
    return path, axis


@inlined
def straight(x, y, z, dx, dy, dz, longest, space):
    """Length of a straight piece, and the axis of the wall at its end (3: none), as `path_to_wall` would say."""
    inside = _stays(x, dx, longest, space.lx, space.px) and _stays(y, dy, longest, space.ly, space.py)
    if inside and _stays(z, dz, longest, space.lz, space.pz):
        return longest, 3
    path, wall = path_to_wall(x, y, z, dx, dy, dz, space)
    return (path, wall) if path <= longest else (longest, 3)


@inlined
def _stays(at, d, piece, length, wraps):
    """Whether a piece surely ends before both walls of an axis: cheaper than to divide."""
    end = at + d * piece
    return bool(wraps) or d == 0.0 or (end > ROUNDING * length and end < (1.0 - ROUNDING) * length)


@inlined
def wrapped(at, length, wraps):
    """A coordinate after a move, on its own side of a wall that wraps; rounding never carries it over a wall."""
    if wraps and at < 0.0:
        at += length
    elif wraps and at >= length:
        at -= length
    return min(max(at, 0.0), length)


@inlined
def rising(x, y, z, f, levels, space):
    """The way up a factor at a place, of any length: differences over two voxels, over one at a wall."""
    ix, iy, iz = _voxel(x, space.voxel, space.vx), _voxel(y, space.voxel, space.vy), _voxel(z, space.voxel, space.vz)
    row, plane = space.vx, space.vx * space.vy
    here = iz * plane + iy * row
    high, low = _beside(ix, space.vx, space.px)
    up_x = np.float64(levels[f, here + high]) - np.float64(levels[f, here + low])
    here = iz * plane + ix
    high, low = _beside(iy, space.vy, space.py)
    up_y = np.float64(levels[f, here + high * row]) - np.float64(levels[f, here + low * row])
    here = iy * row + ix
    high, low = _beside(iz, space.vz, space.pz)
    up_z = np.float64(levels[f, here + high * plane]) - np.float64(levels[f, here + low * plane])
    return up_x, up_y, up_z


@inlined
def _voxel(at, side, n):
    return min(int(at / side), n - 1)


@inlined
def _beside(i, n, wraps):
    """Voxels after and before voxel `i` of an axis; the same one at a wall."""
    after = i + 1 if i + 1 < n else (0 if wraps else i)
    before = i - 1 if i > 0 else (n - 1 if wraps else i)
    return after, before


# ------------------------------------------------------------------------------------------------- whom a piece meets


@kernel
def free_bits(state, held, space):
    """One bit per site of a lattice, in words of 64 that begin anew in every row: senescent, and held by no patrol."""
    words = -(-space.nx // 64)
    bits = np.zeros(space.nz * space.ny * words, np.uint64)
    for row in range(space.nz * space.ny):
        for x in range(space.nx):
            site = row * space.nx + x
            free = np.uint64((state[site] == SENESCENT) & (held[site] == FREE))
            bits[row * words + (x >> 6)] |= free << np.uint64(x & 63)
    return bits


@inlined
def flip_bit(bits, site, space):
    """A free cell is held now, or the other way round."""
    row = site // space.nx
    x = site - row * space.nx
    bits[row * -(-space.nx // 64) + (x >> 6)] ^= np.uint64(1) << np.uint64(x & 63)


@inlined
def _swept(at, d, aside, piece, reach, per, n, wraps, half):
    """Cells of one axis that the front may meet, first and last; they run on beyond a wall that wraps.

    `aside` is the length of the direction without this axis, `per` the number of cells per um. Centres lie `half` a
    cell behind the beginning of a cell; a box of a cloud is met if any of it is (`half` 0).
    """
    ahead = d >= 0.0  # chosen without a branch: directions are random
    low = at + min(d * piece, 0.0) - reach * (aside if ahead else 1.0)
    high = at + max(d * piece, 0.0) + reach * (1.0 if ahead else aside)
    first, last = math.floor(low * per + half - ROUNDING), math.floor(high * per - half + ROUNDING)
    return (first, last) if wraps else (max(first, 0), min(last, n - 1))


@inlined
def _asides(dx, dy, dz, space):
    """Length of a direction without its x, its y, and its z."""
    if space.dimension == 2.0:
        return abs(dy), abs(dx), 1.0
    return math.sqrt(dy * dy + dz * dz), math.sqrt(dx * dx + dz * dz), math.sqrt(dx * dx + dy * dy)


@inlined
def _folded(i, n):
    """A cell that may lie beyond a wall that wraps: its number, and how many lengths beyond."""
    if 0 <= i < n:
        return i, 0
    beyond = i // n
    return i - beyond * n, beyond


@inlined
def first_on_lattice(x, y, z, dx, dy, dz, piece, reach, space, bits):
    """The free senescent cell that a ball of `reach` enters first on a straight piece.

    Only cells in the box around what the front half of the ball sweeps are looked at. Returns the site (-1: none) and
    the path to the entry, or the whole piece; of two at the same path the lower site.
    """
    beside_x, beside_y, beside_z = _asides(dx, dy, dz, space)
    x0, x1 = _swept(x, dx, beside_x, piece, reach, space.per_x, space.nx, space.px, 0.5)
    y0, y1 = _swept(y, dy, beside_y, piece, reach, space.per_y, space.ny, space.py, 0.5)
    z0, z1 = 0, 0
    if space.dimension == 3.0:
        z0, z1 = _swept(z, dz, beside_z, piece, reach, space.per_z, space.nz, space.pz, 0.5)
    words = -(-space.nx // 64)
    best, path, ix = -1, piece, x0
    while ix <= x1:
        kx, beyond_x = _folded(ix, space.nx)
        word, shift = kx >> 6, np.uint64(kx & 63)
        n = min(64 - (kx & 63), x1 - ix + 1, space.nx - kx)  # cells that are in one word, and on one side of a wall
        ix += n
        mask = ~np.uint64(0) >> np.uint64(64 - n)
        for iz in range(z0, z1 + 1):
            kz, beyond_z = _folded(iz, space.nz)
            for iy in range(y0, y1 + 1):
                ky, beyond_y = _folded(iy, space.ny)
                row = kz * space.ny + ky
                free = bits[row * words + word] >> shift & mask
                while free:
                    at = kx + np.int64(trailing_zeros(free))
                    free &= free - np.uint64(1)
                    to_x = (at + 0.5) * space.spacing + beyond_x * space.lx - x
                    to_y = (ky + 0.5) * space.spacing + beyond_y * space.ly - y
                    to_z = (kz + 0.5) * space.spacing + beyond_z * space.lz - z
                    there = path_to_entry(to_x, to_y, to_z, dx, dy, dz, reach)
                    site = row * space.nx + at
                    if there >= 0.0 and (there < path or (there == path and (best < 0 or site < best))):
                        best, path = site, there
    return best, path


@inlined
def first_in_cloud(x, y, z, dx, dy, dz, piece, reach, space, points, start, members, state, held):
    """The same among the cells of a cloud, in boxes."""
    beside_x, beside_y, beside_z = _asides(dx, dy, dz, space)
    x0, x1 = _swept(x, dx, beside_x, piece, reach, space.per_x, space.nx, space.px, 0.0)
    y0, y1 = _swept(y, dy, beside_y, piece, reach, space.per_y, space.ny, space.py, 0.0)
    z0, z1 = 0, 0
    if space.dimension == 3.0:
        z0, z1 = _swept(z, dz, beside_z, piece, reach, space.per_z, space.nz, space.pz, 0.0)
    best, path = -1, piece
    for ix in range(x0, x1 + 1):
        kx, beyond_x = _folded(ix, space.nx)
        for iy in range(y0, y1 + 1):
            ky, beyond_y = _folded(iy, space.ny)
            for iz in range(z0, z1 + 1):
                kz, beyond_z = _folded(iz, space.nz)
                box = (kx * space.ny + ky) * space.nz + kz
                for i in range(start[box], start[box + 1]):
                    site = members[i]
                    if state[site] != SENESCENT or held[site] != FREE:
                        continue
                    to_x = points[site, 0] + beyond_x * space.lx - x
                    to_y = points[site, 1] + beyond_y * space.ly - y
                    to_z = points[site, 2] + beyond_z * space.lz - z
                    there = path_to_entry(to_x, to_y, to_z, dx, dy, dz, reach)
                    if there >= 0.0 and (there < path or (there == path and (best < 0 or site < best))):
                        best, path = site, there
    return best, path
