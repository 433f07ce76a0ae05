"""What came true in a run of a random scenario: told from what happened, as far as that can be seen.

Of what is "present" it is only known that the scenario asks for it, and of a tissue that something befell its cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from random_tissues import axes

from sim.experiment.replicate import Recorder
from sim.scenario import causes
from sim.scenario.drug import KINDS
from sim.scenario.drug_checks import idle_effects
from sim.scenario.event import TURNING
from sim.scenario.factor import ACTIONS
from sim.scenario.trees import Tree
from sim.simulation import Simulation
from sim.tissue.patch import Patch
from sim.tissue.state import EVADES_DRUGS, EVADES_IMMUNITY

LAWS = ("hill", "linear", "poisson_tail")
ALL: dict[str, tuple[str, ...]] = {  # what some of the scenarios must reach, by group
    "present": ("dimension 1", "dimension 2", "dimension 3", "moore", "von_neumann", "holes", "voxels of 1",
              "voxels of 2", "voxels of 4", "cloud positions", "cloud packing", "links radius", "links nearest",
              "links window", "reflecting", "periodic", "absorbing", "mixed walls", "several types", "even types",
              "depth axis", "layers", "stirred tissue", "several tissues", "preset", "patterns", "maps"),
    "cells": ("immune", "own_death", "turnover", "repaired", "scarred", "initial", "damage", "absolute production",
              "contact hazard", "contact at once", "replicative", "patrols", "fluctuation", "fluctuation_loss",
              "repair from afar", "types kept", "immunity evaded", "drugs evaded", "territory of the body",
              "perforin", "maintenance", "quality lost", "cargo"),
    "factors": ("diffusion float32", "diffusion float64", "kernel", "well_mixed", "ventilation", "healthy cells give",
                "blood", "blood of several tissues", "matrix", *(f"induction {law}" for law in LAWS),
                *(f"cargo {law}" for law in LAWS), *ACTIONS[2:]),
    "patrols": ("recruited", "circulating", "led", "attached", "gone"),
    "drugs": (*(f"route {route}" for route in ("oral", "bolus", "infusion", "topical")), "dose given", "dose stopped",
              "dose toxic", "library drug", *KINDS, *causes.BY_DRUGS),
    "events": ("graft", "wound", "irradiation", "infection", "removal", "again", "graft by number",
               *(f"turned by {kind}" for kind in ("graft", *TURNING))),
    "individual": ("functions", "outcomes", "death by burden", "death by hazard", "death by other causes", "differing",
                   "environment", "pigment", "stop", "arms"),
    "looking": ("senders drawn", "shares attributed"),
}  # fmt: skip


def reached(simulation: Simulation, recorder: Recorder, tree: Tree) -> set[str]:
    """Names of `ALL` that this run has reached."""
    found = {name for name, patch in simulation.patches.items() for name in _of_patch(simulation, patch)}
    for name, patch in simulation.patches.items():
        found |= {each for each, true in _of_space(tree["tissues"][name], patch).items() if true}
        found |= {each for each, true in _of_signals(simulation, patch).items() if true}
    found |= {each for each, true in _of_body(simulation, recorder.rows).items() if true}
    found |= {f"route {dose.route}" for dose in simulation.dosing.calendar}
    found |= {f"dose {dose.status}" for dose in simulation.dosing.calendar}
    return found | set(_of_drugs(simulation))


def _of_space(tree: Tree, patch: Patch) -> dict[str, bool]:
    """Where the cells of a tissue with any event are."""
    if not patch.cum.any():
        return {}
    lattice, cloud, walls = "shape" in tree, tree.get("cloud", {}), {wall for *_, wall in axes(tree)}
    wide = sum(n > 1 for _, n, _ in axes(tree)) if lattice else patch.geometry.dimension
    made = {
        f"dimension {wide}": True, tree.get("neighbourhood", "moore"): lattice, "holes": "holes" in tree,
        f"voxels of {tree.get('voxel_cells', 1)}": lattice and patch.levels.any(), "mixed walls": len(walls) > 1,
        "even types": tree.get("arrangement") == "even" and len(tree["cell_types"]) > 1,
        "several types": len(set(patch.cells.cell_type.tolist())) > 1, "depth axis": "depth_axis" in tree,
        "layers": "layers" in tree, "stirred tissue": tree.get("well_mixed", False), "preset": "preset" in tree,
    }  # fmt: skip
    made |= dict.fromkeys(walls, bool(patch.levels.any()))
    made |= {f"cloud {kind}": kind in cloud for kind in ("positions", "packing")}
    return made | {f"links {kind}": True for kind in cloud.get("links", {})}


def _of_patch(simulation: Simulation, patch: Patch) -> Iterator[str]:
    """What befell the cells of a tissue."""
    counts = dict(zip(patch.event_names, patch.cum.tolist(), strict=True))
    about, cells, settings = patch.tissue, patch.cells, simulation.settings
    happened = {name for name, _, n in patch.happened if n}
    yield from (name for name, count in counts.items() if count and name in causes.FIXED)
    for cause, factor, part, law in causes.factor_channels(settings):
        if counts[cause]:
            yield from (f"{part} {kind}" for kind in LAWS if getattr(law, kind) is not None)
            yield from ["matrix"] * ("_from_" in factor)
    for name, event in settings.events.items():
        if name in happened:
            yield event.kind
            yield from ["again"] * (len([1 for each, *_ in patch.happened if each == name]) > 1)
            yield from ["graft by number"] * (event.n_cells is not None)
        yield from [f"turned by {event.kind}"] * (counts[name] > 0 and event.induces)
    yield from (deed for deed in causes.BY_DRUGS if any(n for name, n in counts.items() if name.startswith(deed)))
    repairs, removed = counts["repaired"], counts["immune"]
    seen = {
        "contact hazard": counts["contact"] and about.contact.hazard and not about.contact.at_once,
        "contact at once": counts["contact"] and about.contact.at_once and not about.contact.hazard,
        "turnover": counts["own_death"] and not about.clearance.own_death,
        "absolute production": counts["damage"] and about.damage.production == "absolute",
        "maintenance": counts["damage"] and about.maintenance,
        "repair from afar": repairs and about.repair.reach > 1, "types kept": repairs and about.repair.keeps_types,
        "immunity evaded": (cells.refractory & EVADES_IMMUNITY).any(),
        "drugs evaded": (cells.refractory & EVADES_DRUGS).any(),
        "territory of the body": removed and about.clearance.saturation == "body",
        "perforin": removed and about.clearance.perforin < 1.0, "cargo": cells.cargo.any(),
    }  # fmt: skip
    yield from (name for name, true in seen.items() if true)


def _of_signals(simulation: Simulation, patch: Patch) -> dict[str, Any]:
    """Factors that are there, and what they find to act on."""
    found: dict[str, Any] = {}
    repaired = patch.cum[causes.REPAIRED] > 0
    for name, factor in simulation.settings.factors.items():
        if not patch.level(name).any():
            continue
        kind = f"diffusion {factor.precision}" if factor.transport == "diffusion" else factor.transport
        blood = simulation.body.blood.get(name)
        found |= {kind: True, "ventilation": found.get("ventilation") or factor.ventilation}
        found["healthy cells give"] = found.get("healthy cells give") or factor.secretion.healthy
        if blood is not None and blood.level > 0.0:
            found |= {"blood": True, "blood of several tissues": len(simulation.patches) > 1}
        for action in ACTIONS[2:]:
            live = repaired if action.endswith("repair") else patch.tissue.guarded
            found[action] = found.get(action) or (live and getattr(factor, action) is not None)
    for troop in patch.patrols.troops:
        about = patch.tissue.patrols[troop.name]
        found |= {"recruited": found.get("recruited") or (about.recruitment is not None and troop.born > 5),
                  "circulating": troop.pool is not None, "led": troop.law.follows >= 0 and about.migration_bias > 0.0,
                  "attached": troop.kills > 0, "gone": troop.rows.size < troop.born}  # fmt: skip
    return found


def _of_drugs(simulation: Simulation) -> Iterator[str]:
    """Effects that are not idle and were more than 0."""
    settings = simulation.settings
    for (drug, effect), by_tissue in simulation.dosing.done.items():
        if any(by_tissue.values()) and effect not in idle_effects(settings, drug):
            yield settings.drugs[drug].effects[effect].kind
            yield from ["library drug"] * (drug == "dasatinib_quercetin")


def _of_body(simulation: Simulation, rows: list[Mapping[str, Any]]) -> dict[str, Any]:
    """What befell the individual, and who looked at it."""
    settings, record = simulation.settings, simulation.settings.record
    around, death = simulation.arm_settings.environment, settings.body.death
    first = {row["tissue"]: row for row in reversed(rows)}
    moved = (name for row in rows for name in row if name.startswith("function_")
             and row[name] != first[row["tissue"]][name])  # fmt: skip
    moved_any = any(moved)
    return {
        "several tissues": len(simulation.patches) > 1, "functions": moved_any,
        "outcomes": moved_any and settings.outcomes,
        "death by burden": simulation.died and death and death.steepness is None and death.other is None,
        "death by hazard": simulation.died and death and death.steepness is not None,
        "death by other causes": simulation.died and death and death.other is not None,
        "differing": any(each[0] != 1.0 for each in (simulation.traits.damage, simulation.traits.removal,
                                                     simulation.traits.susceptibility)),
        "environment": around is not None and any(around.multiplier(name) != 1.0 for name in around.rates),
        "pigment": any(row.get("activation_mean", 0.0) > 0.0 for row in rows),
        "quality lost": any(row.get("quality", 1.0) < 1.0 for row in rows),
        "stop": simulation.finished and not simulation.died and simulation.step_index < settings.n_steps,
        "senders drawn": any(simulation.transmissions.values()),
        "shares attributed": any(each.totals.any() for each in simulation.attributions.values()),
        "patterns": record.patterns, "maps": record.maps,
    }  # fmt: skip
