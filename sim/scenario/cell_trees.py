"""What the files of cells hold, written into the tree of a scenario, so that the resolved scenario is complete."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from sim.errors import ScenarioError, did_you_mean
from sim.scenario.presets import mapping
from sim.scenario.tissue import Cloud
from sim.scenario.trees import Tree

if TYPE_CHECKING:
    from sim.scenario.cell_table import CellTable


def absolute_files(tree: Tree, folder: Path | None) -> None:
    """A file of cells named beside the scenario file is found from anywhere."""
    for _, _, cells in _clouds(tree):
        for key in ("file", "table"):
            if folder is not None and isinstance(cells.get(key), str):
                cells[key] = str((folder / cells[key]).resolve())


def without_files(tree: Tree) -> Tree:
    """A copy that does not say where files of cells lie: their fingerprints tell what is in them."""
    tree = copy.deepcopy(tree)
    for _, _, cells in _clouds(tree):
        for key in ("file", "table"):
            cells.pop(key, None)
    return tree


def read_files(tree: Tree) -> Iterator[str]:
    """Origin, extent and what was found into every cloud of cells that does not say it; yields notes.

    A tree that says what was found is taken at its word: tables and maps of a finished run are read where its cells are
    not. A run compares the fingerprint before its first step.

    Raises
    ------
    ScenarioError
        ``tissues.skin.cloud.cells: FILE: column: rule, got value in row 7``.
    """
    for name, tissue, cells in _clouds(tree):
        if cells.get("found") is not None:
            continue
        try:
            cloud = Cloud.model_validate(tissue["cloud"])
        except ValidationError:
            continue  # told with all settings
        assert cloud.cells is not None
        from sim.scenario.cell_table import cell_table, fitted_box, odd_places, what_is_in  # a file costs NumPy

        key = f"tissues.{name}.cloud.cells"
        try:
            table = cell_table(cloud.cells, len(cloud.extent) if cloud.extent else None)
            origin, lengths = fitted_box(cloud, table)
            _check_types(table, cloud.cells.file, list(mapping(tissue.get("cell_types")) or {"cell": {}}))
        except ScenarioError as error:
            raise ScenarioError(f"{key}: {error}") from None
        tissue["cloud"]["extent"] = lengths.tolist()
        cells |= {"origin": origin.tolist(), "found": what_is_in(cloud.cells, table).model_dump()}
        yield from (f"{key}: {note}" for note in (*table.rows.notes, *odd_places(table)))


def _clouds(tree: Tree) -> Iterator[tuple[str, Tree, Tree]]:
    """Name, tissue and cells of every cloud that names a file, of the common part and of the arms."""
    for part in (tree, *mapping(tree.get("arms")).values()):
        for name, tissue in mapping(mapping(part).get("tissues")).items():
            cells = mapping(mapping(mapping(tissue).get("cloud")).get("cells"))
            if "file" in cells:
                yield name, tissue, cells


def _check_types(table: CellTable, file: str, known: list[str]) -> None:
    for place, word in enumerate(() if table.types is None else table.types):
        if word not in known:
            rule = f"must be one of {', '.join(known)} (or be mapped by types)"
            got = f"{word!r} in {table.rows.name(place)}{did_you_mean(word, known)}"
            raise ScenarioError(f"{file}: type: {rule}, got {got}")
