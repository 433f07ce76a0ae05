"""Every parameter with its unit, range, default, source and confidence; read from the schema, so never out of date."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from sim.scenario.doses import unit_of
from sim.scenario.drug import READ_BY_ROUTE
from sim.scenario.drug_checks import given, idle_effects, route_of
from sim.scenario.factor import Factor
from sim.scenario.library import BUNDLED, library
from sim.scenario.load import Scenario
from sim.scenario.matrix import as_written
from sim.scenario.patrol import Patrol
from sim.scenario.quantity import show, time_as_written
from sim.scenario.schema import Settings
from sim.scenario.section import DESIGN, Section, declared, number_in, numbers_of, range_rule, section_in
from sim.scenario.tissue import Tissue
from sim.scenario.trees import at_path, strip_sources

UNSTATED = "no source given in the file"
OTHER_SOURCE = "only its source gives off a part of a factor"


@dataclass(frozen=True)
class Row:
    """One parameter. In the path of a schema row, ``*`` stands for a name or a place in a list.

    `value` is the default, or what the library or a scenario says (then `default` is what the schema says);
    `confidence` is ``measured``, ``secondary``, ``computed``, ``assumed``, or ``design`` for a choice of the
    experimenter.
    """

    path: str
    value: str
    confidence: str
    source: str
    description: str = ""
    unit: str = ""
    range: str = ""
    default: str = ""


# ------------------------------------------------------------------------------------------------ walking the schema


def sections() -> Iterator[tuple[str, type[Section]]]:
    """Every part of the schema with its path: ``("", Settings)``, ``("tissues.*", Tissue)`` ..."""
    yield from _sections("", Settings)


def _sections(path: str, section: type[Section]) -> Iterator[tuple[str, type[Section]]]:
    yield path, section
    for name, field in section.model_fields.items():
        below = section_in(field.annotation)
        if below is not None:
            many = _holds_many(field.annotation)
            yield from _sections(f"{path}.{name}{'.*' if many else ''}".lstrip("."), below)


def _holds_many(annotation: Any) -> bool:
    return get_origin(annotation) in (dict, list) or any(get_origin(each) is list for each in get_args(annotation))


def fields() -> Iterator[tuple[str, FieldInfo]]:
    """Every field of the schema that holds a value (not a section), with its path."""
    for path, section in sections():
        for name, field in section.model_fields.items():
            if section_in(field.annotation) is None:
                yield f"{path}.{name}".lstrip("."), field


def default_of(field: FieldInfo) -> Any:
    """The default; None where there is none."""
    value = field.get_default(call_default_factory=True)
    return None if value is PydanticUndefined else value


# ------------------------------------------------------------------------------------------------------------ rows


def schema_rows(path: str, section: type[Section]) -> list[Row]:
    """A row per field of one section."""
    rows = []
    for name, field in section.model_fields.items():
        if section_in(field.annotation) is None:
            extra = declared(field)
            value = "required" if field.is_required() else shown(default_of(field), extra["unit"])
            rows.append(
                Row(f"{path}.{name}".lstrip("."), value, _confidence(extra), extra["source"], field.description or "",
                    extra["unit"], range_words(field))
            )  # fmt: skip
    return rows


def range_words(field: FieldInfo) -> str:
    """What a field accepts, in words."""
    if number_in(field.annotation) is not None:
        return range_rule(declared(field))
    choices = list(_choices(field.annotation))
    if choices:
        return ", ".join(choices)
    return "true, false" if field.annotation is bool else "text"


def _choices(annotation: Any) -> Iterator[str]:
    """The words that a field accepts; none where it takes any text."""
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    elif get_args(annotation):
        yield from _choices(get_args(annotation)[0])


def _confidence(extra: dict[str, Any]) -> str:
    return "design" if extra["source"] == DESIGN else str(extra["confidence"])


def shown(value: Any, unit: str) -> str:
    """A value as a person writes it."""
    if value is None or value in ({}, [], ""):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        if math.isinf(value):
            return "no limit"
        return time_as_written(value) if unit == "d" else show(value, unit)
    if isinstance(value, dict):
        return ", ".join(f"{name}: {shown(each, unit)}" for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(each, unit) for each in value)
    return str(value)


def library_rows(group: str, name: str) -> list[Row]:
    """A row per value of a bundled tissue, drug or marker."""
    plain, sources = strip_sources(library(group)[name])
    return [Row(key, str(at_path(plain, key)), confidence, source) for key, (source, confidence) in sources.items()]


def scenario_rows(scenario: Scenario) -> list[Row]:
    """A row per number of a scenario; where arms differ, also in having it, a row per arm under ``arms.NAME``."""
    by_path: dict[str, dict[str, tuple[Any, FieldInfo]]] = {}
    for arm, settings in scenario.arms.items():
        for path, value, field in numbers_of(settings):
            by_path.setdefault(path, {})[arm] = value, field
    rows = []
    for path, found in by_path.items():
        values = {repr(value): None for value, _ in found.values()}
        shared = len(values) == 1 and len(found) == len(scenario.arms)
        for arm, (value, field) in [("", next(iter(found.values())))] if shared else found.items():
            some_arm = arm or next(iter(found))
            source, confidence = origin(scenario, path, value, field, some_arm)
            words = _shown_at(scenario.arms[some_arm], path, value, field)
            default = shown(_default_at(path, field), declared(field)["unit"])
            rows.append(Row(f"arms.{arm}.{path}" if arm else path, words, confidence, source, default=default))
    return rows


def _default_at(path: str, field: FieldInfo) -> Any:
    """The default of a number, by its name where it stands in a mapping."""
    default = default_of(field)
    return default.get(path.rpartition(".")[2]) if isinstance(default, dict) else default


def _shown_at(settings: Settings, path: str, value: Any, field: FieldInfo) -> str:
    return shown(value, unit_of(settings, path) or declared(field)["unit"])


def origin(scenario: Scenario, path: str, value: Any, field: FieldInfo, arm: str = "") -> tuple[str, str]:
    """Source and confidence of a value: what the file or a preset states, else the schema's if the value is its."""
    written = as_written(path, scenario.parts)
    if written != path and ".secretion.by_type." in path and at_path(scenario.tree, written) is None:
        return OTHER_SOURCE, "design"
    path = written
    if at_path(scenario.tree["arms"].get(arm), path) is not None:
        path = f"arms.{arm}.{path}"
    if path in scenario.sources:
        return scenario.sources[path]
    extra = declared(field)
    if extra["source"] == DESIGN:
        return DESIGN, "design"
    if value == _default_at(path, field):
        return extra["source"], extra["confidence"]
    return UNSTATED, "assumed"


