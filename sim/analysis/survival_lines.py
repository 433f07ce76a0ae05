"""Survival as lines of text: lifespans, hazards of death, and how many individuals a study needs."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from sim.analysis.headline import aligned
from sim.analysis.survival_power import MOST, STUDIES

SMALL_P = 1e-3  # below it a p-value says no more


def life_lines(table: pd.DataFrame) -> Iterator[str]:
    """The table of `sim.survival`: a row per arm, then hazards against the baseline."""
    lines = [["age at death (d)", "died", "median", "95 % interval", "10 % by", "90 % by", "restricted mean",
              "95 % interval", "hazard doubles in"]]  # fmt: skip
    for row in table.itertuples():
        interval = f"{_age(row.median_low)}  {_age(row.median_high)}"
        ages = [_age(row.median), interval, _age(row.p10), _age(row.p90), f"{row.restricted_mean:.0f}"]
        mean = f"{row.restricted_mean_low:.0f}  {row.restricted_mean_high:.0f}"
        lines.append([f"  {row.arm}", f"{row.died} of {row.n}", *ages, mean, _doubling(row)])
    yield from aligned(lines)
    yield ("restricted mean: of who lives when the run ends, that age; hazard doubles: Gompertz law between 2 and 90 % "
           "dead, with its standard error")  # fmt: skip
    others = table[table["arm"] != table["baseline"]]
    if len(others):
        yield ""
        head = f"hazard of death over that of {table['baseline'].iloc[0]}"
        lines = [[head, "ratio", "95 % interval", "p (log-rank)"]]
        for row in others.itertuples():
            known = math.isfinite(row.hazard_ratio)
            interval = f"({row.hazard_ratio_low:.2f}, {row.hazard_ratio_high:.2f})" if known else ""
            lines.append([f"  {row.arm}", f"{row.hazard_ratio:.2f}" if known else "-", interval, _p(row.p)])
        yield from aligned(lines)
        yield "arms taken as independent; sim.compare has the paired difference of lifespan, which shared luck sharpens"


def power_lines(table: pd.DataFrame) -> Iterator[str]:
    """The table of `survival_power`: a row per difference, the sizes for each power across."""
    powers = table["power"].drop_duplicates().tolist()
    base = table["baseline"].iloc[0]
    head = [f"individuals per arm, against {base}", "hazard ratio", "median (d)"]
    for power in powers:
        head += [f"{100 * power:g} %: deaths", "formula", "drawn"]
    lines = [head]
    for _, rows in table.groupby(["arm", "hazard_ratio"], sort=False, dropna=False):
        first = rows.iloc[0]
        name = first["arm"] or "an arm with this ratio"
        ratio = f"{first['hazard_ratio']:.2f}" if math.isfinite(first["hazard_ratio"]) else "-"
        line = [f"  {name}", ratio, f"{first['median_difference']:+.0f}" if math.isfinite(first["median_difference"])
                else "-"]  # fmt: skip
        for row in rows.to_dict("records"):
            ends = f" ({_size(row['n_low'])}, {_size(row['n_high'])})" if row["arm"] else ""
            line += [_size(row["deaths"]), f"{_size(row['n'])}{ends}", _drawn(row["n_drawn"])]
        lines.append(line)
    yield from aligned(lines)
    yield "two-sided log-rank test at 5 %; in brackets: at the ends of the 95 % interval of the hazard ratio"
    yield (f"formula: Schoenfeld, with the deaths of these arms until the run ends; drawn: {STUDIES} studies from the "
           "simulated individuals, each arm by itself, for real mice share no luck")  # fmt: skip


def _age(age: float) -> str:
    return f"{age:.0f}" if math.isfinite(age) else "later"


def _doubling(row: object) -> str:
    time, error = (float(getattr(row, name)) for name in ("doubling_time", "doubling_error"))
    return f"{time:.0f} \N{PLUS-MINUS SIGN} {error:.0f} d" if math.isfinite(time) else "-"


def _p(p: float) -> str:
    return "-" if math.isnan(p) else f"{p:.2g}" if p >= SMALL_P else f"< {SMALL_P:g}"


def _size(n: float) -> str:
    return "-" if math.isnan(n) else "never" if math.isinf(n) else f"{n:.0f}"


def _drawn(n: float) -> str:
    return f"> {MOST}" if math.isinf(n) else _size(n)
