"""Many futures from one past: every arm of a scenario goes on from the same checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sim.engines import Choice
from sim.errors import ResultsError, ScenarioError
from sim.experiment.checkpoint import Checkpoint, read_checkpoint
from sim.experiment.collect import Progress
from sim.experiment.execute import Job
from sim.experiment.run import carry_out
from sim.results import Results
from sim.scenario.complaints import in_arm
from sim.scenario.load import Scenario


def branch(
    checkpoint: str | Path,
    scenario: Scenario,
    replicates: int | None = None,
    workers: int = 1,
    engine: Choice = "compiled",
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> Results:
    """Let every arm of `scenario` go on from the state in a checkpoint: history once, many futures.

    Parameters
    ----------
    checkpoint
        A file that a run with ``record.checkpoints`` has written (`Results.checkpoint` names it), or a folder of such
        files of one arm and day, one per replicate.
    scenario
        Its rates, events and treatments hold from the day of the checkpoint on; there may be new ones. Tissues with
        their sites and cell types, factors with their transport, ``dt``, ``age_at_start``, events that have happened
        and treatments that were given must be those of the checkpoint. The seed is that of the checkpoint.
    replicates
        Futures of one file. The first has the luck of the past, so that the arm of the checkpoint goes on bit for bit
        as if it had never stopped; the j-th draws the luck of replicate + j from then on. What happened, and where the
        cells are, is that of the checkpoint in all of them. A folder has one future per file, with its own luck.
    workers, engine, out, progress
        As in `sim.run`.

    Returns
    -------
    Results
        Ordinary ones, with rows from the day of the checkpoint on; `new_` in the first row counts from the last row of
        the past. ``manifest["past"]`` tells where they come from.

    Raises
    ------
    ResultsError
        If a file is none, damaged, or not of the same arm and day as the others.
    ScenarioError
        Before the first step, if an arm cannot go on from there; the key and both values are named.
    InterruptedRunError
        As in `sim.run`.
    """
    return Futures.of(checkpoint, scenario, replicates).run(workers, engine, out, progress)


@dataclass(frozen=True)
class Futures:
    """What goes on from where, checked.

    Attributes
    ----------
    scenario : Scenario
        With the seed of the checkpoint and the number of futures.
    futures : tuple of (replicate, file)
    first : Checkpoint
        Of one file.
    place : Path
        The file, or the folder, as it was asked for.
    notes : tuple of str
        What is legal but odd, one line each.
    """

    scenario: Scenario
    futures: tuple[tuple[int, Path], ...]
    first: Checkpoint
    place: Path
    notes: tuple[str, ...]

    @classmethod
    def of(cls, checkpoint: str | Path, scenario: Scenario, replicates: int | None = None) -> Futures:
        """Read and check everything before anything runs; the parameters are those of `branch`."""
        files = _files(Path(checkpoint))
        if replicates is not None and (replicates < 1 or len(files) > 1):
            rule = "must be at least 1" if replicates < 1 else f"must be left out with {len(files)} checkpoints"
            raise ScenarioError(f"{scenario.file}: replicates: {rule}, got {replicates}")
        first = read_checkpoint(files[0])
        wanted = scenario.common.seed
        scenario = scenario.override({"seed": first.seed, "replicates": replicates or len(files)})
        notes = list(scenario.notes)
        if wanted != first.seed:
            notes.append(f"seed: is {first.seed} as in {first.file}, and not {wanted}")
        numbers = []
        for file in files:
            kept = read_checkpoint(file)
            _check_alike(first, kept)
            notes += [*kept.notes, *_check(kept, scenario)]
            numbers.append(kept.replicate)
        if len(set(numbers)) < len(numbers):
            twice = next(number for number in numbers if numbers.count(number) > 1)
            raise ResultsError(f"{checkpoint}: checkpoint: must hold each replicate once, got {twice} twice")
        if replicates is not None:
            files, numbers = files * replicates, [first.replicate + j for j in range(replicates)]
        futures = tuple(sorted(zip(numbers, files, strict=True)))
        return cls(scenario, futures, first, Path(checkpoint), tuple(dict.fromkeys(notes)))

    def run(
        self,
        workers: int = 1,
        engine: Choice = "compiled",
        out: str | Path | None = None,
        progress: Progress | None = None,
    ) -> Results:
        """Run them all; the parameters are those of `branch`."""
        jobs = [
            Job(settings, arm, number, engine, str(file.absolute()))
            for number, file in self.futures
            for arm, settings in self.scenario.arms.items()
        ]
        first = self.first
        past = {"checkpoint": str(self.place), "files": len({file for _, file in self.futures}), "arm": first.arm,
                "day": first.day, "hash": first.hash,
                "replicates": sorted({number for number, _ in self.futures})}  # fmt: skip
        return carry_out(
            self.scenario, lambda *_: jobs, workers, engine, out, progress, None, first.places_of, {"past": past}
        )


def _files(place: Path) -> list[Path]:
    """One file, or all of a folder."""
    if not place.is_dir():
        return [place]
    files = sorted(place.glob("*.npz"))
    if not files:
        raise ResultsError(f"{place}: checkpoint: must be a file, or a folder with checkpoints in it, got none")
    return files


def _check_alike(first: Checkpoint, other: Checkpoint) -> None:
    """Futures that are compared have a past of the same kind, and each its own luck."""
    for key in ("arm", "day", "seed", "hash"):
        ours, theirs = getattr(first, key), getattr(other, key)
        if ours != theirs:
            raise ResultsError(
                f"{other.file}: checkpoint: must be of {key} {ours} as {first.file.name} beside it, got {theirs}"
            )


def _check(kept: Checkpoint, scenario: Scenario) -> list[str]:
    """Notes on what is odd; ScenarioError where an arm cannot go on from there."""
    notes = []
    for arm, settings in scenario.arms.items():
        patch = scenario.tree["arms"][arm]
        try:
            kept.past.check(settings)
        except ScenarioError as error:
            key, rule = str(error).split(": ", 1)
            raise ScenarioError(f"{scenario.file}: {in_arm(key, arm, patch)}: {rule}") from None
        for note in kept.past.odd(settings):
            key, words = note.split(": ", 1)
            notes.append(f"{in_arm(key, arm, patch)}: {words}")
    return notes
