"""One unit of a factor is its steady level at a burden of 1 % mature primary senescent cells, on every tissue."""

from __future__ import annotations

import numpy as np
import pytest
from worlds import SPACING, event, factor, points_of, run, scattered, start, tissue, together, world

from sim.rules.secretion import secretion_phase
from sim.scenario import causes
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree
from sim.tissue.patch import Patch
from sim.tissue.state import ABSENT

approx = pytest.approx
ALL_OLD = tissue(initial={"burden": 100})
EXACT = factor(reach=20, precision="float64", secretion={"ramp": 0})
AFFINE = factor(affinity={"cell": 0.7}, capture="500 1/d")
TISSUES: dict[str, tuple[Tree, ...]] = {
    "plane": (),
    "coarse": (tissue(voxel_cells=2),),
    "coarser": (tissue(voxel_cells=4),),
    "cloud": (points_of((12, 8)),),
    "scattered": (scattered(300, 2, 20 * SPACING),),
    "scattered_in_space": (scattered(300, 3, 8 * SPACING),),
    "periodic": (tissue(boundary="periodic"),),
    "other_spacing": (tissue(cell_spacing=17),),
}


def settled(*changes: Tree, steps: int = 3, shape: tuple[int, ...] = (12, 8)) -> np.ndarray:
    """Levels of the factor after it has come to rest (its decay takes milliseconds of a step)."""
    return run(world(EXACT, *changes, shape=shape), steps).level("SASP")


@pytest.mark.parametrize("uptake", [{}, AFFINE], ids=["free", "captured"])
@pytest.mark.parametrize("kind", TISSUES)
def test_all_cells_senescent_is_a_level_of_100(kind: str, uptake: Tree) -> None:
    levels = settled(*TISSUES[kind], ALL_OLD, uptake)
    assert levels.mean() == approx(100, rel=1e-12)
    if "scattered" not in kind:
        np.testing.assert_allclose(levels, 100, rtol=1e-12)


@pytest.mark.parametrize("kind", TISSUES)
def test_the_mean_level_is_the_burden_in_percent(kind: str) -> None:
    patch = run(world(EXACT, *TISSUES[kind], tissue(initial={"burden": 12})), 3)
    burden = 100 * patch.cum[causes.INITIAL] / patch.cells.state.size
    assert 5 < burden < 20
    assert patch.level("SASP").mean() == approx(burden, rel=1e-12)


def test_in_space_and_in_a_stirred_box() -> None:
    np.testing.assert_allclose(settled(ALL_OLD, shape=(4, 6, 8)), 100, rtol=1e-12)
    np.testing.assert_allclose(settled(ALL_OLD, tissue(voxel_cells=2), shape=(4, 6, 8)), 100, rtol=1e-12)
    stirred = factor(transport="well_mixed", reach=None, decay_rate=20)
    for change in ({}, AFFINE, tissue(voxel_cells=2)):
        np.testing.assert_allclose(settled(ALL_OLD, stirred, change, steps=8), 100, rtol=1e-12)


@pytest.mark.parametrize("transport", [{"transport": "well_mixed"}, {"transport": "diffusion"}])
def test_fields_start_at_rest_with_the_first_cells_and_rise_with_a_graft(transport: Tree) -> None:
    """A factor that lives for ten days: it is there with the cells of day 0, and builds up after those that come."""
    slow = factor(decay_rate=0.1, reach=None, secretion={"ramp": 0}, **transport)
    first = start(world(EXACT, slow, ALL_OLD))
    later = start(world(EXACT, slow, event(radius=1e4)))
    for step in range(8):
        levels = [simulation.patches["patch"].level("SASP") for simulation in (first, later)]
        np.testing.assert_allclose(levels[0], 100, rtol=1e-9)
        np.testing.assert_allclose(levels[1], 100 * -np.expm1(-0.1 * 0.5 * step), rtol=1e-9)
        first.step()
        later.step()


def test_output_follows_the_time_since_turning() -> None:
    times = {"delay": 1.25, "ramp": 2, "duration": 4}
    simulation = start(world(ALL_OLD, EXACT, factor(secretion=times), tissue(initial={"since_onset": 0})))
    for _ in range(14):
        age = simulation.day
        simulation.step()
        level = simulation.patches["patch"].level("SASP")
        np.testing.assert_allclose(level, 100 * secretion_phase(age, 1.25, 2.0, 4.0), atol=1e-9)


def after_a_change(settings: Settings, **change: int) -> np.ndarray:
    """Levels a step after all cells were made what is stated."""
    simulation = start(settings)
    patch = simulation.patches["patch"]
    for name, value in change.items():
        getattr(patch.cells, name)[:] = value
    patch.secretion.note(np.arange(patch.cells.state.size))
    simulation.step()
    return patch.level("SASP")


def test_output_by_generation_cause_and_type() -> None:
    secretion = {"secondary": 0.5, "tertiary": 0.1, "by_cause": {"damage": 3}, "by_type": {"b": 0.25}}
    types = tissue(cell_types={"a": {}, "b": {"fraction": 1e-9}})
    settings = world(ALL_OLD, EXACT, types, factor(secretion=secretion))

    def level(**change: int) -> float:
        return float(after_a_change(settings, **change).mean())

    assert level() == approx(100)
    assert level(generation=1) == approx(50)
    assert level(generation=2) == level(generation=7) == approx(10)
    assert level(cause=causes.DAMAGE) == approx(300)
    assert level(cell_type=1) == approx(25)
    assert level(cell_type=1, generation=1, cause=causes.DAMAGE) == approx(37.5)


def test_cells_turned_by_contact_are_silent_by_default() -> None:
    assert not after_a_change(world(ALL_OLD, EXACT), cause=causes.CONTACT).any()


def wall_of_holes() -> Tree:
    return tissue(holes=[{"at": [75, y], "radius": 6} for y in range(5, 80, 10)])


@pytest.mark.parametrize("coarse", [1, 2])
def test_a_mask_lets_factors_pass(coarse: int) -> None:
    def patch(*changes: Tree) -> Patch:
        source = event(at=[25, 35], radius=12)
        return run(world(EXACT, source, tissue(voxel_cells=coarse), *changes, shape=(8, 16)), 2)

    open_, walled = patch(), patch(wall_of_holes())
    assert np.count_nonzero(walled.cells.state == ABSENT) == 8
    np.testing.assert_array_equal(open_.level("SASP"), walled.level("SASP"))
    assert walled.level("SASP").min() > 0


def test_a_single_precision_field_is_close() -> None:
    one, other = (settled(tissue(initial={"burden": 10}), factor(precision=kind)) for kind in ("float32", "float64"))
    np.testing.assert_allclose(one, other, rtol=2e-5)


def test_a_kernel_states_its_own_emission() -> None:
    """Two cells: each binds what the other gives off, and nothing of its own."""
    capture = {"emission": 100, "autocrine": 0, "capture_length": 20, "cell_radius": 5}
    kernel = factor(transport="kernel", reach=None, kernel=capture)
    pair = together(EXACT, kernel, ALL_OLD)
    share = 10 / 30 * 25 / (15**2 - 5**2)  # captured by a cell 10 um away; its ring starts at the source's edge
    np.testing.assert_allclose(run(world(pair, shape=(1, 2)), 2).level("SASP"), 100 * share, rtol=1e-12)
