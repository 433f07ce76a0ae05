"""The tables of docs/odd.md, read from the code between their markers: ``python docs/make_odd.py``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

from sim import cohort, simulation
from sim.rng import Purpose
from sim.scenario.causes import FIXED
from sim.scenario.drug import BOOSTS, HAZARDS, KINDS, ON_FACTORS
from sim.tissue import patrols, state

PAGE = Path(__file__).parent / "odd.md"
MARKED = re.compile(r"(<!-- generated: ([a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table of Markdown."""
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ("---",) * len(head), *rows))


def plan(steps: tuple[tuple[str, str, str], ...]) -> str:
    """The phases of a step."""
    return "".join(f"{number}. **{name}**: {words}\n" for number, (name, words, _) in enumerate(steps, 1))


def cells() -> str:
    """Names, kinds and words of the arrays of cells, from the docstring of `CellState`."""
    words = inspect.cleandoc(state.CellState.__doc__ or "").partition("----------\n")[2]
    return table(("variable", "kind", "what"), [
        (f"`{names.replace(', ', '`, `')}`", kind.strip(), one_line(text).replace("|", "\\|") or "see below")
        for names, kind, text in re.findall(r"^(\w[\w, ]*) : (.+)\n((?:    .+\n?)*)", words, re.MULTILINE)
    ])  # fmt: skip


def noted(source: str, pattern: str) -> list[tuple[str, str]]:
    """Names in a piece of code, and the comments beside them."""
    return [(match[1], (match[2] or "").strip()) for match in re.finditer(pattern, source, re.MULTILINE)]


def states() -> str:
    """The states of a site."""
    notes = dict(noted(inspect.getsource(state), r"^([A-Z]+) = \d(?:  # (.*))?$"))
    return table(("state", ""), [(f"`{name}`", notes[name.upper()]) for name in state.STATE_NAMES])


def rows_of_patrols() -> str:
    """The fields of a patrol; several on a line share their words."""
    code = inspect.getsource(patrols).partition("ROW = np.dtype(")[2].partition("]\n)")[0]
    rows = []
    for line in code.splitlines():
        names, words = re.findall(r'\("(\w+)"', line), line.partition("  # ")[2]
        rows += [(", ".join(f"`{name}`" for name in names), words or "counts")] if names else []
    return table(("variable", "what"), rows)


def effects() -> str:
    """What drugs may act on, and what the size of an effect is."""
    size = {**dict.fromkeys(HAZARDS, "hazard (1/d)"), **dict.fromkeys(BOOSTS, "multiple")}
    return table(("kind", "its size", "of"), [
        (f"`{kind}`", size.get(kind, "share up to 1"), "named factors, or all" if kind in ON_FACTORS else "")
        for kind in KINDS
    ])  # fmt: skip


def one_line(text: str) -> str:
    """Words of a docstring as Markdown."""
    text = re.sub(r":math:`([^`]*)`", r"$\1$", text)
    return re.sub(r"`{2}([^`]*)`{2}", r"`\1`", " ".join(text.split()))


def rules(module: ModuleType) -> str:
    """Every rule of a process: its name, its arguments, its words and its equation."""
    return "\n".join(described(name, getattr(each, "py_func", each)) for name, each in rules_in(module))


def rules_in(module: ModuleType) -> Iterator[tuple[str, Callable[..., object]]]:
    """Public functions of a module, in the order of the file."""
    for name, each in vars(module).items():
        if not name.startswith("_") and getattr(each, "__module__", None) == module.__name__:
            yield name, each


def described(name: str, rule: Callable[..., object]) -> str:
    """One rule; what stands in its docstring after a section title of parameters is a list."""
    text = re.sub(r"\nReturns\n-+\n.+\n    ", "\n\nReturns: ", inspect.getdoc(rule) or "")
    text = re.sub(r"\n(Parameters|Notes)\n-+\n", "\n\n", text)
    text = re.sub(r"^(\w[\w, ]*) : float\n    ", r"\n`\1`: ", text, flags=re.MULTILINE)
    arguments = ", ".join(inspect.signature(rule).parameters)
    parts = []
    for part in re.split(r"(\.\. math::.*?(?=\n\S|\Z))", text, flags=re.DOTALL):
        if part.startswith(".. math::"):
            parts.append(f"  $${' '.join(part.removeprefix('.. math::').split())}$$")
        else:
            parts += [f"  {one_line(each)}" for each in re.split(r"\n\s*\n", part) if each.strip()]
    return f"* **`{name}({arguments})`**\n\n" + "\n\n".join(parts) + "\n"


def written(what: str) -> str:
    """One generated part, by what its marker names."""
    kind, _, process = what.partition(" ")
    if kind == "rules":
        return rules(import_module(f"sim.rules.{process}"))
    purposes = noted(inspect.getsource(Purpose), r"^    ([A-Z_]+) = \d+(?:  # (.*))?$")
    makers: dict[str, Callable[[], str]] = {
        "cells": cells,
        "states": states,
        "patrols": rows_of_patrols,
        "plan": lambda: plan(simulation.PLAN),
        "cohort": lambda: plan(cohort.PLAN),
        "causes": lambda: table(("code", "cause"), [(str(code), f"`{name}`") for code, name in enumerate(FIXED)]),
        "effects": effects,
        "purposes": lambda: table(("value", "purpose", "for"), [
            (str(Purpose[name].value), f"`{name.lower()}`", words) for name, words in purposes
        ]),
    }  # fmt: skip
    return makers[kind]()


def renewed(page: str) -> str:
    """The page with all generated parts as the code is now."""
    return MARKED.sub(lambda match: f"{match[1]}\n{written(match[2])}\n{match[3]}", page)


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
