"""What a scenario must share with the past that it goes on from: rates may change, what was done stays done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sim.errors import ScenarioError
from sim.scenario.arms import PLACES
from sim.scenario.drug_checks import route_of
from sim.scenario.event import Event
from sim.scenario.schema import Settings
from sim.scenario.section import Section
from sim.schedule import step_of

OF_TISSUES = (*PLACES, "neighbourhood", "depth_axis", "depth", "layers", "arrangement", "initial")
OF_FACTORS = ("transport", "precision", "kernel")
LONGEST = 60  # characters of a value in a message


@dataclass(frozen=True)
class Past:
    """What was done before a checkpoint.

    Attributes
    ----------
    name : str
        What messages call the checkpoint.
    settings : Settings
        Of the arm that it was kept from.
    step : int
        Steps taken.
    happened : tuple of str
        Events so far.
    given : tuple of str
        Treatments of which a dose was given.
    """

    name: str
    settings: Settings
    step: int
    happened: tuple[str, ...]
    given: tuple[str, ...]

    @property
    def day(self) -> float:
        """Time of the checkpoint [d]."""
        return self.step * self.settings.dt

    def check(self, future: Settings) -> None:
        """ScenarioError, ``key: rule, got VALUE``, unless `future` can go on from here."""
        for key, ours, theirs in self._shared(future):
            self._same(key, ours, theirs)
        if future.record.attribution and not self.settings.record.attribution:
            raise ScenarioError(f"record.attribution: must be false as in {self.name}, got true")
        if future.n_steps <= self.step:
            raise ScenarioError(f"days: must be more than the {self.day:g} d of {self.name}, got {future.days:g} d")
        self._check_events(future)
        self._check_treatments(future)

    def odd(self, future: Settings) -> Iterator[str]:
        """What is legal but odd in a `future`, one line each."""
        if future.generations == "tracked" and self.settings.generations != "tracked":
            yield "generations: were not tracked before, so all induced cells of the past count as the first generation"
        for name, treatment in future.treatments.items():
            if name not in self.given and step_of(treatment.start, future.dt) < self.step:
                yield (f"treatments.{name}.start: doses before day {self.day:g}, on which this goes on, are not given, "
                       f"got {treatment.start:g} d")  # fmt: skip

    def _shared(self, future: Settings) -> Iterator[tuple[str, Any, Any]]:
        """Key and both values of all that must be the same; names in their order, because cells are numbered by it."""
        past = self.settings
        for key in ("dt", "age_at_start", "individuals"):
            yield key, getattr(past, key), getattr(future, key)
        for key in ("tissues", "factors"):
            yield key, list(getattr(past, key)), list(getattr(future, key))
        for name, tissue in past.tissues.items():
            other, place = future.tissues[name], f"tissues.{name}"
            for key in OF_TISSUES:
                yield f"{place}.{key}", getattr(tissue, key), getattr(other, key)
            yield f"{place}.patrols", list(tissue.patrols), list(other.patrols)
            yield f"{place}.cell_types", list(tissue.cell_types), list(other.cell_types)
            for kind, numbers in tissue.cell_types.items():
                yield f"{place}.cell_types.{kind}.fraction", numbers.fraction, other.cell_types[kind].fraction
        for name, factor in past.factors.items():
            for key in OF_FACTORS:
                yield f"factors.{name}.{key}", getattr(factor, key), getattr(future.factors[name], key)
            yield f"factors.{name}.cargo", _there(factor.cargo), _there(future.factors[name].cargo)

    def _check_events(self, future: Settings) -> None:
        for name in self.happened:
            ours, theirs = self.settings.events[name], future.events.get(name)
            self._same(f"events.{name}", _once(ours), theirs and _once(theirs))
            assert theirs is not None
            self._same(f"events.{name}.interval", self._so_far(ours), self._so_far(theirs))
        first = max(1, self.step)  # the events of day 0 belong to the first state
        for name, event in future.events.items():
            if name not in self.happened and step_of(event.day, future.dt) < first:
                day = f"{first * future.dt:g} d"
                raise ScenarioError(
                    f"events.{name}.day: must be at least {day}, because {self.name} holds the days before, "
                    f"got {event.day:g} d"
                )

    def _so_far(self, event: Event) -> str:
        """The days before the checkpoint on which an event happens; what comes after them may change."""
        return ", ".join(f"{day:g}" for day in event.days(max(self.day, self.settings.dt)))

    def _check_treatments(self, future: Settings) -> None:
        for name in self.given:
            past = self.settings.treatments[name]
            drug = past.drug
            if name not in future.treatments:
                raise ScenarioError(
                    f"treatments.{name}: must stay, because {self.name} holds its drug; give no more of it "
                    f"with until: {self.day:g} d, got nothing"
                )
            self._same(f"treatments.{name}.drug", drug, future.treatments[name].drug)
            before, after = route_of(past, self.settings.drugs[drug]), future.treatments[name]
            self._same(f"treatments.{name}.route", before, route_of(after, future.drugs[drug]))
            self._same(f"drugs.{drug}.unit", self.settings.drugs[drug].unit, future.drugs[drug].unit)

    def _same(self, key: str, ours: Any, theirs: Any) -> None:
        differing = _difference(key, _plain(ours), _plain(theirs))
        if differing is not None:
            key, ours, theirs = differing
            raise ScenarioError(f"{key}: must be {_show(ours)} as in {self.name}, got {_show(theirs)}")


def _once(event: Event) -> Event:
    """An event without its repetition."""
    return event.model_copy(update={"interval": None, "repeats": None, "until": None})


def _there(section: Section | None) -> dict[str, Any] | None:
    """A section whatever it says."""
    return None if section is None else {}


def _plain(value: Any) -> Any:
    return value.model_dump() if isinstance(value, Section) else value


def _difference(key: str, ours: Any, theirs: Any) -> tuple[str, Any, Any] | None:
    """Key and values of the first leaf in which two trees differ."""
    if not (isinstance(ours, dict) and isinstance(theirs, dict)):
        return None if ours == theirs else (key, ours, theirs)
    both = dict.fromkeys([*ours, *theirs])
    found = (_difference(f"{key}.{name}", ours.get(name), theirs.get(name)) for name in both)
    return next(filter(None, found), None)


def _show(value: Any) -> str:
    if value is None or isinstance(value, dict):
        return "nothing" if value is None else "there"
    shown = repr(value)
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 3] + "..."
