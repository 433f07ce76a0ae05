"""The answer: what arms changed, in sentences and in tables, to the bit as `sim.compare` has it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sim.analysis.compare import compare
from sim.analysis.headline import burden_table, when_told
from sim.analysis.organism_lines import PIGMENT
from sim.analysis.outcomes import derived, unit
from sim.analysis.paired import BODY
from sim.analysis.survival import somebody_died
from sim.analysis.treatment import harm, main_factor
from sim.figures import main_tissue
from sim.figures.style import MINUS
from sim.results import Results

MOST_ROWS = 20  # of a table that is not folded away


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
    """What the main outcome is, and a sentence for every arm, in the tissue that is acted upon."""
    main = outcome_names(results)[0]
    effects = compare(results, outcomes=[main])
    where = BODY if len(effects) and (effects["tissue"] == BODY).all() else main_tissue(results)
    place = f" in {where}" if where != BODY and len(results.tissues) > 1 else ""
    head = f"{in_words(main).capitalize()}{place}, {when_told(results)}:"
    if effects.empty:
        return f"Burden, {when_told(results)}:", list(_one_arm(results))
    rows = effects[effects["tissue"] == where].to_dict("records")
    digits = _digits(rows)
    return head, [_sentence(row, unit(main, results), digits) for row in rows]


def _one_arm(results: Results) -> Iterator[str]:
    """Nothing to compare with: the burden of each tissue."""
    rows = burden_table(results).to_dict("records")
    digits = _digits([{**row, "baseline_mean": row["mean"]} for row in rows])
    for row in rows:
        low, high = (_shown(row[name], digits) for name in ("low", "high"))
        interval = f" (95 % interval {low} to {high})" if math.isfinite(row["low"]) else ""
        where = f" in {row['tissue']}" if len(results.tissues) > 1 else ""
        yield f"{row['arm']}: {_shown(row['mean'], digits)} %{where}{interval}, n = {row['n']}."


def _sentence(row: dict[Any, Any], own: str, digits: int) -> str:
    """One arm against its baseline."""
    pairs = f"{row['n']} pair{'' if row['n'] == 1 else 's'} of replicates"
    if not row["n"]:
        return f"{row['arm']}: no replicate has finished both here and in {row['baseline']}."
    head = f"{row['arm']}: {_shown(row['mean'], digits)}{f' {own}' if own else ''}"
    if row["difference"] == 0.0:
        return f"{head}, the same as in {row['baseline']} ({pairs})."
    points = "points" if own.startswith("%") else own
    size, direction = _shown(abs(row["difference"]), digits), "more" if row["difference"] > 0 else "less"
    low, high = row["difference_low"], row["difference_high"]
    interval = f"no interval from {pairs}"
    if math.isfinite(low):
        none = ", which includes 0" if low <= 0.0 <= high else ""
        interval = f"95 % interval {_shown(low, digits, True)} to {_shown(high, digits, True)}{none}; {pairs}"
    return f"{head}, {size}{f' {points}' if points else ''} {direction} than in {row['baseline']} ({interval})."


def effect_tables(results: Results) -> list[EffectTable]:
    """A table per outcome, with all rows of `sim.compare` in which anything is seen; none where there is one arm."""
    tables = []
    for name in outcome_names(results):
        effects = compare(results, outcomes=[name])
        effects = effects[(effects["mean"] != 0.0) | (effects["baseline_mean"] != 0.0)]
        own = unit(name, results)
        title = f"{in_words(name)} ({own})" if own else in_words(name)
        if len(effects):
            rows, heads = effects.to_dict("records"), effects["baseline"].unique()
            shown = [_row(row, _digits(rows)) for row in rows]
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


def _digits(rows: Sequence[Mapping[Any, Any]]) -> int:
    """Behind the point: three digits of the largest mean."""
    means = [abs(row[name]) for row in rows for name in ("mean", "baseline_mean")]
    largest = max((mean for mean in means if math.isfinite(mean)), default=0.0)
    return max(0, 2 - math.floor(math.log10(largest))) if largest > 0.0 else 2


def in_words(outcome: str) -> str:
    """``burden``, ``off-target loss``, ``exposure to SASP``."""
    if outcome in PIGMENT:
        return PIGMENT[outcome].partition(" (")[0]
    for prefix, words in (("exposure_", "exposure to "), ("closure_", "time until 90 % closure of ")):
        if outcome.startswith(prefix):
            return words + outcome.removeprefix(prefix)
    return outcome.replace("off_target", "off-target").replace("_", " ")


def _shown(value: float, digits: int, signed: bool = False) -> str:
    """So many digits behind the point; a dash for what is not known."""
    if not math.isfinite(value):
        return "\N{EN DASH}"
    return f"{value:{'+' if signed and value else ''}z.{digits}f}".replace("-", MINUS)
