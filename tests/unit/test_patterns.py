"""Patterns in tables, of real cells and of stored maps: the numbers of the census, and answers known by counting."""

from __future__ import annotations

import math
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from worlds import BOUNDARIES, event, factor, points_of, scattered, start, tissue, together, world

import sim
from sim.analysis.patterns import MEASURES, Patterns, patterns, patterns_of_maps
from sim.errors import ResultsError
from sim.observe import Census
from sim.simulation import Simulation
from sim.spatial.neighbours import pairs_within
from sim.spatial.points import nearest_distances, on_lattice, pair_correlation, random_labels
from sim.tissue.pairs import pairs_of

ON = {"record": {"patterns": True}}
BUSY = together(
    factor(reach=30, induction={"linear": {"rate": 0.02}}),
    tissue(initial={"burden": 8}, clearance={"max_rate": 40, "half_saturation": 20}, damage={"baseline": 2}),
)
SPACES: dict[str, Any] = {
    "moore": ({}, 15.0),
    "von_neumann": (tissue(neighbourhood="von_neumann"), 12.0),
    "periodic": (tissue(boundary=BOUNDARIES["periodic"][:2]), 15.0),
    "one axis wraps": (tissue(boundary=["periodic", "reflecting"]), 15.0),
    "block": (tissue(shape=[4, 6, 5], boundary=BOUNDARIES["mixed"]), 18.0),
    "holes": (tissue(holes=[{"at": [60, 60], "radius": 20}]), 15.0),
    "graft": (event(at=[30, 80], radius=25), 15.0),
    "cloud": (scattered(150, 2, 120.0), 17.0),
}


def later(*changes: Any, steps: int = 8) -> Simulation:
    simulation = start(world(BUSY, *changes))
    for _ in range(steps):
        simulation.step()
    return simulation


def exported(simulation: Simulation) -> pd.DataFrame:
    """A table of all places of the patch, as somebody would write it down."""
    patch = simulation.patches["patch"]
    points = patch.geometry.positions()
    words = np.array(["healthy", "senescent", "cleared", "scarred", "hole"])[patch.cells.state]
    table = pd.DataFrame(points, columns=list("xyz")[: points.shape[1]]).assign(state=words)
    return table[table["state"] != "hole"].sample(frac=1, random_state=3)  # in any order


def measured(simulation: Simulation) -> dict[str, float]:
    row = Census(simulation.settings, simulation.patches["patch"]).row(4.0)
    return {name: row[name] for name in MEASURES}


# ------------------------------------------------------------------------------------------------ tables and census


@pytest.mark.parametrize("space", SPACES)
def test_a_table_of_cells_gives_the_numbers_of_the_census(space: str) -> None:
    change, reach = SPACES[space]
    simulation = later(change, ON)
    geometry = simulation.patches["patch"].geometry
    flags = [wall == "periodic" for wall in geometry.boundary[::-1]]
    centre = (30, 80) if space == "graft" else None
    found = patterns(exported(simulation), reach, geometry.extent[::-1], periodic=flags, centre=centre)
    row = found.rows.iloc[0]
    assert row[list(MEASURES)].to_dict() == pytest.approx(measured(simulation), rel=1e-12)
    state = simulation.patches["patch"].cells.state
    assert (row["n_healthy"], row["n_senescent"]) == (np.count_nonzero(state == 0), np.count_nonzero(state == 1))
    assert {0, 1, 2} <= set(state.tolist())  # vacant places are no cells


@pytest.mark.parametrize("space", SPACES)
def test_pairs_are_the_neighbours_of_the_tissue(space: str) -> None:
    geometry = start(world(SPACES[space][0])).patches["patch"].geometry
    pairs = pairs_of(geometry).tolist()
    exists = np.ones(geometry.n_sites, bool) if geometry.exists is None else geometry.exists
    expected = [[i, j] for i in np.flatnonzero(exists).tolist() for j in geometry.neighbours(i) if j > i]
    assert sorted(pairs) == expected


def test_a_lattice_and_the_cloud_of_its_points_have_the_same_pattern() -> None:
    one, other = later(ON), later(points_of((12, 12)), ON)
    assert measured(one) == pytest.approx(measured(other), rel=1e-12)


def test_patterns_are_off_unless_asked_for_and_change_no_bit() -> None:
    plain, watched = later(), later(ON)
    rows = [Census(each.settings, each.patches["patch"]).row(4.0) for each in (plain, watched)]
    assert list(rows[1]) == [*rows[0], *MEASURES]
    assert {name: rows[1][name] for name in rows[0]} == rows[0]
    for name, array in plain.patches["patch"].cells.arrays().items():
        np.testing.assert_array_equal(array, watched.patches["patch"].cells.arrays()[name])


