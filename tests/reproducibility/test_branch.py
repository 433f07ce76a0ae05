"""History once, many futures: arms that go on from a checkpoint give the tables of arms that ran from the start."""

from __future__ import annotations

import gc
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from everything import everything
from worlds import as_tree, drug, effect, event, factor, tissue, together, world

import sim
from sim.cli import main
from sim.errors import ResourceError, ResultsError, ScenarioError
from sim.experiment import replicate as runner
from sim.experiment.branch import Futures
from sim.results import Results
from sim.scenario.load import Scenario, from_dict
from sim.scenario.trees import Tree, merge
from sim.scenario.yaml_text import dump_yaml
from sim.tissue.state import SENESCENT

DAY = 6.5  # a step of the middle: flu is going on
RECORD: Tree = {
    "every": 1.3,
    "maps": ["state", "SASP", "cargo", "melanin"],
    "days": [2, DAY, 9],
    "checkpoints": [0, DAY],
}
NOVEL: Tree = {  # what a future may add to a past that knew nothing of it
    "drugs": {"novel": {"half_life": "2 d", "route": "bolus", "effects": {"kill_senescent": {"emax": 0.4, "ec50": 3}}}},
    "treatments": {"new_course": {"drug": "novel", "amount": 20, "start": 7, "interval": 2}},
    "events": {"burn": {"kind": "wound", "day": 7, "radius": 30, "margin": 60, "share": 1, "delay": 0.2}},
}
FUTURES: Tree = {"past": {}, "silent": {"treatments": {"muting": {"until": 7}}}, "novel": NOVEL}


def busy(space: str = "plane", **top: Any) -> Scenario:
    """Everything at once for twelve days, senders tracked."""
    tree = {**as_tree(everything(space)), "days": 12, "replicates": 2, "seed": 7, "record": RECORD}
    return from_dict({**tree, "generations": "tracked", **top})


@pytest.fixture(scope="module")
def past() -> Results:
    """It ends on the day of the checkpoint."""
    return sim.run(busy(days=DAY))


@pytest.fixture(scope="module")
def whole() -> Results:
    """The arms of the futures, each from day 0 on."""
    return sim.run(busy(arms=FUTURES))


def assert_the_rest(futures: Results, past: Results, whole: Results) -> None:
    """What the futures wrote down is what the uninterrupted runs wrote after all that the past wrote."""
    for run in futures.manifest["runs"]:
        arm, replicate = run["arm"], run["replicate"]
        for part in (rows, doses, outside, transmissions):
            mine, earlier, all_rows = (
                part(futures, arm, replicate),
                part(past, "control", replicate),
                part(whole, arm, replicate),
            )
            expected = all_rows[len(earlier) :].reset_index(drop=True)
            assert len(mine) > 0
            pd.testing.assert_frame_equal(mine, expected[list(mine)], check_exact=True, obj=part.__name__)
            assert not expected[[name for name in expected if name not in mine]].any(axis=None)  # of other runs
        maps, others = futures.maps(arm, replicate), whole.maps(arm, replicate)
        assert maps["days"].tolist() == [DAY, 9.0]
        for layer in set(maps) - {"spacing"}:
            np.testing.assert_array_equal(maps[layer], others[layer][1:], err_msg=layer, strict=True)


def of_run(table: pd.DataFrame, arm: str, replicate: int) -> pd.DataFrame:
    return table[(table["arm"] == arm) & (table["replicate"] == replicate)].reset_index(drop=True)


def rows(results: Results, arm: str, replicate: int) -> pd.DataFrame:
    """But for the last row of the past, which the futures write as well."""
    table = of_run(results.timeseries, arm, replicate)
    return table[table["day"] < DAY] if results.manifest["days"] == DAY else table


def doses(results: Results, arm: str, replicate: int) -> pd.DataFrame:
    return of_run(results.doses, arm, replicate)


def outside(results: Results, arm: str, replicate: int) -> pd.DataFrame:
    table = of_run(results.events, arm, replicate)
    return table[table["sender"].isna()].reset_index(drop=True)


def transmissions(results: Results, arm: str, replicate: int) -> pd.DataFrame:
    return of_run(results.events, arm, replicate).dropna().reset_index(drop=True)


