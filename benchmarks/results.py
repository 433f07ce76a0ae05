"""RESULTS.md: the declared protocol, the machine, and what was measured."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from benchmarks.protocol import HERE, TWO_CORES, Row, Table

LIBRARIES = ("numpy", "scipy", "numba", "mesa", "pandas")
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
        "day": datetime.date.today().isoformat(),
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


def section(name: str, words: str, found: list[Row | Table], about: dict[str, str]) -> str:
    """What RESULTS.md says of a group: when and where it was measured, what it is about and what was found."""
    rows = [each for each in found if isinstance(each, Row)]
    lines = [f"## {name.capitalize()}", "", words, "", "; ".join(f"{key}: {value}" for key, value in about.items())]
    if rows:
        lines += ["", *_grid(("what", "measured", "target", ""), [(*row[:3], row.verdict) for row in rows])]
    for table in found:
        if isinstance(table, Table):
            lines += ["", f"### {table.what}", "", *_grid(table.columns, table.lines)]
            lines += ["", f"![{table.what}]({IMAGES}/{name}.png)"] if table.draw else []
    return "\n".join(lines) + "\n"


def renewed(page: str, name: str, text: str, order: list[str]) -> str:
    """RESULTS.md with the section of one group in place of an older one; sections of groups that are none go."""
    pieces = ("\n" + page).split("\n## ")[1:]
    kept = {piece.partition("\n")[0].lower(): "## " + piece.rstrip() + "\n" for piece in pieces}
    kept[name] = text
    head = f"# What was measured\n\nWritten by `make bench`, group by group.\n\n{PROTOCOL}"
    return "\n".join([head, *(kept[each] for each in order if each in kept)])


def _grid(columns: tuple[str, ...], lines: list[tuple[str, ...]]) -> list[str]:
    """A Markdown table."""
    return [f"| {' | '.join(line)} |" for line in (columns, ("---",) * len(columns), *lines)]
