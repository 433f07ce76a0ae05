r"""Rules of a user's own, beside those of the package: one more draw for the cells to which nothing else happens.

An own rule gives hazards. They enter after the decision of the engine, by a number of their own (`Purpose.OWN`), so
that every other draw, and each run without an own rule, is as before. That something happens to a cell has exactly the
chance that competing hazards give it,

.. math:: p = 1 - e^{-(h + h_\mathrm{own}) \Delta t}

Where both draws fall in the same step, the rule of the package has it: own events are a share of h dt / 2 too few.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from sim.compiling import kernel
from sim.engines.fates import chosen
from sim.errors import ScenarioError, did_you_mean
from sim.rng import uniform
from sim.scenario.causes import NOTHING
from sim.tissue.geometry import n_near, near_into
from sim.tissue.patch import Patch
from sim.tissue.state import HEALTHY, SENESCENT

OF_STATE = {"senescent": HEALTHY, "cleared": SENESCENT, "healthy": SENESCENT}  # who can become it


class Own(NamedTuple):
    """A cause of one's own: its event code, and the state of the cells that it befalls."""

    code: int
    befalls: int


def own_causes(patch: Patch) -> dict[str, Own]:
    """The own causes of the scenario, by name, in its order."""
    causes = patch.own_causes.items()
    return {name: Own(patch.event_names.index(name), OF_STATE[cause.becomes]) for name, cause in causes}


def own_numbers(patch: Patch) -> dict[str, dict[str, float]]:
    """The numbers of own rules, by cause."""
    return {name: dict(cause.numbers) for name, cause in patch.own_causes.items()}


def check_hazards(hazards: Mapping[str, Any], known: Iterable[str], shape: tuple[int, ...] = ()) -> None:
    """Raise ScenarioError unless each of the `hazards` is at least 0, a number or of `shape`, and of a known cause."""
    known = list(known)
    for name, hazard in hazards.items():
        if name not in known:
            words = f"must name every cause that a rule gives ({', '.join(known) or 'none so far'})"
            raise ScenarioError(f"own_causes: {words}, got {name!r}{did_you_mean(name, known)}")
        if not isinstance(hazard, float) and np.shape(hazard) not in ((), shape):
            wanted = f"a number, or an array of {shape[0]}, one per site" if shape else "one number"
            raise ScenarioError(f"own_causes.{name}: must be {wanted}, got the shape {np.shape(hazard)}")
        lowest, largest = (hazard, hazard) if isinstance(hazard, float) else (np.min(hazard), np.max(hazard))
        if not (lowest >= 0.0 and largest < math.inf):  # not a number is none of both
            raise ScenarioError(f"own_causes.{name}: must have hazards of at least 0 1/d, got {lowest} to {largest}")


@kernel
def own_kernel(fates, state, hazards, befalls, codes, dt, step, c2, replicate, k0, k1):
    """Fill the `fates` that are nothing; ``hazards`` (causes, sites) [1/d]."""
    n_causes = codes.size
    rates, which = np.empty(n_causes), np.empty(n_causes, np.int64)
    for site in range(fates.size):
        if fates[site] != NOTHING:
            continue
        n, total = 0, 0.0
        for row in range(n_causes):
            if state[site] == befalls[row]:
                rates[n], which[n] = hazards[row, site], codes[row]
                total += rates[n]
                n += 1
        if total > 0.0:
            fates[site] = chosen(uniform(site, step, c2, replicate, k0, k1), total, rates, which, n, dt)


@kernel
def _count_kernel(wanted, state, sites, slots, out):
    near = np.empty(slots + 1, np.int64)
    for site in range(out.size):
        for j in range(near_into(near, site, 1, sites)):
            out[site] += state[near[j]] == wanted


def counted_neighbours(patch: Patch, state: int) -> np.ndarray:
    """Neighbours of each site that are in a `state`, (n,) float64."""
    counts, sites = np.zeros(patch.geometry.n_sites), patch.geometry.sites
    _count_kernel(state, patch.cells.state, sites, n_near(1, sites), counts)
    return counts
