"""Mean effects of drugs to what acts on the sites of one tissue: by depth, cell type, cause, generation and time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from sim.compiling import kernel
from sim.rules.pharmacology import left_by
from sim.scenario import causes
from sim.scenario.drug import GENERATIONS, Drug, Effect, scale
from sim.scenario.schema import Settings
from sim.schedule import ROUNDING
from sim.tissue.acting import (
    FACTORS,
    IMMUNE,
    INDUCTION,
    PER_FACTOR,
    REPAIR,
    RESPONSE,
    SYNTHESIS,
    TRANSFER,
    UNJAM,
    UPTAKE,
    Acting,
    Deeds,
    no_deeds,
    nothing_acts,
)
from sim.tissue.build import depths
from sim.tissue.patch import Patch

DEEDS_ON_SENESCENT = {"kill_senescent": causes.KILLED, "rejuvenate": causes.REVERSED}
DEEDS_ON_HEALTHY = {"kill_healthy": causes.OFF_TARGET, "induce_senescence": causes.INDUCED}
REDUCING = {
    "inhibit_induction": INDUCTION, "raise_maintenance": INDUCTION, "unjam_immune": UNJAM,
    "inhibit_melanin_synthesis": SYNTHESIS, "inhibit_melanin_transfer": TRANSFER,
}  # fmt: skip
BOOSTING = {"boost_immune": IMMUNE, "boost_repair": REPAIR}
Means = Mapping[str, np.ndarray]  # drug to (K, L) mean effects over a step, in the order of the drug's effects


class Assembly:
    """What the given drugs can do to one patch.

    Attributes
    ----------
    depths : (L,) float array
        Depth of each layer [um]; one layer where depth matters to no drug.
    shares : (L,) float array
        Share of the sites in each layer.
    nothing : Acting
        What acts where no drug does.
    """

    def __init__(self, settings: Settings, patch: Patch, drugs: Mapping[str, Drug], deep: bool) -> None:
        self.settings, self.patch, self.drugs = settings, patch, drugs
        self.factors, self.types = list(settings.factors), list(patch.tissue.cell_types)
        self.codes = causes.event_names(settings)
        where = depths(patch.tissue, patch.geometry) if deep else np.zeros(1)  # one stands for all
        self.depths, layer = np.unique(where, return_inverse=True)
        exists = patch.geometry.exists if deep else None
        there = layer if exists is None else layer[exists]
        self.shares = np.bincount(there, minlength=self.depths.size) / there.size
        self._killers = list(self._of_kinds(DEEDS_ON_SENESCENT))
        self._silencers = list(self._of_kinds(("inhibit_secretion",)))
        self._on_healthy = list(self._of_kinds(DEEDS_ON_HEALTHY))
        healthy_codes = [self._code(drug, DEEDS_ON_HEALTHY[e.kind]) for drug, _, e in self._on_healthy]
        nothing = nothing_acts(len(self.factors), len(self.types), len(self.codes), len(healthy_codes))
        layers = layer.astype(np.uint16) if self.depths.size > 1 else np.zeros(1, np.uint16)
        self.nothing = nothing._replace(
            layer=layers,
            modifiers=np.repeat(nothing.modifiers, self.depths.size, axis=0),
            healthy_codes=np.array(healthy_codes, np.int64),
            on_senescent=self._deeds(self._killers, DEEDS_ON_SENESCENT),
            on_secretion=self._deeds(self._silencers, {}),
            inhibited=np.array([self._acts_on(e) for _, _, e in self._silencers], bool).reshape(
                len(self._silencers), len(self.factors)
            ),
        )

    def _of_kinds(self, kinds: object) -> Iterator[tuple[str, int, Effect]]:
        """Drug, place among its effects and effect, of all effects of these kinds."""
        for name, drug in self.drugs.items():
            for k, effect in enumerate(drug.effects.values()):
                if effect.kind in kinds:  # type: ignore[operator]
                    yield name, k, effect

    def _code(self, drug: str, deed: int) -> int:
        return causes.first_drug(self.settings) + causes.PER_DRUG * list(self.settings.drugs).index(drug) + deed

    def _acts_on(self, effect: Effect) -> list[bool]:
        return [not effect.factors or name in effect.factors for name in self.factors]

    def _deeds(self, found: list[tuple[str, int, Effect]], deeds: Mapping[str, int]) -> Deeds:
        """The effects without their strength, which is of the step."""
        table = no_deeds(len(self.codes), len(self.types), len(found), self.depths.size)
        for i, (drug, _, effect) in enumerate(found):
            by_cause = np.array([scale(effect.by_cause, name) for name in self.codes])
            by_generation = np.array([scale(effect.by_generation, name) for name in GENERATIONS])
            table.weight[i] = by_cause[:, None, None] * by_generation[:, None] * self._by_type(effect)
            table.window[i] = effect.senescent_from, effect.senescent_until
            table.window[i] -= ROUNDING * self.settings.dt  # ages are differences of rounded times
            table.code[i] = self._code(drug, deeds[effect.kind]) if deeds else 0
            table.evadable[i] = effect.kind == "kill_senescent"
        return table

    def _by_type(self, effect: Effect) -> np.ndarray:
        """Multiplier of the effect in this tissue, per cell type."""
        return np.array([scale(effect.by_type, name) for name in self.types]) * scale(effect.by_tissue, self.patch.name)

    # ------------------------------------------------------------------------------------------------------- a step

    def acting(self, means: Means) -> Acting:
        """All that acts in a step with these mean effects."""
        if not any(effects.any() for effects in means.values()):
            return self.nothing
        modifiers = self.nothing.modifiers.copy()
        neutralised, uptake_left = self.nothing.neutralised.copy(), self.nothing.uptake_left.copy()
        for name, drug in self.drugs.items():
            for k, effect in enumerate(drug.effects.values()):
                self._modify(modifiers, effect, means[name][k])
                if effect.kind == "neutralise":
                    more = float(means[name][k] @ self.shares) * scale(effect.by_tissue, self.patch.name)
                    neutralised += more * np.array(self._acts_on(effect))
        first = FACTORS + PER_FACTOR * len(self.factors)
        for column, (name, k, effect) in enumerate(self._on_healthy, first):
            modifiers[:, :, column] = means[name][k][:, None] * self._by_type(effect)
        for f in range(len(self.factors)):
            uptake_left[f] = self.shares @ modifiers[:, :, FACTORS + PER_FACTOR * f + UPTAKE]
        return self.nothing._replace(
            modifiers=modifiers,
            on_senescent=self.nothing.on_senescent._replace(strength=_strengths(self._killers, means, self.depths)),
            on_secretion=self.nothing.on_secretion._replace(strength=_strengths(self._silencers, means, self.depths)),
            neutralised=neutralised,
            uptake_left=uptake_left,
        )

    def _modify(self, modifiers: np.ndarray, effect: Effect, mean: np.ndarray) -> None:
        """Inhibitions multiply, and so do boosts."""
        weight = self._by_type(effect)
        if effect.kind in REDUCING:
            reduce(modifiers[:, :, REDUCING[effect.kind]], mean, weight)
        elif effect.kind in BOOSTING:
            modifiers[:, :, BOOSTING[effect.kind]] *= 1.0 + mean[:, None] * weight
        elif effect.kind in ("inhibit_response", "block_uptake"):
            which = RESPONSE if effect.kind == "inhibit_response" else UPTAKE
            for f in np.flatnonzero(self._acts_on(effect)).tolist():
                reduce(modifiers[:, :, FACTORS + PER_FACTOR * f + which], mean, weight)

    def immune_killing(self, means: Means) -> float:
        """Hazard at which drugs kill immune cells [1/d], mean over depth."""
        return sum(
            float(means[name][k] @ self.shares) * scale(effect.by_tissue, self.patch.name)
            for name, k, effect in self._of_kinds(("kill_immune",))
        )


def _strengths(found: list[tuple[str, int, Effect]], means: Means, layers: np.ndarray) -> np.ndarray:
    """Mean effects of the step, (K, L)."""
    return np.array([means[name][k] for name, k, _ in found]).reshape(len(found), layers.size)


@kernel
def reduce(shares, effect, weight):  # type: ignore[no-untyped-def]
    """Shares (L, T) that an inhibition by depth, scaled by type, leaves, in place."""
    for layer in range(shares.shape[0]):
        for kind in range(shares.shape[1]):
            shares[layer, kind] *= left_by(effect[layer], weight[kind])
