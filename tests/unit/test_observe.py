"""Numbers and layers of a state: they count every cell once, and looking changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from worlds import cloud, counts, event, factor, scattered, start, tissue, together, world

from sim.observe import Census, layer, n_in_state
from sim.simulation import Simulation
from sim.tissue.state import ABSENT, STATE_NAMES, burden_of

SASP = factor(reach=30)
LINEAR = {"linear": {"rate": 0.002}}
BUSY = together(
    factor(reach=30, induction=LINEAR, affinity={"keratinocyte": 1}, cargo={"memory": 2, "response": LINEAR}),
    factor("room", transport="well_mixed", decay_rate=3),
    tissue(cell_types={"fibroblast": {"fraction": 0.7}, "keratinocyte": {"fraction": 0.3}}, initial={"burden": 10}),
    tissue(clearance={"max_rate": 4, "half_saturation": 20}, repair={"rate": 0.5, "scar": 0.2}, damage={"baseline": 1}),
    event(day=1, radius=25),
    {"generations": "tracked"},
)
SPACES = {"plane": {}, "space": tissue(shape=[4, 6, 5]), "cloud": scattered(150, 2, 120.0)}


def later(space: str, steps: int = 12) -> Simulation:
    simulation = start(world(BUSY, SPACES[space]))
    for _ in range(steps):
        simulation.step()
    return simulation


@pytest.mark.parametrize(("healthy", "senescent", "percent"), [(3, 1, 25.0), (0, 7, 100.0), (7, 0, 0.0), (0, 0, 0.0)])
def test_burden(healthy: int, senescent: int, percent: float) -> None:
    assert burden_of(healthy, senescent) == percent


@pytest.mark.parametrize("space", SPACES)
def test_a_row_counts_every_cell_once(space: str) -> None:
    simulation = later(space)
    patch = simulation.patches["patch"]
    row = Census(simulation.settings, patch).row(6.0)
    assert list(row)[:7] == ["tissue", "day", "n_healthy", "n_senescent", "n_cleared", "n_scarred", "burden"]
    assert (row["tissue"], row["day"]) == ("patch", 6.0)
    sites = np.count_nonzero(patch.cells.state != ABSENT)
    for code, name in enumerate(STATE_NAMES):
        mine = patch.cells.state == code
        assert row[f"n_{name}"] == n_in_state(patch, code) == np.count_nonzero(mine)
        for kind, cell_type in enumerate(patch.tissue.cell_types):
            assert row[f"n_{cell_type}_{name}"] == np.count_nonzero(mine & (patch.cells.cell_type == kind))
    assert sum(row[f"n_{name}"] for name in STATE_NAMES) == sites
    assert row["burden"] == 100 * row["n_senescent"] / (row["n_healthy"] + row["n_senescent"])
    generations = {name: count for name, count in row.items() if name.startswith("gen_")}
    assert list(generations) == [f"gen_{n}" for n in range(len(generations))]
    assert sum(generations.values()) == row["n_senescent"]
    assert len(generations) > 2
    for name in patch.factor_names:
        level = patch.level(name)
        assert row[f"max_{name}"] == level.max() > 0
        assert row[f"mean_{name}"] == pytest.approx(level.mean(dtype=np.float64), rel=1e-15)
    assert {type(value) for value in row.values()} == {str, int, float}


def test_new_events_since_the_row_before() -> None:
    simulation = later("plane", 4)
    patch = simulation.patches["patch"]
    census = Census(simulation.settings, patch)
    first, before = census.row(2.0), counts(patch)
    for _ in range(6):
        simulation.step()
    second, after = census.row(5.0), counts(patch)
    third = census.row(5.0)
    named = {name.removeprefix("cum_") for name in first if name.startswith("cum_")}
    assert named == set(before) - {"nothing", "room", "room_cargo", "patrols", "fluctuation", "fluctuation_loss"}
    for name in named:
        assert first[f"new_{name}"] == first[f"cum_{name}"] == before[name]
        assert (second[f"new_{name}"], second[f"cum_{name}"]) == (after[name] - before[name], after[name])
        assert third[f"new_{name}"] == 0
    assert any(second[f"new_{name}"] for name in named)


def test_a_wound_of_nobody_is_neither_open_nor_closed() -> None:
    """Found by the random scenarios: nobody lives in the middle of the cloud."""
    corners = np.array([[5.0, 5], [5, 55], [55, 5], [55, 55]])
    settings = world(cloud(corners, (60.0, 60.0), radius=80), event(kind="wound", radius=11))
    simulation = start(settings)
    row = Census(settings, simulation.patches["patch"]).row(0.0)
    assert np.isnan(row["open_graft"])
    assert row["n_cleared"] == 0


def test_holes_are_no_cells() -> None:
    patch = start(world(tissue(holes=[{"at": [60, 60], "radius": 20}], initial={"burden": 50}))).patches["patch"]
    row = Census(start(world()).settings, patch).row(0.0)
    holes = np.count_nonzero(patch.cells.state == ABSENT)
    assert holes == 12
    assert row["n_healthy"] + row["n_senescent"] == 144 - holes


@pytest.mark.parametrize("space", SPACES)
def test_looking_changes_nothing(space: str) -> None:
    simulation = later(space)
    patch = simulation.patches["patch"]
    before = [array.copy() for array in (*patch.cells.arrays().values(), patch.levels, patch.cum)]
    Census(simulation.settings, patch).row(6.0)
    for name in ("state", "cause", "generation", "type", "cargo", *patch.factor_names):
        layer(patch, name)[:] = 77
    for array, other in zip((*patch.cells.arrays().values(), patch.levels, patch.cum), before, strict=True):
        np.testing.assert_array_equal(array, other)


@pytest.mark.parametrize("space", SPACES)
def test_layers_have_the_shape_of_the_tissue(space: str) -> None:
    patch = later(space).patches["patch"]
    shape = patch.geometry.shape or (patch.geometry.n_sites,)
    for name, array in (("state", "state"), ("cause", "cause"), ("generation", "generation"), ("type", "cell_type")):
        found = layer(patch, name)
        assert (found.shape, found.dtype) == (shape, np.uint8)
        np.testing.assert_array_equal(found.ravel(), getattr(patch.cells, array))
    cargo = layer(patch, "cargo")
    assert (cargo.shape, cargo.dtype) == (shape, np.float32)
    np.testing.assert_array_equal(cargo.ravel(), patch.cells.cargo.sum(axis=0).astype(np.float32))
    assert cargo.max() > 0


def test_layers_of_factors_have_the_shape_of_their_voxels_or_sites() -> None:
    coarse = start(world(SASP, tissue(voxel_cells=3))).patches["patch"]
    assert layer(coarse, "SASP").shape == (4, 4)
    places = cloud(np.array([[5.0, 5.0], [25.0, 5.0], [5.0, 35.0]]), (30.0, 40.0), radius=20)
    assert layer(start(world(SASP, places)).patches["patch"], "SASP").shape == (4, 3)
    capture = {"emission": 40, "capture_length": 20, "cell_radius": 5}
    each = together(places, SASP, factor(transport="kernel", reach=None, kernel=capture))
    assert layer(start(world(each)).patches["patch"], "SASP").shape == (3,)


def test_standing_and_cleared_cells_by_cause_add_up() -> None:
    """Every senescent cell has one cause, and so has every cell that immune cells removed."""
    simulation = later("plane", 20)
    patch = simulation.patches["patch"]
    row = Census(simulation.settings, patch).row(10.0)
    assert sum(value for name, value in row.items() if name.startswith("due_to_")) == row["n_senescent"]
    cleared = {name: value for name, value in row.items() if name.startswith("cleared_")}
    assert sum(cleared.values()) == counts(patch)["immune"] + counts(patch)["patrols"]
    assert sum(value > 0 for value in cleared.values()) > 3
