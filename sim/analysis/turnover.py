"""Turnover of senescent cells: how fast a tagged cohort goes, beside how fast its excess over a control does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.analysis.bootstrap import expanded_tail, jackknife_error, weights
from sim.analysis.paired import chosen_tissue, one_of
from sim.analysis.reproduction import jackknife_interval, over
from sim.analysis.switches import control_of
from sim.errors import ResultsError
from sim.results import Results

Floats = npt.NDArray[np.float64]

TAG = "due_to_"  # columns: cells that are senescent now, by what turned them
CLEARED = "cleared_"  # columns: cells that immune cells removed so far, by what had turned them
REMOVALS = ("immunity", "all")
LEFT = 0.1  # share of the cohort down to which its rate is read, where nobody says until when
COLUMNS = [
    "arm", "tissue", "cause", "n", "start", "end", "n_cells", "lost", "rate", "rate_low", "rate_high", "rate_error",
    "half_life", "low", "high", "error", "half_gone", "half_gone_low", "half_gone_high",
    "control", "excess", "excess_half_life", "excess_low", "excess_high",
]  # fmt: skip


class Cohort(NamedTuple):
    """A tagged cohort in one arm and tissue, from the day on which its last cell had turned.

    Attributes
    ----------
    days : (k,) array
        Rows of the tables that all replicates have [d].
    standing : (n, k) array
        Cells of the cohort that are still senescent, per replicate.
    lost : (n, k) array
        Cells that were removed since the row before; 0 on the first day.
    excess : (m, k) array or None
        Burden beyond that of the same replicate of the control [points].
    control : str
        That arm; empty without one.
    """

    days: Floats
    standing: Floats
    lost: Floats
    excess: Floats | None
    control: str

    @property
    def share(self) -> Floats:
        """Share of the pooled cohort that is still there, (k,): the product limit of the counts."""
        return survival(self.standing.sum(axis=0), self.lost.sum(axis=0))


def turnover(
    results: Results,
    cause: str | None = None,
    control: str | Mapping[str, str] | None = None,
    window: tuple[float, float] | None = None,
    tissue: str | None = None,
    level: float = 0.95,
    by: str = "immunity",
) -> pd.DataFrame:
    r"""Half-life of the cells that an event made senescent, read from the cohort itself, and from its net excess.

    .. math:: \hat\lambda = \frac{\sum \text{cells lost}}{\sum \int N\, dt}, \qquad
              t_{1/2} = \frac{\ln 2}{\hat\lambda}

    the maximum likelihood of an exponential, sums over the replicates of an arm. Losses are cells of the cohort that
    immune cells removed (mean field or patrols, ``cleared_CAUSE``); cells that go for another reason (own death, drugs,
    the fluctuation of the body) are watched until they go. The integral is a trapezium over the rows of the tables.

    Parameters
    ----------
    results : Results
        Tables with a column ``due_to_CAUSE``: cells that are senescent now, by what turned them.
    cause : str, optional
        The event that tags its cells; the first one with a cohort if not given.
    control : str or mapping of arm to arm, optional
        The arm without the event; if not given, the one that is the same but for it.
    window : pair of float, optional
        Days from and to which the rate is read; if not given, from the row in which the last cell of the cohort turns
        until a tenth of the pooled cohort is left or the run ends.
    tissue : str, optional
        The first one if not given.
    level : float
        Confidence of the intervals.
    by : str
        ``immunity``, or ``all``: every cell that goes counts as lost, by the balance of the cohort. Where the burden
        fluctuates this depends on the step: a random walk takes and gives the more cells the finer it is drawn.

    Returns
    -------
    DataFrame
        One row per arm with a cohort:

        * ``arm tissue cause n``; ``start end`` of the window [d]; ``n_cells``, cohort at its start, and cells ``lost``
          in it, sums over the n replicates;
        * ``rate rate_low rate_high rate_error`` [1/d] and ``half_life low high error`` [d]: interval and standard error
          by the jackknife over replicates (NaN for one); the half-life is infinite where no cell was lost;
        * ``half_gone half_gone_low half_gone_high``: days from the start until half of the pooled cohort is gone, by
          the product limit of the counts (Kaplan-Meier), linear between rows; infinite where that is after the last
          row;
        * ``control``; ``excess``, mean burden beyond it at the start [points]; ``excess_half_life excess_low
          excess_high``: days from the start until it has halved, of the mean over pairs. Intervals of both times from
          resampled replicates; NaN without a control or an excess.

    Raises
    ------
    ResultsError
        If no such column is there, an arm is unknown, or the window holds fewer than two rows.

    Notes
    -----
    Error of the trapezium: of an exponential it finds more cell-days by a relative :math:`x^2 / 12`,
    :math:`x = \hat\lambda h`, with rows h apart: the half-life is 0.16 % too long with daily rows at 5 d, and 4 % with
    rows as far apart as a half-life. Removal that changes with time or place is no exponential; `half_gone` assumes
    none. The excess lasts longer than the cohort: removal saturates, so that the cells of the pulse keep cleaners from
    the others, and they may turn others, which are no part of the cohort.
    """
    known = cohorts(results)
    if not known:
        raise ResultsError(f"turnover: results: must have a column {TAG}CAUSE with a tagged cohort, got none")
    cause = known[0] if cause is None else one_of(cause, known, "turnover: cause")
    tissue = chosen_tissue(results, tissue, "turnover")
    rows = []
    one_of(by, REMOVALS, "turnover: by")
    for arm, cohort in cohorts_by_arm(results, cause, control, tissue, by).items():
        inside = _window(cohort, window)
        row = {"arm": arm, "tissue": tissue, "cause": cause, "n": len(cohort.standing), "control": cohort.control}
        rows.append(row | _rates(cohort, inside, level) | _halves(cohort, level))
    return pd.DataFrame(rows, columns=COLUMNS)


def cohorts(results: Results, kinds: Sequence[str] = ()) -> list[str]:
    """Events that turned cells which the tables tag, in the order of the scenario, of these `kinds` only if given."""
    tagged = [name.removeprefix(TAG) for name in results.timeseries if name.startswith(TAG)]
    trees = (results.scenario, *(results.scenario.get("arms") or {}).values())
    kind_of: dict[str, str] = {}  # an arm may change numbers of an event without saying the kind again
    for name, event in (each for tree in trees for each in ((tree or {}).get("events") or {}).items()):
        kind_of[name] = (event or {}).get("kind", kind_of.get(name, "graft"))
    wanted = [name for name, kind in kind_of.items() if not kinds or kind in kinds]
    return [name for name in wanted if name in tagged and results.timeseries[f"{TAG}{name}"].any()]


def cohorts_by_arm(
    results: Results, cause: str, control: str | Mapping[str, str] | None, tissue: str, by: str = "immunity"
) -> dict[str, Cohort]:
    """The cohort of every arm that has one, see `turnover`."""
    here = results.timeseries[results.timeseries["tissue"] == tissue]
    found = {}
    for arm in results.arms:
        rows = here[here["arm"] == arm]
        standing = _wide(rows, f"{TAG}{cause}")
        if standing.any():
            turned = _wide(rows, f"new_{cause}")
            came = np.flatnonzero(turned.any(axis=0))
            start = int(came[-1] if came.size else standing.any(axis=0).argmax())
            if by == "all":
                lost = np.diff(-standing, axis=1, prepend=0.0) + turned
            else:
                lost = np.diff(_wide(rows, f"{CLEARED}{cause}"), axis=1, prepend=0.0)
            lost[:, start] = 0.0
            days = _days(rows)
            beside = _control(results, arm, cause, control)
            excess = _excess(here, arm, beside, days) if beside else None
            found[arm] = Cohort(
                days[start:],
                standing[:, start:],
                lost[:, start:],
                None if excess is None else excess[:, start:],
                beside,
            )
    return found


def survival(standing: Floats, lost: Floats) -> Floats:
    """Product limit of counts along the last axis: of those at risk in each step, the share that is not lost.

    Cells that go for another reason between two rows are at risk for half of the time (actuarial).
    """
    kept = np.ones_like(standing)
    at_risk = 0.5 * (standing[..., :-1] + standing[..., 1:] + lost[..., 1:])
    gone = np.divide(lost[..., 1:], at_risk, out=np.zeros_like(at_risk), where=at_risk > 0.0)
    kept[..., 1:] = 1.0 - gone
    return np.cumprod(kept, axis=-1, dtype=np.float64)


def halved_after(days: Floats, curves: Floats) -> Floats:
    """Days from the first of `days` until each of the curves (..., k) is down to half of its first value.

    Linear between rows; infinite where it stays above, NaN where it does not begin above 0.
    """
    half = 0.5 * curves[..., :1]
    below = curves <= half
    i = np.maximum(below.argmax(axis=-1), 1)
    before, after = (np.take_along_axis(curves, j[..., None], axis=-1)[..., 0] for j in (i - 1, i))
    over_half = np.divide(before - half[..., 0], before - after, out=np.zeros_like(after), where=before > after)
    when = days[i - 1] + over_half * (days[i] - days[i - 1]) - days[0]
    return np.where(half[..., 0] > 0.0, np.where(below.any(axis=-1), when, np.inf), np.nan)


def _rates(cohort: Cohort, inside: slice, level: float) -> dict[str, float]:
    """The exponential within a window."""
    days, standing = cohort.days[inside], cohort.standing[:, inside]
    lost: Floats = cohort.lost[:, inside][:, 1:].sum(axis=1)
    cell_days: Floats = np.asarray(np.trapezoid(standing, days, axis=1), np.float64)
    rate = over(float(lost.sum()), float(cell_days.sum()))
    low, high = jackknife_interval(lost, cell_days, level)
    error = jackknife_error(lambda kept: over(float(lost[kept].sum()), float(cell_days[kept].sum())), len(lost))
    half = {name: _half_life(each) for name, each in (("half_life", rate), ("low", high), ("high", low))}
    return {
        "start": days[0], "end": days[-1], "n_cells": standing[:, 0].sum(), "lost": lost.sum(), "rate": rate,
        "rate_low": low, "rate_high": high, "rate_error": error, **half, "error": half["half_life"] * over(error, rate),
    }  # fmt: skip


def _half_life(rate: float) -> float:
    return math.nan if math.isnan(rate) else over(math.log(2.0), rate)


def _halves(cohort: Cohort, level: float) -> dict[str, float]:
    """Times at which half of the cohort, and of the excess, is gone."""
    n = len(cohort.standing)
    row = {"half_gone": float(halved_after(cohort.days, cohort.share))}
    if n > 1:
        w = weights(n)
        curves = survival(w @ cohort.standing, w @ cohort.lost)
        row |= _ends("half_gone", halved_after(cohort.days, curves), n, level)
    if cohort.excess is not None and len(cohort.excess):
        mean, m = cohort.excess.mean(axis=0), len(cohort.excess)
        row |= {"excess": float(mean[0]), "excess_half_life": float(halved_after(cohort.days, mean))}
        if m > 1:
            row |= _ends("excess", halved_after(cohort.days, weights(m) @ cohort.excess), m, level)
    return row


def _ends(name: str, times: Floats, n: int, level: float) -> dict[str, float]:
    """Interval from resamples; a level between finite and infinite times is infinite."""
    tail = expanded_tail(n, level)
    low, high = np.quantile(times, [tail, 1.0 - tail], method="inverted_cdf")
    return {f"{name}_low": float(low), f"{name}_high": float(high)}


def _window(cohort: Cohort, window: tuple[float, float] | None) -> slice:
    """Rows within which the rate is read."""
    days = cohort.days
    if window is None:
        late = np.flatnonzero(cohort.share <= LEFT)
        inside = slice(0, int(late[0]) + 1 if late.size else days.size)
    else:
        inside = slice(int(np.searchsorted(days, window[0] - 1e-9)), int(np.searchsorted(days, window[1] + 1e-9)))
    if days[inside].size < 2:
        got = "none" if window is None else f"{window[0]:g} to {window[1]:g} d"
        rule = f"must hold two rows of the cohort or more, between {days[0]:g} and {days[-1]:g} d"
        raise ResultsError(f"turnover: window: {rule}, got {got}")
    return inside


def _control(results: Results, arm: str, cause: str, control: str | Mapping[str, str] | None) -> str:
    if isinstance(control, str):
        return one_of(control, results.arms, "turnover: control")
    if control is not None:
        return one_of(control[arm], results.arms, "turnover: control") if arm in control else ""
    return control_of(results, arm, cause) or ""


def _wide(rows: pd.DataFrame, column: str) -> Floats:
    """A column as replicates by days, of the days that all replicates have; 0 where an arm does not have it."""
    wide = rows.pivot(index="replicate", columns="day", values=column) if column in rows else _wide_zero(rows)
    return wide[_days(rows).tolist()].fillna(0.0).to_numpy(np.float64)


def _wide_zero(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(zero=0.0).pivot(index="replicate", columns="day", values="zero")


def _days(rows: pd.DataFrame) -> Floats:
    """Days that all replicates have: a run may stop early."""
    counts = rows.groupby("day")["replicate"].nunique()
    return counts.index[counts == counts.max()].to_numpy(np.float64)


def _excess(here: pd.DataFrame, arm: str, control: str, days: Floats) -> Floats:
    """Burden of the arm beyond that of the control, pairs of replicates by days."""
    wide = here.pivot(index="replicate", columns=["arm", "day"], values="burden")
    if control not in wide:
        return np.zeros((0, days.size))
    difference = (wide[arm] - wide[control]).reindex(columns=days).dropna()
    return difference.to_numpy(np.float64)
