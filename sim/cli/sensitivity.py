"""`senodrift sensitivity`: which parameters the outcomes of a sweep depend on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.app import app, tell_notes
from sim.errors import ResultsError

YAML = (".yaml", ".yml")


@app.command()
def sensitivity(
    sweep: Annotated[Path, typer.Argument(metavar="SWEEP", help="The folder of a sweep, finished or not.",
                                          show_default=False)],
    outcome: Annotated[str, typer.Option(metavar="A,B", help="Outcomes of the sweep.")] = "burden",
    arm: Annotated[str | None, typer.Option(metavar="ARM", help="Only this arm; all, if not given.")] = None,
    baseline: Annotated[str | None, typer.Option(metavar="ARM", help="An arm to subtract, replicate by replicate: what "
                                                 "does the effect depend on?")] = None,
) -> None:  # fmt: skip
    """Say which parameters an outcome depends on.

    For a sweep by `saltelli`, ST is the share of the variance that a parameter makes with all its interactions, S1
    alone; by `morris`, mu* is how much the whole range of a parameter changes the outcome, sigma how unevenly. All are
    about the mean over luck, which is told from parameters by multiplying different replicates: take three or more.
    Writes sensitivity.csv and figures into the folder.

    \b
    Examples:
      senodrift sensitivity results/uncertain_twelve-4a42c6
      senodrift sensitivity results/uncertain_twelve-4a42c6 --baseline none --outcome mean_burden
    """  # noqa: D301
    if sweep.suffix in YAML:
        raise ResultsError(
            f"{sweep}: sweep: must be the folder of a sweep that was run, got a file (run: senodrift sweep {sweep})"
        )
    from sim.analysis.sensitivity import as_table, sensitivities
    from sim.analysis.sensitivity_words import sensitivity_lines
    from sim.figures.sensitivity import save_sensitivity
    from sim.sweeps import read_sweep  # type: ignore[attr-defined]

    results = read_sweep(sweep)
    found = sensitivities(results, [name.strip() for name in outcome.split(",")], arm, baseline)
    for each in found:
        typer.echo("\n".join(sensitivity_lines(each)) + "\n")
        tell_notes(each.notes)
    as_table(found).to_csv(sweep / "sensitivity.csv", index=False)
    paths = save_sensitivity(results, found, sweep / "figures")
    typer.echo(f"table    {sweep / 'sensitivity.csv'}")
    typer.echo(f"figures  {sweep / 'figures'}: {'  '.join(path.name for path in paths if path.suffix == '.png')}")
