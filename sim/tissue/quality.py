"""How good healthy cells still are: what their accumulated doses have left of them (MODEL.md 2.1)."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from sim.compiling import kernel
from sim.rules.induction import quality_left
from sim.tissue.parameters import CARGO, CARGO_ROW, HILL
from sim.tissue.patch import Patch
from sim.tissue.state import HEALTHY


def declines(patch: Patch) -> bool:
    """Whether cells have a quality that can decline: some factor turns them by a dose, with a Hill response.

    Other responses have no half-maximum to which a dose could be compared, and leave the quality as it is.
    """
    return bool(_pools(patch).size)


def quality(patch: Patch) -> np.ndarray:
    """Quality of every site, (n,) float64 from 0 to 1: the product over all doses; 0 where no healthy cell is."""
    numbers, pools = patch.parameters.factors, _pools(patch)
    rows, half_max, power = (
        numbers[pools, CARGO_ROW].astype(np.int64),
        numbers[pools, CARGO + 2],
        numbers[pools, CARGO + 3],
    )
    left = np.zeros(patch.cells.state.size)
    _fill(patch.cells.state, patch.cells.cargo, rows, half_max, power, left)
    return left


def mean_quality(patch: Patch) -> float:
    """Mean quality of the healthy cells; NaN where there are none."""
    healthy = patch.cells.state == HEALTHY
    return float(quality(patch)[healthy].mean()) if healthy.any() else math.nan


def _pools(patch: Patch) -> np.ndarray:
    """Factors whose cargo has a Hill response."""
    return np.flatnonzero(patch.parameters.factors[:, CARGO] == HILL)


@kernel
def _fill(state, cargo, rows, half_max, power, left):
    for site in range(state.size):
        if state[site] == HEALTHY:
            left[site] = 1.0
            for k in range(rows.size):
                left[site] *= quality_left(cargo[rows[k], site], half_max[k], power[k])
