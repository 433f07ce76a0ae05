"""Jobs to records: all of them, or replicates until a rule asks for no more; Ctrl-C keeps what is finished."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from sim.analysis.halfwidth import HalfWidth
from sim.experiment.cohort import WORTH_A_WORKER
from sim.experiment.execute import Job, executor
from sim.results import RunRecord, combine
from sim.scenario.arms import outcome_units
from sim.scenario.load import Scenario

Progress = Callable[[RunRecord, int, int], None]
JobsOf = Callable[[Scenario, int], list[Job]]  # of a scenario, from a replicate on


def collect_until(
    until: HalfWidth, scenario: Scenario, jobs_of: JobsOf, workers: int, progress: Progress | None
) -> tuple[Scenario, list[RunRecord], bool]:
    """More and more replicates until the rule asks for no more; the scenario as it would have asked for them at once.

    The rule sees the first replicate alone: that an outcome has another name is told before hours have passed.
    """
    until, wanted, records = replace(until, first=max(until.first, scenario.common.replicates)), 1, list[RunRecord]()
    while True:
        done = sum(record.replicates for record in records) // len(scenario.arms)
        scenario = scenario.override({"replicates": wanted})
        records, interrupted = collect(jobs_of(scenario, done), workers, progress, records)
        if interrupted:
            return scenario, records, True
        with undisturbed() as pressed:
            common = scenario.common
            names: dict[str, Any] = {"arms": list(scenario.arms), "replicates": common.replicates}
            names |= {"tissues": list(common.tissues), "factors": list(common.factors)}
            names["outcomes"] = outcome_units(scenario.arms)
            wanted = until.next(combine(names, scenario.tree, records, pd.DataFrame()))
        if pressed or wanted <= scenario.common.replicates:
            return scenario, records, bool(pressed)


def useful_workers(jobs: Sequence[Job], workers: int) -> int:
    """At most `workers`; of well-mixed individuals, which live fast, as many as save more than their start costs."""
    if all(job.replicates == 1 for job in jobs):
        return workers
    return min(workers, max(1, sum(job.replicates for job in jobs) // WORTH_A_WORKER))


def collect(
    jobs: list[Job], workers: int, progress: Progress | None, done: Sequence[RunRecord] = ()
) -> tuple[list[RunRecord], bool]:
    """Records, with those `done`, in the order arm, replicate, however they came in; and whether the user stopped."""
    found = {(record.arm, record.replicate): record for record in done}
    sizes = {key: record.replicates for key, record in found.items()}
    sizes |= {(job.arm, job.replicate): job.replicates for job in jobs}
    stream = executor(useful_workers(jobs, workers))(jobs)
    interrupted = False
    try:
        for record in stream:
            found[record.arm, record.replicate] = record
            if progress is not None:
                progress(record, sum(sizes[key] for key in found), sum(sizes.values()))
    except KeyboardInterrupt:
        interrupted = True
    finally:
        with undisturbed():
            stream.close()  # type: ignore[attr-defined]
    arms = list(dict.fromkeys(job.arm for job in jobs))
    keys = sorted(sizes, key=lambda key: (arms.index(key[0]), key[1]))
    records = [
        found.get(key) or RunRecord(*key, stage="not run", message="stopped by the user", replicates=sizes[key])
        for key in keys
    ]
    return records, interrupted


@contextlib.contextmanager
def undisturbed() -> Iterator[list[int]]:
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
