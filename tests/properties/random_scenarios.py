"""Random scenarios that are valid: any small tissues, signals, drugs and events that may stand together.

`scenarios` first draws what the parts share (names, walls, who stirs what), so that nearly all that comes out is
allowed. Left out are cells from files and causes of one's own, which need a file and an engine.
"""

from __future__ import annotations

from hypothesis import strategies as st
from random_tissues import (
    FACTORS,
    SPACING,
    TYPES,
    Around,
    axes,
    levels,
    maybe,
    n_sites,
    named,
    often,
    powers,
    rates,
    shares,
    some,
    times,
    tissues,
)

from sim.scenario.drug import BOOSTS, HAZARDS, KINDS, ON_FACTORS, ON_SENESCENT, ON_WHOLE_TISSUE
from sim.scenario.trees import Tree


def responses(types: tuple[str, ...]) -> st.SearchStrategy[Tree]:
    """Level to rate."""
    strong = st.sampled_from([5.0, 0.5, 100.0, 0.0])
    hill = some(max_rate=strong, half_max=st.sampled_from([1.0, 0.01, 20.0]), power=powers)
    tail = some(threshold=st.sampled_from([0, 5]), rate=strong)
    kind = st.one_of(st.builds(lambda x: {"hill": x}, hill), st.builds(lambda x: {"poisson_tail": x}, tail),
                     st.builds(lambda x: {"linear": {"rate": x}}, strong))  # fmt: skip
    return st.builds(lambda one, scaled: {**one, **scaled}, kind, some(by_type=named(types, shares)))


@st.composite
def transports(draw: st.DrawFn, kernel: bool) -> Tree:
    """How a factor travels."""
    if kernel:
        return {"transport": "kernel", "kernel": {"emission": 100, "capture_length": 30, "cell_radius": 5}}
    kind: Tree = draw(st.sampled_from([
        {"reach": 15}, {"reach": "1 mm"}, {"decay_rate": 0, "diffusivity": 1e-3}, {"decay_rate": 50, "diffusivity": 5},
        {"transport": "well_mixed", "decay_rate": 0.5},
    ]))  # fmt: skip
    return {**kind, **draw(some(precision=st.just("float64"), ventilation=rates))}


@st.composite
def in_blood(draw: st.DrawFn, around: Around) -> Tree:
    """What circulates; tissues with absorbing walls are cut off."""
    open_ = [name for name, tree in around.tissues.items() if any(wall == "absorbing" for *_, wall in axes(tree))]
    tree: Tree = draw(some(leak=rates, half_life=times, tropism=named(tuple(around.tissues), shares)))
    return {**tree, "leak_by_tissue": dict.fromkeys(open_, 0)}


@st.composite
def factors(draw: st.DrawFn, around: Around, name: str) -> Tree:
    """A signal, how it travels and what it does."""
    kernel = name in around.kernels
    tree: Tree = draw(transports(kernel))
    moments = around.moments()
    secretion = some(
        strength=st.sampled_from([1.0, 30.0, 1e4, 0.0]), delay=moments, ramp=moments, duration=times, secondary=shares,
        tertiary=shares, by_type=named(around.types, shares), by_cause=named(around.causes, st.sampled_from([0, 1, 3])),
    )  # fmt: skip
    tree["secretion"] = draw(secretion)
    if not kernel and not around.shares_told and often(draw, 3):
        tree["secretion"]["healthy"] = draw(shares)
    if not kernel and not around.tracked and often(draw, 4):
        tree["blood"] = draw(in_blood(around))
    cargo = st.builds(lambda memory, law: {"memory": memory, "response": law}, times, responses(around.types))
    uptake = st.dictionaries(st.sampled_from(around.types), st.sampled_from([0.1, 5.0]), min_size=1)
    if name == around.matrix:
        affinity = st.dictionaries(st.sampled_from(around.types), uptake, min_size=1)
        return {**tree, "affinity": draw(affinity), "cargo": draw(cargo)}
    if often(draw, 7):
        tree |= {"affinity": draw(uptake), "cargo": draw(cargo), **draw(some(capture=rates))}
    tree |= draw(some(
        induction=responses(around.types), jams_immunity=some(half_max=levels), inhibits_repair=some(half_max=levels),
        boosts_repair=some(max=rates, half_max=levels, power=powers),
        attracts_immunity=some(half_max=levels, basal=shares),
        ages_immunity=some(max_rate=rates, half_max=levels, power=powers),
    ))  # fmt: skip
    return tree


