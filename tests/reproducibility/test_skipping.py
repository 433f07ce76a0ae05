"""Skipping changes nothing: sites that a bound rules out, and secretion that is kept from step to step."""

from __future__ import annotations

import math

import numpy as np
import pytest
from everything import everything
from test_engines import ALONE
from worlds import BOUNDARIES, assert_same, counts, event, factor, start, tissue, together, walls, world

import sim.engines.cell as of_a_cell
from sim.compiling import kernel
from sim.engines.compiled import CompiledEngine, most_of
from sim.engines.kernels import BLOCK, healthy_bound
from sim.rng import Purpose
from sim.rules.induction import chance, damage_hazard
from sim.rules.secretion import secretion_phase
from sim.scenario.causes import DAMAGE
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree
from sim.simulation import Simulation
from sim.tissue.geometry import lattice
from sim.tissue.patch import Patch
from sim.tissue.state import ABSENT, CLEARED, HEALTHY, SENESCENT
from sim.tissue.territory import Territory, territory_burden

LARGE = (48, 48)  # three blocks

# ------------------------------------------------------------------------------------------------------- screens


def lesion_in_a_corner() -> Tree:
    """Levels fall over many orders of magnitude from one block to the next; hardly anything happens anywhere."""
    spread = {"hill": {"max_rate": 0.4, "half_max": 20, "power": 3}}
    cargo = {"memory": "3 d", "response": {"hill": {"max_rate": 0.3, "half_max": 60, "power": 4}}}
    return together(
        tissue(damage={"baseline": 1e-2}, contact={"hazard": 2e-3}, repair={"rate": 0.05, "division_limit": 4}),
        tissue(clearance={"max_rate": 0.1, "half_saturation": 3, "own_death": 5e-3}),
        factor(reach=12, secretion={"secondary": 0, "by_cause": {"damage": 0}}, induction=spread),
        factor(affinity={"cell": 1}, cargo=cargo, jams_immunity={"half_max": 1}),
        event(day=0, at=[60, 60], radius=45),
    )


def test_where_almost_all_sites_are_skipped() -> None:
    settings = world(lesion_in_a_corner(), shape=LARGE)
    twins = [start(settings, engine=engine) for engine in ("agents", "compiled")]
    for _ in range(120):
        for simulation in twins:
            simulation.step()
    slow, fast = (simulation.patches["patch"] for simulation in twins)
    assert_same(slow, fast)
    levels = fast.level("SASP").reshape(3, BLOCK - 256)
    assert levels[0].max() > 100 * levels[2].max()
    seen = counts(fast)
    assert sum(seen.values()) < 0.005 * fast.cells.state.size * 120
    rare = ("damage", "SASP", "SASP_cargo", "contact", "own_death", "immune", "repaired")
    assert min(seen[name] for name in rare) > 3


def chances_of_all_sites(simulation: Simulation, monkeypatch: pytest.MonkeyPatch) -> dict[int, float]:
    """Chance of every healthy site to turn, as the agents compute it: the bound must not be below."""
    found: dict[int, float] = {}
    patch, engine = simulation.patches["patch"], simulation.engines["patch"]
    draws = patch.stream.uniforms(Purpose.DECIDE, 0, np.arange(patch.cells.state.size))
    site_of = {u: site for site, u in enumerate(draws.tolist())}

    def spy(u: float, hazards: list[float], codes: tuple[int, ...], dt: float) -> int:
        if codes[0] == DAMAGE:
            found[site_of[u]] = chance(sum(hazards), dt)
        return 0

    with monkeypatch.context() as patched:
        patched.setattr(of_a_cell, "chosen", spy)
        engine.take_up()
        engine.decide(0.0, 0)
    return found


def bound_of(patch: Patch, first: int, last: int) -> float:
    """What the compiled engine allows a block at most."""
    p, engine = patch.parameters, CompiledEngine(patch)
    integer = np.int32 if patch.seen.dtype == np.float32 else np.int64
    dose, level = np.zeros(1), np.zeros(1, patch.seen.dtype)
    tops = ((dose, dose.view(np.int64)), (level, level.view(integer)))
    damage = damage_hazard(patch.age_years(0.0), p.numbers.baseline, p.numbers.per_year)
    bits = (patch.cells.cargo.view(np.int64), patch.seen.view(integer))
    room, by_drugs = engine._slots[1], most_of(patch.acting, len(p.factors))[2]
    return float(
        healthy_bound(first, last, damage, *bits, *tops, room, p.numbers, p.factors, engine._largest, by_drugs)
    )


def shake(simulation: Simulation, seed: int) -> None:
    """Random states, and doses and levels over ten orders of magnitude."""
    rng = np.random.default_rng(seed)
    patch = simulation.patches["patch"]
    cells, there = patch.cells, patch.cells.state != ABSENT
    cells.state[there] = rng.integers(0, 4, np.count_nonzero(there))
    cells.cargo[:] = 10.0 ** rng.uniform(-7, 3, cells.cargo.shape) * (cells.state == 0)
    patch.seen[:] = 10.0 ** rng.uniform(-7, 3, patch.seen.shape)
    patch.seen[rng.random(patch.seen.shape) < 0.1] = 0.0
    simulation.engines["patch"].refresh(np.flatnonzero(there))


