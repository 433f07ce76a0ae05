"""What a study of some size would have seen: many of them, drawn from the simulated arms and counted by a marker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from sim.analysis.markers import ALL, STATES, ReadOut, fractions, marker_in_words
from sim.analysis.paired import baselines, t_interval
from sim.analysis.views import Design, Tissue
from sim.errors import ResultsError
from sim.results import Results

Floats = npt.NDArray[np.float64]
Key = tuple[str, str]  # tissue, arm
CODES = {"healthy": 0, "senescent": 1}  # in the layer `state`
MOST_STUDIES = 100_000
COLUMNS = [
    "arm", "baseline", "tissue", "outcome", "marker", "animals", "replicates", "difference", "measured",
    "measured_low", "measured_high", "power", "wrong_sign", "sampling", "difference_low", "difference_high",
    "power_low", "power_high",
]  # fmt: skip
RESAMPLED, DRAWN = 100, 100  # sets of replicates, and studies of each
FEW = 20  # replicates: below, what chance did to these shows in the power


@dataclass(frozen=True, repr=False)
class Study:
    """What studies of one design saw.

    Attributes
    ----------
    table : DataFrame
        One row per tissue and arm other than the baseline. ``difference``: of the arms as they are [points];
        ``measured``: mean over studies of the difference that was measured [points of marked cells], between
        ``measured_low`` and ``measured_high`` in 95 % of them; ``power``: share of studies with p < 0.05 (Welch's t
        test of animals, two-sided); ``wrong_sign``: share in which the measured difference points the other way, NaN
        where there is no difference; ``sampling``: ``fields`` cut out of the maps, ``well mixed``, or ``all cells``;
        ``difference_low difference_high``: 95 % t interval of the difference, paired where the arms have the same
        replicates; ``power_low power_high``: 10 and 90 % quantiles of the power over replicates drawn anew, since with
        few of them a difference by chance looks like a true one (NaN for one replicate).
    truth : mapping of (tissue, arm) to (replicates,) float array
        The outcome of each replicate, as it is [%].
    measured : mapping of (tissue, arm) to (studies, animals) float array
        Marked cells of each animal [%].
    """

    outcome: str
    marker: str
    design: Design
    table: pd.DataFrame
    truth: dict[Key, Floats]
    measured: dict[Key, Floats]
    notes: tuple[str, ...]

    def sentences(self) -> Iterator[str]:
        """A line per row of the table, for people."""
        several = self.table["tissue"].nunique() > 1
        for row in self.table.itertuples():
            where = f" in {row.tissue}" if several else ""
            known = row.difference_low == row.difference_low
            interval = f" ({row.difference_low:+.2f} to {row.difference_high:+.2f})" if known else ""
            wrong = f", the wrong sign in {share_in_words(row.wrong_sign)}" if row.wrong_sign == row.wrong_sign else ""
            yield (
                f"{row.arm}{where}: a study of {row.animals} animals per arm that counts {row.marker} would have seen "
                f"{row.measured:+.2f} points ({row.measured_low:.2f} to {row.measured_high:.2f} in 95 % of studies; "
                f"truly {row.difference:+.2f}{interval}), p < 0.05 in {share_in_words(row.power)}"
                f"{range_in_words(row.power_low, row.power_high)}{wrong}"
            )

    def __repr__(self) -> str:
        return "\n".join([f"{self.outcome} as {self.marker}: {self.design.words}", *self.sentences(), *self.notes])


def study(
    results: Results,
    outcome: str = "burden",
    marker: str = "p16",
    *,
    animals: int = 6,
    sections: int = 3,
    fields: int = 5,
    cells_per_field: int | None = 100,
    baseline: str | None = None,
    studies: int = 1000,
    seed: int = 0,
) -> Study:
    r"""Draw many studies from the simulated arms, and tell what they would have seen on the last day.

    Each study draws its animals from the replicates of an arm, with replacement and for each arm by itself: animals of
    a lab share no luck. In each animal marked cells are counted in fields of view (see `sim.analysis.views`). Where
    maps of the state were kept on the last day, and the tissue is a lattice, fields are cut out of it, so that clusters
    count; elsewhere cells are taken as well mixed.

    Parameters
    ----------
    results : Results
        Tables of an experiment.
    outcome : str
        ``burden``, or ``burden_<type>``: among the cells of that type.
    marker : str
        Of the library or of the scenario.
    animals, sections, fields, cells_per_field : int
        Per arm, animal, section and field; `cells_per_field` None counts every cell of the tissue.
    baseline : str, optional
        The arm to compare with; if not given, as in `sim.compare`.
    studies : int
        How many are drawn; shares have a standard error of at most 0.5 / sqrt(studies).
    seed : int
        Key of the draws; the same key, arm and tissue give the same animals for every marker.

    Raises
    ------
    ResultsError
        If there is no such arm, outcome or marker, no other arm, no finished run, or a size is out of range.

    Notes
    -----
    R replicates stand for all animals there could be: their variance is (R - 1) / R of that between animals (said in
    `Study.notes`), and the true difference is known only as well as R replicates know it: `power` takes the difference
    of these R as true, so that equal arms are told apart too often. Measured for 6 animals and arms that do not differ:
    in 31, 14 and 7 % of studies, instead of 5, for R = 4, 8 and 20. The range of the power draws R replicates anew from
    them, of all arms together where they share luck; its lower end was at most 8 % in 67, 88 and 98 % of cases.
    """
    if results.timeseries.empty:
        raise ResultsError("study: results: must hold a finished run, got none")
    if not 1 <= studies <= MOST_STUDIES:
        raise ResultsError(f"study: studies: must be between 1 and {MOST_STUDIES}, got {studies}")
    design = Design(animals=animals, sections=sections, fields=fields, cells_per_field=cells_per_field)
    against = baselines(results, baseline, "study")
    if len(results.arms) < 2:
        raise ResultsError(f"study: arms: must be at least two to compare, got {len(results.arms)}")
    read_out = ReadOut(results, marker, outcome)
    groups = {
        (tissue, arm): group
        for tissue in results.tissues
        for arm, group in _groups(read_out, tissue, design, studies, seed)
    }
    pairs = [(tissue, arm, against.get(arm, arm)) for tissue, arm in groups]
    about = {"outcome": outcome, "marker": marker, "animals": animals}
    rows = [
        {"arm": arm, "baseline": base, "tissue": tissue, **about}
        | _compared(groups[tissue, arm], groups[tissue, base], animals, seed)
        for tissue, arm, base in pairs
        if arm != base and (tissue, base) in groups
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    fewest = {tissue: _fewest(read_out, tissue) for tissue in table["tissue"].unique()}
    notes = (*_notes(results, marker, table), *_counted_again(results, design, fewest))
    truth, measured = ({key: getattr(each, name) for key, each in groups.items()} for name in ("truth", "measured"))
    return Study(outcome, marker, design, table, truth, measured, notes)


@dataclass(frozen=True)
class _Group:
    """One arm in one tissue: the outcome of each replicate, and what studies saw of them.

    Attributes
    ----------
    replicates : list of int
    truth : (replicates,) float array
        [%].
    measured : (studies, animals) float array
        Marked cells of each animal [%].
    seen : dict of float arrays
        The same, by the replicate that the animal was.
    sampling : str
        How cells were counted.
    """

    replicates: list[int]
    truth: Floats
    measured: Floats
    seen: dict[int, Floats]
    sampling: str


def _groups(read_out: ReadOut, tissue: str, design: Design, studies: int, seed: int) -> Iterator[tuple[str, _Group]]:
    """Every arm in one tissue."""
    runs = _runs(read_out, tissue)
    animals_of = {arm: [_tissue(read_out, row, tissue) for row in rows] for arm, rows in runs.items()}
    mapped = all(each.chance_map is not None for group in animals_of.values() for each in group)
    sampling = "all cells" if design.cells_per_field is None else "fields" if mapped else "well mixed"
    for arm, group in animals_of.items():
        if not mapped:  # of one kind in all arms
            group = [Tissue(each.cells, each.chances) for each in group]
        rng = np.random.default_rng([seed, crc32(tissue.encode()), crc32(arm.encode())])
        chosen, measured = _animals(group, design, studies, rng)
        replicates = read_out.rows.loc[runs[arm], "replicate"].tolist()
        of_each = {r: measured[chosen == place] for place, r in enumerate(replicates)}
        seen = {r: each for r, each in of_each.items() if each.size}
        yield arm, _Group(replicates, read_out.truth[runs[arm]], measured, seen, sampling)


def _compared(a: _Group, b: _Group, animals: int, seed: int) -> dict[str, Any]:
    """Numbers of a row of the table: an arm and its baseline."""
    row: dict[str, Any] = {"replicates": min(len(a.truth), len(b.truth)), "sampling": a.sampling}
    row["difference"] = float(a.truth.mean() - b.truth.mean())
    row |= _known(a.truth, b.truth, a.replicates == b.replicates)
    row |= _range(a.seen, b.seen, animals, seed)
    return row | _seen(a.measured, b.measured, a.truth, b.truth)


def studies_of(results: Results, names: Sequence[str], baseline: str | None = None) -> Iterator[Study]:
    """Of the outcomes `names`, those through a marker on the last day, seen by as many animals as there are replicates.

    ``burden_as_p16`` and the like, of `sim.analysis.markers.marker_outcomes`.
    """
    for name in names:
        outcome, through, marker = name.rpartition("_as_")
        if through and outcome in fractions(results):
            animals = max(2, int(results.manifest["replicates"]))
            yield study(results, outcome, marker, animals=animals, baseline=baseline)


def welch(a: Floats, b: Floats) -> Floats:
    """Two-sided p of Welch's t test, row by row of (studies, n) and (studies, m); without any variance 1 or 0."""
    variances = [each.var(axis=1, ddof=1) / each.shape[1] for each in (a, b)]
    whole, apart = variances[0] + variances[1], a.mean(axis=1) - b.mean(axis=1)
    varied = whole > 0.0
    size = np.where(varied, whole, 1.0)
    share = variances[0] / size
    freedom = 1.0 / (share**2 / (a.shape[1] - 1) + np.where(varied, 1.0 - share, 1.0) ** 2 / (b.shape[1] - 1))
    p = 2.0 * stats.t.sf(np.abs(apart) / np.sqrt(size), freedom)
    return np.where(varied, p, np.where(apart == 0.0, 1.0, 0.0))


