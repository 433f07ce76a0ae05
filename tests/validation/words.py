"""The same words for the page, the one for a browser, and the terminal: rows as cells, verdicts, commands."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from measures import Measured
from target import CLASSES, Row, Target

HEAD = ("row", "what", "ours", "n", "known", "tolerance", "", "class")
EVIDENCE = "Only predicted rows are evidence, and all that pass are directions, not sizes."
UNKNOWN = (
    "Not validated at all: anything in people (row 21 gives back what was put in); every effect size of the skin "
    "graft, of drift, of the dark spots and of immune patrols; doses and half-maxima of nearly all drugs. Of these "
    "nothing is published that could be set beside ours, or our notes do not have it."
)


def cells(target: Target) -> list[str]:
    """What the table says of a target before anything has run: all columns but ours, n and the result."""
    return [target.number, target.what, target.theirs, target.tolerance, target.kind]


def line(row: Row) -> list[str]:
    """The cells of a row."""
    number, what, theirs, tolerance, kind = cells(row.target)
    result = ("pass, at the edge" if row.at_the_edge else "pass") if row.passed else "**FAIL**"
    return [number, what, quantity(row.ours, row.target.unit), str(row.ours.n), theirs, tolerance, result, kind]


def quantity(measured: Measured, unit: str) -> str:
    """Value and standard error, with two figures of the error; without one where there was no luck."""
    if measured.error > 0.0:
        digits = max(0, 1 - math.floor(math.log10(measured.error)))
        return f"{measured.value:.{digits}f} ± {measured.error:.{digits}f} {unit}".rstrip()
    return f"{measured.value:.3g} {unit}".rstrip()


def verdict(rows: Sequence[Row]) -> str:
    """The last line: how many rows, and how much of it is evidence."""
    predicted = [row for row in rows if row.target.kind == "predicted"]
    passed = sum(row.passed for row in predicted)
    return f"{len(rows)} rows, of which {len(predicted)} predicted, of these {passed} pass."


def tally(rows: Sequence[Row]) -> list[tuple[str, str, str, str]]:
    """A line per class, the one that is evidence first: rows, those that pass, and what the class means."""
    of, passed = (Counter(row.target.kind for row in chosen) for chosen in (rows, [row for row in rows if row.passed]))
    return [(name, str(of[name]), str(passed[name]), CLASSES[name]) for name in reversed(CLASSES)]


def failures(rows: Sequence[Row]) -> str:
    """Which rows fail, in one sentence."""
    failed = [f"{row.target.number} ({row.target.kind})" for row in rows if not row.passed]
    return f"Rows that fail: {', '.join(failed)}." if failed else "No row fails."


def commands(rows: Iterable[Row]) -> list[str]:
    """What makes the rows again, each command once, with the rows that it is for."""
    numbers: dict[str, list[str]] = {}
    for row in rows:
        numbers.setdefault(row.target.study.command, []).append(row.target.number)
    return [f"{command}  # {', '.join(which)}" for command, which in numbers.items()]
