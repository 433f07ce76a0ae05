"""Published results, through the public functions, with the tolerances of SCIENCE.md section 9."""

from __future__ import annotations

from pathlib import Path

import pytest

import sim
from sim.analysis.times import quantiles_by_arm, time_to_count

LESION = Path(__file__).parents[2] / "configs" / "lesion_spread.yaml"
PUBLISHED = {10: (1.2, 2.7, 6.5), 50: (2.8, 4.8, 10.1), 100: (3.4, 5.4, 10.6)}  # hours: 10 %, median, 90 %


@pytest.fixture(scope="module")
def lesion() -> sim.Results:
    return sim.run(sim.load(LESION), replicates=100, workers=2)


def hours(results: sim.Results, count: int) -> dict[str, tuple[float, float, float]]:
    table = 24 * quantiles_by_arm(time_to_count(results, "cum_SASP", count))
    return {arm: tuple(row) for arm, row in zip(table.index, table.to_numpy(), strict=True)}


@pytest.mark.parametrize("count", PUBLISHED)
def test_row_8_lesion_without_firebreak(lesion: sim.Results, count: int) -> None:
    """Median within 20 %, p10 and p90 within 35 %, of 200 seeds of the published algorithm."""
    low, middle, high = hours(lesion, count)["paracrine"]
    published_low, published_middle, published_high = PUBLISHED[count]
    assert abs(middle / published_middle - 1) < 0.20
    assert abs(low / published_low - 1) < 0.35
    assert abs(high / published_high - 1) < 0.35


def test_row_9_firebreak_slows_the_spread(lesion: sim.Results) -> None:
    """Time to 50 paracrine cells: median 120-250 h; 25 to 55 times slower than without juxtacrine cells."""
    times = hours(lesion, 50)
    assert 120 < times["firebreak"][1] < 250
    assert 25 < times["firebreak"][1] / times["paracrine"][1] < 55


def test_seeds_are_as_many_as_published(lesion: sim.Results) -> None:
    """34.3 seed cells on average (mean of 200 packings); the mean of 100 has a standard error of about 0.2."""
    seeds = lesion.timeseries.groupby(["arm", "replicate"])["cum_lesion"].first().groupby("arm").mean()
    assert seeds["paracrine"] == seeds["firebreak"]
    assert abs(seeds["paracrine"] - 34.3) < 1.0
