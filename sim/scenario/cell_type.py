"""The schema of cell types, and of the layers of a tissue that hold them."""

from __future__ import annotations

from sim.scenario.section import Section, param


class CellType(Section):
    """A kind of resident cell."""

    fraction: float = param(
        1.0,
        "share of the resident cells (shares are scaled to sum to 1); not read where layers tell the shares",
        unit="1",
        above=0,
        high=1,
        source="no source",
        confidence="assumed",
    )
    susceptibility: float = param(
        1.0,
        "multiplier of all induction hazards",
        unit="1",
        low=0,
        high=1e3,
        source="reference type",
        confidence="assumed",
    )
    turnover: float = param(
        0.0,
        "rate at which senescent cells of this type are shed, beside clearance.own_death",
        unit="1/d",
        low=0,
        high=100,
        source="no cells are shed",
        confidence="assumed",
    )


class Layer(Section):
    """A zone of a tissue along its depth axis: how thick it is, and which cells it holds."""

    thickness: float | None = param(
        None,
        "from the end of the layer above (nothing: all that is left, in the last layer)",
        unit="um",
        above=0,
        high=1e6,
        source="no source",
        confidence="assumed",
    )
    cell_types: dict[str, float] = param(
        ...,
        "share of each cell type in the layer (shares are scaled to sum to 1)",
        unit="1",
        above=0,
        high=1e6,
        source="no source",
        confidence="assumed",
    )
