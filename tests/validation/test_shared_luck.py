"""Arms that share their luck need fewer replicates: how many times fewer on `kill_or_tame`, up to 14 d after a dose."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import sim
from sim.analysis.luck import first_dose
from sim.scenario.load import select_arms

CONFIG = Path(__file__).parents[2] / "configs" / "kill_or_tame.yaml"
AFTER = 14.0  # d after the first dose
FIVEFOLD = 5.0
MANY, FEW = 256, 64  # replicates: of the arms that come close to five, and of the others
CLOSE = ["hit_and_run", "both"]


@pytest.mark.validation
def test_the_paired_variance_is_a_fifth_or_less() -> None:
    """On average over the days after the first dose for every arm, and on no day beyond doubt not.

    The ratio is lowest where a senolytic acts: which cells it kills is luck that the untreated arm does not share. With
    256 replicates: D+Q 8.8 on the day after the dose, 5.5 to 6.2 in the second week; D+Q with niclosamide 8.7 and, on
    the 13th day, 4.8 with a standard error of 0.4, so that "at least fivefold" is not shown for this arm on this day.
    All other arms: more than 15.
    """
    scenario = sim.load(CONFIG, {"days": 28, "record.maps": [], "record.days": []})
    assert len(check(scenario, FEW)) == 8  # all but the adaptive arm, where burden stays below its threshold
    assert set(check(select_arms(scenario, ["none", *CLOSE]), MANY)) == set(CLOSE)


def check(scenario: sim.Scenario, replicates: int) -> list[str]:
    """The arms with a dose, whose ratios hold."""
    results = sim.run(scenario, replicates=replicates, workers=2)
    table, doses = sim.shared_luck(results), first_dose(results)
    doubt = math.exp(2.0 * 2.0 / math.sqrt(replicates - 1))  # two standard errors of a ratio of variances
    for arm, dose in doses.items():
        rows = table[(table["arm"] == arm) & (table["day"] <= dose + AFTER)]
        before, after = (rows.loc[here, "ratio"].to_numpy() for here in (rows["day"] <= dose, rows["day"] > dose))
        print(f"{arm}, {replicates} replicates: {', '.join(f'{ratio:.3g}' for ratio in after)}")
        assert np.isinf(before).all()
        assert after.size == AFTER
        assert np.exp(np.log(after).mean()) >= FIVEFOLD
        assert after.min() * doubt >= FIVEFOLD
    return list(doses)
