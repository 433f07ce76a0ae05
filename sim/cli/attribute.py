"""`senodrift attribute`: who turned the cells of an arm, beside what happens without each cause."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.app import Changes, ScenarioFile, app, load_scenario, progress_bar, tell_notes


@app.command()
def attribute(
    scenario: ScenarioFile,
    arm: Annotated[str | None, typer.Option(metavar="A", help="The arm to ask about; the last of the file, if not "
                                            "given.")] = None,
    replicates: Annotated[int | None, typer.Option(metavar="N", help="Replicates per arm.")] = None,
    workers: Annotated[int, typer.Option(metavar="N", help="Processes; the numbers do not depend on it.")] = 1,
    set_: Changes = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the table and nothing else.")] = False,
) -> None:  # fmt: skip
    """Tell who turned the cells of an arm, and what the burden is without each cause.

    Share is not effect. Every cell that a factor, its cargo or contact turned is shared among its senders: senescent
    cells that stood, or were gone already ("past"). Then the arm runs again without each of these causes, one by one,
    with the same luck. A cause that turned many cells may be missed little, where others would have turned them; and
    one that turned few may be missed much, where removal saturates and each spared cell leaves its cleaners to others.

    \b
    Examples:
      senodrift attribute configs/skin_graft.yaml
      senodrift attribute configs/skin_graft.yaml --arm graft --replicates 20 --workers 2
      senodrift attribute configs/skin_graft.yaml --set tissues.skin.shape="[64, 64]" --set days="4 wk"
    """  # noqa: D301
    chosen = load_scenario(scenario, set_)
    if not quiet:
        tell_notes(chosen.notes)
    from sim.experiment.attribute import attribute as attribute_cells
    from sim.experiment.attribute import experiment_without

    experiment, _ = experiment_without(chosen, arm)
    total = len(experiment.arms) * (replicates or experiment.common.replicates)
    with progress_bar(total, quiet) as progress:
        table, results = attribute_cells(chosen, arm, replicates, workers, progress)
    from sim.analysis.share_lines import share_lines

    typer.echo("\n".join(share_lines(table)))
    failed = [each for each in results.manifest["runs"] if each["status"] == "failed"]
    for each in failed:
        place = f"{each['arm']}, replicate {each['replicate']}"
        typer.echo(f"failed: {place}: {each['stage']}: {each['message']}", err=True)
    if failed:
        raise typer.Exit(1)
