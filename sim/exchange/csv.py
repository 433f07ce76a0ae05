"""Cells as CSV: a file for each run and day, which `sim.read_cells` and a scenario read back."""

from __future__ import annotations

from pathlib import Path

from sim.exchange.runs import StoredRun
from sim.results import writing


def write_csv(run: StoredRun, folder: Path) -> None:
    """``graft-0-skin-day30.csv``: x y (z) [um], type, and every layer that was kept; exact to the last bit."""
    with writing(folder):
        for row, day in enumerate(run.days):
            run.cells(row).to_csv(folder / f"{run.name}-day{day:g}.csv", index=False)
