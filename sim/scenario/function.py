"""The schema of what a tissue can do, and of what is measured on the whole individual."""

from __future__ import annotations

from pydantic import field_validator

from sim.scenario.section import Section, param

QUALITY_LOST = "quality_lost"  # of the healthy cells, in percent, by what they have taken up
DRIVERS = ("burden", "vacant", "scarred", QUALITY_LOST)  # besides the factors, by their mean level


class Influence(Section):
    """The rate at which a driver erodes a function, or builds it up: max_rate hill(driver)."""

    max_rate: float = param(
        0.01, "rate at saturation", unit="1/d", low=0, high=1e3, source="no source", confidence="assumed"
    )
    half_max: float = param(
        10.0,
        "driver (percent of the cells, or level of a factor) of half the rate",
        unit="1",
        above=0,
        high=1e6,
        source="no source",
        confidence="assumed",
    )
    power: float = param(1.0, "Hill power", unit="1", above=0, high=20, source="no source", confidence="assumed")


class Function(Section):
    """What a tissue can do, or what it lays down, between 0 and 1: it goes to rest; burden and factors drive it."""

    description: str = param("", "the function in words")
    recovery: float = param(
        0.02,
        "rate at which it goes to its rest",
        unit="1/d",
        low=0,
        high=1e3,
        source="no source",
        confidence="assumed",
    )
    rest: float = param(
        1.0,
        "where it goes by itself: 1 for what a tissue can do, 0 for what it should not have (scar matrix)",
        unit="1",
        low=0,
        high=1,
        source="definition: all of what the tissue can do",
        confidence="computed",
    )
    losses: dict[str, Influence] = param(
        {}, "what erodes it: burden, vacant, scarred, quality_lost (of healthy cells), or a factor by its mean level"
    )
    gains: dict[str, Influence] = param({}, "what builds it up, by the same names")


class Outcome(Section):
    """What is measured on the individual: a weighted mean of functions, or of what they lack."""

    description: str = param("", "the measurement in words")
    weights: dict[str, float] = param(
        ...,
        "weight of each function, as TISSUE.FUNCTION (weights are scaled to sum to 1)",
        unit="1",
        above=0,
        high=1e6,
        source="no source",
        confidence="assumed",
    )
    deficit: bool = param(False, "it counts what functions lack (frailty), not what they have")
    scale: float = param(
        1.0, "its value where all functions are whole (or, of a deficit, lost)", unit="1", above=0, high=1e9
    )
    unit: str = param("", "unit of that value, for axes")

    @field_validator("weights", mode="after")
    @classmethod
    def _some(cls, value: dict[str, float]) -> dict[str, float]:
        if not value:
            raise ValueError("must name at least one function, got {}")
        return value
