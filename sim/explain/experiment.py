"""What is done to the tissues and what is written down: arms, events, steps, scales, records."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sim.explain.blood import shares_words
from sim.explain.calendar import changes_of, listed_days
from sim.explain.words import Teller, listed, paragraph, wrap
from sim.organism.blood import in_blood
from sim.scenario.event import Event
from sim.scenario.ledger import shown
from sim.scenario.load import Scenario
from sim.scenario.organism_checks import sites_of_graft
from sim.scenario.places import tissue_of
from sim.scenario.quantity import duration
from sim.scenario.schema import Settings
from sim.tissue.parameters import total_decay


def arms_words(scenario: Scenario) -> str:
    """The arms by what they change."""
    common = scenario.common
    lines = [wrap(f"Arms. {len(scenario.arms)} x {common.replicates} replicates, seed {common.seed}. Replicates of "
                  "the same number share their luck across arms, cell by cell, until a difference acts.")]  # fmt: skip
    wide = max(map(len, scenario.arms))
    for name in scenario.arms:
        changes = "; ".join(changes_of(scenario, name)) or "the common part as it stands"
        lines.append(wrap(changes, f"  {name:<{wide}}  ", " " * (wide + 4)))
    return "\n".join(lines)


def events_words(scenario: Scenario) -> str:
    """Dated events with the arms that have them."""
    found: dict[tuple[float, str, str, str], list[str]] = {}
    for arm, settings in scenario.arms.items():
        teller = Teller(scenario, settings, arm)
        for name, event in settings.events.items():
            words = _event(teller, f"events.{name}", event)
            found.setdefault((event.day, name, _when(event, settings), words), []).append(arm)
    lines = ["Dated events."] if found else []
    for (_, name, when, words), arms in sorted(found.items()):
        which = "all arms" if len(arms) == len(scenario.arms) else "arm " + ", ".join(arms)
        lines.append(wrap(f"{when}, {name}: {words}; {which}.", "  ", "    "))
    return "\n".join(lines)


def _when(event: Event, settings: Settings) -> str:
    """``days 7, 14, 21 ... 196, every 7 d``: the day of an event, or its days."""
    days = event.days(settings.days) or [event.day]
    return listed_days(days) + (f", every {duration(event.interval)}" if len(days) > 1 and event.interval else "")


def _event(teller: Teller, at: str, event: Event) -> str:
    """What is done, where, and what follows."""
    where = _place(event, teller.settings)
    if event.kind == "graft":
        since = f", turned {duration(event.since_onset)} before," if event.senescent else ""
        cells = event.cells if event.cell_type else f"{event.cells} cells of the types that stand there"
        return f"{cells}{since} {where}"
    if event.kind == "removal":
        some = f"{100 * event.found:.3g} % of " if event.found < 1.0 else ""
        return f"{some}the senescent cells {where} are taken out{teller.cite(f'{at}.found') if some else ''}"
    share = f"{100 * event.share:.3g} % of the healthy cells"
    turn = f"turn senescent{_period(event)}{teller.cite(*(f'{at}.{key}' for key in ('share', 'delay', 'duration')))}"
    if event.kind == "wound":
        margin = f"in the {event.margin:g} um around it{teller.cite(f'{at}.margin')}"
        follows = f"; {share} {margin} {turn}" if event.share > 0 else ""
        return f"a wound removes all cells {where}{follows}"
    if event.kind == "irradiation" and event.penetration_depth is not None:
        cited = teller.cite(f"{at}.penetration_depth")
        share += f" at the surface (falling to 1/e per {event.penetration_depth:g} um of depth{cited})"
    return f"{event.kind}: {share} {where} {turn}"


def _place(event: Event, settings: Settings) -> str:
    tissue = tissue_of(event, settings)
    if math.isinf(event.radius):
        return f"in all of {tissue}"
    if event.n_cells is not None:
        sites = round(sites_of_graft(event, settings.tissues[tissue]))
        seen = f"{event.n_cells:.3g} cells of the organ, {sites} site{'s' * (sites > 1)} here"
        return f"({seen}) around {_middle(event)} of {tissue}"
    return f"within {event.radius:g} um of {_middle(event)} of {tissue}"


def _middle(event: Event) -> str:
    return "the centre" if event.at == "centre" else "(" + ", ".join(f"{x:g}" for x in event.at) + ") um"


def _period(event: Event) -> str:
    """When cells turn, counted from the event."""
    start, end = duration(event.delay), duration(event.delay + event.duration)
    if event.duration > 0:
        return f" between {start} and {end} later"
    return f" {start} later" if event.delay > 0 else " at once"


def own_words(settings: Settings) -> str:
    """What rules of one's own do, which are in no file that is read here."""
    lines = []
    for name, own in settings.own_causes.items():
        numbers = ", ".join(f"{key} {shown(value, '')}" for key, value in own.numbers.items())
        whom = "healthy" if own.becomes == "senescent" else "senescent"
        lines.append(f"{name}: {whom} cells become {own.becomes}" + (f", with {numbers}." if numbers else "."))
    if not lines:
        return ""
    return wrap(f"Rules of your own, of an engine of your own (docs/extending.md). {' '.join(lines)}")


