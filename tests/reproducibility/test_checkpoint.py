"""A run that stops, is kept in a file and goes on has the same bits as one that never stopped, in every kind of world.

Many futures from one past, and what cannot go on, are in test_branch.py.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from everything import everything
from worlds import as_tree, start, tissue, together, world

import sim
from sim.errors import ResourceError, ResultsError, ScenarioError
from sim.experiment.checkpoint import Checkpoint, read_checkpoint, save_checkpoint
from sim.scenario.load import from_dict
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree
from sim.simulation import Simulation

HOME = Path(sim.__file__).parents[1]
LENGTH = 27  # steps; the removal of day 15 is still to come
STOPS = (0, 2, 6, 13, 17)  # before anything; the margin of the wound turns; a pill taken; graft done; flu going on
LASTING: Tree = {  # treatments that are in the middle of something at every stop
    "resetting": {"infusion_duration": "1.7 d"},
    "pills": {
        "start": 0.3,
        "interval": 1,
        "adaptive": {"treat_above": 75, "stop_below": 65, "toxicity": "off_target", "skip_above": 3.2,
                     "check_every": 1.2},
    },
}  # fmt: skip
PACKED: Tree = tissue(
    cloud={"packing": {"side": 160, "cell_radius": 6, "density": 0.4}, "positions": None, "extent": None}
)


def busy(space: str, boundary: str = "reflecting", transports: str = "all", *changes: Tree) -> Settings:
    """Everything at once, with doses that run in for days and a treatment that looks before it treats."""
    tree = as_tree(everything(space, boundary, transports))
    return from_dict(together(tree, {"treatments": LASTING}, *changes)).common


def assert_same_state(one: Simulation, other: Simulation) -> None:
    """All that goes on, all that happened, and what cells read, to the last bit."""
    assert (one.step_index, one.day) == (other.step_index, other.day)
    mine, others = flat(one.state()), flat(other.state())
    assert list(mine) == list(others)
    for name, array in mine.items():
        np.testing.assert_array_equal(array, others[name], err_msg=name, strict=True)
    for name, patch in one.patches.items():
        np.testing.assert_array_equal(patch.levels, other.patches[name].levels, strict=True)


def flat(tree: dict[str, Any], prefix: str = "") -> dict[str, np.ndarray]:
    out: dict[str, np.ndarray] = {}
    for name, value in tree.items():
        out.update(flat(value, f"{prefix}{name}/") if isinstance(value, dict) else {f"{prefix}{name}": value})
    return out


def digest(simulation: Simulation) -> str:
    """One number for the whole state."""
    seen = hashlib.sha256()
    for name, array in flat(simulation.state()).items():
        seen.update(name.encode() + array.tobytes())
    return seen.hexdigest()


def kept(simulation: Simulation, path: Path) -> Checkpoint:
    return read_checkpoint(save_checkpoint(simulation, path))


def go_on(simulation: Simulation, until: int) -> Simulation:
    while simulation.step_index < until:
        simulation.step()
    return simulation


# ------------------------------------------------------------------------------------------------------ same bits

WORLDS = {
    "plane": (("plane",), "compiled", "agents"),
    "plane, float32 diffusion": (("plane", "periodic", "diffusion"), "agents", "compiled"),
    "space": (("space", "mixed"), "compiled", "compiled"),
    "cloud": (("cloud", "absorbing"), "compiled", "agents"),
    "cloud in space, float32 diffusion": (("cloud_in_space", "periodic", "diffusion"), "compiled", "compiled"),
    "packed anew in each replicate": (("cloud", "reflecting", "diffusion", PACKED), "compiled", "compiled"),
}


@pytest.mark.parametrize("name", WORLDS)
def test_going_on_has_the_same_bits(name: str, tmp_path: Path) -> None:
    """In both engines, from one to the other, and with another number of threads."""
    which, engine, other = WORLDS[name]
    settings = busy(*which)
    whole, pasts = start(settings, 3, engine=engine), {}
    for stop in STOPS:
        pasts[stop] = kept(go_on(whole, stop), tmp_path / f"{stop}.npz")
    go_on(whole, LENGTH)
    for stop, past in pasts.items():
        assert past.day == stop * settings.dt
        again = past.simulation(engine=other if stop == 13 else engine, threads=2 if stop == 2 else 1)
        assert_same_state(go_on(again, LENGTH), whole)


def test_the_world_is_in_the_middle_of_everything(tmp_path: Path) -> None:
    """So that the test above tests something."""
    states = {stop: go_on(start(busy("plane"), 3), stop).state() for stop in STOPS}
    assert all(state["tissue_patch"]["cells"]["refractory"].any() for state in states.values())
    assert states[2]["tissue_patch"]["wounds"]["n_sites"].tolist() != []
    assert states[2]["events_patch"]["site"].size > 0
    assert states[17]["events_patch"]["site"].size > 0
    assert any(state["dosing"]["drugs"]["epigenetic"]["running"].size > 0 for state in states.values())
    assert states[13]["dosing"]["drugs"]["senomorphic"]["lagged"]["patch"].any()
    assert states[6]["dosing"]["drugs"]["senolytic"]["gut"].any()
    assert set(states[17]["dosing"]["calendar"]["status"]) == {"given", "stopped", "toxic"}
    assert (states[17]["transmissions"]["patch"]["generation"] > 1).any()
    assert states[13]["tissue_patch"]["immune"].tolist() < [1.0, 1.0]


ELSEWHERE = """
import sys
sys.path[:0] = {paths!r}
from test_checkpoint import digest, go_on, read_checkpoint, save_checkpoint
past = read_checkpoint({file!r})
simulation = go_on(past.simulation(), {until})
save_checkpoint(simulation, {file!r})
print(past.notes, past.arm, past.replicate, past.seed, digest(simulation), flush=True)
while True:
    save_checkpoint(simulation, {file!r})
