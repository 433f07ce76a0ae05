"""Which of the counted causes turned cells senescent, and which removed, replaced or healed them."""

from __future__ import annotations

from collections.abc import Iterator

from sim.results import Results
from sim.scenario.trees import Tree

REMOVALS = ("nothing", "immune", "own_death", "patrols", "fluctuation_loss", "repaired", "scarred")
TAKEN_FROM_SENESCENT = ("immune", "own_death", "patrols", "fluctuation_loss")
BY_DRUGS = ("killed_by_", "off_target_", "reversed_by_")  # before the name of a drug


def turning_causes(results: Results) -> list[str]:
    """Causes counted in the tables (columns ``cum_CAUSE``) that made cells senescent, in the order of the tables."""
    removals = {*REMOVALS, *_removed_lesions(results), *_own_removals(results)}
    counted = [name.removeprefix("cum_") for name in results.timeseries if name.startswith("cum_")]
    return [name for name in counted if name not in removals and not name.startswith(BY_DRUGS)]


def removal_columns(results: Results) -> list[str]:
    """Columns ``new_CAUSE`` of what took single senescent cells: immune cells, patrols, own death, drugs, chance.

    Own causes that do so are known by the scenario, all others by name. What wounds, grafts and removed lesions take at
    once is not among them.
    """
    of_drugs = tuple(f"new_{deed}" for deed in ("killed_by_", "reversed_by_"))
    by_name = {f"new_{cause}" for cause in (*TAKEN_FROM_SENESCENT, *_own_removals(results))}
    return [name for name in results.timeseries if name in by_name or name.startswith(of_drugs)]


def _removed_lesions(results: Results) -> Iterator[str]:
    """Names of the events that take senescent cells out."""
    return (name for name, event in _written(results, "events") if event.get("kind") == "removal")


def _own_removals(results: Results) -> Iterator[str]:
    """Names of the causes of one's own that remove or heal senescent cells."""
    written = _written(results, "own_causes")
    return (name for name, cause in written if cause.get("becomes", "senescent") != "senescent")


def _written(results: Results, group: str) -> Iterator[tuple[str, Tree]]:
    """What stands in a group (events, own causes) of the scenario, and then of its arms: names and settings."""
    arms = (results.scenario.get("arms") or {}).values()
    for tree in (results.scenario, *(arm for arm in arms if arm)):
        yield from ((name, each) for name, each in (tree.get(group) or {}).items() if each)
