"""The burden at which a senescent cell replaces itself, R_s = 1, in the mean field: before anything runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from scipy.optimize import brentq

from sim.explain.words import listed, wrap
from sim.rules.clearance import attraction, jamming, removal_hazard
from sim.rules.induction import contact_hazard, induction_hazard
from sim.rules.induction import response as rate_of
from sim.scenario.factor import Factor
from sim.scenario.schema import Settings
from sim.scenario.tissue import Tissue
from sim.tissue.parameters import response_numbers, total_decay

FIRST = 1e-3  # %, "the first cells"
BURDENS = np.concatenate([np.geomspace(FIRST, 1.0, 61), np.linspace(1.25, 99.75, 395)])  # where it is looked at [%]


def reproduction_number(settings: Settings, tissue: Tissue, burden: float) -> float:
    r"""Cells that a senescent cell turns before it goes, in the mean field at a uniform `burden` X [%].

    .. math:: R_s(X) = \frac{(100 - X)\, h(X)}{X}\, \frac{1}{r(X)} \left(1 + p\, \bar n\, \frac{100 - X}{100}\right)

    h is the hazard that senescent cells put on a healthy one [1/d], mean over the cell types: responses to the levels
    (strength times X, the unit of a factor) and to the cargo at rest (affinity times memory times level), and contact
    with :math:`\bar n X / 100` neighbours. r is the hazard of removal [1/d]: immune, saturated, jammed and attracted at
    this burden, and own death. p is the chance of contact at once. All cells are mature and primary, none evades, far
    from walls and without drugs. Infinite where nothing is removed.
    """
    levels = {name: burden * factor.secretion.strength for name, factor in settings.factors.items()}
    removal = tissue.clearance.own_death + _immune_removal(settings, tissue, burden, levels)
    neighbours = _neighbours(tissue)
    turned = (100.0 - burden) / burden * _induction(settings, tissue, levels, neighbours * burden / 100.0)
    along = 1.0 + tissue.contact.at_once * neighbours * (100.0 - burden) / 100.0
    if removal > 0.0:
        return turned * along / removal
    return math.inf if turned > 0.0 else 0.0


def _induction(settings: Settings, tissue: Tissue, levels: dict[str, float], touching: float) -> float:
    """Hazard on a healthy cell [1/d] at these levels, with so many senescent neighbours; mean over the cell types."""
    shares = sum(kind.fraction for kind in tissue.cell_types.values())
    total = 0.0
    for name, kind in tissue.cell_types.items():
        hazard = contact_hazard(touching, tissue.contact.hazard)
        for factor_name, factor in settings.factors.items():
            level = levels[factor_name]
            if factor.induction is not None:
                by_type = factor.induction.by_type.get(name, 1.0)
                hazard += by_type * rate_of(*_at(response_numbers(factor.induction), level))
            if factor.cargo is not None:
                dose = factor.affinity.get(name, 0.0) * factor.cargo.memory * level
                by_type = factor.cargo.response.by_type.get(name, 1.0)
                hazard += by_type * rate_of(*_at(response_numbers(factor.cargo.response), dose))
        total += kind.fraction / shares * induction_hazard(hazard, kind.susceptibility, tissue.maintenance)
    return total


def _at(numbers: tuple[float, float, float, float], level: float) -> tuple[float, float, float, float, float]:
    kind, *rest = numbers
    return kind, level, rest[0], rest[1], rest[2]


def _immune_removal(settings: Settings, tissue: Tissue, burden: float, levels: dict[str, float]) -> float:
    clearance, left = tissue.clearance, 1.0
    for name, factor in settings.factors.items():
        if factor.jams_immunity is not None:
            left *= jamming(levels[name], factor.jams_immunity.half_max)
        if factor.attracts_immunity is not None:
            left *= attraction(levels[name], factor.attracts_immunity.half_max, factor.attracts_immunity.basal)
    return removal_hazard(burden, clearance.max_rate, clearance.half_saturation, clearance.capacity, left)


def _neighbours(tissue: Tissue) -> float:
    """Neighbours of a cell far from walls."""
    if tissue.shape is None:
        return float((tissue.cloud and tissue.cloud.links.nearest) or 0)
    dimension = len(tissue.shape)
    return float(3**dimension - 1 if tissue.neighbourhood == "moore" else 2 * dimension)


def crossings(number: Callable[[float], float]) -> list[float]:
    """Burdens [%] at which `number` of the burden passes 1, ascending."""
    above = [(float(burden), number(float(burden)) >= 1.0) for burden in BURDENS]
    return [float(brentq(lambda x: number(x) - 1.0, x, y)) for (x, low), (y, high) in pairwise(above) if low != high]


def threshold_words(settings: Settings) -> str:
    """Where R_s = 1 in every tissue, or why it is told nowhere."""
    lines = [wrap(f"{name}: {_of_tissue(settings, tissue)}", "  ", "    ") for name, tissue in settings.tissues.items()]
    head = (
        "Reproduction number of senescence, R_s: cells that a senescent cell turns before it goes, in the mean field "
        "of a uniform burden of mature primary cells, without evasion, walls or drugs."
    )
    return "\n".join([wrap(head), *lines])


def _of_tissue(settings: Settings, tissue: Tissue) -> str:
    odd = [name for name, factor in settings.factors.items() if not _has_level(factor, tissue)]
    touches = tissue.contact.hazard > 0.0 or tissue.contact.at_once > 0.0
    if odd:
        return f"not told, because {listed(odd)} has no level that a uniform burden gives."
    if touches and _neighbours(tissue) == 0.0:
        return "not told, because the number of neighbours in this cloud is not known before the run."

    def number(burden: float) -> float:
        return reproduction_number(settings, tissue, burden)

    values = np.array([number(float(burden)) for burden in BURDENS])
    if not values.any():
        return "0, for senescent cells turn nobody."
    if np.isinf(values).any():
        return "without bound, for nothing removes senescent cells."
    first, found = values[0], crossings(number)
    if not found:
        top = int(values.argmax())
        if first > 1.0:
            return f"above 1 at any burden ({first:.3g} from the first cells on)."
        return f"below 1 at any burden, at most {values[top]:.2g} at {BURDENS[top]:.3g} %."
    places = [f"{burden:.3g} %" for burden in found]
    if first > 1.0:
        return f"{first:.3g} from the first cells on, and 1 at a burden of {listed(places)}."
    return f"1 at a burden of {listed(places)}; below {places[0]} senescent cells do not replace themselves."


def _has_level(factor: Factor, tissue: Tissue) -> bool:
    """Whether its level at a uniform burden is known, or does not matter here."""
    matters = (factor.induction, factor.cargo, factor.jams_immunity, factor.attracts_immunity)
    return not any(matters) or (factor.transport != "kernel" and total_decay(factor, tissue) > 0.0)
