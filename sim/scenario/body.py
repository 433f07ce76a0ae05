"""The schema of the body as a whole: what all tissues of an individual share, and when it dies."""

from __future__ import annotations

import math

from pydantic import Field

from sim.scenario.section import Section, param


class OtherDeaths(Section):
    """Deaths that have nothing to do with senescent cells: a hazard that doubles again and again (Gompertz)."""

    rate: float = param(..., "hazard at age 0", unit="1/d", low=0, high=10, source="no source", confidence="assumed")
    doubling_time: float = param(
        math.inf,
        "age in which the hazard doubles (or: forever, a constant hazard)",
        unit="d",
        above=0,
        source="no source; all deaths of mice together: 0.23 yr (SCIENCE.md 1c)",
        confidence="assumed",
    )


class Death(Section):
    """Death of the individual by its burden of senescent cells (Karin 2019)."""

    burden: float = param(
        17.0,
        "whole-body burden at which the individual dies",
        unit="%",
        above=0,
        high=100,
        source="SCIENCE.md 1: Xc of the mouse (Karin 2019, Fig. 4b)",
        confidence="measured",
    )
    steepness: float | None = param(
        None,
        "hazard 1 / (1 + exp(-steepness (burden - Xc))) per day instead of death at the threshold",
        unit="1/%",
        above=0,
        high=1e3,
        source="Karin 2019, Fig. 4c: form of the hazard; no number in our notes",
        confidence="assumed",
    )
    other: OtherDeaths | None = Field(default=None, description="deaths by other causes (nothing: none)")


class Circulation(Section):
    """Patrols of one kind in the blood, whom all tissues share."""

    number: float = param(
        ...,
        "cells of this kind in the blood at rest; recruitment is in proportion to how many of them are there",
        unit="cells",
        above=0,
        high=1e14,
        source="no source",
        confidence="assumed",
    )
    renewal: float = param(
        7.0,
        "time constant with which the blood is filled up again (forever: not at all)",
        unit="d",
        above=0,
        source="no source",
        confidence="assumed",
    )


class Body(Section):
    """What befalls the whole individual."""

    fluctuation: float = param(
        0.0,
        "day-to-day fluctuation of burden: a random walk whose variance grows by twice this a day",
        unit="%^2/d",
        low=0,
        high=100,
        source="SCIENCE.md 10b: eps 0.098 (fitted), Karin 2019: 0.16; 0 is none",
        confidence="assumed",
    )
    systemic_share: float = param(
        1.0,
        "share of the variance of the fluctuation that all tissues have in common; each has the rest for itself",
        unit="1",
        low=0,
        high=1,
        source="no source; Cherqui 2025 (secondary): little correlation across organs",
        confidence="assumed",
    )
    blood_volume: float = param(
        1800.0,
        "volume of blood in which factors circulate",
        unit="mm^3",
        above=0,
        high=1e8,
        source="from memory: 70 to 80 ml per kg of a mouse of 25 g",
        confidence="assumed",
    )
    circulation: dict[str, Circulation] = param({}, "patrols that circulate, by their name in tissues.X.patrols")
    death: Death | None = Field(default=None, description="when the individual dies (nothing: never)")
