"""One tissue in a simulation: its cells and factors, and what both engines share (sources, fields, counts, events)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from sim.fields import Spectral, WellMixed
from sim.rng import Purpose, Stream
from sim.scenario import causes
from sim.scenario.checks import tissue_of
from sim.scenario.schema import Event, Settings
from sim.tissue.build import build_geometry, build_transport, first_cells
from sim.tissue.contact import turned_at_once
from sim.tissue.parameters import BY_SITE, CARGO_ROW, compile_parameters, total_decay, unit_secretion
from sim.tissue.secretion import Secretion
from sim.tissue.state import HEALTHY, SENESCENT
from sim.tissue.territory import Territory

LONG = 1e6  # lifetimes of a factor after which its field is at rest


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
    levels : (F, width) array
        What cells read of each factor: per voxel, or per site where ``by_site[f]``.
    cum : (E,) int64 array
        Events so far, by code.
    happened : list of (event name, day, sites)
        Outside events so far.
    """

    def __init__(self, settings: Settings, name: str, stream: Stream, threads: int = 1) -> None:
        tissue = settings.tissues[name]
        self.name, self.tissue, self.stream, self.threads = name, tissue, stream, threads
        self.age_at_start = settings.age_at_start
        self.parameters = compile_parameters(settings, tissue)
        self.geometry = build_geometry(tissue, stream)
        self.cells = first_cells(
            tissue, self.geometry, int(self.parameters.factors[:, CARGO_ROW].max(initial=-1)) + 1, stream
        )
        self.territory = Territory(self.geometry, tissue.clearance.territory)
        self.event_names = causes.event_names(settings)
        self.cum = np.zeros(len(self.event_names), np.int64)
        self.cum[causes.INITIAL] = np.count_nonzero(self.cells.state == SENESCENT)
        self._events = [
            (event, causes.first_event(settings) + index)
            for index, event in enumerate(settings.events.values())
            if tissue_of(event, settings) == name
        ]
        self.happened: list[tuple[str, float, int]] = []
        purposes = (Purpose.DECIDE, Purpose.MOTHER, Purpose.SCAR, Purpose.CONTACT)
        self._address = Address(0, stream.replicate, stream.k0, stream.k1, *(stream.c2(each) for each in purposes))
        self._make_fields(settings)
        self._settle(settings)

    def _make_fields(self, settings: Settings) -> None:
        factors = list(settings.factors.values())
        self.factor_names = tuple(settings.factors)
        self.transports = [build_transport(f, self.tissue, self.geometry, settings.dt) for f in factors]
        n_voxels = int(np.prod(self.geometry.voxel_shape))
        self.by_site = self.parameters.factors[:, BY_SITE] == 1.0
        widths = [self.geometry.n_sites if at_site else n_voxels for at_site in self.by_site]
        plain = all(isinstance(t, Spectral) and t.field.dtype == np.float32 for t in self.transports)
        self.levels = np.zeros((len(factors), max(widths, default=1)), np.float32 if plain else np.float64)
        if plain:  # source, modes and level take turns in one array: less memory to walk through
            for transport, row in zip(self.transports, self.levels, strict=True):
                transport.field = row.reshape(transport.field.shape)
            self._sources = list(self.levels)
        else:
            dtypes = [t.field.dtype if isinstance(t, Spectral) else np.float64 for t in self.transports]
            self._sources = [np.zeros(width, dtype) for width, dtype in zip(widths, dtypes, strict=True)]
        self._copied = not plain
        units = [
            unit_secretion(f, self.tissue) / (1.0 if at_site else self.geometry.cells_per_voxel)
            for f, at_site in zip(factors, self.by_site, strict=True)
        ]
        self.secretion = Secretion(self.parameters, np.array(units), self.cells, self.geometry, self.levels.dtype)

    def _settle(self, settings: Settings) -> None:
        """Fields start at rest with the cells that are senescent at the start; without decay there is no rest."""
        if self.tissue.initial.burden == 0.0:
            return
        self.secrete(0.0)
        for f, factor in enumerate(settings.factors.values()):
            decay = total_decay(factor, self.tissue)
            if factor.transport == "kernel" or decay > 0.0:
                at_rest = build_transport(factor, self.tissue, self.geometry, LONG / decay if decay > 0.0 else 1.0)
                at_rest.advance(self._shaped_source(f))
                self.transports[f].restore(at_rest.state())
            else:
                self.transports[f].restore(self.transports[f].state())
            self._show(f)

    # ------------------------------------------------------------------------------------------ phases of a step

    def happen(self, t: float, dt: float, step: int) -> np.ndarray:
        """Outside events of the days [t, t + dt); returns the sites that changed."""
        changed: list[np.ndarray] = []
        for event, code in self._events:
            if int(event.day / dt + 1e-9) == step:  # not t <= day < t + dt: rounding would leave gaps between steps
                changed += self._place(event, code, t, step)
        sites = np.unique(np.concatenate(changed)) if changed else np.zeros(0, np.int64)
        self.secretion.note(sites)
        return sites

    def _place(self, event: Event, code: int, t: float, step: int) -> Iterable[np.ndarray]:
        cells = self.cells
        centre = self.geometry.centre() if event.at == "centre" else np.array(event.at)
        sites = self.geometry.within(centre, event.radius)
        cells.state[sites] = SENESCENT if event.senescent else HEALTHY
        cells.since[sites] = t - event.since_onset if event.senescent else t
        cells.cause[sites] = code if event.senescent else causes.NOTHING
        cells.generation[sites] = 0
        cells.divisions[sites] = 0
        cells.cargo[:, sites] = 0.0
        if event.cell_type is not None:
            cells.cell_type[sites] = list(self.tissue.cell_types).index(event.cell_type)
        self.cum[code] += sites.size
        self.happened.append((self.event_names[code], t, sites.size))
        if not event.senescent or self.parameters.numbers.at_once == 0.0:
            return (sites,)
        turned = self.turned_at_once(sites, math.inf, self.address(step), draw=1)
        cells.state[turned] = SENESCENT
        cells.since[turned] = t
        cells.cause[turned] = causes.CONTACT
        cells.generation[turned] = 1
        cells.cargo[:, turned] = 0.0
        self.cum[causes.CONTACT] += turned.size
        return sites, turned

    def turned_at_once(self, newly: np.ndarray, before: float, address: Address, draw: int = 0) -> np.ndarray:
        """Sites healthy since before `before` [d] that turn at once by contact with the `newly` turned ones."""
        c2 = self.stream.c2(Purpose.CONTACT, draw)
        place = (before, self.geometry.sites, self.parameters.numbers.at_once)
        keys = (address.step, c2, address.replicate, address.k0, address.k1)
        return turned_at_once(newly, self.cells.state, self.cells.since, *place, *keys)

    def secrete(self, t: float) -> None:
        """Senescent cells to sources [unit/d], by cause, generation, type and time since they turned."""
        self.secretion.update(t)
        for f, source in enumerate(self._sources):
            self.secretion.deposit(f, source, bool(self.by_site[f]))

    def transport(self) -> None:
        """One exact step of every factor."""
        for f, transport in enumerate(self.transports):
            transport.advance(self._shaped_source(f), self.threads)
            self._show(f)

    def _shaped_source(self, f: int) -> np.ndarray:
        """The source of a factor in the shape that its transport takes."""
        source, field = self._sources[f], self.transports[f].field
        return source.sum(keepdims=True) if isinstance(self.transports[f], WellMixed) else source.reshape(field.shape)

    def _show(self, f: int) -> None:
        """What cells read of a factor, where it is not written in place."""
        field = self.transports[f].field
        if self._copied and field.size == 1:
            self.levels[f] = field[0]
        elif self._copied:
            self.levels[f, : field.size] = field.ravel()

    def count_territory(self) -> None:
        """Burden of every immune territory, for this step's decisions."""
        if self.parameters.numbers.max_rate > 0.0:
            self.territory.update(self.cells.state)

    # ------------------------------------------------------------------------------------------------- questions

    def address(self, step: int) -> Address:
        """The address of all draws of one step."""
        return self._address._replace(step=step)

    def age_years(self, t: float) -> float:
        """Age of the host [yr] at time `t` [d]."""
        return (self.age_at_start + t) / 365.25

    def level(self, name: str) -> np.ndarray:
        """What cells read of a factor, per voxel (or site), flat."""
        f = self.factor_names.index(name)
        width = self.geometry.n_sites if self.by_site[f] else int(np.prod(self.geometry.voxel_shape))
        return self.levels[f, :width]
