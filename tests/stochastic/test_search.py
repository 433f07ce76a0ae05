"""The measured search of patrols: straight walkers are their mean field, and the fit finds what made the numbers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from sim.analysis.search import fit_search
from sim.cli import app
from sim.errors import ResultsError, ScenarioError
from sim.experiment.search import search_law
from sim.scenario.load import Scenario, from_dict


def skin(side: int = 120, **patrol: Any) -> Scenario:
    """A tissue whose cells only patrols change."""
    tissue = {"shape": [side, side], "boundary": "periodic", "clearance": {"max_rate": 0}, "patrols": {"nk": patrol}}
    return from_dict({"days": 1, "dt": 0.5, "tissues": {"skin": tissue}, "factors": {"SASP": {"reach": 60}}})


def test_straight_walkers_are_their_mean_field() -> None:
    """Beta and kappa of the map lie in the 99.9 % intervals, which are narrow."""
    found = search_law(skin(persistence_time="forever", kill_probability=0.8), kills=1000, replicates=3)
    assert found["kills_per_day"].to_numpy() == pytest.approx(found["straight"].to_numpy(), rel=0.2)
    fit = fit_search(found, level=0.999)
    assert fit.beta_low < found["beta"][0] < fit.beta_high < 1.3 * fit.beta
    assert fit.kappa_low < found["kappa"][0] < fit.kappa_high < 1.5 * fit.kappa


def test_those_that_turn_all_the_time_find_less() -> None:
    """They come back to where they were; with more cells to find it matters less. Nobody beats one kill a handling."""
    found = search_law(skin(persistence_time="10 min"), burdens=(1.0, 15.0), kills=300, replicates=2)
    share = (found["kills_per_day"] / found["straight"]).groupby(found["burden"].round()).mean()
    assert share[1.0] < 0.6 < share[15.0] < 1.1
    assert (found["kills_per_day"] < found["beta"]).all()


def test_those_that_follow_clumps_find_more() -> None:
    law = {"persistence_time": "10 min", "follows": "SASP"}
    rates = [
        search_law(skin(**law, migration_bias=bias), burdens=(2.0,), clumps=60.0, kills=200, replicates=2)
        for bias in (0.0, 0.3)
    ]
    assert rates[1]["kills_per_day"].mean() > 1.2 * rates[0]["kills_per_day"].mean()


def test_the_fit_finds_what_made_the_numbers() -> None:
    burden = np.geomspace(0.05, 20, 9)
    dice = np.random.default_rng(1)
    exact = pd.DataFrame({"burden": burden, "kills_per_day": 0.3 * burden / (0.7 + burden)})
    assert fit_search(exact)[::3] == pytest.approx((0.3, 0.7))
    covered = 0
    for _ in range(200):
        noise = np.exp(0.05 * dice.standard_normal(burden.size))
        fit = fit_search(exact.assign(kills_per_day=exact["kills_per_day"] * noise))
        covered += fit.kappa_low < 0.7 < fit.kappa_high
    assert covered == pytest.approx(190, abs=4 * math.sqrt(200 * 0.95 * 0.05))


def test_kills_that_tell_nothing_have_an_interval_without_end() -> None:
    """Patrols that always have enough to do kill the same at every burden: kappa may be anything below it."""
    burden = np.repeat(np.geomspace(0.05, 20, 7), 4)
    noise = np.exp(0.3 * np.random.default_rng(5).standard_normal(burden.size))
    with np.errstate(all="raise"):
        fit = fit_search(pd.DataFrame({"burden": burden, "kills_per_day": 0.3 * noise * burden**-0.1}))
    assert fit.beta == pytest.approx(0.3, rel=0.3)
    assert (fit.kappa_low, fit.kappa_high) == (0.0, math.inf)
    with pytest.raises(ResultsError, match="search: fit: must have three measured kills or more, got 2"):
        fit_search(pd.DataFrame({"burden": [1.0, 2.0], "kills_per_day": [1.0, 2.0]}))


@pytest.mark.parametrize(
    ("patrol", "how", "rule"),
    [
        ({}, {"arm": "controll"}, r"arms\.controll: unknown arm \(did you mean control\?\)"),
        ({"speed": 0}, {}, "must have patrols that walk and kill, got none"),
        ({}, {"burdens": (0.1,)}, "burden: must be between 0.694 and 50 %, got 0.1 %"),
    ],
)
def test_impossible_searches(patrol: dict[str, Any], how: dict[str, Any], rule: str) -> None:
    with pytest.raises(ScenarioError, match=rule):
        search_law(skin(**patrol), **how)


def test_the_command_tells_measured_kills_and_the_fit(tmp_path: Path) -> None:
    file, csv = tmp_path / "skin.yaml", tmp_path / "search.csv"
    file.write_text(skin(persistence_time="forever").as_yaml())
    said = CliRunner().invoke(app, ["search", str(file), "--kills", "100", "--csv", str(csv), "-q"])
    assert said.exit_code == 0, said.output
    first, _, *rows, fit = said.output.splitlines()
    assert first == "nk in skin: cells removed, % of the tissue per day"
    found = pd.read_csv(csv)
    assert len(rows) * 4 == len(found)
    assert fit.endswith(f"straight walkers: {found['beta'][0]:.3g} and {found['kappa'][0]:.3g}")
    with pytest.raises(ScenarioError, match="search: --clumps: "):
        CliRunner().invoke(app, ["search", str(file), "--clumps", "3 d", "-q"], catch_exceptions=False)


def test_patrols_walk_in_the_environment_of_the_scenario() -> None:
    """Ten degrees more at a Q10 of 2: the very search of patrols of twice the speed."""
    quick, slow = skin(40, speed="8 um/min"), skin(40, speed="4 um/min")
    rates = {"walking": {"of": ["tissues.skin.patrols.nk.speed"], "q10": 2}}
    around = {"temperature": 30, "reference": {"temperature": 20}, "rates": rates}
    found = [search_law(each, burdens=(10.0,), kills=20, replicates=1) for each in (quick, slow, warm(slow, around))]
    pd.testing.assert_frame_equal(found[2], found[0])
    assert (found[1]["kappa"] > found[0]["kappa"]).all()


def warm(scenario: Scenario, around: dict[str, Any]) -> Scenario:
    return scenario.override({"environment": around})
