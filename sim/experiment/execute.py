"""Where replicates run: in this process, or in fresh interpreters, one thread each. Same bits from both.

A worker is ``python -m sim.experiment.worker``: no fork (which hangs after OpenMP), no re-import of ``__main__`` (so a
plain script without a main guard works, and so does a notebook). Jobs and records travel as pickles through its pipes.
"""

from __future__ import annotations

import os
import pickle
import queue
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import sim
from sim.errors import ResourceError
from sim.experiment.replicate import run_replicate
from sim.results import RunRecord
from sim.scenario.schema import Settings

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class Job(NamedTuple):
    """One replicate of one arm."""

    settings: Settings
    arm: str
    replicate: int
    engine: str


def run_inline(jobs: list[Job]) -> Iterator[RunRecord]:
    """Records of `jobs`, one after the other, in this process."""
    for job in jobs:
        yield run_replicate(*job)


def run_in_processes(jobs: list[Job], workers: int) -> Iterator[RunRecord]:
    """Records of `jobs` as they finish, from `workers` fresh interpreters."""
    waiting: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
    finished: queue.SimpleQueue[RunRecord] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    children = [_start() for _ in range(min(workers, len(jobs)))]
    for child in children:
        waiting.put(None)
        threading.Thread(target=_serve, args=(child, waiting, finished), daemon=True).start()
    try:
        for _ in jobs:
            yield finished.get()
    finally:
        for child in children:
            child.kill()
            child.wait()


def _start() -> subprocess.Popen[bytes]:
    home = str(Path(sim.__file__).parents[1])
    path = os.pathsep.join([home, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, **dict.fromkeys(ONE_THREAD, "1"), "PYTHONPATH": path}
    command = [sys.executable, "-m", "sim.experiment.worker"]
    try:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True
        )
    except OSError as error:
        raise ResourceError(f"workers: must be able to start {sys.executable}, got {error.strerror}") from error


def _serve(
    child: subprocess.Popen[bytes],
    waiting: queue.SimpleQueue[Job | None],
    finished: queue.SimpleQueue[RunRecord],
) -> None:
    """Hand jobs to one worker until none waits; a worker that dies gives its job a failed record and is replaced."""
    while (job := waiting.get()) is not None:
        try:
            assert child.stdin is not None and child.stdout is not None
            send(child.stdin, job)
            record = receive(child.stdout)
        except (OSError, EOFError, pickle.PickleError):
            message = f"worker ended with code {child.wait()}"
            record = RunRecord(job.arm, job.replicate, "failed", "worker", message)
            child = _start()
        finished.put(record)
    child.kill()


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
    data = pipe.read(struct.unpack("<Q", head)[0])
    return pickle.loads(data)
