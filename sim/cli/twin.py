"""`senodrift twin`: a scenario in space beside its mean field."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.app import Changes, ScenarioFile, app, check_picture, load_scenario, progress_bar, tell_notes


@app.command()
def twin(
    scenario: ScenarioFile,
    individuals: Annotated[int, typer.Option(metavar="N", min=2, help="Of the mean field, per arm.")] = 1000,
    replicates: Annotated[int | None, typer.Option(metavar="N", min=1, help="In space, per arm; those of the file, if "
                                                   "not given.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="S", help="Key of all random numbers.")] = None,
    workers: Annotated[int, typer.Option(metavar="N", help="Processes; the tables do not depend on it.")] = 1,
    arms: Annotated[str | None, typer.Option(metavar="A,B", help="Only these arms.")] = None,
    set_: Changes = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the whole table.")] = None,
    figure: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw both (.png or .svg).")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the table and nothing else.")] = False,
) -> None:  # fmt: skip
    """Run a scenario cell by cell and as its mean field, and tell where the two agree.

    The mean field (mode: well_mixed) knows no places: it is exact where every cell meets every other, and thousands of
    its individuals cost as much as one patch of tissue. Mouse 17 is the same in both, with the same traits and noise,
    so that differences are paired. Where they differ, space matters (or few cells do), and the twin must not stand for
    the tissue.

    \b
    Examples:
      senodrift twin configs/ageing_mouse.yaml --replicates 8
      senodrift twin configs/lifespan_trial.yaml --set tissues.body.shape="[48, 48]" --arms vehicle
      senodrift twin configs/ageing_mouse.yaml --individuals 10000 --csv twin.csv --figure twin.png
    """  # noqa: D301
    check_picture(figure, "figure")
    chosen = load_scenario(scenario, set_, arms=arms)
    if not quiet:
        tell_notes(chosen.notes)
    from sim.experiment.twin import sides
    from sim.experiment.twin import twin as run_both

    sides(chosen)  # says so where there is no twin, before anything runs
    with progress_bar(len(chosen.arms), quiet) as progress:
        pair = run_both(chosen, individuals, replicates, seed, workers, progress)
    typer.echo("\n".join(pair.lines()))
    if csv is not None:
        pair.table().to_csv(csv, index=False)
    if figure is not None:
        from sim.figures.style import save

        save(pair.plot(), figure)
