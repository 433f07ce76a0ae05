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
from sim.cli import main
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


# ------------------------------------------------------------------------------------------------------------- mistakes

NAN, TWICE = CELLS.assign(y=[10, 10, np.nan, 30, 30, 30]), CELLS.assign(x=[10, 30, 50, 10, 10, 50])
MISTAKES: list[tuple[pd.DataFrame, Tree, Tree, str]] = [
    (CELLS.drop(columns="y"), {}, {}, "y: must be a column of the file, got none called 'y', known: x, type"),
    (CELLS, {"columns": {"type": "tpye"}}, {}, "got none called 'tpye' (did you mean type?)"),
    (CELLS, {"columns": {"typ": "type"}}, {}, "columns: must map x, y, z, type, state"),
    (NAN, {}, {}, "y: must be a finite number, got nan in row 3"),
    (CELLS.assign(x=[1, 2, "left", 4, 5, 6]), {}, {}, "x: must be a finite number, got left in row 3"),
    (CELLS.assign(x=np.inf), {}, {}, "x: must be a finite number, got inf in row 1"),
    (TWICE, {}, {}, "cells: must stand in places of their own, got row 4 and row 5 at (10, 30) um"),
    (CELLS, {"min_distance": 20}, {}, "own more than 20 um apart, got row 1 and row"),
    (CELLS, {}, {"extent": [60, 25]}, "must lie inside the tissue of 0 to 60 x 0 to 25 um, got row 4 at (10, 30)"),
    (CELLS.assign(x=CELLS["x"] - 11), {}, {"extent": [60, 40]}, "0 to 60 x 0 to 40 um, got row 1 at (-1, 10)"),
    (CELLS[:0], {}, {}, "file: must hold at least one cell, got an empty table"),
    (CELLS.replace("keratinocyte", "keratinocite"), {}, {}, "got 'keratinocite' in row 3 (did you mean keratinocyte?)"),
    (CELLS.assign(type=None), {}, {}, "type: must stand in every row, got nothing in row 1"),
    (CELLS.replace("cleared", "senecsent"), {}, {}, "got 'senecsent' in row 6 (did you mean senescent?)"),
    (CELLS.assign(since_onset=-1), {}, {}, "since_onset: must be 0 d or more at a senescent cell, got -1 in row 2"),
    (CELLS.assign(generation=[0, 1, 0, 0, 1.5, 0]), {}, {}, "generation: must be a whole number from 0 to 255"),
    (CELLS.assign(generation=256), {}, {}, "from 0 to 255 at a senescent cell, got 256 in row 2"),
    (CELLS, {"senescent_above": 1}, {}, "marker: must be a column of the file, got none called 'marker'"),
    (CELLS, {"senescent_above": 1, "columns": {"state": "state"}}, {}, "senescent_above: must be left out"),
    (CELLS, {"table": "cells.csv"}, {}, "table: is for label images only"),
    (CELLS, {"file": "cells.txt"}, {}, "file: must end in .csv, .parquet, .tif, .tiff, .png, .h5ad, got"),
    (CELLS, {"file": "no.csv"}, {}, "no.csv: file: must be a file that can be read, got none of this name"),
    (CELLS, {"origin": [0]}, {}, "origin: must have 2 coordinates, got [0.0]"),
    (CELLS, {}, {"extent": [60, 40, 20]}, "z: must be a column of the file where extent has 3 lengths, got none"),
    (CELLS, {}, {"positions": [[1, 1]]}, "must have exactly one of packing, positions, cells"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "cells", "cloud", "message"), MISTAKES)
def test_mistakes_in_a_table_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: pd.DataFrame, cells: Tree, cloud: Tree, message: str
) -> None:
    write(tmp_path, table)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ScenarioError) as caught:
        scenario({"file": "cells.csv", **cells}, **cloud)
    assert str(caught.value).startswith("<scenario>: tissues.patch.cloud")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_file_tells_who_is_senescent_or_the_scenario_not_both(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"patch\.initial\.burden: must be 0 % where the file of cells tells"):
        scenario({"file": write(tmp_path)}, {"tissues": {"patch": {"initial": {"burden": 5}}}})


def test_cells_that_are_perhaps_one_are_noted(tmp_path: Path) -> None:
    told = scenario({"file": write(tmp_path, pd.concat([CELLS, CELLS[:1].assign(x=10.5)]))})
    assert len(told.notes) == 1
    assert "first row 1 and row 7: one cell found twice?" in told.notes[0]


@pytest.mark.parametrize(("scale", "noted"), [(0.1, True), (1, False), (6, True)])
def test_a_scale_that_is_far_off_is_noted(tmp_path: Path, scale: float, noted: bool) -> None:
    told = scenario({"file": write(tmp_path), "scale": scale}, links={"nearest": 3})
    note = f"cells are {20 * scale:g} um from the nearest one on average, outside 3 to 100 um: is `scale` right?"
    assert told.notes == ((f"tissues.patch.cloud.cells: {note}",) if noted else ())


def test_there_must_be_more_cells_than_neighbours(tmp_path: Path) -> None:
    path = write(tmp_path)
    scenario({"file": path}, links={"nearest": 5})
    with pytest.raises(
        ScenarioError, match=r"patch\.cloud\.links\.nearest: must be below the number of cells, 6 in /.*csv, got 6"
    ):
        scenario({"file": path}, links={})
    Image.fromarray(np.uint8(labels() > 0)).save(tmp_path / "mask.png")
    mask = {"file": str(tmp_path / "mask.png"), "scale": 10}
    with pytest.raises(ScenarioError, match=r"nearest: .*, 1 in /.*png \(a mask\? label it first\), got 6"):
        scenario(mask, links={})
    assert scenario(mask).notes == (
        "tissues.patch.cloud.cells: mask.png holds one label only (a mask? label it first)",
    )


