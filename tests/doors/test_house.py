"""The house itself: layers, short files, no addresses of machines, documented names, a first screen that helps."""

from __future__ import annotations

import inspect
import os
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import sim
import sim.errors
import sim.rules

HOME = Path(__file__).parents[2]
LONGEST_FILE = 400  # lines
# Written with classes of one letter, so that this file does not name what it forbids.
ADDRESSES = re.compile(
    r"(?<![\w.])/(?:[w]ork|[r]oot|[h]ome|[U]sers|[o]pt)/[\w.]"  # of files on somebody's machine
    r"|[A-Z]:\\[U]sers"
    r"|[e]xtra-index|[i]ndex-url|[f]ind-links|[p]ypi\.org|[p]ythonhosted|://[^\s/]+/(?:[^\s/]+/)*[s]imple\b"
)


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=HOME, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def tracked() -> list[Path]:
    """Files under version control."""
    listing = run("git", "ls-files", "-z")
    if listing.returncode != 0:
        pytest.skip("not a checkout")
    return [path for name in listing.stdout.split("\0") if name and (path := HOME / name).is_file()]


def targets() -> dict[str, str]:
    """Targets of the Makefile that have a line of help."""
    return dict(re.findall(r"^([a-z]+):.*?## (.+)$", (HOME / "Makefile").read_text(), re.MULTILINE))


# ------------------------------------------------------------------------------------------------------------ source


def test_data_flows_one_way() -> None:
    command = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])"
    done = run(sys.executable, "-c", command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_no_file_of_the_package_is_long() -> None:
    lengths = {path.relative_to(HOME): len(path.read_text().splitlines()) for path in (HOME / "sim").rglob("*.py")}
    assert {path: n for path, n in lengths.items() if n > LONGEST_FILE} == {}
    assert len(lengths) > 30


def public_functions() -> dict[str, Callable[..., Any]]:
    """Public functions and methods of `sim`, its classes, and every rule of `sim.rules`, by dotted name."""
    found: dict[str, Any] = {name: getattr(sim, name) for name in sim.__all__ if name != "__version__"}
    for name, each in list(found.items()):
        for key, member in vars(each).items() if inspect.isclass(each) else ():
            inner = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
            if not key.startswith("_") and inspect.isfunction(inner) and inner.__module__.startswith("sim"):
                found[f"{name}.{key}"] = inner
    for module in pkgutil.iter_modules(sim.rules.__path__, "sim.rules."):
        rules = vars(import_module(module.name)).items()
        found |= {f"{module.name}.{key}": each for key, each in rules
                  if not key.startswith("_") and getattr(each, "__module__", "") == module.name}  # fmt: skip
    return found


def test_public_names_are_documented() -> None:
    found = public_functions()
    assert len(found) > 100
    assert [name for name, each in found.items() if not inspect.getdoc(each)] == []
    assert set(sim.__all__) <= set(dir(sim))
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        _ = sim.no_such_name


@pytest.mark.parametrize("name", sorted(public_functions()))
def test_a_docstring_says_what_goes_in_and_which_mistakes_it_tells(name: str) -> None:
    """Every parameter is spoken of, and every error of ours that the function raises itself."""
    each = public_functions()[name]
    code = vars(each).get("__init__") if inspect.isclass(each) else getattr(each, "py_func", each)
    if code is None or is_dataclass(each):
        return
    words = inspect.getdoc(each) or ""
    parameters = set(inspect.signature(code).parameters) - {"self", "cls"}
    assert {one for one in parameters if not re.search(rf"\b{one}\b", words)} == set()
    errors = {key for key, value in vars(sim.errors).items() if inspect.isclass(value)}
    raised = re.findall(r"\braise (\w+)\(", inspect.getsource(code))
    assert [one for one in raised if one in errors and one not in words] == []


def test_importing_the_package_is_cheap() -> None:
    """Nobody pays for Numba or Mesa who only asks for the version; and a compiled run does without Mesa."""
    light = "import sys, sim; sim.__version__, dir(sim); print(*sorted({'numba', 'mesa', 'pandas'} & set(sys.modules)))"
    assert run(sys.executable, "-c", light).stdout == "\n"
    heavy = "import sys, sim; sim.Simulation, sim.run, sim.load; print('mesa' in sys.modules)"
    assert run(sys.executable, "-c", heavy).stdout == "False\n"


# ---------------------------------------------------------------------------------------------------- no addresses


def test_no_tracked_file_names_a_machine_or_an_index() -> None:
    found = {}
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture
        if address := ADDRESSES.search(text):
            found[path.relative_to(HOME)] = address.group()
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        "see /" + "work/x",
        "'/" + "root/.venv'",
        "--ind" + "ex-url x",
        "https://host/a/simp" + "le/",
        "https://py" + "pi.org",
    ],
)
def test_addresses_would_be_seen(text: str) -> None:
    assert ADDRESSES.search(text)
    assert not ADDRESSES.search("docs/homepage, a work/life, https://example.org/simpler, and so on /")


def test_pins_are_bare_and_allowed() -> None:
    """One `name==version` a line, for every library of the core, within the ranges of pyproject.toml."""
    project = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]
    lines = (HOME / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z][\w-]*==[\d.]+", line)] == []
    pins = dict(line.lower().split("==") for line in lines)
    extras = project["optional-dependencies"]
    tested = next(Requirement(line) for line in extras["test"] if line.startswith("senodrift["))
    lines = [line for name in ("test", *tested.extras) for line in extras[name] if not line.startswith("senodrift[")]
    for wanted in map(Requirement, project["dependencies"] + lines):
        assert wanted.specifier.contains(pins[wanted.name.lower()]), wanted


# ------------------------------------------------------------------------------------------------------- documents


def test_first_target_is_help_and_names_all_targets() -> None:
    make = run("make", "--no-print-directory")
    assert make.returncode == 0, make.stderr
    assert {line.split()[1] for line in make.stdout.splitlines()} == set(targets())
    wanted = {"help", "setup", "run", "test", "lint", "type", "bench", "notebooks", "validate", "docs", "clean"}
    assert wanted <= set(targets())
    assert next(iter(targets())) == "help"


def test_the_first_screen_opens_with_two_commands() -> None:
    first = (HOME / "README.md").read_text().splitlines()[:16]
    assert any(line.startswith("make run ") for line in first)
    assert any(line.startswith("make test ") for line in first)
