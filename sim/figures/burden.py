"""Burden over time: one line per arm, one panel per tissue."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sim.analysis.paired import one_of
from sim.analysis.survival import somebody_died
from sim.figures.curves import bands_in_words, by_replicate, thin_lines_in_words
from sim.figures.layout import several
from sim.figures.over_time import Panel, over_time
from sim.results import Results

LABEL = "burden (% of resident cells senescent)"


def burden(results: Results, tissue: str | None = None) -> Figure:
    """Burden over time, with a panel for each tissue; all share one axis.

    Where some tissues do not reach half of the highest burden, they share an axis of their own; the caption says so.

    The line is the median of the replicates, the band holds their central 80 %; up to 12 replicates are also shown one
    by one, as thin lines. Of more than 12 arms there are only the medians. Ticks above are doses.

    Parameters
    ----------
    results : Results
        Tables of an experiment.
    tissue : str, optional
        This tissue only.

    Raises
    ------
    ResultsError
        If there is no such tissue.
    """
    tissues = results.tissues if tissue is None else [one_of(tissue, results.tissues, "burden: tissue")]
    runs = {key: table for key, table in results.timeseries.groupby(["arm", "tissue"], sort=False)}
    lines = {
        each: {arm: by_replicate(runs[arm, each], "burden") for arm in results.arms if (arm, each) in runs}
        for each in tissues
    }
    low = _low(lines)
    panels = [
        Panel(each if len(results.tissues) > 1 else "", LABEL, lines[each], axis="low" if each in low else "")
        for each in tissues
    ]
    return over_time(results, [panels], _caption(results, tissues, low))


def _low(lines: dict[str, dict[str, pd.DataFrame]]) -> list[str]:
    """Tissues that do not reach half of the highest burden."""
    tops = {
        tissue: max((float(np.nanmax(wide.to_numpy(np.float64))) for wide in of_arms.values()), default=0.0)
        for tissue, of_arms in lines.items()
    }
    return [tissue for tissue, top in tops.items() if top < 0.5 * max(tops.values())]


def _caption(results: Results, tissues: list[str], low: list[str]) -> str:
    shown = results.timeseries[results.timeseries["tissue"].isin(tissues)]
    counts = [int(n) for n in shown.groupby("arm", sort=False)["replicate"].nunique()] or [0]
    alive = " Of those who are alive." if somebody_died(results) else ""
    where = f", {tissues[0]}" if len(tissues) < len(results.tissues) else ""
    most, arms = max(counts), len(counts)
    enlarged = f" The axis of {', '.join(low)} is enlarged." if low else ""
    return (
        f"{results.manifest['scenario']}{where}: burden, {bands_in_words(most, arms)}{several(counts, 'replicate')}"
        f"{' per arm' if most > 1 else ''}{thin_lines_in_words(most, arms)}.{enlarged}{alive}"
    )
