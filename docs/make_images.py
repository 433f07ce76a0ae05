"""The pictures of README and docs, all or those that are named: ``python docs/make_images.py dark_spot joint``.

Most are a file that a command leaves, and that command is shown beside the picture (`COMMANDS`); two are put together
here from several figures.
"""

from __future__ import annotations

import io
import shlex
import sys
from contextlib import chdir
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

import sim
from sim.analysis.survival import kaplan_meier, lives
from sim.cli import main as senodrift
from sim.figures.layout import place, plain, write
from sim.figures.style import ARM_COLOURS, INK, SMALL, TEXT, Picture, our_look
from sim.scenario.load import select_arms

HOME = Path(__file__).parents[1]
SPOT = "vehicle,sucrose_dilaurate,niacinamide,glabridin,glabridin_stopped,senolytic,combination"
GRAFT = "senodrift run configs/skin_graft.yaml --workers 2 --out results/skin_graft"
COMMANDS = {  # picture: the file, and the commands that leave it, as README or the page with the picture shows them
    "body_map": ("results/skin_graft/figures/body_map.png", [GRAFT]),
    "outcomes": ("results/skin_graft/figures/outcomes.png", [GRAFT]),
    "kill_or_tame": (
        "results/kill_or_tame/figures/trade_off.png",
        ["senodrift run configs/kill_or_tame.yaml --workers 2 --out results/kill_or_tame"],
    ),
    "channels": (
        "channels.png",
        [
            "senodrift run configs/drift_or_sasp.yaml --workers 2 --out results/channels",
            "senodrift channels results/channels --figure channels.png",
        ],
    ),
    "dark_spot": (
        "results/dark_spot/figures/skin.png",
        [f"senodrift run configs/dark_spot.yaml --replicates 1 --out results/dark_spot --arms {SPOT}"],
    ),
    "sun_spot": (
        "results/spot/figures/skin.png",
        ["senodrift run configs/dark_spot.yaml --arms vehicle,glabridin,senolytic --replicates 1 --out results/spot"],
    ),
    "apple_store": (
        "results/apple_store/figures/burden.png",
        ["senodrift run configs/apple_store.yaml --workers 2 --out results/apple_store"],
    ),
    "joint": (
        "results/functions/figures/functions.png",
        ["senodrift run configs/joint.yaml --workers 2 --set outcomes=null --out results/functions"],
    ),
}


@cache
def call(command: str) -> None:
    """Do what a shell would do with a line; once, where pictures share it."""
    try:
        senodrift(shlex.split(command)[1:])
    except SystemExit as stop:
        if stop.code:
            raise


def left_by_commands(name: str) -> Image.Image:
    """One of `COMMANDS`."""
    place, commands = COMMANDS[name]
    for command in commands:
        call(command)
    return Image.open(place)


