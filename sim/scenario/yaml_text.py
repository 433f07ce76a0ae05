"""YAML as people write it: ``1e-3`` is a number, ``no`` is a word, ``012`` is no octal, a key stands once.

Anchors and merge keys (``<<: *base``) work: arms often share what they change.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import yaml

from sim.errors import ScenarioError


class _Loader(yaml.SafeLoader):
    """Safe loading with a float resolver and plain booleans, and without silent double keys."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """What a node says; a tag that does not fit (``!!int many``), or 5000 digits, are mistakes in YAML."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, TypeError, LookupError, AttributeError):
            kind = str(node.tag).rpartition(":")[2]
            raise yaml.MarkedYAMLError(problem=f"a value that is no {kind}", problem_mark=node.start_mark) from None

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        if not isinstance(node, yaml.MappingNode):  # by its tag only
            return super().construct_mapping(node, deep)
        own = [key for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        keys = [self.construct_object(key, deep=True) for key in own]
        for key in keys:
            if not isinstance(key, str):
                raise yaml.MarkedYAMLError(problem=f"key {key!r} must be text", problem_mark=node.start_mark)
            if keys.count(key) > 1:
                raise yaml.MarkedYAMLError(problem=f"key {key!r} stands twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Writes quotes around every text that the loader would not read as text, and every value where it stands."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


# What the parser says where a line stands too far left or right, or begins with a tab.
BY_INDENTATION = ("mapping values are not allowed", "expected <block end>", "that cannot start any token")
DEEPEST = 100  # levels; a scenario has about ten
MOST_REPEATED = 10**5  # sections that stand there by an anchor only
_OTHER_WORDS = ("bool", "int", "float", "timestamp")  # YAML 1.1 reads no, 012, 1:30 and 2020-01-01 as numbers
_RESOLVERS = {
    first: [(tag, pattern) for tag, pattern in rules if tag.rpartition(":")[2] not in _OTHER_WORDS]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _reader in (_Loader, _Dumper):
    _reader.yaml_implicit_resolvers = {first: list(rules) for first, rules in _RESOLVERS.items()}
    for _tag, _pattern, _first in (
        ("bool", r"^(?:true|false|True|False)$", "tTfF"),
        ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
        ("float", r"^[-+]?(?:(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+|\.(?:inf|nan))$", "-+0123456789."),
    ):
        _reader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; ScenarioError with one line where there is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ScenarioError(f"{path}: file: must exist, got no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: file: must be readable text, got {type(error).__name__}") from None
    try:
        tree = _loaded(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "text that cannot be read"
        if any(words in str(problem) for words in BY_INDENTATION):
            where += ": look at the indentation there, and in the line before"
        raise ScenarioError(f"{path}: file: must be YAML, got {' '.join(str(problem).split())}{where}") from None
    if not isinstance(tree, dict):
        raise ScenarioError(f"{path}: file: must be a mapping of keys to values, got {type(tree).__name__}")
    return tree


def parse_value(text: str) -> Any:
    """The value of ``--set key=value``, read as YAML; what is no YAML is the text itself."""
    try:
        return _loaded(text)
    except yaml.YAMLError:
        return text


def _loaded(text: str) -> Any:
    """What YAML says, unless it cannot be written out without anchors."""
    try:
        tree = yaml.load(text, Loader=_Loader)
        extents: dict[int, tuple[float, float]] = {}
        depth, size = _extent(tree, extents)
    except RecursionError:
        depth, size = math.inf, math.inf
    if depth > DEEPEST:
        raise yaml.MarkedYAMLError(problem=f"more than {DEEPEST} levels (an anchor that holds itself has no end)")
    if size > MOST_REPEATED + len(extents):
        raise yaml.MarkedYAMLError(problem=f"anchors that repeat more than {MOST_REPEATED} sections")
    return tree


def _extent(node: Any, known: dict[int, tuple[float, float]]) -> tuple[float, float]:
    """Levels, and sections (mappings and lists), of a node and below it, every alias counted; by ``id`` in `known`."""
    if not isinstance(node, dict | list):
        return 0, 0
    if id(node) not in known:
        known[id(node)] = math.inf, math.inf  # what it is for a node that holds itself
        below = [_extent(each, known) for each in (node.values() if isinstance(node, dict) else node)]
        deepest = max((depth for depth, _ in below), default=0)
        known[id(node)] = 1 + deepest, 1 + sum(size for _, size in below)
    return known[id(node)]


def dump_yaml(tree: dict[str, Any]) -> str:
    """`tree` as YAML that `read_yaml` reads back equal."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
