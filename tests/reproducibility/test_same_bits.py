"""What must not change a result: threads, company, order, names, and whatever does nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from everything import everything
from worlds import as_tree, assert_same, event, factor, run, start, tissue, world

from sim.engines.kernels import BLOCK
from sim.scenario.load import from_dict
from sim.scenario.trees import Tree, merge
from sim.tissue.patch import Patch
from sim.tissue.state import SENESCENT

LARGE = (48, 48)
STEPS = 20
GRAFT = event(day=5, radius=25)


@pytest.mark.parametrize("transports", ["diffusion", "all"])
def test_any_number_of_threads(transports: str) -> None:
    assert np.prod(LARGE) > 2 * BLOCK  # the work is truly split
    settings = everything("plane", "mixed", transports, LARGE)
    alone = run(settings, STEPS)
    for threads in (2, 3, 5):
        assert_same(alone, run(settings, STEPS, threads=threads))


def test_two_simulations_at_once_in_one_process() -> None:
    cases = [everything("plane", transports="diffusion", shape=LARGE), everything("cloud"), everything("space")]
    alone = [run(settings, STEPS) for settings in cases]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda settings: run(settings, STEPS, threads=2), cases * 2))
    for one, other in zip(alone * 2, together, strict=True):
        assert_same(one, other)


def test_the_same_seed_twice_and_another_one() -> None:
    settings = everything("plane")
    first = run(settings, STEPS, seed=7)
    assert_same(first, run(settings, STEPS, seed=7))
    assert_differ(first, run(settings, STEPS, seed=8))
    assert_differ(first, run(settings, STEPS, seed=7, replicate=1))


def assert_differ(one: Patch, other: Patch) -> None:
    assert not np.array_equal(one.cells.state, other.cells.state)


def test_a_replicate_alone_and_among_ten() -> None:
    settings = everything("cloud")
    ten = [start(settings, replicate) for replicate in range(10)]
    for _ in range(STEPS):
        for simulation in ten:
            simulation.step()
    assert_same(run(settings, STEPS, replicate=3), ten[3].patches["patch"])


@pytest.mark.parametrize("place", ["before", "after"])
def test_another_tissue(place: str) -> None:
    tree = as_tree(everything("plane"))
    for each in tree["events"].values():
        each["tissue"] = "patch"
    tree["treatments"]["care"]["tissues"] = ["patch"]
    one, other = tree["tissues"], {"other": {"shape": [9, 7], "initial": {"burden": 30}}}
    pair = {**tree, "tissues": {**other, **one} if place == "before" else {**one, **other}}
    assert_same(run(from_dict(tree).common, STEPS), run(from_dict(pair).common, STEPS))


@pytest.mark.parametrize("space", ["plane", "coarse", "cloud"])
@pytest.mark.parametrize("transport", [{"reach": 30}, {"transport": "well_mixed", "decay_rate": 1}])
def test_a_factor_that_does_nothing(space: str, transport: Tree) -> None:
    """Codes of events move behind it, so causes are compared by their names."""
    tree = as_tree(everything(space.replace("coarse", "plane"), transports="diffusion"))
    tree["tissues"]["patch"]["voxel_cells"] = 2 if space == "coarse" else 1
    alone = run(from_dict(tree).common, STEPS)
    beside = run(from_dict(merge(tree, factor("bystander", **transport))).common, STEPS)
    assert beside.level("bystander").max() > 0
    assert_same(alone, beside, without=("cause", "levels", "cum"))
    for name in alone.factor_names:
        np.testing.assert_array_equal(alone.level(name), beside.level(name))
    causes = [np.array(patch.event_names)[patch.cells.cause] for patch in (alone, beside)]
    np.testing.assert_array_equal(*causes)


@pytest.mark.parametrize(
    "change",
    [
        event("sham", day=3, at=[10, 10], radius=0, cells="healthy"),  # on the corner of four cells: no site
        factor("silent", reach=20, secretion={"strength": 0}, induction={"hill": {}}),
        factor("idle", reach=20, induction={"linear": {"rate": 0}}, jams_immunity=None),
        event("late", day=1e4),
    ],
)
def test_a_change_that_does_nothing(change: Tree) -> None:
    tree = as_tree(everything("plane"))
    scenario = from_dict({**tree, "arms": {"control": {}, "treated": change}})
    control, treated = (run(arm, STEPS) for arm in scenario.arms.values())
    assert_same(control, treated, without=("cause", "levels", "cum"))


def test_names_and_order_of_arms() -> None:
    tree, arms = as_tree(everything("plane")), {"control": {}, "graft": event("more", day=2, radius=40)}
    renamed = {"zebra": arms["graft"], "ape": arms["control"]}
    one, other = (from_dict({**tree, "arms": each}).arms for each in (arms, renamed))
    assert_same(run(one["control"], STEPS), run(other["ape"], STEPS))
    assert_same(run(one["graft"], STEPS), run(other["zebra"], STEPS))


def test_arms_are_the_same_until_the_treatment_acts() -> None:
    tree = as_tree(world(tissue(initial={"burden": 10}, damage={"baseline": 1}, repair={"rate": 1})))
    control, graft = from_dict({**tree, "arms": {"control": {}, "graft": GRAFT}}).arms.values()
    assert_same(run(control, 10), run(graft, 10), without=("cum",))  # day 5 has come, its events have not
    after = run(graft, 11)
    assert_differ(run(control, 11), after)
    assert after.happened == [("graft", 5.0, 16)]


@pytest.mark.parametrize("dt", ["0.5 d", "0.1 d", "1 h", "0.7 d"])
def test_an_event_happens_once_on_its_day_whatever_the_step(dt: str) -> None:
    """0.6 d lies in no interval [t, t + 0.1 d) of rounded numbers."""
    days = [round(0.1 * k, 10) for k in range(40)]
    events = {f"e{k}": {"day": day, "radius": 6, "at": [5, 5]} for k, day in enumerate(days)}
    simulation = start(world({"events": events}, dt=dt, tissues={}))
    while simulation.day < 4.2:
        simulation.step()
    happened = simulation.patches["patch"].happened
    assert [name for name, _, _ in happened] == list(events)
    step = simulation.settings.dt
    assert all(-1e-9 < day - at < step - 1e-9 for day, (_, at, _) in zip(days, happened, strict=True))
    assert np.count_nonzero(simulation.patches["patch"].cells.state == SENESCENT) == 1