# ------------------------------------------------------------------------------------------- drugs, events, the rest


@st.composite
def effects(draw: st.DrawFn, around: Around, kind: str) -> Tree:
    """One thing that a drug does."""
    sizes = st.sampled_from([0.1, 3.0]) if kind in HAZARDS + BOOSTS else st.sampled_from([0.2, 1.0])
    tree: Tree = {"emax": draw(sizes), "ec50": draw(st.sampled_from([0.5, 10])), **draw(some(power=powers))}
    tree |= draw(some(time_constant=shares, by_tissue=named(tuple(around.tissues), shares)))
    if kind in ON_FACTORS:
        tree |= draw(some(factors=st.lists(st.sampled_from(around.factors), unique=True)))
    if kind in ON_SENESCENT:
        tree |= draw(some(by_cause=named((*around.causes, "others"), shares), senescent_from=st.just(0.5),
                          by_generation=named(("primary", "secondary", "later"), shares),
                          senescent_until=st.just(20)))  # fmt: skip
    if kind not in ON_WHOLE_TISSUE:
        tree |= draw(some(by_type=named((*around.types, "others"), st.sampled_from([0, 2]))))
    return tree


@st.composite
def treatments(draw: st.DrawFn, around: Around, route: str) -> Tree:
    """When a drug is given, where, and unless what."""
    names = sorted(around.tissues)
    tree: Tree = {"amount": draw(st.sampled_from([0.5, 20])), "start": draw(around.moments())}
    tree |= {"infusion_duration": draw(st.sampled_from([0.1, 2]))} if route == "infusion" else {}
    if route == "topical" or often(draw, 2):
        tree["tissues"] = draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    again = draw(st.sampled_from([{}, {"interval": 1}, {"interval": 2, "additional_doses": 3, "days_on": 2},
                                  {"interval": 0.5, "until": tree["start"] + 2}]))  # fmt: skip
    tree |= again
    if again and often(draw, 4):
        read_outs = ["burden", "vacant", "off_target", "immune_capacity", *(f"mean_{name}" for name in around.single)]
        tree["adaptive"] = {"outcome": draw(st.sampled_from(read_outs)), "treat_above": draw(st.sampled_from([0.5, 9])),
                            "stop_below": 0.3, "tissue": names[0],
                            **draw(some(check_every=st.just(2 * around.dt)))}  # fmt: skip
        if often(draw, 6):
            tree["adaptive"] |= {"toxicity": draw(st.sampled_from(read_outs)), "skip_above": 1}
    return tree


@st.composite
def medicine(draw: st.DrawFn, around: Around) -> Tree:
    """Drugs with their treatments."""
    tree: Tree = {"drugs": {}, "treatments": {}}
    known = [kind for kind in KINDS if around.factors or kind not in ON_FACTORS]
    for name in ("pill", "cream")[: draw(st.sampled_from([0, 1, 2, 2]))]:
        route = draw(st.sampled_from(["oral", "bolus", "infusion", "topical"]))
        kinds = draw(st.lists(st.sampled_from(known), min_size=2, max_size=6, unique=True))
        drug: Tree = {"route": route, "half_life": draw(st.sampled_from([0.05, 0.5, 30])),
                      "effects": {kind: draw(effects(around, kind)) for kind in kinds}}  # fmt: skip
        drug |= {"penetration_depth": 30} if route == "topical" else {}
        drug |= draw(some(absorption_half_life=st.sampled_from([0.05, 0.3]), bioavailability=shares,
                          penetration=named((*around.tissues, "others"), st.sampled_from([0, 2]))))  # fmt: skip
        tree["drugs"][name] = drug
        tree["treatments"][f"give_{name}"] = {"drug": name, **draw(treatments(around, route))}
    if often(draw, 2):
        tree["treatments"]["bundled"] = {"drug": "dasatinib_quercetin", "amount": "55 mg/kg", "start": around.dt}
    return tree


