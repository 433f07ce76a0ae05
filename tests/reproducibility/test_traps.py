"""The traps that were measured (ARCHITECTURE.md 1): stale caches, no cache, last bits of numbers."""

from __future__ import annotations

import inspect
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from itertools import product
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import numba
import numpy as np
import pytest
from numba.core.errors import TypingError
from worlds import assert_same, factor, run, tissue, world

import sim
import sim.rules
from sim.compiling import kernel

PACKAGE = Path(sim.__file__).parent
DECIDE_ONLY = """
from sim.compiling import writable_cache
from sim.scenario.load import from_dict
from sim.simulation import Simulation
quiet = {"clearance": {"max_rate": 0}, "damage": {"baseline": 0, "per_year": 0}, "contact": {"hazard": 0.01}}
tissue = {"shape": [40, 40], "initial": {"burden": 30}, **quiet}
settings = from_dict({"days": 1, "tissues": {"patch": tissue}}).common
for engine in ("agents", "compiled"):
    simulation = Simulation(settings, engine=engine)
    for phase in simulation.plan():
        if phase.name not in ("secrete", "transport"):
            phase.run()
    print(engine, simulation.patches["patch"].cum.sum())
print("cache", writable_cache() is not None)
"""


def answers(package_parent: Path, home: Path) -> dict[str, str]:
    """What a fresh interpreter says, with this package and this home for caches."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("NUMBA", "PYTHON"))}
    environment |= {"PYTHONPATH": str(package_parent), "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    command = [sys.executable, "-W", "error", "-c", DECIDE_ONLY]
    done = subprocess.run(command, env=environment, cwd=package_parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(line.split() for line in done.stdout.splitlines())


@pytest.mark.tour
def test_an_edited_rule_changes_both_engines(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "sim", ignore=shutil.ignore_patterns("__pycache__"))
    before = answers(tmp_path, tmp_path)
    rule = tmp_path / "sim" / "rules" / "induction.py"
    text = rule.read_text()
    assert text.count("return rate * neighbours") == 1
    rule.write_text(text.replace("return rate * neighbours", "return 9.0 * rate * neighbours"))
    after = answers(tmp_path, tmp_path)
    assert before["agents"] == before["compiled"] != after["compiled"] == after["agents"]
    assert before["cache"] == after["cache"] == "True"
    assert len(list((tmp_path / "cache" / "senodrift").iterdir())) == 2


@pytest.mark.long
def test_no_folder_for_a_cache(tmp_path: Path) -> None:
    """A path below a regular file cannot be made, not even by root."""
    (tmp_path / "file").write_text("")
    told = answers(PACKAGE.parent, tmp_path / "file")
    assert told["agents"] == told["compiled"]
    assert told["cache"] == "False"


# ------------------------------------------------------------------------------------------- numbers of the rules


def all_rules() -> dict[str, Callable[..., Any]]:
    """Every function of every file of biology."""
    modules = [import_module(f"sim.rules.{module.name}") for module in iter_modules(sim.rules.__path__)]
    return {
        name: function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
    }


RULES = all_rules()
EDGES = (0.0, 1e-300, 1e-12, 1.0, 1e4)
SHARES = ("maintenance", "capacity", "jam", "inhibition", "keep", "autocrine", "each", "susceptibility", "basal", "u",
          "bias")  # fmt: skip
NEVER_ZERO = ("half_max", "half_saturation", "memory", "radius", "length", "distance", "ramp", "ec50", "elimination",
              "penetration_depth", "recovery", "dt", "speed", "persistence", "encounters", "attachment_time",
              "a", "b", "dimension", "blood_volume", "doubling_time", "scale")  # fmt: skip
WHOLE = ("threshold", "neighbours", "healthy", "present", "senders")
EXPONENTS = ("power", "decline", "third")


def inputs(name: str, count: int) -> list[tuple[float, ...]]:
    """Random arguments of a rule in the ranges that scenarios allow, and all combinations of two edges."""
    rng = np.random.default_rng(20250101)
    columns = []
    for word in inspect.signature(RULES[name]).parameters:
        values = 10.0 ** rng.uniform(-8, 4, count)
        if word in SHARES:
            values = rng.random(count)
        elif word == "change":
            values = rng.uniform(-50, 50, count)
        elif word in WHOLE:
            values = rng.integers(0, 200, count).astype(np.float64)
        elif word in EXPONENTS:
            values = rng.uniform(0.1, 8, count)
        elif word in ("a", "b"):  # in the unit disc
            values = rng.uniform(-0.7, 0.7, count)
        elif word == "dimension":
            values = rng.integers(2, 4, count).astype(np.float64)
        elif word == "kind":
            values = rng.integers(0, 4, count).astype(np.float64)
        elif word == "first":  # a threshold is at most 1000
            values = 10.0 ** rng.uniform(-8, 3, count)
        columns.append(values)
    table = np.column_stack(columns)
    free = [i for i, word in enumerate(RULES[name].__code__.co_varnames[: table.shape[1]]) if is_free(word)]
    for row, edges in zip(table, product(EDGES, repeat=min(2, len(free))), strict=False):
        row[rng.choice(free, len(edges), replace=False) if free else []] = edges
    return [tuple(row) for row in table.tolist()]


def is_free(word: str) -> bool:
    """Whether an argument may be anything from 0 on."""
    return word not in (*SHARES, *NEVER_ZERO, *WHOLE, *EXPONENTS, "kind", "first", "second")


@pytest.mark.parametrize("name", RULES)
def test_a_rule_gives_the_same_bits_in_plain_python_and_compiled(name: str) -> None:
    function, arguments = RULES[name], inputs(name, 3000)

    @kernel
    def compiled(rows):  # type: ignore[no-untyped-def]
        return [function(*row) for row in rows]

    out = np.array(compiled(numba.typed.List(arguments)))
    answers = [function(*each) for each in arguments]
    plain = np.array(answers)
    np.testing.assert_array_equal(plain.view(np.int64), out.view(np.int64))
    assert np.isfinite(plain).all()
    assert len(set(answers)) > len(answers) / 20


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("wrong", [1, np.float32(1.0), np.uint8(1), True])
def test_a_loop_that_does_not_pass_float64_does_not_compile(name: str, wrong: object) -> None:
    function, n = RULES[name], len(inspect.signature(RULES[name]).parameters)

    @numba.njit
    def loop(arguments):  # type: ignore[no-untyped-def]
        return function(*arguments)

    good = (1.0,) * n
    assert loop(good) == function(*good)
    for place in range(n):
        with pytest.raises(TypingError, match="float64"):
            loop((*good[:place], wrong, *good[place + 1 :]))


def test_rules_read_neither_constants_nor_the_world() -> None:
    """Parameters are arguments: a rule knows `math` and other rules, nothing else."""
    for function in RULES.values():
        for name in function.__code__.co_names:
            known = function.__globals__.get(name)
            assert known in (math, *RULES.values()) or hasattr(math, name), f"{function.__name__}: {name}"
        assert all(parameter.annotation == "float" for parameter in inspect.signature(function).parameters.values())


@pytest.mark.parametrize("power", [1, 2, 3, 4, 7])
def test_a_whole_power_is_the_same_number_as_its_float(power: int) -> None:
    """`x**3` and `x**3.0` are not the same bits in compiled code."""
    old = tissue(initial={"burden": 20})

    def patch(n: float) -> object:
        hill = {"hill": {"max_rate": 1, "half_max": 3, "power": n}}
        return run(world(old, factor(reach=20, induction=hill)), 20)

    assert_same(patch(power), patch(float(power)))  # type: ignore[arg-type]
