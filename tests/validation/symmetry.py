"""Exact statements: a mirrored tissue with mirrored draws, and two engines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import helpers  # noqa: F401
import numpy as np
import numpy.typing as npt
from everything import everything
from measures import Measured
from target import Findings
from worlds import SPACING, event, factor, start, tissue, together, world

from sim.engines import cell as cells_of_mesa
from sim.engines.agents import AgentsEngine
from sim.engines.cell import Cell, chosen
from sim.rng import Stream
from sim.rules.induction import chance
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree
from sim.tissue.patch import Patch

SHAPE = (40, 44)
STEPS = 30
NEAR = 1e-6  # |u - p| below which rounding may decide
AWAY = SHAPE[1] * SPACING  # um, from wall to wall


class MirroredStream(Stream):
    """The numbers of the site on the other side of the tissue."""

    def uniform(self, purpose: int, step: int, site: int, draw: int = 0) -> float:
        return super().uniform(purpose, step, int(other_side(np.array(site))), draw)

    def uniforms(self, purpose: int, step: int, sites: npt.ArrayLike, draw: int = 0) -> npt.NDArray[np.float64]:
        return super().uniforms(purpose, step, other_side(np.asarray(sites)), draw)


def other_side(sites: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The site in the same row, as far from the other wall."""
    row, column = np.divmod(sites, SHAPE[1])
    return np.asarray(row * SHAPE[1] + SHAPE[1] - 1 - column)


def one_sided(mirrored: bool) -> Settings:
    """Damage, SASP, cargo, contact, immunity, repair and scars; a hole, a graft and a wound off the middle."""

    def at(x: float, y: float) -> list[float]:
        return [AWAY - x if mirrored else x, y]

    hill = {"hill": {"max_rate": 0.4, "half_max": 8, "power": 2}}
    body = tissue(
        initial={"burden": 5}, damage={"baseline": 1}, contact={"hazard": 0.05},
        clearance={"max_rate": 30, "half_saturation": 10, "territory": 45, "own_death": 0.05},
        repair={"rate": 1, "scar": 0.1}, evasion={"immune": 0.2},
        boundary=["absorbing", "reflecting"], holes=[{"at": at(105, 90), "radius": 30}],
    )  # fmt: skip
    signals: Tree = together(
        factor(reach="30 um", induction=hill, jams_immunity={"half_max": 50}),
        factor("drift", reach="15 um", affinity={"cell": 1}, cargo={"memory": "3 d", "response": hill}),
    )
    graft = event(day=3, at=at(310, 300), radius=32, cells="senescent")
    wound = event("wound", kind="wound", day=8, at=at(120, 300), radius=40, margin=20, share=0.5, delay=1, duration=3)
    return world(body, signals, graft, wound, shape=SHAPE)


class Watched(Cell):
    """A cell that notes how near its draw came to its probability."""

    def decide(self) -> None:
        _last[0] = np.inf
        super().decide()
        _gaps[self.site] = _last[0]


class WatchedEngine(AgentsEngine):
    """One agent per cell, watched."""

    cell = Watched


_last = [np.inf]
_gaps: npt.NDArray[np.float64] = np.full(SHAPE[0] * SHAPE[1], np.inf)


def _noted(u: float, hazards: list[float], codes: list[int], dt: float) -> int:
    _last[0] = abs(u - chance(sum(hazards), dt))
    return chosen(u, hazards, codes, dt)


@contextmanager
def _mirrored() -> Iterator[None]:
    with mock.patch("sim.simulation.Stream", MirroredStream):
        yield


def mirror() -> Findings:
    """State by state, step by step: sites that differ, and those of them whose draw was not near its probability."""
    simulation = start(one_sided(False), engine=WatchedEngine)
    with _mirrored():
        image = start(one_sided(True), engine="agents")
    patches = [each.patches["patch"] for each in (simulation, image)]
    there = other_side(np.arange(_gaps.size))
    near = unexplained = 0
    for _ in range(STEPS):
        with mock.patch.object(cells_of_mesa, "chosen", _noted):
            simulation.step()
        image.step()
        differ = patches[0].cells.state != patches[1].cells.state[there]
        near += int(np.count_nonzero(_gaps < NEAR))
        unexplained += int(np.count_nonzero(differ & (_gaps >= NEAR)))
    found = {"near": near, "unexplained": unexplained, "events": int(patches[0].cum.sum())}
    return Findings({name: Measured(float(each), 0.0, _gaps.size * STEPS) for name, each in found.items()}, {})


# ---------------------------------------------------------------------------------------------------------- two engines


def engines() -> Findings:
    """Bits in which agents and compiled loops differ after each of 30 steps of a world in which everything happens."""
    differing = compared = 0
    pair = [start(everything("plane"), engine=engine) for engine in ("agents", "compiled")]
    for _ in range(30):
        for simulation in pair:
            simulation.step()
        one, other = (_bytes(simulation.patches["patch"]) for simulation in pair)
        differing += int(np.bitwise_count(one ^ other).sum())
        compared += 8 * one.size
    return Findings({"bits": Measured(float(differing), 0.0, compared)}, {})


def _bytes(patch: Patch) -> npt.NDArray[np.uint8]:
    """All that a step leaves behind: cells, levels, counts of events."""
    arrays = [*patch.cells.arrays().values(), np.asarray(patch.levels), patch.cum]
    return np.concatenate([np.ascontiguousarray(each).reshape(-1).view(np.uint8) for each in arrays])
