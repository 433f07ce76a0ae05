"""Space and its mean field over time: one line per arm each, one panel per tissue."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from sim.analysis.twin import Pair
from sim.figures.curves import by_replicate, draw_arms, medians_at_end
from sim.figures.layout import EDGE, LABEL_GAP, end_labels, fitted, page, place, several, text_width
from sim.figures.style import INK, TEXT, arm_colour, our_look, readable

LEFT, BELOW = 0.6, 0.45  # inch for axis labels
DOTS = (0, (1.5, 1.2))


@our_look()
def twin(pair: Pair) -> Figure:
    """Burden in space (line: median, band: central 80 %) and the median of its mean field (dotted)."""
    results, tissues = pair.space, pair.space.tissues
    above = 0.3 if len(tissues) > 1 else 0.1
    names = {arm: fitted(arm, 1.5) for arm in results.arms}
    label = LABEL_GAP + max(text_width(name) for name in names.values())
    width, height = max(4.0, LEFT + 2.5 + label + EDGE), 3.0
    columns = min(3, len(tissues))
    rows = math.ceil(len(tissues) / columns)
    figure, foot = page(results, columns * width, rows * height, _caption(pair))
    runs, fields = (
        {key: table for key, table in each.timeseries.groupby(["arm", "tissue"], sort=False)}
        for each in (results, pair.mean_field)
    )
    for i, tissue in enumerate(tissues):
        row, column = divmod(i, columns)
        size = (width - LEFT - label - EDGE, height - BELOW - above)
        axes = place(figure, column * width + LEFT, foot + (rows - 1 - row) * height + BELOW, *size)
        lines = {arm: by_replicate(runs[arm, tissue], "burden") for arm in results.arms if (arm, tissue) in runs}
        draw_arms(axes, results, lines)
        top = axes.get_ylim()[1]
        for arm in lines:
            median = by_replicate(fields[arm, tissue], "burden").median(axis=1)
            axes.plot(median.index, median, color=INK, ls=DOTS, lw=1.3, zorder=5)
            top = max(top, 1.06 * float(median.max()))
        axes.set_ylim(0.0, top)
        axes.set(xlabel="day", ylabel="burden (% of resident cells senescent)")
        colours = [arm_colour(results, arm) for arm in lines]
        inks = [readable(colour) for colour in colours]
        end_labels(axes, size, medians_at_end(lines), [names[arm] for arm in lines], inks, colours)
        axes.set_title(tissue if len(tissues) > 1 else "", loc="left", weight="bold", size=TEXT)
    return figure


def _caption(pair: Pair) -> str:
    counts = [
        [int(n) for n in each.timeseries.groupby("arm", sort=False)["replicate"].nunique()]
        for each in (pair.space, pair.mean_field)
    ]
    return (
        f"{pair.space.manifest['scenario']}: burden in space, median (line) and central 80 % (band) of "
        f"{several(counts[0], 'replicate')} per arm; dotted: median of the mean field, "
        f"{several(counts[1], 'individual')} per arm. Of those who are alive."
    )
