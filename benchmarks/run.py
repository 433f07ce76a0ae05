"""``make bench``: targets of speed and memory, and facts beside them, written to benchmarks/RESULTS.md.

``python -m benchmarks.run speed models`` runs these groups only and renews their sections. Exit status 1 if a target
is missed, 2 if there is no such group. How things are timed is declared in `benchmarks.results`.
"""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Callable

from benchmarks.commands import commands
from benchmarks.costs import costs
from benchmarks.lifetimes import lifetimes
from benchmarks.models import models
from benchmarks.protocol import HERE, Report, Row, Table, seconds
from benchmarks.results import IMAGES, machine, renewed, section
from benchmarks.speed import speed
from benchmarks.starts import starts
from benchmarks.sweeps import sweeps
from benchmarks.worlds import tissue
from sim.errors import did_you_mean
from sim.simulation import Simulation

GROUPS: dict[str, Callable[[], Report]] = {
    group.__name__: group for group in (speed, models, costs, starts, commands, lifetimes, sweeps)
}


def main(names: list[str]) -> int:
    """Run the groups of these names, or all, and tell each result as soon as it is known."""
    for name in names:
        if name not in GROUPS:
            known = f"{', '.join(GROUPS)}, got {name!r}{did_you_mean(name, GROUPS)}"
            print(f"bench: group: must be one of {known}", file=sys.stderr)
            return 2
    about = machine()
    compiling = seconds(Simulation(tissue(64, 10.0)).step)
    about["compiling or loading the loops"] = f"{compiling:.1f} s, the first step of 64 x 64 sites"
    print("\n".join(f"{key}: {value}" for key, value in about.items()), flush=True)
    missed = False
    for name in names or GROUPS:
        start, about["load at the start"] = time.perf_counter(), machine()["load at the start"]
        found = told(name)
        write(name, found, about | {"time": f"{time.perf_counter() - start:.0f} s"})
        missed |= any(each.verdict == "missed" for each in found if isinstance(each, Row))
    return int(missed)


def write(name: str, found: list[Row | Table], about: dict[str, str]) -> None:
    """The section of a group in RESULTS.md, and its picture."""
    for each in found:
        if isinstance(each, Table) and each.draw is not None:
            each.draw(HERE / IMAGES / f"{name}.png")
    page = HERE / "RESULTS.md"
    text = section(name, inspect.getdoc(GROUPS[name]) or "", found, about)
    before = page.read_text(encoding="utf-8") if page.exists() else ""
    page.write_text(renewed(before, name, text, list(GROUPS)), encoding="utf-8")


def told(name: str) -> list[Row | Table]:
    """What a group finds; each result is printed with the seconds that it took."""
    found: list[Row | Table] = []
    before = time.perf_counter()
    for each in GROUPS[name]():
        found.append(each)
        now = time.perf_counter()
        print(f"[{name}, {now - before:.0f} s] {line(each)}", flush=True)
        before = now
    return found


def line(each: Row | Table) -> str:
    """A result for the terminal."""
    if isinstance(each, Table):
        return "\n".join([each.what, *("    " + " | ".join(cells) for cells in (each.columns, *each.lines))])
    target = f", target {each.target}: {each.verdict.upper() if each.holds is False else each.verdict}"
    return f"{each.what}: {each.figure}{target if each.target else ''}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
