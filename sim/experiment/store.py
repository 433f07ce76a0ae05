"""The folder of a sweep: every finished run is on disk at once, and stays there whatever happens to the process.

A finished run is a file of its own in ``pending/`` (written beside, then renamed: it is whole or not there). When all
runs of a batch are there, they become the rows of one Parquet part per table; which runs a part holds is said by its
table of runs, written last. A part is made from runs in the order of the jobs, so it does not depend on who finished
first, nor on how often the sweep was stopped.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sim.analysis.outcomes import derived, with_outcomes
from sim.errors import ResourceError, ResultsError
from sim.results import Results, RunRecord, stack
from sim.sweeps import RUN_COLUMNS, part_path, read_manifest, read_part

Key = tuple[str, int]  # content address of the settings, replicate
SMALLEST, LARGEST, PARTS = 16, 512, 32  # runs in a batch, and how many parts a sweep is cut into between these
TABLES = ("timeseries", "organism", "events", "doses", "individuals")


class Store:
    """Runs of one sweep by key, in the order of the jobs.

    Parameters
    ----------
    folder
        Made if it is not there.
    jobs
        Keys of all runs in their order; those that the folder holds already are `done`.
    output
        ``summary``, ``timeseries`` or ``maps``: what is kept of a run.

    Attributes
    ----------
    batch : int
        Runs per part.
    touched : bool
        Whether anything has been run, finished or failed.

    Raises
    ------
    ResourceError
        If the folder cannot be written, or another process is at work in it.
    """

    def __init__(self, folder: Path, jobs: list[Key], output: str) -> None:
        self.folder, self.jobs, self.output = folder, jobs, output
        self._pending = folder / "pending"
        try:
            self._pending.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(folder / ".lock")
        except OSError as error:
            raise ResourceError(f"{folder}: out: must be a folder that can be written, got {error.strerror}") from None
        try:
            self._look()
        except BaseException:
            self._lock.close()
            raise

    def _look(self) -> None:
        """See what is there."""
        for left in self.folder.rglob(".*.new"):  # by a process that was killed while it wrote
            left.unlink()
        self.batch = self._batch_size()
        jobs = self.jobs
        self._batches = [jobs[start : start + self.batch] for start in range(0, len(jobs), self.batch)]
        self._batch_of = {key: number for number, batch in enumerate(self._batches) for key in batch}
        self._held = [self._in_part(number) for number in range(len(self._batches))]
        self._waiting = [self._finished_of(number) for number in range(len(self._batches))]
        self.touched = any(self.folder.glob("parts/*")) or any(self._pending.iterdir())

    def _batch_size(self) -> int:
        """Runs per part: decided once, so that a part keeps its runs when replicates are added."""
        known = read_manifest(self.folder).get("batch") if (self.folder / "manifest.json").exists() else None
        return int(known or min(LARGEST, max(SMALLEST, len(self.jobs) // PARTS)))

    @property
    def done(self) -> set[Key]:
        """Runs that are finished and on disk."""
        return set().union(*self._held, *self._waiting)

    # ----------------------------------------------------------------------------------------------------- writing

    def add(self, record: RunRecord) -> None:
        """Put a record on disk; a finished one counts from now on, a failed one is a row until it is tried again.

        Raises
        ------
        ResourceError
            If there is no room; nothing that was there before is lost.
        """
        key = (record.arm, record.replicate)
        number, self.touched = self._batch_of[key], True
        with self._room():
            if self.output == "maps":
                self._write_maps(record)
            with _replaced(self._path(key)) as file:
                write_run(file, record)
            if record.status == "finished":
                self._waiting[number].add(key)
                if len(self._held[number]) + len(self._waiting[number]) == len(self._batches[number]):
                    self._compact(number)

    def close(self) -> None:
        """Everything that waits becomes rows of parts; the next process finds the folder free."""
        try:
            with self._room():
                for number in range(len(self._batches)):
                    self._compact(number)
            with contextlib.suppress(OSError):  # not empty where runs have failed
                self._pending.rmdir()
        finally:
            self._lock.close()

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        """Replace ``manifest.json``."""
        with self._room(), _replaced(self.folder / "manifest.json", lasting=True) as file:
            file.write((json.dumps(manifest, indent=1) + "\n").encode())

    def write_text(self, name: str, text: str) -> None:
        """Replace a small file of the folder."""
        with self._room(), _replaced(self.folder / name) as file:
            file.write(text.encode())

    @contextlib.contextmanager
    def _room(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ResourceError(
                f"{self.folder}: out: must have room for the tables, got {error.strerror or error}"
            ) from error

    def _write_maps(self, record: RunRecord) -> None:
        (self.folder / "maps").mkdir(exist_ok=True)
        for tissue, layers in record.maps.items():
            with _replaced(self.folder / "maps" / f"{record.arm}-{record.replicate}-{tissue}.npz") as file:
                np.savez_compressed(file, **layers)  # type: ignore[arg-type]

    # ------------------------------------------------------------------------------------------------------- parts

    def _path(self, key: Key) -> Path:
        return self._pending / f"{key[0]}-{key[1]}.arrow"

    def _in_part(self, number: int) -> set[Key]:
        """Finished runs of a batch that its part holds; none of a part that a power cut has damaged."""
        runs = self._runs_of(number)
        finished = runs[runs["status"] == "finished"]
        return set(zip(finished["run"], finished["replicate"].tolist(), strict=True)) & set(self._batches[number])

    def _runs_of(self, number: int) -> pd.DataFrame:
        """The table of runs of a part, empty where the part is not there or not whole."""
        nothing = pd.DataFrame(columns=RUN_COLUMNS)
        names = ("outcomes", *(TABLES if self.output != "summary" else ()))
        try:
            for name in names:
                pq.read_metadata(part_path(self.folder, name, number))
            runs = read_part(self.folder, "runs", number)
        except (ResultsError, pa.ArrowInvalid, OSError):
            return nothing
        return nothing if runs is None else runs

    def _finished_of(self, number: int) -> set[Key]:
        """Finished runs of a batch that wait for the others; what a power cut left of a file is run again."""
        found = set()
        for key in self._batches[number]:
            path = self._path(key)
            if key in self._held[number]:
                path.unlink(missing_ok=True)
            elif path.exists():
                run = read_run(path)
                if run is not None and run.row[RUN_COLUMNS.index("status")] == "finished":
                    found.add(key)
        return found

    def _compact(self, number: int) -> None:
        """Runs of a batch that are not in its part yet become rows of it, in the order of the jobs."""
        there = {key: run for key in self._batches[number] if (run := read_run(self._path(key))) is not None}
        if not there:
            return
        kept = {key for key in self._held[number] if key not in there}
        tables = {name: _stacked([run.tables[name] for run in there.values() if name in run.tables]) for name in TABLES}
        self._write_part("outcomes", number, outcomes_of(tables), kept)
        if self.output != "summary":
            for name, table in tables.items():
                self._write_part(name, number, table.rename(columns={"arm": "run"}), kept)
        runs = pd.DataFrame([run.row for run in there.values()], columns=RUN_COLUMNS)
        before = self._runs_of(number)
        rows = set(zip(before["run"], before["replicate"].tolist(), strict=True)) & set(self._batches[number])
        self._write_part("runs", number, runs, rows - set(there))  # from now on the others count
        self._held[number] |= self._waiting[number]
        self._waiting[number] = set()
        for key in there:
            self._path(key).unlink(missing_ok=True)

    def _write_part(self, name: str, number: int, new: pd.DataFrame, kept: set[Key]) -> None:
        """A part with its rows of `kept` runs and the new ones."""
        old = read_part(self.folder, name, number) if kept else None
        if old is not None:
            index = pd.MultiIndex.from_frame(old[["run", "replicate"]])
            new = pd.concat([old[index.isin(list(kept))], new], ignore_index=True)
        rank = {key: place for place, key in enumerate(self._batches[number])}
        places = [rank[key] for key in zip(new["run"], new["replicate"].tolist(), strict=True)]
        new = new.iloc[np.argsort(places, kind="stable")]
        path = part_path(self.folder, name, number)
        path.parent.mkdir(exist_ok=True)
        with _replaced(path, lasting=True) as file:
            new.to_parquet(file, index=False)


def outcomes_of(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per run and tissue: the last row of its time series and every derived outcome."""
    rows = tables["timeseries"]
    if rows.empty:
        return pd.DataFrame(columns=["run", "replicate", "tissue", "day"])
    more = {name: tables[name] for name in ("doses", "individuals", "organism")}
    results = Results({"arms": [], "tissues": []}, {}, rows, tables["events"], pd.DataFrame(), **more)
    return with_outcomes(results, list(derived(results))).rename(columns={"arm": "run"})