def test_a_pattern_counted_by_hand() -> None:
    rows = ["S S . . .", ". . . x .", ". . x S .", ". . . S .", ". . . . S"]  # x: vacant
    words = {"S": "senescent", ".": "healthy", "x": "cleared"}
    table = pd.DataFrame(
        {"x": 10.0 * j, "y": 10.0 * i, "state": words[word]}
        for i, row in enumerate(rows) for j, word in enumerate(row.split())
    )  # fmt: skip
    row = patterns(table, 11, centre=(0, 0)).rows.iloc[0]
    assert (row["clusters"], row["cluster_largest"], row["cluster_mean"]) == (3, 2, 5 / 3)
    assert patterns(table, 15).rows.iloc[0]["clusters"] == 2  # the corner joins
    assert row["connectivity"] == 1.0
    far = [math.hypot(x, y) for x, y in ((0, 0), (10, 0), (30, 20), (30, 30), (40, 40))]
    assert row["front_radius"] == pytest.approx(np.quantile(far, 0.9))
    apart = [
        min(math.dist((a.x, a.y), (b.x, b.y)) for b in table.itertuples() if b.state == "senescent")
        for a in table.itertuples() if a.state == "healthy"
    ]  # fmt: skip
    assert row["sender_distance"] == pytest.approx(np.mean(apart))


@pytest.mark.parametrize("word", ["healthy", "senescent", "cleared"])
def test_what_no_cell_defines_is_not_a_number(word: str) -> None:
    simulation = start(world(ON))
    cells = simulation.patches["patch"].cells
    cells.state[:] = {"healthy": 0, "senescent": 1, "cleared": 2}[word]
    row = measured(simulation)
    nothing = {name for name, value in row.items() if math.isnan(value)}
    of_senescent = {"cluster_mean", "front_radius", "sender_distance"}
    assert row["clusters"] == int(word == "senescent")
    assert nothing == {
        "healthy": {*of_senescent, "morans_i"},
        "senescent": {"connectivity", "sender_distance", "morans_i"},
        "cleared": {*of_senescent, "connectivity", "morans_i"},
    }[word]  # fmt: skip


