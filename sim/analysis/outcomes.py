"""Outcomes by name, a value per run: columns of the tables on the last day, and what is derived from all days."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pandas as pd

from sim.analysis import early_warning, times, treatment
from sim.analysis.markers import marker_outcomes
from sim.analysis.paired import Experiment, last_day
from sim.analysis.survival import somebody_died
from sim.errors import ResultsError, did_you_mean
from sim.results import KEYS, Results
from sim.sweeps import RUN_KEYS, SweepResults

RUN = treatment.RUN
BURDEN = "% burden"  # one unit of a factor is its steady level at a uniform burden of 1 %
TIMES = "\N{MULTIPLICATION SIGN}"
MELANIN = ("melanin_mean", "melanin_in_melanocytes", "melanin_in_keratinocytes")
DEGREES = "degrees, like ITA"
UNITS = {"burden": "%", "mean_burden": "%", "whole_body_burden": "%", "lifespan": "d", "vacant": "% of sites",
         "off_target_loss": "% of sites", "off_target": "% of sites", "immune_capacity": "", "tipping_burden": "%",
         "burden_variance": "%\N{SUPERSCRIPT TWO}", "burden_variance_trend": "", "burden_autocorrelation": "",
         "burden_autocorrelation_trend": "", **dict.fromkeys(MELANIN, "of resting skin"), "activation_mean": "",
         "dendrites_mean": "per melanocyte", "spot_area": "% of the area", "spot_contrast": DEGREES,
         "lightness": DEGREES}  # fmt: skip
UNITS_BY_PREFIX = {"burden_": "%", "mean_burden_": "%", "closure_": "d", "exposure_": f"{BURDEN} {TIMES} d",
                   "mean_": BURDEN, "max_": BURDEN, "plasma_": BURDEN, "n_": "cells", "new_": "cells",
                   "cum_": "cells", "gen_": "cells",
                   "open_": "% of its sites"}  # fmt: skip


def with_outcomes(results: Experiment, names: Sequence[str]) -> pd.DataFrame:
    """The last row of every run and tissue, with the derived ones of the outcomes `names` as further columns.

    Of a sweep it is the table of outcomes, which has the derived ones already.

    Raises
    ------
    ResultsError
        If no run has finished, or an outcome is neither a column of the time series nor derived from it.
    """
    rows = results.outcomes if isinstance(results, SweepResults) else results.timeseries
    if rows.empty:
        raise ResultsError("compare: results: must hold a finished run, got none")
    known, table = ({}, rows) if isinstance(results, SweepResults) else (_all_derived(results), last_day(results))
    columns = [name for name in table if name not in (*KEYS, *RUN_KEYS)]
    for name in dict.fromkeys(names):
        if name not in known and name not in columns:
            near = did_you_mean(name, [*known, *columns])
            words = "a column of its outcomes"
            if isinstance(results, Results):
                others = "one through a marker (burden_as_p16), or a column of the time series"
                listed = [each for each in derived(results) if each not in early_warning.OF_RUNS]
                words = f"one of {', '.join(listed)}, an early warning (tipping_burden), {others}"
            raise ResultsError(f"compare: outcomes: must be {words}, got {name}{near}")
        if name in known:
            table = table.drop(columns=name, errors="ignore").merge(known[name](), on=RUN, how="left")
    return table


def open_wounds(results: Experiment, outcomes: Sequence[str]) -> pd.DataFrame:
    """Runs whose wound is still open when they end, so that ``closure_<wound>`` is NaN: the slower ones.

    Returns
    -------
    DataFrame
        ``outcome arm n still_open``: the wounded runs of each arm (of a sweep: at all points together), and those of
        them that end before 90 % of the wound are closed; only of the outcomes of closure with any such run.
    """
    rows = []
    for name in outcomes:
        column = f"open_{name.removeprefix('closure_')}"
        if name.startswith("closure_"):
            table = with_outcomes(results, [name])
            late = table[name].isna() & (table[column] > times.CLOSED)
            runs = table.assign(late=late)[late | table[name].notna()].groupby("arm", sort=False)["late"]
            rows += [
                (name, arm, runs.size()[arm], runs.sum()[arm])
                for arm in results.arms
                if late.any() and arm in runs.groups
            ]
    return pd.DataFrame(rows, columns=["outcome", "arm", "n", "still_open"])


def _all_derived(results: Results) -> dict[str, Callable[[], pd.DataFrame]]:
    """With those through a marker, which a sweep does not keep: they take as long as a small run."""
    return {**derived(results), **marker_outcomes(results)}


def unit(name: str, results: Experiment | None = None) -> str:
    """The unit of an outcome, for an axis; empty for what has none, or one that `results` do not tell."""
    if results is not None and name in (own := results.manifest.get("outcomes", {})):
        return str(own[name])
    prefixed = (each for prefix, each in UNITS_BY_PREFIX.items() if name.startswith(prefix))
    return UNITS[name] if name in UNITS else next(prefixed, "")


def derived(results: Results) -> dict[str, Callable[[], pd.DataFrame]]:
    """Outcomes that no column has, by name: each a table ``arm replicate tissue`` with a column of that name.

    ``mean_burden``, averaged over time [%]; ``exposure_<factor>``, the area under the mean level [level x d];
    ``off_target_loss``, healthy cells killed by drugs [% of sites]; ``closure_<wound>``, days from the wound until 90 %
    of it are closed, NaN where it is still open when the run ends; ``lifespan``, age at death [d], of who lives when
    the run ends that age: a mean of them is restricted to the length of the run; ``whole_body_burden`` [%],
    ``plasma_<factor>`` and the outcomes of the scenario, when last recorded; and the early warnings of a single run,
    such as ``burden_variance`` and ``tipping_burden`` (`sim.analysis.early_warning.of_runs`), where cells are counted
    (not with mode: well_mixed).
    """
    rows = results.timeseries
    factors = [name.removeprefix("mean_") for name in rows if name.startswith("mean_")]
    found: dict[str, Callable[[], pd.DataFrame]] = {"mean_burden": lambda: _mean_burden(results)}
    for factor in factors:
        found[f"exposure_{factor}"] = lambda f=factor: (  # type: ignore[misc]
            treatment.exposure(results, f).rename(columns={"exposure": f"exposure_{f}"})
        )
    if any(name.startswith("cum_off_target_") for name in rows):
        found["off_target_loss"] = lambda: treatment.off_target_loss(results).rename(
            columns={"loss": "off_target_loss"}
        )
    if somebody_died(results):
        found["lifespan"] = lambda: _lifespan(results)
    for name in results.organism.columns.difference([*KEYS, "alive"], sort=False) if len(results.organism) else ():
        found[name] = lambda n=name: _of_organism(results, n)  # type: ignore[misc]
    for wound in times.wounds(results):
        found[f"closure_{wound}"] = lambda w=wound: _closure(results, w)  # type: ignore[misc]
    signals = cache(lambda: early_warning.of_runs(results))  # all at once: they share their windows
    for name in early_warning.OF_RUNS if "n_senescent" in rows else ():
        found[name] = lambda n=name: signals()[[*RUN, n]]  # type: ignore[misc]
    return found


def _mean_burden(results: Results) -> pd.DataFrame:
    return treatment.area_under(results, "burden")[[*RUN, "mean"]].rename(columns={"mean": "mean_burden"})


def _lifespan(results: Results) -> pd.DataFrame:
    ages = results.individuals[["arm", "replicate", "age"]].rename(columns={"age": "lifespan"})
    return _everywhere(results, ages)


def _of_organism(results: Results, name: str) -> pd.DataFrame:
    """A column of the table of the organism on the last day of every run."""
    last = results.organism.sort_values("day", kind="stable").drop_duplicates(["arm", "replicate"], keep="last")
    return _everywhere(results, last[["arm", "replicate", name]])


def _everywhere(results: Results, of_individuals: pd.DataFrame) -> pd.DataFrame:
    """The same in every tissue."""
    return results.timeseries[RUN].drop_duplicates().merge(of_individuals, on=["arm", "replicate"])


def _closure(results: Results, wound: str) -> pd.DataFrame:
    """In the tissue that was wounded only."""
    rows = results.timeseries
    wounded = rows.loc[rows[f"open_{wound}"] > 0.0, RUN].drop_duplicates()
    table = times.closure(results, wound)[["arm", "replicate", "healing"]].replace(np.inf, np.nan)
    return wounded.merge(table, on=["arm", "replicate"]).rename(columns={"healing": f"closure_{wound}"})
