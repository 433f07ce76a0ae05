"""Paragraphs about what tissues have in common: factors and immune cells in the blood, and how they are counted."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from sim.explain.words import Teller, listed, paragraph, wrap
from sim.organism.blood import Exchange, in_blood
from sim.scenario.places import n_cells, organ_cells, organ_volume
from sim.scenario.quantity import duration
from sim.scenario.schema import Settings
from sim.tissue.parameters import total_decay


def blood_words(teller: Teller) -> str:
    """Factors that circulate, how far each gets by the blood, and immune cells that do."""
    settings = teller.settings
    factors = [_factor(teller, name) for name in in_blood(settings)]
    pools = [_pool(teller, kind) for kind in settings.body.circulation]
    if not factors and not pools:
        return ""
    head = f"Blood, {teller.say('body.blood_volume')}{teller.cite('body.blood_volume')}"
    if not factors:
        return paragraph([f"{head}.", *pools])
    volumes = listed(_volume(teller, name) for name in _connected(settings))
    told = paragraph([f"{head}. Dissolved in it and in the tissues that it reaches: {volumes}.", *factors, *pools])
    return "\n".join([told, *(table for name in in_blood(settings) for table in _reach(settings, name))])


def _connected(settings: Settings) -> list[str]:
    """Tissues that exchange some factor with the blood."""
    joined = {tissue for name in in_blood(settings) for tissue in Exchange(name, settings).tissues}
    return [name for name in settings.tissues if name in joined] or ["none"]


def _volume(teller: Teller, name: str) -> str:
    if name not in teller.settings.tissues:
        return name
    tissue = teller.settings.tissues[name]
    cited = teller.cite(f"tissues.{name}.volume") if tissue.volume is not None else ""
    return f"{name} of {organ_volume(tissue):.5g} mm^3{cited}"


def _factor(teller: Teller, name: str) -> str:
    """What leaks, how long it lasts in the plasma, and what it favours."""
    at, blood = f"factors.{name}.blood", teller.settings.factors[name].blood
    assert blood is not None
    words = f"{name} circulates: it leaks out of tissues at {blood.leak:.3g} per day{teller.cite(f'{at}.leak')}"
    if blood.leak_by_tissue:
        scales = listed(f"{value:.3g} in {tissue}" for tissue, value in blood.leak_by_tissue.items())
        words += f", times {scales}{teller.cite_named(f'{at}.leak_by_tissue', blood.leak_by_tissue)}"
    if math.isinf(blood.half_life):
        words += "; none of it is lost in the plasma"
    else:
        words += f"; half of it is gone from the plasma after {duration(blood.half_life)}"
    words += teller.cite(f"{at}.half_life")
    if blood.tropism:
        favours = listed(f"{value:.3g} in {tissue}" for tissue, value in blood.tropism.items())
        words += f"; by exchange alone a plasma level of 1 balances one of {favours}"
        words += teller.cite_named(f"{at}.tropism", blood.tropism)
    return f"{words}."


def _reach(settings: Settings, name: str) -> Iterator[str]:
    """The levels that one tissue alone brings about elsewhere, as a table."""
    exchange = Exchange(name, settings)
    if not exchange.tissues:
        return
    losses = {each: total_decay(settings.factors[name], settings.tissues[each]) for each in exchange.tissues}
    yield wrap(f"Reach through blood of {name}: of what a tissue gives off, the share that leaks out; and levels at "
               "rest, without drugs, where it alone gives off and has a mean level of 1.", "  ", "  ")  # fmt: skip
    there = [tissue for tissue in settings.tissues if tissue in losses]
    columns = ["leaks", "plasma", *there]
    wide = max(len("from"), *map(len, there))
    yield "    " + f"{'from':<{wide}}" + "".join(f"  {column:>{max(8, len(column))}}" for column in columns)
    for tissue in there:
        i = exchange.tissues.index(tissue)
        found, plasma = exchange.at_rest(np.eye(len(there))[i], np.array([*losses.values()]))
        levels = dict(zip(exchange.tissues, (found / found[i]).tolist(), strict=True))
        leaks = float(exchange.rates[-1, i]) / (float(exchange.rates[-1, i]) + losses[tissue])
        row = [f"{100 * leaks:.2g} %", f"{plasma / found[i]:.2g}", *(f"{levels[each]:.2g}" for each in there)]
        shown = zip(columns, row, strict=True)
        yield f"    {tissue:<{wide}}" + "".join(f"  {value:>{max(8, len(column))}}" for column, value in shown)


def _pool(teller: Teller, kind: str) -> str:
    """Patrols that circulate, and for how many cells one of them stands."""
    settings, at = teller.settings, f"body.circulation.{kind}"
    here = {name: tissue for name, tissue in settings.tissues.items()
            if kind in tissue.patrols and tissue.patrols[kind].circulates}  # fmt: skip
    lost = "" if math.isinf(settings.body.circulation[kind].renewal) else (
        f", renewed over {duration(settings.body.circulation[kind].renewal)}{teller.cite(f'{at}.renewal')}"
    )  # fmt: skip
    stands = listed(f"{organ_cells(tissue) / max(1.0, n_cells(tissue)):.3g} of {name}" for name, tissue in here.items())
    return (
        f"Of {kind}, {teller.say(f'{at}.number')} are in the blood at rest{teller.cite(f'{at}.number')}{lost}. They "
        f"enter {listed(here)} in proportion to how many are there; one that the simulation follows stands for "
        f"{stands}. Who leaves a tissue while it works returns; who is exhausted or senescent does not."
    )


def shares_words(teller: Teller) -> str:
    """How tissues count in the burden of the body, where there are several."""
    tissues = teller.settings.tissues
    if len(tissues) < 2 or teller.settings.mode == "well_mixed":
        return ""
    sizes = {name: organ_cells(tissue) for name, tissue in tissues.items()}
    total = max(1.0, sum(sizes.values()))
    told = listed(f"{name} {100 * size / total:.3g} %" for name, size in sizes.items())
    cited = teller.cite(*(f"tissues.{name}.represents" for name in tissues if tissues[name].represents is not None))
    return f"In the burden of the whole body, tissues count by the cells that they stand for: {told}{cited}."
