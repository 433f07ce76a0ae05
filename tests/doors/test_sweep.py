"""Sweeps that never lose a run: same tables however they came to be, and what is kept when something goes wrong."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pandas.testing import assert_frame_equal

import sim
from sim.errors import InterruptedRunError, ResourceError, ResultsError
from sim.experiment import store as store_module
from sim.experiment.execute import Job, executor, run_inline
from sim.experiment.store import Store
from sim.experiment.sweep import n_runs
from sim.results import RunRecord
from sim.scenario.design import Sweep, load_sweep
from sim.scenario.yaml_text import dump_yaml
from sim.sweeps import SweepResults, read_sweep

AMOUNTS = [1, 2, 4, 8]
WORLD: dict[str, Any] = {
    "days": 4,
    "dt": 0.5,
    "tissues": {"skin": {"preset": "mouse_dermis", "shape": [7, 6], "initial": {"burden": 30}}},
    "factors": {"SASP": {"reach": "40 um", "induction": {"hill": {"max_rate": 0.5}}}},
    "drugs": {"killer": {"half_life": 0.5, "unit": "mg/kg", "effects": {"kill_senescent": {"emax": 2, "ec50": 2}}}},
    "record": {"maps": ["state"], "days": [0, 4]},
    "arms": {"none": {}, "killed": {"treatments": {"course": {"drug": "killer", "amount": 2, "start": 1}}}},
}
UNLIKE = ["wall_s", "host"]  # what two runs of the same sweep may differ in


def sweep_file(tmp_path: Path, **changes: Any) -> Path:
    (tmp_path / "world.yaml").write_text(dump_yaml(WORLD))
    design = {"grid": {"arms.killed.treatments.course.amount": AMOUNTS, "age_at_start": [100, 600]}}
    file = tmp_path / "plan.yaml"
    file.write_text(dump_yaml({"scenario": "world.yaml", "replicates": 3, "design": design, **changes}))
    return file


@pytest.fixture
def design(tmp_path: Path) -> Sweep:
    return load_sweep(sweep_file(tmp_path))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> SweepResults:
    home = tmp_path_factory.mktemp("undisturbed")
    return sim.sweep(sweep_file(home), out=home / "out")


def assert_same(one: SweepResults, other: SweepResults) -> None:
    """Everything but wall times and hosts, bit for bit."""
    assert_frame_equal(one.points, other.points, check_exact=True)
    assert_frame_equal(one.outcomes, other.outcomes, check_exact=True)
    assert_frame_equal(one.runs.drop(columns=UNLIKE), other.runs.drop(columns=UNLIKE), check_exact=True)
    for name in ("timeseries", "events", "doses"):
        assert_frame_equal(one.table(name), other.table(name), check_exact=True)


def counting(seen: list[tuple[str, int]], stop_after: int | None = None, how: Any = None) -> Any:
    """An executor that notes the jobs it gets, and may come to an end in some way."""

    def run_jobs(jobs: Iterable[Job]) -> Iterator[RunRecord]:
        for number, job in enumerate(jobs):
            if number == stop_after:
                raise how
            seen.append((job.arm, job.replicate))
            yield from run_inline([job])

    return run_jobs


# ------------------------------------------------------------------------------------------------------ same tables


def test_every_point_has_its_rows(undisturbed: SweepResults) -> None:
    assert len(undisturbed.points) == 8
    assert undisturbed.points["age_at_start"].tolist() == [100, 600] * 4
    expected = list(itertools.product(range(8), ["none", "killed"], range(3)))
    for table in (undisturbed.outcomes, undisturbed.runs):
        assert list(zip(table["point"], table["arm"], table["replicate"], strict=True)) == expected
    assert undisturbed.runs["status"].eq("finished").all()
    assert undisturbed.manifest["complete"]
    rows = undisturbed.table("timeseries")
    assert rows["day"].tolist() == list(range(5)) * len(expected)


def test_a_point_has_the_tables_of_a_plain_run(undisturbed: SweepResults, design: Sweep) -> None:
    changes = {"age_at_start": 600, "replicates": 3, "arms.killed.treatments.course.amount": 4}
    scenario = sim.load(Path(design.file).with_name("world.yaml"), changes)
    plain = sim.run(scenario)
    for name in ("timeseries", "doses"):
        rows = undisturbed.table(name)
        mine = rows[rows["point"] == 5].drop(columns="point").reset_index(drop=True)
        theirs = getattr(plain, name)[mine.columns]
        ranks = {"none": 0, "killed": 1}
        theirs = theirs.sort_values(
            ["arm", "replicate"], key=lambda c: c.map(ranks) if c.name == "arm" else c, kind="stable"
        )
        assert_frame_equal(mine, theirs.reset_index(drop=True), check_exact=True)


def test_an_arm_that_is_the_same_at_several_points_is_run_once(design: Sweep, tmp_path: Path) -> None:
    seen: list[tuple[str, int]] = []
    results = sim.sweep(design, out=tmp_path / "out", run_jobs=counting(seen))
    assert len(seen) == len(set(seen)) == n_runs(design) == 3 * (8 + 2)  # `none` depends on the age only
    assert len(results.runs) == 3 * 16


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_do_not_show(undisturbed: SweepResults, design: Sweep, tmp_path: Path, workers: int) -> None:
    assert_same(sim.sweep(design, workers=workers, out=tmp_path / "out"), undisturbed)


def test_the_order_of_finishing_does_not_show(undisturbed: SweepResults, design: Sweep, tmp_path: Path) -> None:
    def backwards(jobs: Iterable[Job]) -> Iterator[RunRecord]:
        yield from run_inline(list(jobs)[::-1])

    assert_same(sim.sweep(design, out=tmp_path / "out", run_jobs=backwards), undisturbed)


def test_jobs_are_made_when_they_are_taken(design: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    monkeypatch.setattr(Sweep, "at", lambda self, point, at=Sweep.at: made.append(point.number) or at(self, point))

    def first_only(jobs: Iterable[Job]) -> Iterator[RunRecord]:
        yield from run_inline(itertools.islice(jobs, 1))

    sim.sweep(design, out=tmp_path / "out", run_jobs=first_only)
    assert len(made) <= 2


# ------------------------------------------------------------------------------------------------------------ resume


@pytest.mark.parametrize("after", [0, 13])
@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        (KeyboardInterrupt(), InterruptedRunError, "interrupted: {} of 30 runs finished, kept in {}; --resume goes on"),
        (ResourceError("dask: lost"), ResourceError, "dask: lost; {} of 30 runs are kept in {}, --resume goes on"),
    ],
)  # fmt: skip
def test_a_stopped_sweep_goes_on(
    undisturbed: SweepResults, design: Sweep, tmp_path: Path, after: int, how: BaseException, error: type[Exception],
    words: str,
) -> None:  # fmt: skip
    out, seen = tmp_path / "out", []
    with pytest.raises(error) as told:
        sim.sweep(design, out=out, run_jobs=counting(seen, after, how))
    if after == 0:  # nothing was run, and nothing is left
        assert str(told.value) in ("dask: lost", "interrupted: 0 of 30 runs finished")
        assert not out.exists()
        return
    assert str(told.value) == words.format(after, out)
    assert len(read_sweep(out).runs.query("status == 'finished'").drop_duplicates(["run", "replicate"])) == after
    assert not read_sweep(out).manifest["complete"]
    assert_same(sim.sweep(design, out=out, resume=True, run_jobs=counting(seen)), undisturbed)
    assert len(seen) == len(set(seen)) == 30  # none twice


def test_a_failed_run_is_a_row_and_stops_nobody(undisturbed: SweepResults, design: Sweep, tmp_path: Path) -> None:
    def failing(jobs: Iterable[Job]) -> Iterator[RunRecord]:
        for number, job in enumerate(jobs):
            if number in (3, 17):
                yield RunRecord(job.arm, job.replicate, "failed", "step 3", "ValueError: no luck")
            else:
                yield from run_inline([job])

    results = sim.sweep(design, out=tmp_path / "out", run_jobs=failing)
    failed = results.runs.query("status == 'failed'")
    assert set(failed["stage"]) == {"step 3"}
    assert set(failed["message"]) == {"ValueError: no luck"}
    assert len(failed.drop_duplicates(["run", "replicate"])) == 2
    assert len(results.outcomes) == len(results.runs) - len(failed)
    assert not results.manifest["complete"]
    seen: list[tuple[str, int]] = []
    assert_same(sim.sweep(design, out=tmp_path / "out", resume=True, run_jobs=counting(seen)), undisturbed)
    assert len(seen) == 2


def test_replicates_may_grow(undisturbed: SweepResults, tmp_path: Path) -> None:
    small = load_sweep(sweep_file(tmp_path, replicates=1))
    sim.sweep(small, out=tmp_path / "out")
    seen: list[tuple[str, int]] = []
    large = load_sweep(sweep_file(tmp_path))
    assert large.hash == small.hash
    assert_same(sim.sweep(large, out=tmp_path / "out", resume=True, run_jobs=counting(seen)), undisturbed)
    assert {replicate for _, replicate in seen} == {1, 2}


def test_replicates_may_not_shrink(undisturbed: SweepResults, tmp_path: Path) -> None:
    out = copied(undisturbed, tmp_path / "out")
    with pytest.raises(ResultsError, match="replicates: must be at least 3 as before, got 2"):
        sim.sweep(sweep_file(tmp_path, replicates=2), out=out, resume=True)


def test_a_row_of_a_failed_run_stays_until_it_is_tried_again(design: Sweep, tmp_path: Path) -> None:
    def failing(jobs: Iterable[Job]) -> Iterator[RunRecord]:
        for job in jobs:
            yield RunRecord(job.arm, job.replicate, "failed", "build", "no luck")

    sim.sweep(design, out=tmp_path / "out", run_jobs=failing)
    with pytest.raises(InterruptedRunError):
        sim.sweep(design, out=tmp_path / "out", resume=True, run_jobs=counting([], 1, KeyboardInterrupt()))
    runs = read_sweep(tmp_path / "out").runs.drop_duplicates(["run", "replicate"])
    assert runs["status"].value_counts().to_dict() == {"failed": 29, "finished": 1}


@pytest.mark.parametrize("name", ["runs", "outcomes", "timeseries"])
def test_a_part_that_a_power_cut_has_damaged_is_run_again(
    undisturbed: SweepResults, design: Sweep, tmp_path: Path, name: str
) -> None:
    out = copied(undisturbed, tmp_path / "out")
    (out / "parts" / f"{name}-00000.parquet").write_bytes(b"")
    seen: list[tuple[str, int]] = []
    assert_same(sim.sweep(design, out=out, resume=True, run_jobs=counting(seen)), undisturbed)
    assert len(seen) == undisturbed.manifest["batch"]


def test_files_of_the_user_are_not_written_over(design: Sweep, tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "scenario.yaml").write_text("days: 3")
    with pytest.raises(ResultsError, match="got one that holds something else"):
        sim.sweep(design, out=tmp_path / "study")
    assert everything_below(tmp_path / "study") == {"scenario.yaml": b"days: 3"}


def test_other_maps_are_another_sweep(tmp_path: Path) -> None:
    one = load_sweep(sweep_file(tmp_path, output="maps"))
    other = load_sweep(sweep_file(tmp_path, output="maps", set={"record.maps": ["cause"]}))
    assert one.hash != other.hash
    assert (
        load_sweep(sweep_file(tmp_path)).hash == load_sweep(sweep_file(tmp_path, set={"record.maps": ["cause"]})).hash
    )


def test_records_do_not_pile_up(design: Sweep) -> None:
    settings, taken = design.scenario.arms["none"], []

    def jobs() -> Iterator[Job]:
        for replicate in range(40):
            taken.append(replicate)
            yield Job(settings, "none", replicate, "compiled")

    stream = executor(2)(jobs())
    for _ in range(3):
        next(stream)
    time.sleep(2.0)  # a slow reader
    assert len(taken) <= 3 + 3 * 2 + 1
    stream.close()


def test_what_is_finished_is_not_run_again(undisturbed: SweepResults, design: Sweep, tmp_path: Path) -> None:
    shutil.copytree(undisturbed.folder, tmp_path / "copy")  # type: ignore[arg-type]
    seen: list[tuple[str, int]] = []
    assert_same(sim.sweep(design, out=tmp_path / "copy", resume=True, run_jobs=counting(seen)), undisturbed)
    assert seen == []


def test_a_damaged_file_is_run_again(undisturbed: SweepResults, design: Sweep, tmp_path: Path) -> None:
    def killed(jobs: Iterable[Job]) -> Iterator[RunRecord]:
        for number, job in enumerate(jobs):
            if number == 5:
                os._exit(9)
            yield from run_inline([job])

    if os.fork() == 0:
        sim.sweep(design, out=tmp_path / "out", run_jobs=killed)
    os.wait()
    pending = sorted((tmp_path / "out" / "pending").glob("*.arrow"))
    assert len(pending) == 5
    pending[0].write_bytes(pending[0].read_bytes()[:500])  # as after a power cut
    pending[1].write_bytes(b"")
    (tmp_path / "out" / "pending" / ".half.arrow.new").write_bytes(b"half")
    seen: list[tuple[str, int]] = []
    assert_same(sim.sweep(design, out=tmp_path / "out", resume=True, run_jobs=counting(seen)), undisturbed)
    assert len(seen) == 27
    assert not (tmp_path / "out" / "pending").exists()


# ---------------------------------------------------------------------------------------------------- what goes wrong


def full_disk(after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No room for the file number `after` and any later one."""
    count = itertools.count()

    def replace(old: Any, new: Any) -> None:
        if next(count) >= after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.rename(old, new)

    monkeypatch.setattr(store_module.os, "replace", replace)


