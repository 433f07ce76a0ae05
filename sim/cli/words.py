"""Commands that run nothing: a scenario in words, checks, and what is bundled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.app import Changes, ScenarioFile, app, complain, load_scenario, tell_notes
from sim.errors import ScenarioError, did_you_mean


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
    chosen = load_scenario(scenario, set_)
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
            wrong = complain(f"error: {error}", 2)
            continue
        typer.echo(f"ok  {file}  {words}")
        tell_notes(notes)
    if wrong:
        raise typer.Exit(wrong)


def _checked(file: Path, changes: list[str] | None) -> tuple[str, Sequence[str]]:
    """What is in a scenario or in the design of a sweep, in a few words, and its notes."""
    from sim.scenario.yaml_text import read_yaml

    if changes or "design" not in read_yaml(file):
        scenario = load_scenario(file, changes)
        return ", ".join(scenario.arms), scenario.notes
    from sim.scenario.design import load_sweep

    sweep = load_sweep(file)
    return f"{sweep.design.size} points x {len(sweep.scenario.arms)} arms", sweep.notes


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
        typer.echo(as_table(None if scenario is None else load_scenario(scenario, None)))


@app.command("list")
def list_(
    what: Annotated[str | None, typer.Argument(metavar="[tissues|drugs|markers]", help="What to list; if not given, a "
                                               "line for each.", show_default=False)] = None,
    name: Annotated[str | None, typer.Argument(metavar="[DRUG]", help="Only this drug.", show_default=False)] = None,
) -> None:  # fmt: skip
    """List what is bundled: tissues for `preset:` in a scenario, drugs for its treatments, markers for `study`.

    Drugs and markers are told with every number, its source, and how far to trust it; ASSUMED is what nobody measured.

    \b
    Examples:
      senodrift list
      senodrift list drugs
      senodrift list drugs fisetin
      senodrift list markers
    """  # noqa: D301
    from sim.scenario.formulary import drug_in_words, drugs_in_words, library_in_lines, markers_in_words
    from sim.scenario.library import BUNDLED

    if what is not None and what not in BUNDLED:
        raise ScenarioError(f"list: must be one of {', '.join(BUNDLED)}, got {what!r}{did_you_mean(what, BUNDLED)}")
    if what == "drugs":
        typer.echo(drugs_in_words() if name is None else drug_in_words(name))
    elif name is not None:
        raise ScenarioError(f"list: must name a drug after drugs only, got {name!r}")
    elif what == "markers":
        typer.echo(markers_in_words())
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
