"""RESULTS.md: the declared protocol, the machine, and what was measured."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from benchmarks.protocol import HERE, TWO_CORES, Row, Table

LIBRARIES = ("numpy", "scipy", "numba", "mesa", "pandas")
Groups = dict[str, tuple[str, list[Row | Table]]]  # by name: what it is about, and what was found
IMAGES = "images"  # beside RESULTS.md, a picture per group
PROTOCOL = f"""\
## Protocol

* **What is timed**: wall time of whole calls. A step is all of `Simulation.step()`, nothing recorded, nothing
  drawn; a command is the process from its start to its end.
* **Transforms alone**: "SciPy's transforms" are `dctn` and `idctn` (pocketfft) of as many float32 arrays as there are
  factors, in place, and nothing else; "our transport" is what a step does with `sim.transforms`: there, modes a step
  on, back, clipping. Ours can be the cheaper of the two, so SciPy's are a measure, not a bound.
* **Plain Mesa** is one model written in two ways (`benchmarks/plain_mesa.py`): agent by agent, each of which counts its
  neighbours and draws; and with hazards and draws on whole layers, where only agents to which something happens are
  called.
* **Sizes and seeds** stand in each line and are fixed: seed 0, replicate 0, dt 0.5 d unless a line says otherwise.
  "Every rule": damage, SASP, drift as cargo, contact (also at once), jammed removal, own death, repair with scars,
  limits and decline (`every_rule` in `benchmarks/worlds.py`). "The same rules": those that the plain Mesa model has
  too (`common_rules`); a test holds ours and both ways of writing it against each other.
* **Warm-up** is apart: Numba's loops are compiled before anything is timed (seconds below), the first call of
  everything is not counted, and its time is told as "first". What is timed once, commands and runs of seconds to
  minutes, says so by having no spread.
* **In turns**: what is compared is called alternately, so that a slow minute of the machine meets both. A ratio is
  that of the medians; in brackets are the quartiles of the ratios of single turns.
* **Memory** is the largest resident size of a fresh process. "Per site" leaves out what the same process has with a
  tissue of 256 cells: interpreter, libraries and compiled loops.
* **Threads**: one, unless a line says otherwise. Two threads are judged only where two spinning threads do at least
  {TWO_CORES:g} times the work of one.
* **Verdicts**: lines with a target say holds or missed, all others are plain facts. `make bench` fails if a target
  is missed.
"""


def machine() -> dict[str, str]:
    """Where this is, and what else goes on there."""
    commit = _output("git", "describe", "--always", "--dirty", "--exclude", "*")
    return {
        "cores": f"{os.cpu_count()}, {_processor()}",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        "commit": commit or "unknown",
        "load at the start": "{:.2f}, {:.2f}, {:.2f} (1, 5, 15 min)".format(*os.getloadavg()),
    }


def _processor() -> str:
    """The name of the processor, as far as the system tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE)
    return done.stdout.strip() if done.returncode == 0 else ""


def page(about: dict[str, str], groups: Groups) -> str:
    """RESULTS.md: `about` the run, and by group what it is about and what was found."""
    rows = [each for _, found in groups.values() for each in found if isinstance(each, Row) and each.target]
    count = {verdict: sum(row.verdict == verdict for row in rows) for verdict in ("holds", "missed", "not judged")}
    lines = ["# What was measured", "", "Written by `make bench`.", "", PROTOCOL]
    lines += ["## This run", "", *(f"* **{key}**: {value}" for key, value in about.items()), ""]
    lines += [f"Of {len(rows)} targets {count['holds']} hold, {count['missed']} are missed, "
              f"{count['not judged']} could not be judged."]  # fmt: skip
    for name, (words, found) in groups.items():
        lines += ["", f"## {name.capitalize()}", "", words]
        if verdicts := [row for row in found if isinstance(row, Row)]:
            lines += ["", *_grid(("what", "measured", "target", ""), [(*row[:3], row.verdict) for row in verdicts])]
        for table in found:
            if isinstance(table, Table):
                lines += ["", f"### {table.what}", "", *_grid(table.columns, table.lines)]
                lines += ["", f"![{table.what}]({IMAGES}/{name}.png)"] if table.draw else []
    return "\n".join(lines) + "\n"


def _grid(columns: tuple[str, ...], lines: list[tuple[str, ...]]) -> list[str]:
    """A Markdown table."""
    return [f"| {' | '.join(line)} |" for line in (columns, ("---",) * len(columns), *lines)]
