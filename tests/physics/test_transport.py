"""`Spectral` against what is known exactly: fields at rest, spreading, decay, mass, and its own algebra."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from point_source import point_source, slope

from sim.fields import Spectral

Array = NDArray[Any]

GRIDS = [
    ((60,), ("reflecting",)),
    ((61,), ("periodic",)),
    ((24, 20), ("reflecting", "reflecting")),
    ((24, 21), ("absorbing", "absorbing")),
    ((20, 24), ("periodic", "periodic")),
    ((15, 24), ("periodic", "reflecting")),
    ((24, 20), ("absorbing", "periodic")),
    ((9, 10, 8), ("periodic", "absorbing", "reflecting")),
    ((7, 8, 9), ("periodic", "periodic", "periodic")),
]
ON_GRIDS = pytest.mark.parametrize(("shape", "boundary"), GRIDS)
CONSERVING = pytest.mark.parametrize(("shape", "boundary"), [g for g in GRIDS if "absorbing" not in g[1]])
BOTH_TYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def sparse_source(shape: tuple[int, ...], dtype: Any, seed: int = 1) -> Array:
    """A few cells that secrete 0.5 to 1.5 a day; most voxels are empty."""
    rng = np.random.default_rng(seed)
    return ((0.5 + rng.random(shape)) * (rng.random(shape) < 0.05)).astype(dtype)


def relative(field: Array, truth: Array) -> float:
    """Largest deviation over the largest value."""
    return float(np.max(np.abs(field - truth)) / np.max(truth))


# ---- at rest -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dimension", "coarsest", "worst"), [(1, 1 / 4, 0.006), (2, 1 / 4, 0.016), (3, 1 / 3, 0.09)])
def test_point_source_at_rest_is_second_order(dimension: int, coarsest: float, worst: float) -> None:
    """On the points of the coarsest grid from 3 of its voxels to 3 L; the images in the box are summed.

    `worst` is the largest relative error on the coarsest grid, in line with the docstring of `Spectral`.
    """
    rms, largest = [], []
    spacings = [coarsest / factor for factor in (1, 2, 4)]
    for factor, h in zip((1, 2, 4), spacings, strict=True):
        nearest, level, exact = point_source(dimension, h, factor)
        at = (nearest >= 3 * coarsest - 1e-9) & (nearest <= 3)
        errors = level[at] / exact[at] - 1
        rms.append(float(np.sqrt(np.mean(errors**2))))
        largest.append(float(np.max(np.abs(errors))))
    assert abs(slope(spacings, rms) - 2) < 0.1, rms
    assert largest[0] < worst


def test_source_at_a_reflecting_wall_is_seen_twice() -> None:
    """The wall is on the voxel face: source and mirror image are half a voxel away from it."""
    spacings, errors = [1 / 4, 1 / 8, 1 / 16], []
    for h in spacings:
        op = Spectral((round(24 / h),), h, ("reflecting",), 1.0, 1.0, 1e3, np.float64)
        op.advance(np.eye(1, op.shape[0])[0] / h)
        x = h * (np.arange(op.shape[0]) + 0.5)
        at = (x >= 0.75) & (x <= 3)
        errors.append(float(np.sqrt(np.mean((op.field[at] / np.exp(-x[at]) - 1) ** 2))))
    assert abs(slope(spacings, errors) - 2) < 0.15, errors


def test_absorbing_walls_hold_zero_on_the_voxel_faces() -> None:
    """Uniform secretion between absorbing walls at 0 and 1, no decay: c = x (1 - x) / 2D."""
    spacings, errors = [1 / 8, 1 / 16, 1 / 32], []
    for h in spacings:
        op = Spectral((round(1 / h),), h, ("absorbing",), 2.0, 0.0, 1e3, np.float64)
        op.advance(np.ones(op.shape))
        x = h * (np.arange(op.shape[0]) + 0.5)
        errors.append(float(np.max(np.abs(op.field - x * (1 - x) / 4))))
    assert abs(slope(spacings, errors) - 2) < 0.01, errors


@ON_GRIDS
def test_rest_satisfies_the_stencil(shape: tuple[int, ...], boundary: tuple[str, ...]) -> None:
    """At rest D lap c - k c + s = 0 with the second difference and the ghost voxels of each boundary."""
    spacing, diffusivity, decay = 10.0, 500.0, 2.0
    op = Spectral(shape, spacing, boundary, diffusivity, decay, 1e3, np.float64)
    source = sparse_source(shape, np.float64)
    op.advance(source.copy())
    c, laplacian = op.field, np.zeros(shape)
    ghosts = {"reflecting": ("edge", 1.0), "absorbing": ("edge", -1.0), "periodic": ("wrap", 1.0)}
    for axis, kind in enumerate(boundary):
        mode, sign = ghosts[kind]
        line = np.moveaxis(c, axis, -1)
        padded = np.pad(line, [(0, 0)] * (c.ndim - 1) + [(1, 1)], mode=mode)  # type: ignore[call-overload]
        padded[..., [0, -1]] *= sign
        laplacian += np.moveaxis(np.diff(padded, 2), -1, axis) / spacing**2
    assert np.max(np.abs(diffusivity * laplacian - decay * c + source)) < 1e-12 * np.max(source)


# ---- in time -------------------------------------------------------------------------------------


@ON_GRIDS
def test_pure_decay(shape: tuple[int, ...], boundary: tuple[str, ...]) -> None:
    op = Spectral(shape, 10.0, boundary, 0.0, 1.7, 0.5, np.float64)
    start = np.random.default_rng(0).random(shape)
    op.fill(start)
    for _ in range(4):
        op.advance(np.zeros(shape))
    assert relative(op.field, start * math.exp(-3.4)) < 1e-14


@pytest.mark.parametrize("boundary", ["periodic", "reflecting"])
def test_growing_gaussian(boundary: str) -> None:
    """The variance grows by 2 D t exactly, on any grid; the shape is that of a Gaussian to second order."""
    diffusivity, t, start = 0.5, 1.0, 0.25
    spacings, errors = [1 / 5, 1 / 10, 1 / 20], []
    for h in spacings:
        n = round(20 / h)
        x = h * (np.arange(n) - n // 2)
        op = Spectral((n,), h, (boundary,), diffusivity, 0.0, t / 10, np.float64)
        op.fill(np.exp(-(x**2) / (2 * start)) / math.sqrt(2 * math.pi * start))
        for _ in range(10):
            op.advance(np.zeros(n))
        end = start + 2 * diffusivity * t
        assert abs(np.sum(op.field * x**2) / np.sum(op.field) - end) < 1e-10
        errors.append(relative(op.field, np.exp(-(x**2) / (2 * end)) / math.sqrt(2 * math.pi * end)))
    assert abs(slope(spacings, errors) - 2) < 0.1, errors


@pytest.mark.parametrize("decay", [0.0, 3.0])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-4), (np.float64, 1e-12)])
@ON_GRIDS
def test_one_day_is_a_thousand_small_steps(
    shape: tuple[int, ...], boundary: tuple[str, ...], dtype: Any, tolerance: float, decay: float
) -> None:
    source = sparse_source(shape, dtype)
    large = Spectral(shape, 10.0, boundary, 300.0, decay, 1.0, dtype)
    small = Spectral(shape, 10.0, boundary, 300.0, decay, 0.001, dtype)
    large.advance(source.copy())
    for _ in range(1000):
        small.advance(source.copy())
    assert relative(small.field, large.field) < tolerance


@pytest.mark.parametrize("decay", [0.0, 0.9])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-6), (np.float64, 1e-13)])
@CONSERVING
def test_mass_is_exact(
    shape: tuple[int, ...], boundary: tuple[str, ...], dtype: Any, tolerance: float, decay: float
) -> None:
    """1000 steps of changing sources; both the tracked mass and the sum over what cells read."""
    dt, expected = 0.01, 0.0
    op = Spectral(shape, 10.0, boundary, 300.0, decay, dt, dtype)
    gain = -math.expm1(-decay * dt) / decay if decay else dt
    for step in range(1000):
        source = sparse_source(shape, dtype, seed=step)
        expected = expected * math.exp(-decay * dt) + math.fsum(source.ravel().tolist()) * gain
        op.advance(source)
    assert abs(op.mass() / expected - 1) < tolerance
    assert abs(math.fsum(op.field.ravel().tolist()) / expected - 1) < tolerance


def test_slow_factor_does_not_stall_in_float32() -> None:
    """A step that loses 1e-6 of c is below the rounding of float32; the mean must still decay."""
    op = Spectral((8, 8), 10.0, ("reflecting",) * 2, 300.0, 1e-3, 1e-3)
    op.fill(1.0)
    for _ in range(1000):
        op.advance(np.zeros((8, 8), np.float32))
    assert abs(op.mass() / 64 - math.exp(-1e-3)) < 1e-12


# ---- what cells read -----------------------------------------------------------------------------


@BOTH_TYPES
@pytest.mark.parametrize("dt", [1e-6, 1e-3, 0.5])
@ON_GRIDS
def test_cells_never_read_a_negative(shape: tuple[int, ...], boundary: tuple[str, ...], dt: float, dtype: Any) -> None:
    """Point sources that stay, and then fall silent; D is 20 um^2/s and the decay length 100 um."""
    op = Spectral(shape, 10.0, boundary, 1.728e6, 172.8, dt, dtype)
    for step in range(40):
        source = np.zeros(shape, dtype)
        source.flat[[0, source.size // 3]] = 1.0 if step < 30 else 0.0
        op.advance(source)
        assert op.field.min() >= 0
        assert op.undershoot < 1e-6
    assert op.field.dtype == dtype
    assert op.field.flags.c_contiguous


def test_undershoot_and_maximum_are_those_before_clipping() -> None:
    op = Spectral((4, 4), 1.0, ("reflecting",) * 2, 0.0, 0.0, 1.0, np.float64)
    given = np.zeros((4, 4))
    given[1, 2], given[3, 0] = 8.0, -2.0
    op.fill(given)
    assert op.maximum == pytest.approx(8.0, rel=1e-15)
    assert op.undershoot == pytest.approx(0.25, rel=1e-15)
    assert op.field.min() == 0.0
    assert op.mass() == pytest.approx(6.0, rel=1e-15)  # what is clipped is not fed back


def test_faint_amplitudes_become_zero() -> None:
    op = Spectral((32, 32), 10.0, ("reflecting",) * 2, 1e3, 40.0, 1.0)
    op.fill(sparse_source((32, 32), np.float32))
    op.advance(np.zeros((32, 32), np.float32))
    assert op.field.max() > 0
    op.advance(np.zeros((32, 32), np.float32))
    assert not op.field.any()
    assert not op.state()["amplitudes"].any()


def test_a_number_that_is_not_finite_is_not_hidden() -> None:
    op = Spectral((8, 8), 10.0, ("reflecting",) * 2, 1e3, 1.0, 1.0)
    op.advance(np.full((8, 8), np.nan, np.float32))
    assert np.isnan(op.field).all()


# ---- its own algebra -----------------------------------------------------------------------------


@BOTH_TYPES
@pytest.mark.parametrize("boundary", [("reflecting",) * 2, ("absorbing", "periodic"), ("periodic",) * 2])
def test_same_bits_for_any_number_of_workers(boundary: tuple[str, ...], dtype: Any) -> None:
    one, two = (Spectral((123, 97), 10.0, boundary, 1e4, 1.0, 0.1, dtype) for _ in range(2))
    for step in range(3):
        one.advance(sparse_source((123, 97), dtype, step), workers=1)
        two.advance(sparse_source((123, 97), dtype, step), workers=2)
    assert np.array_equal(one.field, two.field)
    assert np.array_equal(one.state()["amplitudes"], two.state()["amplitudes"])


@ON_GRIDS
def test_set_decay_equals_a_fresh_operator(shape: tuple[int, ...], boundary: tuple[str, ...]) -> None:
    changed = Spectral(shape, 10.0, boundary, 300.0, 0.0, 0.2)
    changed.set_decay(7.0)
    fresh = Spectral(shape, 10.0, boundary, 300.0, 7.0, 0.2)
    for op in (changed, fresh):
        op.advance(sparse_source(shape, np.float32))
    assert np.array_equal(changed.field, fresh.field)


@BOTH_TYPES
@ON_GRIDS
def test_restored_state_goes_on_bit_for_bit(shape: tuple[int, ...], boundary: tuple[str, ...], dtype: Any) -> None:
    first = Spectral(shape, 10.0, boundary, 300.0, 1.0, 0.2, dtype)
    for step in range(3):
        first.advance(sparse_source(shape, dtype, step))
    first.set_decay(2.0)
    second = Spectral(shape, 10.0, boundary, 300.0, 1.0, 0.2, dtype)
    second.restore(first.state())
    assert np.array_equal(second.field, first.field)
    for op in (first, second):
        op.advance(sparse_source(shape, dtype, 9))
    assert np.array_equal(second.field, first.field)
    assert second.mass() == first.mass()
    assert (second.maximum, second.undershoot) == (first.maximum, first.undershoot)


def test_source_of_another_type_is_left_alone_and_shapes_are_checked() -> None:
    op = Spectral((8, 8), 10.0, ("reflecting",) * 2, 1e3, 1.0, 1.0)
    source = sparse_source((8, 8), np.float64)
    kept = source.copy()
    op.advance(source)
    assert np.array_equal(source, kept)
    with pytest.raises(ValueError, match="shape"):
        op.advance(np.zeros((8, 7), np.float32))
    with pytest.raises(ValueError, match="each reflecting"):
        Spectral((8, 8), 10.0, ("reflecting", "open"), 1e3, 1.0, 1.0)
    with pytest.raises(ValueError, match="1 to 3 axes"):
        Spectral((8,), 10.0, ("reflecting",) * 2, 1e3, 1.0, 1.0)
