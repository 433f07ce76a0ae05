"""A Dask scheduler and its workers on this machine, for one experiment; they end when their parent does."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import threading
from contextlib import AsyncExitStack
from importlib import import_module

HERE = "127.0.0.1"


def main() -> None:
    """Takes the number of workers and a folder; tells the address of the scheduler, then serves."""
    workers, folder = int(sys.argv[1]), sys.argv[2]
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    asyncio.run(_serve(workers, folder))


async def _serve(workers: int, folder: str) -> None:
    """What rules or users print goes to standard error; standard output has the address and nothing else."""
    dask, distributed = import_module("dask"), import_module("distributed")
    dask.config.set({"temporary-directory": folder, "distributed.worker.profile.enabled": False})
    web = {"dashboard": False, "dashboard_address": f"{HERE}:0"}  # Dask has a web server in any case
    async with AsyncExitStack() as stack:
        scheduler = await stack.enter_async_context(distributed.Scheduler(host=HERE, port=0, allowed_failures=0, **web))
        print(scheduler.address, flush=True)
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        crew = [
            distributed.Nanny(scheduler.address, host=HERE, nthreads=1, memory_limit=None, **web)
            for _ in range(workers)
        ]
        await asyncio.gather(*(stack.enter_async_context(each) for each in crew))
        await scheduler.finished()


def _end_with_parent(folder: str) -> None:
    """Standard input is the lifeline. When this process is gone, Dask's workers see it and go, amid their jobs too."""
    sys.stdin.buffer.read()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":  # Dask starts its workers by spawn, which imports this file again
    main()