def image(pixels: np.ndarray, **how: Any) -> Tree:
    return {"pixels": pixels, "scale": 1, **how}


IMAGES: list[tuple[str, Any, Tree, str]] = [
    ("a.tif", labels(), {"scale": None}, "scale: must be told for a label image, the side of a pixel [um], got"),
    ("a.tif", labels().astype(np.float32), {}, "whole numbers from 0, one plane or a stack, got float32"),
    ("a.tif", np.zeros((6, 8, 3), np.uint8), {}, "got shape (6, 8, 3) (a colour image?)"),
    ("a.png", np.zeros((6, 8, 3), np.uint8), {}, "got a picture of mode RGB (a colour image?)"),
    ("a.png", labels() > 0, {}, "got a picture of mode 1 (a mask? label it first)"),
    ("a.png", Image.fromarray(labels().astype(np.uint8)).convert("P"), {}, "got a picture of mode P (a palette: its"),
    ("a.tif", -labels().astype(np.int32), {}, "one plane or a stack, got -300"),
    ("a.tif", labels() * 0, {}, "file: must hold at least one label above 0, got an image of background"),
    ("a.png", b"x,y\n1,2\n", {}, "must be a whole PNG image, got one that cannot be read (UnidentifiedImageError)"),
    ("a.tif", b"", {}, "file: must be a whole TIFF image, got one that cannot be read"),
    ("a.parquet", b"x,y\n1,2\n", {}, "file: must be a whole Parquet table, got one that cannot be read (ArrowInvalid)"),
    ("a.csv", "x,y\n1,2\n".encode("utf-16"), {}, "file: must be text in UTF-8, got UTF-16"),
    ("a.csv", "x,y,type\n1,2,Fb\n1,3,dünn\n".encode("latin-1"), {}, "got byte 0xfc in line 3 (Latin-1 or Windows-1252"),
    ("a.csv", b"", {}, "file: must hold at least one cell, got an empty file"),
    ("a.csv", b"x,y\n1,2\n\n1,2,3\n", {}, "file: must have 2 fields in every row, as in its header, got 3 in row 2"),
    ("a.csv", b"x,y,type\n1,2,a\n1,2", {}, "file: must have 3 fields in every row, as in its header, got 2 in row 2"),
    ("a.csv", b"x;y\n1;2\n", {}, "file: must have commas between its fields, got semicolons ('x;y')"),
    ("a.csv", b"x\ty\n1\t2\n", {}, r"file: must have commas between its fields, got tabs ('x\ty')"),
    ("a.csv", b"x,y,x\n1,2,3\n", {}, "x: must be one column of the file, got 2 of this name"),
    ("a.csv", b"x,y\n1,2\n1e300,2\n", {}, "x: must be between -1e+09 um and 1e+09 um, got 1e+300 um in row 2"),
    ("a.csv", b"x,y\n1,2\n3,2\n", {"scale_z": 2}, "scale_z: must be left out where cells lie in a plane, got 2 um"),
    ("a.tif", labels(), {"table": "label\n7\n2\n"}, "label: must hold every label of a.tif, got none for 300"),
    ("a.tif", labels(), {"table": "label\n7\n2\n2\n300\n"}, "label: must stand once, got 2 in rows 2 and 3"),
    ("a.tif", labels(), {"table": "label\n7\ntwo\n"}, "label: must be a number, got 'two' in row 2"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "how", "message"), IMAGES)
def test_mistakes_in_an_image_are_one_line(tmp_path: Path, name: str, content: Any, how: Tree, message: str) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif path.suffix == ".png":
        (content if isinstance(content, Image.Image) else Image.fromarray(content)).save(path)
    else:
        tifffile.imwrite(path, content, photometric="rgb" if content.ndim == 3 else "minisblack")
    if "table" in how:
        (tmp_path / "about.csv").write_text(how["table"])
        how = {**how, "table": str(tmp_path / "about.csv")}
    with pytest.raises(ScenarioError) as caught:
        sim.read_cells(path, **{"scale": 1, **how})
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_truncated_image_is_one_line(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, saved in (("a.png", "PNG"), ("b.tif", "TIFF")):
        Image.fromarray(rng.integers(0, 9, (64, 64)).astype(np.uint8)).save(tmp_path / name, format=saved)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 3])
        with pytest.raises(ScenarioError, match=f"must be a whole {saved} image, got one that cannot be read"):
            sim.read_cells(tmp_path / name, scale=1)


def test_a_damaged_table_ends_a_command_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, NAN)
    tree = {"days": 1, "tissues": {"patch": {"cell_types": TYPES, "cloud": {"cells": {"file": "cells.csv"}}}}}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(tree))
    with pytest.raises(SystemExit) as stop:
        main(["run", str(tmp_path / "own.yaml"), "--out", str(tmp_path / "out")])
    said = capsys.readouterr().err
    assert stop.value.code == 2
    assert said.startswith(
        f"error: {tmp_path / 'own.yaml'}: tissues.patch.cloud.cells: {tmp_path / 'cells.csv'}: y: must "
    )
    assert said.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cells.csv", "own.yaml"]