def _seen(a: Floats, b: Floats, true_a: Floats, true_b: Floats) -> dict[str, float]:
    """What the studies saw: `a` and `b` are (studies, animals)."""
    apart, truly = a.mean(axis=1) - b.mean(axis=1), float(true_a.mean() - true_b.mean())
    low, high = np.quantile(apart, (0.025, 0.975))
    wrong = float(np.mean(apart * truly < 0.0)) if truly != 0.0 else float("nan")
    return {
        "measured": float(apart.mean()),
        "measured_low": float(low),
        "measured_high": float(high),
        "power": float(np.mean(welch(a, b) < 0.05)),
        "wrong_sign": wrong,
    }


def _runs(read_out: ReadOut, tissue: str) -> dict[str, list[int]]:
    """Places of the last rows of the runs, by arm in the order of the scenario."""
    rows = read_out.rows[read_out.rows["tissue"] == tissue]
    last = rows.drop_duplicates(["arm", "replicate"], keep="last").sort_values("replicate", kind="stable")
    groups = {arm: last.index[last["arm"] == arm].tolist() for arm in read_out.results.arms}
    return {arm: places for arm, places in groups.items() if places}


def _tissue(read_out: ReadOut, row: int, tissue: str) -> Tissue:
    """An animal: a run on its last day."""
    cells = [int(sum(read_out.counts(kind, state)[row] for kind in read_out.kinds)) for state in STATES]
    chances = [float(read_out.marked_in(state)[row]) for state in STATES]
    return Tissue(np.array(cells), np.array(chances), _chance_map(read_out, row, tissue, chances))


