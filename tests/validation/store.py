"""What `make validate` measured, kept beside its page: numbers row by row, and curves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
from measures import Measured
from target import Curve, Row, Target

DOCS = Path(__file__).parents[2] / "docs"
NUMBERS, CURVES = DOCS / "validation.csv", DOCS / "validation_curves.csv"
DIGITS = "%.7g"


def stored() -> dict[str, Measured]:
    """Value, standard error and n, by row."""
    table = pd.read_csv(NUMBERS, dtype={"row": str})
    return {row.row: Measured(float(row.value), float(row.error), int(row.n)) for row in table.itertuples()}


def stored_curves() -> dict[str, Curve]:
    """Curves by name."""
    table = pd.read_csv(CURVES)
    return {str(name): each.drop(columns="curve").reset_index(drop=True) for name, each in table.groupby("curve")}


def stored_rows(targets: Iterable[Target]) -> list[Row]:
    """The rows as they were measured last."""
    numbers = stored()
    return [Row(target, numbers[target.number]) for target in targets]


def keep(numbers: Mapping[str, Measured], curves: Mapping[str, Curve]) -> None:
    """Write all numbers and curves."""
    rows = [(number, *measured) for number, measured in numbers.items()]
    pd.DataFrame(rows, columns=["row", *Measured._fields]).to_csv(NUMBERS, index=False, float_format=DIGITS)
    lines = [each.assign(curve=name) for name, each in sorted(curves.items())]
    columns = ["curve", "x", "y", "error", "n"]
    table = pd.concat(lines)[columns] if lines else pd.DataFrame(columns=columns)
    table.to_csv(CURVES, index=False, float_format=DIGITS)
