"""Tables of cells, segmented or simulated: a row per cell, its place, and whether it is senescent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.errors import ResultsError, ScenarioError, did_you_mean
from sim.scenario.cells import STATES
from sim.scenario.table_files import read_table

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def read_cells(path: str | Path) -> pd.DataFrame:
    """A table of cells from a CSV or Parquet file; ResultsError, one line, where it cannot be read."""
    try:
        return read_table(Path(path))
    except ScenarioError as error:
        raise ResultsError(str(error)) from None


def states_of(cells: pd.DataFrame, name: str) -> tuple[Bools, Bools]:
    """Which rows are senescent cells, and which are cells at all."""
    if "state" in cells:
        words = cells["state"].astype(str).str.strip().str.lower()
        for word in words.unique():
            if word not in STATES:
                known, near = ", ".join(STATES), did_you_mean(word, STATES)
                raise ResultsError(f"{name}: state: must be one of {known}, got {word}{near}")
        return (words == "senescent").to_numpy(bool), words.isin(STATES[:2]).to_numpy(bool)
    if "senescent" in cells:
        truth = cells["senescent"].map({True: True, False: False, "true": True, "false": False})  # 1 equals True
        if truth.isna().any():
            odd = cells.loc[truth.isna(), "senescent"].iloc[0]
            raise ResultsError(f"{name}: senescent: must be true or false in every row, got {odd}")
        return truth.to_numpy(bool), np.ones(len(cells), bool)
    raise ResultsError(f"{name}: state: must be a column (or: senescent), got {', '.join(map(str, cells.columns))}")


def places_of(cells: pd.DataFrame, name: str) -> Floats:
    """Coordinates, (n, 2 or 3) [um]."""
    columns = [axis for axis in "xyz" if axis in cells]
    for axis in "xy":
        if axis not in cells:
            raise ResultsError(f"{name}: {axis}: must be a column [um], got {', '.join(map(str, cells.columns))}")
    numbers = cells[columns].apply(pd.to_numeric, errors="coerce")
    finite = np.isfinite(numbers.to_numpy(np.float64))
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        odd = cells[columns[column]].iloc[row]
        raise ResultsError(f"{name}: {columns[column]}: must be a finite number in every row, got {odd} in row {row}")
    points = numbers.to_numpy(np.float64)
    flat = points.shape[1] == 3 and (len(points) == 0 or np.ptp(points[:, 2]) == 0.0)
    return points[:, :2] if flat else points


def section_of(points: Floats, box: Sequence[float] | None, name: str) -> tuple[Floats, Floats]:
    """The corner of the section, and its lengths [um]."""
    if len(points) < 2:
        raise ResultsError(f"{name}: cells: must be at least two, got {len(points)}")
    if box is None:
        low, lengths = points.min(axis=0), np.ptp(points, axis=0)
        if not lengths.all():
            raise ResultsError(f"{name}: box: must be given for cells in one line, got none")
        return low, lengths
    lengths = np.asarray(box, np.float64)
    if lengths.shape != points.shape[1:] or not (lengths > 0).all():
        raise ResultsError(f"{name}: box: must be {points.shape[1]} positive lengths [um], got {list(box)}")
    outside = ((points < 0) | (points > lengths)).any(axis=1)
    if outside.any():
        place = ", ".join(f"{x:g}" for x in points[outside][0])
        raise ResultsError(f"{name}: box: must hold all cells, from 0 to {lengths.tolist()} um, got one at ({place})")
    return np.zeros(len(lengths)), lengths
