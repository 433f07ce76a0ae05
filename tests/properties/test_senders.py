"""Every induced cell has a sender that can have turned it: the transmission tree."""

from __future__ import annotations

import numpy as np
from worlds import factor, start, tissue, world

from sim.scenario import causes
from sim.tissue.state import SENESCENT


def test_every_induced_cell_has_a_sender_that_can_have_turned_it() -> None:
    """By contact from a neighbour, at once from one that just turned; else from any distance."""
    body = tissue(initial={"burden": 5}, damage={"baseline": 2}, contact={"hazard": 0.05, "at_once": 0.2})
    simulation = start(world(body, factor(reach=15, induction={"linear": {"rate": 0.01}}), generations="tracked"))
    patch = simulation.patches["patch"]
    told = 0
    for _ in range(20):
        before = patch.cells.state == SENESCENT
        simulation.step()
        edges, told = simulation.transmissions["patch"][told:], len(simulation.transmissions["patch"])
        for edge in edges:
            assert patch.cells.generation[edge.site] == edge.generation == patch.cells.generation[edge.sender] + 1
            assert edge.day == simulation.day == patch.cells.since[edge.site]
            if edge.code == causes.CONTACT:
                assert edge.sender in patch.geometry.neighbours(edge.site)
            else:
                assert before[edge.sender]
        induced = (patch.cells.since == simulation.day) & (patch.cells.generation > 0)
        assert sorted(edge.site for edge in edges) == np.flatnonzero(induced).tolist()
    assert {edge.code for edge in simulation.transmissions["patch"]} == {causes.CONTACT, causes.FIRST_FACTOR}
    assert max(edge.generation for edge in simulation.transmissions["patch"]) >= 3
