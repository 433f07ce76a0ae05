"""The first complaint of the validator as one line: key, rule, value, nearest valid name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from sim.errors import did_you_mean
from sim.scenario.drug import KINDS
from sim.scenario.library import preset
from sim.scenario.schema import Settings
from sim.scenario.section import Section, section_in
from sim.scenario.trees import Tree, at_path

SYNONYMS = {  # what others call it
    "dose": "amount", "every": "interval", "frequency": "interval", "end": "until", "stop": "until",
    "duration": "infusion_duration", "ic50": "ec50", "max": "emax", "hill": "power", "target": "factors",
}  # fmt: skip


def complaint(error: ValidationError, tree: Tree, arm: str, patch: Tree, presets: Mapping[str, str]) -> str:
    """``tissues.skin.cell_spcing: unknown key (did you mean cell_spacing?)``."""
    first, parts = _most_telling([(each, _written_path(each, tree)) for each in error.errors(include_url=False)])
    key = ".".join(parts)
    place = in_arm(key, arm, patch, missing=first["type"] == "missing")
    near = _near_kind(first, parts)
    if near:
        return f"{place.removesuffix('.kind')}: unknown kind of effect{near}"
    return f"{place or 'scenario'}: {_rule(first, parts)}{_preset_value(parts, presets)}"


def in_arm(key: str, arm: str, patch: Tree, *, missing: bool = False) -> str:
    """`key` where the user wrote it, in the arm or in the common part; a `missing` one where its section stands."""
    written = key.rpartition(".")[0] if missing else key
    return f"arms.{arm}.{key}" if written and at_path(patch, written, nearest=True) is not None else key


def _near_kind(first: Any, parts: list[str]) -> str:
    """The kind that the name of an effect without a kind was perhaps meant to be."""
    return did_you_mean(parts[-2], KINDS) if first["type"] == "missing" and parts[-1] == "kind" else ""


def _most_telling(errors: list[tuple[Any, list[str]]]) -> tuple[Any, list[str]]:
    """The first unknown key, else the first error; of its other readings (a word or a list) the deepest, then a choice.

    A mistyped key is the reason why another one is missing.
    """
    errors = sorted(errors, key=lambda each: each[0]["type"] != "extra_forbidden")
    place = errors[0][1]
    same = [each for each in errors if each[1][: len(place)] == place]
    return max(same, key=lambda each: (len(each[1]), each[0]["type"] == "literal_error"))


def _written_path(error: Any, tree: Tree) -> list[str]:
    """The place of an error in the tree, without the tags of unions, which no user wrote."""
    parts: list[str] = []
    node: Any = tree
    for part in error["loc"]:
        if isinstance(node, dict) and (part in node or error["type"] == "missing"):
            node = node.get(part)
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            node = node[part]
        else:
            continue
        parts.append(str(part))
    return parts


def _preset_value(parts: list[str], presets: Mapping[str, str]) -> str:
    """`` (mouse dermis: 15 um)``: what the preset of the tissue or drug says there."""
    group, chosen = parts[0] if parts else "", presets.get(".".join(parts[:2]))
    if chosen is None:
        return ""
    leaf = at_path(preset(group, chosen), ".".join(parts[2:]))
    stated = leaf.get("value") if isinstance(leaf, dict) else None
    return f" ({chosen.replace('_', ' ')}: {stated})" if stated is not None else ""


def _rule(first: Any, parts: list[str]) -> str:
    kind, message = first["type"], first["msg"]
    if kind == "extra_forbidden":
        section = _section_at(parts[:-1])
        known = section.model_fields if section else {}
        meant = f" (did you mean {SYNONYMS[parts[-1]]}?)" if SYNONYMS.get(parts[-1]) in known else ""
        return "unknown key" + (meant or did_you_mean(parts[-1], known) or ", known: " + ", ".join(known))
    if kind == "missing":
        return "is required, got nothing"
    shown = repr(first["input"])
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    if kind == "literal_error":
        expected = str(first["ctx"]["expected"]).replace("'", "")
        near = did_you_mean(str(first["input"]), expected.replace(" or ", ", ").split(", "))
        return f"must be {expected}, got {shown}{near}"
    if kind == "value_error":
        text = message.removeprefix("Value error, ")
        return text if ", got " in text else f"{text}, got {shown}"
    if kind == "model_type":
        return f"must be a mapping of keys to values, got {shown}"
    return f"{message.replace('Input should be', 'must be')}, got {shown}"


def _section_at(parts: list[str]) -> type[Section] | None:
    """The section of the schema that stands at a path."""
    section: type[Section] | None = Settings
    for part in parts:
        if section is not None and part in section.model_fields:
            section = section_in(section.model_fields[part].annotation)
        # otherwise the part is a name that the user gave in a mapping of sections
    return section
