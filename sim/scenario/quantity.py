"""Numbers with units: ``"100 um"``, ``"0.3 1/h"``, ``"0.097 %/d/yr"`` to a number in the unit that a field declares."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable

_ATOMS: dict[str, tuple[float, str]] = {
    "s": (1 / 86400, "time"), "min": (1 / 1440, "time"), "h": (1 / 24, "time"), "d": (1.0, "time"),
    "wk": (7.0, "time"), "mo": (30.4375, "time"), "yr": (365.25, "time"),
    "um": (1.0, "length"), "mm": (1e3, "length"),
    "ug": (1e-3, "mass"), "mg": (1.0, "mass"), "g": (1e3, "mass"), "kg": (1.0, "bodyweight"),
    "nM": (1e-3, "molarity"), "uM": (1.0, "molarity"), "mM": (1e3, "molarity"), "M": (1e6, "molarity"),
    "degC": (1.0, "temperature"),
    "cells": (1.0, "cells"), "IU": (1.0, "IU"),
    "%": (1.0, "percent"), "ppm": (1e-4, "percent"), "1": (1.0, ""),
}  # fmt: skip
_TEXT = re.compile(r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?\.?inf)\s*(.*?)\s*$")
_UNIT = re.compile(r"(?:(?:^|\s*[*/]\s*)(?:[A-Za-z%]+|1)(?:\^\d)?)+")
_NO_LIMIT = {"whole tissue", "forever", "never"}  # words for "no limit" in the fields that allow it
DAYS_PER_YEAR = 365.25
_TIMES = ((1 / 1440, "s", 86400.0), (1 / 24, "min", 1440.0), (1.0, "h", 24.0), (60.0, "d", 1.0),
          (730.0, "mo", 1 / 30.4375), (math.inf, "yr", 1 / DAYS_PER_YEAR))  # fmt: skip
_SHORT = 4  # characters of a number that nobody would write in another unit: 200 d, but 18 mo for 547.875 d


def unit_size(unit: str) -> tuple[float, dict[str, int]]:
    """Size of `unit` in d, um and mg, and its dimensions; KeyError names an unknown word."""
    if not _UNIT.fullmatch(unit):
        raise KeyError(unit)
    size, dimensions = 1.0, Counter[str]()
    for sign, word, power in re.findall(r"([*/]?)\s*([A-Za-z%]+|1)(?:\^?(\d+))?", unit):
        factor, dimension = _ATOMS[word]
        exponent = (-1 if sign == "/" else 1) * int(power or 1)
        size *= factor**exponent
        if dimension:
            dimensions[dimension] += exponent
    return size, {name: power for name, power in dimensions.items() if power}


def to_unit(value: object, unit: str) -> float:
    """`value` (a number in `unit`, or a text with a unit of its own) as a float in `unit`.

    Raises
    ------
    ValueError
        If it is no number, is not a number (nan), or its unit does not measure the same thing.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"must be a number{_in(unit)}, got {value!r}")
    if isinstance(value, str):
        return _from_text(value, unit)
    if value != value:
        raise ValueError("must be a number, got nan")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"must be a number below 1e308{_in(unit)}, got a larger one") from None


def in_one_unit(values: Iterable[object]) -> tuple[list[float], str]:
    """Values of one key as numbers in the unit of the first one that has one, and that unit.

    Raises
    ------
    ValueError
        As `to_unit`, so where one is a word or measures something else.
    """
    values = list(values)
    found = (_TEXT.match(value) for value in values if isinstance(value, str))
    unit = next((match[2] for match in found if match and match[2]), "")
    return [to_unit(value, unit) for value in values], unit


def _from_text(text: str, unit: str) -> float:
    if text.strip() in _NO_LIMIT:
        return math.inf
    match = _TEXT.match(text)
    if not match:
        raise ValueError(f"must be a number{_in(unit)}, got {text!r}")
    number, own = float(match[1].replace(".inf", "inf")), match[2]
    if not own:
        return number
    try:
        size, dimensions = unit_size(unit or "1")
        own_size, own_dimensions = unit_size(own)
    except KeyError as unknown:
        raise ValueError(f"must be{_in(unit)}, got {text!r}: unknown unit {unknown}") from None
    if own_dimensions != dimensions:
        raise ValueError(f"must be{_in(unit)}, got {text!r}")
    return number if own == unit else number * (own_size / size)


def _in(unit: str) -> str:
    return " without a unit" if unit in ("", "1") else f" in {unit}"


def show(value: float, unit: str) -> str:
    """``15 um``: a value as a person writes it."""
    text = str(value) if isinstance(value, int) else f"{value:.6g}"
    return text if unit in ("", "1") else f"{text} {unit}"


def duration(days: float) -> str:
    """``8.33 min``: a time that was computed, rounded, in the unit that people would use."""
    if days == 0:
        return "0 d"
    unit, per_day = next(((unit, per_day) for limit, unit, per_day in _TIMES if days < limit), ("", 0.0))
    return f"{days * per_day:.3g} {unit}" if unit else "no limit"


def time_as_written(days: float) -> str:
    """``18 mo``: a time that somebody chose, to six digits, in days or the unit in which it is shortest."""
    first = "d" if days >= 1 else "h"
    texts = {unit: f"{days * per_day:.6g}" for _, unit, per_day in _TIMES}
    if days == 0 or (days >= 1 and len(texts["d"]) <= _SHORT):
        return f"{texts['d']} d"
    unit = min(texts, key=lambda unit: (len(texts[unit]), unit != first))
    return f"{texts[unit]} {unit}"
