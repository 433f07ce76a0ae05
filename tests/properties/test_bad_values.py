"""From the schema alone: every number declares itself, and every bad value of it is refused by name."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from sim.errors import ScenarioError
from sim.scenario.cell_table import fingerprint_of_keys
from sim.scenario.ledger import fields, range_words, sections
from sim.scenario.load import from_dict
from sim.scenario.section import DESIGN, Confidence, declared, number_in
from sim.scenario.tissue import Cloud

NUMBERS = {path: field for path, field in fields() if number_in(field.annotation) is not None}


def scenario(tissue: dict[str, Any], **factor: Any) -> dict[str, Any]:
    return {"days": 3, "tissues": {"t": tissue}, "factors": {"f": factor} if factor else {}}


def cloud(**parts: Any) -> dict[str, Any]:
    return scenario({"cloud": {"extent": [90, 90], "links": {"radius": 30}, **parts}})


def as_found(tree: dict[str, Any]) -> dict[str, Any]:
    """A file that was found with its keys, whatever they are, is not read before the run."""
    about = tree["tissues"]["t"].get("cloud", {})
    if "cells" in about:
        about["cells"]["found"]["keys"] = "0"
        about["cells"]["found"]["keys"] = fingerprint_of_keys(Cloud.model_validate(about))
    return tree


# Together these reach every number of the schema.
EXAMPLES: list[dict[str, Any]] = [
    {
        **scenario(
            {"shape": [8, 8], "holes": [{"at": [5, 5], "radius": 20}], "cell_types": {"cell": {}}, "initial": {},
             "damage": {}, "contact": {}, "clearance": {}, "repair": {}, "evasion": {"by_cause": {"damage": 1}},
             "patrols": {"p": {"follows": "f", "recruitment": {}, "circulates": True}},
             "functions": {"strength": {"losses": {"burden": {}}, "gains": {"vacant": {}}}}},
            reach=100, affinity={"cell": 1}, secretion={"by_type": {"cell": 1}, "by_cause": {"damage": 1}},
            induction={"hill": {}, "by_type": {"cell": 1}},
            cargo={"response": {"hill": {}, "by_type": {"cell": 1}}},
            jams_immunity={}, inhibits_repair={}, boosts_repair={}, attracts_immunity={}, ages_immunity={},
            blood={"leak_by_tissue": {"t": 1}, "tropism": {"t": 1}},
        ),
        "individuals": {"sexes": {"female": 1}, "damage": {"by_sex": {"female": 1}},
                        "removal": {"by_sex": {"female": 1}}, "susceptibility": {"by_sex": {"female": 1}}},
        "outcomes": {"grip": {"weights": {"t.strength": 1}}},
        "events": {
            "g": {"at": [30, 30], "radius": 20, "since_onset": 1}, "n": {"n_cells": 1},
            "w": {"kind": "wound", "share": 1, "margin": 1, "delay": 1, "duration": 1},
            "s": {"kind": "removal", "found": 1, "interval": 1, "repeats": 1},
            "u": {"kind": "removal", "interval": 1, "until": 2},
            "i": {"kind": "irradiation", "penetration_depth": 1},
        },
        "drugs": {
            "d": {
                "half_life": 1, "absorption_half_life": 1, "penetration": {"t": 1}, "penetration_depth": 1,
                "effects": {"kill_senescent": {
                    "emax": 1, "ec50": 1, "by_tissue": {"t": 1}, "by_type": {"cell": 1}, "by_cause": {"damage": 1},
                    "by_generation": {"primary": 1},
                }},
            },
        },
        "treatments": {
            "infused": {"drug": "d", "amount": 1, "route": "infusion", "infusion_duration": 1, "adaptive": {
                "treat_above": 1, "stop_below": 0, "toxicity": "vacant", "skip_above": 1, "check_every": 1}},
            "counted": {"drug": "d", "amount": 1, "interval": 1, "additional_doses": 1},
            "limited": {"drug": "d", "amount": 1, "interval": 1, "until": 2},
        },
        "markers": {"m": {"sensitivity": 1, "specificity": 1, "sensitivity_by_type": {"cell": 1},
                          "specificity_by_type": {"cell": 1}}},
        "environment": {"temperature": 20, "reference": {"temperature": 20}, "rates": {
            "r": {"of": ["tissues.t.damage.baseline"], "q10": 1, "optimum": 30, "oxygen_half_max": 1}}},
        "body": {"death": {"other": {"rate": 1}}, "circulation": {"p": {"number": 1}}},
        "own_causes": {"o": {"numbers": {"rate": 1}}}, "record": {"days": [1]}, "stop": {"cause": "damage", "count": 1},
    },
    scenario({"shape": [8, 8]}, transport="well_mixed", decay_rate=1, affinity={"cell": 1},
             induction={"linear": {}}, cargo={"response": {"linear": {}}}),
    scenario({"shape": [8, 8]}, transport="kernel", kernel={}, affinity={"cell": 1},
             induction={"poisson_tail": {}}, cargo={"response": {"poisson_tail": {}}}),
    scenario({"shape": [8, 8], "depth_axis": "y", "layers": {"upper": {"thickness": 40, "cell_types": {"cell": 1}},
                                                             "lower": {"cell_types": {"cell": 1}}}}),
    scenario({"shape": [8, 8], "cell_types": {"melanocyte": {}, "keratinocyte": {}},
              "pigment": {"activated_by": {"f": {}}, "dendrites": {}, "lightness": {}, "spot": {}}}, reach=100),
    cloud(packing={}),
    cloud(positions=[[1, 1], [2, 2]]),
    as_found(cloud(cells={
        "file": "cells.csv", "scale": 1, "scale_z": 1, "senescent_above": 1, "min_distance": 1, "origin": [0, 0],
        "found": {"sha256": "0", "n_cells": 20, "burden": 5, "origin": [0, 0], "extent": [30, 30]},
    })),
    cloud(positions=[[1, 1], [2, 2]], links={"nearest": 1}),
    cloud(positions=[[1, 1], [2, 2]], links={"window": [1, 1]}),
]  # fmt: skip


RIVALS = {  # keys that must not stand beside some other of them: they take the place of nothing
    "reach", "decay_rate", "radius", "nearest", "window", "positions", "packing", "since_onset", "share", "margin",
    "delay", "duration", "found", "penetration_depth", "infusion_duration", "additional_doses", "repeats", "until",
    "n_cells",
}  # fmt: skip


def places(tree: Any, path: list[str]) -> Iterator[tuple[list[Any], Any]]:
    """Concrete paths in `tree` to where the section that holds a field stands."""
    if not path:
        yield [], tree
    elif path[0] == "*":
        for key in tree if isinstance(tree, dict) else range(len(tree)):
            yield from (([key, *more], node) for more, node in places(tree[key], path[1:]))
    elif path[0] in tree:
        yield from (([path[0], *more], node) for more, node in places(tree[path[0]], path[1:]))


def with_value(path: str, value: Any) -> tuple[dict[str, Any], str]:
    """The first example that has a place for `path`, with `value` there, and the concrete path."""
    *parents, last = path.split(".")
    for example in EXAMPLES:
        for place, section in places(example, parents):
            if last in section or not (last in RIVALS and RIVALS & set(section)):
                tree = copy.deepcopy(example)
                node: Any = tree
                for key in place:
                    node = node[key]
                node[last] = in_its_place(node.get(last), value)
                return tree, ".".join(map(str, [*place, last]))
    raise AssertionError(f"no example has a place for {path}")


def in_its_place(stands: Any, value: Any) -> Any:
    """`value` instead of the first number of a list or of a mapping by name."""
    if isinstance(stands, list) and stands:
        return [in_its_place(stands[0], value), *stands[1:]]
    if isinstance(stands, dict) and stands:
        return {key: value for key in stands}
    return value


def just_outside(extra: dict[str, Any], kind: type) -> Iterator[float]:
    if extra["low"] is not None:
        yield extra["low"] - 1 if kind is int else math.nextafter(extra["low"], -math.inf)
    if extra["above"] is not None:
        yield extra["above"]
    if extra["high"] is not None:
        yield extra["high"] + 1 if kind is int else math.nextafter(extra["high"], math.inf)


def bad_values(path: str) -> Iterator[Any]:
    extra, kind = declared(NUMBERS[path]), number_in(NUMBERS[path].annotation)
    assert kind is not None
    yield from just_outside(extra, kind)
    yield from (True, math.nan, "many", "1 d" if "um" in extra["unit"] else "1 um", "1 parsec", {"a": {}}, 10**400)
    if kind is int:
        yield 1.5


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_valid(example: dict[str, Any]) -> None:
    from_dict(example)


@pytest.mark.parametrize("path", NUMBERS)
def test_every_number_declares_itself(path: str) -> None:
    field = NUMBERS[path]
    extra = declared(field)
    assert extra["unit"]
    assert extra["source"]
    assert extra["confidence"] in get_args(Confidence)
    assert range_words(field) != "any number"
    assert field.description
    if "no source" in extra["source"]:
        assert extra["confidence"] == "assumed"
    if extra["confidence"] == "measured":
        assert extra["source"] != DESIGN


@pytest.mark.parametrize("path", NUMBERS)
def test_every_bad_value_is_refused_by_name(path: str) -> None:
    for value in bad_values(path):
        tree, key = with_value(path, value)
        with pytest.raises(ScenarioError) as error:
            from_dict(tree)
        message = str(error.value)
        assert message.startswith(f"<scenario>: {key}"), (value, message)
        assert "must" in message, (value, message)
        assert "\n" not in message


@pytest.mark.parametrize("path", [path for path, section in sections() if path])
def test_every_section_refuses_unknown_keys_and_scalars(path: str) -> None:
    tree, key = with_value(f"{path}.spam", 3)
    with pytest.raises(ScenarioError, match=rf"^<scenario>: {key}: unknown key"):
        from_dict(tree)


def test_the_edges_of_a_range_are_allowed() -> None:
    for path, field in NUMBERS.items():
        extra = declared(field)
        if path.endswith(
            (
                ".shape",
                ".at",
                ".positions",
                ".extent",
                "days",
                "record.days",
                ".checkpoints",
                "voxel_cells",
                "dt",
                "stop_below",
                ".represents",
                ".n_cells",
                ".thickness",
                ".resting",
                ".activated",
                "_reach",
            )
        ):
            continue  # what surrounds these must fit
        for value in (extra["low"], extra["high"]):
            if value is not None:
                from_dict(as_found(with_value(path, value)[0]))
