"""Files of cells that cannot be: each told in a line, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
import yaml
from PIL import Image
from test_cells import CELLS, TYPES, labels, scenario, write

import sim
from sim.cli import main
from sim.errors import ScenarioError
from sim.scenario.trees import Tree

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
