"""How fast patrols find and kill at each burden: the walk of a scenario, among targets that are held at a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from sim.analysis.search import equivalent
from sim.errors import ScenarioError, did_you_mean
from sim.scenario.causes import INITIAL
from sim.scenario.load import Scenario
from sim.scenario.patrol import Patrol
from sim.scenario.schema import Settings
from sim.scenario.surroundings import in_environment
from sim.simulation import Simulation
from sim.tissue.state import ABSENT, HEALTHY, SENESCENT

TARGETS = 10  # per patrol: so few are held by others that patrols do not meet
FEWEST = 100  # targets, so that patrols go ten ways or more: one that walks straight comes round to its own path
CROWD = 100  # patrols, at the most
RENEWED = 0.02  # share of the targets that is killed, at the most, before they are renewed
FILLED = 0.5  # share of the cells of a clump that are targets
LEAST, MOST, STEPS = 0.05, 20.0, 7  # burdens if none are given [%]
SETTLING = 50  # steps of the field before anybody walks
OLD = -1e4  # day since which targets are senescent: they give off all that they can


def search_law(
    scenario: Scenario,
    arm: str | None = None,
    burdens: Sequence[float] | None = None,
    clumps: float = 0.0,
    kills: int = 1000,
    replicates: int = 4,
) -> pd.DataFrame:
    """Measure the kills of the patrols of an arm at steady burdens; `sim.analysis.search.fit_search` fits them.

    Nothing happens but that they walk, follow, attach, kill and rest, with full immunity and unjammed. Nobody comes,
    leaves or tires. They are so few that they do not meet; what they do is scaled to their density in the scenario.

    Parameters
    ----------
    scenario
        See `sim.load`; tissues should be large: at the least burden 100 cells are senescent.
    arm
        The last one if not given.
    burdens
        Senescent cells [%]; from 0.05, or 100 cells, to 20 % if not given.
    clumps
        Radius of clumps [um] in which every second cell is a target; 0: targets at random places. One that is killed
        comes again at random among the same.
    kills
        About as many per burden and replicate as straight walkers would make.
    replicates
        With their own luck.

    Returns
    -------
    DataFrame
        A row per tissue, kind of patrol, burden and replicate: ``burden`` [%], ``kills``, ``kills_per_day`` [%/d] of
        the density of the scenario, ``straight`` [%/d] of straight walkers among cells at random places, and
        their ``beta`` [%/d] and ``kappa`` [%].

    Raises
    ------
    ScenarioError
        If there is no such arm, nobody who walks, or no burden that the tissue could have.
    """
    arm = list(scenario.arms)[-1] if arm is None else arm
    if arm not in scenario.arms:
        near = did_you_mean(arm, scenario.arms)
        raise ScenarioError(f"{scenario.file}: arms.{arm}: unknown arm{near}, known: {', '.join(scenario.arms)}")
    settings, rows = in_environment(scenario.arms[arm]), []
    for tissue, about in settings.tissues.items():
        for kind, patrol in about.patrols.items():
            same = equivalent(patrol, about)
            if same is None or patrol.density == 0.0 or patrol.kill_probability == 0.0:
                continue
            straight = dict(zip(("beta", "kappa"), same, strict=True))
            for replicate in range(replicates):
                search = _Search(_alone(settings, tissue, patrol), patrol, same, replicate)
                for burden in search.burdens if burdens is None else burdens:
                    row = search.measure(float(burden), clumps, kills)
                    rows.append({"tissue": tissue, "patrol": kind, "replicate": replicate, **row, **straight})
    if not rows:
        raise ScenarioError(f"{scenario.file}: arms.{arm}: must have patrols that walk and kill, got none")
    return pd.DataFrame(rows)


def _alone(settings: Settings, name: str, patrol: Patrol) -> Settings:
    """Settings with one tissue and one kind of patrol, which lives on; without events, drugs and jamming."""
    quiet = {"jams_immunity": None, "ages_immunity": None}
    factors = {each: about.model_copy(update=quiet) for each, about in settings.factors.items()}
    lasting = {"lifespan": math.inf, "senescence_rate": 0.0, "exhausts_after": None, "recruitment": None,
               "circulates": False}  # fmt: skip
    tissue = settings.tissues[name].model_copy(update={"patrols": {"patrol": patrol.model_copy(update=lasting)}})
    nothing: dict[str, dict[str, Any]] = {"events": {}, "drugs": {}, "treatments": {}}
    return settings.model_copy(update={"tissues": {name: tissue}, "factors": factors, **nothing})


class _Search:
    """One kind of patrol in one tissue, whose burden is set."""

    def __init__(self, settings: Settings, patrol: Patrol, same: tuple[float, float], replicate: int) -> None:
        self._settings, self._patrol, self._replicate = settings, patrol, replicate
        self._beta, self._kappa = same
        simulation = Simulation(settings, replicate)
        ((self._tissue, patch),) = simulation.patches.items()
        self._sites = np.flatnonzero(patch.cells.state != ABSENT)
        self._tree = cKDTree(patch.geometry.positions()[self._sites])

    @property
    def burdens(self) -> np.ndarray:
        """Those that the tissue can have, evenly on a log scale."""
        return np.geomspace(max(LEAST, 100.0 * FEWEST / self._sites.size), MOST, STEPS)

    def measure(self, burden: float, clumps: float, kills: int) -> dict[str, float]:
        """Kills at a burden."""
        n, n_targets = self._sites.size, round(burden / 100.0 * self._sites.size)
        if not FEWEST <= n_targets <= FILLED * n:
            least, most = 100.0 * FEWEST / n, 100.0 * FILLED
            raise ScenarioError(f"search: burden: must be between {least:.3g} and {most:.3g} %, got {burden:.3g} %")
        walkers = min(n_targets // TARGETS, CROWD)
        simulation = self._start(walkers)
        patch, engine = simulation.patches[self._tissue], simulation.engines[self._tissue]
        troop = patch.patrols.troops[0]
        dice = np.random.default_rng([self._settings.seed, self._replicate, n_targets])
        troop.rows["clock"] = dice.random(walkers) * self._patrol.handling_time  # not all busy at the same times
        places = self._sites if clumps == 0.0 else self._clumps(n_targets, clumps, dice)
        patch.cells.state[self._sites] = HEALTHY
        patch.cells.refractory[:] = 0
        patch.immunity = 1.0
        patch.secretion.note(self._sites)
        self._fill(simulation, places, n_targets, dice)
        self._spread(simulation, SETTLING)
        straight = self._beta * burden / (self._kappa + burden)
        per_day = straight / self._patrol.density * walkers  # expected kills of all
        every = min(self._settings.dt, RENEWED * n_targets / per_day)
        steps = math.ceil(kills / per_day / every)
        unseen = math.ceil(max(0.1 * steps, 3.0 * self._patrol.handling_time / every))  # the first ones settle
        before = 0
        for step in range(unseen + steps):
            before = troop.kills if step == unseen else before
            engine.patrol((step + 1) * every)
            killed = patch.patrols.merge(np.zeros(0, np.int64), np.zeros(0, np.uint8))[0]
            patch.cells.state[killed] = HEALTHY
            patch.secretion.note(killed)
            self._fill(simulation, places, killed.size, dice)
            self._spread(simulation, 1)
        done = troop.kills - before
        if done == 0:
            raise ScenarioError(f"search: kills: must be more, or nobody is found at {burden:.3g} %, got {kills}")
        missing = 0.5 * done / steps / n * 100.0  # in the mean between two renewals
        rate = done / (steps * every) * self._patrol.density / walkers
        return {"burden": 100.0 * n_targets / n - missing, "kills": done, "kills_per_day": rate, "straight": straight}

    def _start(self, walkers: int) -> Simulation:
        tissue = self._settings.tissues[self._tissue]
        few = tissue.patrols["patrol"].model_copy(update={"density": 100.0 * walkers / self._sites.size})
        tissues = {self._tissue: tissue.model_copy(update={"patrols": {"patrol": few}})}
        return Simulation(self._settings.model_copy(update={"tissues": tissues}), self._replicate)

    def _clumps(self, n_targets: int, radius: float, dice: np.random.Generator) -> np.ndarray:
        """Sites of discs or balls about cells at random, enough for the targets."""
        inside: set[int] = set()
        while len(inside) * FILLED < n_targets:
            centre = self._tree.data[dice.integers(self._sites.size)]
            inside.update(self._tree.query_ball_point(centre, radius))
        return self._sites[sorted(inside)]

    def _fill(self, simulation: Simulation, places: np.ndarray, count: int, dice: np.random.Generator) -> None:
        """So many more targets, at random among the healthy cells of `places`."""
        cells = simulation.patches[self._tissue].cells
        if count:
            sites = np.sort(dice.choice(places[cells.state[places] == HEALTHY], count, replace=False))
            cells.state[sites], cells.since[sites], cells.cause[sites], cells.generation[sites] = (
                SENESCENT,
                OLD,
                INITIAL,
                0,
            )
            simulation.patches[self._tissue].secretion.note(sites)

    def _spread(self, simulation: Simulation, steps: int) -> None:
        """What they follow spreads from the targets, always by a whole step: it stays near its rest."""
        if self._patrol.follows is not None:
            phases = {phase.name: phase.run for phase in simulation.plan()}
            for _ in range(steps):
                phases["secrete"]()
                phases["transport"]()
