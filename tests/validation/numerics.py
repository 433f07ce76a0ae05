"""Computations that check the numerics: transport, length of a step, size of a voxel, and the limit without space."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from itertools import pairwise

import helpers  # noqa: F401
import numpy as np
import numpy.typing as npt
from measures import Measured, exact, mean
from point_source import point_source, slope, source_between_walls
from target import Curve, Findings, curve
from worlds import SPACING, factor, start, tissue, together, world

from sim.cohort import live
from sim.fields import Spectral
from sim.scenario.load import from_dict
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree
from sim.tissue.state import HEALTHY, SENESCENT

Floats = npt.NDArray[np.float64]

FINENESS = (1, 2, 4)  # of the grid
ODD = (1, 3, 9)  # between walls
COARSEST = {2: 1 / 4, 3: 1 / 3}  # sides of a voxel over the decay length
NEAREST, FARTHEST = 3, 3.0  # voxels of the coarsest grid, decay lengths
TUBE, WALLS = ("periodic", "reflecting"), ("reflecting", "reflecting")  # through SciPy; through `sim.transforms`


# ------------------------------------------------------------------------------------------------------------ transport


def transport() -> Findings:
    """A point source at rest against K0 and Yukawa's law; one mode; mass; a day in one step and in a thousand."""
    numbers, curves = {}, dict[str, Curve]()
    for dimension, coarsest in COARSEST.items():
        rms = []
        for every in FINENESS:
            distance, level, known = point_source(dimension, coarsest / every, every)
            errors = _errors(distance, level, known, coarsest)
            rms.append(float(np.sqrt(np.mean(errors**2))))
            if every == 1:
                numbers[f"worst_{dimension}d"] = exact(100.0 * np.abs(errors).max())
                row = (slice(1, 16), *(0,) * (dimension - 1))
                curves[f"source_{dimension}d"] = curve(distance[row], level[row])
                curves[f"source_{dimension}d_exact"] = curve(distance[row], known[row])
        sides = [coarsest / every for every in FINENESS]
        numbers[f"order_{dimension}d"] = exact(slope(sides, rms))
        curves[f"grid_{dimension}d"] = curve(sides, [100.0 * error for error in rms])
    numbers |= {"mode": exact(_mode()), "mass": exact(_mass(TUBE)), "steps": exact(_steps(("absorbing", "periodic")))}
    numbers |= _between_walls()
    return Findings(numbers, curves | {"grid_walls": curve(*_grid_between_walls())})


def _errors(distance: Floats, level: Floats, known: Floats, coarsest: float) -> Floats:
    """Relative errors from 3 voxels of the coarsest grid to 3 decay lengths off the source."""
    at = (distance >= NEAREST * coarsest - 1e-9) & (distance <= FARTHEST)
    return level[at] / known[at] - 1.0


def _between_walls() -> dict[str, Measured]:
    """The same where tissues are by default: in a plane between reflecting walls, in both widths of numbers."""
    coarsest = COARSEST[2]
    double, single = (source_between_walls(coarsest, dtype=dtype) for dtype in (np.float64, np.float32))
    sides, rms = _grid_between_walls()
    found = {
        "worst_walls": 100.0 * np.abs(_errors(*double, coarsest)).max(),
        "order_walls": slope(sides, rms),
        "single_walls": np.abs(_errors(double[0], single[1].astype(np.float64), double[1], coarsest)).max(),
        "mass_walls": _mass(WALLS),
        "steps_walls": _steps(WALLS),
        "single_steps_walls": _steps(WALLS, np.float32),
    }
    return {name: exact(value) for name, value in found.items()}


@functools.cache
def _grid_between_walls() -> tuple[list[float], list[float]]:
    """Sides of a voxel [decay lengths], and the rms of the relative error [%]."""
    coarsest = COARSEST[2]
    errors = [_errors(*source_between_walls(coarsest / every, every), coarsest) for every in ODD]
    return [coarsest / every for every in ODD], [100.0 * float(np.sqrt(np.mean(each**2))) for each in errors]


