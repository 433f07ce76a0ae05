"""The library as a page to read: what each drug or marker does, and how far each of its numbers can be trusted."""

from __future__ import annotations

from sim.errors import ScenarioError, did_you_mean
from sim.scenario.doses import in_units_of_drugs, unit_of_effect
from sim.scenario.drug import Drug
from sim.scenario.ledger import Row, at_rest, is_read, library_rows, shown
from sim.scenario.library import library
from sim.scenario.section import declared, numbers_of
from sim.scenario.trees import at_path, strip_sources

EFFECTS = "effects."


def drugs_in_words() -> str:
    """All drugs of the library, one below the other; the last line counts what is assumed."""
    rows = {name: drug_rows(name) for name in library("drugs")}
    every = [row for each in rows.values() for row in each]
    keys, values = _widths(every)
    return "\n\n".join([*(_page(name, each, keys, values) for name, each in rows.items()), _guessed(every)])


def markers_in_words() -> str:
    """All markers of the library, every number with its source; the last line counts what is assumed."""
    rows = {name: library_rows("markers", name) for name in library("markers")}
    every = [row for each in rows.values() for row in each]
    keys, values = _widths(every)
    heads = {name: f"{name}: {library('markers')[name]['description']}" for name in rows}
    pages = ["\n".join([heads[name], *(_line_of(row, keys, values) for row in each)]) for name, each in rows.items()]
    return "\n\n".join([*pages, _guessed(every)])


def _guessed(rows: list[Row]) -> str:
    guessed = sum(row.confidence == "assumed" for row in rows)
    return f"{guessed} of {len(rows)} numbers are assumed: nobody measured them, so sweep them."


def library_in_lines(group: str) -> str:
    """A line per tissue or marker, or per drug with its route and what it does."""
    rows = [_line(group, name) for name in library(group)]
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(f"{cell:<{n}}" for cell, n in zip(row, wide, strict=True)).rstrip() for row in rows)


def _line(group: str, name: str) -> tuple[str, ...]:
    if group != "drugs":
        return name, library(group)[name]["description"]
    drug = library_drug(name)
    return name, drug.route, ", ".join(_effect(drug, each) for each in drug.effects)


def drug_in_words(name: str) -> str:
    """One drug of the library; ScenarioError with the nearest name where there is none."""
    known = library("drugs")
    if name not in known:
        near = did_you_mean(name, known) or f", known: {', '.join(known)}"
        raise ScenarioError(f"list drugs: unknown drug {name!r}{near}")
    rows = drug_rows(name)
    return _page(name, rows, *_widths(rows))


def library_drug(name: str) -> Drug:
    """A drug of the library as a scenario without an own word on it gets it."""
    values, _ = strip_sources(library("drugs")[name])
    return Drug.model_validate(in_units_of_drugs({"drugs": {name: values}})["drugs"][name])


def drug_rows(name: str) -> list[Row]:
    """A row per number of a library drug that acts when it is given as the drug says, also those of the schema."""
    values, sources = strip_sources(library("drugs")[name])
    drug = library_drug(name)
    rows = []
    for key, value, field in numbers_of(drug):
        if at_rest(key, value) or not is_read(key, (drug.route,)):
            continue
        extra = declared(field)
        source, confidence = sources.get(key, (extra["source"], extra["confidence"]))
        words = at_path(values, key)
        unit = unit_of_effect(drug, key) or extra["unit"]
        rows.append(Row(key, shown(value, unit) if words is None else str(words), confidence, source))
    return rows


def _cells(row: Row) -> tuple[str, str]:
    """Key and value as they are printed."""
    if not row.path.startswith(EFFECTS):
        return f"  {row.path}", row.value
    return f"    {row.path.split('.', 2)[2]}", row.value


def _widths(rows: list[Row]) -> tuple[int, int]:
    """Characters of the longest key and of the longest value."""
    keys, values = (max(len(text) for text in column) for column in zip(*map(_cells, rows), strict=True))
    return keys, values


def _line_of(row: Row, keys: int, values: int) -> str:
    key, value = _cells(row)
    confidence = "ASSUMED" if row.confidence == "assumed" else row.confidence
    return f"{key:<{keys}}  {value:<{values}}  {confidence:<9}  {row.source}".rstrip()


def _page(name: str, rows: list[Row], keys: int, values: int) -> str:
    drug = library_drug(name)
    lines = [f"{name}: {drug.route}, in {drug.unit}", f"  {drug.description}"]
    effect = ""
    for row in rows:
        if row.path.startswith(EFFECTS) and row.path.split(".")[1] != effect:
            effect = row.path.split(".")[1]
            lines.append(f"  {_effect(drug, effect)}")
        lines.append(_line_of(row, keys, values))
    return "\n".join(lines)


def _effect(drug: Drug, name: str) -> str:
    """``inhibit_secretion of SASP``."""
    effect = drug.effects[name]
    kind = "" if name == effect.kind else f" ({effect.kind})"
    return f"{name}{kind}{' of ' if effect.factors else ''}{', '.join(effect.factors)}"
