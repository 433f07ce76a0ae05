"""Pictures of the validation, from the rows and curves that are kept: ``python tests/validation/pictures.py``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from numerics import DAYS, FIRST, logistic
from PIL import Image
from rows import GROUPS
from store import DOCS, stored, stored_curves, stored_rows
from target import CLASSES, Curve, Row, curve
from words import quantity

from sim.figures.film import png_bytes
from sim.figures.layout import fitted, page, place, text_height, write
from sim.figures.style import ARM_COLOURS, FAINT, INK, SMALL, TEXT, Picture, our_look, save

FOLDER = DOCS / "images" / "validation"
LOOKS = dict(zip(CLASSES, (("#0072B2", "o"), ("#56B4E9", "s"), ("#E69F00", "^"), ("#009E73", "D")), strict=True))
FAILED = "#D55E00"
BAND, OPEN = "#E4E4E4", 2.6  # fill of the tolerance; where an axis ends, in half widths of a tolerance
NAMES, WORDS, ACROSS = 2.75, 1.75, 2.3  # inch: names, numbers, and the axes between them
SHOWN = {  # what a picture shows, for those who cannot see it; numbers are added
    "ageing": "Rows of ageing and turnover",
    "spread": "Rows of spread in a dish",
    "drugs": "Rows of drugs and length of life",
    "wound": "Rows of the wound",
    "grafts": "Rows of grafts",
    "apples": "Rows of apples in a store",
    "nulls": "Rows of expected nulls",
    "verification": "Rows of verification",
    "transport": "Level of a point source against distance with the exact curves, and the error against voxel side",
    "steps": "Burden and its error against the step, level error against the voxel, and the limit of a long reach",
    "percolation": "Repair against loss: healthy share against time, threshold against step, crossing of cluster sizes",
}


# -------------------------------------------------------------------------------------------------- rows and tolerances


def _scaled(row: Row) -> tuple[float, float, float, float] | None:
    """Position and error of ours, and the ends of the tolerance, on the common axis: -1 to 1, or open to one side.

    A tolerance that is open to one side has no width: the larger of its limit and the distance of ours to it is taken.
    Where that limit is 0, ours is shown over twice its standard error; without an error it has no place on the axis.
    """
    target, (value, error, _) = row.target, row.ours
    if math.isfinite(target.low) and math.isfinite(target.high):
        half = (target.high - target.low) / 2.0
        return (value - target.low) / half - 1.0, error / half, -1.0, 1.0
    limit, sign = (target.low, 1.0) if math.isfinite(target.low) else (target.high, -1.0)
    if limit == 0.0:
        ends = sorted((sign * target.margin / 2.0, sign * OPEN))
        return (value / (2.0 * error), 0.5, ends[0], ends[1]) if error > 0.0 else None
    width = max(abs(limit), abs(value - limit)) or 1.0
    ends = (-1.0, OPEN) if sign > 0.0 else (-OPEN, 1.0)
    return (value - limit) / width - sign, error / width, *ends


def forest(title: str, rows: Sequence[Row]) -> Picture:
    """All rows of a group: tolerance as a band, ours as a mark of its class with one standard error to either side."""
    height, key = [max(0.2, text_height(_named(row), SMALL) + 0.07) for row in rows], 0.3
    caption = (
        f"{title}: ours as a share of the tolerance (grey: -1 to 1; open to one side where only a limit is known, and "
        "scaled by the larger of the limit and our distance to it; a limit of 0: ours over twice its standard error). "
        "Bars: one standard error to either side, where there is luck; an arrow: beyond the axis; no mark: a limit of "
        f"0 and no luck. {_counts(rows)}. Right: ours."
    )
    figure, foot = page(None, NAMES + ACROSS + WORDS + 0.2, sum(height) + 0.5 + key, caption)
    axes = place(figure, NAMES, foot + 0.42, ACROSS, sum(height))
    edges = np.concatenate([[0.0], np.cumsum(height)])
    for row, top, bottom in zip(rows, edges, edges[1:], strict=False):
        _draw_row(axes, row, (top + bottom) / 2.0, (bottom - top) * 0.38)
        down = foot + 0.42 + sum(height) - (top + bottom) / 2.0
        write(figure, NAMES - 0.08, down, _named(row), size=SMALL, ha="right", va="center")
        ink = {"color": FAILED, "weight": "bold"} if not row.passed else {}
        write(figure, NAMES + ACROSS + 0.08, down, _ours(row), size=SMALL, va="center", **ink)
    axes.set(xlim=(-OPEN, OPEN), ylim=(edges[-1], 0.0), yticks=[], xlabel="ours, of the tolerance (half its width = 1)")
    axes.spines[["left", "right", "top"]].set_visible(False)
    _key(axes, {row.target.kind for row in rows}, any(not row.passed for row in rows))
    return figure


def _counts(rows: Sequence[Row]) -> str:
    low, high = (pick(row.ours.n for row in rows) for pick in (min, max))
    return f"n = {low:,}" if low == high else f"n from {low:,} to {high:,}, row by row in the table"


def _named(row: Row) -> str:
    return fitted(f"{row.target.number}  {row.target.what}".replace("`", ""), NAMES - 0.2, SMALL)


def _ours(row: Row) -> str:
    return fitted(("FAIL  " if not row.passed else "") + quantity(row.ours, row.target.unit), WORDS - 0.1, SMALL)


def _draw_row(axes: Axes, row: Row, y: float, half: float) -> None:
    scaled = _scaled(row)
    if scaled is None:
        return
    at, error, low, high = scaled
    axes.fill_betweenx([y - half, y + half], low, high, color=BAND, lw=0)
    colour, marker = LOOKS[row.target.kind]
    beyond = abs(at) > OPEN
    shown = math.copysign(OPEN - 0.12, at) if beyond else at
    if error > 0.0 and not beyond:
        axes.plot([at - error, at + error], [y, y], color=INK, lw=0.8)
    marker = (">" if at > 0 else "<") if beyond else marker
    axes.plot(shown, y, marker, color=colour, ms=5, mec=INK, mew=0.5, clip_on=False)
    if not row.passed:
        axes.plot(shown, y, "o", mfc="none", mec=FAILED, mew=1.4, ms=10, clip_on=False)


def _key(axes: Axes, kinds: Iterable[str], failed: bool) -> None:
    for kind in (each for each in CLASSES if each in kinds):
        colour, marker = LOOKS[kind]
        axes.plot([], [], marker, color=colour, mec=INK, mew=0.5, ms=5, label=kind)
    if failed:
        axes.plot([], [], "o", mfc="none", mec=FAILED, mew=1.4, ms=9, label="fails")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=5, frameon=False, fontsize=SMALL,
                handletextpad=0.2, columnspacing=1.0)  # fmt: skip


# --------------------------------------------------------------------------------------------------------------- curves


def _panels(n: int, caption: str, across: int = 3) -> tuple[Picture, list[Axes]]:
    """Square panels side by side, with a caption."""
    size, left, below, between = 1.75, 0.62, 0.5, 0.68
    down = math.ceil(n / across)
    figure, foot = page(None, across * (size + between) + 0.15, down * (size + below + 0.3), caption)
    places = [(left + i % across * (size + between), foot + (down - 1 - i // across) * (size + below + 0.3) + below)
              for i in range(n)]  # fmt: skip
    return figure, [place(figure, x, y, size, size) for x, y in places]


def _say(axes: Axes, title: str, x: str, y: str, **scales: object) -> None:
    axes.set_title(title, loc="left", size=TEXT, weight="bold")
    axes.set(xlabel=x, ylabel=y, **scales)
    axes.spines[["right", "top"]].set_visible(False)
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log":
            axis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_locator(NullLocator())
    if axes.get_legend_handles_labels()[1]:
        axes.legend(frameon=False, fontsize=SMALL, handlelength=1.4, labelspacing=0.3)


def _points(axes: Axes, each: Curve, look: int, label: str = "", line: str = "") -> None:
    colour, marker = ARM_COLOURS[1:][look], "o^sDv"[look]
    axes.errorbar(each["x"], each["y"], each["error"] if (each["error"] > 0.0).any() else None,
                  fmt=marker + line, color=colour, ms=3.5, lw=0.9, label=label)  # fmt: skip


def transport(curves: Mapping[str, Curve]) -> Picture:
    """Level against distance, and error against the side of a voxel."""
    caption = (
        "A point source at rest (periodic box of 8 decay lengths L, images summed; float64, no luck: n = 1). Left: "
        "level of one unit secreted per day, D = k = 1, along an axis of the grid, voxels of L/4 (plane) and L/3 "
        "(space); lines: K0 and Yukawa. Right: rms of the relative error from 3 voxels of the coarsest grid to 3 L; "
        "also in a plane between reflecting walls (images are mirror sources), the way that a tissue goes by default."
    )
    figure, (levels, errors) = _panels(2, caption, across=2)
    for look, (dimension, name) in enumerate({"2d": "plane", "3d": "space"}.items()):
        found, known = (curves[f"source_{dimension}{each}"].query("x <= 3.8") for each in ("", "_exact"))
        rising = known.sort_values("x")
        levels.plot(rising["x"], rising["y"], color=ARM_COLOURS[1:][look], lw=0.9)
        _points(levels, found, look, name)
        _points(errors, curves[f"grid_{dimension}"], look, name, "-")
    _points(errors, curves["grid_walls"], 2, "plane, walls", "-")
    sides = np.array([0.026, 0.35])
    errors.plot(sides, 9.0 * sides**2, color=FAINT, lw=0.8, ls="--", label="slope 2")
    _say(levels, "level", "distance (L)", "level (1 / L^d)", yscale="log")
    _say(errors, "error", "side of a voxel (L)", "relative error (%)", xscale="log", yscale="log")
    return figure


def steps(curves: Mapping[str, Curve]) -> Picture:
    """Length of a step, size of a voxel, and the limit without space."""
    n = {name: int(curves[name]["n"].max()) for name in ("dt_tissue", "reach")}
    caption = (
        f"Burden of a paracrine tissue of 120 x 120 cells after 30 d (n = {n['dt_tissue']}, luck by step, so nothing "
        "is paired); error of the mean field in steps against logistic growth (no luck); level at healthy cells in "
        "voxels of 2, 4 and 8 cells a side against voxels of one cell, reach 5 cells (one tissue); burden after 7 d of "
        f"64 x 64 cells over the {logistic(FIRST, DAYS, 0.5):.0f} % that there would be without space, both from 5 % "
        f"(n = {n['reach']}). Bars: s.e."
    )
    figure, (burden, order, level, reach) = _panels(4, caption, across=2)
    _points(burden, curves["dt_tissue"], 0, line="-")
    _points(order, curves["dt_well_mixed"], 0, line="-")
    _points(level, curves["voxel_level"], 2, line="-")
    cells = curves["reach"].assign(x=curves["reach"]["x"] / 10.0)
    _points(reach, cells, 1, line="-")
    reach.axhline(1.0, color=FAINT, lw=0.8, ls="--")
    length = np.array([0.12, 1.0])
    order.plot(length, 7.0 * length, color=FAINT, lw=0.8, ls="--", label="slope 1")
    _say(burden, "tissue", "step (d)", "burden (%)", xlim=(0.0, None))
    _say(order, "mean field, 7 d", "step (d)", "error of burden (points)", xscale="log", yscale="log")
    _say(level, "voxels", "side of a voxel (reach)", "error of level, rms (%)", xlim=(0.0, None), ylim=(0.0, None))
    _say(reach, "limit of a long reach", "reach (cells)", "burden over mean field, 7 d", xscale="log")
    return figure


def percolation(curves: Mapping[str, Curve]) -> Picture:
    """Repair against loss, and loss without repair."""
    threshold = curves["threshold"].sort_values("x")
    n, limit_found = int(threshold["n"].max()), stored()["V5a"]
    small, large = (curves[f"cluster_von_neumann_{side}"] for side in (64, 256))
    caption = (
        f"Left: share of healthy sites where cells are lost at 1 /d and repaired at the rates given, steps of 1/40 d "
        f"(192 x 192 cells, mean of n = {n}); dashed: t^-0.4505. Middle: the rate at which the share falls so, against "
        f"the step, and at 0 what the two finest of each replicate point to, {quantity(limit_found, '')} (bars: "
        f"standard errors, n = {n}); dashed: 1.6488 of the contact process. Right: largest cluster of healthy cells "
        "without repair, times L^(5/48) / L² "
        f"(n = {int(small['n'].max())} and {int(large['n'].max())}); dashed: 0.592746 of site percolation."
    )
    figure, (decline, limit, cluster) = _panels(3, caption)
    finest = sorted(float(name.removeprefix("decline_")) for name in curves if name.startswith("decline_"))[-2:]
    for look, rate in enumerate(finest):
        _points(decline, curves[f"decline_{rate:g}"], look, f"{rate:g} /d")
    days = np.array([3.0, 100.0])
    decline.plot(days, 0.85 * days**-0.4505, color=FAINT, lw=0.8, ls="--")
    _points(limit, threshold, 0)
    limit.plot([0.0, threshold["x"].iloc[1]], [limit_found.value, threshold["y"].iloc[1]], color=ARM_COLOURS[1], lw=0.8)
    _points(limit, curve([0.0], [limit_found.value], limit_found.error, limit_found.n), 1)
    limit.axhline(1.6488, color=FAINT, lw=0.8, ls="--")
    for look, (side, each) in enumerate({64: small, 256: large}.items()):
        _points(cluster, each, look, f"{side} x {side}", "-")
    cluster.axvline(0.592746, color=FAINT, lw=0.8, ls="--")
    _say(decline, "dying out", "time (d)", "healthy share", xscale="log", yscale="log")
    _say(limit, "threshold", "step (d)", "rate of repair over loss", xlim=(-0.004, None))
    _say(cluster, "falling apart", "healthy share", "largest cluster, scaled")
    return figure


CURVES = {"transport": transport, "steps": steps, "percolation": percolation}


def alts() -> dict[str, str]:
    """What each picture shows, with the numbers in it that matter most."""
    curves, found = stored_curves(), stored()
    rows = {group.picture: stored_rows(group.targets) for group in GROUPS}
    reach, tissue, sides = curves["reach"], curves["dt_tissue"], curves["grid_2d"]
    told = {name: _told(each) for name, each in rows.items()} | {
        "transport": f"plane, from {sides['y'].max():.2g} % at L/4 to {sides['y'].min():.2g} % at L/16; n = 1",
        "steps": f"tissue, {tissue['y'].max():.3g} % at 1 d, {tissue['y'].min():.3g} % at 1/8 d (n = "
        f"{tissue['n'].max()}); over the mean field {reach['y'].iloc[0]:.2f} at a reach of one cell, "
        f"{reach['y'].iloc[-1]:.3f} at 64 (n = {reach['n'].max()})",
        "percolation": f"{quantity(found['V5a'], '')} where it dies out (n = {found['V5a'].n}), "
        f"{quantity(found['V5b'], '')} where it falls apart (n = {found['V5b'].n})",
    }  # fmt: skip
    return {name: f"{words}; {told[name]}" for name, words in SHOWN.items()}


def _told(rows: Sequence[Row]) -> str:
    outside = [f"{row.target.number} {quantity(row.ours, row.target.unit)}" for row in rows if not row.passed]
    which = f"outside: {', '.join(outside)}" if outside else "none outside"
    return f"ours with its standard error beside the tolerance band of {len(rows)} rows, {which}; {_counts(rows)}"


# ---------------------------------------------------------------------------------------------------------------- files


def saved(figure: Picture, name: str) -> Path:
    """A picture as a PNG of few colours, of which rare ones are not lost."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    file = save(figure, FOLDER / f"{name}.png")
    with Image.open(file) as whole:
        few = whole.convert("RGB").quantize(256, kmeans=3, dither=Image.Dither.NONE)
    file.write_bytes(png_bytes(few))
    return file


def draw_all() -> list[Path]:
    """All pictures anew."""
    with our_look():
        forests = [saved(forest(group.title, stored_rows(group.targets)), group.picture) for group in GROUPS]
        curves = stored_curves()
        return forests + [saved(draw(curves), name) for name, draw in CURVES.items()]


if __name__ == "__main__":
    for file in draw_all():
        print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")
