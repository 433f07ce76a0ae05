"""Rows of cells by our words: which columns of a file are meant, and what a user calls a row."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sim.errors import ScenarioError, did_you_mean
from sim.scenario.cells import COLUMNS, Cells

if TYPE_CHECKING:
    import pandas as pd


class Rows(NamedTuple):
    """What a file says of its cells, by our words; coordinates in the unit of the file.

    Attributes
    ----------
    frame : DataFrame
        A row per cell; `x y (z)`, and of `type state marker since_onset generation` what there is, then all others.
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


def optional_words(cells: Cells, there: Iterable[str]) -> tuple[str, ...]:
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


def by_our_words(
    frame: pd.DataFrame, cells: Cells, wanted: tuple[str, ...], path: Path, taken: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Columns under our names; others that have one of our names, or one that is `taken`, are left out."""
    names = {word: cells.columns.get(word, word) for word in dict.fromkeys(wanted)}
    known = [str(name) for name in frame.columns]
    for word, name in names.items():
        if name not in known:
            near = did_you_mean(name, known) or f", known: {', '.join(known)}"
            raise ScenarioError(f"{path}: {word}: must be a column of the file, got none called {name!r}{near}")
        if known.count(name) > 1:
            raise ScenarioError(
                f"{path}: {word}: must be one column of the file, got {known.count(name)} called {name!r}"
            )
    others = frame[[name for name in frame.columns if name not in (*COLUMNS, *names.values(), *taken)]]
    ours = frame[list(names.values())].set_axis(list(names), axis=1)
    return ours.assign(**{str(name): column for name, column in others.items()})
