"""Turnover of a tagged cohort: of tables made by hand and of random deaths at a known rate."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from worlds import as_tree, event, tissue, world

from sim.analysis.turnover import cohorts, cohorts_by_arm, halved_after, survival, turnover
from sim.errors import ResultsError
from sim.figures import save_all
from sim.results import Results
from sim.scenario.trees import Tree, merge

PULSE = event("pulse", kind="irradiation", radius=1e4, share=0.003, delay=0, duration=0)


def scenario(arms: Tree, **top: object) -> Tree:
    tree = as_tree(world(tissue(clearance={"max_rate": 0.3}), PULSE))
    return {**merge(tree, {**top}), "arms": arms}


def made(
    standing: dict[str, np.ndarray], days: np.ndarray, burden: dict[str, np.ndarray] | None = None,
    tree: Tree | None = None, turned: np.ndarray | None = None,
) -> Results:  # fmt: skip
    """Cohorts (replicates, days) by arm; cells turn on the first day unless `turned` says otherwise."""
    rows = []
    for arm, counts in standing.items():
        for r, cells in enumerate(counts):
            new = np.where(np.arange(days.size) == 0, cells[0], 0) if turned is None else turned
            level = np.zeros(days.size) if burden is None else burden[arm][r]
            rows.append(
                pd.DataFrame({"arm": arm, "replicate": r, "tissue": "patch", "day": days, "n_healthy": 1000,
                              "n_senescent": cells, "n_cleared": 0, "n_scarred": 0, "burden": level,
                              "new_pulse": new, "cum_pulse": np.cumsum(new), "due_to_pulse": cells,
                              "cleared_pulse": np.cumsum(new) - cells})
            )  # fmt: skip
    manifest = {"scenario": "x", "arms": list(standing), "tissues": ["patch"], "factors": [], "runs": []}
    given = {"events": PULSE["events"]} if tree is None else tree
    return Results(manifest, given, pd.concat(rows, ignore_index=True), pd.DataFrame(), pd.DataFrame(), {})


def test_cells_that_go_for_another_reason_are_no_loss_to_immunity() -> None:
    """Of 16 cells immune cells take 4 and others 2, then 3 and 1: the 2 and the 1 were at risk for half a day."""
    results = made({"one": np.array([[16, 10, 6]])}, np.array([0.0, 1.0, 2.0]))
    results.timeseries["cleared_pulse"] = [0, 4, 7]
    row, every = (turnover(results, by=by).iloc[0] for by in ("immunity", "all"))
    assert (row["lost"], every["lost"]) == (7, 10)
    assert row["rate"] == pytest.approx(7 / (13 + 8))
    curve = cohorts_by_arm(results, "pulse", None, "patch")["one"].share
    assert curve == pytest.approx([1, 1 - 4 / 15, (1 - 4 / 15) * (1 - 3 / 9.5)])
    with pytest.raises(ResultsError, match="turnover: by"):
        turnover(results, by="drugs")  # type: ignore[arg-type]


def test_cells_lost_over_cell_days() -> None:
    """16, 8, 4 and 8, 6, 3 on days 0, 1, 3: 12 + 5 lost in (12 + 12) + (7 + 9) cell-days."""
    results = made({"one": np.array([[16, 8, 4], [8, 6, 3]])}, np.array([0.0, 1.0, 3.0]))
    row = turnover(results).iloc[0]
    assert (row["n"], row["start"], row["end"], row["n_cells"], row["lost"]) == (2, 0.0, 3.0, 24, 17)
    assert row["rate"] == pytest.approx(17 / 40)
    assert row["half_life"] == pytest.approx(math.log(2) * 40 / 17)
    error = abs(12 / 24 - 5 / 16) / 2  # the jackknife of two
    assert row["rate_error"] == pytest.approx(error)
    assert row["error"] == pytest.approx(error / (17 / 40) * row["half_life"])
    assert row["high"] == math.inf
    assert row["half_gone"] == pytest.approx(1.0 + 2.0 * 2 / 7)  # 24, 14, 7: 12 lies between days 1 and 3
    assert math.isnan(row["excess"])
    assert row["control"] == ""
    late = turnover(results, "pulse", window=(1.0, 3.0)).iloc[0]
    assert late["rate"] == pytest.approx(7 / 21)


def test_cells_that_come_within_the_window_are_no_losses() -> None:
    """Cells turn on days 1 to 3; the cohort counts from the day of the last one, or from where one asks."""
    turned = np.array([0, 5, 0, 3, 0, 0])
    results = made({"one": np.array([[0, 5, 4, 6, 3, 2]])}, np.arange(6.0), turned=turned)
    row = turnover(results).iloc[0]
    assert (row["start"], row["lost"]) == (3.0, 4)
    assert row["rate"] == pytest.approx(4 / 7)
    assert math.isnan(row["low"])
    assert math.isnan(row["half_gone_low"])


def test_product_limit_and_half_times() -> None:
    standing, lost = np.array([10.0, 8.0, 5.0, 0.0, 0.0]), np.array([0.0, 2.0, 3.0, 5.0, 0.0])
    assert_allclose(survival(standing, lost), [1.0, 0.8, 0.5, 0.0, 0.0])
    days = np.array([2.0, 3.0, 5.0, 9.0])
    curves = np.array([[4.0, 3.0, 1.0, 0.0], [4.0, 4.0, 3.0, 2.5], [0.0, 1.0, 2.0, 3.0], [4.0, 1.0, 9.0, 1.0]])
    assert_allclose(halved_after(days, curves), [2.0, np.inf, np.nan, 2 / 3])


@pytest.mark.parametrize("half_life", [5.0, 25.0])
def test_random_deaths_at_a_known_rate(half_life: float) -> None:
    """12 cohorts of 500 cells, rows a day apart: the rate within 4 standard errors of the counts and the trapezium."""
    rng, rate, n = np.random.default_rng(3), math.log(2.0) / half_life, 12
    days = np.arange(0.0, 6 * half_life)
    died = rng.exponential(1 / rate, (n, 500))
    standing = (died[:, :, None] > days).sum(axis=1)
    row = turnover(made({"one": standing}, days)).iloc[0]
    assert row["n_cells"] == 6000
    assert standing[:, days == row["end"]].sum() <= 600 < standing[:, days == row["end"] - 1].sum()
    by_counts = rate / math.sqrt(row["lost"])
    assert row["rate"] == pytest.approx(rate * (1 - (rate**2) / 12), abs=4 * by_counts)
    assert 0.4 < row["rate_error"] / by_counts < 2.0
    assert row["low"] < half_life < row["high"]
    assert row["half_gone"] == pytest.approx(half_life, abs=4 * half_life / math.sqrt(6000) / math.log(2) + 0.01)
    assert row["half_gone_low"] < row["half_gone"] < row["half_gone_high"]


def test_the_error_of_the_trapezium_is_as_stated() -> None:
    for apart, stated in ((1.0, 0.0016), (5.0, 0.04)):
        days = np.arange(0.0, 60.0, apart)
        results = made({"one": (1e9 * 0.5 ** (days / 5.0))[None]}, days)
        assert turnover(results)["half_life"][0] / 5.0 - 1.0 == pytest.approx(stated, rel=0.05)


def excess(share: float) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], np.ndarray]:
    """Two replicates: a cohort with half-life 5 d, an excess that halves in 15 d."""
    days = np.arange(0.0, 61.0)
    cells = np.array([[1000.0], [500.0]]) * 0.5 ** (days / 5)
    base = np.array([[1.0], [2.0]]) + 0.01 * days
    none = np.zeros_like(cells)
    return {"old": none, "old_pulse": cells}, {"old": base, "old_pulse": base + share * 0.5 ** (days / 15)}, days


def test_the_net_excess_lasts_longer() -> None:
    standing, burden, days = excess(0.3)
    tree = scenario({"old": {"events": {"pulse": None}}, "old_pulse": {}})
    row = turnover(made(standing, days, burden, tree)).iloc[0]
    assert (row["arm"], row["control"]) == ("old_pulse", "old")
    assert row["excess"] == pytest.approx(0.3)
    assert row["half_gone"] == pytest.approx(5.0)
    assert row["excess_half_life"] == pytest.approx(15.0)
    assert_allclose(row[["excess_low", "excess_high"]].to_numpy(float), 15.0, rtol=1e-6)


def test_the_control_is_the_arm_that_is_the_same_but_for_the_event() -> None:
    tree = scenario({
        "young": {"events": {"pulse": {"share": 0}}, "age_at_start": 90}, "old": {"events": {"pulse": None}},
        "young_pulse": {"age_at_start": 90}, "old_pulse": {}, "odd_pulse": {"age_at_start": 91},
    })  # fmt: skip
    days = np.arange(4.0)
    none, some = np.zeros((2, 4)), np.array([[8, 4, 2, 1], [8, 4, 2, 1]])
    results = made({arm: some if "pulse" in arm else none for arm in tree["arms"]}, days, tree=tree)
    table = turnover(results).set_index("arm")
    assert table["control"].to_dict() == {"young_pulse": "young", "old_pulse": "old", "odd_pulse": ""}
    assert set(turnover(results, control="young")["control"]) == {"young"}
    assert list(turnover(results, control={"odd_pulse": "old"})["control"]) == ["", "", "old"]


def test_mistakes() -> None:
    results = made({"one": np.array([[8, 4, 2]])}, np.arange(3.0))
    with pytest.raises(ResultsError, match="cause: must be one of pulse, got puls"):
        turnover(results, "puls")
    with pytest.raises(
        ResultsError, match="window: must hold two rows of the cohort or more, between 0 and 2 d, got 5 "
    ):
        turnover(results, window=(5.0, 9.0))
    with pytest.raises(ResultsError, match="control: must be one of one, got two"):
        turnover(results, control="two")
    results.timeseries = results.timeseries.drop(columns="due_to_pulse")
    assert cohorts(results) == []
    with pytest.raises(ResultsError, match="must have a column due_to_CAUSE with a tagged cohort, got none"):
        turnover(results)


def test_a_run_with_a_tagged_cohort_has_a_figure(tmp_path: object) -> None:
    standing, burden, days = excess(0.3)
    tree = scenario({"old": {"events": {"pulse": None}}, "old_pulse": {}})
    figure = made(standing, days, burden, tree).plot.turnover()
    cohort, right = figure.axes
    left_line, line = (
        next(line for line in axes.get_lines() if line.get_label() == "old_pulse") for axes in (cohort, right)
    )
    assert_allclose(left_line.get_ydata()[:30], 2.0 - np.log10(2) * days[:30] / 5)  # logarithms of percents
    assert_allclose(line.get_ydata(), 100 * 0.5 ** (days / 15))
    assert [name for name in save_names(made(standing, days, burden, tree), tmp_path) if "turnover" in name]
    grafted = {**tree, "events": {"pulse": {"kind": "graft"}}}
    assert not [name for name in save_names(made(standing, days, burden, grafted), tmp_path) if "turnover" in name]


def test_a_cohort_that_nobody_could_watch_has_no_figure(tmp_path: Path) -> None:
    """Cells that turn when the run ends, and cells that turn when one replicate has ended already."""
    late = made({"one": np.array([[0, 0, 8], [0, 0, 6]])}, np.arange(3.0), turned=np.array([0, 0, 8]))
    gone = made({"one": np.array([[0, 8, 4], [0, 6, 3]])}, np.arange(3.0), turned=np.array([0, 8, 0]))
    gone.timeseries = gone.timeseries.query("replicate == 0 or day < 1")
    assert cohorts(late) == cohorts(gone) == ["pulse"]
    for number, results in enumerate((late, gone)):
        assert not [name for name in save_names(results, tmp_path / str(number)) if "turnover" in name]
    with pytest.raises(ResultsError, match="must have a cohort of pulse on days of all replicates, got patch"):
        gone.plot.turnover("pulse")


def save_names(results: Results, folder: object) -> list[str]:
    return [path.name for path in save_all(results, str(folder))]
