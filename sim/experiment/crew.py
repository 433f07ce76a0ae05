"""Dask workers of our own: ``dask worker`` that ends, with its workers and their folder, when its parent does."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from importlib import import_module


def main() -> None:
    """Arguments are those of ``dask worker``, the last one its local directory; standard input is the lifeline."""
    threading.Thread(target=_end_with_parent, args=(sys.argv[-1],), daemon=True).start()
    import_module("distributed.cli.dask_worker").main()


def _end_with_parent(folder: str) -> None:
    """Nobody wants what is being run when the pipe closes. Dask's workers see that this process is gone, and go."""
    sys.stdin.buffer.read()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":  # Dask starts its workers by spawn, which imports this file again
    main()
