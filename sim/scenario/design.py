"""Designs of sweeps: a file that names a scenario and the points at which it is run, every one validated first."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from sim.errors import ScenarioError, did_you_mean
from sim.scenario.identity import digest, run_address
from sim.scenario.load import Scenario, load, select_arms
from sim.scenario.quantity import unit_size
from sim.scenario.section import Section, param, section_in
from sim.scenario.trees import Tree
from sim.scenario.yaml_text import read_yaml

MOST_POINTS = 10**5  # all of them are validated before the first run
DIGITS = 12  # of a sampled value: the last bits of log and exp differ from machine to machine
_QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*")

Output = Literal["summary", "timeseries", "maps"]
Columns = Annotated[dict[str, Annotated[list[Any], Field(min_length=1)]], Field(min_length=1)]
Rows = Annotated[list[Annotated[dict[str, Any], Field(min_length=1)]], Field(min_length=1)]


def _number_and_unit(value: Any) -> tuple[float, str]:
    """``(0.3, "1/h")`` of ``"0.3 1/h"``; a plain number has no unit."""
    match = None if isinstance(value, bool) else _QUANTITY.fullmatch(str(value))
    if match is None or not math.isfinite(float(match[1])):
        raise ValueError(f"must be a finite number, alone or with its unit, got {value!r}")
    try:
        unit_size(match[2] or "1")
    except KeyError as unknown:
        raise ValueError(f"must have a known unit, got {value!r}: unknown unit {unknown}") from None
    return float(match[1]), match[2]


class Range(Section):
    """Where the values of one key are drawn from."""

    low: Any = param(..., "least value, alone or with its unit")
    high: Any = param(..., "largest value, in the same unit")
    scale: Literal["linear", "log"] = param("linear", "linear: even in the value; log: even in its logarithm")

    @field_validator("low", "high", mode="after")
    @classmethod
    def _a_quantity(cls, value: Any) -> Any:
        _number_and_unit(value)
        return value

    @model_validator(mode="after")
    def _in_order(self) -> Range:
        (low, unit), (high, other) = _number_and_unit(self.low), _number_and_unit(self.high)
        if unit != other:
            raise ValueError(f"must have low and high in the same unit, got {self.low!r} and {self.high!r}")
        if not low < high:
            raise ValueError(f"must have low below high, got {self.low!r} and {self.high!r}")
        if self.scale == "log" and low <= 0:
            raise ValueError(f"must have low above 0 on a log scale, got {self.low!r}")
        return self

    def at(self, share: float) -> float | str:
        """The value at a share (0 to 1) of the way from low to high, written with the unit of the range."""
        (low, unit), (high, _) = _number_and_unit(self.low), _number_and_unit(self.high)
        if self.scale == "log":
            value = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
        else:
            value = low + share * (high - low)
        text = f"{min(max(value, low), high):.{DIGITS}g}"
        return f"{text} {unit}" if unit else float(text)


class LatinHypercube(Section):
    """`n` points; of `n` equal parts of every range, each holds exactly one."""

    n: int = param(..., "number of points", unit="1", low=1, high=MOST_POINTS)
    seed: int = param(0, "key of the random numbers of the design", unit="1", low=0, high=2**63)
    ranges: Annotated[dict[str, Range], Field(min_length=1)] = param(..., "range by dotted path")


class Sobol(LatinHypercube):
    """`n` points of a scrambled Sobol sequence, which balances only in powers of two."""

    @field_validator("n", mode="after")
    @classmethod
    def _power_of_two(cls, value: int) -> int:
        if value & (value - 1):
            raise ValueError(f"must be a power of two, got {value}")
        return value


class Design(Section):
    """The points of a sweep, by one of five methods."""

    grid: Columns | None = param(None, "values by dotted path: every combination, the last key fastest")
    zip: Columns | None = param(None, "values by dotted path: the first of all, the second of all, ...")
    list: Rows | None = param(None, "points, each as values by dotted path")
    latin_hypercube: LatinHypercube | None = param(None, "a Latin hypercube over ranges")
    sobol: Sobol | None = param(None, "a scrambled Sobol sequence over ranges")

    @field_validator("zip", mode="after")
    @classmethod
    def _equal_lengths(cls, value: Columns | None) -> Columns | None:
        lengths = {key: len(values) for key, values in (value or {}).items()}
        if len(set(lengths.values())) > 1:
            shown = ", ".join(f"{key}: {n}" for key, n in lengths.items())
            raise ValueError(f"must have equally many values for each key, got {shown}")
        return value

    @model_validator(mode="after")
    def _one_method(self) -> Design:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            known = ", ".join(type(self).model_fields)
            raise ValueError(f"must hold exactly one of {known}, got {' and '.join(given) or 'nothing'}")
        if self.size > MOST_POINTS:
            raise ValueError(f"must make at most {MOST_POINTS} points, got {self.size}")
        return self

    @property
    def method(self) -> str:
        """The one of the five that the file gives."""
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)

    @property
    def size(self) -> int:
        """The number of points."""
        if self.grid is not None:
            return math.prod(map(len, self.grid.values()))
        if self.zip is not None:
            return len(next(iter(self.zip.values())))
        sampled = self.latin_hypercube or self.sobol
        return sampled.n if sampled else len(self.list or ())


class SweepFile(Section):
    """What a sweep file may say."""

    scenario: str = param(..., "the scenario file, relative to the sweep file")
    arms: Annotated[list[str], Field(min_length=1)] | None = param(None, "only these arms of it")
    replicates: int | None = param(None, "runs per arm and point, instead of the scenario's", unit="1", low=1)
    seed: int | None = param(None, "key of all random numbers, instead of the scenario's", unit="1", low=0)
    output: Output = param(
        "timeseries",
        "of a run is kept: summary: a row of outcomes; timeseries: all tables too; maps: the maps of the scenario too",
    )
    design: Design = param(..., "the points")

    @field_validator("design", mode="after")
    @classmethod
    def _of_the_sweep(cls, value: Design) -> Design:
        rows = [value.grid or value.zip or {}, *(value.list or ())]
        if any("replicates" in row for row in rows):
            raise ValueError("must leave replicates to the sweep, which has its own key for them, got replicates")
        return value


@dataclass(frozen=True)
class Point:
    """One point of a design: its place, from 0, and what it sets, by dotted path."""

    number: int
    values: dict[str, Any]


@dataclass(frozen=True)
class Sweep:
    """A validated sweep.

    Attributes
    ----------
    file
        Where it was read.
    scenario
        The scenario with the arms, replicates and seed of the sweep; points override it.
    design
        The method and its settings.
    addresses
        Of every point, in order, what `run_address` says of each arm. Equal addresses are one run.
    output
        What is kept of a run.
    notes
        What is legal but odd, one line each; duplicates among the points too.
    """

    file: str
    scenario: Scenario = field(repr=False)
    design: Design
    addresses: tuple[dict[str, str], ...] = field(repr=False)
    output: Output = "timeseries"
    notes: tuple[str, ...] = ()

    @property
    def duplicates(self) -> dict[int, int]:
        """Number of a point that repeats an earlier one, to the number of that one, which is run for both."""
        first: dict[tuple[tuple[str, str], ...], int] = {}
        keys = [tuple(each.items()) for each in self.addresses]
        return {n: first[key] for n, key in enumerate(keys) if first.setdefault(key, n) != n}

    @property
    def name(self) -> str:
        """Of its file."""
        return Path(self.file).stem

    @property
    def hash(self) -> str:
        """Of all points and arms and what is kept of them; replicates may grow, so they are not part of it."""
        return digest([self.output, [dict(each) for each in self.addresses]])

    def at(self, point: Point) -> Scenario:
        """The scenario at one of the points."""
        return _resolve(Path(self.file), self.scenario, self.design.method, point)


def load_sweep(path: str | Path) -> Sweep:
    """Read a sweep file and its scenario, and validate every point.

    Raises
    ------
    ScenarioError
        One line with file, key, rule and value; of bad points the first, by its number.
    """
    path = Path(path)
    tree = read_yaml(path)
    try:
        written = SweepFile.model_validate(tree)
    except ValidationError as error:
        raise ScenarioError(f"{path}: {_complaint(error)}") from None
    scenario = _base(path, written)
    addresses: list[dict[str, str]] = []
    notes: dict[str, str] = {}  # by key: points that differ in a number have one note
    for point in _points(written.design):
        resolved = _resolve(path, scenario, written.design.method, point)
        addresses.append({arm: run_address(settings) for arm, settings in resolved.arms.items()})
        for note in resolved.notes:
            notes.setdefault(note.partition(": ")[0], note)
    if written.output == "maps" and not scenario.common.record.maps:
        raise ScenarioError(f"{path}: output: must not be maps where record.maps of the scenario names none, got maps")
    sweep = Sweep(str(path), scenario, written.design, tuple(addresses), written.output, tuple(notes.values()))
    twice = tuple(f"point {n}: the same as point {first}, run once" for n, first in sweep.duplicates.items())
    return replace(sweep, notes=sweep.notes + twice)


def points(sweep: Sweep) -> list[Point]:
    """The points in a stable order: grid with the last key fastest, zip and list as written, samples as drawn."""
    return list(_points(sweep.design))


def _base(path: Path, written: SweepFile) -> Scenario:
    """The scenario of a sweep file, with the arms, replicates and seed that the file sets."""
    file = path.parent / written.scenario
    if not file.is_file():
        raise ScenarioError(f"{path}: scenario: must be a file, relative to this one, got {written.scenario!r}")
    scenario = load(file)
    for name in written.arms or ():
        if name not in scenario.arms:
            near = did_you_mean(name, scenario.arms) or f", known: {', '.join(scenario.arms)}"
            raise ScenarioError(f"{path}: arms: must be arms of {written.scenario}, got {name!r}{near}")
    chosen = {key: getattr(written, key) for key in ("replicates", "seed")}
    try:
        scenario = scenario.override({key: value for key, value in chosen.items() if value is not None})
        return select_arms(scenario, written.arms) if written.arms else scenario
    except ScenarioError as error:
        raise ScenarioError(f"{path}: {str(error).removeprefix(f'{scenario.file}: ')}") from None


def _resolve(path: Path, scenario: Scenario, method: str, point: Point) -> Scenario:
    """The scenario at a point; an error says which point it is, and its key as the design writes it."""
    try:
        return scenario.override(point.values)
    except ScenarioError as error:
        text = str(error).removeprefix(f"{scenario.file}: ")
        key, rule = text.split(": ", 1)
        place = next((each for each in point.values if key == each or key.startswith(f"{each}.")), None)
        if place is None:  # a value is wrong only beside others, or in one arm
            raise ScenarioError(f"{path}: design.{method}: point {point.number}: {text}") from None
        raise ScenarioError(f"{path}: design.{method}.{key}: point {point.number}: {rule}") from None


def _points(design: Design) -> Iterator[Point]:
    for number, values in enumerate(_values(design)):
        yield Point(number, copy.deepcopy(values))


def _values(design: Design) -> Iterator[dict[str, Any]]:
    if design.grid is not None:
        for combination in product(*design.grid.values()):
            yield dict(zip(design.grid, combination, strict=True))
    elif design.zip is not None:
        for row in zip(*design.zip.values(), strict=True):
            yield dict(zip(design.zip, row, strict=True))
    elif design.list is not None:
        yield from design.list
    else:
        yield from _sampled(design)


def _sampled(design: Design) -> Iterator[dict[str, Any]]:
    """The points of a Latin hypercube or a Sobol sequence, scrambled by the seed of the design."""
    import numpy as np
    from scipy.stats import qmc

    sampled = design.sobol or design.latin_hypercube
    assert sampled is not None  # `_one_method` holds
    method = qmc.Sobol if design.sobol else qmc.LatinHypercube
    sampler = method(len(sampled.ranges), scramble=True, seed=np.random.default_rng(sampled.seed))
    for shares in sampler.random(sampled.n).tolist():
        yield {key: limits.at(share) for (key, limits), share in zip(sampled.ranges.items(), shares, strict=True)}


def _complaint(error: ValidationError) -> str:
    """The first unknown key, else the first error: ``design.grid.days: must ..., got ...``."""
    first = min(error.errors(include_url=False), key=lambda each: each["type"] != "extra_forbidden")
    kind, message, shown = first["type"], first["msg"], repr(first["input"])
    parts = [str(part) for part in first["loc"]]
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    rule = f"{message.replace('Input should be', 'must be')}, got {shown}"
    if kind == "extra_forbidden":
        section = _section_at(parts[:-1])
        rule = "unknown key" + (did_you_mean(parts[-1], section) or ", known: " + ", ".join(section))
    elif kind == "missing":
        rule = "is required, got nothing"
    elif kind == "too_short":
        rule = f"must not be empty, got {shown}"
    elif kind == "value_error":
        text = message.removeprefix("Value error, ")
        rule = text if ", got " in text else f"{text}, got {shown}"
    elif kind in ("model_type", "dict_type"):
        rule = f"must be a mapping of keys to values, got {shown}"
    elif kind == "list_type":
        rule = f"must be a list, got {shown}"
    elif kind == "literal_error":
        rule = rule.replace("'", "", 4) + did_you_mean(str(first["input"]), ("linear", "log"))
    return f"{'.'.join(parts) or 'sweep'}: {rule}"


def _section_at(parts: list[str]) -> Tree:
    """The keys that are known at a path of a sweep file."""
    section: type[Section] = SweepFile
    for part in parts:
        if part in section.model_fields:
            section = section_in(section.model_fields[part].annotation) or section
    return dict(section.model_fields)
