"""What one open page looks at and does: the runs, what is chosen, and each moment of it as a picture of data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from sim.app.actions import as_file, do_here, drugs_of, in_words, treat_now
from sim.app.curves import Key, Line, chart, label_of
from sim.app.knobs import knobs
from sim.app.lens import Lens, Palette, at_site, layers_of, palette, picture, scale_bar
from sim.app.live import Live, Run
from sim.app.player import Player
from sim.figures.style import ARM_COLOURS
from sim.scenario.load import Scenario
from sim.scenario.quantity import to_unit

SPEEDS = (1, 2, 5, 10, 20)  # steps from picture to picture
RADIUS = "75"  # um, of a click at first


@dataclass(frozen=True, eq=False)
class Frame:
    """A moment of the page.

    Attributes
    ----------
    clock : dict
        Day, length and state of the runs.
    maps : list of dict
        Arm, colour, words and picture of each map.
    place : dict
        Pixels, size and scale bar of the maps.
    key : Palette
        Colours of the layer.
    charts : list of str
        SVG of the burden, and of what else is chosen.
    knobs : dict
        By group, see `sim.app.knobs`.
    changes : list of (path, words)
    complaint, notes : str, tuple of str
        What cannot be, and what is odd.
    stamp : int
        Another one after every deed that may have changed a parameter.
    choice : Choice
        As it was then.
    """

    clock: dict[str, Any]
    maps: list[dict[str, Any]]
    place: dict[str, Any]
    key: Palette
    charts: list[str]
    knobs: dict[str, list[dict[str, Any]]]
    changes: list[tuple[str, str]]
    complaint: str
    notes: tuple[str, ...]
    stamp: int
    choice: Choice


@dataclass
class Choice:
    """What a reader has chosen to see and to do.

    Attributes
    ----------
    tissue, layer : str
        What the maps show.
    curve : (tissue, column)
        What the second chart shows.
    click : str
        One of `sim.app.actions.CLICKS`.
    radius : str
        Of a click, as it is typed [um].
    arm : str
        Where a click or a dose acts, an arm that is shown; empty for all arms.
    drug, amount : str
        What the button gives; the amount as it is typed.
    """

    tissue: str
    layer: str
    curve: Key
    click: str = "look"
    radius: str = RADIUS
    arm: str = ""
    drug: str = ""
    amount: str = ""

    @property
    def ring(self) -> float:
        """Radius that can be drawn [um]; 0 where the text is none."""
        try:
            radius = to_unit(self.radius, "um")
        except ValueError:
            return 0.0
        return radius if math.isfinite(radius) else 0.0


class Session:
    """One page.

    Parameters
    ----------
    scenario : Scenario
    arms : names, optional
        Those that are shown at first.
    show : callable
        Told every new `Frame`, on the thread of the player.

    Raises
    ------
    ScenarioError
        If there is nothing to look at.
    """

    def __init__(self, scenario: Scenario, arms: Iterable[str] | None, show: Callable[[Frame], None]) -> None:
        self.live = Live(scenario, arms)
        self.drugs = drugs_of(scenario)
        tissue = self.tissues[0]
        used = [name for name, drug in self.drugs.items() if drug["amount"]]
        drug = (used or list(self.drugs))[0]
        self.choice = Choice(tissue, "state", ("", ""), drug=drug, amount=self.drugs[drug]["amount"])
        self.choice.curve = self.curves[0]
        self._tops: dict[str, float] = {}
        self._stamp = 0
        self._lens: tuple[object, Lens] | None = None
        self._knobs: tuple[object, dict[str, Any]] | None = None
        self.player = Player(self.live, lambda: show(self.frame()))

    # ---------------------------------------------------------------------------------------------- what there is

    @property
    def _first(self) -> Run:
        return next(iter(self.live.runs.values()))

    @property
    def tissues(self) -> list[str]:
        """Tissues to choose from."""
        return list(self._first.simulation.patches)

    @property
    def layers(self) -> list[str]:
        """Layers of the chosen tissue."""
        simulation = self._first.simulation
        return layers_of(simulation.patches[self.choice.tissue], self.choice.tissue in simulation.pigments)

    @property
    def curves(self) -> list[Key]:
        """What the second chart may show: the individual, then the chosen tissue."""
        keys = [key for key in self._first.curves.values if key[0] in ("", self.choice.tissue)]
        return sorted((key for key in keys if key[1] != "burden"), key=lambda key: key[0] != "")

    def label(self, key: Key) -> str:
        """What a curve is, with its unit."""
        return label_of(key, self.live.scenario.common)

    def saved(self) -> str:
        """The scenario of what is shown, as YAML."""
        return as_file(self.live.scenario)

    # -------------------------------------------------------------------------------------------------- what is done

    def choose(self, **choices: Any) -> None:
        """See or do something else from now on."""

        def chosen() -> None:
            for name, value in choices.items():
                setattr(self.choice, name, value)
            if "tissue" in choices:
                self._tops = {}
                self.choice.layer = self.choice.layer if self.choice.layer in self.layers else "state"
                self.choice.curve = self.choice.curve if self.choice.curve in self.curves else self.curves[0]
            if "drug" in choices:
                self.choice.amount = self.drugs[self.choice.drug]["amount"]

        self.player.do(chosen)

    def show_arms(self, arms: list[str]) -> None:
        """Show these arms, at least one."""

        def shown() -> None:
            self.live.show(arms)
            if self.choice.arm not in arms:  # nothing is done where nobody sees it
                self.choice.arm = ""

        if arms:
            self.player.do(shown)

    def change(self, path: str, value: Any) -> None:
        """Another value of a parameter."""
        self._anew(lambda: self.live.change(path, value))

    def undo(self, path: str) -> None:
        """Take a change or a click back."""
        self._anew(lambda: self.live.undo(path))

    def forget(self) -> None:
        """All as it was, on day 0."""
        self._anew(self.live.forget)

    def restart(self) -> None:
        """Day 0 of the same scenario."""
        self._anew(self.live.restart)

    def _anew(self, deed: Callable[[], None]) -> None:
        def done() -> None:
            self._tops = {}
            self._stamp += 1
            deed()

        self.player.do(done)

    def click(self, arm: str, row: int, column: int) -> None:
        """Do what is chosen at a pixel of the map of an arm; nothing where another arm alone is chosen."""

        def done() -> None:
            choice, site = self.choice, self._site(row, column)
            if choice.click != "look" and site >= 0 and choice.arm in ("", arm):
                do_here(self.live, choice.click, choice.tissue, site, choice.radius, choice.arm or None)
                self._make_it_seen()

        self.player.do(done)

    def treat(self) -> None:
        """A dose of the chosen drug now."""

        def done() -> None:
            choice = self.choice
            treat_now(self.live, choice.drug, choice.amount, choice.tissue, choice.arm or None)
            self._make_it_seen()

        self.player.do(done)

    def _make_it_seen(self) -> None:
        """What begins now is seen after a step; on day 0, and where all plays, at once."""
        if self.live.step_index > 0 and not self.player.playing:
            self.live.step()

    # ------------------------------------------------------------------------------------------------ what is seen

    def read_out(self, arm: str, row: int, column: int) -> list[tuple[str, str]]:
        """What stands at a pixel of the map of an arm: names and values."""
        site, run = self._site(row, column), self.live.runs.get(arm)
        if site < 0 or run is None:
            return []
        voxel = int(self.lens.voxels[row, column])
        return [("arm", arm), *at_site(run.simulation, self.choice.tissue, site, voxel)]

    def _site(self, row: int, column: int) -> int:
        rows, columns = self.lens.sites.shape
        return int(self.lens.sites[row, column]) if 0 <= row < rows and 0 <= column < columns else -1

    @property
    def lens(self) -> Lens:
        """Where the sites of the chosen tissue are."""
        of = (self.live.scenario, self.choice.tissue)
        if self._lens is None or self._lens[0] != of:
            self._lens = of, Lens.on(self._first.simulation.patches[self.choice.tissue])
        return self._lens[1]

    def frame(self) -> Frame:
        """What the page shows now."""
        live, choice, lens = self.live, self.choice, self.lens
        simulations = {arm: run.simulation for arm, run in live.runs.items()}
        key = palette(choice.layer, simulations, choice.tissue, self._tops, self.layers.index(choice.layer))
        maps = [
            {"arm": arm, "colour": self.colour(arm), "words": self._words(run),
             "src": picture(run.simulation, arm, choice.tissue, choice.layer, lens, key)}
            for arm, run in live.runs.items()
        ]  # fmt: skip
        share, words = scale_bar(lens.width)
        place = {"rows": lens.sites.shape[0], "columns": lens.sites.shape[1], "width": lens.width,
                 "height": lens.height, "bar": share, "bar_words": words, "words": lens.words}  # fmt: skip
        charts = [self._chart((choice.tissue, "burden")), self._chart(choice.curve)]
        return Frame(self._clock(), maps, place, key, charts, self._all_knobs(), in_words(live.changes, live.scenario),
                     self.player.complaint, live.scenario.notes, self._stamp, replace(choice))  # fmt: skip

    def colour(self, arm: str) -> str:
        """The colour that an arm has in all figures of the scenario."""
        return ARM_COLOURS[list(self.live.scenario.arms).index(arm) % len(ARM_COLOURS)]

    def _words(self, run: Run) -> str:
        burden = run.curves.values[self.choice.tissue, "burden"][-1]
        ended = ", died" if run.simulation.died else ""
        return f"day {run.simulation.day:g}, burden {burden:.3g} %{ended}"

    def _clock(self) -> dict[str, Any]:
        live, player = self.live, self.player
        return {"day": live.day, "days": live.days, "goal": live.goal * live.scenario.common.dt, "behind": live.behind,
                "finished": live.finished, "playing": player.playing, "busy": player.busy,
                "steps": player.steps}  # fmt: skip

    def _chart(self, key: Key) -> str:
        lines = {
            arm: Line(self.colour(arm), run.curves.line(key), run.dose_days()) for arm, run in self.live.runs.items()
        }
        return chart(self.label(key), self.live.days, lines, from_zero=key[1] == "burden")

    def _all_knobs(self) -> dict[str, Any]:
        """Knobs are made anew only when the scenario is another."""
        live, of = self.live, (self.live.scenario, tuple(self.live.runs), self.choice.tissue)
        if self._knobs is None or self._knobs[0] != of:
            self._knobs = of, knobs(live.scenario, live.original, list(live.runs), self.choice.tissue, live.changes)
        return self._knobs[1]
