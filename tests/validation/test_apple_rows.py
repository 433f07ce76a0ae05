"""Each part of row 27 can fail: without what it is about, it does."""

from __future__ import annotations

from typing import Any

import pytest
from apple_rows import APPLES
from rows import CONFIGS
from target import Row

import sim
from sim.scenario.load import select_arms

RESPONSE = "factors.ethylene.induction.hill"
WITHOUT: dict[str, dict[str, Any]] = {
    "27a": {f"{RESPONSE}.half_max": 60},
    "27b": {f"{RESPONSE}.max_rate": 0.01},
    "27c": {"arms.mcp.treatments.blocker.amount": 0.002},
    "27d": {"environment.rates.production.oxygen_half_max": 0.001},
}


@pytest.mark.parametrize("target", APPLES, ids=lambda target: target.number)
def test_a_row_of_the_store_can_fail(target: Any) -> None:
    scenario = sim.load(CONFIGS / target.study.file)
    scenario = select_arms(scenario, list(target.study.arms or scenario.arms))
    results = sim.run(scenario.override({**WITHOUT[target.number], "replicates": 4}), workers=1)
    assert not Row(target, target.measure(results)).passed
