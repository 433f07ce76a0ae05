r"""Elementary effects of the mean over luck: which parameters matter, in which direction, and how evenly.

The effect :math:`E_i` of a parameter is the change of the outcome over the change of the parameter in its range (0 to
1), along one walk of the design; :math:`\mu` its mean over the walks, :math:`\mu^*` the mean of its magnitude,
:math:`\sigma` its standard deviation, which interactions and curvature make.

Source: Morris (1991), Technometrics 33:161, doi 10.1080/00401706.1991.10484804; mu*: Campolongo, Cariboni, Saltelli
(2007), Environ Model Softw 22:1509, doi 10.1016/j.envsoft.2006.10.004.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from sim.analysis.mean_over_luck import (
    Blocks,
    Estimates,
    Floats,
    Integers,
    across,
    estimated,
    share_of_luck,
    spread,
    spread_terms,
)


def elementary_effects(blocks: Blocks, places: Floats, level: float = 0.95, seed: int = 0) -> Estimates:
    r"""Statistics of the elementary effects of a `morris` design over d parameters.

    Luck moves every effect a little, and a magnitude cannot be negative: the plain :math:`\mu^*` of a parameter that
    does nothing is luck. So each replicate gives the size and the others the sign,
    :math:`\mu^* = \operatorname{mean} E_{i,r} \operatorname{sign} \sum_{s \ne r} E_{i,s}`: in the mean it is 0 where
    there is no effect, right where luck leaves the sign clear, and never too large. The upper end of its interval is
    that of the plain :math:`\mu^*`, which in the mean is never too small. :math:`\sigma^2` is the covariance of the
    effects across replicates.

    Parameters
    ----------
    blocks : Blocks
        Of each walk d + 1 points.
    places : (n, d + 1, d) float array
        Of the points of all walks of the design, in the unit cube; each step changes one coordinate.
    level : float
        Confidence of the intervals.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Estimates
        d of mu, d of mu*, d of sigma [unit of the outcome, over the whole range]; then the share of luck in the
        variance of a single run, and the variance of the mean over luck over the points.
    """
    d = places.shape[2]
    steps = np.diff(places, axis=1).transpose(0, 2, 1)  # by parameter
    when = np.abs(steps).argmax(axis=2)  # the step that changes it
    size = np.take_along_axis(steps, when[..., None], axis=2)[..., 0]
    found = estimated(blocks, partial(_terms, when=when, size=size), partial(_statistics, d=d), level, seed)
    ends = np.delete(np.arange(3 * d, len(found.value)), np.arange(d))
    kept = np.concatenate([np.arange(3 * d), ends])
    value, low, high = found.value.copy(), found.low.copy(), found.high.copy()
    value[d : 2 * d] = np.maximum(0.0, value[d : 2 * d])
    high[d : 2 * d] = np.maximum(high[d : 2 * d], high[3 * d : 4 * d])
    low[d : 3 * d] = np.maximum(0.0, low[d : 3 * d])
    return Estimates(value[kept], low[kept], high[kept], found.by_luck[kept])


def _terms(blocks: Blocks, when: Integers, size: Floats) -> Floats:
    """Of each walk: effects, sizes signed by the others, plain sizes, squares, effects by replicate, and `spread`."""
    step = when[blocks.rows][..., None]
    rises = np.diff(blocks.values, axis=1)
    effects = np.take_along_axis(rises, step, axis=1) / size[blocks.rows][..., None]
    count = blocks.whole.sum(axis=1)[:, None]
    total = effects.sum(axis=2)
    others = total[..., None] - effects if blocks.replicates > 1 else effects
    signed = (effects * np.sign(others)).sum(axis=2) / count
    return np.column_stack([total / count, signed, np.abs(total) / count, blocks.across(effects, effects),
                            effects.reshape(len(effects), -1), spread_terms(blocks, blocks.values)])  # fmt: skip


def _statistics(means: Floats, n: int, d: int) -> Floats:
    """Averaged terms (..., k) of n walks: mu, mu*, sigma, plain mu*, share of luck, variance."""
    replicates = (means.shape[-1] - 4 * d - 2) // (d + 1)
    mu, signed, plain, square, by_replicate, rest = np.split(
        means, [d, 2 * d, 3 * d, 4 * d, (4 + replicates) * d], axis=-1
    )
    by_replicate = by_replicate.reshape(*means.shape[:-1], d, replicates)
    variance = (square - across(by_replicate, by_replicate)) * n / (n - 1.0)
    of_mean, luck = spread(rest)
    ends = np.stack([share_of_luck(of_mean, luck), of_mean], axis=-1)
    return np.concatenate([mu, signed, np.sqrt(np.maximum(0.0, variance)), plain, ends], axis=-1)
