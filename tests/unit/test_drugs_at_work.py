"""What drugs and outside events do to a tissue, from the tables: sizes, limits, dates and what outlives the drug."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from worlds import drug, effect, event, factor, run, start, tissue, together, world

import sim
from sim.experiment.replicate import run_replicate
from sim.results import RunRecord
from sim.scenario.load import from_dict
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree
from sim.tissue.state import EVADES_DRUGS, EVADES_IMMUNITY, SENESCENT

K = math.log(2) / 2  # of `drug`: half-life 2 d
HALF = tissue(initial={"burden": 50})
ONE_DOSE: Tree = {"treatments": {"course": {"interval": None}}}
SASP = factor(reach="20 um", secretion={"ramp": 0})


def record(settings: Settings) -> RunRecord:
    found = run_replicate(settings, "arm", 0)
    assert found.status == "finished", found.message
    return found


def table(*changes: Tree, days: float = 40, **top: Any) -> pd.DataFrame:
    """Rows of a quiet tissue of 60 x 60 cells, by day."""
    settings = world(*changes, shape=(60, 60), days=days, **top)
    return record(settings).timeseries.set_index("day")


# --------------------------------------------------------------------------------------------------- kill or tame


def test_a_senolytic_kills_what_its_effect_adds_up_to() -> None:
    """One bolus: 1 - exp(-emax / k ln(1 + C0 / ec50)); a binomial share of the senescent cells, at any dt."""
    killed = 1 - math.exp(-0.3 / K * math.log1p(2))
    for dt in (0.25, 1.0):
        rows = table(HALF, ONE_DOSE, drug(effect("kill_senescent", 0.3), interval=None), ONE_DOSE, dt=dt)
        n = rows.n_senescent[0]
        gone = n - rows.n_senescent.iloc[-1]
        assert abs(gone / n - killed) < 4 * math.sqrt(killed * (1 - killed) / n)
        assert gone == rows.cum_killed_by_drug.iloc[-1]


def test_a_senolytic_outlives_the_drug_and_a_senomorphic_does_not() -> None:
    """Two weeks after the last dose the drug is gone: killed cells stay away, muted ones are loud again."""
    stop = {"treatments": {"course": {"until": 10}}}
    killing = table(HALF, SASP, drug(effect("kill_senescent", 0.3)), stop, days=50)
    muting = table(HALF, SASP, drug(effect("inhibit_secretion", 0.8, time_constant=2)), stop, days=50)
    alone = table(HALF, SASP, days=50)
    assert killing.conc_drug[50] < 1e-4 * killing.conc_drug[10]
    assert killing.n_senescent[50] == killing.n_senescent[40] < 0.6 * alone.n_senescent[50]
    assert (muting.n_senescent == alone.n_senescent).all()  # not one cell less, at any time
    assert muting.mean_SASP[10] < 0.6 * alone.mean_SASP[10]
    assert muting.mean_SASP[50] == pytest.approx(alone.mean_SASP[50], rel=1e-4)


def test_the_sasp_returns_with_the_stated_time_constant() -> None:
    """A drug that is gone in minutes leaves only the lag: the missing share of the SASP falls by exp(-t / 2 d)."""
    stop = {"treatments": {"course": {"interval": 0.25, "until": 20}}}
    quick = drug(effect("inhibit_secretion", 0.8, time_constant=2), half_life="5 h")
    rows, alone = table(HALF, SASP, quick, stop, dt=0.25), table(HALF, SASP, dt=0.25)
    missing = 1 - rows.mean_SASP / alone.mean_SASP
    for day in (24, 26, 28, 30):
        assert missing[day + 2] / missing[day] == pytest.approx(math.exp(-1), rel=0.02)


def test_a_senomorphic_acts_at_once_on_secretion_by_the_stated_share() -> None:
    """At a constant infusion the level falls to 1 - emax C / (ec50 + C) of what it was."""
    drip = {"treatments": {"course": {"infusion_duration": 2, "amount": 2 * K * 15}}}  # plateau at 15
    rows = table(HALF, SASP, drug(effect("inhibit_secretion", 0.8), route="infusion"), drip)
    alone = table(HALF, SASP)
    assert rows.conc_drug[40] == pytest.approx(15, rel=1e-5)
    assert rows.mean_SASP[40] / alone.mean_SASP[40] == pytest.approx(1 - 0.8 * 0.75, rel=1e-5)


def test_a_neutraliser_adds_to_the_decay() -> None:
    """Multiples of the factor's own decay: at effect e the mean level is 1 / (1 + e); the unit stays."""
    drip = {"treatments": {"course": {"infusion_duration": 2, "amount": 2 * K * 15}}}
    rows = table(HALF, SASP, drug(effect("neutralise", 4), route="infusion"), drip)
    alone = table(HALF, SASP)
    assert rows.mean_SASP[40] / alone.mean_SASP[40] == pytest.approx(1 / (1 + 4 * 0.75), rel=1e-5)


