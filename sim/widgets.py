"""A scenario with sliders, in a notebook: every move runs it anew and shows the tissue and the curves."""

from __future__ import annotations

import asyncio
import html
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from pydantic.fields import FieldInfo

from sim.analysis.sensitivity_words import human_name
from sim.errors import ScenarioError, SimError, did_you_mean
from sim.experiment.run import run
from sim.extras import extra
from sim.figures import burden, maps
from sim.figures.style import Picture
from sim.results import Results
from sim.scenario.doses import unit_of
from sim.scenario.ledger import origin
from sim.scenario.load import Scenario, select_arms
from sim.scenario.quantity import show, to_unit
from sim.scenario.section import declared, number_in, numbers_of

WAIT = 0.15  # s without another move, before a run begins: a drag is one run, not fifty
STEPS = 100  # of a slider
PIXELS = 110  # per inch of a figure on the screen


@dataclass(frozen=True)
class Knob:
    """A number of a scenario that a slider moves; `value`, `low` and `high` are in `unit`."""

    path: str
    value: float
    low: float
    high: float
    unit: str
    whole: bool
    source: str
    confidence: str

    @property
    def name(self) -> str:
        """What to write beside the slider."""
        return human_name(self.path) + (f" [{self.unit}]" if self.unit not in ("", "1") else "")

    @property
    def words(self) -> str:
        """Where the default is from, and how far to trust it."""
        return f"file: {show(self.value, self.unit)}, {self.confidence}: {self.source}"


class Explorer:
    """Sliders beside a tissue and its curves; a notebook shows it when a cell ends with it.

    Parameters
    ----------
    scenario : Scenario
        What the sliders start from.
    knobs : sequence of Knob
        What they move.
    tissue : str or None
        The one that is shown; None: the first one.

    Attributes
    ----------
    scenario : Scenario
        As it was given.
    sliders : dict
        Dotted path to its slider; setting ``sliders[path].value`` is the same as moving it.
    widget : ipywidgets.VBox
        What is shown.
    seconds : float
        What the last run took, with its figures [s].
    runs : int
        How many there were so far.
    """

    def __init__(self, scenario: Scenario, knobs: Sequence[Knob], tissue: str | None) -> None:
        widgets = extra("ipywidgets", "explore: sliders")
        self.scenario, self._tissue = scenario, tissue
        self.seconds, self.runs = 0.0, 0
        self._due: asyncio.TimerHandle | None = None
        self._one_at_a_time = threading.RLock()  # a notebook may serve sliders and cells from two threads
        self.sliders = {knob.path: _slider(widgets, knob) for knob in knobs}
        self._maps, self._curves, self._said = widgets.Image(), widgets.Image(), widgets.HTML()
        rows = [
            widgets.VBox([slider, widgets.HTML(f"<small>{html.escape(knob.words)}</small>")])
            for slider, knob in zip(self.sliders.values(), knobs, strict=True)
        ]
        self.widget = widgets.VBox([*rows, self._said, widgets.HBox([self._maps, self._curves])])
        self._refresh()
        for slider in self.sliders.values():
            slider.observe(self._moved, names="value")

    @property
    def overrides(self) -> dict[str, float]:
        """What the sliders say, as `sim.load` and ``Scenario.override`` take it."""
        return {path: slider.value for path, slider in self.sliders.items()}

    @property
    def results(self) -> Results:
        """The run of the sliders as they stand, one replicate of every arm; the last that could be."""
        with self._one_at_a_time:
            if self._due is not None:  # moved a moment ago
                self._refresh()
            return self._results

    def _moved(self, change: Any) -> None:
        """Run when the slider has come to rest; at once where nothing can wait for it, as in a script."""
        if self._due is not None:
            self._due.cancel()
        try:
            self._due = asyncio.get_running_loop().call_later(WAIT, self._refresh)
        except RuntimeError:
            self._refresh()

    def _refresh(self) -> None:
        with self._one_at_a_time:
            if self._due is not None:
                self._due.cancel()
                self._due = None
            start = time.perf_counter()
            try:
                self._results = run(self.scenario.override(self.overrides), replicates=1)
                _show(self._maps, maps(self._results, 0, self._tissue, ["state"]))
                _show(self._curves, burden(self._results, self._tissue or self._results.tissues[0]))
            except SimError as error:  # two sliders may say what cannot be together
                self._said.value = html.escape(str(error))
                return
            self.seconds, self.runs = time.perf_counter() - start, self.runs + 1
            self._said.value = f"run and drawn in {1000 * self.seconds:.0f} ms"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self.widget._repr_mimebundle_(**kwargs)


