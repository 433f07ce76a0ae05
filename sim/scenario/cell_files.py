"""Files of cells as rows: tables, label images, AnnData, and which columns they have; their values are not checked."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from sim.errors import ScenarioError, did_you_mean
from sim.extras import extra
from sim.scenario.cell_images import of_image
from sim.scenario.cell_rows import Rows, by_our_words, optional_words
from sim.scenario.cells import ANNDATA, IMAGES, Cells
from sim.scenario.table_files import read_table, taken


def rows_of(cells: Cells) -> Rows:
    """The rows of a file; rows of a table count from 1, below the header.

    Raises
    ------
    ScenarioError
        One line, with the file: it is missing, damaged, empty, not what its suffix says, or has no such columns.
    """
    path = Path(cells.file)
    suffix = path.suffix.lower()
    if cells.table is not None and suffix not in IMAGES:
        raise ScenarioError(f"{path}: table: is for label images only, got {cells.table!r}")
    if suffix in IMAGES:
        return of_image(path, cells)
    return _of_anndata(path, cells) if suffix == ANNDATA else _of_table(path, cells)


def _of_table(path: Path, cells: Cells) -> Rows:
    frame = read_table(path)
    wanted = ("x", "y", *optional_words(cells, frame.columns))
    return Rows(by_our_words(frame, cells, wanted, path), "row")


def _h5ad(anndata: ModuleType, path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Observation names are not unique")  # cells are told apart by position
        return anndata.read_h5ad(path)


def _of_anndata(path: Path, cells: Cells) -> Rows:
    """Coordinates from `obsm`, columns from `obs`; the marker may be a variable (a gene) of X."""
    anndata = extra("anndata", f"{path}: file")
    data = taken(path, "AnnData file", lambda: _h5ad(anndata, path))
    if cells.obsm not in data.obsm:
        known = [*data.obsm]
        near = did_you_mean(cells.obsm, known) or f", known: {', '.join(known) or 'none'}"
        raise ScenarioError(f"{path}: obsm: must be a key of obsm, got {cells.obsm!r}{near}")
    if data.n_obs == 0:
        raise ScenarioError(f"{path}: file: must hold at least one cell, got none")
    places = np.asarray(data.obsm[cells.obsm])
    if places.ndim != 2 or places.shape[1] not in (2, 3):
        raise ScenarioError(f"{path}: obsm: must have 2 or 3 columns, got shape {places.shape}")
    about = data.obs.drop(columns=[axis for axis in "xyz" if axis in data.obs])
    marker = cells.columns.get("marker")
    if marker is not None and marker not in about and marker in data.var_names:
        about = about.assign(**{marker: np.asarray(data.obs_vector(marker))})
    wanted = tuple(word for word in optional_words(cells, about.columns) if word not in "xyz")
    told = by_our_words(about.reset_index(drop=True), cells, wanted, path)  # by position: names may stand twice
    for column, (axis, along) in enumerate(zip("xyz", places.T, strict=False)):
        told.insert(column, axis, along)
    return Rows(told.set_axis(data.obs_names, axis=0), "cell")
