"""What `explain` says of a body is true: reach through blood, shares of tissues, grafts by cells, whose burden."""

from __future__ import annotations

import re
from typing import Any

import pytest
from bodies import SENDING, body, means, organ
from worlds import start, together

from sim.explain import explain
from sim.scenario.ledger import assumed
from sim.scenario.load import from_dict
from sim.scenario.trees import Tree

TREE: Tree = {
    "days": 9,
    "tissues": {
        "skin": {"shape": [20, 20], "represents": 4e6, "clearance": {"saturation": "body"}},
        "muscle": {"shape": [10, 10], "represents": 1e6, "volume": 50},
        "rest_of_body": {"shape": [10, 20], "represents": 15e6, "well_mixed": True},
    },
    "factors": {
        "SASP": {
            "reach": 100,
            "induction": {"hill": {}},
            "blood": {"leak": 20, "half_life": "1 h", "tropism": {"muscle": 2},
                      "leak_by_tissue": {"rest_of_body": 0.5}},
        }
    },
}  # fmt: skip


def words(*changes: Tree) -> str:
    return " ".join(explain(from_dict(together(TREE, *changes))).split())


def test_blood_is_told_with_where_its_numbers_come_from() -> None:
    told = words()
    assert "Blood, 1800 mm^3 (from memory: 70 to 80 ml per kg of a mouse of 25 g, assumed)." in told
    assert "skin of 13.5 mm^3, muscle of 50 mm^3 (assumed) and rest_of_body of 50.625 mm^3." in told
    assert "it leaks out of tissues at 20 per day (assumed), times 0.5 in rest_of_body (assumed);" in told
    assert "half of it is gone from the plasma after 1 h (assumed)" in told
    assert "by exchange alone a plasma level of 1 balances one of 2 in muscle (assumed)." in told
    assert "what leaks into the blood, and what the blood brings, is left out." in told
    assert "if nothing leaked into the blood." in told
    assert "none of it is lost in the plasma" in words({"factors": {"SASP": {"blood": {"half_life": "forever"}}}})


def test_reach_is_what_a_simulation_starts_with() -> None:
    """A level of 1 in one tissue alone; the others and the plasma in proportion to those of the first state."""
    blood = {"leak": 60, "half_life": 0.3, "tropism": {"bone": 2.5}}
    tissues = {"skin": organ(SENDING, {"volume": 700}), "bone": organ({"volume": 40}), "brain": organ({"volume": 3e3})}
    settings = body(tissues, blood=blood)
    skin, bone, brain, plasma = means(start(settings)).tolist()
    tree = settings.model_dump(exclude_unset=True)
    told = explain(from_dict(tree))
    _, leaks, _, *found = next(line for line in told.splitlines() if line.startswith("    skin")).split()
    assert [float(each) for each in found] == pytest.approx([plasma / skin, 1.0, bone / skin, brain / skin], rel=0.05)
    own = settings.factors["SASP"].own_decay
    assert float(leaks) == pytest.approx(100 * 60 / (60 + own), rel=0.05)


def test_tissues_that_are_cut_off_are_not_in_the_table() -> None:
    told = explain(from_dict(together(TREE, {"factors": {"SASP": {"blood": {"leak_by_tissue": {"muscle": 0}}}}})))
    header = next(line for line in told.splitlines() if line.startswith("    from"))
    assert header.split() == ["from", "leaks", "plasma", "skin", "rest_of_body"]
    nobody = words({"factors": {"SASP": {"blood": {"leak": 0}}}})
    assert "Reach through blood" not in nobody
    assert "tissues that it reaches: none." in nobody


def test_the_body_and_whose_burden_saturates_removal() -> None:
    told = words({"body": {"fluctuation": 0.1, "systemic_share": 0.4}})
    assert "count by the cells that they stand for: skin 20 %, muscle 5 % and rest_of_body 75 % (assumed)." in told
    assert "40 % of it in all tissues alike (assumed), the rest in each by its own luck" in told
    assert "in skin the common part follows the burden of the body, not that of the tissue." in told
    assert "in the whole body, whose tissues share their immune cells" in told
    assert "stirred: every cell meets every other, a sample of 1.5e+07 cells of the organ (assumed)" in told
    stirred = re.search(r"Tissue rest_of_body.*?Repair", told)
    assert stirred is not None
    assert "in the whole tissue (docs" in stirred.group()
    assert "SASP in rest_of_body: sqrt" not in told
    assert "SASP in skin: sqrt" in told


@pytest.mark.parametrize(("count", "seen"), [(1e5, "1e+05 cells of the organ, 10 sites here"),
                                             (1e4, "1e+04 cells of the organ, 1 site here")])  # fmt: skip
def test_a_graft_by_its_number_of_cells(count: float, seen: str) -> None:
    events: dict[str, Any] = {"graft": {"tissue": "skin", "n_cells": count, "day": 2}}
    assert f"({seen}) around the centre of skin" in words({"events": events})
    simulation = start(from_dict(together(TREE, {"events": events}, {"dt": 1})).common)
    for _ in range(3):
        simulation.step()
    assert [size for name, _, size in simulation.patches["skin"].happened if name == "graft"] == [round(count / 1e4)]


def test_what_does_not_act_is_not_told_as_assumed() -> None:
    alone = from_dict({"days": 5, "tissues": {"skin": {"shape": [9, 9]}}})
    assert not [row for row in assumed(alone) if row.path.startswith("body")]
    joined = {row.path for row in assumed(from_dict(together(TREE, {"body": {"fluctuation": 0.1}})))}
    assert {"body.blood_volume", "body.systemic_share", "factors.SASP.blood.leak"} <= joined
    assert "Blood" not in explain(alone)
