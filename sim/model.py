"""The Mesa face of a simulation: a `mesa.Model` that owns arrays, for everything that expects a Mesa model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import mesa

from sim.engines import Choice
from sim.errors import ScenarioError, did_you_mean
from sim.observe import n_in_state
from sim.scenario.load import Scenario, from_dict, load
from sim.scenario.trees import Tree
from sim.simulation import Simulation
from sim.tissue.patch import Patch
from sim.tissue.state import CLEARED, HEALTHY, SENESCENT, STATE_NAMES

GRAFT_IN_SKIN: Tree = {  # what `SenescenceModel()` shows
    "days": 150,
    "tissues": {"skin": {"preset": "mouse_dermis", "shape": [50, 50]}},
    "factors": {"SASP": {"reach": "100 um", "induction": {"hill": {}}}},
    "events": {"graft": {"radius": "100 um"}},
}


class SenescenceModel(mesa.Model):
    """One replicate of one arm as a Mesa model.

    Parameters
    ----------
    source
        A scenario file, a scenario, or None for a graft of senescent cells in young skin.
    arm
        Name of the arm; the first if not given.
    replicate
        Which luck; arms with the same replicate share it.
    seed, rng
        Key of all random numbers instead of that of the scenario; two names of the same.
    engine
        ``compiled`` or ``agents``, or one of your own; as in `sim.Simulation`.
    threads
        Threads of the compiled engine; the states are the same.
    **kwargs
        Values of the scenario by path, with two underscores for a dot: ``tissues__skin__shape=[64, 64]``. (The name is
        what Mesa 3.3 looks for before it lets a slider set one of them.)

    Attributes
    ----------
    simulation : Simulation
        The cells and factors: ``model.simulation.patches["skin"].cells.state``.
    day : float
        Our own clock [d]; Mesa counts steps.
    datacollector : mesa.DataCollector
        After each step ``day`` and of each tissue ``n_healthy n_senescent n_cleared burden`` [%], with the name of the
        tissue and ``_`` in front where there are several.

    Raises
    ------
    ScenarioError
        If something cannot be; nothing is run.

    Notes
    -----
    Cells are entries of arrays; the agents of the `agents` engine belong to a model inside, and `agents` is empty.
    """

    def __init__(
        self,
        source: str | Path | Scenario | None = None,
        arm: str | None = None,
        replicate: int = 0,
        seed: int | None = None,
        rng: int | None = None,
        engine: Choice = "compiled",
        threads: int = 1,
        **kwargs: Any,
    ) -> None:
        given = kwargs.pop("scenario", None)  # also where the viewer of Mesa 3.5 puts a scenario class of its own
        if isinstance(given, str | Path | Scenario):
            source = given
        overrides = {key.replace("__", "."): value for key, value in kwargs.items()}
        scenario = _read(source, overrides, _one_key(seed, rng))
        settings = scenario.arms[_known_arm(scenario, arm)]
        super().__init__(rng=settings.seed)  # Mesa's own generators, which nothing here draws from
        self.simulation = Simulation(settings, replicate, engine=engine, threads=threads)
        self.datacollector = mesa.DataCollector(model_reporters=_reporters(self.simulation))
        self._look()

    @property
    def day(self) -> float:
        """Time of the state [d]."""
        return self.simulation.day

    def step(self) -> None:
        """Advance by one dt; at the end of the run `running` is False, and nothing more happens."""
        if not self.simulation.finished:
            self.simulation.step()
            self._look()

    def _look(self) -> None:
        self.datacollector.collect(self)
        self.running = not self.simulation.finished


def _one_key(seed: int | None, rng: int | None) -> int | None:
    if seed is not None and rng is not None and seed != rng:
        raise ScenarioError(f"seed: must be the same as rng, its other name, got {seed} and {rng}")
    return rng if seed is None else seed


def _read(source: str | Path | Scenario | None, overrides: Mapping[str, Any], key: int | None) -> Scenario:
    changes = dict(overrides) if key is None else {**overrides, "seed": key}
    if source is None:
        return from_dict(GRAFT_IN_SKIN, changes)
    return source.override(changes) if isinstance(source, Scenario) else load(source, changes)


def _known_arm(scenario: Scenario, arm: str | None) -> str:
    if arm is None:
        return next(iter(scenario.arms))
    if arm not in scenario.arms:
        near = did_you_mean(arm, scenario.arms)
        raise ScenarioError(f"{scenario.file}: arms.{arm}: unknown arm{near}, known: {', '.join(scenario.arms)}")
    return arm


def _reporters(simulation: Simulation) -> dict[str, Callable[[Any], float]]:
    """Scalars by column of the data collector, each a function of the model."""
    reporters: dict[str, Callable[[Any], float]] = {"day": lambda model: model.day}
    for name, patch in simulation.patches.items():
        prefix = f"{name}_" if len(simulation.patches) > 1 else ""
        for code in (HEALTHY, SENESCENT, CLEARED):
            reporters[f"{prefix}n_{STATE_NAMES[code]}"] = _counting(patch, code)
        reporters[f"{prefix}burden"] = _burden_of(patch)
    return reporters


def _counting(patch: Patch, code: int) -> Callable[[Any], float]:
    return lambda model: n_in_state(patch, code)


def _burden_of(patch: Patch) -> Callable[[Any], float]:
    return lambda model: patch.burden
