"""A paragraph about the pigment of a tissue, and how its read-outs tell one mechanism from another."""

from __future__ import annotations

from collections.abc import Iterator

from sim.explain.words import Teller, listed, wrap
from sim.rules.pigment import typology_angle
from sim.scenario.pigment import Pigment
from sim.scenario.quantity import duration
from sim.scenario.tissue import Tissue

READ_OFF = (
    "What a treatment does is told apart by three columns: less release of the factors lowers activation_mean and "
    "dendrites_mean; less synthesis lowers all melanin and leaves activation_mean as it was; less transfer raises "
    "melanin_in_melanocytes and lowers melanin_in_keratinocytes."
)


def pigment_words(teller: Teller, at: str, tissue: Tissue) -> Iterator[str]:
    """Sentences about the pigment of a tissue, if it has any."""
    pigment = tissue.pigment
    if pigment is not None and teller.settings.mode == "tissue":
        at = f"{at}.pigment"
        yield f"Pigment. {_waking(teller, at, pigment)} {_dendrites(teller, at, pigment)} {_fate(teller, at, pigment)}"
        yield _looks(teller, at, pigment)


def told_apart(teller: Teller) -> str:
    """How mechanisms are told apart, where some tissue has pigment."""
    tissues = teller.settings.tissues.values()
    there = teller.settings.mode == "tissue" and any(tissue.pigment for tissue in tissues)
    return wrap(f"Reading pigment. {READ_OFF}") if there else ""


def _waking(teller: Teller, at: str, pigment: Pigment) -> str:
    by = [f"{name} (half of it at a level of {teller.say(f'{at}.activated_by.{name}.half_max')}"
          f"{teller.cite(f'{at}.activated_by.{name}.half_max')})" for name in pigment.activated_by]  # fmt: skip
    basal = f"a stimulus of {pigment.basal_stimulus:.3g} that is always there{teller.cite(f'{at}.basal_stimulus')}"
    by += [basal] if pigment.basal_stimulus > 0 else []
    rates = f"{pigment.k_on:.3g} per day and unit of stimulus, and rest at {pigment.k_off:.3g} per day"
    waking = f"wake by {listed(by)}, at {rates}{teller.cite(f'{at}.k_on', f'{at}.k_off')}" if by else "are at rest"
    return f"Cells of type {listed(pigment.melanocytes)} {waking}."


def _dendrites(teller: Teller, at: str, pigment: Pigment) -> str:
    about, key = pigment.dendrites, f"{at}.dendrites"
    numbers = f"from {about.resting:.3g} to {about.activated:.3g} dendrites"
    reach = f"from {about.resting_reach:.3g} to {about.activated_reach:.3g} um"
    return (
        f"With activation they grow {numbers}{teller.cite(f'{key}.resting', f'{key}.activated')}, which reach {reach}"
        f"{teller.cite(f'{key}.resting_reach', f'{key}.activated_reach')} and hand melanin in equal parts to all cells "
        f"of type {listed(pigment.keratinocytes)} there."
    )


def _fate(teller: Teller, at: str, pigment: Pigment) -> str:
    return (
        f"A resting one makes {100 * pigment.basal_share:.3g} % of what a fully active one does"
        f"{teller.cite(f'{at}.basal_share')}; a day, {100 * pigment.transfer:.3g} % of its melanin is handed over and "
        f"{100 * pigment.degradation:.3g} % broken down{teller.cite(f'{at}.transfer', f'{at}.degradation')}, as rates; "
        f"in a senescent one the first is {pigment.senescent_transfer:.3g} times that"
        f"{teller.cite(f'{at}.senescent_transfer')}. Melanin stays in the epidermis for "
        f"{duration(pigment.turnover)} in the mean{teller.cite(f'{at}.turnover')}."
    )


def _looks(teller: Teller, at: str, pigment: Pigment) -> str:
    light, spot, key = pigment.lightness, pigment.spot, f"{at}.lightness"
    numbers = (light.lightest, light.darkest, light.scale)
    shades = {"no melanin": 0.0, "that of resting skin": 1.0, "three times that": 3.0}
    ends = ", ".join(f"{typology_angle(melanin, *numbers):.0f} with {words}" for words, melanin in shades.items())
    cited = teller.cite(f"{key}.lightest", f"{key}.darkest", f"{key}.scale")
    return (
        f"Lightness, in degrees like the individual typology angle: {ends}{cited}. A spot is where squares of "
        f"{spot.grain:.3g} um have more than {spot.threshold:.3g} times the melanin of resting skin; contrast is the "
        f"lightness of the lightest {100 * spot.tail:.3g} % of the squares less that of the darkest"
        f"{teller.cite(f'{at}.spot.grain', f'{at}.spot.threshold', f'{at}.spot.tail')}."
    )
