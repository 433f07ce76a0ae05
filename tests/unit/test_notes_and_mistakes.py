"""What a user easily gets wrong about drugs, arms and percents: told in a note, or refused with what would be right."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sim.errors import ScenarioError
from sim.explain import explain
from sim.explain.kinetics import Dose
from sim.scenario.drug import Effect
from sim.scenario.ledger import scenario_rows
from sim.scenario.load import Scenario, from_dict
from sim.scenario.quantity import time_as_written
from sim.scenario.suggestion import next_change
from sim.scenario.trees import merge

BASE: dict[str, Any] = {
    "days": 30,
    "tissues": {"skin": {"preset": "mouse_dermis", "shape": [40, 40]}},
    "factors": {"SASP": {"reach": 100, "induction": {"hill": {}}}},
}
DOSE: dict[str, Any] = {"drug": "fisetin", "amount": "100 mg/kg", "interval": 7}
STEERED: dict[str, Any] = {**DOSE, "adaptive": {"treat_above": 6, "stop_below": 3}}


def scenario(changes: dict[str, Any] | None = None, **more: Any) -> Scenario:
    return from_dict(merge(BASE, more, keep_removed=True), changes)


def mistake(changes: dict[str, Any] | None = None, **more: Any) -> str:
    with pytest.raises(ScenarioError) as error:
        scenario(changes, **more)
    return str(error.value).removeprefix("<scenario>: ")


def words(read: Scenario) -> str:
    return " ".join(explain(read).split())


# ----------------------------------------------------------------------------------------------------------- ledger


def test_what_not_all_arms_have_stands_below_its_arms() -> None:
    arms = {"none": {}, "fixed": {"treatments": {"t": DOSE}}, "steered": {"treatments": {"t": STEERED}}}
    rows = {row.path: row.value for row in scenario_rows(scenario(arms=arms))}
    assert not [path for path in rows if path.startswith("treatments.")]
    assert (rows["arms.fixed.treatments.t.amount"], rows["arms.steered.treatments.t.interval"]) == ("100 mg/kg", "7 d")
    assert rows["arms.steered.treatments.t.adaptive.treat_above"] == "6"
    assert "arms.fixed.treatments.t.adaptive.treat_above" not in rows
    assert "drugs.fisetin.half_life" in rows, "every arm has the drug, and its numbers"


@pytest.mark.parametrize(
    ("days", "text"),
    [(0, "0 d"), (0.5 / 24, "30 min"), (4 / 24, "4 h"), (0.25, "6 h"), (1, "1 d"), (1.5, "1.5 d"), (62 / 24, "62 h"),
     (14, "14 d"), (91.3125, "3 mo"), (200, "200 d"), (547.875, "18 mo"), (730.5, "2 yr"), (30 / 86400, "30 s"),
     (1 / 7, "3.42857 h")],
)  # fmt: skip
def test_times_are_shown_as_people_write_them(days: float, text: str) -> None:
    assert time_as_written(days) == text


# ---------------------------------------------------------------------------------------------------------- percents


def test_a_bare_number_that_looks_like_a_share_is_told() -> None:
    note = "tissues.skin.initial.burden: 0.05 is read as 0.05 %; a share of 0.05 is 5 %"
    assert scenario({"tissues.skin.initial.burden": 0.05}).notes == (note,)
    for burden in (0, "0.05 %", "5 %", 0.2, 5):
        assert scenario({"tissues.skin.initial.burden": burden}).notes == ()
    steered = merge(STEERED, {"adaptive": {"treat_above": 0.06, "stop_below": "0.03 %"}})
    arms = {"none": {}, "steered": {"treatments": {"t": steered}}}
    assert scenario(arms=arms).notes == (
        "arms.steered.treatments.t.adaptive.treat_above: 0.06 is read as 0.06 %; a share of 0.06 is 6 %",
    )
    level = merge(STEERED, {"adaptive": {"outcome": "mean_SASP", "treat_above": 0.06, "stop_below": 0.01}})
    assert scenario(treatments={"t": level}).notes == ()


def test_a_share_may_be_in_percent_but_no_hazard_and_no_multiple() -> None:
    def drug(kind: str) -> dict[str, Any]:
        return {"own": {"half_life": 1, "effects": {kind: {"emax": "60 %", "ec50": 1}}}}

    assert scenario(drugs=drug("inhibit_secretion")).common.drugs["own"].effects["inhibit_secretion"].emax == 0.6
    key = "drugs.own.effects"
    assert mistake(drugs=drug("kill_senescent")) == f"{key}.kill_senescent.emax: must be in 1/d, got '60 %'"
    assert mistake(drugs=drug("boost_repair")) == f"{key}.boost_repair.emax: must be without a unit, got '60 %'"


# ------------------------------------------------------------------------------------------------------------- notes


def test_arms_that_do_the_same_are_told() -> None:
    other = {"preset": "fisetin", "description": "called otherwise"}
    arms = {"a": {"treatments": {"t": DOSE}}, "b": {"treatments": {"u": {**DOSE, "drug": "other"}}},
            "c": {"treatments": {"t": {**DOSE, "amount": 50}}}}  # fmt: skip
    note = "arms: a and b do the same, so that their numbers will be the same"
    assert scenario(drugs={"other": other}, arms=arms).notes == (note,)
    assert scenario(drugs={"other": {**other, "half_life": "1 h"}}, arms=arms).notes == ()


def test_a_factor_that_nobody_reads_is_told_once() -> None:
    note = (
        "factors.NGF: acts on nothing, and is only recorded; what it may do: induction, cargo, jams_immunity, "
        "inhibits_repair, boosts_repair, attracts_immunity, ages_immunity"
    )
    arms = {"a": {}, "b": {"events": {"g": {"day": 1}}}}
    assert scenario(factors={"NGF": {"reach": "100 um"}}, arms=arms).notes == (note,)
    assert scenario(factors={"NGF": {"reach": 100, "secretion": {"strength": 0}}}).notes == ()
    reading = {"a": {}, "b": {"factors": {"NGF": {"inhibits_repair": {}}}}}
    assert scenario(factors={"NGF": {"reach": 100}}, arms=reading).notes == ()
    steered = merge(STEERED, {"adaptive": {"outcome": "mean_NGF"}})
    assert scenario(factors={"NGF": {"reach": 100}}, treatments={"t": steered}).notes == ()


def test_odd_treatments_are_told() -> None:
    once = {key: value for key, value in STEERED.items() if key != "interval"}
    assert scenario(treatments={"t": once}).notes == (
        "treatments.t.adaptive: decides on one dose at most, because no interval is given",
    )
    assert scenario(drugs={"fisetin": None}, treatments={"t": DOSE}).notes == (
        "drugs.fisetin: is null, but a treatment gives it: the values of the library stand",
    )
    assert scenario(treatments={"t": DOSE, "u": {**DOSE, "amount": 5}}).notes == (), "one drug, twice on one day"


# ------------------------------------------------------------------------------------------------------------ errors


def test_a_treatment_of_arms_is_addressed_there() -> None:
    arms = {"none": {}, "hit": {"treatments": {"t": DOSE}}, "both": {"treatments": {"t": DOSE}}}
    assert mistake({"treatments.t.amount": 5}, arms=arms) == (
        "treatments.t.amount: stands in arms only: write arms.hit.treatments.t.amount, arms.both.treatments.t.amount"
    )
    assert mistake({"treatments.u.amount": 5}, arms=arms) == "treatments.u.amount: unknown treatment, known: none"
    read = scenario({"arms.hit.treatments.t.amount": 5}, arms=arms)
    assert [read.arms[arm].treatments["t"].amount for arm in ("hit", "both")] == [5.0, 100.0]


@pytest.mark.parametrize(
    ("treatment", "message"),
    [
        ({"drug": "D+Q"}, ".drug: must be a drug of the scenario or of the library, got 'D+Q' (see senodrift list "
         "drugs)"),
        ({"dose": 5}, ".dose: unknown key (did you mean amount?)"),
        ({"every": 5}, ".every: unknown key (did you mean interval?)"),
        ({"interval": None, "additional_doses": 5},
         ": additional_doses needs interval, the time from one course to the next, got additional_doses 5 alone"),
        ({"interval": None, "until": 20},
         ": until needs interval, the time from one course to the next, got until 20 d alone"),
        ({"additional_doses": 5, "until": 20}, ": must have at most one of additional_doses, until, got 5 and 20 d"),
        ({"adaptive": {"treat_above": 6, "stop_below": 3, "toxicity": "vacant"}},
         ".adaptive: toxicity and skip_above need each other, got toxicity vacant alone"),
        ({"adaptive": {"treat_above": 6, "stop_below": 3, "skip_above": 4}},
         ".adaptive: toxicity and skip_above need each other, got skip_above 4 alone"),
        ({"route": "infusion"}, ".infusion_duration: is required for route infusion, got nothing"),
        ({"route": "topical"}, ".route: topical needs drugs.fisetin.penetration_depth, got nothing"),
        ({"amount": None}, ".amount: is required, got nothing"),
    ],
)  # fmt: skip
def test_mistakes_in_a_treatment_of_an_arm_name_the_arm(treatment: dict[str, Any], message: str) -> None:
    arms = {"none": {}, "hit": {"treatments": {"t": merge(DOSE, treatment)}}}
    assert mistake(arms=arms) == f"arms.hit.treatments.t{message}"


@pytest.mark.parametrize(
    ("factor", "message"),
    [
        ({"reach": None}, "must have exactly one of reach, decay_rate, got neither"),
        ({"decay_rate": 2}, "must have exactly one of reach, decay_rate, got 100 um and 2 1/d"),
        ({"transport": "kernel"}, "transport kernel needs the section kernel, got nothing"),
        ({"transport": "well_mixed"}, "transport well_mixed needs decay_rate, not reach, got reach 100 um"),
        ({"cargo": {"response": {"hill": {}}}}, "cargo needs affinity: a cell type that takes the factor up, got none"),
    ],
)
def test_factors_that_cannot_be_say_what_is_wrong(factor: dict[str, Any], message: str) -> None:
    assert mistake(factors={"SASP": factor}) == f"factors.SASP: {message}"


# ---------------------------------------------------------------------------------------------------- what is told


def test_an_adaptive_regimen_says_what_forbids_for_a_while_and_what_for_good() -> None:
    def told(toxicity: str) -> str:
        return words(scenario(treatments={"t": merge(STEERED, {"adaptive": {"toxicity": toxicity, "skip_above": 2}})}))

    assert "with a look every 12 h, and for good none once off_target is above 2 %." in told("off_target")
    assert "with a look every 12 h, and none while vacant is above 2 %." in told("vacant")
    assert "and none while immune_capacity is above 2." in told("immune_capacity")


@pytest.mark.parametrize(("name", "amount", "percent"), [("ruxolitinib", 60, "60 %"), ("niclosamide", 25, "50 %")])
def test_a_senomorphic_is_told_by_its_mean_over_an_interval(name: str, amount: float, percent: str) -> None:
    text = words(scenario(treatments={"t": {"drug": name, "amount": amount, "interval": 1}}))
    assert f"On average over 1 d, after many doses, in skin: inhibit_secretion is {percent}." in text


@pytest.mark.parametrize("route", ["bolus", "oral", "infusion"])
@pytest.mark.parametrize("every", [0.3, 1.0, 5.0])
def test_the_mean_of_many_doses_is_their_sum(route: str, every: float) -> None:
    """Where the effect is in proportion to the drug, it is the area of one dose divided by the interval."""
    dose = Dose(route=route, amount=6.0, absorption=4.0, elimination=2.0, duration=0.7 * (route == "infusion"))
    weak = Effect(kind="inhibit_secretion", emax=1, ec50=1e9)
    assert dose.steady_mean(weak, 0.5, every) == pytest.approx(0.5 * 6 / 2 / every / 1e9, rel=1e-6)
    full = Effect(kind="inhibit_secretion", emax=0.7, ec50=1e-9)
    assert dose.steady_mean(full, 0.5, every) == pytest.approx(0.7, rel=1e-3)


def test_the_mean_of_a_bolus_has_a_closed_form() -> None:
    k, every, amount = 1.3, 2.0, 5.0
    dose = Dose(route="bolus", amount=amount, absorption=1.0, elimination=k, duration=0.0)
    high = amount / (1 - math.exp(-k * every))
    low = high * math.exp(-k * every)
    mean = 0.8 * math.log((3 + high) / (3 + low)) / (k * every)
    assert dose.steady_mean(Effect(kind="neutralise", emax=0.8, ec50=3), 1.0, every) == pytest.approx(mean)


def test_arms_are_told_with_the_days_of_their_treatments() -> None:
    arms = {"none": {}, "weekly": {"treatments": {"t": {**DOSE, "start": 1}}},
            "once": {"treatments": {"t": {"drug": "fisetin", "amount": 1, "start": 3}}},
            "late": {"treatments": {"t": {**DOSE, "start": 30}}}}  # fmt: skip
    text = words(scenario(arms=arms))
    assert "weekly treatment t: fisetin, days 1 to 29" in text
    assert "once treatment t: fisetin, day 3" in text
    assert "late treatment t: fisetin, never in this run" in text


def test_what_is_assumed_has_a_line_per_group() -> None:
    lines = explain(scenario(treatments={"t": DOSE})).splitlines()
    start = lines.index("Assumed, not measured:")
    assert lines[start + 1] == "  tissue skin: repair.rate 1 1/d."
    assert "  factor SASP: reach 100 um, secretion.secondary 0.5." in lines[start:]
    assert "  drug fisetin: absorption_half_life 30 min, effects.kill_senescent.emax 0.493 1/d," in lines[start:]
    assert not any("power 1" in line for line in lines[start:])


def test_three_axes_are_told_in_layers_and_nothing_is_seen_from_above() -> None:
    text = words(scenario({"tissues.skin.shape": [24, 20, 26]}))
    assert "24 layers (z) of 26 x 20 cells (0.39 x 0.3 x 0.36 mm)" in text
    assert "from above" not in text


# ------------------------------------------------------------------------------------------------------- what is next


def test_the_next_change_makes_a_difference() -> None:
    events = {"g": {"radius": "150 um"}}
    assert next_change(scenario()) == "--replicates 16"
    assert next_change(scenario(events=events)) == '--set events.g.radius="300 um"'
    assert next_change(scenario(events={"g": {"radius": 200}})) == '--set events.g.radius="100 um"', "600 um wide"
    graft = {"g": {"kind": "graft", "n_cells": 40}}
    assert next_change(scenario(events=graft)) == '--set events.g.n_cells="20 cells"', "it has no radius"
    arms = {"none": {}, "hit": {"treatments": {"t": DOSE}}}
    for read in (scenario(events=events, arms=arms), scenario(arms=arms)):
        assert next_change(read) == '--set arms.hit.treatments.t.amount="50 mg/kg"'
    assert next_change(scenario(treatments={"t": DOSE})) == '--set treatments.t.amount="50 mg/kg"'
    assert next_change(scenario(arms={"a": {"events": events}})) == '--set arms.a.events.g.radius="300 um"'
    key, _, value = next_change(scenario(arms=arms)).removeprefix("--set ").partition("=")
    assert scenario({key: value.strip('"')}, arms=arms).arms["hit"].treatments["t"].amount == 50.0
