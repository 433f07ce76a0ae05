"""One tissue in a simulation: its cells and factors, and what both engines share (sources, fields, counts, events)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from sim.errors import ScenarioError
from sim.fields import Spectral, WellMixed
from sim.rng import Purpose, Stream
from sim.rules.clearance import evading_share, full_capacity, immune_capacity, mean_immune_capacity
from sim.rules.fluctuation import fall_hazard, rise_hazard
from sim.rules.induction import damage_hazard, hill
from sim.scenario import causes
from sim.scenario.drug import scale
from sim.scenario.quantity import DAYS_PER_YEAR
from sim.scenario.schema import Settings
from sim.tissue.acting import Acting, nothing_acts
from sim.tissue.build import build_geometry, build_transport, first_cells, niches
from sim.tissue.contact import turned_at_once
from sim.tissue.keeping import CodeMap, State, as_columns, as_rows
from sim.tissue.levels import Levels
from sim.tissue.parameters import CARGO_ROW, compile_parameters, total_decay, unit_secretion
from sim.tissue.patrols import Patrols
from sim.tissue.secretion import Secretion
from sim.tissue.state import ABSENT, EVADES_DRUGS, EVADES_IMMUNITY, HEALTHY, SENESCENT, burden_of
from sim.tissue.territory import Territory

LONG = 1e6  # lifetimes of a factor after which its field is at rest
HAPPENED = {"event": str, "day": float, "n_sites": int}  # columns of what happened, in a checkpoint


class Address(NamedTuple):
    """What all random numbers of a tissue in one step have in common."""

    step: int
    replicate: int
    k0: int
    k1: int
    decide: int  # c2 of each purpose
    mother: int
    scar: int
    contact: int


class Happenings(NamedTuple):
    """What is about to happen, in site order."""

    sites: np.ndarray  # (m,) int64
    codes: np.ndarray  # (m,) uint8, see sim.scenario.causes
    generations: np.ndarray  # (m,) uint8 of cells that turn senescent


class Patch:
    """The simulated patch of one tissue.

    Attributes
    ----------
    cells : CellState
    niche : (n,) uint8 array
        Layer of each site; (1,) where there are no layers.
    levels : (F, width) array
        Each factor: per voxel, or per site where ``by_site[f]``.
    seen : (F, n) array
        What each site reads of each factor; the same memory where all voxels are cells.
    own_causes : mapping of OwnCause
        Of rules of one's own, by name.
    cum : (E,) int64 array
        Events so far, by code.
    cleared : (E,) int64 array
        Cells that immune cells removed so far, by the code of what had turned them.
    acting : Acting
        What drugs do in this step.
    patrols : Patrols
        Immune cells that walk.
    capacity, immunity : float
        Working share of the immune cells, now and in the mean of this step.
    immune_killing : float
        Hazard at which drugs kill immune cells in this step [1/d].
    rise, fall : float
        Hazards of this step by which the body fluctuates: of healthy cells to turn, of senescent cells to go [1/d].
    happened : list of (event name, day, sites)
        Outside events so far.
    open_wounds : dict of int64 arrays
        Sites that each wound cleared.
    """

    def __init__(
        self, settings: Settings, name: str, stream: Stream, places: Stream | None = None, threads: int = 1
    ) -> None:
        tissue = settings.tissues[name]
        self.name, self.tissue, self.stream, self.threads = name, tissue, stream, threads
        self.age_at_start = settings.age_at_start
        self.parameters = compile_parameters(settings, tissue)
        self.geometry = build_geometry(tissue, places or stream)
        self.cells = first_cells(
            tissue, self.geometry, int(self.parameters.factors[:, CARGO_ROW].max(initial=-1)) + 1, stream
        )
        self.niche = niches(tissue, self.geometry)
        whole = tissue.well_mixed or tissue.clearance.saturation == "body"
        self.territory = Territory(self.geometry, math.inf if whole else tissue.clearance.territory)
        self.event_names = causes.event_names(settings)
        self.cum = np.zeros(len(self.event_names), np.int64)
        self.cleared = np.zeros_like(self.cum)
        self.n_cells = int(np.count_nonzero(self.cells.state != ABSENT))
        first, self.own_causes = causes.first_drug(settings), settings.own_causes
        self.off_target_codes = slice(first + causes.OFF_TARGET, causes.first_own(settings), causes.PER_DRUG)
        n_types, n_codes = len(tissue.cell_types), len(self.event_names)
        self.acting = nothing_acts(len(settings.factors), n_types, n_codes)
        self.immune_killing = self.rise = self.fall = 0.0
        self.cum[causes.INITIAL] = np.count_nonzero(self.cells.state == SENESCENT)
        self.open_wounds: dict[str, np.ndarray] = {}
        self.happened: list[tuple[str, float, int]] = []
        purposes = (Purpose.DECIDE, Purpose.MOTHER, Purpose.SCAR, Purpose.CONTACT)
        self._address = Address(0, stream.replicate, stream.k0, stream.k1, *(stream.c2(each) for each in purposes))
        shares = tissue.evasion
        self.evades = any((shares.immune, shares.immune_per_year, shares.drug, shares.drug_per_year))
        self._evasion_of = np.array([scale(shares.by_cause, each) for each in self.event_names])
        self.draw_evasion(np.flatnonzero(self.cells.state == SENESCENT), 0.0, 0)
        self._make_fields(settings)
        self._settle(settings)
        self.capacity: float
        self.immunity: float
        self.settle_immunity()
        fields = {each: (f, self.by_site[f]) for f, each in enumerate(self.factor_names)}
        self.patrols = Patrols(tissue, self.geometry, stream, fields)

    def _make_fields(self, settings: Settings) -> None:
        self.factors = factors = list(settings.factors.values())
        self.factor_names = tuple(settings.factors)
        self.leak = np.array([factor.blood.exchange(self.name) if factor.blood else 0.0 for factor in factors])
        self._losses: tuple[Acting | None, list[float]] = (None, [])
        self.in_blood: dict[int, float] = {}
        self.body_burden: float | None = None
        self._fields = Levels(factors, self.tissue, self.geometry, settings.dt, self.threads)
        self.transports, self.by_site = self._fields.transports, self._fields.by_site
        self.levels, self.seen = self._fields.field, self._fields.seen
        units = [
            unit_secretion(f, self.tissue) / (1.0 if at_site else self.geometry.cells_per_voxel)
            for f, at_site in zip(factors, self.by_site, strict=True)
        ]
        self.secretion = Secretion(self.parameters, np.array(units), self.cells, self.geometry, self.levels.dtype)

    def _settle(self, settings: Settings) -> None:
        """Fields start at rest with the cells that are senescent at the start; without decay there is no rest."""
        if not (self.cells.state == SENESCENT).any() and not self.secretion.healthy.any():
            return
        self.secrete(0.0)
        for f, factor in enumerate(settings.factors.values()):
            decay = total_decay(factor, self.tissue) + float(self.leak[f])
            if factor.transport == "kernel" or decay > 0.0:
                at_rest = build_transport(factor, self.tissue, self.geometry, LONG / decay if decay > 0.0 else 1.0)
                if isinstance(at_rest, Spectral | WellMixed):
                    at_rest.set_decay(decay)
                at_rest.advance(self._source(f))
                self.transports[f].restore(at_rest.state())
            else:
                self.transports[f].restore(self.transports[f].state())
            self._fields.show(f)

    # ------------------------------------------------------------------------------------------ phases of a step

    def draw_evasion(self, sites: np.ndarray, t: float, step: int) -> None:
        """Which cells among `sites`, that changed at `t` [d], evade killing; those that are not senescent do not."""
        shares, cells = self.tissue.evasion, self.cells
        cells.refractory[sites] = 0
        if sites.size == 0 or not self.evades:
            return
        turned, age = sites[cells.state[sites] == SENESCENT], self.age_years(t)
        kinds = ((EVADES_IMMUNITY, shares.immune, shares.immune_per_year),
                 (EVADES_DRUGS, shares.drug, shares.drug_per_year))  # fmt: skip
        for draw, (bit, share, per_year) in enumerate(kinds):
            scales = self._evasion_of[cells.cause[turned]].tolist()
            limits = np.array([evading_share(share, per_year, age, scale) for scale in scales])
            spared = turned[self.stream.uniforms(Purpose.REFRACTORY, step, turned, draw) < limits]
            cells.refractory[spared] |= np.uint8(bit)

    def turned_at_once(self, newly: np.ndarray, before: float, address: Address, draw: int = 0) -> np.ndarray:
        """Sites healthy since before `before` [d] that turn at once by contact with the `newly` turned ones."""
        c2 = self.stream.c2(Purpose.CONTACT, draw)
        place = (before, self.geometry.sites, self.parameters.numbers.at_once)
        keys = (address.step, c2, address.replicate, address.k0, address.k1)
        return turned_at_once(newly, self.cells.state, self.cells.since, *place, *keys)

    def secrete(self, t: float) -> None:
        """Senescent cells to sources [unit/d], by cause, generation, type and time, less what drugs inhibit."""
        self.secretion.update(t)
        for f, dtype in enumerate(self._fields.dtypes):
            self.secretion.mute(f, t, self.acting, dtype)

    def transport(self, means: Mapping[int, float]) -> None:
        """One exact step of every factor, with the decay that drugs leave it; to `means` where blood has its say."""
        for f, transport in enumerate(self.transports):
            if isinstance(transport, Spectral | WellMixed):
                transport.set_decay(self.decay(f))
            transport.advance(self._source(f), self.threads, means.get(f))
            self._fields.show(f)

    def mean_source(self, f: int) -> float:
        """What all sources of a factor add to its mean in this step [1/d]."""
        return self._stirred(f).mean_source(self._source(f))

    def mean_level(self, f: int) -> float:
        """Mean of a factor, exact to rounding."""
        return self._stirred(f).mean

    def settle_mean(self, f: int, mean: float) -> None:
        """Begin with another mean: blood brings more, or takes some away."""
        self._stirred(f).mean = mean
        self._fields.show(f)

    def _stirred(self, f: int) -> Spectral | WellMixed:
        transport = self.transports[f]
        assert isinstance(transport, Spectral | WellMixed)  # checked with the scenario
        return transport

    def _source(self, f: int) -> np.ndarray:
        return self._fields.source(f, self.secretion.now[f])

    def note_cleared(self, sites: np.ndarray, codes: np.ndarray) -> None:
        """Count what immune cells are about to remove, by what had turned it."""
        removed = sites[(codes == causes.IMMUNE) | (codes == causes.PATROLS)]
        self.cleared += np.bincount(self.cells.cause[removed], minlength=self.cleared.size)

    def age_immunity(self, t: float, dt: float) -> None:
        """Immune cells are lost to factors and drugs and come back: capacity after the step, and its mean in it."""
        recovery = self.tissue.clearance.recovery
        numbers = (self.capacity, self.full_capacity(t), recovery, self._immune_loss() + self.immune_killing, dt)
        self.immunity, self.capacity = mean_immune_capacity(*numbers), immune_capacity(*numbers)

    def settle_immunity(self) -> None:
        """Begin with the capacity to which the factors and the age of the start would lead."""
        loss = self._immune_loss() * self.tissue.clearance.recovery
        self.capacity = self.immunity = self.full_capacity(0.0) / (1.0 + loss)

    def _immune_loss(self) -> float:
        """Hazard at which factors make immune cells senescent [1/d]: by their level in blood, else their mean here."""
        loss = 0.0
        for f, (name, factor) in enumerate(zip(self.factor_names, self.factors, strict=True)):
            if factor.ages_immunity is not None:
                ages = factor.ages_immunity
                level = self.in_blood[f] if f in self.in_blood else float(self.level(name).mean(dtype=np.float64))
                loss += hill(level, ages.max_rate, ages.half_max, ages.power)
        return loss

    def fluctuate(self, systemic: float, own: float, dt: float) -> None:
        """The burden rises or falls by `systemic` and `own` together [%], in expectation.

        Where the tissue shares the immune cells of the body, it is the burden of the body that changes by `systemic`,
        and senescent cells become more or fewer alike in all such tissues. Both are one change: apart, cells would turn
        and go at once.
        """
        healthy = self.healthy_share
        burden = 100.0 * (1.0 - healthy)
        if self.body_burden:
            systemic *= burden / self.body_burden
        self.rise = rise_hazard(systemic + own, healthy, dt)
        self.fall = fall_hazard(systemic + own, burden, dt)

    def residents(self) -> tuple[int, int]:
        """Healthy and senescent cells."""
        state = self.cells.state
        return int(np.count_nonzero(state == HEALTHY)), int(np.count_nonzero(state == SENESCENT))

    @property
    def healthy_share(self) -> float:
        """Share of the resident cells that is healthy; 0 where nobody is."""
        healthy, senescent = self.residents()
        return healthy / (healthy + senescent) if healthy + senescent else 0.0

    @property
    def cells_per_site(self) -> float:
        """Cells of the organ that each cell of the patch stands for."""
        return (self.tissue.represents or self.n_cells) / max(1, self.n_cells)

    @property
    def burden(self) -> float:
        """Senescent share of the resident cells [%]; 0 where nobody is."""
        return burden_of(*self.residents())

    def count_territory(self) -> None:
        """Burden of every immune territory, for this step's decisions."""
        if self.body_burden is not None:
            self.territory.fill(self.body_burden)
        elif self.parameters.numbers.max_rate > 0.0:
            self.territory.update(self.cells.state)

    def recruit(self, t: float) -> None:
        """Patrols that enter in the step, called by the mean level of what they follow."""
        for troop in self.patrols.troops:
            lead = troop.law.follows
            level = float(self.level(self.factor_names[lead]).mean(dtype=np.float64)) if lead >= 0 else 0.0
            troop.recruit(t, self.parameters.numbers.dt, level)

    # ------------------------------------------------------------------------------------------------ checkpoints

    def state(self) -> State:
        """Copies of all that the next steps depend on, and what happened so far."""
        wounds = [np.zeros(0, np.int64), *self.open_wounds.values()]
        return {
            "cells": self.cells.copy(),
            "factors": {name: t.state() for name, t in zip(self.factor_names, self.transports, strict=True)},
            "cum": self.cum.copy(),
            "cleared": self.cleared.copy(),
            "immune": np.array([self.capacity, self.immunity]),
            "happened": as_columns(self.happened, HAPPENED),
            "wounds": {"name": np.array(list(self.open_wounds), str), "site": np.concatenate(wounds),
                       "n_sites": np.array([sites.size for sites in wounds[1:]], np.int64)},
            "points": np.zeros(0) if self.geometry.points is None else self.geometry.points.copy(),
        }  # fmt: skip

    def restore(self, state: State, codes: CodeMap) -> None:
        """Continue from `state`, bit for bit.

        Raises
        ------
        ScenarioError
            If the cells of a cloud have other places.
        """
        points = np.zeros(0) if self.geometry.points is None else self.geometry.points
        if not np.array_equal(state["points"], points):
            raise ScenarioError(f"tissues.{self.name}.cloud: must have the cells of the checkpoint, got others")
        self.cells.restore({**state["cells"], "cause": codes.of(state["cells"]["cause"])})
        self.secretion.note(np.arange(self.geometry.n_sites))
        for f, name in enumerate(self.factor_names):
            self.transports[f].restore(state["factors"][name])
            self._fields.show(f)
        self.cum = codes.counts(state["cum"])
        self.cleared = codes.counts(state["cleared"])
        self.capacity, self.immunity = state["immune"].tolist()
        self.happened = [(name, day, n) for name, day, n in as_rows(state["happened"], HAPPENED)]
        wounds = state["wounds"]
        sites = np.split(wounds["site"], np.cumsum(wounds["n_sites"])[:-1])
        self.open_wounds = dict(zip(wounds["name"].tolist(), sites, strict=False))  # no wound: one empty piece

    # ------------------------------------------------------------------------------------------------- questions

    def address(self, step: int) -> Address:
        """The address of all draws of one step."""
        return self._address._replace(step=step)

    def decay(self, f: int) -> float:
        """Decay of a factor in this step [1/d]: what is lost here, and what leaks into the blood."""
        return self.loss(f) + float(self.leak[f])

    def loss(self, f: int) -> float:
        """Decay of a factor in this step [1/d] by itself, by uptake and by drugs."""
        if self._losses[0] is not self.acting:  # where no drug acts, it is always the same
            left, more = self.acting.uptake_left.tolist(), self.acting.neutralised.tolist()
            each = zip(self.factors, more, left, strict=True)
            self._losses = self.acting, [total_decay(factor, self.tissue, n, u) for factor, n, u in each]
        return self._losses[1][f]

    def damage(self, t: float) -> float:
        """Hazard of turning senescent by damage at `t` [1/d], before what single cell types and drugs make of it."""
        numbers = self.parameters.numbers
        hazard = damage_hazard(self.age_years(t), numbers.baseline, numbers.per_year)
        if self.tissue.damage.production == "per_cell":
            return hazard
        healthy = self.healthy_share
        return hazard / healthy if healthy > 0.0 else 0.0

    def full_capacity(self, t: float) -> float:
        """Working share of the immune cells at `t` if none were lost."""
        clearance = self.tissue.clearance
        age = self.age_years(t) if clearance.immune_age is None else clearance.immune_age / DAYS_PER_YEAR
        return full_capacity(clearance.capacity, clearance.decline, age)

    def age_years(self, t: float) -> float:
        """Age of the host [yr] at time `t` [d]."""
        return (self.age_at_start + t) / DAYS_PER_YEAR

    def level(self, name: str) -> np.ndarray:
        """What cells read of a factor, per voxel (or site), flat."""
        return self._fields.of(self.factor_names.index(name))
