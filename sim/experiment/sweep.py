"""Run a sweep: every point, arm and replicate once, and on disk as soon as it is finished."""

from __future__ import annotations

import contextlib
import json
import pickle
import shutil
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from sim.engines import Choice, engine_name
from sim.errors import InterruptedRunError, ResourceError, ResultsError, ScenarioError
from sim.experiment.collect import Progress, undisturbed
from sim.experiment.execute import Executor, Job, check_how, executor
from sim.experiment.provenance import CALCULATING, provenance
from sim.experiment.store import Key, Store
from sim.scenario.arms import counterparts, outcome_units, untreated_twins
from sim.scenario.design import Sweep, load_sweep, points
from sim.scenario.identity import run_address
from sim.scenario.schema import Record, Settings
from sim.sweeps import SweepResults, is_sweep, read_manifest, read_sweep

BEFORE_THE_MANIFEST = {".lock", "pending", "points.json", "scenario.yaml"}
AT_HAND = 512  # points whose settings are kept for the next replicate, some kB per arm


def sweep(
    design: Sweep | str | Path,
    workers: int = 1,
    out: str | Path | None = None,
    resume: bool = False,
    engine: Choice = "compiled",
    dask: str | None = None,
    run_jobs: Executor | None = None,
    progress: Progress | None = None,
) -> SweepResults:
    """Run every point of a design.

    Arms that are the same at several points are run once. A run that fails is a row with its stage and message, and
    does not stop the others.

    Parameters
    ----------
    design
        A sweep file, or what `load_sweep` made of it.
    workers
        Fresh processes to run in; 1 runs in this one. The tables are the same, bit for bit, but for wall times.
    out
        Folder; ``results/NAME-HASH`` if not given.
    resume
        Go on with what a stopped sweep left in the folder, or with more replicates; failed runs are tried again.
    engine
        As in `sim.run`.
    dask
        Address of a Dask scheduler to run on, ``tcp://HOST:PORT``; ``local``: a cluster of `workers` of its own.
    run_jobs
        Another executor than processes of this machine or Dask (`sim.experiment.execute.Executor`).
    progress
        Called with each record, the number done and the total.

    Raises
    ------
    ScenarioError, ResultsError
        Before the first run, if something cannot be, or the folder holds something else.
    ResourceError
        If the disk is full or the executor is lost; finished runs are kept.
    InterruptedRunError
        After Ctrl-C; finished runs are kept.
    """
    design = design if isinstance(design, Sweep) else load_sweep(design)
    check_how(design.file, workers, engine, design.scenario.arms.values())
    folder = Path(out) if out is not None else default_folder(design)
    fresh = not folder.exists()
    _check_folder(folder, design, engine, resume)
    jobs = _keys(design)
    store = Store(folder, list(jobs), design.output)
    left = [key for key in jobs if key not in store.done]
    try:
        if left or not is_sweep(folder):
            _write_head(design, engine, store)
            _work(
                design, {key: jobs[key] for key in left}, store, run_jobs or _executor(workers, dask), engine, progress
            )
    except BaseException:
        with undisturbed(), contextlib.suppress(ResourceError):  # the first error is the one to tell
            store.close()
            if fresh and not store.touched:  # nothing was run: nothing is left
                shutil.rmtree(folder)
        raise
    with undisturbed():
        store.close()
        if left:
            store.write_manifest(_manifest(design, engine, store, complete=len(store.done) == len(jobs)))
    return read_sweep(folder)


def default_folder(design: Sweep) -> Path:
    """Where a sweep is kept if nobody says where; the same for more replicates."""
    return Path("results") / f"{design.name}-{design.hash[:6]}"


def _executor(workers: int, dask: str | None) -> Executor:
    """Processes of this machine, or Dask, which nobody pays for who does not use it."""
    if dask is None:
        return executor(workers)
    from sim.experiment.cluster import run_on_dask

    return partial(run_on_dask, address=dask, workers=workers)


def _keys(design: Sweep) -> dict[Key, tuple[int, str]]:
    """Every run once, in the order of the jobs, and a point and arm that ask for it.

    Replicate by replicate, so that an early stop leaves whole pairs, and more replicates come after those of before.
    """
    first: dict[str, tuple[int, str]] = {}
    for number, arms in enumerate(design.addresses):
        for arm, address in arms.items():
            first.setdefault(address, (number, arm))
    return {
        (address, replicate): place
        for replicate in range(design.scenario.common.replicates)
        for address, place in first.items()
    }


def _work(
    design: Sweep,
    jobs: dict[Key, tuple[int, str]],
    store: Store,
    run_jobs: Executor,
    engine: Choice,
    progress: Progress | None,
) -> None:
    """Everything that is not done yet."""
    total = len(store.jobs)
    done = total - len(jobs)
    stream = run_jobs(_waiting(design, jobs, engine))
    try:
        for record in stream:
            store.add(record)
            done += 1
            if progress is not None:
                progress(record, done, total)
    except KeyboardInterrupt:
        kept = f", kept in {store.folder}; --resume goes on" if store.touched else ""
        raise InterruptedRunError(f"interrupted: {len(store.done)} of {total} runs finished{kept}") from None
    except ResourceError as error:
        if not store.touched:
            raise
        kept = f"{len(store.done)} of {total} runs are kept in {store.folder}"
        raise ResourceError(f"{error}; {kept}, --resume goes on") from error
    finally:
        with undisturbed():
            stream.close()  # type: ignore[attr-defined]


