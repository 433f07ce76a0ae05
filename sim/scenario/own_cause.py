"""A cause of one's own: what a rule that the package lacks may do to cells; the rule is in an engine of one's own."""

from __future__ import annotations

from typing import Literal

from sim.scenario.section import Section, param


class OwnCause(Section):
    """What becomes of the cells that a rule of one's own meets, and the numbers of the rule (docs/extending.md)."""

    becomes: Literal["senescent", "cleared", "healthy"] = param(
        "senescent", "what a cell becomes: senescent (of healthy ones), cleared or healthy (of senescent ones)"
    )
    numbers: dict[str, float] = param(
        {},
        "numbers of the rule by name, in the units that it takes",
        unit="1",
        low=-1e12,
        high=1e12,
        source="no source",
        confidence="assumed",
    )
