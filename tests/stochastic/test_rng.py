"""Numbers with an address: the published generator, the same bits by every door, uniform and independent."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from sim import rng
from sim.errors import ScenarioError
from sim.rng import Purpose, Stream

exact = settings(deadline=None, derandomize=True)  # the first example compiles; the same examples every time
words = st.integers(0, 2**32 - 1)
seeds = st.integers(0, 2**64 - 1)
bytes_ = st.integers(0, 255)
streams = st.builds(Stream, seed=seeds, tissue=st.integers(0, 2**16 - 1), replicate=words)


# -- the slow, obvious twin ----------------------------------------------------------------------------------


def twin_philox(counter: list[int], key: list[int]) -> tuple[int, ...]:
    """Philox 4x32-10 as the paper writes it, on Python's whole numbers."""
    (a, b, c, d), (x, y) = counter, key
    for _ in range(10):
        high_a, low_a = divmod(0xD2511F53 * a, 2**32)
        high_c, low_c = divmod(0xCD9E8D57 * c, 2**32)
        a, b, c, d = high_c ^ b ^ x, low_c, high_a ^ d ^ y, low_a
        x, y = (x + 0x9E3779B9) % 2**32, (y + 0xBB67AE85) % 2**32
    return a, b, c, d


def twin_uniform(stream: Stream, purpose: int, step: int, site: int, draw: int) -> float:
    """The uniform of an address as MODEL.md section 3 writes it."""
    c2 = stream.tissue * 2**16 + purpose * 2**8 + draw
    w = twin_philox([site, step, c2, stream.replicate], [stream.seed % 2**32, stream.seed // 2**32])
    return ((w[0] >> 5) * 2**26 + (w[1] >> 6)) / 2**53


@pytest.mark.parametrize(
    ("counter", "key", "output"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_published_known_answers(counter: str, key: str, output: str) -> None:
    c, k, expected = ([int(word, 16) for word in text.split()] for text in (counter, key, output))
    assert list(rng.philox(*c, *k)) == expected
    assert list(twin_philox(c, k)) == expected


@exact
@given(counter=st.lists(words, min_size=4, max_size=4), key=st.lists(words, min_size=2, max_size=2))
def test_generator_equals_its_twin(counter: list[int], key: list[int]) -> None:
    assert list(rng.philox(*counter, *key)) == list(twin_philox(counter, key))


# -- addresses: every door gives the same bits ---------------------------------------------------------------


def filled(stream: Stream, purpose: int, step: int, first: int, n: int, draw: int = 0) -> NDArray[np.float64]:
    return stream.uniforms(purpose, step, np.arange(first, first + n, dtype=np.int64), draw)


@exact
@given(stream=streams, purpose=bytes_, draw=bytes_, step=words, site=words)
def test_uniform_is_the_address_of_the_specification(
    stream: Stream, purpose: int, draw: int, step: int, site: int
) -> None:
    expected = twin_uniform(stream, purpose, step, site, draw)
    assert stream.uniform(purpose, step, site, draw) == expected
    assert filled(stream, purpose, step, site, 1, draw).tolist() == [expected]


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 63, 1000])  # whole vectors and what is left over
@pytest.mark.parametrize("first", [0, 5, 2**31 - 4, 2**32 - 1000])
def test_fills_and_gathers_equal_scalars(first: int, n: int) -> None:
    stream = Stream(seed=2**63 + 12345, tissue=rng.tissue_code("skin"), replicate=3)
    sites: NDArray[np.int64] = first + np.arange(n, dtype=np.int64)
    scalars = [stream.uniform(Purpose.SCAR, 17, int(site), 2) for site in sites]
    w0 = np.zeros(n, dtype=np.uint32)
    rng.fill_words(first, 17, stream.c2(Purpose.SCAR, 2), 3, stream.k0, stream.k1, w0)

    assert stream.uniforms(Purpose.SCAR, 17, sites, 2).tolist() == scalars
    assert stream.uniforms(Purpose.SCAR, 17, sites[::-1], 2).tolist() == scalars[::-1]
    assert (w0 >> 5).tolist() == [int(u * 2**27) for u in scalars]


def test_a_fill_in_pieces_is_the_fill_in_one() -> None:
    whole, pieces = np.zeros((2, 1001), np.uint32)
    rng.fill_words(100, 4, 5, 3, 1, 2, whole)
    for at, n in ((0, 13), (13, 500), (513, 488)):
        rng.fill_words(100 + at, 4, 5, 3, 1, 2, pieces[at : at + n])
    assert np.array_equal(whole, pieces)


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int32, np.uint32, np.int64, np.uint64])
def test_sites_of_any_integer_type_and_shape(dtype: type) -> None:
    stream = Stream(9, 9, 9)
    expected = filled(stream, Purpose.INITIAL, 0, 0, 120).reshape(4, 30)
    sites: NDArray[np.integer[Any]] = np.arange(120).astype(dtype).reshape(4, 30)
    assert np.array_equal(stream.uniforms(Purpose.INITIAL, 0, sites), expected)
    assert np.array_equal(stream.uniforms(Purpose.INITIAL, 0, sites.T), expected.T)
    assert stream.uniform(Purpose.INITIAL, 0, sites[1, 7]) == expected[1, 7]


