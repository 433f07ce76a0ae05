"""Cells as AnnData: a file for each run and day."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from sim.exchange.runs import CODED, StoredRun
from sim.extras import extra
from sim.results import writing


def write_anndata(run: StoredRun, folder: Path) -> None:
    """``graft-0-skin-day30.h5ad``: words in obs, places [um] in ``obsm["spatial"]``, levels in X, origin in uns."""
    anndata = extra("anndata", "export: anndata")
    levels = [layer for layer in run.layers if layer not in CODED]
    with writing(folder):
        for row, day in enumerate(run.days):
            cells = run.cells(row)
            axes = [axis for axis in "xyz" if axis in cells]
            about = cells.drop(columns=[*axes, *levels])
            words = [name for name in ("type", "state", "cause") if name in about]
            obs = about.assign(**{name: pd.Categorical(about[name]) for name in words})
            obs.index = pd.Index([f"site_{site}" for site in run.sites["site"]])
            var = pd.DataFrame({"unit": [run.unit(layer) for layer in levels]}, index=pd.Index(levels, dtype=object))
            data = anndata.AnnData(np.ascontiguousarray(cells[levels].to_numpy(np.float32)), obs, var)
            data.obsm["spatial"] = cells[axes].to_numpy(np.float64)
            data.uns["senodrift"] = json.dumps({**run.about, "day": float(day), "unit_of_length": "um"})
            data.write_h5ad(folder / f"{run.name}-day{day:g}.h5ad")
