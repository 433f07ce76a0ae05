"""Random numbers with an address: a number depends on who asks, when and what for, never on who asked before.

Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) turns a counter of four
32-bit words and a key of two into four random words, without any state. The key is the seed, the counter is
the address::

    c0 = site (or a patrol's serial)     c2 = tissue (16 bit) << 16 | purpose (8 bit) << 8 | draw (8 bit)
    c1 = step (or the code of a name)    c3 = replicate

The arm is not in the address, so arms share their luck until a treatment acts. Any number of threads, in any
order and after any restart, draws the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.compiling import inlined, kernel
from sim.errors import ScenarioError

Integer: TypeAlias = int | np.integer[Any]
Words: TypeAlias = tuple[np.uint64, np.uint64, np.uint64, np.uint64]

OTHER_CAUSES = 1  # draw of `Purpose.DEATH` for deaths that have nothing to do with senescent cells
BODY = 0  # tissue code of the body itself; named tissues have 1 to 65535


class Purpose(IntEnum):
    """What a number is for. These values are part of every address: fixed forever, add only at the end."""

    DECIDE = 0  # whether anything happens to a site in a step, and by which cause
    MOTHER = 1  # which healthy neighbour divides into a vacant site
    SCAR = 2  # whether a vacant site is lost for good
    SENDER = 3  # which senescent cell turned this one
    CONTACT = 4  # whether a neighbour turns at once with a cell
    REFRACTORY = 5  # whether a cell evades killing
    CELL_TYPE = 6
    INITIAL = 7  # the state on day 0
    PACKING = 8  # where the cells of a generated cloud lie
    EVENT = 9  # grafts, wounds, irradiation
    RESAMPLE = 10  # which replicates an analysis draws again
    PATROL = 11  # where a patrol turns, whether it kills; address: its serial and its own count of turns
    RECRUIT = 12  # when and where a patrol enters, how long it lives; address: its serial
    FLUCTUATION = 13  # of the body from day to day
    DEATH = 14  # whether the individual dies in a step
    TRAIT = 15  # how an individual differs from others; draw: which trait
    OWN = 16  # whether a rule of a user's own acts on a site in a step


# A 32-bit word lives in the low half of a uint64. The high half may hold rubbish: only what enters a product
# and what is returned is masked. So LLVM sees one 32 x 32 -> 64 product, one shift and two xors per word, and
# vectorises loops over sites (integers only, so the bits are the same at any width). Inlining must be forced:
# ten rounds are above LLVM's limit, and a call inside a loop forbids vectors (13 ns per word instead of 1.4).
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)  # golden ratio - 1
_WEYL_1 = np.uint64(0xBB67AE85)  # sqrt(3) - 1
_ROUNDS = 10


@inlined
def philox(c0: Integer, c1: Integer, c2: Integer, c3: Integer, k0: Integer, k1: Integer) -> Words:
    """Four 32-bit words from counter (c0, c1, c2, c3) and key (k0, k1), of which the low 32 bits count."""
    a, b, c, d = np.uint64(c0), np.uint64(c1), np.uint64(c2), np.uint64(c3)
    x, y = np.uint64(k0), np.uint64(k1)
    for _ in range(_ROUNDS):
        p = _MULTIPLIER_0 * (a & _LOW)
        q = _MULTIPLIER_1 * (c & _LOW)
        a, b, c, d = (q >> _HALF) ^ b ^ x, q, (p >> _HALF) ^ d ^ y, p
        x += _WEYL_0
        y += _WEYL_1
    return a & _LOW, b & _LOW, c & _LOW, d & _LOW


@inlined
def unit_interval(w0: Integer, w1: Integer) -> float:
    """The 53-bit number in [0, 1) made of 27 bits of word `w0` and 26 bits of word `w1`."""
    high, low = np.uint64(w0) >> np.uint64(5), np.uint64(w1) >> np.uint64(6)
    return float((high << np.uint64(26)) + low) * 2.0**-53


@inlined
def uniform(site: Integer, step: Integer, c2: Integer, replicate: Integer, k0: Integer, k1: Integer) -> float:
    """The uniform number at one address; `c2`, `k0`, `k1` as `Stream` gives them. Nothing is checked."""
    w0, w1, _, _ = philox(site, step, c2, replicate, k0, k1)
    return unit_interval(w0, w1)


@inlined
def chance_and_way(
    site: Integer, step: Integer, c2: Integer, replicate: Integer, k0: Integer, k1: Integer
) -> tuple[float, float, float]:
    """A number in (0, 1) (24 bits), and a point uniform in the unit disc without its middle (26 bits each).

    The number is made of the low 6 bits of the four words, a point of the rest of two. Of two points the first that
    lies inside is taken; where both lie outside (1 in 22), two others by the next draw of the address (there are 255).
    """
    w0, w1, w2, w3 = philox(site, step, c2, replicate, k0, k1)
    low, six = np.uint64(63), np.uint64(6)
    u = (float((((w0 & low) << six | w1 & low) << six | w2 & low) << six | w3 & low) + 0.5) * 2.0**-24
    draw = np.uint64(c2)
    while True:
        x, y = _centred(w0), _centred(w1)
        if 0.0 < x * x + y * y < 1.0:
            return u, x, y
        x, y = _centred(w2), _centred(w3)
        if 0.0 < x * x + y * y < 1.0:
            return u, x, y
        draw += np.uint64(1)
        w0, w1, w2, w3 = philox(site, step, draw, replicate, k0, k1)


@inlined
def _centred(word: Integer) -> float:
    """A number in [-1, 1) of the high 26 bits of a word."""
    return float(np.uint64(word) >> np.uint64(6)) * 2.0**-25 - 1.0


@kernel
def fill_words(
    first_site: Integer,
    step: Integer,
    c2: Integer,
    replicate: Integer,
    k0: Integer,
    k1: Integer,
    out: NDArray[np.uint32],
) -> None:
    """Fill `out`, a contiguous uint32 buffer, with word 0 only: the cheap screen, see `screen_threshold`."""
    for i in range(out.size):
        out[i] = philox(np.uint64(first_site) + np.uint64(i), step, c2, replicate, k0, k1)[0]


@inlined
def screen_threshold(p_bound: float) -> np.uint32:
    r"""The word above which a site needs no second look.

    Guarantee: ``w0 > threshold`` implies ``u >= p_bound``, whatever the other words, so an event of
    probability ``p <= p_bound`` (it happens if u < p) does not happen. For p_bound > 0 no lower threshold
    guarantees this.

    .. math:: u \ge \lfloor w_0 / 2^5 \rfloor 2^{-27}, \qquad
              \mathrm{threshold} = 2^5 \lceil 2^{27} p_\mathrm{bound} \rceil - 1

    Scaling by a power of two is exact in float64, so no rounding enters.

    Parameters
    ----------
    p_bound : float
        Upper bound of the probability; at 1 or above (and for NaN) no word lies above the threshold.

    Returns
    -------
    uint32
    """
    if p_bound <= 0.0:
        return np.uint32(0)
    if p_bound < 1.0:
        return np.uint32(32 * math.ceil(p_bound * 2.0**27) - 1)
    return np.uint32(0xFFFFFFFF)


@kernel
def _gather_uniforms(
    sites: NDArray[np.uint64],
    step: Integer,
    c2: Integer,
    replicate: Integer,
    k0: Integer,
    k1: Integer,
    out: NDArray[np.float64],
) -> None:
    for i in range(sites.size):
        w0, w1, _, _ = philox(sites[i], step, c2, replicate, k0, k1)
        out[i] = unit_interval(w0, w1)


def name_code(name: str) -> int:
    """Stable 32-bit code of a name, in place of a step: what happens once draws by its name, at any step length."""
    return int.from_bytes(sha256(name.encode()).digest()[:4], "big")


def tissue_code(name: str) -> int:
    """Stable 16-bit code of a tissue's name, 1 to 65535 (Python's own `hash` is salted per process)."""
    return int.from_bytes(sha256(name.encode()).digest()[:8], "big") % 65535 + 1


def tissue_codes(names: Iterable[str]) -> dict[str, int]:
    """The code of each tissue, by name.

    Raises
    ------
    ScenarioError
        If two different names have the same code: they would share their luck.
    """
    codes: dict[str, int] = {}
    owners: dict[int, str] = {}
    for name in names:
        code = tissue_code(name)
        owner = owners.setdefault(code, name)
        if owner != name:
            raise ScenarioError(f"tissues: {owner!r} and {name!r} would share random numbers, rename one")
        codes[name] = code
    return codes


def _require_word(name: str, value: Integer, bits: int, error: type[Exception] = ValueError) -> None:
    """Raise `error` unless `value` is a whole number of at most `bits` bits."""
    if not isinstance(value, (int, np.integer)) or not 0 <= value < 1 << bits:
        raise error(f"{name} must be a whole number from 0 to {(1 << bits) - 1}, got {value!r}")


@dataclass(frozen=True)
class Stream:
    """The random numbers of one tissue in one replicate.

    Parameters
    ----------
    seed : int
        0 to 2^64 - 1.
    tissue : int
        From `tissue_codes`, or `BODY`.
    replicate : int
        0 to 2^32 - 1.

    Raises
    ------
    ScenarioError
        If the seed or the replicate is out of range.
    ValueError
        If the tissue code, or later a step, site, purpose or draw, is out of range.
    """

    seed: int
    tissue: int
    replicate: int

    def __post_init__(self) -> None:
        _require_word("seed", self.seed, 64, ScenarioError)
        _require_word("replicate", self.replicate, 32, ScenarioError)
        _require_word("tissue", self.tissue, 16)

    @property
    def k0(self) -> int:
        """Low word of the seed."""
        return int(self.seed) & 0xFFFFFFFF

    @property
    def k1(self) -> int:
        """High word of the seed."""
        return int(self.seed) >> 32

    def c2(self, purpose: int, draw: int = 0) -> int:
        """Counter word of tissue, purpose and draw (both 0 to 255)."""
        _require_word("purpose", purpose, 8)
        _require_word("draw", draw, 8)
        return int(self.tissue) << 16 | int(purpose) << 8 | int(draw)

    def uniform(self, purpose: int, step: int, site: int, draw: int = 0) -> float:
        """The number in [0, 1) of one site (0 to 2^32 - 1) in one step (0 to 2^32 - 1)."""
        _require_word("step", step, 32)
        _require_word("site", site, 32)
        return uniform(int(site), int(step), self.c2(purpose, draw), int(self.replicate), self.k0, self.k1)

    def uniforms(self, purpose: int, step: int, sites: ArrayLike, draw: int = 0) -> NDArray[np.float64]:
        """The numbers of `sites`, an integer array of any shape; each is the `uniform` of its site."""
        _require_word("step", step, 32)
        asked = np.asarray(sites)
        if asked.dtype.kind not in "iu":
            raise ValueError(f"sites must be whole numbers, got an array of {asked.dtype}")
        if asked.size:
            _require_word("site", asked.min(), 32)
            _require_word("site", asked.max(), 32)
        flat, out = asked.ravel().astype(np.int64, copy=False).view(np.uint64), np.empty(asked.shape, np.float64)
        c2, replicate = self.c2(purpose, draw), int(self.replicate)
        _gather_uniforms(flat, int(step), c2, replicate, self.k0, self.k1, out.reshape(-1))
        return out
