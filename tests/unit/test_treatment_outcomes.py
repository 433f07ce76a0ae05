"""What treatments did, from tables made by hand: areas, losses, rebounds and closures that one can work out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.analysis.causes import turning_causes
from sim.analysis.headline import burden_lines, closure_table, drug_table
from sim.analysis.rebound import rebound, rebound_by_arm, rebound_in_words
from sim.analysis.times import closure, quantiles_by_arm, quantiles_of_censored
from sim.analysis.treatment import (
    benefit,
    dosed_to_the_end,
    effects_of,
    exposure,
    harm,
    last_dose,
    main_factor,
    off_target_loss,
)
from sim.errors import ResultsError
from sim.results import DOSE_COLUMNS, Folder, Results, RunRecord, combine, read_results

DAYS = np.arange(0.0, 101.0)
Curve = Callable[[float, int], float]


def made(
    arms: dict[str, Curve],
    doses: list[tuple[str, int, float, str]] = [],  # noqa: B006
    replicates: int = 2,
    days: np.ndarray = DAYS,
    column: str = "burden",
    **more: Any,
) -> Results:
    """One tissue; `arms` gives the column by day and replicate, `more` fixed columns, `doses` arm to status."""
    rows = [
        {"arm": arm, "replicate": r, "tissue": "skin", "day": float(day), "burden": 0.0}
        | {column: curve(float(day), r), **more}
        for arm, curve in arms.items()
        for r in range(replicates)
        for day in days
    ]
    calendar = [
        {"arm": arm, "replicate": r, "day": day, "treatment": "a", "drug": "x", "amount": 1.0, "unit": "uM",
         "route": "bolus", "status": status} for arm, r, day, status in doses
    ]  # fmt: skip
    manifest = {"scenario": "test", "arms": list(arms), "tissues": ["skin"], "factors": ["SASP"], "runs": []}
    calendar_table = pd.DataFrame(calendar, columns=DOSE_COLUMNS)
    return Results(manifest, {}, pd.DataFrame(rows), pd.DataFrame(), pd.DataFrame(), doses=calendar_table)


def flat(day: float, r: int) -> float:
    return 10.0 + r


def kill(dose: float, by: float, decay: float) -> Curve:
    """A reduction by `by` right after the dose, lost exponentially."""
    return lambda day, r: flat(day, r) - (by * np.exp(-(day - dose) / decay) if day > dose else 0.0)


# ---------------------------------------------------------------------------------------------------------- doses


def test_the_last_dose_is_the_last_that_was_given() -> None:
    others = [("drug", 0, 20.0, "stopped"), ("drug", 1, 9.0, "toxic")]
    doses = [("drug", 0, 5.0, "given"), ("drug", 0, 9.0, "given"), *others]
    table = last_dose(made({"none": flat, "drug": flat}, doses))
    assert table[["arm", "replicate"]].to_numpy().tolist() == [["none", 0], ["none", 1], ["drug", 0], ["drug", 1]]
    np.testing.assert_array_equal(table["day"], [np.nan, np.nan, 9.0, np.nan])


def test_without_doses_there_is_no_last_one() -> None:
    assert last_dose(made({"none": flat}))["day"].isna().all()
    assert rebound(made({"none": flat, "drug": flat}))["rebound"].isna().all()


def test_doses_are_kept_in_their_own_table(tmp_path: Path) -> None:
    """And what an arm does not have is 0 for a drug and its effects, and missing for a wound or a factor."""
    keys = {"n_healthy": 1, "n_senescent": 0, "n_cleared": 0, "n_scarred": 0, "burden": 0.0, "tissue": "skin"}
    records = []
    for arm, more in (("none", {}), ("drug", {"conc_x": 0.5, "effect_x_kill": 0.1, "open_cut": 7.0, "mean_SASP": 1.0})):
        row = {"arm": arm, "replicate": 0, "day": 0.0, **keys, "new_killed_by_x": 3, **more}
        dose = dict(zip(DOSE_COLUMNS, [arm, 0, 1.5, "a", "x", 5.0, "mg/kg", "oral", "given"], strict=True))
        doses = pd.DataFrame([dose] if more else [], columns=DOSE_COLUMNS)
        records.append(RunRecord(arm, 0, "finished", timeseries=pd.DataFrame([row]), doses=doses))
    manifest = {"scenario": "test", "arms": ["none", "drug"], "tissues": ["skin"]}
    results = combine(manifest, {}, records, pd.DataFrame({"tissue": ["skin"], "site": [0]}))
    table = results.timeseries.set_index("arm")
    assert table.loc["none", ["conc_x", "effect_x_kill"]].tolist() == [0.0, 0.0]
    assert table.loc["drug", ["conc_x", "effect_x_kill", "open_cut"]].tolist() == [0.5, 0.1, 7.0]
    assert table.loc["none", ["open_cut", "mean_SASP"]].isna().all()
    assert results.doses.iloc[0].tolist() == ["drug", 0, 1.5, "a", "x", 5.0, "mg/kg", "oral", "given"]
    folder = Folder(tmp_path / "run")
    folder.write(results, "tissues: {skin: {}}\n")
    read = read_results(folder.finish())
    pd.testing.assert_frame_equal(read.doses, results.doses, check_exact=True)
    (tmp_path / "run" / "doses.parquet").unlink()
    with pytest.raises(ResultsError, match=r"doses\.parquet: results: is missing from its folder"):
        read_results(tmp_path / "run")


# ------------------------------------------------------------------------------------------------ exposure and cost


def test_exposure_is_the_area_under_the_mean() -> None:
    """Of straight lines, exactly, on any days."""
    days = np.array([0.0, 0.5, 3.0, 10.0])
    results = made({"none": lambda day, r: 2.0 + r, "drug": lambda day, r: day}, days=days, column="mean_SASP")
    assert exposure(results)["exposure"].tolist() == pytest.approx([20.0, 30.0, 50.0, 50.0])
    with pytest.raises(ResultsError, match=r"exposure: factor: must be one of SASP, got SAPS \(did you mean SASP\?\)"):
        exposure(results, "SAPS")


def test_the_factor_that_is_asked_about() -> None:
    results = made({"none": flat}, mean_drift=1.0, mean_SASP=1.0)
    results.manifest["factors"] = ["drift", "SASP"]
    assert main_factor(results) == "SASP"
    results.manifest["factors"] = ["drift"]
    assert main_factor(results) == "drift"
    assert main_factor(made({"none": flat})) is None


def test_off_target_loss_is_a_share_of_all_sites() -> None:
    sites = {"n_healthy": 150, "n_senescent": 20, "n_cleared": 20, "n_scarred": 10}
    lost = {"cum_off_target_x": 3, "cum_off_target_y": 1, "cum_killed_by_x": 50}
    assert off_target_loss(made({"drug": flat}, **sites, **lost))["loss"].tolist() == [2.0, 2.0]
    assert off_target_loss(made({"none": flat}))["loss"].tolist() == [0.0, 0.0]


def test_harm_adds_the_cells_that_a_drug_made_senescent() -> None:
    sites = {"n_healthy": 150, "n_senescent": 20, "n_cleared": 20, "n_scarred": 10}
    table = harm(made({"drug": flat}, **sites, cum_off_target_x=3, cum_induced_by_x=7, cum_induced_by_y=2))
    assert table.columns.tolist() == ["arm", "replicate", "tissue", "killed", "induced", "harm"]
    assert table.iloc[0, 3:].tolist() == [1.5, 4.5, 6.0]
    assert harm(made({"none": flat}, **sites))["harm"].tolist() == [0.0, 0.0]


def test_benefit_is_the_mean_reduction_over_time_of_each_pair() -> None:
    results = made({"none": flat, "drug": lambda day, r: flat(day, r) - 0.02 * (1 + r) * day})
    table = benefit(results)
    assert table.columns.tolist() == ["arm", "replicate", "tissue", "benefit"]
    assert table["benefit"].tolist() == pytest.approx([1.0, 2.0])
    assert benefit(results, baseline="drug")["benefit"].tolist() == pytest.approx([-1.0, -2.0])
    with pytest.raises(ResultsError, match="treatment: baseline: must be one of none, drug, got nobody"):
        benefit(results, baseline="nobody")


def test_only_pairs_have_a_benefit() -> None:
    results = made({"none": flat, "drug": lambda day, r: 9.0 + r})
    gone = (results.timeseries["arm"] == "none") & (results.timeseries["replicate"] == 0)
    results.timeseries = results.timeseries[~gone]
    assert benefit(results)[["replicate", "benefit"]].to_numpy().tolist() == [[1, 1.0]]


# ---------------------------------------------------------------------------------------------------------- rebound


@pytest.mark.parametrize("decay", [3.0, 20.0])
def test_an_exponential_rebound_takes_a_half_life(decay: float) -> None:
    """From the first row after the dose on; linear between rows, hence a day's curvature of error."""
    table = rebound(made({"none": flat, "drug": kill(10.0, 4.0, decay)}, [("drug", r, 10.0, "given") for r in (0, 1)]))
    assert table["last_dose"].tolist() == [10.0, 10.0]
    assert table["observed"].tolist() == [90.0, 90.0]
    largest = np.exp(-1.0 / decay)  # at the row after the dose
    assert table["rebound"].tolist() == pytest.approx([-decay * np.log(largest / 2.0)] * 2, abs=1.0 / (8.0 * decay))


