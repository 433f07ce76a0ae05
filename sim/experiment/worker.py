"""A worker process: takes jobs from standard input, gives records to standard output, and ends with its parent."""

from __future__ import annotations

import os
import queue
import sys
import threading
import traceback

from sim.experiment.execute import Job, receive, send
from sim.experiment.replicate import run_replicate


def main() -> None:
    """Serve until the pipe closes. What rules or users print goes to standard error, not between the records."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    while True:
        record = run_replicate(*jobs.get())
        try:
            send(out, record)
        except BrokenPipeError:
            os._exit(0)  # the parent is gone, and says so itself


def _listen(jobs: queue.SimpleQueue[Job]) -> None:
    """Jobs from the pipe. Its end is the end of the parent, however that came: nobody wants what is being run."""
    code = 1
    try:
        while True:
            jobs.put(receive(sys.stdin.buffer))
    except EOFError:
        code = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
