"""Correlations between tissues: of known tables, and of bodies that fluctuate together by a known share."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from worlds import QUIET, as_tree, start, together, world

import sim
from sim.analysis.coupling import mean_coupling
from sim.analysis.headline import burden_lines
from sim.errors import ResultsError
from sim.results import Results
from sim.scenario.load import from_dict

TISSUES = ["skin", "muscle", "bone", "hippocampus", "rest"]


def made(burdens: dict[str, np.ndarray], day: float = 9.0) -> Results:
    """Tables with the burdens (n, tissues) of each arm."""
    frames = [
        pd.DataFrame({"arm": arm, "replicate": range(len(values)), "tissue": name, "day": day, "burden": values[:, i]})
        for arm, values in burdens.items()
        for i, name in enumerate(TISSUES[: values.shape[1]])
    ]
    n = max(map(len, burdens.values()))
    tissues = TISSUES[: next(iter(burdens.values())).shape[1]]
    manifest = {"scenario": "mice", "arms": list(burdens), "tissues": tissues, "factors": [], "replicates": n,
                "runs": []}  # fmt: skip
    return Results(manifest, {}, pd.concat(frames, ignore_index=True), pd.DataFrame(), pd.DataFrame(), {})


def alike(n: int, share: float, tissues: int = 3, seed: int = 1) -> np.ndarray:
    """Normal burdens of which all tissues have a `share` of the variance in common."""
    rng = np.random.default_rng(seed)
    own = rng.normal(size=(n, tissues)) * math.sqrt(1.0 - share)
    return 10.0 + own + math.sqrt(share) * rng.normal(size=(n, 1))


def test_pairs_are_those_of_scipy() -> None:
    burdens = alike(30, 0.6)
    table = sim.coupling(made({"none": burdens}))
    assert table[["tissue", "other"]].to_numpy().tolist() == [["skin", "muscle"], ["skin", "bone"], ["muscle", "bone"]]
    theirs = stats.pearsonr(burdens[:, 0], burdens[:, 2])
    row = table.iloc[1]
    assert (row["n"], row["day"]) == (30, 9.0)
    assert row["correlation"] == pytest.approx(theirs.statistic)
    assert (row["low"], row["high"]) == pytest.approx(tuple(theirs.confidence_interval(0.95)))
    mean = mean_coupling(made({"none": burdens})).iloc[0]
    assert mean["correlation"] == pytest.approx(table["correlation"].mean())
    assert mean["burden"] == pytest.approx(burdens.mean())
    assert mean["pairs"] == 3


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_a_known_correlation_is_found(share: float) -> None:
    row = mean_coupling(made({"none": alike(4000, share)})).iloc[0]
    assert row["correlation"] == pytest.approx(share, abs=4 * (1 - share**2 + 0.01) / math.sqrt(4000))
    assert row["low"] < row["correlation"] < row["high"]
    assert row["high"] - row["low"] < 0.1


@pytest.mark.parametrize(("tissues", "share"), [(3, 0.4), (5, 0.0)])
def test_intervals_hold_the_truth_as_often_as_they_say(tissues: int, share: float) -> None:
    """Of 100 tables of 20 individuals each; the standard error of a share of 95 % is 2.2 %."""
    tables = [made({"none": alike(20, share, tissues, seed)}) for seed in range(100)]
    for found in (mean_coupling, sim.coupling):
        rows = pd.concat([found(each).head(1) for each in tables])
        inside = (rows["low"] <= share) & (share <= rows["high"])
        assert inside.mean() == pytest.approx(0.95, abs=0.066), found


def test_tables_that_do_not_tell() -> None:
    burdens = alike(10, 0.5)
    burdens[:, 1] = 3.0
    table = sim.coupling(made({"none": burdens, "few": alike(3, 0.5), "nobody": alike(1, 0.5)}))
    none, few, nobody = (rows.set_index(["tissue", "other"]) for _, rows in table.groupby("arm", sort=False))
    assert math.isnan(none.loc[("skin", "muscle"), "correlation"])
    assert math.isfinite(none.loc[("skin", "bone"), "low"])
    assert few["correlation"].notna().all()
    assert few["low"].isna().all()
    assert nobody["correlation"].isna().all()
    means = mean_coupling(made({"none": burdens, "few": alike(3, 0.5)})).set_index("arm")
    assert means.loc["none", "pairs"] == 1
    assert math.isnan(means.loc["few", "low"])
    assert means.loc["none", "correlation"] == pytest.approx(none.loc[("skin", "bone"), "correlation"])
    same = sim.coupling(made({"none": np.repeat(alike(10, 0.5, 1), 2, axis=1)})).iloc[0]
    assert same["correlation"] == pytest.approx(1.0)


def test_the_day_is_the_last_that_all_have_lived() -> None:
    early, late = alike(20, 0.9, seed=1), alike(15, 0.0, seed=2)
    one, other = made({"none": early}, day=5.0), made({"none": late}, day=9.0)
    one.timeseries = pd.concat([one.timeseries, other.timeseries], ignore_index=True)
    assert sim.coupling(one)["day"].unique().tolist() == [5.0]
    assert sim.coupling(one)["n"].unique().tolist() == [20]
    assert sim.coupling(one, day=9)["n"].unique().tolist() == [15]
    with pytest.raises(ResultsError, match=r"coupling: day: must be one of the tables \(5 to 9 d\), got 7"):
        sim.coupling(one, day=7)
    with pytest.raises(ResultsError, match="coupling: tissues: must be at least two, got 1"):
        sim.coupling(made({"none": alike(20, 0.0, tissues=1)}))


def test_a_run_says_how_alike_its_tissues_are() -> None:
    lines = list(burden_lines(made({"none": alike(20, 0.5), "drug": alike(20, 0.0)})))
    head = next(i for i, line in enumerate(lines) if line.startswith("correlation between tissues across individuals"))
    assert "day 9" in lines[head]
    assert [line.split()[0] for line in lines[head + 1 : head + 3]] == ["none", "drug"]
    mean = mean_coupling(made({"none": alike(20, 0.5)})).iloc[0]
    shown = f"none {mean['correlation']:.2f} ({mean['low']:.2f}, {mean['high']:.2f}) {mean['burden']:.2f}"
    assert " ".join(lines[head + 1].split()) == shown
    for silent in (made({"none": alike(7, 0.5)}), made({"none": alike(20, 0.5, tissues=1)})):
        assert not any("correlation between" in line for line in burden_lines(silent))


# ---------------------------------------------------------------------------------------------- bodies that fluctuate

CELLS, INDIVIDUALS = 256, 120
EPS, TURN, GO = 2.0, 0.03, 0.07  # %^2/d; hazards 1/d: linear in the burden, about 30 %


def expected(share: float) -> float:
    r"""Correlation of two patches of N cells under dX = (d (100 - X) - g X) dt + sqrt(2 eps) dW, N cells of either.

    .. math:: \rho = s \frac{v}{v + w}, \qquad v = \frac{\epsilon}{\lambda}, \qquad \lambda = d + g, \qquad
              w = \frac{X (100 - X)}{N} + \frac{100\,\mathrm{E}|z|}{2 \lambda N}

    v is the variance of the path, which is shared by s; w that of drawing N cells: the binomial one of turning and
    going at constant hazards, and that of the cells which the fluctuation z of a day turns and takes. Steps of a day
    make all of them 1 / (1 - lambda / 2) times larger, so that the ratio stays.
    """
    rate = TURN + GO
    burden = 100.0 * TURN / rate
    daily = math.sqrt(2.0 * EPS) * math.sqrt(2.0 / math.pi)
    own = burden * (100.0 - burden) / CELLS + 100.0 * daily / (2.0 * rate * CELLS)
    return share * (EPS / rate) / (EPS / rate + own)


def test_tissues_are_as_alike_as_their_fluctuation() -> None:
    here = together(QUIET, {"shape": [16, 16], "initial": {"burden": 30}, "damage": {"baseline": 100 * TURN},
                            "clearance": {"own_death": GO}, "repair": {"rate": 50}})  # fmt: skip
    tree = as_tree(world(days=25, dt=1))
    tree |= {"tissues": {"skin": here, "muscle": here}, "replicates": INDIVIDUALS, "record": {"every": 25}}
    shares = {"apart": 0.0, "half": 0.5, "one": 1.0}
    arms = {arm: {"body": {"fluctuation": EPS, "systemic_share": share}} for arm, share in shares.items()}
    found = mean_coupling(sim.run(from_dict({**tree, "arms": arms}))).set_index("arm")["correlation"]
    for arm, share in shares.items():
        truth = expected(share)
        assert found[arm] == pytest.approx(truth, abs=3 * (1 - truth**2) / math.sqrt(INDIVIDUALS)), arm
    assert found["apart"] < found["half"] < found["one"]


def test_a_tissue_rises_or_falls_but_not_both() -> None:
    """What the body and the tissue do add up to one change, or cells would turn and go in the same step."""
    settings = world({"tissues": {"patch": {"initial": {"burden": 30}}},
                      "body": {"fluctuation": 2, "systemic_share": 0.5}}, dt=1)  # fmt: skip
    simulation, signs = start(settings), set()
    for _ in range(20):
        simulation.step()
        patch = simulation.patches["patch"]
        assert min(patch.rise, patch.fall) == 0.0
        signs.add(patch.rise > 0.0)
    assert signs == {True, False}
