"""Sensitivity indices against closed forms and SALib, with luck that must not pass for sensitivity."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from math import pi

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("SALib")

from designs import Floats, drawn, sweep_of

from sim.analysis.mean_over_luck import Blocks, across
from sim.analysis.morris import elementary_effects
from sim.analysis.sensitivity import Sensitivity, as_table, sensitivities, sensitivity
from sim.analysis.sensitivity_words import human_name, sensitivity_lines
from sim.analysis.sobol import sobol_indices
from sim.errors import ResultsError

A = np.array([0.0, 1.0, 4.5, 99.0])  # of the g-function: the last parameter does next to nothing
D = len(A)
PARTS = 1.0 / 3.0 / (1.0 + A) ** 2
VARIANCE = float(np.prod(1.0 + PARTS) - 1.0)
FIRST = PARTS / VARIANCE
TOTAL = np.array([np.prod(1.0 + PARTS) - np.prod(1.0 + np.delete(PARTS, i)) for i in range(D)]) / VARIANCE
PAIRS = np.array([PARTS[i] * PARTS[j] for i, j in combinations(range(D), 2)]) / VARIANCE
TRUE = np.concatenate([FIRST, TOTAL, PAIRS])
SEEDS = range(60)


def g(x: Floats) -> Floats:
    """Sobol's g-function of four parameters in the unit cube."""
    return np.prod((np.abs(4.0 * x - 2.0) + A) / (1.0 + A), axis=-1)


def ishigami(x: Floats) -> Floats:
    """Of three parameters in the unit cube, a = 7, b = 0.1."""
    a, b, c = np.moveaxis(pi * (2.0 * x - 1.0), -1, 0)
    return np.sin(a) + 7.0 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a)


def luck_of(seed: int, x: Floats, replicates: int, size: float) -> Floats:
    """(..., replicates): a third each of luck on its own, shared by all points, and shared but acting with x[-1]."""
    rng = np.random.default_rng(1000 + seed)
    own = rng.standard_normal((*x.shape[:-1], replicates))
    shared = rng.standard_normal(replicates)
    with_x = np.sqrt(12.0) * (x[..., -1:] - 0.5) * rng.standard_normal(replicates)
    return size * np.sqrt(VARIANCE / 3.0) * (own + shared + with_x)


def sobol_blocks(seed: int, n: int, replicates: int, luck: float) -> Blocks:
    x = drawn("saltelli", D, n=n, seed=seed).shares().reshape(n, -1, D)
    return Blocks.of(g(x)[..., None] + luck_of(seed, x, replicates, luck))


def within_four_errors(many: Floats, true: Floats) -> bool:
    """Whether the mean over rows is the truth, within four of its standard errors."""
    error = many.std(axis=0, ddof=1) / np.sqrt(len(many))
    return bool((np.abs(many.mean(axis=0) - true) < 4.0 * error + 1e-12).all())


# ----------------------------------------------------------------------------------------------------- without luck


@pytest.mark.parametrize("second_order", [True, False])
@pytest.mark.parametrize("replicates", [1, 3])
def test_sobol_indices_without_luck_are_those_of_salib(replicates: int, second_order: bool) -> None:
    from SALib.analyze.sobol import analyze

    design = drawn("saltelli", 3, n=64, second_order=second_order, seed=3)
    results = sweep_of(design, {"only": ishigami}, replicates=replicates)
    found = sensitivity(results)
    theirs = analyze(design._problem(), ishigami(design.shares()), calc_second_order=second_order, seed=1)
    for kind in ("S1", "ST"):
        np.testing.assert_allclose(found.index(kind)["estimate"], theirs[kind], rtol=1e-9)
        half = (found.index(kind)["high"] - found.index(kind)["low"]) / 2.0
        np.testing.assert_allclose(half, theirs[f"{kind}_conf"], rtol=0.35)  # of 100 resamples
    if second_order:
        np.testing.assert_allclose(found.index("S2")["estimate"], theirs["S2"][np.triu_indices(3, 1)], rtol=1e-8)
    assert found.index("S2").empty is not second_order
    assert found.luck == pytest.approx(0.0, abs=1e-12) if replicates > 1 else np.isnan(found.luck)


