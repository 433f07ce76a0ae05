"""What a run leaves behind, whatever happens to it: a complete folder or none, a row for every run, and no process.

Workers are fresh interpreters, so a test reaches into them by a `sitecustomize` on their path.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import sim
from sim.experiment.execute import Job, run_in_processes
from sim.results import RunRecord
from sim.scenario.load import Scenario, from_dict
from sim.simulation import Simulation

HOME = Path(sim.__file__).parents[1]
COUNTS = ["n_healthy", "n_senescent", "n_cleared", "n_scarred", "burden"]
SCENARIO = """\
days: 3
dt: 0.4 d
replicates: 3
tissues: {skin: {preset: mouse_dermis, shape: [8, 6], initial: {burden: 20}}}
factors: {SASP: {reach: 40 um, induction: {hill: {max_rate: 0.5}}}}
events: {graft: {radius: 20 um, day: 1}}
record: {every: 1 d, maps: [state, SASP], days: [0, 3]}
arms: {control: {events: {graft: null}}, graft: {}}
"""
ENDLESS = SCENARIO.replace("days: 3\n", "days: 1e5\n").replace("every: 1 d, maps: [state, SASP], days: [0, 3]", "every: 1e3 d")
ENDLESS = ENDLESS.replace("arms: {", "arms: {quick: {stop: {cause: initial, count: 1}}, ").replace("control", "endless")
BEFORE_EACH_RUN = """\
import os, signal
from pathlib import Path
import sim.experiment.replicate as home
def run_replicate(settings, arm, replicate, engine, run=home.run_replicate):
    {what}
    return run(settings, arm, replicate, engine)
home.run_replicate = run_replicate
"""
NOTE = 'Path({folder!r}, f"{{arm}}-{{replicate}}").write_text(str(os.getpid()))'
Patience = Callable[[Callable[[], Any]], Any]


@pytest.fixture
def scenario() -> Scenario:
    return sim.load_text(SCENARIO) if hasattr(sim, "load_text") else from_dict({})
