"""Transport of factors: secretion in, concentration out, behind one small interface.

`Spectral` diffuses and decays on a voxel grid, `WellMixed` is one stirred box; capture kernels are in `sim.capture`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from scipy import fft

from sim.transforms.fourier import suits
from sim.transforms.modes import MAX_EXPONENT, NEGLIGIBLE, advance_modes, clip, column_sum
from sim.transforms.panels import Panels

Array = NDArray[Any]
Floats = NDArray[np.float64]

TRANSFORMS = {  # forward and inverse, in the order of the forward direction: real ones first
    "reflecting": (fft.dctn, fft.idctn),
    "absorbing": (fft.dstn, fft.idstn),
    "periodic": (fft.rfftn, fft.irfftn),
}
NARROW = 16  # voxels: below, panels of columns would be mostly empty


class Transport(Protocol):
    """What a factor asks of its transport."""

    shape: tuple[int, ...]  # of source and field
    field: Array  # what cells read: max(c, 0), always the same contiguous array

    def advance(self, source: Array, workers: int = 1, mean: float | None = None) -> None:
        """Take one step with a constant `source` [concentration / d].

        Where the tissue exchanges factors with others, `mean` is its mean after the step.
        """

    @property
    def rests(self) -> bool:
        """Whether constant sources come to a field at rest, G s; G is symmetric."""

    def at_rest(self, source: Array) -> Floats:
        """G `source`: the field at rest with the decay of now, in float64; the state stays as it is."""

    def adjoint(self, weights: Array) -> Floats:
        """G^T `weights` at the sources: what each adds, per unit given off, to levels that are weighted so."""

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
    r"""Diffusion and decay on a voxel grid, stepped exactly in the eigenbasis of the discrete Laplacian.

    .. math:: \hat c(t + dt) = \hat c\, e^{-\mu dt} + \hat s\, (1 - e^{-\mu dt}) / \mu, \qquad \mu = k + D q^2

    Parameters
    ----------
    shape, spacing : 1 to 3 int, float
        Voxels per axis, in array order, and the side of a voxel [um].
    boundary : str per axis
        ``reflecting`` (cosine-II), ``absorbing`` (sine-II) or ``periodic`` (Fourier); walls are voxel faces.
    diffusivity, decay, dt : float
        D [um^2/d], k [1/d] and the step [d].
    dtype : float32 or float64
        Of amplitudes and field.

    Attributes
    ----------
    maximum, undershoot : float
        The largest c, and the most negative c before clipping as a (positive) fraction of it.

    Notes
    -----
    The grid is the only error, second order in the voxel side h. Measured: the largest relative error of a
    point source at rest in open space, from 3 h to 5 L away, with L = sqrt(D / k)::

        h / L    1/8     1/4     1/2     1
        1-D     0.2 %   0.6 %   2.1 %   7.9 %
        2-D     0.9 %   1.5 %   4.1 %   18 %
        3-D     5.4 %   7.2 %   12 %    33 %

    Coarse voxels err most at the far end; fine ones, in 2-D and 3-D, at the near end, whatever L is. Without
    an absorbing axis the zero mode, hence the mass, is kept in float64. A factor holds two arrays, amplitudes
    and field; a step works in that of the field and, with a periodic axis, in two more. Planes between reflecting
    walls, of 16 or more voxels a side and lengths without a prime factor above 5, go through `sim.transforms`, all
    others through SciPy: the same to rounding, at about twice the time.
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
        self.shape = checked_shape(shape, boundary)
        self.decay, self.dt = float(decay), float(dt)
        self._axes = {kind: [a for a, b in enumerate(boundary) if b == kind] for kind in TRANSFORMS}
        self._conserving = not self._axes["absorbing"]
        self._mean = 0.0  # the zero mode in float64, where there is one
        self.field = np.zeros(self.shape, dtype)
        self.maximum = self.undershoot = 0.0
        modes = [laplacian_modes(n, spacing, b) for n, b in zip(self.shape, boundary, strict=True)]
        rates = [diffusivity * q2 for q2 in modes]
        self._panels: Panels | None = None
        plane = len(self._axes["reflecting"]) == len(self.shape) == 2 and min(self.shape) >= NARROW
        if plane and diffusivity > 0.0 and all(map(suits, self.shape)):
            self._tables = self._axis_tables(rates)
            self._panels = Panels(self.shape, dtype, *self._tables[1:], self.dt)
            self._amplitudes = self._panels.amplitudes
        else:
            self._amplitudes = self._forward(self.field.copy(), 1)
            # a real Fourier transform keeps half of the modes of one axis
            self._tables = self._axis_tables([r[:n] for r, n in zip(rates, self._amplitudes.shape, strict=True)])

    def _axis_tables(self, rates: list[Floats]) -> tuple[Array, Array, Array]:
        """Per axis, slowest first: the rate D q^2 [1/d], the share kept and the share lost in a step."""
        tables = [np.array([[0.0], [1.0], [0.0]])] * (3 - len(rates))
        for rate in rates:
            kept = np.exp(-np.minimum(rate * self.dt, MAX_EXPONENT))
            tables.append(np.stack([rate, kept, -np.expm1(-rate * self.dt)]))
        if self._axes["periodic"]:  # complex amplitudes are advanced as pairs of reals
            tables[2] = np.repeat(tables[2], 2, axis=1)
        return tables[0], tables[1], tables[2]

    def set_decay(self, decay: float) -> None:
        """Use `decay` [1/d] from the next step on; the tables per axis do not depend on it."""
        self.decay = float(decay)

    def fill(self, concentration: ArrayLike) -> None:
        """Start from the given concentration (a number or an array of our shape)."""
        start = np.array(np.broadcast_to(np.asarray(concentration), self.shape), self.field.dtype)
        if self._conserving:
            self._mean = column_sum(as_grid(start)) / start.size
        amplitudes = self._forward(start, 1)
        if self._panels is None:
            self._amplitudes = amplitudes
        else:
            self._panels.start(amplitudes)
        self._refresh()

    def mean_source(self, source: Array) -> float:
        """Mean of a `source` over the voxels [concentration / d]."""
        return column_sum(as_grid(source.reshape(self.shape))) / source.size

    @property
    def mean(self) -> float:
        """Mean concentration."""
        return self._mean

    @mean.setter
    def mean(self, mean: float) -> None:
        """Change all voxels alike."""
        self._mean = mean
        self._refresh()

    def advance(self, source: Array, workers: int = 1, mean: float | None = None) -> None:
        """Take one step with a constant `source` [concentration / d].

        With a `mean`, the mean after the step is that, not what source and decay make of it.
        """
        check_source(source, self.shape)
        source = np.require(source, self.field.dtype, "C")
        if mean is not None:
            self._mean = mean
        elif self._conserving:
            self._mean = exact_step(self._mean, self.mean_source(source), self.decay, self.dt)
        if self._panels is not None:
            extremes = self._panels.advance(source, self.field, self.decay, self._mean, workers)
            self._note_extremes(*extremes)
        else:
            self.field[...] = source
            work = self._forward(self.field, workers)
            advance_modes(as_grid(self._amplitudes), as_grid(work), self._tables, self.decay, self.dt)
            self._read(work, workers)

    def _read(self, work: Array, workers: int) -> None:
        """Pin the zero mode and bring the amplitudes, of which `work` is a copy to use up, to the field."""
        if self._conserving:
            self._amplitudes.flat[0] = work.flat[0] = self._mean
        raw = self._inverse(work, workers)
        self._note_extremes(*clip(as_grid(raw)))
        if not np.shares_memory(raw, self.field):
            self.field[...] = raw

    def _refresh(self) -> None:
        """Bring the amplitudes to the field, with the bits that a step leaves there."""
        if self._panels is None:
            self._read(self._amplitudes.copy(), 1)
        else:
            self._note_extremes(*self._panels.read(self.field, self._mean))

    def _note_extremes(self, low: float, high: float) -> None:
        self.maximum = float(high)
        self.undershoot = max(0.0, -float(low)) / self.maximum if high > 0.0 else 0.0

    def _forward(self, values: Array, workers: int) -> Array:
        """Amplitudes of `values` (used up), scaled so that the zero mode is the mean."""
        for kind, (transform, _) in TRANSFORMS.items():
            if self._axes[kind]:
                values = transform(values, axes=self._along(kind), norm="forward", overwrite_x=True, workers=workers)
        return values

    def _inverse(self, values: Array, workers: int) -> Array:
        for kind, (_, transform) in reversed(TRANSFORMS.items()):
            if axes := self._axes[kind]:
                lengths = {"s": [self.shape[a] for a in axes]} if kind == "periodic" else {}
                how = {"axes": self._along(kind), "norm": "forward", **lengths}
                values = transform(values, overwrite_x=True, workers=workers, **how)
        return values

    def _along(self, kind: str) -> list[int] | None:
        """Axes of a transform; None for all, which SciPy need not look at (a third of the time on small grids)."""
        return self._axes[kind] if len(self._axes[kind]) < len(self.shape) else None

    @property
    def rests(self) -> bool:
        """Whether there is a loss, by decay or at a wall."""
        return self.decay > 0.0 or not self._conserving

    def at_rest(self, source: Array) -> Floats:
        """The field at rest with a constant `source` and the decay of now, s / mu; the state stays as it is."""
        check_source(source, self.shape)
        modes = self._forward(np.array(source, np.float64), 1)
        planes, rows, columns = (table[0] for table in self._tables)
        grid = as_grid(modes)
        grid /= self.decay + planes[:, None, None] + rows[:, None] + columns
        return np.asarray(self._inverse(modes, 1))

    def adjoint(self, weights: Array) -> Floats:
        """The same: the transforms are orthogonal up to the scale of each mode."""
        return self.at_rest(weights)

    def mass(self) -> float:
        """Total concentration over the voxels, exact to float64 rounding unless an axis absorbs."""
        return self._mean * self.field.size if self._conserving else column_sum(as_grid(self.field))

    def state(self) -> dict[str, Array]:
        """Copies of the amplitudes, the zero mode and the decay."""
        scalars = {"mean": np.array(self._mean), "decay": np.array(self.decay)}
        return {"amplitudes": self._amplitudes.copy(), **scalars}

    def restore(self, state: dict[str, Array]) -> None:
        """Continue from `state`, bit for bit."""
        self._amplitudes[...] = state["amplitudes"]
        self._mean, self.decay = float(state["mean"]), float(state["decay"])
        self._refresh()


