"""Points drawn from ranges: how a value lies in its range, and the methods that fill the unit cube."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from sim.scenario.quantity import unit_size
from sim.scenario.section import Section, param

MOST_POINTS = 10**5  # all of them are validated before the first run
DIGITS = 12  # of a sampled value: the last bits of log and exp differ from machine to machine
_QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*")


def number_and_unit(value: Any) -> tuple[float, str]:
    """``(0.3, "1/h")`` of ``"0.3 1/h"``; a plain number has no unit."""
    match = None if isinstance(value, bool) else _QUANTITY.fullmatch(str(value))
    if match is None or not math.isfinite(float(match[1])):
        raise ValueError(f"must be a finite number, alone or with its unit, got {value!r}")
    try:
        unit_size(match[2] or "1")
    except KeyError as unknown:
        raise ValueError(f"must have a known unit, got {value!r}: unknown unit {unknown}") from None
    return float(match[1]), match[2]


class Range(Section):
    """Where the values of one key are drawn from."""

    low: Any = param(..., "least value, alone or with its unit")
    high: Any = param(..., "largest value, in the same unit")
    scale: Literal["linear", "log"] = param("linear", "linear: even in the value; log: even in its logarithm")

    @field_validator("low", "high", mode="after")
    @classmethod
    def _a_quantity(cls, value: Any) -> Any:
        number_and_unit(value)
        return value

    @model_validator(mode="after")
    def _in_order(self) -> Range:
        (low, unit), (high, other) = number_and_unit(self.low), number_and_unit(self.high)
        if unit != other:
            raise ValueError(f"must have low and high in the same unit, got {self.low!r} and {self.high!r}")
        if not low < high:
            raise ValueError(f"must have low below high, got {self.low!r} and {self.high!r}")
        if self.scale == "log" and low <= 0:
            raise ValueError(f"must have low above 0 on a log scale, got {self.low!r}")
        return self

    def at(self, share: float) -> float | str:
        """The value at a share (0 to 1) of the way from low to high, written with the unit of the range."""
        (low, unit), (high, _) = number_and_unit(self.low), number_and_unit(self.high)
        if self.scale == "log":
            value = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
        else:
            value = low + share * (high - low)
        text = f"{min(max(value, low), high):.{DIGITS}g}"
        return f"{text} {unit}" if unit else float(text)

    def shares_of(self, values: Iterable[Any]) -> list[float]:
        """How far from low to high each of the values lies: the inverse of `at`."""
        low, high = (number_and_unit(each)[0] for each in (self.low, self.high))
        numbers = (number_and_unit(value)[0] for value in values)
        if self.scale == "log":
            return [math.log(number / low) / math.log(high / low) for number in numbers]
        return [(number - low) / (high - low) for number in numbers]

    def in_words(self) -> str:
        """``30 to 400 um, log``."""
        (low, unit), (high, _) = number_and_unit(self.low), number_and_unit(self.high)
        ends = f"{low:g} to {high:g} {unit}".rstrip()
        return f"{ends}, log" if self.scale == "log" else ends


class Sampled(Section):
    """Points that are drawn from ranges."""

    seed: int = param(0, "key of the random numbers of the design", unit="1", low=0, high=2**63)
    ranges: Annotated[dict[str, Range], Field(min_length=1)] = param(..., "range by dotted path")

    @property
    def size(self) -> int:
        """The number of points."""
        raise NotImplementedError

    def shares(self) -> Any:
        """The points in the unit cube, an array of size x number of ranges."""
        raise NotImplementedError

    def values(self) -> Iterator[dict[str, Any]]:
        """The points as values by dotted path, in their order."""
        for shares in self.shares().tolist():
            yield {key: limits.at(share) for (key, limits), share in zip(self.ranges.items(), shares, strict=True)}

    def _random(self) -> Any:
        import numpy as np

        return np.random.default_rng(self.seed)


class LatinHypercube(Sampled):
    """`n` points; of `n` equal parts of every range, each holds exactly one."""

    n: int = param(..., "number of points", unit="1", low=1, high=MOST_POINTS)

    @property
    def size(self) -> int:
        """The number of points."""
        return self.n

    def shares(self) -> Any:
        """The points in the unit cube."""
        from scipy.stats import qmc

        return qmc.LatinHypercube(len(self.ranges), scramble=True, seed=self._random()).random(self.n)


def _power_of_two(value: int) -> int:
    if value & (value - 1):
        raise ValueError(f"must be a power of two, got {value}")
    return value


class Sobol(LatinHypercube):
    """`n` points of a scrambled Sobol sequence, which balances only in powers of two."""

    _balanced = field_validator("n", mode="after")(_power_of_two)

    def shares(self) -> Any:
        """The points in the unit cube."""
        from scipy.stats import qmc

        return qmc.Sobol(len(self.ranges), scramble=True, seed=self._random()).random(self.n)


class BySALib(Sampled):
    """A design for sensitivity analysis: blocks of points that stay together, drawn by SALib (the extra `analysis`)."""

    @property
    def block(self) -> int:
        """Points of a block, one after the other."""
        raise NotImplementedError

    @property
    def blocks(self) -> int:
        """The number of blocks."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """The number of points."""
        return self.blocks * self.block

    def _problem(self) -> dict[str, Any]:
        d = len(self.ranges)
        return {"num_vars": d, "names": list(self.ranges), "bounds": [[0.0, 1.0]] * d}


class Morris(BySALib):
    """Walks on a grid that change one parameter at a time: cheap, tells which parameters matter at all.

    Source: Morris (1991), Technometrics 33:161, doi 10.1080/00401706.1991.10484804.
    """

    trajectories: int = param(..., "number of walks; each is one point more than there are ranges", unit="1", low=2,
                              high=MOST_POINTS)  # fmt: skip
    levels: int = param(4, "places of the grid along each range, both ends among them", unit="1", low=2, high=1000)

    @field_validator("levels", mode="after")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError(f"must be even, got {value}")
        return value

    @property
    def block(self) -> int:
        """Points of a walk."""
        return len(self.ranges) + 1

    @property
    def blocks(self) -> int:
        """The number of walks."""
        return self.trajectories

    def shares(self) -> Any:
        """The points in the unit cube."""
        from SALib.sample.morris import sample

        return sample(self._problem(), self.trajectories, num_levels=self.levels, seed=self._random())


class Saltelli(BySALib):
    """Two Sobol points A and B in each of `n` blocks, and A with one coordinate of B (and B with one of A) each.

    Source: Saltelli et al. (2010), Comput Phys Commun 181:259, doi 10.1016/j.cpc.2009.09.018; second order: Saltelli
    (2002), Comput Phys Commun 145:280, doi 10.1016/S0010-4655(02)00280-1.
    """

    n: int = param(..., "number of blocks, a power of two", unit="1", low=2, high=MOST_POINTS)
    second_order: bool = param(True, "pairs of parameters too: 2 d + 2 points a block instead of d + 2")

    _balanced = field_validator("n", mode="after")(_power_of_two)

    @property
    def block(self) -> int:
        """Points of a block: A, A with one of B each, then B with one of A each, B."""
        return (2 if self.second_order else 1) * len(self.ranges) + 2

    @property
    def blocks(self) -> int:
        """The number of blocks."""
        return self.n

    def shares(self) -> Any:
        """The points in the unit cube."""
        from SALib.sample.sobol import sample

        return sample(self._problem(), self.n, calc_second_order=self.second_order, seed=self._random())
