"""Figures of treatments: ticks where doses were given, means that the tables have, nothing overlaps."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from sim.errors import ResultsError
from sim.figures import save_all
from sim.figures.doses import PALEST, Calendar, bars
from sim.figures.drugs import unit_of
from sim.figures.style import arm_colour
from sim.results import DOSE_COLUMNS, Folder, Results, read_results
from sim.scenario.drug import KINDS

ELEVEN = [
    "none", "hit_and_run", "continuous", "stop_after_60_days", "both", "adaptive", "immune_boost",
    "selective_senolytic", "supplement", "checkpoint_unjamming",
    "an_arm_with_a_name_that_nobody_should_use_but_somebody_will",
]  # fmt: skip
DAYS = np.arange(0.0, 41.0)
FIGURES = ("burden", "causes", "drugs", "exposure", "trade_off", "rebound", "closure")


def make(
    arms: list[str] = ["none", "pulse", "daily"],  # noqa: B006
    replicates: int = 3,
    tissues: tuple[str, ...] = ("skin",),
    drugged: bool = True,
    wound: bool = True,
    factor: bool = True,
    doses: list[tuple[str, int, float, str]] | None = None,
    harmless: bool = False,
) -> Results:
    """A run in which every arm but the first is given drug `x` (odd ones) or `y` (even ones)."""
    rng, rows, calendar = np.random.default_rng(7), [], []
    for a, arm in enumerate(arms):
        for r in range(replicates):
            for day in DAYS:
                lower = 0.0 if a == 0 else (1.0 + 0.2 * a) * np.exp(-max(0.0, day - 20.0) / 5.0) * (day > 2)
                burden = 5.0 + 0.2 * rng.random() - lower
                for tissue in tissues:
                    row = {"arm": arm, "replicate": r, "tissue": tissue, "day": day, "burden": burden}
                    row |= {"n_healthy": 990, "n_senescent": 10, "n_cleared": 0, "n_scarred": 0}
                    row |= {
                        "cum_SASP": int(day),
                        "cum_off_target_x": int(day) * (a % 2) * (not harmless),
                        "cum_killed_by_x": 5,
                    }
                    row |= {"mean_SASP": burden - 0.5 * lower} if factor else {}
                    levels = {"conc_x": lower * (a % 2), "conc_y": lower * (1 - a % 2), "effect_x_kill": 0.1 * lower}
                    row |= levels if drugged else {}
                    row |= {"open_cut": 100.0 * np.exp(-day / (4.0 + a)) * (tissue == "skin")} if wound else {}
                    rows.append(row)
            times = [2.0, 16.0] if a % 2 else [float(day) for day in range(2, 21)]
            given = [(arm, r, day, "given") for day in times] if a and drugged and doses is None else []
            calendar += [*given, *(each for each in doses or [] if each[:2] == (arm, r))]
    where = {arm: "xy"[1 - a % 2] for a, arm in enumerate(arms)}
    table = pd.DataFrame(
        [(arm, r, day, "t", where[arm], 5.0, "mg/kg", "oral", status) for arm, r, day, status in calendar],
        columns=DOSE_COLUMNS,
    )
    manifest: dict[str, Any] = {
        "scenario": "test", "arms": arms, "tissues": list(tissues), "factors": ["SASP"] if factor else [],
        "qualitative": False, "runs": [{"status": "finished"}],
    }  # fmt: skip
    scenario = {"drugs": {"x": {"effects": {"kill": {"kind": "kill_senescent"}}}, "y": {"effects": {}}}}
    sites = pd.DataFrame({"tissue": tissues, "site": 0})
    return Results(manifest, scenario, pd.DataFrame(rows), pd.DataFrame(columns=["arm"]), sites, {}, doses=table)


def texts(figure: Figure) -> list[Text]:
    """Letters that are drawn; Matplotlib also keeps ticks beyond the limits, which are not."""
    beyond = {
        tick.label1
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        if not min(axis.get_view_interval()) - 1e-9 <= tick.get_loc() <= max(axis.get_view_interval()) + 1e-9
    }
    found = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    return [text for text in found if text.get_text() and text.get_visible() and text not in beyond]


def assert_tidy(figure: Figure) -> None:
    """No letters over others, none cut off."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts(figure)]
    width, height = renderer.get_canvas_width_height()
    for i, (text, box) in enumerate(boxes):
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, f"cut off: {text}"  # noqa: PT018
        for other, its in boxes[:i]:
            beside = min(box.x1, its.x1) - max(box.x0, its.x0) < 1.01  # letters stand on whole pixels
            above = min(box.y1, its.y1) - max(box.y0, its.y0) < 1.01
            assert beside or above, f"{text!r} over {other!r}"


