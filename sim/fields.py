"""Transport of factors: secretion in, concentration out, by three kinds that share one small interface.

`Spectral` diffuses and decays on a voxel grid, `WellMixed` is one stirred box, `KernelCloud` and `KernelLattice` sum a
given radial capture kernel. Each has ``advance(source, workers)``, ``field`` (what cells read: max(c, 0), always the
same contiguous array), ``state()`` and ``restore()`` for checkpoints, and ``mass()``.
"""

from __future__ import annotations

import math
from typing import Any, Callable, Protocol, Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from scipy import fft

from sim.compiling import kernel
from sim.errors import ResourceError

Array = NDArray[Any]
Radial = Callable[[NDArray[np.float64]], NDArray[np.float64]]

BOUNDARIES = ("reflecting", "absorbing", "periodic")
NEGLIGIBLE = 1e-30  # smaller accumulators become 0: arithmetic on denormals is 35 times slower
MAX_CLOUD_SITES = 3000  # a dense kernel matrix of this many sites takes 72 MB


class Transport(Protocol):
    """What a factor asks of its transport."""

    field: Array

    def advance(self, source: Array, workers: int = 1) -> None:
        """One step with `source` [concentration / d], constant within the step; `source` may be overwritten."""

    def state(self) -> dict[str, Array]:
        """Copies of all that a checkpoint must keep."""

    def restore(self, state: dict[str, Array]) -> None:
        """Continue from `state`, bit for bit."""

    def mass(self) -> float:
        """Total concentration over the voxels."""


def exact_step(c: float, source: float, decay: float, dt: float) -> float:
    """Solution after `dt` [d] of dc/dt = source - decay c."""
    gain = -math.expm1(-decay * dt) / decay if decay > 0.0 else dt
    c = c * math.exp(-decay * dt) + source * gain
    return 0.0 if abs(c) < NEGLIGIBLE else c


