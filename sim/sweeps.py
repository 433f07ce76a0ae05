"""Tables of a sweep: which point gave which outcome. Plain tables, read from a folder or made in a test."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

RUN_KEYS = ["point", "arm", "replicate"]


@dataclass
class SweepResults:
    """What a sweep has given so far.

    Attributes
    ----------
    manifest : dict
        ``sweep`` (name), ``scenario``, ``question``, ``arms``, ``tissues``, ``factors``, ``replicates``, ``seed``, ``method``,
        ``design`` (as in the sweep file), ``complete`` (whether no run is missing), versions.
    points : DataFrame
        ``point`` and one column per dotted path of the design, with the values as the design has them (a quantity with a unit is
        text, ``"14 mg/kg"``).
    outcomes : DataFrame
        One row per point, arm, replicate and tissue of the finished runs: ``point arm replicate tissue day``, the other
        columns of the last row of the time series, and all derived outcomes of `sim.analysis.outcomes`.
    runs : DataFrame
        One row per point, arm and replicate: ``run`` (content address), ``status``, ``stage``, ``message``, ``wall_s``, ``host``.
    folder : Path or None
        Where the tables are.
    """

    manifest: dict[str, Any]
    points: pd.DataFrame
    outcomes: pd.DataFrame
    runs: pd.DataFrame = field(default_factory=pd.DataFrame)
    folder: Path | None = None

    @property
    def arms(self) -> list[str]:
        """Arms in the order of the scenario."""
        return list(self.manifest["arms"])

    @property
    def tissues(self) -> list[str]:
        """Tissues in the order of the scenario."""
        return list(self.manifest["tissues"])

    @property
    def keys(self) -> list[str]:
        """Dotted paths that the design varies."""
        return [name for name in self.points.columns if name != "point"]
