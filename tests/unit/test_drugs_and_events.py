"""Events beside drugs: what each of them does, and when."""

from __future__ import annotations

import math

import numpy as np
import pytest
from test_drugs_at_work import HALF, ONE_DOSE, record, table
from worlds import drug, effect, event, factor, run, start, tissue, together, world

from sim.tissue.state import CLEARED, HEALTHY, SENESCENT


def test_a_wound_turns_its_share_of_the_margin_in_its_days() -> None:
    wound = event("wound", kind="wound", day=2, radius=100, margin=60, share=0.4)
    settings = world(wound, tissue(repair={"rate": 0}), shape=(60, 60), days=8)
    simulation = start(settings)
    patch = simulation.patches["patch"]
    counts = [0]
    for _ in range(16):
        simulation.step()
        counts.append(int(np.count_nonzero(patch.cells.state == SENESCENT)))
    region, around = (patch.geometry.within(patch.geometry.centre(), r) for r in (100, 160))
    assert (patch.cells.state[region] == CLEARED).all()
    margin = around.size - region.size
    assert abs(counts[-1] / margin - 0.4) < 4 * math.sqrt(0.24 / margin)
    assert counts[6] == 0 < counts[7]  # the first cells turn on day 3, and show at the end of that step
    assert counts[12] == counts[-1]  # the last on day 6
    halfway = counts[9] / counts[-1]
    assert abs(halfway - 0.5) < 4 * math.sqrt(0.25 / counts[-1])
    row = record(settings).timeseries.set_index("day")
    assert row.open_wound[8] == 100.0
    assert row.vacant[8] == pytest.approx(100 * region.size / 3600)


def test_irradiation_fades_with_depth() -> None:
    ray = event("uv", kind="irradiation", day=0, radius="whole tissue", share=0.8, penetration_depth=20, delay=0,
                duration=0)  # fmt: skip
    patch = run(world(ray, tissue(depth_axis="y"), shape=(5, 400)), 1)
    state = patch.cells.state.reshape(5, 400)
    for layer in range(5):
        expected = 0.8 * math.exp(-(10 * layer + 5) / 20)
        assert abs(np.mean(state[layer] == SENESCENT) - expected) < 4 * math.sqrt(expected * (1 - expected) / 400)


def test_an_infection_turns_the_same_cells_whatever_the_step() -> None:
    flu = event("flu", kind="infection", day=1, radius=60, share=0.5, delay=0, duration=4)
    found = [run(world(flu, dt=dt, shape=(20, 20)), round(6 / dt)).cells for dt in (0.1, 0.25, 1.0)]
    for cells in found[1:]:
        np.testing.assert_array_equal(cells.state, found[0].state)
        assert np.abs(cells.since - found[0].since).max() < 1.0
    assert np.count_nonzero(found[0].state == SENESCENT) > 30


def test_the_removal_of_a_lesion_takes_its_senescent_cells_only() -> None:
    patch = run(world(HALF, event("surgery", kind="removal", day=0, radius=30)), 1)
    region = patch.geometry.within(patch.geometry.centre(), 30)
    assert set(patch.cells.state[region]) == {HEALTHY, CLEARED}
    assert patch.cum[patch.event_names.index("surgery")] == np.count_nonzero(patch.cells.state == CLEARED) > 5


def test_repair_from_afar_closes_faster_and_factors_boost_it() -> None:
    wound = together(tissue(repair={"rate": 0.5}), event("wound", kind="wound", radius=60, share=0))
    near = table(wound, days=10).open_wound
    far = table(wound, tissue(repair={"reach": 3}), days=10).open_wound
    boosted = table(wound, factor("PDGF", reach=200, boosts_repair={"max": 4, "half_max": 0.1}),
                    tissue(initial={"burden": 10}), days=10).open_wound  # fmt: skip
    slow = table(wound, tissue(initial={"burden": 10}), days=10).open_wound
    assert far[6] < near[6] - 10
    assert boosted[6] < slow[6] - 10