def words(figure: Figure) -> str:
    return " ".join(text.get_text().replace("\n", " ") for text in texts(figure))


CASES: dict[str, dict[str, Any]] = {
    "three arms": {},
    "eleven arms, long names": {"arms": ELEVEN},
    "one replicate": {"replicates": 1},
    "two tissues": {"tissues": ("skin", "muscle of the leg")},
    "no factor": {"factor": False},
    "dollars": {"arms": ["$x$", "<b> & c"]},
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_overlaps_and_nothing_is_cut_off(case: str) -> None:
    plot = make(**CASES[case]).plot
    for name in FIGURES:
        assert_tidy(getattr(plot, name)())


# ---------------------------------------------------------------------------------------------------------- calendar


def test_ticks_are_at_the_doses_and_close_ones_are_a_bar() -> None:
    shares = pd.Series({2.0: 1.0, 16.0: 0.5, 17.0: 0.5, 18.0: 1.0, 40.0: 1.0})
    drawn = bars(shares, per_point=0.5)  # a tick is half a day wide, doses within 1.5 d run together
    assert drawn == [(1.75, 0.5, 1.0), (15.75, 2.0, 0.5), (17.75, 0.5, 1.0), (39.75, 0.5, 1.0)]
    daily = pd.Series(1.0, index=np.arange(0.0, 201.0))
    assert bars(daily, 1.0) == [(-0.5, 201.0, 1.0)]
    assert [start + length / 2 for start, length, _ in bars(daily, 0.1)] == pytest.approx(daily.index.tolist())


def test_a_dose_is_as_pale_as_few_replicates_got_it() -> None:
    doses = [("pulse", 0, 5.0, "given"), ("pulse", 0, 30.0, "given"), ("pulse", 1, 30.0, "given")]
    doses += [("pulse", 2, 30.0, "given"), ("pulse", 1, 5.0, "stopped"), ("pulse", 2, 5.0, "toxic")]
    results = make(doses=doses)
    assert Calendar(results, results.arms).doses["pulse"].to_dict() == {5.0: 1.0 / 3.0, 30.0: 1.0}
    figure = results.plot.burden()
    (ticks,) = figure.axes[1].collections
    colours = ticks.get_facecolor()
    assert [to_hex(colour) for colour in colours] == [arm_colour(results, "pulse").lower()] * 2
    assert [colour[3] for colour in colours] == pytest.approx([PALEST + (1.0 - PALEST) / 3.0, 1.0])
    assert "Above: doses given; paler: to some of the replicates." in words(figure)


@pytest.mark.parametrize("name", ["burden", "causes", "drugs", "closure"])
def test_every_axis_of_time_has_its_doses(name: str) -> None:
    """Ticks share the axis, and move with it."""
    figure = getattr(make().plot, name)()
    strips = [axes for axes in figure.axes if not axes.axison]
    assert len(strips) == {"burden": 1, "causes": 2, "drugs": 2, "closure": 1}[name]
    main = figure.axes[0] if name != "causes" else figure.axes[1]  # the first arm was given nothing
    main.set_xlim(0.0, 7.0)
    assert strips[0].get_xlim() == (0.0, 7.0)
    assert "Above: doses given." in words(figure)


def test_the_rarer_drug_of_an_arm_is_seen_over_the_bar_of_the_other() -> None:
    results = make(doses=[("pulse", r, 0.5 * half, "given") for r in range(3) for half in range(4, 41)])
    rare = results.doses.iloc[[0, 37, 74]].assign(day=9.0, drug="y")
    results.doses = pd.concat([results.doses, rare], ignore_index=True)
    strip = results.plot.burden().axes[1]
    bar, tick = (each.get_paths()[0].get_extents() for each in strip.collections)
    assert tick.height > bar.height
    assert (bar.x0 + bar.x1, tick.x0 + tick.x1) == pytest.approx((22.0, 18.0))
    light = [sum(each.get_facecolor()[0][:3]) for each in strip.collections]
    assert light[1] < 0.5 * light[0]
    assert "darker: of the drug that the arm gets more rarely" in words(results.plot.burden())


def test_without_doses_there_is_no_calendar() -> None:
    results = make(drugged=False)
    assert Calendar(results, results.arms).height == 0.0
    assert all(axes.axison for axes in results.plot.burden().axes)
    assert "doses" not in words(results.plot.burden())


# ------------------------------------------------------------------------------------------------- what is drawn


def test_drugs_shows_concentration_and_effects_with_units() -> None:
    results = make()
    figure = results.plot.drugs()
    panels = [axes for axes in figure.axes if axes.axison]
    mean = "mean concentration\nsince the row before\n(mg/kg)"
    assert [axes.get_ylabel() for axes in panels] == [mean, "hazard (1/d)", mean]
    line = next(line for line in panels[0].lines if line.get_label() == "pulse")
    table = results.timeseries[results.timeseries["arm"] == "pulse"]
    np.testing.assert_allclose(line.get_ydata(), table.groupby("day")["conc_x"].median())
    assert line.get_drawstyle() == "steps-pre"


def test_every_kind_of_effect_has_a_unit() -> None:
    units = {kind: unit_of(kind) for kind in KINDS}
    assert (units["kill_healthy"], units["boost_immune"], units["inhibit_secretion"]) == (
        "hazard (1/d)",
        "fold",
        "share",
    )
    assert set(units.values()) == {"hazard (1/d)", "fold", "share"}


def test_a_boost_is_drawn_as_fold() -> None:
    results = make()
    results.scenario["drugs"]["x"]["effects"]["kill"]["kind"] = "boost_immune"
    panel = [axes for axes in results.plot.drugs().axes if axes.axison][1]
    line = next(line for line in panel.lines if line.get_label() == "pulse")
    table = results.timeseries[results.timeseries["arm"] == "pulse"]
    np.testing.assert_allclose(line.get_ydata(), 1.0 + table.groupby("day")["effect_x_kill"].median())
    assert panel.get_ylabel() == "fold"


def test_only_replicates_that_were_given_a_drug_have_its_curve() -> None:
    results = make(doses=[("pulse", 1, 3.0, "given")])
    rows = results.timeseries
    rows.loc[(rows["arm"] == "pulse") & (rows["replicate"] != 1), "conc_x"] = 0.0
    figure = results.plot.drugs()
    line = next(line for line in figure.axes[0].lines if line.get_label() == "pulse")
    np.testing.assert_allclose(line.get_ydata(), rows[(rows["arm"] == "pulse") & (rows["replicate"] == 1)]["conc_x"])
    assert "pulse (1 of 3 runs)" in words(figure)


def test_equal_curves_do_not_hide_each_other() -> None:
    """Every second dash is the other arm's; where curves differ, both are solid."""
    results = make(["none", "pulse", "daily", "same"])
    rows = results.timeseries
    rows.loc[rows["arm"] == "same", "conc_x"] = rows.loc[rows["arm"] == "pulse", "conc_x"].to_numpy()
    figure = results.plot.drugs()
    styles = {line.get_label(): line.get_linestyle() for line in figure.axes[0].lines}
    assert (styles["pulse"], styles["same"]) == ("-", "--")
    assert "Dashes of several colours" in words(figure)
    assert "Dashes of several colours" not in words(make().plot.drugs())


def test_exposure_marks_means_and_differences() -> None:
    results = make()
    figure = results.plot.exposure()
    last = results.timeseries[results.timeseries["day"] == DAYS[-1]].groupby("arm")["burden"].mean()
    area = {
        arm: np.mean([np.trapezoid(run["mean_SASP"], run["day"]) for _, run in rows.groupby("replicate")])
        for arm, rows in results.timeseries.groupby("arm")
    }
    for panel, wanted in ((0, last), (2, area)):
        for arm in results.arms:
            mark = next(line for line in figure.axes[panel].lines if line.get_label() == arm)
            assert mark.get_xdata()[0] == pytest.approx(wanted[arm])
            if arm != "none":
                less = next(line for line in figure.axes[panel + 1].lines if line.get_label() == arm)
                assert less.get_xdata()[0] == pytest.approx(wanted[arm] - wanted["none"])


def test_trade_off_marks_benefit_against_loss() -> None:
    marks = {line.get_label(): line for line in make().plot.trade_off().axes[0].lines}
    assert "none" not in marks
    assert marks["pulse"].get_xdata()[0] == pytest.approx(4.0)  # 40 cells of 1000 sites
    assert marks["daily"].get_xdata()[0] == 0.0
    assert marks["daily"].get_ydata()[0] > marks["pulse"].get_ydata()[0] > 0.0


def test_trade_off_counts_cells_that_a_drug_made_senescent() -> None:
    results = make()
    results.timeseries["cum_induced_by_y"] = np.where(results.timeseries["arm"] == "daily", 30, 0)
    axes = results.plot.trade_off().axes[0]
    marks = {line.get_label(): line.get_xdata()[0] for line in axes.lines if line.get_label() in results.arms}
    assert marks == pytest.approx({"pulse": 4.0, "daily": 3.0})
    assert axes.get_xlabel() == "healthy cells lost to, or made senescent by, drugs (% of sites)"


def test_trade_off_holds_all_intervals() -> None:
    results = make()
    spread = results.timeseries["replicate"] * (results.timeseries["arm"] == "pulse") * 40
    results.timeseries["cum_off_target_x"] += spread
    axes = results.plot.trade_off().axes[0]
    ends = np.concatenate([line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 2])
    assert axes.get_xlim()[0] < np.nanmin(ends) < 0.0
    assert np.nanmax(ends) < axes.get_xlim()[1]


def test_rebound_says_what_did_not_happen() -> None:
    results = make(["none", "pulse", "daily", "weak"])
    same = results.timeseries["arm"] == "weak"
    base = results.timeseries.loc[results.timeseries["arm"] == "none", ["burden", "mean_SASP"]].to_numpy()
    results.timeseries.loc[same, ["burden", "mean_SASP"]] = base
    results.doses.loc[results.doses["arm"] == "daily", "day"] += 20.0  # up to the last day
    said = words(results.plot.rebound())
    assert said.count("dosed to the end") == 2
    assert said.count("no reduction") == 2
    assert re.search(r"\d d", said)


def test_closure_labels_the_day_on_which_a_tenth_is_open() -> None:
    figure = make(replicates=2).plot.closure()
    said = words(figure).replace("\N{NO-BREAK SPACE}", " ")
    for arm, scale in (("none", 4.0), ("pulse", 5.0), ("daily", 6.0)):
        assert float(re.search(rf"{arm}  ([\d.]+) d", said)[1]) == pytest.approx(scale * np.log(10.0), abs=0.1)  # type: ignore[index]


def test_closure_counts_from_the_wound_and_ends_when_all_have_closed() -> None:
    results = make(replicates=2)
    results.timeseries["day"] += 3.0
    results.doses["day"] += 3.0
    axes = results.plot.closure().axes
    assert axes[0].get_xlabel() == "days since the wound"
    first, last = axes[0].get_xlim()
    assert first == 0.0
    assert 6.0 * np.log(10.0) < last <= 1.3 * 14.0
    ticks = [each.get_paths()[0].get_extents() for each in axes[1].collections]
    assert min(tick.x0 for tick in ticks) == pytest.approx(2.0, abs=0.1)
    assert max(tick.x1 for tick in ticks) <= last + 0.2


def test_a_wound_between_two_rows_has_no_day_of_closure() -> None:
    results = make()
    results.timeseries["open_cut"] = results.timeseries["open_cut"].clip(upper=5.0)
    assert_tidy(results.plot.closure())
    assert "\N{NO-BREAK SPACE}" not in words(results.plot.closure())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda plot: plot.drugs("skn"), "drugs: tissue: must be one of skin, got skn (did you mean skin?)"),
        (lambda plot: plot.exposure(factor="SAPS"), "exposure: factor: must be one of SASP, got SAPS"),
        (lambda plot: plot.closure("cutt"), "closure: event: must be one of cut, got cutt (did you mean cut?)"),
    ],
)
def test_mistakes_get_one_line(call: Any, message: str) -> None:
    with pytest.raises(ResultsError, match=re.escape(message)):
        call(make().plot)


