"""Whatever becomes of a scenario file: it is one still, or one line names it, with exit code 2 and nothing else."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from damages import DAMAGES
from hypothesis import HealthCheck, given, seed, settings
from random_scenarios import scenarios

from sim.cli import main
from sim.errors import ScenarioError
from sim.scenario.load import from_dict, load
from sim.scenario.trees import Tree
from sim.scenario.yaml_text import dump_yaml
from sim.simulation import Simulation

CONFIGS = Path(__file__).parents[2] / "configs"
SMALL = """\
days: 2
replicates: 1
tissues: {skin: {preset: mouse_dermis, shape: [8, 8], repair: {rate: "1 1/d"}}}
factors: {SASP: {reach: 100 um, induction: {hill: {}}}}
events:
  graft:
    radius: 30 um
    cells: "senescent fibroblast"
arms: {control: {events: {graft: null}}, graft: {}}
"""
EACH = 13  # damaged texts of each kind
NEVER = ("not UTF-8", "recursion", "nesting", "laughs", "keys", "whole")  # nothing of that is a scenario
OFTEN = {"drop": 1, "swap": 3, "truncate": 3}  # what is left may well be one: so many are refused at least, else half
Verdict = Callable[[bytes], bool]


@pytest.fixture
def holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Verdict:
    """Whether bytes are a scenario still; if not, `validate` and `run` say so in one line and leave nothing."""
    shutil.copytree(CONFIGS, tmp_path / "configs")
    monkeypatch.chdir(tmp_path / "configs")
    there = sorted(Path().rglob("*"))

    def check(data: bytes) -> bool:
        Path("damaged.yaml").write_bytes(data)
        first = called("validate")
        if first[0] == 0:
            assert first[1].startswith("ok  damaged.yaml")
            assert all(line.startswith("note: ") for line in first[2])
            return True
        for code, out, lines in (first, called("run")):
            assert (code, out, len(lines)) == (2, "", 1), lines
            assert lines[0].startswith("error: damaged.yaml: "), lines
            assert lines[0].isprintable()
            assert len(lines[0]) <= 1000
        assert sorted(path for path in Path().rglob("*") if path.name != "damaged.yaml") == there
        return False

    def called(command: str) -> tuple[object, str, list[str]]:
        with pytest.raises(SystemExit) as stop:
            main([command, "damaged.yaml"])
        seen = capsys.readouterr()
        return stop.value.code, seen.out, seen.err.splitlines()

    return check


def some_valid(n: int) -> Iterator[str]:
    """Texts of random scenarios."""
    found: list[str] = []

    def keep(tree: Tree) -> None:
        try:
            from_dict(tree)
        except ScenarioError:
            return
        found.append(dump_yaml(tree))

    few = settings(max_examples=n + 1, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
    seed(1)(few(given(scenarios())(keep)))()
    yield from found[1:]  # the first is the simplest


def a_step() -> None:
    """What is still a scenario takes a step in every arm."""
    for about in load("damaged.yaml").arms.values():
        Simulation(about).step()


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_small_file_that_is_damaged(damage: str, holds: Verdict) -> None:
    assert holds(SMALL.encode())
    if holds(DAMAGES[damage](SMALL, Random(damage))):
        assert damage not in NEVER
        a_step()


@pytest.mark.tour
def test_many_files_that_are_damaged(holds: Verdict, capsys: pytest.CaptureFixture[str]) -> None:
    """Shipped scenarios, random ones and a small one, each kind of damage often; most of it is seen, the rest runs."""
    shipped = [path.read_text(encoding="utf-8") for path in sorted(CONFIGS.glob("*.yaml"))]
    kinds, refused = (shipped, list(some_valid(9)), [SMALL]), Counter[str]()
    for damage, change in DAMAGES.items():
        for number in range(EACH):
            luck = Random(f"{damage} {number}")
            whole = holds(change(luck.choice(kinds[number % 3]), luck))
            refused[damage] += not whole
            if whole and number % 3:  # those shipped are too large
                a_step()
    with capsys.disabled():
        told = ", ".join(f"{damage} {n}" for damage, n in refused.items())
        print(f"\n{EACH} damaged texts each, refused: {told}")
    assert len(DAMAGES) * EACH >= 300
    for damage in DAMAGES:
        assert refused[damage] >= (EACH if damage in NEVER else OFTEN.get(damage, EACH // 2)), damage
