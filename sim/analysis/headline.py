"""What a run says first: burden on the last day, what the arms changed, by which causes, and what drugs did."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from sim.analysis.causes import turning_causes
from sim.analysis.compare import compare
from sim.analysis.coupling import common_day, mean_coupling
from sim.analysis.organism_lines import FEW_TISSUES, marks_in_words, outcome_lines, pigment_lines, tissue_lines
from sim.analysis.paired import ENOUGH_FOR_RATIO, baseline_words, baselines, effects, t_interval
from sim.analysis.rebound import rebound_by_arm, rebound_in_words
from sim.analysis.survival import somebody_died, survival
from sim.analysis.times import closure, quantiles_by_arm, time_to_count, wounds
from sim.analysis.treatment import exposure, given_doses, main_factor, off_target_loss
from sim.results import Results

WORTH_TELLING = 1.5  # times fewer replicates
ENOUGH_TO_CORRELATE = 8  # individuals


def burden_table(results: Results, level: float = 0.95) -> pd.DataFrame:
    """Burden on the last day per tissue and arm, and its paired difference as in `sim.compare`.

    Returns
    -------
    DataFrame
        ``tissue arm n mean low high difference difference_low difference_high variance_ratio``, burdens in percent, t
        intervals; differences are NaN in a baseline, intervals in a single replicate.
    """
    table = results.summary().rename(columns={"burden_mean": "mean"})
    half = [
        float(stats.t.ppf(0.5 + level / 2, n - 1)) * sd / math.sqrt(n) if n > 1 else math.nan
        for n, sd in zip(table["n"], table["burden_sd"], strict=True)
    ]
    table["low"], table["high"] = table["mean"] - half, table["mean"] + half
    columns = ["tissue", "arm", "difference", "difference_low", "difference_high", "variance_ratio"]
    return table.merge(compare(results, level=level)[columns], on=["tissue", "arm"], how="left")


def extra_by_cause(results: Results, arm: str, tissue: str) -> dict[str, float]:
    """Senescent cells that turned since the start in `arm` beyond those of its baseline, by cause.

    Mean over the replicates that finished in both arms; causes without a difference are left out.
    """
    causes = [f"cum_{name}" for name in turning_causes(results)]
    rows = results.timeseries[results.timeseries["tissue"] == tissue].sort_values("day", kind="stable")
    last = rows.drop_duplicates(["arm", "replicate"], keep="last").set_index("replicate")
    mine, base = (last.loc[last["arm"] == name, causes] for name in (arm, baselines(results)[arm]))
    extra = (mine - base).dropna().mean()  # not a number where there are no pairs
    return {name[4:]: float(value) for name, value in extra.items() if value != 0 and math.isfinite(value)}


def drug_table(results: Results, tissue: str) -> pd.DataFrame:
    """What drugs did in a tissue, for every arm with a regimen.

    Returns
    -------
    DataFrame
        ``arm``; ``fewest most``: doses given in a replicate; ``loss``: healthy cells killed [% of sites], mean;
        ``exposure`` to the main factor [% of that in the baseline], ratio of means over pairs, NaN without a factor;
        ``rebound`` of burden and ``factor_rebound`` of the main factor, in words.
    """
    runs = results.timeseries[["arm", "replicate"]].drop_duplicates().set_index(["arm", "replicate"]).index
    doses = given_doses(results).groupby(["arm", "replicate"]).size().reindex(runs, fill_value=0)
    loss = off_target_loss(results).query("tissue == @tissue").groupby("arm")["loss"].mean()
    relative, undone = _relative_exposure(results, tissue), rebound_by_arm(results, tissue)
    factor = main_factor(results)
    louder = undone if factor is None else rebound_by_arm(results, tissue, f"mean_{factor}")
    planned = set(results.doses["arm"]) & set(runs.get_level_values("arm"))
    rows = [
        {"arm": arm, "fewest": doses[arm].min(), "most": doses[arm].max(), "loss": loss[arm]}
        | {"exposure": relative.get(arm, math.nan)}
        | {"rebound": rebound_in_words(undone.loc[arm]) if arm in undone.index else "-"}
        | {"factor_rebound": rebound_in_words(louder.loc[arm]) if arm in louder.index else "-"}
        for arm in results.arms
        if arm in planned
    ]
    return pd.DataFrame(rows)


def _relative_exposure(results: Results, tissue: str) -> dict[str, float]:
    """Exposure of each other arm to the main factor, in percent of that of its baseline."""
    factor = main_factor(results)
    if factor is None:
        return {}
    table = effects(results, exposure(results, factor), ["exposure"])
    table = table[(table["tissue"] == tissue) & (table["baseline_mean"] > 0.0)]
    return dict(zip(table["arm"], 100.0 * table["mean"] / table["baseline_mean"], strict=True))


def closure_table(results: Results, wound: str) -> pd.DataFrame:
    """Days from a wound until 90 % of it are closed, per wounded arm, and the paired difference as in `sim.compare`.

    Returns
    -------
    DataFrame
        ``arm n still_open mean low high difference difference_low difference_high``: replicates, and those in which the
        wound is open when the run ends. An arm with any such has no mean, as one of the others would flatter it.
    """
    ends, here = closure(results, wound).dropna(subset="healing"), results.tissues[0]
    late = ends["healing"].eq(math.inf).groupby(ends["arm"], sort=False).sum()
    ends["healing"] = ends["healing"].where(ends["arm"].map(late) == 0)
    rows = []
    for arm, days in ends.groupby("arm", sort=False)["healing"]:
        low, high = t_interval(days.to_numpy(np.float64))
        rows.append(
            {"arm": arm, "n": len(days), "still_open": late[arm], "mean": days.mean(), "low": low, "high": high}
        )
    pairs = effects(results, ends.assign(tissue=here), ["healing"])
    columns = ["arm", "difference", "difference_low", "difference_high"]
    return pd.DataFrame(rows).merge(pairs.loc[pairs["tissue"] == here, columns], on="arm", how="left")


def when_told(results: Results) -> str:
    """When the last rows of the tables were written, which may differ from run to run."""
    if somebody_died(results):
        return "when last recorded"
    return "when the run ended" if results.manifest.get("stop") else f"on day {results.timeseries['day'].max():g}"


def burden_lines(results: Results) -> Iterator[str]:
    """Burden on the last day as a table in text; below it what drugs did, extra cells by cause, and shared luck.

    Of many tissues one table of means and differences; then the outcomes of the individual, where there are any.
    """
    stop, when = results.manifest.get("stop"), when_told(results)
    if somebody_died(results):
        yield from _life_lines(results)
    if stop:
        yield from _times_to_stop(results, stop["cause"], stop["count"])
    for wound in wounds(results):
        yield from _closure_lines(results, wound)
    many = len(results.tissues) > FEW_TISSUES
    if many:
        yield from tissue_lines(results, when)
    for tissue, rows in burden_table(results).groupby("tissue", sort=False) if not many else ():
        yield from _lines_of_tissue(results, str(tissue), rows, when)
    outcomes = list(outcome_lines(results, when))
    yield from ["", *outcomes] if outcomes else []
    skin = list(pigment_lines(results, when))
    yield from ["", *skin] if skin else []
    if many or outcomes or skin:
        yield from marks_in_words(results)
    yield from _coupling_lines(results)


def _lines_of_tissue(results: Results, tissue: str, rows: pd.DataFrame, when: str) -> Iterator[str]:
    """The rows of `burden_table` of one tissue, and what changed them."""
    where = f" in {tissue}" if len(results.tissues) > 1 else ""
    head = [
        f"burden{where} {when} (% senescent)",
        "mean",
        "95 % interval",
        f"difference from {baseline_words(results)}",
    ]
    table = [[*head, ""]]
    for row in rows.itertuples():
        table.append([f"  {row.arm}", f"{row.mean:.2f}", _interval(row.low, row.high, "{}  {}"), *_difference(row)])
    yield from aligned(table if len(results.arms) > 1 else [row[:3] for row in table])
    yield from _drug_lines(results, tissue)
    for arm, other in baselines(results).items():
        extra = extra_by_cause(results, arm, tissue)
        if extra:
            causes = ", ".join(f"{cause} {cells:+.1f}" for cause, cells in extra.items())
            yield f"cells that turned, {arm} more than {other}, by cause: {causes}"
    gains = rows.set_index("arm")["variance_ratio"].dropna()
    for arm, gain in gains[(gains >= WORTH_TELLING) & (rows["n"].min() >= ENOUGH_FOR_RATIO)].items():
        yield f"shared luck, {arm}: {gain:.2g} times fewer replicates than unpaired"


def _life_lines(results: Results) -> Iterator[str]:
    """Median age at death of every arm with its interval, and its hazard of death against that of the first arm."""
    base = results.arms[0]
    table = [["age at death (d)", "median", "95 % interval", "10 % by", "90 % by", "died", f"hazard / {base}", ""]]
    for row in survival(results).itertuples():
        low, high, early, late = (
            f"{age:.0f}" if math.isfinite(age) else "later"
            for age in (row.median_low, row.median_high, row.p10, row.p90)
        )
        median = f"{row.median:.0f}" if math.isfinite(row.median) else "later"
        ratio = ["-", ""]
        if math.isfinite(row.hazard_ratio):
            ratio = [f"{row.hazard_ratio:.2f}", f"({row.hazard_ratio_low:.2f}, {row.hazard_ratio_high:.2f})"]
        table.append([f"  {row.arm}", median, f"{low}  {high}", early, late, f"{row.died} of {row.n}", *ratio])
    yield from aligned(table if len(results.arms) > 1 else [row[:6] for row in table])
    yield ""


def _coupling_lines(results: Results) -> Iterator[str]:
    """How alike the tissues of an individual are, of every arm, beside their mean burden."""
    if len(results.tissues) < 2 or math.isnan(day := common_day(results)):
        return
    table = mean_coupling(results, day)
    if table["n"].max() < ENOUGH_TO_CORRELATE:
        return
    head = f"correlation between tissues across individuals, day {day:g}"
    lines = [[head, "mean of pairs", "95 % interval", "mean burden of the tissues (%)"]]
    for row in table.itertuples():
        mean = f"{row.correlation:.2f}" if math.isfinite(row.correlation) else "-"
        lines.append([f"  {row.arm}", mean, _interval(row.low, row.high, "({}, {})"), f"{row.burden:.2f}"])
    yield ""
    yield from aligned(lines)


def _closure_lines(results: Results, wound: str) -> Iterator[str]:
    """When a wound had closed, arm by arm."""
    head = f"{wound} 90 % closed after (d of healing, since the wound)"
    lines = [[head, "mean", "95 % interval", f"difference from {baseline_words(results)}", ""]]
    table = closure_table(results, wound)
    for row in table.itertuples():
        mean = f"open in {row.still_open} of {row.n}" if row.still_open else f"{row.mean:.2f}"
        lines.append([f"  {row.arm}", mean, _interval(row.low, row.high, "{}  {}"), *_difference(row)])
    if len(table):
        yield from aligned(lines if len(results.arms) > 1 else [line[:3] for line in lines])
        yield ""


def _difference(row: Any) -> list[str]:
    """A difference from the first arm and its interval, as two cells."""
    difference = f"{row.difference:+.2f}" if math.isfinite(row.difference) else "-"
    return [difference, _interval(row.difference_low, row.difference_high, "({}, {})")]


def _drug_lines(results: Results, tissue: str) -> Iterator[str]:
    """Doses given, what they cost and did, and for how long, for every arm with a regimen."""
    if results.doses.empty:  # what nobody was given is not looked for in thousands of runs
        return
    table = drug_table(results, tissue)
    factor, base = main_factor(results), baseline_words(results)
    lines = [["drugs", "doses", "lost off target (% of sites)", "half rebound of burden"]]
    lines[0] += [f"of {factor}", f"{factor} exposure (% of {base})"] if factor is not None else []
    for row in table.itertuples():
        doses = f"{row.fewest}" if row.fewest == row.most else f"{row.fewest} to {row.most}"
        line = [f"  {row.arm}", doses, f"{row.loss:.2f}", row.rebound]
        if factor is not None:
            line += [row.factor_rebound, f"{row.exposure:.0f}" if math.isfinite(row.exposure) else "-"]
        lines.append(line)
    yield from aligned(lines) if len(table) else ()


def _times_to_stop(results: Results, cause: str, count: int) -> Iterator[str]:
    """Median time to the count that ends a run, with the central 80 % of the replicates."""
    table = [[f"hours to {count} cells turned by {cause}", "median", "10 %", "90 %"]]
    for arm, low, middle, high in quantiles_by_arm(time_to_count(results, f"cum_{cause}", count)).itertuples():
        table.append(
            [f"  {arm}", *(f"{24 * days:.3g}" if math.isfinite(days) else "never" for days in (middle, low, high))]
        )
    yield from aligned(table)


def _interval(low: float, high: float, form: str) -> str:
    return form.format(f"{low:.2f}", f"{high:.2f}") if math.isfinite(low) else ""


def aligned(table: list[list[str]]) -> Iterator[str]:
    """Rows as lines: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for first, *others in table:
        numbers = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        yield "   ".join([first.ljust(widths[0]), *numbers]).rstrip()
