"""The well-mixed twin of an organism: several tissues, blood, evasion and traits, each against a known answer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp
from worlds import together

from sim.cohort import Lives, live
from sim.organism.individuals import embodied, traits
from sim.scenario.load import Scenario, from_dict
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree, merge

STILL: Tree = {"damage": {"baseline": 0, "per_year": 0, "production": "absolute"}, "clearance": {"max_rate": 0}}
KARIN: Tree = {"preset": "karin_mouse_survival"}
NOISE: Tree = {"body": {"fluctuation": 0.16, "death": {"burden": 17}}}


def twin(tissues: dict[str, Tree], *changes: Tree, **top: Any) -> Scenario:
    """A well-mixed scenario of these tissues, with the changes made."""
    tree: Tree = {"mode": "well_mixed", "days": 100, "dt": 1, "age_at_start": 0, "replicates": 4, "seed": 1, **top}
    return from_dict(merge({**tree, "tissues": tissues}, together(*changes)))


def lives(scenario: Scenario) -> Lives:
    return live(scenario.common, 0, scenario.common.replicates)


def whole(settings: Settings, found: Lives) -> np.ndarray:
    """Burden of the whole body, (n, R)."""
    sizes = np.array([tissue.represents or 1.0 for tissue in settings.tissues.values()])
    return found.rows[..., 0] @ (sizes / sizes.sum())


def killer(kill: float, **limits: Any) -> Tree:
    """A drug that kills at a constant hazard [1/d] from day 0 on, for ever."""
    effect = {"kill": {"kind": "kill_senescent", "emax": kill, "ec50": 1e-9, **limits}}
    drug = {"half_life": "1e5 d", "route": "bolus", "effects": effect}
    return {"drugs": {"killer": drug}, "treatments": {"course": {"drug": "killer", "amount": 10}}}


# ------------------------------------------------------------------------------------------------ one tissue, as before


def test_single_tissues_live_as_they_did() -> None:
    """Lives and burdens of day 500, from the version that knew one tissue only."""
    scenario = twin({"body": KARIN}, NOISE, days=2000, record={"every": 100})
    found = live(scenario.common, 0, 3)
    assert found.ends == pytest.approx([806.5573970235578, 675.2902704084413, 1030.7871895936105], rel=1e-9)
    burdens = [1.3504124375276163, 4.891440627636247, 0.5425788270593114]
    assert found.rows[:, 5, 0, 0] == pytest.approx(burdens, rel=1e-9)


# ------------------------------------------------------------------------------------------------------ several tissues


def test_two_unconnected_tissues_are_one_tissue_twice() -> None:
    skin = {**KARIN, "initial": {"burden": 1}}
    body = {"body": {"fluctuation": 0.16}}
    alone = lives(twin({"skin": skin}, body, days=600))
    both = lives(twin({"skin": skin, "bone": skin}, body, days=600))
    np.testing.assert_array_equal(both.rows[:, :, 0], alone.rows[:, :, 0])
    np.testing.assert_array_equal(both.rows[:, :, 1], alone.rows[:, :, 0])


def test_an_unconnected_tissue_leaves_the_others_as_they_are() -> None:
    """Other numbers, other cell types, a treatment that is not for it."""
    skin = {**KARIN, "cell_types": {"fibroblast": {}}}
    bone = {**STILL, "initial": {"burden": 5}, "cell_types": {"a": {"fraction": 0.25}, "b": {"fraction": 0.75}}}
    course = together(killer(0.01), {"treatments": {"course": {"tissues": ["skin"]}}})
    noise = {"body": {"fluctuation": 0.16, "systemic_share": 0.3}}
    alone = lives(twin({"skin": skin}, course, noise))
    both = lives(twin({"skin": skin, "bone": bone}, course, noise))
    np.testing.assert_array_equal(both.rows[:, :, 0], alone.rows[:, :, 0])
    quiet = lives(twin({"skin": skin, "bone": bone}, course))
    assert (quiet.rows[:, :, 1, 0] == 5.0).all()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_systemic_share_is_the_correlation_of_pure_noise(share: float) -> None:
    tissues = {name: {**STILL, "initial": {"burden": 50}} for name in ("skin", "bone")}
    body = {"body": {"fluctuation": 0.1, "systemic_share": share}}
    found = lives(twin(tissues, body, days=50, replicates=4000))
    skin, bone = found.rows[:, -1, :, 0].T
    assert skin.var() == pytest.approx(2 * 0.1 * 50, rel=0.08)
    assert np.corrcoef(skin, bone)[0, 1] == pytest.approx(share, abs=0.05)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_death_is_by_the_burden_of_the_body(share: float) -> None:
    """First passage of the mean of two tissues from far above 0, at step lengths that are far too coarse for Euler."""
    tissues = {name: {**STILL, "initial": {"burden": 50}} for name in ("skin", "bone")}
    body = {"fluctuation": 0.5, "systemic_share": share, "death": {"burden": 53}}
    found = lives(twin(tissues, {"body": body}, days=64, dt=4, replicates=8000))
    variance = 2 * 0.5 * 64 * (share + (1 - share) / 2)
    expected = math.erfc(3.0 / math.sqrt(2.0 * variance))  # reflection principle
    assert found.died.mean() == pytest.approx(expected, abs=3.0 * math.sqrt(0.25 / 8000))


# ------------------------------------------------------------------------------------------------------ shared removal


def two_tissues(production: str = "absolute") -> dict[str, Tree]:
    """A tenth of the body that a drug reaches, and the rest; they share immune cells."""
    shared = {**KARIN, "damage": {"production": production}, "clearance": {"saturation": "body"}}
    return {"reached": {**shared, "represents": 1}, "unreached": {**shared, "represents": 9}}


def test_unreached_tissue_is_refractory_cells() -> None:
    """The same whole-body path and the same deaths, to rounding."""
    run = {"days": 1500, "replicates": 30, "record": {"every": 50}}
    pieces = twin(two_tissues(), NOISE, killer(0.05, by_tissue={"unreached": 0}), **run)
    one = twin({"body": {**KARIN, "evasion": {"drug": 0.9}}}, NOISE, killer(0.05), **run)
    apart, together_ = lives(pieces), lives(one)
    assert apart.ends == pytest.approx(together_.ends, rel=1e-9)
    np.testing.assert_allclose(whole(pieces.common, apart), together_.rows[..., 0, 0], rtol=1e-6)
    assert np.nanmean(apart.rows[..., 0, 0]) < 0.7 * np.nanmean(apart.rows[..., 1, 0])  # the reached tissue is cleaner
    plain = lives(twin({"body": KARIN}, NOISE, **run))
    assert apart.ends.mean() > plain.ends.mean()


def test_what_a_drug_reaches_does_not_depend_on_the_step() -> None:
    """Noise makes all senescent cells more or fewer alike: it does not mix those that resist with the others."""
    tissue = {**STILL, "initial": {"burden": 20}, "evasion": {"drug": 0.5}}
    for dt in (1.0, 0.125):
        noise = {"body": {"fluctuation": 0.1}}
        found = lives(twin({"body": tissue}, noise, killer(0.1), days=60, dt=dt, replicates=400))
        burden = found.rows[:, -1, 0, 0]
        assert burden.mean() == pytest.approx(10.0 + 10.0 * math.exp(-6.0), abs=3 * burden.std() / 20)


def test_shared_removal_of_alike_tissues_is_that_of_one_body() -> None:
    run = {"days": 1500, "replicates": 20, "record": {"every": 50}}
    for production in ("absolute", "per_cell"):
        pieces = lives(twin(two_tissues(production), NOISE, **run))
        one = lives(twin({"body": {**KARIN, "damage": {"production": production}}}, NOISE, **run))
        assert pieces.ends == pytest.approx(one.ends, rel=1e-9)
        np.testing.assert_allclose(pieces.rows[:, :, 1], one.rows[:, :, 0], rtol=1e-6)


# ------------------------------------------------------------------------------------------------------------- evasion


def test_refractory_cells_are_a_population_of_their_own() -> None:
    """Against a hand-written two-population Euler: drugs and immune cells spare other shares, which rise with age."""
    drug, immune, dt, kill, n = 0.3, 0.2, 0.5, 0.05, 400
    tissue = {
        "damage": {"baseline": 0.05, "per_year": 0, "production": "absolute"},
        "clearance": {"max_rate": 0.3, "half_saturation": 1.0},
        "evasion": {"drug": drug, "immune": immune, "immune_per_year": 0.05, "by_cause": {"initial": 0}},
        "initial": {"burden": 2},
    }
    found = lives(twin({"body": tissue}, killer(kill), days=n * dt, dt=dt))
    part = np.array([2.0, 0.0, 0.0, 0.0])  # nothing, immune, drug, both
    for step in range(n):
        spared = immune + 0.05 * (step + 1) * dt / 365.25
        turning = np.outer([1 - drug, drug], [1 - spared, spared]).ravel() * 0.05 * dt
        hazard = 0.3 / (1.0 + part.sum()) * np.array([1, 0, 1, 0])
        part = part * np.exp(-kill * dt * np.array([1, 1, 0, 0])) + turning - dt * hazard * part
    assert found.rows[0, -1, 0, 0] == pytest.approx(part.sum(), rel=1e-9)


def test_the_share_of_all_other_causes_may_be_told_at_once() -> None:
    """`others` in by_cause: the same as every cause by its name."""
    by_name = {"initial": 1.0, "damage": 0.25, "SASP": 0.25, "fluctuation": 0.25}
    factors = {"factors": {"SASP": {"reach": 100, "induction": {"linear": {"rate": 0.001}}}}}
    found = [
        lives(
            twin({"body": {**KARIN, "initial": {"burden": 5}, "evasion": {"drug": 0.8, "by_cause": by_cause}}},
                 killer(0.1), factors, days=60)
        )
        for by_cause in (by_name, {"initial": 1.0, "others": 0.25}, {})
    ]  # fmt: skip
    np.testing.assert_array_equal(found[0].rows, found[1].rows)
    assert found[2].rows[0, -1, 0, 0] > 1.1 * found[1].rows[0, -1, 0, 0]


def test_no_evasion_costs_no_parts() -> None:
    scale = {"evasion": {"drug": 0.3, "by_cause": {"damage": 0}}}
    with_scale = lives(twin({"body": {**KARIN, **scale}}, killer(0.01), days=300))
    without = lives(twin({"body": KARIN}, killer(0.01), days=300))
    np.testing.assert_allclose(with_scale.rows, without.rows, rtol=1e-12)


# --------------------------------------------------------------------------------------------------------------- blood


def test_blood_brings_what_another_tissue_gives_off() -> None:
    """Against an independent ODE: sources that die, two volumes, tropism, a loss in plasma, induction at a distance."""
    sasp = {
        "transport": "well_mixed", "decay_rate": "0.5 1/d", "secretion": {"ramp": 0, "secondary": 1},
        "induction": {"linear": {"rate": 0.002}}, "ages_immunity": {"max_rate": 0.02, "half_max": 1, "power": 1},
        "blood": {"leak": "0.7 1/d", "half_life": "2 d", "tropism": {"bone": 3}, "leak_by_tissue": {"brain": 0}},
    }  # fmt: skip
    quiet = {**STILL, "represents": 1}
    tissues = {
        "skin": {**quiet, "initial": {"burden": 10}, "clearance": {"max_rate": 0, "own_death": 0.02}, "volume": 400},
        "bone": {**quiet, "volume": 900},
        "brain": {**quiet, "volume": 100},
    }
    dt, days = 2.0**-6, 60
    scenario = twin(tissues, {"factors": {"SASP": sasp}, "body": {"blood_volume": 1800}}, days=days, dt=dt,
                    record={"every": 10}, replicates=1)  # fmt: skip
    found = lives(scenario)
    leak, loss = 0.7, math.log(2.0) / 2.0

    def rates(_: float, y: np.ndarray) -> list[float]:
        skin, bone, a, b, plasma, capacity = y
        to_a, to_b = leak * (a - plasma), leak * (b - 3.0 * plasma)
        return [
            0.002 * a * (100 - skin) - 0.02 * skin, 0.002 * b * (100 - bone),
            0.5 * (skin - a) - to_a, 0.5 * (bone - b) - to_b,
            (400 * to_a + 900 * to_b) / 1800 - loss * plasma,
            (1 - capacity) / 14 - 0.02 * plasma / (1 + plasma) * capacity,
        ]  # fmt: skip

    at_rest = np.linalg.solve(
        [
            [0.5 + leak, 0, -leak],
            [0, 0.5 + leak, -3 * leak],
            [-400 * leak / 1800, -0.5 * leak, loss + leak * 3100 / 1800],
        ],
        [5.0, 0.0, 0.0],
    )
    full = 1.0 / (1.0 + 0.02 * at_rest[2] / (1.0 + at_rest[2]) * 14)
    path = solve_ivp(rates, (0, days), [10.0, 0.0, *at_rest, full], t_eval=found.days, rtol=1e-9, atol=1e-12).y
    skin, bone, brain = found.rows[0].transpose(1, 0, 2)
    np.testing.assert_allclose(skin[:, 2], path[2], rtol=5e-3)
    np.testing.assert_allclose(bone[:, 2], path[3], rtol=5e-3)
    np.testing.assert_allclose(skin[:, 0], path[0], rtol=5e-3)
    np.testing.assert_allclose(bone[1:, 0], path[1, 1:], rtol=5e-3)
    np.testing.assert_allclose(brain[:, 1], path[5], rtol=1e-3)  # plasma ages immune cells everywhere
    assert (brain[:, [0, 2]] == 0.0).all()


# -------------------------------------------------------------------------------------------------------------- traits


def test_mouse_17_has_its_traits() -> None:
    """One by one with numbers of its own, or in the crowd: the same life."""
    differ = {"individuals": {
        "sexes": {"female": 1, "male": 1}, "age_spread": "20 d", "damage": {"spread": 0.2, "by_sex": {"male": 1.1}},
        "removal": {"spread": 0.1, "distribution": "normal"}, "susceptibility": {"spread": 0.1},
    }}  # fmt: skip
    scenario = twin({"body": KARIN}, NOISE, differ, days=1500, age_at_start=100, replicates=30, record={"every": 100})
    settings, crowd = scenario.common, lives(scenario)
    alike = type(settings.individuals)()
    for i in (0, 17):
        own = embodied(settings, i).model_copy(update={"individuals": alike})
        alone = live(own, i, 1)
        assert alone.ends[0] == pytest.approx(crowd.ends[i], rel=1e-9)
        np.testing.assert_allclose(alone.rows[0], crowd.rows[i], rtol=1e-9)
    assert crowd.ages.tolist() == traits(settings, 0, 30).age_at_start.tolist()
    assert np.ptp(crowd.ages) > 20


# -------------------------------------------------------------------------------------------------------- other deaths


def test_other_deaths_follow_their_gompertz_law() -> None:
    other = {"rate": 1e-4, "doubling_time": 100}
    body = {"body": {"death": {"burden": 100, "other": other}}}
    found = lives(twin({"body": STILL}, body, days=3000, dt=4, age_at_start=200, replicates=10_000))
    assert found.died.all()

    def share_dead(time: np.ndarray) -> np.ndarray:
        slope = math.log(2.0) / 100
        return -np.expm1(-1e-4 * 4.0 * np.expm1(slope * time) / slope)  # 2^(200 / 100) = 4 at the start

    assert stats.kstest(found.ends, share_dead).pvalue > 0.01


def test_other_deaths_come_earlier_or_not_at_all() -> None:
    """The luck of deaths by burden is not touched: who does not die of something else dies as before."""
    run = {"days": 2000, "replicates": 200}
    alone = lives(twin({"body": KARIN}, NOISE, **run))
    both = lives(twin({"body": KARIN}, NOISE, {"body": {"death": {"other": {"rate": 5e-4}}}}, **run))
    sooner = both.ends < alone.ends
    np.testing.assert_array_equal(both.ends[~sooner], alone.ends[~sooner])
    expected = -np.expm1(-5e-4 * alone.ends).mean()
    assert sooner.mean() == pytest.approx(expected, abs=3 * math.sqrt(0.25 / 200))
