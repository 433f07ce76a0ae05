"""A sensitivity analysis in words: names of parameters that people read, and the table of `senodrift sensitivity`."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from sim.analysis.headline import aligned
from sim.analysis.sensitivity import Sensitivity

GROUPS = ("tissues", "factors", "drugs", "treatments", "events")
SILENT = ("effects", "hill")  # levels of a scenario file that say nothing in a name
INTERACTIONS = 5  # pairs that are listed at most


def human_name(path: str) -> str:
    """``SASP induction half max`` of ``factors.SASP.induction.hill.half_max``; users' names stay."""
    parts = path.split(".")
    if parts[0] == "arms" and len(parts) > 2:
        return f"{parts[1]}: {human_name('.'.join(parts[2:]))}"
    own, rest = ([parts[1]], parts[2:]) if parts[0] in GROUPS and len(parts) > 1 else ([], parts)
    return " ".join([*own, *(word.replace("_", " ") for word in rest if word not in SILENT)])


def design_in_words(found: Sensitivity) -> str:
    """``64 blocks x 14 points x 4 replicates``."""
    kind = "blocks" if found.method == "saltelli" else "walks"
    runs = "1 replicate" if found.replicates == 1 else f"{found.replicates} replicates"
    return f"{found.n} {kind} x {found.block} points x {runs}"


def luck_in_words(found: Sensitivity) -> str:
    """How much of the variance of a run is luck, with its interval; nothing of a single replicate."""
    if not math.isfinite(found.luck):
        return ""
    row = found.index("luck").iloc[0]
    share, low, high = (100.0 * each for each in (row["estimate"], max(0.0, row["low"]), min(1.0, row["high"])))
    return f"luck is {share:.0f} % ({low:.0f}, {high:.0f}) of the variance of a run"


def sensitivity_lines(found: Sensitivity) -> Iterator[str]:
    """The indices as a table in text, the most important parameter first, and the strongest interactions."""
    what = "Sobol indices" if found.method == "saltelli" else "elementary effects over the whole range"
    when = f" on day {found.day:g}" if math.isfinite(found.day) else " when runs end"
    yield f"{found.subject}{when}: {what}; {design_in_words(found)}"
    yield from aligned(_by_variance(found) if found.method == "saltelli" else _by_effect(found))
    words = luck_in_words(found)
    if words:
        yield words


def _by_variance(found: Sensitivity) -> list[list[str]]:
    interval = f"{100 * found.level:g} % interval"
    table = [["parameter", "range", "ST", interval, "S1", interval]]
    total, first = found.index("ST"), found.index("S1")
    for key in found.ranked:
        cells = [cell for rows in (total, first) for cell in _number(rows.loc[key], "z.2f")]
        table.append([f"  {human_name(key)}", found.ranges[key], *cells])
    for (one, other), row in found.clear_pairs()[:INTERACTIONS].iterrows():
        table.append([f"  {human_name(one)} x {human_name(other)}", "S2", "", "", *_number(row, "z.2f")])
    return table


def _by_effect(found: Sensitivity) -> list[list[str]]:
    interval = f"{100 * found.level:g} % interval"
    table = [["parameter", "range", "mu*", interval, "mu", interval, "sigma"]]
    size, mean, spread = found.index("mu_star"), found.index("mu"), found.index("sigma")
    for key in found.ranked:
        cells = [*_number(size.loc[key], ".3g"), *_number(mean.loc[key], "+.3g"), _number(spread.loc[key], ".3g")[0]]
        table.append([f"  {human_name(key)}", found.ranges[key], *cells])
    return table


def _number(row: pd.Series, form: str) -> list[str]:
    """An estimate and its interval, as two cells; ``z`` in the form: no minus before 0.00."""
    if not math.isfinite(row["estimate"]):
        return ["-", ""]
    return [f"{row['estimate']:{form}}", f"({row['low']:{form}}, {row['high']:{form}})"]
