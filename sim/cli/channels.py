"""`senodrift channels`: what tells broad SASP from targeted drift, and which of them explains a set of maps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.app import app, check_picture
from sim.errors import ResourceError, ResultsError

if TYPE_CHECKING:
    import pandas as pd

    from sim.analysis.channel_choice import Choice
    from sim.results import Results


@app.command()
def channels(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="A results folder of arms with different channels, "
                                            "with maps of state, cause and type.", show_default=False)],
    observed: Annotated[list[Path] | None, typer.Option(metavar="RESULTS|CELLS.csv", help="Maps to explain: another "
                                                        "results folder, or a table of cells per map (x, y, state, "
                                                        "and type if known); tables may be given again.")] = None,
    arm: Annotated[str | None, typer.Option(help="Of the observed results folder.", show_default=False)] = None,
    centre: Annotated[str | None, typer.Option(metavar="X,Y", help="Of the lesion in tables of cells [um]; the middle "
                                               "of all cells, if not given.")] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the table of observables.")] = None,
    figure: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the observables (.png or .svg).")] = None,
) -> None:  # fmt: skip
    """Tell broad SASP from targeted drift.

    Channels are told by what can turn a cell in an arm: the level of a factor (sasp), the cargo that it takes up by
    affinity (drift), both, or neither. Shown are the observable differences around a lesion, with 95 % intervals; how
    many maps it takes to name the right channel, by what is measured; and with --observed, which channel explains a set
    of maps. Maps count as independent animals, the channels as equally likely before, and their strengths as those of
    RESULTS; where p is small not even the most likely channel fits.

    \b
    Examples:
      senodrift channels results/drift_or_sasp-4a42c6 --figure channels.png
      senodrift channels results/drift_or_sasp-4a42c6 --observed results/mine --arm drift
      senodrift channels results/drift_or_sasp-4a42c6 --observed mouse_1.csv --observed mouse_2.csv
    """  # noqa: D301
    from sim.analysis.channel_choice import MAP, calibration, channel_power, which_channel
    from sim.analysis.channels import channels as observables
    from sim.results import read_results

    check_picture(figure, "figure")
    reference = read_results(results)
    found = observables(reference)
    typer.echo("\n".join(_differences(reference, found)))
    used: tuple[str, ...] = (MAP,)
    if observed:
        maps = read_results(observed[0]) if observed[0].is_dir() else observed
        choice = which_channel(reference, maps, arm, _place(centre, observed[0]))
        used = choice.used
        typer.echo("\n" + "\n".join(_explained(choice)))
    typer.echo("\n" + "\n".join(_sizes(channel_power(reference, used), used, calibration(reference, used))))
    _write(reference, found, csv, figure)


def _write(reference: Results, found: pd.DataFrame, csv: Path | None, figure: Path | None) -> None:
    try:
        if csv is not None:
            found.to_csv(csv, index=False)
        if figure is not None:
            from sim.figures.style import save

            save(reference.plot.channels(), figure)
    except OSError as error:
        raise ResourceError(f"{error.filename}: file: must be writable, got {error.strerror}") from error


def _place(text: str | None, source: Path) -> list[float] | None:
    from sim.scenario.quantity import to_unit

    try:
        return None if text is None else [to_unit(each.strip(), "um") for each in text.split(",")]
    except ValueError as error:
        raise ResultsError(f"{source}: --centre: {error}") from None


def _differences(results: Results, found: pd.DataFrame) -> Iterator[str]:
    """A line per observable, a column per channel."""
    from sim.analysis.channels import OBSERVABLES
    from sim.analysis.headline import aligned

    names = list(dict.fromkeys(found["channel"]))
    table = [[f"{results.manifest['scenario']}, mean (95 %)", *names]]
    for observable, (words, unit) in OBSERVABLES.items():
        rows = found[found["observable"] == observable].set_index("channel")
        if rows["n"].any():
            in_unit = f" ({unit})" if unit else ""
            table.append([words + in_unit, *(_interval(rows.loc[name]) for name in names)])
    yield from aligned(table)
    arms = ", ".join(f"{name}: {arm}" for name, arm in zip(found["channel"], found["arm"], strict=True) if name != arm)
    yield f"{found['n'].max()} replicates{'; arms: ' * bool(arms)}{', '.join(dict.fromkeys(arms.split(', ')))}"


def _interval(row: pd.Series) -> str:
    if not row["n"]:
        return "-"
    ends = f" ({row['low']:.3g}, {row['high']:.3g})" if math.isfinite(row["low"]) else ""
    return f"{row['mean']:.3g}{ends}"


def _explained(choice: Choice) -> Iterator[str]:
    """Which channel explains the maps."""
    from sim.analysis.channel_choice import NO_FIT, NONE
    from sim.analysis.headline import aligned

    maps = "1 map" if choice.n_maps == 1 else f"{choice.n_maps} maps"
    table = [[f"observed: {maps}", "log likelihood", "probability", "p of fit"]]
    for _, row in choice.table.iterrows():
        table.append([row["channel"], f"{row['log_likelihood']:.1f}", _chance(row["probability"]), _chance(row["p"])])
    yield from aligned(table)
    best = choice.table.iloc[0]["channel"]
    if choice.channel == NONE:
        yield f"none of these: not even {best}, the most likely one, fits (p below {NO_FIT:g})"
    else:
        yield f"{best} explains {'it' if choice.n_maps == 1 else 'them'} best; known of each: {_known(choice.used)}"


def _chance(value: float) -> str:
    return "< 0.001" if value < 0.001 else "> 0.999" if value > 0.999 else f"{value:.3f}"


def _known(used: Sequence[str]) -> str:
    from sim.analysis.channel_choice import MEASUREMENTS

    return ", ".join(MEASUREMENTS[each] for each in used)


def _sizes(power: pd.DataFrame, used: Sequence[str], trust: dict[str, float]) -> Iterator[str]:
    """How many maps are needed, and what to measure next."""
    from sim.analysis.channel_choice import COUNTS, MEASUREMENTS, SIZES
    from sim.analysis.headline import aligned

    table = [["named rightly, the worst channel (%)", *(f"n = {n}" for n in SIZES), "needed"]]
    for name, rows in power.groupby("measurement", sort=False):
        words = _known(used) if name == "" else ("" if name == COUNTS else "+ ") + MEASUREMENTS[str(name)]
        shares = [f"{100 * each:.0f}" if math.isfinite(each) else "-" for each in rows["worst"]]
        table.append([words, *shares, _needed(rows)])
    yield from aligned(table)
    yield _stated(power[power["measurement"] == ""])
    single = power[power["maps"] == 1].set_index("measurement")["accuracy"]
    better = [MEASUREMENTS[str(name)] for name, share in single.items() if share > single[""] and name != COUNTS]
    yield f"what to measure next, best first: {'; '.join(better) or 'no more, one map tells as much'}"
    yield (f"single maps judged by the other replicates: {100 * trust['right']:.0f} % named rightly, promised "
           f"{100 * trust['promised']:.0f} %; p of fit below 0.05 in {100 * trust['unfit']:.0f} %")  # fmt: skip


def _needed(rows: pd.DataFrame) -> str:
    """Maps that are needed; that it is more than was tried; or that there are too few replicates to tell."""
    needed, tried = rows["needed"].iloc[0], rows["worst"].notna()
    if math.isfinite(needed):
        return f"{needed:.0f}"
    return f"> {rows['maps'].max()}" if tried.all() else "?"


def _stated(rows: pd.DataFrame) -> str:
    needed = _needed(rows)
    if needed.startswith(">"):
        return f"stated sample size: {needed}; not even so many maps tell every channel"
    if needed == "?":
        return "stated sample size: not known from so few replicates; run more (--replicates 24)"
    return (
        f"stated sample size: {needed}; every channel is named rightly in 95 % or more of the sets drawn from the "
        "replicates (new animals may do a little worse)"
    )
