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
    sweep: Annotated[Path, typer.Argument(metavar="SWEEP", help="The folder of a sweep, finished or not; or its file.",
                                          show_default=False)],
    outcome: Annotated[str, typer.Option(metavar="A,B", help="Outcomes of the sweep.")] = "burden",
    arm: Annotated[str | None, typer.Option(metavar="ARM", help="Only this arm; all, if not given.")] = None,
    baseline: Annotated[str | None, typer.Option(metavar="ARM", help="An arm to subtract, replicate by replicate: what "
                                                 "does the effect depend on?")] = None,
) -> None:  # fmt: skip
    """Say which parameters an outcome depends on.

    For a sweep by `saltelli`: ST is the share of the variance that a parameter makes with all its interactions, S1
    alone. By `morris`: mu* is how much the whole range of a parameter changes the outcome, sigma how unevenly. All are
    about the mean over luck, which is told from parameters by multiplying different replicates; take three or more.
    Writes a table and figures into the folder, named after what was asked: sensitivity-burden.csv.

    \b
    Examples:
      senodrift sensitivity configs/sweeps/uncertain_twelve.yaml
      senodrift sensitivity results/uncertain_twelve-4a42c6 --arm hit_and_run --baseline none
    """  # noqa: D301
    from sim.analysis.sensitivity import as_table, sensitivities
    from sim.analysis.sensitivity_words import sensitivity_lines
    from sim.figures.sensitivity import save_sensitivity
    from sim.sweeps import read_sweep

    folder = _folder_of(sweep)
    results = read_sweep(folder)
    outcomes = [name.strip() for name in outcome.split(",")]
    found = sensitivities(results, outcomes, arm, baseline)
    for each in found:
        typer.echo("\n".join(sensitivity_lines(each)) + "\n")
        tell_notes(each.notes)
    asked = [*outcomes, *filter(None, (arm, baseline and f"minus-{baseline}"))]  # another question, another table
    table = folder / f"{'-'.join(['sensitivity', *asked])}.csv"
    as_table(found).to_csv(table, index=False)
    paths = save_sensitivity(results, found, folder / "figures")
    typer.echo(f"table    {table}")
    typer.echo(f"figures  {folder / 'figures'}: {'  '.join(path.name for path in paths if path.suffix == '.png')}")


def _folder_of(sweep: Path) -> Path:
    """The folder itself, or where `senodrift sweep` keeps the results of a file."""
    if sweep.suffix not in YAML:
        return sweep
    from sim.experiment.sweep import default_folder
    from sim.scenario.design import load_sweep

    folder = default_folder(load_sweep(sweep))
    if not folder.exists():
        raise ResultsError(
            f"{sweep}: sweep: must have been run (senodrift sweep {sweep}), got no folder {folder} (or name its folder)"
        )
    return folder