# ------------------------------------------------------------------------------------------------------ same futures


def test_futures_are_the_rest_of_runs_that_never_stopped(past: Results, whole: Results) -> None:
    """One checkpoint, its own luck: an arm as before, one that ends a treatment, one with a new drug and event."""
    futures = sim.branch(past.checkpoint("control", 1, DAY), busy(arms=FUTURES))
    assert [(run["arm"], run["replicate"]) for run in futures.manifest["runs"]] == [(arm, 1) for arm in FUTURES]
    assert_the_rest(futures, past, whole)
    novel = futures.timeseries.query("arm == 'novel'")
    assert novel["cum_killed_by_novel"].iloc[-1] > 0
    assert novel["cum_burn"].iloc[-1] > 0
    assert futures.timeseries.groupby("arm")["burden"].last().nunique() == 3


def test_a_folder_in_workers(past: Results, whole: Results, tmp_path: Path) -> None:
    """One future per replicate, in a results folder like any other."""
    folder = tmp_path / "one_day"
    folder.mkdir()
    for replicate in range(2):
        file = past.checkpoint("control", replicate, DAY)
        os.link(file, folder / file.name)
    scenario = busy(arms=FUTURES)
    sim.branch(folder, scenario, workers=2, out=tmp_path / "out")
    futures = sim.read_results(tmp_path / "out")
    assert_the_rest(futures, past, whole)
    assert futures.manifest["past"] == {
        "checkpoint": str(folder), "files": 2, "arm": "control", "day": DAY,
        "hash": sim.read_checkpoint(past.checkpoint("control")).hash, "replicates": [0, 1],
    }  # fmt: skip
    assert not sim.compare(futures, baseline="past", outcomes=["burden"]).empty
    again = futures.checkpoint("novel", 1)  # a future may be the past of others: its own arm goes on as it did
    more = sim.branch(again, busy(arms={"novel": NOVEL}), engine="agents")
    assert_the_rest(more, past, whole)


def test_a_cloud_of_which_cells_are_packed_anew(tmp_path: Path) -> None:
    """Futures with other luck keep the places of the past."""
    packing = {"packing": {"side": 160, "cell_radius": 6, "density": 0.4}, "positions": None, "extent": None}
    record = {"checkpoints": [1, 2], "days": [1], "maps": ["state"]}
    tree = together(as_tree(everything("cloud", transports="diffusion")), tissue(cloud=packing))
    scenario = from_dict({**tree, "days": 3, "replicates": 4, "record": record})
    past = sim.run(scenario)
    futures = sim.branch(past.checkpoint("control", 2, 1), scenario, replicates=2)
    assert [run["replicate"] for run in futures.manifest["runs"]] == [2, 3]
    kept = [sim.read_checkpoint(futures.checkpoint("control", number, 2)) for number in (2, 3)]
    assert [(each.replicate, each.places_of) for each in kept] == [(2, 2), (3, 2)]
    points = [each.state["tissue_patch"]["points"] for each in kept]
    np.testing.assert_array_equal(points[0], points[1], strict=True)
    np.testing.assert_array_equal(futures.sites[["x", "y"]].to_numpy(), points[0])
    grandchild = sim.branch(futures.checkpoint("control", 3, 2), scenario)
    pd.testing.assert_frame_equal(
        grandchild.timeseries, futures.timeseries.query("replicate == 3 and day >= 2").reset_index(drop=True)[
            list(grandchild.timeseries)], check_exact=True)  # fmt: skip


# ------------------------------------------------------------------------------------------------------- other luck


def wounded(**top: Any) -> Scenario:
    """A quiet tissue with a wound of which the whole margin turns on days 2 to 10, and slow damage beside it."""
    wound = event("wound", kind="wound", day=1, radius=15, margin=60, share=1, delay=1, duration=8)
    tree = together(quiet(), wound, tissue(damage={"baseline": 0.4}))
    return from_dict({**tree, "days": 12, "replicates": 1, "record": {"checkpoints": [5]}, **top})


def quiet() -> Tree:
    return as_tree(world(days=4, seed=3, shape=(20, 20)))


