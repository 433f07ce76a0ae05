"""Attribution: against sums over all pairs, books that balance without rescaling, and runs that do not notice it."""

from __future__ import annotations

import numpy as np
import pytest
from everything import everything
from worlds import assert_same, event, factor, run, start, tissue, world

import sim
from sim.observe import AttributionCensus, layer
from sim.scenario import causes
from sim.scenario.load import from_dict
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree
from sim.simulation import Simulation
from sim.tissue.acting import FACTORS, PER_FACTOR, UPTAKE
from sim.tissue.attribution import BLOOD, BY, INITIAL, PAST, Attribution
from sim.tissue.build import build_transport
from sim.tissue.parameters import AFFINITY, KEEP, MEMORY
from sim.tissue.patch import LONG, Patch
from sim.tissue.state import SENESCENT

STEPS = 24
ON = {"record": {"attribution": True}}
CASES = {
    "reflecting": ("plane", "reflecting", "all"),
    "periodic": ("plane", "periodic", "all"),
    "absorbing": ("plane", "absorbing", "diffusion"),
    "mixed": ("plane", "mixed", "diffusion"),
    "space": ("space", "mixed", "all"),
    "cloud": ("cloud", "mixed", "all"),
}


def attributed(settings: Settings) -> Settings:
    """The same, with attribution."""
    return settings.model_copy(update={"record": settings.record.model_copy(update={"attribution": True})})


def case(name: str) -> Settings:
    """Every cause, drug and event at once."""
    space, boundary, transports = CASES[name]
    return attributed(everything(space, boundary, transports, (12, 12) if space == "plane" else ()))


# ------------------------------------------------------------------------------------------------- sums over all pairs


