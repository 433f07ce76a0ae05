"""Nested mappings: merging them, addressing them by dotted path, and parting values from their sources."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from sim.errors import ScenarioError

Tree = dict[str, Any]


REMOVED = "removed"  # what `at_path` finds where a None stands in the way


def merge(base: Mapping[str, Any], patch: Mapping[str, Any], *, keep_removed: bool = False) -> Tree:
    """`base` with `patch` on top: mappings deep, lists replaced whole, None removes. Neither is changed.

    With `keep_removed` the None stays as a mark, for a base that comes later (a preset).
    """
    out = copy.deepcopy(dict(base))
    for key, value in patch.items():
        if value is None and not keep_removed:
            out.pop(key, None)
        elif isinstance(value, Mapping):
            below = out.get(key)
            out[key] = merge(below if isinstance(below, Mapping) else {}, value, keep_removed=keep_removed)
        else:
            out[key] = copy.deepcopy(value)
    return out


def at_path(tree: Any, dotted: str, *, nearest: bool = False) -> Any:
    """The value at a dotted path, or None; with `nearest` also a scalar or None-mark that stands in the way."""
    node = tree
    for part in dotted.split("."):
        if not isinstance(node, Mapping):
            return node if nearest else None
        if part not in node:
            return None
        node = node[part]
        if node is None:
            return REMOVED if nearest else None
    return node


def set_path(tree: Tree, dotted: str, value: Any) -> None:
    """Replace the value at a dotted path, in place; None is kept as the mark of a removal."""
    node = tree
    *parents, last = dotted.split(".")
    for part in parents:
        below = node.get(part)
        if below is None:
            below = node[part] = {}
        if not isinstance(below, dict):
            raise ScenarioError(f"{dotted}: must address a key of a mapping, got {part}: {below!r}")
        node = below
    node[last] = value


def strip_sources(tree: Tree, prefix: str = "") -> tuple[Tree, dict[str, tuple[str, str]]]:
    """Leaves written ``{value: ..., source: ..., confidence: ...}`` become plain values; their sources come by path."""
    plain: Tree = {}
    sources: dict[str, tuple[str, str]] = {}
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and "value" in value and set(value) <= {"value", "source", "confidence"}:
            plain[key] = value["value"]
            sources[path] = (str(value.get("source", "")), str(value.get("confidence", "assumed")))
        elif isinstance(value, dict):
            plain[key], below = strip_sources(value, f"{path}.")
            sources.update(below)
        else:
            plain[key] = value
    return plain, sources
