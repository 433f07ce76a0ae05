"""Designs of sweeps: a file that names a scenario and the points at which it is run, every one validated first."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from sim.errors import ScenarioError, did_you_mean
from sim.scenario.identity import digest, run_address
from sim.scenario.load import Scenario, load, select_arms
from sim.scenario.sampling import MOST_POINTS, BySALib, LatinHypercube, Morris, Saltelli, Sampled, Sobol
from sim.scenario.section import Section, param, section_in
from sim.scenario.trees import Tree
from sim.scenario.yaml_text import read_yaml

Output = Literal["summary", "timeseries", "maps"]
Columns = Annotated[dict[str, Annotated[list[Any], Field(min_length=1)]], Field(min_length=1)]
Rows = Annotated[list[Annotated[dict[str, Any], Field(min_length=1)]], Field(min_length=1)]


class Design(Section):
    """The points of a sweep, by one of seven methods."""

    grid: Columns | None = param(None, "values by dotted path: every combination, the last key fastest")
    zip: Columns | None = param(None, "values by dotted path: the first of all, the second of all, ...")
    list: Rows | None = param(None, "points, each as values by dotted path")
    latin_hypercube: LatinHypercube | None = param(None, "a Latin hypercube over ranges")
    sobol: Sobol | None = param(None, "a scrambled Sobol sequence over ranges")
    morris: Morris | None = param(None, "walks that change one parameter at a time, for elementary effects")
    saltelli: Saltelli | None = param(None, "the points of variance-based (Sobol) sensitivity indices")

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
        """The one of the seven that the file gives."""
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)

    @property
    def sampled(self) -> Sampled | None:
        """The method, if it draws from ranges."""
        return self.latin_hypercube or self.sobol or self.morris or self.saltelli

    @property
    def size(self) -> int:
        """The number of points."""
        if self.grid is not None:
            return math.prod(map(len, self.grid.values()))
        if self.zip is not None:
            return len(next(iter(self.zip.values())))
        return self.sampled.size if self.sampled else len(self.list or ())


class SweepFile(Section):
    """What a sweep file may say."""

    scenario: str = param(..., "the scenario file, relative to the sweep file")
    arms: Annotated[list[str], Field(min_length=1)] | None = param(None, "only these arms of it")
    replicates: int | None = param(None, "runs per arm and point, instead of the scenario's", unit="1", low=1)
    seed: int | None = param(None, "key of all random numbers, instead of the scenario's", unit="1", low=0)
    set: dict[str, Any] = param({}, "values by dotted path that hold at all points, instead of the scenario's")
    output: Output = param(
        "timeseries",
        "of a run is kept: summary: a row of outcomes; timeseries: all tables too; maps: the maps of the scenario too",
    )
    design: Design = param(..., "the points")

    @field_validator("set", mode="after")
    @classmethod
    def _not_its_own(cls, value: dict[str, Any]) -> dict[str, Any]:
        for key in ("replicates", "seed"):
            if key in value:
                raise ValueError(f"must leave {key} to the sweep, which has its own key for it, got {value[key]!r}")
        return value

    @field_validator("design", mode="after")
    @classmethod
    def _can_be_drawn(cls, value: Design) -> Design:
        rows = [value.grid or value.zip or {}, *(value.list or ())]
        if any("replicates" in row for row in rows):
            raise ValueError("must leave replicates to the sweep, which has its own key for them, got replicates")
        if isinstance(value.sampled, BySALib) and find_spec("SALib") is None:
            raise ValueError(
                f"{value.method} must have SALib to draw points, got none (pip install 'senodrift[analysis]')"
            )
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
    if "tissues" in tree or "extends" in tree:
        raise ScenarioError(f"{path}: design: is required in a sweep file, got a scenario (run: senodrift run {path})")
    try:
        written = SweepFile.model_validate(tree)
    except ValidationError as error:
        raise ScenarioError(f"{path}: {_complaint(error)}") from None
    scenario = _base(path, written)
    addresses: list[dict[str, str]] = []
    notes: dict[str, str] = {}  # by key: points that differ in a number have one note
    for point in _points(written.design):
        resolved = _resolve(path, scenario, written.design.method, point)
        maps = written.output == "maps"
        addresses.append({arm: run_address(settings, maps) for arm, settings in resolved.arms.items()})
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
        scenario = select_arms(scenario, written.arms) if written.arms else scenario
    except ScenarioError as error:
        raise ScenarioError(f"{path}: {str(error).removeprefix(f'{scenario.file}: ')}") from None
    return _with_set(path, scenario, written.set)


def _with_set(path: Path, scenario: Scenario, values: dict[str, Any]) -> Scenario:
    """The scenario, only of the arms that are run, with what the sweep file sets for all points."""
    try:
        return scenario.override(values) if values else scenario
    except ScenarioError as error:
        text = str(error).removeprefix(f"{scenario.file}: ")
        raise ScenarioError(f"{path}: set.{text}") from None


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
    elif design.sampled is not None:
        yield from design.sampled.values()


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
    elif kind.startswith("bool"):
        rule = f"must be true or false, got {shown}"
    return f"{'.'.join(parts) or 'sweep'}: {rule}"


def _section_at(parts: list[str]) -> Tree:
    """The keys that are known at a path of a sweep file."""
    section: type[Section] = SweepFile
    for part in parts:
        if part in section.model_fields:
            section = section_in(section.model_fields[part].annotation) or section
    return dict(section.model_fields)
