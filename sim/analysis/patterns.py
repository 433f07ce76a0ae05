"""Patterns of senescent cells: in a table of real cells and in stored maps, by the same functions as in a run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.analysis.cells import places_of, read_cells, section_of, states_of
from sim.analysis.paired import one_of
from sim.analysis.stored_maps import HEALTHY, SENESCENT, places_known
from sim.errors import ResultsError
from sim.results import Results
from sim.scenario.load import from_dict
from sim.scenario.places import extent_of, front_centre, walls_of
from sim.scenario.tissue import Tissue
from sim.spatial.neighbours import pairs_within
from sim.spatial.pattern import pattern
from sim.spatial.points import nearest_distances, random_labels

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MEASURES = {  # column of a row: words, unit
    "clusters": ("clusters of senescent cells", ""),
    "cluster_largest": ("largest cluster", "cells"),
    "cluster_mean": ("mean cluster", "cells"),
    "morans_i": ("Moran's I of senescence", ""),
    "connectivity": ("healthy cells in one piece", "share"),
    "sender_distance": ("healthy cell to nearest senescent", "um"),
    "front_radius": ("90 % of senescent cells within", "um"),
}
LATTICE_REACH = {"von_neumann": 1.2, "moore": 1.8}  # cell spacings: between two shells of neighbours
FARTHEST, MOST_PAIRS = 10, 4e6  # pair correlation: spacings of cells, and pairs that are held in memory
Z_95 = 1.96


class Patterns(NamedTuple):
    """Statistics of one or more patterns.

    Attributes
    ----------
    rows : DataFrame
        A row per pattern, with the columns of `sim.spatial.pattern.pattern`, ``n_healthy`` and ``n_senescent``; of maps
        after ``arm replicate tissue day``.
    pair_correlation : DataFrame
        A row per pattern and bin of distance [um]: ``r_low r_high``; ``senescent``, their pair correlation;
        ``expected``, that of all cells, which is what random labels give; and its 95 % band, ``low high``. 1 is what
        cells without size give that ignore one another.
    """

    rows: pd.DataFrame
    pair_correlation: pd.DataFrame


def patterns(
    table: pd.DataFrame | str | Path,
    link_radius: float,
    box: Sequence[float] | None = None,
    *,
    periodic: bool | Sequence[bool] = False,
    centre: Sequence[float] | None = None,
) -> Patterns:
    """Statistics of a table of cells: segmented, simulated, or drawn.

    Parameters
    ----------
    table : DataFrame or path of a CSV file
        A row per cell: ``x y`` (and ``z``) [um], and ``state`` in words (healthy, senescent; cleared and scarred places
        hold no cell) or ``senescent`` as true or false. A ``z`` that is the same everywhere is left out.
    link_radius : float
        Cells no further apart than this are neighbours [um].
    box : (2 or 3,), optional
        Lengths x, y (, z) of the section, which begins at 0 [um]; if not given, the box around all cells. It corrects
        the pair correlation for the edges.
    periodic : one flag, or one per axis x, y (, z)
        Whether the section wraps; needs the box.
    centre : (2 or 3,), optional
        Where the front is measured from; the middle of the section if not given [um].

    Returns
    -------
    Patterns

    Raises
    ------
    ResultsError
        One line: what is missing or wrong in the table, or does not fit it.
    """
    name = "patterns: table" if isinstance(table, pd.DataFrame) else str(table)
    cells = table if isinstance(table, pd.DataFrame) else read_cells(table)
    senescent, there = states_of(cells, name)
    points = places_of(cells, name)[there]
    if not (math.isfinite(link_radius) and link_radius > 0):
        raise ResultsError(f"{name}: link_radius: must be a positive distance [um], got {link_radius:g}")
    low, lengths = section_of(points, box, name)
    section = _Section(points, tuple(lengths), periodic, link_radius, _edges(len(cells), tuple(lengths)))
    try:
        middle = low + lengths / 2.0
        return section.measured(senescent[there], middle if centre is None else np.asarray(centre, np.float64))
    except ValueError as error:
        raise ResultsError(f"{name}: {error}") from None


def patterns_of_maps(results: Results, link_radius: float | None = None, tissue: str | None = None) -> Patterns:
    """Statistics of the stored maps of the state: of every arm, replicate and day, so patterns over time.

    Parameters
    ----------
    results : Results
        Tables of an experiment, with maps of ``state``.
    link_radius : float, optional
        As in `patterns`; if not given, neighbours are those of the tissue: of a lattice, or of a cloud by radius.
    tissue : str, optional
        This tissue only.

    Raises
    ------
    ResultsError
        If no maps of the state were kept, or a cloud by another rule needs a `link_radius`.
    """
    wanted = results.tissues if tissue is None else [one_of(tissue, results.tissues, "patterns: tissue")]
    found = [each for name in wanted for each in _of_tissue(results, name, link_radius)]
    if not found:
        raise ResultsError("patterns: maps: none kept of the state")
    rows, curves = zip(*found, strict=True)
    return Patterns(pd.concat(rows, ignore_index=True), pd.concat(curves, ignore_index=True))


def _of_tissue(results: Results, name: str, link_radius: float | None) -> Iterator[Patterns]:
    scenario = from_dict(results.scenario)
    tissue = scenario.common.tissues[name]
    reach = _reach(tissue, name) if link_radius is None else link_radius
    table = results.sites[results.sites["tissue"] == name].sort_values("site")
    lengths = extent_of(tissue)
    points = table[["x", "y", "z"]].to_numpy(np.float64)[:, : len(lengths)]
    edges = _edges(len(points), lengths)
    flags = [wall == "periodic" for wall in walls_of(tissue)[::-1]]
    for arm, replicate, kept in results.map_keys:
        maps = results.maps(arm, replicate, kept) if kept == name and places_known(results, name, replicate) else {}
        if "state" not in maps:
            continue
        centre = np.array(front_centre(scenario.arms[arm], name))
        for day, codes in zip(maps["days"].tolist(), maps["state"], strict=True):
            state = codes.ravel()[table["site"].to_numpy()] if tissue.shape is not None else codes
            there = (state == HEALTHY) | (state == SENESCENT)
            section = _Section(points[there], lengths, flags, reach, edges)
            keys = {"arm": arm, "replicate": replicate, "tissue": name, "day": day}
            found = section.measured(state[there] == SENESCENT, centre)
            yield Patterns(*(_keyed(each, keys) for each in found))


def _keyed(table: pd.DataFrame, keys: dict[str, Any]) -> pd.DataFrame:
    return pd.concat([pd.DataFrame(keys, index=table.index), table], axis=1)


def _reach(tissue: Tissue, name: str) -> float:
    """Distance within which the neighbours of a tissue lie [um]."""
    if tissue.shape is not None:
        return lattice_reach(tissue)
    assert tissue.cloud is not None
    if tissue.cloud.links.radius is None:
        raise ResultsError(f"patterns: link_radius: must be given for {name}, whose links are not by radius, got none")
    return tissue.cloud.links.radius


def lattice_reach(tissue: Tissue) -> float:
    """Distance within which the neighbours on a lattice lie [um]."""
    return LATTICE_REACH[tissue.neighbourhood] * tissue.cell_spacing


class _Section(NamedTuple):
    """Cells that are there, in a box."""

    points: Floats
    lengths: Sequence[float]
    periodic: bool | Sequence[bool]
    reach: float
    edges: Floats  # of the bins of distance

    def measured(self, senescent: Bools, centre: Floats) -> Patterns:
        space: dict[str, Any] = {"box": self.lengths, "periodic": self.periodic}
        pairs = pairs_within(self.points, self.reach, **space)
        to_sender = nearest_distances(self.points, self.points[senescent], **space)
        row = pattern(self.points, ~senescent, senescent, pairs, to_sender, centre, **space)
        counts = {"n_healthy": np.count_nonzero(~senescent), "n_senescent": np.count_nonzero(senescent)}
        found = random_labels(self.points, senescent, self.edges, **space)
        band = Z_95 * found.sd
        curve = {
            "r_low": self.edges[:-1], "r_high": self.edges[1:], "senescent": found.marked,
            "expected": found.expectation,
            "low": np.maximum(found.expectation - band, 0.0), "high": found.expectation + band,
        }  # fmt: skip
        return Patterns(pd.DataFrame([counts | row]), pd.DataFrame(curve))


def _edges(n_places: int, lengths: Sequence[float]) -> Floats:
    """Bins as wide as the spacing of places, from half of it on: no distance on a lattice lies on an edge [um].

    They end at `FARTHEST` spacings or a quarter of the shortest side, sooner where pairs would be too many.
    """
    dimension = len(lengths)
    spacing = (math.prod(lengths) / n_places) ** (1 / dimension)
    in_memory = (2 * MOST_PAIRS / n_places / (math.pi if dimension == 2 else 4 / 3 * math.pi)) ** (1 / dimension)
    shortest = min(lengths) / spacing
    last = min(FARTHEST + 0.6, in_memory, max(shortest / 4, min(1.6, 0.49 * shortest)))
    return spacing * np.array([0.0, *np.arange(0.5, last, 1.0)] if last > 0.5 else [0.0, last])
