"""Figures of causes and of differences: the numbers of the tables, and nothing overlaps."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex
from numpy.testing import assert_allclose, assert_array_equal
from test_figures import ARMS, labelled, make, words

from sim.errors import ResultsError


def test_causes_stack_to_all_new_senescent_cells() -> None:
    results = make(replicates=2)
    areas = labelled(results.plot.causes())
    assert {name for name in areas if not name.startswith("_")} == {"initial", "damage", "SASP"}
    tops = {name: areas[name].get_paths()[0].vertices[:, 1].max() for name in ("initial", "damage", "SASP")}
    assert tops == {"initial": 3.0, "damage": 13.0, "SASP": 33.5}  # on day 10, mean of two replicates
    figure = results.plot.causes()
    assert {axes.get_ylim() for axes in figure.axes} == {(0.0, 1.06 * 33.5)}
    assert "mean of 2 replicates" in words(figure)


def test_difference_of_one_replicate_shows_every_arm_and_counts_cells() -> None:
    results = make()
    figure = results.plot.difference(replicate=1)
    codes = ["saved", "induced", "lost", "gained"]
    for row, arm in enumerate(ARMS[1:]):
        for column, day in enumerate((0, 10)):
            here, there = (results.maps(each, 1)["state"][column] for each in (arm, "no_graft"))
            a, b = here == 1, there == 1
            lost, gained = (here > 1) & (there == 0), (here == 0) & (there > 1)
            image = figure.axes[2 * row + column].images[0].get_array()
            expected = [~(a | b | lost | gained), a & b, b & ~a, a & ~b, lost, gained]
            for code, mask in enumerate(expected):
                assert_array_equal(image == code, mask, err_msg=f"{arm} {day} {code}")
            assert f"{(b & ~a).sum()} saved" in words(figure)
            assert f"{(a & ~b).sum()} induced" in words(figure)
    assert all(f"{code}: " in words(figure) for code in codes)
    assert "replicate 1. Saved: senescent in no_graft only" in words(figure)
    assert len(results.plot.difference("graft", replicate=1).axes) == 2


def test_difference_of_several_replicates_is_a_mean_about_zero() -> None:
    results = make(replicates=4)
    p = [np.mean([results.maps(arm, r)["state"][-1] == 1 for r in range(4)], axis=0) for arm in ("sham", "graft")]
    figure = results.plot.difference("sham", "graft")
    image = figure.axes[1].images[0]
    assert_allclose(image.get_array(), p[0] - p[1])
    low, high = image.get_clim()
    assert low == -high
    assert to_hex(image.to_rgba(np.zeros((1, 1)))[0, 0]) == "#ffffff"
    assert "mean of 4 replicates" in words(figure)


def test_days_without_a_difference_are_left_out() -> None:
    results = make(days=(0.0, 5.0, 10.0))
    for arm in ARMS:
        for r in range(2):
            results.maps(arm, r)["state"][1] = 0
    assert "day 5" not in words(results.plot.difference())
    assert "day 5" in words(results.plot.maps())
    same = make(arms=["a", "b"], days=(0.0, 5.0))
    for r in range(2):
        same.maps("b", r)["state"][:] = same.maps("a", r)["state"]
    assert next(axes for axes in same.plot.difference().axes if axes.images).images[0].get_array().max() == 0.0
    assert "day 5" in words(same.plot.difference())
    assert "0 saved" in words(same.plot.difference())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda plot: plot.burden("skn"), "burden: tissue: must be one of skin, got skn (did you mean skin?)"),
        (lambda plot: plot.causes("x"), "causes: tissue: must be one of skin, got x"),
        (lambda plot: plot.maps(layers=["SAPS"]), "layers: must be one of state, SASP, got SAPS (did you mean SASP?)"),
        (lambda plot: plot.maps(7), "maps: none kept for arm no_graft, replicate 7, tissue skin"),
        (lambda plot: plot.difference("graf"), "difference: arm: must be one of no_graft, sham, graft, got graf"),
        (lambda plot: plot.difference("sham", "sham"), "counterfactual: arm: must differ from the baseline, got sham"),
        (lambda plot: plot.difference(replicate=7), "none kept: maps of the state of sham and no_graft in skin, r"),
    ],
)  # fmt: skip
def test_mistakes_get_one_line(call: Any, message: str) -> None:
    with pytest.raises(ResultsError, match=re.escape(message)):
        call(make().plot)
