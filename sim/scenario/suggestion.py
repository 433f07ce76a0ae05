"""One change to a scenario that is worth a second run, because it makes a difference."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sim.scenario.event import Event
from sim.scenario.load import Scenario
from sim.scenario.places import extent_of, tissue_of
from sim.scenario.quantity import show
from sim.scenario.schema import Settings


def next_change(scenario: Scenario) -> str:
    """Options of `senodrift run`: half of a dose, an event of another size, else more replicates."""
    changes = (f'--set {key}="{value}"' for key, value in (*_other_doses(scenario), *_other_events(scenario)))
    return next(changes, f"--replicates {2 * scenario.common.replicates}")


def _other_doses(scenario: Scenario) -> Iterator[tuple[str, str]]:
    for arm, settings in scenario.arms.items():
        for name, treatment in settings.treatments.items():
            if treatment.amount > 0:
                unit = settings.drugs[treatment.drug].unit
                yield _key(scenario, arm, "treatments", name, "amount"), show(treatment.amount / 2, unit)


def _other_events(scenario: Scenario) -> Iterator[tuple[str, str]]:
    for arm, settings in scenario.arms.items():
        for name, event in settings.events.items():
            if event.n_cells is not None:
                yield _key(scenario, arm, "events", name, "n_cells"), show(event.n_cells / 2, "cells")
            elif 0 < event.radius < math.inf:
                yield _key(scenario, arm, "events", name, "radius"), show(_other_radius(event, settings), "um")


def _other_radius(event: Event, settings: Settings) -> float:
    """Twice the radius where that lies inside the tissue, else half of it [um]."""
    room = min(extent_of(settings.tissues[tissue_of(event, settings)])) / 2
    return event.radius * (2.0 if 2 * event.radius <= room else 0.5)


def _key(scenario: Scenario, arm: str, group: str, name: str, key: str) -> str:
    """The dotted path of a value of one arm: below the arm where that sets it."""
    own = scenario.tree["arms"].get(arm, {}).get(group, {}).get(name, {})
    common = scenario.tree.get(group, {}).get(name)
    return f"{group}.{name}.{key}" if common is not None and key not in own else f"arms.{arm}.{group}.{name}.{key}"