# -------------------------------------------------------------------------------------------------- what is assumed


def assumed(scenario: Scenario) -> list[Row]:
    """Biology without a source that acts in some arm: what to sweep before believing a result."""
    rows: dict[str, Row] = {}
    for arm, settings in scenario.arms.items():
        for path, value, field in numbers_of(settings):
            source, confidence = origin(scenario, path, value, field, arm)
            if confidence == "assumed" and _acts(settings, path, value):
                rows.setdefault(path, Row(path, _shown_at(settings, path, value, field), confidence, source))
    return list(rows.values())


def _acts(settings: Settings, path: str, value: float) -> bool:
    """Whether a number changes this run: it is not at rest, and what it shapes is there."""
    group, name, *below = (*path.split("."), "")
    key = ".".join(below).rstrip(".")
    if at_rest(key, value):
        return False
    if group == "factors":
        return _factor_acts(settings.factors[name], key, settings)
    if group == "drugs":
        return _drug_acts(settings, name, key)
    if group == "body":
        several = len(settings.tissues) > 1 and settings.body.fluctuation > 0.0
        return {"systemic_share": several, "blood_volume": _circulates(settings)}.get(name, True)
    if group == "markers":
        return False
    if group == "outcomes":
        return len(settings.outcomes[name].weights) > 1
    return group != "tissues" or _tissue_acts(settings.tissues[name], key, settings)


