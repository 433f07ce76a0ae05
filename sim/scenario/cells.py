"""The schema of cells that come from a file: which file, which columns, in which unit, and what was found in it."""

from __future__ import annotations

from pydantic import field_validator

from sim.errors import did_you_mean
from sim.scenario.section import Section, param

STATES = ("healthy", "senescent", "cleared", "scarred")  # words of the column `state`; the last two hold no cell
COLUMNS = ("x", "y", "z", "type", "state", "marker", "since_onset", "generation", "label")
LAST_GENERATION = 255  # one byte per cell
FARTHEST = 1e9  # um; beyond it a coordinate is a mistake, and rounding moves cells
TABLES, IMAGES, ANNDATA = (".csv", ".parquet"), (".tif", ".tiff", ".png"), ".h5ad"
SUFFIXES = (*TABLES, *IMAGES, ANNDATA)


class Found(Section):
    """What was in the file when the scenario was loaded: the program writes it into the resolved scenario."""

    sha256: str = param(..., "fingerprint of the file (and of its table): no run takes other content for it")
    n_cells: int = param(..., "sites", unit="1", low=1, high=10**7, source="the file", confidence="computed")
    burden: float | None = param(
        None,
        "percent of the cells that the file calls senescent (nothing: it does not tell)",
        unit="%",
        low=0,
        high=100,
        source="the file",
        confidence="computed",
    )
    types: list[str] = param([], "cell types that the file names (nothing: it names none)")
    keys: str = param(..., "fingerprint of the keys that it was read with: with others it is read anew")
    origin: list[float] | None = param(
        None,
        "cells.origin as it was fitted (nothing: it was told)",
        unit="um",
        low=-FARTHEST,
        high=FARTHEST,
        source="the file",
        confidence="computed",
    )
    extent: list[float] | None = param(
        None,
        "cloud.extent as it was fitted (nothing: it was told)",
        unit="um",
        above=0,
        high=1e7,
        source="the file",
        confidence="computed",
    )


class Cells(Section):
    """Cells of a real tissue: a table (CSV, Parquet), a label image (TIFF, PNG), or AnnData (.h5ad)."""

    file: str = param(..., f"file that ends in {', '.join(SUFFIXES)}; relative to the scenario file")
    table: str | None = param(None, "CSV or Parquet file with a row per label of an image, joined by the column label")
    columns: dict[str, str] = param({}, f"how the file calls its columns, by our words: {', '.join(COLUMNS)}")
    scale: float | None = param(
        None,
        "length of one unit of the coordinates (nothing: 1 um); side of a pixel of an image, where it must be told",
        unit="um",
        above=0,
        high=1e6,
    )
    scale_z: float | None = param(
        None, "the same along z: distance of the slices of a stack (nothing: scale)", unit="um", above=0, high=1e6
    )
    types: dict[str, str] = param({}, "cell type of the tissue by word of the column type, where the two differ")
    senescent_above: float | None = param(
        None,
        "cells are senescent above this intensity in the column marker (nothing: the column state tells, if any)",
        unit="1",
        low=-1e12,
        high=1e12,
        source="no source: a cut in somebody's stain",
        confidence="assumed",
    )
    obsm: str = param("spatial", "key of the coordinates in AnnData")
    min_distance: float = param(
        0.0, "two cells that are not further apart are a mistake of the file", unit="um", low=0, high=1e4
    )
    origin: list[float] | None = param(
        None,
        "corner of the tissue in the coordinates of the file, x, y (, z) (nothing: 0 with extent, else fitted)",
        unit="um",
        low=-FARTHEST,
        high=FARTHEST,
    )
    found: Found | None = param(None, "what was in the file; where it is told, the file is not read before the run")

    @field_validator("columns", mode="after")
    @classmethod
    def _known_columns(cls, value: dict[str, str]) -> dict[str, str]:
        for word in value:
            if word not in COLUMNS:
                raise ValueError(f"must map {', '.join(COLUMNS)}, got {word}{did_you_mean(word, COLUMNS)}")
        return value

    @field_validator("file", "table", mode="after")
    @classmethod
    def _known_suffix(cls, value: str | None) -> str | None:
        if value is not None and not value.lower().endswith(SUFFIXES):
            raise ValueError(f"must end in {', '.join(SUFFIXES)}, got {value!r}")
        return value
