"""`senodrift run`: a scenario to tables and figures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.app import Changes, Engine, ScenarioFile, app, is_own, load_scenario, progress_bar, tell_notes
from sim.errors import ResultsError

if TYPE_CHECKING:
    from sim.analysis.halfwidth import HalfWidth
    from sim.results import Results
    from sim.scenario.load import Scenario


@app.command()
def run(
    scenario: ScenarioFile,
    arms: Annotated[str | None, typer.Option(metavar="A,B", help="Only these arms; the first of the file that is "
                                             "left is the one to compare with.")] = None,
    replicates: Annotated[int | None, typer.Option(metavar="N", help="Replicates per arm.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="S", help="Key of all random numbers.")] = None,
    days: Annotated[str | None, typer.Option(metavar="D", help='Length of the run: 30, or "4 wk".')] = None,
    engine: Engine = "compiled",
    workers: Annotated[int, typer.Option(metavar="N", help="Processes; the tables do not depend on it.")] = 1,
    set_: Changes = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="A new folder; if not given, results/NAME-HASH.",
                                             show_default=False)] = None,
    until_halfwidth: Annotated[float | None, typer.Option(metavar="W", help="More replicates, until the 95 % interval "
                               "of every difference of arms reaches at most W to either side, in the unit of the "
                               "outcome (burden: points).")] = None,
    outcome: Annotated[str | None, typer.Option(metavar="NAME", help="With --until-halfwidth: of what; burden, if not "
                                                "given.")] = None,
    most: Annotated[int | None, typer.Option(metavar="N", help="With --until-halfwidth: replicates after which it "
                                             "gives up; 200, if not given.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the results folder and nothing else.")] = False,
) -> None:  # fmt: skip
    """Run every arm of a scenario, and write tables and figures.

    Arms share their luck: replicate 3 of every arm draws the same random numbers, cell by cell, so that arms differ
    only by what they change. The first table is the burden on the last day, with the paired difference from the first
    arm; where several hosts are treated (a young and an old one), from the untreated arm of the same host.

    The folder holds timeseries.parquet (a row per arm, replicate, tissue and day), organism.parquet (a row per arm,
    replicate and day: the burden of the whole body, and the outcomes), events.parquet, doses.parquet,
    individuals.parquet (how every run ended), sites.parquet, summary.csv, maps/, figures/, scenario.yaml (everything
    written out) and manifest.json (every run, its status). It is complete or not there; Ctrl-C keeps the replicates
    that are finished.

    \b
    Examples:
      senodrift run configs/skin_graft.yaml
      senodrift run configs/skin_graft.yaml --arms no_graft,graft --replicates 20 --workers 4
      senodrift run configs/skin_graft.yaml --days "4 wk" --set events.graft.n_cells="2e6 cells"
      senodrift run configs/skin_graft.yaml --set tissues.skin.shape="[64, 64]" --engine agents
      senodrift run configs/skin_graft.yaml --set arms.sham=null --out results/without_sham
      senodrift run configs/skin_graft.yaml --until-halfwidth 0.1 --most 60
    """  # noqa: D301
    until = _rule(until_halfwidth, {"outcome": outcome, "most": most})
    given = {"replicates": replicates, "seed": seed, "days": days}
    chosen = load_scenario(scenario, set_, {key: value for key, value in given.items() if value is not None}, arms)
    check_new(out)
    if not quiet:
        goal = f", until the half-width of {until.outcome} is {until.wish:g}" if until else ""
        typer.echo(headline(chosen) + goal)
        tell_notes(chosen.notes)
    from sim.experiment.run import run as run_scenario

    run_it = partial(run_scenario, chosen, workers=workers, engine=engine, until=until)
    again = f"senodrift run {chosen.file}" + (f" --engine {engine}" if is_own(engine) else "")
    carry_out(chosen, run_it, again, out, quiet, until)


def check_new(out: Path | None) -> None:
    """ResultsError where the results folder is there already, before anything is said."""
    if out is not None and out.exists():
        raise ResultsError(f"{out}: out: must be a new folder, got one that exists")


def carry_out(
    chosen: Scenario,
    run_it: Callable[..., Results],
    again: str,
    out: Path | None,
    quiet: bool,
    until: HalfWidth | None = None,
) -> None:
    """Run, draw the figures, and tell; exit 1 where a replicate failed.

    `run_it` takes a folder and a progress; `again` is the command to change something in; `until` asked for replicates.
    """
    from sim.results import fresh_folder

    folder = out or fresh_folder(Path("results"), f"{chosen.name}-{chosen.hash[:6]}")
    with progress_bar(len(chosen.arms) * (1 if until else chosen.common.replicates), quiet) as progress:
        results = run_it(out=folder, progress=progress)
    from sim.figures import save_all

    figures = save_all(results, folder / "figures")
    typer.echo(str(folder) if quiet else _report(chosen, results, folder, figures, again, until))
    failed = [each for each in results.manifest["runs"] if each["status"] == "failed"]
    for each in failed:
        typer.echo(
            f"failed: {each['arm']}, replicate {each['replicate']}: {each['stage']}: {each['message']}", err=True
        )
    if failed:
        raise typer.Exit(1)


def _rule(wish: float | None, more: dict[str, Any]) -> HalfWidth | None:
    """When to stop, if that is left to the tables."""
    given = {key: value for key, value in more.items() if value is not None}
    if wish is not None:
        from sim.analysis.halfwidth import HalfWidth

        return HalfWidth(wish, **given)
    if given:
        raise ResultsError(f"run: --{next(iter(given))}: must come with --until-halfwidth, got it alone")
    return None


def headline(scenario: Scenario) -> str:
    """What is run, in a line."""
    from sim.explain import duration, size_words

    common = scenario.common
    tissues: dict[str, list[str]] = {}
    for name, tissue in common.tissues.items():
        tissues.setdefault(size_words(tissue), []).append(name)
    alone = len(common.tissues) == 1
    sizes = "; ".join(size if alone else f"{', '.join(names)} {size}" for size, names in tissues.items())
    return (
        f"{scenario.name}: {len(scenario.arms)} arms x {common.replicates} replicates, {sizes}, "
        f"{common.days:g} days in steps of {duration(common.dt)}, seed {common.seed}"
    )


def _report(
    scenario: Scenario, results: Results, folder: Path, figures: list[Path], again: str, until: HalfWidth | None
) -> str:
    """Table, causes, and where things are."""
    from sim.analysis.headline import burden_lines
    from sim.analysis.share_lines import lines_of_run
    from sim.scenario.suggestion import next_change

    lines = ["", *burden_lines(results), ""] if len(results.timeseries) else []
    lines += [*shares, ""] if len(results.timeseries) and (shares := list(lines_of_run(results))) else []
    lines += [until.verdict(results), ""] if until and len(results.timeseries) else []
    pictures = [path.name for path in figures if path.suffix == ".png"]
    tables = ("organism.parquet", "events.parquet", "doses.parquet", "sites.parquet", "summary.csv")
    lines.append(f"tables   {folder / 'timeseries.parquet'}  {'  '.join(tables)}")
    if pictures:
        lines.append(f"figures  {folder / 'figures' / pictures[0]}  {'  '.join(pictures[1:])}".rstrip())
    lines.append(f"next     senodrift explain {scenario.file}    {again} {next_change(scenario)}")
    return "\n".join(lines)
