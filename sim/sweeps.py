"""Tables of a sweep: which point gave which outcome. Plain tables, read from a folder or made in a test."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.errors import ResultsError
from sim.results import COLUMNS, DOSE_COLUMNS, EVENT_COLUMNS, Results, load_layers, read_results, stack

RUN_KEYS = ["point", "arm", "replicate"]
RUN_COLUMNS = ["run", "replicate", "status", "stage", "message", "wall_s", "host"]
TABLES_KEPT = ("timeseries", "organism", "events", "doses", "individuals")
NOT_RUN = {"status": "not run", "stage": "", "message": "", "host": ""}


@dataclass(repr=False)
class SweepResults:
    """What a sweep has given so far.

    Attributes
    ----------
    manifest : dict
        ``sweep`` (name), ``scenario``, ``question``, ``arms``, ``tissues``, ``factors``, ``replicates``, ``seed``,
        ``method``, ``design`` (as in the sweep file), ``complete`` (whether no run is missing), versions.
    points : DataFrame
        ``point`` and one column per dotted path of the design, with the values as the design has them (a quantity
        with a unit is text, ``"14 mg/kg"``).
    outcomes : DataFrame
        One row per point, arm, replicate and tissue of the finished runs: ``point arm replicate tissue day``, the other
        columns of the last row of the time series, and all derived outcomes of `sim.analysis.outcomes`.
    runs : DataFrame
        One row per point, arm and replicate: ``run`` (content address), ``status``, ``stage``, ``message``, ``wall_s``,
        ``host``.
    folder : Path or None
        Where the tables are.
    """

    manifest: dict[str, Any]
    points: pd.DataFrame
    outcomes: pd.DataFrame
    runs: pd.DataFrame = field(default_factory=pd.DataFrame)
    folder: Path | None = None

    def __repr__(self) -> str:
        statuses = self.runs["status"].value_counts() if len(self.runs) else {}
        runs = ", ".join(f"{count} {status}" for status, count in statuses.items())
        size = f"{len(self.points)} points x {len(self.arms)} arms"
        return f"Sweep {self.manifest.get('sweep', '')} ({size}; {runs or 'no runs'}) over {', '.join(self.keys)}"

    def table(self, name: str) -> pd.DataFrame:
        """Rows of all finished runs, with their point in front: `name` is ``timeseries``, ``organism``, ``events`` ...

        Raises
        ------
        ResultsError
            If the sweep kept summaries only.
        """
        if name not in TABLES_KEPT:
            raise ResultsError(f"sweep: table: must be one of {', '.join(TABLES_KEPT)}, got {name}")
        kept = self.manifest.get("output", "summary")
        if self.folder is None or kept == "summary":
            raise ResultsError(f"{self.folder or 'sweep'}: {name}: must be kept (output: timeseries), got {kept} only")
        return _by_point(_parts(self.folder, name), _places(self.folder), self.manifest)

    def maps(self, point: int, arm: str, replicate: int = 0, tissue: str | None = None) -> dict[str, np.ndarray]:
        """Layers by name, each (days, *shape), with ``days`` (d) and ``spacing`` (um), of one run.

        Parameters
        ----------
        point, arm, replicate
            The run.
        tissue
            The first one, if not given.

        Raises
        ------
        ResultsError
            If no maps were kept for it.
        """
        runs = self.runs.query("point == @point and arm == @arm and replicate == @replicate")["run"].tolist()
        where = self.tissues[0] if tissue is None else tissue
        path = (self.folder or Path()) / "maps" / f"{runs[0] if runs else 'none'}-{replicate}-{where}.npz"
        if not path.is_file():
            raise ResultsError(f"maps: none kept for point {point}, arm {arm}, replicate {replicate}, tissue {where}")
        return load_layers(path)

    @cached_property  # not a property: a notebook completes names behind attributes only
    def plot(self) -> Any:
        """Figures of this sweep: ``sweep.plot.map()`` returns a Matplotlib figure."""
        return import_module("sim.figures.sweep_plots").SweepPlots(self)  # by name: figures stand above tables

    @property
    def run_names(self) -> dict[tuple[int, str], str]:
        """Content address of the runs of a point and arm: an arm that is the same at several points is run once."""
        if "run" not in self.runs:
            return {}
        different = self.runs.drop_duplicates(["point", "arm"])
        return dict(zip(zip(different["point"], different["arm"], strict=True), different["run"], strict=True))

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


def read_sweep(folder: str | Path) -> SweepResults:
    """The tables of a sweep, finished or not, in its `folder`.

    Raises
    ------
    ResultsError
        If a file is missing or damaged; it says which.
    """
    folder = Path(folder)
    manifest, places = read_manifest(folder), _places(folder)
    _check_parts(folder, manifest)
    written = _written(folder)
    points = pd.DataFrame([{"point": number, **each["values"]} for number, each in enumerate(written)])
    outcomes = _by_point(_parts(folder, "outcomes"), places, manifest)
    grid = places.merge(pd.DataFrame({"replicate": range(manifest["replicates"])}), how="cross")
    runs = grid.merge(_parts(folder, "runs"), on=["run", "replicate"], how="left").fillna(NOT_RUN)
    return SweepResults(manifest, points, outcomes, runs, folder)


def read_run_or_sweep(folder: str | Path) -> Results | SweepResults:
    """The tables of a folder, whichever it is; a sweep is known also where one of its files is missing.

    Raises
    ------
    ResultsError
        As `read_results` and `read_sweep`.
    """
    folder = Path(folder)
    of_a_sweep = (folder / "points.json").is_file() or (folder / "parts").is_dir()
    return read_sweep(folder) if of_a_sweep else read_results(folder)


def is_sweep(folder: str | Path) -> bool:
    """Whether a folder is that of a sweep."""
    return all((Path(folder) / name).is_file() for name in ("points.json", "manifest.json"))


def read_manifest(folder: Path) -> dict[str, Any]:
    """What is said of a sweep as a whole."""
    path = folder / "manifest.json"
    manifest: dict[str, Any] = _json(path)
    if not {"arms", "tissues", "replicates", "runs", "batch", "complete", "output"} <= set(manifest):
        raise ResultsError(f"{path}: sweep: cannot be read, got no manifest of a sweep")
    return manifest


def part_path(folder: Path, name: str, number: int) -> Path:
    """Where one batch of a table lies."""
    return folder / "parts" / f"{name}-{number:05d}.parquet"


def read_part(folder: Path, name: str, number: int) -> pd.DataFrame | None:
    """One batch of a table, None where it is not there yet."""
    path = part_path(folder, name, number)
    return _parquet(path) if path.is_file() else None


def _check_parts(folder: Path, manifest: dict[str, Any]) -> None:
    """ResultsError where a part of a table is missing: its runs would be left out of every mean, and nobody told."""
    whole = math.ceil(manifest["runs"] / manifest["batch"]) if manifest["complete"] else 0
    there = {int(path.stem.rpartition("-")[2]) for path in (folder / "parts").glob("runs-*.parquet")}
    names = ("runs", "outcomes", *(TABLES_KEPT if manifest["output"] != "summary" else ()))
    for number in sorted(there | set(range(whole))):
        for path in (part_path(folder, name, number) for name in names):
            if not path.is_file():
                raise ResultsError(f"{path}: sweep: is missing from its folder")


def _parts(folder: Path, name: str) -> pd.DataFrame:
    """All batches of a table, in order; rows of runs that a stopped process did not get to count are left out."""
    tables = [_parquet(path) for path in sorted((folder / "parts").glob(f"{name}-*.parquet"))]
    if name == "runs":
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=RUN_COLUMNS)
    table = stack(tables, ["run", "replicate"])
    counted = _parts(folder, "runs").query("status == 'finished'")[["run", "replicate"]]
    return table.merge(counted, on=["run", "replicate"])


def _by_point(table: pd.DataFrame, places: pd.DataFrame, manifest: dict[str, Any]) -> pd.DataFrame:
    """Rows by run as rows by point and arm; one run may stand for many points.

    Columns stand in an order that does not tell which run came first.
    """
    table = places.merge(table[table["replicate"] < manifest["replicates"]], on="run").drop(columns="run")
    ranks = {arm: rank for rank, arm in enumerate(manifest["arms"])}
    order = table[RUN_KEYS].assign(arm=table["arm"].map(ranks)).sort_values(RUN_KEYS, kind="stable").index
    first = [name for name in dict.fromkeys(["point", *COLUMNS, *EVENT_COLUMNS, *DOSE_COLUMNS]) if name in table]
    rest = sorted(name for name in table if name not in first)
    return table.loc[order, [*first, *rest]].reset_index(drop=True)


def _places(folder: Path) -> pd.DataFrame:
    """``point arm run``: which run stands for which arm at which point."""
    rows = [(number, arm, run) for number, each in enumerate(_written(folder)) for arm, run in each["runs"].items()]
    return pd.DataFrame(rows, columns=["point", "arm", "run"])


def _written(folder: Path) -> list[dict[str, Any]]:
    """Values and runs of every point."""
    path = folder / "points.json"
    points: list[dict[str, Any]] = _json(path)
    if not points or not all({"values", "runs"} <= set(point) for point in points):
        raise ResultsError(f"{path}: sweep: cannot be read, got no points of a sweep")
    return points


def _json(path: Path) -> Any:
    if not path.is_file():
        raise ResultsError(f"{path}: sweep: is missing from its folder")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise ResultsError(f"{path}: sweep: cannot be read, got damaged JSON") from None


def _parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except Exception as error:  # any damage, by whatever library reads it
        raise ResultsError(f"{path}: sweep: cannot be read ({type(error).__name__})") from error
