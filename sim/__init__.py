"""Senodrift: how cellular senescence spreads through tissue, and what stops it.

>>> import sim
>>> scenario = sim.load("configs/skin_graft.yaml", {"tissues.skin.shape": [64, 64]})
>>> results = sim.run(scenario, replicates=8, seed=1, workers=2)
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
_HOMES = {
    "load": "sim.scenario.load",
    "from_dict": "sim.scenario.load",
    "Scenario": "sim.scenario.load",
    "read_cells": "sim.scenario.cell_table",
    "run": "sim.experiment.run",
    "sweep": "sim.experiment.sweep",
    "search_law": "sim.experiment.search",
    "branch": "sim.experiment.branch",
    "twin": "sim.experiment.twin",
    "save_checkpoint": "sim.experiment.checkpoint",
    "read_checkpoint": "sim.experiment.checkpoint",
    "read_results": "sim.results",
    "read_sweep": "sim.sweeps",
    "export": "sim.exchange.export",
    "Results": "sim.results",
    "compare": "sim.analysis.compare",
    "study": "sim.analysis.study",
    "rank": "sim.analysis.ranking",
    "shared_luck": "sim.analysis.luck",
    "HalfWidth": "sim.analysis.halfwidth",
    "patterns": "sim.analysis.patterns",
    "channels": "sim.analysis.channels",
    "which_channel": "sim.analysis.channel_choice",
    "channel_power": "sim.analysis.channel_choice",
    "turnover": "sim.analysis.turnover",
    "fit_search": "sim.analysis.search",
    "early_warning": "sim.analysis.early_warning",
    "share_and_effect": "sim.analysis.shares",
    "sensitivity": "sim.analysis.sensitivity",
    "survival": "sim.analysis.survival",
    "survival_power": "sim.analysis.survival_power",
    "coupling": "sim.analysis.coupling",
    "explore": "sim.widgets",
    "write_report": "sim.report",
    "Simulation": "sim.simulation",
    "SenescenceModel": "sim.model",
    "Cell": "sim.engines.cell",
    "AgentsEngine": "sim.engines.agents",
    "CompiledEngine": "sim.engines.compiled",
    "rule": "sim.compiling",
    "kernel": "sim.compiling",
    "SimError": "sim.errors",
    "ScenarioError": "sim.errors",
}
__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    """Public names on first use (PEP 562), so that a worker does not pay for Mesa."""
    if name not in _HOMES:
        raise AttributeError(f"module sim has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