@pytest.mark.parametrize("kind", ["irradiation", "infection"])
def test_an_event_that_turns_nobody_changes_nothing(kind: str) -> None:
    """Neither who evades, nor whose sender is whose."""
    changes = together(HALF, tissue(evasion={"immune": 0.5, "drug": 0.5}, contact={"hazard": 0.05}),
                       {"generations": "tracked"})  # fmt: skip
    alone = start(world(changes))
    beside = start(world(changes, event("idle", kind=kind, day=5, radius="whole tissue", share=0)))
    for _ in range(20):
        alone.step()
        beside.step()
    assert alone.transmissions == beside.transmissions
    assert len(alone.transmissions["patch"]) > 20
    for name, array in alone.patches["patch"].cells.arrays().items():
        np.testing.assert_array_equal(array, beside.patches["patch"].cells.arrays()[name])


def test_cells_that_come_after_an_irradiation_are_spared() -> None:
    ray = event("ray", kind="irradiation", day=0, radius="whole tissue", share=1, delay=5, duration=0)
    sham = event("sham", day=3, radius=30, cells="healthy")
    patch = run(world(ray, sham), 12)
    region = patch.geometry.within(patch.geometry.centre(), 30)
    assert (patch.cells.state[region] == HEALTHY).all()
    assert np.count_nonzero(patch.cells.state == SENESCENT) == patch.cells.state.size - region.size


def test_an_event_beyond_the_horizon_never_happens() -> None:
    simulation = start(world(event(day=10.2, radius=30), days=10, dt=0.7))
    while not simulation.finished:
        simulation.step()
    assert simulation.day > 10.2
    assert simulation.patches["patch"].happened == []


def test_killed_immune_cells_do_not_depend_on_the_step() -> None:
    cleaned = together(HALF, tissue(clearance={"max_rate": 60, "half_saturation": 100, "territory": "whole tissue"}))
    toxic = together(drug(effect("kill_immune", 3.0)), ONE_DOSE)
    cleared = [int(table(cleaned, toxic, days=4, dt=dt).cum_immune[4]) for dt in (1.0, 0.5, 0.125)]
    for count in cleared[:2]:
        assert abs(count - cleared[2]) < 4 * math.sqrt(2 * cleared[2]) + 0.05 * cleared[2]


@pytest.mark.parametrize("dt", [0.1, 0.3, 0.7])
def test_windows_of_age_do_not_slip_by_rounding(dt: float) -> None:
    """Whenever cells turn, seven steps later they are killed: what is there turned in the last eight steps."""
    certain = drug(effect("kill_senescent", 1e4, senescent_from=7 * dt), amount=1e6, half_life="1000 d")
    simulation = start(world(tissue(damage={"baseline": 0.5}), certain, dt=dt, days=100 * dt, shape=(30, 30)))
    patch, turned = simulation.patches["patch"], [0]
    for _ in range(100):
        simulation.step()
        turned.append(int(patch.cum[patch.event_names.index("damage")]))
        assert np.count_nonzero(patch.cells.state == SENESCENT) == turned[-1] - turned[max(0, len(turned) - 9)]
    assert turned[-1] > 30


def test_a_topical_drug_in_a_tissue_with_holes_is_read_where_cells_are() -> None:
    """A hole takes the upper half away on one side: the mean concentration is that of the cells that are there."""
    cream = drug(effect("kill_senescent", 0.0), route="topical", penetration_depth="20 um", half_life="1000 d")
    rows = table(tissue(shape=[8, 8], depth_axis="y", holes=[{"at": [40, 0], "radius": 45}]), cream, ONE_DOSE, days=1)
    patch = start(world(tissue(shape=[8, 8], holes=[{"at": [40, 0], "radius": 45}]))).patches["patch"]
    depth = patch.geometry.positions()[patch.geometry.exists, 1]
    expected = 10 * np.exp(-depth / 20).mean()
    assert rows.conc_drug[1] == pytest.approx(expected, rel=1e-3)


def test_who_is_muted_sends_nothing() -> None:
    types = tissue(cell_types={"loud": {"fraction": 0.5}, "muted": {"fraction": 0.5}}, initial={"burden": 30})
    spread = factor(reach=20, secretion={"ramp": 0}, induction={"linear": {"rate": 0.02}})
    mute = drug(effect("inhibit_secretion", 1.0, by_type={"loud": 0}), amount=1e12)
    simulation = start(world(types, spread, mute, {"generations": "tracked"}, shape=(30, 30)))
    for _ in range(6):
        simulation.step()
    senders = [edge.sender for edge in simulation.transmissions["patch"]]
    kinds = simulation.patches["patch"].cells.cell_type[[sender for sender in senders if sender >= 0]]
    assert len(kinds) > 30
    assert set(kinds) == {0}
