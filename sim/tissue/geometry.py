"""Where the cells are: sites, their neighbours and their field voxels, of a lattice or of a cloud of cells.

Both kinds of tissue answer the same questions. A lattice computes the answers from the index; a cloud keeps
tables. In both the neighbours of a site come in ascending order: a draw among them picks the same cell.
Axes are in array order (z, y, x); coordinates are in um and in the order x, y(, z).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.compiling import inlined, kernel
from sim.errors import ScenarioError, did_you_mean
from sim.tissue.links import Nearest, Radius, Window

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BOUNDARIES = ("reflecting", "periodic", "absorbing")
NEIGHBOURHOODS = ("moore", "von_neumann")
ROUNDING = 1e-9  # relative slack of a length: a cell exactly on a border must not depend on the last bit

_NO_STEPS, _NO_VOXEL = np.zeros((27, 0), np.int64), np.zeros(0, np.int32)
_NO_TABLE = (np.zeros(1, np.int64), np.zeros(0, np.int32))


class Sites(NamedTuple):
    """What compiled loops need to know of a tissue; the tables of the other kind are empty."""

    is_lattice: int
    nz: int  # cells per axis (a plane has nz = 1; a cloud has 0)
    ny: int
    nx: int
    pz: int  # 1 where the axis is periodic
    py: int
    px: int
    steps: Ints  # lattice: (27, k) from a site to its j-th neighbour, by the walls it touches; 0 = none
    indptr: Ints  # cloud: neighbours of site i are indices[indptr[i] : indptr[i + 1]]
    indices: npt.NDArray[np.int32]
    coarse: int  # lattice: cells per voxel along an axis
    vy: int  # voxels per axis
    vx: int
    voxel: npt.NDArray[np.int32]  # cloud: voxel of each site


@inlined
def _quotient(i: int, n: int) -> int:
    """Integer i // n without its slow division; exact: i + 1/2 is never near a multiple of n (i < 2**50)."""
    return int((i + 0.5) * (1.0 / n))


@inlined
def _wall(i: int, n: int) -> int:
    """0 at the low wall of an axis, 2 at the high one, 1 between them (and where both are one)."""
    return int(i > 0) + int(i == n - 1)


@inlined
def cell_of(site: int, ny: int, nx: int) -> tuple[int, int, int]:
    """Place of a lattice site in the array: (z, y, x)."""
    row = _quotient(site, nx)
    z = _quotient(row, ny)
    return z, row - z * ny, site - row * nx


@inlined
def n_slots(site: int, sites: Sites) -> int:
    """Number of neighbour slots of `site`; a slot at a wall may be empty."""
    if sites.is_lattice:
        return int(sites.steps.shape[1])
    return int(sites.indptr[site + 1] - sites.indptr[site])


@inlined
def neighbour(site: int, j: int, sites: Sites) -> int:
    """Site in slot `j`, or -1 where a wall leaves the slot empty; the caller skips holes, by their state."""
    if not sites.is_lattice:
        return int(sites.indices[sites.indptr[site] + j])
    z, y, x = cell_of(site, sites.ny, sites.nx)
    walls = 9 * _wall(z, sites.nz) + 3 * _wall(y, sites.ny) + _wall(x, sites.nx)
    step = sites.steps[walls, j]
    return site + step if step != 0 else -1


@inlined
def reached_into(near: Ints, site: int, reach: int, sites: Sites) -> int:
    """Sites within `reach` cells (a box) of a lattice site, into `near`; returns their number. In a fixed order."""
    z0, y0, x0 = cell_of(site, sites.ny, sites.nx)
    count = 0
    for dz in range(-reach, reach + 1):
        z = (z0 + dz) % sites.nz if sites.pz else z0 + dz
        if z < 0 or z >= sites.nz or (sites.nz == 1 and dz != 0):
            continue
        for dy in range(-reach, reach + 1):
            y = (y0 + dy) % sites.ny if sites.py else y0 + dy
            if y < 0 or y >= sites.ny:
                continue
            for dx in range(-reach, reach + 1):
                x = (x0 + dx) % sites.nx if sites.px else x0 + dx
                other = (z * sites.ny + y) * sites.nx + x
                if x >= 0 and x < sites.nx and other != site:
                    near[count] = other
                    count += 1
    return count


