"""The name of a run: a content address of all that decides what its tables hold."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sim.scenario.cell_trees import without_files
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree

SAID_ONLY = ("question", "qualitative", "replicates", "markers")  # what no table depends on
MAPS = ("maps", "days", "maps_every")  # of `record`: what is kept beside the tables


def run_address(settings: Settings, with_maps: bool = False) -> str:
    """16 hex digits, equal for arms that give the same tables (and maps): of any scenario, at any point of a design.

    The order of factors, drugs and events is part of it, since it is the order in which causes are drawn; so is what
    stands in a file of cells (its fingerprint), but not where that file lies.
    """
    tree = settings.model_dump(exclude=set(SAID_ONLY))
    for key in ("checkpoints", *(() if with_maps else MAPS)):
        del tree["record"][key]
    return digest(without_files(tree))


def fingerprint(tree: Tree) -> str:
    """12 hex digits, equal for equal resolved scenarios, wherever their files of cells lie."""
    text = json.dumps(without_files(tree), sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def digest(tree: Any) -> str:
    """16 hex digits of plain data."""
    text = json.dumps(tree, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
