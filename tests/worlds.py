"""Tiny worlds for tests: a quiet tissue in which nothing happens, and small changes that let one thing happen."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.scenario.load import from_dict
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree, merge
from sim.simulation import Simulation
from sim.tissue.patch import Patch

SPACING = 10.0  # um
QUIET: Tree = {
    "cell_spacing": SPACING,
    "damage": {"baseline": 0, "per_year": 0},
    "clearance": {"max_rate": 0},
    "repair": {"rate": 0},
}
BOUNDARIES: dict[str, list[str]] = {  # per axis (z,) y, x; a plane takes the last two
    "reflecting": ["reflecting"] * 3,
    "periodic": ["periodic"] * 3,
    "absorbing": ["absorbing"] * 3,
    "mixed": ["absorbing", "periodic", "reflecting"],
}


def together(*changes: Tree) -> Tree:
    """Several changes as one, each like an arm: mappings deep, None removes."""
    whole: Tree = {}
    for change in changes:
        for key, value in change.items():
            below = whole.get(key)
            whole[key] = together(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return whole


def world(*changes: Tree, shape: tuple[int, ...] = (12, 12), **top: Any) -> Settings:
    """Settings of a quiet lattice with the `changes` made."""
    tree: Tree = {"days": 1000, "dt": 0.5, "age_at_start": 0, **top}
    tree["tissues"] = {"patch": together(QUIET, {"shape": list(shape)})}
    return from_dict(merge(tree, together(*changes))).common


def as_tree(settings: Settings) -> Tree:
    """What a scenario file of these settings would hold."""
    return settings.model_dump(exclude_none=True, exclude_unset=True)


def tissue(**sections: Any) -> Tree:
    """Changes to the tissue."""
    return {"tissues": {"patch": sections}}


def factor(name: str = "SASP", **sections: Any) -> Tree:
    """A factor, or changes to one."""
    return {"factors": {name: sections}}


def event(name: str = "graft", **sections: Any) -> Tree:
    """An event, or changes to one."""
    return {"events": {name: sections}}


def drug(*effects: Tree, amount: float = 10.0, **more: Any) -> Tree:
    """A drug that stays for days, given at the start and every other day; `effects` by their kind."""
    about = {"half_life": "2 d", "route": "bolus", **more, "effects": together(*effects)}
    return {"drugs": {"drug": about}, "treatments": {"course": {"drug": "drug", "amount": amount, "interval": 2}}}


def effect(kind: str, emax: float, **more: Any) -> Tree:
    """One effect, half of it at a concentration of 5."""
    return {kind: {"emax": emax, "ec50": 5, **more}}


def walls(kind: str, dimension: int) -> Tree:
    """Boundaries by their name in `BOUNDARIES`."""
    return tissue(boundary=BOUNDARIES[kind][-dimension:])


def cloud(positions: np.ndarray, extent: tuple[float, ...], **links: Any) -> Tree:
    """Cells at given places instead of the lattice."""
    at = {"positions": positions.tolist(), "extent": list(extent), "voxel_spacing": SPACING, "links": links}
    return tissue(shape=None, cloud=at)


def points_of(shape: tuple[int, ...], voxel_cells: int = 1) -> Tree:
    """The cloud of the points of a lattice with Moore neighbours."""
    index = np.indices(shape).reshape(len(shape), -1)
    change = cloud((index[::-1].T + 0.5) * SPACING, tuple(n * SPACING for n in shape[::-1]), radius=1.8 * SPACING)
    return together(change, tissue(cloud={"voxel_spacing": voxel_cells * SPACING}))


def scattered(n: int, dimension: int, side: float, seed: int = 5) -> Tree:
    """A cloud of cells at random places, linked to what lies within 1.7 spacings."""
    places = np.random.default_rng(seed).random((n, dimension)) * side
    return cloud(places, (side,) * dimension, radius=1.7 * SPACING)


def start(settings: Settings, replicate: int = 0, seed: int = 1, **how: Any) -> Simulation:
    """A simulation on day 0."""
    return Simulation(settings, replicate, seed, **how)


def run(settings: Settings, steps: int, replicate: int = 0, seed: int = 1, **how: Any) -> Patch:
    """The patch after some steps."""
    simulation = start(settings, replicate, seed, **how)
    for _ in range(steps):
        simulation.step()
    return simulation.patches["patch"]


def counts(patch: Patch) -> dict[str, int]:
    """Events so far, by name."""
    return dict(zip(patch.event_names, patch.cum.tolist(), strict=True))


def assert_same(one: Patch, other: Patch, *, without: tuple[str, ...] = ()) -> None:
    """Cells, levels and events agree to the last bit."""
    arrays, others = one.cells.arrays(), other.cells.arrays()
    for name in arrays.keys() - set(without):
        np.testing.assert_array_equal(arrays[name], others[name], err_msg=name, strict=True)
    if "levels" not in without:
        np.testing.assert_array_equal(one.levels, other.levels, err_msg="levels", strict=True)
    if "cum" not in without:
        assert counts(one) == counts(other)
