"""The schema of what a factor does besides inducing senescence: to immune cells and to repair."""

from __future__ import annotations

from sim.scenario.section import Section, param


class Jamming(Section):
    """A factor at this level halves what it acts on."""

    half_max: float = param(
        20.0,
        "level (percent burden) that halves the process",
        unit="1",
        above=0,
        high=1e6,
        source="no source",
        confidence="assumed",
    )


class ImmuneAgeing(Section):
    """A factor by which immune cells turn senescent and are lost to clearance: rate hill(mean level of the tissue)."""

    max_rate: float = param(
        0.05,
        "rate at saturation (k_imm)",
        unit="1/d",
        low=0,
        high=100,
        source="no source: direction from Zubova 2026",
        confidence="assumed",
    )
    half_max: float = param(
        10.0,
        "mean level (percent burden) of half that rate",
        unit="1",
        above=0,
        high=1e6,
        source="no source",
        confidence="assumed",
    )
    power: float = param(
        2.0, "steepness of the Hill response", unit="1", above=0, high=20, source="no source", confidence="assumed"
    )


class Boost(Section):
    """A factor that speeds a process up: 1 + max hill(level)."""

    max: float = param(
        2.0,
        "what is added at saturation, in multiples of the rate itself",
        unit="1",
        low=0,
        high=1e3,
        source="SCIENCE.md 10b, wound: boost 2, chosen to meet row 24",
        confidence="computed",
    )
    half_max: float = param(
        5.0,
        "level (percent burden) of half of it",
        unit="1",
        above=0,
        high=1e6,
        source="SCIENCE.md 10b, wound: half-max 5 %, chosen to meet row 24",
        confidence="computed",
    )
    power: float = param(1.0, "Hill power", unit="1", above=0, high=20, source="no source", confidence="assumed")


class Attraction(Section):
    """A chemoattractant: clearance is multiplied by basal + (1 - basal) level / (half_max + level)."""

    half_max: float = param(
        1.0,
        "level (percent burden) at which half of the attracted cells come",
        unit="1",
        above=0,
        high=1e6,
        source="no source",
        confidence="assumed",
    )
    basal: float = param(
        0.5,
        "share of clearance that needs no attraction",
        unit="1",
        low=0,
        high=1,
        source="CCL2 neutralisation delays clearance, does not abolish it (Iannello 2013); size unknown",
        confidence="assumed",
    )
