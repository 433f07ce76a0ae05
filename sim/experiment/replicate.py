"""One replicate of one arm, from settings to the record that it leaves behind."""

from __future__ import annotations

import platform
import time
import traceback
from typing import Any

import numpy as np
import pandas as pd

from sim.observe import AttributionCensus, Census, DrugCensus, layer
from sim.results import DOSE_COLUMNS, EVENT_COLUMNS, RunRecord
from sim.scenario.schema import Settings
from sim.simulation import Simulation


def run_replicate(settings: Settings, arm: str, replicate: int, engine: str = "compiled") -> RunRecord:
    """Run to the horizon or the stop condition; a failure becomes a record with its stage and message."""
    record = RunRecord(arm, replicate, host=platform.node())
    start = time.perf_counter()
    stage = "build"
    try:
        simulation = Simulation(settings, replicate, engine=engine)
        recorder = Recorder(simulation)
        recorder.look()
        while not simulation.finished:
            stage = f"step {simulation.step_index}"
            simulation.step()
            recorder.look()
        stage = "record"
        recorder.close(record)
        record.status = "finished"
    except Exception as error:  # a failed run is a row, never a missing one
        where = traceback.extract_tb(error.__traceback__)[-1]
        record.status, record.stage = "failed", stage
        record.message = f"{type(error).__name__}: {error} ({where.name}, line {where.lineno})"
    record.wall_s = time.perf_counter() - start
    return record


class Recorder:
    """Looks at a simulation on its own clock: rows every `record.every`, maps on `record.days`."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.settings = simulation.settings
        self.censuses = [
            (Census(self.settings, patch), DrugCensus(simulation.dosing, name))
            for name, patch in simulation.patches.items()
        ]
        self._attributed = {name: AttributionCensus(each) for name, each in simulation.attributions.items()}
        self.rows: list[dict[str, Any]] = []
        self._maps: dict[str, dict[str, list[np.ndarray]]] = {name: {} for name in simulation.patches}
        self._map_days = sorted(set(self.settings.record.days))
        self._kept_days: list[float] = []
        self._due = 0.0

    def look(self) -> None:
        """Write down what is due now; called after every step and before the first."""
        day, record = self.simulation.day, self.settings.record
        rounding = 1e-9 * max(day, 1.0)
        last = self.simulation.finished
        if day >= self._due - rounding or last:
            for cells, drugs in self.censuses:
                attributed = self._attributed.get(cells.patch.name)
                row = {**cells.row(day), **drugs.columns(day)}
                self.rows.append(row if attributed is None else {**row, **attributed.columns()})
            self._due = (np.floor((day + rounding) / record.every) + 1) * record.every
        if record.maps and self._map_days and (day >= self._map_days[0] - rounding or last):
            self._map_days = [each for each in self._map_days if each > day + rounding]
            self._kept_days.append(day)
            for name, patch in self.simulation.patches.items():
                attribution = self.simulation.attributions.get(name)
                for each in record.maps:
                    self._maps[name].setdefault(each, []).append(layer(patch, each, attribution))

    def close(self, record: RunRecord) -> None:
        """All rows and maps into the record."""
        for name, patch in self.simulation.patches.items():
            if self._kept_days:
                layers = {each: np.stack(stack) for each, stack in self._maps[name].items()}
                spacing = np.array(patch.geometry.spacing)
                record.maps[name] = {"days": np.array(self._kept_days), "spacing": spacing, **layers}
        record.timeseries = _keyed(record, pd.DataFrame(self.rows))
        record.events = _keyed(record, self._events())
        calendar = pd.DataFrame(self.simulation.dosing.calendar, columns=DOSE_COLUMNS[2:])
        record.doses = _keyed(record, calendar.astype({"day": float, "amount": float}))

    def _events(self) -> pd.DataFrame:
        simulation, rows = self.simulation, []
        for name, patch in simulation.patches.items():
            for event, day, n_sites in patch.happened:
                rows.append({"tissue": name, "day": day, "event": event, "n_sites": n_sites})
            for edge in simulation.transmissions[name]:
                rows.append(
                    {"tissue": name, "day": edge.day, "event": patch.event_names[edge.code], "n_sites": 1,
                     "site": edge.site, "sender": edge.sender, "generation": edge.generation}
                )  # fmt: skip
        table = pd.DataFrame(rows, columns=EVENT_COLUMNS[2:])
        return table.astype({"site": "Int64", "sender": "Int64", "generation": "Int64"})


def _keyed(record: RunRecord, table: pd.DataFrame) -> pd.DataFrame:
    """`table` with its arm and replicate in front."""
    table.insert(0, "arm", record.arm)
    table.insert(1, "replicate", record.replicate)
    return table
