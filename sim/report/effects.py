"""The answer: what arms changed, in sentences and in tables, to the bit as `sim.compare` has it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sim.analysis.compare import compare
from sim.analysis.headline import burden_table, when_told
from sim.analysis.organism_lines import FEW_TISSUES, PIGMENT
from sim.analysis.outcomes import derived, unit
from sim.analysis.paired import BODY
from sim.analysis.survival import somebody_died
from sim.analysis.treatment import harm, main_factor
from sim.figures import main_tissue
from sim.figures.style import MINUS
from sim.results import Results

MOST_ROWS = 20  # of a table that is not folded away
SURE = 1e-3  # of a difference: a narrower interval needs no more digits
NOISE = 1e-6  # of a mean: nobody reads smaller differences


@dataclass(frozen=True)
class Number:
    """A number as it is and as it is shown."""

    value: float
    shown: str


@dataclass(frozen=True)
class EffectTable:
    """One outcome: its name with the unit, a row per tissue and arm, and the columns that are not the same in all."""

    title: str
    rows: list[dict[str, Any]]
    several_tissues: bool
    baseline: str

    @property
    def long(self) -> bool:
        """Whether it is folded away."""
        return len(self.rows) > MOST_ROWS


def outcome_names(results: Results) -> list[str]:
    """Outcomes worth a table, the main one first: length of life, skin, burden, functions, wounds, costs."""
    known, columns = derived(results), list(results.timeseries)
    names = ["lifespan"] if somebody_died(results) else []
    names += [name for name in PIGMENT if name in columns and results.timeseries[name].notna().any()]
    names += ["burden", *(["whole_body_burden"] if len(results.tissues) > 1 and "whole_body_burden" in known else [])]
    names += [name for name in results.manifest.get("outcomes", {}) if name in known]
    names += [name for name in known if name.startswith("closure_")]
    if "off_target_loss" in known and harm(results)["killed"].any():
        names.append("off_target_loss")
    factor = main_factor(results)
    return names if factor is None or not len(results.doses) else [*names, f"exposure_{factor}"]


def answer(results: Results) -> tuple[str, list[str]]:
    """What the main outcome is, and a sentence for every arm in each tissue where it differs.

    Of many tissues it is the burden of the whole body, and single tissues where that does not differ.
    """
    main = outcome_names(results)[0]
    if main == "burden" and len(results.tissues) > FEW_TISSUES and "whole_body_burden" in derived(results):
        main = "whole_body_burden"
    effects = compare(results, outcomes=[main])
    if effects.empty:
        return f"Burden, {when_told(results)}:", list(_one_arm(results))
    if main == "whole_body_burden":
        still = effects.loc[effects["difference"] == 0.0, "arm"]
        parts = compare(results, outcomes=["burden"])
        effects = pd.concat([effects, parts[parts["arm"].isin(still) & (parts["difference"] != 0.0)]])
    lines = [
        _sentence(row, unit(main, results), where)
        for arm in effects["arm"].unique()
        for row, where in _told_of(effects[effects["arm"] == arm], main_tissue(results))
    ]
    return f"{in_words(main).capitalize()}, {when_told(results)}:", lines


def _told_of(effects: pd.DataFrame, main: str) -> list[tuple[dict[Any, Any], str]]:
    """Rows of an arm to tell, the tissue `main` first, and where they are: those that differ, or one for all."""
    rows = sorted(effects.to_dict("records"), key=lambda row: row["tissue"] != main)
    differing = [row for row in rows if row["n"] and row["difference"] != 0.0]
    if differing and len(rows) > 1:
        return [(row, f" in {row['tissue']}" if row["tissue"] != BODY else "") for row in differing]
    return [(rows[0], f" in {rows[0]['tissue']}" if len(rows) > 1 and rows[0]["n"] else "")]


def _one_arm(results: Results) -> Iterator[str]:
    """Nothing to compare with: the burden of each tissue."""
    for row in burden_table(results).to_dict("records"):
        digits = _digits([row["mean"]], row["high"] - row["mean"])
        low, high = (_shown(row[name], digits) for name in ("low", "high"))
        interval = f" (95 % interval {low} to {high})" if math.isfinite(row["low"]) else ""
        where = f" in {row['tissue']}" if len(results.tissues) > 1 else ""
        yield f"{row['arm']}: {_shown(row['mean'], digits)} %{where}{interval}, n = {row['n']}."


def _sentence(row: dict[Any, Any], own: str, where: str) -> str:
    """One arm against its baseline, in one tissue."""
    pairs, digits = f"{row['n']} pair{'' if row['n'] == 1 else 's'} of replicates", _digits_of(row)
    if not row["n"]:
        return f"{row['arm']}: no replicate has finished both here and in {row['baseline']}."
    head = f"{row['arm']}{where}: {_shown(row['mean'], digits)}{f' {own}' if own else ''}"
    if row["difference"] == 0.0:
        everywhere = ", and so in every tissue" if where else ""
        return f"{head}, the same as in {row['baseline']}{everywhere} ({pairs})."
    points = "points" if own.startswith("%") else own
    size, direction = _shown(abs(row["difference"]), digits), "more" if row["difference"] > 0 else "less"
    than = f"{size}{f' {points}' if points else ''} {direction} than in"
    if not float(size):
        than = "about as much as in"
    low, high = row["difference_low"], row["difference_high"]
    interval = f"no interval from {pairs}"
    if math.isfinite(low):
        none = ", which includes 0" if low <= 0.0 <= high else ""
        interval = f"95 % interval {_shown(low, digits, True)} to {_shown(high, digits, True)}{none}; {pairs}"
    return f"{head}, {than} {row['baseline']} ({interval})."


def effect_tables(results: Results) -> list[EffectTable]:
    """A table per outcome, with all rows of `sim.compare` in which anything is seen; none where there is one arm."""
    tables = []
    for name in outcome_names(results):
        effects = compare(results, outcomes=[name])
        effects = effects[(effects["mean"] != 0.0) | (effects["baseline_mean"] != 0.0)]
        own = unit(name, results)
        title = f"{in_words(name)} ({own})" if own else in_words(name)
        if len(effects):
            heads = effects["baseline"].unique()
            shown = [_row(row, _digits_of(row)) for row in effects.to_dict("records")]
            several, base = effects["tissue"].nunique() > 1, heads[0] if len(heads) == 1 else ""
            tables.append(EffectTable(title[0].upper() + title[1:], shown, several, base))
    return tables


def _row(row: dict[Any, Any], digits: int) -> dict[str, Any]:
    """The cells of a row: words, and numbers as they are and as they are shown."""
    signed = ("difference", "difference_low", "difference_high")
    told = ("mean", "baseline_mean", *signed)
    numbers = {name: Number(row[name], _shown(row[name], digits, name in signed)) for name in told}
    p = Number(row["p_holm"], "" if math.isnan(row["p_holm"]) else f"{row['p_holm']:.2g}")
    counted = f"{row['n']} of {row['n'] + row['missing']}" if row["missing"] else str(row["n"])
    tells = math.isfinite(row["difference_low"]) and not row["difference_low"] <= 0.0 <= row["difference_high"]
    words = {name: row[name] for name in ("tissue", "arm", "baseline")}
    return {**words, **numbers, "p": p, "n": counted, "tells": tells}


def _digits_of(row: Mapping[Any, Any]) -> int:
    """Behind the point, of all numbers of a row: as many as show its difference and how sure that is."""
    half = (row["difference_high"] - row["difference_low"]) / 2.0
    sure = max(half, abs(row["difference"]) * SURE) if math.isfinite(half) else abs(row["difference"])
    return _digits([row["mean"], row["baseline_mean"]], sure)


def _digits(means: Iterable[float], spread: float) -> int:
    """Behind the point: three digits of the largest mean, and two of the spread, whichever is more."""
    mean = max(map(abs, filter(math.isfinite, means)), default=0.0)
    spread = max(spread, mean * NOISE) if math.isfinite(spread) and spread else 0.0
    wanted = [n - math.floor(math.log10(size)) for n, size in ((2, mean), (1, spread)) if size > 0.0]
    return max(0, *wanted) if wanted else 2


def in_words(outcome: str) -> str:
    """``burden``, ``off-target loss``, ``exposure to SASP``."""
    if outcome in PIGMENT:
        return PIGMENT[outcome].partition(" (")[0]
    for prefix, words in (("exposure_", "exposure to "), ("closure_", "time until 90 % closure of ")):
        if outcome.startswith(prefix):
            return words + outcome.removeprefix(prefix)
    return outcome.replace("off_target", "off-target").replace("_", " ")


def _shown(value: float, digits: int, signed: bool = False) -> str:
    """So many digits behind the point; a dash for what is not known; no sign before what is 0 when rounded."""
    if not math.isfinite(value):
        return "\N{EN DASH}"
    return f"{value:{'+' if signed and round(value, digits) else ''}z.{digits}f}".replace("-", MINUS)
