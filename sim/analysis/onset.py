"""How long ago the senescent cells of a run turned, from its tables alone: cohorts that shrink together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def share_in_window(
    days: Floats, senescent: Floats, turned: Floats, at_entry: Floats, start: float, stop: float
) -> Floats:
    r"""Share of the senescent cells that turned at least `start` and less than `stop` days ago.

    .. math:: n_{j}(t_i) = n_{j}(t_{i-1})\, \frac{N_i - \sum_c b_{ic}}{N_{i-1}}, \qquad n_i(t_i) = b_i

    Parameters
    ----------
    days : (n,) float array
        Of the rows of one run in one tissue, increasing [d].
    senescent : (n,) float array
        Senescent cells N.
    turned : (n, k) float array
        Cells that turned since the row before, by cause, b.
    at_entry : (k,) float array
        Time since they turned of cells that come in by a cause: 0, but for cells that were put in [d].
    start, stop : float
        The window [d].

    Returns
    -------
    (n,) float array
        Between 0 and 1; 0 where there is no senescent cell.

    Notes
    -----
    Assumes that cells turn evenly between two rows, and that what removes senescent cells does not ask how long ago
    they turned; a drug with `senescent_from`, or evasion by cause, does. Exact for these where rows are dense.
    """
    share, sizes, before = np.zeros(len(days)), np.zeros(turned.shape), 0.0
    begin = np.r_[days[:1], days[:-1]]
    for i, (day, count) in enumerate(zip(days, senescent, strict=True)):
        new = float(turned[i].sum())
        entered = min(new, float(count))  # some of them may be gone by the end of the day
        sizes[:i] *= (count - entered) / before if before > 0.0 else 0.0
        sizes[i] = turned[i] * (entered / new) if new > 0.0 else 0.0
        whole = float(sizes[: i + 1].sum())
        if whole > 0.0:
            youngest, oldest = (day - end[: i + 1, None] + at_entry for end in (days, begin))
            inside = _overlap(youngest, oldest, start, stop)
            share[i] = min(1.0, float((sizes[: i + 1] * inside).sum()) / whole)
        before = float(count)
    return share


def _overlap(youngest: Floats, oldest: Floats, start: float, stop: float) -> Floats:
    """Part of each span of ages that lies in [start, stop); of a span without length, 0 or 1."""
    length = oldest - youngest
    common = np.clip(np.minimum(oldest, stop) - np.maximum(youngest, start), 0.0, None)
    at_once = (youngest >= start) & (youngest < stop)
    return np.where(length > 0.0, common / np.where(length > 0.0, length, 1.0), at_once)
