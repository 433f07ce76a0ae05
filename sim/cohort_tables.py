"""What the loops of `sim.cohort_kernel` read: a scenario as tables, for all well-mixed individuals of an arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt

from sim.organism.blood import Exchange as InBlood
from sim.organism.blood import in_blood
from sim.organism.dosing import DoseRow, Dosing
from sim.rng import BODY, Purpose, Stream, tissue_codes
from sim.scenario import causes
from sim.scenario.drug import scale
from sim.scenario.layers import type_shares
from sim.scenario.places import organ_cells
from sim.scenario.quantity import DAYS_PER_YEAR
from sim.scenario.schema import Settings
from sim.scenario.tissue import Tissue
from sim.scenario.well_mixed import has_a_size
from sim.tissue.acting import Acting, nothing_acts
from sim.tissue.parameters import Parameters, compile_parameters, level_per_burden, removal_rate, total_decay
from sim.tissue.patch import Patch
from sim.tissue.state import EVADES_DRUGS, EVADES_IMMUNITY

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

TISSUE = np.dtype(  # the single numbers of a tissue; rates per day, ages in years, burdens in percent
    [(name, np.float64) for name in (
        "share", "initial", "baseline", "per_year", "absolute", "maintenance", "max_rate", "half_saturation",
        "capacity", "decline", "immune_age", "recovery", "own_death", "of_body",
        "immune", "immune_per_year", "drug", "drug_per_year",
    )] + [("path", np.int64), ("luck", np.int64)],
)  # fmt: skip


class Individual(NamedTuple):
    """What all individuals of an arm have in common: times in d, burdens in percent."""

    n_steps: int
    dt: float
    year: float
    systemic: float  # variance of the fluctuation per day that all tissues share [%^2/d]
    own: float  # and that each has for itself
    own_in_body: float  # share of the latter that the burden of the whole body feels
    joined: bool  # whether some tissues share their immune cells
    threshold: float  # infinite: nobody dies
    steepness: float  # 0: at the threshold
    other_rate: float  # hazard of other causes at birth [1/d]
    other_doubling: float  # [d]


class People(NamedTuple):
    """What each of n individuals brings along, (n,) each, see `sim.organism.individuals`."""

    age_at_start: Floats  # [d]
    damage: Floats  # multipliers
    removal: Floats
    susceptibility: Floats


class Place(NamedTuple):
    """Words of the addresses of random numbers of the body."""

    fluctuation: int
    death: int
    other_death: int
    k0: int
    k1: int


class Tables(NamedTuple):
    """What rules need of N tissues, F factors, T cell types, K parts of the burden and D drugs that turn cells.

    Part k = c J + j are the cells that cause j (of J) has turned and that evade what class c tells. Tissues with fewer
    cell types than others have some more of them, without cells.
    """

    tissues: npt.NDArray[np.void]  # (N,) TISSUE
    factors: Floats  # (F, COLUMNS), see sim.tissue.parameters
    by_type: Floats  # (N, F, 3, T)
    susceptibility: Floats  # (N, T)
    shares: Floats  # (N, T) of the resident cells
    strength: Floats  # (N, F, K) secretion of the mean cell of each part, as the level that 1 % of them keep up
    healthy: Floats  # (N, F) secretion of the mean healthy cell
    phase: Floats  # (F, 3)
    decay: Floats  # (N, F) without drugs and without what leaks into the blood [1/d]
    ages_immunity: Floats  # (F, 3) k_imm, half-maximum, power; 0: not
    drug_parts: Integers  # (D,) cause of the cells that each hazard on healthy ones turns, -1: it kills
    classes: Integers  # (C,) what the cells of a class evade, bits of sim.tissue.state; no class but 0 where none does
    evasion_of: Floats  # (N, J) multiplier of the shares that evade, by cause


class Course(NamedTuple):
    """What drugs do, step by step (S), or once for all steps (S = 1) where there are none."""

    modifiers: Floats  # (S, N, T, M), see sim.tissue.acting
    killing: Floats  # (S, N, K) hazard of each part [1/d]
    secretion_left: Floats  # (S, N, F, K)
    more_decay: Floats  # (S, N, F) multiple of the decay without drugs
    immune_killing: Floats  # (S, N) [1/d]
    more_in_plasma: Floats  # (S, F) multiple of the loss in the plasma without drugs


class Exchange(NamedTuple):
    """What blood does in a step, in Q tables of which each step takes one per factor; see `sim.organism.blood`."""

    connected: npt.NDArray[np.bool_]  # (N, F)
    table_of: Integers  # (S, F), -1 for a factor that does not circulate
    kept: Floats  # (Q, N + 1, N + 1) of the means of the tissues and, last, of the plasma level
    gained: Floats  # (Q, N + 1, N + 1) from sources
    first_levels: Floats  # (N, F)
    first_plasma: Floats  # (F,)


@dataclass(frozen=True)
class Twin:
    """A scenario as tables, and its calendar of doses."""

    tables: tuple[Tables, Course, Exchange]
    doses: list[DoseRow]


def compile_twin(settings: Settings) -> Twin:
    """All tables of one arm."""
    parameters = [compile_parameters(settings, tissue) for tissue in settings.tissues.values()]
    shares = _by_type([np.array(type_shares(tissue)) for tissue in settings.tissues.values()], 0.0)
    kinds = _parts(settings)
    course, drug_parts, doses = _course(settings, parameters, kinds, shares)
    tables = _tables(settings, parameters, kinds, shares, drug_parts)
    return Twin((tables, course, _exchange(settings, tables, course)), doses)


def body_shares(settings: Settings) -> dict[str, float]:
    """Share of each tissue in the cells of the body; all alike where nothing tells their sizes."""
    sizes = {name: organ_cells(each) if has_a_size(each) else 1.0 for name, each in settings.tissues.items()}
    return {name: size / sum(sizes.values()) for name, size in sizes.items()}


def _by_type(tables: Sequence[Floats], fill: float) -> Floats:
    """Tables of all tissues, (..., T) each, with `fill` for the cell types that a tissue lacks."""
    most = max(table.shape[-1] for table in tables)
    widths = [[(0, 0)] * (table.ndim - 1) + [(0, most - table.shape[-1])] for table in tables]
    return np.array([np.pad(table, width, constant_values=fill) for table, width in zip(tables, widths, strict=True)])


# ------------------------------------------------------------------------------------------------ parts of the burden


@dataclass(frozen=True)
class Parts:
    """Causes in their order, event code and generation of their cells, and classes of what cells evade."""

    codes: Integers  # (J,)
    generations: Integers  # (J,)
    classes: Integers  # (C,)

    def per_class(self, by_cause: Floats) -> Floats:
        """Numbers by cause (..., J), the same in all classes: (..., K)."""
        return np.tile(by_cause, self.classes.size)


def _parts(settings: Settings) -> Parts:
    by_themselves = [causes.INITIAL, causes.DAMAGE, causes.FLUCTUATION]
    by_factors = [causes.FIRST_FACTOR + i for i in range(2 * len(settings.factors))]
    induced = [causes.first_drug(settings) + causes.PER_DRUG * i + causes.INDUCED for i in range(len(settings.drugs))]
    codes = [*by_themselves, *by_factors, *induced]
    generations = [0] * len(by_themselves) + [1] * len(by_factors) + [0] * len(induced)
    evasions = [tissue.evasion for tissue in settings.tissues.values()]
    immune = EVADES_IMMUNITY * any(each.immune or each.immune_per_year for each in evasions)
    drugs = EVADES_DRUGS * any(each.drug or each.drug_per_year for each in evasions)
    classes = np.unique([0, immune, drugs, immune | drugs])
    return Parts(np.array(codes), np.array(generations), classes)


def _tables(
    settings: Settings, parameters: list[Parameters], kinds: Parts, shares: Floats, drug_parts: Integers
) -> Tables:
    tissues, factors = list(settings.tissues.values()), list(settings.factors.values())
    ages = [factor.ages_immunity for factor in factors]
    names = causes.event_names(settings)
    rest = np.array([[level_per_burden(factor, tissue) for factor in factors] for tissue in tissues])
    strength = [
        kinds.per_class(each.secretion[:, kinds.codes, kinds.generations] @ np.array(type_shares(tissue)))
        for each, tissue in zip(parameters, tissues, strict=True)
    ]
    healthy = [each.healthy @ np.array(type_shares(tissue)) for each, tissue in zip(parameters, tissues, strict=True)]
    return Tables(
        tissues=_numbers(settings),
        factors=parameters[0].factors,
        by_type=_by_type([each.by_type for each in parameters], 1.0),
        susceptibility=_by_type([each.susceptibility for each in parameters], 0.0),
        shares=shares,
        strength=np.array(strength) * rest[:, :, None],
        healthy=np.array(healthy) * rest,
        phase=parameters[0].phase,
        decay=np.array([[total_decay(factor, tissue) for factor in factors] for tissue in tissues]),
        ages_immunity=np.array([(a.max_rate, a.half_max, a.power) if a else (0.0, 1.0, 1.0) for a in ages]).reshape(
            -1, 3
        ),
        drug_parts=drug_parts,
        classes=kinds.classes,
        evasion_of=np.array([[scale(tissue.evasion.by_cause, names[code]) for code in kinds.codes.tolist()]
                             for tissue in tissues]),
    )  # fmt: skip


def _numbers(settings: Settings) -> npt.NDArray[np.void]:
    """The single numbers of the tissues."""
    shares, codes = body_shares(settings), tissue_codes(settings.tissues)
    rows = []
    for name, tissue in settings.tissues.items():
        clearance, damage, evasion = tissue.clearance, tissue.damage, tissue.evasion
        own, body = Stream(settings.seed, codes[name], 0), Stream(settings.seed, BODY, 0)
        luck = body if settings.body.systemic_share == 1.0 else own  # who moves together is reflected together
        rows.append(
            (
                shares[name], tissue.burden_at_start, damage.baseline / 100, damage.per_year / 100,
                float(damage.production == "absolute"), tissue.maintenance, removal_rate(clearance),
                clearance.half_saturation, clearance.capacity, clearance.decline,
                -1.0 if clearance.immune_age is None else clearance.immune_age / DAYS_PER_YEAR,
                clearance.recovery, clearance.own_death, float(clearance.saturation == "body"),
                evasion.immune, evasion.immune_per_year, evasion.drug, evasion.drug_per_year,
                own.c2(Purpose.FLUCTUATION), luck.c2(Purpose.DEATH),
            )
        )  # fmt: skip
    return np.array(rows, TISSUE)


# ------------------------------------------------------------------------------------------------------------- drugs


@dataclass
class _OnePlace:
    """What `sim.organism.dosing` asks of a patch and gives to it, where all cells are in one place."""

    name: str
    tissue: Tissue
    geometry: _OneSite
    acting: Acting | None = None
    immune_killing: float = 0.0


@dataclass(frozen=True)
class _OneSite:
    n_sites: int = 1
    exists: None = None


def _course(
    settings: Settings, parameters: list[Parameters], kinds: Parts, shares: Floats
) -> tuple[Course, Integers, list[DoseRow]]:
    """What the calendar of an arm does to all, the causes of the cells that drugs turn, and the calendar."""
    n_factors, n_parts = len(settings.factors), kinds.codes.size * kinds.classes.size
    if not settings.treatments:
        n = len(settings.tissues)
        modifiers = nothing_acts(n_factors, shares.shape[1], parameters[0].outcome.size).modifiers[0]
        left, decay = np.ones((1, n, n_factors, n_parts)), np.ones((1, n, n_factors))
        none = np.zeros((1, n, n_parts))
        course = Course(np.tile(modifiers, (1, n, 1, 1)), none, left, decay, np.zeros((1, n)), decay[:, 0])
        return course, np.zeros(0, np.int64), []
    here = {name: _OnePlace(name, tissue, _OneSite()) for name, tissue in settings.tissues.items()}
    dosing = Dosing(settings, cast(dict[str, Patch], here))
    steps, plasma = [], list[list[float]]()
    for step in range(settings.n_steps):
        dosing.dose(step, lambda where, what: 0.0)  # nothing adaptive asks for it
        dosing.act(step)
        steps.append([_acts(settings, each, kinds, shares.shape[1]) for each in here.values()])
        plasma.append([1.0 + dosing.in_plasma.get(name, 0.0) for name in settings.factors])
    turned = next(iter(dosing.assemblies.values())).nothing.healthy_codes
    places = {code: place for place, code in enumerate(kinds.codes.tolist())}
    drug_parts = np.array([places.get(code, -1) for code in turned.tolist()], np.int64)
    columns = (np.array([[tissue[i] for tissue in step] for step in steps]) for i in range(len(Course._fields) - 1))
    in_plasma = np.array(plasma).reshape(len(steps), n_factors)
    return Course._make([*columns, in_plasma]), drug_parts, dosing.calendar


def _acts(settings: Settings, here: _OnePlace, kinds: Parts, n_types: int) -> tuple[Floats, ...]:
    """One step of the course in one tissue, in its order."""
    acting, tissue, shares = here.acting, here.tissue, np.array(type_shares(here.tissue))
    assert acting is not None
    deeds, muting = acting.on_senescent, acting.on_secretion
    each = deeds.strength[:, 0, None] * (deeds.weight[:, kinds.codes, kinds.generations] @ shares)
    spared = (deeds.evadable[:, None] == 1) & (kinds.classes & EVADES_DRUGS != 0)
    killing = (each[:, None, :] * ~spared[:, :, None]).sum(axis=0).ravel()
    inhibited = muting.strength[:, 0, None, None] * (muting.weight[:, kinds.codes, kinds.generations] @ shares)[:, None]
    left = np.maximum(0.0, 1.0 - inhibited * acting.inhibited[:, :, None]).prod(axis=0)
    decay = [
        total_decay(factor, tissue, float(acting.neutralised[f]), acting.uptake_left[f].tolist())
        / total_decay(factor, tissue)
        for f, factor in enumerate(settings.factors.values())
    ]
    modifiers = np.ones((n_types, acting.modifiers.shape[2]))
    modifiers[: shares.size] = acting.modifiers[0]
    return modifiers, killing, kinds.per_class(left), np.array(decay), np.array(here.immune_killing)


# ------------------------------------------------------------------------------------------------------------- blood


def _exchange(settings: Settings, tables: Tables, course: Course) -> Exchange:
    """Exact steps of the means of all tissues and of the plasma level, for every set of losses that occurs."""
    names, factors = list(settings.tissues), list(settings.factors.values())
    n, table_of = len(names), np.full(course.more_in_plasma.shape, -1)
    leak = np.array([[factor.blood.exchange(name) if factor.blood else 0.0 for factor in factors] for name in names])
    initial = tables.tissues["initial"][:, None]
    first_levels = tables.strength[:, :, 0] * initial + tables.healthy * (100.0 - initial)
    first_plasma = np.zeros(len(factors))
    kept, gained = list[Floats](), list[Floats]()
    for f, name in enumerate(settings.factors):
        if name not in in_blood(settings):
            continue
        exchange = InBlood(name, settings)
        joined = np.array([names.index(each) for each in exchange.tissues], np.int64)
        alone = np.append(tables.decay[joined, f], exchange.loss)
        more = np.column_stack([course.more_decay[:, joined, f], course.more_in_plasma[:, f]])
        sets, which = np.unique(more, axis=0, return_inverse=True)
        table_of[:, f] = len(kept) + which.reshape(-1)
        of_all = np.ix_([*joined, n], [*joined, n])
        for each in sets:
            for tables_of, table in zip((kept, gained), exchange.tables(each * alone, settings.dt), strict=True):
                tables_of.append(np.zeros((n + 1, n + 1)))
                tables_of[-1][of_all] = table
        without = first_levels[joined, f] * alone[:-1] / (alone[:-1] + leak[joined, f])
        first_levels[joined, f], first_plasma[f] = exchange.at_rest(without, alone[:-1])
    shape = (-1, n + 1, n + 1)
    return Exchange(
        leak > 0.0, table_of, np.reshape(kept, shape), np.reshape(gained, shape), first_levels, first_plasma
    )
