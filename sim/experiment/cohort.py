"""Well-mixed individuals of one arm, from settings to the tables that they leave behind."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sim.cohort import Lives, live
from sim.organism.individuals import trait_columns, traits
from sim.results import RunRecord
from sim.scenario.schema import Settings

BLOCK = 1000  # individuals per job: a second of work at most, and enough jobs for some workers
WORTH_A_WORKER = 30_000  # individuals that live as long as a worker takes to start (0.14 s a thousand, 4 s: measured)


def run_cohort(settings: Settings, record: RunRecord) -> None:
    """Let the individuals of `record` live, and write down how."""
    lives = live(settings, record.replicate, record.replicates)
    replicates = record.replicate + np.arange(record.replicates)
    record.timeseries = _rows(settings, record.arm, replicates, lives)
    who = traits(settings, record.replicate, record.replicates)
    ages = lives.ages + lives.ends
    individuals = {"arm": record.arm, "replicate": replicates, "day": lives.ends, "age": ages, "died": lives.died}
    record.individuals = pd.DataFrame(individuals | trait_columns(settings, who))
    if lives.doses:
        record.doses = _doses(record.arm, replicates, lives)
    record.status = "finished"


def _rows(settings: Settings, arm: str, replicates: np.ndarray, lives: Lives) -> pd.DataFrame:
    """The time series of those who live, replicate by replicate, day by day, tissue by tissue."""
    alive = ~np.isnan(lives.rows[..., 0])
    who, when, where = np.nonzero(alive)
    columns = ["burden", "immune_capacity", *(f"mean_{name}" for name in settings.factors)]
    tissues = np.array(list(settings.tissues), object)
    keys = {"arm": arm, "replicate": replicates[who], "tissue": tissues[where], "day": lives.days[when]}
    return pd.DataFrame({**keys, **dict(zip(columns, lives.rows[alive].T, strict=True))})


def _doses(arm: str, replicates: np.ndarray, lives: Lives) -> pd.DataFrame:
    """The calendar of all, for each until the end."""
    calendar = pd.DataFrame([dose._asdict() for dose in lives.doses])
    table = pd.DataFrame({"arm": arm, "replicate": replicates, "end": lives.ends}).merge(calendar, how="cross")
    return table[table["day"] < table["end"]].drop(columns="end").astype({"day": float, "amount": float})