def test_a_linear_rebound_is_exact() -> None:
    """Down by 4 while it is given, back within 8 d: half of it at 4 d, between two rows of every 3 d."""
    tamed = made(
        {"none": flat, "tame": lambda day, r: flat(day, r) - np.clip(4.0 - 0.5 * (day - 30.0), 0.0, 4.0)},
        [("tame", r, day, "given") for r in (0, 1) for day in (0.0, 10.0, 30.0)],
        days=np.arange(0.0, 91.0, 3.0),
        column="mean_SASP",
    )
    assert rebound(tamed, "mean_SASP")["rebound"].tolist() == pytest.approx([4.0, 4.0])
    assert rebound(tamed, "burden")["rebound"].isna().all()


def test_a_rebound_after_the_horizon_is_infinite_and_a_harm_is_none() -> None:
    doses = [("better", 0, 10.0, "given"), ("worse", 0, 10.0, "given")]
    lasting = {"better": kill(10.0, 4.0, 500.0), "worse": lambda day, r: flat(day, r) + (day > 10.0)}
    table = rebound(made({"none": flat, **lasting}, doses)).set_index(["arm", "replicate"])["rebound"]
    assert table["better", 0] == np.inf
    assert np.isnan(table["better", 1])  # was given nothing
    assert np.isnan(table["worse", 0])


