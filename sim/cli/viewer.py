"""`senodrift app`: a live tissue in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.app import Changes, app, load_scenario, tell_notes


@app.command("app")
def viewer(
    scenario: Annotated[Path | None, typer.Argument(metavar="[SCENARIO]", help="A scenario file (YAML); if not given, "
                                                    "a graft in skin.", show_default=False)] = None,
    arms: Annotated[str | None, typer.Option(metavar="A,B", help="Show these arms; if not given, the first three.",
                                             show_default=False)] = None,
    set_: Changes = None,
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Port on this machine; 0: a free one.")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser.")] = True,
) -> None:  # fmt: skip
    """Show a scenario as a live tissue in the browser.

    Play it, change its parameters, click to graft, wound or treat, see arms with shared luck side by side, and save
    what you did as a scenario: what is shown is the run of that file, bit for bit. The page is on this machine only,
    and needs the extra `app`. End with Ctrl-C.

    \b
    Examples:
      senodrift app
      senodrift app configs/kill_or_tame.yaml --arms none,hit_and_run,continuous
      senodrift app configs/dark_spot.yaml --set tissues.epidermis.shape="[48, 48]" --no-browser --port 8765
    """  # noqa: D301
    from sim.app.serve import EXAMPLE, check_extras, serve

    check_extras()
    chosen = load_scenario(scenario or EXAMPLE, set_)
    tell_notes(chosen.notes)
    serve(chosen, None if arms is None else [name.strip() for name in arms.split(",")], port, browser)
