"""Which channel explains a set of tissue maps, how many maps it takes to tell, and what to measure next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.analysis.cells import places_of, read_cells, section_of, states_of
from sim.analysis.channel_laws import laws_of, left_out, named_rightly, one_by_one, probabilities
from sim.analysis.channel_maps import Channels, channels_of, kept_days, maps_of, tissue_ground
from sim.analysis.paired import one_of
from sim.analysis.sections import PROFILE, Ruler, ground_of, measured, whole
from sim.errors import ResultsError
from sim.results import Results
from sim.scenario.load import from_dict
from sim.scenario.places import extent_of

Floats = npt.NDArray[np.float64]

SIZES = (1, 2, 3, 5, 8)  # maps in a set
ENOUGH = 0.95  # of the sets named rightly, for every channel: 9 in 10 are promised, and replicates are few
NO_FIT = 0.01  # p below which even the most likely channel does not explain the maps
FEWEST = 4  # simulated replicates per channel
FEWEST_TO_TELL = 12  # from which on it is told how many maps are needed
SAME_SECTION = 0.05  # by how much the lengths of an observed section may differ from those of the reference
NONE = "none of these"
COUNTS, MAP, TYPES, EARLIER, DISTANT, BLOCKED = "counts", "map", "types", "earlier", "distant", "blocked"
MEASUREMENTS = {  # what is measured of an animal: in words
    COUNTS: "senescent cells, counts only",
    MAP: "a map of senescent cells",
    TYPES: "stain of cell types",
    EARLIER: "a map of an earlier day, of the same animal",
    DISTANT: "counts in distant tissue, of the same animal",
    BLOCKED: "a map under blocked uptake, of another animal",
}
Observed = Results | Sequence[pd.DataFrame | str | Path]


class Choice(NamedTuple):
    """Which channel explains a set of maps.

    Attributes
    ----------
    table : DataFrame
        ``channel arm log_likelihood probability p``, most likely first: of all maps together; `p` is small where a
        channel does not fit, whichever is the most likely.
    used : tuple of str
        What was known of each map, of `MEASUREMENTS`.
    n_maps : int
    """

    table: pd.DataFrame
    used: tuple[str, ...]
    n_maps: int

    @property
    def channel(self) -> str:
        """The most likely one; "none of these" where not even that fits, p below 0.01."""
        best = self.table.iloc[0]
        return str(best["channel"]) if best["p"] >= NO_FIT else NONE


def which_channel(
    reference: Results, observed: Observed, arm: str | None = None, centre: Sequence[float] | None = None
) -> Choice:
    """Which channel of spread explains a set of tissue maps.

    A map is told by a few numbers: log odds of senescence in rings around the lesion, clustering beyond that, and where
    cell types are known the odds of targeted over spared ones (`sim.analysis.sections.measured`). What each channel
    gives is learnt from its replicates (`sim.analysis.channel_laws.Law`), with what so few of them leave unknown; maps
    count as independent animals, and all channels as equally likely before.

    Parameters
    ----------
    reference : Results
        Of arms of two channels or more, see `sim.channels`, with four replicates or more.
    observed : Results, or tables of cells
        Maps of ``state`` (and ``type``) of one arm, on the last day with maps of the reference; or one DataFrame or CSV
        file per map with the columns ``x y`` [um] and ``state``, and ``type`` if known, as of `sim.patterns`. Sections
        must be as large as that of the reference, and of its last day with maps: rings have no other scale.
    arm : str, optional
        Of the observed results; needed where they have several.
    centre : (2 or 3,), optional
        Of the lesion in tables of cells [um]; the middle of all cells if not given.

    Raises
    ------
    ResultsError
        If arms, lesion, maps or columns are missing.
    """
    found = channels_of(reference)
    rows = _observed_maps(reference, found, observed, arm) if isinstance(observed, Results) else (
        pd.DataFrame([_table_row(each, found.ruler, _span(found), centre) for each in observed]))  # fmt: skip
    if rows.empty:
        raise ResultsError("channels: observed: must hold a map or more, got none")
    simulated = statistics(reference, found, (MAP, TYPES))
    has_types = "selectivity" in rows and rows["selectivity"].notna().all() and TYPES in simulated
    used = (MAP, TYPES) if has_types else (MAP,)
    samples, names = stacked(simulated, used)
    x = rows[[column for _, column in names]].to_numpy(np.float64)
    laws = laws_of(samples)
    likelihood = np.array([law.log_density(x) for law in laws])
    table = pd.DataFrame({
        "channel": list(found.arms), "arm": list(found.arms.values()), "log_likelihood": likelihood,
        "probability": probabilities(likelihood), "p": [law.p_value(x) for law in laws],
    })  # fmt: skip
    return Choice(table.sort_values("log_likelihood", ascending=False, ignore_index=True), used, len(rows))


def channel_power(reference: Results, base: Sequence[str] = (MAP,)) -> pd.DataFrame:
    """How often the right channel is named, by what is measured and of how many animals; best first.

    Parameters
    ----------
    reference : Results
        As for `which_channel`.
    base : of `MEASUREMENTS`
        What is measured anyway; others are added to it one at a time. Counts only stand instead of it.

    Returns
    -------
    DataFrame
        ``measurement`` (empty: the base by itself), ``maps`` (n, of `SIZES`), ``accuracy``, the mean over channels of
        the share of sets of n maps that are named rightly, ``worst``, of the channel that does worst, ``needed``, the
        smallest n with a `worst` of 95 % or more (NaN: none of these, or fewer than 12 replicates), and ``score``, the
        mean log probability of the true channel for one map. Sets are drawn from the replicates, which are few, so that
        95 % stand for a promise of 9 in 10; each set is judged by the replicates that are not in it.
    """
    simulated = statistics(reference, channels_of(reference))
    sets = {COUNTS: (COUNTS,), "": tuple(base)}
    sets |= {extra: (*base, extra) for extra in MEASUREMENTS if extra in simulated and extra not in (COUNTS, *base)}
    tables = [_power(name, stacked(simulated, blocks)[0]) for name, blocks in sets.items()]
    order = sorted(tables, key=lambda each: (-each["accuracy"].iloc[0], -each["score"].iloc[0]))
    return pd.concat(order, ignore_index=True)


def calibration(reference: Results, used: Sequence[str] = (MAP,)) -> dict[str, float]:
    """Single maps of the reference, each judged by the other replicates: how far to trust probabilities and p.

    Returns
    -------
    dict
        ``right``: share named rightly; ``promised``: mean probability of the channel that was named, which should be
        about as much; ``unfit``: share with p below 0.05 under their own channel, which should be about 0.05.
    """
    samples, _ = stacked(statistics(reference, channels_of(reference), used), used)
    likelihood = left_out(samples, one_by_one(samples.shape[1]))
    named = probabilities(likelihood)
    truth = np.arange(len(samples))[:, None]
    p = [
        [law.p_value(samples[k, [i]]) for k, law in enumerate(laws_of(np.delete(samples, i, axis=1)))]
        for i in range(samples.shape[1])
    ]
    return {
        "right": float((likelihood.argmax(axis=2) == truth).mean()),
        "promised": float(named.max(axis=2).mean()),
        "unfit": float((np.array(p) < 0.05).mean()),
    }


# ------------------------------------------------------------------------------------------------- of simulated maps


def statistics(
    results: Results, found: Channels, wanted: Sequence[str] = tuple(MEASUREMENTS)
) -> dict[str, pd.DataFrame]:
    """What every replicate gives, by measurement: a table each, with ``(channel, replicate)`` as its index.

    Of those `wanted`, the ones that the experiment has.
    """
    days, arms = kept_days(results, found.tissue), list(found.arms.values())
    first, end = min(days), max(days)
    last = _tissue_rows(results, found, found.tissue, arms, end)
    tables: dict[str, pd.DataFrame | None] = {COUNTS: last[["share"]], MAP: last[list(PROFILE)]}
    if "selectivity" in last:
        tables[TYPES] = last[["selectivity"]]
    if EARLIER in wanted and first < end:
        tables[EARLIER] = _tissue_rows(results, found, found.tissue, arms, first)[list(PROFILE)]
    if DISTANT in wanted and found.distant:
        far = {name: _tissue_rows(results, found, name, arms, end)["share"] for name in found.distant}
        tables[DISTANT] = pd.concat(far, axis=1)
    if BLOCKED in wanted:
        tables[BLOCKED] = _blocked(results, found, last, end)
    return {name: table for name, table in tables.items() if name in wanted and table is not None}


def stacked(tables: dict[str, pd.DataFrame], used: Sequence[str]) -> tuple[Floats, list[tuple[str, str]]]:
    """Tables side by side as (channels, replicates, statistics), and what each statistic is.

    Replicates that one channel lacks are left out of all.
    """
    wide = pd.concat({name: tables[name] for name in used}, axis=1).dropna()
    channels = wide.index.get_level_values("channel").unique()
    kept = sorted(set.intersection(*({*wide.loc[each].index} for each in channels)))
    if len(kept) < FEWEST:
        raise ResultsError(f"channels: replicates: must be {FEWEST} or more with maps per channel, got {len(kept)}")
    samples = np.stack([wide.loc[each].loc[kept].to_numpy(np.float64) for each in channels])
    return samples, list(wide.columns)


def _tissue_rows(results: Results, found: Channels, tissue: str, arms: Sequence[str], day: float) -> pd.DataFrame:
    """Statistics of the maps of a tissue on one day; index (channel, replicate)."""
    ground, sites = tissue_ground(results, found.scenario, tissue, found.ruler)
    ground = ground if tissue == found.tissue else whole(ground)
    names = {arm: name for name, arm in found.arms.items()} | {arm: name for (name, _), arm in found.blocked.items()}
    rows = [
        {"channel": names[each.arm], "replicate": each.replicate}
        | measured(ground, each.there, each.senescent, each.role)
        for each in maps_of(results, found.scenario, tissue, found.ruler, sites, arms, [day])
    ]
    if not rows:
        raise ResultsError(f"channels: maps: must be kept of the state of {tissue}, got none")
    return pd.DataFrame(rows).set_index(["channel", "replicate"])


def _blocked(results: Results, found: Channels, last: pd.DataFrame, day: float) -> pd.DataFrame | None:
    """Maps under blocked uptake, each of another replicate than the map beside it, for animals do not share luck.

    A channel without vesicles has nothing to block: its own maps stand for it. None where one with them lacks the arm.
    """
    treated = {name: arm for (name, block), arm in found.blocked.items() if block == "uptake"}
    if not treated or any(name not in treated for name in found.arms if name in ("drift", "both")):
        return None
    rows = _tissue_rows(results, found, found.tissue, list(treated.values()), day)
    others = [name for name in found.arms if name not in treated]
    table = pd.concat([rows[list(PROFILE)], last.loc[others, list(PROFILE)]]).reset_index()
    n = int(table["replicate"].max()) + 1
    return table.assign(replicate=(table["replicate"] + n // 2) % n).set_index(["channel", "replicate"])


def _power(name: str, samples: Floats) -> pd.DataFrame:
    rightly = [named_rightly(samples, n) for n in SIZES]
    worst = np.array([each.min() for each in rightly])
    enough = [
        n for n, share in zip(SIZES, worst, strict=True) if share >= ENOUGH and samples.shape[1] >= FEWEST_TO_TELL
    ]
    truth, likelihood = np.arange(len(samples)), left_out(samples, one_by_one(samples.shape[1]))
    score = np.log(np.maximum(probabilities(likelihood)[truth, :, truth], np.finfo(np.float64).tiny)).mean()
    return pd.DataFrame({
        "measurement": name, "maps": SIZES, "accuracy": [each.mean() for each in rightly], "worst": worst,
        "needed": min(enough, default=math.nan), "score": score,
    })  # fmt: skip


# ---------------------------------------------------------------------------------------------------- of what is seen


def _span(found: Channels) -> list[float]:
    """Lengths between the middles of the outermost cells of the reference [um]."""
    tissue = found.scenario.common.tissues[found.tissue]
    return [side - tissue.cell_spacing for side in extent_of(tissue)]


def _observed_maps(reference: Results, found: Channels, observed: Results, arm: str | None) -> pd.DataFrame:
    """Statistics of the maps of one arm, on the last day with maps of the reference."""
    if arm is None and len(observed.arms) > 1:
        raise ResultsError(f"channels: arm: must be named, one of {', '.join(observed.arms)}, got none")
    arm = observed.arms[0] if arm is None else one_of(arm, observed.arms, "channels: arm")
    tissue = one_of(found.tissue, observed.tissues, "channels: observed: tissue of the lesion")
    day = max(kept_days(reference, found.tissue))
    scenario = from_dict(observed.scenario)
    ground, sites = tissue_ground(observed, scenario, tissue, found.ruler)
    maps = maps_of(observed, scenario, tissue, found.ruler, sites, [arm], [day])
    rows = [measured(ground, each.there, each.senescent, each.role) for each in maps]
    if not rows:
        raise ResultsError(f"channels: observed: must have maps of {tissue} on day {day:g}, got none of {arm}")
    return pd.DataFrame(rows)


def _table_row(
    table: pd.DataFrame | str | Path, ruler: Ruler, extent: Sequence[float], centre: Sequence[float] | None
) -> dict[str, float]:
    """Statistics of one table of cells, of a section as large as that of the reference."""
    name = "channels: table" if isinstance(table, pd.DataFrame) else str(table)
    cells = table if isinstance(table, pd.DataFrame) else read_cells(table)
    senescent, there = states_of(cells, name)
    points = places_of(cells, name)
    low, lengths = section_of(points, None, name)
    if len(lengths) != len(extent) or not np.allclose(lengths, extent, rtol=SAME_SECTION):
        must, got = (" x ".join(f"{each:.0f}" for each in sides) for sides in (extent, lengths))
        raise ResultsError(f"{name}: x, y: must span the section of the reference ({must} um), got {got} um")
    middle = low + lengths / 2.0 if centre is None else np.asarray(centre, np.float64)
    if middle.shape != points.shape[1:]:
        raise ResultsError(f"{name}: centre: must be {points.shape[1]} coordinates [um], got {list(middle)}")
    ground = ground_of(points, middle, ruler)
    role = None
    if "type" in cells and ruler.targeted:
        role = np.array([ruler.role(str(kind).strip()) for kind in cells["type"]])
        if not (role >= 0).any():
            known = ", ".join((*ruler.targeted, *ruler.spared))
            raise ResultsError(f"{name}: type: must be {known} or others, got only {', '.join(set(cells['type']))}")
    return measured(ground, there, senescent, role)
