"""What happens to a tissue from outside: grafts, wounds, irradiation, infection, the removal of a lesion."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from sim.scenario.section import Section, param

TURNING = ("wound", "irradiation", "infection")  # kinds that make a share of the cells senescent after a while
READ_BY = {
    "cells": ("graft",),
    "n_cells": ("graft",),
    "since_onset": ("graft",),
    "share": TURNING,
    "margin": ("wound",),
    "delay": TURNING,
    "duration": TURNING,
    "penetration_depth": ("irradiation",),
}  # all other fields are read by every kind


class Event(Section):
    """One thing that is done to a tissue on one day.

    `graft` puts cells in (healthy ones are the sham graft); `wound` clears a region and turns a share of its margin
    senescent; `irradiation` turns a share of the healthy cells, fewer with depth; `infection` turns a share while it
    lasts; `removal` takes the senescent cells of a region out.
    """

    kind: Literal["graft", "wound", "irradiation", "infection", "removal"] = param("graft", "what is done")
    day: float = param(
        0.0, "day from the start; it acts at the start of the step that holds it", unit="d", low=0, high=1e5
    )
    tissue: str | None = param(None, "the tissue (may be left out where there is one)")
    at: list[float] | Literal["centre"] = param("centre", "centre x, y (, z)", unit="um", low=0, high=1e7)
    radius: float = param(150.0, "all sites within this distance (or: whole tissue)", unit="um", low=0)
    n_cells: float | None = param(
        None,
        "graft: number of cells in the organ, instead of a radius; `represents` of the tissue says how many are seen",
        unit="cells",
        above=0,
        high=1e14,
    )
    cell_types: list[str] = param([], "only cells of these types (nothing: of all)")
    cells: str = param("senescent", "graft: `healthy TYPE` or `senescent TYPE`; without a type the cells keep theirs")
    since_onset: float = param(
        20.0,
        "graft: time since the senescent cells turned",
        unit="d",
        low=0,
        high=3650,
        source="irradiated preadipocytes: > 70 % by 20 d (Xu 2015)",
        confidence="secondary",
    )
    share: float = param(
        0.5,
        "wound, irradiation, infection: share of the margin or region (at the surface) that turns senescent",
        unit="1",
        low=0,
        high=1,
        source="half of a 5-cell margin (SCIENCE.md 10b, chosen to meet row 24)",
        confidence="computed",
    )
    margin: float = param(
        75.0,
        "wound: width of the margin of which a share turns senescent",
        unit="um",
        low=0,
        high=1e6,
        source="half of a 5-cell margin (SCIENCE.md 10b, chosen to meet row 24)",
        confidence="computed",
    )
    delay: float = param(
        1.0,
        "wound, irradiation, infection: time from the event to the first cell that turns",
        unit="d",
        low=0,
        high=3650,
        source="MODEL.md 2.3: the margin turns on days 1 to 4; Demaria 2014: p16+ cells by day 3",
        confidence="secondary",
    )
    duration: float = param(
        3.0,
        "wound, irradiation, infection: time over which cells turn, evenly",
        unit="d",
        low=0,
        high=3650,
        source="MODEL.md 2.3: the margin turns on days 1 to 4; Demaria 2014: p16+ cells by day 3",
        confidence="secondary",
    )
    penetration_depth: float | None = param(
        None,
        "irradiation: depth at which 1/e of the dose is left (nothing: it goes through)",
        unit="um",
        above=0,
        high=1e6,
        source="no source",
        confidence="assumed",
    )

    @field_validator("cells", mode="after")
    @classmethod
    def _state_and_type(cls, value: str) -> str:
        words = value.split()
        if not 1 <= len(words) <= 2 or words[0] not in ("healthy", "senescent"):
            raise ValueError(f"must be `healthy TYPE` or `senescent TYPE`, got {value!r}")
        return value

    def reads(self, field: str) -> bool:
        """Whether a field makes a difference for this kind of event."""
        if field == "since_onset":
            return self.senescent
        return self.kind in READ_BY.get(field, (self.kind,))

    @property
    def senescent(self) -> bool:
        """Whether a graft is of senescent cells."""
        return self.kind == "graft" and self.cells.split()[0] == "senescent"

    @property
    def induces(self) -> bool:
        """Whether cells become senescent by it."""
        return self.senescent or (self.kind in TURNING and self.share > 0.0)

    @property
    def cell_type(self) -> str | None:
        """The type of the grafted cells, or None where they keep the type of the site."""
        words = self.cells.split()
        return words[1] if self.kind == "graft" and len(words) == 2 else None
