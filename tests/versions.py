"""The tests on other versions of Python, Mesa and the libraries: ``make matrix``. Needs the standard library alone.

Every environment lies in ``.venv-matrix/NAME``, with what pytest said in ``.venv-matrix/NAME.log``; it is made again
when pyproject.toml or its pins change. An interpreter that this machine lacks is told and left out. Arguments go to
pytest: ``make matrix ARGS="-k engines"``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

HOME = Path(__file__).resolve().parents[1]
ROOM = HOME / ".venv-matrix"
SHOWN = ("mesa", "numpy", "numba", "pandas")
TESTS = ("-q", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", "-m", "not validation and not tour")
VERSIONS = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"


class Environment(NamedTuple):
    """Which interpreter, the file of its pins (none: the newest of all), and a Mesa that stands instead of theirs."""

    python: str
    pins: str = ""
    mesa: str = ""


ENVIRONMENTS = {
    "pinned": Environment("3.11", "constraints.txt"),  # Mesa 3.3, the last one for Python 3.11
    "lowest": Environment("3.11", "constraints-lowest.txt"),
    "mesa35": Environment("3.12", "constraints.txt", mesa="3.5.1"),
    "newest": Environment("3.13"),
}


def interpreter(version: str) -> str | None:
    """A Python of that `version` which starts: of the path, or of pyenv, whose shims stand for versions not in use."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    places = [shutil.which(f"python{version}"), *map(str, sorted(pyenv.glob(f"{version}.*/bin/python")))]
    for place in places:
        if place and subprocess.run([place, "-c", ""], capture_output=True, check=False).returncode == 0:
            return place
    return None


def pins_of(environment: Environment) -> str:
    """The constraints of an `environment`, one a line."""
    lines = (HOME / environment.pins).read_text().splitlines() if environment.pins else []
    if environment.mesa:
        lines = [line for line in lines if not line.startswith("mesa==")] + [f"mesa=={environment.mesa}"]
    return "".join(f"{line}\n" for line in lines)


def make(name: str, base: str) -> Path:
    """The Python of the environment `name`, made with the interpreter `base` unless it stands as wanted."""
    folder, pins = ROOM / name, pins_of(ENVIRONMENTS[name])
    python, stamp, wanted = (
        folder / "bin" / "python",
        folder / "made-from.txt",
        pins + (HOME / "pyproject.toml").read_text(),
    )
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    print(f"{name}: installing ...", flush=True)
    subprocess.run([base, "-m", "venv", "--clear", folder], check=True)
    (folder / "pins.txt").write_text(pins)
    install = ["-m", "pip", "install", "-qq", "--constraint", folder / "pins.txt", "--editable", ".[test]"]
    subprocess.run([python, *install], cwd=HOME, check=True)
    stamp.write_text(wanted)
    return python


def tested(name: str, python: Path, first: Path, arguments: list[str]) -> bool:
    """Run the tests in one environment, print its line; `first` is the Python whose bits must come out here too."""
    environ = os.environ | {"XDG_CACHE_HOME": str(ROOM / f"{name}-cache")}  # compiled by this Numba alone
    if python != first:
        environ["SENODRIFT_PYTHONS"] = str(first)
    log = ROOM / f"{name}.log"
    with log.open("w") as out:
        command = [python, "-m", "pytest", *TESTS, *arguments]
        passed = subprocess.run(command, cwd=HOME, env=environ, stdout=out, stderr=out, check=False).returncode == 0
    said = log.read_text().splitlines()
    versions = subprocess.run([python, "-c", VERSIONS, *SHOWN], capture_output=True, text=True, check=True).stdout
    libraries = "  ".join(map(" ".join, zip(SHOWN, versions.split(), strict=True)))
    print(
        f"{name}: Python {ENVIRONMENTS[name].python}  {libraries}  {said[-1] if said else 'nothing said'}", flush=True
    )
    if not passed:
        print(*(f"  {line}" for line in said if re.match("FAILED|ERROR", line)), f"  see {log}", sep="\n", flush=True)
    return passed


def main(arguments: list[str]) -> int:
    """0 where the tests pass in every environment that this machine can make."""
    bases = {name: interpreter(each.python) for name, each in ENVIRONMENTS.items()}
    for name, base in bases.items():
        if base is None:
            print(f"{name}: no Python {ENVIRONMENTS[name].python} here, left out")
    made = {name: make(name, base) for name, base in bases.items() if base}
    outcomes = [tested(name, python, next(iter(made.values())), arguments) for name, python in made.items()]
    return 0 if outcomes and all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
