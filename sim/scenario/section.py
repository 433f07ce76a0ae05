"""How a field of the schema is declared and read: unit, range, default, source and confidence in one line.

From this one place come validation, error texts, the JSON Schema for editors, the ledger, the docs table and the
automatic bad-value tests.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

from sim.scenario.quantity import show, to_unit

Confidence = Literal["measured", "secondary", "computed", "assumed"]
DESIGN = "design of the experiment"


def param(
    default: Any,
    description: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    source: str = DESIGN,
    confidence: Confidence = "assumed",
) -> Any:
    """A field of the schema; `low` and `high` are allowed themselves, `above` is not."""
    extra: dict[str, Any] = {
        "unit": unit,
        "low": low,
        "high": high,
        "above": above,
        "source": source,
        "confidence": confidence,
    }
    if isinstance(default, (dict, list)):
        return Field(default_factory=lambda: type(default)(default), description=description, json_schema_extra=extra)
    return Field(default, description=description, json_schema_extra=extra)


def range_rule(extra: dict[str, Any]) -> str:
    """The range of a field in words, e.g. ``between 5 um and 100 um``."""
    unit, low, high, above = extra["unit"], extra["low"], extra["high"], extra["above"]
    if above is not None:
        more = f"more than {show(above, unit)}"
        return more if high is None else f"{more} and at most {show(high, unit)}"
    if low is not None and high is not None:
        return f"between {show(low, unit)} and {show(high, unit)}"
    if low is not None:
        return f"at least {show(low, unit)}"
    return f"at most {show(high, unit)}" if high is not None else "any number"


def check_range(value: float, extra: dict[str, Any]) -> float:
    """`value` if it lies in the range of the field, else a ValueError in the field's own unit."""
    low, high, above = extra["low"], extra["high"], extra["above"]
    inside = (low is None or value >= low) and (high is None or value <= high) and (above is None or value > above)
    if not inside:
        raise ValueError(f"must be {range_rule(extra)}, got {show(value, extra['unit'])}")
    return value


def declared(field: FieldInfo) -> dict[str, Any]:
    """Unit, range, source and confidence as `param` declares them."""
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def section_in(annotation: Any) -> type[Section] | None:
    """The section that a field of this type holds, alone, in a list, or in a mapping by name."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next(filter(None, map(section_in, get_args(annotation))), None)


def number_in(annotation: Any) -> type[float] | type[int] | None:
    """Float or int where a field of this type holds numbers, alone, in a list, or in a mapping by name."""
    if annotation in (float, int):
        return annotation  # type: ignore[no-any-return]
    return next(filter(None, map(number_in, get_args(annotation))), None)


class Section(BaseModel):
    """A part of a scenario: unknown keys refused, values frozen, quantities read with their units."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    def reads(self, field: str) -> bool:
        """Whether a field makes a difference, as the others are; a section that knows better says so."""
        return field in type(self).model_fields

    @field_validator("*", mode="before")
    @classmethod
    def _read_quantities(cls, value: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields[str(info.field_name)]
        extra = field.json_schema_extra
        return value if value is None or not isinstance(extra, dict) else _read(value, field.annotation, extra)


def numbers_of(section: Section, prefix: str = "") -> Iterator[tuple[str, Any, FieldInfo]]:
    """Path, value and field of every number in a section and below, by name in a mapping.

    None is left out, and so are the fields that a section of its kind does not read.
    """
    for name, field in type(section).model_fields.items():
        value, path = getattr(section, name), f"{prefix}{name}"
        if not section.reads(name):
            continue
        if section_in(field.annotation) is None:
            if value is None or isinstance(value, str) or number_in(field.annotation) is None:
                continue
            named = {f"{path}.{key}": each for key, each in value.items()} if isinstance(value, dict) else {path: value}
            yield from ((key, each, field) for key, each in named.items())
        elif isinstance(value, Section):
            yield from numbers_of(value, f"{path}.")
        else:
            for key, each in value.items() if isinstance(value, dict) else enumerate(value or ()):
                yield from numbers_of(each, f"{path}.{key}.")


def _read(value: Any, annotation: Any, extra: dict[str, Any]) -> Any:
    """`value` with every number in it checked and in the unit of the field; anything else as it is."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation in (float, int):
        return _number(value, annotation, extra)
    if origin in (Union, UnionType):
        named = [each for each in inner if get_origin(each) is dict and isinstance(value, dict)]
        return _read(value, (*named, *inner)[0], extra)  # numbers stand first, None or a word after them
    if origin in (list, tuple) and isinstance(value, (list, tuple)):
        return [_read(each, inner[0], extra) for each in value]
    if origin is dict and isinstance(value, dict):
        return {name: _read_named(name, each, inner[1], extra) for name, each in value.items()}
    return value


def _read_named(name: object, value: Any, annotation: Any, extra: dict[str, Any]) -> Any:
    try:
        return _read(value, annotation, extra)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


def _number(value: Any, kind: type, extra: dict[str, Any]) -> float:
    if kind is int and type(value) is int and abs(value) < 2**64:
        return check_range(value, extra)  # a long seed keeps all its digits
    number = check_range(to_unit(value, str(extra["unit"])), extra)
    return _whole(number) if kind is int else number


def _whole(number: float) -> int:
    if not math.isfinite(number) or number != math.floor(number):
        raise ValueError(f"must be a whole number, got {show(number, '')}")
    return int(number)