def explore(
    scenario: Scenario,
    sliders: Mapping[str, tuple[float | str, float | str]],
    arms: Sequence[str] | None = None,
    tissue: str | None = None,
) -> Explorer:
    """Move numbers of a scenario and see at once what they do to a tissue; arms stand side by side and share luck.

    A move runs one replicate of every arm, so keep the tissue small: 64 x 64 sites answer within a second.

    Parameters
    ----------
    scenario : Scenario
        See `sim.load`.
    sliders : mapping
        Dotted path of a number (``arms.NAME...`` for that of one arm) to the ends of its slider, in the unit of the
        number or with a unit: ``{"factors.SASP.reach": ("30 um", "400 um")}``. It starts where the scenario has it.
    arms : sequence of str, optional
        All if not given; two are easy to look at.
    tissue : str, optional
        Whose maps and burden are shown; the first one if not given.

    Raises
    ------
    ScenarioError
        If there is no such number, arm or tissue, if its value lies outside the slider, or an end cannot be.
    ResourceError
        If ipywidgets is not installed.

    Examples
    --------
    >>> scenario = sim.load("configs/kill_or_tame.yaml", {"tissues.skin.shape": [64, 64]})
    >>> dose = "arms.hit_and_run.treatments.d_q.amount"
    >>> explorer = sim.explore(scenario, {dose: (0, 110)}, arms=["none", "hit_and_run"])
    >>> explorer.sliders[dose].value = 20
    >>> explorer.results.timeseries
    """
    if not isinstance(scenario, Scenario):
        raise ScenarioError(f"explore: scenario: must be what sim.load gives, got {scenario!r}")
    chosen = scenario if arms is None else select_arms(scenario, list(arms))
    common = chosen.common
    if tissue is not None and tissue not in common.tissues:
        raise ScenarioError(f"explore: tissue: unknown tissue {tissue}{did_you_mean(tissue, common.tissues)}")
    knobs = [_knob(chosen, path, ends) for path, ends in sliders.items()]
    for knob in knobs:  # now, and not when somebody drags it there
        for end in (knob.low, knob.high):
            chosen.override({knob.path: end})
    days = list(common.record.days) or [common.days]
    return Explorer(chosen.override({"record.maps": ["state"], "record.days": days}), knobs, tissue)


def _knob(scenario: Scenario, path: str, ends: tuple[float | str, float | str]) -> Knob:
    known: dict[str, tuple[str, str, Any, FieldInfo]] = {}
    for arm, settings in scenario.arms.items():
        for key, value, field in numbers_of(settings):
            known.setdefault(key, (arm, key, value, field))
            known[f"arms.{arm}.{key}"] = arm, key, value, field
    if path not in known:
        raise ScenarioError(f"explore: {path}: must be a number of the scenario, got none{did_you_mean(path, known)}")
    if not isinstance(ends, tuple | list) or len(ends) != 2:
        raise ScenarioError(f"explore: {path}: must have a lower and an upper end, got {ends!r}")
    arm, key, value, field = known[path]
    if not isinstance(value, int | float):
        raise ScenarioError(f"explore: {path}: must be a single number to slide, got {value!r}")
    unit = unit_of(scenario.arms[arm], key) or str(declared(field)["unit"])
    source, confidence = origin(scenario, key, value, field, arm)
    try:
        low, high = (to_unit(end, unit) for end in ends)
    except ValueError as error:
        raise ScenarioError(f"explore: {path}: {error}") from None
    if not low < high or not low <= value <= high:
        between = f"{show(low, unit)} to {show(high, unit)}"
        raise ScenarioError(f"explore: {path}: must be a range around {show(value, unit)}, got {between}")
    return Knob(path, value, low, high, unit, number_in(field.annotation) is int, source, confidence)


def _slider(widgets: Any, knob: Knob) -> Any:
    about = {
        "value": knob.value, "min": knob.low, "max": knob.high, "description": knob.name,
        "style": {"description_width": "24em"}, "layout": {"width": "48em"},
    }  # fmt: skip
    if knob.whole:
        return widgets.IntSlider(**{**about, "min": int(knob.low), "max": int(knob.high)})
    return widgets.FloatSlider(**about, step=(knob.high - knob.low) / STEPS, readout_format=".3g")


def _show(image: Any, figure: Figure) -> None:
    assert isinstance(figure, Picture)
    image.value = figure._repr_png_()
    image.width = f"{figure.get_figwidth() * PIXELS:.0f}"
