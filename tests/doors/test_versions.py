"""The matrix of versions: the lowest pins are the bounds of pyproject.toml, and what cannot be made is told."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import versions
from packaging.requirements import Requirement
from packaging.version import Version

PROJECT = tomllib.loads((versions.HOME / "pyproject.toml").read_text())["project"]
TOOLS = {"pytest", "pytest-xdist", "hypothesis", "playwright", "ruff", "mypy", "import-linter", "types-PyYAML"}
COMPANIONS = {"pyparsing", "numcodecs"}  # newer ones warn of what the lowest Matplotlib and Zarr do; errors in tests


def pins(name: str) -> dict[str, Version]:
    lines = versions.pins_of(versions.ENVIRONMENTS[name]).splitlines()
    return {library: Version(version) for library, version in (line.split("==") for line in lines)}


def bounds() -> dict[str, Version]:
    """The lowest version of each library of the core and of the tested extras."""
    extras = PROJECT["optional-dependencies"]
    tested = next(Requirement(line) for line in extras["test"] if line.startswith("senodrift["))
    lines = [line for name in ("test", *tested.extras) for line in extras[name] if not line.startswith("senodrift[")]
    wanted = [Requirement(line) for line in PROJECT["dependencies"] + lines]
    return {each.name: Version(bound.version) for each in wanted for bound in each.specifier if bound.operator == ">="}


def test_the_lowest_pins_are_the_lowest_that_are_allowed() -> None:
    lowest = pins("lowest")
    assert {name: lowest.get(name) for name in bounds() if name not in TOOLS} == {
        name: bound for name, bound in bounds().items() if name not in TOOLS
    }
    assert set(lowest) - set(bounds()) == COMPANIONS


def test_every_named_python_is_tried_and_mesa_of_both_kinds() -> None:
    prefix = "Programming Language :: Python :: 3."
    named = {line.rpartition(" ")[2] for line in PROJECT["classifiers"] if line.startswith(prefix)}
    assert {each.python for each in versions.ENVIRONMENTS.values()} == named
    assert {str(pins(name)["mesa"])[:3] for name in ("pinned", "lowest", "mesa35")} == {"3.3", "3.5"}
    assert pins("newest") == {}


def test_an_interpreter_is_found_where_it_starts_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shim on the path that ends with an error is passed over for the interpreter that it hides."""
    shims, real = tmp_path / "shims", tmp_path / "pyenv" / "versions" / "3.12.1" / "bin" / "python"
    for file, status in ((shims / "python3.12", 127), (real, 0)):
        file.parent.mkdir(parents=True)
        file.write_text(f"#!/bin/sh\nexit {status}\n")
        file.chmod(0o755)
    monkeypatch.setenv("PATH", str(shims))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    assert versions.interpreter("3.12") == str(real)
    assert versions.interpreter("3.13") is None


def test_without_any_interpreter_the_matrix_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(versions, "interpreter", lambda version: None)
    assert versions.main([]) == 1
    assert "newest: no Python 3.13 here, left out" in capsys.readouterr().out
