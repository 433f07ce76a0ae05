"""How a field of the schema is declared and read: unit, range, default, source and confidence in one line.

From this one place come validation, error texts, the JSON Schema for editors, the ledger, the docs table and the
automatic bad-value tests.
"""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

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
    extra = {"unit": unit, "low": low, "high": high, "above": above, "source": source, "confidence": confidence}
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


def is_quantity(annotation: Any) -> bool:
    """Whether a field of this type holds one number or none."""
    return annotation in (float, int, float | None, int | None)


class Section(BaseModel):
    """A part of a scenario: unknown keys refused, values frozen, quantities read with their units."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    @field_validator("*", mode="before")
    @classmethod
    def _read_quantity(cls, value: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields[str(info.field_name)]
        extra = field.json_schema_extra
        if not isinstance(extra, dict) or value is None:
            return value

        def number(each: object) -> float:
            return check_range(to_unit(each, str(extra["unit"])), extra)

        if isinstance(value, dict) and field.annotation == dict[str, float]:
            return {key: number(each) for key, each in value.items()}
        if isinstance(value, list) and "list[float]" in str(field.annotation):
            return [number(each) for each in value]
        if field.annotation in (int, int | None):
            return _whole(number(value))
        return number(value) if is_quantity(field.annotation) else value


def _whole(number: float) -> int:
    if not math.isfinite(number) or number != math.floor(number):
        raise ValueError(f"must be a whole number, got {show(number, '')}")
    return int(number)
