"""Figures of sweeps: what they draw is what the table says, for every kind of design."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hand_made import AMOUNT, INTERVAL, POINTS, grid, made
from numpy.testing import assert_allclose
from test_figures import assert_tidy, labelled, words

from sim.analysis.sweep_table import sweep_table
from sim.errors import ResourceError
from sim.figures.sweep import save_sweep_figures, sweep_lines_figure, sweep_points, sweep_scatter
from sim.figures.sweep_maps import sweep_map, tipping_map
from sim.sweeps import SweepResults

ONE = [{AMOUNT: f"{a} mg/kg"} for a in (14, 28, 55, 110)]


def along_one(points: list[dict[str, Any]] = ONE, method: str = "grid") -> SweepResults:
    rng = np.random.default_rng(2)
    return made(
        points, {(p, arm): (rng.random(3) + p).tolist() for p in range(len(points)) for arm in ("none", "drug")}, method
    )


def sampled(n_keys: int = 5, arms: tuple[str, ...] = ("none", "drug")) -> SweepResults:
    rng = np.random.default_rng(3)
    keys = [f"factors.f{k}.reach" for k in range(n_keys)]
    points = [{key: f"{10 ** rng.random():.6g} um" for key in keys} for _ in range(20)]
    values = {(p, arm): [float(points[p][keys[0]].split()[0]) * (1 - k), 2.0] for p in range(20)
              for k, arm in enumerate(arms)}  # fmt: skip
    design = {"sobol": {"ranges": {key: {"low": 1, "high": 10, "scale": "log"} for key in keys}}}
    return made(points, values, "sobol", design=design)


def test_lines_are_means_with_intervals_on_a_log_axis() -> None:
    results = along_one()
    figure, table = sweep_lines_figure(results), sweep_table(results)
    for arm in results.arms:
        line = labelled(figure)[arm]
        assert_allclose(line.get_xdata(), np.log10([14, 28, 55, 110]))
        assert_allclose(line.get_ydata(), table.loc[table["arm"] == arm, "mean"])
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["14", "28", "55", "110"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("amount (mg/kg)", "burden (% of resident cells senescent)")
    assert "95 % interval (band) of 3 replicates per point and arm" in words(figure)
    assert_tidy(figure)


def test_no_end_of_an_interval_is_cut_off() -> None:
    results = made(ONE, {(p, "none"): [0.0, 0.0, 1.0 + p] for p in range(4)})
    table = sweep_table(results)
    assert table["low"].min() < 0.0 < table["mean"].min()
    bottom, top = sweep_lines_figure(results).axes[0].get_ylim()
    assert bottom <= table["low"].min()
    assert top >= table["high"].max()


def test_words_stand_in_their_order() -> None:
    points = [{"tissues.skin.neighbourhood": word} for word in ("moore", "von_neumann")]
    figure = sweep_lines_figure(along_one(points))
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["moore", "von_neumann"]
    assert_tidy(figure)


def test_heat_maps_show_means_and_paired_differences_with_dots() -> None:
    values = {(p, arm): [2.0 + p, 2.5 + p, 2.2 + p] for p in range(6) for arm in ("none", "drug")}
    values[2, "drug"] = [3.0, 3.4, 3.3]  # about a point lower in each replicate
    values[1, "drug"] = [2.0, 2.5, 2.2]  # a point lower in each, exactly: no spread, so no interval and no dot
    values[3, "drug"] = [4.0, 6.0, 6.2]  # lower and higher
    del values[5, "drug"]
    figure = sweep_map(made(POINTS, values))
    none, drug, difference = (axes.images[0].get_array() for axes in figure.axes if axes.images)
    assert_allclose(none, np.array([[2, 3], [4, 5], [6, 7]]) + 0.7 / 3)  # amount upwards, interval to the right
    assert drug.mask.tolist() == [[False, False], [False, False], [False, True]]
    assert_allclose(difference.filled(9), [[0, -1], [-1, 0.5 / 3], [0, 9]], atol=1e-12)
    (dots,) = (axes.lines[0] for axes in figure.axes if axes.images and axes.lines)
    assert np.column_stack(dots.get_data()).tolist() == [[0, 1]]
    said = words(figure)
    assert "excludes 0, each point by itself; neighbouring points share their luck" in " ".join(said.split())
    assert "difference from none (points)" in said
    assert "interval (d)" in said
    assert_tidy(figure)


def test_a_tipping_map_shows_the_share_above_and_the_spread() -> None:
    values = {(p, "x"): [30.0] * p + [2.0] * (5 - p) for p in range(6)}
    results = made(POINTS, values)
    figure = tipping_map(results)
    share, spread = (axes.images[0].get_array() for axes in figure.axes[::2])
    assert_allclose(share.ravel(), np.arange(6) / 5)
    assert_allclose(spread.ravel(), [np.std(values[p, "x"], ddof=1) for p in range(6)])
    assert "burden above 16 %" in words(figure)
    assert_tidy(figure)
    assert (tipping_map(results, threshold=40.0).axes[0].images[0].get_array() == 0).all()


def test_a_scatter_has_a_panel_per_key_and_notes_rank_correlation() -> None:
    results = sampled()
    figure, table = sweep_scatter(results), sweep_table(results)
    assert len(figure.axes) == 5
    points = labelled(figure)["none"]
    assert_allclose(10 ** points.get_xdata(), [float(text.split()[0]) for text in results.points["factors.f0.reach"]])
    assert_allclose(points.get_ydata(), table.loc[table["arm"] == "none", "mean"])
    said = words(figure)
    assert "none +1.00" in said
    assert "drug \N{EN DASH}" in said  # constant
    assert "f0.reach (um)" in said
    assert_tidy(figure)


def test_point_by_point_marks_stand_in_their_rows() -> None:
    results = along_one(POINTS, "zip")
    figure, table = sweep_points(results), sweep_table(results)
    marks = labelled(figure)["drug"]
    assert_allclose(marks.get_xdata(), table.loc[table["arm"] == "drug", "mean"])
    assert np.rint(marks.get_ydata()).tolist() == [0, 1, 2, 3, 4, 5]
    assert "point 5: amount 56 mg/kg, interval 2 wk" in words(figure)
    assert_tidy(figure)


THREE = [{AMOUNT: a, INTERVAL: b, "days": c} for a in (1, 2) for b in (1, 2) for c in (1, 2)]


@pytest.mark.parametrize(
    ("results", "names"),
    [
        (along_one(), ["burden"]),
        (grid(), ["burden", "tipping-burden"]),
        (grid(tissues=("skin", "gut")), ["burden-skin", "tipping-burden-skin", "burden-gut", "tipping-burden-gut"]),
        (grid(method="zip"), ["burden"]),
        (along_one(THREE), ["burden"]),
        (sampled(12), ["burden"]),
        (along_one(POINTS[:1]), ["burden"]),
    ],
)
def test_every_design_has_its_figures(results: SweepResults, names: list[str], tmp_path: Path) -> None:
    paths = save_sweep_figures(results, tmp_path)
    assert [path.name for path in paths] == [f"{name}{end}" for name in names for end in (".png", ".svg")]
    assert all(path.stat().st_size > 5000 for path in paths)
    assert not save_sweep_figures(SweepResults(results.manifest, results.points, results.outcomes.iloc[:0]), tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match="figures: must be a folder that can be written, got Not a directory"):
        save_sweep_figures(grid(), tmp_path / "file" / "figures")
