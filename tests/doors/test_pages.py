"""Every command, scenario and line of Python in README and docs, as a reader meets them: page by page, in order.

Conventions. A page is read alone, in a folder that holds `configs/` and nothing else. A block without a language is a
list of commands if one of its lines begins with a program, else something that is shown; what follows two spaces or
` #` on a line is told, not typed. A block after "Save as `FILE`" is that file. Other YAML is a scenario, a sweep file,
or part of a scenario: then it is laid upon the scenario that the page named last (the skin graft if it named none).
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from sim.cli import main
from sim.scenario.design import load_sweep, points
from tests.pages import HOME, PAGES, Block, blocks

pytestmark = pytest.mark.tour
ELSEWHERE = {  # what is not typed here, and why
    r"make |source |pip install": "sets up what is set up already; targets are checked in test_house",
    r"python docs/|python tests/": "minutes each; `make docs` and `make validate` run them",
    r"senodrift app\b": "serves until it is stopped; driven in a browser by its own test",
    r"export |dask worker|senodrift .*--dask tcp:": "needs a scheduler of somebody else",
}
NOT_HERE = {"dask_jobqueue": "needs SLURM"}  # import in Python to reason
WIDEST, REPLICATES = 16, 2  # sites per axis and replicates: enough for every analysis, seconds for a scenario
AT_LEAST = {"drift_or_sasp.yaml": 4, "saturated_removal.yaml": 40}  # replicates that their analyses ask for


def small(text: str, name: str = "") -> str:
    """A scenario or sweep file with small tissues, long steps, few replicates and few points; all else is as it was."""
    most = AT_LEAST.get(name, REPLICATES)
    text = re.sub(r"(?<=shape: )\[[\d, ]+\]", lambda m: str([min(WIDEST, n) for n in yaml.safe_load(m[0])]), text)
    text = re.sub(r"(?m)^(replicates: )(\d+)", lambda m: f"{m[1]}{min(most, int(m[2]))}", text)
    text = re.sub(r"(?m)^dt: (6|12) h", "dt: 1 d", text)
    return re.sub(r"(?m)^(    \S+: \[[^,\[\]]+,[^,\[\]]+),[^\[\]]+\]", r"\1]", text)  # two values per key of a grid


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to work in: small copies of all scenarios, and two tables of cells such as a reader may have."""
    for file in (HOME / "configs").rglob("*.yaml"):
        copy = tmp_path / file.relative_to(HOME)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(small(file.read_text(encoding="utf-8"), file.name), encoding="utf-8")
    y, x = np.indices((WIDEST, WIDEST)).reshape(2, -1) * 15.0
    near = np.hypot(x - 180.0, y - 180.0) < 60.0
    for name in ("mouse_1.csv", "mouse_2.csv", "cells.csv"):
        pd.DataFrame({"x": x, "y": y, "state": np.where(near, "senescent", "healthy")}).to_csv(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sim.figures.save_all", lambda results, folder: [])  # half of the time; drawn in test_figures
    yield tmp_path
    shutil.rmtree(tmp_path)


def typed(command: str) -> list[str] | None:
    """Arguments of a command, with few replicates and in this process; None where it is not run here."""
    if any(re.match(each, command) for each in ELSEWHERE):
        return None
    program, *arguments = shlex.split(command)
    assert program == "senodrift", f"neither run nor excused: {command}"
    for option, most in {"--replicates": REPLICATES, "--most": REPLICATES, "--workers": 1}.items():
        if option in arguments:
            place = arguments.index(option) + 1
            arguments[place] = str(min(most, int(arguments[place])))
    return [*arguments, "--most", str(REPLICATES)] if {"--until-halfwidth"} & set(arguments) else arguments


def carry_out(command: str) -> None:
    if (arguments := typed(command)) is not None:
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert not stop.value.code, command


def validate(block: Block, desk: Path) -> None:
    """A YAML block: saved where the page says, or checked as what it is."""
    tree = yaml.safe_load(block.text)
    assert isinstance(tree, dict)
    named = block.saved_as
    whole = {"extends", "days", "scenario"} & set(tree)
    bases = re.findall(r"configs/(\w+\.yaml)", block.before)
    text = block.text if whole else f"extends: {bases[-1] if bases else 'skin_graft.yaml'}\n{block.text}"
    place = desk / (named or f"configs/{'sweeps/' if 'scenario' in tree else ''}of_this_page.yaml")
    place.write_text(small(text), encoding="utf-8")
    if "scenario" not in tree:
        carry_out(f"senodrift validate {place.relative_to(desk)}")
    else:
        assert points(load_sweep(place))


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page)], ids=lambda page: page.relative_to(HOME).as_posix()
)
def test_a_page_can_be_followed(page: Path, desk: Path) -> None:
    names: dict[str, Any] = {}
    for block in blocks(page):
        if block.kind == "yaml":
            validate(block, desk)
        elif block.kind == "python" and not any(f"from {library} " in block.text for library in NOT_HERE):
            few = re.sub(r"replicates=\d+, (.*), workers=\d+", rf"replicates={REPLICATES}, \1", block.text)
            exec(compile(few, str(page), "exec"), names)
        for command in block.commands:
            carry_out(command)