@inlined
def near_into(near: Ints, site: int, reach: int, sites: Sites) -> int:
    """Neighbours of a site (reach 1), or all within `reach`, into `near`; returns their number, holes included."""
    if reach > 1:
        return reached_into(near, site, reach, sites)
    count = 0
    for j in range(n_slots(site, sites)):
        other = neighbour(site, j, sites)
        near[count] = other
        count += other >= 0
    return count


def n_near(reach: int, sites: Sites) -> int:
    """Places that `near_into` may fill."""
    if reach > 1:
        return int((2 * reach + 1) ** 2 * (1 if sites.nz == 1 else 2 * reach + 1))
    return int(sites.steps.shape[1] if sites.is_lattice else np.diff(sites.indptr).max(initial=0))


@inlined
def voxel_of(site: int, sites: Sites) -> int:
    """Field voxel (flat index, array order) that holds `site`."""
    if not sites.is_lattice:
        return int(sites.voxel[site])
    if sites.coarse == 1:
        return site
    z, y, x = cell_of(site, sites.ny, sites.nx)
    plane = _quotient(z, sites.coarse) * sites.vy
    return (plane + _quotient(y, sites.coarse)) * sites.vx + _quotient(x, sites.coarse)


@kernel
def _slots(site: int, sites: Sites) -> Ints:
    """All slots of `site`, the empty ones too."""
    found = np.empty(n_slots(site, sites), np.int64)
    for j in range(found.size):
        found[j] = neighbour(site, j, sites)
    return found


@kernel
def _near(near: Ints, site: int, reach: int, sites: Sites) -> int:
    return near_into(near, site, reach, sites)


