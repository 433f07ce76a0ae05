"""The command `senodrift`: parse, call, show. It computes nothing, and imports nothing heavy before it is used."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from sim.errors import InterruptedRunError, ResultsError, ScenarioError, SimError, did_you_mean

if TYPE_CHECKING:
    from sim.results import Results
    from sim.scenario.load import Scenario

# Typer may bring its own Click: the root of all usage errors is found through the one that it exports.
_ClickError: type[Any] = typer.BadParameter.__mro__[2]

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 a replicate failed, 2 a mistake (one line says which), 130 stopped by Ctrl-C.",
)
ScenarioFile = Annotated[Path, typer.Argument(metavar="SCENARIO", help="A scenario file (YAML).", show_default=False)]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Replace one value of the file; may be given again. A value is "
                 "YAML, with a unit where it needs one; null removes. An arm that sets the key itself wins."),
]  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit; what the user did wrong is one line on standard error."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = app(args=arguments or ["--help"], prog_name="senodrift", standalone_mode=False)
    except InterruptedRunError as stop:
        code = _complain(str(stop), 130)
    except SimError as error:
        code = _complain(f"error: {error}", 2)
    except _ClickError as error:
        code = _complain(f"error: {error.format_message()}", 2)
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except MemoryError:
        code = _complain("error: memory: must hold the whole run, got none left (fewer sites or workers need less)", 2)
    except OSError as error:
        code = _complain(
            f"error: {error.filename or 'file'}: file: must be readable or writable, got {error.strerror}", 2
        )
    sys.exit(code or 0)


def _complain(text: str, code: int) -> int:
    typer.echo(" ".join(text.split()), err=True)
    return code


def _version(wanted: bool) -> None:
    if wanted:
        import sim

        typer.echo(f"senodrift {sim.__version__}")
        raise typer.Exit


@app.callback()
def senodrift(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """How cellular senescence spreads through tissue, and what stops it: simulated cell by cell.

    A scenario file says what is there and which arms are compared. Start with

    \b
      senodrift explain configs/skin_graft.yaml     what will happen, in words
      senodrift run configs/skin_graft.yaml         tables and figures in results/
    """  # noqa: D301


# ------------------------------------------------------------------------------------------------------------- run


@app.command()
def run(
    scenario: ScenarioFile,
    arms: Annotated[str | None, typer.Option(metavar="A,B", help="Only these arms; the first of the file that is "
                                             "left is the one to compare with.")] = None,
    replicates: Annotated[int | None, typer.Option(metavar="N", help="Replicates per arm.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="S", help="Key of all random numbers.")] = None,
    days: Annotated[str | None, typer.Option(metavar="D", help='Length of the run: 30, or "4 wk".')] = None,
    engine: Annotated[str, typer.Option(metavar="compiled|agents", help="Loops over arrays, or one Mesa agent per "
                                        "cell; the states are the same, bit for bit.")] = "compiled",
    workers: Annotated[int, typer.Option(metavar="N", help="Processes; the tables do not depend on it.")] = 1,
    set_: Changes = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="A new folder; if not given, results/NAME-HASH.",
                                             show_default=False)] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the results folder and nothing else.")] = False,
) -> None:  # fmt: skip
    """Run every arm of a scenario, and write tables and figures.

    Arms share their luck: replicate 3 of every arm draws the same random numbers, cell by cell, so that arms differ
    only by what they change. The first table is the burden on the last day, with the paired difference from the first
    arm.

    The folder holds timeseries.parquet (a row per arm, replicate, tissue and day), events.parquet, doses.parquet,
    sites.parquet, summary.csv, maps/, figures/, scenario.yaml (everything written out) and manifest.json (every run,
    its status). It is complete or not there; Ctrl-C keeps the replicates that are finished.

    \b
    Examples:
      senodrift run configs/skin_graft.yaml
      senodrift run configs/skin_graft.yaml --arms no_graft,graft --replicates 20 --workers 4
      senodrift run configs/skin_graft.yaml --days "4 wk" --set events.graft.radius="300 um"
      senodrift run configs/skin_graft.yaml --set tissues.skin.shape="[64, 64]" --engine agents
      senodrift run configs/skin_graft.yaml --set arms.sham=null --out results/without_sham
    """  # noqa: D301
    given = {"replicates": replicates, "seed": seed, "days": days}
    chosen = _load(scenario, set_, {key: value for key, value in given.items() if value is not None}, arms)
    if out is not None and out.exists():  # before anything is said
        raise ResultsError(f"{out}: out: must be a new folder, got one that exists")
    if not quiet:
        typer.echo(_headline(chosen))
        _tell_notes(chosen.notes)
    from sim.experiment.run import run as run_scenario
    from sim.results import fresh_folder

    folder = out or fresh_folder(Path("results"), f"{chosen.name}-{chosen.hash[:6]}")
    with _progress(len(chosen.arms) * chosen.common.replicates, quiet) as progress:
        results = run_scenario(chosen, workers=workers, engine=engine, out=folder, progress=progress)
    from sim.figures import save_all

    figures = save_all(results, folder / "figures")
    typer.echo(str(folder) if quiet else _report(chosen, results, folder, figures))
    failed = [each for each in results.manifest["runs"] if each["status"] == "failed"]
    for each in failed:
        typer.echo(
            f"failed: {each['arm']}, replicate {each['replicate']}: {each['stage']}: {each['message']}", err=True
        )
    if failed:
        raise typer.Exit(1)


def _load(
    file: Path, changes: list[str] | None, options: dict[str, Any] | None = None, arms: str | None = None
) -> Scenario:
    """The scenario with ``--set``, then options, then only the named arms."""
    from sim.scenario.load import load, select_arms

    overrides = dict(_change(file, each) for each in changes or ())
    scenario = load(file, {**overrides, **(options or {})})
    return scenario if arms is None else select_arms(scenario, [name.strip() for name in arms.split(",")])


def _change(file: Path, text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key.strip() and equals and value.strip()):
        raise ScenarioError(f"{file}: --set: must be path.to.key=value, got {text!r}")
    return key.strip(), value


def _headline(scenario: Scenario) -> str:
    from sim.explain import duration, size_words

    common = scenario.common
    sizes = "; ".join(size_words(tissue) for tissue in common.tissues.values())
    return (
        f"{scenario.name}: {len(scenario.arms)} arms x {common.replicates} replicates, {sizes}, "
        f"{common.days:g} days in steps of {duration(common.dt)}, seed {common.seed}"
    )


def _tell_notes(notes: Sequence[str]) -> None:
    for note in notes:
        typer.echo(f"note: {note}", err=True)


@contextmanager
def _progress(total: int, quiet: bool) -> Iterator[Callable[..., None] | None]:
    """A callback per finished replicate: a bar on a terminal, else a line before and a line after."""
    start = time.perf_counter()
    if quiet:
        yield None
    elif not sys.stdout.isatty():
        typer.echo(f"running  {total} runs")
        yield lambda record, done, total: None
        seconds = time.perf_counter() - start
        typer.echo(f"finished {total} runs in {seconds:.3g} s, {total / seconds:.2g} runs/s")
    else:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("running "), BarColumn(26), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
                   TimeRemainingColumn(), TextColumn("left"))  # fmt: skip
        with Progress(*columns) as bar:
            task = bar.add_task("running", total=total, rate="")

            def advance(record: Any, done: int, total: int) -> None:
                rate = done / (time.perf_counter() - start)
                bar.update(task, completed=done, rate=f"{rate:.2g} runs/s")

            yield advance


# ------------------------------------------------------------------------------------------------------ what a run says


def _report(scenario: Scenario, results: Results, folder: Path, figures: list[Path]) -> str:
    """Table, causes, and where things are."""
    from sim.analysis.headline import burden_lines
    from sim.scenario.suggestion import next_change

    lines = ["", *burden_lines(results), ""] if len(results.timeseries) else []
    pictures = [path.name for path in figures if path.suffix == ".png"]
    lines.append(f"tables   {folder / 'timeseries.parquet'}  events.parquet  doses.parquet  sites.parquet  summary.csv")
    if pictures:
        lines.append(f"figures  {folder / 'figures' / pictures[0]}  {'  '.join(pictures[1:])}".rstrip())
    lines.append(f"next     senodrift explain {scenario.file}    senodrift run {scenario.file} {next_change(scenario)}")
    return "\n".join(lines)


# ------------------------------------------------------------------------------------------------------ other commands


@app.command()
def explain(scenario: ScenarioFile, set_: Changes = None) -> None:
    """Tell a scenario in words, like the methods section of a paper.

    Tissues and factors with the source of every number, what each arm changes, dated events, the steps in their order,
    derived lengths and times, and what is assumed and not measured. Nothing is run.

    \b
    Examples:
      senodrift explain configs/skin_graft.yaml
      senodrift explain configs/skin_graft.yaml --set factors.SASP.reach="200 um"
    """  # noqa: D301
    chosen = _load(scenario, set_)
    from sim.explain import explain as in_words

    typer.echo(in_words(chosen), nl=False)


@app.command()
def validate(
    scenarios: Annotated[list[Path], typer.Argument(metavar="SCENARIO...", help="Scenario files.", show_default=False)],
    set_: Changes = None,
) -> None:
    """Check scenario files and designs of sweeps, and run nothing.

    Every key, unit, range and name is checked in every arm, and whether the tissue fits into memory; of a sweep (a file
    with a `design`) at every point. What is legal but odd is a note.

    \b
    Examples:
      senodrift validate configs/*.yaml configs/sweeps/*.yaml
      senodrift validate configs/skin_graft.yaml --set factors.SASP.reach="200 um"
    """  # noqa: D301
    wrong = 0
    for file in scenarios:
        try:
            words, notes = _checked(file, set_)
        except ScenarioError as error:
            wrong = _complain(f"error: {error}", 2)
            continue
        typer.echo(f"ok  {file}  {words}")
        _tell_notes(notes)
    if wrong:
        raise typer.Exit(wrong)


def _checked(file: Path, changes: list[str] | None) -> tuple[str, Sequence[str]]:
    """What is in a scenario or in the design of a sweep, in a few words, and its notes."""
    from sim.scenario.yaml_text import read_yaml

    if changes or "design" not in read_yaml(file):
        scenario = _load(file, changes)
        return ", ".join(scenario.arms), scenario.notes
    from sim.scenario.design import load_sweep

    sweep = load_sweep(file)
    return f"{sweep.design.size} points x {len(sweep.scenario.arms)} arms", sweep.notes


@app.command()
def compare(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="A results folder.", show_default=False)],
    baseline: Annotated[str | None, typer.Option(metavar="ARM", help="The arm to compare with; the first, if not "
                                                 "given.")] = None,
    outcomes: Annotated[str, typer.Option(metavar="A,B", help="Columns of timeseries.parquet.")] = "burden",
) -> None:  # fmt: skip
    """Compare arms in pairs of replicates.

    On the last day; the difference is paired, because replicates of the same number share their luck, and has a 95 % t
    interval. "shared luck" says how many times fewer replicates that takes than independent runs would.

    \b
    Examples:
      senodrift compare results/skin_graft-4a42c6
      senodrift compare results/skin_graft-4a42c6 --baseline sham --outcomes burden,cum_SASP
    """  # noqa: D301
    from sim.analysis.compare import compare as compare_arms
    from sim.analysis.headline import aligned
    from sim.results import read_results

    effects = compare_arms(read_results(results), baseline, [name.strip() for name in outcomes.split(",")])
    if effects.empty:
        raise ResultsError(f"{results}: arms: must be at least two to compare, got one")
    table = [["arm", "tissue", "outcome", "n", "mean", effects["baseline"].iloc[0], "difference", "95 % interval",
              "shared luck"]]  # fmt: skip
    for row in effects.itertuples():
        interval = f"({row.difference_low:.4g}, {row.difference_high:.4g})" if row.n > 1 else ""
        luck = f"{row.variance_ratio:.3g}" if math.isfinite(row.variance_ratio) else ""
        numbers = [f"{row.mean:.4g}", f"{row.baseline_mean:.4g}", f"{row.difference:+.4g}", interval, luck]
        table.append([row.arm, row.tissue, row.outcome, str(row.n), *numbers])
    typer.echo("\n".join(aligned(table)))


@app.command()
def ledger(
    scenario: Annotated[Path | None, typer.Argument(metavar="[SCENARIO]", help="Show the numbers of this scenario "
                                                    "instead.", show_default=False)] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="As the page docs/parameters.md.")] = False,
) -> None:  # fmt: skip
    """List every parameter with its source.

    Its default, its range, and how far to trust it:

    \b
      measured    in the cited experiment or model
      secondary   quoted from a review, or read from a range
      computed    derived or fitted
      ASSUMED     no source: sweep it before you believe what depends on it
      design      a choice of the experimenter

    \b
    Examples:
      senodrift ledger | grep ASSUMED
      senodrift ledger configs/skin_graft.yaml
      senodrift ledger --markdown > docs/parameters.md
    """  # noqa: D301
    from sim.scenario.ledger import as_markdown, as_table

    if markdown:
        typer.echo(as_markdown(), nl=False)
    else:
        typer.echo(as_table(None if scenario is None else _load(scenario, None)))


@app.command("list")
def list_(
    what: Annotated[str | None, typer.Argument(metavar="[tissues|drugs]", help="What to list; if not given, a line "
                                               "for each.", show_default=False)] = None,
    name: Annotated[str | None, typer.Argument(metavar="[DRUG]", help="Only this drug.", show_default=False)] = None,
) -> None:  # fmt: skip
    """List what is bundled: tissues for `preset:` in a scenario, drugs for its treatments.

    A drug is told with every number that acts, its source, and how far to trust it; ASSUMED is what nobody measured.

    \b
    Examples:
      senodrift list
      senodrift list drugs
      senodrift list drugs fisetin
    """  # noqa: D301
    from sim.scenario.formulary import drug_in_words, drugs_in_words, library_in_lines
    from sim.scenario.library import BUNDLED

    if what is not None and what not in BUNDLED:
        raise ScenarioError(f"list: must be one of {', '.join(BUNDLED)}, got {what!r}{did_you_mean(what, BUNDLED)}")
    if what == "drugs":
        typer.echo(drugs_in_words() if name is None else drug_in_words(name))
    elif name is not None:
        raise ScenarioError(f"list: must name a drug after drugs only, got {name!r}")
    else:
        shown = BUNDLED if what is None else (what,)
        typer.echo("\n\n".join(f"{group.capitalize()}\n{library_in_lines(group)}" for group in shown))


@app.command()
def schema() -> None:
    """Print the JSON Schema of scenario files.

    For completion and checks in an editor.

    \b
    Examples:
      senodrift schema > configs/scenario.schema.json
      # yaml-language-server: $schema=scenario.schema.json      as the first line of a scenario in configs/
    """  # noqa: D301
    from sim.scenario.json_schema import as_json

    typer.echo(as_json(), nl=False)
