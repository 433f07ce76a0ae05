"""What every site gives off, kept from step to step: only young or changed cells are looked at again."""

from __future__ import annotations

import numpy as np

from sim.compiling import kernel
from sim.rules.pharmacology import left_by
from sim.rules.secretion import secretion_phase
from sim.tissue.acting import Acting
from sim.tissue.geometry import Geometry
from sim.tissue.parameters import Parameters
from sim.tissue.state import HEALTHY, SENESCENT, CellState


class Secretion:
    """Sources of all factors.

    A site's secretion depends on the cell alone, not on the history of this object: after a restart it is the same.

    Parameters
    ----------
    units : (F,) float array
        What one mature primary cell adds to its voxel [unit / d].
    dtype
        Of the sources.
    """

    def __init__(
        self, parameters: Parameters, units: np.ndarray, cells: CellState, geometry: Geometry, dtype: np.dtype
    ) -> None:
        self.strength = parameters.secretion * units.reshape(-1, 1, 1, 1)
        self.healthy = parameters.healthy * units.reshape(-1, 1)
        self.phase = parameters.phase
        self.cells, self.sites = cells, geometry.sites
        delay, ramp, duration = parameters.phase.T
        settled = delay + np.where(np.isinf(duration), ramp, np.maximum(ramp, duration))
        self.settled_after = float(settled.max(initial=0.0)) + 1e-6  # from then on, rounding included, nothing changes
        self.given_off = np.zeros((len(units), geometry.n_sites), dtype)
        self.now = list(self.given_off)  # per factor what the sites give off in this step, less what drugs inhibit
        gives = cells.state == SENESCENT
        self._active = np.flatnonzero(gives | (cells.state == HEALTHY) if self.healthy.any() else gives)
        self._noted: list[np.ndarray] = []

    def note(self, sites: np.ndarray) -> None:
        """Cells on these sites have changed."""
        self._noted.append(sites)

    def update(self, t: float) -> None:
        """Look again at the cells that changed or are still young at time `t` [d]."""
        if self._noted:
            self._active = np.sort(np.concatenate([self._active, *self._noted]))  # in memory order; twice does no harm
            self._noted = []
        cells = self.cells
        left = refresh(self.given_off, self._active, t, cells.state, cells.cause, cells.generation, cells.cell_type,
                       cells.since, self.strength, self.healthy, self.phase, self.settled_after)  # fmt: skip
        self._active = self._active[:left]

    def mute(self, f: int, t: float, acting: Acting, dtype: np.dtype) -> None:
        """Let `now` be what the sites give off of factor `f` at time `t` [d], less what drugs inhibit in `dtype`."""
        given_off = self.given_off[f]
        on_this = acting.inhibited[:, f] & (acting.on_secretion.strength.max(axis=1, initial=0.0) > 0.0)
        if on_this.any():
            cells, given_off = self.cells, given_off.astype(dtype)  # as it would be alone, whoever else is there
            strength, weight, window, _, _ = (part[on_this] for part in acting.on_secretion)
            inhibit(given_off, t, cells.state, cells.cause, cells.generation, cells.cell_type, cells.since,
                    acting.layer, strength, weight, window)  # fmt: skip
        self.now[f] = given_off


@kernel
def refresh(given_off, active, t, state, cause, generation, cell_type, since, strength, healthy, phase, settled_after):  # type: ignore[no-untyped-def]
    """Secretion of the `active` sites; moves those that go on changing to the front and returns their number."""
    left = 0
    last = strength.shape[2] - 1
    for i in range(active.size):
        site = active[i]
        age = t - since[site]
        for f in range(strength.shape[0]):
            weight = strength[f, cause[site], min(np.int64(generation[site]), last), cell_type[site]]
            given_off[f, site] = weight * secretion_phase(age, phase[f, 0], phase[f, 1], phase[f, 2])
            if state[site] == HEALTHY:
                given_off[f, site] = healthy[f, cell_type[site]]
        active[left] = site
        left += (cause[site] != 0) & (age < settled_after)
    return left


@kernel
def inhibit(given_off, t, state, cause, generation, cell_type, since, layer, strength, weight, window):  # type: ignore[no-untyped-def]
    """Reduce what each senescent cell gives off by K inhibitions, which multiply."""
    for site in range(given_off.size):
        if given_off[site] != 0.0 and state[site] == SENESCENT:
            age, left = t - since[site], 1.0
            depth = layer[site] if layer.size > 1 else 0
            for k in range(strength.shape[0]):
                if age >= window[k, 0] and age < window[k, 1]:
                    scale = weight[k, cause[site], min(np.int64(generation[site]), 2), cell_type[site]]
                    left *= left_by(strength[k, depth], scale)
            given_off[site] *= left
