"""The schema of immune clearance, and of the cells that evade it."""

from __future__ import annotations

from typing import Literal

from sim.scenario.section import Section, param


class Clearance(Section):
    """Immune clearance as a mean field: saturated removal (Karin 2019), jammed by factors."""

    max_rate: float = param(
        0.305,
        "beta: percent of the tissue removed per day at saturation",
        unit="%/d",
        low=0,
        high=1e4,
        source="docs/ageing.md: fitted to Karin 2019 and Ovadya 2018",
        confidence="computed",
    )
    perforin: float = param(
        1.0,
        "working share of the granule (perforin) route of killing: 1 in wild type, 0 in a perforin-null host",
        unit="1",
        low=0,
        high=1,
        source="wild type = 1 by definition",
        confidence="computed",
    )
    granule_share: float = param(
        0.5,
        "share of removal that takes the granule route; macrophages do the rest",
        unit="1",
        low=0,
        high=1,
        source="SCIENCE.md 9, row 14: half of beta; a choice that meets Ovadya 2018 (43 % at 24 months)",
        confidence="assumed",
    )
    half_saturation: float = param(
        0.432,
        "kappa: burden of half the maximal removal",
        unit="%",
        above=0,
        high=100,
        source="docs/ageing.md: fitted to Karin 2019 and Ovadya 2018",
        confidence="computed",
    )
    capacity: float = param(
        1.0,
        "working share of the immune cells",
        unit="1",
        low=0,
        high=1,
        source="young adult = 1 by definition",
        confidence="computed",
    )
    decline: float = param(
        0.0,
        "loss of the full capacity per year of immune age (capacity exp(-decline age))",
        unit="1/yr",
        low=0,
        high=100,
        source="SCIENCE.md 10: extra immune ageing 1 to 0.5, optional; 0 is none",
        confidence="assumed",
    )
    immune_age: float | None = param(
        None,
        "age at which immunity stands still (nothing: that of the host)",
        unit="d",
        low=0,
        high=1e5,
    )
    territory: float = param(
        300.0,
        "half-side of the box whose burden saturates removal (or: whole tissue)",
        unit="um",
        above=0,
        source="SCIENCE.md 10: 300 (200 to whole tissue)",
        confidence="computed",
    )
    saturation: Literal["territory", "body"] = param(
        "territory",
        "whose burden saturates removal: that of the territory, or of the whole body, whose tissues share immune cells",
    )
    recovery: float = param(
        14.0,
        "time constant with which immune cells that were lost come back (tau_C)",
        unit="d",
        above=0,
        high=3650,
        source="no source",
        confidence="assumed",
    )
    own_death: float = param(
        0.0,
        "rate at which senescent cells die by themselves",
        unit="1/d",
        low=0,
        high=100,
        source="no source",
        confidence="assumed",
    )

    def reads(self, field: str) -> bool:
        """The share of a route matters where the route is impaired."""
        return field != "granule_share" or self.perforin < 1.0


class Evasion(Section):
    """Shares of the cells that evade killing from the moment they turn senescent, for good."""

    immune: float = param(
        0.0,
        "share that immune cells do not remove, at age 0",
        unit="1",
        low=0,
        high=1,
        source="SCIENCE.md 10: 0.1 (0-0.3), a choice; 0 is none",
        confidence="assumed",
    )
    immune_per_year: float = param(
        0.0,
        "rise of that share per year of age",
        unit="1/yr",
        low=0,
        high=1,
        source="SCIENCE.md 4c: PD-L1+ share rises with age (Wang 2022), size unknown",
        confidence="assumed",
    )
    drug: float = param(
        0.0,
        "share that no drug kills, at age 0",
        unit="1",
        low=0,
        high=1,
        source="SCIENCE.md 4c: csV1B2+ cells resist (Freizus 2025), share unknown",
        confidence="assumed",
    )
    drug_per_year: float = param(
        0.0, "rise of that share per year of age", unit="1/yr", low=0, high=1, source="no source", confidence="assumed"
    )
    by_cause: dict[str, float] = param(
        {},
        "multiplier of both shares per cause of senescence (`others`: of all that are not named; 1 if not told)",
        unit="1",
        low=0,
        high=1e3,
        source="no source",
        confidence="assumed",
    )
