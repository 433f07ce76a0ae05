"""Survival analysis against answers known by hand, by SciPy, or by the law that the lifetimes were drawn from."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import sim
from sim.analysis.survival import (
    gompertz,
    hazard_ratio,
    kaplan_meier,
    log_rank,
    percentile_of_life,
    restricted_mean,
)
from sim.analysis.survival_power import (
    STUDIES,
    Mice,
    deaths_needed,
    drawn_power,
    drawn_size,
    log_rank_scores,
    share_dead,
    with_ratio,
)
from sim.errors import ResultsError
from sim.results import Results

AGES = np.array([3.0, 5.0, 5.0, 7.0, 8.0, 10.0])
DIED = np.array([True, True, False, True, False, True])
LAW = (1e-5, 3.0 / 365.25)  # hazard at birth and slope [1/d]


def lifetimes(n: int, seed: int, faster: float = 1.0) -> np.ndarray:
    """Ages at death by a Gompertz law: doubling every 84.4 d."""
    rate, slope = faster * LAW[0], LAW[1]
    u = np.random.default_rng(seed).random(n)
    ages: np.ndarray = np.log1p(-np.log(u) * slope / rate) / slope
    return ages


def everybody(ages: np.ndarray) -> np.ndarray:
    return np.ones(ages.size, np.bool_)


def results_of(arms: dict[str, np.ndarray], horizon: float = 2000.0) -> Results:
    """Tables of a run in which only the lifespans matter."""
    tables = [
        pd.DataFrame(
            {"arm": arm, "replicate": np.arange(ages.size), "day": np.minimum(ages, horizon),
             "age": np.minimum(ages, horizon), "died": ages < horizon}
        )
        for arm, ages in arms.items()
    ]  # fmt: skip
    individuals = pd.concat(tables, ignore_index=True)
    rows = individuals[["arm", "replicate"]].assign(tissue="body", day=0.0, burden=1.0)
    n = max(ages.size for ages in arms.values())
    manifest = {"scenario": "mice", "arms": list(arms), "tissues": ["body"], "factors": [], "replicates": n, "runs": []}
    return Results(manifest, {}, rows, pd.DataFrame(), pd.DataFrame(), {}, individuals=individuals)


def test_kaplan_meier_by_hand() -> None:
    curve = kaplan_meier(AGES, DIED)
    assert curve.ages.tolist() == [3.0, 5.0, 7.0, 10.0]
    assert curve.at_risk.tolist() == [6, 5, 3, 1]
    assert curve.alive == pytest.approx([5 / 6, 2 / 3, 4 / 9, 0.0])
    spread = 1.959964 * math.sqrt(1 / 30) / abs(math.log(5 / 6))
    assert curve.low[0] == pytest.approx((5 / 6) ** math.exp(spread), rel=1e-6)
    assert curve.high[0] == pytest.approx((5 / 6) ** math.exp(-spread), rel=1e-6)


def test_kaplan_meier_is_that_of_scipy() -> None:
    ages = lifetimes(200, 3)
    died = np.random.default_rng(4).random(200) < 0.6
    curve, theirs = kaplan_meier(ages, died), stats.ecdf(stats.CensoredData.right_censored(ages, ~died)).sf
    assert curve.alive == pytest.approx(theirs.evaluate(curve.ages))
    inside = curve.alive > 0
    with pytest.warns(RuntimeWarning, match="undefined at some"):  # where nobody is dead, or all are
        interval = theirs.confidence_interval(method="log-log")
    assert curve.low[inside] == pytest.approx(interval.low.evaluate(curve.ages)[inside])
    assert curve.high[inside] == pytest.approx(interval.high.evaluate(curve.ages)[inside])


def test_percentiles_and_the_restricted_mean_by_hand() -> None:
    assert percentile_of_life(AGES, DIED, 0.5)[0] == 7.0
    assert percentile_of_life(AGES, DIED, 1 / 6)[0] == 3.0
    late = percentile_of_life(AGES, DIED & (AGES < 7), 0.5)
    assert math.isnan(late[0])
    assert late[2] == math.inf
    mean, low, high = restricted_mean(AGES, DIED)
    assert mean == pytest.approx(3 + 2 * 5 / 6 + 2 * 2 / 3 + 3 * 4 / 9)
    assert low < mean < high


def test_the_restricted_mean_of_all_who_died_is_their_mean() -> None:
    ages = lifetimes(500, 5)
    mean, low, high = restricted_mean(ages, everybody(ages))
    assert mean == pytest.approx(ages.mean())
    half = 1.959964 * ages.std() / math.sqrt(ages.size)
    assert (low, high) == pytest.approx((mean - half, mean + half), rel=1e-6)


def test_an_interval_of_the_median_holds_the_truth_as_often_as_it_says() -> None:
    truth = math.log1p(math.log(2.0) * LAW[1] / LAW[0]) / LAW[1]
    inside = 0
    for seed in range(400):
        ages = lifetimes(40, seed)
        _, low, high = percentile_of_life(ages, everybody(ages), 0.5)
        inside += low <= truth <= high
    assert inside / 400 == pytest.approx(0.95, abs=0.04)


@pytest.mark.parametrize("horizon", [math.inf, 900.0])
def test_gompertz_is_recovered(horizon: float) -> None:
    ages = lifetimes(20_000, 1)
    fit = gompertz(np.minimum(ages, horizon), ages < horizon)
    assert fit.slope == pytest.approx(LAW[1], abs=3 * fit.slope_error)
    assert fit.slope_error < 0.03 * LAW[1]
    assert fit.doubling_time == pytest.approx(math.log(2.0) / LAW[1], abs=3 * fit.doubling_error)
    assert fit.rate == pytest.approx(LAW[0] * math.exp(LAW[1] * fit.start), rel=0.05)


def test_a_hazard_that_does_not_rise_has_no_slope() -> None:
    ages = np.random.default_rng(2).exponential(100.0, 5000)
    fit = gompertz(ages, everybody(ages))
    assert abs(fit.slope) < 3 * fit.slope_error
    assert math.isnan(gompertz(AGES[:2], DIED[:2]).slope)


def test_a_hazard_ratio_is_recovered_and_an_arm_against_itself_has_none() -> None:
    ages, faster = lifetimes(5000, 1), lifetimes(5000, 2, faster=1.5)
    _, low, high = hazard_ratio((faster, everybody(faster)), (ages, everybody(ages)))
    assert low < 1.5 < high
    assert high / low < 1.1
    assert log_rank((faster, everybody(faster)), (ages, everybody(ages))) < 1e-10
    assert hazard_ratio((ages, everybody(ages)), (ages, everybody(ages)))[0] == pytest.approx(1.0)
    assert all(math.isnan(each) for each in hazard_ratio((ages, ages < 0), (ages, everybody(ages))))


def test_the_hazard_ratio_with_ties_by_hand() -> None:
    """Two die at once, one of each arm, of two and two; then the rest: Efron's likelihood is symmetric."""
    ages, died = np.array([1.0, 2.0]), np.array([True, True])
    assert hazard_ratio((ages, died), (ages, died))[0] == pytest.approx(1.0)