def test_other_luck_leaves_the_past_and_what_it_had_planned() -> None:
    """Each cell of the margin turns once, whatever the luck: by the wound, unless damage was faster."""
    past = sim.run(wounded())
    futures = sim.branch(past.checkpoint("control", 0, 5), wounded(), replicates=4)
    table = futures.timeseries.set_index(["replicate", "day"])
    whole = past.timeseries.set_index("day").loc[5:]
    pd.testing.assert_frame_equal(
        table.loc[0].drop(columns="arm"), whole.drop(columns=["arm", "replicate"]), check_exact=True
    )
    first = table.xs(5.0, level="day")
    assert (first == first.iloc[0]).all(axis=None)  # also `new_`, counted from the last row of the past
    assert table.xs(12.0, level="day")["cum_damage"].nunique() > 1
    simulation = sim.Simulation(wounded().common)
    distance = np.linalg.norm(simulation.patches["patch"].geometry.positions() - 100.0, axis=1)
    margin = np.flatnonzero((distance > 15.0) & (distance <= 75.0))
    for number in range(4):
        kept = sim.read_checkpoint(past.checkpoint("control", 0, 5)).simulation(replicate=number)
        while kept.day < 11:
            kept.step()
        cells = kept.patches["patch"].cells
        assert cells.state[margin].tolist() == [SENESCENT] * margin.size


def test_a_state_that_nobody_recorded_counts_from_the_start(tmp_path: Path) -> None:
    simulation = sim.Simulation(wounded().common)
    while simulation.day < 3:
        simulation.step()
    sim.save_checkpoint(simulation, tmp_path / "x.npz")
    table = sim.branch(tmp_path / "x.npz", wounded()).timeseries
    assert table["day"].tolist() == list(range(3, 13))
    assert table["new_damage"].tolist() == np.diff(table["cum_damage"], prepend=0).tolist()


def test_a_stop_condition_counts_what_the_past_counted() -> None:
    past = sim.run(wounded())
    n_turned = int(past.timeseries.query("day == 7")["cum_wound"].iloc[0])
    stopped = sim.branch(past.checkpoint("control"), wounded(stop={"cause": "wound", "count": n_turned}))
    assert 5 < stopped.timeseries["day"].max() <= 7


# ------------------------------------------------------------------------------------------------ what cannot go on

PLAIN = together(
    drug(effect("kill_senescent", 0.2)), factor(reach="30 um", induction={"hill": {"max_rate": 0.1}}),
    event(day=1, radius=20), event("later", day=3, radius=20), tissue(initial={"burden": 5}),
)  # fmt: skip
CANNOT = [
    ({"dt": 0.25}, "dt: must be 0.5 as in {file}, got 0.25"),
    ({"age_at_start": "1 yr"}, "age_at_start: must be 0.0 as in {file}, got 365.25"),
    ({"days": 2}, "days: must be more than the 2 d of {file}, got 2 d"),
    (tissue(shape=[20, 21]), "tissues.patch.shape: must be [20, 20] as in {file}, got [20, 21]"),
    (tissue(neighbourhood="von_neumann"),
     "tissues.patch.neighbourhood: must be 'moore' as in {file}, got 'von_neumann'"),
    (tissue(patrols={"nk": {}}), "tissues.patch.patrols: must be [] as in {file}, got ['nk']"),
    (tissue(initial={"burden": 6}), "tissues.patch.initial.burden: must be 5.0 as in {file}, got 6.0"),
    (tissue(cell_types={"a": {}, "b": {}}), "tissues.patch.cell_types: must be ['cell'] as in {file}, got ['a', 'b']"),
    ({"tissues": {"other": {"shape": [2, 2]}}, "events": {key: {"tissue": "patch"} for key in ("graft", "later")}},
      "tissues: must be ['patch'] as in {file}, got ['patch', 'other']"),
    (factor("more", reach="20 um"), "factors: must be ['SASP'] as in {file}, got ['SASP', 'more']"),
    (factor(precision="float64"), "factors.SASP.precision: must be 'float32' as in {file}, got 'float64'"),
    (factor(affinity={"cell": 1}, cargo={"memory": 2, "response": {"linear": {"rate": 1}}}),
     "factors.SASP.cargo: must be nothing as in {file}, got there"),
    ({"events": {"graft": None}}, "events.graft: must be there as in {file}, got nothing"),
    (event(radius=30), "events.graft.radius: must be 20.0 as in {file}, got 30.0"),
    (event("early", day=1.9),
     "events.early.day: must be at least 2 d, because {file} holds the days before, got 1.9 d"),
    ({"treatments": {"course": None}}, "treatments.course: must stay, because {file} holds its drug; give no more of "
     "it with until: 2 d, got nothing"),
    ({"drugs": {"two": {"half_life": 1, "route": "bolus", "effects": {"kill_senescent": {"emax": 1, "ec50": 1}}}},
      "treatments": {"course": {"drug": "two"}}}, "treatments.course.drug: must be 'drug' as in {file}, got 'two'"),
]  # fmt: skip


