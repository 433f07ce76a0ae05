"""The step of a factor between reflecting walls in the plane: cosine transforms, the modes advanced between them.

A general library goes through memory once per axis and direction. Here columns are transformed, advanced and brought
back while they lie in the cache, two vectors of them at a time: two real transforms are one complex one, and cosines
follow from folded columns (Makhoul, IEEE Transactions on Acoustics, Speech and Signal Processing 28, 27, 1980).
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sim.compiling import inlined, kernel
from sim.transforms.fourier import fourier, passes
from sim.transforms.lanes import BYTES, flushed, greater, lesser, load, load64, store, turn
from sim.transforms.modes import NEGLIGIBLE, advanced, row_shares

Array = NDArray[Any]
Plan = tuple[Array, Array, Array]  # of an axis: cosines and sines of half a voxel, radices, factors


def plan(n: int, dtype: DTypeLike) -> Plan:
    """What the transforms along an axis of `n` voxels need, in the precision `dtype`."""
    angle = np.pi * np.arange(n) / (2 * n)
    return np.stack([np.cos(angle), np.sin(angle)]).astype(dtype), *passes(n, dtype)


def columns_at_once(dtype: DTypeLike) -> int:
    """Columns (or rows) that are transformed together: two vectors of them."""
    return 2 * BYTES // np.dtype(dtype).itemsize


def aligned(shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """Zeros that begin at the start of a cache line."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room = np.zeros(size + BYTES, np.uint8)
    start = -room.ctypes.data % BYTES
    return room[start : start + size].view(dtype).reshape(shape)


