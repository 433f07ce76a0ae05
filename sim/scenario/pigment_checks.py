"""What single fields of pigment cannot know: cell types and factors that must exist, dendrites that must fit."""

from __future__ import annotations

from collections.abc import Iterator

from sim.errors import ScenarioError
from sim.scenario.checks import Names, known_word
from sim.scenario.places import walls_of
from sim.scenario.schema import Settings
from sim.scenario.tissue import Tissue


def check_pigment(settings: Settings, names: Names) -> None:
    """Raise ScenarioError (``key: rule, got value``) at the first thing that cannot be."""
    for name, tissue in settings.tissues.items():
        pigment, key = tissue.pigment, f"tissues.{name}.pigment"
        if pigment is None:
            continue
        for group in ("melanocytes", "keratinocytes"):
            for kind in getattr(pigment, group):
                known_word(f"{key}.{group}", kind, tissue.cell_types)
        for factor in pigment.activated_by:
            known_word(f"{key}.activated_by", factor, names.factors)
        if tissue.well_mixed:
            raise ScenarioError(f"{key}: must not be in a well-mixed tissue, where dendrites reach nobody, got one")
        _check_reach(f"{key}.dendrites.activated_reach", tissue, pigment.dendrites.activated_reach)


def _check_reach(key: str, tissue: Tissue, reach: float) -> None:
    """Across a short periodic axis a dendrite would find the same cell twice."""
    for n, wall in zip(tissue.shape or (), walls_of(tissue), strict=False):
        if wall == "periodic" and 2.0 * reach >= n * tissue.cell_spacing:
            length = n * tissue.cell_spacing
            raise ScenarioError(f"{key}: must be below half of every periodic axis ({length:g} um), got {reach:g} um")


def odd_pigment(settings: Settings) -> Iterator[str]:
    """What is legal but odd, one line each."""
    for name, tissue in settings.tissues.items():
        if tissue.pigment is None:
            continue
        key = f"tissues.{name}.pigment"
        if settings.mode == "well_mixed":
            yield f"{key}: is not followed with mode: well_mixed, which has no cells"
            continue
        if tissue.shape is not None and tissue.pigment.dendrites.resting_reach < tissue.cell_spacing:
            reach = f"{tissue.pigment.dendrites.resting_reach:g} um"
            yield f"{key}.dendrites.resting_reach: is below the distance of neighbouring cells, got {reach}"
        there = [factor for factor in tissue.pigment.activated_by if factor in settings.factors]
        if not there and tissue.pigment.basal_stimulus == 0.0:
            yield f"{key}.activated_by: nothing wakes melanocytes here, and basal_stimulus is 0"
