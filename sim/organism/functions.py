"""What the tissues of an individual can do, and what is measured on the individual as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from sim.rules.functions import function_after, function_at_rest
from sim.rules.induction import hill
from sim.scenario.function import DRIVERS, Loss, Outcome
from sim.scenario.schema import Settings
from sim.tissue.keeping import CodeMap, State
from sim.tissue.patch import Patch

Look = Callable[[Patch, str], float]  # a read-out of a tissue by its name, see `sim.observe.read_out`


class Faculty(NamedTuple):
    """One function of one tissue."""

    tissue: str
    name: str
    recovery: float  # [1/d]
    losses: tuple[tuple[str, Loss], ...]  # read-out that drives it, and how


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
        Share of its best at which each function is, by ``TISSUE.FUNCTION``.
    """

    def __init__(self, settings: Settings, patches: Mapping[str, Patch], look: Look) -> None:
        self._dt, self._patches, self._look = settings.dt, patches, look
        self._outcomes = settings.outcomes
        self._faculties = {
            f"{tissue}.{name}": Faculty(tissue, name, each.recovery, _drivers(each.losses, settings))
            for tissue, about in settings.tissues.items()
            for name, each in about.functions.items()
        }
        self.levels: dict[str, float] = {}
        self._settle()

    def __bool__(self) -> bool:
        return bool(self._faculties)

    def advance(self) -> None:
        """One step with the drivers of now."""
        losses = self._losses()
        for key, each in self._faculties.items():
            self.levels[key] = function_after(self.levels[key], each.recovery, losses[key], self._dt)

    def _settle(self) -> None:
        """Those that have no level yet are at rest with the drivers of now."""
        losses = self._losses()
        for key, each in self._faculties.items():
            self.levels.setdefault(key, function_at_rest(each.recovery, losses[key]))

    def _losses(self) -> dict[str, float]:
        """Hazard of loss of every function [1/d]; a driver is read once."""
        wanted = dict.fromkeys((each.tissue, driver) for each in self._faculties.values() for driver, _ in each.losses)
        seen = {(tissue, driver): self._look(self._patches[tissue], driver) for tissue, driver in wanted}
        return {
            key: sum(
                hill(seen[each.tissue, driver], loss.max_rate, loss.half_max, loss.power)
                for driver, loss in each.losses
            )
            for key, each in self._faculties.items()
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


def _drivers(losses: Mapping[str, Loss], settings: Settings) -> tuple[tuple[str, Loss], ...]:
    """Read-outs with what they do; a factor that this arm does not have does nothing."""
    return tuple(
        (driver if driver in DRIVERS else f"mean_{driver}", loss)
        for driver, loss in losses.items()
        if driver in DRIVERS or driver in settings.factors
    )


def outcome_of(outcome: Outcome, levels: Mapping[str, float]) -> float:
    """Weighted mean of functions (of a deficit: of what they lack), in the unit of the outcome."""
    whole = sum(outcome.weights.values())
    share = sum(weight * levels[key] for key, weight in outcome.weights.items()) / whole
    return outcome.scale * (1.0 - share if outcome.deficit else share)
