"""Whatever becomes of a file of a results folder: one line that names it and exit code 2, or the same numbers."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import sim
from sim.cli import main
from sim.errors import SimError
from sim.scenario.load import from_dict
from sim.scenario.trees import Tree
from sim.scenario.yaml_text import dump_yaml

WORLD: Tree = {
    "days": 4,
    "dt": 0.5,
    "replicates": 2,
    "tissues": {"skin": {"preset": "mouse_dermis", "shape": [6, 6], "initial": {"burden": 40},
                         "functions": {"strength": {"losses": {"burden": {}}}}}},
    "factors": {"SASP": {"reach": 30, "induction": {"hill": {"max_rate": 0.5}}}},
    "events": {"wound": {"kind": "wound", "day": 1, "radius": 20},
               "pulse": {"kind": "irradiation", "radius": 60, "delay": 0.5, "duration": 0.5}},
    "drugs": {"pill": {"half_life": 1, "effects": {"kill_senescent": {"emax": 1, "ec50": 5}}}},
    "outcomes": {"grip": {"weights": {"skin.strength": 1}}},
    "record": {"maps": ["state", "SASP"], "days": [0, 4]},
    "arms": {"none": {}, "treated": {"treatments": {"course": {"drug": "pill", "amount": 10, "interval": 2}}}},
}  # fmt: skip
SWEEP: Tree = {"scenario": "world.yaml", "output": "maps",
               "design": {"grid": {"factors.SASP.reach": [20, 40]}}}  # fmt: skip
DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "emptied": lambda data: b"",
    "halved": lambda data: data[: len(data) // 2],
    "one byte short": lambda data: data[:-1],
    "garbage": lambda data: bytes(range(256)) * 4,
    "other text": lambda data: b"{}\n",
    "deleted": lambda data: None,
}
Readers = dict[str, tuple[str, ...]]
READERS: Readers = {  # commands that read a run, and what they are asked for
    "compare": ("--outcomes", "burden,grip,closure_wound"),
    "study": ("--cells", "10", "--studies", "50"),
    "export": ("--to", "csv", "--out", "exported"),
    "patterns": (),
    "turnover": ("--cause", "pulse"),
}
SLOW: Readers = {"report": ("--out", "report.html")}  # for files that are halved only
OF_A_SWEEP: Readers = {"compare": ("--outcomes", "burden")}
Told = dict[str, str]  # by command, or by file


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run and a sweep, whole."""
    home = tmp_path_factory.mktemp("whole")
    sim.run(from_dict(WORLD), out=home / "run")
    (home / "world.yaml").write_text(dump_yaml(WORLD), encoding="utf-8")
    (home / "sweep.yaml").write_text(dump_yaml(SWEEP), encoding="utf-8")
    sim.sweep(home / "sweep.yaml", out=home / "sweep")
    return home


@pytest.fixture
def here(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copies that may be damaged, in the working folder."""
    shutil.copytree(whole, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return tmp_path / "copy"


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str, list[str]]:
    """Exit code, what a command tells, and its lines on standard error."""
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    seen = capsys.readouterr()
    return stop.value.code, seen.out, seen.err.splitlines()


def all_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def numbers(folder: str, readers: Readers, capsys: pytest.CaptureFixture[str], file: str) -> Told:
    """What every reader tells of a folder; an error is one line about `file`, and leaves nothing behind."""
    told: Told = {}
    for command, options in readers.items():
        before = all_below(Path())
        code, out, lines = said(capsys, command, folder, *options)
        if code == 0:
            made = {name: data for name, data in all_below(Path()).items() if name not in before}
            told |= {f"{command} {name}": data.decode() for name, data in made.items()}
            told[command] = out if command != "export" else ""
            for name in made:
                Path(name).unlink()
            shutil.rmtree("exported", ignore_errors=True)
            continue
        assert (code, out, len(lines)) == (2, "", 1), (command, code, out, lines)
        assert lines[0].startswith("error: "), lines
        assert file in lines[0] or f"{folder}/maps: " in lines[0], lines
        assert all_below(Path()) == before, command
        told[command] = lines[0]
    return told


def damaged(folder: Path, file: Path, damage: str) -> bytes:
    """Damage a file; what it was."""
    data = file.read_bytes()
    if (left := DAMAGES[damage](data)) is None:
        file.unlink()
    else:
        file.write_bytes(left)
    return data


def check(
    folder: str,
    readers: Readers,
    slow: Readers,
    opened: Callable[[str], object],
    files: list[Path],
    capsys: pytest.CaptureFixture[str],
) -> tuple[int, int]:
    """Damage each file in each way; how often a reader refused, and how often it told the same as before."""
    truth, refused, same = numbers(folder, readers | slow, capsys, "nothing"), 0, 0
    for file in files:
        for damage in DAMAGES:
            data = damaged(Path(folder), file, damage)
            with contextlib.suppress(SimError):  # and nothing else
                opened(folder)
            told = numbers(folder, readers | (slow if damage == "halved" else {}), capsys, file.name)
            for name, text in told.items():
                if text.startswith("error: "):
                    refused += 1
                else:
                    assert text == truth[name], (file, damage, name)
                    same += 1
            file.write_bytes(data)
    return refused, same


def kept(folder: str, *patterns: str) -> list[Path]:
    return [path for pattern in patterns for path in sorted(Path(folder).glob(pattern))]


def first_and_last(folder: str, pattern: str) -> list[Path]:
    files = kept(folder, pattern)
    return [files[0], files[-1]]


@pytest.mark.tour
def test_every_file_of_a_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [*kept("run", "*.*"), *first_and_last("run", "maps/*")]
    assert len(files) == 1 + 1 + 6 + 1 + 2
    refused, same = check("run", READERS, SLOW, sim.read_results, files, capsys)
    assert refused > 6 * len(READERS) * len(DAMAGES)
    assert same > 20


@pytest.mark.tour
def test_every_file_of_a_sweep(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [*kept("sweep", "*.*", "parts/*"), *first_and_last("sweep", "maps/*")]
    refused, same = check("sweep", OF_A_SWEEP, {}, sim.read_sweep, files, capsys)
    assert min(refused, same) > 20
