"""Sweeps made by hand, for tests: points, and the burden of every run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.sweeps import SweepResults

AMOUNT, INTERVAL = "arms.drug.treatments.d_q.amount", "arms.drug.treatments.d_q.interval"
POINTS = [{AMOUNT: f"{a} mg/kg", INTERVAL: i} for a in (14, 28, 56) for i in ("7 d", "2 wk")]


def made(
    points: list[dict[str, Any]],
    values: dict[tuple[int, str], list[float]],
    method: str = "grid",
    tissues: tuple[str, ...] = ("skin",),
    design: dict[str, Any] | None = None,
) -> SweepResults:
    """A sweep with given burdens, NaN where a replicate failed."""
    arms = list(dict.fromkeys(arm for _, arm in values))
    rows = [
        {"point": point, "arm": arm, "replicate": r, "tissue": tissue, "day": 9.0, "burden": value + k, "vacant": 1.0}
        for (point, arm), runs in values.items() for k, tissue in enumerate(tissues)
        for r, value in enumerate(runs) if not np.isnan(value)
    ]  # fmt: skip
    table = pd.DataFrame(points)
    table.insert(0, "point", range(len(points)))
    n = max(map(len, values.values()))
    manifest = {"sweep": "doses", "arms": arms, "tissues": list(tissues), "replicates": n, "method": method,
                "design": design or {}}  # fmt: skip
    runs = pd.DataFrame({"status": ["finished"] * len(rows) + ["failed"] * 2})
    return SweepResults(manifest, table, pd.DataFrame(rows), runs, Path("results/doses"))


def grid(seed: int = 1, **more: Any) -> SweepResults:
    rng = np.random.default_rng(seed)
    return made(POINTS, {(p, arm): (rng.random(4) + p).tolist() for p in range(6) for arm in ("none", "drug")}, **more)
