"""`senodrift branch`: several futures from one past."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.app import Changes, Engine, ScenarioFile, app, is_own, load_scenario, tell_notes
from sim.cli.run import carry_out, check_new, headline


@app.command()
def branch(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="A file of checkpoints/ in a results folder, "
                                               "or a folder of such files of one arm and day.", show_default=False)],
    scenario: ScenarioFile,
    arms: Annotated[str | None, typer.Option(metavar="A,B", help="Only these arms; the first of the file that is "
                                             "left is the one to compare with.")] = None,
    replicates: Annotated[int | None, typer.Option(metavar="N", help="Futures of one checkpoint per arm; if not given, "
                                                   "one.", show_default=False)] = None,
    engine: Engine = "compiled",
    workers: Annotated[int, typer.Option(metavar="N", help="Processes; the tables do not depend on it.")] = 1,
    set_: Changes = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="A new folder; if not given, results/NAME-HASH.",
                                             show_default=False)] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the results folder and nothing else.")] = False,
) -> None:  # fmt: skip
    """Let every arm of a scenario go on from one checkpoint.

    History once, many futures. A run writes its whole state on the days of `record.checkpoints`, to
    checkpoints/ARM-REPLICATE-DAY.npz; from there an arm with the same settings goes on bit for bit as if it had never
    stopped. The scenario may change rates, and add drugs, treatments and events of later days. It must have the same
    tissues, factors and steps, the events that have happened and the treatments that were given (with `until` to give
    no more). The seed is that of the checkpoint.

    With --replicates N the first future has the luck of the past, and the others have other luck from that day on. A
    folder of checkpoints, one per replicate, gives one future each.

    The results folder is an ordinary one, with rows from the day of the checkpoint on.

    \b
    Examples:
      senodrift run configs/skin_graft.yaml --arms graft --set record.checkpoints="[30]" --out results/past
      senodrift branch results/past/checkpoints configs/skin_graft.yaml --arms graft
      senodrift branch results/past/checkpoints/graft-0-30.npz futures.yaml --replicates 8 --workers 2
    """  # noqa: D301
    chosen = load_scenario(scenario, set_, arms=arms)
    check_new(out)
    from sim.experiment.branch import Futures

    futures = Futures.of(checkpoint, chosen, replicates)
    if not quiet:
        first = futures.first
        typer.echo(f"{headline(futures.scenario)}, from day {first.day:g} of {first.arm or first.file.name}")
        tell_notes(futures.notes)
    again = f"senodrift branch {checkpoint} {scenario}" + (f" --engine {engine}" if is_own(engine) else "")
    carry_out(futures.scenario, partial(futures.run, workers, engine), again, out, quiet)
