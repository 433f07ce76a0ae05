"""`senodrift early-warning`: how near a tissue is to a tipping point."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.app import app, check_picture
from sim.errors import ResultsError

if TYPE_CHECKING:
    import pandas as pd

SHOWN = {  # signal: head
    "burden_variance": "variance",
    "burden_variance_trend": "trend",
    "burden_autocorrelation": "autocorrelation",
    "burden_autocorrelation_trend": "trend",
    "variance_across": "variance across",
    "production_elasticity": "elasticity of production",
    "removal_elasticity": "of removal",
}


@app.command()
def early_warning(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="A results folder, of a run or a sweep.",
                                            show_default=False)],
    lag: Annotated[str | None, typer.Option(metavar="TIME", help='Between the two burdens that are correlated: "5 d"; '
                                            "one row of the tables, if not given.")] = None,
    window: Annotated[str | None, typer.Option(metavar="TIME", help='Length of a window along a run: "60 d"; half of '
                                               "the run, if not given.")] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the whole table: errors and "
                                             "intervals.")] = None,
    figure: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw burden, variance and autocorrelation over "
                                                "time (.png or .svg); of a run.")] = None,
) -> None:  # fmt: skip
    """Tell how near a tissue is to a tipping point.

    Near one, burden comes back more slowly after each disturbance: its variance and autocorrelation rise. Both are
    measured about the straight trend in windows along a run, with Kendall's tau of their rise over time (-1 to 1), and
    across replicates. Elasticities say by how many percent cells that turn, and that are removed, rise with a percent
    of burden: where that of removal is the smaller one, a rise of burden feeds itself. Last, the burden from which
    removal stays below production until the run ends, if clearance does not keep up.

    \b
    Examples:
      senodrift early-warning results/immune_decline-4a42c6 --figure early_warning.png
      senodrift early-warning results/tipping --csv warnings.csv
      senodrift early-warning results/immune_decline-4a42c6 --lag "10 d" --window "200 d"
    """  # noqa: D301
    from sim.analysis.early_warning import early_warning as warnings_of
    from sim.sweeps import SweepResults, read_run_or_sweep

    check_picture(figure, "figure")
    tables = read_run_or_sweep(results)
    if figure is not None and isinstance(tables, SweepResults):
        raise ResultsError(f"{results}: figure: must be asked of a run, got a sweep")
    found = warnings_of(tables, _time(lag, "--lag"), _time(window, "--window"))
    typer.echo("\n".join(_lines(found)))
    if csv is not None:
        found.to_csv(csv, index=False)
    if figure is not None and not isinstance(tables, SweepResults):
        from sim.figures.style import save

        times = {name: _time(text, name) for name, text in (("lag", lag), ("window", window))}
        save(tables.plot.early_warning(**times), figure)


def _time(text: str | None, option: str) -> float | None:
    from sim.scenario.quantity import to_unit

    try:
        return None if text is None else to_unit(text.strip(), "d")
    except ValueError as error:
        raise ResultsError(f"early-warning: {option}: {error}") from None


def _lines(found: pd.DataFrame) -> Iterator[str]:
    """A line per arm (and point, and tissue), mean and standard error of each signal."""
    from sim.analysis.headline import aligned

    keys = [
        name for name in ("point", "arm", "tissue") if name == "arm" or (name in found and found[name].nunique() > 1)
    ]
    table = [[*keys, *SHOWN.values(), "removal stays behind from (%)", "n"]]
    for place, rows in found.groupby(keys, sort=False):
        signals = rows.set_index("signal")
        cells = [_with_error(signals.loc[name]) for name in SHOWN]
        table.append(
            [*(str(each) for each in place), *cells, _behind(signals.loc["tipping_burden"]), str(rows["n"].iloc[0])]
        )
    yield from aligned(table)
    lag, window = found["lag"].iloc[0], found["window"].iloc[0]
    windows = f"; lag {lag:.3g} d, windows of {window:.3g} d" if math.isfinite(lag) else ""
    yield f"mean \N{PLUS-MINUS SIGN} standard error; variance in %\N{SUPERSCRIPT TWO}; trend: Kendall's tau{windows}"


def _with_error(row: pd.Series) -> str:
    if math.isnan(row["value"]):
        return "-"
    error = f" \N{PLUS-MINUS SIGN} {row['error']:.1g}" if math.isfinite(row["error"]) else ""
    return f"{row['value']:.2g}{error}"


def _behind(row: pd.Series) -> str:
    """The tipping burden, or that there is none."""
    if not row["runs"]:
        return "keeps up"
    interval = f" ({row['low']:.3g}, {row['high']:.3g})" if math.isfinite(row["low"]) else ""
    some = f" in {row['runs']} of {row['n']}" if row["runs"] < row["n"] else ""
    return f"{row['value']:.3g}{interval}{some}"
