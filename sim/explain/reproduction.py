"""The burden at which a senescent cell replaces itself, R_s = 1, in the mean field: before anything runs."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from sim.explain.immunity import BURDENS, FIRST, crossings, immune_hazard
from sim.explain.words import listed, wrap
from sim.organism.blood import in_blood
from sim.rules.induction import contact_hazard, induction_hazard
from sim.rules.induction import response as rate_of
from sim.scenario.factor import Factor
from sim.scenario.layers import type_shares
from sim.scenario.schema import Settings
from sim.scenario.tissue import Tissue
from sim.scenario.well_mixed import turn_alike
from sim.tissue.parameters import level_per_burden, mean_own_death, response_numbers, total_decay

CONTACT = "contact"
SLOW = 0.1  # of the residence: the least delay, and with 1 / SLOW the most duration, that decide what R_s is


def reproduction_number(settings: Settings, tissue: Tissue, burden: float, generation: int = 0) -> float:
    r"""Cells that a senescent cell turns before it goes, in the mean field at a uniform `burden` X [%].

    .. math:: R_s(X) = \frac{(100 - X)\, h(X)}{X}\, \frac{1}{r(X)} \left(1 + p\, \bar n\, \frac{100 - X}{100}\right)

    h is the hazard that senescent cells put on a healthy one [1/d], mean over the cell types: responses to the levels
    (secretion times X, the unit of a factor) and to the cargo at rest (affinity times memory times level), and contact
    with :math:`\bar n X / 100` neighbours. r is the hazard of removal [1/d]: immune, saturated, jammed and attracted at
    this burden, and own death. p is the chance of contact at once. All senescent cells are mature and of one
    `generation` (0 primary, 1 secondary, 2 later), of the cell types in proportion to their fractions; none was turned
    by a cause with a secretion of its own, none evades, far from walls and without drugs. Infinite where nothing is
    removed.
    """
    levels = {name: burden * _secretion(factor, tissue, generation) for name, factor in settings.factors.items()}
    removal = _removal(settings, tissue, burden, levels)
    neighbours = _neighbours(tissue)
    turned = (100.0 - burden) / burden * _induction(settings, tissue, levels, neighbours * burden / 100.0)
    along = 1.0 + tissue.contact.at_once * neighbours * (100.0 - burden) / 100.0
    if removal > 0.0:
        return turned * along / removal
    return math.inf if turned > 0.0 else 0.0


def _secretion(factor: Factor, tissue: Tissue, generation: int) -> float:
    """Level that mature senescent cells of this generation keep up, mean over the cell types [unit per % of burden]."""
    secretion = factor.secretion
    shares = zip(tissue.cell_types, type_shares(tissue), strict=True)
    of_types = sum(share * secretion.by_type.get(name, 1.0) for name, share in shares)
    of_generation = (1.0, secretion.secondary, secretion.tertiary)[generation]
    return secretion.strength * of_types * of_generation * level_per_burden(factor, tissue)


def _removal(settings: Settings, tissue: Tissue, burden: float, levels: dict[str, float]) -> float:
    """Hazard of removal of a senescent cell [1/d]."""
    return mean_own_death(tissue) + immune_hazard(settings, tissue, burden, levels)


def _induction(settings: Settings, tissue: Tissue, levels: dict[str, float], touching: float) -> float:
    """Hazard on a healthy cell [1/d] at these levels, with so many senescent neighbours; mean over the cell types."""
    total = 0.0
    for (name, kind), share in zip(tissue.cell_types.items(), type_shares(tissue), strict=True):
        hazard = contact_hazard(touching, tissue.contact.hazard)
        for factor_name, factor in settings.factors.items():
            level = levels[factor_name]
            if factor.induction is not None:
                by_type = factor.induction.by_type.get(name, 1.0)
                hazard += by_type * rate_of(*_at(response_numbers(factor.induction), level))
            if factor.cargo is not None:
                dose = factor.uptake.get(name, 0.0) * factor.cargo.memory * level
                by_type = factor.cargo.response.by_type.get(name, 1.0)
                hazard += by_type * rate_of(*_at(response_numbers(factor.cargo.response), dose))
        total += share * induction_hazard(hazard, kind.susceptibility, tissue.maintenance)
    return total


def _at(numbers: tuple[float, float, float, float], level: float) -> tuple[float, float, float, float, float]:
    kind, *rest = numbers
    return kind, level, rest[0], rest[1], rest[2]


def _neighbours(tissue: Tissue) -> float:
    """Neighbours of a cell far from walls."""
    if tissue.shape is None:
        return float((tissue.cloud and tissue.cloud.links.nearest) or 0)
    dimension = len(tissue.shape)
    return float(3**dimension - 1 if tissue.neighbourhood == "moore" else 2 * dimension)


def threshold_words(settings: Settings) -> str:
    """Where R_s = 1 in every tissue, or why it is told nowhere."""
    lines = [wrap(f"{name}: {_of_tissue(settings, tissue)}", "  ", "    ") for name, tissue in settings.tissues.items()]
    head = (
        "Reproduction number of senescence, R_s: cells that a senescent cell turns before it goes, in the mean field "
        "of a uniform burden of mature cells of one generation and of all cell types alike, without evasion, walls or "
        "drugs"
        f"{'; what leaks into the blood, and what the blood brings, is left out' if in_blood(settings) else ''}."
    )
    return "\n".join([wrap(head), *lines])


def _of_tissue(settings: Settings, tissue: Tissue) -> str:
    acting = {name: factor for name, factor in settings.factors.items() if _acts(factor)}
    own = settings.own_causes
    reason = f"what rules of your own do ({listed(own)}) is not known here" if own else _no_mean_field(acting, tissue)
    if reason:
        return f"not told, because {reason}."
    places, words = [FIRST], {}
    for generation, name in enumerate(_generations(settings, acting)):

        def number(burden: float, generation: int = generation) -> float:
            return reproduction_number(settings, tissue, burden, generation)

        found = crossings(number)
        places += found
        words[name] = _where(number, found, f"{name} cells")
    reason = _wrong_time(settings, acting, tissue, places)
    if reason:
        return f"not told, because {reason}."
    several = len(set(words.values())) > 1
    told = [f"{name} cells: {each}" for name, each in words.items()] if several else [words["primary"]]
    return " ".join(told) + _silent(acting, tissue)


def _generations(settings: Settings, acting: dict[str, Factor]) -> list[str]:
    """Generations to tell apart; later ones than the second exist where senders are tracked."""
    secretions = [factor.secretion for factor in acting.values()]
    if settings.generations == "tracked" and any(each.tertiary != each.secondary for each in secretions):
        return ["primary", "secondary", "later"]
    return ["primary", "secondary"] if any(each.secondary != 1.0 for each in secretions) else ["primary"]


def _where(number: Callable[[float], float], found: list[float], cells: str) -> str:
    """Where `number` of the burden passes 1, at `found`."""
    values = np.array([number(float(burden)) for burden in BURDENS])
    if not values.any():
        return "0, for senescent cells turn nobody."
    if np.isinf(values).any():
        return "without bound, for nothing removes senescent cells."
    first = values[0]
    if not found:
        top = int(values.argmax())
        if first > 1.0:
            return f"above 1 at any burden ({first:.3g} from the first cells on)."
        return f"below 1 at any burden, at most {values[top]:.2g} at {BURDENS[top]:.3g} %."
    places = [f"{burden:.3g} %" for burden in found]
    if first > 1.0:
        return f"{first:.3g} from the first cells on, and 1 at a burden of {listed(places)}."
    return f"1 at a burden of {listed(places)}; below {places[0]} {cells} do not replace themselves."


def _acts(factor: Factor) -> bool:
    """Whether its level turns cells, or changes how long they stay."""
    return any((factor.induction, factor.cargo, factor.jams_immunity, factor.attracts_immunity, factor.ages_immunity))


def _no_mean_field(acting: dict[str, Factor], tissue: Tissue) -> str:
    """Why a uniform burden does not give the levels, or the neighbours; empty if it does."""
    odd = [name for name, each in acting.items() if each.transport == "kernel" or total_decay(each, tissue) == 0.0]
    if odd:
        return f"{listed(odd)} has no level that a uniform burden gives"
    both = [name for name, each in acting.items() if each.secretion.healthy > 0.0]
    if both:
        return f"healthy cells give off {listed(both)} too, and what they turn is nobody's"
    if _touches(tissue) and _neighbours(tissue) == 0.0:
        return "the number of neighbours in this cloud is not known before the run"
    for name, factor in acting.items():
        by_cause = factor.secretion.by_cause.items()
        own = [cause for cause, each in by_cause if each != 1.0 and cause != CONTACT]
        if own:
            return f"secretion of {name} depends on what turned a cell ({listed(own)})"
        gives = {factor.secretion.by_type.get(kind, 1.0) for kind in tissue.cell_types}
        if len(gives) > 1 and not turn_alike(acting.values(), tissue):
            return f"secretion of {name} differs by cell type, and so does how easily cells turn"
    return ""


def _wrong_time(settings: Settings, acting: dict[str, Factor], tissue: Tissue, places: list[float]) -> str:
    """Why mature cells do not stand for all at these burdens [%]: they secrete too late, or not to the end."""
    for name, factor in acting.items():
        secretion = factor.secretion
        for burden in places:
            levels = {each: burden * _secretion(other, tissue, 0) for each, other in settings.factors.items()}
            removal = _removal(settings, tissue, burden, levels)
            if math.isfinite(secretion.duration) and removal * secretion.duration < 1.0 / SLOW:
                return f"secretion of {name} ends while cells stand"
            if removal * secretion.delay > SLOW:
                return f"secretion of {name} begins late in the {1.0 / removal:.2g} d that a cell stands"
    return ""


def _touches(tissue: Tissue) -> bool:
    return tissue.contact.hazard > 0.0 or tissue.contact.at_once > 0.0


def _silent(acting: dict[str, Factor], tissue: Tissue) -> str:
    """What is left out of cells turned by contact, where they are others."""
    others = any(each.secretion.by_cause.get(CONTACT, 0.0) != 1.0 for each in acting.values())
    return " Cells turned by contact secrete otherwise, which is left out." if _touches(tissue) and others else ""
