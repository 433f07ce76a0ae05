"""Arms and doses: what each arm changes and what it was given, in sentences and rows."""

from __future__ import annotations

from typing import Any

from sim.analysis.treatment import dose_table
from sim.explain.calendar import calendar_words, changes_of, what_is_given
from sim.results import Results
from sim.scenario.load import Scenario


def arms_told(scenario: Scenario) -> list[tuple[str, str]]:
    """Every arm with what it changes against the common part, and the calendar of what it gives."""
    return [(arm, _told(scenario, arm)) for arm in scenario.arms]


def _told(scenario: Scenario, arm: str) -> str:
    settings = scenario.arms[arm]
    own = scenario.tree["arms"][arm].get("treatments") or {}
    changes = [each for each in changes_of(scenario, arm) if not each.startswith("treatment ")]
    sentences = [f"{'; '.join(changes)}."] if changes else []
    for name, treatment in settings.treatments.items():
        if name in own:
            sentences.append(f"{name}: {what_is_given(treatment, settings)}; {calendar_words(treatment, settings)}")
    return " ".join(sentences) or "The common part as it stands."


def doses_told(results: Results) -> list[dict[str, Any]]:
    """The rows of `dose_table` as words."""
    rows = []
    for row in dose_table(results).to_dict("records"):
        given = f"{row['most']}" if row["fewest"] == row["most"] else f"{row['fewest']} to {row['most']}"
        days = "never" if not row["most"] else f"{row['first']:g} to {row['last']:g}"
        days = f"{row['first']:g}" if row["most"] and row["first"] == row["last"] else days
        rows.append({**row, "amount": f"{row['amount']:g} {row['unit']}", "given": given, "days": days})
    return rows
