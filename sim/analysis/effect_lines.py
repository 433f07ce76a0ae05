"""Effects and ranks as lines of text: what a person reads of the tables of `compare` and `rank`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from sim.analysis.headline import aligned
from sim.analysis.paired import ENOUGH_FOR_RATIO
from sim.analysis.ranking import LEAST

SMALL_P = 1e-3  # below it a p-value says no more


def effect_lines(effects: pd.DataFrame, halfwidth: float | None = None) -> Iterator[str]:
    """The table of `sim.compare` without the columns that few ask for; one tissue, or one outcome, is not repeated."""
    known = ("point", "arm", "baseline", "tissue", "outcome", "sex")
    keys = [name for name in known if name == "arm" or _varies(effects, name)]
    wished = halfwidth is not None
    base = "of baseline" if "baseline" in keys else effects["baseline"].iloc[0]
    head = [*keys, "n", "mean", base, "difference", _interval_of(effects), "p (Holm)"]
    table = [[*head, *(["more needed"] if wished else []), "shared luck"]]
    for row in effects.to_dict("records"):
        interval = _both(row["difference_low"], row["difference_high"])
        told = (("mean", ".4g"), ("baseline_mean", ".4g"), ("difference", "+.4g"))
        means = [f"{row[name]:{form}}" if math.isfinite(row[name]) else "-" for name, form in told]
        numbers = [*means, interval, _p(row["p_holm"])]
        more = [f"{row['needed']:.0f}" if math.isfinite(row["needed"]) else "?"] if wished else []
        table.append([*(str(row[key]) for key in keys), _counted(row), *numbers, *more, _ratio(row)])
    yield from aligned(table)
    n = effects.attrs["tests"]
    tests = f"p corrected for {n} different tests" if n else "no test: too few pairs, or no variation between them"
    yield ", ".join([*(f"{name} {effects[name].iloc[0]}" for name in ("tissue", "outcome") if name not in keys), tests])
    if effects["missing"].any():
        yield "n: pairs of those there should be; in the others a run did not finish, or ended without such an outcome"
    if "sex" in effects:
        yield "male - female and the like: how much more the arm does in the one sex than in the other (Welch)"
    if halfwidth is not None:
        yield f"more needed: pairs for a half-width of {halfwidth:g}, as far as those there are tell"


def open_lines(still_open: pd.DataFrame) -> Iterator[str]:
    """The table of `open_wounds` as a line for each outcome."""
    for outcome, rows in still_open.groupby("outcome", sort=False):
        counts = ", ".join(f"{row.arm} {row.still_open} of {row.n} runs" for row in rows.itertuples())
        yield f"{outcome}: still open when the run ends: {counts}; left out, which flatters the slower arm"


def rank_lines(ranks: Sequence[pd.DataFrame], best: str) -> Iterator[str]:
    """Tables of `sim.rank` as lines, where three arms or more were ranked."""
    for ranking in ranks:
        keys = [name for name in ("point", "tissue", "baseline") if _varies(ranking, name)]
        for place, rows in ranking.groupby(keys, sort=False) if keys else [((), ranking)]:
            if rows["mean_rank"].count() > 2:
                words = {"baseline": "arms like"}
                where = "".join(f", {words.get(name, name)} {word}" for name, word in zip(keys, place, strict=True))
                yield ""
                title = f"{rows['outcome'].iloc[0]}{where}: {best} first"
                yield from aligned(_rank_table(rows, title, _interval_of(ranking)))
                if rows["n"].max() < LEAST:
                    yield f"no chances: they take {LEAST} replicates that all arms have"


def _rank_table(rows: pd.DataFrame, title: str, interval: str) -> list[list[str]]:
    table = [[title, "n", "mean", "chance of being best", "mean rank", interval]]
    for row in rows.to_dict("records"):
        chance = _percent(row["p_best"]) if math.isfinite(row["p_best"]) else ""
        ranks = f"{row['rank_low']:g} to {row['rank_high']:g}" if math.isfinite(row["rank_low"]) else ""
        numbers = [f"{value:.4g}" if math.isfinite(value) else "-" for value in (row["mean"], row["mean_rank"])]
        table.append([f"  {row['arm']}", _counted(row), numbers[0], chance, numbers[1], ranks])
    return table


def _varies(table: pd.DataFrame, name: str) -> bool:
    return name in table and table[name].nunique() > 1


def _counted(row: dict[Any, Any]) -> str:
    return f"{row['n']} of {row['n'] + row['missing']}" if row["missing"] else str(row["n"])


def _percent(share: float) -> str:
    """Nothing is certain of a sample."""
    return "> 99 %" if share >= 0.995 else "< 1 %" if share < 0.005 else f"{100.0 * share:.0f} %"


def _interval_of(table: pd.DataFrame) -> str:
    return f"{100.0 * table.attrs['level']:g} % interval"


def _both(low: float, high: float) -> str:
    return f"({low:.4g}, {high:.4g})" if math.isfinite(low) else ""


def _p(p: float) -> str:
    return f"{p:.2g}" if p >= SMALL_P else f"< {SMALL_P:g}" if p < SMALL_P else ""


def _ratio(row: dict[Any, Any]) -> str:
    """To the digits that it has, and nothing of few pairs."""
    told = row["n"] >= ENOUGH_FOR_RATIO and math.isfinite(row["variance_ratio"])
    return f"{row['variance_ratio']:.2g}" if told else ""
