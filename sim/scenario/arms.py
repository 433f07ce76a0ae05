"""What arms must have in common, and what is odd among them: they share their luck, so they share their places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sim.errors import ScenarioError
from sim.scenario.causes import event_names, inducing, removing
from sim.scenario.checks import LAYERS, known_word
from sim.scenario.factor import Factor
from sim.scenario.schema import Settings

PLACES = ("shape", "cell_spacing", "boundary", "cloud", "holes", "voxel_cells")


def check_arms(arms: Mapping[str, Settings]) -> None:
    """Raise ScenarioError where arms could not be compared cell by cell, or name what no arm has."""
    first = next(iter(arms.values()))
    factors = dict.fromkeys(name for settings in arms.values() for name in settings.factors)
    causes = dict.fromkeys(name for settings in arms.values() for name in recorded_causes(settings))
    for arm, settings in arms.items():
        for layer in settings.record.maps:
            known_word("record.maps", layer, (*LAYERS, *factors))
        if settings.stop is not None:
            known_word("stop.cause", settings.stop.cause, causes)
        if list(settings.tissues) != list(first.tissues):
            names = ", ".join(settings.tissues)
            raise ScenarioError(f"arms.{arm}.tissues: must be {', '.join(first.tissues)} in all arms, got {names}")
        for name, tissue in settings.tissues.items():
            for key in PLACES:
                if getattr(tissue, key) != getattr(first.tissues[name], key):
                    value = getattr(tissue, key)
                    raise ScenarioError(f"arms.{arm}.tissues.{name}.{key}: must be the same in all arms, got {value!r}")


def recorded_causes(settings: Settings) -> list[str]:
    """Names of the events that the tables count."""
    names = event_names(settings)
    return [names[code] for code in (*inducing(settings), *removing(settings))]


def odd_arms(arms: Mapping[str, Settings]) -> Iterator[str]:
    """What is legal but odd, one line each."""
    for name, factor in next(iter(arms.values())).factors.items():
        others = [settings.factors[name] for settings in arms.values() if name in settings.factors]
        if any(_loss(other) != _loss(factor) for other in others):
            yield f"factors.{name}: arms differ in decay or uptake; 1 % burden keeps the level at 1 in each of them"
    given = {treatment.drug for settings in arms.values() for treatment in settings.treatments.values()}
    for name in dict.fromkeys(name for settings in arms.values() for name in settings.drugs):
        if name not in given:
            yield f"drugs.{name}: is not given in any arm"


def _loss(factor: Factor) -> tuple[object, ...]:
    """What takes a factor away."""
    return factor.transport, factor.own_decay, factor.capture, factor.affinity if factor.capture > 0 else None
