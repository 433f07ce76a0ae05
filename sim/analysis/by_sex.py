"""Effects of arms in each sex, and how much they differ between the sexes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from sim.analysis.bootstrap import tells_spread
from sim.analysis.paired import COLUMNS, Experiment, Floats, baselines, by_replicate, effects
from sim.errors import ResultsError
from sim.results import Results


def effects_by_sex(
    results: Experiment, table: pd.DataFrame, outcomes: Sequence[str], baseline: str | None, level: float
) -> pd.DataFrame:
    r"""The rows of `sim.analysis.paired.effects` in each sex, then those between the sexes, ``sex`` in front.

    Between two sexes (``sex`` is then ``male - female``) stands the difference of the paired differences d, Welch's
    interval and p, for individuals of different sexes are no pairs:

    .. math:: \bar d_m - \bar d_f \pm t_\nu \sqrt{s_m^2 / n_m + s_f^2 / n_f}

    with ``n`` the pairs of both; what else is known of arms is NaN there. Of more than two sexes each stands against
    the one before. Source: Welch (1947), Biometrika 34:28.

    Raises
    ------
    ResultsError
        If sexes are not told, or a replicate has different ones in different arms.
    """
    groups = _groups(results)
    found = [
        effects(results, table[table["replicate"].isin(members)], outcomes, baseline, level, len(members)).assign(
            sex=name
        )
        for name, members in groups.items()
    ]
    between = pd.DataFrame(list(_between(results, table, outcomes, baseline, level, groups)))
    whole = pd.concat([*found, between], ignore_index=True) if len(between) else pd.concat(found, ignore_index=True)
    keys = ["tissue", "outcome", "arm"]
    order = {row: place for place, row in enumerate(found[0][keys].itertuples(index=False, name=None))}
    places = [order[row] for row in whole[keys].itertuples(index=False, name=None)]
    return whole.iloc[np.argsort(places, kind="stable")].reset_index(drop=True)[["sex", *COLUMNS]]


def _groups(results: Experiment) -> dict[str, list[int]]:
    """Replicates of each sex, the sexes in the order of their names."""
    if not isinstance(results, Results):
        raise ResultsError("compare: by: must be asked of a run, got a sweep")
    if "sex" not in results.individuals:
        raise ResultsError("compare: by: must be something that individuals differ in, got sex, which is not told "
                           "(individuals.sexes)")  # fmt: skip
    told = results.individuals[["replicate", "sex"]].drop_duplicates()
    if told["replicate"].duplicated().any():
        raise ResultsError("compare: by: must be the same in all arms, got replicates of another sex in another arm")
    return {str(sex): rows["replicate"].tolist() for sex, rows in told.groupby("sex")}


def _between(
    results: Experiment,
    table: pd.DataFrame,
    outcomes: Sequence[str],
    baseline: str | None,
    level: float,
    groups: dict[str, list[int]],
) -> Iterator[dict[str, Any]]:
    """How much more an arm does in one sex than in another."""
    for place, values in by_replicate(results, table, outcomes):
        for arm, base in baselines(results, baseline).items():
            apart = (values[arm] - values[base]).dropna()
            for one, other in pairwise(groups):
                a, b = (apart[apart.index.isin(groups[name])].to_numpy(np.float64) for name in (other, one))
                missing = len(groups[one]) + len(groups[other]) - a.size - b.size
                head = {"sex": f"{other} - {one}", "arm": arm, "baseline": base, "n": a.size + b.size}
                yield place | head | {"missing": missing} | _welch(a, b, level)


def _welch(a: Floats, b: Floats, level: float) -> dict[str, float]:
    """Difference of two means with its interval and p; NaN where either varies too little to tell."""
    apart = float(a.mean() - b.mean()) if a.size and b.size else math.nan
    low = high = p = math.nan
    if tells_spread(a) and tells_spread(b) and (a.any() or b.any()):
        test = stats.ttest_ind(a, b, equal_var=False)
        (low, high), p = test.confidence_interval(level), float(test.pvalue)
    return {"difference": apart, "difference_low": float(low), "difference_high": float(high), "p": p}
