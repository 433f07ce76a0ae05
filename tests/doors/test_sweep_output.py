"""What a sweep keeps: summaries, time series, maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from test_sweep import WORLD, sweep_file

import sim
from sim.errors import ResultsError, ScenarioError
from sim.experiment.execute import Job, executor
from sim.experiment.store import read_run, write_run
from sim.scenario.design import load_sweep
from sim.scenario.yaml_text import dump_yaml
from sim.sweeps import SweepResults


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> SweepResults:
    home = tmp_path_factory.mktemp("undisturbed")
    return sim.sweep(sweep_file(home), out=home / "out")


def test_summary_keeps_outcomes_only(undisturbed: SweepResults, tmp_path: Path) -> None:
    results = sim.sweep(load_sweep(sweep_file(tmp_path, output="summary")), out=tmp_path / "out")
    assert_frame_equal(results.outcomes, undisturbed.outcomes, check_exact=True)
    assert {path.name.split("-")[0] for path in (tmp_path / "out" / "parts").iterdir()} == {"outcomes", "runs"}
    with pytest.raises(ResultsError, match="timeseries: must be kept"):
        results.table("timeseries")


def test_well_mixed_mice_are_swept(tmp_path: Path) -> None:
    """They have no counts of cells, from which the early warnings of a run are read: those are left out."""
    world = {"mode": "well_mixed", "days": 4, "tissues": {"body": {"preset": "karin_mouse_survival"}}}
    (tmp_path / "mice.yaml").write_text(dump_yaml(world))
    design = {"grid": {"age_at_start": [100, 600]}}
    (tmp_path / "plan.yaml").write_text(dump_yaml({"scenario": "mice.yaml", "replicates": 3, "design": design}))
    outcomes = sim.sweep(tmp_path / "plan.yaml", out=tmp_path / "out").outcomes
    assert len(outcomes) == 6
    assert "mean_burden" in outcomes
    assert "tipping_burden" not in outcomes


def test_maps_are_kept_where_asked_for(undisturbed: SweepResults, tmp_path: Path) -> None:
    results = sim.sweep(load_sweep(sweep_file(tmp_path, output="maps", replicates=1)), out=tmp_path / "out")
    for row in results.runs.itertuples():
        layers = results.maps(row.point, row.arm, row.replicate)
        assert layers["state"].shape == (2, 7, 6)
        last = results.outcomes.query("point == @row.point and arm == @row.arm")["n_senescent"].item()
        assert np.count_nonzero(layers["state"][-1] == 1) == last
    assert not (undisturbed.folder / "maps").exists()  # type: ignore[operator]
    with pytest.raises(ResultsError, match="maps: none kept"):
        undisturbed.maps(0, "none", 0)


def test_maps_that_no_scenario_names_are_refused(tmp_path: Path) -> None:
    file = sweep_file(tmp_path, output="maps")
    (tmp_path / "world.yaml").write_text(dump_yaml({**WORLD, "record": {}}))
    with pytest.raises(ScenarioError, match=r"output: must not be maps where record\.maps"):
        load_sweep(file)


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    job = Job(load_sweep(sweep_file(tmp_path)).scenario.arms["killed"], "killed", 2, "compiled")
    (record,) = executor(1)([job])
    with (tmp_path / "run").open("wb") as file:
        write_run(file, record)
    back = read_run(tmp_path / "run")
    assert back is not None
    for name in ("timeseries", "doses"):
        assert_frame_equal(back.tables[name].to_pandas(), getattr(record, name), check_exact=True)
    assert "events" not in back.tables
    assert len(record.events) == 0
    assert back.row[:3] == ["killed", 2, "finished"]
    assert read_run(tmp_path / "nothing") is None


def test_outcomes_are_the_last_day_and_what_is_derived(undisturbed: SweepResults) -> None:
    rows = undisturbed.table("timeseries")
    last = rows[rows["day"] == 4].reset_index(drop=True)
    assert_frame_equal(undisturbed.outcomes[last.columns], last, check_exact=True)
    grouped = rows.groupby(["point", "arm", "replicate"], sort=False)["burden"]
    trapezes = grouped.apply(lambda b: np.trapezoid(b.to_numpy()) / 4).to_numpy()
    pd.testing.assert_series_equal(
        undisturbed.outcomes["mean_burden"], pd.Series(trapezes), check_names=False, rtol=1e-12
    )
