"""Where a tissue lies and how large it is, from its settings alone: box, walls, cells, voxels, where things happen."""

from __future__ import annotations

import math

from sim.scenario.event import Event
from sim.scenario.schema import Settings
from sim.scenario.tissue import Tissue


def tissue_of(event: Event, settings: Settings) -> str:
    """The tissue that an event hits: the named one, or the only one."""
    return event.tissue if event.tissue is not None else next(iter(settings.tissues))


def front_centre(settings: Settings, name: str) -> tuple[float, ...]:
    """Where a front in tissue `name` is measured from, x, y (, z) [um].

    The middle of its first graft or wound; where it has none, or where that is at its centre, the middle of the tissue.
    """
    starts = [each for each in settings.events.values() if each.kind in ("graft", "wound")]
    here = [each for each in starts if tissue_of(each, settings) == name]
    first = min(here, key=lambda each: each.day, default=None)
    if first is None or first.at == "centre":
        return tuple(length / 2.0 for length in extent_of(settings.tissues[name]))
    return tuple(first.at)


def extent_of(tissue: Tissue) -> tuple[float, ...]:
    """Side lengths x, y (, z) [um]."""
    if tissue.shape is not None:
        return tuple(n * tissue.cell_spacing for n in reversed(tissue.shape))
    assert tissue.cloud is not None
    if tissue.cloud.packing is not None:
        return (tissue.cloud.packing.side,) * 2
    return tuple(tissue.cloud.extent or ())


def organ_cells(tissue: Tissue) -> float:
    """Number of cells that the sites of a tissue stand for."""
    return tissue.represents if tissue.represents is not None else n_cells(tissue)


def organ_volume(tissue: Tissue) -> float:
    """Volume in which factors of the organ are dissolved [mm^3]."""
    if tissue.volume is not None:
        return tissue.volume
    spacing = tissue.cell_spacing if tissue.cloud is None else tissue.cloud.voxel_spacing
    return organ_cells(tissue) * spacing**3 / 1e9


def walls_of(tissue: Tissue) -> list[str]:
    """The walls per axis (z,) y, x."""
    return [tissue.boundary] * len(extent_of(tissue)) if isinstance(tissue.boundary, str) else list(tissue.boundary)


def n_cells(tissue: Tissue) -> float:
    """Number of sites, without making any."""
    if tissue.shape is not None:
        return math.prod(tissue.shape)
    assert tissue.cloud is not None
    packing = tissue.cloud.packing
    if packing is not None:
        return packing.density * packing.side**2 / (math.pi * packing.cell_radius**2)
    if tissue.found is not None:
        return float(tissue.found.n_cells)
    return float(len(tissue.cloud.positions or ()))


def n_voxels(tissue: Tissue) -> float:
    """Number of field voxels, without making any."""
    if tissue.shape is not None:
        return n_cells(tissue) / tissue.voxel_cells ** len(tissue.shape)
    assert tissue.cloud is not None
    return math.prod(side / tissue.cloud.voxel_spacing + 1 for side in extent_of(tissue))
