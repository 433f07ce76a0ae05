"""The paragraph about how individuals differ: what they bring along, the same in every arm."""

from __future__ import annotations

import numpy as np

from sim.explain.words import Teller, listed, paragraph
from sim.organism.individuals import spread_out
from sim.scenario.individuals import Trait
from sim.scenario.quantity import duration

CENTRAL = np.array([0.025, 0.975])  # quantiles between which 95 % lie
MEANINGS = {
    "damage": "the hazard of damage",
    "removal": "immune removal, by clearance and by patrols",
    "susceptibility": "the susceptibility of all their cells, to damage and to signals",
}
SHAPES = {
    "lognormal": "lognormal about 1, of whose logarithm the standard deviation is {}",
    "normal": "normal about 1 with a standard deviation of {}",
    "uniform": "uniform about 1 with a standard deviation of {}",
}


def individuals_words(teller: Teller) -> str:
    """Sexes, ages and multipliers; nothing where individuals differ in their luck alone."""
    individuals = teller.settings.individuals
    if not (individuals.differ or individuals.sexes):
        return ""
    alike = all(arm.individuals == individuals for arm in teller.scenario.arms.values())
    traits = "with the same traits" if alike else "but its traits are those of the arm, by the same luck"
    parts = [f"Individuals. Number 17 is the same one in every arm, {traits}."]
    if individuals.sexes:
        whole = sum(individuals.sexes.values())
        parts.append(listed(f"{100 * share / whole:.3g} % {sex}" for sex, share in individuals.sexes.items()) + ".")
    if individuals.age_spread > 0.0:
        age, spread = duration(teller.settings.age_at_start), duration(individuals.age_spread)
        cited = teller.cite("individuals.age_spread")
        parts.append(f"Age at the start: normal about {age} with a standard deviation of {spread}{cited}.")
    parts += [_trait(teller, name, trait) for name, trait in individuals.traits.items() if trait.differs]
    return paragraph([" ".join(parts)])


def _trait(teller: Teller, name: str, trait: Trait) -> str:
    """One multiplier."""
    at = f"individuals.{name}"
    how = []
    if trait.spread > 0.0:
        low, high = spread_out(trait, CENTRAL)
        shape = SHAPES[trait.distribution].format(f"{trait.spread:.3g}{teller.cite(f'{at}.spread')}")
        how.append(f"{shape}: 95 % between {low:.3g} and {high:.3g}")
    if trait.by_sex:
        sexes = listed(f"{value:.3g} in {sex}" for sex, value in trait.by_sex.items())
        how.append(f"times {sexes}{teller.cite_named(f'{at}.by_sex', trait.by_sex)}")
    return f"A multiplier of {MEANINGS[name]}: {', '.join(how)}."
