"""Paired differences of arms for any table with a value per run: the difference, its intervals, what pairing gained."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats

from sim.analysis.bootstrap import bootstrap_interval, tells_spread
from sim.errors import ResultsError, did_you_mean
from sim.results import Results
from sim.sweeps import SweepResults

Floats = npt.NDArray[np.float64]
Experiment = Results | SweepResults

BODY = "body"  # where an outcome is that no tissue has
OF_BODY = ("whole_body_burden", "lifespan")
ENOUGH_FOR_RATIO = 8  # pairs from which a ratio of variances is worth printing: a factor of 6 either way, see `compare`

COLUMNS = [
    "arm", "baseline", "tissue", "outcome", "n", "mean", "low", "high", "baseline_mean",
    "difference", "difference_low", "difference_high", "pairing_correlation", "variance_ratio",
    "missing", "boot_low", "boot_high", "effect_size", "superiority", "p",
]  # fmt: skip


def baselines(results: Experiment, baseline: str | None = None, what: str = "compare") -> dict[str, str]:
    """What each arm is compared with: the arm `baseline`, or if not given, the untreated arm of its host.

    Where a scenario treats several hosts, a treated arm is compared with the arm that is like it but for treatments
    (``manifest["untreated"]``); all other arms with the first one. Arms that are compared with nothing are left out.

    Raises
    ------
    ResultsError
        If there is no such arm; it begins with `what`.
    """
    if baseline is not None:
        one_of(baseline, results.arms, f"{what}: baseline")
        return {arm: baseline for arm in results.arms if arm != baseline}
    twins: dict[str, str] = {a: b for a, b in results.manifest.get("untreated", {}).items() if b in results.arms}
    first, heads = results.arms[0], set(twins.values())
    found = {arm: twins.get(arm, first) for arm in results.arms if arm in twins or arm not in heads}
    return {arm: other for arm, other in found.items() if arm != other}


def baseline_words(results: Experiment, baseline: str | None = None) -> str:
    """The names of the arms that others are compared with, joined by "or"; the first arm where there is no other."""
    return " or ".join(dict.fromkeys(baselines(results, baseline).values())) or results.arms[0]


def hosts(results: Experiment, baseline: str | None = None) -> dict[str, list[str]]:
    """Arms that are compared with one another, by their baseline, which is among them."""
    against = baselines(results, baseline)
    heads = dict.fromkeys(against.values()) or {results.arms[0]: None}
    return {head: [arm for arm in results.arms if head in (arm, against.get(arm))] for head in heads}


def effects(
    results: Experiment,
    table: pd.DataFrame,
    outcomes: Sequence[str],
    baseline: str | None = None,
    level: float = 0.95,
    planned: int | None = None,
) -> pd.DataFrame:
    """The rows of `sim.compare` for any `table` with a row per arm, replicate and tissue, and `outcomes` as columns.

    All but the columns about the call as a whole (``p_holm needed``). Outcomes of the individual (`of_body`) are told
    once, with the tissue ``body``. With a column ``point`` in the table, as in that of a sweep, rows are per point,
    which then stands in front. Where the table holds some replicates of the experiment only, `planned` says how many
    there should be.
    """
    planned = int(results.manifest.get("replicates", 0)) if planned is None else planned
    against = baselines(results, baseline)
    rows = [
        place
        | {"arm": arm, "baseline": base, "missing": max(planned, len(values)) - len(pairs)}
        | _effect(pairs[arm].to_numpy(), pairs[base].to_numpy(), level)
        for place, values in by_replicate(results, table, outcomes)
        for arm, base in against.items()
        for pairs in [values[[arm, base]].dropna()]
    ]
    return pd.DataFrame(rows, columns=["point", *COLUMNS] if "point" in table else COLUMNS)


def by_replicate(
    results: Experiment, table: pd.DataFrame, outcomes: Sequence[str]
) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """Every outcome in every tissue, at every point of a sweep: which it is, and its values, arms across.

    Arms are all those of the experiment, in their order; what a run does not have is NaN.
    """
    groups = table.groupby("point") if "point" in table else [(None, table)]
    seen = {outcome: dict(seen_in(results, outcome, table)) for outcome in outcomes}
    for key, rows in groups:
        for where in (*results.tissues, *({BODY} - set(results.tissues))):
            for outcome in (each for each in outcomes if where in seen[each]):
                place = ({"point": key} if "point" in table else {}) | {"tissue": where, "outcome": outcome}
                here = rows[rows["tissue"] == seen[outcome][where]]
                wide = here.pivot(index="replicate", columns="arm", values=outcome)
                yield place, wide.reindex(columns=results.arms).astype(np.float64)


def of_body(results: Experiment, outcome: str) -> bool:
    """Whether an outcome is of the individual as a whole, so that no tissue has it."""
    return outcome in (*OF_BODY, *results.manifest.get("outcomes", {})) or outcome.startswith("plasma_")


def seen_in(results: Experiment, outcome: str, table: pd.DataFrame) -> list[tuple[str, str]]:
    """What is told of an outcome: names of tissues, or ``body``, and of the tissue whose rows of `table` have it.

    What is of the individual stands in the rows of all of its tissues. Tissues in which nobody has the outcome are left
    out where others have it.
    """
    if of_body(results, outcome):
        return [(BODY, results.tissues[0])]
    having = set(table.loc[table[outcome].notna(), "tissue"]) if outcome in table else set()
    return [(name, name) for name in results.tissues if name in having or not having]


def last_day(results: Results) -> pd.DataFrame:
    """The last row of every run and tissue; a run may stop early."""
    return results.timeseries.sort_values("day", kind="stable").drop_duplicates(
        ["arm", "replicate", "tissue"], keep="last", ignore_index=True
    )


def one_of(word: str, known: Iterable[str], what: str) -> str:
    """`word` itself; ResultsError, naming the nearest, where it is not among the `known` ones."""
    known = list(known)
    if word not in known:
        names = ", ".join(known) if len(known) <= 12 else f"the {len(known)} there are"
        raise ResultsError(f"{what}: must be one of {names}, got {word}{did_you_mean(str(word), known)}")
    return word


def chosen_tissue(results: Results, tissue: str | None, what: str) -> str:
    """`tissue`, or the first one of `results` if not given; ResultsError, which begins with `what`, if unknown."""
    return results.tissues[0] if tissue is None else one_of(tissue, results.tissues, f"{what}: tissue")


def _effect(a: Floats, b: Floats, level: float) -> dict[str, float]:
    low, high = t_interval(a, level)
    difference_low, difference_high = t_interval(a - b, level)
    boot_low, boot_high = bootstrap_interval(a - b, level)
    return {
        "n": a.size,
        "mean": _mean(a),
        "low": low,
        "high": high,
        "baseline_mean": _mean(b),
        "difference": _mean(a - b),
        "difference_low": difference_low,
        "difference_high": difference_high,
        "pairing_correlation": _over(covariance(a, b), math.sqrt(covariance(a, a) * covariance(b, b))),
        "variance_ratio": _over(covariance(a, a) + covariance(b, b), covariance(a - b, a - b)),
        "boot_low": boot_low,
        "boot_high": boot_high,
        "effect_size": effect_size(a, b),
        "superiority": superiority(a, b),
        "p": p_of_mean(a - b),
    }


# ---------------------------------------------------------------------------------------------------- of plain arrays


def _mean(x: Floats) -> float:
    return float(x.mean()) if x.size else math.nan


def covariance(x: Floats, y: Floats) -> float:
    """Unbiased; NaN for fewer than two values, and exactly 0 for equal ones, whose mean may be rounded."""
    if x.size < 2:
        return math.nan
    if np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        return 0.0
    return float(((x - x.mean()) * (y - y.mean())).sum() / (x.size - 1))


def _over(x: float, y: float) -> float:
    return x / y if y > 0.0 else math.nan


def t_interval(x: Floats, level: float = 0.95) -> tuple[float, float]:
    """The t interval of the mean of `x`; NaN where the values do not tell it, see `tells_spread`."""
    if not tells_spread(x):
        return math.nan, math.nan
    half = float(stats.t.ppf(0.5 + level / 2.0, x.size - 1)) * math.sqrt(covariance(x, x) / x.size)
    return _mean(x) - half, _mean(x) + half


def p_of_mean(x: Floats) -> float:
    """Two-sided p of the t test that the mean of `x` is 0; NaN where there is no variation to judge it by."""
    if not (tells_spread(x) and x.any()):
        return math.nan
    return float(2.0 * stats.t.sf(abs(_mean(x)) / math.sqrt(covariance(x, x) / x.size), x.size - 1))


def effect_size(a: Floats, b: Floats) -> float:
    r"""Difference of pairs in standard deviations between replicates (:math:`d_{av}`), with Hedges' correction.

    .. math:: g = J(\nu)\, \frac{\bar a - \bar b}{\sqrt{(s_a^2 + s_b^2) / 2}}, \qquad
              \nu = (n - 1) \frac{(s_a^2 + s_b^2)^2}{s_a^4 + s_b^4 + 2 s_{ab}^2}, \qquad
              J(\nu) = \frac{\Gamma(\nu / 2)}{\sqrt{\nu / 2}\; \Gamma((\nu - 1) / 2)}

    Not :math:`d_z`, which divides by the standard deviation of the differences: shared luck makes that as small as one
    likes, so it tells how alike the random numbers are, not how an effect compares with the spread between animals.

    Parameters
    ----------
    a, b : (n,) float array
        Pairs.

    Returns
    -------
    float
        NaN for fewer than three pairs, and where neither sample varies.

    Notes
    -----
    Source: Cumming (2012), Understanding the New Statistics, chapter 11; degrees of freedom of a mean of two correlated
    variances by Satterthwaite, 2 (n - 1) / (1 + r^2) where both are equal.
    """
    if a.size < 3:
        return math.nan
    of_a, of_b, shared = covariance(a, a), covariance(b, b), covariance(a, b)
    if not of_a + of_b > 0.0:
        return math.nan
    degrees = (a.size - 1) * (of_a + of_b) ** 2 / (of_a**2 + of_b**2 + 2.0 * shared**2)
    correction = math.exp(special.gammaln(degrees / 2.0) - special.gammaln((degrees - 1.0) / 2.0))
    return correction / math.sqrt(degrees / 2.0) * _mean(a - b) / math.sqrt((of_a + of_b) / 2.0)


def superiority(a: Floats, b: Floats) -> float:
    r"""Share of the pairs of a value of `a` with one of `b`, of different replicates, in which that of `a` is larger.

    .. math:: \frac{1}{n (n - 1)} \sum_{i \ne j} \left([a_i > b_j] + \tfrac12 [a_i = b_j]\right)

    Pairs of the same replicate share their luck and are left out: two unrelated animals do not. NaN for fewer than two
    replicates.
    """
    n = a.size
    if n < 2:
        return math.nan
    above = stats.rankdata(np.concatenate([a, b]))[:n].sum() - n * (n + 1) / 2.0
    same = np.count_nonzero(a > b) + 0.5 * np.count_nonzero(a == b)
    return float((above - same) / (n * (n - 1)))
