"""Cells from a file, checked: every place a number inside the tissue and taken once, every word known."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.errors import ScenarioError, did_you_mean
from sim.scenario.cell_files import rows_of
from sim.scenario.cell_rows import Rows
from sim.scenario.cells import FARTHEST, LAST_GENERATION, STATES, Cells
from sim.scenario.table_files import file_is_there
from sim.scenario.tissue import Cloud

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
SENESCENT = STATES.index("senescent")
IN_THE_FILE = {"sha256", "n_cells", "burden", "types"}  # of `found`
NEAR = 0.1  # of the mean distance to the nearest cell: two that are closer are perhaps one cell, found twice
PLAUSIBLE = (
    3.0,
    100.0,
)  # um to the nearest cell, on average: beyond, a scale is more likely wrong than a tissue so built
TRUTH = {"true": "senescent", "false": "healthy", "1": "senescent", "0": "healthy"}


class CellTable(NamedTuple):
    """Cells of a file.

    Attributes
    ----------
    rows : Rows
        What the file says, to name a row by.
    positions : (n, 2 or 3) [um]
        In the coordinates of the file times the scale.
    spacing : float [um]
        Mean distance to the nearest cell; NaN of a single cell.
    size : (2 or 3,) [um] or None
        Of an image.
    types : (n,) of str, or None
        Cell type by name.
    states : (n,) uint8, or None
        Index into `sim.scenario.cells.STATES`.
    since_onset : (n,) [d], or None
        Time since senescent cells turned; NaN where it is not told.
    generation : (n,) uint8, or None
        0 of senescent cells that turned by themselves, 1 and more of those that others turned; 0 at all other cells.
    """

    rows: Rows
    positions: Floats
    spacing: float
    size: Floats | None
    types: npt.NDArray | None
    states: npt.NDArray[np.uint8] | None
    since_onset: Floats | None
    generation: npt.NDArray[np.uint8] | None

    @property
    def burden(self) -> float | None:
        """Percent of the cells that are senescent, if the file tells."""
        if self.states is None:
            return None
        n_healthy, n_senescent = np.bincount(self.states, minlength=len(STATES))[: SENESCENT + 1].tolist()
        return 100.0 * n_senescent / max(1, n_healthy + n_senescent)


def read_cells(path: str | Path, **how: Any) -> pd.DataFrame:
    """Cells of a file as a tidy table, checked as for a scenario.

    Parameters
    ----------
    path
        A table (.csv, .parquet), a label image (.tif, .tiff, .png) or AnnData (.h5ad).
    **how
        As in a scenario below ``tissues.X.cloud.cells``, lengths in um or with a unit: ``columns`` (a mapping such as
        ``{"x": "X_centroid"}``), ``scale``, ``scale_z``, ``types``, ``senescent_above``, ``table``, ``obsm``,
        ``min_distance``.

    Returns
    -------
    DataFrame
        A row per cell: ``x y (z)`` [um]; ``type``, ``state`` (healthy, senescent, cleared, scarred), ``since_onset``
        [d] and ``generation`` where the file tells; of a label image ``pixels`` and ``area`` [um^2] (a stack:
        ``volume`` [um^3]); then the other columns of the file. The index is the row (from 1), the label, or the name
        of the cell.

    Raises
    ------
    ScenarioError
        One line with the file, the column and the row.
    """
    from pydantic import ValidationError

    try:
        cells = Cells.model_validate({"file": str(path), **how})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ScenarioError(f"{path}: {key}: {first['msg'].removeprefix('Value error, ')}") from None
    found = cell_table(cells)
    told = dict(zip("xyz", found.positions.T, strict=False))
    if found.types is not None:
        told["type"] = found.types
    if found.states is not None:
        told["state"] = np.array(STATES)[found.states]
    if found.since_onset is not None:
        told["since_onset"] = found.since_onset
    if found.generation is not None:
        told["generation"] = found.generation
    frame = found.rows.frame
    if found.size is not None:
        pixel = math.prod(_scales(cells, found.positions.shape[1]))
        told["area" if found.positions.shape[1] == 2 else "volume"] = frame["pixels"].to_numpy() * pixel
    others = frame.drop(columns=[name for name in frame if name in told])
    return others.assign(**told)[[*told, *others.columns]]


def cell_table(cells: Cells, dimension: int | None = None) -> CellTable:
    """Cells of a file with `dimension` axes; if not given, a z that is the same everywhere is left out.

    Raises
    ------
    ScenarioError
        One line with the file, the column and the row; also where the content is not the one that was `found`.
    """
    content = fingerprint(cells)
    if cells.found is not None and content != cells.found.sha256:
        raise ScenarioError(
            f"{cells.file}: found.sha256: must be that of the file, {content[:12]}..., "
            f"got {cells.found.sha256[:12]}... (the file has changed; without `found` it is read anew)"
        )
    table = _checked(cells.model_dump_json(exclude={"found", "origin"}), dimension, content)
    if cells.found is not None and what_is_in(table, content) != cells.found.model_dump(include=IN_THE_FILE):
        raise ScenarioError(f"{cells.file}: found: must be what the file holds, got that of other keys (leave it out)")
    return table


def what_is_in(table: CellTable, content: str) -> dict[str, Any]:
    """What the resolved scenario is to say of a file with this fingerprint."""
    types = [] if table.types is None else list(dict.fromkeys(table.types.tolist()))
    return {"sha256": content, "n_cells": len(table.positions), "burden": table.burden, "types": types}


def fingerprint_of_keys(cloud: Cloud) -> str:
    """SHA-256 of all that says how the file is read and which box is around its cells, but not of where it lies."""
    assert cloud.cells is not None
    read = cloud.cells.model_dump(exclude={"file", "table", "found"})
    settings = {**read, "table": cloud.cells.table is not None, "extent": cloud.extent}
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def fingerprint(cells: Cells) -> str:
    """SHA-256 of the file, followed by its table, in hex digits."""
    digests = []
    for path in (cells.file, *([cells.table] if cells.table else ())):
        file_is_there(Path(path))
        about = os.stat(path)
        digests.append(_digest(path, about.st_mtime_ns, about.st_size))
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


@lru_cache(64)
def _digest(path: str, changed: int, size: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(4)
def _checked(settings: str, dimension: int | None, content: str) -> CellTable:
    """The table, read once per process while its content stays."""
    cells = Cells.model_validate(json.loads(settings))
    rows = rows_of(cells)
    places = _places(rows, cells, dimension)
    positions = places * _scales(cells, places.shape[1])
    _check_far(rows, positions, cells)
    size = None if rows.size is None else np.array(rows.size) * _scales(cells, len(rows.size))
    states = _states(rows, cells)
    spacing = _spacing(rows, positions, cells)
    about = _types(rows, cells), states, _onsets(rows, cells, states), _generations(rows, cells, states)
    return CellTable(rows, positions, spacing, size, *about)


def _scales(cells: Cells, dimension: int) -> list[float]:
    """Length of one unit of each coordinate [um]."""
    scale = 1.0 if cells.scale is None else cells.scale
    return [scale, scale, scale if cells.scale_z is None else cells.scale_z][:dimension]


def _numbers(rows: Rows, name: str, cells: Cells) -> Floats:
    import pandas as pd

    found = np.asarray(pd.to_numeric(rows.frame[name], errors="coerce"), np.float64)
    odd = ~np.isfinite(found)
    if odd.any():
        place = int(np.flatnonzero(odd)[0])
        got = rows.frame[name].iloc[place]
        raise ScenarioError(f"{cells.file}: {name}: must be a finite number, got {got} in {rows.name(place)}")
    return found


def _places(rows: Rows, cells: Cells, dimension: int | None) -> Floats:
    stack = rows.size is not None and "z" in rows.frame
    if stack and dimension == 2:
        raise ScenarioError(f"{cells.file}: extent: must have 3 lengths for a stack of slices, got 2")
    axes = "xyz" if "z" in rows.frame and dimension != 2 else "xy"
    if dimension == 3 and axes == "xy":
        raise ScenarioError(f"{cells.file}: z: must be a column of the file where extent has 3 lengths, got none")
    places = np.column_stack([_numbers(rows, axis, cells) for axis in axes])
    flat = dimension is None and len(axes) == 3 and not stack and np.ptp(places[:, 2]) == 0.0
    if cells.scale_z is not None and (flat or len(axes) == 2):
        raise ScenarioError(
            f"{cells.file}: scale_z: must be left out where cells lie in a plane, got {cells.scale_z:g} um"
        )
    return places[:, :2] if flat else places


def _check_far(rows: Rows, positions: Floats, cells: Cells) -> None:
    far = np.abs(positions) > FARTHEST
    if far.any():
        place, axis = np.argwhere(far)[0].tolist()
        rule = f"must be between -{FARTHEST:g} um and {FARTHEST:g} um"
        got = f"{positions[place, axis]:g} um in {rows.name(place)}"
        raise ScenarioError(f"{cells.file}: {'xyz'[axis]}: {rule}, got {got}")


def _spacing(rows: Rows, positions: Floats, cells: Cells) -> float:
    """Mean distance to the nearest cell; no two cells may be in one place."""
    from scipy.spatial import cKDTree

    if len(positions) < 2:
        return math.nan
    distances, nearest = cKDTree(positions).query(positions, 2)
    close = np.flatnonzero(distances[:, 1] <= cells.min_distance)
    if close.size:
        one = int(close[0])
        other = int(nearest[one][nearest[one] != one][0])  # where many share a place, one may not find itself
        pair = " and ".join(rows.name(place) for place in sorted((one, other)))
        far = f" more than {cells.min_distance:g} um apart" if cells.min_distance else ""
        where = ", ".join(f"{x:g}" for x in positions[one])
        raise ScenarioError(f"{cells.file}: cells: must stand in places of their own{far}, got {pair} at ({where}) um")
    return float(distances[:, 1].mean())


def _words(rows: Rows, name: str, cells: Cells) -> npt.NDArray:
    """A column as texts; none may be missing."""
    column = rows.frame[name]
    if column.isna().any():
        place = int(np.flatnonzero(column.isna())[0])
        raise ScenarioError(f"{cells.file}: {name}: must stand in every row, got nothing in {rows.name(place)}")
    return column.astype(str).str.strip().to_numpy(object)


def _types(rows: Rows, cells: Cells) -> npt.NDArray | None:
    if "type" not in rows.frame:
        return None
    words = _words(rows, "type", cells)
    return np.array([cells.types.get(word, word) for word in words], object) if cells.types else words


def _states(rows: Rows, cells: Cells) -> npt.NDArray[np.uint8] | None:
    """State of each cell; from a threshold on the marker, or from words."""
    if cells.senescent_above is not None:
        return (_numbers(rows, "marker", cells) > cells.senescent_above).astype(np.uint8)
    if "state" not in rows.frame:
        return None
    words = [TRUTH.get(word, word) for word in (each.lower() for each in _words(rows, "state", cells))]
    codes = {word: code for code, word in enumerate(STATES)}
    for place, word in enumerate(words):
        if word not in codes:
            rule = f"must be one of {', '.join(STATES)} (or true, false)"
            got = f"{word!r} in {rows.name(place)}{did_you_mean(word, STATES)}"
            raise ScenarioError(f"{cells.file}: state: {rule}, got {got}")
    return np.array([codes[word] for word in words], np.uint8)


def _onsets(rows: Rows, cells: Cells, states: npt.NDArray[np.uint8] | None) -> Floats | None:
    """Time since senescent cells turned; what stands at others is not read."""
    return _of_senescent(rows, "since_onset", "0 d or more", cells, states, lambda days: days >= 0.0)


def _generations(rows: Rows, cells: Cells, states: npt.NDArray[np.uint8] | None) -> npt.NDArray[np.uint8] | None:
    """How many cells stand between a senescent cell and one that turned by itself; nothing said is 0."""
    rule = f"a whole number from 0 to {LAST_GENERATION}"
    told = _of_senescent(
        rows, "generation", rule, cells, states, lambda n: (n % 1 == 0) & (n >= 0) & (n <= LAST_GENERATION)
    )
    return None if told is None else np.nan_to_num(told, nan=0.0).astype(np.uint8)


def _of_senescent(
    rows: Rows,
    name: str,
    rule: str,
    cells: Cells,
    states: npt.NDArray[np.uint8] | None,
    holds: Callable[[Floats], npt.NDArray[np.bool_]],
) -> Floats | None:
    """A column of numbers that belongs to senescent cells; NaN at others, and where it says nothing."""
    import pandas as pd

    if name not in rows.frame or states is None:
        return None
    told = np.array(pd.to_numeric(rows.frame[name], errors="coerce"), np.float64)
    blank = rows.frame[name].isna().to_numpy(bool)
    odd = (states == SENESCENT) & ~blank & ~holds(np.where(np.isfinite(told), told, -1.0))
    if odd.any():
        place = int(np.flatnonzero(odd)[0])
        got = f"{rows.frame[name].iloc[place]} in {rows.name(place)}"
        raise ScenarioError(f"{cells.file}: {name}: must be {rule} at a senescent cell, got {got}")
    return np.where(states == SENESCENT, told, np.nan)


# ---------------------------------------------------------------------------------------------------- the box around


def fitted_box(cloud: Cloud, table: CellTable) -> tuple[Floats, Floats]:
    """Origin and side lengths x, y (, z) of the tissue [um].

    As told; else that of the image, or the box around the cells and half a spacing more on every side. Sides that were
    not told are lengthened until field voxels divide them.

    Raises
    ------
    ScenarioError
        If a cell lies outside; names its row.
    """
    assert cloud.cells is not None
    low, high = table.positions.min(axis=0), table.positions.max(axis=0)
    told, dimension = cloud.cells.origin, table.positions.shape[1]
    if told is not None and len(told) != dimension:
        raise ScenarioError(f"{cloud.cells.file}: origin: must have {dimension} coordinates, got {told}")
    if cloud.extent is not None:
        origin, lengths = np.zeros(dimension) if told is None else np.array(told), np.array(cloud.extent)
    else:
        voxel = cloud.voxel_spacing
        edge = (voxel if math.isnan(table.spacing) else table.spacing) / 2.0
        begin, end = (low - edge, high + edge) if table.size is None else (0.0 * low, table.size[:dimension])
        begin = begin if told is None else np.array(told)
        lengths = np.maximum(np.ceil((end - begin) / voxel - 1e-9), 1.0) * voxel
        middle = table.size is None and told is None
        origin = (low + high - lengths) / 2.0 if middle else np.asarray(begin, np.float64)
    outside = ((table.positions < origin) | (table.positions > origin + lengths)).any(axis=1)
    if outside.any():
        place = int(np.flatnonzero(outside)[0])
        where = ", ".join(f"{x:g}" for x in table.positions[place])
        ends = " x ".join(f"{a:g} to {a + b:g}" for a, b in zip(origin, lengths, strict=True))
        rule = f"{cloud.cells.file}: cells: must lie inside the tissue of {ends} um"
        raise ScenarioError(f"{rule}, got {table.rows.name(place)} at ({where})")
    return origin, lengths


def odd_places(table: CellTable) -> Iterator[str]:
    """What is legal but odd in where the cells are."""
    low, high = PLAUSIBLE
    if not math.isnan(table.spacing) and not low <= table.spacing <= high:
        yield (f"cells are {table.spacing:.3g} um from the nearest one on average, outside {low:g} to {high:g} um: "
               "is `scale` right?")  # fmt: skip
    twice = _nearly_one(table)
    if twice:
        yield twice


def _nearly_one(table: CellTable) -> str | None:
    """A note where two cells are much closer than cells are."""
    from scipy.spatial import cKDTree

    if len(table.positions) < 2:
        return None
    pairs = cKDTree(table.positions).query_pairs(NEAR * table.spacing, output_type="ndarray")
    if not len(pairs):
        return None
    names = " and ".join(table.rows.name(place) for place in sorted(pairs[0].tolist()))
    return (f"{len(pairs)} pairs of cells stand closer than {NEAR:g} of the mean distance {table.spacing:.3g} um, "
            f"first {names}: one cell found twice?")  # fmt: skip
