"""Early warnings of a tipping point: burden that varies more and forgets more slowly, and clearance left behind."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.analysis.bootstrap import jackknife_error, t_of
from sim.analysis.causes import removal_columns
from sim.analysis.paired import covariance, last_day, t_interval
from sim.analysis.signals import (
    ENDS,
    LEAST,
    Estimate,
    Rolling,
    correlation,
    elasticities,
    kendall_tau,
    regular,
    rolling,
    tipping,
    variance,
)
from sim.errors import ResultsError
from sim.results import Results
from sim.sweeps import SweepResults

Floats = npt.NDArray[np.float64]

RUN = ["arm", "replicate", "tissue"]
HALF = 0.5  # of a run: the window, where nobody says how long it is
OF_RUNS = (
    "burden_variance", "burden_autocorrelation", "burden_variance_trend", "burden_autocorrelation_trend",
    "production_elasticity", "removal_elasticity", "tipping_burden",
)  # fmt: skip
COLUMNS = ["arm", "tissue", "signal", "n", "runs", "value", "error", "low", "high", "lag", "window"]
TWO = ("variance", "autocorrelation")
CURVES = ["arm", "tissue", "kind", "day", "n", *(f"{name}{end}" for name in TWO for end in ("", "_low", "_high"))]


def early_warning(
    results: Results | SweepResults, lag: float | None = None, window: float | None = None, level: float = 0.95
) -> pd.DataFrame:
    r"""What tells that a tissue is near a tipping point, per arm, and per point of a sweep.

    Near a tipping point the burden comes back more slowly after each disturbance, so that it varies more and is more
    like what it was a while ago (critical slowing down). Of a burden that comes back at rate :math:`1 / \tau` from
    white noise of strength :math:`\sigma`, variance and correlation after a lag l are

    .. math:: V = \sigma^2 \tau / 2, \qquad \rho = e^{-l / \tau}

    Parameters
    ----------
    results : Results or SweepResults
        Tables of an experiment; or of a sweep, whose outcomes are those of the default lag and window.
    lag : float, optional
        Time between the two burdens that are correlated [d], rounded to rows; one row if not given.
    window : float, optional
        Length of a window along a run [d], rounded to rows; half of the run if not given.
    level : float
        Confidence of the intervals.

    Returns
    -------
    DataFrame
        ``arm tissue signal n runs value error low high lag window`` (of a sweep, ``point`` in front), a row per signal;
        n replicates, of which `runs` have a value; lag and window [d], NaN of a sweep.

        * Along a run, of its last window, mean over the replicates with standard error and t interval:
          ``burden_variance`` [%^2], ``burden_autocorrelation``, and ``..._trend``: Kendall's tau of windows against
          time, from -1 (falls) to 1 (rises);
        * ``production_elasticity``, ``removal_elasticity``: percent by which cells that turn, and that are removed, per
          day rise with a percent of burden. Where the second is the smaller one, a rise of burden feeds itself;
        * ``tipping_burden`` [%]: that from which removal stays below production for the rest of the run; `runs` of 0:
          clearance keeps up in all of them;
        * across replicates: ``variance_across`` of the last day [%^2], and ``autocorrelation_across`` between that day
          and the one a lag before, with errors and intervals of normal values (chi squared, Fisher's z); and
          ``..._trend`` of all days, with the jackknife. Of a sweep the first one only.

    Raises
    ------
    ResultsError
        If no run has finished, or lag or window do not fit the rows.

    Notes
    -----
    See `of_runs` for the trend, its bias, and what a tipping burden asks for. Overlapping windows of one run are alike:
    its tau has no p-value, and the interval over replicates is the one to quote. Sources: Scheffer et al. (2009),
    Nature 461:53; Dakos et al. (2012), PLoS ONE 7:e41010 (rolling windows of half of a series, Kendall's tau).
    """
    if isinstance(results, SweepResults):
        if lag is not None or window is not None:
            raise ResultsError("early_warning: lag, window: must not be given for a sweep, whose outcomes have theirs")
        table, ensembles = _with_signals(results), {}
    else:
        if results.timeseries.empty:
            raise ResultsError("early_warning: results: must hold a finished run, got none")
        if "n_senescent" not in results.timeseries:
            raise ResultsError("early_warning: results: must be of cells that were counted, got mode: well_mixed")
        table = of_runs(results, lag, window).merge(last_day(results)[[*RUN, "burden"]], on=RUN)
        ensembles = {(arm, tissue): (wide, back) for arm, tissue, wide, back in _ensembles(results, lag)}
    keys = [name for name in ("point", "arm", "tissue") if name in table]
    rows = []
    for place, runs in table.groupby(keys, sort=False):
        about = dict(zip(keys, place, strict=True)) | {"n": len(runs)}
        about |= {name: float(runs[name].iloc[0]) if name in runs else math.nan for name in ("lag", "window")}
        found = {name: _mean(runs[name].to_numpy(np.float64), level) for name in OF_RUNS}
        counts = {name: int(runs[name].count()) for name in OF_RUNS}
        found["variance_across"] = variance(runs["burden"].to_numpy(np.float64), level)
        if place in ensembles:
            found |= _across(*ensembles[place], level)
        rows += [
            about | {"signal": name, "runs": counts.get(name, len(runs))} | each._asdict()
            for name, each in found.items()
        ]  # fmt: skip
    return pd.DataFrame(rows, columns=[*(["point"] if "point" in keys else []), *COLUMNS])


def _with_signals(sweep: SweepResults) -> pd.DataFrame:
    """The outcomes of a sweep; one that was written before they had these signals is refused."""
    missing = [name for name in OF_RUNS if name not in sweep.outcomes]
    if missing:
        rule = f"must have {missing[0]} among its outcomes, got a sweep of an older version or of mode: well_mixed"
        raise ResultsError(f"{sweep.folder or 'sweep'}: early_warning: {rule}")
    return sweep.outcomes


def of_runs(results: Results, lag: float | None = None, window: float | None = None) -> pd.DataFrame:
    r"""The signals that a single run gives, a row per run: also outcomes by name, in `sim.compare` and in sweeps.

    The trend within a window is a straight line (least squares), taken off before the scatter about it is measured: it
    needs no bandwidth, and looks at nothing behind the window. With residuals r of w rows and a lag of k rows,

    .. math:: V = \frac{\sum r_i^2}{w - 2}, \qquad
              \rho = \frac{\sum r_i r_{i + k} / (w - k)}{\sum r_i^2 / w}

    A line takes slow scatter off too: of a burden that comes back within :math:`\tau`, V is too small and
    :math:`1 - \rho` too large by a share of about :math:`4 \tau / W` in a window of length W, which should be many
    times :math:`\tau`. Where the trend bends within a window, V and :math:`\rho` are too large. What is measured across
    replicates has neither fault.

    The tipping burden is that at the end of the last window, a tenth of the run long, in which senescent cells did not
    become more, i.e. production did not exceed removal. It is NaN if what turned since then exceeds what was removed by
    less than 3 standard deviations of these counts, :math:`P - R \le 3 \sqrt{P + R}`: clearance keeps up, as far as the
    run tells. Where production exceeded removal in every window it is the burden of the first row, an upper bound, and
    `from_start` is true. Elasticities are least-squares slopes of the logarithm of cells per day against that of the
    mean burden, over tenths of the run; what changes with time besides burden (age, drugs) is in them too. Removal is
    what immune cells, patrols, own death, drugs and chance took; production is the rest of the balance.

    Returns
    -------
    DataFrame
        ``arm replicate tissue lag window`` [d], the signals as in `early_warning`, and ``from_start``. Rows behind the
        first gap in time are left out of scatter; NaN where a window has fewer than 10 rows.
    """
    taken = results.timeseries[removal_columns(results)].sum(axis=1)
    table = results.timeseries.assign(removed=taken).sort_values("day", kind="stable", ignore_index=True)
    values = table[["day", "burden", "n_senescent", "removed"]].to_numpy(np.float64)
    rows = []
    for run, part in table[RUN].groupby(RUN, sort=False):
        days, burden, standing, removed = values[part.index].T
        found, about = _rolling(days, burden, lag, window)
        last = [float(each[-1]) if each.size else math.nan for each in found[1:]]
        trends = [kendall_tau(found.days, each) for each in found[1:]]
        slopes = elasticities(days, burden, standing, removed)
        behind, from_start = tipping(burden, standing, removed)
        signals = dict(zip(OF_RUNS, (*last, *trends, *slopes, behind), strict=True))
        rows.append(dict(zip(RUN, run, strict=True)) | about | signals | {"from_start": from_start})
    return pd.DataFrame(rows, columns=[*RUN, "lag", "window", *OF_RUNS, "from_start"])


def _rolling(days: Floats, burden: Floats, lag: float | None, window: float | None) -> tuple[Rolling, dict[str, float]]:
    """Scatter along a run; lag and window as they are in rows [d]."""
    n, step = regular(days)
    back, width = _in_rows(lag, step, 1, "lag", n), _in_rows(window, step, math.ceil(HALF * n), "window", n)
    if window is not None and width < max(LEAST, back + 2):
        rule = f"must hold {LEAST} rows and be longer than the lag"
        raise ResultsError(f"early_warning: window: {rule}, got {window:g} d of rows {step:g} d apart")
    return rolling(days[:n], burden[:n], back, width), {"lag": back * step, "window": (width - 1) * step}


def _in_rows(wanted: float | None, step: float, otherwise: int, name: str, n: int) -> int:
    """A time as a number of rows."""
    if wanted is None or math.isnan(step):
        return otherwise
    rows = round(wanted / step) if math.isfinite(wanted) else 0
    if not 0 < rows < n:
        raise ResultsError(
            f"early_warning: {name}: must be between {step:g} d (rows) and {(n - 1) * step:g} d (run), got {wanted:g} d"
        )
    return rows + (name == "window")  # a window of so many steps has a row more


def _mean(values: Floats, level: float) -> Estimate:
    """Of the runs that have a value."""
    known = values[np.isfinite(values)]
    if not known.size:
        return Estimate()
    error = math.sqrt(covariance(known, known) / known.size) if known.size > 1 else math.nan
    return Estimate(float(known.mean()), error, *t_interval(known, level))


# -------------------------------------------------------------------------------------------------- across replicates


def _ensembles(results: Results, lag: float | None) -> Iterator[tuple[str, str, pd.DataFrame, int]]:
    """Burden by day and replicate, of every arm and tissue, on the days that all have; and rows of the lag."""
    for (arm, tissue), part in results.timeseries.groupby(["arm", "tissue"], sort=False):
        wide = part.pivot(index="day", columns="replicate", values="burden").sort_index().dropna()
        n, step = regular(wide.index.to_numpy(np.float64))
        yield arm, tissue, wide.iloc[:n], _in_rows(lag, step, 1, "lag", n)


def _across(wide: pd.DataFrame, back: int, level: float) -> dict[str, Estimate]:
    """Correlation on the last day, and trends of both over all days."""
    values, days = wide.to_numpy(np.float64), wide.index.to_numpy(np.float64)
    n = values.shape[1]
    found = {}
    if len(days) > back:
        found["autocorrelation_across"] = correlation(values[-1 - back], values[-1], level)
    shown = np.unique(np.linspace(0, len(days) - 1, min(ENDS, len(days))).round().astype(int))  # enough for a trend
    for name, curve in (("variance_across_trend", spreads), ("autocorrelation_across_trend", likenesses)):

        def tau(kept: npt.NDArray[np.bool_], curve: Any = curve) -> float:
            return kendall_tau(days[shown], curve(values[:, kept], back)[shown])

        value, error = tau(np.ones(n, bool)), jackknife_error(tau, n)
        half = t_of(level, n) * error
        found[name] = Estimate(value, error, value - half, value + half)
    return found


def spreads(values: Floats, back: int) -> Floats:
    """Variance across replicates (columns) day by day (rows); NaN of one replicate."""
    about = values - values.mean(axis=1, keepdims=True)
    n = values.shape[1]
    return (about**2).sum(axis=1) / (n - 1) if n > 1 else np.full(len(values), np.nan)


def likenesses(values: Floats, back: int) -> Floats:
    """Correlation across replicates between each day and the one `back` rows before; NaN where there is none."""
    about = values - values.mean(axis=1, keepdims=True)
    squares = (about**2).sum(axis=1)
    squares[squares <= values.shape[1] * (1e-9 * np.abs(values).max(axis=1)) ** 2] = 0.0  # rounding of equal values
    below = np.sqrt(squares[back:] * squares[:-back])
    alike = np.divide(
        (about[back:] * about[:-back]).sum(axis=1), below, out=np.full(below.size, np.nan), where=below > 0.0
    )
    return np.concatenate([np.full(back, np.nan), alike])


# --------------------------------------------------------------------------------------------------------- over time


def curves_along(
    results: Results, lag: float | None = None, window: float | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Variance and autocorrelation along the runs: mean over the replicates with t intervals, see `CURVES`.

    `day` is the end of a window [d], `kind` is ``along``.
    """
    parts = []
    for run, part in results.timeseries.sort_values("day", kind="stable").groupby(RUN, sort=False):
        found, _ = _rolling(part["day"].to_numpy(np.float64), part["burden"].to_numpy(np.float64), lag, window)
        parts.append(pd.DataFrame(found._asdict()).assign(**dict(zip(RUN, run, strict=True))))
    rows = []
    for (arm, tissue, day), runs in pd.concat(parts).groupby(["arm", "tissue", "days"], sort=False):
        row = {"arm": arm, "tissue": tissue, "kind": "along", "day": day, "n": len(runs)}
        rows.append(row | _columns(_mean(runs[name].to_numpy(np.float64), level) for name in TWO))
    return pd.DataFrame(rows, columns=CURVES)


def curves_across(results: Results, lag: float | None = None, level: float = 0.95) -> pd.DataFrame:
    """Variance across replicates day by day, and correlation with a lag before; intervals of normal values.

    Columns as of `curves_along`; `kind` is ``across``.
    """
    rows = []
    for arm, tissue, wide, back in _ensembles(results, lag):
        values = wide.to_numpy(np.float64)
        for i, day in enumerate(wide.index):
            like = correlation(values[i - back], values[i], level) if i >= back else Estimate()
            row = {"arm": arm, "tissue": tissue, "kind": "across", "day": day, "n": values.shape[1]}
            rows.append(row | _columns([variance(values[i], level), like]))
    return pd.DataFrame(rows, columns=CURVES)


def _columns(estimates: Any) -> dict[str, float]:
    pairs = zip(TWO, estimates, strict=True)
    return {f"{name}{end}": x for name, e in pairs for end, x in (("", e.value), ("_low", e.low), ("_high", e.high))}
