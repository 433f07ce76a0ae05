"""The schema of what blood does with a factor."""

from __future__ import annotations

import math

from sim.scenario.section import Section, param


class InBlood(Section):
    """A factor that leaks from tissues into the blood, circulates, and enters tissues again."""

    leak: float = param(
        1.0,
        "exchange with the blood: share of a tissue's factor that leaks out per day",
        unit="1/d",
        low=0,
        high=1e6,
        source="no source (SCIENCE.md 11)",
        confidence="assumed",
    )
    leak_by_tissue: dict[str, float] = param(
        {},
        "multiplier of the exchange per tissue (others: 1; 0: not connected)",
        unit="1",
        low=0,
        high=1e6,
        source="no source",
        confidence="assumed",
    )
    half_life: float = param(
        0.0417,
        "time in which half of it is gone from the plasma (or: forever)",
        unit="d",
        above=0,
        source="no source: about an hour, from memory (SCIENCE.md 5a)",
        confidence="assumed",
    )
    tropism: dict[str, float] = param(
        {},
        "level in a tissue that a level of 1 in the blood would balance, by exchange alone (others: 1)",
        unit="1",
        low=0,
        high=1e6,
        source="no source: hypothesis (Klabukov 2025)",
        confidence="assumed",
    )

    def exchange(self, tissue: str) -> float:
        """Share of the factor in `tissue` that leaks out per day [1/d]."""
        return self.leak * self.leak_by_tissue.get(tissue, 1.0)

    @property
    def loss(self) -> float:
        """Rate at which it is lost from the plasma [1/d]."""
        return math.log(2.0) / self.half_life
