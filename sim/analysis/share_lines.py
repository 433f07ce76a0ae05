"""Shares and effects as lines of text: the table of `sim.share_and_effect`, and why the two differ."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from sim.analysis.headline import aligned
from sim.analysis.organism_lines import FEW_TISSUES
from sim.analysis.shares import share_and_effect
from sim.analysis.switches import complete_arm
from sim.results import Results

HEADS = {  # column: head
    "share": "share of cells turned (%)",
    "standing": "by standing",
    "past": "by past",
    "present": "of those there now (%)",
    "burden": "burden (%)",
    "burden_without": "without it",
}
ABOVE = (
    "above 1, for removal saturates: a cell that is spared leaves its cleaners to the others, and does not secrete "
    "what turns more cells and jams immunity"
)
BELOW = "below 1, for other causes turn cells that this one spares"


def lines_of_run(results: Results) -> Iterator[str]:
    """The lines of a run, if it has arms that are the same but for an induction that is off.

    Of many tissues the first one's.
    """
    if complete_arm(results) is not None:
        table, many = share_and_effect(results), len(results.tissues) > FEW_TISSUES
        yield from share_lines(table[table["tissue"] == results.tissues[0]] if many else table, named=many)


def share_lines(table: pd.DataFrame, named: bool = False) -> Iterator[str]:
    """Shares and effects side by side, a block per tissue; a single one is `named` if asked for."""
    several, arm = named or table["tissue"].nunique() > 1, table.attrs["baseline"]
    shown = [name for name in HEADS if name.startswith("burden") or table[name].notna().any()]
    level = f"{100.0 * table.attrs['level']:g} % interval"
    for tissue, rows in table.groupby("tissue", sort=False):
        where = f" in {tissue}" if several else ""
        lines = [[f"{arm}{where}, day {rows['day'].max():g}", *(HEADS[name] for name in shown), "fall (points)", level,
                  "effect (% of burden)", level, "effect / share", "pairs"]]  # fmt: skip
        for row in rows.to_dict("records"):
            values = [_number(row[name]) for name in shown]
            lines.append([f"  {row['cause']}", *values, *_with_interval(row, "fall"), *_with_interval(row, "effect"),
                          _number(row["amplification"]), str(row["pairs"] or "-")])  # fmt: skip
        yield from aligned(lines)
    over = table["amplification"]
    reasons = [why for why, here in ((ABOVE, over > 1.0), (BELOW, over < 1.0)) if here.any()]
    if reasons:
        yield f"share is not effect: effect / share is {'; '.join(reasons)}"
    counts = sorted(set(table["n"]))
    yield f"{counts[0]} replicates" if counts else f"{arm}: no cell turned senescent"


def _with_interval(row: dict[Any, Any], name: str) -> tuple[str, str]:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    sign = "+" if name == "fall" else ""
    return _number(row[name], f"{sign}.2f"), f"({low:.2f}, {high:.2f})" if math.isfinite(low) else ""


def _number(value: float, form: str = ".2f") -> str:
    return f"{value:{form}}" if math.isfinite(value) else "-"
