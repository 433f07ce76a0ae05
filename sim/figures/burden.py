"""Burden over time: one line per arm, one panel per tissue."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from sim.analysis.paired import one_of
from sim.analysis.survival import somebody_died
from sim.figures.curves import bands_in_words, by_replicate, draw_arms, medians_at_end, thin_lines_in_words
from sim.figures.doses import Calendar
from sim.figures.layout import EDGE, LABEL_GAP, end_labels, fitted, page, place, several, text_width
from sim.figures.style import TEXT, arm_colour, our_look, readable
from sim.results import Results

LEFT, BELOW = 0.6, 0.45  # inch for axis labels


@our_look()
def burden(results: Results, tissue: str | None = None) -> Figure:
    """Burden over time, with a panel for each tissue.

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
    above = 0.3 if len(results.tissues) > 1 else 0.1  # inch for the title
    names = {arm: fitted(arm, 1.5) for arm in results.arms}
    label = LABEL_GAP + max(text_width(name) for name in names.values())
    width = max(4.0, LEFT + 2.5 + label + EDGE)
    height = max(3.0, BELOW + above + 0.155 * sum(name.count("\n") + 1 for name in names.values()))
    calendar = Calendar(results, results.arms, label)
    height += calendar.height
    columns = min(3, len(tissues))
    rows = math.ceil(len(tissues) / columns)
    runs = {key: table for key, table in results.timeseries.groupby(["arm", "tissue"], sort=False)}
    figure, foot = page(results, columns * width, rows * height, _caption(results, tissues) + calendar.in_words())
    for i, each in enumerate(tissues):
        row, column = divmod(i, columns)
        size = (width - LEFT - label - EDGE, height - BELOW - above - calendar.height)
        left, bottom = column * width + LEFT, foot + (rows - 1 - row) * height + BELOW
        axes = place(figure, left, bottom, *size)
        lines = {arm: by_replicate(runs[arm, each], "burden") for arm in results.arms if (arm, each) in runs}
        draw_arms(axes, results, lines)
        axes.set(xlabel="day", ylabel="burden (% of resident cells senescent)")
        colours = [arm_colour(results, arm) for arm in lines]
        inks = [readable(colour) for colour in colours]
        end_labels(axes, size, medians_at_end(lines), [names[arm] for arm in lines], inks, colours)
        calendar.draw(figure, axes, left, bottom + size[1], size[0])
        title = each if len(results.tissues) > 1 else ""
        axes.set_title(title, loc="left", weight="bold", size=TEXT, pad=6.0 + 72.0 * calendar.height)
    return figure


def _caption(results: Results, tissues: list[str]) -> str:
    shown = results.timeseries[results.timeseries["tissue"].isin(tissues)]
    counts = [int(n) for n in shown.groupby("arm", sort=False)["replicate"].nunique()] or [0]
    alive = " Of those who are alive." if somebody_died(results) else ""
    where = f", {tissues[0]}" if len(tissues) < len(results.tissues) else ""
    most, arms = max(counts), len(counts)
    return (
        f"{results.manifest['scenario']}{where}: burden, {bands_in_words(most, arms)}{several(counts, 'replicate')}"
        f"{' per arm' if most > 1 else ''}{thin_lines_in_words(most, arms)}.{alive}"
    )
