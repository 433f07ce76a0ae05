"""The Mesa face: what Mesa and its viewer expect, on every Mesa, and the states of the simulation inside.

Mesa 3.3 comes with Python 3.11, Mesa 3.5 with 3.12 and later. To compare bits with other interpreters that have the
dependencies: ``SENODRIFT_PYTHONS=PYTHON_3_12:PYTHON_3_13 pytest tests/unit/test_model.py``.
"""

from __future__ import annotations

import inspect
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import mesa
import numpy as np
import pandas as pd
import pytest

import sim
from sim.model import GRAFT_IN_SKIN, SenescenceModel
from sim.scenario.load import from_dict
from sim.tissue.patch import Patch

SMALL = {"tissues__skin__shape": [20, 20], "days": 4}
MESA_OWNS = {"time", "steps", "scenario", "agents", "random", "rng"}
OTHER_PYTHONS = [each for each in os.environ.get("SENODRIFT_PYTHONS", "").split(os.pathsep) if each]
DIGEST = """
import hashlib, sys, mesa
from sim.model import SenescenceModel
for engine in ("agents", "compiled"):
    model = SenescenceModel(seed=5, engine=engine, tissues__skin__shape=[20, 20], days=10)
    model.run_model()
    patch = model.simulation.patches["skin"]
    arrays = [patch.levels, *patch.cells.arrays().values()]
    print(engine, *(hashlib.sha256(array.tobytes()).hexdigest() for array in arrays))
"""


def table(model: SenescenceModel) -> pd.DataFrame:
    return model.datacollector.get_model_vars_dataframe()


def skin(model: SenescenceModel) -> Patch:
    return model.simulation.patches["skin"]


def test_it_works_without_arguments() -> None:
    model = SenescenceModel()
    model.step()
    assert isinstance(model, mesa.Model)
    assert list(table(model)) == ["day", "n_healthy", "n_senescent", "n_cleared", "burden"]
    assert (model.day, model.steps, model.running) == (0.5, 1, True)
    first = table(model).iloc[0]
    assert first["n_healthy"] + first["n_senescent"] == 2500
    assert first["burden"] == 100 * first["n_senescent"] / 2500 > 0


def test_names_that_mesa_owns_are_left_alone() -> None:
    model = SenescenceModel(seed=11, **SMALL)
    assert MESA_OWNS.isdisjoint(vars(SenescenceModel))
    assert len(model.agents) == 0
    assert model.random.random() == random.Random(11).random()
    assert model.rng.random() == np.random.default_rng(11).random()


def test_a_run_ends_and_nothing_happens_after() -> None:
    model = SenescenceModel(**SMALL)
    model.run_model()
    assert (model.day, model.steps, model.running) == (4.0, 8, False)
    states = skin(model).cells.state.copy()
    model.step()
    assert (model.day, len(table(model))) == (4.0, 9)
    np.testing.assert_array_equal(skin(model).cells.state, states)


def test_a_stop_condition_ends_it() -> None:
    model = SenescenceModel(stop={"cause": "SASP", "count": 3}, factors__SASP__induction__hill__max_rate=0.1, **SMALL)
    model.run_model()
    assert model.day < 4
    assert skin(model).cum[skin(model).event_names.index("SASP")] >= 3


@pytest.mark.parametrize("engine", ["compiled", "agents"])
def test_it_tells_what_a_run_tells(engine: str) -> None:
    scenario = from_dict({**GRAFT_IN_SKIN, "arms": {"control": {"events": {"graft": None}}, "graft": {}}, "seed": 3})
    scenario = scenario.override({"tissues.skin.shape": [20, 20], "days": 6, "replicates": 2, "dt": 1})
    rows = sim.run(scenario).timeseries.query("arm == 'graft' and replicate == 1").reset_index(drop=True)
    model = SenescenceModel(scenario, arm="graft", replicate=1, engine=engine)
    model.run_model()
    pd.testing.assert_frame_equal(table(model), rows[list(table(model))], check_exact=True)


def test_seed_and_rng_are_one() -> None:
    one, other, third = (SenescenceModel(**key, **SMALL) for key in ({"seed": 7}, {"rng": 7}, {"rng": np.int64(8)}))
    for model in (one, other, third):
        model.run_model()
    np.testing.assert_array_equal(skin(one).cells.state, skin(other).cells.state)
    assert not np.array_equal(skin(one).cells.state, skin(third).cells.state)
    with pytest.raises(sim.ScenarioError, match="seed: must be the same as rng, its other name, got 7 and 8"):
        SenescenceModel(seed=7, rng=8)


def test_several_tissues_have_their_names_in_front() -> None:
    tissue = {"preset": "mouse_dermis", "shape": [8, 8]}
    model = SenescenceModel(from_dict({"days": 1, "tissues": {"skin": tissue, "ear": tissue}}))
    columns = ["n_healthy", "n_senescent", "n_cleared", "burden"]
    assert list(table(model)) == ["day", *(f"{name}_{column}" for name in ("skin", "ear") for column in columns)]


def test_a_file_a_scenario_and_paths_as_keywords(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("days: 2\ntissues: {skin: {preset: mouse_dermis, shape: [8, 8]}}\narms: {a: {}, b: {}}\n", "utf-8")
    for source in (file, str(file), sim.load(file)):
        for model in (SenescenceModel(source, days="3 d"), SenescenceModel(scenario=source, days=3)):
            assert (model.simulation.settings.days, skin(model).geometry.shape) == (3.0, (8, 8))
    with pytest.raises(sim.ScenarioError, match=r"x.yaml: arms.bb: unknown arm \(did you mean b\?\), known: a, b"):
        SenescenceModel(file, arm="bb")
    with pytest.raises(sim.ScenarioError, match=r"tissues\.skin\.shap: unknown key"):
        SenescenceModel(file, tissues__skin__shap=[9, 9])
    with pytest.raises(sim.ScenarioError, match="engine: must be one of"):
        SenescenceModel(file, engine="compile")


def test_the_viewer_can_make_it_again(tmp_path: Path) -> None:
    """`SolaraViz` asks the signature, then calls the class with keywords; Mesa 3.5 adds a scenario of its own."""
    parameters = inspect.signature(SenescenceModel.__init__).parameters
    assert all(each.default is not inspect.Parameter.empty for each in list(parameters.values())[1:-1])
    assert parameters["kwargs"].kind is inspect.Parameter.VAR_KEYWORD
    shown: dict[str, Any] = {"source": from_dict(GRAFT_IN_SKIN, {"days": 1}), "seed": 2, "tissues__skin__shape": [9, 9]}
    scenario_of_mesa = getattr(SenescenceModel(**shown), "scenario", object())
    model = SenescenceModel(**shown, scenario=scenario_of_mesa)
    assert (model.simulation.settings.days, skin(model).geometry.shape) == (1.0, (9, 9))


@pytest.mark.parametrize("python", OTHER_PYTHONS)
def test_the_same_bits_from_another_python(python: str) -> None:
    here, there = (
        subprocess.run(
            [each, "-W", "error", "-c", DIGEST],
            env={**os.environ, "PYTHONPATH": str(Path(sim.__file__).parents[1])},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        for each in (sys.executable, python)
    )
    agents, compiled = (line.split()[1:] for line in here)
    assert agents == compiled
    assert here == there
