"""Juxtacrine induction at once: neighbours of a newly turned cell turn with it, and do not pass it on."""

from __future__ import annotations

import numpy as np

from sim.compiling import kernel
from sim.rng import uniform
from sim.rules.induction import chance_among
from sim.tissue.geometry import n_slots, neighbour


@kernel
def turned_at_once(newly, open_to, sites, each, step, c2, replicate, k0, k1):  # type: ignore[no-untyped-def]
    """Sites that turn by contact with the `newly` turned ones, ascending.

    Parameters
    ----------
    newly : (m,) int64 array
        Sites that turned by another cause.
    open_to : (n,) bool array
        Sites that may turn: healthy before, and with no event of their own.
    each : float
        Chance per newly turned neighbour; one uniform per site, whatever the number of neighbours.
    """
    fresh = np.zeros(open_to.size, np.uint8)
    fresh[newly] = 1
    asked = np.zeros(open_to.size, np.uint8)
    turned = np.empty(open_to.size, np.int64)
    count = 0
    for source in newly:
        for j in range(n_slots(source, sites)):
            site = neighbour(source, j, sites)
            if site < 0 or not open_to[site] or asked[site] or fresh[site]:
                continue
            asked[site] = 1
            senders = 0
            for i in range(n_slots(site, sites)):
                other = neighbour(site, i, sites)
                if other >= 0:
                    senders += fresh[other]
            if uniform(site, step, c2, replicate, k0, k1) < chance_among(each, float(senders)):
                turned[count] = site
                count += 1
    return np.sort(turned[:count])
