"""Arms of a scenario side by side, as far as they have come. What is shown is always the run of `Live.scenario`.

Nothing is ever done to a state by hand. A click becomes an entry of the scenario from this day on, and the runs go on
from their states with the new settings, which is exact (`Simulation.restore`); another value of a parameter means other
runs from day 0, that catch up with the day shown. So the scenario that is saved gives the same states, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sim.app.curves import Curves
from sim.errors import ScenarioError
from sim.organism.dosing import GIVEN
from sim.scenario.load import Scenario
from sim.scenario.schema import Settings
from sim.scenario.yaml_text import parse_value
from sim.simulation import Simulation

SHOWN_AT_FIRST = 3  # arms
START = {"events": "day", "treatments": "start"}  # the key that tells from when on


class Run:
    """One arm as far as it has come, and what was read out of it on the way."""

    def __init__(self, settings: Settings, past: Run | None = None) -> None:
        self.simulation = Simulation(settings)
        if past is not None:
            self.simulation.restore(past.simulation.state())
        self.curves: Curves = Curves(self.simulation) if past is None else past.curves

    @property
    def step_index(self) -> int:
        """Steps taken."""
        return self.simulation.step_index

    def step(self) -> None:
        """Advance by one dt."""
        self.simulation.step()
        self.curves.look(self.simulation)

    def dose_days(self) -> list[float]:
        """Days of the doses given so far."""
        return sorted({row.day for row in self.simulation.dosing.calendar if row.status == GIVEN})


class Live:
    """The runs on a page; no threads, no browser.

    Parameters
    ----------
    scenario : Scenario
        What is shown until somebody changes it.
    arms : names, optional
        Those that are shown; if not given, the first three.

    Attributes
    ----------
    scenario : Scenario
        With all changes and clicks: running it gives the states of `runs`.
    changes : dict of dotted path to value
        What was changed, clicks included.
    runs : dict of Run
        By the names of the arms that are shown.
    goal : int
        Step that runs which start anew catch up with.

    Raises
    ------
    ScenarioError
        If there are no cells to look at (``mode: well_mixed``).
    """

    def __init__(self, scenario: Scenario, arms: Iterable[str] | None = None) -> None:
        self.original = self.scenario = scenario
        self.changes: dict[str, Any] = {}
        self.goal = 0
        self.runs: dict[str, Run] = {}
        self.show(list(scenario.arms)[:SHOWN_AT_FIRST] if arms is None else arms)

    # ------------------------------------------------------------------------------------------------------ questions

    @property
    def step_index(self) -> int:
        """Steps that all runs have taken, but for those that have ended."""
        going = [run.step_index for run in self.runs.values() if not run.simulation.finished]
        return min(going) if going else max(run.step_index for run in self.runs.values())

    @property
    def day(self) -> float:
        """Time of the states [d]."""
        return self.step_index * self.scenario.common.dt

    @property
    def days(self) -> float:
        """Length of the run [d]."""
        return self.scenario.common.days

    @property
    def finished(self) -> bool:
        """Whether all runs have ended."""
        return all(run.simulation.finished for run in self.runs.values())

    @property
    def behind(self) -> bool:
        """Whether runs have yet to catch up."""
        return self.step_index < self.goal and not self.finished

    # ---------------------------------------------------------------------------------------------------------- time

    def step(self) -> None:
        """Advance by one dt those that are furthest behind: all of them, unless some start anew."""
        now = self.step_index
        for run in self.runs.values():
            if run.step_index == now and not run.simulation.finished:
                run.step()
        self.goal = max(self.goal, *(run.step_index for run in self.runs.values()))

    def stay(self) -> None:
        """Catch up with nothing more: stay where the runs are."""
        self.goal = self.step_index

    def restart(self) -> None:
        """Back to day 0 of the same scenario: clicks come again on their days."""
        self.runs = {arm: Run(self.scenario.arms[arm]) for arm in self.runs}
        self.goal = 0

    # ------------------------------------------------------------------------------------------------------- changes

    def show(self, arms: Iterable[str]) -> None:
        """Show these arms, in the order of the scenario; those that come new have to catch up."""
        chosen = set(arms)
        self.runs = {
            arm: self.runs[arm] if arm in self.runs else Run(settings)
            for arm, settings in self.scenario.arms.items()
            if arm in chosen
        }

    def change(self, path: str, value: Any) -> None:
        """Another value at a dotted path; a number in the unit of its field, or a text with a unit.

        All runs start anew and have to catch up. An empty text takes the change back, if there is one.

        Raises
        ------
        ScenarioError
            If the value cannot be; everything is as it was.
        """
        if not (isinstance(value, str) and parse_value(value) is None):
            self._become({**self.changes, path: value}, anew=True)
        elif path in self.changes:  # nothing is no value: in a scenario it would remove the key
            self.undo(path)

    def undo(self, path: str) -> None:
        """The scenario without one of its changes."""
        self._become({key: value for key, value in self.changes.items() if key != path}, anew=True)

    def forget(self) -> None:
        """The scenario as it was, on day 0."""
        self._become({}, anew=True)
        self.goal = 0

    def act(self, group: str, entry: Mapping[str, Any], arm: str | None = None) -> str:
        """Do something from now on: an entry of `events` or `treatments`, in all arms or in one; returns its path.

        An event acts at the start of the next step, those of day 0 at once, as in any run.

        Raises
        ------
        ScenarioError
            If it cannot be, or no step is left; everything is as it was.
        """
        step = max(run.step_index for run in self.runs.values())
        settings = self.scenario.common
        if self.finished:
            raise ScenarioError(f"{group}: must begin before the end on day {self.day:g}, got day {self.day:g}")
        path = f"{group}.{self._free_name()}"
        path = path if arm is None else f"arms.{arm}.{path}"
        self._become({**self.changes, path: {**entry, START[group]: step * settings.dt}}, anew=False)
        return path

    def _become(self, changes: dict[str, Any], anew: bool) -> None:
        """The scenario with these changes; runs on day 0 start again in any case, for day 0 belongs to the start."""
        scenario = self.original.override(changes)
        self.goal = max(self.goal, *(run.step_index for run in self.runs.values()))
        runs = {
            arm: Run(scenario.arms[arm], None if anew or run.step_index == 0 else run) for arm, run in self.runs.items()
        }
        self.scenario, self.changes, self.runs = scenario, changes, runs

    def _free_name(self) -> str:
        """``click_1``, or the next that no arm has."""
        taken = {name for arm in self.scenario.arms.values() for name in (*arm.events, *arm.treatments)}
        return next(name for n in range(1, len(taken) + 2) if (name := f"click_{n}") not in taken)
