"""Thousands of well-mixed individuals at once: the limit in which every cell meets every other (mode `well_mixed`).

The burden X [%] of every tissue of an individual follows the rules of single cells in their mean::

    dX = (damage + induction by factors - removal X) dt + sqrt(2 eps) dB,    0 <= X <= 100, death at Xc

with the hazards of the old state, as in a tissue. Factors are at the level of their well-mixed source, whose cells have
the mean secretion of an even stream (`sim.rules.secretion.mean_phase`), or where blood carries them; the burden is kept
in parts by what turned the cells and by what they evade, so that secretion by cause and generation holds. The noise is
the Brownian path of the body, and of each tissue, which does not depend on dt. Within a step it is a bridge: reflected
at 0 by its minimum (Skorokhod), dead if the burden of the whole body has crossed Xc.

Neglected: space (reach, territories, holes, contact), vacancies and their repair, ages of single cells (windows of
drugs), depletion of the more susceptible cell types.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim import cohort_kernel as parts
from sim.cohort_tables import Floats, Individual, People, Place, body_shares, compile_twin
from sim.organism.dosing import DoseRow
from sim.organism.individuals import traits
from sim.rng import BODY, OTHER_CAUSES, Purpose, Stream
from sim.scenario.quantity import DAYS_PER_YEAR
from sim.scenario.schema import Settings
from sim.scenario.surroundings import in_environment

PLAN = (  # name, words: one step of each individual, top to bottom
    ("dose", "doses that are due are given; the mean effects of drugs over the step", ""),
    ("secrete", "factors follow what senescent cells give off, and what blood brings; cargo follows the factors", ""),
    ("immunity", "immune capacity follows age, and what ages or kills immune cells", ""),
    ("turn", "damage and induction raise the burden, removal lowers it: hazards of the old state", ""),
    ("fluctuate", "noise, reflected where nothing is senescent", ""),
    ("survive", "the individual dies if its burden has been too high within the step", ""),
)


class Lives(NamedTuple):
    """What n individuals leave behind; R rows at `days`, NaN where one is dead."""

    ends: Floats  # (n,) day of death, or of the end of the run
    died: npt.NDArray[np.bool_]  # (n,)
    ages: Floats  # (n,) on day 0 [d]
    days: Floats  # (R,)
    rows: Floats  # (n, R, N, 2 + F) burden [%], immune capacity, level of each factor, in each of N tissues
    doses: list[DoseRow]


def live(settings: Settings, first: int, count: int) -> Lives:
    """Individuals `first`, `first` + 1 ... of one arm; each is the same, whoever else is there."""
    settings = in_environment(settings)
    twin = compile_twin(settings)
    due = recorded_steps(settings)
    rows = np.full((count, due.size, len(settings.tissues), 2 + len(settings.factors)), np.nan)
    ends, died = np.empty(count), np.zeros(count, np.bool_)
    _, *own = traits(settings, first, count)
    people = People(*own)
    stream = Stream(settings.seed, BODY, first)
    deaths = stream.c2(Purpose.DEATH), stream.c2(Purpose.DEATH, OTHER_CAUSES)
    place = Place(stream.c2(Purpose.FLUCTUATION), *deaths, stream.k0, stream.k1)
    parts.live(first, place, _individual(settings), people, *twin.tables, due, rows, ends, died)
    return Lives(ends, died, people.age_at_start, due.astype(np.float64) * settings.dt, rows, twin.doses)


def recorded_steps(settings: Settings) -> npt.NDArray[np.int64]:
    """Steps after which a row is written: the first on or after every multiple of `record.every`, and the last."""
    every, dt, n = settings.record.every, settings.dt, settings.n_steps
    wanted = np.arange(math.floor(n * dt / every * (1.0 + 1e-9)) + 1) * every
    return np.unique(np.r_[np.ceil(wanted / dt * (1.0 - 1e-9)), n].astype(np.int64))


def _individual(settings: Settings) -> Individual:
    body, other = settings.body, settings.body.death.other if settings.body.death else None
    shares = np.array(list(body_shares(settings).values()))
    return Individual(
        n_steps=settings.n_steps,
        dt=settings.dt,
        year=DAYS_PER_YEAR,
        systemic=2.0 * body.fluctuation * body.systemic_share,
        own=2.0 * body.fluctuation * (1.0 - body.systemic_share),
        own_in_body=float(shares @ shares),
        joined=any(tissue.clearance.saturation == "body" for tissue in settings.tissues.values()),
        threshold=body.death.burden if body.death else math.inf,
        steepness=(body.death.steepness or 0.0) if body.death else 0.0,
        other_rate=other.rate if other else 0.0,
        other_doubling=other.doubling_time if other else math.inf,
    )
