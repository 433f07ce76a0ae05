"""Paired comparison against scipy's paired t test and closed forms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sim.analysis.compare import COLUMNS, compare
from sim.analysis.effect_lines import open_lines
from sim.analysis.outcomes import open_wounds
from sim.errors import ResultsError, SimError
from sim.results import Results

A = [1.0, 2.0, 4.0, 3.5, 2.5]
B = [0.5, 1.9, 2.0, 3.0, 2.2]


def results(values: dict[str, dict[int, float]], tissues: tuple[str, ...] = ("skin",)) -> Results:
    """Two days per run; only the last one, with the given burden, is to count."""
    rows = [
        {"arm": arm, "replicate": r, "tissue": tissue, "day": day, "burden": burden if day else 99.0, "n_senescent": r}
        for arm, runs in values.items()
        for r, burden in runs.items()
        for tissue in tissues
        for day in (150.0, 0.0)
    ]
    manifest = {"scenario": "test", "arms": list(values), "tissues": list(tissues), "runs": []}
    return Results(manifest, {}, pd.DataFrame(rows), pd.DataFrame(), pd.DataFrame())


def runs(values: list[float]) -> dict[int, float]:
    return dict(enumerate(values))


def test_paired_t_interval() -> None:
    table = compare(results({"control": runs(B), "graft": runs(A)}), level=0.9)
    assert list(table.columns) == COLUMNS
    assert len(table) == 1
    row = table.iloc[0]
    interval = stats.ttest_rel(A, B).confidence_interval(0.9)
    of_arm = stats.ttest_1samp(A, 0.0).confidence_interval(0.9)
    assert (row["arm"], row["baseline"], row["tissue"], row["outcome"]) == ("graft", "control", "skin", "burden")
    assert row["n"] == 5
    assert row["mean"] == pytest.approx(np.mean(A))
    assert (row["low"], row["high"]) == pytest.approx(tuple(of_arm))
    assert row["baseline_mean"] == pytest.approx(np.mean(B))
    assert row["difference"] == pytest.approx(np.mean(A) - np.mean(B))
    assert (row["difference_low"], row["difference_high"]) == pytest.approx(tuple(interval))
    assert row["pairing_correlation"] == pytest.approx(np.corrcoef(A, B)[0, 1])
    ratio = (np.var(A, ddof=1) + np.var(B, ddof=1)) / np.var(np.subtract(A, B), ddof=1)
    assert row["variance_ratio"] == pytest.approx(ratio)


def test_equal_arms_differ_by_exactly_nothing() -> None:
    row = compare(results({"control": runs(A), "sham": runs(A)})).iloc[0]
    assert tuple(row[["difference", "difference_low", "difference_high"]]) == (0.0, 0.0, 0.0)
    assert row["pairing_correlation"] == pytest.approx(1.0)
    assert np.isnan(row["variance_ratio"])


def test_a_constant_shift_has_no_known_interval() -> None:
    shifted = [value + 0.25 for value in A]  # exact in binary
    row = compare(results({"control": runs(A), "graft": runs(shifted)})).iloc[0]
    assert row["difference"] == 0.25
    assert row[["difference_low", "difference_high"]].isna().all()


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_pairs_tell_no_interval(n: int) -> None:
    row = compare(results({"control": runs(A[:n]) | {10: 1.0}, "graft": runs(B[:n]) | {11: 1.0}})).iloc[0]
    assert row["n"] == n
    undefined = ["low", "high", "difference_low", "difference_high", "pairing_correlation", "variance_ratio"]
    assert row[undefined].isna().all()
    assert row["difference"] == B[0] - A[0] if n else np.isnan(row["difference"])


def test_only_replicates_of_both_arms_are_pairs() -> None:
    row = compare(results({"control": {0: 1.0, 1: 2.0, 3: 9.0}, "graft": {1: 5.0, 2: 100.0, 0: 3.0}})).iloc[0]
    assert (row["n"], row["mean"], row["baseline_mean"], row["difference"]) == (2, 4.0, 1.5, 2.5)


def test_rows_by_tissue_outcome_arm_and_any_baseline() -> None:
    table = compare(
        results({"a": runs(A), "b": runs(B), "c": runs(A)}, ("skin", "muscle")), "b", ["burden", "n_senescent"]
    )
    keys = list(table[["tissue", "outcome", "arm"]].itertuples(index=False, name=None))
    wanted = [(t, o, a) for t in ("skin", "muscle") for o in ("burden", "n_senescent") for a in ("a", "c")]
    assert keys == wanted
    assert set(table["baseline"]) == {"b"}
    counts = table[table["outcome"] == "n_senescent"]  # the same in all arms
    assert (counts["difference"] == 0.0).all()


def test_last_day_is_each_runs_own() -> None:
    early = results({"control": runs([1.0, 2.0]), "graft": runs([4.0, 7.0])})
    late = (early.timeseries["arm"] == "graft") & (early.timeseries["day"] > 0)
    early.timeseries.loc[late, "day"] = 80.0  # stopped early
    assert compare(early).iloc[0]["difference"] == 4.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"baseline": "contrl"}, "baseline: must be one of control, graft, got contrl (did you mean control?)"),
        (
            {"outcomes": ["burdn"]},
            "outcomes: must be one of mean_burden, an early warning (tipping_burden), one through a marker "
            "(burden_as_p16), or a column of the time series, got burdn (did you mean burden?)",
        ),
        ({"level": 95}, "level: must be between 0 and 1, got 95"),
    ],
)
def test_mistakes_get_one_line(arguments: dict, message: str) -> None:
    with pytest.raises(ResultsError) as caught:
        compare(results({"control": runs(A), "graft": runs(B)}), **arguments)
    assert str(caught.value) == f"compare: {message}"
    assert isinstance(caught.value, SimError)


def test_derived_outcomes_are_compared_too() -> None:
    """Straight lines over 10 days: areas and means by hand; the wound closes 9 and 4.5 days after day 0."""
    rows = [
        {"arm": arm, "replicate": r, "tissue": tissue, "day": float(day), "burden": rate * day + r}
        | {"mean_SASP": 2.0 * rate, "open_cut": max(0.0, 100.0 - 10.0 * rate * day) * (tissue == "skin")}
        | {"n_healthy": 90, "n_senescent": 10, "n_cleared": 0, "n_scarred": 0, "cum_off_target_x": int(rate * day)}
        for arm, rate in (("control", 1.0), ("drug", 2.0))
        for r in (0, 1)
        for tissue in ("skin", "gut")
        for day in range(11)
    ]
    manifest = {"scenario": "test", "arms": ["control", "drug"], "tissues": ["skin", "gut"], "runs": []}
    made = Results(manifest, {}, pd.DataFrame(rows), pd.DataFrame(), pd.DataFrame())
    outcomes = ["mean_burden", "exposure_SASP", "off_target_loss", "closure_cut", "burden"]
    table = compare(made, outcomes=outcomes).set_index(["tissue", "outcome"])
    assert table.loc["skin", "difference"].to_dict() == pytest.approx(
        {"mean_burden": 5.0, "exposure_SASP": 20.0, "off_target_loss": 10.0, "closure_cut": -4.5, "burden": 10.0}
    )
    assert ("gut", "closure_cut") not in table.index  # nobody was wounded there
    others = "one through a marker .burden_as_p16., or a column of the time series"
    others = f"an early warning .tipping_burden., {others}"
    listed = f"mean_burden, exposure_SASP, off_target_loss, closure_cut, {others}"
    with pytest.raises(ResultsError, match=f"must be one of {listed}, got exposure_SAPS .did you mean exposure_SASP"):
        compare(made, outcomes="exposure_SAPS")


def test_wounds_that_are_open_at_the_end_are_counted() -> None:
    """Of 3 replicates the slower arm closes one in 10 days, the other all."""
    speeds = {"control": [5.0, 6.0, 10.0], "drug": [9.5, 10.0, 12.0]}
    rows = [
        {"arm": arm, "replicate": r, "tissue": tissue, "day": float(day), "burden": 1.0}
        | {"open_cut": max(0.0, 100.0 - speed * day) * (tissue == "skin")}
        for arm, runs_of in speeds.items()
        for r, speed in enumerate(runs_of)
        for tissue in ("skin", "gut")
        for day in range(11)
    ]
    manifest = {"scenario": "test", "arms": list(speeds), "tissues": ["skin", "gut"], "runs": []}
    made = Results(manifest, {}, pd.DataFrame(rows), pd.DataFrame(), pd.DataFrame())
    found = open_wounds(made, ["burden", "closure_cut"])
    assert found.to_numpy().tolist() == [["closure_cut", "control", 3, 2], ["closure_cut", "drug", 3, 0]]
    assert list(open_lines(found)) == [
        "closure_cut: still open when the run ends: control 2 of 3 runs, drug 0 of 3 runs; left out, which flatters "
        "the slower arm"
    ]
    assert open_wounds(made, ["burden"]).empty
