"""Chance: what happens, and how often, is what the equations say. Fixed seeds; all tests share one failure budget.

If a change gives every cell new luck, all tests of this file together still pass with a chance of 1 - 1e-6.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage, stats
from worlds import counts, event, factor, run, start, tissue, together, world

from sim.brownian import increment
from sim.rng import BODY, Stream
from sim.rules.induction import hill
from sim.scenario import causes
from sim.simulation import Simulation
from sim.tissue.patch import Patch
from sim.tissue.state import CLEARED, HEALTHY, SCARRED, SENESCENT

BUDGET, CHECKS = 1e-6, 28
SIDE = (120, 120)
N = 120 * 120


def plausible(p_value: float) -> None:
    """Fail where luck of this kind has less than our share of the budget."""
    assert p_value > BUDGET / CHECKS


def binomial(hits: int, trials: int, p: float) -> None:
    plausible(stats.binomtest(int(hits), int(trials), p).pvalue)


def mean(values: np.ndarray, expected: float, deviation: float) -> None:
    """The mean of many values whose standard deviation is known."""
    plausible(2 * stats.norm.sf(abs(values.mean() - expected) / (deviation / math.sqrt(values.size))))


# ----------------------------------------------------------------------------------------- one constant hazard


def test_survivors_of_damage() -> None:
    patch = run(world(tissue(damage={"baseline": 2}), shape=SIDE), 60)
    binomial(np.count_nonzero(patch.cells.state == HEALTHY), N, math.exp(-0.02 * 30))


def test_survivors_of_damage_that_rises_with_age() -> None:
    """The age of a step is that at its start."""
    patch = run(world(tissue(damage={"baseline": 1, "per_year": 50}), shape=SIDE, age_at_start="1 yr"), 40)
    exposure = sum(0.5 * (0.01 + 0.5 * (1 + 0.5 * k / 365.25)) for k in range(40))
    binomial(np.count_nonzero(patch.cells.state == HEALTHY), N, math.exp(-exposure))


def test_types_and_upkeep() -> None:
    types = {"tough": {"susceptibility": 0.5}, "frail": {"susceptibility": 3, "fraction": 0.5}}
    settings = world(tissue(damage={"baseline": 2}, cell_types=types, maintenance=0.25), shape=SIDE)
    patch = run(settings, 40)
    frail = patch.cells.cell_type == 1
    binomial(np.count_nonzero(frail), N, 1 / 3)
    for chosen, susceptibility in ((~frail, 0.5), (frail, 3.0)):
        survivors = np.count_nonzero(patch.cells.state[chosen] == HEALTHY)
        binomial(survivors, np.count_nonzero(chosen), math.exp(-0.02 * 20 * susceptibility * 0.75))


@pytest.mark.parametrize("dt", [0.1, 0.5, 2.0])
def test_survivors_of_own_death_whatever_the_step(dt: float) -> None:
    settings = world(tissue(initial={"burden": 100}, clearance={"own_death": 0.05}), shape=SIDE, dt=dt)
    binomial(np.count_nonzero(run(settings, round(20 / dt)).cells.state == SENESCENT), N, math.exp(-1))


def test_causes_in_proportion_to_their_hazards() -> None:
    """Only the first cells secrete, into a stirred box: all hazards stay constant."""
    silent = {"ramp": 0, "secondary": 0, "by_cause": {"damage": 0}}
    box = {"transport": "well_mixed", "decay_rate": 100, "secretion": silent}
    change = together(
        tissue(initial={"burden": 20}, damage={"baseline": 3}),
        factor("A", **box, induction={"linear": {"rate": 0.001}}),
        factor("B", **box, induction={"hill": {"max_rate": 0.1, "half_max": 40, "power": 2}}),
        factor("C", **box, affinity={"cell": 1}, cargo={"memory": 0.01, "response": {"linear": {"rate": 0.3}}}),
    )
    patch = run(world(change, shape=SIDE), 30)
    level, seen = float(patch.level("A")[0]), counts(patch)
    assert level == pytest.approx(100 * seen["initial"] / N)
    hazards = np.array([0.03, 0.001 * level, hill(level, 0.1, 40.0, 2.0), 0.3 * 0.01 * level])
    hits = np.array([seen[name] for name in ("damage", "A", "B", "C")])
    assert hits.min() > 500
    plausible(stats.chisquare(hits, hits.sum() * hazards / hazards.sum()).pvalue)
    healthy = N - seen["initial"]
    binomial(healthy - hits.sum(), healthy, math.exp(-hazards.sum() * 15))


# ------------------------------------------------------------------------------------------ clearance and contact


@pytest.mark.parametrize("territory", ["whole tissue", 40])
def test_half_life_of_cleared_cells(territory: object) -> None:
    """Where all residents are senescent, burden stays 100 % while they go: the half-life is ln 2 (kappa + X) / beta."""
    clearance = {"max_rate": 100 * math.log(2) / 10 * 1.05, "half_saturation": 5, "territory": territory}
    patch = run(world(tissue(initial={"burden": 100}, clearance=clearance), shape=SIDE), 20)
    left = np.count_nonzero(patch.cells.state == SENESCENT)
    binomial(left, N, 0.5)
    half_life = 10 * math.log(2) / math.log(N / left)
    assert half_life == pytest.approx(10, abs=5 * 10 / math.log(2) / math.sqrt(N))


def test_jammed_clearance_takes_longer() -> None:
    """One step at level 100 and half-max 50: the hazard is a third."""
    clearance = {"max_rate": 60, "half_saturation": 20, "capacity": 0.8}
    jam = factor(transport="well_mixed", decay_rate=100, jams_immunity={"half_max": 50})
    patch = run(world(tissue(initial={"burden": 100}, clearance=clearance), jam, shape=SIDE, dt=1.0), 1)
    binomial(counts(patch)["immune"], N, 1 - math.exp(-60 * 0.8 / 120 / 3))


def test_contact_at_once_asks_each_neighbour_once() -> None:
    """One cell in the middle turns 8 neighbours with chance 0.3 each; two cells 10 of them, 4 being asked for two."""
    one, two = 0, np.zeros(2)
    for replicate in range(150):
        at_once = tissue(contact={"at_once": 0.3})
        one += counts(run(world(at_once, event(at=[45, 45], radius=1), shape=(9, 9)), 0, replicate))["contact"]
        pair = run(world(at_once, event(at=[50, 45], radius=6), shape=(9, 9)), 0, replicate)
        turned = (pair.cells.cause == causes.CONTACT).reshape(9, 9)
        both = np.count_nonzero(turned[3:6, 4:6])
        two += both, np.count_nonzero(turned) - both
    binomial(one, 150 * 8, 0.3)
    binomial(two[0], 150 * 4, 1 - 0.7**2)
    binomial(two[1], 150 * 6, 0.3)


def test_contact_hazard_counts_mature_neighbours() -> None:
    """A row of senescent cells, young until day 5: each cell beside it has three of them as neighbours."""
    row = {"initial": {"burden": 0}, "contact": {"hazard": 0.05, "mature_after": 5}, "boundary": "periodic"}
    simulation = start(world(tissue(**row), shape=(3, 3000), dt=1.0))
    cells = simulation.patches["patch"].cells
    cells.state.reshape(3, -1)[1] = SENESCENT
    cells.cause.reshape(3, -1)[1] = causes.INITIAL
    for _ in range(6):
        simulation.step()
        turned = np.count_nonzero(cells.cause == causes.CONTACT)
        assert simulation.day > 5 or turned == 0
    binomial(turned, 6000, 1 - math.exp(-0.15))


# ------------------------------------------------------------------------------------------------------- repair

VACANT = tissue(initial={"burden": 1}, clearance={"own_death": 100}, boundary="periodic", repair={"rate": 0.4})
WIDE = (250, 250)


def lonely(patch: Patch, reach: int) -> np.ndarray:
    """First senescent sites with no other within `reach` sites; all die in the first step."""
    first = (patch.cells.state == SENESCENT).reshape(WIDE).astype(np.int64)
    crowd = ndimage.convolve(first, np.ones((2 * reach + 1,) * 2, np.int64), mode="wrap")
    return np.flatnonzero((first == 1) & (crowd == 1))


def healed(*changes: dict, reach: int = 1, steps: int = 100) -> tuple[Simulation, np.ndarray]:
    """A healthy tissue with single vacant sites, much later, and those sites."""
    simulation = start(world(VACANT, *changes, shape=WIDE))
    sites = lonely(simulation.patches["patch"], reach)
    simulation.step()
    assert (simulation.patches["patch"].cells.state[sites] == CLEARED).all()
    for _ in range(steps - 1):
        simulation.step()
    return simulation, sites


def test_waiting_time_of_a_vacant_site() -> None:
    """Amid healthy cells the wait is geometric in steps, with p = 1 - exp(-rate dt)."""
    simulation, sites = healed()
    cells, p = simulation.patches["patch"].cells, 1 - math.exp(-0.4 * 0.5)
    assert (cells.state[sites] == HEALTHY).all()
    mean(cells.since[sites] - 0.5, 0.5 / p, 0.5 * math.sqrt(1 - p) / p)


def test_repair_declines_with_age_and_is_inhibited() -> None:
    """Two years at a decline of ln 2 a year leave a quarter; a level of three half-maxima a quarter of that."""
    old = together(tissue(repair={"rate": 4, "decline": math.log(2)}), {"age_at_start": "2 yr"})
    source = {"transport": "well_mixed", "decay_rate": 1e-3, "inhibits_repair": {"half_max": 1}}
    simulation, sites = healed(old, factor(**source), steps=1)
    patch = simulation.patches["patch"]
    patch.transports[0].field[0] = 3.0  # decays by 0.05 % a step
    simulation.step()
    assert patch.level("SASP")[0] == pytest.approx(3, rel=1e-3)
    hazard = 4 * math.exp(-math.log(2) * (2 + 0.5 / 365.25)) / (1 + float(patch.level("SASP")[0]))
    binomial(np.count_nonzero(patch.cells.state[sites] == HEALTHY), sites.size, 1 - math.exp(-hazard * 0.5))


def test_share_of_scars() -> None:
    simulation, _ = healed(tissue(repair={"scar": 0.3}))
    patch = simulation.patches["patch"]
    scars, repairs = counts(patch)["scarred"], counts(patch)["repaired"]
    assert np.count_nonzero(patch.cells.state == SCARRED) == scars
    binomial(scars, scars + repairs, 0.3)


def test_the_mother_is_any_healthy_neighbour_and_leaves_type_and_divisions() -> None:
    types = tissue(cell_types={"a": {}, "b": {}})
    simulation, sites = healed(types, reach=2)
    cells = simulation.patches["patch"].cells
    divisions, kinds = cells.divisions.reshape(WIDE), cells.cell_type.reshape(WIDE)
    drawn = np.zeros(8, np.int64)
    around = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]
    for y, x in zip(*np.unravel_index(sites, WIDE), strict=True):
        near = [((y + dy) % WIDE[0], (x + dx) % WIDE[1]) for dy, dx in around]
        (slot,) = [j for j, place in enumerate(near) if divisions[place] == 1]
        drawn[slot] += 1
        assert divisions[y, x] == 1
        assert kinds[y, x] == kinds[near[slot]]
    assert drawn.sum() > 300
    plausible(stats.chisquare(drawn).pvalue)


def test_a_lineage_counts_its_divisions() -> None:
    """Cells of one site that dies again and again: a daughter has her mother's count, both one more than before."""
    change = tissue(repair={"rate": 5}, damage={"baseline": 10}, clearance={"own_death": 2})
    simulation = start(world(change, shape=(30, 30)))
    cells = simulation.patches["patch"].cells
    for _ in range(60):
        before, divisions = cells.state.copy(), cells.divisions.copy()
        simulation.step()
        born = np.flatnonzero((before == CLEARED) & (cells.state == HEALTHY))
        for site in born.tolist():
            near = [n for n in simulation.patches["patch"].geometry.neighbours(site) if before[n] == HEALTHY]
            assert cells.divisions[site] - 1 in divisions[near]
        gain = cells.divisions.sum() - divisions.sum()
        assert gain == born.size + (cells.divisions[born] - divisions[born]).sum()


