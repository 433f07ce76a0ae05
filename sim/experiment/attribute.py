"""Share is not effect: an arm with attribution, and the same arm with its causes switched off one by one."""

from __future__ import annotations

from typing import Any

import pandas as pd

from sim.analysis.shares import share_and_effect
from sim.errors import ScenarioError, did_you_mean
from sim.experiment.collect import Progress
from sim.experiment.run import run
from sim.results import Results
from sim.scenario.causes import CONTACT, event_names, factor_channels
from sim.scenario.load import Scenario
from sim.scenario.matrix import Parts
from sim.scenario.response import Response
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree, merge


def attribute(
    scenario: Scenario,
    arm: str | None = None,
    replicates: int | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> tuple[pd.DataFrame, Results]:
    """Who turned how many cells of an arm, and what the burden is without each of them.

    All runs share their luck: a cause that is switched off keeps its name and its code, at a rate of 0.

    Parameters
    ----------
    scenario
        See `sim.load`.
    arm
        The last one if not given.
    replicates, workers, progress
        As for `sim.run`.

    Returns
    -------
    table, results
        `sim.analysis.shares.share_and_effect`, and the runs behind it: `arm`, and ``ARM_without_CAUSE`` for each.

    Raises
    ------
    ScenarioError
        If there is no such arm, or nothing in it that senescent cells do to others.
    """
    experiment, without = experiment_without(scenario, arm)
    results = run(experiment, replicates=replicates, workers=workers, progress=progress)
    return share_and_effect(results, next(iter(experiment.arms)), without), results


def experiment_without(scenario: Scenario, arm: str | None = None) -> tuple[Scenario, dict[str, str]]:
    """The scenario of `attribute`, and the arm that lacks each cause."""
    arm = list(scenario.arms)[-1] if arm is None else arm
    if arm not in scenario.arms:
        near = did_you_mean(arm, scenario.arms)
        raise ScenarioError(f"{scenario.file}: arms.{arm}: unknown arm{near}, known: {', '.join(scenario.arms)}")
    changes = switched_off(scenario.arms[arm], scenario.parts)
    if not changes:
        rule = "must have a factor or contact that turns cells, got none"
        raise ScenarioError(f"{scenario.file}: arms.{arm}: {rule}")
    patch = scenario.tree["arms"][arm]
    without = {cause: f"{arm}_without_{cause}" for cause in changes}
    arms = {arm: patch} | {without[cause]: merge(patch, off, keep_removed=True) for cause, off in changes.items()}
    return scenario.override({"arms": arms, "record.attribution": True}), without


def switched_off(settings: Settings, parts: Parts) -> dict[str, Tree]:
    """Changes that take one cause of induction out of an arm, by the name of the cause.

    Of a factor with an affinity matrix (`parts`) each source is a cause. Cargo is switched off by the affinity; where
    uptake is part of the decay (`capture`), the factor then reaches further.
    """
    found: dict[str, Tree] = {}
    if any(tissue.contact.hazard > 0.0 or tissue.contact.at_once > 0.0 for tissue in settings.tissues.values()):
        silent: dict[str, Any] = {"contact": {"hazard": 0.0, "at_once": 0.0}}
        found[event_names(settings)[CONTACT]] = {"tissues": dict.fromkeys(settings.tissues, silent)}
    for cause, factor, channel, response in factor_channels(settings):
        if channel == "cargo":  # nobody takes it up: then it does not wear out healthy cells either
            nobody: dict[str, Any] = dict.fromkeys(settings.factors[factor].uptake, 0.0)
            written, source = parts.get(factor, (factor, None))
            found[cause] = {"factors": {written: {"affinity": {source: nobody} if source else nobody}}}
        else:
            found[cause] = {"factors": {factor: {channel: _without_rate(response)}}}
    return found


def _without_rate(response: Response) -> Tree:
    """The change that makes a response 0 at every level."""
    if response.hill is not None:
        return {"hill": {"max_rate": 0.0}}
    return {"linear": {"rate": 0.0}} if response.linear is not None else {"poisson_tail": {"rate": 0.0}}