def test_a_rebound_does_not_depend_on_what_comes_later() -> None:
    """Here the baseline runs away later, and the arm is far better again."""
    late = {"none": lambda day, r: 10.0 + 20.0 * (day > 60.0), "drug": lambda day, r: kill(10.0, 4.0, 5.0)(day, 0)}
    doses = [("drug", 0, 10.0, "given")]
    long, short = (rebound(made(late, doses, 1, DAYS[:n]))["rebound"].item() for n in (101, 41))
    assert long == short
    assert 1.0 < long < 6.0


def test_rebound_of_an_arm_is_a_median_and_needs_a_benefit() -> None:
    arms = {
        "none": flat,
        "fast": lambda day, r: kill(10.0, 4.0, 2.0 + r)(day, r),
        "lasting": kill(10.0, 4.0, 500.0),
        "noise": lambda day, r: flat(day, r) + (-1.0) ** r * (day > 10.0),
    }
    doses = [(arm, r, 10.0, "given") for arm in ("fast", "lasting", "noise") for r in range(5)]
    results = made(arms, doses, 5)
    table = rebound_by_arm(results, "skin")
    assert table.index.tolist() == ["fast", "lasting", "noise"]
    assert table["clear"].tolist() == [True, True, False]
    times = rebound(results).query("arm == 'fast'")["rebound"]
    assert table.loc["fast", "median"] == sorted(times)[2]
    assert table.loc["lasting", "median"] == np.inf
    words = drug_table(results, "skin")
    assert words["rebound"].tolist() == [f"{sorted(times)[2]:.3g} d", "not within 90 d", "no clear reduction"]