def _waiting(design: Sweep, jobs: dict[Key, tuple[int, str]], engine: Choice) -> Iterator[Job]:
    """Jobs, made when somebody takes them: a hundred thousand settings would not fit into memory."""
    at = points(design)

    @lru_cache(AT_HAND)
    def arms(number: int) -> dict[str, bytes]:
        found = design.at(at[number]).arms
        return {arm: pickle.dumps(_as_kept(settings, design.output)) for arm, settings in found.items()}

    for (address, replicate), (number, arm) in jobs.items():
        settings = pickle.loads(arms(number)[arm])
        check_tables(settings, address, design)
        yield Job(settings, address, replicate, engine)


def check_tables(settings: Settings, address: str, design: Sweep) -> None:
    """ScenarioError where a file of cells has changed since the sweep was loaded."""
    changed = [name for name, tissue in settings.tissues.items() if tissue.found is not None]
    if changed and run_address(settings, design.output == "maps") != address:
        raise ScenarioError(
            f"{design.file}: tissues.{changed[0]}.cloud.cells: must stay as it was when the sweep began"
        )


def _as_kept(settings: Settings, output: str) -> Settings:
    """Settings that record no map unless maps are kept."""
    record: Record = settings.record
    if output != "maps":
        record = record.model_copy(update={"maps": [], "days": []})
    return settings.model_copy(update={"record": record.model_copy(update={"checkpoints": []})})


# ---------------------------------------------------------------------------------------------------------- the folder


def _check_folder(folder: Path, design: Sweep, engine: Choice, resume: bool) -> None:
    """Nothing that is there is written over; what is gone on with must be the same sweep by the same program."""
    if not folder.exists():
        return
    if not is_sweep(folder):
        there = {path.name for path in folder.iterdir()} if folder.is_dir() else {"a file"}
        if not there or (".lock" in there and there <= BEFORE_THE_MANIFEST):
            return  # empty, or killed in its first moment
        raise ResultsError(f"{folder}: out: must be a new folder, got one that holds something else")
    manifest, replicates = read_manifest(folder), design.scenario.common.replicates
    if manifest["hash"] != design.hash:
        raise ResultsError(f"{folder}: out: must be a new folder, got one with another design (replicates may grow)")
    if not resume:
        kept = "finished" if manifest["complete"] else "not finished"
        raise ResultsError(f"{folder}: out: holds this sweep, {kept}: --resume goes on with it, --out DIR starts anew")
    if manifest["replicates"] > replicates:
        raise ResultsError(
            f"{folder}: replicates: must be at least {manifest['replicates']} as before, got {replicates}"
        )
    now, names = {**provenance(), "engine": engine_name(engine)}, ("python", *CALCULATING)
    before = {**manifest, "versions": {name: manifest["versions"].get(name) for name in names}}
    now["versions"] = {name: now["versions"][name] for name in names}
    for key in ("senodrift", "source", "versions", "machine", "engine"):
        if before[key] != now[key]:
            raise ResultsError(
                f"{folder}: {key}: must be as before, or bits may differ, got {_differs(before[key], now[key])}"
            )


def _differs(before: Any, now: Any) -> str:
    if isinstance(before, dict):
        return ", ".join(
            f"{key} {before.get(key)} then and {now[key]} now" for key in now if before.get(key) != now[key]
        )
    return f"{before} then and {now} now"


def _write_head(design: Sweep, engine: Choice, store: Store) -> None:
    """What a folder says of itself from the start; from the manifest on, it is a sweep."""
    rows = [{"values": point.values, "runs": design.addresses[point.number]} for point in points(design)]
    store.write_text("points.json", json.dumps(rows, indent=0))
    store.write_text("scenario.yaml", design.scenario.as_yaml())
    store.write_manifest(_manifest(design, engine, store, complete=False))


def _manifest(design: Sweep, engine: Choice, store: Store, complete: bool) -> dict[str, Any]:
    common = design.scenario.common
    return {
        "sweep": design.name,
        "hash": design.hash,
        "scenario": design.scenario.name,
        "question": common.question,
        "qualitative": common.qualitative,
        "arms": list(dict.fromkeys(arm for arms in design.addresses for arm in arms)),
        "untreated": untreated_twins(design.scenario.arms),
        "counterparts": counterparts(design.scenario.arms),
        "tissues": list(common.tissues),
        "factors": list(common.factors),
        "outcomes": outcome_units(design.scenario.arms),
        "replicates": common.replicates,
        "seed": common.seed,
        "method": design.design.method,
        "design": design.design.model_dump(exclude_none=True),
        "output": design.output,
        "batch": store.batch,
        "runs": len(store.jobs),
        "engine": engine_name(engine),
        "complete": complete,
        **{key: value for key, value in provenance().items() if complete or key != "finished_at"},
    }


def n_runs(design: Sweep) -> int:
    """How many different runs a sweep asks for."""
    return len(_keys(design))
