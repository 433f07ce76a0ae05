"""Two engines, one biology: agents and compiled loops agree to the last bit, each rule alone and all together.

The `agents` engine never skips a site and calls every rule as plain Python: it is the slow obvious twin.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from everything import EVERY_KIND, everything, kinds
from worlds import (
    BOUNDARIES,
    assert_same,
    counts,
    drug,
    effect,
    event,
    factor,
    points_of,
    start,
    tissue,
    together,
    walls,
    world,
)

from sim.scenario.schema import Settings
from sim.scenario.trees import Tree
from sim.simulation import Simulation

STEPS = 50
HILL = {"hill": {"max_rate": 0.4, "half_max": 8, "power": 2}}
HALF = tissue(initial={"burden": 50})
OLD = tissue(initial={"burden": 15})
SASP = together(OLD, factor(reach="25 um", induction=HILL))
DYING = together(OLD, tissue(clearance={"own_death": 0.3}))
HEALING = together(DYING, tissue(repair={"rate": 0.8}))
CLEANED = together(HALF, tissue(clearance={"max_rate": 8, "half_saturation": 5, "territory": 25}))
PATROLS = tissue(patrols={"nk": {"density": 5, "speed": 150, "attachment_time": "5 h", "kill_probability": 0.7}})
CALLED = tissue(
    patrols={"nk": {"follows": "SASP", "migration_bias": 0.6, "recruitment": {"basal": 0.5, "max_rate": 2}}}
)
TYPES = tissue(cell_types={"fibroblast": {"fraction": 0.6, "susceptibility": 2}, "keratinocyte": {"fraction": 0.4}})
DRIFT = {"affinity": {"cell": 1}, "cargo": {"memory": "2 d", "response": HILL}, "induction": None, "capture": 50}
KERNEL = {"transport": "kernel", "reach": None, "kernel": {"emission": 40, "capture_length": 20, "cell_radius": 5}}
ROOM = {"transport": "well_mixed", "reach": None, "decay_rate": "3 1/d"}
GRAFT = event(day=4.2, radius=25, since_onset=2)


HALF_TYPES = together(HALF, TYPES)


ALONE: dict[str, tuple[Tree, set[str]]] = {  # each rule alone, and the events that it must bring
    "damage": (tissue(damage={"baseline": 1, "per_year": 40}), {"damage"}),
    "hill": (SASP, {"SASP"}),
    "linear": (together(SASP, factor(induction={"hill": None, "linear": {"rate": 0.01}})), {"SASP"}),
    "poisson_tail": (
        together(SASP, factor(induction={"hill": None, "poisson_tail": {"threshold": 12, "rate": 0.5}})), {"SASP"},
    ),
    "cargo": (together(SASP, factor(**DRIFT)), {"SASP"}),
    "cargo_and_level": (together(SASP, factor(**{**DRIFT, "induction": HILL})), {"SASP", "SASP_cargo"}),
    "contact_hazard": (together(OLD, tissue(contact={"hazard": 0.1, "mature_after": 3})), {"contact"}),
    "contact_at_once": (tissue(damage={"baseline": 1}, contact={"at_once": 0.4}), {"damage", "contact"}),
    "replicative": (together(HEALING, tissue(repair={"division_limit": 1})), {"replicative", "repaired"}),
    "clearance": (CLEANED, {"immune"}),
    "clearance_whole_tissue": (together(CLEANED, tissue(clearance={"territory": "whole tissue"})), {"immune"}),
    "clearance_jammed": (together(CLEANED, factor(reach=25, jams_immunity={"half_max": 5})), {"immune"}),
    "clearance_tired": (together(CLEANED, tissue(clearance={"capacity": 0.3})), {"immune"}),
    "clearance_ageing": (
        together(CLEANED, tissue(clearance={"decline": 20}), factor(reach=25, ages_immunity={"max_rate": 1})),
        {"immune"},
    ),
    "clearance_of_an_age": (together(CLEANED, tissue(clearance={"decline": 1, "immune_age": "2 yr"})), {"immune"}),
    "production_absolute": (together(HALF, tissue(damage={"baseline": 1, "production": "absolute"})), {"damage"}),
    "fluctuation": (together(HALF, {"body": {"fluctuation": 2}}), {"fluctuation", "fluctuation_loss"}),
    "patrols": (together(HALF, PATROLS), {"patrols"}),
    "patrols_beside_clearance": (together(CLEANED, PATROLS), {"patrols", "immune"}),
    "patrols_that_follow": (together(HALF, PATROLS, factor(reach=25, jams_immunity={"half_max": 5}), CALLED),
                            {"patrols"}),
    "patrols_that_tire": (
        together(HALF, PATROLS, tissue(patrols={"nk": {"exhausts_after": 2, "lifespan": 9, "senescence_rate": 0.1}})),
        {"patrols"},
    ),
    "patrols_and_evasion": (together(HALF, PATROLS, tissue(evasion={"immune": 0.5})), {"patrols"}),
    "patrols_on_a_coarse_field": (
        together(HALF, PATROLS, factor(reach=25), CALLED, tissue(voxel_cells=2, boundary="periodic")), {"patrols"},
    ),
    "patrols_up_a_kernel": (together(HALF, PATROLS, factor(**KERNEL), CALLED), {"patrols"}),
    "patrols_with_a_long_reach": (
        together(HALF, PATROLS, tissue(patrols={"nk": {"reach": 70}}, boundary="periodic")), {"patrols"},
    ),
    "own_death": (DYING, {"own_death"}),
    "repair": (together(HEALING, tissue(repair={"decline": 5})), {"repaired"}),
    "repair_inhibited": (together(HEALING, factor(reach=25, inhibits_repair={"half_max": 3})), {"repaired"}),
    "scar": (together(HEALING, tissue(repair={"scar": 0.4})), {"repaired", "scarred"}),
    "secretion_by_time": (together(SASP, factor(secretion={"delay": 31.3, "ramp": 2, "duration": 6})), {"SASP"}),
    "secretion_by_cause": (together(SASP, factor(secretion={"by_cause": {"initial": 0.3, "SASP": 2}})), {"SASP"}),
    "secretion_by_generation": (together(SASP, factor(secretion={"secondary": 2})), {"SASP"}),
    "secretion_by_type": (together(SASP, TYPES, factor(secretion={"by_type": {"fibroblast": 0.2}})), {"SASP"}),
    "generations_tracked": (
        together(SASP, factor(secretion={"tertiary": 0.3}), {"generations": "tracked", "sender_reach": 60}), {"SASP"},
    ),
    "contact_tracked": (
        together(tissue(damage={"baseline": 1}, contact={"hazard": 0.05, "at_once": 0.2}), {"generations": "tracked"}),
        {"damage", "contact"},
    ),
    "types": (together(SASP, TYPES, factor(induction={"by_type": {"keratinocyte": 3}})), {"SASP"}),
    "types_with_affinity": (
        together(SASP, TYPES, factor(**{**DRIFT, "affinity": {"fibroblast": 1, "keratinocyte": 0.1}})), {"SASP"},
    ),
    "graft": (GRAFT, {"graft"}),
    "graft_at_once": (together(GRAFT, tissue(contact={"at_once": 0.4})), {"graft", "contact"}),
    "graft_of_a_type": (together(HEALING, TYPES, GRAFT, event(cells="senescent keratinocyte")), {"graft", "repaired"}),
    "sham_graft": (together(SASP, GRAFT, event(cells="healthy")), {"graft", "SASP"}),
    "maintenance": (tissue(damage={"baseline": 3}, maintenance=0.5), {"damage"}),
    "holes": (together(SASP, HEALING, tissue(holes=[{"at": [45, 45], "radius": 18}])), {"SASP", "repaired"}),
    "von_neumann": (
        together(HEALING, tissue(neighbourhood="von_neumann", contact={"hazard": 0.1})), {"contact", "repaired"},
    ),
    "well_mixed": (together(SASP, factor(**ROOM)), {"SASP"}),
    "kernel": (together(SASP, factor(**KERNEL)), {"SASP"}),
    "float64": (together(SASP, factor(precision="float64")), {"SASP"}),
    "coarse_voxels": (together(SASP, tissue(voxel_cells=2)), {"SASP"}),
    "cloud": (together(SASP, HEALING, points_of((12, 12))), {"SASP", "repaired"}),
    "attraction": (together(CLEANED, factor(reach=25, attracts_immunity={"half_max": 20, "basal": 0.1})), {"immune"}),
    "repair_boosted": (together(HEALING, factor(reach=25, boosts_repair={"max": 3, "half_max": 5})), {"repaired"}),
    "repair_from_afar": (together(HEALING, tissue(repair={"reach": 3})), {"repaired"}),
    "repair_from_afar_across_walls": (
        together(HEALING, tissue(repair={"reach": 3}, boundary="periodic")), {"repaired"},
    ),
    "evasion": (together(CLEANED, tissue(evasion={"immune": 0.3, "drug": 0.4}), drug(effect("kill_senescent", 0.2))),
                {"immune", "killed_by_drug"}),
    "wound": (together(tissue(repair={"rate": 1}), event("wound", kind="wound", day=3, radius=25, margin=20)),
              {"wound", "repaired"}),
    "irradiation": (event("x_ray", kind="irradiation", day=2, radius="whole tissue", share=0.3), {"x_ray"}),
    "irradiation_at_once": (
        together(tissue(contact={"at_once": 0.2}, depth_axis="y"),
                 event("uv", kind="irradiation", radius=40, share=0.5, penetration_depth=50)), {"uv", "contact"},
    ),
    "infection": (event("flu", kind="infection", day=1, radius=40, share=0.5, duration=9), {"flu"}),
    "removal": (together(OLD, event("surgery", kind="removal", day=2, radius=40)), {"surgery"}),
    "kill": (together(HALF_TYPES, drug(effect("kill_senescent", 0.2, by_type={"fibroblast": 0}))), {"killed_by_drug"}),
    "kill_for_a_time": (together(HALF, drug(effect("kill_senescent", 0.2, senescent_from=35, senescent_until=40))),
                        {"killed_by_drug"}),
    "kill_healthy": (together(TYPES, drug(effect("kill_healthy", 0.05, by_type={"fibroblast": 3}))),
                     {"off_target_drug"}),
    "kill_immune": (together(CLEANED, drug(effect("kill_immune", 0.5))), {"immune"}),
    "rejuvenate": (together(HALF, drug(effect("rejuvenate", 0.2))), {"reversed_by_drug"}),
    "induce": (together(TYPES, drug(effect("induce_senescence", 0.05, by_type={"fibroblast": 3}))),
               {"induced_by_drug"}),
    "inhibit_secretion": (together(SASP, drug(effect("inhibit_secretion", 0.9, time_constant=2))), {"SASP"}),
    "inhibit_secretion_of_some": (
        together(SASP, TYPES, drug(effect("inhibit_secretion", 0.9, by_type={"fibroblast": 0.2},
                                          by_cause={"initial": 0}, senescent_from=1))), {"SASP"},
    ),
    "neutralise": (together(SASP, drug(effect("neutralise", 3))), {"SASP"}),
    "inhibit_response": (together(SASP, TYPES, drug(effect("inhibit_response", 0.9, by_type={"fibroblast": 0.1}))),
                         {"SASP"}),
    "block_uptake": (together(SASP, factor(**DRIFT), drug(effect("block_uptake", 0.9))), {"SASP"}),
    "inhibit_induction": (together(SASP, TYPES, drug(effect("inhibit_induction", 0.9, by_type={"fibroblast": 0.5}))),
                          {"SASP"}),
    "raise_maintenance": (together(SASP, drug(effect("raise_maintenance", 0.9, time_constant=3))), {"SASP"}),
    "boost_immune": (together(CLEANED, drug(effect("boost_immune", 3))), {"immune"}),
    "unjam_immune": (
        together(CLEANED, factor(reach=25, jams_immunity={"half_max": 5}), drug(effect("unjam_immune", 0.9))),
        {"immune"},
    ),
    "boost_repair": (together(HEALING, drug(effect("boost_repair", 2))), {"repaired"}),
    "topical": (
        together(HALF, tissue(depth_axis="x"),
                 drug(effect("kill_senescent", 0.4), route="topical", penetration_depth=30)), {"killed_by_drug"},
    ),
}  # fmt: skip


def side_by_side(settings: Settings) -> Iterator[Simulation]:
    """The compiled simulation after each step, having compared it with its twin."""
    agents, compiled = (start(settings, engine=engine) for engine in ("agents", "compiled"))
    assert_same(agents.patches["patch"], compiled.patches["patch"])
    for _ in range(STEPS):
        agents.step()
        compiled.step()
        assert_same(agents.patches["patch"], compiled.patches["patch"])
        yield compiled
    assert agents.transmissions == compiled.transmissions


@pytest.mark.parametrize("rule", ALONE)
def test_each_rule_alone(rule: str) -> None:
    change, expected = ALONE[rule]
    *_, last = side_by_side(world(change))
    happened = {name for name, count in counts(last.patches["patch"]).items() if count}
    assert expected <= happened <= expected | {"initial", "own_death"}


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("space", ["plane", "space", "cloud", "cloud_in_space"])
def test_all_rules_together(space: str, boundary: str) -> None:
    seen: Counter[str] = Counter()
    for transports in ("diffusion", "all"):
        for compiled in side_by_side(everything(space, boundary, transports)):
            seen += kinds(compiled)
    assert {kind: seen[kind] for kind in EVERY_KIND if seen[kind] < 20} == {}


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("shape", [(14, 12), (6, 8, 6)])
def test_a_lattice_and_the_cloud_of_its_points(shape: tuple[int, ...], boundary: str) -> None:
    rules = together(SASP, HEALING, CLEANED, TYPES, GRAFT, tissue(contact={"hazard": 0.05}))
    more = factor(jams_immunity={"half_max": 30}, affinity={"fibroblast": 1}, cargo=DRIFT["cargo"])
    change = together(rules, more, walls(boundary, len(shape)), tissue(repair={"scar": 0.1, "division_limit": 3}))
    for coarse in (1, 2):
        lattice = start(world(change, tissue(voxel_cells=coarse), shape=shape))
        cloud = start(world(change, points_of(shape, coarse), shape=shape))
        for _ in range(STEPS):
            lattice.step()
            cloud.step()
        assert_same(lattice.patches["patch"], cloud.patches["patch"])
        assert np.count_nonzero(lattice.patches["patch"].cum) >= 8
