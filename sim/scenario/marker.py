"""The schema of markers: how a stain tells senescent cells from healthy ones, and how often it is wrong."""

from __future__ import annotations

import math
from functools import cache

from pydantic import model_validator

from sim.scenario.library import library
from sim.scenario.section import Section, param
from sim.scenario.trees import strip_sources


class Marker(Section):
    """A stain that a lab counts. It changes no run: it is how the tissue is looked at afterwards."""

    preset: str | None = param(
        None, "library marker whose values stand where this file says nothing (if not given: that of this name, if "
        "any; none: no marker)",
    )  # fmt: skip
    description: str = param("", "the marker in words")
    sensitivity: float = param(
        ..., "share of the senescent cells that it marks", unit="1", low=0, high=1, source="no source",
        confidence="assumed",
    )  # fmt: skip
    specificity: float = param(
        ..., "share of the healthy cells that it leaves unmarked", unit="1", low=0, high=1, source="no source",
        confidence="assumed",
    )  # fmt: skip
    sensitivity_by_type: dict[str, float] = param(
        {}, "sensitivity per cell type (others: as above)", unit="1", low=0, high=1, source="no source",
        confidence="assumed",
    )  # fmt: skip
    specificity_by_type: dict[str, float] = param(
        {}, "specificity per cell type (others: as above)", unit="1", low=0, high=1, source="no source",
        confidence="assumed",
    )  # fmt: skip
    senescent_from: float = param(
        0.0, "marks cells senescent for at least this time; younger ones look healthy", unit="d", low=0, high=1e5,
        source="no source", confidence="assumed",
    )  # fmt: skip
    senescent_until: float = param(
        math.inf, "marks cells senescent for less than this time; older ones look healthy", unit="d", above=0,
        source="no source", confidence="assumed",
    )  # fmt: skip

    @model_validator(mode="after")
    def _consistent(self) -> Marker:
        if self.sensitivity < 1.0 - self.specificity:  # else it marks the healthy
            raise ValueError(f"sensitivity must be at least {1.0 - self.specificity:g}, the share of healthy cells "
                             f"that is marked, got {self.sensitivity:g}")  # fmt: skip
        if not self.senescent_from < self.senescent_until:
            raise ValueError(f"senescent_until must be more than {self.senescent_from:g} d, "
                             f"got {self.senescent_until:g} d")  # fmt: skip
        return self

    @property
    def always(self) -> bool:
        """Whether it marks senescent cells from the moment they turn, for good."""
        return self.senescent_from == 0.0 and math.isinf(self.senescent_until)

    @property
    def types(self) -> set[str]:
        """Cell types of which it says something of their own."""
        return {*self.sensitivity_by_type, *self.specificity_by_type}

    def of_type(self, cell_type: str) -> tuple[float, float]:
        """Sensitivity and specificity in cells of a type."""
        return (
            self.sensitivity_by_type.get(cell_type, self.sensitivity),
            self.specificity_by_type.get(cell_type, self.specificity),
        )


@cache
def library_marker(name: str) -> Marker:
    """A marker of the library as a scenario without an own word on it gets it."""
    return Marker.model_validate(strip_sources(library("markers")[name])[0])
