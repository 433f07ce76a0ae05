"""A scenario file to a validated `Scenario`: base, file, overrides, presets, then the arm; the arm wins."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sim.errors import ScenarioError, did_you_mean
from sim.scenario.checks import check_settings, odd_settings
from sim.scenario.complaints import complaint
from sim.scenario.library import tissue_preset
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree, at_path, merge, set_path, strip_sources
from sim.scenario.yaml_text import dump_yaml, parse_value, read_yaml

SHARED = ("seed", "replicates", "days", "dt", "record", "question")  # arms share their luck and their clock


@dataclass(frozen=True)
class Scenario:
    """A validated scenario: one complete `Settings` per arm.

    Attributes
    ----------
    name, file
        Short name and the file it came from (or ``"<scenario>"``).
    tree
        The merged file before arms, presets written out: what ``scenario.yaml`` of a results folder holds.
    arms
        Arm name to its complete settings.
    sources
        Dotted path to (source, confidence), where the file or a preset states them.
    notes
        What is legal but odd, one line each.
    """

    name: str
    file: str
    tree: Tree = field(repr=False)
    arms: Mapping[str, Settings] = field(repr=False)
    sources: Mapping[str, tuple[str, str]] = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def common(self) -> Settings:
        """The settings of the first arm, for what all arms share."""
        return next(iter(self.arms.values()))

    @property
    def hash(self) -> str:
        """Identity of the content: equal for equal resolved scenarios."""
        text = json.dumps(self.tree, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def as_yaml(self) -> str:
        """The fully resolved scenario as YAML; loading it gives the same scenario."""
        return dump_yaml(self.tree)

    def override(self, overrides: Mapping[str, Any]) -> Scenario:
        """The same scenario with values replaced by dotted path."""
        return build(copy.deepcopy(self.tree), self.name, self.file, overrides, dict(self.sources))


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
    tree, sources = _read_with_bases(path, ())
    return build(tree, path.stem, str(path), overrides or {}, sources, path.parent)


def from_dict(tree: Tree, overrides: Mapping[str, Any] | None = None, name: str = "scenario") -> Scenario:
    """The same as `load` for a scenario that is a dictionary already."""
    plain, sources = strip_sources(copy.deepcopy(tree))
    return build(plain, name, "<scenario>", overrides or {}, sources)


def _read_with_bases(path: Path, seen: tuple[Path, ...]) -> tuple[Tree, dict[str, tuple[str, str]]]:
    if path.resolve() in seen:
        raise ScenarioError(f"{path}: extends: must not come back to a file that extends it, got {path.name}")
    tree, sources = strip_sources(read_yaml(path))
    base = tree.pop("extends", None)
    if base is None:
        return tree, sources
    if not isinstance(base, str):
        raise ScenarioError(f"{path}: extends: must be the name of a file, got {base!r}")
    below, base_sources = _read_with_bases(path.parent / base, (*seen, path.resolve()))
    kept = {key: value for key, value in base_sources.items() if at_path(tree, key) is None}
    return merge(below, tree), {**kept, **sources}


def build(
    tree: Tree,
    name: str,
    file: str,
    overrides: Mapping[str, Any],
    sources: dict[str, tuple[str, str]],
    folder: Path | None = None,
) -> Scenario:
    """Overrides, presets and arms applied to a merged tree, and everything validated."""
    for key, value in overrides.items():
        set_path(tree, key, parse_value(value) if isinstance(value, str) else value, file)
        sources.pop(key, None)
    _absolute_tables(tree, folder)
    _expand_presets(tree, sources, file)
    patches = _arm_patches(tree, file)
    arms: dict[str, Settings] = {}
    notes: dict[str, None] = dict.fromkeys(_hidden_overrides(overrides, patches))
    common = {key: value for key, value in tree.items() if key != "arms"}
    for arm, patch in patches.items():
        whole = merge(common, patch)
        try:
            settings = Settings.model_validate(whole)
            check_settings(settings)
        except ValidationError as error:
            raise ScenarioError(f"{file}: {complaint(error, whole, arm, patch)}") from None
        except ScenarioError as error:
            raise ScenarioError(f"{file}: {error}") from None
        arms[arm] = settings
        notes.update(dict.fromkeys(odd_settings(settings)))
    return Scenario(name, file, tree, arms, sources, tuple(notes))


def _absolute_tables(tree: Tree, folder: Path | None) -> None:
    """A table named beside the scenario file is found from anywhere."""
    for tissue in _mappings(tree.get("tissues")):
        cloud = tissue.get("cloud")
        if folder is not None and isinstance(cloud, dict) and isinstance(cloud.get("table"), str):
            cloud["table"] = str((folder / cloud["table"]).resolve())


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    return iter([each for each in value.values() if isinstance(each, dict)] if isinstance(value, dict) else [])


def _expand_presets(tree: Tree, sources: dict[str, tuple[str, str]], file: str) -> None:
    tissues = tree.get("tissues")
    for name, tissue in tissues.items() if isinstance(tissues, dict) else ():
        preset = tissue.get("preset") if isinstance(tissue, dict) else None
        if preset is None:
            continue
        try:
            values, stated = strip_sources(tissue_preset(preset))
        except ScenarioError as error:
            raise ScenarioError(f"{file}: tissues.{name}.preset: {error}") from None
        for key, origin in stated.items():
            if at_path(tissue, key) is None:
                sources[f"tissues.{name}.{key}"] = origin
        tissues[name] = merge(values, tissue)


def _arm_patches(tree: Tree, file: str) -> dict[str, Tree]:
    arms = tree.get("arms", {"control": {}})
    if not isinstance(arms, dict) or not arms:
        raise ScenarioError(f"{file}: arms: must name at least one arm, got {arms!r}")
    for name, patch in arms.items():
        if patch is None:
            arms[name] = patch = {}
        if not isinstance(patch, dict):
            raise ScenarioError(f"{file}: arms.{name}: must be changes by key, got {patch!r}")
        for key in SHARED:
            if key in patch:
                raise ScenarioError(f"{file}: arms.{name}.{key}: must be the same in all arms, got {patch[key]!r}")
        for tissue, values in (patch.get("tissues") or {}).items():
            if isinstance(values, dict) and "preset" in values:
                raise ScenarioError(f"{file}: arms.{name}.tissues.{tissue}.preset: must not change in an arm, got "
                                    f"{values['preset']!r}")  # fmt: skip
    return arms


def _hidden_overrides(overrides: Mapping[str, Any], patches: Mapping[str, Tree]) -> Iterator[str]:
    for key in overrides:
        for arm, patch in patches.items():
            if not key.startswith("arms.") and at_path(patch, key, nearest=True) is not None:
                yield f"{key}: the override is hidden in arm {arm}, which sets it itself"


def select_arms(scenario: Scenario, names: list[str]) -> Scenario:
    """The scenario with only the named arms, in the order of the file."""
    for name in names:
        if name not in scenario.arms:
            raise ScenarioError(
                f"{scenario.file}: arms.{name}: unknown arm{did_you_mean(name, scenario.arms)}, "
                f"known: {', '.join(scenario.arms)}"
            )
    tree = copy.deepcopy(scenario.tree)
    tree["arms"] = {name: patch for name, patch in tree.get("arms", {"control": {}}).items() if name in names}
    return build(tree, scenario.name, scenario.file, {}, dict(scenario.sources))
