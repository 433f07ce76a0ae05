"""Share is not effect: which arm lacks what, read from scenarios, and tables with a share and a fall that are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from worlds import as_tree, factor, tissue, together, world

from sim.analysis.share_lines import lines_of_run, share_lines
from sim.analysis.shares import share_and_effect
from sim.analysis.switches import acting, arms_without, complete_arm, control_of
from sim.errors import ResultsError
from sim.results import Results
from sim.scenario.load import from_dict
from sim.scenario.trees import Tree

OFF: dict[str, Tree] = {
    "rate": {"factors": {"SASP": {"induction": {"linear": {"rate": 0}}}}},
    "left_out": {"factors": {"SASP": {"induction": None}}},
    "silent": {"factors": {"SASP": {"secretion": {"strength": 0}}}},
    "gone": {"factors": {"SASP": None}},
}
NO_DRIFT: dict[str, Tree] = {
    "rate": {"factors": {"drift": {"cargo": {"response": {"hill": {"max_rate": 0}}}}}},
    "not_taken_up": {"factors": {"drift": {"affinity": {"cell": 0}}}},
    "left_out": {"factors": {"drift": {"cargo": None}}},
    "gone": {"factors": {"drift": None}},
}


def tree_of(arms: dict[str, Tree]) -> Tree:
    both = together(
        factor(reach=30, induction={"linear": {"rate": 0.002}}, jams_immunity={}),
        factor("drift", reach=30, affinity={"cell": 1}, cargo={"response": {"hill": {"max_rate": 0.05}}}),
        tissue(contact={"hazard": 0.01}, clearance={"max_rate": 0.3}),
    )
    return {**as_tree(world(both, days=20)), "arms": arms}


def tables(arms: dict[str, Tree], rows: list[dict[str, object]] = []) -> Results:  # noqa: B006
    manifest = {"scenario": "x", "arms": list(arms), "tissues": ["patch"], "factors": ["SASP", "drift"], "runs": []}
    table = pd.DataFrame([{"tissue": "patch", **row} for row in rows])
    return Results(manifest, tree_of(arms), table, pd.DataFrame(), pd.DataFrame(), {})


@pytest.mark.parametrize("how", OFF)
@pytest.mark.parametrize("how_drift", NO_DRIFT)
def test_what_an_arm_lacks_is_read_from_its_settings(how: str, how_drift: str) -> None:
    arms = {"all": {}, "no_SASP": OFF[how], "no_drift": NO_DRIFT[how_drift],
            "neither": together(OFF[how], NO_DRIFT[how_drift])}  # fmt: skip
    results = tables(arms)
    assert arms_without(results, "all") == {"SASP": "no_SASP", "drift": "no_drift", "SASP + drift": "neither"}
    assert complete_arm(results) == "all"
    assert arms_without(results, "no_drift") == {"SASP": "neither"}


def test_arms_that_differ_in_other_ways_tell_nothing() -> None:
    old = {"age_at_start": 600}
    quiet = tissue(contact={"hazard": 0})
    arms = {"all": {}, "old": old, "old_no_SASP": together(old, OFF["rate"]), "quiet": quiet,
            "jammed": together(quiet, factor(jams_immunity={"half_max": 5}))}  # fmt: skip
    results = tables(arms)
    assert arms_without(results, "all") == {"contact": "quiet"}
    assert arms_without(results, "old") == {"SASP": "old_no_SASP"}
    assert complete_arm(tables({"young": {}, "old": old})) is None
    assert control_of(results, "old", "pulse") is None
    assert set(acting(from_dict(tree_of(arms)).arms["quiet"])) == {("SASP", "induction"), ("drift", "cargo")}
    assert arms_without(Results(results.manifest, {}, pd.DataFrame(), pd.DataFrame(), pd.DataFrame()), "all") == {}


def saturated() -> Results:
    """Four pairs; SASP turned 18 %, and 30 % of those there now; without it the burden halves, to the last digit."""
    arms = {"all": {}, "no_SASP": OFF["rate"], "neither": together(OFF["rate"], NO_DRIFT["gone"])}
    rows: list[dict[str, object]] = []
    for r in range(4):
        size = 1 + r
        for arm, burden in (("all", 2.0 * size), ("no_SASP", 1.0 * size), ("neither", 0.5 * size)):
            sasp, drift = (18 * size, 2 * size) if arm == "all" else (0, 0)
            for day, part in ((0.0, 0), (10.0, 1), (20.0, 3)):
                cells = {
                    "new_damage": 80 * size * (day > 0),
                    "new_SASP": sasp * (day > 0),
                    "new_drift": drift * (day > 0),
                }
                due = {"due_to_damage": 7 * size, "due_to_SASP": 3 * size, "due_to_drift": 0, "n_senescent": 10 * size}
                rows.append({"arm": arm, "replicate": r, "day": day, "burden": burden * part / 3, **cells, **due}
                            | {name.replace("new", "cum"): 0 for name in cells})  # fmt: skip
    return tables(arms, rows)


def test_share_beside_effect_and_what_lies_between() -> None:
    table = share_and_effect(saturated())
    assert list(table["cause"]) == ["damage", "SASP", "drift", "SASP + drift"]
    rows = table.set_index("cause")
    assert_allclose(rows["share"], [80, 18, 2, 20])
    assert_allclose(rows["share_low"], [80, 18, 2, 20])  # the same in all replicates
    assert_allclose(rows["present"], [70, 30, 0, 30])
    assert rows["without"].to_dict()["SASP + drift"] == "neither"
    assert rows["pairs"].tolist() == [0, 4, 0, 4]
    assert rows.loc["SASP", ["burden", "burden_without", "fall"]].tolist() == [5.0, 2.5, 2.5]
    assert rows.loc["SASP", "fall_low"] == pytest.approx(2.5 - 3.18244631 * np.std([1, 2, 3, 4], ddof=1) / 2)
    assert_allclose(rows.loc["SASP", ["effect", "effect_low", "effect_high"]].to_numpy(float), 50.0)
    assert rows.loc["SASP", "amplification"] == pytest.approx(50 / 18)
    assert rows.loc["SASP + drift", "amplification"] == pytest.approx(75 / 20)
    assert np.isnan(rows.loc["damage", "effect"])
    assert rows[["standing", "past"]].isna().all(axis=None)
    assert (rows["day"] == 20.0).all()


def test_on_a_day_of_ones_choice() -> None:
    results = saturated()
    rows = share_and_effect(results, "all", day=12.0).set_index("cause")
    assert rows.loc["SASP", ["day", "fall"]].tolist() == [10.0, pytest.approx(2.5 / 3)]
    assert_allclose(rows["share"], [80, 18, 2, 20])
    only = share_and_effect(results, "all", {"SASP": "no_SASP"}, day=20.0)
    assert list(only["cause"]) == ["damage", "SASP", "drift"]


def test_lines_for_people() -> None:
    lines = list(lines_of_run(saturated()))
    assert lines[0].startswith("all, day 20")
    assert "by standing" not in lines[0]
    assert next(line for line in lines if line.startswith("  SASP ")).split()[1:5] == ["18.00", "30.00", "5.00", "2.50"]
    assert lines[-2].startswith("share is not effect: effect / share is above 1, for removal saturates")
    plain = tables({"one": {}, "two": {"age_at_start": 9}}, [{"arm": "one", "replicate": 0, "day": 0.0, "burden": 1.0}])
    assert list(lines_of_run(plain)) == []
    assert "below 1" not in lines[-2]
    alone = share_and_effect(saturated(), "no_SASP", {})
    assert not any(line.startswith("share is not") for line in share_lines(alone))


def test_mistakes() -> None:
    results = saturated()
    with pytest.raises(ResultsError, match="baseline: must be one of all, no_SASP, neither, got al "):
        share_and_effect(results, "al")
    with pytest.raises(ResultsError, match="day: must be a day from 0 d on, got -1 d"):
        share_and_effect(results, day=-1.0)
    lonely = tables({"one": {}}, [{"arm": "one", "replicate": 0, "day": 0.0, "burden": 1.0}])
    with pytest.raises(
        ResultsError, match="must have arms that are the same but for an induction that is off, got one"
    ):
        share_and_effect(lonely)
