"""Whatever a scenario allows: no step crashes, no site is lost, and no level is negative or infinite."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import factor, scattered, start, tissue, together, world

from sim.scenario import causes
from sim.scenario.trees import Tree
from sim.tissue.patch import Patch
from sim.tissue.state import ABSENT, CLEARED, HEALTHY, SCARRED, SENESCENT

rates = st.sampled_from([0.0, 1e-6, 0.01, 0.5, 30.0])
shares = st.sampled_from([0.0, 0.01, 0.5, 1.0])
wall = st.sampled_from(["reflecting", "periodic", "absorbing"])
half_max = st.builds(lambda x: {"half_max": x}, st.sampled_from([1e-6, 1.0, 1e6]))

hill = st.builds(lambda rate, half, power: {"hill": {"max_rate": rate, "half_max": half, "power": power}},
                 rates, st.sampled_from([1e-3, 10.0, 1e6]), st.sampled_from([0.1, 1, 2.5, 20]))  # fmt: skip
linear = st.builds(lambda rate: {"linear": {"rate": rate}}, rates)
tail = st.builds(lambda n, rate: {"poisson_tail": {"threshold": n, "rate": rate}}, st.integers(0, 1000), rates)
response = st.one_of(hill, linear, tail)
transport = st.sampled_from(
    [
        {"reach": 5},
        {"reach": 1e4},
        {"decay_rate": 1e-6, "diffusivity": 1e-3},
        {"reach": 30, "precision": "float64", "diffusivity": 100},
        {"transport": "well_mixed", "decay_rate": 0.5},
        {"transport": "kernel", "kernel": {"emission": 100, "capture_length": 30, "cell_radius": 5}},
    ]
)
secretion = st.fixed_dictionaries(
    {},
    optional={
        "delay": st.sampled_from([0.0, 0.3, 2.0]),
        "ramp": st.sampled_from([0.0, 1.7]),
        "duration": st.sampled_from([0.1, 3.0, "forever"]),
        "strength": st.sampled_from([0.0, 1e-30, 1.0, 1e6]),
        "secondary": shares,
    },
)


@st.composite
def factors(draw: st.DrawFn) -> Tree:
    """Zero to three factors that do anything."""
    trees: list[Tree] = [{}]
    for name in draw(st.lists(st.sampled_from(["SASP", "drift", "ligand"]), unique=True)):
        sections: Tree = {**draw(transport), "secretion": draw(secretion)}
        if draw(st.booleans()):
            sections["induction"] = draw(response)
        if draw(st.booleans()):
            memory = draw(st.sampled_from([1e-3, 3.0, 3650.0]))
            sections |= {"affinity": {"cell": draw(rates)}, "cargo": {"memory": memory, "response": draw(response)}}
        for action in ("jams_immunity", "inhibits_repair"):
            if draw(st.booleans()):
                sections[action] = draw(half_max)
        trees.append(factor(name, **sections))
    return together(*trees)


@st.composite
def tissues(draw: st.DrawFn) -> tuple[Tree, tuple[int, ...]]:
    """A tissue with a lattice of any small shape, or a scatter of cells."""
    shape = tuple(draw(st.lists(st.integers(1, 7), min_size=2, max_size=3)))
    body = tissue(
        initial={"burden": draw(st.sampled_from([0, 20, 100])), "since_onset": draw(st.sampled_from([0, 5]))},
        boundary=[draw(wall) for _ in shape],
        damage={"baseline": min(100, 100 * draw(rates)), "per_year": draw(shares)},
        maintenance=draw(shares),
        contact={"hazard": draw(rates), "at_once": draw(shares), "mature_after": draw(shares)},
        clearance={"max_rate": 100 * draw(rates), "own_death": draw(rates), "territory": draw(st.floats(5, 50))},
        repair={"rate": draw(rates), "scar": draw(shares), "division_limit": draw(st.sampled_from([None, 1, 3]))},
    )
    kind = draw(st.sampled_from(["lattice", "von_neumann", "holes", "cloud"]))
    if kind == "cloud":
        body = together(body, scattered(draw(st.integers(1, 60)), len(shape), 60.0, draw(st.integers(0, 99))))
    elif kind == "von_neumann":
        body = together(body, tissue(neighbourhood="von_neumann"))
    elif kind == "holes" and max(shape) > 2:  # else no cell would be left, which is refused
        body = together(body, tissue(holes=[{"at": [5.0] * len(shape), "radius": 11}]))
    return body, shape


def check(patch: Patch, day: float, absent: int) -> None:
    cells = patch.cells
    numbers = np.bincount(cells.state, minlength=5)
    assert numbers[[HEALTHY, SENESCENT, CLEARED, SCARRED]].sum() == cells.state.size - absent
    assert numbers[ABSENT] == absent
    assert numbers.size == 5
    assert np.isfinite(patch.levels).all()
    assert (patch.levels >= 0).all()
    assert np.isfinite(cells.cargo).all()
    assert (cells.cargo >= 0).all()
    assert not cells.cargo[:, cells.state != HEALTHY].any()
    senescent = cells.state == SENESCENT
    assert (cells.cause[senescent] > 0).all()
    assert not cells.cause[~senescent].any()
    assert not cells.generation[~senescent].any()
    assert (cells.since <= day).all()
    assert (cells.divisions >= 0).all()
    turned = patch.cum[5:].sum() - patch.cum[1:3].sum()
    assert np.count_nonzero(senescent) == turned
    assert numbers[CLEARED] == patch.cum[1:3].sum() - patch.cum[3:5].sum()


@settings(max_examples=120)
@given(tissues(), factors(), st.sampled_from([0.01, 0.5, 30.0]), st.integers(0, 2**63))
def test_any_small_tissue(body: tuple[Tree, tuple[int, ...]], signals: Tree, dt: float, seed: int) -> None:
    simulation = start(world(body[0], signals, shape=body[1], dt=dt), seed=seed)
    patch = simulation.patches["patch"]
    absent = np.count_nonzero(patch.cells.state == ABSENT)
    for _ in range(8):
        simulation.step()
        check(patch, simulation.day, absent)


def test_every_induced_cell_has_a_sender_that_can_have_turned_it() -> None:
    """The transmission tree: by contact from a neighbour, at once from one that just turned; else from any distance."""
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
