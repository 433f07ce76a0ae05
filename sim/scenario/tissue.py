"""The schema of tissues: where the cells are, what they are, how they turn, are cleared and replaced."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from sim.scenario.cell_type import CellType, Layer
from sim.scenario.cells import Cells, Found
from sim.scenario.clearance import Clearance, Evasion
from sim.scenario.function import Function
from sim.scenario.patrol import Patrol
from sim.scenario.pigment import Pigment
from sim.scenario.section import Section, param

Wall = Literal["reflecting", "periodic", "absorbing"]


class Links(Section):
    """Who is a neighbour of whom in a cloud; one of the three."""

    radius: float | None = param(None, "neighbours within this distance", unit="um", above=0, high=1e4)
    nearest: int | None = param(
        6,
        "this many nearest cells (made mutual); where neither radius nor window is told",
        unit="1",
        low=1,
        high=100,
        source="Euler: cells that tile a plane have six neighbours on average; in a block as many is a guess",
        confidence="assumed",
    )
    window: tuple[int, int] | None = param(
        None,
        "bins of one cell radius: half-widths in x and y (Martin 2023)",
        unit="1",
        low=0,
        high=1000,
        source="Martin 2023, model default in the published code",
        confidence="assumed",
    )

    @model_validator(mode="before")
    @classmethod
    def _unless_told(cls, value: Any) -> Any:
        told = isinstance(value, dict) and (value.get("radius") is not None or value.get("window") is not None)
        return {"nearest": None, **value} if told else value

    @model_validator(mode="after")
    def _one_of(self) -> Links:
        if sum(kind is not None for kind in (self.radius, self.nearest, self.window)) != 1:
            raise ValueError("must have exactly one of radius, nearest, window")
        return self


class Packing(Section):
    """Random sequential packing of discs in a square."""

    side: float = param(
        1000.0,
        "side of the square",
        unit="um",
        above=0,
        high=1e5,
        source="Martin 2023: 100 radii",
        confidence="assumed",
    )
    cell_radius: float = param(
        10.0, "radius of a cell", unit="um", above=0, high=100, source="Martin 2023", confidence="assumed"
    )
    density: float = param(
        0.35,
        "share of the area that cells cover",
        unit="1",
        above=0,
        high=0.5,
        source="Martin 2023",
        confidence="assumed",
    )


class Cloud(Section):
    """Cell positions in space: packed at random, listed, or from a file, with what it says of each cell."""

    packing: Packing | None = param(None, "cells packed at random, anew in each replicate")
    positions: list[list[float]] | None = param(None, "cell centres x, y (, z)", unit="um", low=0, high=1e7)
    cells: Cells | None = param(None, "cells of a real tissue: a table, a label image or AnnData")
    extent: list[float] | None = param(
        None,
        "side lengths x, y (, z) of the box around a list, or around the cells of a file (nothing: that of the image, "
        "or of the cells and half a spacing more on every side)",
        unit="um",
        above=0,
        high=1e7,
    )
    links: Links = Field(default_factory=lambda: Links(), description="who is a neighbour")
    voxel_spacing: float = param(
        15.0,
        "side of a field voxel",
        unit="um",
        above=0,
        high=1e3,
        source="SCIENCE.md 10: 15 (10-20)",
        confidence="secondary",
    )

    @model_validator(mode="after")
    def _one_of(self) -> Cloud:
        if sum(kind is not None for kind in (self.packing, self.positions, self.cells)) != 1:
            raise ValueError("must have exactly one of packing, positions, cells")
        known = self.cells is not None and self.cells.found is not None
        if self.extent is None and (self.positions is not None or known):
            raise ValueError("needs extent: the side lengths of the box around the cells")
        if known and self.cells is not None and self.cells.origin is None:
            raise ValueError("cells.found needs cells.origin: the corner of the box in the coordinates of the file")
        return self


class Hole(Section):
    """A round place without cells (a vessel, a gland); factors pass through it."""

    at: list[float] = param(..., "centre x, y (, z)", unit="um", low=0, high=1e7)
    radius: float = param(..., "radius", unit="um", above=0, high=1e6)


class Damage(Section):
    """Hazard of turning senescent by damage, which rises with age."""

    baseline: float = param(
        0.138,
        "share of healthy cells per day at age 0",
        unit="%/d",
        low=0,
        high=100,
        source="docs/ageing.md: fitted to Karin 2019 and Ovadya 2018",
        confidence="computed",
    )
    per_year: float = param(
        0.092,
        "rise of that share per year of age",
        unit="%/d/yr",
        low=0,
        high=100,
        source="docs/ageing.md: fitted to Karin 2019 and Ovadya 2018",
        confidence="computed",
    )
    production: Literal["per_cell", "absolute"] = param(
        "per_cell",
        "per_cell: the share is of the healthy cells; absolute: of all, however few are healthy (saturated removal)",
    )


class Contact(Section):
    """Juxtacrine induction, either as a hazard per senescent neighbour or at once."""

    hazard: float = param(
        0.0,
        "rate per mature senescent neighbour",
        unit="1/d",
        low=0,
        high=1e3,
        source="no source",
        confidence="assumed",
    )
    at_once: float = param(
        0.0,
        "chance that a healthy neighbour turns when a cell turns by another cause",
        unit="1",
        low=0,
        high=1,
        source="Martin 2023: j_prob 0 or 1",
        confidence="assumed",
    )
    mature_after: float = param(
        0.0,
        "time since turning from which a neighbour counts",
        unit="d",
        low=0,
        high=365,
        source="no source",
        confidence="assumed",
    )


class Repair(Section):
    """Refilling of vacant sites by division of healthy neighbours."""

    rate: float = param(
        1.0,
        "rate of refilling amid healthy neighbours only",
        unit="1/d",
        low=0,
        high=1e3,
        source="SCIENCE.md 10b",
        confidence="assumed",
    )
    decline: float = param(
        0.0,
        "loss of regenerative capacity per year of age (capacity = exp(-decline age))",
        unit="1/yr",
        low=0,
        high=100,
        source="no source",
        confidence="assumed",
    )
    scar: float = param(
        0.0,
        "chance that a site is lost for good instead of refilled",
        unit="1",
        low=0,
        high=1,
        source="no source",
        confidence="assumed",
    )
    reach: int = param(
        1,
        "half-side of the box of cells (lattice) that daughters come from; above 1 an edge moves several sites a step",
        unit="1",
        low=1,
        high=10,
        source="no source",
        confidence="assumed",
    )
    division_limit: int | None = param(
        None,
        "divisions at which a cell turns senescent (replicative)",
        unit="1",
        low=1,
        high=10000,
        source="no limit in young mouse tissue assumed",
        confidence="assumed",
    )
    keeps_types: bool = param(
        False, "a refilled site keeps the cell type that stood there, whoever divides (else: the type of the mother)"
    )


class Initial(Section):
    """Senescent cells that are there at the start (cause `initial`)."""

    burden: float = param(
        0.0,
        "percent of the cells senescent at the start",
        unit="%",
        low=0,
        high=100,
        source="no source",
        confidence="assumed",
    )
    since_onset: float = param(
        30.0, "time since those turned", unit="d", low=0, high=3650, source="mature SASP", confidence="assumed"
    )


class Tissue(Section):
    """A patch of tissue: where the cells are, what they are, and how they turn, are cleared and replaced."""

    preset: str | None = param(None, "library tissue whose values stand where this file says nothing")
    description: str = param("", "the tissue in words")
    represents: float | None = param(
        None,
        "cells of the organ that these cells are a sample of (nothing: they are all)",
        unit="cells",
        above=0,
        high=1e14,
        source="no source",
        confidence="assumed",
    )
    volume: float | None = param(
        None,
        "volume of the organ in which factors are dissolved (nothing: that of its cells, cell_spacing cubed each)",
        unit="mm^3",
        above=0,
        high=1e9,
        source="no source",
        confidence="assumed",
    )
    well_mixed: bool = param(
        False, "every cell meets every other: factors are stirred, the whole tissue is one immune territory"
    )
    shape: list[int] | None = param(None, "cells along (z,) y, x of a lattice", unit="1", low=1, high=10**7)
    cell_spacing: float = param(
        15.0,
        "distance of neighbouring cell centres",
        unit="um",
        low=5,
        high=1e6,
        source="SCIENCE.md 10: 15 (10-20)",
        confidence="secondary",
    )
    neighbourhood: Literal["moore", "von_neumann"] = param("moore", "which sites touch")
    boundary: Wall | list[Wall] = param("reflecting", "walls, for all axes or per axis (z,) y, x")
    depth_axis: Literal["z", "y", "x"] | None = param(
        None, "axis along which depth grows, from its low wall (nothing: all cells lie at the same depth)"
    )
    depth: float = param(0.0, "depth of the uppermost cells below the surface", unit="um", low=0, high=1e6)
    voxel_cells: int = param(1, "cells along the side of a field voxel", unit="1", low=1, high=64)
    cloud: Cloud | None = param(None, "cell positions instead of a lattice")
    holes: list[Hole] = param([], "places without cells")
    cell_types: dict[str, CellType] = param({"cell": {}}, "the kinds of resident cells")
    layers: dict[str, Layer] = param({}, "zones along depth_axis, from the surface down, by name")
    arrangement: Literal["random", "even"] = param(
        "random", "how cell types lie among each other: drawn at random, or as evenly as their shares allow"
    )
    initial: Initial = Field(default_factory=lambda: Initial(), description="senescent cells at the start")
    maintenance: float = param(
        0.0,
        "share of all induction that upkeep averts",
        unit="1",
        low=0,
        high=1,
        source="reference state",
        confidence="assumed",
    )
    damage: Damage = Field(default_factory=lambda: Damage(), description="induction by damage")
    contact: Contact = Field(default_factory=lambda: Contact(), description="juxtacrine induction")
    clearance: Clearance = Field(default_factory=lambda: Clearance(), description="immune clearance")
    patrols: dict[str, Patrol] = param({}, "immune cells that walk through the tissue, by name")
    evasion: Evasion = Field(default_factory=lambda: Evasion(), description="senescent cells that evade killing")
    functions: dict[str, Function] = param({}, "what the tissue can do, by name")
    pigment: Pigment | None = param(None, "melanocytes, and the melanin that they make (nothing: no pigment)")
    repair: Repair = Field(default_factory=lambda: Repair(), description="refilling of vacant sites")

    @property
    def found(self) -> Found | None:
        """What the file of its cells holds, if they come from one."""
        return self.cloud.cells.found if self.cloud is not None and self.cloud.cells is not None else None

    @property
    def burden_at_start(self) -> float:
        """Percent of the cells senescent on day 0: as the file of cells tells, else as `initial` says."""
        found = self.found
        return self.initial.burden if found is None or found.burden is None else found.burden

    @property
    def guarded(self) -> bool:
        """Whether immune cells remove senescent cells, as a mean field or as patrols."""
        return self.clearance.max_rate > 0 or bool(self.patrols)

    @field_validator("cell_types", mode="after")
    @classmethod
    def _some_type(cls, value: dict[str, CellType]) -> dict[str, CellType]:
        if not value:
            raise ValueError("must name at least one cell type, got {}")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Tissue:
        if self.shape is not None and len(self.shape) not in (2, 3):
            raise ValueError(f"shape must have 2 or 3 axes, got {self.shape}")
        return self
