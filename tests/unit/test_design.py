"""Designs of sweeps: which points in which order, units, content addresses, and what every mistake is told."""

from __future__ import annotations

import math
import subprocess
import sys
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import ScenarioError
from sim.scenario.design import MOST_POINTS, Design, Sweep, load_sweep, points
from sim.scenario.identity import run_address
from sim.scenario.load import from_dict
from sim.scenario.quantity import to_unit
from sim.scenario.sampling import Range
from sim.scenario.yaml_text import dump_yaml

TREE: dict[str, Any] = {
    "days": 10,
    "tissues": {"skin": {"preset": "mouse_dermis", "shape": [8, 8]}},
    "arms": {"control": {}, "short": {"sender_reach": 100}},
}
AGE = "age_at_start"
needs_salib = pytest.mark.skipif(find_spec("SALib") is None, reason="SALib comes with the extra `analysis`")


def sweep_file(folder: Path, design: Any, **more: Any) -> Path:
    (folder / "base.yaml").write_text(dump_yaml(TREE), encoding="utf-8")
    path = folder / "sweep.yaml"
    path.write_text(dump_yaml({"scenario": "base.yaml", "design": design, **more}), encoding="utf-8")
    return path


def sweep_of(folder: Path, design: Any, **more: Any) -> Sweep:
    return load_sweep(sweep_file(folder, design, **more))


def values_of(sweep: Sweep) -> list[dict[str, Any]]:
    assert [point.number for point in points(sweep)] == list(range(sweep.design.size))
    return [point.values for point in points(sweep)]


# ----------------------------------------------------------------------------------------------------------- points


def test_a_grid_is_every_combination_with_the_last_key_fastest(tmp_path: Path) -> None:
    grid = {"days": [5, "1 wk"], AGE: [90, 100, 110], "tissues.skin.shape": [[4, 4], [8, 4]]}
    expected = [dict(zip(grid, each, strict=True)) for each in product(*grid.values())]
    got = values_of(sweep_of(tmp_path, {"grid": grid}))
    assert got == expected
    assert len(got) == 12
    assert got[1] == {"days": 5, AGE: 90, "tissues.skin.shape": [8, 4]}


def test_zip_goes_through_all_keys_together(tmp_path: Path) -> None:
    got = values_of(sweep_of(tmp_path, {"zip": {"days": [5, "1 wk"], AGE: ["3 mo", 100]}}))
    assert got == [{"days": 5, AGE: "3 mo"}, {"days": "1 wk", AGE: 100}]


def test_a_list_is_as_written(tmp_path: Path) -> None:
    rows = [{"days": "14 d"}, {AGE: 100, "days": 3}, {AGE: 50}]
    assert values_of(sweep_of(tmp_path, {"list": rows})) == rows


@pytest.mark.parametrize("n", [1, 7, 64])
def test_each_part_of_a_latin_hypercube_holds_one_point_on_every_axis(tmp_path: Path, n: int) -> None:
    ranges = {"days": {"low": 5, "high": 45}, AGE: {"low": 0.1, "high": 1000, "scale": "log"}}
    got = values_of(sweep_of(tmp_path, {"latin_hypercube": {"n": n, "seed": 3, "ranges": ranges}}))
    linear = [math.floor(n * (each["days"] - 5) / 40) for each in got]
    log = [math.floor(n * math.log10(each[AGE] / 0.1) / 4) for each in got]
    assert sorted(linear) == list(range(n))
    assert sorted(log) == list(range(n))


def test_a_sobol_sequence_is_balanced_in_every_half_and_quarter(tmp_path: Path) -> None:
    ranges = {"days": {"low": 5, "high": 45}, AGE: {"low": 1, "high": 10000, "scale": "log"}}
    got = values_of(sweep_of(tmp_path, {"sobol": {"n": 64, "ranges": ranges}}))
    linear = [(each["days"] - 5) / 40 for each in got]
    log = [math.log10(each[AGE]) / 4 for each in got]
    for shares in (linear, log):
        assert sum(share < 0.5 for share in shares) == 32
        assert sorted(math.floor(64 * share) for share in shares) == list(range(64))
    quarters = [(x < 0.5, y < 0.5) for x, y in zip(linear, log, strict=True)]
    assert [quarters.count(each) for each in product((True, False), repeat=2)] == [16] * 4


