"""The schema of drugs: how long they stay, how deep they get, and what they do to cells, signals and immunity."""

from __future__ import annotations

import math
from typing import Literal, get_args

from pydantic import model_validator

from sim.scenario.section import Section, param

EffectKind = Literal[
    "kill_senescent", "kill_healthy", "kill_immune", "inhibit_secretion", "neutralise", "block_uptake",
    "inhibit_response", "inhibit_induction", "raise_maintenance", "boost_immune", "unjam_immune", "boost_repair",
    "rejuvenate", "induce_senescence", "inhibit_melanin_synthesis", "inhibit_melanin_transfer",
]  # fmt: skip
KINDS: tuple[str, ...] = get_args(EffectKind)
HAZARDS = ("kill_senescent", "kill_healthy", "kill_immune", "rejuvenate", "induce_senescence")  # emax in 1/d
BOOSTS = ("neutralise", "boost_immune", "boost_repair")  # emax is a multiple, any size; all others are shares up to 1
ON_SENESCENT = ("kill_senescent", "inhibit_secretion", "rejuvenate")  # may depend on cause, generation, time
OF_SENESCENT = ("by_cause", "by_generation", "senescent_from", "senescent_until")  # read by these kinds only
ON_FACTORS = ("inhibit_secretion", "neutralise", "block_uptake", "inhibit_response")  # may name factors
ON_WHOLE_TISSUE = ("kill_immune", "neutralise")  # the same for all cells: cell types make no difference
ON_PIGMENT = ("inhibit_melanin_synthesis", "inhibit_melanin_transfer")
GENERATIONS = ("primary", "secondary", "later")
OTHERS = "others"  # the word for all names that a mapping leaves out; without it they have 1
Route = Literal["oral", "bolus", "infusion", "topical"]
READ_BY_ROUTE: dict[str, Route] = {
    "absorption_half_life": "oral", "bioavailability": "oral", "penetration_depth": "topical",
}  # fmt: skip


def scale(by_name: dict[str, float], name: str) -> float:
    """The multiplier of `name`: its own, else that of `others`, else 1."""
    return by_name.get(name, by_name.get(OTHERS, 1.0))


def _limit(what: str) -> dict[str, float]:
    return param({}, f"multiplier per {what} (others: 1, unless `others` says else)", unit="1", low=0, high=1e3,
                 source="no source", confidence="assumed")  # fmt: skip


class Effect(Section):
    """One thing that a drug does: emax C^n / (ec50^n + C^n), C the concentration at the cell, in the drug's unit."""

    kind: EffectKind = param(..., "what it acts on (if not given: the name of the effect)")
    emax: float = param(
        ...,
        "effect at saturation: a hazard (1/d), a share, or for boosts and neutralise a multiple",
        unit="1",
        low=0,
        high=1e4,
        source="no source",
        confidence="assumed",
    )
    ec50: float = param(
        ...,
        "concentration of half the effect, in the unit of the drug",
        unit="1",
        above=0,
        high=1e12,
        source="no source",
        confidence="assumed",
    )
    power: float = param(1.0, "Hill power", unit="1", above=0, high=20, source="no source", confidence="assumed")
    factors: list[str] = param([], "the factors it acts on (none named: all)")
    time_constant: float = param(
        0.0,
        "time constant with which the effect follows the drug, and is lost when it is gone",
        unit="d",
        low=0,
        high=3650,
        source="SCIENCE.md 10: 2 d (1-10 d) for a senomorphic, a choice; 0 is no lag",
        confidence="assumed",
    )
    by_tissue: dict[str, float] = _limit("tissue")
    by_type: dict[str, float] = _limit("cell type")
    by_cause: dict[str, float] = _limit("cause of senescence")
    by_generation: dict[str, float] = _limit("generation: primary, secondary, later")
    senescent_from: float = param(
        0.0, "acts on cells senescent for at least this time", unit="d", low=0, high=1e5, source="no source",
        confidence="assumed",
    )  # fmt: skip
    senescent_until: float = param(
        math.inf, "acts on cells senescent for less than this time", unit="d", above=0, source="no source",
        confidence="assumed",
    )  # fmt: skip

    @model_validator(mode="after")
    def _consistent(self) -> Effect:
        if self.kind not in HAZARDS and self.kind not in BOOSTS and self.emax > 1.0:
            raise ValueError(f"emax must be a share of at most 1 for {self.kind}, got {self.emax:g}")
        if self.factors and self.kind not in ON_FACTORS:
            raise ValueError(f"factors is read by {', '.join(ON_FACTORS)} only, got {self.kind}")
        for key in OF_SENESCENT:
            if key in self.model_fields_set and not self.reads(key):
                raise ValueError(f"{key} is read by {', '.join(ON_SENESCENT)} only, got {self.kind}")
        if self.by_type and self.kind in ON_WHOLE_TISSUE:
            raise ValueError(f"by_type is not read by {self.kind}, which acts on the tissue as a whole, "
                             f"got {', '.join(self.by_type)}")  # fmt: skip
        if not self.senescent_from < self.senescent_until:
            raise ValueError(f"senescent_until must be more than {self.senescent_from:g} d, "
                             f"got {self.senescent_until:g} d")  # fmt: skip
        return self

    def reads(self, field: str) -> bool:
        """Whether a field makes a difference for an effect of this kind."""
        return field not in OF_SENESCENT or self.kind in ON_SENESCENT


class Drug(Section):
    """One compartment with absorption and elimination, and what the drug does."""

    preset: str | None = param(
        None, "library drug whose values stand where this file says nothing (if not given: that of this name, if any; "
        "none: no drug)",
    )  # fmt: skip
    description: str = param("", "the drug in words")
    unit: Literal["mg/kg", "uM", "%", "ppm", "cells", "IU"] = param(
        "mg/kg", "unit of its amounts and half-maxima: what a dose adds to the concentration"
    )
    route: Route = param("oral", "how it is given, unless a treatment says else")
    half_life: float = param(
        ..., "elimination half-life (on the skin for a topical drug)", unit="d", low=1e-3, high=1e5,
        source="no source", confidence="assumed",
    )  # fmt: skip
    absorption_half_life: float = param(
        0.5 / 24, "half-life of absorption from the gut (oral)", unit="d", low=1e-3, high=365,
        source="no source", confidence="assumed",
    )  # fmt: skip
    bioavailability: float = param(
        1.0, "share of an oral dose that reaches the body", unit="1", low=0, high=1,
        source="doses and half-maxima are both oral amounts", confidence="computed",
    )  # fmt: skip
    penetration: dict[str, float] = param(
        {}, "concentration in a tissue relative to the body (others: 1)", unit="1", low=0, high=1e3,
        source="no source", confidence="assumed",
    )  # fmt: skip
    penetration_depth: float | None = param(
        None, "topical: depth at which 1/e of the surface concentration is left", unit="um", above=0, high=1e6,
        source="no source", confidence="assumed",
    )  # fmt: skip
    effects: dict[str, Effect] = param({}, "what it does, by a name that you choose or by the kind")
