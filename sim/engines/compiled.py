"""The fast engine: loops over arrays that call the rules as machine code, in blocks of sites on one or more threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from sim.engines.bounds import BLOCK
from sim.engines.kernels import apply_kernel, cargo_kernel, decide_kernel
from sim.engines.own import check_hazards, counted_neighbours, own_causes, own_kernel, own_numbers
from sim.engines.patrol_kernels import patrol_kernel
from sim.rng import Purpose
from sim.rules.repair import regenerative_capacity
from sim.scenario.causes import CONTACT
from sim.threads import in_shares
from sim.tissue.acting import FACTORS, IMMUNE, PER_FACTOR, REPAIR, UPTAKE, Acting
from sim.tissue.geometry import n_near
from sim.tissue.parameters import AFFINITY, CARGO_ROW, KEEP, MEMORY
from sim.tissue.patch import Happenings, Patch
from sim.tissue.state import SENESCENT
from sim.tissue.walks import free_bits


def _cargo_block(arguments: tuple[Any, ...], low: int, high: int) -> None:
    cargo_kernel(low, high, *arguments)


def most_of(acting: Acting, n_factors: int) -> np.ndarray:
    """Largest immune boost, repair, hazard on healthy and on senescent cells, of any depth and cell type."""
    hazards = acting.modifiers[:, :, FACTORS + PER_FACTOR * n_factors :].sum(axis=2)
    deeds = acting.on_senescent
    killing = sum(float(s.max()) * float(w.max()) for s, w in zip(deeds.strength, deeds.weight, strict=True))
    boosts = acting.modifiers[:, :, IMMUNE].max(), acting.modifiers[:, :, REPAIR].max()
    return np.array([*boosts, hazards.max(initial=0.0), killing])


class CompiledEngine:
    """Decisions and changes of one patch as compiled loops; any number of threads gives the same bits.

    A subclass may have a rule of its own: `own_hazards`, the twin of `sim.Cell.own_hazards`.

    Parameters
    ----------
    patch : Patch
        The tissue: ``patch.cells`` has its arrays, ``patch.geometry.positions()`` the places.

    Attributes
    ----------
    numbers : dict of dict
        Numbers of own rules, by cause: ``own_causes.CAUSE.numbers`` of the scenario.
    """

    def __init__(self, patch: Patch) -> None:
        self.patch = patch
        n = patch.geometry.n_sites
        self._sites = np.empty(n, np.int32 if n < 2**31 else np.int64)
        self._codes = np.empty(n, np.uint8)
        sites, p = patch.geometry.sites, patch.parameters
        self._slots = (max(n_near(p.numbers.reach, sites), n_near(1, sites)), n_near(1, sites))
        self._most: tuple[Acting | None, np.ndarray] = (None, np.zeros(0))
        self.numbers = own_numbers(patch)
        self._own = own_causes(patch)
        self._largest = np.vstack([p.by_type.max(axis=2), np.full((1, 3), p.susceptibility.max())])

    def _over_sites(self, task: Callable[[int, int], Any]) -> list[Any]:
        """`task(low, high)` on one range of sites per thread, in order."""
        return in_shares(task, self.patch.geometry.n_sites, self.patch.threads, BLOCK)

    def take_up(self) -> None:
        """Healthy cells take up cargo."""
        patch, cells, p = self.patch, self.patch.cells, self.patch.parameters
        for f, row in enumerate(p.factors[:, CARGO_ROW].astype(int).tolist()):
            if row >= 0:
                affinity = p.by_type[f, AFFINITY] * patch.acting.modifiers[:, :, FACTORS + PER_FACTOR * f + UPTAKE]
                uptake = (patch.acting.layer, affinity, float(p.factors[f, KEEP]), float(p.factors[f, MEMORY]))
                arguments = (cells.state, cells.cell_type, cells.cargo[row], patch.seen[f], *uptake)
                self._over_sites(partial(_cargo_block, arguments))

    def patrol(self, t_end: float) -> None:
        """Patrols walk until their clocks pass `t_end` [d], on one thread: who comes first takes a cell."""
        patch, cells, acting, patrols = self.patch, self.patch.cells, self.patch.acting, self.patch.patrols
        claimed = np.empty(np.count_nonzero(cells.state == SENESCENT), np.int64)
        space = patrols.troops[0].space
        bits = free_bits(cells.state, patrols.held, space) if space.is_lattice else np.zeros(0, np.uint64)
        for troop in patrols.troops:
            bins = troop.bins
            count = patrol_kernel(
                troop.rows, t_end, troop.law, troop.space, bins.points, bins.start, bins.members, troop.keys,
                cells.state, cells.since, cells.cell_type, cells.refractory, patrols.held, bits,
                patch.levels, patch.seen, patch.parameters.factors,
                acting.layer, acting.modifiers, patch.immunity, claimed,
            )  # fmt: skip
            patrols.claim(claimed[:count])

    def decide(self, t: float, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Sites and codes of what will happen in the step number `step`, which begins at `t` [d], in site order."""
        patch, cells, p = self.patch, self.patch.cells, self.patch.parameters
        patch.count_territory()
        capacity = regenerative_capacity(patch.age_years(t), p.numbers.decline)
        damage, fluctuation = patch.damage(t), (patch.rise, patch.fall)
        floors = patch.territory.floors() if p.numbers.max_rate > 0.0 else np.zeros(1)
        acting, killing = patch.acting, patch.acting.on_senescent
        if self._most[0] is not acting:  # where no drug acts, it is always the same
            self._most = acting, most_of(acting, len(p.factors))
        most = self._most[1]
        integer = np.int32 if patch.seen.dtype == np.float32 else np.int64

        def block(low: int, high: int) -> tuple[int, int]:
            floats = (np.zeros(1), np.zeros(1, patch.seen.dtype))
            bits = (cells.cargo.view(np.int64), patch.seen.view(integer), floats[0].view(np.int64),
                    floats[1].view(integer))  # fmt: skip
            count = decide_kernel(
                    low, high, t, damage, capacity, fluctuation, self._slots,
                    cells.state, cells.cell_type, cells.cause, cells.generation, cells.since, cells.divisions,
                    cells.cargo, cells.refractory, patch.seen, patch.geometry.sites, *patch.territory.view, floors,
                    p.numbers, p.factors, p.by_type, p.susceptibility, p.own_death, self._largest, patch.immunity, most,
                    acting.layer, acting.modifiers, acting.healthy_codes, *killing,
                    patch.address(step), floats, bits, self._sites, self._codes,
            )  # fmt: skip
            return low, low + count

        ends = self._over_sites(block)
        sites = np.concatenate([self._sites[low:end] for low, end in ends]).astype(np.int64)
        codes = np.concatenate([self._codes[low:end] for low, end in ends])
        hazards = self.own_hazards(t)
        return self._with_own(sites, codes, hazards, step) if hazards else (sites, codes)

    # --------------------------------------------------------------------------------------- rules of a user's own

    def own_hazards(self, t: float) -> Mapping[str, np.ndarray]:
        """What rules of a user's own add in this step; none here.

        Parameters
        ----------
        t : float
            Time of the state that is read [d].

        Returns
        -------
        mapping of (n_sites,) float64 arrays
            Hazard [1/d] by the name of a cause under ``own_causes`` of the scenario. Only the cells that can become
            what the cause says are asked, and only those to which nothing else happens in the step.
        """
        return {}

    def n_neighbours(self, state: int) -> np.ndarray:
        """Neighbours of each site that are in a `state` (of `sim.tissue.state`), (n_sites,) float64."""
        return counted_neighbours(self.patch, state)

    def level(self, factor: str) -> np.ndarray:
        """What each site reads of a factor, (n_sites,) float64."""
        return self.patch.seen[self.patch.factor_names.index(factor)].astype(np.float64)

    def _with_own(
        self, sites: np.ndarray, codes: np.ndarray, hazards: Mapping[str, np.ndarray], step: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """What was decided, and what own rules do to the other cells."""
        patch, stream, own = self.patch, self.patch.stream, self._own
        check_hazards(hazards, own, (patch.geometry.n_sites,))
        fates = np.zeros(patch.geometry.n_sites, np.uint8)
        fates[sites] = codes
        rates = np.zeros((len(own), fates.size))
        for row, name in enumerate(own):
            rates[row] = hazards.get(name, 0.0)
        befalls = np.array([cause.befalls for cause in own.values()])
        numbers = np.array([cause.code for cause in own.values()])
        key = (step, stream.c2(Purpose.OWN), stream.replicate, stream.k0, stream.k1)
        own_kernel(fates, patch.cells.state, rates, befalls, numbers, patch.parameters.numbers.dt, *key)
        decided = np.flatnonzero(fates)
        return decided, fates[decided]

    # -------------------------------------------------------------------------------------------------------- apply

    def apply(self, happenings: Happenings, t_next: float, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Write the `happenings` (sites, codes, generations) of step `step`, which ends at `t_next` [d].

        Returns how often each code came true, and the sites that turned at once by contact.
        """
        patch, cells, p = self.patch, self.patch.cells, self.patch.parameters
        address = patch.address(step)
        codes = happenings.codes.copy()
        apply_kernel(
            happenings.sites, codes, happenings.generations, t_next,
            cells.state, cells.cell_type, cells.cause, cells.generation, cells.since, cells.divisions, cells.cargo,
            p.outcome, patch.niche, p.at_home, patch.geometry.sites, self._slots[0], p.numbers.reach, p.numbers.scar,
            address,
        )  # fmt: skip
        counts = np.bincount(codes, minlength=len(patch.event_names))
        turned = np.zeros(0, np.int64)
        if p.numbers.at_once > 0.0:
            newly = happenings.sites[(p.outcome[codes] == SENESCENT) & (codes != CONTACT)]  # by another cause
            turned = patch.turned_at_once(newly, t_next, address)
            cells.state[turned] = SENESCENT
            cells.cause[turned] = CONTACT
            cells.generation[turned] = 1
            cells.since[turned] = t_next
            cells.cargo[:, turned] = 0.0
            counts[CONTACT] += turned.size
        return counts, turned

    def refresh(self, sites: np.ndarray) -> None:
        """Nothing to do at `sites`: the arrays are the state."""
