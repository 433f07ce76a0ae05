"""How likely a row of statistics is under each channel: predictive laws learnt from simulated maps, and their check."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from sim.rng import BODY, Purpose, Stream, name_code

Floats = npt.NDArray[np.float64]

LEAST_SD = 0.1  # of a logarithm: statistics that differ by less are not told apart
SETS = 1000  # sets of maps that are drawn to know how often a channel is named rightly


class Law(NamedTuple):
    r"""What a channel is expected to give: the predictive law of p statistics of a new map, a multivariate t.

    .. math:: x \sim t_{\nu}\!\left(\bar x,\ \frac{n + 1}{n\,\nu}\,(\Psi + S)\right), \qquad \nu = n + 2

    for n simulated maps with mean :math:`\bar x` and scatter S about it, a flat prior of the mean and an inverse
    Wishart prior of the covariance with p + 2 degrees of freedom and the mean :math:`\Psi`: variances pooled over the
    channels, no correlations. So few maps and many statistics do not make it over-confident.
    Source: Gelman et al., Bayesian Data Analysis (2013), section 3.6.
    """

    mean: Floats
    inverse: Floats  # of the scale matrix
    constant: float  # of the log density
    dof: float

    def distance(self, x: Floats) -> Floats:
        """Squared Mahalanobis distances of rows of statistics, (m,)."""
        off = np.atleast_2d(x) - self.mean
        squared: Floats = np.einsum("ij,jk,ik->i", off, self.inverse, off)
        return squared

    def log_density(self, x: Floats) -> Floats:
        """Logarithms of the density at rows of statistics, (m,)."""
        p = len(self.mean)
        density: Floats = self.constant - (self.dof + p) / 2.0 * np.log1p(self.distance(x) / self.dof)
        return density

    def p_values(self, x: Floats) -> Floats:
        """Chance of a map further off than each row: F(p, nu) of the squared distance over p, (m,)."""
        p = len(self.mean)
        chance: Floats = stats.f.sf(self.distance(x) / p, p, self.dof)
        return chance


def laws_of(samples: Floats) -> list[Law]:
    """The law of each channel from `samples`, (channels, maps, statistics)."""
    _, n, p = samples.shape
    pooled = np.maximum(samples.var(axis=1, ddof=1).mean(axis=0), LEAST_SD**2)
    dof = n + 2.0
    laws = []
    for mine in samples:
        off = mine - mine.mean(axis=0)
        scale = (np.diag(pooled) + off.T @ off) * (n + 1) / (n * dof)
        constant = special.gammaln((dof + p) / 2.0) - special.gammaln(dof / 2.0) - p / 2.0 * math.log(dof * math.pi)
        constant -= 0.5 * np.linalg.slogdet(scale)[1]
        laws.append(Law(mine.mean(axis=0), np.linalg.inv(scale), float(constant), dof))
    return laws


def probabilities(log_likelihood: Floats) -> Floats:
    """Of the channels, given log likelihoods along the last axis and equal chances before."""
    found: Floats = special.softmax(log_likelihood, axis=-1)
    return found


def fit_of(p_values: Floats) -> float:
    """One p value of several maps, by Fisher's sum of logarithms."""
    p = np.maximum(p_values, np.finfo(np.float64).tiny)
    return float(stats.chi2.sf(-2.0 * np.log(p).sum(), 2 * p.size))


def left_out(samples: Floats) -> Floats:
    """Log likelihood of every map under each channel, learnt without this replicate in any channel.

    Parameters
    ----------
    samples : (channels, maps, statistics) float array
        The replicates of channels share their luck, so a replicate is left out of all of them.

    Returns
    -------
    (channels, maps, channels) float array
        The first axis is the true channel, the last the one that is asked about.
    """
    channels, n, _ = samples.shape
    found = np.empty((channels, n, channels))
    for i in range(n):
        laws = laws_of(np.delete(samples, i, axis=1))
        found[:, i] = np.stack([law.log_density(samples[:, i]) for law in laws], axis=1)
    return found


def named_rightly(log_likelihood: Floats, maps: int) -> Floats:
    """Share of sets of so many maps for which the true channel is the most likely one, per true channel.

    Sets are drawn without replacement from the maps of `left_out`; the same sets each time it is asked. NaN where there
    are fewer maps.
    """
    channels, n, _ = log_likelihood.shape
    if n < maps:
        return np.full(channels, math.nan)
    stream = Stream(name_code("channels"), BODY, 0)
    order = stream.uniforms(Purpose.RESAMPLE, n, np.arange(SETS * n).reshape(SETS, n))
    chosen = np.argsort(order, axis=1)[:, :maps]
    summed = log_likelihood[:, chosen].sum(axis=2)  # true channel, set, channel
    return np.array([(summed[i].argmax(axis=1) == i).mean() for i in range(channels)])