def test_a_senomorphic_that_lowers_a_chemoattractant_costs_clearance() -> None:
    cleaned = together(HALF, tissue(clearance={"max_rate": 5, "half_saturation": 10, "territory": "whole tissue"}))
    caller = factor("CCL2", reach="20 um", secretion={"ramp": 0}, attracts_immunity={"half_max": 30, "basal": 0.1})
    muting = drug(effect("inhibit_secretion", 1.0), amount=1e6)
    alone, muted = table(cleaned, caller, days=20), table(cleaned, caller, muting, days=20)
    hazard = {name: -math.log(rows.n_senescent[2] / rows.n_senescent[0]) for name, rows in
              (("alone", alone), ("muted", muted))}  # fmt: skip
    assert muted.cum_immune[20] < alone.cum_immune[20]
    expected = 0.1 / (0.1 + 0.9 * 48 / (30 + 48))  # level about 48 over two days
    assert hazard["muted"] / hazard["alone"] == pytest.approx(expected, rel=0.2)


def test_independent_hazards_add() -> None:
    one = effect("kill_senescent", 0.1)
    two = {"again": {"kind": "kill_senescent", "emax": 0.2, "ec50": 5}}
    drip = {"treatments": {"course": {"infusion_duration": 2, "amount": 2 * K * 15}}}
    rows = table(tissue(initial={"burden": 100}), drug(one, two, route="infusion"), drip, days=30)
    expected = math.exp(-0.3 * 0.75 * 5)  # from day 20, at the plateau
    left = rows.n_senescent[25] / rows.n_senescent[20]
    assert abs(left - expected) < 4 * math.sqrt(expected * (1 - expected) / rows.n_senescent[20])


def test_inhibitions_multiply() -> None:
    two = {"again": {"kind": "inhibit_secretion", "emax": 0.4, "ec50": 5}}
    rows = table(HALF, SASP, drug(effect("inhibit_secretion", 0.5), two, amount=1e9), days=10)
    assert rows.mean_SASP[10] / table(HALF, SASP, days=10).mean_SASP[10] == pytest.approx(0.5 * 0.6, rel=1e-5)


def test_off_target_loss_is_counted_apart() -> None:
    both = drug(effect("kill_senescent", 0.2), effect("kill_healthy", 0.02), effect("kill_immune", 0.5))
    rows = table(HALF, both, tissue(clearance={"recovery": "5 d"}), days=30)
    assert rows.n_healthy[0] - rows.n_healthy[30] == rows.cum_off_target_drug[30] > 50
    assert rows.n_senescent[0] - rows.n_senescent[30] == rows.cum_killed_by_drug[30] > 500
    assert rows.off_target[30] == pytest.approx(100 * rows.cum_off_target_drug[30] / 3600)
    mean = rows.effect_drug_kill_immune[30]
    assert rows.immune_capacity[30] == pytest.approx(1 / (1 + 5 * mean), rel=0.1)


def test_healing_and_making_senescent() -> None:
    rows = table(HALF, drug(effect("rejuvenate", 0.1), effect("induce_senescence", 0.05)), days=20)
    turned = rows.cum_reversed_by_drug - rows.cum_induced_by_drug
    assert (rows.n_healthy - rows.n_healthy[0] == turned).all()
    assert min(rows.cum_reversed_by_drug[20], rows.cum_induced_by_drug[20]) > 300


# ------------------------------------------------------------------------------------------------------ limits

KILL = 50.0


def killer(**limits: Any) -> Tree:
    """A drug that kills all that it may."""
    return drug(effect("kill_senescent", KILL, **limits), amount=1e6)


