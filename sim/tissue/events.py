"""What is done to a tissue from outside: grafts, wounds, irradiation, infection, removal. Shared by both engines.

Cells that an event turns after a while (the margin of a wound, irradiated cells) have their moment from the start: a
site draws once whether and when, so that no step length changes it. An event that comes again draws anew each time.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.rng import Purpose, name_code
from sim.rules.pharmacology import at_depth
from sim.scenario import causes
from sim.scenario.event import TURNING, Event
from sim.scenario.places import tissue_of
from sim.scenario.schema import Settings
from sim.schedule import step_of
from sim.tissue.build import depths
from sim.tissue.keeping import CodeMap, State
from sim.tissue.patch import Patch
from sim.tissue.state import CLEARED, HEALTHY, SCARRED, SENESCENT


class Occurrence(NamedTuple):
    """One time that an event happens."""

    event: Event
    number: int  # from 0
    day: float


class Events:
    """The outside events of one patch, by the step in which they act."""

    def __init__(self, settings: Settings, patch: Patch) -> None:
        self.patch, self.dt, self.settings = patch, settings.dt, settings
        self._next = 0  # the step whose events are still to come
        self.overwritten = 0  # cells of the last step that turned at once with an event, and that a later event took
        self._at_once = np.zeros(0, np.int64)  # those of this step that stand
        self._done: dict[int, list[tuple[Occurrence, int]]] = {}
        self._turning: dict[int, list[tuple[Occurrence, int, np.ndarray]]] = {}
        for index, event in enumerate(settings.events.values()):
            if tissue_of(event, settings) != patch.name:
                continue
            code = causes.first_event(settings) + index
            for number, day in enumerate(event.days(settings.days)):
                occurrence = Occurrence(event, number, day)
                self._done.setdefault(step_of(day, self.dt), []).append((occurrence, code))
                if event.kind in TURNING:
                    self._plan_turning(occurrence, code)

    def happen(self, t: float, step: int) -> np.ndarray:
        """Everything of the days [t, t + dt), at their start; returns the sites that changed."""
        self._next, self.overwritten, self._at_once = step + 1, 0, np.zeros(0, np.int64)
        changed = [self._do(*done, t, step) for done in self._done.get(step, ())]
        changed += [self._turn(*planned, t, step) for planned in self._turning.get(step, ())]
        if not changed:
            return np.zeros(0, np.int64)
        sites = np.unique(np.concatenate(changed))
        self.patch.secretion.note(sites)
        self.patch.draw_evasion(sites, t, step)
        return sites

    # ------------------------------------------------------------------------------------------------- checkpoints

    def state(self) -> State:
        """What events that happened still have to do: which sites they turn, and when. The others are yet to come."""
        waiting = [
            (step, code, occurrence.number, sites)
            for step, planned in self._turning.items()
            for occurrence, code, sites in planned
            if step >= self._next and not self._is_ahead(occurrence)
        ]
        sites = [np.zeros(0, np.int64), *(each[3] for each in waiting)]
        sizes = [each[3].size for each in waiting]
        columns = np.repeat(np.array([each[:3] for each in waiting], np.int64).reshape(-1, 3), sizes, axis=0)
        return {"next": np.array(self._next), "step": columns[:, 0], "code": columns[:, 1], "number": columns[:, 2],
                "site": np.concatenate(sites)}  # fmt: skip

    def restore(self, state: State, codes: CodeMap) -> None:
        """Go on with the plans in `state`; events that are yet to come keep those of their own."""
        self._next = int(state["next"])
        turning = {step: [each for each in planned if self._is_ahead(each[0])]
                   for step, planned in self._turning.items()}  # fmt: skip
        events, first = list(self.settings.events.values()), causes.first_event(self.settings)
        steps, of_sites = state["step"], codes.of(state["code"])
        numbers = state.get("number", np.zeros_like(steps))  # checkpoints of before know events that happen once
        for step, code, number in sorted(set(zip(steps.tolist(), of_sites.tolist(), numbers.tolist(), strict=True))):
            sites = state["site"][(steps == step) & (of_sites == code) & (numbers == number)]
            event = events[code - first]
            occurrence = Occurrence(event, number, event.days(self.settings.days)[number])
            turning.setdefault(step, []).append((occurrence, code, sites))
        self._turning = {
            step: sorted(planned, key=lambda each: (each[1], each[0].number)) for step, planned in turning.items()
        }

    def _is_ahead(self, occurrence: Occurrence) -> bool:
        return step_of(occurrence.day, self.dt) >= self._next

    # ------------------------------------------------------------------------------------------------ cells that turn

    def _luck(self, occurrence: Occurrence, code: int, sites: np.ndarray) -> np.ndarray:
        """What sites draw for one time that an event happens, by its name and, from the second time on, number."""
        again = f" {occurrence.number}" if occurrence.number else ""
        return self.patch.stream.uniforms(Purpose.EVENT, name_code(self.patch.event_names[code] + again), sites)

    def _plan_turning(self, occurrence: Occurrence, code: int) -> None:
        """When which site turns; a draw below the share, in proportion to it, is the moment within the duration."""
        patch, event = self.patch, occurrence.event
        sites = self._region(event, event.radius + (event.margin if event.kind == "wound" else 0.0))
        if event.kind == "wound":
            sites = np.setdiff1d(sites, self._region(event, event.radius))
        shares = np.full(sites.size, event.share)
        if event.kind == "irradiation" and event.penetration_depth is not None:
            layers, layer = np.unique(depths(patch.tissue, patch.geometry)[sites], return_inverse=True)
            shares = np.array([at_depth(event.share, z, event.penetration_depth) for z in layers.tolist()])[layer]
        drawn = self._luck(occurrence, code, sites)
        hit = drawn < shares
        moments = occurrence.day + event.delay + event.duration * drawn[hit] / shares[hit]
        steps = np.array([step_of(moment, self.dt) for moment in moments.tolist()], np.int64)
        for step in np.unique(steps).tolist():
            self._turning.setdefault(step, []).append((occurrence, code, sites[hit][steps == step]))

    def _turn(self, occurrence: Occurrence, code: int, sites: np.ndarray, t: float, step: int) -> np.ndarray:
        """Those of `sites` turn senescent that are healthy and were there when it happened; an infection goes on."""
        cells = self.patch.cells
        sites = self._meant(occurrence.event, sites[cells.state[sites] == HEALTHY])
        if occurrence.event.kind != "infection":
            sites = sites[cells.since[sites] <= occurrence.day]
        cells.state[sites], cells.cause[sites], cells.since[sites] = SENESCENT, code, t
        cells.cargo[:, sites] = 0.0
        self.patch.cum[code] += sites.size
        return self._with_neighbours(sites, t, step)

    def _with_neighbours(self, sites: np.ndarray, t: float, step: int) -> np.ndarray:
        """`sites` that turned, and what turns at once with them by contact."""
        patch, cells = self.patch, self.patch.cells
        if patch.parameters.numbers.at_once == 0.0:
            return sites
        turned = patch.turned_at_once(sites, math.inf, patch.address(step), draw=1)
        cells.state[turned], cells.cause[turned], cells.since[turned] = SENESCENT, causes.CONTACT, t
        cells.generation[turned] = 1
        cells.cargo[:, turned] = 0.0
        patch.cum[causes.CONTACT] += turned.size
        self._at_once = np.union1d(self._at_once, turned)
        return np.union1d(sites, turned)

    # -------------------------------------------------------------------------------------------------- what is done

    def _region(self, event: Event, radius: float) -> np.ndarray:
        """Sites that an event may touch; of all cell types, unless it tells how many cells it is about."""
        geometry, patch = self.patch.geometry, self.patch
        centre = geometry.centre() if event.at == "centre" else np.array(event.at)
        if event.n_cells is None:
            return geometry.within(centre, radius)
        meant = self._meant(event, geometry.within(centre, np.inf))
        return geometry.nearest(centre, round(event.n_cells / patch.cells_per_site), meant)

    def _meant(self, event: Event, sites: np.ndarray) -> np.ndarray:
        """Those of `sites` whose cells are of a type that the event is about."""
        if not event.cell_types:
            return sites
        meant = np.array([name in event.cell_types for name in self.patch.tissue.cell_types])
        return sites[meant[self.patch.cells.cell_type[sites]]]

    def _do(self, occurrence: Occurrence, code: int, t: float, step: int) -> np.ndarray:
        """The event itself; what it turns later is planned already."""
        patch, event, changed = self.patch, occurrence.event, np.zeros(0, np.int64)
        sites = self._meant(event, self._region(event, event.radius))
        if event.kind == "graft":
            changed = self._graft(event, code, sites, t, step)
        elif event.kind == "wound":
            changed = sites = sites[patch.cells.state[sites] != SCARRED]  # these are lost for good
            patch.open_wounds[patch.event_names[code]] = sites
            self._clear(sites, t)
        elif event.kind == "removal":
            sites = sites[patch.cells.state[sites] == SENESCENT]
            if event.found < 1.0:
                sites = sites[self._luck(occurrence, code, sites) < event.found]
            changed = sites
            patch.cum[code] += sites.size
            self._clear(sites, t)
        patch.happened.append((patch.event_names[code], t, sites.size))
        return changed

    def _clear(self, sites: np.ndarray, t: float) -> None:
        """Leave the sites vacant."""
        cells = self.patch.cells
        self._take(sites)
        cells.state[sites], cells.since[sites] = CLEARED, t
        cells.cause[sites] = cells.generation[sites] = 0
        cells.cargo[:, sites] = 0.0

    def _take(self, sites: np.ndarray) -> None:
        """Other cells, or none, stand at `sites` from now on."""
        taken = np.isin(self._at_once, sites)
        self.overwritten += int(taken.sum())
        self._at_once = self._at_once[~taken]

    def _graft(self, event: Event, code: int, sites: np.ndarray, t: float, step: int) -> np.ndarray:
        """Put cells in; returns what changed, neighbours that turned at once included."""
        patch, cells = self.patch, self.patch.cells
        self._take(sites)
        cells.state[sites] = SENESCENT if event.senescent else HEALTHY
        cells.since[sites] = t - event.since_onset if event.senescent else t
        cells.cause[sites] = code if event.senescent else causes.NOTHING
        cells.generation[sites] = cells.divisions[sites] = 0
        cells.cargo[:, sites] = 0.0
        if event.cell_type is not None:
            cells.cell_type[sites] = list(patch.tissue.cell_types).index(event.cell_type)
        patch.cum[code] += sites.size
        return self._with_neighbours(sites, t, step) if event.senescent else sites
