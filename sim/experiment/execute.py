"""Where replicates run: in this process, or in fresh interpreters, one thread each. Same bits from both.

An executor takes jobs, as many as it can work on at a time, and gives their records as they finish; whoever closes it
early leaves no process behind. (`sim.experiment.cluster` has one for Dask.)

A worker is ``python -m sim.experiment.worker``: no fork (which hangs after OpenMP), no re-import of ``__main__`` (so a
plain script without a main guard works, and so does a notebook). Jobs and records travel as pickles through its pipes.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice
from typing import IO, Any, NamedTuple

from sim.engines import Choice, check_engine, is_importable
from sim.errors import ResourceError, ScenarioError
from sim.experiment.cohort import run_cohort
from sim.experiment.replicate import run_replicate
from sim.results import RunRecord
from sim.scenario.schema import Settings
from sim.simulation import Simulation

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
LAST_WORDS = 5.0  # s that an interpreter has to end after it closed its pipe
AHEAD = 3  # jobs per worker that are out at a time: none idles, and few records wait in memory
ATTEMPTS = 2  # a job whose interpreter was killed is tried again once, in a fresh one


class Job(NamedTuple):
    """One replicate of one arm, or several from it on (mode `well_mixed`): the arguments of `run_replicate`."""

    settings: Settings
    arm: str
    replicate: int
    engine: Choice
    past: str | None = None
    keep: str | None = None
    replicates: int = 1


Executor = Callable[[Iterable[Job]], Iterator[RunRecord]]


def check_how(file: str, workers: int, engine: Choice, arms: Iterable[Settings]) -> None:
    """ScenarioError, which begins with the file, where jobs of these arms cannot be run like that."""
    if workers < 1:
        raise ScenarioError(f"{file}: workers: must be at least 1, got {workers}")
    try:
        check_engine(engine, arms)
    except ScenarioError as error:
        raise ScenarioError(f"{file}: {error}") from None
    if workers > 1 and not is_importable(engine):
        rule = (
            "must be 1 with an engine of a notebook or a script (for more, put it into a module: engine='MODULE:CLASS')"
        )
        raise ScenarioError(f"{file}: workers: {rule}, got {workers}")


def executor(workers: int) -> Executor:
    """In this process for one worker, in fresh interpreters for more."""
    return run_inline if workers == 1 else partial(run_in_processes, workers=workers)


def run_inline(jobs: Iterable[Job]) -> Iterator[RunRecord]:
    """Records of `jobs`, one after the other, in this process."""
    for job in jobs:
        yield run_replicate(*job)


def run_in_processes(jobs: Iterable[Job], workers: int) -> Iterator[RunRecord]:
    """Records of `jobs` as they finish, from `workers` fresh interpreters; none outlives the iterator."""
    rest = iter(jobs)
    first = list(islice(rest, workers))
    waiting = Waiting(chain(first, rest), AHEAD * len(first))
    finished: queue.SimpleQueue[RunRecord | BaseException | None] = queue.SimpleQueue()
    crew: list[Worker] = []
    try:
        for _ in first:
            crew.append(Worker(waiting, finished))
        if first:
            compile_first(first[0])  # while the interpreters start
        for worker in crew:
            worker.start()
        working = len(crew)
        while working:
            record = finished.get()
            if isinstance(record, BaseException):
                raise record
            if record is None:
                working -= 1
            else:
                yield record
                waiting.make_room()
    finally:
        waiting.close()
        for worker in crew:
            worker.dismiss()


class Waiting:
    """Jobs that wait, shared by threads: taken one by one, when somebody can work on them.

    At most `room` are out at a time, so that records do not pile up where whoever reads them is slow.
    """

    def __init__(self, jobs: Iterator[Job], room: int) -> None:
        self._jobs, self._lock, self._room = jobs, threading.Lock(), threading.Semaphore(room)

    def take(self) -> Job | None:
        """The next job, None when there are no more."""
        self._room.acquire()
        with self._lock:
            job = next(self._jobs, None)
        if job is None:
            self._room.release()  # for the next who asks
        return job

    def make_room(self) -> None:
        """A record has been read."""
        self._room.release()

    def close(self) -> None:
        """Nobody gets another one."""
        with self._lock:
            self._jobs = iter(())
        self._room.release()


def compile_first(job: Job) -> None:
    """One step in this process, so that the workers find the loops compiled instead of each compiling them."""
    with contextlib.suppress(Exception):  # what is wrong with the job is told by its own record
        if job.settings.mode == "well_mixed":
            run_cohort(job.settings.model_copy(update={"days": job.settings.dt}), RunRecord(job.arm, job.replicate))
            return
        Simulation(job.settings, job.replicate, engine=job.engine).step()


class Worker(threading.Thread):
    """Hands waiting jobs to an interpreter of its own, one by one, and replaces one that dies.

    Parameters
    ----------
    waiting
        Jobs, shared by all workers; the thread ends when there are no more.
    finished
        Where records go: one per job, ``failed`` where every interpreter died with it; None at the end, or an error of
        whoever makes the jobs.

    Raises
    ------
    ResourceError
        If no interpreter can be started.
    """

    def __init__(self, waiting: Waiting, finished: queue.SimpleQueue[RunRecord | BaseException | None]) -> None:
        super().__init__(daemon=True)
        self._waiting, self._finished = waiting, finished
        self._interpreter = _start()
        self._dismissed = False

    def run(self) -> None:
        """What the thread does: jobs until none waits."""
        try:
            while (job := self._waiting.take()) is not None:
                self._finished.put(self._serve(job))
            self._finished.put(None)
        except BaseException as error:  # for whoever waits for records
            self._finished.put(error)

    def _serve(self, job: Job) -> RunRecord:
        message = ""
        for _ in range(ATTEMPTS):
            try:
                if self._interpreter.poll() is not None:  # it died with the job before, or while it waited
                    _end(self._interpreter)
                    self._interpreter = _start()
                return self._ask(job)
            except ResourceError as error:
                message = message or str(error)
            except Exception:  # a broken pipe or what came out of it
                message = f"worker ended with code {_end(self._interpreter)}"
            if self._dismissed:
                break
        return RunRecord(job.arm, job.replicate, "failed", "worker", message, replicates=job.replicates)

    def _ask(self, job: Job) -> RunRecord:
        assert self._interpreter.stdin is not None
        assert self._interpreter.stdout is not None
        send(self._interpreter.stdin, job)
        record: RunRecord = receive(self._interpreter.stdout)
        return record

    def dismiss(self) -> None:
        """End the thread and its interpreter, in the middle of a job if need be."""
        self._dismissed = True
        while self.is_alive():  # again and again: it may be about to start another one
            self._interpreter.kill()
            self.join(0.05)
        self._interpreter.kill()
        _end(self._interpreter)


def _start() -> subprocess.Popen[bytes]:
    """A fresh interpreter that finds the same packages in the same places as this one."""
    path = os.pathsep.join(each or os.getcwd() for each in sys.path)
    environment = {**os.environ, **dict.fromkeys(ONE_THREAD, "1"), "PYTHONPATH": path}
    command = [sys.executable, "-P", "-m", "sim.experiment.worker"]
    try:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True
        )
    except OSError as error:
        raise ResourceError(f"workers: must be able to start {sys.executable}, got {error.strerror}") from error


def _end(interpreter: subprocess.Popen[bytes]) -> int:
    """Its exit code, when it is gone and its pipes are closed."""
    for pipe in (interpreter.stdin, interpreter.stdout):
        assert pipe is not None
        with contextlib.suppress(OSError):  # the rest of a job that nobody read
            pipe.close()
    try:
        return interpreter.wait(LAST_WORDS)
    except subprocess.TimeoutExpired:
        interpreter.kill()
        return interpreter.wait()


def send(pipe: IO[bytes], thing: Any) -> None:
    """One object through a pipe: its length, then its pickle."""
    data = pickle.dumps(thing, protocol=5)
    pipe.write(struct.pack("<Q", len(data)))
    pipe.write(data)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Any:
    """The next object of a pipe; EOFError at its end."""
    head = pipe.read(8)
    if len(head) < 8:
        raise EOFError
    return pickle.loads(pipe.read(struct.unpack("<Q", head)[0]))