@pytest.mark.parametrize("replicates", [1, 4])
def test_elementary_effects_without_luck_are_those_of_salib(replicates: int) -> None:
    from SALib.analyze.morris import analyze

    design = drawn("morris", 3, trajectories=10, levels=6, seed=3)
    found = sensitivity(sweep_of(design, {"only": ishigami}, replicates=replicates))
    theirs = analyze(design._problem(), design.shares(), ishigami(design.shares()), num_levels=6, seed=1)
    for kind in ("mu", "mu_star", "sigma"):
        np.testing.assert_allclose(found.index(kind)["estimate"], theirs[kind], rtol=1e-9)


def test_ishigami_has_its_known_indices() -> None:
    va, vb, vac = 0.5 * (1 + 0.1 * pi**4 / 5) ** 2, 49 / 8, 0.01 * pi**8 * (1 / 18 - 1 / 50)
    first = np.array([va, vb, 0.0]) / (va + vb + vac)
    total = np.array([va + vac, vb, vac]) / (va + vb + vac)
    found = sensitivity(sweep_of(drawn("saltelli", 3, n=1024), {"only": ishigami}))
    np.testing.assert_allclose(found.index("S1")["estimate"], first, atol=0.02)
    np.testing.assert_allclose(found.index("ST")["estimate"], total, atol=0.02)
    np.testing.assert_allclose(found.index("S2")["estimate"], [0.0, vac / (va + vb + vac), 0.0], atol=0.04)
    assert found.ranked == ["x0", "x1", "x2"]
    assert list(found.clear_pairs().index) == [("x0", "x2")]


def test_effects_of_a_straight_line_are_its_slopes() -> None:
    slopes = np.array([3.0, -2.0, 0.0])
    found = sensitivity(sweep_of(drawn("morris", 3, trajectories=5), {"only": lambda x: x @ slopes}))
    np.testing.assert_allclose(found.index("mu")["estimate"], slopes, atol=1e-12)
    np.testing.assert_allclose(found.index("mu_star")["estimate"], np.abs(slopes), atol=1e-12)
    np.testing.assert_allclose(found.index("sigma")[["estimate", "low", "high"]], 0.0, atol=1e-6)


# -------------------------------------------------------------------------------------------------------- with luck


def test_products_across_replicates_are_those_of_all_pairs() -> None:
    one, other = np.random.default_rng(0).random((2, 5, 4))
    pairs = [one[:, r] * other[:, s] for r in range(4) for s in range(4) if r != s]
    np.testing.assert_allclose(across(one, other), np.mean(pairs, axis=0))
    np.testing.assert_array_equal(across(one[:, :1], other[:, :1]), one[:, 0] * other[:, 0])


@pytest.mark.parametrize(("luck", "replicates"), [(0.0, 1), (1.0, 8)])
def test_indices_are_right_in_the_mean_whatever_the_luck(luck: float, replicates: int) -> None:
    """Luck as large as the signal, a third of it in league with a parameter that does nothing."""
    many = np.array([sobol_indices(sobol_blocks(seed, 64, replicates, luck), D, True).value for seed in SEEDS])
    assert within_four_errors(many[:, :-2], TRUE)
    assert within_four_errors(many[:, -1], np.array(VARIANCE))
    if luck:
        assert many[:, -2].mean() == pytest.approx(0.5, abs=0.03)


def test_luck_is_not_sensitivity_to_the_idle_parameter() -> None:
    """Where the usual estimator, of the means of the replicates, says that a parameter matters that does not."""
    naive, ours = [], []
    for seed in SEEDS:
        blocks = sobol_blocks(seed, 64, 4, 1.0)
        ours.append(sobol_indices(blocks, D, True).value[2 * D - 1])
        of_means = Blocks.of(blocks.values.mean(axis=2, keepdims=True))
        naive.append(sobol_indices(of_means, D, True).value[2 * D - 1])
    assert np.mean(naive) > 0.1
    assert abs(np.mean(ours)) < 4.0 * np.std(ours) / np.sqrt(len(ours))


