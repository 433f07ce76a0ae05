"""The schema of the environment: temperature and oxygen, and the rates that they multiply."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from sim.scenario.section import Section, param

COLDEST, HOTTEST = -20.0, 60.0  # degC


def _oxygen(description: str, **lowest: float) -> Any:
    """A field for a share of oxygen; where nothing is said, that of air."""
    source = "air: 20.9 % of its volume, from memory"
    return param(20.9, description, unit="%", high=100, source=source, confidence="assumed", **lowest)


class Reference(Section):
    """The temperature and oxygen at which the rates of the file hold as they are written."""

    temperature: float = param(..., "at which the rates hold", unit="degC", low=COLDEST, high=HOTTEST)
    oxygen: float = _oxygen("share of the gas at which the rates hold", above=0)


class ScaledRate(Section):
    """Rates that temperature and oxygen multiply together, each by the same number."""

    of: Annotated[list[str], Field(min_length=1)] = param(
        ..., "dotted paths of the rates, e.g. tissues.skin.damage.baseline or factors.SASP.secretion.strength"
    )
    q10: float = param(
        1.0,
        "by how much 10 degC more multiply them (1: temperature does not matter)",
        unit="1",
        above=0,
        high=100,
        source="no source",
        confidence="assumed",
    )
    optimum: float | None = param(
        None,
        "temperature from which on they rise no more (a fall beyond it is not modelled)",
        unit="degC",
        low=COLDEST,
        high=HOTTEST,
        source="no source",
        confidence="assumed",
    )
    oxygen_half_max: float | None = param(
        None,
        "share of oxygen that leaves half of them (nothing: oxygen does not matter)",
        unit="%",
        above=0,
        high=100,
        source="no source",
        confidence="assumed",
    )


class Environment(Section):
    """Temperature and oxygen around the tissues: they multiply named rates."""

    temperature: float = param(..., "temperature", unit="degC", low=COLDEST, high=HOTTEST)
    oxygen: float = _oxygen("share of the gas", low=0)
    reference: Reference = Field(..., description="where the rates of the file hold")
    rates: dict[str, ScaledRate] = param({}, "what temperature and oxygen act on, by name")

    def multiplier(self, name: str) -> float:
        r"""By what the environment multiplies the rates `name`; 1 at the reference, to the last bit.

        .. math:: Q_{10}^{(T - T_\mathrm{ref}) / 10} \;
                  \frac{O}{K + O} \Big/ \frac{O_\mathrm{ref}}{K + O_\mathrm{ref}}

        T is at most the optimum. Sources: van 't Hoff's rule; saturation as of an enzyme by its substrate.
        """
        rate, reference = self.rates[name], self.reference
        warmer = _up_to(rate.optimum, self.temperature) - _up_to(rate.optimum, reference.temperature)
        scale = float(rate.q10 ** (warmer / 10.0))
        if rate.oxygen_half_max is not None:
            scale *= _saturation(self.oxygen, rate.oxygen_half_max)
            scale /= _saturation(reference.oxygen, rate.oxygen_half_max)
        return scale


def _up_to(optimum: float | None, temperature: float) -> float:
    return temperature if optimum is None else min(optimum, temperature)


def _saturation(oxygen: float, half_max: float) -> float:
    return oxygen / (half_max + oxygen)
