"""The tables of a run: their columns, a results folder, and reading it back. A run record in, plain tables out."""

from __future__ import annotations

import contextlib
import html
import json
import math
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.errors import ResourceError, ResultsError
from sim.scenario.identity import fingerprint
from sim.scenario.yaml_text import read_yaml

KEYS = ["arm", "replicate", "tissue", "day"]
COLUMNS = [*KEYS, "n_healthy", "n_senescent", "n_cleared", "n_scarred", "burden"]  # of every time series, in front
COUNTS = (
    "n_",
    "new_",
    "cum_",
    "gen_",
    "due_to_",
    "cleared_",
)  # whole numbers, in this order behind them; then levels of factors
SHARES = ("by_", "past_", "initial_", "blood_")  # of the cells of a cause: see sim.tissue.attribution
# 0 in an arm without the drug or cause; no wound is neither open nor closed
ZERO_LEVELS = ("conc_", "effect_", "off_target_loss", *SHARES)
EVENT_COLUMNS = ["arm", "replicate", "tissue", "day", "event", "n_sites", "site", "sender", "generation"]
ORGANISM_COLUMNS = ["arm", "replicate", "day", "alive", "whole_body_burden"]
LIFE_COLUMNS = ["arm", "replicate", "day", "age", "died", "age_at_start"]
DOSE_COLUMNS = ["arm", "replicate", "day", "treatment", "drug", "amount", "unit", "route", "status"]
TABLES = ("timeseries", "organism", "events", "doses", "individuals", "sites")


@dataclass
class RunRecord:
    """What one replicate of one arm leaves behind, or several that were run as one job (mode `well_mixed`).

    Attributes
    ----------
    replicate, replicates : int
        The first one, and how many there are from it on.
    status : str
        ``finished``, ``failed`` or ``interrupted``; `stage` and `message` say where and why.
    wall_s, host : float, str
        How long it took [s], and on which machine.
    timeseries, organism, events, doses, individuals : DataFrame
        Rows of this run; see ARCHITECTURE.md section 3 for the columns.
    maps : tissue name to layers
        ``days`` (k,) and per layer a (k, *shape) array; a cloud has one value per site.
    """

    arm: str
    replicate: int
    status: str = "interrupted"
    stage: str = ""
    message: str = ""
    wall_s: float = 0.0
    host: str = ""
    replicates: int = 1
    timeseries: pd.DataFrame = field(default_factory=pd.DataFrame)
    organism: pd.DataFrame = field(default_factory=pd.DataFrame)
    events: pd.DataFrame = field(default_factory=pd.DataFrame)
    doses: pd.DataFrame = field(default_factory=pd.DataFrame)
    individuals: pd.DataFrame = field(default_factory=pd.DataFrame)
    maps: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)


