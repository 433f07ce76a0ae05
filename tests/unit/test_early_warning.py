"""Early warnings: of processes whose variance and memory are known, and of flows made by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hand_made import POINTS, made
from numpy.testing import assert_allclose
from scipy import stats

import sim
from sim.analysis.causes import removal_columns
from sim.analysis.compare import compare
from sim.analysis.early_warning import OF_RUNS, curves_across, curves_along, early_warning, of_runs
from sim.analysis.outcomes import unit
from sim.analysis.signals import correlation, elasticities, kendall_tau, regular, rolling, tipping, variance
from sim.errors import ResultsError
from sim.results import Results

TAU, SIGMA = 4.0, 0.3  # d, %
KNOWN = SIGMA**2 * TAU / 2  # variance of the process


def returning(n: int, runs: int, seed: int = 1) -> np.ndarray:
    """Ornstein-Uhlenbeck from its stationary state, day by day, exact: (runs, n)."""
    rng, kept = np.random.default_rng(seed), math.exp(-1 / TAU)
    x = np.empty((runs, n))
    x[:, 0] = rng.normal(0, math.sqrt(KNOWN), runs)
    for i in range(1, n):
        x[:, i] = kept * x[:, i - 1] + rng.normal(0, math.sqrt(KNOWN * (1 - kept**2)), runs)
    return x


def tables(burden: dict[str, np.ndarray], days: np.ndarray | None = None, removed: float = 100.0) -> Results:
    """A tissue of 10,000 cells with these burdens (runs, days) by arm."""
    rows = []
    for arm, runs in burden.items():
        for r, level in enumerate(runs):
            when = np.arange(level.size, dtype=float) if days is None else days
            rows.append(
                pd.DataFrame({"arm": arm, "replicate": r, "tissue": "skin", "day": when, "burden": level,
                              "n_senescent": np.round(100 * level).astype(int), "new_immune": removed})
            )  # fmt: skip
    manifest = {"scenario": "x", "arms": list(burden), "tissues": ["skin"], "factors": [], "runs": []}
    return Results(manifest, {}, pd.concat(rows, ignore_index=True), pd.DataFrame(), pd.DataFrame(), {})


def values(results: Results, **more: float) -> pd.DataFrame:
    return early_warning(results, **more).set_index("signal")


@pytest.mark.parametrize("lag", [1.0, 4.0])
def test_a_burden_that_comes_back(lag: float) -> None:
    """Along runs of 1200 d about a slope, within 4 standard errors of theory, less what the line takes off."""
    x = returning(1200, 40) + 10 + 0.01 * np.arange(1200)
    table = values(tables({"one": x}), lag=lag, window=800.0)
    taken = 4 * TAU / 800
    for name, known in (
        ("burden_variance", KNOWN * (1 - taken)),
        ("burden_autocorrelation", 1 - (1 - math.exp(-lag / TAU)) * (1 + taken)),
        ("burden_variance_trend", 0.0),
        ("burden_autocorrelation_trend", 0.0),
    ):
        row = table.loc[name]
        assert row["value"] == pytest.approx(known, abs=4 * row["error"]), name
        assert row["error"] < 0.12
        assert (row["n"], row["runs"], row["lag"], row["window"]) == (40, 40, lag, 800.0)
    assert table.loc["burden_variance", "error"] < 0.03 * KNOWN


def test_across_replicates() -> None:
    """400 runs: the ensemble has neither trend nor window; errors are those of a normal sample."""
    results = tables({"one": returning(60, 400) + 10})
    table = values(results, lag=3.0)
    row = table.loc["variance_across"]
    assert row["value"] == pytest.approx(KNOWN, abs=4 * KNOWN * math.sqrt(2 / 399))
    assert row["low"] < row["value"] < row["high"]
    row, known = table.loc["autocorrelation_across"], math.exp(-3 / TAU)
    assert row["value"] == pytest.approx(known, abs=4 * (1 - known**2) / math.sqrt(399))
    curves = curves_across(results, lag=3.0)
    assert curves["autocorrelation"].isna().sum() == 3
    covered = (curves["variance_low"] < KNOWN) & (curves["variance_high"] > KNOWN)
    assert covered.mean() > 0.6  # days are alike: far from 60 independent intervals
    assert len(curves_along(results)) == 31


def test_slowing_down_is_a_rising_trend() -> None:
    """Memory that grows from 1 to 20 d: variance and autocorrelation rise along runs and across them."""
    rng, x = np.random.default_rng(5), np.zeros((12, 600))
    for i in range(1, 600):
        kept = math.exp(-1 / (1 + 19 * i / 600))
        x[:, i] = kept * x[:, i - 1] + rng.normal(0, 0.1, 12)
    table = values(tables({"one": x + 5}), window=150.0)
    for name in ("burden_variance_trend", "burden_autocorrelation_trend", "variance_across_trend"):
        assert table.loc[name, "low"] > 0.1, name


def test_signals_of_plain_arrays() -> None:
    days = np.arange(30.0)
    line = rolling(days, 3.0 + 0.2 * days, 1, 15)
    assert_allclose(line.variance, 0.0)
    assert np.isnan(line.autocorrelation).all()
    assert_allclose(line.days, np.arange(14.0, 30.0))
    turns = rolling(days, 7.0 + (-1.0) ** days, 1, 30)
    residuals = (-1.0) ** days - np.polyval(np.polyfit(days, (-1.0) ** days, 1), days)
    assert_allclose(turns.variance, (residuals**2).sum() / 28)
    assert_allclose(turns.autocorrelation, (residuals[1:] @ residuals[:-1] / 29) / (residuals @ residuals / 30))
    assert rolling(days, days, 1, 9).days.size == 0
    rng = np.random.default_rng(2)
    x, y = rng.integers(0, 9, (2, 40)).astype(float)  # with ties
    assert kendall_tau(x, y) == pytest.approx(stats.kendalltau(x, y).statistic)
    assert math.isnan(kendall_tau(x, np.ones(40)))
    assert regular(np.array([0.0, 0.5, 1.0, 1.2])) == (3, 0.5)
    assert regular(np.array([0.0]))[0] == 1
    normal = rng.normal(size=(2, 9))
    assert correlation(*normal).value == pytest.approx(stats.pearsonr(*normal).statistic)
    interval = stats.pearsonr(*normal).confidence_interval()
    assert_allclose(correlation(*normal)[2:], [interval.low, interval.high])
    assert variance(normal[0]).value == pytest.approx(normal[0].var(ddof=1))
    assert math.isnan(variance(normal[0][:1]).value)
    assert math.isnan(correlation(np.ones(5), normal[0][:5]).value)


# ------------------------------------------------------------------------------------------------------------- tipping


def test_the_burden_from_which_removal_stays_behind() -> None:
    """Falls for 20 d, then rises: from day 20 a window of 10 d gains only once it ends on day 31 or later."""
    days = np.arange(101)
    standing = 1000.0 + np.where(days < 20, -10.0 * days, -200.0 + 10.0 * (days - 20))
    burden = standing / 100
    found, from_start = tipping(burden, standing, np.full(101, 20.0))
    assert (found, from_start) == (burden[25], False)
    assert math.isnan(tipping(burden, standing, np.full(101, 4000.0))[0])  # 750 of 600,000 that went: may be chance
    assert math.isnan(tipping(burden[:21], standing[:21], np.full(21, 20.0))[0])
    assert tipping(burden[20:], standing[20:], np.full(81, 20.0)) == (8.0, True)
    assert math.isnan(tipping(burden[:1], standing[:1], np.ones(1))[0])


def test_clearance_that_keeps_up_is_not_said_to_fail() -> None:
    """400 stationary tissues, cells coming and going one by one (Poisson): no more than a few are called behind."""
    rng = np.random.default_rng(4)
    standing = np.empty((200, 400))
    removed = np.zeros_like(standing)
    standing[0] = rng.poisson(300, 400)
    for i in range(1, 200):
        removed[i] = rng.binomial(standing[i - 1].astype(int), 1 - math.exp(-0.1))
        standing[i] = standing[i - 1] - removed[i] + rng.poisson(300 * (1 - math.exp(-0.1)), 400)
    called = [not math.isnan(tipping(x, x, gone)[0]) for x, gone in zip(standing.T, removed.T, strict=True)]
    assert np.mean(called) < 0.02


@pytest.mark.parametrize("kappa", [0.5, 5.0, 500.0])
def test_elasticity_of_saturated_removal(kappa: float) -> None:
    """Of beta X / (kappa + X) it is kappa / (kappa + X); a constant production has none."""
    days = np.arange(101.0)
    burden = 5.0 + 0.002 * days
    removed = 1e6 * burden / (kappa + burden)
    standing = np.cumsum(np.append(0.0, 2e6 - (removed[1:] + removed[:-1]) / 2)) + 1e7
    per_row = np.append(0.0, (removed[1:] + removed[:-1]) / 2)
    made_, gone = elasticities(days, burden, standing, per_row)
    assert gone == pytest.approx(kappa / (kappa + 5.1), rel=0.002)
    assert made_ == pytest.approx(0.0, abs=1e-6)
    assert np.isnan(elasticities(days[:4], burden[:4], standing[:4], per_row[:4])).all()


# ------------------------------------------------------------------------------------------------- tables and outcomes


def test_outcomes_by_name() -> None:
    """A rise of 0.03 % a day in one arm: from its first row on, in every pair."""
    rise = np.tile(5 + 0.03 * np.arange(100.0), (4, 1))
    level = 5 + 0.01 * np.random.default_rng(1).normal(size=(4, 100))
    results = tables({"steady": level, "rising": rise}, removed=1.0)
    effects = compare(results, outcomes=["burden_variance", "tipping_burden"]).set_index("outcome")
    assert effects.loc["burden_variance", "mean"] == 0.0
    assert effects.loc["burden_variance", "baseline_mean"] == pytest.approx(1e-4, rel=0.4)
    assert effects.loc["tipping_burden", "n"] == 0  # nothing to pair with
    table = early_warning(results).query("signal == 'tipping_burden'").set_index("arm")
    assert table["runs"].to_dict() == {"steady": 0, "rising": 4}
    assert table.loc["rising", "value"] == 5.0
    assert of_runs(results).query("arm == 'rising'")["from_start"].all()
    assert unit("burden_variance") == "%\N{SUPERSCRIPT TWO}"
    assert (unit("tipping_burden"), unit("burden_autocorrelation")) == ("%", "")


def test_what_removes() -> None:
    columns = ["new_immune", "cum_immune", "new_patrols", "new_killed_by_dq", "new_reversed_by_x", "new_off_target_dq",
               "new_repaired", "new_SASP", "new_fluctuation", "new_fluctuation_loss", "new_own_death"]  # fmt: skip
    results = Results({}, {}, pd.DataFrame(columns=columns), pd.DataFrame(), pd.DataFrame(), {})
    assert removal_columns(results) == ["new_immune", "new_patrols", "new_killed_by_dq", "new_reversed_by_x",
                                        "new_fluctuation_loss", "new_own_death"]  # fmt: skip


def test_points_of_a_sweep() -> None:
    sweep = made(POINTS[:2], {(p, "one"): [1.0, 2.0, 4.0] for p in range(2)})
    with pytest.raises(ResultsError, match="must have burden_variance among its outcomes, got a sweep of an older"):
        early_warning(sweep)
    for i, name in enumerate(OF_RUNS):
        sweep.outcomes[name] = sweep.outcomes["point"] + sweep.outcomes["replicate"] + float(i)
    table = early_warning(sweep)
    assert table.columns[0] == "point"
    one = table.query("point == 1 and signal == 'burden_variance'").iloc[0]
    assert (one["value"], one["runs"]) == (2.0, 3)
    across = table.query("point == 1 and signal == 'variance_across'").iloc[0]
    assert across["value"] == pytest.approx(7 / 3)
    with pytest.raises(ResultsError, match="lag, window: must not be given for a sweep"):
        early_warning(sweep, lag=2.0)


def test_few_rows_and_mistakes() -> None:
    short = tables({"one": np.array([[1.0, 2.0, 3.0]])})
    table = values(short)
    assert table.loc["burden_variance", "runs"] == 0
    assert math.isnan(table.loc["variance_across", "value"])
    results = tables({"one": np.random.default_rng(3).normal(5, 1, (3, 60))})
    for more, words in (
        ({"lag": 0.2}, r"lag: must be between 1 d \(rows\) and 59 d \(run\), got 0.2 d"),
        ({"window": 5.0}, "window: must hold 10 rows and be longer than the lag, got 5 d of rows 1 d apart"),
        ({"lag": 30.0, "window": 20.0}, "window: must hold 10 rows and be longer than the lag"),
        ({"window": math.inf}, "window: must be between"),
    ):
        with pytest.raises(ResultsError, match=words):
            early_warning(results, **more)
    empty = tables({"one": np.zeros((1, 0))})
    with pytest.raises(ResultsError, match="must hold a finished run"):
        early_warning(empty)


def test_the_figure_shows_what_the_table_says() -> None:
    results = tables({"one": returning(200, 6) + 5, "two": returning(200, 6, 2) + 8})
    panels = results.plot.early_warning(lag=2.0, window=60.0).axes
    along = curves_along(results, 2.0, 60.0).query("arm == 'two'")
    for axes, name in zip(panels[1:], ("variance", "autocorrelation"), strict=True):
        line = next(line for line in axes.get_lines() if line.get_label() == "two, along")
        assert_allclose(line.get_ydata(), along[name])


def test_individuals_without_cells_are_refused() -> None:
    scenario = {
        "mode": "well_mixed",
        "days": 20,
        "replicates": 2,
        "tissues": {"body": {"preset": "karin_mouse_survival"}},
    }
    with pytest.raises(ResultsError, match="must be of cells that were counted, got mode: well_mixed"):
        early_warning(sim.run(sim.from_dict(scenario)))
