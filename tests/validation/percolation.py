"""Repair against loss: two limits of the rules of MODEL.md 2.3 in which a tissue falls apart at a known number.

Repair by neighbours against loss at 1 /d, von Neumann neighbours: a vacant site is refilled at `rate` n / 4, n of its
4 neighbours being healthy. As dt goes to 0 this is the contact process on the square lattice (a particle dies at rate
1 and creates another one at rate lambda, at a neighbour drawn at random; it comes about if the place is vacant), with
lambda = rate. It dies out below lambda_c = 1.6488 (Moreira and Dickman, Phys. Rev. E 54:R3090 (1996): +- 0.0001), where
the share of healthy sites falls as t^-delta, delta = 0.4505 (Voigt and Ziff, Phys. Rev. E 56:R6241 (1997)).

Independent loss without repair: sites go at random, whoever their neighbours are; the clusters of what is left, by the
neighbours that the rules of the tissue see, are those of site percolation. It hangs together above a share of
0.592746 with von Neumann neighbours (Ziff, Phys. Rev. Lett. 69:2670 (1992); Newman and Ziff, Phys. Rev. Lett. 85:4104
(2000)), and of 1 - 0.592746 with Moore neighbours, the matching lattice (Sykes and Essam, J. Math. Phys. 5:1117
(1964)). There the largest cluster, times L^(beta / nu) / L^2 with beta / nu = 5 / 48 (Stauffer and Aharony 1994), is
the same on lattices of any side L.
"""

from __future__ import annotations

import functools
import math

import helpers  # noqa: F401
import numpy as np
import numpy.typing as npt
from measures import Measured, bootstrapped, mean
from target import Findings, curve
from worlds import start, tissue, together, world

from sim.scenario.trees import Tree
from sim.spatial.neighbours import connectivity
from sim.tissue.patch import Patch
from sim.tissue.state import HEALTHY

Floats = npt.NDArray[np.float64]

DELTA = 0.4505
RATES = {0.1: (1.56, 1.58), 0.05: (1.6, 1.62), 0.025: (1.62, 1.64)}  # step [d]: to either side of the threshold
FROM, UNTIL = 10, 100  # d
SIDE, REPLICATES = 192, 8
LOSS: Tree = {
    "drugs": {"loss": {"half_life": "30 d", "route": "bolus",
                       "effects": {"kill_healthy": {"emax": 1.0, "ec50": 1e-9}}}},
    "treatments": {"loss": {"drug": "loss", "amount": 1000}},
}  # fmt: skip  # a poison that stays saturated: every healthy cell is lost at 1 /d, old or young


def decline(rate: float, dt: float, replicate: int) -> Floats:
    """Share of healthy sites on days 1 to `UNTIL`, from a whole tissue on."""
    neighbours = tissue(repair={"rate": rate}, neighbourhood="von_neumann", boundary="periodic")
    simulation = start(world(LOSS, neighbours, shape=(SIDE, SIDE), dt=dt), replicate)
    cells, shares = simulation.patches["patch"].cells, []
    for _ in range(UNTIL):
        for _ in range(round(1.0 / dt)):
            simulation.step()
        shares.append(float(np.mean(cells.state == HEALTHY)))
    return np.array(shares)


def _steepness(shares: Floats) -> float:
    """By which power of time the share falls."""
    days = np.arange(FROM, UNTIL + 1)
    return -float(np.polyfit(np.log(days), np.log(shares[FROM - 1 :]), 1)[0])