# ---------------------------------------------------------------------------------------------- length of a step

DAYS = 30
SPREAD = together(
    tissue(initial={"burden": 5}, damage={"baseline": 0.2}, repair={"rate": 1}),
    tissue(clearance={"max_rate": 4, "half_saturation": 20, "territory": "whole tissue", "own_death": 0.05}),
    factor(reach=50, induction={"hill": {"max_rate": 0.05, "half_max": 6, "power": 1}}),
)


def test_half_the_step_changes_the_burden_by_little() -> None:
    """A step reads the state at its start, so a curve lags by at most dt: bound = slope times the difference of steps.

    Measured: a burden of 9 % is higher by 0.1 points (standard error 0.15) with steps of 0.5 d than with 0.25 d.
    """
    courses = {}
    for dt in (0.5, 0.25):
        runs = []
        for replicate in range(16):
            simulation = start(world(SPREAD, shape=SIDE, dt=dt), replicate, seed=round(100 * dt))
            burdens = []
            for _ in range(DAYS):
                for _ in range(round(1 / dt)):
                    simulation.step()
                state = simulation.patches["patch"].cells.state
                senescent = np.count_nonzero(state == SENESCENT)
                burdens.append(100 * senescent / (senescent + np.count_nonzero(state == HEALTHY)))
            runs.append(burdens)
        courses[dt] = np.array(runs)
    coarse, fine = courses[0.5], courses[0.25]
    slope = np.abs(np.diff(fine.mean(axis=0))).max()
    difference = coarse.mean(axis=0) - fine.mean(axis=0)
    error = np.sqrt((coarse.var(axis=0, ddof=1) + fine.var(axis=0, ddof=1)) / len(coarse))
    allowed = slope * 0.25 + stats.t.isf(BUDGET / CHECKS / DAYS, 15) * error
    assert (np.abs(difference) < allowed).all()
    assert fine[:, -1].mean() > 5


