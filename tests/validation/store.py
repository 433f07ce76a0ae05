"""What `make validate` measured, kept beside its page: numbers row by row, and curves."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from measures import Measured
from target import Curve, Row, Target

DOCS = Path(__file__).parents[2] / "docs"
NUMBERS, CURVES = DOCS / "validation.csv", DOCS / "validation_curves.csv"
DIGITS = "%.7g"
PACKAGES = ("numpy", "scipy", "numba")


def stored() -> dict[str, Measured]:
    """Value, standard error and n, by row."""
    table = pd.read_csv(NUMBERS, dtype={"row": str})
    return {row.row: Measured(float(row.value), float(row.error), int(row.n)) for row in table.itertuples()}


def stored_curves() -> dict[str, Curve]:
    """Curves by name."""
    table = pd.read_csv(CURVES)
    return {str(name): each.drop(columns="curve").reset_index(drop=True) for name, each in table.groupby("curve")}


def made() -> dict[str, str]:
    """When, from which commit and with which versions each row was measured."""
    table = pd.read_csv(NUMBERS, dtype=str)
    return dict(zip(table["row"], table["made"], strict=True))


def made_now() -> str:
    """The same for what is measured now; a commit with changes in its files says so."""
    ask = ["git", "describe", "--always", "--dirty=, changed"]
    told = subprocess.run(ask, cwd=DOCS, capture_output=True, text=True).stdout if shutil.which("git") else ""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    commit = told.strip() or "unknown"
    return f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}, Python {platform.python_version()}, {versions}"


def stored_rows(targets: Iterable[Target]) -> list[Row]:
    """The rows as they were measured last."""
    numbers = stored()
    return [Row(target, numbers[target.number]) for target in targets]


def keep(numbers: Mapping[str, Measured], origin: Mapping[str, str], curves: Mapping[str, Curve]) -> None:
    """Write all numbers, with where they come from, and curves."""
    rows = [(number, *measured, origin[number]) for number, measured in numbers.items()]
    pd.DataFrame(rows, columns=["row", *Measured._fields, "made"]).to_csv(NUMBERS, index=False, float_format=DIGITS)
    lines = [each.assign(curve=name) for name, each in sorted(curves.items())]
    columns = ["curve", "x", "y", "error", "n"]
    table = pd.concat(lines)[columns] if lines else pd.DataFrame(columns=columns)
    table.to_csv(CURVES, index=False, float_format=DIGITS)
