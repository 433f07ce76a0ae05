"""``python -m sim`` is the command ``senodrift``."""

from __future__ import annotations

from sim.cli import main

if __name__ == "__main__":
    main()
