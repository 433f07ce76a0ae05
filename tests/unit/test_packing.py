"""Random sequential packing: how many, how far apart, how even, and the same from the same addresses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.spatial import cKDTree
from scipy.stats import chisquare

from sim.errors import ScenarioError
from sim.rng import Purpose, Stream
from sim.tissue import packing
from sim.tissue.packing import pack_discs


def test_the_square_of_martin_2023_holds_1114_discs_that_do_not_overlap():
    centres = pack_discs(1000.0, 10.0, 0.35, Stream(1, 7, 0))
    assert centres.shape == (1114, 2)
    assert centres.min() >= 0.0
    assert centres.max() <= 1000.0
    assert len(cKDTree(centres).query_pairs(20.0 - 1e-9)) == 0


def test_discs_are_placed_as_by_the_plain_twin():
    stream, placed = Stream(3, 7, 2), []
    for attempt in range(300):
        x, y = (90.0 * stream.uniform(Purpose.PACKING, 0, attempt, draw) for draw in (0, 1))
        if all((x - a) ** 2 + (y - b) ** 2 >= 400.0 for a, b in placed):
            placed.append((x, y))
    centres = pack_discs(90.0, 10.0, 0.4, stream)
    assert_array_equal(centres, placed[: len(centres)])
    assert len(centres) == int(0.4 * 8100.0 / (math.pi * 100.0))


def test_centres_are_spread_evenly():
    """At a low density centres are nearly independent; exclusion makes the counts more even, never less."""
    centres = np.concatenate([pack_discs(1000.0, 10.0, 0.02, Stream(5, 7, r)) for r in range(40)])
    counts, _, _ = np.histogram2d(*centres.T, bins=5, range=[[0, 1000], [0, 1000]])
    assert chisquare(counts.ravel()).pvalue > 1e-6


def test_the_same_address_packs_the_same_and_another_replicate_does_not():
    first = pack_discs(300.0, 10.0, 0.4, Stream(1, 7, 0))
    assert_array_equal(pack_discs(300.0, 10.0, 0.4, Stream(1, 7, 0)), first)
    for other in (Stream(1, 7, 1), Stream(2, 7, 0), Stream(1, 8, 0)):
        assert not np.array_equal(pack_discs(300.0, 10.0, 0.4, other), first)


def test_the_number_of_attempts_drawn_at_a_time_changes_nothing(monkeypatch):
    expected = pack_discs(300.0, 10.0, 0.45, Stream(1, 7, 0))
    monkeypatch.setattr(packing, "_BLOCK", 17)
    assert_array_equal(pack_discs(300.0, 10.0, 0.45, Stream(1, 7, 0)), expected)


def test_a_denser_packing_continues_a_thinner_one():
    thin, dense = (pack_discs(300.0, 10.0, density, Stream(1, 7, 0)) for density in (0.2, 0.4))
    assert_array_equal(dense[: len(thin)], thin)


@pytest.mark.parametrize(
    ("side", "radius", "density", "word"),
    [
        (300.0, 10.0, 0.7, "jam"),
        (10.0, 10.0, 0.1, "one disc"),
        (300.0, 10.0, 0.0, "positive"),
        (-300.0, 10.0, 0.3, "positive"),
        (300.0, math.nan, 0.3, "positive"),
    ],
)
def test_what_cannot_be_packed_is_refused(side, radius, density, word):
    with pytest.raises(ScenarioError, match=word):
        pack_discs(side, radius, density, Stream(1, 7, 0))