def test_what_is_not_there_is_said() -> None:
    plot = make(drugged=False, wound=False).plot
    with pytest.raises(ResultsError, match="drugs: none kept"):
        plot.drugs()
    with pytest.raises(ResultsError, match="closure: none kept"):
        plot.closure()


# ------------------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({}, list(FIGURES)),
        ({"drugged": False}, ["burden", "causes", "closure"]),
        ({"drugged": False, "wound": False}, ["burden", "causes"]),
        ({"arms": ["none", "drug"], "wound": False}, ["burden", "causes", "drugs", "exposure", "trade_off", "rebound"]),
        (
            {"arms": ["one"], "doses": [("one", 0, 3.0, "given")], "wound": False},
            ["burden", "causes", "drugs"],
        ),
        (
            {"arms": ["none", "drug"], "doses": [("drug", 0, 3.0, "given")], "wound": False, "harmless": True},
            ["burden", "causes", "drugs", "exposure", "rebound"],
        ),
        ({"doses": [("pulse", 0, 3.0, "stopped")], "wound": False}, ["burden", "causes"]),
    ],
)
def test_only_figures_that_say_something(arguments: dict[str, Any], names: list[str], tmp_path: Path) -> None:
    assert [path.stem for path in save_all(make(**arguments), tmp_path)][::2] == names


def test_names_of_files_tell_tissues_and_wounds_apart(tmp_path: Path) -> None:
    results = make(tissues=("skin", "gut"))
    results.timeseries["open_scratch"] = 0.0
    results.timeseries.loc[results.timeseries["day"] == 3.0, "open_scratch"] = 50.0
    stems = [path.stem for path in save_all(results, tmp_path)][::2]
    of_tissues = [
        f"{name}-{tissue}" for name in ("drugs", "exposure", "trade_off", "rebound") for tissue in ("skin", "gut")
    ]
    assert stems == ["burden", "body_map", "causes-skin", "causes-gut", *of_tissues, "closure-cut", "closure-scratch"]


def test_the_folder_alone_gives_the_same_bytes(tmp_path: Path) -> None:
    results = make()
    folder = Folder(tmp_path / "run")
    folder.write(results, "drugs: {x: {effects: {kill: {kind: kill_senescent}}}, y: {effects: {}}}\n")
    again = save_all(read_results(folder.finish()), tmp_path / "again")
    for one, other in zip(save_all(results, tmp_path / "memory"), again, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name
    svg = (tmp_path / "memory" / "trade_off.svg").read_text(encoding="utf-8")
    assert "healthy cells lost to drugs (% of sites)</text>" in svg
