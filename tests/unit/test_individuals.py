"""How individuals differ: known distributions, the same mouse in every arm, what the tables, words and effects say."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner
from worlds import QUIET, as_tree, assert_same, start, tissue, together, world

import sim
from sim.cli import app
from sim.errors import ResultsError, ScenarioError
from sim.explain import explain
from sim.organism.individuals import embodied, trait_columns, traits
from sim.results import Results
from sim.scenario.load import Scenario, from_dict
from sim.scenario.trees import Tree

N = 20_000
HERD: Tree = {
    "sexes": {"female": 3, "male": 1},
    "age_spread": 20,
    "damage": {"spread": 0.4, "by_sex": {"male": 1.5}},
    "removal": {"distribution": "normal", "spread": 0.2},
    "susceptibility": {"distribution": "uniform", "spread": 0.3},
}
ALIVE = tissue(damage={"baseline": 1, "per_year": 0.5}, clearance={"max_rate": 1}, repair={"rate": 1})


def herd(**differing: object) -> object:
    return world({"individuals": {**HERD, **differing}}, age_at_start=200)


def within(sample: np.ndarray, mean: float, sd: float) -> None:
    """Mean and standard deviation within 4 standard errors."""
    n = sample.size
    assert sample.mean() == pytest.approx(mean, abs=4 * sd / math.sqrt(n))
    kurtosis = float(stats.kurtosis(sample, fisher=False))
    assert sample.std() == pytest.approx(sd, abs=4 * sd * math.sqrt((kurtosis - 1) / (4 * n)))


# ------------------------------------------------------------------------------------------------------ distributions


def test_traits_have_the_distributions_that_were_asked_for() -> None:
    who = traits(herd(), 0, N)
    within(who.age_at_start, 200.0, 20.0)
    within(who.removal, 1.0, 0.2)
    within(who.susceptibility, 1.0, 0.3)
    reach = math.sqrt(3.0) * 0.3
    assert 1.0 - reach <= who.susceptibility.min() < who.susceptibility.max() <= 1.0 + reach
    assert stats.kstest(who.susceptibility, stats.uniform(1.0 - reach, 2.0 * reach).cdf).pvalue > 1e-3
    females = who.damage[who.sex == 0]
    within(np.log(females), 0.0, 0.4)
    assert stats.kstest(np.log(females), stats.norm(0.0, 0.4).cdf).pvalue > 1e-3
    within(np.log(who.damage[who.sex == 1]), math.log(1.5), 0.4)


def test_traits_and_sexes_are_drawn_apart() -> None:
    who = traits(herd(), 0, N)
    assert np.mean(who.sex == 1) == pytest.approx(0.25, abs=4 * math.sqrt(0.25 * 0.75 / N))
    columns = np.array([who.sex == 0, who.age_at_start, who.removal, who.susceptibility], float)
    apart = np.corrcoef(columns)[np.triu_indices(4, 1)]
    assert np.abs(apart).max() < 4 / math.sqrt(N)


def test_what_cannot_be_negative_is_cut() -> None:
    wide = {
        "removal": {"distribution": "normal", "spread": 1},
        "susceptibility": {"distribution": "uniform", "spread": 1},
    }
    who = traits(herd(**wide, age_spread=400), 0, N)
    for each, chance in ((who.removal, stats.norm.cdf(-1)), (who.susceptibility, 0.5 - 1 / math.sqrt(12)),
                         (who.age_at_start, stats.norm.cdf(-0.5))):  # fmt: skip
        assert each.min() == 0.0
        assert np.mean(each == 0.0) == pytest.approx(chance, abs=4 * math.sqrt(chance * (1 - chance) / N))


def test_an_individual_is_the_same_whoever_else_is_there() -> None:
    everybody, one = traits(herd(), 0, 100), traits(herd(), 17, 1)
    for many, alone in zip(everybody, one, strict=True):
        assert many[17] == alone[0]
    other = traits(herd(), 0, 100, seed=5)
    assert not np.isin(other.damage, everybody.damage).any()


def test_another_trait_shifts_nobody() -> None:
    """What is declared besides changes no other draw."""
    alone = traits(world({"individuals": {"removal": HERD["removal"]}}, age_at_start=200), 0, 50)
    np.testing.assert_array_equal(alone.removal, traits(herd(), 0, 50).removal)
    assert (alone.damage == 1.0).all()
    assert (alone.age_at_start == 200.0).all()


def test_individuals_that_do_not_differ_are_as_they_were() -> None:
    plain = world(ALIVE)
    assert embodied(plain, 3) is plain
    told = world(ALIVE, {"individuals": {"sexes": {"female": 1, "male": 1}, "damage": {"distribution": "uniform"}}})
    one, other = (start(each, 3) for each in (plain, told))
    for _ in range(30):
        one.step()
        other.step()
    assert_same(one.patches["patch"], other.patches["patch"])
    assert set(trait_columns(plain, traits(plain, 0, 2))) == {"age_at_start"}


def test_a_trait_is_a_multiplier_of_what_it_says() -> None:
    patrols = {"nk": {"density": 4, "follows": "SASP", "lifespan": 3,
                      "recruitment": {"basal": 2, "max_rate": 3}}, "rare": {"density": 1}}  # fmt: skip
    settings = world(
        ALIVE, tissue(patrols=patrols), {"factors": {"SASP": {"reach": 30}}, "individuals": HERD}, age_at_start=200
    )
    who, own = traits(settings, 7, 1), embodied(settings, 7)
    damage, removal, susceptibility = (float(each[0]) for each in who[2:])
    before, after = settings.tissues["patch"], own.tissues["patch"]
    assert own.age_at_start == who.age_at_start[0] != 200
    assert (after.damage.baseline, after.damage.per_year) == (damage, 0.5 * damage)
    assert after.clearance.max_rate == removal
    assert (after.patrols["nk"].density, after.patrols["rare"].density) == (4 * removal, removal)
    assert after.patrols["nk"].recruitment.basal == 2 * removal
    assert after.patrols["nk"].recruitment.max_rate == 3 * removal
    assert [kind.susceptibility for kind in after.cell_types.values()] == [susceptibility] * len(after.cell_types)
    kept = {"damage", "clearance", "cell_types", "patrols"}
    assert before.model_dump(exclude=kept) == after.model_dump(exclude=kept)


def test_twice_the_damage_is_twice_the_hazard() -> None:
    """Cells of 400 individuals that differ in sex alone, against chances known exactly."""
    settings = world(
        tissue(damage={"baseline": 2, "per_year": 0}),
        {"individuals": {"sexes": {"female": 1, "male": 1}, "damage": {"by_sex": {"male": 2}}}},
        shape=(10, 10),
        dt=1,
    )
    turned: dict[int, list[int]] = {0: [], 1: []}
    for replicate in range(400):
        simulation = start(settings, replicate)
        for _ in range(5):
            simulation.step()
        turned[int(simulation.traits.sex[0])].append(simulation.patches["patch"].residents()[1])
    for sex, counts in turned.items():
        p, n = 1.0 - math.exp(-0.02 * (1 + sex) * 5), 100 * len(counts)
        assert sum(counts) / n == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / n))


# -------------------------------------------------------------------------------------------- the same mouse in all


def trial(replicates: int = 6, **top: object) -> Scenario:
    tree = as_tree(world(ALIVE, {"individuals": HERD}, shape=(8, 8), age_at_start=200, days=10, dt=1))
    tree["arms"] = {"none": {}, "less": {"tissues": {"patch": {"damage": {"baseline": 0.5}}}}}
    return from_dict(together(tree, {"replicates": replicates, "seed": 4, **top}))


def told(results: Results, arm: str) -> pd.DataFrame:
    rows = results.individuals[results.individuals["arm"] == arm].sort_values("replicate", ignore_index=True)
    return rows[["replicate", "age_at_start", "sex", "trait_damage", "trait_removal", "trait_susceptibility"]]


def test_a_mouse_is_the_same_in_every_arm_engine_and_run() -> None:
    few, many = sim.run(trial(3)), sim.run(trial(6), workers=1, engine="agents")
    pd.testing.assert_frame_equal(told(few, "none"), told(few, "less"), check_exact=True)
    pd.testing.assert_frame_equal(told(few, "none"), told(many, "less").head(3), check_exact=True)
    who = traits(trial(6).common, 0, 6)
    np.testing.assert_array_equal(told(many, "none")["trait_damage"], who.damage)
    assert told(many, "none")["sex"].tolist() == [["female", "male"][each] for each in who.sex]
    table = many.individuals
    np.testing.assert_allclose(table["age"], table["age_at_start"] + table["day"], rtol=0)
    assert len(table) == 12


def test_a_mouse_is_the_same_in_a_cohort() -> None:
    in_space = sim.run(trial(3, tissues={"patch": {"repair": {"rate": 1}}}))
    tree = {"mode": "well_mixed", "days": 5, "dt": 1, "age_at_start": 200, "seed": 4, "replicates": 30}
    body = together(QUIET, {"damage": {"baseline": 0.1}})
    cohort = sim.run(from_dict({**tree, "tissues": {"patch": body}, "individuals": HERD}))
    arm = cohort.arms[0]
    pd.testing.assert_frame_equal(told(cohort, arm).head(3), told(in_space, "none"), check_exact=True)
    np.testing.assert_allclose(cohort.individuals["age"], cohort.individuals["age_at_start"] + 5, rtol=0)


def test_a_mouse_goes_on_from_a_checkpoint_as_itself(tmp_path: Path) -> None:
    """It is made of the settings of its arm once, not of its own again."""
    whole = sim.run(trial(3, record={"checkpoints": [4]}))
    past = sim.run(trial(3, record={"checkpoints": [4]}), out=tmp_path / "past")
    for replicate in range(3):
        futures = sim.branch(past.checkpoint("none", replicate), trial(3))
        pd.testing.assert_frame_equal(
            told(futures, "none").drop(columns="replicate"),
            told(whole, "none").iloc[[replicate]].drop(columns="replicate").reset_index(drop=True),
            check_exact=True,
        )
        rows = whole.timeseries.query("arm == 'none' and replicate == @replicate and day > 4")
        again = futures.timeseries.query("arm == 'none' and day > 4")
        np.testing.assert_array_equal(again["n_senescent"], rows["n_senescent"])


def test_futures_of_one_past_are_one_mouse(tmp_path: Path) -> None:
    past = sim.run(trial(3, record={"checkpoints": [4]}), out=tmp_path / "past")
    futures = sim.branch(past.checkpoint("none", 2), trial(3), replicates=4)
    rows = told(futures, "less").drop(columns="replicate").drop_duplicates()
    assert len(rows) == 1
    assert rows["trait_damage"].iloc[0] == told(past, "none")["trait_damage"][2]
    other = trial(3, individuals={"damage": {"spread": 0.1}})
    with pytest.raises(ScenarioError, match=r"individuals\.damage\.spread: must be 0\.4 as in"):
        sim.branch(past.checkpoint("none", 2), other)


# ------------------------------------------------------------------------------------------------------------ words


def test_words_say_how_they_differ() -> None:
    words = " ".join(explain(trial()).split())
    assert "Number 17 is the same one in every arm" in words
    assert "75 % female and 25 % male" in words
    assert "normal about 6.57 mo with a standard deviation of 20 d" in words
    assert "95 % between 0.457 and 2.19, times 1.5 in male (assumed)" in words
    assert "immune removal, by clearance and by patrols: normal about 1" in words
    other = together(
        as_tree(world(ALIVE, {"individuals": HERD})),
        {"arms": {"all": {}, "wild": {"individuals": {"damage": {"spread": 1}}}}},
    )
    assert "traits are those of the arm, by the same luck" in " ".join(explain(from_dict(other)).split())
    assert "Individuals." not in explain(from_dict(as_tree(world(ALIVE))))


# ------------------------------------------------------------------------------------------------------------ sexes


def sexed(n: int = 40) -> Results:
    """Males gain 2 more than females, who gain 1, both with known noise."""
    rng = np.random.default_rng(3)
    sex = np.where(np.arange(n) % 2, "male", "female")
    base = rng.normal(10.0, 1.0, n)
    gain = 1.0 + 2.0 * (sex == "male") + rng.normal(0.0, 0.5, n)
    frames = [
        pd.DataFrame({"arm": arm, "replicate": range(n), "tissue": "skin", "day": 1.0, "burden": burden})
        for arm, burden in (("none", base), ("drug", base + gain))
    ]
    rows = pd.concat(frames, ignore_index=True)
    individuals = rows[["arm", "replicate", "day"]].assign(age=1.0, died=False, sex=np.r_[sex, sex])
    manifest = {"scenario": "mice", "arms": ["none", "drug"], "tissues": ["skin"], "factors": [], "replicates": n,
                "runs": []}  # fmt: skip
    return Results(manifest, {}, rows, pd.DataFrame(), pd.DataFrame(), {}, individuals=individuals)


def test_effects_in_each_sex_and_between_them() -> None:
    results = sexed()
    table = sim.compare(results, by="sex").set_index("sex")
    assert table.index.tolist() == ["female", "male", "male - female"]
    wide = results.timeseries.pivot(index="replicate", columns="arm", values="burden")
    apart = (wide["drug"] - wide["none"]).to_numpy()
    female, male = apart[::2], apart[1::2]
    assert table.loc["female", "difference"] == pytest.approx(female.mean())
    assert table.loc["male", ["n", "missing"]].tolist() == [20, 0]
    welch = stats.ttest_ind(male, female, equal_var=False)
    row = table.loc["male - female"]
    assert row["difference"] == pytest.approx(male.mean() - female.mean())
    assert row["p"] == pytest.approx(welch.pvalue)
    assert (row["difference_low"], row["difference_high"]) == pytest.approx(tuple(welch.confidence_interval(0.95)))
    assert table.attrs["tests"] == 3
    assert row["difference_low"] < 2.0 < row["difference_high"]


def test_tissues_stay_in_the_order_of_the_file() -> None:
    results = sexed()
    rows = [results.timeseries.assign(tissue=name) for name in ("skin", "bone")]
    results.timeseries = pd.concat(rows, ignore_index=True)
    results.manifest["tissues"] = ["skin", "bone"]
    assert sim.compare(results, by="sex")["tissue"].tolist() == ["skin"] * 3 + ["bone"] * 3


def test_a_lost_run_is_missing_in_its_sex_only() -> None:
    results = sexed(8)
    rows = results.timeseries
    results.timeseries = rows[~((rows["arm"] == "drug") & (rows["replicate"] == 1))]
    table = sim.compare(results, by="sex").set_index("sex")
    assert table["missing"].tolist() == [0, 1, 1]
    assert table["n"].tolist() == [4, 3, 7]


def test_sexes_that_are_not_told_are_asked_for_in_vain() -> None:
    results = sexed()
    with pytest.raises(ResultsError, match=r"compare: by: must be sex, got sexx \(did you mean sex\?\)"):
        sim.compare(results, by="sexx")
    results.individuals.loc[0, "sex"] = "male"
    with pytest.raises(ResultsError, match="must be the same in all arms"):
        sim.compare(results, by="sex")
    results.individuals = results.individuals.drop(columns="sex")
    with pytest.raises(ResultsError, match="which is not told"):
        sim.compare(results, by="sex")


def test_the_command_compares_by_sex(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    sim.run(trial(8), out=folder)
    result = CliRunner().invoke(app, ["compare", str(folder), "--by", "sex", "--halfwidth", "1"])
    assert result.exit_code == 0, result.output
    head, female, male, between = result.output.splitlines()[:4]
    assert head.split()[0] == "arm"
    assert [line.split()[1] for line in (female, male, between)] == ["female", "male", "male"]
    assert "nan" not in result.output
