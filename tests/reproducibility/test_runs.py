"""Runs give the same tables, bit for bit: workers, company, records, engine, memory or folder change nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from everything import everything
from worlds import as_tree

import sim
from sim.experiment.replicate import run_replicate
from sim.results import Results, combine
from sim.scenario.load import Scenario, from_dict
from sim.scenario.trees import Tree

EXAMPLE = """
import sim
scenario = sim.load({file!r}, {{"tissues.skin.shape": [64, 64], "days": 2}})
results  = sim.run(scenario, replicates=4, seed=1, workers=2)
results.timeseries
effects  = sim.compare(results, baseline="no_graft", outcomes=["burden"])
model    = sim.SenescenceModel(scenario, arm="graft", replicate=0, seed=1); model.step()
print(len(results.timeseries), effects.n.tolist(), model.day, sorted(sim.read_results({folder!r}).arms))
"""


def world(**top: object) -> Scenario:
    """A few replicates of two arms in which everything happens, on a plane beside a cloud."""
    tree: Tree = as_tree(everything("plane"))
    cloud: Tree = as_tree(everything("cloud"))["tissues"]["patch"]
    for each in tree["events"].values():
        each["tissue"] = "patch"
    tree["treatments"]["care"]["tissues"] = ["patch"]
    tree["tissues"] = {"patch": tree["tissues"]["patch"], "beads": cloud}
    record = {"maps": ["state", "cause", "SASP", "cargo"], "days": [0, 3, 6]}
    arms = {"control": {}, "more": {"events": {"more": {"tissue": "patch", "day": 2, "radius": 40}}}}
    usual = {"days": 6, "replicates": 4, "generations": "tracked", "record": record, "arms": arms}
    return from_dict({**tree, **usual, **top})


def assert_same_tables(one: Results, other: Results) -> None:
    for name in ("timeseries", "events", "doses", "sites"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)
    assert one.scenario == other.scenario
    assert one.map_keys == other.map_keys
    for key in one.map_keys:
        maps, others = one.maps(*key), other.maps(*key)
        assert list(maps) == list(others)
        for name, array in maps.items():
            np.testing.assert_array_equal(array, others[name], err_msg=name, strict=True)


@pytest.fixture(scope="module")
def inline() -> Results:
    return sim.run(world())


def test_workers_and_a_folder(inline: Results, tmp_path: Path) -> None:
    in_processes = sim.run(world(), workers=2, out=tmp_path / "out")
    assert_same_tables(inline, in_processes)
    assert_same_tables(inline, sim.read_results(tmp_path / "out"))
    assert len(inline.map_keys) == 2 * 4 * 2
    assert {"sender", "generation"} <= set(inline.events.dropna())  # transmissions were drawn


def test_either_engine(inline: Results) -> None:
    assert_same_tables(inline, sim.run(world(), engine="agents"))


def test_a_replicate_alone_and_among_ten() -> None:
    scenario = world(days=2, record={}, replicates=10)
    ten = sim.run(scenario)
    rows = ten.timeseries.query("arm == 'more' and replicate == 3").reset_index(drop=True)
    record = run_replicate(scenario.arms["more"], "more", 3)
    alone = combine({}, {}, [record], ten.sites).timeseries
    pd.testing.assert_frame_equal(alone, rows[list(alone)], check_exact=True)


@pytest.mark.parametrize("record", [{}, {"every": 0.01}, {"every": 1.3, "maps": ["state"], "days": [1]}, {"every": 99}])
def test_recording_changes_nothing(inline: Results, record: Tree) -> None:
    """What is new since the last row depends on the rows, and nothing else does."""
    other = sim.run(world(record=record))
    last = [
        results.timeseries.query("day == 6").filter(regex="^(?!new_|conc_|effect_)").reset_index(drop=True)
        for results in (inline, other)
    ]
    assert len(last[0]) == 2 * 4 * 2
    pd.testing.assert_frame_equal(*last, check_exact=True)


def test_the_example_of_the_contract_is_a_plain_script(tmp_path: Path) -> None:
    """No main guard, a working folder elsewhere, and files there that have the names of modules."""
    home = Path(sim.__file__).parents[1]
    folder = tmp_path / "kept"
    sim.run(sim.load(home / "configs" / "skin_graft.yaml", {"tissues.skin.shape": [9, 9], "days": 1}), 1, out=folder)
    (tmp_path / "queue.py").write_text("raise SystemExit('the wrong queue')\n", encoding="utf-8")
    script = tmp_path / "scripts" / "plain.py"
    script.parent.mkdir()
    text = EXAMPLE.format(file=str(home / "configs" / "skin_graft.yaml"), folder=str(folder))
    script.write_text(text, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(home)}
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    arms, n_tissues, n_rows = list(sim.load(home / "configs" / "skin_graft.yaml").arms), 6, 3
    effects = (len(arms) - 1) * n_tissues
    assert done.stdout == f"{len(arms) * 4 * n_tissues * n_rows} {[4] * effects} 1.0 {sorted(arms)}\n"
