"""Radial kernels and the well-mixed volume against direct sums and closed forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.capture import KernelCloud, KernelLattice
from sim.errors import ResourceError
from sim.fields import Transport, WellMixed

Array = NDArray[Any]
SPACING = 12.0


def capture(r: Array) -> Array:
    """A steep kernel, infinite at 0: a cell that captured from itself would show."""
    return np.exp(-r / 30.0) / r


def lattice_points(shape: tuple[int, ...]) -> Array:
    return SPACING * np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1).reshape(-1, len(shape))


def sparse_source(shape: tuple[int, ...], seed: int = 3) -> Array:
    rng = np.random.default_rng(seed)
    return rng.random(shape) * (rng.random(shape) < 0.2)


def test_one_source_is_the_kernel_itself() -> None:
    positions = np.array([[0.0, 0.0], [30.0, 40.0], [3.0, 4.0]])
    cloud = KernelCloud(positions, capture)
    cloud.advance(np.array([2.0, 0.0, 0.0]))
    expected = np.array([0.0, 2 * math.exp(-50 / 30) / 50, 2 * math.exp(-5 / 30) / 5])
    np.testing.assert_allclose(cloud.field, expected, rtol=1e-15)


@pytest.mark.parametrize("shape", [(40,), (13, 17), (6, 5, 7), (1, 9)])
def test_fft_equals_direct_sum(shape: tuple[int, ...]) -> None:
    source = sparse_source(shape)
    cloud = KernelCloud(lattice_points(shape), capture)
    lattice = KernelLattice(shape, SPACING, ("reflecting",) * len(shape), capture)
    cloud.advance(source.ravel())
    lattice.advance(source)
    assert np.max(np.abs(lattice.field.ravel() - cloud.field)) < 1e-14 * np.max(cloud.field)


def test_periodic_axis_takes_the_nearest_image() -> None:
    shape, source = (8, 9), sparse_source((8, 9))
    lattice = KernelLattice(shape, SPACING, ("periodic", "absorbing"), capture)
    lattice.advance(source)
    points = lattice_points(shape)
    apart = np.abs(points[:, None] - points)
    apart[..., 0] = np.minimum(apart[..., 0], 8 * SPACING - apart[..., 0])
    r = np.linalg.norm(apart, axis=-1)
    pairs = np.where(r > 0, capture(np.where(r > 0, r, 1.0)), 0.0)
    truth = (pairs @ source.ravel()).reshape(shape)
    assert np.max(np.abs(lattice.field - truth)) < 1e-14 * np.max(truth)


@pytest.mark.parametrize("form", ["cloud", "lattice"])
def test_sources_that_stand_still_are_not_solved_again(form: str) -> None:
    shape = (60,)
    op: KernelCloud | KernelLattice = (
        KernelCloud(lattice_points(shape), capture)
        if form == "cloud"
        else KernelLattice(shape, SPACING, ("reflecting",), capture)
    )
    source = sparse_source(shape)
    for _ in range(5):
        op.advance(source)
    assert op.solves == 1
    source[7] += 1e-12  # the array of the caller, changed in place
    op.advance(source)
    assert op.solves == 2
    op.advance(np.zeros(shape))
    assert op.solves == 3
    assert not op.field.any()


def test_cloud_without_a_source_and_with_too_many_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = KernelCloud(lattice_points((5,)), capture)
    cloud.advance(np.zeros(5))
    assert cloud.solves == 0
    assert cloud.mass() == 0.0
    monkeypatch.setattr("sim.capture.MAX_PAIRS", 10)
    cloud.advance(np.array([1.0, 1.0, 0.0, 0.0, 0.0]))
    with pytest.raises(ResourceError, match="5 free sites needs over 80 bytes"):
        cloud.advance(np.array([1.0, 1.0, 1.0, 0.0, 0.0]))


@pytest.mark.parametrize("shape", [(9,), (6, 7)])
def test_periodic_cloud_equals_the_periodic_lattice(shape: tuple[int, ...]) -> None:
    """Minimum images in both, to rounding."""
    length = SPACING * np.array(shape)

    def around(points: np.ndarray, place: np.ndarray) -> np.ndarray:
        apart = np.abs(points - place)
        return np.linalg.norm(np.minimum(apart, length - apart), axis=1)

    cloud = KernelCloud(lattice_points(shape), capture, around)
    lattice = KernelLattice(shape, SPACING, ("periodic",) * len(shape), capture)
    source = np.random.default_rng(4).random(shape)
    cloud.advance(source.ravel())
    lattice.advance(source)
    np.testing.assert_allclose(cloud.field, lattice.field.ravel(), rtol=1e-12)


@pytest.mark.parametrize("decay", [0.0, 2.5])
def test_well_mixed_equals_closed_form(decay: float) -> None:
    """c(t) = s (1 - exp(-k t)) / (k V) while secreting, then exp(-k t)."""
    room = WellMixed(decay, volume_voxels=400.0, dt=0.01)
    for _ in range(100):
        room.advance(np.array([8.0]))
    risen = 8.0 / 400.0 * (-math.expm1(-decay) / decay if decay else 1.0)
    assert room.field[0] == pytest.approx(risen, rel=1e-13)
    assert room.mass() == pytest.approx(400.0 * risen, rel=1e-13)
    for _ in range(50):
        room.advance(np.zeros(1))
    assert room.field[0] == pytest.approx(risen * math.exp(-decay / 2), rel=1e-13)


def test_well_mixed_changes_its_decay() -> None:
    room = WellMixed(0.0, 2.0, 1.0)
    room.advance(np.array([6.0]))
    room.set_decay(math.log(2.0))
    room.advance(np.zeros(1))
    assert room.field[0] == pytest.approx(1.5, rel=1e-15)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (WellMixed(1.0, 3.0, 0.5), WellMixed(9.0, 3.0, 0.5)),
        (KernelCloud(lattice_points((1,)), capture), KernelCloud(lattice_points((1,)), capture)),
        tuple(KernelLattice((1,), SPACING, ("periodic",), capture) for _ in range(2)),
        tuple(KernelCloud(lattice_points((20,)), capture) for _ in range(2)),
    ],
)
def test_restored_state_goes_on_bit_for_bit(first: Transport, second: Transport) -> None:
    first.advance(sparse_source(first.shape) + 1.0)
    second.restore(first.state())
    assert np.array_equal(second.field, first.field)
    for op in (first, second):
        op.advance(sparse_source(op.shape) + 2.0)
    assert np.array_equal(second.field, first.field)
    assert second.mass() == first.mass()
