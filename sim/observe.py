"""State to numbers: the rows of the tables and the layers of the maps. Reads a patch, never changes it."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.scenario import causes
from sim.scenario.schema import Settings
from sim.tissue.patch import Patch
from sim.tissue.state import HEALTHY, SENESCENT, STATE_NAMES


class Census:
    """Rows of one patch: counts by state, type, cause and generation, and the levels of its factors."""

    def __init__(self, settings: Settings, patch: Patch) -> None:
        self.patch = patch
        self.codes = np.array((*causes.inducing(settings), *causes.REMOVALS))
        named = [patch.event_names[code] for code in self.codes]
        types = patch.tissue.cell_types
        self._n_types = len(types)
        self._states = [f"n_{state}" for state in STATE_NAMES]
        self._by_type = [f"n_{kind}_{state}" for kind in types for state in STATE_NAMES]
        self._events = [f"new_{name}" for name in named] + [f"cum_{name}" for name in named]
        self._levels = [(f"mean_{name}", f"max_{name}", patch.level(name)) for name in patch.factor_names]
        self._before = np.zeros_like(patch.cum)

    def row(self, day: float) -> dict[str, Any]:
        """One row of the time series; `new_` counts since the row before."""
        patch, cells = self.patch, self.patch.cells
        table = np.bincount(cells.state + 5 * cells.cell_type.astype(np.int64), minlength=5 * self._n_types)
        by_type = table.reshape(-1, 5)[:, : len(STATE_NAMES)]  # without the holes
        totals = by_type.sum(axis=0).tolist()
        new, self._before = patch.cum - self._before, patch.cum.copy()
        events = [*new[self.codes].tolist(), *patch.cum[self.codes].tolist()]
        row: dict[str, Any] = {"tissue": patch.name, "day": day, **dict(zip(self._states, totals, strict=True))}
        row["burden"] = burden(totals[HEALTHY], totals[SENESCENT])
        row.update(zip(self._by_type, by_type.ravel().tolist(), strict=True))
        row.update(zip(self._events, events, strict=True))
        generations = np.bincount(cells.generation[cells.state == SENESCENT], minlength=2).tolist()
        row.update((f"gen_{n}", count) for n, count in enumerate(generations))
        for mean, largest, level in self._levels:
            row[mean], row[largest] = float(level.mean(dtype=np.float64)), float(level.max())
        return row


def burden(n_healthy: int, n_senescent: int) -> float:
    """Senescent share of the cells that are there [%]; 0 where there are none."""
    return 100.0 * n_senescent / (n_healthy + n_senescent) if n_healthy + n_senescent else 0.0


def n_in_state(patch: Patch, code: int) -> int:
    """Number of sites in one of the states of `sim.tissue.state`."""
    return int(np.count_nonzero(patch.cells.state == code))


def layer(patch: Patch, name: str) -> np.ndarray:
    """A map layer: one value per site (or voxel), in the shape of the tissue; a copy.

    ``cargo`` is the sum of the doses of all factors with cargo. A factor that this arm does not have is 0 everywhere.
    """
    cells, geometry = patch.cells, patch.geometry
    per_site = geometry.shape or (geometry.n_sites,)
    if name in patch.factor_names:
        at_site = patch.by_site[patch.factor_names.index(name)]
        return patch.level(name).reshape(per_site if at_site else geometry.voxel_shape).astype(np.float32)
    if name == "cargo":
        return cells.cargo.sum(axis=0).astype(np.float32).reshape(per_site)
    if name not in ("state", "cause", "generation", "type"):
        return np.zeros(geometry.voxel_shape, np.float32)
    array = {"state": cells.state, "cause": cells.cause, "generation": cells.generation, "type": cells.cell_type}[name]
    return array.reshape(per_site).copy()