def test_numpy_scalars_are_the_same_address_as_integers() -> None:
    stream = Stream(np.uint64(2**64 - 1), np.uint16(65535), np.uint32(2**32 - 1))  # type: ignore[arg-type]
    plain = Stream(2**64 - 1, 65535, 2**32 - 1)
    address = (np.uint32(2**32 - 1), np.int64(2**32 - 1))
    assert stream.uniform(Purpose.EVENT, *address) == plain.uniform(Purpose.EVENT, 2**32 - 1, 2**32 - 1)  # type: ignore[arg-type]
    assert stream.k0 == stream.k1 == 2**32 - 1


def test_values_of_purposes_never_change() -> None:
    names = (
        "DECIDE MOTHER SCAR SENDER CONTACT REFRACTORY CELL_TYPE INITIAL PACKING EVENT RESAMPLE "
        "PATROL RECRUIT FLUCTUATION DEATH TRAIT OWN"
    )
    assert {purpose.name: purpose.value for purpose in Purpose} == {n: i for i, n in enumerate(names.split())}


def test_no_address_leaks_into_another() -> None:
    stream = Stream(0, 0xABCD, 0)
    assert stream.c2(Purpose.EVENT, 255) == 0xABCD09FF
    assert {replace(stream, tissue=t).c2(p, d) for t in (0, 65535) for p in (0, 255) for d in (0, 255)} == {
        0, 0xFF, 0xFF00, 0xFFFF, 0xFFFF0000, 0xFFFF00FF, 0xFFFFFF00, 0xFFFFFFFF,
    }  # fmt: skip