def _circulates(settings: Settings) -> bool:
    return any(factor.blood is not None for factor in settings.factors.values())


def at_rest(key: str, value: float) -> bool:
    """Whether a value stands for nothing at all: a multiplier of 1, no limit, else 0."""
    multiplies = (
        key.endswith((".susceptibility", "repair.reach", "bioavailability", ".q10"))
        or key == "found"
        or any(each in key for each in (".by_", "leak_by_tissue.", "tropism."))
        or key.startswith("penetration.")
    )
    return isinstance(value, (int, float)) and (value == (1.0 if multiplies else 0.0) or math.isinf(value))


NOT_WELL_MIXED = ("repair.", "contact.", "clearance.territory", "initial.since_onset", "pigment.")


def _tissue_acts(tissue: Tissue, key: str, settings: Settings) -> bool:
    kinds = {effect.kind for name in given(settings) for effect in settings.drugs[name].effects.values()}
    evasion = tissue.evasion
    if settings.mode == "well_mixed" and key == "cell_spacing":
        return tissue.volume is None and any(factor.blood for factor in settings.factors.values())
    if settings.mode == "well_mixed" and key.startswith(NOT_WELL_MIXED):
        return False
    if key in ("represents", "volume"):
        return len(settings.tissues) > 1 or _circulates(settings)
    if key == "initial.since_onset":
        return tissue.initial.burden > 0
    if key == "contact.mature_after":
        return tissue.contact.hazard > 0
    if key == "clearance.recovery":
        return "kill_immune" in kinds or any(factor.ages_immunity for factor in settings.factors.values())
    if key.startswith("evasion.by_cause"):
        return any((evasion.immune, evasion.immune_per_year, evasion.drug, evasion.drug_per_year))
    if key.startswith("evasion.drug"):
        return "kill_senescent" in kinds
    if key.startswith("repair."):
        emptied = any(event.kind in ("wound", "removal") for event in settings.events.values())
        cleared = tissue.guarded or tissue.clearance.own_death > 0
        return cleared or emptied or bool(kinds & {"kill_senescent", "kill_healthy"})
    if key.startswith("patrols."):
        return _patrol_acts(tissue.patrols[key.split(".")[1]], key)
    return (len(tissue.cell_types) > 1 and not tissue.layers) or not key.endswith(".fraction")


def _patrol_acts(patrol: Patrol, key: str) -> bool:
    called = patrol.recruitment is not None and (patrol.recruitment.basal > 0 or patrol.recruitment.max_rate > 0)
    if patrol.density == 0 and not called:
        return False
    if key.endswith((".half_max", ".power")):
        return patrol.recruitment is not None and patrol.recruitment.max_rate > 0
    return True


def _factor_acts(factor: Factor, key: str, settings: Settings) -> bool:
    tissues = settings.tissues.values()
    mean_field = any(tissue.clearance.max_rate > 0 for tissue in tissues)
    works = (factor.induction, factor.cargo, factor.inhibits_repair, factor.boosts_repair)
    on_immunity = (factor.jams_immunity, factor.ages_immunity) if any(tissue.guarded for tissue in tissues) else ()
    leads = (each.follows for tissue in tissues for each in tissue.patrols.values() if each.follows is not None)
    wakes = (name for tissue in tissues if tissue.pigment for name in tissue.pigment.activated_by)
    followed = any(settings.factors.get(name) is factor for name in (*leads, *wakes))
    attracts = factor.attracts_immunity if mean_field else None
    if not followed and all(each is None for each in (*works, *on_immunity, attracts)):
        return False
    group = key.split(".")[0]
    if group in ("jams_immunity", "attracts_immunity", "ages_immunity"):
        return mean_field or (group != "attracts_immunity" and bool(on_immunity))
    if key.startswith("affinity."):
        return factor.cargo is not None or factor.capture > 0
    return key not in ("diffusivity", "reach") or factor.transport == "diffusion"


