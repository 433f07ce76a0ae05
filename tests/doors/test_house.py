"""The house itself: layers, short files, no addresses of machines, documented names, a first screen that helps."""

from __future__ import annotations

import ast
import contextlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
import tomllib
import typing
from collections.abc import Callable, Iterable
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import sim
import sim.errors
import sim.rules
from sim.cli import app
from sim.figures import Plots
from sim.figures.sweep_plots import SweepPlots
from sim.scenario.design import Design
from sim.scenario.schema import Settings
from sim.scenario.section import Section, section_in

HOME = Path(__file__).parents[2]
LONGEST_FILE, LONGEST_FUNCTION, LONGEST_TEST = 400, 40, 60  # lines, of functions without the docstring
GENERATED = ("docs/odd.md", "docs/parameters.md")
LONG_FUNCTIONS = {
    "compare": "a command: its options are its signature",
    "live": "a kernel: arrays that are fetched from tuples in a loop cost a count of references each time",
    "decide_kernel": "a kernel, likewise",
    "induction_event": "one list of competing hazards, which is read from top to bottom",
    "_walk": "a kernel, likewise",
}
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


def in_rooms(*endings: str) -> list[Path]:
    """Files of our own: the package, its tests, benchmarks and pages."""
    return [path for room in ("sim", "tests", "benchmarks", "docs") for end in endings
            for path in sorted((HOME / room).rglob(f"*{end}"))]  # fmt: skip


def test_no_file_is_long() -> None:
    files = {str(path.relative_to(HOME)): path for path in in_rooms(".py", ".md", ".html", ".css", ".js")}
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in files.items()}
    assert {name: n for name, n in lengths.items() if n > LONGEST_FILE and name not in GENERATED} == {}
    assert len(lengths) > 400


def test_no_function_is_long() -> None:
    """Without its docstring it fits a screen, but for those that say why here."""
    long = {}
    for path in in_rooms(".py"):
        room = path.relative_to(HOME).parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name not in LONG_FUNCTIONS:
                told = ast.get_docstring(node, clean=False)
                n = node.end_lineno - node.lineno + 1 - (len(told.splitlines()) if told else 0)
                if n > (LONGEST_TEST if room == "tests" else LONGEST_FUNCTION):
                    long[f"{path.relative_to(HOME)}: {node.name}"] = n
    assert long == {}


def returned(functions: Iterable[Any]) -> dict[str, type]:
    """Classes of ours that functions of ours hand out, by name, as their annotations say."""
    found = {}
    for each in functions:
        with contextlib.suppress(NameError):  # names that only a type checker imports
            waiting = [typing.get_type_hints(each).get("return")]
            while waiting:
                kind = waiting.pop()
                waiting += typing.get_args(kind)
                if inspect.isclass(kind) and kind.__module__.startswith("sim."):
                    found[kind.__name__] = kind
    return found


def public_functions() -> dict[str, Callable[..., Any]]:
    """Public functions and methods of `sim`, of what they return, and every rule of `sim.rules`, by dotted name."""
    found: dict[str, Any] = {name: getattr(sim, name) for name in sim.__all__ if name != "__version__"}
    handed_out = returned(each for each in found.values() if inspect.isfunction(each))
    found = {"Plots": Plots, "SweepPlots": SweepPlots, **handed_out, **found}
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
    if name.startswith(("Plots.", "SweepPlots.")):
        words += inspect.getdoc(public_functions()[name.partition(".")[0]]) or ""  # said once for all figures
    parameters = set(inspect.signature(code).parameters) - {"self", "cls"}
    assert {one for one in parameters if not re.search(rf"\b{one}\b", words)} == set()
    errors = {key for key, value in vars(sim.errors).items() if inspect.isclass(value)}
    raised = re.findall(r"\braise (\w+)\(", inspect.getsource(code))
    assert [one for one in raised if one in errors and one not in words] == []


def test_every_command_has_examples_and_every_option_has_help() -> None:
    """A plain number says in its help what it is a number of: what has a unit is a text with one."""
    commands = app.registered_commands
    assert len(commands) > 20
    for command in commands:
        assert "Examples:" in (command.callback.__doc__ or ""), command.callback.__name__
        for key, hint in typing.get_type_hints(command.callback, include_extras=True).items():
            if key != "return":
                kind, told, *_ = (*typing.get_args(hint), None)
                words = getattr(told, "help", None)
                assert words, (command.callback.__name__, key)
                assert float not in (kind, *typing.get_args(kind)) or re.search("unit|[Cc]hance|per second", words), key


def test_every_field_of_the_schema_is_described() -> None:
    """Units, ranges and sources of numbers: tests/properties/test_bad_values.py."""
    sections, waiting = set[type[Section]](), [Settings, Design]
    while waiting:
        section = waiting.pop()
        sections.add(section)
        for name, field in section.model_fields.items():
            assert field.description, f"{section.__name__}.{name}"
            inner = section_in(field.annotation)
            waiting += [inner] if inner and inner not in sections else []
        assert section.__doc__
    assert len(sections) > 60


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
