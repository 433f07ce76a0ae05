"""Factors in the blood, which all connected tissues share: the means of a factor and its plasma level, one exact step.

Blood touches the mean of a tissue only: it gives evenly and takes in proportion to the level, so that every other mode
of a field decays as it would alone, with the leak added to its decay.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sim.rules.exchange import exchange_rates
from sim.scenario.factor import Factor
from sim.scenario.places import organ_volume
from sim.scenario.schema import Settings
from sim.tissue.keeping import State
from sim.tissue.patch import Patch

Floats = npt.NDArray[np.float64]

SMALL = 0.5  # share of a compartment that may leave in the first, smallest step
TERMS = 20  # of the series of an exponential, whose matrix has a norm of at most 1


class Exchange:
    """Who exchanges a factor with the blood, and how fast: numbers of a scenario, before anything runs.

    Attributes
    ----------
    tissues : list of str
        Those that leak, n of them; by name, so that their order in the file does not matter.
    volumes : (n + 1,) array
        Of the organs and, last, of the blood [mm^3].
    rates : (n + 1, n + 1) array
        Flow from compartment (column) to compartment (row), per day and amount there [1/d].
    entering : (n,) array
        What the level of a tissue gains per plasma level [1/d].
    loss : float
        In the plasma [1/d].
    """

    def __init__(self, name: str, settings: Settings) -> None:
        blood = settings.factors[name].blood
        assert blood is not None
        self.tissues = sorted(tissue for tissue in settings.tissues if blood.exchange(tissue) > 0.0)
        volumes = [organ_volume(settings.tissues[tissue]) for tissue in self.tissues]
        self.volumes = np.array([*volumes, settings.body.blood_volume])
        self.rates = np.zeros((len(self.volumes),) * 2)
        self.entering = np.zeros(len(self.tissues))
        self.loss = math.log(2.0) / blood.half_life
        for i, tissue in enumerate(self.tissues):
            leak, tropism = blood.exchange(tissue), blood.tropism.get(tissue, 1.0)
            _, leaving, self.entering[i] = exchange_rates(leak, tropism, volumes[i], settings.body.blood_volume)
            self.rates[-1, i], self.rates[i, -1] = leak, leaving

    def tables(self, losses: Floats, dt: float) -> tuple[Floats, Floats]:
        """Exact step of all levels, those of the tissues and, last, of the plasma; `losses` (n + 1,) for good [1/d].

        What is kept of the levels (n + 1, n + 1), and what constant sources, levels per day, add [d].
        """
        kept, gained = exact_tables(self.rates, losses, dt)
        to_levels = self.volumes / self.volumes[:, None]
        return kept * to_levels, gained * to_levels

    def at_rest(self, alone: Floats, losses: Floats) -> tuple[Floats, float]:
        """Levels at rest of the tissues (n,) and of the plasma.

        Sources are those that keep up the means `alone` (n,) while nothing comes back from the blood; `losses` (n,) are
        for good [1/d]. Of what enters a tissue the blood loses the share that is lost there. Where nothing is ever lost
        there is no rest, and the plasma has nothing.
        """
        leaks, of_blood = self.rates[-1, :-1], self.rates[:-1, -1]
        decays = losses + leaks
        loss = self.loss + float(of_blood @ (losses / decays))
        level = float(self.volumes[:-1] @ (leaks * alone)) / (self.volumes[-1] * loss) if loss > 0.0 else 0.0
        return alone + self.entering / decays * level, float(level)


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
        self.name, self.level = name, 0.0
        self._f, self._dt = list(settings.factors).index(name), settings.dt
        self._exchange = Exchange(name, settings)
        self._patches = [patches[tissue] for tissue in self._exchange.tissues]
        self._losses: Floats | None = None  # to which the tables belong
        self._kept = self._gained = np.zeros(0)

    def advance(self, neutralised: float = 0.0) -> dict[str, float]:
        """One step with the sources of now; returns the mean of every connected tissue after it.

        A drug in the plasma adds `neutralised` times the loss there.
        """
        exchange = self._exchange
        losses = np.append(self._losses_now(), exchange.loss * (1.0 + neutralised))
        if self._losses is None or not np.array_equal(self._losses, losses):
            self._losses, (self._kept, self._gained) = losses, exchange.tables(losses, self._dt)
        sources = np.array([*(patch.mean_source(self._f) for patch in self._patches), 0.0])
        after = self._kept @ np.array([*self._means(), self.level]) + self._gained @ sources
        *means, self.level = after.tolist()
        return dict(zip(exchange.tissues, means, strict=True))

    def settle(self) -> dict[str, float]:
        """Begin at rest: the means to which the sources lead that kept those of now without the blood."""
        means, self.level = self._exchange.at_rest(np.array(self._means()), self._losses_now())
        return dict(zip(self._exchange.tissues, means.tolist(), strict=True))

    def _means(self) -> list[float]:
        return [patch.mean_level(self._f) for patch in self._patches]

    def _losses_now(self) -> Floats:
        """What is lost for good in every tissue [1/d]."""
        return np.array([patch.loss(self._f) for patch in self._patches])

    def state(self) -> State:
        """The plasma level; the means belong to the tissues."""
        return {"level": np.array(self.level)}

    def restore(self, state: State) -> None:
        """Continue from `state`, bit for bit; a factor that did not circulate begins with an empty plasma."""
        self.level = float(state.get("level", 0.0))


def exact_tables(rates: Floats, losses: Floats, dt: float) -> tuple[Floats, Floats]:
    r"""Where amounts are after a step: of what was there, and of what constant sources gave.

    .. math:: x(t + dt) = e^{A\,dt} x + \int_0^{dt} e^{A\,u}\,du\; s

    Parameters
    ----------
    rates : (n, n) array
        Flow from compartment (column) to compartment (row), per day and amount there [1/d].
    losses : (n,) array
        What every compartment loses for good [1/d].
    dt : float
        Step [d].

    Returns
    -------
    (n, n) array, (n, n) array
        Shares, and times [d].

    Notes
    -----
    What is lost is one more compartment, so that all shares of a column sum to 1. A small step is doubled until it is
    `dt`; shares that move and times are sums of products, all positive, and shares that stay are what is missing to 1.
    So an amount is kept to rounding however far apart the rates are, as in Grassmann, Taksar & Heyman (1985), Oper Res
    33:1107; a plain matrix exponential loses 2e-5 of it at 1e12 exchanges per step.
    """
    n = len(losses)
    matrix = np.zeros((n + 1, n + 1))
    matrix[:n, :n], matrix[n, :n] = rates, losses
    leaving = matrix.sum(axis=0)
    doublings = max(0, math.ceil(math.log2(max(1e-300, float(leaving.max()) * dt / SMALL))))
    first = dt / 2.0**doublings
    matrix -= np.diag(leaving)
    kept, gained, term = np.eye(n + 1), np.eye(n + 1), np.eye(n + 1)
    for k in range(1, TERMS):
        term = term @ matrix * (first / k)
        kept, gained = kept + term, gained + term / (k + 1.0)
    kept, gained = _shares(kept), np.maximum(gained * first, 0.0)  # nothing is negative but by rounding
    for _ in range(doublings):
        gained = gained + kept @ gained
        kept = _shares(kept @ kept)
    return kept[:n, :n], gained[:n, :n]


def _shares(table: Floats) -> Floats:
    """Columns that sum to 1, by their diagonal."""
    np.fill_diagonal(table, 0.0)
    table = np.maximum(table, 0.0)
    np.fill_diagonal(table, np.maximum(1.0 - table.sum(axis=0), 0.0))
    return table


def in_blood(settings: Settings) -> dict[str, Factor]:
    """The factors that circulate."""
    return {name: factor for name, factor in settings.factors.items() if factor.blood is not None}
