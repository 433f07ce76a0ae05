"""Figures: what they draw is what the tables say, nothing overlaps, and the folder alone gives the same bytes."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.testing import assert_allclose, assert_array_equal

from sim.errors import ResultsError
from sim.figures import save_all
from sim.figures.style import DPI, STATE_COLOURS, arm_colour, readable
from sim.results import Folder, Results, read_results

NAMES = ["nothing", "immune", "own_death", "repaired", "scarred", "initial", "damage", "contact", "replicative"]
NAMES += ["SASP", "SASP_cargo"]
ARMS = ["no_graft", "sham", "graft"]
SEVEN = [
    "untreated", "vehicle", "dasatinib_quercetin", "navitoclax", "fisetin_weekly_pulses", "metformin",
    "a_very_long_arm_name_that_nobody_should_use_but_somebody_will",
]  # fmt: skip


def make(
    arms: list[str] = ARMS,
    replicates: int = 2,
    days: tuple[float, ...] = (0.0, 10.0),
    shape: tuple[int, ...] = (6, 8),
    tissues: tuple[str, ...] = ("skin",),
    flat: bool = False,
    cloud: str = "",
    layers: tuple[str, ...] = ("state", "SASP"),
    **manifest: Any,
) -> Results:
    """A small run: everything random, but the same in each arm where `flat`."""
    rng = np.random.default_rng(5)
    rows, maps, sites = [], {}, []
    for tissue in tissues:
        if cloud:
            points = np.c_[rng.uniform(0.0, 400.0, (40, 2)), np.zeros(40)]
        else:
            points = (np.indices(shape).reshape(len(shape), -1)[::-1].T + 0.5) * 15.0
            points = np.c_[points, np.zeros((len(points), 3 - len(shape)))]
        places = {"site": np.arange(len(points)), "x": points[:, 0], "y": points[:, 1], "z": points[:, 2]}
        sites.append(pd.DataFrame({"tissue": tissue, **places, "type": "fibroblast"}))
        for arm in arms:
            for r in range(replicates):
                for day in np.arange(0.0, days[-1] + 1.0):
                    burden = 1.0 if flat else float(rng.random() * 5.0)
                    count = {"cum_initial": 3, "cum_damage": int(day), "cum_SASP": 0 if flat else int(2 * day) + r}
                    rows.append(
                        {"arm": arm, "replicate": r, "tissue": tissue, "day": day, "burden": burden, **count}
                        | {"cum_contact": 0, "cum_immune": 7, "cum_own_death": 1, "cum_repaired": 2, "cum_scarred": 1}
                    )
                per = (len(points),) if cloud else shape
                kept = {
                    "state": rng.integers(0, 4, (len(days), *per)).astype(np.uint8),
                    "cause": rng.integers(5, 10, (len(days), *per)).astype(np.uint8),
                    "generation": rng.integers(0, 3, (len(days), *per)).astype(np.uint8),
                    "type": rng.integers(0, 2, (len(days), *per)).astype(np.uint8),
                    "cargo": rng.random((len(days), *per)).astype(np.float32),
                    "SASP": (0.0 if flat else 1.0) * rng.random((len(days), *[max(1, n // 2) for n in shape])),
                }
                chosen = {name: kept[name] for name in layers}
                if layers:
                    maps[arm, r, tissue] = {"days": np.array(days), "spacing": np.array(15.0), **chosen}
    all_of = {
        "scenario": "test", "arms": list(arms), "tissues": list(tissues), "factors": ["SASP"], "qualitative": False,
        "event_names": {arm: NAMES for arm in arms}, "runs": [{"status": "finished"}], **manifest,
    }  # fmt: skip
    scenario = {"tissues": {tissue: {"cloud": {cloud: {}}} if cloud else {} for tissue in tissues}}
    events = pd.DataFrame(columns=["arm", "replicate", "tissue", "day"])
    return Results(all_of, scenario, pd.DataFrame(rows), events, pd.concat(sites, ignore_index=True), maps)


def texts(figure: Figure) -> list[Text]:
    """All letters that are drawn; Matplotlib also keeps ticks beyond the limits, which are not."""
    ticks = {axis: axis.get_ticklabels() for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)}
    beyond = {
        label
        for axis, labels in ticks.items()
        for label, place in zip(labels, axis.get_ticklocs(), strict=True)
        if not min(axis.get_view_interval()) - 1e-9 <= place <= max(axis.get_view_interval()) + 1e-9
    }
    found = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    return [text for text in found if text.get_text() and text.get_visible() and text not in beyond]


def assert_tidy(figure: Figure) -> None:
    """No letters over others, none cut off."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts(figure)]
    width, height = renderer.get_canvas_width_height()
    for text, box in boxes:
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, f"cut off: {text}"  # noqa: PT018
    for (text, box), (other, its) in combinations(boxes, 2):
        apart = box.x1 <= its.x0 + 1 or its.x1 <= box.x0 + 1 or box.y1 <= its.y0 + 1 or its.y1 <= box.y0 + 1
        assert apart, f"{text!r} over {other!r}"


