"""How long individuals live: Kaplan-Meier curves, percentiles with intervals, Gompertz slopes, hazard ratios.

Ages are those of the host in days. Whoever lives when the run ends is censored there.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, stats

from sim.analysis.paired import one_of
from sim.errors import ResultsError
from sim.results import Results

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

LEAST = 1e-6  # information about the logarithm of a hazard ratio; with less, deaths of the arms lie apart
EARLY, LATE = 0.02, 0.90  # share that has died where the fit of a Gompertz law begins and ends


class Curve(NamedTuple):
    """The share that is alive from each age of death on, (k,) each."""

    ages: Floats
    alive: Floats
    low: Floats
    high: Floats
    at_risk: Floats
    deaths: Floats


class Gompertz(NamedTuple):
    """A hazard that doubles again and again, ``rate`` exp(``slope`` (age - ``start``)); errors are standard errors."""

    start: float  # age from which it was fitted [d]
    rate: float  # hazard there [1/d]
    slope: float  # [1/d]
    slope_error: float
    doubling_time: float  # [d]
    doubling_error: float


def somebody_died(results: Results) -> bool:
    """Whether there is anything to say about survival."""
    return bool(results.individuals["died"].any()) if len(results.individuals) else False


def lives(results: Results, arm: str) -> tuple[Floats, Bools]:
    """Age at the end [d] of every individual of an arm, and whether it died then; by replicate."""
    table = results.individuals[results.individuals["arm"] == arm].sort_values("replicate")
    return table["age"].to_numpy(np.float64), table["died"].to_numpy(np.bool_)


def survival(results: Results, level: float = 0.95, baseline: str | None = None) -> pd.DataFrame:
    """Lifespans of every arm, and the hazard of death against a baseline.

    Parameters
    ----------
    results : Results
        Tables of an experiment in which somebody has died.
    level : float
        Confidence of the intervals.
    baseline : str, optional
        The arm to compare with; the first one, if not given.

    Returns
    -------
    DataFrame
        One row per arm: ``arm baseline n died``; ``median median_low median_high p10 p90``: ages by which 50, 10 and 90
        % have died [d], NaN where fewer have (intervals: see `percentile_of_life`); ``restricted_mean`` and its
        interval: mean age of death [d], of those who live at the end that age; ``doubling_time doubling_error``: of the
        hazard [d], see `gompertz`; ``hazard_ratio`` and its interval (Cox) and ``p`` (log-rank) against the baseline.

    Raises
    ------
    ResultsError
        If nobody has died, or `baseline` is no arm.

    Notes
    -----
    Hazard ratio and log-rank test take the arms as independent. They share their luck, so both are on the safe side;
    ``sim.compare(results, outcomes=["lifespan"])`` has the paired difference. Where ages at the start differ
    (``individuals.age_spread``), who is older then counts as at risk before too, so that hazards of these ages are a
    little too low, in all arms alike.
    """
    if not somebody_died(results):
        raise ResultsError("survival: results: must hold a death (body.death), got none")
    base = results.arms[0] if baseline is None else one_of(baseline, results.arms, "survival: baseline")
    first = lives(results, base)
    rows = []
    for arm in results.arms:
        ages, died = lives(results, arm)
        if not ages.size:
            continue
        fit, alone = gompertz(ages, died), arm == base
        p10, p90 = (percentile_of_life(ages, died, share)[0] for share in (0.1, 0.9))
        ratio = (math.nan,) * 3 if alone else hazard_ratio((ages, died), first, level)
        rows.append(
            {"arm": arm, "baseline": base, "n": ages.size, "died": int(died.sum())}
            | _with_interval("median", percentile_of_life(ages, died, 0.5, level))
            | {"p10": p10, "p90": p90}
            | _with_interval("restricted_mean", restricted_mean(ages, died, level))
            | {"doubling_time": fit.doubling_time, "doubling_error": fit.doubling_error}
            | _with_interval("hazard_ratio", ratio)
            | {"p": math.nan if alone else log_rank((ages, died), first)}
        )
    return pd.DataFrame(rows)


def _with_interval(name: str, values: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))


# -------------------------------------------------------------------------------------------------------- of one arm


def kaplan_meier(ages: Floats, died: Bools, level: float = 0.95) -> Curve:
    r"""The share alive, by Kaplan and Meier, with log-log intervals.

    .. math:: S(t) = \prod_{t_j \le t} (1 - d_j / n_j), \qquad
              \ln(-\ln S) \pm \frac{z}{\ln S} \sqrt{\sum d_j / (n_j (n_j - d_j))}

    Source: Kaplan and Meier (1958), J Am Stat Assoc 53:457; Kalbfleisch and Prentice (1980) for the interval. At the
    last death, where nobody is left, the interval is that of the death before.
    """
    when, deaths = np.unique(ages[died], return_counts=True)
    at_risk = ages.size - np.searchsorted(np.sort(ages), when, side="left")
    alive: Floats = np.cumprod(1.0 - deaths / at_risk, dtype=np.float64)
    inside = alive > 0.0
    low, high = np.zeros(when.size), np.zeros(when.size)
    variance = np.cumsum(deaths[inside] / (at_risk[inside] * (at_risk[inside] - deaths[inside])))
    log_s, z = np.log(alive[inside]), float(stats.norm.ppf(0.5 + level / 2.0))
    spread = z * np.sqrt(variance) / np.abs(log_s)
    low[inside], high[inside] = (np.exp(log_s * np.exp(sign * spread)) for sign in (1.0, -1.0))
    if inside.any() and not inside.all():
        high[~inside] = high[inside][-1]
    return Curve(when, alive, low, high, at_risk.astype(np.float64), deaths.astype(np.float64))


def percentile_of_life(ages: Floats, died: Bools, share: float, level: float = 0.95) -> tuple[float, float, float]:
    """Age by which a `share` has died [d], with its interval; infinite on the side that the run did not see.

    The interval holds the ages at which the curve's own interval holds 1 - share (Brookmeyer and Crowley 1982,
    Biometrics 38:29). NaN, and no interval below, where fewer have died.
    """
    curve = kaplan_meier(ages, died, level)
    middle, low, high = (_first_age(curve.ages, line, 1.0 - share) for line in (curve.alive, curve.low, curve.high))
    return (middle if math.isfinite(middle) else math.nan), low, high


def _first_age(ages: Floats, line: Floats, left: float) -> float:
    below = np.flatnonzero(line <= left + 1e-12)
    return float(ages[below[0]]) if below.size else math.inf


def restricted_mean(ages: Floats, died: Bools, level: float = 0.95) -> tuple[float, float, float]:
    r"""Mean age at death [d], of the survivors that at the end, with its interval: the area under the curve.

    .. math:: \mu = \int_0^\tau S\,dt, \qquad \mathrm{var}\,\mu = \sum_j \left(\int_{t_j}^\tau S\,dt\right)^2
              \frac{d_j}{n_j (n_j - d_j)}
    """
    curve, end = kaplan_meier(ages, died), float(ages.max())
    edges = np.r_[0.0, curve.ages, end]
    areas = np.diff(edges) * np.r_[1.0, curve.alive]
    after = areas[::-1].cumsum()[::-1][1:]  # from each death on
    left = curve.at_risk - curve.deaths
    terms = np.where(left > 0.0, after**2 * curve.deaths / (curve.at_risk * np.where(left > 0.0, left, 1.0)), 0.0)
    mean, half = float(areas.sum()), float(stats.norm.ppf(0.5 + level / 2.0)) * math.sqrt(float(terms.sum()))
    return mean, mean - half, mean + half


def gompertz(ages: Floats, died: Bools) -> Gompertz:
    r"""The Gompertz law that is most likely between the ages by which 2 % and 90 % have died.

    .. math:: h(a) = A e^{G (a - a_0)}, \qquad
              \ell(G) = D \ln\frac{D}{S(G)} + G \sum_\mathrm{dead} (a_i - a_0), \qquad
              S(G) = \sum_i \frac{e^{G (a_i - a_0)} - 1}{G}

    Whoever dies before a0 is left out, whoever lives at the end of the window is censored there. The standard error is
    from the curvature of the likelihood. NaN with fewer than three different ages of death in the window.
    Source: Gompertz (1825); the window is that of the published slope (SCIENCE.md 1c).
    """
    start, end = (percentile_of_life(ages, died, share)[0] for share in (EARLY, LATE))
    end = float(ages.max()) if math.isnan(end) else end
    inside = ages > start
    time = np.minimum(ages[inside], end) - start
    dead = died[inside] & (ages[inside] <= end)
    if math.isnan(start) or np.unique(time[dead]).size < 3:
        return Gompertz(*[math.nan] * 6)
    n, late = int(dead.sum()), float(time.max())

    def moments(slope: float) -> tuple[float, float, float]:
        """S and its first two derivatives over e^(slope late), slope in 1/d; a series near 0."""
        x = slope * time
        small = np.abs(x) < 1e-3
        safe = np.where(small, 1.0, x)
        growth = np.exp(np.where(small, x, safe))
        s0 = np.where(small, 1.0 + x / 2.0, (growth - 1.0) / safe) * time
        s1 = np.where(small, 0.5 + x / 3.0, (growth * (safe - 1.0) + 1.0) / safe**2) * time**2
        s2 = np.where(small, 1.0 / 3.0 + x / 4.0, (growth * (safe**2 - 2.0 * safe + 2.0) - 2.0) / safe**3) * time**3
        return float(s0.sum()), float(s1.sum()), float(s2.sum())

    def score(slope: float) -> float:
        s0, s1, _ = moments(slope)
        return float(time[dead].sum()) - n * s1 / s0

    slope = float(optimize.brentq(score, -50.0 / late, 200.0 / late, xtol=1e-14))
    s0, s1, s2 = moments(slope)
    error = 1.0 / math.sqrt(n * (s2 / s0 - (s1 / s0) ** 2))
    doubling = math.log(2.0) / slope
    return Gompertz(start, n / s0, slope, error, doubling, abs(doubling / slope) * error)


# ------------------------------------------------------------------------------------------------------- of two arms


def log_rank(one: tuple[Floats, Bools], other: tuple[Floats, Bools]) -> float:
    """Two-sided p of the log-rank test that both arms have the same hazards.

    NaN where nobody died, or only on days on which all who were left died: such days tell nothing of the arms.
    """
    if not (one[1].any() or other[1].any()):
        return math.nan
    first, second = (stats.CensoredData.right_censored(ages, ~died) for ages, died in (one, other))
    with np.errstate(invalid="ignore"):  # no variance: 0 / 0
        return float(stats.logrank(first, second).pvalue)


def hazard_ratio(
    one: tuple[Floats, Bools], other: tuple[Floats, Bools], level: float = 0.95
) -> tuple[float, float, float]:
    r"""Hazard of the one over that of the other, and its interval: Cox's partial likelihood, ties after Efron.

    .. math:: U(b) = \sum_j \left(x_j - \frac{n_{1j} e^b}{n_{0j} + n_{1j} e^b}\right) = 0

    NaN where it is not finite: all deaths of an arm come before (or after) all others. Source: Cox (1972), J R Stat Soc
    B 34:187; Efron (1977), J Am Stat Assoc 72:557.
    """
    when = np.unique(np.r_[one[0][one[1]], other[0][other[1]]])
    sets = []
    for ages, died in (one, other):
        everybody, dead = np.sort(ages), np.sort(ages[died])
        at_risk = ages.size - np.searchsorted(everybody, when)
        sets.append((at_risk, np.searchsorted(dead, when, side="right") - np.searchsorted(dead, when)))
    (risk, deaths), (other_risk, other_deaths) = sets
    if not (deaths.any() and other_deaths.any()):
        return math.nan, math.nan, math.nan
    ties = deaths + other_deaths
    place = np.repeat(np.arange(when.size), ties)
    gone = (np.arange(place.size) - np.repeat(np.cumsum(ties) - ties, ties)) / ties[place]  # share of ties left behind
    mine, theirs = risk[place] - gone * deaths[place], other_risk[place] - gone * other_deaths[place]
    b = 0.0
    for _ in range(50):
        share = mine * math.exp(b) / (theirs + mine * math.exp(b))
        information = float((share * (1.0 - share)).sum())
        if information < LEAST:
            return math.nan, math.nan, math.nan
        step = float(deaths.sum() - share.sum()) / information
        b += min(1.0, max(-1.0, step))
        if abs(step) < 1e-10:
            half = float(stats.norm.ppf(0.5 + level / 2.0)) / math.sqrt(information)
            return math.exp(b), math.exp(b - half), math.exp(b + half)
    return math.nan, math.nan, math.nan
