"""One cell as a Mesa agent: what it reads of its tissue, how it decides, what it becomes. All rules as plain Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import mesa

from sim.engines.own import check_hazards
from sim.rng import Purpose
from sim.rules.clearance import attraction, jamming, removal_hazard
from sim.rules.induction import (
    accumulated_cargo,
    chance,
    chance_among,
    contact_hazard,
    hill,
    induction_hazard,
    response,
)
from sim.rules.repair import daughter_type, refill_hazard
from sim.scenario import causes
from sim.scenario.causes import NOTHING
from sim.tissue.acting import FACTORS, INDUCTION, PER_FACTOR, REPAIR, RESPONSE, UNJAM
from sim.tissue.acting import IMMUNE as BOOST
from sim.tissue.state import CLEARED, EVADES_DRUGS, EVADES_IMMUNITY, HEALTHY, SENESCENT
from sim.tissue.territory import territory_burden
from sim.transforms.modes import NEGLIGIBLE

if TYPE_CHECKING:
    from sim.engines.agents import CellTissue


class Cell(mesa.Agent):
    """One site and the cell on it, as a Mesa agent.

    A subclass may have a rule of its own (`own_hazards`), or another form of any other method (which then has no
    compiled twin). It is put to work by ``class MyEngine(sim.AgentsEngine): cell = MyCell``.

    Parameters
    ----------
    tissue : CellTissue
        `tissue.now` holds what the step has in common: levels, draws, time, parameters.
    site : int
        Index in the arrays and in ``sites.parquet``.
    voxel : int
        Index of the voxel that the site lies in, in the levels of factors.

    Attributes
    ----------
    state : int
        ``HEALTHY``, ``SENESCENT``, ``CLEARED`` or ``SCARRED`` of `sim.tissue.state`. All that a cell shows is of the
        begin of the step, until `apply`.
    cell_type, cause, generation, divisions, refractory : int
        As in the arrays of `sim.tissue.state.CellState`.
    since : float
        Day of entry into the state [d].
    cargo : list of float
        Accumulated dose of each factor with cargo.
    neighbours : list of Cell
        Those that exist.
    """

    def __init__(self, tissue: CellTissue, site: int) -> None:
        super().__init__(tissue)
        self.tissue = tissue
        self.site = site
        layers = tissue.patch.acting.layer
        self.depth = int(layers[site]) if layers.size > 1 else 0  # the layer in what drugs do
        self.neighbours: list[Cell] = []
        self.near: list[Cell] = []  # from where a daughter may come
        self.coming = NOTHING
        self.coming_generation = 0
        self.read()

    def read(self) -> None:
        """Take over what the arrays say of this site."""
        cells = self.tissue.patch.cells
        self.state = int(cells.state[self.site])
        self.cell_type = int(cells.cell_type[self.site])
        self.cause = int(cells.cause[self.site])
        self.generation = int(cells.generation[self.site])
        self.since = float(cells.since[self.site])
        self.divisions = int(cells.divisions[self.site])
        self.cargo = cells.cargo[:, self.site].tolist()
        self.refractory = int(cells.refractory[self.site])

    def write(self) -> None:
        """Show the arrays what this site is now."""
        cells = self.tissue.patch.cells
        cells.state[self.site] = self.state
        cells.cell_type[self.site] = self.cell_type
        cells.cause[self.site] = self.cause
        cells.generation[self.site] = self.generation
        cells.since[self.site] = self.since
        cells.divisions[self.site] = self.divisions
        cells.cargo[:, self.site] = self.cargo

    def idle(self) -> None:
        """Do nothing: what a pass over all agents costs by itself (for the benchmarks)."""

    # -------------------------------------------------------------------------------------------------- take up

    def take_up(self) -> None:
        """A healthy cell accumulates cargo in proportion to its affinity."""
        if self.state != HEALTHY:
            return
        for row, level, affinity, keep, memory in self.tissue.now.cargoes:
            uptake = affinity[self.depth][self.cell_type] * level[self.site]
            dose = accumulated_cargo(self.cargo[row], uptake, keep, memory)
            self.cargo[row] = dose if dose >= NEGLIGIBLE else 0.0

    # --------------------------------------------------------------------------------------------------- decide

    def decide(self) -> None:
        """Draw the fate of this step from the old state."""
        if self.state == HEALTHY:
            self.coming = self.decide_healthy()
        elif self.state == SENESCENT:
            self.coming = self.decide_senescent()
        elif self.state == CLEARED:
            self.coming = self.decide_cleared()
        if self.coming == NOTHING and self.tissue.has_own_rule and self.state in (HEALTHY, SENESCENT):
            self.coming = self.decide_own()
        if self.coming != NOTHING:
            self.tissue.decided.append(self)

    def decide_healthy(self) -> int:
        """Turn senescent by damage, factors, cargo or contact, or not."""
        now = self.tissue.now
        p = now.numbers
        if 0 < p.division_limit <= self.divisions:
            return causes.REPLICATIVE
        acts = now.modifiers[self.depth][self.cell_type]
        susceptibility = now.susceptibility[self.cell_type] * acts[INDUCTION]
        hazards = [induction_hazard(now.damage, susceptibility, p.maintenance)]
        for f, kind, numbers, by_type, level, at in now.responses:
            # without a level it is the accumulated cargo of row `at`
            seen = self.cargo[at] if level is None else level[self.site]
            left = acts[FACTORS + PER_FACTOR * f + RESPONSE]
            rate = response(kind, seen, *numbers) * by_type[self.cell_type] * left
            hazards.append(induction_hazard(rate, susceptibility, p.maintenance))
        if p.contact_rate > 0.0:
            since = [other.since for other in self.neighbours if other.state == SENESCENT]
            count = sum([now.t - day >= p.mature_after for day in since]) if since else 0
            hazards.append(
                induction_hazard(contact_hazard(float(count), p.contact_rate), susceptibility, p.maintenance)
            )
        hazards += acts[now.first_hazard :]  # of drugs
        if now.rise > 0.0:
            hazards.append(now.rise)
        return chosen(now.draws[self.site], hazards, now.codes, p.dt)

    def decide_senescent(self) -> int:
        """Be cleared by immune cells, die, be killed or healed by a drug, or stay."""
        now = self.tissue.now
        p = now.numbers
        hazards = [0.0, now.own_death[self.cell_type]]
        codes = [causes.IMMUNE, causes.OWN_DEATH]
        if p.max_rate > 0.0 and not self.refractory & EVADES_IMMUNITY:
            hazards[0] = self.clearance(now.modifiers[self.depth][self.cell_type])
        age = now.t - self.since
        for strength, weight, (youngest, oldest), code, evadable in now.deeds:
            if not (evadable and self.refractory & EVADES_DRUGS) and youngest <= age < oldest:
                scale = weight[self.cause][min(self.generation, 2)][self.cell_type]
                hazards.append(strength[self.depth] * scale)
                codes.append(code)
        if now.fall > 0.0:
            hazards.append(now.fall)
            codes.append(causes.FLUCTUATION_LOSS)
        return chosen(now.draws[self.site], hazards, codes, p.dt)

    def clearance(self, acts: list[float]) -> float:
        """Hazard of immune removal, with what drugs do to it (`acts`)."""
        now = self.tissue.now
        p = now.numbers
        share = 1.0
        for level, jam_half, attract_half, basal in now.jams:
            seen = level[self.site]
            if jam_half > 0.0:
                share *= jamming(seen * acts[UNJAM], jam_half)
            if attract_half > 0.0:
                share *= attraction(seen, attract_half, basal)
        burden = territory_burden(self.site, *now.territory)
        return removal_hazard(burden, p.max_rate, p.half_saturation, now.immunity * acts[BOOST], share)

    def decide_cleared(self) -> int:
        """Be refilled by a healthy cell nearby, or stay vacant."""
        now = self.tissue.now
        p = now.numbers
        healthy = [other for other in self.near if other.state == HEALTHY]
        inhibition, boost = 1.0, 1.0
        for level, inhibit_half, boosting in now.repairs:
            seen = level[self.site]
            if inhibit_half > 0.0:
                inhibition *= jamming(seen, inhibit_half)
            if boosting[0] > 0.0:
                boost += hill(seen, *boosting)
        boost *= now.modifiers[self.depth][self.cell_type][REPAIR]
        hazard = refill_hazard(
            float(len(healthy)), float(len(self.near)), p.refill_rate, now.capacity, boost, inhibition
        )
        if chosen(now.draws[self.site], [hazard], [causes.REPAIRED], p.dt) == NOTHING:
            return NOTHING
        stream, step = self.tissue.patch.stream, now.step
        if stream.uniform(Purpose.SCAR, step, self.site) < p.scar:
            return causes.SCARRED_BY
        self.mother = healthy[int(stream.uniform(Purpose.MOTHER, step, self.site) * len(healthy))]
        self.born_divisions = self.mother.divisions + 1
        return causes.REPAIRED

    # ----------------------------------------------------------------------------------------- rules of a user's own

    def own_hazards(self, t: float) -> Mapping[str, float]:
        """What rules of a user's own add in this step; none here.

        Parameters
        ----------
        t : float
            Time of the state that is read [d].

        Returns
        -------
        mapping of float
            Hazard [1/d] by the name of a cause under ``own_causes`` of the scenario. Those that cannot befall a cell in
            this state do nothing.
        """
        return {}

    @property
    def numbers(self) -> Mapping[str, Mapping[str, float]]:
        """Numbers of own rules, by cause: ``own_causes.CAUSE.numbers`` of the scenario."""
        return self.tissue.numbers

    def n_neighbours(self, state: int) -> float:
        """Neighbours that are in a `state` (of `sim.tissue.state`)."""
        return float(sum(other.state == state for other in self.neighbours))

    def level(self, factor: str) -> float:
        """What the cell reads of a factor."""
        return float(self.tissue.now.levels[self.tissue.patch.factor_names.index(factor)][self.site])

    def decide_own(self) -> int:
        """Be met by a rule of a user's own, or not: one more draw, where nothing else happens."""
        now, own = self.tissue.now, self.tissue.own
        given = self.own_hazards(now.t)
        if not given:
            return NOTHING
        check_hazards(given, own)
        befalling = [(given[name], code) for name, (code, befalls) in own.items()
                     if befalls == self.state and name in given]  # fmt: skip
        if not befalling:
            return NOTHING
        u = self.tissue.patch.stream.uniform(Purpose.OWN, now.step, self.site)
        return chosen(u, [hazard for hazard, _ in befalling], [code for _, code in befalling], now.numbers.dt)

    # ---------------------------------------------------------------------------------------------------- apply

    def apply(self) -> None:
        """Let the decided fate come true."""
        if self.coming == NOTHING:
            return
        code, self.coming = self.coming, NOTHING
        state = self.tissue.now.outcome[code]
        self.turn(state, code if state == SENESCENT else NOTHING)
        self.generation = self.coming_generation if self.state == SENESCENT else 0
        if code == causes.REPAIRED:
            self.cell_type = self.daughter_type()
            self.divisions = self.born_divisions
            self.mother.divisions += 1
            self.mother.write()
        self.write()

    def daughter_type(self) -> int:
        """What the mother's daughter becomes here."""
        patch, kind = self.tissue.patch, self.mother.cell_type
        layer = patch.niche[self.site] if patch.niche.size > 1 else 0
        belongs = bool(patch.parameters.at_home[layer, kind])
        return int(daughter_type(float(kind), float(self.cell_type), float(belongs)))

    def turn(self, state: int, cause: int) -> None:
        """Enter `state` at the end of this step, by `cause` (a code; that of nothing, if the cell is not senescent)."""
        self.state = state
        self.cause = cause
        self.since = self.tissue.now.t_next
        self.cargo = [0.0] * len(self.cargo)

    def spread_at_once(self) -> None:
        """A healthy neighbour of newly turned cells turns with them; called on the healthy cells that were asked."""
        now = self.tissue.now
        senders = sum(other in now.fresh for other in self.neighbours)
        u = self.tissue.patch.stream.uniform(Purpose.CONTACT, now.step, self.site)
        if u < chance_among(now.numbers.at_once, float(senders)):
            self.tissue.turned_at_once.append(self)


def chosen(u: float, hazards: list[float], codes: list[int], dt: float) -> int:
    """Competing risks with one uniform: does anything happen, and which, in proportion to its hazard."""
    total = hazards[0]
    for hazard in hazards[1:]:
        total += hazard
    p_any = chance(total, dt)
    if u >= p_any:
        return NOTHING
    target = u / p_any * total
    reached, last = 0.0, NOTHING
    for hazard, code in zip(hazards, codes, strict=True):
        if hazard > 0.0:
            reached += hazard
            last = code
            if target < reached:
                break
    return last