# ------------------------------------------------------------------------------------------------- fluctuation


def fluctuated(strength: float, **more: float) -> tuple[np.ndarray, np.ndarray]:
    """Changes of burden in one step, and those that the body drew, over replicates [%]."""
    settings = world({"body": {"fluctuation": strength}}, tissue(initial={"burden": 20}), shape=SIDE, **more)
    found, drawn = [], []
    for replicate in range(40):
        simulation = Simulation(settings, replicate)
        patch = simulation.patches["patch"]
        before = np.count_nonzero(patch.cells.state == SENESCENT)
        simulation.step()
        found.append(100 * (np.count_nonzero(patch.cells.state == SENESCENT) - before) / N)
        drawn.append(math.sqrt(2 * strength) * increment(Stream(0, BODY, replicate), 0, settings.dt))
    return np.array(found), np.array(drawn)


def test_fluctuation_changes_the_burden_by_what_the_body_draws() -> None:
    found, drawn = fluctuated(0.5)
    share = np.abs(drawn) / np.where(drawn > 0, 80, 20)  # of the healthy, or of the senescent cells
    deviation = 100 * np.sqrt(np.where(drawn > 0, 0.8, 0.2) * share * (1 - share) / N)
    plausible(stats.chi2.sf((((found - drawn) / deviation) ** 2).sum(), drawn.size))
    assert (np.sign(found) == np.sign(drawn)).all()


def test_fluctuation_has_the_variance_of_its_strength() -> None:
    _, drawn = fluctuated(0.5, dt=0.25)
    ratio = (drawn**2).sum() / (2 * 0.5 * 0.25)
    plausible(2 * min(stats.chi2.sf(ratio, drawn.size), stats.chi2.cdf(ratio, drawn.size)))


def test_absolute_production_does_not_care_how_few_are_healthy() -> None:
    """A burden of 60 % leaves 40 % to turn: per cell 0.4 of what is produced in all."""
    old = tissue(initial={"burden": 60}, damage={"baseline": 1})
    per_cell, absolute = (run(world(old, change, shape=SIDE), 1)
                          for change in ({}, tissue(damage={"production": "absolute"})))  # fmt: skip
    healthy = N - round(0.6 * N)
    binomial(per_cell.cum[causes.DAMAGE], healthy, -math.expm1(-0.01 * 0.5))
    binomial(absolute.cum[causes.DAMAGE], healthy, -math.expm1(-0.01 * 0.5 / (healthy / N)))
