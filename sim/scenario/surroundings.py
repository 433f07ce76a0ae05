"""What the environment makes of the settings of an arm: the named rates, multiplied, once and in one place."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sim.errors import ScenarioError, did_you_mean
from sim.scenario.checks import check_name
from sim.scenario.quantity import unit_size
from sim.scenario.schema import Settings
from sim.scenario.section import Section, check_range, declared, numbers_of

OF_THE_UNIT = (".decay_rate", ".diffusivity", ".capture")  # of factors
STRENGTH = ".secretion.strength"  # the one rate whose unit does not say so: the unit of the factor carries the time


def in_environment(settings: Settings) -> Settings:
    """The settings with their rates as temperature and oxygen leave them, and nothing left to multiply.

    So it does nothing more to what it returns; without an environment it returns the settings themselves.
    """
    around = settings.environment
    if around is None:
        return settings
    tree: Any = settings
    here = {path for path, _, _ in rates_of(settings)}
    for name, rate in around.rates.items():
        for path in here.intersection(rate.of):  # an arm may leave out what others have
            tree = _multiplied(tree, path.split("."), around.multiplier(name))
    scaled: Settings = tree.model_copy(update={"environment": None})
    return scaled


def _multiplied(node: Any, path: list[str], scale: float) -> Any:
    """A part of the settings with the number at `path` below it multiplied."""
    if not path:
        return node * scale
    key, *rest = path
    if isinstance(node, Section):
        return node.model_copy(update={key: _multiplied(getattr(node, key), rest, scale)})
    if isinstance(node, dict):
        return {**node, key: _multiplied(node[key], rest, scale)}
    return [_multiplied(each, rest, scale) if i == int(key) else each for i, each in enumerate(node)]


def rates_of(settings: Settings) -> Iterator[tuple[str, float, dict[str, Any]]]:
    """Path, value and declaration of every number that is per time, and of what cells give off."""
    for path, value, field in numbers_of(settings):
        extra = declared(field)
        if not path.startswith("environment.") and (path.endswith(STRENGTH) or _per_time(str(extra["unit"]))):
            yield path, value, extra


def _per_time(unit: str) -> bool:
    return bool(unit) and unit_size(unit)[1].get("time", 0) < 0


def check_environment(settings: Settings, known: Collection[str]) -> None:
    """Raise ScenarioError (``key: rule, got value``) unless the environment multiplies rates, each once, within limits.

    `known` are the paths of the rates of all arms: what one arm leaves out, its common part may still speak of.
    """
    around = settings.environment
    if around is None:
        return
    taken: dict[str, str] = {}
    for name, rate in around.rates.items():
        key = f"environment.rates.{name}"
        check_name(key, name)
        for path in rate.of:
            if path.startswith("factors.") and path.endswith(OF_THE_UNIT):
                rule = "must not be what the unit of a factor is made of, for its level at rest would stay as it is"
                raise ScenarioError(f"{key}.of: {rule} (secretion.strength and ventilation move it), got {path!r}")
            if path not in known:
                rule = "must be the dotted path of a rate of this scenario (per time; no duration, no hazard of a drug)"
                raise ScenarioError(f"{key}.of: {rule}, got {path!r}{did_you_mean(path, known)}")
            if path in taken:
                raise ScenarioError(f"{key}.of: must not multiply what {taken[path]} multiplies already, got {path!r}")
            taken[path] = key
    for path, value, extra in rates_of(settings):
        if path in taken:
            try:
                check_range(value * around.multiplier(taken[path].rpartition(".")[2]), extra)
            except ValueError as error:
                raise ScenarioError(f"{path}: {error} in the environment of {taken[path]}") from None


def odd_environment(settings: Settings) -> Iterator[str]:
    """What is legal but odd, one line each."""
    around = settings.environment
    for name, rate in around.rates.items() if around else ():
        if rate.q10 == 1.0 and rate.oxygen_half_max is None:
            yield f"environment.rates.{name}: has neither q10 nor oxygen_half_max, so it multiplies by 1"
        elif around and rate.optimum is not None and around.temperature > rate.optimum:
            yield (f"environment.rates.{name}.optimum: lies below the {around.temperature:g} degC around, and what is "
                   f"beyond is not modelled, got {rate.optimum:g} degC")  # fmt: skip
