"""`senodrift search`: how fast the patrols of a scenario find and kill, and the mean field that fits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.app import Changes, ScenarioFile, app, load_scenario, tell_notes
from sim.errors import ScenarioError

if TYPE_CHECKING:
    import pandas as pd


@app.command()
def search(
    scenario: ScenarioFile,
    arm: Annotated[str | None, typer.Option(metavar="A", help="The arm whose patrols search; the last of the file, if "
                                            "not given.")] = None,
    clumps: Annotated[str | None, typer.Option(metavar="LENGTH", help='Radius of clumps that hold the targets: '
                                               '"100 um"; at random places, if not given.')] = None,
    kills: Annotated[int, typer.Option(metavar="N", min=10, help="About as many per burden and replicate.")] = 1000,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the whole table.")] = None,
    set_: Changes = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the table and nothing else.")] = False,
) -> None:  # fmt: skip
    """Measure how fast patrols find and kill, and the mean field that fits.

    Patrols of an arm walk, follow, kill and rest as the scenario says, among senescent cells that are held at a burden:
    one that is killed comes again elsewhere. Beside it stands what straight walkers would kill among cells at random
    places; and beta (most cells removed per day) and kappa (burden of half of that) that fit the measured kills, with
    95 % intervals. Walks that turn, follow, or meet clumps need not be a curve of this kind.

    \b
    Examples:
      senodrift search configs/patrols.yaml --arm patrols
      senodrift search configs/patrols.yaml --arm biased --clumps "100 um" --csv search.csv
      senodrift search configs/patrols.yaml --set tissues.skin.patrols.nk.persistence_time="1 h"
    """  # noqa: D301
    chosen = load_scenario(scenario, set_)
    if not quiet:
        tell_notes(chosen.notes)
    from sim.experiment.search import search_law

    found = search_law(chosen, arm, clumps=_length(clumps), kills=kills)
    typer.echo("\n".join(_lines(found)))
    if csv is not None:
        found.to_csv(csv, index=False)


def _length(text: str | None) -> float:
    from sim.scenario.quantity import to_unit

    try:
        return 0.0 if text is None else to_unit(text.strip(), "um")
    except ValueError as error:
        raise ScenarioError(f"search: --clumps: {error}") from None


def _lines(found: pd.DataFrame) -> Iterator[str]:
    """A table per kind of patrol, and its fit below."""
    from sim.analysis.headline import aligned
    from sim.analysis.search import fit_search

    for (tissue, kind), rows in found.groupby(["tissue", "patrol"], sort=False):
        yield f"{kind} in {tissue}: cells removed, % of the tissue per day"
        table = [["burden (%)", "measured", "straight walkers"]]
        for _, same in rows.groupby(rows.groupby("replicate").cumcount()):  # the same burden in each replicate
            error = same["kills_per_day"].sem()
            measured = f"{same['kills_per_day'].mean():.3g} \N{PLUS-MINUS SIGN} {error:.1g}"
            table.append([f"{same['burden'].mean():.3g}", measured, f"{same['straight'].mean():.3g}"])
        yield from aligned(table)
        fit = fit_search(rows)
        if not all(map(math.isfinite, fit)):
            yield f"{rows['kills'].sum():.0f} kills do not tell beta and kappa apart (more: --kills)"
        yield (
            f"fit: beta {fit.beta:.3g} %/d ({fit.beta_low:.3g}, {fit.beta_high:.3g}), "
            f"kappa {fit.kappa:.3g} % ({fit.kappa_low:.3g}, {fit.kappa_high:.3g}); "
            f"straight walkers: {rows['beta'].iloc[0]:.3g} and {rows['kappa'].iloc[0]:.3g}"
        )
