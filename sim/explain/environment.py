"""A paragraph about temperature and oxygen, and a table of what they multiply, by arm."""

from __future__ import annotations

from sim.explain.words import Teller, listed, wrap
from sim.scenario.environment import Environment


def environment_words(teller: Teller) -> str:
    """What temperature and oxygen act on, and by what they multiply it in every arm; nothing where no arm has them."""
    arms = {arm: each.environment for arm, each in teller.scenario.arms.items() if each.environment is not None}
    if not arms:
        return ""
    around = teller.settings.environment or next(iter(arms.values()))
    at = around.reference
    head = (
        f"Environment. The rates of this text hold at {at.temperature:g} degC and {at.oxygen:.3g} % oxygen; "
        "temperature and oxygen multiply these:"
    )
    rates = [wrap(f"{name}: {_rate(teller, name, around)}", "  ", "    ") for name in around.rates]
    found: dict[str, list[str]] = {}
    for arm, each in arms.items():
        found.setdefault(_arm(each), []).append(arm)
    told = [wrap(f"{words}: {', '.join(names)}.", "  ", "    ") for words, names in found.items()]
    return "\n".join([wrap(head), *rates, *told])


def _rate(teller: Teller, name: str, around: Environment) -> str:
    rate, key = around.rates[name], f"environment.rates.{name}"
    words = [f"times {rate.q10:g} per 10 degC{teller.cite(f'{key}.q10')}"] if rate.q10 != 1.0 else []
    if rate.optimum is not None:
        words.append(f"no more from {rate.optimum:g} degC on{teller.cite(f'{key}.optimum')}")
    if rate.oxygen_half_max is not None:
        words.append(f"half of it at {rate.oxygen_half_max:g} % oxygen{teller.cite(f'{key}.oxygen_half_max')}")
    return f"{listed(rate.of)}; {listed(words or ['times 1'])}."


def _arm(around: Environment) -> str:
    """``1 degC and 2 % oxygen: ripening times 0.27 and rot times 0.15``."""
    scales = [f"{name} times {around.multiplier(name):.3g}" for name in around.rates]
    place = f"{around.temperature:g} degC and {around.oxygen:.3g} % oxygen"
    return f"at {place} {listed(scales)}" if scales else f"at {place} nothing"
