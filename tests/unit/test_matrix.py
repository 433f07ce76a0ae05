"""An affinity matrix: one factor per source, and nothing else than the plain affinity where sources are alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from worlds import QUIET, assert_same, counts, drug, effect, event, factor, run, start, tissue, together, world

from sim.errors import ScenarioError
from sim.experiment.attribute import experiment_without
from sim.explain import explain
from sim.scenario.ledger import OTHER_SOURCE, scenario_rows
from sim.scenario.load import Scenario, from_dict
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree, merge

CARGO: Tree = {"memory": 2, "response": {"hill": {"max_rate": 0.3, "half_max": 4}}}
TYPES = tissue(cell_types={"a": {"fraction": 0.5}, "b": {"fraction": 0.5}})
SOURCES = tissue(initial={"burden": 15})


def drift(affinity: Tree, **more: Any) -> Tree:
    """A factor that acts by its cargo, with a little uptake."""
    return factor("drift", reach=30, capture=50, affinity=affinity, cargo=CARGO, **more)


def scenario(*changes: Tree, arms: Tree | None = None) -> Scenario:
    """A scenario of two cell types."""
    tree: Tree = {"days": 20, "dt": 0.5, "tissues": {"patch": {**QUIET, "shape": [12, 12]}}}
    return from_dict(merge(tree, together(TYPES, SOURCES, *changes)) | ({"arms": arms} if arms else {}))


def both(row: Tree) -> Settings:
    return scenario(drift(row)).common


MATRIX: Tree = {"a": {"a": 1, "b": 0.2}, "b": {"b": 3}}

# ------------------------------------------------------------------------------------------------------ what it means


@pytest.mark.parametrize("engine", ["compiled", "agents"])
def test_one_source_with_one_target_is_the_plain_affinity(engine: str) -> None:
    plain, matrix = (world(drift(each), SOURCES) for each in ({"cell": 0.7}, {"cell": {"cell": 0.7}}))
    one, other = run(plain, 40, engine=engine), run(matrix, 40, engine=engine)
    assert counts(one)["drift"] == counts(other)["drift_from_cell"] > 10
    assert_same(one, other, without=("cum",))


def test_only_one_type_as_source_is_the_plain_affinity_with_the_others_silent() -> None:
    rows = {"a": 1, "b": 0.2}
    one = run(scenario(drift(rows, secretion={"by_type": {"b": 0}})).common, 40)
    other = run(both({"a": rows}), 40)
    assert counts(one)["drift"] == counts(other)["drift_from_a"] > 10
    assert_same(one, other, without=("cum",))


def test_equal_rows_share_the_level_of_the_plain_factor() -> None:
    """The unit stays that of a tissue of sources only: the levels of the parts sum to the level of the whole."""
    row = {"a": 1, "b": 0.2}
    still = factor("drift", cargo={"response": {"hill": {"max_rate": 0}}})
    whole = run(scenario(drift(row), still).common, 10)
    parts = run(scenario(drift({"a": row, "b": row}), still).common, 10)
    assert parts.factor_names == ("drift_from_a", "drift_from_b")
    assert parts.levels.min() >= 0.0 < parts.level("drift_from_b").max()
    np.testing.assert_allclose(parts.levels.sum(axis=0), whole.levels[0], rtol=2e-5, atol=2e-5)
    np.testing.assert_allclose(parts.cells.cargo.sum(axis=0), whole.cells.cargo[0], rtol=2e-5, atol=2e-5)


def test_a_row_of_zeros_is_a_silent_source() -> None:
    grafted = event(kind="graft", cells="senescent b", radius=40)
    quiet = scenario(drift({"a": {"a": 1, "b": 1}, "b": {"a": 0, "b": 0}}), tissue(initial=None), grafted)
    assert counts(run(quiet.common, 40))["drift_from_b"] == 0
    loud = scenario(drift({"a": {"a": 0, "b": 0}, "b": {"a": 1, "b": 0}}), tissue(initial=None), grafted)
    patch = run(loud.common, 40)
    turned = patch.cells.cause == patch.event_names.index("drift_from_b")
    assert counts(patch)["drift_from_a"] == 0 < np.count_nonzero(turned)
    assert set(patch.cells.cell_type[turned].tolist()) == {0}, "only the target type turns"


def test_both_engines_give_the_same_bits() -> None:
    settings = both(MATRIX)
    assert_same(run(settings, 40), run(settings, 40, engine="agents"))
    assert counts(run(settings, 40))["drift_from_b"] > 10


def test_it_goes_on_from_a_stop() -> None:
    settings = both(MATRIX)
    begun, gone_on = start(settings), start(settings)
    for _ in range(15):
        begun.step()
    gone_on.restore(begun.state())
    for _ in range(15):
        gone_on.step()
    assert_same(run(settings, 30), gone_on.patches["patch"])


def test_a_file_says_the_same_when_it_is_read_again() -> None:
    once = scenario(drift(MATRIX))
    assert from_dict(once.tree).arms == once.arms
    assert list(once.tree["factors"]) == ["drift"]


# ----------------------------------------------------------------------------------------------- what speaks of it


def test_a_drug_map_or_multiplier_that_names_it_means_all_its_parts() -> None:
    changes = (
        drug(effect("inhibit_secretion", 0.9, factors=["drift"]), effect("kill_senescent", 1, by_cause={"drift": 0.5})),
        factor("SASP", reach=50, secretion={"by_cause": {"drift": 0.1, "drift_from_b": 0.3}}),
        tissue(evasion={"immune": 0.5, "by_cause": {"drift": 0, "others": 1}}),
        {"record": {"maps": ["state", "drift"], "days": [0]}},
    )
    settings = scenario(drift(MATRIX, secretion={"by_type": {"a": 2}}), *changes).common
    names = ["drift_from_a", "drift_from_b"]
    assert list(settings.factors) == [*names, "SASP"]
    effects = settings.drugs["drug"].effects
    assert effects["inhibit_secretion"].factors == names
    assert effects["kill_senescent"].by_cause == dict.fromkeys(names, 0.5)
    assert settings.factors["SASP"].secretion.by_cause == {"contact": 0, "drift_from_a": 0.1, "drift_from_b": 0.3}
    assert settings.tissues["patch"].evasion.by_cause == {"others": 1} | dict.fromkeys(names, 0)
    assert settings.record.maps == ["state", *names]
    assert settings.factors["drift_from_a"].secretion.by_type == {"a": 2, "b": 0}
    assert settings.factors["drift_from_b"].secretion.by_type == {"a": 0}


def test_a_drug_that_silences_it_stops_both_sources() -> None:
    silent = drug(effect("inhibit_secretion", 1, factors=["drift"], power=20), amount=1e6, half_life="1000 d")
    simulation = start(scenario(drift(MATRIX), silent, tissue(initial=None), event(cells="senescent")).common)
    for _ in range(6):
        simulation.step()
    assert 0.0 <= simulation.patches["patch"].levels.max() < 1e-6


ODD: dict[str, tuple[Tree, str]] = {
    "unknown source": (drift({"aa": {"a": 1}}), "factors.drift.affinity: must be one of a, b, got 'aa' (did you mean"),
    "unknown target": (drift({"a": {"c": 1}}), "factors.drift.affinity.a: must be one of a, b, got 'c'"),
    "half a matrix": (drift({"a": {"a": 1}, "b": 1}), "affinity must be told by source for all or for none, got a and"),
    "a negative": (drift({"a": {"a": -1}}), "factors.drift.affinity: a a must be between 0 and 1e+06, got -1"),
    "more than cargo": (drift({"a": {"a": 1}}, jams_immunity={}), "must leave jams_immunity to another factor"),
    "a name taken": (
        together(drift({"a": {"a": 1}}), factor("drift_from_a", reach=30)),
        "factors.drift_from_a: must have another name than that of the source a of factors.drift, got 'drift_from_a'",
    ),
    "a driver": (
        together(drift(MATRIX), tissue(functions={"f": {"losses": {"drift": {}}}})),
        "losses: must be one of burden, vacant, scarred, quality_lost, drift_from_a, drift_from_b, got 'drift'",
    ),
}


@pytest.mark.parametrize(("changes", "told"), ODD.values(), ids=ODD)
def test_what_cannot_be(changes: Tree, told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario(changes)
    assert told in str(caught.value)


def test_arms_agree_on_having_sources() -> None:
    arms = {"one": {}, "other": {"factors": {"drift": {"affinity": {"a": 1, "b": 2}}}}}
    with pytest.raises(ScenarioError, match=r"arms\.other\.factors\.drift\.affinity: must tell sources in all arms"):
        scenario(drift(MATRIX), arms=arms)
    arms = {
        "one": {},
        "other": {"factors": {"drift": {"affinity": {"a": {"b": 9}}}}},
        "none": {"factors": {"drift": None}},
    }
    made = scenario(drift(MATRIX), {"record": {"maps": ["drift"], "days": [0]}}, arms=arms)
    assert made.arms["other"].factors["drift_from_a"].uptake == {"a": 1, "b": 9}
    assert made.arms["none"].factors == {}
    assert made.arms["none"].record == made.arms["one"].record


# -------------------------------------------------------------------------------------------------------- in words


def test_explain_prints_the_matrix_once() -> None:
    text = explain(scenario(drift(MATRIX)))
    assert text.count("Factor drift, apart for each source (drift_from_a, drift_from_b),") == 1
    rows = "  affinity   from a  from b", "  to a            1       0", "  to b          0.2       3"
    assert "\n".join([*rows, "  secretion       1       1\n"]) in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_ledger_finds_the_source_of_every_number() -> None:
    row = {"a": {"value": 1, "source": "Them 2024", "confidence": "measured"}}
    rows = {each.path: each for each in scenario_rows(scenario(drift({"a": row, "b": {"a": 2}})))}
    assert rows["factors.drift_from_a.affinity.a"].source == "Them 2024"
    assert rows["factors.drift_from_a.secretion.by_type.b"].source == OTHER_SOURCE
    assert rows["factors.drift_from_b.affinity.a"].confidence == "assumed"


def test_each_source_can_be_switched_off() -> None:
    experiment, without = experiment_without(scenario(drift(MATRIX)))
    assert list(without) == ["drift_from_a", "drift_from_b"]
    off = experiment.arms[without["drift_from_b"]].factors
    assert (off["drift_from_b"].uptake, off["drift_from_a"].uptake) == ({"b": 0}, {"a": 1, "b": 0.2})
    assert counts(run(experiment.arms[without["drift_from_b"]], 20))["drift_from_b"] == 0


def test_the_mean_field_refuses_sources_of_which_cells_turn_unlike() -> None:
    """There every senescent cell gives off what the mean cell does, whoever turned: with a matrix that is not so."""
    tree = {"mode": "well_mixed", "days": 10, "dt": 1, "tissues": {"body": {"cell_types": {"a": {}, "b": {}}}}}
    factors = {"drift": {"reach": 50, "affinity": {"a": {"b": 1}}, "cargo": CARGO}}
    with pytest.raises(ScenarioError, match=r"secretion\.by_type: must be the same for all cell types with mode: well"):
        from_dict(together(tree, {"factors": factors}))
    alike = {"drift": {"reach": 50, "affinity": {"a": 1, "b": 1}, "cargo": CARGO, "secretion": {"by_type": {"a": 0}}}}
    from_dict(together(tree, {"factors": alike}))


def test_a_plain_factor_is_switched_off_as_a_source_is() -> None:
    """Nobody takes it up, so that it does not wear out healthy cells either."""
    experiment, without = experiment_without(scenario(drift({"a": 1.0, "b": 0.5})))
    off = experiment.arms[without["drift"]].factors["drift"]
    assert off.uptake == {"a": 0, "b": 0}
    assert off.cargo.response.hill.max_rate > 0
