"""The plain engine: one Mesa agent per cell, which reads, decides, then applies. Slow; the one to read and to extend.

Cells hold their own state as attributes and write every change to the arrays of the tissue, which the shared code
(sources, fields, territory counts, tables) reads. All rules are called as plain Python.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import mesa
import numpy as np

from sim.engines.cell import Cell
from sim.engines.own import own_causes, own_numbers
from sim.engines.walkers import Band
from sim.rng import Purpose
from sim.rules.repair import regenerative_capacity
from sim.scenario import causes
from sim.tissue.acting import FACTORS, PER_FACTOR, UPTAKE
from sim.tissue.parameters import (
    AFFINITY,
    ATTRACT_BASAL,
    ATTRACT_HALF,
    BOOST_MAX,
    BOOST_POWER,
    CARGO,
    CARGO_BY_TYPE,
    CARGO_ROW,
    INHIBIT_HALF,
    JAM_HALF,
    KEEP,
    LEVEL,
    LEVEL_BY_TYPE,
    MEMORY,
)
from sim.tissue.patch import Happenings, Patch
from sim.tissue.state import HEALTHY, SENESCENT


class CellTissue(mesa.Model):
    """The Mesa model that owns the cells of one patch, each a `cell`."""

    def __init__(self, patch: Patch, cell: type[Cell] = Cell) -> None:
        super().__init__(rng=0)  # never drawn from: all numbers have an address
        self.patch = patch
        self.now: Any = SimpleNamespace()
        self.own, self.numbers = own_causes(patch), own_numbers(patch)
        self.has_own_rule = cell.own_hazards is not Cell.own_hazards
        self.decided: list[Cell] = []
        self.turned_at_once: list[Cell] = []
        exists = patch.geometry.exists
        sites = range(patch.geometry.n_sites) if exists is None else np.flatnonzero(exists).tolist()
        self.cells = {site: cell(self, site) for site in sites}
        for site, each in self.cells.items():
            each.neighbours = each.near = [self.cells[other] for other in patch.geometry.neighbours(site)]
            if patch.parameters.numbers.reach > 1:
                reached = patch.geometry.reached(site, patch.parameters.numbers.reach)
                each.near = [self.cells[other] for other in reached]


class AgentsEngine:
    """Cells as agents; the same states as the compiled engine, site by site, step by step.

    Parameters
    ----------
    patch : Patch
        The tissue, whose arrays every change is written to.

    Attributes
    ----------
    cell : type of Cell
        What its cells are: a subclass names its own.
    """

    cell: ClassVar[type[Cell]] = Cell

    def __init__(self, patch: Patch) -> None:
        self.patch = patch
        self.tissue = CellTissue(patch, self.cell)
        self.bands = [Band(patch, troop) for troop in patch.patrols.troops]

    def take_up(self) -> None:
        """Healthy cells take up cargo."""
        patch, p, now = self.patch, self.patch.parameters, self.tissue.now
        self._levels = [row.astype(np.float64).tolist() for row in patch.seen]
        now.cargoes = [
            (
                int(row[CARGO_ROW]),
                self._levels[f],
                (p.by_type[f, AFFINITY] * patch.acting.modifiers[:, :, FACTORS + PER_FACTOR * f + UPTAKE]).tolist(),
                row[KEEP],
                row[MEMORY],
            )
            for f, row in enumerate(p.factors.tolist())
            if row[CARGO_ROW] >= 0
        ]
        if now.cargoes:
            self.tissue.agents.do("take_up")
            patch.cells.cargo[:, list(self.tissue.cells)] = np.array(
                [cell.cargo for cell in self.tissue.cells.values()]
            ).T

    def patrol(self, t_end: float) -> None:
        """Patrols walk until their clocks pass `t_end` [d], one after the other."""
        for band in self.bands:
            self.patch.patrols.claim(np.array(band.march(t_end), np.int64))

    def decide(self, t: float, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Sites and codes of what will happen in the step number `step`, which begins at `t` [d], in site order."""
        self.patch.count_territory()
        self._look_around(t, step)
        self.tissue.decided.clear()
        self.tissue.agents.do("decide")
        decided = self.tissue.decided
        return np.array([cell.site for cell in decided], np.int64), np.array(
            [cell.coming for cell in decided], np.uint8
        )

    def _look_around(self, t: float, step: int) -> None:
        """What all cells share in this step, as plain Python numbers."""
        patch, p, now = self.patch, self.patch.parameters, self.tissue.now
        every = np.arange(patch.geometry.n_sites, dtype=np.int64)
        now.numbers, now.t, now.t_next, now.step = p.numbers, t, (step + 1) * p.numbers.dt, step
        now.draws = patch.stream.uniforms(Purpose.DECIDE, step, every).tolist()
        now.damage, now.rise, now.fall = patch.damage(t), patch.rise, patch.fall
        now.capacity = regenerative_capacity(patch.age_years(t), p.numbers.decline)
        now.susceptibility, now.own_death = p.susceptibility.tolist(), p.own_death.tolist()
        now.territory = patch.territory.view
        now.modifiers, now.immunity = patch.acting.modifiers.tolist(), patch.immunity
        now.first_hazard = FACTORS + PER_FACTOR * len(p.factors)
        now.deeds = list(zip(*(part.tolist() for part in patch.acting.on_senescent), strict=True))
        now.outcome, now.levels = p.outcome.tolist(), self._levels
        now.jams, now.repairs, now.responses, now.codes = [], [], [], [causes.DAMAGE]
        for f, row in enumerate(p.factors.tolist()):
            level = self._levels[f]
            if row[JAM_HALF] > 0.0 or row[ATTRACT_HALF] > 0.0:
                now.jams.append((level, row[JAM_HALF], row[ATTRACT_HALF], row[ATTRACT_BASAL]))
            if row[INHIBIT_HALF] > 0.0 or row[BOOST_MAX] > 0.0:
                now.repairs.append((level, row[INHIBIT_HALF], row[BOOST_MAX : BOOST_POWER + 1]))
            if row[LEVEL] != 0.0:
                by_type = p.by_type[f, LEVEL_BY_TYPE].tolist()
                now.responses.append((f, row[LEVEL], row[LEVEL + 1 : LEVEL + 4], by_type, level, 0))
                now.codes.append(causes.FIRST_FACTOR + 2 * f)
            if row[CARGO] != 0.0:
                by_type = p.by_type[f, CARGO_BY_TYPE].tolist()
                now.responses.append((f, row[CARGO], row[CARGO + 1 : CARGO + 4], by_type, None, int(row[CARGO_ROW])))
                now.codes.append(causes.FIRST_FACTOR + 2 * f + 1)
        if p.numbers.contact_rate > 0.0:
            now.codes.append(causes.CONTACT)
        now.codes += patch.acting.healthy_codes.tolist()
        if now.rise > 0.0:
            now.codes.append(causes.FLUCTUATION)

    def apply(self, happenings: Happenings, t_next: float, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Write the `happenings` (sites, codes, generations) of step `step`, which ends at `t_next` [d].

        Returns how often each code came true, and the sites that turned at once by contact.
        """
        tissue, cells = self.tissue, self.tissue.cells
        for site, code, generation in zip(*(part.tolist() for part in happenings), strict=True):
            cells[site].coming, cells[site].coming_generation = code, generation
        tissue.agents.do("apply")
        counts = np.bincount(happenings.codes, minlength=len(self.patch.event_names))
        turned: list[int] = []
        if tissue.now.numbers.at_once > 0.0:
            decided = [cells[site] for site in happenings.sites.tolist()]
            fresh = [cell for cell in decided if cell.state == SENESCENT and cell.cause != causes.CONTACT]
            turned = self._at_once(fresh, t_next)
        counts[causes.CONTACT] += len(turned)
        return counts, np.array(turned, np.int64)

    def _at_once(self, fresh: list[Cell], t_next: float) -> list[int]:
        """Neighbours of newly turned cells turn with them."""
        tissue = self.tissue
        tissue.now.fresh = set(fresh)
        asked = {other: None for cell in fresh for other in cell.neighbours}
        tissue.turned_at_once.clear()
        for cell in asked:
            if cell.state == HEALTHY and cell.since < t_next:
                cell.spread_at_once()
        for cell in tissue.turned_at_once:
            cell.turn(SENESCENT, causes.CONTACT)
            cell.generation = 1
            cell.write()
        return sorted(cell.site for cell in tissue.turned_at_once)

    def refresh(self, sites: np.ndarray) -> None:
        """Cells at `sites` read the arrays again."""
        for site in sites.tolist():
            self.tissue.cells[site].read()
