"""All rows of the validation, with the tolerances of SCIENCE.md section 9 or their own, and what is kept of them."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import mean_field
import numpy as np
import pandas as pd
import pytest
from measures import Measured
from nulls import turned_beside_a_graft
from numerics import DAYS, FIRST, RATE, TUBE, WALLS, logistic
from page import PAGE, html, page
from pictures import CURVES, FOLDER, SHOWN, alts
from rows import CONFIGS, GROUPS, PULSE, TARGETS, WOUND, is_long, run
from store import NUMBERS, made, stored, stored_curves, stored_rows
from table import wanted
from target import CLASSES, Computation, Row, Study, Target
from verification import MIRROR
from words import UNKNOWN, failures, line, quantity, tally, verdict

import sim
from sim.fields import Spectral

KNOWN_FAILURES = {"16", "20", "22c", "22e", "24f", "N4b"}  # findings, not mistakes: docs/validation.md says why
SCIENCE_ROWS = {1, 2, 3, 4, 5, 8, 9, 13, 14, *range(16, 25), 27}
STUDIES = [each for each in dict.fromkeys(target.study for target in TARGETS) if isinstance(each, Study)]
Run = Callable[[Study | Computation], Any]


def marked(target: Target, fails: bool) -> object:
    """A row of a long study is for `make validate`; should one that is known to fail pass, the test says so."""
    marks = [pytest.mark.validation] if is_long(target) else []
    marks += [pytest.mark.long] if target.study is WOUND else []
    marks += [pytest.mark.xfail(strict=True, reason=target.note)] if fails else []
    return pytest.param(target, id=target.number, marks=marks)


@pytest.fixture(scope="session")
def run_once() -> Run:
    return functools.cache(run)


@pytest.mark.parametrize("target", [marked(each, each.number in KNOWN_FAILURES) for each in TARGETS])
def test_row(target: Target, run_once: Run) -> None:
    row = Row(target, target.measure(run_once(target.study)))
    assert row.passed, line(row)


@pytest.mark.parametrize("target", [marked(each, fails=False) for each in TARGETS])
def test_what_is_kept_is_what_is_measured(target: Target, run_once: Run) -> None:
    """The same result, and a number within its standard error: another machine may round differently."""
    row = Row(target, target.measure(run_once(target.study)))
    kept = Row(target, stored()[target.number])
    assert (row.ours.n, row.passed) == (kept.ours.n, kept.passed)
    assert abs(row.ours.value - kept.ours.value) <= max(kept.ours.error, 0.005)


# --------------------------------------------------------------------------------------------------- what is committed


def test_the_page_is_what_is_kept() -> None:
    """Nothing left out, and nothing better than measured."""
    assert stored().keys() == {target.number for target in TARGETS}
    assert PAGE.read_text(encoding="utf-8") == page(), "python tests/validation/page.py"
    assert {row.target.number for row in stored_rows(TARGETS) if not row.passed} == KNOWN_FAILURES
    assert NUMBERS.stat().st_size < 30_000


def test_the_page_opens_with_how_far_to_believe_it() -> None:
    rows = stored_rows(TARGETS)
    top = " ".join(page().partition("## Published results")[0].split())
    assert verdict(rows) in top
    assert failures(rows) in top
    assert UNKNOWN in top
    counted = {name: (int(of), int(passed)) for name, of, passed, _ in tally(rows)}
    assert sum(of for of, _ in counted.values()) == len(rows)
    assert counted["predicted"] == (7, 2)
    assert {row.target.number for row in rows if row.target.kind == "predicted" and row.passed} == {"23a", "23b"}


def test_what_is_kept_is_as_it_was_measured() -> None:
    """Not typed from a page, where figures are rounded; and with the day, the commit and the versions it is from."""
    table = pd.read_csv(NUMBERS, dtype=str)
    figures = table.loc[table["error"].astype(float) > 0.0, "value"].str.replace(r"e.*|[-.]", "", regex=True)
    assert (figures.str.strip("0").str.len() > 4).mean() > 0.5
    assert table["made"].str.contains("commit").all()
    assert all(when in " ".join(page().split()) for when in made().values())


def test_a_row_within_its_standard_error_of_a_limit_is_at_the_edge() -> None:
    target = next(each for each in TARGETS if each.number == "1b")
    told = [line(Row(target, Measured(value, 1.2, 100)))[6] for value in (18.9, 20.0, 21.0, 30.5)]
    assert told == ["**FAIL**", "pass, at the edge", "pass", "pass, at the edge"]


def test_row_v4a_can_fail() -> None:
    """On the day when it is read, a rate that is 5 % off either way shows."""
    target = next(each for each in TARGETS if each.number == "V4a")
    for rate in (0.95 * RATE, 1.05 * RATE):
        ratio = logistic(FIRST, DAYS, 0.5, rate) / logistic(FIRST, DAYS, 0.5)
        assert not Row(target, Measured(ratio, 0.0, 1)).passed


def test_a_plane_between_walls_goes_the_way_of_a_tissue() -> None:
    """Rows V1h to V1m are of `sim.transforms`, V1a to V1d, V1f and V1g of SciPy."""
    assert Spectral((32, 32), 1.0, WALLS, 1.0, 1.0, 1.0)._panels is not None
    assert Spectral((32, 32), 1.0, TUBE, 1.0, 1.0, 1.0)._panels is None


def test_the_page_for_a_browser_stands_alone() -> None:
    text = html()
    assert all(f">{target.number}</th>" in text for target in TARGETS)
    assert text.count("data:image/png;base64,") == len(GROUPS) + len(CURVES)
    assert not re.search(r'(?:src|href)="(?!data:)', text)


def test_every_group_has_a_picture_that_is_small() -> None:
    assert SHOWN.keys() == {group.picture for group in GROUPS} | CURVES.keys() == alts().keys()
    assert all("n = " in words or "n from" in words for words in alts().values())
    assert all((FOLDER / f"{name}.png").stat().st_size < 150_000 for name in SHOWN)
    drawn = stored_curves()
    assert len(drawn) > 10
    assert all(np.isfinite(curve[["x", "y", "error"]]).all(axis=None) for curve in drawn.values())


# ------------------------------------------------------------------------------------------------------------ the rows


def test_all_rows_of_our_notes_are_there() -> None:
    """Those of SCIENCE.md section 9, the nulls below its table, and the checks of the numerics."""
    found = {re.sub(r"[a-z]$", "", target.number) for target in TARGETS}
    assert {int(number) for number in found if number.isdigit()} == SCIENCE_ROWS
    science = (CONFIGS.parent / "docs" / "SCIENCE.md").read_text(encoding="utf-8").partition("## 9. ")[2]
    assert {int(row) for row in re.findall(r"(?m)^\| (\d+) \|", science.partition("## 10. ")[0])} == SCIENCE_ROWS
    assert found - {str(row) for row in SCIENCE_ROWS} == {"N1", "N2", "N3", "N4", *(f"V{n}" for n in range(1, 8))}


def test_rows_are_asked_for_by_number() -> None:
    assert [target.number for target in wanted(["5", "V5"])] == ["5", "V5a", "V5b", "V5c"]
    assert wanted([]) == [*TARGETS]
    with pytest.raises(SystemExit, match="got 99"):
        wanted(["99"])


def test_a_number_without_luck_has_no_error() -> None:
    assert quantity(Measured(2.1e-15, 0.0, 1), "of it") == "2.1e-15 of it"
    assert quantity(Measured(4.0, 0.0, 16), "d") == "4 d"
    assert quantity(Measured(-3.694, 0.113, 16), "d") == "-3.69 ± 0.11 d"


def test_a_graft_is_heard_where_there_is_affinity_or_a_low_threshold() -> None:
    """Row N1 can fail."""
    assert turned_beside_a_graft(affinity=1.0).number("turned").value > 10
    assert turned_beside_a_graft(threshold=3).number("turned").value > 10


def test_much_happens_in_the_mirrored_tissue(run_once: Run) -> None:
    assert run_once(MIRROR).number("events").value > 2000


def test_the_mean_field_gives_what_rows_1_say() -> None:
    notes = {target.number: target.note for target in TARGETS}
    for number, day, window in (("1a", mean_field.YOUNG, 5.0), ("1b", mean_field.OLD, 10.0)):
        found = mean_field.cohort(mean_field.Numbers(), day, window, np.random.default_rng(mean_field.SEED))
        said = re.search(r"it is ([\d.]+) d", notes[number])
        assert said is not None
        assert found.half_gone == pytest.approx(float(said[1]), rel=2e-3)


def test_every_row_has_one_class_and_a_number_of_its_own() -> None:
    assert len({target.number for target in TARGETS}) == len(TARGETS)
    assert {target.kind for target in TARGETS} == set(CLASSES)
    assert all(target.note for target in TARGETS if target.number in KNOWN_FAILURES)
    assert verdict([]) == "0 rows, of which 0 predicted, of these 0 pass."


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.file)
def test_the_scenario_of_a_row_loads(study: Study) -> None:
    """And has the arms that the row needs."""
    assert set(study.arms) <= set(sim.load(CONFIGS / study.file).arms)


def test_immunity_does_not_age_in_the_turnover_of_row_2() -> None:
    scenario = sim.load(CONFIGS / PULSE.file)
    for name in PULSE.arms:
        arm = scenario.arms[name]
        assert all(tissue.clearance.decline == 0.0 for tissue in arm.tissues.values())
        assert all(factor.jams_immunity is None and factor.ages_immunity is None for factor in arm.factors.values())


def test_killing_after_closure_changes_nothing_before_its_first_dose(run_once: Run) -> None:
    table = run_once(WOUND).timeseries
    arms = [table[(table["arm"] == arm) & (table["day"] <= 15.0)] for arm in ("no_drug", "senolytic_after")]
    one, other = (each.drop(columns="arm").reset_index(drop=True) for each in arms)
    pd.testing.assert_frame_equal(one, other, check_exact=True)
