"""Label images as rows of cells: a plane or a stack of whole numbers, with a table that has a row per label."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from sim.errors import ScenarioError
from sim.extras import extra
from sim.scenario.cell_rows import Rows, by_our_words, optional_words
from sim.scenario.cells import Cells
from sim.scenario.table_files import read_table, taken

GREY = ("I;16", "I;16B", "I;16L", "I", "L")  # modes of Pillow that are one plane of whole numbers
WHAT_MODES_ARE = {"P": "a palette: its numbers stand for colours", "1": "a mask? label it first"}
PLANE_OR_STACK = set("YXZQI")  # axes of tifffile: along a picture, through a stack, and those that were not named
MEASURED = ("pixels", "area", "volume")  # what the image itself tells of a label, by the names of the columns


def of_image(path: Path, cells: Cells) -> Rows:
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
    notes = (f"{path.name} holds one label only (a mask? label it first)",) if len(frame) == 1 else ()
    rows = Rows(frame, "label", tuple(float(n) for n in image.shape[::-1]), notes)
    return rows if cells.table is None else _joined(rows, Path(cells.table), cells, path)


def _labels(path: Path) -> npt.NDArray[np.integer]:
    """The image, (ny, nx) or (nz, ny, nx), of whole numbers from 0."""
    rule = f"{path}: file: must be a label image of whole numbers from 0, one plane or a stack"
    if path.suffix.lower() == ".png":
        image = taken(path, "PNG image", lambda: _plane_of_png(path, rule))
    else:
        image = taken(path, "TIFF image", lambda: _series_of_tiff(path, rule))
    image = image[0] if image.ndim == 3 and len(image) == 1 else image
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[-1] in (3, 4)):
        raise ScenarioError(f"{rule}, got shape {image.shape} (a colour image?)")
    if not np.issubdtype(image.dtype, np.integer):
        raise ScenarioError(f"{rule}, got {image.dtype}")
    if image.size == 0 or image.min() < 0:
        raise ScenarioError(f"{rule}, got {'no pixel' if image.size == 0 else image.min()}")
    return image


def _plane_of_png(path: Path, rule: str) -> npt.NDArray:
    from PIL import Image

    with Image.open(path, formats=["PNG"]) as picture:
        if picture.mode not in GREY:
            hint = WHAT_MODES_ARE.get(picture.mode, "a colour image?")
            raise ScenarioError(f"{rule}, got a picture of mode {picture.mode} ({hint})")
        return np.asarray(picture)


def _series_of_tiff(path: Path, rule: str) -> npt.NDArray:
    """The first series; along T and C stand other pictures of the same cells, no slices."""
    tifffile = extra("tifffile", f"{path}: file")
    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        odd = [axis for axis, n in zip(series.axes, series.shape, strict=True) if n > 1 and axis not in PLANE_OR_STACK]
        if odd and odd != ["S"]:  # S: colours, told by the shape
            raise ScenarioError(f"{rule}, got axes {series.axes} (T is time, C channels: save one of them)")
        return np.asarray(series.asarray())


def _joined(rows: Rows, path: Path, cells: Cells, image: Path) -> Rows:
    """Rows of an image with the columns of its table; every label needs a row, and one only.

    Places and sizes are those of the image: columns of the table with their names are left out.
    """
    import pandas as pd

    frame = read_table(path)
    wanted = ("label", *(word for word in optional_words(cells, frame.columns) if word not in "xyz"))
    table = by_our_words(frame, cells, wanted, path, MEASURED)
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
    return rows._replace(frame=rows.frame.join(table), notes=(*rows.notes, *notes))