def checked_shape(shape: Sequence[int], boundary: Sequence[str]) -> tuple[int, ...]:
    """`shape` as a tuple of 1 to 3 counts with a known boundary each, or a ValueError."""
    if not 1 <= len(shape) == len(boundary) <= 3 or min(shape) < 1 or not set(boundary) <= set(TRANSFORMS):
        raise ValueError(f"a grid has 1 to 3 axes, each {' | '.join(TRANSFORMS)}, got {shape}, {boundary}")
    return tuple(int(n) for n in shape)


def check_source(source: Array, shape: tuple[int, ...]) -> None:
    """Compiled loops do not look at bounds."""
    if source.shape != shape:
        raise ValueError(f"source must have shape {shape}, got {source.shape}")


def laplacian_modes(n: int, spacing: float, boundary: str) -> Floats:
    """Eigenvalues q^2 [1/um^2] of minus the second difference on `n` voxels, in the transform's order."""
    turns = {
        "reflecting": np.arange(n) / (2 * n),
        "absorbing": np.arange(1, n + 1) / (2 * n),
        "periodic": np.abs(np.fft.fftfreq(n)),
    }
    q: Floats = 2.0 / spacing * np.sin(np.pi * turns[boundary])
    return q**2


def as_grid(values: Array) -> Array:
    """The same memory as three axes of reals: absent ones of length 1, complex numbers as neighbours."""
    reals = values.view(values.real.dtype) if np.iscomplexobj(values) else values
    return reals.reshape((1,) * (3 - values.ndim) + reals.shape)


