"""YAML as people write it: numbers with units, one meaning per key, and back again."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from sim.errors import ScenarioError
from sim.scenario.load import load
from sim.scenario.yaml_text import dump_yaml, parse_value, read_yaml


def graft_file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1.5E+2", 150.0),
        (".inf", math.inf),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("012", "012"),
        ("1:30", "1:30"),
        ("2020-01-01", "2020-01-01"),
        ("-7", -7),
        ("[64, 64]", [64, 64]),
        ("null", None),
        ("300 um", "300 um"),
        ("{", "{"),
    ],
)
def test_yaml_reads_what_people_mean(text: str, value: object) -> None:
    read = parse_value(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("value", ["1e-3", "no", "012", "1:30", "true", "null", "7", 1e-17, 1e20, math.inf, 0.1, None])
def test_what_is_dumped_reads_back_equal(tmp_path: Path, value: object) -> None:
    path = graft_file(tmp_path, "x.yaml", dump_yaml({"key": value}))
    assert read_yaml(path) == {"key": value}


# ten thousand million sections by anchors, in ten lines
REPEATED = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 11))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("days: 3\ndays: 4\n", "key 'days' stands twice in line 1"),
        ("3: 4\n", "key 3 must be text"),
        ("- a\n", "must be a mapping of keys to values, got list"),
        ("a: [1\n", "must be YAML"),
        ("x: &a {y: *a}\n", "must be YAML, got more than 100 levels (an anchor that holds itself has no end)"),
        ("[" * 5000, "must "),
        ("days: !!int many\n", "must be YAML, got a value that is no int in line 1"),
        ("tissues:\n  skin: !!timestamp x\n", "must be YAML, got a value that is no timestamp in line 2"),
        (f"days: {'9' * 5000}\n", "must be YAML, got a value that is no int in line 1"),
        (f"a: {'{x: ' * 300}1{'}' * 300}\n", "must be YAML, got more than 100 levels"),
        ("a: !!map [1]\n", "must be YAML, got expected a mapping node, but found sequence in line 1"),
        (REPEATED, "must be YAML, got anchors that repeat more than 100000 sections"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str, rule: str) -> None:
    with pytest.raises(ScenarioError) as error:
        load(graft_file(tmp_path, "x.yaml", text))
    assert rule in str(error.value)
    assert str(error.value).startswith(f"{tmp_path}/x.yaml: file: ")
