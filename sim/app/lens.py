"""A tissue as a picture: which site each pixel shows, layers in colours with their keys, and what stands at a site."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.colors import Colormap, to_hex, to_rgb
from matplotlib.ticker import MaxNLocator
from PIL import Image
from scipy.spatial import cKDTree

from sim.figures.layers import NOBODY, TYPE_COLOURS, UNITS
from sim.figures.style import STATE_COLOURS, STATE_NAMES, cause_colours, sequential
from sim.observe import layer
from sim.scenario.checks import LAYERS, PIGMENT_LAYERS
from sim.simulation import Simulation
from sim.tissue.geometry import Geometry
from sim.tissue.patch import Patch
from sim.tissue.state import ABSENT, SENESCENT

NO_SITE, LEVELS = 255, 254  # codes of a pixel: nothing is there, and the highest level of a quantity
PIXELS = 320  # along the longer side of a cloud
AGE = "age"  # time since onset: the layer that no table keeps
LEVEL = "level (1 = burden of 1 %)"
OF_SENESCENT = (AGE, "cause", "generation")


@dataclass(frozen=True, eq=False)
class Lens:
    """What a tissue shows from above, or of a block in its middle.

    Attributes
    ----------
    sites, voxels : (h, w) int arrays
        Site and voxel of each pixel, first row on top; -1 where there is no site.
    width, height : float
        Of what is shown [um].
    words : str
        Which part of a block it is, or nothing.
    """

    sites: npt.NDArray[np.int64]
    voxels: npt.NDArray[np.int64]
    width: float
    height: float
    words: str = ""

    @classmethod
    def on(cls, patch: Patch) -> Lens:
        """The lens of a tissue: y points up; where depth is along z, a cut with the surface on top."""
        geometry, across = patch.geometry, patch.tissue.depth_axis == "z" and patch.geometry.dimension == 3
        sites = _of_cloud(geometry, across) if geometry.shape is None else _of_lattice(geometry.shape, across)
        absent = (sites >= 0) & (patch.cells.state[sites] == ABSENT)
        sites = np.where(absent, -1, sites)
        up = geometry.extent[0] if across or geometry.dimension == 2 else geometry.extent[1]
        words = "cut through the middle, surface on top" if across else "middle of the layers along z"
        voxels = np.where(sites >= 0, _voxels(geometry)[sites], -1)
        return cls(sites, voxels, geometry.extent[-1], up, words if geometry.dimension == 3 else "")


def _of_lattice(shape: tuple[int, ...], across: bool) -> npt.NDArray[np.int64]:
    sites = np.arange(np.prod(shape), dtype=np.int64).reshape(shape)
    if len(shape) == 3:
        return sites[:, shape[1] // 2] if across else sites[shape[0] // 2, ::-1]
    return sites[::-1]


def _of_cloud(geometry: Geometry, across: bool) -> npt.NDArray[np.int64]:
    """The nearest cell, where one is near enough to stand there."""
    points, extent = geometry.positions(), geometry.extent[::-1]
    axes = [0, 2 if across else 1]
    sides = np.array([extent[axis] for axis in axes])
    n = np.maximum(1, np.round(PIXELS * sides / sides.max()).astype(int))
    grid = np.stack(
        np.meshgrid(*((np.arange(count) + 0.5) * side / count for count, side in zip(n, sides, strict=True)))
    )
    place = np.zeros((n[1], n[0], geometry.dimension)) + np.array(extent) / 2.0
    place[..., axes] = np.moveaxis(grid, 0, -1)
    away, site = cKDTree(points).query(place.reshape(-1, geometry.dimension))
    found = np.where(away <= geometry.spacing / 2.0, site, -1).reshape(n[1], n[0])
    return found if across else found[::-1]


def _voxels(geometry: Geometry) -> npt.NDArray[np.int64]:
    """Voxel of each site, flat."""
    index = (geometry.positions()[:, ::-1] / geometry.voxel_spacing).astype(np.int64)
    index = np.minimum(index, np.array(geometry.voxel_shape) - 1)
    return np.ravel_multi_index(tuple(index.T), geometry.voxel_shape)


def layers_of(patch: Patch, has_pigment: bool) -> list[str]:
    """Names of the layers that a tissue has."""
    cargo = ["cargo"] * bool(len(patch.cells.cargo))
    types = ["type"] * (len(patch.tissue.cell_types) > 1)
    return ["state", *patch.factor_names, *cargo, "cause", AGE, *types, *(PIGMENT_LAYERS if has_pigment else ())]


def values_of(simulation: Simulation, tissue: str, name: str, lens: Lens) -> npt.NDArray[Any]:
    """A layer as it is now, by pixel (h, w); of pixels without a site any value."""
    patch = simulation.patches[tissue]
    if name == AGE:
        return (simulation.day - patch.cells.since)[lens.sites]
    at_site = name in LAYERS or (name in patch.factor_names and patch.by_site[patch.factor_names.index(name)])
    return layer(patch, name, pigment=simulation.pigments.get(tissue)).ravel()[lens.sites if at_site else lens.voxels]


@dataclass(frozen=True, eq=False)
class Palette:
    """Colours of a layer, the same in all arms.

    Attributes
    ----------
    label : str
        What is shown, with its unit.
    colours : (256, 3) uint8 array
        By code; the last is that of no site.
    entries : tuple of (name, colour)
        Of categories; empty for a quantity.
    top : float
        Value of the highest colour of a quantity.
    codes : dict of arm to array
        Code by stored number, where arms number them differently.
    """

    label: str
    colours: npt.NDArray[np.uint8]
    entries: tuple[tuple[str, str], ...] = ()
    top: float = 1.0
    codes: Mapping[str, npt.NDArray[np.int64]] | None = None

    def png(
        self, arm: str, values: npt.NDArray[Any], hidden: npt.NDArray[np.bool_], empty: npt.NDArray[np.bool_]
    ) -> str:
        """The picture of `values` as an address for a browser; `hidden` sites are of the first colour."""
        if self.entries:
            pixels = values if self.codes is None else self.codes[arm][values]
        else:
            pixels = np.clip(1.0 + values * ((LEVELS - 1) / self.top), 1.0, LEVELS)
        pixels = np.where(hidden, 0, pixels).astype(np.uint8)
        image = Image.fromarray(np.where(empty, NO_SITE, pixels).astype(np.uint8), "P")
        image.putpalette(self.colours.tobytes())
        buffer = BytesIO()
        image.save(buffer, "png", compress_level=1)
        return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()

    def bar(self) -> str:
        """A colour bar as CSS."""
        stops = self.colours[np.linspace(1, LEVELS, 12).astype(int)]
        return f"linear-gradient(to right, {', '.join(to_hex(stop / 255.0) for stop in stops)})"


def palette(
    name: str, simulations: Mapping[str, Simulation], tissue: str, tops: dict[str, float], index: int
) -> Palette:
    """The palette of a layer; `tops` keeps the round value above the highest so far, so that colours stay."""
    patches = {arm: each.patches[tissue] for arm, each in simulations.items()}
    first = next(iter(patches.values()))
    if name == "state":
        present = {0, 1, *np.unique(np.concatenate([patch.cells.state for patch in patches.values()])).tolist()}
        entries = tuple((STATE_NAMES[code], STATE_COLOURS[code]) for code in sorted(present - {ABSENT}))
        return Palette("state", _table(STATE_COLOURS), entries)
    if name == "type":
        kinds = list(first.tissue.cell_types)
        colours = [TYPE_COLOURS[i % len(TYPE_COLOURS)] for i in range(len(kinds))]
        return Palette("cell type", _table(colours), tuple(zip(kinds, colours, strict=True)))
    if name == "cause":
        return _causes(patches)
    most = max(_most(simulations[arm], patch, name) for arm, patch in patches.items())
    tops[name] = max(tops.get(name, 0.0), _round_above(most))
    unit = "d since the cell turned" if name == AGE else UNITS.get(name, LEVEL)
    return Palette(f"{'time since onset' if name == AGE else name}: {unit}", _shades(sequential(index)), top=tops[name])


def _most(simulation: Simulation, patch: Patch, name: str) -> float:
    if name == AGE:
        since = patch.cells.since[patch.cells.state == SENESCENT]
        return float(simulation.day - since.min()) if since.size else 0.0
    return float(layer(patch, name, pigment=simulation.pigments.get(patch.name)).max())


def _round_above(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    if value <= 0.0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= value * (1.0 - 1e-9)))


def _causes(patches: Mapping[str, Patch]) -> Palette:
    """Causes by name: an arm that lacks an event numbers the later ones differently."""
    turned = {
        arm: np.unique(patch.cells.cause[patch.cells.state == SENESCENT]).tolist() for arm, patch in patches.items()
    }
    names = list(dict.fromkeys(patches[arm].event_names[code] for arm, codes in turned.items() for code in codes))
    factors = list(dict.fromkeys(name for patch in patches.values() for name in patch.factor_names))
    colours = cause_colours(names, factors)
    codes = {
        arm: np.array([names.index(name) + 1 if name in names else 0 for name in patch.event_names])
        for arm, patch in patches.items()
    }
    entries = (("not senescent", NOBODY), *((name, colours[name]) for name in names))
    return Palette("cause", _table([colour for _, colour in entries]), entries, codes=codes)


def _table(colours: Sequence[str]) -> npt.NDArray[np.uint8]:
    table = np.full((256, 3), 255, np.uint8)
    table[: len(colours)] = np.round(255.0 * np.array([to_rgb(colour) for colour in colours]))
    return table


def _shades(colours: Colormap) -> npt.NDArray[np.uint8]:
    table = np.full((256, 3), 255, np.uint8)
    table[0] = np.round(255.0 * np.array(to_rgb(NOBODY)))
    table[1 : LEVELS + 1] = np.round(255.0 * colours(np.linspace(0.0, 1.0, LEVELS))[:, :3])
    return table


def picture(simulation: Simulation, arm: str, tissue: str, name: str, lens: Lens, colours: Palette) -> str:
    """A layer of one arm as an address for a browser."""
    senescent = simulation.patches[tissue].cells.state[lens.sites] == SENESCENT
    hidden = ~senescent if name in OF_SENESCENT else np.zeros_like(senescent)
    return colours.png(arm, values_of(simulation, tissue, name, lens), hidden, lens.sites < 0)


def at_site(simulation: Simulation, tissue: str, site: int, voxel: int) -> list[tuple[str, str]]:
    """What stands at a site, in words: name and value with its unit."""
    patch = simulation.patches[tissue]
    cells, place = patch.cells, patch.geometry.positions()[site]
    found = [("at", f"{', '.join(f'{each:.0f}' for each in place)} µm"), ("state", STATE_NAMES[cells.state[site]])]
    if len(patch.tissue.cell_types) > 1:
        found.append(("type", list(patch.tissue.cell_types)[cells.cell_type[site]]))
    if cells.state[site] == SENESCENT:
        found.append(("cause", patch.event_names[cells.cause[site]]))
        found.append(("time since onset", f"{simulation.day - cells.since[site]:.3g} d"))
    for factor, by_site in zip(patch.factor_names, patch.by_site, strict=True):
        found.append((factor, f"{max(0.0, float(patch.level(factor)[site if by_site else voxel])):.3g}"))
    if len(cells.cargo):
        found.append(("cargo", f"{float(cells.cargo[:, site].sum()):.3g}"))
    return found


def scale_bar(width: float) -> tuple[float, str]:
    """Share of the width that a bar of a round length takes, and its label."""
    length = max(each for each in MaxNLocator(4).tick_values(0.0, width) if each <= width / 2.0)
    return float(length / width), f"{length:g} µm" if length < 1000.0 else f"{length / 1000.0:g} mm"