@pytest.mark.parametrize("method", ["latin_hypercube", "sobol"])
def test_samples_keep_their_unit_their_limits_and_their_seed(tmp_path: Path, method: str) -> None:
    def drawn(seed: int) -> list[str]:
        ranges = {AGE: {"low": "1 wk", "high": "5 wk", "scale": "log"}}
        return [each[AGE] for each in values_of(sweep_of(tmp_path, {method: {"n": 8, "seed": seed, "ranges": ranges}}))]

    first = drawn(1)
    assert all(text.endswith(" wk") and 7 <= to_unit(text, "d") <= 35 for text in first)
    assert first == drawn(1)
    assert first != drawn(2)


UNIT = {"days": {"low": 5, "high": 45}, AGE: {"low": "1 d", "high": "10000 d", "scale": "log"}, "sender_reach":
        {"low": 100, "high": 200}}  # fmt: skip


def shares_of(sweep: Sweep) -> np.ndarray:
    """Points back in the unit cube."""
    rows = [[(each["days"] - 5) / 40, math.log10(to_unit(each[AGE], "d")) / 4, each["sender_reach"] / 100 - 1]
            for each in values_of(sweep)]  # fmt: skip
    return np.array(rows)


@needs_salib
def test_each_step_of_a_morris_walk_changes_one_parameter_by_the_same_share(tmp_path: Path) -> None:
    design = {"morris": {"trajectories": 5, "levels": 6, "seed": 2, "ranges": UNIT}}
    sweep = sweep_of(tmp_path, design, arms=["control"])
    assert sweep.design.size == 5 * 4
    walks = shares_of(sweep).reshape(5, 4, 3)
    steps = np.abs(np.diff(walks, axis=1))
    np.testing.assert_allclose(np.sort(steps, axis=2), np.broadcast_to([0, 0, 6 / (2 * 5)], (5, 3, 3)), atol=1e-9)
    np.testing.assert_allclose(steps.sum(axis=1), 0.6, atol=1e-9)  # every parameter once
    np.testing.assert_allclose(walks * 5, np.round(walks * 5), atol=1e-9)  # on the grid of six places


@needs_salib
@pytest.mark.parametrize("second_order", [True, False])
def test_a_saltelli_block_swaps_one_coordinate_of_two_sobol_points(tmp_path: Path, second_order: bool) -> None:
    design = {"saltelli": {"n": 8, "second_order": second_order, "seed": 2, "ranges": UNIT}}
    sweep = sweep_of(tmp_path, design, arms=["control"])
    assert sweep.design.size == 8 * (8 if second_order else 5)
    blocks = shares_of(sweep).reshape(8, -1, 3)
    a, b, swap = blocks[:, 0], blocks[:, -1], np.eye(3, dtype=bool)
    np.testing.assert_array_equal(blocks[:, 1:4], np.where(swap, b[:, None], a[:, None]))
    if second_order:
        np.testing.assert_array_equal(blocks[:, 4:7], np.where(swap, a[:, None], b[:, None]))
    for each in (a, b):  # Sobol: of eight parts of every range, each holds one point
        np.testing.assert_array_equal(np.sort(np.floor(8 * each), axis=0), np.repeat(np.arange(8.0), 3).reshape(8, 3))


@needs_salib
def test_points_of_salib_are_those_that_its_release_1_6_drew() -> None:
    """SALib 1.5.2 and 1.6.0 draw the same points for the same seed: a sweep may be gone on with after an update."""
    designs = {"morris": {"trajectories": 3}, "saltelli": {"n": 2}}
    last = {}
    for method, size in designs.items():
        sampled = Design.model_validate({method: {**size, "seed": 5, "ranges": UNIT}}).sampled
        assert sampled is not None
        *_, last[method] = sampled.values()
    assert last == {
        "morris": {"days": 31.6666666667, "age_at_start": "1 d", "sender_reach": 200.0},
        "saltelli": {"days": 23.1888799742, "age_at_start": "269.541386067 d", "sender_reach": 110.771707352},
    }


@needs_salib
@pytest.mark.parametrize("method", [{"morris": {"trajectories": 2}}, {"saltelli": {"n": 2}}])
def test_a_seed_is_a_design(method: dict[str, Any]) -> None:
    def drawn(seed: int) -> np.ndarray:
        ((name, size),) = method.items()
        return Design.model_validate({name: {**size, "seed": seed, "ranges": UNIT}}).sampled.shares()

    np.testing.assert_array_equal(drawn(1), drawn(1))
    assert (drawn(1) != drawn(2)).any()


