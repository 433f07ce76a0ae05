"""How likely sets of maps are under each channel: predictive laws learnt from simulated maps, and their check."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from sim.rng import BODY, Purpose, Stream, name_code

Floats = npt.NDArray[np.float64]

LEAST_SD = 0.1  # of a logarithm: statistics that differ by less are not told apart
SETS = 200  # sets of maps that are drawn to know how often a channel is named rightly
LEAST_LEFT = 3  # maps that a law is learnt from


class Law(NamedTuple):
    r"""What a channel is expected to give: the predictive law of p statistics of new maps.

    Statistics are normal, with a flat prior of their mean and an inverse Wishart prior of their covariance with p + 2
    degrees of freedom and the scale :math:`\Psi`: p times the variances pooled over the channels, no correlations (with
    less, p values promise too much after few maps). After n simulated maps with scatter S about their mean, the law of
    one new map is a multivariate t,

    .. math:: x \sim t_{\nu}\!\left(\bar x,\ \frac{n + 1}{n\,\nu}\,(\Psi + S)\right), \qquad \nu = n + 2

    and that of a set is the product of such laws, each learnt from the maps before it too: what is not known of the
    channel, from so few simulated maps, is the same for all maps of a set.
    Source: Gelman et al., Bayesian Data Analysis (2013), section 3.6.
    """

    n: int
    mean: Floats
    spread: Floats  # Psi + S

    @property
    def p(self) -> int:
        """Number of statistics."""
        return len(self.mean)

    def log_density(self, x: Floats) -> float:
        r"""Logarithm of the density at a set of maps, (m, p).

        .. math:: \frac{p(x, y)}{p(y)}, \qquad p(y) \propto n^{-p/2}\; \pi^{-np/2}\; \Gamma_p(k/2)\; |\Psi + S|^{-k/2},
                  \quad k = n + p + 1
        """
        after = self._joined_by(x)
        return float(_log_evidence(after.spread, after.n) - _log_evidence(self.spread, self.n))

    def p_value(self, x: Floats) -> float:
        """Chance of a set of maps, (m, p), whose mean is further off: F(p, n + 2) of its squared distance over p.

        The mean of m maps is spread about that of the n simulated ones by 1/m + 1/n of the variance of one map.
        """
        off, dof = x.mean(axis=0) - self.mean, self.n + 2
        distance = float(off @ np.linalg.solve(self.spread, off)) * dof / (1.0 / len(x) + 1.0 / self.n)
        return float(stats.f.sf(distance / self.p, self.p, dof))

    def _joined_by(self, x: Floats) -> Law:
        m, middle = len(x), x.mean(axis=0)
        off, shift = x - middle, middle - self.mean
        spread = self.spread + off.T @ off + self.n * m / (self.n + m) * np.outer(shift, shift)
        return Law(self.n + m, (self.n * self.mean + m * middle) / (self.n + m), spread)


def laws_of(samples: Floats) -> list[Law]:
    """The law of each channel from `samples`, (channels, maps, statistics)."""
    prior = np.diag(_prior(samples.var(axis=1, ddof=1)))
    off = samples - samples.mean(axis=1, keepdims=True)
    return [Law(len(mine), mine.mean(axis=0), prior + d.T @ d) for mine, d in zip(samples, off, strict=True)]


def _prior(variance: Floats) -> Floats:
    """Diagonal of Psi from the variances per channel, (channels, ..., p)."""
    pooled: Floats = np.maximum(variance.mean(axis=0), LEAST_SD**2)
    return variance.shape[-1] * pooled


def probabilities(log_likelihood: Floats) -> Floats:
    """Of the channels, given log likelihoods along the last axis and equal chances before."""
    found: Floats = special.softmax(log_likelihood, axis=-1)
    return found


def left_out(samples: Floats, sets: npt.NDArray[np.int64]) -> Floats:
    """Log likelihood of sets of maps under each channel, learnt without the replicates of the set in any channel.

    Parameters
    ----------
    samples : (channels, maps, statistics) float array
        The replicates of channels share their luck, so they are left out of all of them.
    sets : (k, n) int array
        Replicates of each set.

    Returns
    -------
    (channels, k, channels) float array
        The first axis is the true channel, the last the one that is asked about.
    """
    m, n, p = sets.shape[1], samples.shape[1] - sets.shape[1], samples.shape[2]
    others = np.array([np.delete(np.arange(samples.shape[1]), chosen) for chosen in sets])
    mean, scatter, variance = _moments(samples[:, others])
    middle, own, _ = _moments(samples[:, sets])
    before = scatter + _prior(variance)[:, :, None] * np.eye(p)
    shift = middle[:, None] - mean  # true channel, the one asked about, set, statistic
    after = before + own[:, None] + n * m / (n + m) * shift[..., :, None] * shift[..., None, :]
    likelihood: Floats = _log_evidence(after, n + m) - _log_evidence(before, n)
    return likelihood.transpose(0, 2, 1)


def _moments(x: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean, scatter matrix and variance over the last axis but one."""
    mean = x.mean(axis=-2, keepdims=True)
    scatter: Floats = np.swapaxes(x - mean, -1, -2) @ (x - mean)
    return mean[..., 0, :], scatter, np.diagonal(scatter, axis1=-2, axis2=-1) / max(x.shape[-2] - 1, 1)


def _log_evidence(spread: Floats, n: int) -> Floats:
    """Logarithm of p(y), see `Law.log_density`, of any number of `spread` matrices of n maps each."""
    p = spread.shape[-1]
    k = n + p + 1
    constant = float(special.multigammaln(k / 2.0, p)) - p / 2.0 * (math.log(n) + n * math.log(math.pi))
    evidence: Floats = constant - k / 2.0 * np.linalg.slogdet(spread)[1]
    return evidence


def one_by_one(n: int) -> npt.NDArray[np.int64]:
    """Sets of one of `n` replicates each, (n, 1)."""
    return np.arange(n)[:, None]


def drawn_sets(n: int, maps: int) -> npt.NDArray[np.int64]:
    """`SETS` sets of so many of `n` replicates, without replacement: the same ones each time it is asked."""
    stream = Stream(name_code("channels"), BODY, 0)
    order = stream.uniforms(Purpose.RESAMPLE, n, np.arange(SETS * n).reshape(SETS, n))
    return np.argsort(order, axis=1)[:, :maps]


def named_rightly(samples: Floats, maps: int) -> Floats:
    """Share of sets of so many maps for which the true channel is the most likely one, per true channel.

    NaN where fewer than `LEAST_LEFT` replicates are left to learn from.
    """
    channels, n, _ = samples.shape
    if n - maps < LEAST_LEFT:
        return np.full(channels, math.nan)
    likelihood = left_out(samples, one_by_one(n) if maps == 1 else drawn_sets(n, maps))
    right: Floats = (likelihood.argmax(axis=2) == np.arange(channels)[:, None]).mean(axis=1)
    return right
