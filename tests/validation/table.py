"""`make validate`: rows measured, kept, and shown as docs/validation.md, pictures and a page; fails if a row fails.

Without arguments all rows; with numbers of rows (``24``, ``V5a``) only these, the others as they were measured last.
"""

from __future__ import annotations

import functools
import string
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from page import HTML, PAGE, markdown
from page import write as write_pages
from pictures import draw_all
from rows import TARGETS, run
from store import keep, made, made_now, stored, stored_curves, stored_rows
from target import Computation, Curve, Study, Target
from words import HEAD, line, verdict

PARTS = string.ascii_lowercase


def wanted(numbers: Sequence[str]) -> list[Target]:
    """The rows of these numbers, with or without the letter that a part of a row has; all if there are none."""
    chosen = [each for each in TARGETS if not numbers or {each.number, each.number.rstrip(PARTS)} & {*numbers}]
    known = {each.number for each in TARGETS} | {each.number.rstrip(PARTS) for each in TARGETS}
    if unknown := [number for number in numbers if number not in known]:
        raise SystemExit(f"table.py: rows: must be among those of {shown(PAGE)}, got {', '.join(unknown)}")
    return chosen


@functools.cache
def told(study: Study | Computation) -> Any:
    """What a row is measured on, computed once, with the time that it takes."""
    start = time.perf_counter()
    print(study.name, end=" ... ", flush=True)
    found = run(study)
    print(f"{time.perf_counter() - start:.0f} s", flush=True)
    return found


def shown(path: Path) -> Path:
    """A path as it is read best from here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def main(numbers: Sequence[str]) -> int:
    """Run, keep, draw, write, print; 1 if one of the rows fails."""
    targets = wanted(numbers)
    whole = len(targets) == len(TARGETS)
    now = made_now()
    measured, origin = ({}, {}) if whole else (stored(), made())
    curves: dict[str, Curve] = {} if whole else stored_curves()
    studies = [*dict.fromkeys(target.study for target in targets)]
    for place, study in enumerate(studies, 1):
        print(f"{place} of {len(studies)}: ", end="", flush=True)
        told(study)
    for target in targets:
        found = told(target.study)
        measured[target.number], origin[target.number] = target.measure(found), now
        if isinstance(target.study, Computation):
            curves |= found.curves
    keep({target.number: measured[target.number] for target in TARGETS}, origin, curves)
    draw_all()
    write_pages()
    rows = stored_rows(targets)
    print("", markdown([HEAD, *map(line, rows)]), "", f"written to {shown(PAGE)} and {shown(HTML)}", sep="\n")
    failed = [row.target.number for row in rows if not row.passed]
    print(f"failed: {', '.join(failed) or 'none'}")
    print(verdict(stored_rows(TARGETS)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