@given(st.floats(0, 1), st.sampled_from(["linear", "log"]), st.sampled_from(["", " 1/d"]))
def test_the_share_of_a_value_is_the_share_that_gave_it(share: float, scale: str, unit: str) -> None:
    limits = Range.model_validate({"low": f"0.002{unit}", "high": f"30{unit}", "scale": scale})
    assert limits.shares_of([limits.at(share)]) == pytest.approx([share], abs=1e-8)


def test_a_range_in_words() -> None:
    assert Range.model_validate({"low": "30 um", "high": "400 um", "scale": "log"}).in_words() == "30 to 400 um, log"
    assert Range.model_validate({"low": 0, "high": 0.5}).in_words() == "0 to 0.5"


def test_what_the_file_sets_holds_at_all_points(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, {"grid": {"days": [3, 4]}}, set={AGE: "1 wk", "arms.short.sender_reach": 300})
    assert [sweep.scenario.arms[arm].age_at_start for arm in ("control", "short")] == [7, 7]
    at_points = [sweep.scenario.override(point.values).arms["short"] for point in points(sweep)]
    assert [(each.days, each.age_at_start, each.sender_reach) for each in at_points] == [(3, 7, 300), (4, 7, 300)]


def test_the_files_own_arms_replicates_and_seed_are_used(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, {"list": [{"days": 3}]}, arms=["short"], replicates=2, seed=2**62 + 1)
    assert list(sweep.scenario.arms) == ["short"]
    assert (sweep.scenario.common.replicates, sweep.scenario.common.seed) == (2, 2**62 + 1)
    assert sweep.scenario.common.days == 10  # points stand on it; they are not in it


def test_points_are_copies(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, {"grid": {"tissues.skin.shape": [[4, 4]]}})
    points(sweep)[0].values["tissues.skin.shape"].append(9)
    assert values_of(sweep) == [{"tissues.skin.shape": [4, 4]}]


def test_a_value_that_an_arm_hides_is_noted(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, {"grid": {"sender_reach": [200, 300]}})
    hidden = "sender_reach: the override is hidden in arm short, which sets it itself"
    assert sweep.notes.count(hidden) == 1


# -------------------------------------------------------------------------------------------------------- addresses


def addresses(*points: dict[str, Any]) -> list[dict[str, str]]:
    scenario = from_dict(TREE)
    at = [scenario.override(values) for values in points]
    return [{arm: run_address(settings) for arm, settings in each.arms.items()} for each in at]


def test_equal_content_has_one_address_however_it_is_written() -> None:
    found = addresses(
        {"days": 14, AGE: 7},
        {AGE: "1 wk", "days": "14 d"},
        {"days": 14.0, AGE: "7"},
        {"days": "2 wk", AGE: "168 h"},
        {"days": 14, AGE: 7, "replicates": 3, "question": "why?"},
        {"days": 14, AGE: 7, "record.maps": ["state"], "record.days": [3]},
    )
    assert all(each == found[0] for each in found)
    assert all(len(each) == 16 and int(each, 16) >= 0 for each in found[0].values())


def test_different_content_has_different_addresses() -> None:
    found = addresses({}, {"days": 14}, {"days": 14 + 1e-12}, {"seed": 1}, {"record.every": 2}, {"sender_reach": 77})
    assert len({each["control"] for each in found}) == len(found)


def test_an_arm_that_a_point_does_not_change_is_one_run() -> None:
    one, other = addresses({"arms.short.sender_reach": 101}, {"arms.short.sender_reach": 102})
    assert one["control"] == other["control"]
    assert one["short"] != other["short"]


def test_a_table_of_positions_counts_by_content_not_by_place(tmp_path: Path) -> None:
    def address(folder: str, text: str) -> str:
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "cells.csv").write_text(text)
        cloud = {"cells": {"file": str(tmp_path / folder / "cells.csv")}, "extent": [20, 20], "links": {"radius": 15}}
        tree = {**TREE, "tissues": {"skin": {"cloud": cloud}}, "arms": {"control": {}}}
        return run_address(from_dict(tree).common)

    cells = "x,y\n1,2\n3,4\n"
    assert address("a", cells) == address("b", cells)
    assert address("a", cells) != address("a", cells + "9,9\n")


def test_the_addresses_of_a_sweep_are_those_of_its_points(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, {"grid": {"days": [3, 4, 5]}}, arms=["control"])
    at = [sweep.at(point) for point in points(sweep)]
    assert sweep.addresses == tuple({"control": run_address(each.arms["control"])} for each in at)
    assert sweep.duplicates == {}


