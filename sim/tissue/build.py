"""A tissue's settings to its geometry, its first cells and the transport of its factors."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np

from sim.capture import KernelCloud, KernelLattice
from sim.compiling import kernel
from sim.errors import ScenarioError
from sim.fields import Spectral, Transport, WellMixed
from sim.rng import Purpose, Stream
from sim.rules.secretion import captured
from sim.scenario import causes
from sim.scenario.cell_table import CellTable, cell_table
from sim.scenario.factor import CaptureKernel, Factor
from sim.scenario.layers import layer_ends, shares_by_layer
from sim.scenario.schema import Settings
from sim.scenario.tissue import Cloud, Tissue
from sim.tissue.geometry import ROUNDING, Geometry, cloud, lattice
from sim.tissue.links import Nearest, Radius, Window
from sim.tissue.packing import pack_discs
from sim.tissue.parameters import total_decay
from sim.tissue.state import ABSENT, SENESCENT, CellState

SECONDS_PER_DAY = 86400.0


def build_geometry(tissue: Tissue, stream: Stream) -> Geometry:
    """Sites of a lattice or a cloud, without the holes."""
    if tissue.shape is not None:
        whole = _lattice(tissue, None)
        if not tissue.holes:
            return whole
        outside = _outside_holes(tissue, whole.positions())
        if not outside.any():
            raise ScenarioError("holes: must leave cells, got none")
        return _lattice(tissue, outside.reshape(tissue.shape))
    assert tissue.cloud is not None
    points, extent = _points(tissue.cloud, stream)
    points = points[_outside_holes(tissue, points)]
    whole = cloud(points, extent[::-1], tissue.boundary, _links(tissue.cloud), tissue.cloud.voxel_spacing)
    if not tissue.holes:
        return whole
    middles = (np.indices(whole.voxel_shape).reshape(whole.dimension, -1)[::-1].T + 0.5) * whole.voxel_spacing
    filled = _outside_holes(tissue, middles).mean()  # cells are as dense as in the tissue around the holes
    return replace(whole, cells_per_voxel=whole.cells_per_voxel / filled)


def _lattice(tissue: Tissue, mask: np.ndarray | None) -> Geometry:
    assert tissue.shape is not None
    return lattice(
        tissue.shape, tissue.cell_spacing, tissue.neighbourhood, tissue.boundary, mask, voxel_cells=tissue.voxel_cells
    )


def _outside_holes(tissue: Tissue, positions: np.ndarray) -> np.ndarray:
    keep = np.ones(len(positions), bool)
    for hole in tissue.holes:
        keep &= ((positions - hole.at) ** 2).sum(axis=1) > hole.radius**2
    return keep


def _points(source: Cloud, stream: Stream) -> tuple[np.ndarray, tuple[float, ...]]:
    """Cell centres x, y (, z) and side lengths in the same order [um]."""
    if source.packing is not None:
        packing = source.packing
        return pack_discs(packing.side, packing.cell_radius, packing.density, stream), (packing.side,) * 2
    extent = tuple(source.extent or ())
    if source.positions is not None:
        return np.array(source.positions, float), extent
    assert source.cells is not None
    assert source.cells.origin is not None
    points = cell_table(source.cells, len(extent)).positions - source.cells.origin
    return np.clip(points, 0.0, extent), extent  # a cell on the wall may lie beyond it by rounding


def known_cells(tissue: Tissue) -> CellTable | None:
    """What the file of its cells says, if they come from one; without the cells in holes."""
    if tissue.cloud is None or tissue.cloud.cells is None:
        return None
    cells, extent = tissue.cloud.cells, tissue.cloud.extent or []
    table = cell_table(cells, len(extent))
    keep = _outside_holes(tissue, np.clip(table.positions - np.array(cells.origin), 0.0, extent))
    told = {name: getattr(table, name) for name in ("types", "states", "since_onset", "generation")}
    return table._replace(**{name: each[keep] for name, each in told.items() if each is not None})


def _links(source: Cloud) -> Radius | Nearest | Window:
    links = source.links
    if links.radius is not None:
        return Radius(links.radius)
    if links.nearest is not None:
        return Nearest(links.nearest)
    assert links.window is not None
    bin_side = source.packing.cell_radius if source.packing is not None else source.voxel_spacing
    return Window(bin_side, *links.window)


def first_cells(tissue: Tissue, geometry: Geometry, n_cargo: int, stream: Stream) -> CellState:
    """Cells on day 0, as their file tells; else types by their shares, a share of them senescent already."""
    cells = CellState.healthy(geometry.n_sites, n_cargo)
    every = np.arange(geometry.n_sites, dtype=np.int64)
    known = known_cells(tissue)
    if known is not None and known.types is not None:
        code = {kind: number for number, kind in enumerate(tissue.cell_types)}
        cells.cell_type[:] = [code[kind] for kind in known.types]
    elif len(tissue.cell_types) > 1:
        cells.cell_type[:] = first_types(tissue, geometry, stream)
    if known is not None and known.states is not None:
        _begin_as_known(cells, known, tissue.initial.since_onset)
    elif tissue.initial.burden > 0:
        old = stream.uniforms(Purpose.INITIAL, 0, every) < tissue.initial.burden / 100
        cells.state[old] = SENESCENT
        cells.cause[old] = causes.INITIAL
        cells.since[old] = -tissue.initial.since_onset
    if geometry.exists is not None:
        holes = ~geometry.exists
        for array in (cells.cell_type, cells.cause, cells.since):
            array[holes] = 0
        cells.state[holes] = ABSENT
    return cells


def _begin_as_known(cells: CellState, known: CellTable, since_onset: float) -> None:
    """States and generations of a file; senescent cells turned when it says, else `since_onset` [d] ago."""
    assert known.states is not None
    cells.state[:] = known.states
    old = cells.state == SENESCENT
    cells.cause[old] = causes.INITIAL
    told = np.full(len(old), np.nan) if known.since_onset is None else known.since_onset
    if known.generation is not None:
        cells.generation[:] = known.generation
    cells.since[old] = -np.where(np.isnan(told), since_onset, told)[old]


def first_types(tissue: Tissue, geometry: Geometry, stream: Stream) -> np.ndarray:
    """Cell type of every site, by the shares of its layer; (n,) of indices."""
    every = np.arange(geometry.n_sites, dtype=np.int64)
    drawn = stream.uniforms(Purpose.CELL_TYPE, 0, every)
    start = float(drawn[0])
    edges = np.cumsum(shares_by_layer(tissue), axis=1)[:, :-1]
    layer = niches(tissue, geometry)
    found = np.zeros(geometry.n_sites, np.int64)
    for row, limits in enumerate(edges):
        here = np.flatnonzero(layer == row) if tissue.layers else every
        order = _evenly(tissue, here, start) if tissue.arrangement == "even" else drawn[here]
        found[here] = np.searchsorted(limits, order, side="right")
    return found


def niches(tissue: Tissue, geometry: Geometry) -> np.ndarray:
    """Layer of every site, (n,) uint8; (1,) where there are no layers."""
    if not tissue.layers:
        return np.zeros(1, np.uint8)
    assert tissue.depth_axis is not None  # checked
    along = geometry.positions()[:, "xyz".index(tissue.depth_axis)]
    return np.searchsorted(layer_ends(tissue)[:-1], along * (1.0 + ROUNDING), side="right").astype(np.uint8)


def _evenly(tissue: Tissue, sites: np.ndarray, start: float) -> np.ndarray:
    """Numbers in [0, 1) of `sites` of a lattice: those below any limit lie evenly (an additive recurrence).

    The steps per axis are powers of the inverse of the root of x^(d + 1) = x + 1, of which no multiple is nearly whole
    in all d axes at once: the golden ratio in more dimensions (Roberts 2018). A layer of one row has one axis less.
    `start` says where the pattern begins.
    """
    assert tissue.shape is not None  # checked
    places = np.array(np.unravel_index(sites, tissue.shape))
    along = [axis for axis in places if axis.min() < axis.max()]
    root = 1.5
    for _ in range(64):
        root = (1.0 + root) ** (1.0 / (len(along) + 1))
    return np.asarray((start + sum(axis * root ** -(i + 1.0) for i, axis in enumerate(along))) % 1.0)


def depths(tissue: Tissue, geometry: Geometry) -> np.ndarray:
    """Depth of every site below the surface [um]: of the middles of cells, or of voxels in a cloud."""
    if tissue.depth_axis is None:
        return np.full(geometry.n_sites, tissue.depth)
    along = geometry.positions()[:, "xyz".index(tissue.depth_axis)]
    if geometry.points is not None:  # a few layers instead of one per cell
        along = (np.floor(along / geometry.voxel_spacing) + 0.5) * geometry.voxel_spacing
    return np.asarray(tissue.depth + along)


def build_transport(factor: Factor, tissue: Tissue, geometry: Geometry, dt: float) -> Transport:
    """How `factor` travels in this tissue; what leaks into the blood is not in its decay yet."""
    if factor.transport == "well_mixed" or tissue.well_mixed:
        return WellMixed(total_decay(factor, tissue), math.prod(geometry.voxel_shape), dt)
    if factor.transport == "kernel":
        assert factor.kernel is not None
        radial = partial(capture_at, source=factor.kernel)
        if geometry.shape is None:
            return KernelCloud(geometry.positions(), radial, geometry.distances)
        return KernelLattice(geometry.shape, geometry.spacing, geometry.boundary, radial)
    return Spectral(
        geometry.voxel_shape,
        geometry.voxel_spacing,
        geometry.boundary,
        factor.diffusivity * SECONDS_PER_DAY,
        total_decay(factor, tissue),
        dt,
        np.dtype(factor.precision),
    )


def capture_at(distances: np.ndarray, source: CaptureKernel) -> np.ndarray:
    """Ligands bound per hour at each distance [um], by the capture rule."""
    numbers = (source.cell_radius, source.emission, source.autocrine, source.capture_length)
    return np.asarray(capture_all(distances.ravel(), *numbers)).reshape(distances.shape)


@kernel
def capture_all(distances, radius, emission, autocrine, length):  # type: ignore[no-untyped-def]
    """The capture rule at every distance."""
    bound = np.empty(distances.size)
    for i in range(distances.size):
        bound[i] = captured(distances[i], radius, emission, autocrine, length)
    return bound


def check_kernels(settings: Settings, geometry: Geometry) -> None:
    """Raise ScenarioError where a kernel would act between two cells on the same place."""
    kernels = [name for name, factor in settings.factors.items() if factor.transport == "kernel"]
    if kernels and geometry.points is not None and len(np.unique(geometry.points, axis=0)) < geometry.n_sites:
        raise ScenarioError(f"cloud: cells must not share a place where kernel {kernels[0]} acts, got two that do")