@st.composite
def events(draw: st.DrawFn, around: Around, kind: str) -> Tree:
    """One thing that is done to a tissue."""
    name = draw(st.sampled_from(sorted(around.tissues)))
    tree: Tree = {"kind": kind, "tissue": name, "day": draw(around.moments())}
    tree |= draw(st.sampled_from([{}, {}, {"interval": around.dt}, {"interval": 2, "repeats": 1},
                                  {"interval": 2 * around.dt, "until": around.days}]))  # fmt: skip
    about = around.tissues[name]
    sites = n_sites(about)
    if kind == "graft" and sites and often(draw, 4):
        tree["n_cells"] = 2.0 * about.get("represents", sites) / sites
    else:
        tree["radius"] = draw(st.sampled_from([11, 25, "whole tissue"]))
    if often(draw, 3):
        tree["at"] = [SPACING / 2] * len(axes(about))
    tree |= draw(some(cell_types=st.lists(st.sampled_from(around.types), min_size=1, unique=True)))
    if kind == "graft":
        cells = [f"{state}{kind}" for state in ("healthy", "senescent") for kind in ("", f" {around.types[-1]}")]
        tree |= draw(some(cells=st.sampled_from(cells), since_onset=times))
    elif kind == "removal":
        tree |= draw(some(found=shares))
    else:
        tree |= {"share": draw(shares), "delay": draw(st.sampled_from([0, around.dt])),
                 "duration": draw(st.sampled_from([2 * around.dt, 0]))}  # fmt: skip
        tree |= draw(some(penetration_depth=st.just(20))) if kind == "irradiation" else {}
        tree |= {"margin": draw(st.sampled_from([30, 0]))} if kind == "wound" else {}
    return tree


# ------------------------------------------------------------------------------------------------- the individual


@st.composite
def individuals(draw: st.DrawFn, around: Around) -> Tree:
    """What befalls the body as a whole, how individuals differ, and what is measured on them."""
    walking = {name for tree in around.tissues.values() for name, each in tree.get("patrols", {}).items()
               if each.get("circulates")}  # fmt: skip
    tree: Tree = {"body": draw(some(
        fluctuation=st.sampled_from([2, 50]), systemic_share=shares, blood_volume=st.sampled_from([1.0, 1e5]),
    ))}  # fmt: skip
    tree["body"]["circulation"] = {name: {"number": 1e7, **draw(some(renewal=times))} for name in sorted(walking)}
    if often(draw, 3):
        tree["body"]["death"] = draw(st.sampled_from([
            {"burden": 20}, {"burden": 40, "steepness": 0.1},
            {"burden": 100, "other": {"rate": 0.5, "doubling_time": "1 yr"}},
        ]))  # fmt: skip
    if often(draw, 3):
        trait = some(spread=st.sampled_from([0.2, 1]), by_sex=st.just({"female": 0.5}),
                     distribution=st.sampled_from(["lognormal", "normal", "uniform"]))  # fmt: skip
        about = some(damage=trait, removal=trait, susceptibility=trait, age_spread=st.just(20))
        tree["individuals"] = {"sexes": {"female": 1, "male": 1}, **draw(about)}
    able = [f"{name}.strength" for name, each in around.tissues.items() if each.get("functions")]
    if able:
        how = some(deficit=maybe, scale=st.just(100))
        tree["outcomes"] = {"force": {"weights": dict.fromkeys(able, 1), **draw(how)}}
    return tree


