"""Which of the counted causes turned cells senescent, and which removed, replaced or healed them."""

from __future__ import annotations

from collections.abc import Iterator

from sim.results import Results

REMOVALS = ("nothing", "immune", "own_death", "patrols", "fluctuation_loss", "repaired", "scarred")
TAKEN_FROM_SENESCENT = ("immune", "own_death", "patrols", "fluctuation_loss")
BY_DRUGS = ("killed_by_", "off_target_", "reversed_by_")  # before the name of a drug


def turning_causes(results: Results) -> list[str]:
    """Causes counted in the tables (columns ``cum_CAUSE``) that made cells senescent, in the order of the tables."""
    lesions = set(_removed_lesions(results))
    counted = [name.removeprefix("cum_") for name in results.timeseries if name.startswith("cum_")]
    return [name for name in counted if name not in REMOVALS and name not in lesions and not name.startswith(BY_DRUGS)]


def removal_columns(results: Results) -> list[str]:
    """Columns ``new_CAUSE`` of what took single senescent cells: immune cells, patrols, own death, drugs, chance.

    Known by name alone; what wounds, grafts and removed lesions take at once is not among them.
    """
    of_drugs = tuple(f"new_{deed}" for deed in ("killed_by_", "reversed_by_"))
    by_name = tuple(f"new_{cause}" for cause in TAKEN_FROM_SENESCENT)
    return [name for name in results.timeseries if name in by_name or name.startswith(of_drugs)]


def _removed_lesions(results: Results) -> Iterator[str]:
    """Names of the events that take senescent cells out, in the scenario or in an arm of it."""
    arms = (results.scenario.get("arms") or {}).values()
    for tree in (results.scenario, *(arm for arm in arms if arm)):
        for name, event in (tree.get("events") or {}).items():
            if event and event.get("kind") == "removal":
                yield name
