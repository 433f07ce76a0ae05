"""Studies through a marker: their power, their signs, and what they cannot know."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from test_markers import TWO, results

from sim.analysis.study import share_in_words, study, welch
from sim.errors import ResultsError
from sim.scenario.marker import library_marker


def test_a_perfect_study_draws_replicates_as_they_are() -> None:
    found = study(results(TWO), marker="ideal", cells_per_field=None, studies=2000, animals=5)
    row = found.table.iloc[0]
    for arm, burdens in TWO.items():
        assert_allclose(found.truth["t", arm], burdens)
        assert set(np.unique(found.measured["t", arm])) == set(burdens)
    assert row["difference"] == pytest.approx(4.5)
    error = math.sqrt((np.var(TWO["control"]) + np.var(TWO["graft"])) / 5)
    assert row["measured"] == pytest.approx(4.5, abs=5 * error / math.sqrt(2000))
    assert (row["measured_high"] - row["measured_low"]) / (2 * 1.96 * error) == pytest.approx(1.0, abs=0.1)
    assert (row["sampling"], row["wrong_sign"], row["replicates"], row["animals"]) == ("all cells", 0.0, 4, 5)


def test_the_power_is_a_range_that_few_replicates_leave_wide() -> None:
    """No true difference: the power of 8 replicates is too high, and its range holds 5 to 8 % in 9 of 10 cases."""
    rng, found = np.random.default_rng(6), []
    for _ in range(12):
        burdens = {arm: rng.normal(20.0, 3.0, 8).round(1).tolist() for arm in ("a", "b")}
        seen = study(results(burdens, maps=False), marker="ideal", cells_per_field=None, studies=200)
        found.append(seen.table.iloc[0])
    table = pd.DataFrame(found)
    assert table["power"].mean() > 0.08
    assert (table["power_low"] <= 0.08).mean() > 0.7
    assert ((table["power_low"] <= table["power"]) & (table["power"] <= table["power_high"])).mean() > 0.8
    assert ((table["difference_low"] <= 0) & (table["difference_high"] >= 0)).mean() > 0.8
    assert any("equal arms would be told apart more often than in 5 %" in note for note in seen.notes)
    many = study(results({"a": [20.0] * 20, "b": [20.0, 21.0] * 10}, maps=False), marker="ideal", studies=5)
    assert not any("equal arms" in note for note in many.notes)


@pytest.mark.parametrize(("cells", "told"), [(100, False), (200, True)])
def test_more_counts_than_cells_are_noted(cells: int, told: bool) -> None:
    seen = study(results(TWO), marker="half", cells_per_field=cells, studies=5)
    assert any("3000 cells are to be counted in an animal of 1600" in note for note in seen.notes) == told


def test_markers_that_rise_in_parallel_have_one_onset() -> None:
    assert library_marker("SA_beta_gal").senescent_from == library_marker("p16").senescent_from


@pytest.mark.parametrize("maps", [True, False])
def test_an_imperfect_marker_shrinks_the_difference(maps: bool) -> None:
    found = study(results(TWO, maps=maps), marker="half", studies=2000)
    row = found.table.iloc[0]
    assert row["sampling"] == ("fields" if maps else "well mixed")
    error = (row["measured_high"] - row["measured_low"]) / 4 / math.sqrt(2000)
    assert row["measured"] == pytest.approx(0.5 * 4.5, abs=5 * error)
    assert 0.05 < row["power"] < 0.999
    assert any("well mixed" in note for note in found.notes) != maps


def test_clusters_cost_power() -> None:
    loose, packed = (study(results(TWO, clustered=c), marker="ideal", studies=400).table.iloc[0] for c in (False, True))
    assert packed["power"] < loose["power"] - 0.2
    assert packed["measured_high"] - packed["measured_low"] > 1.5 * (loose["measured_high"] - loose["measured_low"])
    assert packed["wrong_sign"] >= loose["wrong_sign"]


def test_equal_arms_are_called_different_in_a_twentieth_of_the_studies() -> None:
    values = np.random.default_rng(1).normal(20.0, 3.0, 60).round(1).tolist()
    found = study(results({"a": values, "b": values}), marker="ideal", studies=4000, animals=8)
    row = found.table.iloc[0]
    assert row["difference"] == 0.0
    assert math.isnan(row["wrong_sign"])
    assert row["power"] == pytest.approx(0.05, abs=0.015)
    assert not np.array_equal(found.measured["t", "a"], found.measured["t", "b"])  # animals of a lab share no luck


def test_the_key_alone_decides() -> None:
    three = results({**TWO, "sham": [2.0, 3.0]})
    same = study(results(TWO), marker="half", studies=50)
    assert_array_equal(study(three, marker="half", studies=50).measured["t", "graft"], same.measured["t", "graft"])
    other = study(results(TWO), marker="half", studies=50, seed=1)
    assert not np.array_equal(other.measured["t", "graft"], same.measured["t", "graft"])


def test_the_test_is_that_of_welch() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(0, 1, (50, 4)), rng.normal(1, 3, (50, 7))
    assert_allclose(welch(a, b), stats.ttest_ind(a, b, axis=1, equal_var=False).pvalue)
    flat = np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
    assert_array_equal(welch(flat, np.array([[1.0, 1.0], [2.0, 2.0], [1.0, 1.0]])), [1.0, 0.0, 1.0])
    assert_allclose(welch(flat, b[:3]), stats.ttest_1samp(b[:3], 1.0, axis=1).pvalue)


def test_what_stands_for_animals_is_said() -> None:
    found = study(results(TWO), marker="p16", studies=20)
    (said,) = (note for note in found.notes if "fewer replicates than animals: 4 replicates" in note)
    assert "25 % too small" in said
    assert next(found.sentences()).startswith("graft: a study of 6 animals per arm that counts p16 would have seen ")
    assert "nothing is known" in study(results({"a": [1.0], "b": [2.0]}), studies=5).notes[1]
    assert [share_in_words(x) for x in (0.0, 0.004, 0.714, 1.0)] == ["0 %", "< 1 %", "71 %", "100 %"]


def test_mistakes_of_a_study_are_told() -> None:
    found = results(TWO)
    for how, words in (
        ({"marker": "SA_b_gal"}, r"marker: must be one of .+, got SA_b_gal \(did you mean SA_beta_gal\?\)"),
        ({"outcome": "burden_cell"}, "marker: outcome: must be one of burden, got burden_cell"),
        ({"baseline": "grft"}, r"study: baseline: must be one of .+ \(did you mean graft\?\)"),
    ):
        with pytest.raises(ResultsError, match=words):
            study(found, **how)
    with pytest.raises(ResultsError, match="study: arms: must be at least two to compare, got 1"):
        study(results({"one": [1.0, 2.0]}))