@pytest.mark.parametrize(("replicates", "luck", "least"), [(1, 0.0, 0.9), (3, 1.0, 0.85), (8, 1.0, 0.9)])
def test_intervals_hold_the_truth(replicates: int, luck: float, least: float) -> None:
    inside = []
    for seed in SEEDS:
        found = sobol_indices(sobol_blocks(seed, 64, replicates, luck), D, True)
        inside.append((found.low[:-2] <= TRUE) & (found.high[:-2] >= TRUE))
    assert np.mean(inside) > 0.93
    assert (np.mean(inside, axis=0) >= least - 0.07).all()


def test_luck_of_all_points_alike_is_luck_but_not_uncertainty() -> None:
    x = drawn("saltelli", D, n=32).shares()
    shared = np.array([-3.0, 0.0, 1.0, 2.0])
    quiet = sensitivity(sweep_of(drawn("saltelli", D, n=32), {"only": g}))
    loud = sensitivity(sweep_of(drawn("saltelli", D, n=32), {"only": g}, {"only": shared}, replicates=4))
    pd.testing.assert_frame_equal(loud.index("ST"), quiet.index("ST"))
    of_luck, of_x = shared.var(ddof=1), loud.index("variance")["estimate"].iloc[0]
    assert loud.luck == pytest.approx(of_luck / (of_luck + of_x))
    assert of_x == pytest.approx(g(x).reshape(32, -1)[:, [0, -1]].var(), rel=1e-9)


def test_elementary_effects_of_nothing_are_nothing_in_the_mean() -> None:
    """The plain mu* of the idle parameter is all luck; sigma and mu* of a straight line stay what they are."""
    slopes, true, plain, found, inside = np.array([2.0, 0.0]), np.array([2.0, 0.0, 2.0, 0.0]), [], [], []
    for seed in SEEDS:
        design = drawn("morris", 2, trajectories=20, seed=seed)
        x = design.shares().reshape(20, 3, 2)
        values = (x @ slopes)[..., None] + 0.5 * np.random.default_rng(seed).standard_normal((20, 3, 4))
        each = elementary_effects(Blocks.of(values), x)
        steps = np.abs(np.diff(values.mean(axis=2), axis=1)) / (2 / 3)
        plain.append(steps[np.abs(np.diff(x[..., 1], axis=1)) > 0].mean())
        found.append(each.value[:4])
        inside.append((each.low[:4] <= true) & (each.high[:4] >= true))
    assert np.mean(inside, axis=0).min() > 0.87
    assert np.mean(plain) > 0.3
    idle = np.array(found)[:, 3]  # shown as 0 where it comes out below
    assert 0.25 < np.mean(idle == 0.0) < 0.75
    assert idle.mean() < np.mean(plain) / 2
    assert within_four_errors(np.array(found)[:, :3], np.array([2.0, 0.0, 2.0]))


def test_what_only_luck_moves_has_no_indices() -> None:
    design = drawn("saltelli", 2, n=16)
    luck = np.random.default_rng(3).standard_normal((design.size, 4))
    found = sensitivity(sweep_of(design, {"only": lambda x: 0.0 * x[..., 0]}, {"only": luck}, replicates=4))
    assert found.indices["estimate"][:5].isna().all()
    assert found.luck > 0.9
    assert found.notes == (
        "no indices: what the parameters change cannot be told from luck; take more replicates or blocks (n)",
    )
    still = sensitivity(sweep_of(design, {"only": lambda x: 0.1 + 0.0 * x[..., 0]}, replicates=3))
    assert still.indices["estimate"][:5].isna().all()
    assert "-" in list(sensitivity_lines(found))[2].split()


# ----------------------------------------------------------------------------------------------------------- tables


RANGES = {
    "tissues.skin.clearance.max_rate": {"low": "0.1 %/d", "high": "0.4 %/d"},
    "factors.SASP.reach": {"low": "30 um", "high": "400 um", "scale": "log"},
}