@pytest.fixture(scope="module")
def plain() -> Results:
    return sim.run(plain_scenario())


def plain_scenario(*changes: Tree) -> Scenario:
    tree = merge(quiet(), together(PLAIN, {"record": {"checkpoints": [2]}, "replicates": 2}, *changes))
    return from_dict(tree, name="plain")


@pytest.mark.parametrize(("change", "words"), CANNOT, ids=lambda value: value[:30] if isinstance(value, str) else "")
def test_what_must_be_the_same(plain: Results, change: Tree, words: str) -> None:
    file = plain.checkpoint("control")
    with pytest.raises(ScenarioError, match=re.escape(f"<scenario>: {words.format(file=file)}") + "$"):
        sim.branch(file, plain_scenario(change))


def test_what_may_differ(plain: Results) -> None:
    """Rates, events to come, more drugs, the amount of a treatment, records."""
    changes = together(
        tissue(damage={"baseline": 9}, clearance={"max_rate": 9}, repair={"rate": 2}, contact={"hazard": 0.1}),
        factor(reach="50 um", jams_immunity={"half_max": 5}), event("later", day=2.5), NOVEL,
        {"treatments": {"course": {"amount": 50, "until": 4}, "new_course": {"start": 0}}}, event("burn", day=3),
        {"drugs": {"drug": {"half_life": "3 d", "effects": {"inhibit_induction": {"emax": 1, "ec50": 1}}}}},
        {"record": {"every": 0.5}, "days": 9, "generations": "tracked", "seed": 4},
    )  # fmt: skip
    futures = Futures.of(plain.checkpoint("control"), plain_scenario(changes))
    file = plain.checkpoint("control")
    odd = [note for note in futures.notes if "treatments" in note or "seed" in note]
    assert odd == [
        f"seed: is 3 as in {file}, and not 4",
        "treatments.new_course.start: doses before day 2, on which this goes on, are not given, got 0 d",
    ]
    results = futures.run()
    assert [run["status"] for run in results.manifest["runs"]] == ["finished"]
    assert results.doses.query("treatment == 'new_course'")["day"].tolist() == [2, 4, 6, 8]
    assert results.doses.query("treatment == 'course'")["day"].tolist() == [2]
    assert results.events["event"].iloc[0] == "later"


def test_mistakes_with_files(plain: Results, tmp_path: Path) -> None:
    scenario, file = plain_scenario(), plain.checkpoint("control")
    with pytest.raises(ResultsError, match="must be a file, or a folder with checkpoints in it, got none"):
        sim.branch(tmp_path, scenario)
    with pytest.raises(ScenarioError, match="replicates: must be at least 1, got 0"):
        sim.branch(file, scenario, replicates=0)
    with pytest.raises(ScenarioError, match="replicates: must be left out with 2 checkpoints, got 3"):
        sim.branch(file.parent, scenario, replicates=3)
    other = sim.run(plain_scenario({"arms": {"another": {}}}), replicates=1)
    for source in (file, other.checkpoint("another")):
        os.link(source, tmp_path / source.name)
    with pytest.raises(
        ResultsError, match=r"checkpoint: must be of arm another as another-0-2\.npz beside it, got control"
    ):
        sim.branch(tmp_path, scenario)
    damaged = tmp_path / "control-1-2.npz"
    damaged.write_bytes(b"half")
    with pytest.raises(ResultsError, match=r"control-1-2\.npz: checkpoint: must be a whole checkpoint"):
        sim.branch(damaged, scenario)