def _mode() -> float:
    """Relative error of one cosine between walls, which decays by k + D q^2, q^2 of the second difference."""
    n, spacing, diffusivity, decay, dt, wave = 50, 10.0, 300.0, 0.7, 0.03, 7
    op = Spectral((n, n), spacing, ("reflecting",) * 2, diffusivity, decay, dt, np.float64)
    shape = np.cos(math.pi * wave * (np.arange(n) + 0.5) / n)
    op.fill(1.0 + np.outer(shape, np.ones(n)))
    for _ in range(40):
        op.advance(np.zeros((n, n)))
    squared = (2.0 / spacing * math.sin(math.pi * wave / (2 * n))) ** 2
    flat, lost = math.exp(-decay * 40 * dt), math.exp(-(decay + diffusivity * squared) * 40 * dt)
    return float(np.max(np.abs(op.field - flat - lost * shape[:, None])) / flat)


def _mass(boundary: tuple[str, str]) -> float:
    """Relative error of the mass in float32 after a thousand steps of sources that change."""
    rng, decay, dt, expected = np.random.default_rng(1), 0.9, 0.01, 0.0
    op = Spectral((64, 60), 10.0, boundary, 300.0, decay, dt)
    for _ in range(1000):
        source = (rng.random(op.shape) * (rng.random(op.shape) < 0.05)).astype(np.float32)
        expected = (
            expected * math.exp(-decay * dt) - math.fsum(source.ravel().tolist()) * math.expm1(-decay * dt) / decay
        )
        op.advance(source)
    return abs(math.fsum(op.field.ravel().tolist()) / expected - 1.0)


def _steps(boundary: tuple[str, str], dtype: npt.DTypeLike = np.float64) -> float:
    """Largest difference between a day in one step and in a thousand, over the largest level."""
    source = np.where(np.random.default_rng(1).random((24, 20)) < 0.05, 1.0, 0.0).astype(dtype)
    whole, parts = (Spectral((24, 20), 10.0, boundary, 300.0, 3.0, dt, dtype) for dt in (1.0, 1e-3))
    whole.advance(source.copy())
    for _ in range(1000):
        parts.advance(source.copy())
    return float(np.max(np.abs(whole.field - parts.field)) / whole.field.max())


# -------------------------------------------------------------------------------------------------- all meet all others

RATE, FIRST, DAYS = 0.004, 5.0, 7  # 1/d per unit of the level; % senescent at first; d: until nearly half have turned
TISSUES = 96
SIDE = 64
EQUAL = {"ramp": 0, "secondary": 1, "tertiary": 1}  # all senescent cells secrete alike, at once
FAST = 500.0  # 1/d: the level is at rest in every step
REACHES = (10.0, 20.0, 40.0, 80.0, 160.0, 640.0)  # um; the tissue is 640 um wide


def meeting(reach: float, **top: object) -> Settings:
    """Cells that turn in proportion to the level of what the others secrete; nobody leaves."""
    sasp = factor(decay_rate=FAST, diffusivity=f"{FAST * reach**2} um^2/d", secretion=EQUAL,
                  induction={"linear": {"rate": RATE}})  # fmt: skip
    return world(sasp, tissue(initial={"burden": FIRST}, boundary="periodic"), shape=(SIDE, SIDE), **top)


def logistic(burden: float, days: float, dt: float = 0.0, rate: float = RATE) -> float:
    """Burden [%] after some days, exact or in steps, where dX/dt = 100 r X (1 - X)."""
    x, rate = burden / 100.0, 100.0 * rate
    if dt == 0.0:
        return 100.0 / (1.0 + (1.0 - x) / x * math.exp(-rate * days))
    for _ in range(round(days / dt)):
        x = 1.0 - (1.0 - x) * math.exp(-rate * x * dt)
    return 100.0 * x


def mean_field_limit() -> Findings:
    """The reach grows until every cell meets every other: burden over that without space, in the same steps."""
    found = []
    for reach in REACHES:
        ratios = []
        for replicate in range(TISSUES):
            simulation = start(meeting(reach), replicate)
            cells = simulation.patches["patch"].cells
            begun = 100.0 * float(np.mean(cells.state == SENESCENT))
            for _ in range(round(DAYS / 0.5)):
                simulation.step()
            ratios.append(100.0 * float(np.mean(cells.state == SENESCENT)) / logistic(begun, DAYS, 0.5))
        found.append(mean(np.array(ratios)))
    return Findings({"whole": found[-1]}, {"reach": curve(REACHES, *_columns(found))})


def _columns(found: Sequence[Measured]) -> tuple[list[float], list[float], int]:
    return [each.value for each in found], [each.error for each in found], found[0].n


# ----------------------------------------------------------------------------------------------------- length of a step