def small(replicates: int = 4, method: str = "saltelli", **size: int) -> object:
    design = drawn(method, RANGES, **(size or {"n": 16}))
    luck = 0.3 * np.random.default_rng(1).standard_normal((design.size, replicates))
    arms = {"none": lambda x: 3.0 * x[..., 0], "drug": lambda x: 3.0 * x[..., 0] - 2.0 * x[..., 1]}
    return sweep_of(design, arms, {"none": luck, "drug": luck}, ("skin", "bone"), replicates)


def test_a_difference_loses_the_luck_that_arms_share() -> None:
    alone = sensitivity(small(), arm="drug")
    effect = sensitivity(small(), arm="drug", baseline="none")
    assert alone.luck > 0.03
    assert effect.luck == pytest.approx(0.0, abs=1e-12)
    total = effect.index("ST")
    assert total["estimate"].iloc[0] == pytest.approx(0.0, abs=1e-12)
    assert total["low"].iloc[1] < 1.0 < total["high"].iloc[1]
    assert effect.subject == "burden in skin, drug minus none"
    assert effect.ranked[0] == "factors.SASP.reach"


def test_rows_may_come_in_any_order() -> None:
    results = small()
    mixed = replace(
        results,
        points=results.points.sample(frac=1, random_state=1),
        outcomes=results.outcomes.sample(frac=1, random_state=2),
    )
    pd.testing.assert_frame_equal(sensitivity(mixed).indices, sensitivity(results).indices)


def without(results: object, lost: pd.Series) -> object:
    """The same sweep with some runs failed."""
    runs = results.runs.copy()
    gone = results.outcomes.loc[lost, ["point", "arm", "replicate"]].drop_duplicates()
    runs.loc[
        runs.set_index(["point", "arm", "replicate"]).index.isin(list(gone.itertuples(index=False, name=None))),
        "status",
    ] = "failed"
    return replace(results, outcomes=results.outcomes[~lost], runs=runs)


def test_a_failed_run_costs_one_replicate_of_one_block() -> None:
    results, rows = small(3), small(3).outcomes
    gone = without(results, (rows["point"] == 7) & (rows["replicate"] == 1))  # block 1: points 6 to 11
    found = sensitivity(gone, arm="none")
    assert (found.n, found.replicates) == (16, 3)
    values = rows[(rows["arm"] == "none") & (rows["tissue"] == "skin")].pivot(
        index="point", columns="replicate", values="burden"
    )
    by_block = values.to_numpy(copy=True).reshape(16, 6, 3)
    by_block[1, :, 1] = np.nan
    expected = sobol_indices(Blocks.of(by_block), 2, True)
    np.testing.assert_allclose(found.indices["estimate"], expected.value, rtol=1e-12)
    assert found.notes[0] == (
        "1 of 288 values of burden are missing (1 failed); a replicate is left out of a block in which it lacks one, "
        "so the indices are about 16 of 16 blocks, and wrong where what is missing depends on the parameters"
    )


def test_blocks_and_replicates_that_cannot_be_told_from_luck_are_left_out() -> None:
    results, rows = small(3), small(3).outcomes
    few = sensitivity(without(results, (rows["point"] == 7) & (rows["replicate"] > 0)), arm="none")
    assert (few.n, few.replicates) == (15, 3)
    assert "about 15 of 16 blocks" in few.notes[0]
    running = sensitivity(without(results, (rows["point"] > 30) & (rows["replicate"] > 0)), arm="none")
    assert (running.n, running.replicates) == (16, 1)
    assert running.notes[1:3] == (
        "replicates left out, as half of their blocks or more are missing: 1, 2",
        "one replicate: luck cannot be told from parameters, and is part of what the indices show",
    )
    with pytest.raises(ResultsError, match=r"runs: must be there for two blocks of the design or more, got 6% of"):
        sensitivity(without(results, rows["point"] > 10), arm="none")


def test_two_replicates_are_too_few_and_wide_intervals_say_what_would_help() -> None:
    found = sensitivity(small(2), arm="none")
    assert found.notes[0] == "2 replicates: intervals leave out the luck that all points share; take 3 or more"
    assert found.notes[1].startswith("intervals of ST are up to 0.")
    assert found.notes[1].endswith("more blocks (n) would help most")