"""


def test_going_on_in_a_fresh_process_which_is_killed(tmp_path: Path) -> None:
    """The same bits there; a kill in the middle of a save leaves the old file or the new one."""
    whole = go_on(start(busy("plane"), 3), 13)
    file = save_checkpoint(whole, tmp_path / "x.npz", "busy")
    here = Path(__file__).parent
    script = ELSEWHERE.format(paths=[str(here), str(here.parent)], file=str(file), until=LENGTH)
    environment = {**os.environ, "PYTHONPATH": str(HOME)}
    with subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().decode() == f"() busy 3 1 {digest(go_on(whole, LENGTH))}\n"
        time.sleep(0.02)
        process.kill()
    assert_same_state(read_checkpoint(file).simulation(), whole)


def test_a_checkpoint_changes_nothing(tmp_path: Path) -> None:
    one, other = start(busy("plane"), 3), start(busy("plane"), 3)
    for _ in range(6):
        one.step()
        other.step()
        save_checkpoint(other, tmp_path / "x.npz")
    assert_same_state(one, other)
    state = other.state()
    other.step()
    other.restore(state)  # also the same object, and more than once
    assert_same_state(one, other)


def test_a_file_says_what_it_holds(tmp_path: Path) -> None:
    settings = busy("plane")
    past = kept(go_on(Simulation(settings, 5, seed=2**63), 4), tmp_path / "a" / "b" / "x.npz")
    assert (past.settings, past.replicate, past.places_of, past.seed, past.day) == (settings, 5, 5, 2**63, 2.0)
    assert past.past.happened == ("x_ray", "wound")
    assert set(past.past.given) == {"resetting", "care"}
    assert {"python", "numpy", "numba", "senodrift", "machine"} <= set(past.versions)
    assert past.notes == ()
    with np.load(past.file, allow_pickle=False) as arrays:
        assert {"head", "state/codes", "state/tissue_patch/factors/SASP/amplitudes"} <= set(arrays.files)
    older = read_checkpoint(past.file)
    object.__setattr__(older, "versions", {**past.versions, "numpy": "1.0"})
    assert len(older.notes) == 1
    assert "written with numpy 1.0, read with" in older.notes[0]


def test_immune_cells_come_back_whatever_drugs_there_are() -> None:
    """A future with another capacity goes there with the time constant of recovery."""
    past = start(world(tissue(clearance={"max_rate": 1})))
    future = start(world(tissue(clearance={"max_rate": 1, "capacity": 0.25, "recovery": 14})))
    future.restore(past.state())
    go_on(future, 28)
    assert future.patches["patch"].capacity == pytest.approx(0.25 + 0.75 * np.exp(-1.0), rel=1e-12)


# ---------------------------------------------------------------------------------------------- files that are not


def test_a_save_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulation = start(busy("plane"))
    file = save_checkpoint(simulation, tmp_path / "x.npz")
    before = file.read_bytes()

    def full(file: Any, **arrays: Any) -> None:
        file.write(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(ResourceError, match=r"x\.npz: checkpoint: must be a file that can be written, got No space"):
        save_checkpoint(go_on(simulation, 1), file)
    assert file.read_bytes() == before
    assert os.listdir(tmp_path) == ["x.npz"]


def test_damaged_and_foreign_files(tmp_path: Path) -> None:
    file = save_checkpoint(start(world()), tmp_path / "x.npz")
    whole = file.read_bytes()
    with pytest.raises(ResultsError, match=r"none\.npz: checkpoint: must be a file, got none of this name"):
        read_checkpoint(tmp_path / "none.npz")
    rule = "must be a whole checkpoint of senodrift, got a file that cannot be read as one"
    for damaged in (whole[: len(whole) // 2], b"", b"not one", whole[:500] + bytes(64) + whole[564:]):
        file.write_bytes(damaged)
        with pytest.raises(ResultsError, match=rf"^[^\n]*x\.npz: checkpoint: {rule} \(\w+\)$"):
            read_checkpoint(file)
    np.savez(file, state=np.zeros(3))
    with pytest.raises(ResultsError, match=rf"{rule} \(KeyError\)"):
        read_checkpoint(file)
    np.savez(file, head=np.array('{"format": "senodrift checkpoint 99"}'))
    with pytest.raises(ResultsError, match="must be a senodrift checkpoint 2, got 'senodrift checkpoint 99'"):
        read_checkpoint(file)


def test_other_places_cannot_go_on(tmp_path: Path) -> None:
    table = tmp_path / "cells.csv"
    table.write_text("x,y\n10,10\n20,20\n30,10\n", encoding="utf-8")
    cloud = {"cells": {"file": str(table)}, "extent": [40, 40], "voxel_spacing": 10, "links": {"radius": 15}}
    past = kept(start(world(tissue(shape=None, cloud=cloud))), tmp_path / "x.npz")
    past.simulation()
    table.write_text("x,y\n10,10\n20,20\n30,11\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"found\.sha256: must be that of the file, .* \(the file has changed"):
        past.simulation()
    with pytest.raises(ScenarioError, match=r"tissues\.patch\.cloud.*: must be "):
        past.simulation(world(tissue(shape=None, cloud=cloud)))
