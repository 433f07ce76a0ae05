"""The individual as a whole in tables, comparisons, sweeps, lines and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.patches as shapes
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from typer.testing import CliRunner

import sim
from sim.analysis.halfwidth import HalfWidth
from sim.analysis.headline import burden_lines
from sim.analysis.organism_lines import _difference
from sim.analysis.outcomes import derived, unit, with_outcomes
from sim.analysis.sweep_table import sweep_table
from sim.cli import app
from sim.errors import ResultsError
from sim.figures import save_all
from sim.figures.mouse import HEIGHT, WIDTH, height_of, named_at, organs_of
from sim.results import Results, read_results
from sim.scenario.load import Scenario, from_dict
from sim.scenario.yaml_text import dump_yaml

DAYS = 20.0
ERODED: dict[str, Any] = {"losses": {"burden": {"max_rate": 0.2, "half_max": 5}}}
WORLD: dict[str, Any] = {
    "qualitative": True,
    "days": DAYS,
    "dt": 1,
    "replicates": 3,
    "tissues": {
        "skin": {"preset": "mouse_dermis", "shape": [8, 8], "represents": 1000, "functions": {"barrier": ERODED}},
        "muscle": {"preset": "mouse_dermis", "shape": [6, 6], "represents": 3000, "initial": {"burden": 20},
                   "functions": {"force": ERODED}},
        "thymus": {"preset": "mouse_dermis", "shape": [6, 6], "represents": 500},
    },
    "factors": {"SASP": {"reach": "40 um", "blood": {"leak": 10}, "induction": {"hill": {"max_rate": 0.1}}}},
    "outcomes": {
        "grip_strength": {"weights": {"muscle.force": 1}, "scale": 2.3, "unit": "N"},
        "frailty_index": {"weights": {"muscle.force": 1, "skin.barrier": 3}, "deficit": True},
    },
    "events": {"graft": {"day": 2, "tissue": "skin", "radius": 40, "cells": "senescent fibroblast"}},
    "record": {"every": 5},
    "arms": {"none": {"events": {"graft": None}}, "graft": {}, "jammed": {"tissues": {"skin": {"maintenance": 0.5}}}},
}  # fmt: skip


def scenario(**changes: Any) -> Scenario:
    return from_dict({**WORLD, **changes})


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return sim.run(scenario(), out=tmp_path_factory.mktemp("mouse") / "out")


def last(results: Results) -> pd.DataFrame:
    return results.organism[results.organism["day"] == DAYS].set_index(["arm", "replicate"])


# ------------------------------------------------------------------------------------------------------------- tables


def test_rows_of_the_organism(results: Results) -> None:
    table = results.organism
    columns = ["arm", "replicate", "day", "alive", "whole_body_burden", "plasma_SASP", "grip_strength", "frailty_index"]
    assert list(table) == columns
    assert table["day"].unique().tolist() == [0.0, 5.0, 10.0, 15.0, 20.0]
    assert len(table) == 3 * 3 * 5
    assert table["alive"].all()
    wide = results.timeseries.pivot(index=["arm", "replicate", "day"], columns="tissue", values="burden")
    whole = (1000 * wide["skin"] + 3000 * wide["muscle"] + 500 * wide["thymus"]) / 4500
    np.testing.assert_allclose(table.set_index(["arm", "replicate", "day"])["whole_body_burden"].sort_index(),
                               whole.sort_index(), rtol=1e-12)  # fmt: skip


def test_functions_stand_in_the_rows_of_their_tissues(results: Results) -> None:
    rows = results.timeseries.set_index(["arm", "replicate", "day"])
    skin, muscle, thymus = (rows[rows["tissue"] == name] for name in results.tissues)
    assert thymus[["function_force", "function_barrier"]].isna().all(axis=None)
    assert muscle["function_barrier"].isna().all()
    organism = results.organism.set_index(["arm", "replicate", "day"])
    np.testing.assert_array_equal(2.3 * muscle["function_force"], organism["grip_strength"])
    lacking = 1.0 - (muscle["function_force"] + 3.0 * skin["function_barrier"]) / 4.0
    np.testing.assert_allclose(organism["frailty_index"], lacking, rtol=0, atol=1e-15)


def test_tables_are_read_back_equal(results: Results) -> None:
    assert results.folder is not None
    again = read_results(results.folder)
    assert_frame_equal(again.organism, results.organism, check_exact=True)
    assert again.manifest["outcomes"] == {"grip_strength": "N", "frailty_index": ""}


def test_the_dead_have_no_rows() -> None:
    tissues = {"skin": {"preset": "mouse_dermis", "shape": [8, 8], "damage": {"baseline": 20}}}
    some = from_dict({"days": 30, "dt": 1, "replicates": 3, "tissues": tissues, "body": {"death": {"burden": 20}}})
    run = sim.run(some)
    ends = run.individuals.set_index("replicate")["day"]
    assert (ends < 30).all()
    for replicate, rows in run.organism.groupby("replicate"):
        assert rows["day"].max() == ends[replicate]
        assert rows["alive"].tolist() == [True] * (len(rows) - 1) + [False]
    assert list(run.organism) == ["arm", "replicate", "day", "alive", "whole_body_burden"]


def test_well_mixed_runs_need_no_rows(results: Results) -> None:
    """Whoever makes tables without the organism has no outcomes, and all else."""
    bare = Results({**results.manifest, "outcomes": {}}, {}, results.timeseries, results.events, results.sites)
    assert bare.organism.empty
    assert "whole_body_burden" not in derived(bare)
    assert "second numbers" in "\n".join(burden_lines(bare))
    with pytest.raises(ResultsError, match="got grip_strength"):
        sim.compare(bare, outcomes=["grip_strength"])


# ---------------------------------------------------------------------------------------------------------- comparing


def test_compare_by_hand(results: Results) -> None:
    table = sim.compare(results, outcomes=["grip_strength", "burden", "function_force"]).set_index(["tissue", "arm"])
    grip = table[table["outcome"] == "grip_strength"]
    assert set(grip.index.get_level_values("tissue")) == {"body"}
    values = last(results)["grip_strength"]
    pairs = values["graft"] - values["none"]
    assert grip.loc["body", "graft"]["difference"] == pytest.approx(pairs.mean(), rel=1e-14)
    half = 4.302652729911275 * pairs.std(ddof=1) / np.sqrt(3)  # t of 2 degrees of freedom
    assert grip.loc["body", "graft"]["difference_high"] == pytest.approx(pairs.mean() + half, rel=1e-10)
    assert set(table[table["outcome"] == "burden"].index.get_level_values("tissue")) == {"skin", "muscle", "thymus"}
    assert set(table[table["outcome"] == "function_force"].index.get_level_values("tissue")) == {"muscle"}


def test_outcomes_repeat_in_all_tissues_of_a_table(results: Results) -> None:
    table = with_outcomes(results, ["frailty_index"])
    assert len(table) == 3 * 3 * 3
    assert (table.groupby(["arm", "replicate"])["frailty_index"].nunique() == 1).all()
    assert unit("grip_strength", results) == "N"
    assert unit("whole_body_burden") == "%"


def test_replicates_until_an_outcome_is_known() -> None:
    until = HalfWidth(0.5, "grip_strength", most=4, first=2)
    run = sim.run(scenario(replicates=2), until=until)
    assert run.manifest["replicates"] in (2, 3, 4)
    assert until.verdict(run).startswith("half-width of grip_strength: ")


def test_a_sweep_keeps_outcomes(tmp_path: Path) -> None:
    (tmp_path / "mouse.yaml").write_text(dump_yaml({**WORLD, "days": 4, "replicates": 2}))
    design = {"grid": {"tissues.muscle.functions.force.recovery": [0.0, 0.02, 1.0]}}
    (tmp_path / "plan.yaml").write_text(
        dump_yaml({"scenario": "mouse.yaml", "design": design, "replicates": 2, "output": "timeseries"})
    )
    swept = sim.sweep(tmp_path / "plan.yaml", out=tmp_path / "out")
    table = sweep_table(swept, "grip_strength")
    assert set(table["tissue"]) == {"body"}
    assert len(table) == 3 * 3
    by_point = table[table["arm"] == "none"].set_index("point")["mean"]
    assert by_point.loc[1] < by_point.loc[2] < 2.3
    organism = swept.table("organism")
    ends = organism[organism["day"] == 4].set_index(["point", "arm", "replicate"])["grip_strength"]
    kept = swept.outcomes[swept.outcomes["tissue"] == "skin"].set_index(["point", "arm", "replicate"])["grip_strength"]
    pd.testing.assert_series_equal(kept, ends.loc[kept.index], check_exact=True)
    effects = sim.compare(swept, outcomes=["frailty_index"])
    assert set(effects["tissue"]) == {"body"}
    assert len(effects) == 3 * 2


# -------------------------------------------------------------------------------------------------- lines and figures


def test_many_tissues_are_one_table(results: Results) -> None:
    lines = list(burden_lines(results))
    head = lines[0].split()
    assert head[:4] == ["burden", "on", "day", "20"]
    assert head[-4:] == ["skin", "muscle", "thymus", "body"]
    none, graft, _ = (line.split() for line in lines[1:4])
    wide = results.timeseries[results.timeseries["day"] == DAYS].groupby(["arm", "tissue"])["burden"].mean()
    assert none[1:4] == [f"{wide['none', name]:.2f}" for name in results.tissues]
    assert graft[1] == f"{wide['graft', 'skin']:.2f}"
    assert graft[2].rstrip("*") == f"{wide['graft', 'skin'] - wide['none', 'skin']:+.2f}"
    table = sim.compare(results).set_index(["tissue", "arm"]).loc[("skin", "graft")]
    assert graft[2].endswith("*") == (table["difference_low"] > 0.0)
    assert "grip_strength (N)" in lines[5]
    assert "frailty_index" in lines[5]
    assert lines[-1] == "second numbers: paired difference from none; *: its 95 % interval excludes 0"
    assert all(len(line) <= 100 for line in lines)


def test_figures_of_the_organism(results: Results, tmp_path: Path) -> None:
    names = [path.stem for path in save_all(results, tmp_path) if path.suffix == ".png"]
    assert names == ["burden", "body_map", "functions", "outcomes", "causes-skin"]
    functions = results.plot.functions()
    titles = [axes.get_title(loc="left") for axes in functions.axes]
    assert titles == ["grip_strength", "frailty_index", "skin: barrier", "muscle: force"]
    for figure in (functions, results.plot.body_map(), results.plot.forest(outcomes=["grip_strength"])):
        assert "qualitative: directions only" in [text.get_text() for text in figure.texts]


def test_a_mouse_in_the_colours_of_its_burden(results: Results) -> None:
    figure = results.plot.body_map(days=[0, DAYS])
    words = {text.get_text() for text in figure.texts}
    assert {"skin", "muscle", "thymus (box)", "day 0", "day 20", "none", "graft", "jammed"} <= words
    bar = next(axes for axes in figure.axes if axes.get_ylim()[1] > 5 and not axes.patches)
    seen = results.timeseries[results.timeseries["day"].isin([0, DAYS])]
    means = seen.groupby(["arm", "tissue", "day"])["burden"].mean()
    assert bar.get_ylim() == (0.0, pytest.approx(means.max()))
    mice = [axes for axes in figure.axes if axes.patches][1:]  # the first has the names
    assert len(mice) == 2 * 3
    boxes = [patch for axes in mice for patch in axes.patches if isinstance(patch, shapes.FancyBboxPatch)]
    assert len(boxes) == 2 * 3
    lightness = [float(np.dot(box.get_facecolor()[:3], [0.2, 0.7, 0.1])) for box in boxes]
    burdens = [means[arm, "thymus", day] for arm in results.arms for day in (0.0, DAYS)]
    order = np.argsort(burdens, kind="stable")
    assert (np.diff(np.array(lightness)[order]) <= 1e-9).all()  # the darker, the more


def test_organs_by_the_names_of_tissues() -> None:
    tissues = ["dermis", "quadriceps", "spine", "femur", "hippocampus", "blood", "rest_of_body", "tibia"]
    found = {"dermis": "skin", "quadriceps": "muscle", "hippocampus": "hippocampus", "blood": "blood"}
    assert organs_of(tissues) == found | {"spine": "spine", "femur": "femur"}


def test_many_tissues_without_a_place_have_boxes_inside_the_page() -> None:
    tissues = ["skin", *(f"gland_{i}" for i in range(14))]
    points = named_at(tissues)
    assert len(set(points.values())) == len(tissues)
    x, y = np.array([*points.values()]).T
    assert x.max() < WIDTH
    assert y.min() > HEIGHT - height_of(tissues)


def test_a_small_difference_is_not_written_as_none() -> None:
    wide = pd.DataFrame({"none": [40.0, 41.0, 42.0]}).assign(graft=lambda t: t["none"] - [0.005, 0.006, 0.005])
    assert _difference((wide["graft"] - wide["none"]).to_numpy(), "z.1f") == "-0.005*"
    assert _difference(np.array([0.01, -0.02, 0.01]), "z.1f") == "+0.0"


def test_compare_at_the_door(results: Results, tmp_path: Path) -> None:
    picture = tmp_path / "forest.png"
    asked = ["compare", str(results.folder), "--outcomes", "grip_strength,frailty_index", "--forest", str(picture)]
    said = CliRunner().invoke(app, asked)
    assert said.exit_code == 0, said.output
    assert "tissue body" in said.output
    assert "grip_strength" in said.output
    assert picture.is_file()


def test_nothing_to_draw() -> None:
    tissues = {"skin": {"preset": "mouse_dermis", "shape": [8, 8]}}
    plain = sim.run(from_dict({"days": 1, "dt": 1, "replicates": 1, "tissues": tissues}))
    with pytest.raises(ResultsError, match="functions: results: must have functions"):
        plain.plot.functions()
