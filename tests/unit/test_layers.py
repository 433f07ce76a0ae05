"""Layers of cell types, types that lie evenly, what is shed, and events that touch some types only."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from worlds import assert_same, counts, event, factor, run, start, tissue, world

from sim.errors import ScenarioError
from sim.explain import explain
from sim.scenario.layers import type_shares
from sim.scenario.load import from_dict
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree
from sim.tissue.parameters import mean_affinity, mean_own_death

TYPES: Tree = {"cell_types": {"keratinocyte": {}, "melanocyte": {}, "fibroblast": {}}}
SKIN: Tree = {
    "depth_axis": "y",
    "layers": {
        "suprabasal": {"thickness": 60, "cell_types": {"keratinocyte": 1}},
        "basal": {"thickness": 10, "cell_types": {"keratinocyte": 9, "melanocyte": 1}},
        "dermis": {"cell_types": {"fibroblast": 1}},
    },
}


def skin(**changes: Any) -> Settings:
    """12 rows of 10 um: six suprabasal, one basal, five of dermis."""
    return world(tissue(**TYPES, **(SKIN | changes)), shape=(12, 100))


def rows_of(settings: Settings, **how: Any) -> np.ndarray:
    return start(settings, **how).patches["patch"].cells.cell_type.reshape(12, -1)


# ------------------------------------------------------------------------------------------------- where types lie


def test_every_row_holds_the_types_of_its_layer() -> None:
    types = rows_of(skin())
    assert (types[:6] == 0).all()
    assert (types[7:] == 2).all()
    assert set(types[6].tolist()) == {0, 1}
    assert type_shares(skin().tissues["patch"]) == pytest.approx([6.9 / 12, 0.1 / 12, 5 / 12], rel=1e-12)


def test_a_row_belongs_to_the_layer_that_holds_its_middle() -> None:
    for thickness, rows in ((14.9, 1), (15.0, 1), (15.1, 2), (24.9, 2)):
        layers = {"upper": {"thickness": thickness, "cell_types": {"keratinocyte": 1}},
                  "lower": {"cell_types": {"fibroblast": 1}}}  # fmt: skip
        settings = skin(layers=layers)
        assert (rows_of(settings) == 0).sum() == rows * 100
        assert type_shares(settings.tissues["patch"])[0] == pytest.approx(rows / 12)


def test_layers_of_a_cloud_are_the_same_cells() -> None:
    """The points of the lattice, as a cloud: the same types at the same places, by the same draws."""
    lattice = start(skin()).patches["patch"]
    cloud = {"positions": lattice.geometry.positions().tolist(), "extent": [1000, 120], "links": {"radius": 15},
             "voxel_spacing": 10}  # fmt: skip
    other = start(world(tissue(**TYPES, **SKIN, shape=None, cloud=cloud))).patches["patch"]
    np.testing.assert_array_equal(other.cells.cell_type, lattice.cells.cell_type)


def test_shares_of_layers_count_in_the_uptake_and_in_what_is_shed() -> None:
    types = {"keratinocyte": {"turnover": 0.1}, "melanocyte": {}, "fibroblast": {"turnover": 0.3}}
    settings = world(
        tissue(**SKIN, cell_types=types, clearance={"max_rate": 0, "own_death": 0.01}),
        factor("drift", reach=30, affinity={"melanocyte": 6}, cargo={"response": {"linear": {"rate": 0.1}}}),
        shape=(12, 100),
    )
    here = settings.tissues["patch"]
    assert mean_affinity(settings.factors["drift"], here) == pytest.approx(6 * 0.1 / 12)
    assert mean_own_death(here) == pytest.approx(0.01 + 0.1 * 6.9 / 12 + 0.3 * 5 / 12)


@pytest.mark.parametrize("shape", [(72, 72), (24, 24, 24)])
def test_types_that_lie_evenly_keep_their_distance(shape: tuple[int, ...]) -> None:
    """As many as their share, and none nearer to another than half of what a square grid would leave."""
    types = {"keratinocyte": {"fraction": 35 / 36}, "melanocyte": {"fraction": 1 / 36}}
    settings = world(tissue(cell_types=types, arrangement="even"), shape=shape)
    cells = start(settings).patches["patch"].cells.cell_type.reshape(shape)
    assert cells.sum() == pytest.approx(cells.size / 36, rel=0.05)
    places = np.argwhere(cells == 1)
    apart = np.sqrt(((places[:, None] - places[None]) ** 2).sum(axis=2))
    np.fill_diagonal(apart, np.inf)
    assert apart.min() >= 0.5 * 36 ** (1 / len(shape))
    other = start(settings, seed=2).patches["patch"].cells.cell_type.reshape(shape)
    assert (other != cells).any()  # where the pattern begins is luck


def test_types_lie_evenly_in_a_layer_of_one_row() -> None:
    """One in eighteen along a line: gaps of 13 and 21, neighbours in the sequence of Fibonacci, and none else."""
    layers = {"basal": {"thickness": 10, "cell_types": {"keratinocyte": 17, "melanocyte": 1}},
              "dermis": {"cell_types": {"fibroblast": 1}}}  # fmt: skip
    row = np.flatnonzero(rows_of(skin(layers=layers, arrangement="even"))[0] == 1)
    assert set(np.diff(row).tolist()) <= {13, 21, 34}


# ------------------------------------------------------------------------------------------------- what comes of it


@pytest.mark.parametrize("engine", ["compiled", "agents"])
def test_layers_keep_their_types_where_gaps_are_closed(engine: str) -> None:
    """All of a column is cleared: whoever divides, no type leaves its layer."""
    settings = world(
        tissue(**TYPES, **SKIN, repair={"rate": 2}),
        event("cut", kind="wound", at=[500, 60], radius=70, share=0),
        shape=(12, 100),
    )
    types = run(settings, 40, engine=engine)
    cells = types.cells.cell_type.reshape(12, -1)
    assert counts(types)["repaired"] > 100
    assert (cells[:6] == 0).all() and (cells[7:] == 2).all() and set(cells[6].tolist()) == {0, 1}  # noqa: PT018


def test_both_engines_agree_on_layers() -> None:
    settings = world(
        tissue(
            cell_types={"keratinocyte": {"turnover": 0.2}, "melanocyte": {}, "fibroblast": {}}, **SKIN,
            repair={"rate": 1}, damage={"baseline": 5}, clearance={"max_rate": 3, "own_death": 0.02},
        ),
        event("sun", kind="irradiation", radius=80, cell_types=["keratinocyte"], share=0.5),
        event("cut", kind="wound", radius=40, day=3),
        shape=(12, 40),
    )  # fmt: skip
    one, other = run(settings, 40, engine="compiled"), run(settings, 40, engine="agents")
    assert_same(one, other)
    assert min(counts(one)[name] for name in ("own_death", "repaired", "sun", "immune")) > 20


def test_only_senescent_cells_of_a_type_are_shed() -> None:
    """Half of all are senescent; those with a turnover go as exp(-rate t), the others stay."""
    types = {"keratinocyte": {"fraction": 0.5, "turnover": 0.1}, "fibroblast": {"fraction": 0.5}}
    settings = world(tissue(cell_types=types, initial={"burden": 50}), shape=(100, 100))
    before, after = run(settings, 0).cells, run(settings, 20).cells
    kept = before.state[before.cell_type == 1] == after.state[after.cell_type == 1]
    assert kept.all()
    shed = before.cell_type == 0
    n = int((before.state[shed] == 1).sum())
    left = int((after.state[shed] == 1).sum()) / n
    assert left == pytest.approx(np.exp(-1.0), abs=4 * np.sqrt(np.exp(-1) * (1 - np.exp(-1)) / n))
    assert (before.state[shed] == 0).sum() == (after.state[shed] == 0).sum()


@pytest.mark.parametrize("kind", ["wound", "removal", "irradiation", "infection", "graft"])
def test_an_event_touches_its_types_only(kind: str) -> None:
    """Of two types mixed at random, only one changes, and all of it within the region."""
    types = {"keratinocyte": {"fraction": 0.5}, "fibroblast": {"fraction": 0.5}}
    how: Tree = {"kind": kind, "day": 2, "radius": 1000, "cell_types": ["fibroblast"]}
    how |= {"share": 1.0, "delay": 0, "duration": 0} if kind in ("irradiation", "infection") else {}
    how |= {"cells": "senescent"} if kind == "graft" else {}
    burden = 100 if kind == "removal" else 0
    settings = world(tissue(cell_types=types, initial={"burden": burden}), event("done", **how), shape=(20, 20))
    before, after = run(settings, 3).cells, run(settings, 6).cells
    meant = before.cell_type == 1
    assert (after.state[~meant] == before.state[~meant]).all()
    assert (after.state[meant] == (2 if kind in ("wound", "removal") else 1)).all()


def test_a_graft_of_so_many_cells_of_a_type() -> None:
    """The 40 fibroblasts nearest to the centre, not those among the 40 nearest cells."""
    types = {"keratinocyte": {"fraction": 0.9}, "fibroblast": {"fraction": 0.1}}
    graft = event(n_cells=40, cells="senescent", cell_types=["fibroblast"])
    cells = run(world(tissue(cell_types=types), graft, shape=(40, 40)), 1).cells
    assert (cells.state == 1).sum() == 40
    assert (cells.cell_type[cells.state == 1] == 1).all()


# ------------------------------------------------------------------------------------------------- words and errors


def test_explain_tells_the_layers() -> None:
    tree = {"days": 10, "tissues": {"skin": {"shape": [12, 12], "cell_spacing": 10, **TYPES, **SKIN,
            "arrangement": "even"}}}  # fmt: skip
    tree["tissues"]["skin"]["cell_types"]["keratinocyte"] = {"turnover": 0.05}
    words = " ".join(explain(from_dict(tree)).split())
    assert "suprabasal 0 to 60 um with 100 % keratinocyte" in words
    assert "basal 60 to 70 um with 90 % keratinocyte and 10 % melanocyte" in words
    assert "dermis from 70 um down with 100 % fibroblast" in words
    assert "lying evenly" in words
    assert "Senescent cells are shed: keratinocyte at 0.05 per day" in words


LAYERS = SKIN["layers"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"depth_axis": None}, "tissues.patch.layers: need cells that lie along a depth_axis, got none"),
        ({"layers": LAYERS | {"basal": {"cell_types": {"melanocyte": 1}}}}, "basal.thickness: is required above"),
        ({"layers": LAYERS | {"dermis": {"cell_types": {"fibroblst": 1}}}}, "did you mean fibroblast"),
        ({"layers": LAYERS | {"dermis": {"cell_types": {}}}}, "dermis.cell_types: must name at least one cell type"),
        ({"layers": LAYERS | {"dermis": {"thickness": 10, "cell_types": {"fibroblast": 1}}}},
         "layers.dermis.thickness: must reach the end of the tissue (120 um), got 80 um"),
        ({"layers": LAYERS | {"basal": {"thickness": 300, "cell_types": {"melanocyte": 1}}}},
         "layers.dermis: must begin inside the tissue and hold a row of cells"),
    ],
)  # fmt: skip
def test_layers_that_cannot_be(changes: Tree, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        skin(**changes)
    assert said in str(caught.value)


def test_other_mistakes() -> None:
    with pytest.raises(ScenarioError, match=r"cell_types: must be one of cell, got 'cel'.*did you mean cell"):
        world(event("sun", kind="irradiation", cell_types=["cel"]))
    cloud = {"positions": [[5, 5]], "extent": [10, 10], "links": {"radius": 5}}
    with pytest.raises(ScenarioError, match="arrangement: must be random where there is no lattice"):
        world(tissue(shape=None, cloud=cloud, arrangement="even"))
