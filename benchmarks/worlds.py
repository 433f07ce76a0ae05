"""The tissues that the benchmarks run."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import sim
from sim.scenario.load import Scenario
from sim.scenario.schema import Settings


def tissue(side: int, burden: float, days: float = 1000.0) -> Settings:
    """A square tissue with two factors and every rule at work, at the rates of the skin graft."""
    tree: dict[str, Any] = {
        "days": days,
        "dt": 0.5,
        "replicates": 1,
        "tissues": {
            "skin": {
                "shape": [side, side],
                "cell_types": {"fibroblast": {}},
                "initial": {"burden": burden},
                "contact": {"hazard": 0.0005, "at_once": 0.01},
                "clearance": {"own_death": 0.001},
                "repair": {"scar": 0.01, "division_limit": 50, "decline": 0.1},
            }
        },
        "factors": {
            "SASP": {
                "reach": 100,
                "induction": {"hill": {}},
                "jams_immunity": {},
                "inhibits_repair": {"half_max": 50},
            },
            "drift": {
                "reach": 50,
                "diffusivity": 1,
                "affinity": {"fibroblast": 1.0},
                "cargo": {"memory": 3, "response": {"hill": {"max_rate": 0.01, "half_max": 60, "power": 2}}},
            },
        },
    }
    return sim.from_dict(tree).arms["control"]


def strategies() -> Scenario:
    """36 arms of ``configs/kill_or_tame.yaml``: a senolytic by amount and interval, a muting by amount."""
    arms: dict[str, Any] = {}
    for amount, interval, muting in product((14, 28, 55), (7, 14, 28), (0, 6, 12, 25)):
        killing = {"drug": "dasatinib_quercetin", "amount": amount, "start": 14, "interval": interval}
        daily = {"drug": "niclosamide", "amount": muting, "start": 14, "interval": 1}
        arms[f"kill_{amount}_every_{interval}_mute_{muting}"] = {"treatments": {"kill": killing, "mute": daily}}
    home = Path(__file__).parents[1] / "configs" / "kill_or_tame.yaml"
    return sim.load(home, {"arms": arms, "record.maps": [], "replicates": 8, "dt": 0.5})