class Results:
    """Tables of an experiment, in memory or in a folder.

    Attributes
    ----------
    manifest : dict
        Scenario name, seed, versions, commit, and one row per run with its status.
    scenario : dict
        The fully resolved scenario as plain data.
    timeseries : DataFrame
        One row per arm, replicate, tissue and day.
    organism : DataFrame
        One row per arm, replicate and day of the individual as a whole: whether it is ``alive``, ``whole_body_burden``
        [%], ``plasma_<factor>`` of what circulates, and the outcomes of the scenario by name, each in its unit. Empty
        where nobody has told it.
    events : DataFrame
        Outside events and, where senders are tracked, every transmission.
    doses : DataFrame
        Every dose of the regimens: arm, replicate, day, treatment, drug, amount, unit, route, and status: ``given``,
        or why it was not: ``stopped`` (no longer asked for), ``toxic``.
    individuals : DataFrame
        Who was simulated, and how every run ended: arm, replicate, day and age (of the host) [d], whether the
        individual died then, its age at the start [d]; and where individuals differ in it, its ``sex``, and its
        multipliers ``trait_damage``, ``trait_removal``, ``trait_susceptibility``.
    sites : DataFrame
        tissue, site, x, y, z, type of the first replicate.
    folder : Path or None
        Where they lie; None for results in memory, whose ``maps`` are held by arm, replicate and tissue.
    checkpoints : Path or None
        Folder of the checkpoints.
    """

    def __init__(
        self,
        manifest: dict[str, Any],
        scenario: dict[str, Any],
        timeseries: pd.DataFrame,
        events: pd.DataFrame,
        sites: pd.DataFrame,
        maps: Mapping[tuple[str, int, str], dict[str, np.ndarray]] | None = None,
        folder: Path | None = None,
        doses: pd.DataFrame | None = None,
        individuals: pd.DataFrame | None = None,
        organism: pd.DataFrame | None = None,
    ) -> None:
        self.manifest, self.scenario, self.folder = manifest, scenario, folder
        self.timeseries, self.events, self.sites = timeseries, events, sites
        self.doses = pd.DataFrame(columns=DOSE_COLUMNS) if doses is None else doses
        self.individuals = pd.DataFrame(columns=LIFE_COLUMNS) if individuals is None else individuals
        self.organism = pd.DataFrame(columns=ORGANISM_COLUMNS) if organism is None else organism
        self._maps = maps
        self.checkpoints = None if folder is None else folder / "checkpoints"

    @property
    def arms(self) -> list[str]:
        """Arms in the order of the scenario."""
        return list(self.manifest["arms"])

    @property
    def tissues(self) -> list[str]:
        """Tissues in the order of the scenario."""
        return list(self.manifest["tissues"])

    @property
    def map_keys(self) -> list[tuple[str, int, str]]:
        """(arm, replicate, tissue) of every stored set of maps; ResultsError where some of those that were are gone."""
        if self._maps is not None:
            return list(self._maps)
        assert self.folder is not None
        keys = [path.stem.split("-") for path in (self.folder / "maps").glob("*.npz")]
        if 0 < len(keys) < (kept := self.manifest.get("maps", 0)):  # others would be told of fewer runs than there were
            raise ResultsError(f"{self.folder / 'maps'}: results: must hold {kept} files or none, got {len(keys)}")
        places = [(self.arms.index(arm), int(replicate), self.tissues.index(tissue)) for arm, replicate, tissue in keys]
        return [(self.arms[arm], replicate, self.tissues[tissue]) for arm, replicate, tissue in sorted(places)]

    def maps(self, arm: str, replicate: int = 0, tissue: str | None = None) -> dict[str, np.ndarray]:
        """Layers of one run by name, each (days, *shape), with ``days`` [d] and ``spacing`` [um].

        Parameters
        ----------
        arm, replicate
            The run.
        tissue
            The first one, if not given.

        Raises
        ------
        ResultsError
            If no maps were kept for this run.
        """
        key = (arm, replicate, self.tissues[0] if tissue is None else tissue)
        if key not in self.map_keys:
            raise ResultsError(f"maps: none kept for arm {key[0]}, replicate {key[1]}, tissue {key[2]}")
        if self._maps is not None:
            return self._maps[key]
        assert self.folder is not None
        return load_layers(self.folder / "maps" / f"{key[0]}-{key[1]}-{key[2]}.npz")

    @property
    def checkpoint_keys(self) -> list[tuple[str, int, float]]:
        """(arm, replicate, day) of every checkpoint."""
        files = [] if self.checkpoints is None else self.checkpoints.glob("*.npz")
        parts = [path.stem.split("-", 2) for path in files]
        keys = [(arm, int(replicate), float(day)) for arm, replicate, day in parts]
        return sorted(keys, key=lambda key: (self.arms.index(key[0]), *key[1:]))

    def checkpoint(self, arm: str, replicate: int = 0, day: float | None = None) -> Path:
        """File of the state of a run (`arm`, `replicate`) on `day` [d], to `sim.branch` from; if not given: the last.

        Without a results folder the file lives as long as these results.

        Raises
        ------
        ResultsError
            If none was kept for this run or day.
        """
        days = [each for *key, each in self.checkpoint_keys if key == [arm, replicate]]
        chosen = [each for each in days if day is None or math.isclose(each, day)]
        if self.checkpoints is None or not chosen:
            kept = ", ".join(f"{each:g}" for each in days) or "none"
            wanted = "" if day is None else f" on day {day:g}"
            raise ResultsError(
                f"checkpoints: kept of arm {arm}, replicate {replicate}: {kept}, got asked for it{wanted}"
            )
        return self.checkpoints / checkpoint_name(arm, replicate, chosen[-1])

    @cached_property  # not a property: a notebook completes names behind attributes only
    def plot(self) -> Any:
        """Figures of these results: ``results.plot.burden()`` returns a Matplotlib figure."""
        return import_module("sim.figures").Plots(self)  # by name: figures stand above tables

    def summary(self) -> pd.DataFrame:
        """Burden on the last day, per arm and tissue: n, mean, sd."""
        last = self.timeseries.sort_values("day").groupby(["arm", "replicate", "tissue"], sort=False).last()
        table = last.groupby(["arm", "tissue"])["burden"].agg(["size", "mean", "std"]).reset_index()
        table = table.rename(columns={"size": "n", "mean": "burden_mean", "std": "burden_sd"})
        order = {arm: rank for rank, arm in enumerate(self.arms)}
        return table.sort_values(
            ["tissue", "arm"], key=lambda c: c.map(order) if c.name == "arm" else c, ignore_index=True
        )

    def __repr__(self) -> str:
        return f"{self._in_words()}:\n{self.summary()}"

    def _repr_html_(self) -> str:
        """The same as a table for notebooks."""
        table = self.summary().to_html(index=False, float_format="{:.3g}".format, na_rep="", border=0)
        return f"<p>{html.escape(self._in_words())}</p>{table}"

    def _in_words(self) -> str:
        statuses: dict[str, int] = {}
        for run in self.manifest["runs"]:
            statuses[run["status"]] = statuses.get(run["status"], 0) + run.get("replicates", 1)
        words = ", ".join(f"{count} {status}" for status, count in statuses.items())
        return f"Results of {self.manifest['scenario']} ({words}), burden on the last day in %"