class WellMixed:
    """One stirred volume, exact in time: dc/dt = source / volume_voxels - decay c.

    Its grid is a single voxel that stands for many: cells deposit into voxel 0 as if it had the size of one,
    and read ``field[0]``. `decay` [1/d] is decay and ventilation together, `dt` [d] the step.
    """

    def __init__(self, decay: float, volume_voxels: float, dt: float) -> None:
        self.decay, self.volume_voxels, self.dt = float(decay), float(volume_voxels), float(dt)
        self.shape: tuple[int, ...] = (1,)
        self.field = np.zeros(1)

    def set_decay(self, decay: float) -> None:
        """Use `decay` [1/d] from the next step on."""
        self.decay = float(decay)

    def mean_source(self, source: Array) -> float:
        """What a `source` adds to the concentration [1/d]."""
        return float(source.reshape(-1)[0]) / self.volume_voxels

    @property
    def mean(self) -> float:
        """The concentration."""
        return float(self.field[0])

    @mean.setter
    def mean(self, mean: float) -> None:
        self.field[0] = mean

    def advance(self, source: Array, workers: int = 1, mean: float | None = None) -> None:
        """Take one step with the constant `source` [concentration of one voxel / d], to `mean` if there is one."""
        check_source(source, self.shape)
        if mean is not None:
            self.field[0] = mean
            return
        self.field[0] = exact_step(self.mass(), float(source[0]), self.decay, self.dt) / self.volume_voxels

    @property
    def rests(self) -> bool:
        """Whether there is a loss."""
        return self.decay > 0.0

    def at_rest(self, source: Array) -> Floats:
        """The concentration at rest with a constant `source`; the state stays as it is."""
        check_source(source, self.shape)
        return np.asarray(source, np.float64) / (self.decay * self.volume_voxels)

    def adjoint(self, weights: Array) -> Floats:
        """The same, of the sum of all weights: every cell reads what every cell gives off."""
        return self.at_rest(weights)

    def mass(self) -> float:
        """Concentration times the number of voxels."""
        return float(self.field[0]) * self.volume_voxels

    def state(self) -> dict[str, Array]:
        """Copies of the concentration and the decay."""
        return {"field": self.field.copy(), "decay": np.array(self.decay)}

    def restore(self, state: dict[str, Array]) -> None:
        """Continue from `state`, bit for bit."""
        self.field[...], self.decay = state["field"], float(state["decay"])