def test_a_falling_baseline_is_no_rebound() -> None:
    """Both heal by themselves: the difference halves, and the treated arm never rises."""
    arms = {"none": lambda day, r: 10.0 * 0.9**day, "drug": lambda day, r: 10.0 * 0.9**day * (0.4 if day > 10 else 1.0)}
    results = made(arms, [("drug", r, 10.0, "given") for r in range(4)], 4)
    table = rebound(results)
    assert table["rebound"].tolist() == [np.inf] * 4
    assert table["faded"].all()
    assert rebound_in_words(rebound_by_arm(results, "skin").loc["drug"]) == "faded: baseline fell"


def test_a_rebound_waits_for_the_treated_arm_to_rise() -> None:
    """The baseline falls from 10 to 8 on day 20, which halves the effect of 4; the arm rises from 6 on day 30 on, by
    0.1 a day: by half of the effect, 2, on day 50."""
    arms = {
        "none": lambda day, r: 10.0 - 2.0 * (day >= 20.0),
        "drug": lambda day, r: 10.0 - 4.0 * (day > 10.0) + 0.1 * max(0.0, day - 30.0),
    }
    table = rebound(made(arms, [("drug", 0, 10.0, "given")], 1))
    assert table["rebound"].item() == pytest.approx(40.0)
    assert not table["faded"].item()


def test_quantiles_of_censored_times() -> None:
    """Of all times seen, plain quantiles, of two values their mean; with censoring, a textbook's product."""
    times = np.array([3.0, 1.0, 7.0, 5.0])
    assert quantiles_of_censored(times, times, [0.5]) == [4.0]
    assert quantiles_of_censored(np.array([2.0, 5.0]), np.full(2, 9.0), [0.5]) == [3.5]
    # at 6: 3 of 6, left at 9; at 10: 1 of 2; left at 11 (1 - F: 0.5, 0.25)
    times = np.array([6.0, 6.0, 6.0, np.inf, 10.0, np.inf])
    observed = np.array([20.0, 20.0, 20.0, 9.0, 20.0, 11.0])
    assert quantiles_of_censored(times, observed, [0.1, 0.5, 0.7, 0.9]) == [6.0, 8.0, 10.0, np.inf]
    assert quantiles_of_censored(np.full(3, np.inf), np.arange(3.0), [0.5]) == [np.inf]
    assert quantiles_of_censored(np.empty(0), np.empty(0), [0.5]) == [np.inf]


def test_an_arm_that_is_dosed_to_the_end_is_told_so() -> None:
    """Weekly until the run ends, not where the last doses were no longer asked for."""
    weekly = [float(day) for day in range(9, 100, 7)]  # the last on day 93, another would be due on day 107
    doses = [("drug", r, day, "given" if day < 60.0 or r else "stopped") for r in range(4) for day in weekly]
    results = made({"none": flat, "drug": lambda day, r: flat(day, r) - 1.0}, [*doses, ("once", 0, 50.0, "given")], 4)
    assert dosed_to_the_end(results).to_dict() == {("drug", r): r > 0 for r in range(4)} | {("once", 0): False}
    row = rebound_by_arm(results, "skin").loc["drug"]
    assert (row["to_the_end"], row["observed"], row["median"]) == (True, 100.0 - weekly[-1], np.inf)
    assert rebound_in_words(row) == "dosed to the end"


