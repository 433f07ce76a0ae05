"""Random small tissues that are valid: lattices and clouds, and all that may befall their cells."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from sim.scenario.trees import Tree

SPACING = 10.0  # um
TYPES = ("fibroblast", "keratinocyte", "melanocyte")
FACTORS = ("SASP", "drift", "ligand")
WALLS = ("reflecting", "periodic", "absorbing")
ALONG = {"z": 0, "y": 1, "x": 2}  # axis of a shape of three

SHAPES = {  # by cells along a voxel; at most 64 sites
    1: [[1, 9], [1, 32], [12, 1], [5, 7], [7, 7], [6, 10], [3, 3, 3], [4, 4, 4], [1, 6, 7]],
    2: [[2, 12], [6, 8], [8, 6], [2, 2], [2, 4, 6], [4, 4, 4]],
    4: [[4, 8], [8, 8], [4, 4, 4]],
}
shares = st.sampled_from([0.3, 0.0, 0.02, 1.0])
rates = st.sampled_from([0.5, 0.05, 5.0, 0.0, 1e-6, 100.0])
levels = st.sampled_from([20.0, 1.0, 1e-3, 1e4])
powers = st.sampled_from([0.3, 1, 2, 8])
times = st.sampled_from([0.1, 1.0, "5 d", 1000.0])
maybe = st.booleans()


def often(draw: st.DrawFn, tenths: int) -> bool:
    """True in so many tenths of the draws."""
    return draw(st.integers(0, 9)) >= 10 - tenths


@st.composite
def some(draw: st.DrawFn, **parts: st.SearchStrategy[Any]) -> Tree:
    """A section with any of these fields."""
    return {name: draw(part) for name, part in parts.items() if often(draw, 6)}


def named(names: tuple[str, ...], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Tree]:
    """Numbers for some of the names."""
    return st.dictionaries(st.sampled_from(names), values, max_size=2) if names else st.just({})


@dataclass(frozen=True)
class Around:
    """What the parts of one scenario know of each other."""

    types: tuple[str, ...]
    dt: float
    days: float
    factors: tuple[str, ...]
    kernels: frozenset[str]
    matrix: str | None  # the factor whose affinity is told by source
    shares_told: bool  # senders are drawn, or shares attributed
    tracked: bool
    tissues: dict[str, Tree] = field(default_factory=dict)

    @property
    def single(self) -> tuple[str, ...]:
        """Factors that are one factor, whose level can be spoken of."""
        return tuple(name for name in self.factors if name != self.matrix)

    @property
    def causes(self) -> tuple[str, ...]:
        """Causes that a mapping may name, besides those of factors."""
        return ("initial", "damage", "contact", "replicative")

    def moments(self) -> st.SearchStrategy[float]:
        """Days of the run, most of them early."""
        return st.sampled_from([0.0, 0.3 * self.dt, self.dt, 2.5 * self.dt])


# ------------------------------------------------------------------------------------------------------- tissues


@st.composite
def places(draw: st.DrawFn) -> Tree:
    """Where the sites of a tissue are, walls included."""
    if often(draw, 7):
        voxel = draw(st.sampled_from([1, 1, 2, 4]))
        shape = draw(st.sampled_from(SHAPES[voxel]))
        tree: Tree = {"shape": shape, "voxel_cells": voxel, "cell_spacing": SPACING}
        tree |= draw(some(neighbourhood=st.sampled_from(["moore", "von_neumann"])))
        if often(draw, 3) and math.prod(shape) > 8:
            tree["holes"] = [{"at": [SPACING / 2] * len(shape), "radius": 1.1 * SPACING}]
        dimension = len(shape)
    else:
        dimension = draw(st.sampled_from([2, 2, 3]))
        kind, cells = draw(st.sampled_from(["radius", "nearest", "window"])), draw(st.integers(4, 40))
        tree = {"cloud": {"voxel_spacing": draw(st.sampled_from([10, 30]))}}
        if dimension == 2 and often(draw, 3):
            tree["cloud"]["packing"] = {"side": 120, "cell_radius": 8, "density": 0.3}
        else:
            points = np.random.default_rng(draw(st.integers(0, 99))).random((cells, dimension)) * 60
            tree["cloud"] |= {"positions": points.round(3).tolist(), "extent": [60] * dimension}
        by = {"radius": 22, "nearest": 3, "window": [2, 1]}
        tree["cloud"]["links"] = {kind: by[kind]} if dimension == 2 or kind != "window" else {"radius": 30}
    walls = draw(st.one_of(st.sampled_from(WALLS), st.lists(st.sampled_from(WALLS), min_size=dimension,
                                                            max_size=dimension)))  # fmt: skip
    if "window" in tree.get("cloud", {}).get("links", {}):
        walls = draw(st.sampled_from(["reflecting", "absorbing"]))
    return {**tree, "boundary": walls}


def axes(tree: Tree) -> list[tuple[str, int, str]]:
    """Name, cells (0 in a cloud) and wall per axis (z,) y, x."""
    cloud = tree.get("cloud", {})
    shape = tree.get("shape") or [0] * len(cloud.get("extent", [0, 0]))
    walls = tree["boundary"] if isinstance(tree["boundary"], list) else [tree["boundary"]] * len(shape)
    return list(zip("zyx"[-len(shape) :], shape, walls, strict=True))


def n_sites(tree: Tree) -> int | None:
    """Sites with and without cells; None where a packing finds them."""
    if "shape" in tree:
        return math.prod(tree["shape"])
    return len(tree["cloud"]["positions"]) if "positions" in tree["cloud"] else None


def shortest_loop(tree: Tree) -> float:
    """Cells along the shortest periodic axis of a lattice."""
    return min((n for _, n, wall in axes(tree) if wall == "periodic" and n), default=math.inf)


@st.composite
def depths(draw: st.DrawFn, place: Tree, types: tuple[str, ...]) -> Tree:
    """A depth, an axis of depth, and layers along it."""
    axis, n, _ = draw(st.sampled_from(axes(place)))
    tree: Tree = draw(some(depth=st.sampled_from([0, 20])))
    if often(draw, 6):
        tree["depth_axis"] = axis
        if often(draw, 7) and n != 1:
            rest = draw(st.sampled_from([{"thickness": 1e4}, {}]))
            mixed = st.dictionaries(st.sampled_from(types), st.sampled_from([1, 3]), min_size=1)
            tree["layers"] = {"upper": {"thickness": 10 if n else 30, "cell_types": draw(mixed)},
                              "lower": {**rest, "cell_types": draw(mixed)}}  # fmt: skip
    return tree


@st.composite
def patrols(draw: st.DrawFn, around: Around, cloud: bool) -> Tree:
    """Immune cells that walk; those of a cloud follow no kernel."""
    leads = [name for name in around.single if not (cloud and name in around.kernels)]
    one: Tree = {
        "density": draw(st.sampled_from([20, 4])), "speed": draw(st.sampled_from([200, 40, 0])) / around.dt,
        "persistence_time": draw(st.sampled_from([0.2 * around.dt, "forever"])),
        "attachment_time": draw(st.sampled_from([0.3, 0.02])) * around.dt,
    }  # fmt: skip
    one |= draw(some(reach=st.sampled_from([17, 8, 70]), kill_probability=shares, rest_time=st.sampled_from([0.0, 0.2]),
                     exhausts_after=st.just(1), lifespan=st.just(2 * around.dt), senescence_rate=rates))  # fmt: skip
    if leads and often(draw, 6):
        one |= {"follows": draw(st.sampled_from(leads)), "migration_bias": draw(shares)}
        one |= draw(some(recruitment=some(basal=st.just(20), max_rate=st.just(50), half_max=levels, power=powers)))
    elif often(draw, 6):
        one["recruitment"] = {"basal": 30 / around.dt, "max_rate": 0}
    one |= {"circulates": True} if "recruitment" in one and often(draw, 5) else {}
    return {"nk": one}


@st.composite
def functions(draw: st.DrawFn, around: Around) -> Tree:
    """What a tissue can do."""
    drivers = ("burden", "vacant", "scarred", "quality_lost", *around.single)
    influence = some(max_rate=rates, half_max=levels, power=powers)
    by_name = st.dictionaries(st.sampled_from(drivers), influence, max_size=2)
    return {"strength": draw(some(recovery=rates, rest=shares, losses=by_name, gains=by_name)),
            "grip": {"losses": {"burden": {"max_rate": 0.2}}}}  # fmt: skip


@st.composite
def pigments(draw: st.DrawFn, around: Around) -> Tree:
    """Melanin; dendrites are shorter than half of three cells, so that they fit into any loop that is not shorter."""
    grown = some(resting=st.just(1), activated=st.just(6), resting_reach=st.just(11), activated_reach=st.just(14))
    about = some(
        basal_stimulus=shares, k_on=rates, k_off=st.just(0.3), synthesis=st.just(2), basal_share=st.just(0.5),
        transfer=st.sampled_from([0.1, 100]), degradation=rates, senescent_transfer=shares, turnover=times,
        lightness=st.just({"scale": 2}), spot=st.just({"grain": 30, "tail": 0.3}),
        activated_by=named(around.single, some(half_max=levels, power=powers)),
    )  # fmt: skip
    grown_or_not: Tree = draw(grown)
    grown_or_not |= {"resting_reach": 11, "activated_reach": 14}
    return {**draw(about), "dendrites": grown_or_not}


@st.composite
def clearances(draw: st.DrawFn) -> Tree:
    """Removal by immune cells, and what evades it."""
    about = some(
        half_saturation=st.sampled_from([0.5, 50]), perforin=shares, granule_share=shares, capacity=shares,
        decline=rates, immune_age=st.sampled_from([0, "2 yr"]), own_death=rates, recovery=times,
        territory=st.sampled_from([5, 25, 300, "whole tissue"]), saturation=st.sampled_from(["territory", "body"]),
    )  # fmt: skip
    return {"max_rate": draw(st.sampled_from([20, 0, 500])), **draw(about)}


@st.composite
def tissues(draw: st.DrawFn, around: Around) -> Tree:
    """One tissue, with all that befalls its cells."""
    place = draw(places())
    cloud, loop = "cloud" in place, shortest_loop(place)
    tree: Tree = {**place, **draw(depths(place, around.types))}
    kind = some(fraction=st.sampled_from([0.2, 1]), susceptibility=st.sampled_from([0, 1, 3]), turnover=rates)
    tree["cell_types"] = {name: draw(kind) for name in around.types}
    touch = st.one_of(some(hazard=rates, mature_after=shares), some(at_once=shares),
                      some(hazard=rates, at_once=shares))  # fmt: skip
    evasion = some(immune=shares, immune_per_year=shares, drug=shares, drug_per_year=shares,
                   by_cause=named((*around.causes, "others"), shares))  # fmt: skip
    repair = some(decline=rates, scar=shares, division_limit=st.sampled_from([1, 2]), keeps_types=maybe)
    tree |= draw(some(
        represents=st.sampled_from([1e3, 1e6]), volume=st.sampled_from([1e-4, 1.0]),
        maintenance=shares, evasion=evasion, functions=functions(around),
        arrangement=st.just("random" if cloud else "even"),
        damage=some(baseline=st.sampled_from([30, 5, 0, 100]), per_year=shares,
                    production=st.sampled_from(["per_cell", "absolute"])),
    ))  # fmt: skip
    tree["initial"] = {"burden": draw(st.sampled_from([40, 10, 0, 100])),
                       **draw(some(since_onset=st.sampled_from([30, 3, 0])))}  # fmt: skip
    tree["clearance"] = draw(clearances())
    tree["repair"] = {"rate": draw(rates), **draw(repair)}
    if not cloud and loop > 4 and often(draw, 3):
        tree["repair"]["reach"] = 2
    if not around.kernels and often(draw, 1):
        return {**tree, "well_mixed": True}
    tree |= draw(some(contact=touch))
    if often(draw, 4):
        tree["patrols"] = draw(patrols(around, cloud))
    if around.types == TYPES and loop >= 3 and often(draw, 8):
        tree["pigment"] = draw(pigments(around))
    if around.types == TYPES[:1] and often(draw, 2):
        tree["preset"] = "mouse_dermis"
    return tree
