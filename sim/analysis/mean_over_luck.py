r"""What a design says of the mean over luck: products across replicates, and intervals for what is made of them.

A run gives :math:`y_r(x) = m(x) + e_r(x)`: replicates with the same number share their luck :math:`e_r` at all points,
replicates with different numbers share nothing. So for any two points :math:`E\,y_r(x)\,y_s(x') = m(x)\,m(x')` if
:math:`r \ne s`, while products within a replicate add the covariance of luck, which depends on the parameters too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
Terms = Callable[["Blocks"], Floats]
Indices = Callable[[Floats, int], Floats]

RESAMPLES = 1000
BATCH = 200  # resamples at once: memory, not statistics
ROUNDING = 1e-12  # differences from the mean, over the mean, that are none
LEAST = 3  # replicates from which the spread between them can be told


@dataclass(frozen=True)
class Blocks:
    """Outcomes by block of the design.

    Attributes
    ----------
    values : (n, k, r) float array
        Of the k points of n blocks in r replicates; less the mean of each replicate, 0 where left out.
    whole : (n, r) bool array
        Replicates that have all points of a block. A replicate that lacks one is left out of the block, so that what is
        subtracted shares its luck; every block has two replicates, or there is one in all.
    centre : (r,) float array
        What was subtracted: the mean of each replicate.
    rows : (n,) int array
        Which blocks of the design these are.
    """

    values: Floats
    whole: Bools
    centre: Floats
    rows: Integers

    @classmethod
    def of(cls, values: Floats) -> Blocks:
        """Blocks of outcomes (n, k, r) that may hold NaN; blocks that cannot tell luck apart are left out."""
        whole: Bools = np.all(np.isfinite(values), axis=1)
        used = whole.sum(axis=1) >= min(2, values.shape[2])
        values, whole = values[used], whole[used]
        there = np.where(whole[:, None, :], values, 0.0)
        mean = there.sum(axis=(0, 1)) / np.maximum(1, values.shape[1] * whole.sum(axis=0))
        apart = np.where(np.abs(there - mean) > ROUNDING * np.abs(mean), there - mean, 0.0)
        return cls(np.where(whole[:, None, :], apart, 0.0), whole, mean, np.flatnonzero(used))

    @property
    def replicates(self) -> int:
        """How many there are."""
        return self.whole.shape[1]

    def without(self, replicate: int) -> Blocks:
        """All but one replicate."""
        values = np.where(self.whole[:, None, :], self.values + self.centre, np.nan)
        left = Blocks.of(np.delete(values, replicate, axis=2))
        return replace(left, rows=self.rows[left.rows])

    def across(self, one: Floats, other: Floats) -> Floats:
        """`across` of (n, ..., r) arrays made of these values, block by block."""
        count = self.whole.sum(axis=1).reshape(-1, *[1] * (one.ndim - 2)).astype(np.float64)
        return across(one, other, count)


def across(one: Floats, other: Floats, count: Floats | float | None = None) -> Floats:
    """Mean over all pairs of different replicates of ``one[..., r] * other[..., s]``.

    Unbiased for the product of the means over luck. Of `count` replicates, as many as there are if not given; the
    others are 0. A single replicate gives the plain product, luck included.
    """
    n = np.asarray(float(one.shape[-1]) if count is None else count)
    same = (one * other).sum(axis=-1)
    if one.shape[-1] == 1:
        return same
    return (one.sum(axis=-1) * other.sum(axis=-1) - same) / (n * (n - 1.0))


# ---------------------------------------------------------------------------------------------------- mean and spread


def spread_terms(blocks: Blocks, values: Floats) -> Floats:
    """What `spread` needs of some points (n, k, r) of the blocks: (n, 2 + r) array, to be averaged over blocks."""
    alike = blocks.across(values, values).mean(axis=1)
    count = blocks.whole.sum(axis=1).astype(np.float64)[:, None]
    full = values + np.where(blocks.whole, blocks.centre - blocks.centre.mean(), 0.0)[:, None, :]
    within = ((full**2).sum(axis=-1) - full.sum(axis=-1) ** 2 / count) / np.where(count > 1.0, count - 1.0, np.nan)
    return np.column_stack([alike, within.mean(axis=1), values.mean(axis=1)])


def spread(means: Floats) -> tuple[Floats, Floats]:
    """Variance of the mean over luck, and mean variance of luck at a point (NaN of a single replicate), of averages."""
    return means[..., 0] - across(means[..., 2:], means[..., 2:]), np.maximum(0.0, means[..., 1])


def share_of_luck(variance: Floats, luck: Floats) -> Floats:
    """Of the variance of a single run; NaN where nothing varies."""
    return _over(luck, np.maximum(variance, 0.0) + luck)


# ---------------------------------------------------------------------------------------------------------- intervals


@dataclass(frozen=True)
class Estimates:
    """Numbers made of blocks, with their intervals, and the share of their variance that is the choice of replicates.

    `by_luck` is NaN for fewer than three replicates: the intervals then leave out the luck that all points share.
    """

    value: Floats
    low: Floats
    high: Floats
    by_luck: Floats


def estimated(blocks: Blocks, terms: Terms, indices: Indices, level: float, seed: int) -> Estimates:
    r"""Numbers made of means over blocks, with intervals for another draw of blocks and of replicates.

    .. math:: v = v_\text{blocks} + v_\text{replicates}, \qquad \hat\theta \pm t_\nu \sqrt v

    The blocks are resampled (bootstrap); the few replicates, which all blocks share, are left out in turn (jackknife);
    :math:`\nu` by Satterthwaite. What is neither in the blocks nor in the replicates but in both (luck without any
    likeness between points) counts in both: there the interval is too wide, by at most a factor 1.4.

    Parameters
    ----------
    blocks : Blocks
        Outcomes of a design.
    terms : callable
        Blocks to an (n, k) array.
    indices : callable
        Means over blocks (..., k), and of how many, to the numbers (..., i).
    level : float
        Confidence.
    seed : int
        Of the bootstrap.
    """
    rows = terms(blocks)
    n, replicates = len(rows), blocks.replicates
    value = indices(rows.mean(axis=0), n)
    of_blocks = _resampled(rows, indices, seed).var(axis=0, ddof=1) * n / (n - 1.0)  # a bootstrap of few is too narrow
    of_luck = np.full_like(value, np.nan)
    if replicates >= LEAST:
        left = [terms(blocks.without(r)) for r in range(replicates)]
        few = np.stack([indices(each.mean(axis=0), len(each)) for each in left])
        of_luck = (replicates - 1.0) * few.var(axis=0)
    both = of_blocks + np.nan_to_num(of_luck)
    freedom = _over(both**2, of_blocks**2 / (n - 1.0) + np.nan_to_num(of_luck) ** 2 / max(1.0, replicates - 1.0))
    half = stats.t.ppf(0.5 + level / 2.0, np.where(freedom > 0.0, freedom, n - 1.0)) * np.sqrt(both)
    return Estimates(value, value - half, value + half, _over(of_luck, both))


def _resampled(rows: Floats, indices: Indices, seed: int) -> Floats:
    """The numbers of many bootstrap samples of the blocks."""
    rng, n = np.random.default_rng(seed), len(rows)
    drawn = (rng.multinomial(n, np.full(n, 1.0 / n), size=BATCH) for _ in range(RESAMPLES // BATCH))
    return np.concatenate([indices(weights @ rows / n, n) for weights in drawn])


def _over(x: Floats, y: Floats) -> Floats:
    """``x / y``, NaN where y is not positive."""
    return np.divide(x, y, out=np.full(np.broadcast_shapes(x.shape, y.shape), np.nan), where=y > 0.0)
