"""Cells from a file: what a person may write, what becomes of it, and one line for whatever is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
import yaml
from PIL import Image
from worlds import QUIET, assert_same, factor, start, together
from worlds import run as run_steps

import sim
from sim.errors import ScenarioError
from sim.scenario.cells import STATES
from sim.scenario.design import load_sweep, points
from sim.scenario.identity import run_address
from sim.scenario.load import Scenario, from_dict, load
from sim.scenario.tissue import Cloud
from sim.scenario.trees import Tree
from sim.tissue.state import HEALTHY, SENESCENT, STATE_NAMES

CELLS = pd.DataFrame(
    {
        "x": [10.0, 30.0, 50.0, 10.0, 30.0, 50.0],
        "y": [10.0, 10.0, 10.0, 30.0, 30.0, 30.0],
        "type": ["fibroblast", "fibroblast", "keratinocyte", "fibroblast", "fibroblast", "keratinocyte"],
        "state": ["healthy", "senescent", "healthy", "healthy", "Senescent", "cleared"],
        "since_onset": [None, 5.0, None, None, None, None],
        "p16": [0.1, 3.0, 0.2, 0.3, 2.0, 9.0],
    }
)
TYPES: Tree = {"fibroblast": {}, "keratinocyte": {}}


def write(folder: Path, table: pd.DataFrame = CELLS, name: str = "cells.csv") -> str:
    path = folder / name
    table.to_csv(path, index=False) if path.suffix == ".csv" else table.to_parquet(path, index=False)
    return str(path)


def scenario(cells: Tree, *changes: Tree, **cloud: Any) -> Scenario:
    about = {"voxel_spacing": 10, "cells": cells, "links": {"radius": 25}, **cloud}
    tree: Tree = {"days": 5, "age_at_start": 0, "tissues": {"patch": {**QUIET, "cell_types": TYPES, "cloud": about}}}
    return from_dict(together(tree, *changes))


def labels() -> np.ndarray:
    """Three labels: a pixel, a column of two, a row of four."""
    image = np.zeros((6, 8), np.uint16)
    image[0, 0], image[2:4, 3], image[5, 4:8] = 7, 2, 300
    return image


# ------------------------------------------------------------------------------------------------------- how it is read


def test_words_of_states_are_those_of_the_tissue() -> None:
    assert STATES == STATE_NAMES


@pytest.mark.parametrize("name", ["cells.csv", "cells.parquet"])
def test_the_first_state_is_that_of_the_file(tmp_path: Path, name: str) -> None:
    patch = start(scenario({"file": write(tmp_path, name=name)}).common).patches["patch"]
    cells = patch.cells
    assert [STATE_NAMES[code] for code in cells.state] == [word.lower() for word in CELLS["state"]]
    assert [list(TYPES)[code] for code in cells.cell_type] == CELLS["type"].tolist()
    assert cells.since[cells.state == SENESCENT].tolist() == [
        -5.0,
        -30.0,
    ]  # the second does not say: initial.since_onset
    assert [patch.event_names[code] for code in cells.cause[cells.state == SENESCENT]] == ["initial", "initial"]
    assert patch.cum.sum() == 2
    origin = np.array(patch.tissue.cloud.cells.origin)  # type: ignore[union-attr, index]
    np.testing.assert_allclose(patch.geometry.positions() + origin, CELLS[["x", "y"]])


def test_a_column_tells_who_was_turned_by_others(tmp_path: Path) -> None:
    """It belongs to senescent cells; where it says nothing they turned by themselves."""
    path = write(tmp_path, CELLS.assign(generation=[7, 2, 7, None, None, "who"]))
    assert start(scenario({"file": path}).common).patches["patch"].cells.generation.tolist() == [0, 2, 0, 0, 0, 0]
    assert sim.read_cells(path)["generation"].tolist() == [0, 2, 0, 0, 0, 0]


def test_the_box_has_half_a_spacing_around_the_cells_and_whole_voxels(tmp_path: Path) -> None:
    cloud = scenario({"file": write(tmp_path)}).common.tissues["patch"].cloud
    assert cloud is not None
    assert cloud.extent == [60.0, 40.0]  # 40 x 20 um of cells 20 um apart
    assert Cloud.model_validate({"cells": {"file": "cells.csv"}}).links.nearest == 6
    assert scenario({"file": write(tmp_path)}, voxel_spacing=25).common.tissues["patch"].cloud.extent == [75.0, 50.0]  # type: ignore[union-attr]


def test_a_marker_a_scale_and_other_names(tmp_path: Path) -> None:
    table = CELLS.rename(columns={"x": "X_centroid", "y": "Y_centroid", "type": "cluster"}).replace(
        "keratinocyte", "K 5"
    )
    how: Tree = {
        "columns": {"x": "X_centroid", "y": "Y_centroid", "type": "cluster", "marker": "p16"},
        "types": {"K 5": "keratinocyte"},
        "senescent_above": 1.5,
        "scale": "0.5 um",
    }
    found = sim.read_cells(write(tmp_path, table), **how)
    assert found["state"].tolist() == ["healthy", "senescent", "healthy", "healthy", "senescent", "senescent"]
    assert found["type"].tolist() == CELLS["type"].tolist()
    np.testing.assert_array_equal(found[["x", "y"]], CELLS[["x", "y"]] / 2)
    assert scenario({"file": write(tmp_path, table), **how}).common.tissues["patch"].burden_at_start == 50.0


def test_without_states_and_types_they_are_drawn(tmp_path: Path) -> None:
    plain = {"file": write(tmp_path, CELLS[["x", "y"]])}
    from_file = scenario(plain, {"tissues": {"patch": {"initial": {"burden": 50}}}}, extent=[60, 40])
    listed = from_dict(
        together(
            from_file.tree,
            {"tissues": {"patch": {"cloud": {"cells": None, "positions": CELLS[["x", "y"]].to_numpy().tolist()}}}},
        )
    )
    assert_same(start(from_file.common).patches["patch"], start(listed.common).patches["patch"])


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_labels_of_an_image_are_cells_at_their_centroids(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"labels.{suffix}"
    Image.fromarray(labels()).save(path) if suffix == "png" else tifffile.imwrite(path, labels())
    found = sim.read_cells(path, scale="2 um")
    assert found.index.tolist() == [2, 7, 300]
    np.testing.assert_array_equal(found[["x", "y", "pixels", "area"]], [[7, 6, 2, 8], [1, 1, 1, 4], [12, 11, 4, 16]])
    about = pd.DataFrame({"label": [300, 7, 2, 99], "state": ["senescent", "healthy", "healthy", "healthy"]})
    how = {"file": str(path), "scale": 2, "table": write(tmp_path, about, "about.csv")}
    joined = scenario(how)
    cloud = joined.common.tissues["patch"].cloud
    assert cloud is not None
    assert cloud.extent == [20.0, 20.0]  # 16 x 12 um, in voxels of 10 um
    assert joined.notes == (f"tissues.patch.cloud.cells: about.csv has 1 labels that are not in labels.{suffix}",)
    assert start(joined.common).patches["patch"].cells.state.tolist() == [HEALTHY, HEALTHY, SENESCENT]


def test_a_stack_has_volumes_and_its_own_distance_of_slices(tmp_path: Path) -> None:
    stack = np.zeros((3, 4, 5), np.int32)
    stack[0:2, 1, 1], stack[2, 3, 4] = 1, 2
    tifffile.imwrite(tmp_path / "stack.tiff", stack, photometric="minisblack")
    found = sim.read_cells(tmp_path / "stack.tiff", scale=1, scale_z=3)
    np.testing.assert_array_equal(found[["x", "y", "z", "volume"]], [[1.5, 1.5, 3, 6], [4.5, 3.5, 7.5, 3]])


def test_a_stack_whose_labels_share_a_slice_stays_a_stack(tmp_path: Path) -> None:
    """Columns through all slices: volumes count them, and so does the distance of slices."""
    stack = np.zeros((3, 4, 5), np.int32)
    stack[:, 1, 1], stack[:, 3, 4] = 1, 2
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, stack, photometric="minisblack", ome=True, metadata={"axes": "ZYX"})
    found = sim.read_cells(path, scale=1, scale_z=3)
    np.testing.assert_array_equal(found[["x", "y", "z", "volume"]], [[1.5, 1.5, 4.5, 9], [4.5, 3.5, 4.5, 9]])
    with pytest.raises(ScenarioError, match="extent: must have 3 lengths for a stack of slices, got 2"):
        scenario({"file": str(path), "scale": 10}, extent=[50, 40])


@pytest.mark.parametrize("axes", ["TYX", "CYX"])
def test_time_and_channels_are_no_slices(tmp_path: Path, axes: str) -> None:
    tifffile.imwrite(
        tmp_path / "a.ome.tif", np.stack([labels()] * 2), photometric="minisblack", ome=True, metadata={"axes": axes}
    )
    with pytest.raises(
        ScenarioError, match=rf"one plane or a stack, got axes {axes} \(T is time, C channels: save one"
    ):
        sim.read_cells(tmp_path / "a.ome.tif", scale=1)


def test_the_sizes_of_labels_are_those_of_the_image(tmp_path: Path) -> None:
    Image.fromarray(labels()).save(tmp_path / "a.png")
    about = pd.DataFrame({"label": [2, 7, 300], "x": 0, "pixels": [9, 8, 7], "area": 0.5, "p16": [1, 2, 3]})
    table = write(tmp_path, about, "about.csv")
    found = sim.read_cells(tmp_path / "a.png", scale=2, table=table)
    assert found.columns.tolist() == ["x", "y", "area", "pixels", "p16"]
    np.testing.assert_array_equal(found[["x", "pixels", "area", "p16"]], [[7, 2, 8, 1], [1, 1, 4, 2], [12, 4, 16, 3]])
    asked = sim.read_cells(tmp_path / "a.png", scale=2, table=table, columns={"marker": "pixels"}, senescent_above=7.5)
    assert asked["state"].tolist() == ["senescent", "senescent", "healthy"]


# -------------------------------------------------------------------------------------------------- what stays the same


def test_engines_agree_and_the_resolved_scenario_gives_the_same_run(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    places = np.indices((8, 9)).reshape(2, -1).T * 12.0 + rng.uniform(-4, 4, (72, 2))
    table = pd.DataFrame(
        {"x": places[:, 0], "y": places[:, 1], "state": rng.choice(["healthy", "senescent", "cleared"], 72)}
    )
    busy = together(
        factor(reach="30 um", induction={"linear": {"rate": 0.02}}), {"tissues": {"patch": {"repair": {"rate": 0.5}}}}
    )
    told = scenario({"file": write(tmp_path, table)}, busy)
    patch = run_steps(told.common, 6)
    assert_same(patch, run_steps(told.common, 6, engine="agents"))
    assert patch.cum.sum() > np.count_nonzero(table["state"] == "senescent")
    (tmp_path / "resolved.yaml").write_text(told.as_yaml(), encoding="utf-8")
    again = load(tmp_path / "resolved.yaml")
    assert again.common == told.common
    assert_same(patch, run_steps(again.common, 6))


def test_the_run_is_another_one_when_the_data_change(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    told, moved = scenario({"file": write(tmp_path)}), scenario({"file": write(tmp_path / "other")})
    assert run_address(told.common) == run_address(moved.common)
    assert told.hash == moved.hash
    resolved = from_dict(told.tree)
    write(tmp_path, CELLS.assign(since_onset=6.0))
    changed = told.override({})
    assert changed.hash != told.hash
    assert run_address(changed.common) != run_address(told.common)
    assert from_dict(told.tree).hash == resolved.hash  # tables of finished runs are read whatever became of the cells
    with pytest.raises(ScenarioError, match=r"found\.sha256: must be that of the file, .*the file has changed"):
        start(told.common)
    (tmp_path / "cells.csv").unlink()
    from_dict(told.tree)
    with pytest.raises(ScenarioError, match="must be a file that can be read, got none of this name"):
        sim.run(from_dict(told.tree))


def test_keys_that_changed_since_the_file_was_read_are_noticed_at_once(tmp_path: Path) -> None:
    """A resolved scenario with another cut, scale or box is the scenario that was never resolved, or one line."""
    cells: Tree = {"file": write(tmp_path), "columns": {"marker": "p16"}, "senescent_above": 2.5}
    told = scenario(cells)
    at = "tissues.patch.cloud"
    for changes in (
        {f"{at}.cells.senescent_above": 1.0},
        {f"{at}.cells.scale": 2, f"{at}.links.radius": 50},
        {f"{at}.extent": [80, 80], f"{at}.cells.origin": [-5, -5]},
        {f"{at}.cells.file": write(tmp_path, CELLS[1:], "fewer.csv")},
    ):
        again = from_dict(told.tree, changes)
        assert again.common == told.override(changes).common
        assert again.hash == told.override(changes).hash != told.hash
        assert start(again.common).patches["patch"].burden == again.common.tissues["patch"].burden_at_start
    assert from_dict(told.tree, {f"{at}.cells.senescent_above": 1.0}).common.tissues["patch"].burden_at_start == 50.0
    with pytest.raises(ScenarioError, match=r"must lie inside the tissue of 0 to 40 x .*got row 3"):
        from_dict(told.tree, {f"{at}.extent": [40, 40], f"{at}.cells.origin": [0, 0]})
    (tmp_path / "cells.csv").unlink()
    from_dict(told.tree)
    with pytest.raises(
        ScenarioError, match=r"cloud\.cells: /.*cells\.csv: found: must be of these keys .*, got neither"
    ):
        from_dict(told.tree, {f"{at}.cells.senescent_above": 1.0})


def test_arms_that_differ_in_the_reading_name_the_key_and_a_sweep_takes_it(tmp_path: Path) -> None:
    cells: Tree = {"file": write(tmp_path), "columns": {"marker": "p16"}, "senescent_above": 2.5}
    key = "tissues.patch.cloud.cells.senescent_above"
    arms = {"a": {}, "b": {"tissues": {"patch": {"cloud": {"cells": {"senescent_above": 1}}}}}}
    with pytest.raises(ScenarioError, match=rf"arms\.b\.{key}: must be the same in all arms, got 2\.5 and 1\.0 "):
        scenario(cells, {"arms": arms})
    (tmp_path / "own.yaml").write_text(scenario(cells).as_yaml(), encoding="utf-8")
    (tmp_path / "cut.yaml").write_text(yaml.safe_dump({"scenario": "own.yaml", "design": {"grid": {key: [2.5, 1]}}}))
    cuts = load_sweep(tmp_path / "cut.yaml")
    burdens = [cuts.at(point).common.tissues["patch"].burden_at_start for point in points(cuts)]
    assert burdens == [pytest.approx(100 / 3), 50.0]


def test_the_mean_field_begins_with_the_burden_of_the_file(tmp_path: Path) -> None:
    told = scenario({"file": write(tmp_path)})
    alone = sim.run(told.override({"mode": "well_mixed", "dt": 1}), replicates=2).timeseries
    assert alone.loc[alone["day"] == 0, "burden"].tolist() == [40.0, 40.0]
