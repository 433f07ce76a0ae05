"""The schema of patrols: immune cells that walk through a tissue, find senescent cells, kill, rest and tire."""

from __future__ import annotations

import math

from pydantic import Field, model_validator

from sim.scenario.section import Section, param


class Recruitment(Section):
    """How many patrols enter from the blood: a basal rate, and a saturating response to the factor they follow."""

    basal: float = param(
        0.0,
        "patrols that enter per 100 cells and day, whatever the tissue gives off",
        unit="%/d",
        low=0,
        high=1e3,
        source="no source",
        confidence="assumed",
    )
    max_rate: float = param(
        0.1,
        "patrols that enter besides per 100 cells and day at saturation",
        unit="%/d",
        low=0,
        high=1e3,
        source="no source",
        confidence="assumed",
    )
    half_max: float = param(
        10.0,
        "mean level (percent burden) of half of that",
        unit="1",
        above=0,
        high=1e6,
        source="no source",
        confidence="assumed",
    )
    power: float = param(
        1.0, "steepness of the Hill response", unit="1", above=0, high=20, source="no source", confidence="assumed"
    )


class Patrol(Section):
    """A kind of immune cell (NK cells, macrophages) that walks in continuous space; terms as in PhysiCell."""

    density: float = param(
        2.0,
        "patrols per 100 resident cells at the start",
        unit="%",
        low=0,
        high=1e3,
        source="SCIENCE.md 5b, from memory: dermal macrophages 50-150 /mm^2, with cells 15 um apart",
        confidence="assumed",
    )
    speed: float = param(
        1296.0,
        "speed of the walk",
        unit="um/d",
        low=0,
        high=1e6,
        source="SCIENCE.md 5b: macrophages 0.78-1.02 um/min, the middle; NK cells 2-10 um/min, from memory",
        confidence="secondary",
    )
    persistence_time: float = param(
        10 / 1440,
        "mean time between two turns (forever: straight ahead)",
        unit="d",
        above=0,
        source="no source",
        confidence="assumed",
    )
    migration_bias: float = param(
        0.0,
        "weight of the way up the factor that it follows when it turns; the rest is chance",
        unit="1",
        low=0,
        high=1,
        source="no source",
        confidence="assumed",
    )
    follows: str | None = param(None, "the factor whose gradient it climbs and whose mean level recruits it")
    reach: float = param(
        15.0,
        "distance at which it feels the centre of a cell",
        unit="um",
        above=0,
        high=1e5,
        source="about the sum of two cell radii",
        confidence="assumed",
    )
    attachment_time: float = param(
        60 / 1440,
        "time at a senescent cell before it kills or lets go",
        unit="d",
        low=0,
        high=365,
        source="SCIENCE.md 5b: PhysiCell, a default in code; 30-120 min from memory",
        confidence="assumed",
    )
    kill_probability: float = param(
        0.98,
        "chance that an attachment kills, with full immunity and no jamming",
        unit="1",
        low=0,
        high=1,
        source="SCIENCE.md 5b: 1 - exp(-0.067 1/min x 60 min) of PhysiCell, a default in code",
        confidence="assumed",
    )
    rest_time: float = param(
        0.125,
        "time after a kill in which it does not move",
        unit="d",
        low=0,
        high=365,
        source="SCIENCE.md 5b, from memory: 2-16 kills per active NK cell and day, so 1.5-12 h each",
        confidence="assumed",
    )
    exhausts_after: int | None = param(
        None,
        "kills after which it does nothing more (nothing: it never tires)",
        unit="1",
        low=1,
        high=10**6,
        source="no source",
        confidence="assumed",
    )
    lifespan: float = param(
        math.inf,
        "mean time until it leaves, working or not (forever: it stays)",
        unit="d",
        above=0,
        source="no source",
        confidence="assumed",
    )
    senescence_rate: float = param(
        0.0,
        "rate at which it turns senescent itself: it stays and does nothing more",
        unit="1/d",
        low=0,
        high=1e3,
        source="no source",
        confidence="assumed",
    )
    recruitment: Recruitment | None = Field(default=None, description="who enters later (nothing: nobody)")
    circulates: bool = param(
        False,
        "those of this name come from one pool in the blood (body.circulation), from all tissues, and return to it",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Patrol:
        if self.attachment_time + self.rest_time == 0:
            raise ValueError("attachment_time and rest_time must be more than 0 d together: a kill takes time, got 0 d")
        if self.migration_bias > 0 and self.follows is None:
            raise ValueError(f"migration_bias needs follows: the factor that leads, got {self.migration_bias:g} alone")
        if self.recruitment is not None and self.recruitment.max_rate > 0 and self.follows is None:
            raise ValueError("recruitment needs follows: the factor that calls, or max_rate: 0, got neither")
        if self.circulates and self.recruitment is None:
            raise ValueError("circulates needs recruitment: who comes from the blood, got none")
        return self

    @property
    def handling_time(self) -> float:
        """Time that an attachment takes in the mean, rest included [d], with full immunity and no jamming."""
        return self.attachment_time + self.kill_probability * self.rest_time