@pytest.mark.parametrize("periodic", [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("shape", [(9, 14), (1, 8), (2, 3)])
def test_distances_on_a_lattice_are_those_of_its_points(shape: tuple[int, int], periodic: tuple[bool, bool]) -> None:
    marked = np.random.default_rng(2).random(shape) < 0.15
    marked[0, 1] = True
    points = np.argwhere(np.ones(shape))[:, ::-1] * 7.0
    box = (7.0 * shape[1], 7.0 * shape[0])
    expected = nearest_distances(points, points[marked.ravel()], box=box, periodic=periodic[::-1])
    np.testing.assert_allclose(on_lattice(marked, 7.0, periodic).ravel(), expected)
    assert np.isinf(on_lattice(np.zeros(shape, bool), 7.0, periodic)).all()


# ------------------------------------------------------------------------------------------------ random labels


@pytest.mark.parametrize("m", [2, 3, 5])
def test_random_labels_have_the_moments_of_all_ways_to_deal_them(m: int) -> None:
    rng = np.random.default_rng(4)
    points, edges, box = rng.random((8, 2)) * 50, [0, 15, 30], (50, 50)
    ways = [np.isin(np.arange(8), chosen) for chosen in combinations(range(8), m)]
    every = np.array([pair_correlation(points[way], edges, box=box) for way in ways])
    found = random_labels(points, ways[3], edges, box=box)
    np.testing.assert_allclose(found.marked, every[3])
    np.testing.assert_allclose(found.expectation, every.mean(axis=0))
    np.testing.assert_allclose(found.sd, every.std(axis=0))


def test_without_marks_there_are_no_moments() -> None:
    found = random_labels(np.eye(2) * 9, np.array([True, False]), [0, 5], box=(20, 20))
    assert np.isnan(found).all()


def test_a_disc_of_senescent_cells_lies_above_the_band_and_a_random_pattern_within() -> None:
    points = np.argwhere(np.ones((30, 30))) * 10.0
    disc = np.hypot(*(points - 150).T) < 60
    table = pd.DataFrame({"x": points[:, 0], "y": points[:, 1], "senescent": disc})
    near = patterns(table, 15).pair_correlation.iloc[1:4]
    assert (near["senescent"] > 3 * near["high"]).all()
    table["senescent"] = np.random.default_rng(8).permutation(disc)
    curve = patterns(table, 15).pair_correlation.iloc[1:]
    assert ((curve["senescent"] > curve["low"]) & (curve["senescent"] < curve["high"])).sum() >= len(curve) - 1
    assert curve["r_low"].iloc[0] == pytest.approx(290 / 30 / 2)  # half a spacing of the box around all cells


# ------------------------------------------------------------------------------------------------ stored maps


def run(*changes: Any, **top: Any) -> sim.Results:
    settings = world(BUSY, ON, *changes, days=4, **top)
    tree = settings.model_dump(exclude_none=True, exclude_unset=True)
    tree["record"] = {"patterns": True, "maps": ["state"], "days": [0, 2, 4]}
    tree |= {"replicates": 2, "arms": {"a": {}, "b": {"tissues": {"patch": {"damage": {"baseline": 6}}}}}}
    return sim.run(sim.from_dict(tree))


@pytest.mark.parametrize("space", ["moore", "block", "holes", "graft", "cloud"])
def test_maps_give_the_rows_of_the_time_series(space: str) -> None:
    results = run(SPACES[space][0])
    found = patterns_of_maps(results)
    keys = ["arm", "replicate", "tissue", "day"]
    rows = found.rows.merge(results.timeseries, on=keys, suffixes=("", "_of_run"))
    assert len(rows) == len(found.rows) == 2 * 2 * 3
    for name in (*MEASURES, "n_healthy", "n_senescent"):
        np.testing.assert_allclose(rows[name], rows[f"{name}_of_run"], rtol=1e-12, err_msg=name)
    curves = found.pair_correlation.groupby(keys)
    assert curves.ngroups == 12
    assert len({tuple(curve["r_high"]) for _, curve in curves}) == 1  # one set of bins over time


def test_maps_that_cannot_tell() -> None:
    with pytest.raises(ResultsError, match="maps: none kept of the state"):
        patterns_of_maps(sim.run(sim.from_dict(world(days=1).model_dump(exclude_unset=True)), replicates=1))
    links = tissue(cloud={"links": {"radius": None, "nearest": 4}})
    with pytest.raises(ResultsError, match="link_radius: must be given for patch, whose links are not by radius"):
        patterns_of_maps(run(scattered(40, 2, 60.0), links))


# ------------------------------------------------------------------------------------------------ mistakes


CELLS = pd.DataFrame(
    {"x": [0, 10, 20, 5], "y": [0, 10, 0, 7], "state": ["healthy", "senescent", "Senescent ", "scarred"]}
)


def test_words_booleans_and_numbers_mean_the_same(tmp_path: Path) -> None:
    words: Patterns = sim.patterns(CELLS, 15)
    assert words.rows.iloc[0]["n_senescent"] == 2
    plain = CELLS.iloc[:3].drop(columns="state")
    for values in ([False, True, True], [0, 1, 1], ["false", "true", "true"]):
        found = patterns(plain.assign(senescent=values, z=3.0), 15)
        pd.testing.assert_frame_equal(found.rows, words.rows)
    plain.assign(senescent=[False, True, True]).to_csv(tmp_path / "cells.csv", index=False)
    pd.testing.assert_frame_equal(patterns(tmp_path / "cells.csv", 15).rows, words.rows)


@pytest.mark.parametrize(
    ("table", "arguments", "message"),
    [
        (CELLS.drop(columns="y"), {}, "y: must be a column [um], got x, state"),
        (CELLS.drop(columns="state"), {}, "state: must be a column (or: senescent), got x, y"),
        (CELLS.replace("scarred", "senescnt"), {}, "scarred, got senescnt (did you mean senescent?)"),
        (CELLS.drop(columns="state").assign(senescent=["yes"] * 4), {}, "senescent: must be true or false in every"),
        (CELLS.astype({"x": object}).replace(20, "far"), {}, "x: must be a finite number in every row, got far in ro"),
        (CELLS.iloc[:1], {}, "cells: must be at least two, got 1"),
        (CELLS.assign(y=0), {}, "box: must be given for cells in one line, got none"),
        (CELLS, {"box": (15, 15)}, "box: must hold all cells, from 0 to [15.0, 15.0] um, got one at (20, 0)"),
        (CELLS, {"box": (15,)}, "box: must be 2 positive lengths [um], got [15]"),
        (CELLS, {"link_radius": 0}, "link_radius: must be a positive distance [um], got 0"),
        (CELLS, {"centre": (1, 2, 3)}, "centre must be 2 finite coordinates"),
        (CELLS, {"periodic": [True]}, "periodic must be one flag or 2"),
    ],
)  # fmt: skip
def test_mistakes_get_one_line(table: pd.DataFrame, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ResultsError) as caught:
        patterns(table, **{"link_radius": 15, **arguments})
    assert str(caught.value).startswith("patterns: table: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "text"), [("none.csv", None), ("empty.csv", ""), ("binary.csv", "\xff\x00")])
def test_files_that_are_no_tables(tmp_path: Path, name: str, text: str | None) -> None:
    if text is not None:
        (tmp_path / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(ResultsError, match=r"csv: file: must .+, got \w+"):
        patterns(tmp_path / name, 15)


def test_pairs_of_a_moore_lattice_lie_within_its_reach() -> None:
    geometry = start(world()).patches["patch"].geometry
    by_distance = pairs_within(geometry.positions(), 18.0)
    assert sorted(map(sorted, by_distance.tolist())) == pairs_of(geometry).tolist()
