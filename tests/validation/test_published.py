"""Published results, row by row, through the public functions, with the tolerances of SCIENCE.md section 9."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

import pandas as pd
import pytest
from rows import CONFIGS, LONG, PULSE, TARGETS, WOUND, run
from table import HEAD, PAGE, cells, line, verdict
from target import CLASSES, Row, Study, Target

import sim

KNOWN_FAILURES = {"16", "20", "22c", "22e", "24f"}  # findings, not mistakes: docs/validation.md says why
Run = Callable[[Study], sim.Results]


def marked(target: Target, fails: bool) -> object:
    """A row of a long study is for `make validate`; should one that is known to fail pass, the test says so."""
    marks = [pytest.mark.validation] if target.study in LONG else []
    marks += [pytest.mark.long] if target.study is WOUND else []
    marks += [pytest.mark.xfail(strict=True, reason=target.note)] if fails else []
    return pytest.param(target, id=target.number, marks=marks)


@pytest.fixture(scope="session")
def run_once() -> Run:
    return functools.cache(run)


@pytest.fixture(scope="session")
def committed() -> dict[str, list[str]]:
    """Cells of the table in docs/validation.md by row."""
    lines = [each for each in PAGE.read_text(encoding="utf-8").splitlines() if each.startswith("| ")]
    table = [[cell.strip() for cell in each.split("|")[1:-1]] for each in lines]
    assert table[0] == list(HEAD)
    return {each[0]: each for each in table[1:]}


@pytest.mark.parametrize("target", [marked(each, each.number in KNOWN_FAILURES) for each in TARGETS])
def test_row(target: Target, run_once: Run) -> None:
    row = Row(target, target.measure(run_once(target.study)))
    assert row.passed, line(row)


@pytest.mark.parametrize("target", [marked(each, fails=False) for each in TARGETS])
def test_the_committed_table_has_these_numbers(target: Target, run_once: Run, committed: dict[str, list[str]]) -> None:
    """The same result, and a number within its standard error: another machine may round differently."""
    row = Row(target, target.measure(run_once(target.study)))
    fresh, kept = line(row), committed[target.number]
    assert [fresh[i] for i in (3, 6)] == [kept[i] for i in (3, 6)]
    value, error = (float(x) for x in re.findall(r"-?[\d.]+", kept[2])[:2])
    assert abs(row.ours.value - value) <= max(error, 0.005)


def test_the_committed_table_has_these_rows(committed: dict[str, list[str]]) -> None:
    """Numbers, words, tolerances and classes as in the code; nothing left out."""
    assert [[each[i] for i in (0, 1, 4, 5, 7)] for each in committed.values()] == [cells(target) for target in TARGETS]


def test_the_committed_verdict_is_that_of_its_rows(committed: dict[str, list[str]]) -> None:
    predicted = [each for each in committed.values() if each[7] == "predicted"]
    passed = sum(each[6] == "pass" for each in predicted)
    words = f"{len(committed)} rows, of which {len(predicted)} predicted, of these {passed} pass."
    assert f"**{words}**" in PAGE.read_text(encoding="utf-8")
    assert {each[0] for each in committed.values() if each[6] != "pass"} == KNOWN_FAILURES


def test_every_row_has_one_class_and_a_number_of_its_own() -> None:
    assert len({target.number for target in TARGETS}) == len(TARGETS)
    assert {target.kind for target in TARGETS} == set(CLASSES)
    assert all(target.note for target in TARGETS if target.number in KNOWN_FAILURES)
    assert verdict([]) == "0 rows, of which 0 predicted, of these 0 pass."


@pytest.mark.parametrize("study", dict.fromkeys(target.study for target in TARGETS), ids=lambda study: study.file)
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
