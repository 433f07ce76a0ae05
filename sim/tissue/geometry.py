"""Where the cells are: sites, their neighbours and their field voxels, of a lattice or of a cloud of cells.

Both kinds of tissue answer the same questions. A lattice computes the answers from the index; a cloud keeps
tables. In both the neighbours of a site come in ascending order, so that a draw among them picks the same cell.
Axes are in array order (z, y, x); coordinates are in um and in the order x, y(, z).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from sim.compiling import kernel
from sim.errors import ScenarioError, did_you_mean

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BOUNDARIES = ("reflecting", "periodic", "absorbing")
NEIGHBOURHOODS = ("moore", "von_neumann")
_NO_STEPS = np.zeros((27, 0), np.int64)
_NO_TABLE = (np.zeros(1, np.int64), np.zeros(0, np.int32))
_NO_VOXEL = np.zeros(0, np.int32)
ROUNDING = 1e-9  # relative slack of a length: a cell exactly on a border must not depend on the last bit


class Sites(NamedTuple):
    """What compiled loops need to know of a tissue; the tables of the other kind are empty."""

    is_lattice: int
    nz: int  # cells per axis (a plane has nz = 1; a cloud has 0)
    ny: int
    nx: int
    pz: int  # 1 where the axis is periodic
    py: int
    px: int
    steps: Ints  # lattice: (27, k) site number of the j-th neighbour minus one's own, by walls touched; 0 = none
    indptr: Ints  # cloud: neighbours of site i are indices[indptr[i] : indptr[i + 1]]
    indices: npt.NDArray[np.int32]
    coarse: int  # lattice: cells per voxel along an axis
    vy: int  # voxels per axis
    vx: int
    voxel: npt.NDArray[np.int32]  # cloud: voxel of each site


@kernel
def _quotient(i: int, n: int) -> int:
    """Integer i // n by the fast division of floats; exact, as i + 1/2 is never near a multiple of n (i < 2**50)."""
    return int((i + 0.5) / n)


@kernel
def _wall(i: int, n: int) -> int:
    """0 at the low wall of an axis, 2 at the high one, 1 between them (and where both are one)."""
    return int(i > 0) + int(i == n - 1)


@kernel
def _cell(site: int, sites: Sites) -> tuple[int, int, int]:
    """Place of a lattice site in the array: (z, y, x)."""
    row = _quotient(site, sites.nx)
    z = _quotient(row, sites.ny)
    return z, row - z * sites.ny, site - row * sites.nx


@kernel
def n_slots(site: int, sites: Sites) -> int:
    """Number of neighbour slots of `site`; a slot at a wall may be empty."""
    if sites.is_lattice:
        return sites.steps.shape[1]
    return sites.indptr[site + 1] - sites.indptr[site]


@kernel
def neighbour(site: int, j: int, sites: Sites) -> int:
    """Site in slot `j`, or -1 where a wall leaves the slot empty; the caller skips holes, by their state."""
    if not sites.is_lattice:
        return int(sites.indices[sites.indptr[site] + j])
    z, y, x = _cell(site, sites)
    walls = 9 * _wall(z, sites.nz) + 3 * _wall(y, sites.ny) + _wall(x, sites.nx)
    step = sites.steps[walls, j]
    return site + step if step != 0 else -1


@kernel
def voxel_of(site: int, sites: Sites) -> int:
    """Field voxel (flat index, array order) that holds `site`."""
    if not sites.is_lattice:
        return int(sites.voxel[site])
    if sites.coarse == 1:
        return site
    z, y, x = _cell(site, sites)
    plane = _quotient(z, sites.coarse) * sites.vy
    return (plane + _quotient(y, sites.coarse)) * sites.vx + _quotient(x, sites.coarse)


@kernel
def _slots(site: int, sites: Sites) -> Ints:
    """All slots of `site`, the empty ones too."""
    found = np.empty(n_slots(site, sites), np.int64)
    for j in range(found.size):
        found[j] = neighbour(site, j, sites)
    return found


