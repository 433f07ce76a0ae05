"""One small world in which everything happens, on every kind of tissue, and the kinds of events to look for."""

from __future__ import annotations

from collections import Counter

import numpy as np
from worlds import SPACING, event, scattered, tissue, walls, world

from sim.scenario import causes
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree
from sim.simulation import Simulation
from sim.tissue.state import SCARRED

LEAVING = (
    "immune", "own_death", "repaired", "scarred", "killed_by_senolytic", "killed_by_cream", "off_target_senolytic",
    "reversed_by_epigenetic", "fluctuation_loss", "patrols",
)  # fmt: skip
TURNING = (
    "damage",
    "fluctuation",
    "replicative",
    "contact_hazard",
    "contact_at_once",
    "SASP",
    "SASP_cargo",
    "drift",
    "ligand",
    "room",
    "induced_by_epigenetic",
)
OUTSIDE = ("graft", "wound", "x_ray", "flu")
EVERY_KIND = (*LEAVING, *TURNING, *OUTSIDE)
SHAPES = {"plane": (20, 18), "space": (8, 8, 8)}

BODY = tissue(
    cell_types={
        "fibroblast": {"fraction": 0.6, "susceptibility": 1.5},
        "keratinocyte": {"fraction": 0.3},
        "melanocyte": {"fraction": 0.1, "susceptibility": 0.5},
    },
    initial={"burden": 8, "since_onset": 3},
    maintenance=0.1,
    damage={"baseline": 6.5, "per_year": 10, "production": "absolute"},
    contact={"hazard": 0.13, "at_once": 0.07, "mature_after": 1},
    clearance={"max_rate": 50, "half_saturation": 20, "territory": 35, "own_death": 0.1, "decline": 0.5, "recovery": 5},
    repair={"rate": 4, "decline": 0.5, "scar": 0.08, "division_limit": 5},
    evasion={"immune": 0.2, "immune_per_year": 1, "drug": 0.3, "drug_per_year": 1, "by_cause": {"damage": 0.5}},
    depth=5,
    pigment={
        "activated_by": {"SASP": {"half_max": 5}, "ligand": {"half_max": 20, "power": 2}},
        "dendrites": {"resting_reach": 15, "activated_reach": 32},
        "turnover": "9 d",
    },
    patrols={
        "nk": {
            "density": 2, "speed": "150 um/d", "persistence_time": "2 h", "reach": 12, "attachment_time": "4 h",
            "kill_probability": 0.8, "rest_time": "5 h", "exhausts_after": 3, "lifespan": "8 d",
            "senescence_rate": 0.05, "follows": "SASP", "migration_bias": 0.5,
            "recruitment": {"basal": 0.1, "max_rate": 0.6, "half_max": 20, "power": 1.5},
        },
        "macrophage": {"density": 1, "speed": "60 um/d", "persistence_time": "forever", "kill_probability": 0.5,
                       "follows": "drift", "attachment_time": "13 h", "reach": 17},
    },
)  # fmt: skip
SIGNALS: Tree = {
    "SASP": {
        "reach": "30 um",
        "secretion": {"delay": 0.7, "ramp": 2, "duration": 15, "by_cause": {"contact": 0.2, "damage": 1.5}},
        "induction": {"hill": {"max_rate": 0.4, "half_max": 2, "power": 1.5}, "by_type": {"keratinocyte": 2}},
        "affinity": {"fibroblast": 0.5, "keratinocyte": 1},
        "cargo": {"memory": "2 d", "response": {"hill": {"max_rate": 0.52, "half_max": 1, "power": 1}}},
        "capture": "100 1/d",
        "jams_immunity": {"half_max": 100},
        "inhibits_repair": {"half_max": 100},
    },
    "drift": {
        "reach": "15 um",
        "secretion": {"tertiary": 0.5, "by_type": {"melanocyte": 3}},
        "affinity": {"fibroblast": 1},
        "cargo": {"memory": "3 d", "response": {"hill": {"max_rate": 0.7, "half_max": 1.5, "power": 3}}},
    },
    "ligand": {
        "reach": "20 um",
        "induction": {"poisson_tail": {"threshold": 3, "rate": 0.4}},
        "jams_immunity": {"half_max": 90},
        "attracts_immunity": {"half_max": 0.5, "basal": 0.6},
        "ages_immunity": {"max_rate": 0.05, "half_max": 5},
    },
    "room": {"reach": "12 um", "induction": {"linear": {"rate": 0.02}}, "boosts_repair": {"max": 1, "half_max": 3}},
}
DRUGS: Tree = {  # every kind of effect, every route, every limit
    "senolytic": {
        "half_life": "6 h",
        "effects": {
            "kill_senescent": {"emax": 0.5, "ec50": 5, "power": 2, "senescent_from": 1, "by_cause": {"damage": 0.3},
                               "by_generation": {"secondary": 0.8}, "by_type": {"keratinocyte": 2}},
            "kill_healthy": {"emax": 1.9, "ec50": 5, "by_type": {"melanocyte": 0}},
            "kill_immune": {"emax": 0.3, "ec50": 5},
        },
    },
    "senomorphic": {
        "half_life": "1 d",
        "route": "bolus",
        "effects": {
            "inhibit_secretion": {"emax": 0.8, "ec50": 3, "factors": ["SASP"], "time_constant": "1 d",
                                  "by_generation": {"secondary": 0.5}, "by_cause": {"contact": 0, "others": 0.9}},
            "inhibit_late": {"kind": "inhibit_secretion", "emax": 0.5, "ec50": 3, "senescent_from": 5,
                             "senescent_until": 20},
            "neutralise": {"emax": 2, "ec50": 3, "factors": ["SASP", "room"]},
            "inhibit_response": {"emax": 0.5, "ec50": 3, "factors": ["drift"], "by_type": {"fibroblast": 0.5}},
            "unjam_immune": {"emax": 0.5, "ec50": 3},
            "boost_immune": {"emax": 1, "ec50": 3, "by_type": {"keratinocyte": 0.5}},
        },
    },
    "epigenetic": {
        "half_life": "8 h",
        "route": "infusion",
        "effects": {
            "rejuvenate": {"emax": 0.1, "ec50": 3, "senescent_until": 20},
            "induce_senescence": {"emax": 0.7, "ec50": 3, "by_type": {"fibroblast": 2, "others": 0.5}},
            "raise_maintenance": {"emax": 0.3, "ec50": 3, "time_constant": "2 d"},
            "inhibit_induction": {"emax": 0.2, "ec50": 3},
            "block_uptake": {"emax": 0.5, "ec50": 3, "factors": ["SASP"]},
        },
    },
    "cream": {
        "half_life": "12 h",
        "route": "topical",
        "penetration_depth": "40 um",
        "effects": {
            "kill_senescent": {"emax": 0.3, "ec50": 2}, "boost_repair": {"emax": 1, "ec50": 2},
            "slow_uptake": {"kind": "block_uptake", "emax": 0.5, "ec50": 2},
            "inhibit_melanin_synthesis": {"emax": 0.5, "ec50": 2},
            "inhibit_melanin_transfer": {"emax": 0.8, "ec50": 2, "by_type": {"melanocyte": 0.7}},
        },
    },
}  # fmt: skip
TREATMENTS: Tree = {
    "pills": {"drug": "senolytic", "amount": 20, "start": 2.3, "interval": 3, "additional_doses": 20},
    "muting": {"drug": "senomorphic", "amount": 10, "start": 4, "interval": 1, "until": 15},
    "resetting": {
        "drug": "epigenetic",
        "amount": 10,
        "start": 1,
        "interval": 5,
        "days_on": 2,
        "infusion_duration": "6 h",
    },
    "care": {"drug": "cream", "amount": 5, "interval": 0.5},
}
OUTSIDE_EVENTS: Tree = {
    "wound": {"kind": "wound", "day": 0.6, "radius": 20, "margin": 60, "share": 1, "delay": 0.2, "duration": 1},
    "x_ray": {
        "kind": "irradiation",
        "day": 0,
        "radius": "whole tissue",
        "share": 0.3,
        "delay": 0,
        "duration": 0.9,
        "penetration_depth": 100,
    },
    "flu": {"kind": "infection", "day": 6, "radius": "whole tissue", "share": 1, "delay": 0, "duration": 5},
    "surgery": {"kind": "removal", "day": 15, "radius": 40},
}
CAPTURE = {"emission": 50, "capture_length": 20, "cell_radius": 5}
OTHER_TRANSPORTS: Tree = {
    "drift": {"precision": "float64"},
    "ligand": {"transport": "kernel", "reach": None, "kernel": CAPTURE},
    "room": {"transport": "well_mixed", "reach": None, "decay_rate": "5 1/d", "inhibits_repair": {"half_max": 300}},
}


