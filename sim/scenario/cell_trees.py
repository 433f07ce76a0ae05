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
        for key in ("keys", "origin", "extent"):  # of what was found: they repeat what stands in the tree
            mapping(cells.get("found")).pop(key, None)
    return tree


def read_anew(tree: Tree, override: str) -> None:
    """Another file of cells, or another table, is read whatever was found in the last one."""
    for name, _, cells in _clouds(tree):
        named = [f"tissues.{name}.cloud.cells.{key}" for key in ("file", "table")]
        if override.endswith(tuple(named)) and cells.get("found") is not None:
            cells["found"] = {**cells["found"], "keys": ""}


def read_files(tree: Tree) -> Iterator[str]:
    """Origin, extent and what was found into every cloud of cells that does not say it; yields notes.

    A tree that says what was found is taken at its word while its keys are those that it was read with: tables and maps
    of a finished run are read where its cells are not. A run compares the fingerprint before its first step.

    Raises
    ------
    ScenarioError
        ``tissues.skin.cloud.cells: FILE: column: rule, got value in row 7``.
    """
    for name, tissue, _ in _clouds(tree):
        cloud = _cloud_of(tissue)
        if cloud is None:
            continue
        key = f"tissues.{name}.cloud.cells"
        try:
            if _found_with_other_keys(cloud):
                _forget(tissue["cloud"], cloud)
                cloud = _cloud_of(tissue)
            if cloud is None or cloud.cells is None or cloud.cells.found is not None:
                continue
            notes = _read(tissue, cloud)
        except ScenarioError as error:
            raise ScenarioError(f"{key}: {error}") from None
        yield from (f"{key}: {note}" for note in notes)


def _cloud_of(tissue: Tree) -> Cloud | None:
    try:
        return Cloud.model_validate(tissue["cloud"])
    except ValidationError:
        return None  # told with all settings


def _found_with_other_keys(cloud: Cloud) -> bool:
    from sim.scenario.cell_table import fingerprint_of_keys  # a file costs NumPy

    assert cloud.cells is not None
    return cloud.cells.found is not None and cloud.cells.found.keys != fingerprint_of_keys(cloud)


def _forget(written: Tree, cloud: Cloud) -> None:
    """Leave out what was found with other keys, and of the box what was fitted and stands as it was."""
    assert cloud.cells is not None
    assert cloud.cells.found is not None
    file, found = Path(cloud.cells.file), cloud.cells.found
    if not file.is_file():
        rule = "must be of these keys (was one of them changed?), or the file must be there to be read anew"
        raise ScenarioError(f"{file}: found: {rule}, got neither")
    for tree, key, value, fitted in (
        (written, "extent", cloud.extent, found.extent),
        (written["cells"], "origin", cloud.cells.origin, found.origin),
    ):
        if value == fitted:
            tree.pop(key, None)
    del written["cells"]["found"]


def _read(tissue: Tree, cloud: Cloud) -> tuple[str, ...]:
    """What the file holds, into the tree; its notes."""
    from sim.scenario.cell_table import cell_table, fingerprint, fingerprint_of_keys, fitted_box, odd_places, what_is_in

    assert cloud.cells is not None
    table = cell_table(cloud.cells, len(cloud.extent) if cloud.extent else None)
    origin, extent = (each.tolist() for each in fitted_box(cloud, table))
    _check_types(table, cloud.cells.file, list(mapping(tissue.get("cell_types")) or {"cell": {}}))
    whole = cloud.model_copy(
        update={"extent": extent, "cells": cloud.cells.model_copy(update={"origin": origin, "found": None})}
    )
    tissue["cloud"]["extent"] = extent
    tissue["cloud"]["cells"] |= {
        "origin": origin,
        "found": {
            **what_is_in(table, fingerprint(cloud.cells)),
            "keys": fingerprint_of_keys(whole),
            "origin": origin if cloud.cells.origin is None else None,
            "extent": extent if cloud.extent is None else None,
        },
    }
    return (*table.rows.notes, *odd_places(table))


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