def contact_process() -> Findings:
    """The threshold at three lengths of the step, and the limit of a straight line through the two finest."""
    thresholds, curves = {}, {}
    for dt, rates in RATES.items():
        shares = np.array([[decline(rate, dt, replicate) for replicate in range(REPLICATES)] for rate in rates])
        low, high = np.apply_along_axis(_steepness, 2, shares)
        thresholds[dt] = rates[0] + (low - DELTA) / (low - high).mean() * (rates[1] - rates[0])
        days = np.unique(np.geomspace(1, UNTIL, 25).round().astype(int))
        curves |= {f"decline_{rate:g}": curve(days, each.mean(axis=0)[days - 1], n=REPLICATES)
                   for rate, each in zip(rates, shares, strict=True)}  # fmt: skip
    coarse, fine = sorted(thresholds)[1::-1]
    limit = thresholds[fine] + (thresholds[fine] - thresholds[coarse]) * fine / (coarse - fine)
    found = [mean(each) for each in thresholds.values()]
    curves["threshold"] = curve([*RATES], [each.value for each in found], [each.error for each in found], REPLICATES)
    return Findings({"threshold": mean(limit)}, curves)


# ----------------------------------------------------------------------------------------------------- site percolation

SMALL, LARGE = 64, 256
COPIES = {SMALL: 96, LARGE: 12}
THRESHOLDS = {"von_neumann": 0.592746, "moore": 1.0 - 0.592746}


@functools.cache
def _largest(side: int, kind: str) -> tuple[Floats, Floats]:
    """Share of sites that is healthy, and largest cluster times L^(5/48) / L^2, about the threshold; by replicate."""
    threshold = THRESHOLDS[kind]
    loss, dt = -math.log(threshold + 0.04), 0.01 / threshold  # a step takes a hundredth of the sites
    change = together(LOSS, tissue(neighbourhood=kind, boundary="periodic"))
    shares, sizes = [], []
    for replicate in range(COPIES[side]):
        simulation = start(world(change, shape=(side, side), dt=dt), replicate)
        patch = simulation.patches["patch"]
        pairs = _pairs(patch)
        for _ in range(round(loss / dt)):
            simulation.step()
        rows = []
        for _ in range(9):
            healthy = patch.cells.state == HEALTHY
            share = float(np.mean(healthy))
            rows.append((share, share * connectivity(pairs, healthy) * side ** (5 / 48)))
            simulation.step()
        shares.append([share for share, _ in rows])
        sizes.append([size for _, size in rows])
    return np.array(shares), np.array(sizes)


def _pairs(patch: Patch) -> npt.NDArray[np.int64]:
    """Neighbours as the rules of the tissue see them, each pair once."""
    return np.array([(i, j) for i in range(patch.cells.state.size) for j in patch.geometry.neighbours(i) if i < j])


def _read(grid: Floats, shares: Floats, sizes: Floats) -> Floats:
    """Sizes at the shares of a grid; shares fall with time."""
    return np.interp(grid[::-1], shares[::-1], sizes[::-1])[::-1]


def _crossing(small: Floats, large: Floats, shares: Floats) -> float:
    """Share at which lattices of both sides have the same."""
    apart = large.mean(axis=0) - small.mean(axis=0)  # from above the threshold to below it: falls through 0
    return float(np.interp(0.0, -apart, shares))


def site_percolation() -> Findings:
    """Where the curves of two sizes of tissue cross."""
    numbers, curves = {}, {}
    for kind in THRESHOLDS:
        grid = np.mean([_largest(side, kind)[0].mean(axis=0) for side in COPIES], axis=0)
        at = {side: np.array([*map(functools.partial(_read, grid), *_largest(side, kind))]) for side in COPIES}
        numbers[kind] = _crossed(at[SMALL], at[LARGE], grid)
        for side, each in at.items():
            error = each.std(axis=0, ddof=1) / math.sqrt(len(each))
            curves[f"cluster_{kind}_{side}"] = curve(grid, each.mean(axis=0), error, len(each))
    return Findings(numbers, curves)


def _crossed(small: Floats, large: Floats, shares: Floats) -> Measured:
    """The crossing; error from drawing replicates with replacement, for either side alone with the other as it is."""
    errors = [
        bootstrapped(lambda *columns: _crossing(np.stack(columns, 1), large, shares), *small.T).error,
        bootstrapped(lambda *columns: _crossing(small, np.stack(columns, 1), shares), *large.T).error,
    ]
    return Measured(_crossing(small, large, shares), math.hypot(*errors), len(small) + len(large))
