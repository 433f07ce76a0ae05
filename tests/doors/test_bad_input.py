"""A user's mistake is one line on standard error and exit code 2; nothing is left behind, and no traceback is seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sim.cli import main

GOOD = """\
days: 2
replicates: 1
tissues: {skin: {preset: mouse_dermis, shape: [8, 8]}}
factors: {SASP: {reach: 100 um, induction: {hill: {}}}}
events: {graft: {radius: 30 um}}
arms: {control: {events: {graft: null}}, graft: {}}
"""
Complaint = Callable[..., str]


@pytest.fixture
def complaint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Complaint:
    """Runs the command in an empty folder with x.yaml in it; returns its only line, when all else is as promised."""
    monkeypatch.chdir(tmp_path)
    Path("x.yaml").write_text(GOOD, encoding="utf-8")

    def call(*arguments: str, text: str | None = None) -> str:
        if text is not None:
            Path("x.yaml").write_text(text, encoding="utf-8")
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2
        assert sorted(tmp_path.rglob("*")) == before
        line, *more = capsys.readouterr().err.splitlines()
        assert not more
        assert line.startswith("error: ")
        return line.removeprefix("error: ")

    return call


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("days: 2", "dayz: 2"), "dayz: unknown key (did you mean days?)"),
        (("[8, 8]", "[8, 8], cell_spcing: 15 um"),
         "tissues.skin.cell_spcing: unknown key (did you mean cell_spacing?)"),
        (("[8, 8]", "[8, 8], cell_spacing: 15000 mm"),
         "tissues.skin.cell_spacing: must be between 5 um and 1e+06 um, got 1.5e+07 um (mouse dermis: 15 um)"),
        (("100 um", "100 d"), "factors.SASP.reach: must be in um, got '100 d'"),
        (("100 um", "100 parsec"), "factors.SASP.reach: must be in um, got '100 parsec': unknown unit 'parsec'"),
        (("hill: {}", "hill: {max_rate: -1}"),
         "factors.SASP.induction.hill.max_rate: must be between 0 1/d and 1000 1/d, got -1 1/d"),
        (("arms: {control: {events: {graft: null}}, graft: {}}", "arms: {}"),
         "arms: must name at least one arm, got {}"),
        (("radius: 30 um", "at: [500, 60]"),
         "events.graft.at: must lie inside the tissue of 120 x 120 um, got [500.0, 60.0]"),
        (("days: 2", "days: 0"), "days: must be more than 0 d and at most 100000 d, got 0 d"),
        (("preset: mouse_dermis", "preset: mouse_derms"),
         "tissues.skin.preset: must be one of mouse_dermis, culture_dish, karin_mouse_survival, "
         "karin_mouse_likelihood, got 'mouse_derms' (did you mean "
         "mouse_dermis?)"),
        (("radius: 30 um", "cells: senescent fibroblst"),
         "events.graft.cells: must be one of fibroblast, got 'fibroblst' (did you mean fibroblast?)"),
        (("days: 2", "days: 2\ndays: 3"), "file: must be YAML, got key 'days' stands twice in line 1"),
        (("{skin:", "{skin"), "file: must be YAML, got "),
        (("replicates: 1", "  replicates: 1"), "file: must be YAML, got mapping values are not allowed here in line 2: "
         "look at the indentation there, and in the line before"),
        (("days: 2", "days: 2\nrecord:\n  every: 1\n maps: [state]"),
         "file: must be YAML, got expected <block end>, but found '<block mapping start>' in line 4: look at the"),
        (("days: 2", "days: 2\nrecord: {maps: [states], days: [1]}"),
         "record.maps: must be one of state, cause, generation, type, cargo, quality, secondaries, melanin, "
         "activation, dendrites, SASP, got 'states' (did you mean state?)"),
        (("days: 2", "days: 2\ntreatments: {t: {drug: fisetn, amount: 100 mg/kg}}"),
         "treatments.t.drug: must be a drug of the scenario or of the library, got 'fisetn' (did you mean fisetin?)"),
        (("days: 2", "days: 2\ntreatments: {t: {drug: fisetin, amount: 5 uM}}"),
         "treatments.t.amount: must be in mg/kg, got '5 uM'"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["run", "explain", "validate", "ledger"])
def test_a_wrong_file(complaint: Complaint, command: str, change: tuple[str, str], message: str) -> None:
    text = GOOD.replace(*change)
    assert text != GOOD
    assert complaint(command, "x.yaml", text=text).startswith(f"x.yaml: {message}")


def test_a_huge_tissue_is_refused_by_its_estimated_bytes(complaint: Complaint) -> None:
    line = complaint("run", "x.yaml", "--set", "tissues.skin.shape=[1000000, 1000000]")
    assert line.startswith("x.yaml: tissues.skin.shape: must fit into the memory of this machine (")
    assert line.endswith("got [1000000, 1000000], which needs about 60 TB")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "nope.yaml"), "nope.yaml: file: must exist, got no such file"),
        (("run", "."), ".: file: must be readable text, got IsADirectoryError"),
        (("run", "x.yaml", "--arms", "grft"),
         "x.yaml: arms.grft: unknown arm (did you mean graft?), known: control, graft"),
        (("run", "x.yaml", "--arms", ""), "x.yaml: arms.: unknown arm, known: control, graft"),
        (("run", "x.yaml", "--set", "days"), "x.yaml: --set: must be path.to.key=value, got 'days'"),
        (("run", "x.yaml", "--set", "=3"), "x.yaml: --set: must be path.to.key=value, got '=3'"),
        (("run", "x.yaml", "--set", "days="), "x.yaml: --set: must be path.to.key=value, got 'days='"),
        (("run", "x.yaml", "--set", "tissues.skin.shape.0=3"),
         "x.yaml: tissues.skin.shape.0: must address a key of a mapping, got shape: [8, 8]"),
        (("run", "x.yaml", "--set", "events.grft.radius=3"),
         "x.yaml: events.grft.radius: unknown event (did you mean graft?)"),
        (("run", "x.yaml", "--days", "3 um"), "x.yaml: days: must be in d, got '3 um'"),
        (("run", "x.yaml", "--replicates", "0"), "x.yaml: replicates: must be between 1 and 1000000, got 0"),
        (("run", "x.yaml", "--seed", "-1"), "x.yaml: seed: must be between 0 and 9223372036854775808, got -1"),
        (("run", "x.yaml", "--workers", "0"), "x.yaml: workers: must be at least 1, got 0"),
        (("run", "x.yaml", "--engine", "agent"),
         "x.yaml: engine: must be one of compiled, agents, or MODULE:CLASS, got 'agent' (did you mean agents?)"),
        (("compare", "nope"), "nope: results: must be a results folder, got no such folder"),
        (("compare", "."), "manifest.json: results: is missing from its folder"),
        (("compare", ".", "--forest", "x.pdf"), "x.pdf: forest: must end in .png or .svg, got .pdf"),
        (("run", "x.yaml", "--until-halfwidth", "0"), "until: half-width: must be more than 0, got 0"),
        (("run", "x.yaml", "--until-halfwidth", "1", "--most", "1"),
         "until: most: must be at least 2 replicates, got 1"),
        (("run", "x.yaml", "--most", "9"), "run: --most: must come with --until-halfwidth, got it alone"),
        (("run", "x.yaml", "--outcome", "burden"), "run: --outcome: must come with --until-halfwidth, got it alone"),
        (("run", "x.yaml", "--quiet", "--until-halfwidth", "1", "--outcome", "burdn"),
         "compare: outcomes: must be one of mean_burden, exposure_SASP, whole_body_burden, an early "
         "warning (tipping_burden), "
         "one through a marker (burden_as_p16), "
     "or a column of the time series, got burdn (did "
         "you mean burden?)"),
        (("run", "x.yaml", "--quiet", "--until-halfwidth", "1", "--arms", "graft"),
         "until: arms: must be at least two to compare, got one"),
        (("validate", "x.yaml", "--set", "dayz=3"), "x.yaml: dayz: unknown key (did you mean days?)"),
        (("run", "x.yaml", "--out", "."), ".: out: must be a new folder, got one that exists"),
        (("list", "drugs", "fisetn"), "list drugs: unknown drug 'fisetn' (did you mean fisetin?)"),
        (("list", "tissues", "fisetin"), "list: must name a drug after drugs only, got 'fisetin'"),
        (("list", "tissue"), "list: must be one of tissues, drugs, markers, got 'tissue' (did you mean tissues?)"),
    ],
)  # fmt: skip
def test_a_wrong_command(complaint: Complaint, arguments: tuple[str, ...], message: str) -> None:
    assert complaint(*arguments) == message


@pytest.mark.parametrize(
    "arguments",
    [
        ("run",),
        ("run", "x.yaml", "--seed", "three"),
        ("run", "x.yaml", "--sed", "3"),
        ("walk",),
        ("--loud",),
        ("validate",),
    ],
)
def test_a_wrong_use_of_the_command(complaint: Complaint, arguments: tuple[str, ...]) -> None:
    assert complaint(*arguments)


@pytest.mark.parametrize("out", ["x.yaml/results", "/proc/senodrift", "n" * 300])
def test_a_folder_that_cannot_be_written(complaint: Complaint, out: str) -> None:
    assert complaint("run", "x.yaml", "--quiet", "--out", out).startswith(f"{out}")


def test_a_results_folder_is_never_overwritten(complaint: Complaint, tmp_path: Path) -> None:
    (tmp_path / "done").mkdir()
    line = complaint("run", "x.yaml", "--out", "done")
    assert line == "done: out: must be a new folder, got one that exists"
    assert complaint("run", "x.yaml", "--quiet", "--out", "x.yaml").startswith("x.yaml: out: must be a new folder")
    (tmp_path / "half.partial").mkdir()
    assert complaint("run", "x.yaml", "--out", "half").startswith("half: out: half.partial is there already")


def test_a_long_value_does_not_fill_the_terminal_nor_steer_it(complaint: Complaint) -> None:
    line = complaint("run", "x.yaml", text=GOOD.replace("days: 2", f"days: {'many ' * 1000}"))
    assert line.startswith("x.yaml: days: must be a number in d, got 'many many")
    assert len(line) < 1000
    line = complaint("run", "x.yaml", text=GOOD + '"\\e[31mred": 1\n')
    assert line.startswith("x.yaml: \\x1b[31mred: unknown key")


def test_values_on_the_command_line_are_read_like_those_of_a_file(complaint: Complaint) -> None:
    for value in ("!!int many", "&a [*a]", "[" * 300):
        assert complaint("run", "x.yaml", "--set", f"days={value}").startswith("x.yaml: days: must be a number in d")


def test_validate_tells_of_every_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("a.yaml", "days: 0"), ("b.yaml", GOOD), ("c.yaml", "")):
        Path(name).write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as stop:
        main(["validate", "a.yaml", "b.yaml", "c.yaml"])
    seen = capsys.readouterr()
    assert stop.value.code == 2
    assert [line.split(":")[:2] for line in seen.err.splitlines()] == [["error", " a.yaml"], ["error", " c.yaml"]]
    assert seen.out == "ok  b.yaml  control, graft\n"
