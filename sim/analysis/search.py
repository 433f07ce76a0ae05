"""The mean field of immune cells that search: that of straight walkers, and the one that fits measured kills."""

from __future__ import annotations

import math
import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import optimize, stats

from sim.errors import ResultsError
from sim.rules.patrol import encounters_in_plane, encounters_in_space, mean_field
from sim.scenario.patrol import Patrol
from sim.scenario.places import extent_of, n_cells
from sim.scenario.tissue import Tissue


class Fit(NamedTuple):
    """Effective beta [%/d] and kappa [%] of a search, with the ends of their intervals."""

    beta: float
    beta_low: float
    beta_high: float
    kappa: float
    kappa_low: float
    kappa_high: float


def equivalent(patrol: Patrol, tissue: Tissue) -> tuple[float, float] | None:
    """Beta [%/d] and kappa [%] of straight walkers in place of these; None where nobody is found or no cell known."""
    extent, cells = extent_of(tissue), n_cells(tissue)
    if patrol.speed == 0 or cells == 0:
        return None
    crowd = cells / math.prod(extent)
    found = encounters_in_plane if len(extent) == 2 else encounters_in_space
    encounters = found(patrol.reach, patrol.speed, crowd)
    return mean_field(patrol.density, encounters, patrol.kill_probability, patrol.attachment_time, patrol.rest_time)


def fit_search(measured: pd.DataFrame, level: float = 0.95) -> Fit:
    r"""Beta and kappa of :math:`\beta X / (\kappa + X)` by least squares of the logarithm of the kills.

    Parameters
    ----------
    measured : DataFrame
        Of one kind of patrol, from `sim.search_law`: ``burden`` [%], ``kills_per_day`` [%/d].
    level : float
        Of the intervals; they come from the residuals, so they hold luck and what the curve misses. Kills that tell
        nothing of beta or kappa have an interval from 0 to infinity.

    Raises
    ------
    ResultsError
        If there are fewer than three kills to fit, or no curve of this kind is near them.
    """
    burden, kills = measured["burden"].to_numpy(), measured["kills_per_day"].to_numpy()

    def curve(x: np.ndarray, log_beta: float, log_kappa: float) -> np.ndarray:
        return log_beta + np.log(x) - np.logaddexp(log_kappa, np.log(x))

    if burden.size < 3:
        raise ResultsError(f"search: fit: must have three measured kills or more, got {burden.size}")
    guess = np.log([2.0 * kills.max(), np.median(burden)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optimize.OptimizeWarning)  # kills that tell nothing: a covariance without end
        try:
            best, covariance = optimize.curve_fit(curve, burden, np.log(kills), guess)
        except RuntimeError:
            rule = "must come near the measured kills (more kills tell more)"
            raise ResultsError(f"search: fit: {rule}, got none that does") from None
    half = stats.t.ppf(0.5 + level / 2.0, burden.size - 2) * np.sqrt(np.diag(covariance))
    with np.errstate(over="ignore", under="ignore"):  # an interval that reaches to infinity, or to 0
        (beta, kappa), low, high = np.exp(best), np.exp(best - half), np.exp(best + half)
    return Fit(*(float(each) for each in (beta, low[0], high[0], kappa, low[1], high[1])))