@dataclass(frozen=True, eq=False)
class Geometry:
    """A tissue as places: how many sites, where, next to which, in which voxel.

    Attributes
    ----------
    shape : tuple of int or None
        Cells per axis of a lattice, None for a cloud.
    boundary : tuple of str
        Per axis: ``reflecting``, ``periodic`` or ``absorbing``.
    spacing : float
        Distance of neighbouring cells of a lattice; of a cloud the side of a cell's share of the tissue [um].
    extent : tuple of float
        Length of each axis [um].
    exists : (n_sites,) bool array or None
        False in the holes of a mask.
    cells_per_voxel : float
        Mean number of sites in the volume of a voxel.
    points : (n_sites, dimension) array or None
        Coordinates of a cloud [um]; a lattice computes them, see `positions`.
    """

    n_sites: int
    dimension: int
    shape: tuple[int, ...] | None
    boundary: tuple[str, ...]
    spacing: float
    extent: tuple[float, ...]
    sites: Sites
    exists: npt.NDArray[np.bool_] | None
    voxel_shape: tuple[int, ...]
    voxel_spacing: float
    cells_per_voxel: float
    points: Floats | None

    def positions(self) -> Floats:
        """Centres of all sites, (n_sites, dimension) [um], columns x, y(, z)."""
        if self.points is not None:
            return self.points.copy()
        assert self.shape is not None
        index = np.indices(self.shape).reshape(self.dimension, -1)
        return np.ascontiguousarray((index[::-1].T + 0.5) * self.spacing)

    def neighbours(self, site: int) -> list[int]:
        """Neighbours of `site` that exist, in ascending order: neither beyond a wall nor in a hole."""
        found = [int(other) for other in _slots(site, self.sites) if other >= 0]
        return found if self.exists is None else [other for other in found if self.exists[other]]

    def centre(self) -> Floats:
        """Coordinates of the middle of the tissue [um]."""
        return np.array(self.extent[::-1]) / 2.0

    def within(self, centre: npt.ArrayLike, radius: float) -> Ints:
        """Sites (no holes) with their centre within `radius` [um] of `centre`, across periodic walls too."""
        apart = np.abs(self.positions() - np.asarray(centre, np.float64))
        for column, (length, wall) in enumerate(zip(self.extent[::-1], self.boundary[::-1], strict=True)):
            if wall == "periodic":
                apart[:, column] %= length
                np.minimum(apart[:, column], length - apart[:, column], out=apart[:, column])
        close = (apart**2).sum(axis=1) <= (radius * (1.0 + ROUNDING)) ** 2
        return np.flatnonzero(close if self.exists is None else close & self.exists)


