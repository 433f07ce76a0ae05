"""CSV and Parquet files as they are; one line for whatever is wrong with one."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import ResourceError, ScenarioError
from sim.scenario.cells import TABLES

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def file_is_there(path: Path) -> None:
    """ScenarioError where there is no such file."""
    if not path.is_file():
        raise ScenarioError(f"{path}: file: must be a file that can be read, got none of this name")


def taken(path: Path, what: str, reader: Callable[[], Any]) -> Any:
    """What a library reads, and one line where it cannot."""
    file_is_there(path)
    try:
        return reader()
    except (ResourceError, ScenarioError):
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
        frame = taken(path, "CSV table", lambda: _csv(path))
    else:
        frame = taken(path, "Parquet table", lambda: pd.read_parquet(path).reset_index(drop=True))
    if not len(frame):
        raise ScenarioError(f"{path}: file: must hold at least one cell, got an empty table")
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return frame


def _csv(path: Path) -> pd.DataFrame:
    import pandas as pd

    _check_encoding(path)
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = (row for row in csv.reader(lines) if len(row) > 1 or any(map(str.strip, row)))  # no blank lines
        header = next(rows, None)
        if header is None:
            raise ScenarioError(f"{path}: file: must hold at least one cell, got an empty file")
        _check_header(path, header)
        for number, row in enumerate(rows, start=1):
            if len(row) != len(header):
                rule = f"must have {len(header)} fields in every row, as in its header"
                raise ScenarioError(f"{path}: file: {rule}, got {len(row)} in row {number}")
    return pd.read_csv(path, low_memory=False, index_col=False, encoding="utf-8-sig")


def _check_header(path: Path, header: list[str]) -> None:
    if len(header) == 1:
        for separator, name in SEPARATORS.items():
            if separator in header[0]:
                raise ScenarioError(f"{path}: file: must have commas between its fields, got {name} ({header[0]!r})")
    for name in header:
        if name and header.count(name) > 1:
            raise ScenarioError(
                f"{path}: {name}: must be one column of the file, got {header.count(name)} of this name"
            )


def _check_encoding(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise ScenarioError(f"{path}: file: must be text in UTF-8, got UTF-16")
        file.seek(0)
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                got = f"byte 0x{line[error.start]:02x} in line {number} (Latin-1 or Windows-1252? save it as UTF-8)"
                raise ScenarioError(f"{path}: file: must be text in UTF-8, got {got}") from None
