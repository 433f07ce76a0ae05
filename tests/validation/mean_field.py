"""Mean field of the ageing mouse with a tagged pulse: where the set of docs/ageing.md comes from, and its half-lives.

An independent, short computation of MODEL.md 2.1 to 2.3 and 2.6 without space: `python tests/validation/mean_field.py`
prints by how much 10 % of each number moves the half-life and the rate of removal of the cohort at 3 and 22 months.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DT, MICE, SEED = 0.5, 3000, 5  # d; all sets share their luck
PULSE, SECONDARY, RAMP, REPAIR, YEAR = 0.003, 0.5, 5.0, 1.0, 365.25  # as in configs/half_life.yaml
YOUNG, OLD = 91.0, 670.0  # d


class Numbers(NamedTuple):
    """The set of configs/ageing_mouse.yaml; burdens in percent, days."""

    eta0: float = 0.138
    eta1: float = 0.092
    beta: float = 0.305
    kappa: float = 0.432
    max_rate: float = 0.00096  # of SASP and drift together [1/d]
    half_max: float = 8.0
    fluctuation: float = 0.1


class Cohort(NamedTuple):
    """Days until half of it is gone, and the rate in the first days [1/d], by immune cells alone."""

    half_gone: float
    rate: float


def cohort(numbers: Numbers, day: float, window: float, rng: np.random.Generator) -> Cohort:
    """Follow a cohort that a pulse turned on a day; its cells pooled over mice, as `sim.turnover` pools them."""
    first, second, vacant, tagged = (np.zeros(MICE) for _ in range(4))
    standing, lost = [], []
    for step in range(round((day + 60.0) / DT)):
        if step == round(day / DT):
            tagged = PULSE * (100.0 - first - second - vacant)
            first = first + tagged
        healthy = 100.0 - first - second - vacant
        burden = 100.0 * (first + second) / (100.0 - vacant)
        removal = numbers.beta / (numbers.kappa + burden)
        noise = math.sqrt(2.0 * numbers.fluctuation * DT) * rng.standard_normal(MICE)
        up = np.where(noise > 0.0, -np.log1p(-noise.clip(0.0) / healthy), 0.0) / DT
        taken = np.divide(noise.clip(max=0.0), burden, out=np.zeros(MICE), where=burden > 0.0)
        down = -np.log(np.maximum(1e-9, 1.0 + taken)) / DT
        mature = -np.expm1(-removal * RAMP) / (removal * RAMP)  # mean output of an even stream of cells
        level = (first + SECONDARY * second) * mature
        half = numbers.half_max**2
        spread = numbers.max_rate * level**2 / (half + level**2)
        alone = (numbers.eta0 + numbers.eta1 * step * DT / YEAR) / 100.0 + up
        turned = healthy * -np.expm1(-(alone + spread) * DT) / (alone + spread)
        gone = -np.expm1(-(removal + down) * DT)
        if step >= round(day / DT):
            standing.append(tagged.sum())
            lost.append((tagged * gone * removal / (removal + down)).sum())
            tagged = tagged * (1.0 - gone)
        vacant = vacant * np.exp(-REPAIR * healthy / 100.0 * DT) + (first + second) * gone
        first, second = first * (1.0 - gone) + turned * alone, second * (1.0 - gone) + turned * spread
    return _read(np.array(standing), np.array(lost), window)


def _read(standing: Floats, lost: Floats, window: float) -> Cohort:
    """From the row after the pulse on: product limit of the pooled cells, and cells lost over cell-days."""
    standing, lost = standing[1:], lost[1:]
    at_risk = 0.5 * (standing[:-1] + standing[1:] + lost[:-1])
    left = np.r_[1.0, np.cumprod(1.0 - lost[:-1] / at_risk)]
    rows = round(window / DT)
    rate = lost[:rows].sum() / (DT * 0.5 * (standing[:rows] + standing[1 : rows + 1]).sum())
    return Cohort(float(np.interp(-0.5, -left, DT * np.arange(left.size))), float(rate))


def main() -> None:
    """The set, and each of its numbers 10 % down and up."""
    print(f"{'':24}  half gone 3 mo, 22 mo (d)  ratio  rate 3 mo, 22 mo (1/d)")
    base = Numbers()
    changed = [(name, share) for name in Numbers._fields for share in (0.9, 1.1)]
    for name, share in [("", 1.0), *changed]:
        numbers = base._replace(**{name: share * getattr(base, name)}) if name else base
        young = cohort(numbers, YOUNG, 5.0, np.random.default_rng(SEED))
        old = cohort(numbers, OLD, 10.0, np.random.default_rng(SEED))
        words = f"{name} x {share:g}" if name else "as it is"
        print(f"{words:24}  {young.half_gone:14.2f}, {old.half_gone:5.1f}  {old.half_gone / young.half_gone:9.2f}"
              f"  {young.rate:11.3f}, {old.rate:.4f}")  # fmt: skip


if __name__ == "__main__":
    main()
