"""How many individuals a survival study needs: by Schoenfeld's formula, and by drawing from the simulated ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from sim.analysis.paired import one_of
from sim.analysis.survival import hazard_ratio, kaplan_meier, lives, percentile_of_life, somebody_died
from sim.errors import ResultsError
from sim.results import Results
from sim.rng import BODY, Purpose, Stream, name_code

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

POWERS = (0.8, 0.9)
RATIOS = (0.5, 0.6, 0.7, 0.8, 0.9)  # hazard ratios that a study may want to see
STUDIES = 1000  # drawn at each size: a power of 80 % is known to 1.3 %, the size to about 3 %
MOST = 2000  # individuals per arm; studies of more are not drawn
LOOKS = 3  # sizes that are tried for a power
QUANTILES = 10_000  # individuals of an arm of a given hazard ratio, from whom studies are drawn
COLUMNS = ["arm", "baseline", "hazard_ratio", "median_difference", "power", "deaths", "n", "n_low", "n_high", "n_drawn"]


class Mice(NamedTuple):
    """Ages at the end [d] of the individuals from which an arm of a study is drawn, and whether they died then."""

    ages: Floats
    died: Bools


def survival_power(
    results: Results,
    baseline: str | None = None,
    powers: Sequence[float] = POWERS,
    ratios: Sequence[float] = RATIOS,
    alpha: float = 0.05,
) -> pd.DataFrame:
    r"""Individuals per arm with which a log-rank test sees a difference, as often as each of `powers`.

    .. math:: D = \frac{4 (z_{1 - \alpha / 2} + z_\mathrm{power})^2}{(\ln \mathrm{HR})^2}, \qquad
              n = \frac{D}{p_0 + p_1}

    with D the deaths in both arms and p the shares that die before the run ends, as the simulated arms have them.

    Parameters
    ----------
    results : Results
        Tables of an experiment in which somebody has died.
    baseline : str, optional
        The arm to compare with; if not given, the first one.
    powers, alpha : float
        Chance to see the difference, and of p below `alpha` (two-sided) where there is none.
    ratios : sequence of float
        Hazard ratios of arms that were not simulated: everybody's hazard is that of the baseline times the ratio.

    Returns
    -------
    DataFrame
        For each other arm, and for each of `ratios` (``arm`` is then empty), and each power, ``arm baseline
        hazard_ratio median_difference power``; by Schoenfeld's formula ``deaths`` in both arms, ``n`` individuals per
        arm, and of simulated arms ``n_low n_high``, those at the ends of the 95 % interval of the ratio (infinite where
        it holds 1); ``n_drawn``: per arm, by drawing studies from the simulated individuals, to about 3 %. Infinite
        where there is no difference, or it takes more than 2,000 per arm.

    Raises
    ------
    ResultsError
        If nobody has died, `baseline` is no arm, or a power, ratio or `alpha` is out of its range.

    Notes
    -----
    Both arms of a study are drawn independently, with replacement: simulated arms share their luck, real mice do not,
    so that pairs would promise a power that no lab can have. Formula and draws differ where hazards are not
    proportional, and in small studies; the draws then know better. Neither knows of deaths by other causes than
    those simulated.
    Source: Schoenfeld (1981), Biometrika 68:316, and (1983), Biometrics 39:499.
    """
    if not somebody_died(results):
        raise ResultsError("survival: results: must hold a death (body.death), got none")
    _check("power", powers, 1.0)
    _check("alpha", [alpha], 1.0)
    _check("ratios", ratios, math.inf)
    base = results.arms[0] if baseline is None else one_of(baseline, results.arms, "survival: baseline")
    control = Mice(*lives(results, base))
    if not control.died.any():
        raise ResultsError(f"survival: baseline: must be an arm in which somebody has died, got {base}")
    rows = []
    for arm in results.arms:
        mice = Mice(*lives(results, arm))
        if arm != base and mice.ages.size:
            ratio = hazard_ratio(mice, control)
            rows += [_row(arm, base, ratio, mice, control, power, alpha) for power in powers]
    for each in ratios:
        mice = with_ratio(control, each)
        rows += [_row("", base, (each, each, each), mice, control, power, alpha) for power in powers]
    return pd.DataFrame(rows, columns=COLUMNS)


def _check(what: str, values: Sequence[float], high: float) -> None:
    for value in values:
        if not 0.0 < value < high:
            bounds = "more than 0" if math.isinf(high) else "between 0 and 1"
            raise ResultsError(f"survival: {what}: must be {bounds}, got {value:g}")


def _row(
    arm: str, base: str, ratio: tuple[float, float, float], mice: Mice, control: Mice, power: float, alpha: float
) -> dict[str, object]:
    middle, *ends = ratio
    dying = share_dead(mice) + share_dead(control)
    n = deaths_needed(middle, power, alpha) / dying
    ns = sorted(deaths_needed(end, power, alpha) / dying for end in ends) if arm else [math.nan] * 2
    medians = [percentile_of_life(*each, 0.5)[0] for each in (mice, control)]
    holds_1 = arm and ends[0] <= 1.0 <= ends[1]
    return {
        "arm": arm, "baseline": base, "hazard_ratio": middle, "median_difference": medians[0] - medians[1],
        "power": power, "deaths": _whole(deaths_needed(middle, power, alpha)), "n": _whole(n), "n_low": _whole(ns[0]),
        "n_high": math.inf if holds_1 else _whole(ns[1]), "n_drawn": drawn_size(mice, control, power, n, alpha),
    }  # fmt: skip


def _whole(n: float) -> float:
    """The next whole number; infinite and NaN stay."""
    return float(math.ceil(n - 1e-9)) if math.isfinite(n) else n


def share_dead(mice: Mice) -> float:
    """Share that is dead when the run ends, by Kaplan and Meier."""
    alive = kaplan_meier(*mice).alive
    return 1.0 - float(alive[-1]) if alive.size else 0.0


def deaths_needed(ratio: float, power: float, alpha: float = 0.05) -> float:
    """Deaths in two equal arms by Schoenfeld's formula; infinite at a `ratio` of 1, NaN where there is none."""
    if math.isnan(ratio):
        return math.nan
    quantiles = float(stats.norm.ppf(1.0 - alpha / 2.0) + stats.norm.ppf(power))
    return 4.0 * (quantiles / math.log(ratio)) ** 2 if ratio != 1.0 else math.inf


