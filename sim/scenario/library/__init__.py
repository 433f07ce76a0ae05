"""What is bundled: tissues (and later drugs) as YAML, each value with its source and confidence."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sim.errors import ScenarioError, did_you_mean
from sim.scenario.trees import Tree
from sim.scenario.yaml_text import read_yaml


@cache
def tissues() -> dict[str, Tree]:
    """Bundled tissues by name."""
    return read_yaml(Path(__file__).parent / "tissues.yaml")


def tissue_preset(name: object) -> Tree:
    """The values of a bundled tissue, with their sources."""
    if name not in tissues():
        raise ScenarioError(f"must be one of {', '.join(tissues())}, got {name!r}{did_you_mean(str(name), tissues())}")
    return tissues()[str(name)]