@inlined
def workspace(n, like):
    """Four flat arrays of `n` rows of lanes, each at the start of a cache line."""
    width = BYTES // like.itemsize
    size = n * width
    room = np.empty(4 * size + width, like.dtype)
    room = room[(-room.ctypes.data // like.itemsize) % width :]
    return room[:size], room[size : 2 * size], room[2 * size : 3 * size], room[3 * size : 4 * size]


@inlined
def spectrum(kinds, ar, ai, br, bi):
    """(real, imaginary, two to work in): where a Fourier transform of (ar, ai) ends."""
    return (ar, ai, br, bi) if kinds.size % 2 == 0 else (br, bi, ar, ai)


@inlined
def folded(j, n):
    """Where row `j` of `n` stands for the Fourier transform: the even ones upwards, the odd ones back down."""
    return j // 2 if j % 2 == 0 else n - 1 - j // 2


@inlined
def to_cosines(n, numbers, scale, zr, zi):
    """Cosine amplitudes of two columns from the Fourier transform of the first + i the second, in place."""
    width, double = zr.size // n, scale + scale
    store(zr, 0, double * load(zr, 0))
    store(zi, 0, double * load(zi, 0))
    for k in range(1, n // 2 + 1):
        c, s = scale * numbers[0, k], scale * numbers[1, k]
        i, o = k * width, (n - k) * width
        ar, ai, br, bi = load(zr, i), load(zi, i), load(zr, o), load(zi, o)
        tr, ti, dr, di = ar + br, ai + bi, ar - br, ai - bi
        store(zr, o, s * tr - c * di)
        store(zi, o, s * ti + c * dr)
        store(zr, i, c * tr + s * di)  # after the others: in the middle of an even length they are the same place
        store(zi, i, c * ti - s * dr)


@inlined
def from_cosines(n, numbers, zr, zi):
    """The way back: what an inverse Fourier transform turns into two folded columns, in place."""
    width = zr.size // n
    for k in range(1, n // 2 + 1):
        c, s = numbers[0, k], numbers[1, k]
        i, o = k * width, (n - k) * width
        ar, ai, br, bi = load(zr, i), load(zi, i), load(zr, o), load(zi, o)
        store(zr, o, (s * br + c * ar) + (s * ai - c * bi))
        store(zi, o, (c * br - s * ar) + (s * bi + c * ai))
        store(zr, i, (c * ar + s * br) - (s * ai - c * bi))
        store(zi, i, (s * ar - c * br) + (c * ai + s * bi))


@inlined
def take_rows(source, y, z, square):
    """Rows of `source` from `y` on, as many as there are lanes, as folded columns; 0 beyond the last."""
    ny, nx = source.shape
    width, whole, flat = z.size // nx, 0, source.reshape(-1)
    if y + width <= ny:
        whole = nx - nx % width
        for x in range(0, whole, width):
            turn(flat, y * nx + x, nx, square, 0, width)
            for j in range(width):
                store(z, folded(x + j, nx) * width, load(square, j * width))
    for x in range(whole, nx):
        at = folded(x, nx) * width
        for j in range(width):
            z[at + j] = source[y + j, x] if y + j < ny else source.dtype.type(0.0)


@inlined
def give_rows(z, field, y, square):
    """The way back, to rows of `field`, not below 0; returns the least and the greatest number before."""
    ny, nx = field.shape
    width, whole, flat, zero = z.size // nx, 0, field.reshape(-1), z.dtype.type(0.0)
    low, high = z[0], z[0]  # of the first row, which exists wherever one does
    if y + width <= ny:
        whole = nx - nx % width
        least = most = load(z, 0)
        for x in range(0, whole, width):
            for j in range(width):
                lanes = load(z, folded(x + j, nx) * width)
                least, most = lesser(lanes, least), greater(lanes, most)
                store(square, j * width, greater(lanes, zero))
            turn(square, 0, width, flat, y * nx + x, nx)
        store(square, 0, least)
        store(square, width, most)
        low, high = square[:width].min(), square[width : 2 * width].max()
    for j in range(max(0, min(width, ny - y))):
        for x in range(whole, nx):
            value = z[folded(x, nx) * width + j]
            low, high = min(low, value), max(high, value)
            field[y + j, x] = zero if value < zero else value
    return low, high


@inlined
def give_panels(z, nx, panels, y):
    """Columns of modes to rows of `panels` from `y` on; 0 beyond the last mode."""
    n, ny, both = panels.shape
    width, flat = both // 2, panels.reshape(-1)
    for x in range(0, n * both, width):
        at = (x // both * ny + y) * both + x % both
        if x + width <= nx and y + width <= ny:
            turn(z, x * width, width, flat, at, both)
        else:
            for j in range(min(width, ny - y)):
                for m in range(width):
                    flat[at + j * both + m] = z[(x + m) * width + j] if x + m < nx else z.dtype.type(0.0)


@inlined
def take_panels(panels, y, nx, z):
    """The way back; 0 beyond the last row."""
    ny, both = panels.shape[1:]
    width, flat = both // 2, panels.reshape(-1)
    for x in range(0, nx, width):
        at = (x // both * ny + y) * both + x % both
        if x + width <= nx and y + width <= ny:
            turn(flat, at, both, z, x * width, width)
        else:
            for m in range(min(width, nx - x)):
                for j in range(width):
                    z[(x + m) * width + j] = flat[at + j * both + m] if y + j < ny else z.dtype.type(0.0)


@kernel
def rows_to_modes(first, last, source, panels, axis):
    """Amplitudes along the rows of `source`, into `panels`; pairs of vectors of rows first to last."""
    nx, (numbers, kinds, factors) = source.shape[1], axis
    ar, ai, br, bi = workspace(nx, source)
    zr, zi, _, _ = spectrum(kinds, ar, ai, br, bi)
    width = ar.size // nx
    square = workspace(width, source)[0]
    for pair in range(first, last):
        y = 2 * pair * width
        take_rows(source, y, ar, square)
        take_rows(source, y + width, ai, square)
        fourier(nx, width, kinds, factors, ar, ai, br, bi)
        to_cosines(nx, numbers, source.dtype.type(0.5 / nx), zr, zi)
        give_panels(zr, nx, panels, y)
        give_panels(zi, nx, panels, y + width)


@inlined
def advance_panel(c, zr, zi, rows, columns):
    """Advance the modes `c` (ny, 2 width) of a panel, with the source in (zr, zi) and a copy to them."""
    ny, both = c.shape
    width, flat, shares = both // 2, c.reshape(-1), columns.reshape(-1)
    for half in range(2):
        z, x = zr if half == 0 else zi, half * width
        rate, kept, lost = load64(shares, x, z), load64(shares, both + x, z), load64(shares, 2 * both + x, z)
        for k in range(ny):
            new = advanced(load64(flat, k * both + x, z), load64(z, k * width, z),
                           rows[k, 0], rows[k, 1], rows[k, 2], rate, kept, lost)  # fmt: skip
            new = flushed(new, NEGLIGIBLE)
            store(flat, k * both + x, new)
            store(z, k * width, new)


@kernel
def advance_columns(first, last, panels, amplitudes, nx, axis, rates, columns, decay, dt, mean):
    """Modes along the rows of the source in `panels` to those of the level a step later; panels first to last.

    `amplitudes` are those along both axes, and advanced; the zero mode becomes `mean`. ``rates`` (3, ny) and
    ``columns`` (panels, 3, 2 width) hold rate, share kept and share lost of the modes along each axis.
    """
    ny, (numbers, kinds, factors) = panels.shape[1], axis
    ar, ai, br, bi = workspace(ny, panels)
    zr, zi, _, _ = spectrum(kinds, ar, ai, br, bi)
    width = ar.size // ny
    rows = np.empty((ny, 3))
    for k in range(ny):
        rows[k] = row_shares(rates[0, k], rates[1, k], rates[2, k], decay, dt)
    for panel in range(first, last):
        take_columns(panels[panel], ar, ai, True)
        fourier(ny, width, kinds, factors, ar, ai, br, bi)
        to_cosines(ny, numbers, panels.dtype.type(0.5 / ny), zr, zi)
        clear_beyond(zr, ny, nx - 2 * panel * width)
        clear_beyond(zi, ny, nx - (2 * panel + 1) * width)
        advance_panel(amplitudes[panel], zr, zi, rows, columns[panel])
        if panel == 0:
            amplitudes[0, 0, 0] = zr[0] = mean
        columns_back(panels[panel], numbers, kinds, factors, ar, ai, br, bi)


@inlined
def clear_beyond(z, n, wide):
    """Lanes from `wide` on are 0: what stands there is the rounding of others, which a restart would not know."""
    width = z.size // n
    for k in range(n if wide < width else 0):
        for i in range(max(0, wide), width):
            z[k * width + i] = 0.0


@inlined
def take_columns(panel, zr, zi, fold):
    """A panel to two vectors of columns."""
    n, both = panel.shape
    width, flat = both // 2, panel.reshape(-1)
    for j in range(n):
        at = (folded(j, n) if fold else j) * width
        store(zr, at, load(flat, j * both))
        store(zi, at, load(flat, j * both + width))


@inlined
def columns_back(panel, numbers, kinds, factors, ar, ai, br, bi):
    """Two vectors of columns from their amplitudes, where `spectrum` says, to the `panel`."""
    n, both = panel.shape
    width, flat = both // 2, panel.reshape(-1)
    zr, zi, yr, yi = spectrum(kinds, ar, ai, br, bi)
    from_cosines(n, numbers, zr, zi)
    fourier(n, width, kinds, factors, zi, zr, yi, yr)  # swapped, it is its own inverse
    for j in range(n):
        at = folded(j, n) * width
        store(flat, j * both, load(ar, at))
        store(flat, j * both + width, load(ai, at))


@kernel
def modes_to_columns(first, last, amplitudes, panels, axis):
    """Amplitudes along both axes to those along the rows, into `panels`; panels first to last."""
    numbers, kinds, factors = axis
    ar, ai, br, bi = workspace(panels.shape[1], panels)
    zr, zi, _, _ = spectrum(kinds, ar, ai, br, bi)
    for panel in range(first, last):
        take_columns(amplitudes[panel], zr, zi, False)
        columns_back(panels[panel], numbers, kinds, factors, ar, ai, br, bi)


@kernel
def modes_to_rows(first, last, panels, field, axis, extremes):
    """Rows of `field` from their amplitudes in `panels`, and not below 0; pairs of vectors of rows first to last.

    `extremes` (pairs, 2) receives the least and the largest number before.
    """
    (ny, nx), (numbers, kinds, factors) = field.shape, axis
    ar, ai, br, bi = workspace(nx, field)
    zr, zi, yr, yi = spectrum(kinds, ar, ai, br, bi)
    width = ar.size // nx
    square = workspace(width, field)[0]
    for pair in range(first, last):
        y = 2 * pair * width
        take_panels(panels, y, nx, zr)
        take_panels(panels, y + width, nx, zi)
        from_cosines(nx, numbers, zr, zi)
        fourier(nx, width, kinds, factors, zi, zr, yi, yr)
        low, high = give_rows(ar, field, y, square)
        if y + width < ny:
            other = give_rows(ai, field, y + width, square)
            low, high = min(low, other[0]), max(high, other[1])
        extremes[pair, 0], extremes[pair, 1] = low, high