# -- what is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "values"),
    [("seed", [-1, 2**64, 1.0, "7", None]), ("replicate", [-1, 2**32, 0.5])],
)
def test_seed_and_replicate_out_of_range_are_errors_of_the_scenario(field: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(ScenarioError, match=f"^{field} must be a whole number from 0 to [0-9]+, got "):
            replace(Stream(0, 0, 0), **{field: value})


@pytest.mark.parametrize(
    ("word", "call"),
    [
        ("tissue", lambda s: Stream(0, 65536, 0)),
        ("purpose", lambda s: s.uniform(256, 0, 0)),
        ("draw", lambda s: s.uniform(0, 0, 0, 256)),
        ("step", lambda s: s.uniform(0, -1, 0)),
        ("step", lambda s: s.uniforms(0, 2**32, [0])),
        ("site", lambda s: s.uniform(0, 0, 2**32)),
        ("site", lambda s: s.uniform(0, 0, 1.0)),
        ("site", lambda s: s.uniforms(0, 0, [3, -1])),
        ("site", lambda s: s.uniforms(0, 0, np.array([0, 2**32]))),
        ("sites", lambda s: s.uniforms(0, 0, [0.0, 1.0])),
    ],
)
def test_addresses_out_of_range_are_refused(word: str, call: Callable[[Stream], object]) -> None:
    with pytest.raises(ValueError, match=f"^{word} must be "):
        call(Stream(0, 0, 0))


# -- tissues -------------------------------------------------------------------------------------------------


def test_tissue_codes_never_change() -> None:
    golden = {"skin": 61784, "muscle": 59973, "body": 2950, "β": 10322}  # from `sha256sum`
    assert rng.tissue_codes(golden) == golden


def test_the_body_has_a_code_that_no_tissue_has() -> None:
    assert all(rng.BODY < rng.tissue_code(f"tissue {i}") < 2**16 for i in range(5000))


def test_tissues_that_would_share_their_luck_are_refused() -> None:
    seen: dict[int, str] = {}
    for name in (f"tissue {i}" for i in itertools.count()):  # birthdays: some 300 names suffice
        other = seen.setdefault(rng.tissue_code(name), name)
        if other != name:
            break
    with pytest.raises(ScenarioError, match=f"'{other}' and '{name}'"):
        rng.tissue_codes(["skin", other, "muscle", name])
    assert set(rng.tissue_codes([name, "skin", name])) == {name, "skin"}  # the same tissue twice is no clash


# -- words to numbers, and the screen ------------------------------------------------------------------------

ONES = 2**32 - 1


@pytest.mark.parametrize(
    ("w0", "w1", "u"),
    [
        (0, 0, 0.0),
        (31, 63, 0.0),
        (0, 64, 2.0**-53),
        (32, 0, 2.0**-27),
        (2**31, 0, 0.5),
        (ONES, ONES, 1 - 2.0**-53),
    ],
)
def test_extremes_and_resolution(w0: int, w1: int, u: float) -> None:
    assert rng.unit_interval(w0, w1) == u


near_multiples = st.builds(
    lambda k, ulps: float(max(0.0, k * 2.0**-27 + ulps * np.spacing(k * 2.0**-27))),
    st.integers(0, 2**27),
    st.integers(-3, 3),
)


@exact
@given(p=near_multiples | st.floats(0, 1.5) | st.floats(0, 1e-6), w0=words, w1=words)
@example(p=0.0, w0=0, w1=0)
@example(p=5e-324, w0=31, w1=0)
@example(p=2.0**-27, w0=32, w1=0)
@example(p=1 - 2.0**-53, w0=ONES, w1=ONES)
@example(p=1.0, w0=ONES, w1=ONES)
def test_screen_never_skips_an_event(p: float, w0: int, w1: int) -> None:
    threshold = rng.screen_threshold(p)
    assert 0 <= threshold <= ONES
    assert w0 <= threshold or rng.unit_interval(w0, w1) >= p
    assert threshold == ONES or rng.unit_interval(threshold + 1, 0) >= p  # the worst word above the threshold
    assert p == 0 or rng.unit_interval(threshold, 0) < p  # no lower threshold would do


@pytest.mark.parametrize("p", [1.0, 1.5, np.inf, np.nan])
def test_screen_skips_nothing_where_the_bound_says_nothing(p: float) -> None:
    assert rng.screen_threshold(p) == ONES


@pytest.mark.parametrize("p", [0.0, 1e-6, 1e-3, 0.3])
def test_screened_sites_are_those_without_event(p: float) -> None:
    stream, n = Stream(5, 6, 7), 100_000
    w0 = np.empty(n, dtype=np.uint32)
    rng.fill_words(0, 1, stream.c2(Purpose.DECIDE), 7, stream.k0, stream.k1, w0)
    u = filled(stream, Purpose.DECIDE, 1, 0, n)
    second_look = w0 <= rng.screen_threshold(p)
    assert not np.any(u[~second_look] < p)
    assert second_look.sum() - (u < p).sum() <= 1  # at most 2^-27 of the sites in vain: 7e-4 expected


# -- uniform and independent ---------------------------------------------------------------------------------
# One budget: were the numbers truly random, the chance that any of these checks fails would be 1e-6 (and
# the seeds are fixed: a check fails today or never).

N = 200_000
BASE = Stream(seed=20240607, tissue=rng.tissue_code("skin"), replicate=5)
SITES = 2 * np.arange(N)  # every other site, so that a site and its neighbour make disjoint pairs


def block(
    stream: Stream = BASE, purpose: int = Purpose.DECIDE, step: int = 40, shift: int = 0, draw: int = 0
) -> NDArray[np.float64]:
    return stream.uniforms(purpose, step, SITES + shift, draw)


NEIGHBOURS: dict[str, Callable[[], NDArray[np.float64]]] = {
    "site": lambda: block(shift=1),
    "step": lambda: block(step=41),
    "purpose": lambda: block(purpose=Purpose.MOTHER),
    "draw": lambda: block(draw=1),
    "replicate": lambda: block(replace(BASE, replicate=BASE.replicate + 1)),
    "tissue": lambda: block(replace(BASE, tissue=BASE.tissue + 1)),
    "seed": lambda: block(replace(BASE, seed=BASE.seed + 1)),
    "seed_high": lambda: block(replace(BASE, seed=BASE.seed + 2**32)),
}


def p_kolmogorov(u: NDArray[np.float64]) -> float:
    return float(stats.kstest(u, "uniform", method="asymp").pvalue)


def p_bins(cells: NDArray[np.int64], n_cells: int) -> float:
    return float(stats.chisquare(np.bincount(cells, minlength=n_cells)).pvalue)


def p_bits(u: NDArray[np.float64]) -> float:
    """All 53 bits are fair: the sum of 53 squared standard scores."""
    whole = (u * 2.0**53).astype(np.int64)
    scores = [(2 * np.count_nonzero(whole >> bit & 1) - u.size) / u.size**0.5 for bit in range(53)]
    return float(stats.chi2.sf(np.sum(np.square(scores)), 53))


def p_correlation(u: NDArray[np.float64], v: NDArray[np.float64]) -> float:
    return float(2 * stats.norm.sf(abs(np.corrcoef(u, v)[0, 1]) * u.size**0.5))


def p_pairs(u: NDArray[np.float64], v: NDArray[np.float64]) -> float:
    """The unit square is filled evenly: 32 x 32 cells."""
    return p_bins((u * 32).astype(np.int64) * 32 + (v * 32).astype(np.int64), 1024)


def along_steps() -> NDArray[np.float64]:
    return np.array([BASE.uniform(Purpose.DECIDE, step, 77) for step in range(20_000)])


CHECKS: dict[str, Callable[[], float]] = {
    "kolmogorov_sites": lambda: p_kolmogorov(block()),
    "kolmogorov_steps": lambda: p_kolmogorov(along_steps()),
    "high_bits": lambda: p_bins((block() * 4096).astype(np.int64), 4096),
    "low_bits": lambda: p_bins((block() * 2.0**53).astype(np.int64) % 4096, 4096),
    "fair_bits": lambda: p_bits(block()),
    "correlation_steps": lambda: p_correlation(along_steps()[:-1], along_steps()[1:]),
}
for _name, _neighbour in NEIGHBOURS.items():
    CHECKS[f"correlation_{_name}"] = lambda other=_neighbour: p_correlation(block(), other())  # type: ignore[misc]
    CHECKS[f"pairs_{_name}"] = lambda other=_neighbour: p_pairs(block(), other())  # type: ignore[misc]

BUDGET = 1e-6


@pytest.mark.parametrize("check", CHECKS)
def test_uniform_and_independent(check: str) -> None:
    assert CHECKS[check]() > BUDGET / len(CHECKS)


def test_the_checks_see_what_they_should() -> None:
    u = block()
    partly_shared = np.where(np.arange(N) % 20 == 0, u, block(step=41))
    flawed = {
        "one part in fifty missing": p_kolmogorov(u * 0.98),
        "32 bits only": p_bits(np.floor(u * 2.0**32) * 2.0**-32),
        "shared luck of one pair in twenty": p_correlation(u, partly_shared),
        "a lattice of pairs": p_pairs(u, u * 2 % 1),
    }
    assert all(p < BUDGET / len(CHECKS) for p in flawed.values()), flawed


def test_a_number_and_a_point_of_the_disc() -> None:
    """Uniform and independent: the number, the square of the radius and the angle."""
    address = 9 << 16, 3, 12, 34
    table = np.array([rng.chance_and_way(serial, turn, *address) for serial in range(40) for turn in range(100)])
    u, x, y = table.T
    angle, square = np.arctan2(y, x) / (2 * np.pi) + 0.5, x * x + y * y
    for column in (u, angle, square):
        assert stats.kstest(column, stats.uniform(0, 1).cdf).pvalue > 1e-4
    assert np.abs(np.corrcoef([u, angle, square])[np.triu_indices(3, 1)]).max() < 4 / np.sqrt(u.size)