def left_over(*changes: Tree, days: float = 10) -> dict[str, Any]:
    patch = run(world(*changes, shape=(40, 40)), round(days / 0.5))
    there = patch.cells.state == SENESCENT
    found = {name: patch.cells.arrays()[name][there] for name in ("cell_type", "cause", "generation", "since")}
    return {**found, "names": patch.event_names, "day": days}


def test_limited_to_a_cell_type() -> None:
    types = tissue(cell_types={"a": {"fraction": 0.5}, "b": {"fraction": 0.5}})
    left = left_over(HALF, types, killer(by_type={"a": 0}))
    assert set(left["cell_type"]) == {0}
    assert 300 < len(left["cell_type"]) < 500


def test_limited_to_a_cause() -> None:
    lesion = event(day=0, radius=60)
    left = left_over(HALF, lesion, killer(by_cause={"graft": 1, "others": 0}))
    assert {left["names"][code] for code in left["cause"]} == {"initial"}
    spared = left_over(HALF, lesion, killer(by_cause={"graft": 0}))
    assert {spared["names"][code] for code in spared["cause"]} == {"graft"}


def test_limited_by_generation() -> None:
    spread = together(HALF, factor(reach=20, induction={"linear": {"rate": 0.01}}))
    left = left_over(spread, killer(by_generation={"secondary": 0}))
    assert set(left["generation"]) == {1}


def test_limited_by_time_since_onset() -> None:
    """Cells are 30 d old on day 0, new ones turn all the time: the young are spared until they are 4 d old."""
    aging = together(HALF, tissue(damage={"baseline": 5}), killer(senescent_from=4))
    left = left_over(aging)
    ages = left["day"] - left["since"]
    assert ages.max() == 4.0  # 4 d now: the next step kills them
    assert len(ages) > 100
    old_only = left_over(HALF, tissue(damage={"baseline": 5}), killer(senescent_until=4))
    assert (old_only["day"] - old_only["since"] >= 4).sum() > 700


def test_limited_to_a_tissue() -> None:
    tree = {"days": 10, "tissues": {name: {"shape": [20, 20], "initial": {"burden": 50}, "damage": {"baseline": 0,
            "per_year": 0}, "clearance": {"max_rate": 0}} for name in ("here", "there", "elsewhere")}}  # fmt: skip
    about = killer(by_tissue={"there": 0})
    rows = record(from_dict(together(tree, about, {"treatments": {"course": {"tissues": ["here", "there"]}}})).common)
    last = rows.timeseries.query("day == 10").set_index("tissue")
    assert last.n_senescent["here"] == 0
    assert last.n_senescent["there"] > 150
    assert last.n_senescent["elsewhere"] > 150
    assert last.conc_drug["elsewhere"] == 0 < last.conc_drug["there"]


def test_a_topical_drug_fades_with_depth() -> None:
    """Layers of 200 cells: the hazard falls by exp(-depth / penetration) where the effect is proportional."""
    deep = tissue(shape=[5, 200], depth_axis="y", depth=10, initial={"burden": 100})
    cream = drug(effect("kill_senescent", 1e4, ec50=1e6), amount=20, route="topical", penetration_depth="20 um")
    simulation = start(world(deep, cream, {"treatments": {"course": {"interval": None}}}))
    for _ in range(80):
        simulation.step()
    state = simulation.patches["patch"].cells.state.reshape(5, 200)
    for layer, depth in enumerate((15, 25, 35, 45, 55)):
        expected = math.exp(-1e4 * 20 * math.exp(-depth / 20) / 1e6 / K)
        left = np.mean(state[layer] == SENESCENT)
        assert abs(left - expected) < 4 * math.sqrt(expected * (1 - expected) / 200) + 1e-6


# ---------------------------------------------------------------------------------------------------- refractory


def test_refractory_cells_stay() -> None:
    """Shares by age and cause, drawn when a cell turns; each evades its kind of killing, for good."""
    world_ = together(
        tissue(initial={"burden": 100}, evasion={"immune": 0.2, "drug": 0.1, "drug_per_year": 0.1}),
        tissue(clearance={"max_rate": 3000, "half_saturation": 1}), killer(),
    )  # fmt: skip
    patch = run(world(world_, shape=(60, 60), age_at_start="2 yr"), 60)
    cells = patch.cells
    assert (cells.refractory[cells.state == SENESCENT] == EVADES_IMMUNITY | EVADES_DRUGS).all()
    n, share = 3600, 0.2 * (0.1 + 0.2)
    left = np.count_nonzero(cells.state == SENESCENT) / n
    assert abs(left - share) < 4 * math.sqrt(share * (1 - share) / n)
    assert not cells.refractory[cells.state != SENESCENT].any()


