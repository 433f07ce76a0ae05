"""A commented scenario to start from: a bundled one, with what the schema knows of each of its lines above the line."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import sim.scenario.library as bundled
from sim.errors import ScenarioError, did_you_mean
from sim.scenario.checks import NAME_RULE, is_name
from sim.scenario.json_schema import words_of
from sim.scenario.ledger import fields, sections
from sim.scenario.library import library
from sim.scenario.presets import mapping

EXAMPLE = Path(bundled.__file__).parent / "new.yaml"
PRESET, CELL_TYPE = "mouse_dermis", "fibroblast"  # of the example
WIDTH = 100  # columns of a comment
HEAD = """\
# yaml-language-server: $schema={schema}
# {name}: a scenario to start from.
# Above a line stands what it means, what it accepts, what holds without it, and where that is from.
# A number may carry its unit, and its source: {{value: 3 d, source: "who, where", confidence: measured}}.
# Arms are changes of what stands above them; null removes. Change one thing at a time, and let
# `senodrift explain` tell it in words.
"""


def new_scenario(name: str, preset: str = PRESET, schema: str = "scenario.schema.json") -> str:
    """The text of a scenario file.

    Parameters
    ----------
    name
        What it is called.
    preset
        The bundled tissue that it has.
    schema
        Where an editor finds the JSON Schema, as seen from the file.

    Raises
    ------
    ScenarioError
        If there is no such tissue, or the name is none.
    """
    if not is_name(name):
        raise ScenarioError(f"new: NAME: must be {NAME_RULE}, got {name!r}")
    tissues = library("tissues")
    if preset not in tissues:
        near = did_you_mean(preset, tissues)
        raise ScenarioError(f"new: --tissue: must be one of {', '.join(tissues)}, got {preset!r}{near}")
    kind = next(iter(mapping(tissues[preset].get("cell_types"))), "cell")
    lines = EXAMPLE.read_text(encoding="utf-8").replace(f"preset: {PRESET}", f"preset: {preset}")
    body = _commented(lines.replace(f"{CELL_TYPE}:", f"{kind}:").splitlines())
    return HEAD.format(name=name, schema=schema) + "\n".join(body) + "\n"


def _commented(lines: Sequence[str]) -> Iterator[str]:
    """Each line, and above it what the schema says of its field; of a field that comes again only the first time."""
    known, said = dict(fields()), set[str]()
    levels = {path for path, _ in sections()}
    path: list[str] = []
    for line in lines:
        depth = (len(line) - len(line.lstrip())) // 2
        path[depth:] = [line.split(":")[0].strip()]
        place = schema_path(path, levels | set(known))
        if place in known and place not in said:
            said.add(place)
            indent = "  " * depth + "# "
            yield from textwrap.wrap(words_of(known[place]), WIDTH, initial_indent=indent, subsequent_indent=indent)
        yield line


def schema_path(path: Sequence[str], known: set[str]) -> str:
    """The place in the schema of a dotted path, ``*`` for names; an arm holds what a scenario holds."""
    parts = path[2:] if path[0] == "arms" else path
    place = ""
    for part in parts:
        deeper = f"{place}.{part}".lstrip(".")
        place = deeper if any(f"{each}.".startswith((f"{deeper}.", f"{deeper}.*")) for each in known) else f"{place}.*"
    return place
