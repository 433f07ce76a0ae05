"""One replicate of one arm, from settings to the record that it leaves behind."""

from __future__ import annotations

import math
import platform
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.engines import Choice
from sim.experiment.checkpoint import read_checkpoint, save_checkpoint
from sim.experiment.cohort import run_cohort
from sim.observe import AttributionCensus, Census, DrugCensus, OrganismCensus, layer
from sim.organism.individuals import trait_columns
from sim.results import EVENT_COLUMNS, RunRecord, checkpoint_name
from sim.scenario.schema import Settings
from sim.simulation import Simulation
from sim.tissue.keeping import CodeMap, Part, State


def run_replicate(
    settings: Settings,
    arm: str,
    replicate: int,
    engine: Choice = "compiled",
    past: str | None = None,
    keep: str | None = None,
    replicates: int = 1,
) -> RunRecord:
    """Run to the horizon or the stop condition; a failure becomes a record with its stage and message.

    It goes on from the checkpoint `past`, if one is given, and writes its own checkpoints into the folder `keep`. They
    go to disk at once, not with the record, so that memory stays flat. Well-mixed ones are run `replicates` at a time.
    """
    record = RunRecord(arm, replicate, host=platform.node(), replicates=replicates)
    start = time.perf_counter()
    stage = "build"
    try:
        if settings.mode == "well_mixed":
            stage = "life"
            run_cohort(settings, record)
            return record
        recorder = _begin(settings, replicate, engine, past)
        simulation = recorder.simulation
        while True:
            if keep is not None and recorder.checkpoint_is_due:
                stage = f"checkpoint of day {simulation.day:g}"
                path = Path(keep) / checkpoint_name(arm, replicate, simulation.day)
                save_checkpoint(simulation, path, arm, recorder.state())
            recorder.look()
            if simulation.finished:
                break
            stage = f"step {simulation.step_index}"
            simulation.step()
        stage = "record"
        recorder.close(record)
        record.status = "finished"
    except Exception as error:  # a failed run is a row, never a missing one
        where = traceback.extract_tb(error.__traceback__)[-1]
        record.status, record.stage = "failed", stage
        record.message = f"{type(error).__name__}: {error} ({where.name}, line {where.lineno})"
    finally:
        record.wall_s = time.perf_counter() - start
    return record


def _begin(settings: Settings, replicate: int, engine: Choice, past: str | None) -> Recorder:
    """Who looks at the first state, or at that of the checkpoint from which the run goes on."""
    if past is None:
        return Recorder(Simulation(settings, replicate, engine=engine))
    checkpoint = read_checkpoint(past)
    recorder = Recorder(checkpoint.simulation(settings, replicate, engine))
    if checkpoint.recorded:
        recorder.restore(checkpoint.recorded, CodeMap(checkpoint.state["codes"].tolist(), settings))
    return recorder


