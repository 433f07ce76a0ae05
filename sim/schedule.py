"""When doses are given: functions of time alone, the same in every arm, engine and replicate."""

from __future__ import annotations

import math
from dataclasses import dataclass

ROUNDING = 1e-9  # of a step, or of a day: two times that differ by less are the same time


@dataclass(frozen=True, kw_only=True)
class Regimen:
    """Courses of daily doses; windows are half-open, so that no dose is lost or given twice whatever the step.

    Course i starts on day start + i interval, by multiplication, so that no rounding adds up. A course ends
    before the next one starts: `days_on` is at most `interval`.
    """

    start: float
    interval: float | None = None
    additional_doses: int | None = None
    until: float | None = None
    days_on: int = 1

    def times(self, end: float) -> list[float]:
        """Days of all doses in [0, end), ascending.

        Parameters
        ----------
        end
            The horizon [d]. A dose at `end` or at `until`, up to rounding, is not given.

        Returns
        -------
        list of float
            Days from the start of the run. Without `additional_doses` and `until` courses go on to the end; without
            `interval` there is one.
        """
        limit = (end if self.until is None else min(end, self.until)) - ROUNDING
        if limit <= self.start:
            return []
        courses = 1
        if self.interval is not None:
            courses = math.floor((limit - self.start) / self.interval) + 1
            if self.additional_doses is not None:
                courses = min(courses, self.additional_doses + 1)
        firsts = (self.start + i * (self.interval or 0.0) for i in range(courses))
        days = (first + day for first in firsts for day in range(self.days_on))
        return [day for day in days if day < limit]


def step_of(day: float, dt: float) -> int:
    """Step whose window [k dt, (k + 1) dt) holds `day`; a day on a border up to rounding belongs to the later step."""
    return int(day / dt + ROUNDING)


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """A switch with hysteresis: on above one level of a read-out, off below another, as it was in between."""

    treat_above: float
    stop_below: float

    def next_state(self, on: bool, value: float) -> bool:
        """Whether the switch is on after a look that finds `value`; both levels themselves change nothing."""
        return value > self.treat_above or (on and value >= self.stop_below)
