"""A scenario in space and its mean-field twin, run side by side."""

from __future__ import annotations

from sim.analysis.twin import Pair
from sim.errors import ScenarioError
from sim.experiment.collect import Progress
from sim.experiment.run import run
from sim.scenario.load import Scenario

IN_SPACE = 8  # replicates where the scenario tells individuals only


def twin(
    scenario: Scenario,
    individuals: int = 1000,
    replicates: int | None = None,
    seed: int | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Pair:
    """Run a scenario cell by cell, and as well-mixed individuals: the same mice, with their traits and their noise.

    Parameters
    ----------
    scenario
        In either mode; for the side in space every tissue needs a shape or a cloud.
    individuals
        Of the mean field, per arm; at least as many as there are in space.
    replicates
        In space; those of the scenario if not given (8 where its mode is well_mixed).
    seed, workers, progress
        As of `sim.run`.

    Returns
    -------
    Pair
        Tables of both, with ``table()``, ``lines()`` and ``plot()``.

    Raises
    ------
    ScenarioError
        If a tissue has no place for its cells, or something of the scenario cannot be well mixed.
    """
    cells, mean_field = sides(scenario)
    if replicates is None:
        replicates = scenario.common.replicates if scenario.common.mode == "tissue" else IN_SPACE
    many = max(individuals, replicates)
    by_mice = run(mean_field, many, seed, workers, progress=progress)
    return Pair(run(cells, replicates, seed, workers, progress=progress), by_mice)


def sides(scenario: Scenario) -> tuple[Scenario, Scenario]:
    """The scenario in space, and well mixed."""
    for name, tissue in scenario.common.tissues.items():
        if tissue.shape is None and tissue.cloud is None:
            key = f"{scenario.file}: tissues.{name}.shape"
            raise ScenarioError(f"{key}: must be told for the side in space, got nothing")
    cells, mean_field = (scenario.override({"mode": mode}) for mode in ("tissue", "well_mixed"))
    return cells, mean_field
