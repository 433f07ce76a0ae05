"""Movies: a frame per day, colours of the state to the bit, a clock that tells the day and the doses."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from PIL import Image
from test_figures import make
from worlds import QUIET

import sim
from sim.errors import ResourceError, ResultsError
from sim.figures.film import PALETTE
from sim.figures.movie import ON_CLOCK
from sim.figures.style import STATE_COLOURS
from sim.results import DOSE_COLUMNS, Results
from sim.scenario.load import from_dict

DAYS = (0.0, 2.0, 7.0, 10.0)
RGB = [tuple(round(255 * channel) for channel in to_rgb(colour)) for colour in STATE_COLOURS]


def two_by_two(arms: tuple[str, ...] = ("none", "drug"), **more: Any) -> Results:
    """A tissue of four cells: on day i, cell i is senescent, the next one cleared; of the second arm, scarred."""
    results = make(arms=list(arms), replicates=1, days=DAYS, shape=(2, 2), layers=("state", "SASP"), **more)
    for k, arm in enumerate(arms):
        state = np.zeros((len(DAYS), 4), np.uint8)
        for i in range(len(DAYS)):
            state[i, i], state[i, (i + 1) % 4] = 1, 2 + k % 2
        results.maps(arm, 0, "skin")["state"] = state.reshape(-1, 2, 2)
    given = [["drug", 0, 2.0, "course", "d", 1.0, "mg/kg", "oral", "given"]]
    results.doses = pd.DataFrame(given, columns=DOSE_COLUMNS)
    return results


def read_gif(file: Path | BytesIO) -> tuple[list[np.ndarray], list[int]]:
    """Frames as RGB and their durations [ms]."""
    with Image.open(file) as gif:
        frames, durations = [], []
        for i in range(gif.n_frames):  # type: ignore[attr-defined]
            gif.seek(i)
            frames.append(np.asarray(gif.convert("RGB")))
            durations.append(gif.info["duration"])
    return frames, durations


def middles(results: Results) -> dict[str, list[tuple[int, int]]]:
    """Pixel (row, column) of the middle of each of the four cells, by arm."""
    stage = results.plot.movie()._painter._stage
    height = stage.figure.bbox.height
    found = {}
    for arm, drawn in stage.tiles.items():
        places = drawn.axes.transData.transform([(7.5, 7.5), (22.5, 7.5), (7.5, 22.5), (22.5, 22.5)])
        found[arm] = [(int(height - y), int(x)) for x, y in places]
    return found


def test_a_gif_has_a_frame_per_day_and_the_colours_of_the_states(tmp_path: Path) -> None:
    results = two_by_two()
    frames, durations = read_gif(results.plot.movie().save(tmp_path / "state.gif", fps=8))
    assert len(frames) == len(DAYS)
    assert sum(durations) == 500  # 4 / 8 s, though one frame of 125 ms is no whole number of hundredths
    places = middles(results)
    for arm in ("none", "drug"):
        for i, frame in enumerate(frames):
            seen = [tuple(frame[place].tolist()) for place in places[arm]]
            assert seen == [RGB[code] for code in results.maps(arm, 0, "skin")["state"][i].ravel()]


def test_arms_stand_side_by_side_in_their_order() -> None:
    places = middles(two_by_two())
    assert max(x for _, x in places["none"]) < min(x for _, x in places["drug"])
    assert [y for y, _ in places["none"]] == [y for y, _ in places["drug"]]
    six = middles(two_by_two(tuple("abcdef")))
    assert len({places[0][0] for places in six.values()}) == 2  # rows
    one = two_by_two().plot.movie(arms=["drug"])
    assert list(one._painter._stage.tiles) == ["drug"]


def test_the_clock_stands_at_the_day_and_doses_at_theirs() -> None:
    movie = two_by_two().plot.movie()
    stage = movie._painter._stage
    red, drug = (np.round(255 * np.array(to_rgb(colour))) for colour in (ON_CLOCK, "#0072B2"))
    lower = slice(int(stage.figure.bbox.height * 0.75), None)
    for day, frame in zip(movie.days, movie.frames, strict=True):
        pixels = np.asarray(frame.convert("RGB")).astype(int)[lower]
        pointer = np.abs(pixels - red).sum(axis=2) < 60
        assert np.flatnonzero(pointer.any(axis=0)).mean() == pytest.approx(movie.mark(day), abs=1.5)
    bar = np.abs(np.asarray(movie.frames[-1].convert("RGB")).astype(int)[lower] - drug).sum(axis=2) < 60
    ticks = np.flatnonzero((bar.sum(axis=0) >= 5) & (np.arange(bar.shape[1]) < movie.mark(DAYS[-1])))
    assert ticks.mean() == pytest.approx(movie.mark(2.0), abs=1.5)


def test_one_palette_and_the_same_bytes(tmp_path: Path) -> None:
    movie = two_by_two().plot.movie("SASP")
    palettes = {bytes(frame.getpalette()) for frame in movie.frames}  # type: ignore[arg-type]
    assert len(palettes) == 1
    assert len(palettes.pop()) <= 3 * PALETTE
    again = two_by_two().plot.movie("SASP")
    files = [each.save(tmp_path / f"{i}.gif") for i, each in enumerate((movie, again))]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert list(tmp_path.glob("*.partial*")) == []
    shown = movie._repr_html_()
    assert shown.startswith('<img alt="test: SASP, replicate 0."')


def test_an_mp4_has_the_same_frames(tmp_path: Path) -> None:
    movie = two_by_two().plot.movie()
    file = movie.save(tmp_path / "state.mp4", fps=4)
    ffmpeg, (width, height) = imageio_ffmpeg.get_ffmpeg_exe(), movie.frames[0].size
    assert (width % 2, height % 2) == (0, 0)
    about = subprocess.run([ffmpeg, "-i", file], capture_output=True, text=True, check=False).stderr
    for said in ("Video: h264", "yuv420p", "bt709", f"{width}x{height}", "4 fps"):
        assert said in about
    command = [ffmpeg, "-v", "error", "-i", file, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    frames = np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3).astype(int)
    assert len(frames) == len(DAYS)
    for made, read in zip(movie.frames, frames, strict=True):
        assert np.abs(np.asarray(made.convert("RGB")).astype(int) - read).mean() < 4.0  # of 255: chroma is halved
    assert movie.save(tmp_path / "again.mp4", fps=4).read_bytes() == file.read_bytes()


def test_clouds_and_blocks_and_holes_move_too() -> None:
    for world in ({"cloud": "positions"}, {"shape": (5, 4, 6)}):
        movie = make(arms=["a", "b"], replicates=1, **world).plot.movie()  # type: ignore[arg-type]
        assert [frame.size for frame in movie.frames] == [movie.frames[0].size] * 2
        assert np.any(np.asarray(movie.frames[0]) != np.asarray(movie.frames[1]))


def test_an_arm_without_a_map_of_that_day_is_left_empty() -> None:
    results = two_by_two()
    maps = results.maps("drug", 0, "skin")
    maps["days"], maps["state"] = maps["days"][:1], maps["state"][:1]
    last = np.asarray(results.plot.movie().frames[-1].convert("RGB"))
    assert {tuple(last[place].tolist()) for place in middles(results)["drug"]} == {(255, 255, 255)}


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"layer": "stat"}, r"maps: layers: must be one of state, SASP, got stat \(did you mean state\?\)"),
        ({"arms": ["drgu"]}, r"movie: arms: must be one of none, drug, got drgu \(did you mean drug\?\)"),
        ({"tissue": "skim"}, r"movie: tissue: must be one of skin, got skim"),
        ({"replicate": 4}, "maps: none kept for arm none, replicate 4, tissue skin"),
    ],
)
def test_what_cannot_be_shown_is_said(how: dict[str, Any], message: str) -> None:
    with pytest.raises(ResultsError, match=message):
        two_by_two().plot.movie(**how)


def test_files_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    movie = two_by_two().plot.movie()
    with pytest.raises(ResultsError, match=r"x.avi: movie: must end in .gif or .mp4, got .avi"):
        movie.save("x.avi")
    with pytest.raises(ResultsError, match="fps: must be more than 0 and at most 50, got 0"):
        movie.save("x.gif", fps=0)
    with pytest.raises(ResourceError, match="must be a file that can be written"):
        movie.save(tmp_path / "nowhere" / "x.gif")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ResourceError, match=r"movie: mp4: needs imageio_ffmpeg, .* pip install 'senodrift\[movies\]'"):
        movie.save(tmp_path / "x.mp4")
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------------ which days are kept


def scenario(**record: Any) -> sim.Scenario:
    tree = {"days": 10, "dt": 0.5, "tissues": {"patch": {**QUIET, "shape": [4, 4]}}, "record": record}
    return from_dict(tree)


@pytest.mark.parametrize(
    ("record", "days"),
    [
        ({"maps_every": 4}, [0, 4, 8, 10]),
        ({"maps_every": "5 d", "days": [1, 5]}, [0, 1, 5, 10]),
        ({"maps_every": 100}, [0, 10]),
        ({"days": [7, 3, 7]}, [3, 7]),
        ({}, []),
    ],
)
def test_a_map_every_so_often(record: dict[str, Any], days: list[float]) -> None:
    world = scenario(maps=["state"], **record)
    assert world.common.map_days == days
    if days:
        assert sim.run(world, replicates=1).maps("control")["days"].tolist() == days


def test_frames_are_equally_long() -> None:
    with pytest.raises(sim.ScenarioError, match=r"record.maps_every: must be a multiple of dt \(0.5 d\), got 0.7 d"):
        scenario(maps=["state"], maps_every=0.7)
    with pytest.raises(sim.ScenarioError, match=r"must be a multiple of dt \(0.5 d\), got 0.25 d"):
        scenario(maps=["state"], maps_every=0.25)
    assert scenario(maps=["state"], maps_every="36 h").common.map_days == [0, 1.5, 3, 4.5, 6, 7.5, 9, 10]


def test_maps_that_are_not_kept_or_do_not_fit_are_told() -> None:
    assert scenario(maps_every=1).notes == ("record.maps_every: no map is kept, because record.maps names no layer",)
    assert scenario(maps=["state"]).notes == ("record.maps: no map is kept, because record.days is empty",)
    huge = {"tissues.patch.shape": [3000, 3000], "record.maps_every": 10, "days": 1e5, "replicates": 1000}
    with pytest.raises(sim.ScenarioError, match=r"record.maps: must fit into the memory .* got 10001 days of maps"):
        scenario(maps=["state"]).override(huge)