def test_points_with_one_address_are_reported(tmp_path: Path) -> None:
    sweep = sweep_of(
        tmp_path, {"list": [{"days": 14}, {"days": 7}, {"days": "14 d"}, {"days": "1 wk"}, {"days": "2 wk"}]}
    )
    assert sweep.duplicates == {2: 0, 3: 1, 4: 0}
    assert sweep.notes[-3:] == (
        "point 2: the same as point 0, run once",
        "point 3: the same as point 1, run once",
        "point 4: the same as point 0, run once",
    )


# --------------------------------------------------------------------------------------------------------- mistakes


def lhs(low: Any = 1, high: Any = 2, **more: Any) -> dict[str, Any]:
    return {"latin_hypercube": {"n": 2, "ranges": {"days": {"low": low, "high": high, **more}}}}


METHODS = "grid, zip, list, latin_hypercube, sobol, morris, saltelli"
DAYS = "design.latin_hypercube.ranges.days"
BAD_DESIGNS: list[tuple[Any, str]] = [
    (None, "design: must be a mapping of keys to values, got None"),
    ({}, f"design: must hold exactly one of {METHODS}, got nothing"),
    ({"grid": {"days": [1]}, "list": [{"days": 1}]}, f"design: must hold exactly one of {METHODS}, got grid and list"),
    ({"gird": {"days": [1]}}, "design.gird: unknown key (did you mean grid?)"),
    ({"random": 3}, f"design.random: unknown key, known: {METHODS}"),
    ({"grid": {}}, "design.grid: must not be empty, got {}"),
    ({"grid": [1]}, "design.grid: must be a mapping of keys to values, got [1]"),
    ({"grid": {"days": 5}}, "design.grid.days: must be a list, got 5"),
    ({"grid": {"days": []}}, "design.grid.days: must not be empty, got []"),
    ({"grid": {"days": [*range(400)], AGE: [*range(400)]}},
     f"design: must make at most {MOST_POINTS} points, got 160000"),
    ({"zip": {"days": [1, 2], AGE: [1]}},
     f"design.zip: must have equally many values for each key, got days: 2, {AGE}: 1"),
    ({"list": {"days": 1}}, "design.list: must be a list, got {'days': 1}"),
    ({"list": []}, "design.list: must not be empty, got []"),
    ({"list": [{"days": 1}, 4]}, "design.list.1: must be a mapping of keys to values, got 4"),
    ({"list": [{"days": 1}, {}]}, "design.list.1: must not be empty, got {}"),
    ({"sobol": {"n": 12, "ranges": {"days": {"low": 1, "high": 2}}}}, "design.sobol.n: must be a power of two, got 12"),
    ({"sobol": {"n": 8}}, "design.sobol.ranges: is required, got nothing"),
    ({"sobol": {"n": 8, "ranges": {}}}, "design.sobol.ranges: must not be empty, got {}"),
    ({"latin_hypercube": {"n": 0, "ranges": {"days": {"low": 1, "high": 2}}}},
     f"design.latin_hypercube.n: must be between 1 and {MOST_POINTS}, got 0"),
    ({"morris": {"trajectories": 4, "levels": 5, "ranges": UNIT}}, "design.morris.levels: must be even, got 5"),
    ({"morris": {"trajectories": 1, "ranges": UNIT}},
     f"design.morris.trajectories: must be between 2 and {MOST_POINTS}, got 1"),
    ({"saltelli": {"n": 12, "ranges": UNIT}}, "design.saltelli.n: must be a power of two, got 12"),
    ({"saltelli": {"n": 8, "second_order": "some", "ranges": UNIT}},
     "design.saltelli.second_order: must be true or false, got 'some'"),
    ({"saltelli": {"n": 65536, "ranges": UNIT}}, f"design: must make at most {MOST_POINTS} points, got 524288"),
    (lhs(hihg=3), f"{DAYS}.hihg: unknown key (did you mean high?)"),
    (lhs(scale="lag"), f"{DAYS}.scale: must be linear or log, got 'lag' (did you mean log?)"),
    (lhs(low="many"), f"{DAYS}.low: must be a finite number, alone or with its unit, got 'many'"),
    (lhs(low=True), f"{DAYS}.low: must be a finite number, alone or with its unit, got True"),
    (lhs(high=math.inf), f"{DAYS}.high: must be a finite number, alone or with its unit, got inf"),
    (lhs(low="1 day"), f"{DAYS}.low: must have a known unit, got '1 day': unknown unit 'day'"),
    (lhs("1 d", "2 wk"), f"{DAYS}: must have low and high in the same unit, got '1 d' and '2 wk'"),
    (lhs(1, "2 d"), f"{DAYS}: must have low and high in the same unit, got 1 and '2 d'"),
    (lhs(2, 2), f"{DAYS}: must have low below high, got 2 and 2"),
    (lhs(0, 2, scale="log"), f"{DAYS}: must have low above 0 on a log scale, got 0"),
    ({"grid": {"days": [5, -1]}}, "design.grid.days: point 1: must be more than 0 d and at most 100000 d, got -1 d"),
    ({"grid": {"dasy": [5]}}, "design.grid.dasy: point 0: unknown key (did you mean days?)"),
    ({"list": [{"days": 5}, {"tissues.skn.shape": [4, 4]}]},
     "design.list.tissues.skn.shape: point 1: unknown tissue (did you mean skin?)"),
    ({"zip": {"days": [5, 6], AGE: [1, "2 um"]}}, f"design.zip.{AGE}: point 1: must be in d, got '2 um'"),
]  # fmt: skip