def test_follow_up_is_quoted_as_its_median() -> None:
    doses = [("drug", r, day, "given") for r, day in enumerate([10.0, 20.0, 20.0, 90.0])]
    results = made({"none": flat, "drug": lambda day, r: flat(day, r) - 1.0}, doses, 4)
    assert drug_table(results, "skin")["rebound"].tolist() == ["not within 80 d"]


# ---------------------------------------------------------------------------------------------------------- closure


def wounded(*fall: float, day: float = 5.0) -> Results:
    """Arms whose wounds, 100 % on a day, close by so many points a day; a little faster in later replicates."""
    arms: dict[str, Curve] = {
        f"arm{i}": lambda t, r, f=each: max(0.0, 100.0 - (f + 2.0 * r) * (t - day)) * (t >= day)  # type: ignore[misc]
        for i, each in enumerate(fall)
    }
    return made(arms, column="open_cut")


def test_healing_counts_from_the_wound_and_differs_in_pairs() -> None:
    """90 points at 6 and 8, and at 4 and 6 points a day."""
    table = closure_table(wounded(6.0, 4.0), "cut").set_index("arm")
    assert table["mean"].tolist() == pytest.approx([(15.0 + 11.25) / 2.0, (22.5 + 15.0) / 2.0])
    assert table.loc["arm1", "difference"] == pytest.approx((7.5 + 3.75) / 2.0)
    assert table["still_open"].tolist() == [0, 0]
    assert np.isnan(table.loc["arm0", "difference"])


def test_an_open_wound_has_no_mean_and_the_terminal_says_so() -> None:
    results = wounded(6.0, 0.5)  # the first replicate of the second arm is open at the end
    table = closure_table(results, "cut").set_index("arm")
    assert table["still_open"].tolist() == [0, 1]
    assert table.loc["arm1", ["mean", "low", "difference"]].isna().all()
    lines = list(burden_lines(results))
    assert lines[0].startswith("cut 90 % closed after (d of healing, since the wound)   ")
    assert "difference from arm0" in lines[0]
    assert lines[2].split("   ")[0] == "  arm1"
    assert "open in 1 of 2" in lines[2]


def test_the_day_of_a_wound_is_in_the_table_of_events() -> None:
    results = wounded(6.0)
    results.events = pd.DataFrame({"arm": "arm0", "replicate": [0, 1, 1], "day": [4.5, 4.5, 60.0], "event": "cut"})
    assert closure(results, "cut")["wounded"].tolist() == [4.5, 4.5]
    assert closure(results, "cut")["healing"].tolist() == pytest.approx([15.5, 11.75])


def test_a_wound_is_closed_when_a_tenth_is_open() -> None:
    """100 % on day 5, then 8 points (arm `slow`: 1 point) a day: 10 % after 11.25 d, on day 16.25."""
    results = made(
        {"none": lambda day, r: 0.0, "fast": lambda day, r: max(0.0, 100.0 - 8.0 * (day - 5.0)) * (day >= 5.0),
         "slow": lambda day, r: (100.0 - 0.5 * (day - 5.0)) * (day >= 5.0)},
        column="open_cut",
    )  # fmt: skip
    table = closure(results, "cut")
    assert table.columns.tolist() == ["arm", "replicate", "day", "wounded", "healing"]
    np.testing.assert_allclose(table["wounded"], [np.nan, np.nan, 5.0, 5.0, 5.0, 5.0])
    np.testing.assert_allclose(table["healing"], [np.nan, np.nan, 11.25, 11.25, np.inf, np.inf])
    assert table["arm"].tolist() == ["none", "none", "fast", "fast", "slow", "slow"]
    np.testing.assert_allclose(table["day"], [np.nan, np.nan, 16.25, 16.25, np.inf, np.inf])
    assert quantiles_by_arm(table.dropna())[0.5].to_dict() == {"fast": 16.25, "slow": np.inf}
    with pytest.raises(ResultsError, match="closure: event: must be one of cut, got cutt"):
        closure(results, "cutt")


