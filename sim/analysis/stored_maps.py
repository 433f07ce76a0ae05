"""Stored maps: the codes of states, and which maps may be compared site by site."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sim.results import Results
from sim.scenario.quantity import to_unit

HEALTHY, SENESCENT, CLEARED, SCARRED, ABSENT = range(5)  # codes of the layer `state`
MOST_DAYS = 6  # columns of a figure of maps, where nobody has asked for the days one by one


def places_known(results: Results, tissue: str, replicate: int) -> bool:
    """Whether the table of sites is about this replicate: not where cells are packed anew in each."""
    cloud = ((results.scenario.get("tissues") or {}).get(tissue) or {}).get("cloud") or {}
    return replicate == 0 or cloud.get("packing") is None


def shared_replicates(results: Results, arm: str, baseline: str, tissue: str, layer: str = "state") -> list[int]:
    """Replicates with maps of a layer in both arms; of cells packed anew in each replicate, the first only."""
    kept = set(results.map_keys)
    both = [r for a, r, t in results.map_keys if a == arm and t == tissue and (baseline, r, tissue) in kept]
    both = [r for r in sorted(both) if places_known(results, tissue, r)]
    has_layer = all(layer in results.maps(each, both[0], tissue) for each in (arm, baseline)) if both else False
    return both if has_layer else []


def evenly(days: Sequence[float], most: int) -> list[float]:
    """At most so many of the days, evenly chosen, the first and the last among them."""
    places = np.linspace(0, len(days) - 1, min(most, len(days))).round().astype(int)
    return [days[place] for place in places]


def days_shown(results: Results, stored: Sequence[float], among: Sequence[float] | None = None) -> list[float]:
    """Days of the `stored` maps that a figure has room for: those of ``record.days``, or six of the frames of a movie.

    Parameters
    ----------
    results : Results
        With the scenario, whose ``record.days`` are the days that somebody asked for.
    stored : sequence of float
        Days with a map, in order.
    among : sequence of float, optional
        Those of them that have something to show; all if not given.
    """
    among = list(stored if among is None else among)
    if len(among) <= MOST_DAYS:
        return among
    asked = {_first_from(day, stored) for day in _asked(results)}
    return [day for day in among if day in asked] or evenly(among, MOST_DAYS)


def _asked(results: Results) -> list[float]:
    """Days of ``record.days``, of all arms together [d]."""
    arms: dict[str, Any] = results.scenario.get("arms") or {}
    records = [(each or {}).get("record") or {} for each in (results.scenario, *arms.values())]
    return [to_unit(day, "d") for record in records for day in record.get("days") or ()]


def _first_from(day: float, stored: Sequence[float]) -> float | None:
    """The map that was kept for a day: that of the first step on or after it; the last one where it lies beyond."""
    return next((each for each in stored if each >= day - 1e-9 * (1.0 + abs(day))), stored[-1])
