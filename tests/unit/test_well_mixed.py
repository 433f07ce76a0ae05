"""Well-mixed individuals: known limits of the equation, the same lives however they are run, what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats
from worlds import together

import sim
from sim.cohort import live, recorded_steps
from sim.errors import ScenarioError
from sim.rules.mortality import crossing_chance, crossing_time, death_hazard, lowest_between
from sim.rules.secretion import mean_phase, secretion_phase
from sim.scenario.load import Scenario, from_dict
from sim.scenario.trees import Tree, merge

MOUSE: Tree = {"preset": "karin_mouse_survival"}
STILL: Tree = {"damage": {"baseline": 0, "per_year": 0, "production": "absolute"}, "clearance": {"max_rate": 0}}
PERCENTILES = [5, 10, 25, 50, 75, 90, 95]


def individuals(*changes: Tree, tissue: Tree | None = None, **top: Any) -> Scenario:
    """A well-mixed scenario of one tissue in which nothing happens, with the changes made."""
    tree: Tree = {"mode": "well_mixed", "days": 100, "dt": 1, "age_at_start": 0, "replicates": 4, "seed": 1, **top}
    tree["tissues"] = {"body": STILL if tissue is None else tissue}
    return from_dict(merge(tree, together(*changes)))


def karin(**top: Any) -> Scenario:
    """The mouse of the saturated-removal model, Fig. 4b."""
    body = {"fluctuation": 0.16, "death": {"burden": 17}}
    return individuals({"body": body}, tissue=MOUSE, **{"days": 2000, "record": {"every": 100}, **top})


def burden_at_end(scenario: Scenario) -> np.ndarray:
    return live(scenario.common, 0, scenario.common.replicates).rows[:, -1, 0, 0]


# ------------------------------------------------------------------------------------------------------ known answers


def test_without_noise_and_removal_the_burden_is_half_eta_t_squared() -> None:
    scenario = individuals({"tissues": {"body": {"damage": {"per_year": 0.1}}}}, days=365.25, dt=365.25 / 4096)
    # left-hand sums of a rising rate are short of the integral by half a step
    assert burden_at_end(scenario) == pytest.approx(0.05 * 365.25 * (1.0 - 1.0 / 4096), rel=1e-9)


def test_per_cell_production_saturates() -> None:
    damage = {"baseline": 2.0, "production": "per_cell"}
    scenario = individuals({"tissues": {"body": {"damage": damage}}}, dt=2.0**-6)
    assert burden_at_end(scenario) == pytest.approx(100.0 * (1.0 - math.exp(-2.0)), rel=2e-3)


def test_own_death_is_exact() -> None:
    tissue = {"initial": {"burden": 10}, "clearance": {"own_death": 0.05}}
    scenario = individuals({"tissues": {"body": tissue}}, days=20, dt=4)
    assert burden_at_end(scenario) == pytest.approx(10.0 * math.exp(-1.0), rel=1e-12)


def test_reflected_noise_is_that_of_a_folded_normal() -> None:
    scenario = individuals({"body": {"fluctuation": 0.5}}, days=50, replicates=20_000)
    assert stats.kstest(burden_at_end(scenario) / math.sqrt(50.0), "halfnorm").pvalue > 0.01


@pytest.mark.parametrize("dt", [1.0, 0.25])
def test_at_a_standing_age_the_burden_settles_to_its_stationary_density(dt: float) -> None:
    eta, beta, kappa, eps = 0.10, 0.15, 0.5, 0.05
    tissue = {"damage": {"baseline": eta}, "clearance": {"max_rate": beta, "half_saturation": kappa}}
    scenario = individuals(
        {"tissues": {"body": tissue}, "body": {"fluctuation": eps}}, days=800, dt=dt, replicates=4000
    )
    seen = burden_at_end(scenario)

    def density(x: float) -> float:
        return math.exp(((eta - beta) * x + beta * kappa * math.log1p(x / kappa)) / eps)

    norm = integrate.quad(density, 0, 60)[0]
    mean, square = (integrate.quad(lambda x, p=p: x**p * density(x), 0, 60)[0] / norm for p in (1, 2))
    error = math.sqrt((square - mean**2) / seen.size)
    euler = 0.01 * mean * dt  # the drift of a step is that of its start
    assert seen.mean() == pytest.approx(mean, abs=3 * error + euler)
    assert seen.var() == pytest.approx(square - mean**2, rel=0.1)


def test_first_passage_of_pure_noise_has_the_known_distribution() -> None:
    """From 0, reflected: the exit time of |B| from an interval; the mean is line^2 / (2 eps)."""
    body = {"fluctuation": 0.5, "death": {"burden": 5}}
    scenario = individuals({"body": body}, days=600, dt=1, replicates=20_000)
    lives = live(scenario.common, 0, 20_000)
    assert lives.died.all()
    error = math.sqrt(2.0 / 3.0) * 25.0 / math.sqrt(lives.ends.size)  # variance 2/3 of the squared mean
    assert lives.ends.mean() == pytest.approx(25.0, abs=3 * error + 0.1)


def test_a_soft_threshold_kills_at_its_hazard() -> None:
    tissue = {"initial": {"burden": 17}}
    death = {"death": {"burden": 17, "steepness": 1}}  # a half per day at the threshold
    scenario = individuals({"tissues": {"body": tissue}, "body": death}, days=60, replicates=20_000)
    lives = live(scenario.common, 0, 20_000)
    assert lives.died.all()
    assert stats.kstest(lives.ends, "expon", args=(0, 2.0)).pvalue > 0.01


# --------------------------------------------------------------------------------------------------- the same lives


def test_halving_the_step_moves_no_percentile_of_life() -> None:
    scenario = karin(replicates=10_000)
    ages = [live(scenario.override({"dt": dt}).common, 0, 10_000).ends for dt in (1.0, 0.5)]
    coarse, fine = (np.percentile(each, PERCENTILES) for each in ages)
    np.testing.assert_allclose(coarse, fine, rtol=0.005)
    assert np.corrcoef(*ages)[0, 1] > 0.98  # it is the same path


def test_lives_do_not_depend_on_workers_or_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = karin(replicates=30).override({"arms": {"a": {}, "b": {"body": {"fluctuation": 0.1}}}})
    whole = sim.run(scenario)
    monkeypatch.setattr("sim.experiment.run.BLOCK", 7)
    monkeypatch.setattr("sim.experiment.collect.WORTH_A_WORKER", 15)
    for results in (sim.run(scenario), sim.run(scenario, workers=2)):
        assert len(results.manifest["runs"]) == 10
        for name in ("individuals", "timeseries"):
            assert getattr(results, name).equals(getattr(whole, name))
    alone = live(scenario.common, 11, 1)
    assert alone.ends[0] == whole.individuals["age"][11]


def test_rows_end_with_the_individual() -> None:
    results = sim.run(karin(replicates=20))
    last = results.timeseries.groupby("replicate")["day"].max()
    ends = results.individuals.set_index("replicate")["day"]
    assert (last == 100.0 * np.floor(ends / 100.0)).all()
    assert results.individuals["died"].all()
    assert results.timeseries.groupby("replicate").size().eq(last / 100.0 + 1).all()
    assert list(results.timeseries) == ["arm", "replicate", "tissue", "day", "burden", "immune_capacity"]


def test_recorded_steps_are_those_of_a_tissue() -> None:
    settings = individuals(days=10, dt=0.75, record={"every": 2}).common
    assert recorded_steps(settings).tolist() == [0, 3, 6, 8, 11, 14]


# --------------------------------------------------------------------------------------------------- factors and drugs


def test_factors_act_as_in_a_steady_tissue() -> None:
    """Jamming at the level of a steady burden: removal balances damage where the equation says so."""
    tissue = {
        "damage": {"baseline": 0.05, "production": "absolute"},
        "clearance": {"max_rate": 0.3, "half_saturation": 1.0},
    }
    sasp = {"transport": "well_mixed", "decay_rate": 50, "jams_immunity": {"half_max": 2}, "secretion": {"ramp": 0}}
    scenario = individuals({"tissues": {"body": tissue}, "factors": {"SASP": sasp}}, days=2000, dt=1)
    x = burden_at_end(scenario)[0]
    assert 0.3 * x / (1.0 + x) / (1.0 + x / 2.0) == pytest.approx(0.05, rel=1e-6)


def test_a_drug_that_kills_lowers_the_burden_by_its_hazard() -> None:
    effect = {"kill": {"kind": "kill_senescent", "emax": 1.0, "ec50": 1e-6}}
    drug = {"half_life": "2 d", "route": "bolus", "effects": effect}
    course = {"course": {"drug": "killer", "amount": 10, "start": 2}}
    tissue = {"initial": {"burden": 10}}
    scenario = individuals(
        {"tissues": {"body": tissue}, "drugs": {"killer": drug}, "treatments": course}, days=5, dt=0.5
    )
    assert burden_at_end(scenario) == pytest.approx(10.0 * math.exp(-3.0), rel=1e-4)
    doses = sim.run(scenario).doses
    assert doses["replicate"].tolist() == [0, 1, 2, 3]
    assert (doses["day"] == 2.0).all()


def test_it_is_the_mean_field_of_a_tissue() -> None:
    """Many cells that all meet each other: jamming, induction by level and by cargo, ramps and secondary cells."""
    half = {"max_rate": 0.001, "half_max": 10, "power": 2}
    drift = {"affinity": {"fibroblast": 1}, "cargo": {"memory": "3 d", "response": {"hill": half}}}
    mixed = {"transport": "well_mixed", "decay_rate": 20}
    skin = {"preset": "mouse_dermis", "initial": {"burden": 5}, "repair": {"rate": 20},
            "clearance": {"territory": "whole tissue"}}  # fmt: skip
    tree: Tree = {
        "days": 100, "dt": 0.5, "age_at_start": "12 mo", "replicates": 2, "seed": 1, "record": {"every": 50},
        "tissues": {"skin": {**skin, "shape": [128, 128]}},
        "factors": {"SASP": {**mixed, "induction": {"hill": half}, "jams_immunity": {"half_max": 20}},
                    "drift": {**mixed, **drift}},
    }  # fmt: skip
    columns = ["burden", "mean_SASP", "mean_drift"]
    cells, twin = (
        sim.run(from_dict({**tree, "mode": mode})).timeseries.groupby("day")[columns].mean()
        for mode in ("tissue", "well_mixed")
    )
    assert twin["burden"].to_numpy() == pytest.approx(cells["burden"].to_numpy(), rel=0.06)
    assert twin.iloc[1:].to_numpy() == pytest.approx(cells.iloc[1:].to_numpy(), rel=0.1)


@pytest.mark.parametrize(("delay", "ramp", "duration"), [(0, 5, math.inf), (2, 5, math.inf), (1, 5, 3), (0, 0, 4)])
def test_mean_secretion_is_that_of_an_even_stream(delay: float, ramp: float, duration: float) -> None:
    loss = 0.17
    ends = [delay, delay + min(ramp, duration), delay + duration]
    pieces = zip(ends, [*ends[1:], math.inf], strict=True)
    integral = sum(
        integrate.quad(lambda a: loss * math.exp(-loss * a) * secretion_phase(a, delay, ramp, duration), low, high)[0]
        for low, high in pieces
        if low < high
    )
    assert mean_phase(loss, float(delay), float(ramp), float(duration)) == pytest.approx(integral, rel=1e-6)
    assert mean_phase(0.0, 0.0, 5.0, math.inf) == 1.0


# ------------------------------------------------------------------------------------------------------------- rules


def test_the_rules_of_a_bridge() -> None:
    rng, steps = np.random.default_rng(1), 2000
    u = 1.0 - rng.random(4000)
    walk = np.cumsum(rng.standard_normal((4000, steps)) / math.sqrt(steps), axis=1)
    share = np.arange(1, steps + 1) / steps
    bridge = 1.0 + walk - share * walk[:, -1:] + share * 0.5  # from 1 to 1.5, variance 1
    lowest = [lowest_between(1.0, 1.5, 1.0, each) for each in u.tolist()]
    assert np.mean(lowest) == pytest.approx(bridge.min(axis=1).mean(), abs=0.03)
    crossed = (bridge.max(axis=1) >= 2.0).mean()
    assert crossing_chance(1.0, 1.5, 2.0, 1.0) == pytest.approx(crossed, abs=0.04)
    assert crossing_chance(1.0, 2.5, 2.0, 1.0) == 1.0
    assert crossing_chance(1.0, 1.5, 2.0, 0.0) == 0.0
    assert crossing_time(1.0, 3.0, 2.0) == crossing_time(1.0, 1.0, 2.0) == 0.5
    assert death_hazard(17.0, 17.0, 3.0) == 0.5
    assert death_hazard(-1e6, 17.0, 3.0) == 0.0
    assert death_hazard(1e6, 17.0, 3.0) == 1.0


# --------------------------------------------------------------------------------------------------------- what is not


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tissues": {"body": {"contact": {"hazard": 0.1}}}}, "tissues.body.contact.hazard: is not possible"),
        ({"tissues": {"brain": {**STILL, "represents": 10}}}, "tissues.body.represents: must be told where that of"),
        (
            {"factors": {"SASP": {"decay_rate": 1, "jams_immunity": {}, "blood": {}}}},
            "tissues.body.volume: must be told where SASP is",
        ),
        ({"events": {"graft": {"radius": 100}}}, "events.graft: is not possible"),
        ({"stop": {"cause": "damage", "count": 3}}, "stop: is not possible"),
        ({"generations": "tracked"}, "generations: is not possible"),
        ({"factors": {"SASP": {"decay_rate": 0, "jams_immunity": {}}}}, "factors.SASP: must have a steady level"),
        ({"arms": {"a": {"mode": "tissue"}}}, "arms.a.mode: must be the same in all arms"),
    ],
)
def test_what_single_cells_do_is_refused(change: Tree, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        individuals(change)


def test_a_tissue_must_have_a_place_for_its_cells() -> None:
    with pytest.raises(ScenarioError, match="exactly one of shape, cloud, got neither"):
        individuals(mode="tissue")
    assert individuals({"tissues": {"body": {"shape": [10, 10]}}}).common.mode == "well_mixed"  # the twin of a tissue
    with pytest.raises(ScenarioError, match="mode: must be tissue"):
        sim.Simulation(individuals().common)


def test_what_is_not_kept_and_what_is_too_coarse_is_told() -> None:
    clearance = {"max_rate": 0.5, "half_saturation": 0.5}
    notes = individuals({"tissues": {"body": {"clearance": clearance}}}, record={"maps": ["state"], "days": [1]}).notes
    assert [note.split(":")[0] for note in notes] == ["record.maps", "dt"]
