"""The tissues that the benchmarks run."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import sim
from sim.scenario.load import Scenario
from sim.scenario.schema import Settings

FACTORS: dict[str, Any] = {  # again and again, where a tissue has more than two
    "SASP": {"reach": 100, "induction": {"hill": {}}, "jams_immunity": {}, "inhibits_repair": {"half_max": 50}},
    "drift": {
        "reach": 50,
        "diffusivity": 1,
        "affinity": {"fibroblast": 1.0},
        "cargo": {"memory": 3, "response": {"hill": {"max_rate": 0.01, "half_max": 60, "power": 2}}},
    },
}


def every_rule(shape: tuple[int, int], burden: float, factors: int = 2, days: float = 1000.0, **skin: Any) -> Scenario:
    """A tissue with every rule at work, at the rates of the skin graft; `skin` are more sections of the tissue."""
    kinds = [*FACTORS.items()]
    tree: dict[str, Any] = {
        "days": days,
        "dt": 0.5,
        "replicates": 1,
        "tissues": {
            "skin": {
                "shape": [*shape],
                "cell_types": {"fibroblast": {}},
                "initial": {"burden": burden},
                "contact": {"hazard": 0.0005, "at_once": 0.01},
                "clearance": {"own_death": 0.001},
                "repair": {"scar": 0.01, "division_limit": 50, "decline": 0.1},
                **skin,
            }
        },
        "factors": {f"{kinds[i % 2][0]}{i // 2 + 1 if i > 1 else ''}": kinds[i % 2][1] for i in range(factors)},
    }
    return sim.from_dict(tree)


def tissue(side: int, burden: float, **more: Any) -> Settings:
    """The arm of `every_rule` on a square of so many cells."""
    return every_rule((side, side), burden, **more).arms["control"]


def common_rules(
    shape: tuple[int, int], factors: int = 2, burden: float = 10.0, changes: dict[str, Any] | None = None
) -> Settings:
    """The rules that `benchmarks.plain_mesa` has too: one kind of cell, factors that induce, the first one jams.

    Cells turn by damage, factors and contact, are removed by immune cells or die, and are replaced by healthy
    neighbours. `changes` are values by dotted key.
    """
    second = {"reach": 50, "diffusivity": 1, "induction": {"hill": {"half_max": 60}}}
    induced = {"SASP": {"reach": 100, "induction": {"hill": {}}, "jams_immunity": {}}, "second": second}
    patch = {
        "shape": [*shape],
        "initial": {"burden": burden},
        "contact": {"hazard": 0.0005},
        "clearance": {"own_death": 0.001},
        "repair": {"rate": 0.5},
    }
    tree = {"days": 1000, "dt": 0.5, "tissues": {"skin": patch}, "factors": dict([*induced.items()][:factors])}
    return sim.from_dict(tree, changes).arms["control"]


def strategies() -> Scenario:
    """36 arms of ``configs/kill_or_tame.yaml``: a senolytic by amount and interval, a muting by amount."""
    arms: dict[str, Any] = {}
    for amount, interval, muting in product((14, 28, 55), (7, 14, 28), (0, 6, 12, 25)):
        killing = {"drug": "dasatinib_quercetin", "amount": amount, "start": 14, "interval": interval}
        daily = {"drug": "niclosamide", "amount": muting, "start": 14, "interval": 1}
        arms[f"kill_{amount}_every_{interval}_mute_{muting}"] = {"treatments": {"kill": killing, "mute": daily}}
    home = Path(__file__).parents[1] / "configs" / "kill_or_tame.yaml"
    return sim.load(home, {"arms": arms, "record.maps": [], "replicates": 8, "dt": 0.5})