# ------------------------------------------------------------------------------------------------ where they are kept


def test_checkpoints_live_as_long_as_their_results(tmp_path: Path) -> None:
    results = sim.run(plain_scenario())
    assert results.checkpoint_keys == [("control", 0, 2.0), ("control", 1, 2.0)]
    file = results.checkpoint("control", 1)
    with pytest.raises(
        ResultsError, match=r"checkpoints: kept of arm control, replicate 1: 2, got asked for it on day 3"
    ):
        results.checkpoint("control", 1, 3)
    with pytest.raises(ResultsError, match="replicate 7: none, got asked"):
        results.checkpoint("control", 7)
    assert file.is_file()
    del results
    gc.collect()
    assert not file.parent.exists()
    assert sim.run(plain_scenario({"record": {"checkpoints": []}})).checkpoint_keys == []


def test_a_folder_of_results_is_complete_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a worker that died left unfinished is no part of it; a full disk fails a run, and the others are kept."""

    def dies(simulation: sim.Simulation, path: Path, *more: Any) -> Path:
        if simulation.replicate == 1:
            path.with_name(path.name + ".partial").write_bytes(b"half")
            raise ResourceError(f"{path}: checkpoint: must be a file that can be written, got No space left on device")
        return sim.save_checkpoint(simulation, path, *more)

    monkeypatch.setattr(runner, "save_checkpoint", dies)
    results = sim.run(plain_scenario(), out=tmp_path / "out")
    assert [run.get("stage") for run in results.manifest["runs"]] == [None, "checkpoint of day 2"]
    assert os.listdir(tmp_path / "out" / "checkpoints") == ["control-0-2.npz"]
    assert sim.read_results(tmp_path / "out").checkpoint("control").is_file()


# -------------------------------------------------------------------------------------------------------- the command


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(each) for each in arguments])
    return int(stop.value.code or 0)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    arms: Tree = {"control": {}, "novel": {"treatments": {"more": {"drug": "drug", "amount": 50, "start": 2.5}}}}
    record = {"record": {"maps": ["state"], "days": [4]}}
    Path("past.yaml").write_text(dump_yaml(plain_scenario().tree), encoding="utf-8")
    Path("futures.yaml").write_text(dump_yaml({**plain_scenario(record).tree, "arms": arms}), encoding="utf-8")
    assert call("run", "past.yaml", "--out", "past", "--quiet") == 0
    capsys.readouterr()
    assert call("branch", "past/checkpoints", "futures.yaml", "--workers", 1, "--out", "out") == 0
    said = capsys.readouterr().out
    assert said.startswith("futures: 2 arms x 2 replicates, 20 x 20 sites")
    assert ", from day 2 of control\n" in said
    assert "    senodrift branch past/checkpoints futures.yaml --set " in said
    assert {"burden.png", "maps.png"} <= set(os.listdir("out/figures"))
    assert call("compare", "out") == 0
    table = sim.read_results("out").timeseries
    assert sorted(table["replicate"].unique()) == [0, 1]
    assert table["day"].min() == 2
    file = "past/checkpoints/control-1-2.npz"
    assert (
        call(
            "branch",
            file,
            "futures.yaml",
            "--arms",
            "novel",
            "--replicates",
            3,
            "--set",
            "record.maps=[]",
            "--out",
            "three",
            "--quiet",
        )
        == 0
    )
    assert capsys.readouterr().out.splitlines()[-1] == "three"
    assert [run["replicate"] for run in sim.read_results("three").manifest["runs"]] == [1, 2, 3]
    assert call("branch", file, "futures.yaml", "--set", "dt=0.25", "--out", "four") == 2
    assert capsys.readouterr().err == f"error: futures.yaml: dt: must be 0.5 as in {file}, got 0.25\n"
    assert call("branch", "none.npz", "futures.yaml") == 2
    assert capsys.readouterr().err == "error: none.npz: checkpoint: must be a file, got none of this name\n"
    assert sorted(os.listdir()) == ["futures.yaml", "out", "past", "past.yaml", "three"]
