"""Transport by a given radial capture kernel: what a cell gets from a source depends on their distance alone.

Quasi-steady and in float64: there is no memory, and nothing is solved again while the sources stand still. Autocrine
capture is left out: a cell gets nothing from itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import fft

from sim.compiling import kernel
from sim.errors import ResourceError
from sim.fields import Array, Floats, check_source, checked_shape
from sim.transforms.modes import NEGLIGIBLE

Radial = Callable[[Floats], Floats]
Distances = Callable[[Floats, Floats], Floats]
MAX_PAIRS = 100_000_000  # of a kernel on a cloud: 800 MB


class _Capture:
    """Quasi-steady capture in float64, c_i = sum over j != i of s_j G(|x_i - x_j|); `solves` counts sums."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.field, self._source = np.zeros(shape), np.zeros(shape)
        self.solves = 0

    def _sum(self, source: Floats, workers: int) -> Floats:
        raise NotImplementedError

    def advance(self, source: Array, workers: int = 1, mean: float | None = None) -> None:
        """Sum the kernel over `source`, unless it equals that of the step before."""
        check_source(source, self.shape)
        if not np.array_equal(source, self._source):
            self._source[...] = source
            self.field[...] = self._sum(self._source, workers)
            self.field[self.field < NEGLIGIBLE] = 0.0
            self.solves += 1

    rests = True

    def at_rest(self, source: Array) -> Floats:
        """The kernel summed over `source`: without memory, a field is always at rest."""
        check_source(source, self.shape)
        return self._sum(np.asarray(source, np.float64), 1)

    def adjoint(self, weights: Array) -> Floats:
        """The same, as the kernel depends on distance alone."""
        return self.at_rest(weights)

    def mass(self) -> float:
        """Total concentration over the sites."""
        return float(np.sum(self.field))

    def state(self) -> dict[str, Array]:
        """Copies of the field and of the source that it belongs to."""
        return {"field": self.field.copy(), "source": self._source.copy()}

    def restore(self, state: dict[str, Array]) -> None:
        """Continue from `state`, without a solve."""
        self.field[...], self._source[...] = state["field"], state["source"]


class KernelCloud(_Capture):
    """A radial kernel G (of distances [um]) on `positions` (n, dimension) [um]: a direct sum in site order.

    ``distances(points, place)`` [um] may know of periodic walls; without it, space is open. Only the rows of sites that
    have been sources are kept; ResourceError once they exceed `MAX_PAIRS`.
    """

    def __init__(self, positions: Array, radial: Radial, distances: Distances | None = None) -> None:
        self._points, self._radial = np.asarray(positions, np.float64), radial
        self._distances = distances or (lambda points, place: np.linalg.norm(points - place, axis=1))
        n = len(self._points)
        super().__init__((n,))
        self._row_of = np.full(n, -1)
        self._rows = np.zeros((min(n, 64), n))
        self._n_rows = 0

    def _sum(self, source: Floats, workers: int) -> Floats:
        for site in np.flatnonzero((source != 0.0) & (self._row_of < 0)):
            self._add_row(int(site))
        return direct_sum(self._rows, self._row_of, source)

    def adjoint(self, weights: Array) -> Floats:
        """By the rows there are, at the sites that have been sources; 0 elsewhere."""
        check_source(weights, self.shape)
        by_row = np.zeros(self._n_rows)
        for site in np.flatnonzero(weights):
            by_row += weights[site] * self._rows[: self._n_rows, site]
        found, sources = np.zeros(self.shape), self._row_of >= 0
        found[sources] = by_row[self._row_of[sources]]
        return found

    def _add_row(self, site: int) -> None:
        """G from `site` to all others; nothing to itself."""
        n = len(self._points)
        if self._n_rows * n >= MAX_PAIRS:
            raise ResourceError(f"a kernel between {n} free sites needs over {8 * MAX_PAIRS} bytes for its sources")
        if self._n_rows == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros((min(self._n_rows, n - self._n_rows), n))])
        others = np.arange(n) != site
        apart = self._distances(self._points[others], self._points[site])
        self._rows[self._n_rows, others] = self._radial(apart)
        self._row_of[site] = self._n_rows
        self._n_rows += 1


class KernelLattice(_Capture):
    """A radial kernel G (of distances [um]) on all points of a lattice, summed by FFT convolution.

    A periodic axis wraps (minimum image); along the others the lattice lies in open space, whatever their
    boundary. Rounding leaves about 1e-16 of the largest value.
    """

    def __init__(self, shape: Sequence[int], spacing: float, boundary: Sequence[str], radial: Radial) -> None:
        super().__init__(checked_shape(shape, boundary))
        self._padded = [fft.next_fast_len(2 * n - 1, real=True) for n in self.shape]
        for axis in (a for a, b in enumerate(boundary) if b == "periodic"):
            self._padded[axis] = self.shape[axis]
        offsets = [spacing * np.minimum(np.arange(n), n - np.arange(n)) for n in self._padded]
        weights = np.sqrt(sum(x**2 for x in np.meshgrid(*offsets, indexing="ij", sparse=True)))
        weights.flat[1:] = radial(weights.flat[1:])  # the first is the cell itself, at distance 0
        self._weights = fft.rfftn(weights)

    def _sum(self, source: Floats, workers: int) -> Floats:
        modes = self._weights * fft.rfftn(source, s=self._padded, workers=workers)
        total: Floats = fft.irfftn(modes, s=self._padded, workers=workers)
        return total[tuple(slice(n) for n in self.shape)]


@kernel
def direct_sum(rows: Array, row_of: Array, source: Array) -> Array:
    """sum_j source[j] G(j, i) over the sources that are not zero, in site order."""
    total = np.zeros(source.size)
    for j in range(source.size):
        strength = source[j]
        if strength != 0.0:
            row = rows[row_of[j]]
            for i in range(total.size):
                total[i] += strength * row[i]
    return total