# -------------------------------------------------------------------------------------------------------- in words


def test_what_drugs_and_removals_take_away_did_not_turn_cells() -> None:
    counts = [
        "SASP",
        "immune",
        "killed_by_x",
        "off_target_x",
        "reversed_by_x",
        "induced_by_x",
        "lesion",
        "biopsy",
        "cut",
    ]
    results = made({"none": flat, "drug": flat}, **{f"cum_{name}": 1 for name in counts})
    results.scenario = {
        "events": {"lesion": {"kind": "removal"}, "cut": {"kind": "wound"}, "old": None},
        "arms": {"none": None, "drug": {"events": {"biopsy": {"kind": "removal"}}}},
    }
    assert turning_causes(results) == ["SASP", "induced_by_x", "cut"]


def test_a_treated_baseline_or_a_single_arm_has_nothing_to_rebound_from() -> None:
    sites = {"n_healthy": 100, "n_senescent": 0, "n_cleared": 0, "n_scarred": 0}
    for arms in (["drug"], ["drug", "other"]):
        table = drug_table(made(dict.fromkeys(arms, flat), [("drug", 0, 1.0, "given")], **sites), "skin")
        assert table[["arm", "fewest", "most", "loss", "rebound"]].to_numpy().tolist() == [["drug", 0, 1, 0.0, "-"]]
        assert table["exposure"].isna().all()


def test_effects_by_column_with_their_kinds() -> None:
    columns = {"effect_d_q_kill": 0.1, "effect_d_mute": 0.2, "effect_d_q_extra": 0.1, "conc_d": 1.0}
    results = made({"none": flat}, **columns)
    results.scenario = {
        "drugs": {
            "d": {"effects": {"mute": {"kind": "inhibit_secretion", "emax": 0.5}, "unused": {}}},
            "d_q": {"effects": {"kill": {"kind": "kill_senescent"}}},
        },
        "arms": {"a": {"drugs": {"d_q": {"effects": {"kill": {"emax": 2.0}, "extra": {"kind": "kill_healthy"}}}}}},
    }
    assert effects_of(results, "d") == {"effect_d_mute": ("mute", "inhibit_secretion")}
    both = {"effect_d_q_kill": ("kill", "kill_senescent"), "effect_d_q_extra": ("extra", "kill_healthy")}
    assert effects_of(results, "d_q") == both


def test_a_run_says_what_drugs_did() -> None:
    sites = {"n_healthy": 100, "n_senescent": 0, "n_cleared": 0, "n_scarred": 0, "cum_off_target_x": 1}
    doses = [
        ("drug", 0, 10.0, "given"),
        ("drug", 0, 20.0, "given"),
        ("drug", 1, 10.0, "given"),
        ("drug", 1, 20.0, "toxic"),
    ]
    arms: dict[str, Curve] = {"none": lambda day, r: 4.0 + r, "drug": lambda day, r: 1.0 + r}
    results = made(arms, doses, column="mean_SASP", **sites)
    table = drug_table(results, "skin").iloc[0]
    assert (table["arm"], table["fewest"], table["most"], table["loss"]) == ("drug", 1, 2, 1.0)
    assert table["exposure"] == pytest.approx(100.0 * 3.0 / 9.0)
    lines = [line.split("   ") for line in burden_lines(results)]
    assert any(line[0] == "drugs" for line in lines)
    told = next(line for line in lines if line[0].strip() == "drug" and "1 to 2" in "".join(line))
    found = [cell.strip() for cell in told if cell.strip()]
    assert found == ["drug", "1 to 2", "1.00", "no reduction", "not within 85 d", "33"]
    assert not any(line.startswith("drugs") for line in burden_lines(made(arms, column="mean_SASP")))
