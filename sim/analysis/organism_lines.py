"""Arms as rows, tissues or outcomes as columns: what a run of a whole organism says, in few lines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from sim.analysis.outcomes import unit, with_outcomes
from sim.analysis.paired import baseline_words, baselines, by_replicate, t_interval
from sim.results import Results

FEW_TISSUES = 2  # that are told one by one
PIGMENT = {  # columns of pigment that a run tells first, in words
    "spot_area": "spot (% of area)", "spot_contrast": "contrast (degrees)", "lightness": "lightness (degrees)",
    "activation_mean": "activation", "melanin_in_melanocytes": "melanin kept",
}  # fmt: skip
NOTHING = 1e-6  # of the largest number of a table: what is not told as a difference (a drug that has decayed)
MARK = "*"  # behind a difference whose interval excludes 0


def tissue_lines(results: Results, when: str) -> Iterator[str]:
    """Mean burden of every tissue, and of the body as a whole, by arm, with differences from the baseline."""
    table = with_outcomes(results, ["burden", "whole_body_burden"] if len(results.organism) else ["burden"])
    outcomes = [name for name in ("burden", "whole_body_burden") if name in table]
    columns = {place["tissue"]: wide for place, wide in by_replicate(results, table, outcomes)}
    yield from _wide(results, f"burden {when} (% senescent)", columns, digits=2)


def outcome_lines(results: Results, when: str) -> Iterator[str]:
    """The outcomes of the individual by arm, with differences from the baseline; nothing where there are none."""
    names = [name for name in results.manifest.get("outcomes", {}) if name in results.organism]
    if not names:
        return
    columns = {}
    for place, wide in by_replicate(results, with_outcomes(results, names), names):
        own = unit(place["outcome"], results)
        columns[f"{place['outcome']} ({own})" if own else place["outcome"]] = wide
    yield from _wide(results, f"outcomes {when}", columns)


def pigment_lines(results: Results, when: str) -> Iterator[str]:
    """What skin looks like by arm, and what tells mechanisms apart; nothing where there is no pigment."""
    names = [name for name in PIGMENT if name in results.timeseries]
    if not names:
        return
    columns = {}
    for place, wide in by_replicate(results, with_outcomes(results, names), names):
        where = f" in {place['tissue']}" if len(results.tissues) > 1 else ""
        columns[f"{PIGMENT[place['outcome']]}{where}"] = wide
    seen = {label: wide for label, wide in columns.items() if wide.notna().any(axis=None)}
    yield from _wide(results, f"skin {when}", seen)


def marks_in_words(results: Results) -> Iterator[str]:
    """What the second numbers and the marks of the tables above mean."""
    if baselines(results):
        base = baseline_words(results)
        yield f"second numbers: paired difference from {base}; {MARK}: its 95 % interval excludes 0"


def _wide(results: Results, head: str, columns: Mapping[str, pd.DataFrame], digits: int | None = None) -> Iterator[str]:
    """A table of means and differences, a line per arm; with three digits, or so many behind the point."""
    cells = {label: _cells(results, wide, _form(wide, digits)) for label, wide in columns.items()}
    arms = [arm for arm in results.arms if any(wide[arm].notna().any() for wide in columns.values())]
    first = max(len(head), *(len(arm) + 2 for arm in arms)) if arms else len(head)
    widths = {label: max(len(label), *map(len, column.values())) for label, column in cells.items()}
    yield "   ".join([head.ljust(first), *(label.rjust(widths[label]) for label in cells)])
    for arm in arms:
        line = [f"  {arm}".ljust(first), *(column[arm].rjust(widths[label]) for label, column in cells.items())]
        yield "   ".join(line).rstrip()


def _cells(results: Results, wide: pd.DataFrame, form: str) -> dict[str, str]:
    """Mean, difference and mark of every arm, one below the other."""
    means = {arm: _number(float(wide[arm].mean()), form) for arm in results.arms}
    least = NOTHING * float(wide.abs().max(axis=None))
    pairs = {arm: (wide[arm] - wide[base]).dropna().to_numpy(np.float64) for arm, base in baselines(results).items()}
    apart = {arm: _difference(np.where(np.abs(each) < least, 0.0, each), form) for arm, each in pairs.items()}
    left, right = (max(map(len, words.values()), default=0) for words in (means, apart))
    return {arm: f"{means[arm]:>{left}}  {apart.get(arm, ''):<{right}}" if right else means[arm] for arm in means}


def _form(wide: pd.DataFrame, digits: int | None) -> str:
    """How the numbers of a table are written."""
    largest = float(wide.abs().mean().max())
    if digits is None:
        digits = max(0, 2 - math.floor(math.log10(largest))) if largest > 0.0 else 2
    return f"z.{digits}f"  # z: no minus before 0


def _difference(pairs: np.ndarray, form: str) -> str:
    if not pairs.size:
        return ""
    (low, high), mean = t_interval(pairs), float(pairs.mean())
    if not (low > 0.0 or high < 0.0):
        return _number(mean, f"+{form}")
    small = float(f"{mean:{form}}") == 0.0  # a difference that is told from 0 is not written as 0
    return (f"{mean:+.1g}" if small else _number(mean, f"+{form}")) + MARK


def _number(value: float, form: str) -> str:
    return f"{value:{form}}" if math.isfinite(value) else "-"