def combine(
    manifest: dict[str, Any], scenario: dict[str, Any], records: list[RunRecord], sites: pd.DataFrame
) -> Results:
    """One `Results` from the records of all runs, in the order given."""
    finished = [record for record in records if record.status == "finished"]
    maps = {(r.arm, r.replicate, tissue): layers for r in finished for tissue, layers in r.maps.items()}
    manifest = {**manifest, "maps": len(maps), "runs": [_run_row(record) for record in records]}
    timeseries = stack([record.timeseries for record in finished], COLUMNS)
    events = stack([record.events for record in finished], EVENT_COLUMNS)
    doses = stack([record.doses for record in finished], DOSE_COLUMNS)
    individuals = stack([record.individuals for record in finished], LIFE_COLUMNS)
    organism = stack([record.organism for record in finished], ORGANISM_COLUMNS)
    more = {"doses": doses, "individuals": individuals, "organism": organism}
    return Results(manifest, scenario, timeseries, events, sites, maps, **more)


def _run_row(record: RunRecord) -> dict[str, Any]:
    row: dict[str, Any] = {"arm": record.arm, "replicate": record.replicate}
    row |= {"replicates": record.replicates} if record.replicates > 1 else {}
    row |= {"status": record.status, "wall_s": round(record.wall_s, 3)}
    return row if record.status == "finished" else {**row, "stage": record.stage, "message": record.message}


def stack(tables: list[pd.DataFrame], first: list[str]) -> pd.DataFrame:
    """Rows of all tables, `first` columns first; a cause, drug or wound that an arm does not have is 0 there."""
    tables = [table for table in tables if len(table)]
    if not tables:
        return pd.DataFrame(columns=first)
    stacked = pd.concat(tables, ignore_index=True)
    counts = [name for prefix in COUNTS for name in stacked.columns if name.startswith(prefix)]
    stacked[counts] = stacked[counts].fillna(0).astype(np.int64)
    levels = [name for name in stacked.columns if name.startswith(ZERO_LEVELS)]
    stacked[levels] = stacked[levels].fillna(0.0)
    front = [name for name in first if name in stacked]  # a well-mixed individual has no cells to count
    return stacked[list(dict.fromkeys([*front, *counts, *stacked.columns]))]


# ------------------------------------------------------------------------------------------------------- folders


