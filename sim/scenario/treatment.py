"""The schema of treatments: a drug, a regimen and a route; fixed in advance or steered by what is read out."""

from __future__ import annotations

from pydantic import Field, model_validator

from sim.scenario.drug import Route
from sim.scenario.section import Section, param


class Adaptive(Section):
    """Doses of the regimen are given only while a read-out asks for them.

    The read-outs are ``burden`` (%), ``vacant`` (% of the sites), ``off_target`` (healthy cells lost to drugs so far,
    % of the sites), ``immune_capacity`` and ``mean_FACTOR``, as they stood at the last look before the dose.
    """

    outcome: str = param("burden", "the read-out that steers")
    treat_above: float = param(..., "treat from the look that finds more than this", unit="1", low=0, high=1e9)
    stop_below: float = param(..., "stop from the look that finds less than this", unit="1", low=0, high=1e9)
    toxicity: str | None = param(None, "a second read-out that forbids")
    skip_above: float | None = param(None, "skip a dose while toxicity is more than this", unit="1", low=0, high=1e9)
    tissue: str | None = param(None, "where both are read (may be left out where there is one tissue)")
    check_every: float | None = param(
        None, "time between looks (if not given: every step)", unit="d", above=0, high=3650
    )

    @model_validator(mode="after")
    def _consistent(self) -> Adaptive:
        if self.stop_below > self.treat_above:
            raise ValueError(f"stop_below must be at most treat_above ({self.treat_above:g}), got {self.stop_below:g}")
        if (self.toxicity is None) != (self.skip_above is None):
            got = f"skip_above {self.skip_above:g}" if self.toxicity is None else f"toxicity {self.toxicity}"
            raise ValueError(f"toxicity and skip_above need each other, got {got} alone")
        return self


class Treatment(Section):
    """A drug given to somebody: how much, when, by which route, and where."""

    drug: str = param(..., "a drug of this file or of the library")
    amount: float = param(..., "amount of one dose, in the unit of the drug", unit="1", low=0, high=1e12)
    start: float = param(0.0, "time of the first dose", unit="d", low=0, high=1e5)
    interval: float | None = param(None, "time from one course to the next", unit="d", above=0, high=1e5)
    additional_doses: int | None = param(None, "courses after the first", unit="1", low=0, high=10**6)
    until: float | None = param(
        None, "no dose from this day on (if not given: to the end)", unit="d", above=0, high=1e5
    )
    days_on: int = param(1, "doses of one course, one a day", unit="1", low=1, high=10**5)
    infusion_duration: float | None = param(
        None, "infusion: time over which a dose runs in", unit="d", above=0, high=3650
    )
    route: Route | None = param(None, "how it is given (if not given: as the drug says)")
    tissues: list[str] = param([], "the tissues that it is applied to (none named: all, by the blood)")
    adaptive: Adaptive | None = Field(None, description="give doses only while a read-out asks for them")

    @model_validator(mode="after")
    def _consistent(self) -> Treatment:
        if self.interval is None and (self.additional_doses or self.until is not None):
            key = "additional_doses" if self.additional_doses else "until"
            got = f"{self.additional_doses}" if self.additional_doses else f"{self.until:g} d"
            raise ValueError(f"{key} needs interval, the time from one course to the next, got {key} {got} alone")
        if self.additional_doses is not None and self.until is not None:
            raise ValueError("must have at most one of additional_doses, until, "
                             f"got {self.additional_doses} and {self.until:g} d")  # fmt: skip
        if self.interval is not None and self.days_on > 1 and self.days_on > self.interval:
            raise ValueError(f"days_on must fit into the interval of {self.interval:g} d, got {self.days_on}")
        if self.until is not None and self.until <= self.start:
            raise ValueError(f"until must be after start ({self.start:g} d), got {self.until:g} d")
        return self