@pytest.mark.parametrize(
    ("method", "size", "rows"), [("saltelli", {"n": 8}, 2 + 2 + 1), ("morris", {"trajectories": 6}, 6)]
)
def test_all_of_a_sweep_is_one_table(method: str, size: dict[str, int], rows: int) -> None:
    results = small(3, method, **size)
    table = as_table(sensitivities(results, ["burden", "n_senescent"]))
    assert len(table) == 2 * 2 * 2 * (rows + 2)  # outcomes, tissues, arms; luck and variance
    assert set(table["method"]) == {method}
    assert set(as_table(sensitivities(results, baseline="none"))["arm"]) == {"drug"}
    one = table.query("tissue == 'bone' and arm == 'drug' and outcome == 'burden'").reset_index(drop=True)
    same = sensitivity(results, arm="drug", tissue="bone").indices
    pd.testing.assert_frame_equal(one[list(same)], same)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"outcome": "burdn"},
            "sensitivity: outcome: must be one of burden, n_senescent, got burdn (did you mean burden?)",
        ),
        ({"arm": "drg"}, "sensitivity: arm: must be one of none, drug, got drg (did you mean drug?)"),
        ({"tissue": "hair"}, "sensitivity: tissue: must be one of skin, bone, got hair"),
        ({"arm": "drug", "baseline": "drug"}, "sensitivity: baseline: must differ from the arm, got drug"),
        ({"level": 95}, "sensitivity: level: must be between 0 and 1, got 95"),
    ],
)
def test_what_a_mistake_is_told(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ResultsError) as caught:
        sensitivity(small(), **wrong)
    assert str(caught.value) == message


def test_other_designs_and_other_points_are_refused() -> None:
    results = small()
    grid = {**results.manifest, "method": "grid", "design": {"grid": {"days": [1, 2]}}}
    with pytest.raises(ResultsError, match="design: must be morris or saltelli, got grid"):
        sensitivity(replace(results, manifest=grid))
    swapped = results.points.assign(point=results.points["point"].replace({0: 1, 1: 0}))
    with pytest.raises(ResultsError, match="points: must be in the order of the design"):
        sensitivity(replace(results, points=swapped))
    with pytest.raises(ResultsError, match="points: must be the 96 of the design, got 95"):
        sensitivity(replace(results, points=results.points[1:]))
    with pytest.raises(ResultsError, match="baseline: must leave another arm"):
        sensitivities(sweep_of(drawn("morris", 3, trajectories=3), {"only": ishigami}), baseline="only")


# ------------------------------------------------------------------------------------------------------------ words


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("factors.SASP.induction.hill.half_max", "SASP induction half max"),
        ("tissues.left_ear.clearance.max_rate", "left_ear clearance max rate"),
        ("drugs.d_q.effects.kill_senescent.emax", "d_q kill senescent emax"),
        ("arms.hit_and_run.treatments.d_q.amount", "hit_and_run: d_q amount"),
        ("age_at_start", "age at start"),
    ],
)
def test_a_path_has_a_name_for_people(path: str, name: str) -> None:
    assert human_name(path) == name


def lines_of(found: Sensitivity) -> list[str]:
    return [" ".join(line.split()) for line in sensitivity_lines(found)]


def test_the_table_for_people() -> None:
    found = sensitivity(small(), arm="drug")
    lines = lines_of(found)
    assert lines[0] == "burden in skin, drug on day 90: Sobol indices; 16 blocks x 6 points x 4 replicates"
    assert lines[1] == "parameter range ST 95 % interval S1 95 % interval"
    row = found.index("ST").loc["tissues.skin.clearance.max_rate"]
    assert lines[2].startswith(f"skin clearance max rate 0.1 to 0.4 %/d {row['estimate']:.2f} ({row['low']:.2f}, ")
    assert lines[3].startswith("SASP reach 30 to 400 um, log ")
    assert lines[-1].startswith("luck is ")
    effects = lines_of(sensitivity(small(3, "morris", trajectories=6), arm="drug"))
    assert effects[0].endswith("elementary effects over the whole range; 6 walks x 3 points x 3 replicates")
    assert effects[1] == "parameter range mu* 95 % interval mu 95 % interval sigma"
