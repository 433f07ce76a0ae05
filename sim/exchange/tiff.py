"""Maps as OME-TIFF stacks: a file for each run and layer, with the size of a pixel and the days."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sim.errors import ResultsError
from sim.exchange.runs import StoredRun
from sim.extras import extra
from sim.results import writing


def layers_of_cells(layers: Mapping[str, npt.NDArray]) -> list[str]:
    """Layers of the cells of a cloud, (days, cells): they lie on no grid and are no image."""
    return [name for name, values in layers.items() if values.ndim == 2]


def write_tiff(run: StoredRun, folder: Path) -> None:
    """``graft-0-skin-SASP.ome.tif`` with axes TYX (or TZYX); the values as they were stored, codes as numbers.

    Raises
    ------
    ResultsError
        If no layer of the run lies on a grid: cells of a cloud are no image.
    """
    tifffile = extra("tifffile", "export: tiff")
    grids = {name: values for name, values in run.layers.items() if name not in layers_of_cells(run.layers)}
    if not grids:
        raise ResultsError(f"export: tiff: must have layers on a grid, got cells of a cloud only in {run.name}")
    with writing(folder):
        for name, values in grids.items():
            side, n_planes = run.voxel_side(name), int(np.prod(values.shape[:-2]))
            axes = "TYX" if values.ndim == 3 else "TZYX"
            lengths = {f"PhysicalSize{axis}": side for axis in axes[:0:-1]}
            units = {f"PhysicalSize{axis}Unit": "µm" for axis in axes[:0:-1]}
            days = np.repeat(run.days, n_planes // len(run.days)).tolist()
            words = ", ".join(f"{code} {word}" for code, word in enumerate(run.words.get(name, ())))
            about = {
                "axes": axes,
                **lengths,
                **units,
                "Name": f"{run.name}-{name}",
                "Description": words or run.unit(name),
                "Channel": {"Name": [name]},
                "Plane": {"DeltaT": days, "DeltaTUnit": ["d"] * n_planes},
            }
            tifffile.imwrite(
                folder / f"{run.name}-{name}.ome.tif", values, ome=True, photometric="minisblack", metadata=about
            )
