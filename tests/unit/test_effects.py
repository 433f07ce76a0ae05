"""Effect sizes, p-values, bootstrap, ranks, shared luck and half-widths against closed forms and brute force."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import sim
from sim.analysis.bootstrap import RESAMPLES, bootstrap_interval, picks
from sim.analysis.compare import COLUMNS, compare, holm
from sim.analysis.halfwidth import HalfWidth, grown, half_widths, needed, pairs_for
from sim.analysis.luck import shared_luck
from sim.analysis.paired import effect_size, p_of_mean, superiority
from sim.analysis.ranking import rank
from sim.errors import ResultsError
from sim.results import Results
from sim.sweeps import SweepResults

NAN = math.nan


def results(values: dict[str, list[float]], replicates: int | None = None) -> Results:
    """One tissue, one day; NaN is a run that failed."""
    rows = [
        {"arm": arm, "replicate": r, "tissue": "skin", "day": 5.0, "burden": x, "twice": 2 * x}
        for arm, run in values.items()
        for r, x in enumerate(run)
        if not math.isnan(x)
    ]
    planned = max(map(len, values.values())) if replicates is None else replicates
    manifest = {"scenario": "test", "arms": list(values), "tissues": ["skin"], "runs": [], "replicates": planned}
    return Results(manifest, {}, pd.DataFrame(rows), pd.DataFrame(), pd.DataFrame())


def normal(n: int, seed: int = 3, **shifts: float) -> dict[str, list[float]]:
    """Arms that share most of their luck."""
    rng = np.random.default_rng(seed)
    luck = rng.normal(size=n)
    return {arm: (luck + shift + 0.3 * rng.normal(size=n)).tolist() for arm, shift in shifts.items()}


# ----------------------------------------------------------------------------------------------------- effects and p


def test_p_is_that_of_the_paired_t_test_and_holm_corrects_the_whole_call() -> None:
    values = normal(9, a=0.0, b=0.2, c=0.4, d=0.0)
    table = compare(results(values), outcomes=["burden", "twice"])
    wanted = [stats.ttest_rel(values[arm], values["a"]).pvalue for arm in "bcd"]
    assert table["p"].tolist() == pytest.approx(wanted * 2)
    assert table["p_holm"].tolist() == pytest.approx(holm(np.array(wanted * 2)).tolist())
    assert list(table) == COLUMNS


def test_holm_by_hand() -> None:
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.6, NAN, 0.7])).tolist() == pytest.approx([1.0, NAN, 1.0], nan_ok=True)  # NaN is no test
    assert holm(np.array([])).size == 0


def test_effect_size_is_unbiased_for_correlated_pairs() -> None:
    """5,000 samples of 5 pairs, a difference of 0.8 standard deviations, correlation 0.9; uncorrected: a fifth more."""
    rng = np.random.default_rng(1)
    pairs = rng.multivariate_normal([0.8, 0.0], [[1.0, 0.9], [0.9, 1.0]], size=(5000, 5))
    found = np.array([effect_size(sample[:, 0], sample[:, 1]) for sample in pairs])
    error = found.std(ddof=1) / math.sqrt(found.size)
    assert error < 0.01
    assert abs(found.mean() - 0.8) < 3.0 * error


def test_effect_size_does_not_grow_with_shared_luck() -> None:
    a, b = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 1.0, 2.0, 3.0])  # r = 1: nothing varies in the difference
    j = math.gamma(1.5) / (math.sqrt(1.5) * math.gamma(1.0))  # n - 1 = 3 degrees of freedom
    assert effect_size(a, b) == pytest.approx(j / math.sqrt(5.0 / 3.0))
    assert math.isnan(effect_size(a[:2], b[:2]))
    assert math.isnan(effect_size(np.ones(4), np.zeros(4)))


def test_superiority_counts_pairs_of_different_replicates_and_ties_half() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.integers(0, 5, 7).astype(float), rng.integers(0, 4, 7).astype(float)
    wins = (a[:, None] > b) + 0.5 * (a[:, None] == b)
    assert superiority(a, b) == pytest.approx(wins[~np.eye(7, dtype=bool)].mean())
    luck = np.array([0.0, 10.0])  # far apart, and the same in both arms
    assert superiority(luck + 1.0, luck) == 0.5  # with pairs of the same luck it would be 0.75
    assert superiority(a, a) == 0.5
    assert superiority(a + 9.0, a) == 1.0
    assert math.isnan(superiority(a[:1], b[:1]))


def test_no_variation_is_no_test() -> None:
    row = compare(results({"a": [1.0, 2.0, 3.0], "b": [1.5, 2.5, 3.5]})).iloc[0]
    assert row[["difference_low", "difference_high", "boot_low", "boot_high"]].isna().all()
    assert math.isnan(row["p"])
    assert math.isnan(row["p_holm"])
    assert math.isnan(p_of_mean(np.array([1.0])))


def test_missing_pairs_are_counted() -> None:
    table = compare(results({"a": [1.0, NAN, 3.0, 4.0], "b": [2.0, 3.0, NAN, 6.0]}, replicates=6))
    assert table[["n", "missing"]].iloc[0].tolist() == [2, 4]
    with pytest.raises(ResultsError, match="compare: results: must hold a finished run, got none"):
        compare(results({"a": [NAN], "b": [NAN]}))


# --------------------------------------------------------------------------------------------------------- bootstrap


def test_resamples_are_the_same_each_time_and_even() -> None:
    first = picks(7).copy()
    picks.cache_clear()
    np.testing.assert_array_equal(picks(7), first)
    assert first.shape == (RESAMPLES, 7)
    assert stats.chisquare(np.bincount(first.ravel())).pvalue > 1e-3


def test_the_bootstrap_interval_is_the_t_interval_of_normal_values() -> None:
    x = stats.norm.ppf((np.arange(40) + 0.5) / 40)
    low, high = stats.ttest_1samp(x, 0.0).confidence_interval()
    assert bootstrap_interval(x) == pytest.approx((low, high), rel=0.05)


@pytest.mark.parametrize("x", [[2.0, 5.0], [1.0, 2.0, 9.0], [0.1, 0.2, 0.3, 0.4]])
def test_few_values_give_a_finite_interval_within_them(x: list[float]) -> None:
    low, high = bootstrap_interval(np.array(x))
    assert min(x) <= low < np.mean(x) < high <= max(x)


def test_what_cannot_be_resampled() -> None:
    assert np.isnan(bootstrap_interval(np.array([1.0]))).all()
    assert np.isnan(bootstrap_interval(np.full(8, 0.1))).all()
    assert bootstrap_interval(np.zeros(8)) == (0.0, 0.0)


# ------------------------------------------------------------------------------------------------------------ sweeps


def sweep(points: dict[int, dict[str, list[float]]]) -> SweepResults:
    tables = [results(values).timeseries.assign(point=point) for point, values in points.items()]
    manifest = {"sweep": "test", "arms": ["a", "b"], "tissues": ["skin"], "replicates": 6}
    return SweepResults(manifest, pd.DataFrame({"point": list(points)}), pd.concat(tables, ignore_index=True))


def test_a_sweep_is_compared_point_by_point_and_corrected_as_a_whole() -> None:
    points = {4: normal(6, 1, a=0.0, b=0.3), 0: normal(6, 2, a=0.0, b=-0.2)}
    made = sweep(points)
    table = compare(made, outcomes=["burden", "twice"], halfwidth=0.2)
    assert list(table) == ["point", *COLUMNS]
    assert table[["point", "outcome"]].to_numpy().tolist() == [[0, "burden"], [0, "twice"], [4, "burden"], [4, "twice"]]
    for point, rows in table.groupby("point"):
        alone = compare(results(points[int(point)]), outcomes=["burden", "twice"], halfwidth=0.2)
        pd.testing.assert_frame_equal(
            rows.drop(columns=["point", "p_holm"]).reset_index(drop=True), alone.drop(columns="p_holm")
        )
    assert table["p_holm"].tolist() == holm(table["p"].to_numpy()).tolist()
    assert table.attrs == {"level": 0.95, "tests": 4}
    assert rank(made)[["point", "arm"]].to_numpy().tolist() == [[0, "b"], [0, "a"], [4, "a"], [4, "b"]]
    with pytest.raises(ResultsError, match=r"must be a column of its outcomes, got burdn \(did you mean burden"):
        compare(made, outcomes="burdn")


def test_copies_of_a_run_are_one_test() -> None:
    """Both arms are the same at points 0 and 1, and run once."""
    same, other = normal(6, 1, a=0.0, b=0.3), normal(6, 2, a=0.0, b=0.2)
    made = sweep({0: same, 1: same, 2: other})
    places = [(0, "a", "x"), (0, "b", "y"), (1, "a", "x"), (1, "b", "y"), (2, "a", "z"), (2, "b", "w")]
    made.runs = pd.DataFrame(places, columns=["point", "arm", "run"])
    table = compare(made)
    p = table["p"].to_numpy()
    once = holm(p[[0, 2]])
    assert table["p_holm"].tolist() == [once[0], once[0], once[1]]
    assert table.attrs["tests"] == 2


# ----------------------------------------------------------------------------------------------------------- ranking


def test_the_chance_of_being_best_is_that_of_a_normal_difference() -> None:
    """Of two arms it is the one-sided p of the paired t test, of 4 replicates too; of 4,000 draws within 0.02."""
    few = normal(4, a=0.0, b=0.3)
    for values in (few, normal(30, a=0.0, b=0.1)):
        wanted = stats.ttest_rel(values["a"], values["b"], alternative="greater").pvalue
        table = rank(results(values)).set_index("arm")
        assert table.loc["a", "p_best"] == pytest.approx(wanted, abs=0.02)
    assert rank(results({arm: x[:3] for arm, x in few.items()}))[["p_best", "rank_low"]].isna().all(axis=None)
    assert table["p_best"].sum() == pytest.approx(1.0)
    upwards = rank(results(values), best="highest").set_index("arm")
    assert upwards.loc["b", "p_best"] == pytest.approx(table.loc["a", "p_best"])
    assert upwards.loc["b", "mean_rank"] == pytest.approx(table.loc["a", "mean_rank"])


def test_shared_luck_makes_ranks_sure() -> None:
    luck = np.linspace(0.0, 10.0, 8)
    table = rank(results({"c": (luck + 0.2).tolist(), "a": luck.tolist(), "b": (luck + 0.1).tolist()}))
    assert table["arm"].tolist() == ["a", "b", "c"]
    assert table["p_best"].tolist() == [1.0, 0.0, 0.0]
    assert table[["mean_rank", "rank_low", "rank_high"]].to_numpy().tolist() == [[r] * 3 for r in (1.0, 2.0, 3.0)]


def test_arms_are_compared_and_ranked_within_their_host() -> None:
    luck = np.arange(8.0)
    made = results({"old": (luck + 5.0).tolist(), "old_drug": (luck + 3.0).tolist(), "young": (luck + 1.0).tolist(),
                    "young_drug": (luck + 1.5).tolist(), "other": (luck + 9.0).tolist()})  # fmt: skip
    made.manifest["untreated"] = {"old_drug": "old", "young_drug": "young"}
    table = compare(made)
    found = dict(zip(table["arm"], zip(table["baseline"], table["difference"], strict=True), strict=True))
    assert found == {"old_drug": ("old", -2.0), "young_drug": ("young", 0.5), "other": ("old", 4.0)}
    assert table["p_holm"].isna().all()  # no variation between pairs: no test
    ranks = rank(made).groupby("baseline", sort=False)["arm"].agg(list).to_dict()
    assert ranks == {"old": ["old_drug", "old", "other"], "young": ["young", "young_drug"]}
    luckier = shared_luck(made)
    assert luckier["arm"].tolist() == ["old_drug", "young_drug", "other"]
    assert np.isinf(luckier["ratio"]).all()
    everything = compare(made, "young")
    assert everything.set_index("arm")["difference"].to_dict() == {"old": 4.0, "old_drug": 2.0, "young_drug": 0.5,
                                                                   "other": 8.0}  # fmt: skip
    assert rank(made, baseline="young")["arm"].tolist() == ["young", "young_drug", "old_drug", "old", "other"]


def test_an_arm_that_was_left_out_is_no_baseline() -> None:
    made = results({"old": [5.0, 6.0], "young_drug": [1.0, 2.0]})
    made.manifest["untreated"] = {"young_drug": "young"}
    assert compare(made)["baseline"].tolist() == ["old"]


def test_equal_arms_share_the_first_place() -> None:
    x = [1.0, 2.0, 4.0, 3.0]
    table = rank(results({"a": x, "sham": x}))
    assert table["p_best"].tolist() == [0.5, 0.5]
    assert table["mean_rank"].tolist() == [1.5, 1.5]


def test_only_replicates_of_all_arms_are_ranked_and_the_others_counted() -> None:
    values = {"a": [1.0, 2.0, 3.0, NAN], "b": [2.0, 3.0, NAN, 1.0], "never": [NAN] * 4}
    table = rank(results(values)).set_index("arm")
    assert table.loc["a", ["n", "missing", "mean"]].tolist() == [2, 2, 1.5]
    assert table.loc["never", ["mean", "p_best", "mean_rank"]].isna().all()
    single = rank(results({"a": [1.0], "b": [2.0]}))
    assert single["mean_rank"].tolist() == [1.0, 2.0]
    assert single["p_best"].isna().all()
    with pytest.raises(
        ResultsError, match=r"rank: best: must be one of lowest, highest, got low \(did you mean lowest"
    ):
        rank(results(values), best="low")


# ------------------------------------------------------------------------------------------------------- shared luck


def test_shared_luck_over_time() -> None:
    """Day 0: the same in every pair; day 1: a constant shift; day 2: variances by hand; day 3: nothing varies."""
    a, b = (
        {0: [1, 2, 3], 1: [2, 3, 4], 2: [5, 1, 3], 3: [7, 7, 7]},
        {0: [1, 2, 3], 1: [1, 2, 3], 2: [2, 1, 3], 3: [6] * 3},
    )
    rows = [
        {"arm": arm, "replicate": r, "tissue": "skin", "day": float(day), "burden": float(x)}
        for arm, days in (("b", b), ("a", a))
        for day, run in days.items()
        for r, x in enumerate(run)
    ]
    manifest = {"arms": ["b", "a"], "tissues": ["skin"], "runs": []}
    made = Results(manifest, {}, pd.DataFrame(rows), pd.DataFrame(), pd.DataFrame())
    table = shared_luck(made)
    assert table["day"].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert table["n"].tolist() == [3] * 4
    assert table["ratio"].tolist() == pytest.approx([math.inf, math.inf, (4.0 + 1.0) / 3.0, NAN], nan_ok=True)
    assert table["paired"].tolist() == pytest.approx([0.0, 0.0, 3.0, 0.0])
    with pytest.raises(ResultsError, match="luck: outcome: must be one of burden, got burdn"):
        shared_luck(made, "burdn")


# ------------------------------------------------------------------------------------------------------- half-widths


@pytest.mark.parametrize(("deviation", "wish"), [(1.0, 0.5), (1.0, 2.0), (3.0, 0.1), (0.0, 1.0), (1.0, 20.0)])
def test_pairs_for_is_the_smallest_number(deviation: float, wish: float) -> None:
    def half(n: int) -> float:
        return float(stats.t.ppf(0.975, n - 1)) * deviation / math.sqrt(n)

    n = pairs_for(deviation, wish)
    assert half(n) <= wish
    assert n == 2 or half(n - 1) > wish


def test_needed_counts_what_is_still_to_run() -> None:
    values = normal(10, a=0.0, b=0.2)
    deviation = np.std(np.subtract(values["b"], values["a"]), ddof=1)
    table = compare(results(values), halfwidth=0.1)
    assert table["needed"].tolist() == [pairs_for(deviation, 0.1) - 10]
    assert needed(table, float(half_widths(table).iloc[0])).tolist() == [0.0]
    assert compare(results(values))["needed"].isna().all()
    assert compare(results({"a": [1.0, 2.0], "b": [2.0, 4.0]}), halfwidth=0.1)["needed"].isna().all()
    with pytest.raises(ResultsError, match="compare: halfwidth: must be more than 0, got -1"):
        compare(results(values), halfwidth=-1.0)


def test_the_rule_looks_at_eight_and_grows_by_what_is_needed() -> None:
    rule = sim.HalfWidth(0.2)
    assert rule.next(results(normal(1, a=0.0, b=0.1))) == 8
    eight = results(normal(8, a=0.0, b=0.1))
    more = compare(eight, halfwidth=0.2)["needed"].iloc[0]
    assert more > 0
    assert rule.next(eight) == grown(8, more)
    assert HalfWidth(1.0).next(eight) == 8
    assert HalfWidth(0.01, most=12).next(eight) == 12
    assert HalfWidth(0.2, first=20).next(eight) == 20
    assert [grown(8, more) for more in (1, 5, 99, NAN)] == [10, 13, 16, 16]
    assert (
        rule.next(results({"a": [NAN] * 2, "b": [NAN] * 2})) == 8
    )  # all failed: the rest of the first look, and no more
    assert rule.next(results({"a": [1.0] * 8, "b": [NAN] * 8})) == 8  # an arm that never finishes is not waited for


def test_the_rule_says_what_came_of_it() -> None:
    eight = results(normal(8, a=0.0, b=0.1))
    half = half_widths(compare(eight)).iloc[0]
    more = compare(eight, halfwidth=0.1)["needed"].iloc[0]
    limit = f"{half:.3g}, not 0.1, at the limit of 8 replicates; about {more:.0f} more needed"
    assert HalfWidth(0.1, most=8).verdict(eight) == f"half-width of burden: {limit}"
    assert HalfWidth(9.0).verdict(eight) == f"half-width of burden: {half:.3g} after 8 replicates (wished: 9)"
    lost = results({"a": [1.0, 2.0], "b": [3.0, NAN]})
    assert HalfWidth(9.0).verdict(lost) == "half-width of burden: not known, too few pairs among 2 replicates"


def test_the_rule_goes_on_where_all_pairs_differ_by_the_same() -> None:
    rule = HalfWidth(1.0, most=20)
    shifted = results({"a": [1.0] * 8, "b": [3.0] * 8})
    assert rule.next(shifted) == 16
    assert rule.verdict(shifted) == (
        "half-width of burden: not known, no variation between the pairs among 8 replicates"
    )
    assert compare(shifted, halfwidth=1.0)["needed"].isna().all()
    alike = results({"a": [1.0, 2.0] * 4, "sham": [1.0, 2.0] * 4})
    assert rule.next(alike) == 8
    assert rule.verdict(alike).endswith("after 8 replicates (wished: 1); sham: the same as a in every replicate")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"wish": 0.0}, "until: half-width: must be more than 0, got 0"),
        ({"wish": NAN}, "until: half-width: must be more than 0, got nan"),
        ({"wish": 1.0, "most": 1}, "until: most: must be at least 2 replicates, got 1"),
    ],
)
def test_a_rule_that_cannot_be(how: dict, message: str) -> None:
    with pytest.raises(ResultsError) as caught:
        HalfWidth(**how)
    assert str(caught.value) == message
    with pytest.raises(ResultsError, match="until: arms: must be at least two to compare, got one"):
        HalfWidth(1.0).next(results({"a": [1.0, 2.0]}))
