"""Paragraphs about one drug: how long it stays, how deep it gets, each effect with its limits."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sim.explain.words import Teller, listed, paragraph, scaled
from sim.scenario.drug import BOOSTS, HAZARDS, Drug, Effect
from sim.scenario.load import Scenario
from sim.scenario.quantity import duration
from sim.scenario.schema import Settings

_DOES = {
    "kill_senescent": "kills senescent cells at up to {size}",
    "kill_healthy": "kills healthy cells at up to {size}",
    "kill_immune": "kills immune cells at up to {size}",
    "inhibit_secretion": "lowers the secretion of {factors} by up to {size}",
    "neutralise": "neutralises {factors}, raising the decay up to {size}",
    "block_uptake": "lowers the uptake of {factors} by up to {size}",
    "inhibit_response": "lowers the response of healthy cells to {factors} by up to {size}",
    "inhibit_induction": "averts up to {size} of induction of any kind",
    "raise_maintenance": "averts up to {size} of induction of any kind, as upkeep does",
    "boost_immune": "raises immune clearance up to {size}",
    "unjam_immune": "takes up to {size} of the jamming of clearance away",
    "boost_repair": "raises repair up to {size}",
    "rejuvenate": "makes senescent cells healthy at up to {size}",
    "induce_senescence": "turns healthy cells senescent at up to {size}",
    "inhibit_melanin_synthesis": "lowers the synthesis of melanin by up to {size}",
    "inhibit_melanin_transfer": "lowers the transfer of melanin by up to {size}",
}


def given_drugs(scenario: Scenario, common: Settings) -> dict[str, Teller]:
    """Every drug that is given in some arm, told as the common part has it, else as the first arm that gives it."""
    tellers: dict[str, Teller] = {}
    for arm, settings in scenario.arms.items():
        for treatment in settings.treatments.values():
            shared = treatment.drug in common.drugs
            if treatment.drug not in tellers:
                tellers[treatment.drug] = Teller(scenario, common) if shared else Teller(scenario, settings, arm)
    return tellers


def kills_immune(scenario: Scenario) -> bool:
    """Whether some drug that is given kills immune cells."""
    return any(
        effect.kind == "kill_immune" and effect.emax > 0
        for settings in scenario.arms.values()
        for treatment in settings.treatments.values()
        for effect in settings.drugs[treatment.drug].effects.values()
    )


def drug_words(teller: Teller, name: str) -> str:
    """Paragraphs about the drug `name`."""
    drug, at = teller.settings.drugs[name], f"drugs.{name}"
    does = [_effect(teller, f"{at}.effects.{each}", each, effect, drug) for each, effect in drug.effects.items()]
    return paragraph([f"Drug {name}. {_stays(teller, at, name, drug)}", *(does or ["It has no effect."])])


def size(kind: str, value: float) -> str:
    """A `value` of an effect with the unit of its kind: a hazard, a gain as a multiple, or a share of at most 100 %."""
    if kind in HAZARDS:
        return f"{value:.3g} per day"
    if kind in BOOSTS:
        return f"{1 + value:.4g}-fold"
    return f"{100 * min(value, 1.0):.3g} %"


def _stays(teller: Teller, at: str, name: str, drug: Drug) -> str:
    """How it gets in, how long it stays, and where it gets."""
    routes = {
        treatment.route or drug.route
        for settings in teller.scenario.arms.values()
        for treatment in settings.treatments.values()
        if treatment.drug == name
    }
    parts = [f"{drug.description.rstrip('.')}. " if drug.description else ""]
    parts.append(f"Amounts are in {drug.unit}. Half of it is gone after {duration(drug.half_life)}")
    parts.append(f"{teller.cite(f'{at}.half_life')}.")
    if "oral" in routes:
        used = [f"{at}.{key}" for key in ("absorption_half_life", "bioavailability")]
        taken = f"{duration(drug.absorption_half_life)}, and {100 * drug.bioavailability:.3g} % reach the body"
        parts.append(f" Half of an oral dose is absorbed after {taken}{teller.cite(*used)}.")
    if drug.penetration:
        places = scaled(drug.penetration, "in {}", "in all other tissues")
        cited = teller.cite_named(f"{at}.penetration", drug.penetration)
        parts.append(f" The concentration is that of the body {places}{cited}.")
    if "topical" in routes:
        falls = "is the same at all depths"
        if drug.penetration_depth is not None:
            cited = teller.cite(f"{at}.penetration_depth")
            falls = f"falls to 1/e per {drug.penetration_depth:.3g} um of depth{cited}"
        parts.append(f" Applied to a surface, its concentration {falls}.")
    return "".join(parts)


def _effect(teller: Teller, at: str, name: str, effect: Effect, drug: Drug) -> str:
    called = "" if name == effect.kind else f" ({name})"
    if effect.emax == 0:
        return f"It does nothing as {effect.kind}{called}: emax is 0{teller.cite(f'{at}.emax')}."
    factors = listed(effect.factors) if effect.factors else "all factors"
    what = _DOES[effect.kind].format(size=size(effect.kind, effect.emax), factors=factors)
    power = f", power {effect.power:.3g}" if effect.power != 1 else ""
    used = [f"{at}.emax", f"{at}.ec50", *([f"{at}.power"] if power else [])]
    half = f"half of {'the gain' if effect.kind in BOOSTS else 'it'} at {effect.ec50:.6g} {drug.unit}"
    head = f"It {what}{called}, {half}{power}{teller.cite(*used)}"
    return f"{'; '.join([head, *_limits(teller, at, effect)])}."


def _limits(teller: Teller, at: str, effect: Effect) -> Iterator[str]:
    """Where and on which cells an effect is less or more, and how it lags."""
    for key, here, elsewhere in (
        ("by_tissue", "in {}", "in all other tissues"),
        ("by_type", "for {} cells", "for all other cells"),
        ("by_cause", "where {} turned the cell", "for all other causes"),
        ("by_generation", "for {} cells", "for all other generations"),
    ):
        scales = getattr(effect, key)
        if scales:
            yield f"{scaled(scales, here, elsewhere)}{teller.cite_named(f'{at}.{key}', scales)}"
    window = []
    if effect.senescent_from > 0:
        window.append(f"for at least {duration(effect.senescent_from)}{teller.cite(f'{at}.senescent_from')}")
    if math.isfinite(effect.senescent_until):
        window.append(f"for less than {duration(effect.senescent_until)}{teller.cite(f'{at}.senescent_until')}")
    if window:
        yield f"only on cells that are senescent {listed(window)}"
    if effect.time_constant > 0:
        lag = f"{duration(effect.time_constant)}{teller.cite(f'{at}.time_constant')}"
        yield f"it follows the drug, and is lost after it, with a time constant of {lag}"
