"""Arms that share their luck need fewer replicates: how many times fewer on `kill_or_tame`, up to 14 d after a dose."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import sim
from sim.analysis.luck import first_dose

CONFIG = Path(__file__).parents[2] / "configs" / "kill_or_tame.yaml"
AFTER = 14.0  # d after the first dose
FIVEFOLD = 5.0
REPLICATES = 64


@pytest.mark.validation
def test_the_paired_variance_is_a_fifth_or_less() -> None:
    """On average over the days after the first dose for every arm, and on no day beyond doubt not.

    The ratio is lowest where a senolytic acts: which cells it kills is luck that the untreated arm does not share. With
    256 replicates: D+Q 8.8 on the day after the dose, 5.5 to 6.2 in the second week; D+Q with niclosamide 8.7 and, on
    the 13th day, 4.8 with a standard error of 0.4. All other arms: more than 15.
    """
    shorter = {"days": 28, "record.maps": [], "record.days": []}
    results = sim.run(sim.load(CONFIG, shorter), replicates=REPLICATES, workers=2)
    table, doses = sim.shared_luck(results), first_dose(results)
    doubt = math.exp(2.0 * 2.0 / math.sqrt(REPLICATES - 1))  # two standard errors of a ratio of variances
    assert len(doses) == 8  # all but the adaptive arm, where burden stays below its threshold
    for arm, dose in doses.items():
        rows = table[(table["arm"] == arm) & (table["day"] <= dose + AFTER)]
        before, after = (rows.loc[here, "ratio"].to_numpy() for here in (rows["day"] <= dose, rows["day"] > dose))
        print(f"{arm}: {', '.join(f'{ratio:.3g}' for ratio in after)}")
        assert np.isinf(before).all()
        assert after.size == AFTER
        assert np.exp(np.log(after).mean()) >= FIVEFOLD
        assert after.min() * doubt >= FIVEFOLD
