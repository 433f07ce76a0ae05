"""Maps and time series as one Zarr store, a group for each run, written and opened by xarray."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from sim.exchange.runs import StoredRun
from sim.extras import extra
from sim.results import KEYS, writing


def write_zarr(run: StoredRun, folder: Path) -> None:
    """Group ``ARM/REPLICATE/TISSUE`` with the layers, and below it ``timeseries`` with the rows of the run.

    Layers have dimensions day, (z,) y, x in um (``*_voxel`` where field voxels are coarser than cells), in a cloud day
    and site. Codes have the attributes flag_values and flag_meanings (CF conventions).
    """
    xarray = extra("xarray", "export: zarr")
    extra("zarr", "export: zarr")
    maps = xarray.Dataset(attrs={**_plain(run.about), "unit_of_length": "um"})
    maps.coords["day"] = ("day", run.days, {"units": "d"})
    for name, values in run.layers.items():
        dims = _dimensions(run, name)
        maps[name] = (("day", *dims), values, _attributes(run, name))
        for axis, (dim, n) in enumerate(zip(reversed(dims), reversed(values.shape[1:]), strict=True)):
            if dim != "site" and dim not in maps.coords:
                middles = (np.arange(n) + 0.5) * (run.extent[axis] / n)
                maps.coords[dim] = (dim, middles, {"units": "um"})
    if run.shape is None:
        for along in "xyz"[: len(run.extent)]:
            maps.coords[f"{along}_site"] = ("site", run.sites[along].to_numpy(np.float64), {"units": "um"})
    rows = run.timeseries.drop(columns=[key for key in KEYS if key != "day"]).set_index("day")
    series = xarray.Dataset({name: ("day", rows[name].to_numpy()) for name in rows}, {"day": rows.index.to_numpy()})
    group = "/".join(map(str, run.key))
    with writing(folder):
        for place, data in ((group, maps), (f"{group}/timeseries", series)):
            data.to_zarr(folder, group=place, mode="a", consolidated=False)


def _dimensions(run: StoredRun, layer: str) -> tuple[str, ...]:
    values = run.layers[layer]
    if values.ndim == 2:
        return ("site",)
    return tuple(axis if run.per_site(layer) else f"{axis}_voxel" for axis in "zyx"[-(values.ndim - 1) :])


def _attributes(run: StoredRun, layer: str) -> dict[str, Any]:
    if layer not in run.words:
        return {"units": run.unit(layer)}
    words = run.words[layer]
    return {"flag_values": list(range(len(words))), "flag_meanings": " ".join(words)}


def _plain(about: dict[str, Any]) -> dict[str, Any]:
    return {name: json.dumps(value) if isinstance(value, dict) else value for name, value in about.items()}
