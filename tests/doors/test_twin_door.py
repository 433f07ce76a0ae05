"""Space beside its mean field: the same mice, a table, words and a figure; what has no twin is said in one line."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner
from worlds import together

import sim
from sim.cli import app
from sim.errors import ScenarioError
from sim.scenario.load import Scenario, from_dict
from sim.scenario.trees import Tree
from sim.scenario.yaml_text import dump_yaml

SKIN: Tree = {
    "preset": "mouse_dermis", "shape": [40, 40], "initial": {"burden": 5}, "repair": {"rate": 20},
    "clearance": {"territory": "whole tissue"}, "represents": 3e6,
}  # fmt: skip
MICE: Tree = {
    "days": 40, "dt": 1, "age_at_start": "12 mo", "replicates": 6, "seed": 3, "record": {"every": 10},
    "tissues": {"skin": SKIN, "bone": together(SKIN, {"shape": [32, 32], "represents": 1e6, "initial": {"burden": 1}})},
    "body": {"fluctuation": 0.05}, "individuals": {"damage": {"spread": 0.3}},
}  # fmt: skip


def mice(*changes: Tree) -> Scenario:
    return from_dict(together(MICE, *changes))


def test_mouse_for_mouse() -> None:
    pair = sim.twin(mice(), individuals=50)
    table = pair.table([0, 40])
    assert table[["n", "n_mean_field", "pairs"]].to_numpy().tolist() == [[6, 50, 6]] * 4
    assert list(table["day"]) == [0, 40, 0, 40]
    assert (table["difference_low"] < table["difference"]).all()
    wide = [each.timeseries.query("day == 40").pivot(index="replicate", columns="tissue", values="burden")
            for each in (pair.space, pair.mean_field)]  # fmt: skip
    apart = (wide[0] - wide[1]).dropna()
    rows = table[table["day"] == 40].set_index("tissue")
    assert rows["difference"].to_dict() == pytest.approx(apart.mean().to_dict())
    assert apart["skin"].std() < 0.7 * wide[0]["skin"].std()  # the noise and the traits of a mouse are in both
    assert abs(rows["difference"]["skin"]) < 3.0 * apart["skin"].std()


def test_space_matters_where_few_cells_saturate_their_neighbourhood() -> None:
    """One senescent cell among 49 is far above kappa, however few there are in all: a mean field cannot know."""
    local = {"territory": "45 um", "max_rate": 0.05, "half_saturation": 0.1}
    skin = {"clearance": local, "damage": {"baseline": 0, "per_year": 0}, "initial": {"burden": 0.5}}
    pair = sim.twin(mice({"tissues": {"bone": None, "skin": skin}, "body": None}), individuals=20)
    last = pair.table().iloc[-1]
    assert last["space"] > 2.0 * last["mean_field"]
    assert not last["agree"]
    assert "skin" not in (line := list(pair.lines())[-1])  # the only tissue
    assert line.endswith("space matters there.")


def test_removal_by_the_body_is_the_same_in_both() -> None:
    for production in ("absolute", "per_cell"):
        shared = {"clearance": {"saturation": "body"}, "damage": {"production": production}, "initial": {"burden": 6}}
        change = {"tissues": {"skin": shared, "bone": shared}, "individuals": None, "replicates": 12, "dt": 0.5}
        table = sim.twin(mice(change), individuals=12).table([40])
        error = (table["difference_high"] - table["difference_low"]) / (2 * stats.t.ppf(0.975, 11))
        assert (table["difference"].abs() < 4.0 * error).all()
        assert (error < 0.5).all()


def test_what_has_no_twin_is_said_in_one_line() -> None:
    with pytest.raises(ScenarioError, match=r"tissues\.bone\.shape: must be told for the side in space"):
        sim.twin(mice({"mode": "well_mixed", "tissues": {"bone": {"shape": None}}}))
    with pytest.raises(ScenarioError, match=r"tissues\.skin\.contact\.hazard: is not possible with mode: well_mixed"):
        sim.twin(mice({"tissues": {"skin": {"contact": {"hazard": 0.1}}}}))


def test_the_command(tmp_path: Path) -> None:
    file, csv, figure = (tmp_path / name for name in ("mice.yaml", "twin.csv", "twin.png"))
    file.write_text(dump_yaml({**MICE, "days": 10, "arms": {"control": {}, "dirty": {
        "tissues": {"skin": {"damage": {"baseline": 0.3}}}}}}))  # fmt: skip
    options = ["--individuals", "20", "--replicates", "3", "--quiet", "--csv", str(csv), "--figure", str(figure)]
    done = CliRunner().invoke(app, ["twin", str(file), *options])
    assert done.exit_code == 0, done.output
    assert "mean field" in done.output
    assert "burden in bone (%)" in done.output
    assert "On day 10 " in done.output
    assert len(pd.read_csv(csv)) == 2 * 2 * 2
    assert figure.stat().st_size > 10_000
