"""Senescence as a marker shows it: what share of the cells is marked, and what that says of the true share.

Read-outs of a lab, not of the model: every burden here is a percentage of marked cells among the cells that are there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.analysis import treatment
from sim.analysis.causes import turning_causes
from sim.analysis.onset import share_in_window
from sim.analysis.paired import one_of
from sim.errors import ResultsError
from sim.results import KEYS, Results
from sim.scenario.ledger import library_rows
from sim.scenario.library import library
from sim.scenario.load import from_dict
from sim.scenario.marker import Marker, library_marker
from sim.scenario.schema import Settings

Floats = npt.NDArray[np.float64]
RUN = treatment.RUN
ALL = ""  # in place of a cell type: cells of all types together
Z95 = 1.959963984540054

# ------------------------------------------------------------------------------------------------ one fraction


def apparent(fraction: npt.ArrayLike, sensitivity: float, specificity: float) -> Floats:
    r"""Fraction of cells that are marked where `fraction` are senescent.

    .. math:: q = \mathrm{Se}\, p + (1 - \mathrm{Sp}) (1 - p)
    """
    p = np.asarray(fraction, np.float64)
    return sensitivity * p + (1.0 - specificity) * (1.0 - p)


def rogan_gladen(
    n_marked: int, n_counted: int, sensitivity: float, specificity: float, z: float = Z95
) -> tuple[float, float, float]:
    r"""True fraction behind a count of marked cells, with its interval.

    .. math:: p = \frac{q + \mathrm{Sp} - 1}{\mathrm{Se} + \mathrm{Sp} - 1}

    Parameters
    ----------
    n_marked, n_counted : int
        Marked cells, of how many; cells that are independent, from one animal.
    sensitivity, specificity : float
        Of the marker, as if known exactly.
    z : float
        Half-width of the interval in standard errors: 1.96 is 95 %.

    Returns
    -------
    estimate, low, high : float
        Fractions, kept between 0 and 1. The interval is Wilson's for the marked fraction, carried over: it covers as
        often as that one does.

    Raises
    ------
    ResultsError
        If nothing was counted, more is marked than counted, or the marker marks healthy cells as often as others.

    Notes
    -----
    Source: Rogan and Gladen 1978, Am J Epidemiol 107:71, doi 10.1093/oxfordjournals.aje.a112510; interval: Wilson 1927,
    J Am Stat Assoc 22:209.
    """
    if not 0 <= n_marked <= n_counted or n_counted == 0:
        raise ResultsError(f"rogan_gladen: n_marked: must be between 0 and n_counted, got {n_marked} of {n_counted}")
    power = sensitivity + specificity - 1.0
    if not power > 0.0:
        raise ResultsError(f"rogan_gladen: sensitivity: must be more than {1.0 - specificity:g}, got {sensitivity:g}")
    q, weight = n_marked / n_counted, z * z / n_counted
    middle = (q + weight / 2.0) / (1.0 + weight)
    half = z * math.sqrt(q * (1.0 - q) / n_counted + weight / (4.0 * n_counted)) / (1.0 + weight)
    estimate, low, high = ((each + specificity - 1.0) / power for each in (q, middle - half, middle + half))
    return tuple(min(1.0, max(0.0, each)) for each in (estimate, low, high))  # type: ignore[return-value]


# ---------------------------------------------------------------------------------------------------- of a run


def marker_names(results: Results) -> list[str]:
    """Markers of the library and of the scenario."""
    return list(dict.fromkeys([*library("markers"), *(results.scenario.get("markers") or {})]))


def marker_of(results: Results, name: str) -> Marker:
    """A marker as the scenario defines it, or else as the library does; ResultsError if neither does."""
    one_of(name, marker_names(results), "marker")
    stated = (results.scenario.get("markers") or {}).get(name)
    return library_marker(name) if stated is None else Marker.model_validate(stated)


def marker_in_words(results: Results, name: str) -> str:
    """``p16: sensitivity 0.7 (ASSUMED), specificity 0.998 (computed), ...``."""
    marker = marker_of(results, name)
    words = {"sensitivity": f"{marker.sensitivity:g}", "specificity": f"{marker.specificity:g}"}
    if marker.senescent_from > 0.0:
        words["senescent_from"] = f"{marker.senescent_from:g} d"
    if math.isfinite(marker.senescent_until):
        words["senescent_until"] = f"{marker.senescent_until:g} d"
    bundled = {row.path: row.confidence for row in library_rows("markers", name)} if name in library("markers") else {}
    told = []
    for key, value in words.items():
        ours = key in bundled and getattr(library_marker(name), key) == getattr(marker, key)
        trust = bundled[key] if ours else "set in the scenario"
        told.append(f"{key.replace('_', ' ')} {value} ({'ASSUMED' if trust == 'assumed' else trust})")
    return f"{name}: {', '.join(told)}"


def fractions(results: Results) -> dict[str, str]:
    """Outcomes that are fractions of cells, to the cell type that they count: ``burden``, ``burden_<type>``."""
    types = _types(results.timeseries)
    return {"burden": ALL} | ({f"burden_{kind}": kind for kind in types} if len(types) > 1 else {})


def _types(rows: pd.DataFrame) -> list[str]:
    found = (re.fullmatch(r"n_(.+)_senescent", name) for name in rows)
    return [match[1] for match in found if match]


class ReadOut:
    """The time series of an outcome, as it is and as a marker shows it where every cell is looked at.

    Attributes
    ----------
    rows : DataFrame
        The time series, by day.
    marker : Marker
    kinds : list of str
        Cell types that are counted; `ALL` where they need not be told apart.
    of_one_type : bool
        Whether cells of other types are left out.
    """

    def __init__(self, results: Results, marker: str, outcome: str = "burden") -> None:
        kind = fractions(results)[one_of(outcome, fractions(results), "marker: outcome")]
        if results.manifest.get("past"):
            raise ResultsError(
                f"marker: {marker}: must be read in a run from day 0, because tables of a branch do not say when older "
                "cells turned, got a branch"
            )
        self.results, self.marker = results, marker_of(results, marker)
        self.rows = results.timeseries.sort_values("day", kind="stable", ignore_index=True)
        apart = [each for each in _types(self.rows) if each in self.marker.types]
        self.of_one_type = kind != ALL
        self.kinds = [kind] if self.of_one_type or not apart else _types(self.rows)

    def counts(self, kind: str, state: str) -> Floats:
        """Cells of a type in a state, row by row."""
        name = f"n_{kind}_{state}" if kind else f"n_{state}"
        return self.rows[name].to_numpy(np.float64)

    def chance(self, kind: str, state: str) -> Floats:
        """Probability that a cell of a type in a state is marked, row by row."""
        sensitivity, specificity = self.marker.of_type(kind)
        if state == "healthy":
            return np.full(len(self.rows), 1.0 - specificity)
        return apparent(self.in_window, sensitivity, specificity)

    @cached_property
    def arms(self) -> Mapping[str, Settings]:
        """The settings of the arms, from the scenario that the results hold."""
        return from_dict(self.results.scenario).arms

    @cached_property
    def in_window(self) -> Floats:
        """Share of the senescent cells that turned as long ago as the marker needs, row by row.

        Of all cell types together, also for an outcome of one type: tables do not tell by type when cells turned.
        """
        if self.marker.always:
            return np.ones(len(self.rows))
        causes, share = turning_causes(self.results), np.zeros(len(self.rows))
        for (arm, _, tissue), rows in self.rows.groupby(RUN, sort=False):
            share[rows.index] = share_in_window(
                rows["day"].to_numpy(np.float64),
                rows["n_senescent"].to_numpy(np.float64),
                rows[[f"new_{cause}" for cause in causes]].to_numpy(np.float64),
                np.array([_age_at_entry(self.arms[arm], tissue, cause) for cause in causes]),
                self.marker.senescent_from,
                self.marker.senescent_until,
            )
        return share

    @cached_property
    def n_cells(self) -> Floats:
        """Cells that are there, row by row."""
        return sum((self.counts(kind, state) for kind in self.kinds for state in STATES), np.zeros(len(self.rows)))

    def marked_in(self, state: str) -> Floats:
        """Expected share of marked cells among those in a state, row by row; that of `ALL` where there are none."""
        cells = sum((self.counts(kind, state) for kind in self.kinds), np.zeros(len(self.rows)))
        marked = sum((self.counts(kind, state) * self.chance(kind, state) for kind in self.kinds), np.zeros(len(cells)))
        return np.where(cells > 0.0, marked / np.where(cells > 0.0, cells, 1.0), self.chance(ALL, state))

    @cached_property
    def truth(self) -> Floats:
        """Senescent among the cells that are there [%], row by row."""
        senescent = sum((self.counts(kind, "senescent") for kind in self.kinds), np.zeros(len(self.rows)))
        return _percent(senescent, self.n_cells)

    @cached_property
    def seen(self) -> Floats:
        """Expected share of marked cells [%], row by row."""
        marked = [self.counts(kind, state) * self.chance(kind, state) for kind in self.kinds for state in STATES]
        return _percent(sum(marked, np.zeros(len(self.rows))), self.n_cells)


STATES = ("healthy", "senescent")


def _percent(part: Floats, whole: Floats) -> Floats:
    return 100.0 * part / np.maximum(whole, 1.0)


def _age_at_entry(settings: Settings, tissue: str, cause: str) -> float:
    """Time since they turned of cells that come in by a cause [d]: those at the start, and grafts, are old already."""
    if cause == "initial":
        return settings.tissues[tissue].initial.since_onset
    event = settings.events.get(cause)
    return event.since_onset if event is not None and event.kind == "graft" else 0.0


# ---------------------------------------------------------------------------------------------------- outcomes


def marker_outcomes(results: Results) -> Mapping[str, Callable[[], pd.DataFrame]]:
    """Every fraction of cells as every marker shows it, by name, in the form of `sim.analysis.outcomes.derived`.

    ``burden_as_p16``, on the last day, and ``mean_burden_as_p16``, averaged over time [%]: tables ``arm replicate
    tissue`` with a column of that name. They are expectations, as if every cell were looked at; what a study of some
    size would see is the matter of `sim.analysis.study`. Each takes some 50 ms per run where a marker needs time (to
    follow cohorts), so they are for those who ask, not for every run of a sweep.
    """
    if not {"n_healthy", "n_senescent"} <= set(results.timeseries):
        return {}
    found: dict[str, Callable[[], pd.DataFrame]] = {}
    for outcome in fractions(results):
        for marker in marker_names(results):
            name = f"{outcome}_as_{marker}"
            found[name] = lambda n=name, o=outcome, m=marker: _last(results, n, o, m)  # type: ignore[misc]
            mean = f"mean_{name}"
            found[mean] = lambda n=mean, o=outcome, m=marker: _mean(results, n, o, m)  # type: ignore[misc]
    return found


def _last(results: Results, name: str, outcome: str, marker: str) -> pd.DataFrame:
    read_out = ReadOut(results, marker, outcome)
    table = read_out.rows[KEYS].assign(**{name: read_out.seen})
    return table.drop_duplicates(RUN, keep="last", ignore_index=True).drop(columns="day")


def _mean(results: Results, name: str, outcome: str, marker: str) -> pd.DataFrame:
    read_out = ReadOut(results, marker, outcome)
    runs = read_out.rows[KEYS].assign(seen=read_out.seen).groupby(RUN, sort=False)
    means = [treatment.mean_over_time(table["day"], table["seen"]) for _, table in runs]
    return pd.DataFrame([key for key, _ in runs], columns=RUN).assign(**{name: means})
