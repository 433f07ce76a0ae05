"""Drugs and treatments in a scenario file: units, the library, names, what is refused and what is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim.errors import ScenarioError
from sim.scenario.json_schema import scenario_schema
from sim.scenario.ledger import assumed, scenario_rows
from sim.scenario.load import Scenario, from_dict, load, select_arms
from sim.scenario.trees import merge

BASE: dict[str, Any] = {
    "days": 30,
    "tissues": {"skin": {"preset": "mouse_dermis", "shape": [8, 8]}},
    "factors": {"SASP": {"reach": 100, "induction": {"hill": {}}}},
}
OWN: dict[str, Any] = {
    "half_life": "4 h",
    "effects": {"kill_senescent": {"emax": "0.04 1/h", "ec50": "10 mg/kg"}},
}
DOSE: dict[str, Any] = {"drug": "own", "amount": "55 mg/kg", "start": "2 wk", "interval": "1 wk", "additional_doses": 1}


def scenario(changes: dict[str, Any] | None = None, **more: Any) -> Scenario:
    return from_dict(merge(BASE, more, keep_removed=True), changes)


def treated(drug: str = "fisetin", **more: Any) -> Scenario:
    return scenario(treatments={"t": {"drug": drug, "amount": 1, **more}})


def own(drug: dict[str, Any] | None = None, dose: dict[str, Any] | None = None, **more: Any) -> Scenario:
    drugs = {"own": merge(OWN, drug or {}, keep_removed=True)}
    return scenario(drugs=drugs, treatments={"t": merge(DOSE, dose or {})}, **more)


def refusal(make: Any, *arguments: Any, **more: Any) -> str:
    with pytest.raises(ScenarioError) as error:
        make(*arguments, **more)
    return str(error.value).removeprefix("<scenario>: ")


# ------------------------------------------------------------------------------------------------------------ units


def test_texts_are_read_in_the_unit_of_the_drug() -> None:
    settings = own({"effects": {"kill_senescent": {"ec50": "5000 ug/kg"}}}).common
    effect = settings.drugs["own"].effects["kill_senescent"]
    assert (effect.emax, effect.ec50) == (pytest.approx(0.96, rel=1e-15), 5.0)
    assert (settings.treatments["t"].amount, settings.treatments["t"].start) == (55.0, 14.0)


@pytest.mark.parametrize(
    ("unit", "amount", "value"),
    [("uM", "500 nM", 0.5), ("uM", "2 mM", 2000.0), ("cells", "0.5e6 cells", 5e5), ("IU", "3 IU", 3.0),
     ("%", "5 %", 5.0), ("mg/kg", "7", 7.0)],
)  # fmt: skip
def test_known_answers_of_units(unit: str, amount: str, value: float) -> None:
    drug = {"unit": unit, "effects": {"kill_senescent": {"ec50": 1}}}
    assert own(drug, {"amount": amount}).common.treatments["t"].amount == pytest.approx(value, rel=1e-15)


def test_read_outs_in_percent_may_say_so() -> None:
    adaptive = {"outcome": "burden", "treat_above": "5 %", "stop_below": 2, "toxicity": "vacant", "skip_above": "1 %"}
    read = own(dose={"adaptive": adaptive}).common.treatments["t"].adaptive
    assert read is not None
    assert (read.treat_above, read.stop_below, read.skip_above) == (5.0, 2.0, 1.0)


def test_an_effect_is_of_the_kind_that_its_name_says() -> None:
    effects = {"mute": {"kind": "inhibit_secretion", "emax": 0.5, "ec50": 1}, "boost_repair": {"emax": 2, "ec50": 1}}
    assert {name: effect.kind for name, effect in own({"effects": effects}).common.drugs["own"].effects.items()} == {
        "kill_senescent": "kill_senescent", "mute": "inhibit_secretion", "boost_repair": "boost_repair",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("drug", "dose", "message"),
    [
        ({}, {"amount": "5 uM"}, "treatments.t.amount: must be in mg/kg, got '5 uM'"),
        ({"effects": {"kill_senescent": {"ec50": "5 uM"}}}, {},
         "drugs.own.effects.kill_senescent.ec50: must be in mg/kg, got '5 uM'"),
        ({"effects": {"kill_senescent": {"emax": "5 d"}}}, {},
         "drugs.own.effects.kill_senescent.emax: must be in 1/d, got '5 d'"),
        ({"effects": {"boost_repair": {"emax": "2 1/d", "ec50": 1}}}, {},
         "drugs.own.effects.boost_repair.emax: must be without a unit, got '2 1/d'"),
        ({"effects": {"kill_senescnt": {"emax": 1, "ec50": 1}}}, {},
         "drugs.own.effects.kill_senescnt: unknown kind of effect (did you mean kill_senescent?)"),
        ({"unit": "mg"}, {}, "drugs.own.unit: must be mg/kg, uM, %, ppm, cells or IU, got 'mg'"),
        ({"effects": {"block_uptake": {"emax": 2, "ec50": 1}}}, {},
         "drugs.own.effects.block_uptake: emax must be a share of at most 1 for block_uptake, got 2"),
        ({}, {"adaptive": {"treat_above": "5 d", "stop_below": 1}},
         "treatments.t.adaptive.treat_above: must be in %, got '5 d'"),
        ({}, {"drug": "onw"},
         "treatments.t.drug: must be a drug of the scenario or of the library, got 'onw' (did you mean own?)"),
        ({}, {"drug": "fisetn"},
         "treatments.t.drug: must be a drug of the scenario or of the library, got 'fisetn' (did you mean fisetin?)"),
        ({"preset": "fisetn"}, {}, "drugs.own.preset: must be one of "),
        ({}, {"tissues": ["skn"]}, "treatments.t.tissues: must be one of skin, got 'skn' (did you mean skin?)"),
        ({}, {"route": "topical"}, "treatments.t.route: topical needs drugs.own.penetration_depth, got nothing"),
        ({}, {"route": "infusion"}, "treatments.t.infusion_duration: is required for route infusion, got nothing"),
        ({}, {"infusion_duration": 1},
         "treatments.t.infusion_duration: is read by route infusion only, got route oral"),
        ({}, {"interval": 1e-9, "additional_doses": None},
         "treatments.t.interval: must leave at most 1000000 doses in 30 d, got 1e-09 d"),
        ({}, {"adaptive": {"outcome": "mean_SSP", "treat_above": 1, "stop_below": 1}},
         "treatments.t.adaptive.outcome: must be one of burden, vacant, off_target, immune_capacity, mean_SASP, got "
         "'mean_SSP' (did you mean mean_SASP?)"),
        ({}, {"adaptive": {"treat_above": 1, "stop_below": 1, "tissue": "liver"}},
         "treatments.t.adaptive.tissue: must be one of skin, got 'liver'"),
        ({}, {"adaptive": {"treat_above": 1, "stop_below": 1, "check_every": "6 h"}},
         "treatments.t.adaptive.check_every: must be at least a step (0.5 d), got 0.25 d"),
        ({"penetration": {"live": 0}}, {}, "drugs.own.penetration: must be one of skin, others, got 'live'"),
        ({"effects": {"kill_senescent": {"by_cause": {"graft": 0}}}}, {},
         "drugs.own.effects.kill_senescent.by_cause: must be one of initial, damage, contact, replicative, "
         "fluctuation, SASP, SASP_cargo, induced_by_own, others, got 'graft'"),
        ({"effects": {"kill_senescent": {"by_generation": {"third": 0}}}}, {},
         "drugs.own.effects.kill_senescent.by_generation: must be one of primary, secondary, later, others, got "),
        ({"effects": {"inhibit_secretion": {"emax": 1, "ec50": 1, "factors": ["SAPS"]}}}, {},
         "drugs.own.effects.inhibit_secretion.factors: must be one of SASP, got 'SAPS' (did you mean SASP?)"),
        ({"effects": {"a-b": {"kind": "boost_repair", "emax": 1, "ec50": 1}}}, {},
         "drugs.own.effects.a-b: must be letters, digits and _, starting with a letter, got 'a-b'"),
    ],
)  # fmt: skip
def test_messages_name_key_rule_and_value(drug: dict[str, Any], dose: dict[str, Any], message: str) -> None:
    assert refusal(own, drug, dose).startswith(message)


def test_a_mistake_is_told_where_it_was_written() -> None:
    arms = {"a": {}, "b": {"treatments": {"t": {"amount": "5 uM"}}}}
    assert refusal(own, arms=arms).startswith("arms.b.treatments.t.amount: must be in mg/kg")
    arms = {"a": {}, "b": {"treatments": {"u": {"drug": "fisetn", "amount": 1}}}}
    assert refusal(own, arms=arms).startswith("arms.b.treatments.u.drug: must be a drug")
    arms = {"a": {}, "b": {"drugs": {"own": {"preset": "fisetin"}}}}
    assert refusal(own, arms=arms) == "arms.b.drugs.own.preset: must not change in an arm, got 'fisetin'"
    arms = {"a": {}, "b": {"drugs": {"own": None}}}
    assert refusal(own, arms=arms).startswith("treatments.t.drug: must be a drug of the scenario or of the library")


def test_several_tissues_need_a_place() -> None:
    tissues = {"liver": {"shape": [8, 8]}}
    dose = {"adaptive": {"treat_above": 1, "stop_below": 1}}
    assert refusal(own, dose=dose, tissues=tissues).startswith("treatments.t.adaptive.tissue: is required")
    message = refusal(own, {"penetration_depth": 9}, {"route": "topical"}, tissues=tissues)
    assert message.startswith("treatments.t.tissues: is required for route topical")
    assert own({"penetration_depth": 9}, {"route": "topical", "tissues": ["skin"]}, tissues=tissues)


# -------------------------------------------------------------------------------------------------- names and events


def test_columns_of_causes_and_effects_are_not_shared() -> None:
    events = {"killed_by_own": {"day": 1}}
    assert refusal(own, events=events) == (
        "drugs.own: must not share the cause killed_by_own with events.killed_by_own, got 'own'"
    )
    effect = {"kind": "boost_repair", "emax": 1, "ec50": 1}
    drugs = {"a": {"half_life": 1, "effects": {"b_c": effect}}, "a_b": {"half_life": 1, "effects": {"c": effect}}}
    assert refusal(scenario, drugs=drugs).startswith("drugs.a_b.effects.c: must not share a column with drugs.a.")
    for group in ("drugs", "treatments", "events"):
        values = {"drugs": OWN, "treatments": {"drug": "fisetin", "amount": 1}, "events": {}}[group]
        assert refusal(scenario, **{group: {"a b": values}}).startswith(f"{group}.a b: must be letters")
        assert refusal(scenario, **{group: {"others": values}}).startswith(f"{group}.others: must not be the word")


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"kind": "wound", "cells": "senescent"}, "cells"),
        ({"kind": "removal", "since_onset": 1}, "since_onset"),
        ({"margin": 1}, "margin"),
        ({"kind": "removal", "share": 1}, "share"),
        ({"kind": "infection", "penetration_depth": 1}, "penetration_depth"),
    ],
)
def test_fields_that_an_event_does_not_read_are_refused(event: dict[str, Any], field: str) -> None:
    kind = event.get("kind", "graft")
    assert refusal(scenario, events={"w": event}).startswith(f"events.w.{field}: is not read by kind {kind}, got ")


def test_an_arm_without_a_wound_may_have_a_drug_that_spares_its_cells() -> None:
    arms = {"wound": {}, "whole": {"events": {"wound": None}, "factors": {"SASP": None}}}
    effects = {
        "kill_senescent": {"by_cause": {"wound": 0}},
        "mute": {"kind": "inhibit_secretion", "emax": 1, "ec50": 1, "factors": ["SASP"]},
    }
    skin = {"evasion": {"drug": 0.1, "by_cause": {"wound": 0, "others": 2}}}
    read = own({"effects": effects}, events={"wound": {"kind": "wound"}}, tissues={"skin": skin}, arms=arms)
    assert read.arms["whole"].drugs["own"].effects["kill_senescent"].by_cause == {"wound": 0.0}


@pytest.mark.parametrize(
    ("tissue", "message"),
    [
        ({"depth_axis": "z"}, "tissues.skin.depth_axis: must be y or x in a tissue of two axes, got 'z'"),
        ({"evasion": {"by_cause": {"wnd": 1}}}, "tissues.skin.evasion.by_cause: must be one of initial, "),
        ({"shape": None, "repair": {"reach": 2},
          "cloud": {"positions": [[1, 1], [9, 9]], "extent": [10, 10], "links": {"nearest": 1}}},
         "tissues.skin.repair.reach: must be 1 on a cloud, got 2"),
    ],
)  # fmt: skip
def test_tissues_that_cannot_be(tissue: dict[str, Any], message: str) -> None:
    assert refusal(scenario, tissues={"skin": tissue}).startswith(message)


# ---------------------------------------------------------------------------------------------------- the library


def test_a_drug_of_the_library_needs_no_entry() -> None:
    settings = treated("dasatinib_quercetin", amount="55 mg/kg").common
    assert settings.drugs["dasatinib_quercetin"].half_life == pytest.approx(4 / 24)
    assert settings.drugs["dasatinib_quercetin"].effects["kill_senescent"].emax == 0.921


def test_every_arm_has_the_drugs_that_any_arm_is_given() -> None:
    arms = {"none": {}, "both": {"treatments": {"r": {"drug": "rapamycin", "amount": 8}}},
            "changed": {"drugs": {"saha": {"half_life": 1}}}}  # fmt: skip
    read = scenario(treatments={"t": {"drug": "fisetin", "amount": 1}}, arms=arms)
    assert [list(settings.drugs) for settings in read.arms.values()] == [["fisetin", "rapamycin", "saha"]] * 3
    assert read.arms["changed"].drugs["saha"].half_life == 1.0
    assert read.arms["changed"].drugs["saha"].effects["induce_senescence"].emax == 0.1


def test_an_entry_changes_and_removes_what_the_library_says() -> None:
    drugs = {
        "dasatinib_quercetin": {"half_life": "6 h", "effects": {"kill_healthy": None}},
        "mine": {"preset": "fisetin", "effects": {"kill_senescent": {"emax": 0}}},
        "quercetin": {**OWN, "preset": "none"},
    }
    read = scenario(drugs=drugs).common.drugs
    assert read["dasatinib_quercetin"].half_life == 0.25
    assert list(read["dasatinib_quercetin"].effects) == ["kill_senescent"]
    assert (read["mine"].half_life, read["mine"].effects["kill_senescent"].emax) == (pytest.approx(3.1 / 24), 0.0)
    assert (read["quercetin"].description, len(read["quercetin"].effects)) == ("", 1)


def test_overrides_reach_drugs_and_treatments() -> None:
    arms = {"a": {}, "b": {}}
    read = scenario(treatments={"t": {"drug": "fisetin", "amount": "100 mg/kg"}}, arms=arms).override(
        {"drugs.fisetin.half_life": "4 h", "arms.b.treatments.t.amount": 0}
    )
    assert read.common.drugs["fisetin"].half_life == pytest.approx(4 / 24)
    assert [settings.treatments["t"].amount for settings in read.arms.values()] == [100.0, 0.0]
    assert read.notes == ("treatments.t.amount: is 0, so that nothing is given",)
    assert refusal(read.override, {"drugs.fisetn.half_life": 1}) == (
        "drugs.fisetn.half_life: unknown drug (did you mean fisetin?)"
    )
    assert refusal(read.override, {"arms.b.treatments.dose.amount": 1}) == (
        "arms.b.treatments.dose.amount: unknown treatment, known: t"
    )
    message = refusal(read.override, {"drugs.fisetin.half_life": "4 um"})
    assert message == "drugs.fisetin.half_life: must be in d, got '4 um' (fisetin: 3.1 h)"


def test_a_resolved_scenario_reads_back_equal(tmp_path: Path) -> None:
    drugs = {"dasatinib_quercetin": {"effects": {"kill_healthy": None}}, "mine": {"preset": "saha"}}
    arms = {"a": {}, "b": {"treatments": {"t": None, "r": {"drug": "rapamycin", "amount": "8 mg/kg"}}}}
    read = scenario(drugs=drugs, treatments={"t": {"drug": "dasatinib_quercetin", "amount": "55 mg/kg"}}, arms=arms)
    path = tmp_path / "scenario.yaml"
    path.write_text(read.as_yaml(), encoding="utf-8")
    again = load(path)
    assert (again.arms, again.hash) == (read.arms, read.hash)
    assert list(again.common.drugs["dasatinib_quercetin"].effects) == ["kill_senescent"]
    assert list(select_arms(read, ["a"]).common.drugs) == ["dasatinib_quercetin", "mine"]


def test_a_scenario_without_drugs_is_what_it_was() -> None:
    assert not {"drugs", "treatments"} & set(scenario().tree)


# ----------------------------------------------------------------------------------------------------- what is told


@pytest.mark.parametrize(
    ("drug", "dose", "note"),
    [
        ({}, {"start": 30}, "treatments.t.start: lies at or beyond the last day (30 d), got 30 d"),
        ({}, {"additional_doses": 4}, "treatments.t: 2 of 5 doses lie at or beyond the last day (30 d)"),
        ({}, {"days_on": 3, "additional_doses": 2}, "treatments.t: 1 of 9 doses lie at or beyond the last day (30 d)"),
        ({}, {"additional_doses": 0}, "treatments.t.interval: is not read, because additional_doses is 0"),
        ({"effects": {"kill_senescent": {"emax": 0}}}, {}, "drugs.own: does nothing here: kill_senescent (emax is 0)"),
        ({"effects": None}, {}, "drugs.own: does nothing here: it has no effects"),
        ({"penetration": {"skin": 0}}, {}, "drugs.own: does nothing here: kill_senescent (no cells on which it acts)"),
        ({"effects": {"kill_senescent": {"by_tissue": {"others": 0}}}}, {},
         "drugs.own: does nothing here: kill_senescent (no cells on which it acts)"),
        ({"effects": {"inhibit_melanin_transfer": {"emax": 1, "ec50": 1}}}, {},
         "drugs.own: acts only in part: not inhibit_melanin_transfer (no pigment)"),
        ({"effects": {"unjam_immune": {"emax": 1, "ec50": 1}}}, {},
         "drugs.own: acts only in part: not unjam_immune (no factor jams immune clearance)"),
        ({"effects": {"mute": {"kind": "inhibit_secretion", "emax": 1, "ec50": 1, "factors": ["NGF", "SASP"]}}}, {},
         "drugs.own: acts only in part: not mute of NGF (no such factor)"),
        ({"absorption_half_life": 1}, {"route": "bolus"},
         "drugs.own.absorption_half_life: is not read, because no treatment is oral"),
        ({"penetration_depth": 50}, {"route": "topical"},
         "drugs.own.penetration_depth: makes no difference, because all cells of skin lie at depth 0"),
    ],
)  # fmt: skip
def test_what_changes_nothing_is_told(drug: dict[str, Any], dose: dict[str, Any], note: str) -> None:
    assert own(drug, dose).notes == (note,)


def test_a_drug_that_acts_is_told_nothing_about() -> None:
    assert own().notes == ()
    assert own(dose={"additional_doses": None}).notes == ()


def test_what_the_library_speaks_of_need_not_be_there() -> None:
    topical = {"route": "topical", "tissues": ["skin"]}
    assert treated("glabridin", **topical).notes[0] == (
        "drugs.glabridin: does nothing here: inhibit_secretion (no factor IGFBP3 or NGF), inhibit_melanin_synthesis "
        "(no pigment)"
    )
    assert treated("vesicle_blocker").notes == ("drugs.vesicle_blocker: does nothing here: inhibit_secretion (no "
                                                "factor drift)",)  # fmt: skip
    assert treated("ap20187_inkattac").notes == ()
    assert treated("navitoclax").notes == ()


def test_neutralising_a_factor_without_decay_is_told() -> None:
    factors = {"SASP": {"reach": None, "decay_rate": 0}}
    read = scenario(factors=factors, treatments={"t": {"drug": "anti_il_1b", "amount": 2}})
    assert read.notes == ("drugs.anti_il_1b: does nothing here: neutralise (no decay that it could raise)",)


def test_arms_share_their_notes_and_a_drug_that_nobody_gets_is_told() -> None:
    arms = {"a": {}, "b": {"treatments": {"t": {"amount": 5}}}, "c": {"treatments": {"t": None}}}
    drugs = {"own": merge(OWN, {"effects": {"kill_senescent": {"emax": 0}}}), "idle": OWN}
    read = scenario(drugs=drugs, treatments={"t": DOSE}, arms=arms)
    assert read.notes == (
        "drugs.own: does nothing here: kill_senescent (emax is 0)", "drugs.idle: is not given in any arm",
    )  # fmt: skip


def test_a_senomorphic_that_lowers_a_chemoattractant_is_told_of() -> None:
    read = scenario(factors={"SASP": {"attracts_immunity": {}}}, treatments={"t": {"drug": "rapamycin", "amount": 8}})
    assert read.notes == ("drugs.rapamycin: also lowers immune clearance, because SASP attracts immune cells",)


# ------------------------------------------------------------------------------------------------- ledger and schema


def test_numbers_of_drugs_are_shown_with_their_units_and_sources() -> None:
    read = scenario({"drugs.fisetin.half_life": "4 h"}, treatments={"t": {"drug": "fisetin", "amount": "100 mg/kg"}})
    rows = {row.path: (row.value, row.confidence) for row in scenario_rows(read)}
    assert rows["drugs.fisetin.effects.kill_senescent.emax"] == ("0.493 1/d", "assumed")
    assert rows["drugs.fisetin.effects.kill_senescent.ec50"] == ("50 mg/kg", "assumed")
    assert rows["drugs.fisetin.half_life"] == ("4 h", "assumed")
    assert rows["treatments.t.amount"] == ("100 mg/kg", "design")
    again = scenario(treatments={"t": {"drug": "fisetin", "amount": 1}})
    assert {row.path: row.confidence for row in scenario_rows(again)}["drugs.fisetin.half_life"] == "secondary"


def test_what_is_assumed_of_drugs_acts() -> None:
    drugs = {"idle": OWN}
    arms = {"a": {}, "b": {"treatments": {"t": {"drug": "dasatinib_quercetin", "amount": 55},
                                          "n": {"drug": "niacinamide", "amount": 0, "tissues": ["skin"]}}}}  # fmt: skip
    paths = [row.path for row in assumed(scenario(drugs=drugs, arms=arms)) if row.path.startswith("drugs")]
    of = "drugs.dasatinib_quercetin."
    assert paths == [
        f"{of}absorption_half_life", f"{of}effects.kill_senescent.ec50", f"{of}effects.kill_senescent.power",
        f"{of}effects.kill_healthy.emax", f"{of}effects.kill_healthy.ec50", f"{of}effects.kill_healthy.power",
    ]  # fmt: skip


def test_evasion_and_events_are_assumed_only_where_they_act() -> None:
    def paths(**more: Any) -> set[str]:
        return {row.path.removeprefix("tissues.skin.") for row in assumed(scenario(**more))}

    skin = {"evasion": {"drug": 0.1, "by_cause": {"damage": 2}}}
    assert not any(
        "evasion" in path or "recovery" in path or "reach" in path for path in paths() - {"factors.SASP.reach"}
    )
    assert paths(tissues={"skin": skin}) - paths() == {"evasion.by_cause.damage"}
    killed = {"t": {"drug": "fisetin", "amount": 1}}
    assert "evasion.drug" in paths(tissues={"skin": skin}, treatments=killed)
    assert "clearance.recovery" in paths(treatments={"t": {"drug": "navitoclax", "amount": 1}})
    events = {"w": {"kind": "wound", "share": 0.2}, "g": {"cells": "healthy"}}
    assert "events.w.share" in paths(events=events)
    rows = {row.path for row in scenario_rows(scenario(events=events))}
    assert {path for path in rows if path.startswith("events.g")} == {"events.g.day", "events.g.radius"}
    assert not {"events.w.since_onset", "events.w.penetration_depth"} & rows


def test_the_json_schema_takes_drugs_and_no_typo() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(scenario_schema())
    tree = {**BASE, "drugs": {"own": OWN, "fisetin": {"effects": {"kill_senescent": None}}}, "treatments": {"t": DOSE}}
    assert not list(validator.iter_errors(tree))
    for change, where in (
        ({"treatments": {"t": {"amuont": 3}}}, "$.treatments.t"),
        ({"treatments": {"t": {"amount": -3}}}, "$.treatments.t.amount"),
        ({"treatments": {"t": {"route": "nasal"}}}, "$.treatments.t.route"),
        ({"drugs": {"own": {"effects": {"kill_senescent": {"ec50": 0}}}}}, "$.drugs.own.effects.kill_senescent.ec50"),
    ):
        assert [error.json_path for error in validator.iter_errors(merge(tree, change))] == [where]
