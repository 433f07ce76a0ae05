"""AnnData in and out; run by `make anndata`, for anndata holds pandas below 3."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from worlds import QUIET, factor, start, together

import sim
from sim.errors import ScenarioError
from sim.scenario.load import from_dict

anndata = pytest.importorskip("anndata")

N = 30
PLACES = np.random.default_rng(4).permutation(100)[:N, None] // [10, 1] % 10 * 15.0
P16 = np.linspace(0, 2, N)


def written(folder: Path, places: np.ndarray = PLACES) -> Path:
    """Cells with a type in obs and p16 as a gene."""
    obs = pd.DataFrame({"cluster": pd.Categorical(["a", "b"] * (N // 2))}, index=[f"cell_{i}" for i in range(N)])
    data = anndata.AnnData(P16[:, None].astype(np.float32), obs, pd.DataFrame(index=["Cdkn2a"]))
    data.obsm["X_um"] = places
    data.write_h5ad(folder / "cells.h5ad")
    return folder / "cells.h5ad"


HOW = {"obsm": "X_um", "columns": {"type": "cluster", "marker": "Cdkn2a"}, "senescent_above": 1, "types": {"a": "A"}}


def test_places_types_and_a_gene_become_the_first_state(tmp_path: Path) -> None:
    cells = {"file": str(written(tmp_path)), **HOW}
    tissue = {**QUIET, "cell_types": {"b": {}, "A": {}}, "cloud": {"cells": cells}}
    patch = start(from_dict({"days": 1, "tissues": {"patch": tissue}}).common).patches["patch"]
    np.testing.assert_array_equal(patch.cells.state == 1, P16.astype(np.float32) > 1)
    assert patch.cells.cell_type.tolist() == [1, 0] * (N // 2)
    found = sim.read_cells(tmp_path / "cells.h5ad", **HOW)
    np.testing.assert_array_equal(found[["x", "y"]], PLACES)
    assert found.index[:2].tolist() == ["cell_0", "cell_1"]


def test_names_that_stand_twice_are_cells_of_their_own(tmp_path: Path) -> None:
    data = anndata.read_h5ad(written(tmp_path))
    data.obs_names = ["cell", "cell", *data.obs_names[2:]]
    data.write_h5ad(tmp_path / "twice.h5ad")
    found = sim.read_cells(tmp_path / "twice.h5ad", **HOW)
    np.testing.assert_array_equal(found[["x", "y"]], PLACES)
    assert found["type"].tolist() == ["A", "b"] * (N // 2)


def test_mistakes_name_the_cell_and_the_key(tmp_path: Path) -> None:
    bad = PLACES.copy()
    bad[3, 1] = np.nan
    with pytest.raises(ScenarioError, match="y: must be a finite number, got nan in cell cell_3"):
        sim.read_cells(written(tmp_path, bad), **HOW)
    path = written(tmp_path)
    with pytest.raises(ScenarioError, match=r"obsm: must be a key of obsm, got 'spatial', known: X_um"):
        sim.read_cells(path)
    with pytest.raises(ScenarioError, match=r"marker: must be a column of the file, got none called 'cdkn1a'"):
        sim.read_cells(path, **{**HOW, "columns": {"marker": "cdkn1a"}})
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ScenarioError, match="file: must be a whole AnnData file, got one that cannot be read"):
        sim.read_cells(path, **HOW)


def test_exported_cells_are_read_back(tmp_path: Path) -> None:
    patch = {**QUIET, "shape": [6, 9], "initial": {"burden": 30}, "clearance": {"max_rate": 0, "own_death": 0.3}}
    tree = {"days": 2, "tissues": {"patch": patch}, "record": {"maps": ["state", "cause", "SASP"], "days": [0, 2]}}
    results = sim.run(from_dict(together(tree, factor(reach="30 um"))), replicates=1)
    file = sim.export(results, "anndata", tmp_path / "out") / "control-0-patch-day2.h5ad"
    data = anndata.read_h5ad(file)
    maps = results.maps("control")
    np.testing.assert_array_equal(data.X[:, 0], maps["SASP"][1].ravel())
    assert (data.var_names.tolist(), data.obs_names[:2].tolist()) == (["SASP"], ["site_0", "site_1"])
    np.testing.assert_array_equal(data.obsm["spatial"], results.sites[["x", "y"]])
    assert json.loads(data.uns["senodrift"])["day"] == 2.0
    cloud = {"cells": {"file": str(file)}, "extent": [90, 60], "voxel_spacing": 10, "links": {"radius": 18}}
    again = start(from_dict({"days": 1, "tissues": {"patch": {**QUIET, "cloud": cloud}}}).common).patches["patch"]
    np.testing.assert_array_equal(again.cells.state, maps["state"][1].ravel())
