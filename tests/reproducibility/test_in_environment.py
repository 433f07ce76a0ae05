"""Environment, ventilation, healthy secretion and events that come again, in a world of everything: the same bits."""

from __future__ import annotations

from everything import everything
from worlds import as_tree, assert_same, counts, event, factor, run, start, tissue, together

from sim.scenario.futures import Past
from sim.scenario.load import from_dict
from sim.scenario.trees import Tree

BASELINE, STRENGTH = "tissues.patch.damage.baseline", "factors.SASP.secretion.strength"


def environment(temperature: float, oxygen: float, **rates: Tree) -> Tree:
    """An environment whose rates hold at 20 degC and 21 % of oxygen."""
    reference = {"temperature": 20, "oxygen": 21}
    return {"environment": {"temperature": temperature, "oxygen": oxygen, "reference": reference, "rates": rates}}


def test_at_the_reference_all_bits_are_the_same() -> None:
    plain = everything("plane")
    rates = {"all": {"of": [BASELINE, STRENGTH, "factors.SASP.induction.hill.max_rate"], "q10": 2.3}}
    around = from_dict(together(as_tree(plain), environment(20, 21, **rates))).common
    assert_same(run(plain, 30), run(around, 30))


def test_both_engines_and_threads_see_the_same_environment() -> None:
    tree = as_tree(everything("plane"))
    rates = {"turning": {"of": [BASELINE, "factors.SASP.induction.hill.max_rate"], "q10": 2, "oxygen_half_max": 2},
             "giving": {"of": [STRENGTH, "factors.room.ventilation"], "q10": 3}}  # fmt: skip
    tree = together(tree, environment(26, 5, **rates), factor("room", ventilation=2, secretion={"healthy": 0.1}))
    tree = together(tree, {"generations": "simple", "factors": {"SASP": {"secretion": {"healthy": 0.01}}}})
    sorting = {"kind": "removal", "day": 1, "interval": 1.7, "found": 0.4, "radius": "whole tissue"}
    flu = {"interval": 3, "repeats": 2, "day": 0.2}
    settings = from_dict(together(tree, event("sorting", **sorting), event("flu", **flu))).common
    compiled = run(settings, 24)
    assert counts(compiled)["sorting"] > 0
    assert counts(compiled)["flu"] > 0
    assert_same(compiled, run(settings, 24, threads=2))
    assert_same(compiled, run(settings, 24, engine="agents"))
    half = start(settings)
    for _ in range(11):
        half.step()
    later = start(settings)
    later.restore(half.state())
    for _ in range(13):
        later.step()
    assert_same(compiled, later.patches["patch"])
    assert later.patches["patch"].happened == compiled.happened


def test_a_future_may_have_another_environment() -> None:
    """From the cold store to the shelf: the bits are those of a future whose rates are written as they are there."""
    tree = as_tree(everything("plane"))
    tree["days"] = 20
    by = {"turning": {"of": [BASELINE, "factors.SASP.induction.hill.max_rate"], "q10": 2}}
    cold = from_dict(together(tree, environment(20, 21, **by))).common
    warm = from_dict(together(tree, environment(30, 21, **by))).common
    induction = {"hill": {"max_rate": 2 * cold.factors["SASP"].induction.hill.max_rate}}  # type: ignore[union-attr]
    damage = {"baseline": 2 * cold.tissues["patch"].damage.baseline}
    written = from_dict(together(tree, factor(induction=induction), tissue(damage=damage))).common
    past = start(cold)
    for _ in range(8):
        past.step()
    Past("past.npz", cold, 8, tuple(each for each, _, _ in past.patches["patch"].happened), ()).check(warm)
    futures = [start(settings) for settings in (warm, written)]
    for future in futures:
        future.restore(past.state())
        for _ in range(8):
            future.step()
    assert_same(*(future.patches["patch"] for future in futures))
