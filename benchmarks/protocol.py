"""How everything here is timed: in turns, the first call apart, medians with quartiles; rows and tables of results."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import numpy as np

HERE = Path(__file__).parent
TWO_CORES = 1.8  # times the work of one thread, from which on two cores count as free


class Row(NamedTuple):
    """A figure, and whether its target is reached; without a target it is a plain fact."""

    what: str
    figure: str
    target: str = ""
    holds: bool | None = None  # None: no target, or it could not be judged (the figure says why)

    @property
    def verdict(self) -> str:
        """One word on the target."""
        return "" if not self.target else "not judged" if self.holds is None else "holds" if self.holds else "missed"


class Table(NamedTuple):
    """Figures without targets: what they are, and one line per case."""

    what: str
    columns: tuple[str, ...]
    lines: list[tuple[str, ...]]
    draw: Callable[[Path], object] | None = None  # saves a picture of it


Report = Iterator[Row | Table]


class Turns(NamedTuple):
    """Wall times [s] of tasks that were called in turns."""

    first: np.ndarray  # (tasks,) of the first calls
    times: np.ndarray  # (repeats, tasks) of the others

    def median(self, task: int = 0) -> float:
        """Median time of one call [s]."""
        return float(np.median(self.times[:, task]))

    def ratio(self, task: int, to: int) -> float:
        """Ratio of the medians."""
        return self.median(task) / self.median(to)

    def spread(self, task: int, to: int) -> str:
        """The ratio, the quartiles of those of single turns, and what was not counted."""
        low, high = np.quantile(self.times[:, task] / self.times[:, to], [0.25, 0.75])
        first = (
            f"first {self.first[task]:.1f} s" if self.first[task] >= 0.1 else f"first {milliseconds(self.first[task])}"
        )
        return f"{self.ratio(task, to):.2f} ({low:.2f}-{high:.2f} in {len(self.times)} turns, {first})"


def seconds(task: Callable[[], object]) -> float:
    """Wall time of one call [s]."""
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


def in_turns(repeats: int, *tasks: Callable[[], object]) -> Turns:
    """Call each of the tasks once, which is not counted, then all of them in turns."""
    first = np.array([seconds(task) for task in tasks])
    return Turns(first, np.array([[seconds(task) for task in tasks] for _ in range(repeats)]))


def spread(values: Sequence[float] | np.ndarray, digits: int = 2) -> str:
    """Median and quartiles."""
    low, middle, high = (f"{value:.{digits}f}" for value in np.quantile(values, [0.25, 0.5, 0.75]))
    return f"{middle} ({low}-{high})"


def milliseconds(time: float) -> str:
    """A time [s] in ms, with three digits."""
    return f"{1e3 * time:.3g} ms" if time < 1.0 else f"{1e3 * time:.0f} ms"


def fresh(code: str) -> str:
    """Standard output of `code` in a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=HERE.parent)
    return done.stdout


def two_threads_over_one() -> float:
    """Work that two threads do in the time of one: 2 where two cores are free, less where somebody else works."""
    values = np.full((2, 65536), 2.0, np.float32)  # each in a cache of its own core

    def spin(thread: int) -> None:
        for _ in range(5000):
            np.sqrt(values[thread], out=values[thread])  # without the interpreter lock

    def both() -> None:
        threads = [Thread(target=spin, args=(thread,)) for thread in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    turns = in_turns(5, lambda: spin(0), both)
    return 2.0 * turns.ratio(0, 1)
