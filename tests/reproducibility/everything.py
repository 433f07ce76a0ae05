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

LEAVING = ("immune", "own_death", "repaired", "scarred")
TURNING = (
    "damage",
    "replicative",
    "contact_hazard",
    "contact_at_once",
    "SASP",
    "SASP_cargo",
    "drift",
    "ligand",
    "room",
)
EVERY_KIND = (*LEAVING, *TURNING, "graft")
SHAPES = {"plane": (16, 14), "space": (6, 8, 6)}

BODY = tissue(
    cell_types={
        "fibroblast": {"fraction": 0.6, "susceptibility": 1.5},
        "keratinocyte": {"fraction": 0.3},
        "melanocyte": {"fraction": 0.1, "susceptibility": 0.5},
    },
    initial={"burden": 8, "since_onset": 3},
    maintenance=0.1,
    damage={"baseline": 1.5, "per_year": 10},
    contact={"hazard": 0.025, "at_once": 0.05, "mature_after": 1},
    clearance={"max_rate": 40, "half_saturation": 20, "territory": 35, "own_death": 0.1},
    repair={"rate": 2, "decline": 0.5, "scar": 0.08, "division_limit": 5},
)
SIGNALS: Tree = {
    "SASP": {
        "reach": "30 um",
        "secretion": {"delay": 0.7, "ramp": 2, "duration": 15, "by_cause": {"contact": 0.2, "damage": 1.5}},
        "induction": {"hill": {"max_rate": 0.06, "half_max": 2, "power": 1.5}, "by_type": {"keratinocyte": 2}},
        "affinity": {"fibroblast": 0.5, "keratinocyte": 1},
        "cargo": {"memory": "2 d", "response": {"hill": {"max_rate": 0.08, "half_max": 2, "power": 1}}},
        "capture": "100 1/d",
        "jams_immunity": {"half_max": 100},
        "inhibits_repair": {"half_max": 100},
    },
    "drift": {
        "reach": "15 um",
        "secretion": {"tertiary": 0.5, "by_type": {"melanocyte": 3}},
        "affinity": {"fibroblast": 1},
        "cargo": {"memory": "3 d", "response": {"hill": {"max_rate": 0.08, "half_max": 4, "power": 3}}},
    },
    "ligand": {
        "reach": "20 um",
        "induction": {"poisson_tail": {"threshold": 3, "rate": 0.15}},
        "jams_immunity": {"half_max": 90},
    },
    "room": {"reach": "12 um", "induction": {"linear": {"rate": 0.004}}},
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
    side = 7 * SPACING if dimension == 3 else 15 * SPACING
    changes = [BODY, {"factors": SIGNALS, "generations": "tracked", "sender_reach": 80}, walls(boundary, dimension)]
    changes.append(event(day=6.3, radius=1.6 * SPACING, cells="senescent melanocyte", since_onset=4))
    changes.append(event("sham", day=10, at=[20.0] * dimension, radius=12, cells="healthy keratinocyte"))
    if space in SHAPES:
        changes.append(tissue(holes=[{"at": [30.0] * dimension, "radius": 14}]))
    else:
        changes.append(scattered(300 if dimension == 3 else 220, dimension, side))
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
    return seen
