"""What a scenario may say, as a whole. Lengths in um, times in d, burdens in percent unless a field says otherwise."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, field_validator

from sim.scenario.body import Body
from sim.scenario.drug import Drug
from sim.scenario.environment import Environment
from sim.scenario.event import Event
from sim.scenario.factor import Factor
from sim.scenario.function import Outcome
from sim.scenario.individuals import Individuals
from sim.scenario.marker import Marker
from sim.scenario.own_cause import OwnCause
from sim.scenario.section import Section, param
from sim.scenario.tissue import Tissue
from sim.scenario.treatment import Treatment


class Record(Section):
    """What is written down, and when. Recording never changes a run."""

    every: float = param(1.0, "time between rows of the tables", unit="d", above=0, high=3650)
    maps: list[str] = param(
        [],
        "layers: state, cause, generation, type, cargo, quality, secondaries, melanin, activation, dendrites, "
        "or the name of a factor",
    )
    days: list[float] = param([], "days on which maps are kept", unit="d", low=0)
    maps_every: float | None = param(
        None, "a map every so often too, and on the last day: the frames of a movie", unit="d", above=0, high=3650
    )
    attribution: bool = param(False, "who made which cell senescent: shares by cause and a map of expected secondaries")
    patterns: bool = param(False, "statistics of the pattern in every row: clusters, Moran's I, front, connectivity")
    checkpoints: list[float] = param([], "days on which the whole state is kept, to branch from", unit="d", low=0)


class Stop(Section):
    """End a run early, when so many cells have turned senescent by one cause."""

    cause: str = param(..., "the cause that is counted")
    count: int = param(..., "the run ends after the step that reaches this count", unit="1", low=1, high=10**9)


class Settings(Section):
    """One arm of a scenario, complete."""

    question: str = param("", "what the scenario asks")
    qualitative: bool = param(False, "figures say that only directions are claimed")
    mode: Literal["tissue", "well_mixed"] = param(
        "tissue", "tissue: cells in space; well_mixed: one burden per individual, thousands of individuals at once"
    )
    days: float = param(..., "length of the run", unit="d", above=0, high=1e5)
    dt: float = param(0.5, "length of a step", unit="d", above=0, high=30)
    age_at_start: float = param(91.3125, "age of the host on day 0", unit="d", low=0, high=1e5)
    replicates: int = param(8, "runs per arm, numbered from 0", unit="1", low=1, high=10**6)
    seed: int = param(0, "key of all random numbers", unit="1", low=0, high=2**63)
    body: Body = Field(default_factory=lambda: Body(), description="what befalls the whole individual")
    individuals: Individuals = Field(default_factory=lambda: Individuals(), description="how individuals differ")
    environment: Environment | None = param(None, "temperature and oxygen, and the rates that they multiply")
    tissues: dict[str, Tissue] = param(..., "tissues by name")
    factors: dict[str, Factor] = param({}, "secreted signals by name")
    events: dict[str, Event] = param({}, "what happens to the tissue from outside, by name")
    drugs: dict[str, Drug] = param({}, "drugs by name; those of the library need no entry")
    treatments: dict[str, Treatment] = param({}, "who is given what, and when, by name")
    own_causes: dict[str, OwnCause] = param(
        {}, "what rules of your own do to cells, by name, for an engine of your own"
    )
    outcomes: dict[str, Outcome] = param({}, "what is measured on the whole individual, by name")
    markers: dict[str, Marker] = param({}, "stains by name, for `senodrift study`; those of the library need no entry")
    record: Record = Field(default_factory=lambda: Record(), description="what is written down")
    stop: Stop | None = param(None, "end a run early")
    generations: Literal["simple", "tracked"] = param(
        "simple", "simple: primary or secondary; tracked: every induced cell draws its sender"
    )
    sender_reach: float = param(500.0, "senders are sought within this distance", unit="um", above=0, high=1e5)

    @field_validator("tissues", mode="after")
    @classmethod
    def _some_tissue(cls, value: dict[str, Tissue]) -> dict[str, Tissue]:
        if not value:
            raise ValueError("must name at least one tissue, got {}")
        return value

    @property
    def n_steps(self) -> int:
        """Steps of the run; the last one reaches or passes the last day."""
        return math.ceil(self.days / self.dt - 1e-9)

    @property
    def map_days(self) -> list[float]:
        """Days on which maps are kept, in order."""
        every, days = self.record.maps_every, {*self.record.days}
        if every is not None:
            times = range(math.floor(self.days / every + 1e-9) + 1)
            days |= {time * every for time in times} | {self.n_steps * self.dt}
        return sorted(days)
