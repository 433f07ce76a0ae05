"""The answer: what arms changed, in sentences and in tables, to the bit as `sim.compare` has it."""

from __future__ import annotations

import math
from collections.abc import Iterator
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


@dataclass(frozen=True)
class Number:
    """A number as it is and as it is shown."""

    value: float
    shown: str


@dataclass(frozen=True)
class EffectTable:
    """One outcome: its name with the unit, and a row per tissue and arm."""

    title: str
    rows: list[dict[str, Any]]
    several_tissues: bool


def outcome_names(results: Results) -> list[str]:
    """Outcomes worth a table, the main one first: length of life, burden, those of the scenario, skin, wounds, costs."""
    known, columns = derived(results), list(results.timeseries)
    names = ["lifespan"] if somebody_died(results) else []
    names += ["burden", *(["whole_body_burden"] if len(results.tissues) > 1 and "whole_body_burden" in known else [])]
    names += [name for name in results.manifest.get("outcomes", {}) if name in known]
    names += [name for name in PIGMENT if name in columns and results.timeseries[name].notna().any()]
    names += [name for name in known if name.startswith("closure_")]
    if "off_target_loss" in known and harm(results)["killed"].any():
        names.append("off_target_loss")
    factor = main_factor(results)
    return names if factor is None or not len(results.doses) else [*names, f"exposure_{factor}"]


def answer(results: Results) -> list[str]:
    """The main outcome in sentences: one per arm, in the tissue that is acted upon."""
    main = outcome_names(results)[0]
    effects = compare(results, outcomes=[main])
    if effects.empty:
        return list(_one_arm(results))
    where = BODY if (effects["tissue"] == BODY).all() else main_tissue(results)
    rows = effects[effects["tissue"] == where].to_dict("records")
    return [_sentence(results, row, main, where if len(results.tissues) > 1 else BODY) for row in rows]


def _one_arm(results: Results) -> Iterator[str]:
    """Nothing to compare with: the burden of each tissue."""
    for row in burden_table(results).itertuples():
        interval = f" (95 % interval {_plain(row.low)} to {_plain(row.high)})" if math.isfinite(row.low) else ""
        where = f" in {row.tissue}" if len(results.tissues) > 1 else ""
        yield f"{when_told(results).capitalize()}, burden{where} was {_plain(row.mean)} %{interval}, n = {row.n}."


def _sentence(results: Results, row: dict[Any, Any], outcome: str, where: str) -> str:
    own = unit(outcome, results)
    place = "" if where == BODY else f" in {where}"
    head = f"{row['arm']}: {in_words(outcome)}{place} was {_plain(row['mean'])}{f' {own}' if own else ''}"
    points = "points" if own.startswith("%") else own
    size, direction = abs(row["difference"]), "more" if row["difference"] > 0 else "less"
    pairs = f"{row['n']} pair{'' if row['n'] == 1 else 's'} of replicates"
    if not row["n"]:
        return f"{row['arm']}: no replicate has finished both here and in {row['baseline']}."
    if row["difference"] == 0.0:
        return f"{head}, the same as in {row['baseline']} ({pairs})."
    low, high = row["difference_low"], row["difference_high"]
    interval = f"no interval from {pairs}"
    if math.isfinite(low):
        none = "; it includes 0" if low <= 0.0 <= high else ""
        interval = f"95 % interval of the difference {_plain(low, True)} to {_plain(high, True)}{none}; {pairs}"
    return f"{head}, {_plain(size)}{f' {points}' if points else ''} {direction} than in {row['baseline']} ({interval})."


def effect_tables(results: Results) -> list[EffectTable]:
    """A table per outcome, all rows of `sim.compare`; empty where there is one arm."""
    names = outcome_names(results)
    effects = compare(results, outcomes=names)
    tables = []
    for name in names:
        rows = effects[effects["outcome"] == name]
        own = unit(name, results)
        title = f"{in_words(name)} ({own})" if own else in_words(name)
        if len(rows):
            each = [_row(row) for row in rows.to_dict("records")]
            tables.append(EffectTable(title[0].upper() + title[1:], each, rows["tissue"].nunique() > 1))
    return tables


def _row(row: dict[Any, Any]) -> dict[str, Any]:
    """The cells of a row: words, and numbers as they are and as they are shown."""
    signed = ("difference", "difference_low", "difference_high")
    numbers = {
        name: Number(row[name], _plain(row[name], name in signed)) for name in ("mean", "baseline_mean", *signed)
    }
    p = Number(row["p_holm"], "" if math.isnan(row["p_holm"]) else f"{row['p_holm']:.2g}")
    counted = f"{row['n']} of {row['n'] + row['missing']}" if row["missing"] else str(row["n"])
    tells = math.isfinite(row["difference_low"]) and not row["difference_low"] <= 0.0 <= row["difference_high"]
    words = {name: row[name] for name in ("tissue", "arm", "baseline")}
    return {**words, **numbers, "p": p, "n": counted, "tells": tells}


def in_words(outcome: str) -> str:
    """``burden``, ``off-target loss``, ``exposure to SASP``."""
    if outcome in PIGMENT:
        return PIGMENT[outcome].partition(" (")[0]
    for prefix, words in (("exposure_", "exposure to "), ("closure_", "time until 90 % closure of ")):
        if outcome.startswith(prefix):
            return words + outcome.removeprefix(prefix)
    return outcome.replace("off_target", "off-target").replace("_", " ")


def _plain(value: float, signed: bool = False) -> str:
    """Three digits, no exponent where people write none; a dash for what is not known."""
    if not math.isfinite(value):
        return "\N{EN DASH}"
    text = f"{value:{'+' if signed and value else ''}.3g}"
    return text.replace("-", MINUS)
