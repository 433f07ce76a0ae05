"""What an arm changed, cell by cell: arms share their luck, so every site that differs is an effect of the arm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.analysis.paired import baselines, chosen_tissue, one_of
from sim.analysis.stored_maps import ABSENT, CLEARED, HEALTHY, SCARRED, SENESCENT, shared_replicates
from sim.errors import ResultsError
from sim.results import Results

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]

CHANGES = ("saved", "induced", "lost", "gained")  # codes 1 to 4 of `changes_of`; 0: nothing of that
COLUMNS = ["arm", "baseline", "tissue", "replicate", "day", "saved", "removed", "induced", "lost", "gained"]
CAUSE_COLUMNS = ["arm", "baseline", "tissue", "replicate", "day", "change", "cause", "cells"]


def changes_of(state: Codes, baseline: Codes) -> Codes:
    """What happened to each site in an arm and not in the baseline; arrays of one shape.

    1 saved: senescent in the baseline, not here; 2 induced: senescent here, not in the baseline; 3 lost: healthy in the
    baseline, vacant or scarred here; 4 gained: the reverse of lost; 0 where neither.
    """
    here, there = state == SENESCENT, baseline == SENESCENT
    gone, was_gone = ((each == CLEARED) | (each == SCARRED) for each in (state, baseline))
    found = np.zeros(state.shape, np.uint8)
    found[there & ~here] = 1
    found[here & ~there] = 2
    found[gone & (baseline == HEALTHY)] = 3
    found[was_gone & (state == HEALTHY)] = 4
    return found


@dataclass(frozen=True)
class Counterfactual:
    """Sites of one tissue that differ between an arm and the baseline, on the days that all their maps have.

    Attributes
    ----------
    days : (k,) float array
    replicates : list of int
        Of r replicates that have maps in both arms.
    changes : (r, k, *shape) uint8 array
        See `changes_of`.
    senescent : (r, k, *shape) bool array
        In both arms.
    removed : (r, k, *shape) bool array
        Saved, and the site is vacant or scarred: the senescent cell itself is gone.
    absent : (*shape) bool array
        Holes of the tissue, in the first replicate.
    """

    arm: str
    baseline: str
    tissue: str
    days: Floats
    replicates: list[int]
    changes: Codes
    senescent: npt.NDArray[np.bool_]
    removed: npt.NDArray[np.bool_]
    absent: npt.NDArray[np.bool_]

    def share(self, change: str) -> Floats:
        """Share of the replicates in which a site was saved, induced, lost or gained, (k, *shape)."""
        shares: Floats = (self.changes == 1 + CHANGES.index(change)).mean(axis=0)
        return shares

    def counts(self) -> pd.DataFrame:
        """A row per replicate and day: ``saved removed induced lost gained`` [cells]; `removed` are among the saved."""
        per = tuple(range(2, self.changes.ndim))
        columns = {name: (self.changes == code).sum(axis=per).ravel() for code, name in enumerate(CHANGES, 1)}
        index = pd.MultiIndex.from_product([self.replicates, self.days], names=["replicate", "day"])
        table = pd.DataFrame(columns | {"removed": self.removed.sum(axis=per).ravel()}, index=index).reset_index()
        return table.assign(arm=self.arm, baseline=self.baseline, tissue=self.tissue)[COLUMNS]


def counterfactual_map(
    results: Results, arm: str, baseline: str | None = None, tissue: str | None = None, replicate: int | None = None
) -> Counterfactual:
    """The cells that differ between an arm and the baseline, from stored maps of the state.

    Parameters
    ----------
    results : Results
        Tables of an experiment, with maps of ``state``.
    arm, baseline : str
        If no baseline is given, that of `sim.compare`.
    tissue : str, optional
        The first one if not given.
    replicate : int, optional
        This one only; if not given, all that have maps in both arms.

    Raises
    ------
    ResultsError
        If there are no such arms, no replicate has maps of the state in both, or these have no day in common.
    """
    arm = one_of(arm, results.arms, "counterfactual: arm")
    baseline = baselines(results, baseline, "counterfactual").get(arm, baseline or results.arms[0])
    tissue = chosen_tissue(results, tissue, "counterfactual")
    if arm == baseline:
        raise ResultsError(f"counterfactual: arm: must differ from the baseline, got {arm}")
    replicates = [r for r in shared_replicates(results, arm, baseline, tissue) if replicate in (None, r)]
    if not replicates:
        what = "" if replicate is None else f", replicate {replicate}"
        raise ResultsError(f"counterfactual: none kept: maps of the state of {arm} and {baseline} in {tissue}{what}")
    days = _common_days(results, (arm, baseline), tissue, replicates)
    here, there = (
        np.stack([_on(results.maps(each, r, tissue), "state", days) for r in replicates]) for each in (arm, baseline)
    )
    changes = changes_of(here, there)
    removed = (changes == 1) & (here != HEALTHY)
    both = (here == SENESCENT) & (there == SENESCENT)
    return Counterfactual(arm, baseline, tissue, days, replicates, changes, both, removed, here[0, 0] == ABSENT)


def counterfactual(results: Results, baseline: str | None = None, tissue: str | None = None) -> pd.DataFrame:
    """Cells that each other arm saved, induced, lost and gained against the baseline, on all days of the stored maps.

    ``n_senescent`` of the arm less that of the baseline is `induced` less `saved`: a site that is senescent in both
    arms is in no column.

    Returns
    -------
    DataFrame
        One row per arm, replicate and day: ``arm baseline tissue replicate day saved removed induced lost gained``
        [cells], see `changes_of`; `removed` are those of the saved whose site is vacant or scarred here.

    Raises
    ------
    ResultsError
        As `counterfactual_map`.
    """
    return pd.concat([each.counts() for each in _every_arm(results, baseline, tissue)], ignore_index=True)


def counterfactual_causes(results: Results, baseline: str | None = None, tissue: str | None = None) -> pd.DataFrame:
    """By what the saved cells were turned in the baseline, and the induced ones in the arm; needs maps of ``cause``.

    Returns
    -------
    DataFrame
        ``arm baseline tissue replicate day change cause cells``, with `change` saved or induced; a cause that turned
        none of them has no row.

    Raises
    ------
    ResultsError
        As `counterfactual_map`, or if the maps of an arm have no layer ``cause``.
    """
    rows = []
    for each in _every_arm(results, baseline, tissue):
        for change, source in (("saved", each.baseline), ("induced", each.arm)):
            names = results.manifest["event_names"][source]
            for r, replicate in enumerate(each.replicates):
                maps = results.maps(source, replicate, each.tissue)
                if "cause" not in maps:
                    raise ResultsError(f"counterfactual: none kept: maps of the cause of {source} in {each.tissue}")
                causes = _on(maps, "cause", each.days)
                for k, day in enumerate(each.days.tolist()):
                    changed = each.changes[r, k] == 1 + CHANGES.index(change)
                    codes, counts = np.unique(causes[k][changed], return_counts=True)
                    rows += [
                        (each.arm, each.baseline, each.tissue, replicate, day, change, names[code], int(count))
                        for code, count in zip(codes, counts, strict=True)
                    ]
    return pd.DataFrame(rows, columns=CAUSE_COLUMNS)


def _every_arm(results: Results, baseline: str | None, tissue: str | None) -> list[Counterfactual]:
    against = baselines(results, baseline, "counterfactual")
    if not against:
        raise ResultsError(f"counterfactual: arms: must be at least two, got {results.arms[0]}")
    return [counterfactual_map(results, arm, other, tissue) for arm, other in against.items()]


def _common_days(results: Results, arms: tuple[str, str], tissue: str, replicates: list[int]) -> Floats:
    """Days that the maps of all these runs have."""
    kept = [set(results.maps(arm, r, tissue)["days"].tolist()) for arm in arms for r in replicates]
    days = np.array(sorted(set.intersection(*kept)), np.float64)
    if not days.size:
        raise ResultsError(f"counterfactual: maps of {arms[0]} and {arms[1]} have no day in common")
    return days


def _on(maps: dict[str, npt.NDArray], layer: str, days: Floats) -> Codes:
    """A layer on some of its days, (k, *shape)."""
    found: Codes = maps[layer][np.searchsorted(maps["days"], days)]
    return found
