"""`senodrift sensitivity` and its figures: what the tables say, where people look for it, and nothing overlaps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("SALib")

from designs import Floats, drawn, sweep_of
from matplotlib.figure import Figure
from test_drug_figures import assert_tidy

import sim.sweeps
from sim.analysis.sensitivity import as_table, sensitivities, sensitivity
from sim.cli import main
from sim.errors import ResultsError
from sim.figures.interactions import interactions
from sim.figures.sensitivity import save_sensitivity, tornado
from sim.scenario.design import load_sweep
from sim.sweeps import SweepResults

SWEEPS = Path(__file__).parents[2] / "configs" / "sweeps"
RANGES = {
    "tissues.skin.clearance.max_rate": {"low": "0.1 %/d", "high": "0.4 %/d"},
    "drugs.dasatinib_quercetin.effects.kill_senescent.emax": {"low": "0.4 1/d", "high": "2 1/d"},
    "factors.SASP.reach": {"low": "30 um", "high": "400 um", "scale": "log"},
}
SIZES = {"saltelli": {"n": 32}, "morris": {"trajectories": 8}}


def together(x: Floats) -> Floats:
    """The first and the last parameter act mostly together, the middle one hardly."""
    return x[..., 0] + 12.0 * (x[..., 0] - 0.5) * (x[..., 2] - 0.5) + 0.3 * x[..., 1]


def swept(method: str = "saltelli", tissues: tuple[str, ...] = ("skin",), **size: int | bool) -> SweepResults:
    """Two arms that share most of their luck."""
    design = drawn(method, RANGES, **{**SIZES[method], **size})
    luck = 0.2 * np.random.default_rng(5).standard_normal((design.size, 3))
    arms = {"none": lambda x: 3.0 * x[..., 0], "drug": together}
    return sweep_of(design, arms, {"none": luck, "drug": 0.9 * luck}, tissues, replicates=3)


def texts(figure: Figure) -> list[str]:
    """All words on a figure, in the order in which they were written."""
    return [each.get_text() for each in figure.findobj(lambda artist: hasattr(artist, "get_text")) if each.get_text()]


# ---------------------------------------------------------------------------------------------------------- figures


@pytest.mark.parametrize(("method", "main_index", "other"), [("saltelli", "ST", "S1"), ("morris", "mu_star", "sigma")])
def test_the_tornado_draws_the_table_the_largest_on_top(method: str, main_index: str, other: str) -> None:
    results = swept(method)
    found = sensitivity(results, arm="drug")
    figure = tornado(results, found)
    (axes,) = figure.axes
    bars = sorted(axes.patches, key=lambda bar: bar.get_y())
    widths = [bar.get_width() for bar in bars]
    np.testing.assert_allclose(widths, found.index(main_index)["estimate"].loc[found.ranked])
    assert axes.yaxis_inverted()
    points = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(points, found.index(other)["estimate"].loc[found.ranked])
    words = texts(figure)
    assert {"SASP reach", "30 to 400 um, log", "skin clearance max rate", "0.1 to 0.4 %/d"} <= set(words)
    caption = " ".join(figure.texts[0].get_text().split())
    assert "test, burden in skin, drug, day 90" in caption
    assert "x 3 replicates; luck is" in caption
    assert_tidy(figure)


def test_pairs_stand_in_the_order_of_the_tornado() -> None:
    results = swept(n=256)
    found = sensitivity(results, arm="drug")
    assert found.ranked[0] == "tissues.skin.clearance.max_rate"
    figure = interactions(results, found)
    assert len(figure.axes[0].patches) == 3
    share = found.index("S2").loc[("tissues.skin.clearance.max_rate", "factors.SASP.reach"), "estimate"]
    bold = [each.get_text() for each in figure.axes[0].texts if each.get_weight() == "bold"]
    assert bold == [f"{share:.2f}"]
    assert_tidy(figure)


def test_the_plane_of_morris_has_a_point_and_a_name_per_parameter() -> None:
    results = swept("morris")
    found = sensitivity(results, arm="drug")
    figure = interactions(results, found)
    assert_tidy(figure)
    (axes,) = figure.axes
    points = [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() == "o"]
    expected = [found.index(kind)["estimate"].loc[found.ranked] for kind in ("mu_star", "sigma")]
    np.testing.assert_allclose(points, np.column_stack(expected))
    assert "% senescent" in axes.get_xlabel()
    assert "SASP reach" in [each.get_text() for each in axes.texts]


def test_a_tornado_of_luck_alone_says_so() -> None:
    results = swept()
    noise = results.outcomes.assign(burden=np.random.default_rng(0).standard_normal(len(results.outcomes)))
    results = replace(results, outcomes=noise)
    found = sensitivity(results, arm="drug")
    assert "cannot be told from luck" in texts(tornado(results, found))
    with pytest.raises(ResultsError, match="interactions: S2: must be known for burden in skin, drug, got none"):
        interactions(results, found)


def test_files_are_named_after_what_they_show(tmp_path: Path) -> None:
    results = swept(tissues=("skin", "bone"))
    found = sensitivities(results, arm="drug", baseline="none")
    names = [path.name for path in save_sensitivity(results, found, tmp_path / "figures")]
    stems = [f"{kind}-burden-drug-minus-none-{tissue}" for tissue in ("skin", "bone")
             for kind in ("sensitivity", "interactions")]  # fmt: skip
    assert names == [f"{stem}{end}" for stem in stems for end in (".png", ".svg")]
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == sorted(names)
    no_pairs = swept(second_order=False)
    assert len(save_sensitivity(no_pairs, [sensitivity(no_pairs)], tmp_path)) == 2


# ---------------------------------------------------------------------------------------------------------- command


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    return int(stop.value.code or 0)


def test_the_command_shows_and_keeps_what_python_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results = swept()
    monkeypatch.setattr(sim.sweeps, "read_sweep", lambda folder: results, raising=False)
    assert call("sensitivity", str(tmp_path), "--baseline", "none", "--outcome", "burden,n_senescent") == 0
    out, err = capsys.readouterr()
    assert "burden in skin, drug minus none on day 90: Sobol indices; 32 blocks x 8 points x 3 replicates" in out
    assert "sensitivity-burden-drug-minus-none.png" in out
    assert err.startswith("note: ")
    file = tmp_path / "sensitivity-burden-n_senescent-minus-none.csv"
    assert f"table    {file}" in out
    table = pd.read_csv(file, keep_default_na=False, na_values=[""])
    expected = as_table(sensitivities(results, ["burden", "n_senescent"], baseline="none"))
    np.testing.assert_allclose(table["estimate"], expected["estimate"])
    assert table["parameter"].dropna().unique().tolist() == list(RANGES)
    assert (tmp_path / "figures" / "interactions-burden-drug-minus-none.svg").is_file()
    before = file.read_bytes()
    assert call("sensitivity", str(tmp_path), "--arm", "drug") == 0  # another question leaves the first answer alone
    assert file.read_bytes() == before
    assert len(pd.read_csv(tmp_path / "sensitivity-burden-drug.csv")) < len(table)


def test_a_sweep_file_must_be_run_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    file = SWEEPS / "dose_and_interval.yaml"
    assert call("sensitivity", str(file)) == 2
    message = capsys.readouterr().err
    assert message.startswith(
        f"error: {file}: sweep: must have been run (senodrift sweep {file}), got no folder results"
    )
    assert message.count("\n") == 1


# ---------------------------------------------------------------------------------------------------- bundled sweeps


def test_the_twelve_are_screened_over_the_ranges_that_are_analysed() -> None:
    screened = load_sweep(SWEEPS / "uncertain_twelve_morris.yaml")
    text = (SWEEPS / "uncertain_twelve.yaml").read_text(encoding="utf-8")
    ranges = screened.design.sampled.ranges
    assert len(ranges) == 12
    for key, limits in ranges.items():
        (line,) = [each for each in text.splitlines() if each.strip().startswith(f"{key}:")]
        assert f"low: {limits.low}, high: {limits.high}" in line
        assert ("scale: log" in line) is (limits.scale == "log")
        assert "#" in line  # which says where the range is from
    assert screened.design.size * len(screened.scenario.arms) * screened.scenario.common.replicates == 1560