@dataclass(frozen=True, eq=False)
class Geometry:
    """A tissue as places: how many sites, where, next to which, in which voxel."""

    n_sites: int
    dimension: int
    shape: tuple[int, ...] | None  # cells per axis; None for a cloud
    boundary: tuple[str, ...]  # per axis
    spacing: float  # distance of neighbouring cells; in a cloud the side of a cell's share of the tissue [um]
    extent: tuple[float, ...]  # length of each axis [um]
    sites: Sites
    exists: npt.NDArray[np.bool_] | None  # per site, False in the holes of a mask
    voxel_shape: tuple[int, ...]
    voxel_spacing: float  # side of a voxel [um]
    cells_per_voxel: float  # mean number of sites in the volume of a voxel
    points: Floats | None  # coordinates of a cloud [um]; for those of any tissue see `positions`

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

    def reached(self, site: int, reach: int) -> list[int]:
        """Sites within `reach` cells of `site` that exist, in the order of `near_into`."""
        near = np.empty(n_near(reach, self.sites) + 1, np.int64)
        found = near[: _near(near, site, reach, self.sites)].tolist()
        return found if self.exists is None else [other for other in found if self.exists[other]]

    def centre(self) -> Floats:
        """Coordinates of the middle of the tissue [um]."""
        return np.array(self.extent[::-1]) / 2.0

    def distances(self, points: Floats, place: npt.ArrayLike) -> Floats:
        """Distance of each of `points` (n, dimension) to `place` [um], across periodic walls too."""
        apart = np.abs(points - np.asarray(place, np.float64))
        for column, (length, wall) in enumerate(zip(self.extent[::-1], self.boundary[::-1], strict=True)):
            if wall == "periodic":
                apart[:, column] %= length
                np.minimum(apart[:, column], length - apart[:, column], out=apart[:, column])
        return np.asarray(np.sqrt((apart**2).sum(axis=1)))

    def within(self, centre: npt.ArrayLike, radius: float) -> Ints:
        """Sites (no holes) with their centre within `radius` [um] of `centre`, across periodic walls too."""
        close = self.distances(self.positions(), centre) <= radius * (1.0 + ROUNDING)
        return np.flatnonzero(close if self.exists is None else close & self.exists)

    def nearest(self, centre: npt.ArrayLike, count: int, sites: Ints) -> Ints:
        """The `count` of `sites` next to `centre`, in ascending order; of equal distances the lower sites."""
        away = np.round(self.distances(self.positions()[sites], centre), 6)
        return np.sort(sites[np.argsort(away, kind="stable")[:count]])


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
    walls = _walls(boundary, len(shape))
    voxels = tuple(n // voxel_cells for n in shape)
    (nz, ny, nx), periodic = (1, *shape)[-3:], _periodic(walls)
    steps = _steps((nz, ny, nx), periodic, neighbourhood)
    vy, vx = voxels[-2:]
    return Geometry(
        n_sites=math.prod(shape),
        dimension=len(shape),
        shape=shape,
        boundary=walls,
        spacing=float(spacing),
        extent=tuple(n * float(spacing) for n in shape),
        sites=Sites(1, nz, ny, nx, *periodic, steps, *_NO_TABLE, voxel_cells, vy, vx, _NO_VOXEL),
        exists=None if exists is None else exists.ravel(),
        voxel_shape=voxels,
        voxel_spacing=voxel_cells * float(spacing),
        cells_per_voxel=float(voxel_cells ** len(shape)),
        points=None,
    )


def cloud(
    positions: npt.ArrayLike,
    extent: Sequence[float],
    boundary: str | Sequence[str],
    links: Radius | Nearest | Window,
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
    if points.ndim != 2 or points.size == 0 or not 2 <= points.shape[1] == len(extent) <= 3:
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
    place = np.minimum(np.floor(points[:, ::-1] / voxel_side).astype(np.int64), np.array(voxels) - 1)
    voxel = np.ravel_multi_index(tuple(place.T), voxels).astype(np.int32)
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


def _steps(cells: Sequence[int], periodic: Sequence[int], neighbourhood: str) -> Ints:
    """Steps from a site's number to its neighbours', ascending, padded by 0, for the 27 ways to touch walls.

    A set of targets: on a short periodic axis two offsets may lead to one site, or back to the cell itself.
    """
    _check_word("neighbourhood", neighbourhood, NEIGHBOURHOODS)
    offsets = [d for d in product((-1, 0, 1), repeat=3) if neighbourhood == "moore" or sum(map(abs, d)) == 1]
    rows = []
    for walls in product((0, 1, 2), repeat=3):
        here = [(0, min(1, n - 1), n - 1)[wall] for wall, n in zip(walls, cells, strict=True)]
        site, targets = int(np.ravel_multi_index(here, cells)), set()
        for offset in offsets:
            there = [i + d for i, d in zip(here, offset, strict=True)]
            there = [i % n if wraps else i for i, n, wraps in zip(there, cells, periodic, strict=True)]
            if all(0 <= i < n for i, n in zip(there, cells, strict=True)):
                targets.add(int(np.ravel_multi_index(there, cells)))
        rows.append(sorted(target - site for target in targets - {site}))
    width = max(map(len, rows))
    return np.array([row + [0] * (width - len(row)) for row in rows], np.int64).reshape(27, width)


def _table(pairs: Ints, n_sites: int) -> tuple[Ints, npt.NDArray[np.int32]]:
    """Pairs of neighbours, given in either direction, as CSR rows sorted by site: (indptr, indices)."""
    first, second = pairs.T
    links = np.unique(np.concatenate([first * n_sites + second, second * n_sites + first]))
    degree = np.bincount(links // n_sites, minlength=n_sites)
    return np.concatenate([[0], np.cumsum(degree)]).astype(np.int64), (links % n_sites).astype(np.int32)


def _voxel_grid(extent: tuple[float, ...], wanted: float) -> tuple[tuple[int, ...], float]:
    """Voxels per axis and the side of one [um]: the wanted one, or the next smaller that divides all axes."""
    if not wanted > 0.0:
        raise ScenarioError(f"voxel_spacing must be positive [um], got {wanted}")
    voxels = tuple(max(1, math.ceil(length / wanted * (1.0 - ROUNDING))) for length in extent)
    sides = [wanted] + [length / n for length, n in zip(extent, voxels, strict=True)]
    for side in sides[:2]:
        if all(math.isclose(side, other, rel_tol=2.0 * ROUNDING) for other in sides[1:]):
            return voxels, float(side)
    raise ScenarioError(f"voxel_spacing must divide every length of the extent {extent} um, got {wanted}")
