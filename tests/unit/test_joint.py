"""configs/joint.yaml, made small: what the drugs must do, and what follows from its matrix and its functions."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sim
from sim.explain import explain
from sim.rules.functions import function_after
from sim.rules.induction import hill
from sim.scenario.load import select_arms
from sim.simulation import Simulation

FILE = Path(__file__).parents[2] / "configs" / "joint.yaml"
SMALL = {
    "tissues.cartilage.shape": [16, 16],
    "tissues.bone.shape": [16, 16],
    "tissues.muscle.shape": [20, 20],
    "tissues.disc.shape": [16, 16],
    "days": 40,
    "events.injury.day": 10,
    "events.injury.radius": 60,
    "record.days": [0],
}
TREATED = {"hdac_inhibition": "hdac", "demethylation": "upkeep"}
REPLICATES = 4


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Rows of three arms; the drugs act from day 4 on."""
    early = {f"arms.{arm}.treatments.{name}.start": 4 for arm, name in TREATED.items()}
    small = select_arms(sim.load(FILE, SMALL | early), ["untreated", *TREATED])
    return sim.run(small, replicates=REPLICATES).timeseries


def differences(table: pd.DataFrame, arm: str, column: str) -> np.ndarray:
    """Of an arm from the untreated one, in the mean of the tissues from day 20 on, by replicate."""
    late = table[table["day"] >= 20].groupby(["arm", "replicate"])[column].mean().unstack("arm")
    return (late[arm] - late["untreated"]).to_numpy()


@pytest.mark.parametrize(("arm", "sign"), [("hdac_inhibition", 1.0), ("demethylation", -1.0)])
def test_hdac_inhibition_raises_senescence_and_demethylation_lowers_it(
    table: pd.DataFrame, arm: str, sign: float
) -> None:
    found = sign * differences(table, arm, "burden")
    assert found.mean() > 4.0 * found.std(ddof=1) / math.sqrt(REPLICATES)
    assert (found > 0.0).all()


@pytest.mark.parametrize(("arm", "sign"), [("hdac_inhibition", -1.0), ("demethylation", 1.0)])
def test_the_quality_of_the_healthy_follows(table: pd.DataFrame, arm: str, sign: float) -> None:
    assert (sign * differences(table, arm, "quality") > 0.0).all()


def test_only_targets_of_the_matrix_turn_by_drift_and_zones_take_up_by_their_affinity() -> None:
    """Doses of the three zones stand as their affinities where all see the same level, that of the blood."""
    blood_only = SMALL | {
        "factors.drift.affinity.superficial": {"superficial": 0, "middle": 0, "annulus": 0},
        "factors.drift.affinity.fibroblast": {"superficial": 1, "middle": 0.25, "satellite": 3},
        "tissues.cartilage.initial.burden": 0,
        "tissues.cartilage.damage.baseline": 0,
        "tissues.cartilage.damage.per_year": 0,
        "factors.SASP.induction": None,
        "factors.drift.cargo.response.hill.max_rate": 0,
    }
    settings = sim.load(FILE, blood_only).arms["untreated"]
    simulation = Simulation(settings)
    for _ in range(12):
        simulation.step()
    patch = simulation.patches["cartilage"]
    doses = patch.cells.cargo[list(settings.factors)[1:4].index("drift_from_fibroblast")].reshape(16, 16)
    top, middle, deep = doses[:3].mean(), doses[3:10].mean(), doses[10:].mean()
    assert top > 0.0
    assert middle == pytest.approx(0.25 * top, rel=1e-3)
    assert deep == 0.0
    names = list(patch.tissue.cell_types)
    assert [names[code] for code in patch.cells.cell_type.reshape(16, 16)[[0, 5, 15], 0]] == [
        "superficial",
        "middle",
        "deep",
    ]


def test_nothing_is_laid_down_without_the_gain_and_the_rest_is_the_closed_form() -> None:
    gain = "tissues.muscle.functions.stiffness.gains.TGFb.max_rate"
    none = Simulation(sim.load(FILE, SMALL | {gain: 0}).arms["untreated"])
    some = Simulation(sim.load(FILE, SMALL).arms["untreated"])
    level = some.functions.levels["muscle.stiffness"]
    assert level > 0.0
    for _ in range(20):
        none.step()
        some.step()
        seen = float(some.patches["muscle"].level("TGFb").mean(dtype=np.float64))
        level = function_after(level, 0.0, 0.005, hill(seen, 0.02, 5.0, 2.0), 0.0, 1.0)
        assert none.functions.levels["muscle.stiffness"] == 0.0
    assert some.functions.levels["muscle.stiffness"] == pytest.approx(level, rel=1e-12)


def test_the_sasp_holds_regeneration_back() -> None:
    """With the same luck the wound has at least as many vacant sites on every day, and in sum many more."""
    scenario = sim.load(FILE, SMALL | {"factors.SASP.inhibits_repair.half_max": 3})
    free = scenario.override({"factors.SASP.inhibits_repair": None})
    still_open = []
    for each in (scenario, free):
        simulation = Simulation(each.arms["untreated"])
        days = []
        for _ in range(30):
            simulation.step()
            wound = simulation.patches["muscle"].open_wounds.get("injury", np.zeros(0, np.int64))
            days.append(np.count_nonzero(simulation.patches["muscle"].cells.state[wound] == 2))
        still_open.append(days)
    assert sum(still_open[0]) > 1.3 * sum(still_open[1]) > 0


def test_explain_knows_who_reads_a_factor() -> None:
    """None of those that only functions read is called idle."""
    said = " ".join(explain(sim.load(FILE)).split())
    assert "It erodes matrix in cartilage. It erodes height in disc." in said
    assert "It erodes density in bone." in said
    assert "It builds up stiffness in muscle." in said
    assert "acts on nothing" not in said