@pytest.mark.parametrize("after", [0, 3, 24])
def test_a_full_disk_is_one_line_and_loses_nothing(
    undisturbed: SweepResults, design: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    with monkeypatch.context() as patch:
        full_disk(after, patch)
        with pytest.raises(ResourceError) as told:
            sim.sweep(design, out=tmp_path / "out")
    assert str(told.value).startswith(f"{tmp_path / 'out'}: out: must have room for the tables, got No space left on")
    assert "\n" not in str(told.value)
    assert not list((tmp_path / "out").rglob(".*.new"))
    seen: list[tuple[str, int]] = []
    assert_same(sim.sweep(design, out=tmp_path / "out", resume=True, run_jobs=counting(seen)), undisturbed)
    assert len(seen) <= 30 - max(0, after - 9)  # three files of the head, six of a part


def test_a_folder_that_cannot_be_written_is_one_line(design: Sweep, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match=r"out: must be a folder that can be written, got Not a dir"):
        sim.sweep(design, out=tmp_path / "file" / "out")


def copied(undisturbed: SweepResults, to: Path) -> Path:
    shutil.copytree(undisturbed.folder, to)  # type: ignore[arg-type]
    return to


def everything_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("prepare", "resume", "words"),
    [
        (lambda out: None, False, "out: holds this sweep, finished: --resume goes on with it, --out DIR starts anew"),
        (lambda out: change(out, "hash", "0"), True, "out: must be a new folder, got one with another design"),
        (lambda out: change(out, "source", "0"), True, "source: must be as before, or bits may differ, got 0 then and"),
        (lambda out: (out / "points.json").unlink(), True, "out: must be a new folder, got one that holds something"),
    ],
)  # fmt: skip
def test_a_folder_of_others_is_left_alone(
    undisturbed: SweepResults, design: Sweep, tmp_path: Path, prepare: Callable[[Path], None], resume: bool, words: str
) -> None:
    out = copied(undisturbed, tmp_path / "out")
    prepare(out)
    before = everything_below(out)
    with pytest.raises(ResultsError) as told:
        sim.sweep(design, out=out, resume=resume)
    assert str(told.value).startswith(f"{out}: {words}")
    assert everything_below(out) == before


def change(out: Path, key: str, value: str) -> None:
    import json

    manifest = json.loads((out / "manifest.json").read_text())
    (out / "manifest.json").write_text(json.dumps({**manifest, key: value}))


def test_two_sweeps_do_not_work_in_one_folder(design: Sweep, tmp_path: Path) -> None:
    holder = Store(tmp_path / "out", [("a", 0)], "summary")
    with pytest.raises(ResultsError, match="out: must be free, got one in which another sweep is at work"):
        sim.sweep(design, out=tmp_path / "out")
    holder.close()
    assert len(sim.sweep(design, out=tmp_path / "out").runs) == 48
