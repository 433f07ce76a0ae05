"""`senodrift new`: a commented scenario to start from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.app import app
from sim.errors import ScenarioError

SCHEMA = "scenario.schema.json"


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it: letters, digits and _.",
                                        show_default=False)],
    tissue: Annotated[str, typer.Option(metavar="PRESET", help="The bundled tissue that it has (senodrift list "
                                        "tissues).")] = "mouse_dermis",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="The file; if not given, NAME.yaml in this folder.",
                                             show_default=False)] = None,
) -> None:  # fmt: skip
    """Write a commented scenario to start from: a tissue, two signals, a graft, four arms.

    Above every line stands what it means, what it accepts, what holds without it, and where that number is from. It
    runs as it is, in seconds. A file that is there is not written over.

    \b
    Examples:
      senodrift new my_question
      senodrift new dish --tissue culture_dish --out configs/dish.yaml
    """  # noqa: D301
    from sim.scenario.template import new_scenario

    file = out or Path(f"{name}.yaml")
    text = new_scenario(name, tissue, _schema_from(file.parent))
    if file.suffix not in (".yaml", ".yml"):
        raise ScenarioError(f"{file}: out: must end in .yaml, got {file.suffix or 'no suffix'}")
    if not file.parent.is_dir():
        raise ScenarioError(f"{file}: out: must be in a folder that exists, got {file.parent}")
    try:
        with file.open("x", encoding="utf-8") as new_file:
            new_file.write(text)
    except FileExistsError:
        raise ScenarioError(f"{file}: out: must be a new file, got one that exists") from None
    typer.echo(f"wrote    {file}\nnext     senodrift explain {file}    senodrift run {file}    senodrift app {file}")
    if not (file.parent / _schema_from(file.parent)).exists():
        typer.echo(
            f"editor   senodrift schema > {file.parent / SCHEMA}    (it then completes and checks what you type)"
        )


def _schema_from(folder: Path) -> str:
    """Where an editor finds the JSON Schema: beside the file, else in configs/ of this folder."""
    here = Path("configs") / SCHEMA
    return SCHEMA if (folder / SCHEMA).exists() or not here.exists() else Path(os.path.relpath(here, folder)).as_posix()
