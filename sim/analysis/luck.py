"""How long arms share their luck: the variance of a paired difference against that of an unpaired one, day by day."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.analysis.paired import baselines, one_of
from sim.results import KEYS, Results

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

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
        As in `sim.compare`.

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
    against = baselines(results, baseline, "luck")
    tables = []
    for tissue in results.tissues:
        rows = results.timeseries[results.timeseries["tissue"] == tissue]
        wide = rows.pivot(index="day", columns=["arm", "replicate"], values=outcome).sort_index()
        tables += [
            _variances(wide, arm, base).assign(arm=arm, tissue=tissue)
            for arm, base in against.items()
            if arm in wide and base in wide
        ]
    if not tables:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.concat(tables, ignore_index=True)[COLUMNS]
    order = {arm: place for place, arm in enumerate(results.arms)}
    return table.sort_values(
        ["arm", "tissue"], key=lambda c: c.map(order) if c.name == "arm" else c, kind="stable", ignore_index=True
    )


def _variances(wide: pd.DataFrame, arm: str, baseline: str) -> pd.DataFrame:
    """All days at once: a table of days by arm and replicate to ``day n paired unpaired ratio``."""
    shared = wide[arm].columns.intersection(wide[baseline].columns)
    a, b = (wide[each][shared].to_numpy(np.float64) for each in (arm, baseline))
    both = np.isfinite(a) & np.isfinite(b)
    paired, unpaired = _variance(a - b, both), _variance(a, both) + _variance(b, both)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(unpaired > 0.0, unpaired / paired, np.nan)  # infinite where only the difference is constant
    numbers = {"n": both.sum(axis=1), "paired": paired, "unpaired": unpaired, "ratio": ratio}
    return pd.DataFrame({"day": wide.index.to_numpy(np.float64), **numbers})


def _variance(values: Floats, used: Bools) -> Floats:
    """Unbiased, row by row; NaN for fewer than two values, and exactly 0 for equal ones, whose mean may be rounded."""
    n = used.sum(axis=1)
    mean = np.where(used, values, 0.0).sum(axis=1) / np.maximum(n, 1)
    apart = np.where(used, values - mean[:, None], 0.0)
    lowest, highest = (np.where(used, values, end).T for end in (np.inf, -np.inf))
    equal = highest.max(axis=0, initial=-np.inf) == lowest.min(axis=0, initial=np.inf)
    variance: Floats = np.where(equal, 0.0, (apart**2).sum(axis=1) / np.maximum(n - 1, 1))
    return np.where(n > 1, variance, np.nan)
