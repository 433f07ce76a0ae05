"""A section around a lesion as a few numbers: what one map of cells tells, in a simulation or under a microscope."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.spatial.neighbours import pairs_within
from sim.spatial.space import Bools, Flags, Floats, Integers

RINGS = (3.0, 6.0, 12.0)  # outer ends of the rings around a lesion, in spacings of cells; the last ring has no end
HALF = 0.5  # added to counts before logarithms (Haldane 1940, Anscombe 1956), so that none is infinite
SPARED, TARGETED, NEITHER_OF_THEM = 0, 1, -1  # what a cell is to vesicles
PROFILE = (*(f"ring_{i}" for i in range(len(RINGS) + 1)), "joins")  # what positions tell


class Ruler(NamedTuple):
    """How sections are measured: the same lengths for all that are to be compared.

    Attributes
    ----------
    radius : float
        Of the lesion [um]; its cells are left out.
    ends : (rings - 1,) tuple of float
        Distances from the edge of the lesion at which one ring ends and the next begins [um].
    reach : float
        Cells no further apart are neighbours [um].
    targeted, spared : tuple of str
        Cell types with the highest and with the lowest affinity.
    """

    radius: float
    ends: tuple[float, ...]
    reach: float
    targeted: tuple[str, ...]
    spared: tuple[str, ...]

    def role(self, cell_type: str) -> int:
        """Whether a cell type is targeted, spared or neither of them."""
        return TARGETED if cell_type in self.targeted else SPARED if cell_type in self.spared else NEITHER_OF_THEM


class Ground(NamedTuple):
    """Places of cells: in which of the `rings` each lies (-1: the lesion), how far from its edge [um], who touch."""

    rings: int
    ring: Integers
    distance: Floats
    pairs: Integers


def ground_of(
    points: Floats, centre: Floats, ruler: Ruler, box: tuple[float, ...] | None = None, periodic: Flags = False
) -> Ground:
    """Rings and neighbours of cells at `points`, (n, 2 or 3) [um], around a lesion at `centre`."""
    distance = np.linalg.norm(points - centre, axis=1) - ruler.radius
    ring = np.where(distance <= 0.0, -1, np.searchsorted(ruler.ends, distance))
    return Ground(len(ruler.ends) + 1, ring, distance, pairs_within(points, ruler.reach, box=box, periodic=periodic))


def whole(ground: Ground) -> Ground:
    """The same places without a lesion: all in one ring."""
    return ground._replace(rings=1, ring=np.zeros_like(ground.ring))


def measured(ground: Ground, there: Bools, marked: Bools, role: Integers | None = None) -> dict[str, float]:
    r"""Share, profile, clustering and selectivity of the marked cells outside the lesion, all as logarithms.

    Parameters
    ----------
    ground : Ground
        Where the cells are.
    there, marked : (n,) bool
        Places that hold a cell, and cells that are marked (senescent, or turned by a channel).
    role : (n,) int, optional
        `TARGETED`, `SPARED` or neither of them.

    Returns
    -------
    dict
        ``share``: log odds that a cell is marked; ``ring_0`` ...: the same per ring; ``joins``: log ratio of
        neighbours that are both marked to what independent cells with the chances of their rings would give, so that
        the fall with distance is no clustering; with `role`, ``selectivity``: log odds ratio of targeted to spared
        cells within rings, so that being nearer is no selectivity.

    Notes
    -----
    Joins: Cliff and Ord, Spatial Processes (1981), chapter 1. Selectivity: Mantel and Haenszel (1959), J Natl Cancer
    Inst 22:719. Half a count is added to either side of every ratio.
    """
    here = there & (ground.ring >= 0)
    ring = ground.ring[here]
    of_ring = np.bincount(ring, minlength=ground.rings)
    in_ring = np.bincount(ring[marked[here]], minlength=ground.rings)
    found = {"share": float(_log_odds(in_ring.sum(), of_ring.sum()))}
    found |= {f"ring_{i}": float(each) for i, each in enumerate(_log_odds(in_ring, of_ring))}
    chance = np.zeros(len(there))
    chance[here] = (in_ring / np.maximum(of_ring, 1))[ring]
    ends = (here & marked)[ground.pairs]
    expected = float(chance[ground.pairs].prod(axis=1).sum())
    found["joins"] = float(_log_ratio(np.count_nonzero(ends.all(axis=1)), expected))
    if role is not None:
        found["selectivity"] = _selectivity(ring, marked[here], role[here], ground.rings)
    return found


def _log_odds(count: npt.ArrayLike, of: npt.ArrayLike) -> Floats:
    return _log_ratio(count, np.subtract(of, count))


def _log_ratio(one: npt.ArrayLike, other: npt.ArrayLike) -> Floats:
    ratio: Floats = np.log((np.asarray(one) + HALF) / (np.asarray(other) + HALF))
    return ratio


def _selectivity(ring: Integers, marked: Bools, role: Integers, rings: int) -> float:
    table = np.zeros((rings, 2, 2))  # ring, role, marked
    known = role != NEITHER_OF_THEM
    np.add.at(table, (ring[known], role[known], marked[known].astype(np.int64)), 1)
    total = np.maximum(table.sum(axis=(1, 2)), 1)
    for_it = (table[:, TARGETED, 1] * table[:, SPARED, 0] / total).sum()
    against = (table[:, SPARED, 1] * table[:, TARGETED, 0] / total).sum()
    return float(_log_ratio(for_it, against))