def drawn(figure: Figure) -> Image.Image:
    """A figure as its file would show it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return Image.open(buffer)


def skin_graft() -> Image.Image:
    """Maps of the skin and the burden over time side by side: the first picture of the README."""
    two = select_arms(sim.load("configs/skin_graft.yaml"), ["sham", "graft"])
    results = sim.run(two, workers=2)
    parts = [drawn(results.plot.maps(tissue="skin", layers=["state"])), drawn(results.plot.burden("skin"))]
    whole = Image.new("RGB", (sum(each.width for each in parts), max(each.height for each in parts)), "white")
    left = 0
    for each in parts:
        whole.paste(each, (left, (whole.height - each.height) // 2))
        left += each.width
    return whole


# --------------------------------------------------------------------------------------------------- docs/lifespan.md

START = 776.0  # first dose [d]
ARMS = {  # words, colour, line
    "vehicle": ("vehicle", ARM_COLOURS[0], "-"),
    "d_q_all_cells": ("all cells reached", ARM_COLOURS[6], "-"),
    "d_q_refractory": ("85 % refractory", ARM_COLOURS[1], "-"),
    "d_q_unreached": ("85 % unreached", ARM_COLOURS[2], (0, (3, 3))),
}


def survivors(axes: Axes, results: sim.Results) -> None:
    """Share alive, of those alive at the first dose."""
    for arm, (words, colour, dash) in ARMS.items():
        ages, died = lives(results, arm)
        curve = kaplan_meier(ages[ages > START], died[ages > START])
        axes.step(np.r_[START, curve.ages], np.r_[1.0, curve.alive], where="post", color=colour, ls=dash, label=words)
    axes.set(xlabel="age (d)", ylabel="share alive, of those alive at 776 d", xlim=(START, 2600), ylim=(0, 1.02))


def reached(axes: Axes, results: sim.Results) -> None:
    """Burden of the tissue that the drug reaches in both variants."""
    table = results.timeseries.query("tissue == 'reached' and 700 <= day <= 1000")
    for arm, (_, colour, dash) in ARMS.items():
        mean = table[table["arm"] == arm].groupby("day")["burden"].mean()
        axes.plot(mean.index, mean, color=colour, ls=dash)
    axes.set(xlabel="age (d)", ylabel="burden of the reached tissue (%)", xlim=(700, 1000), ylim=(0, None))


def gains(axes: Axes, results: sim.Results) -> None:
    """Row 19 and row 20: mice, a share that is not killed, other deaths instead."""
    medians = {arm: lives(results, arm)[0] for arm in results.arms}

    def left(arm: str, base: str, start: float) -> float:
        a, b = (np.median(medians[each][medians[each] > start]) - start for each in (arm, base))
        return 100.0 * float(a / b - 1.0)

    pairs = [
        ("mice", 36.0, 25.5, INK),
        ("85 % not killed", left("d_q_refractory", "vehicle", START), left("ap20187_refractory", "vehicle", 0.0),
         ARM_COLOURS[1]),
        ("other deaths instead", left("d_q_other_deaths", "vehicle_other_deaths", START),
         left("ap20187_other_deaths", "vehicle_other_deaths", 0.0), ARM_COLOURS[4]),
    ]  # fmt: skip
    for i, (words, late, early, colour) in enumerate(pairs):
        bars = axes.bar(np.arange(2) + (i - 1) * 0.27, [late, early], 0.25, color=colour, label=words)
        axes.bar_label(bars, fmt="%+.0f", size=SMALL)
    axes.set_xticks(
        [0, 1], ["time left, D+Q\nfrom 25 months\n(fitted)", "life, twice a week\nfrom 12 months\n(predicted)"]
    )
    axes.set(ylabel="gain of the median (%)", ylim=(0, 56))


@our_look()
def three_panels(results: sim.Results, course: sim.Results) -> Figure:
    """Three panels and their caption."""
    figure = Picture(figsize=(10.2, 3.6), dpi=150, facecolor="white")
    for i, (draw, title) in enumerate(((survivors, "The trap and its way out"), (reached, "What tells the two apart"),
                                       (gains, "Other deaths do not suffice"))):  # fmt: skip
        axes = place(figure, 0.6 + 3.4 * i, 0.95, 2.6, 2.3)
        plain(axes)
        draw(axes, course if draw is reached else results)
        axes.set_title(title, loc="left", weight="bold", size=TEXT)
        if i != 1:
            axes.legend(frameon=False, fontsize=SMALL, loc=(0.24, 0.3) if i == 0 else "upper right")
    n, of_course = (len(lives(each, "vehicle")[0]) for each in (results, course))
    caption = (
        f"Well-mixed mice of configs/lifespan_trial.yaml, the same luck in all arms, n = {n} per arm (middle: "
        f"{of_course}, mean of those alive). Mice: Xu 2018, Baker 2016 (24 to 27 %)."
    )
    write(figure, 0.1, 0.1, caption, size=SMALL)
    return figure


def lifespan() -> Image.Image:
    """Survival, the burden of the reached tissue, and gains, of well-mixed mice."""
    scenario = sim.load("configs/lifespan_trial.yaml", {"record.every": "300 d"})
    course = select_arms(scenario.override({"record.every": "5 d", "days": "1000 d"}), list(ARMS))
    return drawn(three_panels(sim.run(scenario, workers=2), sim.run(course, replicates=1000)))


PICTURES = {**{name: partial(left_by_commands, name) for name in COMMANDS}, "skin_graft": skin_graft,
            "lifespan": lifespan}  # fmt: skip


def make(names: list[str], folder: Path) -> None:
    """Write pictures into a folder."""
    with TemporaryDirectory() as desk, chdir(desk):
        Path("configs").symlink_to(HOME / "configs")
        for name in names or PICTURES:
            PICTURES[name]().convert("RGB").save(folder / f"{name}.png", optimize=True)


if __name__ == "__main__":
    make(sys.argv[1:], HOME / "docs" / "images")
