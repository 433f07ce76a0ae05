"""Affinity between sources and targets: a factor with a matrix becomes one factor per source, before anything reads it.

So all that is known of a factor (its field, its blood, its attribution, its column of cells that it turned) is known of
each source, and no engine knows of matrices. The doses of different sources are remembered apart, and do not add before
the response.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar

from sim.errors import ScenarioError
from sim.scenario.checks import known_word
from sim.scenario.drug import Drug
from sim.scenario.environment import Environment
from sim.scenario.factor import Factor
from sim.scenario.schema import Settings
from sim.scenario.section import Section
from sim.scenario.tissue import Tissue

Parts = Mapping[str, tuple[str, str]]  # name of a part, to the factor as it is written and the source of the part
AnySection = TypeVar("AnySection", bound=Section)


def parts_of(arms: Iterable[Settings]) -> dict[str, tuple[str, str]]:
    """The parts of all factors with a matrix in any arm, in the order of the file: ``drift_from_chondrocyte`` ..."""
    return {
        _part_name(name, source): (name, source)
        for settings in arms
        for name, factor in settings.factors.items()
        for source in factor.matrix
    }


def check_matrices(settings: Settings, parts: Parts, types: Collection[str]) -> None:
    """Raise ScenarioError where a matrix names no cell type (of `types`), or a part takes the name of a factor."""
    written = {name for name, _ in parts.values()}
    for name, factor in settings.factors.items():
        key = f"factors.{name}.affinity"
        if name in parts:
            other, source = parts[name]
            taken = f"that of the source {source} of factors.{other}"
            raise ScenarioError(f"factors.{name}: must have another name than {taken}, got {name!r}")
        if name in written and not factor.matrix:
            raise ScenarioError(f"{key}: must tell sources in all arms or in none, got {factor.uptake}")
        for source, row in factor.matrix.items():
            known_word(key, source, types)
            for target in row:
                known_word(f"{key}.{source}", target, types)


def by_source(settings: Settings, parts: Parts) -> Settings:
    """Settings in which every factor with a matrix is replaced by its parts, and so is its name.

    What lists or weighs factors and causes (maps, effects of drugs, multipliers by cause) speaks of all parts; a name
    that can mean one factor only (a driver of a function, what patrols follow) must be that of a part.
    """
    made: dict[str, list[str]] = {}
    for part, (name, _) in parts.items():
        made.setdefault(name, []).append(part)
    if not made:
        return settings
    types = list(dict.fromkeys(kind for tissue in settings.tissues.values() for kind in tissue.cell_types))
    factors: dict[str, Factor] = {}
    for name, factor in settings.factors.items():
        by_cause = _by_part(factor.secretion.by_cause, made)
        told = _with(factor, secretion=_with(factor.secretion, by_cause=by_cause))
        each = {_part_name(name, source): _part(told, source, types) for source in factor.matrix}
        factors |= each or {name: told}
    return settings.model_copy(
        update={
            "factors": factors,
            "tissues": {name: _tissue(tissue, made) for name, tissue in settings.tissues.items()},
            "drugs": {name: _drug(drug, made) for name, drug in settings.drugs.items()},
            "environment": _environment(settings.environment, made),
            "record": _with(settings.record, maps=_named(settings.record.maps, made)),
        }
    )


def as_written(path: str, parts: Parts) -> str:
    """The dotted path at which a file states a value of a part: ``factors.drift.affinity.chondrocyte.osteocyte``."""
    group, name, *below = (*path.split(".", 2), "")[:3]
    if group != "factors" or name not in parts:
        return path
    factor, source = parts[name]
    key = below[0].replace("affinity.", f"affinity.{source}.", 1) if below[0].startswith("affinity.") else below[0]
    return f"factors.{factor}.{key}"


def _part_name(factor: str, source: str) -> str:
    return f"{factor}_from_{source}"


def _part(factor: Factor, source: str, types: Iterable[str]) -> Factor:
    """What cells of one type give off: all other types are silent."""
    own = factor.secretion.by_type
    by_type = {kind: 0.0 for kind in types if kind != source} | {kind: own[kind] for kind in (source,) if kind in own}
    secretion = factor.secretion.model_copy(update={"by_type": by_type})
    return factor.model_copy(update={"affinity": factor.matrix[source], "secretion": secretion})


def _environment(around: Environment | None, made: Mapping[str, list[str]]) -> Environment | None:
    """With paths below a factor for each of its parts."""
    if around is None:
        return None
    rates = {name: _with(rate, of=[each for path in rate.of for each in _paths(path, made)])
             for name, rate in around.rates.items()}  # fmt: skip
    return _with(around, rates=rates)


def _paths(path: str, made: Mapping[str, list[str]]) -> list[str]:
    group, name, *below = (*path.split(".", 2), "")[:3]
    if group != "factors" or name not in made:
        return [path]
    return [f"factors.{part}.{below[0]}" for part in made[name]]


def _tissue(tissue: Tissue, made: Mapping[str, list[str]]) -> Tissue:
    return _with(tissue, evasion=_with(tissue.evasion, by_cause=_by_part(tissue.evasion.by_cause, made)))


def _drug(drug: Drug, made: Mapping[str, list[str]]) -> Drug:
    effects = {
        name: _with(effect, factors=_named(effect.factors, made), by_cause=_by_part(effect.by_cause, made))
        for name, effect in drug.effects.items()
    }
    return _with(drug, effects=effects)


def _named(names: Iterable[str], made: Mapping[str, list[str]]) -> list[str]:
    """Names with those of its parts for a factor that has them, each once."""
    return list(dict.fromkeys(part for name in names for part in made.get(name, [name])))


def _by_part(by_name: Mapping[str, float], made: Mapping[str, list[str]]) -> dict[str, float]:
    """Multipliers with those of a factor for each of its parts; what a part is given itself wins."""
    whole = {part: value for name, value in by_name.items() for part in made.get(name, ())}
    return whole | {name: value for name, value in by_name.items() if name not in made}


def _with(section: AnySection, **changes: Any) -> AnySection:
    """`section` with other values, itself where there is nothing to change."""
    other = {key: value for key, value in changes.items() if value != getattr(section, key)}
    return section.model_copy(update=other) if other else section
