"""With what a run was made: versions, commit, machine, command."""

from __future__ import annotations

import datetime
import platform
import shlex
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import sim
from sim.compiling import SOURCES

LIBRARIES = ("numpy", "scipy", "numba", "llvmlite", "pandas", "mesa", "pyarrow", "matplotlib", "pydantic")
CALCULATING = ("numpy", "scipy", "numba", "llvmlite", "pandas")  # libraries whose version can change a number


def provenance() -> dict[str, Any]:
    """Entries of a manifest."""
    return {
        "finished_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "senodrift": sim.__version__,
        "commit": _commit(),
        "source": SOURCES,
        "versions": versions(),
        "machine": machine(),
        "command": command(),
    }


def command() -> str:
    """The command as it was typed, to be typed again; empty where a script or a notebook asked."""
    called = Path(sys.argv[0])
    ours = called.stem == "senodrift" or called.parts[-2:] == ("sim", "__main__.py")
    return shlex.join(["senodrift", *sys.argv[1:]]) if ours else ""


@cache
def versions() -> dict[str, str]:
    """Python and the libraries, by name."""
    return {"python": platform.python_version(), **{name: _version(name) for name in LIBRARIES}}


def machine() -> str:
    """Operating system and processor."""
    return f"{platform.system()} {platform.machine()}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


@cache
def _commit() -> str:
    """Commit of the source this runs from, or an empty string outside a checkout."""
    home = Path(sim.__file__).parents[1]
    if not (home / ".git").exists():  # installed: a repository further up is somebody else's
        return ""
    try:
        command = ["git", "-C", str(home), "describe", "--always", "--dirty", "--abbrev=12"]
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