def _stacked(tables: list[pa.Table]) -> pd.DataFrame:
    """Rows of all; of one kind at a time, because each change to pandas costs some milliseconds."""
    kinds: dict[bytes, list[pa.Table]] = {}
    for table in tables:
        kinds.setdefault(table.schema.serialize().to_pybytes(), []).append(table)
    return stack([pa.concat_tables(alike).to_pandas() for alike in kinds.values()], ["arm", "replicate"])


# ------------------------------------------------------------------------------------------------------ single runs


class Run(NamedTuple):
    """One run as its file has it."""

    row: list[Any]  # of the table of runs
    tables: dict[str, pa.Table]  # those with rows


def write_run(file: IO[bytes], record: RunRecord) -> None:
    """A record without its maps: a line of JSON, then an Arrow stream for each table that has rows."""
    tables = {name: getattr(record, name) for name in TABLES}
    row = [record.arm, record.replicate, record.status, record.stage, record.message, round(record.wall_s, 3)]
    names = [name for name in TABLES if len(tables[name])]
    file.write(json.dumps({"row": [*row, record.host], "tables": names}).encode() + b"\n")
    for name in names:
        table = pa.Table.from_pandas(tables[name], preserve_index=False, nthreads=1)
        with pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table)


def read_run(path: Path) -> Run | None:
    """What `write_run` wrote; None where there is nothing, or something damaged."""
    try:
        with path.open("rb") as file:
            said = json.loads(file.readline())
            tables = {}
            for name in said["tables"]:
                with pa.ipc.open_stream(file) as stream:
                    tables[name] = stream.read_all()
        return Run(said["row"], tables)
    except (ValueError, OSError):  # pa.ArrowInvalid is a ValueError
        return None


@contextlib.contextmanager
def _replaced(path: Path, lasting: bool = False) -> Iterator[IO[bytes]]:
    """A file to write, which takes the place of `path` when it is whole; `lasting`: even if the power fails then."""
    new = path.with_name(f".{path.name}.new")
    try:
        with new.open("wb") as file:
            yield file
            if lasting:
                file.flush()
                os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _locked(path: Path) -> IO[bytes]:
    """The lock of a folder, held until it is closed or the process ends, however it ends."""
    file = path.open("ab")
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:  # not on this system: two sweeps in one folder are then up to the user
        pass
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):  # others: a file system without locks
            file.close()
            raise ResultsError(f"{path.parent}: out: must be free, got one in which another sweep is at work") from None
    return file
