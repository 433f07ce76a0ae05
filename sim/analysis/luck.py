"""How long arms share their luck: the variance of a paired difference against that of an unpaired one, day by day."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from sim.analysis.paired import by_replicate, covariance, one_of
from sim.analysis.treatment import given_doses
from sim.results import KEYS, Results

COLUMNS = ["arm", "tissue", "day", "n", "paired", "unpaired", "ratio"]


def shared_luck(results: Results, outcome: str = "burden", baseline: str | None = None) -> pd.DataFrame:
    r"""By how much shared luck shrinks the variance of a difference from the baseline, on every recorded day.

    .. math:: \text{ratio} = \frac{s_a^2 + s_b^2}{s_{a - b}^2}

    Parameters
    ----------
    results : Results
        Tables of an experiment.
    outcome : str
        Column of ``results.timeseries``.
    baseline : str, optional
        The first arm if not given.

    Returns
    -------
    DataFrame
        One row per other arm, tissue and day: ``arm tissue day``; ``n`` pairs; ``paired unpaired``: the variance of the
        paired difference and that which it would have of independent runs, in the square of the unit; ``ratio``:
        unpaired over paired, infinite where the paired difference does not vary (before anything acts it is 0 in every
        pair), NaN where nothing varies and for fewer than two pairs.

    Raises
    ------
    ResultsError
        If there is no such column or arm.
    """
    one_of(outcome, [name for name in results.timeseries if name not in KEYS], "luck: outcome")
    baseline = results.arms[0] if baseline is None else one_of(baseline, results.arms, "luck: baseline")
    rows = [
        _variances(arm, str(place["tissue"]), float(place["day"]), values[[arm, baseline]].dropna())
        for place, values in by_replicate(results, results.timeseries, [outcome], per="day")
        for arm in results.arms
        if arm != baseline
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    order = {arm: place for place, arm in enumerate(results.arms)}
    return table.sort_values(
        ["arm", "tissue"], key=lambda c: c.map(order) if c.name == "arm" else c, kind="stable", ignore_index=True
    )


def first_dose(results: Results) -> dict[str, float]:
    """Day of the first dose given in any replicate, by arm; none for arms without."""
    return {str(arm): float(days.min()) for arm, days in given_doses(results).groupby("arm", sort=False)["day"]}


def _variances(arm: str, tissue: str, day: float, pairs: pd.DataFrame) -> dict[str, object]:
    a, b = pairs.to_numpy(np.float64).T
    paired, unpaired = covariance(a - b, a - b), covariance(a, a) + covariance(b, b)
    ratio = unpaired / paired if paired > 0.0 else math.inf if unpaired > 0.0 else math.nan
    return {"arm": arm, "tissue": tissue, "day": day, "n": len(pairs), "paired": paired, "unpaired": unpaired,
            "ratio": ratio}  # fmt: skip
