"""Sweeps as tables: means, intervals and pairs by hand, and what an axis is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hand_made import AMOUNT, POINTS, grid, made
from scipy import stats

from sim.analysis.sweep_table import point_in_words, short_names, sweep_lines, sweep_table, varied_axes
from sim.errors import ResultsError
from sim.scenario.quantity import in_one_unit


def test_mean_interval_and_paired_difference_by_scipy() -> None:
    control, treated = [1.0, 2.0, 4.0, np.nan], [0.5, 1.0, np.nan, 3.0]
    table = sweep_table(made(POINTS[:1], {(0, "none"): control, (0, "drug"): treated}))
    first, second = table.iloc[0], table.iloc[1]
    assert (first["arm"], first["n"], first["mean"], first["pairs"]) == ("none", 3, pytest.approx(7 / 3), 0)
    interval = stats.ttest_1samp(control[:3], 0).confidence_interval()
    assert (first["low"], first["high"]) == pytest.approx(tuple(interval))
    assert np.isnan(first["difference"])
    assert (second["n"], second["pairs"], second["difference"]) == (3, 2, -0.75)
    apart = stats.ttest_1samp([-0.5, -1.0], 0).confidence_interval()
    assert (second["difference_low"], second["difference_high"]) == pytest.approx(tuple(apart))
    assert second["sd"] == pytest.approx(np.std([0.5, 1, 3], ddof=1))
    assert second[AMOUNT] == "14 mg/kg"


def test_points_that_failed_have_no_row_and_one_run_no_interval() -> None:
    nothing = [np.nan, np.nan]
    values = {(0, "none"): [1.0, np.nan], (0, "drug"): nothing, (1, "none"): nothing, (1, "drug"): [2.0, np.nan]}
    table = sweep_table(made(POINTS[:2], values))
    assert table[["point", "arm", "n", "pairs"]].to_numpy().tolist() == [[0, "none", 1, 0], [1, "drug", 1, 0]]
    assert table[["low", "high", "sd", "difference"]].isna().all(axis=None)


def test_tissues_and_outcomes_are_chosen_by_name() -> None:
    results = grid(tissues=("skin", "gut"))
    table = sweep_table(results)
    assert len(table) == 2 * 2 * 6
    gut = sweep_table(results, tissue="gut")
    assert gut["mean"].to_numpy() == pytest.approx(1 + sweep_table(results, tissue="skin")["mean"].to_numpy())
    assert (sweep_table(results, "vacant")["mean"] == 1.0).all()
    with pytest.raises(ResultsError, match=r"outcome: must be one of burden, vacant, got burdn \(did you mean burden"):
        sweep_table(results, "burdn")
    with pytest.raises(ResultsError, match="sweep: tissue: must be one of skin, gut, got gu"):
        sweep_table(results, tissue="gu")


def test_axes_have_one_unit_and_know_their_spacing() -> None:
    amount, interval = varied_axes(grid())
    assert (amount.name, amount.unit, amount.is_log, amount.levels) == ("amount", "mg/kg", True, ["14", "28", "56"])
    assert (interval.label, interval.levels, interval.is_log) == ("interval (d)", ["7", "14"], False)
    assert interval.codes.tolist() == [0, 1] * 3
    assert amount.numbers is not None
    assert amount.numbers.tolist() == [14, 14, 28, 28, 56, 56]


@pytest.mark.parametrize(
    ("values", "levels", "is_log"),
    [
        ([1, 2, 3, 4], ["1", "2", "3", "4"], False),
        ([30, 10, 1, 3], ["1", "3", "10", "30"], True),
        ([0, 1, 10], ["0", "1", "10"], False),
        (["moore", "von_neumann"], ["moore", "von_neumann"], None),
        ([True, False], ["True", "False"], None),
        (["forever", "7 d"], ["forever", "7 d"], None),
        ([[64, 64], [32, 32]], ["[64, 64]", "[32, 32]"], None),
    ],
)
def test_numbers_words_and_lists_as_axes(values: list[Any], levels: list[str], is_log: bool | None) -> None:
    points = [{"a.b": value, "a.c": 5} for value in values]
    (axis,) = varied_axes(made(points, {(p, "x"): [1.0] for p in range(len(values))}))
    assert axis.levels == levels
    assert (axis.numbers is None) == (is_log is None)
    assert axis.is_log == bool(is_log)
    assert [axis.levels[code] for code in axis.codes] == [
        str(value) if is_log is None else f"{value:g}" for value in values
    ]


def test_ranges_say_themselves_how_they_are_spaced() -> None:
    design = {"sobol": {"n": 4, "ranges": {"a.b": {"low": 1, "high": 100, "scale": "linear"}}}}
    points = [{"a.b": value} for value in (1.0, 3.0, 9.0, 81.0)]
    values = {(p, "x"): [1.0] for p in range(4)}
    assert not varied_axes(made(points, values, "sobol", design=design))[0].is_log
    design["sobol"]["ranges"]["a.b"]["scale"] = "log"  # type: ignore[index]
    assert varied_axes(made(points, values, "sobol", design=design))[0].is_log


def test_names_are_as_short_as_they_can_be() -> None:
    keys = ["a.skin.reach", "b.skin.reach", "a.days", "reach"]
    assert list(short_names(keys).values()) == ["a.skin.reach", "b.skin.reach", "days", "reach"]


def test_values_of_one_key_in_one_unit() -> None:
    assert in_one_unit(["7 d", "2 wk", 3]) == ([7.0, 14.0, 3.0], "d")
    assert in_one_unit([1, 2.5]) == ([1.0, 2.5], "")
    for values in (["7 d", "2 um"], ["moore"], [True], [None]):
        with pytest.raises(ValueError, match="must be"):
            in_one_unit(values)


def test_lines_tell_ranges_the_lowest_points_what_failed_and_where_the_table_is() -> None:
    values = {(p, arm): [p + 0.5 * (arm == "none"), p + 1.0] for p in range(6) for arm in ("none", "drug")}
    lines = list(sweep_lines(made(POINTS, values)))
    assert lines[0] == "burden on the last day (%)"
    assert lines[2].split() == ["none", "6", "0.75", "5.75"]
    lowest = [line for line in lines if line.startswith("  point")]
    assert [line.split(":")[0].strip() for line in lowest] == [f"point {p}" for p in range(5)]
    assert "amount 14 mg/kg, interval 7 d" in lowest[0]
    assert "drug" in lowest[0]
    assert "-0.25" in lowest[0]
    assert lines[-3].startswith("intervals are those of a point chosen beforehand")
    assert lines[-2:] == ["2 runs failed", f"table    {Path('results/doses/summary.csv')}"]


def test_an_arm_that_is_the_same_at_many_points_is_listed_once() -> None:
    results = made(
        POINTS, {(p, arm): [2.0, 3.0 + p * (arm == "drug")] for p in range(6) for arm in ("none", "drug", "sham")}
    )
    places = [(p, arm, f"{arm}{p if arm == 'drug' else ''}") for p in range(6) for arm in ("none", "drug", "sham")]
    results.runs = pd.DataFrame(places, columns=["point", "arm", "run"]).assign(status="finished")
    lowest = [line for line in sweep_lines(results) if line.startswith("  point")]
    assert sum("sham" in line for line in lowest) == 1
    assert "(and 5 more)" in next(line for line in lowest if "sham" in line)
    assert sum("drug" in line for line in lowest) == 4


@pytest.mark.parametrize("tissues", [("skin",), ("skin", "gut", "bone", "brain", "muscle")])
def test_lines_are_few(tissues: tuple[str, ...]) -> None:
    assert len(list(sweep_lines(grid(tissues=tissues)))) <= 25


def test_a_sweep_without_runs_says_so() -> None:
    empty = made(POINTS[:1], {(0, "a"): [1.0]})
    empty.outcomes = empty.outcomes.iloc[:0]
    assert next(iter(sweep_lines(empty))) == "burden on the last day (%): no run has finished"


def test_points_in_words_round_what_was_drawn() -> None:
    points = [{"a.x": "0.123456789012 1/d", "a.y": 1}, {"a.x": "0.2 1/d", "a.y": 1}]
    results = made(points, {(p, "x"): [1.0] for p in range(2)})
    assert point_in_words(results, 0) == "point 0: x 0.1235 1/d"
