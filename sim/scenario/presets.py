"""Library values written into a scenario: tissues by `preset`, drugs and markers by `preset` or by their name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sim.errors import ScenarioError
from sim.scenario.library import BUNDLED, BY_NAME, library, preset
from sim.scenario.trees import Tree, at_path, merge, strip_sources

NO_PRESET = "none"  # a drug or marker that stands complete: also one that has the name of a bundled one
Sources = dict[str, tuple[str, str]]  # dotted path to source and confidence


def expand_presets(tree: Tree, sources: Sources) -> dict[str, str]:
    """Write presets out, in place; what the file says or removes wins. Returns ``drugs.NAME`` ... to the preset."""
    _enter_named_drugs(tree)
    presets = {}
    for group in BUNDLED:
        entries = mapping(tree.get(group))
        for name, entry in entries.items():
            chosen = _preset_of(group, name, entry)
            if chosen is not None:
                entries[name] = _expanded(f"{group}.{name}", group, chosen, entry, sources)
                presets[f"{group}.{name}"] = chosen
            if group in BY_NAME and isinstance(entry, dict):
                entries[name]["preset"] = NO_PRESET  # so that the resolved file reads back as it is
    return presets


def _preset_of(group: str, name: str, entry: Any) -> str | None:
    """The preset that an entry starts from, if any."""
    if not isinstance(entry, dict):
        return None
    stated: str | None = entry.get("preset")
    if group in BY_NAME:
        stated = stated or (name if name in library(group) else None)
        return None if stated == NO_PRESET else stated
    return stated


def _expanded(key: str, group: str, chosen: str, entry: Tree, sources: Sources) -> Tree:
    try:
        values, stated = strip_sources(preset(group, chosen))
    except ScenarioError as error:
        raise ScenarioError(f"{key}.preset: {error}") from None
    for leaf, origin in stated.items():
        if at_path(entry, leaf, nearest=True) is None:
            sources[f"{key}.{leaf}"] = origin
    return merge(values, {leaf: value for leaf, value in entry.items() if leaf != "preset"})


def _enter_named_drugs(tree: Tree) -> None:
    """Give every library drug that a treatment names, or that an arm changes, an entry in the common part."""
    named: dict[str, None] = {}
    for part in (tree, *mapping(tree.get("arms")).values()):
        for treatment in mapping(mapping(part).get("treatments")).values():
            named[str(mapping(treatment).get("drug"))] = None
        named.update(dict.fromkeys(name for name, entry in mapping(mapping(part).get("drugs")).items() if entry))
    wanted = [name for name in named if name in library("drugs")]
    if wanted and tree.get("drugs") is None:
        tree["drugs"] = {}
    drugs = mapping(tree.get("drugs"))
    drugs.update({name: {} for name in wanted if drugs.get(name) is None})


def odd_removals(tree: Tree) -> Iterator[str]:
    """Library drugs that the file removes, but that a treatment names: `expand_presets` brings them back."""
    parts = (tree, *mapping(tree.get("arms")).values())
    given = [mapping(each).get("drug") for part in parts for each in mapping(mapping(part).get("treatments")).values()]
    for name, entry in mapping(tree.get("drugs")).items():
        if entry is None and name in library("drugs") and name in given:
            yield f"drugs.{name}: is null, but a treatment gives it: the values of the library stand"


def mapping(value: Any) -> dict[str, Any]:
    """`value` where it is a mapping; what is none is the business of the validator."""
    return value if isinstance(value, dict) else {}
