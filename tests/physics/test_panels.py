"""Our own transforms in the plane: the library's numbers, whatever the lengths, the precision and the threads."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import fft

from sim.compiling import kernel
from sim.fields import Spectral
from sim.threads import in_shares
from sim.transforms.cosine import aligned
from sim.transforms.fourier import fourier, passes, radices, suits
from sim.transforms.lanes import greater, lesser, load, store, turn

SHAPES = [(1, 5), (15, 16), (16, 16), (16, 45), (81, 20), (32, 31), (40, 27), (27, 100), (64, 125)]
PRECISION = [(np.float32, 3e-6), (np.float64, 3e-14)]


def reference(shape: tuple[int, int], sources: list[np.ndarray], decay: float, reach: float, dt: float) -> np.ndarray:
    """The same steps with SciPy, in float64."""
    mu = decay + sum(
        np.reshape(4.0 * reach * np.sin(np.pi * np.arange(n) / (2 * n)) ** 2, (-1, 1) if axis == 0 else (1, -1))
        for axis, n in enumerate(shape)
    )
    modes = np.zeros(shape)
    for source in sources:
        modes = modes * np.exp(-mu * dt) + fft.dctn(source.astype(float)) * -np.expm1(-mu * dt) / mu
    return np.maximum(fft.idctn(modes), 0.0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dtype", "tolerance"), PRECISION)
def test_steps_are_those_of_the_library(shape: tuple[int, int], dtype: Any, tolerance: float) -> None:
    rng = np.random.default_rng(shape)
    sources = [(rng.random(shape) * (rng.random(shape) < 0.3) + 0.01).astype(dtype) for _ in range(3)]
    one, two = (Spectral(shape, 1.0, ["reflecting"] * 2, 2.5, 0.7, 0.5, dtype) for _ in range(2))
    for source in sources:
        kept = source.copy()
        one.advance(source)
        two.advance(source, workers=2)
        assert np.array_equal(source, kept)  # a source is read, not used up
    assert np.array_equal(one.field, two.field)
    assert np.array_equal(one.state()["amplitudes"], two.state()["amplitudes"])
    expected = reference(shape, sources, 0.7, 2.5, 0.5)
    assert_allclose(one.field, expected, rtol=0, atol=tolerance * expected.max())
    assert one.maximum == pytest.approx(one.field.max())


@pytest.mark.parametrize("shape", SHAPES)
def test_a_restart_knows_all(shape: tuple[int, int]) -> None:
    """Not a bit is left in the padding of panels, nor in what steps share as room to work in."""
    rng = np.random.default_rng(7)
    one, two, other = (Spectral(shape, 1.0, ["reflecting"] * 2, 2.5, 0.0, 0.5) for _ in range(3))
    for step in range(4):
        one.advance(rng.random(shape, np.float32))
        other.advance(np.full(shape, 1e9, np.float32))
        two.restore(one.state())
        assert np.array_equal(two.field, one.field), step
    source = rng.random(shape, np.float32)
    one.advance(source)
    two.advance(source)
    assert np.array_equal(two.field, one.field)


@pytest.mark.parametrize("boundary", ["reflecting", "periodic", "absorbing"])
@pytest.mark.parametrize("n", [4, 20])
def test_what_neither_spreads_nor_decays_piles_up(n: int, boundary: str) -> None:
    op = Spectral((n, n), 10.0, [boundary] * 2, 0.0, 0.0, 0.5)
    source = np.zeros((n, n), np.float32)
    source[1, 2] = 3.0
    op.advance(source)
    op.advance(source)
    assert_allclose(op.field, source, rtol=0, atol=1e-5)


def test_shares_are_finished_when_one_fails() -> None:
    """Ctrl-C arrives while others still write: what they write to must not be used before they are done."""
    done = []

    def task(first: int, last: int) -> None:
        if first == 0:
            raise KeyboardInterrupt
        time.sleep(0.05)
        done.append(first)

    with pytest.raises(KeyboardInterrupt):
        in_shares(task, 4, 4)
    assert sorted(done) == [1, 2, 3]


def test_undershoot_is_that_of_the_field_before_clipping() -> None:
    shape = (20, 48)
    op = Spectral(shape, 1.0, ["reflecting"] * 2, 0.05, 0.1, 0.5)
    start = np.zeros(shape)
    start[3, 4] = start[19, 47] = 1.0
    op.fill(start)
    amplitudes = fft.dctn(start) / (4 * start.size)
    raw = fft.idctn(amplitudes * 4 * start.size)
    assert op.field.min() == 0.0
    assert abs(op.undershoot - max(0.0, -raw.min()) / raw.max()) < 1e-6
    assert op.maximum == pytest.approx(1.0, abs=1e-6)


def test_lengths() -> None:
    assert [n for n in range(1, 31) if suits(n)] == [1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 16, 18, 20, 24, 25, 27, 30]
    assert sorted(radices(1000)) == [5, 5, 5, 8]


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 8, 40, 64, 90, 125, 1000])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-6), (np.float64, 1e-14)])
def test_fourier(n: int, dtype: Any, tolerance: float) -> None:
    rng, width = np.random.default_rng(n), 64 // np.dtype(dtype).itemsize
    z = rng.normal(size=(n, width)) + 1j * rng.normal(size=(n, width))
    rows = [aligned((n * width,), dtype) for _ in range(4)]
    rows[0][:], rows[1][:] = z.real.ravel(), z.imag.ravel()
    kinds, factors = passes(n, dtype)
    fourier(n, width, kinds, factors, *rows)
    real, imaginary = rows[:2] if kinds.size % 2 == 0 else rows[2:]
    expected = np.fft.fft(z, axis=0)
    assert np.abs(real + 1j * imaginary - expected.ravel()).max() < tolerance * np.abs(expected).max()


@kernel
def _turned(source, target, n):  # type: ignore[no-untyped-def]
    turn(source, 1, n + 3, target, 2, n)


@kernel
def _extremes(a, b, out, n):  # type: ignore[no-untyped-def]
    store(out, 0, lesser(load(a, 0), load(b, 0)))
    store(out, n, greater(load(a, 0), a.dtype.type(0.0)))


@pytest.mark.parametrize(("dtype", "n"), [(np.float32, 16), (np.float64, 8)])
def test_lanes(dtype: Any, n: int) -> None:
    source = np.arange(n * (n + 4), dtype=dtype)
    target = np.zeros(n * n + 2, dtype)
    _turned(source, target, n)
    square = source[1 : 1 + n * (n + 3)].reshape(n, n + 3)[:, :n]
    assert np.array_equal(target[2:].reshape(n, n), square.T)
    a, b = np.linspace(-1.0, 1.0, n).astype(dtype), np.linspace(0.5, -0.5, n).astype(dtype)
    a[1] = np.nan
    out = np.zeros(2 * n, dtype)
    _extremes(a, b, out, n)
    keep = np.arange(n) != 1
    assert np.array_equal(out[:n][keep], np.minimum(a, b)[keep])
    assert np.array_equal(out[n:][keep], np.maximum(a, 0.0)[keep])
    assert np.isnan(out[[1, n + 1]]).all()
