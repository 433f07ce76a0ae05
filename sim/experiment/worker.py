"""A worker process: takes jobs from standard input, gives records to standard output, until its parent is gone."""

from __future__ import annotations

import os
import sys

from sim.experiment.execute import receive, send
from sim.experiment.replicate import run_replicate


def main() -> None:
    """Serve until the pipe closes. What rules or users print goes to standard error, not between the records."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    while True:
        try:
            job = receive(sys.stdin.buffer)
        except EOFError:
            return
        send(out, run_replicate(*job))


if __name__ == "__main__":
    main()
