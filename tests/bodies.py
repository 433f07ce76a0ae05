"""Tiny bodies for tests: quiet tissues of ten by ten cells that share a factor through the blood."""

from __future__ import annotations

from typing import Any

import numpy as np
from worlds import QUIET, together

from sim.scenario.load import from_dict
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree
from sim.simulation import Simulation

SENDING: Tree = {"initial": {"burden": 20}}  # for a month, so that they give off what they ever will


def organ(*changes: Tree, shape: tuple[int, ...] = (10, 10)) -> Tree:
    """A quiet tissue with the `changes` made."""
    return together(QUIET, {"shape": list(shape)}, *changes)


def body(tissues: dict[str, Tree], *changes: Tree, blood: Tree | None = None, **factor: Any) -> Settings:
    """Tissues that share the factor SASP, and nothing more unless `changes` say so."""
    about = {"reach": 30, **factor, **({} if blood is None else {"blood": blood})}
    tree: Tree = {"days": 1000, "dt": 0.5, "age_at_start": 0, "tissues": tissues, "factors": {"SASP": about}}
    return from_dict(together(tree, *changes)).common


def steps(simulation: Simulation, n: int) -> Simulation:
    for _ in range(n):
        simulation.step()
    return simulation


def means(simulation: Simulation) -> np.ndarray:
    """Mean level of SASP in every tissue, and in the plasma."""
    levels = [patch.mean_level(0) for patch in simulation.patches.values()]
    return np.array([*levels, simulation.body.blood["SASP"].level])


def disturb(simulation: Simulation, *levels: float) -> Simulation:
    """Set these means, and the plasma level."""
    for patch, level in zip(simulation.patches.values(), levels, strict=False):
        patch.settle_mean(0, level)
    simulation.body.blood["SASP"].level = levels[-1]
    return simulation


def sources(simulation: Simulation) -> np.ndarray:
    """What is given off in every tissue and in the plasma [1/d]; the simulation is of no use after that."""
    for patch in simulation.patches.values():
        patch.secrete(simulation.day)
    return np.array([*(patch.mean_source(0) for patch in simulation.patches.values()), 0.0])
