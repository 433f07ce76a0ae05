"""Paragraphs about one factor: how it travels, who secretes it, what it does."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from sim.explain.words import Teller, listed, paragraph
from sim.scenario.factor import Factor
from sim.scenario.quantity import duration
from sim.scenario.response import Response


def factor_words(teller: Teller, name: str) -> str:
    """Paragraphs about the factor `name`; of the parts of one factor, all with the first one."""
    factor, at = teller.settings.factors[name], f"factors.{name}"
    parts = _parts(teller, name)
    if parts and name != next(iter(parts)):
        return ""
    acts = [*_actions(teller, at, factor), *(lead for each in parts or [name] for lead in _leads(teller, each))]
    acts = acts or ["It acts on nothing, and is only recorded."]
    called = f"Factor {name}"
    if parts:
        called = f"Factor {teller.scenario.parts[name][0]}, apart for each source ({', '.join(parts)}),"
    travel = f"{called} {_travel(teller, at, factor)}{_ventilation(teller, at, factor)}"
    words = [travel, _secretion(teller, at, factor, bool(parts)), " ".join(acts)]
    return paragraph(words) + (_matrix(teller, parts) if parts else "")


def _parts(teller: Teller, name: str) -> dict[str, Factor]:
    """The factors beside which a part stands, itself included; none for a factor that is whole."""
    known, factors = teller.scenario.parts, teller.settings.factors
    whole = known[name][0] if name in known else None
    return {part: factors[part] for part, (written, _) in known.items() if written == whole and part in factors}


def _matrix(teller: Teller, parts: Mapping[str, Factor]) -> str:
    """A line per target: what it takes up of each source; and how much of the factor cells of each source give off."""
    targets = list(dict.fromkeys(target for factor in parts.values() for target in factor.uptake))
    sources = [teller.scenario.parts[part][1] for part in parts]
    given_off = [
        factor.secretion.by_type.get(source, 1.0) for source, factor in zip(sources, parts.values(), strict=True)
    ]
    numbers = [[factor.uptake.get(target, 0.0) for factor in parts.values()] for target in targets]
    rows = [["affinity", *(f"from {source}" for source in sources)]]
    rows += [
        [name, *(f"{value:.3g}" for value in row)]
        for name, row in zip([*(f"to {target}" for target in targets), "secretion"], [*numbers, given_off], strict=True)
    ]
    first, *widths = (max(map(len, column)) for column in zip(*rows, strict=True))
    return "".join(
        f"\n  {row[0]:<{first}}" + "".join(f"  {each:>{width}}" for each, width in zip(row[1:], widths, strict=True))
        for row in rows
    )


def _ventilation(teller: Teller, at: str, factor: Factor) -> str:
    """What airing takes, as the level that it leaves where nothing else takes the factor up."""
    if factor.ventilation == 0.0:
        return ""
    left = factor.own_decay / (factor.own_decay + factor.ventilation)
    return (
        f" Ventilation removes {factor.ventilation:.3g} per day more{teller.cite(f'{at}.ventilation')}, which is no "
        f"part of the unit: it leaves {100 * left:.3g} % of every steady level."
    )


def _travel(teller: Teller, at: str, factor: Factor) -> str:
    if factor.transport == "kernel":
        assert factor.kernel is not None
        used = [f"{at}.kernel.{key}" for key in ("emission", "autocrine", "capture_length")]
        return (
            f"is given off at {factor.kernel.emission:.4g} ligands per hour, of which the cell itself takes "
            f"{100 * factor.kernel.autocrine:.3g} % and half of the others are bound within "
            f"{factor.kernel.capture_length:.4g} um{teller.cite(*used)}."
        )
    used = [f"{at}.{key}" for key in ("reach", "decay_rate", "diffusivity")]
    if factor.own_decay == 0:
        spread = f"spreads with D = {factor.diffusivity:.3g} um^2/s{teller.cite(*used)}"
        return f"does not decay and has no steady level; it {spread}."
    settle = f"settles in {duration(1 / factor.own_decay)} (1/k)"
    step = duration(teller.settings.dt)
    pace = f"far less than the step of {step}, so that a step sees its steady level"
    if factor.own_decay * teller.settings.dt < 10:
        pace = f"against a step of {step}; each step is taken exactly"
    if factor.transport == "well_mixed":
        return f"is the same everywhere{teller.cite(f'{at}.decay_rate')}; it {settle}, {pace}."
    return (
        f"reaches {factor.length:.3g} um (sqrt(D/k), D = {factor.diffusivity:.3g} um^2/s) and {settle}, {pace}"
        f"{teller.cite(*used)}."
    )


def _secretion(teller: Teller, at: str, factor: Factor, is_part: bool) -> str:
    secretion = factor.secretion
    parts = [f"Full secretion {duration(secretion.delay + secretion.ramp)} after turning"]
    if secretion.delay > 0:
        parts[0] += f", the first after {duration(secretion.delay)}"
    parts[0] += teller.cite(f"{at}.secretion.ramp")
    if math.isfinite(secretion.duration):
        parts.append(f"it ends {duration(secretion.duration)} later")
    if secretion.strength != 1:
        parts.append(f"strength {secretion.strength:.3g}")
    if secretion.healthy > 0:
        share = f"{secretion.healthy:.3g} of it{teller.cite(f'{at}.secretion.healthy')}"
        parts.append(f"healthy cells give {share}, all the time")
    parts.append(f"secondary cells give {secretion.secondary:.3g} of it{teller.cite(f'{at}.secretion.secondary')}")
    parts += [f"cells turned by {cause} give {share:.3g}" for cause, share in secretion.by_cause.items()]
    parts += [f"{kind} cells give {share:.3g}" for kind, share in secretion.by_type.items() if not is_part]
    return f"{'; '.join(parts)}."


def _leads(teller: Teller, name: str) -> Iterator[str]:
    """Who else reads it: patrols, functions, melanocytes, adaptive treatments."""
    for where, tissue in teller.settings.tissues.items():
        led = [kind for kind, patrol in tissue.patrols.items() if patrol.follows == name]
        if led:
            yield f"It leads patrols in {where}: {listed(led)}."
        deeds = {
            "erodes": [each for each, function in tissue.functions.items() if name in function.losses],
            "builds up": [each for each, function in tissue.functions.items() if name in function.gains],
            "wakes": ["melanocytes"] if tissue.pigment and name in tissue.pigment.activated_by else [],
        }
        yield from (f"It {does} {listed(what)} in {where}." for does, what in deeds.items() if what)
    steered = [
        treatment
        for treatment, each in teller.settings.treatments.items()
        if each.adaptive is not None and f"mean_{name}" in (each.adaptive.outcome, each.adaptive.toxicity)
    ]
    if steered:
        yield f"Its mean level steers treatments: {listed(steered)}."


def _actions(teller: Teller, at: str, factor: Factor) -> Iterator[str]:
    if factor.induction is not None:
        yield f"Its level turns healthy cells senescent {_response(teller, f'{at}.induction', factor.induction)}."
    if factor.cargo is not None:
        taken = ", ".join(f"{kind} {value:.3g}" for kind, value in factor.uptake.items())
        if at.removeprefix("factors.") in teller.scenario.parts:
            taken = "below, doses of different sources apart"
        yield (
            f"Healthy cells take it up (affinity {taken}{teller.cite_named(f'{at}.affinity', factor.uptake)}) and "
            f"lose it over {duration(factor.cargo.memory)}{teller.cite(f'{at}.cargo.memory')}; the accumulated dose "
            f"turns them senescent {_response(teller, f'{at}.cargo.response', factor.cargo.response)}."
        )
        if factor.cargo.response.hill is not None:
            yield "Their quality is 1 less the share of that rate which their dose has reached."
    for key, what in (("jams_immunity", "clearance"), ("inhibits_repair", "repair")):
        if getattr(factor, key) is not None:
            path = f"{at}.{key}.half_max"
            yield f"A level of {teller.say(path)} halves {what}{teller.cite(path)}."
    if factor.boosts_repair is not None:
        boost = factor.boosts_repair
        used = [f"{at}.boosts_repair.{key}" for key in ("max", "half_max", *(["power"] if boost.power != 1 else []))]
        power = f", power {boost.power:.3g}" if boost.power != 1 else ""
        yield (
            f"Its level raises repair up to {1 + boost.max:.4g}-fold, half of the gain at {boost.half_max:.3g}"
            f"{power}{teller.cite(*used)}."
        )
    if factor.ages_immunity is not None:
        ages = factor.ages_immunity
        used = [f"{at}.ages_immunity.{key}" for key in ("max_rate", "half_max", "power")]
        yield (
            f"Its mean level makes immune cells senescent at up to {ages.max_rate:.3g} per day, half of it at "
            f"{ages.half_max:.3g}, power {ages.power:.3g}{teller.cite(*used)}."
        )
    if factor.attracts_immunity is not None:
        attracts = factor.attracts_immunity
        used = [f"{at}.attracts_immunity.{key}" for key in ("basal", "half_max")]
        yield (
            f"It attracts immune cells: {100 * attracts.basal:.3g} % of clearance needs none of it, and half of the "
            f"rest comes at a level of {attracts.half_max:.3g}{teller.cite(*used)}."
        )


def _response(teller: Teller, at: str, response: Response) -> str:
    if response.hill is not None:
        hill = response.hill
        used = [f"{at}.hill.{key}" for key in ("max_rate", "half_max", "power")]
        half = f"half of it at {hill.half_max:.3g}, power {hill.power:.3g}"
        return f"at up to {hill.max_rate:.3g} per day, {half}{teller.cite(*used)}"
    if response.linear is not None:
        return f"at {response.linear.rate:.3g} per day and unit{teller.cite(f'{at}.linear.rate')}"
    assert response.poisson_tail is not None
    tail = response.poisson_tail
    used = [f"{at}.poisson_tail.{key}" for key in ("threshold", "rate")]
    chance = f"the chance that more than {tail.threshold} ligands bind in an hour"
    return f"at {tail.rate:.3g} per day times {chance}{teller.cite(*used)}"
