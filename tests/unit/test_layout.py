"""Labels keep apart and lines of text fit."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from sim.figures.layout import fitted, keep_apart, text_width


def test_labels_move_no_further_than_they_must() -> None:
    assert_allclose(keep_apart(np.array([5.0, 1.0]), np.ones(2), 0.0, 9.0), [5.0, 1.0])
    assert_allclose(keep_apart(np.array([3.0, 3.0]), np.ones(2), 0.0, 9.0), [2.5, 3.5])
    assert_allclose(keep_apart(np.array([3.0, 3.2, 8.0]), np.array([1.0, 3.0, 1.0]), 0.0, 9.0), [2.1, 4.1, 8.0])
    assert_allclose(keep_apart(np.array([0.0, 9.0]), np.ones(2), 0.0, 9.0), [0.5, 8.5])
    assert keep_apart(np.zeros(0), np.zeros(0), 0.0, 9.0).size == 0


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 15), st.floats(0.1, 3)), min_size=1, max_size=8))
def test_labels_never_overlap(labels: list[tuple[float, float]]) -> None:
    targets, heights = (np.array(column) for column in zip(*labels, strict=True))
    centres = keep_apart(targets, heights, 0.0, 10.0)
    order = np.argsort(centres)
    low, high = (centres - heights / 2.0)[order], (centres + heights / 2.0)[order]
    assert (low[1:] >= high[:-1] - 1e-9).all()
    assert low[0] >= -1e-9
    assert high[-1] <= max(10.0, heights.sum()) + 1e-9


@given(st.text("ab_- W", max_size=60), st.floats(0.3, 3.0))
def test_broken_lines_fit_and_keep_every_letter(text: str, width: float) -> None:
    lines = fitted(text, width)
    assert re.sub(r"\s", "", lines) == re.sub(r"\s", "", text)
    assert text_width(lines) <= width or max(map(len, lines.split("\n"))) <= 2
