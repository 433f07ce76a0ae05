"""Removal at which the mice of configs/ageing_body.yaml have the burden of the data, one number per systemic share.

A mean field of five tissues with the chance of patches of 1,024 cells: `python tests/validation/coupling_fit.py`
prints, for each share of the fluctuation that all tissues have in common, the maximal removal beta at which the mean
burden of all tissues at 24 months is 10 % (Ovadya 2018), what it then is at 3 months, and how alike the tissues are;
the last also in patches of 65,536 cells. Lattices clear a little faster than the mean field; they get the correction of
docs/ageing.md. Random numbers are those of a seed: the answers are the same in every run.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from mean_field import RAMP, REPAIR, SECONDARY, YEAR, Numbers

Floats = npt.NDArray[np.float64]

SHARES = (0.0, 0.5, 1.0)
TARGET, AGE, YOUNG = 10.0, 730.0, 91.0  # %, d, d
DT, MICE, CELLS, MANY, SEED = 1.0, 3000, 32 * 32, 256 * 256, 5
LATTICE = 0.305 / 0.312  # beta on lattices over that of the mean field (docs/ageing.md)
VOLUMES = np.array([1.0e9, 2.5e9, 7.0e8, 6.0e6, 3.0e9]) * 15.0**3 / 1e9  # of configs/ageing_body.yaml [mm^3]
LEAK, BLOOD, PLASMA_LOSS, DECAY = 1.0, 1800.0, math.log(2.0) / 0.0417, 20.0 * 86400.0 / 100.0**2  # 1/d, mm^3, 1/d, 1/d


class Body(NamedTuple):
    """Mean burden [%] at 3 and at 24 months, its standard error over mice, and the mean correlation of two tissues."""

    young: float
    old: float
    error: float
    correlation: float


def age(beta: float, share: float, cells: int = CELLS) -> Body:
    """Let all mice age to 24 months with a maximal removal `beta` [%/d], in patches of some `cells`."""
    rng, numbers = np.random.default_rng(SEED), Numbers(beta=beta)
    size = (MICE, VOLUMES.size)
    first, second, vacant = (np.zeros(size) for _ in range(3))  # cells
    young = math.nan
    for step in range(round(AGE / DT)):
        healthy, senescent = cells - first - second - vacant, first + second
        burden = 100.0 * senescent / (healthy + senescent)
        if step == round(YOUNG / DT):
            young = float(burden.mean())
        common, own = rng.standard_normal((MICE, 1)), rng.standard_normal(size)
        z = math.sqrt(2.0 * numbers.fluctuation * DT) * (math.sqrt(share) * common + math.sqrt(1.0 - share) * own)
        up = -np.log(np.maximum(1e-9, 1.0 - z.clip(0.0) / np.maximum(1e-9, 100.0 - burden))) / DT
        taken = np.divide(z.clip(max=0.0), burden, out=np.zeros(size), where=burden > 0.0)
        down = -np.log(np.maximum(1e-9, 1.0 + taken)) / DT
        removal = numbers.beta / (numbers.kappa + burden)
        level = _level(100.0 * (first + SECONDARY * second) / cells * -np.expm1(-removal * RAMP) / (removal * RAMP))
        spread = numbers.max_rate * level**2 / (numbers.half_max**2 + level**2)
        alone = (numbers.eta0 + numbers.eta1 * step * DT / YEAR) / 100.0 + up
        turned = rng.binomial(healthy.astype(int), -np.expm1(-(alone + spread) * DT))
        by_signal = rng.binomial(turned, spread / (alone + spread))
        gone = -np.expm1(-(removal + down) * DT)
        lost, lost_too = (rng.binomial(each.astype(int), gone) for each in (first, second))
        filled = rng.binomial(vacant.astype(int), -np.expm1(-REPAIR * healthy / cells * DT))
        vacant = vacant + lost + lost_too - filled
        first, second = first - lost + turned - by_signal, second - lost_too + by_signal
    burden = 100.0 * (first + second) / (cells - vacant)
    pairs = np.corrcoef(burden.T)[np.triu_indices(VOLUMES.size, 1)]
    error = float(burden.mean(axis=1).std(ddof=1)) / math.sqrt(MICE)
    return Body(young, float(burden.mean()), error, float(pairs.mean()))


def _level(alone: Floats) -> Floats:
    """Levels in the tissues, given those without blood: what leaks out, and the even share that comes back."""
    out = VOLUMES * LEAK
    kept, gain = DECAY / (DECAY + LEAK), LEAK / (DECAY + LEAK)  # c = kept alone + gain plasma
    plasma = kept * (alone @ out) / (out.sum() * (1.0 - gain) + BLOOD * PLASMA_LOSS)
    return kept * alone + gain * plasma[:, None]


def fit(share: float, first: float = 0.305) -> tuple[float, Body]:
    """The removal at which the mean burden at 24 months is the target; its logarithm falls nearly straight."""
    low, high = first, 1.1 * first
    at_low, at_high = (math.log(age(beta, share).old / TARGET) for beta in (low, high))
    for _ in range(2):
        low, high = high, high - at_high * (high - low) / (at_high - at_low)
        at_low, at_high = at_high, math.log(age(high, share).old / TARGET)
    beta = round(high, 3)
    return beta, age(beta, share)


def main() -> None:
    """A line per share."""
    print(
        "share   burden 24 mo as it is (%)   beta, lattice (%/d)   burden 3, 24 mo (%)   correlation; in large patches"
    )
    for share in SHARES:
        before, (beta, body) = age(Numbers().beta, share), fit(share)
        large = age(beta, share, MANY)
        print(
            f"{share:5g}   {before.old:18.2f} +- {before.error:.2f}   {beta:10.3f}, {LATTICE * beta:7.3f}   "
            f"{body.young:11.2f}, {body.old:5.2f} +- {body.error:.2f}   "
            f"{body.correlation:11.2f}; {large.correlation:.2f}"
        )


if __name__ == "__main__":
    main()
