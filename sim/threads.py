"""Loops without the interpreter lock, shared out among threads; what each share does must not depend on the others."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")


@functools.cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)


def in_shares(task: Callable[[int, int], T], n: int, threads: int, multiple: int = 1) -> list[T]:
    """``task(first, last)`` on one range of 0 to `n` per thread, in order; ranges begin at multiples of a number."""
    if threads == 1:
        return [task(0, n)]
    blocks = -(-n // multiple)
    edges = [min(n, multiple * (blocks * i // threads)) for i in range(threads + 1)]
    pool = _pool(threads, os.getpid())  # a forked process has none of its parent's threads
    shares = [pool.submit(task, *ends) for ends in pairwise(edges)]
    try:
        return [share.result() for share in shares]
    finally:
        wait(shares)  # after Ctrl-C too: nobody may still write when the caller goes on
