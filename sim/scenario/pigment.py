"""The schema of pigment: who makes melanin, what wakes them, whom they hand it to, and how dark that looks."""

from __future__ import annotations

from pydantic import Field, field_validator, model_validator

from sim.scenario.section import Section, param

NO_SOURCE = "no source (SCIENCE.md 7)"


class Activator(Section):
    """What one factor adds to the stimulus of melanocytes: c^n / (half_max^n + c^n), at most 1."""

    half_max: float = param(
        10.0, "level of half the stimulus", unit="1", above=0, high=1e6, source=NO_SOURCE, confidence="assumed"
    )
    power: float = param(1.0, "Hill power", unit="1", above=0, high=20, source=NO_SOURCE, confidence="assumed")


class Dendrites(Section):
    """How many dendrites a melanocyte has, and how far they reach: both grow evenly with its activation."""

    resting: float = param(
        2.0,
        "number at rest",
        unit="1",
        low=0,
        high=100,
        source="from memory: 2 (SCIENCE.md 7)",
        confidence="assumed",
    )
    activated: float = param(
        5.0,
        "number when fully active",
        unit="1",
        low=0,
        high=100,
        source="from memory: 4 to 6 (SCIENCE.md 7)",
        confidence="assumed",
    )
    resting_reach: float = param(
        40.0, "distance over which melanin is handed over, at rest", unit="um", above=0, high=500, source=NO_SOURCE,
        confidence="assumed",
    )  # fmt: skip
    activated_reach: float = param(
        60.0, "that distance when fully active", unit="um", above=0, high=500, source=NO_SOURCE, confidence="assumed"
    )

    @model_validator(mode="after")
    def _grow(self) -> Dendrites:
        for resting, activated in (("resting", "activated"), ("resting_reach", "activated_reach")):
            low, high = getattr(self, resting), getattr(self, activated)
            if high < low:
                raise ValueError(f"{activated} must be at least {resting} ({low:g}), got {high:g}")
        return self


class Lightness(Section):
    """Melanin to a lightness like the individual typology angle (ITA): darkest + (lightest - darkest) exp(-m/scale)."""

    lightest: float = param(
        60.0, "skin without melanin [degrees]", unit="1", low=-90, high=90,
        source="from memory: very light skin is above 55 degrees", confidence="assumed",
    )  # fmt: skip
    darkest: float = param(
        -50.0, "skin with any amount of melanin [degrees]", unit="1", low=-90, high=90,
        source="from memory: dark skin is below -30 degrees", confidence="assumed",
    )  # fmt: skip
    scale: float = param(
        4.0, "melanin, in multiples of that of resting skin, that takes 1 - 1/e of the way", unit="1", above=0,
        high=1e6, source="no source: a choice, resting skin has then 36 degrees", confidence="assumed",
    )  # fmt: skip


class Spot(Section):
    """How spots are read off: in squares, as an eye sees them, from above."""

    grain: float = param(
        100.0, "side of the squares in which melanin is averaged", unit="um", above=0, high=1e5,
        source="from memory: what an eye tells apart at reading distance; a choice", confidence="assumed",
    )  # fmt: skip
    threshold: float = param(
        1.5, "a square with more melanin than this multiple of resting skin belongs to a spot", unit="1", above=0,
        high=1e6, source="no source: a choice of the read-out", confidence="assumed",
    )  # fmt: skip
    tail: float = param(
        0.1, "share of the squares, the lightest and the darkest, between which contrast is told", unit="1", above=0,
        high=0.5, source="no source: a choice of the read-out", confidence="assumed",
    )  # fmt: skip


class Pigment(Section):
    """Melanocytes make melanin and hand it to keratinocytes, from where it is shed."""

    melanocytes: list[str] = param(["melanocyte"], "cell types that make melanin")
    keratinocytes: list[str] = param(["keratinocyte"], "cell types that take it over")
    activated_by: dict[str, Activator] = param({}, "factors that wake melanocytes, by name; what they do adds up")
    basal_stimulus: float = param(
        0.0, "stimulus that is always there (as of a hormone), added to that of factors", unit="1", low=0, high=100,
        source=NO_SOURCE, confidence="assumed",
    )  # fmt: skip
    k_on: float = param(
        0.5, "rate at which a stimulus of 1 wakes melanocytes", unit="1/d", low=0, high=1e3, source=NO_SOURCE,
        confidence="assumed",
    )  # fmt: skip
    k_off: float = param(
        0.2, "rate at which they come to rest", unit="1/d", above=0, high=1e3, source=NO_SOURCE, confidence="assumed"
    )
    dendrites: Dendrites = Field(default_factory=lambda: Dendrites(), description="what they hand melanin over with")
    synthesis: float = param(
        1.0, "melanin that a fully active melanocyte makes", unit="1/d", above=0, high=1e6,
        source="definition of the unit: tables and maps tell multiples of resting skin", confidence="computed",
    )  # fmt: skip
    basal_share: float = param(
        0.2, "share of it that a resting one makes", unit="1", above=0, high=1, source=NO_SOURCE, confidence="assumed"
    )
    transfer: float = param(
        0.5, "rate at which a melanocyte hands its melanin over", unit="1/d", above=0, high=1e3, source=NO_SOURCE,
        confidence="assumed",
    )  # fmt: skip
    degradation: float = param(
        0.25, "rate at which it breaks down what it keeps", unit="1/d", low=0, high=1e3, source=NO_SOURCE,
        confidence="assumed",
    )  # fmt: skip
    senescent_transfer: float = param(
        0.3, "share of the transfer that is left in a senescent melanocyte", unit="1", low=0, high=1,
        source="no source: direction from Park 2023 (SCIENCE.md 7)", confidence="assumed",
    )  # fmt: skip
    turnover: float = param(
        28.0, "mean time for which melanin stays in the epidermis", unit="d", above=0, high=3650,
        source="from memory: about 28 d, slower with age (SCIENCE.md 7)", confidence="assumed",
    )  # fmt: skip
    lightness: Lightness = Field(default_factory=lambda: Lightness(), description="how dark melanin looks")
    spot: Spot = Field(default_factory=lambda: Spot(), description="how spots are read off")

    @field_validator("melanocytes", "keratinocytes", mode="after")
    @classmethod
    def _some(cls, value: list[str]) -> list[str]:
        if not value:
            raise ValueError("must name at least one cell type, got []")
        return value

    @model_validator(mode="after")
    def _apart(self) -> Pigment:
        both = [kind for kind in self.melanocytes if kind in self.keratinocytes]
        if both:
            raise ValueError(f"keratinocytes must be other cell types than melanocytes, got {both[0]!r} in both")
        return self
