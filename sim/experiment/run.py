"""Run a scenario: arms x replicates to `Results`, in memory or as a folder that is complete or not there."""

from __future__ import annotations

import contextlib
import datetime
import shutil
import signal
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import sim
from sim.engines import check_engine
from sim.errors import InterruptedRunError, ScenarioError
from sim.experiment.execute import Job, run_in_processes, run_inline
from sim.experiment.provenance import commit, machine, versions
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

    Raises
    ------
    ScenarioError
        Before the first step, if something cannot be.
    InterruptedRunError
        After Ctrl-C; finished replicates are kept, in `out` if given.
    """
    overrides = {"replicates": replicates, "seed": seed}
    scenario = scenario.override({key: value for key, value in overrides.items() if value is not None})
    return carry_out(scenario, _jobs(scenario, engine), workers, engine, out, progress)


def carry_out(
    scenario: Scenario,
    jobs: list[Job],
    workers: int,
    engine: str,
    out: str | Path | None,
    progress: Progress | None,
    places_of: int = 0,
    origin: Mapping[str, Any] | None = None,
) -> Results:
    """Run the `jobs` of a scenario; `places_of` is the replicate whose sites are kept, `origin` joins the manifest."""
    if workers < 1:
        raise ScenarioError(f"{scenario.file}: workers: must be at least 1, got {workers}")
    try:
        check_engine(engine)
    except ScenarioError as error:
        raise ScenarioError(f"{scenario.file}: {error}") from None
    folder = Folder(Path(out)) if out is not None else None
    kept = None
    try:
        sites = _sites(scenario, places_of)
        if scenario.common.record.checkpoints:  # straight to disk: memory stays flat
            kept = folder.partial / "checkpoints" if folder else Path(tempfile.mkdtemp(prefix="senodrift-"))
            jobs = [job._replace(keep=str(kept.absolute())) for job in jobs]
        start = time.perf_counter()
        records, interrupted = _collect(jobs, workers, progress)
        with _undisturbed() as pressed:
            manifest = _manifest(scenario, engine, workers, time.perf_counter() - start)
            results = combine({**manifest, **(origin or {})}, scenario.tree, records, sites)
            if folder is not None:
                folder.write(results, scenario.as_yaml())
                results.folder = folder.finish()
                results.checkpoints = results.folder / "checkpoints"
            elif kept is not None:
                results.checkpoints = kept
                weakref.finalize(results, shutil.rmtree, kept, ignore_errors=True)
    except BaseException:
        if folder is not None:
            folder.discard()
        elif kept is not None:
            shutil.rmtree(kept, ignore_errors=True)
        raise
    if interrupted or pressed:
        done = sum(record.status == "finished" for record in records)
        where = f", kept in {results.folder}" if folder is not None else ""
        raise InterruptedRunError(f"interrupted: {done} of {len(records)} runs finished{where}")
    return results


def _jobs(scenario: Scenario, engine: str) -> list[Job]:
    """Replicate by replicate, so that an early stop leaves whole pairs."""
    return [
        Job(settings, arm, replicate, engine)
        for replicate in range(scenario.common.replicates)
        for arm, settings in scenario.arms.items()
    ]


def _collect(jobs: list[Job], workers: int, progress: Progress | None) -> tuple[list[RunRecord], bool]:
    """Records in the order arm, replicate, whatever order they came in; and whether the user stopped."""
    found: dict[tuple[str, int], RunRecord] = {}
    stream: Iterator[RunRecord] = run_inline(jobs) if workers == 1 else run_in_processes(jobs, workers)
    interrupted = False
    try:
        for record in stream:
            found[record.arm, record.replicate] = record
            if progress is not None:
                progress(record, len(found), len(jobs))
    except KeyboardInterrupt:
        interrupted = True
    finally:
        stream.close()  # type: ignore[attr-defined]
    arms = list(dict.fromkeys(job.arm for job in jobs))
    keys = sorted(((job.arm, job.replicate) for job in jobs), key=lambda key: (arms.index(key[0]), key[1]))
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
        "finished_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "senodrift": sim.__version__,
        "commit": commit(),
        "versions": versions(),
        "machine": machine(),
        "command": " ".join(["senodrift", *sys.argv[1:]]),
    }


def _sites(scenario: Scenario, replicate: int) -> pd.DataFrame:
    """Where the sites of every tissue are, and their types on day 0, in one replicate."""
    common, tables = scenario.common, []
    codes = tissue_codes(common.tissues)
    for name, tissue in common.tissues.items():
        stream = Stream(common.seed, codes[name], replicate)
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
