"""Files of cells as rows: tables, label images, AnnData, and which columns they have; their values are not checked."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.errors import ResourceError, ScenarioError, did_you_mean
from sim.extras import extra
from sim.scenario.cells import ANNDATA, COLUMNS, IMAGES, TABLES, Cells

if TYPE_CHECKING:
    import pandas as pd

PLANES = ("I;16", "I;16B", "I;16L", "I", "L")  # modes of Pillow that are one plane of whole numbers


class Rows(NamedTuple):
    """What a file says of its cells, by our words; coordinates in the unit of the file.

    Attributes
    ----------
    frame : DataFrame
        A row per cell; `x y (z)`, and of `type state marker since_onset` what there is, then all other columns.
    word : str
        What the index counts: row, label or cell.
    size : (2 or 3,) or None
        Lengths x, y (, z) of an image [pixels].
    notes : tuple of str
        What is legal but odd.
    """

    frame: pd.DataFrame
    word: str
    size: tuple[float, ...] | None = None
    notes: tuple[str, ...] = ()

    def name(self, place: int) -> str:
        """``row 7``: what a user calls a row, by its place from 0."""
        return f"{self.word} {self.frame.index[place]}"


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
        return _of_image(path, cells)
    return _of_anndata(path, cells) if suffix == ANNDATA else _of_table(path, cells)


def file_is_there(path: Path) -> None:
    """ScenarioError where there is no such file."""
    if not path.is_file():
        raise ScenarioError(f"{path}: file: must be a file that can be read, got none of this name")


def _taken(path: Path, what: str, reader: Callable[[], Any]) -> Any:
    """What a library reads, and one line where it cannot."""
    file_is_there(path)
    try:
        return reader()
    except ResourceError:
        raise
    except Exception as error:  # any damage, by whatever library reads it
        raise ScenarioError(
            f"{path}: file: must be a whole {what}, got one that cannot be read ({type(error).__name__})"
        ) from error


def read_table(path: Path) -> pd.DataFrame:
    """A CSV or Parquet file with at least one row; rows count from 1.

    Raises
    ------
    ScenarioError
        If it is missing, damaged, empty, or ends in anything else.
    """
    import pandas as pd

    if path.suffix.lower() not in TABLES:
        raise ScenarioError(f"{path}: table: must end in {' or '.join(TABLES)}, got {path.suffix or 'no suffix'}")
    if path.suffix.lower() == ".csv":
        frame = _taken(path, "CSV table", lambda: _csv(path))
    else:
        frame = _taken(path, "Parquet table", lambda: pd.read_parquet(path).reset_index(drop=True))
    if not len(frame):
        raise ScenarioError(f"{path}: file: must hold at least one cell, got an empty table")
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return frame


def _csv(path: Path) -> pd.DataFrame:
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # more fields in a row than columns
        return pd.read_csv(path, low_memory=False, index_col=False)


def _of_table(path: Path, cells: Cells) -> Rows:
    frame = read_table(path)
    wanted = ("x", "y", *_optional(cells, frame.columns))
    return Rows(_renamed(frame, cells, wanted, path), "row")


def _optional(cells: Cells, there: Iterable[str]) -> tuple[str, ...]:
    """Our words, beside x and y, for which the file has a column or must have one.

    With a threshold the marker tells who is senescent: a column that happens to be called `state` is then not read.
    """
    by_marker = cells.senescent_above is not None
    asked = {*cells.columns, *(("marker",) if by_marker else ())}
    if by_marker and "state" in cells.columns:
        key = "senescent_above"
        raise ScenarioError(
            f"{cells.file}: {key}: must be left out where columns.state tells, got {cells.senescent_above:g}"
        )
    passed_over = ("x", "y", "label", "state" if by_marker else "marker")
    there = set(there)
    return tuple(word for word in COLUMNS if word in asked or (word in there and word not in passed_over))


def _renamed(frame: pd.DataFrame, cells: Cells, wanted: tuple[str, ...], path: Path) -> pd.DataFrame:
    """Columns under our names; those of other meaning that have one of our names are left out."""
    names = {word: cells.columns.get(word, word) for word in dict.fromkeys(wanted)}
    known = [str(name) for name in frame.columns]
    for word, name in names.items():
        if name not in known:
            near = did_you_mean(name, known) or f", known: {', '.join(known)}"
            raise ScenarioError(f"{path}: {word}: must be a column of the file, got none called {name!r}{near}")
    others = [name for name in frame.columns if name not in (*COLUMNS, *names.values())]
    return frame[list(names.values())].set_axis(list(names), axis=1).join(frame[others])


# ------------------------------------------------------------------------------------------------------------ images


def _of_image(path: Path, cells: Cells) -> Rows:
    """Centroids of the labels of an image in pixels, from its corner, and the number of pixels of each."""
    import pandas as pd

    if cells.scale is None:
        raise ScenarioError(f"{path}: scale: must be told for a label image, the side of a pixel [um], got nothing")
    image = _labels(path)
    labels, index = np.unique(image, return_inverse=True)
    counts = np.bincount(index.ravel())
    pixels = {}
    for axis, name in enumerate("xyz"[: image.ndim]):
        along = np.arange(image.shape[-1 - axis]) + 0.5
        weights = np.broadcast_to(np.expand_dims(along, tuple(range(1, axis + 1))), image.shape)
        pixels[name] = np.bincount(index.ravel(), weights.ravel()) / counts
    frame = pd.DataFrame({**pixels, "pixels": counts}, index=labels)[labels > 0]
    if frame.empty:
        raise ScenarioError(f"{path}: file: must hold at least one label above 0, got an image of background")
    rows = Rows(frame, "label", tuple(float(n) for n in image.shape[::-1]))
    return rows if cells.table is None else _joined(rows, Path(cells.table), cells, path)


def _labels(path: Path) -> npt.NDArray[np.integer]:
    """The image, (ny, nx) or (nz, ny, nx), of whole numbers from 0."""
    if path.suffix.lower() == ".png":
        image = _taken(path, "PNG image", lambda: _plane_of_png(path))
    else:
        tifffile = extra("tifffile", f"{path}: file")
        image = _taken(path, "TIFF image", lambda: np.asarray(tifffile.imread(path)))
    image = image[0] if image.ndim == 3 and len(image) == 1 else image
    rule = f"{path}: file: must be a label image of whole numbers from 0, one plane or a stack"
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[-1] in (3, 4)):
        raise ScenarioError(f"{rule}, got shape {image.shape} (a colour image?)")
    if not np.issubdtype(image.dtype, np.integer):
        raise ScenarioError(f"{rule}, got {image.dtype}")
    if image.size == 0 or image.min() < 0:
        raise ScenarioError(f"{rule}, got {'no pixel' if image.size == 0 else image.min()}")
    return image


def _plane_of_png(path: Path) -> npt.NDArray:
    from PIL import Image

    with Image.open(path, formats=["PNG"]) as picture:
        pixels = np.asarray(picture)
        return pixels if picture.mode in PLANES else np.atleast_3d(pixels).repeat(3, axis=-1)[..., :3]


def _joined(rows: Rows, path: Path, cells: Cells, image: Path) -> Rows:
    """Rows of an image with the columns of its table; every label needs a row, and one only."""
    import pandas as pd

    frame = read_table(path)
    table = _renamed(frame, cells, ("label", *(w for w in _optional(cells, frame.columns) if w not in "xyz")), path)
    labels = pd.to_numeric(table["label"], errors="coerce")
    if labels.isna().any():
        place = int(np.flatnonzero(labels.isna())[0])
        raise ScenarioError(f"{path}: label: must be a number, got {table['label'].iloc[place]!r} in row {place + 1}")
    again = labels.duplicated(keep=False)
    if again.any():
        one, other = np.flatnonzero(again & (labels == labels[again].iloc[0]))[:2] + 1
        raise ScenarioError(f"{path}: label: must stand once, got {labels[one]:g} in rows {one} and {other}")
    table = table.drop(columns="label").set_axis(labels, axis=0)
    lost = rows.frame.index.difference(table.index)
    if len(lost):
        raise ScenarioError(f"{path}: label: must hold every label of {image.name}, got none for {lost[0]}")
    more = len(table) - len(rows.frame)
    notes = (f"{path.name} has {more} labels that are not in {image.name}",) if more else ()
    return rows._replace(frame=rows.frame.join(table), notes=notes)


# ----------------------------------------------------------------------------------------------------------- AnnData


def _of_anndata(path: Path, cells: Cells) -> Rows:
    """Coordinates from `obsm`, columns from `obs`; the marker may be a variable (a gene) of X."""
    import pandas as pd

    anndata = extra("anndata", f"{path}: file")
    data = _taken(path, "AnnData file", lambda: anndata.read_h5ad(path))
    if cells.obsm not in data.obsm:
        known = [*data.obsm]
        near = did_you_mean(cells.obsm, known) or f", known: {', '.join(known) or 'none'}"
        raise ScenarioError(f"{path}: obsm: must be a key of obsm, got {cells.obsm!r}{near}")
    if data.n_obs == 0:
        raise ScenarioError(f"{path}: file: must hold at least one cell, got none")
    places = np.asarray(data.obsm[cells.obsm])
    if places.ndim != 2 or places.shape[1] not in (2, 3):
        raise ScenarioError(f"{path}: obsm: must have 2 or 3 columns, got shape {places.shape}")
    frame = pd.DataFrame(dict(zip("xyz", places.T, strict=False)), index=data.obs_names)
    about = data.obs.drop(columns=[axis for axis in "xyz" if axis in data.obs])
    marker = cells.columns.get("marker")
    if marker is not None and marker not in about and marker in data.var_names:
        about = about.assign(**{marker: np.asarray(data.obs_vector(marker))})
    wanted = tuple(word for word in _optional(cells, about.columns) if word not in "xyz")
    return Rows(frame.join(_renamed(about, cells, wanted, path)), "cell")
