"""Cells that differ between two arms: small maps by hand, and a world in which killing saves known cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import binary_dilation
from worlds import as_tree, event, tissue, together, world

import sim
from sim.analysis.counterfactual import changes_of, counterfactual, counterfactual_causes, counterfactual_map
from sim.errors import ResultsError
from sim.results import Results

CHANGES = ["saved", "removed", "induced", "lost", "gained"]


def stored(maps: dict[tuple[str, int], dict], cloud: bool = False) -> Results:
    arms = list(dict.fromkeys(arm for arm, _ in maps))
    names = {arm: ["nothing", "damage", "graft"] for arm in arms}
    manifest = {"scenario": "test", "arms": arms, "tissues": ["skin"], "runs": [], "event_names": names}
    kept = {(arm, r, "skin"): {"spacing": np.array(10.0), **layers} for (arm, r), layers in maps.items()}
    scenario = {"tissues": {"skin": {"cloud": {"packing": {}}}}} if cloud else {}
    return Results(manifest, scenario, pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), kept)


def layers(*states: list[int], days: tuple[float, ...] = (0.0, 5.0), cause: int = 1) -> dict[str, np.ndarray]:
    state = np.array(states, np.uint8)
    return {"days": np.array(days), "state": state, "cause": (state == 1).astype(np.uint8) * np.uint8(cause)}


def test_all_pairs_of_states() -> None:
    here, there = (each.ravel() for each in np.meshgrid(range(5), range(5)))  # healthy senescent cleared scarred hole
    expected = [0, 2, 3, 3, 0,  1, 0, 1, 1, 1,  4, 2, 0, 0, 0,  4, 2, 0, 0, 0,  0, 2, 0, 0, 0]  # fmt: skip
    assert changes_of(here.astype(np.uint8), there.astype(np.uint8)).tolist() == expected


def test_counts_of_two_small_maps() -> None:
    baseline = layers([0, 0, 0, 0, 0, 4], [1, 1, 1, 0, 2, 4])
    arm = layers([0, 0, 0, 0, 0, 4], [0, 2, 1, 1, 0, 4], cause=2)
    results = stored({("base", 0): baseline, ("arm", 0): arm})
    table = counterfactual(results)
    assert list(table) == ["arm", "baseline", "tissue", "replicate", "day", *CHANGES]
    assert table[CHANGES].to_numpy().tolist() == [[0] * 5, [2, 1, 1, 0, 1]]
    found = counterfactual_map(results, "arm")
    assert found.changes[0, 1].tolist() == [1, 1, 0, 2, 4, 0]
    assert found.senescent[0, 1].tolist() == [False, False, True, False, False, False]
    assert found.removed[0, 1].tolist() == [False, True, False, False, False, False]
    assert found.absent.tolist() == [False] * 5 + [True]
    causes = counterfactual_causes(results)
    assert causes[["day", "change", "cause", "cells"]].to_numpy().tolist() == [
        [5.0, "saved", "damage", 2], [5.0, "induced", "graft", 1],
    ]  # fmt: skip


def test_the_mean_over_replicates_and_the_days_in_common() -> None:
    maps = {("base", r): layers([0, 0], [1, 1], [1, 1], days=(0.0, 5.0, 9.0)) for r in range(2)}
    maps |= {("arm", 0): layers([0, 0], [0, 1]), ("arm", 1): layers([0, 0], [0, 0]), ("arm", 2): layers([1, 1], [1, 1])}
    found = counterfactual_map(stored(maps), "arm")
    assert found.replicates == [0, 1]
    assert found.days.tolist() == [0.0, 5.0]
    assert found.share("saved").tolist() == [[0, 0], [1.0, 0.5]]
    assert found.counts()["saved"].tolist() == [0, 1, 0, 2]  # replicate by replicate
    assert counterfactual_map(stored(maps, cloud=True), "arm").replicates == [0]  # cells packed anew in each


def test_net_change_is_induced_less_saved() -> None:
    rng = np.random.default_rng(3)
    maps = {(arm, r): layers(*rng.integers(0, 4, (2, 60))) for arm in "abc" for r in range(2)}
    for row in counterfactual(stored(maps), "b").itertuples():
        day = int(row.day == 5.0)
        n = [np.count_nonzero(maps[arm, row.replicate]["state"][day] == 1) for arm in (row.arm, "b")]
        assert n[0] - n[1] == row.induced - row.saved
        assert row.removed <= row.saved


def test_killing_the_senders_before_they_are_mature_saves_exactly_their_neighbours() -> None:
    """Contact with mature cells turns every neighbour of the graft at once; in one arm the graft is gone by then."""
    common = together(
        tissue(contact={"hazard": 1000, "mature_after": 2}),
        event("graft", radius=11, since_onset=0),
        event("removal", kind="removal", radius=11, day=1),
    )
    tree = as_tree(world(common, days=2.5, record={"maps": ["state", "cause"], "days": [0, 2, 2.5]}))
    tree |= {"replicates": 1, "arms": {"left": {"events": {"removal": None}}, "taken": {}}}
    results = sim.run(sim.from_dict(tree))
    graft = results.maps("left")["state"][0] == 1
    around = binary_dilation(graft, np.ones((3, 3))) & ~graft
    found = counterfactual_map(results, "taken")
    np.testing.assert_array_equal(found.changes[0, 0], np.zeros_like(graft))
    np.testing.assert_array_equal(found.changes[0, 1] == 1, graft)
    np.testing.assert_array_equal(found.changes[0, 2] == 1, graft | around)
    last = counterfactual(results).iloc[-1]
    assert last[CHANGES].tolist() == [graft.sum() + around.sum(), graft.sum(), 0, 0, 0]
    causes = counterfactual_causes(results)
    assert causes.loc[causes["day"] == 2.5, ["change", "cause", "cells"]].to_numpy().tolist() == [
        ["saved", "contact", around.sum()], ["saved", "graft", graft.sum()],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: counterfactual_map(r, "amr"), "counterfactual: arm: must be one of base, arm, got amr (did you"),
        (lambda r: counterfactual_map(r, "base"), "counterfactual: arm: must differ from the baseline, got base"),
        (
            lambda r: counterfactual_map(r, "arm", replicate=4),
            "none kept: maps of the state of arm and base in skin, r",
        ),
        (lambda r: counterfactual(r, "bse"), "counterfactual: baseline: must be one of base, arm, got bse"),
        (lambda r: counterfactual(r, tissue="gut"), "counterfactual: tissue: must be one of skin, got gut"),
    ],
)
def test_mistakes_get_one_line(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ResultsError) as caught:
        call(stored({("base", 0): layers([0], [1]), ("arm", 0): layers([0], [0])}))
    assert message in str(caught.value)


def test_maps_without_common_days_or_causes() -> None:
    apart = {("base", 0): layers([0], [1]), ("arm", 0): layers([0], days=(2.0,))}
    with pytest.raises(ResultsError, match="maps of arm and base have no day in common"):
        counterfactual(stored(apart))
    with pytest.raises(ResultsError, match="arms: must be at least two, got base"):
        counterfactual(stored({("base", 0): layers([0], [1])}))
    without = {key: {k: v for k, v in layers([0], [1]).items() if k != "cause"} for key in (("base", 0), ("arm", 0))}
    with pytest.raises(ResultsError, match="none kept: maps of the cause of base in skin"):
        counterfactual_causes(stored(without))
