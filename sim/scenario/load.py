"""A scenario file to a validated `Scenario`: base, file, overrides, presets, then the arm; the arm wins."""

from __future__ import annotations

import copy
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from sim.errors import ScenarioError, did_you_mean
from sim.scenario.arms import check_arms, odd_arms
from sim.scenario.cell_trees import absolute_files, read_anew, read_files
from sim.scenario.checks import NAME_RULE, Names, check_settings, is_name, odd_settings
from sim.scenario.complaints import complaint, in_arm
from sim.scenario.doses import in_units_of_drugs, odd_percents
from sim.scenario.drug_checks import check_drugs, odd_drugs
from sim.scenario.identity import fingerprint
from sim.scenario.layers import check_layers
from sim.scenario.library import BUNDLED, BY_NAME, library
from sim.scenario.matrix import Parts, by_source, check_matrices, parts_of
from sim.scenario.organism_checks import check_organism, odd_organism
from sim.scenario.patrol_checks import check_patrols, odd_patrols
from sim.scenario.pigment_checks import check_pigment, odd_pigment
from sim.scenario.presets import Sources, expand_presets, mapping, odd_removals
from sim.scenario.schema import Settings
from sim.scenario.section import Confidence
from sim.scenario.surroundings import check_environment, in_environment, odd_environment, rates_of
from sim.scenario.trees import REMOVED, Tree, at_path, merge, set_path, strip_sources
from sim.scenario.well_mixed import check_well_mixed, odd_well_mixed
from sim.scenario.yaml_text import dump_yaml, parse_value, read_yaml

SHARED = ("mode", "seed", "replicates", "days", "dt", "record", "question", "markers")  # luck, clock, who looks at them
ODDITIES = (odd_settings, odd_drugs, odd_patrols, odd_organism, odd_pigment, odd_well_mixed)
# mappings by name
NAMED = ("tissues", "factors", "events", "drugs", "treatments", "own_causes", "outcomes", "markers", "arms")


@dataclass(frozen=True)
class Written:
    """A scenario as its files and overrides write it: bases merged, presets and removals still to come."""

    tree: Tree
    sources: Sources
    folder: Path | None = None


@dataclass(frozen=True)
class Scenario:
    """A validated scenario: one complete `Settings` per arm.

    Attributes
    ----------
    name, file
        Short name and the file it came from (or ``"<scenario>"``).
    tree
        The whole file with bases, overrides and presets written out: what ``scenario.yaml`` of a results folder holds.
    arms
        Arm name to its complete settings.
    sources
        Dotted path to (source, confidence), where the file or a preset states them.
    written
        What `override` starts from.
    notes
        What is legal but odd, one line each.
    parts
        Factors that stand for one source of a factor with an affinity matrix, see `sim.scenario.matrix`.
    """

    name: str
    file: str
    tree: Tree = field(repr=False)
    arms: Mapping[str, Settings] = field(repr=False)
    sources: Mapping[str, tuple[str, str]] = field(repr=False)
    written: Written = field(repr=False)
    notes: tuple[str, ...] = ()
    parts: Parts = field(default_factory=dict, repr=False)

    @property
    def common(self) -> Settings:
        """The settings of the first arm, for what all arms share."""
        return next(iter(self.arms.values()))

    @property
    def hash(self) -> str:
        """Identity of the content: equal for equal resolved scenarios."""
        return fingerprint(self.tree)

    def as_yaml(self) -> str:
        """The fully resolved scenario as YAML; loading it gives the same scenario."""
        return dump_yaml(self.tree)

    def override(self, overrides: Mapping[str, Any]) -> Scenario:
        """The same scenario with values replaced, by dotted path to value as `overrides` of `load`.

        Raises
        ------
        ScenarioError
            If what comes out is no scenario.
        """
        return build(self.written, self.name, self.file, overrides)


