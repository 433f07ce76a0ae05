"""Two engines, one biology: both call `sim.rules` and give the same states, site by site, step by step."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

import numpy as np

from sim.errors import ScenarioError, did_you_mean
from sim.tissue.patch import Happenings, Patch

ENGINES = {"compiled": "sim.engines.compiled:CompiledEngine", "agents": "sim.engines.agents:AgentsEngine"}


class Engine(Protocol):
    """What a simulation asks of an engine; the arrays of `patch.cells` are true after each call."""

    def take_up(self) -> None:
        """Healthy cells take up cargo (exact step of the remembered dose)."""

    def patrol(self, t_end: float) -> None:
        """Patrols walk, find and kill until their clocks pass `t_end`; what they kill, they claim."""

    def decide(self, t: float, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Sites and event codes of what will happen in [t, t + dt), in site order; reads only the old state."""

    def apply(self, happenings: Happenings, t_next: float, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Write what was decided; returns how often each event code came true, and who turned at once by contact."""

    def refresh(self, sites: np.ndarray) -> None:
        """The arrays changed at `sites` from outside."""


def check_engine(name: str) -> None:
    """ScenarioError, naming the nearest, unless there is an engine of this name."""
    if name not in ENGINES:
        known = f"{', '.join(ENGINES)}, got {name!r}{did_you_mean(name, ENGINES)}"
        raise ScenarioError(f"engine: must be one of {known}")


def make_engine(name: str, patch: Patch) -> Engine:
    """The engine of this name on a patch; loaded by name, so that nobody pays for Mesa who does not use it."""
    module, attribute = ENGINES[name].split(":")
    engine: Engine = getattr(import_module(module), attribute)(patch)
    return engine