class Recorder:
    """Looks at a simulation on its own clock: rows every `record.every`, maps on `map_days`.

    Where the run goes on from a checkpoint, the rows do too: what happened before is in the tables of the past.
    """

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.settings = simulation.settings
        self.censuses = [
            (Census(self.settings, patch), DrugCensus(simulation.dosing, name))
            for name, patch in simulation.patches.items()
        ]
        self._attributed = {name: AttributionCensus(each) for name, each in simulation.attributions.items()}
        self._organism = OrganismCensus(simulation.body, simulation.functions)
        self.rows: list[dict[str, Any]] = []
        self._organism_rows: list[dict[str, Any]] = []
        self._maps: dict[str, dict[str, list[np.ndarray]]] = {name: {} for name in simulation.patches}
        before = simulation.day - self.settings.dt
        self._map_days = [day for day in self.settings.map_days if day > before + _rounding(before)]
        self._kept_days: list[float] = []
        self._last = -math.inf  # day of the last row
        started = simulation.step_index > 0
        self._past_doses = len(simulation.dosing.calendar) if started else 0
        self._past_events = {
            name: (len(patch.happened), len(simulation.transmissions[name])) if started else (0, 0)
            for name, patch in simulation.patches.items()
        }

    def _parts(self) -> dict[str, Part]:
        """All that counts from row to row, by name: what a checkpoint is to keep of it joins here."""
        names = list(self.simulation.patches)
        parts: dict[str, Part] = {f"cells_{name}": each for name, (each, _) in zip(names, self.censuses, strict=True)}
        parts |= {f"drugs_{name}": each for name, (_, each) in zip(names, self.censuses, strict=True)}
        return parts | {f"attributed_{name}": each for name, each in self._attributed.items()}

    def state(self) -> State:
        """What the last row had counted."""
        return {"last": np.array(self._last), **{name: part.state() for name, part in self._parts().items()}}

    def restore(self, state: State, codes: CodeMap) -> None:
        """Go on counting from the last row, which the tables of the past hold."""
        self._last = float(state["last"])
        for name, part in self._parts().items():
            part.restore(state[name], codes)

    @property
    def checkpoint_is_due(self) -> bool:
        """Whether this state is the first one on or after one of the days of `record.checkpoints`."""
        day, before = self.simulation.day, self.simulation.day - self.settings.dt
        wanted = self.settings.record.checkpoints
        return any(before + _rounding(before) < each <= day + _rounding(day) for each in wanted)

    @property
    def _next_row(self) -> float:
        """Day of the next row; the first one is due at once."""
        every = self.settings.record.every
        return 0.0 if self._last < 0.0 else (math.floor((self._last + _rounding(self._last)) / every) + 1) * every

    def look(self) -> None:
        """Write down what is due now; called after every step and before the first."""
        day, record = self.simulation.day, self.settings.record
        last = self.simulation.finished
        if day >= self._next_row - _rounding(day) or last:
            for cells, drugs in self.censuses:
                attributed = self._attributed.get(cells.patch.name)
                functions = self.simulation.functions.columns(cells.patch.name)
                pigment = self.simulation.pigments.get(cells.patch.name)
                row = {**cells.row(day), **drugs.columns(day), **functions, **(pigment.columns() if pigment else {})}
                self.rows.append(row if attributed is None else {**row, **attributed.columns()})
            self._organism_rows.append(self._organism.row(day, alive=not self.simulation.died))
            self._last = day
        if record.maps and self._map_days and (day >= self._map_days[0] - _rounding(day) or last):
            self._map_days = [each for each in self._map_days if each > day + _rounding(day)]
            self._kept_days.append(day)
            for name, patch in self.simulation.patches.items():
                more = self.simulation.attributions.get(name), self.simulation.pigments.get(name)
                for each in record.maps:
                    self._maps[name].setdefault(each, []).append(layer(patch, each, *more))

    def close(self, record: RunRecord) -> None:
        """All rows and maps into the record."""
        for name, patch in self.simulation.patches.items():
            if self._kept_days:
                layers = {each: np.stack(stack) for each, stack in self._maps[name].items()}
                spacing = np.array(patch.geometry.spacing)
                record.maps[name] = {"days": np.array(self._kept_days), "spacing": spacing, **layers}
        record.timeseries = pd.DataFrame(_keyed(record, self.rows))
        record.organism = pd.DataFrame(_keyed(record, self._organism_rows))
        day, age = self.simulation.day, self.settings.age_at_start + self.simulation.day
        told = trait_columns(self.settings, self.simulation.traits)
        table = pd.DataFrame(_keyed(record, [{"day": day, "age": age, "died": self.simulation.died}]))
        record.individuals = table.assign(**told)
        if events := self._events():
            columns = {name: [row.get(name) for row in _keyed(record, events)] for name in EVENT_COLUMNS}
            whole = {name: pd.array(columns[name], "Int64") for name in ("site", "sender", "generation")}
            record.events = pd.DataFrame({**columns, **whole})
        if doses := self.simulation.dosing.calendar[self._past_doses :]:
            table = pd.DataFrame(_keyed(record, [dose._asdict() for dose in doses]))
            record.doses = table.astype({"day": float, "amount": float})

    def _events(self) -> list[dict[str, Any]]:
        """Outside events and, where senders are tracked, who turned whom."""
        simulation, rows = self.simulation, list[dict[str, Any]]()
        for name, patch in simulation.patches.items():
            n_events, n_edges = self._past_events[name]
            for event, day, n_sites in patch.happened[n_events:]:
                rows.append({"tissue": name, "day": day, "event": event, "n_sites": n_sites})
            for edge in simulation.transmissions[name][n_edges:]:
                rows.append(
                    {"tissue": name, "day": edge.day, "event": patch.event_names[edge.code], "n_sites": 1,
                     "site": edge.site, "sender": edge.sender, "generation": edge.generation}
                )  # fmt: skip
        return rows


def _rounding(day: float) -> float:
    """Days that differ by less are the same day."""
    return 1e-9 * max(day, 1.0)


def _keyed(record: RunRecord, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with their arm and replicate in front."""
    return [{"arm": record.arm, "replicate": record.replicate, **row} for row in rows]
