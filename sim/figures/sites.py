"""Where the sites of a tissue are drawn: squares of a lattice, a slice of a block, or the discs of a cloud."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.colors import Colormap, Normalize
from matplotlib.image import AxesImage
from scipy.spatial import cKDTree

from sim.analysis.stored_maps import places_known
from sim.errors import ResultsError
from sim.results import Results

Floats = npt.NDArray[np.float64]
NOT_LAYERS = ("days", "spacing")


@dataclass(frozen=True)
class View:
    """One tissue as seen from above, or cut across its depth.

    Attributes
    ----------
    width, height : float
        Of what is drawn [um].
    cells : int
        Squares along the longer side (0 for a cloud).
    discs : (m, 2) float array or None
        Centres of the sites of a cloud that are drawn [um].
    shown : (n_sites,) bool array or None
        Which sites of a cloud these are.
    diameter : float
        Of a disc [um].
    across : bool
        Whether it is a cut along x and z, with the surface on top.
    words : str
        What to say of the slice and of the discs in a caption, or nothing.
    """

    width: float
    height: float
    cells: int = 0
    discs: Floats | None = None
    shown: npt.NDArray[np.bool_] | None = None
    diameter: float = 0.0
    across: bool = False
    words: str = ""

    def flat(self, values: npt.NDArray) -> npt.NDArray:
        """What is drawn of one day of a layer: (ny, nx) of a lattice or of voxels, or (m,) of discs."""
        if values.ndim == 1:
            return values if self.shown is None else values[self.shown]
        if values.ndim == 3:
            return values[::-1, values.shape[1] // 2] if self.across else values[values.shape[0] // 2]
        return values

    def draw(
        self, axes: Axes, values: npt.NDArray, colours: Colormap, norm: Normalize
    ) -> AxesImage | EllipseCollection:
        """Draw `values` (see `flat`) as squares without interpolation, or as discs to scale; returns what was drawn."""
        axes.set(xlim=(0.0, self.width), ylim=(0.0, self.height))
        if values.ndim == 2:
            extent = (0.0, self.width, 0.0, self.height)
            return axes.imshow(
                values, colours, norm, origin="lower", extent=extent, interpolation="none", aspect="auto"
            )
        size = np.full(len(values), self.diameter)
        assert self.discs is not None
        discs = EllipseCollection(
            size,
            size,
            np.zeros(len(values)),
            units="xy",
            offsets=self.discs,
            offset_transform=axes.transData,
            array=values,
            cmap=colours,
            norm=norm,
            linewidths=0.25,
            edgecolors="#8C8C8C",
        )
        axes.add_collection(discs)
        return discs


def view(results: Results, tissue: str, replicate: int, layers: dict[str, npt.NDArray]) -> View:
    """How to draw the stored `layers` of a tissue.

    Raises
    ------
    ResultsError
        If cells are packed anew in each replicate and the places of this one are not known.
    """
    shapes = {name: layer.shape[1:] for name, layer in layers.items() if name not in NOT_LAYERS}
    table = results.sites[results.sites["tissue"] == tissue].sort_values("site")
    points = table[["x", "y", "z"]].to_numpy(np.float64)
    spacing = float(layers["spacing"])
    across = _is_cut_across(results, tissue, points)
    if any(len(shape) == 1 for shape in shapes.values()):
        return _cloud(results, tissue, replicate, points, spacing, shapes, across)
    finest = max(shapes.values(), key=np.prod)
    up = 2 if across else 1
    ny, nx = finest[-1 - up], finest[-1]
    if "state" not in shapes and len(points):  # voxels may be coarser than sites: ask where the last site is
        nx, ny = (round(float(points[:, axis].max()) / spacing + 0.5) for axis in (0, up))
    words = f"middle of {finest[0]} layers along z" if len(finest) == 3 and finest[0] > 1 else ""
    words = f"cut through the middle of y, surface on top, depth {ny * spacing:g} µm" if across else words
    return View(nx * spacing, ny * spacing, max(nx, ny), across=across, words=words)


def _is_cut_across(results: Results, tissue: str, points: Floats) -> bool:
    """Whether depth is along z, where layers parallel to the surface would hide it."""
    settings = (results.scenario.get("tissues") or {}).get(tissue) or {}
    return settings.get("depth_axis") == "z" and len(points) > 0 and float(np.ptp(points[:, 2])) > 0.0


def _cloud(
    results: Results,
    tissue: str,
    replicate: int,
    points: Floats,
    spacing: float,
    shapes: dict[str, tuple[int, ...]],
    across: bool,
) -> View:
    n_sites = next(shape[0] for shape in shapes.values() if len(shape) == 1)
    if len(points) != n_sites or not places_known(results, tissue, replicate):
        raise ResultsError(f"maps: replicate: places of cells are kept for replicate 0 only, got {replicate}")
    diameter = _diameter(points, spacing)
    up, aside = (2, 1) if across else (1, 2)
    width, height = points[:, 0].max() + diameter / 2.0, points[:, up].max() + diameter / 2.0
    grids = [(shape[-1 - up], shape[-2], shape[-1]) for shape in shapes.values() if len(shape) > 1]
    if grids:  # the box of the voxels; their side is the least that holds all cells
        n_up, ny, nx = grids[0]
        side = max(points[:, 0].max() / nx, points[:, 1].max() / ny, points[:, up].max() / n_up)
        width, height = nx * side, n_up * side
    shown, words = np.ones(n_sites, bool), f"discs {diameter:.0f} µm across"
    if np.ptp(points[:, aside]) > spacing:
        middle = (points[:, aside].max() + points[:, aside].min()) / 2.0
        shown = np.abs(points[:, aside] - middle) <= spacing / 2.0
        words = f"cells within {spacing / 2.0:.0f} µm of the middle of {'xyz'[aside]}, {words}"
    discs = points[shown][:, [0, up]]
    if across:
        discs, words = np.array([0.0, height]) + discs * (1.0, -1.0), f"{words}; surface on top"
    return View(float(width), float(height), 0, discs, shown, diameter, across, words)


def _diameter(points: Floats, spacing: float) -> float:
    """Discs that (nearly) never overlap: the distance of close neighbours, at most a cell's share of the tissue."""
    if len(points) < 2:
        return spacing
    nearest = cKDTree(points).query(points, 2)[0][:, 1]
    return float(np.clip(np.quantile(nearest, 0.05), 0.2 * spacing, spacing))
