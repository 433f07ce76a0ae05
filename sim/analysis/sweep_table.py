"""A sweep as tables and lines: what each point gave, arm by arm, and against the first arm."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.analysis.headline import aligned
from sim.analysis.outcomes import unit
from sim.analysis.paired import baseline_words, baselines, one_of, seen_in, t_interval
from sim.scenario.quantity import in_one_unit
from sim.sweeps import RUN_KEYS, SweepResults

Floats = npt.NDArray[np.float64]

BEST = 5  # points that are printed
MOST_KEYS = 4  # of a point that are told
LONGEST = 24  # lines that are printed
LOWEST = "lowest at"
CHOSEN = "intervals are those of a point chosen beforehand: the lowest of many is partly the luckiest"
FEW = 3  # values that tell whether they are spaced evenly, or in proportion
NUMBERS = ["n", "mean", "low", "high", "sd", "pairs", "difference", "difference_low", "difference_high"]


def sweep_table(
    results: SweepResults, outcome: str = "burden", tissue: str | None = None, level: float = 0.95
) -> pd.DataFrame:
    """What every point gave: mean and interval per arm, and the paired difference as in `sim.compare`.

    Parameters
    ----------
    results : SweepResults
        Tables of a sweep.
    outcome : str
        A column of its outcomes.
    tissue : str, optional
        This one only.
    level : float
        Confidence of the t intervals.

    Returns
    -------
    DataFrame
        One row per tissue, point and arm with a finished run: ``point``, the keys of the design, ``tissue arm n mean
        low high sd``; and, but for baselines, ``pairs difference difference_low difference_high`` of the
        replicates that finished in both arms. What one run, or one pair, cannot tell is NaN.

    Raises
    ------
    ResultsError
        If there is no such outcome or tissue.
    """
    known = [name for name in results.outcomes if name not in (*RUN_KEYS, "tissue", "day")]
    one_of(outcome, known, "sweep: outcome")
    seen = dict(seen_in(results, outcome, results.outcomes))
    wanted = list(seen) if tissue is None else [one_of(tissue, seen, "sweep: tissue")]
    rows: list[dict[str, Any]] = []
    against = baselines(results)
    for name in wanted:
        here = results.outcomes[results.outcomes["tissue"] == seen[name]]
        wide = here.pivot(index="point", columns=["arm", "replicate"], values=outcome).sort_index()
        runs = {arm: wide[arm].reindex(columns=range(results.manifest["replicates"])).to_numpy(np.float64)
                for arm in results.arms if arm in wide}  # fmt: skip
        for i, point in enumerate(wide.index):
            rows += [{"point": point, "tissue": name, "arm": arm} | _numbers(runs, against.get(arm, arm), arm, i, level)
                     for arm in runs if not np.isnan(runs[arm][i]).all()]  # fmt: skip
    table = pd.DataFrame(rows, columns=["point", "tissue", "arm", *NUMBERS])
    return results.points.merge(table, on="point")


def _numbers(runs: dict[str, Floats], baseline: str, arm: str, i: int, level: float) -> dict[str, float]:
    """The numbers of one arm at the i-th point, from its replicates and those of the baseline."""
    values = runs[arm][i]
    own = values[~np.isnan(values)]
    low, high = t_interval(own, level)
    found = {"n": own.size, "mean": float(own.mean()), "low": low, "high": high,
             "sd": float(own.std(ddof=1)) if own.size > 1 else math.nan, "pairs": 0}  # fmt: skip
    if arm != baseline and baseline in runs:
        apart = values - runs[baseline][i]
        apart = apart[~np.isnan(apart)]
        if apart.size:
            low, high = t_interval(apart, level)
            found |= {"pairs": apart.size, "difference": float(apart.mean()), "difference_low": low,
                      "difference_high": high}  # fmt: skip
    return found


# ------------------------------------------------------------------------------------------------ axes


@dataclass(frozen=True)
class Axis:
    """One key of a design, as an axis.

    Attributes
    ----------
    key, name, unit : str
        The dotted path, the end of it that no other key has, and the unit of the numbers.
    numbers : (points,) float array or None
        The value at every point; None where values are words or lists.
    is_log : bool
        Whether values are spaced in proportion.
    levels : list of str
        The different values as written, in their order: of numbers from the lowest on.
    codes : (points,) int array
        Which of the levels each point has.
    """

    key: str
    name: str
    unit: str
    numbers: Floats | None
    is_log: bool
    levels: list[str]
    codes: npt.NDArray[np.int64]

    @property
    def label(self) -> str:
        """``amount (mg/kg)``."""
        return f"{self.name} ({self.unit})" if self.unit not in ("", "1") else self.name


def varied_axes(results: SweepResults) -> list[Axis]:
    """The keys of the design that have more than one value, in its order."""
    names = short_names(results.keys)
    axes = [_axis(results, key, names[key]) for key in results.keys]
    return [axis for axis in axes if len(axis.levels) > 1]


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """The shortest end of each dotted path that tells it from the others."""
    parts = {key: key.split(".") for key in keys}
    names = {}
    for key, own in parts.items():
        others = [each for other, each in parts.items() if other != key]
        ends = (n for n in range(1, len(own)) if all(each[-n:] != own[-n:] for each in others))
        names[key] = ".".join(own[-next(ends, len(own)) :])
    return names


def _axis(results: SweepResults, key: str, name: str) -> Axis:
    values = results.points[key].tolist()
    try:
        listed, own_unit = in_one_unit(values)
        numbers: Floats | None = np.array(listed, np.float64)
    except ValueError:
        numbers, own_unit = None, ""
    if numbers is None or not np.isfinite(numbers).all():
        texts = [str(value) for value in values]
        levels = list(dict.fromkeys(texts))
        codes = np.array([levels.index(text) for text in texts], np.int64)
        return Axis(key, name, "", None, False, levels, codes)
    different, codes = np.unique(numbers, return_inverse=True)
    sampled = results.manifest.get("design", {}).get(results.manifest["method"], {})
    ranges = sampled.get("ranges") if isinstance(sampled, dict) else None
    is_log = ranges[key].get("scale") == "log" if ranges and key in ranges else _in_proportion(different)
    return Axis(key, name, own_unit, numbers, is_log, [f"{value:g}" for value in different], codes)


def _in_proportion(values: Floats) -> bool:
    """Whether increasing values are spaced more evenly on a log scale."""
    if values.size < FEW or values[0] <= 0.0:
        return False
    steps, ratios = np.diff(values), np.diff(np.log(values))
    return bool(ratios.std() / ratios.mean() < steps.std() / steps.mean())


# ------------------------------------------------------------------------------------------------ lines


def sweep_lines(results: SweepResults, outcome: str = "burden") -> Iterator[str]:
    """A sweep in a few lines: the range of every arm, where the outcome is lowest, what failed, where the table is."""
    words = f"{outcome} on the last day" if outcome == "burden" else outcome
    words += f" ({own})" if (own := unit(outcome, results)) else ""
    several, lines = len(results.tissues) > 1, []
    for tissue, table in sweep_table(results, outcome).groupby("tissue", sort=False):
        lines += ["", f"{tissue}: {words}" if several else words, *_of_tissue(results, table)]
    room = LONGEST - 4
    yield from lines[1:room] if lines else [f"{words}: no run has finished"]
    if len(lines) > room:
        yield "..."
    if any(line.startswith(LOWEST) for line in lines[1:room]):
        yield CHOSEN
    runs = results.runs["status"].value_counts() if len(results.runs) else pd.Series(dtype=int)
    if rest := [f"{n} runs {status}" for status, n in runs.items() if status != "finished"]:
        yield ", ".join(rest)
    if results.folder is not None:
        yield f"table    {results.folder / 'summary.csv'}"


def _of_tissue(results: SweepResults, table: pd.DataFrame) -> Iterator[str]:
    """Ranges over the points, and those with the lowest mean of all arms but the first, of different runs."""
    arms = [arm for arm in results.arms if (table["arm"] == arm).any()]
    rows = [["", "points", "lowest mean", "highest mean"]]
    for arm in arms:
        means = table.loc[table["arm"] == arm, "mean"]
        rows.append([f"  {arm}", str(len(means)), f"{means.min():.4g}", f"{means.max():.4g}"])
    yield from aligned(rows)
    others = table[table["arm"].isin(list(baselines(results)))] if len(arms) > 1 else table
    names, places = results.run_names, list(zip(others["point"], others["arm"], strict=True))
    others = others.assign(run=[names.get(place, place) for place in places])
    best = others.sort_values("mean", kind="stable").drop_duplicates("run").head(BEST)
    copies = others["run"].value_counts()
    if len(table) <= len(arms):
        return
    head = [LOWEST, "arm", "mean", "95 % interval"]
    rows = [[*head, f"from {baseline_words(results)}", "95 % interval"] if len(arms) > 1 else head]
    for _, row in best.iterrows():
        numbers = [row["arm"], f"{row['mean']:.4g}", _interval(row["low"], row["high"])]
        if len(arms) > 1:
            numbers += [f"{row['difference']:+.4g}", _interval(row["difference_low"], row["difference_high"])]
        more = f" (and {copies[row['run']] - 1} more)" if copies[row["run"]] > 1 else ""
        rows.append([f"  {point_in_words(results, row['point'])}{more}", *numbers])
    yield from aligned(rows)


def point_in_words(results: SweepResults, point: int, most: int = MOST_KEYS) -> str:
    """``point 3: amount 14 mg/kg, interval 7 d``, with up to `most` of the keys that vary."""
    row, axes = results.points.set_index("point").loc[point], varied_axes(results)
    values = [f"{axis.name} {_rounded(row[axis.key])}" for axis in axes[:most]] + ["..."] * (len(axes) > most)
    return f"point {point}: {', '.join(values)}" if values else f"point {point}"


def _rounded(value: Any) -> str:
    """A value as written, sampled ones to four digits."""
    try:
        numbers, own_unit = in_one_unit([value])
    except ValueError:
        return str(value)
    return f"{numbers[0]:.4g} {own_unit}".rstrip()


def _interval(low: float, high: float) -> str:
    return f"({low:.4g}, {high:.4g})" if math.isfinite(low) else ""