def test_arms_that_die_one_after_the_other_have_no_ratio() -> None:
    """Of 1 death of 8 and 8 of 8 before it, the likelihood rises for ever: it was once taken for a finite ratio."""
    early = (np.full(8, 612.0), np.ones(8, np.bool_))
    late = (np.full(8, 613.0), np.arange(8) == 0)
    assert np.isnan(hazard_ratio(early, late)).all()
    assert np.isnan(hazard_ratio(late, early)).all()


def test_survival_of_arms() -> None:
    table = sim.survival(results_of({"none": lifetimes(300, 1), "drug": lifetimes(300, 1, faster=0.5)}, horizon=900.0))
    assert table["arm"].tolist() == ["none", "drug"]
    assert table["n"].tolist() == [300, 300]
    assert table["died"].is_monotonic_decreasing
    row = table.set_index("arm").loc["drug"]
    assert row["hazard_ratio_low"] < 0.5 < row["hazard_ratio_high"]
    assert row["p"] < 1e-4
    assert row["median_low"] < row["median"] < row["median_high"]
    with pytest.raises(ResultsError, match="must hold a death"):
        sim.survival(results_of({"none": lifetimes(10, 1)}, horizon=1.0))


def test_arms_that_die_out_on_one_day_tell_nothing() -> None:
    """Found by damaged folders of four short lives: there is no variance, and no warning either."""
    assert math.isnan(log_rank((np.array([3.0, 3.0]), DIED[:2]), (np.array([3.0]), DIED[:1])))
    assert math.isnan(log_rank((AGES[:2], ~DIED[:2]), (AGES[:2], ~DIED[:2])))


