"""Arms beyond the palette: where colours begin again, lines change their dashes and points their marks."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hand_made import POINTS, made
from matplotlib.text import Text
from test_drug_figures import assert_tidy, make

from sim.figures.style import ARM_COLOURS, DASHES, DOTTED, MARKERS, arm_colour, arm_dash, arm_marker
from sim.figures.sweep import sweep_points, sweep_scatter

THIRTEEN = [f"arm_{i}" for i in range(13)]


def test_forty_arms_are_told_apart() -> None:
    many = SimpleNamespace(arms=[f"arm_{i}" for i in range(40)], manifest={"counterparts": {}})
    lines = {(arm_colour(many, arm), str(arm_dash(many, arm))) for arm in many.arms}
    points = {(arm_colour(many, arm), arm_marker(many, arm)) for arm in many.arms}
    assert (len(lines), len(points)) == (40, 40)
    assert len({arm_colour(many, arm) for arm in many.arms[:11]}) == 11 == len(ARM_COLOURS)
    assert [arm_dash(many, arm) for arm in many.arms[:8]] == ["-"] * 7 + [DASHES[1]]
    assert {arm_marker(many, arm) for arm in many.arms[:11]} == {"o"}


def test_an_arm_of_another_host_has_the_colour_of_its_counterpart_and_dots() -> None:
    hosts = SimpleNamespace(arms=["young", "young_drug", "old"], manifest={"counterparts": {"old": "young"}})
    assert arm_colour(hosts, "old") == arm_colour(hosts, "young")
    assert arm_dash(hosts, "old") == DOTTED not in DASHES


@pytest.mark.parametrize("draw", [sweep_scatter, sweep_points])
def test_points_of_a_sweep_have_marks_and_a_legend_that_shows_them(draw) -> None:
    runs = {(p, arm): [p + i, p + i + 1.0] for p in range(6) for i, arm in enumerate(THIRTEEN)}
    figure = draw(made(POINTS, runs))
    marks = {line.get_label(): line.get_marker() for line in figure.axes[0].lines}
    assert (marks["arm_10"], marks["arm_11"]) == ("o", "s")
    said = [each.get_text() for each in figure.findobj(Text)]
    assert any(each.startswith(f"{MARKERS['s']}arm_12") for each in said)
    assert any(each.startswith("arm_10") for each in said)


@pytest.mark.parametrize("name", ["burden", "trade_off"])
def test_a_run_of_thirteen_arms(name: str) -> None:
    results = make(THIRTEEN)
    figure = getattr(results.plot, name)()
    assert_tidy(figure)
    if name == "trade_off":
        marks = {line.get_label(): line.get_marker() for line in figure.axes[0].lines}
        assert (marks["arm_10"], marks["arm_11"]) == ("o", "s")
