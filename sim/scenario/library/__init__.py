"""What is bundled: tissues, drugs and markers as YAML, each value with its source and confidence."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from sim.errors import ScenarioError, did_you_mean
from sim.scenario.trees import Tree, strip_sources
from sim.scenario.yaml_text import read_yaml

BUNDLED = ("tissues", "drugs", "markers")
BY_NAME = ("drugs", "markers")  # an entry with the name of a bundled one starts from it


@cache
def library(group: str) -> dict[str, Tree]:
    """What is bundled of a group (one of `BUNDLED`), by name."""
    return read_yaml(Path(__file__).parent / f"{group}.yaml")


def preset(group: str, name: object) -> Tree:
    """The values of a bundled tissue, drug or marker, with their sources."""
    known = library(group)
    if not isinstance(name, str) or name not in known:
        raise ScenarioError(f"must be one of {', '.join(known)}, got {name!r}{did_you_mean(str(name), known)}")
    return known[name]


@cache
def spoken_of(key: str) -> frozenset[str]:
    """Names in the mappings and lists `key` of all library drugs and markers, e.g. ``factors`` or ``by_type``.

    A scenario need not have what these are the names of: what a drug does there, it does not do here.
    """
    return frozenset(name for group in BY_NAME for name in _names(strip_sources(library(group))[0], key))


def _names(tree: Tree, key: str) -> Iterator[str]:
    for name, value in tree.items():
        if name == key:
            yield from value
        elif isinstance(value, dict):
            yield from _names(value, key)
