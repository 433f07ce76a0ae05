r"""Variance-based sensitivity of the mean over luck: first, total and second order indices with intervals.

.. math::

    V = \operatorname{Var} m(x), \quad S_i = \frac{\operatorname{Var} E[m \mid x_i]}{V}, \quad
    S_{Ti} = 1 - \frac{\operatorname{Var} E[m \mid x_{\sim i}]}{V}, \quad
    S_{ij} = \frac{\operatorname{Var} E[m \mid x_i, x_j]}{V} - S_i - S_j

Every product is one across replicates (`sim.analysis.mean_over_luck`). Source: Saltelli et al. (2010), Comput Phys
Commun 181:259, doi 10.1016/j.cpc.2009.09.018 (first order, table 2 b); Jansen (1999), Comput Phys Commun 117:35, doi
10.1016/S0010-4655(98)00154-4 (total, table 2 f of the former); Saltelli (2002), Comput Phys Commun 145:280, doi
10.1016/S0010-4655(02)00280-1 (second order).
"""

from __future__ import annotations

from functools import partial
from itertools import combinations

import numpy as np

from sim.analysis.mean_over_luck import Blocks, Estimates, Floats, estimated, share_of_luck, spread, spread_terms


def sobol_indices(blocks: Blocks, d: int, second_order: bool, level: float = 0.95, seed: int = 0) -> Estimates:
    """All indices of a `saltelli` design over `d` parameters.

    Parameters
    ----------
    blocks : Blocks
        Points in the order A, A with one coordinate of B (d of them), B with one of A (d, only for second order), B.
    d : int
        Number of parameters.
    second_order : bool
        Whether the design has the points for pairs.
    level : float
        Confidence of the intervals.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Estimates
        d first order, d total, then a second order index per pair (in the order of `itertools.combinations`); then the
        share of luck in the variance of a single run, and the variance V. Where V is not above 0 indices are NaN.
    """
    terms = partial(_terms, d=d, second_order=second_order)
    return estimated(blocks, terms, partial(_indices, d=d, n_pairs=_n_pairs(d, second_order)), level, seed)


def _n_pairs(d: int, second_order: bool) -> int:
    return d * (d - 1) // 2 if second_order else 0


def _terms(blocks: Blocks, d: int, second_order: bool) -> Floats:
    """Parts of V_i, V_Ti and of the second order, block by block, then those of `spread` on A and B."""
    values, across = blocks.values, blocks.across
    a, b, ab = values[:, 0], values[:, -1], values[:, 1 : 1 + d]
    first = (across(b[:, None], ab - a[:, None]) + across(ab - a[:, None], b[:, None])) / 2.0
    total = across(a[:, None] - ab, a[:, None] - ab) / 2.0
    i, j = np.array(list(combinations(range(d), 2)), dtype=int).reshape(-1, 2).T
    pairs = np.empty((len(values), 0))
    if second_order:
        ba = values[:, 1 + d : 1 + 2 * d]
        pairs = across(ba[:, i], ab[:, j]) - across(a, b)[:, None]
    return np.column_stack([first, total, pairs, spread_terms(blocks, np.stack([a, b], axis=1))])


def _indices(means: Floats, n: int, d: int, n_pairs: int) -> Floats:
    """Indices of averaged terms (..., k), the same for any number of blocks."""
    first, total, pairs, rest = np.split(means, [d, 2 * d, 2 * d + n_pairs], axis=-1)
    variance, luck = spread(rest)
    if n_pairs:
        i, j = np.array(list(combinations(range(d), 2))).T
        pairs = pairs - first[..., i] - first[..., j]
    parts = np.concatenate([first, total, pairs], axis=-1)
    known = (variance > 0.0)[..., None]
    shares = np.divide(parts, variance[..., None], out=np.full_like(parts, np.nan), where=known)
    return np.concatenate([shares, np.stack([share_of_luck(variance, luck), variance], axis=-1)], axis=-1)
