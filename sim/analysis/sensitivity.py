"""Which parameters an outcome depends on: the tables of a sweep by `morris` or `saltelli` as indices with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import norm

from sim.analysis.mean_over_luck import LEAST, Blocks, Estimates, Floats
from sim.analysis.morris import elementary_effects
from sim.analysis.paired import one_of, seen_in
from sim.analysis.sobol import sobol_indices
from sim.errors import ResultsError
from sim.results import KEYS
from sim.scenario.design import Design
from sim.scenario.sampling import BySALib, Morris, Saltelli
from sim.sweeps import SweepResults

WIDE = 0.15  # half an interval of a share, from which a note says what would make it narrower
INDICES = ["index", "parameter", "partner", "estimate", "low", "high"]
ABOUT = ["method", "arm", "baseline", "tissue", "outcome"]


@dataclass(frozen=True)
class Sensitivity:
    """What one outcome of one arm in one tissue depends on.

    Attributes
    ----------
    indices : DataFrame
        ``index parameter partner estimate low high``. By `saltelli` the index is ``S1``, ``ST`` or ``S2`` (of a pair:
        ``parameter`` and ``partner``); by `morris` ``mu``, ``mu_star`` or ``sigma``, in the unit of the outcome, over
        the whole range. Then two rows without a parameter: ``luck``, its share in the variance of a single run, and
        ``variance``, of the mean over luck.
    ranges : dict
        Parameter, as dotted path, to its range in words.
    method, arm, tissue, outcome : str
    baseline : str or None
        The arm that was subtracted, replicate by replicate.
    day : float
        Of the outcome; NaN where runs end on different days.
    level : float
        Confidence of the intervals.
    n, block, replicates : int
        Blocks (walks of `morris`), points in each, and replicates that the indices stand on.
    notes : tuple of str
        What to know before believing them, one line each.
    """

    indices: pd.DataFrame
    ranges: dict[str, str]
    method: str
    arm: str
    baseline: str | None
    tissue: str
    outcome: str
    day: float
    level: float
    n: int
    block: int
    replicates: int
    notes: tuple[str, ...] = ()

    def index(self, name: str) -> pd.DataFrame:
        """``estimate low high`` of the index called `name`, by parameter in the order of the design; pairs by both."""
        rows = self.indices[self.indices["index"] == name]
        keys = ["parameter", "partner"] if (rows["partner"] != "").any() else ["parameter"]
        return rows.set_index(keys)[["estimate", "low", "high"]]

    @property
    def luck(self) -> float:
        """Share of luck in the variance of a single run."""
        return float(self.index("luck")["estimate"].iloc[0])

    @property
    def main(self) -> str:
        """The index that ranks parameters."""
        return "ST" if self.method == "saltelli" else "mu_star"

    @property
    def ranked(self) -> list[str]:
        """Parameters, the most important first."""
        by_size = self.index(self.main)["estimate"].sort_values(ascending=False, kind="stable")
        return [str(name) for name in by_size.index]

    def clear_pairs(self) -> pd.DataFrame:
        """Pairs whose S2 is not 0, all pairs looked at together (Bonferroni), the largest first."""
        pairs = self.index("S2")
        wider = norm.isf((1.0 - self.level) / 2.0 / max(1, len(pairs))) / norm.isf((1.0 - self.level) / 2.0)
        size = pairs["estimate"].abs()
        clear = pairs[size > wider * (pairs["high"] - pairs["low"]) / 2.0]
        return clear.loc[size[clear.index].sort_values(ascending=False, kind="stable").index]

    @property
    def subject(self) -> str:
        """``burden in skin, hit_and_run - none``: what was looked at."""
        arm = self.arm if self.baseline is None else f"{self.arm} minus {self.baseline}"
        return f"{self.outcome} in {self.tissue}, {arm}"


def sensitivity(
    results: SweepResults,
    outcome: str = "burden",
    arm: str | None = None,
    tissue: str | None = None,
    baseline: str | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Sensitivity:
    """What the mean over luck of an outcome depends on, with intervals.

    Parameters
    ----------
    results : SweepResults
        Of a sweep whose design is `morris` or `saltelli`; runs may be missing (the notes say what that means).
    outcome : str
        A column of ``results.outcomes``.
    arm, tissue : str, optional
        The last arm and the first tissue if not given.
    baseline : str, optional
        An arm to subtract, replicate by replicate: what does the effect depend on?
    level : float
        Confidence of the intervals.
    seed : int
        Of the bootstrap behind them.

    Raises
    ------
    ResultsError
        If the design is another, there is no such outcome, arm or tissue, or too few blocks ran.

    Notes
    -----
    A replicate that lacks a point of a block is left out of the block; a replicate that lacks half of the blocks, and
    a block that is left with one replicate of several, are left out as a whole.
    """
    design = _design(results)
    arm = results.arms[-1] if arm is None else one_of(arm, results.arms, "sensitivity: arm")
    if baseline is not None and one_of(baseline, results.arms, "sensitivity: baseline") == arm:
        raise ResultsError(f"sensitivity: baseline: must differ from the arm, got {arm}")
    columns = [name for name in results.outcomes.select_dtypes("number") if name not in (*KEYS, "point")]
    seen = dict(seen_in(results, one_of(outcome, columns, "sensitivity: outcome"), results.outcomes))
    tissue = next(iter(seen)) if tissue is None else one_of(tissue, seen, "sensitivity: tissue")
    if not 0.0 < level < 1.0:
        raise ResultsError(f"sensitivity: level: must be between 0 and 1, got {level}")
    values, day = _values(results, outcome, [arm] if baseline is None else [arm, baseline], seen[tissue], design.size)
    blocks, left_out = _blocks(values, design)
    places = _places(results, design)
    found = _estimated(blocks, design, places, level, seed)
    ranges = {key: each.in_words() for key, each in design.ranges.items()}
    shown = Sensitivity(
        _told(_labelled(found, design)), ranges, results.manifest["method"], arm, baseline, tissue, outcome,
        day, level, len(blocks.rows), design.block, blocks.replicates,
    )  # fmt: skip
    notes = [*_of_missing(results, shown, values, left_out), *_of_luck(shown, found)]
    return replace(shown, notes=tuple(notes))


def sensitivities(
    results: SweepResults,
    outcomes: Sequence[str] = ("burden",),
    arm: str | None = None,
    baseline: str | None = None,
) -> list[Sensitivity]:
    """`sensitivity` of every outcome, arm (or the one that is given) and tissue; with a baseline of all others."""
    arms = [each for each in results.arms if each != baseline] if arm is None else [arm]
    if not arms:
        raise ResultsError(f"sensitivity: baseline: must leave another arm, got {baseline}, the only one")
    return [
        sensitivity(results, outcome, each, tissue, baseline)
        for outcome in outcomes
        for tissue, _ in seen_in(results, outcome, results.outcomes)
        for each in arms
    ]


def as_table(found: Sequence[Sensitivity]) -> pd.DataFrame:
    """All indices as one table: ``method arm baseline tissue outcome``, those of `Sensitivity.indices`, ``n``."""
    parts = []
    for each in found:
        about = {name: getattr(each, name) or "" for name in ABOUT}
        parts.append(each.indices.assign(**about, n=each.n, replicates=each.replicates))
    return pd.concat(parts, ignore_index=True)[[*ABOUT, *INDICES, "n", "replicates"]]


# ------------------------------------------------------------------------------------------------ tables into blocks


def _design(results: SweepResults) -> BySALib:
    sampled = Design.model_validate(results.manifest["design"]).sampled
    if not isinstance(sampled, BySALib):
        raise ResultsError(f"sensitivity: design: must be morris or saltelli, got {results.manifest['method']}")
    return sampled


def _values(results: SweepResults, outcome: str, arms: list[str], tissue: str, points: int) -> tuple[Floats, float]:
    """The outcome (points, replicates) of an arm, less that of another; NaN where there is none; and its day."""
    rows = results.outcomes.query("tissue == @tissue and arm in @arms")
    sides = []
    for arm in arms:
        wide = rows[rows["arm"] == arm].pivot(index="point", columns="replicate", values=outcome)
        wide = wide.reindex(index=range(points), columns=range(int(results.manifest["replicates"])))
        sides.append(wide.to_numpy(np.float64))
    days = rows["day"].unique()
    return sides[0] - sides[1] if len(sides) == 2 else sides[0], float(days[0]) if len(days) == 1 else np.nan


def _blocks(values: Floats, design: BySALib) -> tuple[Blocks, list[int]]:
    """The blocks that tell something, and the replicates that were left out."""
    values = values.reshape(design.blocks, design.block, -1)
    share = np.isfinite(values).all(axis=1).mean(axis=0)
    kept = share >= 0.5
    blocks = Blocks.of(values[:, :, kept])
    if not kept.any() or len(blocks.rows) < 2:
        ran = f"{share.max(initial=0.0):.0%} of the blocks in the best replicate"
        raise ResultsError(f"sensitivity: runs: must be there for two blocks of the design or more, got {ran}")
    return blocks, np.flatnonzero(~kept).tolist()


def _places(results: SweepResults, design: BySALib) -> Floats:
    """The points in the unit cube (blocks, points, parameters); checked, as everything rests on their order."""
    table = results.points.sort_values("point")
    if len(table) != design.size or set(results.keys) != set(design.ranges):
        raise ResultsError(f"sensitivity: points: must be the {design.size} of the design, got {len(table)}")
    columns = [limits.shares_of(table[key]) for key, limits in design.ranges.items()]
    places = np.array(columns).T.reshape(design.blocks, design.block, -1)
    if isinstance(design, Morris):
        moved = np.abs(np.diff(places, axis=1)) > 1e-6
        whole = (moved.sum(axis=1) == 1).all() and (moved.sum(axis=2) == 1).all()
    else:
        d = len(design.ranges)
        alike = np.abs(places[:, 1 : 1 + d] - places[:, :1]) < 1e-6  # with A, but for one coordinate each
        whole = alike[:, ~np.eye(d, dtype=bool)].all()
    if not whole:
        raise ResultsError("sensitivity: points: must be in the order of the design, got another")
    return places


def _estimated(blocks: Blocks, design: BySALib, places: Floats, level: float, seed: int) -> Estimates:
    if isinstance(design, Saltelli):
        return sobol_indices(blocks, len(design.ranges), design.second_order, level, seed)
    return elementary_effects(blocks, places, level, seed)


def _labelled(found: Estimates, design: BySALib) -> pd.DataFrame:
    names = list(design.ranges)
    kinds = ("S1", "ST") if isinstance(design, Saltelli) else ("mu", "mu_star", "sigma")
    labels = [(kind, name, "") for kind in kinds for name in names]
    if isinstance(design, Saltelli) and design.second_order:
        labels += [("S2", *pair) for pair in combinations(names, 2)]
    labels += [("luck", "", ""), ("variance", "", "")]
    numbers = zip(found.value.tolist(), found.low.tolist(), found.high.tolist(), strict=True)
    return pd.DataFrame([(*label, *each) for label, each in zip(labels, numbers, strict=True)], columns=INDICES)


def _told(indices: pd.DataFrame) -> pd.DataFrame:
    """Shares of a variance that is not clearly above 0 are no numbers."""
    unclear = not indices.loc[indices["index"] == "variance", "low"].iloc[0] > 0.0
    shares = indices["index"].isin(["S1", "ST", "S2"])
    if unclear:
        indices.loc[shares, ["estimate", "low", "high"]] = np.nan
    indices.loc[shares & indices["low"].isna(), "estimate"] = np.nan  # what has no interval is no number either
    return indices


# ------------------------------------------------------------------------------------------------------------- notes


def _of_missing(results: SweepResults, shown: Sensitivity, values: Floats, left_out: list[int]) -> Iterator[str]:
    """What is missing, why, and what became of it."""
    gaps = int((~np.isfinite(values)).sum())
    if not gaps:
        return
    runs = results.runs
    why = runs[runs["arm"].isin([shown.arm, shown.baseline])]["status"].value_counts() if len(runs) else {}
    reasons = [f"{n} {status}" for status, n in sorted(dict(why).items()) if status != "finished"]
    counted = f" ({', '.join(reasons)})" if reasons else ""
    blocks = f"{shown.n} of {len(values) // shown.block} blocks"
    yield (
        f"{gaps} of {values.size} values of {shown.outcome} are missing{counted}; a replicate is left out of a block "
        f"in which it lacks one, so the indices are about {blocks}, and wrong where what is missing depends on the "
        "parameters"
    )
    if left_out:
        numbers = ", ".join(map(str, left_out))
        yield f"replicates left out, as half of their blocks or more are missing: {numbers}"


def _of_luck(shown: Sensitivity, found: Estimates) -> Iterator[str]:
    """Whether luck could be told from parameters, and what would make intervals narrower."""
    if shown.replicates == 1:
        yield "one replicate: luck cannot be told from parameters, and is part of what the indices show"
    elif shown.replicates < LEAST:
        yield f"{shown.replicates} replicates: intervals leave out the luck that all points share; take {LEAST} or more"
    still = shown.index("variance").iloc[0]
    if shown.method == "saltelli" and not still["low"] > 0.0:
        yield "no indices: what the parameters change cannot be told from luck; take more replicates or blocks (n)"
        return
    half = (found.high - found.low) / 2.0
    total = np.flatnonzero(shown.indices["index"] == "ST")
    if len(total) and half[total].max() > WIDE:
        widest = total[half[total].argmax()]
        cure = "replicates" if found.by_luck[widest] > 0.5 else "blocks (n)"
        yield f"intervals of ST are up to {half[widest]:.2f} to each side: more {cure} would help most"
