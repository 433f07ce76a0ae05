"""Who made this cell senescent: one sender per induced cell, drawn by what each senescent cell contributes.

Outside the speed budget, and shared by both engines: it reads arrays and writes nothing.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import k0

from sim.rng import Purpose
from sim.scenario import causes
from sim.scenario.schema import Settings
from sim.tissue.build import SECONDS_PER_DAY, capture_at
from sim.tissue.patch import Patch
from sim.tissue.state import SENESCENT


class Transmission(NamedTuple):
    """One edge of the transmission tree; sender -1 where nobody within reach contributes."""

    day: float
    site: int
    code: int
    sender: int
    generation: int


class SenderTracer:
    """Draws the senders of one patch among the senescent cells within ``sender_reach``."""

    def __init__(self, settings: Settings, patch: Patch) -> None:
        self.patch = patch
        self.reach = settings.sender_reach
        self.factors = list(settings.factors.values())
        self.positions = patch.geometry.positions() if settings.generations == "tracked" else np.zeros((0, 2))

    def trace(self, sites: np.ndarray, codes: np.ndarray, t: float, t_next: float, step: int) -> list[Transmission]:
        """Senders of the cells that a factor, cargo or contact is about to turn, from the state before they turn."""
        cells = self.patch.cells
        senescent = np.flatnonzero(cells.state == SENESCENT)
        mature = t - cells.since >= self.patch.parameters.numbers.mature_after
        edges = []
        for site, code in zip(sites.tolist(), codes.tolist(), strict=True):
            if code == causes.CONTACT:
                near = self._neighbours(site)
                senders = near[(cells.state[near] == SENESCENT) & mature[near]]
                weights = np.ones(senders.size)
            else:
                f = (code - causes.FIRST_FACTOR) // 2
                distance = self.patch.geometry.distances(self.positions[senescent], self.positions[site])
                senders, distance = senescent[distance <= self.reach], distance[distance <= self.reach]
                given_off = self.patch.secretion.now[f][senders].astype(np.float32)  # whatever other factors need
                weights = given_off * self._kernel(f, distance)
            edges.append(self._draw(site, code, senders, weights, t_next, step))
        return edges

    def trace_at_once(self, sites: np.ndarray, newly: np.ndarray, t_next: float, step: int) -> list[Transmission]:
        """Senders of cells that turned at once by contact: uniformly among the neighbours that `newly` turned."""
        edges = []
        for site in sites.tolist():
            near = self._neighbours(site)
            senders = near[np.isin(near, newly)]
            edges.append(self._draw(site, causes.CONTACT, senders, np.ones(senders.size), t_next, step))
        return edges

    def _neighbours(self, site: int) -> np.ndarray:
        return np.array(self.patch.geometry.neighbours(site), np.int64)

    def _kernel(self, f: int, distance: np.ndarray) -> np.ndarray:
        """Stationary level around a single source, up to a constant; walls only limit its length."""
        factor, geometry, decay = self.factors[f], self.patch.geometry, self.patch.decay(f)
        length = math.sqrt(factor.diffusivity * SECONDS_PER_DAY / decay) if decay > 0.0 else math.inf
        if factor.transport == "well_mixed":
            return np.ones(distance.size)
        if factor.transport == "kernel":
            assert factor.kernel is not None
            return capture_at(distance, factor.kernel)
        scaled = np.maximum(distance, geometry.voxel_spacing / 2) / min(length, max(geometry.extent))
        return np.asarray(k0(scaled) if geometry.dimension == 2 else np.exp(-scaled) / scaled)

    def _draw(
        self, site: int, code: int, senders: np.ndarray, weights: np.ndarray, t_next: float, step: int
    ) -> Transmission:
        total = np.cumsum(weights)
        if senders.size == 0 or total[-1] <= 0.0:
            return Transmission(t_next, site, code, -1, 1)
        u = self.patch.stream.uniform(Purpose.SENDER, step, site)
        sender = int(senders[min(int(np.searchsorted(total, u * total[-1], side="right")), senders.size - 1)])
        return Transmission(t_next, site, code, sender, min(255, int(self.patch.cells.generation[sender]) + 1))
