"""Run a scenario: arms x replicates to `Results`, in memory or as a folder that is complete or not there."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.analysis.halfwidth import HalfWidth
from sim.engines import check_engine
from sim.errors import InterruptedRunError, ScenarioError
from sim.experiment.execute import Job, executor
from sim.experiment.provenance import provenance
from sim.results import Folder, Results, RunRecord, combine
from sim.rng import Stream, tissue_codes
from sim.scenario.causes import event_names
from sim.scenario.load import Scenario
from sim.tissue.build import build_geometry, check_kernels, first_cells

Progress = Callable[[RunRecord, int, int], None]


def run(
    scenario: Scenario,
    replicates: int | None = None,
    seed: int | None = None,
    workers: int = 1,
    engine: str = "compiled",
    out: str | Path | None = None,
    progress: Progress | None = None,
    until: HalfWidth | None = None,
) -> Results:
    """Run every arm of `scenario` with the same replicates, which share their luck.

    Parameters
    ----------
    scenario
        Its arms, replicates and seed; see `sim.load`.
    replicates, seed
        Instead of those of the scenario.
    workers
        Fresh processes to run in; 1 runs in this one. The tables are the same, bit for bit, but for wall times.
    engine
        ``compiled`` or ``agents``; the states are the same.
    out
        Results folder to write; it must not exist.
    progress
        Called with each record, the number done and the total.
    until
        A rule that looks at the tables and says how many replicates there should be; those asked for are then the least
        of its first look. The results are the same as of a run with that many.

    Raises
    ------
    ScenarioError
        Before the first step, if something cannot be.
    InterruptedRunError
        After Ctrl-C; finished replicates are kept, in `out` if given.
    """
    overrides = {"replicates": replicates, "seed": seed}
    scenario = scenario.override({key: value for key, value in overrides.items() if value is not None})
    if workers < 1:
        raise ScenarioError(f"{scenario.file}: workers: must be at least 1, got {workers}")
    try:
        check_engine(engine)
    except ScenarioError as error:
        raise ScenarioError(f"{scenario.file}: {error}") from None
    folder = Folder(Path(out)) if out is not None else None
    try:
        sites = _sites(scenario)
        start = time.perf_counter()
        if until is None:
            records, interrupted = _collect(_jobs(scenario, engine), workers, progress)
        else:
            scenario, records, interrupted = _collect_until(until, scenario, engine, workers, progress)
        with _undisturbed() as pressed:
            manifest = _manifest(scenario, engine, workers, time.perf_counter() - start)
            results = combine(manifest, scenario.tree, records, sites)
            if folder is not None:
                folder.write(results, scenario.as_yaml())
                results.folder = folder.finish()
    except BaseException:
        if folder is not None:
            folder.discard()
        raise
    if interrupted or pressed:
        done = sum(record.status == "finished" for record in records)
        kept = f", kept in {results.folder}" if folder is not None else ""
        raise InterruptedRunError(f"interrupted: {done} of {len(records)} runs finished{kept}")
    return results


def _jobs(scenario: Scenario, engine: str, first: int = 0) -> list[Job]:
    """Replicate by replicate, so that an early stop leaves whole pairs; without those before the `first`."""
    return [
        Job(settings, arm, replicate, engine)
        for replicate in range(first, scenario.common.replicates)
        for arm, settings in scenario.arms.items()
    ]


def _collect_until(
    until: HalfWidth, scenario: Scenario, engine: str, workers: int, progress: Progress | None
) -> tuple[Scenario, list[RunRecord], bool]:
    """More and more replicates until the rule asks for no more; the scenario as it would have asked for them at once.

    The rule sees the first replicate alone: that an outcome has another name is told before hours have passed.
    """
    until, wanted, records = replace(until, first=max(until.first, scenario.common.replicates)), 1, list[RunRecord]()
    while True:
        done, scenario = len(records) // len(scenario.arms), scenario.override({"replicates": wanted})
        records, interrupted = _collect(_jobs(scenario, engine, done), workers, progress, records)
        if interrupted:
            return scenario, records, True
        with _undisturbed() as pressed:
            manifest = _manifest(scenario, engine, workers, 0.0)
            wanted = until.next(combine(manifest, scenario.tree, records, pd.DataFrame()))
        if pressed or wanted <= scenario.common.replicates:
            return scenario, records, bool(pressed)


def _collect(
    jobs: list[Job], workers: int, progress: Progress | None, done: Sequence[RunRecord] = ()
) -> tuple[list[RunRecord], bool]:
    """Records, with those `done`, in the order arm, replicate, however they came in; and whether the user stopped."""
    found = {(record.arm, record.replicate): record for record in done}
    keys = [*found, *((job.arm, job.replicate) for job in jobs)]
    stream = executor(workers)(jobs)
    interrupted = False
    try:
        for record in stream:
            found[record.arm, record.replicate] = record
            if progress is not None:
                progress(record, len(found), len(keys))
    except KeyboardInterrupt:
        interrupted = True
    finally:
        stream.close()  # type: ignore[attr-defined]
    arms = list(dict.fromkeys(job.arm for job in jobs))
    keys.sort(key=lambda key: (arms.index(key[0]), key[1]))
    records = [found.get(key) or RunRecord(*key, stage="not run", message="stopped by the user") for key in keys]
    return records, interrupted


@contextlib.contextmanager
def _undisturbed() -> Iterator[list[int]]:
    """Ctrl-C is only noted in the list: a second one must not cost what the first one kept."""
    pressed: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # no signal comes here
        yield pressed
        return
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _manifest(scenario: Scenario, engine: str, workers: int, wall_s: float) -> dict[str, Any]:
    common = scenario.common
    return {
        "scenario": scenario.name,
        "hash": scenario.hash,
        "question": common.question,
        "qualitative": common.qualitative,
        "arms": list(scenario.arms),
        "tissues": list(common.tissues),
        "factors": list(common.factors),
        "event_names": {arm: list(event_names(settings)) for arm, settings in scenario.arms.items()},
        "replicates": common.replicates,
        "seed": common.seed,
        "days": common.days,
        "dt": common.dt,
        "stop": common.stop.model_dump() if common.stop else None,
        "engine": engine,
        "workers": workers,
        "wall_s": round(wall_s, 3),
        **provenance(),
    }


def _sites(scenario: Scenario) -> pd.DataFrame:
    """Where the sites of every tissue are, and their types on day 0, in the first replicate."""
    common, tables = scenario.common, []
    codes = tissue_codes(common.tissues)
    for name, tissue in common.tissues.items():
        stream = Stream(common.seed, codes[name], 0)
        try:
            geometry = build_geometry(tissue, stream)
            for settings in scenario.arms.values():
                check_kernels(settings, geometry)
        except ScenarioError as error:
            raise ScenarioError(f"{scenario.file}: tissues.{name}: {error}") from None
        positions = geometry.positions()
        z = positions[:, 2] if geometry.dimension == 3 else np.zeros(len(positions))
        kinds = np.array(list(tissue.cell_types))[first_cells(tissue, geometry, 0, stream).cell_type]
        table = pd.DataFrame(
            {"tissue": name, "site": np.arange(len(positions)), "x": positions[:, 0], "y": positions[:, 1], "z": z,
             "type": kinds}
        )  # fmt: skip
        tables.append(table if geometry.exists is None else table[geometry.exists])
    return pd.concat(tables, ignore_index=True)
