"""Which cell types lie how deep: the layers of a tissue, checked, and the share of each type."""

from __future__ import annotations

import math
from itertools import pairwise

from sim.errors import ScenarioError
from sim.scenario.checks import known_word
from sim.scenario.places import extent_of
from sim.scenario.schema import Settings
from sim.scenario.tissue import Tissue


def layer_ends(tissue: Tissue) -> list[float]:
    """Where each layer ends below the uppermost wall [um]; infinite for one that takes all that is left."""
    ends, end = [], 0.0
    for layer in tissue.layers.values():
        end = math.inf if layer.thickness is None else end + layer.thickness
        ends.append(end)
    return ends


def shares_by_layer(tissue: Tissue) -> list[list[float]]:
    """Share of each cell type, (layers, types), each layer summing to 1; one row where there are no layers."""
    fractions = {name: kind.fraction for name, kind in tissue.cell_types.items()}
    told = [layer.cell_types for layer in tissue.layers.values()] or [fractions]
    return [[row.get(name, 0.0) / sum(row.values()) for name in tissue.cell_types] for row in told]


def type_shares(tissue: Tissue) -> list[float]:
    """Share of each cell type among the resident cells of a tissue."""
    rows = shares_by_layer(tissue)
    sizes = _thicknesses(tissue) if tissue.layers else [1.0]
    return [
        sum(size * share for size, share in zip(sizes, column, strict=True)) / sum(sizes)
        for column in zip(*rows, strict=True)
    ]


def _thicknesses(tissue: Tissue) -> list[float]:
    """Thickness of each layer within the tissue: rows of cells of a lattice, or um of a cloud."""
    assert tissue.depth_axis is not None  # checked
    depth = extent_of(tissue)["xyz".index(tissue.depth_axis)]
    edges = [0.0, *(min(end, depth) for end in layer_ends(tissue))]
    if tissue.shape is not None:  # a row belongs to the layer that holds the middle of its cells
        edges = [math.ceil(edge / tissue.cell_spacing - 0.5 - 1e-9) for edge in edges]
    return [below - above for above, below in pairwise(edges)]


def check_layers(settings: Settings) -> None:
    """Raise ScenarioError (``key: rule, got value``) at the first layer that cannot be."""
    for name, tissue in settings.tissues.items():
        if tissue.arrangement == "even" and tissue.shape is None:
            raise ScenarioError(f"tissues.{name}.arrangement: must be random where there is no lattice, got 'even'")
        if tissue.layers:
            _check_layers(f"tissues.{name}", tissue, settings.mode)


def _check_layers(key: str, tissue: Tissue, mode: str) -> None:
    if tissue.depth_axis is None or mode != "tissue":
        got = "none" if tissue.depth_axis is None else f"mode: {mode}"
        raise ScenarioError(f"{key}.layers: need cells that lie along a depth_axis, got {got}")
    *above, last = tissue.layers
    for name in above:
        if tissue.layers[name].thickness is None:
            raise ScenarioError(f"{key}.layers.{name}.thickness: is required above another layer, got nothing")
    for name, layer in tissue.layers.items():
        if not layer.cell_types:
            raise ScenarioError(f"{key}.layers.{name}.cell_types: must name at least one cell type, got {{}}")
        for kind in layer.cell_types:
            known_word(f"{key}.layers.{name}.cell_types", kind, tissue.cell_types)
    for name, thickness in zip(tissue.layers, _thicknesses(tissue), strict=True):
        if thickness <= 0:
            raise ScenarioError(f"{key}.layers.{name}: must begin inside the tissue and hold a row of cells, got none")
    depth, end = extent_of(tissue)["xyz".index(tissue.depth_axis)], layer_ends(tissue)[-1]
    if end < depth * (1 - 1e-9):
        raise ScenarioError(
            f"{key}.layers.{last}.thickness: must reach the end of the tissue ({depth:g} um), got {end:g} um"
        )
