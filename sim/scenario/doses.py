"""Amounts, half-maxima and effect sizes as people write them, in the unit of their drug; before validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from sim.errors import ScenarioError, did_you_mean
from sim.scenario.drug import HAZARDS, KINDS, Drug
from sim.scenario.library import library
from sim.scenario.presets import mapping
from sim.scenario.quantity import to_unit
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree

_UNIT = Drug.model_fields["unit"]
IN_PERCENT = ("burden", "vacant", "off_target")  # read-outs that steer a treatment; the others have no unit


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
    return _numbers(key, effect, {"ec50": unit, "emax": "1/d" if kind in HAZARDS else "1" if kind in KINDS else None})


def _treatment(key: str, treatment: Any, drugs: Tree) -> Any:
    name = mapping(treatment).get("drug")
    if not isinstance(name, str):
        return treatment
    if name not in drugs:
        near = ", which is removed" if name in library("drugs") else did_you_mean(name, [*drugs, *library("drugs")])
        raise ScenarioError(f"{key}.drug: must be a drug of the scenario or of the library, got {name!r}{near}")
    treatment = _numbers(key, treatment, {"amount": _unit(drugs[name])})
    if isinstance(treatment.get("adaptive"), dict):
        adaptive = treatment["adaptive"]
        steers = "%" if adaptive.get("outcome", "burden") in IN_PERCENT else "1"
        forbids = "%" if adaptive.get("toxicity") in IN_PERCENT else "1"
        units = {"treat_above": steers, "stop_below": steers, "skip_above": forbids}
        treatment["adaptive"] = _numbers(f"{key}.adaptive", adaptive, units)
    return treatment


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
                read[field] = to_unit(value, unit)
            except ValueError as error:
                raise ScenarioError(f"{key}.{field}: {error}") from None
    return read
