"""Which arm lacks what: an event, or a way in which cells turn others, read from the scenario of the results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.results import Results
from sim.scenario.causes import CONTACT, event_names, factor_channels
from sim.scenario.load import from_dict
from sim.scenario.response import Response
from sim.scenario.schema import Settings

JOINED = " + "  # between causes that an arm lacks together
Channel = tuple[str, str]  # factor and induction or cargo; contact and nothing
Dumped = dict[str, Any]


def settings_by_arm(results: Results) -> dict[str, Settings]:
    """The settings of every arm of the results; none where the tables come without a scenario."""
    if "tissues" not in results.scenario:
        return {}
    known = from_dict(results.scenario).arms
    return {arm: known[arm] for arm in results.arms if arm in known}


def control_of(results: Results, arm: str, event: str) -> str | None:
    """The first arm that is like `arm` but for an event, which it does not have or which turns no cell in it."""
    arms = settings_by_arm(results)
    for name, settings in arms.items():
        there = settings.events.get(event)
        quiet = name != arm and (there is None or not there.induces)
        if arm in arms and quiet and _without_event(settings, event) == _without_event(arms[arm], event):
            return name
    return None


def _without_event(settings: Settings, event: str) -> Dumped:
    tree = settings.model_dump()
    tree["events"].pop(event, None)
    return tree


# ------------------------------------------------------------------------------------------------------ inductions


def arms_without(results: Results, baseline: str) -> dict[str, str]:
    """Arms that are like `baseline` but for inductions that are off in them: causes (joined by +) to the first one.

    Off is a response at rate 0 or left out, cargo that no cell takes up, contact at 0, and a factor that is not
    secreted or not there: such an arm also lacks what else the factor does. Causes have the names of `baseline`.
    """
    return _without(settings_by_arm(results), baseline)


def complete_arm(results: Results) -> str | None:
    """The arm from which others differ by inductions that are off: that with most of them, the first one of these."""
    arms = settings_by_arm(results)
    found = {arm: len(_without(arms, arm)) for arm in arms}
    return max(found, key=lambda arm: found[arm]) if any(found.values()) else None


def _without(arms: dict[str, Settings], baseline: str) -> dict[str, str]:
    acts = acting(arms[baseline]) if baseline in arms else {}
    found: dict[str, str] = {}
    for arm, settings in arms.items():
        there = acting(settings)
        lacking = [channel for channel in acts if channel not in there]
        if lacking and there.keys() <= acts.keys() and _alike(arms[baseline], settings, lacking):
            found.setdefault(JOINED.join(acts[channel] for channel in lacking), arm)
    return found


def acting(settings: Settings) -> dict[Channel, str]:
    """The ways in which senescent cells turn others in an arm, with the name of each cause."""
    found: dict[Channel, str] = {}
    if any(tissue.contact.hazard > 0.0 or tissue.contact.at_once > 0.0 for tissue in settings.tissues.values()):
        found["contact", ""] = event_names(settings)[CONTACT]
    for cause, name, channel, response in factor_channels(settings):
        factor = settings.factors[name]
        taken_up = channel == "induction" or any(affinity > 0.0 for affinity in factor.uptake.values())
        if factor.secretion.strength > 0.0 and taken_up and highest_rate(response) > 0.0:
            found[name, channel] = cause
    return found


def highest_rate(response: Response) -> float:
    """Rate of a response at saturation, or per unit of the level [1/d]."""
    if response.hill is not None:
        return response.hill.max_rate
    one = response.linear or response.poisson_tail
    assert one is not None
    return one.rate


def _alike(one: Settings, other: Settings, lacking: list[Channel]) -> bool:
    """Whether two arms are the same, once the inductions `lacking` in the second are left out of both."""
    silent = {
        name for name, _ in lacking
        if name != "contact" and (name not in other.factors or other.factors[name].secretion.strength == 0.0)
    }  # fmt: skip
    return _left_out(one, lacking, silent) == _left_out(other, lacking, silent)


def _left_out(settings: Settings, channels: list[Channel], factors: set[str]) -> Dumped:
    tree = settings.model_dump()
    for name, channel in channels:
        if name == "contact" and not channel:
            _each_without(tree["tissues"], "contact")
        elif name in factors:
            tree["factors"].pop(name, None)
        else:
            for key in (channel,) if channel == "induction" else ("cargo", "affinity", "capture"):
                tree["factors"][name].pop(key)
    return tree


def _each_without(trees: Mapping[str, Dumped], key: str) -> None:
    for tree in trees.values():
        tree.pop(key)
