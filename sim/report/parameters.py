"""Parameters of a stored run with unit, source and confidence: those that are not the default, and all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from sim.errors import ScenarioError
from sim.results import Results
from sim.scenario.ledger import Row, assumed, scenario_rows
from sim.scenario.load import Scenario, from_dict

CONFIDENCES = {
    "measured": "in the cited experiment",
    "secondary": "quoted from a review, or read from a range",
    "computed": "derived or fitted here",
    "assumed": "no source: sweep it before you believe what depends on it",
}


def read_again(results: Results) -> tuple[Scenario | None, str]:
    """The scenario of the results with the sources that its file stated, or why it cannot be read."""
    try:
        scenario = from_dict(results.scenario, name=results.manifest["scenario"])
    except ScenarioError as error:
        return None, str(error)
    stated = results.manifest.get("sources", {})
    return replace(scenario, sources={path: (source, sure) for path, (source, sure) in stated.items()}), ""


class Parameters:
    """What the report says about the numbers of a scenario.

    Attributes
    ----------
    changed, design, rows : list of Row
        Biology that is not the default of the schema; choices of the experimenter; all of the biology. Rows that differ
        in one name only (a tissue, an arm) are one, with the names listed.
    counts : list of (confidence, number, meaning)
        Of all of the biology.
    n_assumed : int
        Numbers that are assumed and act in some arm.
    """

    def __init__(self, scenario: Scenario) -> None:
        rows = scenario_rows(scenario)
        biology = [row for row in rows if row.confidence != "design"]
        self.changed = gathered([row for row in biology if row.value != row.default])
        self.design = gathered([row for row in rows if row.confidence == "design" and row.value != row.default])
        self.rows = gathered(biology)
        found = Counter(row.confidence for row in biology)
        self.counts = [(name, found[name], words) for name, words in CONFIDENCES.items() if found[name]]
        self.n_assumed = len(assumed(scenario))


def gathered(rows: Sequence[Row]) -> list[Row]:
    """Rows that say the same of several names as one row: ``tissues.(muscle, spine).cell_spacing``."""
    groups: dict[tuple[str, ...], tuple[Row, list[str]]] = {}
    for row in rows:
        group, name, key = (*row.path.split(".", 2), "", "")[:3]
        same = (group, key, row.value, row.default, row.confidence, row.source)
        groups.setdefault(same if key else (row.path,), (row, []))[1].append(name)
    return [replace(row, path=_path(row.path, names)) for row, names in groups.values()]


def _path(path: str, names: list[str]) -> str:
    if len(names) == 1:
        return path
    group, _, key = path.split(".", 2)
    return f"{group}.({', '.join(names)}).{key}"
