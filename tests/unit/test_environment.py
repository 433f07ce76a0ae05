"""Temperature and oxygen, ventilation, secretion of healthy cells and events that come again: known answers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from worlds import as_tree, assert_same, counts, event, factor, run, start, tissue, together, world

from sim.cohort import live
from sim.errors import ScenarioError
from sim.explain import explain
from sim.scenario.futures import Past
from sim.scenario.load import from_dict
from sim.scenario.schema import Settings
from sim.scenario.surroundings import in_environment
from sim.scenario.trees import Tree
from sim.tissue.state import CLEARED

BASELINE, STRENGTH = "tissues.patch.damage.baseline", "factors.SASP.secretion.strength"
RENEWED = tissue(cell_types={"a": {"fraction": 0.5}, "b": {"fraction": 0.5}})


def environment(temperature: float, oxygen: float = 21.0, **rates: Tree) -> Tree:
    """An environment whose rates hold at 20 degC and 21 % of oxygen."""
    reference = {"temperature": 20, "oxygen": 21}
    return {"environment": {"temperature": temperature, "oxygen": oxygen, "reference": reference, "rates": rates}}


def damaged(percent_per_day: float, **more: Any) -> Settings:
    return world(tissue(damage={"baseline": percent_per_day}), **more)


# --------------------------------------------------------------------------------------------- temperature and oxygen


@pytest.mark.parametrize(
    ("temperature", "oxygen", "rate", "times"),
    [
        (20, 21, {"q10": 2.7, "oxygen_half_max": 1.75}, 1.0),
        (30, 21, {"q10": 2.0}, 2.0),
        (0, 21, {"q10": 3.0}, 1 / 9),
        (20, 2, {"oxygen_half_max": 2.0}, 0.5 * 23 / 21),
        (20, 0, {"oxygen_half_max": 2.0}, 0.0),
        (40, 21, {"q10": 2.0, "optimum": 30}, 2.0),
        (40, 21, {"q10": 2.0, "optimum": 10}, 1.0),
        (30, 2, {"q10": 2.0, "oxygen_half_max": 2.0}, 23 / 21),
    ],
)
def test_the_multiplier(temperature: float, oxygen: float, rate: Tree, times: float) -> None:
    settings = world(tissue(damage={"baseline": 1}), environment(temperature, oxygen, r={"of": [BASELINE], **rate}))
    assert settings.environment is not None
    assert settings.environment.multiplier("r") == pytest.approx(times, rel=1e-14)
    scaled = in_environment(settings)
    assert scaled.tissues["patch"].damage.baseline == settings.environment.multiplier("r")
    assert in_environment(scaled) is scaled
    assert settings.tissues["patch"].damage.baseline == 1.0


def test_ten_degrees_more_at_a_q10_of_2_double_the_hazard() -> None:
    """Survivors of a constant hazard are binomial; and the bits are those of twice the hazard."""
    n, days, hazard = 10_000, 40.0, 0.01
    warm = world(tissue(damage={"baseline": 100 * hazard}), environment(30, r={"of": [BASELINE], "q10": 2}),
                 shape=(100, 100))  # fmt: skip
    patch = run(warm, int(days / 0.5))
    left, p = patch.residents()[0], math.exp(-2 * hazard * days)
    assert abs(left - n * p) < 4 * math.sqrt(n * p * (1 - p))
    assert_same(patch, run(damaged(200 * hazard, shape=(100, 100)), int(days / 0.5)))


def test_mouse_skin_can_be_cooled() -> None:
    tree: Tree = {"days": 2, "tissues": {"skin": {"preset": "mouse_dermis", "shape": [8, 8]}}}
    paths = ["tissues.skin.damage.baseline", "tissues.skin.clearance.max_rate", "tissues.skin.repair.rate"]
    rates = {"cooled": {"of": paths, "q10": 2.5}}
    tree["environment"] = {"temperature": 22, "reference": {"temperature": 33}, "rates": rates}
    scenario = from_dict(tree)
    skin, cold = (each.tissues["skin"] for each in (scenario.common, in_environment(scenario.common)))
    assert cold.clearance.max_rate == skin.clearance.max_rate * 2.5**-1.1
    assert cold.repair.rate == skin.repair.rate * 2.5**-1.1
    assert cold.damage.per_year == skin.damage.per_year
    words = " ".join(explain(scenario).split())
    assert "at 22 degC and 20.9 % oxygen cooled times 0.365: control." in words


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (environment(9, r={"of": ["tissues.patch.damage.basline"]}),
         "environment.rates.r.of: must be the dotted path of a rate of this scenario (per time; no duration, no hazard "
         "of a drug), got 'tissues.patch.damage.basline' (did you mean tissues.patch.damage.baseline?)"),
        (environment(9, r={"of": ["tissues.patch.maintenance"]}),
         "environment.rates.r.of: must be the dotted path of a rate of this scenario (per time; no duration, no hazard "
         "of a drug), got 'tissues.patch.maintenance'"),
        (together(factor("SASP", decay_rate=2), environment(9, r={"of": ["factors.SASP.decay_rate"]})),
         "environment.rates.r.of: must not be what the unit of a factor is made of, for its level at rest would stay "
         "as it is (secretion.strength and ventilation move it), got 'factors.SASP.decay_rate'"),
        (environment(9, r={"of": [BASELINE]}, s={"of": [BASELINE]}),
         f"environment.rates.s.of: must not multiply what environment.rates.r multiplies already, got '{BASELINE}'"),
        (environment(50, r={"of": [BASELINE], "q10": 100}),
         f"{BASELINE}: must be between 0 %/d and 100 %/d, got 1e+06 %/d in the environment of environment.rates.r"),
    ],
)  # fmt: skip
def test_what_an_environment_must_not_say(change: Tree, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        world(tissue(damage={"baseline": 1}), change)
    assert message in str(caught.value)


def test_notes_and_limits_see_the_rates_as_they_are_there() -> None:
    """Ten times as warm a repair: the edge of a wound moves too far in a step."""
    wound = event("cut", kind="wound", radius=20)
    warm = environment(40, r={"of": ["tissues.patch.repair.rate"], "q10": 4})
    tree = together({"days": 5, "dt": 0.5, "tissues": {"patch": {"shape": [9, 9]}}}, wound)
    slow, fast = ({"tissues": {"patch": {"repair": {"rate": rate}}}} for rate in (0.2, 3.2))
    told, there, quiet = (from_dict(together(tree, *more)).notes for more in ((fast,), (slow, warm), (slow,)))
    assert [note for note in told if "edge of events.cut" in note]
    assert [note for note in there if "edge" in note] == [note for note in told if "edge" in note]
    assert not [note for note in quiet if "edge" in note]


def test_an_environment_that_multiplies_by_nothing_is_odd() -> None:
    tree = as_tree(world(tissue(damage={"baseline": 1}), environment(9, r={"of": [BASELINE]}), days=3))
    assert any("multiplies by 1" in note for note in from_dict(tree).notes)


def test_an_arm_may_lack_what_the_environment_of_others_multiplies() -> None:
    tree = as_tree(world(factor(reach=100, induction={"linear": {}}), environment(9, r={"of": [STRENGTH], "q10": 2})))
    tree["arms"] = {"with": {}, "without": {"factors": {"SASP": None}}}
    arms = from_dict(tree).arms
    assert in_environment(arms["with"]).factors["SASP"].secretion.strength == 2**-1.1
    assert in_environment(arms["without"]).factors == {}


# ------------------------------------------------------------------------------ ventilation, secretion of healthy cells

ROOM = {"transport": "well_mixed", "reach": None, "decay_rate": 3, "induction": {"linear": {"rate": 0}}}
IN_TISSUE = {"reach": 20, "diffusivity": 1, "precision": "float64", "induction": {"linear": {"rate": 0}}}


@pytest.mark.parametrize("how", [ROOM, IN_TISSUE])
def test_as_much_ventilation_as_decay_halves_the_steady_level(how: Tree) -> None:
    settings = world(factor(**how), tissue(initial={"burden": 100, "since_onset": 900}))
    decay = settings.factors["SASP"].own_decay
    aired = world(factor(**how, ventilation=decay), tissue(initial={"burden": 100, "since_onset": 900}))
    for steps in (0, 40):
        np.testing.assert_allclose(run(settings, steps).level("SASP"), 100.0, rtol=1e-12)
        np.testing.assert_allclose(run(aired, steps).level("SASP"), 50.0, rtol=1e-12)


def test_ventilation_is_how_fast_a_room_empties() -> None:
    settings = world(factor(**ROOM, ventilation=2), tissue(initial={"burden": 100, "since_onset": 900}),
                     event("out", kind="removal", day=1, radius="whole tissue"))  # fmt: skip
    simulation, levels = start(settings), []
    for _ in range(6):
        simulation.step()
        levels.append(float(simulation.patches["patch"].level("SASP")[0]))
    assert levels[3] / levels[2] == pytest.approx(math.exp(-5 * 0.5), rel=1e-12)


@pytest.mark.parametrize("how", [ROOM, IN_TISSUE])
def test_healthy_cells_give_off_their_share(how: Tree) -> None:
    """Of 100 % healthy cells a hundredth each: the level of one percent of senescent cells; by type."""
    settings = world(factor(**how, secretion={"healthy": 0.01, "strength": 3}))
    for steps in (0, 5):
        np.testing.assert_allclose(run(settings, steps).level("SASP"), 3.0, rtol=1e-12)
    by_type = world(RENEWED, factor(**ROOM, secretion={"healthy": 0.01, "by_type": {"b": 0}}))
    patch = run(by_type, 3)
    share = float(np.mean(patch.cells.cell_type == 0))
    assert 0.2 < share < 0.8
    np.testing.assert_allclose(patch.level("SASP"), share, rtol=1e-12)


def test_who_turns_or_goes_no_longer_gives_off_as_healthy() -> None:
    gone = event("out", kind="removal", day=1, radius="whole tissue")
    turned = event("in", kind="graft", day=0.5, radius="whole tissue", since_onset=900)
    settings = world(factor(**{**ROOM, "decay_rate": 1000}, secretion={"healthy": 0.01}), turned, gone)
    levels, simulation = [], start(settings)
    for _ in range(4):
        levels.append(float(simulation.patches["patch"].level("SASP")[0]))
        simulation.step()
    np.testing.assert_allclose(levels, [1.0, 1.0, 100.0, 0.0], rtol=1e-12, atol=1e-12)


def test_a_drug_mutes_senescent_cells_only() -> None:
    drug = {"half_life": "1000 d", "route": "bolus",
            "effects": {"inhibit_secretion": {"emax": 1, "ec50": 1e-9}}}  # fmt: skip
    course = {"drugs": {"muting": drug}, "treatments": {"c": {"drug": "muting", "amount": 1e3}}}
    settings = world(factor(**{**ROOM, "decay_rate": 1000}, secretion={"healthy": 0.01}), course,
                     tissue(initial={"burden": 50, "since_onset": 900}))  # fmt: skip
    patch = run(settings, 2)
    np.testing.assert_allclose(patch.level("SASP"), patch.healthy_share, rtol=1e-6)


@pytest.mark.parametrize("change", [{"record": {"attribution": True}}, {"generations": "tracked"}])
def test_senders_are_senescent_cells_only(change: Tree) -> None:
    with pytest.raises(ScenarioError, match="must be off where healthy cells give off SASP too"):
        world(factor(reach=20, induction={"linear": {}}, secretion={"healthy": 0.01}), change)


def test_a_kernel_knows_no_ventilation() -> None:
    with pytest.raises(ScenarioError, match="ventilation must be 0, got 2 1/d"):
        world(factor(transport="kernel", kernel={}, induction={"linear": {}}, ventilation=2))


def test_the_twin_has_the_levels_of_the_tissue() -> None:
    """Healthy and senescent cells, ventilation, blood and environment: at rest, and one exact step of it."""
    change = factor(**ROOM, ventilation=2, secretion={"healthy": 0.002, "ramp": 0})
    around = environment(25, r={"of": [STRENGTH], "q10": 4})
    still = tissue(initial={"burden": 25, "since_onset": 900})
    patch = run(world(change, around, still, days=3, shape=(20, 20)), 6)
    burden = patch.burden
    lives = live(world(change, around, tissue(initial={"burden": burden}), days=3, mode="well_mixed"), 0, 2)
    expected = 2 * (3 / 5) * (burden + 0.002 * (100 - burden))
    np.testing.assert_allclose(patch.level("SASP"), expected, rtol=1e-12)
    np.testing.assert_allclose(lives.rows[:, :, 0, 2], expected, rtol=1e-12)


def test_the_burden_at_which_cells_replace_themselves_knows_ventilation() -> None:
    """A linear response: twice the burden, where half of the level is left."""
    hill = {"hill": {"max_rate": 0.2, "half_max": 10, "power": 2}}
    where = []
    for ventilation, half in ((0.0, 10.0), (3.0, 5.0)):
        induction = {"hill": {**hill["hill"], "half_max": half}}
        tree = as_tree(world(factor(**{**ROOM, "induction": induction}, ventilation=ventilation), days=3))
        tree = together(tree, tissue(clearance={"own_death": 0.1}))
        words = " ".join(explain(from_dict(tree)).split())
        where.append(words.partition("Reproduction number")[2].partition("patch:")[2].partition(";")[0])
    assert where[0] == where[1]
    assert "1 at a burden of" in where[0]
    tree["factors"]["SASP"]["secretion"] = {"healthy": 0.1}
    assert "healthy cells give off SASP too" in explain(from_dict(tree))


# -------------------------------------------------------------------------------------------- events that come again


def test_all_that_is_found_is_taken_out_and_every_time_anew() -> None:
    ripe = tissue(initial={"burden": 100, "since_onset": 9})
    every_time = {"kind": "removal", "radius": "whole tissue", "day": 1, "interval": 2, "repeats": 2}
    assert run(world(ripe, event("sorting", **every_time)), 20).residents() == (0, 0)
    settings = world(ripe, event("sorting", **every_time, found=0.5), shape=(60, 60))
    patch = run(settings, 20)
    days, sizes = zip(*[(day, n) for _, day, n in patch.happened], strict=True)
    assert days == (1.0, 3.0, 5.0)
    left = 3600
    for n in sizes:
        assert abs(n - left / 2) < 4 * math.sqrt(left / 4)
        left -= n
    assert patch.residents() == (0, left)
    assert counts(patch)["sorting"] == 3600 - left
    assert np.count_nonzero(patch.cells.state == CLEARED) == 3600 - left


def test_the_luck_of_finding_has_an_address() -> None:
    """The first time is the same however often it is to come again, and whatever the step."""
    ripe = tissue(initial={"burden": 100, "since_onset": 9})
    once = event("sorting", kind="removal", radius="whole tissue", day=1, found=0.3)
    again = together(once, event("sorting", interval=50))
    assert_same(run(world(ripe, once), 4), run(world(ripe, again), 4))
    assert_same(run(world(ripe, once), 4), run(world(ripe, again, dt=0.25), 8), without=("since",))


def test_irradiation_comes_again_for_those_who_are_left() -> None:
    rays = {"kind": "irradiation", "radius": "whole tissue", "share": 0.5, "delay": 0.3, "duration": 1, "day": 0.7}
    patch = run(world(event("rays", **rays, interval=3, until=9), shape=(60, 60)), 30)
    assert [day for _, day, _ in patch.happened] == [0.5, 3.5, 6.5]
    left = patch.residents()[0]
    assert abs(left - 3600 / 8) < 4 * math.sqrt(3600 / 8 * 7 / 8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"repeats": 3}, "repeats needs interval, the time from one to the next, got repeats alone"),
        ({"interval": 3, "repeats": 3, "until": 9}, "must have at most one of repeats, until, got 3 and 9 d"),
        ({"interval": 3, "until": 1}, "until must be after day (2 d), got 1 d"),
    ],
)
def test_what_an_event_must_not_say(change: Tree, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        world(event("sorting", kind="removal", day=2, **change))
    assert message in str(caught.value)


def test_explain_lists_the_days_and_who_is_found() -> None:
    weekly = event("sorting", kind="removal", day=7, interval=7, found=0.9, radius="whole tissue")
    words = " ".join(explain(from_dict(as_tree(world(weekly, days=200)))).split())
    assert "days 7, 14, 21 ... 196, every 7 d, sorting: 90 % of the senescent cells in all of patch" in words


def test_a_future_may_stop_or_go_on_with_what_comes_again() -> None:
    def weekly(**more: Any) -> Settings:
        return world(event("sorting", kind="removal", day=7, interval=7, radius="whole tissue", **more))

    past = Past("past.npz", weekly(), 40, ("sorting",), ())
    past.check(weekly(until=19))
    past.check(weekly(repeats=1))
    with pytest.raises(ScenarioError, match=r"events.sorting.interval: must be '7, 14' as in past.npz, got '7'"):
        past.check(weekly(repeats=0))
    with pytest.raises(ScenarioError, match=r"events.sorting.found: must be 1.0 as in past.npz, got 0.5"):
        past.check(weekly(found=0.5))