def test_the_log_rank_test_is_that_of_scipy_in_many_studies_at_once() -> None:
    rng = np.random.default_rng(6)
    ages, died = np.round(rng.exponential(10.0, (50, 40))), rng.random((50, 40)) < 0.7  # rounded: with ties
    scores = log_rank_scores(ages, died, 15)
    for score, when, dead in zip(scores, ages, died, strict=True):
        one, other = (stats.CensoredData.right_censored(when[side], ~dead[side]) for side in (np.s_[:15], np.s_[15:]))
        theirs = stats.logrank(one, other)
        assert score == pytest.approx(theirs.statistic, rel=1e-9)
        assert log_rank((when[:15], dead[:15]), (when[15:], dead[15:])) == pytest.approx(theirs.pvalue)
    assert not log_rank_scores(ages, died & False, 15).any()


def test_the_formula_of_schoenfeld_by_hand() -> None:
    """Collett's textbook example: a ratio of 0.57 at 90 % and 5 % takes 133 deaths."""
    assert deaths_needed(0.57, 0.9) == pytest.approx(4 * (1.959964 + 1.281552) ** 2 / math.log(0.57) ** 2, rel=1e-6)
    assert math.ceil(deaths_needed(0.57, 0.9)) == 134
    assert deaths_needed(2.0, 0.8) == pytest.approx(deaths_needed(0.5, 0.8))
    assert deaths_needed(1.0, 0.8) == math.inf
    assert math.isnan(deaths_needed(math.nan, 0.8))


def test_an_arm_with_a_given_ratio_has_it() -> None:
    control = Mice(lifetimes(5000, 1), np.ones(5000, np.bool_))
    slower = with_ratio(control, 0.6)
    assert hazard_ratio(slower, control)[0] == pytest.approx(0.6, rel=0.02)
    cut = Mice(np.minimum(control.ages, 850.0), control.ages < 850.0)
    assert share_dead(cut) == pytest.approx(np.mean(control.ages < 850.0))
    assert 1.0 - share_dead(with_ratio(cut, 0.6)) == pytest.approx((1.0 - share_dead(cut)) ** 0.6, abs=2e-4)


def test_an_arm_with_a_given_ratio_has_it_however_few_were_simulated() -> None:
    few = Mice(np.arange(600.0, 608.0), np.arange(8) < 3)
    for ratio in (0.5, 0.6, 0.7):
        assert 1.0 - share_dead(with_ratio(few, ratio)) == pytest.approx((5.0 / 8.0) ** ratio, abs=2e-4)


