"""The states of a site, and the arrays that hold a tissue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

HEALTHY = 0
SENESCENT = 1
CLEARED = 2  # vacant until repaired
SCARRED = 3  # lost for good
ABSENT = 4  # a hole of the mask: no site, never changes, is nobody's neighbour
STATE_NAMES = ("healthy", "senescent", "cleared", "scarred")
EVADES_IMMUNITY, EVADES_DRUGS = 1, 2  # bits of `refractory`


def burden_of(n_healthy: int, n_senescent: int) -> float:
    """Senescent share of the cells that are there [%]; 0 where there are none."""
    return 100.0 * n_senescent / (n_healthy + n_senescent) if n_healthy + n_senescent else 0.0


@dataclass
class CellState:
    """One entry per site; every array is part of a checkpoint.

    Attributes
    ----------
    state, cell_type, cause, generation : (n,) uint8 arrays
        `cause` and `generation` belong to senescent cells and are 0 elsewhere.
    since : (n,) float64 array
        Day of entry into the state.
    divisions : (n,) int32 array
        Divisions of the cell and its mothers since the start.
    cargo : (n_cargo, n) float64 array
        Accumulated drift dose of healthy cells, one row per factor with cargo.
    refractory : (n,) uint8 array
        Whether a senescent cell evades immune killing, drugs, or both (bits).
    """

    state: np.ndarray
    cell_type: np.ndarray
    cause: np.ndarray
    generation: np.ndarray
    since: np.ndarray
    divisions: np.ndarray
    cargo: np.ndarray
    refractory: np.ndarray

    @classmethod
    def healthy(cls, n_sites: int, n_cargo: int) -> CellState:
        """A tissue of healthy cells of the first type."""
        state, cell_type, cause, generation, refractory = (np.zeros(n_sites, np.uint8) for _ in range(5))
        since, divisions, cargo = np.zeros(n_sites), np.zeros(n_sites, np.int32), np.zeros((n_cargo, n_sites))
        return cls(state, cell_type, cause, generation, since, divisions, cargo, refractory)

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name (not copies)."""
        return dict(self.__dict__)

    def copy(self) -> dict[str, np.ndarray]:
        """Copies of the arrays by name, for `restore`."""
        return {name: array.copy() for name, array in self.arrays().items()}

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Take over the values of `arrays`; the arrays stay the same objects."""
        for name, array in self.arrays().items():
            array[...] = arrays[name]
