"""What a click does, as an entry of a scenario; and a scenario with all that was done, as a file."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

from sim.app.live import Live
from sim.scenario.drug import Drug
from sim.scenario.library import library
from sim.scenario.load import Scenario
from sim.scenario.quantity import show, to_unit
from sim.scenario.trees import Tree, at_path, set_path, strip_sources
from sim.scenario.yaml_text import dump_yaml, parse_value

CLICKS = ("look", "graft", "wound", "removal")  # what a click on the map does; the last three are kinds of events


def do_here(live: Live, kind: str, tissue: str, site: int, radius: float | str, arm: str | None = None) -> str:
    """A graft, a wound or a removal around a site from now on; returns the path of its entry.

    The radius is in um, or a text as in a scenario.

    Raises
    ------
    ScenarioError
        If it cannot be; see `Live.act`.
    """
    patch = next(iter(live.runs.values())).simulation.patches[tissue]
    at = patch.geometry.positions()[site].tolist()
    return live.act("events", {"kind": kind, "tissue": tissue, "at": at, "radius": _as_typed(radius)}, arm)


def treat_now(live: Live, drug: str, amount: float | str, tissue: str, arm: str | None = None) -> str:
    """A dose of a drug now; one for the skin goes to `tissue`; returns the path of its entry.

    Raises
    ------
    ScenarioError
        If it cannot be; see `Live.act`.
    """
    entry: Tree = {"drug": drug, "amount": _as_typed(amount)}
    if drugs_of(live.scenario)[drug]["route"] == "topical":
        entry["tissues"] = [tissue]
    return live.act("treatments", entry, arm)


def _as_typed(value: float | str) -> float | str:
    """What stands in a field as a file says it: a number, or the text, of which the check says what is wrong."""
    read = parse_value(value) if isinstance(value, str) else value
    return read if isinstance(read, (int, float)) else value


def drugs_of(scenario: Scenario) -> dict[str, dict[str, str]]:
    """Unit, route and a usual amount by drug: those of the scenario, then those of the library."""
    of_arms = {name: drug for arm in scenario.arms.values() for name, drug in arm.drugs.items()}
    found = {name: {"unit": drug.unit, "route": drug.route, "amount": ""} for name, drug in of_arms.items()}
    for name, stored in library("drugs").items():
        plain, _ = strip_sources(stored)
        unit, route = (plain.get(key, Drug.model_fields[key].default) for key in ("unit", "route"))
        found.setdefault(name, {"unit": unit, "route": route, "amount": ""})
    for arm in scenario.arms.values():
        for treatment in arm.treatments.values():
            found[treatment.drug]["amount"] = f"{treatment.amount:g}"
    return found


def in_words(changes: Mapping[str, Any], scenario: Scenario) -> list[tuple[str, str]]:
    """Path of each change of a scenario and what it is, in words."""
    return [(path, _words(path, value, scenario)) for path, value in changes.items()]


def _words(path: str, value: Any, scenario: Scenario) -> str:
    parts = path.split(".")
    arm = f" in {parts[1]}" if parts[0] == "arms" else ""
    several = len(scenario.common.tissues) > 1
    if isinstance(value, dict) and "kind" in value:
        radius, at = to_unit(value["radius"], "um"), ", ".join(f"{x:g}" for x in value["at"])
        size = f"{radius:g} µm" if math.isfinite(radius) else "the whole tissue"
        of = f" of {value['tissue']}" if several else ""
        return f"day {value['day']:g}: {value['kind']} of {size} at {at} µm{of}{arm}"
    if isinstance(value, dict) and "drug" in value:
        unit = next(each.drugs[value["drug"]].unit for each in scenario.arms.values() if value["drug"] in each.drugs)
        on = f" on {', '.join(value['tissues'])}" if several and "tissues" in value else ""
        return f"day {value['start']:g}: {show(to_unit(value['amount'], unit), unit)} of {value['drug']}{on}{arm}"
    return f"{path} = {value}"


def as_file(scenario: Scenario) -> str:
    """A scenario as YAML: complete, with the source of every number that has one and was not changed."""
    tree = copy.deepcopy(dict(scenario.tree))
    for path, (source, confidence) in scenario.sources.items():
        value = at_path(tree, path)
        if value is not None and not isinstance(value, dict):
            set_path(tree, path, {"value": value, "source": source, "confidence": confidence})
    return dump_yaml(tree)