def test_drawn_studies_have_the_power_that_they_were_made_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of proportional hazards and many deaths, the formula holds; of arms that are alike, p < 0.05 is chance."""
    control = Mice(lifetimes(4000, 1), np.ones(4000, np.bool_))
    ratio, alike = with_ratio(control, 0.7), Mice(lifetimes(4000, 2), np.ones(4000, np.bool_))
    n = deaths_needed(0.7, 0.8) / 2.0
    error = math.sqrt(0.8 * 0.2 / STUDIES)
    assert drawn_power(ratio, control, math.ceil(n)) == pytest.approx(0.8, abs=4 * error)
    assert drawn_size(ratio, control, 0.8, 0.5 * n) == pytest.approx(n, rel=0.1)  # from a guess that is far off
    assert drawn_power(alike, control, 50) == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / STUDIES))
    assert drawn_size(alike, control, 0.8, math.inf) == math.inf
    monkeypatch.setattr("sim.analysis.survival_power.MOST", 300)  # 2,000 take seconds, and tell no more
    assert drawn_size(with_ratio(control, 0.99), control, 0.8, 1e6) == math.inf


def test_sizes_of_a_study() -> None:
    arms = {"none": lifetimes(300, 1), "drug": lifetimes(300, 2, faster=0.5), "same": lifetimes(300, 1)}
    table = sim.survival_power(results_of(arms, horizon=900.0), ratios=(0.6,))
    drug = table[table["arm"] == "drug"].set_index("power")
    ratio = hazard_ratio(*(_ended(arms[arm]) for arm in ("drug", "none")))
    dead = sum(np.mean(arms[arm] < 900.0) for arm in ("drug", "none"))
    for power in (0.8, 0.9):
        assert drug["hazard_ratio"][power] == pytest.approx(ratio[0])
        assert drug["deaths"][power] == math.ceil(deaths_needed(ratio[0], power))
        assert drug["n"][power] == math.ceil(deaths_needed(ratio[0], power) / dead)
        assert drug["n_low"][power] < drug["n"][power] < drug["n_high"][power] < math.inf
        assert drug["n_drawn"][power] == pytest.approx(drug["n"][power], rel=0.25)
    same = table[table["arm"] == "same"].iloc[0]
    assert (same["n"], same["n_high"], same["n_drawn"]) == (math.inf, math.inf, math.inf)  # paired luck sees nothing
    given = table[table["arm"] == ""]
    assert given["hazard_ratio"].tolist() == [0.6, 0.6]
    assert given["median_difference"].iloc[0] > 0.0
    back = sim.survival_power(results_of(arms, horizon=900.0), "drug", powers=(0.8,), ratios=())
    assert back["arm"].tolist() == ["none", "same"]
    assert back["n"][0] == drug["n"][0.8]


def _ended(ages: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.minimum(ages, 900.0), ages < 900.0


def test_sizes_that_cannot_be_told_are_refused() -> None:
    results = results_of({"none": lifetimes(20, 1), "drug": lifetimes(20, 2)})
    with pytest.raises(ResultsError, match=r"survival: power: must be between 0 and 1, got 1\.5"):
        sim.survival_power(results, powers=(1.5,))
    with pytest.raises(ResultsError, match="survival: ratios: must be more than 0, got -1"):
        sim.survival_power(results, ratios=(-1,))
    with pytest.raises(ResultsError, match=r"survival: baseline: must be one of none, drug, got drugg"):
        sim.survival_power(results, "drugg")
    with pytest.raises(ResultsError, match="must hold a death"):
        sim.survival_power(results_of({"none": lifetimes(10, 1)}, horizon=1.0))


def test_hazards_against_another_baseline() -> None:
    results = results_of({"none": lifetimes(100, 1), "drug": lifetimes(100, 2, faster=0.5)})
    table, back = (sim.survival(results, baseline=each).set_index("arm") for each in ("none", "drug"))
    assert back.loc["none", "hazard_ratio"] == pytest.approx(1.0 / table.loc["drug", "hazard_ratio"])
    assert math.isnan(back.loc["drug", "p"])
    assert back.loc["none", "p"] == pytest.approx(table.loc["drug", "p"])


def test_lifespan_is_an_outcome_of_pairs() -> None:
    ages = lifetimes(50, 1)
    row = sim.compare(results_of({"none": ages, "drug": ages + 30.0}), outcomes=["lifespan"]).iloc[0]
    assert row["difference"] == pytest.approx(30.0)
    assert row["mean"] == pytest.approx(ages.mean() + 30.0)
