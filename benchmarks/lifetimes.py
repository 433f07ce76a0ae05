"""Lifetimes of mice of several tissues: 4 arms x 50 mice x 5 tissues of 48 x 48 over 900 days of steps of a day."""

from __future__ import annotations

import time
from typing import Any

import sim
from benchmarks.protocol import Report, Row
from benchmarks.sweeps import resident

ORGANS = ("skin", "muscle", "spine", "femur", "hippocampus")


def mice(days: float = 900.0, replicates: int = 50) -> sim.Scenario:
    """Preset tissues that share SASP and drift in the blood, fluctuation, functions, and drugs in two of the arms."""
    functions = {"function": {"losses": {"burden": {}}}}
    organ: dict[str, Any] = {"preset": "mouse_dermis", "shape": [48, 48], "represents": 1e8, "functions": functions}
    level = {"hill": {"max_rate": 0.00048, "half_max": 8}}
    dose = {"response": {"hill": {"max_rate": 0.00048, "half_max": 24}}}
    return sim.from_dict(
        {
            "days": days,
            "dt": 1,
            "age_at_start": 0,
            "replicates": replicates,
            "body": {"fluctuation": 0.1, "systemic_share": 0.5},
            "individuals": {"damage": {"spread": 0.2}},
            "tissues": dict.fromkeys(ORGANS, organ),
            "factors": {
                "SASP": {"reach": 100, "induction": level, "blood": {}},
                "drift": {"diffusivity": 1, "reach": 50, "affinity": {"fibroblast": 1}, "cargo": dose, "blood": {}},
            },
            "outcomes": {"frailty": {"weights": {f"{name}.function": 1 for name in ORGANS}, "deficit": True}},
            "arms": {
                "none": {},
                "no_blood": {"factors": {"SASP": {"blood": None}, "drift": {"blood": None}}},
                "topical": {
                    "treatments": {
                        "cream": {"drug": "navitoclax_topical", "tissues": ["skin"], "amount": 5, "start": 600,
                                  "interval": 28, "days_on": 5},
                    }
                },
                "systemic": {
                    "treatments": {"d_q": {"drug": "dasatinib_quercetin", "amount": 55, "start": 600, "interval": 28}}
                },
            },
            "record": {"every": 30},
        }
    )  # fmt: skip


def four_arms() -> tuple[float, float]:
    """Seconds on two workers, and the most memory of all processes [MB]; compiled before."""
    sim.run(mice(3.0, 1))
    seen = [0.0]
    start = time.perf_counter()

    def look(record: object, done: int, total: int) -> None:
        if done % 20 == 0 or done == total:
            seen.append(resident())

    sim.run(mice(), workers=2, progress=look)
    return time.perf_counter() - start, max(seen)


def lifetimes() -> Report:
    """4 arms x 50 mice x 5 tissues of 48 x 48 that share blood, over 900 days of steps of a day, two workers."""
    took, memory = four_arms()
    what = "4 arms x 50 mice x 5 tissues of 48 x 48 over 900 days, dt 1 d, two workers"
    yield Row(what, f"{took:.0f} s", "under 300 s", took < 300)
    yield Row("... memory of runner and workers", f"{memory:.0f} MB", "under 2000 MB", memory < 2000)