def spoken(text: Text) -> str:
    return text.get_text().replace("\n", "")


def words(figure: Figure) -> str:
    return " ".join(text.get_text().replace("\n", " ") for text in texts(figure))


def labelled(figure: Figure, panel: int = 0) -> dict[str, Any]:
    """Lines (or areas) of a panel by their label."""
    axes = figure.axes[panel]
    return {str(artist.get_label()): artist for artist in [*axes.lines, *axes.collections]}


CASES = {
    "three arms": {},
    "one arm, one replicate, one day": {"arms": ["control"], "replicates": 1, "days": (7.5,)},
    "seven arms, long names": {"arms": SEVEN, "days": (0.0, 5.0, 20.0, 150.0)},
    "no variation": {"arms": ["a", "b"], "flat": True},
    "many replicates, two tissues": {"replicates": 14, "tissues": ("skin", "muscle of the leg"), "qualitative": True},
    "block": {"shape": (5, 4, 6)},
    "cloud": {"cloud": "packing"},
    "wide strip": {"shape": (2, 60)},
    "all layers": {"arms": ["a"], "layers": ("state", "SASP", "cause", "generation", "type", "cargo")},
    "day 0 only": {"days": (0.0,)},
    "dollars": {"arms": ["$x$", "<b> & c"]},
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_overlaps_and_nothing_is_cut_off(case: str) -> None:
    plot = make(**CASES[case]).plot  # type: ignore[arg-type]
    assert_tidy(plot.burden())
    assert_tidy(plot.maps())
    assert_tidy(plot.causes())
    if len(make(**CASES[case]).arms) > 1:  # type: ignore[arg-type]
        assert_tidy(plot.difference())
        assert_tidy(plot.difference(replicate=0))


def test_all_layers_on_request() -> None:
    layers = ("state", "SASP", "cause", "generation", "type", "cargo")
    figure = make(layers=layers).plot.maps(layers=layers)
    assert_tidy(figure)
    said = words(figure)
    for word in ("senescent", "level (1 = burden of 1 %)", "replicative", "secondary", "type 1", "level x d"):
        assert word in said


# ------------------------------------------------------------------------------------------------------------ burden


def test_burden_shows_median_band_and_single_runs() -> None:
    results = make(replicates=5)
    lines = labelled(results.plot.burden())
    for arm in ARMS:
        wide = results.timeseries[results.timeseries["arm"] == arm].pivot(index="day", columns="replicate")["burden"]
        assert_array_equal(lines[arm].get_xdata(), wide.index)
        assert_allclose(lines[arm].get_ydata(), wide.median(axis=1))
        assert to_hex(lines[arm].get_color()) == arm_colour(results, arm).lower()
    axes = results.plot.burden().axes[0]
    band = axes.collections[-1].get_paths()[0].vertices
    for day, column in wide.iterrows():
        assert_allclose(np.unique(band[band[:, 0] == day, 1])[[0, -1]], np.quantile(column, [0.1, 0.9]))
    assert sum(line.get_linewidth() < 0.5 for line in axes.lines) == 3 * 5
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("day", "burden (% of resident cells senescent)")
    assert "of 5 replicates per arm; thin lines: single replicates" in words(axes.figure)


def test_more_than_twelve_runs_are_not_drawn_one_by_one() -> None:
    axes = make(replicates=13).plot.burden().axes[0]
    assert not any(line.get_linewidth() < 0.5 for line in axes.lines)
    assert "thin" not in words(axes.figure)


def test_one_panel_per_tissue_and_one_on_request() -> None:
    results = make(tissues=("skin", "muscle"))
    assert [axes.get_title("left") for axes in results.plot.burden().axes] == ["skin", "muscle"]
    assert len(results.plot.burden("muscle").axes) == 1


def test_an_arm_keeps_its_colour_in_every_figure() -> None:
    results = make(SEVEN)
    assert len({arm_colour(results, arm) for arm in SEVEN}) == 7
    for arm in SEVEN[:3]:
        ink = readable(arm_colour(results, arm))
        for figure in (results.plot.burden(), results.plot.maps(), results.plot.causes()):
            assert {to_hex(text.get_color()) for text in texts(figure) if spoken(text) == arm} == {ink}


# -------------------------------------------------------------------------------------------------------------- maps


def test_maps_show_the_stored_states_in_their_colours() -> None:
    results = make(layers=("state",))
    images = [axes.images[0] for axes in results.plot.maps(replicate=1).axes]
    stored = [results.maps(arm, 1)["state"][day] for arm in ARMS for day in (0, 1)]
    assert len(images) == len(stored)
    for image, state in zip(images, stored, strict=True):
        assert_array_equal(image.get_array(), state)
        assert image.get_interpolation() == "none"
        rgba = image.to_rgba(state)
        for code, colour in enumerate(STATE_COLOURS):
            assert {to_hex(each) for each in rgba[state == code]} <= {colour.lower()}


def test_sites_are_squares_of_whole_pixels() -> None:
    figure = make(shape=(30, 50), layers=("state",)).plot.maps()
    for axes in figure.axes:
        box = axes.get_position()
        width, height = np.array([box.width, box.height]) * figure.get_size_inches() * DPI
        left, bottom = np.array([box.x0, box.y0]) * figure.get_size_inches() * DPI
        assert width / 50 == pytest.approx(round(width / 50))
        assert height / 30 == pytest.approx(width / 50)
        assert (left, bottom) == pytest.approx((round(left), round(bottom)))


def test_factors_share_one_scale_and_cover_the_tissue() -> None:
    results = make(layers=("SASP",))
    images = [
        axes.images[0] for axes in results.plot.maps().axes if axes.images and axes.images[0].get_extent()[0] == 0
    ]
    images = [image for image in images if image.get_array().shape == (3, 4)]
    most = max(float(results.maps(arm)["SASP"].max()) for arm in ARMS)
    assert len(images) == 6
    assert {image.get_clim() for image in images} == {(0.0, most)}
    assert {tuple(image.get_extent()) for image in images} == {(0.0, 120.0, 0.0, 90.0)}  # 8 x 6 sites of 15 um


def test_block_shows_its_middle_slice() -> None:
    results = make(shape=(5, 4, 6), layers=("state",))
    figure = results.plot.maps()
    assert_array_equal(figure.axes[0].images[0].get_array(), results.maps("no_graft")["state"][0, 2])
    assert "middle of 5 layers along z" in words(figure)


def test_a_block_with_depth_along_z_is_cut_across() -> None:
    """The surface, z = 0, on top; 6 x 4 sites of 15 um."""
    results = make(shape=(4, 5, 6), layers=("state", "SASP"), replicates=1)
    results.scenario["tissues"]["skin"]["depth_axis"] = "z"
    figure = results.plot.maps()
    image = figure.axes[0].images[0]
    assert_array_equal(image.get_array()[::-1], results.maps("no_graft")["state"][0][:, 2])
    assert image.get_extent() == [0.0, 90.0, 0.0, 60.0]
    assert "cut through the middle of y, surface on top, depth 60 µm" in words(figure)
    a, b = (results.maps(arm)["state"][-1][::-1, 2] == 1 for arm in ("graft", "no_graft"))
    drawn = results.plot.difference("graft").axes[-1].images[0].get_array()
    for code, mask in ((1, a & b), (2, b & ~a), (3, a & ~b)):
        assert_array_equal(drawn == code, mask)


def test_a_cloud_with_depth_along_z_is_cut_across() -> None:
    results = make(cloud="positions", layers=("state",), replicates=1)
    results.scenario["tissues"]["skin"]["depth_axis"] = "z"
    results.sites["z"] = np.linspace(0.0, 300.0, len(results.sites))
    figure = results.plot.maps()
    discs = figure.axes[0].collections[0]
    middle = (results.sites["y"].max() + results.sites["y"].min()) / 2.0
    near = results.sites[(results.sites["y"] - middle).abs() <= 7.5]
    assert_array_equal(discs.get_offsets()[:, 0], near["x"])
    assert_allclose(discs.get_offsets()[:, 1] + near["z"], figure.axes[0].get_ylim()[1])
    assert "middle of y" in words(figure)


def test_cloud_shows_discs_to_scale_at_their_places() -> None:
    results = make(cloud="packing", layers=("state",))
    figure = results.plot.maps()
    discs = figure.axes[1].collections[0]
    assert_array_equal(discs.get_offsets(), results.sites[["x", "y"]])
    assert_array_equal(discs.get_array(), results.maps("no_graft")["state"][1])
    assert discs.get_widths() == pytest.approx(discs.get_widths()[0])  # um: units are those of the axes
    assert f"discs {discs.get_widths()[0]:.0f} µm across" in words(figure)


def test_cells_packed_anew_have_places_in_the_first_replicate_only() -> None:
    with pytest.raises(ResultsError, match="kept for replicate 0 only, got 1"):
        make(cloud="packing").plot.maps(replicate=1)
    assert make(cloud="positions").plot.maps(replicate=1).axes
    assert "replicate 0." in words(make(cloud="packing").plot.difference())


def test_causes_go_by_name_where_arms_number_them_differently() -> None:
    results = make(["a", "b"], replicates=1, days=(3.0,), shape=(1, 2), layers=("state", "cause"))
    results.manifest["event_names"] = {"a": [*NAMES, "graft"], "b": [*NAMES[:9], "graft"]}
    for arm, codes in (("a", [11, 6]), ("b", [9, 6])):  # graft, damage
        layers = results.maps(arm)
        layers["cause"], layers["state"] = np.array([[codes]], np.uint8), np.ones((1, 1, 2), np.uint8)
    first, second = (axes.images[0] for axes in results.plot.maps(layers=["cause"]).axes)
    assert_array_equal(first.to_rgba(first.get_array()), second.to_rgba(second.get_array()))


def test_holes_are_left_open() -> None:
    results = make(replicates=1)
    for arm in ARMS:
        results.maps(arm)["state"][:, 0, 0] = 4
    assert "no site" in words(results.plot.maps())
    image = results.plot.maps().axes[0].images[0]
    assert image.to_rgba(image.get_array())[0, 0, 3] == 0.0
    assert results.plot.difference().axes[0].images[0].get_array().mask[0, 0]


def test_of_many_days_six_are_shown_or_those_asked_for() -> None:
    results = make(arms=["a", "b"], days=tuple(np.arange(0.0, 31.0)), layers=("state",))
    for figure in (results.plot.maps(), results.plot.difference()):
        said = words(figure)
        assert re.findall(r"day (\d+)", said) == ["0", "6", "12", "18", "24", "30"]
        assert re.search(r"6 of 31 days (with maps|on which an arm differs)\.", said)
    results.scenario["record"] = {"maps_every": 1, "days": [6.5, "1 wk", 40]}
    for figure in (results.plot.maps(), results.plot.difference()):
        assert re.findall(r"day (\d+)", words(figure)) == ["7", "30"]


# ------------------------------------------------------------------------------------------------------------- files


def test_the_folder_alone_gives_the_same_bytes(tmp_path: Path) -> None:
    results = make(question="?")
    folder = Folder(tmp_path / "run")
    folder.write(results, "tissues: {skin: {}}\n")
    stored = read_results(folder.finish())
    memory, again = save_all(results, tmp_path / "memory"), save_all(stored, tmp_path / "run" / "figures")
    names = [f"{name}{end}" for name in ("burden", "maps", "causes", "difference") for end in (".png", ".svg")]
    assert [path.name for path in memory] == [path.name for path in again] == names
    for one, other in zip(memory, again, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_svg_keeps_text_and_no_date(tmp_path: Path) -> None:
    paths = save_all(make(), tmp_path)
    svg = {path.stem: path.read_text(encoding="utf-8") for path in paths if path.suffix == ".svg"}
    assert "burden (% of resident cells senescent)</text>" in svg["burden"]
    assert all(f">{arm}</text>" in svg["maps"] for arm in ARMS)
    assert not any("<dc:date>" in text for text in svg.values())


def test_png_has_150_dots_per_inch(tmp_path: Path) -> None:
    path = save_all(make(), tmp_path)[0]
    head = path.read_bytes()
    assert int.from_bytes(head[16:20]) == 4 * 150  # a panel is four inches wide
    place = head.index(b"pHYs")
    assert int.from_bytes(head[place + 4 : place + 8]) == round(150 / 0.0254)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"layers": ()}, ["burden", "causes"]),
        ({"arms": ["control"]}, ["burden", "maps", "causes"]),
        ({"layers": ("SASP",)}, ["burden", "maps", "causes"]),
        ({"arms": SEVEN}, ["burden", "maps-state", "maps-SASP", "causes", "difference"]),
        ({"arms": SEVEN, "layers": ("state",)}, ["burden", "maps", "causes", "difference"]),
        (
            {"tissues": ("skin", "gut")},
            [
                "burden",
                "body_map",
                *(f"{kind}-{t}" for kind in ("maps", "causes", "difference") for t in ("skin", "gut")),
            ],
        ),
    ],
)
def test_only_figures_that_the_tables_allow(arguments: dict[str, Any], names: list[str], tmp_path: Path) -> None:
    assert [path.stem for path in save_all(make(**arguments), tmp_path)][::2] == names


def test_qualitative_runs_say_so_on_every_figure() -> None:
    plot, plain = make(qualitative=True).plot, make().plot
    for name in ("burden", "maps", "causes", "difference"):
        assert "qualitative: directions only" in words(getattr(plot, name)())
        assert "qualitative" not in words(getattr(plain, name)())


def test_settings_of_the_user_stay_and_do_not_matter(tmp_path: Path) -> None:
    usual = [path.read_bytes() for path in save_all(make(), tmp_path / "usual")]
    with mpl.rc_context({"font.size": 30, "text.color": "red", "axes.facecolor": "pink", "image.origin": "upper"}):
        before = dict(mpl.rcParams)
        own = save_all(make(), tmp_path / "own")
        assert dict(mpl.rcParams) == before
    assert [path.read_bytes() for path in own[2:4]] == usual[2:4]  # maps
    assert make().plot.burden()._repr_png_().startswith(b"\x89PNG")  # what a notebook shows


def test_figures_do_without_pyplot() -> None:
    code = "import sys, sim.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
