"""Factors in the blood, which all connected tissues share: the means of a factor and its plasma level, one exact step.

Blood touches the mean of a tissue only: it gives evenly and takes in proportion to the level, so that every other mode
of a field decays as it would alone, with the leak added to its decay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.linalg import expm

from sim.rules.exchange import exchange_rates
from sim.scenario.checks import organ_volume
from sim.scenario.factor import Factor
from sim.scenario.schema import Settings
from sim.tissue.keeping import State
from sim.tissue.patch import Patch

Floats = npt.NDArray[np.float64]


class Blood:
    """One factor in the blood.

    Parameters
    ----------
    name : str
        The factor, which has the section `blood`.
    settings : Settings
    patches : dict of Patch
        All tissues; those without exchange are left out, and what they do changes nothing here.

    Attributes
    ----------
    level : float
        Of the factor in the plasma, in its unit.
    """

    def __init__(self, name: str, settings: Settings, patches: Mapping[str, Patch]) -> None:
        self.name, self._dt = name, settings.dt
        self._f = list(settings.factors).index(name)
        self._patches = [patch for patch in patches.values() if patch.leak[self._f] > 0.0]
        self.level = 0.0
        factor = settings.factors[name]
        assert factor.blood is not None
        self._loss = factor.blood.loss
        self._tropism = [factor.blood.tropism.get(patch.name, 1.0) for patch in self._patches]
        self._volumes = [organ_volume(patch.tissue) for patch in self._patches]
        self._blood_volume = settings.body.blood_volume
        self._tables: tuple[tuple[float, ...], Floats, Floats] = ((), np.zeros(0), np.zeros(0))

    def advance(self) -> dict[str, float]:
        """One step with the sources of now; returns the mean of every connected tissue after it."""
        decays = tuple(patch.decay(self._f) for patch in self._patches)  # leak included
        if self._tables[0] != decays:
            self._tables = (decays, *exact_tables(self._matrix(decays), self._dt))
        _, kept, gained = self._tables
        sources = [patch.mean_source(self._f) for patch in self._patches]
        after = kept @ np.array([*self._means(), self.level]) + gained @ np.array([*sources, 0.0])
        *means, self.level = after.tolist()
        return dict(zip((patch.name for patch in self._patches), means, strict=True))

    def settle(self) -> dict[str, float]:
        """The means to which the sources of now would lead; as they are where nothing is ever lost."""
        matrix = self._matrix(tuple(patch.decay(self._f) for patch in self._patches))
        sources = [patch.mean_source(self._f) for patch in self._patches]
        means = self._means()
        if sources and np.linalg.cond(matrix) < 1e12:
            *means, self.level = np.linalg.solve(-matrix, np.array([*sources, 0.0])).tolist()
        return dict(zip((patch.name for patch in self._patches), means, strict=True))

    def _means(self) -> list[float]:
        return [patch.mean_level(self._f) for patch in self._patches]

    def _matrix(self, decays: tuple[float, ...]) -> Floats:
        """Rates of change of the means (and, last, of the plasma level) by themselves [1/d]."""
        leaks = [float(patch.leak[self._f]) for patch in self._patches]
        return exchange_matrix(decays, self._loss, leaks, self._tropism, self._volumes, self._blood_volume)

    def state(self) -> State:
        """The plasma level; the means belong to the tissues."""
        return {"level": np.array(self.level)}

    def restore(self, state: State) -> None:
        """Continue from `state`, bit for bit."""
        self.level = float(state["level"])


def exchange_matrix(
    decays: Sequence[float],
    loss: float,
    leaks: Sequence[float],
    tropism: Sequence[float],
    volumes: Sequence[float],
    blood_volume: float,
) -> Floats:
    """Rates of change of the means of n tissues and, last, of the plasma level by themselves, (n + 1, n + 1) [1/d].

    ``decays`` of the means with what leaks, ``loss`` from the plasma, ``leaks`` all in 1/d; volumes in one unit.
    """
    n = len(decays)
    matrix = np.diag([*(-decay for decay in decays), -loss])
    for i, (leak, balance, volume) in enumerate(zip(leaks, tropism, volumes, strict=True)):
        into_blood, out_of_blood, into_tissue = exchange_rates(leak, balance, volume, blood_volume)
        matrix[n, i] = into_blood
        matrix[n, n] -= out_of_blood
        matrix[i, n] = into_tissue
    return matrix


def exact_tables(matrix: Floats, dt: float) -> tuple[Floats, Floats]:
    r"""What a linear system keeps of its state, and gains from constant sources, in a step.

    .. math:: x(t + dt) = e^{A\,dt} x + \int_0^{dt} e^{A\,u}\,du\; s
    """
    n = len(matrix)
    whole = np.zeros((2 * n, 2 * n))
    whole[:n, :n], whole[:n, n:] = matrix * dt, np.eye(n) * dt
    power = expm(whole)
    return np.maximum(power[:n, :n], 0.0), np.maximum(power[:n, n:], 0.0)  # nothing is negative but by rounding


def in_blood(settings: Settings) -> dict[str, Factor]:
    """The factors that circulate."""
    return {name: factor for name, factor in settings.factors.items() if factor.blood is not None}
