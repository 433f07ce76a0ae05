"""What a lab would measure: the arms as they are, as one study counts them, and the differences that studies see."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.analysis.paired import one_of
from sim.analysis.study import Study
from sim.figures.layout import EDGE, page, several
from sim.figures.rows import Rows, finish
from sim.figures.style import INK, our_look
from sim.results import Results

VALUES, DIFFERENCES, BETWEEN = 1.6, 1.7, 0.3  # inch: widths of the panels, and white between them


@our_look()
def study(results: Results, seen: Study, tissue: str | None = None) -> Figure:
    """Arms as rows: every replicate as it is, the animals of one study as measured, and the differences of all studies.

    Parameters
    ----------
    results : Results
        Tables of an experiment.
    seen : Study
        Studies of these results, by `sim.analysis.study.study`.
    tissue : str, optional
        The first one if not given.

    Raises
    ------
    ResultsError
        If there is no such tissue.
    """
    tissue = results.tissues[0] if tissue is None else one_of(tissue, results.tissues, "study: tissue")
    table = seen.table[seen.table["tissue"] == tissue]
    arms = [arm for arm in results.arms if (tissue, arm) in seen.truth]
    rows, words = Rows(results, arms), seen.outcome.replace("_", " of ", 1)
    labels = [f"{words} as it is (%)", f"as {seen.marker}, in one such study (%)"]
    labels = [rows.label(text, VALUES) for text in labels]
    apart = rows.label(f"difference from {table['baseline'].iloc[0]} (points)", DIFFERENCES)
    width = rows.left + 2 * (VALUES + BETWEEN) + DIFFERENCES + 2 * EDGE
    figure, foot = page(results, width, rows.below + rows.height, _caption(results, seen, tissue))
    bottom = foot + rows.below
    rows.name(figure, bottom)
    panels = [rows.panel(figure, rows.left + i * (VALUES + BETWEEN), bottom, VALUES, labels[i]) for i in (0, 1)]
    rows.values(panels[0], {arm: seen.truth[tissue, arm] for arm in arms})
    rows.values(panels[1], {arm: seen.measured[tissue, arm][0] for arm in arms})
    most = max(axes.get_xlim()[1] for axes in panels)
    for axes in panels:  # one scale, to see what the marker hides or adds
        axes.set_xlim(0.0, most)
    axes = rows.panel(figure, rows.left + 2 * (VALUES + BETWEEN), bottom, DIFFERENCES, apart)
    for row in table.itertuples():
        rows.mean(axes, row.arm, row.measured, (row.measured_low, row.measured_high))
        axes.plot([row.difference], [rows.place(row.arm)], ls="", marker="D", ms=5.0, mfc="none", mec=INK, mew=0.9,
                  zorder=6)  # fmt: skip
    _limits(axes, table[["difference", "measured_low", "measured_high"]].to_numpy(np.float64))
    return figure


def _limits(axes: Axes, ends: np.ndarray) -> None:
    low, high = min(0.0, float(ends.min())), max(0.0, float(ends.max()))
    room = 0.08 * (high - low) or 1.0
    axes.set_xlim(low - room, high + room)
    finish(axes, at=0.0)


def _caption(results: Results, seen: Study, tissue: str) -> str:
    where = f", {tissue}" if len(results.tissues) > 1 else ""
    counts = [len(values) for (place, _), values in seen.truth.items() if place == tissue]
    n = next(len(values) for (place, _), values in seen.measured.items() if place == tissue)
    return (
        f"{results.manifest['scenario']}{where}, last day. Left: {several(counts, 'replicate')} per arm (points), mean "
        f"and 95 % interval. Middle: the same of one study, {seen.design.words}. Right: the difference that {n} such "
        f"studies measured, mean and central 95 % (bar), and the true one (diamond). {seen.notes[0]}."
    )
