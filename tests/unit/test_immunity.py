"""Ageing immunity: capacity as a state, the vicious circle and its gain, the fluctuation of a body."""

from __future__ import annotations

import math

import numpy as np
import pytest
from worlds import as_tree, assert_same, factor, start, tissue, together, world

from sim.explain.immunity import circle_words, gain_at, immune_hazard, turning_burdens
from sim.rules.clearance import full_capacity, loop_gain
from sim.rules.fluctuation import fall_hazard, rise_hazard
from sim.scenario.load import from_dict
from sim.scenario.schema import Settings
from sim.tissue.state import SENESCENT

CLEARED = tissue(clearance={"max_rate": 3, "half_saturation": 4, "recovery": 10})
OLD = together(CLEARED, tissue(initial={"burden": 20}))
JAMS = factor(reach="40 um", jams_immunity={"half_max": 20})
AGES = factor("IL6", reach="40 um", ages_immunity={"max_rate": 0.3, "half_max": 8, "power": 2})


def test_fluctuation_hazards_bring_the_expected_change() -> None:
    rise, fall = rise_hazard(3.0, 0.6, 0.5), fall_hazard(-3.0, 12.0, 0.5)
    assert 60 * -math.expm1(-rise * 0.5) == pytest.approx(3)
    assert 12 * -math.expm1(-fall * 0.5) == pytest.approx(3)
    assert rise_hazard(-1.0, 0.6, 0.5) == rise_hazard(1.0, 0.0, 0.5) == 0
    assert fall_hazard(1.0, 12.0, 0.5) == fall_hazard(-1.0, 0.0, 0.5) == 0
    assert fall_hazard(-13.0, 12.0, 1.0) == rise_hazard(70.0, 0.6, 1.0) == -math.log(1e-9)


def test_capacity_falls_with_the_immune_age() -> None:
    """With the age of the host, or not at all where immunity stands still."""
    assert full_capacity(0.8, 0.5, 2.0) == pytest.approx(0.8 / math.e)
    ageing, still = (
        start(world(tissue(clearance={"decline": 0.5, "recovery": 2, **age}), dt=10))
        for age in ({}, {"immune_age": "1 yr"})
    )
    for _ in range(100):
        ageing.step(), still.step()
    lag = 1 - 2 * 0.5 / 365.25  # C follows C0 exp(-d t) behind by tau d
    assert ageing.patches["patch"].capacity == pytest.approx(math.exp(-0.5 * 1000 / 365.25) / lag, rel=0.02)
    assert still.patches["patch"].capacity == pytest.approx(math.exp(-0.5), rel=1e-12)


def test_capacity_is_lost_to_the_mean_level_of_a_factor() -> None:
    """It starts at rest with the factor, C0 / (1 + k hill tau), and stays there while the level does."""
    simulation = start(world(OLD, AGES, tissue(clearance={"max_rate": 0})))
    patch = simulation.patches["patch"]
    level = float(patch.level("IL6").mean(dtype=np.float64))
    rest = 1 / (1 + 0.3 * level**2 / (64 + level**2) * 10)
    assert level == pytest.approx(100 * np.mean(patch.cells.state == SENESCENT), rel=1e-4)
    assert patch.capacity == pytest.approx(rest, rel=1e-12)
    for _ in range(20):
        simulation.step()
    assert patch.capacity == pytest.approx(rest, rel=1e-4)


def flux(settings: Settings, burden: float) -> float:
    """Removal of the whole tissue [%/d] in the mean field."""
    levels = dict.fromkeys(settings.factors, burden)
    return burden * immune_hazard(settings, settings.tissues["patch"], burden, levels)


@pytest.mark.parametrize("circle", [JAMS, AGES, together(JAMS, AGES)])
def test_gain_is_one_where_removal_is_largest(circle: dict) -> None:
    """The gain is 1 - s with s the elasticity of removal over that without a circle, and 1 at its maximum."""
    settings = world(OLD, circle)
    patch = settings.tissues["patch"]
    for burden in (0.5, 3.0, 12.0):
        step = 1e-5 * burden
        elasticity = burden * (flux(settings, burden + step) - flux(settings, burden - step))
        elasticity /= 2 * step * flux(settings, burden)
        saturation = 4 / (4 + burden)
        assert gain_at(settings, patch, burden) == pytest.approx(1 - elasticity / saturation, rel=1e-5)
    top, *bottom = turning_burdens(settings, patch)
    assert flux(settings, top) > max(flux(settings, 0.98 * top), flux(settings, 1.02 * top))
    assert all(flux(settings, low) < min(flux(settings, 0.98 * low), flux(settings, 1.02 * low)) for low in bottom)
    assert f"; 1 at {top:.3g} %" in " ".join(circle_words(from_dict(as_tree(settings))).split())


def test_no_circle_no_gain() -> None:
    """k_imm = 0 and jamming off: exactly 0, whatever else there is."""
    settings = world(OLD, factor(reach="40 um", induction={"linear": {"rate": 0.1}}),
                     factor("IL6", reach="40 um", ages_immunity={"max_rate": 0}))  # fmt: skip
    patch = settings.tissues["patch"]
    assert {gain_at(settings, patch, burden) for burden in (0.1, 5.0, 99.0)} == {0.0}
    assert turning_burdens(settings, patch) == []
    assert "gain 0 at any burden" in circle_words(from_dict(as_tree(settings)))
    assert loop_gain(3.0, 1.0, 0.0) == 0.0


def test_a_perforin_null_host_lacks_the_granule_route() -> None:
    """As a host whose immune cells remove so much less; with the route half working, in between."""
    null, less = (
        start(world(OLD, tissue(clearance=change)))
        for change in ({"perforin": 0, "granule_share": 0.25}, {"max_rate": 2.25})
    )
    for _ in range(20):
        null.step(), less.step()
    assert_same(null.patches["patch"], less.patches["patch"])
    half = world(OLD, tissue(clearance={"perforin": 0.5, "granule_share": 0.25}))
    assert immune_hazard(half, half.tissues["patch"], 4.0, {}) == pytest.approx(3 * 0.875 / 8, rel=1e-12)


def test_gains_are_told_by_arm() -> None:
    tree = {**as_tree(world(OLD)), "arms": {"plain": {}, "jammed": JAMS, "also_plain": tissue(repair={"rate": 1})}}
    words = " ".join(circle_words(from_dict(tree)).split())
    assert "arm plain, also_plain: patch: gain 0 at any burden" in words
    assert "arm jammed: patch: gain 0.06 at a burden of 1 %" in words


def test_the_threshold_of_death_belongs_to_wild_type() -> None:
    tree = as_tree(world(OLD, {"body": {"death": {}}}))
    assert not any("body.death" in note for note in from_dict(tree).notes)
    null = from_dict({**tree, "arms": {"wild": {}, "null": tissue(clearance={"perforin": 0})}})
    assert [note for note in null.notes if "body.death" in note] == [
        "body.death: belongs to a wild type (Karin 2019); a perforin-null host dies of it too soon to be seen old, "
        "got perforin 0 in tissues.patch"
    ]
