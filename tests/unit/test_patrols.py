"""Patrols cell by cell: what they find, hold and kill, how they tire, and what a scenario may say of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from worlds import BOUNDARIES, SPACING, counts, drug, effect, factor, points_of, start, tissue, together, walls, world

from sim.analysis.search import equivalent
from sim.errors import ScenarioError
from sim.explain import explain
from sim.observe import Census
from sim.rules.patrol import (
    encounters_in_plane,
    encounters_in_space,
    keeping_chance,
    kill_chance,
    mean_field,
    new_direction,
    path_to_entry,
    recruitment_rate,
    unit_vector,
)
from sim.scenario.causes import PATROLS
from sim.scenario.load import from_dict
from sim.scenario.trees import Tree
from sim.simulation import Simulation
from sim.tissue.patrols import EXHAUSTED, WORKING
from sim.tissue.state import CLEARED, EVADES_IMMUNITY, SENESCENT

NK: Tree = {"density": 3, "speed": 300, "reach": 12, "attachment_time": 0.2, "kill_probability": 0.7, "rest_time": 0.1}
HALF = tissue(initial={"burden": 50})


def patrolled(*changes: Tree, **more: Any) -> Tree:
    return together(tissue(patrols={"nk": {**NK, **more}}), *changes)


def rows(simulation: Simulation, kind: int = 0) -> np.ndarray:
    return simulation.patches["patch"].patrols.troops[kind].rows


# ------------------------------------------------------------------------------------------------------------- rules


def test_rules() -> None:
    assert keeping_chance(10.0, 20.0, 0.5) == pytest.approx(math.exp(-1))
    assert keeping_chance(10.0, 20.0, math.inf) == 1
    assert unit_vector(0.3, -0.4, 2.0) == pytest.approx((0.6, -0.8, 0.0))
    assert math.hypot(*unit_vector(0.3, -0.4, 3.0)) == pytest.approx(1)
    assert new_direction(0.0, 1.0, 0.0, 3.0, 0.0, 0.0, 0.5) == pytest.approx((math.sqrt(0.5), math.sqrt(0.5), 0.0))
    assert new_direction(0.0, 1.0, 0.0, 3.0, 0.0, 0.0, 1.0) == (1.0, 0.0, 0.0)
    assert new_direction(0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0) == (0.0, 1.0, 0.0)  # nothing rises
    assert new_direction(-1.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.5) == (-1.0, 0.0, 0.0)  # both parts cancel
    assert kill_chance(0.8, 0.5, 0.5) == 0.2
    assert kill_chance(0.8, 2.0, 1.0) == 1.0
    assert recruitment_rate(10.0, 0.5, 4.0, 10.0, 3.0) == 2.5


def test_entry_into_reach() -> None:
    assert path_to_entry(10.0, 3.0, 0.0, 1.0, 0.0, 0.0, 5.0) == 6.0
    assert path_to_entry(0.0, 0.0, 9.0, 0.0, 0.0, 1.0, 5.0) == 4.0
    for missed in ((10.0, 5.0), (-10.0, 0.0), (3.0, 3.0), (5.0, 0.0)):  # beside, behind, within, touched already
        assert path_to_entry(*missed, 0.0, 1.0, 0.0, 0.0, 5.0) == -1.0


def test_mean_field_of_patrols() -> None:
    """In the words of MODEL.md: P / t_h and 1 / (a t_h) with kills a day per percent and days per kill."""
    p, attach, rest, density = 0.7, 0.2, 0.1, 3.0
    found = encounters_in_plane(12.0, 300.0, 0.01)
    assert found == pytest.approx(2 * 12 * 300 * 0.01 / 100)
    assert encounters_in_space(12.0, 300.0, 0.001) == pytest.approx(math.pi * 144 * 300 * 0.001 / 100)
    beta, kappa = mean_field(density, found, p, attach, rest)
    per_kill = attach / p + rest
    assert beta == pytest.approx(density / per_kill)
    assert kappa == pytest.approx(1 / (p * found * per_kill))
    patched = world(patrolled()).tissues["patch"]
    assert equivalent(patched.patrols["nk"], patched) == pytest.approx((beta, kappa))


# ------------------------------------------------------------------------------------------------------ conservation

WORLDS = {"plane": ((20, 18), ()), "space": ((7, 8, 6), ()), "cloud": ((20, 18), (points_of((20, 18)),))}


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("space", WORLDS)
def test_kills_are_cells_removed_one_by_one(space: str, boundary: str) -> None:
    shape, change = WORLDS[space]
    more = {"exhausts_after": 4, "lifespan": 6, "senescence_rate": 0.05, "recruitment": {"basal": 1, "max_rate": 0}}
    settings = world(
        patrolled(HALF, tissue(damage={"baseline": 8}, repair={"rate": 1}, clearance={"own_death": 0.1}), **more),
        walls(boundary, len(shape)), *change, shape=shape,
    )  # fmt: skip
    simulation = start(settings)
    patch, extent = simulation.patches["patch"], [*simulation.patches["patch"].geometry.extent[::-1]]
    seen: dict[int, int] = {}
    for _ in range(40):
        before, troop = patch.cells.state.copy(), patch.patrols.troops[0]
        simulation.step()
        sites, codes = simulation._decided["patch"]
        killed = sites[codes == PATROLS]
        assert (np.diff(sites) > 0).all()  # nobody has two fates
        assert (before[killed] == SENESCENT).all()
        assert (patch.cells.state[killed] == CLEARED).all()
        gained = {int(r["serial"]): int(r["kills"]) - seen.get(int(r["serial"]), 0) for r in troop.rows}
        assert sum(gained.values()) <= killed.size
        seen.update({int(r["serial"]): int(r["kills"]) for r in troop.rows})
        assert troop.kills == patch.cum[PATROLS]
        held = troop.rows["target"][troop.rows["target"] >= 0]
        assert held.size == np.unique(held).size == np.count_nonzero(patch.patrols.held)  # one cell, one patrol
        for axis, length in zip("xyz", extent, strict=False):
            assert (troop.rows[axis] >= 0).all()
            assert (troop.rows[axis] <= length).all()
        assert (np.diff(troop.rows["serial"].astype(np.int64)) > 0).all()
        assert (troop.rows["leaves"] >= simulation.day).all()  # none is lost but by its time
    assert patch.cum[PATROLS] > 50
    assert (troop.rows["idle"] == EXHAUSTED).any()
    assert (troop.rows["kills"][troop.rows["idle"] == EXHAUSTED] == 4).all()
    assert troop.rows["kills"].max() == 4


@pytest.mark.parametrize("space", WORLDS)
def test_a_walk_does_not_know_the_step(space: str) -> None:
    """Without targets, at common times, to the last bit; also who comes and goes."""
    shape, change = WORLDS[space]
    law = {"persistence_time": 0.05, "lifespan": 5, "senescence_rate": 0.1, "recruitment": {"basal": 2, "max_rate": 0}}
    twins = [start(world(patrolled(**law), *change, shape=shape, dt=dt)) for dt in (0.5, 0.25, 2.0)]
    for _ in range(5):
        for simulation, n in zip(twins, (4, 8, 1), strict=True):
            for _ in range(n):
                simulation.step()
        whole, half, long = (rows(simulation) for simulation in twins)
        for name in ("serial", "idle", "x", "y", "z", "dx", "dy", "dz", "moves"):
            np.testing.assert_array_equal(whole[name], half[name], err_msg=name)
            np.testing.assert_array_equal(whole[name], long[name], err_msg=name)
        assert whole["moves"].max() > 50


# --------------------------------------------------------------------------------------------------------- one patrol


def one(kill: float = 1.0, **more: Any) -> Simulation:
    """One patrol at x = 5 um that walks to the right, at 10 um a day, in a row of cells along y = 25 um."""
    law = {"density": 1, "speed": 10, "persistence_time": "forever", "reach": 4, "kill_probability": kill}
    simulation = start(world(patrolled(**{**law, "attachment_time": 0.7, "rest_time": 0.5, **more}), shape=(5, 20)))
    row = rows(simulation)
    row["x"], row["y"], row["dx"], row["dy"] = 5.0, 25.0, 1.0, 0.0
    return simulation


def put(simulation: Simulation, *columns: int) -> np.ndarray:
    sites = 40 + np.array(columns)
    cells = simulation.patches["patch"].cells
    cells.state[sites], cells.since[sites] = SENESCENT, -1.0
    return sites


def test_the_life_of_one_patrol() -> None:
    simulation = one(exhausts_after=2)
    first, second, third = put(simulation, 3, 6, 9).tolist()
    state = simulation.patches["patch"].cells.state
    log = []
    for _ in range(30):
        simulation.step()
        log.append([simulation.day, *(state[[first, second, third]] == SENESCENT).tolist(), *rows(simulation)["x"]])
    died = [next(day for day, *alive, _ in log if not alive[i]) for i in range(2)]
    # it enters at 31 um after 2.6 d, kills at 3.3, rests until 3.8; enters at 61 um after 6.8 d, kills at 7.5
    assert died == [3.5, 8.0]
    assert log[-1][1:4] == [False, False, True]
    row = rows(simulation)[0]
    assert (row["x"], row["kills"], row["idle"]) == (61.0, 2, EXHAUSTED)
    assert row["busy_until"] == pytest.approx(8.0)
    assert counts(simulation.patches["patch"])["patrols"] == 2


def test_a_cell_that_lives_on_is_not_found_again_at_once() -> None:
    simulation = one(kill=0.0)
    put(simulation, 3, 6)
    for _ in range(80):
        simulation.step()
    assert rows(simulation)["attachments"].tolist() == [2 + 2]  # there and, from the wall, back
    assert rows(simulation)["kills"].tolist() == [0]


@pytest.mark.parametrize("change", ["gone", "another", "evading", "jammed", "weak"])
def test_what_is_not_killed(change: str) -> None:
    simulation = one(attachment_time=2.0)
    patch, site = simulation.patches["patch"], put(simulation, 3)
    if change == "evading":
        patch.cells.refractory[site] = EVADES_IMMUNITY
    for step in range(20):
        if step == 6:  # it holds the cell
            assert rows(simulation)["target"].tolist() == site.tolist()
            if change == "gone":
                patch.cells.state[site] = CLEARED
            elif change == "another":
                patch.cells.since[site] = 2.5
        if change in ("weak", "jammed"):
            patch.capacity = patch.immunity = 0.0
        if change == "weak":
            patch.age_immunity = lambda t, dt: None  # type: ignore[method-assign]
        simulation.step()
    expected = 1 if change == "jammed" else 0  # capacity comes back by itself there
    assert counts(patch)["patrols"] in (0, expected)
    assert rows(simulation)["attachments"].tolist() == [1]
    assert rows(simulation)["x"] > 50


def test_two_patrols_take_two_cells_the_lower_serial_first() -> None:
    simulation = one(density=2)
    rows(simulation)["x"] = [5.0, 7.0]  # the second is nearer
    put(simulation, 3, 6)
    for _ in range(20):
        simulation.step()
        row = rows(simulation)
        assert np.unique(row["target"][row["target"] >= 0]).size == np.count_nonzero(row["target"] >= 0)
    assert rows(simulation)["kills"].tolist() == [1, 1]


def test_jamming_capacity_and_drugs_act_on_kills() -> None:
    """Half the capacity, half jammed: a quarter of the kills per attachment; a boost brings it back."""
    base = patrolled(HALF, kill_probability=0.4, speed=200, density=2, attachment_time=0.05, rest_time=0.01)
    jam = factor(transport="well_mixed", decay_rate=1, jams_immunity={"half_max": 50}, secretion={"secondary": 1})
    shares = []
    for change in (
        {}, jam, tissue(clearance={"capacity": 0.5}), drug(effect("boost_immune", 2), amount=1e6),
        together(jam, drug(effect("unjam_immune", 1), amount=1e9)),
    ):  # fmt: skip
        simulation = start(world(base, change, tissue(initial={"burden": 50}), shape=(60, 60)))
        for _ in range(4):
            simulation.step()
        row = rows(simulation)
        shares.append(row["kills"].sum() / row["attachments"].sum())
    expected = [0.4, 0.4 / 2, 0.4 * 0.5, 1.0, 0.4]
    np.testing.assert_allclose(shares, expected, atol=0.06)


# ------------------------------------------------------------------------------------------------------------ tables


def test_columns() -> None:
    settings = world(patrolled(HALF), tissue(patrols={"macrophage": {"density": 2, "speed": 0}}))
    simulation = start(settings)
    census = Census(settings, simulation.patches["patch"])
    assert {"cum_patrols", "new_patrols", "n_patrol_nk", "working_nk", "busy_nk", "kills_nk"} <= set(census.row(0.0))
    simulation.step()
    row = census.row(simulation.day)
    assert row["cum_patrols"] == row["new_patrols"] == row["kills_nk"] > 0
    assert (row["n_patrol_nk"], row["working_macrophage"], row["kills_macrophage"]) == (4, 3, 0)
    assert row["busy_nk"] == np.mean(rows(simulation)["busy_until"] > 0.5) > 0
    plain = world(HALF)
    assert "cum_patrols" not in Census(plain, start(plain).patches["patch"]).row(0.0)


# ----------------------------------------------------------------------------------------------------------- scenario


@pytest.mark.parametrize(
    ("law", "rule"),
    [
        ({"speed": -1}, r"patrols\.nk\.speed: must be between 0 um/d and .*, got -1 um/d"),
        ({"reach": 0}, r"patrols\.nk\.reach: must be more than 0 um .*got 0 um"),
        ({"attachment_time": 0, "rest_time": 0}, "attachment_time and rest_time must be more than 0 d together"),
        ({"migration_bias": 0.5}, "migration_bias needs follows: the factor that leads, got 0.5 alone"),
        ({"recruitment": {}}, "recruitment needs follows"),
        ({"follows": "SASSP"}, r"patrols\.nk\.follows: must be one of SASP, got 'SASSP' \(did you mean SASP\?\)"),
        ({"kill_probability": 1.5}, r"patrols\.nk\.kill_probability: must be between 0 and 1, got 1.5"),
        ({"exhausts_after": 0}, r"patrols\.nk\.exhausts_after: must be between 1"),
        ({"lifespan": 0}, r"patrols\.nk\.lifespan: must be more than 0 d, got 0 d"),
        ({"speeed": 3}, r"patrols\.nk\.speeed: unknown key"),
    ],
)
def test_impossible_patrols(law: Tree, rule: str) -> None:
    with pytest.raises(ScenarioError, match=rule) as error:
        world(patrolled(**law), factor(reach=30))
    assert "\n" not in str(error.value)


def test_a_field_that_only_cells_know() -> None:
    kernel = factor(transport="kernel", kernel={})
    with pytest.raises(ScenarioError, match="follows: must be a factor with a field between the cells"):
        world(patrolled(follows="SASP"), kernel, points_of((12, 12)))
    world(patrolled(follows="SASP"), kernel)


@pytest.mark.parametrize(
    ("law", "note"),
    [
        ({"density": 150}, "density: is more patrols than cells, got 150 %"),
        ({"density": 0.01}, "density: makes less than half a patrol in this tissue"),
        ({"reach": 90}, "reach: goes beyond the tissue of 120 um, got 90 um"),
        ({"speed": 0}, "speed: they stand still and find nobody"),
    ],
)
def test_odd_patrols(law: Tree, note: str) -> None:
    tree = {"days": 1, "tissues": {"patch": {"shape": [12, 12], "cell_spacing": 10, "clearance": {"max_rate": 0}}}}
    notes = from_dict(together(tree, patrolled(**law))).notes
    assert [each for each in notes if each.startswith(f"tissues.patch.patrols.nk.{note}")]


def test_patrols_beside_the_mean_field_are_told() -> None:
    tree = {"days": 1, "tissues": {"patch": {"shape": [12, 12]}}}
    assert "act beside the mean field of immunity" in " ".join(from_dict(together(tree, patrolled())).notes)


def test_in_words() -> None:
    law = {"follows": "SASP", "migration_bias": 0.3, "exhausts_after": 5, "lifespan": "9 d", "senescence_rate": 0.01,
           "recruitment": {"basal": 0.2, "max_rate": 1}}  # fmt: skip
    tree = {"days": 1, "tissues": {"patch": {"shape": [12, 12], "cell_spacing": SPACING, "clearance": {"max_rate": 0}}}}
    text = " ".join(explain(from_dict(together(tree, patrolled(**law), factor(reach=30)))).split())
    beta, kappa = mean_field(3.0, encounters_in_plane(12.0, 300.0, 0.01), 0.7, 0.2, 0.1)
    for words in (
        "Patrols nk: 3 per 100 cells at the start", "walking at 0.208 um/min", "0.3 up the gradient of SASP",
        "come within 12 um", "kill with a chance of 0.7", "do nothing more after 5 kills", "0.01 per day",
        "leave after 9 d in the mean", "0.2 enter per 100 cells and day", "up to 1 are called by SASP",
        f"at most {beta:.3g} % of the tissue per day (beta), half of that at a burden of {kappa:.3g} % (kappa)",
        "It leads patrols in patch: nk.",
    ):  # fmt: skip
        assert words in text, words
    assert "Clearance: none" not in text


def test_luck_goes_by_the_name() -> None:
    """Another kind beside it, before or after, does not change how one walks; two clashing names are refused."""
    other = {"macrophage": {"density": 2, "speed": 0}}
    alone = start(world(tissue(patrols={"nk": NK})))
    after = start(world(tissue(patrols={"nk": NK, **other})))
    before = start(world(tissue(patrols={**other, "nk": NK})))
    for simulation in (alone, after, before):
        simulation.step()
    np.testing.assert_array_equal(rows(alone), rows(after))
    np.testing.assert_array_equal(rows(alone), rows(before, 1))
    assert (rows(alone)["idle"] == WORKING).all()
