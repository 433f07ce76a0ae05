"""Pigment of one tissue: melanocytes wake, make melanin and hand it to keratinocytes, from where it is shed.

It reads cells and factors and changes neither, so that it is computed once, here, for both engines. No melanin is lost
from the books: what was made is held by a cell, broken down, or shed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from sim.compiling import inlined, kernel
from sim.rules.induction import hill
from sim.rules.pigment import (
    activation_after,
    activation_at_rest,
    grown,
    mean_activation,
    melanin_after,
    melanin_at_rest,
    synthesis,
    transfer_rate,
)
from sim.scenario.pigment import Pigment as Law
from sim.tissue.acting import SYNTHESIS, TRANSFER
from sim.tissue.complexion import Complexion
from sim.tissue.geometry import ROUNDING, Geometry, Sites, cell_of
from sim.tissue.keeping import CodeMap, State
from sim.tissue.patch import Patch
from sim.tissue.state import ABSENT, HEALTHY, SENESCENT
from sim.transforms.modes import NEGLIGIBLE

Floats = npt.NDArray[np.float64]
OTHER, MELANOCYTE, KERATINOCYTE = 0, 1, 2  # what a cell type is to pigment


class Numbers(NamedTuple):
    """The numbers of `sim.scenario.pigment.Pigment` as loops take them (float64)."""

    basal_stimulus: float
    k_on: float
    k_off: float
    resting_reach: float
    activated_reach: float
    synthesis: float
    basal_share: float
    transfer: float
    degradation: float
    senescent_transfer: float
    shedding: float  # 1 / turnover


class Around(NamedTuple):
    """Who lies within the longest reach of whom; the tables of the other kind of tissue are empty."""

    sites: Sites
    steps: npt.NDArray[np.int64]  # lattice: (k, 3) in z, y, x, the nearest first
    away: Floats  # distance [um] of each step, or of each entry of the table
    indptr: npt.NDArray[np.int64]  # cloud
    indices: npt.NDArray[np.int64]


class Pigment:
    """The pigment of one patch. It starts at rest, with the factors and cells of before the first event.

    Parameters
    ----------
    patch : Patch
        A tissue with the section `pigment`.
    dt : float
        Length of a step [d].
    resting : Law
        That of the skin to which tables compare: without what the environment does to it.

    Attributes
    ----------
    activation : (n,) float64 array
        Of melanocytes, 0 to 1; 0 elsewhere.
    melanin : (n,) float64 array
        Per site, in the unit of `synthesis`.
    made, handed_over, lost : float
        Melanin since the start: made by melanocytes, handed to keratinocytes, and lost: broken down or shed.
    complexion : Complexion
        How it looks from above.
    """

    def __init__(self, patch: Patch, dt: float, resting: Law) -> None:
        law = patch.tissue.pigment
        assert law is not None
        self.patch, self.law, self._dt, self._resting = patch, law, dt, resting
        self._numbers = numbers_of(law)
        self._role = roles(law, list(patch.tissue.cell_types))
        self._around = around(patch.geometry, law.dendrites.activated_reach)
        there = [name for name in law.activated_by if name in patch.factor_names]
        self._factors = np.array([patch.factor_names.index(name) for name in there], np.int64)
        halves = [(law.activated_by[name].half_max, law.activated_by[name].power) for name in there]
        self._halves = np.array(halves, np.float64).reshape(len(there), 2)
        n = patch.geometry.n_sites
        self.activation, self.melanin, self._inflow = np.zeros(n), np.zeros(n), np.zeros(n)
        self.made = self.handed_over = self.lost = 0.0
        self.complexion = Complexion(patch, law)
        self._settle()

    def advance(self) -> None:
        """One step with the levels of now and the drugs of the step."""
        self.shed(np.arange(self.melanin.size))
        cells, acting = self.patch.cells, self.patch.acting
        made, handed, lost = advance(
            self.activation, self.melanin, self._inflow, cells.state, cells.cell_type, self._role, self._stimuli(),
            acting.layer, acting.modifiers, self._around, self._numbers, self._dt,
        )  # fmt: skip
        self.made += made
        self.handed_over += handed
        self.lost += lost

    def shed(self, sites: np.ndarray) -> None:
        """Melanin of `sites` where no cell stands that can hold it goes with the one that did; so does activation."""
        cells = self.patch.cells
        resident = (cells.state[sites] == HEALTHY) | (cells.state[sites] == SENESCENT)
        role = np.where(resident, self._role[cells.cell_type[sites]], OTHER)
        self.activation[sites[role != MELANOCYTE]] = 0.0
        bare = sites[role == OTHER]
        self.lost += float(self.melanin[bare].sum())
        self.melanin[bare] = 0.0

    def _stimuli(self) -> Floats:
        """Stimulus of every site by the levels of now."""
        patch, basal = self.patch, self._numbers.basal_stimulus
        return stimuli(patch.seen, self._factors, self._halves, basal, patch.cells.cell_type, self._role)

    def _settle(self) -> None:
        """At rest with the levels of now; what resting skin without any stimulus has is what tables compare with."""
        state = self.patch.cells.state
        healthy = np.where(state == ABSENT, ABSENT, HEALTHY).astype(state.dtype)
        self._rest(healthy, np.zeros_like(self.melanin), numbers_of(self._resting))
        self.complexion.reference = self.complexion.density(self.melanin)
        self._rest(state, self._stimuli(), self._numbers)

    def _rest(self, state: np.ndarray, stimulus: Floats, numbers: Numbers) -> None:
        settle(self.activation, self.melanin, state, self.patch.cells.cell_type, self._role, stimulus, self._around,
               numbers)  # fmt: skip

    # -------------------------------------------------------------------------------------------------- questions

    @property
    def is_melanocyte(self) -> np.ndarray:
        """(n,) bool: sites with a melanocyte."""
        cells = self.patch.cells
        resident = (cells.state == HEALTHY) | (cells.state == SENESCENT)
        return np.asarray(resident & (self._role[cells.cell_type] == MELANOCYTE))

    def dendrites(self) -> Floats:
        """Number of dendrites per site, 0 where no melanocyte stands."""
        about = self.law.dendrites
        number = grown(self.activation, about.resting, about.activated)  # type: ignore[arg-type]
        return np.where(self.is_melanocyte, number, 0.0)

    def columns(self) -> dict[str, float]:
        """Columns of the time series; melanin in multiples of that of resting skin."""
        own = self.is_melanocyte
        mean = float(self.activation[own].mean()) if own.any() else 0.0
        about, look = self.law.dendrites, self.complexion
        return {
            "melanin_mean": look.relative(look.density(self.melanin)),
            "melanin_in_melanocytes": look.relative(look.density(np.where(own, self.melanin, 0.0))),
            "melanin_in_keratinocytes": look.relative(look.density(np.where(own, 0.0, self.melanin))),
            "activation_mean": mean,
            "dendrites_mean": grown(mean, about.resting, about.activated),
            **look.columns(self.melanin),
        }

    def layer(self, name: str) -> np.ndarray:
        """A map layer, (n,) float32: `melanin` (1: that of a column of resting skin), `activation` or `dendrites`."""
        if name == "melanin":
            return (self.melanin / (self.complexion.reference or 1.0)).astype(np.float32)
        return (self.activation if name == "activation" else self.dendrites()).astype(np.float32)

    # ------------------------------------------------------------------------------------------------ checkpoints

    def state(self) -> State:
        """Activation and melanin of every site, the books, and what resting skin has."""
        books = np.array([self.made, self.handed_over, self.lost, self.complexion.reference])
        return {"activation": self.activation.copy(), "melanin": self.melanin.copy(), "books": books}

    def restore(self, state: State, codes: CodeMap) -> None:
        """Continue from `state`, bit for bit; where the past knew no pigment, at rest with the levels of now."""
        if not state:
            self._settle()
            return
        self.activation[:], self.melanin[:] = state["activation"], state["melanin"]
        self.made, self.handed_over, self.lost, self.complexion.reference = state["books"].tolist()


def numbers_of(law: Law) -> Numbers:
    """The numbers of a scenario for loops."""
    reach = law.dendrites.resting_reach, law.dendrites.activated_reach
    making = law.synthesis, law.basal_share, law.transfer, law.degradation, law.senescent_transfer
    return Numbers(law.basal_stimulus, law.k_on, law.k_off, *reach, *making, 1.0 / law.turnover)


def roles(law: Law, kinds: list[str]) -> npt.NDArray[np.int64]:
    """What each cell type is to pigment, (T,)."""
    role = {**dict.fromkeys(law.melanocytes, MELANOCYTE), **dict.fromkeys(law.keratinocytes, KERATINOCYTE)}
    return np.array([role.get(kind, OTHER) for kind in kinds], np.int64)


def around(geometry: Geometry, reach: float) -> Around:
    """Who lies within `reach` [um] of whom."""
    reach *= 1.0 + ROUNDING
    if geometry.shape is not None:
        most = [int(reach / geometry.spacing) if n > 1 else 0 for n in (1, *geometry.shape)[-3:]]
        steps = np.indices([2 * k + 1 for k in most]).reshape(3, -1).T - np.array(most)
        away = geometry.spacing * np.sqrt((steps**2).sum(axis=1).astype(np.float64))
        order = np.argsort(away, kind="stable")[1:]  # without the cell itself
        order = order[away[order] <= reach]
        return Around(geometry.sites, steps[order], away[order], np.zeros(1, np.int64), np.zeros(0, np.int64))
    assert geometry.points is not None
    lengths = np.array(geometry.extent[::-1])
    box = np.where([wall == "periodic" for wall in geometry.boundary[::-1]], lengths, 0.0)
    points = np.where(box > 0.0, geometry.points % np.where(box > 0.0, box, 1.0), geometry.points)
    tree = cKDTree(points, boxsize=box)
    table = tree.sparse_distance_matrix(tree, reach, output_type="coo_matrix").tocsr()
    table.sort_indices()
    steps = np.zeros((0, 3), np.int64)
    return Around(geometry.sites, steps, table.data, table.indptr.astype(np.int64), table.indices.astype(np.int64))


@inlined
def _takes(site, state, cell_type, role):  # type: ignore[no-untyped-def]
    """Whether a keratinocyte stands there."""
    return state[site] <= SENESCENT and role[cell_type[site]] == KERATINOCYTE


@inlined
def _takers(near, site, reach, state, cell_type, role, around):  # type: ignore[no-untyped-def]
    """Keratinocytes that dendrites of this `reach` [um] touch, into `near`; returns their number."""
    count, sites, reach = 0, around.sites, reach * (1.0 + ROUNDING)
    if not sites.is_lattice:
        for entry in range(around.indptr[site], around.indptr[site + 1]):
            other = around.indices[entry]
            if around.away[entry] <= reach and _takes(other, state, cell_type, role):
                near[count] = other
                count += 1
        return count
    z0, y0, x0 = cell_of(site, sites.ny, sites.nx)
    for entry in range(around.away.size):
        if around.away[entry] > reach:
            break
        z, y, x = z0 + around.steps[entry, 0], y0 + around.steps[entry, 1], x0 + around.steps[entry, 2]
        z, y, x = z % sites.nz if sites.pz else z, y % sites.ny if sites.py else y, x % sites.nx if sites.px else x
        if 0 <= z < sites.nz and 0 <= y < sites.ny and 0 <= x < sites.nx:
            other = (z * sites.ny + y) * sites.nx + x
            if _takes(other, state, cell_type, role):
                near[count] = other
                count += 1
    return count


@kernel
def stimuli(seen, factors, halves, basal, cell_type, role):  # type: ignore[no-untyped-def]
    """Stimulus of the melanocyte at every site: what is always there, and what each factor adds; 0 for others."""
    found = np.zeros(cell_type.size)
    for site in range(cell_type.size):
        if role[cell_type[site]] == MELANOCYTE:
            found[site] = basal
            for i in range(factors.size):
                level = max(np.float64(seen[factors[i], site]), 0.0)
                found[site] += hill(level, 1.0, halves[i, 0], halves[i, 1])
    return found


@kernel
def settle(activation, melanin, state, cell_type, role, stimulus, around, p):  # type: ignore[no-untyped-def]
    """Activation and melanin that last under a constant stimulus, without drugs, in place."""
    near = np.empty(max(around.away.size, 1), np.int64)
    activation[:] = 0.0
    melanin[:] = 0.0
    for site in range(state.size):
        if state[site] <= SENESCENT and role[cell_type[site]] == MELANOCYTE:
            a = activation[site] = activation_at_rest(stimulus[site], p.k_on, p.k_off)
            count = _takers(near, site, grown(a, p.resting_reach, p.activated_reach), state, cell_type, role, around)
            senescent = p.senescent_transfer if state[site] == SENESCENT else 1.0
            rate = transfer_rate(p.transfer, 1.0, senescent) if count > 0 else 0.0
            made = synthesis(a, p.synthesis, p.basal_share, 1.0)
            melanin[site] += melanin_at_rest(made, rate + p.degradation)
            for i in range(count):
                melanin[near[i]] += melanin_at_rest(rate * melanin[site] / count, p.shedding)


@kernel
def advance(activation, melanin, inflow, state, cell_type, role, stimulus, layer, modifiers, around, p, dt):  # type: ignore[no-untyped-def]
    """One step of all sites, in place; returns what was made, handed over and lost. In site order.

    A melanocyte hands over in equal parts to all keratinocytes that its dendrites touch at the start of the step;
    where there is none, it keeps its melanin.
    """
    near = np.empty(max(around.away.size, 1), np.int64)
    inflow[:] = 0.0
    all_made, all_handed, all_lost = 0.0, 0.0, 0.0
    for site in range(state.size):
        if state[site] <= SENESCENT and role[cell_type[site]] == MELANOCYTE:
            a, left = activation[site], modifiers[layer[site] if layer.size > 1 else 0, cell_type[site]]
            count = _takers(near, site, grown(a, p.resting_reach, p.activated_reach), state, cell_type, role, around)
            senescent = p.senescent_transfer if state[site] == SENESCENT else 1.0
            rate = transfer_rate(p.transfer, left[TRANSFER], senescent) if count > 0 else 0.0
            active = mean_activation(a, stimulus[site], p.k_on, p.k_off, dt)
            made = synthesis(active, p.synthesis, p.basal_share, left[SYNTHESIS])
            after = melanin_after(melanin[site], made, rate + p.degradation, dt)
            gone = max(melanin[site] + made * dt - after, 0.0)
            handed = gone * (rate / (rate + p.degradation)) if rate > 0.0 else 0.0
            for i in range(count):
                inflow[near[i]] += handed / count
            melanin[site], activation[site] = after, activation_after(a, stimulus[site], p.k_on, p.k_off, dt)
            all_made, all_handed, all_lost = all_made + made * dt, all_handed + handed, all_lost + (gone - handed)
    for site in range(state.size):
        if _takes(site, state, cell_type, role):
            before = melanin[site]
            melanin[site] = melanin_after(before, inflow[site] / dt, p.shedding, dt)
            if melanin[site] < NEGLIGIBLE:
                melanin[site] = 0.0
            all_lost += before + inflow[site] - melanin[site]
    return all_made, all_handed, all_lost