class BruteForce:
    """All shares of a simulation by dense sums, phase by phase; G from unit sources through the transport itself."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.patch: Patch = simulation.patches["patch"]
        self.names = simulation.attributions["patch"].causes
        n = self.patch.geometry.n_sites
        self.shares = {name: np.zeros(n) for name in self.names}
        self.given_off: list[list[np.ndarray]] = []  # by step and factor, 0 before the cell that stands there
        self.uptakes: list[np.ndarray] = []
        self.voxel = np.array([self.voxel_of(site) for site in range(n)])

    def voxel_of(self, site: int) -> int:
        geometry = self.patch.geometry
        if geometry.shape is None:
            return int(geometry.sites.voxel[site])
        place = np.unravel_index(site, geometry.shape)
        return int(np.ravel_multi_index([i // geometry.sites.coarse for i in place], geometry.voxel_shape))

    def green(self, f: int) -> np.ndarray:
        """Level at every site (column) for a unit that a site (row) gives off per day, at rest."""
        patch = self.patch
        own, n = patch.factors[f], patch.geometry.n_sites
        exact = own.model_copy(update={"precision": "float64"})
        decay = patch.decay(f)
        transport = build_transport(exact, patch.tissue, patch.geometry, LONG / max(decay, 1e-3))
        empty, rows = transport.state(), []
        for place in range(transport.field.size):
            transport.restore(empty)
            if own.transport != "kernel":
                transport.set_decay(decay)
            unit = np.zeros(transport.shape)
            unit.flat[place] = 1.0
            transport.advance(unit)
            rows.append(transport.field.ravel().copy())
        table = np.array(rows)
        if own.transport == "well_mixed":
            return np.full((n, n), table[0, 0])
        at = np.arange(n) if own.transport == "kernel" else self.voxel
        return table[np.ix_(at, at)]

    def step(self) -> None:
        cells = self.patch.cells
        for phase in self.simulation.plan():
            if phase.name == "apply":
                self.remember()
                sites, codes = self.simulation._decided["patch"]
                for code in set(codes.tolist()):
                    self.share_out(code, sites[codes == code])
                touched = sites[codes == causes.CONTACT]
            else:
                touched = np.zeros(0, np.int64)
            before = np.array([cells.state, cells.cause, cells.since])
            phase.run()
            changed = (np.array([cells.state, cells.cause, cells.since]) != before).any(axis=0)
            self.at_once(changed, touched)
            for step in self.given_off:
                for array in step:
                    array[changed] = 0.0
        self.simulation.step_index += 1
        self.simulation.day = self.simulation.step_index * self.simulation.settings.dt

    def remember(self) -> None:
        patch = self.patch
        columns = [FACTORS + PER_FACTOR * f + UPTAKE for f in range(len(patch.factors))]
        left = np.moveaxis(patch.acting.modifiers[:, :, columns], 2, 0)
        self.uptakes.append(patch.parameters.by_type[:, AFFINITY][:, None] * left)  # (F, L, T)
        self.given_off.append([now.astype(np.float64) for now in patch.secretion.now])

    def share_out(self, code: int, sites: np.ndarray) -> None:
        patch, cells = self.patch, self.patch.cells
        name = patch.event_names[code]
        if code == causes.CONTACT:
            mature = self.simulation.day - cells.since >= patch.parameters.numbers.mature_after
            self.split(sites, (cells.state == SENESCENT) & mature)
        if not causes.FIRST_FACTOR <= code < causes.first_event(self.simulation.settings):
            return
        f, by_cargo = divmod(code - causes.FIRST_FACTOR, 2)
        green, given_off = self.green(f), self.given_off[-1][f]
        at = sites if patch.by_site[f] else self.voxel[sites]
        read = patch.levels[f, at].astype(np.float64)
        if by_cargo:
            keep, memory = patch.parameters.factors[f, [KEEP, MEMORY]]
            weights = memory * (1 - keep) * keep ** np.arange(len(self.given_off))[::-1]
            given_off = sum(w * step[f] for w, step in zip(weights, self.given_off, strict=True))
            affinity = sum(w * step[f] for w, step in zip(weights, self.uptakes, strict=True)) / weights.sum()
            depth = patch.acting.layer[sites] if patch.acting.layer.size > 1 else 0
            row = int(patch.parameters.factors[f, 8])
            read = cells.cargo[row, sites] / affinity[depth, cells.cell_type[sites]]
        for site, level in zip(sites, read, strict=True):
            parts = given_off * green[:, site]
            self.shares[name] += parts / max(level, parts.sum())

    def at_once(self, changed: np.ndarray, touched: np.ndarray) -> None:
        cells = self.patch.cells
        turned = changed & (cells.state == SENESCENT) & (cells.cause == causes.CONTACT)
        turned[touched] = False
        newly = changed & (cells.state == SENESCENT) & (cells.cause != causes.CONTACT)
        self.split(np.flatnonzero(turned), newly)

    def split(self, sites: np.ndarray, senders: np.ndarray) -> None:
        for site in sites.tolist():
            near = [other for other in self.patch.geometry.neighbours(site) if senders[other]]
            for other in near:
                self.shares["contact"][other] += 1.0 / len(near)


@pytest.mark.parametrize("name", CASES)
def test_every_share_equals_the_sum_over_all_pairs(name: str) -> None:
    simulation = start(case(name))
    attribution, brute = simulation.attributions["patch"], BruteForce(simulation)
    begun = attribution.secondaries.copy()  # events of day 0
    for _ in range(14):
        brute.step()
    for row, cause in enumerate(attribution.causes):
        shares = attribution.secondaries[row] - begun[row]
        assert shares.sum() > 0.5, cause
        np.testing.assert_allclose(shares, brute.shares[cause], atol=1e-6, err_msg=cause)


# ---------------------------------------------------------------------------------------------------------- the books


@pytest.mark.parametrize("name", CASES)
def test_all_parts_sum_to_the_cells_that_turned_without_rescaling(name: str) -> None:
    simulation = start(case(name))
    patch, attribution = simulation.patches["patch"], simulation.attributions["patch"]
    assert attribution.causes == ["contact", "SASP", "SASP_cargo", "drift", "ligand", "room"]
    for _ in range(STEPS):
        simulation.step()
        counted = patch.cum[attribution.codes]
        np.testing.assert_allclose(attribution.totals.sum(axis=1), counted, atol=1e-9)
        np.testing.assert_allclose(attribution.secondaries.sum(axis=1), attribution.totals[:, BY], atol=1e-9)
    assert (counted > 0).all()
    assert (attribution.totals >= 0.0).all()
    assert not attribution.totals[:, BLOOD].any()
    turned = np.delete(patch.cum, attribution.codes)[causes.DAMAGE :].sum()
    assert turned > 0  # others turn too, and are nobody's


def overwriting() -> Settings:
    """Grafts turn their neighbours at once, and a wound of the same moment takes some of these; contact goes on."""
    events = {
        "graft": {"kind": "graft", "radius": 25, "day": 1},
        "wound": {"kind": "wound", "radius": 35, "day": 1},
        "late": {"kind": "graft", "radius": 15, "day": 2},
    }
    return world({"events": events}, tissue(contact={"at_once": 0.5, "hazard": 0.02}), ON)


def contact_books() -> tuple[float, int, int]:
    """Cells shared out, cells that contact turned, and those of them that a later event took."""
    simulation = start(overwriting())
    patch, overwritten = simulation.patches["patch"], 0
    for _ in range(STEPS):
        simulation.step()
        overwritten += simulation.events["patch"].overwritten
    (totals,) = simulation.attributions["patch"].totals
    assert totals[PAST] >= overwritten
    return float(totals.sum()), int(patch.cum[causes.CONTACT]), overwritten


def test_cells_that_a_later_event_took_are_counted_and_not_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    shared, turned, overwritten = contact_books()
    assert shared == pytest.approx(turned, abs=1e-9)
    assert 0 < overwritten < turned

    whole = Attribution._split
    halved = lambda self, row, sites, senders: whole(self, row, sites[::2], senders)  # noqa: E731
    monkeypatch.setattr(Attribution, "_split", halved)
    shared, turned, overwritten = contact_books()
    assert shared < turned - 0.3 * (turned - overwritten)  # books that leave out every second cell do not balance


@pytest.mark.parametrize("loss", [{"reach": None, "decay_rate": 0}, {"transport": "well_mixed", "decay_rate": 0}])
def test_a_factor_without_any_loss_has_no_field_at_rest(loss: Tree) -> None:
    settings = world(factor(**loss, induction={"linear": {"rate": 0.02}}), event(radius=25), ON)
    simulation = start(settings)
    for _ in range(STEPS):
        simulation.step()
    attribution, count = simulation.attributions["patch"], simulation.patches["patch"].cum[causes.FIRST_FACTOR]
    np.testing.assert_allclose(attribution.totals, [[0.0, count, 0.0, 0.0]])
    assert count > 5


def test_a_wall_that_absorbs_is_a_loss() -> None:
    settings = world(
        factor(reach=None, decay_rate=0, precision="float64", induction={"linear": {"rate": 3}}),
        tissue(boundary="absorbing"),
        event(radius=25),
        ON,
    )
    simulation = start(settings)
    for _ in range(STEPS):
        simulation.step()
    count = simulation.patches["patch"].cum[causes.FIRST_FACTOR]
    np.testing.assert_allclose(simulation.attributions["patch"].totals, [[count, 0.0, 0.0, 0.0]], atol=1e-9)
    assert count > 5


SLOW = {"transport": "well_mixed", "decay_rate": "0.2 1/d", "secretion": {"ramp": 0}}
LINEAR = {"linear": {"rate": 0.004}}
TAKEN_OUT = {"kind": "removal", "radius": "whole tissue"}
BY_CARGO = {"affinity": {"cell": 1}, "cargo": {"memory": 2, "response": LINEAR}}


@pytest.mark.parametrize("action", [{"induction": LINEAR}, BY_CARGO])
def test_what_is_left_of_day_0_is_told_from_what_later_cells_left_behind(action: Tree) -> None:
    """All cells of day 0 are taken out at once: all that turn later turn by their field."""
    silent = {"secondary": 0, "ramp": 0}
    acts = factor(**{**SLOW, "secretion": silent}, **action)
    settings = world(acts, tissue(initial={"burden": 30}), event("out", **TAKEN_OUT), ON, shape=(24, 24))
    simulation = start(settings)
    for _ in range(STEPS):
        simulation.step()
    (totals,) = simulation.attributions["patch"].totals
    assert totals.sum() > 20
    np.testing.assert_allclose(totals, [0.0, 0.0, totals.sum(), 0.0], atol=1e-9)
    grafted = world(acts, event(radius=50), event("out", **TAKEN_OUT, day=2), ON, shape=(24, 24))
    simulation = start(grafted)
    for step in range(STEPS):
        (before,) = simulation.attributions["patch"].totals.copy()
        simulation.step()
        if step >= 4:
            (after,) = simulation.attributions["patch"].totals
            assert after[PAST] - before[PAST] == pytest.approx(after.sum() - before.sum(), abs=1e-9)
            assert after[BY] == before[BY]
            assert after[INITIAL] == 0.0
    assert after[PAST] > 5


# ----------------------------------------------------------------------------------------- a run does not notice it


@pytest.mark.parametrize("name", ["periodic", "mixed", "cloud"])
@pytest.mark.parametrize("engine", ["compiled", "agents"])
def test_the_same_bits_with_and_without(name: str, engine: str) -> None:
    space, boundary, transports = CASES[name]
    plain = everything(space, boundary, transports, (12, 12) if space == "plane" else ())
    assert not start(plain).attributions
    assert_same(run(plain, 12, engine=engine), run(attributed(plain), 12, engine=engine))


def test_both_engines_and_any_number_of_threads_share_out_alike() -> None:
    settings = case("mixed")
    found = []
    for how in ({}, {"engine": "agents"}, {"threads": 3}):
        simulation = start(settings, **how)
        for _ in range(12):
            simulation.step()
        found.append(simulation.attributions["patch"].state())
    for other in found[1:]:
        np.testing.assert_equal(other, found[0])


@pytest.mark.parametrize("name", ["reflecting", "cloud"])
def test_it_goes_on_from_a_checkpoint(name: str) -> None:
    settings = case(name)
    slow = settings.factors["room"].model_copy(update={"decay_rate": 0.3})
    settings = settings.model_copy(update={"factors": {**settings.factors, "room": slow}})
    one, other = start(settings), start(settings)
    for step in range(20):
        if step == 6:
            kept = other.state()
            assert any(key.startswith("remainder") for key in kept["attribution_patch"])  # of the slow factor
            other = start(settings)
            other.restore(kept)
        one.step()
        other.step()
    np.testing.assert_equal(other.state(), one.state())


# ------------------------------------------------------------------------------------------------- columns and layers


def test_columns_are_what_came_since_the_row_before_and_the_layer_is_the_sum() -> None:
    simulation = start(case("reflecting"))
    patch, attribution = simulation.patches["patch"], simulation.attributions["patch"]
    census = AttributionCensus(attribution)
    first = census.columns()
    counted = patch.cum[attribution.codes].copy()
    for _ in range(STEPS):
        simulation.step()
    second = census.columns()
    for code, before, cause in zip(attribution.codes, counted, attribution.causes, strict=True):
        for columns, count in ((first, before), (second, patch.cum[code] - before)):
            parts = [columns[f"{bin_}_{cause}"] for bin_ in ("by", "past", "initial", "blood")]
            assert sum(parts) == pytest.approx(count, abs=1e-9)
    assert set(census.columns().values()) == {0.0}
    shown = layer(patch, "secondaries", attribution)
    assert (shown.shape, shown.dtype) == ((12, 12), np.float32)
    assert shown.sum() == pytest.approx(attribution.totals[:, BY].sum(), rel=1e-5)


def test_an_arm_without_the_cause_has_zeros() -> None:
    tree = {
        "days": 4, "replicates": 2, "tissues": {"skin": {"shape": [12, 12], "initial": {"burden": 20}}},
        "factors": {"SASP": {"reach": 30, "induction": {"linear": {"rate": 0.01}}}}, **ON,
        "arms": {"none": {"factors": {"SASP": None}}, "some": {}},
    }  # fmt: skip
    rows = sim.run(from_dict(tree)).timeseries
    names = [f"{bin_}_SASP" for bin_ in ("by", "past", "initial", "blood")]
    assert (rows.loc[rows["arm"] == "none", names] == 0.0).all(axis=None)
    some = rows[rows["arm"] == "some"]
    np.testing.assert_allclose(some[names].sum(axis=1), some["new_SASP"], atol=1e-9)
    assert some["new_SASP"].sum() > 10


def test_the_layer_needs_attribution_and_its_name_is_taken() -> None:
    with pytest.raises(sim.ScenarioError, match=r"record\.maps: must not hold secondaries without record\.attribution"):
        world({"record": {"maps": ["secondaries"]}})
    with pytest.raises(sim.ScenarioError, match=r"factors\.secondaries: must not be the name of a map layer"):
        world(factor("secondaries", reach=30))
