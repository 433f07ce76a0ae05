"""What is counted in an animal: so many cells at random, or all cells of square fields cut out of its tissue."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.errors import ResultsError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
LIMITS = {"animals": (2, 10_000), "sections": (1, 1000), "fields": (1, 1000), "cells_per_field": (1, 10**7)}


@dataclass(frozen=True, kw_only=True)
class Design:
    """The size of a study: animals per arm, sections per animal, fields per section, cells per field.

    Without `cells_per_field`, every cell of the tissue is counted, once.
    """

    animals: int = 6
    sections: int = 3
    fields: int = 5
    cells_per_field: int | None = 100

    def __post_init__(self) -> None:
        for key, (low, high) in LIMITS.items():
            value = getattr(self, key)
            if value is not None and not low <= value <= high:
                raise ResultsError(f"study: {key}: must be between {low} and {high}, got {value}")

    @property
    def cells_per_animal(self) -> int:
        """Cells counted in an animal, if no field holds a vacancy."""
        return self.sections * self.fields * (self.cells_per_field or 0)

    @property
    def words(self) -> str:
        """``6 animals per arm, each 3 sections x 5 fields x 100 cells``."""
        if self.cells_per_field is None:
            return f"{self.animals} animals per arm, every cell counted"
        sizes = zip((self.sections, self.fields, self.cells_per_field), ("section", "field", "cell"), strict=True)
        parts = " x ".join(f"{n} {thing}{'' if n == 1 else 's'}" for n, thing in sizes)
        return f"{self.animals} animals per arm, each {parts}"


@dataclass(frozen=True)
class Tissue:
    """The tissue of an animal on the day it is looked at, and how likely each cell is marked.

    Attributes
    ----------
    cells : (s,) int array
        Cells that are there, by state.
    chances : (s,) float array
        Probability that one of these is marked.
    chance_map : (z, y, x) float array or None
        The same site by site, NaN where there is no cell to count; sections lie across the first axis.
    """

    cells: Integers
    chances: Floats
    chance_map: Floats | None = None

    def marked_share(self, design: Design, draws: int, rng: np.random.Generator) -> Floats:
        r"""Marked among counted cells [%] when this animal is looked at `draws` times, each anew.

        Well mixed, the number of marked cells is binomial with the mean chance; in fields each cell that stands there
        is marked by its own, so that the variance has the design effect of clusters. A cell in two fields is marked in
        both or in neither; well mixed, no more cells are counted than there are. An animal whose fields hold no cell
        counts as 0.

        Raises
        ------
        ResultsError
            If a field is larger than a section of the tissue.

        Notes
        -----
        Neglects: that a cell cut by a section is seen in part or twice, that fields of one section do not overlap in
        a lab,
        the eye of the person who counts and how evenly a slide is stained. Fields lie anywhere, with equal chance
        for each
        cell: a field at the wall goes on at the opposite wall. In a tissue one cell deep, another section is another
        place of the same plane.
        """
        if design.cells_per_field is None:
            marked = sum(rng.binomial(n, p, draws) for n, p in zip(self.cells, self.chances, strict=True))
            return 100.0 * np.asarray(marked, np.float64) / max(1, int(self.cells.sum()))
        if self.chance_map is None:
            mean = float(self.cells @ self.chances) / max(1, int(self.cells.sum()))
            n = min(design.cells_per_animal, max(1, int(self.cells.sum())))  # to look twice tells nothing new
            return 100.0 * rng.binomial(n, min(1.0, mean), draws) / n
        return _in_fields(self.chance_map, design, draws, rng)


def _in_fields(chance_map: Floats, design: Design, draws: int, rng: np.random.Generator) -> Floats:
    """Marked share [%] in square fields at random places of random sections; each cell is marked or not once."""
    deep, tall, wide = chance_map.shape
    size = design.cells_per_field
    assert size is not None
    if size > tall * wide:
        raise ResultsError(
            f"study: cells_per_field: must be at most {tall * wide}, the cells of a section of the tissue, got {size}"
        )
    height = min(tall, max(1, round(math.sqrt(size))))
    width = min(wide, max(1, round(size / height)))
    places = (draws, design.sections, design.fields, 1, 1)
    z = rng.integers(deep, size=places[:2])[:, :, None, None, None]
    y = (rng.integers(tall, size=places) + np.arange(height)[:, None]) % tall
    x = rng.integers(wide, size=places)
    chances = chance_map.ravel()
    share = np.zeros(draws)
    for draw in range(draws):
        sites = (z[draw] * tall + y[draw]) * wide + (x[draw] + np.arange(width)) % wide
        cells, times = _counted(sites.ravel(), chances.size)
        there = np.isfinite(chances[cells])
        marked = rng.random(cells.size) < chances[cells]  # never where there is no cell
        share[draw] = 100.0 * times[marked].sum() / max(1, times[there].sum())
    return share


def _counted(sites: Integers, n_sites: int) -> tuple[Integers, Integers]:
    """The sites that lie in fields, and in how many."""
    if sites.size < n_sites:
        return np.unique(sites, return_counts=True)
    times = np.bincount(sites, minlength=n_sites)
    return np.flatnonzero(times), times[times > 0]
