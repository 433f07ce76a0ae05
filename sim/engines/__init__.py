"""Two engines, one biology: both call `sim.rules` and give the same states, site by site, step by step."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from hashlib import sha256
from importlib import import_module
from typing import Any, Protocol

import numpy as np

from sim.errors import ScenarioError, did_you_mean
from sim.scenario.schema import Settings
from sim.tissue.patch import Happenings, Patch

ENGINES = {"compiled": "sim.engines.compiled:CompiledEngine", "agents": "sim.engines.agents:AgentsEngine"}
PHASES = ("take_up", "patrol", "decide", "apply", "refresh")


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


Choice = str | Callable[[Patch], Engine]  # the name of an engine, ``MODULE:CLASS`` of one's own, or the class itself


def find_engine(engine: Choice) -> Callable[[Patch], Engine]:
    """What makes the engine of a patch; loaded by name, so that nobody pays for Mesa who does not use it.

    Raises
    ------
    ScenarioError
        If there is no engine of this name, or the class is none.
    """
    found: Any = engine
    if isinstance(engine, str):
        if engine not in ENGINES and ":" not in engine:
            known = f"{', '.join(ENGINES)}, or MODULE:CLASS, got {engine!r}{did_you_mean(engine, ENGINES)}"
            raise ScenarioError(f"engine: must be one of {known}")
        module, _, name = ENGINES.get(engine, engine).partition(":")
        try:
            found = getattr(import_module(module), name)
        except Exception as error:  # of any kind: the module is the user's
            rule = "must be MODULE:CLASS of a module that can be imported"
            raise ScenarioError(f"engine: {rule}, got {engine!r} ({type(error).__name__}: {error})") from error
    if not all(hasattr(found, each) for each in PHASES):
        raise ScenarioError(f"engine: must be a subclass of sim.AgentsEngine or sim.CompiledEngine, got {engine!r}")
    made: Callable[[Patch], Engine] = found
    return made


def check_engine(engine: Choice, settings: Iterable[Settings]) -> None:
    """ScenarioError unless there is such an engine, and it is of use to all these arms."""
    own = engine not in ENGINES
    if own:
        find_engine(engine)
    for arm in settings:
        if arm.mode == "well_mixed" and own:
            raise ScenarioError(f"engine: must be left out with mode: well_mixed, got {engine_name(engine)!r}")
        if arm.own_causes and not own:
            rule = "must have an engine of your own with their rules (engine: MODULE:CLASS)"
            raise ScenarioError(f"own_causes: {rule}, got {engine!r} for {', '.join(arm.own_causes)}")


def engine_name(engine: Choice) -> str:
    """The name of an engine; of one's own ``MODULE:CLASS``, with a hash of the source as far as it can be read."""
    if isinstance(engine, str) and engine in ENGINES:
        return engine
    made: Any = find_engine(engine)
    name = f"{made.__module__}:{made.__qualname__}"
    try:
        text = inspect.getsource(made if made.__module__ == "__main__" else import_module(made.__module__))
    except (OSError, TypeError):
        return name
    return f"{name} (source {sha256(text.encode()).hexdigest()[:8]})"


def is_importable(engine: Choice) -> bool:
    """Whether another process finds the same engine by its name."""
    return isinstance(engine, str) or not (engine.__module__ == "__main__" or "<locals>" in engine.__qualname__)


def make_engine(engine: Choice, patch: Patch) -> Engine:
    """The engine of a patch."""
    return find_engine(engine)(patch)
