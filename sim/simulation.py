"""Simulation: one arm, one replicate. The plan of a step is printed and run from the same list; knows no Mesa."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sim.brownian import increment
from sim.engines import Choice, Engine, check_engine, make_engine
from sim.errors import ScenarioError
from sim.observe import read_out
from sim.organism.body import Body
from sim.organism.dosing import Dosing
from sim.organism.functions import Functions
from sim.organism.individuals import embodied, traits
from sim.rng import BODY, OTHER_CAUSES, Purpose, Stream, tissue_codes
from sim.rules.induction import chance
from sim.rules.mortality import death_hazard, other_hazard
from sim.scenario import causes
from sim.scenario.schema import Settings
from sim.scenario.surroundings import in_environment
from sim.tissue.attribution import Attribution
from sim.tissue.events import Events
from sim.tissue.keeping import CodeMap, Part, State, as_columns, as_rows
from sim.tissue.patch import Happenings, Patch
from sim.tissue.pigment import Pigment
from sim.tissue.senders import SenderTracer, Transmission
from sim.tissue.state import ABSENT, SENESCENT

TRANSMISSION = {"day": float, "site": int, "code": int, "sender": int, "generation": int}

PLAN = (  # name, words, method: one step, top to bottom
    ("events", "grafts, wounds and other outside events of these days", "_happen_now"),
    ("dose", "doses that are due are given, unless a read-out forbids", "_dose"),
    ("pharmacokinetics", "drugs spread and decay; their mean effects over the step", "_act"),
    ("secrete", "senescent cells give off factors", "_secrete"),
    ("transport", "factors spread and decay, one exact step", "_transport"),
    ("take up", "healthy cells accumulate cargo", "_take_up"),
    ("immunity", "immune capacity follows age, and what ages or kills immune cells", "_age_immunity"),
    ("fluctuate", "the body raises or lowers the burden of the day", "_fluctuate"),
    ("patrol", "immune cells enter, walk, find and kill, each by its own clock", "_patrol"),
    ("decide", "every site draws its fate from the old state", "_decide"),
    ("apply", "all fates come true at once", "_apply"),
    ("pigment", "melanocytes wake, make melanin and hand it over; the epidermis sheds it", "_pigment"),
    ("read out", "functions of tissues follow burden and factors", "_read_out"),
    ("survive", "the individual dies if its burden is too high", "_survive"),
)


@dataclass(frozen=True)
class Phase:
    """One line of the plan of a step."""

    name: str
    words: str
    run: Callable[[], None]


class Simulation:
    """One run of one arm.

    Parameters
    ----------
    settings : Settings
        The arm, complete.
    replicate : int
        Which luck; arms with the same replicate share it, cell by cell.
    seed : int, optional
        Instead of the seed of the settings.
    engine : str or subclass of `CompiledEngine` or `AgentsEngine`
        ``compiled`` or ``agents`` (the states are the same); or one with rules of your own: the class, or its name
        ``MODULE:CLASS``. It makes the engine of every tissue.
    threads : int
        Threads of the compiled engine and of the transforms; the states are the same.
    places_of : int, optional
        Replicate whose traits, and whose cells of a random packing, it has, where it goes on from the past of another.

    Attributes
    ----------
    arm_settings, settings : Settings
        Those of the arm, as given; and those of this individual, with its traits.
    traits : Traits
        What this individual brings along, (1,) each.
    step_index : int
        Steps taken.
    day : float
        Time of the state [d].
    patches : dict of Patch
        Tissues by name.
    pigments : dict of Pigment
        Melanin by tissue; of those with the section `pigment`.
    attributions : dict of Attribution
        Who made which cell senescent, by tissue; empty unless ``record.attribution`` asks for it.
    died : bool
        Whether the individual has died, by ``body.death``.

    Raises
    ------
    ScenarioError
        If the engine is unknown or lacks the rules of ``own_causes``, or the scenario has no cells (``mode:
        well_mixed``, see `sim.cohort`).
    """

    def __init__(
        self,
        settings: Settings,
        replicate: int = 0,
        seed: int | None = None,
        engine: Choice = "compiled",
        threads: int = 1,
        places_of: int | None = None,
    ) -> None:
        check_engine(engine, [settings])
        if settings.mode == "well_mixed":
            raise ScenarioError("mode: must be tissue where there are cells to look at, got 'well_mixed' (see sim.run)")
        self.replicate = replicate
        self.seed = settings.seed if seed is None else seed
        self.places_of = replicate if places_of is None else places_of
        self.arm_settings = settings
        self.traits = traits(settings, self.places_of, 1, self.seed)
        self.settings = settings = embodied(in_environment(settings), self.places_of, self.seed)
        self.step_index = 0
        self.day = 0.0
        self._luck = Stream(self.seed, BODY, replicate)  # of the body as a whole
        codes = tissue_codes(settings.tissues)
        self.patches = {}
        for name in settings.tissues:
            luck, places = (Stream(self.seed, codes[name], each) for each in (replicate, self.places_of))
            self.patches[name] = Patch(settings, name, luck, places, threads)
        self.body = Body(settings, self.patches)
        self.functions = Functions(settings, self.patches, read_out)
        resting = {name: each.pigment for name, each in self.arm_settings.tissues.items() if each.pigment is not None}
        self.pigments = {name: Pigment(self.patches[name], settings.dt, law) for name, law in resting.items()}
        self.events = {name: Events(settings, patch) for name, patch in self.patches.items()}
        self.dosing = Dosing(settings, self.patches)
        self.transmissions: dict[str, list[Transmission]] = {name: [] for name in self.patches}
        self._tracers = {name: SenderTracer(settings, patch) for name, patch in self.patches.items()}
        recorded = self.patches.items() if settings.record.attribution else ()
        self.attributions = {name: Attribution(settings, patch) for name, patch in recorded}
        self._decided: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self.engines: dict[str, Engine] = {name: make_engine(engine, patch) for name, patch in self.patches.items()}
        self.died = False
        self._happen()  # the events of day 0 belong to the first state

    def plan(self) -> tuple[Phase, ...]:
        """One step, top to bottom (shown by ``senodrift explain``)."""
        return tuple(Phase(name, words, getattr(self, method)) for name, words, method in PLAN)

    def step(self) -> None:
        """Advance by one dt."""
        for phase in self.plan():
            phase.run()
        self.step_index += 1
        self.day = self.step_index * self.settings.dt

    @property
    def finished(self) -> bool:
        """Whether the individual is dead, or the horizon or the stop condition of the scenario is reached."""
        if self.died or self.step_index >= self.settings.n_steps:
            return True
        stop = self.settings.stop
        if stop is None:
            return False
        here = [patch for patch in self.patches.values() if stop.cause in patch.event_names]
        return sum(int(patch.cum[patch.event_names.index(stop.cause)]) for patch in here) >= stop.count

    # ------------------------------------------------------------------------------------------------- checkpoints

    def _parts(self) -> dict[str, Part]:
        """All that goes on from step to step, by name: what a checkpoint is to keep joins here."""
        parts: dict[str, Part] = {"dosing": self.dosing}
        if self.body.blood or self.body.pools:
            parts["body"] = self.body
        parts |= {f"tissue_{name}": patch for name, patch in self.patches.items()}
        parts |= {f"events_{name}": events for name, events in self.events.items()}
        parts |= {f"patrols_{name}": patch.patrols for name, patch in self.patches.items() if patch.patrols.troops}
        parts |= {f"attribution_{name}": each for name, each in self.attributions.items()}
        parts |= {f"pigment_{name}": each for name, each in self.pigments.items()}
        return parts | ({"functions": self.functions} if self.functions else {})  # last: what is new looks around

    def state(self) -> State:
        """The whole state between two steps, as nested mappings of arrays; see `sim.experiment.checkpoint`."""
        return {
            "step": np.array(self.step_index),
            "died": np.array(self.died),
            "codes": np.array(causes.code_keys(self.settings)),
            "transmissions": {name: as_columns(edges, TRANSMISSION) for name, edges in self.transmissions.items()},
            **{name: part.state() for name, part in self._parts().items()},
        }

    def restore(self, state: State) -> None:
        """Continue from `state`, bit for bit, in either engine.

        The settings may have other rates, and more events, drugs and treatments; what must be the same is checked by
        `sim.scenario.futures`.
        """
        codes = CodeMap(state["codes"].tolist(), self.settings)
        self.step_index = int(state["step"])
        self.died = bool(state.get("died", False))  # checkpoints of before know nothing of death
        self.day = self.step_index * self.settings.dt
        for name, part in self._parts().items():
            part.restore(state.get(name, {}), codes)  # checkpoints of before know nothing of the body
        for name, patch in self.patches.items():
            edges = state["transmissions"][name]
            rows = as_rows({**edges, "code": codes.of(edges["code"])}, TRANSMISSION)
            self.transmissions[name] = [Transmission(*row) for row in rows]
            self.engines[name].refresh(np.flatnonzero(patch.cells.state != ABSENT))

    # ------------------------------------------------------------------------------------------------ the phases

    def _happen_now(self) -> None:
        if self.step_index > 0:
            self._happen()

    def _happen(self) -> None:
        for name, patch in self.patches.items():
            changed = self.events[name].happen(self.day, self.step_index)
            self.engines[name].refresh(changed)
            if name in self.pigments:
                self.pigments[name].shed(changed)
            if name in self.attributions:
                self.attributions[name].follow(changed, self.events[name].overwritten)
            if self.settings.generations == "tracked":
                now = patch.cells.state[changed] == SENESCENT
                by_contact = now & (patch.cells.cause[changed] == causes.CONTACT)
                self._trace_at_once(name, changed[by_contact], changed[now & ~by_contact], self.day)

    def _dose(self) -> None:
        self.dosing.dose(self.step_index, lambda tissue, name: read_out(self.patches[tissue], name))

    def _act(self) -> None:
        self.dosing.act(self.step_index)

    def _secrete(self) -> None:
        for patch in self.patches.values():
            patch.secrete(self.day)

    def _transport(self) -> None:
        self.body.transport(self.dosing.in_plasma)

    def _take_up(self) -> None:
        for engine in self.engines.values():
            engine.take_up()

    def _age_immunity(self) -> None:
        self.body.tell_burden()
        for patch in self.patches.values():
            patch.age_immunity(self.day, self.settings.dt)

    def _fluctuate(self) -> None:
        strength, shared, dt = self.settings.body.fluctuation, self.settings.body.systemic_share, self.settings.dt
        if strength == 0.0:
            return
        systemic = math.sqrt(2.0 * strength * shared) * increment(self._luck, self.step_index, dt)
        alone = math.sqrt(2.0 * strength * (1.0 - shared))
        for patch in self.patches.values():
            own = alone * increment(patch.stream, self.step_index, dt) if alone > 0.0 else 0.0
            patch.fluctuate(systemic, own, dt)

    def _patrol(self) -> None:
        t_next = (self.step_index + 1) * self.settings.dt
        self.body.circulate(self.day)
        for name in sorted(self.patches):
            patch = self.patches[name]
            if patch.patrols.troops:
                patch.recruit(self.day)
                self.engines[name].patrol(t_next)
                patch.patrols.retire(t_next)

    def _decide(self) -> None:
        for name, engine in self.engines.items():
            self._decided[name] = self.patches[name].patrols.merge(*engine.decide(self.day, self.step_index))

    def _apply(self) -> None:
        t_next = (self.step_index + 1) * self.settings.dt
        for name, patch in self.patches.items():
            sites, codes = self._decided[name]
            if name in self.attributions:
                self.attributions[name].attribute(sites, codes, self.day)
            if sites.size == 0:
                continue
            patch.note_cleared(sites, codes)
            generations = self._generations(name, sites, codes, t_next)
            counts, turned = self.engines[name].apply(Happenings(sites, codes, generations), t_next, self.step_index)
            patch.cum += counts
            changed = np.union1d(sites, turned) if turned.size else sites
            patch.secretion.note(changed)
            if name in self.attributions:
                self.attributions[name].follow(changed)
            patch.draw_evasion(changed, t_next, self.step_index)
            if patch.evades:
                self.engines[name].refresh(changed)
            if self.settings.generations == "tracked" and patch.parameters.numbers.at_once > 0.0:
                newly = sites[(patch.cells.state[sites] == SENESCENT) & (patch.cells.cause[sites] != causes.CONTACT)]
                self._trace_at_once(name, turned, newly, t_next)

    def _pigment(self) -> None:
        for pigment in self.pigments.values():
            pigment.advance()

    def _read_out(self) -> None:
        self.functions.advance()

    def _survive(self) -> None:
        death, dt = self.settings.body.death, self.settings.dt
        if death is None:
            return
        if death.steepness is None:
            self.died = self.body.burden >= death.burden
        else:
            hazard = death_hazard(self.body.burden, death.burden, death.steepness)
            self.died = self._luck.uniform(Purpose.DEATH, self.step_index, 0) < chance(hazard, dt)
        if death.other is not None:
            age = self.settings.age_at_start + self.day + 0.5 * dt
            hazard = other_hazard(age, death.other.rate, death.other.doubling_time)
            u = self._luck.uniform(Purpose.DEATH, self.step_index, 0, OTHER_CAUSES)
            self.died = self.died or u < chance(hazard, dt)

    def _generations(self, name: str, sites: np.ndarray, codes: np.ndarray, t_next: float) -> np.ndarray:
        """0 for cells that turn by themselves; 1 for induced ones, or the sender's plus 1 where senders are tracked."""
        induced = (codes == causes.CONTACT) | (
            (codes >= causes.FIRST_FACTOR) & (codes < causes.first_event(self.settings))
        )  # drugs make primary cells
        generations = induced.astype(np.uint8)
        if self.settings.generations == "tracked":
            tracer = self._tracers[name]
            edges = tracer.trace(sites[induced], codes[induced], self.day, t_next, self.step_index)
            generations[induced] = [edge.generation for edge in edges]
            self.transmissions[name] += edges
        return generations

    def _trace_at_once(self, name: str, turned: np.ndarray, newly: np.ndarray, t_next: float) -> None:
        edges = self._tracers[name].trace_at_once(turned, newly, t_next, self.step_index)
        self.patches[name].cells.generation[turned] = [edge.generation for edge in edges]
        self.transmissions[name] += edges
        self.engines[name].refresh(turned)
