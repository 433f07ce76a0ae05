"""`senodrift new`: what it writes is valid, runs, and says of every line what the schema says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sim
from sim.cli import main
from sim.scenario.ledger import default_of, fields, range_words, shown
from sim.scenario.library import library
from sim.scenario.load import load
from sim.scenario.section import declared, number_in
from sim.scenario.template import EXAMPLE, new_scenario, schema_path


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    return int(stop.value.code or 0)


@pytest.fixture(autouse=True)
def _desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_it_is_valid_and_runs_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("new", "my_question") == 0
    assert capsys.readouterr().out.splitlines()[1].split()[1:4] == ["senodrift", "explain", "my_question.yaml"]
    assert call("validate", "my_question.yaml") == 0
    told = capsys.readouterr()
    assert told.out == "ok  my_question.yaml  control, sham, graft, treated\n"
    assert told.err == ""  # no notes
    scenario = load("my_question.yaml", {"days": 2, "replicates": 1, "tissues.patch.shape": [16, 16]})
    results = sim.run(scenario)
    assert {run["status"] for run in results.manifest["runs"]} == {"finished"}
    assert load("my_question.yaml").hash == load(EXAMPLE).hash  # comments change nothing


@pytest.mark.parametrize("tissue", library("tissues"))
def test_every_bundled_tissue_will_do(tissue: str) -> None:
    Path("x.yaml").write_text(new_scenario("x", tissue), encoding="utf-8")
    scenario = load("x.yaml")
    assert scenario.notes == ()
    assert scenario.common.factors["drift"].affinity.keys() == scenario.common.tissues["patch"].cell_types.keys()


def test_what_stands_above_a_line_is_what_the_schema_says() -> None:
    known = dict(fields())
    said, path, above = set[str](), list[str](), ""
    for line in new_scenario("x").splitlines()[6:]:
        if line.lstrip().startswith("#"):
            above += line.lstrip().removeprefix("#")
            continue
        path[(len(line) - len(line.lstrip())) // 2 :] = [line.split(":")[0].strip()]
        if above:
            place = schema_path(path, set(known))
            field, extra = known[place], declared(known[place])
            words = re.sub(r"\s+", " ", above)
            assert str(field.description) in words
            assert number_in(field.annotation) is None or range_words(field) in words
            assert field.is_required() or f"default {shown(default_of(field), extra['unit'])}" in words
            assert extra["source"] in words or extra["source"] == "design of the experiment"
            said.add(place)
        above = ""
    assert len(said) > 25
    assert {"days", "tissues.*.shape", "factors.*.cargo.memory", "events.*.radius", "treatments.*.amount"} <= said


def test_the_schema_is_found_from_the_file() -> None:
    for folder in ("configs", "mine"):
        Path(folder).mkdir()
    assert call("schema") == 0
    Path("configs/scenario.schema.json").touch()
    assert call("new", "a", "--out", "configs/a.yaml") == call("new", "b", "--out", "mine/b.yaml") == 0
    first = [Path(name).read_text(encoding="utf-8").splitlines()[0] for name in ("configs/a.yaml", "mine/b.yaml")]
    assert first == [
        "# yaml-language-server: $schema=scenario.schema.json",
        "# yaml-language-server: $schema=../configs/scenario.schema.json",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["two words"], "new: NAME: must be letters, digits and _, starting with a letter, got 'two words'"),
        (["x", "--tissue", "mouse_dermus"], "new: --tissue: must be one of mouse_dermis, "),
        (["x", "--tissue", "mouse_dermus"], "got 'mouse_dermus' (did you mean mouse_dermis?)"),
        (["taken"], "taken.yaml: out: must be a new file, got one that exists"),
        (["x", "--out", "x.txt"], "x.txt: out: must end in .yaml, got .txt"),
        (["x", "--out", "no/x.yaml"], "no/x.yaml: out: must be in a folder that exists, got no"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("taken.yaml").write_text("mine", encoding="utf-8")
    assert call("new", *arguments) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert len(told.err.splitlines()) == 1
    assert told.out == ""
    assert [path.name for path in Path().iterdir()] == ["taken.yaml"]
    assert Path("taken.yaml").read_text(encoding="utf-8") == "mine"
