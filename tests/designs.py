"""Sweeps made by hand: a design by SALib, and a known function in place of the simulator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.scenario.design import Design
from sim.scenario.sampling import BySALib
from sim.sweeps import SweepResults

Floats = npt.NDArray[np.float64]
Model = Callable[[Floats], Floats]  # points in the unit cube (..., d) to an outcome (...)


def unit_ranges(d: int) -> dict[str, Any]:
    """d parameters ``x0`` to ``x(d-1)`` from 0 to 1."""
    return {f"x{i}": {"low": 0, "high": 1} for i in range(d)}


def drawn(method: str, ranges: int | dict[str, Any], **size: Any) -> BySALib:
    """A design of `morris` or `saltelli`."""
    limits = unit_ranges(ranges) if isinstance(ranges, int) else ranges
    sampled = Design.model_validate({method: {**size, "ranges": limits}}).sampled
    assert isinstance(sampled, BySALib)
    return sampled


def sweep_of(
    design: BySALib,
    models: dict[str, Model],
    luck: dict[str, Floats] | None = None,
    tissues: Sequence[str] = ("skin",),
    replicates: int = 1,
) -> SweepResults:
    """A finished sweep of `models` by arm, plus `luck` (points, replicates) by arm; twice that in a second tissue."""
    method = type(design).__name__.lower()
    shares = design.shares()
    table = pd.DataFrame([{"point": n, **values} for n, values in enumerate(design.values())])
    rows, runs = [], []
    for arm, model in models.items():
        values = np.repeat(model(shares)[:, None], replicates, axis=1) + (luck or {}).get(arm, 0.0)
        for (point, replicate), value in np.ndenumerate(values):
            key = {"point": point, "arm": arm, "replicate": replicate}
            runs.append(
                {**key, "run": "0", "status": "finished", "stage": "", "message": "", "wall_s": 1.0, "host": ""}
            )
            for n, tissue in enumerate(tissues, start=1):
                rows.append({**key, "tissue": tissue, "day": 90.0, "burden": n * value, "n_senescent": point})
    manifest = {
        "sweep": "by_hand", "scenario": "test", "question": "", "qualitative": False, "arms": list(models),
        "tissues": list(tissues), "factors": ["SASP"], "replicates": replicates, "seed": 0, "method": method,
        "design": {method: design.model_dump()}, "complete": True,
    }  # fmt: skip
    return SweepResults(manifest, table, pd.DataFrame(rows), pd.DataFrame(runs))
