"""The name of a run: a content address of all that decides what its tables hold."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from sim.errors import ScenarioError
from sim.scenario.schema import Settings

SAID_ONLY = ("question", "qualitative", "replicates", "markers")  # what no table depends on
MAPS = ("maps", "days", "maps_every")  # of `record`: what is kept beside the tables


def run_address(settings: Settings, with_maps: bool = False) -> str:
    """16 hex digits, equal for arms that give the same tables (and maps): of any scenario, at any point of a design.

    The order of factors, drugs and events is part of it, since it is the order in which causes are drawn; so is what
    stands in a table of cell positions, but not where that file lies.

    Raises
    ------
    ScenarioError
        If a table of positions cannot be read.
    """
    tree = settings.model_dump(exclude=set(SAID_ONLY))
    for key in ("checkpoints", *(() if with_maps else MAPS)):
        del tree["record"][key]
    for tissue in tree["tissues"].values():
        cloud = tissue.get("cloud")
        if cloud and cloud["table"]:
            cloud["table"] = _content(cloud["table"])
    return digest(tree)


def digest(tree: Any) -> str:
    """16 hex digits of plain data."""
    text = json.dumps(tree, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _content(table: str) -> str:
    try:
        return hashlib.sha256(Path(table).read_bytes()).hexdigest()
    except OSError as error:
        raise ScenarioError(f"{table}: table: must be a file that can be read, got {error.strerror}") from error
