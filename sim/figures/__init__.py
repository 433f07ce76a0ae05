"""Figures from tables: tissues, arms and treatments. Each is a Matplotlib figure that can be edited and saved.

>>> figure = results.plot.burden()
>>> figure.axes[0].set_ylim(0, 10)
>>> figure.savefig("burden.pdf")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from sim.analysis import study as studies
from sim.analysis.luck import shared_luck
from sim.analysis.organism_lines import FEW_TISSUES
from sim.analysis.paired import ENOUGH_FOR_RATIO, baselines
from sim.analysis.stored_maps import places_known, shared_replicates
from sim.analysis.survival import somebody_died
from sim.analysis.times import wounds
from sim.analysis.treatment import given_doses, harm
from sim.analysis.turnover import cohorts, cohorts_by_arm
from sim.figures.attribution import reproduction
from sim.figures.body_map import body_map
from sim.figures.burden import burden
from sim.figures.causes import causes
from sim.figures.channels import channel_differences
from sim.figures.closure import closure
from sim.figures.difference import difference
from sim.figures.drugs import drugs
from sim.figures.early_warning import early_warning
from sim.figures.exposure import exposure
from sim.figures.film import Movie
from sim.figures.forest import forest
from sim.figures.functions import functions, has_functions
from sim.figures.luck import luck
from sim.figures.maps import maps, shown_layers
from sim.figures.movie import movie
from sim.figures.pigment import pigment, pigmented
from sim.figures.rebound import rebound
from sim.figures.regimens import regimens
from sim.figures.skin import has_skin, skin
from sim.figures.study import study
from sim.figures.style import save_each
from sim.figures.survival import survival
from sim.figures.trade_off import trade_off
from sim.figures.turnover import turnover
from sim.results import Results

__all__ = [
    "Plots", "body_map", "burden", "causes", "channel_differences", "closure", "difference", "drugs", "early_warning",
    "exposure", "forest", "functions", "luck", "maps", "movie", "pigment", "rebound", "regimens", "reproduction",
    "save_all",    "skin", "study", "survival", "trade_off", "turnover",
]  # fmt: skip


TALL = 4  # arms in one column of maps; with more, each layer has a file of its own


class Plots:
    """Figures of some `results`: ``results.plot.burden()``.

    All of them take the same words: `tissue`, the first one if not given; `replicate`, whose maps; `days` of maps [d];
    `layer` or `layers`, as ``record.maps`` names them; `arm` or `arms`, all if not given; `baseline`, the arm to
    compare with, as in `sim.compare`; `outcome` or `outcomes`, columns of the tables; `factor`, SASP if not given;
    `cause` or `event`, by name; `lag` and `window` [d].
    """

    def __init__(self, results: Results) -> None:
        self._results = results

    def burden(self, tissue: str | None = None) -> Figure:
        """Burden over time: median and central 80 % of the replicates per arm; a panel per tissue."""
        return burden(self._results, tissue)

    def body_map(self, days: Sequence[float] | None = None) -> Figure:
        """Mean burden of the tissues on a drawn mouse: arms as columns, days as rows."""
        return body_map(self._results, days)

    def functions(self) -> Figure:
        """Outcomes of the individual and functions of its tissues over time."""
        return functions(self._results)

    def maps(self, replicate: int = 0, tissue: str | None = None, layers: Sequence[str] | None = None) -> Figure:
        """Maps of a replicate: arms as rows, days as columns, a block per layer (default: state, factors)."""
        return maps(self._results, replicate, tissue, layers)

    def movie(
        self,
        layer: str = "state",
        replicate: int = 0,
        tissue: str | None = None,
        arms: Sequence[str] | None = None,
    ) -> Movie:
        """A layer of a replicate from day to day, arms side by side; to `save` as GIF or MP4, or to show."""
        return movie(self._results, layer, replicate, tissue, arms)

    def skin(self, replicate: int = 0, tissue: str | None = None) -> Figure:
        """Melanin of a replicate as a picture of skin: arms as rows, days as columns."""
        return skin(self._results, replicate, tissue)

    def pigment(self, tissue: str | None = None) -> Figure:
        """Spot area, contrast and lightness over time, and what tells the mechanisms of actives apart."""
        return pigment(self._results, tissue)

    def causes(self, tissue: str | None = None) -> Figure:
        """New senescent cells since day 0, stacked by cause; a panel per arm."""
        return causes(self._results, tissue)

    def reproduction(self, tissue: str | None = None, window: float | None = None) -> Figure:
        """R_s(t): cells that a senescent cell turns before it goes, by cause; a panel per arm."""
        return reproduction(self._results, tissue, window)

    def channels(self) -> Figure:
        """What tells the channels of spread apart, SASP and drift: a panel per observable of `sim.channels`."""
        return channel_differences(self._results)

    def difference(
        self,
        arm: str | None = None,
        baseline: str | None = None,
        tissue: str | None = None,
        replicate: int | None = None,
    ) -> Figure:
        """Cells that each arm (or one) saved and induced against its baseline, on the days of the maps."""
        return difference(self._results, arm, baseline, tissue, replicate)

    def drugs(self, tissue: str | None = None) -> Figure:
        """Concentration of each drug that was given over time, and below it its effects."""
        return drugs(self._results, tissue)

    def regimens(self) -> Figure:
        """Which doses were given on which days: a row per arm and treatment."""
        return regimens(self._results)

    def exposure(self, tissue: str | None = None, factor: str | None = None) -> Figure:
        """Burden on the last day and exposure to a factor (SASP), per arm and against its baseline."""
        return exposure(self._results, tissue, factor)

    def trade_off(self, tissue: str | None = None) -> Figure:
        """Reduction of burden against healthy cells that drugs killed or made senescent, per arm."""
        return trade_off(self._results, tissue)

    def rebound(self, tissue: str | None = None, factor: str | None = None) -> Figure:
        """Time to 50 % rebound of burden and of a factor (SASP) after the last dose, per arm."""
        return rebound(self._results, tissue, factor)

    def turnover(self, cause: str | None = None, tissue: str | None = None, **how: Any) -> Figure:
        """Cells that an event made senescent and their net excess over time; `how` as of `sim.turnover`."""
        return turnover(self._results, cause, tissue, **how)

    def early_warning(self, tissue: str | None = None, lag: float | None = None, window: float | None = None) -> Figure:
        """Burden, its variance and its autocorrelation over time; days as of `sim.early_warning`."""
        return early_warning(self._results, tissue, lag, window)

    def closure(self, event: str | None = None) -> Figure:
        """Share of a wound that is still open, from the wound on."""
        return closure(self._results, event)

    def survival(self) -> Figure:
        """Share of the individuals alive by age, and the numbers at risk."""
        return survival(self._results)

    def study(self, tissue: str | None = None, **design: Any) -> Figure:
        """What a lab would measure: arms as they are and through a marker; `design` as of `sim.study`."""
        return study(self._results, studies.study(self._results, **design), tissue)

    def forest(
        self, baseline: str | None = None, outcomes: Sequence[str] = ("burden",), tissue: str | None = None
    ) -> Figure:
        """Paired differences of all arms from their baselines with their intervals; a panel per outcome."""
        return forest(self._results, baseline, outcomes, tissue)

    def luck(self, tissue: str | None = None, outcome: str = "burden", baseline: str | None = None) -> Figure:
        """How many times fewer replicates a paired difference needs than an unpaired one, over time."""
        return luck(self._results, tissue, outcome, baseline)

    def __repr__(self) -> str:
        names = [name for name in vars(Plots) if not name.startswith("_")]
        return f"figures of these results: {' '.join(f'.{name}()' for name in names)}"


def save_all(results: Results, folder: str | Path) -> list[Path]:
    """Write every figure that these results allow into `folder`, as PNG (150 dpi) and as SVG (text as text).

    Maps and difference need stored maps, the difference two arms; causes counted cells; reproduction attribution;
    turnover cells that an irradiation tagged; luck five pairs of replicates; drugs need doses that were given,
    exposure, trade_off and rebound two arms besides, trade_off also a healthy cell that a drug harmed, closure a wound,
    survival a death, body_map several tissues, functions a function or an outcome, outcomes an outcome and two arms,
    pigment a tissue with pigment, skin also maps of melanin. Where there are several tissues, all but survival,
    body_map, functions, outcomes, burden and closure have the tissue in their name; of more than two, they are those of
    the first one, and `Plots` draws the others. Maps of many arms are one file per layer.

    Returns
    -------
    list of Path
        The files, in the order survival, burden, body_map, functions, outcomes, maps, skin, pigment, causes,
        reproduction, turnover, difference, luck, drugs, exposure, trade_off, rebound, closure.

    Raises
    ------
    ResourceError
        If the folder cannot be written.
    """
    return save_each(possible(results), folder)


def main_tissue(results: Results) -> str:
    """The tissue that the first outside event hits; the first one where nothing happens."""
    hit = results.events["tissue"] if len(results.events) else []
    return next((tissue for tissue in hit if tissue in results.tissues), results.tissues[0])


def possible(results: Results) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """File name and drawing of each figure of `save_all`."""
    shown = results.tissues if len(results.tissues) <= FEW_TISSUES else [main_tissue(results)]
    plots, end = Plots(results), {tissue: f"-{tissue}" for tissue in shown}
    if len(results.tissues) == 1:
        end = {results.tissues[0]: ""}
    mapped = {
        t: r
        for _, r, t in sorted(results.map_keys, key=lambda key: -key[1])
        if t in end and places_known(results, t, r)
    }
    if somebody_died(results):
        yield "survival", plots.survival
    if len(results.timeseries):
        yield "burden", plots.burden
        yield from _of_organism(results, plots)
    for tissue, replicate in mapped.items():
        layers = shown_layers(results, replicate, tissue)
        apart = len(layers) > 1 and len(results.arms) > TALL
        for names in [[each] for each in layers] if apart else [layers]:
            name = f"maps{end[tissue]}{f'-{names[0]}' if apart else ''}"
            yield name, lambda r=replicate, t=tissue, n=names: plots.maps(r, t, n)  # type: ignore[misc]
    yield from _of_pigment(results, plots, end, mapped)
    for tissue in end if any(name.startswith("cum_") for name in results.timeseries) else []:
        yield f"causes{end[tissue]}", lambda t=tissue: plots.causes(t)  # type: ignore[misc]
        if any(name.startswith("by_") for name in results.timeseries):
            yield f"reproduction{end[tissue]}", lambda t=tissue: plots.reproduction(t)  # type: ignore[misc]
    yield from _of_cohorts(results, plots, end)
    for tissue in mapped if len(results.arms) > 1 else {}:
        if any(shared_replicates(results, arm, base, tissue) for arm, base in baselines(results).items()):
            yield f"difference{end[tissue]}", lambda t=tissue: plots.difference(tissue=t)  # type: ignore[misc]
    ratios = (
        shared_luck(results).query(f"n >= {ENOUGH_FOR_RATIO}").dropna() if len(results.timeseries) else pd.DataFrame()
    )
    for tissue in (each for each in ratios["tissue"].unique() if each in end) if len(ratios) else []:
        yield f"luck{end[tissue]}", lambda t=tissue: plots.luck(t)  # type: ignore[misc]
    yield from _of_treatments(results, plots, end)


def _of_pigment(
    results: Results, plots: Plots, end: dict[str, str], mapped: dict[str, int]
) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """The same for skin."""
    for tissue in (each for each in pigmented(results) if each in end):
        if tissue in mapped and has_skin(results, mapped[tissue], tissue):
            yield f"skin{end[tissue]}", lambda t=tissue, r=mapped[tissue]: plots.skin(r, t)  # type: ignore[misc]
        yield f"pigment{end[tissue]}", lambda t=tissue: plots.pigment(t)  # type: ignore[misc]


def _of_organism(results: Results, plots: Plots) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """The same for the individual as a whole."""
    if len(results.tissues) > 1:
        yield "body_map", plots.body_map
    if has_functions(results):
        yield "functions", plots.functions
    outcomes = [name for name in results.manifest.get("outcomes", {}) if name in results.organism]
    if outcomes and len(results.arms) > 1:
        yield "outcomes", lambda: plots.forest(outcomes=outcomes)


def _of_cohorts(results: Results, plots: Plots, end: dict[str, str]) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """The same for cells that an irradiation tagged, where all arms that have some were watched for two rows."""
    tagged = cohorts(results, ("irradiation",))
    for cause in tagged:
        for tissue in end:
            found = cohorts_by_arm(results, cause, None, tissue).values()
            if not found or min(cohort.days.size for cohort in found) < 2:
                continue
            name = f"turnover-{cause}" if len(tagged) > 1 else "turnover"
            yield f"{name}{end[tissue]}", lambda c=cause, t=tissue: plots.turnover(c, t)  # type: ignore[misc]


def _of_treatments(results: Results, plots: Plots, end: dict[str, str]) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """The same for what drugs and wounds did."""
    drawings = [plots.drugs, plots.exposure, plots.trade_off, plots.rebound] if len(given_doses(results)) else []
    cost = harm(results).query("harm > 0")["tissue"].unique() if drawings and len(results.arms) > 1 else []
    for draw in drawings[: len(drawings) if len(results.arms) > 1 else 1]:
        for tissue in end:
            if draw == plots.trade_off and tissue not in cost:
                continue
            if draw == plots.drugs and not any(name.startswith("conc_") for name in results.timeseries):
                continue  # well-mixed individuals share one calendar, and keep no concentrations
            yield f"{draw.__name__}{end[tissue]}", lambda d=draw, t=tissue: d(tissue=t)  # type: ignore[misc]
    of_event = wounds(results)
    for event in of_event:
        name = f"closure-{event}" if len(of_event) > 1 else "closure"
        yield name, lambda e=event: plots.closure(e)  # type: ignore[misc]
