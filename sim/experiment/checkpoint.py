"""A checkpoint: the whole state of a run in one npz without pickle, from which one or many futures go on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydantic import ValidationError

import sim
from sim.engines import Choice
from sim.errors import ResourceError, ResultsError, ScenarioError
from sim.experiment.provenance import machine, versions
from sim.organism.dosing import GIVEN
from sim.scenario.futures import Past
from sim.scenario.schema import Settings
from sim.simulation import Simulation
from sim.tissue.keeping import State

FORMAT = "senodrift checkpoint 2"  # 2: amplitudes of fields in panels (ADR 25)
BITS = ("python", "numpy", "scipy", "numba", "llvmlite")  # with other versions of these the last bit may differ


@dataclass(frozen=True)
class Checkpoint:
    """The state of one run on one day.

    Attributes
    ----------
    file : Path
    settings : Settings
        The arm, complete.
    arm : str
        Its name; empty where the run was no arm of a scenario.
    replicate, seed : int
        The luck of the run.
    places_of : int
        Replicate whose traits the individual, and whose random packing the cells have.
    day : float
        Time of the state [d].
    hash : str
        Identity of the settings: equal for equal ones.
    versions : dict
        Of Python, of the libraries, of senodrift, and the machine.
    state, recorded : nested mappings of arrays
        Of the simulation, and what the last row of its tables had counted (empty where no tables were kept).
    """

    file: Path
    settings: Settings
    arm: str
    replicate: int
    places_of: int
    seed: int
    day: float
    hash: str
    versions: Mapping[str, str]
    state: State = field(repr=False)
    recorded: State = field(repr=False)

    def simulation(
        self,
        settings: Settings | None = None,
        replicate: int | None = None,
        engine: Choice = "compiled",
        threads: int = 1,
    ) -> Simulation:
        """A run that goes on from here, with the same bits as one that never stopped.

        Parameters
        ----------
        settings
            Other settings from now on; see `sim.branch` for what may differ.
        replicate
            Another luck from now on; what happened stays.
        engine, threads
            As in `sim.Simulation`; the states are the same.

        Raises
        ------
        ScenarioError
            If the settings cannot go on from here.
        """
        if settings is not None:
            self.past.check(settings)
        luck = self.replicate if replicate is None else replicate
        simulation = Simulation(settings or self.settings, luck, self.seed, engine, threads, self.places_of)
        simulation.restore(self.state)
        return simulation

    @property
    def past(self) -> Past:
        """What was done so far, for `sim.scenario.futures`."""
        happened = (self.state[f"tissue_{name}"]["happened"]["event"].tolist() for name in self.settings.tissues)
        calendar = self.state["dosing"]["calendar"]
        given = calendar["treatment"][calendar["status"] == GIVEN].tolist()
        names = tuple(dict.fromkeys(name for each in happened for name in each))
        return Past(str(self.file), self.settings, int(self.state["step"]), names, tuple(dict.fromkeys(given)))

    @property
    def notes(self) -> tuple[str, ...]:
        """What is legal but odd, one line each."""
        now = _versions()
        notes = [
            f"{self.file}: written with {name} {self.versions.get(name)}, read with {now[name]}: bits may differ"
            for name in (*BITS, "senodrift", "machine")
            if self.versions.get(name) != now[name]
        ]
        if _hash(self.settings) != self.hash:
            notes.append(f"{self.file}: its senodrift had other defaults where its scenario says nothing")
        return tuple(notes)


def save_checkpoint(simulation: Simulation, path: str | Path, arm: str = "", recorded: State | None = None) -> Path:
    """Write the whole state of `simulation` to `path`, which a kill at any time leaves as it was, or complete.

    Parameters
    ----------
    simulation
        Between two steps.
    path
        An npz file; one that exists is replaced. Missing folders are made.
    arm
        What the arm is called.
    recorded
        What the last row of the tables had counted, if tables are kept.

    Raises
    ------
    ResourceError
        If the file cannot be written.
    """
    path = Path(path)
    settings = simulation.arm_settings  # a checkpoint that goes on makes the individual of it again
    head = {
        "format": FORMAT, "arm": arm, "replicate": simulation.replicate, "places_of": simulation.places_of,
        "seed": simulation.seed, "day": simulation.day, "hash": _hash(settings), "versions": _versions(),
        "settings": settings.model_dump(exclude_unset=True),
    }  # fmt: skip
    state = {"head": np.array(json.dumps(head)), "state": simulation.state(), "recorded": recorded or {}}
    unfinished = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            np.savez_compressed(file, **_flat(state))  # type: ignore[arg-type]
        os.replace(unfinished, path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise ResourceError(f"{path}: checkpoint: must be a file that can be written, got {error.strerror}") from error
    return path


def read_checkpoint(path: str | Path) -> Checkpoint:
    """The checkpoint in the file at `path`.

    Raises
    ------
    ResultsError
        If there is none, or it is damaged, or of another program.
    """
    path = Path(path)
    if not path.is_file():
        raise ResultsError(f"{path}: checkpoint: must be a file, got none of this name")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            tree = _nested({name: arrays[name] for name in arrays.files})
        head = json.loads(str(tree["head"]))
        kind = head.pop("format")
    except Exception as error:  # any damage, by whatever library reads it
        what = f"a file that cannot be read as one ({type(error).__name__})"
        raise ResultsError(f"{path}: checkpoint: must be a whole checkpoint of senodrift, got {what}") from error
    if kind != FORMAT:
        raise ResultsError(f"{path}: checkpoint: must be a {FORMAT}, got {kind!r}")
    written = head.get("versions", {}).get("senodrift", "another program")
    try:
        settings = Settings.model_validate(head.pop("settings"))
        return Checkpoint(path, settings, **head, state=tree["state"], recorded=tree.get("recorded", {}))
    except (ScenarioError, ValidationError, TypeError, KeyError) as error:
        raise ResultsError(
            f"{path}: checkpoint: must hold what senodrift {sim.__version__} knows, got that of {written}"
        ) from error


def _versions() -> dict[str, str]:
    return {**versions(), "senodrift": sim.__version__, "machine": machine()}


def _hash(settings: Settings) -> str:
    """Identity of an arm, defaults written out."""
    return hashlib.sha256(json.dumps(settings.model_dump(), sort_keys=True).encode()).hexdigest()[:12]


def _flat(tree: State, prefix: str = "") -> dict[str, np.ndarray]:
    """Nested mappings as one, with a slash between names; empty ones are left out."""
    flat: dict[str, np.ndarray] = {}
    for name, value in tree.items():
        flat.update(_flat(value, f"{prefix}{name}/") if isinstance(value, dict) else {f"{prefix}{name}": value})
    return flat


def _nested(flat: Mapping[str, np.ndarray]) -> State:
    tree: State = {}
    for path, value in flat.items():
        *above, last = path.split("/")
        node = tree
        for name in above:
            node = node.setdefault(name, {})
        node[last] = value
    return tree
