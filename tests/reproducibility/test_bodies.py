"""Tissues that share blood: the same bits in both engines, after a checkpoint, and beside tissues that are cut off."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bodies import SENDING, body, disturb, means, organ, sources, steps
from scipy.linalg import expm
from worlds import assert_same, drug, effect, start, together

from sim.errors import ScenarioError
from sim.experiment.checkpoint import read_checkpoint, save_checkpoint
from sim.scenario.load import from_dict
from sim.scenario.places import organ_volume
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree
from sim.simulation import Simulation
from sim.tissue.attribution import BLOOD, BY, PAST

BUSY: Tree = {
    "initial": {"burden": 10}, "damage": {"baseline": 2}, "repair": {"rate": 1}, "clearance": {"max_rate": 20},
    "represents": 1e6,
}  # fmt: skip
TOUCHING: Tree = {"contact": {"hazard": 0.02}}
NK: Tree = {"speed": 200, "lifespan": 4, "circulates": True, "senescence_rate": 0.05,
            "recruitment": {"basal": 2, "max_rate": 0}}  # fmt: skip
POOL: Tree = {"body": {"circulation": {"nk": {"number": 2e5, "renewal": 3}}}}
APART: dict[str, Tree] = {  # no whole-body saturation, no patrols that circulate
    "skin": organ(BUSY, TOUCHING),
    "bone": organ(BUSY, TOUCHING, shape=(5, 4, 6)),
    "rest_of_body": organ(BUSY, {"well_mixed": True, "represents": 5e7}),
}
SHARING: Tree = {"skin": {"patrols": {"nk": NK}}, "bone": {"clearance": {"saturation": "body"}, "patrols": {"nk": NK}}}
TISSUES = together(APART, SHARING)
SASP: dict[str, Any] = {
    "induction": {"hill": {"max_rate": 0.3, "half_max": 5, "power": 2}}, "jams_immunity": {"half_max": 20},
    "ages_immunity": {"max_rate": 0.1, "half_max": 3}, "affinity": {"cell": 1}, "capture": 300,
    "cargo": {"memory": 2, "response": {"linear": {"rate": 0.05}}},
}  # fmt: skip
EXCHANGE: Tree = {"leak": 150, "half_life": 0.5, "tropism": {"bone": 3}}
MUTING = drug(
    effect("neutralise", 3, time_constant=1), effect("block_uptake", 0.9), effect("kill_senescent", 0.1), amount=20
)
ALL = together(MUTING, {"body": {"fluctuation": 1, "systemic_share": 0.5}, "record": {"attribution": True}})


def busy(*changes: Tree, blood: Tree | None = EXCHANGE) -> Settings:
    return body(TISSUES, ALL, POOL, *changes, blood=blood, **SASP)


def assert_same_body(one: Simulation, other: Simulation) -> None:
    for name, patch in one.patches.items():
        assert_same(patch, other.patches[name])
        np.testing.assert_equal(one.attributions[name].state(), other.attributions[name].state())
    np.testing.assert_equal(one.body.state(), other.body.state())


# --------------------------------------------------------------------------------------------------- the same bits


def test_both_engines_and_any_number_of_threads_give_the_same_bits() -> None:
    whole = steps(start(busy()), 16)
    assert all(patch.cum[2:].sum() > 40 for patch in whole.patches.values())
    assert 0 < whole.body.pools["nk"].cells < 2e5
    assert_same_body(whole, steps(start(busy(), engine="agents"), 16))
    assert_same_body(whole, steps(start(busy(), threads=3), 16))


def test_it_goes_on_from_a_file(tmp_path: Path) -> None:
    whole, half = steps(start(busy()), 20), start(busy())
    for stop in (0, 7, 13):
        steps(half, stop - half.step_index)
        kept = read_checkpoint(save_checkpoint(half, tmp_path / f"{stop}.npz"))
        assert_same_body(whole, steps(kept.simulation(engine="agents" if stop == 7 else "compiled"), 20 - stop))


def test_a_past_without_blood_or_pool_goes_on_with_one_and_back(tmp_path: Path) -> None:
    """A plasma begins empty, a pool full; checkpoints of before have no body at all."""
    apart = {name: {"patrols": {"nk": {"circulates": False}}} for name in ("skin", "bone")}
    before = body(together(TISSUES, apart), ALL, **SASP)
    past = steps(start(before), 5)
    assert "body" not in past.state()
    kept = read_checkpoint(save_checkpoint(past, tmp_path / "past.npz"))
    assert_same_body(steps(kept.simulation(), 4), steps(past, 4))
    joined = kept.simulation(busy())
    assert joined.body.blood["SASP"].level == 0.0
    assert joined.body.pools["nk"].cells == 2e5
    steps(joined, 4)
    assert joined.body.blood["SASP"].level > 0.0
    kept = read_checkpoint(save_checkpoint(joined, tmp_path / "joined.npz"))
    assert not steps(kept.simulation(before), 2).body.blood


# -------------------------------------------------------------------------------------------- tissues that are cut off


@pytest.mark.parametrize("others", [{"leak_by_tissue": {"bone": 0, "rest_of_body": 0}}, None])
def test_a_tissue_that_is_not_connected_changes_no_bit_of_another(others: Tree | None) -> None:
    skin, more = APART["skin"], {name: each for name, each in APART.items() if name != "skin"}
    blood = None if others is None else {"leak": 150, "half_life": 0.5}
    changes = [MUTING, {"record": {"attribution": True}}]
    alone = steps(start(body({"skin": skin}, *changes, blood=blood, **SASP)), 15)
    joined = blood if blood is None else {**blood, **(others or {})}
    beside = steps(start(body({**more, "skin": skin}, *changes, blood=joined, **SASP)), 15)
    assert_same(alone.patches["skin"], beside.patches["skin"])
    assert alone.patches["skin"].capacity == beside.patches["skin"].capacity
    np.testing.assert_equal(alone.body.state(), beside.body.state())
    np.testing.assert_equal(alone.attributions["skin"].state(), beside.attributions["skin"].state())
    assert alone.patches["skin"].cum[2:].sum() > 40


def test_a_tissue_that_is_cut_off_is_as_it_would_be_without_blood() -> None:
    """But for its immune cells where a factor ages them: these come from the blood."""
    acts = {key: value for key, value in SASP.items() if key != "ages_immunity"}
    tissues = {"skin": organ(BUSY), "bone": organ(BUSY)}
    cut = steps(start(body(tissues, blood={**EXCHANGE, "leak_by_tissue": {"bone": 0}}, **acts)), 12)
    never = steps(start(body(tissues, **acts)), 12)
    assert_same(cut.patches["bone"], never.patches["bone"])
    assert not np.array_equal(cut.patches["skin"].levels, never.patches["skin"].levels)


# ----------------------------------------------------------------------------------------------- drugs in the blood


def given(kind: str, emax: float, *changes: Tree, **how: Any) -> Settings:
    """A quiet skin, and one bolus of 10 with a half-life of 2 d."""
    about = drug(effect(kind, emax), **how)
    about["treatments"]["course"].pop("interval")
    return body({"bone": organ(), "skin": organ(SENDING)}, about, *changes, blood={"leak": 2, "half_life": 4},
                reach=None, decay_rate=0.4, affinity={"cell": 1}, capture=0.6)  # fmt: skip


def test_a_drug_that_neutralises_a_factor_does_so_in_the_plasma() -> None:
    """Its mean effect over a step has a closed form: a concentration of 10 halves every 2 d, half of it acts at 5."""
    simulation, rate = start(given("neutralise", 3)), math.log(2) / 2
    for n in range(1, 12):
        simulation.step()
        before, after = (10 * math.exp(-rate * t) for t in (simulation.day - 0.5, simulation.day))
        expected = 3 * math.log((5 + before) / (5 + after)) / (rate * 0.5)
        assert simulation.dosing.in_plasma["SASP"] == pytest.approx(expected, rel=1e-6), n


@pytest.mark.parametrize(("kind", "emax"), [("neutralise", 3), ("block_uptake", 1)])
def test_levels_are_exact_while_drugs_change_what_is_lost(kind: str, emax: float) -> None:
    """Against a matrix exponential per step, with the losses of that step."""
    simulation = start(given(kind, emax))
    given_off = sources(simulation)
    simulation = start(given(kind, emax))
    exchange, seen = simulation.body.blood["SASP"]._exchange, set()
    expected = means(simulation)
    for _ in range(10):
        simulation.step()
        losses = [patch.loss(0) for patch in simulation.patches.values()]
        plasma = math.log(2) / 4 * (1 + simulation.dosing.in_plasma["SASP"])
        leaving = exchange.rates.sum(axis=0) + np.array([*losses, plasma])
        matrix = (exchange.rates - np.diag(leaving)) * exchange.volumes / exchange.volumes[:, None]
        rest = -np.linalg.solve(matrix, given_off)
        expected = rest + expm(matrix * 0.5) @ (expected - rest)
        np.testing.assert_allclose(means(simulation), expected, rtol=1e-10)
        seen.add(tuple(losses))
    assert len(seen) > 5


LIMITS: dict[str, Tree] = {
    "topical": {
        "drugs": {"drug": {"route": "topical", "penetration_depth": 50}},
        "treatments": {"course": {"tissues": ["skin"]}},
    },
    "applied": {"treatments": {"course": {"tissues": ["skin"]}}},
    "limited": {"drugs": {"drug": {"effects": {"neutralise": {"by_tissue": {"skin": 1, "others": 0}}}}}},
}


@pytest.mark.parametrize("limit", LIMITS)
def test_what_acts_on_tissues_only_does_not_act_in_the_plasma(limit: str) -> None:
    simulation = steps(start(given("neutralise", 3, LIMITS[limit])), 3)
    assert simulation.patches["skin"].acting.neutralised[0] > 1
    assert simulation.dosing.in_plasma == {"SASP": 0.0}


def test_immune_cells_age_by_the_plasma_level_in_all_tissues() -> None:
    """Capacity begins at rest with the plasma level, C = 1 / (1 + loss recovery), and falls where that rises."""
    ages = {"ages_immunity": {"max_rate": 0.2, "half_max": 0.001, "power": 1}}
    tissues = {"skin": organ(SENDING, {"clearance": {"recovery": 10}}), "bone": organ({"clearance": {"recovery": 10}})}
    simulation = start(body(tissues, blood={"leak": 50, "half_life": 1}, **ages))
    level = simulation.body.blood["SASP"].level
    for patch in simulation.patches.values():
        assert patch.capacity == pytest.approx(1 / (1 + 10 * 0.2 * level / (level + 0.001)))
    assert patch.capacity < 0.9
    begun = patch.capacity
    disturb(simulation, 0.0, 0.0, 1e6)
    steps(simulation, 2)
    assert simulation.patches["skin"].capacity == simulation.patches["bone"].capacity < begun


# ------------------------------------------------------------------------------------------------------ attribution


def attributed(leak_of_bone: float, *changes: Tree, **more: Any) -> Simulation:
    """A skin that sends and a bone that only receives."""
    acts = {"induction": {"linear": {"rate": 2.0}}, "secretion": {"secondary": 0}}
    blood = {"leak": 100, "half_life": "forever", "leak_by_tissue": {"bone": leak_of_bone}}
    on = {"record": {"attribution": True}}
    return start(body({"skin": organ(SENDING), "bone": organ()}, on, *changes, blood=blood, **{**acts, **more}))


def test_all_that_turn_in_a_tissue_that_only_receives_are_due_to_blood() -> None:
    simulation = steps(attributed(1.0), 15)
    bone = simulation.attributions["bone"]
    assert bone.totals[0, BLOOD] == pytest.approx(bone.totals.sum(), rel=1e-5)
    assert bone.totals.sum() == simulation.patches["bone"].cum[bone.codes].sum() > 5
    skin = simulation.attributions["skin"].totals[0]
    assert 0 < skin[BLOOD] < 0.1 * skin[BY]  # what comes back to the sender


def test_without_connection_nothing_is_due_to_blood() -> None:
    simulation = steps(attributed(0.0), 15)
    assert simulation.patches["bone"].cum[2:].sum() == 0
    never = steps(start(body({"skin": organ(SENDING)}, {"record": {"attribution": True}},
                             induction={"linear": {"rate": 0.05}})), 15)  # fmt: skip
    assert never.attributions["skin"].totals[0, BY] > 5
    assert never.attributions["skin"].totals[0, BLOOD] == 0.0


def test_all_parts_sum_to_the_cells_that_turned_with_blood() -> None:
    simulation = start(busy())
    for _ in range(20):
        simulation.step()
        for name, each in simulation.attributions.items():
            np.testing.assert_allclose(each.totals.sum(axis=1), simulation.patches[name].cum[each.codes], atol=1e-9)
            assert (each.totals >= 0).all()
    for name in ("skin", "bone", "rest_of_body"):
        books = simulation.attributions[name]
        rows = books.totals[[books.causes.index(cause) for cause in ("SASP", "SASP_cargo")]]
        assert (rows[:, BLOOD] > 0).all(), name
        assert rows[:, PAST].sum() < 0.5 * rows.sum()


# ----------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tissues": {"skin": {"boundary": "absorbing"}}}, "factors.SASP.blood: must not reach tissue skin with abs"),
        ({"generations": "tracked"}, "factors.SASP.blood: must not be with generations: tracked"),
        ({"factors": {"SASP": {"blood": {"tropism": {"bon": 1}}}}}, r"tropism: must be one of skin, bone, got 'bon'"),
        ({"factors": {"SASP": {"blood": {"half_life": 0}}}}, "factors.SASP.blood.half_life: must be more than 0 d"),
    ],
)  # fmt: skip
def test_what_cannot_be(change: Tree, message: str) -> None:
    tree = {"days": 5, "tissues": {"skin": {"shape": [9, 9]}, "bone": {"shape": [9, 9]}},
            "factors": {"SASP": {"reach": 30, "blood": {}}}}  # fmt: skip
    from_dict(tree)
    with pytest.raises(ScenarioError, match=message) as error:
        from_dict(together(tree, change))
    assert "\n" not in str(error.value)


def test_a_file_of_cells_has_a_volume(tmp_path: Path) -> None:
    """It is known how many cells it holds: grafts are counted in cells, and blood knows how much tissue there is."""
    table = tmp_path / "cells.csv"
    table.write_text("x,y\n10,10\n20,20\n30,10\n")
    cloud = {"cells": {"file": str(table)}, "extent": [40, 40], "links": {"radius": 20}}
    tree = {"days": 5, "tissues": {"skin": {"cloud": cloud}}, "factors": {"SASP": {"reach": 30, "blood": {}}}}
    assert organ_volume(from_dict(tree).common.tissues["skin"]) == pytest.approx(3 * 15.0**3 / 1e9)
    with pytest.raises(ScenarioError, match=r"events\.graft\.n_cells: must be 1 to 3 of the cells of the patch"):
        from_dict({**tree, "events": {"graft": {"n_cells": 5}}})
    steps(start(from_dict(together(tree, {"tissues": {"skin": {"volume": 3}}})).common), 2)
