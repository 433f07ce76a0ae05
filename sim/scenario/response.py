"""The schema of responses: from the level of a factor, or a dose of it, to a rate."""

from __future__ import annotations

from pydantic import model_validator

from sim.scenario.section import Section, param


class Hill(Section):
    """Rate of turning senescent that saturates with the level of a factor."""

    max_rate: float = param(
        0.0021,
        "rate at saturation",
        unit="1/d",
        low=0,
        high=1e3,
        source="SCIENCE.md 10b: s 0.0213 1/d x half-max 10 % / 100",
        confidence="computed",
    )
    half_max: float = param(
        10.0,
        "level (percent burden) of half the rate",
        unit="1",
        above=0,
        high=1e6,
        source="SCIENCE.md 10b",
        confidence="computed",
    )
    power: float = param(2.0, "Hill power", unit="1", above=0, high=20, source="SCIENCE.md 10b", confidence="computed")


class Linear(Section):
    """Rate of turning senescent in proportion to the level of a factor."""

    rate: float = param(
        0.0, "rate per unit of the level", unit="1/d", low=0, high=1e3, source="no source", confidence="assumed"
    )


class PoissonTail(Section):
    """Rate of turning senescent: the chance that more than a threshold of ligands bind in an hour."""

    threshold: int = param(
        62,
        "ligands per hour that a cell bears without turning",
        unit="1",
        low=0,
        high=1000,
        source="Martin 2023, model default in the published code (SCIENCE.md 2a)",
        confidence="assumed",
    )
    rate: float = param(
        24.0,
        "rate when the threshold is surely passed",
        unit="1/d",
        low=0,
        high=1e4,
        source="Martin 2023: the chance per hour is used as a rate per hour",
        confidence="assumed",
    )


class Response(Section):
    """Level to rate: exactly one of `hill`, `linear`, `poisson_tail`."""

    hill: Hill | None = param(None, "saturating response")
    linear: Linear | None = param(None, "proportional response")
    poisson_tail: PoissonTail | None = param(None, "threshold response of single ligands")
    by_type: dict[str, float] = param(
        {},
        "multiplier of the response per cell type (others: 1)",
        unit="1",
        low=0,
        high=1e3,
        source="no source",
        confidence="assumed",
    )

    @model_validator(mode="after")
    def _one_of(self) -> Response:
        if sum(kind is not None for kind in (self.hill, self.linear, self.poisson_tail)) != 1:
            raise ValueError("must have exactly one of hill, linear, poisson_tail")
        return self
