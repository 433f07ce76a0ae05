"""Paragraphs about one tissue: where the cells are, how they turn, who evades, how they are cleared and replaced."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

from sim.explain.functions import function_words
from sim.explain.immunity import immune_hazard
from sim.explain.patrols import patrol_words
from sim.explain.pigment import pigment_words
from sim.explain.words import Teller, listed, paragraph, scaled, size_words
from sim.rules.induction import damage_hazard
from sim.scenario.clearance import Clearance
from sim.scenario.layers import layer_ends
from sim.scenario.places import extent_of
from sim.scenario.quantity import DAYS_PER_YEAR, duration
from sim.scenario.schema import Settings
from sim.scenario.tissue import Tissue
from sim.tissue.parameters import mean_own_death


def tissue_words(teller: Teller, name: str, loses_immunity: bool) -> str:
    """Paragraphs about the tissue `name`; how immune cells come back is told where a drug or a factor takes them."""
    tissue, at = teller.settings.tissues[name], f"tissues.{name}"
    return paragraph(
        [
            _cells(teller, at, name, tissue),
            _damage(teller, at, tissue),
            _contact(teller, at, tissue),
            _clearance(teller, at, tissue, loses_immunity),
            *patrol_words(teller, at, tissue),
            _evasion(teller, at, tissue),
            _repair(teller, at, tissue),
            *function_words(teller, at, tissue),
            *pigment_words(teller, at, tissue),
        ]
    )


def depths(tissue: Tissue) -> tuple[float, float]:
    """Depth [um] of the middles of the uppermost and of the lowest cells (in a cloud: voxels)."""
    if tissue.depth_axis is None:
        return tissue.depth, tissue.depth
    half = (tissue.cell_spacing if tissue.cloud is None else tissue.cloud.voxel_spacing) / 2.0
    return tissue.depth + half, tissue.depth + extent_of(tissue)["xyz".index(tissue.depth_axis)] - half


def _cells(teller: Teller, at: str, name: str, tissue: Tissue) -> str:
    words = f"{tissue.description.rstrip('.')}: " if tissue.description else ""
    walls = tissue.boundary if isinstance(tissue.boundary, str) else ", ".join(tissue.boundary)
    place = size_words(tissue) if teller.settings.mode == "well_mixed" else f"{size_words(tissue)}, {walls} walls"
    if tissue.shape is not None:
        place += f", cells {teller.say(f'{at}.cell_spacing')} apart{teller.cite(f'{at}.cell_spacing')}"
        place += f", {tissue.neighbourhood.replace('_', ' ')} neighbours"
    if tissue.depth_axis is not None:
        bottom = tissue.depth + extent_of(tissue)["xyz".index(tissue.depth_axis)]
        place += f", {tissue.depth:g} to {bottom:g} um below the surface along {tissue.depth_axis}"
    elif tissue.depth > 0:
        place += f", {tissue.depth:g} um below the surface"
    if tissue.well_mixed:
        place += ", stirred: every cell meets every other"
    if tissue.represents is not None:
        place += f", a sample of {teller.say(f'{at}.represents')} of the organ{teller.cite(f'{at}.represents')}"
    holes = f", {len(tissue.holes)} round places without cells" if tissue.holes else ""
    even = ", lying evenly" if tissue.arrangement == "even" and len(tissue.cell_types) > 1 else ""
    kinds = ", ".join(tissue.cell_types) + even
    old = f"{teller.say(f'{at}.initial.burden')} of the cells are senescent at the start, since "
    old += f"{duration(tissue.initial.since_onset)}{teller.cite(f'{at}.initial.burden')}."
    start = old if tissue.initial.burden > 0 else "No cell is senescent at the start."
    if tissue.found is not None and tissue.found.burden is not None:
        file = Path(tissue.cloud.cells.file).name  # type: ignore[union-attr]
        start = f"{tissue.found.burden:.3g} % of the cells are senescent at the start, as {file} says."
    age = f"{duration(teller.settings.age_at_start)} old on day 0"
    return f"Tissue {name}. {words}{place}{holes}, {age}. Cell types: {kinds}.{_layers(teller, at, tissue)} {start}"


def _layers(teller: Teller, at: str, tissue: Tissue) -> str:
    """Which cells lie how deep, and which of them are shed."""
    said = []
    for (name, layer), (above, below) in zip(tissue.layers.items(), pairwise([0.0, *layer_ends(tissue)]), strict=True):
        where = f"from {above:g} um down" if math.isinf(below) else f"{above:g} to {below:g} um"
        whole = sum(layer.cell_types.values())
        cells = listed([f"{100 * share / whole:.3g} % {kind}" for kind, share in layer.cell_types.items()])
        cited = teller.cite_named(f"{at}.layers.{name}.cell_types", list(layer.cell_types))
        said.append(f"{name} {where} with {cells}{cited}")
    shed = [
        f"{kind} at {about.turnover:.3g} per day{teller.cite(f'{at}.cell_types.{kind}.turnover')}"
        for kind, about in tissue.cell_types.items()
        if about.turnover > 0
    ]
    layers = f" Layers, below the uppermost wall: {'; '.join(said)}." if said else ""
    return layers + (f" Senescent cells are shed: {listed(shed)}." if shed else "")


def _damage(teller: Teller, at: str, tissue: Tissue) -> str:
    damage = tissue.damage
    averted = ""
    if tissue.maintenance > 0:
        averted = f" Upkeep averts {100 * tissue.maintenance:.3g} % of all induction{teller.cite(f'{at}.maintenance')}."
    if damage.baseline == 0 and damage.per_year == 0:
        return f"Damage: none.{averted}"
    whose = "the healthy cells" if damage.production == "per_cell" else "all cells, however few are healthy,"
    now = damage_hazard(teller.settings.age_at_start / DAYS_PER_YEAR, damage.baseline, damage.per_year)
    return (
        f"Damage turns {damage.baseline:.3g} % of {whose} senescent per day at age 0, rising by "
        f"{damage.per_year:.3g} % per day and year of age; {now:.3g} % per day on day 0"
        f"{teller.cite(f'{at}.damage.baseline', f'{at}.damage.per_year')}.{averted}"
    )


def _contact(teller: Teller, at: str, tissue: Tissue) -> str:
    contact, parts = tissue.contact, []
    if contact.hazard > 0:
        ripe = f" that turned {duration(contact.mature_after)} ago or earlier" if contact.mature_after > 0 else ""
        cited = teller.cite(f"{at}.contact.hazard")
        parts.append(f"each senescent neighbour{ripe} adds {contact.hazard:.3g} per day{cited}")
    if contact.at_once > 0:
        parts.append(
            f"a cell that turns takes each healthy neighbour along with chance {contact.at_once:.3g}"
            f"{teller.cite(f'{at}.contact.at_once')}"
        )
    return f"Contact: {'; '.join(parts)}." if parts else ""


def _clearance(teller: Teller, at: str, tissue: Tissue, loses_immunity: bool) -> str:
    clearance, parts = tissue.clearance, []
    if clearance.max_rate > 0:
        parts.append(_immune(teller, f"{at}.clearance", clearance, loses_immunity))
    if clearance.own_death > 0:
        parts.append(
            f"Senescent cells die by themselves at {clearance.own_death:.3g} per day"
            f"{teller.cite(f'{at}.clearance.own_death')}."
        )
    if not parts:
        return "" if tissue.patrols else "Clearance: none; senescent cells stay."
    burdens = sorted({tissue.burden_at_start or 1.0, 10.0})
    lives = (f"{duration(_half_life(teller.settings, tissue, x))} at a burden of {x:.3g} %" for x in burdens)
    comes = any(factor.attracts_immunity is not None for factor in teller.settings.factors.values())
    but = "jamming and attraction included" if comes else "jamming included"
    if tissue.evasion.immune > 0 or tissue.evasion.immune_per_year > 0:
        but += ", evading cells left out"
    return f"{' '.join(parts)} Half of a senescent cohort is gone after {' and '.join(lives)}, {but}."


def _immune(teller: Teller, at: str, clearance: Clearance, loses_immunity: bool) -> str:
    where, used = _territory(teller, at, clearance)
    used = [f"{at}.max_rate", f"{at}.half_saturation", *used]
    words = (
        f"Immune clearance removes at most {clearance.max_rate:.3g} % of the tissue per day, half of that at a "
        f"burden of {clearance.half_saturation:.3g} % in {where}{teller.cite(*used)}."
    )
    if clearance.perforin < 1:
        words += (
            f" The granule route, {100 * clearance.granule_share:.3g} % of that{teller.cite(f'{at}.granule_share')}, "
            f"{f'works to {100 * clearance.perforin:.3g} %' if clearance.perforin > 0 else 'does not work'}."
        )
    if clearance.capacity != 1:
        words += f" Immune capacity is {clearance.capacity:.3g}."
    if clearance.decline > 0:
        lasts = "the age of the host" if clearance.immune_age is None else f"{duration(clearance.immune_age)}, for good"
        words += f" Capacity falls by exp(-{clearance.decline:.3g} per year of immune age"
        words += f"{teller.cite(f'{at}.decline')}), which is {lasts}."
    if loses_immunity:
        back = f"with a time constant of {duration(clearance.recovery)}{teller.cite(f'{at}.recovery')}"
        words += f" Immune cells that are lost come back {back}."
    return words


def _territory(teller: Teller, at: str, clearance: Clearance) -> tuple[str, list[str]]:
    """Whose burden saturates removal, and the number that says so."""
    tissue = teller.settings.tissues[at.split(".")[1]]
    if clearance.saturation == "body":
        return "the whole body, whose tissues share their immune cells", []
    if tissue.well_mixed:
        return "the whole tissue", []
    everywhere = math.isinf(clearance.territory)
    where = "the whole tissue" if everywhere else f"the {teller.say(f'{at}.territory')} around a cell"
    return where, [f"{at}.territory"]


def _half_life(settings: Settings, tissue: Tissue, burden: float) -> float:
    """Time [d] to lose half of a cohort at a steady `burden` [%] of mature primary cells; none turn, none evade."""
    levels = {name: burden * factor.secretion.strength for name, factor in settings.factors.items()
              if factor.transport != "kernel"}  # fmt: skip
    hazard = mean_own_death(tissue) + immune_hazard(settings, tissue, burden, levels)
    return math.log(2) / hazard if hazard > 0 else math.inf


def _evasion(teller: Teller, at: str, tissue: Tissue) -> str:
    evasion, parts = tissue.evasion, []
    for key, whom in (("immune", "immune cells"), ("drug", "all drugs")):
        share, per_year = getattr(evasion, key), getattr(evasion, f"{key}_per_year")
        if share > 0 or per_year > 0:
            rising = f", {100 * per_year:.3g} % more per year of age" if per_year > 0 else ""
            used = [f"{at}.evasion.{key}"] * (share > 0) + [f"{at}.evasion.{key}_per_year"] * (per_year > 0)
            parts.append(f"{100 * share:.3g} % evade {whom} at age 0{rising}{teller.cite(*used)}")
    if not parts:
        return ""
    if evasion.by_cause:
        causes = scaled(evasion.by_cause, "where {} turned them", "for all other causes")
        parts.append(f"{causes}{teller.cite_named(f'{at}.evasion.by_cause', evasion.by_cause)}")
    return f"Evasion, for good, of the cells that turn senescent: {'; '.join(parts)}."


def _repair(teller: Teller, at: str, tissue: Tissue) -> str:
    repair = tissue.repair
    if teller.settings.mode == "well_mixed":
        return "Vacancies are neglected: a cell that goes is replaced at once."
    if repair.rate == 0:
        return "Repair: none; vacant sites stay vacant."
    cited = teller.cite(f"{at}.repair.rate")
    parts = [f"Repair refills a vacant site amid healthy neighbours at {repair.rate:.3g} per day{cited}"]
    if repair.keeps_types:
        parts.append("the site keeps its cell type, whoever divides")
    if repair.decline > 0:
        parts.append(f"falling by exp(-{repair.decline:.3g} per year of age){teller.cite(f'{at}.repair.decline')}")
    if repair.reach > 1:
        parts.append(f"a daughter comes from up to {repair.reach} cells away{teller.cite(f'{at}.repair.reach')}")
    if repair.scar > 0:
        parts.append(f"{100 * repair.scar:.3g} % of vacancies scar instead{teller.cite(f'{at}.repair.scar')}")
    if repair.division_limit is not None:
        cited = teller.cite(f"{at}.repair.division_limit")
        parts.append(f"cells turn senescent at {repair.division_limit} divisions{cited}")
    return f"{'; '.join(parts)}."