class Folder:
    """A results folder in the making: ``OUT.partial`` until it is complete, then ``OUT``."""

    def __init__(self, out: Path) -> None:
        self._keep = False
        try:
            if out.exists():
                raise ResultsError(f"{out}: out: must be a new folder, got one that exists")
            self.out, self.partial = out, _partial(out)
            self._new = [folder for folder in self.partial.parents if not folder.exists()]
            self.partial.mkdir(parents=True)
        except FileExistsError:
            raise ResultsError(
                f"{out}: out: {self.partial.name} is there already: another run, or one that was killed"
            ) from None
        except OSError as error:
            raise ResourceError(f"{out}: out: must be a folder that can be written, got {error.strerror}") from None

    def write(self, results: Results, scenario_yaml: str) -> None:
        """All tables of `results`; `finish` makes them visible under their name."""
        try:
            (self.partial / "scenario.yaml").write_text(scenario_yaml, encoding="utf-8")
            for name in TABLES:
                getattr(results, name).to_parquet(self.partial / f"{name}.parquet", index=False)
            results.summary().to_csv(self.partial / "summary.csv", index=False)
            for arm, replicate, tissue in results.map_keys:
                (self.partial / "maps").mkdir(exist_ok=True)
                layers: dict[str, Any] = results.maps(arm, replicate, tissue)
                np.savez_compressed(self.partial / "maps" / f"{arm}-{replicate}-{tissue}.npz", **layers)
            text = json.dumps(results.manifest, indent=1)
            (self.partial / "manifest.json").write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise ResourceError(f"{self.out}: out: must have room for the tables, got {error.strerror}") from error

    def finish(self) -> Path:
        """Give the folder its name; a file that a worker left unfinished when it died is no part of it."""
        for unfinished in self.partial.glob("checkpoints/*.partial"):
            unfinished.unlink()
        try:
            self.partial.rename(self.out)
        except OSError:  # somebody has put something there meanwhile
            self._keep = True
            raise ResourceError(
                f"{self.out}: out: must stay free until the run ends, got a folder; kept in {self.partial}"
            ) from None
        return self.out

    def discard(self) -> None:
        """Leave nothing behind, but for what could not get its name."""
        if self._keep:
            return
        shutil.rmtree(self.partial, ignore_errors=True)
        for folder in self._new:
            with contextlib.suppress(OSError):  # somebody else has put something there
                folder.rmdir()


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """ResourceError, one line, where files below `folder` cannot be written."""
    try:
        yield
    except OSError as error:
        out = str(folder).removesuffix(".partial")
        raise ResourceError(f"{out}: out: must have room for the files, got {error.strerror or error}") from error


def read_results(folder: str | Path) -> Results:
    """A results folder as `Results`; ResultsError names the file that is missing or damaged."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ResultsError(f"{folder}: results: must be a results folder, got no such folder")
    if (folder / "points.json").exists():
        raise ResultsError(
            f"{folder}: results: must be the folder of a run, got that of a sweep (sim.read_sweep reads it)"
        )
    manifest = _read(folder / "manifest.json", _read_manifest)
    scenario = _read(folder / "scenario.yaml", read_yaml)
    mark = fingerprint(scenario)  # YAML that was cut off is often YAML still
    if mark != manifest.get("hash", mark):
        raise ResultsError(f"{folder / 'scenario.yaml'}: results: must be the scenario of this run, got another")
    tables = {name: _read(folder / f"{name}.parquet", pd.read_parquet) for name in TABLES}
    return Results(manifest, scenario, **tables, folder=folder)


def _read_manifest(path: Path) -> dict[str, Any]:
    """What is said of a run as a whole."""
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if not {"scenario", "arms", "tissues", "runs"} <= set(manifest):
        raise KeyError
    return manifest


def load_layers(path: Path) -> dict[str, np.ndarray]:
    """The layers of one file of maps."""
    return _read(path, _load_npz)


def checkpoint_name(arm: str, replicate: int, day: float) -> str:
    """Name of the file of a checkpoint."""
    return f"{arm}-{replicate}-{day:.9g}.npz"


def _load_npz(path: Path) -> dict[str, np.ndarray]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as layers:  # else a damaged file stays open
        return {name: layers[name] for name in layers.files}


def _read(path: Path, reader: Any) -> Any:
    if not path.is_file():
        raise ResultsError(f"{path}: results: is missing from its folder")
    try:
        return reader(path)
    except Exception as error:  # any damage, by whatever library reads it
        raise ResultsError(f"{path}: results: cannot be read ({type(error).__name__})") from error


def fresh_folder(parent: Path, name: str) -> Path:
    """`parent/name`, with a number where that exists already."""
    candidates: Iterator[str] = iter([name, *(f"{name}-{i}" for i in range(2, 10000))])
    return next(p for p in (parent / each for each in candidates) if not p.exists() and not _partial(p).exists())


def _partial(path: Path) -> Path:
    return path.with_name(path.name + ".partial")
