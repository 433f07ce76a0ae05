"""A Dask scheduler and its workers on this machine, for one experiment; they end when their parent does."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import threading
import time
from contextlib import AsyncExitStack
from importlib import import_module
from typing import Any

HERE = "127.0.0.1"


def main() -> None:
    """Takes the number of workers and a folder; tells the address of the scheduler, then serves."""
    workers, folder = int(sys.argv[1]), sys.argv[2]
    crew: list[Any] = []
    threading.Thread(target=_end_with_parent, args=(folder, crew), daemon=True).start()
    asyncio.run(_serve(workers, folder, crew))


async def _serve(workers: int, folder: str, crew: list[Any]) -> None:
    """What rules or users print goes to standard error; standard output has the address and nothing else."""
    dask, distributed = import_module("dask"), import_module("distributed")
    dask.config.set({"temporary-directory": folder, "distributed.worker.profile.enabled": False})
    web = {"dashboard": False, "dashboard_address": f"{HERE}:0"}  # Dask has a web server in any case
    async with AsyncExitStack() as stack:
        scheduler = await stack.enter_async_context(distributed.Scheduler(host=HERE, port=0, allowed_failures=0, **web))
        print(scheduler.address, flush=True)
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        crew += [
            distributed.Nanny(scheduler.address, host=HERE, nthreads=1, memory_limit=None, **web)
            for _ in range(workers)
        ]
        await asyncio.gather(*(stack.enter_async_context(each) for each in crew))
        await scheduler.finished()


def _end_with_parent(folder: str, crew: list[Any]) -> None:
    """Standard input is the lifeline: when it ends, so do the workers, amid their jobs too, and this process."""
    sys.stdin.buffer.read()
    for nanny in crew:
        nanny.auto_restart = False
    while _end_workers():  # one that is just being started would complain that its parent is gone
        time.sleep(0.01)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _end_workers() -> bool:
    """Kill all child processes but the one that tidies up after the others; whether there were any."""
    psutil = import_module("psutil")
    ended = False
    for child in psutil.Process().children(recursive=True):
        try:
            if child.status() == psutil.STATUS_ZOMBIE or "resource_tracker" in " ".join(child.cmdline()):
                continue
            child.kill()
            ended = True
        except psutil.NoSuchProcess:
            pass
    return ended


if __name__ == "__main__":  # Dask starts its workers by spawn, which imports this file again
    main()
