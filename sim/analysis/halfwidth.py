"""How well a difference is known, how many more replicates a wish takes, and a rule that runs them until it is met."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from sim.analysis.outcomes import with_outcomes
from sim.analysis.paired import baseline_words, effects
from sim.errors import ResultsError
from sim.results import Results

FIRST = 8  # replicates of the first look: from fewer, a variance is too often far too small
LEAST, MOST = 1.25, 2.0  # by which the replicates grow from look to look, at least and at most
TELLING = 3  # pairs from which a variance is worth a forecast


def half_widths(table: pd.DataFrame) -> pd.Series:
    """Half of each interval of a difference in a table of `sim.compare`, in the unit of the outcome."""
    return (table["difference_high"] - table["difference_low"]) / 2.0


def pairs_for(deviation: float, wish: float, level: float = 0.95) -> int:
    r"""The smallest number of pairs whose t interval is at most `wish` to either side.

    .. math:: \min\{n \ge 2 : t_{n-1}\, s / \sqrt n \le w\}

    Parameters
    ----------
    deviation : float
        Standard deviation of the differences.
    wish : float
        Half-width, more than 0, in the same unit.
    level : float
        Confidence of the interval.
    """

    def enough(n: int) -> bool:
        return bool(stats.t.ppf(0.5 + level / 2.0, n - 1) * deviation / math.sqrt(n) <= wish)

    high = 2
    while not enough(high):
        high *= 2
    low = max(2, high // 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return high


def needed(table: pd.DataFrame, wish: float, level: float = 0.95) -> pd.Series:
    """Pairs still needed, row by row of a table of `sim.compare`, for differences with a half-width of `wish`.

    As far as the variance of the pairs so far tells; NaN of fewer than 3 pairs, and where all differ by the same.

    Parameters
    ----------
    table : DataFrame
        With ``n difference_low difference_high``.
    wish : float
        In the unit of the outcome, more than 0.
    level : float
        Confidence of the intervals in `table`, and of the one that is wished for.
    """
    more = np.full(len(table), math.nan)
    for i, (n, half) in enumerate(zip(table["n"], half_widths(table), strict=True)):
        if n >= TELLING and math.isfinite(half):
            deviation = half * math.sqrt(n) / float(stats.t.ppf(0.5 + level / 2.0, n - 1))
            more[i] = 0 if half <= wish else max(1, pairs_for(deviation, wish, level) - n)
    return pd.Series(more, index=table.index)


def checked_wish(wish: float, what: str) -> float:
    """A half-width that can be reached."""
    if not (math.isfinite(wish) and wish > 0.0):
        raise ResultsError(f"{what}: must be more than 0, got {wish:g}")
    return wish


@dataclass(frozen=True)
class HalfWidth:
    """Rule for `sim.run`: replicates until every paired difference of an outcome (see `sim.compare`) is known so well.

    It looks at the first 8 replicates (or more, see `first`), and then each time at as many as the last look says are
    needed, but at least a quarter more and at most twice as many, until all 95 % t intervals are narrow enough or there
    are `most` replicates. How many depends on nothing but the tables, so it is the same for any number of workers.

    Attributes
    ----------
    wish : float
        Largest half-width, in the unit of the outcome.
    outcome : str
        As in `sim.compare`, in all tissues that have it.
    most : int
        Replicates after which it gives up.
    first : int
        Replicates of the first look.

    Raises
    ------
    ResultsError
        If the wish is not above 0, or fewer than 2 replicates are allowed.

    Notes
    -----
    Optional stopping costs coverage: one stops sooner where the variance happens to look small. For normal differences
    the last interval, nominally 95 %, holds the truth in 93 to 95 % (wishes that take 10 to 80 replicates; 92 % if the
    first look were at 4, which is why it is at 8): `tests/stochastic/test_coverage.py`. Differences that are all equal
    do not tell how well they are known, and it goes on; if all are exactly 0, the arms are the same run, and it stops.
    """

    wish: float
    outcome: str = "burden"
    most: int = 200
    first: int = FIRST

    def __post_init__(self) -> None:
        checked_wish(self.wish, "until: half-width")
        if self.most < 2:
            raise ResultsError(f"until: most: must be at least 2 replicates, got {self.most}")

    def next(self, results: Results) -> int:
        """How many replicates `results` should have in all; no more than they have where it is time to stop."""
        done, first = int(results.manifest["replicates"]), min(self.first, self.most)
        if results.timeseries.empty:  # all have failed; the others of the first look may not
            return max(done, first)
        table = self._differences(results)
        if done < first:
            return first
        if (half_widths(table) <= self.wish).all():
            return done
        return min(self.most, grown(done, float(needed(table, self.wish).max())))

    def verdict(self, results: Results) -> str:
        """What came of it in `results`, in a line."""
        done, table = int(results.manifest["replicates"]), self._differences(results)
        widest, about = half_widths(table).max(skipna=False), f"half-width of {self.outcome}"
        if not math.isfinite(widest):
            few = (table["n"] < 2).any()
            return (
                f"{about}: not known, {'too few' if few else 'no variation between the'} pairs among {done} replicates"
            )
        if widest <= self.wish:
            alike, base = table.loc[half_widths(table) == 0.0, "arm"].unique(), baseline_words(results)
            same = f"; {', '.join(alike)}: the same as {base} in every replicate" if alike.size else ""
            return f"{about}: {widest:.3g} after {done} replicates (wished: {self.wish:g}){same}"
        more = needed(table, self.wish).max()
        return (
            f"{about}: {widest:.3g}, not {self.wish:g}, at the limit of {done} replicates; about {more:.0f} more needed"
        )

    def _differences(self, results: Results) -> pd.DataFrame:
        """Only where there are pairs: a tissue may have no such outcome, an arm no replicate that finished."""
        if len(results.arms) < 2:
            raise ResultsError("until: arms: must be at least two to compare, got one")
        table = effects(results, with_outcomes(results, [self.outcome]), [self.outcome])
        return table[table["n"] > 0]


def grown(done: int, more: float) -> int:
    """Replicates of the next look after one at `done` that asks for `more`."""
    goal = done + more if math.isfinite(more) else math.inf
    return int(min(max(goal, math.ceil(LEAST * done)), MOST * done))
