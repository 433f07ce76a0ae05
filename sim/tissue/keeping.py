"""What a checkpoint keeps: rows as columns, and event codes that another scenario may number in another way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from sim.errors import ScenarioError
from sim.scenario import causes
from sim.scenario.schema import Settings

State = dict[str, Any]  # arrays by name, and again such mappings


class Part(Protocol):
    """A part of a run that goes on from step to step."""

    def state(self) -> State:
        """Copies of all that the next steps depend on."""

    def restore(self, state: State, codes: CodeMap) -> None:
        """Continue from `state`, bit for bit; event codes in it are those of ``codes.of``."""


class CodeMap:
    """Event codes of a checkpoint to those of the scenario that goes on from it, which may have more events and drugs.

    Parameters
    ----------
    names : sequence of str
        `sim.scenario.causes.code_keys` of the checkpoint.
    settings : Settings
        What goes on.
    """

    def __init__(self, names: Sequence[str], settings: Settings) -> None:
        here = {name: code for code, name in enumerate(causes.code_keys(settings))}
        self.names, self.size = names, len(here)
        self._codes = np.array([here.get(name, -1) for name in names], np.int64)

    def of(self, codes: np.ndarray) -> np.ndarray:
        """The same codes here; ScenarioError where one is unknown."""
        found = self._codes[codes]
        if found.size and found.min() < 0:
            name = self.names[int(codes.flat[int(found.argmin())])]
            raise ScenarioError(f"checkpoint: must go on in a scenario that has all it counts, got none with {name}")
        return found.astype(codes.dtype)

    def counts(self, counts: np.ndarray) -> np.ndarray:
        """Numbers by code, in the order of here."""
        there = np.flatnonzero(counts)
        here = np.zeros(self.size, counts.dtype)
        here[self.of(there)] = counts[there]
        return here


def as_columns(rows: Iterable[Sequence[Any]], fields: Mapping[str, type]) -> State:
    """A list of tuples as one array per field."""
    rows = list(rows)
    return {name: np.array([row[i] for row in rows], kind) for i, (name, kind) in enumerate(fields.items())}


def as_rows(columns: State, fields: Mapping[str, type]) -> list[tuple[Any, ...]]:
    """The tuples again, of plain Python values."""
    return list(zip(*(columns[name].tolist() for name in fields), strict=True))
