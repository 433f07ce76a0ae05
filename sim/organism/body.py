"""The body as a whole: its burden over all tissues, by the number of cells that each stands for, and its blood."""

from __future__ import annotations

from collections.abc import Mapping

from sim.organism.blood import Blood, in_blood
from sim.scenario.schema import Settings
from sim.tissue.keeping import CodeMap, State
from sim.tissue.patch import Patch


class Body:
    """What the tissues of one individual have in common.

    Attributes
    ----------
    blood : dict of Blood
        By factor that circulates.
    """

    def __init__(self, settings: Settings, patches: Mapping[str, Patch]) -> None:
        self._patches = patches
        sizes = [float(patch.tissue.represents or patch.n_cells) for patch in patches.values()]
        self.shares = {name: size / max(1.0, sum(sizes)) for name, size in zip(patches, sizes, strict=True)}
        self.blood = {name: Blood(name, settings, patches) for name in in_blood(settings)}
        self._factors = {name: f for f, name in enumerate(settings.factors)}
        for name, blood in self.blood.items():
            for tissue, mean in blood.settle().items():
                patches[tissue].settle_mean(self._factors[name], mean)
        self._tell_levels()
        for patch in patches.values():
            patch.settle_immunity()

    @property
    def burden(self) -> float:
        """Whole-body burden [%]."""
        return sum(self.shares[name] * patch.burden for name, patch in self._patches.items())

    def tell_burden(self) -> None:
        """Tissues whose removal saturates with the burden of the body learn how large it is."""
        for patch in self._patches.values():
            if patch.tissue.clearance.saturation == "body":
                patch.body_burden = self.burden

    def transport(self) -> None:
        """One exact step of every factor in all tissues and in the blood."""
        means: dict[str, dict[int, float]] = {name: {} for name in self._patches}
        for name, blood in self.blood.items():
            for tissue, mean in blood.advance().items():
                means[tissue][self._factors[name]] = mean
        for name, patch in self._patches.items():
            patch.transport(means[name])
        self._tell_levels()

    def _tell_levels(self) -> None:
        for name, blood in self.blood.items():
            for patch in self._patches.values():
                patch.in_blood[self._factors[name]] = blood.level

    def state(self) -> State:
        """What circulates."""
        return {name: blood.state() for name, blood in self.blood.items()}

    def restore(self, state: State, codes: CodeMap) -> None:
        """Continue from `state`, bit for bit."""
        for name, blood in self.blood.items():
            blood.restore(state[name])
        self._tell_levels()