def everything(
    space: str, boundary: str = "reflecting", transports: str = "all", shape: tuple[int, ...] = ()
) -> Settings:
    """All rules at once; `transports` is ``diffusion`` (float32 voxels of one cell) or ``all``."""
    dimension = 3 if space in ("space", "cloud_in_space") else 2
    shape = shape or SHAPES["space" if dimension == 3 else "plane"]
    side = 8 * SPACING if dimension == 3 else 18 * SPACING
    changes = [BODY, {"drugs": DRUGS, "treatments": TREATMENTS, "events": OUTSIDE_EVENTS}, tissue(depth_axis="y")]
    changes += [
        {"factors": SIGNALS, "generations": "tracked", "sender_reach": 80, "body": {"fluctuation": 7}},
        walls(boundary, dimension),
    ]
    changes.append(event(day=6.3, radius=1.9 * SPACING, cells="senescent melanocyte", since_onset=4))
    changes.append(event("sham", day=10, at=[20.0] * dimension, radius=12, cells="healthy keratinocyte"))
    if space in SHAPES:
        changes.append(tissue(holes=[{"at": [30.0] * dimension, "radius": 14}], repair={"reach": 2}))
    else:
        changes.append(scattered(420 if dimension == 3 else 330, dimension, side))
    if transports == "all":
        changes.append({"factors": OTHER_TRANSPORTS})
        changes.append(event(radius=2.3 * SPACING))
        if space in SHAPES:
            changes.append(tissue(voxel_cells=2))
    return world(*changes, shape=shape)


def kinds(simulation: Simulation) -> Counter[str]:
    """Events of the last step by kind: what contact did at once is told from what its hazard did."""
    patch = simulation.patches["patch"]
    arrays, names = patch.cells.arrays(), patch.event_names
    seen: Counter[str] = Counter()
    sites, codes = simulation._decided["patch"]
    for site, code in zip(sites.tolist(), codes.tolist(), strict=True):
        if arrays["state"][site] == SCARRED:
            seen["scarred"] += 1
        else:
            seen["contact_hazard" if code == causes.CONTACT else names[code]] += 1
    at_once = (arrays["since"] == simulation.day) & (arrays["cause"] == causes.CONTACT)
    at_once[sites] = False
    seen["contact_at_once"] += int(np.count_nonzero(at_once))
    before = simulation.day - simulation.settings.dt
    seen["graft"] += sum(size for name, day, size in patch.happened if name == "graft" and day == before)
    planned = simulation.events["patch"]._turning.get(simulation.step_index - 1, [])
    for _, code, sites in planned:  # what turned, and was not removed in the same step
        seen[names[code]] += int(np.count_nonzero(arrays["cause"][sites] == code))
    return seen
