"""Tables from records, and a folder that gives them back as they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.errors import ResultsError
from sim.results import COLUMNS, EVENT_COLUMNS, Folder, Results, RunRecord, combine, fresh_folder, read_results
from sim.scenario.identity import fingerprint
from sim.scenario.yaml_text import dump_yaml

SCENARIO = {"days": 2, "tissues": {"skin": {"shape": [2, 2], "cell_spacing": "15 um"}}}
MANIFEST = {"scenario": "tiny", "arms": ["zebra", "ape"], "tissues": ["skin", "ear"]}
SITES = pd.DataFrame({"tissue": "skin", "site": [0, 1], "x": [0.5, 1.5], "y": 0.5, "z": 0.0, "type": "cell"})


def record(arm: str, replicate: int, burdens: tuple[float, ...] = (1.0, 2.0), **more: Any) -> RunRecord:
    """A finished run of two tissues, with a row a day."""
    keys = {"arm": arm, "replicate": replicate}
    counts = {"n_healthy": 9, "n_senescent": 1, "n_cleared": 0, "n_scarred": 0}
    rows = [
        {**keys, "tissue": tissue, "day": float(day), **counts, "burden": burden, "n_cell_healthy": 9, **more}
        for day, burden in enumerate(burdens)
        for tissue in MANIFEST["tissues"]
    ]
    event = {**keys, "tissue": "skin", "day": 0.0, "event": "graft", "n_sites": 1}
    events = pd.DataFrame([event], columns=EVENT_COLUMNS)
    events = events.astype({"site": "Int64", "sender": "Int64", "generation": "Int64"})
    layers = {"days": np.array([0.0]), "spacing": np.array(15.0), "state": np.full((1, 2, 2), replicate, np.uint8)}
    maps = {tissue: layers for tissue in MANIFEST["tissues"]}
    return RunRecord(arm, replicate, "finished", wall_s=1.0, timeseries=pd.DataFrame(rows), events=events, maps=maps)


def results(*records: RunRecord) -> Results:
    return combine(MANIFEST, SCENARIO, list(records), SITES)


def written(tmp_path: Path, *records: RunRecord) -> Path:
    folder = Folder(tmp_path / "out")
    folder.write(results(*records), dump_yaml(SCENARIO))
    return folder.finish()


def test_what_one_arm_does_not_have_is_a_count_of_zero_but_no_level() -> None:
    one = record("zebra", 0, new_damage=3, cum_damage=3, gen_0=1, mean_SASP=0.5, max_SASP=0.7)
    other = record("ape", 0, new_graft=4, cum_graft=4, gen_0=1, gen_1=2, gen_2=5)
    table = results(one, other).timeseries
    assert list(table) == [
        *COLUMNS, "n_cell_healthy", "new_damage", "new_graft", "cum_damage", "cum_graft", "gen_0", "gen_1", "gen_2",
        "mean_SASP", "max_SASP",
    ]  # fmt: skip
    assert table["arm"].tolist() == ["zebra"] * 4 + ["ape"] * 4
    assert table["gen_2"].tolist() == [0] * 4 + [5] * 4
    assert table["new_damage"].tolist() == [3] * 4 + [0] * 4
    assert all(table[name].dtype == np.int64 for name in table if name.startswith(("n_", "new_", "cum_", "gen_")))
    assert table["mean_SASP"].isna().tolist() == [False] * 4 + [True] * 4


def test_a_run_that_did_not_finish_has_a_row_in_the_manifest_and_nothing_else() -> None:
    failed = record("ape", 1)
    failed.status, failed.stage, failed.message = "failed", "step 3", "an error"
    found = results(record("ape", 0), failed, RunRecord("ape", 2, stage="not run", message="stop"))
    assert found.manifest["runs"] == [
        {"arm": "ape", "replicate": 0, "status": "finished", "wall_s": 1.0},
        {"arm": "ape", "replicate": 1, "status": "failed", "wall_s": 1.0, "stage": "step 3", "message": "an error"},
        {"arm": "ape", "replicate": 2, "status": "interrupted", "wall_s": 0.0, "stage": "not run", "message": "stop"},
    ]  # fmt: skip
    assert set(found.timeseries["replicate"]) == set(found.events["replicate"]) == {0}
    assert found.map_keys == [("ape", 0, "skin"), ("ape", 0, "ear")]


def test_a_summary_is_of_the_last_day_in_the_order_of_the_scenario() -> None:
    found = results(record("zebra", 0, (9.0, 1.0)), record("zebra", 1, (9.0, 3.0)), record("ape", 0, (7.0,)))
    table = found.summary()
    assert table[["arm", "tissue", "n", "burden_mean"]].to_numpy().tolist() == [
        ["zebra", "ear", 2, 2.0], ["ape", "ear", 1, 7.0], ["zebra", "skin", 2, 2.0], ["ape", "skin", 1, 7.0],
    ]  # fmt: skip
    np.testing.assert_allclose(table["burden_sd"], [np.sqrt(2), np.nan] * 2)
    assert repr(found).startswith("Results of tiny (3 finished), burden on the last day in %:")


@pytest.mark.parametrize("records", [[], [record("ape", 0), record("zebra", 1)]])
def test_a_folder_gives_back_what_was_written(tmp_path: Path, records: list[RunRecord]) -> None:
    """Also where no run was finished."""
    one, other = results(*records), read_results(written(tmp_path, *records))
    for name in ("timeseries", "events", "sites"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)
    assert (other.arms, other.tissues) == (["zebra", "ape"], ["skin", "ear"])
    assert other.manifest == one.manifest
    assert other.scenario == {**SCENARIO, "tissues": {"skin": {"shape": [2, 2], "cell_spacing": "15 um"}}}
    pd.testing.assert_frame_equal(one.summary(), other.summary())


def test_maps_come_back_in_the_order_of_the_scenario(tmp_path: Path) -> None:
    names = [("zebra", 2), ("zebra", 10), ("ape", 0)]
    one = results(*(record(*name) for name in names))
    other = read_results(written(tmp_path, *(record(*name) for name in names)))
    assert one.map_keys == other.map_keys == [(*name, tissue) for name in names for tissue in ("skin", "ear")]
    for found in (one, other):
        assert found.maps("zebra", 10)["state"].tolist() == [[[10, 10], [10, 10]]]
        assert set(found.maps("ape", tissue="ear")) == {"days", "spacing", "state"}
        with pytest.raises(ResultsError, match="maps: none kept for arm ape, replicate 1, tissue skin"):
            found.maps("ape", 1)


@pytest.mark.parametrize("name", ["manifest.json", "scenario.yaml", "timeseries.parquet", "maps/ape-0-skin.npz"])
def test_a_missing_or_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    folder = written(tmp_path, record("ape", 0))

    def read() -> None:
        read_results(folder).maps("ape")

    (folder / name).write_bytes(b"\x00{")
    with pytest.raises(ResultsError, match=rf"{name}: results: cannot be read \("):
        read()
    (folder / name).unlink()
    if name.startswith("maps"):
        with pytest.raises(ResultsError, match=r"maps: results: must hold 2 files or none, got 1"):
            read()
        (folder / "maps" / "ape-0-ear.npz").unlink()
        with pytest.raises(ResultsError, match="maps: none kept"):
            read()
    else:
        with pytest.raises(ResultsError, match=f"{name}: results: is missing from its folder"):
            read()
    with pytest.raises(ResultsError, match="must be a results folder, got no such folder"):
        read_results(tmp_path / "nowhere")


def test_a_scenario_that_was_cut_off_is_not_taken_for_a_shorter_one(tmp_path: Path) -> None:
    """Half of a YAML file is YAML more often than not."""
    whole = results(record("ape", 0))
    whole.manifest["hash"] = fingerprint(SCENARIO)
    folder = Folder(tmp_path / "out")
    folder.write(whole, dump_yaml(SCENARIO))
    path = folder.finish() / "scenario.yaml"
    assert read_results(tmp_path / "out").scenario == SCENARIO
    path.write_text(path.read_text(encoding="utf-8").partition("\n")[0], encoding="utf-8")
    with pytest.raises(ResultsError, match=r"scenario\.yaml: results: must be the scenario of this run, got another"):
        read_results(tmp_path / "out")


def test_fresh_folders_count(tmp_path: Path) -> None:
    assert fresh_folder(tmp_path, "a") == tmp_path / "a"
    (tmp_path / "a").mkdir()
    (tmp_path / "a-2.partial").mkdir()
    assert fresh_folder(tmp_path, "a") == tmp_path / "a-3"