def body_words(teller: Teller) -> str:
    """How tissues count, fluctuation and death."""
    body, tissues = teller.settings.body, teller.settings.tissues
    counted = shares_words(teller)
    parts = [f"Body. {counted}"] if counted else []
    if body.fluctuation > 0:
        variance = f"{2 * body.fluctuation:.3g} %^2 a day{teller.cite('body.fluctuation')}"
        alike = "in all tissues alike"
        if len(tissues) > 1 and body.systemic_share < 1:
            cited = teller.cite("body.systemic_share")
            alike = f"{100 * body.systemic_share:.3g} % of it {alike}{cited}, the rest in each by its own luck"
        shared = [name for name, tissue in tissues.items() if tissue.clearance.saturation == "body"]
        if shared and len(tissues) > 1:
            alike += f"; in {listed(shared)} the common part follows the burden of the body, not that of the tissue"
        parts.append(f"{'' if parts else 'Body. '}Its burden fluctuates from day to day, a random walk whose variance "
                     f"grows by {variance}: healthy cells turn or senescent ones go, {alike}.")  # fmt: skip
    if body.death is not None:
        how = "at" if body.death.steepness is None else "with a hazard of a half per day at"
        parts.append(
            f"It dies {how} a whole-body burden of {body.death.burden:.3g} %{teller.cite('body.death.burden')}."
        )
        if (other := body.death.other) is not None:
            cited = teller.cite("body.death.other.rate", "body.death.other.doubling_time")
            rising = f", doubling every {duration(other.doubling_time)}" if math.isfinite(other.doubling_time) else ""
            parts.append(f"It also dies of other causes, at {other.rate:.3g} per day at age 0{rising}{cited}.")
    return paragraph(parts)


def step_words(settings: Settings, plan: Sequence[tuple[str, str, str]]) -> str:
    """What one step does, in its order."""
    head = (
        f"Step. {settings.n_steps} steps of {duration(settings.dt)} to day {settings.n_steps * settings.dt:g}; "
        "each does, in this order:"
    )
    wide = max(len(name) for name, _, _ in plan)
    return "\n".join([head, *(f"  {i:>2}  {name:<{wide}}  {words}" for i, (name, words, _) in enumerate(plan, 1))])


def scales_words(settings: Settings) -> str:
    """Lengths sqrt(D/k) and times 1/k, uptake by the cells and what leaks into the blood included."""
    lines = []
    for name, factor in settings.factors.items():
        for where, tissue in settings.tissues.items():
            decay = total_decay(factor, tissue) + (factor.blood.exchange(where) if factor.blood else 0.0)
            if factor.transport == "diffusion" and decay > 0 and not tissue.well_mixed:
                length = math.sqrt(factor.diffusivity * 86400 / decay)
                spacing = tissue.cell_spacing if tissue.shape else tissue.cloud.voxel_spacing  # type: ignore[union-attr]
                lines.append(
                    f"  {name} in {where}: sqrt(D/k) {length:.3g} um = {length / spacing:.2g} "
                    f"{'cells' if tissue.shape else 'voxels'}, 1/k {duration(1 / decay)}"
                )
    head = (
        "Lengths and times. One unit of a factor is its steady level at a uniform burden of 1 % mature primary cells"
        f"{', if nothing leaked into the blood' if in_blood(settings) else ''}."
    )
    return "\n".join([wrap(head), *lines]) if lines else ""


def record_words(settings: Settings) -> str:
    """What is written down, and what ends a run early."""
    record = settings.record
    maps = ""
    if record.maps and settings.map_days:
        maps = f", maps of {', '.join(record.maps)} on {listed_days(settings.map_days)}"
    if record.checkpoints:
        maps += f", the whole state on days {', '.join(f'{day:g}' for day in record.checkpoints)}"
    stop = f" A run ends early at {settings.stop.count} cells turned by {settings.stop.cause}." if settings.stop else ""
    return wrap(f"Records. A row per {duration(record.every)}, on the first and on the last day{maps}.{stop}")
