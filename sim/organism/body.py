"""The body as a whole: its burden over all tissues, by the number of cells that each stands for, and its blood."""

from __future__ import annotations

from collections.abc import Mapping

from sim.organism.blood import Blood, in_blood
from sim.scenario.schema import Settings
from sim.tissue.keeping import CodeMap, State
from sim.tissue.patch import Patch
from sim.tissue.pool import Pool


class Body:
    """What the tissues of one individual have in common.

    Attributes
    ----------
    blood : dict of Blood
        By factor that circulates.
    pools : dict of Pool
        Immune cells in the blood, by kind of patrol that circulates.
    """

    def __init__(self, settings: Settings, patches: Mapping[str, Patch]) -> None:
        self._patches = {name: patches[name] for name in sorted(patches)}  # sums do not depend on who is named first
        self._dt = settings.dt
        sizes = {name: patch.n_cells * patch.cells_per_site for name, patch in self._patches.items()}
        self.shares = {name: size / max(1.0, sum(sizes.values())) for name, size in sizes.items()}
        self.pools = {kind: Pool(circulation) for kind, circulation in settings.body.circulation.items()}
        for patch in self._patches.values():
            for troop in patch.patrols.troops:
                if troop.circulates:
                    troop.pool, troop.stands_for = self.pools[troop.name], patch.cells_per_site
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
        sharing = [patch for patch in self._patches.values() if patch.tissue.clearance.saturation == "body"]
        burden = self.burden if sharing else 0.0
        for patch in sharing:
            patch.body_burden = burden

    def transport(self, neutralised: Mapping[str, float]) -> None:
        """One exact step of every factor in all tissues and in the blood, where drugs may neutralise some of them."""
        means: dict[str, dict[int, float]] = {name: {} for name in self._patches}
        for name, blood in self.blood.items():
            for tissue, mean in blood.advance(neutralised.get(name, 0.0)).items():
                means[tissue][self._factors[name]] = mean
        for name, patch in self._patches.items():
            patch.transport(means[name])
        self._tell_levels()

    def circulate(self, day: float) -> None:
        """Immune cells in the blood are renewed, before the patrols of a step enter and leave."""
        for pool in self.pools.values():
            pool.open(day, self._dt)

    def _tell_levels(self) -> None:
        for name, blood in self.blood.items():
            for patch in self._patches.values():
                patch.in_blood[self._factors[name]] = blood.level

    def state(self) -> State:
        """What circulates."""
        return {
            "blood": {name: blood.state() for name, blood in self.blood.items()},
            "pools": {kind: pool.state() for kind, pool in self.pools.items()},
        }

    def restore(self, state: State, codes: CodeMap) -> None:
        """Continue from `state`, bit for bit; a pool that was not there is full, a plasma empty."""
        for name, blood in self.blood.items():
            blood.restore(state.get("blood", {}).get(name, {}))
        for kind, pool in self.pools.items():
            pool.restore(state.get("pools", {}).get(kind, {}))
        self._tell_levels()
