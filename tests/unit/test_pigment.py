"""Pigment: analytic laws, books that balance, who hands melanin to whom, and what tells one mechanism from another."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate
from worlds import SPACING, drug, effect, event, points_of, start, tissue, together, walls, world

import sim
from sim.rules import pigment as law
from sim.scenario.load import from_dict
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree
from sim.simulation import Simulation
from sim.tissue.keeping import CodeMap
from sim.tissue.pigment import Pigment
from sim.tissue.state import CLEARED, SENESCENT

approx = pytest.approx
rates = st.floats(1e-3, 10)
TYPES: Tree = {"keratinocyte": {"fraction": 0.9}, "melanocyte": {"fraction": 0.1}}
DENDRITES: Tree = {"resting_reach": 2.1 * SPACING, "activated_reach": 3.1 * SPACING}
LIGAND: Tree = {"reach": "40 um", "secretion": {"ramp": 0, "by_type": {"melanocyte": 0}}}
SUN = event("sun", kind="irradiation", day=3, radius=45, share=0.8, delay=0, duration=2, cell_types=["keratinocyte"])
ALWAYS: Tree = {"ec50": 0.1, "power": 20}  # at a concentration of 10 and more: all of it


def skin(*changes: Tree, shape: tuple[int, ...] = (20, 20), **pigment: Any) -> Settings:
    """A basal layer with two ligands that a spot of senescent keratinocytes gives off."""
    activated = {"IGFBP3": {"half_max": 20}, "NGF": {"half_max": 20}}
    about = {"activated_by": activated, "dendrites": DENDRITES, **pigment}
    return world(
        tissue(cell_types=TYPES, pigment=about), {"factors": {"IGFBP3": LIGAND, "NGF": LIGAND}}, SUN, *changes,
        shape=shape, dt=1,
    )  # fmt: skip


def pigment_of(simulation: Simulation) -> Pigment:
    return simulation.pigments["patch"]


def lonely(settings: Settings, site: int) -> tuple[Simulation, Pigment]:
    """A tissue of keratinocytes with a melanocyte at `site` only, at rest."""
    simulation = start(settings)
    simulation.patches["patch"].cells.cell_type[:] = 0
    simulation.patches["patch"].cells.cell_type[site] = 1
    pigment_of(simulation).restore({}, CodeMap([], settings))
    return simulation, pigment_of(simulation)


def columns_after(settings: Settings, days: int) -> dict[str, float]:
    simulation = start(settings)
    for _ in range(days):
        simulation.step()
    return pigment_of(simulation).columns()


# ------------------------------------------------------------------------------------------------------------ laws


@given(level=st.floats(0, 1), stimulus=st.floats(0, 3), k_on=rates, k_off=rates, dt=st.floats(1e-3, 5))
def test_activation_solves_its_equation(level: float, stimulus: float, k_on: float, k_off: float, dt: float) -> None:
    numbers = (stimulus, k_on, k_off)

    def rise(_: float, a: np.ndarray) -> np.ndarray:
        return k_on * stimulus * (1 - a) - k_off * a

    solved = integrate.solve_ivp(rise, (0, dt), [level], "LSODA", rtol=1e-9, atol=1e-12).y[0, -1]
    after = law.activation_after(level, *numbers, dt)
    assert after == approx(solved, abs=1e-7)
    half = law.activation_after(level, *numbers, dt / 2)
    assert law.activation_after(half, *numbers, dt / 2) == approx(after, abs=1e-14)
    halves = (law.mean_activation(each, *numbers, dt / 2) for each in (level, half))
    assert law.mean_activation(level, *numbers, dt) == approx(sum(halves) / 2, abs=1e-12)
    assert law.activation_after(level, *numbers, 1e9) == approx(law.activation_at_rest(*numbers), abs=1e-12)


@given(melanin=st.floats(0, 100), gain=st.floats(0, 10), loss=rates, dt=st.floats(1e-3, 5))
def test_melanin_solves_its_equation(melanin: float, gain: float, loss: float, dt: float) -> None:
    rest = gain / loss
    after = law.melanin_after(melanin, gain, loss, dt)
    assert after == approx(rest + (melanin - rest) * math.exp(-loss * dt), rel=1e-9, abs=1e-9)
    assert law.melanin_after(rest, gain, loss, dt) == approx(rest, rel=1e-12)
    assert law.melanin_after(melanin, gain, 0.0, dt) == melanin + gain * dt


def test_limits() -> None:
    assert law.activation_at_rest(0.0, 0.5, 0.2) == 0.0
    assert law.activation_at_rest(0.0, 0.0, 0.0) == 0.0
    assert law.melanin_at_rest(0.3, 0.0) == 0.0
    assert law.activation_after(0.3, 0.0, 0.0, 0.0, 5.0) == law.mean_activation(0.3, 0.0, 0.0, 0.0, 5.0) == 0.3
    assert [law.grown(a, 2.0, 5.0) for a in (0.0, 0.5, 1.0)] == [2.0, 3.5, 5.0]
    assert [law.synthesis(a, 3.0, 0.2, 1.0) for a in (0.0, 1.0)] == approx([0.6, 3.0])
    assert law.synthesis(0.5, 3.0, 0.2, 0.0) == 0.0
    assert [law.typology_angle(m, 60.0, -50.0, 4.0) for m in (0.0, 4.0, 1e9)] == approx([60, -50 + 110 / math.e, -50])
    assert law.transfer_rate(0.5, 0.4, 0.3) == approx(0.06)


# -------------------------------------------------------------------------------------------------------- one cell


def test_a_melanocyte_hands_over_in_equal_parts_to_all_within_reach() -> None:
    simulation, pigment = lonely(skin(), 20 * 10 + 10)
    made, passed = 0.2, 0.5 / (0.5 + 0.25)
    held = np.delete(pigment.melanin, 210)
    near = np.flatnonzero(held)
    assert near.size == 12  # within 2.1 cells of a lattice, without itself
    assert held[near] == approx(np.full(12, made * passed * 28.0 / 12))
    assert pigment.melanin[210] == approx(made / 0.75)
    before = pigment.melanin.copy()
    simulation.step()
    np.testing.assert_allclose(pigment.melanin, before, rtol=1e-12)  # at rest nothing changes


def test_dendrites_reach_across_a_periodic_wall_and_not_across_another() -> None:
    for kind, count in (("periodic", 12), ("reflecting", 5)):
        _, pigment = lonely(skin(walls(kind, 2)), 0)
        assert np.count_nonzero(pigment.melanin) == count + 1


def test_reach_grows_with_activation() -> None:
    _, resting = lonely(skin(), 210)
    _, awake = lonely(skin(basal_stimulus=100.0, k_off=1e-3), 210)
    assert awake.activation[210] == approx(1.0, abs=1e-4)
    assert np.count_nonzero(resting.melanin) == 13
    assert np.count_nonzero(awake.melanin) == 29  # within 3.1 cells, with itself
    assert awake.dendrites()[210] == approx(5.0, abs=1e-3)
    assert awake.dendrites()[0] == 0.0


def test_a_senescent_melanocyte_transfers_less() -> None:
    simulation, pigment = lonely(skin(senescent_transfer=0.5), 210)
    cells = simulation.patches["patch"].cells
    rest = pigment.columns()
    cells.state[210] = SENESCENT
    for _ in range(400):
        pigment.advance()
    after = pigment.columns()
    assert after["melanin_in_melanocytes"] / rest["melanin_in_melanocytes"] == approx(0.75 / 0.5)
    passed = (0.25 / 0.5) / (0.5 / 0.75)  # share that is handed over and not broken down
    assert after["melanin_in_keratinocytes"] / rest["melanin_in_keratinocytes"] == approx(passed, rel=1e-4)


def test_where_nobody_is_in_reach_melanin_is_kept_until_it_is_broken_down() -> None:
    simulation, pigment = lonely(skin(), 210)
    simulation.patches["patch"].cells.cell_type[:] = 1
    simulation.patches["patch"].cells.state[np.arange(400) != 210] = CLEARED
    for _ in range(200):
        pigment.advance()
    assert pigment.melanin[210] == approx(0.2 / 0.25)
    assert np.count_nonzero(pigment.melanin) == 1


# ----------------------------------------------------------------------------------------------------- the books


def test_melanin_is_conserved_whatever_happens_to_the_cells() -> None:
    """Made = held + broken down + shed, with wounds, killing, refilling and drugs on pigment."""
    course = drug(
        effect("kill_senescent", 0.3), effect("kill_healthy", 0.1), effect("inhibit_melanin_synthesis", 0.5),
        effect("inhibit_melanin_transfer", 0.9),
    )  # fmt: skip
    wounds = together(event("wound", kind="wound", day=6, radius=40), event("graft", day=9, cells="healthy melanocyte"))
    simulation = start(skin(course, wounds, tissue(repair={"rate": 2})))
    pigment = pigment_of(simulation)
    first = pigment.melanin.sum()
    for _ in range(60):
        simulation.step()
        books = first + pigment.made - pigment.lost - pigment.melanin.sum()
        assert abs(books) <= 1e-12 * (first + pigment.made)
        resident = simulation.patches["patch"].cells.state <= SENESCENT
        assert (pigment.melanin[~resident] == 0.0).all()
        assert (pigment.melanin >= 0.0).all()
    assert pigment.made > pigment.handed_over > 0.0


def test_a_cell_that_is_cleared_takes_its_melanin_along() -> None:
    simulation = start(skin(event("wound", kind="wound", day=2, radius=1e6, margin=0)))
    pigment = pigment_of(simulation)
    simulation.step()
    simulation.step()
    held, lost = pigment.melanin.sum(), pigment.lost
    assert held > 0.0
    simulation.step()
    assert pigment.melanin.sum() == 0.0
    assert pigment.activation.sum() == 0.0
    assert pigment.lost == approx(lost + held, rel=1e-12)


# ---------------------------------------------------------------------------------- what must hold, from the tables


def test_without_a_ligand_there_is_less_melanin_and_least_without_both() -> None:
    arms = {
        "both": {}, "no_igfbp3": {"factors": {"IGFBP3": None}}, "no_ngf": {"factors": {"NGF": None}},
        "neither": {"factors": {"IGFBP3": None, "NGF": None}},
    }  # fmt: skip
    tree = skin().model_dump(exclude_none=True, exclude_unset=True)
    rows = sim.run(from_dict({**tree, "days": 60, "replicates": 2, "arms": arms})).timeseries
    wide = rows.pivot(index=["replicate", "day"], columns="arm", values="melanin_mean")
    for single in ("no_igfbp3", "no_ngf"):
        assert (wide["neither"] <= wide[single]).all()
        assert (wide[single] <= wide["both"]).all()
    late = wide[wide.index.get_level_values("day") > 10]
    assert late["neither"].to_numpy() == approx(1.0)
    for single in ("no_igfbp3", "no_ngf"):
        assert (late["neither"] < late[single]).all()
        assert (late[single] < late["both"]).all()


MECHANISMS: dict[str, tuple[Tree, dict[str, Callable[[float, float], bool]]]] = {
    "release": (
        effect("inhibit_secretion", 0.7, factors=["IGFBP3", "NGF"], **ALWAYS),
        {"activation_mean": float.__lt__, "dendrites_mean": float.__lt__, "melanin_in_melanocytes": float.__lt__,
         "melanin_in_keratinocytes": float.__lt__},
    ),
    "synthesis": (
        effect("inhibit_melanin_synthesis", 0.7, **ALWAYS),
        {"activation_mean": float.__eq__, "dendrites_mean": float.__eq__, "melanin_in_melanocytes": float.__lt__,
         "melanin_in_keratinocytes": float.__lt__},
    ),
    "transfer": (
        effect("inhibit_melanin_transfer", 0.7, **ALWAYS),
        {"activation_mean": float.__eq__, "dendrites_mean": float.__eq__, "melanin_in_melanocytes": float.__gt__,
         "melanin_in_keratinocytes": float.__lt__},
    ),
}  # fmt: skip


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_mechanisms_are_told_apart(mechanism: str) -> None:
    """Release: activation and dendrites fall. Synthesis: melanin falls. Transfer: it stays in melanocytes."""
    kind, expected = MECHANISMS[mechanism]
    untreated = columns_after(skin(), 40)
    treated = columns_after(skin(drug({k: {**v, **ALWAYS} for k, v in kind.items()}, amount=1e3)), 40)
    for column, compare in expected.items():
        assert compare(treated[column], untreated[column]), column
    assert treated["lightness"] > untreated["lightness"]


def test_synthesis_falls_by_its_share_everywhere() -> None:
    """After the turnover all melanin is that of the inhibited cells."""
    untreated = columns_after(skin(turnover=2.0), 60)
    half = {"inhibit_melanin_synthesis": {"emax": 0.5, **ALWAYS}}
    treated = columns_after(skin(drug(half, amount=1e3), turnover=2.0), 60)
    for column in ("melanin_mean", "melanin_in_melanocytes", "melanin_in_keratinocytes"):
        assert treated[column] == approx(0.5 * untreated[column], rel=1e-6)


def test_pigment_fades_with_the_turnover() -> None:
    """Exactly exp(-t / turnover) where nothing is handed over; so does what a removed spot leaves, after a while."""
    blocked = drug({"inhibit_melanin_transfer": {"emax": 1, **ALWAYS}}, amount=1e3)
    simulation = start(skin(blocked, turnover=11.0))
    first = pigment_of(simulation).columns()["melanin_in_keratinocytes"]
    for day in range(1, 40):
        simulation.step()
        now = pigment_of(simulation).columns()["melanin_in_keratinocytes"]
        assert now == approx(first * math.exp(-day / 11.0), rel=1e-12)
    cured = start(skin(event("laser", kind="removal", day=30, radius=1e6), turnover=11.0, k_off=2.0))
    excess = []
    for _ in range(130):
        cured.step()
        excess.append(pigment_of(cured).columns()["melanin_mean"] - 1.0)
    assert excess[29] > 0.1
    assert math.log(excess[70] / excess[110]) == approx(40 / 11.0, rel=0.01)


def test_a_topical_drug_acts_by_depth() -> None:
    cream = drug(
        {"inhibit_melanin_synthesis": {"emax": 0.5, "ec50": 1}}, amount=10, route="topical", penetration_depth=20
    )
    deep, shallow = (columns_after(skin(cream, tissue(depth=depth)), 30) for depth in (90, 5))
    assert shallow["melanin_mean"] < deep["melanin_mean"] < columns_after(skin(), 30)["melanin_mean"]


def test_read_outs_of_a_spot() -> None:
    resting, spotted = columns_after(skin(SUN | event("sun", share=0.0)), 30), columns_after(skin(), 30)
    assert resting["melanin_mean"] == approx(1.0)
    assert resting["activation_mean"] == 0.0
    assert spotted["spot_area"] > resting["spot_area"]
    assert spotted["spot_contrast"] > resting["spot_contrast"]
    assert spotted["lightness"] < resting["lightness"]
    whole = columns_after(skin(spot={"grain": 1e5}), 30)  # one square: the mean
    assert whole["lightness"] == approx(law.typology_angle(whole["melanin_mean"], 60.0, -50.0, 4.0))
    assert whole["spot_contrast"] == 0.0
    assert whole["melanin_in_melanocytes"] + whole["melanin_in_keratinocytes"] == approx(whole["melanin_mean"])


# -------------------------------------------------------------------------------------------------------- same bits


def busy(*changes: Tree, shape: tuple[int, ...] = (16, 16)) -> Settings:
    course = drug(effect("kill_senescent", 0.2), effect("inhibit_melanin_transfer", 0.6))
    return skin(course, tissue(repair={"rate": 1}), *changes, shape=shape)


def after(settings: Settings, steps: int, **how: Any) -> Simulation:
    simulation = start(settings, **how)
    for _ in range(steps):
        simulation.step()
    return simulation


def assert_same_pigment(one: Simulation, other: Simulation) -> None:
    mine, others = (pigment_of(each).state() for each in (one, other))
    for name, array in mine.items():
        np.testing.assert_array_equal(array, others[name], err_msg=name, strict=True)


def test_engines_threads_and_restarts_give_the_same_bits() -> None:
    whole = after(busy(), 14)
    assert_same_pigment(whole, after(busy(), 14, engine="agents"))
    assert_same_pigment(whole, after(busy(), 14, threads=2))
    past, again = after(busy(), 5), start(busy())
    again.restore(past.state())
    for _ in range(9):
        again.step()
    assert_same_pigment(whole, again)


def test_a_past_without_pigment_goes_on_at_rest() -> None:
    bare = after(busy(tissue(pigment=None)), 5)
    assert bare.pigments == {}
    now = start(busy())
    now.restore(bare.state())
    assert pigment_of(now).columns()["activation_mean"] > 0.0
    assert pigment_of(now).made == 0.0


def test_a_lattice_and_the_cloud_of_its_points_have_the_same_pigment() -> None:
    for kind in ("reflecting", "periodic"):
        of_lattice = after(skin(walls(kind, 2), shape=(12, 12)), 12)
        of_cloud = after(skin(walls(kind, 2), points_of((12, 12)), shape=(12, 12)), 12)
        one, other = pigment_of(of_lattice), pigment_of(of_cloud)
        np.testing.assert_array_equal(one.activation, other.activation)
        np.testing.assert_allclose(one.melanin, other.melanin, rtol=1e-12)
        assert one.columns()["melanin_mean"] == approx(other.columns()["melanin_mean"])


def test_pigment_changes_no_cell_and_nothing_is_paid_without_it() -> None:
    with_it, without = after(busy(), 10), after(busy(tissue(pigment=None)), 10)
    for name, array in with_it.patches["patch"].cells.arrays().items():
        np.testing.assert_array_equal(array, without.patches["patch"].cells.arrays()[name])
    assert without.pigments == {}
