"""The command `senodrift`: parse, call, show. It computes nothing, and imports nothing heavy before it is used."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import typer

from sim.cli.app import app, complain
from sim.errors import InterruptedRunError, SimError

MODULES = (
    "run", "branch", "words", "new", "sweep", "compare", "sensitivity", "study", "attribute", "patterns", "channels",
    "turnover", "early_warning", "search", "survival", "twin", "viewer", "report", "export",
)  # fmt: skip
for _module in MODULES:  # in the order of the help
    import_module(f"sim.cli.{_module}")


# Typer may bring its own Click: the root of all usage errors is found through the one that it exports.
_ClickError: type[Any] = typer.BadParameter.__mro__[2]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit; what the user did wrong is one line on standard error."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = app(args=arguments or ["--help"], prog_name="senodrift", standalone_mode=False)
    except InterruptedRunError as stop:
        code = complain(str(stop), 130)
    except SimError as error:
        code = complain(f"error: {error}", 2)
    except _ClickError as error:
        code = complain(f"error: {error.format_message()}", 2)
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except MemoryError:
        code = complain("error: memory: must hold the whole run, got none left (fewer sites or workers need less)", 2)
    except OSError as error:
        code = complain(
            f"error: {error.filename or 'file'}: file: must be readable or writable, got {error.strerror or error}", 2
        )
    sys.exit(code or 0)
