"""What the tissues of an individual can do, and what is measured on the individual as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from sim.rules.functions import function_after, function_at_rest
from sim.rules.induction import hill
from sim.scenario.function import DRIVERS, Influence, Outcome
from sim.scenario.schema import Settings
from sim.tissue.keeping import CodeMap, State
from sim.tissue.patch import Patch

Drivers = tuple[tuple[str, Influence], ...]  # read-outs, and what each does
Look = Callable[[Patch, str], float]  # a read-out of a tissue by its name, see `sim.observe.read_out`


class Faculty(NamedTuple):
    """One function of one tissue."""

    tissue: str
    name: str
    rest: float
    recovery: float  # [1/d]
    gains: Drivers  # what builds it up
    losses: Drivers  # what erodes it


class Rates(NamedTuple):
    """What acts on one function now."""

    gain: float  # [1/d]
    loss: float  # [1/d]


class Functions:
    """The functions of all tissues. They start at rest, with the burden and the factors of before the first event.

    Parameters
    ----------
    settings : Settings
    patches : dict of Patch
        All tissues.
    look : callable
        Reads a driver.

    Attributes
    ----------
    levels : dict of float
        Where each function is, between 0 and 1, by ``TISSUE.FUNCTION``.
    """

    def __init__(self, settings: Settings, patches: Mapping[str, Patch], look: Look) -> None:
        self._dt, self._patches, self._look = settings.dt, patches, look
        self._outcomes = settings.outcomes
        self._faculties = {
            f"{tissue}.{name}": Faculty(
                tissue, name, each.rest, each.recovery, _drivers(each.gains, settings), _drivers(each.losses, settings)
            )
            for tissue, about in settings.tissues.items()
            for name, each in about.functions.items()
        }
        self.levels: dict[str, float] = {}
        self._settle()

    def __bool__(self) -> bool:
        return bool(self._faculties)

    def advance(self) -> None:
        """One step with the drivers of now."""
        rates = self._rates()
        for key, each in self._faculties.items():
            self.levels[key] = function_after(self.levels[key], each.rest, each.recovery, *rates[key], self._dt)

    def _settle(self) -> None:
        """Those that have no level yet are at rest with the drivers of now."""
        rates = self._rates()
        for key, each in self._faculties.items():
            self.levels.setdefault(key, function_at_rest(each.rest, each.recovery, *rates[key]))

    def _rates(self) -> dict[str, Rates]:
        """What builds up and erodes every function; a driver is read once."""
        wanted = dict.fromkeys(
            (each.tissue, driver) for each in self._faculties.values() for driver, _ in (*each.gains, *each.losses)
        )
        seen = {(tissue, driver): self._look(self._patches[tissue], driver) for tissue, driver in wanted}

        def summed(each: Faculty, drivers: Drivers) -> float:
            return sum(hill(seen[each.tissue, name], by.max_rate, by.half_max, by.power) for name, by in drivers)

        return {
            key: Rates(summed(each, each.gains), summed(each, each.losses)) for key, each in self._faculties.items()
        }

    # -------------------------------------------------------------------------------------------------- questions

    def columns(self, tissue: str) -> dict[str, float]:
        """Functions of one tissue, as columns of its rows."""
        return {
            f"function_{each.name}": self.levels[key] for key, each in self._faculties.items() if each.tissue == tissue
        }

    def outcomes(self) -> dict[str, float]:
        """What is measured on the individual, each in its own unit."""
        return {name: outcome_of(outcome, self.levels) for name, outcome in self._outcomes.items()}

    # ------------------------------------------------------------------------------------------------ checkpoints

    def state(self) -> State:
        """The levels by name."""
        return {"name": np.array([*self.levels], str), "level": np.array([*self.levels.values()], np.float64)}

    def restore(self, state: State, codes: CodeMap) -> None:
        """Continue from `state`, bit for bit; functions that it does not know are at rest with the drivers of now."""
        kept = dict(zip(state["name"].tolist(), state["level"].tolist(), strict=True)) if state else {}
        self.levels = {key: kept[key] for key in self._faculties if key in kept}
        self._settle()


def _drivers(influences: Mapping[str, Influence], settings: Settings) -> Drivers:
    """Read-outs with what they do; a factor that this arm does not have does nothing."""
    return tuple(
        (driver if driver in DRIVERS else f"mean_{driver}", by)
        for driver, by in influences.items()
        if driver in DRIVERS or driver in settings.factors
    )


def outcome_of(outcome: Outcome, levels: Mapping[str, float]) -> float:
    """Weighted mean of functions (of a deficit: of what they lack), in the unit of the outcome."""
    whole = sum(outcome.weights.values())
    share = sum(weight * levels[key] for key, weight in outcome.weights.items()) / whole
    return outcome.scale * (1.0 - share if outcome.deficit else share)
