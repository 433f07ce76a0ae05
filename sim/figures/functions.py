"""What the individual can do over time: its outcomes, and below them the functions of its tissues."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from sim.analysis.outcomes import unit
from sim.analysis.survival import somebody_died
from sim.errors import ResultsError
from sim.figures.curves import bands_in_words, by_replicate, dashes_in_words, thin_lines_in_words
from sim.figures.layout import several
from sim.figures.over_time import Panel, over_time
from sim.results import Results

PREFIX = "function_"
SHARE, LAID_DOWN = "share of its best", "share of what could be"  # by where a function rests: at 1, or below


def functions(results: Results) -> Figure:
    """Outcomes of the individual and functions of its tissues over time: medians and central 80 % of the replicates.

    Functions share one axis; axes begin where the lines do.

    Parameters
    ----------
    results : Results
        Tables of an experiment.

    Raises
    ------
    ResultsError
        If the scenario declares neither functions nor outcomes.
    """
    groups = [group for group in (_outcomes(results), _functions(results)) if group]
    if not groups:
        raise ResultsError("functions: results: must have functions of tissues or outcomes, got neither")
    return over_time(results, groups, _caption(results, [panel for group in groups for panel in group]), dashed=True)


def has_functions(results: Results) -> bool:
    """Whether there is anything to draw."""
    return bool(results.manifest.get("outcomes")) or any(name.startswith(PREFIX) for name in results.timeseries)


def _outcomes(results: Results) -> list[Panel]:
    found = []
    for name in (each for each in results.manifest.get("outcomes", {}) if each in results.organism):
        own = unit(name, results)
        found.append(
            Panel(name, f"{name} ({own})" if own else name, _lines(results, results.organism, name), from_zero=False)
        )
    return found


def _functions(results: Results) -> list[Panel]:
    columns = [name for name in results.timeseries if name.startswith(PREFIX)]
    found = []
    for tissue, rows in ((each, results.timeseries.query("tissue == @each")) for each in results.tissues):
        for name in (each for each in columns if rows[each].notna().any()):
            title = f"{tissue}: {name.removeprefix(PREFIX)}"
            found.append(Panel(title, _meant(results, tissue, name), _lines(results, rows, name), from_zero=False))
    return found


def _meant(results: Results, tissue: str, column: str) -> str:
    """What a function is a share of: of the best, or, where it rests lower, of the most that can be laid down."""
    functions = ((results.scenario.get("tissues") or {}).get(tissue) or {}).get("functions") or {}
    rest = (functions.get(column.removeprefix(PREFIX)) or {}).get("rest", 1.0)
    return SHARE if rest == 1.0 else LAID_DOWN


def _lines(results: Results, rows: pd.DataFrame, column: str) -> dict[str, pd.DataFrame]:
    """A column by arm, of the arms that have it."""
    by_arm = dict(list(rows[rows[column].notna()].groupby("arm", sort=False)))
    return {arm: by_replicate(by_arm[arm], column) for arm in results.arms if arm in by_arm}


def _caption(results: Results, panels: list[Panel]) -> str:
    counts = [int(n) for n in results.timeseries.groupby("arm", sort=False)["replicate"].nunique()] or [0]
    most, arms = max(counts), len(counts)
    alive = " Of those who are alive." if somebody_died(results) else ""
    return (
        f"{results.manifest['scenario']}: outcomes of the individual and functions of its tissues, "
        f"{bands_in_words(most, arms)}{several(counts, 'replicate')}{' per arm' if most > 1 else ''}"
        f"{thin_lines_in_words(most, arms)}.{dashes_in_words(panel.lines for panel in panels)}{alive} "
        "Axes need not begin at 0."
    )