def lattice(
    shape: Sequence[int],
    spacing: float,
    neighbourhood: str = "moore",
    boundary: str | Sequence[str] = "reflecting",
    mask: npt.ArrayLike | None = None,
    voxel_cells: int = 1,
) -> Geometry:
    """A square or cubic lattice of cells.

    Parameters
    ----------
    shape : (ny, nx) or (nz, ny, nx)
        Cells per axis.
    spacing : float
        Distance of neighbouring cells [um].
    neighbourhood : str
        ``moore`` (8 or 26 neighbours) or ``von_neumann`` (4 or 6).
    boundary : str or one str per axis
        ``reflecting``, ``periodic`` or ``absorbing``.
    mask : bool array of `shape`, optional
        False leaves a hole.
    voxel_cells : int
        Cells per field voxel along each axis; divides every length of `shape`.

    Raises
    ------
    ScenarioError
        If an argument is not what is stated here.
    """
    shape = tuple(int(n) for n in shape)
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise ScenarioError(f"shape must be two or three positive numbers of cells, got {shape}")
    if not 0.0 < spacing < math.inf:
        raise ScenarioError(f"cell_spacing must be a positive length [um], got {spacing}")
    if voxel_cells < 1 or any(n % voxel_cells for n in shape):
        raise ScenarioError(f"voxel_cells must divide every length of shape {shape}, got {voxel_cells}")
    exists = None if mask is None else np.array(mask, np.bool_)
    if exists is not None and exists.shape != shape:
        raise ScenarioError(f"mask must have the shape of the tissue {shape}, got {exists.shape}")
    dimension, walls = len(shape), _walls(boundary, len(shape))
    voxels = tuple(n // voxel_cells for n in shape)
    cells, periodic = (1, *shape)[-3:], _periodic(walls)
    steps = _steps(cells, periodic, _offsets(neighbourhood, dimension))
    return Geometry(
        n_sites=math.prod(shape),
        dimension=dimension,
        shape=shape,
        boundary=walls,
        spacing=float(spacing),
        extent=tuple(n * float(spacing) for n in shape),
        sites=Sites(1, *cells, *periodic, steps, *_NO_TABLE, voxel_cells, voxels[-2], voxels[-1], _NO_VOXEL),
        exists=None if exists is None else exists.ravel(),
        voxel_shape=voxels,
        voxel_spacing=voxel_cells * float(spacing),
        cells_per_voxel=float(voxel_cells**dimension),
        points=None,
    )


@dataclass(frozen=True)
class Radius:
    """Neighbours are the cells within `r` [um]."""

    r: float

    def pairs(self, points: Floats, box: Floats) -> Ints:
        """Linked sites, (n, 2), given the lengths of the periodic axes in `box` (0 where not periodic)."""
        return _tree(points, box).query_pairs(self.r, output_type="ndarray")


@dataclass(frozen=True)
class Nearest:
    """Neighbours are the `k` nearest cells, made mutual: those that a cell chose and those that chose it."""

    k: int

    def pairs(self, points: Floats, box: Floats) -> Ints:
        """As in `Radius`."""
        if not 1 <= self.k < len(points):
            raise ScenarioError(f"nearest must be from 1 to the {len(points) - 1} other cells, got {self.k}")
        tree = _tree(points, box)
        _, found = tree.query(tree.data, self.k + 1)
        other = found != np.arange(len(points))[:, None]
        other[other.all(axis=1), -1] = False  # of many cells in one place, some do not find themselves
        return np.column_stack([np.repeat(np.arange(len(points)), self.k), found[other]])


@dataclass(frozen=True)
class Window:
    """Neighbours are the cells whose bin lies within +-`half_x`, +-`half_y` bins (Martin 2023; plane tissues).

    Coordinates count from the middle of the tissue, in bins of side `bin` [um], truncated towards zero as in
    the published code: the bins at the middle are twice as wide.
    """

    bin: float
    half_x: int
    half_y: int

    def pairs(self, points: Floats, box: Floats) -> Ints:
        """As in `Radius`."""
        if len(box) != 2 or (box > 0.0).any():
            raise ScenarioError("neighbours by window need a plane tissue without periodic walls")
        # bins are whole numbers: in units of the half window + 1/2, those in the window are less than 1 away
        scaled = np.trunc(points / self.bin) / (self.half_x + 0.5, self.half_y + 0.5)
        return cKDTree(scaled).query_pairs(1.0, math.inf, output_type="ndarray")


Links = Radius | Nearest | Window


def cloud(
    positions: npt.ArrayLike,
    extent: Sequence[float],
    boundary: str | Sequence[str],
    links: Links,
    voxel_spacing: float,
) -> Geometry:
    """A tissue of cells at given places.

    Parameters
    ----------
    positions : (n_sites, 2 or 3) array
        Cell centres [um], columns x, y(, z), from 0 to the extent.
    extent : sequence of float
        Length of each axis [um], in array order (z, y, x).
    boundary : str or one str per axis
        ``reflecting``, ``periodic`` or ``absorbing``.
    links : Radius, Nearest or Window
        Who is a neighbour of whom.
    voxel_spacing : float
        Wanted side of a field voxel [um]; where it does not divide the axes, the next smaller that does.

    Raises
    ------
    ScenarioError
        If a cell lies outside, or no cubic voxel of about that side divides all axes.
    """
    points = np.array(positions, np.float64, order="C")
    if points.ndim != 2 or len(points) == 0 or points.shape[1] not in (2, 3) or len(extent) != points.shape[1]:
        raise ScenarioError(f"positions must have as many columns as axes (2 or 3), got shape {points.shape}")
    n_sites, dimension = points.shape
    lengths = np.array(extent[::-1], np.float64)
    if not ((points >= 0.0) & (points <= lengths)).all():
        raise ScenarioError(f"positions must lie between 0 and the extent {tuple(extent)} um")
    walls, sides = _walls(boundary, dimension), tuple(float(length) for length in extent)
    periodic = _periodic(walls)
    voxels, voxel_side = _voxel_grid(sides, voxel_spacing)
    box = np.where(periodic[::-1][:dimension], lengths, 0.0)
    origin = lengths / 2.0 if isinstance(links, Window) else 0.0
    table = _table(links.pairs(points - origin, box), n_sites)
    voxel = _voxel_index(points, voxels, voxel_side)
    volume = math.prod(sides)
    return Geometry(
        n_sites=n_sites,
        dimension=dimension,
        shape=None,
        boundary=walls,
        spacing=(volume / n_sites) ** (1.0 / dimension),
        extent=sides,
        sites=Sites(0, 0, 0, 0, *periodic, _NO_STEPS, *table, 1, voxels[-2], voxels[-1], voxel),
        exists=None,
        voxel_shape=voxels,
        voxel_spacing=voxel_side,
        cells_per_voxel=n_sites * voxel_side**dimension / volume,
        points=points,
    )


def _walls(boundary: str | Sequence[str], dimension: int) -> tuple[str, ...]:
    """One known boundary per axis."""
    walls = (boundary,) * dimension if isinstance(boundary, str) else tuple(boundary)
    if len(walls) != dimension:
        raise ScenarioError(f"boundary must be one name or one per axis ({dimension}), got {list(walls)}")
    for wall in walls:
        _check_word("boundary", wall, BOUNDARIES)
    return walls


def _check_word(key: str, word: str, known: tuple[str, ...]) -> None:
    if word not in known:
        raise ScenarioError(f"{key} must be one of {', '.join(known)}, got {word}{did_you_mean(word, known)}")


def _periodic(walls: tuple[str, ...]) -> tuple[int, int, int]:
    """1 for each of the axes z, y, x that wraps; the z of a plane does not."""
    z, y, x = (0, *(int(wall == "periodic") for wall in walls))[-3:]
    return z, y, x


def _offsets(neighbourhood: str, dimension: int) -> list[tuple[int, ...]]:
    """Neighbours of a cell as offsets (z, y, x); the cell itself may be among them."""
    _check_word("neighbourhood", neighbourhood, NEIGHBOURHOODS)
    around = product((-1, 0, 1) if dimension == 3 else (0,), (-1, 0, 1), (-1, 0, 1))
    return [d for d in around if neighbourhood == "moore" or sum(map(abs, d)) == 1]


def _steps(cells: tuple[int, ...], periodic: tuple[int, ...], offsets: list[tuple[int, ...]]) -> Ints:
    """Steps from a site's number to its neighbours', ascending, padded by 0, for the 27 ways to touch walls.

    A set of targets, as on a short periodic axis two offsets may lead to one site, or back to the cell itself.
    """
    rows = []
    for walls in product((0, 1, 2), repeat=3):
        here = [(0, min(1, n - 1), n - 1)[wall] for wall, n in zip(walls, cells, strict=True)]
        site, targets = _index(here, cells), set()
        for offset in offsets:
            there = [i + d for i, d in zip(here, offset, strict=True)]
            there = [i % n if wraps else i for i, n, wraps in zip(there, cells, periodic, strict=True)]
            if all(0 <= i < n for i, n in zip(there, cells, strict=True)):
                targets.add(_index(there, cells))
        rows.append(sorted(target - site for target in targets - {site}))
    width = max(map(len, rows))
    return np.array([row + [0] * (width - len(row)) for row in rows], np.int64).reshape(27, width)


def _index(where: Sequence[int], cells: tuple[int, ...]) -> int:
    """Flat site index of the cell (z, y, x)."""
    return (where[0] * cells[1] + where[1]) * cells[2] + where[2]


def _tree(points: Floats, box: Floats) -> cKDTree:
    """Search tree that wraps on the axes with a length in `box` (0 = not periodic)."""
    wraps = box > 0.0
    points = points.copy()
    points[:, wraps] %= box[wraps]
    return cKDTree(points, boxsize=box)


def _table(pairs: Ints, n_sites: int) -> tuple[Ints, npt.NDArray[np.int32]]:
    """Pairs of neighbours, given in either direction, as CSR rows sorted by site: (indptr, indices)."""
    first, second = pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.int64)
    links = np.unique(np.concatenate([first * n_sites + second, second * n_sites + first]))
    degree = np.bincount(links // n_sites, minlength=n_sites)
    return np.concatenate([[0], np.cumsum(degree)]).astype(np.int64), (links % n_sites).astype(np.int32)


def _voxel_grid(extent: tuple[float, ...], wanted: float) -> tuple[tuple[int, ...], float]:
    """Voxels per axis and the side of one [um]: the wanted side, or the next smaller that divides all axes."""
    if not wanted > 0.0:
        raise ScenarioError(f"voxel_spacing must be positive [um], got {wanted}")
    voxels = tuple(max(1, math.ceil(length / wanted * (1.0 - ROUNDING))) for length in extent)
    sides = [wanted] + [length / n for length, n in zip(extent, voxels, strict=True)]
    for side in sides[:2]:
        if all(math.isclose(side, other, rel_tol=2.0 * ROUNDING) for other in sides[1:]):
            return voxels, float(side)
    raise ScenarioError(f"voxel_spacing must divide every length of the extent {extent} um, got {wanted}")


def _voxel_index(points: Floats, voxels: tuple[int, ...], side: float) -> npt.NDArray[np.int32]:
    """Voxel of each point; a point on the far wall belongs to the last voxel."""
    index = np.minimum(np.floor(points[:, ::-1] / side).astype(np.int64), np.array(voxels) - 1)
    return np.ravel_multi_index(tuple(index.T), voxels).astype(np.int32)
