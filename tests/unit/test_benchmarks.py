"""The benchmarks themselves: verdicts, ratios, the page, and that everybody who races can take a step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.contenders import KINDS, SCIPY, TINY, Contender, SciPyTransforms, race
from benchmarks.picture import Curve, draw
from benchmarks.protocol import Row, Table, Turns, in_turns
from benchmarks.results import machine, renewed, section
from benchmarks.run import GROUPS, line, main
from benchmarks.speed import level_errors
from benchmarks.worlds import every_rule, tissue
from sim.simulation import Simulation


def test_a_verdict_needs_a_target() -> None:
    rows = [
        Row("a", "1"),
        Row("a", "1", "at most 2", True),
        Row("a", "3", "at most 2", False),
        Row("a", "?", "2", None),
    ]
    assert [row.verdict for row in rows] == ["", "holds", "missed", "not judged"]
    assert line(rows[0]) == "a: 1"
    assert line(rows[2]) == "a: 3, target at most 2: MISSED"


def test_tasks_take_turns_and_the_first_call_does_not_count() -> None:
    order: list[str] = []
    turns = in_turns(2, lambda: order.append("a"), lambda: order.append("b"))
    assert "".join(order) == "ababab"
    assert turns.first.shape == (2,)
    assert turns.times.shape == (2, 2)


def test_a_ratio_is_of_medians_with_quartiles_of_turns() -> None:
    turns = Turns(np.array([7.0, 1.0]), np.array([[2.0, 1.0], [4.0, 1.0], [9.0, 1.0]]))
    assert turns.ratio(0, 1) == 4.0
    assert turns.spread(0, 1) == "4.00 (3.00-6.50 in 3 turns, first 7.0 s)"
    assert turns.spread(1, 0).startswith("0.25 (")


def test_a_section_has_all_rows_and_takes_the_place_of_the_older_one() -> None:
    found = [Row("step", "1.2", "at most 1.4", True), Row("fact", "3"), Table("sizes", ("n", "t"), [("1", "2 s")]),
             Row("far", "9", "at most 1", False)]  # fmt: skip
    text = section("speed", "Words.", found, {"cores": "2", "day": "today"})
    assert "| step | 1.2 | at most 1.4 | holds |\n| fact | 3 |  |  |\n| far | 9 | at most 1 | missed |" in text
    assert "### sizes\n\n| n | t |\n| --- | --- |\n| 1 | 2 s |" in text
    assert "cores: 2; day: today" in text
    order = ["speed", "costs"]
    page = renewed("# Old words\n\n## Gone\n\n| a |\n", "costs", "## Costs\n\nalpha\n", order)
    both = renewed(page, "speed", text, order)
    assert both.index("## Protocol") < both.index("## Speed") < both.index("## Costs")
    assert "Gone" not in both
    assert renewed(both, "costs", "## Costs\n\nomega\n", order) == both.replace("alpha", "omega")
    assert {"cores", "commit", "libraries", "load at the start"} <= set(machine())


def test_an_unknown_group_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sped"]) == 2
    assert capsys.readouterr().err.startswith("bench: group: must be one of speed, models, ")
    assert all(group.__doc__ for group in GROUPS.values())


@pytest.mark.parametrize("kind", KINDS)
def test_every_contender_steps(kind: str) -> None:
    Contender(kind, TINY).start()()


@pytest.mark.tour  # starts a process
def test_a_race_is_run_in_processes_of_their_own() -> None:
    building, turns, ((largest, own),) = race(2, Contender(SCIPY, (500, 500)))
    assert turns.times.shape == (2, 1)
    assert building[0] > 0.0
    assert 2e6 <= own < 4e7  # two float32 arrays, and what transforms need beside them
    assert largest > own


def test_transforms_give_back_what_they_were_given() -> None:
    transforms = SciPyTransforms((30, 40))
    before = transforms.arrays[0].copy()
    transforms.step()
    np.testing.assert_allclose(transforms.arrays[0], before, atol=1e-6)


def test_tissues_have_as_many_factors_as_asked_for() -> None:
    assert [*every_rule(TINY, 1.0, 4).common.factors] == ["SASP", "drift", "SASP2", "drift2"]
    assert [*every_rule(TINY, 1.0, 0).common.factors] == []


def test_errors_of_levels_are_nothing_between_equals() -> None:
    one, other, coarse = (Simulation(tissue(32, 10.0, voxel_cells=n)) for n in (1, 1, 2))
    assert set(level_errors(one, other).by_factor.values()) == {(0.0, 0.0)}
    assert all(0.0 < half < most for half, most in level_errors(one, coarse).by_factor.values())


def test_the_picture_is_small(tmp_path: Path) -> None:
    curves = [Curve(kind, [(10**4, 0.01 * (i + 1)), (10**5, 0.1 * (i + 1))]) for i, kind in enumerate(KINDS)]
    assert draw(curves, 5, tmp_path / "images" / "models.png").stat().st_size < 150_000