def with_ratio(control: Mice, ratio: float) -> Mice:
    """Individuals whose hazard is `ratio` times that of `control` at every age: S to the power of the ratio.

    They stand at evenly spread quantiles, many more than there are in `control`, or few simulated ones would blur
    the ratio; whoever would live longer than anybody seen is censored at the last age.
    """
    curve = kaplan_meier(*control)
    left = ((np.arange(QUANTILES) + 0.5) / QUANTILES) ** (1.0 / ratio)  # share of the control alive when this one dies
    place = np.searchsorted(-curve.alive, -left, side="left")
    died = place < curve.ages.size
    ages = np.where(died, curve.ages[np.minimum(place, curve.ages.size - 1)], control.ages.max())
    return Mice(ages, died)


# ------------------------------------------------------------------------------------------------------ drawn studies


def drawn_size(mice: Mice, control: Mice, power: float, guess: float, alpha: float = 0.05) -> float:
    """Individuals per arm with which studies drawn from both see a difference with `power`; infinite beyond 2,000.

    From a guess on, each look takes the power of the size before for that of a normal statistic whose mean grows with
    the square root of the size.
    """
    wish, edge = float(stats.norm.ppf(power)), float(stats.norm.ppf(1.0 - alpha / 2.0))
    if not math.isfinite(guess):
        return math.nan if math.isnan(guess) else math.inf
    n = min(float(MOST), max(3.0, guess))
    for _ in range(LOOKS):
        size = round(n)
        seen = float(np.clip(drawn_power(mice, control, size, alpha), 0.5 / STUDIES, 1.0 - 0.5 / STUDIES))
        if size == MOST and seen < power:
            return math.inf
        growth = (wish + edge) / max(0.2, float(stats.norm.ppf(seen)) + edge)
        n = min(float(MOST), max(3.0, size * growth**2))
    return _whole(n)


def drawn_power(mice: Mice, control: Mice, n: int, alpha: float = 0.05) -> float:
    """Share of studies with `n` individuals per arm, drawn with replacement, in which the test says p < alpha."""
    stream = Stream(name_code("survival studies"), BODY, 0)
    cells = np.arange(STUDIES * n)
    picks = [
        (stream.uniforms(Purpose.RESAMPLE, n, cells, draw) * group.ages.size).astype(np.int64).reshape(STUDIES, n)
        for draw, group in enumerate((mice, control))
    ]
    ages, died = (
        np.concatenate([column[pick] for column, pick in zip(columns, picks, strict=True)], axis=1)
        for columns in zip(mice, control, strict=True)
    )
    return float(np.mean(np.abs(log_rank_scores(ages, died, n)) > stats.norm.ppf(1.0 - alpha / 2.0)))


def log_rank_scores(ages: Floats, died: Bools, n: int) -> Floats:
    r"""Standardised log-rank statistics of many studies at once, (studies,); positive where the first arm dies faster.

    .. math:: z = \frac{\sum_j (d_{1j} - d_j n_{1j} / n_j)}
              {\sqrt{\sum_j d_j \frac{n_{1j}}{n_j} (1 - \frac{n_{1j}}{n_j}) \frac{n_j - d_j}{n_j - 1}}}

    Parameters
    ----------
    ages, died : (studies, m) arrays
        Ages at the end, and who died then.
    n : int
        Columns of the first arm, which stand in front.

    Notes
    -----
    Source: Mantel (1966), Cancer Chemotherapy Reports 50:163; the same as ``scipy.stats.logrank``, a study at a time.
    """
    order = np.argsort(ages, axis=1, kind="stable")
    ages, died, first = np.take_along_axis(ages, order, 1), np.take_along_axis(died, order, 1), order < n
    m = ages.shape[1]
    place = np.arange(m)
    begins = np.concatenate([np.ones((len(ages), 1), np.bool_), ages[:, 1:] > ages[:, :-1]], axis=1)
    ends = np.concatenate([begins[:, 1:], np.ones((len(ages), 1), np.bool_)], axis=1)
    head = np.maximum.accumulate(np.where(begins, place, 0), axis=1)  # where the ties of this age begin and end
    tail = np.minimum.accumulate(np.where(ends, place, m)[:, ::-1], axis=1)[:, ::-1]
    at_risk = (m - head).astype(np.float64)
    mine: npt.NDArray[np.int64] = n - np.take_along_axis(np.cumsum(first, axis=1) - first, head, 1)
    dead = np.cumsum(died, axis=1)
    ties: npt.NDArray[np.int64] = np.take_along_axis(dead, tail, 1) - np.take_along_axis(dead - died, head, 1)
    share = mine / at_risk
    spread = share * (1.0 - share) * (at_risk - ties) / np.maximum(at_risk - 1.0, 1.0)
    variance = (spread * died).sum(axis=1)
    score = ((first - share) * died).sum(axis=1)
    return np.where(variance > 0.0, score / np.sqrt(np.where(variance > 0.0, variance, 1.0)), 0.0)