def _drug_acts(settings: Settings, name: str, key: str) -> bool:
    drug = settings.drugs[name]
    courses = [each for each in settings.treatments.values() if each.drug == name and each.amount > 0]
    group, effect = (*key.split("."), "")[:2]
    if not courses or (group == "effects" and effect in idle_effects(settings, name)):
        return False
    return is_read(key, {route_of(each, drug) for each in courses})


def is_read(key: str, routes: Collection[str]) -> bool:
    """Whether a number of a drug is read when it is given by these routes."""
    return key not in READ_BY_ROUTE or READ_BY_ROUTE[key] in routes


# ------------------------------------------------------------------------------------------------------------ text

MARKDOWN_HEAD = """# Parameters

Generated by `senodrift ledger --markdown > docs/parameters.md`; a test keeps it true. Every number of a scenario file,
where it comes from, and how far to trust it. In a path, `*` stands for a name that you choose or a place in a list.

Confidence: **measured** (in the cited experiment), **secondary** (quoted from a review or read from a range),
**computed** (derived or fitted here), **ASSUMED** (no source: sweep it before you believe what depends on it), *design*
(a choice of the experimenter, not a fact of biology).
"""


def as_markdown() -> str:
    """The ledger as the page docs/parameters.md."""
    parts = [MARKDOWN_HEAD]
    for path, section in sections():
        rows = schema_rows(path, section)
        if rows:
            words = " ".join((section.__doc__ or "").split())
            parts.append(f"## {f'`{path}`' if path else 'Scenario'}\n\n{words}\n\n{_markdown(rows)}")
    for group in BUNDLED:
        for name, values in library(group).items():
            head = f"## Library {group[:-1]} `{name}`\n\n{values['description']}."
            parts.append(f"{head}\n\n{_markdown(library_rows(group, name))}")
    return "\n".join(parts)


def _markdown(rows: list[Row]) -> str:
    full = any(row.description for row in rows)
    head = ["key", *(["meaning", "range"] if full else []), "default" if full else "value", "confidence", "source"]
    lines = [head, ["---"] * len(head)]
    marks = {"assumed": "**ASSUMED**", "design": "*design*"}
    for row in rows:
        middle = [row.description, row.range] if full else []
        source = "" if row.source == DESIGN else row.source
        lines.append(
            [f"`{row.path.rpartition('.')[2] if full else row.path}`", *middle, row.value,
             marks.get(row.confidence, row.confidence), source]
        )  # fmt: skip
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def as_table(scenario: Scenario | None = None) -> str:
    """The ledger for the terminal, a line per number: of the schema and the library, or of a scenario."""
    if scenario is not None:
        return _table(f"{scenario.name}: every number in it", scenario_rows(scenario))
    numeric = {path for path, field in fields() if number_in(field.annotation) is not None}
    rows = [row for path, section in sections() for row in schema_rows(path, section) if row.path in numeric]
    parts = [_table("What a scenario may say, and what holds if it says nothing", rows)]
    parts += [
        _table(f"Library {group[:-1]} {name}", library_rows(group, name))
        for group in BUNDLED
        for name in library(group)
    ]
    return "\n\n".join(parts)


def _table(title: str, rows: list[Row]) -> str:
    paths, values = max(len(row.path) for row in rows), max(len(row.value) for row in rows)
    ranges = max(len(row.range) for row in rows)
    lines = []
    for row in rows:
        confidence = "ASSUMED" if row.confidence == "assumed" else row.confidence
        source = "" if row.source == DESIGN else row.source
        span = f"{row.range:<{ranges}}  " if ranges else ""
        lines.append(f"{row.path:<{paths}}  {row.value:<{values}}  {span}{confidence:<9}  {source}".rstrip())
    return "\n".join([title, "", *lines])
