"""The application: its name, its help, its exit codes, and what all commands share."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.errors import ResultsError, ScenarioError

if TYPE_CHECKING:
    from sim.scenario.load import Scenario

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
Engine = Annotated[
    str,
    typer.Option(metavar="compiled|agents|MODULE:CLASS", help="Loops over arrays, or one Mesa agent per cell; the "
                 "states are the same, bit for bit. Or one with rules of your own, of a module in this folder "
                 "(docs/extending.md)."),
]  # fmt: skip

PICTURES = (".png", ".svg")
HEAD, TAIL = 800, 190  # letters of a longer line that are shown: a value may be a whole table


def check_picture(file: Path | None, option: str) -> None:
    """ResultsError where a figure is asked for in a format that we do not write."""
    if file is not None and file.suffix not in PICTURES:
        raise ResultsError(f"{file}: {option}: must end in {' or '.join(PICTURES)}, got {file.suffix or 'no suffix'}")


def is_own(engine: str) -> bool:
    """Whether an engine is the user's own; its module is then looked for in this folder."""
    own = ":" in engine
    if own:
        sys.path.insert(0, os.getcwd())
    return own


def complain(text: str, code: int) -> int:
    """One line on standard error, and the exit code; no letter of it steers the terminal."""
    line = " ".join(text.split())
    line = line if len(line) <= HEAD + TAIL else f"{line[:HEAD]} ... {line[-TAIL:]}"
    typer.echo("".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line), err=True)
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


def load_scenario(
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


def tell_notes(notes: Sequence[str]) -> None:
    """What is legal but odd, on standard error."""
    for note in notes:
        typer.echo(f"note: {note}", err=True)


@contextmanager
def progress_bar(total: int, quiet: bool) -> Iterator[Callable[..., None] | None]:
    """A callback per finished replicate: a bar on a terminal, else a line before and a line after.

    The `total` of the callback may grow, where a rule asks for more.
    """
    start = time.perf_counter()
    if quiet:
        yield None
    elif not sys.stdout.isatty():
        totals, seen = [total], 0
        typer.echo(f"running  {total} runs")

        def count(record: Any, done: int, total: int) -> None:
            nonlocal seen
            seen += record.replicates
            if total > totals[-1]:
                typer.echo(f"running  {total} runs")
            totals.append(total)

        yield count
        seconds = time.perf_counter() - start
        typer.echo(f"finished {seen} runs in {seconds:.3g} s, {seen / seconds:.2g} runs/s")
    else:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("running "), BarColumn(26), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
                   TimeRemainingColumn(), TextColumn("left"))  # fmt: skip
        with Progress(*columns) as bar:
            task = bar.add_task("running", total=total, rate="")

            seen = 0

            def advance(record: Any, done: int, total: int) -> None:
                nonlocal seen
                seen += record.replicates  # not those that were there before
                rate = seen / (time.perf_counter() - start)
                bar.update(task, completed=done, total=total, rate=f"{rate:.2g} runs/s")

            yield advance