def _chance_map(read_out: ReadOut, row: int, tissue: str, chances: list[float]) -> Floats | None:
    """How likely each cell is marked, in planes of sections; None where no map of that day, or no lattice, was kept."""
    results, run = read_out.results, read_out.rows.loc[row]
    key = (str(run["arm"]), int(run["replicate"]), tissue)
    layers = results.maps(*key) if key in results.map_keys else {}
    day = np.flatnonzero(np.isclose(layers.get("days", np.zeros(0)), run["day"]))
    if "state" not in layers or not day.size or layers["state"].ndim < 3:
        return None
    state = layers["state"][day[-1]]
    found = np.full(state.shape, np.nan)
    if "type" in layers and read_out.kinds != [ALL]:
        types = list(read_out.arms[key[0]].tissues[tissue].cell_types)
        for kind in read_out.kinds:
            of_type = layers["type"][day[-1]] == types.index(kind)
            for word in STATES:
                found[of_type & (state == CODES[word])] = read_out.chance(kind, word)[row]
    elif read_out.of_one_type:
        return None
    else:
        for word, chance in zip(STATES, chances, strict=True):
            found[state == CODES[word]] = chance
    return _planes(results, tissue, found)


def _planes(results: Results, tissue: str, site: Floats) -> Floats:
    """(sections, y, x): a block whose depth is along z is cut across it, as histology does."""
    if site.ndim == 2:
        return site[None]
    depth = ((results.scenario.get("tissues") or {}).get(tissue) or {}).get("depth_axis")
    return np.moveaxis(site, 1, 0) if depth == "z" else site


