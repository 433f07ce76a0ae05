"""Where replicates run when many machines share them: workers of a Dask scheduler. Same bits as in this process.

A job travels as bytes that only a worker opens, and a record comes back as bytes, so that the scheduler neither needs
this package nor pays for it. Every worker holds its sources and libraries against those of this process before each
job, also one that joins late. Dask gives the jobs of a worker that dies to others.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import pickle
import platform
import queue
import re
import subprocess
import sys
import tempfile
import time
import uuid
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError
from functools import cache
from hashlib import sha256
from importlib import import_module
from importlib.metadata import version
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from scipy import fft

from sim import __version__
from sim.compiling import SOURCES
from sim.errors import ResourceError
from sim.experiment.execute import LAST_WORDS, ONE_THREAD, Job, compile_first
from sim.experiment.provenance import CALCULATING
from sim.experiment.replicate import run_replicate
from sim.extras import extra
from sim.results import RunRecord

LOCAL = "local"  # the address that starts a cluster of its own
AHEAD = 3  # jobs per thread of the workers that the scheduler knows of: none idles, and few wait in memory
PATIENCE = 5.0  # s to reach a scheduler
GLANCE = 1.0  # s between two looks at who is working
LOGS = ("distributed", "tornado")

log = logging.getLogger(__name__)


# --------------------------------------------------------------------------------------------------- on the worker


class Run(NamedTuple):
    """A job that runs where its pickle is opened; what opens is the record, as bytes.

    So the function that Dask is handed is `pickle.loads`, which every scheduler has.
    """

    job: Job
    wanted: dict[str, str]

    def __reduce__(self) -> Any:
        return _run_there, (self.job, self.wanted)


def _run_there(job: Job, wanted: dict[str, str]) -> bytes:
    """The record of `job` and the rounding of this machine, pickled; ResourceError if it would not be the same."""
    for name, got in fingerprint().items():
        if got != wanted.get(name):
            raise ResourceError(
                f"dask: {name}: must be the same on every worker: {wanted.get(name)}, got {got} on {platform.node()}"
            )
    return pickle.dumps((run_replicate(*job), rounding()), protocol=5)


@cache
def fingerprint() -> dict[str, str]:
    """What has to be equal for equal bits: sources (as they were imported), Python, libraries that calculate."""
    libraries = {name: version(name) for name in CALCULATING}
    return {"senodrift": f"{__version__} ({SOURCES})", "python": "{}.{}".format(*sys.version_info), **libraries}


@cache
def rounding() -> str:
    """Hash of some last bits: libraries choose their loops by processor, and some round otherwise."""
    x = np.linspace(-20.0, 3.0, 997)
    arrays = (np.exp(x), np.expm1(x), np.sin(x), fft.dctn(np.exp(x[:961]).reshape(31, 31)), x.reshape(-1, 1).T @ x)
    scalars = np.array([[math.exp(each), math.sin(each), math.pow(2.0, each)] for each in x])
    return sha256(b"".join(each.tobytes() for each in (*arrays, scalars))).hexdigest()


# --------------------------------------------------------------------------------------------------- in this process


def run_on_dask(jobs: Iterable[Job], address: str, workers: int) -> Iterator[RunRecord]:
    """Records of `jobs` as they finish, from the workers of a Dask scheduler; with `functools.partial`, an executor.

    Parameters
    ----------
    jobs
        Taken as they are needed, a few per thread of the workers.
    address
        Of a scheduler that exists, ``tcp://HOST:PORT``, or ``local``: a scheduler and workers on this machine, gone
        at the end.
    workers
        Processes of one thread each that ``local`` starts. Of a scheduler that exists: how many to count on while it
        has fewer, so that an adaptive cluster sees enough work to grow.

    Yields
    ------
    RunRecord
        One per job; ``failed`` in stage ``worker`` if every worker that took the job died with it.

    Raises
    ------
    ResourceError
        If `distributed` is not installed, the scheduler is not there or goes away, or a worker has other sources or
        libraries. Records that came before are good.
    """
    rest = iter(jobs)
    first = next(rest, None)
    if first is None:
        return
    distributed()  # with it come the loggers that have to be quiet
    with _quiet(), contextlib.ExitStack() as stack:
        ours = address == LOCAL
        if ours:
            crew = stack.enter_context(_own_crew(workers))
            compile_first(first)  # while it starts
            address = _address(crew)
        scheduler = stack.enter_context(contextlib.closing(Scheduler(address, ours)))
        yield from Flights(scheduler, workers).records(chain([first], rest))


class Flights:
    """Jobs on their way: a few at a time, each until its record is read.

    Dask suspects every job that a worker held when it died, also those that had not begun. So a job that Dask gives up
    is tried once more with nothing else in flight: if workers die again, it was this job.
    """

    def __init__(self, scheduler: Scheduler, workers: int) -> None:
        self._scheduler, self._workers = scheduler, workers
        self._flying: dict[str, tuple[Any, Job]] = {}  # key: future, job
        self._landed: queue.SimpleQueue[Any] = queue.SimpleQueue()  # futures that are done, in whatever way
        self._suspect: Job | None = None  # the one that flies alone
        self._suspects: deque[Job] = deque()

    def records(self, jobs: Iterator[Job]) -> Iterator[RunRecord]:
        """One per job, as they finish."""
        while self._launch(jobs):
            future = self._next()
            job = self._flying.pop(future.key)[1]
            answer = self._scheduler.answer(future)
            del future  # the last reference: the cluster forgets the record
            if isinstance(answer, bytes):
                record, theirs = pickle.loads(answer)
                self._scheduler.compare(theirs)
                yield record
            elif job is self._suspect:
                yield RunRecord(job.arm, job.replicate, "failed", "worker", "every worker that ran it died")
            else:
                self._suspects.append(job)

    def _launch(self, jobs: Iterator[Job]) -> bool:
        """Submit what may fly now; whether anything does."""
        self._suspect = None
        while not self._suspects and len(self._flying) < AHEAD * max(self._scheduler.threads(), self._workers):
            job = next(jobs, None)
            if job is None:
                break
            self._submit(job)
        if self._suspects and not self._flying:
            self._suspect = self._suspects.popleft()
            self._submit(self._suspect)
        return bool(self._flying)

    def _submit(self, job: Job) -> None:
        future = self._scheduler.submit(job)
        self._flying[future.key] = future, job
        future.add_done_callback(self._landed.put)

    def _next(self) -> Any:
        """The next future that is done; meanwhile an eye on who works."""
        while True:
            try:
                return self._landed.get(timeout=GLANCE)
            except queue.Empty:
                self._scheduler.threads()


class Scheduler:
    """A scheduler of Dask, and everything that can go wrong on the way there.

    Parameters
    ----------
    address
        Where it is.
    ours
        Whether its workers are ours, and on their way.

    Raises
    ------
    ResourceError
        From every method: one line on what is not as it must be.
    """

    def __init__(self, address: str, ours: bool) -> None:
        if not re.fullmatch(r"(tcp://|tls://)?[^/\s]+:\d+", address):
            raise ResourceError(f"dask: must be local or the address of a scheduler, tcp://HOST:PORT, got {address}")
        self.address, self._ours = address, ours
        self._threads, self._looked, self._told = 0, -math.inf, set[str]()
        with self._reaching(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other versions of libraries: `_run_there` looks at those that matter
            self._client = distributed().Client(address, timeout=PATIENCE, set_as_default=False)

    def close(self) -> None:
        """Leave; what is still in flight is no longer wanted, and dropped there when nobody asks for it."""
        with contextlib.suppress(Exception):  # it may be gone
            self._client.close(timeout=PATIENCE)

    def submit(self, job: Job) -> Any:
        """A future of the bytes of a record."""
        payload = pickle.dumps(Run(job, fingerprint()), protocol=5)
        with self._reaching(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sending large graph")  # a cloud of cells has 10 MB
            return self._client.submit(pickle.loads, payload, key=f"senodrift-{uuid.uuid4()}", pure=False)

    def answer(self, future: Any) -> bytes | None:
        """What came of a future that is done; None if Dask gave it up because workers died with it."""
        try:
            data: bytes = future.result()  # waits once more where the worker that held it has died
            return data
        except (Exception, CancelledError) as error:
            if future.status != "error":
                raise self._unreachable(error) from error
            if isinstance(error, distributed().scheduler.KilledWorker):
                return None
            if isinstance(error, ResourceError):
                raise
            # What a run does wrong stands in its record, so this is a worker that cannot read the job.
            got = _one_line(error)
            raise ResourceError(f"dask: workers must have senodrift {__version__}, got {got}") from error

    def threads(self) -> int:
        """Of all workers, at most a glance ago."""
        if time.monotonic() > self._looked + GLANCE:
            with self._reaching():
                self._threads = sum(self._client.nthreads().values())
            self._looked = time.monotonic()
            if self._threads == 0 and not self._ours:
                self._tell(f"dask: no workers at {self.address}: waiting for some")
        return self._threads

    def compare(self, theirs: str) -> None:
        """Say so if a worker rounds otherwise."""
        if theirs != rounding():
            self._tell("dask: a worker rounds otherwise (another kind of processor): last bits may differ from here")

    def _tell(self, line: str) -> None:
        if line not in self._told:
            log.warning(line)
        self._told.add(line)

    @contextlib.contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except (Exception, CancelledError) as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: BaseException) -> ResourceError:
        why = getattr(error, "reason", None) or _one_line(error)  # Dask cancels with a reason
        return ResourceError(f"dask: must reach a scheduler at {self.address}, got no answer ({why})")


def _one_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def distributed() -> Any:
    """The library, which is an extra.

    Raises
    ------
    ResourceError
        If it is not installed.
    """
    return extra("distributed", "dask")


@contextlib.contextmanager
def _own_crew(workers: int) -> Iterator[subprocess.Popen[str]]:
    """The process that holds a scheduler and its workers on this machine (`sim.experiment.crew`)."""
    environment = {
        **os.environ,
        **dict.fromkeys(ONE_THREAD, "1"),
        "PYTHONPATH": os.pathsep.join(each or os.getcwd() for each in sys.path),
        "DASK_LOGGING__DISTRIBUTED": "critical",
        "PYTHONWARNINGS": "ignore:resource_tracker",  # it cleans up behind workers that end in the middle of a job
    }
    pipe = subprocess.PIPE
    with tempfile.TemporaryDirectory(prefix="senodrift-", ignore_cleanup_errors=True) as folder:
        command = [sys.executable, "-P", "-m", "sim.experiment.crew", str(workers), folder]
        try:
            crew = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, text=True, env=environment, start_new_session=True
            )
        except OSError as error:
            raise ResourceError(f"dask: must be able to start {sys.executable}, got {error.strerror}") from error
        with crew:
            try:
                yield crew
            finally:
                _end(crew)


def _address(crew: subprocess.Popen[str]) -> str:
    """Of the scheduler of a crew, once it is there."""
    assert crew.stdout is not None
    address = crew.stdout.readline().strip()
    if not address:
        raise ResourceError(f"dask: must be able to start a scheduler here, got exit code {crew.wait()}")
    return address


def _end(crew: subprocess.Popen[str]) -> None:
    """Close the lifeline; return when all below it are gone, from the middle of their jobs if need be."""
    psutil = import_module("psutil")  # distributed brings it
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(crew.pid).children(recursive=True)
        assert crew.stdin is not None
        crew.stdin.close()
        for late in psutil.wait_procs(family, timeout=LAST_WORDS)[1]:
            late.kill()
    crew.kill()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Dask tells of every line that closes; here such things are an error of ours, or a record."""
    loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict if name.startswith(LOGS)]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)