class Spectral:
    r"""Diffusion and decay on a regular voxel grid, stepped exactly in the eigenbasis of the discrete Laplacian.

    .. math:: \hat c(t + dt) = \hat c\, e^{-\mu dt} + \hat s\, (1 - e^{-\mu dt}) / \mu, \qquad \mu = k + D q^2

    Parameters
    ----------
    shape : 1 to 3 int
        Voxels per axis, in array order.
    spacing : float
        Side of a voxel [um].
    boundary : str per axis
        ``reflecting`` (cosine-II), ``absorbing`` (sine-II, c = 0 on the voxel faces) or ``periodic`` (real Fourier).
    diffusivity, decay, dt : float
        D [um^2/d], k [1/d] and the step [d].
    dtype : float32 or float64
        Of amplitudes and field; the modes are always advanced in float64 and rounded once.

    Attributes
    ----------
    field : (shape) array
        max(c, 0), never fed back.
    maximum, undershoot : float
        The largest c, and the most negative c before clipping as a fraction of it.

    Notes
    -----
    The grid is the only error: second order in the voxel side h. Largest relative error of a point source at rest in an
    unbounded tissue, at distances from 3 h (or L, if larger) to 5 L, with L = sqrt(D / k):

    TABLE

    The near field of a point source in 2-D and 3-D has, at any L, an error of about (h / 2r)^2. Without an absorbing axis
    the zero mode, hence the mass, is kept in float64. Per factor the grid holds two arrays, amplitudes and field; a step
    works in the array of the source, and with a periodic axis in two temporary ones.
    """

    def __init__(
        self,
        shape: Sequence[int],
        spacing: float,
        boundary: Sequence[str],
        diffusivity: float,
        decay: float,
        dt: float,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.shape = tuple(int(n) for n in shape)
        check_grid(self.shape, boundary)
        self.dt, self.decay = float(dt), float(decay)
        self._axes = {kind: [a for a, b in enumerate(boundary) if b == kind] for kind in BOUNDARIES}
        self._conserving = not self._axes["absorbing"]
        self._mean = 0.0  # the zero mode in float64, where there is one
        self.field = np.zeros(self.shape, dtype)
        self._amplitudes = self._forward(self.field.copy(), 1)
        self._tables = self._axis_tables(spacing, boundary, float(diffusivity))
        self.maximum = self.undershoot = 0.0

    def _axis_tables(self, spacing: float, boundary: Sequence[str], diffusivity: float) -> list[Array]:
        """Three (3, n) tables, slowest axis first: rate D q^2 [1/d], share kept and share lost in a step."""
        halved = self._axes["periodic"][-1:]  # the axis along which a real transform keeps half of the modes
        tables = []
        for axis, n in enumerate(self.shape):
            rate = diffusivity * laplacian_modes(n, spacing, boundary[axis])[: self._amplitudes.shape[axis]]
            tables.append(np.stack([rate, np.exp(-rate * self.dt), -np.expm1(-rate * self.dt)]))
        if halved:  # complex amplitudes are advanced as pairs of reals
            tables[-1] = np.repeat(tables[-1], 2, axis=1)
        still = np.array([[0.0], [1.0], [0.0]])
        tables = [still] * (3 - len(tables)) + tables
        return tables[:2] + [tables[2].astype(self.field.dtype)]

    def set_decay(self, decay: float) -> None:
        """Use `decay` [1/d] from the next step on; the tables per axis do not depend on it."""
        self.decay = float(decay)

    def fill(self, concentration: ArrayLike) -> None:
        """Start from the given concentration [shape]."""
        start = np.array(np.broadcast_to(np.asarray(concentration), self.shape), self.field.dtype)
        self._mean = column_sum(as_grid(start)) / start.size
        self._amplitudes = self._forward(start, 1)
        self._read(self._amplitudes.copy(), 1)

    def advance(self, source: Array, workers: int = 1) -> None:
        """One step with `source` [concentration / d, shape], which is overwritten if it has our dtype."""
        if source.shape != self.shape:
            raise ValueError(f"source must have shape {self.shape}, got {source.shape}")
        source = np.require(source, self.field.dtype, ("C", "W"))
        if self._conserving:
            mean_source = column_sum(as_grid(source)) / source.size
            self._mean = exact_step(self._mean, mean_source, self.decay, self.dt)
        work = self._forward(source, workers)
        advance_modes(as_grid(self._amplitudes), as_grid(work), *self._tables, self.decay, self.dt)
        self._read(work, workers)

    def _read(self, work: Array, workers: int) -> None:
        """Bring the amplitudes, of which `work` is a copy to be used up, to the field; pin the zero mode."""
        if self._conserving:
            self._amplitudes.flat[0] = work.flat[0] = self._mean
        raw = self._inverse(work, workers)
        low, high = clip(as_grid(raw), as_grid(self.field))
        self.maximum = float(high)
        self.undershoot = max(0.0, -float(low)) / self.maximum if high > 0.0 else 0.0

    def _forward(self, values: Array, workers: int) -> Array:
        """Amplitudes of `values` (used up), scaled so that the zero mode is the mean."""
        how: dict[str, Any] = {"norm": "forward", "overwrite_x": True, "workers": workers}
        if axes := self._axes["reflecting"]:
            values = fft.dctn(values, axes=axes, **how)
        if axes := self._axes["absorbing"]:
            values = fft.dstn(values, axes=axes, **how)
        if axes := self._axes["periodic"]:
            values = fft.rfftn(values, axes=axes, **how)
        return values

    def _inverse(self, values: Array, workers: int) -> Array:
        how: dict[str, Any] = {"norm": "forward", "overwrite_x": True, "workers": workers}
        if axes := self._axes["periodic"]:
            values = fft.irfftn(values, s=[self.shape[a] for a in axes], axes=axes, **how)
        if axes := self._axes["absorbing"]:
            values = fft.idstn(values, axes=axes, **how)
        if axes := self._axes["reflecting"]:
            values = fft.idctn(values, axes=axes, **how)
        return values

    def mass(self) -> float:
        """Total concentration over the voxels, exact to float64 rounding unless an axis absorbs."""
        return self._mean * self.field.size if self._conserving else column_sum(as_grid(self.field))

    def state(self) -> dict[str, Array]:
        """Copies of the amplitudes, the zero mode and the decay."""
        return {"amplitudes": self._amplitudes.copy(), "mean": np.array(self._mean), "decay": np.array(self.decay)}

    def restore(self, state: dict[str, Array]) -> None:
        """Continue from `state`, bit for bit."""
        self._amplitudes = state["amplitudes"].copy()
        self._mean, self.decay = float(state["mean"]), float(state["decay"])
        self._read(self._amplitudes.copy(), 1)


def check_grid(shape: tuple[int, ...], boundary: Sequence[str]) -> None:
    """Raise ValueError unless there are 1 to 3 axes with a known boundary each."""
    if not 1 <= len(shape) <= 3 or len(boundary) != len(shape) or min(shape) < 1:
        raise ValueError(f"shape must be 1 to 3 counts with one boundary each, got {shape} and {tuple(boundary)}")
    if unknown := set(boundary) - set(BOUNDARIES):
        raise ValueError(f"boundary must be one of {', '.join(BOUNDARIES)}, got {', '.join(sorted(unknown))}")


def laplacian_modes(n: int, spacing: float, boundary: str) -> NDArray[np.float64]:
    """Eigenvalues q^2 [1/um^2] of minus the second difference on `n` voxels, in the order of the transform."""
    turns = {
        "reflecting": np.arange(n) / (2 * n),
        "absorbing": np.arange(1, n + 1) / (2 * n),
        "periodic": np.abs(np.fft.fftfreq(n)),
    }[boundary]
    return np.square(2.0 / spacing * np.sin(np.pi * turns))


def as_grid(values: Array) -> Array:
    """The same memory as three axes of reals: missing axes have length 1, a complex number is two neighbours."""
    reals = values.view(values.real.dtype) if np.iscomplexobj(values) else values
    return reals.reshape((1,) * (3 - values.ndim) + reals.shape)


@kernel
def advance_modes(amplitudes, work, planes, rows, columns, decay, dt):  # type: ignore[no-untyped-def]
    """Advance all modes by `dt`; `work` holds those of the source and receives a copy of the new amplitudes.

    E = exp(-mu dt) is a product over the axes, and 1 - E is built from the shares lost: a + b - a b. What is kept of c is
    c E or c - c (1 - E), by which of the two shares is small: so both stay exact in float32, too.
    """
    rate, kept, lost = columns
    typed = np.empty(6, amplitudes.dtype)  # constants of the type of the grid: no mode is widened to float64
    typed[3], typed[4], typed[5] = 0.5, dt, NEGLIGIBLE
    half, step, negligible = typed[3], typed[4], typed[5]
    zero = half - half
    for i in range(amplitudes.shape[0]):
        for j in range(amplitudes.shape[1]):
            plane_lost = planes[2, i] + rows[2, j] - planes[2, i] * rows[2, j]
            typed[0] = decay + planes[0, i] + rows[0, j]
            typed[1] = math.exp(-decay * dt) * planes[1, i] * rows[1, j]
            typed[2] = plane_lost - math.expm1(-decay * dt) * (1.0 - plane_lost)
            row_rate, row_kept, row_lost = typed[0], typed[1], typed[2]
            c, s = amplitudes[i, j], work[i, j]
            for m in range(c.size):
                mu = row_rate + rate[m]
                share_kept = row_kept * kept[m]
                share_lost = row_lost + lost[m] - row_lost * lost[m]
                gain = share_lost / mu if mu > zero else step
                remains = c[m] * share_kept if share_kept < half else c[m] - c[m] * share_lost
                new = remains + s[m] * gain
                new = zero if abs(new) < negligible else new
                c[m] = new
                s[m] = new


@kernel
def clip(raw, field):  # type: ignore[no-untyped-def]
    """Write max(raw, 0) to `field` (NaN stays NaN); return the least and the largest of `raw`.

    One running extreme per column, because compilers do not turn a single one into vector code.
    """
    low, high = raw[0, 0].copy(), raw[0, 0].copy()
    for i in range(raw.shape[0]):
        for j in range(raw.shape[1]):
            c, read = raw[i, j], field[i, j]
            for m in range(c.size):
                value = c[m]
                low[m] = value if value < low[m] else low[m]
                high[m] = value if value > high[m] else high[m]
                read[m] = value * 0 if value < 0 else value
    return low.min(), high.max()


@kernel
def column_sum(values):  # type: ignore[no-untyped-def]
    """Sum in float64, in a fixed order: down each column, then along the row of sums."""
    sums = np.zeros(values.shape[2])
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            row = values[i, j]
            for m in range(row.size):
                sums[m] += row[m]
    total = 0.0
    for m in range(sums.size):
        total += sums[m]
    return total


class WellMixed:
    """One stirred volume, exact in time: dc/dt = mean source - decay c.

    Its grid is a single voxel that stands for `volume_voxels` of them: cells read ``field[0]``, and the source is the sum
    of what they secrete, as an array of any shape [concentration of one voxel / d].

    Parameters
    ----------
    decay : float
        Decay, leakage and ventilation together [1/d].
    volume_voxels : float
        The volume, in voxels.
    dt : float
        Step [d].
    """

    def __init__(self, decay: float, volume_voxels: float, dt: float) -> None:
        self.decay, self.volume_voxels, self.dt = float(decay), float(volume_voxels), float(dt)
        self.shape = (1,)
        self.field = np.zeros(1)

    def set_decay(self, decay: float) -> None:
        """Use `decay` [1/d] from the next step on."""
        self.decay = float(decay)

    def advance(self, source: Array, workers: int = 1) -> None:
        """One step with the sum of `source`, spread over the volume."""
        mean_source = column_sum(as_grid(np.ascontiguousarray(source))) / self.volume_voxels
        self.field[0] = exact_step(float(self.field[0]), mean_source, self.decay, self.dt)

    def mass(self) -> float:
        """Concentration times the number of voxels."""
        return float(self.field[0]) * self.volume_voxels

    def state(self) -> dict[str, Array]:
        """Copies of the concentration and the decay."""
        return {"field": self.field.copy(), "decay": np.array(self.decay)}

    def restore(self, state: dict[str, Array]) -> None:
        """Continue from `state`."""
        self.field[:] = state["field"]
        self.decay = float(state["decay"])


class _Kernel:
    """Quasi-steady capture, c_i = sum over j != i of s_j G(|x_i - x_j|): no memory, and no work while sources stand still.

    Attributes
    ----------
    solves : int
        How often the sum was taken.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.field, self._source = np.zeros(shape), np.zeros(shape)
        self.solves = 0

    def _sum(self, source: NDArray[np.float64], workers: int) -> NDArray[np.float64]:
        raise NotImplementedError

    def advance(self, source: Array, workers: int = 1) -> None:
        """Sum the kernel over `source` [shape], unless it equals the source of the step before."""
        if source.shape != self.shape:
            raise ValueError(f"source must have shape {self.shape}, got {source.shape}")
        if np.array_equal(source, self._source):
            return
        self._source[...] = source
        clip(as_grid(self._sum(self._source, workers)), as_grid(self.field))
        self.field[self.field < NEGLIGIBLE] = 0.0
        self.solves += 1

    def mass(self) -> float:
        """Total concentration over the sites."""
        return float(column_sum(as_grid(self.field)))

    def state(self) -> dict[str, Array]:
        """Copies of the field and of the source it belongs to."""
        return {"field": self.field.copy(), "source": self._source.copy()}

    def restore(self, state: dict[str, Array]) -> None:
        """Continue from `state`, without a solve."""
        self.field[...] = state["field"]
        self._source[...] = state["source"]


class KernelCloud(_Kernel):
    """A radial kernel on a cloud of at most `MAX_CLOUD_SITES` positions, summed directly in site order (float64).

    Parameters
    ----------
    positions : (n, dimension) float array
        Sites [um].
    radial : callable
        G of an array of distances [um], all > 0 unless two sites coincide.

    Raises
    ------
    ResourceError
        If the matrix of all pairs would be too large.
    """

    def __init__(self, positions: Array, radial: Radial) -> None:
        n = len(positions)
        if n > MAX_CLOUD_SITES:
            raise ResourceError(
                f"a kernel between {n} free sites needs {8 * n * n} bytes for all pairs; "
                f"at most {MAX_CLOUD_SITES} sites ({8 * MAX_CLOUD_SITES**2} bytes) are allowed, or use a lattice"
            )
        super().__init__((n,))
        squares = np.zeros((n, n))
        for x in np.asarray(positions, np.float64).T:
            squares += np.square(x[:, None] - x)
        self._pairs = squares  # in place: distances, then G
        np.sqrt(squares, out=squares)
        apart = ~np.eye(n, dtype=bool)
        self._pairs[apart] = radial(squares[apart])

    def _sum(self, source: NDArray[np.float64], workers: int) -> NDArray[np.float64]:
        return direct_sum(self._pairs, source)


class KernelLattice(_Kernel):
    """A radial kernel on all points of a lattice, summed by FFT convolution (float64).

    A periodic axis wraps (minimum image); along the others the lattice lies in open space, whatever their boundary says.
    The error is that of rounding, about 1e-16 of the largest value.

    Parameters
    ----------
    shape, spacing, boundary
        As in `Spectral`.
    radial : callable
        G of an array of distances [um], all > 0.
    """

    def __init__(self, shape: Sequence[int], spacing: float, boundary: Sequence[str], radial: Radial) -> None:
        super().__init__(tuple(int(n) for n in shape))
        check_grid(self.shape, boundary)
        wraps = [b == "periodic" for b in boundary]
        self._padded = [n if wrap else fft.next_fast_len(2 * n - 1, real=True) for n, wrap in zip(self.shape, wraps)]
        offsets = [spacing * n * np.abs(np.fft.fftfreq(n)) for n in self._padded]
        weights = np.sqrt(sum(np.square(x) for x in np.meshgrid(*offsets, indexing="ij", sparse=True)))
        weights.flat[1:] = radial(weights.flat[1:])  # the first is the cell itself, at distance 0
        self._weights = fft.rfftn(weights)

    def _sum(self, source: NDArray[np.float64], workers: int) -> NDArray[np.float64]:
        modes = fft.rfftn(source, s=self._padded, workers=workers) * self._weights
        total = fft.irfftn(modes, s=self._padded, overwrite_x=True, workers=workers)
        return np.ascontiguousarray(total[tuple(slice(n) for n in self.shape)])


@kernel
def direct_sum(pairs, source):  # type: ignore[no-untyped-def]
    """sum_j source[j] pairs[j, i] over the sources that are not zero, in site order."""
    total = np.zeros(source.size)
    for j in range(source.size):
        strength, row = source[j], pairs[j]
        if strength != 0.0:
            for i in range(total.size):
                total[i] += strength * row[i]
    return total
