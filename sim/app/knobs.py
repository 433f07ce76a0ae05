"""The numbers of a scenario that a reader may turn, in groups: each with unit, range, default, source, confidence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic.fields import FieldInfo

from sim.scenario.doses import unit_of
from sim.scenario.drug_checks import given
from sim.scenario.ledger import default_of, origin, range_words, shown
from sim.scenario.load import NAMED, Scenario
from sim.scenario.matrix import as_written
from sim.scenario.presets import mapping
from sim.scenario.schema import Settings
from sim.scenario.section import declared, number_in, numbers_of
from sim.scenario.trees import at_path

GROUPS = (  # in the order of the page
    "spread", "drift", "clearance", "damage", "repair", "dose", "events", "functions", "pigment", "blood", "run",
)  # fmt: skip
OF_TISSUE = {
    "contact": "spread", "clearance": "clearance", "evasion": "clearance", "patrols": "clearance", "damage": "damage",
    "initial": "damage", "maintenance": "damage", "cell_types": "damage", "repair": "repair", "functions": "functions",
    "pigment": "pigment", "depth": "dose", "represents": "blood", "volume": "blood",
}  # fmt: skip
OF_FACTOR = {
    "jams_immunity": "clearance", "attracts_immunity": "clearance", "ages_immunity": "clearance",
    "inhibits_repair": "repair", "boosts_repair": "repair", "blood": "blood",
}  # fmt: skip
OF_RUN = ("days", "age_at_start", "seed")
FAR = 20.0  # a range that ends within this many times the value is a slider's own
REACH = 4.0  # others go this far beyond the value


Slider = tuple[float | None, float | None, float | None]  # ends and step


@dataclass(frozen=True)
class Knob:
    """One number of the scenario as the page shows it.

    Attributes
    ----------
    path : str
        Where a change of it is written.
    label, words : str
        Its name with what it belongs to, and what it means.
    value, unit : str
    number, low, high, step : float or None
        For a slider; None where neither the value nor the one that it had or has by default says how far it may reach.
    default, range, source, confidence : str
        As in the ledger.
    changed : bool
    """

    path: str
    label: str
    words: str
    value: str
    unit: str
    number: float
    low: float | None
    high: float | None
    step: float | None
    default: str
    range: str
    source: str
    confidence: str
    changed: bool


def knobs(
    scenario: Scenario, original: Scenario, arms: Sequence[str], tissue: str, changes: dict[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    """Knobs by group, of what `arms` have in `tissue` and in the body; a knob per arm where arms set their own.

    `original` is the scenario without `changes`: a value that was turned to 0 can be pulled back from there.
    """
    found: dict[str, dict[str, dict[str, Any]]] = {group: {} for group in GROUPS}
    for arm in arms:
        settings = scenario.arms[arm]
        before = {path: value for path, value, _ in numbers_of(original.arms[arm])}
        for path, value, field in numbers_of(settings):
            group = _group(path, settings, tissue)
            if group is None or not _turns(path, value, scenario):
                continue
            written = f"arms.{arm}.{path}" if _is_of_arm(scenario, arm, path) else path
            source, confidence = origin(scenario, path, value, field, arm)
            stated = (shown(default_of(field), _unit(settings, path, field)), source, confidence)
            slider = _slider(value, field, (before.get(path), default_of(field)))
            knob = _knob(written, path, value, field, _unit(settings, path, field), slider, stated, written in changes)
            found[group].setdefault(written, asdict(knob))
    return {group: sorted(each.values(), key=_factors_first) for group, each in found.items() if each}


def _factors_first(knob: dict[str, Any]) -> bool:
    return "factors" not in knob["path"].split(".")


def _group(path: str, settings: Settings, tissue: str) -> str | None:
    """The group of a number; None for what is not turned on this page."""
    top, name, *below = (*path.split("."), "", "")
    if path in OF_RUN:
        return "run"
    if top == "tissues":
        return OF_TISSUE.get(below[0]) if name == tissue else None
    if top == "factors":
        return OF_FACTOR.get(below[0], "drift" if settings.factors[name].cargo is not None else "spread")
    if top == "drugs":
        return "dose" if name in given(settings) else None
    if top == "body":
        return "blood" if name == "blood_volume" else "damage"
    return {"treatments": "dose", "events": "events", "individuals": "damage"}.get(top)


def _turns(path: str, value: Any, scenario: Scenario) -> bool:
    """Whether it is one number, that stands in the file under this path."""
    in_list = any(part.isdigit() for part in path.split("."))
    return isinstance(value, (int, float)) and not in_list and as_written(path, scenario.parts) == path


def _is_of_arm(scenario: Scenario, arm: str, path: str) -> bool:
    """Whether the arm sets it, or what it belongs to, itself."""
    patch, (group, name, *_) = scenario.tree["arms"][arm], (*path.split("."), "")
    own = group in NAMED and name in mapping(patch.get(group)) and name not in mapping(scenario.tree.get(group))
    return own or at_path(patch, path) is not None


def _unit(settings: Settings, path: str, field: FieldInfo) -> str:
    return unit_of(settings, path) or str(declared(field)["unit"])


def _knob(
    written: str, path: str, value: float, field: FieldInfo, unit: str, slider: Slider, stated: tuple[str, str, str],
    changed: bool,
) -> Knob:  # fmt: skip
    default, source, confidence = stated
    low, high, step = slider
    text = str(value) if isinstance(value, int) else f"{value:.6g}"
    if math.isinf(value):
        text = "whole tissue" if unit == "um" else "forever"  # as a file says it
    words = field.description or ""
    own = "" if unit == "1" else unit
    return Knob(written, _label(written, path), words, text, own, value if math.isfinite(value) else 0.0, low, high,
                step, default, range_words(field), source, confidence, changed)  # fmt: skip


def _label(written: str, path: str) -> str:
    """``SASP: induction, max rate`` of ``factors.SASP.induction.hill.max_rate``; with the arm where it is of one."""
    group, *names = path.split(".")
    if group == "tissues":
        names = names[1:]
    names = [name for name in names if name not in ("hill", "effects")]
    first, *rest = names or [group]
    words = ", ".join(each.replace("_", " ") for each in rest)
    label = f"{first.replace('_', ' ')}: {words}" if words else first.replace("_", " ")
    return f"{label} ({written.split('.')[1]})" if written != path else label


def _slider(value: float, field: FieldInfo, others: Iterable[Any]) -> Slider:
    """The whole range where the value is not far from its end, else some times the value; for 0 the first of others."""
    extra, whole = declared(field), number_in(field.annotation) is int
    top = extra["high"]
    if not math.isfinite(value) or value < 0.0:
        return None, None, None
    size = next((each for each in (value, *others) if isinstance(each, (int, float)) and 0.0 < each < math.inf), 0.0)
    if top is None or top > FAR * size:
        top = 1.0 if size == 0.0 and top == 1.0 else REACH * size
    if top <= 0.0 or (whole and top > 1e6):
        return None, None, None
    step = 1.0 if whole else 10.0 ** math.floor(math.log10(top / 100.0))
    low = max(extra["low"] or 0.0, step if extra["above"] is not None else 0.0)
    return (low, float(top), step) if low < top else (None, None, None)
