"""Juxtacrine induction at once: neighbours of a newly turned cell turn with it, and do not pass it on."""

from __future__ import annotations

import numpy as np

from sim.compiling import kernel
from sim.rng import uniform
from sim.rules.induction import chance_among
from sim.tissue.geometry import n_slots, neighbour
from sim.tissue.state import HEALTHY


@kernel
def turned_at_once(newly, state, since, before, sites, each, step, c2, replicate, k0, k1):  # type: ignore[no-untyped-def]
    """Sites that turn by contact with the `newly` turned ones (int64, ascending), ascending.

    Only cells may turn that are healthy since a time before `before` [d], so not those refilled in this very step.
    ``each`` is the chance per newly turned neighbour; a site draws one uniform whatever their number. The other
    arguments are the geometry and the address of the draws.
    """
    mark = np.zeros(state.size, np.uint8)  # 1: turned newly, 2: asked already
    mark[newly] = 1
    turned = []
    for source in newly:
        for j in range(n_slots(source, sites)):
            site = neighbour(source, j, sites)
            if site < 0 or mark[site] != 0 or state[site] != HEALTHY or since[site] >= before:
                continue
            mark[site] = 2
            u = uniform(site, step, c2, replicate, k0, k1)
            if u >= each * n_slots(site, sites):
                continue  # more than the chance with senders all around
            senders = 0
            for i in range(n_slots(site, sites)):
                other = neighbour(site, i, sites)
                senders += other >= 0 and mark[other] == 1
            if u < chance_among(each, float(senders)):
                turned.append(site)
    return np.sort(np.array(turned, np.int64)) if len(turned) > 0 else np.zeros(0, np.int64)
