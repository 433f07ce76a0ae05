"""A scenario in words: the methods section of the paper, before anything runs. Most mistakes in scenarios die here."""

from __future__ import annotations

from pydantic import ValidationError

from sim.cohort import PLAN as COHORT_PLAN
from sim.errors import ScenarioError
from sim.explain.blood import blood_words
from sim.explain.doses import doses_words
from sim.explain.drugs import drug_words, given_drugs, kills_immune
from sim.explain.environment import environment_words
from sim.explain.experiment import (
    arms_words,
    body_words,
    events_words,
    own_words,
    record_words,
    scales_words,
    step_words,
)
from sim.explain.factors import factor_words
from sim.explain.functions import outcome_words
from sim.explain.immunity import circle_words
from sim.explain.individuals import individuals_words
from sim.explain.pigment import told_apart
from sim.explain.reproduction import threshold_words
from sim.explain.tissues import tissue_words
from sim.explain.words import Teller, size_words, wrap
from sim.scenario.doses import in_units_of_drugs
from sim.scenario.ledger import assumed
from sim.scenario.load import Scenario
from sim.scenario.matrix import by_source
from sim.scenario.quantity import duration
from sim.scenario.schema import Settings
from sim.scenario.surroundings import in_environment
from sim.simulation import PLAN

__all__ = ["duration", "explain", "size_words"]


def explain(scenario: Scenario) -> str:
    """The scenario as the methods section of a paper, wrapped to 100 columns.

    Tissues, factors, drugs and steps are told as the common part has them; arms by what they change. Events and doses
    are told per arm.
    """
    common = _common_part(scenario)
    teller = Teller(scenario, common)
    ages = any(factor.ages_immunity for arm in scenario.arms.values() for factor in arm.factors.values())
    loses_immunity = ages or kills_immune(scenario)
    blocks = [f"{scenario.name} ({scenario.file}, hash {scenario.hash})"]
    if common.question:
        blocks.append(wrap(f"Question. {common.question}"))
    blocks += [tissue_words(teller, name, loses_immunity) for name in common.tissues]
    blocks += [factor_words(teller, name) for name in common.factors]
    blocks += [environment_words(teller), blood_words(teller)]
    blocks += [drug_words(own, name) for name, own in given_drugs(scenario, common).items()]
    blocks += [arms_words(scenario), events_words(scenario), doses_words(scenario), own_words(common)]
    blocks += [step_words(common, COHORT_PLAN if common.mode == "well_mixed" else PLAN)]
    here = in_environment(common)
    blocks += [scales_words(here), threshold_words(here), circle_words(scenario), body_words(teller)]
    blocks += [outcome_words(teller), told_apart(teller)]
    blocks.append(individuals_words(teller))
    blocks.append(record_words(common))
    blocks.append(_assumed_words(scenario))
    blocks += [wrap(f"Note. {note}") for note in scenario.notes]
    return "\n\n".join(filter(None, blocks)) + "\n"


def _assumed_words(scenario: Scenario) -> str:
    """What is assumed, a line per tissue, factor, event and drug; a Hill power of 1 goes without saying."""
    groups: dict[str, list[str]] = {}
    for row in assumed(scenario):
        group, name, key = (*row.path.split(".", 2), "", "")[:3]
        if not (key.endswith(".power") and row.value == "1"):
            groups.setdefault(f"{group.removesuffix('s')} {name}", []).append(f"{key} {row.value}")
    lines = [wrap(f"{name}: {', '.join(numbers)}.", "  ", "    ") for name, numbers in groups.items()]
    return "\n".join(["Assumed, not measured:", *lines] if lines else ["Assumed, not measured: nothing."])


def _common_part(scenario: Scenario) -> Settings:
    """What the file says before arms; the first arm where that alone is no scenario."""
    tree = {key: value for key, value in scenario.tree.items() if key != "arms"}
    try:
        return by_source(Settings.model_validate(in_units_of_drugs(tree)), scenario.parts)
    except (ScenarioError, ValidationError):
        return scenario.common
