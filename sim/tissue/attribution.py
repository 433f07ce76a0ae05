"""Who made which cell senescent: every induced cell is one unit, shared among the senescent cells that stand (ADR 10).

Outside the speed budget, and shared by both engines: it reads a patch and writes only what it keeps itself.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim.compiling import kernel
from sim.fields import Array, Floats, WellMixed
from sim.rules.exchange import exchange_rates
from sim.scenario import causes
from sim.scenario.schema import Settings
from sim.tissue.acting import FACTORS, PER_FACTOR, UPTAKE
from sim.tissue.geometry import Sites, voxel_of
from sim.tissue.keeping import CodeMap, State
from sim.tissue.parameters import AFFINITY, CARGO_ROW, KEEP, MEMORY
from sim.tissue.patch import Patch
from sim.tissue.remainder import Remainder, Remembered
from sim.tissue.state import SENESCENT

BINS = ("by", "past", "initial", "blood")  # cells that stand, cells that are gone, the field of day 0, other tissues
BY, PAST, INITIAL, BLOOD = range(len(BINS))


class Attribution:
    r"""Shares of one patch.

    A cell at x that a factor turned is shared among the sources y that stand, in proportion to what they add to its
    level at rest, with G the field at rest of a unit source under this step's decay, and s what is given off now:

    .. math:: a(y) = s(y) \sum_{x\ \mathrm{newly\ induced}} \frac{G(x, y)}{\max(c(x), c_\infty(x))},
              \qquad c_\infty = G s

    Where the level c that the cell read exceeds :math:`c_\infty`, the share :math:`1 - c_\infty / c` has other senders:
    the field of day 0 as far as what is left of it explains the excess, else cells that are gone (`past`). Nothing is
    rescaled: that all parts of a cell sum to 1 rests on G being symmetric. Cargo: the remembered secretion takes the
    place of s, the dose over the mean affinity under which it was taken up that of c. Contact: equal parts for the
    mature senescent neighbours; at once: for the neighbours that turned newly.

    Attributes
    ----------
    causes : list of str
        The C causes that have senders.
    secondaries : (C, n) float array
        Expected cells that the senescent cells on each site have turned since the start, by cause.
    totals : (C, 4) float array
        Cells turned since the start, by cause and bin (`BINS`); the first column is the sum of `secondaries`.

    Notes
    -----
    Quasi-steady: a factor whose field is still rising is shared as it will be at rest. A factor without any loss has no
    field at rest; what it turns goes to `past`. `blood` is what the plasma level of now brings, wherever it came from:
    other tissues, or this one before; a dose of cargo too is measured against the plasma level of now.
    """

    def __init__(self, settings: Settings, patch: Patch) -> None:
        self.patch = patch
        contact = patch.tissue.contact
        self.codes = [causes.CONTACT] * (contact.hazard > 0.0 or contact.at_once > 0.0)
        self.codes += causes.by_factors(settings)
        self.causes = [patch.event_names[code] for code in self.codes]
        self.secondaries = np.zeros((len(self.codes), patch.geometry.n_sites))
        self.totals = np.zeros((len(self.codes), len(BINS)))
        self._every = np.arange(patch.geometry.n_sites)
        self._voxel = voxels(patch.geometry.n_sites, patch.geometry.sites)
        self._n_voxels = int(np.prod(patch.geometry.voxel_shape))
        factors = sorted({self._factor(code) for code in self.codes if code != causes.CONTACT})
        self._remainders = {f: Remainder(settings, patch, f) for f in factors}
        with_cargo = [f for f in factors if causes.FIRST_FACTOR + 2 * f + 1 in self.codes]
        self._remembered = {f: Remembered(patch.geometry.n_sites, self._uptake(f).shape) for f in with_cargo}
        self._touched = np.zeros(0, np.int64)  # cells that the hazard of contact turns in this step

    @staticmethod
    def _factor(code: int) -> int:
        return (code - causes.FIRST_FACTOR) // 2

    # ------------------------------------------------------------------------------------------------------- a step

    def attribute(self, sites: np.ndarray, codes: np.ndarray, t: float) -> None:
        """Share out the cells at `sites` that are about to turn by `codes`; read from the state of time `t` [d]."""
        for f, remainder in self._remainders.items():
            remainder.advance(self.patch.transports[f])
            if f in self._remembered:
                self._remember(f, remainder)
        for row, code in enumerate(self.codes):
            mine = sites[codes == code]
            if code == causes.CONTACT:
                self._touched = mine
                self._split(row, mine, self._mature(t))
            elif mine.size and code == causes.FIRST_FACTOR + 2 * self._factor(code):
                self._by_level(row, self._factor(code), mine)
            elif mine.size:
                self._by_cargo(row, self._factor(code), mine)

    def follow(self, changed: np.ndarray, overwritten: int = 0) -> None:
        """Cells at `changed` sites (ascending) are others now; share out those that turned with them at once.

        Of several events at one time a later one may have taken what an earlier one had turned at once: so many cells
        are `overwritten`, cannot be seen any more, and go to `past`.
        """
        for remembered in self._remembered.values():
            remembered.forget(changed)
        if causes.CONTACT not in self.codes:
            return
        row, cells = self.codes.index(causes.CONTACT), self.patch.cells
        senescent = changed[cells.state[changed] == SENESCENT]
        by_contact = cells.cause[senescent] == causes.CONTACT
        newly = np.zeros(cells.state.size, bool)
        newly[senescent[~by_contact]] = True
        self._split(row, np.setdiff1d(senescent[by_contact], self._touched), newly)
        self._touched = np.zeros(0, np.int64)
        self.totals[row, PAST] += overwritten

    def _remember(self, f: int, remainder: Remainder) -> None:
        """What cells gave off in this step, and how much of what was there on day 0 they took up."""
        patch, uptake, old = self.patch, self._uptake(f), self._at_sites(f, remainder.field)
        if old.any():
            old = old * uptake[self._depth(self._every), patch.cells.cell_type]
        keep, memory = patch.parameters.factors[f, [KEEP, MEMORY]].tolist()
        self._remembered[f].add(self._given_off(f), uptake, old, keep, memory)

    # -------------------------------------------------------------------------------------------------- the causes

    def _mature(self, t: float) -> np.ndarray:
        """Senescent cells that neighbours feel."""
        cells = self.patch.cells
        return (cells.state == SENESCENT) & (t - cells.since >= self.patch.parameters.numbers.mature_after)

    def _split(self, row: int, turned: np.ndarray, senders: np.ndarray) -> None:
        """Equal parts of each cell for the `senders` (a mask) among its neighbours."""
        for site in turned.tolist():
            near = np.array(self.patch.geometry.neighbours(site), np.int64)
            near = near[senders[near]]
            self.secondaries[row, near] += 1.0 / max(1, near.size)
            self.totals[row, BY if near.size else PAST] += 1.0

    def _by_level(self, row: int, f: int, sites: np.ndarray) -> None:
        read = self.patch.seen[f, sites].astype(np.float64)
        left = self._at_sites(f, self._remainders[f].field)[sites]
        self._share_out(row, f, sites, read, self._given_off(f), left)

    def _by_cargo(self, row: int, f: int, sites: np.ndarray) -> None:
        """As by a level, which is the dose over the mean affinity under which it was taken up."""
        cells, remembered = self.patch.cells, self._remembered[f]
        affinity = remembered.mean_affinity()[self._depth(sites), cells.cell_type[sites]]
        dose = cells.cargo[int(self.patch.parameters.factors[f, CARGO_ROW]), sites]
        left = remembered.initial[sites] / affinity
        self._share_out(row, f, sites, dose / affinity, remembered.secretion, left)

    def _share_out(self, row: int, f: int, sites: Array, read: Floats, given_off: Floats, initial: Floats) -> None:
        """One unit per site: to sources that give off so much, to blood, to the field of day 0, to the past."""
        transport = self.patch.transports[f]
        whole, standing = read, np.zeros(sites.size)
        if transport.rests:
            standing = self._solve(f, transport.at_rest, given_off)[sites]
            whole = np.maximum(read, standing)
            weights: Floats = np.bincount(sites, 1.0 / whole, minlength=given_off.size).astype(np.float64)
            shares = given_off * np.maximum(self._solve(f, transport.adjoint, weights), 0.0)  # G is, rounding is not
            self.secondaries[row] += shares
            self.totals[row, BY] += shares.sum()
        excess = (whole - np.maximum(standing, 0.0)) / whole
        for bin_, level in ((BLOOD, self._from_blood(f)), (INITIAL, initial)):
            explained = np.minimum(excess, level / whole)
            self.totals[row, bin_] += explained.sum()
            excess = excess - explained
        self.totals[row, PAST] += excess.sum()

    def _from_blood(self, f: int) -> float:
        """Mean level of a factor that its plasma level alone would keep up."""
        patch, blood = self.patch, self.patch.factors[f].blood
        if blood is None or patch.leak[f] == 0.0:
            return 0.0
        _, _, entering = exchange_rates(float(patch.leak[f]), blood.tropism.get(patch.name, 1.0), 1.0, 1.0)
        return entering * patch.in_blood[f] / patch.decay(f)

    # ------------------------------------------------------------------------------------------------- the geometry

    def _uptake(self, f: int) -> Floats:
        """Affinity by depth and type, as drugs leave it."""
        left: Floats = self.patch.acting.modifiers[:, :, FACTORS + PER_FACTOR * f + UPTAKE]
        return self.patch.parameters.by_type[f, AFFINITY] * left

    def _depth(self, sites: Array) -> Array:
        """Row of a table by depth, for each of `sites`."""
        layer = self.patch.acting.layer
        return layer[sites] if layer.size > 1 else np.zeros(sites.size, np.int64)

    def _solve(self, f: int, solve: Callable[[Array], Floats], per_site: Floats) -> Floats:
        """`solve` of a transport, from sites to sites."""
        transport = self.patch.transports[f]
        if self.patch.by_site[f]:
            return solve(per_site.reshape(transport.shape)).ravel()
        source = np.bincount(self._voxel, per_site, minlength=self._n_voxels)
        if isinstance(transport, WellMixed):
            source = source.sum(keepdims=True)
        return self._at_sites(f, solve(source.reshape(transport.shape)))

    def _at_sites(self, f: int, field: Array) -> Floats:
        """A field of factor `f` as the sites read it."""
        flat = np.asarray(field, np.float64).ravel()
        if self.patch.by_site[f] and flat.size > 1:
            return flat
        return flat[self._voxel] if flat.size == self._n_voxels else np.full(self._voxel.size, flat[0])

    def _given_off(self, f: int) -> Floats:
        """What each site gives off in this step, less what drugs inhibit."""
        return self.patch.secretion.now[f].astype(np.float64)

    # ------------------------------------------------------------------------------------------------- a checkpoint

    def _parts(self) -> dict[str, Remainder | Remembered]:
        """All that has a state of its own, by a name for its arrays."""
        parts: dict[str, Remainder | Remembered] = {f"remainder_{f}": part for f, part in self._remainders.items()}
        return parts | {f"remembered_{f}": part for f, part in self._remembered.items()}

    def state(self) -> State:
        """Copies of all that a checkpoint must keep."""
        parts = {name: part.state() for name, part in self._parts().items()}
        counted = {"secondaries": self.secondaries.copy(), "totals": self.totals.copy()}
        return {"codes": np.array(self.codes, np.int64), **counted, **parts}

    def restore(self, state: State, codes: CodeMap) -> None:
        """Continue from `state`, bit for bit; a cause that it does not have begins with nothing."""
        place = {code: row for row, code in enumerate(codes.of(state["codes"]).tolist())}
        for row, code in enumerate(self.codes):
            if code in place:
                self.secondaries[row], self.totals[row] = (state[k][place[code]] for k in ("secondaries", "totals"))
        for name, part in self._parts().items():
            part.restore(state.get(name, {}))


@kernel
def voxels(n_sites: int, sites: Sites) -> np.ndarray:
    """The voxel of every site."""
    found = np.empty(n_sites, np.int64)
    for site in range(n_sites):
        found[site] = voxel_of(site, sites)
    return found