def _animals(
    group: list[Tissue], design: Design, studies: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Which of `group` the animals of each study are, drawn with replacement, and their marked share [%].

    Both (studies, animals).
    """
    chosen = rng.integers(len(group), size=(studies, design.animals))
    share = np.zeros(chosen.shape)
    for place, tissue in enumerate(group):
        here = chosen == place
        share[here] = tissue.marked_share(design, int(here.sum()), rng)
    return chosen, share


def _known(a: Floats, b: Floats, pairs: bool) -> dict[str, float]:
    """How well the replicates know the difference of their means."""
    if pairs:
        low, high = t_interval(a - b)
    elif min(a.size, b.size) > 1:
        low, high = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    else:
        low = high = float("nan")
    return {"difference_low": float(low), "difference_high": float(high)}


def _range(a: dict[int, Floats], b: dict[int, Floats], animals: int, seed: int) -> dict[str, float]:
    """10 and 90 % of the power over sets of replicates drawn anew; `a` and `b` are what was seen of each replicate."""
    if min(len(a), len(b)) < 2:
        return {"power_low": float("nan"), "power_high": float("nan")}
    rng = np.random.default_rng([seed, len(a), len(b)])
    powers = []
    for _ in range(RESAMPLED):
        of_a = rng.choice(list(a), len(a))
        of_b = of_a if a.keys() == b.keys() else rng.choice(list(b), len(b))
        powers.append(float(np.mean(welch(_draw(a, of_a, animals, rng), _draw(b, of_b, animals, rng)) < 0.05)))
    low, high = np.quantile(powers, (0.1, 0.9))
    return {"power_low": float(low), "power_high": float(high)}


def _draw(seen: dict[int, Floats], replicates: npt.NDArray[np.int64], animals: int, rng: np.random.Generator) -> Floats:
    """(DRAWN, animals): animals of `replicates`, as they were seen before."""
    chosen = rng.choice(replicates, (DRAWN, animals))
    share = np.zeros(chosen.shape)
    for replicate in np.unique(chosen).tolist():
        here = chosen == replicate
        share[here] = rng.choice(seen[replicate], int(here.sum()))
    return share


def _notes(results: Results, marker: str, table: pd.DataFrame) -> Iterator[str]:
    """What to bear in mind, in sentences."""
    yield marker_in_words(results, marker)
    for tissue, rows in table.groupby("tissue", sort=False):
        where = f"{tissue}: " if len(results.tissues) > 1 else ""
        if (rows["sampling"] == "well mixed").any():
            yield (
                f"{where}cells are counted as if well mixed; to count them in fields of the simulated tissue, keep "
                "record.maps: [state, type] on the last day"
            )
        n = int(rows["replicates"].min())
        animals = int(rows["animals"].iloc[0])
        few = "fewer replicates than animals: " if n < animals else ""
        if 1 < n < max(FEW, animals):
            yield (
                f"{where}p < 0.05 takes the difference of {n} replicates as true, chance included: equal arms would be "
                f"told apart more often than in 5 %; the range is over replicates drawn anew, {FEW} or more narrow it"
            )
        if n > 1:
            yield (
                f"{where}{few}{n} replicates stand for all animals, so the variance between animals is taken "
                f"{100.0 / n:.0f} % too small"
            )
        else:
            yield f"{where}one replicate stands for all animals: nothing is known of how animals differ"


def _fewest(read_out: ReadOut, tissue: str) -> int:
    """Cells of the smallest animal."""
    return min(int(read_out.n_cells[row]) for rows in _runs(read_out, tissue).values() for row in rows)


def _counted_again(results: Results, design: Design, fewest: dict[str, int]) -> Iterator[str]:
    """Where fields must count cells more than once."""
    for tissue, n_cells in fewest.items():
        if design.cells_per_animal > n_cells:
            where = f"{tissue}: " if len(results.tissues) > 1 else ""
            yield (
                f"{where}{design.cells_per_animal} cells are to be counted in an animal of {n_cells}: some count more "
                "than once, which tells nothing new"
            )


def range_in_words(low: float, high: float) -> str:
    """`` (8 % to 71 %)``; nothing where it is not known."""
    return f" ({share_in_words(low)} to {share_in_words(high)})" if low == low else ""


def share_in_words(value: float) -> str:
    """``71 %``; a few of very many are not none."""
    return "< 1 %" if 0.0 < value < 0.005 else f"{100.0 * value:.0f} %"
