"""The schema of factors: how they travel, who secretes them, and what they do."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, field_validator, model_validator

from sim.scenario.action import Attraction, Boost, ImmuneAgeing, Jamming
from sim.scenario.blood import InBlood
from sim.scenario.response import Response
from sim.scenario.section import Section, param


class Secretion(Section):
    """How much of a factor a senescent cell gives off, over time since it turned and by what turned it."""

    strength: float = param(
        1.0,
        "secretion of a mature primary senescent cell, 1 = the unit of the factor",
        unit="1",
        low=0,
        high=1e6,
        source="definition of the unit (MODEL.md)",
        confidence="computed",
    )
    healthy: float = param(
        0.0,
        "share of the strength that a healthy cell gives off, by its type, at all times; drugs do not inhibit it",
        unit="1",
        low=0,
        high=1,
        source="no source",
        confidence="assumed",
    )
    delay: float = param(
        0.0,
        "time from turning senescent to the first secretion",
        unit="d",
        low=0,
        high=365,
        source="Martin 2023 default: no delay",
        confidence="assumed",
    )
    ramp: float = param(
        5.0,
        "time from the first to the full secretion, rising evenly",
        unit="d",
        low=0,
        high=365,
        source="Coppe 2008: 4-7 d to full SASP (SCIENCE.md 5b)",
        confidence="secondary",
    )
    duration: float = param(
        math.inf, "time of secretion after the delay", unit="d", above=0, source="no limit known", confidence="assumed"
    )
    by_cause: dict[str, float] = param(
        {"contact": 0.0},
        "multiplier per cause of senescence (contact: 0 unless stated, others: 1)",
        unit="1",
        low=0,
        high=1e3,
        source="juxtacrine cells are silent: Martin 2023, Acosta 2013",
        confidence="secondary",
    )
    by_type: dict[str, float] = param(
        {},
        "multiplier per cell type (others: 1)",
        unit="1",
        low=0,
        high=1e3,
        source="no source",
        confidence="assumed",
    )
    secondary: float = param(
        0.5,
        "multiplier for secondary cells (generation 1)",
        unit="1",
        low=0,
        high=1e3,
        source="SCIENCE.md 10: 0.5 (0.1-1)",
        confidence="assumed",
    )
    tertiary: float = param(
        0.0,
        "multiplier for later generations (seen only with generations: tracked)",
        unit="1",
        low=0,
        high=1e3,
        source="Acosta 2013: tertiary cells only slow",
        confidence="secondary",
    )

    @field_validator("by_cause", mode="after")
    @classmethod
    def _silent_contact(cls, value: dict[str, float]) -> dict[str, float]:
        return {"contact": 0.0, **value}


class Cargo(Section):
    """A remembered dose: taken up in proportion to affinity, lost with a memory time."""

    memory: float = param(
        3.0,
        "time constant with which the accumulated dose is lost",
        unit="d",
        above=0,
        high=3650,
        source="no source (SCIENCE.md 11)",
        confidence="assumed",
    )
    response: Response = param(..., "rate of turning senescent from the accumulated dose")


class CaptureKernel(Section):
    """Capture of ligands by cells around a source, after Martin, Schumacher and Chandra 2023."""

    emission: float = param(
        2887.0,
        "ligands given off by a cell per hour",
        unit="1",
        above=0,
        high=1e9,
        source="Martin 2023, model default in the published code (SCIENCE.md 2a)",
        confidence="assumed",
    )
    autocrine: float = param(
        0.033,
        "share captured by the source itself",
        unit="1",
        low=0,
        high=1,
        source="derived from Martin 2023 (SCIENCE.md 2a)",
        confidence="computed",
    )
    capture_length: float = param(
        763.0,
        "distance within which half of the others bind",
        unit="um",
        above=0,
        high=1e6,
        source="derived from Martin 2023: 1.1 D / (nu k_eff)",
        confidence="computed",
    )
    cell_radius: float = param(
        10.0,
        "radius of a cell",
        unit="um",
        above=0,
        high=100,
        source="Martin 2023, model default in the published code",
        confidence="assumed",
    )


ACTIONS = (
    "induction",
    "cargo",
    "jams_immunity",
    "inhibits_repair",
    "boosts_repair",
    "attracts_immunity",
    "ages_immunity",
)


class Factor(Section):
    """A secreted signal. One unit is its steady level at a uniform burden of 1 % mature primary senescent cells."""

    transport: Literal["diffusion", "kernel", "well_mixed"] = param("diffusion", "how the factor travels")
    diffusivity: float = param(
        20.0,
        "diffusivity in tissue",
        unit="um^2/s",
        above=0,
        high=1e8,
        source="SCIENCE.md 10: 20 (10-100)",
        confidence="secondary",
    )
    reach: float | None = param(
        None,
        "diffusion length sqrt(D / k): distance of an e-fold; sets the decay",
        unit="um",
        above=0,
        high=1e8,
        source="SCIENCE.md 10: 100 (30-400)",
        confidence="secondary",
    )
    decay_rate: float | None = param(
        None, "decay where no reach is given", unit="1/d", low=0, high=1e6, source="no source", confidence="assumed"
    )
    capture: float = param(
        0.0,
        "uptake per unit of mean affinity, added to the decay",
        unit="1/d",
        low=0,
        high=1e6,
        source="no source (SCIENCE.md 11)",
        confidence="assumed",
    )
    ventilation: float = param(
        0.0,
        "removal that is no part of the unit (a room that is aired, a tissue that is washed), added to the decay",
        unit="1/d",
        low=0,
        high=1e6,
        source="no source",
        confidence="assumed",
    )
    kernel: CaptureKernel | None = param(None, "the radial capture kernel of transport: kernel")
    blood: InBlood | None = param(None, "exchange with the blood, and so with other tissues (nothing: it stays)")
    precision: Literal["float32", "float64"] = param("float32", "precision of the field")
    secretion: Secretion = Field(default_factory=lambda: Secretion(), description="what senescent cells give off")
    induction: Response | None = param(None, "paracrine induction by the level of the factor")
    affinity: dict[str, float | dict[str, float]] = param(
        {},
        "uptake per cell type (others: 0); or per source (the type that gave it off) the uptake per cell type; each "
        "source then has a level, a dose and a cause of its own, FACTOR_from_SOURCE; doses of two sources do not add",
        unit="1",
        low=0,
        high=1e6,
        source="no source: hypothesis (Klabukov 2025)",
        confidence="assumed",
    )
    cargo: Cargo | None = param(None, "senescent drift: induction by the accumulated dose")
    jams_immunity: Jamming | None = param(None, "divides immune clearance by 1 + level / half_max")
    inhibits_repair: Jamming | None = param(None, "divides repair by 1 + level / half_max")
    boosts_repair: Boost | None = param(None, "multiplies repair by 1 + max hill(level); boosts of factors add")
    attracts_immunity: Attraction | None = param(None, "clearance needs it: chemoattractant of immune cells")
    ages_immunity: ImmuneAgeing | None = param(None, "immune cells are lost by it, and come back slowly")

    @model_validator(mode="after")
    def _consistent(self) -> Factor:
        if self.transport == "kernel" and self.kernel is None:
            raise ValueError("transport kernel needs the section kernel, got nothing")
        if self.transport != "kernel" and (self.reach is None) == (self.decay_rate is None):
            got = "neither" if self.reach is None else f"{self.reach:g} um and {self.decay_rate:g} 1/d"
            raise ValueError(f"must have exactly one of reach, decay_rate, got {got}")
        if self.transport == "well_mixed" and self.decay_rate is None:
            raise ValueError(f"transport well_mixed needs decay_rate, not reach, got reach {self.reach:g} um")
        if self.transport == "kernel" and (self.ventilation > 0.0 or self.secretion.healthy > 0.0):
            key = "ventilation" if self.ventilation > 0.0 else "secretion.healthy"
            got = f"{self.ventilation:g} 1/d" if self.ventilation > 0.0 else f"{self.secretion.healthy:g}"
            raise ValueError(f"transport kernel has no level at rest: {key} must be 0, got {got}")
        if self.cargo is not None and not self.affinity:
            raise ValueError("cargo needs affinity: a cell type that takes the factor up, got none")
        return self

    @model_validator(mode="after")
    def _by_source(self) -> Factor:
        if self.matrix and self.uptake:
            numbers, sources = ", ".join(self.uptake), ", ".join(self.matrix)
            raise ValueError(f"affinity must be told by source for all or for none, got {sources} and {numbers}")
        for action in ACTIONS if self.matrix else ():
            if action != "cargo" and getattr(self, action) is not None:
                raise ValueError(f"affinity by source must leave {action} to another factor, got both (levels of "
                                 "different sources do not add)")  # fmt: skip
        return self

    @property
    def matrix(self) -> dict[str, dict[str, float]]:
        """Affinity per cell type by source; empty where all sources are alike, and after `sim.scenario.matrix`."""
        return {source: row for source, row in self.affinity.items() if isinstance(row, dict)}

    @property
    def uptake(self) -> dict[str, float]:
        """Affinity per cell type, whatever the source."""
        return {kind: value for kind, value in self.affinity.items() if not isinstance(value, dict)}

    @property
    def acts(self) -> bool:
        """Whether it does anything to anybody."""
        return any(getattr(self, action) is not None for action in ACTIONS)

    @property
    def length(self) -> float:
        """Diffusion length [um]; infinite without decay."""
        if self.reach is not None:
            return self.reach
        return math.sqrt(self.diffusivity * 86400 / self.own_decay) if self.own_decay > 0 else math.inf

    @property
    def own_decay(self) -> float:
        """Decay without uptake [1/d]."""
        if self.reach is not None:
            return self.diffusivity * 86400 / self.reach**2
        return float(self.decay_rate or 0.0)
