"""Between sites and voxels of a field: what a site gives off goes into its voxel, what it reads comes from there."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from sim.compiling import kernel
from sim.threads import in_shares
from sim.tissue.geometry import Geometry, voxel_of


def to_voxels(given_off: np.ndarray, source: np.ndarray, geometry: Geometry, threads: int) -> None:
    """Sum of what the sites of each voxel give off, in site order."""
    sites = geometry.sites
    if not sites.is_lattice:
        _sum_by_voxel(given_off, source, sites)
        return
    grid, coarse = given_off.reshape(sites.nz, sites.ny, sites.nx), sites.coarse
    into = source.reshape(-1, sites.vy, sites.vx)

    def share(first: int, last: int) -> None:
        _sum_rows(first, last, grid, into, coarse)

    in_shares(share, into.shape[0] * sites.vy, threads)


def to_sites(level: np.ndarray, seen: np.ndarray, geometry: Geometry, threads: int) -> None:
    """What each site reads: the `level` of its voxel."""
    sites = geometry.sites
    if not sites.is_lattice:
        np.take(level, sites.voxel, out=seen)
        return
    grid, coarse = seen.reshape(sites.nz, sites.ny, sites.nx), sites.coarse
    field = level.reshape(-1, sites.vy, sites.vx)

    def share(first: int, last: int) -> None:
        _repeat_rows(first, last, field, grid, coarse)

    in_shares(share, field.shape[0] * sites.vy, threads)


@kernel
def _sum_by_voxel(given_off, source, sites):
    source[:] = 0.0
    for site in range(given_off.size):
        if given_off[site] != 0.0:
            source[voxel_of(site, sites)] += source.dtype.type(given_off[site])  # other factors may need it wider


@kernel
def _sum_rows(first, last, grid, source, coarse):
    """Rows first to last of the voxels of a lattice, counted through its planes."""
    deep = min(coarse, grid.shape[0])
    for row in range(first, last):
        plane, line = divmod(row, source.shape[1])
        into = source[plane, line]
        into[:] = 0.0
        for z in range(plane * deep, plane * deep + deep):
            for y in range(line * coarse, line * coarse + coarse):
                cells = grid[z, y]
                for i in range(coarse):
                    for x in range(into.size):
                        into[x] += into.dtype.type(cells[x * coarse + i])


@kernel
def _repeat_rows(first, last, field, grid, coarse):
    """The way back."""
    deep = min(coarse, grid.shape[0])
    for row in range(first, last):
        plane, line = divmod(row, field.shape[1])
        level, one = field[plane, line], grid[plane * deep, line * coarse]
        for i in range(coarse):
            for x in range(level.size):
                one[x * coarse + i] = level[x]
        for z in range(plane * deep, plane * deep + deep):
            for y in range(line * coarse, line * coarse + coarse):
                if z > plane * deep or y > line * coarse:
                    grid[z, y] = one