# -------------------------------------------------------------------------------------------------------- dates


@pytest.mark.parametrize("dt", [0.1, 0.25, 1 / 3, 0.7, 1.0])
def test_a_dose_is_given_once_whatever_the_step(dt: float) -> None:
    """Days 0.6, 2.6, ... 10.6; the total exposure is doses x amount / k once all is gone."""
    dates = {"treatments": {"course": {"start": 0.6, "additional_doses": 5}}}
    found = record(world(drug(effect("kill_senescent", 0.1)), dates, days=70, dt=dt, record={"every": 7}))
    assert found.doses["day"].to_numpy() == pytest.approx(0.6 + 2 * np.arange(6))
    assert (found.doses["status"] == "given").all()
    rows = found.timeseries
    exposure = float((rows["conc_drug"].iloc[1:] * np.diff(rows["day"])).sum())
    assert exposure == pytest.approx(6 * 10 / K, rel=1e-8)


def arms(*treated: Tree) -> dict[str, pd.DataFrame]:
    common = together(HALF, SASP, tissue(damage={"baseline": 1}, repair={"rate": 1}))
    changes = {f"arm_{i}": change for i, change in enumerate(treated)}
    settings = world(common, shape=(30, 30), days=20)
    tree = settings.model_dump(exclude_none=True, exclude_unset=True)
    results = sim.run(from_dict({**tree, "arms": {"control": {}, **changes}}), replicates=2)
    rows = results.timeseries.filter(regex="^(?!conc_|effect_|cum_|new_)")
    return {arm: part.drop(columns="arm").reset_index(drop=True) for arm, part in rows.groupby("arm")}


def test_zero_dose_is_control_and_nothing_differs_before_the_first_dose() -> None:
    every = [effect(kind, 0.5) for kind in ("kill_senescent", "kill_healthy", "kill_immune", "inhibit_secretion",
             "neutralise", "inhibit_response", "inhibit_induction", "raise_maintenance", "boost_immune",
             "unjam_immune", "boost_repair", "rejuvenate", "induce_senescence", "block_uptake")]  # fmt: skip
    late = together(drug(*every), {"treatments": {"course": {"start": 8.2}}})
    found = arms(drug(*every, amount=0.0), late)
    pd.testing.assert_frame_equal(found["control"], found["arm_0"], check_exact=True)
    before = [found[arm].query("day <= 8") for arm in ("control", "arm_1")]
    pd.testing.assert_frame_equal(*before, check_exact=True)
    assert not found["control"].query("day == 9").equals(found["arm_1"].query("day == 9"))


def test_an_adaptive_regimen_treats_above_and_stops_below() -> None:
    """The calendar follows the burden of the day before each look, with hysteresis; toxicity forbids."""
    steered = {"treatments": {"course": {"interval": 1, "amount": 20, "adaptive": {
        "outcome": "burden", "treat_above": 12, "stop_below": 6, "check_every": 1}}}}  # fmt: skip
    changes = (tissue(initial={"burden": 20}, damage={"baseline": 1}), drug(effect("kill_senescent", 0.4)), steered)
    found = record(world(*changes, shape=(40, 40), days=80, dt=0.5))
    burden = found.timeseries.set_index("day").burden
    on, expected = False, []
    for day in range(80):
        on = burden[day] > 12 or (on and burden[day] >= 6)
        expected.append("given" if on else "stopped")
    assert found.doses["status"].tolist() == expected
    assert {"given", "stopped"} <= set(expected)
    assert sum(a != b for a, b in itertools.pairwise(expected)) >= 3  # on, off, on, off

    limit = {"treatments": {"course": {"adaptive": {"toxicity": "off_target", "skip_above": 5}}}}
    toxic = record(world(*changes, drug(effect("kill_healthy", 0.02)), steered, limit, shape=(40, 40), days=80))
    lost = toxic.timeseries.set_index("day").off_target
    due = toxic.doses[toxic.doses["status"] != "stopped"]
    assert [("toxic" if lost[day] > 5 else "given") for day in due["day"]] == due["status"].tolist()
    assert (due["status"] == "toxic").any()