def worlds_with_bounds() -> dict[str, Settings]:
    """Everything at once, where a bound is loose, and single terms, where it is tight."""
    alone = (
        "damage",
        "hill",
        "poisson_tail",
        "types",
        "types_with_affinity",
        "cargo_and_level",
        "contact_hazard",
        "cloud",
    )
    many = {f"{space}_{how}": (space, how) for space in ("plane", "cloud") for how in ("diffusion", "all")}
    every = {
        name: everything(space, "mixed", how, LARGE if space == "plane" else ()) for name, (space, how) in many.items()
    }
    return every | {name: world(ALONE[name][0]) for name in alone}


@pytest.mark.parametrize("name", worlds_with_bounds())
@pytest.mark.parametrize("seed", range(4))
def test_no_site_has_a_chance_above_the_bound_of_its_block(
    name: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulation = start(worlds_with_bounds()[name], engine="agents")
    shake(simulation, seed)
    for step in range(10 * seed):  # drugs act more or less
        simulation.dosing.dose(step, lambda tissue, name: 0.0)
        simulation.dosing.act(step)
    patch = simulation.patches["patch"]
    chances = chances_of_all_sites(simulation, monkeypatch)
    assert len(chances) > 20
    for first in range(0, patch.cells.state.size, BLOCK):
        last = min(first + BLOCK, patch.cells.state.size)
        top = max(chances.get(site, 0.0) for site in range(first, last))
        assert 0.0 < top <= bound_of(patch, first, last)


@kernel
def burdens(box, table, counts, state):  # type: ignore[no-untyped-def]
    return np.array([territory_burden(site, box, table, counts) for site in range(state.size)])


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("shape", [(24, 37), (60, 11), (9, 22, 33)])
@pytest.mark.parametrize("reach", [3, 8, 9, 14])
def test_no_territory_has_a_burden_below_the_floor_of_its_row(
    shape: tuple[int, ...], reach: int, boundary: str
) -> None:
    """Clumps of senescent cells, vacant sites and holes; where none wraps the floors must be worth something."""
    rng = np.random.default_rng(reach)
    place = lattice(shape, 10.0, boundary=BOUNDARIES[boundary][-len(shape) :])
    state = np.where(rng.random(shape) < 0.2, CLEARED, HEALTHY).astype(np.uint8)
    state[rng.random(shape) < 0.1 + 0.4 * (np.indices(shape)[-1] > 10)] = SENESCENT
    state[rng.random(shape) < 0.05] = ABSENT
    territory = Territory(place, 10.0 * reach)
    territory.update(state.ravel())
    floors = territory.floors()
    rows = burdens(*territory.view, state.ravel()).reshape(floors.size, shape[-1])
    assert (floors <= rows.min(axis=1) * (1 + 1e-12)).all()
    if boundary in ("reflecting", "absorbing"):
        assert floors.all() == (reach >= 8)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("territory", [90, "whole tissue"])
def test_clearance_in_large_territories(boundary: str, territory: object) -> None:
    settings = world(
        tissue(initial={"burden": 40}, clearance={"max_rate": 3, "half_saturation": 2, "territory": territory}),
        walls(boundary, 2),
        factor(reach=25, jams_immunity={"half_max": 60}),
        shape=(40, 60),
    )
    twins = [start(settings, engine=engine) for engine in ("agents", "compiled")]
    for _ in range(12):
        for simulation in twins:
            simulation.step()
    slow, fast = (simulation.patches["patch"] for simulation in twins)
    assert_same(slow, fast)
    assert counts(fast)["immune"] > 100


# ---------------------------------------------------------------------------------------------- kept secretion


def given_off_afresh(patch: Patch, f: int, t: float) -> np.ndarray:
    """Secretion of every site from nothing but its cell."""
    cells, strength, phase = patch.cells, patch.secretion.strength[f], patch.parameters.phase[f].tolist()
    at = (cells.cause, np.minimum(cells.generation, 2), cells.cell_type)
    return strength[at] * np.array([secretion_phase(t - since, *phase) for since in cells.since.tolist()])


@pytest.mark.parametrize("dt", ["0.25 d", "0.1 d", "0.3 d"])
@pytest.mark.parametrize("times", [(0.7, 1.1, 2.3), (0.3, 0.6, math.inf), (0.0, 0.0, 0.9), (4.9, 1.0, 3.1)])
def test_kept_secretion_is_what_the_cells_say(dt: str, times: tuple[float, float, float]) -> None:
    secretion = dict(zip(("delay", "ramp", "duration"), times, strict=True)) | {"by_cause": {"contact": 0.3}}
    body = together(
        tissue(initial={"burden": 10, "since_onset": 1.2}, damage={"baseline": 8}, contact={"at_once": 0.1}),
        tissue(clearance={"own_death": 0.2}, repair={"rate": 2}),
        factor(reach=30, secretion=secretion, induction={"linear": {"rate": 0.01}}),
        event(day=1.5, radius=20, since_onset=0.6),
    )
    simulation = start(world(body, dt=dt))
    patch = simulation.patches["patch"]
    for _ in range(80):
        for phase in simulation.plan():
            phase.run()
            if phase.name == "secrete":
                expected = given_off_afresh(patch, 0, simulation.day).astype(patch.secretion.given_off.dtype)
                np.testing.assert_array_equal(patch.secretion.given_off[0], expected)
        simulation.step_index += 1
        simulation.day = simulation.step_index * simulation.settings.dt
    assert patch.level("SASP").max() > 0
