"""The picture of docs/lifespan.md: ``python docs/make_lifespan.py``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import sim
from sim.analysis.survival import kaplan_meier, lives
from sim.figures.layout import place, plain, write
from sim.figures.style import ARM_COLOURS, INK, SMALL, TEXT, Picture, our_look, save
from sim.scenario.load import select_arms

HERE = Path(__file__).parent
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
def picture(results: sim.Results, course: sim.Results) -> Figure:
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


def main() -> None:
    """Write docs/images/lifespan.png."""
    scenario = sim.load(HERE.parent / "configs" / "lifespan_trial.yaml", {"record.every": "300 d"})
    course = scenario.override({"record.every": "5 d", "days": "1000 d"})
    tables = sim.run(scenario, workers=2), sim.run(select_arms(course, list(ARMS)), replicates=1000)
    save(picture(*tables), HERE / "images" / "lifespan.png")


if __name__ == "__main__":
    main()
