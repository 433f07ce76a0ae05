"""Drugs over time: the concentration of each in a tissue, and below it what it does there."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from sim.analysis.paired import chosen_tissue
from sim.analysis.treatment import effects_of, given_doses
from sim.errors import ResultsError
from sim.figures.curves import bands_in_words, by_replicate, dashes_in_words, draw_arms, medians_at_end
from sim.figures.doses import Calendar
from sim.figures.layout import EDGE, LABEL_GAP, end_labels, fitted, page, place, text_height, text_width
from sim.figures.style import TEXT, Picture, arm_colour, our_look, readable
from sim.results import Results
from sim.scenario.drug import BOOSTS, HAZARDS

LEFT, BELOW, ABOVE = 0.9, 0.45, 0.12  # inch around the panels of a drug
WIDTH, HEIGHT = 2.5, 0.9  # inch, of a panel
TALLER = 1.25  # inch, at least: the panel of the concentration
BETWEEN = 0.3  # inch between panels, for the title of the lower one


@our_look()
def drugs(results: Results, tissue: str | None = None) -> Figure:
    """Concentration and effects of every drug that was given, one column of panels each.

    Lines are means over the time since the row before, hence steps: medians of the replicates of an arm that were given
    the drug.

    Parameters
    ----------
    results : Results
        Tables of an experiment.
    tissue : str, optional
        The first one if not given.

    Raises
    ------
    ResultsError
        If there is no such tissue, or no drug was given.
    """
    tissue = chosen_tissue(results, tissue, "drugs")
    columns = _columns(results, tissue)
    if not columns:
        raise ResultsError("drugs: none kept: concentrations of a drug, none was given")
    per_row = min(3, len(columns))
    lines = [columns[i : i + per_row] for i in range(0, len(columns), per_row)]
    widths = [max(line[i].width for line in lines if i < len(line)) for i in range(per_row)]
    heights = [max(each.height for each in line) for line in lines]
    figure, foot = page(results, sum(widths), sum(heights), _caption(results, tissue, columns))
    top = foot + sum(heights)
    for line, height in zip(lines, heights, strict=True):
        for i, each in enumerate(line):
            each.draw(figure, results, sum(widths[:i]), top)
        top -= height
    return figure


@dataclass(frozen=True)
class _Column:
    """One drug: its arms, and its panels from top to bottom."""

    drug: str
    names: dict[str, str]  # of the arms that were given it, as they are written
    panels: list[tuple[str, str, dict[str, pd.DataFrame]]]  # title, unit, lines
    calendar: Calendar
    title: str

    @property
    def width(self) -> float:
        return LEFT + WIDTH + LABEL_GAP + max(text_width(name) for name in self.names.values()) + EDGE

    @property
    def first(self) -> float:
        """Height of the panel of the concentration, where the names of the arms stand."""
        return max(TALLER, sum(text_height(name) + 0.01 for name in self.names.values()))

    @property
    def height(self) -> float:
        below = (len(self.panels) - 1) * (BETWEEN + HEIGHT) + BELOW
        return ABOVE + text_height(self.title) + self.calendar.height + self.first + below

    def draw(self, figure: Picture, results: Results, left: float, top: float) -> None:
        """All panels, with the upper left corner at (left, top)."""
        top -= ABOVE + text_height(self.title) + self.calendar.height
        for i, (title, unit, lines) in enumerate(self.panels):
            size = (WIDTH, self.first if i == 0 else HEIGHT)
            axes = place(figure, left + LEFT, top - size[1], *size)
            draw_arms(axes, results, lines, means=True, dashed=True)
            axes.set_ylabel(fitted(unit, size[1]))
            axes.locator_params(axis="y", nbins=4)
            if i == 0:
                colours = [arm_colour(results, arm) for arm in lines]
                inks = [readable(colour) for colour in colours]
                end_labels(axes, size, medians_at_end(lines), list(self.names.values()), inks, colours)
                self.calendar.draw(figure, axes, left + LEFT, top, WIDTH)
            heavy, pad = ("bold", 4.0 + 72.0 * self.calendar.height) if i == 0 else ("normal", 3.0)
            axes.set_title(self.title if i == 0 else title, loc="left", weight=heavy, size=TEXT, pad=pad)
            top -= size[1] + BETWEEN
            axes.tick_params(labelbottom=i == len(self.panels) - 1)
        axes.set_xlabel("day")


def _columns(results: Results, tissue: str) -> list[_Column]:
    table, given = results.timeseries[results.timeseries["tissue"] == tissue], given_doses(results)
    columns = []
    for drug, doses in given.groupby("drug", sort=False):
        if f"conc_{drug}" not in table:
            continue
        arms = [arm for arm in results.arms if (doses["arm"] == arm).any()]
        runs = {arm: sorted(doses.loc[doses["arm"] == arm, "replicate"].unique()) for arm in arms}
        names = {arm: fitted(_name(table, arm, treated), 1.5) for arm, treated in runs.items()}
        unit = f"mean concentration since the row before ({doses['unit'].iloc[0]})"
        panels = [("", unit, _lines(table, runs, f"conc_{drug}"))]
        panels += [
            (fitted(name, WIDTH), unit_of(kind), _lines(table, runs, column, float(kind in BOOSTS)))
            for column, (name, kind) in effects_of(results, str(drug)).items()
        ]
        label = LABEL_GAP + max(text_width(name) for name in names.values())
        calendar = Calendar(results, arms, label, str(drug))
        columns.append(_Column(str(drug), names, panels, calendar, fitted(str(drug), WIDTH, TEXT, "bold")))
    return columns


def _name(table: pd.DataFrame, arm: str, treated: list[int]) -> str:
    """An arm, and how many of its replicates were given the drug where not all were."""
    n = table.loc[table["arm"] == arm, "replicate"].nunique()
    return arm if len(treated) == n else f"{arm} ({len(treated)} of {n} runs)"


def _lines(table: pd.DataFrame, runs: dict[str, list[int]], column: str, add: float = 0.0) -> dict[str, pd.DataFrame]:
    """A column, plus a number, of the replicates `runs` by arm."""
    return {
        arm: add + by_replicate(table[(table["arm"] == arm) & table["replicate"].isin(treated)], column).fillna(0.0)
        for arm, treated in runs.items()
    }


def unit_of(kind: str) -> str:
    """The unit of an effect of this kind; of boosts one plus the gain is shown."""
    if kind in HAZARDS:
        return "hazard (1/d)"
    return "fold" if kind in BOOSTS else "share"


def _caption(results: Results, tissue: str, columns: list[_Column]) -> str:
    where = f", {tissue}" if len(results.tissues) > 1 else ""
    most = max(wide.shape[1] for each in columns for wide in each.panels[0][2].values())
    words = max((each.calendar.in_words() for each in columns), key=len)
    band = bands_in_words(most).removesuffix(" of ")
    words += dashes_in_words(each.panels[0][2] for each in columns)
    return (
        f"{results.manifest['scenario']}{where}: concentrations of drugs and, below, their effects; means over the "
        f"time since the row before{', ' + band + ' of the replicates that were given it' if band else ''}.{words}"
    )
