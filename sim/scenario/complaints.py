"""The first complaint of the validator as one line: key, rule, value, nearest valid name."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from sim.errors import did_you_mean
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree, at_path


def complaint(error: ValidationError, tree: Tree, arm: str, patch: Tree) -> str:
    """``tissues.skin.cell_spcing: unknown key (did you mean cell_spacing?)``."""
    first = error.errors(include_url=False)[0]
    parts, node = [], tree
    for part in first["loc"]:
        if isinstance(node, dict) and (part in node or first["type"] == "missing"):
            node = node.get(part)
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            node = node[part]
        else:
            continue  # the tag of a union, which no user wrote
        parts.append(str(part))
    key = ".".join(parts)
    where = f"arms.{arm}.{key}" if key and at_path(patch, key, nearest=True) is not None else key
    return f"{where or 'scenario'}: {_rule(first, parts)}"


def _rule(first: Any, parts: list[str]) -> str:
    kind, message = first["type"], first["msg"]
    if kind == "extra_forbidden":
        section = _section_at(parts[:-1])
        known = section.model_fields if section else {}
        return "unknown key" + (did_you_mean(parts[-1], known) or ", known: " + ", ".join(known))
    if kind == "missing":
        return "is required, got nothing"
    shown = repr(first["input"])
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    if kind == "literal_error":
        expected = str(first["ctx"]["expected"]).replace("'", "")
        return f"must be {expected}, got {shown}{did_you_mean(str(first['input']), expected.replace(' or ', ', ').split(', '))}"
    if kind == "value_error":
        text = message.removeprefix("Value error, ")
        return text if ", got " in text else f"{text}, got {shown}"
    if kind == "model_type":
        return f"must be a mapping of keys to values, got {shown}"
    return f"{message[0].lower()}{message[1:]}, got {shown}"


def _section_at(parts: list[str]) -> type[BaseModel] | None:
    """The section of the schema that stands at a path."""
    section: type[BaseModel] | None = Settings
    for part in parts:
        if section is not None and part in section.model_fields:
            section = _section_in(section.model_fields[part].annotation)
        # otherwise the part is a name that the user gave in a mapping of sections
    return section


def _section_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in get_args(annotation):
        found = _section_in(inner)
        if found is not None:
            return found
    return None
