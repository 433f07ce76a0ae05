"""Immune cells in the blood: whom one tissue takes the others miss, who returns is there again, nobody is made up."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from bodies import organ, steps
from scipy.integrate import quad
from worlds import start, together

import sim
from sim.errors import ScenarioError
from sim.explain import explain
from sim.scenario.body import Circulation
from sim.scenario.load import from_dict
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree
from sim.simulation import Simulation
from sim.tissue.patrols import EXHAUSTED, SENESCENT, WORKING
from sim.tissue.pool import Pool

STILL: Tree = {"density": 0, "speed": 0, "circulates": True, "recruitment": {"basal": 4, "max_rate": 0}}


def patrolled(*tissues: Tree, number: float = 1e3, renewal: Any = "forever", **top: Any) -> Settings:
    """Quiet tissues skin, bone ... of a hundred cells with nk that circulate and stand still, but for what is said."""
    names = ("skin", "bone", "brain")
    made = {name: organ({"patrols": {"nk": STILL}}, each) for name, each in zip(names, tissues, strict=False)}
    circulation = {"circulation": {"nk": {"number": number, "renewal": renewal}}}
    return from_dict({"days": 500, "dt": 0.5, "age_at_start": 0, "tissues": made, "body": circulation, **top}).common


def nk(**more: Any) -> Tree:
    return {"patrols": {"nk": more}}


def troops(simulation: Simulation) -> list[Any]:
    return [patch.patrols.troops[0] for patch in simulation.patches.values()]


def out_there(simulation: Simulation) -> float:
    """Cells of the body for which the patrols in all tissues stand."""
    return sum(troop.stands_for * troop.rows.size for troop in troops(simulation))


# --------------------------------------------------------------------------------------------------------- the pool


def test_a_pool_is_renewed_exactly_whatever_the_step() -> None:
    whole, parts = (Pool(Circulation(number=100, renewal=5)) for _ in range(2))
    for pool in (whole, parts):
        pool.open(0.0, 1.0)
        assert pool.take(60.0, 0.25)
        pool.give_back(10.0, 0.75)
    left = 100 - 60 * math.exp(-0.75 / 5) + 10 * math.exp(-0.25 / 5)
    assert whole.cells == pytest.approx(left, rel=1e-14)
    whole.open(1.0, 8.0)
    for step in range(16):
        parts.open(1.0 + 0.5 * step, 0.5)
    assert whole.share == left / 100
    assert whole.cells == pytest.approx(100 + (left - 100) * math.exp(-8 / 5), rel=1e-13)
    assert parts.cells == pytest.approx(whole.cells, rel=1e-13)
    assert whole.percent == pytest.approx(whole.cells)


@pytest.mark.parametrize("renewal", [0.1, 3.0, math.inf])
@pytest.mark.parametrize("begun", [0.0, 2.0, 100.0, 5000.0])
def test_a_pool_never_falls_below_zero_at_any_moment(begun: float, renewal: float) -> None:
    """Also where it was overfull and falls by itself: at every moment what is left of all changes is at least 0."""
    rng = np.random.default_rng(1)
    for _ in range(20):
        pool = Pool(Circulation(number=100, renewal=renewal))
        pool.restore({"cells": np.array(begun)})
        pool.open(0.0, 2.0)
        taken = [t for t in np.sort(rng.uniform(0, 2, 2000)) if pool.take(7.0, t)]
        assert not pool.take(7.0, 1.0)
        for now in [*taken, 2.0]:
            before = 100 + (begun - 100) * math.exp(-now / renewal)
            assert before - sum(7.0 * math.exp(-(now - t) / renewal) for t in taken if t <= now) > -1e-9
        assert pool.cells >= -1e-9


# ----------------------------------------------------------------------------------------------------- conservation


def test_nobody_is_lost_who_enters_and_returns() -> None:
    """Without renewal, exhaustion and senescence; organs stand for many more cells than are simulated."""
    short = nk(lifespan=3)
    about = patrolled({"represents": 7e4, **short}, {"represents": 123.0, **short}, number=6e4)
    about = from_dict(together(about.model_dump(exclude_unset=True), {"tissues": {"bone": nk(density=9)}})).common
    simulation = start(about)
    pool, whole = simulation.body.pools["nk"], 6e4 + out_there(simulation)
    assert out_there(simulation) == pytest.approx(9 * 1.23)
    for step in range(100):
        if step == 40:
            again = start(about)
            again.restore(simulation.state())
            simulation, pool = again, again.body.pools["nk"]
        simulation.step()
        assert pool.cells + out_there(simulation) == pytest.approx(whole, rel=1e-13)
    assert all(troop.born > troop.rows.size + 50 for troop in troops(simulation))
    assert pool.percent < 99


def test_who_leaves_exhausted_or_senescent_does_not_return() -> None:
    """Nobody enters after the start, so that the rows of the step before tell who leaves, and how."""
    tired = nk(lifespan=6, senescence_rate=0.1, exhausts_after=1, speed=300, density=60,
               recruitment={"basal": 0, "max_rate": 0})  # fmt: skip
    simulation = start(patrolled({"initial": {"burden": 30}, **tired}))
    (troop,), pool, seen = troops(simulation), simulation.body.pools["nk"], {EXHAUSTED: 0, SENESCENT: 0, WORKING: 0}
    retire = troop.retire

    def watched(t_end: float, held: np.ndarray) -> None:
        for row in troop.rows[troop.rows["leaves"] < t_end]:
            aged = row["idle"] == WORKING and row["ages"] < row["leaves"]
            seen[SENESCENT if aged else int(row["idle"])] += 1
        retire(t_end, held)

    troop.retire = watched
    for _ in range(80):
        simulation.step()
        assert pool.cells == 1e3 + seen[WORKING]
    assert min(seen.values()) > 3
    assert sum(seen.values()) + troop.rows.size == troop.born == 60


def test_an_empty_pool_stops_recruitment() -> None:
    simulation = steps(start(patrolled({}, {}, number=25)), 400)
    pool = simulation.body.pools["nk"]
    assert sum(troop.born for troop in troops(simulation)) == 25
    assert pool.cells == pytest.approx(0, abs=1e-9)
    fresh = steps(start(patrolled({}, {}, number=25, renewal=10)), 400)
    assert 25 < sum(troop.born for troop in troops(fresh)) <= 25 + 25 * 200 / 10
    assert fresh.body.pools["nk"].cells >= 0


def test_one_that_stands_for_more_cells_than_there_are_never_enters() -> None:
    tree = patrolled({"represents": 1e6}, number=9e3).model_dump(exclude_unset=True)
    assert any("body.circulation.nk.number: is less than the 1e+04 cells" in note for note in from_dict(tree).notes)
    assert troops(steps(start(from_dict(tree).common), 50))[0].born == 0


def test_recruitment_follows_the_share_in_the_blood() -> None:
    """In the mean of many: born is the integral of rate times share, with dQ/dt = (N - Q) / tau - rate Q / N."""
    rate, renewal, number, t = 8.0, 5.0, 30.0, 20.0
    settings = patrolled(nk(recruitment={"basal": rate, "max_rate": 0}), number=number, renewal=renewal, dt=0.05)
    born = [steps(start(settings, replicate), 400).patches["skin"].patrols.troops[0].born for replicate in range(24)]
    decay = 1 / renewal + rate / number
    rest = number / renewal / decay
    expected, _ = quad(lambda u: rate / number * (rest + (number - rest) * math.exp(-decay * u)), 0, t)
    assert np.mean(born) == pytest.approx(expected, abs=3 * math.sqrt(expected / len(born)) + 0.02 * expected)
    assert expected < 0.6 * rate * t


# ------------------------------------------------------------------------------------------------------ two tissues


def called(burden_of_skin: float, number: float) -> Simulation:
    call = nk(follows="SASP", recruitment={"basal": 2, "max_rate": 40, "half_max": 20})
    tissues = ({"initial": {"burden": burden_of_skin}, **call}, call)
    return start(patrolled(*tissues, number=number, renewal=30, factors={"SASP": {"reach": 30}}))


def test_a_burdened_tissue_drains_the_others() -> None:
    quiet, burdened = (steps(called(burden, number=150), 60) for burden in (0, 60))
    skin, bone = ([troop.born for troop in troops(each)] for each in (quiet, burdened))
    assert bone[0] > 2 * skin[0]
    assert bone[1] < 0.6 * skin[1]
    assert burdened.body.pools["nk"].percent < 0.6 * quiet.body.pools["nk"].percent
    many = [steps(called(burden, number=1e12), 60) for burden in (0, 60)]  # nobody is missed
    assert troops(many[0])[1].born == troops(many[1])[1].born
    np.testing.assert_allclose(troops(many[0])[1].rows["clock"], troops(many[1])[1].rows["clock"], rtol=1e-9)


def test_kinds_and_tissues_that_do_not_circulate_keep_every_bit() -> None:
    """Another kind beside, and the same kind elsewhere that is recruited without a pool."""
    stay = {**STILL, "circulates": False, "lifespan": 3}
    beside = {"patrols": {"macrophage": stay}}
    joined = steps(start(patrolled(beside, {**nk(circulates=False), **{}}, number=30)), 60)
    alone = organ({"patrols": {"macrophage": stay}}), organ({"patrols": {"nk": {**STILL, "circulates": False}}})
    tree: Tree = {"days": 500, "dt": 0.5, "age_at_start": 0, "tissues": dict(zip(("skin", "bone"), alone, strict=True))}
    apart = steps(start(from_dict(tree).common), 60)
    for name, kind in (("skin", "macrophage"), ("bone", "nk")):
        one, other = (
            next(troop for troop in each.patches[name].patrols.troops if troop.name == kind) for each in (joined, apart)
        )
        np.testing.assert_array_equal(one.rows, other.rows)
        assert one.pool is None
    assert joined.body.pools["nk"].cells < 30


@pytest.mark.parametrize("engine", ["compiled", "agents"])
def test_a_pool_goes_on_in_both_engines(engine: str) -> None:
    hunting = nk(speed=200, lifespan=5, density=3)
    settings = patrolled(
        {"initial": {"burden": 30}, **hunting}, {"damage": {"baseline": 2}, **hunting}, number=60, renewal=9
    )
    whole, half = steps(start(settings), 30), steps(start(settings, engine=engine), 11)
    again = start(settings, engine="agents" if engine == "compiled" else "compiled")
    again.restore(half.state())
    steps(again, 19)
    assert again.body.pools["nk"].cells == whole.body.pools["nk"].cells < 60
    for one, other in zip(troops(again), troops(whole), strict=True):
        np.testing.assert_array_equal(one.rows, other.rows)


# --------------------------------------------------------------------------------------------- tables, words, errors

TREE: Tree = {
    "days": 6, "dt": 0.5, "replicates": 1,
    "tissues": {"skin": organ({"patrols": {"nk": STILL}}), "bone": organ()},
    "body": {"circulation": {"nk": {"number": 40, "renewal": "3 d"}}},
}  # fmt: skip


def test_the_pool_is_a_column_of_the_tissues_that_share_it() -> None:
    rows = sim.run(from_dict(TREE)).timeseries
    skin = rows[rows["tissue"] == "skin"]
    assert skin["pool_nk"].iloc[0] == 100.0
    assert skin["pool_nk"].between(0, 99).sum() == len(skin) - 1
    assert rows.loc[rows["tissue"] == "bone", "pool_nk"].isna().all()


def test_words() -> None:
    words = " ".join(explain(from_dict(together(TREE, {"tissues": {"skin": {"represents": 500}}}))).split())
    assert "Of nk, 40 cells are in the blood at rest (assumed), renewed over 3 d (assumed)" in words
    assert "one that the simulation follows stands for 5 of skin." in words
    assert "From the blood 4 enter per 100 cells and day (assumed), in proportion to how many of them are in" in words


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"body": {"circulation": {"nkk": {"number": 9}}}},
         "body.circulation.nkk: must be the name of patrols that circulate in some tissue, got nk (did you mean nk?)"),
        ({"tissues": {"skin": {"patrols": {"t_cell": STILL}}}},
         "tissues.skin.patrols.t_cell.circulates: must have body.circulation.t_cell, got none"),
        ({"tissues": {"bone": {"patrols": {"nk": {"circulates": True}}}}},
         "tissues.bone.patrols.nk: circulates needs recruitment: who comes from the blood, got none"),
        ({"body": {"circulation": {"nk": {"number": 0}}}}, "body.circulation.nk.number: must be more than 0 cells"),
    ],
)  # fmt: skip
def test_what_cannot_be(change: Tree, message: str) -> None:
    from_dict(TREE)
    with pytest.raises(ScenarioError) as error:
        from_dict(together(TREE, change))
    assert str(error.value).startswith(f"<scenario>: {message}")
    assert "\n" not in str(error.value)


def test_search_looks_at_patrols_that_circulate() -> None:
    walking = {"tissues": {"skin": {"shape": [40, 40], "patrols": {"nk": {"density": 0.5, "speed": 300}}}}}
    found = sim.search_law(from_dict(together(TREE, walking)), burdens=[20.0], kills=20)
    assert found["kills"].min() > 10