def load(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Scenario:
    """Read, merge and validate a scenario file.

    Parameters
    ----------
    path
        A YAML file; ``extends:`` in it names another one, relative to it, as its base.
    overrides
        Dotted path to value, e.g. ``{"tissues.skin.shape": [64, 64]}``; may address ``arms.NAME...``.

    Raises
    ------
    ScenarioError
        One line with file, key, rule and value.
    """
    path = Path(path)
    return build(_read_with_bases(path, ()), path.stem, str(path), overrides or {})


def from_dict(tree: Tree, overrides: Mapping[str, Any] | None = None, name: str = "scenario") -> Scenario:
    """The same as `load` for a scenario that is a dictionary already.

    Parameters
    ----------
    tree
        What a file would hold, as plain data.
    overrides
        As for `load`.
    name
        Of the scenario, in results and messages.

    Raises
    ------
    ScenarioError
        One line with key, rule and value.
    """
    plain, sources = strip_sources(copy.deepcopy(tree))
    return build(Written(plain, sources), name, "<scenario>", overrides or {})


def _read_with_bases(path: Path, seen: tuple[Path, ...]) -> Written:
    if path.resolve() in seen:
        raise ScenarioError(f"{path}: extends: must not come back to a file that extends it, got {path.name}")
    tree, sources = strip_sources(read_yaml(path))
    for key, (_, confidence) in sources.items():
        if confidence not in get_args(Confidence):
            known = get_args(Confidence)
            raise ScenarioError(
                f"{path}: {key}.confidence: must be one of {', '.join(known)}, got {confidence!r}"
                f"{did_you_mean(confidence, known)}"
            )
    base = tree.pop("extends", None)
    if "design" in tree:
        raise ScenarioError(
            f"{path}: design: must not be in a scenario, got a sweep file (run: senodrift sweep {path})"
        )
    absolute_files(tree, path.parent)
    if base is None:
        return Written(tree, sources, path.parent)
    if not isinstance(base, str):
        raise ScenarioError(f"{path}: extends: must be the name of a file, got {base!r}")
    if not os.path.isfile(path.parent / base):  # false also for a name that no file can have
        raise ScenarioError(f"{path}: extends: must be a file that exists, relative to this one, got {base!r}")
    below = _read_with_bases(path.parent / base, (*seen, path.resolve()))
    kept = {key: value for key, value in below.sources.items() if at_path(tree, key, nearest=True) is None}
    return Written(_on_top(below.tree, tree), {**kept, **sources}, path.parent)


def _on_top(base: Tree, tree: Tree) -> Tree:
    """`tree` on its base. Removals stay as marks, for presets and arms; an arm of the base is removed at once."""
    whole = merge(base, tree, keep_removed=True)
    for name, patch in list(mapping(tree.get("arms")).items()):
        if patch is None and name in mapping(base.get("arms")):
            del whole["arms"][name]
    return whole


def build(written: Written, name: str, file: str, overrides: Mapping[str, Any]) -> Scenario:
    """Overrides, presets and arms applied to what was written, and everything validated."""
    tree, sources = copy.deepcopy(written.tree), dict(written.sources)
    try:
        for key, value in overrides.items():
            _write_override(tree, sources, key, value)
            read_anew(tree, key)
        absolute_files(tree, written.folder)
        written = Written(copy.deepcopy(tree), dict(sources), written.folder)
        notes: dict[str, None] = dict.fromkeys(odd_removals(tree))
        presets = expand_presets(tree, sources)
        notes.update(dict.fromkeys(read_files(tree)))
        patches = _arm_patches(tree)
        common = merge({}, {key: value for key, value in tree.items() if key != "arms"})  # without the marks
        written_arms = {arm: _settings(common, arm, patch, presets) for arm, patch in patches.items()}
        parts = parts_of(written_arms.values())
        arms = _each_source(written_arms, parts, patches)
        names = Names.of(arms.values())
        rates = {path: None for settings in arms.values() for path, _, _ in rates_of(settings)}
        notes.update(dict.fromkeys(_hidden_overrides(overrides, patches)))
        _check_each(arms, names, rates, patches)
        for arm, settings in arms.items():
            notes.update(dict.fromkeys(odd_environment(settings)))
            here = in_environment(settings)
            notes.update(dict.fromkeys(note for oddity in ODDITIES for note in oddity(here)))
            odd = odd_percents(merge(common, patches[arm]))
            notes.update(dict.fromkeys(f"{in_arm(key, arm, patches[arm])}: {note}" for key, note in odd))
        check_arms(arms)
        notes.update(dict.fromkeys(odd_arms(arms)))
    except ScenarioError as error:
        raise ScenarioError(f"{file}: {error}") from None
    return Scenario(name, file, {**common, "arms": patches}, arms, sources, written, tuple(notes), parts)


def _settings(common: Tree, arm: str, patch: Tree, presets: Mapping[str, str]) -> Settings:
    """One arm, complete: every value in its range and in the unit of its field."""
    whole = merge(common, patch)
    try:
        return Settings.model_validate(in_units_of_drugs(whole))
    except ValidationError as error:
        raise ScenarioError(complaint(error, whole, arm, patch, presets)) from None
    except ScenarioError as error:
        raise _where_written(error, arm, patch) from None


def _each_source(arms: Mapping[str, Settings], parts: Parts, patches: Mapping[str, Tree]) -> dict[str, Settings]:
    """Every arm with a factor per source instead of a matrix."""
    types = Names.of(arms.values()).types
    for arm, settings in arms.items():
        try:
            check_matrices(settings, parts, types)
        except ScenarioError as error:
            raise _where_written(error, arm, patches[arm]) from None
    return {arm: by_source(settings, parts) for arm, settings in arms.items()}


def _check_each(
    arms: Mapping[str, Settings], names: Names, rates: Collection[str], patches: Mapping[str, Tree]
) -> None:
    """What single fields of an arm cannot know; where others have no complaint, the arm that changed more is named."""
    found = {arm: error for arm, settings in arms.items() if (error := _complaint(settings, names, rates))}
    for arm, error in found.items():
        place = _where_written(error, arm, patches[arm])
        if not patches[arm] or len(found) == len(arms) or str(place) != str(error):
            raise place
        rule, got, value = str(error).partition(", got ")
        raise ScenarioError(f"{rule} in arm {arm}{got}{value}")


def _complaint(settings: Settings, names: Names, rates: Collection[str]) -> ScenarioError | None:
    """What the checks of an arm say."""
    try:
        check_settings(settings, names)
        check_environment(settings, rates)
        here = in_environment(settings)
        check_drugs(here, names)
        check_patrols(here, names)
        check_layers(here)
        check_organism(here, names)
        check_pigment(here, names)
        check_well_mixed(here)
    except ScenarioError as error:
        return error
    return None


def _where_written(error: ScenarioError, arm: str, patch: Tree) -> ScenarioError:
    key, rule = str(error).split(": ", 1)
    place = in_arm(key, arm, patch, missing=rule.endswith("got nothing"))
    return ScenarioError(f"{place}: {rule}")


def _write_override(tree: Tree, sources: Sources, key: str, value: Any) -> None:
    parts = key.split(".")
    if not all(parts):
        raise ScenarioError(f"{key or 'override'}: must be a dotted path to a key, got {key!r}")
    _check_named(key, parts, tree)
    if parts[0] == "arms" and len(parts) > 2:
        _check_named(key, parts[2:], tree, mapping(tree["arms"][parts[1]]))
    value = parse_value(value) if isinstance(value, str) else value
    set_path(tree, key, value.tolist() if hasattr(value, "tolist") else value)  # a number of NumPy is a number
    if value is None and parts[0] == "arms" and len(parts) == 2:
        del tree["arms"][parts[1]]
    for stated in [each for each in sources if f"{each}.".startswith(f"{key}.")]:
        del sources[stated]


def _check_named(key: str, parts: Sequence[str], *trees: Tree) -> None:
    """Refuse a value below a name that is neither in one of the trees nor in the library."""
    if len(parts) < 3 or parts[0] not in NAMED:
        return
    group, name = parts[:2]
    known = list(dict.fromkeys(each for tree in trees for each in mapping(tree.get(group))))
    known += library(group) if group in BY_NAME else []
    in_arms = [
        arm for arm, patch in mapping(trees[0].get("arms")).items() if name in mapping(mapping(patch).get(group))
    ]
    if name not in known and in_arms:
        places = ", ".join(f"arms.{arm}.{key}" for arm in in_arms)
        raise ScenarioError(f"{key}: stands in arms only: write {places}")
    if name not in known:
        near = did_you_mean(name, known) or f", known: {', '.join(known) or 'none'}"
        raise ScenarioError(f"{key}: unknown {group[:-1]}{near}")


def _arm_patches(tree: Tree) -> dict[str, Tree]:
    arms = tree.get("arms", {"control": {}})
    if not isinstance(arms, dict) or not arms:
        raise ScenarioError(f"arms: must name at least one arm, got {arms!r}")
    patches = {name: {} if patch is None else patch for name, patch in arms.items()}
    for name, patch in patches.items():
        if not is_name(name):
            raise ScenarioError(f"arms.{name}: must be {NAME_RULE}, got {name!r}")
        if not isinstance(patch, dict):
            raise ScenarioError(f"arms.{name}: must be changes by key, got {patch!r}")
        for key in SHARED:
            if key in patch:
                raise ScenarioError(f"arms.{name}.{key}: must be the same in all arms, got {patch[key]!r}")
        for group in BUNDLED:
            for each, values in mapping(patch.get(group)).items():
                if "preset" in mapping(values):
                    key = f"arms.{name}.{group}.{each}.preset"
                    raise ScenarioError(f"{key}: must not change in an arm, got {values['preset']!r}")
    return patches


def _hidden_overrides(overrides: Mapping[str, Any], patches: Mapping[str, Tree]) -> Iterator[str]:
    for key in overrides:
        for arm, patch in patches.items():
            own = at_path(patch, key, nearest=True)
            if not key.startswith("arms.") and own is not None:
                what = "removes it" if own is REMOVED else "sets it itself"
                yield f"{key}: the override is hidden in arm {arm}, which {what}"


def select_arms(scenario: Scenario, names: list[str]) -> Scenario:
    """The scenario with only the named arms, in the order of the file."""
    for name in names:
        if name not in scenario.arms:
            raise ScenarioError(
                f"{scenario.file}: arms.{name}: unknown arm{did_you_mean(name, scenario.arms)}, "
                f"known: {', '.join(scenario.arms)}"
            )
    arms = {name: patch for name, patch in scenario.tree["arms"].items() if name in names}
    return scenario.override({"arms": arms})