@st.composite
def environments(draw: st.DrawFn, around: Around) -> Tree:
    """Temperature and oxygen, and rates that they multiply."""
    paths = [f"tissues.{name}.{rate}" for name in around.tissues for rate in ("damage.per_year", "clearance.max_rate")]
    paths += [f"factors.{name}.secretion.strength" for name in around.factors]
    of = draw(st.lists(st.sampled_from(paths), min_size=1, unique=True))
    law = some(q10=st.sampled_from([0.5, 2]), optimum=st.just(34), oxygen_half_max=st.just(5))
    here = draw(some(oxygen=st.sampled_from([0, 5])))
    return {"temperature": draw(st.sampled_from([4, 33, 40])), **here, "reference": {"temperature": 33},
            "rates": {"warmth": {"of": of, **draw(law)}}}  # fmt: skip


@st.composite
def arms(draw: st.DrawFn, tree: Tree) -> Tree:
    """The scenario as it is, and perhaps an arm that leaves something out or changes it."""
    changes: list[Tree] = [{"tissues": {"skin": {"damage": {"baseline": 3}}}}, {"age_at_start": "1 yr"}]
    changes += [{group: {name: None}} for group in ("events", "treatments") for name in tree[group]]
    return {"whole": {}, "other": draw(st.sampled_from(changes))} if often(draw, 3) else {"whole": {}}


@st.composite
def scenarios(draw: st.DrawFn) -> Tree:
    """A scenario of cells in space, of a few steps."""
    names = draw(st.permutations(FACTORS))[: draw(st.sampled_from([2, 1, 3, 0]))]
    shared, tracked = often(draw, 3), often(draw, 3)
    dt = draw(st.sampled_from([0.5, 2.0, 2.0, 0.1, 30.0]))
    matrix = "drift" if "drift" in names and often(draw, 6) else None
    around = Around(
        types=draw(st.sampled_from([TYPES[:2], TYPES, TYPES[:1], TYPES])), dt=dt, days=dt * draw(st.integers(4, 6)),
        factors=tuple(names), kernels=frozenset(name for name in names if name != matrix and often(draw, 2)),
        matrix=matrix, shares_told=shared or tracked, tracked=tracked,
    )  # fmt: skip
    for name in ("skin", "lung")[: draw(st.sampled_from([1, 1, 2]))]:
        around.tissues[name] = draw(tissues(around))
    kinds = draw(st.permutations(["graft", "wound", "irradiation", "infection", "removal"]))
    every = draw(st.sampled_from([dt, 2 * dt]))
    layers = ["state", "cause", "generation", "type", "cargo", "quality", "melanin", "activation", "dendrites"]
    maps = {"maps": [*layers, *around.single], "maps_every": dt} if often(draw, 3) else {}
    tree: Tree = {
        "days": around.days, "dt": dt, "replicates": 1, "seed": draw(st.integers(0, 2**63)),
        "age_at_start": draw(st.sampled_from([0, "3 mo", "2 yr"])), "tissues": around.tissues,
        "factors": {name: draw(factors(around, name)) for name in names},
        "events": {f"{kind}_1": draw(events(around, kind)) for kind in kinds[: draw(st.sampled_from([1, 0, 2, 3]))]},
        **draw(medicine(around)), **draw(individuals(around)),
        "record": {"every": every, "attribution": shared, **draw(some(patterns=maybe)), **maps},
    }  # fmt: skip
    if tracked:
        tree |= {"generations": "tracked", "sender_reach": draw(st.sampled_from([25, 500]))}
    tree |= {"environment": draw(environments(around))} if often(draw, 4) else {}
    tree |= {"stop": {"cause": "damage", "count": 1}} if often(draw, 2) else {}
    return {**tree, "arms": draw(arms(tree))}
