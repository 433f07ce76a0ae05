"""What `explain` says of drugs, doses and events is true: numbers from closed forms, days from the regimen."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from sim.explain import explain
from sim.explain.kinetics import Dose, dose_of
from sim.explain.tissues import depths
from sim.organism.compartments import Compartments, Source
from sim.organism.compartments import Dose as Given
from sim.rng import Stream
from sim.scenario.drug import Drug, Effect
from sim.scenario.load import from_dict
from sim.scenario.tissue import Tissue
from sim.scenario.treatment import Treatment
from sim.tissue.build import build_geometry
from sim.tissue.build import depths as depths_of_sites

KILL = {"kind": "kill_senescent", "emax": 2, "ec50": 30}


def dose(route: str, **changes: Any) -> Dose:
    """100 mg/kg of a drug with a half-life of 4 h."""
    drug = Drug(half_life=4 / 24, absorption_half_life=0.5 / 24, bioavailability=0.8)
    return dose_of(drug, Treatment(drug="d", amount=100, route=route, **changes))


def words_of(*, drug: dict[str, Any] | None = None, arms: dict[str, Any] | None = None, **more: Any) -> str:
    """The whole text in one line, for one drug `pill` and one tissue `t`."""
    tree = {
        "days": 90,
        "age_at_start": "24 mo",
        "tissues": {"t": {"shape": [20, 20]}},
        "drugs": {"pill": {"half_life": "4 h", "effects": {"kill_senescent": KILL}, **(drug or {})}},
        "arms": {
            arm: {"treatments": {"pills": each}} if each else {} for arm, each in (arms or {"control": {}}).items()
        },
        **more,
    }
    return " ".join(explain(from_dict(tree)).split())


# --------------------------------------------------------------------------------------------------------- one dose


def test_peaks_of_closed_form() -> None:
    k, ka = math.log(2) / (4 / 24), math.log(2) / (0.5 / 24)
    assert dose("bolus").concentration(4 / 24) == pytest.approx(50)
    assert (dose("bolus").peak_time, dose("topical").peak_time) == (0, 0)
    oral = dose("oral")
    assert oral.peak_time == pytest.approx(math.log(ka / k) / (ka - k))
    assert oral.concentration(oral.peak_time) == pytest.approx(80 * (ka / k) ** (-k / (ka - k)))
    infusion = dose("infusion", infusion_duration=2 / 24)
    assert infusion.concentration(2 / 24) == pytest.approx(100 / (2 / 24) / k * (1 - math.exp(-k * 2 / 24)))
    assert infusion.concentration(6 / 24) == pytest.approx(infusion.concentration(2 / 24) / 2)


def test_an_oral_dose_with_equal_rates_has_a_peak() -> None:
    same = Dose(route="oral", amount=1.0, absorption=3.0, elimination=3.0, duration=0.0)
    assert same.peak_time == pytest.approx(1 / 3)
    assert same.concentration(same.peak_time) == pytest.approx(math.exp(-1))


def test_many_doses_accumulate_as_a_geometric_series() -> None:
    daily = Dose(route="bolus", amount=5.0, absorption=1.0, elimination=math.log(2), duration=0.0)
    assert daily.accumulation(np.arange(60.0)) == pytest.approx(2)  # 1 / (1 - exp(-k tau))
    assert daily.accumulation(np.arange(3.0)) == 1 + 1 / 2 + 1 / 4
    assert daily.accumulation(np.array([0.0, 1.0, 50.0])) == 1.5  # the most, not the last
    assert daily.accumulation(np.zeros(1)) == 1


@pytest.mark.parametrize("power", [0.5, 1.0, 3.0, 20.0])
def test_a_bolus_kills_by_the_closed_form(power: float) -> None:
    effect = Effect(kind="kill_senescent", emax=2, ec50=30, power=power)
    k = math.log(2) / (4 / 24)
    assert dose("bolus").cumulative(effect, 1.0) == pytest.approx(2 * math.log1p((100 / 30) ** power) / (power * k))
    quick = dose("infusion", infusion_duration=1e-9)
    assert quick.cumulative(effect, 0.5) == pytest.approx(dose("bolus").cumulative(effect, 0.5), rel=1e-6)


@pytest.mark.parametrize("power", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("route", ["oral", "infusion"])
def test_what_explain_promises_is_what_the_simulation_gives(route: str, power: float) -> None:
    each = dose(route, **({"infusion_duration": 2.0} if route == "infusion" else {}))
    source = Source(each.absorption if route == "oral" else 0.0, each.duration)
    body = Compartments(each.elimination, [source], np.array([[0.7]]), *np.array([[2.0], [30.0], [power]]))
    total = 0.0
    for step in range(200):
        given = [Given(0.1, 0, each.amount)] if step == 0 else []
        total += 0.25 * float(body.advance(step * 0.25, 0.25, given)[1][0, 0])
    effect = Effect(kind="kill_senescent", emax=2, ec50=30, power=power)
    assert each.cumulative(effect, 0.7) == pytest.approx(total, rel=1e-6)


def test_nothing_does_nothing() -> None:
    effect = Effect(kind="kill_senescent", emax=0, ec50=1)
    assert dose("bolus").cumulative(effect, 1.0) == 0
    assert dose("oral").cumulative(Effect(kind="kill_senescent", emax=1, ec50=1), 0.0) == 0


# ------------------------------------------------------------------------------------------------------- the calendar


def test_the_calendar_lists_days_and_what_is_beyond_the_run() -> None:
    dq = {"drug": "pill", "amount": 55, "start": 14, "interval": 14}
    text = words_of(arms={"few": {**dq, "additional_doses": 2}, "many": {**dq, "additional_doses": 9}, "none": {}})
    assert "pills: pill 55 mg/kg, oral." in text
    assert "arm few: 3 doses, every 14 d: days 14, 28, 42, at an age of 24.5 mo to 25.4 mo. Each is gone" in text
    assert "arm many: 6 doses, every 14 d: days 14, 28, 42, 56, 70, 84, at" in text
    assert "4 more would fall on or after the last day and are not given." in text


def test_long_calendars_are_short_and_doses_add_up() -> None:
    daily = {"drug": "pill", "amount": 5, "interval": "4 h", "until": 60, "route": "bolus"}
    text = words_of(arms={"tame": daily})
    assert "all arms: 360 doses, every 4 h: days 0, 0.166667, 0.333333 ... 59.8333, at" in text
    assert "Accumulation 2." in text
    course = {"drug": "pill", "amount": 5, "start": 80, "interval": 10, "days_on": 5, "until": 200}
    text = words_of(arms={"a": course, "late": {"drug": "pill", "amount": 5, "start": 90}})
    assert "arm a: 5 doses, 5 days in a row, every 10 d: days 80, 81, 82, 83, 84, at" in text
    assert "55 more would fall" in text
    assert "arm late: no dose, because the first would be on day 90 and the run ends before." in text


def test_adaptive_doses_say_what_steers_them() -> None:
    adaptive = {"treat_above": 5, "stop_below": 3, "toxicity": "off_target", "skip_above": 2, "check_every": 7}
    each = {"drug": "pill", "amount": 55, "start": 14, "interval": 14, "adaptive": adaptive}
    by_level = {**each, "adaptive": {"outcome": "mean_SASP", "treat_above": 5, "stop_below": 3}}
    text = words_of(arms={"a": each, "b": by_level}, factors={"SASP": {"reach": 100}})
    assert (
        "arm a: up to 6 doses, every 14 d: days 14, 28, 42, 56, 70, 84, at an age of 24.5 mo to 26.8 mo, only from a "
        "look that finds burden of t above 5 % to one that finds it below 3 %, with a look every 7 d, and for good "
        "none once off_target is above 2 %."
    ) in text
    assert "finds mean_SASP of t above 5 to one that finds it below 3, with a look every 12 h." in text


def test_facts_of_one_dose_by_tissue() -> None:
    bolus = {"route": "bolus", "penetration": {"skin": 0.5}, "effects": {
        "kill_senescent": {**KILL, "by_tissue": {"liver": 0.5}},
        "off": {"kind": "kill_healthy", "emax": 0, "ec50": 1},
        "mute": {"kind": "inhibit_secretion", "emax": 0.8, "ec50": 60, "time_constant": 2},
        "help": {"kind": "boost_immune", "emax": 3, "ec50": 60},
    }}  # fmt: skip
    text = words_of(drug=bolus, arms={"a": {"drug": "pill", "amount": 60}},
                    tissues={"skin": {"shape": [20, 20]}, "liver": {"shape": [20, 20]}},
                    factors={"SASP": {"reach": 100, "jams_immunity": {}}})  # fmt: skip
    k = math.log(2) / (4 / 24)
    in_skin, in_liver = (
        100 * (1 - math.exp(-share * 2 * math.log(1 + c / 30) / k)) for share, c in ((1, 30), (0.5, 60))
    )
    assert "One dose peaks at 60 mg/kg at once." in text
    assert (
        "In skin: at the peak kill_senescent is 1 per day, mute is 26.7 % but for its lag, help is 2-fold; over all "
        f"time it kills {in_skin:.3g} % of the senescent cells (of cells that it acts on in full)."
    ) in text
    assert (
        "In liver: at the peak kill_senescent is 0.667 per day, mute is 40 % but for its lag, help is 2.5-fold" in text
    )
    assert f"over all time it kills {in_liver:.3g} % of the senescent cells" in text


def test_a_cream_fades_with_depth() -> None:
    tissue = {"shape": [4, 20, 20], "cell_spacing": 10, "depth_axis": "z", "depth": 5}
    cream = {"route": "topical", "penetration_depth": 20, "unit": "uM"}
    text = words_of(drug=cream, arms={"a": {"drug": "pill", "amount": 60, "tissues": ["t"]}}, tissues={"t": tissue})
    assert "5 to 45 um below the surface along z" in text
    assert "Applied to a surface, its concentration falls to 1/e per 20 um of depth (assumed)." in text
    assert "pills: pill 60 uM, topical, to t. One dose peaks at 60 uM at once." in text
    high, low = (100 * math.exp(-depth / 20) for depth in (10, 40))
    assert (
        f"In t: {high:.3g} % of the surface concentration reach the uppermost cells, and {low:.3g} % the lowest" in text
    )
    assert "(of uppermost cells that it acts on in full)" in text


def test_depths_are_those_of_the_cells() -> None:
    tissue = Tissue(shape=[4, 6, 8], depth_axis="y", depth=30)
    of_sites = depths_of_sites(tissue, build_geometry(tissue, Stream(0, 0, 0)))
    assert depths(tissue) == (of_sites.min(), of_sites.max())


# ---------------------------------------------------------------------------------------------- drugs, events, tissues


def test_every_kind_of_effect_and_limit_has_words() -> None:
    def effect(kind: str, emax: float, **more: Any) -> dict[str, Any]:
        return {"kind": kind, "emax": emax, "ec50": 7, **more}

    limits = {"by_cause": {"damage": 0, "others": 0.5}, "by_generation": {"primary": 2}, "by_type": {"cell": 0.1},
              "by_tissue": {"t": 0.3}, "senescent_from": 5, "senescent_until": 20, "time_constant": 2}  # fmt: skip
    effects = {
        "kill_senescent": {**effect("kill_senescent", 2, power=2), **limits},
        "spare": effect("kill_healthy", 0.1),
        "kill_immune": effect("kill_immune", 0.2),
        "inhibit_secretion": effect("inhibit_secretion", 0.6, factors=["SASP"]),
        "neutralise": effect("neutralise", 9),
        "block_uptake": effect("block_uptake", 0.5, factors=["SASP", "drift"]),
        "inhibit_response": effect("inhibit_response", 0.5),
        "inhibit_induction": effect("inhibit_induction", 0.5),
        "raise_maintenance": effect("raise_maintenance", 0.5),
        "boost_immune": effect("boost_immune", 2),
        "unjam_immune": effect("unjam_immune", 0.5),
        "boost_repair": effect("boost_repair", 1),
        "rejuvenate": effect("rejuvenate", 0.1),
        "induce_senescence": effect("induce_senescence", 0.1),
        "none": effect("kill_healthy", 0),
    }  # fmt: skip
    recovery = {"value": 9, "source": "us", "confidence": "measured"}
    text = words_of(
        drug={"description": "A test.", "penetration": {"others": 0.2}, "effects": effects},
        arms={"a": {"drug": "pill", "amount": 10}, "b": {}},
        tissues={"t": {"shape": [20, 20], "clearance": {"recovery": recovery}}},
        factors={"SASP": {"reach": 100, "jams_immunity": {}, "attracts_immunity": {}, "boosts_repair": {"power": 2}},
                 "drift": {"reach": 50, "affinity": {"cell": 1}, "cargo": {"response": {"hill": {}}}}},
    )  # fmt: skip
    for sentence in (
        "Drug pill. A test. Amounts are in mg/kg. Half of it is gone after 4 h (assumed).",
        "Half of an oral dose is absorbed after 30 min, and 100 % reach the body (assumed; doses",
        "The concentration is that of the body times 0.2 in all other tissues (assumed).",
        "It kills senescent cells at up to 2 per day, half of it at 7 mg/kg, power 2 (assumed); times 0.3 in t "
        "(assumed); times 0.1 for cell cells (assumed); times 0 where damage turned the cell and 0.5 for all other "
        "causes (assumed); times 2 for primary cells (assumed); only on cells that are senescent for at least 5 d "
        "(assumed) and for less than 20 d (assumed); it follows the drug, and is lost after it, with a time constant "
        "of 2 d (assumed).",
        "It kills healthy cells at up to 0.1 per day (spare), half of it at 7 mg/kg (assumed).",
        "It kills immune cells at up to 0.2 per day",
        "Immune cells that are lost come back with a time constant of 9 d (us, measured).",
        "It lowers the secretion of SASP by up to 60 %, half",
        "It neutralises all factors, raising the decay up to 10-fold, half of the gain at 7 mg/kg",
        "It lowers the uptake of SASP and drift by up to 50 %",
        "It lowers the response of healthy cells to all factors by up to 50 %",
        "It averts up to 50 % of induction of any kind, half",
        "It averts up to 50 % of induction of any kind, as upkeep does",
        "It raises immune clearance up to 3-fold",
        "It takes up to 50 % of the jamming of clearance away",
        "It raises repair up to 2-fold",
        "It makes senescent cells healthy at up to 0.1 per day",
        "It turns healthy cells senescent at up to 0.1 per day",
        "It does nothing as kill_healthy (none): emax is 0 (assumed).",
        "Its level raises repair up to 3-fold, half of the gain at 5, power 2",
        "It attracts immune cells: 50 % of clearance needs none of it, and half of the rest comes at a level of 1",
        "jamming and attraction included.",
    ):
        assert sentence in text, sentence


def test_a_drug_nobody_is_given_is_not_told() -> None:
    text = words_of()
    assert "Drug pill" not in text
    assert "Doses." not in text
    assert "come back" not in text
    assert "all arms: 1 dose: day 0, at an age of 24 mo." in words_of(arms={"a": {"drug": "pill", "amount": 0}})


def test_events_of_every_kind_have_words() -> None:
    events = {
        "cut": {"kind": "wound", "day": 10, "radius": 50},
        "scratch": {"kind": "wound", "day": 11, "radius": 50, "share": 0},
        "sun": {"kind": "irradiation", "day": 3, "radius": "whole tissue", "share": 0.2, "penetration_depth": 50,
                "delay": 0, "duration": 0},
        "flu": {"kind": "infection", "day": 5, "at": [20, 30], "delay": 2, "duration": 0},
        "laser": {"kind": "removal", "day": 60},
        "sham": {"day": 2, "cells": "healthy"},
    }  # fmt: skip
    tissue = {"shape": [20, 20], "repair": {"reach": 3},
              "evasion": {"immune": 0.1, "drug_per_year": 0.01, "by_cause": {"cut": 0, "others": 0.5}}}  # fmt: skip
    text = words_of(events=events, tissues={"t": tissue})
    for sentence in (
        "day 2, sham: healthy cells of the types that stand there within 150 um of the centre of t; all arms.",
        "day 3, sun: irradiation: 20 % of the healthy cells at the surface (falling to 1/e per 50 um of depth "
        "(assumed)) in all of t turn senescent at once (assumed); all arms.",
        "day 5, flu: infection: 50 % of the healthy cells within 150 um of (20, 30) um of t turn senescent 2 d later",
        "day 10, cut: a wound removes all cells within 50 um of the centre of t; 50 % of the healthy cells in the 75 "
        "um around it",
        "turn senescent between 1 d and 4 d later",
        "day 11, scratch: a wound removes all cells within 50 um of the centre of t; all arms.",
        "day 60, laser: the senescent cells within 150 um of the centre of t are taken out; all arms.",
        "Evasion, for good, of the cells that turn senescent: 10 % evade immune cells at age 0 (assumed); 0 % evade "
        "all drugs at age 0, 1 % more per year of age (assumed); times 0 where cut turned them and 0.5 for all other",
        "jamming included, evading cells left out.",
        "a daughter comes from up to 3 cells away (assumed)",
    ):
        assert sentence in text, sentence
