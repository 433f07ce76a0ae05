"""Run a scenario: arms x replicates to `Results`, in memory or as a folder that is complete or not there."""

from __future__ import annotations

import shutil
import tempfile
import time
import weakref
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.analysis.halfwidth import HalfWidth
from sim.engines import Choice, engine_name
from sim.errors import InterruptedRunError, ScenarioError
from sim.experiment.cohort import BLOCK
from sim.experiment.collect import JobsOf, Progress, collect, collect_until, undisturbed
from sim.experiment.execute import Job, check_how
from sim.experiment.provenance import provenance
from sim.results import Folder, Results, combine
from sim.rng import Stream, tissue_codes
from sim.scenario.arms import counterparts, outcome_units, untreated_twins
from sim.scenario.causes import event_names
from sim.scenario.load import Scenario
from sim.tissue.build import build_geometry, check_kernels, first_cells

SITE_COLUMNS = ["tissue", "site", "x", "y", "z", "type"]


def run(
    scenario: Scenario,
    replicates: int | None = None,
    seed: int | None = None,
    workers: int = 1,
    engine: Choice = "compiled",
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
        ``compiled`` or ``agents`` (the states are the same), or one with rules of your own, as in `sim.Simulation`; for
        several workers as ``MODULE:CLASS``.
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
    return carry_out(scenario, partial(_jobs, engine=engine), workers, engine, out, progress, until)


def carry_out(
    scenario: Scenario,
    jobs_of: JobsOf,
    workers: int,
    engine: Choice,
    out: str | Path | None,
    progress: Progress | None,
    until: HalfWidth | None = None,
    places_of: int = 0,
    origin: Mapping[str, Any] | None = None,
) -> Results:
    """Run the jobs of a scenario; `places_of` is the replicate whose sites are kept, `origin` joins the manifest."""
    check_how(scenario.file, workers, engine, scenario.arms.values())
    folder = Folder(Path(out)) if out is not None else None
    kept = None
    try:
        sites = _sites(scenario, places_of)
        if scenario.common.record.checkpoints:  # straight to disk: memory stays flat
            kept = folder.partial / "checkpoints" if folder else Path(tempfile.mkdtemp(prefix="senodrift-"))
            jobs_of = partial(_keeping, jobs_of, str(kept.absolute()))
        start = time.perf_counter()
        if until is None:
            records, interrupted = collect(jobs_of(scenario, 0), workers, progress)
        else:
            scenario, records, interrupted = collect_until(until, scenario, jobs_of, workers, progress)
        with undisturbed() as pressed:
            manifest = _manifest(scenario, engine, workers, time.perf_counter() - start)
            results = combine({**manifest, **(origin or {})}, scenario.tree, records, sites)
            _keep(results, scenario, folder, kept)
    except BaseException:
        if folder is not None:
            folder.discard()
        elif kept is not None:
            shutil.rmtree(kept, ignore_errors=True)
        raise
    if interrupted or pressed:
        done = sum(record.replicates for record in records if record.status == "finished")
        where = f", kept in {results.folder}" if folder is not None else ""
        total = sum(record.replicates for record in records)
        raise InterruptedRunError(f"interrupted: {done} of {total} runs finished{where}")
    return results


def _keep(results: Results, scenario: Scenario, folder: Folder | None, checkpoints: Path | None) -> None:
    """Write the results if there is a folder; else only checkpoints are on disk, as long as the results live."""
    if folder is not None:
        folder.write(results, scenario.as_yaml())
        results.folder = folder.finish()
        results.checkpoints = results.folder / "checkpoints"
    elif checkpoints is not None:
        results.checkpoints = checkpoints
        weakref.finalize(results, shutil.rmtree, checkpoints, ignore_errors=True)


def _keeping(jobs_of: JobsOf, folder: str, scenario: Scenario, first: int) -> list[Job]:
    """The same jobs, which keep their checkpoints in a folder."""
    return [job._replace(keep=folder) for job in jobs_of(scenario, first)]


def _jobs(scenario: Scenario, first: int, engine: Choice) -> list[Job]:
    """Replicate by replicate, so that an early stop leaves whole pairs; without those before the `first`.

    Well-mixed individuals go in blocks: a job for each would take longer than their lives.
    """
    last, block = scenario.common.replicates, BLOCK if scenario.common.mode == "well_mixed" else 1
    return [
        Job(settings, arm, replicate, engine, replicates=min(block, last - replicate))
        for replicate in range(first, last, block)
        for arm, settings in scenario.arms.items()
    ]


def _manifest(scenario: Scenario, engine: Choice, workers: int, wall_s: float) -> dict[str, Any]:
    common = scenario.common
    return {
        "scenario": scenario.name,
        "hash": scenario.hash,
        "question": common.question,
        "qualitative": common.qualitative,
        "arms": list(scenario.arms),
        "untreated": untreated_twins(scenario.arms),
        "counterparts": counterparts(scenario.arms),
        "tissues": list(common.tissues),
        "factors": list(common.factors),
        "outcomes": outcome_units(scenario.arms),
        "event_names": {arm: list(event_names(settings)) for arm, settings in scenario.arms.items()},
        "replicates": common.replicates,
        "seed": common.seed,
        "mode": common.mode,
        "days": common.days,
        "dt": common.dt,
        "stop": common.stop.model_dump() if common.stop else None,
        "sources": {path: list(stated) for path, stated in scenario.sources.items()},
        "engine": engine_name(engine),
        "workers": workers,
        "wall_s": round(wall_s, 3),
        **provenance(),
    }


def _sites(scenario: Scenario, replicate: int) -> pd.DataFrame:
    """Where the sites of every tissue are, and their types on day 0, in one replicate."""
    common, tables = scenario.common, []
    if common.mode == "well_mixed":
        return pd.DataFrame(columns=SITE_COLUMNS)
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
        columns = (name, np.arange(len(positions)), positions[:, 0], positions[:, 1], z, kinds)
        table = pd.DataFrame(dict(zip(SITE_COLUMNS, columns, strict=True)))
        tables.append(table if geometry.exists is None else table[geometry.exists])
    return pd.concat(tables, ignore_index=True)
