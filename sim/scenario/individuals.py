"""The schema of how individuals differ: the same mouse has the same traits in every arm."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from sim.scenario.section import Section, param

Shape = Literal["lognormal", "normal", "uniform"]


class Trait(Section):
    """A multiplier that differs between individuals: 1 in the middle of its distribution."""

    distribution: Shape = param("lognormal", "median (lognormal) or middle (the others, cut at 0) is 1")
    spread: float = param(
        0.0,
        "standard deviation (lognormal: of the logarithm)",
        unit="1",
        low=0,
        high=2,
        source="no source",
        confidence="assumed",
    )
    by_sex: dict[str, float] = param(
        {}, "multiplier per sex (others: 1)", unit="1", low=0, high=1e3, source="no source", confidence="assumed"
    )

    @property
    def differs(self) -> bool:
        """Whether any individual may have another multiplier than 1."""
        return self.spread > 0.0 or bool(self.by_sex)


class Individuals(Section):
    """How individuals differ in what they bring along."""

    sexes: dict[str, float] = param(
        {},
        "share of each sex (scaled to sum to 1; nothing: not told)",
        unit="1",
        above=0,
        high=1e6,
    )
    age_spread: float = param(0.0, "standard deviation of the age at the start (normal, cut at 0)", unit="d", low=0)
    damage: Trait = Field(default_factory=lambda: Trait(), description="multiplies the hazard of damage")
    removal: Trait = Field(
        default_factory=lambda: Trait(), description="multiplies max_rate of clearance, and numbers of patrols"
    )
    susceptibility: Trait = Field(default_factory=lambda: Trait(), description="multiplies the susceptibility of cells")

    @property
    def traits(self) -> dict[str, Trait]:
        """The multipliers by name."""
        return {"damage": self.damage, "removal": self.removal, "susceptibility": self.susceptibility}

    @property
    def differ(self) -> bool:
        """Whether individuals differ in anything but their luck."""
        return self.age_spread > 0.0 or any(each.differs for each in self.traits.values())

    @model_validator(mode="after")
    def _known_sexes(self) -> Individuals:
        for name, trait in self.traits.items():
            for sex in trait.by_sex:
                if sex not in self.sexes:
                    known = ", ".join(self.sexes) or "none"
                    raise ValueError(f"{name}.by_sex must name one of the sexes ({known}), got {sex!r}")
        return self
