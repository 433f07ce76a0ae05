"""One stored run: its maps, the places of its sites in um, and what its codes mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.analysis.stored_maps import SENESCENT, places_known
from sim.errors import ResultsError
from sim.results import Results
from sim.scenario.cells import STATES
from sim.scenario.load import from_dict
from sim.scenario.places import extent_of

Floats = npt.NDArray[np.float64]
ABOUT = ("scenario", "hash", "question", "seed", "senodrift", "commit", "versions")  # of the manifest, for a header
UNITS = {"cargo": "1", "quality": "1", "secondaries": "cells", "melanin": "of resting skin", "activation": "1"}
HOLE = "hole"  # what the state of a place without a site is called
CODED = ("state", "cause", "generation", "type")  # layers that are numbers of words or whole numbers


@dataclass(frozen=True)
class StoredRun:
    """Maps of one arm, replicate and tissue.

    Attributes
    ----------
    key : (arm, replicate, tissue)
    days : (k,) float array [d]
    layers : dict of (k, *shape) arrays
        A site of a lattice or cloud, or a field voxel, per value.
    sites : DataFrame
        ``site x y (z) type`` of every site that is no hole; coordinates in um from the corner of the tissue; the type
        is that of day 0.
    extent : (2 or 3,) [um]
        Side lengths x, y (, z).
    shape : tuple of int, or None
        Of a lattice; a cloud has none.
    words : dict
        Layer to what its codes mean, by code.
    about : dict
        What made it, as plain data.
    timeseries : DataFrame
        Its rows.
    """

    key: tuple[str, int, str]
    days: Floats
    layers: dict[str, npt.NDArray]
    sites: pd.DataFrame
    extent: tuple[float, ...]
    shape: tuple[int, ...] | None
    words: dict[str, list[str]]
    about: dict[str, Any]
    timeseries: pd.DataFrame

    @classmethod
    def of(cls, results: Results, key: tuple[str, int, str], days: Sequence[float] | None) -> StoredRun:
        """The maps of one run, on some of its days.

        Raises
        ------
        ResultsError
            If a day was not kept, or the places of the cells of this replicate are not known.
        """
        arm, replicate, name = key
        if not places_known(results, name, replicate):
            raise ResultsError(
                f"export: replicate: places of packed cells are kept of replicate 0 only, got {replicate}"
            )
        maps = dict(results.maps(*key))
        kept = maps.pop("days")
        del maps["spacing"]
        rows = _rows_of(kept, days)
        tissue = from_dict(results.scenario).common.tissues[name]
        extent = extent_of(tissue)
        sites = results.sites[results.sites["tissue"] == name].sort_values("site", ignore_index=True)
        words = {
            "state": [*STATES, HOLE],
            "cause": list(results.manifest["event_names"][arm]),
            "type": list(tissue.cell_types),
        }
        table = results.timeseries
        mine = (table["arm"] == arm) & (table["replicate"] == replicate) & (table["tissue"] == name)
        return cls(
            key=key,
            days=kept[rows],
            layers={each: layer[rows] for each, layer in maps.items()},
            sites=sites[["site", *"xyz"[: len(extent)], "type"]],
            extent=extent,
            shape=None if tissue.shape is None else tuple(tissue.shape),
            words=words,
            about={"arm": arm, "replicate": replicate, "tissue": name}
            | {each: results.manifest[each] for each in ABOUT if each in results.manifest},
            timeseries=table[mine].reset_index(drop=True),
        )

    @property
    def name(self) -> str:
        """``graft-0-skin``."""
        return "-".join(map(str, self.key))

    def unit(self, layer: str) -> str:
        """Of a layer: a factor has one of its own, the level at a burden of 1 %."""
        return "" if layer in CODED else UNITS.get(layer, "1 = burden of 1 %")

    def per_site(self, layer: str) -> bool:
        """Whether a layer has a value for each site, and not for each voxel."""
        shape = self.layers[layer].shape[1:]
        return shape == self.shape if self.shape else len(shape) == 1

    def voxel_side(self, layer: str) -> float:
        """Distance of the values of a layer on a grid [um]."""
        return self.extent[0] / self.layers[layer].shape[-1]

    def at_cells(self, layer: str, row: int) -> npt.NDArray:
        """Values of a layer at the sites, on the day of a row."""
        values = self.layers[layer][row]
        if self.per_site(layer):  # a cloud without the cells in its holes has exactly its sites
            return values.ravel()[self.sites["site"].to_numpy()]
        places = self.sites[[*"xyz"[: len(self.extent)]]].to_numpy(np.float64)
        last = np.array(values.shape[::-1]) - 1
        index = np.minimum((places / self.voxel_side(layer)).astype(np.int64), last)
        return values[tuple(index.T[::-1])]

    def cells(self, row: int) -> pd.DataFrame:
        """Sites as they were on the day of a row, in words; `type` is that of day 0 where no map of it was kept."""
        table = self.sites.drop(columns="site")
        told: dict[str, Any] = {}
        for layer in self.layers:
            values = self.at_cells(layer, row)
            told[layer] = np.array(self.words[layer])[values] if layer in self.words else values
        if "state" in self.layers and "cause" in told:
            told["cause"] = np.where(self.at_cells("state", row) == SENESCENT, told["cause"], "")
        return table.assign(**told)


def _rows_of(kept: Floats, days: Sequence[float] | None) -> list[int]:
    """Which of the kept days are asked for."""
    if days is None:
        return list(range(len(kept)))
    found = []
    for day in days:
        near = [row for row, each in enumerate(kept) if math.isclose(each, day, abs_tol=1e-9)]
        if not near:
            there = ", ".join(f"{each:g}" for each in kept)
            raise ResultsError(f"export: days: must be of those that were kept ({there}), got {day:g}")
        found += near
    return found
