"""A tiny tissue around a lesion, with arms by channel: broad SASP, targeted drift, both, or neither."""

from __future__ import annotations

from typing import Any

from worlds import together

from sim.scenario.trees import Tree

SPARED, TARGETED = "fibroblast", "endothelial"
NO_SASP: Tree = {"SASP": {"induction": {"hill": {"max_rate": 0}}}}
NO_DRIFT: Tree = {"drift": {"affinity": {SPARED: 0, TARGETED: 0}}}
BOTH: Tree = {  # each at half of its rate
    "factors": {
        "SASP": {"induction": {"hill": {"max_rate": 0.006}}},
        "drift": {"cargo": {"response": {"hill": {"max_rate": 0.032}}}},
    }
}
SURE: Tree = {"emax": 1, "ec50": 1e-6, "power": 20}  # with any dose exactly 1


def lesion(arms: Tree | None = None, *changes: Tree) -> Tree:
    """The scenario with other arms, where these are given, and `changes` made."""
    return together({**LESION, "arms": LESION["arms"] if arms is None else arms}, *changes)


def blocked(drug: str = "blocker", **regimen: Any) -> Tree:
    """A daily dose of a drug."""
    return {"treatments": {"course": {"drug": drug, "amount": 1, "interval": 1, **regimen}}}


def tissue(side: int, **more: Any) -> Tree:
    """A square of two kinds of cells, equally susceptible, in which only damage turns cells by itself."""
    return {
        "shape": [side, side],
        "cell_spacing": 10,
        "cell_types": {SPARED: {"fraction": 0.5}, TARGETED: {"fraction": 0.5}},
        "damage": {"baseline": "0.1 %/d", "per_year": 0},
        "clearance": {"max_rate": 0},
        **more,
    }


LESION: Tree = {
    "days": 20,
    "dt": 1,
    "replicates": 16,
    "tissues": {"skin": tissue(28), "muscle": tissue(12)},
    "factors": {
        "SASP": {
            "reach": "70 um",
            "induction": {"hill": {"max_rate": 0.012, "half_max": 8, "power": 2}},
            "blood": {"leak": 10},
        },
        "drift": {
            "reach": "30 um",
            "diffusivity": 1,
            "affinity": {SPARED: 0, TARGETED: 1},
            "cargo": {"memory": 1, "response": {"hill": {"max_rate": 0.064, "half_max": 8, "power": 2}}},
            "blood": {"leak": 10, "tropism": {"muscle": 4}},
        },
    },
    "drugs": {
        "blocker": {"half_life": "5 d", "route": "bolus", "effects": {"block_uptake": {"factors": ["drift"], **SURE}}},
        "weak": {
            "half_life": "5 d", "route": "bolus",
            "effects": {"block_uptake": {"factors": ["drift"], "emax": 0.5, "ec50": 1e-6}},
        },
    },
    "events": {"lesion": {"tissue": "skin", "radius": "50 um", "cells": "senescent"}},
    "arms": {
        "neither": {"factors": together(NO_SASP, NO_DRIFT)},
        "sasp": {"factors": NO_DRIFT},
        "drift": {"factors": NO_SASP},
        "both": BOTH,
        "drift_blocked": {"factors": NO_SASP, **blocked()},
        "both_blocked": together(BOTH, blocked()),
    },
    "record": {"maps": ["state", "cause", "type"], "days": [10, 20]},
}  # fmt: skip