@pytest.mark.parametrize(("design", "expected"), BAD_DESIGNS)
def test_what_a_mistake_in_the_design_is_told(tmp_path: Path, design: Any, expected: str) -> None:
    path = sweep_file(tmp_path, design)
    with pytest.raises(ScenarioError) as caught:
        load_sweep(path)
    assert str(caught.value) == f"{path}: {expected}"


def test_a_sample_in_a_wrong_unit_is_the_first_bad_point(tmp_path: Path) -> None:
    path = sweep_file(tmp_path, lhs("1 um", "2 um"))
    with pytest.raises(ScenarioError, match=r"design\.latin_hypercube\.days: point 0: must be in d, got '1\.\d+ um'$"):
        load_sweep(path)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"scenario": "bsae.yaml"}, "scenario: must be a file, relative to this one, got 'bsae.yaml'"),
        ({"arms": ["shrt"]}, "arms: must be arms of base.yaml, got 'shrt' (did you mean short?)"),
        ({"arms": ["none"]}, "arms: must be arms of base.yaml, got 'none', known: control, short"),
        ({"arms": []}, "arms: must not be empty, got []"),
        ({"replicates": 0}, "replicates: must be at least 1, got 0"),
        ({"replicates": 2 * 10**6}, "replicates: must be between 1 and 1000000, got 2000000"),
        ({"seed": 1.5}, "seed: must be a whole number, got 1.5"),
        ({"set": {"tissues.skin.shpe": 3}}, "set.tissues.skin.shpe: unknown key (did you mean shape?)"),
        ({"set": {"replicates": 3}}, "set: must leave replicates to the sweep, which has its own key for it, got 3"),
        ({"set": 3}, "set: must be a mapping of keys to values, got 3"),
        ({"replicate": 3}, "replicate: unknown key (did you mean replicates?)"),
        ({"days": 3}, "days: unknown key, known: scenario, arms, replicates, seed, set, output, design"),
    ],
)
def test_what_a_mistake_beside_the_design_is_told(tmp_path: Path, more: dict[str, Any], expected: str) -> None:
    path = sweep_file(tmp_path, {"list": [{"days": 3}]}, **more)
    with pytest.raises(ScenarioError) as caught:
        load_sweep(path)
    assert str(caught.value) == f"{path}: {expected}"


def test_a_value_that_is_wrong_elsewhere_names_the_point_and_the_key(tmp_path: Path) -> None:
    path = sweep_file(tmp_path, {"grid": {"arms.control": [{}, {"sender_reach": -1}]}})
    with pytest.raises(ScenarioError, match=r"design\.grid\.arms\.control\.sender_reach: point 1: must be"):
        load_sweep(path)


def test_a_design_of_salib_without_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.scenario.design.find_spec", lambda name: None)
    path = sweep_file(tmp_path, {"morris": {"trajectories": 2, "ranges": UNIT}})
    with pytest.raises(ScenarioError) as caught:
        load_sweep(path)
    need = "morris must have SALib to draw points, got none (pip install 'senodrift[analysis]')"
    assert str(caught.value) == f"{path}: design: {need}"
    assert sweep_of(tmp_path, {"sobol": {"n": 2, "ranges": UNIT}}).design.size == 2


def test_reading_designs_needs_no_numpy() -> None:
    code = "import sys, sim.scenario.design; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0
