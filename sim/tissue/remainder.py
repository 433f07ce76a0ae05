"""What attribution remembers of the past of a factor: the field of day 0, and what standing cells gave off before."""

from __future__ import annotations

import numpy as np

from sim.fields import Array, Floats, Spectral, Transport, WellMixed
from sim.rules.induction import accumulated_cargo
from sim.scenario.schema import Settings
from sim.tissue.build import build_transport
from sim.tissue.patch import Patch

GONE = 1e-9  # share of the field of day 0 (or of the dose from it) below which there is nothing left to explain


class Remainder:
    """What is left of the field of day 0, as it would be without any source since."""

    def __init__(self, settings: Settings, patch: Patch, f: int) -> None:
        transport = patch.transports[f]
        self._copy: Spectral | WellMixed | None = None
        if isinstance(transport, Spectral | WellMixed) and transport.rests and transport.field.any():
            copy = build_transport(patch.factors[f], patch.tissue, patch.geometry, settings.dt)
            assert isinstance(copy, Spectral | WellMixed)
            copy.restore(transport.state())
            self._copy, self._start = copy, float(copy.field.max())

    @property
    def field(self) -> Array:
        """The level that is left, in the shape of the transport; a single 0 once it is gone."""
        return np.zeros(1) if self._copy is None else self._copy.field

    def advance(self, transport: Transport) -> None:
        """One step with the decay that the factor has in it."""
        if self._copy is not None:
            assert isinstance(transport, Spectral | WellMixed)
            self._copy.set_decay(transport.decay)
            self._copy.advance(np.zeros(self._copy.shape, self._copy.field.dtype))
            if float(self._copy.field.max()) < GONE * self._start:
                self._copy = None

    def state(self) -> dict[str, Array]:
        """Copies of all that a checkpoint must keep; nothing once it is gone."""
        return {} if self._copy is None else {**self._copy.state(), "start": np.array(self._start)}

    def restore(self, state: dict[str, Array]) -> None:
        """Continue from `state`."""
        if not state:
            self._copy = None
        elif self._copy is not None:
            self._copy.restore(state)
            self._start = float(state["start"])


class Remembered:
    r"""What a site of each tissue would hold as cargo of what one site gave off, had it taken all of it up.

    .. math:: dS/dt = s - S / \tau

    the memory of cargo, so that the dose of a cell at x is A (G S)(x) in the quasi-steady state, A its affinity.

    Attributes
    ----------
    secretion : (n,) float array
        S of the cells that stand [unit of s times d].
    initial : (n,) float array
        Dose of each cell that it took up from what was left of the field of day 0.
    """

    def __init__(self, n_sites: int, uptake_shape: tuple[int, int]) -> None:
        self.secretion, self.initial = np.zeros(n_sites), np.zeros(n_sites)
        self._uptake, self._length = np.zeros(uptake_shape), np.zeros(1)

    def add(self, given_off: Floats, uptake: Floats, from_day_0: Floats, keep: float, memory: float) -> None:
        """One step; `uptake` (L, T) is the affinity by depth and type, `from_day_0` (n,) uptake of the old field."""
        self.secretion = accumulated_cargo(self.secretion, given_off, keep, memory)  # type: ignore[arg-type,assignment]
        self._uptake = accumulated_cargo(self._uptake, uptake, keep, memory)  # type: ignore[arg-type,assignment]
        self._length = accumulated_cargo(self._length, 1.0, keep, memory)  # type: ignore[arg-type,assignment]
        if from_day_0.any() or self.initial.any():
            self.initial = accumulated_cargo(self.initial, from_day_0, keep, memory)  # type: ignore[arg-type,assignment]
            self.initial[self.initial < GONE * self.initial.max()] = 0.0

    def mean_affinity(self) -> Floats:
        """Affinity by depth and type, a mean over the memory: a dose was taken up before the drug of today."""
        return np.asarray(self._uptake / self._length)

    def forget(self, sites: Array) -> None:
        """Other cells stand on these sites now."""
        self.secretion[sites] = self.initial[sites] = 0.0

    def state(self) -> dict[str, Array]:
        """Copies of all that a checkpoint must keep."""
        return {name: array.copy() for name, array in vars(self).items()}

    def restore(self, state: dict[str, Array]) -> None:
        """Continue from `state`."""
        for name, array in state.items():
            setattr(self, name, array.copy())