STEPS = (1.0, 0.5, 0.25, 0.125)  # d
SPREAD = together(
    tissue(initial={"burden": 5}, damage={"baseline": 0.2}, repair={"rate": 1}),
    tissue(clearance={"max_rate": 4, "half_saturation": 20, "territory": "whole tissue", "own_death": 0.05}),
    factor(reach=50, induction={"hill": {"max_rate": 0.05, "half_max": 6, "power": 1}}),
)  # a lesser world of everything that paracrine senescence needs


def well_mixed_steps() -> Findings:
    """Without space and luck, against the solution of the equation: the order in dt."""
    errors = []
    for dt in STEPS:
        tree: Tree = {
            "mode": "well_mixed", "days": DAYS, "dt": dt, "age_at_start": 0, "replicates": 2, "seed": 1,
            "record": {"every": DAYS},
            "tissues": {"patch": {"initial": {"burden": FIRST}, "damage": {"baseline": 0, "per_year": 0},
                                  "clearance": {"max_rate": 0}}},
            **factor(transport="well_mixed", decay_rate=FAST, secretion=EQUAL, induction={"linear": {"rate": RATE}}),
        }  # fmt: skip
        burden = live(from_dict(tree).common, 0, 2).rows[0, -1, 0, 0]
        errors.append(abs(float(burden) - logistic(FIRST, DAYS)))
    return Findings({"order": exact(slope(STEPS, errors))}, {"dt_well_mixed": curve(STEPS, errors)})


def _burdens(change: Tree, dt: float, replicates: int) -> Floats:
    """Burden after 30 d [%], by replicate."""
    found = []
    for replicate in range(replicates):
        simulation = start(world(SPREAD, change, shape=(120, 120), dt=dt), replicate)
        for _ in range(round(30 / dt)):
            simulation.step()
        state = simulation.patches["patch"].cells.state
        senescent, healthy = (np.count_nonzero(state == each) for each in (SENESCENT, HEALTHY))
        found.append(100.0 * senescent / (senescent + healthy))
    return np.array(found)


def tissue_steps() -> Findings:
    """Burden of a small paracrine scenario at dt, dt/2, dt/4 and dt/8; luck is by step, so nothing is paired."""
    burdens = [mean(_burdens({}, dt, 24)) for dt in STEPS]
    halved = [
        Measured(one.value - other.value, math.hypot(one.error, other.error), one.n) for one, other in pairwise(burdens)
    ]
    return Findings({"halved": halved[1]}, {"dt_tissue": curve(STEPS, *_columns(burdens))})


# ------------------------------------------------------------------------------------------------------ size of a voxel

VOXELS = (2, 4, 8)  # cells along a side


@functools.cache
def _level_at_cells(cells: int) -> Floats:
    """Level at the healthy cells of a tissue of which 5 % are senescent, at rest; reach 50 um."""
    rest = together(tissue(initial={"burden": 5}, voxel_cells=cells), factor(reach=5 * SPACING))
    simulation = start(world(rest, shape=(128, 128)))
    simulation.step()
    patch = simulation.patches["patch"]
    level = np.repeat(np.repeat(patch.levels[0].reshape(128 // cells, -1), cells, axis=0), cells, axis=1).ravel()
    return np.asarray(level[patch.cells.state == HEALTHY], np.float64)


def voxels() -> Findings:
    """Level at the cells in voxels of 2, 4 and 8 cells a side against one, and the burden that comes of it."""
    fine = _level_at_cells(1)
    apart = {cells: 100.0 * (_level_at_cells(cells) / fine - 1.0) for cells in VOXELS}
    rms = {cells: float(np.sqrt(np.mean(each**2))) for cells, each in apart.items()}
    numbers = {f"level_{cells}": exact(rms[cells]) for cells in VOXELS}
    return Findings(numbers, {"voxel_level": curve([cells * SPACING / 50.0 for cells in VOXELS], [*rms.values()])})


def voxel_burden() -> Findings:
    """Burden after 30 d in voxels of 2 and 4 cells a side less that of one; the luck is the same, cell by cell."""
    fine = _burdens({}, 0.5, 24)
    apart = {cells: mean(_burdens(tissue(voxel_cells=cells), 0.5, 24) - fine) for cells in VOXELS[:2]}
    numbers = {f"burden_{cells}": each for cells, each in apart.items()}
    return Findings(numbers, {"voxel_burden": curve([*apart], *_columns([*apart.values()]))})
