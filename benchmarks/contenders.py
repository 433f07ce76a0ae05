"""Who is timed: both engines, plain Mesa, and transforms alone; each also in a process of its own, for its memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import fft

from benchmarks.plain_mesa import SECONDS_PER_DAY, AgentByAgent, HazardsOnLayers
from benchmarks.protocol import HERE, Turns, seconds
from benchmarks.worlds import common_rules, every_rule
from sim.fields import Spectral
from sim.simulation import Simulation

TINY = (16, 16)


class SciPyTransforms:
    """SciPy's transforms (pocketfft): the cosine transform there and back, float32, in place, per factor."""

    def __init__(self, shape: tuple[int, int], factors: int = 2, threads: int = 1) -> None:
        rng = np.random.default_rng(0)
        self.arrays = [rng.random(shape, np.float32) for _ in range(factors)]
        self.threads = threads

    def step(self) -> None:
        """One pair of transforms per factor."""
        for i, array in enumerate(self.arrays):
            modes = fft.dctn(array, overwrite_x=True, workers=self.threads)
            self.arrays[i] = fft.idctn(modes, overwrite_x=True, workers=self.threads)


class OurTransport:
    """What a step of ours does with `sim.transforms`: there, modes a step on, back, clipping; float32, per factor."""

    def __init__(self, shape: tuple[int, int], factors: int = 2, threads: int = 1) -> None:
        settings = common_rules(shape, factors)
        spacing, walls = settings.tissues["skin"].cell_spacing, ["reflecting"] * 2
        self.fields = [
            Spectral(shape, spacing, walls, each.diffusivity * SECONDS_PER_DAY, each.own_decay, settings.dt)
            for each in settings.factors.values()
        ]
        self.source = np.random.default_rng(0).random(shape, np.float32)
        self.threads = threads

    def step(self) -> None:
        """One step per factor, of a source that stays."""
        for field in self.fields:
            field.advance(self.source, workers=self.threads)


MESA = {"plain Mesa, agent by agent": AgentByAgent, "plain Mesa, hazards on layers": HazardsOnLayers}
SCIPY = "SciPy's transforms"
TRANSFORMS = {"our transport": OurTransport, SCIPY: SciPyTransforms}
KINDS = ("compiled", "agents", *MESA, *TRANSFORMS)


class Contender(NamedTuple):
    """Somebody who takes steps."""

    kind: str  # one of KINDS
    shape: tuple[int, int]
    factors: int = 2
    threads: int = 1
    rules: str = "common"  # or every

    def start(self) -> Callable[[], object]:
        """Ready to step, at a burden of 10 %."""
        if self.kind in TRANSFORMS:
            return TRANSFORMS[self.kind](self.shape, self.factors, self.threads).step
        if self.rules == "every":
            settings = every_rule(self.shape, 10.0, self.factors).arms["control"]
        else:
            settings = common_rules(self.shape, self.factors)
        if self.kind in MESA:
            return MESA[self.kind](settings).step
        return Simulation(settings, engine=self.kind, threads=self.threads).step


class Alone:
    """A contender in a process of its own, which takes a step when asked.

    Attributes
    ----------
    building : float
        Wall time to the first state [s].
    """

    def __init__(self, contender: Contender) -> None:
        self.contender = contender
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.contenders", json.dumps(contender)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE.parent,
        )  # fmt: skip
        self.building = self._answer()

    def step(self) -> float:
        """Wall time of one step [s], as that process measures it."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._answer()

    def end(self) -> tuple[float, float]:
        """Largest resident size of the process [bytes], and that part of it which a tissue of 256 cells has not."""
        rest, _ = self._process.communicate()
        before, largest = (1024.0 * float(word) for word in rest.split())
        return largest, largest - before

    def _answer(self) -> float:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.contender} has died")
        return float(line)


class Race(NamedTuple):
    """What contenders took, each in a process of its own, in turns."""

    building: list[float]  # to the first state [s]
    turns: Turns
    memory: list[tuple[float, float]]  # the largest of each process, and what of it is the tissue's [bytes]


def race(repeats: int, *contenders: Contender) -> Race:
    """Let contenders take steps in turns; the first step of each is not counted."""
    alone = [Alone(contender) for contender in contenders]
    first = np.array([each.step() for each in alone])
    times = np.array([[each.step() for each in alone] for _ in range(repeats)])
    return Race([each.building for each in alone], Turns(first, times), [each.end() for each in alone])


def serve(contender: Contender) -> None:
    """A process of `Alone`: loads compiled loops with a tiny tissue, then takes a step for each line that it reads."""
    tiny = contender._replace(shape=TINY).start()
    tiny()
    before = largest_size()
    ready: list[Callable[[], object]] = []
    print(seconds(lambda: ready.append(contender.start())), flush=True)
    for _ in sys.stdin:
        print(seconds(ready[0]), flush=True)
    print(before, largest_size())


def largest_size() -> int:
    """Largest resident size of this process so far [kB]; `ru_maxrss` would count that of whoever started it, too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    kind, shape, *others = json.loads(sys.argv[1])
    serve(Contender(kind, tuple(shape), *others))
