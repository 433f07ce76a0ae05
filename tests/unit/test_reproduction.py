"""The reproduction number of senescence: of worlds with known hazards, of tables by hand, and before anything runs."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from worlds import as_tree, event, factor, tissue, together, world

import sim
from sim.analysis.reproduction import jackknife_interval, over, reproduction, secondaries_by_site
from sim.analysis.shares import share_and_effect
from sim.errors import ResultsError, ScenarioError
from sim.experiment.attribute import attribute, experiment_without, switched_off
from sim.explain.reproduction import crossings, reproduction_number, threshold_words
from sim.results import Results
from sim.scenario.load import from_dict
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree

ON = {"record": {"attribution": True, "every": 0.1}}
EQUAL = {"ramp": 0, "secondary": 1}
DIES = 0.2  # 1/d


def spreading(rate: float) -> Settings:
    """Every senescent cell turns healthy ones at the same rate, wherever they are, and dies at a constant one."""
    room = factor(
        "room",
        transport="well_mixed",
        decay_rate="200 1/d",
        secretion=EQUAL,
        induction={"linear": {"rate": rate / 100}},
    )
    there = tissue(initial={"burden": 1}, clearance={"own_death": DIES})
    return world(room, there, ON, shape=(100, 100), days=8, dt=0.1)


# ------------------------------------------------------------------------------------------- worlds with a known answer


@pytest.mark.parametrize("expected", [0.6, 1.0, 1.5], ids=["dies out", "critical", "spreads"])
def test_a_branching_process(expected: float) -> None:
    r"""R = b (H / N) / d, with b the rate of a cell, d that of its death, and H / N the healthy share.

    Cells turn at the end of a step of dt: b dt H / N against 1 - exp(-d dt) per step. Both counts are sums of rare
    events: the relative standard error of their ratio is sqrt(1 / turned + 1 / removed).
    """
    settings = spreading(expected * DIES)
    results = sim.run(from_dict(as_tree(settings)), replicates=6, seed=3)
    rows, dt = results.timeseries, settings.dt
    healthy = float((rows["n_healthy"] * rows["n_senescent"]).sum() / rows["n_senescent"].sum()) / 10_000
    known = expected * DIES * dt * healthy / -math.expm1(-DIES * dt)
    table = reproduction(results, window=8.0).set_index("cause")
    assert list(table.index) == ["room", "all"]
    found = table.loc["all"]
    error = known * math.sqrt((1 / found["secondaries"] + 1 / found["removals"]) / found["n"])
    assert found["r"] == pytest.approx(known, abs=4 * error)
    assert error < 0.1 * known
    assert found["low"] < found["r"] < found["high"]
    assert found["past"] < 1e-6  # the room settles within a step
    assert found["residence"] == pytest.approx(1 / DIES, rel=4 / math.sqrt(found["removals"] * found["n"]) + dt * DIES)
    assert_allclose(table.loc["room", "r"], found["r"])


def test_contact_alone() -> None:
    """Single senescent cells amid healthy ones: 8 neighbours at the hazard each, against their death."""
    places = [[x, y] for x in range(35, 600, 60) for y in range(35, 600, 60)]
    grafts = together(*(event(f"e{i}", at=at, radius=1) for i, at in enumerate(places)))
    settings = world(
        grafts, tissue(contact={"hazard": 0.03}, clearance={"own_death": 0.2}), ON, shape=(60, 60), days=0.5, dt=0.05
    )
    results = sim.run(from_dict(as_tree(settings)), replicates=4, seed=2)
    row = reproduction(results).query("cause == 'contact'")
    r = row["secondaries"].sum() / row["removals"].sum()
    n = 4 * np.array([row["secondaries"].sum(), row["removals"].sum()])
    assert r == pytest.approx(8 * 0.03 / 0.2, rel=4 * math.sqrt((1 / n).sum()) + 0.03)  # few have turned by then


# ------------------------------------------------------------------------------------------------------ tables by hand


def made(counts: list[tuple[int, float, int, float, float, int]]) -> Results:
    """Rows: replicate, day, senescent, by, past, new by damage."""
    rows = [
        {"arm": "one", "replicate": r, "tissue": "skin", "day": day, "n_healthy": 90, "n_senescent": n, "n_cleared": 0,
         "n_scarred": 0, "burden": 1.0, "new_damage": damage, "cum_damage": 0, "new_SASP": round(by + past),
         "cum_SASP": 0, "by_SASP": by, "past_SASP": past, "initial_SASP": 0.0, "blood_SASP": 0.0}
        for r, day, n, by, past, damage in counts
    ]  # fmt: skip
    manifest = {"scenario": "x", "arms": ["one"], "tissues": ["skin"], "factors": ["SASP"], "runs": []}
    return Results(manifest, {}, pd.DataFrame(rows), pd.DataFrame(), pd.DataFrame(), {})


def test_secondary_cells_over_removals_by_the_balance() -> None:
    """Between days 0 and 2: 4 + 3 turned by SASP (1 of them by the past), 2 by damage; 10 -> 12 leaves 7 removed."""
    results = made([(0, 0.0, 10, 5.0, 0.0, 5), (0, 1.0, 12, 3.5, 0.5, 1), (0, 2.0, 12, 2.5, 0.5, 1)])
    whole = reproduction(results, window=2.0)
    assert list(whole["cause"]) == ["SASP", "all"]
    row = whole.iloc[0]
    assert (row["start"], row["day"], row["n"], row["secondaries"], row["removals"]) == (0.0, 2.0, 1, 7.0, 7.0)
    assert row["r"] == 1.0
    assert row["past"] == pytest.approx(1 / 7)
    assert row["residence"] == pytest.approx((11 + 12) / 7)
    assert math.isnan(row["low"])
    by_day = reproduction(results, window=1.0).query("cause == 'all'")
    assert_allclose(by_day["r"], [4 / 3, 3 / 4])
    assert_allclose(by_day["day"], [1.0, 2.0])


def test_replicates_are_a_ratio_of_means_with_a_jackknife() -> None:
    above, below = np.array([3.0, 5.0, 4.0]), np.array([4.0, 4.0, 8.0])
    low, high = jackknife_interval(above, below)
    without = np.array([9 / 12, 7 / 12, 8 / 8])
    se = math.sqrt(2 / 3 * ((without - without.mean()) ** 2).sum())
    assert_allclose([low, high], [max(0.0, 0.75 - 4.30265273 * se), 0.75 + 4.30265273 * se])
    assert np.isnan(jackknife_interval(above[:1], below[:1])).all()
    assert np.isnan(jackknife_interval(above, np.array([0.0, 0.0, 8.0]))).all()
    low, high = jackknife_interval(3 * below, below)
    assert_allclose([low, high], 3.0)  # what does not vary has no width
    assert over(0.0, 0.0) != over(0.0, 0.0)
    assert over(2.0, 0.0) == math.inf


def test_mistakes() -> None:
    results = made([(0, 0.0, 1, 0.0, 0.0, 0), (0, 1.0, 1, 0.0, 0.0, 0)])
    assert reproduction(results)["r"].isna().all()
    with pytest.raises(ResultsError, match="window: must be more than 0 d, got 0 d"):
        reproduction(results, window=0.0)
    with pytest.raises(ResultsError, match="must hold secondaries of arm one"):
        secondaries_by_site(results, "one")
    results.timeseries = results.timeseries.filter(regex="^(?!by_)")
    with pytest.raises(ResultsError, match=r"record\.attribution: true, got none"):
        reproduction(results)


def test_the_map_is_what_came_between_its_days() -> None:
    tree = as_tree(spreading(0.4))
    record = {"attribution": True, "maps": ["secondaries"], "days": [0, 2, 4]}
    results = sim.run(from_dict({**tree, "days": 4, "record": record}), replicates=2)
    days, cells = secondaries_by_site(results, "control")
    assert_allclose(days, [0, 2, 4])
    assert cells.shape == (3, 100, 100)
    rows = results.timeseries
    short = dict(results.maps("control", 0, "patch"))
    days_of = short["days"] < 3
    cut = {key: each[days_of] if key in ("days", "secondaries") else each for key, each in short.items()}
    maps = {("control", 0, "patch"): cut, ("control", 1, "patch"): results.maps("control", 1, "patch")}
    both = Results(results.manifest, results.scenario, results.timeseries, results.events, results.sites, maps)
    fewer, mean = secondaries_by_site(both, "control")  # of both replicates, though the first stopped early
    assert_allclose(fewer, [0, 2])
    assert_allclose(mean, cells[:2])
    for day, layer in zip(days, cells, strict=True):
        came = rows[(rows["day"] <= day + 1e-9) & (rows["day"] > day - 2 + 1e-9)]
        assert layer.sum() == pytest.approx(came["by_room"].sum() / 2, rel=1e-4, abs=1e-4)


# --------------------------------------------------------------------------------------------------- share and effect


def two_channels() -> Tree:
    both = together(
        factor(reach=30, affinity={"cell": 1}, induction={"linear": {"rate": 0.002}}),
        factor(cargo={"response": {"hill": {"max_rate": 0.05, "half_max": 20}}}),
        factor("ligand", reach=20, induction={"poisson_tail": {"threshold": 3, "rate": 0.2}}),
        tissue(contact={"hazard": 0.01}, damage={"baseline": 0.2}, clearance={"own_death": 0.05}),
        event(radius=35),
    )
    arms = {"control": {"events": {"graft": None}}, "graft": {}}
    return {**as_tree(world(both, shape=(16, 16), days=20)), "arms": arms, "replicates": 2}


def test_share_beside_effect() -> None:
    table, results = attribute(from_dict(two_channels()))
    assert results.arms == ["graft", *(f"graft_without_{name}" for name in ("contact", "SASP", "SASP_cargo", "ligand"))]
    assert list(table["cause"]) == ["damage", "contact", "SASP", "SASP_cargo", "ligand"]
    assert table["share"].sum() == pytest.approx(100.0)
    shares = table.set_index("cause")
    assert shares["pairs"].to_dict() == {name: 0 if name == "damage" else 2 for name in shares.index}
    lost = results.timeseries.query("not (arm == 'graft_without_SASP' and replicate == 1)")
    fewer = Results(results.manifest, results.scenario, lost, results.events, results.sites, {})
    again = share_and_effect(fewer, "graft", {"SASP": "graft_without_SASP"}).set_index("cause")
    assert (again.loc["SASP", "n"], again.loc["SASP", "pairs"]) == (2, 1)
    with_senders = shares.drop(index="damage")
    assert_allclose(with_senders["standing"] + with_senders["past"], with_senders["share"], atol=1e-9)
    assert math.isnan(shares.loc["damage", "fall"])
    last = results.timeseries.sort_values("day").groupby(["arm", "replicate"]).last()["burden"]
    for cause, row in with_senders.iterrows():
        falls = last["graft"] - last[f"graft_without_{cause}"]
        assert row["fall"] == pytest.approx(falls.mean())
        assert row["fall_low"] <= row["fall"] <= row["fall_high"]
        other = results.timeseries.query("arm == @name", local_dict={"name": f"graft_without_{cause}"})
        assert other[f"new_{cause}"].sum() == 0  # switched off, and nothing else
        assert (other.drop(columns=[f"new_{cause}"]).filter(like="new_damage").sum() > 0).all()


def test_a_cause_that_never_acts_is_not_missed() -> None:
    """The luck is shared to the bit: a factor without cells near it changes nothing when it is switched off."""
    tree = two_channels()
    tree["factors"]["ligand"]["secretion"] = {"strength": 0}
    table, results = attribute(from_dict(tree), "control", replicates=1)
    assert table.set_index("cause").loc["ligand", ["share", "fall"]].tolist() == [0.0, 0.0]
    rows = results.timeseries.set_index("arm")
    one, other = (rows.loc[name].reset_index(drop=True) for name in ("control", "control_without_ligand"))
    pd.testing.assert_frame_equal(one, other)


def test_what_is_switched_off_and_what_cannot_be() -> None:
    scenario = from_dict(two_channels())
    assert list(switched_off(scenario.arms["graft"], scenario.parts)) == ["contact", "SASP", "SASP_cargo", "ligand"]
    experiment, without = experiment_without(scenario, "control")
    names = {arm: settings.factors for arm, settings in experiment.arms.items()}
    assert names[without["SASP"]]["SASP"].induction.linear.rate == 0.0
    assert names[without["SASP"]]["SASP"].cargo == names["control"]["SASP"].cargo
    assert not experiment.arms["control"].events
    with pytest.raises(ScenarioError, match=r"arms.grafd: unknown arm \(did you mean graft\?\)"):
        experiment_without(scenario, "grafd")
    quiet = from_dict(as_tree(world()))
    with pytest.raises(ScenarioError, match="must have a factor or contact that turns cells, got none"):
        experiment_without(quiet)
    empty = made([])
    with pytest.raises(ResultsError, match="must hold a finished run"):
        share_and_effect(empty, "one", {})


# ----------------------------------------------------------------------------------------------- before anything runs

KARIN = tissue(clearance={"max_rate": 0.274, "half_saturation": 1.1})
HILL = {"induction": {"hill": {"max_rate": 0.00213, "half_max": 10, "power": 2}}}
JAMS = {"jams_immunity": {"half_max": 20}}
LINEAR = {"induction": {"linear": {"rate": 0.002}}}
DEATH = tissue(clearance={"own_death": 0.1})


def number(settings: Settings, burden: float) -> float:
    return reproduction_number(settings, settings.tissues["patch"], burden)


def test_the_mean_field_by_hand() -> None:
    """At 10 %: 90 x 0.00213 x 100 / 200 / 10 turned per cell and day; 0.274 / 11.1 / 1.5 removed."""
    settings = world(factor(reach=100, **HILL, **JAMS), KARIN)
    assert number(settings, 10.0) == pytest.approx(0.009585 / (0.274 / 11.1 / 1.5), rel=1e-12)
    comes = {"attracts_immunity": {"half_max": 5, "basal": 0.4}}
    drawn = world(factor(reach=100, secretion={"strength": 2}, **LINEAR, **comes), KARIN, DEATH)
    removed = 0.1 + 0.274 / 11.1 * (0.4 + 0.6 * 20 / 25)
    assert number(drawn, 10.0) == pytest.approx(90 / 10 * 0.002 * 20 / removed, rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "known"),
    [
        ([factor(reach=100, **LINEAR)], 100 - 0.1 / 0.002),
        ([factor("c", reach=9, affinity={"cell": 2}, cargo={"memory": 3, "response": LINEAR["induction"]})],
         100 - 0.1 / (2 * 3 * 0.002)),
        ([tissue(contact={"hazard": 0.02})], 100 * (1 - 0.1 / (8 * 0.02))),
        ([tissue(contact={"hazard": 0.03}, maintenance=0.25, neighbourhood="von_neumann", shape=[6, 6, 6])],
         100 * (1 - 0.1 / (6 * 0.03 * 0.75))),
        ([factor(reach=100, **LINEAR), tissue(cell_types={"a": {"fraction": 0.2, "susceptibility": 0},
                                                          "b": {"fraction": 0.6}})],
         100 - 0.1 / (0.75 * 0.002)),
        ([factor(reach=100, **LINEAR), tissue(contact={"at_once": 0.5})],
         100 * (1 - (math.sqrt(1 + 4 * 4 * 0.1 / 0.2) - 1) / 8)),
    ],
    ids=["linear", "cargo", "contact", "contact in space", "types", "at once"],
)  # fmt: skip
def test_the_burden_at_which_a_cell_replaces_itself(changes: list[Tree], known: float) -> None:
    settings = world(*changes, DEATH)
    (found,) = crossings(lambda burden: number(settings, burden))
    assert found == pytest.approx(known, rel=1e-9)
    assert f"1 at a burden of {known:.3g} %" in threshold_words(settings)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([factor(reach=100, **HILL, **JAMS), KARIN], "1 at a burden of 18.5 % and 71.9 %; below 18.5 %"),
        ([factor(reach=100, **HILL), KARIN], "below 1 at any burden, at most 0.5"),
        ([factor(reach=100), KARIN], "0, for senescent cells turn nobody"),
        ([factor(reach=100, **LINEAR)], "without bound, for nothing removes"),
        (
            [factor(reach=100, **{"induction": {"linear": {"rate": 0.01}}}), DEATH],
            "10 from the first cells on, and 1 at a burden of 90 %",
        ),
        ([factor(decay_rate=0, **LINEAR), DEATH], "not told, because SASP has no level"),
        ([factor(transport="kernel", kernel={}, **LINEAR), DEATH], "not told, because SASP has no level"),
    ],
)
def test_in_words(changes: list[Tree], words: str) -> None:
    assert words in threshold_words(world(*changes)).replace("\n    ", " ")


TWO_TYPES = tissue(cell_types={"a": {"fraction": 0.25}, "b": {"fraction": 0.75}})
HALF_SILENT = {"by_type": {"a": 3, "b": 1}, "secondary": 0.5}


def test_secretion_by_type_and_generation_moves_the_threshold() -> None:
    """Mean of 3 and 1 over a quarter and three quarters: 1.5 times the secretion; half of it for secondary cells."""
    settings = world(factor(reach=100, secretion=HALF_SILENT, **LINEAR), TWO_TYPES, DEATH)
    for generation, strength in enumerate((1.5, 0.75)):
        (found,) = crossings(lambda x, g=generation: reproduction_number(settings, settings.tissues["patch"], x, g))
        assert found == pytest.approx(100 - 0.1 / (strength * 0.002), rel=1e-9)
    words = threshold_words(settings).replace("\n    ", " ")
    assert "primary cells: 3 from the first cells on, and 1 at a burden of 66.7 %" in words
    assert "secondary cells: 1.5 from the first cells on, and 1 at a burden of 33.3 %" in words
    same = world(factor(reach=100, secretion={"secondary": 1}, **LINEAR), DEATH)
    assert "secondary" not in threshold_words(same)


@pytest.mark.parametrize(
    ("secretion", "changes", "words"),
    [
        ({"by_cause": {"damage": 0.3}}, [], "secretion of SASP depends on what turned a cell (damage)"),
        ({"by_type": {"a": 3}}, [tissue(cell_types={"a": {"fraction": 0.2, "susceptibility": 2}, "b": {}})],
         "secretion of SASP differs by cell type, and so does how easily cells turn"),
        ({"duration": 20}, [], "secretion of SASP ends while cells stand"),
        ({"delay": 5}, [], "secretion of SASP begins late in the 10 d that a cell stands"),
    ],
)  # fmt: skip
def test_no_threshold_where_mature_cells_do_not_stand_for_all(secretion: Tree, changes: list[Tree], words: str) -> None:
    told = threshold_words(world(factor(reach=100, secretion=secretion, **LINEAR), *changes, DEATH))
    assert f"not told, because {words}" in told.replace("\n    ", " ")


def test_cells_turned_by_contact_are_said_to_be_left_out() -> None:
    told = threshold_words(world(factor(reach=100, **LINEAR), tissue(contact={"hazard": 0.01}), DEATH))
    assert "Cells turned by contact secrete otherwise" in told.replace("\n    ", " ")
