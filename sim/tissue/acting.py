"""What drugs do to one tissue in one step: plain numbers by depth and cell type, the same for both engines.

Whoever doses writes them (`sim.organism.dosing`); the hazards of a site read them. Without drugs all shares are 1 and
all hazards 0, and multiplying by them changes no bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# Columns of `Acting.modifiers`: shares and multiples first, hazards last
INDUCTION = 0  # share of all induction that is left
IMMUNE = 1  # multiple of immune clearance
UNJAM = 2  # share of jamming that is left
REPAIR = 3  # multiple of repair
SYNTHESIS = 4  # share of the making of melanin that is left
TRANSFER = 5  # share of its transfer that is left
FACTORS = 6  # per factor f: response at FACTORS + 2 f, uptake at FACTORS + 2 f + 1 (shares that are left)
PER_FACTOR = 2
RESPONSE, UPTAKE = 0, 1


class Deeds(NamedTuple):
    """What K effects do to senescent cells, by cause (E), generation (0, 1, later) and type (T), in L layers."""

    strength: np.ndarray  # (K, L) hazard [1/d], or share that is inhibited
    weight: np.ndarray  # (K, E, 3, T)
    window: np.ndarray  # (K, 2) time since the cell turned [d], from and until
    code: np.ndarray  # (K,) int64 event codes (of secretion: unused)
    evadable: np.ndarray  # (K,) 1 where refractory cells are spared


class Acting(NamedTuple):
    """All that acts in a step; L layers of depth, T cell types, F factors, H hazards on healthy cells."""

    layer: np.ndarray  # (n,) uint16 layer of each site; (1,) where there is one layer
    modifiers: np.ndarray  # (L, T, FACTORS + 2 F + H)
    healthy_codes: np.ndarray  # (H,) int64 event codes of the last columns
    on_senescent: Deeds
    on_secretion: Deeds
    inhibited: np.ndarray  # (K, F) bool: which factors each effect on secretion acts on
    neutralised: np.ndarray  # (F,) additional decay, in multiples of the factor's own
    uptake_left: np.ndarray  # (F, T) share of the uptake that is left, mean over depth


def no_deeds(n_codes: int, n_types: int, k: int = 0, layers: int = 1) -> Deeds:
    """`k` effects on senescent cells without any strength yet, on all cells alike."""
    window = np.tile([0.0, np.inf], (k, 1))
    return Deeds(
        np.zeros((k, layers)), np.ones((k, n_codes, 3, n_types)), window, np.zeros(k, np.int64), np.zeros(k, np.int64)
    )


def nothing_acts(n_factors: int, n_types: int, n_codes: int, n_healthy: int = 0) -> Acting:
    """No drug: shares 1, hazards 0."""
    modifiers = np.ones((1, n_types, FACTORS + PER_FACTOR * n_factors + n_healthy))
    modifiers[:, :, FACTORS + PER_FACTOR * n_factors :] = 0.0
    none = no_deeds(n_codes, n_types)
    return Acting(
        np.zeros(1, np.uint16), modifiers, np.zeros(n_healthy, np.int64), none, none, np.zeros((0, n_factors), bool),
        np.zeros(n_factors), np.ones((n_factors, n_types)),
    )  # fmt: skip
