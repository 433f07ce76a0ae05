"""The JSON Schema of a scenario file, for editors: completion, units and sources while typing, red lines under typos.

It is more forgiving than the loader: it knows one file, and not its base, its preset or its overrides.
"""

from __future__ import annotations

import json
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from sim.scenario.ledger import default_of, sections, shown
from sim.scenario.schema import Settings
from sim.scenario.section import DESIGN, Confidence, Section, declared, number_in, range_rule, section_in

Schema = dict[str, Any]
STATED = {
    "description": "a value with its source",
    "required": ["value"],
    "additionalProperties": False,
    "properties": {"value": {}, "source": {"type": "string"}, "confidence": {"enum": list(get_args(Confidence))}},
}
NUMBER_TEXT = r"^\s*([-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|\.?inf|[a-z]+ ?[a-z]*)"


def scenario_schema() -> Schema:
    """JSON Schema (2020-12) of a scenario file: `Settings`, and ``extends`` and ``arms``."""
    whole = _section(Settings)
    whole["properties"] |= {
        "extends": {"type": "string", "description": "a scenario file that this one changes"},
        "arms": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"type": ["object", "null"]},
            "description": "arm by name to its changes of the common part; null removes, lists are replaced whole",
        },
    }
    whole["anyOf"] = [{"required": ["extends"]}, {"required": ["days", "tissues"]}]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Senodrift scenario",
        **whole,
        "$defs": {"stated": STATED, **{section.__name__: _section(section) for path, section in sections() if path}},
    }


def as_json() -> str:
    """The text of configs/scenario.schema.json."""
    return json.dumps(scenario_schema(), indent=1) + "\n"


# A word such as `minimum` binds numbers only, `pattern` texts only, `properties` mappings only: so one schema can allow
# several kinds at once, and an editor marks the very value that is wrong.


def _section(section: type[Section]) -> Schema:
    properties = {name: _property(field) for name, field in section.model_fields.items()}
    words = " ".join((section.__doc__ or "").split())
    return {"type": ["object", "null"], "description": words, "additionalProperties": False, "properties": properties}


def _property(field: FieldInfo) -> Schema:
    return {"description": words_of(field), **_value(field.annotation, declared(field))}


def words_of(field: FieldInfo) -> str:
    """Description, range, default and source, as an editor shows them."""
    extra, words = declared(field), [str(field.description)]
    if not extra:
        return words[0]
    if number_in(field.annotation) is not None:
        words.append(range_rule(extra))
    if not field.is_required():
        words.append(f"default {shown(default_of(field), extra['unit'])}")
    if extra["source"] != DESIGN:
        words.append(f"{extra['source']} ({extra['confidence']})")
    return "; ".join(words)


def _value(annotation: Any, extra: dict[str, Any]) -> Schema:
    """A value; or null, which removes what a base or a preset says; or a value with its source."""
    kind, inner = get_origin(annotation), get_args(annotation)
    if section_in(annotation) is not None and inner == ():
        return {"$ref": f"#/$defs/{annotation.__name__}"}
    if kind in (Union, UnionType):
        kinds = [_value(each, extra) for each in inner if each is not type(None)]
        return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    if kind is dict:
        return {"type": ["object", "null"], "additionalProperties": _value(inner[1], extra)}
    if kind in (list, tuple):
        return _stated("array", items=_value(inner[0], extra))
    if kind is Literal:
        return {"anyOf": [{"enum": [*inner, None]}, {"type": "object", "$ref": "#/$defs/stated"}]}
    if annotation in (float, int):
        limits = {"minimum": extra["low"], "maximum": extra["high"], "exclusiveMinimum": extra["above"]}
        limits = {word: limit for word, limit in limits.items() if limit is not None}
        return _stated("integer" if annotation is int else "number", "string", **limits, pattern=NUMBER_TEXT)
    return _stated({bool: "boolean", str: "string"}[annotation])


def _stated(*kinds: str, **words: Any) -> Schema:
    return {"type": [*kinds, "object", "null"], **words, "$ref": "#/$defs/stated"}
