"""A scenario file to a validated scenario: units, merging, bases, overrides, arms, and back to YAML."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.errors import ScenarioError
from sim.scenario.json_schema import as_json, scenario_schema
from sim.scenario.ledger import as_markdown, assumed, scenario_rows
from sim.scenario.load import Scenario, from_dict, load, select_arms
from sim.scenario.quantity import show, to_unit
from sim.scenario.trees import merge
from sim.scenario.yaml_text import read_yaml

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted((ROOT / "configs").glob("*.yaml"))
SMALL: dict[str, Any] = {"days": 10, "tissues": {"skin": {"preset": "mouse_dermis", "shape": [8, 8]}}}


def small(**more: Any) -> dict[str, Any]:
    return merge(SMALL, more, keep_removed=True)


def graft_file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


# ------------------------------------------------------------------------------------------------------------ units


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (3, "um", 3.0),
        ("3", "um", 3.0),
        ("1 mm", "um", 1000.0),
        ("0.3 1/h", "1/d", 7.2),
        ("12 h", "d", 0.5),
        ("1 wk", "d", 7.0),
        ("3 mo", "d", 91.3125),
        ("1 yr", "d", 365.25),
        ("365.25 %/d/yr", "%/d/d", 1.0),
        ("1 um^2/s", "um^2/d", 86400.0),
        ("1e-3 mm^2/s", "um^2/s", 1000.0),
        ("5 mg/kg", "ug/kg", 5000.0),
        ("whole tissue", "um", math.inf),
        ("5 %", "%", 5.0),
        ("-.5e1", "1", -5.0),
    ],
)
def test_known_answers_of_units(value: object, unit: str, expected: float) -> None:
    assert to_unit(value, unit) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    "value",
    [True, None, "", "abc", "5 d", "5 um^2", "5 parsec", "5 um um", "nan", math.nan, [1], "1 um^99999", 10**400, "5 /"],
)
def test_what_is_no_length_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="must be"):
        to_unit(value, "um")


def test_values_are_shown_as_people_write_them() -> None:
    assert [show(15.0, "um"), show(1.1, "%"), show(0.5, "1"), show(2**60 + 1, "1")] == [
        "15 um", "1.1 %", "0.5", "1152921504606846977",
    ]  # fmt: skip


def test_a_long_seed_keeps_its_digits() -> None:
    assert from_dict(small(seed=2**60 + 1)).common.seed == 2**60 + 1


# ---------------------------------------------------------------------------------------------------------- merging


def test_merging_is_deep_replaces_lists_and_removes_by_null() -> None:
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 4}
    patch = {"a": {"c": [3], "e": {"f": 5}}, "d": None, "g": None}
    assert merge(base, patch) == {"a": {"b": 1, "c": [3], "e": {"f": 5}}}
    assert merge(base, patch, keep_removed=True) == {**merge(base, patch), "d": None, "g": None}
    assert base == {"a": {"b": 1, "c": [1, 2]}, "d": 4}


def test_bases_chain_and_the_nearest_file_wins(tmp_path: Path) -> None:
    graft_file(tmp_path, "a.yaml", "days: 10\ndt: 1\ntissues: {skin: {preset: mouse_dermis, shape: [8, 8]}}\n")
    graft_file(tmp_path, "b.yaml", "extends: a.yaml\ndays: 20\nseed: 3\n")
    (tmp_path / "below").mkdir()
    path = graft_file(tmp_path / "below", "c.yaml", "extends: ../b.yaml\nseed: 4\n")
    common = load(path).common
    assert (common.days, common.dt, common.seed) == (20.0, 1.0, 4)


def test_bases_in_a_circle_are_refused(tmp_path: Path) -> None:
    graft_file(tmp_path, "a.yaml", "extends: b.yaml\n")
    path = graft_file(tmp_path, "b.yaml", "extends: a.yaml\n")
    lost = graft_file(tmp_path, "lost.yaml", "extends: nowhere.yaml\n")
    with pytest.raises(ScenarioError, match=r"lost\.yaml: extends: must be a file that exists, .* got 'nowhere\.yaml'"):
        load(lost)
    with pytest.raises(ScenarioError, match=r"extends: must not come back to a file that extends it, got b\.yaml"):
        load(path)


def test_removals_in_an_extending_file_reach_arms_and_presets(tmp_path: Path) -> None:
    graft_file(
        tmp_path,
        "base.yaml",
        "days: 10\ntissues: {skin: {preset: mouse_dermis, shape: [8, 8]}}\nevents: {graft: {day: 0}}\n"
        "arms: {graft: {}, other: {}}\n",
    )
    child = graft_file(
        tmp_path,
        "child.yaml",
        "extends: base.yaml\ntissues: {skin: {repair: null}}\narms: {none: {events: {graft: null}}, other: null}\n",
    )
    scenario = load(child, {"tissues.skin.repair.scar": 0.5})
    assert list(scenario.arms) == ["graft", "none"]
    assert (len(scenario.arms["graft"].events), len(scenario.arms["none"].events)) == (1, 0)
    assert load(child).common.tissues["skin"].repair.rate == 1.0  # the default of the schema
    assert "repair" not in load(child).tree["tissues"]["skin"]


def test_a_preset_fills_what_the_file_does_not_say() -> None:
    skin = {"preset": "culture_dish", "shape": [8, 8], "damage": {"baseline": 1}}
    scenario = from_dict({"days": 1, "tissues": {"skin": skin}})
    tissue = scenario.common.tissues["skin"]
    assert (tissue.damage.baseline, tissue.damage.per_year, tissue.clearance.max_rate) == (1.0, 0.0, 0.0)
    other = scenario.override({"tissues.skin.preset": "mouse_dermis"}).common.tissues["skin"]
    assert (other.damage.baseline, other.damage.per_year, other.clearance.max_rate) == (1.0, 0.092, 0.305)


# -------------------------------------------------------------------------------------------------- overrides and arms


def test_the_arm_wins_and_a_hidden_override_is_reported() -> None:
    arms = {"young": {}, "old": {"age_at_start": "2 yr"}}
    scenario = from_dict(small(arms=arms), {"age_at_start": 5})
    assert [each.age_at_start for each in scenario.arms.values()] == [5.0, 730.5]
    assert scenario.notes == ("age_at_start: the override is hidden in arm old, which sets it itself",)
    assert not from_dict(small(arms=arms), {"arms.old.age_at_start": 7}).notes


def test_an_override_below_what_an_arm_removes_is_reported() -> None:
    arms: dict[str, Any] = {"none": {"events": {"graft": None}}, "graft": {}}
    scenario = from_dict(small(events={"graft": {}}, arms=arms), {"events.graft.radius": "0.3 mm"})
    assert scenario.notes == ("events.graft.radius: the override is hidden in arm none, which removes it",)
    assert scenario.arms["graft"].events["graft"].radius == 300.0
    assert not scenario.arms["none"].events


def test_overrides_take_numbers_of_numpy_and_replace_lists() -> None:
    overrides = {"tissues.skin.shape": np.array([4, 6]), "seed": np.int64(5), "days": np.float64(2)}
    scenario = from_dict(small(), overrides)
    assert (scenario.common.tissues["skin"].shape, scenario.common.seed, scenario.common.days) == ([4, 6], 5, 2.0)
    assert "numpy" not in scenario.as_yaml()


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("tissues.skn.cell_spacing", "unknown tissue (did you mean skin?)"),
        ("arms.contrl.days", "unknown arm (did you mean control?)"),
        ("events.graft.radius", "unknown event, known: "),
        ("tissues.skin..shape", "must be a dotted path to a key"),
        ("tissues.skin.shape.0", "must address a key of a mapping, got shape: [8, 8]"),
    ],
)
def test_an_override_of_what_is_not_there_is_refused(key: str, rule: str) -> None:
    with pytest.raises(ScenarioError) as error:
        from_dict(small(arms={"control": {}}), {key: 9})
    assert str(error.value).startswith(f"<scenario>: {key}: {rule}")


def test_removing_an_arm_and_choosing_arms_agree() -> None:
    scenario = from_dict(small(arms={"a": {}, "b": {"age_at_start": 1}, "c": {}}))
    chosen = select_arms(scenario, ["c", "a"])
    assert list(chosen.arms) == ["a", "c"]
    assert chosen.hash == scenario.override({"arms.b": None}).hash


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arms": {}}, "arms: must name at least one arm, got {}"),
        ({"arms": {"a": 3}}, "arms.a: must be changes by key, got 3"),
        ({"arms": {"a/b": {}}}, "arms.a/b: must be letters, digits and _, starting with a letter, got 'a/b'"),
        ({"arms": {"a": {"seed": 3}}}, "arms.a.seed: must be the same in all arms, got 3"),
        ({"arms": {"a": {"tissues": [1]}}}, "arms.a.tissues: must be a valid dictionary, got [1]"),
        (
            {"events": {"g": {}}, "arms": {"a": {}, "b": {"events": {"g": {"at": [500, 3]}}}}},
            "arms.b.events.g.at: must lie inside the tissue of 120 x 120 um, got [500.0, 3.0]",
        ),
        ({"events": {"g": {"at": "center"}}}, "events.g.at: must be centre, got 'center' (did you mean centre?)"),
        (
            {"tissues": {"skin": {"cell_spcing": 15}}},
            "tissues.skin.cell_spcing: unknown key (did you mean cell_spacing?)",
        ),
        (
            {"tissues": {"skin": {"cell_spacing": "15000 mm"}}},
            "tissues.skin.cell_spacing: must be between 5 um and 1e+06 um, got 1.5e+07 um (mouse dermis: 15 um)",
        ),
        ({"tissues": {"skin": {"boundary": ["periodic", "opn"]}}},
         "tissues.skin.boundary.1: must be reflecting, periodic or absorbing, got 'opn'"),
        ({"dt": 1e-300}, "dt: must divide the 10 d into at most 4294967295 steps, got 1e-300 d"),
        ({"stop": {"cause": "dmage", "count": 1}},
         "stop.cause: must be one of initial, damage, contact, replicative, immune, own_death, repaired, "
         "scarred, got 'dmage' (did you mean damage?)"),
    ],
)  # fmt: skip
def test_messages_name_key_rule_and_value(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError) as error:
        from_dict(small(**change))
    assert str(error.value) == f"<scenario>: {message}"


def test_cells_of_a_list_are_read_with_their_units() -> None:
    cloud = {"positions": [["0.01 mm", 5], [20, 20]], "extent": [40, 40], "links": {"window": [1, 2]}}
    scenario = from_dict({"days": 1, "tissues": {"dish": {"cloud": cloud}}})
    read = scenario.common.tissues["dish"].cloud
    assert read is not None
    assert (read.positions, read.links.window) == ([[10.0, 5.0], [20.0, 20.0]], (1, 2))


# ------------------------------------------------------------------------------------------------------ there and back


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_resolved_scenario_reads_back_equal(tmp_path: Path, path: Path) -> None:
    scenario = load(path)
    again = load(graft_file(tmp_path, path.name, scenario.as_yaml()))
    assert (again.arms, again.hash) == (scenario.arms, scenario.hash)


def test_the_hash_belongs_to_the_content() -> None:
    assert from_dict(small(), name="other").hash == from_dict(small()).hash
    assert from_dict(small(seed=1)).hash != from_dict(small()).hash


def test_committed_texts_are_the_generated_ones() -> None:
    assert (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8") == as_markdown()
    assert (ROOT / "configs" / "scenario.schema.json").read_text(encoding="utf-8") == as_json()


def sourced() -> Scenario:
    skin = {
        "preset": "mouse_dermis",
        "shape": [8, 8],
        "damage": {"baseline": {"value": "0.1 %/d", "source": "Us 2025", "confidence": "measured"}},
        "repair": {"rate": 2},
    }
    factor = {"reach": 100, "affinity": {"fibroblast": {"value": 2, "source": "Them 2024", "confidence": "measured"}}}
    return from_dict({"days": 1, "tissues": {"skin": skin}, "factors": {"drift": factor}})


@pytest.mark.parametrize(
    ("path", "value", "source", "confidence"),
    [
        ("tissues.skin.damage.baseline", "0.1 %/d", "Us 2025", "measured"),
        (
            "tissues.skin.damage.per_year",
            "0.092 %/d/yr",
            "docs/ageing.md: fitted to Karin 2019 and Ovadya 2018",
            "computed",
        ),
        ("tissues.skin.repair.rate", "2 1/d", "no source given in the file", "assumed"),
        ("factors.drift.secretion.ramp", "5 d", "Coppe 2008: 4-7 d to full SASP (SCIENCE.md 5b)", "secondary"),
        ("factors.drift.affinity.fibroblast", "2", "Them 2024", "measured"),
        ("days", "1 d", "design of the experiment", "design"),
    ],
)
def test_every_number_knows_where_it_comes_from(path: str, value: str, source: str, confidence: str) -> None:
    row = next(row for row in scenario_rows(sourced()) if row.path == path)
    assert (row.value, row.source, row.confidence) == (value, source, confidence)


def test_an_override_loses_the_source_of_what_it_replaces() -> None:
    scenario = sourced().override({"tissues.skin.damage.baseline": "0.2 %/d"})
    row = next(row for row in scenario_rows(scenario) if row.path == "tissues.skin.damage.baseline")
    assert (row.value, row.confidence) == ("0.2 %/d", "assumed")


def test_an_arm_states_its_own_sources() -> None:
    arms = {
        "a": {},
        "b": {"tissues": {"skin": {"maintenance": {"value": 0.1, "source": "Us 2025", "confidence": "measured"}}}},
        "c": {"tissues": {"skin": {"maintenance": 0.2, "damage": {"baseline": 1}}}},
    }
    scenario = from_dict(small(arms=arms))
    rows = {row.path: (row.value, row.confidence) for row in scenario_rows(scenario)}
    at = "tissues.skin.maintenance"
    assert [rows[f"arms.{arm}.{at}"] for arm in arms] == [("0", "assumed"), ("0.1", "measured"), ("0.2", "assumed")]
    assert rows["arms.b.tissues.skin.damage.baseline"] == ("0.138 %/d", "computed")
    assert rows["arms.c.tissues.skin.damage.baseline"] == ("1 %/d", "assumed")
    assert rows["tissues.skin.damage.per_year"] == ("0.092 %/d/yr", "computed")


def test_what_is_assumed_acts() -> None:
    """Numbers at rest (0, no limit), and those of parts that are not there, are no assumptions of a run."""
    arms = {"a": {}, "b": {"tissues": {"skin": {"maintenance": 0.1}}}}
    factors = {"idle": {"reach": 100}, "SASP": {"reach": 100, "jams_immunity": {}}}
    assert [row.path for row in assumed(from_dict(small(arms=arms, factors=factors)))] == [
        "tissues.skin.repair.rate",
        "factors.SASP.reach",
        "factors.SASP.secretion.secondary",
        "factors.SASP.jams_immunity.half_max",
        "tissues.skin.maintenance",
    ]


def test_a_confidence_that_is_none_is_refused(tmp_path: Path) -> None:
    path = graft_file(tmp_path, "x.yaml", "days: {value: 3, source: us, confidence: mesured}\n")
    with pytest.raises(ScenarioError, match=r"days\.confidence: must be one of .* \(did you mean measured\?\)"):
        load(path)


def test_the_json_schema_accepts_our_scenarios_and_no_typo() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(scenario_schema())
    validator.check_schema(scenario_schema())
    for path in SCENARIOS:
        assert not list(validator.iter_errors(read_yaml(path)))
    tree = read_yaml(ROOT / "configs" / "skin_graft.yaml")
    for change, where in (
        ({"tissues": {"skin": {"cell_spcing": 15}}}, "$.tissues.skin"),
        ({"tissues": {"skin": {"cell_spacing": 1.5e7}}}, "$.tissues.skin.cell_spacing"),
        ({"factors": {"SASP": {"transport": "teleport"}}}, "$.factors.SASP.transport"),
        ({"dayz": 3}, "$"),
    ):
        assert [error.json_path for error in validator.iter_errors(merge(tree, change))] == [where]
    for change in (
        {"tissues": {"skin": {"cell_spacing": "15 um", "repair": {"rate": {"value": 1, "source": "us"}}}}},
        {"arms": {"more": {"events": {"graft": None}}, "empty": None}},
    ):
        assert not list(validator.iter_errors(merge(tree, change, keep_removed=True)))


def test_the_json_schema_is_whole() -> None:
    """Also without jsonschema: every reference leads somewhere."""
    text = as_json()
    names = {part.split('"')[0] for part in text.split('"$ref": "#/$defs/')[1:]}
    assert names <= set(scenario_schema()["$defs"])
    assert {"Tissue", "Factor", "Event", "stated"} <= names
