"""The rules of `benchmarks.worlds.common_rules` as a good user of Mesa 3 would write them; knows nothing of our code.

Only the numbers come from a scenario. As in Mesa's own Game of Life there is a `FixedAgent` per site, all decide, then
all assume their state. What depends on places alone (levels, sources, burden around, what they make of hazards) stands
on property layers and is NumPy and SciPy on whole layers. What depends on a cell and its neighbours is done in two
ways: `AgentByAgent`, and `HazardsOnLayers`, where only agents to which something happens are called. A factor takes one
exact step with SciPy's cosine transform: explicit differences would need some 15,000 steps a half-day at these
diffusivities and lose by that alone.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from itertools import product

import mesa
import numpy as np
from mesa.discrete_space import Cell, FixedAgent, OrthogonalMooreGrid
from scipy import fft, ndimage

from sim.scenario.factor import Factor
from sim.scenario.schema import Settings

HEALTHY, SENESCENT, VACANT = 0, 1, 2
NEXT = SENESCENT, VACANT, HEALTHY  # what each of them becomes
SECONDS_PER_DAY, DAYS_PER_YEAR = 86400.0, 365.25
BY_ITSELF, BY_FACTOR, BY_CONTACT = CAUSES = 0, 1, 2  # what turned a cell: its place in the strengths of secretion
AROUND = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])  # the neighbours of a site


class Site(FixedAgent):
    """A site of the tissue: the cell on it, or the gap that it has left."""

    def __init__(self, model: PlainMesa, cell: Cell, state: int) -> None:
        super().__init__(model)
        self.cell = cell
        self.state = self.coming = state
        self.turned_by = BY_ITSELF
        self.neighbours: list[Site] = []  # where agents look around

    def hazards(self) -> tuple[float, ...]:
        """Of what may happen to it [1/d]; of a healthy cell by cause."""
        model = self.model
        if self.state == SENESCENT:
            return (float(self.cell.removal),)
        near = [other.state for other in self.neighbours]
        if self.state == VACANT:
            return (model.refill * near.count(HEALTHY) / len(near),)
        return model.damage, float(self.cell.induction), model.contact * near.count(SENESCENT)

    def decide(self) -> None:
        """Draw from the states of now whether something happens."""
        hazards = self.hazards()
        if self.model.random.random() < -math.expm1(-sum(hazards) * self.model.dt):
            self.become(hazards)

    def become(self, hazards: Sequence[float]) -> None:
        """Something happens: what comes, and by which of the causes if these are the hazards of turning."""
        self.coming = NEXT[self.state]
        if self.coming == SENESCENT:
            (self.turned_by,) = self.model.random.choices(CAUSES, hazards)

    def assume(self) -> None:
        """Become what was decided, and show it on the layers."""
        if self.coming != self.state:
            self.state = self.coming
            turned = self.state == SENESCENT
            self.cell.senescent = float(turned)
            self.cell.resident = float(self.state != VACANT)
            self.cell.strength = self.model.strengths[self.turned_by] if turned else 0.0
            self.cell.since = self.model.day + self.model.dt


class Signal:
    """Levels of one factor between closed walls, one exact step at a time for sources that are constant meanwhile."""

    def __init__(self, factor: Factor, shape: tuple[int, int], spacing: float, dt: float) -> None:
        ny, nx = (2.0 / spacing * np.sin(np.pi * np.arange(n) / (2 * n)) for n in shape)
        self.loss = factor.own_decay + factor.diffusivity * SECONDS_PER_DAY * (ny[:, None] ** 2 + nx**2)
        self.kept, self.gain = np.exp(-self.loss * dt), -np.expm1(-self.loss * dt) / self.loss
        self.unit = 100.0 * factor.own_decay  # a burden of 1 % keeps the level 1
        self.response, self.jams = factor.induction.hill, factor.jams_immunity
        self.modes = np.zeros(shape)

    def rest(self, strength: np.ndarray) -> None:
        """Begin with the levels that lasting sources would lead to."""
        self.modes = fft.dctn(self.unit * strength) / self.loss
        self.level = np.maximum(fft.idctn(self.modes), 0.0)

    def advance(self, strength: np.ndarray) -> None:
        """Let sources of a `strength`, 1 a mature primary cell, act for a step."""
        self.modes = self.modes * self.kept + fft.dctn(self.unit * strength) * self.gain
        self.level = np.maximum(fft.idctn(self.modes), 0.0)

    def induction(self) -> np.ndarray:
        """Hazard that the levels make [1/d]."""
        bound = self.level**self.response.power
        return self.response.max_rate * bound / (self.response.half_max**self.response.power + bound)


class PlainMesa(mesa.Model):
    """A tissue of `Site` agents; how they come to change is left open.

    Parameters
    ----------
    settings : Settings
        From `benchmarks.worlds.common_rules`.
    seed : int
        Of Mesa's generators.
    """

    LAYERS = ("senescent", "resident", "strength", "since", "induction", "removal")

    def __init__(self, settings: Settings, seed: int = 0) -> None:
        super().__init__(rng=seed)
        (skin,) = settings.tissues.values()
        self.settings, self.skin, self.dt, self.day = settings, skin, settings.dt, 0.0
        (first, *_) = settings.factors.values()
        self.secretion = first.secretion
        self.strengths = (1.0, self.secretion.secondary, self.secretion.by_cause["contact"])
        self.contact, self.refill = skin.contact.hazard, skin.repair.rate
        shape = tuple(skin.shape)
        self.width = 2 * int(skin.clearance.territory / skin.cell_spacing * (1 + 1e-9)) + 1
        self.grid = OrthogonalMooreGrid(shape, torus=False, capacity=1, random=self.random)
        for name in self.LAYERS:
            self.grid.create_property_layer(name, default_value=0.0)
        senescent = self.rng.random(shape) < skin.initial.burden / 100
        self.sites = [Site(self, self.grid[place], int(senescent[place])) for place in product(*map(range, shape))]
        self.grid.senescent.data = self.grid.strength.data = senescent
        self.grid.resident.data = 1.0
        self.grid.since.data = -skin.initial.since_onset
        self.signals = [Signal(factor, shape, skin.cell_spacing, self.dt) for factor in settings.factors.values()]
        for signal in self.signals:
            signal.rest(self.sources())

    def sources(self) -> np.ndarray:
        """What each site gives off, in mature primary cells."""
        age = self.day - self.grid.since.data
        return self.grid.strength.data * np.clip(age / self.secretion.ramp, 0.0, 1.0)

    def step(self) -> None:
        """Factors spread, hazards follow them, sites change."""
        self.spread()
        self.change()
        self.day += self.dt

    def spread(self) -> None:
        """Factors spread, and what they make of hazards."""
        damage = self.skin.damage
        age = (self.settings.age_at_start + self.day) / DAYS_PER_YEAR
        self.damage = (damage.baseline + damage.per_year * age) / 100
        strength, jam = self.sources(), 1.0
        for signal in self.signals:
            signal.advance(strength)
            if signal.jams is not None:
                jam = jam / (1.0 + signal.level / signal.jams.half_max)
        self.grid.induction.data = sum(signal.induction() for signal in self.signals)
        self.grid.removal.data = self.removal(jam)

    @abstractmethod
    def change(self) -> None:
        """Sites change by the states and hazards of now."""

    def removal(self, jam: np.ndarray) -> np.ndarray:
        """Hazard of each senescent cell to go, by the burden of the box around it and what is left of immunity."""
        clearance = self.skin.clearance
        near = [ndimage.uniform_filter(layer.data, self.width, mode="constant")
                for layer in (self.grid.senescent, self.grid.resident)]  # fmt: skip
        burden = 100.0 * near[0] / near[1]
        immune = clearance.max_rate * clearance.capacity / (clearance.half_saturation + burden) * jam
        return immune + clearance.own_death

    def burden(self) -> float:
        """Senescent share of the resident cells [%]."""
        return 100.0 * float(self.grid.senescent.data.sum() / self.grid.resident.data.sum())


class AgentByAgent(PlainMesa):
    """Every agent looks around and draws; neighbours are kept, not looked up anew in every step."""

    def __init__(self, settings: Settings, seed: int = 0) -> None:
        super().__init__(settings, seed)
        for site in self.sites:
            site.neighbours = list(site.cell.neighborhood.agents)

    def change(self) -> None:
        """Every site decides, then all change."""
        self.agents.do("decide")
        self.agents.do("assume")


class HazardsOnLayers(PlainMesa):
    """Neighbours are counted and luck is drawn on whole layers; only agents to which something happens are called."""

    def __init__(self, settings: Settings, seed: int = 0) -> None:
        super().__init__(settings, seed)
        self.places = ndimage.convolve(np.ones(self.skin.shape), AROUND, mode="constant")  # neighbours of each site

    def change(self) -> None:
        """The sites that luck strikes change."""
        turning, total = self.hazards()
        struck = self.rng.random(total.shape) < -np.expm1(-total * self.dt)
        causes = zip(*(layer[struck].tolist() for layer in turning), strict=True)
        for i, hazards in zip(np.flatnonzero(struck), causes, strict=True):
            self.sites[i].become(hazards)
            self.sites[i].assume()

    def hazards(self) -> tuple[list[np.ndarray], np.ndarray]:
        """Of turning, by cause, were the site healthy; and of what may happen to it as it is [1/d]."""
        senescent, resident = self.grid.senescent.data, self.grid.resident.data
        near = ndimage.convolve(senescent, AROUND, mode="constant")
        healthy = ndimage.convolve(resident - senescent, AROUND, mode="constant")
        turning = [np.full_like(near, self.damage), self.grid.induction.data, self.contact * near]
        others = np.where(resident > 0, sum(turning), self.refill * healthy / self.places)
        return turning, np.where(senescent > 0, self.grid.removal.data, others)
