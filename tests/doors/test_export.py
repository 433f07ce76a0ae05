"""Maps in the formats of other programs: the same numbers, in um, and a scenario that begins with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
import xarray
from worlds import QUIET, factor, points_of, start, together

import sim
from sim.cli import main
from sim.errors import ResourceError, ResultsError
from sim.exchange.export import left_out
from sim.results import Results
from sim.scenario.load import from_dict
from sim.scenario.trees import Tree
from sim.tissue.state import SENESCENT

SHAPE, SPACING = (8, 12), 10.0
LAYERS = ["state", "cause", "type", "generation", "SASP"]


def tree(*changes: Tree) -> Tree:
    """A lattice with a hole, vacant sites and two cell types; voxels of 2 x 2 cells."""
    patch = {
        **QUIET,
        "shape": list(SHAPE),
        "voxel_cells": 2,
        "cell_types": {"fibroblast": {"fraction": 0.7}, "keratinocyte": {"fraction": 0.3}},
        "initial": {"burden": 30},
        "clearance": {"max_rate": 0, "own_death": 0.3},
        "holes": [{"at": [25, 25], "radius": 16}],
    }
    sasp = factor(reach="30 um", induction={"linear": {"rate": 0.02}})
    record = {"maps": LAYERS, "days": [0, 2, 4]}
    return together(
        {"days": 4, "dt": 0.5, "replicates": 2, "tissues": {"patch": patch}, "record": record}, sasp, *changes
    )


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("results") / "run"
    sim.run(from_dict(tree()), out=folder)
    return sim.read_results(folder)


def sites_of(layer: np.ndarray, results: Results) -> np.ndarray:
    return layer.reshape(len(layer), -1)[:, results.sites["site"]]


def test_a_scenario_begins_with_the_exported_cells_of_a_day(results: Results, tmp_path: Path) -> None:
    """Every site in its state and type, places apart by what they were; the levels of its factors are those at rest."""
    folder = sim.export(results, "csv", tmp_path / "csv", replicate=1, days=[2])
    assert [path.name for path in folder.iterdir()] == ["control-1-patch-day2.csv"]
    file = folder / "control-1-patch-day2.csv"
    about = {"cells": {"file": str(file)}, "extent": [120, 80], "voxel_spacing": 20, "links": {"radius": 15}}
    begun = from_dict(
        tree(
            {"tissues": {"patch": {"shape": None, "voxel_cells": None, "holes": None, "initial": None, "cloud": about}}}
        )
    )
    patch = start(begun.common).patches["patch"]
    maps = results.maps("control", 1)
    state = sites_of(maps["state"], results)[1]
    assert {0, 1, 2} <= set(state.tolist())
    np.testing.assert_array_equal(patch.cells.state, state)
    np.testing.assert_array_equal(patch.cells.cell_type, sites_of(maps["type"], results)[1])
    np.testing.assert_array_equal(patch.geometry.positions(), results.sites[["x", "y"]])
    cells = sim.read_cells(file)
    np.testing.assert_array_equal(cells["generation"], sites_of(maps["generation"], results)[1])
    assert (cells["cause"].notna() == (state == SENESCENT)).all()
    assert set(cells["cause"].dropna()) <= {"initial", "SASP"}


def test_a_round_trip_keeps_who_was_turned_by_others(tmp_path: Path) -> None:
    """Secondary cells that secrete half as much begin so again: the level of the next scenario is that of the last."""
    halves: Tree = {"factors": {"SASP": {"secretion": {"secondary": 0.5}}}, "record": {"days": [4]}}
    busy: Tree = {"tissues": {"patch": {"holes": None, "initial": {"burden": 10}, "repair": {"rate": 0}}}}
    stirred: Tree = {"tissues": {"patch": {"well_mixed": True}}}
    results = sim.run(from_dict(tree(halves, busy, stirred)), replicates=1)
    file = sim.export(results, "csv", tmp_path / "out") / "control-0-patch-day4.csv"
    cloud = {"cells": {"file": str(file)}, "extent": [120, 80], "voxel_spacing": 20, "links": {"radius": 15}}
    moved: Tree = {
        "tissues": {"patch": {"shape": None, "voxel_cells": None, "initial": {"burden": None}, "cloud": cloud}}
    }
    patch = start(from_dict(tree(halves, busy, stirred, moved)).common).patches["patch"]
    old, generation = patch.cells.state == SENESCENT, results.maps("control")["generation"][0].ravel()
    assert set(generation[old]) == {0, 1}
    np.testing.assert_array_equal(patch.cells.generation, generation * old)
    n_0, n_1 = np.bincount(generation[old])
    np.testing.assert_allclose(patch.level("SASP"), 100 * (n_0 + n_1 / 2) / generation.size, rtol=1e-5)


def test_levels_are_those_of_the_voxel_of_a_cell(results: Results, tmp_path: Path) -> None:
    table = pd.read_csv(sim.export(results, "csv", tmp_path / "out", replicate=0) / "control-0-patch-day4.csv")
    fine = results.maps("control")["SASP"][-1].repeat(2, 0).repeat(2, 1)
    np.testing.assert_array_equal(table["SASP"].to_numpy(np.float32), fine.ravel()[results.sites["site"]])


def test_zarr_holds_the_maps_and_the_time_series(results: Results, tmp_path: Path) -> None:
    store = sim.export(results, "zarr", tmp_path / "run.zarr")
    opened = {"engine": "zarr", "consolidated": False}
    for replicate in (0, 1):
        maps = results.maps("control", replicate)
        with xarray.open_dataset(store, group=f"control/{replicate}/patch", **opened) as data:
            for layer in LAYERS:
                np.testing.assert_array_equal(data[layer], maps[layer], strict=False)
                assert data[layer].dtype == maps[layer].dtype
            assert data["day"].values.tolist() == [0, 2, 4]
            assert data["x"].values.tolist() == [5 + 10 * i for i in range(12)]
            assert data["y_voxel"].values.tolist() == [10, 30, 50, 70]
            assert data["state"].attrs["flag_meanings"].split()[SENESCENT] == "senescent"
            assert data.attrs["seed"] == 0
    with xarray.open_dataset(store, group="control/1/patch/timeseries", **opened) as data:
        rows = results.timeseries.query("replicate == 1")
        np.testing.assert_array_equal(data["burden"], rows["burden"])
        np.testing.assert_array_equal(data["n_senescent"], rows["n_senescent"])


def test_tiff_holds_the_maps_and_the_size_of_a_pixel(results: Results, tmp_path: Path) -> None:
    folder = sim.export(results, "tiff", tmp_path / "tiff", replicate=0)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        f"control-0-patch-{name}.ome.tif" for name in LAYERS
    )
    for layer, side in (("state", 10.0), ("SASP", 20.0)):
        with tifffile.TiffFile(folder / f"control-0-patch-{layer}.ome.tif") as file:
            assert file.series[0].axes == "TYX"
            np.testing.assert_array_equal(file.series[0].asarray(), results.maps("control")[layer], strict=True)
            about = file.ome_metadata or ""
        assert f'PhysicalSizeX="{side}" PhysicalSizeXUnit="µm"' in about
        assert f'Name="{layer}"' in about
        assert 'DeltaT="2.0" DeltaTUnit="d"' in about


def test_a_cloud_has_cells_but_no_picture(tmp_path: Path) -> None:
    flat: Tree = {"tissues": {"patch": {"voxel_cells": None, "holes": None}}, "record": {"maps": ["state", "SASP"]}}
    results = sim.run(from_dict(tree(points_of(SHAPE, 2), flat)), replicates=1)
    maps = results.maps("control")
    with xarray.open_dataset(sim.export(results, "zarr", tmp_path / "z"), group="control/0/patch", engine="zarr",
                             consolidated=False) as data:  # fmt: skip
        np.testing.assert_array_equal(data["state"], maps["state"])
        np.testing.assert_array_equal(data["x_site"], results.sites["x"])
        assert data["state"].dims == ("day", "site")
    table = pd.read_csv(sim.export(results, "csv", tmp_path / "c") / "control-0-patch-day0.csv")
    np.testing.assert_array_equal(table["SASP"].to_numpy(np.float32), maps["SASP"][0].repeat(2, 0).repeat(2, 1).ravel())
    folder = sim.export(results, "tiff", tmp_path / "t")
    assert [path.name for path in folder.iterdir()] == ["control-0-patch-SASP.ome.tif"]  # voxels are a picture
    assert left_out(results, "tiff") == ["tiff: leaves out state of patch, for cells of a cloud are no image"]
    assert left_out(results, "csv") == left_out(results, "tiff", "other") == []
    del results._maps[("control", 0, "patch")]["SASP"]  # type: ignore[index]
    with pytest.raises(ResultsError, match="export: tiff: must have layers on a grid, got cells of a cloud only"):
        sim.export(results, "tiff", tmp_path / "no")
    assert not list(tmp_path.glob("no*"))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"to": "tif"}, r"export: to: must be one of csv, anndata, zarr, tiff, got tif \(did you mean tiff\?\)"),
        ({"arm": "contrl"}, r"export: arm: .*got contrl \(did you mean control\?\)|export: arm: .*got contrl"),
        ({"tissue": "skin"}, "export: tissue: must be"),
        ({"replicate": 7}, "export: maps: must have been kept of what is asked for, got of replicates 0, 1"),
        ({"days": [1]}, r"export: days: must be of those that were kept \(0, 2, 4\), got 1"),
    ],
)  # fmt: skip
def test_what_was_not_kept_is_one_line(results: Results, tmp_path: Path, how: dict, message: str) -> None:
    with pytest.raises(ResultsError, match=message):
        sim.export(results, **{"to": "csv", "out": tmp_path / "out", **how})
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_a_new_folder_and_never_over_one(
    results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(*more: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main(["export", str(results.folder), *more])
        said = capsys.readouterr()
        return int(str(stop.value.code)), said.out, said.err

    out = tmp_path / "cells"
    code, said, _ = command("--to", "csv", "--out", str(out), "--days", "0,4 d", "--replicate", "0")
    assert (code, said) == (0, f"csv      {out}  (2 files)\n")
    code, _, error = command("--to", "csv", "--out", str(out))
    assert (code, error) == (2, f"error: {out}: out: must be a new folder, got one that exists\n")
    code, _, error = command("--to", "tiff", "--out", str(tmp_path / "grid"))
    assert (code, error) == (0, "")  # a lattice is an image as a whole
    code, _, error = command("--to", "csv", "--days", "1 um")
    assert (code, error) == (2, "error: export: --days: must be in d, got '1 um'\n")


def test_without_maps_nothing_is_written(tmp_path: Path) -> None:
    bare = sim.run(from_dict(tree({"days": 0.5, "record": None})), replicates=1)
    with pytest.raises(ResultsError, match=r"got none \(record\.maps and record\.days name them\)"):
        sim.export(bare, "csv", tmp_path / "out")


def test_a_missing_library_is_named(results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tifffile", None)
    with pytest.raises(
        ResourceError, match=r"export: tiff: needs tifffile, .* pip install 'senodrift\[formats\]' brings it"
    ):
        sim.export(results, "tiff", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
