"""Amounts, half-maxima and effect sizes as people write them, in the unit of their drug; before validation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from sim.errors import ScenarioError, did_you_mean
from sim.scenario.drug import BOOSTS, HAZARDS, KINDS, Drug
from sim.scenario.library import library
from sim.scenario.presets import mapping
from sim.scenario.quantity import to_unit
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree

_UNIT = Drug.model_fields["unit"]
_SHARE = "share"  # no unit, but a text may be in percent
IN_PERCENT = ("burden", "vacant", "off_target")  # read-outs that steer a treatment; the others have no unit
LIKE_A_SHARE = 0.2  # percent: a smaller bare number was perhaps meant as a share
ONLY_RISING = ("off_target",)  # what is above a level once stays above it


def in_units_of_drugs(tree: Tree) -> Tree:
    """One arm with numbers for texts such as ``"55 mg/kg"``, and with effects of the kind that their name says.

    Parameters
    ----------
    tree
        The merged tree of one arm, not validated yet; it is not changed. What is no text stays as it is.

    Raises
    ------
    ScenarioError
        ``drugs.X.effects.Y.ec50: must be in mg/kg, got '5 uM'``; or a treatment names a drug that is not there.
    """
    drugs, treatments = mapping(tree.get("drugs")), mapping(tree.get("treatments"))
    read = dict(tree)
    if drugs:
        read["drugs"] = {name: _drug(f"drugs.{name}", drug) for name, drug in drugs.items()}
    if treatments:
        read["treatments"] = {name: _treatment(f"treatments.{name}", each, drugs) for name, each in treatments.items()}
    return read


def unit_of(settings: Settings, path: str) -> str | None:
    """Unit of the number at `path` where it depends on its drug or on the kind of effect, else None."""
    match path.split("."):
        case ["drugs", name, *key]:
            return unit_of_effect(settings.drugs[name], ".".join(key))
        case ["treatments", name, "amount"]:
            return settings.drugs[settings.treatments[name].drug].unit
    return None


def unit_of_effect(drug: Drug, key: str) -> str | None:
    """Unit of a number of a drug, where it depends on the drug or on the kind of effect, else None."""
    match key.split("."):
        case ["effects", name, "emax"]:
            return "1/d" if drug.effects[name].kind in HAZARDS else "1"
        case ["effects", _, "ec50"]:
            return drug.unit
    return None


def _drug(key: str, drug: Any) -> Any:
    effects = mapping(mapping(drug).get("effects"))
    if not effects:
        return drug
    unit = _unit(drug)
    return {**drug, "effects": {name: _effect(f"{key}.effects.{name}", name, each, unit)
                                for name, each in effects.items()}}  # fmt: skip


def _effect(key: str, name: str, effect: Any, unit: str | None) -> Any:
    if not isinstance(effect, dict):
        return effect
    if name in KINDS and "kind" not in effect:
        effect = {"kind": name, **effect}
    kind = effect.get("kind")
    size = "1/d" if kind in HAZARDS else "1" if kind in BOOSTS else _SHARE if kind in KINDS else None
    return _numbers(key, effect, {"ec50": unit, "emax": size})


def _treatment(key: str, treatment: Any, drugs: Tree) -> Any:
    name = mapping(treatment).get("drug")
    if not isinstance(name, str):
        return treatment
    if name not in drugs:
        near = did_you_mean(name, [*drugs, *library("drugs")]) or " (see senodrift list drugs)"
        near = ", which is removed" if name in library("drugs") else near
        raise ScenarioError(f"{key}.drug: must be a drug of the scenario or of the library, got {name!r}{near}")
    treatment = _numbers(key, treatment, {"amount": _unit(drugs[name])})
    if isinstance(treatment.get("adaptive"), dict):
        adaptive = treatment["adaptive"]
        steers = "%" if adaptive.get("outcome", "burden") in IN_PERCENT else "1"
        forbids = "%" if adaptive.get("toxicity") in IN_PERCENT else "1"
        units = {"treat_above": steers, "stop_below": steers, "skip_above": forbids}
        treatment["adaptive"] = _numbers(f"{key}.adaptive", adaptive, units)
    return treatment


def _share(text: str) -> float:
    return to_unit(text, "%") / 100 if text.rstrip().endswith("%") else to_unit(text, "1")


def odd_percents(tree: Tree) -> Iterator[tuple[str, str]]:
    """Keys of bare numbers in percent that look like shares, with a note on each; texts with a unit mean what they say.

    `tree` is one arm as it is written: after validation nobody knows whether a unit was there.
    """
    around = mapping(tree.get("environment"))
    yield from _odd_percent("environment.oxygen", around.get("oxygen"))
    yield from _odd_percent("environment.reference.oxygen", mapping(around.get("reference")).get("oxygen"))
    for name, rate in mapping(around.get("rates")).items():
        yield from _odd_percent(f"environment.rates.{name}.oxygen_half_max", mapping(rate).get("oxygen_half_max"))
    for name, tissue in mapping(tree.get("tissues")).items():
        for part, key in (("initial", "burden"), ("clearance", "half_saturation")):
            yield from _odd_percent(f"tissues.{name}.{part}.{key}", mapping(mapping(tissue).get(part)).get(key))
    for name, treatment in mapping(tree.get("treatments")).items():
        adaptive = mapping(mapping(treatment).get("adaptive"))
        for steer, keys in (("outcome", ("treat_above", "stop_below")), ("toxicity", ("skip_above",))):
            if adaptive.get(steer, "burden") in IN_PERCENT:
                for key in keys:
                    yield from _odd_percent(f"treatments.{name}.adaptive.{key}", adaptive.get(key))


def _odd_percent(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, float) and 0 < value < LIKE_A_SHARE:
        yield key, f"{value:g} is read as {value:g} %; a share of {value:g} is {100 * value:g} %"


def _unit(drug: Any) -> str | None:
    """The unit of a drug, or None where it is none that there is: a complaint of the validator."""
    unit = mapping(drug).get("unit", _UNIT.default)
    return unit if unit in get_args(_UNIT.annotation) else None


def _numbers(key: str, section: Tree, units: Mapping[str, str | None]) -> Tree:
    """`section` with the texts of some fields as numbers."""
    read = dict(section)
    for field, unit in units.items():
        value = section.get(field)
        if isinstance(value, str) and unit is not None:
            try:
                read[field] = _share(value) if unit == _SHARE else to_unit(value, unit)
            except ValueError as error:
                raise ScenarioError(f"{key}.{field}: {error}") from None
    return read
