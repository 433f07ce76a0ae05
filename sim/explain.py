"""A scenario in words: the methods section of the paper, before anything runs. Most mistakes in scenarios die here."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator

from pydantic import ValidationError

from sim.rules.clearance import jamming, removal_hazard
from sim.rules.induction import damage_hazard
from sim.scenario.checks import extent_of, n_cells, tissue_of
from sim.scenario.factor import Factor, Response
from sim.scenario.ledger import assumed, declared, numbers_of, origin, shown
from sim.scenario.load import Scenario
from sim.scenario.schema import Event, Settings
from sim.scenario.section import DESIGN
from sim.scenario.tissue import Tissue
from sim.simulation import PLAN
from sim.tissue.parameters import total_decay

WIDTH = 100
DAYS_PER_YEAR = 365.25
_TIMES = ((1 / 1440, "s", 86400.0), (1 / 24, "min", 1440.0), (1.0, "h", 24.0), (60.0, "d", 1.0),
          (730.0, "mo", 1 / 30.4375))  # fmt: skip


def explain(scenario: Scenario) -> str:
    """The scenario as the methods section of a paper, wrapped to 100 columns.

    Tissues, factors and steps are told as the common part has them; arms by what they change.
    """
    common = _common_part(scenario)
    teller = _Teller(scenario, common)
    blocks = [f"{scenario.name} ({scenario.file}, hash {scenario.hash})"]
    if common.question:
        blocks.append(_wrap(f"Question. {common.question}"))
    blocks += [teller.tissue(name, tissue) for name, tissue in common.tissues.items()]
    blocks += [teller.factor(name, factor) for name, factor in common.factors.items()]
    blocks += [_arms(scenario), _events(scenario), _step(common), _scales(common), _record(common)]
    guesses = ", ".join(f"{row.path} {row.value}" for row in assumed(scenario)) or "nothing"
    blocks.append(_wrap(f"Assumed, not measured: {guesses}."))
    blocks += [_wrap(f"Note. {note}") for note in scenario.notes]
    return "\n\n".join(filter(None, blocks)) + "\n"


def duration(days: float) -> str:
    """``8.3 min``: a time in the unit that people would use."""
    if days == 0:
        return "0 d"
    for limit, unit, per_day in _TIMES:
        if days < limit:
            return f"{days * per_day:.3g} {unit}"
    return f"{days / DAYS_PER_YEAR:.3g} yr" if math.isfinite(days) else "no limit"


def size_words(tissue: Tissue) -> str:
    """``200 x 200 sites (3.0 x 3.0 mm)``."""
    sides = " x ".join(f"{side / 1000:.3g}" if side < 1000 else f"{side / 1000:.1f}" for side in extent_of(tissue))
    if tissue.shape is not None:
        return f"{' x '.join(map(str, reversed(tissue.shape)))} sites ({sides} mm)"
    count = n_cells(tissue)
    return f"{f'about {count:.0f}' if count else 'a table of'} cells in {sides} mm"


def _common_part(scenario: Scenario) -> Settings:
    """What the file says before arms; the first arm where that alone is no scenario."""
    try:
        return Settings.model_validate({key: value for key, value in scenario.tree.items() if key != "arms"})
    except ValidationError:
        return scenario.common


def _wrap(text: str, first: str = "", rest: str = "") -> str:
    return textwrap.fill(" ".join(text.split()), WIDTH, initial_indent=first, subsequent_indent=rest)


class _Teller:
    """Sentences about tissues and factors, with the source of every number that has one."""

    def __init__(self, scenario: Scenario, settings: Settings) -> None:
        self.scenario, self.settings = scenario, settings
        self.numbers = {path: (value, field) for path, value, field in numbers_of(settings)}

    def say(self, path: str) -> str:
        """The number at `path` with its unit."""
        value, field = self.numbers[path]
        return shown(value, declared(field)["unit"])

    def cite(self, *paths: str) -> str:
        """`` (source, confidence)`` of the numbers at `paths`; nothing for choices of the experimenter."""
        origins = (origin(self.scenario, path, *self.numbers[path]) for path in paths if path in self.numbers)
        words = dict.fromkeys(
            confidence if source.startswith("no source") else f"{source}, {confidence}"
            for source, confidence in origins
            if source != DESIGN
        )
        return f" ({'; '.join(words)})" if words else ""

    # ---------------------------------------------------------------------------------------------------- tissues

    def tissue(self, name: str, tissue: Tissue) -> str:
        """Paragraphs about one tissue."""
        at = f"tissues.{name}"
        parts = [self._cells(at, name, tissue), self._damage(at, tissue), self._contact(at, tissue)]
        parts += [self._clearance(at, tissue), self._repair(at, tissue)]
        return "\n".join(_wrap(part, "" if i == 0 else "  ", "  ") for i, part in enumerate(filter(None, parts)))

    def _cells(self, at: str, name: str, tissue: Tissue) -> str:
        words = f"{tissue.description.rstrip('.')}: " if tissue.description else ""
        walls = tissue.boundary if isinstance(tissue.boundary, str) else ", ".join(tissue.boundary)
        place = f"{size_words(tissue)}, {walls} walls"
        if tissue.shape is not None:
            place += f", cells {self.say(f'{at}.cell_spacing')} apart{self.cite(f'{at}.cell_spacing')}"
            place += f", {tissue.neighbourhood.replace('_', ' ')} neighbours"
        holes = f", {len(tissue.holes)} round places without cells" if tissue.holes else ""
        kinds = ", ".join(tissue.cell_types)
        old = f"{self.say(f'{at}.initial.burden')} of the cells are senescent at the start, since "
        old += f"{duration(tissue.initial.since_onset)}{self.cite(f'{at}.initial.burden')}."
        start = old if tissue.initial.burden > 0 else "No cell is senescent at the start."
        age = f"{duration(self.settings.age_at_start)} old on day 0"
        return f"Tissue {name}. {words}{place}{holes}, {age}. Cell types: {kinds}. {start}"

    def _damage(self, at: str, tissue: Tissue) -> str:
        damage = tissue.damage
        if damage.baseline == 0 and damage.per_year == 0:
            return "Damage: none."
        now = damage_hazard(self.settings.age_at_start / DAYS_PER_YEAR, damage.baseline, damage.per_year)
        averted = ""
        if tissue.maintenance > 0:
            averted = (
                f" Upkeep averts {100 * tissue.maintenance:.3g} % of all induction{self.cite(f'{at}.maintenance')}."
            )
        return (
            f"Damage turns {damage.baseline:.3g} % of the healthy cells senescent per day at age 0, rising by "
            f"{damage.per_year:.3g} % per day and year of age; {now:.3g} % per day on day 0"
            f"{self.cite(f'{at}.damage.baseline', f'{at}.damage.per_year')}.{averted}"
        )

    def _contact(self, at: str, tissue: Tissue) -> str:
        contact, parts = tissue.contact, []
        if contact.hazard > 0:
            ripe = f" that turned {duration(contact.mature_after)} ago or earlier" if contact.mature_after > 0 else ""
            parts.append(
                f"each senescent neighbour{ripe} adds {contact.hazard:.3g} per day{self.cite(f'{at}.contact.hazard')}"
            )
        if contact.at_once > 0:
            parts.append(
                f"a cell that turns takes each healthy neighbour along with chance {contact.at_once:.3g}"
                f"{self.cite(f'{at}.contact.at_once')}"
            )
        return f"Contact: {'; '.join(parts)}." if parts else ""

    def _clearance(self, at: str, tissue: Tissue) -> str:
        clearance, parts = tissue.clearance, []
        if clearance.max_rate > 0:
            where = "the whole tissue" if math.isinf(clearance.territory) else (
                f"the {self.say(f'{at}.clearance.territory')} around a cell"
            )  # fmt: skip
            left = f" Immune capacity is {clearance.capacity:.3g}." if clearance.capacity != 1 else ""
            used = [f"{at}.clearance.{key}" for key in ("max_rate", "half_saturation", "territory")]
            parts.append(
                f"Immune clearance removes at most {clearance.max_rate:.3g} % of the tissue per day, half of that at a "
                f"burden of {clearance.half_saturation:.3g} % in {where}{self.cite(*used)}.{left}"
            )
        if clearance.own_death > 0:
            parts.append(
                f"Senescent cells die by themselves at {clearance.own_death:.3g} per day"
                f"{self.cite(f'{at}.clearance.own_death')}."
            )
        if not parts:
            return "Clearance: none; senescent cells stay."
        burdens = sorted({tissue.initial.burden, 10.0})
        lives = " and ".join(f"{duration(self._half_life(tissue, x))} at a burden of {x:.3g} %" for x in burdens)
        return f"{' '.join(parts)} Half of a senescent cohort is gone after {lives}, jamming included."

    def _half_life(self, tissue: Tissue, burden: float) -> float:
        """Time [d] to lose half of a cohort at a steady `burden` [%] of mature primary cells; none turn."""
        clearance, left = tissue.clearance, 1.0
        for factor in self.settings.factors.values():
            if factor.jams_immunity is not None and factor.transport != "kernel":
                left *= jamming(burden * factor.secretion.strength, factor.jams_immunity.half_max)
        hazard = clearance.own_death + removal_hazard(
            burden, clearance.max_rate, clearance.half_saturation, clearance.capacity, left
        )
        return math.log(2) / hazard if hazard > 0 else math.inf

    def _repair(self, at: str, tissue: Tissue) -> str:
        repair = tissue.repair
        if repair.rate == 0:
            return "Repair: none; vacant sites stay vacant."
        parts = [
            f"Repair refills a vacant site amid healthy neighbours at {repair.rate:.3g} per day"
            f"{self.cite(f'{at}.repair.rate')}"
        ]
        if repair.decline > 0:
            parts.append(f"falling by exp(-{repair.decline:.3g} per year of age){self.cite(f'{at}.repair.decline')}")
        if repair.scar > 0:
            parts.append(f"{100 * repair.scar:.3g} % of vacancies scar instead{self.cite(f'{at}.repair.scar')}")
        if repair.division_limit is not None:
            limit = f"cells turn senescent at {repair.division_limit} divisions"
            parts.append(f"{limit}{self.cite(f'{at}.repair.division_limit')}")
        return f"{'; '.join(parts)}."

    # ---------------------------------------------------------------------------------------------------- factors

    def factor(self, name: str, factor: Factor) -> str:
        """Paragraphs about one factor: how it travels, who secretes it, what it does."""
        at = f"factors.{name}"
        acts = list(self._actions(at, factor))
        if not acts:
            acts = ["It acts on nothing, and is only recorded."]
        parts = [f"Factor {name} {self._travel(at, factor)}", self._secretion(at, factor), " ".join(acts)]
        return "\n".join(_wrap(part, "" if i == 0 else "  ", "  ") for i, part in enumerate(parts))

    def _travel(self, at: str, factor: Factor) -> str:
        if factor.transport == "kernel":
            assert factor.kernel is not None
            used = [f"{at}.kernel.{key}" for key in ("emission", "autocrine", "capture_length")]
            return (
                f"is given off at {factor.kernel.emission:.4g} ligands per hour, of which the cell itself takes "
                f"{100 * factor.kernel.autocrine:.3g} % and half of the others are bound within "
                f"{factor.kernel.capture_length:.4g} um{self.cite(*used)}."
            )
        used = [f"{at}.{key}" for key in ("reach", "decay_rate", "diffusivity")]
        if factor.own_decay == 0:
            spread = f"spreads with D = {factor.diffusivity:.3g} um^2/s{self.cite(*used)}"
            return f"does not decay and has no steady level; it {spread}."
        settle = f"settles in {duration(1 / factor.own_decay)} (1/k)"
        step = duration(self.settings.dt)
        pace = f"far less than the step of {step}, so that a step sees its steady level"
        if factor.own_decay * self.settings.dt < 10:
            pace = f"against a step of {step}; each step is taken exactly"
        if factor.transport == "well_mixed":
            return f"is the same everywhere{self.cite(f'{at}.decay_rate')}; it {settle}, {pace}."
        return (
            f"reaches {factor.length:.3g} um (sqrt(D/k), D = {factor.diffusivity:.3g} um^2/s) and {settle}, {pace}"
            f"{self.cite(*used)}."
        )

    def _secretion(self, at: str, factor: Factor) -> str:
        secretion = factor.secretion
        parts = [f"Full secretion {duration(secretion.delay + secretion.ramp)} after turning"]
        if secretion.delay > 0:
            parts[0] += f", the first after {duration(secretion.delay)}"
        parts[0] += self.cite(f"{at}.secretion.ramp")
        if math.isfinite(secretion.duration):
            parts.append(f"it ends {duration(secretion.duration)} later")
        if secretion.strength != 1:
            parts.append(f"strength {secretion.strength:.3g}")
        parts.append(f"secondary cells give {secretion.secondary:.3g} of it{self.cite(f'{at}.secretion.secondary')}")
        parts += [f"cells turned by {cause} give {share:.3g}" for cause, share in secretion.by_cause.items()]
        parts += [f"{kind} cells give {share:.3g}" for kind, share in secretion.by_type.items()]
        return f"{'; '.join(parts)}."

    def _actions(self, at: str, factor: Factor) -> Iterator[str]:
        if factor.induction is not None:
            yield f"Its level turns healthy cells senescent {self._response(f'{at}.induction', factor.induction)}."
        if factor.cargo is not None:
            taken = ", ".join(f"{kind} {value:.3g}" for kind, value in factor.affinity.items())
            used = [f"{at}.affinity.{kind}" for kind in factor.affinity]
            yield (
                f"Healthy cells take it up (affinity {taken}{self.cite(*used)}) and lose it over "
                f"{duration(factor.cargo.memory)}{self.cite(f'{at}.cargo.memory')}; the accumulated dose turns them "
                f"senescent {self._response(f'{at}.cargo.response', factor.cargo.response)}."
            )
        for key, what in (("jams_immunity", "clearance"), ("inhibits_repair", "repair")):
            if getattr(factor, key) is not None:
                path = f"{at}.{key}.half_max"
                yield f"A level of {self.say(path)} halves {what}{self.cite(path)}."

    def _response(self, at: str, response: Response) -> str:
        if response.hill is not None:
            hill = response.hill
            used = [f"{at}.hill.{key}" for key in ("max_rate", "half_max", "power")]
            half = f"half of it at {hill.half_max:.3g}, power {hill.power:.3g}"
            return f"at up to {hill.max_rate:.3g} per day, {half}{self.cite(*used)}"
        if response.linear is not None:
            return f"at {response.linear.rate:.3g} per day and unit{self.cite(f'{at}.linear.rate')}"
        assert response.poisson_tail is not None
        tail = response.poisson_tail
        used = [f"{at}.poisson_tail.{key}" for key in ("threshold", "rate")]
        chance = f"the chance that more than {tail.threshold} ligands bind in an hour"
        return f"at {tail.rate:.3g} per day times {chance}{self.cite(*used)}"


# ------------------------------------------------------------------------------------------------- the experiment


def _arms(scenario: Scenario) -> str:
    common = scenario.common
    lines = [_wrap(f"Arms. {len(scenario.arms)} x {common.replicates} replicates, seed {common.seed}. Replicates of "
                   "the same number share their luck across arms, cell by cell, until a difference acts.")]  # fmt: skip
    wide = max(map(len, scenario.arms))
    for name, patch in scenario.tree["arms"].items():
        changes = "; ".join(_changes(patch)) or "the common part as it stands"
        lines.append(_wrap(changes, f"  {name:<{wide}}  ", " " * (wide + 4)))
    return "\n".join(lines)


def _changes(patch: dict[str, object], at: str = "") -> Iterator[str]:
    """What an arm changes, by dotted path."""
    for key, value in patch.items():
        if isinstance(value, dict):
            yield from _changes(value, f"{at}{key}.")
        else:
            yield f"without {at}{key}" if value is None else f"{at}{key} = {shown(value, '')}"


def _events(scenario: Scenario) -> str:
    """Dated events with the arms that have them."""
    found: dict[tuple[float, str, str], list[str]] = {}
    for arm, settings in scenario.arms.items():
        for name, event in settings.events.items():
            found.setdefault((event.day, name, _event_words(event, settings)), []).append(arm)
    lines = ["Dated events."] if found else []
    for (day, name, words), arms in sorted(found.items()):
        which = "all arms" if len(arms) == len(scenario.arms) else "arm " + ", ".join(arms)
        lines.append(_wrap(f"day {day:g}, {name}: {words}; {which}.", "  ", "    "))
    return "\n".join(lines)


def _event_words(event: Event, settings: Settings) -> str:
    tissue = tissue_of(event, settings)
    place = "the centre" if event.at == "centre" else "(" + ", ".join(f"{x:g}" for x in event.at) + ") um"
    since = f", turned {duration(event.since_onset)} before," if event.senescent else ""
    cells = event.cells if event.cell_type else f"{event.cells} cells of the types that stand there"
    return f"{cells}{since} within {event.radius:g} um of {place} of {tissue}"


def _step(settings: Settings) -> str:
    head = (
        f"Step. {settings.n_steps} steps of {duration(settings.dt)} to day {settings.n_steps * settings.dt:g}; "
        "each does, in this order:"
    )
    wide = max(len(name) for name, _, _ in PLAN)
    return "\n".join([head, *(f"  {i}  {name:<{wide}}  {words}" for i, (name, words, _) in enumerate(PLAN, 1))])


def _scales(settings: Settings) -> str:
    """Lengths sqrt(D/k) and times 1/k, uptake by the cells included."""
    lines = []
    for name, factor in settings.factors.items():
        for where, tissue in settings.tissues.items():
            decay = total_decay(factor, tissue)
            if factor.transport == "diffusion" and decay > 0:
                length = math.sqrt(factor.diffusivity * 86400 / decay)
                spacing = tissue.cell_spacing if tissue.shape else tissue.cloud.voxel_spacing  # type: ignore[union-attr]
                lines.append(
                    f"  {name} in {where}: sqrt(D/k) {length:.3g} um = {length / spacing:.2g} "
                    f"{'cells' if tissue.shape else 'voxels'}, 1/k {duration(1 / decay)}"
                )
    head = (
        "Lengths and times. One unit of a factor is its steady level at a uniform burden of 1 % mature primary cells."
    )
    return "\n".join([_wrap(head), *lines]) if lines else ""


def _record(settings: Settings) -> str:
    record = settings.record
    maps = ""
    if record.maps and record.days:
        maps = f", maps of {', '.join(record.maps)} on days {', '.join(f'{day:g}' for day in record.days)}"
    stop = f" A run ends early at {settings.stop.count} cells turned by {settings.stop.cause}." if settings.stop else ""
    return _wrap(f"Records. A row per {duration(record.every)}, on the first and on the last day{maps}.{stop}")
