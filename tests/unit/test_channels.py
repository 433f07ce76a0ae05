"""Drift or SASP: what must hold of the channels, from the tables; and whether maps tell which of them it was."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from channels import BOTH, LESION, NO_DRIFT, NO_SASP, SPARED, TARGETED, blocked, lesion
from numpy.testing import assert_allclose
from scipy import stats

import sim
from sim.analysis.channel_choice import COUNTS, MAP, NONE, TYPES, calibration
from sim.analysis.channel_laws import drawn_sets, laws_of, left_out, named_rightly
from sim.analysis.channel_maps import channel, channels_of
from sim.analysis.channels import channel_values
from sim.analysis.sections import HALF, Ruler, ground_of, measured, whole
from sim.errors import ResultsError
from sim.results import Results
from sim.scenario.load import from_dict
from sim.scenario.trees import Tree

CHANNELS = ("neither", "sasp", "drift", "both")
CAUSES = ("SASP", "SASP_level", "SASP_cargo", "drift", "drift_level", "drift_cargo")
FRESH = 40  # maps per channel


def run(arms: Tree | None = None, **how: int) -> Results:
    return sim.run(from_dict(lesion(arms)), **how)


@pytest.fixture(scope="module")
def reference() -> Results:
    return run()


@pytest.fixture(scope="module")
def fresh() -> Results:
    """Other luck than that of the reference."""
    return run({name: LESION["arms"][name] for name in CHANNELS}, seed=1, replicates=FRESH)


def rows(results: Results, arm: str) -> pd.DataFrame:
    """The rows of an arm, without its name."""
    table = results.timeseries[results.timeseries["arm"] == arm]
    return table.drop(columns="arm").reset_index(drop=True)


def turned(results: Results, arm: str) -> pd.Series:
    """Cells that factors have turned, per row."""
    table = rows(results, arm)
    return table[[f"cum_{each}" for each in CAUSES if f"cum_{each}" in table]].sum(axis=1)


def with_state(results: Results, arm: str, cell_type: str) -> np.ndarray:
    return rows(results, arm)[f"n_{cell_type}_senescent"].to_numpy()


# ------------------------------------------------------------------------------------------------- what must hold


def test_without_affinity_and_below_the_threshold_nothing_spreads() -> None:
    """The same cells in both tissues as without any channel, and no event by a factor; damage and the lesion only."""
    quiet = {"SASP": {"induction": {"hill": None, "poisson_tail": {"threshold": 1000}}}, **NO_DRIFT}
    none = {"SASP": {"induction": None}, "drift": {"cargo": None}}
    results = run({"control": {"factors": none}, "quiet": {"factors": quiet}}, replicates=3)
    assert turned(results, "quiet").sum() == 0
    cells = [name for name in results.timeseries if name.startswith("n_")]
    pd.testing.assert_frame_equal(rows(results, "quiet")[cells], rows(results, "control")[cells])
    table = rows(results, "quiet")
    lesion = table["cum_lesion"].where(table["tissue"] == "skin", 0)
    assert (table["n_senescent"] == table["cum_damage"] + lesion).all()


def test_drift_alone_turns_targeted_cells_only(reference: Results) -> None:
    """Cells that are not targeted are, row by row in both tissues, those of no channel; and SASP spares nobody."""
    np.testing.assert_array_equal(with_state(reference, "drift", SPARED), with_state(reference, "neither", SPARED))
    more = with_state(reference, "drift", TARGETED) - with_state(reference, "neither", TARGETED)
    table = rows(reference, "drift").assign(more=more).query("day == 20").groupby("tissue")["more"]
    assert (table.min() >= 0).all()
    assert (table.sum() > 10).all()
    broad = with_state(reference, "sasp", SPARED) - with_state(reference, "neither", SPARED)
    assert broad[rows(reference, "sasp").eval("tissue == 'skin' and day == 20")].min() > 0


def test_blocking_all_uptake_stops_drift(reference: Results) -> None:
    """From the start: the same cells as without the channel. Half of it: fewer, but not none."""
    assert turned(reference, "drift_blocked").sum() == 0
    cells = [name for name in reference.timeseries if name.startswith("n_")]
    pd.testing.assert_frame_equal(rows(reference, "drift_blocked")[cells], rows(reference, "neither")[cells])
    half = {"factors": NO_SASP, **blocked("weak")}
    results = run({"half": half, "drift": {"factors": NO_SASP}}, replicates=4)
    less, all_of_it = (turned(results, arm).max() for arm in ("half", "drift"))
    assert 0 < less < 0.7 * all_of_it


def test_a_late_block_stops_drift_when_the_memory_is_over() -> None:
    """Memory of 1 d and a power of 2: after 9 days of full block the rate has fallen by exp(-18)."""
    late = {"factors": NO_SASP, **blocked(start=8)}
    results = run({"late": late, "drift": {"factors": NO_SASP}}, replicates=4)
    new = {arm: rows(results, arm).groupby("day")["new_drift"].sum() for arm in ("late", "drift")}
    pd.testing.assert_series_equal(new["late"].loc[:8], new["drift"].loc[:8])
    assert new["late"].loc[17:].sum() == 0
    assert new["drift"].loc[17:].min() > 0


@pytest.mark.parametrize("known", [(MAP,), (MAP, TYPES)], ids=["map", "map and types"])
def test_the_right_channel_is_named_at_the_stated_sample_size(
    reference: Results, fresh: Results, known: tuple[str, ...]
) -> None:
    """At least 9 of 10 sets of fresh maps of a known channel."""
    power = sim.channel_power(reference, known)
    needed = power.loc[power["measurement"] == "", "needed"].iloc[0]
    assert needed <= 8
    layers = {"state"} | ({"type"} if TYPES in known else set())
    sets = [range(i, i + int(needed)) for i in range(0, FRESH - int(needed) + 1, int(needed))]
    named = [
        (truth, sim.which_channel(reference, only(fresh, truth, each, layers)).channel)
        for truth in CHANNELS
        for each in sets
    ]
    assert len(named) == 4 * len(sets)
    rightly = {truth: sum(name == each for each, name in named if each == truth) for truth in CHANNELS}
    assert sum(rightly.values()) >= 0.9 * len(named)
    assert min(rightly.values()) >= 0.75 * len(sets)  # of 8 sets or more


def test_few_replicates_tell_no_sample_size(reference: Results) -> None:
    few = {name: LESION["arms"][name] for name in CHANNELS}
    assert sim.channel_power(run(few, replicates=6), (MAP, TYPES))["needed"].isna().all()
    assert sim.channel_power(reference, (MAP, TYPES))["needed"].notna().any()


def only(results: Results, arm: str, replicates: range, layers: set[str]) -> Results:
    """Some maps of one arm, and nothing else of it."""
    maps = {
        (arm, i, "skin"): {
            name: layer for name, layer in results.maps(arm, i, "skin").items() if name in layers | {"days", "spacing"}
        }
        for i in replicates
    }
    manifest = results.manifest | {"arms": [arm]}
    return Results(manifest, results.scenario, results.timeseries, results.events, results.sites, maps)


def test_counts_tell_less_than_maps_and_maps_less_than_types(reference: Results) -> None:
    power = sim.channel_power(reference)
    score = power.drop_duplicates("measurement").set_index("measurement")["score"]
    assert score[COUNTS] < score[""] < score[TYPES] <= 0
    assert (power["worst"] <= power["accuracy"]).all()
    trust = calibration(reference)
    assert abs(trust["right"] - trust["promised"]) < 4 * math.sqrt(0.25 / (4 * 16))  # of 64 maps


def test_tables_of_cells_are_judged_as_maps_are(reference: Results, fresh: Results, tmp_path: Path) -> None:
    """The same maps as CSV files: the same likelihoods, with and without the stain of cell types."""
    files = [tmp_path / f"{i}.csv" for i in range(2)]
    for stain in (["type"], []):
        for i, file in enumerate(files):
            cells_of(fresh, "sasp", i)[["x", "y", "state", *stain]].to_csv(file, index=False)
        choice = sim.which_channel(reference, files)
        maps = sim.which_channel(reference, only(fresh, "sasp", range(2), {"state", *stain}))
        pd.testing.assert_frame_equal(choice.table, maps.table)
        assert choice.used == ((MAP, TYPES) if stain else (MAP,))
        assert choice.n_maps == 2


def test_a_section_must_be_as_large_as_that_of_the_reference(reference: Results, fresh: Results) -> None:
    """A strip of 40 um is missing: rings would lie elsewhere, and another channel would be named."""
    cells = cells_of(fresh, "sasp", 0)
    with pytest.raises(ResultsError, match=r"x, y: must span the section of the reference \(270 x 270 um\), got 230 x"):
        sim.which_channel(reference, [cells[cells["x"] > 40.0]])


def cells_of(results: Results, arm: str, replicate: int) -> pd.DataFrame:
    maps = results.maps(arm, replicate, "skin")
    sites = results.sites[results.sites["tissue"] == "skin"]
    words = np.array(["healthy", "senescent", "cleared", "scarred"])
    kinds = np.array([SPARED, TARGETED])
    index = sites["site"].to_numpy()
    return pd.DataFrame({
        "x": sites["x"], "y": sites["y"], "state": words[maps["state"][-1].ravel()[index]],
        "type": kinds[maps["type"][-1].ravel()[index]],
    })  # fmt: skip


def test_what_no_channel_gives_is_none_of_these(reference: Results) -> None:
    """Senescent cells on the far side only."""
    cells = cells_of(reference, "sasp", 0)
    cells["state"] = np.where(cells["x"] > 220, "senescent", "healthy")
    assert sim.which_channel(reference, [cells]).channel == NONE


# ------------------------------------------------------------------------------------------------ the observables


def test_observables_are_those_of_the_tables(reference: Results) -> None:
    found = sim.channels(reference).set_index(["channel", "observable"])
    for name in CHANNELS:
        last = rows(reference, name).assign(turned=turned(reference, name)).query("day == 20 and tissue == 'skin'")
        assert found.loc[(name, "induced"), "mean"] == pytest.approx(last["turned"].mean())
    assert found.loc[("neither", "range"), "n"] == 0
    assert found.loc[("drift", "range"), "high"] < found.loc[("sasp", "range"), "low"]
    assert found.loc[("sasp", "selectivity"), "low"] < 1.0 < found.loc[("sasp", "selectivity"), "high"]
    assert found.loc[("drift", "selectivity"), "low"] > 20
    assert found.loc[("drift", "fall_uptake_blocked"), "mean"] == 100.0
    assert 0 < found.loc[("both", "fall_uptake_blocked"), "mean"] < 100
    assert found.loc[("sasp", "fall_uptake_blocked"), "n"] == 0
    values = channel_values(reference)
    assert (values["lag_10"] <= values["lag_50"])[values["induced"] > 0].all()


def test_arms_are_known_by_what_can_turn_a_cell() -> None:
    arms = from_dict(LESION).arms
    assert [channel(arms[name]) for name in CHANNELS] == list(CHANNELS)
    assert channel(arms["drift_blocked"]) == "drift"


def test_what_is_missing_is_said(reference: Results, fresh: Results) -> None:
    found = channels_of(reference)
    assert found.arms == {name: name for name in CHANNELS}
    assert found.blocked == {("drift", "uptake"): "drift_blocked", ("both", "uptake"): "both_blocked"}
    with pytest.raises(ResultsError, match="channels: arm: must be named, one of neither, sasp, drift, both, got none"):
        sim.which_channel(reference, fresh)
    with pytest.raises(
        ResultsError, match="channels: table: type: must be endothelial, fibroblast or others, got only x"
    ):
        sim.which_channel(reference, [cells_of(fresh, "sasp", 0).assign(type="x")])
    few = run({"both": BOTH}, replicates=1)
    with pytest.raises(ResultsError, match=r"channels: arms: must have two channels or more of neither, .* got both"):
        sim.channels(few)


# ------------------------------------------------------------------------------------------------- plain arithmetic

RULER = Ruler(0.5, (1.0, 3.0), 1.2, ("a",), ("b",))


def test_a_section_in_numbers() -> None:
    """Seven cells in a row, the lesion on the left; by hand."""
    points = np.stack([np.arange(7.0), np.zeros(7)], axis=1)
    ground = ground_of(points, np.zeros(2), RULER)
    assert ground.ring.tolist() == [-1, 0, 1, 1, 2, 2, 2]
    there = np.array([True] * 6 + [False])
    marked = np.array([True, True, True, False, True, True, False])
    role = np.array([1, 1, 1, 0, 1, -1, 0])
    found = measured(ground, there, marked, role)
    log = math.log
    assert found["share"] == pytest.approx(log(4.5 / 1.5))
    assert [found[f"ring_{i}"] for i in range(3)] == pytest.approx([log(3), 0.0, log(5)])
    assert found["joins"] == pytest.approx(log((2 + HALF) / (0.5 + 0.25 + 0.5 + 1.0 + HALF)))  # pairs 12 23 34 45
    assert found["selectivity"] == pytest.approx(log((0.5 + HALF) / HALF))  # ring 1: one of each, a d / n = 1 / 2
    assert measured(whole(ground), there, marked)["ring_0"] == pytest.approx(log(5.5 / 1.5))


def test_predictive_laws_are_multivariate_t() -> None:
    """Against SciPy, for one map and, as a product of laws learnt one after the other, for several."""
    draw = np.random.default_rng(3)
    samples, x = draw.normal(size=(2, 40, 3)), draw.normal(size=(2, 3))
    for law, mine in zip(laws_of(samples), samples, strict=True):
        one = stats.multivariate_t(mine.mean(axis=0), law.spread * 41 / 40 / 42, df=42)
        assert law.log_density(x[:1]) == pytest.approx(one.logpdf(x[0]))
        more = np.vstack([mine, x[:1]])
        spread = law.spread + 40 / 41 * np.outer(x[0] - law.mean, x[0] - law.mean)
        two = stats.multivariate_t(more.mean(axis=0), spread * 42 / 41 / 43, df=43)
        assert law.log_density(x) == pytest.approx(one.logpdf(x[0]) + two.logpdf(x[1]))


def test_p_values_of_the_own_channel_are_even() -> None:
    """Of single maps under a law that is nearly known; of sets of any size under one learnt from few, not too small."""
    draw = np.random.default_rng(5)
    law = laws_of(draw.normal(size=(1, 2000, 3)))[0]
    p = [law.p_value(each) for each in draw.normal(size=(2000, 1, 3))]
    assert stats.kstest(p, "uniform").pvalue > 1e-6
    for maps in (1, 5, 40):
        few = [laws_of(x[:, maps:])[0].p_value(x[0, :maps]) for x in draw.normal(size=(1000, 1, maps + 24, 5))]
        assert np.mean(np.array(few) < 0.05) < 0.05 + 4 * math.sqrt(0.05 * 0.95 / 1000)
    assert law.p_value(np.full((3, 3), 1.0)) < law.p_value(np.full((1, 3), 1.0)) < 1.0


def test_sets_of_maps_are_judged_by_the_others() -> None:
    draw = np.random.default_rng(4)
    samples = draw.normal(size=(2, 20, 2))
    samples[1] += 1.0
    likelihood = left_out(samples, np.array([[5, 7]]))
    laws = laws_of(np.delete(samples, [5, 7], axis=1))
    assert_allclose(likelihood[1, 0], [law.log_density(samples[1, [5, 7]]) for law in laws])
    shares = [named_rightly(samples, n).mean() for n in (1, 4, 8)]
    assert shares[0] < shares[1] < shares[2]
    assert shares[2] > 0.9  # apart by 1.4 sd of one map, or 4 of eight
    assert np.isnan(named_rightly(samples, 18)).all()
    sets = drawn_sets(20, 8)
    assert all(len(set(each)) == 8 for each in sets.tolist())
    assert_allclose(np.bincount(sets.ravel()) / len(sets), 0.4, atol=5 * math.sqrt(0.24 / len(sets)))
