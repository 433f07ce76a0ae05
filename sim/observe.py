"""State to numbers: the rows of the tables and the layers of the maps. Reads a patch, never changes it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sim.organism.body import Body
from sim.organism.dosing import Dosing
from sim.organism.functions import Functions
from sim.scenario import causes
from sim.scenario.checks import PIGMENT_LAYERS
from sim.scenario.function import QUALITY_LOST
from sim.scenario.places import front_centre
from sim.scenario.schema import Settings
from sim.spatial.pattern import pattern
from sim.spatial.points import nearest_distances, on_lattice
from sim.tissue.attribution import BINS, Attribution
from sim.tissue.keeping import CodeMap, State
from sim.tissue.pairs import pairs_of
from sim.tissue.patch import Patch
from sim.tissue.pigment import Pigment
from sim.tissue.quality import declines, mean_quality, quality
from sim.tissue.state import CLEARED, HEALTHY, SCARRED, SENESCENT, STATE_NAMES, burden_of


class Census:
    """Rows of one patch: counts by state, type, cause and generation, and the levels of its factors."""

    def __init__(self, settings: Settings, patch: Patch) -> None:
        self.patch = patch
        self.codes = np.array((*causes.inducing(settings), *causes.removing(settings)))
        named = [patch.event_names[code] for code in self.codes]
        types = patch.tissue.cell_types
        self._n_types = len(types)
        self._states = [f"n_{state}" for state in STATE_NAMES]
        self._by_type = [f"n_{kind}_{state}" for kind in types for state in STATE_NAMES]
        self._events = [f"new_{name}" for name in named] + [f"cum_{name}" for name in named]
        self._levels = [(f"mean_{name}", f"max_{name}", patch.level(name)) for name in patch.factor_names]
        self._turning = [(patch.event_names[code], code) for code in causes.inducing(settings)]
        self._before = np.zeros_like(patch.cum)
        self._pattern = PatternCensus(settings, patch) if settings.record.patterns else None

    def row(self, day: float) -> dict[str, Any]:
        """One row of the time series; `new_` counts since the row before."""
        patch, cells = self.patch, self.patch.cells
        table = np.bincount(cells.state + 5 * cells.cell_type.astype(np.int64), minlength=5 * self._n_types)
        by_type = table.reshape(-1, 5)[:, : len(STATE_NAMES)]  # without the holes
        totals = by_type.sum(axis=0).tolist()
        new, self._before = patch.cum - self._before, patch.cum.copy()
        events = [*new[self.codes].tolist(), *patch.cum[self.codes].tolist()]
        row: dict[str, Any] = {"tissue": patch.name, "day": day, **dict(zip(self._states, totals, strict=True))}
        row["burden"] = burden_of(totals[HEALTHY], totals[SENESCENT])
        row.update(zip(self._by_type, by_type.ravel().tolist(), strict=True))
        row.update(zip(self._events, events, strict=True))
        generations = np.bincount(cells.generation[cells.state == SENESCENT], minlength=2).tolist()
        row.update((f"gen_{n}", count) for n, count in enumerate(generations))
        of_cause = np.bincount(cells.cause[cells.state == SENESCENT], minlength=len(patch.cum)).tolist()
        row.update((f"due_to_{name}", of_cause[code]) for name, code in self._turning)
        row.update((f"cleared_{name}", int(patch.cleared[code])) for name, code in self._turning)
        for mean, largest, level in self._levels:
            row[mean], row[largest] = float(level.mean(dtype=np.float64)), float(level.max())
        row["vacant"] = 100.0 * totals[CLEARED] / max(1, patch.n_cells)
        row.update((name, read_out(patch, name)) for name in ("off_target", "immune_capacity"))
        row["immune_lost"] = patch.full_capacity(day) - patch.capacity
        if declines(patch):
            row["quality"] = mean_quality(patch)
        row.update(patch.patrols.columns(day))
        for name, sites in patch.open_wounds.items():
            open_share = float(np.mean(cells.state[sites] == CLEARED)) if sites.size else math.nan  # nothing to close
            row[f"open_{name}"] = 100.0 * open_share
        return row if self._pattern is None else row | self._pattern.columns()

    def state(self) -> State:
        """What the row before had counted."""
        return {"cum": self._before.copy()}

    def restore(self, state: State, codes: CodeMap) -> None:
        """Go on counting from the row before."""
        self._before = codes.counts(state["cum"])


class OrganismCensus:
    """Rows of the individual as a whole: its burden, what circulates, and its outcomes."""

    def __init__(self, body: Body, functions: Functions) -> None:
        self._body, self._functions = body, functions

    def row(self, day: float, alive: bool) -> dict[str, Any]:
        """One row of the table of the organism."""
        plasma = {f"plasma_{name}": blood.level for name, blood in self._body.blood.items()}
        about = {"day": day, "alive": alive, "whole_body_burden": self._body.burden}
        return about | plasma | self._functions.outcomes()


class PatternCensus:
    """Columns of the pattern in one patch (`sim.spatial.pattern.pattern`), with the neighbours that the tissue has.

    Fronts are measured from `sim.scenario.places.front_centre`.
    """

    def __init__(self, settings: Settings, patch: Patch) -> None:
        geometry = self._geometry = patch.geometry
        self._patch = patch
        self._positions, self._pairs = geometry.positions(), pairs_of(geometry)
        self._periodic = [wall == "periodic" for wall in geometry.boundary]
        self._centre = front_centre(settings, patch.name)

    def columns(self) -> dict[str, float]:
        """The pattern as it is now."""
        geometry, state = self._geometry, self._patch.cells.state
        healthy, senescent = state == HEALTHY, state == SENESCENT
        space: Any = {"box": geometry.extent[::-1], "periodic": self._periodic[::-1]}
        if geometry.shape is None:
            to_sender = nearest_distances(self._positions, self._positions[senescent], **space)
        else:
            to_sender = on_lattice(senescent.reshape(geometry.shape), geometry.spacing, self._periodic).ravel()
        return pattern(self._positions, healthy, senescent, self._pairs, to_sender, self._centre, **space)


class DrugCensus:
    """Columns of the drugs in one patch: mean concentrations and mean effects since the row before."""

    def __init__(self, dosing: Dosing, tissue: str) -> None:
        self._areas = [(f"conc_{drug}", by_tissue) for drug, by_tissue in dosing.exposure.items()]
        self._areas += [(f"effect_{drug}_{effect}", by_tissue) for (drug, effect), by_tissue in dosing.done.items()]
        self._tissue, self._day = tissue, 0.0
        self._before = dict.fromkeys((name for name, _ in self._areas), 0.0)

    def columns(self, day: float) -> dict[str, float]:
        """Concentrations in the unit of each drug; 0 on day 0."""
        found, length, self._day = {}, day - self._day, day
        for name, by_tissue in self._areas:
            area = by_tissue[self._tissue]
            found[name] = (area - self._before[name]) / length if length > 0.0 else 0.0
            self._before[name] = area
        return found

    def state(self) -> State:
        """Day and areas of the row before."""
        areas = np.array([*self._before.values()])
        return {"day": np.array(self._day), "column": np.array([*self._before], str), "area": areas}

    def restore(self, state: State, codes: CodeMap) -> None:
        """Go on from the row before."""
        self._day = float(state["day"])
        kept = dict(zip(state["column"].tolist(), state["area"].tolist(), strict=True))
        self._before.update((name, kept[name]) for name in self._before if name in kept)


class AttributionCensus:
    """Columns of who made the cells of one patch: ``by_CAUSE``, ``past_CAUSE``, ... since the row before."""

    def __init__(self, attribution: Attribution) -> None:
        self._attribution = attribution
        self._names = [f"{bin_}_{cause}" for cause in attribution.causes for bin_ in BINS]
        self._before = np.zeros_like(attribution.totals)

    def columns(self) -> dict[str, float]:
        """Expected cells; those of a cause sum to its ``new_CAUSE``."""
        new, self._before = self._attribution.totals - self._before, self._attribution.totals.copy()
        return dict(zip(self._names, new.ravel().tolist(), strict=True))

    def state(self) -> State:
        """Totals of the row before, by cause."""
        return {"codes": np.array(self._attribution.codes, np.int64), "totals": self._before.copy()}

    def restore(self, state: State, codes: CodeMap) -> None:
        """Go on from the row before."""
        kept = dict(zip(codes.of(state["codes"]).tolist(), state["totals"], strict=True))
        for row, code in enumerate(self._attribution.codes):
            self._before[row] = kept.get(code, 0.0)


def read_out(patch: Patch, name: str) -> float:
    """A read-out of one patch by name, for adaptive treatments (`sim.scenario.treatment.Adaptive`) and functions."""
    if name == "immune_capacity":
        return patch.capacity
    if name.startswith("mean_"):
        return float(patch.level(name.removeprefix("mean_")).mean(dtype=np.float64))
    if name == "burden":
        return patch.burden
    if name == QUALITY_LOST:
        left = mean_quality(patch) if declines(patch) else 1.0
        return 0.0 if math.isnan(left) else 100.0 * (1.0 - left)  # nobody is healthy: nothing is lost of nobody
    if name == "off_target":
        return 100.0 * float(patch.cum[patch.off_target_codes].sum()) / max(1, patch.n_cells)
    lost = n_in_state(patch, SCARRED if name == "scarred" else CLEARED)
    return 100.0 * lost / max(1, patch.n_cells)


def n_in_state(patch: Patch, code: int) -> int:
    """Number of sites in one of the states of `sim.tissue.state`."""
    return int(np.count_nonzero(patch.cells.state == code))


def layer(
    patch: Patch, name: str, attribution: Attribution | None = None, pigment: Pigment | None = None
) -> np.ndarray:
    """A map layer: one value per site (or voxel), in the shape of the tissue; a copy.

    ``secondaries`` are the expected cells that the senescent cells of a site have turned since the start. ``cargo`` is
    the sum of the doses of all factors with cargo, ``quality`` what they have left of healthy cells
    (`sim.tissue.quality`). ``melanin`` is in multiples of that of a column of resting skin. A factor that this arm does
    not have is 0 everywhere, and so is pigment.
    """
    cells, geometry = patch.cells, patch.geometry
    per_site = geometry.shape or (geometry.n_sites,)
    if name in patch.factor_names:
        at_site = patch.by_site[patch.factor_names.index(name)]
        return patch.level(name).reshape(per_site if at_site else geometry.voxel_shape).astype(np.float32)
    if name == "cargo":
        return cells.cargo.sum(axis=0).astype(np.float32).reshape(per_site)
    if name == "quality":
        return quality(patch).astype(np.float32).reshape(per_site)
    if name == "secondaries" and attribution is not None:
        return attribution.secondaries.sum(axis=0).astype(np.float32).reshape(per_site)
    if name in PIGMENT_LAYERS:
        return (np.zeros(geometry.n_sites, np.float32) if pigment is None else pigment.layer(name)).reshape(per_site)
    if name not in ("state", "cause", "generation", "type"):
        return np.zeros(geometry.voxel_shape, np.float32)
    array = {"state": cells.state, "cause": cells.cause, "generation": cells.generation, "type": cells.cell_type}[name]
    return array.reshape(per_site).copy()
